"""Recordings enter, one normalised MP3 leaves; pydub softens its edges, the pieces beside this one do the rest."""

import hashlib
import os
import secrets
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

import av
import numpy as np

from pipeline.audio.encoder import encoding, ffmpeg_version
from pipeline.audio.graph import Block, in_pieces, through
from pipeline.audio.limiter import Envelope, Limiter, settle
from pipeline.audio.meter import ABSOLUTE_GATE_LUFS, Levels, Meter, measure
from pipeline.audio.source import Progress, decoded, resampled
from pipeline.errors import AudioError
from pipeline.model import AudioSettings, Loudness, LoudnessTarget, Master

with warnings.catch_warnings():
    # pydub warns that it finds no ffmpeg of its own, which it is not used for, and imports audioop.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment

RECIPE = "2"
ENCODES = 3
AUDIBLE_BLOCKS = 7  # so many gating blocks (400 ms, every 100 ms) lie within a second
TONE_AMPLITUDE, TONE_HZ, TONE_S = 0.1, 997, 2
HEADROOM_DB = 1.5  # between the limiter's ceiling and the true peak of the MP3
PEAK_MARGIN_DB = 0.05
PEAK_STEP = 1.5
TOLERANCE_LU = 0.4  # tighter than the 0.5 LU promised, as other meters differ by a few hundredths
FADE_IN_MS = 20
FADE_OUT_MS = 200
SHARE_OF_ANALYSIS = 0.15
SHARE_OF_ENCODING = 0.75  # of an attempt, the rest is measuring
SHARE_OF_FIRST_ATTEMPT = 0.85  # of what is left; a second attempt takes as much of the rest


def master(
    sources: tuple[Path, ...], destination: Path, settings: AudioSettings, progress: Progress | None = None
) -> Master:
    """Turn a recording into a master: one MP3 at the target's loudness, whatever the recording's level.

    Args:
        sources: the parts of one recording, in order; rates and channels may differ.
        destination: the MP3 to write; its folder exists. It appears complete or not at all.
        settings: rate, channels, bit rate, high-pass and target.
        progress: is told the part (0 to 1) of the work that is done; what it raises cancels the work cleanly.

    Returns:
        The Master, its loudness measured on the encoded file. A loudness that misses the target is not an error here.

    Raises:
        AudioError: a part cannot be read to its end, is silent or too short, or the master cannot be written.

    Source: ITU-R BS.1770 for loudness and true peak.
    """
    if not sources:
        raise AudioError("there is no recording to master", source=destination, hint="add a recording to the episode")
    tell = progress or _tell_nobody
    tell(0.0)
    analysis = _analyse(sources, settings, _share(tell, 0.0, SHARE_OF_ANALYSIS))
    with _temporary(destination) as temporary:
        loudness = _reach(sources, temporary, settings, analysis, tell)
        sha256, size = _seal(temporary, destination)
    tell(1.0)
    duration_ms = round(analysis.envelope.samples * 1000 / settings.sample_rate_hz)
    return Master(path=destination, sha256=sha256, size=size, duration_ms=duration_ms, loudness=loudness)


def recipe(settings: AudioSettings) -> dict[str, str]:
    """List everything apart from the recording that changes a master, for the key it is cached under.

    Raises:
        AudioError: there is no ffmpeg program, or it does not run.
    """
    values = asdict(settings) | asdict(settings.target)
    chosen = {name: str(value) for name, value in values.items() if name not in ("target", "ffmpeg")}
    libraries = {name: ".".join(map(str, version)) for name, version in av.library_versions.items()}
    tools = {"ffmpeg": ffmpeg_version(settings), "numpy": np.__version__}
    return dict(sorted({**chosen, **libraries, **tools, "recipe": RECIPE}.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Analysis:
    envelope: Envelope
    momentary: Levels


def _analyse(sources: tuple[Path, ...], settings: AudioSettings, progress: Progress) -> _Analysis:
    envelope = Envelope(settings.sample_rate_hz)
    meter = Meter(
        rate_hz=settings.sample_rate_hz,
        channels=settings.channels,
        mono_loudness=settings.target.mono_loudness,
        peak="none",
    )
    for block in _prepared(sources, settings, progress):
        envelope.add(block)
        meter.feed(block)
    meter.loudness()
    analysis = _Analysis(envelope=envelope, momentary=np.array(meter.momentary))
    _require_sound(sources[0], settings, analysis)
    return analysis


def _require_sound(source: Path, settings: AudioSettings, analysis: _Analysis) -> None:
    length_s = analysis.envelope.samples / settings.sample_rate_hz
    if length_s < 1:
        hint = "give the whole recording: an episode lasts at least a second"
        raise AudioError(f"lasts {length_s:.1f} s; a master needs at least 1 s", source=source, hint=hint)
    if np.count_nonzero(analysis.momentary > ABSOLUTE_GATE_LUFS) < AUDIBLE_BLOCKS:
        hint = (
            "listen to it and export it again with its sound; "
            "where it can be heard in stereo, its channels cancel each other: export one of them"
        )
        raise AudioError("is silent: less than a second of it is above -70 LUFS", source=source, hint=hint)


def _reach(
    sources: tuple[Path, ...], temporary: Path, settings: AudioSettings, analysis: _Analysis, tell: Progress
) -> Loudness:
    target, start = settings.target, SHARE_OF_ANALYSIS
    loss_db = _encoder_loss_db(temporary, settings)
    aim_lufs, ceiling_dbfs = target.integrated_lufs + loss_db, target.true_peak_dbtp - HEADROOM_DB + loss_db
    for attempt in range(1, ENCODES + 1):
        end = start + (1 - start) * SHARE_OF_FIRST_ATTEMPT
        middle = start + (end - start) * SHARE_OF_ENCODING
        gain_db = settle(analysis.envelope, analysis.momentary, target_lufs=aim_lufs, ceiling_dbfs=ceiling_dbfs)
        limiter = Limiter(analysis.envelope, gain_db=gain_db, ceiling_dbfs=ceiling_dbfs)
        _encode(sources, temporary, settings, limiter, _share(tell, start, middle))
        loudness = measure(temporary, mono_loudness=target.mono_loudness, progress=_share(tell, middle, end))
        if attempt == ENCODES or _meets(loudness, target):
            break
        if abs(loudness.integrated_lufs - target.integrated_lufs) > TOLERANCE_LU:
            aim_lufs += target.integrated_lufs - loudness.integrated_lufs
        # The lower the ceiling, the more the MP3 overshoots it: a step of just the excess would fall short.
        ceiling_dbfs -= max(0.0, PEAK_STEP * (loudness.true_peak_dbtp - target.true_peak_dbtp + 2 * PEAK_MARGIN_DB))
        start = end
    return loudness


def _encoder_loss_db(temporary: Path, settings: AudioSettings) -> float:
    # LAME makes the sound softer at some bit rates, by up to half a decibel: a tone tells, so one encode will do.
    rate_hz, kind = settings.sample_rate_hz, settings.target.mono_loudness
    tone = TONE_AMPLITUDE * np.sin(2 * np.pi * TONE_HZ / rate_hz * np.arange(TONE_S * rate_hz))
    block = np.repeat(tone[None, :].astype(np.float32), settings.channels, axis=0)
    meter = Meter(rate_hz=rate_hz, channels=settings.channels, mono_loudness=kind)
    meter.feed(block)
    with encoding(temporary, settings) as encoder:
        encoder.write(block)
        encoder.finish()
    return meter.loudness().integrated_lufs - measure(temporary, mono_loudness=kind).integrated_lufs


def _meets(loudness: Loudness, target: LoudnessTarget) -> bool:
    loud_enough = abs(loudness.integrated_lufs - target.integrated_lufs) <= TOLERANCE_LU
    return loud_enough and loudness.true_peak_dbtp <= target.true_peak_dbtp - PEAK_MARGIN_DB


def _encode(
    sources: tuple[Path, ...], temporary: Path, settings: AudioSettings, limiter: Limiter, progress: Progress
) -> None:
    with encoding(temporary, settings) as encoder:
        blocks = _limited(_prepared(sources, settings, progress), limiter, sources[0])
        for block in _softened(blocks, settings.sample_rate_hz):
            encoder.write(block)
        encoder.finish()


def _prepared(sources: tuple[Path, ...], settings: AudioSettings, progress: Progress) -> Iterator[Block]:
    rate_hz, channels = settings.sample_rate_hz, settings.channels
    parts = (
        resampled(
            decoded(path, _share(progress, index / len(sources), (index + 1) / len(sources))),
            rate_hz=rate_hz,
            channels=channels,
        )
        for index, path in enumerate(sources)
    )
    joined = in_pieces(chain.from_iterable(parts), rate_hz)
    return in_pieces(_highpassed(joined, settings), rate_hz) if settings.highpass_hz else joined


def _highpassed(blocks: Iterator[Block], settings: AudioSettings) -> Iterator[Block]:
    # The filter hears the first sample for a while before the start: an offset would otherwise begin with a thump.
    first = next(blocks, None)
    if first is None:
        return
    lead = settings.sample_rate_hz
    primed = chain([np.repeat(first[:, :1], lead, axis=1), first], blocks)
    filters = [("highpass", f"f={settings.highpass_hz}")]
    for block in through(filters, primed, rate_hz=settings.sample_rate_hz, channels=settings.channels):
        dropped = min(lead, block.shape[1])
        lead -= dropped
        if dropped < block.shape[1]:
            yield block[:, dropped:]


def _limited(blocks: Iterable[Block], limiter: Limiter, source: Path) -> Iterator[Block]:
    samples = 0
    for block in blocks:
        first = samples // limiter.length
        samples += block.shape[1]
        if samples <= limiter.samples:
            yield limiter.apply(block, first)
    if samples != limiter.samples:
        hint = "wait until it is copied completely, then build again"
        raise AudioError("changed while it was being mastered", source=source, hint=hint)


def _softened(blocks: Iterable[Block], rate_hz: int) -> Iterator[Block]:
    """Fade the first second in and the last one out. blocks: a second each, the last one shorter."""
    held: Block | None = None
    for number, block in enumerate(blocks):
        faded = _faded(block, rate_hz, fade_in_ms=FADE_IN_MS) if number == 0 else block
        both = faded if held is None else np.concatenate([held, faded], axis=1)
        if both.shape[1] > rate_hz:
            yield both[:, :-rate_hz]
        held = both[:, -rate_hz:]
    if held is not None:
        yield _faded(held, rate_hz, fade_out_ms=FADE_OUT_MS)


def _faded(block: Block, rate_hz: int, *, fade_in_ms: int = 0, fade_out_ms: int = 0) -> Block:
    whole = np.clip(np.rint(block.T.astype(np.float64) * 2**31), -(2**31), 2**31 - 1).astype("<i4")
    piece = AudioSegment(data=whole.tobytes(), sample_width=4, frame_rate=rate_hz, channels=len(block))
    if fade_in_ms:
        piece = piece.fade_in(fade_in_ms)
    if fade_out_ms:
        piece = piece.fade_out(fade_out_ms)
    faded = np.frombuffer(piece.raw_data, dtype="<i4").reshape(-1, len(block)).T
    return (faded.astype(np.float64) / 2**31).astype(np.float32)


@contextmanager
def _temporary(destination: Path) -> Iterator[Path]:
    path = destination.with_name(f".{secrets.token_hex(8)}.part")
    try:
        path.open("xb").close()
    except OSError as error:
        raise _unwritable(destination, error) from error
    try:
        yield path
    finally:
        with suppress(OSError):  # it was renamed, or the folder itself is gone
            path.unlink()


def _seal(temporary: Path, destination: Path) -> tuple[str, int]:
    try:
        with temporary.open("r+b") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
            os.fsync(file.fileno())
        temporary.replace(destination)
    except OSError as error:
        raise _unwritable(destination, error) from error
    return sha256, size


def _unwritable(destination: Path, error: OSError) -> AudioError:
    message = f"the master cannot be written here: {error.strerror or error}"
    hint = "make room in this folder and check the right to write to it"
    return AudioError(message, source=destination.parent, hint=hint)


def _share(tell: Progress, start: float, end: float) -> Progress:
    return lambda part: tell(start + (end - start) * min(1.0, part))


def _tell_nobody(_part: float) -> None:
    pass
