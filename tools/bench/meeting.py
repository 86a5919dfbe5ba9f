"""Voices enter, a test meeting leaves whose turns and pauses are known; flite, espeak-ng and ffmpeg give voices."""

import shutil
import subprocess
import tempfile
import wave
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt

from tools import make_sample

RATE_HZ = 48_000
SPEAKERS = 8
QUIETEST_DB = -20.0
LOUDEST_DBFS = -20.0  # the level of the loudest speaker's words
NOISE_DBFS = -58.0
PAUSE_MS = 1_500
TURN_S = (6.0, 25.0)
LONG_TURN_S = 12.0  # a turn that reaches this length has a pause inside
SENTENCE_PAUSE_MS = (250, 550)
SENTENCE_SPREAD_DB = 1.0  # nobody says every sentence at one level
BAND_HZ = 16_000
SPLIT_MS = 300
SENTENCE_S = (1.0, 15.0)
NOISE_FLAT_BELOW_HZ = 40.0
# Engine, voice, stretch of its sounds, and the factor that pitch and formants are raised by.
VOICES = (
    ("flite", "slt", 1.0, 1.0),
    ("flite", "rms", 1.0, 1.0),
    ("flite", "awb", 1.0, 1.0),
    ("flite", "kal16", 1.0, 1.0),
    ("flite", "slt", 0.9, 0.9),
    ("flite", "rms", 1.2, 1.12),
    ("flite", "awb", 1.1, 1.1),
    ("flite", "slt", 1.2, 1.12),
)
ESPEAK_VOICES = (("espeak-ng", "en-gb", 1.0, 1.0), ("espeak-ng", "en-us+f3", 1.0, 1.0))
SENTENCES = (
    "We asked every practice in the district how long a first appointment takes.",
    "Nobody had written the answer down, so we counted for a fortnight.",
    "The receptionists knew more about the delays than any of our reports.",
    "That surprised me, although looking back it should not have done.",
    "What would happen if the nurse saw these patients first?",
    "Our pharmacist now sits next to the door, and people stop to ask.",
    "I am not sure that this would work on a ward at three in the morning.",
    "It took six weeks, two false starts, and a very patient finance team.",
    "Let us come back to that when we have heard from the community staff.",
    "The letter was four pages long; we cut it to a single side.",
    "Yes, exactly, and the second call is the one that nobody makes.",
    "We measured the same thing before and after, with the same people.",
    "Perhaps the question is who is allowed to say that it failed.",
    "Her list was shorter on Fridays, for reasons that had nothing to do with demand.",
    "So we tried it with one team, and stopped as soon as it hurt.",
    "There is a fan in this room, and still everyone keeps the windows shut.",
)

Samples = npt.NDArray[np.float32]
Voice = tuple[Samples, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Part of a turn between two long pauses: who speaks, and when (samples from the start)."""

    speaker: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """A meeting and its truth. samples: one channel at RATE_HZ; levels_db: of each speaker, the loudest 0.

    pauses: start and end of every stretch of PAUSE_MS in which nobody speaks, in samples.
    """

    samples: Samples
    stretches: tuple[Stretch, ...]
    pauses: tuple[tuple[int, int], ...]
    levels_db: tuple[float, ...]


def meet(voices: tuple[Voice, ...], *, seconds: float = 480.0, seed: int = 1, noise: Samples | None = None) -> Meeting:
    """Let SPEAKERS people speak in turns, at 0 to QUIETEST_DB in shuffled order, over the noise of a room.

    Args:
        voices: for each the sentences it says, at RATE_HZ; voices are used again where there are too few.
        seconds: how long it lasts at least.
        seed: of everything that is drawn.
        noise: a room's own sound at RATE_HZ, repeated as needed; without it, noise that falls towards the treble.

    Returns:
        The Meeting.
    """
    rng = np.random.default_rng(seed)
    levels_db = tuple(float(level) for level in rng.permutation(np.linspace(0, QUIETEST_DB, SPEAKERS)))
    parts: list[Samples] = [_quiet(PAUSE_MS)]
    stretches: list[Stretch] = []
    order: list[int] = []
    while (length := sum(map(len, parts))) < seconds * RATE_HZ:
        order = order or [int(speaker) for speaker in rng.permutation(SPEAKERS)]
        speaker = order.pop()
        for spoken in _turn(voices[speaker % len(voices)], rng):
            gain = 10 ** ((LOUDEST_DBFS + levels_db[speaker]) / 20)
            stretches.append(Stretch(speaker=speaker, start=length, end=length + len(spoken)))
            parts += [spoken * np.float32(gain), _quiet(PAUSE_MS)]
            length += len(spoken) + len(parts[-1])
    speech = np.concatenate(parts)
    return Meeting(
        samples=speech + room(len(speech), rng, noise),
        stretches=tuple(stretches),
        pauses=_between(stretches),
        levels_db=levels_db,
    )


def room(length: int, rng: np.random.Generator, noise: Samples | None = None) -> Samples:
    """Make the sound of an empty room at NOISE_DBFS: a recorded one repeated, or noise that falls to the treble."""
    if noise is None:
        spectrum = np.fft.rfft(rng.standard_normal(length))
        spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(length, 1 / RATE_HZ), NOISE_FLAT_BELOW_HZ))
        sound = np.fft.irfft(spectrum, length)
    else:
        sound = np.resize(_loop(noise), length).astype(np.float64)
    return np.asarray(sound * 10 ** (NOISE_DBFS / 20) / np.sqrt(np.mean(sound**2)), dtype=np.float32)


def synthetic_voices() -> tuple[Voice, ...]:
    """Let the synthesisers that are installed say the sentences, at one level each."""
    voices = (*ESPEAK_VOICES, *VOICES)[:SPEAKERS] if shutil.which("espeak-ng") else VOICES
    spoken = []
    for number, (engine, name, stretch, raised) in enumerate(voices):
        chosen = [SENTENCES[(2 * number + index) % len(SENTENCES)] for index in range(8)]
        spoken.append(_levelled(tuple(_say(text, engine, name, stretch, raised) for text in chosen)))
    return tuple(spoken)


def recorded_voices(folder: Path) -> tuple[Voice, ...]:
    """Cut every sound file of a folder, in order of name, into the sentences of one voice."""
    return tuple(_levelled(_sentences(decoded(path))) for path in sorted(folder.iterdir()) if path.is_file())


def decoded(path: Path) -> Samples:
    """Read a sound file as one channel at RATE_HZ."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-ac", "1", "-ar", str(RATE_HZ)]
    sound = subprocess.run([*command, "-f", "f32le", "-"], capture_output=True, check=True).stdout
    return np.frombuffer(sound, "<f4").astype(np.float32)


def write(meeting: Meeting, path: Path) -> None:
    """Write the meeting as 16-bit WAV."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(np.rint(np.clip(meeting.samples, -1, 1) * 32767).astype("<i2").tobytes())


def _turn(voice: Voice, rng: np.random.Generator) -> list[Samples]:
    wanted = rng.uniform(*TURN_S) * RATE_HZ
    stretches: list[Samples] = []
    said: list[Samples] = []
    length, number = 0, int(rng.integers(len(voice)))
    while length < wanted:
        sentence = voice[number % len(voice)] * np.float32(10 ** (rng.normal(0, SENTENCE_SPREAD_DB) / 20))
        said += [_quiet(int(rng.integers(*SENTENCE_PAUSE_MS))), sentence] if said else [sentence]
        length, number = length + len(sentence), number + 1
        if not stretches and LONG_TURN_S * RATE_HZ < length < wanted:
            stretches.append(np.concatenate(said))
            said = []
    return [*stretches, np.concatenate(said)]


def _between(stretches: list[Stretch]) -> tuple[tuple[int, int], ...]:
    return tuple((before.end, after.start) for before, after in pairwise(stretches))


def _say(text: str, engine: str, name: str, stretch: float, raised: float) -> Samples:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        flite = ["flite", "-voice", name, "--setf", f"duration_stretch={stretch}", "-t", text, "-o", str(path)]
        words_a_minute = str(round(make_sample.ESPEAK_WORDS_A_MINUTE / stretch))
        espeak = ["espeak-ng", "-v", name, "-s", words_a_minute, "-w", str(path), text]
        subprocess.run(flite if engine == "flite" else espeak, check=True)
        with wave.open(str(path), "rb") as sound:
            rate_hz, frames = sound.getframerate(), sound.readframes(sound.getnframes())
    samples = np.frombuffer(frames, "<i2").astype(np.float64) / make_sample.FULL_SCALE
    placed = make_sample.resampled(samples, round(rate_hz * raised), min(BAND_HZ, rate_hz // 2))
    return make_sample.without_edges(placed).astype(np.float32)


def _sentences(samples: Samples) -> Voice:
    recorded = samples.astype(np.float64)
    speech = make_sample.is_speech(recorded)
    size = RATE_HZ * make_sample.FRAME_MS // 1000
    spoken = np.flatnonzero(speech)
    breaks = np.flatnonzero(np.diff(spoken) * make_sample.FRAME_MS > SPLIT_MS)
    starts, ends = spoken[np.r_[0, breaks + 1]], spoken[np.r_[breaks, len(spoken) - 1]] + 1
    cuts = (make_sample.without_edges(recorded[a * size : b * size]) for a, b in zip(starts, ends, strict=True))
    low, high = (limit * RATE_HZ for limit in SENTENCE_S)
    return tuple(cut.astype(np.float32) for cut in cuts if low < len(cut) < high)


def _levelled(voice: Voice) -> Voice:
    level_dbfs = make_sample.level_dbfs(np.concatenate(voice).astype(np.float64))
    return tuple(sentence * np.float32(10 ** (-level_dbfs / 20)) for sentence in voice)


def _quiet(length_ms: int) -> Samples:
    return np.zeros(length_ms * RATE_HZ // 1000, np.float32)


def _loop(noise: Samples) -> Samples:
    fade = len(noise) // 10
    slope = np.sqrt(np.linspace(0, 1, fade, dtype=np.float32))
    joined = noise[fade:].copy()
    joined[-fade:] = joined[-fade:] * slope[::-1] + noise[:fade] * slope
    return joined
