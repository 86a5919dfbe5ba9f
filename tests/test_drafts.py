"""Drafts in a workspace: what is written when, what is never written over, who says that a machine did."""

import codecs
import json
import os
import shlex
import shutil
import sys
import time
import wave
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import feed, pages, words
from pipeline.build import asking
from pipeline.build.drafts import Drafting
from pipeline.build.survey import READERS, Survey, survey
from pipeline.cache import Cache
from pipeline.cli import run
from pipeline.errors import MediaError
from pipeline.model import DRAFT_MARKS, DraftState, Episode, Part, Show, Term, Transcript
from pipeline.workspace import Workspace, draft_state, drafting, read_episode, read_show
from pipeline.workspace.keys import SIGNED_PARTS
from tests import samples, studio
from tests.test_build import Heard, release

NOW = datetime(2026, 11, 1, tzinfo=UTC)
NOTES_MARK, CHAPTERS_MARK = DRAFT_MARKS[Part.NOTES], DRAFT_MARKS[Part.CHAPTERS]
TALK = words.webvtt(Transcript(language="en-GB", cues=samples.talk(), origin="transcript.vtt"))
LATER = "2027-03-01T07:00:00Z"


class Desk:
    """A workspace with one episode, "alpha", of ten minutes, whose notes and chapters are not written yet."""

    def __init__(self, root: Path, *, published: str | None = None, extra: str = "") -> None:
        self.root = studio.empty_workspace(root)
        self.folder = studio.add_episode(root, "alpha", published=published, extra=extra)
        with wave.open(str(self.folder / "recording.wav"), "wb") as file:
            file.setparams((1, 1, 8_000, 0, "NONE", ""))
            file.writeframes(b"\x80" * 8_000 * 600)
        studio.note_sha256(self.folder)
        self.transcript = self.folder / "transcript.vtt"
        self.notes, self.chapters = self.folder / "notes.md", self.folder / "chapters.toml"
        self.transcript.write_bytes(TALK)
        for path in (self.notes, self.chapters):
            path.unlink()
        self.report = Heard()

    def survey(self, *slugs: str) -> Survey:
        """Survey it as a build does, which drafts what is missing."""
        where, cache = Workspace(root=self.root), Cache(self.root / ".cache")
        drafting = Drafting(where, cache, self.report, now=NOW, slugs=slugs)
        found = survey(where, cache, now=NOW, prepare=drafting.missing)
        cache.close()
        return found

    def again(self) -> list[str]:
        """Draft all of it anew; return what became of each part."""
        where, cache = Workspace(root=self.root), Cache(self.root / ".cache")
        drafting = Drafting(where, cache, self.report, now=NOW)
        drafting.asked_for(*self.read(), again=True)
        cache.close()
        return [f"{each.part}: {each.done}" for _, each in drafting.drafted]

    def read(self) -> tuple[Show, Episode]:
        """Read the show and the episode as they stand."""
        show, _ = read_show(Workspace(root=self.root))
        assert show is not None
        episode, problems = read_episode(Workspace(root=self.root), show, READERS, self.folder)
        assert episode is not None, problems
        return show, episode

    def configure(self, toml: str) -> None:
        """Add settings."""
        path = self.root / "cln_media.toml"
        path.write_text(path.read_text() + toml)

    def states(self) -> dict[Part, DraftState]:
        """Say how far each part is."""
        return dict(self.read()[1].drafts)

    def kept(self, name: str) -> str:
        """Read what is kept of a draft."""
        return (self.folder / "drafts" / name).read_text()


def test_a_build_drafts_chapters_and_notes_of_a_transcript(tmp_path: Path) -> None:
    """Both are written with their marks and kept beside; the next build leaves them alone; check warns of each."""
    desk = Desk(tmp_path)
    desk.configure('\n[[glossary]]\nterm = "rota"\nmeaning = "who works when"\n')
    found = desk.survey()
    assert desk.states() == {
        Part.TRANSCRIPT: DraftState.REVIEWED,
        Part.CHAPTERS: DraftState.DRAFTED,
        Part.NOTES: DraftState.DRAFTED,
    }
    assert found.episodes[0].drafts == desk.states()
    assert desk.chapters.read_text().splitlines()[0] == CHAPTERS_MARK
    assert "about four in ten" in desk.chapters.read_text()
    assert [c.start_ms for c in found.episodes[0].chapters] == [c.start_ms for c in desk.read()[1].chapters]
    notes = desk.notes.read_text()
    assert notes.splitlines()[0] == NOTES_MARK
    for line in (
        "Length: 10 minutes",
        "- rota: who works when",
        "### Three things we learned",
        "> GP, Greater Manchester, ",
    ):
        assert line in notes
    assert "- [0:00](#t=0) " in notes
    unread = [p.source for p in found.problems if "draft made by machine" in p.message and not p.fatal]
    assert unread == ["episodes/alpha/chapters.toml", "episodes/alpha/notes.md"]
    before = {path: path.stat().st_mtime_ns for path in desk.folder.rglob("*")}
    assert not [p for p in desk.survey().problems if p.fatal]
    assert {path: path.stat().st_mtime_ns for path in desk.folder.rglob("*")} == before


@pytest.mark.parametrize("why", ["due", "signed", "disposed", "withdrawn", "taken away"])
def test_no_chapters_appear_where_none_are_wanted(tmp_path: Path, why: str) -> None:
    """What went out, was signed, withdrawn or disposed of gets no chapters, nor does who took a proposal away."""
    extra = "disposed_on = 2026-10-20\n" if why == "disposed" else ""
    desk = Desk(tmp_path, published={"due": studio.PUBLISHED, "signed": LATER}.get(why), extra=extra)
    if why == "signed":
        sign_off = '[[sign_offs]]\nrole = "comms"\nby = "Communications officer"\nat = "2026-10-20T10:00:00Z"\n'
        parts = [f'{name} = "{"0" * 64}"' for name in SIGNED_PARTS]
        (desk.folder / "sign-off.toml").write_text(f"{sign_off}parts = {{ {', '.join(parts)} }}\n")
    if why == "withdrawn":
        (tmp_path / "withdrawals").mkdir()
        facts = 'slug = "alpha"\nguid = "urn:test:alpha"\non = 2026-10-20\nreason = "asked"\nby = "Chair"\n'
        (tmp_path / "withdrawals/alpha.toml").write_text(facts)
    if why == "taken away":
        desk.survey()
        desk.chapters.unlink()
    found = desk.survey()
    assert not desk.chapters.exists()
    assert desk.notes.exists() == (why not in {"disposed", "withdrawn"})
    assert not [problem for problem in found.problems if "does not know" in problem.message]
    if why in {"disposed", "withdrawn"}:
        with pytest.raises(MediaError, match="gets no drafts"):
            desk.again()


def test_a_build_of_some_leaves_the_words_of_others(tmp_path: Path) -> None:
    """With slugs, other episodes are not drafted, unless they are due."""
    desk = Desk(tmp_path)
    desk.survey("beta")
    assert not desk.chapters.exists()
    assert not desk.notes.exists()


@pytest.mark.parametrize("touched", [False, True])
def test_notes_from_before_the_transcript_are_made_anew(tmp_path: Path, touched: bool) -> None:
    """Once there is a transcript, bare notes that nobody touched become full ones; a single change keeps them."""
    desk = Desk(tmp_path)
    desk.transcript.unlink()
    desk.survey()
    bare = desk.notes.read_text()
    assert pages.WITHOUT_WORDS in bare.splitlines()
    assert "Which of these, word for word" not in bare
    if touched:
        desk.notes.write_text(bare + "Ours.\n")
    desk.transcript.write_bytes(TALK)
    desk.survey()
    assert ("Which of these, word for word" in desk.notes.read_text()) == (not touched)
    assert (pages.WITHOUT_WORDS in desk.notes.read_text()) == touched
    assert desk.states()[Part.NOTES] == (DraftState.EDITED if touched else DraftState.DRAFTED)


def test_again_replaces_what_nobody_touched_and_keeps_what_somebody_did(tmp_path: Path) -> None:
    """An untouched part is replaced; of an edited one the edits stay, and the rest follows the new draft."""
    desk = Desk(tmp_path)
    desk.survey()
    assert desk.again() == [f"{part}: as it was: a new draft is the same" for part in ("chapters", "notes")]
    notes = desk.notes.read_text()
    desk.notes.write_text(notes.replace("1. What worked, and where?", "1. The rota worked."))
    toml = desk.folder / "episode.toml"
    toml.write_text(toml.read_text().replace("What we learned.", "What the desk learned."))
    assert desk.again()[1] == "notes: drafted anew, and merged with what was changed by hand"
    merged = desk.notes.read_text()
    assert "1. The rota worked." in merged
    assert "What the desk learned." in merged
    assert "What we learned." not in merged
    assert "1. What worked, and where?" in desk.kept("notes.md")
    assert desk.kept("previous/notes-1.md") == notes.replace("1. What worked, and where?", "1. The rota worked.")
    assert desk.states()[Part.NOTES] is DraftState.EDITED


def test_killed_between_the_two_files_of_a_draft_the_persons_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is killed once a file is written, and what is kept of it is not, leaves a draft that is still to be read."""
    desk, written = Desk(tmp_path), []

    def replaced(path: Path, text: str) -> None:
        if written:
            raise KeyboardInterrupt
        written.append(path)
        path.write_text(text)

    with monkeypatch.context() as patch:
        patch.setattr(drafting, "replace_text", replaced)
        with pytest.raises(KeyboardInterrupt):
            desk.survey()
    assert written == [desk.chapters]
    desk.survey()
    assert desk.states() == {Part.CHAPTERS: DraftState.EDITED, Part.NOTES: DraftState.DRAFTED} | {
        Part.TRANSCRIPT: DraftState.REVIEWED
    }


def test_what_is_cut_or_bleeped_is_not_repeated(tmp_path: Path) -> None:
    """Words that edits take out of the sound stand in no quote, title, key word or summary; the length is without."""
    desk = Desk(tmp_path)
    (desk.root / "summarise.py").write_text("import sys\nprint('Heard:', sys.stdin.read())\n")
    desk.configure(f"\n[notes]\ncommand = {json.dumps([sys.executable, 'summarise.py'])}\n")
    desk.survey()
    for name in ("front desk", "kitchens"):
        assert name in desk.notes.read_text()
    cues = [cue for cue in samples.talk() if "kitchens" in cue.text]
    edits = [("cut", 0, 230_000), *(("bleep", cue.end_ms - 1_000, cue.end_ms - 500) for cue in cues)]
    toml = desk.folder / "episode.toml"
    rows = (f'\n[[edits]]\nstart = {s / 1000}\nend = {e / 1000}\naction = "{what}"\n' for what, s, e in edits)
    toml.write_text(toml.read_text() + "".join(rows))
    desk.again()
    notes = desk.notes.read_text()
    assert "Length: 6 minutes\n" in notes
    for name in ("front desk", "kitchens"):
        assert name not in notes
        assert name not in desk.chapters.read_text().lower()
    assert "discharge letter" in notes


def test_what_was_reviewed_is_to_be_read_again_after_a_merge(tmp_path: Path) -> None:
    """A new draft brings the mark back, so that nothing a machine wrote is published unread."""
    desk = Desk(tmp_path)
    desk.survey()
    desk.notes.write_text(desk.notes.read_text().replace(f"{NOTES_MARK}\n", "").replace("\n", "\r\n"))
    assert desk.states()[Part.NOTES] is DraftState.REVIEWED
    assert desk.again()[1] == "notes: left as it is: there is nothing to add"
    assert desk.states()[Part.NOTES] is DraftState.REVIEWED
    toml = desk.folder / "episode.toml"
    toml.write_text(toml.read_text().replace("What we learned.", "What the desk learned."))
    desk.again()
    assert Part.NOTES in desk.read()[1].unread
    assert "What the desk learned." in desk.notes.read_text()


def test_chapters_are_merged_one_by_one(tmp_path: Path) -> None:
    """A chapter that was renamed stays so, one that was added stays, and what nobody touched follows the new draft."""
    desk = Desk(tmp_path)
    desk.survey()
    first, second, third = desk.read()[1].chapters
    text = desk.chapters.read_text().replace(f'title = "{third.title}"', 'title = "Ours"')
    text += '\n[[chapters]]\nstart = "9:00"\ntitle = "Goodbye"\n'
    desk.chapters.write_text(text.replace(f"{CHAPTERS_MARK}\n", ""))
    desk.transcript.write_bytes(TALK.replace(b"front desk", b"reception").replace(b"telephone", b"switchboard"))
    assert desk.again()[0] == "chapters: drafted anew, and merged with what was changed by hand"
    titles = [chapter.title for chapter in desk.read()[1].chapters]
    assert titles[1:] == [second.title, "Ours", "Goodbye"]
    assert titles[0] != first.title
    assert desk.chapters.read_text().splitlines()[0] == CHAPTERS_MARK


def test_what_somebody_wrote_by_hand_is_left(tmp_path: Path) -> None:
    """Notes and chapters that no machine drafted are neither replaced nor merged."""
    desk = Desk(tmp_path)
    desk.notes.write_text("Our own.\n")
    desk.chapters.write_text('[[chapters]]\nstart = 0\ntitle = "Own"\n')
    assert desk.again() == [f"{part}: left as it is: no machine drafted it" for part in ("chapters", "notes")]
    assert desk.notes.read_text() == "Our own.\n"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("part", list(Part))
def test_a_mark_is_seen_however_an_editor_saves_the_file(tmp_path: Path, part: Part, encoding: str) -> None:
    """Notepad writes byte order marks, UTF-16 and Windows line ends, other editors odd spaces: it is a draft still."""
    path = tmp_path / "file"
    start = codecs.BOM_UTF16_BE if encoding == "utf-16-be" else b""
    for mark in (DRAFT_MARKS[part], DRAFT_MARKS[part].replace(" ", "\u00a0\u200b ").upper()):
        path.write_bytes(start + f"{mark}\r\n\r\nWords\r\n".encode(encoding))
        assert draft_state(path, part) is DraftState.EDITED
        path.write_bytes(start + "Words\r\n".encode(encoding))
        assert draft_state(path, part) is DraftState.REVIEWED


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig"])
def test_what_notepad_saved_is_merged_too(tmp_path: Path, encoding: str) -> None:
    """Chapters in any encoding that is read are also merged with a new draft; what stands behind a mark stays."""
    desk = Desk(tmp_path)
    desk.survey()
    third = desk.read()[1].chapters[2]
    text = desk.chapters.read_text().replace(f'title = "{third.title}"', 'title = "Größe"').replace("\n", "\r\n")
    desk.chapters.write_bytes(text.encode(encoding))
    desk.transcript.write_bytes(TALK.replace(b"front desk", b"reception").replace(b"telephone", b"switchboard"))
    desk.notes.write_text(desk.notes.read_text().replace(NOTES_MARK, f"{NOTES_MARK} Ours, behind it."))
    assert [each.rpartition(", and ")[2] for each in desk.again()] == ["merged with what was changed by hand"] * 2
    assert "Größe" in [chapter.title for chapter in desk.read()[1].chapters]
    assert "Ours, behind it." in desk.notes.read_text()


def test_a_folder_of_drafts_that_cannot_be_used_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file, a link or rubbish in its place stops the drafting, and neither status nor check."""
    desk = Desk(tmp_path / "work")
    desk.survey()
    kept = desk.folder / "drafts"
    (kept / "notes.md").write_bytes(b"\xff\xfe\x00")
    refused = ["is not the text that a machine drafted", "Not a directory", "is a link to another place"]
    for number, sentence in enumerate(refused):
        if number:
            shutil.rmtree(kept) if kept.is_dir() else kept.unlink()
            kept.write_text("x") if number == 1 else kept.symlink_to(tmp_path)
            desk.notes.unlink(missing_ok=True)
        with pytest.raises(MediaError, match=sentence):
            desk.again()
        assert run(["-C", str(desk.root), "status"]) == 0
        assert "Traceback" not in capsys.readouterr().err
    assert not (tmp_path / "chapters.toml").exists()


SUMMARY = "# Summary\nA rota <b>helps</b>.\n\n```\n<!-- never closed\n"


def program(code: str) -> list[str]:
    """Make a command of Python code."""
    return [sys.executable, "-c", code]


def command(code: str) -> str:
    """Write the settings that have notes summarised by Python code."""
    return f"\n[notes]\ncommand = {json.dumps(program(code))}\n"


def test_a_program_may_summarise_and_the_feed_says_so(tmp_path: Path) -> None:
    """It reads roles and words; its answer stands under a heading of its own; editing the notes hides nothing."""
    desk = Desk(tmp_path)
    (desk.root / "summarise.py").write_text(
        "import pathlib, sys\nsys.stdin.reconfigure(encoding='utf-8')\n"
        f"pathlib.Path('heard.txt').write_text(sys.stdin.read(), encoding='utf-8')\nprint({SUMMARY!r})\n"
    )
    desk.configure(f"\n[notes]\ncommand = {json.dumps([sys.executable, 'summarise.py'])}\n")
    assert desk.survey().episodes[0].machine_drafted == ("notes",)
    assert (desk.root / "heard.txt").read_text().startswith("Chair: The front desk books every appointment.")
    notes = desk.notes.read_text()
    assert (
        "### Summary written by a language model: is every sentence of it true?\n\nSummary\nA rota \\<b>helps" in notes
    )
    assert "### Three things we learned" in notes
    assert "Three things we learned</h3>" in words.notes_html(notes)
    desk.notes.write_text("All ours now.\n")
    episode = desk.read()[1]
    assert episode.machine_drafted == ("notes",)
    assert b'<podcast:txt purpose="ai-content">true</podcast:txt>' in feed.render(
        samples.edition(items=(samples.item(machine_drafted=episode.machine_drafted),))
    )
    desk.again()
    assert "notes" in desk.read()[1].machine_drafted


@pytest.mark.parametrize("again", [False, True])
def test_what_somebody_writes_while_a_program_thinks_is_left(tmp_path: Path, again: bool) -> None:
    """A summary takes minutes: notes that were written or corrected meanwhile are not replaced."""
    desk = Desk(tmp_path)
    if again:
        desk.survey()
    path = "episodes/alpha/notes.md"
    desk.configure(command(f"open({path!r}, 'w').write('Ours, just now.'); print('A summary.')"))
    if again:
        assert desk.again()[1] == "notes: left as it is: somebody wrote it meanwhile"
    else:
        desk.survey()
    assert desk.notes.read_text() == "Ours, just now."
    assert desk.read()[1].machine_drafted == ()


def test_a_program_does_not_hear_what_could_identify_a_patient(tmp_path: Path) -> None:
    """A cue with an NHS number is left out of what it reads, until somebody has decided about it."""
    desk = Desk(tmp_path)
    desk.transcript.write_bytes(TALK.replace(b"telephone", b"999 123 4567 telephone", 1))
    (desk.root / "summarise.py").write_text("import sys; open('heard.txt', 'w').write(sys.stdin.read()); print('Yes.')")
    desk.configure(f"\n[notes]\ncommand = {json.dumps([sys.executable, 'summarise.py'])}\n")
    desk.survey()
    heard = (desk.root / "heard.txt").read_text()
    assert "999 123" not in heard
    assert "[removed]" in heard
    assert "telephone" in heard


def test_nothing_is_disclosed_of_an_answer_that_is_gone(tmp_path: Path) -> None:
    """Notes that nobody touched, drafted anew without the program, are no longer said to be a model's."""
    desk = Desk(tmp_path)
    desk.configure(command("print('A summary.')"))
    desk.survey()
    config = desk.root / "cln_media.toml"
    config.write_text(config.read_text().partition("\n[notes]")[0])
    desk.again()
    assert "A summary." not in desk.notes.read_text()
    assert desk.read()[1].machine_drafted == ()


def test_a_program_that_fails_is_a_warning(tmp_path: Path) -> None:
    """The notes are drafted without a summary, and the sentence says why."""
    desk = Desk(tmp_path)
    desk.configure(command("import sys; sys.exit(3)"))
    assert desk.survey().episodes[0].machine_drafted == ()
    (warning,) = desk.report.warnings
    assert not warning.fatal
    assert warning.message == "the notes of alpha were drafted without a summary: the program ended with exit code 3"
    assert "language model" not in desk.notes.read_text()


def test_a_program_that_fails_leaves_the_summary_of_before(tmp_path: Path) -> None:
    """What it answered once stays in the notes, and disclosed."""
    desk = Desk(tmp_path)
    desk.configure(command("print('A summary.')"))
    desk.survey()
    config = desk.root / "cln_media.toml"
    config.write_text(config.read_text().partition("\n[notes]")[0] + command("raise SystemExit(3)"))
    desk.again()
    assert "with the summary of before: the program ended with exit code 3" in desk.report.warnings[-1].message
    assert "A summary." in desk.notes.read_text()
    assert desk.read()[1].machine_drafted == ("notes",)


def test_what_a_program_leaves_behind_does_not_hold_its_answer(tmp_path: Path) -> None:
    """A process that it started and that keeps its output open is ended once the program has."""
    child = "import time; time.sleep(120)"
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}]); print('A summary.')"
    began = time.monotonic()
    assert asking.answer(program(code), "said", folder=tmp_path) == "A summary."
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("what", ["folder", "pipe", "large", "link"])
def test_odd_things_among_the_drafts_are_one_sentence(tmp_path: Path, what: str) -> None:
    """What lies where a draft was kept is not waited for, read without end, or followed."""
    desk = Desk(tmp_path)
    desk.survey()
    kept = desk.notes.parent / "drafts/notes.md"
    kept.unlink()
    if what == "folder":
        kept.mkdir()
    elif what == "pipe":
        os.mkfifo(kept)
    elif what == "large":
        with kept.open("wb") as file:
            file.truncate(8_000_000_000)
    else:
        secret = tmp_path / "secret.md"
        secret.write_text("Left alone.")
        (desk.notes.parent / ".notes.md.new").symlink_to(secret)
        desk.again()
        assert secret.read_text() == "Left alone."
        assert not desk.notes.is_symlink()
        return
    with pytest.raises(MediaError, match=r"is no file|is larger than any draft"):
        desk.again()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import time; print('x', flush=True); time.sleep(60)", "took longer than 1 seconds"),
        ("import os, time; os.close(1); time.sleep(60)", "took longer than 1 seconds"),
        ("while True: print('x' * 1000)", "wrote more than 5,000 bytes"),
        ("pass", "wrote nothing"),
        ("import sys; sys.stdout.buffer.write(bytes([255, 254, 250]))", "wrote what is not UTF-8 text"),
        ("raise SystemExit('no')", "ended with exit code 1"),
    ],
)
def test_a_program_is_held_to_its_limits(tmp_path: Path, code: str, message: str) -> None:
    """Time and size are limited, and whatever goes wrong is one sentence."""
    with pytest.raises(MediaError, match=message):
        asking.answer(program(code), "said", folder=tmp_path, seconds=1, most_bytes=5_000)


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    """What cannot be started is said so, and nothing goes through a shell."""
    with pytest.raises(MediaError, match="cannot be started"):
        asking.answer(["./nowhere"], "said", folder=tmp_path)
    marker = tmp_path / "made"
    with pytest.raises(MediaError):
        asking.answer([f"true; touch {shlex.quote(str(marker))}"], "said", folder=tmp_path)
    assert not marker.exists()


def test_a_program_sees_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the environment it has what any program needs, and no key of a store."""
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "GITHUB_TOKEN", "SSH_AUTH_SOCK", "CLN_MEDIA_X"):
        monkeypatch.setenv(name, "secret")
    seen = asking.answer(program("import os; print(dict(os.environ))"), "", folder=tmp_path)
    assert "secret" not in seen
    assert os.environ["PATH"] in seen


def test_the_command_drafts_and_says_what_is_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`draft` writes what is missing, says so part by part, and refuses an episode that is not there."""
    desk = Desk(tmp_path)
    assert run(["-C", str(tmp_path), "draft", "alpha"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Chapters: drafted.",
        "Notes: drafted.",
        "Next: read and correct its chapters: cln-media proof alpha; and its notes: notes.md, in a text editor",
    ]
    assert desk.states()[Part.CHAPTERS] is DraftState.DRAFTED
    assert run(["-C", str(tmp_path), "status", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    drafted = "drafted by machine"
    assert row["parts"] == {"transcript": "reviewed", "chapters": drafted, "notes": drafted}
    assert run(["-C", str(tmp_path), "--verbose", "status"]) == 0
    out = capsys.readouterr().out
    assert "chapters, notes" in out
    assert "alpha: transcript reviewed, chapters drafted by machine, notes drafted by machine" in out
    assert run(["-C", str(tmp_path), "draft", "alpa"]) == 1
    assert 'there is no episode "alpa"' in capsys.readouterr().err


def test_the_command_does_not_hold_up_what_is_due(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of an episode whose time has come, chapters are proposed only with --again."""
    desk = Desk(tmp_path, published=studio.PUBLISHED)
    desk.notes.write_text("Ours.\n")
    assert run(["-C", str(tmp_path), "draft", "alpha"]) == 0
    assert "Chapters: not proposed" in capsys.readouterr().out
    assert not desk.chapters.exists()
    assert run(["-C", str(tmp_path), "draft", "alpha", "--again"]) == 0
    assert desk.chapters.exists()


def test_an_unread_draft_is_neither_published_nor_signed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Chapters that nobody read hold a due episode back and cannot be signed; without the mark it goes out."""
    root = studio.workspace(tmp_path, "one")
    chapters, toml = root / "episodes/one/chapters.toml", root / "episodes/one/episode.toml"
    read = chapters.read_text()
    assert release(root).mastered == 1
    chapters.write_text(f"{CHAPTERS_MARK}\n{read}")
    assert run(["-C", str(root), "build"]) == 1
    assert "chapters.toml: is still the draft made by machine, edited" in capsys.readouterr().err
    config = root / "cln_media.toml"
    config.write_text(config.read_text().replace("public = []", 'public = ["comms"]'))
    toml.write_text(toml.read_text().replace(studio.PUBLISHED, LATER))
    assert run(["-C", str(root), "sign-off", "one", "--as", "comms", "--by", "Officer"]) == 1
    assert "is not reviewed: a machine drafted its chapters" in capsys.readouterr().err
    toml.write_text(toml.read_text().replace(LATER, studio.PUBLISHED))
    config.write_text(config.read_text().replace('public = ["comms"]', "public = []"))
    chapters.write_text(read)
    assert release(root).mastered == 0


LINES = st.lists(st.sampled_from("abcdef"), max_size=12)


@given(LINES, LINES, LINES)
def test_a_merge_takes_what_one_side_changed(base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]) -> None:
    """Without edits it is the new draft, without a new draft the edits; whatever a person added stays in its order."""
    assert words.merged(base, base, theirs) == list(theirs)
    assert words.merged(base, mine, base) == list(mine)
    assert words.merged(base, mine, mine) == list(mine)
    assert words.merged("abcd", "aXcd", "aYZd") == list("aXZd")
    added = [line.upper() for line in mine]
    assert [line for line in words.merged(base, added, theirs) if line.isupper()] == added


def test_the_glossary_is_of_the_settings(tmp_path: Path) -> None:
    """[[glossary]] becomes terms."""
    desk = Desk(tmp_path)
    desk.configure('\n[[glossary]]\nterm = "ICB"\nmeaning = "integrated care board"\n')
    assert desk.read()[0].notes.glossary == (Term(term="ICB", meaning="integrated care board"),)
