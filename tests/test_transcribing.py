"""A recording to transcript.vtt: interrupted, drafted again, corrected by a person meanwhile."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from pipeline import words, workspace
from pipeline.build import transcribing
from pipeline.build.survey import READERS
from pipeline.cache import Cache
from pipeline.errors import WordsError
from pipeline.model import DRAFT_MARKS, Episode, Part, Show, Transcript
from pipeline.workspace import Workspace
from tests import studio
from tests.test_build import Heard

ROOT = Path(__file__).parents[1]
MARK = DRAFT_MARKS[Part.TRANSCRIPT]
PIECE_S = 6.0  # so short only here, where a recording lasts a third of a minute
SAID = (
    "Welcome to the learning set of this month.",
    "Patients wait for a very long time before anybody tells them what happens next.",
    "The clinic changed the letter, and fewer appointments were missed.",
    "We asked the general practitioners what they need from the hospital.",
    "Everybody agreed to meet again in the spring.",
)
ALONE = """
import sys
from pathlib import Path
from tests import test_transcribing as ours
ours.transcribing.PIECE_S = ours.PIECE_S
ours.draft(Path(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with an episode that has a short recording and no transcript."""
    root = studio.workspace(tmp_path_factory.mktemp("recorded") / "work", "spoken")
    folder = root / "episodes/spoken"
    (folder / "transcript.vtt").unlink()
    studio.speak(folder / "recording.wav", " ".join(SAID))
    studio.note_sha256(folder)
    config = root / "cln_media.toml"
    config.write_text(config.read_text() + f'\n[speech]\nmodel = "{studio.speech_model()}"\n')
    return root


@pytest.fixture(scope="module")
def drafted(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same workspace, drafted once."""
    root = studio.copy_workspace(recorded, tmp_path_factory.mktemp("drafted") / "work")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transcribing, "PIECE_S", PIECE_S)
        assert draft(root)
    return root


@pytest.fixture(autouse=True)
def short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a short recording have several pieces."""
    monkeypatch.setattr(transcribing, "PIECE_S", PIECE_S)


def read(root: Path) -> tuple[Show, Episode]:
    """Read the settings and the episode."""
    where = Workspace(root=root)
    show, _ = workspace.read_show(where)
    assert show is not None
    episode, problems = workspace.read_episode(where, show, READERS, root / "episodes/spoken")
    assert episode is not None, problems
    return show, episode


def draft(root: Path, *, again: bool = False, report: Heard | None = None) -> bool:
    """Draft the transcript of the episode."""
    with closing(Cache(root / ".cache")) as cache:
        return transcribing.draft(cache, *read(root), report or Heard(), again=again)


def transcript(root: Path) -> Path:
    """Name the file that a person corrects."""
    return root / "episodes/spoken/transcript.vtt"


def pieces(root: Path) -> dict[str, tuple[int, int]]:
    """Stamp the pieces that were heard."""
    found = (root / ".cache").glob("heard-pieces/*.json")
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def test_a_draft_is_marked_kept_and_says_what_was_heard(drafted: Path) -> None:
    """The person's file and the kept one are the same; heard.json has every word of the cues with its time."""
    folder = drafted / "episodes/spoken"
    assert transcript(drafted).read_text().startswith(f"WEBVTT\n\n{MARK}\n\n")
    assert transcript(drafted).read_bytes() == (folder / "drafts/transcript.vtt").read_bytes()
    heard = words.read_heard((folder / "drafts/heard.json").read_bytes(), source=folder)
    cues = words.read_transcript(transcript(drafted).read_bytes(), source=folder, language="en").cues
    assert "".join(word.text for word in heard).split() == " ".join(cue.text for cue in cues).split()
    assert len(pieces(drafted)) >= 3


def test_whoever_is_killed_goes_on_without_hearing_a_piece_again(recorded: Path, drafted: Path, tmp_path: Path) -> None:
    """Killed outright while it hears, the next run keeps the pieces that were done, and ends as if nothing had been."""
    root = studio.copy_workspace(recorded, tmp_path / "work")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", ALONE, str(root)], cwd=ROOT, env=environment)
    until = time.monotonic() + 120
    while not pieces(root) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = pieces(root)
    assert 0 < len(done) < len(pieces(drafted))
    assert not transcript(root).exists()
    assert draft(root)
    assert {name: stamp for name, stamp in pieces(root).items() if name in done} == done
    assert transcript(root).read_bytes() == transcript(drafted).read_bytes()


def test_drafting_again_without_changes_hears_nothing_and_changes_nothing(drafted: Path, tmp_path: Path) -> None:
    """All pieces are known, so a second draft is the same at once; without `again` nothing is even looked at."""
    root = studio.copy_workspace(drafted, tmp_path / "work")
    before, text = pieces(root), transcript(root).read_bytes()
    report = Heard()
    assert not draft(root, report=report)
    assert report.began == []
    heard = root / "episodes/spoken/drafts/heard.json"
    facts = heard.read_bytes()
    heard.unlink()
    assert not draft(root, again=True, report=report)
    assert report.began == ["Transcribing spoken"]
    assert report.fractions["spoken"] == pytest.approx(1.0, abs=0.01)
    assert (pieces(root), transcript(root).read_bytes(), heard.read_bytes()) == (before, text, facts)


def test_a_review_holds_where_a_new_draft_adds_nothing(drafted: Path, tmp_path: Path) -> None:
    """Chapters and notes can be drafted anew from a corrected transcript, which need not be read once more."""
    root = studio.copy_workspace(drafted, tmp_path / "work")
    text = transcript(root).read_text().replace(f"{MARK}\n\n", "").replace("elcome", "ell come")
    reviewed = b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()
    transcript(root).write_bytes(reviewed)
    assert not draft(root, again=True)
    assert transcript(root).read_bytes() == reviewed


def test_what_was_brought_goes_first_when_it_is_drafted_again(drafted: Path, tmp_path: Path) -> None:
    """What `ingest` found beside the recording names the people: no recogniser takes its place."""
    root = studio.copy_workspace(drafted, tmp_path / "work")
    kept = root / "episodes/spoken/drafts"
    brought = b"WEBVTT\n\n00:00:00.000 --> 00:00:02.500\n<v Chair>Welcome to the set.\n"
    (kept / "brought-meeting.vtt").write_bytes(brought)
    made = words.read_brought(brought, source=kept / "brought-meeting.vtt", language="en")
    assert isinstance(made, Transcript)
    workspace.write_draft(root / "episodes/spoken", "transcript.vtt", words.draft_webvtt(made).decode())
    before = transcript(root).read_bytes()
    report = Heard()
    assert not draft(root, again=True, report=report)
    assert (report.began, transcript(root).read_bytes()) == ([], before)


def test_a_text_of_another_recording_is_told_of_and_what_was_heard_is_drafted(drafted: Path, tmp_path: Path) -> None:
    """A text without times that fits no word of it stops no build: a warning names the file, and the hearing stands."""
    root = studio.copy_workspace(drafted, tmp_path / "work")
    transcript(root).rename(root / "heard.vtt")
    shutil.rmtree(root / "episodes/spoken/drafts")
    other = "\n\n".join(f"Chair: {word} {word}ed {word}ing {word}s" for word in ("bark", "moor", "quilt", "zinc"))
    (root / "episodes/spoken/meeting-transcript.txt").write_text(other)
    report = Heard()
    assert draft(root, report=report)
    assert transcript(root).read_bytes() == (root / "heard.vtt").read_bytes()
    (problem,) = report.warnings
    assert (problem.source, problem.fatal) == ("episodes/spoken/meeting-transcript.txt", False)
    assert "words are heard in the recording" in problem.message


def test_hot_words_are_heard_anew_and_corrections_stay(drafted: Path, tmp_path: Path) -> None:
    """Other likely words make another draft; what a person corrected, also after their review, stays."""
    root = studio.copy_workspace(drafted, tmp_path / "work")
    text = transcript(root).read_text().replace(f"{MARK}\n\n", "")
    first = next(line for line in text.splitlines() if "elcome" in line)
    corrected = text.replace(first, "Welcome, corrected.")
    transcript(root).write_text(corrected)
    config = root / "cln_media.toml"
    config.write_text(
        config.read_text().replace("[speech]", '[speech]\nhot_words = ["General Practitioners"]')
        + '\n[[glossary]]\nterm = "ICB"\nmeaning = "Integrated Care Board"\n'
    )
    assert transcribing.likely_words(read(root)[0]) == ("General Practitioners", "ICB")
    before = pieces(root)
    assert draft(root, again=True)
    after = transcript(root).read_text()
    assert MARK in after
    assert "Welcome, corrected." in after
    assert (root / "episodes/spoken/drafts/previous/transcript-1.vtt").read_text() == corrected
    assert len(pieces(root)) == 2 * len(before)
    assert (root / "episodes/spoken/drafts/transcript.vtt").read_text() != after


def test_a_transcript_that_no_machine_drafted_is_never_touched(drafted: Path, tmp_path: Path) -> None:
    """Without a kept draft, or where the transcript is SubRip, `again` changes nothing."""
    root = studio.copy_workspace(drafted, tmp_path / "work")
    shutil.rmtree(root / "episodes/spoken/drafts")
    text = transcript(root).read_bytes()
    assert not draft(root, again=True)
    transcript(root).rename(transcript(root).with_suffix(".srt"))
    assert not draft(root, again=True)
    assert transcript(root).with_suffix(".srt").read_bytes() == text


def test_a_corrected_transcript_that_cannot_be_read_is_left_alone(drafted: Path, tmp_path: Path) -> None:
    """A slip in the person's file is named by its line, and nothing is written."""
    root = studio.copy_workspace(drafted, tmp_path / "work")
    broken = transcript(root).read_text().replace(" --> ", " until ", 1)
    show, episode = read(root)
    transcript(root).write_text(broken)
    with closing(Cache(root / ".cache")) as cache, pytest.raises(WordsError, match=r"line \d+"):
        transcribing.draft(cache, show, episode, Heard(), again=True)
    assert transcript(root).read_text() == broken
