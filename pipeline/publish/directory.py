"""Files of a release -> a folder that a web server serves; each file is whole at every moment, even after a crash."""

import errno
import hashlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import StorageError
from pipeline.model import Asset
from pipeline.publish.guard import held
from pipeline.publish.store import (
    OWN,
    Abilities,
    Listed,
    Sent,
    Store,
    Stored,
    Tagged,
    Taken,
    Version,
    changed_since_the_build,
    other_content,
    unreadable,
)

_CHUNK_BYTES = 1 << 20
_PART_PREFIX, _PART_SUFFIX = ".cln-media-", ".part"
_GUARD = f"{OWN}.guard"
_GUARD_SECONDS = 10.0
_HINTS = {
    errno.ENOSPC: "free some space on that disk, then publish again",
    errno.EDQUOT: "free some space in your quota, then publish again",
    errno.EACCES: "ask for the right to write there, or close the program that has the file open",
    errno.EPERM: "ask for the right to write there, or close the program that has the file open",
    errno.EROFS: "choose a folder that can be written",
}


class DirectoryStore:
    """A store that is a folder of this machine or of a network drive.

    Args:
        folder: where to publish; made with the first file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._is_swept = False
        self._unsettled: set[Path] = set()

    @property
    def address(self) -> str:
        """The folder's path."""
        return str(self._folder)

    @property
    def endpoint(self) -> str:
        """No service."""
        return ""

    @property
    def abilities(self) -> Abilities:
        """All of them: the operating system sees to it."""
        return Abilities()

    def learn(self, known: Abilities | None) -> Abilities:  # noqa: ARG002  a folder has nothing to hide
        """Return what a folder honours."""
        return self.abilities

    def read(self, key: str) -> Tagged | None:
        """Return the content of `key`, or None where there is no such file."""
        path = self.path(key)
        try:
            with path.open("rb") as file:
                data, written_at = file.read(), os.fstat(file.fileno()).st_mtime
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _fault(error, path) from error
        return Tagged(data=data, tag=_tag(data), age_s=max(0.0, time.time() - written_at))

    def head(self, key: str) -> Stored | None:
        """Return the size and SHA-256 of `key`; a folder keeps no headers."""
        path = self.path(key)
        try:
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                return Stored(size=file.tell(), sha256=sha256)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _fault(error, path) from error

    def digest(self, asset: Asset) -> str | None:
        """Return the SHA-256 of the content of a file."""
        stored = self.head(asset.key)
        return stored.sha256 if stored else None

    def put(self, asset: Asset, path: Path, sent: Sent) -> str:
        """Copy the file at `path`, unless it is there already."""
        if self.holds(asset):
            return ""
        if asset.key.startswith("media/") and self.path(asset.key).exists():
            raise other_content(self.address, asset.key)
        with _opened(path) as source, self._replacing(asset.key) as target:
            if _copy(source, path, target, sent) != asset.sha256:
                raise changed_since_the_build(path)
        return ""

    def put_bytes(self, asset: Asset, data: bytes) -> str:
        """Store `data` under the key of `asset`."""
        with self._replacing(asset.key) as target:
            target.write(data)
        return ""

    def exchange(self, asset: Asset, data: bytes, *, expected: str | None) -> str:
        """Store `data` where the file is the one that was seen; a lock of the operating system keeps others out."""
        guard = self.path(_GUARD)
        try:
            guard.parent.mkdir(parents=True, exist_ok=True)
            with held(guard, patience_s=_GUARD_SECONDS):
                found = self.read(asset.key)
                if (found.tag if found else None) != expected:
                    raise Taken
                self.put_bytes(asset, data)
                self._sweep_once()
        except TimeoutError as error:
            raise Taken from error
        except OSError as error:
            raise _fault(error, guard) from error
        return _tag(data)

    def copy(self, asset: Asset, source: str, *, tag: str | None = None, origin: Store | None = None) -> str | None:
        """Give a stored file a second name; where the disk cannot do that, or it is another folder's, copy it."""
        place = origin or self
        if tag is not None or not isinstance(place, DirectoryStore) or not place.holds(replace(asset, key=source)):
            return None
        original = place.path(source)
        if place is not self or not self._has_second_name(asset, original):
            self.put(asset, original, lambda _: None)
        return ""

    def _has_second_name(self, asset: Asset, original: Path) -> bool:
        try:
            with self._part(asset.key) as part:
                part.hardlink_to(original)
        except (StorageError, NotImplementedError):  # a disk without second names
            return False
        return True

    def set_headers(self, asset: Asset) -> str:  # noqa: ARG002
        """Do nothing: a folder keeps no headers, the web server that serves it sets them."""
        return ""

    def listing(self, prefix: str = "") -> Iterator[Listed]:
        """List every file whose key begins with `prefix`, but what an interrupted run left behind."""
        for folder, folders, names in os.walk(self._folder):
            folders.sort()
            for name in sorted(names):
                key = Path(folder, name).relative_to(self._folder).as_posix()
                if key.startswith(prefix) and key != _GUARD and not _is_part(name):
                    with suppress(FileNotFoundError):  # it has just gone
                        yield Listed(key=key, size=Path(folder, name).lstat().st_size)

    def versions(self, prefix: str = "") -> tuple[Version, ...] | None:  # noqa: ARG002
        """Return None: a folder does not tell whether its disk, or a backup, has kept what was there before."""
        return None

    def is_own(self, version: Version) -> bool:  # noqa: ARG002
        """Say no: a folder lists no versions."""
        return False

    def delete_version(self, version: Version) -> None:
        """Do nothing: a folder lists no versions."""

    def abort_uploads(self, doomed: Callable[[str], bool]) -> tuple[str, ...]:  # noqa: ARG002
        """Do nothing: what is half written has a name of its own, and is swept by whoever takes the turn."""
        return ()

    def settle(self) -> None:
        """Make the new names survive a power cut, as their content does already."""
        with self._lock:
            folders, self._unsettled = self._unsettled, set()
        for folder in folders:
            _sync_folder(folder)

    def stop(self) -> None:
        """Do nothing: what is half written has another name, and is swept by the next run."""

    def delete(self, key: str) -> None:
        """Remove `key`, and the folders that this leaves empty."""
        path = self.path(key)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _fault(error, path) from error
        for folder in path.relative_to(self._folder).parents[:-1]:
            try:
                (self._folder / folder).rmdir()
            except OSError:  # it holds other files, or another thread was first
                return

    def holds(self, asset: Asset) -> bool:
        """Say whether the file of `asset` is there, byte for byte."""
        path = self.path(asset.key)
        with suppress(OSError):  # then it is not there as it should be, and is written
            if path.is_symlink() or path.stat().st_size != asset.size:
                return False
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == asset.sha256
        return False

    @contextmanager
    def _replacing(self, key: str) -> Iterator[BinaryIO]:
        with self._part(key) as part, part.open("xb") as target:
            yield target
            target.flush()
            os.fsync(target.fileno())

    @contextmanager
    def _part(self, key: str) -> Iterator[Path]:
        """Lend the path of a file that takes the place of `key` at the end."""
        path = self.path(key)
        part = path.with_name(f"{_PART_PREFIX}{secrets.token_hex(8)}{_PART_SUFFIX}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield part
            part.replace(path)
            with self._lock:
                self._unsettled.add(path.parent)
        except OSError as error:
            raise _fault(error, path) from error
        finally:
            with suppress(OSError):  # swept by the next run
                part.unlink(missing_ok=True)

    def _sweep_once(self) -> None:
        """Remove what an interrupted run left behind; whoever has just taken the turn writes alone."""
        with self._lock:
            if self._is_swept:
                return
            for folder, _, names in os.walk(self._folder):
                for name in filter(_is_part, names):
                    Path(folder, name).unlink(missing_ok=True)
            self._is_swept = True

    def path(self, key: str) -> Path:
        """Say where the file of `key` is; never outside the folder."""
        parts = key.split("/")
        if any(part in ("", ".", "..") for part in parts) or any(ord(c) < 32 or c in '\\:*?"<>|' for c in key):  # noqa: PLR2004  control characters
            raise StorageError(f"{key!r} is not a key that can be a file's name", source=self.address)
        path = self._folder.joinpath(*parts)
        try:
            inside = path.parent.resolve().is_relative_to(self._folder.resolve())
            if inside and path.is_symlink():
                inside = path.resolve().is_relative_to(self._folder.resolve())
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
            raise StorageError("the path cannot be followed", source=path, hint="look for broken links") from error
        if not inside:
            hint = "remove the link, or publish to the folder it points to"
            raise StorageError("a link leads out of the published folder", source=path, hint=hint)
        return path


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise unreadable(path, error) from error
    with file:
        yield file


def _copy(source: BinaryIO, path: Path, target: BinaryIO, sent: Sent) -> str:
    digest, size = hashlib.sha256(), 0
    while chunk := _read(source, path):
        digest.update(chunk)
        target.write(chunk)
        size += len(chunk)
        sent(size)
    return digest.hexdigest()


def _read(source: BinaryIO, path: Path) -> bytes:
    try:
        return source.read(_CHUNK_BYTES)
    except OSError as error:
        raise unreadable(path, error) from error


def _tag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _is_part(name: str) -> bool:
    return name.startswith(_PART_PREFIX) and name.endswith(_PART_SUFFIX)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows has no such request, and writes names through
        return
    with suppress(OSError):  # the folder has gone since, or the drive cannot; the content is safe already
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _fault(error: OSError, path: Path) -> StorageError:
    reason = error.strerror or type(error).__name__
    hint = _HINTS.get(error.errno or 0, "check the folder in [storage] url of cln_media.toml")
    return StorageError(f"the published file cannot be written or read ({reason})", source=path, hint=hint)
