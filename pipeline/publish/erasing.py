"""A store and the keys of an episode -> a store that holds nothing of it, nor what named it before; by listing, proven.

Where a bucket keeps versions, they go too: of the episode all, of what named it the earlier ones.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from pipeline.errors import StorageError
from pipeline.model import Plan
from pipeline.publish.crew import Crew, Job, Report, Voice
from pipeline.publish.difference import advanced, removal_steps
from pipeline.publish.ledger import BLOBS, LEDGER_KEY, Ledger, Owner, blob_key
from pipeline.publish.store import OWN, Store, Version
from pipeline.publish.turn import Seen, Taking, look, now

Doomed = Callable[[str], bool]
"""Says of a key of the site whether it is the episode's."""

_SOUND = "media/"
_MEMBERS = "m/"  # a part of its own, with a ledger of its own, for each member
_ROUNDS = 3
_NO_VERSION = "null"  # what a bucket calls the one state of a key that it never kept versions of


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What was taken out of a store for good.

    keys: of the files that are gone, ascending; what earlier releases had kept aside among them. versions: whether
    there were earlier versions to remove; "unknown" where the store cannot tell. version_count: how many were removed,
    marks of removals included.
    """

    keys: tuple[str, ...]
    versions: Literal["none", "removed", "unknown"]
    version_count: int


def erase(store: Store, *, doomed: Doomed, owner: Owner, at_once: bool = False, voice: Voice | None = None) -> Erased:
    """Take an episode out of a store for good, once a release without it has been published there.

    Nothing of the release that is live changes. Earlier releases are forgotten, so that none can be brought back, and
    what was kept aside of them goes; so do earlier versions, in the bucket, of all that this program wrote but the
    sound of other episodes. Interrupted, it is finished by the next call.

    Args:
        store: where the episode was published.
        doomed: which keys are the episode's; those that the live release has stay, without their earlier versions.
        owner: who does it.
        at_once: whether a turn that somebody else still has is taken over.
        voice: told how many seconds nothing has moved.

    Returns:
        What was removed; nothing, where nothing was left to do.

    Raises:
        BusyError: somebody else publishes there.
        StorageError: the live release still has the episode's sound, a publish was interrupted, versions may not be
            listed or removed, or the store cannot be read or written.
    """
    seen = look(store)
    Taking(store, seen, owner, at_once=at_once).check_free()
    work = _Work(store, _settled(seen, store, doomed), doomed, Crew(voice=voice, stop=store.stop))
    work.survey()
    if seen.ledger is not None and not work.is_done:
        work.take(Taking(store, seen, owner, at_once=at_once), voice)
    return work.erased()


def remains(store: Store, doomed: Doomed) -> tuple[str, ...]:
    """List what a store still holds of an episode; changes nothing.

    Args:
        store: where the episode was published.
        doomed: which keys are the episode's.

    Returns:
        Keys, and earlier versions where the store tells of them; but nothing that the live release has in their place,
        unless it is sound, and no mark of a removal, which holds nothing.

    Raises:
        StorageError: the store cannot be read, or its versions may not be listed.
    """
    ledger = look(store).ledger or Ledger()
    live = {key for key in ledger.by_key if not key.startswith(_SOUND)}
    keys = {found.key for found in store.listing() if _is_of(found.key, doomed)}
    versions = (each for each in store.versions() or () if _is_of(each.key, doomed) and not each.is_mark)
    known = keys | live
    earlier = {f"{each.key} (version {each.id})" for each in versions if not (each.is_current and each.key in known)}
    return tuple(sorted((keys - live) | earlier))


def _is_of(key: str, doomed: Doomed) -> bool:
    return not key.startswith(OWN) and doomed(key)


def _settled(seen: Seen, store: Store, doomed: Doomed) -> Ledger:
    """Give the ledger of a store whose live release is certain, and is without the episode."""
    ledger = seen.ledger
    if ledger is None:
        if remains(store, doomed):
            hint = "publish first: then it is known which files are live; then withdraw again"
            raise StorageError("the store holds the episode, but no list of its files", source=store.address, hint=hint)
        return Ledger()
    if ledger.turn is not None and (ledger.turn.writes or ledger.uncertain & ledger.by_key.keys()):
        hint = "finish it first: cln-media publish; then withdraw again"
        raise StorageError("a publish was interrupted there", source=store.address, hint=hint)
    sound = [key for key in ledger.by_key if key.startswith(_SOUND) and doomed(key)]
    if sound:
        hint = "publish a release without the episode first; then withdraw again"
        source = f"{store.address}/{sound[0]}"
        raise StorageError("the release that is live still has the episode's sound", source=source, hint=hint)
    return ledger


class _Work:
    """What is to be removed from a store, and what has been."""

    def __init__(self, store: Store, ledger: Ledger, doomed: Doomed, crew: Crew) -> None:
        self._store, self._before, self._doomed, self._crew = store, ledger, doomed, crew
        self._named = {asset.key for _, release in ledger.releases() for asset in release.assets} | ledger.keys()
        self._own: dict[tuple[str, str], bool] = {}
        self._keys: tuple[str, ...] = ()
        self._gone: set[str] = set()
        self._removed: set[tuple[str, str]] = set()
        self._tells = True
        self.is_done = False

    def survey(self) -> None:
        """See what is to be done, before anything is changed but uploads that nobody will finish."""
        self._gone.update(self._crew.call(lambda: self._store.abort_uploads(lambda key: _is_of(key, self._doomed))))
        listed = self._crew.call(lambda: {found.key for found in self._store.listing()})
        self._keys = tuple(sorted(self._going(listed)))
        self._gone.update(key for key in self._keys if key in listed or self._is_meant(key))
        old = self._old_versions()  # in any case: without the right to see them, nothing is changed
        self.is_done = not (self._keys or old or self._before.kept or self._before.blobs or self._before.turn)

    def take(self, turn: Taking, voice: Voice | None) -> None:
        """Do it, in a turn; the ledger that forgets what is removed is written last."""
        plan = Plan(puts=(), deletes=self._keys, unchanged=len(self._before.release.assets))
        after = advanced(self._before, self._before.release, plan, note=self._before.note, now=now(), keep=1)
        self._crew = crew = Crew(voice=voice, watch=turn.check, stop=self._store.stop)
        try:
            crew.call(lambda: turn.begin((), self._keys, after))
            for keys in removal_steps(self._keys):
                crew.run([_job(key, partial(self._store.delete, key), turn) for key in keys])
            self._store.settle()
            self._remove_versions(turn)
            crew.call(lambda: turn.end(after))
            self._store.settle()
        finally:
            turn.give_up()
        self._remove_versions(turn, LEDGER_KEY)  # the last ledger but one still named what is gone

    def erased(self) -> Erased:
        """Write up what was removed."""
        count = len(self._removed)
        kind: Literal["none", "removed"] = "removed" if count else "none"
        meant = (key for key, _ in self._removed if self._is_meant(key))
        keys = {*self._gone, *meant} - self._before.by_key.keys()
        return Erased(keys=tuple(sorted(keys)), versions=kind if self._tells else "unknown", version_count=count)

    def _is_meant(self, key: str) -> bool:
        return key.startswith(BLOBS) or _is_of(key, self._doomed)

    def _going(self, listed: Iterable[str]) -> set[str]:
        before = self._before
        ordered = set(before.turn.removes) if before.turn else set()
        doubtful = {older.asset.key for older in before.doubtful}
        named = {*before.stored, *before.uncertain, *map(blob_key, before.blobs), *doubtful}
        going = {key for key in named if key in ordered or self._is_meant(key) or not key.startswith(_SOUND)}
        return (going | {key for key in listed if self._is_meant(key)}) - before.by_key.keys() - {LEDGER_KEY}

    def _old_versions(self, prefix: str = "") -> list[Version]:
        found = self._crew.call(lambda: self._store.versions(prefix))
        self._tells = found is not None
        if found is None or not any(each.is_mark or each.id != _NO_VERSION for each in found):
            return []
        current = {each.key for each in found if each.is_current}
        unknown = [each for each in found if self._is_unknown(each) and (each.key, each.id) not in self._own]
        self._crew.run([Job(key=str(each), size=0, run=self._asking(each)) for each in unknown])
        return [each for each in found if self._is_old(each, current)]

    def _is_unknown(self, version: Version) -> bool:
        key = version.key
        return not (
            version.is_current
            or version.is_mark
            or key in self._named
            or key.startswith((OWN, _SOUND, _MEMBERS))
            or self._is_meant(key)
        )

    def _is_old(self, version: Version, current: set[str]) -> bool:
        key = version.key
        if key in self._before.by_key or key == LEDGER_KEY:
            return not version.is_current and key in current and not key.startswith(_SOUND)
        if self._is_meant(key):
            return True
        if version.is_current or key.startswith((_SOUND, _MEMBERS)):
            return False
        return key in self._named or key.startswith(OWN) or self._own.get((key, version.id), False)

    def _asking(self, version: Version) -> Callable[[Report], None]:
        def run(_: Report) -> None:
            self._own[version.key, version.id] = self._store.is_own(version)

        return run

    def _remove_versions(self, turn: Taking, prefix: str = "") -> None:
        """Remove old versions, and look again; a mark goes last, because it hides those before it."""
        old = self._old_versions(prefix)
        for _ in range(_ROUNDS):
            for step in ((False, False), (False, True), (True, False), (True, True)):
                each_step = [each for each in old if (each.is_mark, each.is_current) == step]
                self._crew.run([_job(str(each), partial(self._store.delete_version, each), turn) for each in each_step])
            self._removed.update((each.key, each.id) for each in old)
            old = self._old_versions(prefix) if old else []
        left = [each for each in old if (each.key, each.id) in self._removed]  # others are of a ledger written since
        self._removed.difference_update((each.key, each.id) for each in left)
        still = [each for each in left if not each.is_mark]  # some services never give up a mark, which holds nothing
        if still:
            hint = "ask the provider what keeps it; then withdraw again"
            source = f"{self._store.address}/{still[0].key}"
            raise StorageError("the store still lists an earlier version that was removed", source=source, hint=hint)


def _job(name: str, remove: Callable[[], None], turn: Taking) -> Job:
    def run(_: Report) -> None:
        turn.check()
        remove()

    return Job(key=name, size=0, run=run)
