"""The values that travel between the stages, each complete when it exists; imports nothing of ours.

Times are whole milliseconds, sizes bytes, dates aware; seconds and clock times appear only in the edge formats.
A key is the path of a file below the site's root, always with forward slashes; an address (URL) is `Show.url(key)`.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

FEED_KEY = "feed.xml"
OPML_KEY = "feeds.opml"
PUBLISHER_KEY = "publisher.xml"
MANIFEST_KEY = "manifest.json"
MANIFEST_VERSION = 1
SITEMAP_KEY = "sitemap.xml"
SEARCH_KEY = "search/index.html"
SEARCH_PAGES_KEY = "search/pages.json"
TRANSCRIPT_FORMATS: Mapping[str, str] = {  # extension -> media type, in the order feeds list them
    "vtt": "text/vtt",
    "srt": "application/x-subrip",
    "json": "application/json",
    "html": "text/html",
    "txt": "text/plain",
}


class Part(StrEnum):
    """What of an episode a machine may draft for a person to correct."""

    TRANSCRIPT = "transcript"
    CHAPTERS = "chapters"
    NOTES = "notes"


class DraftState(StrEnum):
    """How far a person has come with a part that a machine may have drafted."""

    DRAFTED = "drafted by machine"
    EDITED = "edited"
    REVIEWED = "reviewed"


DRAFT_MARKS: Mapping[Part, str] = {  # a line of the file for as long as nobody has reviewed it
    Part.TRANSCRIPT: "NOTE draft: delete this line when the transcript has been reviewed",
    Part.CHAPTERS: "# draft: delete this line when the chapters have been reviewed",
    Part.NOTES: "<!-- draft: delete this line when the notes have been reviewed -->",
}

_MARK_STARTS = {
    part: re.compile(re.escape(mark.partition(":")[0].lower()) + r"(?!\w| (?!delete\b)\w)")
    for part, mark in DRAFT_MARKS.items()
}

CHECK_MARK = "NOTE check:"  # begins the line above a cue of a drafted transcript to which somebody should listen


def is_marked(text: str, part: Part) -> bool:
    """Say whether the file of a part still carries the mark of a draft, wherever and however an editor has put it.

    "Note draft guidance", said in the middle of a cue, is none.
    """
    mark = _MARK_STARTS[part]
    return any(mark.match(_plain(line)) for line in text.splitlines() if "draft" in line.lower())


def _plain(line: str) -> str:
    """Return a line in small letters, without what nobody sees: byte order marks, odd and repeated spaces."""
    return " ".join("".join(each for each in line if each.isprintable() or each.isspace()).lower().split())


SPEECH_MODELS = (  # those that are known by name, the smallest first
    *("tiny.en", "tiny", "base.en", "base", "distil-small.en", "small.en", "small", "distil-medium.en", "medium.en"),
    *("medium", "distil-large-v3", "distil-large-v3.5", "turbo", "large-v3-turbo", "large-v3"),
)
TAKEN_SLUGS = frozenset({"latest", "regions"})  # embed/latest/ is always the newest episode
MOST_NUMBER = 65_535  # of an episode or a season: what the tags of an M4A can hold
DEVICE_NAMES = frozenset(  # no file or folder can have them on Windows
    {"con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in range(10))}
)


def feed_key(name: str | None, *, extension: str = "xml", page: int = 1) -> str:
    """Name the key of the feed called `name`, or of the network feed; `page` counts from 1, the newest."""
    stem = f"feeds/{name}" if name else "feed"
    return f"{stem}.{extension}" if page == 1 else f"{stem}/page-{page}.{extension}"


def is_feed_key(key: str) -> bool:
    """Say whether a key is a feed, or a page of one: what apps poll, and what names everything else."""
    first, _, rest = key.partition("/")
    return (not rest and first.split(".")[0] in {"feed", "feeds", "publisher"}) or first in {"feed", "feeds"}


def episode_key(slug: str) -> str:
    """Name the key of an episode's page."""
    return f"episodes/{slug}/index.html"


def embed_key(slug: str, form: str = "") -> str:
    """Name the key of an episode's embedded player, in one of its forms."""
    return f"embed/{slug}/{form}/index.html" if form else f"embed/{slug}/index.html"


def oembed_key(slug: str) -> str:
    """Name the key of an episode's oEmbed description."""
    return f"oembed/{slug}.json"


def list_key(kind: str, name: str = "", page: int = 1) -> str:
    """Name the key of a list of episodes, such as those of a region; `page` counts from 1, the newest."""
    parts = [kind, *([name] if name else []), *([str(page)] if page > 1 else [])]
    return f"{'/'.join(parts)}/index.html"


def chapters_key(slug: str) -> str:
    """Name the key of an episode's chapters (Podcasting 2.0 JSON)."""
    return f"chapters/{slug}.json"


def transcript_key(slug: str, extension: str) -> str:
    """Name the key of an episode's transcript in one of TRANSCRIPT_FORMATS."""
    return f"transcripts/{slug}.{extension}"


def waveform_key(slug: str) -> str:
    """Name the key of the picture of an episode's sound."""
    return f"waveforms/{slug}.svg"


def media_key(slug: str, sha256: str, extension: str = "mp3") -> str:
    """Name the key of an episode's sound: it carries the content's hash, so it is never overwritten."""
    return f"media/{slug}-{sha256[:16]}.{extension}"


def asset_key(name: str, sha256: str, extension: str) -> str:
    """Name the key of an image, style or script by its content's hash."""
    return f"assets/{name}-{sha256[:16]}.{extension}"


def search_key(year: int, name: str) -> str:
    """Name the key of a file of the index that searches a year's episodes."""
    return f"search/{year}/{name}"


def is_search_part(key: str) -> bool:
    """Say whether a key is a part of a search index: what is named by the index's own list, `pagefind-entry.json`."""
    return re.fullmatch(r"search/\d{4}/(?!pagefind-entry\.json$).+", key) is not None


def belongs(key: str, slug: str) -> bool:
    """Say whether a key is a file of the episode called `slug`: its page, sound, words or pictures."""
    name = re.escape(slug)
    named = rf"(?:episodes|embed)/{name}/.+|(?:chapters|oembed|transcripts|waveforms)/{name}\.[a-z0-9]+"
    hashed = rf"(?:media/{name}(?:-clip)?|assets/(?:cover|chapter|social)-{name})-[0-9a-f]{{16}}\.[a-z0-9]+"
    return re.fullmatch(f"{named}|{hashed}", key) is not None


def is_of_an_episode(asset: str) -> bool:
    """Say whether the key of an image is that of some episode's."""
    return re.match(r"assets/(?:cover|chapter|social)-", asset) is not None


def clock(milliseconds: int) -> str:
    """Write a time as people read it, `0:41` or `1:02:03`, whole seconds, rounded down."""
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class EpisodeKind(StrEnum):
    """What an episode is within its show (itunes:episodeType)."""

    FULL = "full"
    TRAILER = "trailer"
    BONUS = "bonus"


class Visibility(StrEnum):
    """Who may reach an episode."""

    PUBLIC = "public"
    MEMBERS = "members"


class MonoLoudness(StrEnum):
    """How the loudness of a one-channel file is counted: as both speakers play it, or as the one channel reads."""

    AS_PLAYED = "as-played"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """An English region of the network. osm: its OpenStreetMap identifier, such as R151164."""

    id: str
    name: str
    osm: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """A season's name."""

    number: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """An Apple Podcasts category, with its subcategory where there is one."""

    name: str
    subcategory: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed that holds a part of the archive: a filter and its own title. None means no filter on that field."""

    name: str
    title: str
    description: str | None = None
    region: str | None = None
    topic: str | None = None
    season: int | None = None
    set_name: str | None = None
    guid: str | None = None
    language: str | None = None
    artwork: Path | None = None
    artwork_alt: str | None = None
    visibility: "Visibility" = Visibility.PUBLIC

    def holds(self, episode: "Episode") -> bool:
        """Say whether `episode` belongs in this feed."""
        return (
            (self.region is None or episode.region == self.region)
            and (self.topic is None or self.topic in episode.topics)
            and (self.season is None or episode.season == self.season)
            and (self.set_name is None or episode.set_name == self.set_name)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Txt:
    """A text for machines in the feed (podcast:txt), such as a directory's proof of ownership."""

    value: str
    purpose: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSettings:
    """What all feeds have in common. None and empty mean that the feed does not say.

    page_size: items on each page of an archived feed, None for a single page; limit: items on the first page.
    """

    page_size: int | None = None
    limit: int | None = None
    moved_to: str | None = None
    complete: bool = False
    hubs: tuple[str, ...] = ()
    announce: tuple[str, ...] = ()
    publisher_guid: str | None = None
    license: str | None = None
    license_url: str | None = None
    funding_url: str | None = None
    funding_text: str | None = None
    update_frequency: str | None = None
    update_rule: str | None = None
    texts: tuple[Txt, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoudnessTarget:
    """The loudness a master must have: LUFS and dBTP, and how mono is counted."""

    integrated_lufs: float = -16.0
    true_peak_dbtp: float = -1.0
    mono_loudness: MonoLoudness = MonoLoudness.AS_PLAYED


@dataclass(frozen=True, slots=True, kw_only=True)
class Loudness:
    """A loudness as measured (ITU-R BS.1770, EBU R 128); -inf where there is no sound."""

    integrated_lufs: float
    true_peak_dbtp: float
    range_lu: float
    threshold_lufs: float


PRESETS: Mapping[str, LoudnessTarget] = {  # what podcast apps ask for; EBU R 128; music and video streaming
    "podcast": LoudnessTarget(integrated_lufs=-16.0, true_peak_dbtp=-1.0),
    "broadcast": LoudnessTarget(integrated_lufs=-23.0, true_peak_dbtp=-1.0),
    "streaming": LoudnessTarget(integrated_lufs=-14.0, true_peak_dbtp=-1.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioSettings:
    """How a recording becomes a master.

    sample_rate_hz: None for the recording's own family (44,100 or 48,000). longest_pause_s: None leaves pauses as they
    are. intro, outro: sound files played before and after, each going on for `sting_overlap_s` under the speech.
    """

    target: LoudnessTarget = field(default_factory=LoudnessTarget)
    channels: Literal[1, 2] = 1
    bit_rate_kbps: int = 96
    sample_rate_hz: int | None = None
    highpass_hz: int = 80
    level: bool = True
    denoise: Literal["auto", "off", "light", "strong"] = "auto"
    trim: bool = True
    longest_pause_s: float | None = None
    intro: Path | None = None
    outro: Path | None = None
    sting_overlap_s: float = 2.0
    recorders: Literal["best", "mix"] = "best"
    alternates: tuple[Literal["aac", "opus"], ...] = ()
    ffmpeg: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TagSettings:
    """How a master is tagged."""

    id3_version: Literal["2.3", "2.4"] = "2.4"
    genre: str = "Podcast"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechSettings:
    """Which recogniser model drafts transcripts; no model, no drafting. hot_words: what it is likely to hear.

    model: one of SPEECH_MODELS, or a folder.
    """

    model: str | None = None
    hot_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """An acronym or a term and what it stands for."""

    term: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotesSettings:
    """What drafts show notes besides the template. command: a program of this machine and its arguments, or none."""

    command: tuple[str, ...] = ()
    glossary: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSettings:
    """Where a release is published: `s3://bucket/prefix` or `file:FOLDER` (relative to the workspace).

    gzip: whether a bucket holds texts compressed; encryption, kms_key: how it encrypts what it holds;
    cloudfront: the distribution that serves it, and is told what changed; allowed_regions: where the bucket may be,
    empty for anywhere; residency_reference: of the assessment that allows another place.
    """

    url: str = "file:./public"
    endpoint_url: str | None = None
    region: str | None = None
    gzip: bool = False
    encryption: Literal["AES256", "aws:kms"] | None = None
    kms_key: str | None = None
    cloudfront: str | None = None
    allowed_regions: tuple[str, ...] = ("eu-west-2",)
    residency_reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustSettings:
    """What must have happened before an episode may leave.

    public, members: the roles that must have signed an episode for everybody, and one for members; review_months: after
    which a published episode is looked at again, recording_months: after which its recording is due to be removed, both
    counted from the day of recording, None for never; names: whether person names are looked for, with a model.
    """

    public: tuple[str, ...] = ("comms", "caldicott")
    members: tuple[str, ...] = ("comms",)
    review_months: int | None = 24
    recording_months: int | None = 12
    names: Literal["auto", "off", "required"] = "auto"

    def roles(self, visibility: Visibility) -> tuple[str, ...]:
        """List the roles that must sign an episode."""
        return self.public if visibility is Visibility.PUBLIC else self.members


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link that belongs to an episode's notes, or to the show."""

    title: str
    url: str


class Compliance(StrEnum):
    """How far a site meets WCAG 2.2 AA, as an accessibility statement says it."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Barrier:
    """What does not meet WCAG. criterion: its number and name; reason: a ground of the law; until: when mended."""

    what: str
    criterion: str
    reason: Literal["non-compliance", "disproportionate burden", "out of scope"]
    until: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What the owner of a site says of its accessibility: accessibility.toml, read and typed.

    Source: Public Sector Bodies (Websites and Mobile Applications) (No. 2) Accessibility Regulations
    2018, regulation 8.
    """

    status: Compliance
    prepared_on: date
    reviewed_on: date | None = None
    tested_on: date | None = None
    tested_by: str | None = None
    tested_how: str | None = None
    email: str | None = None
    phone: str | None = None
    reply_days: int | None = None
    barriers: tuple[Barrier, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSettings:
    """What the pages say besides the episodes. about, privacy: Markdown; directories: pages of the show elsewhere."""

    per_page: int = 50
    directories: tuple[Link, ...] = ()
    security_contact: str | None = None
    security_expires: date | None = None
    about: str | None = None
    privacy: str | None = None
    statement: Statement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """The podcast as a whole: cln_media.toml, read and typed. `site_url` ends in a slash.

    `members` is the list of members and their secret paths, outside the workspace.
    """

    title: str
    description: str
    site_url: str
    language: str
    author: str
    owner_name: str
    owner_email: str
    categories: tuple[Category, ...]
    artwork: Path | None
    artwork_alt: str
    explicit: bool = False
    copyright: str | None = None
    guid: str | None = None
    kind: Literal["episodic", "serial"] = "episodic"
    locked: bool = True
    timezone: str = "Europe/London"
    identity: Literal["plain", "nhs"] = "plain"
    identity_permission: str | None = None
    search: bool = True
    regions: tuple[Region, ...] = ()
    seasons: tuple[Season, ...] = ()
    feeds: tuple[Feed, ...] = ()
    feed: FeedSettings = field(default_factory=FeedSettings)
    members: Path | None = None
    audio: AudioSettings = field(default_factory=AudioSettings)
    tags: TagSettings = field(default_factory=TagSettings)
    speech: SpeechSettings = field(default_factory=SpeechSettings)
    notes: NotesSettings = field(default_factory=NotesSettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
    staging: StorageSettings | None = None
    trust: TrustSettings = field(default_factory=TrustSettings)
    site: SiteSettings = field(default_factory=SiteSettings)

    def url(self, key: str) -> str:
        """Return the public address of `key`; `index.html` is never part of an address."""
        return self.site_url + _without_index(key)

    def link(self, key: str) -> str:
        """Return the address of `key` without scheme and host, for links inside the site."""
        return urlsplit(self.site_url).path + _without_index(key)

    @property
    def is_example(self) -> bool:
        """Say whether the site's address is reserved for examples, so that nothing can ever answer there (RFC 6761)."""
        host = (urlsplit(self.site_url).hostname or "").rstrip(".")
        return host.rpartition(".")[2] in {"example", "invalid", "test"}

    def region_name(self, region_id: str | None) -> str | None:
        """Return a region's name for people, or None where there is no such region."""
        return next((region.name for region in self.regions if region.id == region_id), None)


def _without_index(key: str) -> str:
    return key.removesuffix("index.html") if key == "index.html" or key.endswith("/index.html") else key


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A chapter of an episode. `image` is a file as read, `image_url` its address once it is published."""

    start_ms: int
    title: str
    url: str | None = None
    image: Path | None = None
    image_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Soundbite:
    """A stretch worth hearing on its own, ms from the start of the master."""

    start_ms: int
    duration_ms: int
    title: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """Some words of a transcript, with the time they are said and who says them."""

    start_ms: int
    end_ms: int
    text: str
    speaker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What is said in an episode. cues: ascending by start, ms from the start of the master; maybe read when asked for.

    `origin` is the name of the file it was read from, or "recogniser" for a draft made by machine. repairs: what was
    wrong in the file and was put right while it was read, a sentence each.
    """

    language: str
    cues: Sequence[Cue]
    origin: str
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What somebody says before somebody else does, without times."""

    text: str
    speaker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """Something that is mentioned in an episode: as it was said, or as it would be written, and when, in ms.

    by: the label of who says it, as far as that may be told; empty otherwise.
    """

    text: str
    start_ms: int
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What of an episode's words may be told of it, for a person to choose from; on the transcript's clock.

    chapters: none where it is too short for them; terms: of the glossary, that are said; unexplained: acronyms that
    are not in it; addresses: of the web, as they would be written; actions: what somebody says is to be done.
    """

    chapters: tuple[Chapter, ...] = ()
    quotes: tuple[Mention, ...] = ()
    key_words: tuple[str, ...] = ()
    terms: tuple[Term, ...] = ()
    unexplained: tuple[str, ...] = ()
    addresses: tuple[Mention, ...] = ()
    actions: tuple[Mention, ...] = ()


class HeardWord(NamedTuple):
    """A word as a recogniser heard it, ms from the start of the recording; `text` begins with the space before it.

    probability: 0 to 1; doubt: why a person should listen (`unsure`, `repeated`, `silence`), or empty.
    """

    start_ms: int
    end_ms: int
    text: str
    probability: float = 1.0
    doubt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What a speaker has agreed to, when, and where that is written down."""

    scope: tuple[str, ...]
    recorded_on: date
    reference: str
    expires_on: date | None = None
    withdrawn_on: date | None = None

    def stands(self, today: date) -> bool:
        """Say whether it holds on a day: neither withdrawn nor expired."""
        return self.withdrawn_on is None and (self.expires_on is None or today <= self.expires_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomConsent:
    """What the people in the room were told and agreed to, as a whole; reference: where the notice is filed.

    room: `all-agreed` covers everybody's voice and words, without names; with `listed` each speaker's own counts.
    """

    room: Literal["all-agreed", "listed"]
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Someone who speaks: always a role; a name only where consent covers it."""

    role: str
    name: str | None = None
    organisation: str | None = None
    consent: Consent | None = None

    @property
    def is_named(self) -> bool:
        """Say whether there is a name, and consent to it that stands."""
        consent = self.consent
        return bool(self.name) and consent is not None and "name" in consent.scope and consent.withdrawn_on is None

    @property
    def label(self) -> str:
        """What may be shown of this speaker: the name where consent to be named stands, else the role."""
        return self.name if self.name and self.is_named else self.role


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A recording as it was ingested: its path and the SHA-256 it had then.

    recorder: which of several recorders that ran at the same time made it, from 1; the first one gives the clock.
    """

    path: Path
    sha256: str
    recorder: int = 1


class Verdict(StrEnum):
    """What a person decided about words that could identify a patient."""

    ACCEPT = "accept"
    REMOVE = "remove"
    HOLD = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A person's decision about a finding, keyed by what was said and where.

    said: SHA-256 of what was said in a form that survives being transcribed again, mixed with salt, so that whoever has
    it alone cannot try every number; file: `transcript` or the name of a file of the episode; start_ms, end_ms: of the
    words, on the recording's clock, None in a file without sound; around: the words around it, without itself; by: the
    role of who decided; cover: how the sound is covered.
    """

    verdict: Verdict
    kind: str
    file: str
    said: str
    by: str
    on: date
    start_ms: int | None = None
    end_ms: int | None = None
    around: str = ""
    reason: str = ""
    cover: Literal["bleep", "mute"] = "bleep"
    salt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOff:
    """A person's word that an episode may leave as it is.

    role: in which they sign; by: who, as a role or job title; at: ISO 8601, UTC; parts: the SHA-256 of each part of the
    episode as it was; signature: an SSH signature over all of it, if there is one.
    """

    role: str
    by: str
    at: str
    parts: Mapping[str, str]
    signature: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """An episode, or one voice of it, that was taken back for good.

    on: the day, at: the moment in ISO 8601, UTC; speaker: the role whose voice was withdrawn, None for all of it;
    finished_on: the day everything was found to be gone, None while that is to be done; removed: keys of the store;
    checked: addresses that do not answer; covers: where the voice was heard, ms of the recording, whatever a later
    transcript says; earlier_slugs: what else the episode was called when it was published.
    """

    slug: str
    guid: str
    on: date
    reason: str
    by: str
    at: str = ""
    speaker: str | None = None
    visibility: Visibility = Visibility.PUBLIC
    finished_on: date | None = None
    removed: tuple[str, ...] = ()
    checked: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    covers: tuple[tuple[int, int], ...] = ()
    earlier_slugs: tuple[str, ...] = ()

    def has(self, key: str) -> bool:
        """Say whether a key is a file of the episode, under whatever slug it was published."""
        return any(belongs(key, slug) for slug in (self.slug, *self.earlier_slugs))


class EditAction(StrEnum):
    """What an edit does with a stretch of the recording."""

    CUT = "cut"
    BLEEP = "bleep"
    MUTE = "mute"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A stretch to take out or to cover, ms from the start of the recording."""

    start_ms: int
    end_ms: int
    action: EditAction


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of the recording that the master keeps, and where in the master it begins; all in ms."""

    start_ms: int
    end_ms: int
    master_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Where each moment of a recording is in its master, after cuts, trims and stings.

    spans: ascending, not overlapping; covered: stretches of the recording that a bleep or silence covers, (start, end)
    in ms. Without spans, the two clocks are the same.
    """

    spans: tuple[Span, ...] = ()
    covered: tuple[tuple[int, int], ...] = ()

    def keeps(self, recording_ms: int) -> bool:
        """Say whether the master keeps that moment of the recording."""
        return not self.spans or any(span.start_ms <= recording_ms < span.end_ms for span in self.spans)

    def moved(self, recording_ms: int) -> int:
        """Turn a time of the recording into one of the master; a moment that was cut becomes the next one kept."""
        if not self.spans:
            return recording_ms
        number = bisect_right(self.spans, recording_ms, key=lambda span: span.end_ms)
        following = self.spans[min(number, len(self.spans) - 1)]
        inside_ms = min(max(recording_ms, following.start_ms), following.end_ms) - following.start_ms
        return following.master_ms + inside_ms

    def kept_ms(self, start_ms: int, end_ms: int) -> int:
        """Say how much of a stretch of the recording the master keeps."""
        if not self.spans:
            return end_ms - start_ms
        return sum(max(0, min(end_ms, span.end_ms) - max(start_ms, span.start_ms)) for span in self.spans)

    def covered_ms(self, start_ms: int, end_ms: int) -> int:
        """Say how much of a stretch of the recording is covered by a bleep or silence."""
        return sum(max(0, min(end_ms, end) - max(start_ms, start)) for start, end in self.covered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What a source file says of itself, as far as we trust it (see audio.probe).

    `title`, `description` and `recorded_on` are offers for a person to take or leave: nothing of them is published.
    """

    path: Path
    container: str
    codec: str
    duration_ms: int
    sample_rate_hz: int
    channels: int
    recorded_on: datetime | None = None
    title: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """An episode as its folder describes it; complete or not. `published` is aware, None for a draft.

    `updated` is when its content last changed after that; `machine_drafted` names what a model drafted. drafts: how far
    each part is that has a file.
    With `keep_audio` the recording, an MP3, is published as it is.
    """

    path: Path
    slug: str
    guid: str
    title: str
    sources: tuple[Source, ...]
    number: int | None = None
    display: str | None = None
    season: int | None = None
    kind: EpisodeKind = EpisodeKind.FULL
    recorded_on: date | None = None
    published: datetime | None = None
    region: str | None = None
    set_name: str | None = None
    topics: tuple[str, ...] = ()
    visibility: Visibility = Visibility.PUBLIC
    explicit: bool = False
    language: str | None = None
    summary: str | None = None
    speakers: tuple[Speaker, ...] = ()
    links: tuple[Link, ...] = ()
    updated: datetime | None = None
    machine_drafted: tuple[str, ...] = ()
    keep_audio: bool = False
    soundbites: tuple[Soundbite, ...] = ()
    edits: tuple[Edit, ...] = ()
    notes: str | None = None
    chapters: tuple[Chapter, ...] = ()
    transcript: Transcript | None = None
    cover: Path | None = None
    room: RoomConsent | None = None
    decisions: tuple[Decision, ...] = ()
    sign_offs: tuple[SignOff, ...] = ()
    review_on: date | None = None
    disposed_on: date | None = None
    drafts: Mapping[Part, DraftState] = field(default_factory=dict)

    @property
    def recorders(self) -> tuple[tuple[Path, ...], ...]:
        """The recordings of each recorder, its parts in order; the first recorder gives the clock."""
        numbers = sorted({source.recorder for source in self.sources})
        return tuple(tuple(s.path for s in self.sources if s.recorder == number) for number in numbers)

    @property
    def unread(self) -> tuple[Part, ...]:
        """The parts that still carry the mark of a draft: a machine made them, and nobody has read them to the end."""
        return tuple(part for part in Part if self.drafts.get(part, DraftState.REVIEWED) is not DraftState.REVIEWED)

    def is_due(self, now: datetime) -> bool:
        """Say whether the episode has a publication date and it has come."""
        return self.published is not None and self.published <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something about a recording that mastering cannot mend.

    kind: `clipping`, `dead-channel`, `noise`, `silence` or another such word, for programs.
    """

    kind: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mastering:
    """What mastering found and did, for people to judge. Levels are of the recording, on its own clock.

    step_ms: the time between the values of before_lufs (short-term loudness as it came), gains_db (all gain but the
    limiter's) and speech (whether somebody speaks). silences, clipped: stretches in ms. denoise: what was done.
    """

    step_ms: int = 1000
    before_lufs: tuple[float, ...] = ()
    gains_db: tuple[float, ...] = ()
    speech: tuple[bool, ...] = ()
    integrated_before_lufs: float = 0.0
    peak_before_dbfs: float = 0.0
    range_before_lu: float = 0.0
    floor_before_lufs: float = 0.0
    floor_after_lufs: float = 0.0
    speech_to_noise_db: float = 0.0
    clipped: tuple[tuple[int, int], ...] = ()
    silences: tuple[tuple[int, int], ...] = ()
    denoise: Literal["off", "gentle", "light", "strong"] = "off"
    hum_hz: tuple[int, ...] = ()
    channels: str = ""
    recorders: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """A master in another coding: `codec` is `aac` or `opus`, `codecs` what a browser calls it (RFC 6381)."""

    path: Path
    sha256: str
    size: int
    codec: Literal["aac", "opus"]
    codecs: str
    mime: str
    bit_rate_kbps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Master:
    """A recording normalised and encoded, not yet tagged. `loudness` was measured on the encoded file.

    timeline: from the recording's clock to the master's; after_lufs: short-term loudness of the encoded file, one a
    second; waveform: the height (0 to 100) of stretches of equal length, for a picture of the sound.
    """

    path: Path
    sha256: str
    size: int
    duration_ms: int
    loudness: Loudness
    mime: str = "audio/mpeg"
    timeline: Timeline = field(default_factory=Timeline)
    mastering: Mastering = field(default_factory=Mastering)
    after_lufs: tuple[float, ...] = ()
    waveform: tuple[int, ...] = ()
    renditions: tuple[Rendition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image as published or embedded: a file with its measure. `alt` says what it shows."""

    path: Path
    sha256: str
    mime: str
    width: int
    height: int
    alt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """The words of a drawn image: the title large, what stands above it and the lines below it small.

    otherwise: what takes the title's place where it cannot be drawn, as in a script that the typeface does not have.
    """

    title: str
    otherwise: str
    above: str = ""
    below: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """The tagged sound of an episode as a feed names it; `length` is the file's size in bytes."""

    path: Path
    sha256: str
    key: str
    url: str
    length: int
    mime: str
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlternateEnclosure:
    """An episode in another coding, as a feed names it (podcast:alternateEnclosure)."""

    enclosure: Enclosure
    title: str
    codecs: str
    bit_rate_kbps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A soundbite as a sound file of its own; `bite` is on the master's clock."""

    bite: Soundbite
    enclosure: Enclosure


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptFile:
    """One form of an episode's transcript, as published."""

    url: str
    mime: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Artwork:
    """An image as a feed or page names it. `finer`: the same with more pixels, for screens that can show them."""

    key: str
    url: str
    mime: str
    width: int
    height: int
    alt: str
    finer: "Artwork | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An episode with all that a feed or a page needs: nothing reaches either without a file, a length and a type.

    `cover` is the image that feeds name, `thumbnail` the small one that pages show, `social` the one for shared links.
    """

    episode: Episode
    published: datetime
    enclosure: Enclosure
    page_url: str
    embed_url: str
    oembed_url: str
    notes_html: str
    chapters_url: str | None = None
    transcripts: tuple[TranscriptFile, ...] = ()
    cover: Artwork | None = None
    thumbnail: Artwork | None = None
    social: Artwork | None = None
    alternates: tuple[AlternateEnclosure, ...] = ()
    clips: tuple[Clip, ...] = ()
    waveform: tuple[int, ...] = ()

    @property
    def changed(self) -> datetime:
        """When the content last changed: the day it appeared, or was updated."""
        return max(self.published, self.episode.updated or self.published)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Some words of a page, and the fragment that leads to them: "" for that of the passage before, or none yet."""

    anchor: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Findable:
    """What search finds of an episode. path: of its page, below the site's root; facts: what results say of it.

    year: in which it was published; region: its identifier, None for none; language: None where it is the show's.
    """

    path: str
    year: int
    title: str
    facts: str
    region: str | None
    language: str | None
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """All that one build publishes: what every output is rendered from. items: newest first; feed_artworks: by name.

    withdrawn: slugs of episodes that were taken back, whose addresses say so; about_html, privacy_html: sanitised HTML.

    `artwork` is the image that feeds name (1400 to 3000 px square), `thumbnail` the small one that pages show, `social`
    the one for shared links. The same for feeds by name, and for regions by id; icons: the emblem as PNG, ascending by
    size.
    """

    show: Show
    artwork: Artwork
    thumbnail: Artwork
    items: tuple[Item, ...]
    feed_artworks: Mapping[str, Artwork] = field(default_factory=dict)
    withdrawn: tuple[str, ...] = ()
    about_html: str = ""
    privacy_html: str = ""
    social: Artwork | None = None
    feed_thumbnails: Mapping[str, Artwork] = field(default_factory=dict)
    feed_socials: Mapping[str, Artwork] = field(default_factory=dict)
    region_socials: Mapping[str, Artwork] = field(default_factory=dict)
    icons: tuple[Artwork, ...] = ()

    def artwork_of(self, feed: Feed | None) -> Artwork:
        """Return the artwork of a feed: its own, or the show's."""
        return self.feed_artworks.get(feed.name, self.artwork) if feed else self.artwork


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file of a release: its key, content and the headers it is served with.

    redirect: where a host that serves websites sends whoever asks for it, None for nowhere.
    disposition: Content-Disposition, with the name under which people save the file; None for the key's own.
    encoding: "gzip" where the store holds the content compressed; `sha256` and `size` are always the content's own.
    """

    key: str
    sha256: str
    size: int
    content_type: str
    cache_control: str
    redirect: str | None = None
    disposition: str | None = None
    encoding: Literal["gzip"] | None = None

    def as_json(self) -> dict[str, Any]:
        """Write what a manifest says of the file."""
        return {name: value for name in _ASSET_FIELDS if (value := getattr(self, name)) is not None}


_ASSET_FIELDS = tuple(each.name for each in fields(Asset))


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A whole site, file by file, ascending by key: the manifest (which does not list itself)."""

    assets: tuple[Asset, ...]

    def to_json(self) -> bytes:
        """Write the manifest; the same release gives the same bytes."""
        import msgspec  # noqa: PLC0415 - only those who read or write a manifest need it

        encode = msgspec.json.Encoder().encode
        lines = b",\n".join([encode(asset.as_json()) for asset in self.assets])
        return b'{"version":%d,"assets":[\n%b\n]}\n' % (MANIFEST_VERSION, lines)

    @classmethod
    def from_json(cls, data: bytes) -> "Release":
        """Read a manifest.

        Raises:
            ValueError: `data` is not a manifest of ours.
        """
        import msgspec  # noqa: PLC0415

        try:
            manifest = msgspec.json.decode(data, type=_Manifest)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError(f"not a manifest: {error}") from error
        if manifest.version != MANIFEST_VERSION:
            raise ValueError(f"manifest version {manifest.version}, not {MANIFEST_VERSION}")
        return cls(assets=manifest.assets)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Manifest:
    """A manifest as it is written."""

    version: int
    assets: tuple[Asset, ...]


class Reason(StrEnum):
    """Why a plan uploads a file."""

    NEW = "new"
    CONTENT = "content"
    HEADERS = "headers"
    UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """One upload of a plan."""

    asset: Asset
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What publishing would do.

    puts: in the order they are sent; deletes: keys; unchanged: how many files stay; keeps: what is replaced or removed
    and copied aside before, so that the release before can be brought back.
    """

    puts: tuple[Put, ...]
    deletes: tuple[str, ...]
    unchanged: int
    keeps: tuple[Asset, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Say whether there is nothing to do."""
        return not self.puts and not self.deletes


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something wrong that a person can mend. A fatal one stops a build."""

    source: str
    message: str
    hint: str
    fatal: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Words that could identify a patient. start, end: characters of the text that was searched."""

    kind: str
    start: int
    end: int
    text: str
    severity: Literal["certain", "likely", "check"]
