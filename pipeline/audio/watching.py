"""Sound as it was decoded passes by; what is noticed leaves: its peak, and where it was clipped."""

import numpy as np

from pipeline.audio.meter import decibels
from pipeline.audio.source import Sound

QUIET_PEAK = 0.25  # nothing is called clipped below it
AT_THE_TOP = 0.99995
FLAT_SAMPLES = 3  # so many equal ones in a row are a flat top
FLAT_TOPS = 4  # so many in a stretch are clipping, fewer are chance
OVERS = 12
GAP_MS = 2_000


class Watch:
    """Notices what stands in a recording's samples; `hear` takes each decoded stretch in turn."""

    def __init__(self) -> None:
        self._peak = 0.0
        self._now_s = 0.0
        self._clipped: list[tuple[int, int]] = []

    def hear(self, sound: Sound) -> None:
        """Look at one more stretch."""
        start_s, self._now_s = self._now_s, self._now_s + sound.samples.shape[1] / sound.rate_hz
        for channel in sound.samples:
            peak = max(float(channel.max()), -float(channel.min()))
            self._peak = max(self._peak, peak)
            if peak >= QUIET_PEAK and _is_clipped(np.abs(channel), peak):
                self._note(round(start_s * 1000), round(self._now_s * 1000))
                break

    @property
    def peak_dbfs(self) -> float:
        """The highest sample so far; -inf for silence."""
        return decibels(self._peak)

    @property
    def clipped(self) -> tuple[tuple[int, int], ...]:
        """Stretches, in ms, in which the tops of the sound are cut off."""
        return tuple(self._clipped)

    def _note(self, start_ms: int, end_ms: int) -> None:
        if self._clipped and start_ms - self._clipped[-1][1] < GAP_MS:
            start_ms = self._clipped.pop()[0]
        self._clipped.append((start_ms, end_ms))


def _is_clipped(amplitudes: "np.ndarray[tuple[int], np.dtype[np.float32]]", peak: float) -> bool:
    top = np.flatnonzero(amplitudes >= min(peak, 1.0) * AT_THE_TOP)
    if peak > 1 and len(top) >= OVERS:  # a lossy coding of clipped sound goes over the top
        return True
    flat = top[FLAT_SAMPLES - 1 :] - top[: 1 - FLAT_SAMPLES] == FLAT_SAMPLES - 1
    return int(np.count_nonzero(flat)) >= FLAT_TOPS
