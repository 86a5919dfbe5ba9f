"""Sound enters, its loudness and true peak leave; libavfilter weights it as BS.1770 says, numpy adds it up.

The power of every 20 ms as it is heard (a step) says all that loudness needs: it is gathered once, in little memory.
"""

import math
from array import array
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.audio.graph import Block, Chain, Filter, in_pieces, samples_of
from pipeline.audio.source import Progress, decoded, resampled
from pipeline.errors import AudioError
from pipeline.model import Loudness, MonoLoudness

STEP_MS = 20
HOP_STEPS, MOMENTARY_STEPS, SHORT_TERM_STEPS = 5, 20, 150  # 100 ms, 400 ms, 3 s
OFFSET_LU = -0.691
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
RANGE_GATE_LU = -20.0
RANGE_PERCENTILES = (10, 95)
SILENT = 1e-15
OVERSAMPLED_HZ = 192_000
TAPS = 24  # on each side of an output of the interpolation
PEAK_BLOCK = 64
AT_ONCE = 256
MOST_ABOVE_SAMPLES = 10 ** (3 / 20)  # no true peak is expected so far above the samples around it
Powers = npt.NDArray[np.float32]
Levels = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


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
    peaks = PeakMeter(rate_hz=first.rate_hz, channels=channels)
    blocks = resampled(chain([first], sounds), rate_hz=first.rate_hz, channels=channels)
    for block in in_pieces(blocks, first.rate_hz):
        meter.feed(block)
        peaks.feed(block)
    return loudness(meter.finish(), true_peak_dbtp=decibels(peaks.finish()))


class Meter:
    """Hears mono or stereo sound, block by block, and gives the power of every 20 ms of it as it is heard.

    A power is the mean square after the K-weighting, summed over the channels; `finish` gives them all, float32
    (steps,). One channel counts twice where it is heard from two speakers.
    """

    def __init__(self, *, rate_hz: int, channels: int, mono_loudness: MonoLoudness) -> None:
        self._chain = Chain(
            (*k_weighting(rate_hz), ("aformat", "sample_fmts=fltp")), rate_hz=rate_hz, channels=channels
        )
        self._step = rate_hz * STEP_MS // 1000
        self._share = 2.0 if channels == 1 and mono_loudness is MonoLoudness.AS_PLAYED else 1.0
        self._held = np.zeros((channels, 0), np.float32)
        self._powers = array("f")

    def feed(self, block: Block) -> None:
        """Hear one more block."""
        for frame in self._chain.feed(block):
            self._add(samples_of(frame))

    def finish(self) -> Powers:
        """Give the power of every step; call it once, after the last block. What is missing of the last is silent."""
        for frame in self._chain.finish():
            self._add(samples_of(frame))
        self._add(np.zeros((len(self._held), -self._held.shape[1] % self._step), np.float32))
        return np.frombuffer(self._powers, dtype=np.float32)

    def _add(self, weighted: Block) -> None:
        if self._held.shape[1]:
            weighted = np.concatenate([self._held, weighted], axis=1)
        whole = weighted.shape[1] // self._step * self._step
        self._held = weighted[:, whole:]
        steps = weighted[:, :whole].reshape(len(weighted), -1, self._step)
        powers = np.einsum("cst,cst->s", steps, steps) * np.float32(self._share / self._step)
        self._powers.frombytes(powers.astype(np.float32).tobytes())


def k_weighting(rate_hz: int) -> tuple[Filter, Filter]:
    """Return the two filters of the K-weighting for a sample rate.

    Source: ITU-R BS.1770-5, annex 1; the analogue prototypes of its filters, transformed for any rate.
    """
    warped = math.tan(math.pi * 1681.974450955533 / rate_hz)
    high, quality = 10 ** (3.999843853973347 / 20), 0.7071752369554196
    band = high**0.4996667741545416
    scale = 1 + warped / quality + warped * warped
    shelf = (
        (high + band * warped / quality + warped * warped) / scale,
        2 * (warped * warped - high) / scale,
        (high - band * warped / quality + warped * warped) / scale,
        2 * (warped * warped - 1) / scale,
        (1 - warped / quality + warped * warped) / scale,
    )
    warped, quality = math.tan(math.pi * 38.13547087602444 / rate_hz), 0.5003270373238773
    scale = 1 + warped / quality + warped * warped
    pole = 2 * (warped * warped - 1) / scale, (1 - warped / quality + warped * warped) / scale
    return _biquad(*shelf), _biquad(1.0, -2.0, 1.0, *pole)


def _biquad(b0: float, b1: float, b2: float, a1: float, a2: float) -> Filter:
    return "biquad", f"b0={b0!r}:b1={b1!r}:b2={b2!r}:a0=1:a1={a1!r}:a2={a2!r}"


class PeakMeter:
    """Finds the true peak of sound that comes block by block: the highest amplitude between the samples too.

    Source: ITU-R BS.1770-5, annex 2.
    """

    def __init__(self, *, rate_hz: int, channels: int) -> None:
        self._rate_hz = rate_hz
        self._tail = np.zeros((channels, 2 * TAPS), np.float32)
        self._highest = 0.0

    def feed(self, block: Block) -> None:
        """Hear one more block."""
        sound = np.concatenate([self._tail, block], axis=1)
        self._tail = sound[:, -2 * TAPS :]
        _, peaks = true_peaks(sound, rate_hz=self._rate_hz, above=self._highest)
        self._highest = max(self._highest, float(peaks.max(initial=0)))

    def finish(self) -> float:
        """Give the true peak as an amplitude (1 is full scale); call it once, after the last block."""
        self.feed(np.zeros((len(self._tail), 2 * TAPS), np.float32))
        return self._highest


def true_peaks(sound: Block, *, rate_hz: int, above: float) -> tuple[Places, Powers]:
    """Find the true peaks of sound, apart from the outermost 24 samples on each side, which are context only.

    Args:
        sound: float32 (channels, samples).
        rate_hz: its sample rate.
        above: an amplitude; only where the samples come within 3 dB of it is it looked between them.

    Returns:
        For each such place of 64 samples its first sample, and the true peak there; and the place with the highest
        sample of all, so that there always is one.
    """
    if sound.shape[1] <= 2 * TAPS:
        return np.zeros(0, np.intp), np.zeros(0, np.float32)
    phases = _phases(max(1, round(OVERSAMPLED_HZ / rate_hz)))
    whole = 2 * TAPS + (sound.shape[1] - 2 * TAPS) // PEAK_BLOCK * PEAK_BLOCK
    rest = np.pad(sound[:, whole - 2 * TAPS :], ((0, 0), (0, PEAK_BLOCK)))[:, : 2 * TAPS + PEAK_BLOCK]
    found = [_true_peaks(channel, phases, above) for channel in sound[:, :whole]] if whole > 2 * TAPS else []
    last = [_true_peaks(channel, phases, above) for channel in rest]
    places = [places for places, _ in found] + [places + whole - 2 * TAPS for places, _ in last]
    return np.concatenate(places), np.concatenate([peaks for _, peaks in (*found, *last)])


def _true_peaks(channel: Powers, phases: Powers, above: float) -> tuple[Places, Powers]:
    blocks = channel[TAPS:-TAPS].reshape(-1, PEAK_BLOCK)
    highest = np.maximum(blocks.max(axis=1), -blocks.min(axis=1))
    chosen = np.flatnonzero(highest * MOST_ABOVE_SAMPLES >= max(above, float(highest.max())))
    windows = np.lib.stride_tricks.sliding_window_view(channel, PEAK_BLOCK + 2 * TAPS)[::PEAK_BLOCK]
    peaks = [highest[part] for part in np.split(chosen, range(AT_ONCE, len(chosen), AT_ONCE))]
    for number, part in enumerate(np.split(chosen, range(AT_ONCE, len(chosen), AT_ONCE))):
        rows = np.lib.stride_tricks.sliding_window_view(windows[part], 2 * TAPS, axis=1)
        peaks[number] = np.maximum(peaks[number], np.abs(rows @ phases).max(axis=(1, 2)))
    return chosen * PEAK_BLOCK + TAPS, np.concatenate(peaks)


def _phases(factor: int) -> Powers:
    # A windowed sinc for each place between two samples; one row for each sample around.
    places = np.arange(1, factor) / factor
    around = np.arange(-TAPS, TAPS)[:, None] + 1 - places[None, :]
    window = 0.5 + 0.5 * np.cos(np.pi * around / (TAPS + 1))
    phases: Powers = (
        (np.sinc(around) * window).astype(np.float32) if factor > 1 else np.zeros((2 * TAPS, 1), np.float32)
    )
    return phases


def loudness(powers: Powers, *, true_peak_dbtp: float) -> Loudness:
    """Say how loud sound is whose steps have these powers.

    Source: ITU-R BS.1770-5 (gating), EBU Tech 3342 (range).
    """
    momentary = momentary_lufs(powers)
    if not (momentary > ABSOLUTE_GATE_LUFS).any():
        return Loudness(
            integrated_lufs=-math.inf, true_peak_dbtp=true_peak_dbtp, range_lu=0.0, threshold_lufs=-math.inf
        )
    return Loudness(
        integrated_lufs=integrated_lufs(momentary),
        true_peak_dbtp=true_peak_dbtp,
        range_lu=range_lu(powers),
        threshold_lufs=threshold_lufs(momentary),
    )


def momentary_lufs(powers: Powers) -> Levels:
    """Return the loudness of the 400 ms that end at each tenth of a second, from the first whole one."""
    return lufs(_means(powers, MOMENTARY_STEPS))


def short_term_lufs(powers: Powers) -> Levels:
    """Return the loudness of the 3 s that end at each tenth of a second, from the first whole one."""
    return lufs(_means(powers, SHORT_TERM_STEPS))


def _means(powers: Powers, steps: int) -> Levels:
    sums = np.concatenate([[0.0], np.cumsum(powers, dtype=np.float64)])
    means: Levels = np.maximum(sums[steps::HOP_STEPS] - sums[: max(0, len(sums) - steps) : HOP_STEPS], 0) / steps
    return means


def lufs(powers: npt.ArrayLike) -> Levels:
    """Turn powers as heard into loudness; silence is -150 LUFS."""
    levels: Levels = OFFSET_LU + 10 * np.log10(np.maximum(powers, SILENT))
    return levels


def range_lu(powers: Powers) -> float:
    """Return the loudness range.

    Source: EBU Tech 3342.
    """
    levels = short_term_lufs(powers)
    levels = levels[levels > ABSOLUTE_GATE_LUFS]
    if not len(levels):
        return 0.0
    low, high = np.percentile(levels[levels > mean_lufs(levels) + RANGE_GATE_LU], RANGE_PERCENTILES)
    return float(high - low)


def decibels(amplitude: float) -> float:
    """Turn an amplitude (1 is full scale) into decibels."""
    return 20 * math.log10(amplitude) if amplitude > 0 else -math.inf


def mean_lufs(levels: Levels) -> float:
    """Average loudness levels as power; -inf for none."""
    return 10 * math.log10(float(np.mean(10 ** (levels / 10)))) if len(levels) else -math.inf


def threshold_lufs(momentary: Levels) -> float:
    """Return the relative gate of these momentary levels: 10 LU under the mean of what is above -70 LUFS."""
    return mean_lufs(momentary[momentary > ABSOLUTE_GATE_LUFS]) + RELATIVE_GATE_LU


def integrated_lufs(momentary: Levels) -> float:
    """Return the gated loudness of momentary levels (LUFS, one each tenth of a second); -inf where there is none."""
    gate_lufs = max(ABSOLUTE_GATE_LUFS, threshold_lufs(momentary))
    return mean_lufs(momentary[momentary > gate_lufs])
