"""A show and its icons in, the web manifest out: how the site looks on a telephone's start screen."""

from pipeline.model import Artwork
from pipeline.pages.views import ShowView

THEME = "#005eb8"  # the header's blue, as base.html.jinja says
BACKGROUND = "#ffffff"
_SHORT_NAME = 15


def manifest(show: ShowView, *, emblem: str, icons: tuple[Artwork, ...]) -> dict[str, object]:
    """Describe the site as an application.

    Args:
        show: as pages show it.
        emblem: the link of the emblem as SVG.
        icons: the emblem as PNG, square, in any sizes; the first is Apple's, which has a link of its own.

    Source: W3C Web Application Manifest.
    """
    drawn = [{"src": emblem, "type": "image/svg+xml", "sizes": "any"}]
    drawn += [
        {"src": show.home + icon.key, "type": icon.mime, "sizes": f"{icon.width}x{icon.height}", "purpose": purpose}
        for icon in icons[1:]
        for purpose in ("any", "maskable")
    ]
    return {
        "name": show.title,
        "short_name": short_name(show.title),
        "lang": show.language,
        "start_url": show.home,
        "scope": show.home,
        "display": "browser",
        "theme_color": THEME,
        "background_color": BACKGROUND,
        "icons": drawn,
    }


def short_name(title: str) -> str:
    """Shorten a title to whole words that fit under an icon, or to the start of its first word."""
    kept = ""
    for word in title.split():
        longer = f"{kept} {word}".strip()
        if len(longer) > _SHORT_NAME:
            break
        kept = longer
    return kept or title[:_SHORT_NAME]
