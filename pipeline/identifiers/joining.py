"""Cues enter, one text leaves in which what a speaker says stands together, with the way back to the cues."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.model import Cue


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The words of cues as one text. starts, ends: of each cue in it, characters."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def cues_of(self, start: int, end: int) -> range:
        """Return the indices of the cues that a range of characters touches."""
        first = bisect_right(self.ends, start)
        after = bisect_left(self.starts, end)
        return range(first, max(first, after))

    def part(self, start: int, end: int, index: int) -> tuple[int, int] | None:
        """Return the characters of a range that stand in one cue, counted in that cue's own text; None for none."""
        first, after = max(start, self.starts[index]), min(end, self.ends[index])
        return (first - self.starts[index], after - self.starts[index]) if first < after else None


def joined(cues: Sequence[Cue]) -> Joined:
    """Join cues: those of one speaker in a row with a space, a change of speaker is a new line.

    Args:
        cues: ascending by start.
    """
    pieces: list[str] = []
    starts, ends = [], []
    length = 0
    for before, cue in zip((None, *cues), cues, strict=False):
        mark = "" if before is None else " " if before.speaker == cue.speaker else "\n"
        pieces += [mark, cue.text]
        starts.append(length + len(mark))
        length += len(mark) + len(cue.text)
        ends.append(length)
    return Joined(text="".join(pieces), starts=tuple(starts), ends=tuple(ends))
