"""A store -> its ledger, and one publisher's turn to change it: taken, kept alive and ended by conditional requests."""

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pipeline.errors import BusyError, StorageError
from pipeline.model import MANIFEST_KEY, Asset, Release
from pipeline.publish.ledger import LEDGER_KEY, Ledger, Older, Owner, Turn, from_manifest, is_key
from pipeline.publish.store import Abilities, Store, Taken

LASTS_S = 300
_RENEW_S = 60.0
_MARGIN_S = 30
_ATTEMPTS = 3
_TYPE = "application/gzip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a store said of itself. tag: of its ledger, None where there is none yet; age_s: since it was written."""

    ledger: Ledger | None
    tag: str | None
    age_s: float = 0.0


def look(store: Store) -> Seen:
    """Read the ledger of a store: one request, and more only where a publisher was interrupted, or nothing is there.

    Sound that an interrupted publisher had sent whole counts as stored, so that it is not sent again.

    Raises:
        StorageError: the store cannot be read, or what it holds is not a ledger.
    """
    fault = ValueError()
    for _ in range(_ATTEMPTS):  # what was damaged on its way is whole the next time
        found = store.read(LEDGER_KEY)
        if found is None:
            return Seen(ledger=_earlier(store), tag=None)
        try:
            ledger = Ledger.from_bytes(found.data)
        except ValueError as error:
            fault = error
        else:
            return Seen(ledger=_with_sound_sent(ledger, store), tag=found.tag, age_s=found.age_s)
    raise _damaged(store, LEDGER_KEY, fault) from fault


class Taking:
    """A turn, from taking it to its end. Its ledger is renewed in the background, so that it does not look abandoned.

    Args:
        store: whose turn it is.
        seen: what was seen of it when the plan was made.
        owner: who takes the turn.
        at_once: whether a turn that somebody else still has is taken over.
    """

    def __init__(self, store: Store, seen: Seen, owner: Owner, *, at_once: bool = False) -> None:
        self._store, self._seen, self._owner, self._at_once = store, seen, owner, at_once
        self._tag = seen.tag
        self._ledger = seen.ledger or Ledger()
        self._lock = threading.Lock()
        self._written_at = (time.time(), time.monotonic())  # two clocks: one stands still while a computer sleeps
        self._is_over = threading.Event()
        self._fault: StorageError | None = None
        self._abilities: Abilities | None = None
        self._turn = Turn(id=secrets.token_hex(8), owner=owner, since=now(), lasts_s=LASTS_S)

    def check_free(self) -> None:
        """See that nobody else has the turn.

        Raises:
            BusyError: somebody has.
        """
        if self._ledger.turn is not None and not self._may_take_over(self._ledger.turn):
            raise _busy(self._store, self._ledger.turn, self._seen.age_s)

    def begin(self, writes: tuple[Asset, ...], removes: tuple[str, ...], ledger: Ledger | None = None) -> None:
        """Take the turn, and note what is about to change.

        Args:
            writes: what may be half sent from now on.
            removes: keys that may be gone from now on.
            ledger: what is certain from now on; what was seen, otherwise.

        Raises:
            BusyError: somebody else has the turn, or has published since the plan was made.
        """
        self.check_free()
        known = self._ledger.abilities if self._ledger.endpoint == self._store.endpoint else None
        self._abilities = self._store.learn(known)
        self._turn = replace(self._turn, writes=writes, removes=removes)
        self._ledger = replace(self._known(ledger or self._ledger), turn=self._turn)
        self._write(self._ledger)
        threading.Thread(target=self._stay_alive, daemon=True).start()

    def go_on(self, ledger: Ledger, removes: tuple[str, ...]) -> None:
        """Write the ledger of what was published, with what is still to be removed."""
        self._turn = replace(self._turn, writes=(), removes=removes)
        self._ledger = replace(self._known(ledger), turn=self._turn)
        self._write(self._ledger)

    def end(self, ledger: Ledger) -> Ledger:
        """Write the ledger without a turn, so that the next may begin; return it as it was written."""
        self._is_over.set()
        self._ledger = self._known(ledger)
        self._write(self._ledger)
        return self._ledger

    def give_up(self) -> None:
        """Renew the turn no more; what it was about to change stays noted."""
        self._is_over.set()

    def check(self) -> None:
        """Raise what ended the turn from outside: somebody took it, or it could not be renewed in time.

        Raises:
            BusyError: whatever is changed from now on might be somebody else's.
        """
        if self._fault is not None:
            raise self._fault
        silent_s = max(time.time() - self._written_at[0], time.monotonic() - self._written_at[1])
        if silent_s > LASTS_S - _MARGIN_S and not self._is_over.is_set():
            message = f"the turn to publish could not be renewed for {silent_s / 60:.0f} minutes"
            hint = "publish again: somebody else may have published meanwhile"
            raise BusyError(message, source=self._store.address, hint=hint)

    def _known(self, ledger: Ledger) -> Ledger:
        return replace(ledger, endpoint=self._store.endpoint, abilities=self._abilities)

    def _may_take_over(self, turn: Turn) -> bool:
        # Another process of the same workspace, which a lock of this computer would keep out, has ended.
        is_own = (turn.owner.workspace, turn.owner.host) == (self._owner.workspace, self._owner.host)
        return self._at_once or is_own or self._seen.age_s >= turn.lasts_s

    def _write(self, ledger: Ledger) -> None:
        with self._lock:
            self._exchange(ledger)

    def _exchange(self, ledger: Ledger) -> None:
        data = ledger.to_bytes()
        asset, now_s = own_asset(LEDGER_KEY, data), (time.time(), time.monotonic())
        try:
            self._tag = self._store.exchange(asset, data, expected=self._tag)
        except Taken as error:
            own = self._own_tag()  # of an earlier request, whose answer never came
            if own is None:
                raise self._other() from error
            try:
                self._tag = self._store.exchange(asset, data, expected=own)
            except Taken as again:
                raise self._other() from again
        self._written_at = now_s

    def _own_tag(self) -> str | None:
        found = self._store.read(LEDGER_KEY)
        try:
            turn = Ledger.from_bytes(found.data).turn if found else None
        except ValueError:
            return None
        return found.tag if found and turn is not None and turn.id == self._turn.id else None

    def _other(self) -> StorageError:
        seen = look(self._store)
        if seen.ledger is not None and seen.ledger.turn is not None:
            return _busy(self._store, seen.ledger.turn, seen.age_s)
        hint = "publish again: the new plan starts from what they published"
        return BusyError("somebody else has published meanwhile", source=self._store.address, hint=hint)

    def _stay_alive(self) -> None:
        while not self._is_over.wait(_RENEW_S):
            try:
                self._renew()
            except BusyError as error:
                self._fault = error
                return
            except StorageError:  # a network that is down for a while may come back in time
                continue

    def _renew(self) -> None:
        with self._lock:
            if self._is_over.is_set() or self._ledger.turn is None:
                return
            turn = replace(self._ledger.turn, renewals=self._ledger.turn.renewals + 1)
            self._ledger = replace(self._ledger, turn=turn)
            self._exchange(self._ledger)


def now() -> str:
    """Say what time it is: ISO 8601, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def own_asset(key: str, data: bytes) -> Asset:
    """Describe a file of the publisher's own."""
    sha256 = hashlib.sha256(data).hexdigest()
    return Asset(key=key, sha256=sha256, size=len(data), content_type=_TYPE, cache_control="private, no-store")


def _earlier(store: Store) -> Ledger | None:
    """Read the manifest that an earlier version of this program left in the place of a ledger."""
    found = store.read(MANIFEST_KEY)
    if found is None:
        return None
    try:
        release = Release.from_json(found.data)
    except ValueError:  # somebody else's, such as a web app's
        return None
    if not all(is_key(asset.key) and isinstance(asset.sha256, str) for asset in release.assets):
        raise _damaged(store, MANIFEST_KEY, ValueError("a key that leads elsewhere"))
    return from_manifest(release, MANIFEST_KEY)


def _with_sound_sent(ledger: Ledger, store: Store) -> Ledger:
    turn = ledger.turn
    if turn is None:
        return ledger
    today, sent = datetime.now(UTC).date(), []
    for asset in turn.writes:
        if asset.key.startswith("media/") and asset.key not in ledger.by_key:
            stored = store.head(asset.key)
            if stored and stored.holds(asset):
                sent.append(asset)
    rest = replace(turn, writes=tuple(asset for asset in turn.writes if asset not in sent))
    known = {older.asset.key for older in ledger.older}
    found = tuple(Older(asset=asset, left_on=today) for asset in sent if asset.key not in known)
    return replace(ledger, turn=rest, older=(*ledger.older, *found))


def _busy(store: Store, turn: Turn, age_s: float) -> BusyError:
    minutes = max(1, round((turn.lasts_s - age_s) / 60 + 0.5))
    hint = (
        f"wait until they are done, then publish again; if that computer has stopped, it is free in {minutes} "
        f"{'minute' if minutes == 1 else 'minutes'}, or at once with --take-over"
    )
    return BusyError(f"{turn.holder} has been publishing there since {turn.began}", source=store.address, hint=hint)


def _damaged(store: Store, key: str, error: ValueError) -> StorageError:
    return StorageError(
        f"the {'ledger' if key == LEDGER_KEY else 'manifest'} in the store cannot be used ({error})",
        source=f"{store.address}/{key}",
        hint="if this program is the newest, remove that file and publish again: every file is then sent anew",
    )
