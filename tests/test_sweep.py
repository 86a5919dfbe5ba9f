"""A publisher, or its server, killed at every request: what is live is never broken, and the next run finishes."""

import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline import publish
from pipeline.model import StorageSettings
from tests import faulty, seaweed, sweeping
from tests.faulty import Fault, Faulty
from tests.stores import OWNER, build, keys_of, ledger_of, publish_all, roll_back, sign_in
from tests.sweeping import SCENES, Scene, Worker, broken

SIGKILLED = 9
_MOMENTS = ("before", "in", "after")
KNOWN = (sweeping.OLD, sweeping.NEW, sweeping.FEWER)


@dataclass
class Stage:
    """A real server, a proxy before it, a worker behind that, and a bucket."""

    server: seaweed.Seaweed
    restart: Callable[[], None]
    proxy: Faulty
    worker: Worker
    folder: Path
    bucket: str
    process: list[int] = field(default_factory=list)

    def opened(self, prefix: str) -> publish.Store:
        """Open a place of the bucket."""
        settings = StorageSettings(url=f"s3://{self.bucket}/{prefix}", endpoint_url=self.proxy.endpoint_url)
        return publish.open_store(settings, workspace=self.folder)

    def prepare(self, scene: Scene) -> str:
        """Publish what is live before, to a new place, and write the site that comes next."""
        prefix = f"{scene.name.replace(' ', '-')}-{secrets.token_hex(4)}"
        for number, files in enumerate(scene.before):
            site = self.folder / f"{number}"
            publish_all(build(site, files), site, self.opened(prefix))
        (self.folder / "next").mkdir(exist_ok=True)
        build(self.folder / "next", scene.after)
        self.proxy.reset()
        return prefix

    def run(self, scene: Scene, prefix: str) -> int:
        """Let the worker do the scene's job through the proxy; return how its process ended."""
        return self.worker.run(
            begun=lambda process: self.process.__setitem__(slice(None), [process]),
            url=f"s3://{self.bucket}/{prefix}",
            endpoint_url=self.proxy.endpoint_url,
            workspace=str(self.folder),
            site=str(self.folder / "next"),
            **scene.job,
        )

    def finish(self, scene: Scene, prefix: str) -> None:
        """Do the same once more, as a person would, and see that the scene has its end."""
        store = self.opened(prefix)
        if scene.job["what"] == "publish":
            publish_all(sweeping.release_in(self.folder / "next"), self.folder / "next", store)
        elif scene.job["what"] == "withdraw":
            publish.withdraw(store, OWNER)
            assert list(store.listing()) == []
            return
        elif scene.job["what"] == "erase":
            doomed = keys_of(scene.job["slug"])
            publish.erase(store, doomed=doomed, owner=OWNER)
            assert publish.remains(store, doomed) == ()
            assert [entry.number for entry in publish.entries(ledger_of(store))] == [len(scene.before)]
            assert publish.erase(store, doomed=doomed, owner=OWNER).keys == ()
        elif ledger_of(store).turn is not None or ledger_of(store).number == len(scene.before):
            roll_back(store, scene.job["number"])
        ledger = ledger_of(store)
        site = {key: store.read(key) for key in scene.after}
        assert {key: found and found.data for key, found in site.items()} == scene.after
        assert ledger.turn is None
        assert publish.drift(ledger, store) == ()
        assert all(entry.is_whole for entry in publish.entries(ledger))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Set everything up once: a server of its own, as it is killed too."""
    folder = tmp_path_factory.mktemp("sweep")
    with pytest.MonkeyPatch.context() as patch, seaweed.restartable(folder / "weed") as (server, restart):
        sign_in(patch, server.access_key, server.secret_key)
        known = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        with (
            faulty.before(server.endpoint_url, stall_s=2) as proxy,
            sweeping.working(folder / "worker.log", **known) as worker,
        ):
            yield Stage(server, restart, proxy, worker, folder, server.new_bucket())


def requests_of(stage: Stage, scene: Scene) -> int:
    """Count the requests of an undisturbed run, and see that it ends well."""
    prefix = stage.prepare(scene)
    assert stage.run(scene, prefix) == 0
    count = len(stage.proxy.requests)
    stage.proxy.reset()
    stage.finish(scene, prefix)
    return count


def kill_client(stage: Stage, scene: Scene, number: int, moment: str) -> None:
    """Kill the publisher at one request, look at what is live, and finish."""
    prefix = stage.prepare(scene)
    sweeping.killing(stage.proxy, number, moment, lambda: stage.process[0])
    assert stage.run(scene, prefix) == SIGKILLED
    stage.proxy.reset()
    assert broken(stage.opened(prefix), KNOWN) == [], (scene.name, number, moment)
    stage.finish(scene, prefix)


def sweep(stage: Stage, scene: Scene, moments: Callable[[int], tuple[str, ...]]) -> int:
    """Kill the publisher at every request of a scene, at the moments that are wanted of each."""
    count = requests_of(stage, scene)
    for number in range(1, count + 1):
        for moment in moments(number):
            kill_client(stage, scene, number, moment)
    return count


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_killed_at_any_request_nothing_is_broken(stage: Stage, scene: Scene) -> None:
    """Killed at many requests of each kind of run: what is live is whole, and the next run finishes it."""
    stride = 6 if len(scene.before) > 1 else 3  # fewest where much has to be prepared; `make soak` does them all
    assert sweep(stage, scene, lambda number: _MOMENTS[number % 3 : number % 3 + 1] if number % stride == 0 else ()) > 4


@pytest.mark.soak
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_killed_at_any_moment_of_any_request(stage: Stage, scene: Scene) -> None:
    """Killed before, within and after each request of each kind of run."""
    assert sweep(stage, scene, lambda _: _MOMENTS) > 4


def kill_server(stage: Stage, scene: Scene, number: int, moment: str) -> None:
    """Kill the server at one request and start it again; the publisher goes on, or says what is wrong."""
    prefix = stage.prepare(scene)

    def see(request: faulty.Request) -> None:
        if request.number == number and request.moment == moment:
            stage.restart()

    stage.proxy.watch(see)
    assert os.waitstatus_to_exitcode(stage.run(scene, prefix)) in (0, 3)
    stage.server.wait_until_settled(stage.bucket)
    stage.proxy.reset()
    assert broken(stage.opened(prefix), KNOWN) == [], (scene.name, number, moment)
    stage.finish(scene, prefix)


@pytest.mark.parametrize("scene", SCENES[1:4], ids=lambda scene: scene.name)
def test_a_server_that_dies_loses_nothing(stage: Stage, scene: Scene) -> None:
    """The server killed and restarted at three requests of a run: nothing is broken, and the run finishes."""
    count = requests_of(stage, scene)
    for number, moment in ((2, "before"), (count // 2, "in"), (count, "after")):
        kill_server(stage, scene, number, moment)


@pytest.mark.soak
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_a_server_that_dies_at_any_request(stage: Stage, scene: Scene) -> None:
    """The server killed before, within and after each request of each kind of run."""
    for number in range(1, requests_of(stage, scene) + 1):
        for moment in ("before", "in", "after"):
            kill_server(stage, scene, number, moment)


FAULTS = [fault for fault in Fault if fault is not Fault.STALL]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_each_request_is_got_over(stage: Stage, fault: Fault) -> None:
    """Each request meets the fault once, and the run ends well all the same: resets, lost replies, refusals, damage."""
    scene = SCENES[1]
    for first in (0, 1, 2):  # every third request: where each met a fault, a run would mostly wait
        prefix = stage.prepare(scene)
        met: set[tuple[str, str]] = set()

        def once(request: faulty.Request, first: int = first, met: set[tuple[str, str]] = met) -> Fault | None:
            kind = (request.verb, request.key)
            is_apt = fault is not Fault.ERROR_IN_200 or request.verb == "PUT"  # the only verb that S3 does it with
            if request.number % 3 != first or kind in met or not is_apt:
                return None
            met.add(kind)
            return fault

        stage.proxy.decide(once)
        assert stage.run(scene, prefix) == 0, (fault, first, [(r.verb, r.key) for r in stage.proxy.requests])
        assert met
        stage.proxy.reset()
        stage.finish(scene, prefix)


def test_a_server_that_stalls_is_waited_for(stage: Stage) -> None:
    """A request that is never answered is made again once the connection ends."""
    scene = SCENES[1]
    prefix = stage.prepare(scene)
    stage.proxy.decide(lambda request: Fault.STALL if request.number == 4 else None)
    assert stage.run(scene, prefix) == 0
    stage.proxy.reset()
    stage.finish(scene, prefix)
