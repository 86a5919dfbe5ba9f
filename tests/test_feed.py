"""The feeds, read back by other people's parsers, held to PSP-1, and compared with golden files.

After a wanted change of a feed, renew the golden files with `python -m tests.test_feed` and read their difference.
"""

import base64
import io
import json
import random
import re
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

from pipeline import feed, model, words
from pipeline.errors import FeedError
from pipeline.model import (
    AlternateEnclosure,
    Category,
    Chapter,
    Consent,
    Edition,
    Feed,
    FeedSettings,
    Item,
    Region,
    Season,
    Show,
    Soundbite,
    Speaker,
    Txt,
    Visibility,
)
from tests import readers, samples

TESTS = Path(__file__).parent
GOLDEN = TESTS / "golden"
NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "podcast": "https://podcastindex.org/namespace/1.0",
    "psc": "http://podlove.org/simple-chapters",
}
ATOM = {"": "http://www.w3.org/2005/Atom"}
SUMMARY = "How the North West went from fourth place to first in booking referrals online."
TIMESTAMPS = "0:00 Welcome\n0:30 The pilot\n1:01 What changed"
NOTES = "<p>Three things we learned.</p>\n<ul>\n<li>Start small</li>\n<li>Share the numbers</li>\n</ul>"
ARTWORK_URL = "https://podcast.cln.example/assets/artwork-0123456789abcdef.jpg"
MEDIA_URL = "https://podcast.cln.example/media/choose-and-book-0123456789abcdef.mp3"
CHAPTERS_URL = samples.SITE_URL + "chapters/choose-and-book.json"
PAGE_URL = "https://podcast.cln.example/episodes/choose-and-book/"
TITLE = "Choose & Book: what the pilot taught us"
GUID = "urn:uuid:00000000-0000-4000-8000-000000000015"
FEED_GUID = str(uuid.uuid5(uuid.UUID("ead4c236-bf58-58c6-a2c6-a6b28d128cb6"), "podcast.cln.example/feed.xml"))
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
NASTY = "\x00]]>\x0b&amp;<b>\u202eabc\u202c\U0001f469\u200d\u2695\ufe0f\ud800\r\n\ufffe\x85é"
# Hypothesis leaves surrogates out of text() unless it is asked for them.
ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=60) | st.just(NASTY) | st.just(NASTY * 600)

SISTER = {
    "feedGuid": feed.guid("podcast.cln.example/feeds/north-west.xml"),
    "feedUrl": samples.SITE_URL + "feeds/north-west.xml",
    "title": "Learning sets: North West",
}
SETTINGS = FeedSettings(
    moved_to="https://new.example/feed.xml",
    complete=True,
    hubs=("https://hub.example/",),
    announce=("podping",),
    license="Open Government Licence v3.0",
    license_url="https://licence.example/ogl/3/",
    funding_url="https://cln.example/support",
    funding_text="Support the network",
    update_frequency="Monthly",
    update_rule="FREQ=MONTHLY",
    texts=(Txt(value="05124", purpose="applepodcastsverify"),),
)
CHAPTERS = (
    Chapter(start_ms=0, title="Welcome"),
    Chapter(start_ms=30_500, title="The pilot", image_url=samples.SITE_URL + "assets/chapter-0123456789abcdef.jpg"),
    Chapter(start_ms=61_001, title="What changed", url="https://cln.example/choose-and-book"),
)
CHANNEL_RULES = [  # level, element, text, attributes
    (
        "required",
        "atom:link[@rel='self']",
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
    ("optional", "lastBuildDate", "Sat, 03 Oct 2026 08:00:00 +0000", {}),
    ("optional", "generator", "cln-media", {}),
    ("optional", "image/url", ARTWORK_URL, {}),
    ("optional", "image/title", "Learning sets", {}),
    ("optional", "image/link", samples.SITE_URL, {}),
    ("optional", "atom:link[@rel='hub']", None, {"href": "https://hub.example/", "rel": "hub"}),
    ("optional", "itunes:new-feed-url", "https://new.example/feed.xml", {}),
    ("optional", "itunes:complete", "Yes", {}),
    ("podcasting 2.0", "podcast:medium", "podcast", {}),
    (
        "podcasting 2.0",
        "podcast:image",
        None,
        {
            "href": ARTWORK_URL,
            "alt": "Two strands, clinicians and managers, wound into a helix",
            "aspect-ratio": "1/1",
            "width": "3000",
            "height": "3000",
            "type": "image/jpeg",
            "purpose": "artwork",
        },
    ),
    (
        "podcasting 2.0",
        "podcast:license",
        "Open Government Licence v3.0",
        {"url": "https://licence.example/ogl/3/"},
    ),
    ("podcasting 2.0", "podcast:funding", "Support the network", {"url": "https://cln.example/support"}),
    ("podcasting 2.0", "podcast:updateFrequency", "Monthly", {"rrule": "FREQ=MONTHLY", "complete": "true"}),
    ("podcasting 2.0", "podcast:txt[@purpose='applepodcastsverify']", "05124", {"purpose": "applepodcastsverify"}),
    ("podcasting 2.0", "podcast:podroll", None, {}),
    ("podcasting 2.0", "podcast:podroll/podcast:remoteItem", None, SISTER),
    ("podcasting 2.0", "podcast:publisher", None, {}),
    (
        "podcasting 2.0",
        "podcast:publisher/podcast:remoteItem",
        None,
        {
            "feedGuid": feed.guid("podcast.cln.example/publisher.xml"),
            "feedUrl": samples.SITE_URL + "publisher.xml",
            "title": "Clinical Leaders Network",
            "medium": "publisher",
        },
    ),
    ("podcasting 2.0", "podcast:podping", None, {"usesPodping": "true"}),
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
    ("optional", "category", "referrals", {}),
    ("podcasting 2.0", "podcast:season", "2026", {"name": "Programme year 2026"}),
    ("podcasting 2.0", "podcast:episode", "1", {}),
    ("podcasting 2.0", "podcast:location", "North West", {"rel": "subject", "country": "GB", "osm": "R151164"}),
    ("podcasting 2.0", "podcast:soundbite", "What changed", {"startTime": "61.25", "duration": "30.0"}),
    ("podcasting 2.0", "podcast:person", "Chair of the set", {"role": "guest"}),
    ("podcasting 2.0", "podcast:txt", "true", {"purpose": "ai-content"}),
    ("podcasting 2.0", "podcast:socialInteract", None, {"protocol": "disabled"}),
    (
        "podcasting 2.0",
        "podcast:image",
        None,
        {
            "href": samples.SITE_URL + "assets/cover-0123456789abcdef.jpg",
            "alt": "Two strands, clinicians and managers, wound into a helix",
            "aspect-ratio": "1/1",
            "width": "3000",
            "height": "3000",
            "type": "image/jpeg",
            "purpose": "artwork",
        },
    ),
    (
        "podcasting 2.0",
        "podcast:alternateEnclosure",
        None,
        {"type": "audio/mpeg", "length": "1234567", "default": "true"},
    ),
    ("podcasting 2.0", "podcast:alternateEnclosure/podcast:source", None, {"uri": MEDIA_URL}),
    (
        "podcasting 2.0",
        "podcast:alternateEnclosure/podcast:integrity",
        None,
        {"type": "sri", "value": "sha256-ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8="},
    ),
    ("podlove", "psc:chapters", None, {"version": "1.2"}),
    (
        "podlove",
        "psc:chapters/psc:chapter[3]",
        None,
        {"start": "00:01:01.001", "title": "What changed", "href": "https://cln.example/choose-and-book"},
    ),
    (
        "podcasting 2.0",
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


def _consent(*scope: str, withdrawn_on: date | None = None) -> Consent:
    return Consent(scope=scope, recorded_on=date(2026, 9, 15), reference="NW-1", withdrawn_on=withdrawn_on)


def _full() -> Edition:
    """An edition that says everything a feed can say."""
    chair = Speaker(role="Chair", name="Chair of the set", consent=_consent("voice", "name"))
    made = samples.item(
        speakers=(chair, *samples.episode().speakers),
        updated=datetime(2026, 10, 3, 8, 0, tzinfo=UTC),
        machine_drafted=("notes",),
        soundbites=(Soundbite(start_ms=61_250, duration_ms=30_000, title="What changed"),),
        chapters=CHAPTERS,
    )
    show = samples.show(
        feed=SETTINGS,
        seasons=(Season(number=2026, name="Programme year 2026"),),
        regions=(Region(id="north-west", name="North West", osm="R151164"), Region(id="london", name="London")),
    )
    return samples.edition(show=show, items=(replace(made, cover=samples.artwork("cover")),))


def _expected(text: str) -> str:
    return FORBIDDEN.sub("", text).strip()


def _atom(edition: Edition) -> bytes:
    return feed.render_all(edition)[model.feed_key(None, extension="atom")]


def _json(edition: Edition) -> bytes:
    return feed.render_all(edition)[model.feed_key(None, extension="json")]


def _goldens() -> dict[str, bytes]:
    edition = _full()
    secret = samples.item("for-members", visibility=Visibility.MEMBERS, title="For members")
    older = samples.edition().items[1:]
    edition = replace(edition, items=(*edition.items, *older, secret))
    public = {key: data for key, data in feed.render_all(edition).items() if not key.startswith("feeds/")}
    return public | {"members.xml": feed.render(_at_members(edition), MEMBERS)}


def _at_members(edition: Edition) -> Edition:
    """The edition as it is given to a member: the show's address is the member's own."""
    return replace(edition, show=replace(edition.show, site_url=f"{samples.SITE_URL}m/{'0' * 32}/"))


MEMBERS = Feed(name="members", title="For members", visibility=Visibility.MEMBERS)


@pytest.mark.parametrize("name", sorted(_goldens()))
def test_a_feed_is_its_golden_file_byte_for_byte(name):
    """The sample edition renders to the golden files."""
    assert _goldens()[name] == (GOLDEN / name).read_bytes(), (
        f"the feed differs from tests/golden/{name}: if that is wanted, run `python -m tests.test_feed`"
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
    found = _channel(feed.render(_full())).findall(path, NAMESPACES)
    assert len(found) == 1, f"{level} element {path}"
    assert (found[0].text or "").strip() == (text or "")
    assert found[0].attrib == attributes


@pytest.mark.parametrize(("level", "path", "text", "attributes"), ITEM_RULES)
def test_an_item_follows_psp_1(level, path, text, attributes):
    """Each element of an item that PSP-1 names stands there once, with the episode's value."""
    found = _items(feed.render(_full()))[0].findall(path, NAMESPACES)
    assert len(found) == 1, f"{level} element {path}"
    assert (found[0].text or "").strip() == (text or "")
    assert found[0].attrib == attributes


def test_nothing_else_is_in_the_feed():
    """The channel and its item hold only what the tables name: nothing blocks, nothing stamps the build."""
    channel = _channel(feed.render(_full()))
    for parent, rules, extra in (
        (channel, CHANNEL_RULES, {"item", "image"}),
        (channel.find("item"), ITEM_RULES, set()),
    ):
        known = {found for _, path, _, _ in rules for found in parent.findall(path, NAMESPACES)}
        known |= {child for child in parent if child.tag in extra or child.tag.endswith("}owner")}
        assert [child.tag for child in parent if child not in known] == []


def test_feedparser_reads_every_field_back():
    """Feedparser finds no fault and reads the same values."""
    read = feedparser.parse(feed.render(_full()))
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
    read = podcastparser.parse(samples.SITE_URL + "feed.xml", io.BytesIO(feed.render(_full())))
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
    read = readers.partytime(feed.render(_full()), tmp_path)
    show = samples.show()
    assert (read["title"], read["description"], read["link"]) == (show.title, show.description, show.site_url)
    assert (read["author"], read["language"], read["itunesType"]) == (show.author, "en-GB", "episodic")
    assert read["owner"] == {"name": show.owner_name, "email": show.owner_email}
    assert read["itunesCategory"] == ["Health & Fitness > Medicine", "Government"]
    assert (read["itunesImage"], read["explicit"], read["copyright"]) == (ARTWORK_URL, False, show.copyright)
    assert (read["guid"], read["medium"], read["itunesBlock"]) == (FEED_GUID, "podcast", False)
    assert read["pubsub"] == {"self": samples.SITE_URL + "feed.xml", "hub": "https://hub.example/"}
    assert read["lastBuildDate"] == "2026-10-03T08:00:00.000Z"
    _compare_podcasting_2(read)
    item = read["items"][0]
    assert (item["title"], item["link"], item["guid"], item["content"]) == (TITLE, PAGE_URL, GUID, NOTES)
    assert item["description"] == f"{SUMMARY}\n\n{TIMESTAMPS}".replace("\n\n", " ").replace("\n", " ")
    assert item["enclosure"] == {"url": MEDIA_URL, "length": 1_234_567, "type": "audio/mpeg"}
    assert (item["duration"], item["itunesSeason"], item["itunesEpisode"]) == (125, 2026, 1)
    assert (item["itunesEpisodeType"], item["explicit"]) == ("full", False)
    assert item["pubDate"] == "2026-10-01T07:00:00.000Z"
    season = {"number": 2026, "name": "Programme year 2026"}
    assert (item["podcastSeason"], item["podcastEpisode"]) == (season, {"number": 1})
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


def _compare_podcasting_2(read: dict) -> None:
    assert (read["podcastBlocked"], read["itunesComplete"]) == ("no", True)
    assert read["itunesNewFeedUrl"] == "https://new.example/feed.xml"
    assert read["podcastFunding"] == [{"message": "Support the network", "url": "https://cln.example/support"}]
    licence = {"identifier": "Open Government Licence v3.0", "url": "https://licence.example/ogl/3/"}
    assert (read["license"], read["podroll"]) == (licence, [SISTER])
    assert read["podcastPublisher"]["feedUrl"] == samples.SITE_URL + "publisher.xml"
    item = read["items"][0]
    assert item["podcastSoundbites"] == [{"startTime": 61.25, "duration": 30, "title": "What changed"}]
    assert item["podcastLocation"] == {"name": "North West", "osm": "R151164"}
    (other,) = item["alternativeEnclosures"]
    assert (other["type"], other["length"], other["default"]) == ("audio/mpeg", 1_234_567, True)
    assert other["source"] == [{"uri": MEDIA_URL, "contentType": "audio/mpeg"}]
    assert other["integrity"]["value"] == "sha256-ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8="


def test_feedsmith_reads_every_field_of_the_channel_back(tmp_path):
    """Feedsmith, which knows every namespace, reads the channel's values, and there are no others."""
    read = readers.feedsmith("feed.xml", feed.render(_full()), tmp_path)
    assert read["format"] == "rss"
    channel, show = read["feed"], samples.show()
    assert channel.pop("items")
    assert channel.pop("podcast") == {
        "locked": {"value": True},
        "guid": FEED_GUID,
        "medium": "podcast",
        "images": [_picture_as_read("artwork")],
        "license": {"display": "Open Government Licence v3.0", "url": "https://licence.example/ogl/3/"},
        "fundings": [{"display": "Support the network", "url": "https://cln.example/support"}],
        "updateFrequency": {"display": "Monthly", "complete": True, "rrule": "FREQ=MONTHLY"},
        "txts": [{"display": "05124", "purpose": "applepodcastsverify"}],
        "podroll": {"remoteItems": [SISTER]},
        "publisher": {
            "remoteItem": {
                "feedGuid": feed.guid("podcast.cln.example/publisher.xml"),
                "feedUrl": samples.SITE_URL + "publisher.xml",
                "medium": "publisher",
                "title": show.author,
            }
        },
        "podping": {"usesPodping": True},
    }
    assert channel.pop("itunes") == {
        "image": ARTWORK_URL,
        "explicit": False,
        "author": show.author,
        "type": "episodic",
        "categories": [{"text": "Health & Fitness", "categories": [{"text": "Medicine"}]}, {"text": "Government"}],
        "owner": {"name": show.owner_name, "email": show.owner_email},
        "newFeedUrl": "https://new.example/feed.xml",
        "complete": True,
    }
    assert channel == {
        "title": show.title,
        "link": show.site_url,
        "description": show.description,
        "language": "en-GB",
        "copyright": show.copyright,
        "lastBuildDate": "Sat, 03 Oct 2026 08:00:00 +0000",
        "generator": "cln-media",
        "image": {"url": ARTWORK_URL, "title": show.title, "link": show.site_url},
        "atom": {
            "links": [
                {"href": samples.SITE_URL + "feed.xml", "rel": "self", "type": "application/rss+xml"},
                {"href": "https://hub.example/", "rel": "hub"},
            ]
        },
    }


def test_feedsmith_reads_every_field_of_an_item_back(tmp_path):
    """Feedsmith reads the item's values, and there are no others."""
    (item,) = readers.feedsmith("feed.xml", feed.render(_full()), tmp_path)["feed"]["items"]
    assert item.pop("podcast") == {
        "transcripts": _transcripts_as_read(),
        "chapters": {"url": CHAPTERS_URL, "type": "application/json+chapters"},
        "soundbites": [{"startTime": 61.25, "duration": 30, "display": "What changed"}],
        "persons": [{"display": "Chair of the set", "role": "guest"}],
        "locations": [{"display": "North West", "rel": "subject", "country": "GB", "osm": "R151164"}],
        "season": {"number": 2026, "name": "Programme year 2026"},
        "episode": {"number": 1},
        "images": [_picture_as_read("cover")],
        "alternateEnclosures": [
            {
                "type": "audio/mpeg",
                "length": 1_234_567,
                "default": True,
                "sources": [{"uri": MEDIA_URL}],
                "integrity": {"type": "sri", "value": "sha256-ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8="},
            }
        ],
        "txts": [{"display": "true", "purpose": "ai-content"}],
        "socialInteracts": [{"protocol": "disabled"}],
    }
    assert item == {
        "title": TITLE,
        "link": PAGE_URL,
        "description": f"{SUMMARY}\n\n{TIMESTAMPS}",
        "categories": [{"name": "referrals"}],
        "enclosures": [{"url": MEDIA_URL, "length": 1_234_567, "type": "audio/mpeg"}],
        "guid": {"value": GUID, "isPermaLink": False},
        "pubDate": "Thu, 01 Oct 2026 07:00:00 +0000",
        "content": {"encoded": NOTES},
        "itunes": {
            "title": TITLE,
            "duration": 125,
            "season": 2026,
            "episode": 1,
            "episodeType": "full",
            "explicit": False,
            "image": samples.SITE_URL + "assets/cover-0123456789abcdef.jpg",
        },
        "psc": {
            "chapters": [
                {"start": "00:00:00.000", "title": "Welcome"},
                {"start": "00:00:30.500", "title": "The pilot", "image": CHAPTERS[1].image_url},
                {"start": "00:01:01.001", "title": "What changed", "href": "https://cln.example/choose-and-book"},
            ]
        },
    }


def _picture_as_read(name: str) -> dict:
    return {
        "href": f"{samples.SITE_URL}assets/{name}-0123456789abcdef.jpg",
        "alt": samples.artwork().alt,
        "aspectRatio": "1/1",
        "width": 3000,
        "height": 3000,
        "type": "image/jpeg",
        "purpose": "artwork",
    }


def _transcripts_as_read() -> list[dict]:
    return [
        {
            "url": f"{samples.SITE_URL}transcripts/choose-and-book.{extension}",
            "type": mime,
            "language": "en-GB",
            **({"rel": "captions"} if extension in {"vtt", "srt"} else {}),
        }
        for extension, mime in model.TRANSCRIPT_FORMATS.items()
    ]


def test_the_atom_feed_reads_back(tmp_path):
    """Feedsmith and feedparser read the same values in the Atom feed, the sound as an enclosure."""
    data = _atom(_full())
    read = readers.feedsmith("feed.atom", data, tmp_path)
    assert read["format"] == "atom"
    show = samples.show()
    assert read["feed"] == {
        "id": f"urn:uuid:{FEED_GUID}",
        "title": {"value": show.title},
        "subtitle": {"value": show.description},
        "rights": {"value": show.copyright},
        "authors": [{"name": show.author}],
        "generator": {"text": "cln-media"},
        "icon": ARTWORK_URL,
        "logo": ARTWORK_URL,
        "updated": "2026-10-03T08:00:00+00:00",
        "links": [
            {"href": samples.SITE_URL + "feed.atom", "rel": "self", "type": "application/atom+xml"},
            {"href": "https://hub.example/", "rel": "hub"},
            {"href": samples.SITE_URL, "rel": "alternate", "type": "text/html"},
        ],
        "entries": [
            {
                "id": GUID,
                "title": {"value": TITLE},
                "updated": "2026-10-03T08:00:00+00:00",
                "published": "2026-10-01T07:00:00+00:00",
                "authors": [{"name": "Chair of the set"}],
                "content": {"value": NOTES, "type": "html"},
                "summary": {"value": f"{SUMMARY}\n\n{TIMESTAMPS}"},
                "categories": [{"term": "referrals"}],
                "links": [
                    {"href": PAGE_URL, "rel": "alternate", "type": "text/html"},
                    {"href": MEDIA_URL, "rel": "enclosure", "type": "audio/mpeg", "length": 1_234_567},
                ],
            }
        ],
        "xml": {"lang": "en-GB"},
    }
    parsed = feedparser.parse(data)
    assert (parsed.bozo, parsed.version, parsed.entries[0].id) == (False, "atom10", GUID)
    assert parsed.entries[0].enclosures == [{"href": MEDIA_URL, "length": "1234567", "type": "audio/mpeg"}]


@pytest.mark.parametrize(
    ("guid", "expected"),
    [
        ("urn:uuid:00000000-0000-4000-8000-000000000015", "urn:uuid:00000000-0000-4000-8000-000000000015"),
        ("tag:old.example,2012:42", "tag:old.example,2012:42"),
        ("0B7F0C0E-3F0B-4E1B-9C39-000000000001", "urn:uuid:0b7f0c0e-3f0b-4e1b-9c39-000000000001"),
        ("old.example/?p=42", None),
        ("42 at https://old.example", None),
    ],
)
def test_an_atom_id_is_an_address_whatever_the_guid(guid, expected):
    """A GUID that is no IRI, as imported podcasts have them, becomes one, always the same."""
    read = ET.fromstring(_atom(_one(guid=guid))).findtext("entry/id", namespaces=ATOM)
    assert read == ET.fromstring(_atom(_one(guid=guid, title="Other"))).findtext("entry/id", namespaces=ATOM)
    assert read == (expected or f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, guid)}")
    assert _text(_items(feed.render(_one(guid=guid)))[0], "guid") == guid


def test_the_json_feed_reads_back(tmp_path):
    """The JSON Feed has the same values, the sound as an attachment; feedsmith takes it for JSON Feed."""
    data = _json(_full())
    read = readers.feedsmith("feed.json", data, tmp_path)
    assert (read["format"], read["feed"]["items"][0]["id"]) == ("json", GUID)
    show = samples.show()
    assert json.loads(data) == {
        "version": "https://jsonfeed.org/version/1.1",
        "title": show.title,
        "home_page_url": samples.SITE_URL,
        "feed_url": samples.SITE_URL + "feed.json",
        "description": show.description,
        "icon": ARTWORK_URL,
        "authors": [{"name": show.author, "url": samples.SITE_URL}],
        "language": "en-GB",
        "expired": True,
        "hubs": [{"type": "WebSub", "url": "https://hub.example/"}],
        "items": [
            {
                "id": GUID,
                "url": PAGE_URL,
                "title": TITLE,
                "content_html": NOTES,
                "summary": f"{SUMMARY}\n\n{TIMESTAMPS}",
                "image": samples.SITE_URL + "assets/cover-0123456789abcdef.jpg",
                "date_published": "2026-10-01T07:00:00+00:00",
                "date_modified": "2026-10-03T08:00:00+00:00",
                "authors": [{"name": "Chair of the set"}],
                "tags": ["referrals"],
                "attachments": [
                    {
                        "url": MEDIA_URL,
                        "mime_type": "audio/mpeg",
                        "size_in_bytes": 1_234_567,
                        "duration_in_seconds": 125,
                    }
                ],
            }
        ],
    }


def _with_alternates() -> Edition:
    """An edition of one item that is there as M4A and Opus too."""
    item = samples.item()

    def alternate(extension: str, mime: str, codecs: str, kbps: int) -> AlternateEnclosure:
        key = model.media_key("choose-and-book", "f" * 64, extension)
        path, url = Path("site") / key, samples.SITE_URL + key
        sound = replace(item.enclosure, path=path, sha256="f" * 64, key=key, url=url, length=kbps * 1_000, mime=mime)
        title = f"{extension.title()}, {kbps} kbit/s and some more words"
        return AlternateEnclosure(enclosure=sound, title=title, codecs=codecs, bit_rate_kbps=kbps)

    alternates = (alternate("m4a", "audio/mp4", "mp4a.40.2", 64), alternate("opus", "audio/ogg", "opus", 24))
    bites = (model.Soundbite(start_ms=500, duration_ms=15_000),)
    clips = (model.Clip(bite=bites[0], enclosure=replace(item.enclosure, url=samples.SITE_URL + "media/clip.mp3")),)
    return samples.edition(items=(replace(item, alternates=alternates, clips=clips),))


def test_other_codings_are_alternate_enclosures(tmp_path):
    """Each stands behind the MP3, with address, length, rate, codec, a short title and a hash; no enclosure but one."""
    data = feed.render(_with_alternates())
    (item,) = _items(data)
    assert len(item.findall("enclosure")) == 1
    default, m4a, opus = item.findall("podcast:alternateEnclosure", NAMESPACES)
    assert default.attrib == {"type": "audio/mpeg", "length": "1234567", "default": "true"}
    title = " kbit/s and some more words"
    assert m4a.attrib == {
        "type": "audio/mp4",
        "length": "64000",
        "bitrate": "64000",
        "title": f"M4A, 64{title}"[:32],
        "codecs": "mp4a.40.2",
    }
    assert opus.attrib == {
        "type": "audio/ogg",
        "length": "24000",
        "bitrate": "24000",
        "title": f"Opus, 24{title}"[:32],
        "codecs": "opus",
    }
    integrity = {"type": "sri", "value": "sha256-" + base64.b64encode(bytes.fromhex("f" * 64)).decode()}
    uri = samples.SITE_URL + "media/choose-and-book-ffffffffffffffff.opus"
    assert [child.attrib for child in opus] == [{"uri": uri}, integrity]
    read = readers.feedsmith("feed.xml", data, tmp_path)["feed"]["items"][0]["podcast"]["alternateEnclosures"][2]
    assert read == {
        "type": "audio/ogg",
        "length": 24_000,
        "bitrate": 24_000,
        "title": f"Opus, 24{title}"[:32],
        "codecs": "opus",
        "sources": [{"uri": uri}],
        "integrity": integrity,
    }
    party = readers.partytime(data, tmp_path)["items"][0]["alternativeEnclosures"]
    assert [(one["type"], one["length"], one["bitrate"], one["source"][0]["uri"]) for one in party[1:]] == [
        ("audio/mp4", 64_000, 64_000, samples.SITE_URL + "media/choose-and-book-ffffffffffffffff.m4a"),
        ("audio/ogg", 24_000, 24_000, uri),
    ]


def test_other_codings_are_attachments_of_json():
    """JSON Feed lists them behind the MP3, by title; Atom names the MP3 alone, as apps take any enclosure there."""
    edition = _with_alternates()
    (item,) = json.loads(_json(edition))["items"]
    first, m4a, opus = item["attachments"]
    assert (first["url"], "title" in first) == (MEDIA_URL, False)
    assert m4a["title"].startswith("M4A, 64 kbit/s")
    assert opus == {
        "url": samples.SITE_URL + "media/choose-and-book-ffffffffffffffff.opus",
        "mime_type": "audio/ogg",
        "title": "Opus, 24 kbit/s and some more words",
        "size_in_bytes": 24_000,
        "duration_in_seconds": 125,
    }
    assert _atom(edition).count(b'rel="enclosure"') == 1


@pytest.mark.parametrize("changes", [{"length": 0}, {"mime": ""}, {"url": "nowhere"}])
def test_an_alternate_that_would_make_the_feed_invalid_is_an_error(changes):
    """An alternate is held to what the enclosure is held to, in each form that names it."""
    edition = _with_alternates()
    (item,) = edition.items
    (first, *rest) = item.alternates
    broken = replace(first, enclosure=replace(first.enclosure, **changes))
    edition = replace(edition, items=(replace(item, alternates=(broken, *rest)),))
    for render in (feed.render, _json):
        with pytest.raises(FeedError):
            render(edition)


def test_an_item_of_json_always_has_content():
    """JSON Feed wants content: without notes it is the description's text."""
    edition = samples.edition(items=(replace(samples.item(), notes_html=""),))
    (item,) = json.loads(_json(edition))["items"]
    assert "content_html" not in item
    assert item["content_text"] == item["summary"]


def _network() -> Edition:
    """An edition with two public named feeds and one for members."""
    feeds = (
        Feed(name="north-west", title="North West", region="north-west"),
        replace(MEMBERS, guid="00000000-0000-5000-8000-00000000000d"),
        Feed(
            name="london", title="London", region="london", language="cy", guid="00000000-0000-5000-8000-00000000000c"
        ),
    )
    london = samples.item("london-set", region="london")
    secret = samples.item("members-only", visibility=Visibility.MEMBERS, title="For members", number=77)
    show = samples.show(feeds=feeds)
    art = {"london": samples.artwork("london")}
    return samples.edition(show=show, items=(*samples.edition().items, london, secret), feed_artworks=art)


def test_feeds_name_each_other_both_ways():
    """The network names every public part, each part the network and its sisters, the publisher all of them."""
    edition = _network()
    keys = ["feed.xml", "feeds/north-west.xml", "feeds/london.xml"]
    written = feed.render_all(edition)
    assert set(written) == {
        *(key.replace(".xml", extension) for key in keys for extension in (".xml", ".atom", ".json")),
        "feeds.opml",
        "publisher.xml",
    }
    guids = {samples.SITE_URL + key: _text(_channel(written[key]), "podcast:guid") for key in keys}
    for key in keys:
        channel = _channel(written[key])
        podroll = channel.findall("podcast:podroll/podcast:remoteItem", NAMESPACES)
        sisters = [(one.get("feedUrl"), one.get("feedGuid")) for one in podroll]
        assert sisters == [pair for pair in guids.items() if pair[0] != samples.SITE_URL + key]
        (above,) = channel.findall("podcast:publisher/podcast:remoteItem", NAMESPACES)
        assert above.get("feedGuid") == _text(_channel(written["publisher.xml"]), "podcast:guid")
    publisher = _channel(written["publisher.xml"])
    assert (_text(publisher, "podcast:medium"), publisher.findall("item")) == ("publisher", [])
    listed = publisher.findall("podcast:remoteItem", NAMESPACES)
    assert [(one.get("feedUrl"), one.get("feedGuid")) for one in listed] == list(guids.items())
    assert {one.get("medium") for one in listed} == {"podcast"}
    assert publisher.find("lastBuildDate") is None
    assert not feedparser.parse(written["publisher.xml"]).bozo


def test_the_list_of_feeds_reads_back(tmp_path):
    """OPML names the network feed and the public parts, each with its language, for apps to import."""
    read = readers.feedsmith("feeds.opml", feed.opml(_network()), tmp_path)
    assert read["head"] == {
        "title": "Learning sets",
        "ownerName": "CLN communications team",
        "ownerEmail": "podcast@cln.example",
    }
    outlines = read["body"]["outlines"]
    assert [(one["title"], one["xmlUrl"], one["language"]) for one in outlines] == [
        ("Learning sets", samples.SITE_URL + "feed.xml", "en-GB"),
        ("North West", samples.SITE_URL + "feeds/north-west.xml", "en-GB"),
        ("London", samples.SITE_URL + "feeds/london.xml", "cy"),
    ]
    assert all(one["type"] == "rss" and one["htmlUrl"] == samples.SITE_URL and one["text"] for one in outlines)


def test_nothing_of_members_is_in_what_is_public():
    """No public feed, list or page of one holds an episode for members, or names their feed."""
    for key, data in feed.render_all(_network()).items():
        assert b"embers" not in data, key
        assert b"00000000000d" not in data, key


def test_what_all_can_render_is_what_each_renders():
    """Rendering everything at once gives the same bytes as rendering each feed on its own."""
    edition = _network()
    written = feed.render_all(edition)
    for part in (None, *(one for one in edition.show.feeds if one.visibility is Visibility.PUBLIC)):
        for key, data in feed.render_pages(edition, part).items():
            assert written[key] == data


def test_a_part_has_its_own_language_artwork_and_place():
    """A named feed says its own language, shows its own artwork and is about its region."""
    edition = _network()
    london = next(one for one in edition.show.feeds if one.name == "london")
    channel = _channel(feed.render(edition, london))
    assert _text(channel, "language") == "cy"
    image = samples.SITE_URL + "assets/london-0123456789abcdef.jpg"
    assert channel.find("itunes:image", NAMESPACES).get("href") == _text(channel, "image/url") == image
    assert channel.find("podcast:image", NAMESPACES).get("href") == image
    assert _text(channel, "podcast:location") == "London"
    assert _channel(feed.render(edition)).find("podcast:location", NAMESPACES) is None


def test_a_feed_for_members_holds_all_and_blocks_directories(tmp_path):
    """A members' feed has both kinds of episode, lies at the member's address, and points to no other feed."""
    edition = _at_members(replace(_full(), items=_network().items))
    show = replace(edition.show, locked=False)
    data = feed.render(replace(edition, show=show), MEMBERS)
    channel = _channel(data)
    assert sorted(_text(item, "title") for item in channel.findall("item")) == sorted(
        ["For members", "First meeting", TITLE, TITLE]
    )
    assert channel.find("atom:link", NAMESPACES).get("href") == show.url("feed.xml")
    assert _text(channel, "link") == show.site_url
    assert (_text(channel, "itunes:block"), _text(channel, "podcast:block")) == ("Yes", "yes")
    assert _text(channel, "podcast:locked") == "yes"
    for name in ("podcast:podroll", "podcast:publisher", "podcast:podping", "podcast:txt", "itunes:new-feed-url"):
        assert channel.find(name, NAMESPACES) is None, name
    assert channel.find("atom:link[@rel='hub']", NAMESPACES) is None
    assert b"hub.example" not in data
    read = readers.partytime(data, tmp_path)
    assert (read["itunesBlock"], read["podcastBlocked"]) == (True, "yes")
    assert feedparser.parse(data).feed.itunes_block == 1


def test_a_feed_for_members_stands_where_it_is_told():
    """The key of a members' feed can be given, and further pages stand below it."""
    show = replace(_at_members(_network()).show, feed=FeedSettings(page_size=3))
    edition = replace(_network(), show=show)
    pages = feed.render_pages(edition, MEMBERS, key="regional/feed.xml")
    assert list(pages) == ["regional/feed.xml", "regional/feed/page-2.xml"]
    for key, data in pages.items():
        assert _channel(data).find("atom:link[@rel='self']", NAMESPACES).get("href") == show.url(key)
    assert list(feed.render_pages(edition, MEMBERS)) == ["feed.xml", "feed/page-2.xml"]


def _many(count: int, **changes: object) -> Edition:
    start, one = datetime(2026, 1, 1, tzinfo=UTC), samples.item()
    items = tuple(
        replace(one, published=start + timedelta(hours=n), episode=replace(one.episode, guid=f"guid-{n}"))
        for n in range(count)
    )
    return samples.edition(show=samples.show(feed=FeedSettings(**changes)), items=items)


@pytest.mark.parametrize(
    ("settings_", "sizes"),
    [
        ({}, [10]),
        ({"page_size": 4}, [4, 4, 2]),
        ({"page_size": 5}, [5, 5]),
        ({"page_size": 10}, [10]),
        ({"page_size": 11}, [10]),
        ({"limit": 3}, [3]),
        ({"limit": 30}, [10]),
        ({"limit": 1, "page_size": 4}, [1, 4, 4, 1]),
        ({"limit": 9, "page_size": 1}, [9, 1]),
        ({"limit": 10, "page_size": 1}, [10]),
    ],
)
@pytest.mark.parametrize("part", [None, Feed(name="north-west", title="North West", region="north-west")])
def test_the_pages_of_a_feed(part, settings_, sizes):
    """The newest items are on page 1, and following the links from there shows each item once (RFC 5005)."""
    pages = feed.render_pages(_many(10, **settings_), part)
    name = part.name if part else None
    assert list(pages) == [model.feed_key(name, page=n) for n in range(1, len(sizes) + 1)]
    assert [len(_items(data)) for data in pages.values()] == sizes
    walked, key = [], next(iter(pages))
    links = {}
    while key:
        channel = _channel(pages[key])
        before = key if walked else None
        links = {one.get("rel"): one.get("href") for one in channel.findall("atom:link", NAMESPACES)}
        assert links["self"] == samples.SITE_URL + key
        assert len(links) == (1 if len(pages) == 1 else 4 if before is None or "next" not in links else 5)
        walked += [_text(item, "guid") for item in channel.findall("item")]
        key = links.get("next", "").removeprefix(samples.SITE_URL)
    assert walked == [f"guid-{n}" for n in reversed(range(10))][: sum(sizes)]
    if len(pages) > 1:
        first, *_, before_last, last = [samples.SITE_URL + key for key in (*pages, *list(pages)[-2:])]
        assert (links["first"], links["previous"], links["last"]) == (first, before_last, last)


def test_the_pages_of_the_other_forms():
    """Atom links its pages as RSS does, JSON Feed names the next one; each page has its own items."""
    written = feed.render_all(_many(5, page_size=2))
    assert {key for key in written if key.startswith("feed/")} == {
        f"feed/page-{n}.{extension}" for n in (2, 3) for extension in ("xml", "atom", "json")
    }
    key, guids = "feed.json", []
    while key:
        page = json.loads(written[key])
        assert page["feed_url"] == samples.SITE_URL + key
        guids += [item["id"] for item in page["items"]]
        key = page.get("next_url", "").removeprefix(samples.SITE_URL)
    assert guids == [f"guid-{n}" for n in reversed(range(5))]
    middle = ET.fromstring(written["feed/page-2.atom"])
    assert {one.get("rel"): one.get("href") for one in middle.findall("link", ATOM)} == {
        "self": samples.SITE_URL + "feed/page-2.atom",
        "first": samples.SITE_URL + "feed.atom",
        "previous": samples.SITE_URL + "feed.atom",
        "next": samples.SITE_URL + "feed/page-3.atom",
        "last": samples.SITE_URL + "feed/page-3.atom",
        "alternate": samples.SITE_URL,
    }


def test_a_move_is_told_once_and_only_for_the_network():
    """The new address stands on the network feed's first page: an app must not follow it from a part."""
    edition = _many(4, page_size=2, moved_to="https://new.example/feed.xml")
    first, second = feed.render_pages(edition).values()
    assert b"https://new.example/feed.xml" in first
    assert b"new.example" not in second
    part = Feed(name="north-west", title="North West", region="north-west")
    assert b"new.example" not in feed.render(edition, part)


def test_the_date_of_a_feed_is_its_newest_change():
    """An older episode that was corrected last gives the feed its date; a page has the date of its own items."""
    newer, older = samples.edition().items
    fixed = replace(older, episode=replace(older.episode, updated=datetime(2026, 11, 2, 9, 30, 1, 500, tzinfo=UTC)))
    edition = samples.edition(items=(newer, fixed))
    assert _text(_channel(feed.render(edition)), "lastBuildDate") == "Mon, 02 Nov 2026 09:30:01 +0000"
    assert ET.fromstring(_atom(edition)).findtext("updated", namespaces=ATOM) == "2026-11-02T09:30:01+00:00"
    paged = replace(edition, show=samples.show(feed=FeedSettings(page_size=1)))
    dates = [_text(_channel(data), "lastBuildDate") for data in feed.render_pages(paged).values()]
    assert dates == ["Thu, 01 Oct 2026 07:00:00 +0000", "Mon, 02 Nov 2026 09:30:01 +0000"]


def test_an_empty_atom_feed_is_dated_as_never():
    """Atom wants a date even where nothing was published: it is not the build's."""
    updated = ET.fromstring(_atom(samples.edition(items=()))).findtext("updated", namespaces=ATOM)
    assert updated == "1970-01-01T00:00:00+00:00"


@given(
    starts=st.lists(st.integers(1, 35_999_999), min_size=2, max_size=8, unique=True).map(sorted),
)
@settings(max_examples=40)
def test_chapters_agree_to_the_millisecond(starts):
    """psc:chapters says what the JSON chapters say; the description the same in the whole seconds that apps read."""
    chapters = tuple(Chapter(start_ms=start, title=f"From {start}") for start in (0, *starts))
    item = _render_item(samples.item(chapters=chapters))
    rows = json.loads(words.chapters_json(chapters))["chapters"]
    read = [(one.get("start"), one.get("title")) for one in item.findall("psc:chapters/psc:chapter", NAMESPACES)]
    assert [(_milliseconds(start), title) for start, title in read] == [
        (round(row["startTime"] * 1000), row["title"]) for row in rows
    ]
    lines = _text(item, "description").split("\n\n")[1].splitlines()
    assert lines == [f"{model.clock(chapter.start_ms)} {chapter.title}" for chapter in chapters]


def _milliseconds(clock: str) -> int:
    hours, minutes, seconds, thousandths = map(int, re.fullmatch(r"(\d\d):(\d\d):(\d\d)\.(\d{3})", clock).groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths


@pytest.mark.parametrize(("name", "expected"), [("CC-BY-4.0", "cc-by-4.0"), ("OGL", "OGL")])
def test_a_well_known_licence_is_in_lower_case(name, expected):
    """The specification wants the identifiers of its own list in lower case; other names stay."""
    edition = samples.edition(show=samples.show(feed=FeedSettings(license=name)))
    found = _channel(feed.render(edition)).find("podcast:license", NAMESPACES)
    assert (found.text, found.attrib) == (expected, {})


def test_a_rule_without_words_is_its_own_words():
    """Where nobody wrote how often episodes appear, or what the link for support says, the feed still does."""
    settings_ = FeedSettings(update_rule="FREQ=MONTHLY", funding_url="https://cln.example/support")
    channel = _channel(feed.render(samples.edition(show=samples.show(feed=settings_))))
    assert _text(channel, "podcast:updateFrequency") == "FREQ=MONTHLY"
    assert _text(channel, "podcast:funding") == "Support the show"


def test_what_a_description_has_no_room_for_is_in_the_notes():
    """The whole summary stands before the notes where it was cut, chapters behind them where they did not fit."""
    long = "Waits < 18 weeks & falling.\nSo far.\n\n" * 200
    item = _render_item(samples.item(summary=long))
    notes = _text(item, "content:encoded")
    assert len(_text(item, "description").encode()) <= 4_000
    assert notes == "\n".join(["<p>Waits &lt; 18 weeks &amp; falling.<br>So far.</p>"] * 200) + "\n" + NOTES
    chapters = tuple(Chapter(start_ms=start * 30_000, title="Long " * 40) for start in range(40))
    notes = _text(_render_item(samples.item(chapters=chapters)), "content:encoded")
    assert notes.startswith(NOTES + "\n<p>0:00 Long Long")
    assert notes.count("<br>") == len(chapters) - 1


def test_feeds_that_apps_cannot_take_are_problems():
    """Over 1 MB is a warning, over 5 MB is fatal, and the hint says how to make pages."""
    pages = {"a.xml": b"x" * 1_000_000, "b.xml": b"x" * 1_000_001, "c.xml": b"x" * 5_000_000, "d.xml": b"x" * 5_000_001}
    problems = feed.size_problems(pages)
    assert [(one.source, one.fatal) for one in problems] == [("b.xml", False), ("c.xml", False), ("d.xml", True)]
    assert problems[0].message == "the feed has 1,000,001 bytes, over 1,000,000: apps are slow to read it"
    assert all("feed.page_size" in one.hint for one in problems)


@given(data=st.data())
@settings(max_examples=15)
def test_the_same_episodes_give_the_same_bytes(data):
    """Shuffled, and in folders of other names, the episodes of an edition give every feed byte for byte."""
    edition = _network()
    edition = replace(edition, show=replace(edition.show, feed=FeedSettings(page_size=2)))
    items = data.draw(st.permutations(edition.items))
    names = data.draw(st.lists(st.text("abc/ é", min_size=1), min_size=len(items), max_size=len(items)))
    moved = tuple(
        replace(item, episode=replace(item.episode, path=Path(name))) for item, name in zip(items, names, strict=True)
    )
    shuffled = replace(edition, items=moved)
    assert feed.render_all(shuffled) == feed.render_all(edition)
    assert feed.render_pages(_at_members(shuffled), MEMBERS) == feed.render_pages(_at_members(edition), MEMBERS)


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


def _typed(typed: str) -> Edition:
    """An edition in which someone typed the same into every field."""
    show: Show = samples.show(
        title=typed,
        author=typed,
        owner_name=typed,
        copyright=typed,
        categories=(Category(name="Arts", subcategory=typed),),
        regions=(Region(id="north-west", name=typed),),
        seasons=(Season(number=2026, name=typed),),
        feeds=(Feed(name="part", title=typed, region="north-west"),),
        feed=FeedSettings(
            license=typed,
            funding_url="https://cln.example/",
            funding_text=typed,
            update_frequency=typed,
            texts=(Txt(value=typed, purpose=typed),),
        ),
    )
    made = samples.item(
        title=typed,
        summary=typed[:900],
        speakers=(Speaker(role="Chair", name=typed, consent=_consent("name")),),
        chapters=(Chapter(start_ms=0, title=typed),),
        soundbites=(Soundbite(start_ms=0, duration_ms=15_000, title=typed),),
        topics=(typed,),
    )
    art = replace(samples.artwork(), alt=typed)
    return samples.edition(show=show, items=(replace(made, notes_html=typed),), artwork=art)


def _label(typed: str) -> str:
    line = " ".join(_expected(typed).split())
    return line if len(line) <= 128 else line[:127].rstrip() + "…"


@given(text=ANY_TEXT)
@settings(max_examples=60)
def test_any_text_parses_back(text):
    """Whatever a user types ends as valid XML that gives the text back, less what XML 1.0 forbids and outer spaces."""
    typed = f"x{text}y "
    data = feed.render(_typed(typed))
    channel = _channel(data)
    for path in (
        "title",
        "copyright",
        "itunes:author",
        "itunes:owner/itunes:name",
        "podcast:txt",
        "item/title",
        "item/itunes:title",
        "item/content:encoded",
    ):
        assert _text(channel, path) == _expected(typed), path
    assert _text(channel, "item/description") == _expected(typed[:900])
    assert channel.find("itunes:category/itunes:category", NAMESPACES).get("text") == _expected(typed)
    assert channel.find("podcast:podroll/podcast:remoteItem", NAMESPACES).get("title") == _expected(typed)
    for path in (
        "podcast:license",
        "podcast:funding",
        "podcast:updateFrequency",
        "item/podcast:person",
        "item/podcast:soundbite",
        "item/podcast:location",
    ):
        assert _text(channel, path) == _label(typed), path
    for path, name in (("podcast:txt", "purpose"), ("item/podcast:season", "name")):
        assert channel.find(path, NAMESPACES).get(name) == _label(typed), path
    line = " ".join(_expected(typed).split())
    assert channel.find("podcast:image", NAMESPACES).get("alt") == line
    assert channel.find("item/psc:chapters/psc:chapter", NAMESPACES).get("title") == line
    etree.fromstring(data)
    assert data == feed.render(_typed(typed))


@given(text=ANY_TEXT)
@settings(max_examples=60)
def test_any_text_parses_back_in_the_other_forms(text):
    """Atom, JSON and OPML give the same text back, in documents that other parsers take."""
    typed = f"x{text}y "
    edition = _typed(typed)
    data = _atom(edition)
    root = ET.fromstring(data)
    etree.fromstring(data)
    for path in ("title", "rights", "author/name", "entry/title", "entry/content"):
        assert root.findtext(path, namespaces=ATOM) == _expected(typed), path
    line = " ".join(_expected(typed).split())
    assert root.find("entry/category", ATOM).get("term") == root.findtext("entry/author/name", namespaces=ATOM) == line
    read = json.loads(_json(edition).decode())
    (item,) = read["items"]
    assert read["title"] == read["authors"][0]["name"] == item["title"] == item["content_html"] == _expected(typed)
    assert item["tags"] == [one["name"] for one in item["authors"]] == [line]
    outlines = ET.fromstring(feed.opml(edition)).findall("body/outline")
    assert [(one.get("text"), one.get("title")) for one in outlines] == [(line, line)] * 2
    etree.fromstring(feed.publisher(edition))


@given(text=ANY_TEXT)
@settings(max_examples=60)
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
    read = [_text(item, "guid") for item in _items(feed.render(_many(1_000)))]
    assert read == [f"guid-{n}" for n in reversed(range(1_000))]
    assert max(Counter(read).values()) == 1


def test_what_stands_for_the_number_is_shown() -> None:
    """An episode's own display goes with its number (Podcasting 2.0, podcast:episode)."""
    rss = feed.render(samples.edition(items=(samples.item(display="Set 4"),)))
    assert b'<podcast:episode display="Set 4">1</podcast:episode>' in rss


if __name__ == "__main__":
    for golden, content in _goldens().items():
        (GOLDEN / golden).write_bytes(content)
