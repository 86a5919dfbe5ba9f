"""Heard words enter, cues of at most two lines leave: cut at pauses, at ends of sentences, after clauses."""

from collections.abc import Iterator, Sequence

from pipeline.model import Cue, HeardWord

MAX_CUE_MS = 7_000
_MAX_CUE_CHARACTERS = 84  # two lines of 42
_PAUSE_MS = 800
_SHORT_CUE_MS = 2_000
_BREATH_MS = 150
_SENTENCE_ENDS = (".", "?", "!", "\u2026")
_CLAUSE_ENDS = (*_SENTENCE_ENDS, ",", ";", ":")


def cues(words: Sequence[HeardWord]) -> tuple[Cue, ...]:
    """Cut words into cues.

    A pause always begins a new cue, as somebody else may speak after it: who speaks is for a person to say.

    Args:
        words: what was heard.

    Returns:
        Cues of at most about 7 seconds and 84 characters, ascending by start, without speakers.
    """
    return tuple(_cues(sorted(words, key=lambda word: word.start_ms)))


def _cues(words: Sequence[HeardWord]) -> Iterator[Cue]:
    line: list[HeardWord] = []
    for word in words:
        if line and _is_complete(line, word):
            yield from _cue(line)
            line = []
        while line and not _fits([*line, word]):
            cut = _cut(line)
            yield from _cue(line[:cut])
            line = line[cut:]
        line.append(word)
    yield from _cue(line)


def _is_complete(line: list[HeardWord], following: HeardWord) -> bool:
    last = line[-1]
    if following.start_ms - last.end_ms >= _PAUSE_MS:
        return True
    return last.text.rstrip().endswith(_SENTENCE_ENDS) and last.end_ms - line[0].start_ms >= _SHORT_CUE_MS


def _fits(line: list[HeardWord]) -> bool:
    in_time = line[-1].end_ms - line[0].start_ms <= MAX_CUE_MS
    return in_time and len("".join(word.text for word in line).strip()) <= _MAX_CUE_CHARACTERS


def _cut(line: list[HeardWord]) -> int:
    """Say after how many words a line that is full is cut: after a clause, else at a breath, else where it is full."""
    later = range(len(line) // 2, len(line))
    if clauses := [index for index in later if line[index].text.rstrip().endswith(_CLAUSE_ENDS)]:
        return clauses[-1] + 1
    breaths = {index: line[index + 1].start_ms - line[index].end_ms for index in later if index + 1 < len(line)}
    longest = max(breaths, key=breaths.__getitem__, default=None)
    return longest + 1 if longest is not None and breaths[longest] >= _BREATH_MS else len(line)


def _cue(line: list[HeardWord]) -> Iterator[Cue]:
    text = " ".join("".join(word.text for word in line).split())
    if text:
        yield Cue(start_ms=line[0].start_ms, end_ms=max(word.end_ms for word in line), text=text)
