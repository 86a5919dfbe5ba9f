"""A plan, the folder `site` and a store -> a published release, checked; threads live here, no library does."""

import hashlib
import queue
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import MediaError, StorageError
from pipeline.model import MANIFEST_KEY, Asset, Plan, Problem, Put, Reason, Release
from pipeline.publish.difference import group, while_publishing
from pipeline.publish.store import Stopped, Store, Stored

PROBE_KEY = ".cln-media-probe"
LARGE_BYTES = 8_000_000
_SMALL_THREADS, _LARGE_THREADS = 32, 4
_NO_KEY = re.compile(r"(?:^|/)\.{0,2}(?:/|$)|[\x00-\x1f\x7f\\\ud800-\udfff]")
_POLL_SECONDS = 0.1  # on Windows, a wait without an end cannot be interrupted
_STOP_SECONDS = 1.5

Progress = Callable[[int, int], None]
Contents = Mapping[str, Path | bytes]
"""The files of a release that stand in no folder together: by key, where each is, or what it holds."""


def read_release(store: Store) -> Release | None:
    """Read the manifest that `store` holds; None where nothing was published yet.

    Raises:
        StorageError: the store cannot be read, or what it holds is not a manifest.
    """
    data = store.read(MANIFEST_KEY)
    if data is None:
        return None
    try:
        release = Release.from_json(data)
    except ValueError as error:
        raise _damaged(store) from error
    if not all(_is_key(asset.key) and isinstance(asset.sha256, str) for asset in release.assets):
        raise _damaged(store)
    return release


def _is_key(key: object) -> bool:
    # Whoever may write to the store must not choose what is removed outside it.
    return isinstance(key, str) and not _NO_KEY.search(key)


def apply(
    plan: Plan,
    release: Release,
    *,
    site: Path | Contents,
    store: Store,
    progress: Progress | None = None,
    copies: Mapping[str, str] | None = None,
) -> None:
    """Make `store` hold `release`: sound and assets first, then pages, feeds, the manifest, removals last.

    Each step starts when the one before has ended without an error. Before the first, and again before removals,
    the manifest is replaced by one that calls the files still to be sent or removed unknown: so the next run always
    finishes an interrupted one, even when it publishes another release.

    Args:
        plan: what `plan(release, read_release(store))` returned.
        release: the release in `site`.
        site: the folder that was built, or the files of the release.
        store: where to publish.
        progress: called in this thread with the bytes sent so far and the bytes to send.
        copies: keys by SHA-256 of what the store is known to hold: that content is copied there, not sent.

    Raises:
        StorageError: a file has changed since the build, or the store cannot be written.
    """
    if plan.is_empty:
        return
    total = sum(put.asset.size for put in plan.puts)
    crew = _Crew(lambda done: progress(done, total) if progress else None)
    if plan.puts:
        _put_manifest(store, while_publishing(release, puts=plan.puts, deletes=plan.deletes))
    for step in sorted({group(put.asset.key) for put in plan.puts}):
        crew.run([_upload(put, site, store, copies or {}) for put in plan.puts if group(put.asset.key) == step])
    if plan.deletes:
        _put_manifest(store, while_publishing(release, puts=(), deletes=plan.deletes))
        crew.run([_removal(key, store) for key in plan.deletes])
    _put_manifest(store, release)


def withdraw(store: Store) -> int:
    """Remove all that the manifest of `store` names, feeds first, and the manifest last.

    Interrupted, it is finished by the next call: until the end, the manifest still names everything.

    Returns:
        How many files were named; 0 where nothing was published there.

    Raises:
        StorageError: the store cannot be read or written.
    """
    release = read_release(store)
    if release is None:
        return 0
    crew = _Crew(lambda _: None)
    for step in sorted({group(asset.key) for asset in release.assets}, reverse=True):
        crew.run([_removal(asset.key, store) for asset in release.assets if group(asset.key) == step])
    store.delete(MANIFEST_KEY)
    return len(release.assets)


def verify(release: Release, store: Store, *, keys: Iterable[str]) -> tuple[str, ...]:
    """Ask `store` for each of `keys` and compare size, SHA-256 and headers with `release`.

    Returns:
        One sentence for each file that differs, ascending by key; empty where all is well.

    Raises:
        StorageError: the store cannot be asked.
    """
    wanted = set(keys)
    found: dict[str, Stored | None] = {}

    def look(asset: Asset) -> "_Job":
        def run(_: Callable[[int], None]) -> None:
            found[asset.key] = store.head(asset.key)

        return _Job(key=asset.key, size=0, run=run)

    assets = [asset for asset in release.assets if asset.key in wanted]
    _Crew(lambda _: None).run([look(asset) for asset in assets])
    return tuple(f"{asset.key}: {fault}" for asset in assets if (fault := _fault(asset, found[asset.key])))


def check_access(store: Store) -> tuple[Problem, ...]:
    """Write a small file to `store`, read it back and remove it.

    Returns:
        What stands in the way of publishing; empty where nothing does.
    """
    data = b"A test of the right to write here; safe to delete.\n"
    probe = _asset(PROBE_KEY, data, "text/plain; charset=utf-8")
    problems: list[Problem] = []
    try:
        read_release(store)
        store.put_bytes(probe, data)
        try:
            reads_back = store.read(PROBE_KEY) == data
            fault = _fault(probe, store.head(PROBE_KEY)) if reads_back else "does not read back as it was written"
            if fault:
                problems.append(_problem(store, fault))
        finally:
            store.delete(PROBE_KEY)
    except MediaError as error:
        source = str(error.source or store.address)
        problems.append(Problem(source=source, message=error.message, hint=error.hint or "see the documentation"))
    return tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    key: str
    size: int
    run: Callable[[Callable[[int], None]], None]


class _Crew:
    """Threads that do jobs; daemons, so that a person who presses Ctrl-C does not wait for a slow network."""

    def __init__(self, report: Callable[[int], None]) -> None:
        self._report = report
        self._sent: dict[str, int] = {}
        self._stop = threading.Event()

    def run(self, jobs: Sequence[_Job]) -> None:
        """Do all of `jobs`; raise the first error, after which none is started."""
        self._sent.update({job.key: 0 for job in jobs})
        small = [job for job in jobs if job.size <= LARGE_BYTES]
        large = [job for job in jobs if job.size > LARGE_BYTES]
        outcomes: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        threads = self._start(small, _SMALL_THREADS, outcomes) + self._start(large, _LARGE_THREADS, outcomes)
        try:
            self._wait(len(jobs), outcomes)
        except BaseException:
            self._stop.set()
            end = time.monotonic() + _STOP_SECONDS
            for thread in threads:
                thread.join(max(0.0, end - time.monotonic()))
            raise

    def _start(
        self, jobs: Sequence[_Job], at_once: int, outcomes: "queue.SimpleQueue[BaseException | None]"
    ) -> list[threading.Thread]:
        waiting: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        for job in jobs:
            waiting.put(job)
        threads: list[threading.Thread] = []
        while len(threads) < at_once and not waiting.empty():  # a fast store leaves nothing for more threads to do
            threads.append(threading.Thread(target=self._work, args=(waiting, outcomes), daemon=True))
            threads[-1].start()
        return threads

    def _work(self, waiting: "queue.SimpleQueue[_Job]", outcomes: "queue.SimpleQueue[BaseException | None]") -> None:
        while not self._stop.is_set():
            try:
                job = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                job.run(lambda sent, key=job.key: self._count(key, sent))  # type: ignore[misc]
            except BaseException as error:  # noqa: BLE001  raised again in the thread that waits
                outcomes.put(error)
                return
            outcomes.put(None)

    def _count(self, key: str, sent: int) -> None:
        if self._stop.is_set():
            raise Stopped
        self._sent[key] = max(self._sent[key], sent)

    def _wait(self, count: int, outcomes: "queue.SimpleQueue[BaseException | None]") -> None:
        while count:
            try:
                error = outcomes.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                pass
            else:
                if error is not None:
                    raise error
                count -= 1
            self._report(sum(self._sent.values()))


def _upload(put: Put, site: Path | Contents, store: Store, copies: Mapping[str, str]) -> _Job:
    asset = put.asset

    def run(sent: Callable[[int], None]) -> None:
        may_be_there = put.reason is Reason.HEADERS or asset.size > LARGE_BYTES
        stored = store.head(asset.key) if may_be_there else None
        if stored is None or (stored.size, stored.sha256) != (asset.size, asset.sha256):
            source = copies.get(asset.sha256)
            if source is None or not store.copy(asset, source):
                _send(asset, site, store, sent)
        elif put.reason is Reason.HEADERS or _fault(asset, stored):  # a store does not tell of every header
            store.set_headers(asset)
        sent(asset.size)

    return _Job(key=asset.key, size=asset.size, run=run)


def _removal(key: str, store: Store) -> _Job:
    return _Job(key=key, size=0, run=lambda _: store.delete(key))


def _send(asset: Asset, site: Path | Contents, store: Store, sent: Callable[[int], None]) -> None:
    content = _local(site, asset.key) if isinstance(site, Path) else site[asset.key]
    if isinstance(content, Path):
        store.put(asset, content, sent)
    else:
        store.put_bytes(asset, content)


def _local(site: Path, key: str) -> Path:
    path = site.joinpath(*key.split("/"))
    if not path.is_file():
        raise StorageError("the file is missing from the build", source=path, hint="build again, then publish")
    return path


def _put_manifest(store: Store, release: Release) -> None:
    data = release.to_json()
    store.put_bytes(_asset(MANIFEST_KEY, data, "application/json"), data)


def _asset(key: str, data: bytes, content_type: str) -> Asset:
    sha256 = hashlib.sha256(data).hexdigest()
    return Asset(key=key, sha256=sha256, size=len(data), content_type=content_type, cache_control="no-cache")


def _fault(asset: Asset, stored: Stored | None) -> str | None:
    if stored is None:
        return "is not in the store"
    if stored.size != asset.size:
        return f"is stored with {stored.size} bytes, not {asset.size}"
    if stored.sha256 != asset.sha256:
        return "is stored with another SHA-256"
    if stored.content_type not in (None, asset.content_type):
        return f"is served as {stored.content_type}, not {asset.content_type}"
    if stored.cache_control not in (None, asset.cache_control):
        return f"is served with Cache-Control {stored.cache_control}, not {asset.cache_control}"
    return None


def _damaged(store: Store) -> StorageError:
    return StorageError(
        "the manifest in the store is damaged",
        source=f"{store.address}/{MANIFEST_KEY}",
        hint="remove that file and publish again: every file is then sent anew",
    )


def _problem(store: Store, message: str) -> Problem:
    return Problem(
        source=store.address,
        message=f"a test file {message}",
        hint="ask the provider whether the store keeps metadata, Content-Type and Cache-Control as they were sent",
    )
