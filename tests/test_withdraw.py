"""Taking back: out of feeds, pages and storage with every earlier version, noted, certified, and never undone."""

import gzip
import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import boto3
import feedparser
import pytest

from pipeline import proof, trust, verify
from pipeline.cache import Cache
from pipeline.model import AudioSettings, Withdrawal
from tests import readers, studio
from tests.seaweed import Seaweed
from tests.test_cli import Session, spawn
from tests.test_importing import free_port, served

TOMBSTONES = {"episodes/alpha/index.html", "embed/alpha/index.html", "embed/alpha/tall/index.html"}
WHY = ("--reason", "A patient recognised themselves", "--by", "Caldicott guardian", "--yes")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a workspace of two episodes, one with a cover, and build it once."""
    root = studio.workspace(tmp_path_factory.mktemp("withdraw") / "w", "alpha", "beta")
    shutil.copy(root / "artwork.png", root / "episodes/alpha/cover.png")
    built = spawn(root, "build")
    _, err = built.communicate(timeout=120)
    assert built.returncode == 0, err
    return root


@pytest.fixture(scope="module")
def published(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Publish a copy of it twice, so that there is an earlier release."""
    root = studio.copy_workspace(original, tmp_path_factory.mktemp("published") / "w")
    for notes in ("", "Four things we learned.\n"):
        if notes:
            (root / "episodes/alpha/notes.md").write_text(notes)
        running = spawn(root, "publish", "--yes")
        _, err = running.communicate(timeout=120)
        assert running.returncode == 0, err
    return root


@pytest.fixture
def session(published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Session:
    """Work in a copy of that workspace and of what it published."""
    return Session(studio.copy_workspace(published, tmp_path / "w"), capsys)


def record(session: Session, name: str = "alpha") -> dict[str, object]:
    """Read what was written down of a withdrawal."""
    return tomllib.loads((session.folder / f"withdrawals/{name}.toml").read_text())


def store(session: Session) -> dict[str, bytes]:
    """Read every file of the published folder; what is compressed, such as the search index, as it was before."""
    root = session.folder / "public"
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    return {key: gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data for key, data in files.items()}


def accepted_number(session: Session) -> str:
    """Have a number said in an episode, and accepted; return the finding's id."""
    words = session.folder / "episodes/alpha/transcript.vtt"
    words.write_text(words.read_text().replace("one practice", "999 000 0018"))
    session("review", "alpha", "--json")
    found = json.loads(session.out)[0]["id"]
    assert session("review", "alpha", found, "--accept", "A test", "--by", "Officer") == 0
    return str(found)


def test_nothing_of_it_is_left_but_that_it_was_withdrawn(session: Session, tmp_path: Path) -> None:
    """Feeds, pages, sound, words and pictures are gone; its two addresses say so and nothing else of it."""
    assert [key for key, data in store(session).items() if b"About alpha" in data and key.endswith(".pf_fragment")]
    assert session("withdraw", "alpha", *WHY) == 0, session.err
    left = store(session)
    assert not (session.folder / ".cache/episodes.msgpack").exists()
    for path in (session.folder / ".cache/search").rglob("*.pf_fragment"):
        assert b"About alpha" not in gzip.decompress(path.read_bytes())
    assert {key for key in left if "alpha" in key} == TOMBSTONES
    for key in TOMBSTONES:
        page = left[key].decode()
        assert "withdrawn" in page
        assert "noindex" in page
        assert "About alpha" not in page
        assert "things we learned" not in page
    for key, data in left.items():
        assert b"About alpha" not in data, key
        assert b"urn:test:alpha" not in data, key
    assert b"alpha" not in left["sitemap.xml"]
    for key in ("feed.xml", "feeds/north-west.xml"):
        assert len(readers.partytime(left[key], tmp_path)["items"]) == 1
    for key, data in left.items():
        if key.endswith((".atom", "feed.xml", "north-west.xml", "feed.json")):
            feed = readers.feedsmith(Path(key).name, data, tmp_path)["feed"]
            assert len(feed.get("items") or feed["entries"]) == 1, key
    assert not [key for key in left if key.startswith("_pub/blobs/")]
    assert any(key.startswith("media/beta") for key in left)


def test_it_cannot_be_undone(session: Session) -> None:
    """No earlier release can be brought back, the next builds leave it out, and its identity is never used again."""
    assert session("withdraw", "alpha", *WHY) == 0
    assert session("rollback", "1", "--yes") == 1
    assert session("rollback", "2", "--yes") == 1
    (session.folder / "episodes/beta/notes.md").write_text("Later.\n")
    assert session("publish", "--yes") == 0, session.err
    assert not [key for key in store(session) if key.startswith("media/alpha")]
    folder = studio.add_episode(session.folder, "gamma", seed=3)
    text = (folder / "episode.toml").read_text()
    (folder / "episode.toml").write_text(text.replace("urn:test:gamma", "urn:test:alpha"))
    assert session("check") == 1
    assert "has the guid of an episode that was withdrawn" in session.err + session.out
    (folder / "episode.toml").write_text(text.replace("title", 'slug = "alpha"\ntitle', 1))
    shutil.rmtree(session.folder / "episodes/alpha")
    assert session("check") == 1
    assert "has the slug of an episode that was withdrawn" in session.err + session.out


def test_it_is_written_down(session: Session) -> None:
    """The record and the certificate name what was removed, why and by whom; the trail holds both steps."""
    before = {key for key in store(session) if "alpha" in key}
    assert session("withdraw", "alpha", *WHY) == 0
    found = record(session)
    assert found["guid"] == "urn:test:alpha"
    assert found["reason"] == "A patient recognised themselves"
    assert found["finished_on"] == found["on"]
    assert set(found["removed"]) == before - TOMBSTONES  # type: ignore[call-overload]
    page = (session.folder / "withdrawals/alpha.html").read_text()
    assert "A patient recognised themselves" in page
    assert "What cannot be recalled" in page
    assert all(str(key) in page for key in found["removed"])  # type: ignore[attr-defined]
    lines = [json.loads(line) for line in (session.folder / "audit.jsonl").read_text().splitlines()]
    assert [line["what"] for line in lines][-4:] == ["withdraw", "publish", "published", "withdrawn"]
    assert "recognised" not in (session.folder / "audit.jsonl").read_text()
    assert session("audit", "verify") == 0
    assert session("status") == 0
    assert "withdrawn" in session.out


def test_every_address_is_asked_for_again(session: Session) -> None:
    """Served for real, each address that is gone is listed as gone."""
    port = free_port()
    config = session.folder / "cln_media.toml"
    config.write_text(config.read_text().replace("https://podcast.cln.example/", f"http://127.0.0.1:{port}/"))
    with served(session.folder / "public", port):
        assert session("publish", "--yes") == 0, session.err
        assert session("withdraw", "alpha", *WHY) == 0, session.err
        feeds = [f"http://127.0.0.1:{port}/{name}" for name in ("feed.xml", "feeds/north-west.xml")]
        wrong = {each.what for each in verify.verify(*feeds) if each.state == "wrong"}
    assert wrong <= {"chapters type"}  # a folder keeps no types
    found = record(session)
    assert len(found["checked"]) == len(found["removed"]) > 8  # type: ignore[arg-type]
    assert all(str(line).endswith(": gone") for line in found["checked"])  # type: ignore[attr-defined]


def test_again_it_finishes_and_changes_nothing(session: Session) -> None:
    """The same command twice leaves the same store and the same list of what was removed."""
    assert session("withdraw", "alpha", *WHY) == 0
    before, listed = store(session), record(session)["removed"]
    assert session("withdraw", "alpha", *WHY) == 0, session.err
    assert "was withdrawn on" in session.out
    assert store(session) == before
    assert record(session)["removed"] == listed


def test_what_was_interrupted_is_finished_by_publish(session: Session) -> None:
    """Where the store could not be written, the next publish takes the episode back for good."""
    public = session.folder / "public"
    public.rename(session.folder / "elsewhere")
    public.write_text("in the way")
    assert session("withdraw", "alpha", *WHY) == 1
    assert "finished_on" not in record(session)
    public.unlink()
    (session.folder / "elsewhere").rename(public)
    assert session("publish", "--yes") == 0, session.err
    assert "finished_on" in record(session)
    assert not [key for key in store(session) if key.startswith("media/alpha")]


@pytest.mark.parametrize("after_s", [0.4, 0.7, 0.9, 1.1, 1.4])
def test_killed_at_any_moment_it_is_finished_by_the_next_run(session: Session, after_s: float) -> None:
    """Killed before, while or after the store is changed, the same command again leaves nothing of the episode."""
    running = spawn(session.folder, "withdraw", "alpha", *WHY)
    with suppress(subprocess.TimeoutExpired):
        running.wait(timeout=after_s)
    running.kill()
    running.communicate()
    assert session("withdraw", "alpha", *WHY) == 0, session.err
    left = store(session)
    assert {key for key in left if "alpha" in key} == TOMBSTONES
    assert not [key for key, data in left.items() if b"About alpha" in data]
    assert "finished_on" in record(session)
    assert session("audit", "verify") == 0


def test_staging_is_emptied(original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was staged to be looked at holds nothing of it any more."""
    session = Session(studio.copy_workspace(original, tmp_path / "w"), capsys)
    with (session.folder / "cln_media.toml").open("a") as file:
        file.write('\n[storage]\nstaging = { url = "file:./trial" }\n')
    assert session("publish", "--yes", "--to", "staging") == 0, session.err
    assert session("publish", "--yes") == 0, session.err
    assert session("withdraw", "alpha", *WHY) == 0, session.err
    assert not [path for path in (session.folder / "trial").rglob("*") if "alpha" in path.name]
    assert not list((session.folder / "trial").rglob("feed.xml"))


def with_members(original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, is_private: bool) -> Session:
    """Publish both episodes to a group of members too; alpha to nobody else where it is private."""
    session = Session(studio.copy_workspace(original, tmp_path / "w"), capsys)
    config = session.folder / "cln_media.toml"
    feed = '\n[[feeds]]\nname = "inner"\ntitle = "Inner"\nvisibility = "members"\n'
    feed += 'guid = "9f3c2fd6-7a0d-5b1b-9e54-0a8e0f3d1c12"\n'
    config.write_text(config.read_text() + feed + f'\n[members]\nlist = "{tmp_path}/members.toml"\n')
    if is_private:
        episode = session.folder / "episodes/alpha/episode.toml"
        episode.write_text(episode.read_text().replace("region", 'visibility = "members"\nregion', 1))
    assert session("members", "add", "Set 4") == 0, session.err
    assert session("publish", "--yes") == 0, session.err
    assert list((session.folder / "public/m").rglob("alpha-*.mp3"))
    return session


def test_members_lose_it_too(original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A members' episode is gone from each member's own part, and no public page says that it ever was."""
    session = with_members(original, tmp_path, capsys, is_private=True)
    token = next(path.name for path in (session.folder / "public/m").iterdir())
    port = free_port()
    config = session.folder / "cln_media.toml"
    config.write_text(config.read_text().replace("https://podcast.cln.example/", f"http://127.0.0.1:{port}/"))
    with served(session.folder / "public", port):
        assert session("publish", "--yes") == 0, session.err
        assert session("withdraw", "alpha", *WHY) == 0, session.err
    assert not [path for path in (session.folder / "public").rglob("*") if "alpha" in path.name]
    for path in (session.folder / "public").rglob("feed.xml"):
        assert "About alpha" not in path.read_text()
    notes = " ".join(record(session)["notes"])  # type: ignore[arg-type]
    gone = int(re.search(r"(\d+) files were removed from members' own parts", notes)[1])  # type: ignore[index]
    assert gone > 5
    assert f"{gone} of {gone} of their addresses there, which are secret, were found gone" in notes
    assert token not in (session.folder / "withdrawals/alpha.html").read_text()
    assert token not in (session.folder / "withdrawals/alpha.toml").read_text()


def test_what_is_removed_later_leaves_members_too(
    original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Words that members could read and that are removed now are in no file of their part any more."""
    session = with_members(original, tmp_path, capsys, is_private=True)
    found = accepted_number(session)
    assert session("publish", "--yes") == 0, session.err
    before = {key for key in store(session) if "/media/alpha" in key}
    assert session("review", "alpha", found, "--remove", "--by", "Officer") == 0, session.err
    assert session("publish", "--yes") == 0, session.err
    after = store(session)
    assert before
    assert not before & set(after)
    assert not [key for key, data in after.items() if b"999 000 0018" in data]


def test_one_voice_is_taken_out(session: Session) -> None:
    """The episode is down at once; when it is published again, the voice's words and sound are gone."""
    assert session("withdraw", "alpha", "--speaker", "Chair", *WHY) == 0, session.err
    assert not [key for key in store(session) if key.startswith(("media/alpha", "transcripts/alpha", "episodes/alpha"))]
    assert record(session, "alpha.chair")["speaker"] == "Chair"
    assert session("publish", "--yes") == 0, session.err
    text = store(session)["transcripts/alpha.vtt"].decode()
    assert "[removed]" in text
    assert "Welcome" not in text
    assert "We began with one practice" in text
    assert session("check") == 0


def test_a_voice_stays_out_whatever_the_transcript_says_later(session: Session) -> None:
    """Transcribed anew without voices, or with other names, what was said in those stretches stays away and covered."""
    assert session("withdraw", "alpha", "--speaker", "Chair", *WHY) == 0, session.err
    words = session.folder / "episodes/alpha/transcript.vtt"
    words.write_text(words.read_text().replace("<v Chair>", "").replace("<v GP, Greater Manchester>", ""))
    assert session("publish", "--yes") == 0, session.err
    text = store(session)["transcripts/alpha.vtt"].decode()
    assert "Welcome" not in text
    assert "We began with one practice" in text


def test_a_named_voice_is_taken_out(session: Session) -> None:
    """A speaker who was named by consent goes with voice and name, also where the notes name them."""
    episode = session.folder / "episodes/alpha/episode.toml"
    consent = 'scope = ["voice", "name", "transcript", "region", "public"], recorded_on = 2026-09-15, reference = "r"'
    named = f'role = "Chair"\nname = "Exemplar Speaker"\nconsent = {{ {consent} }}\n'
    episode.write_text(episode.read_text().replace('role = "Chair"\n', named))
    words = session.folder / "episodes/alpha/transcript.vtt"
    words.write_text(words.read_text().replace("<v Chair>", "<v Exemplar Speaker>"))
    notes = session.folder / "episodes/alpha/notes.md"
    notes.write_text("Exemplar Speaker opened it.\n")
    assert session("publish", "--yes") == 0, session.err
    assert session("withdraw", "alpha", "--speaker", "Chair", *WHY) == 0, session.err
    assert not [key for key, data in store(session).items() if b"Exemplar" in data]
    assert session("publish", "--yes") == 1
    assert "names in its words a speaker without consent" in session.err
    notes.write_text("The chair opened it.\n")
    assert session("publish", "--yes") == 0, session.err
    assert not [key for key, data in store(session).items() if b"Exemplar" in data]


def test_without_its_record_it_does_not_come_back(session: Session) -> None:
    """Where the file of a withdrawal is lost, the trail still knows, and nothing is published."""
    assert session("withdraw", "alpha", *WHY) == 0, session.err
    (session.folder / "withdrawals/alpha.toml").unlink()
    assert session("publish", "--yes") == 1
    assert "says that alpha was withdrawn, but withdrawals/ does not" in session.err


@pytest.mark.parametrize("fault", ["consent", "unreadable", "unsigned", "identifier", "not to be mastered"])
def test_a_fault_in_another_episode_does_not_keep_it_live(session: Session, fault: str) -> None:
    """It is withdrawn all the same: the other one's files stay as they are live, and it is back once it is mended."""
    folder = session.folder / "episodes/beta"
    kept = {
        path: path.read_bytes()
        for path in (
            folder / "episode.toml",
            folder / "notes.md",
            session.folder / "cln_media.toml",
            *folder.glob("*.wav"),
        )
    }
    before = {
        key: data
        for key, data in store(session).items()
        if "beta" in key and not key.startswith(("_pub/", "episodes/"))
    }
    if fault == "consent":
        words = kept[folder / "episode.toml"].replace(b'reference = "Notice to the room, no. 1"', b"")
        (folder / "episode.toml").write_bytes(words)
    elif fault == "unreadable":
        (folder / "episode.toml").write_text("title = ")
    elif fault == "identifier":
        (folder / "notes.md").write_text("NHS number 999 000 0018.\n")
    elif fault == "not to be mastered":
        (recording,) = folder.glob("*.wav")
        recording.write_bytes(kept[recording][:44] + bytes(len(kept[recording]) - 44))  # its header is whole
    else:
        config = session.folder / "cln_media.toml"
        config.write_text(config.read_text().replace("public = []", 'public = ["comms"]'))
    assert session("withdraw", "alpha", *WHY) == 0, session.err
    assert "cannot be published as it is now" in session.err
    left = store(session)
    assert {key for key in left if "alpha" in key} == TOMBSTONES
    assert not [key for key, data in left.items() if b"About alpha" in data]
    assert {key: left.get(key) for key in before} == before
    assert "finished_on" in record(session)
    for path, data in kept.items():
        path.write_bytes(data)
    assert session("publish", "--yes") == 0, session.err
    assert len(feedparser.parse(store(session)["feed.xml"]).entries) == 1


def test_an_unreadable_episode_keeps_its_files_under_its_own_slug(session: Session) -> None:
    """Its folder may have another name than its address: what stands live is known by its GUID."""
    (session.folder / "episodes/beta").rename(session.folder / "episodes/recorded-in-may")
    settings = session.folder / "episodes/recorded-in-may/episode.toml"
    settings.write_text(f'slug = "beta"\n{settings.read_text()}\nbroken = = \n')
    words = {key for key in store(session) if key.startswith("transcripts/beta")}
    assert session("withdraw", "alpha", *WHY) == 0, session.err
    assert words
    assert words <= store(session).keys()
    assert "recorded-in-may: cannot be published as it is now" in session.err


def test_pages_that_cannot_be_read_do_not_keep_it_live(session: Session) -> None:
    """What stands wrong in about.md or accessibility.toml is said, and the episode is withdrawn."""
    (session.folder / "about.md").write_bytes(b"\xff\xfe")
    (session.folder / "accessibility.toml").write_text("status = ")
    assert session("withdraw", "alpha", *WHY) == 0, session.err
    assert "about.md" in session.err
    assert "accessibility.toml" in session.err
    assert {key for key in store(session) if "alpha" in key} == TOMBSTONES


def test_what_stops_a_withdrawal_is_said_loudly(session: Session) -> None:
    """Where the show's own settings keep the feeds from being written, the person is told that it is still live."""
    artwork = session.folder / "artwork.png"
    artwork.rename(session.folder / "elsewhere.png")
    assert session("withdraw", "alpha", *WHY) == 1
    assert "IS STILL LIVE" in session.err
    (session.folder / "elsewhere.png").rename(artwork)
    assert session("publish", "--yes") == 0, session.err
    assert not [key for key in store(session) if key.startswith("media/alpha")]


def test_an_earlier_slug_goes_too(session: Session) -> None:
    """An episode that was published under another slug before takes its earlier sound and pages with it."""
    episode = session.folder / "episodes/alpha/episode.toml"
    episode.write_text(f'slug = "renamed"\n{episode.read_text()}')
    assert session("publish", "--yes") == 0, session.err
    assert [key for key in store(session) if key.startswith("media/alpha")]
    assert session("withdraw", "renamed", *WHY) == 0, session.err
    assert record(session, "renamed")["earlier_slugs"] == ["alpha"]
    left = store(session)
    assert not [key for key in left if "alpha" in key]
    assert not [key for key in left if key.startswith("media/renamed")]


def test_by_its_earlier_slug_it_is_not_withdrawn(session: Session) -> None:
    """A renamed episode is named, so that it goes as a whole; its earlier slug is never used again afterwards."""
    (session.folder / "episodes/alpha").rename(session.folder / "episodes/renamed")
    assert session("publish", "--yes") == 0, session.err
    assert session("withdraw", "alpha", *WHY) == 1
    assert "is called renamed now" in session.err
    assert session("withdraw", "renamed", *WHY) == 0, session.err
    assert not [key for key in store(session) if "alpha" in key]
    studio.add_episode(session.folder, "alpha", seed=9)
    config = session.folder / "episodes/alpha/episode.toml"
    config.write_text(config.read_text().replace("urn:test:alpha", "urn:test:new"))
    assert session("check") == 1
    assert "has the slug of an episode that was withdrawn" in session.err + session.out


def test_a_slug_that_another_has_now_is_left_alone(session: Session) -> None:
    """Where another episode took over the earlier slug, also one that cannot be read, its files stay."""
    (session.folder / "episodes/alpha").rename(session.folder / "episodes/renamed")
    other = studio.add_episode(session.folder, "alpha", seed=9) / "episode.toml"
    other.write_text(other.read_text().replace("urn:test:alpha", "urn:test:new"))
    assert session("publish", "--yes") == 0, session.err
    whole = other.read_text()
    other.write_text(whole + "\nbroken = = \n")
    assert session("withdraw", "renamed", *WHY) == 0, session.err
    assert record(session, "renamed")["earlier_slugs"] == []
    other.write_text(whole)
    assert session("publish", "--yes") == 0, session.err
    assert [key for key in store(session) if key.startswith("media/alpha")]


def test_its_sound_under_a_slug_that_another_has_now_goes(session: Session) -> None:
    """Its own sound leaves the earlier slug, where the other one's stays."""
    own = {key for key in store(session) if key.startswith("media/alpha")}
    (session.folder / "episodes/alpha").rename(session.folder / "episodes/renamed")
    other = studio.add_episode(session.folder, "alpha", seed=9) / "episode.toml"
    other.write_text(other.read_text().replace("urn:test:alpha", "urn:test:new"))
    assert session("publish", "--yes") == 0, session.err
    both = {key for key in store(session) if key.startswith("media/alpha")}
    assert own < both
    assert session("withdraw", "renamed", *WHY) == 0, session.err
    assert {key for key in store(session) if key.startswith("media/alpha")} == both - own
    assert own <= set(record(session, "renamed")["removed"])  # type: ignore[call-overload]


def test_two_with_one_slug_are_told_apart_first(session: Session) -> None:
    """Where two folders claim the slug, nobody guesses which one is meant."""
    other = session.folder / "episodes/beta/episode.toml"
    other.write_text(f'slug = "alpha"\n{other.read_text()}')
    assert session("withdraw", "alpha", *WHY) == 1
    assert "is the slug of" in session.err
    assert not (session.folder / "withdrawals").exists()


def test_words_removed_after_a_rename_leave_the_earlier_files_too(session: Session) -> None:
    """What was published under another slug before words were removed goes with the rest."""
    found = accepted_number(session)
    assert session("publish", "--yes") == 0, session.err
    before = {key for key in store(session) if key.startswith("media/alpha")}
    (session.folder / "episodes/alpha").rename(session.folder / "episodes/renamed")
    assert session("publish", "--yes") == 0, session.err
    assert session("review", "renamed", found, "--remove", "--by", "Officer") == 0, session.err
    assert session("publish", "--yes") == 0, session.err
    after = store(session)
    assert before
    assert not before & set(after)
    assert not [key for key, data in after.items() if b"999 000 0018" in data]


def test_a_release_staged_before_words_were_removed_is_not_promoted(session: Session) -> None:
    """What was staged with the words must be staged again; once the live release is without them, it is removed."""
    with (session.folder / "cln_media.toml").open("a") as file:
        file.write('\n[storage]\nstaging = { url = "file:./trial" }\n')
    found = accepted_number(session)
    assert session("publish", "--yes", "--to", "staging") == 0, session.err
    assert session("review", "alpha", found, "--remove", "--by", "Officer") == 0, session.err
    assert session("promote", "staging", "--yes") == 1
    assert "words were removed from alpha since it was staged" in session.err
    assert session("publish", "--yes") == 0, session.err
    assert "it held what was removed from alpha since" in session.out
    assert not [path for path in (session.folder / "trial").rglob("*.*") if path.name != ".guard"]
    assert session("publish", "--yes", "--to", "staging") == 0, session.err
    assert session("promote", "staging", "--yes") == 0, session.err
    assert not [key for key, data in store(session).items() if b"999 000 0018" in data]


def test_two_roles_have_two_records() -> None:
    """Roles that look alike in a file's name do not overwrite one another's withdrawal."""
    names = {trust.name_of(withdrawn(role)) for role in ("GP A", "GP (A)", "GP-A", "gp a")}
    assert len(names) == 3
    assert trust.name_of(withdrawn("Chair")) == "alpha.chair"


def withdrawn(role: str) -> Withdrawal:
    """Make the withdrawal of a voice."""
    return Withdrawal(slug="alpha", guid="g", on=date(2026, 11, 1), reason="r", by="b", speaker=role)


def test_an_episode_without_its_folder_is_withdrawn(session: Session) -> None:
    """Where the folder is gone, the trail still knows what was published under that slug."""
    shutil.rmtree(session.folder / "episodes/alpha")
    assert session("withdraw", "alpha", *WHY) == 0, session.err
    assert record(session)["guid"] == "urn:test:alpha"
    assert {key for key in store(session) if "alpha" in key} == TOMBSTONES


def test_nothing_is_taken_back_in_nobodys_name(session: Session) -> None:
    """Who and why must be said."""
    assert session("withdraw", "alpha", "--reason", " ", "--by", "Chair", "--yes") == 2
    assert session("withdraw", "alpha", "--reason", "Why", "--by", "", "--yes") == 2
    assert not (session.folder / "withdrawals").exists()


def test_a_rollback_brings_nothing_back_that_was_taken_back(session: Session) -> None:
    """An episode whose date was taken away does not return with an earlier release."""
    episode = session.folder / "episodes/alpha/episode.toml"
    episode.write_text(episode.read_text().replace("published = ", "# published = "))
    assert session("publish", "--yes") == 0, session.err
    assert session("rollback", "1", "--yes") == 1
    assert "holds the episode alpha, which may not be published" in session.err


def test_what_is_held_is_not_promoted(session: Session) -> None:
    """A staged episode on which somebody has put a hold since does not go live from staging."""
    with (session.folder / "cln_media.toml").open("a") as file:
        file.write('\n[storage]\nstaging = { url = "file:./trial" }\n')
    notes = session.folder / "episodes/alpha/notes.md"
    notes.write_text("Number 999 000 0018.\n")
    session("review", "alpha", "--json")
    found = json.loads(session.out)[0]["id"]
    assert session("review", "alpha", found, "--accept", "A test", "--by", "Officer") == 0
    assert session("publish", "--yes", "--to", "staging") == 0, session.err
    assert session("review", "alpha", found, "--hold", "--by", "Officer") == 1
    assert session("promote", "staging", "--yes") == 1
    assert "holds the episode alpha, which may not be published" in session.err


def test_broken_settings_get_their_sentence(session: Session) -> None:
    """With settings that cannot be read, nothing is withdrawn and no traceback is shown."""
    (session.folder / "cln_media.toml").write_text("[show\n")
    assert session("withdraw", "alpha", *WHY) == 1
    assert "cln_media.toml" in session.err
    assert not (session.folder / "withdrawals").exists()


def test_what_was_removed_later_is_in_no_earlier_release(session: Session) -> None:
    """Words that were public and are removed now go from the store with the releases and the sound that held them."""
    found = accepted_number(session)
    assert session("publish", "--yes") == 0, session.err
    before = {key for key in store(session) if key.startswith("media/alpha")}
    assert session("review", "alpha", found, "--remove", "--by", "Officer") == 0, session.err
    assert session("publish", "--yes") == 0, session.err
    after = store(session)
    assert not before & set(after)
    assert not [key for key, data in after.items() if b"999 000 0018" in data]
    assert session("rollback", "1", "--yes") == 1
    assert session("publish", "--yes") == 0
    assert "Nothing changed" in session.out


def test_one_voice_waits_for_new_signatures(session: Session) -> None:
    """Where roles must sign, the episode is taken down until what is left of it was signed again."""
    config = session.folder / "cln_media.toml"
    config.write_text(config.read_text().replace("public = []", 'public = ["comms"]'))
    for slug in ("alpha", "beta"):
        assert session("sign-off", slug, "--as", "comms", "--by", "Communications officer") in {0, 1}
        if session.err:
            assert session("build") == 0
            assert session("sign-off", slug, "--as", "comms", "--by", "Communications officer") == 0, session.err
    assert session("publish", "--yes") == 0, session.err
    assert session("withdraw", "alpha", "--speaker", "Chair", *WHY) == 0, session.err
    assert not [key for key in store(session) if key.startswith(("media/alpha", "transcripts/alpha", "episodes/alpha"))]
    assert session("build", "alpha") == 0, session.err
    assert session("sign-off", "alpha", "--as", "comms", "--by", "Communications officer") == 0, session.err
    assert session("publish", "--yes") == 0, session.err
    assert "[removed]" in store(session)["transcripts/alpha.vtt"].decode()


def test_a_voice_that_is_not_there_is_refused(session: Session) -> None:
    """A role that no speaker has, and one whose words the transcript does not mark, get their sentence."""
    assert session("withdraw", "alpha", "--speaker", "Nurse", *WHY) == 1
    assert 'has no speaker "Nurse"' in session.err
    words = session.folder / "episodes/alpha/transcript.vtt"
    words.write_text(words.read_text().replace("<v Chair>", ""))
    assert session("withdraw", "alpha", "--speaker", "Chair", *WHY) == 1
    assert "does not say where" in session.err
    assert session("withdraw", "nobody", *WHY) == 1
    assert not (session.folder / "withdrawals").exists()


def test_nothing_happens_without_a_yes(session: Session) -> None:
    """Without --yes and without anybody to ask, nothing is written down."""
    assert session("withdraw", "alpha", *WHY[:-1]) == 2
    assert not (session.folder / "withdrawals").exists()


@contextmanager
def bucket(session: Session, server: Seaweed) -> Iterator["object"]:
    """Publish to a bucket that keeps every version."""
    name = server.new_bucket()
    client = boto3.client(
        "s3",
        endpoint_url=server.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
    )
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    config = session.folder / "cln_media.toml"
    storage = f'\n[storage]\nurl = "s3://{name}/pod"\nendpoint_url = "{server.endpoint_url}"\n'
    config.write_text(config.read_text() + storage)
    try:
        yield client, name
    finally:
        client.close()


def test_no_version_of_it_can_be_fetched(
    original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], as_publisher: Seaweed
) -> None:
    """In a bucket with versioning, no version of any object holds its sound, title or words afterwards."""
    session = Session(studio.copy_workspace(original, tmp_path / "w"), capsys)
    with bucket(session, as_publisher) as (client, name):  # type: ignore[misc]
        assert session("publish", "--yes") == 0, session.err
        (session.folder / "episodes/alpha/notes.md").write_text("Four things we learned.\n")
        assert session("publish", "--yes") == 0, session.err
        assert session("withdraw", "alpha", *WHY) == 0, session.err
        versions = [
            version
            for page in client.get_paginator("list_object_versions").paginate(Bucket=name)
            for version in page.get("Versions", ())
        ]
        assert len(versions) > 20
        for version in versions:
            got = client.get_object(Bucket=name, Key=version["Key"], VersionId=version["VersionId"])
            data = got["Body"].read()
            assert not version["Key"].startswith("pod/media/alpha"), version["Key"]
            assert b"About alpha" not in data, version["Key"]
            assert b"things we learned" not in data or b"alpha" not in version["Key"].encode()
        assert "earlier versions of files were removed" in str(record(session)["notes"])


def test_another_workspace_does_not_publish_over_it(session: Session, tmp_path: Path) -> None:
    """A second workspace, or an old copy of this one, is refused: it knows nothing of what was withdrawn here."""
    copy = Session(studio.copy_workspace(session.folder, tmp_path / "copy"), session._capsys)
    storage = f'\n[storage]\nurl = "file:{session.folder}/public"\n'
    config = copy.folder / "cln_media.toml"
    config.write_text(config.read_text() + storage)
    assert session("withdraw", "alpha", *WHY) == 0, session.err
    before = store(session)
    assert copy("publish", "--yes") == 75
    assert "was last published from another workspace" in copy.err
    assert store(session) == before


def test_a_recording_is_disposed_of_and_the_episode_stays(session: Session) -> None:
    """Without recording and without cache, the same sound is published; the trail says who removed it."""
    before = store(session)
    folder = session.folder / "episodes/beta"
    (folder / "drafts/previous").mkdir(parents=True)
    (folder / "drafts/heard.json").write_text("{}")
    (folder / "drafts/previous/elsewhere").symlink_to(session.folder / "episodes/alpha")
    cache = Cache(session.folder / ".cache")
    copy = proof.made_copy(cache, (folder / "recording.wav",), AudioSettings(), lambda _: None)
    assert copy.is_file()
    assert session("dispose", "beta", "--by", "Communications officer", "--yes") == 0, session.err
    assert not list(copy.parent.iterdir())
    assert not (folder / "recording.wav").exists()
    assert not (folder / "drafts").exists()
    assert (session.folder / "episodes/alpha/recording.wav").is_file()
    assert (folder / "master.mp3").is_file()
    shutil.rmtree(session.folder / ".cache")
    assert session("check") == 0, session.err
    assert session("publish", "--yes") == 0, session.err
    assert {key: data for key, data in store(session).items() if "_pub" not in key} == {
        key: data for key, data in before.items() if "_pub" not in key
    }
    assert session("audit", "verify") == 0
    assert '"what": "dispose"' in (session.folder / "audit.jsonl").read_text()
    assert session("dispose", "beta", "--by", "Communications officer", "--yes") == 0


def test_a_kept_master_that_was_changed_is_refused(session: Session) -> None:
    """After the recording is gone, another file in the place of its master stops the build, as other edits do."""
    assert session("dispose", "beta", "--by", "Communications officer", "--yes") == 0
    folder = session.folder / "episodes/beta"
    whole = (folder / "master.mp3").read_bytes()
    (folder / "master.mp3").write_bytes(whole[:-100])
    assert session("build") == 1
    assert "not as it was kept" in session.err
    (folder / "master.mp3").write_bytes(whole)
    assert session("build") == 0, session.err
    with (folder / "episode.toml").open("a") as file:
        file.write('\n[[edits]]\nstart = 1\nend = 2\naction = "bleep"\n')
    assert session("build") == 1


def test_what_is_due_to_be_removed_is_said(session: Session) -> None:
    """Months after the recording, `check` says that it is to be looked at again, and that the recording may go."""
    episode = session.folder / "episodes/beta/episode.toml"
    episode.write_text(episode.read_text().replace("region", "recorded_on = 2023-09-15\nregion", 1))
    assert session("check") == 0
    assert "is to be looked at again since 2025-09-15" in session.err + session.out
    assert "its recording is to be removed since 2024-09-15" in session.err + session.out


def test_a_bucket_abroad_is_refused(session: Session) -> None:
    """Amazon's regions outside the list are refused unless an assessment is named."""
    config = session.folder / "cln_media.toml"
    before = config.read_text()
    config.write_text(before + '\n[storage]\nurl = "s3://cln-bucket/pod"\nregion = "us-east-1"\n')
    assert session("publish", "--yes") == 1
    assert "is in us-east-1, where recordings may not be kept" in session.err
