"""The stamps of all files that a build depends on, and of those it made -> whether all stands as the last one left it.

Nothing is read but sizes, inodes and times, as git's index does; whoever changes a file changes one of these. What a
build depends on besides is in the stamp too: the day, this program and its libraries.
"""

import hashlib
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any

import pipeline
from pipeline import speech
from pipeline.build import site
from pipeline.build.mastering import KINDS
from pipeline.cache import Cache, key
from pipeline.model import MANIFEST_KEY, Problem, Release, Show
from pipeline.pages import default_templates
from pipeline.workspace import Workspace

_KIND, _ENTRY = "standing", key("last build")
_SETTLED_NS = 2_000_000_000  # a file that was changed a moment ago may be changed again within one tick of the clock
_DEPTH = 3
_CACHES = "__pycache__"
_WITHDRAWALS = b'"what": "withdraw'
_FILES = ("cln_media.toml", "about.md", "privacy.md", "accessibility.toml", "artwork.png")
_FOLDERS = ("withdrawals", "templates")


@dataclass(frozen=True, slots=True, kw_only=True)
class Last:
    """What the last build left: its release, what it warned of, and the other facts of it as JSON."""

    release: Release
    warnings: tuple[Problem, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)


class Standing:
    """How a workspace stands at the moment this is made."""

    def __init__(self, where: Workspace, *, now: datetime) -> None:
        self._where, self.now = where, now
        self._began_ns = time.time_ns()
        self._program = tuple(_program())
        self._inputs = tuple(_stamps(where))
        self._folders = dict(_of_episodes(where.episodes))

    def last(self, cache: Cache) -> Last | None:
        """Return what the last build left, if a build would change nothing of it; None otherwise."""
        known = cache.known(_KIND, _ENTRY)
        if known is None:
            return None
        try:
            is_then = datetime.fromisoformat(known["at"]) <= self.now and self._is_before(known["until"])
            if known["day"] != self._day or not is_then:
                return None
            if self._digest(known["others"]) != known["inputs"]:
                return None
            if _site(site.look(self._where.site)) != known["site"] or _masters(cache.root) != known["masters"]:
                return None
            release = Release.from_json((self._where.site / MANIFEST_KEY).read_bytes())
            warnings = tuple(Problem(**each) for each in known["warnings"])
            return Last(release=release, warnings=warnings, facts=known["facts"])
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def keep(
        self,
        cache: Cache,
        show: Show,
        *,
        until: datetime | None,
        warnings: Iterable[Problem],
        facts: Mapping[str, Any],
        stamps: Mapping[str, site.Stamp],
    ) -> None:
        """Write down how a workspace stood before a build, and what the build left.

        Args:
            cache: where it is kept.
            show: names files outside the usual places.
            until: when the next episode is due; None for none.
            warnings: what the build warned of.
            facts: what else is known of it, as JSON.
            stamps: of the site as it was written.

        Raises:
            WorkspaceError: the cache cannot be written.
        """
        others = list(named(show))
        if not self.is_common_settled(others) or not all(map(self.is_settled, self._folders)):
            return
        made = {
            "day": self._day,
            "at": self.now.isoformat(),
            "until": until.isoformat() if until else None,
            "others": others,
            "inputs": self._digest(others),
            "site": _site(stamps),
            "masters": _masters(cache.root),
            "warnings": [asdict(each) for each in warnings],
            "facts": dict(facts),
        }
        cache.note(_KIND, _ENTRY, made)

    @property
    def _day(self) -> str:
        return date.isoformat(self.now.date())

    def _is_before(self, until: str | None) -> bool:
        return until is None or self.now < datetime.fromisoformat(until)

    def common(self, others: Iterable[str]) -> str:
        """Hash the stamps of all that every episode depends on.

        Args:
            others: files outside the usual places.
        """
        return _hash([*self._inputs, *_of_others(others), *self._program, _withdrawn(self._where.trail)])

    def folder(self, name: str) -> str | None:
        """Hash the stamps of an episode's folder; None where there is none."""
        lines = self._folders.get(name)
        return _hash(lines) if lines else None

    def has_changed(self, name: str) -> bool:
        """Say whether an episode's folder is another now than when this was made."""
        return _hash(_of_episode(f"{self._where.episodes}{os.sep}{name}")) != self.folder(name)

    def is_settled(self, name: str) -> bool:
        """Say whether the last change in an episode's folder is long enough ago to be told from the next."""
        return self._are_settled(self._folders.get(name, ()))

    def is_common_settled(self, others: Iterable[str]) -> bool:
        """Say the same of all that every episode depends on: `others` are looked at now, not when this was made."""
        return self._are_settled((*self._inputs, *_of_others(others)))

    def _are_settled(self, lines: Iterable[str]) -> bool:
        return max(_times(lines), default=0) <= self._began_ns - _SETTLED_NS

    def _digest(self, others: Iterable[str]) -> str:
        return _hash([self.common(others), *chain.from_iterable(self._folders.values())])


def named(show: Show) -> Iterator[str]:
    """List the files that settings name."""
    paths = [show.artwork, show.audio.intro, show.audio.outro, *(feed.artwork for feed in show.feeds)]
    yield from (str(path) for path in paths if path is not None)
    if show.speech.model:
        yield str(speech.place(show.speech.model))


def _stamps(where: Workspace) -> Iterator[str]:
    yield from _of_files(where.root / name for name in _FILES)
    for name in _FOLDERS:
        yield from _of_folder(where.root / name, _DEPTH)


def _of_episodes(episodes: Path) -> Iterator[tuple[str, list[str]]]:
    """Stamp each folder of an episode by itself, and what stands beside them under an empty name."""
    beside: list[str] = []
    for entry in _entries(episodes):
        if entry is None or not _is_folder(entry):
            beside += [f"{episodes} is not there 0 0"] if entry is None else _of_files([Path(entry.path)])
        else:
            yield entry.name, list(_of_episode(entry.path))
    yield "", beside


def _of_episode(folder: str) -> Iterator[str]:
    yield f"{folder} 0 0"
    yield from _of_folder(folder, _DEPTH - 1)


def _hash(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()


def _times(lines: Iterable[str]) -> Iterator[int]:
    for line in lines:
        yield from map(int, line.rsplit(" ", 2)[1:])


def _withdrawn(trail: Path) -> str:
    """Hash what the trail says of withdrawals; its other lines decide nothing that is built."""
    digest = hashlib.sha256()
    try:
        with trail.open("rb") as file:
            for line in file:
                if _WITHDRAWALS in line:
                    digest.update(line)
    except FileNotFoundError:
        pass
    except OSError as error:  # the trail that cannot be read is a matter of those who write it
        digest.update(str(error.errno).encode())
    return digest.hexdigest()


def _of_files(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        try:
            yield _line(str(path), path.stat())
        except OSError:
            yield f"{path} is not there 0 0"


def _of_others(paths: Iterable[str]) -> Iterator[str]:
    """Stamp files, and the files of folders, such as those of a speech model."""
    for path in map(Path, paths):
        yield from _of_folder(path, 0) if path.is_dir() else _of_files([path])


def _entries(folder: Path | str) -> list["os.DirEntry[str] | None"]:
    """List what a folder holds, by name; None where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return [*sorted(entries, key=attrgetter("name"))]
    except OSError:
        return [None]


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _of_folder(folder: Path | str, depth: int) -> list[str]:
    lines: list[str] = []
    for entry in _entries(folder):
        if entry is None:
            lines.append(f"{folder} is not there 0 0")
        elif entry.name == _CACHES:
            continue
        elif _is_folder(entry):
            lines.append(f"{entry.path} 0 0")
            if depth:
                lines += _of_folder(entry.path, depth - 1)
        else:
            lines.append(_of_entry(entry))
    return lines


def _of_entry(entry: "os.DirEntry[str]") -> str:
    try:
        return _line(entry.path, entry.stat())
    except OSError:
        return f"{entry.path} is not there 0 0"


def _line(path: str, stat: os.stat_result) -> str:
    return f"{path} {stat.st_size} {stat.st_ino} {stat.st_mode} {stat.st_mtime_ns} {stat.st_ctime_ns}"


def _site(stamps: Mapping[str, site.Stamp]) -> str:
    return _hash(f"{name} {stamp}" for name, stamp in sorted(stamps.items()))


def _masters(cache: Path) -> str:
    """Hash the stamps of masters: the site does without, but not those who sign an episode or remove its recording."""
    return _hash(line for kind in KINDS for line in _of_folder(cache / kind, 0))


def _program() -> Iterator[str]:
    """Name this program and its libraries: their files, and where they are installed, change when they do."""
    yield sys.version
    yield from (os.environ.get(name, "") for name in ("CLN_MEDIA_FFMPEG", "IMAGEIO_FFMPEG_EXE"))
    for folder in (Path(pipeline.__file__).parent, default_templates()):
        yield from _of_folder(folder, _DEPTH)
    yield from _of_files(Path(path) for path in sys.path if path)
