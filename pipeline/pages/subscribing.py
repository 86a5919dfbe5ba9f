"""Feeds in, the addresses that open them in podcast apps out, and QR codes that lead a telephone there; segno here."""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from pipeline.model import Feed, Link, Show, asset_key, feed_key
from pipeline.pages.wording import one_line

_QR_SCALE = 4
_QUIET_MODULES = 4  # what ISO/IEC 18004 asks for


@dataclass(frozen=True, slots=True, kw_only=True)
class AppView:
    """A podcast app. link: opens the feed in it; where: on which systems it runs."""

    name: str
    link: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowView:
    """How to follow a feed. id: a word for the page; qr: the link of a QR code that leads to this part of the page."""

    id: str
    title: str
    address: str
    link: str
    apps: tuple[AppView, ...]
    qr: str


def place(feed: Feed | None) -> str:
    """Say where on the page a feed stands."""
    return f"feed-{feed.name}" if feed else "network"


def follow(show: Show, feed: Feed | None, page: str) -> tuple[FollowView, str, bytes]:
    """Say how to follow a feed.

    Args:
        show: the show.
        feed: a public part of it; None for the whole network.
        page: the address of the page that says so.

    Returns:
        What the page shows, and the key and the bytes of the QR code. It leads to the page and not to the feed: a
        telephone's camera opens a browser, and a feed in a browser helps nobody.
    """
    name = place(feed)
    address = show.url(feed_key(feed.name if feed else None))
    key, data = _qr(name, f"{page}#{name}")
    made = FollowView(
        id=name,
        title=one_line(feed.title if feed else show.title),
        address=address,
        link=show.link(feed_key(feed.name if feed else None)),
        apps=tuple(_apps(address)),
        qr=show.link(key),
    )
    return made, key, data


def directories(show: Show) -> tuple[Link, ...]:
    """List the show's pages in directories, with harmless addresses."""
    return tuple(link for link in show.site.directories if link.url.startswith(("https://", "http://")))


def _apps(address: str) -> Iterator[AppView]:
    """List the apps that open an address by themselves.

    Source: each app's own documentation of its links.
    """
    bare, coded = address.partition("://")[2], quote(address, safe="")
    yield AppView(name="Apple Podcasts", link=f"podcast://{bare}", where="iPhone, iPad, Mac")
    yield AppView(name="Pocket Casts", link=f"pktc://subscribe/{bare}", where="iPhone, Android")
    yield AppView(name="AntennaPod", link=f"antennapod-subscribe://{bare}", where="Android")
    yield AppView(name="Overcast", link=f"overcast://x-callback-url/add?url={coded}", where="iPhone, iPad")
    yield AppView(name="Castro", link=f"castros://subscribe/{bare}", where="iPhone")
    yield AppView(name="Podcast Addict", link=f"podcastaddict://{bare}", where="Android")


def _qr(name: str, text: str) -> tuple[str, bytes]:
    import segno  # noqa: PLC0415  # 20 ms, and only builds draw

    drawn = io.BytesIO()
    code = segno.make_qr(text, error="m")
    code.save(drawn, kind="svg", scale=_QR_SCALE, border=_QUIET_MODULES, xmldecl=False, light="#fff", nl=True)
    data = drawn.getvalue()
    return asset_key(f"qr-{name}", hashlib.sha256(data).hexdigest(), "svg"), data
