"""An intro and an outro enter as files and leave around the blocks of an episode; pydub fades and ducks them.

A sting goes on under the speech for a while: it steps back as the speech begins, and is gone when the overlap ends. The
outro does the same backwards. The speech itself is only added to, never changed.
"""

import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from pipeline.audio.edits import position
from pipeline.audio.graph import Block, in_pieces
from pipeline.audio.meter import Meter, PeakMeter, decibels, integrated_lufs, momentary_lufs
from pipeline.audio.source import decoded, resampled
from pipeline.errors import AudioError
from pipeline.model import AudioSettings

with warnings.catch_warnings():
    # pydub warns that it finds no ffmpeg of its own, which it is not used for, and imports audioop.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment

SHORTEST_S, LONGEST_S = 0.5, 60
DUCK_DB, DUCK_MS = -12.0, 500
BEGIN_MS, END_MS = 10, 300  # the fades at the ends that no speech hides
FULL_SCALE = 2**31


def read_sting(path: Path, settings: AudioSettings, rate_hz: int, channels: int) -> Block:
    """Read an intro or outro and bring it to the target's loudness.

    Args:
        path: a sound file of half a second to a minute.
        settings: the target, and how mono is counted.
        rate_hz: the master's sample rate.
        channels: the master's channels.

    Returns:
        Its sound, float32 (channels, samples), a whole number of ms long; softer than the target where its true peak
        would otherwise be above the target's.

    Raises:
        AudioError: it cannot be read, is silent, too short or too long.

    Source: ITU-R BS.1770 (loudness, true peak).
    """
    sting = _read(path, rate_hz, channels)
    lufs, true_peak_dbtp = _measured(sting, settings, rate_hz)
    if not np.isfinite(lufs):
        hint = "listen to it, and name another file in cln_media.toml"
        raise AudioError("is silent: nothing of it is above -70 LUFS", source=path, hint=hint)
    target = settings.target
    gain_db = min(target.integrated_lufs - lufs, target.true_peak_dbtp - true_peak_dbtp)
    return sting * np.float32(10 ** (gain_db / 20))


def lead_ms(intro: Block | None, *, overlap_s: float, rate_hz: int) -> int:
    """Say how long the intro plays before the speech begins.

    Args:
        intro: as read.
        overlap_s: how long it goes on under the speech.
        rate_hz: its sample rate.
    """
    return 0 if intro is None else max(0, _length_ms(intro, rate_hz) - _overlap_ms(overlap_s))


def with_stings(
    blocks: Iterable[Block], intro: Block | None, outro: Block | None, *, overlap_s: float, rate_hz: int
) -> Iterator[Block]:
    """Play an intro before and an outro after a stream of speech, in little memory.

    Args:
        blocks: the speech, in blocks of any size.
        intro: as read; None for none.
        outro: as read; None for none.
        overlap_s: how long each goes on under the speech; a shorter sting lies under it wholly.
        rate_hz: the sample rate of all three.

    Yields:
        Blocks; the speech begins after `lead_ms`.
    """
    under_ms, sound = _overlap_ms(overlap_s), iter(blocks)
    if intro is not None:
        ducked = _ducked(intro, under_ms, rate_hz, outer_ms=BEGIN_MS, inner_ms=END_MS)
        sound = _led(sound, ducked, position(lead_ms(intro, overlap_s=overlap_s, rate_hz=rate_hz), rate_hz))
    if outro is not None:
        ducked = _ducked(outro[:, ::-1], under_ms, rate_hz, outer_ms=END_MS, inner_ms=BEGIN_MS)[:, ::-1]
        sound = _followed(in_pieces(sound, rate_hz), ducked, overlap_s, rate_hz)
    yield from sound


def _read(path: Path, rate_hz: int, channels: int) -> Block:
    blocks: list[Block] = []
    held = 0
    for block in resampled(decoded(path), rate_hz=rate_hz, channels=channels):
        blocks.append(block)
        held += block.shape[1]
        if held > LONGEST_S * rate_hz:
            hint = f"cut it to at most {LONGEST_S} seconds"
            raise AudioError(f"is too long for an intro or outro: more than {LONGEST_S} s", source=path, hint=hint)
    if held < SHORTEST_S * rate_hz:
        hint = f"use a sound of {SHORTEST_S} to {LONGEST_S} seconds"
        raise AudioError(f"is too short for an intro or outro: {held / rate_hz:.2f} s", source=path, hint=hint)
    return np.concatenate(blocks, axis=1)[:, : position(held * 1000 // rate_hz, rate_hz)]


def _measured(sting: Block, settings: AudioSettings, rate_hz: int) -> tuple[float, float]:
    meter = Meter(rate_hz=rate_hz, channels=len(sting), mono_loudness=settings.target.mono_loudness)
    peaks = PeakMeter(rate_hz=rate_hz, channels=len(sting))
    for block in in_pieces([sting], rate_hz):
        meter.feed(block)
        peaks.feed(block)
    return integrated_lufs(momentary_lufs(meter.finish())), decibels(peaks.finish())


def _length_ms(sting: Block, rate_hz: int) -> int:
    return round(int(sting.shape[1]) * 1000 / rate_hz)


def _overlap_ms(overlap_s: float) -> int:
    return round(overlap_s * 1000)


def _under(outro: Block, samples: int, overlap_s: float, rate_hz: int) -> int:
    return min(position(_overlap_ms(overlap_s), rate_hz), int(outro.shape[1]), samples)


def _ducked(sting: Block, overlap_ms: int, rate_hz: int, *, outer_ms: int, inner_ms: int) -> Block:
    """Fade a sting in over `outer_ms`, duck it where the overlap begins, and fade it out to the overlap's end."""
    piece = _segment(sting, rate_hz).fade_in(outer_ms)
    length_ms = len(piece)
    under_ms = min(overlap_ms, length_ms)
    duck_ms = min(DUCK_MS, under_ms // 2)
    if duck_ms:
        lead = length_ms - under_ms
        piece = piece.fade(to_gain=DUCK_DB, start=lead, end=lead + duck_ms)
    piece = piece.fade_out(under_ms - duck_ms if duck_ms else inner_ms)
    return _block(piece, sting.shape[1])


def _segment(block: Block, rate_hz: int) -> AudioSegment:
    whole = np.clip(np.rint(block.T.astype(np.float64) * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype("<i4")
    return AudioSegment(data=whole.tobytes(), sample_width=4, frame_rate=rate_hz, channels=len(block))


def _block(piece: AudioSegment, samples: int) -> Block:
    # pydub counts in whole ms: at rates that have no whole number of samples in one, the last sample may be missing.
    faded = np.frombuffer(piece.raw_data, dtype="<i4").reshape(-1, piece.channels)[:samples].T
    block = np.zeros((piece.channels, samples), np.float32)
    block[:, : faded.shape[1]] = faded / FULL_SCALE
    return block


def _led(blocks: Iterable[Block], intro: Block, lead: int) -> Iterator[Block]:
    if lead:
        yield intro[:, :lead]
    rest = intro[:, lead:]
    for block in blocks:
        count = min(block.shape[1], rest.shape[1])
        yield np.concatenate([block[:, :count] + rest[:, :count], block[:, count:]], axis=1) if count else block
        rest = rest[:, count:]
    if rest.shape[1]:
        yield rest


def _followed(blocks: Iterable[Block], outro: Block, overlap_s: float, rate_hz: int) -> Iterator[Block]:
    longest = _under(outro, outro.shape[1], overlap_s, rate_hz)
    held = np.zeros((len(outro), 0), np.float32)
    for block in blocks:
        held = np.concatenate([held, block], axis=1)
        ready = max(0, held.shape[1] - longest)
        if ready:
            yield held[:, :ready]
        held = held[:, ready:]
    under = held.shape[1]
    yield np.concatenate([held + outro[:, :under], outro[:, under:]], axis=1)
