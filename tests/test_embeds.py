"""The players inside another site's page: heard by keyboard, of the measure they declare, light and dark, and quiet."""

import html
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame

from pipeline.pages.framing import COMPACT, HEIGHTS_PX, LIST, TALL
from tests import browser as browsing
from tests.browser import Watched, becomes
from tests.network import Network

NARROW, WIDE = 288, 600
SANDBOXES = pytest.mark.parametrize("sandbox", ["", 'sandbox="allow-scripts"'], ids=["plain", "sandboxed"])
PLAYERS = {
    "embed/meeting-06/": COMPACT,
    "embed/meeting-06/tall/": TALL,
    "embed/latest/": COMPACT,
    "embed/latest/list/": LIST,
    "embed/regions/london/": COMPACT,
}


class _Quiet(http.server.BaseHTTPRequestHandler):
    """Answers every address with the page of a region that holds the player."""

    page = ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.page.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Region:
    """Another site on this machine: another host than the network's."""

    url: str
    answers: type[_Quiet]

    @contextmanager
    def holding(self, context: BrowserContext, *players: str, sandbox: str = "", width: int = WIDE) -> Iterator["Held"]:
        """Open a page of the region with players, each of the measure that its code declares."""
        frames = "".join(_frame(player, sandbox, width) for player in players)
        self.answers.page = f'<!doctype html><html lang="en"><title>A region</title><h1>A region</h1>{frames}</html>'
        watched = Watched(context)
        watched.page.goto(self.url)
        yield Held(watched, tuple(watched.page.frames[1:]))
        watched.page.close()


def _frame(player: str, sandbox: str, width: int) -> str:
    form = next((form for form in (TALL, LIST) if f"/{form}/" in player), COMPACT)
    return (
        f'<iframe src="{html.escape(player)}" {sandbox} title="Listen: x" width="{width}"'
        f' height="{HEIGHTS_PX[form]}" style="max-width:100%;border:0"></iframe>'
    )


@dataclass(frozen=True)
class Held:
    """A page of a region, and the players in it."""

    watched: Watched
    frames: tuple[Frame, ...]

    @property
    def frame(self) -> Frame:
        """The only player."""
        (frame,) = self.frames
        return frame


@pytest.fixture(scope="module")
def region() -> Iterator[Region]:
    """Run the other site."""
    answers = type("Answers", (_Quiet,), {})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Region(f"http://127.0.0.1:{server.server_port}/", answers)
        server.shutdown()


@SANDBOXES
@pytest.mark.parametrize("player", PLAYERS)
def test_a_player_plays_by_keyboard_in_another_site(
    network: Network, region: Region, chromium: Browser, player: str, sandbox: str
) -> None:
    """Tab leads into the frame to the player, and the space bar plays, also as WordPress embeds it."""
    address = f"{network.url}{player}{'#?secret=abc' if sandbox else ''}"
    with chromium.new_context() as context, region.holding(context, address, sandbox=sandbox) as held:
        audio = held.frame.locator("audio").first
        for _ in range(5):
            held.watched.page.keyboard.press("Tab")
            if audio.evaluate("audio => audio === document.activeElement"):
                break
        held.watched.page.keyboard.press("Space")
        becomes(audio, lambda time_s: time_s > 0.3)
        assert held.watched.said == []
        assert held.watched.elsewhere(network.url, region.url) == []
        assert context.storage_state() == {"cookies": [], "origins": []}


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("player", [*PLAYERS, "embed/taken-back/", "embed/regions/south-west/"])
def test_a_player_fits_and_is_accessible(
    network: Network, region: Region, chromium: Browser, player: str, width: int
) -> None:
    """In the measure it declares, and on a narrow telephone, it is accessible, light and dark."""
    with chromium.new_context(viewport={"width": width + 16, "height": 800}) as context:
        for look in ("", "#dark"):
            with region.holding(context, network.url + player + look, width=width) as held:
                assert held.frame.evaluate("innerWidth") == width
                assert browsing.width(held.frame) <= width
                assert browsing.axe(held.frame) == []
                ground = held.frame.evaluate("getComputedStyle(document.body).backgroundColor")
                assert ground == ("rgb(26, 35, 42)" if look else "rgb(255, 255, 255)")
                if player not in PLAYERS or PLAYERS[player] == COMPACT:
                    assert _overhang(held.frame) <= 0


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_compact_players_do_not_scroll(network: Network, region: Region, chromium: Browser, width: int) -> None:
    """Also with the longest title and another language, the compact form shows all within its height."""
    with chromium.new_context(viewport={"width": width + 16, "height": 800}) as context:
        titles = {f"{network.url}embed/{item.episode.slug}/": item.episode.title for item in network.edition.items[:10]}
        assert max(map(len, titles.values())) == 90
        with region.holding(context, *titles, width=width) as held:
            found = {titles[frame.url]: _overhang(frame) for frame in held.frames}
        assert len(found) == 10
        assert {title: px for title, px in found.items() if px > 0} == {}


def _overhang(frame: Frame) -> int:
    """Say how much of a player is below the frame's edge, in pixels."""
    found: int = frame.evaluate("document.documentElement.scrollHeight - window.innerHeight")
    return found


@SANDBOXES
def test_chapters_play_in_another_site(network: Network, region: Region, chromium: Browser, sandbox: str) -> None:
    """A chapter of the tall player plays from its moment; one player of a list stops where another starts."""
    with chromium.new_context() as context:
        with region.holding(context, f"{network.url}embed/meeting-06/tall/", sandbox=sandbox) as held:
            held.frame.get_by_role("link", name="1:15 What changed").focus()
            held.watched.page.keyboard.press("Enter")
            becomes(held.frame.locator("audio"), lambda time_s: 75 < time_s < 80)
        with region.holding(context, f"{network.url}embed/latest/list/", sandbox=sandbox) as held:
            first, second = (held.frame.locator("audio").nth(number) for number in range(2))
            for audio in (first, second):
                audio.focus()
                held.watched.page.keyboard.press("Space")
                becomes(audio, lambda time_s: time_s > 0.2)
            assert first.evaluate("audio => audio.paused")


def test_a_player_needs_no_script(network: Network, region: Region, chromium: Browser) -> None:
    """Without script the player plays, and leads to the transcript on the network's site in a new tab."""
    with (
        chromium.new_context(java_script_enabled=False) as context,
        region.holding(context, f"{network.url}embed/meeting-06/") as held,
    ):
        held.frame.locator("audio").focus()
        held.watched.page.keyboard.press("Space")
        becomes(held.frame.locator("audio"), lambda time_s: time_s > 0.3)
        with context.expect_page() as opened:
            held.frame.get_by_role("link", name="Transcript and notes").click()
        assert opened.value.url == f"{network.url}episodes/meeting-06/#transcript"


def test_the_code_to_copy_is_what_was_tried(network: Network) -> None:
    """The measure that these tests give a frame is the one in the code that people copy."""
    page = (network.site / "share/index.html").read_text()
    for form in (COMPACT, TALL, LIST):
        name = f"embed/latest/{form}/".replace("//", "/")
        code = f'src="{network.url}{name}" title='
        after = html.unescape(page).partition(code)[2][:200]
        assert f'width="{WIDE}" height="{HEIGHTS_PX[form]}"' in after
