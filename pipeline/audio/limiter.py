"""Sound enters, sound under a ceiling leaves; from peaks alone, the gain is foretold that brings it to its loudness.

The limiter sees what comes, so it never overshoots. Its gain in a block depends only on the blocks within RELEASE_S
before and ATTACK_S after: pieces of a recording are limited apart from one another, exactly as the whole would be.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.audio.graph import Block
from pipeline.audio.meter import SILENT, STEP_MS, Powers, integrated_lufs, momentary_lufs

ATTACK_S = 0.006  # from full gain to none; half the gain takes half as long
RELEASE_S = 0.120
CACHED_BLOCKS = 128  # so many at a time stay in the processor's cache
BLOCK_SAMPLES = 72  # a sixteenth of an MP3 frame, so that pieces that begin with a frame begin with a block
MOST_LIMITING_DB = 24.0
CLOSE_ENOUGH_LU = 0.01
ROUNDS = 16
CHUNK_STEPS, CONTEXT_STEPS = 15_000, 10  # five minutes at a time, so that memory stays flat

Factors = npt.NDArray[np.float64]
Halves = npt.NDArray[np.float16]


def limited(sound: Block, *, rate_hz: int, ceiling: float | Factors) -> Block:
    """Limit a stretch of sound.

    Args:
        sound: float32 (channels, samples), a whole number of blocks of 72 samples; the gain in its first 120 ms and
            last 6 ms is only right if nothing loud stands before and after.
        rate_hz: its sample rate.
        ceiling: the highest amplitude that may leave, one for all or one for each block.

    Returns:
        The limited sound, as long as it was.
    """
    peaks = block_peaks(sound, BLOCK_SAMPLES)
    if (peaks <= ceiling).all():
        return sound
    factors = smoothed(ceiling / np.maximum(peaks, ceiling), blocks_per_second=rate_hz / BLOCK_SAMPLES)
    padded = np.concatenate([factors[:1], factors, factors[-1:]])
    edges = np.minimum(padded[:-1], padded[1:]).astype(np.float32)  # none above what either block may have
    along = (np.arange(BLOCK_SAMPLES, dtype=np.float32) + np.float32(0.5)) / np.float32(BLOCK_SAMPLES)
    quieter = sound.copy()
    for first in range(0, len(peaks), CACHED_BLOCKS):
        part = edges[first : first + CACHED_BLOCKS + 1]
        if part.min() < 1:
            gains = part[:-1, None] + np.diff(part)[:, None] * along
            quieter[:, first * BLOCK_SAMPLES :][:, : gains.size] *= gains.reshape(-1)
    return quieter


def block_peaks(sound: Block, length: int) -> Powers:
    """Return the highest amplitude of each block of `length` samples, over all channels; a last short one is left."""
    count = sound.shape[1] // length
    blocks = sound[:, : count * length].reshape(len(sound), count, length)
    peaks: Powers = np.maximum(blocks.max(axis=2), -blocks.min(axis=2)).max(axis=0)
    return peaks


def smoothed(factors: Factors, *, blocks_per_second: float) -> Factors:
    """Make a gain fall in time before each block that needs it, and rise slowly after."""
    fall, rise = 1 / (ATTACK_S * blocks_per_second), 1 / (RELEASE_S * blocks_per_second)
    steps = np.arange(len(factors))
    released = np.minimum.accumulate(factors - rise * steps) + rise * steps
    backwards: Factors = np.minimum.accumulate((released - fall * steps[::-1])[::-1]) + fall * steps
    return backwards[::-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """What is known of sound before it is limited.

    powers: of each 20 ms, as heard, (steps,); peaks, norms: the highest amplitude and the root mean square of each of
    some parts of a step, (steps, parts); norms count only against others of their step.
    """

    powers: Powers
    peaks: Halves
    norms: Halves


def settle(levels: Levels, *, target_lufs: float, ceiling: float) -> float:
    """Find the gain (dB) with which limited sound has the target's loudness.

    Args:
        levels: of the sound.
        target_lufs: the integrated loudness wanted.
        ceiling: the limiter's.

    Returns:
        The gain in dB: at most MOST_LIMITING_DB above the one that would do without a limiter; 0 for silence.
    """
    gain_db = plain_db = target_lufs - integrated_lufs(momentary_lufs(levels.powers))
    if math.isinf(plain_db):  # nothing of it can be heard: edits cover it all
        return 0.0
    slope, before = 1.0, (math.nan, math.nan)
    for _ in range(ROUNDS):
        lufs = limited_lufs(levels, gain_db=gain_db, ceiling=ceiling)
        if abs(target_lufs - lufs) < CLOSE_ENOUGH_LU:
            break
        if gain_db != before[0] and not math.isnan(before[0]):
            slope = min(1.0, max(0.1, (lufs - before[1]) / (gain_db - before[0])))
        before = (gain_db, lufs)
        gain_db = min(plain_db + MOST_LIMITING_DB, gain_db + (target_lufs - lufs) / slope)
    return gain_db


def limited_lufs(levels: Levels, *, gain_db: float, ceiling: float) -> float:
    """Foretell the integrated loudness of sound after gain and limiter."""
    kept = np.concatenate(
        [_kept(levels, first, ceiling / amplitude(gain_db)) for first in range(0, len(levels.powers), CHUNK_STEPS)]
    )
    return integrated_lufs(momentary_lufs(levels.powers * kept)) + gain_db


def _kept(levels: Levels, first: int, ceiling: float) -> Powers:
    """Return the part of the power that the limiter leaves, for each step of a chunk."""
    last, start = first + CHUNK_STEPS, max(0, first - CONTEXT_STEPS)
    peaks = levels.peaks[start : last + CONTEXT_STEPS].astype(np.float64)
    per_second = peaks.shape[1] * 1000 / STEP_MS
    factors = smoothed(ceiling / np.maximum(peaks.reshape(-1), ceiling), blocks_per_second=per_second)
    squares = np.square(levels.norms[first:last], dtype=np.float32) + np.float32(SILENT)
    own = factors.reshape(peaks.shape)[first - start :][: len(squares)]
    kept: Powers = ((squares * np.square(own)).sum(axis=1) / squares.sum(axis=1)).astype(np.float32)
    return kept


def amplitude(decibels: float) -> float:
    """Turn decibels into an amplitude (0 dB is full scale)."""
    return float(10 ** (decibels / 20))
