"""Episodes enter, their files leave into a spool: where there are many, processes render them side by side."""

import os
import signal
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context, parent_process
from pathlib import Path

from pipeline.build import memory
from pipeline.build.site import Spool, Spooled
from pipeline.model import Edition, Item, Transcript

ENOUGH = 40  # episodes for each process: with fewer, it costs more to start than it saves
_MOST = 8
_AHEAD = 2  # episodes that wait for each process: the words of no more are in memory

Files = Iterable[tuple[str, bytes]]
Writer = Callable[[Item], Files]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where rendering happens. templates: those of the workspace; site: what stands; scratch: for what differs."""

    templates: Path
    site: Path
    scratch: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    edition: Edition
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    items: dict[str, Item]
    write: Writer
    place: Place


_Result = dict[str, Spooled] | None
_begun: list[_Work] = []  # of a process that renders: what it was given


def rendered(
    edition: Edition,
    items: Sequence[Item],
    write: Writer,
    *,
    into: Spool,
    place: Place,
    jobs: int | None = None,
) -> Iterator[tuple[Item, list[str]]]:
    """Render items, in their order; the same bytes by one process or by many.

    What a process cannot render is rendered again here, where what is wrong with it is raised as it always is.

    Args:
        edition: what is published.
        items: of the edition, those to render.
        write: renders one of them.
        into: takes the files.
        place: where that happens.
        jobs: how many processes at most; None for as many as there are processors.

    Yields:
        Each item with the keys of its files.

    Raises:
        MediaError: an item cannot be rendered.
    """
    processes = min(jobs or os.cpu_count() or 1, _MOST, len(items) // ENOUGH)
    if processes <= 1:
        yield from ((item, into.add_all(write(item))) for item in items)
        return
    with _pool(processes, edition, place) as pool:
        waiting: deque[tuple[Item, Future[_Result] | None]] = deque()
        try:
            for item in items:
                waiting.append((item, _begin(pool, item)))
                if len(waiting) > processes * _AHEAD:
                    yield _taken(*waiting.popleft(), write, into)
            while waiting:
                yield _taken(*waiting.popleft(), write, into)
        finally:
            pool.shutdown(cancel_futures=True)


def _pool(processes: int, edition: Edition, place: Place) -> ProcessPoolExecutor:
    bare = replace(edition, items=tuple(map(memory.without_words, edition.items)))
    given = memory.packed(_Given(edition=bare, place=place))
    # New processes, not copies of this one, which has threads: the same on every system.
    return ProcessPoolExecutor(processes, get_context("spawn"), initializer=_prepare, initargs=(given,))


def _begin(pool: ProcessPoolExecutor, item: Item) -> "Future[_Result] | None":
    said = item.episode.transcript
    data = memory.packed(replace(said, cues=tuple(said.cues))) if said else None
    try:
        with _undisturbed():
            return pool.submit(_render, item.episode.slug, data)
    except (BrokenExecutor, OSError):
        return None


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep Ctrl-C from a process that is started meanwhile, from its first moment on; here it arrives afterwards."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _taken(item: Item, made: "Future[_Result] | None", write: Writer, into: Spool) -> tuple[Item, list[str]]:
    try:
        found = made.result() if made else None
    except (BrokenExecutor, OSError):
        found = None
    return item, into.add_all(write(item)) if found is None else into.take(found)


def _prepare(data: bytes) -> None:
    """Prepare a process: it leaves Ctrl-C to the one that started it, and ends with it."""
    from pipeline.build.outputs import Outputs  # noqa: PLC0415 - outputs has this room render

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    given = memory.unpacked(data, _Given)
    outputs = Outputs(given.edition, given.place.templates)
    items = {item.episode.slug: item for item in outputs.items}
    _begun[:] = [_Work(items=items, write=outputs.of_episode, place=given.place)]


def _end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)


def _render(slug: str, said: bytes | None) -> _Result:
    work = _begun[0]
    item = work.items[slug]
    if said is not None:
        transcript = memory.unpacked(said, Transcript)
        transcript = replace(transcript, cues=tuple(transcript.cues))
        item = replace(item, episode=replace(item.episode, transcript=transcript))
    spool = Spool(work.place.site, Path(tempfile.mkdtemp(dir=work.place.scratch)))
    try:
        spool.add_all(work.write(item))
    except Exception:  # noqa: BLE001 - it is met again, and told, where the item is rendered once more
        return None
    return spool.taken()
