"""Powers of 20 ms steps go in, made like speech, rooms and accidents; each gain curve that comes out is sane."""

import math
import time
import tracemalloc

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.audio import activity, leveller

TARGET_LUFS = -16.0
ROOM_LUFS = -55.0
PER_S = 50
Powers = npt.NDArray[np.float32]


def power_of(lufs: float) -> float:
    """Turn a loudness into a K-weighted mean square."""
    return float(10 ** ((lufs + 0.691) / 10))


def lufs_of(power: Powers) -> float:
    """Measure the gated loudness of a stretch: 400 ms blocks, 10 LU under their mean."""
    blocks = np.convolve(power, np.ones(20) / 20, mode="valid")[::5]
    return -0.691 + 10 * math.log10(float(blocks[blocks > blocks.mean() / 10].mean()))


def room(seconds: float, lufs: float = ROOM_LUFS, *, seed: int = 0) -> Powers:
    """Make steady noise."""
    return np.asarray(np.float32(power_of(lufs)) * _fluctuation(round(seconds * PER_S), 40, seed))


def talk(seconds: float, lufs: float, *, seed: int = 1, room_lufs: float = ROOM_LUFS) -> Powers:
    """Make speech over a room: syllables of changing level, a gap of 150 to 500 ms every 1.5 to 4 s."""
    rng = np.random.default_rng(seed)
    count = round(seconds * PER_S)
    shape = np.convolve(rng.standard_normal(count + 40), np.hanning(10), mode="same")[20 : 20 + count]
    shape /= shape.std()
    voice = 10 ** ((6 * shape - 3 * np.abs(shape)) / 10)
    place = int(rng.uniform(1.5, 4) * PER_S)
    while place < count - 40:
        gap = int(rng.uniform(0.15, 0.5) * PER_S)
        voice[place : place + gap] = 0
        place += gap + int(rng.uniform(1.5, 4) * PER_S)
    voice *= power_of(lufs) / power_of(lufs_of(voice.astype(np.float32)))
    return np.asarray(voice.astype(np.float32) + room(seconds, room_lufs, seed=seed))


def after(power: Powers, curve: leveller.Curve) -> Powers:
    """Apply a curve."""
    middles = (curve.gains_db[1:] + curve.gains_db[:-1]) / 2
    return (power * 10 ** (middles / 10)).astype(np.float32)


def levelled(*parts: Powers) -> tuple[leveller.Curve, list[Powers]]:
    """Level the parts as one recording; return the curve and each part as it then is."""
    power = np.concatenate(parts)
    curve = leveller.level(power, target_lufs=TARGET_LUFS)
    assert curve.gains_db.shape == (len(power) + 1,)
    assert curve.gains_db.dtype == np.float32
    assert curve.speech.shape == power.shape
    assert np.isfinite(curve.gains_db).all()
    return curve, np.split(after(power, curve), np.cumsum([len(part) for part in parts])[:-1])


def in_speech(curve: leveller.Curve) -> Powers:
    """Return the gains where somebody speaks."""
    return curve.gains_db[:-1][curve.speech]


def _fluctuation(count: int, freedom: float, seed: int) -> Powers:
    return np.random.default_rng(seed).gamma(freedom, 1 / freedom, count).astype(np.float32)


def meeting() -> list[Powers]:
    """Make eight speakers at 0 to -20 dB in mixed order, two turns each, with 1.5 s between turns and inside some."""
    order = [3, 0, 6, 1, 7, 2, 5, 4, 6, 3, 7, 0, 5, 1, 4, 2]
    parts = [room(1.5)]
    for number, speaker in enumerate(order):
        turn = [talk(6 + number, -20 - speaker * 20 / 7, seed=number), room(1.5, seed=number)]
        parts += turn * (2 if speaker == 7 else 1)
    return parts


def test_speakers_end_at_one_loudness() -> None:
    """Speakers 20 dB apart end within 1 LU of one another and of the target."""
    _, parts = levelled(*meeting())
    loudness = [lufs_of(part) for part in parts[1::2]]
    assert np.ptp(loudness) < 1.0
    assert loudness == pytest.approx([TARGET_LUFS] * len(loudness), abs=1.0)


def test_the_room_is_not_lifted_in_pauses() -> None:
    """The middle 0.9 s of every pause of 1.5 s lies 35 dB under the target, in the quietest speaker's turn too."""
    _, parts = levelled(*meeting())
    pauses = [-0.691 + 10 * math.log10(float(part[15:60].mean())) for part in parts[2::2]]
    assert max(pauses) < TARGET_LUFS - 35


def test_the_gain_is_there_before_a_word_and_stays_after_it() -> None:
    """From the first to the last step of each turn the gain is within 1 dB of the turn's own, without a ramp inside."""
    parts = meeting()
    curve, _ = levelled(*parts)
    place = 0
    for number, part in enumerate(parts):
        gains = curve.gains_db[place : place + len(part)]
        place += len(part)
        if number % 2 and part[:3].min() > 4 * power_of(ROOM_LUFS):
            assert abs(gains[1] - np.median(gains)) < 1.0
        if number % 2 and part[-3:].min() > 4 * power_of(ROOM_LUFS):
            assert abs(gains[-2] - np.median(gains)) < 1.0


def test_no_step_is_faster_than_the_ear_forgives() -> None:
    """Even from the quietest speaker to a pause the gain takes longer than a tenth of a second."""
    curve, _ = levelled(*meeting())
    assert np.abs(curve.gains_db[5:] - curve.gains_db[:-5]).max() < 0.75 * np.ptp(curve.gains_db)


def test_the_gain_does_not_follow_syllables() -> None:
    """Within a turn of half a minute the gain moves less than 2 dB, and less than 1 dB in any second."""
    curve, _ = levelled(room(2), talk(30, -35), room(2), talk(30, -20, seed=2), room(2))
    for start in (110, 1710):
        gains = curve.gains_db[start : start + 29 * PER_S]
        assert np.ptp(gains) < 2.0
        assert np.abs(gains[PER_S:] - gains[:-PER_S]).max() < 1.0


def test_a_good_recording_stays_as_it_is() -> None:
    """One steady speaker in a quiet room gets one gain for the whole, within 1 dB."""
    curve, _ = levelled(room(2, -65), talk(300, -23, room_lufs=-65), room(2, -65))
    assert np.ptp(curve.gains_db) < 1.0
    assert np.median(curve.gains_db) == pytest.approx(7, abs=0.5)
    assert curve.speech_lufs == pytest.approx(-23, abs=0.3)
    assert curve.floor_lufs == pytest.approx(-65, abs=0.5)
    assert curve.speech_to_noise_db == pytest.approx(42, abs=0.6)


def test_a_noisy_recording_is_not_gated() -> None:
    """Speech 10 dB over the noise is found, levelled, and its room keeps nearly the gain of speech."""
    speech = talk(60, -35, room_lufs=-45)
    curve, parts = levelled(room(2, -45), speech, room(2, -45), speech, room(2, -45))
    assert np.mean(curve.speech[100:3100]) > 0.8
    assert lufs_of(parts[1]) == pytest.approx(TARGET_LUFS, abs=0.5)
    assert np.ptp(curve.gains_db) < 2.0
    assert curve.speech_to_noise_db == pytest.approx(10, abs=1.5)


def test_far_speech_is_not_taken_for_noise() -> None:
    """Somebody far away, 7 dB over the noise, between two near ones, is found and lifted to them."""
    curve, parts = levelled(talk(20, -20), room(1.5), talk(20, -47, seed=2), room(1.5), talk(20, -20, seed=3))
    assert np.mean(curve.speech[1080:2070]) > 0.75
    assert lufs_of(parts[2]) > TARGET_LUFS - 3


@pytest.mark.parametrize("freedom", [4, 10, 100])
def test_noise_alone_gets_one_gain(freedom: float) -> None:
    """Noise, however unsteady, holds no speech and is not modulated."""
    curve, parts = levelled(np.float32(power_of(-50)) * _fluctuation(60 * PER_S, freedom, 1))
    assert not curve.speech.any()
    assert np.ptp(curve.gains_db) == 0
    assert lufs_of(parts[0]) == pytest.approx(TARGET_LUFS, abs=0.2)
    assert curve.speech_to_noise_db == -math.inf
    assert curve.floor_lufs == pytest.approx(-50, abs=0.7)


@pytest.mark.parametrize("steps", [0, 1, 49, 5000])
def test_silence_keeps_its_gain(steps: int) -> None:
    """Digital silence of any length is left alone."""
    curve, _ = levelled(np.zeros(steps, np.float32))
    assert not curve.gains_db.any()
    assert curve.floor_lufs == -math.inf


@pytest.mark.parametrize("seconds", [0.1, 0.2, 1, 2])
def test_a_very_short_recording_gets_about_one_gain(seconds: float) -> None:
    """A second of speech, or less, comes to the target and is not shaped."""
    curve, parts = levelled(talk(seconds, -30))
    assert np.ptp(curve.gains_db) < 3
    assert 10 * math.log10(float(parts[0].mean())) == pytest.approx(TARGET_LUFS, abs=4)


def test_one_short_word_gets_its_gain() -> None:
    """A recording of one word in a quiet room brings the word to about the target."""
    curve, _ = levelled(room(2), talk(0.5, -30), room(2))
    assert in_speech(curve).max() == pytest.approx(14, abs=4)


def test_silence_between_turns_is_no_floor() -> None:
    """Between words of a gated conference the room is the one behind them; turns are levelled, silence stays."""
    gone = np.zeros(75, np.float32)
    parts = [part for number in range(8) for part in (talk(8, -20 - 15 * (number % 2), seed=number), gone)]
    curve, out = levelled(*parts)
    loudness = [lufs_of(part) for part in out[::2]]
    assert np.ptp(loudness) < 1.0
    assert not any(part.any() for part in out[1::2])
    assert not curve.speech[410:470].any()
    assert np.mean(curve.speech) < 0.87


def test_music_is_not_pumped() -> None:
    """Music with a beat and slow swells, which nobody speaks over, gets gains that move slowly and little."""
    steps = np.arange(300 * PER_S)
    beat_db = -8 * (steps % 25) / 25
    swell_db = 5 * np.sin(2 * np.pi * steps / (40 * PER_S))
    curve, _ = levelled((power_of(-18) * 10 ** ((beat_db + swell_db) / 10)).astype(np.float32))
    assert np.ptp(curve.gains_db) < 14
    assert np.abs(curve.gains_db[PER_S:] - curve.gains_db[:-PER_S]).max() < 8


def test_a_slammed_door_does_not_pull_the_gain_of_speech() -> None:
    """A burst of 0.3 s, 15 dB over a speaker's level and in his turn, moves his gain by less than 1.5 dB."""
    plain = talk(60, -23)
    slammed = plain.copy()
    slammed[1500:1515] += np.float32(power_of(-8))
    before, _ = levelled(plain)
    then, _ = levelled(slammed)
    assert np.abs(then.gains_db - before.gains_db).max() < 1.5


def test_a_slammed_door_in_a_pause_is_not_lifted() -> None:
    """A burst of 0.3 s in a pause keeps about the room's gain, and neither neighbour's gain moves by half a decibel."""
    parts = [talk(20, -35), room(3), talk(20, -23, seed=3)]
    before, _ = levelled(*parts)
    parts[1][60:75] += np.float32(power_of(-10))
    then, _ = levelled(*parts)
    assert np.abs(then.gains_db - before.gains_db)[:1000].max() < 0.5
    assert np.abs(then.gains_db - before.gains_db)[1155:].max() < 0.5
    assert then.gains_db[1060:1076].max() < before.gains_db[1060:1076].max() + 1


def test_a_short_creak_among_loud_speakers_is_not_brought_to_the_target() -> None:
    """A quiet sound of 0.3 s in a pause of loud speakers is lifted by a quarter of what speech would be, not by all."""
    quiet = room(3)
    quiet[60:75] += np.float32(power_of(-42))
    curve, _ = levelled(talk(20, -22), quiet, talk(20, -22, seed=3))
    assert curve.gains_db[1060:1076].max() < 6 + 0.35 * (42 - 22)


def test_applause_does_not_drown_what_is_said() -> None:
    """Applause of 4 or 20 s, 10 dB over speech, ends no louder than speech, which ends at the target around it."""
    for seconds in (4, 20):
        noise = np.float32(power_of(-15)) * _fluctuation(seconds * PER_S, 20, 3)
        _, parts = levelled(talk(20, -25), noise, room(1), talk(20, -25, seed=2))
        assert lufs_of(parts[1]) < TARGET_LUFS + 1.5
        assert lufs_of(parts[0]) == pytest.approx(TARGET_LUFS, abs=0.7)
        assert lufs_of(parts[3]) == pytest.approx(TARGET_LUFS, abs=0.7)


def test_laughter_is_brought_down_without_ducking_speech() -> None:
    """Three seconds of laughter 12 dB over speech in the same breath end near the target, as does speech around it."""
    laugh = talk(3, -13, seed=8) + np.float32(power_of(-25))
    _, parts = levelled(talk(20, -25), laugh, talk(20, -25, seed=2))
    assert lufs_of(parts[1]) < TARGET_LUFS + 4
    assert lufs_of(parts[0][:900]) == pytest.approx(TARGET_LUFS, abs=1)
    assert lufs_of(parts[2][100:]) == pytest.approx(TARGET_LUFS, abs=1)


def test_a_fading_speaker_is_followed() -> None:
    """Somebody who fades by 15 dB in two minutes is within 3 dB of the target in every 10 s."""
    fade = 10 ** (-np.linspace(0, 1.5, 120 * PER_S))
    speech = (talk(120, -23, room_lufs=-90) * fade).astype(np.float32) + room(120)
    _, parts = levelled(speech)
    loudness = [lufs_of(part) for part in np.split(parts[0], 12)]
    assert loudness == pytest.approx([TARGET_LUFS] * 12, abs=3)


def test_a_fan_that_is_switched_on_is_no_speech() -> None:
    """A floor that rises by 13 dB half way is followed at once; speech before and after is found and levelled."""
    parts = [talk(60, -23), room(4), room(4, -42), talk(60, -23, seed=5, room_lufs=-42)]
    curve, out = levelled(*parts)
    assert curve.speech[3010:3390].sum() <= 10
    assert lufs_of(out[0]) == pytest.approx(TARGET_LUFS, abs=0.5)
    assert lufs_of(out[3]) == pytest.approx(TARGET_LUFS, abs=0.5)


def test_a_change_of_speaker_without_a_pause_is_quick_but_no_jump() -> None:
    """Where a speaker 15 dB softer cuts in, the gain has changed after a second, and never by 1 dB in a step."""
    curve, parts = levelled(talk(10, -20), talk(10, -35, seed=2))
    assert lufs_of(parts[1][PER_S:]) == pytest.approx(TARGET_LUFS, abs=1)
    assert lufs_of(parts[0][:-PER_S]) == pytest.approx(TARGET_LUFS, abs=1)
    assert np.abs(np.diff(curve.gains_db))[450:550].max() < 1


def test_two_at_once_are_one_loudness() -> None:
    """Where two speak at once the gain is that of the louder one."""
    both = talk(5, -20, seed=2) + talk(5, -32, seed=3)
    curve, parts = levelled(talk(20, -20), both, room(1.5), talk(20, -32, seed=4))
    assert np.abs(curve.gains_db[1010:1240] - np.median(curve.gains_db[:1000])).max() < 2.5
    assert lufs_of(parts[3]) == pytest.approx(TARGET_LUFS, abs=0.7)


def test_gains_are_limited() -> None:
    """Beside a loud speaker nobody is lifted by more than 24 dB over the whole recording's gain, or cut by over 18."""
    curve, _ = levelled(talk(40, -15, room_lufs=-75), room(1.5, -75), talk(20, -55, seed=2, room_lufs=-75))
    whole_db = TARGET_LUFS - curve.speech_lufs
    assert in_speech(curve).max() == pytest.approx(whole_db + leveller.MOST_LIFT_DB, abs=0.1)
    assert curve.gains_db.min() >= whole_db - leveller.MOST_CUT_DB


def test_the_level_of_the_whole_does_not_matter() -> None:
    """The same meeting 20 dB softer gets the same curve, 20 dB higher."""
    parts = meeting()
    loud, _ = levelled(*parts)
    soft, _ = levelled(*(part / np.float32(100) for part in parts))
    assert np.abs(soft.gains_db - loud.gains_db - 20).max() < 0.01


def test_the_last_sound_of_a_word_belongs_to_it() -> None:
    """A burst of 80 ms, 5 dB over the room, that follows a word after a stop of 120 ms is speech; alone it is not."""
    burst = room(0.08) + np.float32(power_of(ROOM_LUFS + 4))
    power = np.concatenate([room(2), talk(3, -35), room(0.12), burst, room(2), burst, room(2)])
    speech = activity.find(power).speech
    assert speech[250:260].all()
    assert not speech[270:].any()


def test_an_hour_is_cheap() -> None:
    """An hour of many turns takes less than half a CPU second and the memory of a few arrays of its length."""
    parts = [part for number in range(267) for part in (talk(12, -20 - number % 8 * 2.5, seed=number % 16), room(1.5))]
    power = np.concatenate(parts)
    start = time.process_time()
    leveller.level(power, target_lufs=TARGET_LUFS)
    assert time.process_time() - start < 0.5
    tracemalloc.start()
    leveller.level(power, target_lufs=TARGET_LUFS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * power.nbytes * 2


def test_any_powers_give_a_finite_curve() -> None:
    """Levels that jump at random over 100 dB, with silences, end in a finite curve and without a warning."""
    rng = np.random.default_rng(5)
    for count in (1, 2, 3, 10, 60, 200, 1000, 4000) * 8:
        pieces = max(1, count // int(rng.integers(1, 60)))
        length = -(-count // pieces)
        levels = np.repeat(rng.uniform(-100, 5, pieces), length)[:count] + rng.normal(0, 4, count)
        power = (10 ** (levels / 10)).astype(np.float32)
        power[np.repeat(rng.random(pieces) < 0.4, length)[:count]] = 0
        curve, _ = levelled(power)
        assert np.ptp(curve.gains_db) < leveller.MOST_LIFT_DB + leveller.MOST_CUT_DB + 15
