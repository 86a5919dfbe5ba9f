"""Who did what and when -> a line in audit.jsonl, each with the SHA-256 of the line before; nothing is ever changed.

No words of a recording stand in it: of a finding only its hash.
"""

import getpass
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.errors import MediaError, WorkspaceError
from pipeline.model import Problem

START = "0" * 64
_MOST_BYTES = 100_000
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the trail. number: from 1; before: the SHA-256 of the line before; sha256: of this one."""

    number: int
    at: str
    what: str
    slug: str | None
    who: str
    facts: Mapping[str, Any]
    before: str
    sha256: str


def note(path: Path, what: str, *, slug: str | None = None, **facts: Any) -> Entry:
    """Add a line to the trail, and see that it is on the disk.

    A line that a killed program or a full disk left half written is closed off, as a line that counts for nothing.

    Args:
        path: audit.jsonl of a workspace.
        what: `ingest`, `decide`, `sign-off`, `publish`, `withdraw` and the like.
        slug: the episode, None for the show.
        facts: JSON values; no content of findings.

    Raises:
        WorkspaceError: the trail cannot be written.
    """
    try:
        with path.open("a+b") as file, _locked(file.fileno()):
            number, before, is_whole = _end(path)
            line = _line(number + 1, what, slug, facts, before)
            file.write((b"" if is_whole else b"\n") + line + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        hint = "Check the free space and the rights of that file: nothing is done without a trace of it."
        raise WorkspaceError(f"cannot be written: {error.strerror}", source=path, hint=hint) from error
    return _entry(json.loads(line), line)


def entries(path: Path) -> Iterator[Entry]:
    """Read the trail, line by line; lines that cannot be read are left out (see `verify`)."""
    for line in _lines(path):
        try:
            yield _entry(json.loads(line), line)
        except _UNREADABLE:
            continue


def verify(path: Path, *, source: str) -> tuple[tuple[Problem, ...], str]:
    """Read the whole trail and find where it was changed, cut or put in another order.

    Args:
        path: audit.jsonl of a workspace.
        source: its name for people.

    Returns:
        What is wrong, and the SHA-256 of the last line: whoever has noted it elsewhere also sees whether lines at the
        end are missing.
    """
    problems: list[Problem] = []
    before, number = START, 0
    for place, line in enumerate(_lines(path), 1):
        try:
            entry = _entry(json.loads(line), line)
        except _UNREADABLE:
            message, hint = f"line {place} cannot be read", "It may be of a run that was killed while it wrote."
            problems.append(Problem(source=source, message=message, hint=hint, fatal=False))
            continue
        if (entry.before, entry.number) != (before, number + 1):
            message = f"line {place} does not follow the line before: a line was changed, removed or put in"
            hint = "Compare it with an earlier copy, such as a backup; what stands after it can be trusted as a whole."
            problems.append(Problem(source=source, message=message, hint=hint))
        before, number = entry.sha256, entry.number
    return tuple(problems), before


def head(path: Path) -> str:
    """Return the SHA-256 of the last line; START where there is none."""
    return _end(path)[1]


def holds(path: Path, sha256: str) -> bool:
    """Say whether a line with this SHA-256 stands in the trail."""
    return sha256 == START or any(entry.sha256 == sha256 for entry in entries(path))


def _line(number: int, what: str, slug: str | None, facts: Mapping[str, Any], before: str) -> bytes:
    said = {
        "number": number,
        "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "what": what,
        "slug": slug,
        "who": _user(),
        "facts": dict(facts),
        "before": before,
    }
    line = json.dumps(said, ensure_ascii=False, default=str).encode()
    if len(line) > _MOST_BYTES:
        raise MediaError(f"{what} has more to note than a line may hold", source="audit.jsonl")
    return line


def _entry(given: dict[str, Any], line: bytes) -> Entry:
    return Entry(**{**given, "number": int(given["number"]), "sha256": hashlib.sha256(line).hexdigest()})


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            for line in file:
                if stripped := line.rstrip(b"\r\n"):
                    yield stripped
    except FileNotFoundError:
        return
    except OSError as error:
        raise WorkspaceError(f"cannot be read: {error.strerror}", source=path, hint="Check its rights.") from error


def _end(path: Path) -> tuple[int, str, bool]:
    number, sha256 = 0, START
    for entry in entries(path):
        number, sha256 = entry.number, entry.sha256
    size = path.stat().st_size if path.exists() else 0
    if not size:
        return number, sha256, True
    with path.open("rb") as file:
        file.seek(size - 1)
        return number, sha256, file.read(1) == b"\n"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a computer without user names
        return "somebody"


if sys.platform == "win32":
    import msvcrt

    _BEYOND_THE_END = 1 << 40

    @contextmanager
    def _locked(descriptor: int) -> Iterator[None]:
        os.lseek(descriptor, _BEYOND_THE_END, os.SEEK_SET)  # where nobody reads
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
        try:
            yield
        finally:
            os.lseek(descriptor, _BEYOND_THE_END, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    @contextmanager
    def _locked(descriptor: int) -> Iterator[None]:
        with suppress(OSError):  # a network drive without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield  # closing the file gives the lock back
