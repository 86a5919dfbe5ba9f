"""A download as far as it has come: a file, and beside it what is needed to go on; nothing is asked here."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.errors import IngestError

CHUNK_BYTES = 1 << 16
PARTIAL = 206


class PassingError(Exception):
    """Something that may go well next time; pause_s: how long the server wants to be left alone."""

    def __init__(self, message: str, pause_s: float = 0.0) -> None:
        super().__init__(message)
        self.pause_s = pause_s


class NoSuchPartError(PassingError):
    """The server has not the rest that was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloaded:
    """A file that has arrived whole."""

    path: Path
    sha256: str
    size: int


class Part:
    """A download under way: the file as far as it has come, and what the server said of the whole."""

    def __init__(self, url: str, path: Path, limit: int, progress: Callable[[int], None]) -> None:
        self.url, self.path, self.limit, self.progress = url, path, limit, progress
        self.facts_path = facts_path(path)
        self.size = 0
        self.total: int | None = None
        self.digest = hashlib.sha256()

    @property
    def is_whole(self) -> bool:
        """Say whether all of it is there, so that nothing needs to be asked."""
        return self.size > 0 and self.size == self.total

    def begin(self) -> dict[str, str]:
        """Read how far it has come; return the headers that ask for the rest."""
        facts = self._facts()
        validator, self.total = facts.get("validator"), facts.get("total")
        self.size, self.digest = 0, hashlib.sha256()
        if facts.get("url") == self.url and validator and self.path.is_file():
            with self.path.open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    self.digest.update(chunk)
                    self.size += len(chunk)
        self.progress(self.size)
        return {"Range": f"bytes={self.size}-", "If-Range": str(validator)} if self.size else {}

    def open(self, response: Any) -> BinaryIO:
        """Open the file for what the server sends: the rest, or the whole from the start."""
        if response.status == PARTIAL:
            wanted = f"bytes {self.size}-{(self.total or 0) - 1}/{self.total}"
            if response.headers.get("Content-Range", "") != wanted:
                raise NoSuchPartError("sends another part than it was asked for")
            return self.path.open("ab")
        self.size, self.digest, self.total = 0, hashlib.sha256(), length(response)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(b"")
        facts = {"url": self.url, "validator": _validator(response), "total": self.total}
        self.facts_path.write_text(json.dumps(facts), encoding="utf-8")
        return self.path.open("ab")

    def write(self, file: BinaryIO, chunk: bytes) -> None:
        """Write what has arrived; what is written stays, whatever ends the program."""
        file.write(chunk)
        file.flush()
        self.digest.update(chunk)
        self.size += len(chunk)
        self.progress(self.size)

    def downloaded(self) -> Downloaded:
        """Return the file, whole."""
        return Downloaded(path=self.path, sha256=self.digest.hexdigest(), size=self.size)

    def discard(self) -> None:
        """Remove what has arrived: it is not what it should be."""
        with self.guarded():
            self.path.unlink(missing_ok=True)
            self.facts_path.unlink(missing_ok=True)
        self.size = 0

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn the disk's errors into sentences."""
        try:
            yield
        except OSError as error:
            hint = "Check the free space and the rights there, and run the command again: it goes on where it was."
            raise IngestError(f"cannot be written: {error.strerror}", source=self.path, hint=hint) from error

    def _facts(self) -> dict[str, Any]:
        try:
            facts = json.loads(self.facts_path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return facts if isinstance(facts, dict) else {}


def facts_path(part: Path) -> Path:
    """Name the file beside a part that tells how to go on with it."""
    return part.with_name(f"{part.name}.json")


def length(response: Any) -> int | None:
    """Return the length that an answer announces, in bytes."""
    text = response.headers.get("Content-Length") or ""
    return int(text) if re.fullmatch(r"[0-9]{1,15}", text) else None


def _validator(response: Any) -> str | None:
    etag: str = response.headers.get("ETag") or ""
    # A weak ETag may not stand in If-Range (RFC 9110).
    return etag if etag.startswith('"') else response.headers.get("Last-Modified")


def refuse_shorter(size: int, total: int | None) -> None:
    """Refuse an answer that broke off.

    Raises:
        PassingError: it did.
    """
    if total is not None and size != total:
        raise PassingError(f"broke off after {size:,} of {total:,} bytes")
