"""A text without times takes those of the sound: what a recogniser heard, right or wrong, tells where it is said."""

import random
import wave
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from faster_whisper import WhisperModel
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline import words
from pipeline.errors import WordsError
from pipeline.model import HeardWord, Turn
from tests import studio

RATE_HZ = 16_000
SENTENCES = [
    (
        "Chair",
        "Welcome to the learning set; we talk about \u201creferrals\u201d from the family doctor to the hospital.",
    ),
    ("GP, Leeds", "So many people have to wait for a very long time before anybody tells them what happens next."),
    (
        "GP, Leeds",
        "The clinic changed the letter \u2014 and the number of missed appointments went down within a month.",
    ),
    ("Chair", "What did you find hardest when you began to measure how long the patients had to wait?"),
    ("Manager", "We had no figures at all, so we counted the letters in the post room by hand every Friday."),
    ("Chair", "That is a good place to stop, and we will look at the results again in the autumn meeting."),
]


def synthetic(count: int, seed: int) -> list[HeardWord]:
    """Make words with their true times."""
    chance = random.Random(seed)  # noqa: S311 - the same every time
    rare = ["".join(chance.choices("abcdefghijklmnoprstuw", k=chance.randint(3, 9))) for _ in range(1_200)]
    said, at_ms = [], 0
    for _ in range(count):
        often = ["the", "a", "of", "to", "and", "we"]
        word = chance.choice(often) if chance.random() < 0.5 else rare[min(int(chance.paretovariate(0.6)), 1_199)]
        length_ms = 60 * len(word) + 80
        said.append(HeardWord(at_ms, at_ms + length_ms, word + ("." if chance.random() < 0.08 else "")))
        at_ms += length_ms + chance.choice([0, 0, 0, 300, 900])
    return said


def misheard(said: list[HeardWord], rate: float, seed: int) -> list[HeardWord]:
    """Lose, replace and add words, as a recogniser does."""
    chance = random.Random(seed)  # noqa: S311 - the same every time
    heard = []
    for word in said:
        luck = chance.random() / rate
        if luck >= 1:
            heard.append(word)
        elif luck > 2 / 3:
            middle_ms = (word.start_ms + word.end_ms) // 2
            heard += [word._replace(end_ms=middle_ms, text="erm"), word._replace(start_ms=middle_ms)]
        elif luck > 1 / 3:
            heard.append(word._replace(text=chance.choice(said).text))
    return heard


@pytest.mark.parametrize(("rate", "median_ms", "p95_ms"), [(0.1, 0, 300), (0.3, 0, 1_000)])
def test_ten_thousand_words_are_aligned_though_a_third_is_misheard(rate: float, median_ms: int, p95_ms: int) -> None:
    """Every word stays as it was written, cues are short and ascend, and start when their first word is said."""
    said = synthetic(10_000, 1)
    turns = [
        Turn(text=" ".join(w.text for w in said[at : at + 97]), speaker=f"S{at % 3}") for at in range(0, 10_000, 97)
    ]
    aligned = words.aligned(turns, misheard(said, rate, 2), language="en-GB")
    assert " ".join(cue.text for cue in aligned.cues) == " ".join(word.text for word in said)
    assert all(0 < cue.end_ms - cue.start_ms <= 8_000 and len(cue.text) <= 120 for cue in aligned.cues)
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(aligned.cues))
    firsts = [0]
    for cue in aligned.cues:
        firsts.append(firsts[-1] + len(cue.text.split()))
    errors = sorted(abs(cue.start_ms - said[at].start_ms) for cue, at in zip(aligned.cues, firsts, strict=False))
    assert median(errors) <= median_ms
    assert errors[len(errors) * 95 // 100] <= p95_ms


def sounds(folder: Path) -> tuple[NDArray[np.float32], list[int]]:
    """Let flite read the sentences with pauses between them: the sound, and when each really begins, ms."""
    parts, starts, at = [np.zeros(RATE_HZ // 2, dtype=np.float32)], [], RATE_HZ // 2
    for _, text in SENTENCES:
        path = studio.speak(folder / "said.wav", text)
        with wave.open(str(path)) as file:
            assert file.getframerate() == RATE_HZ
            sound = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float32) / 32_768
        onset = int(np.argmax(np.abs(sound) > 0.01))
        starts.append((at + onset) * 1000 // RATE_HZ)
        parts += [sound, np.zeros(RATE_HZ * 6 // 10, dtype=np.float32)]
        at += len(sound) + RATE_HZ * 6 // 10
    return np.concatenate(parts), starts


def test_a_reading_is_aligned_by_a_real_recogniser(tmp_path: Path) -> None:
    """What a person typed takes the times of the sound, though the recogniser hears other words here and there."""
    sound, starts = sounds(tmp_path)
    model = WhisperModel(str(studio.speech_model()), device="cpu", compute_type="int8", cpu_threads=1)
    segments, _ = model.transcribe(sound, language="en", word_timestamps=True, condition_on_previous_text=False)
    heard = [
        HeardWord(round(w.start * 1000), round(w.end * 1000), w.word) for part in segments for w in part.words or ()
    ]
    turns = [Turn(text=text, speaker=speaker) for speaker, text in SENTENCES]
    aligned = words.aligned(turns, heard, language="en-GB")
    assert " ".join(cue.text for cue in aligned.cues) == " ".join(text for _, text in SENTENCES)
    assert list(dict.fromkeys(cue.speaker for cue in aligned.cues)) == ["Chair", "GP, Leeds", "Manager"]
    opening = [cue for cue in aligned.cues if any(text.startswith(cue.text[:12]) for _, text in SENTENCES)]
    errors = [abs(cue.start_ms - start_ms) for cue, start_ms in zip(opening, starts, strict=True)]
    assert median(errors) <= 200, errors
    assert max(errors) <= 800, errors


def test_words_that_were_not_heard_lie_between_their_neighbours() -> None:
    """A stretch the recogniser missed is filled in; before the first and after the last word there is time, too."""
    heard = [HeardWord(5_000 + at * 400, 5_300 + at * 400, f" w{at}") for at in range(10)]
    text = "Before. " + " ".join(f"W{at}," if at != 4 else "(lost) dash \u2014" for at in range(10)) + " after."
    cues = words.aligned([Turn(text=text)], [*heard[:4], *heard[5:]], language="en").cues
    assert " ".join(cue.text for cue in cues) == text
    assert 0 <= cues[0].start_ms < 5_000
    assert cues[-1].end_ms > 8_900


def test_the_text_of_another_recording_is_refused() -> None:
    """Where hardly a word is heard, no times are made up."""
    heard = [HeardWord(at * 300, at * 300 + 200, f" other{at}") for at in range(50)]
    with pytest.raises(WordsError, match="only 0 of its 3 words are heard in the recording"):
        words.aligned([Turn(text="Three new words")], heard, language="en")
    with pytest.raises(WordsError, match="only 0 of its 1 words"):
        words.aligned([Turn(text="Silence")], [], language="en")


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "C.", "d,", "\u2014", "\u00e9"]), st.booleans()), min_size=1, max_size=60
    ),
    st.integers(0, 100),
)
def test_no_word_is_lost_whatever_was_heard(said: list[tuple[str, bool]], seed: int) -> None:
    """Every word comes back in order, in cues that ascend and end after they start."""
    heard = [HeardWord(at * 250, at * 250 + 200, f" {word}") for at, (word, is_heard) in enumerate(said) if is_heard]
    heard = heard[seed % 5 :]
    turns = [Turn(text=word) for word, _ in said]
    try:
        cues = words.aligned(turns, heard, language="en").cues
    except WordsError:
        return
    assert [cue.text for cue in cues] == [word for word, _ in said]
    assert all(cue.end_ms > cue.start_ms for cue in cues)
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(cues))
