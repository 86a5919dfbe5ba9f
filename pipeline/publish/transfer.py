"""A plan, the folder `site` and a store -> a published release, in an order that is whole at every moment."""

import gzip
import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.errors import StorageError
from pipeline.model import Asset, Plan, Put, Reason, Release
from pipeline.publish.crew import LARGE_BYTES, Crew, Job, Report, Voice
from pipeline.publish.difference import advanced, emptied, removal_steps, steps, without
from pipeline.publish.ledger import KEPT_RELEASES, LEDGER_KEY, Ledger, Owner, blob, content
from pipeline.publish.store import Store, Stored, changed_since_the_build, is_lasting, other_content, unreadable
from pipeline.publish.turn import Seen, Taking, look, now

Progress = Callable[[int, int], None]
Contents = Mapping[str, Path | bytes]
"""The files of a release that stand in no folder together: by key, where each is, or what it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a plan is applied.

    owner: who publishes; copies: keys by content of what `origin` (the store itself, otherwise) is known to hold: that
    content is copied there, not sent; progress: told, in the calling thread, the bytes sent and the bytes to send;
    voice: told how many seconds nothing has moved; note: how the release came about; keep: as for `plan`;
    at_once: whether a turn that somebody else still has is taken over; trail: as the ledger is to name it.
    """

    owner: Owner
    copies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    origin: Store | None = None
    progress: Progress | None = None
    voice: Voice | None = None
    note: str = "published"
    keep: int = KEPT_RELEASES
    at_once: bool = False
    trail: str = ""


def apply(plan: Plan, release: Release, *, seen: Seen, site: Path | Contents, store: Store, manner: Manner) -> Ledger:
    """Make `store` hold `release`: sound and assets first, then pages, feeds, the ledger, removals last.

    Each step starts when the one before has ended without an error. Before the first, one conditional request takes
    the turn and notes what is about to change: so nobody else writes meanwhile, and the next run always finishes an
    interrupted one, even when it publishes another release. What is replaced is copied aside before.

    Args:
        plan: what `plan(release, seen.ledger)` returned.
        release: the release in `site`.
        seen: what `look(store)` returned.
        site: the folder that was built, or the files of the release.
        store: where to publish.
        manner: how, and for whom.

    Returns:
        The ledger of the store as it is now.

    Raises:
        BusyError: somebody else publishes, or has since `seen`.
        StorageError: a file has changed since the build, or the store cannot be written.
    """
    before = seen.ledger or Ledger()
    if plan.is_empty and before.turn is None:
        return before
    work = _Work(plan, site, store, manner)
    turn = Taking(store, seen, manner.owner, at_once=manner.at_once)
    crew = work.crew(turn)
    try:
        unsettled = tuple(sorted(before.uncertain & set(plan.deletes)))
        writes = (*(put.asset for put in plan.puts), *map(blob, plan.keeps))
        crew.call(lambda: turn.begin(writes, unsettled))
        crew.run([work.keeping(asset, before) for asset in plan.keeps])
        store.settle()
        for step in steps(plan, before):
            crew.run([work.sending(put, turn) for put in step])
            store.settle()
        after = work.ledger(before, release)
        if plan.deletes:
            crew.call(lambda: turn.go_on(after, plan.deletes))
            for keys in removal_steps(plan.deletes):
                crew.run([_removal(key, store, turn) for key in keys])
            store.settle()
        written = crew.call(lambda: turn.end(after))
        store.settle()
    finally:
        turn.give_up()
    return written


def withdraw(store: Store, owner: Owner, *, at_once: bool = False) -> int:
    """Remove all that the ledger of `store` names, feeds first, and the ledger last.

    Interrupted, it is finished by the next call: until the end, the ledger still names everything.

    Args:
        store: what is emptied of what is ours.
        owner: who does it.
        at_once: whether a turn that somebody else still has is taken over.

    Returns:
        How many files of the site were named; 0 where nothing was published there.

    Raises:
        BusyError: somebody else publishes there.
        StorageError: the store cannot be read or written.
    """
    seen = look(store)
    if seen.ledger is None:
        return 0
    keys = sorted(seen.ledger.keys() - {LEDGER_KEY})
    turn, crew = Taking(store, seen, owner, at_once=at_once), Crew(stop=store.stop)
    try:
        turn.begin((), tuple(keys), emptied(seen.ledger))
        for step in removal_steps(keys):
            crew.run([_removal(key, store, turn) for key in step])
    finally:
        turn.give_up()
    store.delete(LEDGER_KEY)
    store.settle()
    return len({*seen.ledger.by_key, *seen.ledger.uncertain, *(older.asset.key for older in seen.ledger.older)})


def fault(asset: Asset, stored: Stored | None) -> str | None:
    """Say in what a stored file differs from what it should be; None where it does not."""
    if stored is None:
        return "is not in the store"
    plain = "no coding"
    compared = (
        (stored.encoding or plain, asset.encoding or plain, "is stored with {}, not {}"),
        (stored.size, stored.size if asset.encoding else asset.size, "is stored with {} bytes, not {}"),
        (stored.sha256, asset.sha256, "is stored with another SHA-256"),
        (stored.content_type, asset.content_type, "is served as {}, not {}"),
        (stored.cache_control, asset.cache_control, "is served with Cache-Control {}, not {}"),
    )
    return next((text.format(is_so, should) for is_so, should, text in compared if is_so not in (None, should)), None)


class _Work:
    """What the jobs of one publish share: what is to be done, and what has come of it."""

    def __init__(self, plan: Plan, site: Path | Contents, store: Store, manner: Manner) -> None:
        self._plan, self._site, self._store, self._manner = plan, site, store, manner
        self._lock = threading.Lock()
        self._tags: dict[str, str] = {}
        self._lost: set[str] = set()

    def crew(self, turn: Taking) -> Crew:
        progress, total = self._manner.progress, sum(put.asset.size for put in self._plan.puts)
        report = (lambda done: progress(done, total)) if progress else None
        return Crew(report=report, voice=self._manner.voice, watch=turn.check, stop=self._store.stop)

    def keeping(self, asset: Asset, before: Ledger) -> Job:
        """Copy aside what is about to be replaced or removed."""
        aside, store, is_certain = blob(asset), self._store, asset.key not in before.uncertain

        def run(_: Report) -> None:
            tag = before.tags.get(asset.key) if is_certain else None
            is_kept = (tag and store.copy(aside, asset.key, tag=tag) is not None) or (
                (not is_certain and fault(aside, store.head(aside.key)) is None)
                or store.copy(aside, asset.key) is not None
            )
            if not is_kept:
                self._lost.add(content(asset))

        return Job(key=aside.key, size=0, run=run)

    def sending(self, put: Put, turn: Taking) -> Job:
        """Bring one file there: copied where it can be, sent otherwise."""
        asset = put.asset

        def run(sent: Report) -> None:
            turn.check()
            tag = self._bring(put, sent)
            with self._lock:
                self._tags[asset.key] = tag
            sent(asset.size)

        return Job(key=asset.key, size=asset.size, run=run)

    def ledger(self, before: Ledger, release: Release) -> Ledger:
        """Write up what the store holds once everything was sent."""
        after = advanced(before, release, self._plan, note=self._manner.note, now=now(), keep=self._manner.keep)
        if self._lost:
            after = without(after, self._lost)
        tags = {key: tag for key in after.by_key if (tag := self._tags.get(key, before.tags.get(key, "")))}
        return replace(after, tags=tags, trail=self._manner.trail or before.trail)

    def _bring(self, put: Put, sent: Report) -> str:
        asset, store = put.asset, self._store
        may_be_there = put.reason is Reason.HEADERS or asset.size > LARGE_BYTES
        may_be_there = may_be_there or (put.reason is Reason.UNFINISHED and is_lasting(asset.key))
        stored = store.head(asset.key) if may_be_there else None
        if stored is not None and stored.holds(asset):
            differs = put.reason is Reason.HEADERS or fault(asset, stored)  # a store does not tell of every header
            return store.set_headers(asset) if differs else stored.tag
        sources = self._manner.copies.get(content(asset), ())
        if sources and asset.key.startswith("media/"):  # a copy would replace whatever stands there
            stored = stored or store.head(asset.key)
            if stored is not None and not stored.holds(asset):
                raise other_content(store.address, asset.key)
            if stored is not None:
                return stored.tag
        for source in sources:
            tag = store.copy(asset, source, origin=self._manner.origin)
            if tag is not None:
                return tag
        return self._send(asset, sent)

    def _send(self, asset: Asset, sent: Report) -> str:
        data = _local(self._site, asset.key) if isinstance(self._site, Path) else self._site.get(asset.key)
        if data is None:
            hint = "publish again: the release that was to be brought back, or taken over, is not whole any more"
            raise StorageError(
                "what it needs is not in the store", source=f"{self._store.address}/{asset.key}", hint=hint
            )
        if asset.encoding is not None:
            return self._store.put_bytes(asset, gzip.compress(_checked(data, asset), compresslevel=6, mtime=0))
        if isinstance(data, Path):
            return self._store.put(asset, data, sent)
        return self._store.put_bytes(asset, data)


def _removal(key: str, store: Store, turn: Taking) -> Job:
    def run(_: Report) -> None:
        turn.check()
        store.delete(key)

    return Job(key=key, size=0, run=run)


def _checked(content: Path | bytes, asset: Asset) -> bytes:
    if isinstance(content, bytes):
        return content
    try:
        data = content.read_bytes()
    except OSError as error:
        raise unreadable(content, error) from error
    if hashlib.sha256(data).hexdigest() != asset.sha256:
        raise changed_since_the_build(content)
    return data


def _local(site: Path, key: str) -> Path:
    path = site.joinpath(*key.split("/"))
    if not path.is_file():
        raise StorageError("the file is missing from the build", source=path, hint="build again, then publish")
    return path
