"""The sample show in a real browser, built and served by `cln-media preview`; test_site.py judges every page."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests import browser as browsing
from tests import studio
from tests.browser import becomes
from tests.serving import free_port
from tests.test_cli import spawn

ROOT = Path(__file__).parents[1]
SLUG = "choose-and-book"


@dataclass(frozen=True)
class Preview:
    """A running preview: its address, and the folder it serves."""

    url: str
    site: Path


@pytest.fixture(scope="module")
def preview(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preview]:
    """Serve the sample show with the real command."""
    root = tmp_path_factory.mktemp("preview") / "w"
    shutil.copytree(ROOT / "episodes", root / "episodes")
    shutil.copy(ROOT / "artwork.png", root)
    port = free_port()
    text = (ROOT / "cln_media.toml").read_text(encoding="utf-8")
    (root / "cln_media.toml").write_text(
        text.replace("localhost:8321", f"localhost:{port}").replace('# public = ["comms"', "public = []  # "),
        encoding="utf-8",
    )
    ran = spawn(root, "preview", "--no-browser", "--port", str(port))
    assert ran.stdout is not None
    lines = iter(ran.stdout.readline, "")
    assert any("Serving" in line for line in lines), ran.communicate()
    yield Preview(f"http://localhost:{port}/", root / "site")
    ran.terminate()
    ran.communicate(timeout=10)


def test_a_page_is_accessible_quiet_and_keeps_to_itself(preview: Preview, chromium: Browser) -> None:
    """What a real build makes of a real episode is accessible and quiet, and no other host is asked."""
    with chromium.new_context() as context:
        watched = browsing.Watched(context)
        watched.page.goto(f"{preview.url}episodes/{SLUG}/")
        assert browsing.axe(watched.page) == []
        assert watched.said == []
        assert watched.elsewhere(preview.url) == []
        assert browsing.stored(watched.page) == [0, 0, 0]


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


def test_preview_ends_with_ctrl_c(tmp_path: Path) -> None:
    """Ctrl-C is how a preview ends: at once, with exit code 0 and no word."""
    root = studio.workspace(tmp_path, "one")
    ran = spawn(root, "preview", "--no-browser", "--port", str(free_port()))
    assert ran.stdout is not None
    assert any("Serving" in line for line in iter(ran.stdout.readline, ""))
    ran.send_signal(2)
    _, err = ran.communicate(timeout=5)
    assert (ran.returncode, err) == (0, "")
