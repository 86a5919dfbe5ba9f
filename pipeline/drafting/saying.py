"""A transcript enters, its sentences leave, each with its time, its voice and whether it may be quoted."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.model import Cue, Finding

Find = Callable[[str], Sequence[Finding]]

_END = re.compile(r"[.!?\u2026]+[\"'\u201d\u2019)\]]*(?=\s)")
_NO_END = re.compile(r"(?:^|[\s(])(?:[Dd]r|[Mm]rs?|[Mm]s|[Pp]rof|St|vs|e\.g|i\.e|etc|approx|[Nn]o|[A-Z])\.$")
_REMOVED = "[removed]"
_LONGEST_WORDS = 60  # a recogniser that sets no stops must not make one sentence of an hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """Something that was said. Times in ms of the transcript's clock; pause_ms: of silence before it.

    voice: whose words these are, as the transcript calls them; is_turn: somebody else spoke before; is_open: nothing
    in it, as far as was found, tells who a patient or a speaker without consent is.
    """

    start_ms: int
    end_ms: int
    text: str
    voice: str | None
    pause_ms: int
    is_turn: bool
    is_open: bool


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Cues of one voice in a row, as one text; starts: of each cue in it, characters."""

    cues: list[Cue]
    text: str
    starts: list[int]

    def time_ms(self, place: int) -> int:
        """Say when a character is said: cues share their time among their characters."""
        index = bisect_right(self.starts, place) - 1
        cue, inside = self.cues[index], place - self.starts[index]
        share = inside / max(len(cue.text), 1)
        return round(cue.start_ms + min(share, 1.0) * (cue.end_ms - cue.start_ms))


def sentences(cues: Sequence[Cue], *, find: Find, names: Sequence[re.Pattern[str]] = ()) -> tuple[Sentence, ...]:
    """Cut what was said into sentences.

    Args:
        cues: ascending by start.
        find: text to what could identify a patient; it is given all that was said at once, a turn a line.
        names: patterns of what else must not be repeated, such as the names of speakers without consent.

    Returns:
        The sentences in the order they were said.
    """
    stretches = list(_stretches(cues))
    whole = "\n".join(stretch.text for stretch in stretches)
    closed = [(each.start, each.end) for each in find(whole)]
    closed += [found.span() for pattern in names for found in pattern.finditer(whole)]
    closed.sort()
    made: list[Sentence] = []
    offset, last_ms = 0, 0
    for stretch in stretches:
        for number, (start, end) in enumerate(_cuts(stretch)):
            text = stretch.text[start:end]
            start_ms, end_ms = stretch.time_ms(start), stretch.time_ms(max(start, end - 1))
            hidden = any(first < offset + end and offset + start < after for first, after in closed)
            made.append(
                Sentence(
                    start_ms=start_ms,
                    end_ms=max(end_ms, start_ms),
                    text=text,
                    voice=stretch.cues[0].speaker,
                    pause_ms=max(0, start_ms - last_ms),
                    is_turn=number == 0 and bool(made),
                    is_open=not hidden and _REMOVED not in text,
                )
            )
            last_ms = max(last_ms, end_ms)
        offset += len(stretch.text) + 1
    return tuple(made)


def _stretches(cues: Sequence[Cue]) -> Iterator[_Stretch]:
    together: list[Cue] = []
    for cue in cues:
        if together and together[-1].speaker != cue.speaker:
            yield _stretch(together)
            together = []
        if cue.text.strip():
            together.append(cue)
    if together:
        yield _stretch(together)


def _stretch(cues: list[Cue]) -> _Stretch:
    starts, length = [], 0
    for cue in cues:
        starts.append(length)
        length += len(cue.text) + 1
    return _Stretch(cues, " ".join(cue.text for cue in cues), starts)


def _cuts(stretch: _Stretch) -> Iterator[tuple[int, int]]:
    text, start = stretch.text, 0
    for found in _END.finditer(text):
        if not _NO_END.search(text[start : found.end()]):
            yield from _short(stretch, start, found.end())
            start = found.end() + 1
    if text[start:].strip():
        yield from _short(stretch, start, len(text))


def _short(stretch: _Stretch, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut what has no stops at the ends of cues."""
    if stretch.text.count(" ", start, end) < _LONGEST_WORDS:
        yield start, end
        return
    for edge in stretch.starts:
        if start < edge < end and stretch.text.count(" ", start, edge) >= _LONGEST_WORDS // 2:
            yield start, edge - 1
            start = edge
    yield start, end
