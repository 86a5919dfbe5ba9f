"""The bytes of an RSS feed enter, the show and the episodes it describes leave; lxml lives here.

Nothing in a feed is trusted: no entity is resolved, no file or address opened, and what is read is only values.
"""

import email.utils
import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar
from urllib.parse import urljoin

from lxml import etree

from pipeline.errors import IngestError
from pipeline.importing.chapters import in_order, in_text, start_ms
from pipeline.importing.markdown import markdown, plain
from pipeline.importing.old import OldEpisode, OldPage, OldShow, OldSound, OldTranscript
from pipeline.importing.web import is_web_address
from pipeline.model import MOST_NUMBER, Chapter, EpisodeKind, Soundbite

MAX_TITLE = 255
MAX_SUMMARY = 500
MAX_SENTENCES = 3
MAX_SOUND_BYTES = 4 << 30
FORMS = {
    "text/vtt": "vtt",
    "application/srt": "srt",
    "application/x-subrip": "srt",
    "text/srt": "srt",
    "application/json": "json",
    "text/html": "html",
    "text/plain": "txt",
}
_NAMESPACES = {
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes",
    "https://podcastindex.org/namespace/1.0": "podcast",
    "https://github.com/podcastindex-org/podcast-namespace/blob/main/docs/1.0.md": "podcast",
    "http://purl.org/rss/1.0/modules/content/": "content",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://www.w3.org/2005/atom": "atom",
    "http://podlove.org/simple-chapters": "psc",
    "http://backend.userland.com/rss2": "",
}
_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+")  # noqa: RUF001 (a typographic quote)
_TIME_LINE = re.compile(r"[(\[]?(?:\d{1,2}:)?\d{1,3}:\d{2}\b")
_RIGHTS = re.compile(r"^(?:(?:copyright|\(c\)|©|℗|[12]\d{3}|[-–,\s])\s*)+", re.IGNORECASE)  # noqa: RUF001 (a dash between years)
_HIDDEN = ("Cc", "Cs", "Cn")
Value = TypeVar("Value")


class _Element:
    """An element, its children by name: `title` in no namespace, `itunes:title` in a known one."""

    def __init__(self, element: Any) -> None:
        self.element = element
        self._children: dict[str, list[_Element]] | None = None

    def all(self, name: str) -> "list[_Element]":
        """Return the children of that name."""
        if self._children is None:
            self._children = {}
            for child in self.element.iterchildren(tag=etree.Element):
                self._children.setdefault(_name(child.tag), []).append(_Element(child))
        return self._children.get(name, [])

    def first(self, *names: str) -> "_Element | None":
        """Return the first child of the first name there is."""
        return next((child for name in names for child in self.all(name)), None)

    def raw(self, *names: str) -> str | None:
        """Return the text of the first such child that has one, its ends trimmed."""
        texts = ("".join(child.element.itertext()).strip() for name in names for child in self.all(name))
        return next((text for text in texts if text), None)

    def line(self, *names: str) -> str | None:
        """Return the same as one line."""
        return _line(self.raw(*names) or "") or None

    def attribute(self, name: str) -> str | None:
        """Return an attribute, or None where it is missing or empty."""
        return (self.element.get(name) or "").strip() or None

    def address(self, base: str, *attributes: str) -> str | None:
        """Return the first of the attributes (the text, for none) that leads to a web address."""
        texts = [self.attribute(name) for name in attributes] if attributes else [self.element.text]
        addresses = (urljoin(base, text.strip().replace(" ", "%20")) for text in texts if text)
        return next((address for address in addresses if is_web_address(address)), None)


def read(data: bytes, *, source: str) -> OldPage:
    """Read one page of a feed.

    Args:
        data: the whole file.
        source: its address or path, which relative addresses in it go on from.

    Returns:
        The page.

    Raises:
        IngestError: it is no RSS feed; the message says what it is.

    Source:
        RSS 2.0; Apple's and Podcasting 2.0's namespaces; Podlove Simple Chapters; RFC 5005.
    """
    channel = _channel(data, source)
    base = source if is_web_address(source) else next(_links(channel, "", "self"), "")
    base = urljoin(base, channel.element.getroottree().getroot().get(_BASE) or "")
    show = _show(channel, base)
    items = channel.all("item")
    sounding = [(item, sound) for item in items if (sound := _sound(item, base)) is not None]
    next_url = next(_links(channel, base, "next"), None) or next(_links(channel, base, "prev-archive"), None)
    return OldPage(
        show=show,
        episodes=tuple(_episode(item, sound, show, base) for item, sound in sounding),
        soundless=len(items) - len(sounding),
        next_url=next_url,
    )


def _channel(data: bytes, source: str) -> _Element:
    root = _root(data, source)
    name = etree.QName(root).localname.lower()
    channel = _Element(root).first("channel")
    if name == "html":
        raise _web_page(data, source)
    if name != "rss" or channel is None:
        what = {"feed": "an Atom feed", "rdf": "an RSS 1.0 feed"}.get(name, f"XML of another kind ({name[:40]})")
        hint = "Ask the podcast's host for the RSS 2.0 feed: the address that podcast apps use."
        raise IngestError(f"is {what}, not an RSS feed", source=source, hint=hint)
    return channel


def _root(data: bytes, source: str) -> Any:
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    if not data:
        raise IngestError("is empty", source=source, hint="Check the address, or fetch the file again.")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        if re.search(rb"(?i)<(?:!doctype\s+html|html|head|body)[\s>]", data[:4096]):
            raise _web_page(data, source) from error
        hint = "Ask the podcast's host to mend the feed; a validator such as the W3C's shows them the place."
        message = _line(error.msg or "").rstrip(".") or "it cannot be read"
        raise IngestError(f"is not well-formed XML: {message}", source=source, hint=hint) from error
    internal = root.getroottree().docinfo.internalDTD
    if internal is not None and any(True for _ in internal.iterentities()):
        hint = "No podcast host does that: check where the feed comes from."
        raise IngestError("defines entities of its own, and is refused for safety", source=source, hint=hint)
    return root


def _web_page(data: bytes, source: str) -> IngestError:
    root = etree.fromstring(data, etree.HTMLParser(no_network=True, huge_tree=False))
    found = None
    for link in root.iter("link") if root is not None else ():
        if "alternate" in (link.get("rel") or "").lower().split() and "rss" in (link.get("type") or "").lower():
            address = urljoin(source if is_web_address(source) else "", (link.get("href") or "").strip())
            found = found or (address if is_web_address(address) else None)
    hint = f"Its feed is {found}" if found else "Give the address of the RSS feed, the one that podcast apps use."
    return IngestError("is a web page, not a feed", source=source, hint=hint)


def _links(channel: _Element, base: str, relation: str) -> Iterator[str]:
    for link in channel.all("atom:link"):
        address = link.address(base, "href")
        if address and (link.attribute("rel") or "").lower() == relation:
            yield address


def _show(channel: _Element, base: str) -> OldShow:
    owner = channel.first("itunes:owner")
    image, plain_image = channel.first("itunes:image"), channel.first("image")
    picture = image.address(base, "href") if image else None
    if picture is None and plain_image and (url := plain_image.first("url")):
        picture = url.address(base)
    identity = (channel.line("podcast:guid") or "").lower()
    moved = channel.first("itunes:new-feed-url")
    return OldShow(
        title=_cut(channel.line("title", "itunes:title")),
        description=plain(channel.raw("description", "itunes:summary") or "") or None,
        author=_cut(channel.line("itunes:author", "dc:creator")),
        owner_name=_cut(owner.line("itunes:name") if owner else None),
        owner_email=(owner.line("itunes:email") if owner else None) or _email(channel.line("managingEditor")),
        language=_language(channel.line("language", "dc:language")),
        categories=tuple(dict.fromkeys(_categories(channel))),
        explicit=_truth(channel.line("itunes:explicit")),
        serial=(channel.line("itunes:type") or "").lower() == "serial",
        copyright=_cut(_RIGHTS.sub("", channel.line("copyright") or "") or None),
        guid=identity if _UUID.fullmatch(identity) else None,
        artwork=picture,
        moved_to=moved.address(base) if moved else None,
        locked=_truth(channel.line("podcast:locked")),
    )


def _categories(channel: _Element) -> Iterator[str]:
    for category in channel.all("itunes:category"):
        name = _line(category.attribute("text") or "")
        inner = [_line(sub.attribute("text") or "") for sub in category.all("itunes:category")]
        yield from (f"{name} > {sub}" for sub in inner if name and sub)
        if name and not any(inner):
            yield name


def _episode(item: _Element, sound: OldSound, show: OldShow, base: str) -> OldEpisode:
    remarks: list[str] = []
    description = item.raw("description", "itunes:summary") or ""
    published = _moment(item.raw("pubDate", "dc:date"))
    if published is None:
        given = item.line("pubDate", "dc:date")
        remarks.append(f'has a date that cannot be read ("{given[:60]}")' if given else "has no date")
        remarks[-1] += ": it stays a draft until you give it one"
    if item.line("itunes:block") and (item.line("itunes:block") or "").lower() == "yes":
        remarks.append("was hidden from directories (itunes:block), and would be public here")
    return OldEpisode(
        guid=_guid(item, sound, remarks),
        title=_title(item, description, remarks),
        published=published,
        summary=_summary(item),
        notes=markdown(item.raw("content:encoded", "description", "itunes:summary") or "") or None,
        season=_number(item.line("itunes:season", "podcast:season"), most=MOST_NUMBER),
        number=_number(item.line("itunes:episode", "podcast:episode"), most=MOST_NUMBER),
        kind=_kind(item.line("itunes:episodeType")),
        explicit=_truth(item.line("itunes:explicit")),
        language=_language(item.line("dc:language")) or show.language,
        sound=sound,
        chapters=_chapters(item, base) or in_text(plain(item.raw("content:encoded") or ""), plain(description)),
        chapters_url=_one(item, "podcast:chapters", lambda element: element.address(base, "url")),
        transcripts=tuple(_transcripts(item, base, show)),
        cover=_cover(item, base, show),
        soundbites=tuple(_soundbites(item)),
        people=len(item.all("podcast:person")),
        remarks=tuple(remarks),
    )


def _guid(item: _Element, sound: OldSound, remarks: list[str]) -> str:
    # Not cleaned in any way: apps compare it character by character.
    guid = item.raw("guid")
    if guid is not None:
        return guid
    remarks.append("has no GUID: it is known by the address of its sound, as apps know it")
    enclosure = _enclosure(item)
    return (enclosure.attribute("url") if enclosure else None) or sound.url


def _title(item: _Element, description: str, remarks: list[str]) -> str:
    title = item.line("itunes:title") or item.line("title")
    if title is None:
        remarks.append("has no title: give it one")
        title = _shortened(" ".join(plain(description).split()), 60) or "Untitled episode"
    if len(title) > MAX_TITLE:
        remarks.append(f"has a title of {len(title)} characters, which was cut")
    return _shortened(title, MAX_TITLE)


def _enclosure(item: _Element) -> _Element | None:
    found = item.all("enclosure")
    sounding = (one for one in found if (one.attribute("type") or "").lower().startswith("audio/"))
    return next(sounding, next(iter(found), None))


def _sound(item: _Element, base: str) -> OldSound | None:
    enclosure = _enclosure(item)
    if enclosure is None or not enclosure.attribute("url"):
        return None
    length = _number(enclosure.attribute("length"))
    return OldSound(
        url=enclosure.address(base, "url") or (enclosure.attribute("url") or ""),
        mime=(enclosure.attribute("type") or "").partition(";")[0].strip().lower(),
        length=length if length and length <= MAX_SOUND_BYTES else None,
    )


def _summary(item: _Element) -> str | None:
    text = plain(item.raw("itunes:summary", "description", "itunes:subtitle", "content:encoded") or "")
    lines = [line for line in text.split("\n") if not _TIME_LINE.match(line.strip())]
    first = next(_paragraphs(lines), "")
    ends = [found.end() for found in _SENTENCE_END.finditer(first)]
    kept = first[: ends[MAX_SENTENCES - 1]] if len(ends) >= MAX_SENTENCES else first
    return _shortened(kept.strip(), MAX_SUMMARY) or None


def _paragraphs(lines: list[str]) -> Iterator[str]:
    for part in "\n".join(lines).split("\n\n"):
        if text := _line(part):
            yield text


def _chapters(item: _Element, base: str) -> tuple[Chapter, ...]:
    found = []
    for chapter in (row for table in item.all("psc:chapters") for row in table.all("psc:chapter")):
        start, title = start_ms(chapter.attribute("start") or ""), _line(chapter.attribute("title") or "")
        if start is not None and title:
            found.append(Chapter(start_ms=start, title=title, url=chapter.address(base, "href")))
    return in_order(found)


def _transcripts(item: _Element, base: str, show: OldShow) -> Iterator[OldTranscript]:
    for transcript in item.all("podcast:transcript"):
        url = transcript.address(base, "url")
        mime = (transcript.attribute("type") or "").partition(";")[0].strip().lower()
        suffix = (url or "").partition("?")[0].rpartition(".")[2].lower()
        form = FORMS.get(mime) or (suffix if suffix in FORMS.values() else None)
        if url and form:
            language = _language(transcript.attribute("language")) or show.language
            yield OldTranscript(url=url, form=form, language=language)


def _cover(item: _Element, base: str, show: OldShow) -> str | None:
    cover = _one(item, "itunes:image", lambda element: element.address(base, "href"))
    return cover if cover != show.artwork else None


def _soundbites(item: _Element) -> Iterator[Soundbite]:
    for bite in item.all("podcast:soundbite"):
        start, length = start_ms(bite.attribute("startTime") or ""), start_ms(bite.attribute("duration") or "")
        if start is not None and length:
            title = _shortened(_line(bite.element.text or ""), 128) or None
            yield Soundbite(start_ms=start, duration_ms=length, title=title)


def _one(item: _Element, name: str, value: Callable[[_Element], Value | None]) -> Value | None:
    return next((found for element in item.all(name) if (found := value(element)) is not None), None)


def _moment(text: str | None) -> datetime | None:
    for parse in (email.utils.parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = parse((text or "").strip())
            aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
            aware.astimezone(UTC)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
        else:
            return aware.replace(microsecond=0)
    return None


def _kind(text: str | None) -> EpisodeKind:
    word = (text or "").lower()
    return EpisodeKind(word) if word in set(EpisodeKind) else EpisodeKind.FULL


def _number(text: str | None, most: int = 10**12) -> int | None:
    try:
        number = Decimal(text or "")
    except InvalidOperation:
        return None
    return int(number) if number.is_finite() and 0 < number <= most and number == int(number) else None


def _language(text: str | None) -> str | None:
    tag = (text or "").replace("_", "-")
    return tag if _LANGUAGE.fullmatch(tag) else None


def _truth(text: str | None) -> bool:
    return (text or "").lower() in {"true", "yes", "explicit"}


def _email(text: str | None) -> str | None:
    found = re.match(r"[^@\s()<>]+@[^@\s()<>]+\.[^@\s()<>]+", text or "")
    return found[0] if found else None


def _cut(text: str | None) -> str | None:
    return _shortened(text, MAX_TITLE) or None if text else None


def _shortened(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    space = kept.rfind(" ")
    return (kept[:space] if space > most // 2 else kept).rstrip() + "…"


def _line(text: str) -> str:
    shown = (" " if char in "\t\n\r" else char for char in text)
    return " ".join("".join(char for char in shown if unicodedata.category(char) not in _HIDDEN).split())


def _name(tag: str) -> str:
    namespace, brace, local = tag.rpartition("}")
    prefix = _NAMESPACES.get(namespace.lstrip("{").lower()) if brace else ""
    return f"{prefix}:{local}" if prefix else local if prefix == "" else tag
