"""The power of each step of a recording enters; where somebody speaks, and where their level changes, leave; numpy.

Nothing is deleted by what is found here: it says where a gain may change, and what the loudness of speech is taken
from. So it errs towards speech: whatever stands a few decibels out of the room's own floor, near its time, is speech.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.audio.meter import STEP_MS

SILENT_LUFS = -90.0  # under this a step is a digital silence, which says nothing about the room
LEAST_POWER = 1e-30
FLOOR_STEPS = 5  # the floor is made of means over 100 ms
FLOOR_SPAN = 60  # of these: nobody speaks for six seconds without a tenth of a second of room in between
FLOOR_BIAS_DB = 1.0  # the lowest of many means lies under their mean
CORE_STEPS, CORE_DB = 5, 6.0
EDGE_STEPS, EDGE_DB, PART_DB = 3, 2.5, 4.4
SHORTEST_CORE = 3
LOOK_AHEAD, HOLD = 2, 2  # steps that belong to a word although they do not stand out
SHORTEST_STEPS = 12  # a click is not a word
JOINED_STEPS = 9  # the stop before a last "t" is silent for so long
STEPS_PER_S = 1000 / STEP_MS
BRIEF_S, ALONE_S = 0.6, 0.5  # a door, a cough, a "yes": too short to have a level of its own
UNIT_STEPS = 50  # a level is taken from a second of speech, or less between two gaps
VARIANCE_DB2 = 7.0  # of one speaker's level from second to second
CHANGE, CHANGE_INSIDE, CHANGE_GAP_S = 5.0, 19.0, 0.25  # what a change costs after a pause, and more without one
LONGEST_TURN = 256  # units

Levels = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
Gains = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """Where somebody speaks. speech: of each step; floor_lufs: the room's floor near each step."""

    speech: Flags
    floor_lufs: Levels


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """Pieces of speech of at most a second, in order; together they hold every step of speech.

    starts, ends: in steps; turns: the number of the turn of one level that each belongs to; brief: whether it stands
    alone and is too short to have a level.
    """

    starts: Places
    ends: Places
    turns: Places
    brief: Flags


def find(power: Levels) -> Activity:
    """Find speech by its level over the room's floor, which may change while the recording lasts.

    Args:
        power: the K-weighted mean square of each step of STEP_MS.

    Returns:
        The Activity, as long as `power`.
    """
    floor_lufs = _floor(power)
    over_db = lufs(mean_around(power, EDGE_STEPS)) - floor_lufs
    core = (lufs(mean_around(power, CORE_STEPS)) > floor_lufs + CORE_DB) & (lufs(power) > SILENT_LUFS)
    parts = _runs_with(core | (over_db > EDGE_DB), over_db > PART_DB, 1)
    speech = _runs_with(without_gaps(parts, JOINED_STEPS), core, SHORTEST_CORE)
    speech = ~without_gaps(~speech, SHORTEST_STEPS)
    return Activity(speech=widened(speech, LOOK_AHEAD, HOLD), floor_lufs=floor_lufs)


def turns(power: Levels, speech: Flags) -> Units:
    """Cut speech where its level changes for good: where speakers change, or one leans back.

    Args:
        power: as for find().
        speech: where somebody speaks.

    Returns:
        The Units.
    """
    starts, ends, brief = _units(speech)
    steady = np.flatnonzero(~brief)
    gaps_s = (starts[steady[1:]] - ends[steady[:-1]]) / STEPS_PER_S
    seconds = (ends - starts)[steady] / STEPS_PER_S
    sums = np.concatenate([[0.0], np.cumsum(power, dtype=np.float64)])
    levels = lufs(((sums[ends] - sums[starts]) / (ends - starts))[steady].astype(np.float32))
    numbers = np.empty(len(starts), np.intp)
    numbers[steady] = _of_one_level(levels.astype(np.float64), seconds, np.concatenate([[math.inf], gaps_s]))
    numbers[brief] = len(starts) + np.arange(np.count_nonzero(brief))
    return Units(starts=starts, ends=ends, turns=np.unique(numbers, return_inverse=True)[1], brief=brief)


def lufs(power: Levels) -> Levels:
    """Turn K-weighted mean squares into loudness; silence into a very low one."""
    levels: Levels = (-0.691 + 10 * np.log10(np.maximum(power, LEAST_POWER))).astype(np.float32)
    return levels


def mean_around(values: Levels, count: int) -> Levels:
    """Average each value with its neighbours, `count` (odd) together, fewer at the ends."""
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    places = np.arange(len(values))
    first, last = np.maximum(places - count // 2, 0), np.minimum(places + count // 2 + 1, len(values))
    means: Levels = ((sums[last] - sums[first]) / (last - first)).astype(np.float32)
    return np.maximum(means, 0)


def runs(flags: Flags) -> tuple[Places, Places]:
    """Return where each run of true begins, and where it has ended."""
    changes = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return changes[::2], changes[1::2]


def without_gaps(flags: Flags, shortest: int) -> Flags:
    """Fill gaps between runs that are shorter than `shortest`."""
    starts, ends = runs(flags)
    narrow = starts[1:] - ends[:-1] < shortest
    return from_runs(starts[np.r_[True, ~narrow][: len(starts)]], ends[np.r_[~narrow, True][: len(ends)]], len(flags))


def widened(flags: Flags, before: int, after: int) -> Flags:
    """Let each run begin and end so many steps earlier and later."""
    starts, ends = runs(flags)
    return from_runs(np.maximum(starts - before, 0), np.minimum(ends + after, len(flags)), len(flags))


def from_runs(starts: Places, ends: Places, length: int) -> Flags:
    """Make flags that are true in each of the runs."""
    changes = np.bincount(starts, minlength=length + 1) - np.bincount(ends, minlength=length + 1)
    return np.cumsum(changes)[:length] > 0


def _floor(power: Levels) -> Levels:
    levels = lufs(power)
    alive = np.flatnonzero(levels > SILENT_LUFS)
    floor = np.full(len(power), SILENT_LUFS, np.float32)
    if len(alive):
        # Silent steps are left out, so that between two gated turns the room is still the one behind the words.
        means = lufs(_means_of(power[alive], FLOOR_STEPS))
        opened = _opened(means, FLOOR_SPAN)
        floor[alive] = np.repeat(opened, FLOOR_STEPS)[: len(alive)] + FLOOR_BIAS_DB
    return floor


def _means_of(values: Levels, count: int) -> Levels:
    starts = np.arange(0, len(values), count)
    sums = np.add.reduceat(values.astype(np.float64), starts)
    means: Levels = (sums / np.diff(np.append(starts, len(values)))).astype(np.float32)
    return means


def _opened(levels: Levels, span: int) -> Levels:
    """Follow the lowest levels: of all stretches of `span` around a place the one whose lowest level is highest."""
    span = min(span, len(levels))
    lowest = _sliding_minimum(levels, span)
    padded = np.concatenate([np.full(span - 1, -np.inf, np.float32), lowest, np.full(span - 1, -np.inf, np.float32)])
    return -_sliding_minimum(-padded, span)


def _sliding_minimum(levels: Levels, span: int) -> Levels:
    # By doubling: the minimum over 2n is that of two minima over n.
    width = 1
    while width * 2 <= span:
        levels = np.minimum(levels[:-width], levels[width:])
        width *= 2
    rest = span - width
    return np.minimum(levels[: len(levels) - rest], levels[rest:]) if rest else levels


def _runs_with(wide: Flags, core: Flags, shortest: int) -> Flags:
    """Keep the runs of `wide` in which at least `shortest` steps are `core`."""
    starts, ends = runs(wide)
    counts = np.concatenate([[0], np.cumsum(core)])
    kept = counts[ends] - counts[starts] >= shortest
    return from_runs(starts[kept], ends[kept], len(wide))


def _units(speech: Flags) -> tuple[Places, Places, Flags]:
    starts, ends = runs(speech)
    alone = np.concatenate([[True], starts[1:] - ends[:-1] >= ALONE_S * STEPS_PER_S, [True]])
    brief = alone[:-1] & alone[1:] & (ends - starts < BRIEF_S * STEPS_PER_S)
    if brief.all():
        brief[:] = False
    counts = -(-(ends - starts) // UNIT_STEPS)
    run = np.repeat(np.arange(len(starts)), counts)
    place = np.arange(len(run)) - np.repeat(np.cumsum(counts) - counts, counts)
    length = (ends - starts)[run]
    return (
        starts[run] + place * length // counts[run],
        starts[run] + (place + 1) * length // counts[run],
        brief[run],
    )


def _of_one_level(levels: Gains, seconds: Gains, gaps_s: Gains) -> Places:
    """Number the turns so that the levels' squared distance from their turn's mean, and what changes cost, is least."""
    weights, firsts, squares = (np.concatenate([[0.0], np.cumsum(seconds * levels**order)]) for order in (0, 1, 2))
    costs = CHANGE + CHANGE_INSIDE * np.exp(-gaps_s / CHANGE_GAP_S)
    best, origin = np.zeros(len(levels) + 1), np.zeros(len(levels) + 1, np.intp)
    for end in range(1, len(levels) + 1):
        start = slice(max(0, end - LONGEST_TURN), end)
        weight, first = weights[end] - weights[start], firsts[end] - firsts[start]
        spread = squares[end] - squares[start] - first**2 / weight
        totals = best[start] + costs[start] + spread / VARIANCE_DB2
        chosen = int(np.argmin(totals))
        best[end], origin[end] = totals[chosen], start.start + chosen
    begins = np.zeros(len(levels), np.intp)
    place = len(levels)
    while place:
        place = int(origin[place])
        begins[place] = 1
    return np.cumsum(begins)
