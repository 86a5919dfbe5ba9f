"""A store and its ledger -> where they have drifted apart: files that are missing, changed, or somebody else's."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pipeline.model import Asset
from pipeline.publish.crew import Crew, Job, Report, Voice
from pipeline.publish.difference import without
from pipeline.publish.ledger import LEDGER_KEY, Ledger, Owner, Turn, blob_key
from pipeline.publish.store import PROBE, Listed, Store

_AGAIN = "send it again with cln-media publish --repair"
_MEMBERS = "m/"  # a part of its own, with a ledger of its own, for each member


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A file that is not as the ledger says."""

    key: str
    what: Literal["missing", "changed", "foreign"]
    detail: str


def drift(ledger: Ledger, store: Store) -> tuple[Drift, ...]:
    """Compare what a store lists with its ledger: one request for a thousand files, no content is fetched.

    Returns:
        What differs, ascending by key. Members' files are left out: each member's part has a ledger of its own.

    Raises:
        StorageError: the store cannot be listed.
    """
    listed = {found.key: found for found in store.listing() if not found.key.startswith(_MEMBERS)}
    wanted, ours = ledger.stored, ledger.keys()
    found = [*_missing(ledger, listed), *(each for key in wanted if (each := _changed(wanted[key], ledger, listed)))]
    foreign = (key for key in listed if key not in ours and not key.startswith(PROBE))
    found += [Drift(key=key, what="foreign", detail="not ours: nothing here names or removes it") for key in foreign]
    return tuple(sorted(found, key=lambda each: each.key))


def deep_drift(
    ledger: Ledger,
    store: Store,
    *,
    progress: Callable[[int, int], None] | None = None,
    voice: Voice | None = None,
) -> tuple[Drift, ...]:
    """Download every file that the ledger names and compare its SHA-256; what is missing is `drift`'s to say.

    Args:
        ledger: what the store should hold.
        store: where it is.
        progress: told, in the calling thread, the bytes compared and the bytes to compare.
        voice: told how many seconds nothing has moved.

    Raises:
        StorageError: the store cannot be read.
    """
    assets = sorted(ledger.stored.values(), key=lambda asset: asset.key)
    total, found = sum(asset.size for asset in assets), list[Drift]()

    def comparing(asset: Asset) -> Job:
        def run(done: Report) -> None:
            digest = store.digest(asset)
            if digest not in (None, asset.sha256):
                found.append(Drift(key=asset.key, what="changed", detail=f"its content has another SHA-256: {_AGAIN}"))
            done(asset.size)

        return Job(key=asset.key, size=asset.size, run=run)

    report = (lambda done: progress(done, total)) if progress else None
    Crew(report=report, voice=voice, stop=store.stop).run([comparing(asset) for asset in assets])
    return tuple(sorted(found, key=lambda each: each.key))


def unsettled(ledger: Ledger, drifts: Sequence[Drift]) -> Ledger:
    """Return the ledger in which what has drifted counts as unfinished, so that the next plan sends it again.

    What is missing and only earlier releases need cannot be sent again: they are not whole any more.
    """
    drifted = {each.key for each in drifts if each.what != "foreign"}
    missing = {each.key for each in drifts if each.what == "missing"}
    if not drifted:
        return ledger
    turn = ledger.turn or Turn(id="", owner=Owner(who="", host="", workspace=""), since="", lasts_s=0)
    again = tuple(asset for key, asset in ledger.by_key.items() if key in drifted)
    lost = {content for content in ledger.blobs if blob_key(content) in missing}
    found = without(ledger, lost, missing - ledger.by_key.keys())
    older = tuple(each for each in ledger.older if each.asset.key not in missing)
    return replace(found, older=older, turn=replace(turn, writes=(*turn.writes, *again)))


def _missing(ledger: Ledger, listed: dict[str, Listed]) -> Iterator[Drift]:
    for key in ledger.stored:
        if key not in listed:
            yield Drift(key=key, what="missing", detail=_AGAIN)
    for key in (LEDGER_KEY, *map(blob_key, sorted(ledger.blobs))):
        if key not in listed:
            yield Drift(key=key, what="missing", detail="an earlier release cannot be brought back without it")


def _changed(asset: Asset, ledger: Ledger, listed: dict[str, Listed]) -> Drift | None:
    found = listed.get(asset.key)
    if found is None:
        return None
    if asset.encoding is None and found.size != asset.size:
        return Drift(key=asset.key, what="changed", detail=f"has {found.size} bytes, not {asset.size}: {_AGAIN}")
    tag = ledger.tags.get(asset.key)
    if tag and found.tag and tag != found.tag:
        return Drift(
            key=asset.key, what="changed", detail=f"was written by somebody else since it was published: {_AGAIN}"
        )
    return None
