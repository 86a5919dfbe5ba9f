"""Streams run ahead in threads and pieces are worked at side by side; what leaves is in order, whoever was first."""

import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYetError
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

LISTEN_S = 0.2
DEPTH = 4


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None = None


class _Ahead(Generic[Item]):
    def __init__(self, items: Iterable[Item], depth: int) -> None:
        self._items = items
        self._queue: queue.Queue[Item | _End] = queue.Queue(depth)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for item in self._items:
                if not self._put(item):
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised again where the stream is read
            self._put(_End(error))
        else:
            self._put(_End())

    def _put(self, item: Item | _End) -> bool:
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=LISTEN_S)
            except queue.Full:
                continue
            return True
        return False

    def __iter__(self) -> Iterator[Item]:
        while True:
            item = self._queue.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()


@contextmanager
def ahead(items: Iterable[Item], *, depth: int = DEPTH) -> Iterator[Iterator[Item]]:
    """Let a stream run ahead in a thread of its own, by at most `depth` items; it ends with the block.

    What the stream raises is raised where it is read.
    """
    runner = _Ahead(items, depth)
    try:
        yield iter(runner)
    finally:
        runner.stop()


@contextmanager
def in_the_background() -> Iterator[None]:
    """Tell the system that this thread, and what it starts, works through a batch: it is then switched less often.

    Where there is no such policy, nothing changes.
    """
    before = os.sched_getscheduler(0) if hasattr(os, "SCHED_BATCH") else None
    if before != getattr(os, "SCHED_OTHER", None) or before is None:
        yield
        return
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    try:
        yield
    finally:
        os.sched_setscheduler(0, before, os.sched_param(0))


def in_order(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    jobs: int,
    listen: Callable[[], None] | None = None,
    end: Callable[[], None] | None = None,
) -> Generator[Result, None, None]:
    """Work at items side by side and hand out the results in the order of the items.

    Args:
        work: called in threads; what it raises is raised here.
        items: read as the work goes on, never more than `jobs` + 1 ahead.
        jobs: how many at the same time.
        listen: called several times a second while nothing is ready; what it raises ends the work.
        end: called once, when no more is wanted: it ends what `work` is still waiting for, which is then waited for.
    """
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > jobs:
                    yield _result(waiting.popleft(), listen)
            while waiting:
                yield _result(waiting.popleft(), listen)
        finally:
            for future in waiting:
                future.cancel()
            if end is not None:
                end()


def _result(future: "Future[Result]", listen: Callable[[], None] | None) -> Result:
    while True:
        try:
            return future.result(timeout=LISTEN_S)
        except NotYetError:
            if future.done():
                raise
            if listen is not None:
                listen()
