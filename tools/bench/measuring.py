"""Whole jobs run as a user runs them: their wall time, CPU time and peak memory, of all processes together."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-c", "from pipeline.cli import main; main()"]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a job cost."""

    wall_s: float
    cpu_s: float
    peak_mb: float

    def __str__(self) -> str:
        return f"{self.wall_s:8.2f} s wall {self.cpu_s:8.2f} s CPU {self.peak_mb:8.0f} MB peak"


def measured(command: list[str], folder: Path, **environment: str) -> Figures:
    """Run a command to its end and add up what it and its children used; ours is compiled, as it is when installed."""
    around = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = os.times()
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, env={**around, "PYTHONPATH": str(ROOT), **environment}
    )
    peak = _Peak(process.pid)
    peak.start()
    code = process.wait()
    wall_s = time.perf_counter() - start
    peak.join()
    after = os.times()
    if code:
        raise SystemExit(f"{command} ended with {code}")
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return Figures(wall_s, cpu_s, peak.mb)


class _Peak(threading.Thread):
    """Watches the memory of a process and its descendants; pages that several share are shared out among them."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.process, self.mb = process, 0.0

    def run(self) -> None:
        while kilobytes := sum(_proportional_kb(process) for process in _family(self.process)):
            self.mb = max(self.mb, kilobytes / 1024)
            time.sleep(0.05)


def _family(process: int) -> Iterator[int]:
    yield process
    try:
        tasks = list(Path(f"/proc/{process}/task").glob("*/children"))
    except OSError:  # the process has ended
        return
    for children in tasks:
        try:
            listed = [int(child) for child in children.read_text().split()]
        except OSError:  # the thread has ended
            continue
        # Until a new child becomes another program it shares all its parent's memory, which would count twice.
        for child in (child for child in listed if _command(child) != _command(process)):
            yield from _family(child)


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:  # the process has ended
        return b""


def _proportional_kb(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:  # the process has ended
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


@contextmanager
def workspace() -> Iterator[Path]:
    """Lend a new workspace with the sample's settings, but no other codings, and no episodes."""
    with tempfile.TemporaryDirectory(prefix="cln-media-bench-") as folder:
        root = Path(folder)
        settings = (ROOT / "cln_media.toml").read_text(encoding="utf-8")
        (root / "cln_media.toml").write_text(settings.replace("\nalternates", "\n# alternates"), encoding="utf-8")
        shutil.copy(ROOT / "artwork.png", root)
        (root / "episodes").mkdir()
        yield root
