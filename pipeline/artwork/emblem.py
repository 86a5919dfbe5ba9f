"""The emblem, a double helix of clinicians and managers, as SVG text: as an icon, and as the ground of drawn images.

No gradients and no words: plain shapes come out the same on every machine, and words are set by `lettering`.
"""

import math
from collections.abc import Iterator

from pipeline.model import Caption

# Colours of the NHS design system: dark blue, white, aqua green, and the tints of blue that its styles use.
GROUND = "#003087"
CLINICIANS = "#ffffff"
MANAGERS = "#00a499"
INK = "#ffffff"
SOFT_INK = "#c7dcef"
RUNGS = "#337ec6"
ICON_PX = 64
CARD_PX = (1200, 630)
SQUARE_PX = 3000
_SQUARE_UNITS = 1000


def icon(*, fills_square: bool = False) -> str:
    """Draw the emblem on a tile, to be seen at 16 pixels as well as large.

    Args:
        fills_square: for systems that cut icons to their own shape: no round corners, and room around the helix.
    """
    drawn = "".join(_helix(middle=32, top=6, crossings=2, half_turn=26, reach=15, strand=7, rungs=(-0.5, 0.5), rung=4))
    if fills_square:
        drawn = f'<g transform="translate(8.96 8.96) scale(0.72)">{drawn}</g>'
    corner = "" if fills_square else ' rx="12"'
    return _svg(ICON_PX, ICON_PX, f'<rect width="64" height="64"{corner} fill="{GROUND}"/>{drawn}')


def alt(caption: Caption) -> str:
    """Say what a drawn image shows, for those who cannot see it: all its words, those left out too."""
    words = ", ".join(dict.fromkeys(filter(None, (caption.title, caption.above, *caption.below))))
    return f"A double helix of two strands, with the words: {words}"


def card_ground() -> str:
    """Draw what lies under the words of a social image: the helix at the right, running off both edges."""
    width, height = CARD_PX
    drawn = _helix(
        middle=1036, top=-105, crossings=3, half_turn=280, reach=104, strand=30, rungs=(-0.5, -0.3, 0.3, 0.5), rung=10
    )
    return _svg(width, height, f'<rect width="{width}" height="{height}" fill="{GROUND}"/>{"".join(drawn)}')


def square_ground() -> str:
    """Draw what lies under the words of square artwork: the helix across the upper part, running off both edges."""
    drawn = _helix(
        middle=285, top=-205, crossings=4, half_turn=375, reach=175, strand=46, rungs=(-0.5, -0.34, 0.34, 0.5), rung=16
    )
    lying = f'<g transform="matrix(0 1 1 0 0 0) rotate(7)">{"".join(drawn)}</g>'
    size = _SQUARE_UNITS
    return _svg(size, size, f'<rect width="{size}" height="{size}" fill="{GROUND}"/>{lying}')


def _svg(width: int, height: int, body: str) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    return f"{head}{body}</svg>\n"


def _helix(
    *,
    middle: float,
    top: float,
    crossings: int,
    half_turn: float,
    reach: float,
    strand: float,
    rungs: tuple[float, ...],
    rung: float,
) -> Iterator[str]:
    """Draw a helix from top to bottom, the far parts first.

    Args:
        middle: where its axis is, across.
        top: where it begins; it ends after as many half turns as it has crossings.
        crossings: how often the strands cross; the one in front alternates.
        half_turn: the way from one crossing to the next.
        reach: how far the strands go from the axis.
        strand: how thick they are.
        rungs: where they are joined, as shares of a half turn from each crossing, -0.5 to 0.5.
        rung: how thick what joins them is.
    """
    heights = [top + (number + 0.5) * half_turn for number in range(crossings)]
    across = {y + share * half_turn: reach * abs(math.sin(math.pi * share)) for y in heights for share in rungs}
    bars = "".join(f"M{_number(middle - x)} {_number(y)}h{_number(2 * x)}" for y, x in sorted(across.items()))
    yield _stroke(bars, RUNGS, rung)
    colours = (CLINICIANS, MANAGERS)
    for number, y in enumerate(heights):
        yield _stroke(_curve(_HALF_TURN, middle, y, -reach, half_turn), colours[(number + 1) % 2], strand)
    for number, y in enumerate(heights):
        yield _stroke(_curve(_NEAR, middle, y, reach, half_turn), GROUND, strand * 1.8, cap="butt")
        yield _stroke(_curve(_HALF_TURN, middle, y, reach, half_turn), colours[number % 2], strand)


# A sine wave around a crossing as cubic curves: the angle, and how far from the axis. First from peak to peak, then the
# part that is nearest, where a gap sets it off from what it crosses.
_HALF_TURN = (
    (-math.pi / 2, -1),
    (-1.0023, -1),
    (-0.5123, -0.5123),
    (0, 0),
    (0.5123, 0.5123),
    (1.0023, 1),
    (math.pi / 2, 1),
)
_NEAR = ((-0.55, -0.5227), (-0.1833, -0.2102), (0.1833, 0.2102), (0.55, 0.5227))


def _curve(points: tuple[tuple[float, float], ...], middle: float, y: float, reach: float, half_turn: float) -> str:
    placed = [f"{_number(middle + reach * off)} {_number(y + angle * half_turn / math.pi)}" for angle, off in points]
    return f"M{placed[0]}C{' '.join(placed[1:])}"


def _stroke(path: str, colour: str, width: float, *, cap: str = "round") -> str:
    ending = f' stroke-linecap="{cap}"' if cap != "butt" else ""
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{_number(width)}"{ending}/>'


def _number(value: float) -> str:
    return f"{round(value, 2):g}"
