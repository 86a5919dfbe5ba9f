"""Jobs -> done by threads, many small ones and few large ones at a time, with progress, a voice and a quick end."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pipeline.publish.store import Stopped

LARGE_BYTES = 8_000_000
_SMALL_THREADS, _LARGE_THREADS = 64, 4
_POLL_SECONDS = 0.1  # on Windows, a wait without an end cannot be interrupted
_STOP_SECONDS = 0.9
_SILENCE_SECONDS, _REPEAT_SECONDS = 8.0, 15.0

Result = TypeVar("Result")
Report = Callable[[int], None]
Voice = Callable[[float], None]
"""Told for how many seconds nothing has moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of work. size: the bytes it sends; run: is given what it tells its progress to."""

    key: str
    size: int
    run: Callable[[Report], None]


class Crew:
    """Threads that do jobs; daemons, so that a person who presses Ctrl-C does not wait for a slow network.

    Args:
        report: told, in the calling thread, the bytes sent so far.
        voice: told, in the calling thread, when nothing moves.
        watch: called in the calling thread while it waits; what it raises ends the work.
        stop: called when the work ends early: it gives up what is half done.
    """

    def __init__(
        self,
        *,
        report: Report | None = None,
        voice: Voice | None = None,
        watch: Callable[[], None] | None = None,
        stop: Callable[[], None] | None = None,
    ) -> None:
        self._report, self._voice, self._watch, self._give_up = report, voice, watch, stop
        self._sent: dict[str, int] = {}
        self._stop = threading.Event()

    def run(self, jobs: Sequence[Job]) -> None:
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
            if self._give_up:
                self._give_up()
            for thread in threads:
                thread.join(max(0.0, end - time.monotonic()))
            raise

    def call(self, ask: Callable[[], Result]) -> Result:
        """Do one thing that may take long, and return what it returns."""
        answers: list[Result] = []
        self.run([Job(key="", size=0, run=lambda _: answers.append(ask()))])
        return answers[0]

    def _start(
        self, jobs: Sequence[Job], at_once: int, outcomes: "queue.SimpleQueue[BaseException | None]"
    ) -> list[threading.Thread]:
        waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
        for job in jobs:
            waiting.put(job)
        threads: list[threading.Thread] = []
        while len(threads) < at_once and not waiting.empty():  # a fast store leaves nothing for more threads to do
            threads.append(threading.Thread(target=self._work, args=(waiting, outcomes), daemon=True))
            threads[-1].start()
        return threads

    def _work(self, waiting: "queue.SimpleQueue[Job]", outcomes: "queue.SimpleQueue[BaseException | None]") -> None:
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
        silence = _Silence(self._voice)
        while count:
            try:
                error = outcomes.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                pass
            else:
                if error is not None:
                    raise error
                count -= 1
            done = sum(self._sent.values())
            silence.heard((count, done))
            if self._report:
                self._report(done)
            if self._watch:
                self._watch()


def patiently(ask: Callable[[], Result], *, voice: Voice | None = None) -> Result:
    """Do one thing that may take long, saying so when it does; return what it returns, raise what it raises."""
    return Crew(voice=voice).call(ask)


def patiently_all(asks: Sequence[Callable[[], Result]], *, voice: Voice | None = None) -> list[Result]:
    """Do several things that may take long at the same time; return what they return, in their order."""
    answers: dict[int, Result] = {}

    def job(number: int, ask: Callable[[], Result]) -> Job:
        def run(_: Report) -> None:
            answers[number] = ask()

        return Job(key=str(number), size=0, run=run)

    Crew(voice=voice).run([job(number, ask) for number, ask in enumerate(asks)])
    return [answers[number] for number in range(len(asks))]


class _Silence:
    """Speaks up when nothing has moved for a while, and again from time to time."""

    def __init__(self, voice: Voice | None) -> None:
        self._voice = voice
        self._last: object = None
        self._since = time.monotonic()
        self._next_s = _SILENCE_SECONDS

    def heard(self, state: object) -> None:
        """Take note of how things stand."""
        now = time.monotonic()
        if state != self._last:
            self._last, self._since, self._next_s = state, now, _SILENCE_SECONDS
        elif self._voice and now - self._since >= self._next_s:
            self._voice(now - self._since)
            self._next_s += _REPEAT_SECONDS
