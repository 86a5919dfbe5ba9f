"""Cues and what the recogniser heard enter, when each word of the cues is said and whether to doubt it leaves; pure."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

from pipeline.model import Cue, HeardWord

UNSURE = 0.5
_NEAR_MS = 500  # a recogniser's word may begin so much outside the cue that holds it
_WORD = re.compile(r"[^\W_]+(?:['\u2019.-][^\W_]+)*")


def placed(cues: Sequence[Cue], heard: Sequence[HeardWord]) -> list[list[list[Any]]]:
    """Find when the words of a transcript are said, and of which its recogniser was not sure.

    A word is looked for in the cue that is said when it was heard, in order with its neighbours; one that a person has
    put another in the place of is not found, and no longer doubted.

    Args:
        cues: ascending by start.
        heard: in the order they were said, on the same clock.

    Returns:
        For each cue, its words as far as they are found: the first character and the one after the last, when it is
        said (ms), and where it is doubtful, why: `unsure`, or the doubt that the recogniser wrote down.
    """
    sane = sorted(filter(_is_sane, heard), key=lambda word: word.start_ms)
    spoken = [(folded, word) for word in sane for folded in map(_folded, _WORD.findall(word.text))]
    starts = [word.start_ms for _, word in spoken]
    found = []
    for cue in cues:
        first, last = bisect_left(starts, cue.start_ms - _NEAR_MS), bisect_left(starts, cue.end_ms + _NEAR_MS)
        found.append(_in_cue(cue, spoken[first:last]))
    return found


def _in_cue(cue: Cue, spoken: Sequence[tuple[str, HeardWord]]) -> list[list[Any]]:
    written = list(_WORD.finditer(cue.text))
    texts = [_folded(place[0]) for place in written], [text for text, _ in spoken]
    places: list[list[Any]] = []
    for block in SequenceMatcher(None, *texts, False).get_matching_blocks():
        for step in range(block.size):
            place, word = written[block.a + step], spoken[block.b + step][1]
            why = [word.doubt or "unsure"] if _is_doubtful(word) else []
            places.append([place.start(), place.end(), word.start_ms, *why])
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
