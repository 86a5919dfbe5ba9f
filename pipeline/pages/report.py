"""An episode and its master in, what mastering found and did out: as values, and as a page that stands alone."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup

from pipeline.model import AudioSettings, EditAction, Episode, LoudnessTarget, Master, MonoLoudness, Remark, Show, clock
from pipeline.pages import charts
from pipeline.pages.charts import Curves, Lane
from pipeline.pages.templating import html_environment, render_template
from pipeline.pages.voices import Change, Voice, voices
from pipeline.pages.wording import one_line

LISTED = 20  # stretches in a list; a recording that clips throughout has thousands
_HEADER_ERROR_STEPS = 2
_LEAST_MS = 100  # what is shorter comes of rounding
_NOT_KNOWN, _NOTHING = "not known", "-"
_NOISE = {
    "off": "left as it was",
    "gentle": "taken out gently (by at most 6 dB: more would take words along)",
    "light": "taken out lightly (by at most 12 dB)",
    "strong": "taken out strongly",
}
_ACTIONS = {EditAction.CUT: "cut", EditAction.BLEEP: "bleeped", EditAction.MUTE: "muted"}
_LANES = {
    "cut": "Cut",
    "bleeped": "Bleeped",
    "muted": "Muted",
    "trimmed": "Trimmed ends",
    "shortened": "Shortened pauses",
}
_COUNTED = {
    False: "How loud it is on the whole, as both speakers play it.",
    True: "How loud it is on the whole, as the one channel reads.",
}
_PEAK = "The highest point of the sound; above 0 it is distorted."
_RANGE = "How far loud and quiet passages are apart; under 8 suits speech in a car."
_FLOOR = "How loud the room is while nobody speaks."
_ABOVE = "How far the voices stand out from the room; under 10 mastering cannot mend."
_KEPT = "The sound is published as it is: keep_audio in episode.toml keeps it from being mastered."
_UNMEASURED = "What mastering found was not kept. Master it again with: cln-media build --force"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stretch of the recording, ms, and what it is: `cut`, `bleeped`, `muted`, `trimmed` or `shortened`."""

    what: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A chapter and where it begins in the recording, in ms."""

    start_ms: int
    title: str


class Figure(NamedTuple):
    """A figure as people read it."""

    name: str
    meaning: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that a person needs to judge a master. Times are of the recording, in ms."""

    slug: str
    title: str
    language: str
    remark: str
    length_ms: Change
    loudness_lufs: Change
    peak: Change
    range_lu: Change
    floor_lufs: Change
    speech_to_noise_db: float | None
    target: LoudnessTarget
    counts_one_channel: bool
    done: tuple[tuple[str, str], ...]
    edits: tuple[Stretch, ...]
    clipped: tuple[tuple[int, int], ...]
    silences: tuple[tuple[int, int], ...]
    voices: tuple[Voice, ...]
    warnings: tuple[Remark, ...]
    chapters: tuple[Moment, ...] = ()
    curves: Curves = field(default_factory=lambda: Curves(step_ms=1000, length_ms=0))

    def figures(self) -> tuple[Figure, ...]:
        """Write the figures for people, as far as they are known."""
        target, peak = self.target, self.peak
        aim, most = f" (target {target.integrated_lufs:.1f})", f" (at most {target.true_peak_dbtp:.1f})"
        figures = (
            Figure("Length", "", _length(self.length_ms.before), _length(self.length_ms.after)),
            _figure("Loudness", _COUNTED[self.counts_one_channel], self.loudness_lufs, "LUFS", aim),
            Figure("Peak", _PEAK, level_words(peak.before, "dBFS"), level_words(peak.after, "dBTP") + most),
            _figure("Loudness range", _RANGE, self.range_lu, "LU"),
            _figure("Noise floor", _FLOOR, self.floor_lufs, "LUFS"),
            Figure("Speech above noise", _ABOVE, level_words(self.speech_to_noise_db, "dB"), _NOTHING),
        )
        return tuple(row for row in figures if {row.before, row.after} - {_NOT_KNOWN, _NOTHING})

    def voice_rows(self) -> tuple[tuple[str, ...], ...]:
        """Write for people, of each voice: who, how loud before and after, gain, and how long it speaks."""
        return tuple(
            (
                voice.label,
                level_words(voice.loudness_lufs.before, "LUFS"),
                level_words(voice.loudness_lufs.after, "LUFS"),
                level_words(voice.gain_db, "dB"),
                clock(voice.speech_ms),
            )
            for voice in self.voices
        )

    def time_rows(self) -> tuple[tuple[str, str], ...]:
        """Write for people where edits, silences and clipping are: at most LISTED of each kind, and how many more."""
        rows: list[tuple[str, str]] = []
        for lane in _lanes(self, with_chapters=False):
            rows += [(lane.name, span_words(*mark)) for mark in lane.marks[:LISTED]]
            if len(lane.marks) > LISTED:
                rows.append((lane.name, f"and {len(lane.marks) - LISTED} more"))
        return tuple(rows)


def mastering_report(
    show: Show, episode: Episode, master: Master, *, recorded_ms: int | None, remarks: Sequence[Remark] = ()
) -> Report:
    """Gather what mastering found and did.

    Args:
        show: for its audio settings.
        episode: as read: its chapters, cues and edits on the recording's clock.
        master: as mastered with those settings.
        recorded_ms: the length that the recording's header states, None where it is not known.
        remarks: what to look at besides the master's own remarks.
    """
    found = master.mastering
    is_measured = bool(found.before_lufs)
    length_ms = _recorded_ms(recorded_ms, master)
    curves = _curves(master, length_ms or master.duration_ms)
    removed = tuple(_removed(episode, master, length_ms or master.duration_ms))
    loudness = master.loudness

    def known(value: float) -> float | None:
        return value if is_measured else None

    return Report(
        slug=episode.slug,
        title=one_line(episode.title),
        language=one_line(episode.language or show.language),
        remark=_KEPT if episode.keep_audio else "" if is_measured else _UNMEASURED,
        length_ms=Change(before=length_ms, after=master.duration_ms),
        loudness_lufs=Change(before=known(found.integrated_before_lufs), after=loudness.integrated_lufs),
        peak=Change(before=known(found.peak_before_dbfs), after=loudness.true_peak_dbtp),
        range_lu=Change(before=known(found.range_before_lu), after=loudness.range_lu),
        floor_lufs=Change(before=known(found.floor_before_lufs), after=known(found.floor_after_lufs)),
        speech_to_noise_db=known(found.speech_to_noise_db),
        target=show.audio.target,
        counts_one_channel=show.audio.channels == 1 and show.audio.target.mono_loudness is MonoLoudness.CHANNEL,
        done=tuple(row for row in _done(show.audio, master, removed) if row[1]) if is_measured else (),
        edits=removed,
        clipped=found.clipped,
        silences=found.silences,
        voices=voices(episode, master, curves) if is_measured else (),
        warnings=tuple(_cleaned(remark) for remark in (*found.remarks, *remarks)),
        chapters=tuple(Moment(start_ms=mark.start_ms, title=one_line(mark.title)) for mark in episode.chapters),
        curves=curves,
    )


def report_page(report: Report, *, templates: Path | None = None) -> bytes:
    """Render a report as an HTML page that needs no other file and runs no script.

    Args:
        report: from mastering_report.
        templates: a folder that may hold another report.html.jinja.

    Raises:
        TemplateError: the template cannot be rendered; the message names file, line and episode.

    Source: WCAG 2.2 AA.
    """
    environment = html_environment(templates)
    environment.filters.update(level=_level_cell, minus=_typeset, clock=clock, span=span_words)
    values: dict[str, object] = {
        "report": report,
        "figures": report.figures(),
        "listed": LISTED,
        "loudness_chart": None,
        "gain_chart": None,
        "rows": (),
        "lanes": _lanes(report),
        "bars": _bars(report),
    }
    if report.curves:
        chart = charts.loudness_chart(report.curves, report.target.integrated_lufs, _lanes(report))
        values.update(loudness_chart=chart, rows=charts.table_rows(report.curves))
    if report.curves.gains_db:
        values["gain_chart"] = charts.gain_chart(report.curves)
    return render_template(environment, "report.html.jinja", values, about=f"episode {report.slug}").encode()


def level_words(value: float | None, unit: str) -> str:
    """Write a level as `-16.0 LUFS`, or say that it is not known, or that there is no sound or no noise."""
    if value is None or math.isnan(value):
        return _NOT_KNOWN
    if math.isinf(value):
        return "no noise" if value > 0 else "no sound"
    return f"{value:.1f} {unit}"


def span_words(start_ms: int, end_ms: int) -> str:
    """Write a stretch of time as `1:05 to 1:20 (14.8 s)`."""
    length_ms = end_ms - start_ms
    return f"{clock(start_ms)} to {clock(end_ms)} ({duration_words(length_ms)})"


def duration_words(length_ms: int) -> str:
    """Write a length shortly: `under 0.1 s`, `12.5 s`, `2:05`."""
    if length_ms < _LEAST_MS:
        return "under 0.1 s"
    return f"{length_ms / 1000:.1f} s" if length_ms < 60_000 else clock(length_ms)  # noqa: PLR2004  # a minute


def _figure(name: str, meaning: str, change: Change, unit: str, remark: str = "") -> Figure:
    return Figure(name, meaning, level_words(change.before, unit), level_words(change.after, unit) + remark)


def _length(milliseconds: float | None) -> str:
    return _NOT_KNOWN if milliseconds is None else clock(round(milliseconds))


def _typeset(text: str) -> str:
    return re.sub(r"(?<!\w)-(?=\d)", "\u2212", text) if text != _NOTHING else "\u2013"


def _level_cell(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "\u2013"
    return _typeset(f"{value:.1f}") if math.isfinite(value) else "no sound"


def _cleaned(remark: Remark) -> Remark:
    return Remark(kind=remark.kind, message=one_line(remark.message).rstrip("."), hint=one_line(remark.hint))


def _recorded_ms(stated_ms: int | None, master: Master) -> int | None:
    """Return the recording's length: what was measured rules where a header says something else."""
    found = master.mastering
    measured_ms = len(found.before_lufs) * found.step_ms
    if not measured_ms:
        return stated_ms
    is_right = stated_ms is not None and abs(stated_ms - measured_ms) <= _HEADER_ERROR_STEPS * found.step_ms
    return stated_ms if is_right else measured_ms


def _curves(master: Master, length_ms: int) -> Curves:
    found = master.mastering
    after = tuple(_after(master, length_ms)) if master.after_lufs else ()
    return Curves(
        step_ms=found.step_ms,
        length_ms=length_ms,
        before_lufs=found.before_lufs,
        after_lufs=after,
        gains_db=found.gains_db,
    )


def _after(master: Master, length_ms: int) -> Iterator[float | None]:
    """Yield the master's loudness at the middle of each step of the recording, None where the master has cut it."""
    step_ms, spans = master.mastering.step_ms, iter(master.timeline.spans)
    span = next(spans, None)
    has_spans = span is not None
    for start_ms in range(0, length_ms, step_ms):
        moment_ms = start_ms + step_ms // 2
        while span is not None and span.end_ms <= moment_ms:
            span = next(spans, None)
        if not has_spans:
            yield _at(master.after_lufs, moment_ms)
        elif span is None or moment_ms < span.start_ms:
            yield None
        else:
            yield _at(master.after_lufs, span.master_ms + moment_ms - span.start_ms)


def _at(levels: Sequence[float], master_ms: int) -> float | None:
    return levels[master_ms // 1000] if master_ms // 1000 < len(levels) else None


def _removed(episode: Episode, master: Master, length_ms: int) -> Iterator[Stretch]:
    """Yield the edits, and what else the master leaves out: both ends, and parts of long pauses."""
    yield from (Stretch(what=_ACTIONS[e.action], start_ms=e.start_ms, end_ms=e.end_ms) for e in episode.edits)
    spans = master.timeline.spans
    if not spans:
        return
    cuts = charts.merged([(e.start_ms, e.end_ms) for e in episode.edits if e.action is EditAction.CUT], 0)
    edges = [0, *(edge for span in spans for edge in (span.start_ms, span.end_ms)), max(length_ms, spans[-1].end_ms)]
    gaps = list(zip(edges[::2], edges[1::2], strict=True))
    for number, (start_ms, end_ms) in enumerate(gaps):
        what = "trimmed" if number in {0, len(gaps) - 1} else "shortened"
        for left_ms, right_ms in _without(start_ms, end_ms, cuts):
            if right_ms - left_ms >= _LEAST_MS:
                yield Stretch(what=what, start_ms=left_ms, end_ms=right_ms)


def _without(start_ms: int, end_ms: int, cuts: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield what of a stretch no cut takes out."""
    for cut_start_ms, cut_end_ms in cuts:
        if cut_end_ms > start_ms and cut_start_ms < end_ms:
            yield start_ms, cut_start_ms
            start_ms = cut_end_ms
    yield start_ms, end_ms


def _done(settings: AudioSettings, master: Master, removed: Sequence[Stretch]) -> Iterator[tuple[str, str]]:
    found = master.mastering
    yield "Speakers", _levelling(settings, master)
    yield "Room noise", _NOISE[found.denoise]
    yield "Hum", f"taken out at {_listed(found.hum_hz)} Hz" if found.hum_hz else "none found"
    yield "Rumble", f"taken out below {settings.highpass_hz} Hz" if settings.highpass_hz else "left as it was"
    yield "Channels", one_line(found.channels)
    yield "Recorders", "; ".join(map(one_line, found.recorders))
    yield "Edits", ", ".join(_counted(removed, _ACTIONS.values())) or "none"
    yield "Ends", ", ".join(_counted(removed, ("trimmed",))) or "left as they were"
    yield "Pauses", ", ".join(_counted(removed, ("shortened",))) or "left as they were"
    stings = [name for name, path in (("intro", settings.intro), ("outro", settings.outro)) if path]
    yield "Stings", " and ".join(stings) or "none"


def _levelling(settings: AudioSettings, master: Master) -> str:
    found = master.mastering
    spoken = [gain for gain, said in zip(found.gains_db, found.speech, strict=False) if said] or found.gains_db
    gains = [gain for gain in spoken if math.isfinite(gain)]
    if not gains:
        return "levelled" if settings.level else "not levelled"
    least, most = f"{min(gains):+.1f}", f"{max(gains):+.1f}"
    if not settings.level or least == most:
        return f"{'levelled' if settings.level else 'not levelled'}: {sum(gains) / len(gains):+.1f} dB throughout"
    return f"levelled: {least} to {most} dB where somebody speaks"


def _counted(stretches: Sequence[Stretch], kinds: Iterable[str]) -> Iterator[str]:
    for kind in kinds:
        lengths = [stretch.end_ms - stretch.start_ms for stretch in stretches if stretch.what == kind]
        if lengths:
            yield f"{len(lengths)} {kind} ({duration_words(sum(lengths))})"


def _listed(numbers: Sequence[int]) -> str:
    *first, last = map(str, numbers)
    return f"{', '.join(first)} and {last}" if first else last


def _lanes(report: Report, *, with_chapters: bool = True) -> tuple[Lane, ...]:
    """Return a lane for each kind of mark that there is, in the order that people ask."""
    kinds = {what: tuple((s.start_ms, s.end_ms) for s in report.edits if s.what == what) for what in _LANES}
    chapters = tuple((mark.start_ms, mark.start_ms) for mark in report.chapters if with_chapters)
    lanes = [
        Lane(name="Chapters", kind="chapter", marks=chapters),
        *(Lane(name=name, kind=what, marks=kinds[what]) for what, name in _LANES.items()),
        Lane(name="Nobody speaks", kind="silence", marks=report.silences),
        Lane(name="Clipped", kind="clipped", marks=report.clipped),
    ]
    return tuple(lane for lane in lanes if lane.marks)


def _bars(report: Report) -> tuple[Markup, ...]:
    """Draw a bar for each voice, all on one scale."""
    target = report.target.integrated_lufs
    levels = [level for voice in report.voices for level in (voice.loudness_lufs.before, voice.loudness_lufs.after)]
    known = [level for level in levels if level is not None and math.isfinite(level)]
    span = min([*known, target]) - 2, max([*known, target]) + 2
    return tuple(
        charts.voice_bar(voice.loudness_lufs.before, voice.loudness_lufs.after, span, target) for voice in report.voices
    )
