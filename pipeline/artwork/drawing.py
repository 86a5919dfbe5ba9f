"""Words enter, a drawn PNG leaves: social images, square artwork, icons; the SVG renderer lives here.

The ground is SVG, rendered once, and the words are set on it: rendering an SVG with words in it for each image would
cost four times as much, most of it to compress what is the same on all of them.
"""

import hashlib
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path

from PIL import Image

from pipeline.artwork import emblem, lettering
from pipeline.artwork.lettering import Block, Style
from pipeline.artwork.pictures import write
from pipeline.model import Caption, Picture

_CARD_LEFT, _CARD_TOP, _CARD_BOTTOM = 72, 64, 566
_CARD_WIDTH = 800
_CARD_TITLES = tuple(
    Style(weight="semibold", size_px=size, width_px=_CARD_WIDTH, most_lines=lines, leading=1.12)
    for size, lines in ((84, 2), (72, 3), (60, 4))
)
_CARD_ABOVE = Style(weight="semibold", size_px=34, width_px=_CARD_WIDTH, most_lines=1)
_CARD_BELOW = Style(weight="regular", size_px=34, width_px=_CARD_WIDTH, most_lines=1)
_CARD_GAP = 14

_SQUARE_LEFT, _SQUARE_BOTTOM = 240, 2740
_SQUARE_WIDTH = emblem.SQUARE_PX - 2 * _SQUARE_LEFT
_SQUARE_TITLES = tuple(
    Style(weight="semibold", size_px=size, width_px=_SQUARE_WIDTH, most_lines=lines, leading=1.08)
    for size, lines in ((420, 1), (340, 2), (250, 3))
)
_SQUARE_BELOW = Style(weight="regular", size_px=150, width_px=_SQUARE_WIDTH, most_lines=1)
_SQUARE_GAP, _SQUARE_LINE_GAP = 110, 20

_RUNS_ALONE = 3  # Z_RLE
_INKS = (emblem.INK, emblem.SOFT_INK)  # of titles, of what stands above and below them


def card(caption: Caption, destination: Path) -> Picture:
    """Draw the image that is shown where a page is shared: 1200 x 630 pixels.

    Args:
        caption: its words, of any script and length: what does not fit is shortened, what cannot be drawn left out.
        destination: the PNG file to write.

    Raises:
        ArtworkError: the file cannot be written, or the typeface is missing.
    """
    image, shades = _ground("card")
    above, title, below = _blocks(caption, above=_CARD_ABOVE, titles=_CARD_TITLES, below=_CARD_BELOW)
    top = _CARD_TOP
    for block in above:
        lettering.put(image, block, left=_CARD_LEFT, top=top, shades=shades[1])
    bottom = _put_upwards(image, below, left=_CARD_LEFT, bottom=_CARD_BOTTOM, gap=_CARD_GAP, shades=shades[1])
    room_top = _CARD_TOP + (above[0].style.size_px if above else 0)
    middle = room_top + max(0, (bottom - room_top - title.height_px) // 2)
    lettering.put(image, title, left=_CARD_LEFT, top=middle - title.style.size_px // 10, shades=shades[0])
    return _saved(image, destination)


def square(caption: Caption, destination: Path) -> Picture:
    """Draw square artwork for a show or a feed that has none: 3000 x 3000 pixels.

    Args:
        caption: its words, as for `card`; what stands above the title there is the first line below it here.
        destination: the PNG file to write.

    Raises:
        ArtworkError: the file cannot be written, or the typeface is missing.
    """
    image, shades = _ground("square")
    lines = tuple(filter(None, (caption.above, *caption.below)))
    caption = replace(caption, above="", below=lines)
    _, title, below = _blocks(caption, above=_SQUARE_BELOW, titles=_SQUARE_TITLES, below=_SQUARE_BELOW)
    bottom = _put_upwards(
        image, below, left=_SQUARE_LEFT, bottom=_SQUARE_BOTTOM, gap=_SQUARE_LINE_GAP, shades=shades[1]
    )
    lettering.put(image, title, left=_SQUARE_LEFT, top=bottom - _SQUARE_GAP - title.height_px, shades=shades[0])
    return _saved(image.convert("RGB"), destination)


def icon(size_px: int, destination: Path) -> Picture:
    """Draw the emblem as an icon for systems that cut icons to their own shape.

    Raises:
        ArtworkError: the file cannot be written.
    """
    image = _rendered(emblem.icon(fills_square=True), size_px).convert("RGB")
    return _saved(image, destination)


def _blocks(
    caption: Caption, *, above: Style, titles: tuple[Style, ...], below: Style
) -> tuple[list[Block], Block, list[Block]]:
    title = caption.otherwise if lettering.is_lost(caption.title) else caption.title
    heads, feet = (
        [lettering.fitted(text, (style,)) for each in lines if (text := lettering.drawable(each))]
        for style, lines in ((above, (caption.above,)), (below, caption.below))
    )
    return heads, lettering.fitted(lettering.drawable(title), titles), feet


def _put_upwards(image: Image.Image, blocks: list[Block], *, left: int, bottom: int, gap: int, shades: int) -> int:
    """Set blocks above one another so that the last one stands on `bottom`; say where the first one begins."""
    for block in reversed(blocks):
        bottom -= block.height_px
        lettering.put(image, block, left=left, top=bottom, shades=shades)
        bottom -= gap
    return bottom + gap


def _ground(kind: str) -> tuple[Image.Image, tuple[int, ...]]:
    """Lend a copy of a ground, in palette colours, and where in its palette the shades of each ink begin."""
    image, shades = _made_ground(kind)
    return image.copy(), shades


@cache
def _made_ground(kind: str) -> tuple[Image.Image, tuple[int, ...]]:
    text, width_px = {
        "card": (emblem.card_ground(), emblem.CARD_PX[0]),
        "square": (emblem.square_ground(), emblem.SQUARE_PX),
    }[kind]
    steps = lettering.SHADES
    colours = dict.fromkeys((*_INKS, emblem.CLINICIANS, emblem.MANAGERS, emblem.RUNGS))
    ramps = [_mixed(colour, number / (steps - 1)) for colour in colours for number in range(steps)]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in ramps for part in colour])
    image = _rendered(text, width_px).convert("RGB").quantize(palette=palette, dither=Image.Dither.NONE)
    return image, tuple(number * steps for number in range(len(_INKS)))


def _mixed(ink: str, share: float) -> tuple[int, int, int]:
    pairs = zip(rgb(emblem.GROUND), rgb(ink), strict=True)
    red, green, blue = (round(ground + (top - ground) * share) for ground, top in pairs)
    return red, green, blue


def rgb(colour: str) -> tuple[int, int, int]:
    """Split a colour such as `#003087`."""
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


def _rendered(text: str, width_px: int) -> Image.Image:
    import resvg_py  # noqa: PLC0415  # only where something is drawn

    data = resvg_py.svg_to_bytes(svg_string=text, width=width_px, skip_system_fonts=True)
    return Image.open(BytesIO(data))


def _saved(image: Image.Image, destination: Path) -> Picture:
    # Runs alone are looked for: fast, hardly larger for plain shapes, and no matter of how zlib was built.
    file = BytesIO()
    image.save(file, "PNG", compress_type=_RUNS_ALONE)
    data = file.getvalue()
    write(destination, data)
    return Picture(
        path=destination,
        sha256=hashlib.sha256(data).hexdigest(),
        mime="image/png",
        width=image.width,
        height=image.height,
    )
