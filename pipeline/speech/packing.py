"""Sound enters, what is spoken of it leaves, packed into clips of half a minute, and the way back to where it was.

A recogniser always hears half a minute at once and invents words where nobody speaks; so silence is left out first.
"""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

RATE_HZ = 16_000
CLIP_S = 30
VOICE: dict[str, Any] = {"threshold": 0.4, "min_silence_duration_ms": 300, "speech_pad_ms": 0}
PAD = round(0.4 * RATE_HZ)
LOST = RATE_HZ  # so long, in samples, nobody speaks without a word
_LONGEST_WORD = RATE_HZ  # a last word before a loss may be stretched over all that was lost
_BESIDE = RATE_HZ // 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What is spoken of a piece of sound.

    sound: the stretches that hold speech, one after another; clips: from where to where of it is heard at once, in
    seconds, at most half a minute each; origins, starts: where each stretch begins in the piece and in `sound`;
    voiced: from where to where somebody speaks, in samples of the piece, without what was kept around it.
    """

    sound: "Samples"
    clips: list[dict[str, float]]
    origins: list[int]
    starts: list[int]
    voiced: list[tuple[int, int]]

    def placed(self, start_s: float, end_s: float) -> tuple[int, int]:
        """Return from where to where a word stands in the piece, in samples, given its seconds in `sound`."""
        first, last = round(start_s * RATE_HZ), round(end_s * RATE_HZ)
        at = max(0, bisect_right(self.starts, (first + last) // 2) - 1)
        end = self.starts[at + 1] if at + 1 < len(self.starts) else len(self.sound)
        inside = [min(max(place, self.starts[at]), end) - self.starts[at] + self.origins[at] for place in (first, last)]
        return inside[0], inside[1]

    def is_voiced(self, start: int, end: int) -> bool:
        """Say whether somebody speaks anywhere between two places of the piece, in samples."""
        at = bisect_right(self.voiced, (end, 0))
        return any(a < end and start < b for a, b in self.voiced[max(0, at - 2) : at + 1])


def unheard(voices: list[tuple[int, int]], words: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Find where somebody speaks and no word was heard.

    Args:
        voices: from where to where somebody speaks, in samples, ascending.
        words: from where to where each word was heard, in samples.

    Returns:
        Stretches of at least LOST samples, ascending.
    """
    edges = sorted((start - _BESIDE, min(end, start + _LONGEST_WORD) + _BESIDE) for start, end in words)
    found, first = list[tuple[int, int]](), 0
    for start, end in voices:
        at = start
        while first < len(edges) and edges[first][1] <= start:
            first += 1
        for word_start, word_end in edges[first:]:
            if word_start >= end:
                break
            if word_start - at >= LOST:
                found.append((at, word_start))
            at = max(at, word_end)
        if end - at >= LOST:
            found.append((at, end))
    return found


def packed(samples: "Samples", voices: list[tuple[int, int]], *, alone: bool = False) -> Packed | None:
    """Pack what is spoken.

    Args:
        samples: a piece of sound, float32, mono, 16 kHz.
        voices: from where to where somebody speaks, in samples, ascending, each shorter than CLIP_S with a PAD on both
            sides.
        alone: each stretch in a clip of its own, as nothing is to be lost with what is said before it.

    Returns:
        None where nobody speaks.
    """
    import numpy as np  # noqa: PLC0415 - slow to load

    if not voices:
        return None
    stretches = _padded(voices, len(samples))
    starts, at = list[int](), 0
    for start, end in stretches:
        starts.append(at)
        at += end - start
    edges = [*starts, at]
    clips = pairwise(edges) if alone else _clips(edges)
    return Packed(
        sound=np.concatenate([samples[start:end] for start, end in stretches]),
        clips=[{"start": start / RATE_HZ, "end": end / RATE_HZ} for start, end in clips],
        origins=[start for start, _ in stretches],
        starts=starts,
        voiced=voices,
    )


def _padded(voices: list[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    ends = [0, *(end for _, end in voices)]
    begins = [*(start for start, _ in voices), length]
    # Between two stretches each gets its pad, or half of what there is.
    gaps = [start - end for start, end in zip(begins, ends, strict=True)]
    before = [min(PAD, gap // 2 if index else gap) for index, gap in enumerate(gaps)]
    after = [*before[1:-1], min(PAD, gaps[-1])]
    return [(start - a, end + b) for (start, end), a, b in zip(voices, before, after, strict=False)]


def _clips(edges: list[int]) -> list[tuple[int, int]]:
    clips, start = list[tuple[int, int]](), 0
    for edge, following in zip(edges[1:], [*edges[2:], None], strict=True):
        if following is None or following - start > CLIP_S * RATE_HZ:
            clips.append((start, edge))
            start = edge
    return clips
