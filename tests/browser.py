"""A real browser for tests: Debian's Chromium, driven through Playwright; what a page says, and what axe finds."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Frame, Locator, Page, Request, sync_playwright

TOOLS = Path(__file__).parent / "node_modules"
NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = TOOLS / "axe-core/axe.min.js"  # a context that opens many pages is given it as an init script: a fifth faster
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def program(scratch: Path) -> tuple[str, list[str]]:
    """Find the browser and how to start it: as root, without its sandbox and the priority it would give itself."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    assert found, "Chromium is missing: install the package chromium"
    if os.geteuid() != 0:
        return found, list(QUIET)
    polite = scratch / "chromium"
    polite.write_text(
        f'#!/bin/sh\nexec setpriv --bounding-set -sys_nice --inh-caps -sys_nice nice -n 10 {found} "$@"\n'
    )
    polite.chmod(0o755)
    return str(polite), [*QUIET, "--no-sandbox"]


@contextmanager
def chromium(scratch: Path) -> Iterator[Browser]:
    """Start the browser."""
    found, arguments = program(scratch)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        yield browser
        browser.close()


class Watched:
    """A page of a context, and all that it said and asked for."""

    def __init__(self, context: BrowserContext) -> None:
        self.page = context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", self._request)

    def elsewhere(self, *homes: str) -> list[str]:
        """List what was asked of others than these addresses."""
        return [url for url in self.asked if not url.startswith((*homes, "data:", "blob:"))]

    def _console(self, message: ConsoleMessage) -> None:
        self.said.append(message.text)

    def _request(self, request: Request) -> None:
        self.asked.append(request.url)


class Windows:
    """Windows that tests use one after the other: one for each set of options, as opening one costs a second."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._pages: dict[str, Page] = {}

    @contextmanager
    def opened(self, url: str, *, width: int = 1280, **options: Any) -> Iterator[Page]:
        """Open an address in a window of a width in pixels, which nobody else has meanwhile."""
        kind = repr(sorted(options.items()))
        if kind not in self._pages:
            self._pages[kind] = self._browser.new_context(**options).new_page()
        page = self._pages[kind]
        page.emulate_media(media="null")
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(url)
        yield page
        page.goto(urljoin(page.url, "/robots.txt"))  # a page of the same site, which is shown by the same process

    def close(self) -> None:
        """Close them all."""
        for page in self._pages.values():
            page.context.close()


def resize(page: Page, width: int) -> None:
    """Give a window another width, in pixels, and its scripts the two frames in which they answer to that."""
    page.set_viewport_size({"width": width, "height": 800})
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def becomes(audio: Locator, wanted: Callable[[float], bool]) -> None:
    """Wait until a player's time is as wanted (the pages forbid the evaluation that Playwright's own wait needs)."""
    for _ in range(150):
        time_s = audio.evaluate("audio => audio.currentTime")
        if wanted(time_s):
            return
        audio.page.wait_for_timeout(100)
    pytest.fail(f"the player stays at {time_s} s")


def paused_at_once(page: Page | Frame, play: str) -> str:
    """Start a page's player by this script, pause it in the same moment, and say how its promise to play ended."""
    ended: str = page.evaluate(
        """() => new Promise((done) => {
            const audio = document.querySelector("audio");
            audio.play = () => {
                const playing = HTMLMediaElement.prototype.play.call(audio);
                playing.catch((error) => window.setTimeout(() => done(error.name), 0)); // after the page's own handler
                return playing;
            };
            SCRIPT;
            audio.pause();
        })""".replace("SCRIPT", play)
    )
    return ended


def stored(page: Page | Frame) -> list[int]:
    """Count what a page keeps in this browser: local and session storage, cookies."""
    found: list[int] = page.evaluate("[localStorage.length, sessionStorage.length, document.cookie.length]")
    return found


def width(page: Page | Frame) -> int:
    """Say how wide a page is, in pixels of CSS: more than its window where it scrolls sideways."""
    found: int = page.evaluate("document.documentElement.scrollWidth")
    return found


def axe(page: Page | Frame, *rules: str) -> list[dict[str, Any]]:
    """Run axe on a page, or in a frame: WCAG 2.2 A and AA and best practice, or only some rules; list what it finds."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    options = json.dumps({"runOnly": list(rules) or AXE_TAGS, "resultTypes": ["violations"]})
    found: list[dict[str, Any]] = page.evaluate(f"async () => (await axe.run({options})).violations")
    return [{"rule": rule["id"], "nodes": [node["html"] for node in rule["nodes"]]} for rule in found]
