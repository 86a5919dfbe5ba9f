"""Two publishers at once, and one after another that died: whose turn it is, and what comes of it."""

import contextlib
import dataclasses
import random
import threading
from pathlib import Path

import pytest

from pipeline import publish
from pipeline.errors import BusyError, StorageError, WorkspaceError
from pipeline.model import StorageSettings
from pipeline.publish import s3
from pipeline.publish import turn as turns
from pipeline.publish.ledger import LEDGER_KEY, Turn
from pipeline.publish.store import Abilities
from tests import sweeping
from tests.seaweed import Seaweed
from tests.stores import OTHER, OWNER, Recording, build, ledger_of, open_bucket, publish_all, sign_in
from tests.sweeping import broken
from tests.swift import Swift


class Taking(threading.Thread):
    """A publisher whose every request waits for its turn in a drawn order."""

    def __init__(self, order: "Order", name: str, store: publish.Store, site: Path, owner: publish.Owner) -> None:
        super().__init__(daemon=True)
        self.order, self.who, self.site, self.owner = order, name, site, owner
        self.store = Recording(store, before=lambda _verb, _key: order.wait(name))
        self.outcome = ""

    def run(self) -> None:
        """Publish, and note how it ended."""
        try:
            work = publish_all(sweeping.release_in(self.site), self.site, self.store, owner=self.owner)
            self.outcome = "nothing to do" if work.is_empty else "published"
        except BusyError:
            self.outcome = "busy"
        finally:
            self.order.leave(self.who)


class Order:
    """Lets two publishers make their requests in an order that is drawn beforehand."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311  an order, not a secret
        self._condition = threading.Condition()
        self._here = {"one", "two"}
        self._next = self._chance.choice(["one", "two"])

    def wait(self, name: str) -> None:
        """Wait until it is this publisher's turn to make a request."""
        with self._condition:
            self._condition.wait_for(lambda: self._next == name or len(self._here) == 1, timeout=0.2)
            self._draw()

    def leave(self, name: str) -> None:
        """Make no more requests."""
        with self._condition:
            self._here.discard(name)
            self._draw()

    def _draw(self) -> None:
        if self._here:
            self._next = self._chance.choice(sorted(self._here))
        self._condition.notify_all()


@pytest.mark.parametrize(
    ("place", "orders"), [("bucket", 16), ("folder", 50), pytest.param("bucket", 200, marks=pytest.mark.soak)]
)
def test_two_at_once_make_one_release_or_both_in_order(
    as_publisher: Seaweed, tmp_path: Path, folder_store: publish.DirectoryStore, place: str, orders: int
) -> None:
    """In many orders of their requests one publishes and the other is told, or they follow one another; never a mix."""
    sites = [tmp_path / "one", tmp_path / "two"]
    for site, files in zip(sites, (sweeping.OLD, sweeping.NEW), strict=True):
        build(site, files)
    outcomes = set()
    bucket = as_publisher.new_bucket()
    for seed in range(orders):
        order = Order(seed)
        made = [
            open_bucket(as_publisher, bucket, tmp_path, f"{place}-{seed}")
            if place == "bucket"
            else publish.DirectoryStore(Path(folder_store.address) / str(seed))
            for _ in range(2)
        ]
        both = [
            Taking(order, name, store, site, owner)
            for name, store, site, owner in zip(("one", "two"), made, sites, (OWNER, OTHER), strict=True)
        ]
        for each in both:
            each.start()
        for each in both:
            each.join(60)
        told = sorted(each.outcome for each in both)
        outcomes.add(tuple(told))
        assert told in (["busy", "published"], ["published", "published"]), seed
        ledger = ledger_of(made[0])
        assert ledger.number == told.count("published")
        assert ledger.turn is None
        assert broken(made[0], (sweeping.OLD, sweeping.NEW)) == []
        assert publish.drift(ledger, made[0]) == ()
        for asset in ledger.release.assets:
            assert made[0].digest(asset) == asset.sha256
    assert ("busy", "published") in outcomes


def interrupted(store: publish.Store, site: Path, owner: publish.Owner, *, at: str) -> None:
    """Begin to publish, and end at a request."""

    def end(verb: str, key: str) -> None:
        if (verb, key) == ("put", at):
            raise StorageError("the power is gone", source=key)

    build(site, sweeping.NEW)
    with pytest.raises(StorageError, match="power"):
        publish_all(sweeping.release_in(site), site, Recording(store, before=end), owner=owner)


def test_somebody_elses_turn_is_told_with_who_and_since_when(site: Path, folder_store: publish.DirectoryStore) -> None:
    """A second publisher is told who has the turn, where, since when, and what to do; and changes nothing."""
    interrupted(folder_store, site, OTHER, at="index.html")
    before = {listed.key: listed.size for listed in folder_store.listing()}
    with pytest.raises(BusyError, match="colleague on elsewhere has been publishing there since 20") as caught:
        publish_all(build(site, sweeping.OLD), site, folder_store)
    assert "--take-over" in (caught.value.hint or "")
    assert "in 5 minutes" in (caught.value.hint or "")
    assert {listed.key: listed.size for listed in folder_store.listing()} == before


def test_a_turn_that_ran_out_is_taken_and_its_work_finished(site: Path, folder_store: publish.DirectoryStore) -> None:
    """After its time, or at once when asked, somebody else's turn is taken over, and what it left is put in order."""
    publish_all(build(site, sweeping.OLD), site, folder_store, owner=OTHER)
    interrupted(folder_store, site, OTHER, at="index.html")
    seen = publish.look(folder_store)
    release = build(site, sweeping.FEWER)
    work = publish.plan(release, seen.ledger)
    late = dataclasses.replace(seen, age_s=301.0)
    publish.apply(work, release, seen=late, site=site, store=folder_store, manner=publish.Manner(owner=OWNER))
    assert broken(folder_store, (sweeping.OLD, sweeping.NEW, sweeping.FEWER)) == []
    assert ledger_of(folder_store).number == 2
    interrupted(folder_store, site, OTHER, at="index.html")
    seen = publish.look(folder_store)
    release = build(site, sweeping.OLD)
    manner = publish.Manner(owner=OWNER, at_once=True)
    publish.apply(publish.plan(release, seen.ledger), release, seen=seen, site=site, store=folder_store, manner=manner)
    assert publish.drift(ledger_of(folder_store), folder_store) == ()


def test_ones_own_turn_is_taken_up_at_once(site: Path, folder_store: publish.DirectoryStore) -> None:
    """Whoever was interrupted in the same workspace goes on without waiting."""
    interrupted(folder_store, site, OWNER, at="index.html")
    publish_all(build(site, sweeping.NEW), site, folder_store)
    assert broken(folder_store, (sweeping.NEW,)) == []


def test_a_turn_is_renewed_and_its_loss_noticed(
    as_publisher: Seaweed, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long publish shows that it lives; one whose turn was taken meanwhile ends, and nothing of it goes on."""
    monkeypatch.setattr(turns, "_RENEW_S", 0.05)
    store = open_bucket(as_publisher, as_publisher.new_bucket(), tmp_path)
    taken, release = threading.Event(), build(site, sweeping.OLD)

    def slow(verb: str, key: str) -> None:
        if (verb, key) == ("put", "index.html") and not taken.is_set():
            taken.set()
            while (ledger := ledger_of(store)).turn is not None and ledger.turn.renewals < 2:
                taken.wait(0.05)
            assert ledger.turn is not None
            other = build(tmp_path / "other", sweeping.FEWER)
            is_done = False
            while not is_done:  # each renewal of the first makes what was seen out of date
                seen = publish.look(store)
                manner = publish.Manner(owner=OTHER, at_once=True)
                plan = publish.plan(other, seen.ledger)
                with contextlib.suppress(BusyError):
                    publish.apply(plan, other, seen=seen, site=tmp_path / "other", store=store, manner=manner)
                    is_done = True

    with pytest.raises(BusyError):
        publish_all(release, site, Recording(store, before=slow))
    assert ledger_of(store).release == build(tmp_path / "other", sweeping.FEWER)


class Losing(Recording):
    """A store whose answers to conditional requests get lost once, after the work was done."""

    lost = 0

    def exchange(self, asset: object, data: bytes, *, expected: str | None) -> str:
        """Do it twice, as a client does that never heard the first answer."""
        self.lost += 1
        self.store.exchange(asset, data, expected=expected)  # type: ignore[arg-type]
        return self.store.exchange(asset, data, expected=expected)  # type: ignore[arg-type]


def test_a_lost_answer_is_not_taken_for_somebody_elses_turn(as_publisher: Seaweed, site: Path, tmp_path: Path) -> None:
    """412 after one's own success is read back, and found to be one's own."""
    store = Losing(open_bucket(as_publisher, as_publisher.new_bucket(), tmp_path))
    publish_all(build(site, sweeping.OLD), site, store)
    assert store.lost == 2
    assert ledger_of(store).number == 1


def test_where_conditions_are_ignored_reading_back_decides(
    swift: Swift, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a store without If-Match, whoever was overwritten while taking the turn finds out, and does nothing more."""
    sign_in(monkeypatch, swift.access_key, swift.secret_key)
    bucket = swift.new_bucket()

    def opened() -> publish.Store:
        settings = StorageSettings(url=f"s3://{bucket}", endpoint_url=swift.endpoint_url)
        return publish.open_store(settings, workspace=tmp_path)

    publish_all(build(site, sweeping.FEWER), site, opened())
    second = opened()
    known = ledger_of(second)
    assert known.abilities == Abilities(if_none_match=True, if_match=False, checksum=False)
    turn = Turn(id="theirs", owner=OTHER, since="2026-11-26T09:30:00Z", lasts_s=300)
    theirs = dataclasses.replace(known, turn=turn).to_bytes()

    class Meanwhile:
        """While the first waits to see whether it was overwritten, the second, which had looked too, takes its turn."""

        @staticmethod
        def sleep(_: float) -> None:
            second.put_bytes(turns.own_asset(LEDGER_KEY, theirs), theirs)

    monkeypatch.setattr(s3, "time", Meanwhile)
    with pytest.raises(BusyError, match="colleague on elsewhere"):
        publish_all(build(site, sweeping.NEW), site, opened(), owner=OWNER)
    found = second.read(LEDGER_KEY)
    assert found is not None
    assert found.data == theirs
    assert broken(second, (sweeping.FEWER,)) == []


def test_one_process_of_a_workspace_publishes(tmp_path: Path) -> None:
    """A second process of the same workspace is told so; the mark of the workspace stays the same."""
    with publish.only_here(tmp_path / "cache") as mark:
        assert len(mark) == 32
        with pytest.raises(BusyError, match="another cln-media"), publish.only_here(tmp_path / "cache"):
            pass
    with publish.only_here(tmp_path / "cache") as again:
        assert again == mark
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="cannot be written"), publish.only_here(tmp_path / "file"):
        pass


def test_a_turn_that_could_not_be_renewed_in_time_changes_nothing_more(
    site: Path, folder_store: publish.DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A computer that slept through its turn wakes up and stops: somebody else may have published meanwhile."""
    slept = [0.0]
    real = turns.time.time
    monkeypatch.setattr(turns.time, "time", lambda: real() + slept[0])

    def sleep(verb: str, key: str) -> None:
        if (verb, key) == ("put", "index.html"):
            slept[0] = 290.0

    recording = Recording(folder_store, before=sleep)
    with pytest.raises(BusyError, match="could not be renewed"):
        publish_all(build(site, sweeping.OLD), site, recording)
    assert ("put", "feed.xml") not in recording.requests


def test_the_mark_of_a_copied_workspace_gives_no_right(site: Path, folder_store: publish.DirectoryStore) -> None:
    """Two computers with one mark, as a copied folder gives them, do not take each other's turn."""
    interrupted(folder_store, site, OWNER, at="index.html")
    with pytest.raises(BusyError):
        publish_all(build(site, sweeping.OLD), site, folder_store, owner=dataclasses.replace(OWNER, host="another"))


def test_an_interrupted_end_is_noted_by_the_next_run(site: Path, folder_store: publish.DirectoryStore) -> None:
    """Killed when all was done but the last word, a run with nothing to send says it."""
    publish_all(build(site, sweeping.NEW), site, folder_store)
    count = [0]

    def end(verb: str, key: str) -> None:
        count[0] += verb == "exchange"
        if count[0] == 3:
            raise StorageError("the power is gone", source=key)

    with pytest.raises(StorageError, match="power"):
        publish_all(build(site, sweeping.FEWER), site, Recording(folder_store, before=end))
    assert ledger_of(folder_store).turn is not None
    publish_all(build(site, sweeping.FEWER), site, folder_store)
    assert ledger_of(folder_store).turn is None
    assert ledger_of(folder_store).number == 2
