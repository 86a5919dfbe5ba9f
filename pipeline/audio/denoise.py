"""Pieces of a noisy recording enter, the same pieces with a quieter room leave, and join without a seam."""

from collections.abc import Iterator
from itertools import islice
from typing import Literal

import numpy as np

from pipeline.audio.deepfilter import HOP, LOOKAHEAD, RATE_HZ, Cleaner, Sound, Spectrum, sound_of, spectrum
from pipeline.audio.graph import Block, through

PIECE_S, BEFORE_S, AFTER_S = 24, 5, 1
FRAMES_PER_SECOND = RATE_HZ // HOP
BEFORE = BEFORE_S * FRAMES_PER_SECOND
LANE = 1200  # frames for which the nets run on before they begin anew
LANES = 2  # that the nets hear side by side, which is faster than one after the other
FADE = 10  # frames, from one lane to the next
WARM_UP = 100  # frames that the nets hear before a lane: with fewer they mistake the first words for noise
SETTLING = 300  # frames before those, from which they learn how loud it is
STEP = 50  # frames at a time: what the nets make of more does not fit the processor's cache
MARGIN = 2  # frames beside a piece, for the resampler
NOISY_UNDER_DB = 24.0
QUIET_PERCENTILE, LOUD_PERCENTILE = 10, 95
SILENT_POWER = 1e-10
SPOKEN_DB = -16.0  # loud moments of the speech from which the nets learned
MOST_GAIN_DB = 40.0

Strength = Literal["gentle", "light", "strong"]

# What is left of the room covers the moments in which a soft voice is taken for noise: the nets alone lose words.
LIMIT_DB: dict[Strength, float] = {"gentle": 6.0, "light": 12.0, "strong": 18.0}


def denoised(
    piece: Block, *, before: Block, after: Block, strength: Strength, rate_hz: int, gain_db: float = 0.0
) -> Block:
    """Take the room out of one piece of a recording; many threads may do so at once.

    Args:
        piece: PIECE_S of the recording, the last one less; float32 (channels, samples).
        before: what stands before it, BEFORE_S at least; empty for the first piece.
        after: what follows it, AFTER_S or all that there is.
        strength: how far the room is lowered, at most: by LIMIT_DB.
        rate_hz: a multiple of 100, as all usual rates are.
        gain_db: `level_gain_db` of the whole recording: it goes to the nets louder by so much, and leaves as it came.

    Returns:
        The piece, every sample in its place. It depends on nothing but what is given.

    Raises:
        AudioError: the nets cannot be loaded.
    """
    if not piece.shape[1]:
        return piece
    step = rate_hz // FRAMES_PER_SECOND
    lead = min(before.shape[1] // step, BEFORE)
    around = (before[:, before.shape[1] - lead * step :], piece, after[:, : AFTER_S * rate_hz])
    hops = -(-piece.shape[1] // step)
    sound = _with_ends(_resampled(np.concatenate(around, axis=1), rate_hz, RATE_HZ), lead, hops)
    factor = np.float32(10 ** (gain_db / 20))
    sound *= factor
    clean = _cleaned(sound, hops, floor=10 ** (-LIMIT_DB[strength] / 20))
    clean /= factor
    start = MARGIN * step
    return _resampled(clean, RATE_HZ, rate_hz)[:, start : start + piece.shape[1]]


def needed(power: Sound) -> bool:
    """Tell whether a recording stands out of its room so little that the room should be lowered.

    Args:
        power: mean squares of the K-weighted sound, one for every 20 ms.
    """
    return spread_db(power) < NOISY_UNDER_DB


def spread_db(power: Sound) -> float:
    """Measure how far the loud moments (95th percentile) of a recording stand above the quiet ones (10th).

    Args:
        power: mean squares of the K-weighted sound, one for every 20 ms; digital silence does not count.

    Returns:
        Decibels; infinity where nothing sounds.
    """
    sounding = power[power > SILENT_POWER]
    if not len(sounding):
        return float("inf")
    quiet, loud = np.percentile(sounding, (QUIET_PERCENTILE, LOUD_PERCENTILE))
    return float(10 * np.log10(loud / quiet))


def level_gain_db(power: Sound) -> float:
    """Return the gain that brings a recording to the level at which the nets judge best; soft speech they know less.

    Args:
        power: mean squares of the K-weighted sound, one for every 20 ms; digital silence does not count.
    """
    sounding = power[power > SILENT_POWER]
    if not len(sounding):
        return 0.0
    loud_db = 10 * np.log10(np.percentile(sounding, LOUD_PERCENTILE))
    return float(np.clip(SPOKEN_DB - loud_db, -MOST_GAIN_DB, MOST_GAIN_DB))


def _with_ends(sound: Sound, lead: int, hops: int) -> Sound:
    """Mirror the sound at the ends of the recording: the nets always hear a room before and after.

    sound begins `lead` hops before the piece; the result begins BEFORE hops before it and ends where the nets do.
    """
    wanted = (BEFORE + hops + MARGIN + LOOKAHEAD + 1) * HOP
    missing = (BEFORE - lead) * HOP
    rest = max(0, wanted - missing - sound.shape[1])
    return np.pad(sound, ((0, 0), (missing, rest)), mode="symmetric")[:, :wanted]


def _cleaned(sound: Sound, hops: int, *, floor: float) -> Sound:
    """Clean a piece that stands BEFORE hops after the start of a sound; it leaves with a margin on either side."""
    clean = np.zeros_like(sound)
    end = BEFORE + hops + MARGIN
    for starts, length in _lanes(BEFORE - MARGIN - 1 - FADE, end):
        for place, part in _lane(sound, starts, length, floor):
            for start, lane in zip(starts, np.split(part, len(starts)), strict=True):
                clean[:, (start + place) * HOP :][:, : lane.shape[1]] += lane
    return clean[:, (BEFORE - MARGIN) * HOP : end * HOP]


def _lanes(first: int, end: int) -> Iterator[tuple[tuple[int, ...], int]]:
    """Lay lanes from one frame to another, each fading into the next: where some begin, and how long they are."""
    whole = range(first, end - LANE - FADE + 1, LANE)
    starts = iter(whole)
    while beside := tuple(islice(starts, LANES)):
        yield beside, LANE + FADE
    for start in range(first + len(whole) * LANE, end, LANE):
        yield (start,), end - start


def _lane(sound: Sound, starts: tuple[int, ...], length: int, floor: float) -> Iterator[tuple[int, Sound]]:
    """Clean stretches of equal length side by side; yield some frames at a time: where they stand, and their sound."""
    cleaner = Cleaner(len(starts) * len(sound), floor=floor)
    cleaner.settle(_frames(sound, starts, -WARM_UP - SETTLING, -WARM_UP))
    weights = _weights(length)
    for first in range(-WARM_UP, length + LOOKAHEAD, STEP):
        last = min(first + STEP, length + LOOKAHEAD)
        frames = cleaner.clean(_frames(sound, starts, first, last))
        place = max(0, first - LOOKAHEAD)
        kept = last - LOOKAHEAD - place
        if kept > 0:
            yield place, sound_of(frames[:, -kept:] * weights[place : place + kept, None])


def _frames(sound: Sound, starts: tuple[int, ...], first: int, last: int) -> Spectrum:
    return spectrum(np.concatenate([sound[:, (start + first) * HOP : (start + last + 1) * HOP] for start in starts]))


def _weights(length: int) -> Sound:
    """Weigh the frames of a lane: with those of the lanes before and after it they add up to one."""
    rise = (np.arange(length) + 0.5) / FADE
    fall = (LANE + FADE - np.arange(length) - 0.5) / FADE
    return np.minimum(np.minimum(rise, fall), 1).astype(np.float32)


def _resampled(block: Block, rate_hz: int, wanted_hz: int) -> Block:
    if rate_hz == wanted_hz:
        return block
    filters = [("aresample", str(wanted_hz))]
    return np.concatenate(list(through(filters, [block], rate_hz=rate_hz, channels=len(block))), axis=1)
