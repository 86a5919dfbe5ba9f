"""What a store still holds: releases brought back, old sound pruned, staging promoted, drift found and mended."""

import dataclasses
import gzip
import itertools
import urllib.request
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipeline import publish
from pipeline.errors import ConfigError, StorageError
from pipeline.model import Asset, Release, StorageSettings
from pipeline.publish import bodies
from pipeline.publish.ledger import LEDGER_KEY, blob_key
from tests import faulty, sweeping
from tests.seaweed import Seaweed
from tests.stores import OWNER, Recording, asset, build, ledger_of, open_bucket, publish_all, roll_back, sign_in, verify
from tests.sweeping import broken
from tests.swift import Swift

TODAY = date(2026, 11, 26)


STORES = ("folder", "bucket", "weak")


@pytest.fixture(params=[*STORES[:-1], pytest.param("weak", marks=pytest.mark.soak)])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> publish.Store:
    """Each kind of store in turn: a folder, a bucket that honours all, one that honours little."""
    if request.param == "folder":
        return publish.DirectoryStore(tmp_path / "public")
    if request.param == "bucket":
        server: Seaweed | Swift = request.getfixturevalue("s3")
    else:
        server = request.getfixturevalue("swift")
        monkeypatch.setattr("pipeline.publish.s3._SETTLE_S", 0.05)
    sign_in(monkeypatch, server.access_key, server.secret_key)
    settings = StorageSettings(url=f"s3://{server.new_bucket()}/pod", endpoint_url=server.endpoint_url)
    return publish.open_store(settings, workspace=tmp_path)


def held(store: publish.Store) -> dict[str, bytes]:
    """Read all of the site that a store holds."""
    keys = [listed.key for listed in store.listing() if not listed.key.startswith("_pub/")]
    return {key: found.data for key in keys if (found := store.read(key)) is not None}


@pytest.mark.parametrize("store", STORES, indirect=True)
def test_an_earlier_release_comes_back_byte_for_byte(site: Path, store: publish.Store) -> None:
    """Rolled back and forward again, nothing is sent: every file is copied within the store."""
    for files in (sweeping.OLD, sweeping.NEW, sweeping.FEWER):
        publish_all(build(site, files), site, store)
    recording = Recording(store)
    roll_back(recording, 1)
    assert not [request for request in recording.requests if request[0] == "put"]
    assert held(store).items() >= sweeping.OLD.items()
    assert broken(store, (sweeping.OLD, sweeping.NEW, sweeping.FEWER)) == []
    assert {key for key in held(store) if key.endswith((".html", ".xml"))} == {
        key for key in sweeping.OLD if key.endswith((".html", ".xml"))
    }
    roll_back(store, 3)
    assert held(store).items() >= sweeping.FEWER.items()
    notes = [(entry.number, entry.note, entry.is_live) for entry in publish.entries(ledger_of(store))]
    assert notes == [
        (5, "back to release 3", True),
        (4, "back to release 1", False),
        (3, "published", False),
        (2, "published", False),
        (1, "published", False),
    ]
    assert publish.drift(ledger_of(store), store) == ()


def test_ten_releases_are_kept_and_the_eleventh_is_let_go(site: Path, folder_store: publish.DirectoryStore) -> None:
    """Of twelve releases the last ten come back; what only the others had is gone, but for their sound."""
    for number in range(12):
        files = {
            "index.html": b"%d" % number,
            f"assets/{number}.css": b"x",
            f"media/{number}-0.mp3": b"%d" % number,
            "same.html": b"same",
        }
        publish_all(build(site, files), site, folder_store)
    ledger = ledger_of(folder_store)
    assert [entry.number for entry in publish.entries(ledger)] == list(range(12, 2, -1))
    keys = {listed.key for listed in folder_store.listing()}
    assert len([key for key in keys if key.startswith("_pub/blobs/")]) == 9
    assert {key for key in keys if key.startswith("assets/")} == {f"assets/{number}.css" for number in range(2, 12)}
    assert [older.asset.key for older in ledger.older] == ["media/0-0.mp3", "media/1-0.mp3"]
    with pytest.raises(StorageError, match="there is no release 2") as caught:
        publish.rollback(ledger, 2, source="x")
    assert "cln-media releases" in (caught.value.hint or "")
    roll_back(folder_store, 3)
    assert held(folder_store)["index.html"] == b"2"


def test_what_was_taken_out_of_the_store_is_found_before_anything_is_changed(site: Path, store: publish.Store) -> None:
    """A kept page that somebody removed makes its release impossible to bring back, and that is said beforehand."""
    for files in (sweeping.OLD, sweeping.NEW):
        publish_all(build(site, files), site, store)
    for content in ledger_of(store).blobs:
        store.delete(blob_key(content))
    before = held(store)
    with pytest.raises(StorageError, match="not in the store any more") as caught:
        roll_back(store, 1)
    assert "nothing was changed" in (caught.value.hint or "")
    assert held(store) == before
    assert {drift.what for drift in publish.drift(ledger_of(store), store)} == {"missing"}


def test_a_page_that_somebody_else_changed_is_not_kept_as_ours(
    as_publisher: Seaweed, site: Path, tmp_path: Path
) -> None:
    """What is copied aside is what was published: else the release says that it cannot be brought back."""
    store, client = open_bucket(as_publisher, as_publisher.new_bucket(), tmp_path), as_publisher.client()
    publish_all(build(site, sweeping.OLD), site, store)
    client.put_object(Bucket=store.bucket, Key="index.html", Body=b"defaced")
    client.close()
    publish_all(build(site, sweeping.NEW), site, store)
    entries = publish.entries(ledger_of(store))
    assert [(entry.number, entry.is_whole) for entry in entries] == [(2, True), (1, False)]
    with pytest.raises(StorageError, match="cannot be brought back"):
        publish.rollback(ledger_of(store), 1, source="x")
    assert publish.drift(ledger_of(store), store) == ()


def prune(store: publish.Store, *, days: int) -> tuple[str, ...]:
    """Remove what nothing has named for so many days."""
    seen = publish.look(store)
    assert seen.ledger is not None
    before = TODAY + timedelta(days=1) - timedelta(days=days)
    plan = publish.pruning(seen.ledger, before=before, source=store.address)
    manner = publish.Manner(owner=OWNER)
    publish.apply(plan, seen.ledger.release, seen=seen, site={}, store=store, manner=manner)
    return plan.deletes


def test_pruning_removes_only_our_own_sound_that_nothing_names(site: Path, store: publish.Store) -> None:
    """Sound of a kept release stays, also of one that is not live; a stranger's file stays; the rest goes when old."""
    build(site, sweeping.OLD)
    publish_all(build(site, sweeping.OLD), site, store, keep=2)
    stranger = asset("media/stranger.mp3", b"theirs")
    store.put_bytes(stranger, b"theirs")
    fewer = {key: data for key, data in sweeping.OLD.items() if "one" not in key}
    publish_all(build(site, fewer), site, store, keep=2)
    assert prune(store, days=0) == ()
    publish_all(build(site, {**fewer, "index.html": b""}), site, store, keep=2)
    (older,) = ledger_of(store).older
    assert older.asset.key == "media/one-0.mp3"
    old = dataclasses.replace(older, left_on=TODAY - timedelta(days=30))
    data = dataclasses.replace(ledger_of(store), older=(old,)).to_bytes()
    store.put_bytes(asset_of_ledger(data), data)
    assert prune(store, days=31) == ()
    assert prune(store, days=30) == ("media/one-0.mp3",)
    assert store.head("media/one-0.mp3") is None
    assert store.head("media/stranger.mp3") is not None
    assert ledger_of(store).older == ()
    assert ledger_of(store).number == 3
    assert [drift.key for drift in publish.drift(ledger_of(store), store)] == ["media/stranger.mp3"]


def asset_of_ledger(data: bytes) -> Asset:
    """Describe a ledger that a test writes itself."""
    return dataclasses.replace(asset("x.json", data), key=LEDGER_KEY)


def test_staging_becomes_live_without_being_sent(site: Path, tmp_path: Path, store: publish.Store) -> None:
    """What was tried in one place is copied to the other: the same bytes, and none of them from this computer."""
    if isinstance(store, publish.DirectoryStore):
        staging: publish.Store = publish.DirectoryStore(tmp_path / "staging")
    else:
        assert isinstance(store, publish.S3Store)
        staging = publish.S3Store(bucket=store.bucket, prefix="staging/", settings=store._settings)
    publish_all(build(site, sweeping.OLD), site, store)
    publish_all(build(site, sweeping.NEW), site, staging)
    staged, seen = ledger_of(staging), publish.look(store)
    move = publish.promotion(staged, seen.ledger)
    manner = publish.Manner(owner=OWNER, copies=move.copies, origin=staging, note="promoted from staging")
    recording = Recording(store)
    publish.apply(move.plan, move.release, seen=seen, site={}, store=recording, manner=manner)
    if not isinstance(store, publish.DirectoryStore):  # from another folder, files are copied by this computer
        assert not [request for request in recording.requests if request[0] == "put"]
    assert held(store).items() >= sweeping.NEW.items()
    assert ledger_of(store).note == "promoted from staging"
    assert publish.drift(ledger_of(store), store) == ()


def test_drift_is_found_by_listing_and_by_reading(as_publisher: Seaweed, site: Path, tmp_path: Path) -> None:
    """Missing, changed and foreign files are told apart by one listing; damage that no listing shows, by reading."""
    bucket = as_publisher.new_bucket()
    store, client = open_bucket(as_publisher, bucket, tmp_path), as_publisher.client()
    publish_all(build(site, sweeping.OLD), site, store)
    assert publish.drift(ledger_of(store), store) == ()
    assert publish.deep_drift(ledger_of(store), store) == ()
    client.delete_object(Bucket=bucket, Key="feed.xml")
    client.put_object(Bucket=bucket, Key="index.html", Body=sweeping.OLD["index.html"][::-1])
    client.put_object(Bucket=bucket, Key="404.html", Body=b"longer than it was, and somebody else's")
    client.put_object(Bucket=bucket, Key="theirs.txt", Body=b"x")
    found = {(drift.key, drift.what) for drift in publish.drift(ledger_of(store), store)}
    assert found == {
        ("feed.xml", "missing"),
        ("index.html", "changed"),
        ("404.html", "changed"),
        ("theirs.txt", "foreign"),
    }
    assert {drift.key for drift in publish.deep_drift(ledger_of(store), store)} == {"index.html", "404.html"}
    client.close()


def test_what_has_drifted_is_sent_again_when_asked(site: Path, store: publish.Store) -> None:
    """Repairing sends what is missing or changed, and nothing else; the next look finds nothing."""
    release = build(site, sweeping.OLD)
    publish_all(release, site, store)
    store.delete("feed.xml")
    store.delete("media/one-0.mp3")
    store.put_bytes(asset("404.html", b"other"), b"other")
    seen = publish.look(store)
    assert seen.ledger is not None
    drifts = publish.drift(seen.ledger, store)
    seen = dataclasses.replace(seen, ledger=publish.unsettled(seen.ledger, drifts))
    plan = publish.plan(release, seen.ledger)
    assert {put.asset.key for put in plan.puts} == {"feed.xml", "media/one-0.mp3", "404.html"}
    publish.apply(plan, release, seen=seen, site=site, store=store, manner=publish.Manner(owner=OWNER))
    assert publish.drift(ledger_of(store), store) == ()
    assert publish.deep_drift(ledger_of(store), store) == ()
    assert held(store) == sweeping.OLD
    assert publish.unsettled(ledger_of(store), ()) == ledger_of(store)


TEXT = {
    "index.html": b"<p>text</p>" * 500,
    "feed.xml": b"<rss/>" * 500,
    "assets/a.css": b"p{}" * 999,
    "transcripts/a.vtt": b"WEBVTT " * 500,
    "media/a-0.mp3": b"sound" * 500,
    "404.html": b"short",
}


def test_a_bucket_holds_texts_compressed_when_asked(as_publisher: Seaweed, site: Path, tmp_path: Path) -> None:
    """Pages and styles are stored by gzip, feeds and transcripts only for a CDN; content and SHA-256 stay their own."""
    store = open_bucket(as_publisher, as_publisher.new_bucket(public=True), tmp_path)
    built = build(site, TEXT)
    release = publish.prepared(built, gzip=True, with_feeds=False)
    assert publish.prepared(built, gzip=False, with_feeds=True) == built
    assert {a.key for a in release.assets if a.encoding} == {"index.html", "assets/a.css"}
    for_cdn = publish.prepared(built, gzip=True, with_feeds=True)
    assert {a.key for a in for_cdn.assets if a.encoding} == {
        "index.html",
        "assets/a.css",
        "feed.xml",
        "transcripts/a.vtt",
    }
    publish_all(release, site, store)
    with urllib.request.urlopen(f"{as_publisher.endpoint_url}/{store.bucket}/index.html") as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.read()) == TEXT["index.html"]
    assert publish.drift(ledger_of(store), store) == ()
    assert publish.deep_drift(ledger_of(store), store) == ()
    assert verify(release, store, keys=TEXT) == ()
    assert publish_all(release, site, store).is_empty
    packed = store.head("index.html")
    assert packed is not None
    assert packed.size < len(TEXT["index.html"]) / 10
    plain = publish_all(built, site, store)
    assert {put.asset.key for put in plain.puts} == {"index.html", "assets/a.css"}
    with urllib.request.urlopen(f"{as_publisher.endpoint_url}/{store.bucket}/index.html") as answer:
        assert answer.headers["Content-Encoding"] is None
        assert answer.read() == TEXT["index.html"]
    roll_back(store, 1)
    with urllib.request.urlopen(f"{as_publisher.endpoint_url}/{store.bucket}/index.html") as answer:
        assert gzip.decompress(answer.read()) == TEXT["index.html"]
    assert publish.deep_drift(ledger_of(store), store) == ()


def test_every_header_reaches_the_object_by_either_way(as_publisher: Seaweed, site: Path, tmp_path: Path) -> None:
    """Name, type, caching and encryption are stored alike by the quick way, by boto3, in parts and by a copy."""
    bucket = as_publisher.new_bucket()
    settings = StorageSettings(url=f"s3://{bucket}", endpoint_url=as_publisher.endpoint_url, encryption="AES256")
    store = publish.open_store(settings, workspace=tmp_path)
    name = "inline; filename=\"Waiting times.mp3\"; filename*=UTF-8''Waiting%20times%E2%80%99.mp3"
    sizes = {"media/small-0.mp3": 1_000, "media/large-0.mp3": 3_000_000, "media/parts-0.mp3": 6_000_000}
    built = build(site, {key: bytes([len(key)]) * size for key, size in sizes.items()})
    release = Release(assets=tuple(dataclasses.replace(each, disposition=name) for each in built.assets))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bodies, "SINGLE_PUT_BYTES", 5_000_000)
        patch.setattr(bodies, "PART_BYTES", 5 << 20)
        publish_all(release, site, store)
    copied = dataclasses.replace(release.assets[0], key="media/copied-0.mp3")
    assert store.copy(copied, release.assets[0].key) is not None
    client = as_publisher.client()
    for key in (*sizes, copied.key):
        stored = client.head_object(Bucket=bucket, Key=key)
        assert stored["ContentDisposition"] == name
        assert stored["ContentType"] == "audio/mpeg"
        assert stored["CacheControl"].endswith("immutable")
        assert stored["ServerSideEncryption"] == "AES256"
    client.close()


def test_sound_is_never_overwritten(site: Path, store: publish.Store) -> None:
    """Whatever has taken the place of a sound file is an error, and stays; the same content there is taken as sent."""
    release = build(site, sweeping.OLD)
    sound = next(each for each in release.assets if each.key.startswith("media/"))
    store.put_bytes(dataclasses.replace(asset("media/x.mp3", b"other"), key=sound.key), b"other")
    with pytest.raises(StorageError, match="another file under this name"):
        publish_all(release, site, store)
    found = store.read(sound.key)
    assert found is not None
    assert found.data == b"other"
    store.delete(sound.key)
    publish_all(release, site, store)
    assert store.put(sound, site / sound.key, lambda _: None) is not None
    assert broken(store, (sweeping.OLD,)) == []


def test_a_run_that_was_cut_off_sends_no_sound_again(as_publisher: Seaweed, site: Path, tmp_path: Path) -> None:
    """Sound that had arrived before the power went is found by looking, whichever site comes next."""
    with faulty.before(as_publisher.endpoint_url) as proxy:
        settings = StorageSettings(url=f"s3://{as_publisher.new_bucket()}", endpoint_url=proxy.endpoint_url)

        def end(verb: str, key: str) -> None:
            if (verb, key) == ("put", "index.html"):
                raise StorageError("the power is gone", source=key)

        release = build(site, sweeping.NEW)
        with pytest.raises(StorageError, match="power"):
            publish_all(release, site, Recording(publish.open_store(settings, workspace=tmp_path), before=end))
        proxy.reset()
        publish_all(build(site, sweeping.FEWER), site, publish.open_store(settings, workspace=tmp_path))
        assert not [r.key for r in proxy.requests if r.verb == "PUT" and r.key.startswith("media/")]
        store = publish.open_store(settings, workspace=tmp_path)
        assert publish.drift(ledger_of(store), store) == ()
        assert [older.asset.key for older in ledger_of(store).older] == ["media/one-0.mp3"]


def test_a_half_sent_upload_is_cleared_away(
    as_publisher: Seaweed, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a killed run left of an upload in parts is aborted by the next, and a stopped run aborts its own."""
    monkeypatch.setattr(bodies, "SINGLE_PUT_BYTES", 6_000_000)
    monkeypatch.setattr(bodies, "PART_BYTES", 5 << 20)
    bucket, client = as_publisher.new_bucket(), as_publisher.client()
    client.create_multipart_upload(Bucket=bucket, Key="media/long-0.mp3")
    client.create_multipart_upload(Bucket=bucket, Key="media/long-0.mp3.of-somebody-else")
    release = build(site, {"media/long-0.mp3": bytes(12_000_000)})
    store = open_bucket(as_publisher, bucket, tmp_path)
    parts = itertools.count(1)

    def stopped(sent: int) -> None:
        if next(parts) == 2:
            store.stop()
            raise KeyboardInterrupt(sent)

    with pytest.raises(KeyboardInterrupt):
        store.put(release.assets[0], site / "media/long-0.mp3", stopped)
    left = [upload["Key"] for upload in client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]
    assert left == ["media/long-0.mp3.of-somebody-else"]
    publish_all(release, site, store)
    assert publish.deep_drift(ledger_of(store), store) == ()
    client.close()


def test_what_a_plan_costs(site: Path) -> None:
    """Requests and bytes add up; nothing to do is one request."""
    release = build(site, sweeping.OLD)
    plan = publish.plan(release, None)
    cost = publish.cost(plan)
    assert cost.requests == 1 + 2 + len(release.assets)
    assert cost.size == sum(each.size for each in release.assets)
    assert 0 < cost.usd < 0.001
    known = publish.Ledger(number=1, release=release)
    assert publish.cost(publish.plan(release, known)).requests == 1
    large = dataclasses.replace(asset("media/a.mp3", b""), size=170_000_000)
    assert publish.requests(large) == 2 + 11


def test_a_folder_has_nothing_to_configure(folder_store: publish.DirectoryStore) -> None:
    """A folder needs no policy, and says so."""
    with pytest.raises(ConfigError, match="nothing to configure"):
        publish.configure(folder_store)
    assert publish.honours(folder_store) == ()


def test_small_files_that_changed_since_the_build_are_never_sent(
    as_publisher: Seaweed, site: Path, tmp_path: Path
) -> None:
    """Of the same size, but other content: neither the quick way nor boto3 sends it."""
    store = open_bucket(as_publisher, as_publisher.new_bucket(), tmp_path)
    release = build(site, {"media/a-0.mp3": b"sound", "index.html": b"page1"})
    (site / "media/a-0.mp3").write_bytes(b"noise")
    with pytest.raises(StorageError, match="changed since the build"):
        publish_all(release, site, store)
    assert store.head("media/a-0.mp3") is None


def test_headers_alone_are_no_obstacle_to_going_back(site: Path, store: publish.Store) -> None:
    """A release that differs only in headers comes back, with its headers."""
    release = build(site, sweeping.OLD)
    later = Release(assets=tuple(dataclasses.replace(each, cache_control="max-age=9") for each in release.assets))
    publish_all(release, site, store)
    publish_all(later, site, store)
    roll_back(store, 1)
    page = store.head("index.html")
    assert page is not None
    assert page.cache_control in (None, "max-age=300")
    assert publish.drift(ledger_of(store), store) == ()


def test_going_back_looks_for_the_sound_it_needs(site: Path, store: publish.Store) -> None:
    """Sound of an earlier release that somebody removed is missed before the feed names it again."""
    publish_all(build(site, sweeping.NEW), site, store)
    publish_all(build(site, sweeping.FEWER), site, store)
    store.delete("media/one-0.mp3")
    with pytest.raises(StorageError, match="not in the store any more"):
        roll_back(store, 1)
    seen = publish.look(store)
    assert seen.ledger is not None
    seen = dataclasses.replace(seen, ledger=publish.unsettled(seen.ledger, publish.drift(seen.ledger, store)))
    release = build(site, sweeping.FEWER)
    plan = publish.plan(release, seen.ledger)
    publish.apply(plan, release, seen=seen, site=site, store=store, manner=publish.Manner(owner=OWNER))
    assert [(entry.number, entry.is_whole) for entry in publish.entries(ledger_of(store))] == [(2, True), (1, False)]
    assert ledger_of(store).turn is None


def test_a_kept_page_that_is_missing_is_said_and_the_next_ones_are_kept_again(
    site: Path, folder_store: publish.DirectoryStore
) -> None:
    """After a repair, releases says which cannot come back, and what is replaced from then on is copied aside again."""
    for files in (sweeping.OLD, sweeping.NEW):
        publish_all(build(site, files), site, folder_store)
    for content in ledger_of(folder_store).blobs:
        folder_store.delete(blob_key(content))
    seen = publish.look(folder_store)
    assert seen.ledger is not None
    ledger = publish.unsettled(seen.ledger, publish.drift(seen.ledger, folder_store))
    release = build(site, sweeping.NEW)
    manner = publish.Manner(owner=OWNER)
    seen = dataclasses.replace(seen, ledger=ledger)
    publish.apply(publish.plan(release, ledger), release, seen=seen, site=site, store=folder_store, manner=manner)
    publish_all(build(site, sweeping.OLD), site, folder_store)
    publish_all(build(site, sweeping.FEWER), site, folder_store)
    wholes = {entry.number: entry.is_whole for entry in publish.entries(ledger_of(folder_store))}
    assert wholes == {4: True, 3: True, 2: True, 1: False}
    roll_back(folder_store, 3)
    assert publish.drift(ledger_of(folder_store), folder_store) == ()


def test_pruning_waits_for_an_interrupted_publish(site: Path, folder_store: publish.DirectoryStore) -> None:
    """What a killed publish may have named already is not pruned away under it."""
    publish_all(build(site, sweeping.OLD), site, folder_store)

    def end(verb: str, key: str) -> None:
        if verb == "exchange" and (site / "media/three-0.mp3").exists() and folder_store.head("media/three-0.mp3"):
            raise StorageError("the power is gone", source=key)

    with pytest.raises(StorageError, match="power"):
        publish_all(build(site, sweeping.NEW), site, Recording(folder_store, before=end))
    with pytest.raises(StorageError, match="was interrupted"):
        prune(folder_store, days=0)
    assert broken(folder_store, (sweeping.OLD, sweeping.NEW)) == []


def test_a_copy_never_replaces_a_strangers_sound(site: Path, store: publish.Store) -> None:
    """Promoting, as publishing, refuses where somebody else's file stands under the name of a sound."""
    publish_all(build(site, sweeping.FEWER), site, store)
    release = build(site, sweeping.NEW)
    sound = next(each for each in release.assets if each.key == "media/one-0.mp3")
    store.put_bytes(dataclasses.replace(asset("media/x.mp3", b"theirs"), key=sound.key), b"theirs")
    seen = publish.look(store)
    plan = publish.plan(release, seen.ledger)
    manner = publish.Manner(owner=OWNER, copies={sound.sha256: ("media/two-0.mp3",)})
    with pytest.raises(StorageError, match="another file under this name"):
        publish.apply(plan, release, seen=seen, site=site, store=store, manner=manner)
    found = store.read(sound.key)
    assert found is not None
    assert found.data == b"theirs"


def test_sound_that_arrives_late_is_not_lost_from_sight(site: Path, folder_store: publish.DirectoryStore) -> None:
    """What an interrupted run had on its way when another took over is doubtful, not foreign, and can be pruned."""
    publish_all(build(site, sweeping.OLD), site, folder_store)

    def end(verb: str, key: str) -> None:
        if verb == "put":
            raise StorageError("the power is gone", source=key)

    late = build(site, sweeping.NEW)
    with pytest.raises(StorageError, match="power"):
        publish_all(late, site, Recording(folder_store, before=end))
    publish_all(build(tmp := site.parent / "other", {**sweeping.OLD, "404.html": b"new"}), tmp, folder_store)
    sound = next(each for each in late.assets if each.key == "media/three-0.mp3")
    folder_store.put(sound, site / sound.key, lambda _: None)
    assert publish.drift(ledger_of(folder_store), folder_store) == ()
    assert [older.asset.key for older in ledger_of(folder_store).doubtful] == [sound.key]
    assert publish.pruning(ledger_of(folder_store), before=date(2100, 1, 1), source="x").deletes == (sound.key,)
    publish_all(build(site, sweeping.NEW), site, folder_store)
    assert ledger_of(folder_store).doubtful == ()
