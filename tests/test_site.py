"""Every page of a network of thirty episodes: valid, accessible, quiet, light, and whole for readers and machines."""

import gzip
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import feedparser
import jsonschema
import pytest
from playwright.sync_api import Browser, Page

from pipeline import model, pages
from tests import browser as browsing
from tests import markup, schemas
from tests.network import KINDS, LONG, Network, judging

SEARCHED = "search/?q=telephone"
ELSEWHERE = re.compile(
    r"mailto:|https://(?:cln|directory)\.example/"
    r"|(?:podcast|pktc|antennapod-subscribe|overcast|castros|podcastaddict)://"
)


@pytest.fixture(scope="module")
def parsed(network: Network) -> dict[str, markup.Page]:
    """Parse every page, by its address below the home."""
    return {address: markup.Page(_file(network, address).read_bytes()) for address in network.pages}


def _file(network: Network, address: str) -> Path:
    path = unquote(address.removeprefix(network.url).partition("?")[0].partition("#")[0])
    return network.site / (f"{path}index.html" if path.endswith("/") or not path else path)


def test_the_sample_has_all_kinds_of_pages(network: Network) -> None:
    """Thirty episodes and every kind of page are there, so that judging every page judges something."""
    assert set(KINDS) <= set(network.pages)
    assert len(network.edition.items) == 30
    assert len(network.pages) > 180


def test_every_page_is_valid_html(network: Network, tmp_path: Path) -> None:
    """The Nu HTML checker finds no error in any page, nor in one with the NHS identity."""
    nhs = {"identity": "nhs", "identity_permission": "A test"}
    changed = replace(network.edition, show=replace(network.edition.show, **nhs), items=network.edition.items[:1])
    (tmp_path / "nhs.html").write_bytes(pages.render(changed)["index.html"])
    assert markup.errors([tmp_path / "nhs.html", *network.site.rglob("*.html")]) == ""


def test_every_address_leads_somewhere(network: Network, parsed: dict[str, markup.Page]) -> None:
    """Every link, image, script and fragment of every page leads to what is there, and no id is there twice."""
    broken = []
    for address, page in parsed.items():
        assert len(page.ids) == len(set(page.ids)), address
        for target in _addresses(page):
            goal, fragment = urldefrag(urljoin(network.url + address, target))
            if ELSEWHERE.match(goal):
                continue
            is_there = goal.startswith(network.url) and _file(network, goal).is_file()
            if not is_there or (fragment and fragment not in parsed[goal.removeprefix(network.url)].ids):
                broken.append(f"{address} -> {target}")
    assert broken == []


def _addresses(page: markup.Page) -> Iterator[str]:
    """List the addresses of a page, also those of its images in other sizes and those that other sites read."""
    yield from page.addresses
    for _, found in page.elements:
        yield from (each.split()[0] for each in found.get("srcset", "").split(",") if each)
        if found.get("property", found.get("name", "")) in {"og:url", "og:image", "og:audio", "twitter:image"}:
            yield found["content"]
        yield from ([found["action"]] if "action" in found else [])


@judging(*KINDS)
def test_pages_are_accessible_quiet_and_keep_to_themselves(
    network: Network, chromium: Browser, addresses: tuple[str, ...]
) -> None:
    """Axe finds nothing, also in the dark; nothing scrolls sideways, stores, asks another host or is on the console."""
    wrong = {}
    with chromium.new_context() as context:
        context.add_init_script(path=browsing.AXE)
        watched = browsing.Watched(context)
        for address in addresses or network.pages:
            watched.page.set_viewport_size({"width": 320, "height": 800})  # WCAG 2.2, 1.4.10
            watched.page.goto(network.url + address)
            narrow = list(_findings(watched.page, 320))
            browsing.resize(watched.page, 1280)
            wide = list(_findings(watched.page, 1280))
            watched.page.emulate_media(color_scheme="dark")
            if found := narrow + wide + browsing.axe(watched.page, "color-contrast"):
                wrong[address] = found
            watched.page.emulate_media(color_scheme="light")
        assert wrong == {}
        assert watched.said == []
        assert watched.elsewhere(network.url) == []


def _findings(page: Page, width: int) -> Iterator[object]:
    yield from browsing.axe(page)
    if (wide := browsing.width(page)) > width:
        yield f"{wide} px wide"
    if any(browsing.stored(page)):
        yield "stores something"


@judging("", f"episodes/{LONG}/", f"embed/{LONG}/", SEARCHED)
def test_pages_are_light(network: Network, chromium: Browser, addresses: tuple[str, ...]) -> None:
    """What a first visit with a fine screen fetches, compressed and without the sound, is less than 100 KB.

    So it is with 10,000 words on a page too.
    """
    weights = {}
    with chromium.new_context(device_scale_factor=2) as context:
        watched = browsing.Watched(context)
        for address in addresses or network.pages:
            watched.asked.clear()
            watched.page.goto(network.url + address)
            if "?" in address:
                watched.page.get_by_role("status").filter(has_text="found for").wait_for()
            watched.page.wait_for_load_state("networkidle")
            fetched = {_file(network, url) for url in watched.asked if not url.endswith(".mp3")}
            assert len(fetched) > 2
            weights[address] = {path.relative_to(network.site).as_posix(): _sent(path) for path in fetched}
    most = dict.fromkeys(weights, 100_000) | {SEARCHED: 170_000}  # the engine comes with the first question
    assert {address: found for address, found in weights.items() if sum(found.values()) > most[address]} == {}
    assert {name for name in weights[""] if name.endswith(".css")} <= weights[f"episodes/{LONG}/"].keys()


def _sent(path: Path) -> int:
    data = path.read_bytes()
    is_text = path.suffix in {".html", ".css", ".js", ".svg", ".json", ".webmanifest"}
    return len(gzip.compress(data, 6)) if is_text else len(data)


def test_the_long_page_has_ten_thousand_words(network: Network, parsed: dict[str, markup.Page]) -> None:
    """The episode that is weighed has a transcript of 10,000 words on its page."""
    item = network.edition.items[0]
    assert item.episode.slug == LONG
    assert len(parsed[f"episodes/{LONG}/"].text.split()) > 10_000


def test_every_oembed_description_is_valid(network: Network, parsed: dict[str, markup.Page]) -> None:
    """Each is as oEmbed 1.0 wants it; its frame leads to a player of the measure that it names; pages name them all."""
    files = sorted(network.site.rglob("oembed/**/*.json"))
    assert len(files) == 30 + 1 + len(network.edition.show.regions)
    for path in files:
        data = json.loads(path.read_bytes())
        jsonschema.validate(data, schemas.OEMBED)
        (frame,) = markup.Page(data["html"].encode()).all("iframe")
        assert (frame["width"], frame["height"]) == (str(data["width"]), str(data["height"]))
        assert frame["src"].removeprefix(network.url) in parsed
        assert frame["title"].startswith("Listen: ")
    named = {link["href"] for page in parsed.values() for link in page.all("link") if "oembed" in link.get("type", "")}
    assert {f"{network.url}{path.relative_to(network.site).as_posix()}" for path in files} == named


def test_structured_data_is_whole(network: Network) -> None:
    """Home describes a PodcastSeries, every episode's page a PodcastEpisode, with all that search engines ask for."""
    series = _data(network, "index.html")
    jsonschema.validate(series, schemas.PODCAST_SERIES)
    for item in network.edition.items:
        episode, data = item.episode, _data(network, model.episode_key(item.episode.slug))
        jsonschema.validate(data, schemas.PODCAST_EPISODE)
        assert datetime.fromisoformat(data["datePublished"]) == item.published
        assert data["partOfSeries"]["url"] == series["url"]
        assert ("transcript" in data["associatedMedia"]) == (episode.transcript is not None)
        assert len(data.get("hasPart", ())) == len(episode.chapters)
        assert len(data.get("contributor", ())) == len(episode.speakers)
        for address in (data["url"], data["image"], data["associatedMedia"]["contentUrl"]):
            assert _file(network, address).is_file()
        if episode.transcript:
            assert _file(network, data["associatedMedia"]["transcript"]).is_file()


def _data(network: Network, key: str) -> dict[str, object]:
    (found,) = re.findall(
        r'<script type="application/ld\+json">(.*?)</script>', (network.site / key).read_text(), re.DOTALL
    )
    return json.loads(found)


def test_a_sitemap_lists_what_may_be_found(network: Network, parsed: dict[str, markup.Page]) -> None:
    """The sitemap has exactly the pages that are canonical and not kept out; robots.txt leads to it."""
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    tree = ET.fromstring((network.site / "sitemap.xml").read_bytes())
    listed = [row.findtext(f"{space}loc") for row in tree.iter(f"{space}url")]
    assert [date.fromisoformat(str(row.text)) for row in tree.iter(f"{space}lastmod")]
    wanted = {
        network.url + address
        for address, page in parsed.items()
        if not [meta for meta in page.all("meta") if meta.get("name") == "robots"]
        and [link["href"] for link in page.all("link") if link["rel"] == "canonical"] == [network.url + address]
    }
    assert sorted(listed) == sorted(wanted)
    robots = (network.site / "robots.txt").read_text().splitlines()
    assert robots[:2] == ["User-agent: *", "Disallow:"]
    assert f"Sitemap: {network.url}sitemap.xml" in robots


def test_feeds_are_found(network: Network, parsed: dict[str, markup.Page]) -> None:
    """Every page names the network's feed, a region's also its own, and what is named is a feed with that title."""
    rss = "application/rss+xml"
    named = {
        address: {(link["href"], link["title"]) for link in page.all("link") if link.get("type") == rss}
        for address, page in parsed.items()
    }
    without = {address for address, feeds in named.items() if not feeds}
    assert without == {address for address in parsed if address.startswith("embed/")}
    assert f"{network.url}feeds/north-west.xml" in dict(named["regions/north-west/"])
    for url, title in set.union(*named.values()):
        assert feedparser.parse(_file(network, url).read_bytes()).feed.title == title


def test_the_web_manifest_and_its_icons_are_there(network: Network, parsed: dict[str, markup.Page]) -> None:
    """The manifest is as W3C wants it, and every icon that it names is of the size that it says."""
    data = json.loads((network.site / "site.webmanifest").read_bytes())
    jsonschema.validate(data, schemas.MANIFEST)
    for icon in data["icons"]:
        assert _file(network, urljoin(network.url, icon["src"])).is_file()
    (link,) = [link for link in parsed[""].all("link") if link["rel"] == "manifest"]
    assert link["href"] == "/site.webmanifest"


def test_security_txt_can_be_read(network: Network) -> None:
    """It has the fields that RFC 9116 requires, each once, the day in the future of the sample."""
    lines = (network.site / ".well-known/security.txt").read_text().splitlines()
    found = dict(line.split(": ", 1) for line in lines)
    assert len(found) == len(lines)
    assert found["Contact"].startswith(("mailto:", "https://"))
    assert datetime.fromisoformat(found["Expires"]).date() > network.edition.items[0].published.date()
    assert found["Canonical"] == f"{network.url}.well-known/security.txt"
