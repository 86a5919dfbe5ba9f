"""The heights of an episode's sound in, a small picture of them as SVG out, for show beside the player."""

from collections.abc import Sequence
from itertools import pairwise

BARS = 200
WIDTH_PX, HEIGHT_PX = 1200, 96
# More than 4 to 1 against white and against black, so that the picture may stand on either.
COLOUR = "#2b7bc4"
_TOP = 100
_LEAST = 3  # a bar of silence is still a bar


def waveform_svg(heights: Sequence[int]) -> bytes:
    """Draw the heights as bars around a middle line.

    Args:
        heights: 0 to 100, one for each stretch of equal length; more than 200 are put together, the highest rules.

    Returns:
        SVG that stretches to the size of its image; the same heights give the same bytes.
    """
    bars = _bars(heights)
    path = "".join(f"M{4 * number + 2} {(_TOP - height) / 2:g}v{height}" for number, height in enumerate(bars))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH_PX}" height="{HEIGHT_PX}"'
        f' viewBox="0 0 {4 * len(bars)} {_TOP}" preserveAspectRatio="none">'
        f'<path d="{path}" stroke="{COLOUR}" stroke-width="2.5"/></svg>\n'
    ).encode()


def _bars(heights: Sequence[int]) -> list[int]:
    count = min(len(heights), BARS)
    edges = [number * len(heights) // count for number in range(count + 1)] if count else [0]
    highest = (max(heights[first:last]) for first, last in pairwise(edges))
    return [min(max(height, _LEAST), _TOP) for height in highest]
