"""A recording enters, stretches of mono sound for a recogniser leave, cut where it is quiet; memory stays flat."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipeline.audio.graph import Block
from pipeline.audio.source import decoded, resampled

LONGEST_S = 600
SEARCH_S = 60
QUIET_S = 0.5


def pieces(sources: tuple[Path, ...], *, rate_hz: int, longest_s: float = LONGEST_S) -> Iterator[tuple[int, Block]]:
    """Decode a recording as mono stretches.

    Args:
        sources: the parts of one recording, in order.
        rate_hz: the sample rate wanted.
        longest_s: no piece is longer; each ends at the quietest half second of its last tenth.

    Yields:
        The start of the piece in ms from the start of the recording, and its samples, float32 (samples,).

    Raises:
        AudioError: a part cannot be decoded.
    """
    longest = int(longest_s * rate_hz)
    start, held = 0, np.zeros(0, dtype=np.float32)
    for source in sources:
        for block in resampled(decoded(source), rate_hz=rate_hz, channels=1):
            held = np.concatenate((held, block[0]))
            while len(held) > longest:
                cut = _quiet_place(held[:longest], rate_hz)
                yield round(start * 1000 / rate_hz), held[:cut]
                start, held = start + cut, held[cut:]
    if len(held):
        yield round(start * 1000 / rate_hz), held


def stretch(sources: tuple[Path, ...], *, start_ms: int, end_ms: int, rate_hz: int) -> Block:
    """Decode one stretch of a recording as mono.

    Args:
        sources: the parts of one recording, in order.
        start_ms: where it begins; times before the recording count as its start.
        end_ms: where it ends; what lies beyond the recording is not there.
        rate_hz: the sample rate wanted.

    Returns:
        Its samples, float32 (samples,).

    Raises:
        AudioError: a part cannot be decoded.
    """
    first, last = (max(0, round(ms * rate_hz / 1000)) for ms in (start_ms, end_ms))
    at, held = 0, list[Block]()
    for source in sources:
        for block in resampled(decoded(source), rate_hz=rate_hz, channels=1):
            samples = block[0]
            held.append(samples[max(0, first - at) : max(0, last - at)])
            at += len(samples)
            if at >= last:
                return np.concatenate(held)
    return np.concatenate(held) if held else np.zeros(0, dtype=np.float32)


def _quiet_place(samples: Block, rate_hz: int) -> int:
    window = max(int(QUIET_S * rate_hz), 1)
    first = len(samples) - max(min(int(SEARCH_S * rate_hz), len(samples) // 10), window)
    steps = range(first, len(samples) - window + 1, max(window // 5, 1))
    powers = [float(np.mean(np.square(samples[step : step + window]))) for step in steps]
    return steps[int(np.argmin(powers))] + window // 2
