"""Runs of the publisher in processes of their own, killed at a chosen request; and what a reader then finds."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pipeline import publish
from pipeline.model import Release
from tests.faulty import Cut, Faulty, Request

WORKER = """
import json, os, sys, traceback
import boto3, botocore.session
from pathlib import Path
from pipeline import publish
from pipeline.model import StorageSettings
from pipeline.publish import connecting, s3
from pipeline.errors import StorageError
from tests import stores
boto3.client("s3", region_name="us-east-1", endpoint_url="http://127.0.0.1:9")
for line in sys.stdin:
    job = json.loads(line)
    child = os.fork()
    if child:
        print(child, flush=True)
        print(os.waitpid(child, 0)[1], flush=True)
        continue
    code = 1
    try:
        sys.stdin.readline()
        settings = StorageSettings(url=job["url"], endpoint_url=job["endpoint_url"], region="us-east-1")
        store = publish.open_store(settings, workspace=Path(job["workspace"]))
        if job["what"] == "publish":
            site = Path(job["site"])
            stores.publish_all(stores.Release.from_json((site / "manifest.json").read_bytes()), site, store)
        elif job["what"] == "rollback":
            stores.roll_back(store, job["number"])
        elif job["what"] == "erase":
            publish.erase(store, doomed=stores.keys_of(job["slug"]), owner=stores.OWNER)
        else:
            publish.withdraw(store, stores.OWNER)
        code = 0
    except StorageError as error:
        print(error, file=sys.stderr)
        code = 3
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
"""


class Worker:
    """A process that forks a publisher for each job, so that none has to import anything."""

    def __init__(self, environment: dict[str, str], log: BinaryIO) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, **environment},
            cwd=Path(__file__).parents[1],
        )

    def run(self, begun: Callable[[int], None] = lambda _: None, **job: Any) -> int:
        """Do a job; `begun` is told the process before it does anything. Returns how it ended, as os.waitpid has it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        begun(int(self._process.stdout.readline()))
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


@contextmanager
def working(log: Path, **environment: str) -> Iterator[Worker]:
    """Lend a worker, which writes what goes wrong to `log`."""
    with log.open("wb") as file:
        worker = Worker(environment, file)
        try:
            yield worker
        finally:
            worker.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is live before, what a publisher then does, and what is live in the end."""

    name: str
    before: tuple[dict[str, bytes], ...]
    job: dict[str, Any]
    after: dict[str, bytes]


def page(*names: str, text: str = "") -> bytes:
    """Write a page, or a feed, that names other files."""
    return "\n".join([text, *(f"names {name}" for name in names)]).encode()


def site_of(*, css: str, slugs: tuple[str, ...], text: str) -> dict[str, bytes]:
    """Make a whole site: an episode for each slug, and pages and a feed that name what they need."""
    files = {
        f"assets/{css}.css": css.encode(),
        "index.html": b"",
        "feed.xml": b"",
        "404.html": page(f"assets/{css}.css"),
    }
    for slug in slugs:
        files[f"media/{slug}-0.mp3"] = slug.encode() * 999
        files[f"transcripts/{slug}.vtt"] = f"WEBVTT {slug} {text}".encode()
        named = (f"assets/{css}.css", f"media/{slug}-0.mp3", f"transcripts/{slug}.vtt")
        files[f"episodes/{slug}/index.html"] = page(*named, text=text)
    pages = [f"episodes/{slug}/index.html" for slug in slugs]
    files["index.html"] = page(f"assets/{css}.css", *pages, text=text)
    sound = [f"media/{slug}-0.mp3" for slug in slugs]
    files["feed.xml"] = page(*sound, *pages, *(f"transcripts/{slug}.vtt" for slug in slugs), text=text)
    return files


OLD = site_of(css="site-a", slugs=("one", "two"), text="A")
NEW = site_of(css="site-b", slugs=("one", "two", "three"), text="B")
FEWER = site_of(css="site-b", slugs=("two", "three"), text="B")
SCENES = (
    Scene(name="first", before=(), job={"what": "publish"}, after=OLD),
    Scene(name="update", before=(OLD,), job={"what": "publish"}, after=NEW),
    Scene(name="taken back", before=(OLD, NEW), job={"what": "publish"}, after=FEWER),
    Scene(name="rollback", before=(OLD, NEW), job={"what": "rollback", "number": 1}, after=OLD),
    Scene(name="withdrawal", before=(OLD, NEW), job={"what": "withdraw"}, after={}),
    Scene(name="erasure", before=(OLD, NEW, FEWER), job={"what": "erase", "slug": "one"}, after=FEWER),
)


def broken(store: publish.Store, known: tuple[dict[str, bytes], ...]) -> list[str]:
    """List what a reader would find broken: a live page or feed that names what is not there, or not whole."""
    live = {listed.key for listed in store.listing() if not listed.key.startswith("_pub/")}
    contents = {key: found.data for key in sorted(live) if (found := store.read(key)) is not None}
    faults = [f"{key} is torn" for key, data in contents.items() if data not in [files.get(key) for files in known]]
    for key, data in contents.items():
        names = [line.removeprefix("names ") for line in data.decode("latin-1").splitlines() if "names " in line]
        faults += [f"{key} names {name}, which is not there" for name in names if name not in contents]
    return faults


def killing(proxy: Faulty, number: int, moment: str, process: Callable[[], int]) -> Callable[[Request], None]:
    """Make what watches a proxy and kills the client at one moment of one request."""

    def see(request: Request) -> None:
        if request.number == number and request.moment == moment:
            os.kill(process(), 9)
            raise Cut

    proxy.watch(see)
    return see


def release_in(site: Path) -> Release:
    """Read the manifest of a build."""
    return Release.from_json((site / "manifest.json").read_bytes())
