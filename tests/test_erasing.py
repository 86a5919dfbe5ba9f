"""An episode taken out of a store for good: no object and no version of it is left, and nothing else has changed."""

import dataclasses
import gzip
import os
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pipeline import publish
from pipeline.errors import BusyError, StorageError
from pipeline.model import StorageSettings
from pipeline.publish.ledger import LEDGER_KEY
from pipeline.publish.store import Abilities, Version
from pipeline.publish.turn import Taking
from tests import faulty, sweeping
from tests.faulty import Fault, Faulty
from tests.seaweed import Seaweed
from tests.stores import (
    OTHER,
    OWNER,
    Recording,
    asset,
    build,
    keys_of,
    ledger_of,
    open_bucket,
    publish_all,
    roll_back,
    sign_in,
)
from tests.sweeping import Worker, broken, page, site_of
from tests.swift import Swift

SECRET = b"Marjorie"
"""A word that stands in the title of the episode, and so in whatever names it."""

IS_ONE = keys_of("one")
SIGKILLED = 9
_MOMENTS = ("before", "in", "after")


def with_the_episode(text: str) -> dict[str, bytes]:
    """Make a site whose first episode is the one that is taken out."""
    css = f"site-{text.lower()}"
    files = site_of(css=css, slugs=("one", "two"), text=f"{text} {SECRET.decode()}")
    files["embed/one/index.html"] = page("media/one-0.mp3", text=SECRET.decode())
    files["transcripts/two.vtt"] = b"WEBVTT two"
    files["episodes/two/index.html"] = page(f"assets/{css}.css", "media/two-0.mp3", text=text)
    files["media/one-0.mp3"] = SECRET * 99
    return files


WITH = tuple(with_the_episode(text) for text in ("A", "B", "C"))
TOMBSTONES = {"episodes/one/index.html": b"withdrawn", "embed/one/index.html": b"withdrawn too"}
WITHOUT = {**site_of(css="site-a", slugs=("two",), text="D"), **TOMBSTONES}
KNOWN = (*WITH, WITHOUT)


@dataclass
class Place:
    """A store, and a look at its bucket from outside; without one, it is a folder."""

    store: publish.Store
    client: Any = None
    bucket: str = ""
    ids: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def held(self) -> dict[tuple[str, str], bytes]:
        """Read every version of every object that the store lists; of a folder, every file."""
        if self.client is None:
            return {(listed.key, ""): self.read(listed.key) for listed in self.store.listing()}
        pages = self.client.get_paginator("list_object_versions").paginate(Bucket=self.bucket)
        found = [each for page in pages for each in page.get("Versions", ())]
        return {(each["Key"], each["VersionId"]): self.version(each["Key"], each["VersionId"]) for each in found}

    def version(self, key: str, version: str) -> bytes:
        """Fetch one version, as anybody with the right to read can."""
        with closing(self.client.get_object(Bucket=self.bucket, Key=key, VersionId=version)["Body"]) as body:
            return unpacked(body.read())

    def read(self, key: str) -> bytes:
        """Read what a key holds now."""
        found = self.store.read(key)
        assert found is not None, key
        return unpacked(found.data)


def unpacked(data: bytes) -> bytes:
    """Give the text of what is compressed."""
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


@contextmanager
def bucket_of(server: Seaweed | Swift, tmp_path: Path, versioning: tuple[str, ...] = ()) -> Iterator[Place]:
    """Lend a new bucket of a real server, which goes through these states of versioning."""
    bucket = server.new_bucket()
    settings = StorageSettings(url=f"s3://{bucket}", endpoint_url=server.endpoint_url)
    with closing(server.client()) as client:
        for status in versioning:
            client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})
        yield Place(publish.open_store(settings, workspace=tmp_path), client, bucket)


STORES = ("folder", "bucket", "versioned", "weak")


@pytest.fixture(params=[*STORES[:-1], pytest.param("weak", marks=pytest.mark.soak)])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Each kind of store in turn: a folder, a bucket without and one with versions, one that honours little."""
    if request.param == "folder":
        yield Place(publish.DirectoryStore(tmp_path / "public"))
        return
    server: Seaweed | Swift = request.getfixturevalue("swift" if request.param == "weak" else "s3")
    monkeypatch.setattr("pipeline.publish.s3._SETTLE_S", 0.05)
    sign_in(monkeypatch, server.access_key, server.secret_key)
    with bucket_of(server, tmp_path, ("Enabled",) if request.param == "versioned" else ()) as lent:
        yield lent


@pytest.fixture
def versioned(as_publisher: Seaweed, tmp_path: Path) -> Iterator[Place]:
    """Lend a bucket that keeps every version."""
    with bucket_of(as_publisher, tmp_path, ("Enabled",)) as lent:
        yield lent


def publish_in_turn(site: Path, store: publish.Store, *sites: dict[str, bytes], keep: int = 10) -> None:
    """Publish some sites, one after another."""
    for files in sites:
        publish_all(build(site, files), site, store, keep=keep)


def erase(store: publish.Store, **changes: Any) -> publish.Erased:
    """Take the episode out, as the command does."""
    return publish.erase(store, **{"doomed": IS_ONE, "owner": OWNER, **changes})


def check_gone(place: Place) -> None:
    """See that nothing in the store, of whatever age, is of the episode, or names it, and that the rest is there."""
    held = place.held()
    assert [key for key, data in held.items() if SECRET in data] == []
    assert [key for key, data in held.items() if b"media/one-" in data or b"transcripts/one" in data] == []
    assert {(key, data) for (key, _), data in held.items() if IS_ONE(key)} == set(TOMBSTONES.items())
    assert publish.remains(place.store, IS_ONE) == ()
    assert {key: place.read(key) for key in WITHOUT} == WITHOUT
    assert broken(place.store, KNOWN) == []
    ledger = ledger_of(place.store)
    assert ledger.turn is None
    assert (len(publish.entries(ledger)), ledger.blobs, ledger.older) == (1, frozenset(), ())
    assert publish.drift(ledger, place.store) == ()
    assert publish.deep_drift(ledger, place.store) == ()


@pytest.mark.parametrize("place", STORES, indirect=True)
def test_nothing_of_the_episode_is_left_in_any_kind_of_store(site: Path, place: Place) -> None:
    """After three releases with it and one without, no object or version names it; the live release is as it was."""
    publish_in_turn(site, place.store, *WITH, WITHOUT)
    before = place.held()
    assert publish.remains(place.store, IS_ONE) != ()
    live = {listed.key: listed for listed in place.store.listing() if listed.key in WITHOUT}
    number = ledger_of(place.store).number
    erased = erase(place.store)
    check_gone(place)
    assert {listed.key: listed for listed in place.store.listing() if listed.key in WITHOUT} == live
    assert {"media/one-0.mp3"} <= set(erased.keys)
    forgotten = {key for key, _ in before if key.startswith("_pub/blobs/")} | {"assets/site-b.css", "assets/site-c.css"}
    assert {key for key in erased.keys if not IS_ONE(key)} == forgotten
    assert not set(erased.keys) & WITHOUT.keys()
    for release in range(1, number):
        with pytest.raises(StorageError, match=f"there is no release {release}"):
            roll_back(place.store, release)
    assert publish_all(build(site, WITHOUT), site, place.store).is_empty
    again = erase(place.store)
    assert (again.keys, again.version_count) == ((), 0)


def test_the_result_says_what_is_known_of_versions(site: Path, place: Place, request: pytest.FixtureRequest) -> None:
    """A folder cannot tell, a bucket without versioning had none, one with it lost every one that named the episode."""
    publish_in_turn(site, place.store, *WITH, WITHOUT)
    kind = request.node.callspec.params["place"]
    before = len(place.held())
    erased = erase(place.store)
    said = {"folder": "unknown", "bucket": "none", "weak": "none", "versioned": "removed"}
    assert erased.versions == said[kind]
    assert (erased.version_count > 0) == (kind == "versioned")
    if kind == "versioned":
        assert erased.version_count >= before - len(place.held())
        assert {"transcripts/one.vtt", "media/one-0.mp3"} <= set(erased.keys)


def test_no_version_that_was_known_before_can_be_fetched(site: Path, versioned: Place) -> None:
    """Whoever noted a version id of the episode, or of a feed that named it, gets nothing for it any more."""
    publish_in_turn(site, versioned.store, *WITH, WITHOUT)
    known = [key for key, data in versioned.held().items() if SECRET in data or b"media/one-" in data]
    assert {key for key, _ in known} >= {"media/one-0.mp3", "feed.xml", "index.html", LEDGER_KEY, *TOMBSTONES}
    erase(versioned.store)
    for key, version in known:
        with pytest.raises(ClientError, match=r"NoSuch(?:Version|Key)"):
            versioned.version(key, version)
    answer = versioned.client.list_object_versions(Bucket=versioned.bucket)
    left = [each["Key"] for name in ("Versions", "DeleteMarkers") for each in answer.get(name, ())]
    assert sorted(key for key in left if IS_ONE(key)) == sorted(TOMBSTONES)
    check_gone(versioned)


def test_other_sound_and_strangers_keep_their_versions(site: Path, versioned: Place) -> None:
    """Earlier versions of another episode's sound stay, and so do those of files that this program did not write."""
    store, client, bucket = versioned.store, versioned.client, versioned.bucket
    publish_in_turn(site, store, *WITH)
    client.put_object(Bucket=bucket, Key="media/two-0.mp3", Body=WITHOUT["media/two-0.mp3"])
    for text in (b"theirs", b"theirs again"):
        client.put_object(Bucket=bucket, Key="theirs/index.html", Body=text)
    publish_in_turn(site, store, WITHOUT)
    kept = {key for key in versioned.held() if key[0] in ("media/two-0.mp3", "theirs/index.html")}
    assert len(kept) == 4
    erase(store)
    assert {key for key in versioned.held() if key[0] in ("media/two-0.mp3", "theirs/index.html")} == kept


def test_a_page_that_the_ledger_has_forgotten_loses_its_versions(site: Path, versioned: Place) -> None:
    """What named the episode so long ago that no kept release has it is known by the SHA-256 that it carries."""
    topic = {**WITH[0], "topics/sepsis/index.html": b"names " + SECRET}
    publish_in_turn(site, versioned.store, topic, *WITH[1:], WITHOUT, keep=2)
    assert "topics/sepsis/index.html" not in ledger_of(versioned.store).keys()  # noqa: SIM118  not a dict
    assert [key for key, _ in versioned.held() if key.startswith("topics/")] == ["topics/sepsis/index.html"]
    erase(versioned.store)
    check_gone(versioned)


@pytest.mark.parametrize("change", ["switched on later", "suspended"])
def test_a_bucket_whose_versioning_was_changed_meanwhile(
    as_publisher: Seaweed, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """Versions from before it was switched on, and from before it was suspended, go like all others."""
    monkeypatch.setattr("pipeline.publish.s3._SETTLE_S", 0.05)
    with bucket_of(as_publisher, tmp_path, ("Enabled",) if change == "suspended" else ()) as place:
        if change == "suspended":  # this server refuses If-Match where the last version is older than that
            place.store.learn(Abilities(if_match=False))
        publish_in_turn(site, place.store, *WITH[:2])
        status = {"Status": "Suspended" if change == "suspended" else "Enabled"}
        place.client.put_bucket_versioning(Bucket=place.bucket, VersioningConfiguration=status)
        publish_in_turn(site, place.store, WITH[2], WITHOUT)
        assert erase(place.store).versions == "removed"
        check_gone(place)
        assert erase(place.store).version_count == 0


def test_what_was_removed_is_never_seen_again(site: Path, versioned: Place) -> None:
    """While versions are removed, no earlier one comes to light for a moment: what hides them goes last."""
    publish_in_turn(site, versioned.store, *WITH, WITHOUT)
    seen: list[str] = []

    def look(verb: str, _: str) -> None:
        if verb == "delete_version":
            seen.extend(each.key for each in versioned.store.listing() if IS_ONE(each.key))

    erase(Recording(versioned.store, before=look))
    assert set(seen) == TOMBSTONES.keys()
    check_gone(versioned)


def test_many_versions_are_removed_over_several_pages(site: Path, versioned: Place) -> None:
    """More versions than one answer lists go too, with names that need to be written otherwise in an address."""
    publish_in_turn(site, versioned.store, WITH[0])
    key = "transcripts/one.caf\u00e9 & 100% +.vtt"
    jobs = [lambda: versioned.client.put_object(Bucket=versioned.bucket, Key=key, Body=SECRET) for _ in range(1_030)]
    publish.patiently_all(jobs)
    publish_in_turn(site, versioned.store, WITHOUT)
    assert erase(versioned.store).version_count > 1_030
    check_gone(versioned)


def test_what_the_ledger_does_not_name_is_found_by_listing(site: Path, place: Place) -> None:
    """After the ledger was removed by hand, the episode's own keys and what was kept aside go; other files stay."""
    publish_in_turn(site, place.store, *WITH)
    place.store.delete(LEDGER_KEY)
    publish_in_turn(site, place.store, WITHOUT)
    place.store.put_bytes(asset("media/stranger.mp3", b"theirs"), b"theirs")
    erased = erase(place.store)
    assert {"media/one-0.mp3", "transcripts/one.vtt"} <= set(erased.keys)
    assert any(key.startswith("_pub/blobs/") for key in erased.keys)
    assert place.read("media/stranger.mp3") == b"theirs"
    assert publish.remains(place.store, IS_ONE) == ()
    assert [listed.key for listed in place.store.listing() if listed.key.startswith("_pub/blobs/")] == []


def test_without_a_ledger_nothing_is_touched(site: Path, place: Place) -> None:
    """Where nothing says what is live, the episode stays until somebody publishes; where it never was, all is well."""
    assert erase(place.store).keys == ()
    publish_in_turn(site, place.store, WITHOUT, WITH[0])
    place.store.delete(LEDGER_KEY)
    before = place.held()
    with pytest.raises(StorageError, match="no list of its files") as caught:
        erase(place.store)
    assert "publish first" in (caught.value.hint or "")
    assert place.held() == before


def test_sound_that_is_live_or_half_published_is_not_touched(site: Path, place: Place) -> None:
    """While the live release has the episode, or a publish was cut off, nothing is removed, and that is said."""
    publish_in_turn(site, place.store, *WITH)
    before = place.held()
    with pytest.raises(StorageError, match="still has the episode's sound"):
        erase(place.store)
    assert place.held() == before

    def end(verb: str, key: str) -> None:
        if (verb, key) == ("put", "feed.xml"):
            raise StorageError("the power is gone", source=key)

    with pytest.raises(StorageError, match="power"):
        publish_in_turn(site, Recording(place.store, before=end), WITHOUT)
    before = place.held()
    with pytest.raises(StorageError, match="a publish was interrupted there"):
        erase(place.store)
    assert place.held() == before
    publish_in_turn(site, place.store, WITHOUT)
    erase(place.store)
    check_gone(place)


def test_old_sound_that_nothing_names_goes_if_it_is_the_episodes(site: Path, place: Place) -> None:
    """Of the sound that no kept release has any more, the episode's goes and the others' stays, noted as before."""
    three = {**WITH[0], "media/three-0.mp3": b"three"}
    publish_in_turn(site, place.store, three, WITH[1], WITHOUT, {**WITHOUT, "404.html": b"new"}, WITHOUT, keep=2)
    assert {older.asset.key for older in ledger_of(place.store).older} == {"media/one-0.mp3", "media/three-0.mp3"}
    assert "media/one-0.mp3" in erase(place.store).keys
    assert [older.asset.key for older in ledger_of(place.store).older] == ["media/three-0.mp3"]
    assert place.read("media/three-0.mp3") == b"three"
    assert publish.remains(place.store, IS_ONE) == ()


def test_sound_of_a_kept_release_of_another_episode_stays(site: Path, folder_store: publish.DirectoryStore) -> None:
    """A release that is forgotten leaves the sound of others where it is, as old sound, and takes its styles along."""
    three = {**WITH[0], "media/three-0.mp3": b"three", "assets/old.css": b"p{}"}
    publish_in_turn(site, folder_store, three, WITHOUT)
    erase(folder_store)
    assert [older.asset.key for older in ledger_of(folder_store).older] == ["media/three-0.mp3"]
    assert folder_store.head("assets/old.css") is None
    assert publish.drift(ledger_of(folder_store), folder_store) == ()


def test_uploads_of_the_episode_that_nobody_finished_are_aborted(as_publisher: Seaweed, tmp_path: Path) -> None:
    """Parts of its sound that a killed run left in the bucket go; those of other files stay: they may be under way."""
    with bucket_of(as_publisher, tmp_path) as place:
        publish_in_turn(tmp_path / "site", place.store, WITHOUT)
        for key in ("media/one-0.mp3", "media/two-0.mp3"):
            begun = place.client.create_multipart_upload(Bucket=place.bucket, Key=key)
            upload = {"Bucket": place.bucket, "Key": key, "UploadId": begun["UploadId"]}
            place.client.upload_part(**upload, PartNumber=1, Body=SECRET)
        assert erase(place.store).keys == ("media/one-0.mp3",)
        left = place.client.list_multipart_uploads(Bucket=place.bucket)["Uploads"]
        assert [upload["Key"] for upload in left] == ["media/two-0.mp3"]


def test_a_part_below_a_secret_prefix_is_erased_alone(site: Path, versioned: Place, tmp_path: Path) -> None:
    """A member's own part loses the episode and its versions; the whole store around it keeps its own."""
    below = publish.BelowStore(versioned.store, prefix="m/s3cr3t/", secret="s3cr3t", name="a member")  # noqa: S106  none
    publish_in_turn(site, versioned.store, WITH[0])
    publish_in_turn(tmp_path / "theirs", below, *WITH, WITHOUT)
    whole = {key: data for key, data in versioned.held().items() if not key[0].startswith("m/")}
    assert erase(below).versions == "removed"
    held = versioned.held()
    assert {key: data for key, data in held.items() if not key[0].startswith("m/")} == whole
    assert [key for key, data in held.items() if key[0].startswith("m/") and SECRET in data] == []
    assert publish.remains(below, IS_ONE) == ()
    publish_in_turn(site, versioned.store, WITHOUT)
    theirs = {key: data for key, data in held.items() if key[0].startswith("m/")}
    erase(versioned.store)
    assert {key: data for key, data in versioned.held().items() if key[0].startswith("m/")} == theirs
    check_part(versioned)


def check_part(place: Place) -> None:
    """See that nothing names the episode, in whichever part."""
    assert [key for key, data in place.held().items() if SECRET in data or b"media/one-" in data] == []


# What a store refuses


def test_a_lock_on_versions_is_told_and_finished_later(as_publisher: Seaweed, site: Path, tmp_path: Path) -> None:
    """A version under an object lock is named with its date; the site is without the episode all the same."""
    bucket = f"locked-{secrets.token_hex(6)}"
    with closing(as_publisher.client()) as client:
        client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
        place = Place(open_bucket(as_publisher, bucket, tmp_path), client, bucket)
        publish_in_turn(site, place.store, *WITH[:2])
        until = datetime.now(UTC) + timedelta(days=1)
        retention = {"Mode": "GOVERNANCE", "RetainUntilDate": until}
        client.put_object_retention(Bucket=bucket, Key="media/one-0.mp3", Retention=retention)
        publish_in_turn(site, place.store, WITHOUT)
        with pytest.raises(StorageError, match=f"an object lock until {until:%Y-%m-%d} keeps an earlier") as caught:
            erase(place.store)
        assert "withdraw again" in (caught.value.hint or "")
        assert "media/one-0.mp3" in str(caught.value.source)
        assert place.store.head("media/one-0.mp3") is None
        assert len(publish.remains(place.store, IS_ONE)) >= 1
        assert [entry.number for entry in publish.entries(ledger_of(place.store))] == [3]
        version = publish.remains(place.store, IS_ONE)[0].partition("(version ")[2].rstrip(")")
        lifted = {"Mode": "GOVERNANCE", "RetainUntilDate": datetime.now(UTC) + timedelta(seconds=1)}
        client.put_object_retention(
            Bucket=bucket, Key="media/one-0.mp3", VersionId=version, Retention=lifted, BypassGovernanceRetention=True
        )
        while datetime.now(UTC) <= lifted["RetainUntilDate"]:  # type: ignore[operator]
            pass
        erase(place.store)
        check_gone(place)


class _Refusing(BaseHTTPRequestHandler):
    """Answers every request with one refusal, as some services do that cannot be had here."""

    status, code = 501, "NotImplemented"

    def do_GET(self) -> None:
        """Refuse."""
        text = b"" if self.command == "HEAD" else f"<Error><Code>{self.code}</Code></Error>".encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_HEAD(self) -> None:
        """Refuse."""
        self.do_GET()

    def do_DELETE(self) -> None:
        """Refuse."""
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def refusing(tmp_path: Path, status: int, code: str) -> Iterator[publish.Store]:
    """Lend a bucket of a service that refuses everything in one way."""
    kind = type("Refusing", (_Refusing,), {"status": status, "code": code})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        running = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        running.start()
        try:
            settings = StorageSettings(url="s3://bucket", endpoint_url=f"http://127.0.0.1:{server.server_port}")
            yield publish.open_store(settings, workspace=tmp_path)
        finally:
            server.shutdown()
            running.join()


@pytest.mark.parametrize(("status", "code"), [(501, "NotImplemented"), (405, "MethodNotAllowed")])
@pytest.mark.usefixtures("as_publisher")
def test_a_service_without_versions_cannot_tell(tmp_path: Path, status: int, code: str) -> None:
    """A service that does not know the question is taken for one that cannot tell."""
    with refusing(tmp_path, status, code) as store:
        assert store.versions() is None


@pytest.mark.parametrize(
    ("ask", "right"),
    [
        ("versions", "s3:ListBucketVersions"),
        ("is_own", "s3:GetObjectVersion"),
        ("delete_version", "s3:DeleteObjectVersion"),
    ],
)
@pytest.mark.usefixtures("as_publisher")
def test_a_missing_right_is_named(tmp_path: Path, ask: str, right: str) -> None:
    """Without the right to list, look at or remove versions, the message says which to ask for."""
    version = Version(key="feed.xml", id="1", is_current=False)
    with refusing(tmp_path, 403, "AccessDenied") as store:
        with pytest.raises(StorageError, match="the earlier versions in the bucket may not be") as caught:
            getattr(store, ask)(*(() if ask == "versions" else (version,)))
        assert right in (caught.value.hint or "")


# Interrupted, and two at once


@dataclass
class Stage:
    """A bucket that keeps versions, a proxy before it, and a worker behind that."""

    server: Seaweed
    proxy: Faulty
    worker: Worker
    folder: Path
    process: list[int] = field(default_factory=list)

    def prepared(self) -> Place:
        """Publish three times with the episode and once without, to a new bucket."""
        with bucket_of(self.server, self.folder, ("Enabled",)) as place:
            publish_in_turn(self.folder / "site", place.store, *WITH[:2], WITHOUT)
        self.proxy.reset()
        return place

    def run(self, place: Place) -> int:
        """Let the worker take the episode out through the proxy; return how its process ended."""
        return self.worker.run(
            begun=lambda process: self.process.__setitem__(slice(None), [process]),
            url=f"s3://{place.bucket}",
            endpoint_url=self.proxy.endpoint_url,
            workspace=str(self.folder),
            what="erase",
            slug="one",
        )

    def finish(self, place: Place) -> None:
        """Do it once more, as a person would, and see that it is done."""
        self.proxy.reset()
        with closing(self.server.client()) as client:
            looked_at = dataclasses.replace(place, client=client)
            erase(place.store)
            check_gone(looked_at)


@pytest.fixture(scope="module")
def stage(s3: Seaweed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Set everything up once."""
    folder = tmp_path_factory.mktemp("erasing")
    with pytest.MonkeyPatch.context() as patch:
        sign_in(patch, s3.access_key, s3.secret_key)
        known = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        with (
            faulty.before(s3.endpoint_url, stall_s=2) as proxy,
            sweeping.working(folder / "worker.log", **known) as worker,
        ):
            yield Stage(s3, proxy, worker, folder)


def requests_of(stage: Stage) -> int:
    """Count the requests of an undisturbed run, and see that it ends well."""
    place = stage.prepared()
    assert stage.run(place) == 0
    count = len(stage.proxy.requests)
    stage.finish(place)
    return count


def kill(stage: Stage, number: int, moment: str) -> None:
    """Kill the run at one request: nothing live is broken, nothing is brought back, and the next run finishes."""
    place = stage.prepared()
    sweeping.killing(stage.proxy, number, moment, lambda: stage.process[0])
    assert stage.run(place) == SIGKILLED
    stage.proxy.reset()
    assert broken(place.store, KNOWN) == [], (number, moment)
    live = {listed.key for listed in place.store.listing()}
    assert live >= WITHOUT.keys()
    ledger = ledger_of(place.store)
    assert len(publish.entries(ledger)) == (3 if ledger.kept else 1)
    assert not (ledger.kept and ledger.turn), "a release could be brought back"
    if number % 8 == 1:
        publish_in_turn(stage.folder / "site", place.store, WITHOUT)
        assert ledger_of(place.store).turn is None
        assert {listed.key for listed in place.store.listing()} <= live | {LEDGER_KEY}
    stage.finish(place)


def test_killed_at_any_request_the_next_run_finishes(stage: Stage) -> None:
    """Killed at every tenth request of a withdrawal, whether or not a publish comes between; `make soak` does all."""
    count = requests_of(stage)
    assert count > 20
    for number in range(1, count + 1, 10):
        kill(stage, number, _MOMENTS[number % 3])


@pytest.mark.soak
def test_killed_at_any_moment_of_any_request(stage: Stage) -> None:
    """Killed before, within and after each request of a withdrawal."""
    for number in range(1, requests_of(stage) + 1):
        for moment in _MOMENTS:
            kill(stage, number, moment)


FAULTS = (
    Fault.LOST_REPLY,
    pytest.param(Fault.SLOW_DOWN, marks=pytest.mark.soak),
    pytest.param(Fault.TRUNCATED, marks=pytest.mark.soak),
    pytest.param(Fault.RESET_BEFORE, marks=pytest.mark.soak),
)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_each_request_is_got_over(stage: Stage, fault: Fault) -> None:
    """Each request meets the fault once, and the run ends well all the same."""
    for first in (0, 1, 2):
        place = stage.prepared()
        met: set[tuple[str, str, str]] = set()

        def once(request: faulty.Request, first: int = first, met: set[tuple[str, str, str]] = met) -> Fault | None:
            kind = (request.verb, request.key, request.query)
            if request.number % 3 != first or kind in met:
                return None
            met.add(kind)
            return fault

        stage.proxy.decide(once)
        assert stage.run(place) == 0, (fault, first)
        assert met
        stage.finish(place)


def test_a_second_process_is_told_that_somebody_is_at_it(stage: Stage) -> None:
    """While one process removes, another is told so and changes nothing; the first goes on."""
    place = stage.prepared()
    told: list[str] = []

    def see(request: faulty.Request) -> None:
        if request.verb == "DELETE" and IS_ONE(request.key) and request.moment == "before" and not told:
            told.append(request.key)
            with pytest.raises(BusyError, match="tester on here"):
                erase(place.store, owner=OTHER)
            with pytest.raises(BusyError, match="tester on here"):
                publish_all(build(stage.folder / "other", WITH[0]), stage.folder / "other", place.store, owner=OTHER)

    stage.proxy.watch(see)
    assert stage.run(place) == 0
    assert told
    stage.finish(place)


def test_somebody_elses_turn_is_taken_only_when_asked(site: Path, place: Place) -> None:
    """A turn that another has, even with nothing to be removed, stands in the way, unless it is taken over."""
    publish_in_turn(site, place.store, *WITH, WITHOUT)
    theirs = Taking(place.store, publish.look(place.store), OTHER)
    theirs.begin((), ())
    theirs.give_up()
    before = place.held()
    with pytest.raises(BusyError, match="colleague on elsewhere"):
        erase(place.store)
    assert place.held() == before
    erase(place.store, at_once=True)
    check_gone(place)
