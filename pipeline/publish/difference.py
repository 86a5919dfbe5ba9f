"""A release and the ledger of a store -> a plan, and the ledger that the plan leads to; pure."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import date

from pipeline.model import Asset, Plan, Put, Reason, Release, is_feed_key, is_search_part
from pipeline.publish.ledger import KEPT_RELEASES, Kept, Ledger, Older, blob_key, content
from pipeline.publish.store import OWN, is_lasting

MEDIA, PAGES, FEEDS = 1, 2, 3
_NAMED_BY_PAGES_AND_FEEDS = ("media/", "assets/", "transcripts/", "chapters/", "waveforms/")
_SOUND = "media/"
_HOME = "index.html"


def plan(local: Release, ledger: Ledger | None, *, keep: int = KEPT_RELEASES) -> Plan:
    """Compare a release with what a store holds, by SHA-256, size and headers.

    Args:
        local: the release that was built.
        ledger: what the store holds; None where nothing was published yet.
        keep: how many releases can be brought back, the new one included.

    Returns:
        The puts in the order they must be sent, what is copied aside before, and the keys to remove: what only the
        release before has, and what only releases have that are not kept any more; never sound, because someone may
        still be listening to a file that no feed names, unless its removal was ordered and then interrupted.
    """
    ledger = ledger or Ledger()
    if ledger.number and ledger.release == local and not ledger.uncertain:
        return Plan(puts=(), deletes=(), unchanged=len(local.assets))
    stored, uncertain = ledger.stored, ledger.uncertain
    puts = [Put(asset=asset, reason=reason) for asset in local.assets if (reason := _reason(asset, stored, uncertain))]
    kept = _kept(ledger, local, keep)
    keeps = tuple(_keeps(ledger, local)) if _is_kept(ledger, kept) else ()
    aside = {blob_key(each) for each in (*ledger.blobs, *map(content, keeps))}
    needed = {asset.key for asset in local.assets}
    needed |= {key for key in _needed(local, kept) if key in aside or not key.startswith(OWN)}
    gone = {*ledger.stored, *ledger.by_key, *uncertain, *map(blob_key, ledger.blobs)} - needed
    ordered = set(ledger.turn.removes) if ledger.turn else set()
    return Plan(
        puts=tuple(sorted(puts, key=lambda put: (group(put.asset.key), put.asset.key))),
        deletes=tuple(sorted(key for key in gone if key in ordered or not key.startswith(_SOUND))),
        unchanged=len(local.assets) - len(puts),
        keeps=keeps,
    )


def advanced(ledger: Ledger, local: Release, plan: Plan, *, note: str, now: str, keep: int = KEPT_RELEASES) -> Ledger:
    """Return the ledger of a store to which `plan` was applied. Its tags are still those from before.

    Args:
        ledger: what the store held before.
        local: the release it holds now.
        plan: how it came there.
        note: how the release came about, for people.
        now: ISO 8601, UTC.
        keep: as for `plan`.
    """
    is_new = not ledger.number or ledger.release != local
    kept, gone = _kept(ledger, local, keep), set(plan.deletes)
    blobs = {*ledger.blobs, *map(content, plan.keeps)}
    return replace(
        ledger,
        number=ledger.number + is_new,
        published_at=now if is_new else ledger.published_at,
        note=note if is_new else ledger.note,
        release=local,
        kept=kept,
        blobs=frozenset(each for each in blobs if blob_key(each) not in gone),
        older=tuple(_older(ledger, local, kept, date.fromisoformat(now[:10]), gone)),
        doubtful=tuple(_doubtful(ledger, local, kept, date.fromisoformat(now[:10]), gone)),
        turn=None,
    )


def with_live(local: Release, ledger: Ledger | None, is_to_stay: Callable[[str], bool]) -> Release:
    """Add to a release what is live and not in it, as it is.

    Args:
        local: the release that was built.
        ledger: what the store holds.
        is_to_stay: says so of a key.
    """
    own = {asset.key for asset in local.assets}
    live = ledger.release.assets if ledger else ()
    staying = (asset for asset in live if asset.key not in own and is_to_stay(asset.key))
    return Release(assets=tuple(sorted((*local.assets, *staying), key=lambda asset: asset.key)))


def removal_steps(keys: Collection[str]) -> tuple[tuple[str, ...], ...]:
    """Divide what is removed into steps, each of which was named by earlier ones only: feeds, the home page, pages."""

    def step(key: str) -> tuple[int, bool]:
        return -group(key), key != _HOME

    found = sorted(set(map(step, keys)))
    return tuple(tuple(key for key in sorted(keys) if step(key) == each) for each in found)


def without(ledger: Ledger, lost: Collection[str], gone: Collection[str] = ()) -> Ledger:
    """Return the ledger of a store from which somebody took what was to be kept: releases are not whole any more.

    Args:
        ledger: of the store.
        lost: content that is not aside.
        gone: keys of files that only earlier releases name, and that are not there.
    """
    needing = {
        number
        for number, release in ledger.releases()[1:]
        if any(asset.key in gone or (content(asset) in lost and not is_lasting(asset.key)) for asset in release.assets)
    }
    kept = tuple(replace(each, is_whole=each.is_whole and each.number not in needing) for each in ledger.kept)
    return replace(ledger, kept=kept, blobs=ledger.blobs - set(lost))


def emptied(ledger: Ledger) -> Ledger:
    """Return the ledger of a store from which everything is being taken away: nothing is certain, nothing is kept."""
    nothing = Release(assets=())
    return replace(ledger, release=nothing, kept=(), blobs=frozenset(), older=(), doubtful=(), tags={})


def group(key: str) -> int:
    """Say when `key` is sent: what pages and feeds name (1), the pages and all else (2), the feeds (3)."""
    if key.startswith(_NAMED_BY_PAGES_AND_FEEDS) or is_search_part(key):
        return MEDIA
    return FEEDS if is_feed_key(key) else PAGES


def steps(plan: Plan, ledger: Ledger) -> tuple[tuple[Put, ...], ...]:
    """Divide what is sent into steps, each of which names only what earlier steps have brought.

    New pages, and then new feeds, which nobody follows yet, come before the pages that are there already and may name
    them; between them come pages of which an interrupted run has left it open whether they are there: they may name the
    new ones, and be named by those that are. The home page comes after all other pages that may not be there, the
    network's feed and the feeds that are followed after all else.
    """

    def step(put: Put) -> tuple[int, int]:
        key = put.asset.key
        is_there, may_be_there = key in ledger.by_key, key in ledger.uncertain
        if group(key) == FEEDS and not (is_there or may_be_there) and "/" in key:
            return PAGES, 1
        if group(key) != PAGES:
            return group(key), 0
        return PAGES, 3 if is_there or key == _HOME else 2 if may_be_there else 0

    found = sorted({step(put) for put in plan.puts})
    return tuple(tuple(put for put in plan.puts if step(put) == each) for each in found)


def older_sound(ledger: Ledger, *, before: date) -> tuple[Older, ...]:
    """List the sound that no kept release names since a day that lies before `before`."""
    return tuple(older for older in (*ledger.older, *ledger.doubtful) if older.left_on < before)


def sources(ledger: Ledger, local: Release, plan: Plan) -> dict[str, tuple[str, ...]]:
    """Say, by content, under which keys what `local` needs may lie while `plan` is applied to the store.

    Where a run was interrupted it is either aside already, or still in its own place.
    """
    touched = {put.asset.key for put in plan.puts} | set(plan.deletes)
    in_place = {put.asset.key for put in plan.puts if put.reason is Reason.HEADERS} | ledger.uncertain
    found = {content(asset): key for key, asset in ledger.stored.items() if key not in touched}
    found |= {each: blob_key(each) for each in (*ledger.blobs, *map(content, plan.keeps))}
    places: dict[str, tuple[str, ...]] = {}
    for asset in local.assets:
        own = (asset.key,) if asset.key in in_place else ()
        aside = blob_key(content(asset))
        maybe = (aside,) if aside in ledger.uncertain else ()
        known = (found[content(asset)],) if content(asset) in found else ()
        places[content(asset)] = tuple(dict.fromkeys((*places.get(content(asset), ()), *known, *maybe, *own)))
    return places


def _reason(asset: Asset, stored: Mapping[str, Asset], uncertain: frozenset[str]) -> Reason | None:
    if asset.key in uncertain and asset.key not in stored:
        return Reason.UNFINISHED
    old = stored.get(asset.key)
    if old is None:
        return Reason.NEW
    if (content(old), old.size) != (content(asset), asset.size):
        return Reason.CONTENT
    return Reason.HEADERS if old != asset else None


def _kept(ledger: Ledger, local: Release, keep: int) -> tuple[Kept, ...]:
    if not ledger.number or ledger.release == local:
        return ledger.kept[: max(keep - 1, 0)]
    new = {asset.key: asset for asset in local.assets}
    last = Kept(
        number=ledger.number,
        published_at=ledger.published_at,
        note=ledger.note,
        differs=tuple(asset for asset in ledger.release.assets if new.get(asset.key) != asset),
        lacks=tuple(sorted(new.keys() - ledger.by_key.keys())),
    )
    return (last, *ledger.kept)[: max(keep - 1, 0)]


def _is_kept(ledger: Ledger, kept: tuple[Kept, ...]) -> bool:
    return bool(ledger.number and kept and kept[0].number == ledger.number)


def _keeps(ledger: Ledger, local: Release) -> Iterator[Asset]:
    new = {asset.key: content(asset) for asset in local.assets}
    seen = {each for each in ledger.blobs if blob_key(each) not in ledger.uncertain}
    for asset in ledger.release.assets:
        changes = new.get(asset.key) != content(asset) or asset.key in ledger.uncertain
        if changes and not is_lasting(asset.key) and content(asset) not in seen:
            seen.add(content(asset))
            yield asset


def _needed(local: Release, kept: tuple[Kept, ...]) -> set[str]:
    """List what kept releases need besides the files of `local`: pages' content aside, assets under their own keys."""
    needed: set[str] = set()
    for _, release in Ledger(release=local, kept=kept).releases()[1:]:
        needed |= {asset.key if is_lasting(asset.key) else blob_key(content(asset)) for asset in release.assets}
    return needed


def _older(ledger: Ledger, local: Release, kept: tuple[Kept, ...], today: date, gone: set[str]) -> Iterator[Older]:
    named = {asset.key for asset in local.assets} | _needed(local, kept)
    before = {older.asset.key: older for older in ledger.older}
    everything = {**ledger.by_key, **ledger.stored}
    for key in sorted(everything):
        if key.startswith(_SOUND) and key not in named and key not in gone:
            yield before.get(key) or Older(asset=everything[key], left_on=today)


def _doubtful(ledger: Ledger, local: Release, kept: tuple[Kept, ...], today: date, gone: set[str]) -> Iterator[Older]:
    """List sound that was not there when it was looked for, but that an interrupted run may have sent after all."""
    named = {asset.key for asset in local.assets} | _needed(local, kept) | gone
    before = {older.asset.key: older for older in ledger.doubtful}
    unfinished = ledger.turn.writes if ledger.turn else ()
    found = {asset.key: Older(asset=asset, left_on=today) for asset in unfinished if asset.key.startswith(_SOUND)}
    for key, older in sorted((found | before).items()):
        if key not in named and key not in ledger.by_key and key not in ledger.stored:
            yield older
