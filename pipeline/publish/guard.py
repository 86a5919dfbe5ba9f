"""A file -> a lock that the operating system gives to one process at a time, and takes back when that process ends."""

import os
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import BusyError, WorkspaceError

_POLL_SECONDS = 0.02
_MARK = "publisher"
_MARK_BYTES = 16


@contextmanager
def only_here(cache: Path) -> Iterator[str]:
    """Let one process at a time publish from a workspace; lend the workspace's own random mark.

    Args:
        cache: the workspace's folder for what may be lost.

    Raises:
        BusyError: another process of this computer is publishing from this workspace.
        WorkspaceError: the folder cannot be written.
    """
    path = cache / _MARK
    try:
        cache.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b")
    except OSError as error:
        hint = "check the free space and the rights of that folder, then publish again"
        raise WorkspaceError(f"cannot be written: {error.strerror}", source=path, hint=hint) from error
    with file:
        if not _locked(file):
            hint = "wait until it has ended, then publish again"
            raise BusyError("another cln-media is publishing from this workspace", source=cache.parent, hint=hint)
        yield _mark(file)


@contextmanager
def held(path: Path, *, patience_s: float) -> Iterator[None]:
    """Hold the lock of the file at `path`, which is made where it is missing.

    Raises:
        OSError: the file cannot be made.
        TimeoutError: another process has had it for longer than `patience_s`.
    """
    end = time.monotonic() + patience_s
    with path.open("a+b") as file:
        while not _locked(file):
            if time.monotonic() > end:
                raise TimeoutError
            time.sleep(_POLL_SECONDS)
        yield


def _mark(file: BinaryIO) -> str:
    file.seek(1)
    mark = file.read(2 * _MARK_BYTES).decode("ascii", "replace")
    if len(mark) == 2 * _MARK_BYTES and mark.isalnum():
        return mark
    mark = secrets.token_hex(_MARK_BYTES)
    file.truncate(0)
    file.write(b"\n" + mark.encode())
    file.flush()
    os.fsync(file.fileno())
    return mark


if sys.platform == "win32":
    import msvcrt

    def _locked(file: BinaryIO) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # the first byte; the mark stands behind it
        except OSError:
            return False
        return True

else:
    import fcntl

    def _locked(file: BinaryIO) -> bool:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a network drive without locks: the ledger in the store still keeps others out
            return True
        return True
