"""A number of episodes and a folder -> their pages in it, and what indexing them costs, as JSON on standard output.

A process of its own, so that the system's figures are of this job alone: `python -m tools.bench.index_edition 200 DIR`.
"""

import hashlib
import json
import os
import random
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

from pipeline import model, pages, words
from pipeline.build import searching
from pipeline.cache import Cache
from pipeline.model import Cue, Edition, Item, Transcript
from tests import samples

EPISODES_A_YEAR = 200
_WORDS, _CUE_WORDS, _CUE_MS = 10_000, 10, 4_000
_VOCABULARY = 20_000
_SYLLABLES = [first + rest for first in "bcdfghjklmnprstvwz" for rest in ("a", "e", "i", "o", "u", "an", "er", "ist")]
_REGIONS = ("north-west", "london")


def main() -> None:
    """Index once, then with nothing changed, then with one episode changed."""
    count, folder = int(sys.argv[1]), Path(sys.argv[2])
    edition = samples.edition(items=tuple(_items(count)))
    _write_pages(edition, folder / "pages")
    changed = replace(edition, items=(_item(0, random.Random(3), *_vocabulary()), *edition.items[1:]))  # noqa: S311
    found = {
        name: _cost(each, folder / ".cache")
        for name, each in {"first": edition, "unchanged": edition, "one changed": changed}.items()
    }
    print(json.dumps(found))


def _cost(edition: Edition, cache: Path) -> dict[str, float]:
    hashes = {
        model.transcript_key(item.episode.slug, "json"): hashlib.sha256(
            words.transcript_json(item.episode.transcript)
        ).hexdigest()
        for item in edition.items
        if item.episode.transcript is not None
    }
    own_kb = _resident_kb()
    before, start = os.times(), time.perf_counter()
    opened = Cache(cache)
    searching.index(edition, hashes, opened)
    opened.close()
    wall_s, after = time.perf_counter() - start, os.times()
    grown_kb = max(0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - own_kb)
    ran = after.children_user > before.children_user
    peak_kb = grown_kb + (resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss if ran else 0)
    return {"wall_s": wall_s, "cpu_s": sum(after[:4]) - sum(before[:4]), "peak_mb": peak_kb / 1024}


def _resident_kb() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def _items(count: int) -> Iterator[Item]:
    rng = random.Random(1)  # noqa: S311
    vocabulary = _vocabulary()
    for number in range(count):
        yield _item(number, rng, *vocabulary)


def _vocabulary() -> tuple[list[str], list[float]]:
    """Make words that nobody says, and how often each is said: as in any language, the k-th word 1/k times."""
    rng = random.Random(2)  # noqa: S311
    made: dict[str, None] = {}
    while len(made) < _VOCABULARY:
        made["".join(rng.choices(_SYLLABLES, k=rng.randint(1, 4)))] = None
    return list(made), list(accumulate(1 / rank for rank in range(1, _VOCABULARY + 1)))


def _item(number: int, rng: random.Random, vocabulary: list[str], weights: list[float]) -> Item:
    said = rng.choices(vocabulary, cum_weights=weights, k=_WORDS)
    cues = tuple(
        Cue(
            start_ms=at // _CUE_WORDS * _CUE_MS,
            end_ms=at // _CUE_WORDS * _CUE_MS + _CUE_MS - 100,
            text=" ".join(said[at : at + _CUE_WORDS]) + ".",
            speaker=("Chair", "GP")[at // 200 % 2],
        )
        for at in range(0, _WORDS, _CUE_WORDS)
    )
    year, day = divmod(number, EPISODES_A_YEAR)
    return samples.item(
        f"episode-{number}",
        guid=f"urn:bench:{number}",
        region=_REGIONS[number % 2],
        published=datetime(2020 + year, 1, 2, tzinfo=UTC) + timedelta(days=day),
        transcript=Transcript(language="en-GB", origin="transcript.vtt", cues=cues),
    )


def _write_pages(edition: Edition, folder: Path) -> None:
    for key, data in pages.render(edition).items():
        if key.startswith("episodes/"):
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            (folder / key).write_bytes(data)


if __name__ == "__main__":
    main()
