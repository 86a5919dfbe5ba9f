"""A command and samples enter, what it makes of them leaves: encoders are children that can all be killed at once."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from subprocess import PIPE
from threading import Lock, Thread
from typing import IO

from pipeline.audio.encoder import start

PIPE_BYTES = 1 << 20  # where the system lets it be larger than usual: the encoder is woken less often


class Running:
    """The encoders that run now; `end` kills them from any thread, and none starts after that."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._ended = False

    def end(self) -> None:
        """Kill every encoder; each `encode` that waits for one raises CancelledError."""
        with self._lock:
            self._ended = True
            for process in self._processes:
                process.kill()

    @contextmanager
    def start(self, command: list[str]) -> Iterator["subprocess.Popen[bytes]"]:
        """Run an encoder; leaving ends it.

        Raises:
            AudioError: it cannot be started.
            CancelledError: `end` was called, before or meanwhile.
        """
        with self._lock:
            if self._ended:
                raise CancelledError
            process = start(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, pipesize=PIPE_BYTES)
            self._processes.add(process)
        with process:
            try:
                yield process
                if self._ended:
                    raise CancelledError
            finally:
                with self._lock:
                    self._processes.discard(process)
                process.kill()
                process.wait()


def exchange(process: "subprocess.Popen[bytes]", samples: memoryview) -> tuple[bytes, bytes]:
    """Feed a process all it is to read, and return what it wrote, and what it said of it."""
    # Popen.communicate would write in blocks of 4 KiB, at a multiple of the cost.
    pipe, process.stdin = process.stdin, None
    writer = Thread(target=_feed, args=(pipe, samples), daemon=True)
    writer.start()
    answer = process.communicate()
    writer.join()
    return answer


def _feed(pipe: IO[bytes], samples: memoryview) -> None:
    with suppress(OSError), pipe:  # an encoder that takes no more says why by its exit, or by what it gave
        pipe.write(samples)
