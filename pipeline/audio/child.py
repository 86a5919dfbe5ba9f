"""A command and blocks of sound enter, files leave: the ffmpeg program encodes them, as a child fed through a pipe."""

import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import numpy as np

from pipeline.audio.encoder import NO_ROOM, start
from pipeline.audio.graph import Block
from pipeline.errors import AudioError

QUIET = ("-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-xerror")
PLAIN = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact")


class Child:
    """A running ffmpeg program: write blocks of sound, then finish."""

    def __init__(self, process: "subprocess.Popen[bytes]", pipe: IO[bytes], said: IO[bytes], folder: Path) -> None:
        self._process = process
        self._pipe = pipe
        self._said = said
        self._folder = folder

    def write(self, block: Block) -> None:
        """Hand over one more block.

        Raises:
            AudioError: the program has stopped: the disk is full, or it refused.
        """
        try:
            self._pipe.write(np.ascontiguousarray(block.T, dtype="<f4").tobytes())
        except OSError as error:
            raise self._failure() from error

    def finish(self) -> None:
        """Wait until its files are complete.

        Raises:
            AudioError: they could not be completed.
        """
        try:
            self._pipe.close()
        except OSError as error:
            raise self._failure() from error
        if self._process.wait() != 0:
            raise self._failure()

    def _failure(self) -> AudioError:
        self._process.wait()
        self._said.seek(0)
        said = self._said.read().decode(errors="replace").strip()
        limit = self._process.returncode == -getattr(signal, "SIGXFSZ", 0) != 0
        if limit or any(reason in said for reason in NO_ROOM):
            hint = "make room there, or raise the limit on file sizes, and build again"
            return AudioError("has no room for sound: the disk or a limit is reached", source=self._folder, hint=hint)
        last = said.splitlines()[-1] if said else f"it ended with {self._process.returncode}"
        hint = "check the audio settings in cln_media.toml and the rights on the folder"
        return AudioError(f"sound cannot be encoded here: ffmpeg says: {last}", source=self._folder, hint=hint)


def sound_in(*, rate_hz: int, channels: int) -> tuple[str, ...]:
    """Say to ffmpeg what blocks it will be given."""
    return ("-f", "f32le", "-ar", str(rate_hz), "-ac", str(channels), "-i", "pipe:0")


def file_out(path: Path) -> str:
    """Name a file to ffmpeg: a colon in its path names no protocol."""
    return f"file:{path.absolute()}"


@contextmanager
def feeding(command: list[str], folder: Path) -> Iterator[Child]:
    """Run ffmpeg and feed it.

    Args:
        command: the program and its arguments; it reads from its standard input.
        folder: where it writes, for what errors say.

    Leaving ends the child: complete after `Child.finish`, else killed.

    Raises:
        AudioError: it cannot be started, or what it does fails.
    """
    with tempfile.TemporaryFile() as said:  # a pipe that nobody reads could fill up and stop it
        process = start(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said)
        try:
            if process.stdin is not None:
                yield Child(process, process.stdin, said, folder)
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
    with suppress(OSError):  # what was still to be written to a child that is gone
        if process.stdin is not None:
            process.stdin.close()
