"""A transcript as plain text enters a program of this machine, what it answers leaves: the port to a language model.

The program is started without a shell, in the workspace, with only those names of the environment that any program
needs: no key or password of ours is among them.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pipeline.errors import MediaError

MOST_SECONDS = 600
MOST_BYTES = 20_000
_SETTLING_S = 5
_TICK_S = 0.1
_SOURCE = "notes.command"
_NAMES = """
    PATH HOME USER LOGNAME LANG LANGUAGE TZ TMPDIR TMP TEMP SYSTEMROOT SYSTEMDRIVE WINDIR COMSPEC PATHEXT USERPROFILE
    USERNAME APPDATA LOCALAPPDATA PROGRAMDATA PROGRAMFILES PROGRAMFILES(X86) NUMBER_OF_PROCESSORS
    PROCESSOR_ARCHITECTURE LD_LIBRARY_PATH DYLD_LIBRARY_PATH OMP_NUM_THREADS CUDA_VISIBLE_DEVICES
"""
_NEEDED = frozenset(_NAMES.split())


def answer(
    command: Sequence[str], text: str, *, folder: Path, seconds: float = MOST_SECONDS, most_bytes: int = MOST_BYTES
) -> str:
    """Give a program a text on standard input, and return what it writes to standard output.

    Args:
        command: the program and its arguments; a program named with a path that is not absolute is below `folder`.
        text: what it reads, as UTF-8.
        folder: where it runs.
        seconds: how long it may take.
        most_bytes: how much it may write.

    Returns:
        Its answer, without white space around it.

    Raises:
        MediaError: it cannot be started, fails, takes too long, or writes too much, nothing, or what is not text.
    """
    with tempfile.TemporaryFile() as said:
        said.write(text.encode())
        said.seek(0)
        process = _started(command, said.fileno(), folder)
        reader = _Reader(process, most_bytes)
        try:
            data = _read(process, reader, seconds, most_bytes)
        finally:
            _end(process, with_children=reader.is_alive())
            reader.join(_SETTLING_S)
    if process.returncode:
        raise _failed(
            f"ended with exit code {process.returncode}", "Run it by hand with a text, and look at its errors."
        )
    try:
        answered = data.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise _failed("wrote what is not UTF-8 text", "Let it write plain text or Markdown.") from error
    if not answered:
        raise _failed("wrote nothing", "It must write its answer to standard output.")
    return answered


def _started(command: Sequence[str], said: int, folder: Path) -> "subprocess.Popen[bytes]":
    program = command[0]
    if os.path.dirname(program) and not os.path.isabs(program):  # noqa: PTH117,PTH120
        program = str(folder / program)
    environment = {name: value for name, value in os.environ.items() if _is_needed(name)}
    try:
        return subprocess.Popen(
            [program, *command[1:]],
            stdin=said,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=environment,
            start_new_session=sys.platform != "win32",
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _failed(f"cannot be started: {reason}", "Give the program's whole path.") from error


def _is_needed(name: str) -> bool:
    return name.upper() in _NEEDED or name.upper().startswith("LC_")


class _Reader(threading.Thread):
    """Reads what a program writes until it ends, or until one byte more than allowed."""

    def __init__(self, process: "subprocess.Popen[bytes]", most_bytes: int) -> None:
        super().__init__(daemon=True)
        self._process, self._most_bytes = process, most_bytes
        self.data: bytes | None = None

    def run(self) -> None:
        if self._process.stdout is not None:
            with self._process.stdout as stream:
                self.data = stream.read(self._most_bytes + 1)


def _read(process: "subprocess.Popen[bytes]", reader: _Reader, seconds: float, most_bytes: int) -> bytes:
    until = time.monotonic() + seconds
    reader.start()
    while reader.is_alive() and process.poll() is None and time.monotonic() < until:
        reader.join(_TICK_S)
    if process.poll() is not None:
        reader.join(_SETTLING_S)
        if reader.is_alive():  # what it has started and left behind holds its output open
            _end(process, with_children=True)
            reader.join(_SETTLING_S)
    data = reader.data
    if data is not None and len(data) > most_bytes:
        raise _failed(f"wrote more than {most_bytes:,} bytes", "Let it write a summary of some paragraphs.")
    if data is not None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(until - time.monotonic(), 0))
    if data is None or process.poll() is None:
        raise _failed(f"took longer than {seconds:g} seconds", "Use a smaller model, or none.")
    return data


def _end(process: "subprocess.Popen[bytes]", *, with_children: bool = False) -> None:
    """End it, with what it started; what has ended by itself keeps its exit code."""
    if process.poll() is None or with_children:
        if sys.platform == "win32":
            process.kill()
        else:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_SETTLING_S)


def _failed(message: str, hint: str) -> MediaError:
    return MediaError(message, source=_SOURCE, hint=hint)
