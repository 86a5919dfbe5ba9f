"""The players inside another site's page: heard by keyboard, of the measure they declare, light and dark, and quiet."""

import html
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, expect

from pipeline.pages.framing import COMPACT, HEIGHTS_PX, LIST, TALL
from tests import browser as browsing
from tests.browser import Watched, becomes
from tests.network import WELSH, WITHDRAWN, Network, judging

NARROW, WIDE = 288, 600
PLAIN = pytest.param("", id="plain")
SANDBOXED = pytest.param('sandbox="allow-scripts"', id="sandboxed")
ALSO_PLAIN = pytest.param("", id="plain", marks=pytest.mark.soak)
ALSO_SANDBOXED = pytest.param('sandbox="allow-scripts"', id="sandboxed", marks=pytest.mark.soak)
PLAYERS = (
    "embed/meeting-06/",
    *(
        pytest.param(player, marks=pytest.mark.soak)
        for player in ("embed/meeting-06/tall/", "embed/latest/", "embed/latest/list/", "embed/regions/london/")
    ),
)
FRAMED = (
    "embed/meeting-07/",  # the longest title
    "embed/meeting-10/",  # the longest word
    f"embed/{WELSH}/",
    f"embed/{WITHDRAWN}/",
    "embed/meeting-06/tall/",
    "embed/latest/list/",
    "embed/regions/south-west/",  # which has none yet
)
TOGETHER = 12


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
    return (
        f'<iframe src="{html.escape(player)}" {sandbox} title="Listen: x" width="{width}"'
        f' height="{HEIGHTS_PX[_form(player)]}" style="max-width:100%;border:0"></iframe>'
    )


def _form(player: str) -> str:
    return next((form for form in (TALL, LIST) if f"/{form}/" in player), COMPACT)


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


@pytest.mark.parametrize("sandbox", [SANDBOXED, ALSO_PLAIN])
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


def test_a_confined_player_opens_the_transcript_in_its_frame(
    network: Network, region: Region, chromium: Browser
) -> None:
    """Where a frame may open no window, as WordPress makes them, the words are one link away all the same."""
    address = f"{network.url}embed/meeting-06/#?secret=abc"
    with chromium.new_context() as context, region.holding(context, address, sandbox='sandbox="allow-scripts"') as held:
        held.frame.get_by_role("link", name="Transcript").click()
        held.frame.wait_for_url("**/transcripts/meeting-06.html")
        heading = held.frame.locator("h1")
        assert "Transcript" in heading.inner_text()
        assert heading.evaluate("h1 => getComputedStyle(h1).fontWeight") == "600"
        assert held.watched.said == []


@pytest.mark.parametrize("width", [WIDE, NARROW])
@judging(*FRAMED)
def test_players_fit_and_are_accessible(
    network: Network, region: Region, chromium: Browser, addresses: tuple[str, ...], width: int
) -> None:
    """In the measure they declare, and on a narrow telephone, they are accessible, light and dark."""
    wrong, judged = {}, 0
    players = addresses or [each for each in network.pages if each.startswith("embed/")]
    with_axe = width == NARROW or not addresses
    looks = [network.url + player + look for player in players for look in ("", "#dark")]
    with chromium.new_context(viewport={"width": width + 16, "height": 800}) as context:
        context.add_init_script(path=browsing.AXE)
        for first in range(0, len(looks), TOGETHER):
            with region.holding(context, *looks[first : first + TOGETHER], width=width) as held:
                judged += len(held.frames)
                wrong |= {
                    frame.url: found for frame in held.frames if (found := _amiss(frame, width, with_axe=with_axe))
                }
    assert judged == len(looks)
    assert wrong == {}


def _amiss(frame: Frame, width: int, *, with_axe: bool) -> list[object]:
    ground = frame.evaluate("getComputedStyle(document.body).backgroundColor")
    is_compact = _form(frame.url) == COMPACT
    sizes = (frame.evaluate("innerWidth"), browsing.width(frame), max(_overhang(frame), 0) if is_compact else 0)
    found: list[object] = list(browsing.axe(frame)) if with_axe else []
    found += [sizes] if sizes != (width, width, 0) else []
    found += [ground] if ground != ("rgb(26, 35, 42)" if frame.url.endswith("#dark") else "rgb(255, 255, 255)") else []
    return found


def _overhang(frame: Frame) -> int:
    """Say how much of a player is below the frame's edge, in pixels."""
    found: int = frame.evaluate("document.documentElement.scrollHeight - window.innerHeight")
    return found


@pytest.mark.parametrize("sandbox", [PLAIN, ALSO_SANDBOXED])
def test_chapters_play_in_another_site(network: Network, region: Region, chromium: Browser, sandbox: str) -> None:
    """A chapter of the tall player plays from its moment; one player of a list stops where another starts."""
    with chromium.new_context() as context:
        with region.holding(context, f"{network.url}embed/meeting-06/tall/", sandbox=sandbox) as held:
            held.frame.get_by_role("link", name="1:15 What changed").focus()
            held.watched.page.keyboard.press("Enter")
            becomes(held.frame.locator("audio"), lambda time_s: 75 < time_s < 80)
            held.frame.locator("audio").evaluate("audio => audio.pause()")
            assert browsing.paused_at_once(held.frame, "document.activeElement.click()") == "AbortError"
            expect(held.frame.get_by_role("link", name="1:15 What changed")).to_be_focused()
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
