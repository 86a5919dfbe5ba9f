"""Every key of cln_media.toml and episode.toml, once: type, limits, default and meaning.

The reader, the commented file that `init` writes and the reference in docs/ are all made from these tables.
"""

import json
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from pipeline.model import DEVICE_NAMES, MOST_NUMBER

Kind = Literal[
    "text", "whole number", "number", "time", "true or false", "date", "date and time", "list of texts", "table"
]

ID_PATTERN = rf"(?!(?:{'|'.join(sorted(DEVICE_NAMES))})$)[a-z0-9]+(?:-[a-z0-9]+)*"
ID_MEANING = "lower-case letters, digits and single hyphens, and no name that Windows keeps, such as con or com1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key: what it may hold and what it means.

    example: TOML text for the file that `init` writes; shown: the same, for a line that stays a comment.
    """

    name: str
    kind: Kind
    doc: str
    default: Any = None
    required: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    pattern_meaning: str | None = None
    example: str | None = None
    shown: str | None = None
    keys: tuple["Key", ...] = ()

    def default_toml(self) -> str:
        """Write the default as TOML, or an empty text where there is none."""
        return "" if self.default is None else json.dumps(self.default, ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A table of a file. name "" is the top level; `many` means `[[name]]`, any number of times."""

    name: str
    doc: str
    keys: tuple[Key, ...]
    many: bool = False
    required: bool = False


_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_HTTPS = r"https?://[^\s]+"
_HTTPS_MEANING = "an address that begins with https://"


def _id(name: str, doc: str, *, required: bool = False, example: str | None = None) -> Key:
    return Key(
        name=name,
        kind="text",
        doc=doc,
        required=required,
        pattern=ID_PATTERN,
        pattern_meaning=ID_MEANING,
        example=example,
    )


_PLACE_KEYS = (
    Key(
        name="url",
        kind="text",
        doc='A bucket, "s3://bucket/prefix", or a folder beside this file, "file:./public".',
        default="file:./public",
        pattern=r"(?:s3://|file:).+",
        pattern_meaning='"s3://bucket/prefix" or "file:FOLDER"',
    ),
    Key(
        name="endpoint_url",
        kind="text",
        doc="The address of an S3 service other than Amazon's.",
        pattern=r"https?://[^\s@]+",
        pattern_meaning="an address without user name or password",
    ),
    Key(name="region", kind="text", doc="The bucket's region, such as eu-west-2."),
)

SHOW_SECTIONS = (
    Section(
        name="show",
        doc="The podcast as directories and apps present it.",
        required=True,
        keys=(
            Key(
                name="title",
                kind="text",
                doc="The show's name, as listeners see it.",
                required=True,
                maximum=255,
                example='"Learning sets"',
            ),
            Key(
                name="description",
                kind="text",
                doc="What the show is about, in a few sentences; at most 4,000 bytes reach the feed.",
                required=True,
                example='"What clinical leaders learn from one another, month by month."',
            ),
            Key(
                name="author",
                kind="text",
                doc="Who makes the show: the organisation, not a person.",
                required=True,
                maximum=255,
                example='"Clinical Leaders Network"',
            ),
            Key(
                name="owner_name",
                kind="text",
                doc="The team that directories may contact.",
                required=True,
                maximum=255,
                example='"Communications team"',
            ),
            Key(
                name="owner_email",
                kind="text",
                doc="A shared mailbox: it stands in the public feed, and directories send their codes to it.",
                required=True,
                pattern=r"[^@\s]+@[^@\s]+\.[^@\s]+",
                pattern_meaning="an e-mail address",
                example='"podcast@cln.example"',
            ),
            Key(
                name="language",
                kind="text",
                doc="The language spoken, as a BCP 47 tag.",
                default="en-GB",
                pattern=r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*",
                pattern_meaning="a language tag such as en-GB",
            ),
            Key(
                name="categories",
                kind="list of texts",
                doc='Apple Podcasts categories, the main one first; a subcategory follows " > ".',
                default=["Health & Fitness > Medicine"],
            ),
            Key(
                name="artwork",
                kind="text",
                doc="The show's artwork: a square PNG or JPEG of 1400 to 3000 pixels, beside this file. Without this "
                "key it is artwork.png if that is there; else, or with an empty text, one is drawn.",
                shown='"artwork.png"',
            ),
            Key(
                name="artwork_alt",
                kind="text",
                doc="What the artwork shows, for those who cannot see it.",
                default="The show's artwork",
            ),
            Key(name="explicit", kind="true or false", doc="Whether the show needs a parental warning.", default=False),
            Key(
                name="copyright",
                kind="text",
                doc="Who holds the copyright and under which licence; without the sign and the year.",
                maximum=255,
                example='"Clinical Leaders Network"',
            ),
            Key(
                name="kind",
                kind="text",
                doc="Whether the newest episode comes first in apps (episodic) or the first one (serial).",
                default="episodic",
                choices=("episodic", "serial"),
            ),
            Key(
                name="locked",
                kind="true or false",
                doc="Whether other hosts must refuse to import this feed (podcast:locked).",
                default=True,
            ),
            Key(
                name="guid",
                kind="text",
                doc="The show's identity for ever (podcast:guid): `check` tells the line to put here before the first "
                "publish; never change it afterwards, even when the address changes.",
                pattern=_UUID,
                pattern_meaning="a UUID in lower case",
            ),
            Key(
                name="timezone",
                kind="text",
                doc="The time zone of dates on the site, and of dates in episode.toml that carry none.",
                default="Europe/London",
            ),
        ),
    ),
    Section(
        name="site",
        doc="The website.",
        required=True,
        keys=(
            Key(
                name="url",
                kind="text",
                doc="The public address of the site: what is published appears below it. Must be https except on "
                "this computer.",
                required=True,
                pattern=r"https?://[^\s/?#]+(?:/[^\s?#]*)?",
                pattern_meaning="an address such as https://podcast.cln.example/",
                example='"http://localhost:8321/"',
            ),
            Key(
                name="identity",
                kind="text",
                doc="The look: plain, or the NHS header, which needs permission.",
                default="plain",
                choices=("plain", "nhs"),
            ),
            Key(
                name="identity_permission",
                kind="text",
                doc='Who gave permission to use the NHS identity, and when; required with identity = "nhs".',
            ),
            Key(
                name="search",
                kind="true or false",
                doc="Whether visitors can search what was said; the index is made here and needs no service.",
                default=True,
            ),
            Key(
                name="per_page",
                kind="whole number",
                doc="Episodes on a page of a list; older ones follow on further pages.",
                default=50,
                minimum=5,
                maximum=500,
            ),
            Key(
                name="security_contact",
                kind="text",
                doc="Whom to tell of a security fault, as https:// or mailto:; it stands in .well-known/security.txt.",
                pattern=r"(?:https://|mailto:)[^\s]+",
                pattern_meaning="an address that begins with https:// or mailto:",
            ),
            Key(
                name="security_expires",
                kind="date",
                doc="The day from which that is not to be relied on, within a year; without it there is no such file.",
            ),
        ),
    ),
    Section(
        name="directories",
        doc="Pages of the show in directories, for the page that says how to subscribe.",
        many=True,
        keys=(
            Key(
                name="title",
                kind="text",
                doc="The directory's name.",
                required=True,
                maximum=64,
                shown='"Apple Podcasts"',
            ),
            Key(
                name="url",
                kind="text",
                doc="The show's page there.",
                required=True,
                pattern=_HTTPS,
                pattern_meaning=_HTTPS_MEANING,
                shown='"https://directory.example/shows/1"',
            ),
        ),
    ),
    Section(
        name="regions",
        doc="The regions episodes can belong to.",
        many=True,
        keys=(
            _id("id", "The short name used in episode.toml and in addresses.", required=True, example='"north-west"'),
            Key(
                name="name",
                kind="text",
                doc="The name for people.",
                required=True,
                maximum=128,
                example='"North West"',
            ),
            Key(
                name="osm",
                kind="text",
                doc="The region's OpenStreetMap identifier, so that apps can find episodes by place.",
                pattern=r"[NWR][0-9]+",
                pattern_meaning="N, W or R and a number, such as R151164",
            ),
        ),
    ),
    Section(
        name="seasons",
        doc="Names of seasons, for apps that show them.",
        many=True,
        keys=(
            Key(
                name="number",
                kind="whole number",
                doc="The season's number.",
                required=True,
                minimum=1,
                maximum=MOST_NUMBER,
                example="2026",
            ),
            Key(
                name="name",
                kind="text",
                doc="Its name.",
                required=True,
                maximum=128,
                example='"Programme year 2026"',
            ),
        ),
    ),
    Section(
        name="feed",
        doc="What all feeds have in common.",
        keys=(
            Key(
                name="page_size",
                kind="whole number",
                doc="Episodes on each page of a feed; older ones follow on further pages (RFC 5005). Without it a feed "
                "is one page.",
                minimum=1,
            ),
            Key(
                name="limit",
                kind="whole number",
                doc="Episodes on the first page of a feed, if not page_size; without page_size it leaves out the rest.",
                minimum=1,
            ),
            Key(
                name="moved_to",
                kind="text",
                doc="The new address of the network feed, when the show has moved: apps follow (itunes:new-feed-url).",
                pattern=_HTTPS,
                pattern_meaning=_HTTPS_MEANING,
            ),
            Key(
                name="complete",
                kind="true or false",
                doc="Whether the show has ended and no episode will follow.",
                default=False,
            ),
            Key(name="hubs", kind="list of texts", doc="WebSub hubs that tell apps of new episodes.", default=[]),
            Key(
                name="announce",
                kind="list of texts",
                doc="Directories to tell after a publish: podcastindex, podping. Podping writes to a public ledger for "
                "ever; members' feeds are never announced.",
                default=[],
                choices=("podcastindex", "podping"),
            ),
            Key(
                name="publisher_guid",
                kind="text",
                doc="The publisher's identity for ever, which ties the feeds to one another; as for the show.",
                pattern=_UUID,
                pattern_meaning="a UUID in lower case",
            ),
            Key(
                name="license",
                kind="text",
                doc="The licence of the episodes: an identifier such as CC-BY-4.0, or a name with license_url.",
                maximum=128,
            ),
            Key(
                name="license_url",
                kind="text",
                doc="Where the licence can be read.",
                pattern=_HTTPS,
                pattern_meaning=_HTTPS_MEANING,
            ),
            Key(
                name="funding_url",
                kind="text",
                doc="Where listeners can support the show.",
                pattern=_HTTPS,
                pattern_meaning=_HTTPS_MEANING,
            ),
            Key(name="funding_text", kind="text", doc="What that link says.", maximum=128),
            Key(
                name="update_frequency",
                kind="text",
                doc="How often episodes appear, in words, such as Monthly.",
                maximum=128,
            ),
            Key(
                name="update_rule",
                kind="text",
                doc="The same for machines, as an iCalendar rule such as FREQ=MONTHLY.",
                pattern=r"FREQ=(?:YEARLY|MONTHLY|WEEKLY|DAILY)(?:;[A-Z]+=[A-Z0-9,+-]+)*",
                pattern_meaning="an iCalendar rule such as FREQ=MONTHLY;INTERVAL=2",
            ),
            Key(
                name="texts",
                kind="list of texts",
                doc='Texts for machines, as "purpose: text", such as the proof of ownership that a directory asks for: '
                '"applepodcastsverify: CODE".',
                default=[],
            ),
        ),
    ),
    Section(
        name="members",
        doc="Feeds for members only: each member, or each group, has a secret address of its own.",
        keys=(
            Key(
                name="list",
                kind="text",
                doc="The file that keeps members and their secret addresses; outside the workspace, so that it is "
                "never committed or published. Without it, it stands in your own settings folder.",
            ),
        ),
    ),
    Section(
        name="feeds",
        doc="Further feeds, each a part of the archive, at /feeds/NAME.xml; the network feed /feed.xml always exists.",
        many=True,
        keys=(
            _id("name", "The name in the feed's address.", required=True, example='"north-west"'),
            Key(
                name="title",
                kind="text",
                doc="The feed's title in apps.",
                required=True,
                maximum=255,
                example='"Learning sets: North West"',
            ),
            Key(name="description", kind="text", doc="The feed's description; the show's where there is none."),
            _id("region", "Only episodes of this region."),
            Key(name="topic", kind="text", doc="Only episodes with this topic."),
            Key(name="season", kind="whole number", doc="Only episodes of this season.", minimum=1),
            Key(name="set", kind="text", doc="Only episodes of this learning set."),
            Key(
                name="visibility",
                kind="text",
                doc="public, or members: then it has no public address, and each member has one of their own.",
                default="public",
                choices=("public", "members"),
            ),
            Key(
                name="language",
                kind="text",
                doc="The language of the feed, if not the show's.",
                pattern=r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*",
                pattern_meaning="a language tag such as en-GB",
            ),
            Key(
                name="artwork",
                kind="text",
                doc="Artwork of its own: a square PNG or JPEG of 1400 to 3000 pixels, or the file that show.artwork "
                "names. Without one, it is drawn from the region's name or the feed's title.",
            ),
            Key(name="artwork_alt", kind="text", doc="What that artwork shows."),
            Key(
                name="guid",
                kind="text",
                doc="The feed's identity for ever, as for the show.",
                pattern=_UUID,
                pattern_meaning="a UUID in lower case",
            ),
        ),
    ),
    Section(
        name="audio",
        doc="How recordings are mastered.",
        keys=(
            Key(
                name="preset",
                kind="text",
                doc="The loudness to reach: podcast (-16 LUFS), broadcast (EBU R 128, -23 LUFS) or streaming "
                "(-14 LUFS), each with a true peak of at most -1 dBTP.",
                default="podcast",
                choices=("podcast", "broadcast", "streaming"),
            ),
            Key(
                name="integrated_lufs",
                kind="number",
                doc="The integrated loudness of every episode, in LUFS, if not the preset's.",
                shown="-16.0",
                minimum=-36,
                maximum=-9,
            ),
            Key(
                name="true_peak_dbtp",
                kind="number",
                doc="The highest true peak allowed in the encoded file, in dBTP, if not the preset's.",
                shown="-1.0",
                minimum=-9,
                maximum=0,
            ),
            Key(
                name="mono_loudness",
                kind="text",
                doc="How a mono file is counted: as both speakers play it (-16 LUFS as played reads -19 on a "
                "one-channel meter), or as the one channel reads.",
                default="as-played",
                choices=("as-played", "channel"),
            ),
            Key(
                name="channels",
                kind="whole number",
                doc="1 for mono, right for speech; 2 for stereo.",
                default=1,
                minimum=1,
                maximum=2,
            ),
            Key(
                name="bit_rate_kbps",
                kind="whole number",
                doc="The constant bit rate of the MP3, in kbit/s: 96 for mono, 128 or more for stereo.",
                default=96,
                choices=("32", "40", "48", "56", "64", "80", "96", "112", "128", "160", "192", "224", "256", "320"),
            ),
            Key(
                name="sample_rate_hz",
                kind="whole number",
                doc="The sample rate of the MP3, in Hz: 32000, 44100 or 48000; without it 44100 for recordings at "
                "44100 and its fractions, 48000 for all others, so that nothing is resampled needlessly.",
                shown="48000",
                choices=("32000", "44100", "48000"),
            ),
            Key(
                name="highpass_hz",
                kind="whole number",
                doc="Rumble below this frequency is removed, in Hz; 0 leaves it.",
                default=80,
                minimum=0,
                maximum=300,
            ),
            Key(
                name="level",
                kind="true or false",
                doc="Whether each speaker is brought to the same loudness, without lifting the room in pauses.",
                default=True,
            ),
            Key(
                name="denoise",
                kind="text",
                doc="Whether the noise of the room is taken out: auto (only where a recording needs it, and by less "
                "where noise is so loud that words would go along), off, light (by at most 12 dB) or strong.",
                default="auto",
                choices=("auto", "off", "light", "strong"),
            ),
            Key(
                name="trim",
                kind="true or false",
                doc="Whether what comes before the first words and after the last ones is trimmed.",
                default=True,
            ),
            Key(
                name="longest_pause_s",
                kind="number",
                doc="Pauses longer than this are shortened to it, in seconds; without it they stay.",
                shown="3.0",
                minimum=0.5,
                maximum=60,
            ),
            Key(name="intro", kind="text", doc="A sound file, beside this file, to play before each episode."),
            Key(name="outro", kind="text", doc="A sound file, beside this file, to play after each episode."),
            Key(
                name="sting_overlap_s",
                kind="number",
                doc="How long intro and outro go on, softly, under the speech, in seconds.",
                default=2.0,
                minimum=0,
                maximum=10,
            ),
            Key(
                name="recorders",
                kind="text",
                doc="Of several recorders of one meeting: take the best one, or mix them, each speaker from the "
                "nearest.",
                default="best",
                choices=("best", "mix"),
            ),
            Key(
                name="alternates",
                kind="list of texts",
                doc="Further codings of each episode, offered beside the MP3: aac (M4A, 64 kbit/s) and opus "
                "(24 kbit/s, for slow connections).",
                default=[],
                choices=("aac", "opus"),
            ),
            Key(
                name="ffmpeg",
                kind="text",
                doc="The ffmpeg program to use instead of the one that came with cln-media; the environment variable "
                "CLN_MEDIA_FFMPEG goes before it.",
            ),
        ),
    ),
    Section(
        name="tags",
        doc="How MP3 files are tagged.",
        keys=(
            Key(
                name="id3_version",
                kind="text",
                doc="2.4, or 2.3 for very old players.",
                default="2.4",
                choices=("2.3", "2.4"),
            ),
            Key(name="genre", kind="text", doc="The genre written to every file.", default="Podcast", maximum=64),
        ),
    ),
    Section(
        name="speech",
        doc="Transcripts drafted on this computer; needs the extra cln-media[transcribe].",
        keys=(
            Key(
                name="model",
                kind="text",
                doc="The speech model that drafts transcripts: tiny.en, base.en, small.en, medium.en, turbo, large-v3 "
                "or another by its name, which `cln-media doctor --download-model` brings to this computer once; or "
                "the folder of one, from this file. Nothing drafts none. See transcripts.md.",
                default="small.en",
            ),
            Key(
                name="hot_words",
                kind="list of texts",
                doc="Words that are likely to be said: names of places, trusts and drugs, acronyms.",
                default=[],
            ),
        ),
    ),
    Section(
        name="notes",
        doc="How show notes are drafted.",
        keys=(
            Key(
                name="command",
                kind="list of texts",
                doc="A program on this computer, and its arguments, that reads the transcript on standard input and "
                "writes a summary to standard output; the feed says that it was used.",
                default=[],
            ),
        ),
    ),
    Section(
        name="glossary",
        doc="Acronyms and terms that drafted notes spell out.",
        many=True,
        keys=(
            Key(name="term", kind="text", doc="As it is said.", required=True, maximum=60, example='"ICB"'),
            Key(
                name="meaning",
                kind="text",
                doc="What it stands for.",
                required=True,
                maximum=255,
                example='"integrated care board"',
            ),
        ),
    ),
    Section(
        name="storage",
        doc="Where `publish` sends the site. Keys and passwords never stand here: they come from the AWS environment.",
        keys=(
            *_PLACE_KEYS,
            Key(
                name="staging",
                kind="table",
                doc="A second place to try a release in, `[storage.staging]` with url, endpoint_url and region: "
                "`publish --to staging`, then `promote staging`.",
                keys=(replace(_PLACE_KEYS[0], default=None, required=True), *_PLACE_KEYS[1:]),
                shown='{ url = "file:./staging" }',
            ),
            Key(
                name="gzip",
                kind="true or false",
                doc="Whether a bucket holds pages, styles and scripts compressed. Feeds and transcripts stay as they "
                "are, as some apps cannot unpack them, unless `cloudfront` is named.",
                default=False,
            ),
            Key(
                name="encryption",
                kind="text",
                doc="How a bucket encrypts what it holds, where its own rule does not say.",
                choices=("AES256", "aws:kms"),
            ),
            Key(name="kms_key", kind="text", doc="The KMS key that aws:kms uses; its alias or its ARN."),
            Key(
                name="cloudfront",
                kind="text",
                doc="The id of the Amazon CloudFront distribution that serves the bucket: it is told what changed.",
                pattern=r"[A-Z0-9]{8,20}",
                pattern_meaning="an id such as E2EXAMPLE1234",
            ),
            Key(
                name="allowed_regions",
                kind="list of texts",
                doc="Where the bucket may be; the name of a region. An empty list allows any.",
                default=["eu-west-2"],
            ),
            Key(
                name="residency_reference",
                kind="text",
                doc="Where the assessment is filed that allows a bucket in another region.",
            ),
        ),
    ),
    Section(
        name="trust",
        doc="What must have happened before an episode may leave this computer.",
        keys=(
            Key(
                name="public",
                kind="list of texts",
                doc="The roles that must sign a public episode, each by another person: cln-media sign-off. An empty "
                "list asks for none.",
                default=["comms", "caldicott"],
            ),
            Key(
                name="members",
                kind="list of texts",
                doc="The roles that must sign a members' episode.",
                default=["comms"],
            ),
            Key(
                name="names",
                kind="text",
                doc="Whether names of people are looked for, which needs the extra cln-media[identifiers]: auto does "
                "so where it is installed.",
                default="auto",
                choices=("auto", "off", "required"),
            ),
            Key(
                name="review_months",
                kind="whole number",
                doc="How many months after the recording a published episode is to be looked at again; 0 for never.",
                default=24,
                minimum=0,
            ),
            Key(
                name="recording_months",
                kind="whole number",
                doc="How many months after it was made a recording is to be removed: cln-media dispose; 0 for never.",
                default=12,
                minimum=0,
            ),
        ),
    ),
)

_CONSENT_KEYS = (
    Key(
        name="scope",
        kind="list of texts",
        doc="What was agreed to, of: voice, name, transcript, region, public.",
        required=True,
        choices=("voice", "name", "transcript", "region", "public"),
    ),
    Key(name="recorded_on", kind="date", doc="The day consent was given.", required=True),
    Key(name="reference", kind="text", doc="Where the consent is filed.", required=True),
    Key(name="expires_on", kind="date", doc="The last day it holds, if it ends."),
    Key(name="withdrawn_on", kind="date", doc="The day it was withdrawn, if it was."),
)

EPISODE_SECTIONS = (
    Section(
        name="",
        doc="The episode.",
        required=True,
        keys=(
            Key(
                name="guid",
                kind="text",
                doc="The episode's identity for ever: made by `ingest`; apps know the episode by it. Never change it.",
                required=True,
                maximum=255,
                pattern=r"\S(?:.*\S)?",
                pattern_meaning="a text without spaces around it",
            ),
            Key(
                name="title",
                kind="text",
                doc="The title, without episode or season number.",
                required=True,
                maximum=255,
            ),
            _id("slug", "The name in the episode's address; the folder's name where there is none."),
            Key(
                name="published",
                kind="date and time",
                doc="When the episode appears; a draft has none. A time to come keeps it out of feed and site until "
                "a build after that time.",
            ),
            Key(name="recorded_on", kind="date", doc="The day of the recording."),
            Key(
                name="season",
                kind="whole number",
                doc="The season, for instance the year.",
                minimum=1,
                maximum=MOST_NUMBER,
            ),
            Key(
                name="number",
                kind="whole number",
                doc="The episode's number within the season.",
                minimum=1,
                maximum=MOST_NUMBER,
            ),
            Key(
                name="display",
                kind="text",
                doc="What apps show in place of the number, such as Set 4.",
                maximum=32,
            ),
            Key(
                name="kind",
                kind="text",
                doc="A full episode, a trailer or a bonus.",
                default="full",
                choices=("full", "trailer", "bonus"),
            ),
            _id("region", "The region, by its id in cln_media.toml."),
            Key(name="set", kind="text", doc="The name of the learning set.", maximum=128),
            Key(name="topics", kind="list of texts", doc="What it is about, in a word or two each.", default=[]),
            Key(
                name="visibility",
                kind="text",
                doc="Who may reach it. A members' episode is in no public feed and on no public page.",
                default="public",
                choices=("public", "members"),
            ),
            Key(name="explicit", kind="true or false", doc="Whether it needs a parental warning.", default=False),
            Key(
                name="language",
                kind="text",
                doc="The language spoken, if not the show's.",
                pattern=r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*",
                pattern_meaning="a language tag such as en-GB",
            ),
            Key(
                name="summary",
                kind="text",
                doc="One or two sentences that apps show; the first paragraph of the notes where there is none.",
            ),
            Key(
                name="updated",
                kind="date and time",
                doc="When what has been published was last changed, if it was: feeds and the site carry it.",
            ),
            Key(
                name="keep_audio",
                kind="true or false",
                doc="Publish the recording, which must be a single MP3, as it is instead of mastering it: for episodes "
                "that have been mastered elsewhere.",
                default=False,
            ),
            Key(
                name="machine_drafted",
                kind="list of texts",
                doc="What a model drafted, of: notes, transcript. The feed says so.",
                default=[],
                choices=("notes", "transcript"),
            ),
            Key(
                name="review_on",
                kind="date",
                doc="The day it is to be looked at again; counted from the day of recording where there is none.",
            ),
            Key(
                name="disposed_on",
                kind="date",
                doc="The day its recording was removed. Written by `dispose`.",
            ),
        ),
    ),
    Section(
        name="consent",
        doc="What the people in the room agreed to, as a whole.",
        keys=(
            Key(
                name="room",
                kind="text",
                doc="all-agreed: everybody agreed that their voice and words are published, without names; listed: the "
                "consent of each speaker counts.",
                choices=("all-agreed", "listed"),
            ),
            Key(name="reference", kind="text", doc="Where the notice that was read out, or the list, is filed."),
        ),
    ),
    Section(
        name="soundbites",
        doc="Stretches worth hearing on their own, 15 seconds to 2 minutes each; apps offer them as trailers.",
        many=True,
        keys=(
            Key(name="start", kind="time", doc="Where it begins in the recording.", required=True),
            Key(name="duration", kind="number", doc="How long it lasts, in seconds.", required=True, minimum=0),
            Key(name="title", kind="text", doc="What is said.", maximum=128),
        ),
    ),
    Section(
        name="sources",
        doc="The recordings, in order: several are parts of one recording. Written by `ingest`.",
        many=True,
        required=True,
        keys=(
            Key(name="file", kind="text", doc="The file's name in the episode's folder.", required=True),
            Key(
                name="sha256",
                kind="text",
                doc="The SHA-256 it had when it was ingested.",
                required=True,
                pattern=r"[0-9a-f]{64}",
                pattern_meaning="64 hexadecimal digits",
            ),
            Key(
                name="recorder",
                kind="whole number",
                doc="Which recorder made it, where several ran at the same time; recorder 1 gives the clock.",
                default=1,
                minimum=1,
                maximum=8,
            ),
        ),
    ),
    Section(
        name="edits",
        doc="Stretches of the recording to take out or to cover; chapters, transcript and links move with them.",
        many=True,
        keys=(
            Key(name="start", kind="time", doc="Where it begins in the recording.", required=True),
            Key(name="end", kind="time", doc="Where it ends.", required=True),
            Key(
                name="action",
                kind="text",
                doc="cut takes it out; bleep and mute cover it and leave the length as it is.",
                required=True,
                choices=("cut", "bleep", "mute"),
            ),
        ),
    ),
    Section(
        name="speakers",
        doc="Who speaks.",
        many=True,
        keys=(
            Key(
                name="role",
                kind="text",
                doc="The role, always shown when there is no consent to be named.",
                required=True,
                maximum=128,
            ),
            Key(
                name="name",
                kind="text",
                doc='The name; leaves this computer only if the consent\'s scope has "name".',
                maximum=128,
            ),
            Key(name="organisation", kind="text", doc="The organisation.", maximum=128),
            Key(name="consent", kind="table", doc="What the speaker agreed to.", keys=_CONSENT_KEYS),
        ),
    ),
    Section(
        name="links",
        doc="Links that belong in the notes.",
        many=True,
        keys=(
            Key(name="title", kind="text", doc="What the link leads to.", required=True, maximum=255),
            Key(
                name="url",
                kind="text",
                doc="Its address.",
                required=True,
                pattern=r"https?://\S+",
                pattern_meaning="an address that begins with https://",
            ),
        ),
    ),
)

_SHA256 = r"[0-9a-f]{64}"
_SHA256_MEANING = "64 hexadecimal digits"


def _sha256(name: str, doc: str) -> Key:
    return Key(name=name, kind="text", doc=doc, required=True, pattern=_SHA256, pattern_meaning=_SHA256_MEANING)


def _text(name: str, doc: str, *, required: bool = False) -> Key:
    return Key(name=name, kind="text", doc=doc, required=required)


REVIEW_SECTIONS = (
    Section(
        name="decisions",
        doc="What was decided about words that could identify a patient. Written by `review`.",
        many=True,
        keys=(
            Key(
                name="verdict",
                kind="text",
                doc="accept (it identifies nobody), remove (from words and sound), or hold.",
                required=True,
                choices=("accept", "remove", "hold"),
            ),
            _text("kind", "What it is.", required=True),
            _text("file", "transcript, or the file of the episode it stands in.", required=True),
            _sha256("said", "The SHA-256 of what was said, mixed with the salt."),
            _text("salt", "Mixed in, so that what was said cannot be found by trying from audit.jsonl."),
            Key(name="start", kind="time", doc="Where the words begin in the recording."),
            Key(name="end", kind="time", doc="Where they end."),
            _text("around", "The words around it, without itself."),
            _text("reason", "Why it identifies nobody."),
            Key(name="cover", kind="text", doc="How the sound is covered.", default="bleep", choices=("bleep", "mute")),
            _text("by", "The role of who decided.", required=True),
            Key(name="on", kind="date", doc="The day it was decided.", required=True),
        ),
    ),
)

SIGNED_PARTS = ("master", "transcript", "notes", "chapters", "details", "tags", "consent", "review")

SIGN_OFF_SECTIONS = (
    Section(
        name="sign_offs",
        doc="Who said that the episode may leave as it is. Written by `sign-off`.",
        many=True,
        keys=(
            _text("role", "In which role.", required=True),
            _text("by", "Who, as a role or job title.", required=True),
            _text("at", "When: ISO 8601, UTC.", required=True),
            Key(
                name="parts",
                kind="table",
                doc="The SHA-256 of each part of the episode as it was.",
                required=True,
                keys=tuple(_sha256(name, f"Of its {name}.") for name in SIGNED_PARTS),
            ),
            _text("signature", "An SSH signature over all of it."),
        ),
    ),
)

WITHDRAWAL_SECTIONS = (
    Section(
        name="",
        doc="An episode, or a voice, that was taken back for good. Written by `withdraw`.",
        keys=(
            _id("slug", "The episode's slug.", required=True),
            _text("guid", "Its GUID, which is never used again.", required=True),
            Key(name="on", kind="date", doc="The day it was taken back.", required=True),
            _text("reason", "Why.", required=True),
            _text("by", "Who did so, as a role.", required=True),
            _text("at", "The moment, ISO 8601, UTC."),
            _text("speaker", "The role whose voice was taken back; none for the whole episode."),
            Key(
                name="visibility",
                kind="text",
                doc="Whether it was public: only then its address says that it was withdrawn.",
                default="public",
                choices=("public", "members"),
            ),
            Key(name="finished_on", kind="date", doc="The day all of it was found to be gone."),
            Key(name="removed", kind="list of texts", doc="The keys that were removed.", default=[]),
            Key(name="checked", kind="list of texts", doc="The addresses that no longer answer.", default=[]),
            Key(name="notes", kind="list of texts", doc="What else is to be said.", default=[]),
            Key(
                name="earlier_slugs",
                kind="list of texts",
                doc="What else the episode was called when it was published.",
                default=[],
            ),
            Key(
                name="covers",
                kind="list of texts",
                doc='Where the voice was heard, "START-END" in ms of the recording: it stays covered.',
                default=[],
                pattern=None,
            ),
        ),
    ),
)


STATEMENT_SECTIONS = (
    Section(
        name="",
        doc="What the owner of the site says of its accessibility; the page accessibility/ is made from it.",
        keys=(
            Key(
                name="status",
                kind="text",
                doc="How far the site meets WCAG 2.2 AA: full, partial, none.",
                required=True,
                choices=("full", "partial", "none"),
            ),
            Key(name="prepared_on", kind="date", doc="The day the statement was prepared.", required=True),
            Key(name="reviewed_on", kind="date", doc="The day it was last looked at again; at least every year."),
            Key(name="tested_on", kind="date", doc="The day the site was last tested."),
            _text("tested_by", "Who tested it: an organisation or a role."),
            _text("tested_how", "How, and which pages."),
            _text("email", "Where to ask for another format or report a barrier; the show's owner otherwise."),
            _text("phone", "The same by telephone."),
            Key(name="reply_days", kind="whole number", doc="Working days until you answer.", minimum=1),
        ),
    ),
    Section(
        name="barriers",
        doc="What does not meet the standard.",
        many=True,
        keys=(
            _text("what", "What somebody cannot do, or not easily.", required=True),
            _text("criterion", 'The WCAG criterion: "1.4.3 Contrast (minimum)".', required=True),
            Key(
                name="reason",
                kind="text",
                doc="non-compliance, disproportionate burden, or out of scope.",
                default="non-compliance",
                choices=("non-compliance", "disproportionate burden", "out of scope"),
            ),
            _text("until", "When it will be mended, in words."),
        ),
    ),
)


def example_toml(sections: tuple[Section, ...]) -> str:
    """Write a commented file with every key: set where it must be, shown with its default where it need not be."""
    return "\n".join(line for section in sections for line in _section_lines(section))


def _section_lines(section: Section) -> Iterator[str]:
    optional = "# " if section.many else ""
    yield from _comment(section.doc)
    yield f"{optional}{_heading(section)}"
    for key in section.keys:
        yield from _key_lines(key, commented_out=section.many)
    yield ""


def _key_lines(key: Key, *, commented_out: bool) -> Iterator[str]:
    yield from _comment(key.doc)
    if key.required or (key.example and not commented_out):
        yield f"{'# ' if commented_out else ''}{key.name} = {key.example or _placeholder(key)}"
    else:
        yield f"# {key.name} = {key.default_toml() or key.example or _placeholder(key)}"


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, width=100, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _placeholder(key: Key) -> str:
    return key.shown or {"text": '""', "whole number": "1", "list of texts": "[]"}.get(key.kind, '""')


def _heading(section: Section) -> str:
    return f"[[{section.name}]]" if section.many else f"[{section.name}]"


def reference(title: str, sections: tuple[Section, ...]) -> str:
    """Write the reference of a file in Markdown: a table of keys for each section."""
    parts = [f"## {title}", ""]
    for section in sections:
        parts += [f"### {f'`{_heading(section)}`' if section.name else 'Top level'}", "", section.doc, ""]
        parts += ["| key | holds | default | meaning |", "| --- | --- | --- | --- |"]
        parts += [_row(key, prefix) for prefix, key in _flat(section.keys)]
        parts += [""]
    return "\n".join(parts)


def _flat(keys: tuple[Key, ...], prefix: str = "") -> Iterator[tuple[str, Key]]:
    for key in keys:
        yield prefix, key
        yield from _flat(key.keys, f"{prefix}{key.name}.")


def _row(key: Key, prefix: str) -> str:
    default = "**required**" if key.required else f"`{key.default_toml()}`" if key.default is not None else "none"
    holds = key.kind + (f": {', '.join(key.choices)}" if key.choices else "") + _limits(key)
    return f"| `{prefix}{key.name}` | {holds} | {default} | {re.sub(r'[|]', '/', key.doc)} |"


def _limits(key: Key) -> str:
    if key.kind == "text":
        return f", at most {key.maximum:g} characters" if key.maximum is not None else ""
    if key.minimum is not None and key.maximum is not None:
        return f", {key.minimum:g} to {key.maximum:g}"
    return f", at least {key.minimum:g}" if key.minimum is not None else ""
