"""Readings in noise enter; what cleaning costs, and what a recogniser makes of it, is printed; faster-whisper hears.

BENCH_READINGS names a folder of recordings, each with what is said in it beside it as .txt, to hear instead of flite;
BENCH_NOISE names the sound of a room, to use instead of ours.
"""

import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from faster_whisper import WhisperModel

from pipeline import audio
from pipeline.audio import denoise
from pipeline.model import AudioSettings
from tests import studio
from tools.bench.meeting import decoded

RATE_HZ = 48_000
HEARD_HZ = 16_000
CORES = 2
TIMED_MINUTES = 4
BAR = 31  # what an hour in a third of its peer's time leaves for cleaning
SNRS_DB = (10, 5)
BABBLERS = 6
READINGS, NOISE = "BENCH_READINGS", "BENCH_NOISE"
TEXTS = (
    "Last winter we asked every practice in the district how long a first appointment takes. We counted all of them.",
    "A learning set is a small group of people who meet every month. Each of them brings a real problem from work.",
    "The others may only ask questions, and the hardest part is to leave out good advice.",
    "The hospital sent its letters on paper, and when we followed one through the building, it lay on seven desks.",
    "Nobody had written the answer down. The longest wait was not where we had expected it to be.",
    "Now each letter goes to one person, on the day it is written, and patients noticed it before we did.",
)

Samples = npt.NDArray[np.float32]
Change = Callable[[Samples], Samples]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What is said, and how it sounds, (samples,) at 48 kHz."""

    words: tuple[str, ...]
    sound: Samples


def denoising() -> None:
    """Print how fast a core cleans, and the word error rates of tiny.en on readings in noise, raw and cleaned."""
    readings = tuple(_readings())
    _print_speed(np.concatenate([reading.sound for reading in readings]))
    changes: dict[str, Change] = {
        "raw": lambda sound: sound,
        "light": lambda sound: cleaned(sound, "light"),
        "strong": lambda sound: cleaned(sound, "strong"),
        "mastered, auto": mastered,
    }
    model = WhisperModel(str(studio.speech_model()), device="cpu", compute_type="int8", cpu_threads=CORES)
    print(f"{'word error rate of tiny.en':28}" + "".join(f"{name:>16}" for name in changes))
    for condition, noisy in _conditions(readings):
        rates = [_error_rate(model, readings, [change(sound) for sound in noisy]) for change in changes.values()]
        print(f"{condition:28}" + "".join(f"{rate:16.1%}" for rate in rates), flush=True)


def cleaned(sound: Samples, strength: denoise.Strength) -> Samples:
    """Clean a recording piece by piece, as mastering does."""
    with ThreadPoolExecutor(CORES) as pool:
        return np.concatenate(list(pool.map(lambda part: _piece(part, strength), _pieces(sound))))


def mastered(sound: Samples) -> Samples:
    """Master a recording with the settings that a new workspace has, and listen to the MP3."""
    with tempfile.TemporaryDirectory() as folder:
        recording, result = Path(folder, "recording.wav"), Path(folder, "master.mp3")
        studio.write_wav(recording, sound)
        audio.master(((recording,),), result, AudioSettings())
        return decoded(result)


def word_errors(said: tuple[str, ...], heard: tuple[str, ...]) -> int:
    """Count the words that must be put in, left out or changed to turn what was said into what was heard."""
    costs = list(range(len(heard) + 1))
    for number, word in enumerate(said, 1):
        before, costs = costs, [number]
        for place, other in enumerate(heard):
            costs.append(min(before[place] + (word != other), before[place + 1] + 1, costs[place] + 1))
    return costs[-1]


def _print_speed(sound: Samples) -> None:
    sound = np.resize(sound, TIMED_MINUTES * 60 * RATE_HZ)
    cleaned(sound[: 10 * RATE_HZ], "light")  # loads the nets
    wall, cpu = time.perf_counter(), time.process_time()
    cleaned(sound, "light")
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    seconds = TIMED_MINUTES * 60
    figures = f"{seconds / cpu:.0f} x real time per core, {seconds / wall:.0f} x on {CORES} cores"
    print(f"cleaning: {figures}   bar {BAR} x per core")


def _readings() -> Iterator[Reading]:
    folder = os.environ.get(READINGS)
    if folder:
        for text in sorted(Path(folder).glob("*.txt")):
            (sound,) = (path for path in text.parent.glob(f"{text.stem}.*") if path.suffix in {".flac", ".wav", ".mp3"})
            yield Reading(words=_words(text.read_text(encoding="utf-8")), sound=decoded(sound))
        return
    with tempfile.TemporaryDirectory() as scratch:
        for number, said in enumerate(TEXTS):
            spoken = studio.speak(Path(scratch, f"{number}.wav"), said)
            yield Reading(words=_words(said), sound=decoded(spoken))


def _conditions(readings: tuple[Reading, ...]) -> Iterator[tuple[str, list[Samples]]]:
    yield "clean", [reading.sound for reading in readings]
    everything = np.concatenate([reading.sound for reading in readings])
    apart = len(everything) // (BABBLERS + 1)
    babble = np.sum([np.roll(everything, apart * number) for number in range(1, BABBLERS + 1)], axis=0)
    given = os.environ.get(NOISE)
    for name, noise in (("room", decoded(Path(given)) if given else _room(len(everything))), ("babble", babble)):
        for snr_db in SNRS_DB:
            yield f"{name}, {snr_db} dB", [_mixed(reading.sound, noise, snr_db) for reading in readings]


def _room(samples: int) -> Samples:
    """Make pink noise, as fans and traffic do."""
    spectrum = np.fft.rfft(np.random.default_rng(1).standard_normal(samples))
    pink = np.fft.irfft(spectrum / np.sqrt(np.maximum(1, np.arange(len(spectrum)))), samples)
    return np.asarray(pink, np.float32)


def _mixed(sound: Samples, noise: Samples, snr_db: float) -> Samples:
    noise = np.resize(noise, len(sound))
    speaking = np.abs(sound) > np.abs(sound).max() / 50
    power = np.mean(np.square(sound[speaking])) / np.mean(np.square(noise))
    return np.asarray(sound + noise * np.sqrt(power) * 10 ** (-snr_db / 20), np.float32)


def _pieces(sound: Samples) -> Iterator[tuple[Samples, Samples, Samples]]:
    length, before, after = (seconds * RATE_HZ for seconds in (denoise.PIECE_S, denoise.BEFORE_S, denoise.AFTER_S))
    for start in range(0, len(sound), length):
        end = start + length
        yield sound[start:end], sound[max(0, start - before) : start], sound[end : end + after]


def _piece(part: tuple[Samples, Samples, Samples], strength: denoise.Strength) -> Samples:
    piece, before, after = (samples[None] for samples in part)
    clean = denoise.denoised(piece, before=before, after=after, strength=strength, rate_hz=RATE_HZ)
    return clean.reshape(-1)


def _error_rate(model: WhisperModel, readings: tuple[Reading, ...], sounds: list[Samples]) -> float:
    errors = sum(
        word_errors(reading.words, _heard(model, sound)) for reading, sound in zip(readings, sounds, strict=True)
    )
    return errors / sum(len(reading.words) for reading in readings)


def _heard(model: WhisperModel, sound: Samples) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "heard.wav")
        studio.write_wav(path, sound)
        segments, _info = model.transcribe(str(path), language="en", beam_size=5, condition_on_previous_text=False)
        return _words(" ".join(segment.text for segment in segments))


def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[a-z0-9]+", text.lower().replace("'", "")))
