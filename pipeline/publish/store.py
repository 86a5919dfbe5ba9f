"""What a store must do: the port between a plan and the place where files are published."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.errors import StorageError
from pipeline.model import Asset

Sent = Callable[[int], None]
"""Told how many bytes of a file have been sent so far; it may raise `Stopped`."""


class Stopped(BaseException):
    """The publishing thread has given up; not an Exception, so that no library takes it for a fault to retry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What a store says of a file; None for a header that this kind of store does not keep."""

    size: int
    sha256: str
    content_type: str | None = None
    cache_control: str | None = None


class Store(Protocol):
    """A place where files are published under keys; every method raises StorageError where it cannot."""

    @property
    def address(self) -> str:
        """The store's address for people, without secrets."""
        ...

    def read(self, key: str) -> bytes | None:
        """Return the content of `key`, or None where there is no such file."""
        ...

    def head(self, key: str) -> Stored | None:
        """Return what the store says of `key`, or None where there is no such file."""
        ...

    def put(self, asset: Asset, path: Path, sent: Sent) -> None:
        """Store the file at `path`, which must have the SHA-256 and the size of `asset`, whole or not at all."""
        ...

    def put_bytes(self, asset: Asset, data: bytes) -> None:
        """Store `data`, whole or not at all."""
        ...

    def copy(self, asset: Asset, source: str) -> bool:
        """Make the file of `asset` from the one stored under the key `source`, without sending its content.

        Returns:
            False, with nothing changed, where that file is not there with the content of `asset`, or where the store
            does not copy: then the file must be put.
        """
        ...

    def set_headers(self, asset: Asset) -> None:
        """Replace the headers of a stored file and leave its content."""
        ...

    def delete(self, key: str) -> None:
        """Remove `key`; that it is already gone is no error."""
        ...


def changed_since_the_build(path: Path) -> StorageError:
    """Make the error for a file of the build that is not what the manifest says."""
    return StorageError("the file has changed since the build", source=path, hint="build again, then publish")


def unreadable(path: Path, error: OSError) -> StorageError:
    """Make the error for a file of the build that cannot be read."""
    reason = error.strerror or type(error).__name__
    return StorageError(f"the file cannot be read ({reason})", source=path, hint="build again, then publish")
