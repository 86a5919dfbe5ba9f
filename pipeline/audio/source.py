"""A recording enters, what it says of itself or its sound as blocks of numbers leaves; PyAV opens it, confined."""

import io
import re
import stat
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from pipeline.audio.graph import Block, through
from pipeline.audio.sniff import Sniffed, sniff
from pipeline.errors import AudioError
from pipeline.model import Recording, clock

Progress = Callable[[float], None]

DECODERS = (
    *(f"pcm_{kind}" for kind in ("u8", "s8", "alaw", "mulaw")),
    *(f"pcm_{kind}{bits}{end}" for end in ("le", "be") for kind, bits in (("s", 16), ("s", 24), ("s", 32))),
    *("pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be", "pcm_u16le", "pcm_u24le", "pcm_u32le"),
    *("adpcm_ms", "adpcm_ima_wav", "adpcm_ima_qt", "gsm_ms", "flac", "alac", "vorbis", "opus", "libopus"),
    *("mp1float", "mp2float", "mp3float", "mp1", "mp2", "mp3", "aac", "aac_latm", "ac3", "eac3"),
    *("wmav1", "wmav2", "wmapro", "wmalossless", "wmavoice", "amrnb", "amrwb"),
)
# The file is handed over open and no protocol is allowed: no recording can have another file or the network opened.
CONFINED = {"protocol_whitelist": "none", "codec_whitelist": ",".join(DECODERS)}
READ_BYTES = 1 << 18
PACKET_BYTES = 1 << 19  # of a WAV, whose packets would else be so small that handing them over costs most
RATES_HZ = range(2_000, 768_001)
MAX_CHANNELS = 64
LEFT_AND_RIGHT = 2
MINUTE_S = 60
LOUDEST = 64.0  # +36 dBFS: beyond it, a float sample is damage
PROGRESS_STEP = 0.002
MISSING_S = (0.25, 1.0)  # what may be missing at the end: a tenth of the recording, within these
TITLE_CHARACTERS = 200
DESCRIPTION_CHARACTERS = 4_000
YEARS = range(1990, 2100)
COPY_AGAIN = "copy the recording again from the recorder or the meeting and check that it plays to the end"
USE_SOUND = "use a WAV, FLAC, AIFF, MP3, M4A, Ogg, Opus or WMA file, or an MP4, MOV, WebM or MKV with sound"


class Sound(NamedTuple):
    """A decoded stretch: its rate, the names of its channels, and its samples, float32 (channels, samples)."""

    rate_hz: int
    names: tuple[str, ...]
    samples: Block


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    path: Path
    file: BinaryIO
    size: int
    sniffed: Sniffed
    container: InputContainer
    stream: AudioStream


def probe(path: Path) -> Recording:
    """Read what a recording says of itself; nothing but its first sound is decoded.

    Args:
        path: a sound file, or a video file with sound; its content decides, not its extension.

    Returns:
        A Recording; `duration_ms` as its header says, or counted where the header only guesses. `recorded_on` is
        aware where the file names its zone, naive (the recorder's own clock) where it does not.

    Raises:
        AudioError: the file is missing, empty, unreadable, without sound, or no sound file that we read.

    Source: EBU Tech 3285 (Broadcast Wave) for the date of recording.
    """
    with _opened(path) as source:
        stream = source.stream
        tags = {**_tags(stream.metadata), **_tags(source.container.metadata)}
        duration_s = _header_duration_s(source)
        if not any(True for _ in _frames(source, _Losses(), None)):
            raise AudioError("none of its sound can be decoded", source=path, hint=COPY_AGAIN)
    return Recording(
        path=path,
        container=source.sniffed.demuxer,
        codec=stream.codec_context.codec.canonical_name,
        duration_ms=round((_counted_duration_s(path) if duration_s is None else duration_s) * 1000),
        sample_rate_hz=stream.rate,
        channels=stream.channels,
        recorded_on=_recorded_on(tags),
        title=_clean(tags.get("title", ""), TITLE_CHARACTERS),
        description=_clean(tags.get("description") or tags.get("comment", ""), DESCRIPTION_CHARACTERS),
    )


def decoded(path: Path, progress: Progress | None = None) -> Iterator[Sound]:
    """Decode a recording from start to end, stretch by stretch.

    Args:
        path: a recording, as for `probe`.
        progress: is told the part (0 to 1) of the file that has been read; what it raises ends the decoding.

    Yields:
        Stretches of finite samples, nominally within -1 and 1.

    Raises:
        AudioError: as for `probe`, or the file holds less sound than it declares, or is damaged.
    """
    with _opened(path) as source:
        losses, reached_s, decoded_s = _Losses(), 0.0, 0.0
        start_s = float((source.stream.start_time or 0) * (source.stream.time_base or 0))
        for frame in _frames(source, losses, progress):
            yield Sound(frame.sample_rate, tuple(channel.name for channel in frame.layout.channels), _floats(frame))
            decoded_s += frame.samples / frame.sample_rate
            if frame.pts is not None and frame.time_base is not None:
                reached_s = float(frame.pts * frame.time_base) - start_s + frame.samples / frame.sample_rate
        _require_whole(source, max(decoded_s, reached_s), losses)


def resampled(sounds: Iterable[Sound], *, rate_hz: int, channels: int) -> Iterator[Block]:
    """Bring decoded stretches, whatever their rates and channels, to one rate and to mono or stereo."""
    for from_hz, group in groupby(sounds, key=lambda sound: sound.rate_hz):
        blocks = (_mixed(sound, channels) for sound in group)
        if from_hz == rate_hz:
            yield from blocks
        else:
            yield from through([("aresample", str(rate_hz))], blocks, rate_hz=from_hz, channels=channels)


@dataclass(slots=True)
class _Losses:
    seconds: float = 0.0
    broken_off: bool = False


class _Reader(io.BufferedReader):
    # A damaged file may send the demuxer before its start: PyAV would print the exception, so it is told by number.
    def seek(self, target: int, whence: int = 0, /) -> int:
        try:
            return super().seek(target, whence)
        except (OSError, ValueError, OverflowError):
            return -1


@contextmanager
def _opened(path: Path) -> Iterator[_Source]:
    with _file(path) as file:
        size = file.seek(0, 2)
        sniffed = sniff(file)
        if sniffed is None:
            message = "is not a sound file that can be read" if size else "is empty: it holds no sound"
            raise AudioError(message, source=path, hint=USE_SOUND if size else COPY_AGAIN)
        file.seek(0)
        with _container(file, sniffed.demuxer, path) as container:
            stream = _sound_of(container, path)
            yield _Source(path=path, file=file, size=size, sniffed=sniffed, container=container, stream=stream)


def _file(path: Path) -> BinaryIO:
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            return _Reader(path.open("rb", buffering=0))
    except PermissionError as error:
        hint = "ask its owner for the right to read it, or close the program that has it open"
        raise AudioError("may not be read", source=path, hint=hint) from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise AudioError("is not there", source=path, hint="check the path of the recording") from error
    except (OSError, ValueError) as error:
        raise AudioError(f"cannot be read: {_reason(error)}", source=path, hint=COPY_AGAIN) from error
    message = "is a folder, not a recording" if stat.S_ISDIR(mode) else "is not a file"
    raise AudioError(message, source=path, hint="give the path of one sound file")


def _container(file: BinaryIO, demuxer: str, path: Path) -> InputContainer:
    large = {"max_size": str(PACKET_BYTES), "probesize": str(2 * PACKET_BYTES)} if demuxer == "wav" else {}
    options = CONFINED | large
    try:
        return av.open(
            file, mode="r", format=demuxer, options=options, metadata_errors="surrogateescape", buffer_size=READ_BYTES
        )
    except (av.FFmpegError, OSError, ValueError, UnicodeError) as error:
        raise AudioError("is damaged: nothing in it can be read", source=path, hint=COPY_AGAIN) from error


def _sound_of(container: InputContainer, path: Path) -> AudioStream:
    if not container.streams.audio:
        what = "holds pictures but no sound" if container.streams.video else "holds no sound"
        raise AudioError(what, source=path, hint="export the recording again with its sound")
    stream = container.streams.audio[0]
    if stream.codec_context is None or stream.codec_context.name not in DECODERS:
        raise AudioError("holds sound in a coding that is not read here", source=path, hint=USE_SOUND)
    if stream.rate not in RATES_HZ or not 0 < stream.channels <= MAX_CHANNELS:
        message = f"says it has {stream.channels} channels at {stream.rate} Hz, which no recording has"
        raise AudioError(message, source=path, hint=COPY_AGAIN)
    return stream


def _frames(source: _Source, losses: _Losses, progress: Progress | None) -> Iterator[AudioFrame]:
    told = 0.0
    for packet in _packets(source, losses):
        try:
            yield from (frame for frame in packet.decode() if isinstance(frame, AudioFrame) and _sane(frame))
        except av.FFmpegError:
            losses.seconds += float((packet.duration or 0) * (packet.time_base or 0))
        done = min(1.0, source.file.tell() / source.size)
        if progress is not None and done - told >= PROGRESS_STEP:
            told = done
            progress(done)


def _packets(source: _Source, losses: _Losses) -> Iterator["Packet[AudioStream]"]:
    # A file that ends in mid-air raises from the demuxer; what stands before it is judged by _require_whole.
    packets = source.container.demux(source.stream)
    while True:
        try:
            packet = next(packets, None)
        except (av.FFmpegError, OSError):
            losses.broken_off = True
            return
        if packet is None:
            return
        yield packet


def _sane(frame: AudioFrame) -> bool:
    return frame.samples > 0 and frame.sample_rate in RATES_HZ and 0 < frame.layout.nb_channels <= MAX_CHANNELS


def _require_whole(source: _Source, heard_s: float, losses: _Losses) -> None:
    if heard_s == 0:
        raise AudioError("none of its sound can be decoded", source=source.path, hint=COPY_AGAIN)
    if source.sniffed.present < 1:
        declared_s = heard_s / source.sniffed.present
    else:
        declared_s = (source.sniffed.declares_length and _header_duration_s(source)) or heard_s
    missing_s = max(declared_s - heard_s, losses.seconds)
    allowed_s = min(MISSING_S[1], max(MISSING_S[0], declared_s / 10))
    if missing_s > allowed_s or (losses.broken_off and declared_s == heard_s):
        of = f" of the {_span(declared_s)} it declares" if declared_s > heard_s else ""
        message = f"is cut short or damaged: only {_span(heard_s)}{of} can be decoded"
        raise AudioError(message, source=source.path, hint=COPY_AGAIN)


def _span(seconds: float) -> str:
    return clock(round(seconds * 1000)) if seconds >= MINUTE_S else f"{seconds:.1f} s"


def _header_duration_s(source: _Source) -> float | None:
    stream, container = source.stream, source.container
    if not source.sniffed.declares_length and source.sniffed.demuxer != "ogg":
        return None
    if "DURATION" in stream.metadata:  # Matroska, per track
        return _clock_s(stream.metadata["DURATION"])
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    alone = len(container.streams) == 1
    return container.duration / 1_000_000 if container.duration is not None and alone else None


def _clock_s(text: str) -> float | None:
    found = re.fullmatch(r"(\d{1,4}):(\d\d):(\d\d(?:\.\d{1,12})?)", text)
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3]) if found else None


def _counted_duration_s(path: Path) -> float:
    with _opened(path) as source:
        packets = _packets(source, _Losses())
        return sum(float((packet.duration or 0) * (packet.time_base or 0)) for packet in packets)


def _floats(frame: AudioFrame) -> Block:
    raw: npt.NDArray[Any] = frame.to_ndarray()
    if not frame.format.is_planar:
        raw = raw.reshape(-1, frame.layout.nb_channels).T
    if raw.dtype == np.uint8:
        return (raw.astype(np.float32, order="C") - np.float32(128)) / np.float32(128)
    if raw.dtype.kind == "i":
        scaled: Block = raw.astype(np.float32, order="C")
        scaled *= np.float32(0.5 ** (8 * raw.dtype.itemsize - 1))
        return scaled
    if raw.max() <= LOUDEST and raw.min() >= -LOUDEST:  # false where there is a NaN
        return raw.astype(np.float32, copy=False)
    mended: Block = np.clip(np.nan_to_num(raw, nan=0.0, posinf=0.0, neginf=0.0), -LOUDEST, LOUDEST).astype(np.float32)
    return mended


def _mixed(sound: Sound, channels: int) -> Block:
    if len(sound.samples) == channels:
        return sound.samples
    return weights(sound.names, channels) @ sound.samples


@lru_cache
def weights(names: tuple[str, ...], channels: int) -> Block:
    """Return how much of each channel is in each of those wanted, float32 (wanted, channels)."""
    # Each output is the mean of what is heard there; the bass effects channel carries no speech.
    heard = [name != "LFE" for name in names]
    sides = [heard, heard]
    if channels == LEFT_AND_RIGHT and len(names) > LEFT_AND_RIGHT:
        sides = [[sounds and other not in name for name, sounds in zip(names, heard, strict=True)] for other in "RL"]
    shares = np.array(sides[:channels], dtype=np.float32)
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1)
    return shares


def _tags(metadata: Mapping[str, str]) -> dict[str, str]:
    return {key.lower(): _text(value) for key, value in metadata.items()}


def _text(value: str) -> str:
    # Windows recorders write their tags in the machine's code page, not in UTF-8.
    data = value[: 4 * DESCRIPTION_CHARACTERS].encode("utf-8", "surrogateescape")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _clean(text: str, characters: int) -> str | None:
    kept = "".join(mark if unicodedata.category(mark)[0] != "C" else " " for mark in text)
    return " ".join(kept.split())[:characters].strip() or None


def _recorded_on(tags: Mapping[str, str]) -> datetime | None:
    day, moment = tags.get("date", ""), tags.get("creation_time", "")
    for text in (f"{day}T{moment}", moment, day):  # a Broadcast Wave gives its day and its time apart
        found = _datetime(text.strip())
        if found is not None and found.year in YEARS:
            return found
    return None


def _datetime(text: str) -> datetime | None:
    match = re.fullmatch(r"(\d{4})[-:/_ .](\d\d)[-:/_ .](\d\d)(?:[T ](\d\d)[-:_ .](\d\d)[-:_ .](\d\d)(.*))?", text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    zone = UTC if (match[7] or "").endswith(("Z", "+00:00")) else None
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
