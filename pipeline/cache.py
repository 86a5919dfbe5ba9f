"""Slow results by content key, in .cache/: what enters is a key and a file, what leaves is the same file or a miss.

Safe to delete at any time. A damaged entry is a miss. Nothing of the standard library's pickle: an entry is a file
and, beside it, what is known of the file as JSON.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import WorkspaceError

CHUNK_BYTES = 1 << 20
_HASHES_NAME = "hashes.json"
_VERSION = 1
_SETTLED_NS = 2_000_000_000


def key(*parts: object) -> str:
    """Derive a content key from everything that changes a result.

    Args:
        parts: JSON values, in a fixed order.

    Returns:
        64 hexadecimal digits.
    """
    return hashlib.sha256(json.dumps([_VERSION, *parts], sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def sha256_file(path: Path) -> str:
    """Hash a file's content, in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A cached file and what was known of it when it was put."""

    path: Path
    facts: dict[str, Any]


class Cache:
    """A folder of entries, and a memory of file hashes.

    A hash is remembered under the file's size, inode, modification and change times, as git's index does: reading a
    gigabyte again to learn that nothing changed would cost more than the whole build. Only a file that was already
    still for two seconds when it was hashed is remembered, so that a change within one clock tick is not missed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._hashes = {
            name: value for name, value in (_read_json(root / _HASHES_NAME) or {}).items() if _is_memory(value)
        }
        self._written = dict(self._hashes)

    def get(self, kind: str, entry_key: str) -> Entry | None:
        """Find an entry.

        Args:
            kind: a folder name, such as "masters".
            entry_key: from `key`.

        Returns:
            The entry, or None: not there, or not as it was put.
        """
        record = _unsealed(_read_json(self._facts_path(kind, entry_key)))
        if record is None:
            return None
        path = self._folder(kind) / str(record["file"])
        if not path.is_file() or self.sha256(path) != record["sha256"]:
            return None
        return Entry(path=path, facts=record["facts"])

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Lend an empty folder in the cache, gone afterwards; those of killed builds go with it.

        Raises:
            WorkspaceError: the cache cannot be written.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self._sweep()
            folder = Path(tempfile.mkdtemp(prefix=f"work-{os.getpid()}-", dir=self.root))
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def put(self, kind: str, entry_key: str, file: Path, facts: Mapping[str, Any]) -> Entry:
        """Move a finished file into the cache.

        Args:
            kind: as for `get`.
            entry_key: as for `get`.
            file: on the same disk as the cache (see `scratch`); it is moved.
            facts: JSON values to keep with it.

        Raises:
            WorkspaceError: the cache cannot be written.
        """
        path = self._folder(kind) / (entry_key + file.suffix)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            record = {"file": path.name, "sha256": sha256_file(file), "facts": dict(facts)}
            file.replace(path)
            write_atomic(self._facts_path(kind, entry_key), _sealed(record))
        except OSError as error:
            raise self._unwritable(error) from error
        return Entry(path=path, facts=dict(facts))

    def get_folder(self, kind: str, entry_key: str) -> Entry | None:
        """Find an entry that is a folder: its path, and what was known of it; None where not all is as it was put."""
        record = self.known(kind, entry_key)
        folder = self._folder(kind) / entry_key
        if record is None or not all(
            (folder / name).is_file() and self.sha256(folder / name) == sha256
            for name, sha256 in record["files"].items()
        ):
            return None
        return Entry(path=folder, facts=record["facts"])

    def put_folder(self, kind: str, entry_key: str, folder: Path, facts: Mapping[str, Any]) -> Entry:
        """Move a finished folder into the cache, in the place of what stood there.

        Args:
            kind: as for `get`.
            entry_key: as for `get`.
            folder: on the same disk as the cache (see `scratch`); it is moved.
            facts: JSON values to keep with it.

        Raises:
            WorkspaceError: the cache cannot be written.
        """
        target = self._folder(kind) / entry_key
        try:
            found = sorted(path for path in folder.rglob("*") if path.is_file())
            files = {path.relative_to(folder).as_posix(): sha256_file(path) for path in found}
            self._facts_path(kind, entry_key).unlink(missing_ok=True)
            shutil.rmtree(target, ignore_errors=True)
            target.parent.mkdir(parents=True, exist_ok=True)
            folder.replace(target)
            for name, sha256 in files.items():
                self.remember(target / name, sha256)
        except OSError as error:
            raise self._unwritable(error) from error
        self.note(kind, entry_key, {"files": files, "facts": dict(facts)})
        return Entry(path=target, facts=dict(facts))

    def keep_only(self, kind: str, entry_keys: Collection[str]) -> None:
        """Remove the folders of a kind that are not named; what cannot be removed stays, and harms nobody."""
        for path in self._folder(kind).glob("*"):
            if path.name.removesuffix(".json") not in entry_keys:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)

    def facts(self, kind: str, entry_key: str, find: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the facts kept under a key without a file, or find and keep them.

        Raises:
            WorkspaceError: the cache cannot be written.
        """
        known = self.known(kind, entry_key)
        return known if known is not None else self.note(kind, entry_key, find())

    def is_noted(self, kind: str, entry_key: str) -> bool:
        """Say whether facts, whole or damaged, are kept under a key."""
        return self._facts_path(kind, entry_key).is_file()

    def known(self, kind: str, entry_key: str) -> dict[str, Any] | None:
        """Return the facts kept under a key without a file, or None."""
        return _unsealed(_read_json(self._facts_path(kind, entry_key)))

    def note(self, kind: str, entry_key: str, facts: dict[str, Any]) -> dict[str, Any]:
        """Keep facts under a key without a file.

        Raises:
            WorkspaceError: the cache cannot be written.
        """
        path = self._facts_path(kind, entry_key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, _sealed(facts))
        except OSError as error:
            raise self._unwritable(error) from error
        return facts

    def sha256(self, path: Path | str) -> str:
        """Hash a file, or remember its hash where it has not changed.

        Builds ask for thousands of files by their names: making a path of each would take longer than the answer.
        """
        name = str(path)
        if not os.path.isabs(name):  # noqa: PTH117 - see above
            name = str(Path(name).absolute())
        stamp = _stamp(name)
        known = self._hashes.get(name)
        if known and known[0] == stamp:
            return str(known[1])
        self._hashes[name] = [stamp, sha256_file(Path(name)), _is_settled(stamp)]
        return str(self._hashes[name][1])

    def remember(self, path: Path, sha256: str) -> None:
        """Take over the hash of a file that was written and hashed just now, and that nobody else knows of yet."""
        self._hashes[str(path.absolute())] = [_stamp(path), sha256, True]

    def close(self) -> None:
        """Write down the hashes of files that were still when they were hashed; the next build reads them.

        Raises:
            WorkspaceError: the cache cannot be written.
        """
        if self._hashes == self._written:
            return
        kept = {name: value for name, value in self._hashes.items() if value[2] and Path(name).exists()}
        if kept == self._written:
            return
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            write_atomic(self.root / _HASHES_NAME, json.dumps(kept, sort_keys=True).encode())
        except OSError as error:
            raise self._unwritable(error) from error
        self._written = kept

    def _sweep(self) -> None:
        for folder in self.root.glob("work-*-*"):
            process = folder.name.split("-")[1]
            if process.isdigit() and not _is_running(int(process)):
                shutil.rmtree(folder, ignore_errors=True)

    def files_of(self, kind: str, entry_key: str) -> tuple[Path, ...]:
        """Name the files of an entry that is there: the file itself, if it has one, and what is known of it."""
        facts = self._facts_path(kind, entry_key)
        record = _unsealed(_read_json(facts))
        file = record.get("file") if record else None
        return (facts,) if not isinstance(file, str) else (facts, self._folder(kind) / file)

    def _folder(self, kind: str) -> Path:
        return self.root / kind

    def _facts_path(self, kind: str, entry_key: str) -> Path:
        return self._folder(kind) / f"{entry_key}.json"

    def _unwritable(self, error: OSError) -> WorkspaceError:
        hint = "Check the free space and the rights of that folder, then build again: finished work is kept."
        return WorkspaceError(f"cannot be written: {error.strerror}", source=self.root, hint=hint)


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file so that its name only ever shows the old content or the whole new one."""
    handle, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _stamp(path: Path | str) -> list[int]:
    stat = os.stat(path)  # noqa: PTH116 - see `sha256`
    return [stat.st_size, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns]


def _is_running(process: int) -> bool:
    if os.name == "nt":
        return True  # os.kill would end it; there, leftovers wait for the cache to be deleted
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _is_settled(stamp: list[int]) -> bool:
    return time.time_ns() - max(stamp[2:]) > _SETTLED_NS


def _is_memory(value: object) -> bool:
    return isinstance(value, list) and len(value) == len(["stamp", "sha256", "settled"])


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _sealed(value: dict[str, Any]) -> bytes:
    return json.dumps({"value": value, "seal": key(value)}, sort_keys=True, indent=1).encode()


def _unsealed(record: dict[str, Any] | None) -> dict[str, Any] | None:
    """Open a record; one that was changed by anything but us is a miss."""
    value = record.get("value") if record else None
    return value if isinstance(value, dict) and record and record.get("seal") == key(value) else None
