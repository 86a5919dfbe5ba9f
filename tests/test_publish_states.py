"""Any sequence of edits, publishes, rollbacks, prunings and power cuts: what is live is closed, and is some release."""

import itertools
import shutil
import tempfile
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from pipeline import publish
from pipeline.errors import StorageError
from pipeline.publish.ledger import blob_key
from tests.stores import OTHER, OWNER, Recording, build, keys_of
from tests.sweeping import broken, site_of

SITES = [
    site_of(css=css, slugs=slugs, text=text)
    for css, slugs, text in itertools.product(("a", "b"), ((), ("one",), ("one", "two"), ("two",)), ("A", "B"))
]
NEVER = 10_000


class PowerCut(StorageError):  # noqa: N818  no fault of ours
    """The run ends here."""


class Publishing(RuleBasedStateMachine):
    """A folder, somebody who publishes there, somebody else who does too, and a power cut at any request."""

    sites = Bundle("sites")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="cln-media-states-"))
        self.store = publish.DirectoryStore(self.folder / "public")
        self.is_settled, self.was_emptied = True, False

    def teardown(self) -> None:
        """Leave nothing."""
        shutil.rmtree(self.folder)

    @initialize(target=sites)
    def begin(self) -> int:
        """Start with a site that nobody has published."""
        return 0

    @rule(target=sites, number=st.integers(0, len(SITES) - 1))
    def edit(self, number: int) -> int:
        """Write another site."""
        return number

    def cut_at(self, last: int) -> Recording:
        """Lend the store, which ends after so many requests."""
        count = itertools.count(1)

        def end(_verb: str, key: str) -> None:
            if next(count) > last:
                raise PowerCut("the power is gone", source=key)

        return Recording(self.store, before=end)

    @rule(number=sites, last=st.one_of(st.just(NEVER), st.integers(1, 25)), who=st.sampled_from([OWNER, OTHER]))
    def publish(self, number: int, last: int, who: publish.Owner) -> None:
        """Publish a site; by somebody else, or cut short."""
        release = build(self.folder / "site", SITES[number])
        store = self.cut_at(last)
        try:
            seen = publish.look(store)
            plan = publish.plan(release, seen.ledger)
            self.is_settled = False
            manner = publish.Manner(owner=who, at_once=True)
            publish.apply(plan, release, seen=seen, site=self.folder / "site", store=store, manner=manner)
        except PowerCut:
            return
        self.is_settled = True
        held = {key: found.data for key in SITES[number] if (found := self.store.read(key)) is not None}
        assert held == SITES[number]

    @rule(back=st.integers(0, 9), last=st.one_of(st.just(NEVER), st.integers(1, 25)))
    def roll_back(self, back: int, last: int) -> None:
        """Bring one of the kept releases back."""
        store = self.cut_at(last)
        try:
            seen = publish.look(store)
            entries = [entry for entry in publish.entries(seen.ledger or publish.Ledger()) if entry.is_whole]
            if not entries or seen.ledger is None:
                return
            number = entries[back % len(entries)].number
            move = publish.rollback(seen.ledger, number, source="the folder")
            publish.check_sources(move, seen.ledger, store)
            self.is_settled = False
            manner = publish.Manner(owner=OWNER, at_once=True, copies=move.copies)
            publish.apply(move.plan, move.release, seen=seen, site={}, store=store, manner=manner)
        except PowerCut:
            return
        self.is_settled = True

    @rule(last=st.one_of(st.just(NEVER), st.integers(1, 9)))
    def prune(self, last: int) -> None:
        """Remove sound that nothing names."""
        store = self.cut_at(last)
        try:
            seen = publish.look(store)
            if seen.ledger is None or seen.ledger.turn is not None:
                return
            before = date.today() + timedelta(days=2)  # noqa: DTZ011
            plan = publish.pruning(seen.ledger, before=before, source="the folder")
            self.is_settled = False
            manner = publish.Manner(owner=OWNER, at_once=True)
            publish.apply(plan, seen.ledger.release, seen=seen, site={}, store=store, manner=manner)
        except PowerCut:
            return
        self.is_settled = True
        ledger = publish.look(self.store).ledger
        assert ledger is not None
        named = {asset.key for _, release in ledger.releases() for asset in release.assets}
        assert {key for key in self.keys() if key.startswith("media/")} <= named

    @rule(last=st.one_of(st.just(NEVER), st.integers(1, 25)))
    def withdraw(self, last: int) -> None:
        """Take everything away."""
        self.was_emptied = True
        try:
            publish.withdraw(self.cut_at(last), OWNER, at_once=True)
        except PowerCut:
            self.is_settled = False
            return
        self.is_settled = True
        assert not self.keys()

    @rule(slug=st.sampled_from(["one", "two"]), last=st.one_of(st.just(NEVER), st.integers(1, 12)))
    def erase(self, slug: str, last: int) -> None:
        """Take an episode out for good, where what is live is without it."""
        ledger, doomed = publish.look(self.store).ledger, keys_of(slug)
        if ledger is None or not self.is_settled or any(map(doomed, ledger.by_key)):
            return
        self.is_settled = False
        try:
            publish.erase(self.cut_at(last), doomed=doomed, owner=OWNER, at_once=True)
        except PowerCut:
            publish.erase(self.store, doomed=doomed, owner=OWNER)
        self.is_settled = True
        assert publish.remains(self.store, doomed) == ()
        assert [entry.number for entry in publish.entries(publish.look(self.store).ledger or ledger)] == [ledger.number]

    def keys(self) -> set[str]:
        """List all that the folder holds."""
        return {listed.key for listed in self.store.listing()}

    @invariant()
    def what_is_live_is_closed(self) -> None:
        """No page and no feed names what is not there, or not whole."""
        assert broken(self.store, tuple(SITES)) == []

    @invariant()
    def what_is_settled_is_a_release(self) -> None:
        """After a run that ended well, the folder is what its ledger says, and every kept release can come back."""
        ledger = publish.look(self.store).ledger
        if not self.is_settled or ledger is None:
            return
        assert ledger.turn is None
        assert publish.drift(ledger, self.store) == ()
        assert release_is_held(ledger, self.store)
        keys = self.keys()
        for (_, release), entry in zip(ledger.releases(), publish.entries(ledger), strict=False):
            if not entry.is_whole:
                assert self.was_emptied
                continue
            move = publish.rollback(ledger, entry.number, source="the folder")
            publish.check_sources(move, ledger, self.store)
            lasting = {asset.key for asset in release.assets if asset.key.startswith(("media/", "assets/"))}
            assert lasting <= keys
        assert {blob_key(each) for each in ledger.blobs} <= keys


def release_is_held(ledger: publish.Ledger, store: publish.Store) -> bool:
    """Say whether every file of the live release has its content."""
    return all(store.digest(asset) == asset.sha256 for asset in ledger.release.assets)


TestPublishing = Publishing.TestCase
TestPublishing.settings = settings(max_examples=60, stateful_step_count=25, suppress_health_check=list(HealthCheck))


@pytest.mark.soak
class TestLongPublishing(Publishing.TestCase):  # type: ignore[misc,valid-type]
    """The same for longer."""

    settings = settings(TestPublishing.settings, max_examples=1_500, stateful_step_count=40)
