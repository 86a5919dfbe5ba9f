"""Publishing: the plan, the order, folders, a real S3 server, and what happens when something goes wrong."""

import dataclasses
import gzip
import itertools
import json
import logging
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath, PureWindowsPath
from subprocess import PIPE

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import publish
from pipeline.errors import ConfigError, StorageError
from pipeline.model import Reason, Release, StorageSettings
from pipeline.publish import address, bodies
from pipeline.publish.difference import steps
from pipeline.publish.ledger import LEDGER_KEY
from pipeline.publish.store import Stored, Tagged
from tests.seaweed import Seaweed
from tests.stores import (
    FILES,
    OTHER,
    OWNER,
    Recording,
    asset,
    build,
    ended,
    in_folder,
    ledger_of,
    open_bucket,
    publish_all,
    sign_in,
    verify,
)

CANARY = "canary5ecret+with/slash"
KILLED = """
import sys
from pathlib import Path
from pipeline import publish
from pipeline.model import Release, StorageSettings
site, workspace = Path(sys.argv[1]), Path(sys.argv[2])
release = Release.from_json((site / "manifest.json").read_bytes())
store = publish.open_store(StorageSettings(url="file:./public"), workspace=workspace)
print("ready", flush=True)
seen = publish.look(store)
manner = publish.Manner(owner=publish.Owner(who="tester", host="here", workspace="0" * 32))
publish.apply(publish.plan(release, seen.ledger), release, seen=seen, site=site, store=store, manner=manner)
"""
SOUND = "media/choose-and-book-0123456789abcdef.mp3"


def content(store: publish.Store, key: str) -> bytes:
    """Read a file of a store."""
    found = store.read(key)
    assert found is not None, key
    return found.data


def ledger(release: Release, number: int = 1) -> publish.Ledger:
    """Say that a store holds a release."""
    return publish.Ledger(number=number, published_at="2026-11-01T07:00:00Z", note="published", release=release)


# The plan


def test_a_first_plan_sends_everything_in_the_order_that_keeps_links_whole() -> None:
    """Sound and assets come first, pages next, feeds last; nothing is removed."""
    release = Release(assets=tuple(asset(key, data) for key, data in sorted(FILES.items())))
    work = publish.plan(release, None)
    assert [publish.group(put.asset.key) for put in work.puts] == [1, 1, 1, 1, 2, 2, 3, 3]
    assert {put.reason for put in work.puts} == {Reason.NEW}
    assert (work.deletes, work.unchanged) == ((), 0)


def test_a_plan_names_the_reason_of_each_put() -> None:
    """New files, other content and other headers are told apart; equal files are only counted."""
    old = [asset("a.html", b"1"), asset("b.html", b"1"), asset("c.html", b"1")]
    new = [asset("a.html", b"1"), asset("b.html", b"2"), asset("c.html", b"1", cache_control="no-cache")]
    work = publish.plan(Release(assets=(*new, asset("d.html", b"1"))), ledger(Release(assets=tuple(old))))
    assert [(put.asset.key, put.reason) for put in work.puts] == [
        ("b.html", Reason.CONTENT),
        ("c.html", Reason.HEADERS),
        ("d.html", Reason.NEW),
    ]
    assert work.unchanged == 1


def test_a_plan_removes_pages_but_never_sound() -> None:
    """A withdrawn page goes; its sound stays for those who are still listening."""
    remote = Release(assets=(asset("media/a-0.mp3", b"1"), asset("old/index.html", b"1")))
    work = publish.plan(Release(assets=()), ledger(remote))
    assert work.deletes == ("old/index.html",)
    assert [kept.key for kept in work.keeps] == ["old/index.html"]


@given(st.dictionaries(st.sampled_from(sorted(FILES)), st.binary(max_size=3)), st.data())
def test_a_plan_leads_from_any_release_to_any_other(local: dict[str, bytes], data: st.DataObject) -> None:
    """What a plan leaves, sends and removes adds up to the local release, and a second plan is empty."""
    remote = data.draw(st.dictionaries(st.sampled_from(sorted(FILES)), st.binary(max_size=3)))
    target = Release(assets=tuple(asset(key, local[key]) for key in sorted(local)))
    work = publish.plan(target, ledger(Release(assets=tuple(asset(key, remote[key]) for key in sorted(remote)))))
    after = {**remote, **{put.asset.key: local[put.asset.key] for put in work.puts}}
    after = {key: value for key, value in after.items() if key not in work.deletes}
    lasting = ("media/", "assets/")  # what stays: sound for ever, assets as long as a release that is kept needs them
    assert {key: value for key, value in after.items() if key in local or not key.startswith(lasting)} == local
    assert len(work.puts) + work.unchanged == len(local)
    assert publish.plan(target, ledger(target)).is_empty


def test_an_interrupted_run_is_repeated_whichever_release_comes_next(
    site: Path, folder_store: publish.DirectoryStore
) -> None:
    """While files are sent they count as unfinished, so going back to the old release sends them too."""
    old, new = (
        {"a.html": b"1", "gone.html": b"1", "same.html": b"1"},
        {"a.html": b"2", "same.html": b"1", "n.html": b"1"},
    )
    publish_all(build(site, old), site, folder_store)

    def end(verb: str, key: str) -> None:
        if (verb, key) == ("put", "n.html"):
            raise StorageError("the run ends here", source=key)

    with pytest.raises(StorageError, match="ends here"):
        publish_all(build(site, new), site, Recording(folder_store, before=end))
    middle = ledger_of(folder_store)
    again = publish.plan(build(site, old), middle)
    assert {(put.asset.key, put.reason) for put in again.puts} == {("a.html", Reason.UNFINISHED)}
    assert [key for key in again.deletes if not key.startswith("_pub/")] == ["n.html"]
    publish_all(build(site, old), site, folder_store)
    assert {
        key: data for key, data in in_folder(Path(folder_store.address)).items() if not key.startswith("_pub/")
    } == old
    assert ledger_of(folder_store).number == 1


def test_what_is_new_comes_before_what_names_it() -> None:
    """A new episode's page and a new region's feed are there before the pages and feeds that will lead to them."""
    old = {"index.html": b"1", "episodes/index.html": b"1", "feed.xml": b"1", "feeds.xml": b"1", "404.html": b"1"}
    new = dict.fromkeys(old, b"2") | {
        "episodes/a/index.html": b"",
        "feeds/north.xml": b"",
        "feed/page-2.xml": b"",
        "media/a.mp3": b"",
        "assets/a.css": b"",
    }
    known, target = (Release(assets=tuple(asset(key, files[key]) for key in sorted(files))) for files in (old, new))
    before = ledger(known)
    made = [[put.asset.key for put in step] for step in steps(publish.plan(target, before), before)]
    assert made == [
        ["assets/a.css", "media/a.mp3"],
        ["episodes/a/index.html"],
        ["feed/page-2.xml", "feeds/north.xml"],
        ["404.html", "episodes/index.html", "index.html"],
        ["feed.xml", "feeds.xml"],
    ]
    first = [[put.asset.key for put in step] for step in steps(publish.plan(target, None), publish.Ledger())]
    assert first == [
        ["assets/a.css", "media/a.mp3"],
        ["404.html", "episodes/a/index.html", "episodes/index.html"],
        ["feed/page-2.xml", "feeds/north.xml"],
        ["index.html"],
        ["feed.xml", "feeds.xml"],
    ]


def test_what_may_be_gone_comes_before_what_names_it(folder_store: publish.DirectoryStore, site: Path) -> None:
    """After a withdrawal that ended before its last request, no page counts as there that was not seen again."""

    def end(verb: str, key: str) -> None:
        if (verb, key) == ("delete", LEDGER_KEY):
            raise StorageError("ends here", source=key)

    files = {"404.html": b"1", "episodes/a/index.html": b"1", "episodes/b/index.html": b"1", "index.html": b"1"}
    publish_all(build(site, files), site, folder_store)
    with pytest.raises(StorageError, match="ends here"):
        publish.withdraw(Recording(folder_store, before=end), OWNER)
    middle, target = ledger_of(folder_store), build(site, files | {"episodes/c/index.html": b"1"})
    made = [[put.asset.key for put in step] for step in steps(publish.plan(target, middle), middle)]
    assert made == [
        ["episodes/c/index.html"],
        ["404.html", "episodes/a/index.html", "episodes/b/index.html"],
        ["index.html"],
    ]


# The order of requests


def test_requests_come_in_groups_with_the_feeds_then_the_manifest_then_removals(
    site: Path, folder_store: publish.DirectoryStore
) -> None:
    """No group starts before the one before has ended, and removals come after the manifest."""
    publish_all(build(site, {**FILES, "old/index.html": b"old"}), site, folder_store)
    changed = {("media/new.mp3" if key == SOUND else key): data + b"\n" for key, data in FILES.items()}
    recording = Recording(folder_store)
    publish_all(build(site, changed), site, recording)
    writes = [request for request in recording.requests if request[0] not in ("read", "head")]
    assert writes[0] == ("exchange", LEDGER_KEY)
    aside = [request for request in writes if request[0] == "copy"]
    assert writes[1 : 1 + len(aside)] == aside
    assert len(aside) == 6
    assert writes[-3:] == [("exchange", LEDGER_KEY), ("delete", "old/index.html"), ("exchange", LEDGER_KEY)]
    assert [publish.group(key) for _, key in writes[1 + len(aside) : -3]] == [1, 1, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("bad", ["media/choose-and-book-0123456789abcdef.mp3", "index.html", "feed.xml"])
def test_after_an_error_no_later_group_starts_and_nothing_is_removed(
    site: Path, folder_store: publish.DirectoryStore, bad: str
) -> None:
    """One refused file ends the run: no later group, no manifest of success, no removals."""
    publish_all(build(site, {"old/index.html": b"old"}), site, folder_store)

    def refuse(verb: str, key: str) -> None:
        if (verb, key) == ("put", bad):
            raise StorageError("refused", source=key)

    recording = Recording(folder_store, before=refuse)
    release = build(site, FILES)
    with pytest.raises(StorageError, match="refused"):
        publish_all(release, site, recording)
    writes = [key for verb, key in recording.requests if verb == "put"]
    later = {key for key in writes if publish.group(key) > publish.group(bad)}
    assert later <= ({"feeds/north-west.xml"} if bad == "index.html" else set())  # a new feed, which nobody follows yet
    assert ("delete", "old/index.html") not in recording.requests
    assert not publish.plan(release, ledger_of(folder_store)).is_empty


def test_progress_is_told_in_bytes_and_ends_at_the_total(site: Path, folder_store: publish.DirectoryStore) -> None:
    """Progress never goes back, never exceeds the total, and ends there."""
    release, told = build(site, FILES), list[tuple[int, int]]()
    manner = publish.Manner(owner=OTHER, progress=lambda done, total: told.append((done, total)))
    seen = publish.look(folder_store)
    publish.apply(publish.plan(release, None), release, seen=seen, site=site, store=folder_store, manner=manner)
    total = sum(map(len, FILES.values()))
    assert told == sorted(told)
    assert told[-1] == (total, total)


def test_an_empty_plan_asks_nothing_of_the_store(site: Path, folder_store: publish.DirectoryStore) -> None:
    """Publishing the same release again reads the manifest and does nothing else."""
    release = build(site, FILES)
    publish_all(release, site, folder_store)
    recording = Recording(folder_store)
    assert publish_all(release, site, recording).is_empty
    assert recording.requests == [("read", LEDGER_KEY)]


# Folders


def test_a_folder_holds_the_release_byte_for_byte(site: Path, folder_store: publish.DirectoryStore) -> None:
    """After publishing, the folder is the site, and beside it what the publisher knows of it."""
    release = build(site, FILES)
    publish_all(release, site, folder_store)
    held = in_folder(Path(folder_store.address))
    assert {key: data for key, data in held.items() if not key.startswith("_pub/")} == FILES
    assert ledger_of(folder_store).release == release
    assert verify(release, folder_store, keys=FILES) == ()


def test_a_folder_loses_only_what_the_manifest_named(site: Path, folder_store: publish.DirectoryStore) -> None:
    """Removed pages take their empty folders with them; files of other people stay."""
    publish_all(build(site, {**FILES, "old/a/index.html": b"1", "old/b/index.html": b"1"}), site, folder_store)
    folder = Path(folder_store.address)
    (folder / "old" / "b" / "theirs.txt").write_text("theirs")
    publish_all(build(site, FILES), site, folder_store)
    assert not (folder / "old" / "a").exists()
    assert (folder / "old" / "b" / "theirs.txt").read_text() == "theirs"
    assert not (folder / "old" / "b" / "index.html").exists()


@pytest.mark.parametrize(
    "key", ["../x.html", "a/../../x.html", "/etc/x.html", "a\\..\\x.html", "C:/x.html", "a//x.html", "", "a\0.html"]
)
def test_a_folder_takes_no_key_that_leads_out_of_it(folder_store: publish.DirectoryStore, key: str) -> None:
    """Reading, writing and removing are all confined."""
    for attempt in (folder_store.read, folder_store.head, folder_store.delete):
        with pytest.raises(StorageError):
            attempt(key)
    with pytest.raises(StorageError):
        folder_store.put_bytes(dataclasses.replace(asset("x.html", b"1"), key=key), b"1")


def test_a_folder_follows_no_link_out_of_itself(tmp_path: Path, folder_store: publish.DirectoryStore) -> None:
    """A link to another folder, or to a file elsewhere, is refused."""
    outside, folder = tmp_path / "outside", Path(folder_store.address)
    outside.mkdir()
    (outside / "secret.html").write_text("secret")
    folder.mkdir()
    (folder / "linked").symlink_to(outside, target_is_directory=True)
    (folder / "linked.html").symlink_to(outside / "secret.html")
    for key in ("linked/secret.html", "linked/new/deep.html", "linked.html"):
        with pytest.raises(StorageError, match="link"):
            folder_store.read(key)
        with pytest.raises(StorageError, match="link"):
            folder_store.put_bytes(asset(key, b"1"), b"1")
    assert in_folder(outside) == {"secret.html": b"secret"}


def test_a_file_changed_since_the_build_is_not_published(site: Path, folder_store: publish.DirectoryStore) -> None:
    """The person is told to build again, and the folder keeps what it had."""
    release = build(site, FILES)
    (site / "index.html").write_bytes(b"tampered")
    with pytest.raises(StorageError, match="changed since the build") as caught:
        publish_all(release, site, folder_store)
    assert "build again" in (caught.value.hint or "")
    assert "index.html" not in in_folder(Path(folder_store.address))


def test_a_file_missing_from_the_build_is_named(site: Path, folder_store: publish.DirectoryStore) -> None:
    """A file that the manifest names and the build has not is an error for people."""
    release = build(site, FILES)
    (site / "index.html").unlink()
    with pytest.raises(StorageError, match="missing from the build"):
        publish_all(release, site, folder_store)


def test_a_damaged_ledger_is_an_error_with_a_way_out(folder_store: publish.DirectoryStore) -> None:
    """Neither broken nor foreign content, nor wrong types, nor a bomb, pass as a ledger."""
    path = folder_store.path(LEDGER_KEY)
    path.parent.mkdir(parents=True)
    whole = gzip.decompress(publish.Ledger().to_bytes())
    texts = (
        b"",
        b"{",
        b"[]",
        b"[" * 100_000,
        whole.replace(b'"version": 1', b'"version": 2'),
        whole.replace(b"0", b'"x"'),
    )
    for data in (
        b"",
        b"no gzip",
        gzip.compress(whole)[:-9],
        *map(gzip.compress, texts),
        gzip.compress(bytes(600_000_000), 1),
    ):
        path.write_bytes(data)
        with pytest.raises(StorageError, match="cannot be used") as caught:
            publish.look(folder_store)
        assert caught.value.hint


@pytest.mark.parametrize("key", ["", ".", "../x", "/etc/x", "a/../../x", "a//x", "a/", "..\\x", "a\0", "\n", "\ud800"])
@pytest.mark.parametrize("place", ["assets", "lacks", "removes", "older", "differs", "writes", "blobs"])
def test_a_ledger_cannot_name_what_lies_elsewhere(folder_store: publish.DirectoryStore, place: str, key: str) -> None:
    """Whoever may write to the store cannot have the next publish remove or overwrite anything beside it."""
    entry = {**asset("index.html", b"1").as_json(), "key": key}
    kept = {"number": 1, "published_at": "", "note": "", "is_whole": True, "lacks": [], "differs": []}
    turn = {
        "id": "",
        "owner": {"who": "", "host": "", "workspace": ""},
        "since": "",
        "lasts_s": 0,
        "renewals": 0,
        "writes": [],
        "removes": [],
    }
    given = json.loads(gzip.decompress(publish.Ledger().to_bytes()))
    given |= {
        "assets": [{**entry, "tag": ""}] if place == "assets" else [],
        "kept": [
            {**kept, "lacks": [key] if place == "lacks" else [], "differs": [entry] if place == "differs" else []}
        ],
        "turn": {
            **turn,
            "removes": [key] if place == "removes" else [],
            "writes": [entry] if place == "writes" else [],
        },
        "older": [{**entry, "left_on": "2026-01-01"}] if place == "older" else [],
        "blobs": [key] if place == "blobs" else [],
    }
    path = folder_store.path(LEDGER_KEY)
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(json.dumps(given).encode()))
    with pytest.raises(StorageError, match="cannot be used"):
        publish.look(folder_store)


def test_a_store_of_an_earlier_version_is_taken_over(site: Path, folder_store: publish.DirectoryStore) -> None:
    """What a manifest names is known: nothing is sent again, what was half done is finished, the manifest goes."""
    release = build(site, FILES)
    folder = Path(folder_store.address)
    shutil.copytree(site, folder)
    (folder / "old.html").write_bytes(b"old")
    unfinished = dataclasses.replace(asset("old.html", b""), sha256="", size=0)
    (folder / "manifest.json").write_bytes(Release(assets=(*release.assets, unfinished)).to_json())
    work = publish_all(release, site, folder_store)
    assert (work.puts, work.deletes) == ((), ("manifest.json", "old.html"))
    held = in_folder(folder)
    assert {key for key in held if not key.startswith("_pub/")} == set(FILES)
    (folder / "_pub/ledger.json.gz").unlink()
    (folder / "manifest.json").write_bytes(b'{"name": "a web app of somebody else"}')
    assert publish.look(folder_store).ledger is None
    hostile = dataclasses.replace(asset("x.html", b""), key="../x.html")
    (folder / "manifest.json").write_bytes(Release(assets=(hostile,)).to_json())
    with pytest.raises(StorageError, match="manifest in the store cannot be used"):
        publish.look(folder_store)


def test_a_path_that_is_a_file_where_a_folder_must_be_is_an_error_for_people(tmp_path: Path, site: Path) -> None:
    """What the operating system refuses is told in one sentence."""
    (tmp_path / "public").write_text("a file")
    store = publish.open_store(StorageSettings(url="file:./public"), workspace=tmp_path)
    release = build(site, FILES)
    with pytest.raises(StorageError) as caught:
        publish_all(release, site, store)
    assert caught.value.hint


def test_a_full_disk_is_told_and_leaves_no_part_behind(site: Path, tmp_path: Path) -> None:
    """A file that does not fit leaves the old one whole (the limit is set by the operating system)."""
    data = {"media/big-0.mp3": b"x" * 3_000_000}
    build(site, data)
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
    run = subprocess.run(
        [sys.executable, "-c", limit + KILLED, str(site), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert "StorageError" in run.stderr
    assert "File too large" in run.stderr
    assert set(in_folder(tmp_path / "public")) == {LEDGER_KEY, "_pub/.guard"}


def test_a_killed_run_leaves_whole_files_and_the_next_run_finishes(site: Path, tmp_path: Path) -> None:
    """SIGKILL at any moment: every file is a whole old or a whole new one; then one more run makes it all new."""
    old = {f"episodes/e{n}/index.html": b"old" * 5_000 for n in range(150)} | {"gone/index.html": b"gone"}
    new = {f"episodes/e{n}/index.html": b"new!" * 5_000 for n in range(150)} | {"feed.xml": b"<rss/>"}
    store = publish.open_store(StorageSettings(url="file:./public"), workspace=tmp_path)
    chance = random.Random(7)  # noqa: S311  moments, not secrets
    (site / "gone").mkdir(parents=True)
    for _ in range(4):
        publish_all(build(site, old), site, store)
        release = build(site, new)
        with ended(subprocess.Popen([sys.executable, "-c", KILLED, str(site), str(tmp_path)], stdout=PIPE)) as run:
            assert run.stdout is not None
            run.stdout.readline()
            time.sleep(chance.uniform(0, 0.12))
        for key, data in in_folder(tmp_path / "public").items():
            whole = key.startswith("_pub/") or key.endswith(".part") or data in (old.get(key), new.get(key))
            assert whole, key
        publish_all(release, site, publish.open_store(StorageSettings(url="file:./public"), workspace=tmp_path))
        after = in_folder(tmp_path / "public")
        assert {key: data for key, data in after.items() if not key.startswith("_pub/")} == new


def test_ctrl_c_ends_a_slow_run_at_once(site: Path, tmp_path: Path) -> None:
    """A run that waits for its store ends within two seconds of SIGINT, and starts nothing more."""
    build(site, FILES)
    slow = """
import time
original = publish.DirectoryStore.put
def put(self, asset, path, sent):
    sys.stdout.write("put\\n")
    sys.stdout.flush()
    time.sleep(60)
publish.DirectoryStore.put = put
"""
    program = KILLED.replace("site, workspace =", slow + "site, workspace =")
    with ended(
        subprocess.Popen([sys.executable, "-c", program, str(site), str(tmp_path)], stdout=PIPE, stderr=PIPE)
    ) as run:
        assert run.stdout is not None
        assert [run.stdout.readline() for _ in range(5)] == [b"ready\n", *[b"put\n"] * 4]
        run.send_signal(signal.SIGINT)
        _, stderr = run.communicate(timeout=10)
    assert b"KeyboardInterrupt" in stderr
    assert "feed.xml" not in in_folder(tmp_path / "public")


# Addresses


@pytest.mark.parametrize(
    "url",
    [
        *(
            "file:.",
            "file:..",
            "file:/",
            "file:episodes",
            "file:episodes/x",
            "file:./site",
            "file:SITE/x",
            "file:pipeline",
        ),
        *("file:templates", "file:public/../site", "file:.git/x", "file:", "file://server/share", "file:C:/public"),
        *(
            "s3://",
            "s3:bucket",
            "s3://b",
            "s3://Bucket_Name",
            "s3://bucket/a//b",
            "s3://bucket/../x",
            "s3://bucket/a?b",
        ),
        *("https://bucket.example/", "ftp://x", "public", ""),
    ],
)
def test_an_address_that_is_none_or_would_harm_is_refused(tmp_path: Path, url: str) -> None:
    """The workspace, its folders and its parents are never published to, and malformed addresses are explained."""
    with pytest.raises(ConfigError) as caught:
        publish.open_store(StorageSettings(url=url), workspace=tmp_path)
    assert caught.value.hint


def test_a_link_into_the_workspaces_own_folders_is_refused(tmp_path: Path) -> None:
    """What counts is where the folder is, not what it is called."""
    (tmp_path / "episodes").mkdir()
    (tmp_path / "public").symlink_to(tmp_path / "episodes", target_is_directory=True)
    with pytest.raises(ConfigError, match="overwrite"):
        publish.open_store(StorageSettings(url="file:./public"), workspace=tmp_path)


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("./public", "D:/cln/public"),
        ("C:/web/podcast", "C:/web/podcast"),
        ("///C:/web/podcast", "C:/web/podcast"),
        ("C:\\web\\podcast", "C:/web/podcast"),
        ("\\\\server\\share\\podcast", "//server/share/podcast"),
    ],
)
def test_windows_paths_are_read_as_windows_reads_them(text: str, folder: str) -> None:
    """Drives, shares and both kinds of slash name the folder a Windows user means."""
    workspace = PureWindowsPath("D:/cln")
    assert address.joined(text, workspace) == PureWindowsPath(folder)
    assert not address.overwrites(address.joined(text, workspace), workspace)


def test_windows_folders_of_the_workspace_are_found_in_any_case() -> None:
    """On a machine that does not tell Site from site, neither do we."""
    assert address.overwrites(PureWindowsPath("d:/CLN/Site/x"), PureWindowsPath("D:/cln"))
    assert address.overwrites(PurePosixPath("/home"), PurePosixPath("/home/cln"))


@pytest.mark.parametrize(
    "settings",
    [
        StorageSettings(url=f"s3://AKIA:{CANARY}@bucket/prefix"),
        StorageSettings(url=f"s3://AKIA:{CANARY}"),
        StorageSettings(url=f"s3://{CANARY}/prefix"),
        StorageSettings(url=f"s3://bucket/?secret={CANARY}"),
        StorageSettings(url=f"https://x:{CANARY}@bucket.example"),
        StorageSettings(url="s3://bucket", endpoint_url=f"https://AKIA:{CANARY}@storage.example"),
        StorageSettings(url="s3://bucket", endpoint_url=f"https://storage.example?secret={CANARY}"),
        StorageSettings(url="s3://bucket", endpoint_url=f"https://[{CANARY}"),
    ],
)
def test_a_secret_in_an_address_is_refused_and_not_repeated(tmp_path: Path, settings: StorageSettings) -> None:
    """Keys belong in the environment: an address that holds one is refused without showing it."""
    with pytest.raises(ConfigError) as caught:
        publish.open_store(settings, workspace=tmp_path)
    assert "canary" not in f"{caught.value} {caught.value.hint} {caught.value.source}"


def test_publishing_to_a_folder_never_loads_boto3(site: Path, tmp_path: Path) -> None:
    """Who publishes to a folder does not wait for boto3."""
    build(site, FILES)
    program = KILLED + "\nprint(sorted(name for name in sys.modules if name.startswith('boto')))"
    run = subprocess.run(
        [sys.executable, "-c", program, str(site), str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines() == ["ready", "[]"]


# A real S3 server


@pytest.mark.parametrize("prefix", ["", "podcast/learning-sets"])
def test_a_bucket_holds_the_release_and_serves_it_to_everyone(
    as_publisher: Seaweed, site: Path, tmp_path: Path, prefix: str
) -> None:
    """Every object reads back with its bytes, type, caching and SHA-256: by boto3, by plain HTTP and by signed HTTP."""
    bucket, release = as_publisher.new_bucket(public=True), build(site, FILES)
    store = open_bucket(as_publisher, bucket, tmp_path, prefix)
    assert len(publish_all(release, site, store).puts) == len(FILES)
    assert verify(release, store, keys=FILES) == ()
    client, below = as_publisher.client(), f"{prefix}/" if prefix else ""
    for made in release.assets:
        stored = client.get_object(Bucket=bucket, Key=below + made.key)
        assert stored["Body"].read() == FILES[made.key]
        assert stored["Metadata"] == {"sha256": made.sha256}
        signed = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": below + made.key})
        for url in (f"{as_publisher.endpoint_url}/{bucket}/{below}{made.key}", signed):
            with urllib.request.urlopen(url) as answer:
                assert answer.read() == FILES[made.key]
                assert answer.headers["Content-Type"] == made.content_type
                assert answer.headers["Cache-Control"] == made.cache_control
    assert ledger_of(store).release == release
    client.close()


def test_publishing_the_same_release_again_is_one_request(as_publisher: Seaweed, site: Path, tmp_path: Path) -> None:
    """The second run reads the manifest, finds nothing to do, and sends nothing."""
    store, release = open_bucket(as_publisher, as_publisher.new_bucket(), tmp_path), build(site, FILES)
    publish_all(release, site, store)
    recording = Recording(store)
    assert publish_all(release, site, recording).is_empty
    assert recording.requests == [("read", LEDGER_KEY)]


def test_changes_reach_the_bucket_and_nothing_else_is_sent(as_publisher: Seaweed, site: Path, tmp_path: Path) -> None:
    """Changed content is put, changed headers are copied, withdrawn pages are removed."""
    store = open_bucket(as_publisher, as_publisher.new_bucket(), tmp_path)
    publish_all(build(site, {**FILES, "old/index.html": b"old"}), site, store)
    built = build(site, {**FILES, "index.html": b"new"})
    release = Release(
        assets=tuple(
            dataclasses.replace(made, cache_control="max-age=60") if made.key == SOUND else made
            for made in built.assets
        )
    )
    recording = Recording(store)
    publish_all(release, site, recording)
    changes = [request for request in recording.requests if request[0] in ("put", "set_headers", "delete")]
    assert changes == [("set_headers", SOUND), ("put", "index.html"), ("delete", "old/index.html")]
    assert verify(release, store, keys=[made.key for made in release.assets]) == ()
    assert store.read("old/index.html") is None
    assert content(store, SOUND) == FILES[SOUND]


def test_verify_names_what_the_store_has_lost_or_changed(as_publisher: Seaweed, site: Path, tmp_path: Path) -> None:
    """Drift is found: a missing object, another size, another content, another type, another caching."""
    bucket, release = as_publisher.new_bucket(), build(site, FILES)
    store, client = open_bucket(as_publisher, bucket, tmp_path), as_publisher.client()
    publish_all(release, site, store)
    client.delete_object(Bucket=bucket, Key="feed.xml")
    client.put_object(Bucket=bucket, Key="feeds/north-west.xml", Body=b"longer than it was")
    client.put_object(Bucket=bucket, Key="index.html", Body=FILES["index.html"][::-1])
    css, page = (made for made in release.assets if made.key.startswith(("assets/", "episodes/")))
    store.set_headers(dataclasses.replace(css, content_type="text/plain"))
    store.set_headers(dataclasses.replace(page, cache_control="no-store"))
    faults = verify(release, store, keys=FILES)
    client.close()
    assert [fault.partition(": ")[0] for fault in faults] == sorted(
        [css.key, page.key, "feed.xml", "feeds/north-west.xml", "index.html"]
    )
    assert "text/plain" in faults[0]
    assert "no-store" in faults[1]


def test_a_large_file_goes_in_parts_and_is_not_sent_twice(
    as_publisher: Seaweed, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts make one whole object; a run that ended before its manifest does not send a large file again."""
    monkeypatch.setattr(bodies, "SINGLE_PUT_BYTES", 6_000_000)
    monkeypatch.setattr(bodies, "PART_BYTES", 5 << 20)
    data = {"media/long-0.mp3": random.Random(1).randbytes(12_000_000), "index.html": b"x"}  # noqa: S311  not a secret
    bucket, release = as_publisher.new_bucket(), build(site, data)
    store = open_bucket(as_publisher, bucket, tmp_path)
    publish_all(release, site, store)
    assert content(store, "media/long-0.mp3") == data["media/long-0.mp3"]
    assert verify(release, store, keys=data) == ()
    store.delete(LEDGER_KEY)
    recording = Recording(store)
    publish_all(release, site, recording)
    assert ("put", "media/long-0.mp3") not in recording.requests


def test_a_large_file_that_changes_on_the_way_leaves_nothing(
    as_publisher: Seaweed, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts of a file that is not what the manifest says are given up, and no upload is left open."""
    monkeypatch.setattr(bodies, "SINGLE_PUT_BYTES", 6_000_000)
    monkeypatch.setattr(bodies, "PART_BYTES", 5 << 20)
    bucket, release = as_publisher.new_bucket(), build(site, {"media/long-0.mp3": bytes(8_000_000)})
    store, client = open_bucket(as_publisher, bucket, tmp_path), as_publisher.client()
    (site / "media" / "long-0.mp3").write_bytes(bytes(7_999_999) + b"x")
    with pytest.raises(StorageError, match="changed since the build"):
        publish_all(release, site, store)
    assert store.head("media/long-0.mp3") is None
    assert client.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []
    client.close()


def test_a_file_of_middling_size_tells_its_progress(as_publisher: Seaweed, site: Path, tmp_path: Path) -> None:
    """While one file is sent, its bytes are told as they leave, not all at once and not when they are signed."""
    data = bytes(3_000_000)
    release, store = (
        build(site, {"media/a-0.mp3": data}),
        open_bucket(as_publisher, as_publisher.new_bucket(), tmp_path),
    )
    told: list[int] = []
    store.put(release.assets[0], site / "media" / "a-0.mp3", told.append)
    assert told == sorted(told)
    assert told[-1] == len(data)
    assert len(told) > 3


def test_a_changed_small_file_is_never_sent(as_publisher: Seaweed, site: Path, tmp_path: Path) -> None:
    """What does not match the manifest does not reach the bucket, nor does any later group."""
    bucket, release = as_publisher.new_bucket(), build(site, FILES)
    (site / "assets" / "site-0123456789abcdef.css").write_bytes(b"tampered")
    store = open_bucket(as_publisher, bucket, tmp_path)
    with pytest.raises(StorageError, match="changed since the build"):
        publish_all(release, site, store)
    assert store.read("assets/site-0123456789abcdef.css") is None
    assert store.read("index.html") is None
    assert store.read("feed.xml") is None


def test_check_access_is_content_with_a_store_that_works(as_publisher: Seaweed, tmp_path: Path) -> None:
    """A store that can be written, read and cleaned up is without problems and left as it was."""
    bucket = as_publisher.new_bucket()
    store = open_bucket(as_publisher, bucket, tmp_path)
    assert publish.check_access(store) == ()
    assert list(store.listing()) == []
    folder = publish.open_store(StorageSettings(url="file:./public"), workspace=tmp_path)
    assert publish.check_access(folder) == ()
    assert in_folder(tmp_path / "public") == {}


class Forgetful(Recording):
    """A store that loses a header of everything it is given."""

    def head(self, key: str) -> Stored | None:
        """Answer without the caching that was asked for."""
        stored = super().head(key)
        return stored and dataclasses.replace(stored, cache_control="")


class Garbling(Recording):
    """A store that gives back something else."""

    def read(self, key: str) -> Tagged | None:
        """Answer with other bytes."""
        found = super().read(key)
        return found and dataclasses.replace(found, data=b"something else")


@pytest.mark.parametrize(("kind", "said"), [(Forgetful, "Cache-Control"), (Garbling, "read back")])
def test_check_access_tells_what_a_store_does_not_keep(
    folder_store: publish.DirectoryStore, kind: type[Recording], said: str
) -> None:
    """A store that changes what it is given is found out before anything is published, and cleaned up."""
    store = kind(folder_store)
    (problem,) = publish.check_access(store)
    assert said in problem.message
    assert ("delete", "_pub/probe") in store.requests


# What goes wrong with a server


def write_a_page(store: publish.Store) -> None:
    """Read the ledger and write a page, as publishing does."""
    publish.look(store)
    store.put_bytes(asset("index.html", b"1"), b"1")


def fault_of(store: publish.Store, caplog: pytest.LogCaptureFixture) -> StorageError:
    """Publish a page to `store`, which must fail, and look for secrets in all that was said."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(StorageError) as caught:
        write_a_page(store)
    said: list[str] = [caplog.text]
    error: BaseException | None = caught.value
    while error:
        said += [str(error), repr(error), repr(vars(error))]
        error = error.__cause__ or error.__context__
    assert CANARY not in " ".join(said)
    assert caught.value.hint
    assert "\n" not in str(caught.value)
    problems = publish.check_access(store)
    assert [problem.message for problem in problems] == [caught.value.message]
    return caught.value


def test_a_wrong_secret_is_told_without_showing_it(
    as_publisher: Seaweed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The store's refusal of a key is told with what to check."""
    bucket = as_publisher.new_bucket()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)
    fault = fault_of(open_bucket(as_publisher, bucket, tmp_path), caplog)
    assert "does not accept this access key" in fault.message
    assert bucket in str(fault)


def test_an_unknown_key_is_told(
    s3: Seaweed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A key the store has never seen is told as such."""
    bucket = s3.new_bucket()
    sign_in(monkeypatch, "AKIANOBODY", CANARY)
    assert "does not accept" in fault_of(open_bucket(s3, bucket, tmp_path), caplog).message


def test_no_credentials_are_told_with_how_to_sign_in(
    s3: Seaweed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without credentials the hint names the ways to give them."""
    bucket = s3.new_bucket()
    sign_in(monkeypatch, None, None)
    fault = fault_of(open_bucket(s3, bucket, tmp_path), caplog)
    assert "credentials" in fault.message
    assert "AWS_ACCESS_KEY_ID" in (fault.hint or "")


def test_a_missing_right_is_told_with_the_rights_needed(
    s3: Seaweed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A user who may only read is told which rights to ask for."""
    bucket = s3.new_bucket()
    sign_in(monkeypatch, s3.reader_access_key, s3.reader_secret_key)
    fault = fault_of(open_bucket(s3, bucket, tmp_path), caplog)
    assert "no right" in fault.message
    assert "s3:PutObject" in (fault.hint or "")


def test_a_missing_bucket_is_told(as_publisher: Seaweed, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A bucket that does not exist is named."""
    fault = fault_of(open_bucket(as_publisher, "no-such-bucket", tmp_path), caplog)
    assert "no such bucket" in fault.message
    assert "no-such-bucket" in str(fault)


@pytest.mark.usefixtures("as_publisher")
def test_a_closed_port_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where nothing listens, the endpoint is named."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        settings = StorageSettings(url="s3://bucket", endpoint_url=endpoint)
        fault = fault_of(publish.open_store(settings, workspace=tmp_path), caplog)
    assert endpoint in fault.message
    assert "endpoint_url" in (fault.hint or "")


@pytest.mark.usefixtures("as_publisher")
def test_an_unknown_host_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A name that leads nowhere is told as a wrong name."""
    settings = StorageSettings(url="s3://bucket", endpoint_url="https://storage.example")
    fault = fault_of(publish.open_store(settings, workspace=tmp_path), caplog)
    assert "there is no server called https://storage.example" in fault.message


def test_a_server_without_a_certificate_is_told(
    as_publisher: Seaweed, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Https to a server that only speaks http is told as a fault of the secure connection."""
    endpoint = as_publisher.endpoint_url.replace("http:", "https:")
    fault = fault_of(
        publish.open_store(StorageSettings(url="s3://bucket", endpoint_url=endpoint), workspace=tmp_path), caplog
    )
    assert "no secure connection" in fault.message


def test_an_unknown_profile_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile that this machine does not have is found by the first request."""
    sign_in(monkeypatch, None, None)
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(StorageError, match="AWS settings"):
        publish.look(publish.open_store(StorageSettings(url="s3://bucket"), workspace=tmp_path))


@contextmanager
def through(server: str, disturb: Callable[[bytes, bool], bytes | None]) -> Iterator[str]:
    """Stand between a client and `server`: `disturb` sees what passes (up or not) and may change it or cut it off."""
    host, port = server.removeprefix("http://").split(":")
    listener = socket.create_server(("127.0.0.1", 0))

    def carry(source: socket.socket, target: socket.socket, *, up: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                changed = disturb(data, up)
                if changed is None:
                    break
                target.sendall(changed)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def meet(near: socket.socket) -> None:
        with near, socket.create_connection((host, int(port))) as far:
            answers = threading.Thread(target=carry, args=(far, near), kwargs={"up": False}, daemon=True)
            answers.start()
            carry(near, far, up=True)
            answers.join()

    def listen() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=meet, args=(listener.accept()[0],), daemon=True).start()

    waiting = threading.Thread(target=listen, daemon=True)
    waiting.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        waiting.join()
        listener.close()


def test_a_file_damaged_on_its_way_is_sent_again(as_publisher: Seaweed, site: Path, tmp_path: Path) -> None:
    """A flipped bit is noticed by the store, and the file is sent again, whole."""
    damaged: list[bytes] = []

    def flip_once(data: bytes, up: bool) -> bytes:
        if up and b"Learning sets" in data and not damaged:
            damaged.append(data)
            return data.replace(b"Learning sets", b"Learning setz")
        return data

    bucket, release = as_publisher.new_bucket(), build(site, FILES)
    with through(as_publisher.endpoint_url, flip_once) as endpoint:
        settings = StorageSettings(url=f"s3://{bucket}", endpoint_url=endpoint)
        publish_all(release, site, publish.open_store(settings, workspace=tmp_path))
    assert damaged
    assert verify(release, open_bucket(as_publisher, bucket, tmp_path), keys=FILES) == ()
    assert content(open_bucket(as_publisher, bucket, tmp_path), "index.html") == FILES["index.html"]


def test_connections_that_break_are_made_again(as_publisher: Seaweed, site: Path, tmp_path: Path) -> None:
    """Every third answer is lost on its way, and the release arrives all the same."""
    count = itertools.count()

    def lose(data: bytes, up: bool) -> bytes | None:
        return data if up or next(count) % 3 else None

    bucket, release = as_publisher.new_bucket(), build(site, FILES)
    next(count)
    with through(as_publisher.endpoint_url, lose) as endpoint:
        settings = StorageSettings(url=f"s3://{bucket}", endpoint_url=endpoint)
        publish_all(release, site, publish.open_store(settings, workspace=tmp_path))
    store = open_bucket(as_publisher, bucket, tmp_path)
    assert verify(release, store, keys=FILES) == ()
    assert ledger_of(store).release == release


def test_a_run_cut_off_at_any_request_leaves_no_feed_without_its_files(
    as_publisher: Seaweed, site: Path, tmp_path: Path
) -> None:
    """Wherever a run ends, what the feed in the bucket needs is there, and the next run finishes the work."""
    bucket, release = as_publisher.new_bucket(), build(site, FILES)
    for cut in range(1, len(FILES) + 4):  # the ledger is read, written, and written again after the files
        store, count = open_bucket(as_publisher, bucket, tmp_path, f"cut-{cut}"), itertools.count()

        def end(_verb: str, key: str, cut: int = cut, count: Iterator[int] = count) -> None:
            if next(count) == cut:
                raise StorageError("the run ends here", source=key)

        with pytest.raises(StorageError, match="ends here"):
            publish_all(release, site, Recording(store, before=end))
        if store.head("feed.xml") or store.head("feeds/north-west.xml"):
            is_home_due = store.head("feed.xml") is not None  # a new feed, which nobody follows, comes before it
            named = [key for key in FILES if publish.group(key) < publish.group("feed.xml")]
            named = [key for key in named if key != "index.html" or is_home_due]
            assert verify(release, store, keys=named) == ()
        publish_all(release, site, store)
        assert verify(release, store, keys=FILES) == ()
        assert ledger_of(store).release == release
