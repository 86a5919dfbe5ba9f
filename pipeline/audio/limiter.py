"""An envelope of a recording enters, the gain that takes it to its loudness under a ceiling leaves; numpy alone.

A first pass keeps the peak and power of every block of one to two milliseconds. From them the limiter's gain is known
before the second pass, and so is the loudness it will leave: the gain is settled without reading the recording again.
"""

import math
from array import array
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from pipeline.audio.graph import Block
from pipeline.audio.meter import HOPS_PER_SECOND, Levels, integrated_lufs

LONGEST_BLOCK_S = 0.002
ATTACK_S = 0.006  # from full gain to none; half the gain takes half as long
RELEASE_S = 0.120
MOST_LIMITING_DB = 24.0
CLOSE_ENOUGH_LU = 0.02
ROUNDS = 16
WINDOW_HOPS = 4
CHUNK_HOPS = 100

Values = npt.NDArray[np.float16]
ROUNDED_UP = 1 + 2.0**-10  # more than rounding to half precision takes away


class Envelope:
    """The peak and power of each block of a recording. add: blocks of sound, whole seconds, the last one shorter.

    samples: how many were added; hop: samples in a tenth of a second; length: samples in a block.
    """

    def __init__(self, rate_hz: int) -> None:
        self.hop = rate_hz // HOPS_PER_SECOND
        longest = max(1, int(rate_hz * LONGEST_BLOCK_S))
        self.length = max(size for size in range(1, longest + 1) if self.hop % size == 0)
        self.samples = 0
        self._peaks = array("H")  # half precision: 180 minutes take 27 MB
        self._norms = array("H")

    @property
    def peaks(self) -> Values:
        """The highest amplitude of each block, over all channels, never rounded down."""
        return np.frombuffer(self._peaks, dtype=np.float16)

    @property
    def norms(self) -> Values:
        """The square root of the power of each block, over all channels."""
        return np.frombuffer(self._norms, dtype=np.float16)

    def add(self, block: Block) -> None:
        """Take in the next stretch of the recording."""
        blocks = in_blocks(block, self.length)
        self.samples += block.shape[1]
        peaks = np.abs(blocks).max(axis=(0, 2)) * ROUNDED_UP
        self._peaks.frombytes(peaks.astype(np.float16).tobytes())
        self._norms.frombytes(np.sqrt(np.square(blocks).sum(axis=(0, 2))).astype(np.float16).tobytes())


class Limiter:
    """A gain with a ceiling over a recording whose envelope is known: it looks ahead, and never overshoots.

    gain: a factor on the amplitude; ceiling: the highest amplitude that may leave.
    """

    def __init__(self, envelope: Envelope, *, gain_db: float, ceiling_dbfs: float) -> None:
        self.length = envelope.length
        self.samples = envelope.samples
        self._peaks = envelope.peaks
        self._gain = amplitude(gain_db)
        self._ceiling = amplitude(ceiling_dbfs)
        per_second = envelope.hop * HOPS_PER_SECOND / envelope.length
        self._fall, self._rise = 1 / (ATTACK_S * per_second), 1 / (RELEASE_S * per_second)

    def edges(self, first: int, last: int) -> Levels:
        """Return the gain factor at the edges of the blocks `first` to `last` - 1, one more than there are blocks.

        Within a block the gain runs straight from edge to edge; no edge is above what either block may have.
        """
        start = max(0, first - 1 - math.ceil(1 / self._rise))
        peaks = self._peaks[start : last + 1 + math.ceil(1 / self._fall)].astype(np.float64) * self._gain
        if peaks.size == 0 or peaks.max() <= self._ceiling:
            return np.full(last - first + 1, self._gain)
        factors = self._smooth(self._ceiling / np.maximum(peaks, self._ceiling))
        padded = np.concatenate([factors[:1], factors, factors[-1:]])
        inner = np.minimum(padded[:-1], padded[1:])
        edges: Levels = inner[first - start : last - start + 1] * self._gain
        return edges

    def apply(self, block: Block, first: int) -> Block:
        """Apply the gain to a stretch of the recording that begins with block number `first`."""
        blocks = in_blocks(block, self.length)
        edges = self.edges(first, first + blocks.shape[1]).astype(np.float32)
        along = (np.arange(self.length, dtype=np.float32) + np.float32(0.5)) / np.float32(self.length)
        gains = edges[:-1, None] + np.diff(edges)[:, None] * along
        return (blocks * gains).reshape(len(block), -1)[:, : block.shape[1]]

    def _smooth(self, factors: Levels) -> Levels:
        steps = np.arange(len(factors))
        released = np.minimum.accumulate(factors - self._rise * steps) + self._rise * steps
        backwards: Levels = np.minimum.accumulate((released - self._fall * steps[::-1])[::-1]) + self._fall * steps
        return backwards[::-1]


def settle(envelope: Envelope, momentary: Levels, *, target_lufs: float, ceiling_dbfs: float) -> float:
    """Find the gain (dB) with which the limited recording has the target's loudness.

    Args:
        envelope: of the recording.
        momentary: its loudness (LUFS) each tenth of a second, as it came.
        target_lufs: the integrated loudness wanted.
        ceiling_dbfs: the limiter's ceiling.

    Returns:
        The gain in dB: at most MOST_LIMITING_DB above the one that would do without a limiter.
    """
    gain_db = plain_db = target_lufs - integrated_lufs(momentary)
    slope, before = 1.0, (math.nan, math.nan)
    for _ in range(ROUNDS):
        lufs = limited_lufs(envelope, momentary, gain_db=gain_db, ceiling_dbfs=ceiling_dbfs)
        if abs(target_lufs - lufs) < CLOSE_ENOUGH_LU:
            break
        if gain_db != before[0] and not math.isnan(before[0]):
            slope = min(1.0, max(0.1, (lufs - before[1]) / (gain_db - before[0])))
        before = (gain_db, lufs)
        gain_db = min(plain_db + MOST_LIMITING_DB, gain_db + (target_lufs - lufs) / slope)
    return gain_db


def limited_lufs(envelope: Envelope, momentary: Levels, *, gain_db: float, ceiling_dbfs: float) -> float:
    """Foretell the integrated loudness of a recording after gain and limiter."""
    limiter = Limiter(envelope, gain_db=gain_db, ceiling_dbfs=ceiling_dbfs)
    parts = list(_hop_powers(envelope, limiter))
    before, after = (np.convolve(np.concatenate(powers), np.ones(WINDOW_HOPS)) for powers in zip(*parts, strict=True))
    count = min(len(momentary), len(before))
    sounding = before[:count] > 0
    changes_db = 10 * np.log10(after[:count][sounding] / before[:count][sounding])
    return integrated_lufs(momentary[:count][sounding] + changes_db)


def _hop_powers(envelope: Envelope, limiter: Limiter) -> Iterator[tuple[Levels, Levels]]:
    norms, per_hop = envelope.norms, envelope.hop // envelope.length
    bounds = [*range(0, len(norms), per_hop * CHUNK_HOPS), len(norms)]
    for first, last in pairwise(bounds):
        edges = limiter.edges(first, last)
        raw = np.square(norms[first:last].astype(np.float64))
        limited = raw * np.square((edges[:-1] + edges[1:]) / 2)
        starts = np.arange(0, last - first, per_hop)
        yield np.add.reduceat(raw, starts), np.add.reduceat(limited, starts)


def in_blocks(block: Block, length: int) -> Block:
    """Shape (channels, samples) as (channels, blocks, length), with silence after the end where it does not fit."""
    short = -block.shape[1] % length
    whole = np.pad(block, ((0, 0), (0, short))) if short else block
    return whole.reshape(len(block), -1, length)


def amplitude(decibels: float) -> float:
    """Turn decibels into an amplitude (0 dB is full scale)."""
    return float(10 ** (decibels / 20))
