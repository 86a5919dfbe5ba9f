"""The ledger of a store <-> bytes: what it holds, the releases that can be brought back, and whose turn it is; pure.

One file says all of it, so that one request tells whether anything is to be done, and one conditional request both
takes the turn and notes what is about to change.
"""

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

from pipeline.model import Asset, Release
from pipeline.publish.store import OWN, Abilities, is_lasting

LEDGER_KEY = f"{OWN}ledger.json.gz"
BLOBS = f"{OWN}blobs/"
KEPT_RELEASES = 10
_VERSION = 1
_NO_KEY = re.compile(r"(?:^|/)\.{0,2}(?:/|$)|[\x00-\x1f\x7f\\\ud800-\udfff]")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_BLOB = re.compile(r"[0-9a-f]{64}(?:-gzip)?")
_MOST_BYTES = 500_000_000
_NOTHING = Release(assets=())
_NOT_OURS = (KeyError, TypeError, AttributeError, ArithmeticError, RecursionError, zlib.error, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who publishes: a person's or program's name, the computer, and the workspace's own random mark."""

    who: str
    host: str
    workspace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One publisher's right to write, and what it is about to change.

    since: ISO 8601, UTC; lasts_s: how long without a sign of life it holds; writes, removes: what may be half done.
    """

    id: str
    owner: Owner
    since: str
    lasts_s: int
    renewals: int = 0
    writes: tuple[Asset, ...] = ()
    removes: tuple[str, ...] = ()

    @property
    def holder(self) -> str:
        """Name who has it, for people."""
        return f"{self.owner.who} on {self.owner.host}" if self.owner.host else self.owner.who

    @property
    def began(self) -> str:
        """Say since when, for people."""
        return self.since.replace("T", " ").replace("Z", " UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An earlier release, as what makes it differ from the next newer one.

    differs: its files that the newer has not, or otherwise; lacks: keys that only the newer has; is_whole: whether all
    of its content is still there.
    """

    number: int
    published_at: str
    note: str
    differs: tuple[Asset, ...]
    lacks: tuple[str, ...]
    is_whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Older:
    """Sound that no release which is kept names any more, since `left_on`."""

    asset: Asset
    left_on: date


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """What a store holds. number: of the release, counted from 1; 0 before the first is finished.

    doubtful: sound that an interrupted run may have sent, though it was not seen; trail: the SHA-256 of the line in the
    publisher's own trail that noted the release, so that another workspace is told from this one; empty for none.
    """

    number: int = 0
    published_at: str = ""
    note: str = ""
    release: Release = _NOTHING
    kept: tuple[Kept, ...] = ()
    blobs: frozenset[str] = frozenset()
    older: tuple[Older, ...] = ()
    doubtful: tuple[Older, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    turn: Turn | None = None
    endpoint: str = ""
    abilities: Abilities | None = None
    trail: str = ""

    @cached_property
    def by_key(self) -> dict[str, Asset]:
        """Give the release's files by key."""
        return {asset.key: asset for asset in self.release.assets}

    @cached_property
    def uncertain(self) -> frozenset[str]:
        """List the keys that an unfinished turn was about to change."""
        if self.turn is None:
            return frozenset()
        return frozenset({asset.key for asset in self.turn.writes} | set(self.turn.removes))

    @cached_property
    def stored(self) -> dict[str, Asset]:
        """Give all files that are certainly there: the release's, and those that earlier releases left for ever."""
        kept = reversed(self.kept)  # the newest description counts
        lasting = (asset for each in kept for asset in each.differs if is_lasting(asset.key))
        found = {asset.key: asset for asset in (*lasting, *(older.asset for older in self.older))}
        return {key: asset for key, asset in (found | self.by_key).items() if key not in self.uncertain}

    def releases(self) -> tuple[tuple[int, Release], ...]:
        """List every release that the ledger knows, with its number, the newest first."""
        found, files = [(self.number, self.release)], dict(self.by_key)
        for kept in self.kept:
            files = {key: asset for key, asset in files.items() if key not in kept.lacks}
            files |= {asset.key: asset for asset in kept.differs}
            found.append((kept.number, Release(assets=tuple(files[key] for key in sorted(files)))))
        return tuple(found)

    def keys(self) -> frozenset[str]:
        """List every key that is, or may be, ours in the store."""
        doubtful = (older.asset.key for older in self.doubtful)
        blobs = map(blob_key, self.blobs)
        return frozenset({*self.stored, *self.by_key, *self.uncertain, *doubtful, *blobs, LEDGER_KEY})

    def to_bytes(self) -> bytes:
        """Write the ledger: JSON with a file a line, compressed; the same ledger gives the same bytes."""
        head = {
            "version": _VERSION,
            "number": self.number,
            "published_at": self.published_at,
            "note": self.note,
            "endpoint": self.endpoint,
            "abilities": self.abilities.names() if self.abilities else None,
            "trail": self.trail,
            "turn": _turn_json(self.turn),
            "kept": [_kept_json(kept) for kept in self.kept],
            "blobs": sorted(self.blobs),
            "older": [_older_json(older) for older in self.older],
            "doubtful": [_older_json(older) for older in self.doubtful],
        }
        known = self.tags
        rows = ({**asset.as_json(), "tag": known.get(asset.key, "")} for asset in self.release.assets)
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        text = f'{json.dumps(head, ensure_ascii=False)[:-1]}, "assets": [\n{lines}\n]}}\n'
        return gzip.compress(text.encode(), compresslevel=3, mtime=0)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Ledger":
        """Read a ledger.

        Raises:
            ValueError: `data` is not a ledger of ours.
        """
        try:
            return _read(json.loads(_unpacked(data)))
        except _NOT_OURS as error:
            raise ValueError(f"not a ledger: {error}") from error


def content(asset: Asset) -> str:
    """Name the bytes that a store holds of a file: by the SHA-256 of what they say, and how they are coded."""
    return f"{asset.sha256}-{asset.encoding}" if asset.encoding else asset.sha256


def blob_key(content: str) -> str:
    """Name the key under which replaced content is kept."""
    return BLOBS + content


def blob(asset: Asset) -> Asset:
    """Describe the copy of a file that is about to be replaced or removed; it keeps its type and coding."""
    key = blob_key(content(asset))
    return replace(asset, key=key, cache_control="private, no-store", redirect=None, disposition=None)


def from_manifest(release: Release, key: str) -> Ledger:
    """Take over a store that an earlier version of this program published to, whose manifest lay under `key`.

    Its files without a SHA-256 were about to be sent or removed when it ended.
    """
    known = tuple(asset for asset in release.assets if asset.sha256)
    unknown = tuple(asset for asset in release.assets if not asset.sha256)
    nobody = Owner(who="an earlier version", host="", workspace="")
    turn = Turn(id="", owner=nobody, since="", lasts_s=0, writes=unknown, removes=(key,))
    return Ledger(release=Release(assets=known), turn=turn)


def is_key(key: object) -> bool:
    """Say whether `key` can be a file of ours: whoever may write to a store must not choose what is removed outside."""
    return isinstance(key, str) and not _NO_KEY.search(key)


def _unpacked(data: bytes) -> bytes:
    unpacking = zlib.decompressobj(wbits=31)
    text = unpacking.decompress(data, _MOST_BYTES)
    if not unpacking.eof:
        raise ValueError("cut off, or far too large")
    return text


def _read(given: dict[str, Any]) -> Ledger:
    if given["version"] != _VERSION:
        raise ValueError(f"version {given['version']!r}, not {_VERSION}: written by a newer program")
    rows = given["assets"]
    tags = {str(row["key"]): str(row.pop("tag")) for row in rows}
    return Ledger(
        number=int(given["number"]),
        published_at=str(given["published_at"]),
        note=str(given["note"]),
        release=Release(assets=_assets(rows)),
        kept=tuple(_kept(each) for each in given["kept"]),
        blobs=frozenset(_matching(_BLOB, each) for each in given["blobs"]),
        older=tuple(_older(each) for each in given["older"]),
        doubtful=tuple(_older(each) for each in given["doubtful"]),
        tags=tags,
        turn=_turn(given["turn"]) if given["turn"] else None,
        endpoint=str(given["endpoint"]),
        abilities=Abilities.named(given["abilities"]),
        trail=str(given.get("trail", "")),
    )


def _assets(rows: Iterable[dict[str, Any]]) -> tuple[Asset, ...]:
    assets = tuple(Asset(**row) for row in rows)
    for asset in assets:
        _checked(asset.key)
        if asset.sha256:  # unknown, in what an earlier version left
            _matching(_SHA256, asset.sha256)
    return assets


def _checked(key: str) -> str:
    if not is_key(key):
        raise ValueError("a key that leads elsewhere")
    return key


def _matching(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError("a SHA-256 that is none")
    return text


def _kept(given: dict[str, Any]) -> Kept:
    return Kept(
        number=int(given["number"]),
        published_at=str(given["published_at"]),
        note=str(given["note"]),
        differs=_assets(given["differs"]),
        lacks=tuple(_checked(key) for key in given["lacks"]),
        is_whole=bool(given["is_whole"]),
    )


def _kept_json(kept: Kept) -> dict[str, Any]:
    return {
        "number": kept.number,
        "published_at": kept.published_at,
        "note": kept.note,
        "is_whole": kept.is_whole,
        "lacks": list(kept.lacks),
        "differs": [asset.as_json() for asset in kept.differs],
    }


def _older_json(older: Older) -> dict[str, Any]:
    return {"left_on": older.left_on.isoformat(), **older.asset.as_json()}


def _older(given: dict[str, Any]) -> Older:
    left_on = date.fromisoformat(given.pop("left_on"))
    return Older(asset=_assets([given])[0], left_on=left_on)


def _turn(given: dict[str, Any]) -> Turn:
    return Turn(
        id=str(given["id"]),
        owner=Owner(**{name: str(given["owner"][name]) for name in ("who", "host", "workspace")}),
        since=str(given["since"]),
        lasts_s=int(given["lasts_s"]),
        renewals=int(given["renewals"]),
        writes=_assets(given["writes"]),
        removes=tuple(_checked(key) for key in given["removes"]),
    )


def _turn_json(turn: Turn | None) -> dict[str, Any] | None:
    if turn is None:
        return None
    return {
        "id": turn.id,
        "owner": {"who": turn.owner.who, "host": turn.owner.host, "workspace": turn.owner.workspace},
        "since": turn.since,
        "lasts_s": turn.lasts_s,
        "renewals": turn.renewals,
        "removes": list(turn.removes),
        "writes": [asset.as_json() for asset in turn.writes],
    }
