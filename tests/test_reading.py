"""How pages are read and heard: by keyboard, without script, enlarged, in other colours, on paper, and as they play."""

import io
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.request import urlopen

import pypdf
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from tests import browser as browsing
from tests.browser import Windows, becomes
from tests.network import LONG_WORD, SAID, Network, judging

EPISODE = "episodes/meeting-06/"
WITHOUT_TRANSCRIPT = "episodes/meeting-10/"
CLICKED = "nav, audio, button, form, textarea, footer, .nhsuk-skip-link"
SIZED = (
    "",
    EPISODE,
    "archive/2/",
    "regions/",
    f"topics/{LONG_WORD.lower()}/",
    "subscribe/",
    "share/",
    "embed/meeting-06/",
    "embed/latest/list/",
)
SCRIPT = pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])

# What has the focus, and whether a person can see that: no part of it is covered, and something marks it.
FOCUSED = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const boxes = [...at.getClientRects()].filter((box) => box.width > 0 && box.height > 0);
  const seen = boxes.some((box) => {
    const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return top && (at.contains(top) || top.contains(at));
  });
  const style = getComputedStyle(at);
  const clear = /, 0\\)$/;
  const marked = (style.outlineStyle !== "none" && !clear.test(style.outlineColor)) || style.boxShadow !== "none";
  return { tag: at.tagName, name: at.innerText || at.getAttribute("aria-label") || at.id, hash: at.hash || "",
    inMain: Boolean(at.closest("main")), seen, marked };
}"""
# Pieces of text that are cut off by their box, and pairs that lie on each other.
SPOILT = """() => {
  const shown = (element) => {
    const style = getComputedStyle(element);
    const small = element.closest(".nhsuk-u-visually-hidden, .cln-embed__hidden, noscript, option, .nhsuk-skip-link");
    return !small && style.visibility === "visible" && element.checkVisibility();
  };
  const cut = [...document.querySelectorAll("body *")].filter((each) => shown(each) && each.tagName !== "TEXTAREA"
    && getComputedStyle(each).overflowX !== "visible" && each.scrollWidth > each.clientWidth + 1);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const boxes = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!node.data.trim() || !shown(node.parentElement)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) boxes.push([node, box]);
  }
  boxes.sort(([, one], [, other]) => one.top - other.top);
  const pairs = [];
  boxes.forEach(([node, box], at) => {
    for (const [other, next] of boxes.slice(at + 1)) {
      if (next.top >= box.bottom - 4) break;
      const beside = next.left >= box.right - 1 || next.right <= box.left + 1;
      if (other !== node && !beside) pairs.push([node.data, other.data]);
    }
  });
  return { cut: cut.map((each) => each.outerHTML.slice(0, 200)), pairs: pairs.slice(0, 5) };
}"""
# Texts and drawings without contrast, as the colours are in the end (axe has them as they were before being forced).
PALE = """() => {
  const parts = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const light = (colour) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, at) => {
    const value = parts(colour)[at] / 255;
    return sum + weight * (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  }, 0);
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const ground = getComputedStyle(each).backgroundColor;
      if ((parts(ground)[3] ?? 1) > 0) return ground;
    }
    return "rgb(0, 0, 0)";
  };
  const hasWords = (each) => [...each.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  return [...document.querySelectorAll("body *")].filter((each) => {
    const style = getComputedStyle(each);
    const drawn = each.tagName === "path" ? [style.stroke, style.fill].find((paint) => paint.startsWith("rgb")) : null;
    const colour = drawn ?? (hasWords(each) ? style.color : null);
    if (!colour || !each.checkVisibility() || each.closest("noscript, script, option")) return false;
    const [one, other] = [light(colour), light(behind(each))].sort((a, b) => b - a);
    return (one + 0.05) / (other + 0.05) < (drawn ? 3 : 4.5);
  }).map((each) => each.outerHTML.slice(0, 120));
}"""


@pytest.fixture(scope="module")
def windows(chromium: Browser) -> Iterator[Windows]:
    """Keep the windows that the tests of this file share."""
    with closing(Windows(chromium)) as kept:
        yield kept


def stops(page: Page) -> Iterator[dict[str, Any]]:
    """Press Tab until the page has been gone through, and say where each press led."""
    for _ in range(1000):
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUSED)
        if found is None:
            return
        yield found
    pytest.fail("the keyboard does not get out of the page")


def test_the_whole_page_is_walked_with_the_keyboard(network: Network, windows: Windows) -> None:
    """Tab leads past the skip link, player, every chapter and every time of the transcript; one always sees where."""
    player_shots = []
    with windows.opened(network.url + EPISODE) as page:
        chapters = page.locator(".cln-chapters a[data-start]").count()
        times = page.locator(".cln-turn a[data-start]").count()
        walked = []
        for stop in stops(page):
            walked.append(stop)
            if stop["tag"] == "AUDIO":  # its own buttons are the browser's: whether one sees them is seen alone
                player_shots.append(page.locator("audio").screenshot())
                stop["marked"] = player_shots[-1] not in player_shots[:-1]
    assert [each for each in walked if not (each["seen"] and each["marked"])] == []
    assert walked[0]["name"] == "Skip to main content"
    assert "AUDIO" in {each["tag"] for each in walked}
    moments = [each["hash"] for each in walked if each["inMain"] and each["hash"].startswith("#t=")]
    assert (chapters, times) == (3, 17)
    assert len(moments) == chapters + times + 1  # and the one in the notes
    names = [each["name"] for each in walked]
    assert "Copy a link to this moment" in names
    assert names.index("Copy a link to this moment") < names.index("Put this episode on your site")


@judging("subscribe/", "embed/latest/list/")
def test_one_sees_where_the_keyboard_is(network: Network, windows: Windows, addresses: tuple[str, ...]) -> None:
    """Tab leads through the whole page and out of it; whatever has the focus is marked, and nothing covers it."""
    unseen = {}
    with windows.opened(network.url) as page:
        for address in addresses or network.pages:
            page.goto(network.url + address)
            walked = list(stops(page))
            assert walked or page.locator("a, button, input, audio").count() == 0, address
            # The player's buttons are the browser's own: the test above looks at them.
            found = [each for each in walked if not (each["seen"] and (each["marked"] or each["tag"] == "AUDIO"))]
            if found:
                unseen[address] = found
    assert unseen == {}


@SCRIPT
def test_the_skip_link_leads_past_the_header(network: Network, windows: Windows, script: bool) -> None:
    """Enter on the skip link, and the next Tab is inside the main part."""
    with windows.opened(network.url + EPISODE, java_script_enabled=script) as page:
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED)["seen"]
        page.keyboard.press("Enter")
        if script:
            assert page.evaluate("document.activeElement.id") == "maincontent"
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED)["inMain"]


@SCRIPT
def test_the_sound_plays_from_the_keyboard(network: Network, windows: Windows, script: bool) -> None:
    """The player is reached with the keyboard, and the space bar plays. No script is needed."""
    with windows.opened(network.url + EPISODE, java_script_enabled=script) as page:
        for _ in range(30):
            page.keyboard.press("Tab")
            if page.locator("audio:focus").count():
                break
        page.keyboard.press("Space")
        becomes(page.locator("audio"), lambda time_s: time_s > 0.3)


def test_chapters_and_times_play_from_their_moment(network: Network, windows: Windows) -> None:
    """Enter on a chapter, or on a time of the transcript, plays from there, and the focus stays where the reader is."""
    with windows.opened(network.url + EPISODE) as page:
        for name, start_s in (("1:15 What changed", 75), ("Play from 2:00", 120), ("1:15", 75)):
            link = page.get_by_role("link", name=name).first
            link.focus()
            page.keyboard.press("Enter")
            becomes(page.locator("audio"), lambda time_s, start_s=start_s: start_s < time_s < start_s + 4)
            assert page.url.endswith(f"#t={start_s}")
            assert link.evaluate("link => link === document.activeElement")


@SCRIPT
@pytest.mark.parametrize("episode", [EPISODE, WITHOUT_TRANSCRIPT], ids=["transcript", "no transcript"])
def test_an_address_opens_at_its_moment(network: Network, windows: Windows, episode: str, script: bool) -> None:
    """`#t=75` shows what is said then, or the chapter; with script the player is there too."""
    with windows.opened(f"{network.url}{episode}#t=75", java_script_enabled=script) as page:
        target = page.locator(":target")
        box = target.bounding_box()
        assert box
        assert 0 <= box["y"] < 800
        assert "What changed" in target.inner_text()
        if script:
            becomes(page.locator("audio"), lambda time_s: time_s == 75)


def test_a_moment_in_the_notes_needs_no_script(network: Network, windows: Windows) -> None:
    """Where neither transcript nor chapter has the moment that the notes lead to, the link leads to the player."""
    with windows.opened(f"{network.url}episodes/meeting-29/", java_script_enabled=False) as page:
        page.get_by_role("link", name="1:15").click()
        box = page.locator("audio").bounding_box()
        assert box
        assert 0 <= box["y"] < 720
        assert page.locator(".cln-player :target").count() == 1


def test_a_moment_in_the_notes_plays_each_time(network: Network, windows: Windows) -> None:
    """As those of chapters and transcript: also where the address names the moment already."""
    with windows.opened(f"{network.url}episodes/meeting-29/") as page:
        for _ in range(2):
            page.get_by_role("link", name="1:15").click()
            becomes(page.locator("audio"), lambda time_s: 75 < time_s < 80)
            page.locator("audio").evaluate("audio => { audio.pause(); audio.currentTime = 5; }")


def test_what_is_said_is_marked_and_nothing_scrolls(network: Network, windows: Windows) -> None:
    """While it plays, the paragraph being said is marked, and then the next; the page stays where the reader has it."""
    with windows.opened(network.url + EPISODE) as page:
        audio, now = page.locator("audio"), page.locator("[data-now]")
        page.evaluate("window.scrollTo(0, 300)")
        audio.evaluate("audio => { audio.currentTime = 19.6; return audio.play(); }")
        becomes(audio, lambda time_s: 19.7 < time_s < 20)
        assert now.get_attribute("id") == "t=10"
        becomes(audio, lambda time_s: time_s > 20.5)
        assert now.get_attribute("id") == "t=20"
        assert page.evaluate("window.scrollY") == 300
        mark = now.locator(".cln-turn__text").evaluate("text => getComputedStyle(text).boxShadow")
        assert mark != "none"  # a bar beside the words: not by the colour behind them alone


def test_a_link_to_this_moment_is_copied(network: Network, windows: Windows) -> None:
    """The button copies the address of the page with the player's second, and says so; the address opens there."""
    with windows.opened(network.url + EPISODE, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.locator("audio").evaluate("audio => { audio.currentTime = 83.4; }")
        page.get_by_role("button", name="Copy a link to this moment").click()
        said = page.get_by_role("status").filter(has_text="Copied")
        said.wait_for()
        assert said.evaluate("said => said.previousElementSibling.matches('button[data-copy-moment]')")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == f"{network.url}{EPISODE}#t=83"
        page.goto(f"{network.url}robots.txt")  # for the address to be opened anew
        page.goto(copied)
        becomes(page.locator("audio"), lambda time_s: time_s == 83)
        box = page.locator("audio").bounding_box()  # no paragraph begins at this second: the player is what is shown
        assert box
        assert 0 <= box["y"] < 720


@judging(*SIZED)
def test_twice_the_size_is_as_readable(network: Network, windows: Windows, addresses: tuple[str, ...]) -> None:
    """With text of 200%, and with the page zoomed to 200% and 400%, nothing is cut, overlaps or scrolls sideways."""
    spoilt = {}
    with windows.opened(network.url) as page:
        for address in addresses or network.pages:
            page.goto(network.url + address)
            for width, text in ((1280, "200%"), (640, "100%"), (320, "100%")):
                browsing.resize(page, width)
                page.evaluate(f"document.documentElement.style.fontSize = '{text}'")
                found = (max(browsing.width(page) - width, 0), page.evaluate(SPOILT))
                if found != (0, {"cut": [], "pairs": []}):
                    spoilt[address, width, text] = found
    assert spoilt == {}


@judging("", EPISODE, "regions/north-west/", "subscribe/")
def test_nothing_is_lost_without_script(network: Network, windows: Windows, addresses: tuple[str, ...]) -> None:
    """Without script a page says the same and leads to the same places; what only a script can do is not offered."""
    with (
        windows.opened(network.url, width=320) as page,
        windows.opened(network.url, width=320, java_script_enabled=False) as plain,
    ):
        for address in addresses or set(network.pages) - {"search/"}:  # which says that it needs a script
            page.goto(network.url + address)
            plain.goto(network.url + address)
            page.evaluate("document.querySelectorAll('main button').forEach((button) => button.remove())")
            assert _lines(plain) == _lines(page), address
            assert _links(plain) == _links(page), address
            assert plain.locator("main button:visible").count() == 0, address
            assert plain.locator("header a:visible").count() == plain.locator("header a").count(), address
            assert browsing.width(plain) <= 320, address


def _lines(page: Page) -> list[str]:
    return [line.strip() for line in page.inner_text("main").splitlines() if line.strip()]


def _links(page: Page) -> list[str]:
    found: list[str] = page.evaluate("[...document.links].map((link) => link.href)")
    return sorted(found)


def test_links_lead_to_the_sound_without_script(network: Network, windows: Windows) -> None:
    """Without script, a member gets from the home page to an episode, its transcript and its sound."""
    with windows.opened(network.url, java_script_enabled=False) as page:
        page.get_by_role("link", name="Two wards, one rota", exact=True).click()
        assert page.url == f"{network.url}{EPISODE}"
        assert SAID[1] in page.inner_text("main")
        link = page.get_by_role("link", name=re.compile("Download MP3")).get_attribute("href")
        assert link is not None
        with urlopen(network.url.rstrip("/") + link) as answer:
            assert answer.headers["Content-Type"] == "audio/mpeg"


@judging("", EPISODE, "search/")
def test_forced_colours_reach_every_text(network: Network, windows: Windows, addresses: tuple[str, ...]) -> None:
    """Where the system forces its colours, here on black, every text and drawing has contrast with what is behind."""
    pale = {}
    with windows.opened(network.url, color_scheme="dark", forced_colors="active") as page:
        for address in addresses or network.pages:
            page.goto(network.url + address)
            if found := page.evaluate(PALE):
                pale[address] = found
    assert pale == {}


def test_forced_colours_keep_text_focus_and_mark(network: Network, windows: Windows) -> None:
    """Where the system forces its colours, text and focus can be seen, and what is said is marked by a line."""
    with windows.opened(network.url + EPISODE, color_scheme="dark", forced_colors="active") as page:
        for shown in ("h1", ".nhsuk-caption-l", "time", "dt", ".cln-turn__speaker", ".cln-turn__text", ".cln-time"):
            assert _brightest(page.locator(shown).first.screenshot()) > 200, shown
        for role, name in (("link", "Home"), ("link", "1:15 What changed"), ("button", "Copy a link to this moment")):
            element = page.get_by_role(role, name=name).first  # type: ignore[arg-type]
            element.scroll_into_view_if_needed()
            clip = {key: round(value) for key, value in element.bounding_box().items()}  # type: ignore[union-attr]
            clip = {"x": clip["x"] - 6, "y": clip["y"] - 6, "width": clip["width"] + 12, "height": clip["height"] + 12}
            before = page.screenshot(clip=clip)  # type: ignore[arg-type]
            element.focus()
            page.keyboard.press("Shift")  # the focus is shown as to somebody who uses a keyboard
            assert page.screenshot(clip=clip) != before, name  # type: ignore[arg-type]
        signs = Image.open(io.BytesIO(page.locator("audio").screenshot())).convert("L").crop((0, 0, 60, 50))
        lowest, highest = signs.getextrema()
        assert highest - lowest > 100  # type: ignore[operator]
        page.locator("audio").evaluate("audio => { audio.currentTime = 12; return audio.play(); }")
        becomes(page.locator("audio"), lambda time_s: time_s > 12.3)
        line = page.locator("[data-now] .cln-turn__text").evaluate("text => getComputedStyle(text).textDecorationLine")
        assert line == "underline"


def _brightest(png: bytes) -> int:
    """Return the luminance of the brightest pixel: of letters, where the ground is black."""
    grey = Image.open(io.BytesIO(png)).convert("L")
    lowest, highest = grey.getextrema()
    assert lowest == 0
    return int(highest)  # type: ignore[arg-type]


@judging("", "archive/2/")
def test_paper_has_nothing_to_click(network: Network, windows: Windows, addresses: tuple[str, ...]) -> None:
    """Printed, a page keeps its heading and words, and loses what only leads on from a screen."""
    kept = {}
    with windows.opened(network.url) as page:
        page.emulate_media(media="print")
        for address in addresses or [each for each in network.pages if not each.startswith(("embed/", "transcripts/"))]:
            page.goto(network.url + address)
            assert page.locator("h1").is_visible(), address
            if found := page.locator(f":is({CLICKED}):visible").count():
                kept[address] = found
    assert kept == {}


def test_a_printed_page_is_the_episode(network: Network, windows: Windows) -> None:
    """On paper there are title, facts, notes with addresses and the whole transcript; nothing that must be clicked."""
    with windows.opened(network.url + EPISODE) as page:
        page.emulate_media(media="print")
        assert page.locator(f":is({CLICKED}):visible").count() == 0
        printed = page.pdf(format="A4")
    text = " ".join(" ".join(sheet.extract_text() for sheet in pypdf.PdfReader(io.BytesIO(printed)).pages).split())
    for words in ("Two wards, one rota", "4 June 2026", "Three things", "(https://cln.example/choose-and-book)"):
        assert words in text
    heard = network.edition.items[6].episode.transcript
    assert heard
    assert [cue.text for cue in heard.cues if cue.text not in text] == []
    assert text.count(SAID[1]) == 5
    assert "#t=" not in text


@pytest.mark.parametrize("width", [1280, 320])
@judging("", EPISODE, "embed/meeting-06/")
def test_nothing_moves_while_a_page_loads(
    network: Network, chromium: Browser, addresses: tuple[str, ...], width: int
) -> None:
    """Also where images and scripts come late, nothing that is shown changes its place."""
    moved = {}
    watch = """
      window.moved = [];
      new PerformanceObserver((list) => list.getEntries().forEach((entry) => window.moved.push(
        [entry.value, ...entry.sources.map((source) => source.node?.outerHTML?.slice(0, 100))]
      ))).observe({ type: "layout-shift", buffered: true });
    """
    with chromium.new_context(viewport={"width": width, "height": 800}) as context:
        context.add_init_script(watch)
        page = context.new_page()
        for slow in ("**/*.js", "**/*.jpg", "**/*.png", "**/*.svg"):
            page.route(slow, lambda route: (page.wait_for_timeout(150), route.continue_()))
        for address in addresses or network.pages:
            page.goto(network.url + address)
            page.wait_for_timeout(300)
            # Parts without a node are those of the browser's own player.
            if found := page.evaluate("window.moved.filter(([, ...nodes]) => nodes.some(Boolean))"):
                moved[address] = found
    assert moved == {}
