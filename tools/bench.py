"""Measure whole jobs as a user runs them: wall time, CPU time and peak memory of all processes together.

Figures belong to the machine and the moment; ratios within one run are what to compare. `python -m tools.bench NAME...`
runs some of the jobs.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from pipeline import feed, model
from tests import samples

ROOT = Path(__file__).parents[1]
PROGRAM = [sys.executable, "-c", "from pipeline.cli import main; main()"]
RATE_HZ = 48_000
SAMPLE = ROOT / "episodes/choose-and-book/recording.opus"


@dataclass(frozen=True, slots=True)
class Figures:
    """What a job cost."""

    wall_s: float
    cpu_s: float
    peak_mb: float

    def __str__(self) -> str:
        return f"{self.wall_s:8.2f} s wall {self.cpu_s:8.2f} s CPU {self.peak_mb:8.0f} MB peak"


def measured(command: list[str], folder: Path) -> Figures:
    """Run a command to its end and add up what it and its children used."""
    before = os.times()
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)}
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
    """Watches the memory of a process and its descendants (resident, so shared pages count more than once)."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.process, self.mb = process, 0.0

    def run(self) -> None:
        while pages := sum(_resident(process) for process in _family(self.process)):
            self.mb = max(self.mb, pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
            time.sleep(0.05)


def _family(process: int) -> Iterator[int]:
    yield process
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            listed = children.read_text().split()
        except OSError:  # the thread has ended
            continue
        for child in listed:
            yield from _family(int(child))


def _resident(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError):  # the process has ended
        return 0


@contextmanager
def _workspace() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="cln-media-bench-") as folder:
        root = Path(folder)
        shutil.copy(ROOT / "cln_media.toml", root)
        shutil.copy(ROOT / "artwork.png", root)
        (root / "episodes").mkdir()
        yield root


def _recording(path: Path, minutes: int) -> None:
    """Write minutes of the sample's speech, decoded, over and over, as 16-bit stereo."""
    decode = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(SAMPLE), "-f", "s16le", "-ar", str(RATE_HZ)]
    speech = np.frombuffer(subprocess.run([*decode, "-ac", "2", "-"], capture_output=True, check=True).stdout, "<i2")
    left = minutes * 60 * RATE_HZ * 2
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, RATE_HZ, 0, "NONE", ""))
        while left > 0:
            file.writeframes(speech[:left].tobytes())
            left -= len(speech)


def help_text() -> None:
    """`cln-media --help`, median of five."""
    runs = sorted((measured([*PROGRAM, "--help"], ROOT) for _ in range(5)), key=lambda figures: figures.wall_s)
    print(f"--help                        {runs[2]}")


def mastering() -> None:
    """Recordings of 60 and 180 minutes to tagged MP3, beside the bare ffmpeg program encoding the same."""
    for minutes in (60, 180):
        with _workspace() as root:
            recording = root / "meeting.wav"
            _recording(recording, minutes)
            encode = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(recording), "-ac", "1", "-b:a", "96k"]
            bare = measured([*encode, str(root / "bare.mp3")], root)
            (root / "bare.mp3").unlink()
            ingest = measured([*PROGRAM, "ingest", str(recording), "--slug", "meeting", "--move"], root)
            build = measured([*PROGRAM, "build"], root)
            again = measured([*PROGRAM, "build"], root)
            print(f"{minutes:3} minutes: ffmpeg, encode only {bare}")
            print(f"             ingest          {ingest}")
            print(f"             build           {build}   {build.wall_s / bare.wall_s:.2f} x the bare encode")
            print(f"             build again     {again}")


def nothing_changed() -> None:
    """A build of 20 episodes in which nothing has changed."""
    with _workspace() as root:
        folder = ROOT / "episodes/choose-and-book"
        for number in range(20):
            copy = shutil.copytree(folder, root / f"episodes/copy-{number}")
            text = (copy / "episode.toml").read_text(encoding="utf-8")
            text = text.replace("urn:uuid:340a72c9", f"urn:uuid:{number:08d}").replace(
                "number = 1", f"number = {number + 1}"
            )
            (copy / "episode.toml").write_text(text, encoding="utf-8")
        first = measured([*PROGRAM, "build"], root)
        time.sleep(3)  # hashes are remembered only of files that have been still for two seconds
        measured([*PROGRAM, "build"], root)
        print(f"20 episodes: first build     {first}")
        print(f"             nothing changed {measured([*PROGRAM, 'build'], root)}")


def feeds() -> None:
    """Every feed of 1,000 episodes with chapters and transcripts: the network's and eleven parts of it."""
    regions = [f"region-{number}" for number in range(6)]
    show = samples.show(
        regions=tuple(model.Region(id=region, name=region) for region in regions),
        feed=model.FeedSettings(page_size=100),
        feeds=(
            *(model.Feed(name=region, title=region, region=region) for region in regions),
            *(model.Feed(name=f"topic-{number}", title="A topic", topic=f"topic-{number}") for number in range(2)),
            *(model.Feed(name=f"season-{number}", title="A season", season=number) for number in (2024, 2025, 2026)),
        ),
    )
    items = tuple(
        samples.item(
            f"episode-{number}",
            guid=f"urn:uuid:00000000-0000-4000-8000-{number:012d}",
            region=regions[number % 6],
            topics=(f"topic-{number % 2}",),
            season=2024 + number % 3,
            published=datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=number),
        )
        for number in range(1000)
    )
    edition = samples.edition(show=show, items=items)
    runs = []
    for _ in range(3):
        start = time.perf_counter()
        files = feed.render_all(edition)
        runs.append(time.perf_counter() - start)
    size_mb = sum(len(data) for data in files.values()) / 1e6
    print(f"12 feeds of 1,000 episodes    {sorted(runs)[1]:8.2f} s, median of 3; {len(files)} files, {size_mb:.0f} MB")


JOBS: dict[str, Callable[[], None]] = {
    "help": help_text,
    "feeds": feeds,
    "nothing": nothing_changed,
    "mastering": mastering,
}


def main() -> None:
    """Run the jobs that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jobs", nargs="*", metavar="NAME", help=", ".join(JOBS))
    names = parser.parse_args().jobs
    for name in names or JOBS:
        JOBS[name]()


if __name__ == "__main__":
    main()
