"""A master and a soundbite enter, a short MP3 with softened edges leaves; PyAV reads the stretch, pydub fades it."""

import hashlib
import math
import secrets
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer

from pipeline.audio.child import PLAIN, QUIET, feeding, file_out, sound_in
from pipeline.audio.encoder import ffmpeg_program
from pipeline.audio.graph import Block
from pipeline.audio.meter import measure
from pipeline.audio.source import CONFINED, COPY_AGAIN, Sound, resampled
from pipeline.errors import AudioError
from pipeline.model import AudioSettings, Soundbite, clock

with warnings.catch_warnings():
    # pydub warns that it finds no ffmpeg of its own, which it is not used for, and imports audioop.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment

LONGEST_MS = 120_000
SHORTEST_MS = 1_000
FADE_IN_MS, FADE_OUT_MS = 50, 300
BIT_RATE_KBPS = 128
ENCODES = 5
TOLERANCE_LU = 0.1
MOST_GAIN_DB = 6.0  # what is much softer than that is meant to be
PEAK_MARGIN_DB = 0.1  # other meters may read so much more
PRE_ROLL_S = 0.5  # a frame of MP3 sounds right only after those before it
RATES_HZ = (32_000, 44_100, 48_000)  # at which layer III has this bit rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A clip as it was written; `duration_ms` is what there was of the soundbite."""

    path: Path
    sha256: str
    size: int
    duration_ms: int


def clip(master: Path, bite: Soundbite, destination: Path, settings: AudioSettings) -> Cut:
    """Cut a soundbite out of a master, to be shared on its own.

    Args:
        master: an MP3; only the stretch is decoded.
        bite: the stretch on the master's clock; what is behind the master's end, or after two minutes, is left out.
        destination: the MP3 to write, one channel at 128 kbit/s; its folder exists. It appears complete or not at all.
        settings: the target, whose true peak the clip keeps, and the ffmpeg program.

    Raises:
        AudioError: less than a second of the master is there, it cannot be read, or the clip cannot be written.
    """
    rate_hz, sound = _faded(*_stretch(master, bite))
    temporary = destination.with_name(f".{secrets.token_hex(8)}.part")
    try:
        _encode(sound, temporary, settings, rate_hz=rate_hz)
        with temporary.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
        temporary.replace(destination)
    except OSError as error:
        hint = "make room in this folder and check the right to write to it"
        message = f"the clip cannot be written here: {error.strerror or error}"
        raise AudioError(message, source=destination.parent, hint=hint) from error
    finally:
        temporary.unlink(missing_ok=True)
    return Cut(path=destination, sha256=sha256, size=size, duration_ms=round(sound.shape[1] * 1000 / rate_hz))


def _stretch(master: Path, bite: Soundbite) -> tuple[int, Block]:
    length_s = min(bite.duration_ms, LONGEST_MS) / 1000
    try:
        with master.open("rb") as file, av.open(file, mode="r", format="mp3", options=CONFINED) as container:
            sounds = list(_sounds(container, bite.start_ms / 1000, length_s))
    except (av.FFmpegError, OSError) as error:
        raise AudioError("cannot be read for its clip", source=master, hint=COPY_AGAIN) from error
    if sum(sound.samples.shape[1] / sound.rate_hz for sound in sounds) * 1000 < SHORTEST_MS:
        message = f"the soundbite at {clock(bite.start_ms)} has less than a second of sound"
        raise AudioError(message, source=master, hint="move or remove the soundbite in episode.toml")
    rate_hz = sounds[0].rate_hz if sounds[0].rate_hz in RATES_HZ else RATES_HZ[1]
    return rate_hz, np.concatenate(list(resampled(sounds, rate_hz=rate_hz, channels=1)), axis=1)


def _sounds(container: InputContainer, start_s: float, length_s: float) -> Iterator[Sound]:
    stream = container.streams.audio[0]
    begin_s = float((stream.start_time or 0) * (stream.time_base or 0))
    rate_hz = stream.rate
    first, last = round(start_s * rate_hz), round((start_s + length_s) * rate_hz)
    for at, frame in _frames(container, stream, start_s=start_s, begin_s=begin_s):
        if at >= last:
            return
        samples = frame.to_ndarray()[:, max(0, first - at) : last - at].astype(np.float32, copy=False)
        if samples.shape[1]:
            yield Sound(rate_hz, tuple(channel.name for channel in frame.layout.channels), samples)


def _frames(
    container: InputContainer, stream: AudioStream, *, start_s: float, begin_s: float
) -> Iterator[tuple[int, AudioFrame]]:
    """Decode from a little before `start_s` on; each frame with the number of its first sample in the sound."""
    if start_s > PRE_ROLL_S and stream.time_base:
        container.seek(round((start_s - PRE_ROLL_S + begin_s) / stream.time_base), stream=stream)
    for frame in container.decode(stream):
        if frame.pts is not None and frame.time_base is not None:
            yield round((float(frame.pts * frame.time_base) - begin_s) * frame.sample_rate), frame


def _faded(rate_hz: int, sound: Block) -> tuple[int, Block]:
    whole = np.clip(np.rint(sound[0].astype(np.float64) * 2**31), -(2**31), 2**31 - 1).astype("<i4")
    piece = AudioSegment(data=whole.tobytes(), sample_width=4, frame_rate=rate_hz, channels=1)
    softened = piece.fade_in(FADE_IN_MS).fade_out(FADE_OUT_MS)
    samples = np.frombuffer(softened.raw_data, dtype="<i4").astype(np.float64) / 2**31
    return rate_hz, samples.astype(np.float32)[None, :]


def _encode(sound: Block, temporary: Path, settings: AudioSettings, *, rate_hz: int) -> None:
    """Encode and listen, until it plays at the target, or as near to it as its true peak allows."""
    gain_db, target = 0.0, settings.target
    allowed_dbtp = target.true_peak_dbtp - PEAK_MARGIN_DB
    for _ in range(ENCODES):
        _encode_once(sound * np.float32(10 ** (gain_db / 20)), temporary, settings, rate_hz=rate_hz)
        heard = measure(temporary, mono_loudness=target.mono_loudness)
        if not math.isfinite(heard.integrated_lufs):
            return
        off_lu, room_db = target.integrated_lufs - heard.integrated_lufs, allowed_dbtp - heard.true_peak_dbtp
        if room_db >= 0 and min(abs(off_lu), room_db) < TOLERANCE_LU:
            return
        gain_db = min(gain_db + min(off_lu, room_db), MOST_GAIN_DB)


def _encode_once(sound: Block, temporary: Path, settings: AudioSettings, *, rate_hz: int) -> None:
    coding = ("-map", "0:a:0", "-c:a", "libmp3lame", "-b:a", f"{BIT_RATE_KBPS}k", "-abr", "0", *PLAIN)
    file = ("-id3v2_version", "0", "-write_id3v1", "0", "-write_xing", "1", "-f", "mp3", "-y", file_out(temporary))
    command = [ffmpeg_program(settings), *QUIET, *sound_in(rate_hz=rate_hz, channels=1), *coding, *file]
    with feeding(command, temporary.parent) as child:
        for block in np.array_split(sound, max(1, sound.shape[1] // rate_hz), axis=1):
            child.write(block)
        child.finish()
