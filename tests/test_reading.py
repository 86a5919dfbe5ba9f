"""How pages are read and heard: by keyboard, without script, enlarged, in other colours, on paper, and as they play."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import urlopen

import pypdf
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from tests import browser as browsing
from tests.browser import becomes
from tests.network import LONG_WORD, SAID, Network

EPISODE = "episodes/meeting-06/"
WITHOUT_TRANSCRIPT = "episodes/meeting-10/"
READ = ("", EPISODE, "archive/2/", "regions/east/", "subscribe/", "search/", f"topics/{LONG_WORD.lower()}/")
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
    const small = element.closest(".nhsuk-u-visually-hidden, noscript, option, .nhsuk-skip-link");
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


@contextmanager
def opened(chromium: Browser, url: str, **options: Any) -> Iterator[Page]:
    """Open an address in a window of its own."""
    with chromium.new_context(**options) as context:
        page = context.new_page()
        page.goto(url)
        yield page


def stops(page: Page) -> Iterator[dict[str, Any]]:
    """Press Tab until the page has been gone through, and say where each press led."""
    for _ in range(400):
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUSED)
        if found is None:
            return
        yield found
    pytest.fail("the keyboard does not get out of the page")


def test_the_whole_page_is_walked_with_the_keyboard(network: Network, chromium: Browser) -> None:
    """Tab leads past the skip link, player, every chapter and every time of the transcript; one always sees where."""
    player_shots = []
    with opened(chromium, network.url + EPISODE, viewport={"width": 1280, "height": 800}) as page:
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


@SCRIPT
def test_the_skip_link_leads_past_the_header(network: Network, chromium: Browser, script: bool) -> None:
    """Enter on the skip link, and the next Tab is inside the main part."""
    with opened(chromium, network.url + EPISODE, java_script_enabled=script) as page:
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED)["seen"]
        page.keyboard.press("Enter")
        if script:
            assert page.evaluate("document.activeElement.id") == "maincontent"
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED)["inMain"]


@SCRIPT
def test_the_sound_plays_from_the_keyboard(network: Network, chromium: Browser, script: bool) -> None:
    """The player is reached with the keyboard, and the space bar plays. No script is needed."""
    with opened(chromium, network.url + EPISODE, java_script_enabled=script) as page:
        for _ in range(30):
            page.keyboard.press("Tab")
            if page.locator("audio:focus").count():
                break
        page.keyboard.press("Space")
        becomes(page.locator("audio"), lambda time_s: time_s > 0.3)


def test_chapters_and_times_play_from_their_moment(network: Network, chromium: Browser) -> None:
    """Enter on a chapter, or on a time of the transcript, plays from there, and the focus stays where the reader is."""
    with opened(chromium, network.url + EPISODE) as page:
        for name, start_s in (("1:15 What changed", 75), ("Play from 2:00", 120), ("1:15", 75)):
            link = page.get_by_role("link", name=name).first
            link.focus()
            page.keyboard.press("Enter")
            becomes(page.locator("audio"), lambda time_s, start_s=start_s: start_s < time_s < start_s + 4)
            assert page.url.endswith(f"#t={start_s}")
            assert link.evaluate("link => link === document.activeElement")


@SCRIPT
@pytest.mark.parametrize("episode", [EPISODE, WITHOUT_TRANSCRIPT], ids=["transcript", "no transcript"])
def test_an_address_opens_at_its_moment(network: Network, chromium: Browser, episode: str, script: bool) -> None:
    """`#t=75` shows what is said then, or the chapter; with script the player is there too."""
    options = {"java_script_enabled": script, "viewport": {"width": 1280, "height": 800}}
    with opened(chromium, f"{network.url}{episode}#t=75", **options) as page:
        target = page.locator(":target")
        box = target.bounding_box()
        assert box
        assert 0 <= box["y"] < 800
        assert "What changed" in target.inner_text()
        if script:
            becomes(page.locator("audio"), lambda time_s: time_s == 75)


def test_a_moment_in_the_notes_needs_no_script(network: Network, chromium: Browser) -> None:
    """Where neither transcript nor chapter has the moment that the notes lead to, the link leads to the player."""
    with opened(chromium, f"{network.url}episodes/meeting-29/", java_script_enabled=False) as page:
        page.get_by_role("link", name="1:15").click()
        box = page.locator("audio").bounding_box()
        assert box
        assert 0 <= box["y"] < 720
        assert page.locator(".cln-player :target").count() == 1


def test_what_is_said_is_marked_and_nothing_scrolls(network: Network, chromium: Browser) -> None:
    """While it plays, the paragraph being said is marked, and then the next; the page stays where the reader has it."""
    with opened(chromium, network.url + EPISODE, viewport={"width": 1280, "height": 800}) as page:
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


def test_a_link_to_this_moment_is_copied(network: Network, chromium: Browser) -> None:
    """The button copies the address of the page with the player's second, and says so; the address opens there."""
    with opened(chromium, network.url + EPISODE, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.locator("audio").evaluate("audio => { audio.currentTime = 83.4; }")
        page.get_by_role("button", name="Copy a link to this moment").click()
        page.get_by_role("status").filter(has_text="Copied").wait_for()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == f"{network.url}{EPISODE}#t=83"
        page.goto("about:blank")
        page.goto(copied)
        becomes(page.locator("audio"), lambda time_s: time_s == 83)
        box = page.locator("audio").bounding_box()  # no paragraph begins at this second: the player is what is shown
        assert box
        assert 0 <= box["y"] < 720


@pytest.mark.parametrize("address", READ)
def test_twice_the_size_is_as_readable(network: Network, chromium: Browser, address: str) -> None:
    """With text of 200%, and with the page zoomed to 200% and 400%, nothing is cut, overlaps or scrolls sideways."""
    for width, text in ((1280, "200%"), (640, "100%"), (320, "100%")):
        with opened(chromium, network.url + address, viewport={"width": width, "height": 800}) as page:
            page.evaluate(f"document.documentElement.style.fontSize = '{text}'")
            assert browsing.width(page) <= width, (width, text)
            assert page.evaluate(SPOILT) == {"cut": [], "pairs": []}, (width, text)


@pytest.mark.parametrize("address", ["", EPISODE, "archive/2/", "regions/north-west/", "about/", "subscribe/"])
def test_nothing_is_lost_without_script(network: Network, chromium: Browser, address: str) -> None:
    """Without script a page says the same and leads to the same places; what only a script can do is not offered."""
    with opened(chromium, network.url + address, viewport={"width": 320, "height": 800}) as page:
        page.evaluate("document.querySelectorAll('main button').forEach((button) => button.remove())")
        said = page.inner_text("main").splitlines()
        links = page.evaluate("[...document.links].map((link) => link.href)")
    with opened(
        chromium, network.url + address, viewport={"width": 320, "height": 800}, java_script_enabled=False
    ) as page:
        assert _lines(page.inner_text("main").splitlines()) == _lines(said)
        assert sorted(page.evaluate("[...document.links].map((link) => link.href)")) == sorted(links)
        assert page.locator("main button:visible").count() == 0
        for link in page.locator("header a").all():
            assert link.is_visible()


def _lines(lines: Any) -> list[str]:
    return [line.strip() for line in lines if line.strip()]


def test_links_lead_to_the_sound_without_script(network: Network, chromium: Browser) -> None:
    """Without script, a member gets from the home page to an episode, its transcript and its sound."""
    with opened(chromium, network.url, java_script_enabled=False) as page:
        page.get_by_role("link", name="Two wards, one rota", exact=True).click()
        assert page.url == f"{network.url}{EPISODE}"
        assert SAID[1] in page.inner_text("main")
        link = page.get_by_role("link", name=re.compile("Download MP3")).get_attribute("href")
        assert link is not None
        with urlopen(network.url.rstrip("/") + link) as answer:
            assert answer.headers["Content-Type"] == "audio/mpeg"


@pytest.mark.parametrize("address", ["", EPISODE, "search/", "subscribe/"])
def test_a_preference_for_dark_changes_nothing_for_the_worse(network: Network, chromium: Browser, address: str) -> None:
    """With a dark colour scheme every text keeps its contrast."""
    with opened(chromium, network.url + address, color_scheme="dark") as page:
        assert browsing.axe(page) == []


def test_forced_colours_keep_text_focus_and_mark(network: Network, chromium: Browser) -> None:
    """Where the system forces its colours, text and focus can be seen, and what is said is marked by a line."""
    options = {"forced_colors": "active", "color_scheme": "dark", "viewport": {"width": 1280, "height": 800}}
    with opened(chromium, network.url + EPISODE, **options) as page:
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


def test_a_printed_page_is_the_episode(network: Network, chromium: Browser) -> None:
    """On paper there are title, facts, notes with addresses and the whole transcript; nothing that must be clicked."""
    with opened(chromium, network.url + EPISODE) as page:
        page.emulate_media(media="print")
        for gone in ("nav", "audio", "button", "form", "textarea", "footer", ".nhsuk-skip-link"):
            assert page.locator(f"{gone} >> visible=true").count() == 0, gone
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
@pytest.mark.parametrize("address", ["", EPISODE, "archive/2/", "embed/meeting-06/"])
def test_nothing_moves_while_a_page_loads(network: Network, chromium: Browser, address: str, width: int) -> None:
    """Also where images and scripts come late, nothing that is shown changes its place."""
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
        page.goto(network.url + address)
        page.wait_for_timeout(300)
        # Parts without a node are those of the browser's own player.
        moved = page.evaluate("window.moved.filter(([, ...nodes]) => nodes.some(Boolean))")
        assert moved == []
