"""Measure whole jobs as a user runs them. `python -m tools.bench NAME...` runs some of the jobs.

Figures belong to the machine and the moment; ratios within one run are what to compare.
"""

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline import feed, model
from tests import samples
from tools.bench.auditing import lighthouse
from tools.bench.building import building
from tools.bench.denoising import denoising
from tools.bench.hearing import hearing
from tools.bench.identifying import identifying
from tools.bench.levelling import levelling
from tools.bench.mastering import mastering, nothing_changed
from tools.bench.measuring import PROGRAM, ROOT, measured
from tools.bench.publishing import publishing
from tools.bench.searching import searching


def help_text() -> None:
    """`cln-media --help`, median of five."""
    runs = sorted((measured([*PROGRAM, "--help"], ROOT) for _ in range(5)), key=lambda figures: figures.wall_s)
    print(f"--help                        {runs[2]}")


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
    "levelling": levelling,
    "denoising": denoising,
    "publishing": publishing,
    "hearing": hearing,
    "identifying": identifying,
    "building": building,
    "searching": searching,
    "lighthouse": lighthouse,
}


def main() -> None:
    """Run the jobs that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jobs", nargs="*", metavar="NAME", help=", ".join(JOBS))
    parser.add_argument("--readings", type=Path, help="for hearing: a folder of NAME.flac or .wav with NAME.txt")
    asked = parser.parse_args()
    for name in asked.jobs or JOBS:
        hearing(asked.readings) if name == "hearing" else JOBS[name]()


if __name__ == "__main__":
    main()
