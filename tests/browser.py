"""A real browser for tests: Debian's Chromium, driven through Playwright, and what axe finds on a page."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

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
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def chromium(scratch: Path) -> Iterator[Browser]:
    """Start the browser; as root, without its sandbox and without the priority it would give itself."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    assert found, "Chromium is missing: install the package chromium"
    arguments = list(QUIET)
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
        polite = scratch / "chromium"
        polite.write_text(
            f'#!/bin/sh\nexec setpriv --bounding-set -sys_nice --inh-caps -sys_nice nice -n 10 {found} "$@"\n'
        )
        polite.chmod(0o755)
        found = str(polite)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        yield browser
        browser.close()


def axe(page: Page) -> list[dict[str, Any]]:
    """Run axe on a page: WCAG 2.2 A and AA and best practice; an empty list where it finds nothing."""
    page.evaluate((TOOLS / "axe-core/axe.min.js").read_text(encoding="utf-8"))
    options = json.dumps({"runOnly": AXE_TAGS, "resultTypes": ["violations"]})
    found: list[dict[str, Any]] = page.evaluate(f"async () => (await axe.run({options})).violations")
    return [{"rule": rule["id"], "nodes": [node["html"] for node in rule["nodes"]]} for rule in found]
