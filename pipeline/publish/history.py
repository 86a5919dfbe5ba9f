"""A ledger -> the plan that brings an earlier release back, or clears old sound away, or takes over another store's."""

from dataclasses import dataclass
from datetime import date

from pipeline.errors import StorageError
from pipeline.model import Asset, Plan, Release
from pipeline.publish.difference import older_sound, plan, sources
from pipeline.publish.ledger import Ledger, content
from pipeline.publish.store import Store, is_lasting


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A release that was published. changes: how many files differ from the one before, None where not known."""

    number: int
    published_at: str
    note: str
    files: int
    changes: int | None
    is_live: bool
    is_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A release that is put together from what stores hold: its plan, and where each content lies."""

    release: Release
    plan: Plan
    copies: dict[str, tuple[str, ...]]


def entries(ledger: Ledger) -> tuple[Entry, ...]:
    """List the releases that are kept, the newest first; the first is the one that is live."""
    if not ledger.number:
        return ()
    releases = ledger.releases()
    notes = [(ledger.published_at, ledger.note, True), *((k.published_at, k.note, k.is_whole) for k in ledger.kept)]
    changes = [*(len({a.key for a in kept.differs} | set(kept.lacks)) for kept in ledger.kept), None]
    return tuple(
        Entry(
            number=number,
            published_at=published_at,
            note=note,
            files=len(release.assets),
            changes=changed,
            is_live=number == ledger.number,
            is_whole=is_whole,
        )
        for (number, release), (published_at, note, is_whole), changed in zip(releases, notes, changes, strict=True)
    )


def rollback(ledger: Ledger, number: int, *, source: str) -> Move:
    """Plan to bring the release of that number back, by copies within the store.

    Args:
        ledger: what the store holds.
        number: as `entries` has it.
        source: the store's address, for messages.

    Raises:
        StorageError: that release is not kept, or what it needs is not there any more.
    """
    known = {entry.number: entry for entry in entries(ledger)}
    hint = "see which can be brought back with: cln-media releases"
    if number not in known:
        raise StorageError(f"there is no release {number}", source=source, hint=hint)
    if not known[number].is_whole:
        message = f"release {number} cannot be brought back: somebody else has changed its files in the store"
        raise StorageError(message, source=source, hint=hint)
    release = _as_stored(dict(ledger.releases())[number], ledger)
    made = plan(release, ledger)
    return Move(release=release, plan=made, copies=sources(ledger, release, made))


def _as_stored(release: Release, ledger: Ledger) -> Release:
    """Describe what stands for ever as it is stored now: its headers and its coding are no part of what is kept."""
    assets = (asset if not is_lasting(asset.key) else _now(asset, ledger) for asset in release.assets)
    return Release(assets=tuple(assets))


def _now(asset: Asset, ledger: Ledger) -> Asset:
    stored = ledger.stored.get(asset.key)
    return stored if stored is not None and stored.sha256 == asset.sha256 else asset


def check_sources(move: Move, ledger: Ledger, store: Store) -> None:
    """See that all that a move copies, or finds in its place, is there, before anything is changed.

    Raises:
        StorageError: something is not.
    """
    aside = {content(asset) for asset in move.plan.keeps}  # copied aside by the plan itself
    for put in move.plan.puts:
        places = move.copies.get(content(put.asset), ())
        if content(put.asset) not in aside and not any(_is_at(put.asset, key, store) for key in places):
            raise _gone(put.asset, store)
    sent = {put.asset.key for put in move.plan.puts}
    for asset in move.release.assets:  # what only earlier releases named, and is not sent
        if asset.key not in ledger.by_key and asset.key not in sent and not _is_at(asset, asset.key, store):
            raise _gone(asset, store)


def _gone(asset: Asset, store: Store) -> StorageError:
    message = "what this release needs is not in the store any more"
    hint = "nothing was changed; bring another release back, or build and publish"
    return StorageError(message, source=f"{store.address}/{asset.key}", hint=hint)


def _is_at(asset: Asset, key: str, store: Store) -> bool:
    stored = store.head(key)
    return stored is not None and stored.holds(asset)


def pruning(ledger: Ledger, *, before: date, source: str) -> Plan:
    """Plan to remove the sound that no kept release names since a day before `before`.

    Raises:
        StorageError: a publish was interrupted: what it had begun may name that sound.
    """
    if ledger.turn is not None:
        hint = "finish it first: cln-media publish"
        raise StorageError("somebody is publishing, or was interrupted", source=source, hint=hint)
    keys = tuple(sorted(older.asset.key for older in older_sound(ledger, before=before)))
    return Plan(puts=(), deletes=keys, unchanged=len(ledger.release.assets))


def promotion(staged: Ledger, live: Ledger | None) -> Move:
    """Plan to make the release of one store that of another, by copies from the first."""
    release = staged.release
    where: dict[str, tuple[str, ...]] = {content(asset): (asset.key,) for asset in release.assets}
    return Move(release=release, plan=plan(release, live), copies=where)
