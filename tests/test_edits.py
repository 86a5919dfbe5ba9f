"""Edits: the timeline has no gaps and no second words, and the sound along it is exact to the sample."""

import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.audio.edits import covered_steps, edited, kept_steps, plan, position
from pipeline.audio.graph import Block
from pipeline.errors import AudioError
from pipeline.model import Edit, EditAction, Timeline

RATE_HZ = 44_100
CUT, BLEEP, MUTE = EditAction.CUT, EditAction.BLEEP, EditAction.MUTE
LONGEST_MS = 20_000


def edited_samples(timeline: Timeline, rate_hz: int) -> int:
    """Count the samples from the first span's place in the master to the last one's end."""
    first, last = timeline.spans[0], timeline.spans[-1]
    return position(last.master_ms + last.end_ms - last.start_ms, rate_hz) - position(first.master_ms, rate_hz)


def edit(start_ms: int, end_ms: int, action: EditAction = CUT) -> Edit:
    """Make an edit."""
    return Edit(start_ms=start_ms, end_ms=end_ms, action=action)


def planned(*changes: Edit, length_ms: int = 10_000, speech: str | None = None, **options: object) -> Timeline:
    """Plan without trimming; `speech` has a character for each second, `#` where somebody speaks."""
    flags = np.repeat([one == "#" for one in speech or ""], 50)
    values = {"trim": False, "longest_pause_ms": None, "speech_starts_ms": 0, **options}
    return plan(changes, length_ms=length_ms, speech=flags, **values)


def spans(timeline: Timeline) -> list[tuple[int, int, int]]:
    """List spans as (start, end, place in the master)."""
    return [(span.start_ms, span.end_ms, span.master_ms) for span in timeline.spans]


def in_blocks(sound: Block, length: int) -> Iterator[Block]:
    """Cut a sound into blocks."""
    return (sound[:, start : start + length] for start in range(0, sound.shape[1], length))


def passed(sound: Block, *changes: Edit, block: int = 4096, rate_hz: int = RATE_HZ, **options: object) -> Block:
    """Plan for a sound and pass it along."""
    timeline = planned(*changes, length_ms=round(sound.shape[1] * 1000 / rate_hz), **options)
    return np.concatenate(list(edited(in_blocks(sound, block), timeline, changes, rate_hz=rate_hz)), axis=1)


def noise(seconds: float, *, channels: int = 1, rms: float = 0.1, seed: int = 1) -> Block:
    """Make white noise."""
    shape = (channels, round(seconds * RATE_HZ))
    return (np.random.default_rng(seed).standard_normal(shape) * rms).astype(np.float32)


def test_without_edits_the_whole_recording_is_one_span() -> None:
    """Nothing to do leaves one span from the first to the last millisecond, after the intro."""
    assert spans(planned(speech_starts_ms=700)) == [(0, 10_000, 700)]


def test_cuts_are_exact_and_merge() -> None:
    """Overlapping, adjacent and unordered cuts become one; each is exact to the millisecond, clipped at the ends."""
    timeline = planned(
        edit(4_001, 5_003), edit(1_111, 2_000), edit(2_000, 3_000), edit(1_500, 2_500), edit(9_500, 12_000)
    )
    assert spans(timeline) == [(0, 1_111, 0), (3_000, 4_001, 1_111), (5_003, 9_500, 2_112)]


def test_bleeps_and_mutes_cover_and_keep() -> None:
    """What a bleep or silence covers stays in the master's length and is listed, merged."""
    timeline = planned(edit(5_000, 6_000, MUTE), edit(1_000, 2_000, BLEEP), edit(1_500, 2_500, BLEEP))
    assert spans(timeline) == [(0, 10_000, 0)]
    assert timeline.covered == ((1_000, 2_500), (5_000, 6_000))


def test_trimming_leaves_half_a_second_before_and_a_second_after() -> None:
    """The room's sound before the first words and after the last is trimmed, not to nothing."""
    assert spans(planned(speech="...##.#...", trim=True)) == [(2_500, 8_000, 0)]


def test_trimming_has_nothing_to_take_from_a_tight_recording() -> None:
    """A recording that begins and ends with words stays whole."""
    assert spans(planned(speech="##########", trim=True)) == [(0, 10_000, 0)]


def test_nothing_is_trimmed_where_nobody_speaks() -> None:
    """Music without a word is kept whole."""
    assert spans(planned(speech="..........", trim=True)) == [(0, 10_000, 0)]


def test_trimming_looks_for_the_first_words_that_are_kept() -> None:
    """Words that a cut takes out are no reason to keep the room around them; half a second counts what is kept."""
    timeline = planned(edit(900, 2_100), edit(4_600, 4_800), speech=".#...###..", trim=True)
    assert spans(timeline) == [(4_300, 4_600, 0), (4_800, 9_000, 300)]


def test_covered_words_are_not_trimmed() -> None:
    """A bleep before the first words stays, with half a second before it."""
    assert spans(planned(edit(2_000, 3_000, BLEEP), speech="......##..", trim=True)) == [(1_500, 9_000, 0)]


def test_long_pauses_lose_their_middle() -> None:
    """A pause longer than allowed keeps half of that after the words and half before the next ones."""
    timeline = planned(speech="#....#..##", longest_pause_ms=2_001)
    assert spans(timeline) == [(0, 2_000, 0), (3_999, 10_000, 2_000)]


def test_a_cut_between_two_pauses_makes_one() -> None:
    """Pauses are as long as they will be heard: what a cut joins is shortened as one."""
    timeline = planned(edit(2_000, 7_000), speech="#...##...#", longest_pause_ms=1_000)
    assert spans(timeline) == [(0, 1_500, 0), (8_500, 10_000, 1_500)]


def test_pauses_at_the_ends_belong_to_trimming() -> None:
    """Room before the first words and after the last is no pause."""
    assert spans(planned(speech="....##....", longest_pause_ms=500)) == [(0, 10_000, 0)]


def test_edits_that_leave_nothing_are_refused() -> None:
    """Cuts that leave less than a second end in one sentence with a hint."""
    with pytest.raises(AudioError, match="leave less than a second") as raised:
        planned(edit(0, 5_000), edit(5_000, 9_001))
    assert raised.value.hint
    assert spans(planned(edit(0, 5_000), edit(5_000, 9_000))) == [(9_000, 10_000, 0)]


ACTIONS = st.sampled_from(EditAction)
EDITS = st.lists(
    st.builds(
        lambda start, length, action: edit(start, start + length, action),
        st.integers(0, LONGEST_MS),
        st.integers(1, 3_000),
        ACTIONS,
    ),
    max_size=6,
).map(tuple)
RUNS = st.lists(st.tuples(st.booleans(), st.integers(1, 300)), max_size=8)


@st.composite
def plans(draw: st.DrawFn) -> tuple[tuple[Edit, ...], dict[str, object], Timeline]:
    """Make edits, the other arguments, and the timeline that is planned from them."""
    changes, runs = draw(EDITS), draw(RUNS)
    length_ms = draw(st.integers(1_000, LONGEST_MS))
    speech = np.resize(
        np.repeat([is_speech for is_speech, _ in runs], [count for _, count in runs]), length_ms // 20 + 1
    )
    arguments = {
        "length_ms": length_ms,
        "speech": speech.astype(np.bool_) if runs else np.zeros(length_ms // 20 + 1, np.bool_),
        "trim": draw(st.booleans()),
        "longest_pause_ms": draw(st.none() | st.integers(500, 4_000)),
        "speech_starts_ms": draw(st.integers(0, 5_000)),
    }
    try:
        return changes, arguments, plan(changes, **arguments)
    except AudioError:
        return (), arguments, plan((), **arguments)


@given(plans())
@settings(max_examples=300)
def test_every_timeline_is_in_order(planned_one: tuple[tuple[Edit, ...], dict[str, object], Timeline]) -> None:
    """Spans ascend with a gap, follow each other in the master without one, and their lengths add up."""
    _, arguments, timeline = planned_one
    assert timeline.spans
    place = arguments["speech_starts_ms"]
    end_ms = -1
    for span in timeline.spans:
        assert end_ms < span.start_ms < span.end_ms <= arguments["length_ms"]
        assert span.master_ms == place
        end_ms, place = span.end_ms, place + span.end_ms - span.start_ms
    assert timeline.kept_ms(0, arguments["length_ms"]) == place - arguments["speech_starts_ms"]


@given(plans(), st.lists(st.integers(0, LONGEST_MS + 1_000), min_size=3, max_size=30).map(sorted))
@settings(max_examples=300)
def test_every_timeline_keeps_the_order_of_moments(
    planned_one: tuple[tuple[Edit, ...], dict[str, object], Timeline], moments: list[int]
) -> None:
    """moved() never turns two moments round; the distance of two moments in the master is what is kept between them."""
    timeline = planned_one[2]
    places = [timeline.moved(moment) for moment in moments]
    assert places == sorted(places)
    for earlier, later in pairwise(moments):
        assert timeline.moved(later) - timeline.moved(earlier) == timeline.kept_ms(earlier, later)
    for moment in moments:
        assert timeline.keeps(moment) == (timeline.kept_ms(moment, moment + 1) == 1)


@given(plans())
@settings(max_examples=300)
def test_every_timeline_takes_what_was_asked_and_no_words(
    planned_one: tuple[tuple[Edit, ...], dict[str, object], Timeline],
) -> None:
    """Nothing of a cut is kept; every moment of speech and of a bleep that is not cut is; no pause stays too long."""
    changes, arguments, timeline = planned_one
    length_ms, longest_ms = arguments["length_ms"], arguments["longest_pause_ms"]
    cut, busy = np.zeros(length_ms, np.bool_), np.repeat(arguments["speech"], 20)[:length_ms].copy()
    for change in changes:
        (cut if change.action is CUT else busy)[change.start_ms : change.end_ms] = True
    kept = np.zeros(length_ms, np.bool_)
    for span in timeline.spans:
        kept[span.start_ms : span.end_ms] = True
    assert not (kept & cut).any()
    assert kept[busy & ~cut].all()
    heard = np.flatnonzero(busy[kept])
    if longest_ms is not None and len(heard):
        assert np.diff(heard, prepend=heard[0]).max() <= longest_ms + 1
    if arguments["trim"] and len(heard):
        assert heard[0] <= 500
        assert np.count_nonzero(kept) - 1 - heard[-1] <= 1_000
    if not arguments["trim"] and longest_ms is None:
        assert (kept == ~cut).all()


@given(
    plans(),
    st.sampled_from([8_000, 11_025, 32_000, 44_100, 48_000]),
    st.integers(100, 90_000),
    st.integers(1, 2),
)
@settings(max_examples=60)
def test_every_sample_is_in_its_place(
    planned_one: tuple[tuple[Edit, ...], dict[str, object], Timeline], rate_hz: int, block: int, channels: int
) -> None:
    """Whatever the rate and the blocks, the number of samples is exact, and all but those at joins are untouched."""
    _, arguments, timeline = planned_one
    samples = position(arguments["length_ms"], rate_hz)
    sound = np.arange(samples * channels, dtype=np.float32).reshape(channels, samples)  # each sample is its own number
    result = np.concatenate(list(edited(in_blocks(sound, block), timeline, (), rate_hz=rate_hz)), axis=1)
    last = timeline.spans[-1]
    end_ms, first_ms = last.master_ms + last.end_ms - last.start_ms, timeline.spans[0].master_ms
    assert result.shape == (channels, edited_samples(timeline, rate_hz))
    assert result.shape[1] == round(end_ms * rate_hz / 1000) - round(first_ms * rate_hz / 1000)
    half = rate_hz // 200
    for span in timeline.spans:
        start = round(span.start_ms * rate_hz / 1000)
        at = round(span.master_ms * rate_hz / 1000) - round(first_ms * rate_hz / 1000)
        count = (span.end_ms - span.start_ms) * rate_hz // 1000
        inner = slice(half, max(half, count - half))
        assert (result[:, at:][:, inner] == sound[:, start:][:, inner]).all()


def test_a_sound_a_millisecond_short_is_filled_up() -> None:
    """A length in whole milliseconds may be a few samples longer than the sound: silence fills them."""
    sound = np.ones((1, 5_000), np.float32)
    timeline = planned(length_ms=114)  # 5,027 samples
    result = np.concatenate(list(edited([sound], timeline, (), rate_hz=RATE_HZ)), axis=1)
    assert result.shape[1] == 5_027
    assert (result[0, :5_000] == 1).all()
    assert not result[0, 5_000:].any()


def test_a_sound_that_lost_its_end_is_refused() -> None:
    """Sound that became shorter since it was measured ends in a sentence, not in silence."""
    with pytest.raises(AudioError, match="less sound"):
        list(edited([noise(9.9)], planned(), (), rate_hz=RATE_HZ))


def test_without_a_timeline_blocks_pass_untouched() -> None:
    """Two equal clocks leave every block as it is."""
    sound = noise(1)
    (result,) = edited([sound], Timeline(), (), rate_hz=RATE_HZ)
    assert result is sound


def test_a_join_has_no_dip_and_no_bump() -> None:
    """Over 300 joins, the room's noise keeps its level within half a decibel in each millisecond of the crossfade."""
    cuts = tuple(edit(start, start + 37) for start in range(100, 30_100, 100))
    result = passed(noise(31), *cuts)[0]
    timeline = planned(*cuts, length_ms=31_000)
    millisecond = RATE_HZ // 1000
    around = np.array(
        [
            result[(at := position(span.master_ms, RATE_HZ)) - 10 * millisecond : at + 10 * millisecond]
            for span in timeline.spans[1:]
        ]
    )
    power = np.square(around.astype(np.float64)).reshape(300, 20, millisecond).mean(axis=(0, 2))
    levels_db = 10 * np.log10(power / 0.1**2)
    assert np.abs(levels_db).max() < 0.5, levels_db


def test_a_join_does_not_click() -> None:
    """Where a cut makes a low tone jump, no step between samples is larger than a crossfade explains."""
    time_s = np.arange(4 * RATE_HZ) / RATE_HZ
    tone = (0.5 * np.sin(2 * np.pi * 100 * time_s))[None].astype(np.float32)
    result = passed(tone, edit(1_002, 2_007))[0]  # from the wave's top to its bottom
    own_step = np.abs(np.diff(tone[0])).max()
    assert abs(tone[0, position(1_002, RATE_HZ)] - tone[0, position(2_007, RATE_HZ)]) > 0.9
    assert np.abs(np.diff(result)).max() < 2 * own_step


def test_nothing_of_a_cut_is_left() -> None:
    """Not one sample of what was cut goes into a join: where only that is loud, the master is silent."""
    sound = np.zeros((2, 5 * RATE_HZ), np.float32)
    sound[:, position(1_000, RATE_HZ) : position(2_333, RATE_HZ)] = 0.9
    result = passed(sound, edit(1_000, 2_333))
    assert result.shape[1] == position(3_667, RATE_HZ)
    assert not result.any()


def test_short_stretches_between_cuts_survive() -> None:
    """Stretches shorter than a crossfade leave their exact length and finite sound."""
    cuts = tuple(edit(1_000 + 10 * n, 1_000 + 10 * n + 9) for n in range(50))  # a millisecond between two cuts
    result = passed(noise(5), *cuts, block=333)
    assert result.shape[1] == position(5_000 - 450, RATE_HZ)
    assert np.isfinite(result).all()


@pytest.mark.parametrize("block", [1, 50, 4_096, 10**6])
def test_a_mute_is_silence_to_the_sample(block: int) -> None:
    """Inside a mute every sample is 0; 5 ms outside it, every sample is as it was; the ramps only go one way."""
    sound = noise(0.3, channels=2)
    start, end, ramp = position(101, RATE_HZ), position(203, RATE_HZ), position(5, RATE_HZ)
    result = passed(sound, edit(101, 203, MUTE), block=block)
    assert not result[:, start:end].any()
    assert (result[:, : start - ramp] == sound[:, : start - ramp]).all()
    assert (result[:, end + ramp :] == sound[:, end + ramp :]).all()
    gain = result / sound
    assert (np.diff(gain[:, start - ramp : start]) <= 1e-6).all()
    assert (np.diff(gain[:, end : end + ramp]) >= -1e-6).all()
    assert (np.abs(np.diff(gain)) < 2 / ramp).all()


def test_damage_does_not_get_through_a_mute() -> None:
    """Not even infinity is left inside a mute."""
    sound = noise(1)
    sound[:, position(500, RATE_HZ)] = np.inf
    assert not passed(sound, edit(400, 600, MUTE))[:, position(400, RATE_HZ) : position(600, RATE_HZ)].any()


def test_a_bleep_is_a_tone_and_nothing_else() -> None:
    """A bleep holds 1 kHz at -24 dBFS, softly begun and ended, and is the same whatever was said there."""
    start, end = position(1_000, RATE_HZ), position(2_000, RATE_HZ)
    over_noise, over_silence = (passed(noise(3, rms=rms), edit(1_000, 2_000, BLEEP)) for rms in (0.2, 0.0))
    tone = over_noise[0, start:end]
    assert (over_noise[:, start:end] == over_silence[:, start:end]).all()
    spectrum = np.abs(np.fft.rfft(tone.astype(np.float64) * np.hanning(len(tone))))
    assert np.argmax(spectrum) == 1_000  # a second long: a bin is a hertz
    assert 20 * np.log10(np.abs(tone).max()) == pytest.approx(-24, abs=0.01)
    assert np.abs(tone[: RATE_HZ // 2000]).max() < 0.2 * np.abs(tone).max()
    assert np.abs(np.diff(over_silence)).max() < 1.1 * np.abs(np.diff(tone[RATE_HZ // 100 : -RATE_HZ // 100])).max()
    assert not over_silence[:, :start].any()
    assert not over_silence[:, end:].any()


def test_adjacent_bleeps_are_one_tone() -> None:
    """Two bleeps side by side sound as one."""
    sound = noise(1)
    one, two = passed(sound, edit(200, 800, BLEEP)), passed(sound, edit(200, 500, BLEEP), edit(500, 800, BLEEP))
    assert (one == two).all()


def test_a_cut_that_ends_in_a_mute_lets_nothing_out() -> None:
    """Where a mute meets a cut, what either hides goes into neither the join nor the silence."""
    sound = np.zeros((1, 4 * RATE_HZ), np.float32)
    sound[:, position(1_000, RATE_HZ) : position(2_500, RATE_HZ)] = 0.9
    assert not passed(sound, edit(1_000, 2_000, MUTE), edit(2_000, 2_500, CUT)).any()


def test_memory_is_flat() -> None:
    """Twenty minutes of sound take no more memory than a few blocks."""
    rate_hz, seconds = 8_000, 1_200
    changes = (edit(100_000, 200_000), edit(300_000, 301_000, BLEEP), edit(1_100_000, 1_150_000))
    timeline = planned(*changes, length_ms=seconds * 1_000)
    blocks = (np.ones((1, rate_hz), np.float32) for _ in range(seconds))
    tracemalloc.start()
    total = sum(block.shape[1] for block in edited(blocks, timeline, changes, rate_hz=rate_hz))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == (seconds - 150) * rate_hz
    assert peak < 2_000_000  # the sound takes 38 MB


def test_steps_foretell_the_master() -> None:
    """The steps that are kept, in their order, have the powers that the master's steps will have."""
    rate_hz, changes = 8_000, (edit(1_000, 2_000), edit(5_020, 7_000))
    levels = np.random.default_rng(3).uniform(0.1, 1, 500).astype(np.float32)
    sound = np.repeat(levels, rate_hz // 50)[None]
    timeline = planned(*changes, speech_starts_ms=330)
    result = np.concatenate(list(edited([sound], timeline, changes, rate_hz=rate_hz)), axis=1)
    steps = kept_steps(timeline, 500)
    assert len(steps) == result.shape[1] // (rate_hz // 50) == 500 - 50 - 99
    assert (result[0, rate_hz // 100 :: rate_hz // 50] == levels[steps]).all()


@given(plans())
@settings(max_examples=100)
def test_steps_are_in_range_and_order(planned_one: tuple[tuple[Edit, ...], dict[str, object], Timeline]) -> None:
    """Whatever the timeline, there is a step for each begun 20 ms of the master, ascending, inside the recording."""
    _, arguments, timeline = planned_one
    steps = -(-arguments["length_ms"] // 20)
    found = kept_steps(timeline, steps)
    assert len(found) == -(-timeline.kept_ms(0, arguments["length_ms"]) // 20)
    assert found.min() >= 0
    assert found.max() < steps
    assert (np.diff(found) >= 0).all()


def test_steps_without_a_timeline_are_all_steps() -> None:
    """Two equal clocks keep every step."""
    assert kept_steps(Timeline(), 4).tolist() == [0, 1, 2, 3]


def test_covered_steps_are_those_under_a_bleep() -> None:
    """A step counts as covered where its middle is."""
    timeline = planned(edit(40, 75, BLEEP), edit(120, 129, MUTE), edit(129, 140, MUTE))
    assert np.flatnonzero(covered_steps(timeline, 500)).tolist() == [2, 3, 6]
