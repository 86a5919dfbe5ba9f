"""The published pages in a real browser, served by `cln-media preview`: seen, heard, and judged by foreign checkers."""

import functools
import http.server
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request

from tests import browser as browsing
from tests import studio
from tests.test_cli import spawn

ROOT = Path(__file__).parents[1]
SLUG = "choose-and-book"
PAGES = (
    "",
    "episodes/",
    f"episodes/{SLUG}/",
    f"embed/{SLUG}/",
    f"embed/{SLUG}/tall/",
    f"embed/{SLUG}/#dark",
    "embed/latest/list/",
    "regions/",
    "regions/north-west/",
    "topics/",
    "subscribe/",
    "share/",
    "about/",
    "privacy/",
    f"transcripts/{SLUG}.html",
    "accessibility/",
    "search/",
    "search/?q=fourth+place",
    "episodes/gone/",
    "embed/gone/",
    "no/such/page",
)


@dataclass(frozen=True)
class Preview:
    """A running preview: its address, and the folder it serves."""

    url: str
    site: Path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def preview(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preview]:
    """Serve the sample show, and one more episode with a long title, with the real command."""
    root = tmp_path_factory.mktemp("preview") / "w"
    shutil.copytree(ROOT / "episodes", root / "episodes")
    shutil.copy(ROOT / "artwork.png", root)
    port = _free_port()
    text = (ROOT / "cln_media.toml").read_text(encoding="utf-8")
    (root / "cln_media.toml").write_text(
        text.replace("localhost:8321", f"localhost:{port}").replace('# public = ["comms"', "public = []  # "),
        encoding="utf-8",
    )
    (root / "withdrawals").mkdir()
    (root / "withdrawals/gone.toml").write_text(
        'slug = "gone"\nguid = "urn:test:gone"\non = 2026-11-01\nreason = "A test"\nby = "Chair"\n'
    )
    folder = studio.add_episode(root, "long-title")
    words = (folder / "episode.toml").read_text().replace("About long-title", "Otorhinolaryngological " * 6)
    (folder / "episode.toml").write_text(words)
    ran = spawn(root, "preview", "--no-browser", "--port", str(port))
    assert ran.stdout is not None
    lines = iter(ran.stdout.readline, "")
    assert any("Serving" in line for line in lines), ran.communicate()
    yield Preview(f"http://localhost:{port}/", root / "site")
    ran.terminate()
    ran.communicate(timeout=10)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser for the module."""
    with browsing.chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


def becomes(audio: Locator, wanted: Callable[[float], bool]) -> None:
    """Wait until the player's time is as wanted (the pages forbid the evaluation that Playwright's own wait needs)."""
    for _ in range(150):
        time_s = audio.evaluate("audio => audio.currentTime")
        if wanted(time_s):
            return
        audio.page.wait_for_timeout(100)
    pytest.fail(f"the player stays at {time_s} s")


class Watched:
    """A page, and everything it said or asked for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        self.said.append(message.text)

    def _request(self, request: Request) -> None:
        self.asked.append(request.url)


@pytest.mark.parametrize("width", [1280, 320])
@pytest.mark.parametrize("address", PAGES)
def test_a_page_is_accessible_quiet_and_keeps_to_itself(
    preview: Preview, chromium: Browser, address: str, width: int
) -> None:
    """Axe finds nothing, nothing scrolls sideways, the console stays empty, and no other host is asked."""
    with chromium.new_context(viewport={"width": width, "height": 800}) as context:
        watched = Watched(context.new_page())
        watched.page.goto(preview.url + address)
        watched.page.wait_for_load_state("load")
        missing = address.startswith("no/")
        said = [text for text in watched.said if not (missing and "404" in text)]
        assert said == []
        assert browsing.axe(watched.page) == []
        assert watched.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert [url for url in watched.asked if not url.startswith(preview.url)] == []
        assert watched.page.evaluate("[localStorage.length, sessionStorage.length, document.cookie.length]") == [
            0,
            0,
            0,
        ]


@pytest.mark.parametrize("address", [f"episodes/{SLUG}/", f"embed/{SLUG}/"])
@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_the_sound_plays_from_the_keyboard(preview: Preview, chromium: Browser, address: str, script: bool) -> None:
    """The player is reached with the keyboard, and the space bar plays: the time moves on. No script is needed."""
    with chromium.new_context(java_script_enabled=script) as context:
        page = context.new_page()
        page.goto(preview.url + address)
        for _ in range(30):
            page.keyboard.press("Tab")
            if page.locator("audio:focus").count():
                break
        assert page.locator("audio:focus").count() == 1
        page.keyboard.press("Space")
        becomes(page.locator("audio"), lambda time_s: time_s > 0.5)


def test_a_chapter_link_seeks(preview: Preview, chromium: Browser) -> None:
    """A chapter link moves the player to its start, and an address with #t= opens there."""
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(f"{preview.url}episodes/{SLUG}/")
        page.get_by_role("link", name=re.compile("From fourth place to first")).first.click()
        becomes(page.locator("audio"), lambda time_s: abs(time_s - 96.68) < 3)
        page.goto("about:blank")
        page.goto(f"{preview.url}episodes/{SLUG}/#t=75")
        becomes(page.locator("audio"), lambda time_s: abs(time_s - 75) < 3)


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_a_result_leads_to_the_moment(preview: Preview, chromium: Browser, script: bool) -> None:
    """A word that was said is found from any page, and its time leads to where it is said, with and without script."""
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(f"{preview.url}accessibility/")
        page.get_by_role("searchbox", name="Search episodes").fill("badly")
        page.keyboard.press("Enter")
        link = page.get_by_role("link", name=re.compile("Play from")).first.get_attribute("href")
        assert link is not None
    said_at_s = int(link.rpartition("#t=")[2])
    with chromium.new_context(java_script_enabled=script) as context:
        page = context.new_page()
        page.goto(preview.url.rstrip("/") + link)
        assert "badly" in page.locator(":target").inner_text()
        if script:
            becomes(page.locator("audio"), lambda time_s: abs(time_s - said_at_s) < 1)
        else:
            assert page.locator(":target").bounding_box()["y"] < 720


@pytest.mark.parametrize("sandbox", ["", 'sandbox="allow-scripts"'], ids=["plain", "sandboxed"])
def test_the_embed_plays_inside_another_site(preview: Preview, chromium: Browser, tmp_path: Path, sandbox: str) -> None:
    """The embed page plays in an iframe of another origin, also under the sandbox that WordPress adds."""
    frame = f'<iframe src="{preview.url}embed/{SLUG}/" {sandbox} title="Listen" width="600" height="240"></iframe>'
    (tmp_path / "index.html").write_text(f'<!doctype html><html lang="en"><title>A region</title>{frame}</html>')
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with chromium.new_context() as context:
            page = context.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/index.html")
            audio = page.frame_locator("iframe").locator("audio")
            audio.focus()
            page.keyboard.press("Space")
            becomes(audio, lambda time_s: time_s > 0.5)
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_links_work_without_script(preview: Preview, chromium: Browser) -> None:
    """Without script, a member gets from the home page to an episode, its transcript and its sound."""
    with chromium.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(preview.url)
        page.get_by_role("link", name=re.compile("Choose and Book")).first.click()
        assert page.url == f"{preview.url}episodes/{SLUG}/"
        assert "Welcome to the learning set" in page.inner_text("main") or "learning set" in page.inner_text("main")
        link = page.get_by_role("link", name=re.compile("Download MP3")).get_attribute("href")
        assert link is not None
        with urlopen(preview.url.rstrip("/") + link) as answer:
            assert answer.headers["Content-Type"] == "audio/mpeg"


def test_the_page_reloads_when_a_source_changes(preview: Preview, chromium: Browser) -> None:
    """A change to the notes appears in the open page by itself."""
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(f"{preview.url}episodes/{SLUG}/")
        notes = preview.site.parent / "episodes" / SLUG / "notes.md"
        original = notes.read_text(encoding="utf-8")
        notes.write_text(original + "\n\nAdded while the page was open.\n", encoding="utf-8")
        page.get_by_text("Added while the page was open.").wait_for(timeout=30_000)
        notes.write_text(original, encoding="utf-8")
        page.get_by_text("Added while the page was open.").wait_for(timeout=30_000, state="detached")


def test_every_page_is_valid_html(preview: Preview) -> None:
    """The Nu HTML checker finds no error in any page."""
    jar = browsing.TOOLS / "vnu-jar/build/dist/vnu.jar"
    pages = [str(path) for path in preview.site.rglob("*.html")]
    assert len(pages) > 6
    ran = subprocess.run(
        ["java", "-Xss4m", "-jar", str(jar), "--errors-only", "--stdout", *pages],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stdout + ran.stderr


def test_preview_ends_with_ctrl_c(tmp_path: Path) -> None:
    """Ctrl-C is how a preview ends: at once, with exit code 0 and no word."""
    root = studio.workspace(tmp_path, "one")
    ran = spawn(root, "preview", "--no-browser", "--port", str(_free_port()))
    assert ran.stdout is not None
    assert any("Serving" in line for line in iter(ran.stdout.readline, ""))
    ran.send_signal(2)
    _, err = ran.communicate(timeout=5)
    assert (ran.returncode, err) == (0, "")
