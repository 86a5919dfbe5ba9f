"""A published image in, what a page says of it out."""

from dataclasses import dataclass

from pipeline.model import Artwork, Show
from pipeline.pages.wording import one_line


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageView:
    """An image as a page shows it; width and height in pixels. srcset: its sizes, "" where there is but one."""

    link: str
    address: str
    alt: str
    width: int
    height: int
    mime: str
    srcset: str


def image_view(show: Show, artwork: Artwork) -> ImageView:
    """Make what templates see of an image."""
    return ImageView(
        link=show.link(artwork.key),
        address=show.url(artwork.key),
        alt=one_line(artwork.alt),
        width=artwork.width,
        height=artwork.height,
        mime=artwork.mime,
        srcset=_srcset(show, artwork),
    )


def _srcset(show: Show, artwork: Artwork) -> str:
    sizes = (artwork, artwork.finer) if artwork.finer else ()
    return ", ".join(f"{show.link(each.key)} {each.width}w" for each in sizes)
