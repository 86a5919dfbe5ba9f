"""The power of each step of a recording enters, the gain curve that brings every speaker to one loudness leaves; numpy.

The whole recording is known. Speech is cut into turns of one level; each turn gets one gain, which follows only what
lasts for many seconds. The gain changes in the gaps between words, and in a pause the room gets what the loudest
speakers get, or a little less.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.audio.activity import (
    STEPS_PER_S,
    Activity,
    Flags,
    Gains,
    Levels,
    Places,
    Units,
    find,
    lufs,
    mean_around,
    turns,
)

MOST_LIFT_DB, MOST_CUT_DB = 24.0, 18.0  # around the gain that the recording needs as a whole
GATING_STEPS, GATE_DB = 21, 10.0  # as a loudness meter: 400 ms, and what is 10 LU under the rest does not count
BURST_DB = 7.0  # over the middle of a turn: a cough, not a level
ROUNDS = 2
STEADY_DB = 0.9  # so far a turn may stray before its gain follows
DRIFT_UNITS = 7  # seconds of speech to either side that the gain follows
SURE_S = 1.5  # of speech: less is not lifted or cut with the full gain
NEAR_S = 2.0
NARROW_GAP_S, PAUSE_S = 0.6, 1.0  # the room keeps a speaker's gain in a narrow gap, and has its own in a pause
LOUDEST_SHARE = 0.1  # of all speech: what the loudest speakers say
ROOM_UNDER_TARGET_DB = 40.0
MOST_DIP_DB = 6.0
DIP_FROM_DB = 10.0  # speech to noise: where the room is nearly as loud as speech, its gain does not change
# In a pause: steps after a word (before the next one) and the share of the way to the room's gain. It falls as sound
# dies away, fast at first and slow at the end; both begin inside the quiet that belongs to the word.
FALL = ((-2, 0.0), (3, 0.5), (9, 0.85), (18, 1.0))
RISE = ((-2, 0.0), (4, 0.75), (8, 1.0))
ROUNDING = np.array([0.25, 0.5, 0.25])  # of the corners
RAMP_INSIDE_STEPS = 15  # the same where a level changes inside speech
FAR_STEPS = 1000

Corners = npt.NDArray[np.intp | np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A gain over time, and what it was made from.

    gains_db: at the edges of the steps, one more than there are steps; in between it runs straight, in dB.
    speech: of each step, whether somebody speaks; floor_lufs: of the room; speech_lufs: of all speech, before the gain.
    Both are -inf where there is none.
    """

    gains_db: Levels
    speech: Flags
    floor_lufs: float
    speech_lufs: float

    @property
    def speech_to_noise_db(self) -> float:
        """How far speech stands over the room: -inf without speech, +inf over a digital silence."""
        return -math.inf if math.isinf(self.speech_lufs) else self.speech_lufs - self.floor_lufs


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turns:
    """What a recording's turns are; gains follow from it. order: of all steps of speech, turn by turn."""

    power: Levels
    speech: Flags
    units: Units
    order: Places
    bounds: Places
    seconds: Gains


def level(power: Levels, *, target_lufs: float) -> Curve:
    """Find the gain that brings every speaker to the target, and lifts no room in the pauses.

    Args:
        power: (steps,) the K-weighted mean square of each STEP_MS as it is heard: channels summed, mono as it counts.
        target_lufs: the loudness of speech that is wanted. The curve comes near it; one gain for all settles the rest.

    Returns:
        The Curve: without speech a flat one.

    Source: ITU-R BS.1770 for loudness and its gate.
    """
    activity = find(power)
    speech = activity.speech
    gating = mean_around(power, GATING_STEPS)
    heard_lufs = _gated_lufs(gating[speech] if speech.any() else gating)
    floor_lufs = _floor_lufs(power, activity)
    if not speech.any():
        gain_db = 0.0 if math.isinf(heard_lufs) else target_lufs - heard_lufs
        gains_db, heard_lufs = np.full(len(power) + 1, gain_db), -math.inf
    else:
        gains_db = _gains_db(
            _turns(power, speech), heard_lufs=heard_lufs, floor_lufs=floor_lufs, target_lufs=target_lufs
        )
    return Curve(gains_db=gains_db.astype(np.float32), speech=speech, floor_lufs=floor_lufs, speech_lufs=heard_lufs)


def _turns(power: Levels, speech: Flags) -> _Turns:
    units = turns(power, speech)
    of_steps = np.repeat(units.turns, units.ends - units.starts)
    counts = np.bincount(of_steps)
    return _Turns(
        power=power,
        speech=speech,
        units=units,
        order=np.flatnonzero(speech)[np.argsort(of_steps, kind="stable")],
        bounds=np.concatenate([[0], np.cumsum(counts)]),
        seconds=counts / STEPS_PER_S,
    )


def _gains_db(said: _Turns, *, heard_lufs: float, floor_lufs: float, target_lufs: float) -> Gains:
    whole_db = target_lufs - heard_lufs
    low_db, high_db = whole_db - MOST_CUT_DB, whole_db + MOST_LIFT_DB
    own_db = np.clip(target_lufs - _turn_lufs(said, said.power), low_db, high_db)
    for last in (*[False] * ROUNDS, True):
        room_db = _room_db(said, own_db, heard_lufs - floor_lufs, floor_lufs - target_lufs)
        quiet_db = np.minimum(room_db, target_lufs - _between_lufs(said))
        curve_db = _curve_db(said, _sure_db(said, own_db, room_db), quiet_db)
        if last:
            break
        middle_db = (curve_db[1:] + curve_db[:-1]) / 2
        reached_lufs = _turn_lufs(said, (said.power * 10 ** (middle_db / 10)).astype(np.float32))
        sure = said.seconds >= SURE_S
        own_db = np.where(sure, np.clip(own_db + target_lufs - reached_lufs, low_db, high_db), own_db)
    return curve_db


def _turn_lufs(said: _Turns, power: Levels) -> Gains:
    ordered = mean_around(power, GATING_STEPS)[said.order]
    pieces = np.split(ordered, said.bounds[1:-1])
    return np.array([_gated_lufs(np.minimum(piece, np.median(piece) * 10 ** (BURST_DB / 10))) for piece in pieces])


def _room_db(said: _Turns, own_db: Gains, speech_to_noise_db: float, floor_over_target_db: float) -> float:
    counted = np.where(np.isin(np.arange(len(own_db)), said.units.turns[~said.units.brief]), said.seconds, 0)
    ranks = np.argsort(own_db, kind="stable")
    share = np.cumsum(counted[ranks]) / counted.sum()
    loudest_db = float(own_db[ranks[np.searchsorted(share, LOUDEST_SHARE)]])
    wanted_db = loudest_db + floor_over_target_db + ROOM_UNDER_TARGET_DB
    most_db = min(MOST_DIP_DB, max(0.0, speech_to_noise_db - DIP_FROM_DB))
    return loudest_db - min(most_db, max(0.0, wanted_db))


def _sure_db(said: _Turns, own_db: Gains, room_db: float) -> Gains:
    """Hold back where there is little speech to go by: it gets what those before and after it get, or the room."""
    sure_db = own_db.copy()
    for turn in np.flatnonzero(said.seconds < SURE_S).tolist():
        around = [room_db, *own_db[_near(said, turn)]]
        base = min(max(own_db[turn], room_db), max(around))
        sure_db[turn] = base + (own_db[turn] - base) * said.seconds[turn] / SURE_S
    return sure_db


def _near(said: _Turns, turn: int) -> Places:
    """List the turns with speech enough that end or begin near a turn."""
    units = said.units
    inside = np.flatnonzero(units.turns == turn)
    start, end = units.starts[inside[0]], units.ends[inside[-1]]
    near = (units.ends > start - NEAR_S * STEPS_PER_S) & (units.starts < end + NEAR_S * STEPS_PER_S)
    numbers: Places = np.unique(units.turns[near])
    return numbers[said.seconds[numbers] >= SURE_S]


def _between_lufs(said: _Turns) -> Gains:
    """Measure what is before, between and after the units: it may be applause, not to be louder than speech."""
    sums = np.concatenate([[0.0], np.cumsum(said.power, dtype=np.float64)])
    starts, ends = np.append(0, said.units.ends), np.append(said.units.starts, len(said.power))
    power = (sums[ends] - sums[starts]) / np.maximum(ends - starts, 1)
    return lufs(power.astype(np.float32)).astype(np.float64)


def _curve_db(said: _Turns, turn_db: Gains, quiet_db: Gains) -> Gains:
    units = said.units
    unit_db = turn_db[units.turns] - _drift_db(said)
    places, gains_db = _corners(units, unit_db, quiet_db, len(said.power))
    edges_db = np.interp(np.arange(len(said.power) + 1), places, gains_db)
    return np.convolve(np.pad(edges_db, len(ROUNDING) // 2, mode="edge"), ROUNDING, mode="valid")


def _drift_db(said: _Turns) -> Gains:
    """Find how far each unit's surroundings in its turn lie from the whole turn, beyond what is steady."""
    units = said.units
    sums = np.concatenate([[0.0], np.cumsum(said.power, dtype=np.float64)])
    seconds = (units.ends - units.starts) / STEPS_PER_S
    power = (sums[units.ends] - sums[units.starts]) / (units.ends - units.starts)
    strayed_db = np.zeros(len(power))
    for inside in _members(units.turns):
        limit = np.median(power[inside]) * 10 ** (BURST_DB / 10)
        strayed_db[inside] = _strayed_db(np.minimum(power[inside], limit), seconds[inside])
    return strayed_db


def _members(turns_of_units: Places) -> list[Places]:
    order = np.argsort(turns_of_units, kind="stable")
    return np.split(order, np.cumsum(np.bincount(turns_of_units))[:-1])


def _strayed_db(power: Gains, seconds: Gains) -> Gains:
    window = np.bartlett(2 * DRIFT_UNITS + 3)
    count = len(power)
    sums, weights = (np.convolve(values, window)[DRIFT_UNITS + 1 :][:count] for values in (power * seconds, seconds))
    whole = np.sum(power * seconds) / np.sum(seconds)
    strayed_db = 10 * np.log10(sums / weights / whole)
    steady_db = STEADY_DB * np.sqrt(np.sum(window) / weights)  # at the ends of a turn there is less to go by
    beyond_db: Gains = np.sign(strayed_db) * np.maximum(np.abs(strayed_db) - steady_db, 0)
    return beyond_db


def _corners(units: Units, unit_db: Gains, quiet_db: Gains, length: int) -> tuple[Corners, Gains]:
    """Draw the curve with straight lines, from corner to corner: in the middle of units, around gaps, in pauses."""
    ends, starts = np.append(-FAR_STEPS, units.ends), np.append(units.starts, length + FAR_STEPS)
    before_db, after_db = np.append(quiet_db[0], unit_db), np.append(unit_db, quiet_db[-1])
    gaps = starts - ends
    shares = np.clip((gaps / STEPS_PER_S - NARROW_GAP_S) / (PAUSE_S - NARROW_GAP_S), 0, 1)
    pause = shares > 0
    gap = (gaps > 0) & ~pause
    left_db, right_db = ((quiet_db - side_db) * shares for side_db in (before_db, after_db))
    corners: list[tuple[Corners, Gains]] = [
        ((units.starts + units.ends) / 2, unit_db),
        (ends[gap], before_db[gap]),
        (starts[gap], after_db[gap]),
        *((ends[pause] + steps, before_db[pause] + left_db[pause] * share) for steps, share in FALL),
        *((starts[pause] - steps, after_db[pause] + right_db[pause] * share) for steps, share in RISE),
        *_corners_inside(units, unit_db),
    ]
    places, gains_db = (np.concatenate(values) for values in zip(*corners, strict=True))
    order = np.argsort(places, kind="stable")
    return places[order], gains_db[order]


def _corners_inside(units: Units, unit_db: Gains) -> list[tuple[Corners, Gains]]:
    """Draw the change from turn to turn where there is no gap between them: slower, as speech goes on."""
    changed = np.flatnonzero((units.starts[1:] == units.ends[:-1]) & (np.diff(units.turns) != 0))
    halves = (units.ends - units.starts) / 2
    reach = np.minimum(RAMP_INSIDE_STEPS, np.minimum(halves[changed], halves[changed + 1]))
    place = units.ends[changed]
    return [(place - reach, unit_db[changed]), (place + reach, unit_db[changed + 1])]


def _floor_lufs(power: Levels, activity: Activity) -> float:
    """Measure the room where nobody speaks; where somebody always does, by the lowest levels."""
    room = power[~activity.speech]
    if activity.speech.any() and len(room) < STEPS_PER_S:
        return float(np.median(activity.floor_lufs))
    middle = float(np.median(room)) if len(room) else 0.0
    return -0.691 + 10 * math.log10(middle) if middle > 0 else -math.inf


def _gated_lufs(power: Levels) -> float:
    mean = float(np.mean(power, dtype=np.float64)) if len(power) else 0.0
    if mean <= 0:
        return -math.inf
    return -0.691 + 10 * math.log10(float(np.mean(power[power > mean * 10 ** (-GATE_DB / 10)], dtype=np.float64)))
