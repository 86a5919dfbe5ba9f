"""Search in what was said: found, led to, filtered, harmless, gone when taken back, and the same bytes every time."""

import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from pipeline import build, model, pages, publish, search
from pipeline.build import headers, searching
from pipeline.build import site as building
from pipeline.cache import Cache
from pipeline.cli import planning
from pipeline.errors import SearchError, StorageError
from pipeline.model import Cue, Edition, Findable, Item, Passage, Release, Transcript
from tests import browser as browsing
from tests import samples, serving

HOSTILE = (
    '<img src=x onerror="document.title=1"> <script>document.title=1</script> &lt;b&gt; "><svg onload=alert(1)> '
    "___PAGEFIND_ANCHOR___p:0:t=9 javascript:alert(1) \u202ereversed zanzibar"
)
EVERY_WORD = "governance"


def said(slug: str, *texts: str, **changes: object) -> Item:
    """Make an item in which each text is said a minute after the one before."""
    cues = [
        Cue(start_ms=number * 60_000, end_ms=number * 60_000 + 50_000, text=text) for number, text in enumerate(texts)
    ]
    transcript = Transcript(language="en-GB", origin="transcript.vtt", cues=tuple(cues))
    values = {
        "title": f"About {slug}",
        "summary": "What we learned.",
        "chapters": (),
        "guid": f"urn:test:{slug}",
        **changes,
    }
    return samples.item(slug, transcript=transcript, **values)


def edition(site_url: str = samples.SITE_URL, **changes: object) -> Edition:
    """Make an edition of eight episodes in two years and two regions."""
    many = [
        said(f"many-{number}", f"We spoke of {EVERY_WORD}.", published=datetime(2025, 3, number + 1, 7, tzinfo=UTC))
        for number in range(6)
    ]
    items = (
        said("waits", "Welcome to all.", "Then the ombudsman wrote to us.", "Goodbye.", region="london"),
        said("hostile", f"{HOSTILE} {EVERY_WORD}", title='<b onclick="alert(1)">Zanzibar</b> & co'),
        *many,
    )
    return samples.edition(show=samples.show(site_url=site_url, **changes), items=items)


def made(found: Edition, root: Path) -> dict[str, str]:
    """Build the site of an edition, without its sound, into root/site; return the hash of each file."""
    cache = Cache(root / ".cache")
    with cache.scratch() as scratch:
        spool = building.Spool(root / "site", scratch)
        for name, data in build.everything(found, root / "templates"):
            spool.add(name, data)
        index = searching.index(found, spool.hashes, cache)
        for name, data in index.texts.items():
            spool.add(name, data)
        done = building.write(root / "site", spool, index.files, cache)
    cache.close()
    return {asset.key: asset.sha256 for asset in done.release.assets}


def parts(hashes: Mapping[str, str]) -> dict[str, str]:
    """Leave the files of the index."""
    return {key: sha256 for key, sha256 in hashes.items() if key.startswith("search/") and key != model.SEARCH_KEY}


def holds(folder: Path, word: str) -> list[str]:
    """Name the files below a folder that hold a word, compressed or not."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        data = path.read_bytes()
        text = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
        if word.encode() in text.lower():
            found.append(path.relative_to(folder).as_posix())
    return found


def one() -> Findable:
    """Make something to be found."""
    said_at = (Passage(anchor="t=0", text="x"),)
    return Findable(path="x/", year=2026, title="X", facts="", region=None, language=None, passages=said_at)


@dataclass(frozen=True)
class Served:
    """A site below a path on this machine."""

    url: str
    root: Path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve the edition below a path, as a site that shares its host with others."""
    port = serving.free_port()
    root, url = tmp_path_factory.mktemp("search"), f"http://localhost:{port}/podcast/"
    made(edition(url), root)
    with serving.serving(root / "site", port, "/podcast/"):
        yield Served(url, root)


@pytest.fixture
def page(chromium: Browser, served: Served) -> Iterator[Page]:
    """A page on which any message, dialogue, cookie or request to another host is a failure."""
    with chromium.new_context() as context:
        made_page = context.new_page()
        said_by_it: list[str] = []
        made_page.on("console", lambda message: said_by_it.append(message.text))
        made_page.on("pageerror", lambda error: said_by_it.append(str(error)))
        made_page.on("dialog", lambda dialog: said_by_it.append(dialog.message))
        made_page.on("request", lambda request: said_by_it.extend([request.url][request.url.startswith(served.url) :]))
        yield made_page
        assert said_by_it == []
        assert made_page.evaluate("[localStorage.length, sessionStorage.length, document.cookie.length]") == [0, 0, 0]


def asked(page: Page, served: Served, query: str) -> str:
    """Open the search page with a query, and return what its status says."""
    page.goto(f"{served.url}search/?{query}")
    status = page.get_by_role("status")
    status.filter(has_text="found").wait_for()
    return status.inner_text()


def test_a_word_leads_to_its_minute(page: Page, served: Served) -> None:
    """A word is found in the episode and at the minute it is said, marked, and its time is a link to there."""
    assert asked(page, served, "q=ombudsman") == "1 episode found for \u201combudsman\u201d."
    assert page.title() == "ombudsman \u2013 Search \u2013 Learning sets"
    assert page.locator("[data-results] mark").all_inner_texts() == ["ombudsman"]
    assert page.locator("[data-results] h2, [data-results] h2 + p").all_inner_texts() == [
        "About waits",
        "1 October 2026 \u00b7 London",
    ]
    link = page.get_by_role("link", name="Play from 1:00")
    assert link.get_attribute("href") == "/podcast/episodes/waits/#t=60"  # the way there: tests/test_browser.py


def test_years_are_searched_together_and_shown_in_steps(page: Page, served: Served) -> None:
    """Episodes of all years are found; five are shown, and a button shows more and takes the reader to them."""
    assert asked(page, served, f"q={EVERY_WORD}").startswith("7 episodes found")
    entries = page.locator("[data-results] > li")
    assert entries.count() == 5
    page.get_by_role("button", name="Show more results").click()
    page.locator("[data-results] > li:nth-child(6) h2 a:focus").wait_for()
    assert entries.count() == 7
    assert page.get_by_role("button", name="Show more results").is_hidden()
    titles = page.locator("[data-results] h2").all_inner_texts()
    assert len(set(titles)) == 7


COUNTS = {
    "welcome": "1 episode",  # Pagefind alone also finds "we" in the year that has no such word
    "welcoming": "1 episode",
    "ombud": "1 episode",
    "ombudsman welcome": "1 episode",
    "ombudsman governance": "No episodes",
    "governance xylophone": "No episodes",
    "%22spoke of governance%22": "6 episodes",
    "%22governance of spoke%22": "No episodes",
    "march": "6 episodes",
    "...": "No episodes",
}


def test_all_words_must_be_there(page: Page, served: Served) -> None:
    """An episode is found where it has every word, in any form or as a beginning; and by no other word instead."""
    said_of = {query: asked(page, served, f"q={query}") for query in COUNTS}
    assert {query: text.partition(" found")[0] for query, text in said_of.items()} == COUNTS


def test_a_region_filters(page: Page, served: Served) -> None:
    """With a region, only its episodes are found; the choice is kept in the form and said in the result."""
    assert asked(page, served, "q=welcome&region=london") == "1 episode found for \u201cwelcome\u201d in London."
    assert page.get_by_label("Region").input_value() == "london"
    page.get_by_label("Region").select_option("north-west")
    page.get_by_role("button", name="Show this region").click()
    assert asked(page, served, page.url.partition("?")[2]) == (
        "No episodes found for \u201cwelcome\u201d in North West."
    )


def test_hostile_words_stay_words(page: Page, served: Served) -> None:
    """Markup in a transcript, a title or the query is shown as text, and Pagefind's own marks lead nowhere else."""
    assert asked(page, served, "q=zanzibar&region=%22%3E%3Cimg%20src%3Dx%3E").startswith("1 episode")
    results = page.locator("[data-results]")
    assert '<b onclick="alert(1)">Zanzibar</b> & co' in results.inner_text()
    assert "<script>document.title=1</script>" in results.inner_text()
    assert results.locator("img, script, svg, b, [onclick], [onerror]").count() == 0
    assert page.get_by_role("link", name="Play from 0:00").get_attribute("href") == "/podcast/episodes/hostile/#t=0"
    assert page.get_by_role("link", name="Play from").count() == 1
    query = "%3Cimg+src%3Dx+onerror%3Dalert(1)%3E"
    assert "<img src=x onerror=alert(1)>" in asked(page, served, f"q={query}")
    assert page.locator("main img").count() == 0


def test_what_fails_is_said(chromium: Browser, served: Served) -> None:
    """Where a part of the index cannot be had, the page says so and where else to look."""
    with chromium.new_context() as context:
        page = context.new_page()
        page.route("**/pagefind.js", lambda route: route.abort())
        page.goto(f"{served.url}search/?q=ombudsman")
        page.get_by_role("status").filter(has_text="does not work at the moment").wait_for()


@pytest.mark.parametrize("width", [1280, 320])
def test_results_are_accessible(page: Page, served: Served, width: int) -> None:
    """Axe finds nothing in the results, and nothing scrolls sideways."""
    page.set_viewport_size({"width": width, "height": 800})
    asked(page, served, f"q={EVERY_WORD}")
    assert browsing.axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_without_script_the_list_is_one_link_away(chromium: Browser, served: Served) -> None:
    """Without script, the search in every header leads to a page that says why, and names the list of episodes."""
    with chromium.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(served.url)
        page.get_by_role("searchbox", name="Search episodes").fill("ombudsman")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{served.url}search/?q=ombudsman")
        page.get_by_role("link", name="list of all episodes").click()
        assert page.url == f"{served.url}episodes/"


def test_the_same_words_give_the_same_bytes(tmp_path: Path) -> None:
    """Two builds, and one of the pages in another order, give the same index; a region's episodes are named in it."""
    once = made(edition(), tmp_path / "one")
    turned = replace(edition(), items=tuple(reversed(edition().items)))
    assert parts(once) == parts(made(edition(), tmp_path / "two")) == parts(made(turned, tmp_path / "three"))
    assert {key.split("/")[1] for key in parts(once)} == {"2025", "2026", "pages.json"}
    names = {key.rpartition("/")[2].partition(".")[0] for key in once if key.endswith(".pf_fragment")}
    listed = (tmp_path / "one/site" / model.SEARCH_PAGES_KEY).read_text()
    assert len(names) == 8
    assert all(listed.count(f'"{name}"') == 1 for name in names)


def test_the_order_of_pages_does_not_count(tmp_path: Path) -> None:
    """Pages that are handed over in another order make the same files."""
    found = {path: lambda path=path: replace(one(), path=path, title=path) for path in ("a/", "b/", "c/")}
    turned = dict(reversed(found.items()))
    search.index(found, tmp_path / "one", language="en-GB")
    search.index(turned, tmp_path / "two", language="en-GB")
    names = [
        sorted(path.relative_to(tmp_path / each) for path in (tmp_path / each).rglob("*")) for each in ("one", "two")
    ]
    assert names[0] == names[1]


def test_nothing_of_pagefinds_own_interfaces_is_published(served: Served) -> None:
    """Beside the index there are the script and the WebAssembly that search it, once for each year."""
    site = served.root / "site/search"
    rest = {path.name for path in site.rglob("*") if path.is_file() and not path.name.startswith("en-gb_")}
    metas = {name for name in rest if name.endswith(".pf_meta")}
    assert rest - metas == {"index.html", "pages.json", "pagefind.js", "pagefind-entry.json", "wasm.en-gb.pagefind"}
    assert len(metas) == 2


def test_only_the_year_that_changed_is_indexed_again(tmp_path: Path) -> None:
    """A new word in one year's transcript leaves the other year's files alone; nothing changed, nothing is written."""
    made(edition(), tmp_path)
    folders = {path.name for path in (tmp_path / ".cache/search").iterdir()}
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "site").rglob("*") if path.is_file()}
    made(edition(), tmp_path)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "site").rglob("*") if path.is_file()} == before
    new = said("waits", "Welcome to all.", "Then the commissioner wrote to us.", region="london")
    made(replace(edition(), items=(new, *edition().items[1:])), tmp_path)
    now = {path.name for path in (tmp_path / ".cache/search").iterdir()}
    assert len(folders & now) == len(folders - now) == 2  # a folder and what is known of it, for each of two years
    assert holds(tmp_path / "site/search", "commissioner")
    assert not holds(tmp_path / "site/search", "ombudsman")


def test_a_damaged_index_is_made_again(tmp_path: Path) -> None:
    """A file of the index that changed or went in the cache is a miss, and the site is whole again."""
    before = made(edition(), tmp_path)
    one, other = sorted((tmp_path / ".cache/search").rglob("*.pf_fragment"))[:2]
    one.write_bytes(b"damaged")
    other.unlink()
    assert made(edition(), tmp_path) == before


def test_an_episode_that_is_not_published_any_more_is_not_found(page: Page, served: Served, tmp_path: Path) -> None:
    """What is taken out of the edition is in no file of the site or the cache, and a search does not find it."""
    root = tmp_path / "w"
    made(edition(), root)
    assert holds(root / "site/search", "ombudsman")
    left = replace(edition(), items=edition().items[1:], withdrawn=("waits",))
    made(left, root)
    assert holds(root, "ombudsman") == []
    assert holds(root / "site/search", "waits") == []
    made(replace(left, show=edition(served.url).show), served.root)
    try:
        assert asked(page, served, "q=ombudsman").startswith("No episodes found")
    finally:
        made(edition(served.url), served.root)


def test_an_episode_for_members_is_not_found(tmp_path: Path) -> None:
    """What only members may hear is in no index."""
    secret = said("secret", "An embargoed word.", visibility=model.Visibility.MEMBERS)
    found = edition()
    made(replace(found, items=(secret, *found.items)), tmp_path)
    assert holds(tmp_path / "site/search", "embargoed") == []


def test_switched_off_there_is_no_page_form_or_index(tmp_path: Path) -> None:
    """With `search = false` no page names search, no script of it is published, and forms stay forbidden."""
    keys = made(edition(search=False), tmp_path)
    assert not [key for key in keys if key.startswith(("search/", "assets/search"))]
    assert not [key for key in holds(tmp_path / "site", "search") if key.endswith(".html")]
    assert b"form-action 'none'" in (tmp_path / "site/index.html").read_bytes()


def test_a_show_without_episodes_can_be_searched_in_vain(tmp_path: Path) -> None:
    """Before the first episode there is a search page, and no index."""
    assert [key for key in made(replace(edition(), items=()), tmp_path) if key.startswith("search/")] == [
        model.SEARCH_KEY
    ]


def test_parts_of_the_index_are_sent_before_its_list() -> None:
    """What the list of an index names is sent first; list, regions and page come with the pages; feeds last."""
    parts_of_it = ("fragment/en-gb_0.pf_fragment", "index/en-gb_0.pf_index", "pagefind.js", "pagefind.en-gb_0.pf_meta")
    keys = [model.search_key(2026, name) for name in (*parts_of_it, "wasm.en-gb.pagefind")]
    lists = [model.search_key(2026, "pagefind-entry.json"), model.SEARCH_PAGES_KEY, model.SEARCH_KEY]
    named = [*lists, *keys, "feed.xml"]
    release = Release(assets=tuple(headers.asset(key, sha256="0" * 64, size=1) for key in named))
    order = [put.asset.key for put in publish.plan(release, None).puts]
    assert set(order[:5]) == set(keys)
    assert order[-1] == "feed.xml"


def test_types_and_caching_of_the_index() -> None:
    """Compressed parts are bytes to a server; all of it is asked for anew, as it holds what may be withdrawn."""
    part = headers.asset("search/2026/fragment/en-gb_0123456.pf_fragment", sha256="0" * 64, size=1)
    script = headers.asset("search/2026/pagefind.js", sha256="0" * 64, size=1)
    assert part.content_type == "application/octet-stream"
    assert script.content_type.startswith("text/javascript")
    assert part.cache_control == script.cache_control == headers.SHORT


@pytest.mark.skipif(os.name == "nt", reason="the stand-ins are shell scripts")
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("echo 'out of memory' >&2; exit 3", "ended before it was done (exit code 3: out of memory)"),
        ("kill -9 $$", "ended before it was done (exit code -9: it said nothing)"),
        ("printf 'nonsense,'; cat > /dev/null", "answered with what is no message"),
        ("printf 'eyJwYXlsb2FkIjp7InR5cGUiOiJFcnJvciIsIm1lc3NhZ2UiOiJubyJ9fQ==,'; cat > /dev/null", "refused (no)"),
    ],
)
def test_a_pagefind_that_fails_is_one_sentence(tmp_path: Path, body: str, message: str) -> None:
    """A program that ends, or answers nonsense, is told as an error with a hint, and leaves no process behind."""
    program = tmp_path / "pagefind"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    with pytest.raises(SearchError) as caught:
        search.index({"x/": one}, tmp_path / "out", language="en-GB", program=program)
    assert message in caught.value.message
    assert "search = false" in str(caught.value.hint)


def test_a_program_that_is_missing_is_one_sentence(tmp_path: Path) -> None:
    """Without the program, or without the right to run it, the error names it and the way out."""
    with pytest.raises(SearchError, match="cannot be run"):
        search.index({"x/": one}, tmp_path / "out", language="en-GB", program=tmp_path / "missing")
    shutil.copytree(Path(search.__file__).parents[1] / "pipeline", tmp_path / "pipeline")
    (tmp_path / "pagefind_bin.py").write_text("raise ImportError\n")
    code = (
        "from pathlib import Path\nfrom pipeline import search\nfrom pipeline.errors import SearchError\n"
        "try: search.index({}, Path('out'), language='en')\nexcept SearchError as error: print(error, error.hint)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "is missing" in ran.stdout
    assert "search = false" in ran.stdout


def test_every_anchor_is_on_the_page() -> None:
    """Every moment that search leads to is the id of an element of the episode's page, and `notes` is."""
    found = samples.edition()
    rendered = pages.render(found)
    for item in found.items:
        text = rendered[model.episode_key(item.episode.slug)].decode()
        anchors = [passage.anchor for passage in pages.findable(found.show, item).passages if passage.anchor]
        assert {"notes", "t=0", "t=61"} <= set(anchors)
        assert all(text.count(f'id="{anchor}"') == 1 for anchor in anchors)


def test_parts_of_the_index_do_not_count_as_removed() -> None:
    """A publish whose index changed all over asks nobody whether so much may go; other files do count."""
    gone = tuple(model.search_key(2026, f"index/en-gb_{number:07x}.pf_index") for number in range(300))
    planning.check_deletes(model.Plan(puts=(), deletes=gone, unchanged=0), 256, "store")
    with pytest.raises(StorageError, match="2 files would be removed"):
        planning.check_deletes(model.Plan(puts=(), deletes=(*gone, "a.html", "b.html"), unchanged=0), 1, "store")
