"""The bytes of a feed -> its elements, and the addresses that it names; the XML parser lives here, without entities."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.parsers import expat

ATOM = "{http://www.w3.org/2005/Atom}"
ITUNES = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
PODCAST = "{https://podcastindex.org/namespace/1.0}"
_DECLARED = re.compile(rb"""^(?:\xef\xbb\xbf)?<\?xml[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._-]+)""")
_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)

What = Literal["enclosure", "transcript", "chapters", "artwork", "page", "new feed address"]


class NotAFeedError(Exception):
    """What was served is no RSS feed; the message says why, in a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An address that a feed names, and what the feed says of it; None where it says nothing."""

    what: What
    address: str
    mime: str | None = None
    length: str | None = None


def channel(data: bytes) -> Element:
    """Parse a feed and return its channel.

    Raises:
        NotAFeedError: it is not well-formed, brings a document type of its own, or is something else than RSS.
    """
    if _PAGE.match(data):
        raise NotAFeedError("is a web page, not a feed")
    root = _root(data)
    if root.tag != "rss":
        raise NotAFeedError(f"is not RSS: it begins with <{root.tag.rpartition('}')[2][:40]}>")
    found = root.find("channel")
    if found is None:
        raise NotAFeedError("is RSS without a channel")
    return found


def encoding(data: bytes) -> str:
    """Return the encoding that an XML document declares; UTF-8 where it declares none."""
    found = _DECLARED.match(data)
    return found[1].decode().lower() if found else "utf-8"


def link(of: Element, rel: str) -> str | None:
    """Return the address of the channel's atom:link with this `rel`."""
    return next((one.get("href") for one in of.iterfind(f"{ATOM}link") if one.get("rel") == rel), None)


def text(of: Element, tag: str) -> str:
    """Return the text of a child; empty where there is none."""
    return (of.findtext(tag) or "").strip()


def of_channel(of: Element) -> Iterator[Wanted]:
    """List what a channel names besides its items."""
    yield from _pictures(of)
    if address := text(of, "link"):
        yield Wanted(what="page", address=address)
    if address := text(of, f"{ITUNES}new-feed-url"):
        yield Wanted(what="new feed address", address=address)


def of_item(item: Element) -> Iterator[Wanted]:
    """List what an item names."""
    for one in item.iterfind("enclosure"):
        yield Wanted(
            what="enclosure", address=one.get("url", ""), mime=one.get("type", ""), length=one.get("length", "")
        )
    for one in item.iterfind(f"{PODCAST}alternateEnclosure"):
        for source in one.iterfind(f"{PODCAST}source"):
            mime = source.get("contentType") or one.get("type", "")
            yield Wanted(what="enclosure", address=source.get("uri", ""), mime=mime, length=one.get("length"))
    for one in item.iterfind(f"{PODCAST}transcript"):
        yield Wanted(what="transcript", address=one.get("url", ""), mime=one.get("type", ""))
    for one in item.iterfind(f"{PODCAST}chapters"):
        yield Wanted(what="chapters", address=one.get("url", ""), mime=one.get("type", ""))
    yield from _pictures(item)
    if address := text(item, "link"):
        yield Wanted(what="page", address=address)


def _pictures(of: Element) -> Iterator[Wanted]:
    for one in of.iterfind(f"{ITUNES}image"):
        yield Wanted(what="artwork", address=one.get("href", ""))
    for one in of.iterfind("image/url"):
        yield Wanted(what="artwork", address=(one.text or "").strip())


def _root(data: bytes) -> Element:
    builder = TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")

    def start(name: str, attributes: dict[str, str]) -> None:
        builder.start(_name(name), {_name(key): value for key, value in attributes.items()})

    # with the document type, every entity is refused
    def refuse(*_: object) -> None:
        raise NotAFeedError("brings a document type of its own, which apps refuse")

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda name: builder.end(_name(name))
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
        return builder.close()
    except (expat.ExpatError, ParseError, LookupError, ValueError, AssertionError) as error:
        raise NotAFeedError(f"is not well-formed XML ({error})") from error


def _name(name: str) -> str:
    return f"{{{name}" if "}" in name else name
