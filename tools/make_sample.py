"""Make the sample episode's recording, transcript and chapters from sample_script.toml.

Three synthetic voices at three levels, in a room with noise and hum: what a learning set's recorder brings home, with
nobody in it. The times of transcript and chapters are exact, because this program places every sentence itself.

    python tools/make_sample.py [FOLDER]

writes recording.opus, transcript.vtt and chapters.toml into FOLDER (the sample episode where none is given) and the
recording's SHA-256 into the episode.toml beside them. Needs Debian's `flite` and `espeak-ng`, and the project's own
packages.

The same machine gives the same bytes, run after run: the noise is seeded, the synthesiser draws no lots and nothing
reads a clock. Another processor, or another version of flite, espeak-ng or ffmpeg, may round differently: so the
recording itself is committed.
"""

import hashlib
import html
import re
import subprocess
import sys
import tempfile
import textwrap
import tomllib
import warnings
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

with warnings.catch_warnings():  # pydub misses an ffmpeg on the path, which nothing here needs
    warnings.simplefilter("ignore", RuntimeWarning)
    from pydub import AudioSegment

HERE = Path(__file__).resolve().parent
EPISODE = HERE.parent / "episodes" / "choose-and-book"
SCRIPT = HERE / "sample_script.toml"
RATE_HZ = 48_000
FULL_SCALE = 32_768
SEED = 20_260_915
ESPEAK_WORDS_A_MINUTE = 175
LEAD_IN_MS, LEAD_OUT_MS = 800, 1_500
SENTENCE_PAUSE_MS = 280
ROOM_DBFS, HUM_DBFS, HUM_HZ = -58.5, -66.0, (50, 100, 150)
FRAME_MS, SPEECH_BELOW_LOUDEST_DB = 20, 30
LINE_CHARACTERS = 65
ENCODING = ("-c:a", "libopus", "-b:a", "48k", "-vbr", "on", "-application", "audio", "-map_metadata", "-1")
BITEXACT = ("-fflags", "+bitexact", "-flags:a", "+bitexact")

Samples = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A voice of the script. level_dbfs: of its speech without the pauses; band_hz: its upper band edge."""

    role: str
    engine: Literal["flite", "espeak-ng"]
    voice: str
    stretch: float
    level_dbfs: float
    band_hz: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A sentence of the script. pause_ms: the quiet before it."""

    voice: Voice
    text: str
    pause_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A sentence in its place. start_ms, end_ms: from the start of the recording."""

    start_ms: int
    end_ms: int
    line: Line


Script = tuple[tuple[str, tuple[Line, ...]], ...]


def read_script(path: Path) -> Script:
    """Read the chapters of the script: each a title and its lines."""
    script = tomllib.loads(path.read_text(encoding="utf-8"))
    voices = {key: Voice(**values) for key, values in script["voices"].items()}
    return tuple(
        (
            chapter["title"],
            tuple(
                Line(voice=voices[line["who"]], text=line["text"], pause_ms=line.get("pause_ms", SENTENCE_PAUSE_MS))
                for line in chapter["lines"]
            ),
        )
        for chapter in script["chapters"]
    )


def say(line: Line) -> Samples:
    """Speak a line at RATE_HZ, without silence around it and not yet at its level."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "line.wav"
        subprocess.run(command(line, path), check=True)
        with wave.open(str(path), "rb") as sound:
            rate_hz, frames = sound.getframerate(), sound.readframes(sound.getnframes())
    samples = np.frombuffer(frames, dtype="<i2").astype(np.float64) / FULL_SCALE
    return without_edges(resampled(samples, rate_hz, line.voice.band_hz))


def command(line: Line, path: Path) -> list[str]:
    """Name the program that speaks a line into a WAV file."""
    voice = line.voice
    if voice.engine == "flite":
        return [
            "flite",
            "-voice",
            voice.voice,
            "--setf",
            f"duration_stretch={voice.stretch}",
            "-t",
            line.text,
            "-o",
            str(path),
        ]
    return [
        "espeak-ng",
        "-v",
        voice.voice,
        "-s",
        str(round(ESPEAK_WORDS_A_MINUTE / voice.stretch)),
        "-w",
        str(path),
        line.text,
    ]


def resampled(samples: Samples, rate_hz: int, band_hz: int) -> Samples:
    """Bring samples to RATE_HZ in the frequency domain, falling off softly above band_hz."""
    length = round(len(samples) * RATE_HZ / rate_hz)
    spectrum = np.zeros(length // 2 + 1, dtype=np.complex128)
    narrow = np.fft.rfft(samples)
    spectrum[: len(narrow)] = narrow
    frequencies = np.fft.rfftfreq(length, 1 / RATE_HZ)
    spectrum *= 1 / np.sqrt(1 + (frequencies / band_hz) ** 12)
    return np.fft.irfft(spectrum, length) * (length / len(samples))


def frame_powers(samples: Samples) -> Samples:
    """Measure the mean power of each whole frame."""
    size = RATE_HZ * FRAME_MS // 1000
    whole = samples[: len(samples) // size * size].reshape(-1, size)
    return np.mean(whole**2, axis=1)


def is_speech(samples: Samples) -> NDArray[np.bool_]:
    """Say of each frame whether it is speech rather than pause."""
    powers = frame_powers(samples)
    return powers > powers.max() * 10 ** (-SPEECH_BELOW_LOUDEST_DB / 10)


def without_edges(samples: Samples) -> Samples:
    """Cut the silence before and after speech, and fade what is left over one frame."""
    size = RATE_HZ * FRAME_MS // 1000
    spoken = np.flatnonzero(is_speech(samples))
    kept = samples[max(0, spoken[0] - 1) * size : (spoken[-1] + 2) * size].copy()
    fade = np.sin(np.linspace(0, np.pi / 2, size)) ** 2
    kept[:size] *= fade
    kept[-size:] *= fade[::-1]
    return kept


def level_dbfs(samples: Samples) -> float:
    """Measure the level of speech, its pauses left out."""
    return 10 * float(np.log10(np.mean(frame_powers(samples)[is_speech(samples)])))


def segment(samples: Samples) -> AudioSegment:
    """Give samples to pydub as 16-bit mono."""
    whole = np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype("<i2")
    return AudioSegment(data=whole.tobytes(), sample_width=2, frame_rate=RATE_HZ, channels=1)


def room(duration_ms: int) -> AudioSegment:
    """Make the sound of an empty room: noise that falls towards the treble, and the hum of the mains."""
    length = duration_ms * RATE_HZ // 1000
    spectrum = np.fft.rfft(np.random.default_rng(SEED).standard_normal(length))
    frequencies = np.fft.rfftfreq(length, 1 / RATE_HZ)
    spectrum /= np.sqrt(np.maximum(frequencies, 40))
    noise = np.fft.irfft(spectrum, length)
    seconds = np.arange(length) / RATE_HZ
    hum = sum(np.sin(2 * np.pi * hertz * seconds) / order for order, hertz in enumerate(HUM_HZ, 1))
    return segment(at_power(noise, ROOM_DBFS) + at_power(np.asarray(hum), HUM_DBFS))


def at_power(samples: Samples, dbfs: float) -> Samples:
    """Scale samples to a mean level."""
    return samples * 10 ** (dbfs / 20) / np.sqrt(np.mean(samples**2))


def assemble(script: Script) -> tuple[AudioSegment, tuple[tuple[str, tuple[Said, ...]], ...]]:
    """Speak the script over the sound of the room.

    Returns:
        The recording, and the chapters of the script with the place of every sentence.
    """
    pieces = {line: say(line) for _, lines in script for line in lines}
    gains_db = gains(pieces)
    speech = AudioSegment.silent(LEAD_IN_MS, frame_rate=RATE_HZ)
    chapters = []
    for title, lines in script:
        said = []
        for line in lines:
            speech += AudioSegment.silent(line.pause_ms, frame_rate=RATE_HZ)
            start_ms = len(speech)
            speech += segment(pieces[line] * 10 ** (gains_db[line.voice] / 20))
            said.append(Said(start_ms=start_ms, end_ms=len(speech), line=line))
        chapters.append((title, tuple(said)))
    speech += AudioSegment.silent(LEAD_OUT_MS, frame_rate=RATE_HZ)
    return room(len(speech)).overlay(speech), tuple(chapters)


def gains(pieces: dict[Line, Samples]) -> dict[Voice, float]:
    """Find the gain in dB that brings each voice, over all its lines, to its level."""
    together: dict[Voice, list[Samples]] = {}
    for line, samples in pieces.items():
        together.setdefault(line.voice, []).append(samples)
    return {voice: voice.level_dbfs - level_dbfs(np.concatenate(parts)) for voice, parts in together.items()}


def clock(milliseconds: int) -> str:
    """Write a time as WebVTT does."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}"


def webvtt(chapters: tuple[tuple[str, tuple[Said, ...]], ...]) -> str:
    """Write the transcript: one cue a sentence; a sentence too long for two lines becomes two cues by its words."""
    cues = [cue for _, said in chapters for sentence in said for cue in sentence_cues(sentence)]
    return "\n".join(["WEBVTT", "", *cues])


def sentence_cues(said: Said) -> list[str]:
    """Write the cues of one sentence, each of at most two lines."""
    role = html.escape(said.line.voice.role, quote=False)
    lines = textwrap.wrap(said.line.text, LINE_CHARACTERS)
    cues, start_ms, words = [], said.start_ms, 0
    for first in range(0, len(lines), 2):
        shown = lines[first : first + 2]
        words += sum(len(line) + 1 for line in shown)
        share = words / sum(len(line) + 1 for line in lines)
        end_ms = said.start_ms + round((said.end_ms - said.start_ms) * share)
        text = html.escape("\n".join(shown), quote=False)
        cues.append(f"{clock(start_ms)} --> {clock(end_ms)}\n<v {role}>{text}</v>\n")
        start_ms = end_ms
    return cues


def chapters_toml(chapters: tuple[tuple[str, tuple[Said, ...]], ...]) -> str:
    """Write the chapters: the first from the start, each other from half a second before its first word."""
    blocks = []
    for number, (title, said) in enumerate(chapters):
        start_ms = said[0].start_ms - 500 if number else 0
        blocks.append(f'[[chapters]]\nstart = "{clock(start_ms)}"\ntitle = "{title}"\n')
    return "# Where the chapters of the recording start; made by tools/make_sample.py.\n\n" + "\n".join(blocks)


def encode(recording: AudioSegment, destination: Path) -> None:
    """Write the recording as Ogg Opus, without anything that differs from run to run."""
    raw = ("-f", "s16le", "-ar", str(RATE_HZ), "-ac", "1", "-i", "pipe:0")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *raw, *ENCODING, *BITEXACT, destination]
    subprocess.run(command, input=recording.raw_data, check=True)


def record_sha256(recording: Path, episode: Path) -> str:
    """Write the recording's SHA-256 into the episode.toml, where there is one."""
    sha256 = hashlib.sha256(recording.read_bytes()).hexdigest()
    if episode.exists():
        text = episode.read_text(encoding="utf-8")
        episode.write_text(
            re.sub(r'sha256 = "[0-9a-f]*"', f'sha256 = "{sha256}"', text), encoding="utf-8", newline="\n"
        )
    return sha256


def main(folder: Path) -> None:
    """Make the sample in `folder` and say what was made."""
    recording, chapters = assemble(read_script(SCRIPT))
    folder.mkdir(parents=True, exist_ok=True)
    encode(recording, folder / "recording.opus")
    (folder / "transcript.vtt").write_text(webvtt(chapters), encoding="utf-8", newline="\n")
    (folder / "chapters.toml").write_text(chapters_toml(chapters), encoding="utf-8", newline="\n")
    sha256 = record_sha256(folder / "recording.opus", folder / "episode.toml")
    size = (folder / "recording.opus").stat().st_size
    print(f"{folder / 'recording.opus'}: {clock(len(recording))}, {size:,} bytes, peak {recording.max_dBFS:.1f} dBFS")
    print(f"sha256 {sha256}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else EPISODE)
