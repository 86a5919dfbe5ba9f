"""Whom a transcript names and the curves of a master in, how loud each voice was and is out; pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, count

from pipeline.model import Episode, Master
from pipeline.pages.charts import Curves, merged
from pipeline.pages.wording import one_line

_SILENT_POWER = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A figure of the recording and of its master: None where it is not known, -inf where there is no sound."""

    before: float | None = None
    after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """Whom the transcript names, as the site may show them: how loud they were and are, over all that they say."""

    label: str
    speech_ms: int
    loudness_lufs: Change
    gain_db: float | None


class _Sum:
    """The sum of a curve up to any moment: a stretch of whatever length is two look-ups."""

    def __init__(self, values: Sequence[float], step_ms: int) -> None:
        self._values, self._step_ms = values, step_ms
        self._sums = list(accumulate(values, initial=0.0))

    def between(self, start_ms: int, end_ms: int) -> float:
        return self._until(end_ms) - self._until(start_ms)

    def _until(self, moment_ms: int) -> float:
        whole, part_ms = divmod(max(moment_ms, 0), self._step_ms)
        if whole >= len(self._values):
            return self._sums[-1]
        return self._sums[whole] + self._values[whole] * part_ms / self._step_ms


def voices(episode: Episode, master: Master, curves: Curves) -> tuple[Voice, ...]:
    """Sum up each voice of the transcript, over what the master keeps and where somebody speaks.

    Args:
        episode: its cues on the recording's clock.
        master: for its gains and its speech.
        curves: loudness before and after, on the recording's clock.

    Returns:
        The voices by their first word. Whom episode.toml does not know is not named but numbered.
    """
    names = _labels(episode)
    cues: dict[str, list[tuple[int, int]]] = {}
    for cue in episode.transcript.cues if episode.transcript else ():
        if cue.speaker:
            cues.setdefault(names[cue.speaker], []).append((cue.start_ms, cue.end_ms))
    sums = _sums(master, curves)
    made = (_voice(label, merged(stretches, 0), sums, master.mastering.step_ms) for label, stretches in cues.items())
    return tuple(voice for voice in made if voice.speech_ms)


def _labels(episode: Episode) -> dict[str, str]:
    """Give each voice of the transcript what may be shown of it."""
    known: dict[str, str] = {}
    for speaker in episode.speakers:
        for name in (speaker.label, speaker.role, speaker.name):
            known.setdefault(one_line(name).casefold(), one_line(speaker.label))
    labels: dict[str, str] = {}
    numbers = count(1)
    for cue in episode.transcript.cues if episode.transcript else ():
        if cue.speaker and cue.speaker not in labels:
            label = known.get(one_line(cue.speaker).casefold())
            labels[cue.speaker] = label or f"Voice {next(numbers)} (not in episode.toml)"
    return labels


def _sums(master: Master, curves: Curves) -> dict[str, _Sum]:
    found = master.mastering
    steps = len(curves.before_lufs)
    said = found.speech if any(found.speech) else (True,) * steps
    kept = [level is not None for level in curves.after_lufs] or [True] * steps
    counts = [float(spoken and is_kept) for spoken, is_kept in zip(said, kept, strict=False)]
    curve_of = {"time": (1.0,) * steps, "gain": tuple(map(_finite, found.gains_db))}
    curve_of |= {"before": tuple(map(_power, curves.before_lufs)), "after": tuple(map(_power, curves.after_lufs))}
    return {
        name: _Sum([part * value for part, value in zip(counts, curve, strict=False)], found.step_ms)
        for name, curve in curve_of.items()
        if curve
    }


def _voice(label: str, stretches: Sequence[tuple[int, int]], sums: Mapping[str, _Sum], step_ms: int) -> Voice:
    totals = {name: sum(curve.between(start, end) for start, end in stretches) for name, curve in sums.items()}
    steps = totals.get("time", 0.0)
    if steps * step_ms < 1:
        return Voice(label=label, speech_ms=0, loudness_lufs=Change(), gain_db=None)
    levels = {name: _level(totals[name] / steps) for name in ("before", "after") if name in totals}
    gain_db = totals["gain"] / steps if "gain" in totals else None
    return Voice(label=label, speech_ms=round(steps * step_ms), loudness_lufs=Change(**levels), gain_db=gain_db)


def _finite(gain_db: float) -> float:
    return gain_db if math.isfinite(gain_db) else 0.0


def _power(level: float | None) -> float:
    return 10 ** (level / 10) if level is not None and math.isfinite(level) else 0.0


def _level(power: float) -> float:
    return 10 * math.log10(power) if power > _SILENT_POWER else -math.inf
