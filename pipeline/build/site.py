"""Writing a release to site/: only what differs, each file whole or not at all, and nothing left that is not in it."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from errno import ENOENT, EXDEV
from itertools import count
from operator import attrgetter
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import NamedTuple

from pipeline.build import headers
from pipeline.cache import Cache, write_atomic
from pipeline.errors import WorkspaceError
from pipeline.model import MANIFEST_KEY, Asset, Release

Stamp = tuple[int, ...]  # what changes whenever a file does
Spooled = tuple[str, int, Stamp | None, Path | None]  # SHA-256, size, and either how it stands or where it waits

MARK = ".cln-media"
MARK_TEXT = "Written by cln-media build: whatever is changed or added in this folder is gone after the next build.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What writing did: the release, and how many files were written, left as they were, and removed.

    stamps: of every file and folder of the site as it was written, by key: whoever changes one later is noticed, also
    while a build is still going on.
    """

    release: Release
    written: int
    unchanged: int
    removed: int
    stamps: Mapping[str, Stamp]


class Spool:
    """Rendered files on their way into a site: those that differ wait on the disk, not in memory.

    Nothing of the site changes before `write`: what cannot be rendered leaves the last site as it was.
    """

    def __init__(self, site: Path, scratch: Path) -> None:
        """Begin to render a site.

        Args:
            site: the folder, which may not be there yet.
            scratch: an empty folder, on the same disk where that can be.
        """
        self._site, self._scratch = site, scratch
        self._plain: dict[str, bool] = {}
        self.sizes: dict[str, int] = {}
        self.hashes: dict[str, str] = {}
        self.waiting: dict[str, Path] = {}
        self.stamps: dict[str, Stamp] = {}
        self._numbers = count()

    def add(self, key: str, data: bytes) -> None:
        """Take what stands under a key; what is taken last counts.

        Raises:
            WorkspaceError: the disk is full, or cannot be written.
        """
        self.sizes[key], self.hashes[key] = len(data), hashlib.sha256(data).hexdigest()
        if self._is_plain(key) and (stamp := _held(self._site / key, data)):
            self.stamps[key] = stamp
            self.waiting.pop(key, None)
            return
        self.waiting[key] = self._scratch / str(next(self._numbers))
        with _mapped(self._scratch):
            self.waiting[key].write_bytes(data)

    def add_all(self, files: Iterable[tuple[str, bytes]]) -> list[str]:
        """Take files, and return their keys.

        Raises:
            WorkspaceError: the disk is full, or cannot be written.
        """
        keys = []
        for key, data in files:
            self.add(key, data)
            keys.append(key)
        return keys

    def taken(self) -> dict[str, Spooled]:
        """Return all that was taken, for the spool of another process."""
        return {
            key: (sha256, self.sizes[key], self.stamps.get(key), self.waiting.get(key))
            for key, sha256 in self.hashes.items()
        }

    def take(self, files: Mapping[str, Spooled]) -> list[str]:
        """Take what another spool of the same site has taken, and return its keys."""
        for key, (sha256, size, stamp, waiting) in files.items():
            self.hashes[key], self.sizes[key] = sha256, size
            if waiting is not None:
                self.waiting[key] = waiting
            elif stamp is not None:
                self.stamps[key] = stamp
                self.waiting.pop(key, None)
        return list(files)

    def hold(self, known: Mapping[str, tuple[str, int, Stamp]]) -> bool:
        """Take files that stand in the site as they were written, unread.

        Args:
            known: by key their SHA-256, their size and the stamp of the file.

        Returns:
            Whether all of them do; where not, none is taken.
        """
        site = str(self._site)
        for key, (_, _, stamp) in known.items():
            if _stamp(f"{site}/{key}") != stamp or not self._is_plain(key):
                return False
        for key, (sha256, size, stamp) in known.items():
            self.hashes[key], self.sizes[key], self.stamps[key] = sha256, size, stamp
            self.waiting.pop(key, None)
        return True

    def _is_plain(self, key: str) -> bool:
        """Say whether all folders that a key stands in are folders and no links, which lead elsewhere."""
        folder = key.rpartition("/")[0]
        if folder not in self._plain:
            is_folder = not folder or _is_folder(f"{self._site}/{folder}")
            self._plain[folder] = is_folder and (not folder or self._is_plain(folder))
        return self._plain[folder]


def write(
    site: Path,
    spool: Spool,
    files: Mapping[str, Path],
    cache: Cache,
    *,
    redirects: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
) -> Written:
    """Make `site` hold exactly these files, and the manifest.

    Args:
        site: the folder; it is ours alone.
        spool: what was rendered, by key.
        files: large files by key, copied from where they are.
        cache: remembers hashes.
        redirects: where a host may send whoever asks for a key.
        names: under which name people save what stands under a key.

    Raises:
        WorkspaceError: the folder holds files of somebody else, or cannot be written.
    """
    with _mapped(site):
        _claim(site)
        _clear_folders(site, (*spool.waiting, *files))
        for key, path in spool.waiting.items():
            spool.stamps[key] = _move(path, site / key)
        changed = [key in spool.waiting for key in spool.hashes]
        copied = {key: _copy(f"{site}/{key}", path, cache) for key, path in files.items()}
        changed += [each.is_new for each in copied.values()]
        assets = sorted(_assets(spool, copied, redirects or {}, names), key=attrgetter("key"))
        release = Release(assets=tuple(assets))
        is_new, stamp = _write_text(site / MANIFEST_KEY, release.to_json())
        changed.append(is_new)
        removed = _sweep(site, {MARK, MANIFEST_KEY, *spool.hashes, *files})
        stamps = {key: each.stamp for key, each in copied.items()}
        stamps |= {**spool.stamps, MANIFEST_KEY: stamp, MARK: _stamp(site / MARK) or ()}
        stamps |= dict.fromkeys(_folders(stamps), ())
    return Written(
        release=release, written=sum(changed), unchanged=changed.count(False), removed=removed, stamps=stamps
    )


def look(site: Path) -> dict[str, Stamp]:
    """Stamp all that stands in a site, as `Written.stamps` does.

    Raises:
        OSError: it cannot be read.
    """
    return {
        key: () if entry.is_dir(follow_symlinks=False) else _stamp(entry.path) or () for key, entry in _below(str(site))
    }


class _Copied(NamedTuple):
    """A large file as it stands in the site: whether it was copied now, its SHA-256, and how it stands."""

    is_new: bool
    sha256: str
    stamp: Stamp


def _assets(
    spool: Spool, copied: Mapping[str, _Copied], redirects: Mapping[str, str], names: Mapping[str, str] | None
) -> Iterator[Asset]:
    for key, sha256 in spool.hashes.items():
        yield headers.asset(key, sha256=sha256, size=spool.sizes[key], redirect=redirects.get(key))
    for key, each in copied.items():
        yield headers.asset(key, sha256=each.sha256, size=each.stamp[0], names=names)


def _claim(site: Path) -> None:
    site.mkdir(parents=True, exist_ok=True)
    if (site / MARK).exists():
        return
    if any(site.iterdir()):
        hint = "Move its files elsewhere: this folder is made anew by each build."
        raise WorkspaceError("holds files that cln-media did not write", source=site, hint=hint)
    write_atomic(site / MARK, MARK_TEXT.encode())


def _is_folder(path: str) -> bool:
    try:
        return S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _clear_folders(site: Path, keys: Iterable[str]) -> None:
    """Remove what stands where folders must be, links too: through them, files would be written elsewhere."""
    for folder in sorted(_folders(keys)):
        path = f"{site}/{folder}"
        if os.path.lexists(path) and not _is_folder(path):
            Path(path).unlink()


def _folders(keys: Iterable[str]) -> set[str]:
    """List the folders that keys stand in."""
    found = set[str]()
    for key in keys:
        folder = key.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found


def _below(folder: str, place: str = "") -> list[tuple[str, "os.DirEntry[str]"]]:
    """List what lies below a folder with the key of each, what a folder holds before itself; links are not followed."""
    found: list[tuple[str, os.DirEntry[str]]] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                found += _below(entry.path, f"{place}{entry.name}/")
            found.append((f"{place}{entry.name}", entry))
    return found


def _stamp(path: str | Path) -> Stamp | None:
    try:
        stat = os.lstat(path)
    except OSError:
        return None
    return (stat.st_size, stat.st_ino, stat.st_mode, stat.st_mtime_ns, stat.st_ctime_ns)


def _held(path: Path, data: bytes) -> Stamp | None:
    """Return the stamp of a file that holds just this; None where it does not."""
    stamp = _stamp(path)
    if stamp is None:
        return None
    size, _, mode, *_ = stamp
    try:
        return stamp if S_ISREG(mode) and size == len(data) and path.read_bytes() == data else None
    except OSError:
        return None


def _move(new: Path, path: Path) -> Stamp:
    _clear_way(path)
    new.chmod(0o644)
    try:
        new.replace(path)
    except OSError as error:
        if error.errno != EXDEV:
            raise
        write_atomic(path, new.read_bytes())  # the site lies on another disk than the cache
    return _stamp(path) or ()


def _write_text(path: Path, data: bytes) -> tuple[bool, Stamp]:
    if stamp := _held(path, data):
        return False, stamp
    _clear_way(path)
    write_atomic(path, data)
    return True, _stamp(path) or ()


def _copy(place: str, original: Path, cache: Cache) -> _Copied:
    stamp, sha256 = _stamp(place), cache.sha256(original)
    if stamp is not None and S_ISREG(stamp[2]) and cache.sha256(place) == sha256:
        return _Copied(is_new=False, sha256=sha256, stamp=stamp)
    path = Path(place)
    _clear_way(path)
    handle, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    os.close(handle)
    try:
        shutil.copyfile(original, name)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sha256, stamp = cache.sha256(original), _stamp(place)
    if stamp is None:
        raise FileNotFoundError(ENOENT, "a file is gone that was written just now", place)
    cache.remember(path, sha256)  # an hour of sound would be read again by the next build
    return _Copied(is_new=True, sha256=sha256, stamp=stamp)


def _clear_way(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)


def _sweep(site: Path, keep: Collection[str]) -> int:
    removed, folders = 0, _folders(keep)
    for key, entry in _below(str(site)):
        if entry.is_dir(follow_symlinks=False):
            if key in folders:
                continue
            with os.scandir(entry.path) as held:
                is_empty = next(held, None) is None
            if is_empty:
                Path(entry.path).rmdir()
        elif key not in keep:
            Path(entry.path).unlink()
            removed += 1
    return removed


@contextmanager
def _mapped(site: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = "Check the free space and the rights of that folder, then build again: finished work is kept."
        raise WorkspaceError(f"cannot be written: {error.strerror}", source=site, hint=hint) from error
