"""Cues and what the recogniser heard enter, the words of the cues that a person should listen to leave; pure."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

from pipeline.model import Cue, HeardWord

UNSURE = 0.5
_NEAR_MS = 500  # a recogniser's word may begin so much outside the cue that holds it
_WORD = re.compile(r"[^\W_]+(?:['\u2019.-][^\W_]+)*")


def doubts(cues: Sequence[Cue], heard: Sequence[HeardWord]) -> list[list[Any]]:
    """Find the words of a transcript of which its recogniser was not sure.

    A word is looked for in the cue that is said when it was heard, in order with its neighbours; one that a person has
    put another in the place of is not found, and no longer marked.

    Args:
        cues: ascending by start.
        heard: in the order they were said, on the same clock.

    Returns:
        For each: the number of the cue from 0, the first character and the one after the last in its words, when it
        is said (ms), and why: `unsure`, or the doubt that the recogniser wrote down.
    """
    sane = sorted(filter(_is_sane, heard), key=lambda word: word.start_ms)
    starts = [word.start_ms for word in sane]
    found: list[list[Any]] = []
    for number, cue in enumerate(cues):
        first, last = bisect_left(starts, cue.start_ms - _NEAR_MS), bisect_left(starts, cue.end_ms + _NEAR_MS)
        said = sane[first:last]
        if any(map(_is_doubtful, said)):
            found += ([number, *place] for place in _in_cue(cue, said))
    return found


def _in_cue(cue: Cue, said: Sequence[HeardWord]) -> list[list[Any]]:
    written = list(_WORD.finditer(cue.text))
    spoken = [(folded, word) for word in said for folded in map(_folded, _WORD.findall(word.text))]
    matcher = SequenceMatcher(None, [_folded(word[0]) for word in written], [each[0] for each in spoken], False)
    places: list[list[Any]] = []
    for block in matcher.get_matching_blocks():
        for step in range(block.size):
            place, word = written[block.a + step], spoken[block.b + step][1]
            if _is_doubtful(word):
                places.append([place.start(), place.end(), word.start_ms, word.doubt or "unsure"])
    return places


def _folded(word: str) -> str:
    return word.casefold().replace("\u2019", "'")


def _is_doubtful(word: HeardWord) -> bool:
    return bool(word.doubt) or word.probability < UNSURE


def _is_sane(word: HeardWord) -> bool:
    # A row of the file may hold anything that JSON can.
    times = type(word.start_ms) is int and type(word.end_ms) is int
    texts = isinstance(word.text, str) and isinstance(word.doubt, str)
    return times and texts and isinstance(word.probability, int | float)
