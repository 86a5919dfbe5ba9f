"""Episodes as the last build left them -> those that stand as they were: nothing of them is read or rendered again.

An episode stands where nothing in its folder has changed, nor anything that all depend on, nor the day in a way that
matters to it, and all that was made of it is there as it was made.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar, overload

import msgspec

from pipeline.build.site import Spool, Stamp
from pipeline.build.standing import Standing
from pipeline.cache import Cache, write_atomic
from pipeline.errors import WorkspaceError
from pipeline.feed import Entries
from pipeline.model import Cue, Episode, Item, Problem
from pipeline.pages import Leaf, Shown

_NAME, _FORM = "episodes.msgpack", 3
_SEAL_BYTES = 32
_T = TypeVar("_T")
_AT_ONCE = 2  # episodes whose words are in memory at the same time


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A file of the site as it was written: its content, and size, inode and times of the file."""

    sha256: str
    size: int
    stamp: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What is known of an episode that is published.

    stamps: of its folder; until: the day from which it is to be looked at again; problems, misses: what is said of it,
    not fatal; files: large files by key, each with its path and SHA-256; master: SHA-256 by path of what the cache
    holds of its master, without which nobody could sign it; entries: how it stands in feeds; shown: how pages show it;
    made_of: what its pages are made of besides.
    """

    stamps: str
    until: date
    item: Item
    problems: tuple[Problem, ...]
    misses: tuple[Problem, ...]
    files: dict[str, tuple[str, str]]
    master: dict[str, str]
    entries: Entries
    shown: Shown
    made_of: str
    outputs: dict[str, Made] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A file of memories: of what, besides the episodes, and when."""

    form: int
    common: str
    others: tuple[str, ...]
    at: datetime
    episodes: dict[str, msgspec.Raw]
    leaves: dict[str, tuple[str, dict[str, Made]]]


class Memory:
    """What is known of episodes, by the name of their folders."""

    def __init__(self, cache: Cache, standing: Standing) -> None:
        """Recall what stands; nothing where the last build left nothing that can be relied on."""
        self.cache, self.standing = cache, standing
        self.episodes: dict[str, Remembered] = {}
        self._written: dict[str, msgspec.Raw] = {}
        self._leaves: dict[str, tuple[str, dict[str, Made]]] = {}
        self._read: Callable[[Path], Sequence[Cue]] = _nothing
        kept = _read(cache.root / _NAME)
        if kept and kept.at <= standing.now and kept.common == standing.common(kept.others):
            there = {name: _decoded(data) for name, data in kept.episodes.items()}
            self.episodes = {name: each for name, each in there.items() if each and self._stands(name, each)}
            self._written, self._leaves = kept.episodes, kept.leaves

    @property
    def files(self) -> dict[str, Path]:
        """The large files of the episodes that stand, by key."""
        return {key: Path(path) for each in self.episodes.values() for key, (path, _) in each.files.items()}

    def read_words_by(self, read: Callable[[Episode], Sequence[Cue]]) -> None:
        """Say how the words of an episode are read that stands, where they are asked for after all."""
        self._read = lru_cache(maxsize=_AT_ONCE)(lambda path: tuple(read(self.episodes[path.name].item.episode)))

    def items(self) -> tuple[Item, ...]:
        """Return the episodes that stand, as items whose words are read when they are asked for."""
        return tuple(self._with_words(each.item) for each in self.episodes.values())

    def holds(self, spool: Spool, name: str, made_of: str) -> bool:
        """Put what was made of an episode into a spool as it is, if it is all there and would be made again so."""
        known = self.episodes.get(name)
        if known is None or known.made_of != made_of:
            return False
        return spool.hold(_in_spool(known.outputs))

    def holds_leaf(self, spool: Spool, leaf: Leaf) -> list[str] | None:
        """Put pages that are no episode's own into a spool as they are, if all are there and would be made again so.

        Returns:
            Their keys; None where they are to be rendered.
        """
        made_of, known = self._leaves.get(leaf.name, ("", {}))
        if made_of != leaf.made_of or not spool.hold(_in_spool(known)):
            return None
        return list(known)

    def keep(
        self,
        others: Iterable[str],
        episodes: Mapping[str, Remembered],
        leaves: Mapping[str, tuple[str, dict[str, Made]]],
    ) -> None:
        """Write down what is known now.

        Args:
            others: files outside the usual places on which all episodes depend.
            episodes: by the name of the folder.
            leaves: by name, what the pages were made of that are no episode's own, and what they are.

        Raises:
            WorkspaceError: the cache cannot be written.
        """
        others = tuple(others)
        if not self.standing.is_common_settled(others):
            forget(self.cache)
            return
        settled = {name: each for name, each in episodes.items() if self.standing.is_settled(name)}
        common = self.standing.common(others)
        try:
            kept = _Kept(
                form=_FORM,
                common=common,
                others=others,
                at=self.standing.now,
                episodes={name: self._encoded(name, each) for name, each in settled.items()},
                leaves=dict(leaves),
            )
            data = _ENCODER.encode(kept)
        except UnicodeEncodeError:  # a folder has a name that is not text
            forget(self.cache)
            return
        with _mapped(self.cache):
            write_atomic(self.cache.root / _NAME, hashlib.sha256(data).digest() + data)

    def _encoded(self, name: str, each: Remembered) -> msgspec.Raw:
        is_written = each is self.episodes.get(name)
        return self._written[name] if is_written else msgspec.Raw(_ENCODER.encode(each))

    def _stands(self, name: str, known: Remembered) -> bool:
        if known.stamps != self.standing.folder(name) or self.standing.now.date() >= known.until:
            return False
        try:
            files = chain(known.files.values(), known.master.items())
            return all(self.cache.sha256(path) == sha256 for path, sha256 in files)
        except OSError:
            return False

    def _with_words(self, item: Item) -> Item:
        episode = item.episode
        if episode.transcript is None:
            return item
        cues = _Later(lambda: self._read(episode.path))
        return replace(item, episode=replace(episode, transcript=replace(episode.transcript, cues=cues)))


def forget(cache: Cache) -> None:
    """Let the next build know nothing.

    Raises:
        WorkspaceError: the cache cannot be written.
    """
    with _mapped(cache):
        (cache.root / _NAME).unlink(missing_ok=True)


@contextmanager
def _mapped(cache: Cache) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = "Check the free space and the rights of that folder, then build again: finished work is kept."
        raise WorkspaceError(f"cannot be written: {error.strerror}", source=cache.root, hint=hint) from error


class _Later(Sequence[Cue]):
    """Cues that are read when they are asked for, and forgotten again."""

    def __init__(self, read: Callable[[], Sequence[Cue]]) -> None:
        self._read = read

    @overload
    def __getitem__(self, index: int) -> Cue: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Cue]: ...

    def __getitem__(self, index: int | slice) -> Cue | Sequence[Cue]:
        return self._read()[index]

    def __iter__(self) -> Iterator[Cue]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())


def without_words(item: Item) -> Item:
    """Take the words out of an item that is to be remembered: they stand in its folder."""
    episode = item.episode
    if episode.transcript is None:
        return item
    return replace(item, episode=replace(episode, transcript=replace(episode.transcript, cues=())))


def until(days: Iterable[date], today: date) -> date:
    """Say from which day on an episode is to be looked at again, given the days that matter to it."""
    following = [day + timedelta(days=more) for day in days for more in (0, 1)]
    return min((day for day in following if day > today), default=date.max)


def _in_spool(known: Mapping[str, Made]) -> dict[str, tuple[str, int, Stamp]]:
    return {key: (each.sha256, each.size, each.stamp) for key, each in known.items()}


def made(keys: Iterable[str], spool: Spool) -> dict[str, Made]:
    """Describe files of a site as they were written."""
    return {key: Made(sha256=spool.hashes[key], size=spool.sizes[key], stamp=spool.stamps[key]) for key in keys}


def _nothing(_: Path) -> Sequence[Cue]:
    raise LookupError("nobody has said how words are read")


def _read(path: Path) -> _Kept | None:
    try:
        data = path.read_bytes()
        if hashlib.sha256(memoryview(data)[_SEAL_BYTES:]).digest() != data[:_SEAL_BYTES]:
            return None
        kept = msgspec.msgpack.decode(memoryview(data)[_SEAL_BYTES:], type=_Kept)
    except (OSError, msgspec.MsgspecError):  # not there, or written by another version
        return None
    return kept if kept.form == _FORM else None


def _decoded(data: msgspec.Raw) -> Remembered | None:
    try:
        return _DECODER.decode(data)
    except msgspec.MsgspecError:  # written by another version
        return None


def packed(value: object) -> bytes:
    """Write a value of ours down, for another process."""
    return _ENCODER.encode(value)


def unpacked(data: bytes, kind: type[_T]) -> _T:
    """Read what `packed` wrote."""
    return msgspec.msgpack.decode(data, type=kind, dec_hook=_path)


def _plain(value: Any) -> str:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(type(value))


def _path(kind: type, value: Any) -> Path:
    if kind is Path:
        return Path(value)
    raise TypeError(kind)


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_plain)
_DECODER = msgspec.msgpack.Decoder(Remembered, dec_hook=_path)
