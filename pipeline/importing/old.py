"""What an existing podcast says of itself: the values between reading its feed and writing its episodes."""

from dataclasses import dataclass
from datetime import datetime

from pipeline.model import Chapter, EpisodeKind, Problem, Soundbite


@dataclass(frozen=True, slots=True, kw_only=True)
class OldShow:
    """The podcast as a whole. artwork: an address; categories: as cln_media.toml writes them, `Name > Subcategory`.

    moved_to: where the feed says that it has gone (itunes:new-feed-url). locked: whether it asks not to be imported.
    """

    title: str | None
    description: str | None
    author: str | None
    owner_name: str | None
    owner_email: str | None
    language: str | None
    categories: tuple[str, ...]
    explicit: bool
    serial: bool
    copyright: str | None
    guid: str | None
    artwork: str | None
    moved_to: str | None
    locked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OldSound:
    """The sound of an episode as the feed names it; length in bytes, None where it is not told or cannot be."""

    url: str
    mime: str
    length: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OldTranscript:
    """One form of a transcript. form: vtt, srt, json, html or txt."""

    url: str
    form: str
    language: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OldEpisode:
    """An item of the feed that has a sound. guid: exactly as there; notes: CommonMark.

    chapters: those in the feed itself, from its elements or else from the times in its text; the file at
    `chapters_url` goes before both. people: how many the feed names. remarks: what could not be taken over.
    """

    guid: str
    title: str
    published: datetime | None
    summary: str | None
    notes: str | None
    season: int | None
    number: int | None
    kind: EpisodeKind
    explicit: bool
    language: str | None
    sound: OldSound
    chapters: tuple[Chapter, ...]
    chapters_url: str | None
    transcripts: tuple[OldTranscript, ...]
    cover: str | None
    soundbites: tuple[Soundbite, ...]
    people: int
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OldPage:
    """One page of a feed. soundless: how many items have no sound; next_url: the page after it (RFC 5005)."""

    show: OldShow
    episodes: tuple[OldEpisode, ...]
    soundless: int
    next_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OldFeed:
    """A whole feed, all its pages. remarks: sentences for the person who imports it."""

    show: OldShow
    episodes: tuple[OldEpisode, ...]
    soundless: int
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """An episode to add, and the name of its folder."""

    slug: str
    old: OldEpisode


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an import would do. additions: newest first; present: GUIDs that are there already.

    soundless: how many items have no sound; left: how many new ones a limit leaves for another time;
    refused: the items that cannot be added.
    """

    additions: tuple[Addition, ...]
    present: int
    soundless: int
    left: int
    refused: tuple[Problem, ...]
