"""What a store must do: the port between a plan and the place where files are published."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Protocol

from pipeline.errors import StorageError
from pipeline.model import Asset

OWN = "_pub/"
"""What stands before the keys of the publisher's own files, which no page names and nobody else may read."""

PROBE = f"{OWN}probe"
"""What the keys of test files begin with; one that a killed run left behind does no harm."""

Sent = Callable[[int], None]
"""Told how many bytes of a file have been sent so far; it may raise `Stopped`."""


class Stopped(BaseException):
    """The publishing thread has given up; not an Exception, so that no library takes it for a fault to retry."""


class Taken(Exception):  # noqa: N818  no fault: somebody else was first
    """The file that was to be exchanged is not, or no more, the one that was seen."""


class Refused(Exception):  # noqa: N818  no fault: what the condition was for
    """A service refused a request for its condition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What a store honours of what it is asked.

    if_none_match: it refuses to overwrite what must not be there; if_match: it replaces only what was seen;
    checksum: it compares what arrives with the SHA-256 it was told, and says so.
    """

    if_none_match: bool = True
    if_match: bool = True
    checksum: bool = True

    @classmethod
    def named(cls, names: object) -> "Abilities | None":
        """Read them from a list of names; None where it is none."""
        if not isinstance(names, list):
            return None
        return cls(**{each.name: each.name in names for each in fields(cls)})

    def names(self) -> list[str]:
        """List what is honoured."""
        return [each.name for each in fields(self) if getattr(self, each.name)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What a store says of a file; None for a header that this kind of store does not keep.

    sha256: of the content; size: of what is stored, which `encoding` may have made smaller.
    """

    size: int
    sha256: str
    content_type: str | None = None
    cache_control: str | None = None
    encoding: str | None = None
    tag: str = ""

    def holds(self, asset: Asset) -> bool:
        """Say whether the content, and how it is coded, are those of `asset`."""
        is_same = (self.sha256, self.encoding) == (asset.sha256, asset.encoding)
        return is_same and (asset.encoding is not None or self.size == asset.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagged:
    """A file's content, the tag that changes with it, and its age by the store's own clock."""

    data: bytes
    tag: str
    age_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A file that a store lists. tag: empty where the store has none."""

    key: str
    size: int
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One of the states of a key that a store has kept.

    id: the store's own name for it; is_current: whether it is what the key holds now; is_mark: whether it only says
    that the key was removed, and holds nothing.
    """

    key: str
    id: str
    is_current: bool
    is_mark: bool = False


class Store(Protocol):
    """A place where files are published under keys; every method raises StorageError where it cannot.

    A tag is the store's own mark of a file's content and headers: equal or not, and nothing else may be read from it.
    """

    @property
    def address(self) -> str:
        """The store's address for people, without secrets."""
        ...

    @property
    def endpoint(self) -> str:
        """Which service it is: what it honours is known of the service; empty for a folder."""
        ...

    @property
    def abilities(self) -> Abilities:
        """What the store is taken to honour."""
        ...

    def learn(self, known: Abilities | None) -> Abilities:
        """Take what is known of the store, or try it where nothing is."""
        ...

    def read(self, key: str) -> Tagged | None:
        """Return the content of `key`, or None where there is no such file."""
        ...

    def head(self, key: str) -> Stored | None:
        """Return what the store says of `key`, or None where there is no such file."""
        ...

    def digest(self, asset: Asset) -> str | None:
        """Read the file of `asset` whole and return the SHA-256 of its content, uncompressed; None where it is not."""
        ...

    def put(self, asset: Asset, path: Path, sent: Sent) -> str:
        """Store the file at `path`, which must have the SHA-256 and the size of `asset`, whole or not at all.

        What stands for ever is never overwritten: with the same content there it is left, with another it is an error.

        Returns:
            The new tag, once the store has confirmed the content.
        """
        ...

    def put_bytes(self, asset: Asset, data: bytes) -> str:
        """Store `data`, whole or not at all; return the new tag."""
        ...

    def exchange(self, asset: Asset, data: bytes, *, expected: str | None) -> str:
        """Store `data` only where the file still has the tag `expected`; None: only where there is no such file.

        Returns:
            The new tag, also where an earlier try had won and only its answer was lost.

        Raises:
            Taken: the file is another one.
        """
        ...

    def copy(self, asset: Asset, source: str, *, tag: str | None = None, origin: "Store | None" = None) -> str | None:
        """Make the file of `asset` from the one stored under the key `source`, without sending its content.

        Args:
            asset: what it shall be.
            source: a key.
            tag: the tag the source is known to have; without one, the store is asked for its SHA-256.
            origin: the store of the source, where it is another one.

        Returns:
            The new tag; None, with nothing changed, where that file is not there with the content of `asset`, or
            where the store does not copy: then the file must be put.
        """
        ...

    def set_headers(self, asset: Asset) -> str:
        """Replace all headers of a stored file and leave its content; return the new tag."""
        ...

    def delete(self, key: str) -> None:
        """Remove `key`; that it is already gone is no error."""
        ...

    def listing(self, prefix: str = "") -> Iterator[Listed]:
        """List every file whose key begins with `prefix`."""
        ...

    def versions(self, prefix: str = "") -> tuple[Version, ...] | None:
        """List every version of every file whose key begins with `prefix`; None where the store cannot tell."""
        ...

    def is_own(self, version: Version) -> bool:
        """Say whether this program wrote a version: its files carry their SHA-256."""
        ...

    def delete_version(self, version: Version) -> None:
        """Remove one version for good; that it is already gone is no error."""
        ...

    def abort_uploads(self, doomed: Callable[[str], bool]) -> tuple[str, ...]:
        """Remove what is half sent, by whomever, of the files whose key is doomed; return their keys."""
        ...

    def settle(self) -> None:
        """Make all that was written survive a power cut."""
        ...

    def stop(self) -> None:
        """Give up what is half sent, within a second."""
        ...


def is_lasting(key: str) -> bool:
    """Say whether a key's name carries the hash of its content, so that it never holds another."""
    return key.startswith(("media/", "assets/"))


def changed_since_the_build(path: Path) -> StorageError:
    """Make the error for a file of the build that is not what the manifest says."""
    return StorageError("the file has changed since the build", source=path, hint="build again, then publish")


def unreadable(path: Path, error: OSError) -> StorageError:
    """Make the error for a file of the build that cannot be read."""
    reason = error.strerror or type(error).__name__
    return StorageError(f"the file cannot be read ({reason})", source=path, hint="build again, then publish")


def other_content(address: str, key: str) -> StorageError:
    """Make the error for a file that stands for ever and whose place another one has taken."""
    hint = "somebody else wrote it: see whose it is, remove it in the store, and publish again"
    return StorageError("the store holds another file under this name", source=f"{address}/{key}", hint=hint)
