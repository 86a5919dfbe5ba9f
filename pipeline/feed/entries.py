"""An item enters, a feedgen entry leaves: from it come the RSS item and the Atom entry."""

import base64
import re
import uuid
from collections.abc import Iterator
from math import gcd
from pathlib import Path
from typing import Any

from feedgen.entry import FeedEntry

from pipeline.errors import FeedError
from pipeline.feed import description, wording
from pipeline.feed.archive import settings_of, utc
from pipeline.feed.elements import PSC, Element, ItemElements, itunes, podcast
from pipeline.model import (
    AlternateEnclosure,
    Artwork,
    Chapter,
    Enclosure,
    Episode,
    Item,
    Region,
    Show,
    Soundbite,
    Speaker,
    TranscriptFile,
)

_CHAPTERS_MIME = "application/json+chapters"
_CAPTIONS = frozenset({"text/vtt", "application/x-subrip"})
_COUNTRY = "GB"
_IRI = re.compile(r"""[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"{}|\\^`\x00-\x20\x7f-\x9f]+""")
_SHORT_CHARACTERS = 32  # of an alternate's title
_HOUR_MS, _MINUTE_MS, _SECOND_MS = 3_600_000, 60_000, 1_000


def entry(show: Show, item: Item) -> Any:
    """Make the entry of an item, the same for every feed that holds it.

    Raises:
        FeedError: the feed would be invalid with it.
    """
    source = settings_of(item.episode)
    made = FeedEntry()
    made.load_extension("podcast", atom=False)
    made.register_extension("podcasting", ItemElements)
    _write(made, item, source)
    _write_itunes(made, item)
    made.podcasting.elements += _elements(show, item, source)
    return made


def named(speakers: tuple[Speaker, ...]) -> list[str]:
    """List the names of those who agreed to be named, and have not taken it back."""
    names = (
        wording.line(speaker.name)
        for speaker in speakers
        if speaker.name
        and speaker.consent is not None
        and "name" in speaker.consent.scope
        and speaker.consent.withdrawn_on is None
    )
    return [name for name in names if name]


def image(artwork: Artwork) -> Element:
    """Make podcast:image, with what it shows in words."""
    divisor = gcd(artwork.width, artwork.height) or 1
    return podcast(
        "image",
        attributes={
            "href": wording.image_address(artwork),
            "alt": wording.line(artwork.alt) or None,
            "aspect-ratio": f"{artwork.width // divisor}/{artwork.height // divisor}",
            "width": str(artwork.width),
            "height": str(artwork.height),
            "type": wording.clean(artwork.mime),
            "purpose": "artwork",
        },
    )


def location(show: Show, region_id: str | None) -> Iterator[Element]:
    """Make podcast:location of a region: what is spoken about, never the room it was recorded in."""
    region: Region | None = next((region for region in show.regions if region.id == region_id), None)
    if region is not None and (name := wording.label(region.name)):
        place = {"rel": "subject", "country": _COUNTRY, "osm": wording.clean(region.osm or "") or None}
        yield podcast("location", name, place)


def exact_guid(episode: Episode) -> str:
    """Return an episode's GUID.

    Raises:
        FeedError: a feed cannot hold it as it is.
    """
    if not episode.guid or wording.clean(episode.guid) != episode.guid:
        raise FeedError(
            f"the GUID {episode.guid!a} is empty, or has spaces around it or characters that a feed cannot hold",
            source=settings_of(episode),
            hint="Restore the GUID that the episode was given when it was added.",
        )
    return episode.guid


def enclosure(item: Item) -> dict[str, str]:
    """Return an item's sound as a feed names it: url, length in bytes and type.

    Raises:
        FeedError: the file is empty, or its address or type unusable.
    """
    return sound(item.enclosure, settings_of(item.episode))


def sound(one: Enclosure, source: Path) -> dict[str, str]:
    """Return a file of sound as a feed names it: url, length in bytes and type.

    Raises:
        FeedError: the file is empty, or its address or type unusable.
    """
    if one.length <= 0:
        raise FeedError(
            f"the sound file is {one.length} bytes long",
            source=one.path,
            hint="Delete the file and build again; if it stays empty, look at the recording.",
        )
    return {
        "url": wording.address(one.url, source),
        "length": str(one.length),
        "type": wording.needed(one.mime, "media type", source),
    }


def _write(made: Any, item: Item, source: Path) -> None:
    guid, file = exact_guid(item.episode), enclosure(item)
    made.title(wording.needed(item.episode.title, "title", source))
    made.guid(guid, permalink=False)
    page = {"href": wording.address(item.page_url, source), "rel": "alternate", "type": "text/html"}
    made.podcasting.atom_id = _atom_id(guid)
    made.podcasting.links = [
        page,
        {"href": file["url"], "rel": "enclosure", "type": file["type"], "length": file["length"]},
    ]
    made.link(made.podcasting.links)
    made.summary(description.plain(item))
    if notes := description.html(item):
        made.content(notes, type="html")
    made.published(utc(item.published))
    made.updated(utc(item.changed))
    made.author([{"name": name} for name in named(item.episode.speakers)])
    made.category([{"term": term} for topic in item.episode.topics if (term := wording.line(topic))])


def _atom_id(guid: str) -> str:
    if _IRI.fullmatch(guid):
        return guid
    try:
        return f"urn:uuid:{uuid.UUID(guid)}"
    except ValueError:
        return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, guid)}"


def _write_itunes(made: Any, item: Item) -> None:
    episode = item.episode
    made.podcast.itunes_title(made.title())
    made.podcast.itunes_duration(item.enclosure.duration_ms // 1000)
    made.podcast.itunes_season(episode.season)
    made.podcast.itunes_episode(episode.number)
    made.podcast.itunes_episode_type(episode.kind.value)
    if item.cover:
        made.podcast.itunes_image(wording.image_address(item.cover))
    made.podcasting.elements.append(itunes("explicit", wording.truth(value=episode.explicit)))


def _elements(show: Show, item: Item, source: Path) -> Iterator[Element]:
    episode = item.episode
    if episode.season:
        yield podcast("season", str(episode.season), {"name": _season_name(show, episode.season)})
    if episode.number:
        display = {"display": wording.line(episode.display)} if episode.display else {}
        yield podcast("episode", str(episode.number), display)
    yield from location(show, episode.region)
    yield from (podcast("transcript", attributes=_transcript(one, source)) for one in item.transcripts)
    if item.chapters_url:
        chapters = {"url": wording.address(item.chapters_url, source), "type": _CHAPTERS_MIME}
        yield podcast("chapters", attributes=chapters)
    yield from (_soundbite(one) for one in episode.soundbites)
    for name in named(episode.speakers):  # without a role, apps take each of them for a host
        yield podcast("person", wording.label(name), {"role": "guest"})
    if item.cover:
        yield image(item.cover)
    yield _own_enclosure(item.enclosure, source)
    yield from (_alternate(one, source) for one in item.alternates)
    if episode.machine_drafted:
        yield podcast("txt", "true", {"purpose": "ai-content"})
    yield podcast("socialInteract", attributes={"protocol": "disabled"})
    if episode.chapters:
        yield _simple_chapters(episode.chapters, source)


def _season_name(show: Show, number: int) -> str | None:
    return next((wording.label(season.name) or None for season in show.seasons if season.number == number), None)


def _transcript(transcript: TranscriptFile, source: Path) -> dict[str, str | None]:
    return {
        "url": wording.address(transcript.url, source),
        "type": wording.clean(transcript.mime),
        "language": wording.clean(transcript.language) or None,
        "rel": "captions" if transcript.mime in _CAPTIONS else None,
    }


def _soundbite(one: Soundbite) -> Element:
    times = {"startTime": _seconds(one.start_ms), "duration": _seconds(one.duration_ms)}
    return podcast("soundbite", wording.label(one.title or "") or None, times)


def _own_enclosure(one: Enclosure, source: Path) -> Element:
    file = sound(one, source)
    attributes = {"type": file["type"], "length": file["length"], "default": "true"}
    return podcast("alternateEnclosure", attributes=attributes, children=_source(file["url"], one.sha256))


def _alternate(one: AlternateEnclosure, source: Path) -> Element:
    file = sound(one.enclosure, source)
    attributes = {
        "type": file["type"],
        "length": file["length"],
        "bitrate": str(one.bit_rate_kbps * 1000),
        "title": wording.line(one.title)[:_SHORT_CHARACTERS] or None,
        "codecs": wording.clean(one.codecs) or None,
    }
    return podcast("alternateEnclosure", attributes=attributes, children=_source(file["url"], one.enclosure.sha256))


def _source(url: str, sha256: str) -> tuple[Element, ...]:
    value = base64.b64encode(bytes.fromhex(sha256)).decode()
    return (
        podcast("source", attributes={"uri": url}),
        podcast("integrity", attributes={"type": "sri", "value": f"sha256-{value}"}),
    )


def _simple_chapters(chapters: tuple[Chapter, ...], source: Path) -> Element:
    rows = (
        Element(
            f"{{{PSC}}}chapter",
            attributes={
                "start": _full_clock(chapter.start_ms),
                "title": wording.line(chapter.title),
                "href": wording.address(chapter.url, source) if chapter.url else None,
                "image": wording.address(chapter.image_url, source) if chapter.image_url else None,
            },
        )
        for chapter in chapters
    )
    return Element(f"{{{PSC}}}chapters", attributes={"version": "1.2"}, children=tuple(rows))


def _full_clock(milliseconds: int) -> str:
    hours, rest = divmod(milliseconds, _HOUR_MS)
    minutes, rest = divmod(rest, _MINUTE_MS)
    return f"{hours:02}:{minutes:02}:{rest // _SECOND_MS:02}.{rest % _SECOND_MS:03}"


def _seconds(milliseconds: int) -> str:
    whole, rest = divmod(milliseconds, _SECOND_MS)
    return f"{whole}.{rest:03}".rstrip("0").rstrip(".") if rest else f"{whole}.0"
