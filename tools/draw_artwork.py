"""Draw the show's artwork, artwork.png: two strands, clinicians and managers, wound into a helix.

    python tools/draw_artwork.py [FILE]

The letters are the typeface that Pillow carries, so that every machine draws the same picture.
"""

import math
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ARTWORK = Path(__file__).resolve().parent.parent / "artwork.png"
SIZE_PX = 3000
OVERSAMPLING = 2
MARGIN_PX = 260

NIGHT = (5, 32, 74)
SKY = (84, 186, 236)
TEAL = (24, 178, 164)
PALE = (222, 238, 247)
WHITE = (255, 255, 255)

AXIS_PX = 1010  # the height of the helix's axis at the middle of the picture
SLOPE = -0.14
AMPLITUDE_PX = 500
PERIOD_PX = 2080
PHASE = 0.62
STRAND_PX = 92
HALO_PX = 34
RUNG_PX = 34
RUNGS_A_PERIOD = 14
STEP_PX = 3
SHADES = 28  # enough for no step to be seen, few enough for a small file

Colour = tuple[int, int, int]


def mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """Mix two colours; share: how much of the other, 0 to 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


class Canvas:
    """A picture measured in its final pixels, drawn larger and shrunk at the end for smooth edges."""

    def __init__(self) -> None:
        self.image = Image.new("RGB", (SIZE_PX * OVERSAMPLING,) * 2, NIGHT)
        self.draw = ImageDraw.Draw(self.image)

    def dot(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Draw a filled circle."""
        edges = ((x - radius), (y - radius), (x + radius), (y + radius))
        self.draw.ellipse([edge * OVERSAMPLING for edge in edges], fill=colour)

    def bar(self, x: float, top: float, bottom: float, colour: Colour) -> None:
        """Draw an upright bar with round ends."""
        edges = (x - RUNG_PX / 2, min(top, bottom), x + RUNG_PX / 2, max(top, bottom))
        self.draw.rounded_rectangle([edge * OVERSAMPLING for edge in edges], RUNG_PX / 2 * OVERSAMPLING, fill=colour)

    def text(self, words: str, *, baseline: float, weight: float, colour: Colour) -> None:
        """Set a line so that its letters reach exactly from margin to margin; weight: stroke as a share of the size."""
        size = 600
        mask = Image.new("L", (size * len(words), size * 2))
        font = ImageFont.load_default(size)
        ImageDraw.Draw(mask).text((size, size), words, fill=255, font=font, anchor="ls", stroke_width=size * weight)
        left, top, right, bottom = mask.getbbox() or (0, 0, 1, 1)
        scale = (SIZE_PX - 2 * MARGIN_PX) * OVERSAMPLING / (right - left)
        letters = mask.crop((left, top, right, bottom))
        letters = letters.resize(
            (round((right - left) * scale), round((bottom - top) * scale)), Image.Resampling.LANCZOS
        )
        upper_left = (MARGIN_PX * OVERSAMPLING, round(baseline * OVERSAMPLING - (size - top) * scale))
        self.image.paste(colour, upper_left, letters)

    def finished(self) -> Image.Image:
        """Shrink the picture to its size and to 256 colours, which keeps the file small, still as RGB."""
        shrunk = self.image.reduce(OVERSAMPLING)
        return shrunk.quantize(256, dither=Image.Dither.NONE).convert("RGB")


def place(x: float, strand: int) -> tuple[float, float]:
    """Find where a strand (1 or -1) is at x: its height in the picture and its depth, 1 nearest."""
    angle = 2 * math.pi * (x / PERIOD_PX + PHASE)
    axis = AXIS_PX + SLOPE * (x - SIZE_PX / 2)
    return axis + strand * AMPLITUDE_PX * math.sin(angle), strand * math.cos(angle)


def draw_strands(canvas: Canvas) -> None:
    """Draw both strands from the farthest dot to the nearest, a gap around what lies in front."""
    dots = [
        (depth, x, y, colour)
        for strand, colour in ((1, SKY), (-1, TEAL))
        for x in range(-200, SIZE_PX + 200, STEP_PX)
        for y, depth in [place(x, strand)]
    ]
    draw_dots(canvas, [dot for dot in sorted(dots) if dot[0] <= 0])
    for depth, x, y, _ in dots:
        if depth > 0:
            canvas.dot(x, y, radius_px(depth) + HALO_PX * depth - 4, NIGHT)
    draw_dots(canvas, [dot for dot in sorted(dots) if dot[0] > 0])


def draw_dots(canvas: Canvas, dots: list[tuple[float, int, float, Colour]]) -> None:
    """Draw a strand's dots, each a depth, a place and a colour: the farther, the darker."""
    for depth, x, y, colour in dots:
        shade = round((1 - depth) * SHADES) / SHADES
        canvas.dot(x, y, radius_px(depth), mixed(colour, NIGHT, 0.24 * shade))


def radius_px(depth: float) -> float:
    """Find how thick a strand is at a depth."""
    return STRAND_PX * (1 + 0.2 * depth)


def draw_rungs(canvas: Canvas) -> None:
    """Join the strands by rungs, left out where the strands cross."""
    spacing = PERIOD_PX / RUNGS_A_PERIOD
    for number in range(-2, int(SIZE_PX / spacing) + 3):
        x = (number + 0.5) * spacing - PHASE * PERIOD_PX % spacing
        (top, _), (bottom, _) = place(x, 1), place(x, -1)
        if abs(top - bottom) > 3 * STRAND_PX:
            canvas.bar(x, top, bottom, mixed(PALE, NIGHT, 0.12))


def draw() -> Image.Image:
    """Draw the artwork."""
    canvas = Canvas()
    draw_rungs(canvas)
    draw_strands(canvas)
    canvas.text("Learning sets", baseline=2330, weight=0.02, colour=WHITE)
    canvas.text("Clinical Leaders Network", baseline=2680, weight=0.01, colour=SKY)
    return canvas.finished()


if __name__ == "__main__":
    destination = Path(sys.argv[1]) if len(sys.argv) > 1 else ARTWORK
    draw().save(destination, optimize=True)
    print(f"{destination}: {destination.stat().st_size:,} bytes")
