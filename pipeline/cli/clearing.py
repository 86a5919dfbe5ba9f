"""The step of `publish` that finishes withdrawals: what is left in the store, looked for, removed and certified."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import model, pages, publish, trust, verify
from pipeline.cache import write_atomic
from pipeline.cli import members
from pipeline.cli.screen import Screen
from pipeline.errors import StorageError
from pipeline.model import Show, Withdrawal
from pipeline.workspace import Workspace

if TYPE_CHECKING:
    from pipeline.cli.sending import Place

_MOST_LISTED = 500
_OLD_VERSIONS = {
    "folder": "A folder keeps no earlier versions of files itself; its backups are yours to look through.",
    "none": "The store keeps no earlier versions of files.",
    "removed": "The store keeps earlier versions of files: those of this episode, of pages and of feeds were removed.",
    "unknown": "The store does not tell whether it keeps earlier versions of files: ask the provider.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doomed:
    """What is to be removed of an episode.

    slugs: under which it was ever published; what is live there stays, as another episode may have the slug now, or it
    is this one as it shall stay; at_all: keys that go also where they are live, None for none.
    """

    slug: str
    slugs: Collection[str]
    at_all: Callable[[str], bool] | None = None

    def has(self, key: str) -> bool:
        return any(model.belongs(key, slug) for slug in self.slugs)

    def goes(self, key: str, live: Collection[str]) -> bool:
        if self.at_all is not None and self.at_all(key):
            return True
        return key not in live and self.has(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cleared:
    """What was removed from a part of the store."""

    keys: tuple[str, ...]
    versions: str
    count: int


def finish(
    place: "Place",
    mark: str,
    screen: Screen,
    before: tuple[members.Held, ...],
    *,
    take_over: bool,
    now: datetime,
) -> bool:
    """Remove from the store all that was withdrawn and is not yet known to be gone, and write the certificates.

    Args:
        place: the live store, to which a release without it was just published.
        mark: the workspace's own.
        screen: where it is said.
        before: what members' parts held before that release.
        take_over: whether a turn that somebody else still has is taken over.
        now: the time that the certificate names.

    Returns:
        Whether there was anything to finish.

    Raises:
        MediaError: the store cannot be written, or still holds some of it.
    """
    pending = [each for each in trust.withdrawals(place.where)[0] if each.finished_on is None]
    for withdrawal in pending:
        _finish(place, withdrawal, mark, screen, before, take_over=take_over, now=now)
    return bool(pending)


def forget_removed(place: "Place", removals: Mapping[str, str], mark: str, screen: Screen, *, take_over: bool) -> bool:
    """Remove from the store what it still holds of episodes as they were before words were removed from them.

    Args:
        place: the live store, to which the episodes were just published without those words.
        removals: by slug, a hash of all that was removed.
        mark: the workspace's own.
        screen: where it is said.
        take_over: whether a turn that somebody else still has is taken over.

    Returns:
        Whether earlier releases were given up.

    Raises:
        MediaError: the store cannot be written.
    """
    trail, to = place.where.trail, place.store.address
    known = trust.identities.known(trail)
    noted = [(each.slug, each.facts.get("removals"), each.facts.get("to")) for each in trust.trail.entries(trail)]
    is_given_up = False
    for slug, removed in removals.items():
        if (slug, removed, to) in noted:
            continue
        slugs = {slug} | (trust.identities.every_slug(trail, known[slug].guid) if slug in known else set())
        for store, owner in ((place.store, place.owner), *members.parts(place.where, place.show, place.store, mark)):
            if _has_earlier(store, slugs):
                cleared = _cleared(store, owner, _Doomed(slug=slug, slugs=slugs), screen, take_over=take_over)
                screen.say(f"Removed {len(cleared.keys)} files that held what was removed from {slug}.")
                is_given_up = True
        _empty_stale_staging(place, slug, slugs, removed, screen, take_over=take_over)
        trust.trail.note(trail, "cleared", slug=slug, removals=removed, to=to)
    return is_given_up


def removals_in(where: Workspace, store: publish.Store) -> Mapping[str, str]:
    """Say what had been removed when a store was last published to: by slug, a hash of it."""
    sent = (each for each in trust.trail.entries(where.trail) if each.what == "publish")
    noted = [each.facts.get("removals") for each in sent if each.facts.get("to") == store.address]
    last = noted[-1] if noted else None
    return last if isinstance(last, Mapping) else {}


def _empty_stale_staging(
    place: "Place", slug: str, slugs: Collection[str], removed: str, screen: Screen, *, take_over: bool
) -> None:
    """Empty the place to try releases in, if it holds the episode as it was before the words were removed."""
    if place.show.staging is None:
        return
    staging = publish.open_store(place.show.staging, workspace=place.where.root)
    ledger = publish.patiently(lambda: publish.look(staging), voice=screen.stalled).ledger
    held = [key for key in (ledger.stored if ledger else ()) for each in slugs if model.belongs(key, each)]
    if held and removals_in(place.where, staging).get(slug) != removed:
        publish.withdraw(staging, place.owner, at_once=take_over)
        screen.say(f"Emptied {staging.address}: it held what was removed from {slug} since. Stage it again.")


def _has_earlier(store: publish.Store, slugs: Collection[str]) -> bool:
    ledger = publish.look(store).ledger or publish.Ledger()
    earlier = [asset.key for kept in ledger.kept for asset in kept.differs]
    earlier += [older.asset.key for older in (*ledger.older, *ledger.doubtful)]
    return any(model.belongs(key, slug) for key in earlier for slug in slugs)


def certificate(where: Workspace, withdrawal: Withdrawal) -> Path:
    """Name the page that says what was done."""
    return where.withdrawals / f"{trust.name_of(withdrawal)}.html"


def _finish(
    place: "Place",
    withdrawal: Withdrawal,
    mark: str,
    screen: Screen,
    before: tuple[members.Held, ...],
    *,
    take_over: bool,
    now: datetime,
) -> None:
    where, slug = place.where, withdrawal.slug
    doomed = _Doomed(
        slug=slug,
        slugs={slug, *withdrawal.earlier_slugs} | trust.identities.every_slug(where.trail, withdrawal.guid),
        at_all=withdrawal.has if withdrawal.speaker is None else None,
    )
    whole = _cleared(place.store, place.owner, doomed, screen, take_over=take_over)
    others = [
        _cleared(store, owner, doomed, screen, take_over=take_over)
        for store, owner in _others(place, mark, screen, take_over=take_over)
    ]
    current = _current(place.store)
    live = place.seen.ledger.stored if place.seen.ledger else {}
    public = {key for key in (*withdrawal.removed, *whole.keys, *live) if doomed.has(key) and key not in current}
    kept = {key for each in (whole, *others) for key in each.keys} - public
    checked, looked = _looked_at(place.show, sorted(public))
    notes = [_OLD_VERSIONS[kind] for kind in sorted({each.versions for each in (whole, *others)})]
    versions = sum(each.count for each in (whole, *others))
    notes += [f"{versions} earlier versions of files were removed."] if versions else []
    notes += _looked_at_parts(place.show, withdrawal, before)
    notes += [f"{len(kept)} copies kept of earlier releases, or for members and trials, were removed."] if kept else []
    done = replace(
        withdrawal,
        finished_on=now.date(),
        removed=tuple(sorted(public)),
        checked=checked,
        notes=tuple(dict.fromkeys((*withdrawal.notes, *notes, *looked))),
    )
    trust.trail.note(where.trail, "withdrawn", slug=slug, removed=len(public), kept=len(kept), versions=versions)
    trust.write_withdrawal(where, done)
    write_atomic(certificate(where, done), pages.certificate(done, place.show, templates=where.templates))
    screen.say(f"Withdrawn: {len(public)} files of {slug} removed, {len(checked)} addresses found gone.")


def _others(place: "Place", mark: str, screen: Screen, *, take_over: bool) -> list[tuple[publish.Store, publish.Owner]]:
    """List where else it may be: each member's part, and the place to try releases in, which is emptied."""
    members.empty_orphans(place.where, place.show, place.store, mark, at_once=take_over)
    parts = members.parts(place.where, place.show, place.store, mark)
    if place.show.staging is None:
        return parts
    staging = publish.open_store(place.show.staging, workspace=place.where.root)
    if publish.patiently(lambda: publish.look(staging), voice=screen.stalled).ledger is not None:
        publish.withdraw(staging, place.owner, at_once=take_over)
    return [*parts, (staging, place.owner)]


def _cleared(
    store: publish.Store, owner: publish.Owner, doomed: _Doomed, screen: Screen, *, take_over: bool
) -> _Cleared:
    """Remove an episode from a part of the store."""
    current, slug = _current(store), doomed.slug
    screen.detail(f"Removing what is left of {slug} from {store.address}")

    def goes(key: str) -> bool:
        return doomed.goes(key, current)

    erased = publish.erase(store, doomed=goes, owner=owner, at_once=take_over, voice=screen.stalled)
    left = [key for key in publish.remains(store, goes) if key not in current]
    if left:
        message = f"still holds {len(left)} files of {slug}, such as {left[0]}"
        hint = "give the publisher the right to remove versions, and run the same command again"
        raise StorageError(message, source=store.address, hint=hint)
    versions = erased.versions if store.endpoint else "folder"
    return _Cleared(keys=erased.keys, versions=versions, count=erased.version_count)


def _looked_at_parts(show: Show, withdrawal: Withdrawal, before: tuple[members.Held, ...]) -> list[str]:
    """Say what is gone from members' parts, and whether its addresses answer; the addresses are secrets."""
    gone = [
        each.prefix + key
        for each in before
        if any(map(withdrawal.has, each.keys))
        for key in set(each.keys) - _current(each.store)
        if withdrawal.has(key)
    ]
    if not gone:
        return []
    notes = [f"{len(gone)} files were removed from members' own parts."]
    if not show.is_example:
        states = verify.still_answers([show.url(key) for key in sorted(gone)[:_MOST_LISTED]])
        count = sum(state == "gone" for state in states.values())
        notes.append(f"{count} of {len(states)} of their addresses there, which are secret, were found gone.")
    return notes


def _current(store: publish.Store) -> frozenset[str]:
    ledger = publish.look(store).ledger
    return frozenset(ledger.by_key) if ledger else frozenset()


def _looked_at(show: Show, removed: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Ask for every address that is gone, as the world does; return what answered so, and what else is to be said."""
    keys = removed[:_MOST_LISTED]
    if not keys or show.is_example:
        return (), ("No public address was looked at: none is in use yet.",) if keys else ()
    states = verify.still_answers([show.url(key) for key in keys])
    gone = tuple(f"{address}: gone" for address, state in states.items() if state == "gone")
    still = [address for address, state in states.items() if state == "answers"]
    silent = sum(state == "no answer" for state in states.values())
    notes = [f"{address} still answered: a cache holds it for a while; look again." for address in still]
    notes += [f"{silent} addresses did not answer at all."] if silent else []
    return gone, tuple(notes)
