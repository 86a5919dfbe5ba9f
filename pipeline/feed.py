"""An edition enters, the bytes of an RSS 2.0 feed leave; feedgen lives here."""

import re
import uuid
from collections import Counter
from datetime import UTC
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from feedgen.feed import FeedGenerator
from feedgen.util import xml_elem

from pipeline.errors import FeedError
from pipeline.model import (
    FEED_KEY,
    Artwork,
    Chapter,
    Edition,
    Episode,
    Feed,
    Item,
    Show,
    Speaker,
    TranscriptFile,
    Visibility,
    clock,
    feed_key,
)

_ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
_PODCAST = "https://podcastindex.org/namespace/1.0"
_GUID_NAMESPACE = uuid.UUID("ead4c236-bf58-58c6-a2c6-a6b28d128cb6")
_GENERATOR = "cln-media"
_DESCRIPTION_BYTES = 4_000
_CHAPTERS_BYTES = 3_000  # the rest of a description is kept for the summary
_CHAPTERS_LEAST = 3
_CHAPTERS_MIME = "application/json+chapters"
_CAPTIONS = frozenset({"text/vtt", "application/x-subrip"})
_SETTINGS = "cln_media.toml"

_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SENTENCE_END = re.compile(r"""(?:[.!?…]["'”’)\]]*(?=\s)|[。！？]["'”’)\]]*)""")  # noqa: RUF001 (CJK sentences end so)
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9._~%!$&'()*+,;=:@\[\]-]+")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_URL_MARKS = "/:@!$&'()*+,;=~-._%"


def render(edition: Edition, feed: Feed | None = None) -> bytes:
    """Render the network feed, or one feed that holds a part of it.

    Episodes for members are never in these feeds. The same items give the same bytes, in whatever order they stand.

    Args:
        edition: what is published; its items in any order.
        feed: the part to render; None for the network feed, whose key is FEED_KEY.

    Returns:
        RSS 2.0, UTF-8 with an XML declaration, newest item first, ending in a newline.

    Raises:
        FeedError: the feed would be invalid: text it needs is missing, an address cannot be written, a GUID is used
            twice, or an enclosure has no length.

    Source:
        PSP-1 (Podcast Standards Project RSS specification); the Podcasting 2.0 namespace 1.0; RSS 2.0.
    """
    items = _chosen(edition, feed)
    _refuse_repeated_guids(items)
    generator = _generator()
    _write_channel(generator, edition, feed)
    _write_itunes(generator, edition)
    _write_podcast(generator, edition.show, feed)
    _date(generator, items)
    for item in items:
        _write_item(generator.add_entry(order="append"), item)
    xml: bytes = generator.rss_str(pretty=True)
    return xml


def guid(feed_url: str) -> str:
    """Derive a feed's podcast:guid from its address, for a feed that has none configured.

    Args:
        feed_url: the feed's address; its scheme and trailing slashes do not count.

    Returns:
        a UUID of version 5, in lower case.

    Source:
        Podcasting 2.0 namespace 1.0, podcast:guid.
    """
    return str(uuid.uuid5(_GUID_NAMESPACE, _SCHEME.sub("", feed_url).rstrip("/")))


class _ItemElements:
    """A feedgen extension: the elements that feedgen has no words for, in the order they are added."""

    def __init__(self) -> None:
        self._elements: list[tuple[str, str | None, dict[str, str]]] = []

    def itunes(self, name: str, text: str) -> None:
        self._elements.append((f"{{{_ITUNES}}}{name}", text, {}))

    def podcast(self, name: str, text: str | None = None, **attributes: str) -> None:
        self._elements.append((f"{{{_PODCAST}}}{name}", text, attributes))

    def extend_rss(self, item: Any) -> None:
        for tag, text, attributes in self._elements:
            xml_elem(tag, item, attrib=attributes).text = text


class _ChannelElements(_ItemElements):
    """The same for the channel. Undated, it takes out the lastBuildDate that feedgen sets to now of its own accord."""

    undated = False

    def extend_ns(self) -> dict[str, str]:
        return {"podcast": _PODCAST}

    def extend_rss(self, rss: Any) -> None:
        channel = rss.find("channel")
        if self.undated:
            channel.remove(channel.find("lastBuildDate"))
        super().extend_rss(channel)


def _chosen(edition: Edition, feed: Feed | None) -> list[Item]:
    held = [
        item
        for item in edition.items
        if item.episode.visibility is Visibility.PUBLIC and (feed is None or feed.holds(item.episode))
    ]
    by_guid = sorted(held, key=lambda item: item.episode.guid)
    return sorted(by_guid, key=lambda item: item.published, reverse=True)


def _refuse_repeated_guids(items: list[Item]) -> None:
    counts = Counter(item.episode.guid for item in items)
    for item in items:
        if counts[item.episode.guid] > 1:
            raise FeedError(
                f"the GUID {item.episode.guid!a} belongs to {counts[item.episode.guid]} episodes of one feed",
                source=_settings_of(item.episode),
                hint="Give the newer episode a GUID of its own; the GUID of a published episode must never change.",
            )


def _generator() -> Any:
    generator = FeedGenerator()
    generator.load_extension("podcast", atom=False)
    generator.register_extension("podcasting", _ChannelElements, _ItemElements, atom=False)
    return generator


def _write_channel(generator: Any, edition: Edition, feed: Feed | None) -> None:
    show = edition.show
    home = _address(show.url("index.html"), _SETTINGS)
    title = _needed(feed.title if feed else show.title, "title")
    generator.title(title)
    generator.description(_shorten(_needed(_description_of(show, feed), "description"), _DESCRIPTION_BYTES))
    generator.link(href=_feed_url(show, feed), rel="self", type="application/rss+xml")
    generator.link(href=home, rel="alternate")  # feedgen makes the last link the channel's own
    generator.language(_needed(show.language, "language"))
    if show.copyright:
        generator.copyright(_clean(show.copyright))
    generator.image(url=_image_url(edition.artwork), title=title, link=home)
    generator.generator(_GENERATOR)
    generator.docs("")  # else feedgen links a page over plain http


def _write_itunes(generator: Any, edition: Edition) -> None:
    show = edition.show
    generator.podcast.itunes_author(_needed(show.author, "author"))
    generator.podcast.itunes_owner(_needed(show.owner_name, "owner's name"), _needed(show.owner_email, "owner's email"))
    generator.podcast.itunes_category(_categories(show))
    generator.podcast.itunes_image(_image_url(edition.artwork))
    generator.podcast.itunes_type(show.kind)
    generator.podcasting.itunes("explicit", _truth(show.explicit))


def _write_podcast(generator: Any, show: Show, feed: Feed | None) -> None:
    configured = feed.guid if feed else show.guid
    elements = generator.podcasting
    elements.podcast("locked", "yes" if show.locked else "no")
    elements.podcast("guid", _clean(configured or "") or guid(_feed_url(show, feed)))
    elements.podcast("medium", "podcast")


def _date(generator: Any, items: list[Item]) -> None:
    if items:
        generator.lastBuildDate(items[0].published.astimezone(UTC))
    generator.podcasting.undated = not items


def _write_item(entry: Any, item: Item) -> None:
    episode, source = item.episode, _settings_of(item.episode)
    title = _needed(episode.title, "title", source)
    entry.title(title)
    entry.link(href=_address(item.page_url, source))
    entry.description(_item_description(_clean(episode.summary or "") or title, episode.chapters))
    if notes := _clean(item.notes_html):
        entry.content(notes)
    entry.guid(_exact_guid(episode), permalink=False)
    entry.enclosure(**_enclosure(item, source))
    entry.pubDate(item.published.astimezone(UTC))
    _write_item_itunes(entry, item, title)
    _write_item_podcast(entry.podcasting, item, source)


def _write_item_itunes(entry: Any, item: Item, title: str) -> None:
    episode = item.episode
    entry.podcast.itunes_title(title)
    entry.podcast.itunes_duration(item.enclosure.duration_ms // 1000)
    entry.podcast.itunes_season(episode.season)
    entry.podcast.itunes_episode(episode.number)
    entry.podcast.itunes_episode_type(episode.kind.value)
    if item.cover:
        entry.podcast.itunes_image(_image_url(item.cover))
    entry.podcasting.itunes("explicit", _truth(episode.explicit))


def _write_item_podcast(elements: _ItemElements, item: Item, source: Path | str) -> None:
    episode = item.episode
    if episode.season:
        elements.podcast("season", str(episode.season))
    if episode.number:
        elements.podcast("episode", str(episode.number))
    for transcript in item.transcripts:
        elements.podcast("transcript", **_transcript(transcript, source))
    if item.chapters_url:
        elements.podcast("chapters", url=_address(item.chapters_url, source), type=_CHAPTERS_MIME)
    for name in _names(episode.speakers):
        elements.podcast("person", name, role="guest")  # without a role, apps take each of them for a host


def _categories(show: Show) -> list[dict[str, str]]:
    if not show.categories:
        raise FeedError("the show has no category", source=_SETTINGS, hint="Give it at least one Apple category.")
    return [{"cat": _category(one.name), "sub": _clean(one.subcategory or "")} for one in show.categories]


def _category(name: str) -> str:
    if '"' in name:  # feedgen looks each category up by a path expression that a quotation mark would end
        raise FeedError(
            f"{name!a} is not an Apple category",
            source=_SETTINGS,
            hint="Take a category from Apple's list, as it stands.",
        )
    return _needed(name, "category")


def _enclosure(item: Item, source: Path | str) -> dict[str, str]:
    if item.enclosure.length <= 0:
        raise FeedError(
            f"the sound file is {item.enclosure.length} bytes long",
            source=item.enclosure.path,
            hint="Delete the file and build again; if it stays empty, look at the recording.",
        )
    return {
        "url": _address(item.enclosure.url, source),
        "length": str(item.enclosure.length),
        "type": _needed(item.enclosure.mime, "media type", source),
    }


def _transcript(transcript: TranscriptFile, source: Path | str) -> dict[str, str]:
    attributes = {
        "url": _address(transcript.url, source),
        "type": _clean(transcript.mime),
        "language": _clean(transcript.language),
    }
    return {**attributes, "rel": "captions"} if transcript.mime in _CAPTIONS else attributes


def _names(speakers: tuple[Speaker, ...]) -> list[str]:
    named = (
        _clean(speaker.name)
        for speaker in speakers
        if speaker.name
        and speaker.consent is not None
        and "name" in speaker.consent.scope
        and speaker.consent.withdrawn_on is None
    )
    return [name for name in named if name]


def _item_description(summary: str, chapters: tuple[Chapter, ...]) -> str:
    block = _timestamps(chapters)
    tail = f"\n\n{block}" if block and len(block.encode()) <= _CHAPTERS_BYTES else ""
    return _shorten(summary, _DESCRIPTION_BYTES - len(tail.encode())) + tail


def _timestamps(chapters: tuple[Chapter, ...]) -> str:
    if len(chapters) < _CHAPTERS_LEAST or chapters[0].start_ms != 0:
        return ""
    lines = (f"{clock(chapter.start_ms)} {' '.join(_clean(chapter.title).split())}" for chapter in chapters)
    return "\n".join(line.rstrip() for line in lines)


def _exact_guid(episode: Episode) -> str:
    if not episode.guid or _clean(episode.guid) != episode.guid:
        raise FeedError(
            f"the GUID {episode.guid!a} is empty, or has spaces around it or characters that a feed cannot hold",
            source=_settings_of(episode),
            hint="Restore the GUID that the episode was given when it was added.",
        )
    return episode.guid


def _description_of(show: Show, feed: Feed | None) -> str:
    return (feed.description if feed else None) or show.description


def _feed_url(show: Show, feed: Feed | None) -> str:
    return _address(show.url(feed_key(feed.name) if feed else FEED_KEY), _SETTINGS)


def _settings_of(episode: Episode) -> Path:
    return episode.path / "episode.toml"


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("", text).strip()


def _needed(text: str, what: str, source: Path | str = _SETTINGS) -> str:
    cleaned = _clean(text)
    if not cleaned:
        raise FeedError(f"the {what} is empty", source=source, hint=f"Fill in the {what}: a feed needs it.")
    return cleaned


def _shorten(text: str, limit_bytes: int) -> str:
    encoded = text.encode()
    if len(encoded) <= limit_bytes:
        return text
    kept = encoded[:limit_bytes].decode(errors="ignore")
    ends = [found.end() for found in _SENTENCE_END.finditer(text, 0, len(kept) + 1) if found.end() <= len(kept)]
    if ends and ends[-1] > len(kept) // 2:
        return kept[: ends[-1]]
    words = encoded[: limit_bytes - len("…".encode())].decode(errors="ignore")
    space = max(words.rfind(" "), words.rfind("\n"))
    return (words[:space] if space > len(words) // 2 else words).rstrip() + "…"


def _image_url(artwork: Artwork) -> str:
    url = _address(artwork.url, artwork.key)
    if not url.endswith((".jpg", ".png")):  # feedgen drops any other without a word
        raise FeedError(
            f"the image's address {url} does not end in .jpg or .png",
            source=artwork.key,
            hint="Use a JPEG or PNG image.",
        )
    return url


def _address(url: str, source: Path | str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode("ascii")
        path, query, fragment = (_percent_encoded(part) for part in parts[2:])
    except ValueError as error:
        raise _bad_address(url, source) from error
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(host):
        raise _bad_address(url, source)
    return urlunsplit((parts.scheme, host, path, query, fragment))


def _percent_encoded(part: str) -> str:
    return quote(_STRAY_PERCENT.sub("%25", part), safe=_URL_MARKS)


def _bad_address(url: str, source: Path | str) -> FeedError:
    return FeedError(
        f"{url!a} is not an address that a feed can hold",
        source=source,
        hint="Use a whole address, such as https://podcast.cln.example/feed.xml.",
    )
