"""The commands about the store, as a person types them: releases, rollback, prune, promote, publish, verify, doctor."""

import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from subprocess import PIPE

import pytest

from pipeline import cli, publish
from pipeline.model import StorageSettings
from pipeline.publish.turn import Taking
from tests import faulty, studio
from tests.faulty import Fault
from tests.seaweed import Seaweed
from tests.stores import OTHER, ledger_of, sign_in
from tests.swift import Swift
from tests.test_cli import PROGRAM, Session

CANARY = "canary5ecretKey+with/slash"


@pytest.fixture(scope="module")
def mastered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Master an episode once."""
    root = studio.workspace(tmp_path_factory.mktemp("storing") / "w", "waiting-times")
    assert cli.run(["-C", str(root), "--quiet", "build"]) == 0
    return root


@pytest.fixture
def ready(mastered: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Session:
    """A session in a workspace that publishes to a folder."""
    return Session(studio.copy_workspace(mastered, tmp_path / "w"), capsys)


@pytest.fixture
def in_bucket(ready: Session, as_publisher: Seaweed) -> Session:
    """The same, publishing to a bucket of a real store."""
    put_storage(ready, f'url = "s3://{as_publisher.new_bucket()}/pod"\nendpoint_url = "{as_publisher.endpoint_url}"')
    return ready


def put_storage(session: Session, text: str) -> None:
    """Write where the workspace publishes to."""
    config = session.folder / "cln_media.toml"
    config.write_text(f"{config.read_text()}\n[storage]\n{text}\n", encoding="utf-8")


def edit_notes(session: Session, text: str) -> None:
    """Change a page."""
    (session.folder / "episodes/waiting-times/notes.md").write_text(text, encoding="utf-8")


def store_of(session: Session) -> publish.Store:
    """Open what the workspace publishes to."""
    text = (session.folder / "cln_media.toml").read_text()
    url = re.search(r'(?m)^url = "((?:s3|file):[^"]*)"', text)
    endpoint = re.search(r'(?m)^endpoint_url = "([^"]*)"', text)
    settings = StorageSettings(url=url[1] if url else "file:./public", endpoint_url=endpoint[1] if endpoint else None)
    return publish.open_store(settings, workspace=session.folder)


@pytest.mark.parametrize("kind", ["ready", "in_bucket"])
def test_going_back_and_forth(kind: str, request: pytest.FixtureRequest) -> None:
    """Two releases, the first brought back by its number, and the list of all three; the next publish goes forward."""
    session: Session = request.getfixturevalue(kind)
    assert session("releases") == 0
    assert "Nothing was published" in session.out
    assert session("rollback", "1", "--yes") == 1
    assert "nothing was published there yet" in session.err
    assert session("publish", "--yes") == 0, session.err
    assert "This is release 1" in session.out
    edit_notes(session, "Four things we learned.\n")
    assert session("publish", "--yes") == 0, session.err
    assert session("rollback", "1", "--dry-run") == 2
    assert "episodes/waiting-times/index.html" in session.out
    assert session("rollback", "7", "--yes") == 1
    assert "there is no release 7" in session.err
    assert session("rollback", "1") == 2
    assert "add --yes" in session.err
    assert session("rollback", "1", "--yes") == 0, session.err
    assert "This is release 3" in session.out
    page = store_of(session).read("episodes/waiting-times/index.html")
    assert page is not None
    assert b"Three things we learned" in page.data
    assert session("releases") == 0
    rows = [line.split() for line in session.out.splitlines()[1:]]
    assert [row[0] for row in rows] == ["3", "2", "1"]
    assert rows[0][-1] == "live"
    assert "back to release 1" in session.out
    assert session("releases", "--json") == 0
    assert [entry["number"] for entry in json.loads(session.out)] == [3, 2, 1]
    assert session("rollback", "3", "--dry-run") == 0
    assert session("rollback", "2", "--yes", "--json") == 0, session.err
    assert json.loads(session.out)["puts"]
    assert session("publish", "--dry-run") == 0
    assert "Nothing changed" in session.out


def test_sound_is_pruned_when_asked(ready: Session) -> None:
    """What an episode that was taken back has left goes after its time, and only after a person has seen it."""
    assert ready("publish", "--yes") == 0, ready.err
    assert ready("prune", "--older-than", "0", "--yes") == 0
    assert "Every sound in the store is named" in ready.out
    path = ready.folder / "episodes/waiting-times/episode.toml"
    path.write_text(path.read_text().replace(f"published = {studio.PUBLISHED}\n", ""))
    for number in range(10):
        config = ready.folder / "cln_media.toml"
        config.write_text(re.sub(r"(?m)^description = .*$", f'description = "Number {number}."', config.read_text()))
        assert ready("publish", "--yes") == 0, ready.err
    assert ready("prune", "--dry-run") == 0
    assert "stays" in ready.out
    assert ready("prune", "--older-than", "0", "--dry-run") == 2
    assert ready("prune", "--older-than", "0", "--max-deletes", "0", "--yes") == 1
    assert "at most 0 may" in ready.err
    assert list((ready.folder / "public/media").glob("waiting-times-*"))
    assert ready("prune", "--older-than", "0", "--yes") == 0, ready.err
    assert not list((ready.folder / "public").glob("media/waiting-times-*"))
    assert ready("publish", "--yes") == 0
    assert "Nothing changed" in ready.out


def test_a_plan_that_removes_too_much_is_refused_before_anything_is_sent(ready: Session) -> None:
    """More removals than expected need the word of a person."""
    assert ready("publish", "--yes") == 0, ready.err
    shutil.rmtree(ready.folder / "episodes/waiting-times")
    before = {path: path.stat().st_mtime_ns for path in (ready.folder / "public").rglob("*") if path.is_file()}
    assert ready("publish", "--yes", "--max-deletes", "1") == 1
    assert "files would be removed, and at most 1 may" in ready.err
    assert {path: path.stat().st_mtime_ns for path in (ready.folder / "public").rglob("*") if path.is_file()} == before
    assert ready("publish", "--yes") == 0, ready.err


@pytest.mark.parametrize("kind", ["folder", "bucket"])
def test_staging_is_tried_and_promoted(
    ready: Session, as_publisher: Seaweed, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--to staging` leaves the live place alone; `promote staging` brings the same bytes there."""
    live, staging = "file:./public", "file:./staging"
    if kind == "bucket":
        bucket = as_publisher.new_bucket()
        live, staging = f"s3://{bucket}/live", f"s3://{bucket}/staging"
    endpoint = f', endpoint_url = "{as_publisher.endpoint_url}"' if kind == "bucket" else ""
    put_storage(ready, f'url = "{live}"{endpoint.replace(", ", chr(10))}\nstaging = {{ url = "{staging}"{endpoint} }}')
    capsys.readouterr()
    assert ready("promote", "staging", "--yes") == 1
    assert "nothing is staged" in ready.err
    assert ready("publish", "--to", "staging", "--yes") == 0, ready.err
    assert "promote staging" in ready.out
    assert publish.look(store_of(ready)).ledger is None
    assert ready("promote", "staging", "--dry-run") == 2
    assert ready("promote", "staging", "--yes") == 0, ready.err
    ledger = ledger_of(store_of(ready))
    assert ledger.note == "promoted from staging"
    assert publish.deep_drift(ledger, store_of(ready)) == ()
    assert ready("publish", "--dry-run") == 0
    assert ready("releases", "--staging") == 0
    assert "published" in ready.out


def test_staging_has_to_be_another_place(ready: Session) -> None:
    """However it is spelt, the live place is no staging; and without one, that is said."""
    assert ready("publish", "--to", "staging", "--yes") == 1
    assert "there is no staging" in ready.err
    put_storage(ready, 'url = "file:./public"\nstaging = { url = "file:public" }')
    assert ready("publish", "--to", "staging", "--yes") == 1
    assert "staging is the live place" in ready.err
    assert not (ready.folder / "public").exists()


def test_somebody_elses_turn_ends_with_its_own_code(ready: Session) -> None:
    """While somebody else publishes: one sentence with who and since when, exit 75; --take-over goes on."""
    assert ready("publish", "--yes") == 0, ready.err
    store = store_of(ready)
    seen = publish.look(store)
    turn = Taking(store, seen, OTHER)
    turn.begin((), ())
    turn.give_up()
    edit_notes(ready, "Five things we learned.\n")
    assert ready("publish", "--yes") == 75
    assert "colleague on elsewhere has been publishing there since" in ready.err
    assert "--take-over" in ready.err
    assert ready("releases") == 0
    assert "Unfinished: colleague on elsewhere" in ready.out
    assert ready("publish", "--yes", "--take-over") == 0, ready.err


def test_verify_looks_into_the_store(in_bucket: Session) -> None:
    """What is missing, changed or somebody else's in the store is said by verify, and mended by --repair."""
    assert in_bucket("publish", "--yes") == 0, in_bucket.err
    in_bucket("--verbose", "verify", "--deep")
    assert re.search(r"right +store +holds all \d+ files of release 1, each with its SHA-256", in_bucket.out)
    store = store_of(in_bucket)
    assert isinstance(store, publish.S3Store)
    store.client.put_object(Bucket=store.bucket, Key="pod/index.html", Body=b"defaced")
    store.client.put_object(Bucket=store.bucket, Key="pod/theirs.txt", Body=b"x")
    store.delete("feed.xml")
    assert in_bucket("verify") == 1
    assert re.search(r"wrong +store: missing .*publish --repair.*feed\.xml", in_bucket.out)
    assert re.search(r"wrong +store: changed .*index\.html", in_bucket.out)
    assert re.search(r"unsure +store: foreign .*theirs\.txt", in_bucket.out)
    assert in_bucket("publish", "--yes") == 0
    assert "Nothing changed" in in_bucket.out
    assert in_bucket("publish", "--yes", "--repair") == 0, in_bucket.err
    assert "Repairing: 2 files missing or changed" in in_bucket.out
    assert {drift.what for drift in publish.drift(ledger_of(store), store)} == {"foreign"}
    assert in_bucket("verify", "--deep", "--url", "http://127.0.0.1:9/feed.xml") == 2


def test_a_folder_is_repaired_by_its_content(ready: Session) -> None:
    """Where there are no tags to tell by, every file is compared: damage of the same size is mended too."""
    assert ready("publish", "--yes") == 0, ready.err
    page = ready.folder / "public/index.html"
    page.write_bytes(page.read_bytes()[::-1])
    assert ready("publish", "--yes", "--repair") == 0, ready.err
    assert page.read_bytes() == (ready.folder / "site/index.html").read_bytes()


def test_a_bucket_is_configured_when_asked(in_bucket: Session) -> None:
    """Everybody may then read the site and nothing of ours, and the rights are printed; a dry run does nothing."""
    store = store_of(in_bucket)
    assert isinstance(store, publish.S3Store)
    assert in_bucket("publish", "--configure-bucket", "--dry-run") == 2
    with pytest.raises(store.client.exceptions.ClientError):
        store.client.get_bucket_policy(Bucket=store.bucket)
    assert in_bucket("publish", "--configure-bucket", "--yes") == 0, in_bucket.err
    assert "Set: everybody may read the site: put in place" in in_bucket.out
    assert '"s3:PutObject"' in in_bucket.out
    assert in_bucket("doctor") == 0, in_bucket.out
    assert re.search(r"storage replaces only what was seen \(If-Match\) +works", in_bucket.out)
    assert re.search(r"storage keeps the publisher's own files private +works", in_bucket.out)
    assert re.search(r"storage lets everybody read the site +works", in_bucket.out)
    assert in_bucket("publish", "--configure-bucket", "--yes", "--json") == 0
    json.loads(in_bucket.out)


def test_a_store_that_honours_little_is_published_to_and_said(
    ready: Session, swift: Swift, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a service without If-Match and checksums all works, with a warning, and doctor says what is missing."""
    sign_in(monkeypatch, swift.access_key, swift.secret_key)
    put_storage(ready, f'url = "s3://{swift.new_bucket()}/pod"\nendpoint_url = "{swift.endpoint_url}"')
    assert ready("publish", "--yes") == 0, ready.err
    assert "this store ignores conditions" in ready.err
    edit_notes(ready, "Six things we learned.\n")
    assert ready("publish", "--yes") == 0, ready.err
    assert ready("rollback", "1", "--yes") == 0, ready.err
    assert publish.deep_drift(ledger_of(store_of(ready)), store_of(ready)) == ()
    assert ready("doctor") == 0
    assert re.search(r"storage replaces only what was seen \(If-Match\) +absent", ready.out)
    assert re.search(r"storage compares SHA-256 +absent", ready.out)
    assert re.search(r"storage copies within itself +works", ready.out)


def spawned(session: Session, *arguments: str) -> "subprocess.Popen[str]":
    """Start the program in a process of its own."""
    command = [*PROGRAM, "-C", str(session.folder), *arguments]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=PIPE, stderr=PIPE, text=True)


def test_a_stall_is_said_and_ctrl_c_ends_it(ready: Session, as_publisher: Seaweed) -> None:
    """A server that says nothing is told of within ten seconds; Ctrl-C then ends the run within two, with exit 130."""
    with faulty.before(as_publisher.endpoint_url, stall_s=60) as proxy:
        put_storage(ready, f'url = "s3://{as_publisher.new_bucket()}"\nendpoint_url = "{proxy.endpoint_url}"')
        stalled = []

        def stall(request: faulty.Request) -> Fault | None:
            if request.key != "index.html":
                return None
            stalled.append(time.monotonic())
            return Fault.STALL

        proxy.decide(stall)
        with spawned(ready, "publish", "--yes") as process:
            assert process.stderr is not None
            line = process.stderr.readline()
            while line and "No answer from the store" not in line:
                line = process.stderr.readline()
            assert "still trying" in line
            assert time.monotonic() - stalled[0] < 10
            process.send_signal(2)
            asked = time.monotonic()
            _, rest = process.communicate(timeout=20)
            assert time.monotonic() - asked < 2
        assert process.returncode == 130
        assert "Interrupted." in rest
        proxy.reset()
        assert ready("publish", "--yes") == 0, ready.err


@pytest.mark.parametrize("trouble", ["wrong secret", "refused", "server error", "closed port", "none"])
def test_no_secret_is_ever_shown(
    ready: Session, as_publisher: Seaweed, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A canary for a secret key and a token stands in no output, log, manifest or ledger, whatever goes wrong."""
    secret = as_publisher.secret_key if trouble == "none" else CANARY
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    if trouble not in ("none", "wrong secret"):
        monkeypatch.setenv("AWS_SESSION_TOKEN", f"token-{CANARY}")
    with faulty.before(as_publisher.endpoint_url) as proxy:
        endpoint = "http://127.0.0.1:9" if trouble == "closed port" else proxy.endpoint_url
        put_storage(ready, f'url = "s3://{as_publisher.new_bucket()}"\nendpoint_url = "{endpoint}"')
        if trouble == "server error":
            proxy.decide(lambda request: Fault.INTERNAL if request.number < 9 else Fault.RESET_BEFORE)
        for command in (["--verbose", "publish", "--yes"], ["releases"], ["doctor"], ["verify"], ["publish", "--json"]):
            with spawned(ready, *command) as process:
                out, err = process.communicate(timeout=200)
            assert secret not in out + err
            assert CANARY not in out + err
            assert "Traceback" not in err
            if trouble == "server error":
                break  # it takes all its patience each time
        if trouble == "none":
            store = store_of(ready)
            for listed in store.listing():
                found = store.read(listed.key)
                assert found is not None
                assert secret.encode() not in found.data
    held = [path for path in ready.folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert held == []


def test_the_program_says_so_when_it_runs_twice(ready: Session) -> None:
    """Two publishes of one workspace on one computer: the second is told, exit 75."""
    with publish.only_here(ready.folder / ".cache"):
        assert ready("publish", "--yes") == 75
        assert "another cln-media is publishing from this workspace" in ready.err


def test_downloads_have_the_episodes_name(in_bucket: Session) -> None:
    """What a member saves is called what the episode is called."""
    assert in_bucket("publish", "--yes") == 0, in_bucket.err
    store = store_of(in_bucket)
    assert isinstance(store, publish.S3Store)
    (sound,) = [key for key in ledger_of(store).by_key if key.startswith("media/") and key.endswith(".mp3")]
    found = store.client.head_object(Bucket=store.bucket, Key=f"pod/{sound}")
    assert found["ContentDisposition"] == 'inline; filename="About waiting-times.mp3"'
