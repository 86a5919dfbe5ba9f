"""The feeds that a publish has changed -> hubs and directories told of it, for public feeds alone; urllib lives here.

Members' feeds are never announced: what is told is built here from the show and its public feeds, and an address with
a member's secret in it cannot be handed in.
"""

import http.client
import ipaddress
import os
import urllib.request
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit, urlunsplit

from pipeline.model import Feed, Problem, Show, Visibility, feed_key

TOKEN_VARIABLE = "PODPING_TOKEN"  # noqa: S105  the variable's name, not a token
_FORMS = ("xml", "atom", "json")
_AT_ONCE = 8
_ANSWER_BYTES = 1_000
_OK, _REDIRECTION = 200, 300
_LATER = "The episodes are published all the same; apps and directories find them by themselves, within hours."


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Where the directories listen; `podping_token` signs what goes to Podping, and None sends nothing there."""

    podcast_index: str = "https://api.podcastindex.org/api/1.0/hub/pubnotify"
    podping: str = "https://podping.cloud/"
    podping_token: str | None = field(default=None, repr=False)

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> "Services":
        """Take the token from the environment: it never stands in the workspace."""
        return cls(podping_token=environment.get(TOKEN_VARIABLE, "").strip() or None)


def changed(show: Show, keys: Collection[str]) -> tuple[Feed | None, ...]:
    """Choose the public feeds whose file is among `keys`, as they were published; None is the network feed."""
    feeds: tuple[Feed | None, ...] = (None, *show.feeds)
    return tuple(feed for feed in feeds if _is_public(feed) and _key(feed) in keys)


def announce(
    show: Show, feeds: Collection[Feed | None], *, services: Services | None = None, patience_s: float = 10
) -> tuple[Problem, ...]:
    """Tell the hubs of `show.feed.hubs` and the directories of `show.feed.announce` that feeds have changed.

    Args:
        show: says whom to tell.
        feeds: public feeds of the show; None is the network feed.
        services: where the directories listen; by default the real ones.
        patience_s: the longest that one of them may take.

    Returns:
        What did not work, none of it fatal: what is published stays published.

    Raises:
        ValueError: a feed is for members, which is a bug of ours.

    Source:
        WebSub (W3C), section 7; the Podcast Index API, hub/pubnotify; podping.cloud.
    """
    if not all(_is_public(feed) for feed in feeds):
        raise ValueError("a members' feed must never be announced")
    if not feeds or not (show.feed.hubs or show.feed.announce):
        return ()
    if _is_local(show.site_url):
        return (_problem(show.site_url, "is an address of this computer: nobody was told of the change", _SITE_HINT),)
    chosen = services or Services.of_environment()
    pings = list(_pings(show, feeds, chosen))
    with ThreadPoolExecutor(_AT_ONCE) as executor:
        reasons = list(executor.map(lambda ping: _send(ping, patience_s), pings))
    return (*_unsigned(show, chosen), *_problems(pings, reasons))


class _Ping(NamedTuple):
    address: str
    feed_url: str
    form: bytes | None = None
    token: str | None = None


def _pings(show: Show, feeds: Collection[Feed | None], services: Services) -> Iterator[_Ping]:
    for feed in feeds:
        for url in (show.url(_key(feed, extension)) for extension in _FORMS):  # each names the hubs, and is a topic
            form = urlencode({"hub.mode": "publish", "hub.url": url}).encode()
            yield from (_Ping(hub, url, form=form) for hub in show.feed.hubs)
        url = show.url(_key(feed))
        if "podcastindex" in show.feed.announce:
            yield _Ping(f"{services.podcast_index}?{urlencode({'url': url})}", url)
        if "podping" in show.feed.announce and services.podping_token:
            query = urlencode({"url": url, "reason": "update", "medium": "podcast"})
            yield _Ping(f"{services.podping}?{query}", url, token=services.podping_token)


def _unsigned(show: Show, services: Services) -> Iterator[Problem]:
    if "podping" in show.feed.announce and services.podping_token is None:
        message = f"was not told: the environment variable {TOKEN_VARIABLE} is not set"
        yield _problem(_host(services.podping), message, _TOKEN_HINT)


def _problems(pings: Sequence[_Ping], reasons: Sequence[str | None]) -> Iterator[Problem]:
    failed: dict[tuple[str, str], list[str]] = {}
    for ping, reason in zip(pings, reasons, strict=True):
        if reason is not None:
            failed.setdefault((_host(ping.address), reason), []).append(ping.feed_url)
    for (host, reason), (first, *others) in failed.items():
        more = f" and {len(others)} more" if others else ""
        yield _problem(host, f"was not told of {first}{more}: {reason}", _LATER)


def _send(ping: _Ping, patience_s: float) -> str | None:
    """Send a ping and say what went wrong, if anything did."""
    if not ping.address.startswith(("https://", "http://")):
        return "it is not a web address"
    headers = {"User-Agent": "cln-media", **({"Authorization": ping.token} if ping.token else {})}
    try:
        request = urllib.request.Request(ping.address, data=ping.form, headers=headers)  # noqa: S310  looked at above
        with _opener(ping.address).open(request, timeout=patience_s) as response:
            response.read(_ANSWER_BYTES)
            status = response.status
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _reason(error)
    return None if _OK <= status < _REDIRECTION else f"it answered {status}"


def _opener(address: str) -> urllib.request.OpenerDirector:
    opener = urllib.request.OpenerDirector()  # with nothing in it that follows redirects: a token goes to one host
    opener.add_handler(urllib.request.ProxyHandler({} if _is_local(address) else None))
    opener.add_handler(urllib.request.HTTPHandler())
    opener.add_handler(urllib.request.HTTPSHandler())
    return opener


def _reason(error: Exception) -> str:
    """Name a fault without its text, which may repeat a header."""
    cause = getattr(error, "reason", error)
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    return (cause.strerror if isinstance(cause, OSError) else None) or type(cause).__name__


def _is_public(feed: Feed | None) -> bool:
    return feed is None or feed.visibility is Visibility.PUBLIC


def _key(feed: Feed | None, extension: str = "xml") -> str:
    return feed_key(feed.name if feed else None, extension=extension)


def _host(address: str) -> str:
    """Keep what says who was asked: a path or query may hold a secret."""
    try:
        parts = urlsplit(address)
        return urlunsplit((parts.scheme, parts.hostname or "", "/", "", ""))
    except ValueError:
        return "a hub"


def _is_local(url: str) -> bool:
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _problem(source: str, message: str, hint: str) -> Problem:
    return Problem(source=source, message=message, hint=hint, fatal=False)


_SITE_HINT = "Set site.url in cln_media.toml to the public address, or take hubs and announce out of [feed]."
_TOKEN_HINT = f"Set {TOKEN_VARIABLE} to the token that Podping gave you, or take podping out of feed.announce."
