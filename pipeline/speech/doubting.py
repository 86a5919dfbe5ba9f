"""Heard words enter, the same words leave, each with the reason why a person should listen to it, if there is one."""

from bisect import bisect_left
from collections.abc import Sequence

from pipeline.model import Cue, HeardWord

UNSURE, REPEATED, SILENCE = "unsure", "repeated", "silence"
SURE = 0.5  # a word of a lower probability counts as unsure
_LONGEST_PHRASE = 20
_TIMES_SAID = {1: 4, 2: 3, 3: 3}  # words of a phrase -> so often in a row is more than people say it; longer ones twice
_SHOWN = 6
_ABOUT = {
    SILENCE: "perhaps nobody speaks here",
    REPEATED: "said again, or only heard again",
    UNSURE: "not sure of",
}


def doubted(words: Sequence[HeardWord]) -> tuple[HeardWord, ...]:
    """Doubt what is repeated, and what the recogniser itself gives a low probability.

    Args:
        words: in the order in which they were heard; the doubts that they have stay.
    """
    again = _repeats(words)
    return tuple(word._replace(doubt=word.doubt or _doubt(word, index in again)) for index, word in enumerate(words))


def checks(cues: Sequence[Cue], words: Sequence[HeardWord]) -> dict[int, str]:
    """Say what of a transcript a person should listen to.

    Args:
        cues: of the transcript.
        words: what was heard.

    Returns:
        A sentence for each cue in which words are doubted, by the start of the cue in ms.
    """
    doubts = sorted(
        (((word.start_ms + word.end_ms) // 2, word) for word in words if word.doubt), key=lambda row: row[0]
    )
    middles = [middle for middle, _ in doubts]
    inside = {
        cue.start_ms: doubts[bisect_left(middles, cue.start_ms) : bisect_left(middles, cue.end_ms)] for cue in cues
    }
    return {start_ms: _sentence([word for _, word in rows]) for start_ms, rows in inside.items() if rows}


def _doubt(word: HeardWord, is_repeated: bool) -> str:
    if is_repeated:
        return REPEATED
    return UNSURE if word.probability < SURE else ""


def _repeats(words: Sequence[HeardWord]) -> set[int]:
    """Find the words of phrases that stand several times in a row, but for the first time."""
    said = [_bare(word.text) for word in words]
    found = set[int]()
    for length in range(1, _LONGEST_PHRASE + 1):
        at = 0
        while at + 2 * length <= len(said):
            times = 1
            while said[at : at + length] == said[at + times * length : at + (times + 1) * length]:
                times += 1
            if times >= _TIMES_SAID.get(length, 2):
                found |= set(range(at + length, at + times * length))
            at += max(1, (times - 1) * length)
    return found


def _bare(text: str) -> str:
    return "".join(mark for mark in text.lower() if mark.isalnum())


def _sentence(words: Sequence[HeardWord]) -> str:
    parts = []
    for doubt, about in _ABOUT.items():
        texts = [text for word in words if word.doubt == doubt and (text := word.text.strip(" .,;:?!\u2026"))]
        more = ", \u2026" if len(texts) > _SHOWN else ""
        if texts:
            parts.append(f"{about}: {', '.join(texts[:_SHOWN])}{more}")
    return "; ".join(parts)
