"""A feed's address -> what an app meets there, and the addresses that the feed names."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit
from xml.etree.ElementTree import Element

from pipeline.verify import rss
from pipeline.verify.finding import Finding, finding
from pipeline.verify.rss import NotAFeedError, Wanted
from pipeline.verify.web import Answer, NoAnswerError, Web, is_local, shown

MOST_BYTES = 5_000_000
_MANY_BYTES = 1_000_000
_MOST_PAGES, _MOST_BYTES_OF_PAGES = 200, 50_000_000
_OK, _NOT_MODIFIED = 200, 304
_TYPES = ("application/rss+xml", "application/xml", "text/xml")
_GZIP_WINDOW = 31  # zlib: a gzip header is expected


class _UnreadableError(Exception):
    """An answer that cannot be unpacked, or is too large; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was found of a feed, and what it names, in its order."""

    findings: tuple[Finding, ...]
    wanted: tuple[Wanted, ...] = ()


def look(url: str, web: Web, *, limit: int | None) -> Look:
    """Fetch a feed and its further pages.

    Args:
        url: the feed's address.
        web: how to ask.
        limit: the newest items whose files are wanted; None for all.
    """
    findings: list[Finding] = []
    try:
        answer = web.ask(url, limit_bytes=MOST_BYTES)
        findings += _served(url, answer)
        if answer.status != _OK:
            return Look(findings=tuple(findings))
        data = _unpacked(answer)
        channel = rss.channel(data)
    except NoAnswerError as error:
        findings.append(finding("feed answers", url, False, str(error)))
        return Look(findings=tuple(findings))
    except (_UnreadableError, NotAFeedError) as error:
        findings.append(finding("feed XML", url, False, str(error)))
        return Look(findings=tuple(findings))
    pages = list(_pages(url, channel, web, findings))
    items = [item for page in pages for item in page.iterfind("item")]
    findings += [*_described(url, answer, data, channel), *_asked_again(url, answer, data, web)]
    findings += [_identities(url, items), _dates(url, items), _enclosures(url, items)]
    wanted = dict.fromkeys(rss.of_channel(channel))
    for item in items[:limit]:
        wanted |= dict.fromkeys(rss.of_item(item))
    return Look(findings=tuple(findings), wanted=tuple(wanted))


def _served(url: str, answer: Answer) -> Iterator[Finding]:
    yield finding("feed exists", url, answer.status == _OK, f"{answer.status}")
    if answer.hops:
        status, target = answer.hops[-1]
        yield finding("feed redirect", url, None, f"{status} to {shown(target)}: is that meant?")
    schemes, is_near = {urlsplit(one).scheme for one in (url, answer.url)}, is_local(url)
    detail = "https" if schemes == {"https"} else "this computer" if is_near else "is not https all the way"
    yield finding("feed secure", url, is_near or schemes == {"https"}, detail)
    if answer.status == _OK:
        is_feed = answer.media_type in _TYPES
        detail = answer.media_type or "no Content-Type"
        yield finding("feed type", url, is_feed, detail if is_feed else f"{shown(detail)}, not {_TYPES[0]}")


def _described(url: str, answer: Answer, data: bytes, channel: Element) -> Iterator[Finding]:
    yield finding("feed XML", url, True, "well-formed RSS")
    size = len(data)
    detail = f"{size:,} bytes" + ("" if size <= _MANY_BYTES else ": some apps give up above 1 MB; set feed.page_size")
    yield finding("feed size", url, True if size <= _MANY_BYTES else None, detail)
    told, declared = (answer.headers.get_content_charset() or "").lower(), rss.encoding(data)
    is_same = told.replace("_", "-") in {"", declared}
    detail = declared if is_same else f"the server says {shown(told)}, the feed {declared}"
    yield finding("feed charset", url, is_same, detail)
    own = rss.link(channel, "self")
    is_own = own in {url, answer.url}
    wrong = f"it names {shown(own)}" if own else "it names no address of its own (atom:link rel=self)"
    yield finding("feed self link", url, is_own, "its own address" if is_own else wrong)


def _asked_again(url: str, answer: Answer, data: bytes, web: Web) -> Iterator[Finding]:
    yield _conditional(url, answer, web)
    try:
        packed = web.ask(url, headers={"Accept-Encoding": "gzip"}, limit_bytes=MOST_BYTES)
        is_same = _unpacked(packed) == data
    except (NoAnswerError, _UnreadableError) as error:
        yield finding("feed compression", url, False, str(error))
        return
    how = f"{len(packed.body):,} bytes by gzip" if packed.header("Content-Encoding") else "none"
    yield finding("feed compression", url, is_same or None, how if is_same else "another text than without")


def _conditional(url: str, answer: Answer, web: Web) -> Finding:
    tag, changed = answer.header("ETag"), answer.header("Last-Modified")
    if not tag and not changed:
        return finding("feed caching", url, False, "neither ETag nor Last-Modified: apps fetch all of it every time")
    headers = {"If-None-Match": tag} if tag else {"If-Modified-Since": changed}
    try:
        status = web.ask(url, headers=headers, limit_bytes=MOST_BYTES).status
    except NoAnswerError as error:
        return finding("feed caching", url, False, str(error))
    name = "ETag" if tag else "Last-Modified"
    is_right = status == _NOT_MODIFIED
    return finding("feed caching", url, is_right, f"{name}, 304" if is_right else f"{name}, but {status} and not 304")


def _pages(url: str, channel: Element, web: Web, findings: list[Finding]) -> Iterator[Element]:
    seen, size = {url}, 0
    while True:
        yield channel
        target = rss.link(channel, "next")
        if target is None:
            return
        address = urljoin(url, target)
        if address in seen or len(seen) >= _MOST_PAGES or size > _MOST_BYTES_OF_PAGES:
            findings.append(finding("feed page", address, False, "the pages run in a circle, or are too many"))
            return
        seen.add(address)
        try:
            data = _unpacked(_found(web.ask(address, limit_bytes=MOST_BYTES)))
            channel = rss.channel(data)
        except (NoAnswerError, _UnreadableError, NotAFeedError) as error:
            findings.append(finding("feed page", address, False, str(error)))
            return
        size += len(data)
        findings.append(finding("feed page", address, True, f"{len(channel.findall('item'))} items"))


def _found(answer: Answer) -> Answer:
    if answer.status != _OK:
        raise NoAnswerError(f"{answer.status}")
    return answer


def _unpacked(answer: Answer) -> bytes:
    if answer.is_cut:
        raise _UnreadableError(f"is larger than {MOST_BYTES:,} bytes")
    coding = answer.header("Content-Encoding").lower()
    if coding in {"", "identity"}:
        return answer.body
    if coding not in {"gzip", "x-gzip"}:
        raise _UnreadableError(f"comes in the encoding {shown(coding)}, which nobody asked for")
    unpacker = zlib.decompressobj(wbits=_GZIP_WINDOW)
    try:
        data = unpacker.decompress(answer.body, MOST_BYTES + 1)
    except zlib.error as error:
        raise _UnreadableError("cannot be unpacked: broken gzip") from error
    if len(data) > MOST_BYTES:
        raise _UnreadableError(f"is larger than {MOST_BYTES:,} bytes when unpacked")
    if not unpacker.eof:
        raise _UnreadableError("cannot be unpacked: the gzip ends too early")
    return data


def _identities(url: str, items: list[Element]) -> Finding:
    guids = [rss.text(item, "guid") for item in items]
    if not all(guids):
        return finding("feed GUIDs", url, False, f"{guids.count('')} items have none")
    twice = _repeated(guids)
    return finding("feed GUIDs", url, not twice, f"{shown(twice)} stands twice" if twice else f"{len(guids)}, unique")


def _enclosures(url: str, items: list[Element]) -> Finding:
    addresses = [one.get("url", "") for item in items for one in item.iterfind("enclosure")]
    if missing := sum(item.find("enclosure") is None for item in items):
        return finding("feed enclosures", url, False, f"{missing} items have none")
    twice = _repeated(addresses)
    detail = f"{shown(twice)} stands twice" if twice else f"{len(addresses)}, unique"
    return finding("feed enclosures", url, not twice, detail)


def _repeated(values: list[str]) -> str | None:
    seen: set[str] = set()
    return next((value for value in values if value in seen or seen.add(value)), None)  # type: ignore[func-returns-value]


def _dates(url: str, items: list[Element]) -> Finding:
    texts = [rss.text(item, "pubDate") for item in items]
    dates = [_date(one) for one in texts]
    if bad := [one for one, read in zip(texts, dates, strict=True) if read is None]:
        return finding("feed dates", url, False, f"not a date: {shown(bad[0])!r}")
    known = [one for one in dates if one is not None]
    is_newest_first = known == sorted(known, reverse=True)
    return finding("feed dates", url, is_newest_first or None, "newest first" if is_newest_first else "not in order")


def _date(text: str) -> datetime | None:
    try:
        read = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
