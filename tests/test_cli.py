"""Whole sessions at the command line, as comms staff type them: what is printed, the exit code, nothing lost."""

import contextlib
import gzip
import io
import json
import os
import pty
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline import cli, model, pages
from pipeline.cli.screen import Screen
from tests import studio
from tests.test_build import files

PROGRAM = [sys.executable, "-c", "from pipeline.cli import main; main()"]


class Session:
    """A command line in a folder."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        """Run a command; `out` and `err` hold what it printed."""
        self._capsys.readouterr()
        code = cli.run(["-C", str(self.folder), *arguments])
        self.out, self.err = self._capsys.readouterr()
        assert "Traceback" not in self.out + self.err
        return code


@pytest.fixture
def session(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Session:
    """A session in an empty folder."""
    return Session(tmp_path, capsys)


@pytest.fixture
def ready(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Session:
    """A session in a workspace with one complete episode."""
    studio.workspace(tmp_path, "waiting-times")
    return Session(tmp_path, capsys)


def test_many_warnings_with_the_same_advice_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """Three are shown one by one, then how many more there are, and where; --verbose shows each."""
    problems = [
        model.Problem(source=f"episodes/set-{number}", message="is loud", hint="Listen to it.", fatal=False)
        for number in range(9)
    ]
    shown = {}
    for verbose in (False, True):
        with Screen(verbose=verbose).report() as report:
            for problem in (*problems, model.Problem(source="notes", message="is odd", hint="Read it.", fatal=False)):
                report.warn(problem)
        shown[verbose] = capsys.readouterr().err.splitlines()
    left = "episodes/set-3, episodes/set-4, episodes/set-5"
    assert len(shown[True]) == 20
    assert shown[False][4] == "Warning: episodes/set-2: is loud."
    assert shown[False][6:] == [
        "Warning: notes: is odd.",
        "  Read it.",
        f"Warning: episodes: and 6 more warnings with the same advice ({left} and others); --verbose shows each.",
        "  Listen to it.",
    ]


def spawn(folder: Path, *arguments: str, **options: object) -> "subprocess.Popen[str]":
    """Start the program in a process of its own."""
    return subprocess.Popen(
        [*PROGRAM, "-C", str(folder), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
        **options,  # type: ignore[call-overload]
    )


def test_from_an_empty_folder_to_a_published_episode(session: Session) -> None:
    """init, ingest, build, review, publish: the whole way, with nothing but the files a person would write."""
    root = session.folder
    assert session("init") == 0
    studio.empty_workspace(root / "art")
    shutil.copy(root / "art/artwork.png", root / "artwork.png")
    shutil.rmtree(root / "art")
    config = root / "cln_media.toml"
    config.write_text(re.sub(r"(?m)^# (\[\[regions\]\]|id = .*|name = \"North West\")$", r"\1", config.read_text()))
    studio.recording(root / "Zoom Recording (1).WAV")
    arguments = ["--title", "Waiting times", "--region", "north-west", "--set", "Set 4", "--recorded", "2026-09-15"]
    assert session("ingest", str(root / "Zoom Recording (1).WAV"), *arguments) == 0, session.err
    assert "episodes/waiting-times/notes.md" in session.out
    assert session("build") == 0, session.err
    assert "1 episode: 1 mastered" in session.out
    assert session("status") == 0
    assert "a publication date" in session.out
    folder = root / "episodes/waiting-times"
    text = (folder / "episode.toml").read_text()
    text = re.sub(r"(?m)^# published = \S+", f"published = {studio.PUBLISHED}", text)
    text = re.sub(r"(?m)^# (\[consent\]|room = .*|reference = .*)$", r"\1", text)
    (folder / "episode.toml").write_text(re.sub(r"(?m)^# summary = …$", 'summary = "What helped."', text))
    assert session("publish", "--yes") == 1
    assert "notes.md: is still the draft" in session.err
    assert "transcript.vtt: is missing" in session.err
    notes = folder / "notes.md"
    notes.write_text("\n".join(notes.read_text().splitlines()[1:]))
    (folder / "transcript.vtt").write_text(
        studio.TRANSCRIPT.replace("<v Chair>", "").replace("<v GP, Greater Manchester>", "")
    )
    assert session("publish", "--yes") == 1
    assert "as comms, it is not signed" in session.err
    assert not (root / "public").exists()
    assert session("sign-off", "waiting-times", "--as", "comms", "--by", "Communications officer") == 0, session.err
    assert session("sign-off", "waiting-times", "--as", "caldicott", "--by", "Caldicott guardian") == 0, session.err
    assert "It may leave" in session.out
    assert session("publish", "--yes") == 0, session.err
    assert "Feed: http://localhost:8321/feed.xml" in session.out
    assert (root / "public/feed.xml").is_file()
    assert session("status") == 0
    assert "published" in session.out
    assert session("publish", "--yes") == 0
    assert "Nothing changed" in session.out


def test_the_same_recording_is_refused(ready: Session) -> None:
    """Ingesting a recording that is there already names the episode that has it."""
    copy = ready.folder / "copy.wav"
    shutil.copy(ready.folder / "episodes/waiting-times/recording.wav", copy)
    assert ready("ingest", str(copy), "--title", "Another") == 1
    assert "is already the recording of the episode waiting-times" in ready.err
    assert [path.name for path in (ready.folder / "episodes").iterdir()] == ["waiting-times"]


ZOOM = """WEBVTT\r
\r
1\r
00:00:01.000 --> 00:00:02.000\r
Chair: Shall we start?\r
\r
2\r
00:00:02,000 --> 00:00:03.000\r
GP: Yes.\r
\r
3\r
00:00:03.000 --> 00:00:04.000\r
Chair: Good.\r
\r
4\r
00:00:04.000 --> 00:00:04.500\r
GP: Indeed.\r
"""


def test_a_transcript_beside_the_recording_is_taken_along(ready: Session) -> None:
    """Zoom's transcript becomes a marked draft and keeps its original; what was put right and whom it names is said."""
    studio.recording(ready.folder / "in/GMT20240101_Recording.wav", 5, seed=30)
    beside = ready.folder / "in/GMT20240101_Recording.transcript.vtt"
    beside.write_bytes(ZOOM.encode())
    arguments = ("ingest", str(ready.folder / "in/GMT20240101_Recording.wav"), "--slug")
    assert ready(*arguments, "zoomed", "--title", "Zoomed") == 0, ready.err
    assert "Took GMT20240101_Recording.transcript.vtt" in ready.out
    assert "transcript.vtt, line 8: the times have a comma where a point belongs" in ready.out
    assert "It names who speaks (Chair; GP): a name is published only with its owner's consent" in ready.out
    folder = ready.folder / "episodes/zoomed"
    text = (folder / "transcript.vtt").read_text(encoding="utf-8")
    mark = model.DRAFT_MARKS[model.Part.TRANSCRIPT]
    assert text.startswith(f"WEBVTT\n\n{mark}\n\n00:00:01.000 --> 00:00:02.000\n<v Chair>Shall we start?</v>\n")
    assert (folder / "drafts/transcript.vtt").read_text(encoding="utf-8") == text
    assert (folder / "drafts/brought-gmt20240101-recording-transcript.vtt").read_bytes() == beside.read_bytes()
    assert ready("check") == 0, ready.err
    assert 'transcript.vtt: has words of "GP", who is not in episode.toml' in ready.err


def test_a_transcript_without_times_waits_for_the_build(ready: Session) -> None:
    """A text of who said what is kept as transcript.txt, and the person is told what gives it times."""
    studio.recording(ready.folder / "in/Meeting.wav", 5, seed=31)
    (ready.folder / "in/Meeting.txt").write_text("Chair: Hello.\n\nGP: Yes.\n", encoding="utf-16")
    assert ready("ingest", str(ready.folder / "in/Meeting.wav"), "--slug", "typed") == 0, ready.err
    assert "as episodes/typed/transcript.txt: it has no times" in ready.out
    assert "  Meeting.txt, line 1: the file is in UTF-16" in ready.out
    folder = ready.folder / "episodes/typed"
    assert (folder / "transcript.txt").read_text(encoding="utf-8") == "Chair: Hello.\n\nGP: Yes.\n"
    assert not (folder / "transcript.vtt").exists()


def test_a_transcript_that_cannot_be_used_keeps_no_recording_out(ready: Session) -> None:
    """A broken transcript is a warning with its line, the next best form is taken; --no-transcript takes none."""
    recording = studio.recording(ready.folder / "in/Meeting.wav", 5, seed=32)
    recording.with_suffix(".vtt").write_text("WEBVTT\n\n00:01.000 --> 00:02.000\na\n\nlost words\n")
    assert ready("ingest", str(recording), "--slug", "broken") == 0, ready.err
    assert "Warning: Meeting.vtt: cannot be used: line 6: words without a time line" in ready.err
    assert "The recording was added without it." in ready.err
    assert [path.name for path in (ready.folder / "episodes/broken").iterdir() if "transcript" in path.name] == []
    recording = studio.recording(ready.folder / "in/Meeting.wav", 5, seed=33)
    recording.with_suffix(".srt").write_text("1\n00:00:01,000 --> 00:00:02,000\na\n")
    assert ready("ingest", str(recording), "--slug", "second") == 0, ready.err
    assert "lost words" not in ready.out
    assert "Took Meeting.srt" in ready.out
    recording = studio.recording(ready.folder / "in/Meeting.wav", 5, seed=34)
    assert ready("ingest", str(recording), "--slug", "none", "--no-transcript") == 0, ready.err
    assert "Took" not in ready.out
    assert ready.err == ""


def test_parts_are_joined_in_order(ready: Session) -> None:
    """Three parts of a recorder make one episode as long as all of them."""
    parts = [str(studio.recording(ready.folder / f"part{number}.wav", 2, seed=number + 10)) for number in range(3)]
    assert ready("ingest", *parts, "--slug", "joined", "--move") == 0, ready.err
    assert ready("build", "joined") == 0, ready.err
    assert not Path(parts[0]).exists()
    assert ready("status", "--json") == 0
    rows = {row["slug"]: row for row in json.loads(ready.out)}
    assert abs(rows["joined"]["duration_ms"] - 6000) <= 1


def test_status_gives_both_loudness_figures(ready: Session) -> None:
    """A mono episode's loudness is given as played and as one channel reads, 3 dB apart."""
    assert ready("build") == 0, ready.err
    assert ready("status", "--json") == 0
    (row,) = json.loads(ready.out)
    assert abs(row["loudness_as_played_lufs"] + 16) <= 0.5
    assert row["loudness_as_played_lufs"] - row["loudness_per_channel_lufs"] == pytest.approx(3.01, abs=0.011)
    assert row["true_peak_dbtp"] <= -1.0
    assert row["state"] == "built"


WRONG_USAGE = {
    "no command": [],
    "unknown command": ["biuld"],
    "unknown option": ["build", "--fast"],
    "no recording": ["ingest"],
    "not a date": ["ingest", "x.wav", "--recorded", "yesterday"],
    "not a number": ["ingest", "x.wav", "--season", "first"],
    "no such folder": ["-C", "/nowhere/at/all", "build"],
    "port": ["preview", "--port", "0"],
}


@pytest.mark.parametrize("arguments", WRONG_USAGE.values(), ids=WRONG_USAGE.keys())
def test_wrong_usage_is_exit_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage says what would be right, and exits with 2."""
    assert cli.run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out + captured.err


def test_a_members_episode_waits_for_publish(ready: Session) -> None:
    """An episode for members has no public page: its row does not ask for a build that was done."""
    studio.add_episode(ready.folder, "private", seed=6, extra='visibility = "members"')
    assert ready("build") == 0, ready.err
    assert ready("status", "--json") == 0
    rows = {row["slug"]: row["waits_for"] for row in json.loads(ready.out)}
    assert rows == {
        "waiting-times": "cln-media publish",
        "private": "cln-media publish, which brings it to the members",
    }


def test_a_template_with_nearly_the_right_name_is_told_of(ready: Session) -> None:
    """It replaces nothing: `check` names the one that may be meant; others may be included, and are nobody's matter."""
    (ready.folder / "templates").mkdir(exist_ok=True)
    (ready.folder / "templates/Episode.html.jinja").write_text("x")
    (ready.folder / "templates/our-logo.svg").write_text("x")
    assert ready("check") == 0
    assert "templates/Episode.html.jinja: replaces no template." in ready.err
    assert "Call it episode.html.jinja" in ready.err
    assert "our-logo" not in ready.err


def test_templates_that_cannot_be_read_are_told_of(ready: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without rights is one sentence; so it is under any user, as the system's answer stands in here."""

    def refused(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    (ready.folder / "templates").mkdir(exist_ok=True)
    monkeypatch.setattr(pages, "strangers", refused)
    assert ready("check") == 0
    assert "templates: cannot be read: Permission denied." in ready.err


def test_publish_asks_when_it_can_and_says_so_when_it_cannot(ready: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --yes and without a terminal, publish refuses and sends nothing; --dry-run needs no answer."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert ready("publish") == 2
    assert "add --yes" in ready.err
    assert not (ready.folder / "public").exists()
    assert ready("publish", "--dry-run") == 2
    assert "feed.xml" in ready.out or "more (--verbose" in ready.out
    assert not (ready.folder / "public/feed.xml").exists()


@pytest.mark.parametrize(("answer", "code"), [("n", 1), ("y", 0)])
def test_publish_asks_on_a_terminal(ready: Session, answer: str, code: int) -> None:
    """On a terminal the plan is shown and the answer decides; no is not an interruption."""
    main, side = pty.openpty()
    ran = subprocess.Popen([*PROGRAM, "-C", str(ready.folder), "publish"], stdin=side, stdout=side, stderr=side)
    os.close(side)
    shown = b""
    while b"Publish this?" not in shown:
        shown += os.read(main, 4096)
    os.write(main, answer.encode() + b"\n")
    with contextlib.suppress(OSError):  # the terminal closes with the program
        while data := os.read(main, 4096):
            shown += data
    os.close(main)
    assert ran.wait(timeout=60) == code
    assert (b"Nothing was published." in shown) is (answer == "n")
    assert b"Mastering  [####" in shown
    assert (ready.folder / "public/feed.xml").exists() is (answer == "y")


def test_publish_as_json(ready: Session) -> None:
    """The plan as JSON names each file, why it goes up, and its headers; nothing else is on stdout."""
    assert ready("publish", "--dry-run", "--json") == 2, ready.err
    plan = json.loads(ready.out)
    assert {put["reason"] for put in plan["puts"]} == {"new"}
    assert plan["bytes"] == sum(put["bytes"] for put in plan["puts"])
    assert plan["requests"] >= sum(put["requests"] for put in plan["puts"])
    assert plan["puts"][-1]["key"].endswith(".xml")
    assert plan["deletes"] == []


def test_what_is_gone_from_the_site_is_removed_but_never_sound(ready: Session) -> None:
    """An episode taken back loses its pages and its place in the feed; its sound stays for apps still fetching it."""
    assert ready("publish", "--yes") == 0, ready.err
    path = ready.folder / "episodes/waiting-times/episode.toml"
    path.write_text(path.read_text().replace(f"published = {studio.PUBLISHED}\n", ""))
    assert ready("publish", "--yes") == 0, ready.err
    public = ready.folder / "public"
    assert not (public / "episodes/waiting-times").exists()
    assert list((public / "media").glob("waiting-times-*.mp3"))
    assert b"waiting-times" not in (public / "feed.xml").read_bytes()
    assert "the page /episodes/waiting-times/ goes" in ready.err
    assert "Still served, though no page names it: 1 file of sound" in ready.out
    assert b"media/waiting-times" in gzip.decompress((public / "_pub/ledger.json.gz").read_bytes())
    assert ready("--verbose", "publish", "--yes") == 0, ready.err
    assert "Nothing changed" in ready.out
    assert "https://podcast.cln.example/media/waiting-times-" in ready.out


def test_check_as_json(ready: Session) -> None:
    """Check --json gives every problem as a value, and exit 1 where one is fatal."""
    (ready.folder / "episodes/waiting-times/transcript.vtt").unlink()
    assert ready("check", "--json") == 1
    (problem,) = json.loads(ready.out)
    assert problem["source"] == "episodes/waiting-times/transcript.vtt"
    assert problem["fatal"] is True


def test_check_of_an_unknown_episode(ready: Session) -> None:
    """A mistyped slug is answered with the right one."""
    for command in ("check", "build"):
        assert ready(command, "waiting-time") == 1
        assert 'there is no episode "waiting-time"' in ready.err
        assert "Did you mean waiting-times?" in ready.err


def test_doctor_says_what_works(ready: Session) -> None:
    """Doctor names ffmpeg with its version, the encoders and the storage, and leaves nothing behind."""
    assert ready("doctor") == 0, ready.out
    assert re.search(r"ffmpeg +works", ready.out)
    assert "libmp3lame" in ready.out
    assert re.search(r"storage +works", ready.out)
    assert [path for path in (ready.folder / "public").rglob("*") if path.is_file()] == []


def test_doctor_finds_a_broken_ffmpeg(ready: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ffmpeg that is not there fails, with what to do, and exit 1."""
    monkeypatch.setenv("CLN_MEDIA_FFMPEG", str(ready.folder / "no-such-ffmpeg"))
    assert ready("doctor") == 1
    assert re.search(r"ffmpeg +fails", ready.out)


def test_quiet_and_verbose(ready: Session) -> None:
    """--quiet prints nothing when all is well; --verbose names every file of a plan."""
    assert ready("--quiet", "build") == 0
    assert (ready.out, ready.err) == ("", "")
    assert ready("--verbose", "publish", "--dry-run") == 2
    assert "more (--verbose" not in ready.out


BAD_RECORDINGS: dict[str, tuple[Callable[[Path], object], str]] = {
    "text": (lambda path: path.write_text("This is a letter, not sound."), "not"),
    "empty": (lambda path: path.write_bytes(b""), "empty"),
    "playlist": (lambda path: path.write_text("#EXTM3U\n#EXTINF:1,\n/etc/passwd\n"), ""),
    "network playlist": (lambda path: path.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/x.ts\n"), ""),
    "concat script": (lambda path: path.write_text("ffconcat version 1.0\nfile /etc/hostname\n"), ""),
    "folder": (lambda path: path.mkdir(), "folder"),
    "missing": (lambda _path: None, ""),
}


@pytest.mark.parametrize(("make", "word"), BAD_RECORDINGS.values(), ids=BAD_RECORDINGS.keys())
def test_what_is_not_a_recording_is_refused(ready: Session, make: Callable[[Path], object], word: str) -> None:
    """Whatever is not sound is refused at once: one sentence with the file's name and a hint, exit 1, nothing added."""
    path = ready.folder / "meeting.wav"
    make(path)
    assert ready("ingest", str(path), "--title", "Bad") == 1
    assert "meeting.wav: " in ready.err
    assert word in ready.err
    assert "Hint: " in ready.err
    assert [entry.name for entry in (ready.folder / "episodes").iterdir()] == ["waiting-times"]


@pytest.mark.parametrize(
    ("sound", "sentence"),
    [
        (np.zeros(5 * studio.RATE_HZ), "silent"),
        (studio.speech_like(0.2), "0.2 s"),
        (np.full(5 * studio.RATE_HZ, 0.3), "silent"),
    ],
    ids=["silence", "0.2 s", "DC only"],
)
def test_what_cannot_be_mastered_is_named(ready: Session, sound: np.ndarray, sentence: str) -> None:
    """Silence, a blip and a constant are named by file, with exit 1, and no other episode suffers."""
    studio.write_wav(ready.folder / "bad.wav", sound)
    code = ready("ingest", str(ready.folder / "bad.wav"), "--slug", "bad")
    code = code or ready("build")
    assert code == 1
    assert sentence in ready.err
    assert "bad" in ready.err


def test_a_truncated_recording_is_named(ready: Session) -> None:
    """A WAV that ends before its header says so is refused, with how much of it there is."""
    whole = studio.recording(ready.folder / "whole.wav", 8, seed=9)
    cut = ready.folder / "cut.wav"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    code = ready("ingest", str(cut), "--slug", "cut")
    code = code or ready("build")
    assert code == 1
    assert "copy" in ready.err.lower()


@pytest.mark.parametrize(
    "name", ['it\'s a "test" & more.wav', "new\nline.wav", "日本 é 😀.wav", "-dash.wav", "$(touch x).wav"]
)
def test_any_file_name_works(ready: Session, name: str) -> None:
    """Spaces, quotes, newlines, other alphabets and shell characters in a file name do no harm."""
    path = studio.recording(ready.folder / name, 3, seed=8)
    assert ready("ingest", "--slug", "named", "--", str(path)) == 0, ready.err
    assert ready("build", "named") == 0, ready.err
    assert not (ready.folder / "x").exists()


def test_a_workspace_in_an_odd_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A workspace whose own path has spaces, quotes, a newline and non-ASCII builds and publishes like any other."""
    root = studio.workspace(tmp_path / "NHS 'North\nWest' ünit %20", "one")
    session = Session(root, capsys)
    assert session("publish", "--yes") == 0, session.err
    assert (root / "public/feed.xml").is_file()


def test_a_link_out_of_the_workspace_stops_the_build(ready: Session) -> None:
    """A source that is a link to a place outside is refused by name."""
    path = ready.folder / "episodes/waiting-times/recording.wav"
    outside = ready.folder.parent / f"{ready.folder.name}-outside.wav"
    path.rename(outside)
    path.symlink_to(outside)
    assert ready("build") == 1
    assert "recording.wav: is a link to a place outside the workspace" in ready.err


def test_a_full_disk_loses_nothing(ready: Session) -> None:
    """A disk that fills up while mastering ends in one sentence; with room again, the same command finishes."""

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    ran = spawn(ready.folder, "build", preexec_fn=small_files)
    _, err = ran.communicate(timeout=120)
    assert ran.returncode == 1, err
    assert "Traceback" not in err
    assert "Error: " in err
    assert ready("build") == 0, ready.err


@pytest.fixture(scope="module")
def long_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose mastering takes some seconds: long enough to be interrupted in the middle."""
    root = studio.workspace(tmp_path_factory.mktemp("long") / "w", "one", "two")
    folder = root / "episodes/two"
    with wave.open(str(folder / "recording.wav"), "rb") as file:
        frames = file.readframes(file.getnframes())
    with wave.open(str(folder / "recording.wav"), "wb") as file:
        file.setparams((1, 2, studio.RATE_HZ, 0, "NONE", ""))
        file.writeframes(frames * 60)
    studio.note_sha256(folder)
    return root


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_an_interrupted_build_goes_on(
    long_workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], ending: signal.Signals
) -> None:
    """Interrupted while mastering, a build leaves no half file behind, and the same command ends in the same bytes."""
    root = studio.copy_workspace(long_workspace, tmp_path / "w")
    ran = spawn(root, "build", start_new_session=True)
    _wait_until(lambda: any((root / ".cache").glob("work-*/*")), ran)
    time.sleep(0.3)
    ran.send_signal(ending)
    out, err = ran.communicate(timeout=30)
    assert ran.returncode == (130 if ending is signal.SIGINT else -signal.SIGKILL), out + err
    if ending is signal.SIGINT:
        assert "Interrupted." in err
        assert "Traceback" not in err
    assert not (root / "site/feed.xml").exists()
    _wait_until(lambda: not _children(ran.pid), None)
    session = Session(root, capsys)
    assert session("build") == 0, session.err
    assert not list((root / ".cache").glob("work-*"))
    reference = studio.copy_workspace(long_workspace, tmp_path / "reference")
    assert Session(reference, capsys)("build") == 0
    assert files(root / "site") == files(reference / "site")


def _wait_until(condition: Callable[[], bool], ran: "subprocess.Popen[str] | None", seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        assert ran is None or ran.poll() is None, ran.communicate()
        time.sleep(0.02)


def _children(session_id: int) -> list[str]:
    listed = subprocess.run(
        ["ps", "-o", "pid=,comm=", "-g", str(session_id)], capture_output=True, text=True, check=False
    )
    return [line for line in listed.stdout.splitlines() if "defunct" not in line]


def test_a_typo_in_the_settings(ready: Session) -> None:
    """A mistyped key is answered with the right one, by every command that reads settings."""
    config = ready.folder / "cln_media.toml"
    config.write_text(config.read_text().replace("author =", "auhtor ="))
    for arguments in (["build"], ["check"], ["status"], ["publish", "--yes"], ["ingest", "x.wav"], ["preview"]):
        assert ready(*arguments) == 1, arguments
        assert "does not know the key show.auhtor" in ready.err, arguments
        assert "Did you mean author?" in ready.err
    assert not (ready.folder / "site").exists()


def test_duplicates_stop_the_build(ready: Session) -> None:
    """Two episodes with one slug, or one GUID, are both named."""
    other = ready.folder / "episodes/other"
    studio.add_episode(ready.folder, "other", seed=7, extra='slug = "waiting-times"')
    assert ready("build") == 1
    assert 'the slug "waiting-times" is also that of episodes/' in ready.err
    text = (other / "episode.toml").read_text()
    text = text.replace('slug = "waiting-times"\n', "").replace("urn:test:other", "urn:test:waiting-times")
    (other / "episode.toml").write_text(text)
    assert ready("build") == 1
    assert 'the guid "urn:test:waiting-times" is also that of episodes/' in ready.err


def test_no_episodes_at_all(session: Session) -> None:
    """A workspace without episodes builds an empty site and feed that are valid."""
    studio.empty_workspace(session.folder)
    assert session("build") == 0, session.err
    assert session("status") == 0
    assert (session.folder / "site/index.html").is_file()


def test_control_characters_do_not_reach_the_terminal(ready: Session) -> None:
    """A title with escape sequences cannot move the cursor of whoever runs status."""
    path = ready.folder / "episodes/waiting-times/episode.toml"
    path.write_text(path.read_text().replace('region = "north-west"', r'region = "\u001b[2Jnorth"'))
    assert ready("check") == 1
    assert "\x1b" not in ready.err


def test_init_refuses_a_second_time(session: Session) -> None:
    """Init never overwrites a workspace."""
    assert session("init", "mine") == 0
    before = files(session.folder / "mine")
    assert session("init", "mine") == 1
    assert files(session.folder / "mine") == before


def test_a_wheel_works_without_a_checkout(tmp_path: Path) -> None:
    """Built as a wheel and unpacked elsewhere, the program makes a workspace and finds its templates and styles."""
    root = Path(__file__).parents[1]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(root)],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("cln_media-*.whl")
    shutil.unpack_archive(wheel, tmp_path / "installed", "zip")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed"), "PYTHONSAFEPATH": "1"}
    studio.workspace(tmp_path / "w", "one")

    def run(*arguments: str) -> str:
        ran = subprocess.run(
            [*PROGRAM, *arguments], check=False, capture_output=True, text=True, cwd=tmp_path, env=environment
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    run("init", "new")
    assert str(tmp_path / "installed") in run("doctor")
    run("-C", "w", "build")
    assert list((tmp_path / "w/site/assets").glob("nhsuk-*.css"))


def test_status_shows_an_episode_that_cannot_be_read(ready: Session) -> None:
    """An episode whose notes are no UTF-8 stays in the table, with the file to mend."""
    (ready.folder / "episodes/waiting-times/notes.md").write_bytes(b"The team\x92s notes\n")
    assert ready("status", "--json") == 0
    row = next(row for row in json.loads(ready.out) if row["slug"] == "waiting-times")
    assert row["state"] == "unreadable"
    assert row["waits_for"].startswith("notes.md: is not UTF-8 text")


@pytest.mark.parametrize("command", ["status", "check", "build"])
def test_episodes_that_is_a_file(session: Session, command: str) -> None:
    """A file named episodes is told as such by every command."""
    studio.empty_workspace(session.folder)
    if (session.folder / "episodes").is_dir():
        (session.folder / "episodes").rmdir()
    (session.folder / "episodes").write_text("")
    assert session(command) == 1
    assert "Error: episodes: is a file, not a folder." in session.err


def test_an_output_that_is_full(ready: Session) -> None:
    """An answer written to a full disk ends in a sentence, not a traceback."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [*PROGRAM, "-C", str(ready.folder), "status"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=Path(__file__).parents[1],
        )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: the output: cannot be written: No space left on device.")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("door", [["-m", "pipeline"], ["-c", "from pipeline.__main__ import main; main()"]])
def test_the_program_has_one_door(door: list[str]) -> None:
    """`python -m pipeline` and the installed command are the same program."""
    ran = subprocess.run(
        [sys.executable, *door, "--version"],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert ran.stdout.startswith("cln-media, version ")
