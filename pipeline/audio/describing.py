"""What mastering found and did enters, the values that a report shows leave: a figure a second, and remarks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from pipeline.audio import activity
from pipeline.audio.analysis import Analysis
from pipeline.audio.channels import ChannelFacts, Handling
from pipeline.audio.leveller import Curve
from pipeline.audio.meter import STEP_MS, Powers, integrated_lufs, lufs, momentary_lufs, range_lu
from pipeline.audio.planning import Plan
from pipeline.audio.preparing import Take
from pipeline.audio.watching import Watch
from pipeline.model import Mastering, Remark, clock

SECOND_STEPS = 1000 // STEP_MS
LONGEST_SILENCE_MS = 20_000
LEAST_SPEECH_TO_NOISE_DB = 10.0
BARS = 400  # of a waveform
TALLEST = 100
LEAST_HEIGHT = 1e-9

HANDLED: Mapping[Handling, str] = {
    "as it is": "kept as they are",
    "equal channels": "both the same, one was taken",
    "live channel": "what is dead was left out",
    "sign mended": "one was the other's opposite, which was mended",
    "levels matched": "brought to one level and averaged",
    "averaged": "averaged",
    "nearest microphone": "two microphones, the nearer one taken moment by moment",
}

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was noticed while a recording was read: in its samples, and in the channels of each recorder that was."""

    watch: Watch = field(default_factory=Watch)
    channels: dict[int, tuple[ChannelFacts, ...]] = field(default_factory=dict)


def described(made: Plan, meeting: Take, analysis: Analysis, seen: Seen, *, gain_db: float) -> Mastering:
    """Gather what was found in a recording and what was done to it.

    Args:
        made: the plan that was carried out.
        meeting: the recording.
        analysis: its first reading.
        seen: what was noticed meanwhile.
        gain_db: the gain of the whole, besides that of the plan's curve.
    """
    watch = seen.watch
    gains_db = made.curve.gains_db if meeting.settings.level else np.zeros(len(analysis.powers) + 1, np.float32)
    silences = _silences(made.curve, analysis.length_ms)
    lift_db = float(np.median(gains_db[:-1][~made.curve.speech])) if (~made.curve.speech).any() else 0.0
    return Mastering(
        before_lufs=each_second(analysis.powers),
        gains_db=tuple(round(float(gain), 1) for gain in gains_db[: len(analysis.powers) : SECOND_STEPS] + gain_db),
        speech=tuple(bool(part.any()) for part in _seconds(made.curve.speech)),
        integrated_before_lufs=round(integrated_lufs(momentary_lufs(analysis.powers)), 2),
        peak_before_dbfs=round(watch.peak_dbfs, 2),
        range_before_lu=round(range_lu(analysis.powers), 1),
        floor_before_lufs=round(made.curve.floor_lufs, 1),
        floor_after_lufs=round(made.curve.floor_lufs + lift_db + gain_db, 1),
        speech_to_noise_db=round(made.curve.speech_to_noise_db, 1),
        clipped=watch.clipped,
        silences=silences,
        denoise=made.denoise,
        hum_hz=tuple(round(found.frequency_hz) for found in made.hums),
        channels="; ".join(dict.fromkeys(map(_handled, seen.channels.get(0, ())))),
        recorders=tuple(_recorders(meeting, seen)) if len(meeting.recorders) > 1 else (),
        remarks=(*_remarks(made, watch, silences), *_channel_remarks(seen)),
    )


def _handled(facts: ChannelFacts) -> str:
    if len(facts.names) == 1:
        return "one channel"
    done = HANDLED[facts.handling]
    levels = ", ".join(
        f"{_channel(facts, number)} {level:+.0f} dB" for number, level in enumerate(facts.levels_db) if level < -1
    )
    return f"{len(facts.names)} channels ({levels}): {done}" if levels else f"{len(facts.names)} channels: {done}"


def _channel(facts: ChannelFacts, number: int) -> str:
    names = {"FL": "left", "FR": "right"}
    return names.get(facts.names[number], f"channel {number + 1}")


def _channel_remarks(seen: Seen) -> Iterator[Remark]:
    hint = "The others were used. Before the next meeting, check the cable or the microphone of that channel."
    for facts in seen.channels.get(0, ()):
        for number in facts.dead:
            yield Remark(
                kind="dead-channel",
                message=f"the {_channel(facts, number)} channel of the recording is dead",
                hint=hint,
            )
        for number, lost_s in enumerate(facts.lost_at_s):
            if lost_s is not None:
                at = clock(round(lost_s * 1000))
                message = f"the {_channel(facts, number)} channel of the recording falls silent at {at}"
                yield Remark(kind="dead-channel", message=message, hint=hint)


def _recorders(meeting: Take, seen: Seen) -> Iterator[str]:
    for number, (paths, alignment) in enumerate(zip(meeting.recorders, meeting.alignments, strict=True)):
        used = "used" if number in seen.channels else "not used"
        ratio = "" if alignment.snr_db is None else f", speech {alignment.snr_db:.0f} dB over noise"
        lag = "" if number == 0 else f", its clock {alignment.offset_s:+.2f} s and {alignment.drift_ppm:+.0f} ppm"
        yield f"{paths[0].name}: {used}{ratio}{lag}"


def each_second(powers: Powers) -> tuple[float, ...]:
    """Return the loudness (LUFS) of the three seconds around each second."""
    sums = np.concatenate([[0.0], np.cumsum(powers, dtype=np.float64)])
    starts = np.arange(0, len(powers), SECOND_STEPS)
    first, last = np.maximum(starts - SECOND_STEPS, 0), np.minimum(starts + 2 * SECOND_STEPS, len(powers))
    levels = lufs(np.maximum(sums[last] - sums[first], 0) / (last - first))
    return tuple(round(float(level), 1) for level in levels)


def waveform(powers: Powers) -> tuple[int, ...]:
    """Return the heights (0 to 100) of bars that picture a sound."""
    count = min(BARS, len(powers))
    if not count:
        return ()
    starts = np.arange(count + 1) * len(powers) // count
    heights = np.sqrt(np.add.reduceat(powers, starts[:-1]) / np.diff(starts))
    return tuple(int(height) for height in np.rint(heights / max(heights.max(), LEAST_HEIGHT) * TALLEST))


def _seconds(flags: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> list["np.ndarray[tuple[int], np.dtype[np.bool_]]"]:
    return np.split(flags, range(SECOND_STEPS, len(flags), SECOND_STEPS))


def _silences(curve: Curve, length_ms: int) -> Spans:
    starts, ends = (places * STEP_MS for places in activity.runs(~curve.speech))
    spans = [(int(start), min(int(end), length_ms)) for start, end in zip(starts, ends, strict=True)]
    return tuple(span for span in spans if span[1] - span[0] > LONGEST_SILENCE_MS)


def _remarks(made: Plan, watch: Watch, silences: Spans) -> Iterator[Remark]:
    if watch.clipped:
        seconds = round(sum(end - start for start, end in watch.clipped) / 1000)
        yield Remark(
            kind="clipping",
            message=f"the recording is clipped for about {max(seconds, 1)} s, first at {clock(watch.clipped[0][0])}",
            hint="It sounds harsh there, and mastering cannot mend it: record with a lower level next time.",
        )
    if not made.curve.speech.any():
        yield Remark(
            kind="no-speech",
            message="no speech was found in the recording",
            hint="Listen to it: it is mastered as it is, without levelling.",
        )
    elif made.curve.speech_to_noise_db < LEAST_SPEECH_TO_NOISE_DB:
        yield Remark(
            kind="noise",
            message=f"speech is only {made.curve.speech_to_noise_db:.0f} dB louder than the room",
            hint="Listen whether every word can be understood; next time, put the microphone nearer.",
        )
    for start_ms, end_ms in silences:
        yield Remark(
            kind="silence",
            message=f"nobody speaks from {clock(start_ms)} to {clock(end_ms)}",
            hint="Cut it with [[edits]] in episode.toml, or set audio.longest_pause_s.",
        )
