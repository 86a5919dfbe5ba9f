"""The first reading of a recording: its sound enters, block by block, numbers that fit in little memory leave."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.audio.graph import Block
from pipeline.audio.limiter import block_peaks
from pipeline.audio.meter import STEP_MS, Meter, Powers
from pipeline.model import MonoLoudness

STRETCH_S = 8  # what is kept of the sound itself, to look at hum and noise
STRETCHES = 8
ROUNDED_UP = 1 + 2.0**-10  # more than rounding to half precision takes away


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What is known of a recording before it is mastered, on its own clock.

    powers: of each 20 ms, as heard, float32 (steps,); peaks, norms: the highest amplitude, never rounded down, and the
    root mean square of each few ms, both (steps, some); stretches: some seconds of the sound, from places far apart.
    """

    rate_hz: int
    samples: int
    powers: Powers
    peaks: npt.NDArray[np.float16]
    norms: npt.NDArray[np.float16]
    stretches: tuple[Block, ...]

    def without_peaks(self) -> "Analysis":
        """Return the same without what only planning needs, which would take memory while the recording is mastered."""
        nothing = np.zeros((0, 1), np.float16)
        return replace(self, peaks=nothing, norms=nothing, stretches=())

    @property
    def length_ms(self) -> int:
        """How long the recording lasts."""
        return round(self.samples * 1000 / self.rate_hz)


def analyse(blocks: Iterable[Block], *, rate_hz: int, mono_loudness: MonoLoudness, expected_s: float) -> Analysis:
    """Read a recording once.

    Args:
        blocks: its sound, a second each, the last one shorter.
        rate_hz: its sample rate.
        mono_loudness: how one channel is heard.
        expected_s: about how long it lasts, so that the stretches are kept from all over it.
    """
    step = rate_hz * STEP_MS // 1000
    per_step = next(count for count in (5, 6, 4) if step % count == 0)
    samples, meter, keeper = 0, None, _Keeper(expected_s)
    peaks, norms = array("H"), array("H")
    for block in blocks:
        if meter is None:
            meter = Meter(rate_hz=rate_hz, channels=len(block), mono_loudness=mono_loudness)
        meter.feed(block)
        whole = np.pad(block, ((0, 0), (0, -block.shape[1] % step))) if block.shape[1] % step else block
        highest = np.minimum(block_peaks(whole, step // per_step) * ROUNDED_UP, np.finfo(np.float16).max)
        peaks.frombytes(highest.astype(np.float16).tobytes())
        norms.frombytes(_norms(whole, step // per_step).astype(np.float16).tobytes())
        samples += block.shape[1]
        keeper.see(block)
    return Analysis(
        rate_hz=rate_hz,
        samples=samples,
        powers=meter.finish() if meter else np.zeros(0, np.float32),
        peaks=np.frombuffer(peaks, dtype=np.float16).reshape(-1, per_step),
        norms=np.frombuffer(norms, dtype=np.float16).reshape(-1, per_step),
        stretches=keeper.stretches(),
    )


def _norms(sound: Block, length: int) -> Powers:
    blocks = sound.reshape(len(sound), -1, length)
    norms: Powers = np.sqrt(np.einsum("cbs,cbs->b", blocks, blocks) / np.float32(length))
    return norms


class _Keeper:
    """Keeps stretches of a few seconds, spread over a recording of about the length expected."""

    def __init__(self, expected_s: float) -> None:
        self._apart_s = max(STRETCH_S, int(expected_s / STRETCHES))
        self._kept: list[list[Block]] = []
        self._second = 0

    def see(self, block: Block) -> None:
        place = self._second % self._apart_s
        self._second += 1
        if place == 0 and len(self._kept) < STRETCHES:
            self._kept.append([])
        if place < STRETCH_S and (self._second - 1) // self._apart_s < len(self._kept):
            self._kept[-1].append(block)

    def stretches(self) -> tuple[Block, ...]:
        return tuple(np.concatenate(blocks, axis=1) for blocks in self._kept)
