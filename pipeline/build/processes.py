"""Processes that work for the one that builds: they leave Ctrl-C to it, end with it, and may be missed."""

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from typing import Any, TypeVar

MOST = 8
_AHEAD = 2  # pieces of work that wait for each process: what no more of them need is in memory

_T = TypeVar("_T")


def how_many(work: int, *, enough: int, jobs: int | None) -> int:
    """Say how many processes some work is worth.

    Args:
        work: pieces of it.
        enough: pieces for each process: with fewer, it costs more to start one than it saves.
        jobs: how many at most; None for as many as there are processors.
    """
    return min(jobs or os.cpu_count() or 1, MOST, work // enough)


def pool(processes: int, prepare: Callable[[bytes], None], given: bytes) -> ProcessPoolExecutor:
    """Make processes that are prepared once, each by what it is given.

    They are new ones, not copies of this one, which has threads: the same on every system.
    """
    return ProcessPoolExecutor(processes, get_context("spawn"), initializer=_begin, initargs=(prepare, given))


def in_order(
    workers: ProcessPoolExecutor, processes: int, work: Iterable[_T], begin: Callable[[_T], tuple[Any, ...]]
) -> "Iterator[tuple[_T, Any]]":
    """Have processes do work, a few pieces ahead of what is taken.

    Args:
        workers: from `pool`.
        processes: how many those are.
        work: in the order in which it is taken.
        begin: makes of a piece the function that a process calls, and its arguments.

    Yields:
        Each piece with what came of it; None where no process could do it.
    """
    waiting: deque[tuple[_T, Future[Any] | None]] = deque()
    with workers:
        try:
            for piece in work:
                waiting.append((piece, _submitted(workers, *begin(piece))))
                if len(waiting) > processes * _AHEAD:
                    yield _done(*waiting.popleft())
            while waiting:
                yield _done(*waiting.popleft())
        finally:
            workers.shutdown(cancel_futures=True)


def _done(piece: _T, made: "Future[Any] | None") -> tuple[_T, Any]:
    try:
        return piece, made.result() if made else None
    except (BrokenExecutor, OSError):
        return piece, None


def _submitted(workers: ProcessPoolExecutor, function: Callable[..., Any], *arguments: Any) -> "Future[Any] | None":
    try:
        with _undisturbed():
            return workers.submit(function, *arguments)
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


def _begin(prepare: Callable[[bytes], None], given: bytes) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    prepare(given)


def _end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)
