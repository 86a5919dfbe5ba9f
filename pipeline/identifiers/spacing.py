"""Text enters, the same text with single spaces leaves, and with it the way back to where each character stood."""

import re
from bisect import bisect_right
from dataclasses import dataclass

_SPACES = re.compile(r"\s{2,}")


@dataclass(frozen=True, slots=True)
class Squeezed:
    """A text without rows of white space. cuts: where something was left out; shifts: how much, up to there."""

    text: str
    cuts: tuple[int, ...]
    shifts: tuple[int, ...]

    def back(self, position: int) -> int:
        """Return where a character of the squeezed text stands in the whole text."""
        at = bisect_right(self.cuts, position)
        return position + (self.shifts[at - 1] if at else 0)


def squeezed(text: str) -> Squeezed:
    """Squeeze every row of white space: to a blank line where there is one, else to a line break, else to a space."""
    pieces: list[str] = []
    cuts: list[int] = []
    shifts: list[int] = []
    position = length = shift = 0
    for match in _SPACES.finditer(text):
        lines = match[0].count("\n")
        space = "\n\n" if lines > 1 else "\n" if lines else " "
        pieces += [text[position : match.start()], space]
        length += match.start() - position + len(space)
        shift += match.end() - match.start() - len(space)
        if shift != (shifts[-1] if shifts else 0):
            cuts.append(length)
            shifts.append(shift)
        position = match.end()
    return Squeezed("".join([*pieces, text[position:]]), tuple(cuts), tuple(shifts))
