"""What could identify a patient, found wherever it stands, decided by a person, and gone from words and sound."""

import hashlib
import json
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pipeline import audio, identifiers, speech
from pipeline.model import AudioSettings
from tests import studio
from tests.test_cli import Session, spawn

NUMBER = "999 000 0018"  # of the test range, with the right check digit
BY = ("--by", "Communications officer")
SAID = (
    "Welcome to the learning set of this region.",
    "Her number is nine nine nine, zero zero zero, zero zero one eight.",
    "We began with one practice and went on from there.",
)
PAUSE_S = 1.5
RATE_HZ = 16_000


def decoded(path: Path) -> "np.ndarray":
    """Decode a sound file with the ffmpeg of this machine's package: mono, 16 kHz."""
    command = [
        audio.ffmpeg_program(AudioSettings()),
        "-v",
        "error",
        "-i",
        str(path),
        "-f",
        "f32le",
        "-ac",
        "1",
        "-ar",
        str(RATE_HZ),
        "-",
    ]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, dtype=np.float32)


def change(folder: Path, path: str, old: str, new: str) -> None:
    """Edit a file by hand."""
    text = (folder / path).read_text(encoding="utf-8")
    assert old in text
    (folder / path).write_text(text.replace(old, new, 1), encoding="utf-8")


def findings(session: Session, slug: str = "alpha") -> list[dict[str, str]]:
    """Ask what was found in an episode."""
    session("review", slug, "--json")
    found: list[dict[str, str]] = json.loads(session.out)
    return found


@pytest.fixture
def session(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Session:
    """Work in a workspace with one episode, where nobody must sign."""
    return Session(studio.workspace(tmp_path / "w", "alpha"), capsys)


def _cover(folder: Path) -> None:
    inside = PngInfo()
    inside.add_text("Comment", f"Patient {NUMBER}")
    Image.new("RGB", (1400, 1400)).save(folder / "cover.png", pnginfo=inside)


PLACES = {
    "transcript": lambda folder: change(folder, "transcript.vtt", "one practice", NUMBER),
    "spoken": lambda folder: change(
        folder, "transcript.vtt", "one practice", "nine double nine, oh oh oh, double oh one eight"
    ),
    "across two cues": lambda folder: change(
        folder,
        "transcript.vtt",
        "We began with one practice.",
        "Number 999 000\n\n00:00:04.000 --> 00:00:04.500\n<v GP, Greater Manchester>0018 it was.",
    ),
    "notes": lambda folder: change(folder, "notes.md", "Three", f"{NUMBER}: three"),
    "title": lambda folder: change(folder, "episode.toml", "About alpha", f"About {NUMBER}"),
    "summary": lambda folder: change(folder, "episode.toml", "What we learned.", f"Born, number {NUMBER}."),
    "topic": lambda folder: change(folder, "episode.toml", "\nregion", f'\ntopics = ["{NUMBER}"]\nregion'),
    "chapter": lambda folder: change(folder, "chapters.toml", "The pilot", f"No {NUMBER}"),
    "file name": lambda folder: _rename(folder, f"ward {NUMBER}.wav"),
    "cover": _cover,
}


def _rename(folder: Path, name: str) -> None:
    (folder / "recording.wav").rename(folder / name)
    change(folder, "episode.toml", '"recording.wav"', f'"{name}"')


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_a_number_is_found_wherever_it_would_leave(session: Session, place: "object") -> None:
    """An NHS number in any text of the episode is a finding, and nothing is built while it is open."""
    place(session.folder / "episodes/alpha")  # type: ignore[operator]
    found = findings(session)
    assert [(each["kind"], each["severity"]) for each in found] == [("NHS_NUMBER", "certain")], found
    assert session("build") == 1
    assert "what could identify a patient (NHS number)" in session.err
    assert not (session.folder / "site").exists()


@pytest.mark.parametrize("name", [name for name in PLACES if name not in {"file name", "cover"}])
def test_what_is_removed_is_in_no_file(session: Session, name: str) -> None:
    """Words that were removed are gone from every file of the site, and stay in the person's own files."""
    folder = session.folder / "episodes/alpha"
    PLACES[name](folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert session("review", "alpha", findings(session)[0]["id"], "--remove", *BY) == 0, session.err
    assert session("build") == 0, session.err
    after = {path.name: path.read_bytes() for path in folder.iterdir() if path.name in before}
    assert after == before
    texts = [
        path
        for path in (session.folder / "site").rglob("*")
        if path.suffix in {".html", ".xml", ".json", ".vtt", ".srt", ".txt"}
    ]
    assert len(texts) > 10
    for path in texts:
        text = path.read_text(encoding="utf-8")
        assert NUMBER not in text
        assert "0018" not in text
        assert "double oh one eight" not in text
    sound = next((session.folder / "site/media").glob("*.mp3")).read_bytes()
    assert b"0018" not in sound
    assert "0018".encode("utf-16-le") not in sound


@pytest.mark.parametrize("name", ["file name", "cover"])
def test_what_no_program_can_mend_is_not_removed(session: Session, name: str) -> None:
    """A file name or a picture's own words are refused with the advice to change them; a hand-written decision too."""
    PLACES[name](session.folder / "episodes/alpha")
    found = findings(session)[0]
    assert session("review", "alpha", found["id"], "--remove", *BY) == 1
    assert "Change it there yourself" in session.err
    said = hashlib.sha256(found["said"].encode()).hexdigest()
    decision = f'verdict = "remove"\nkind = "{found["kind"]}"\nfile = "{found["file"]}"\nsaid = "{said}"\n'
    (session.folder / "episodes/alpha/review.toml").write_text(f'[[decisions]]\n{decision}by = "x"\non = 2026-11-01\n')
    assert session("build") == 1


def test_what_is_accepted_stays_with_its_reason(session: Session) -> None:
    """An accepted finding is published; without a reason it is refused, also where a file says so."""
    folder = session.folder / "episodes/alpha"
    PLACES["notes"](folder)
    found = findings(session)[0]
    assert session("review", "alpha", found["id"], "--accept", " ", *BY) == 2
    assert session("review", "alpha", found["id"], "--accept", "A number of the test range", *BY) == 0
    assert session("build") == 0, session.err
    assert NUMBER in (session.folder / "site/episodes/alpha/index.html").read_text()
    text = (folder / "review.toml").read_text()
    assert NUMBER not in text
    assert found["said"] not in text  # without the salt, each of a thousand million numbers could be tried
    assert found["said"] not in (session.folder / "audit.jsonl").read_text()
    (folder / "review.toml").write_text(text.replace('reason = "A number of the test range"\n', ""))
    assert session("build") == 1


def test_what_is_held_waits(session: Session) -> None:
    """A finding on hold is open."""
    PLACES["notes"](session.folder / "episodes/alpha")
    assert session("review", "alpha", findings(session)[0]["id"], "--hold", *BY) == 1
    assert session("build") == 1


def test_an_accepted_number_elsewhere_is_another_finding(session: Session) -> None:
    """A decision is about what was said where: the same number in another file, or minutes later, is asked again."""
    folder = session.folder / "episodes/alpha"
    PLACES["transcript"](folder)
    assert session("review", "alpha", findings(session)[0]["id"], "--accept", "A test number", *BY) == 0
    PLACES["notes"](folder)
    assert session("review", "alpha") == 1
    assert session("review", "alpha", next(f["id"] for f in findings(session) if f["open"]), "--accept", "x", *BY) == 0
    with (folder / "transcript.vtt").open("a") as file:
        file.write(f"\n00:04:00.000 --> 00:04:02.000\n<v Chair>{NUMBER} again.\n")
    assert [f["open"] for f in findings(session)].count(True) == 1


def test_decisions_survive_a_new_transcript(session: Session) -> None:
    """Said in other words, a second later and in other cues, what was to go still goes."""
    folder = session.folder / "episodes/alpha"
    PLACES["transcript"](folder)
    assert session("review", "alpha", findings(session)[0]["id"], "--remove", *BY) == 0
    (folder / "transcript.vtt").write_text(
        "WEBVTT\n\n00:00:01.000 --> 00:00:03.000\n<v Chair>Erm, nine nine nine, zero zero zero,\n\n"
        "00:00:03.000 --> 00:00:04.500\n<v Chair>zero zero one eight it was.\n"
    )
    assert not [each for each in findings(session) if each["open"]]
    assert session("build") == 0, session.err
    text = (session.folder / "site/transcripts/alpha.txt").read_text()
    assert "[removed]" in text
    assert "one eight" not in text


@pytest.mark.parametrize("hidden", ["999&nbsp;000&nbsp;0018", r"999\-000\-0018", "999 **000** 0018"])
def test_what_markdown_hides_is_found_as_it_is_shown(session: Session, hidden: str) -> None:
    """A number is a finding where the page shows it, however the notes write it; a person must change it there."""
    notes = session.folder / "episodes/alpha/notes.md"
    notes.write_text(f"Her NHS number is {hidden} here.\n")
    found = findings(session)
    assert found
    assert {each["file"] for each in found} == {"notes.md"}
    assert session("build") == 1


def test_two_who_decide_at_once_are_both_heard(session: Session) -> None:
    """Decisions made at the same moment are all kept."""
    folder = session.folder / "episodes/alpha"
    (folder / "notes.md").write_text("Numbers 999 000 0018, then 999 000 0026; and 999 000 0034.\n")
    identities = [each["id"] for each in findings(session)]
    assert len(identities) == 3
    running = [spawn(session.folder, "review", "alpha", one, "--remove", *BY) for one in identities]
    for process in running:
        process.communicate(timeout=60)
    assert not [each for each in findings(session) if each["open"]]


def test_a_finding_that_is_not_there_is_said(session: Session) -> None:
    """An ID that nothing has gets a sentence."""
    assert session("review", "alpha", "ffffffff", "--remove", *BY) == 1
    assert 'there is no finding "ffffffff"' in session.err
    assert session("review", "nobody") == 1
    assert session("review", "alpha", "--remove") == 2


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[float, float]]]:
    """Speak three sentences, the second with a number, into an episode with a clip, in three codings; bleep it."""
    root = tmp_path_factory.mktemp("spoken")
    clips = []
    for number, text in enumerate(SAID):
        clips.append(decoded(studio.speak(root / f"{number}.wav", text)))
    pause = np.random.default_rng(1).standard_normal(int(PAUSE_S * RATE_HZ)).astype(np.float32) * 1e-4
    spans, at, pieces = [], 0, [pause]
    at = len(pause)
    for clip in clips:
        spans.append((at / RATE_HZ, (at + len(clip)) / RATE_HZ))
        pieces += [clip, pause]
        at += len(clip) + len(pause)
    workspace = studio.workspace(root / "w", "alpha")
    folder = workspace / "episodes/alpha"
    sound = np.concatenate(pieces)
    wide = np.repeat(sound, studio.RATE_HZ // RATE_HZ)
    studio.write_wav(folder / "recording.wav", wide)
    studio.note_sha256(folder)
    cues = [
        f"{_time(start)} --> {_time(end)}\n<v Chair>{text}\n" for (start, end), text in zip(spans, SAID, strict=True)
    ]
    (folder / "transcript.vtt").write_text("WEBVTT\n\n" + "\n".join(cues))
    (folder / "chapters.toml").unlink()
    with (folder / "episode.toml").open("a") as file:
        file.write(f"\n[[soundbites]]\nstart = {spans[0][0]:.2f}\nduration = {spans[2][1] - spans[0][0]:.2f}\n")
    change(
        workspace,
        "cln_media.toml",
        "[trust]",
        f'[audio]\nalternates = ["aac", "opus"]\n\n[speech]\nmodel = "{studio.speech_model()}"\n\n[trust]',
    )
    asked = spawn(workspace, "review", "alpha", "--json")
    found = json.loads(asked.communicate(timeout=120)[0])
    assert [each["kind"] for each in found] == ["NHS_NUMBER"]
    decided = spawn(workspace, "review", "alpha", found[0]["id"], "--remove", *BY)
    _, err = decided.communicate(timeout=120)
    assert decided.returncode == 0, err
    built = spawn(workspace, "build")
    _, err = built.communicate(timeout=300)
    assert built.returncode == 0, err
    return workspace, spans


def _time(seconds: float) -> str:
    return f"00:00:{seconds:06.3f}"


def files_of_sound(root: Path) -> Iterator[Path]:
    """List every sound that is published."""
    yield from sorted((root / "site/media").iterdir())


def envelope(sound: "np.ndarray") -> "np.ndarray":
    """Say how loud a sound is every 10 ms."""
    step = RATE_HZ // 100
    return np.sqrt(np.mean(np.square(sound[: len(sound) // step * step].reshape(-1, step)), axis=1))


def alike(first: "np.ndarray", second: "np.ndarray") -> float:
    """Say how alike the rhythm of two sounds is, at the best of shifts up to 300 ms: 1 for the same."""
    first, second = envelope(first), envelope(second)
    count = min(len(first), len(second)) - 60
    return max(float(np.corrcoef(first[30 : 30 + count], second[shift : shift + count])[0, 1]) for shift in range(60))


def test_the_number_cannot_be_heard_in_any_coding(spoken: tuple[Path, list[tuple[float, float]]]) -> None:
    """A recogniser hears the sentences beside it in every published file, and nothing of the number."""
    root, _ = spoken
    files = list(files_of_sound(root))
    assert {path.suffix for path in files} == {".mp3", ".m4a", ".opus"}
    assert sum("-clip-" in path.name for path in files) == 1
    for path in files:
        words = speech.heard_words([(0, decoded(path))], language="en", model=str(studio.speech_model()))
        text = "".join(word.text for word in words).lower()
        assert "welcome" in text, path.name
        assert "one practice" in text, path.name
        assert identifiers.find(text) == (), (path.name, text)
        assert "nine" not in text, (path.name, text)
        assert "eight" not in text, (path.name, text)


def test_the_sound_is_really_another_there_and_the_same_beside_it(
    spoken: tuple[Path, list[tuple[float, float]]],
) -> None:
    """Where the number was said, nothing of its rhythm is left in any coding; the neighbours' rhythm is untouched."""
    root, spans = spoken
    recording = decoded(root / "episodes/alpha/recording.wav")
    for path in files_of_sound(root):
        if "-clip-" in path.name:
            continue
        made = decoded(path)
        shift = (len(recording) - len(made)) // 2 if abs(len(recording) - len(made)) < RATE_HZ // 5 else 0
        likeness = []
        for start, end in (spans[0], covered(root), spans[2]):
            a, b = int(start * RATE_HZ), int(end * RATE_HZ)
            offset = _trimmed_s(root) * RATE_HZ
            c, d = int(a - offset) + shift, int(b - offset) + shift
            likeness.append(alike(recording[a:b], made[max(0, c) : d]))
        assert likeness[0] > 0.8, (path.name, likeness)
        assert likeness[1] < 0.4, (path.name, likeness)
        assert likeness[2] > 0.8, (path.name, likeness)


def covered(root: Path) -> tuple[float, float]:
    """Read which stretch of the recording was decided to be covered."""
    text = (root / "episodes/alpha/review.toml").read_text()
    start, end = (float(line.split(" = ")[1]) for line in text.splitlines() if line.startswith(("start", "end")))
    return start, end


def _trimmed_s(root: Path) -> float:
    """Ask the published transcript how much was trimmed at the start."""
    first = (root / "site/transcripts/alpha.srt").read_text().splitlines()[1].split(" --> ")[0]
    original = (root / "episodes/alpha/transcript.vtt").read_text().splitlines()[2].split(" --> ")[0]
    return _seconds(original) - _seconds(first.replace(",", "."))


def _seconds(text: str) -> float:
    hours, minutes, seconds = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def test_only_the_words_themselves_are_covered(spoken: tuple[Path, list[tuple[float, float]]]) -> None:
    """With a recogniser, what is covered begins within the cue that holds the number, not at its start."""
    root, spans = spoken
    start, end = covered(root)
    assert spans[1][0] + 0.3 < start < end <= spans[1][1] + 0.3
    assert all(later >= earlier for earlier, later in pairwise([spans[0][1], start, end, spans[2][0]]))


def test_the_picture_of_the_sound_is_made_from_what_is_published(
    spoken: tuple[Path, list[tuple[float, float]]],
) -> None:
    """The waveform on the page is drawn from the master, in which the number is a plain bleep."""
    root, _ = spoken
    wave = (root / "site/waveforms/alpha.svg").read_bytes()
    other = studio.copy_workspace(root, root.parent / "other")
    (other / "episodes/alpha/review.toml").unlink()
    change(other, "episodes/alpha/transcript.vtt", SAID[1], "Something else.")
    built = spawn(other, "build")
    _, err = built.communicate(timeout=300)
    assert built.returncode == 0, err
    assert hashlib.sha256((other / "site/waveforms/alpha.svg").read_bytes()).digest() != hashlib.sha256(wave).digest()


def test_what_can_still_be_heard_stops_the_episode(
    spoken: tuple[Path, list[tuple[float, float]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A removal that covers too little is noticed by listening to the result; `--wide` mends it."""
    root, spans = spoken
    session = Session(studio.copy_workspace(root, tmp_path / "w"), capsys)
    review = session.folder / "episodes/alpha/review.toml"
    lines = [line for line in review.read_text().splitlines() if not line.startswith(("start", "end"))]
    wrong = [*lines, f"start = {spans[1][0]:.2f}", f"end = {spans[1][0] + 0.2:.2f}", ""]
    review.write_text("\n".join(wrong))
    assert session("build") == 1
    assert "can still be heard" in session.err
    assert session("review", "alpha", findings(session)[0]["id"], "--remove", "--wide", *BY) == 0, session.err
    assert session("build") == 0, session.err
