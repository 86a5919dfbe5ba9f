"""Words enter, set in lines on an image they leave; the typeface came with the package, Pillow is used here.

Nothing of the system's is used, neither its fonts nor its shaping library: the same words give the same image on every
machine. What the typeface cannot draw, such as emoji, is left out.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

from pipeline.artwork.recipes import FONTS
from pipeline.errors import ArtworkError

Weight = Literal["regular", "semibold"]
ELLIPSIS = "\u2026"
MOST_CHARACTERS = 400  # of any text: more is never seen
SHADES = 24  # between the ground and the ink: enough for smooth edges, few enough for a small file
_MISSING = "\uffff"  # no typeface has it
_LETTERS = ("L", "N")


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a text is set: size and width in pixels; leading, from one baseline to the next, as a share of the size."""

    weight: Weight
    size_px: int
    width_px: int
    most_lines: int
    leading: float = 1.18


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A text broken into lines that fit its style."""

    style: Style
    lines: tuple[str, ...]
    is_whole: bool

    @property
    def height_px(self) -> int:
        """How far the last baseline is below where the block begins."""
        return round(self.style.size_px * (self.style.leading * (len(self.lines) - 1) + 1))


def drawable(text: str) -> str:
    """Return what the typeface can draw of a text, in one line; shortened where nobody would read it."""
    text = unicodedata.normalize("NFC", text[: 4 * MOST_CHARACTERS])
    kept = (letter if _is_drawn(letter) else " " if letter.isspace() else "" for letter in text)
    return " ".join("".join(kept).split())[:MOST_CHARACTERS].strip()


def is_lost(text: str) -> bool:
    """Say whether so much of a text cannot be drawn that the rest would mislead: most of its letters, or all of it."""
    whole = [letter for letter in text[:MOST_CHARACTERS] if unicodedata.category(letter).startswith(_LETTERS)]
    drawn = [letter for letter in drawable(text) if unicodedata.category(letter).startswith(_LETTERS)]
    return not drawn or 2 * len(drawn) < len(whole)


def fitted(text: str, styles: tuple[Style, ...]) -> Block:
    """Break a text into lines in the first of the styles that it fits, or shorten it in the last.

    Args:
        text: as `drawable` gave it.
        styles: from the largest to the smallest, at least one.
    """
    blocks = (_broken(text, style) for style in styles)
    found = next((block for block in blocks if block.is_whole), None)
    return found or _broken(text, styles[-1])


def put(image: Image.Image, block: Block, *, left: int, top: int, shades: int) -> None:
    """Set a block on an image of palette colours.

    Args:
        image: in mode P.
        block: what to set.
        left, top: its upper left corner, in pixels.
        shades: the palette's number of the ground's colour, from which SHADES steps lead to the ink's.
    """
    font = _font(block.style.weight, block.style.size_px)
    ramp = [shades + round(level * (SHADES - 1) / 255) for level in range(256)]
    touched = [255 if number > shades else 0 for number in ramp]
    size, margin = block.style.size_px, block.style.size_px // 2  # accents reach above, letters lean out at the sides
    for number, line in enumerate(block.lines):
        mask = Image.new("L", (block.style.width_px + 2 * margin, 2 * size))
        ImageDraw.Draw(mask).text((margin, size + margin), line, fill=255, font=font, anchor="ls")
        edge = (mask.getbbox() or (margin,))[0]  # so that lines of all sizes begin at the same place
        baseline = round(top + size * (1 + number * block.style.leading))
        image.paste(mask.point(ramp), (left - edge, baseline - size - margin), mask.point(touched))


def _broken(text: str, style: Style) -> Block:
    font = _font(style.weight, style.size_px)
    lines: list[str] = []
    rest = text
    while rest and len(lines) < style.most_lines:
        line = _line(rest, font, style.width_px)
        lines.append(line)
        rest = rest[len(line) :].lstrip()
    if rest:
        lines[-1] = _shortened(lines[-1], font, style.width_px)
    return Block(style=style, lines=tuple(line.rstrip() for line in lines), is_whole=not rest)


def _line(text: str, font: ImageFont.FreeTypeFont, width_px: int) -> str:
    """Take as many words as fit, or as many letters of a word that is too long for a line."""
    fits = ""
    for word in text.split(" "):
        longer = f"{fits} {word}" if fits else word
        if font.getlength(longer) > width_px:
            break
        fits = longer
    if fits:
        return fits
    count = 1
    while count < len(text) and font.getlength(text[: count + 1]) <= width_px:
        count += 1
    return text[:count]


def _shortened(line: str, font: ImageFont.FreeTypeFont, width_px: int) -> str:
    while line and font.getlength(line.rstrip(" ,.;:-\u2013") + ELLIPSIS) > width_px:
        words, _, last = line.rpartition(" ")
        line = words if words and font.getlength(last) < width_px / 2 else line[:-1]
    return line.rstrip(" ,.;:-\u2013") + ELLIPSIS


@cache
def _font(weight: Weight, size_px: int) -> ImageFont.FreeTypeFont:
    path = FONTS / f"{weight}.ttf"
    try:
        return ImageFont.truetype(path, size_px, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise missing(path) from error


def missing(path: Path) -> ArtworkError:
    """Say that a file of the typeface is not there."""
    return ArtworkError(
        "the typeface of drawn images is missing from the installation",
        source=path,
        hint="Install cln-media again: its build brings in the typeface.",
    )


@cache
def _is_drawn(letter: str) -> bool:
    if letter.isspace() or unicodedata.category(letter).startswith(("C", "M")):
        return letter == " "
    return _shape(letter) != _shape(_MISSING)


def _shape(letter: str) -> bytes:
    mask = _font("semibold", 40).getmask(letter, mode="L")
    return bytes(str(mask.size), "ascii") + bytes(mask)
