"""Sound enters, its loudness and true peak leave; libavfilter's ebur128 measures, through PyAV."""

import math
from array import array
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame

from pipeline.audio.graph import Block, Chain, in_pieces
from pipeline.audio.source import Progress, decoded, resampled
from pipeline.errors import AudioError
from pipeline.model import Loudness, MonoLoudness

ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
HOPS_PER_SECOND = 10  # a gating block of 400 ms starts every 100 ms
SILENCE = Loudness(integrated_lufs=-math.inf, true_peak_dbtp=-math.inf, range_lu=0.0, threshold_lufs=-math.inf)
Levels = npt.NDArray[np.float64]


def measure(
    path: Path, *, mono_loudness: MonoLoudness = MonoLoudness.AS_PLAYED, progress: Progress | None = None
) -> Loudness:
    """Measure the loudness of a sound file, in one pass and little memory whatever its length.

    Args:
        path: a sound file; more than two channels are mixed to stereo first.
        mono_loudness: whether one channel counts as played by two speakers (+3 LU) or as it reads.
        progress: is told the part (0 to 1) that is done; what it raises ends the measuring.

    Returns:
        The Loudness; -inf where nothing is above the gate of -70 LUFS.

    Raises:
        AudioError: the file cannot be read as sound to its end.

    Source: ITU-R BS.1770 (gated loudness, true peak), EBU Tech 3342 (loudness range).
    """
    sounds = decoded(path, progress)
    first = next(sounds, None)
    if first is None:
        raise AudioError("none of its sound can be decoded", source=path, hint="copy the recording again")
    channels = min(2, len(first.samples))
    meter = Meter(rate_hz=first.rate_hz, channels=channels, mono_loudness=mono_loudness)
    blocks = resampled(chain([first], sounds), rate_hz=first.rate_hz, channels=channels)
    for block in in_pieces(blocks, first.rate_hz):
        meter.feed(block)
    return meter.loudness()


class Meter:
    """A loudness meter for mono or stereo sound: feed blocks, then read its loudness once.

    `momentary` is the loudness (LUFS) of the 400 ms before each tenth of a second.
    """

    def __init__(
        self, *, rate_hz: int, channels: int, mono_loudness: MonoLoudness, peak: Literal["true", "none"] = "true"
    ) -> None:
        dual = int(mono_loudness is MonoLoudness.AS_PLAYED)
        options = f"metadata=1:framelog=quiet:peak={peak}:dualmono={dual}"
        self._chain = Chain([("ebur128", options)], rate_hz=rate_hz, channels=channels)
        self._hop = rate_hz // HOPS_PER_SECOND
        self._fed = 0
        self._end = np.zeros((channels, 1), np.float32)
        self._last: dict[str, str] = {}
        self.momentary = array("d")

    def feed(self, block: Block) -> None:
        """Hear one more block."""
        self._fed += block.shape[1]
        self._end = block[:, -1:]
        self._read(self._chain.feed(block))

    def loudness(self) -> Loudness:
        """Say what was measured; call it once, after the last block."""
        # The filter reports whole tenths of a second only: the last sample is held until one is full, without a step.
        if self._fed % self._hop:
            self._read(self._chain.feed(np.repeat(self._end, self._hop - self._fed % self._hop, axis=1)))
        self._read(self._chain.finish())
        peak_dbtp = decibels(float(self._last.get("lavfi.r128.true_peak", 0)))
        levels = np.array(self.momentary)
        if not (levels > ABSOLUTE_GATE_LUFS).any():
            return replace(SILENCE, true_peak_dbtp=peak_dbtp)
        return Loudness(
            integrated_lufs=float(self._last["lavfi.r128.I"]),
            true_peak_dbtp=peak_dbtp,
            range_lu=float(self._last["lavfi.r128.LRA"]),
            threshold_lufs=threshold_lufs(levels),
        )

    def _read(self, frames: Iterator[AudioFrame]) -> None:
        for frame in frames:
            if "lavfi.r128.M" in frame.metadata:
                self._last = frame.metadata
                self.momentary.append(float(self._last["lavfi.r128.M"]))


def decibels(amplitude: float) -> float:
    """Turn an amplitude (1 is full scale) into decibels."""
    return 20 * math.log10(amplitude) if amplitude > 0 else -math.inf


def mean_lufs(momentary: Levels) -> float:
    """Average loudness levels as power; -inf for none."""
    return 10 * math.log10(float(np.mean(10 ** (momentary / 10)))) if len(momentary) else -math.inf


def threshold_lufs(momentary: Levels) -> float:
    """Return the relative gate of these momentary levels: 10 LU under the mean of what is above -70 LUFS."""
    return mean_lufs(momentary[momentary > ABSOLUTE_GATE_LUFS]) + RELATIVE_GATE_LU


def integrated_lufs(momentary: Levels) -> float:
    """Return the gated loudness of momentary levels (LUFS, one each tenth of a second)."""
    gate_lufs = max(ABSOLUTE_GATE_LUFS, threshold_lufs(momentary))
    return mean_lufs(momentary[momentary > gate_lufs])
