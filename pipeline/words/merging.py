"""Three versions of a sequence enter, one leaves: what a person changed, and what a newer draft changed elsewhere."""

from collections.abc import Hashable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def merged(base: Sequence[T], mine: Sequence[T], theirs: Sequence[T]) -> list[T]:
    """Merge two versions that came of one.

    Args:
        base: what both came of.
        mine: as a person changed it: where both changed the same place, this wins.
        theirs: a newer draft.

    Returns:
        `mine`, with what `theirs` changed where `mine` still was as `base`.
    """
    made: list[T] = []
    at, in_mine, in_theirs = 0, 0, 0
    for first, after, mine_first, theirs_first in _kept_by_both(base, mine, theirs):
        made += _chosen(base[at:first], mine[in_mine:mine_first], theirs[in_theirs:theirs_first])
        made += base[first:after]
        at, in_mine, in_theirs = after, mine_first + after - first, theirs_first + after - first
    made += _chosen(base[at:], mine[in_mine:], theirs[in_theirs:])
    return made


def _chosen(base: Sequence[T], mine: Sequence[T], theirs: Sequence[T]) -> Sequence[T]:
    if len(base) == len(mine) == len(theirs):  # one by one: what stands next to a change may still be as it was
        each = zip(base, mine, theirs, strict=True)
        return [newer if own == before else own for before, own, newer in each]
    return theirs if list(mine) == list(base) else mine


def _kept_by_both(base: Sequence[T], mine: Sequence[T], theirs: Sequence[T]) -> Iterator[tuple[int, int, int, int]]:
    """Find the stretches of `base` that stand in both: from, to, and where each begins in `mine` and in `theirs`."""
    others = _matches(base, theirs)
    number = 0
    for first, mine_first, size in _matches(base, mine):
        while number < len(others) and sum(others[number][::2]) <= first:
            number += 1
        for other, theirs_first, length in others[number:]:
            start, end = max(first, other), min(first + size, other + length)
            if start < end:
                yield start, end, mine_first + start - first, theirs_first + start - other
            if other >= first + size:
                break


def _matches(base: Sequence[T], other: Sequence[T]) -> list[tuple[int, int, int]]:
    matcher = SequenceMatcher(None, base, other, autojunk=False)
    return [(block.a, block.b, block.size) for block in matcher.get_matching_blocks() if block.size]
