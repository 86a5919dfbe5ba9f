"""Curves and stretches of time in, charts as SVG inside a page out: they stretch with it, their words keep their size.

Each plot is drawn in a box of 1,000 units that is stretched to the width of the page; words, ticks and marks stand in
per cent and pixels around it. Colours are the page's: each part has a class.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from markupsafe import Markup

from pipeline.model import clock

POINTS = 1000  # of a path, whatever the length
TABLE_ROWS = 40
_PLOT_PX, _GAIN_PLOT_PX, _TOP_PX, _AXIS_PX, _LANE_PX, _TRACK_PX, _BAR_PX = 240, 140, 8, 30, 40, 14, 28
_NICE_S = (1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200)
_TIME_TICKS, _LEVEL_TICKS = 5, 6
_DEEPEST_LU, _SHALLOWEST_LU = 70, 20
_LEAST_PERCENT = 0.01  # a browser draws nothing of a mark without width
_MINUS = "\u2212"


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """Levels on the recording's clock, one every step_ms; None where the master has nothing, -inf where no sound is."""

    step_ms: int
    length_ms: int
    before_lufs: tuple[float, ...] = ()
    after_lufs: tuple[float | None, ...] = ()
    gains_db: tuple[float, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.before_lufs or self.after_lufs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Stretches of one kind, (start, end) in ms of the recording; `kind` is the class of their marks."""

    name: str
    kind: str
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """A line of the table that says what a chart shows."""

    start_ms: int
    before_lufs: float | None
    after_lufs: float | None
    gain_db: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    low: float
    high: float
    step: float
    height: int

    def y(self, value: float) -> float:
        inside = min(max(value, self.low), self.high)
        return round((self.high - inside) / (self.high - self.low) * self.height, 1)

    def ticks(self) -> Iterator[float]:
        first = math.ceil(self.low / self.step)
        yield from (number * self.step for number in range(first, math.floor(self.high / self.step) + 1))


def signed(value: float) -> str:
    """Write a level for a page, with a true minus sign."""
    return f"{value:g}".replace("-", _MINUS)


def loudness_chart(curves: Curves, target_lufs: float, lanes: Sequence[Lane]) -> Markup:
    """Draw loudness before and after on one time axis, the target, and below it a lane for each kind of mark.

    Args:
        curves: at least one of before_lufs and after_lufs.
        target_lufs: the loudness to reach.
        lanes: those with marks, top to bottom.
    """
    levels = [value for value in (*curves.before_lufs, *curves.after_lufs) if value is not None]
    scale = _loudness_scale([*levels, target_lufs], _PLOT_PX)
    shapes = [
        Markup('<path class="before" d="{}" vector-effect="non-scaling-stroke"/>').format(
            _area(curves.before_lufs, scale)
        ),
        Markup('<path class="after" d="{}" vector-effect="non-scaling-stroke"/>').format(
            _line(curves.after_lufs, scale)
        ),
        Markup('<path class="target" d="M0 {0}H1000" vector-effect="non-scaling-stroke"/>').format(
            scale.y(target_lufs)
        ),
    ]
    what = "loudness of the recording as an area and of the master as a line"
    title = f"Loudness over time: {what}, in LUFS, over {clock(curves.length_ms)}"
    drawn = [part for part in shapes if ' d=""' not in part]
    return _plot("loudness", title, scale, drawn, length_ms=curves.length_ms, lanes=lanes)


def gain_chart(curves: Curves) -> Markup:
    """Draw the gain over time, without the limiter's."""
    scale = _gain_scale(curves.gains_db, _GAIN_PLOT_PX)
    shapes = [
        Markup('<path class="zero" d="M0 {0}H1000" vector-effect="non-scaling-stroke"/>').format(scale.y(0)),
        Markup('<path class="gain" d="{}" vector-effect="non-scaling-stroke"/>').format(
            _line(curves.gains_db, scale, is_power=False)
        ),
    ]
    title = f"Gain over time, in dB, over {clock(curves.length_ms)}"
    return _plot("gain", title, scale, shapes, length_ms=curves.length_ms)


def voice_bar(before_lufs: float | None, after_lufs: float | None, span: tuple[float, float], target: float) -> Markup:
    """Draw a speaker's loudness before (a ring) and after (a disc) on a scale, with the target across.

    Args:
        before_lufs: None where it is not known.
        after_lufs: None where it is not known.
        span: the lowest and highest loudness of the scale, in LUFS.
        target: the loudness to reach, in LUFS.
    """
    middle, places = _BAR_PX // 2, [_place(value, span) for value in (before_lufs, after_lufs)]
    parts = [Markup('<line class="rail" x1="0" x2="100%" y1="{0}" y2="{0}"/>').format(middle)]
    parts.append(Markup('<line class="target" x1="{0}%" x2="{0}%" y1="2" y2="{1}"/>').format(_place(target, span), 26))
    first, last = places
    if first is not None and last is not None:
        line = '<line class="way" x1="{}%" x2="{}%" y1="{y}" y2="{y}"/>'
        parts.append(Markup(line).format(first, last, y=middle))  # noqa: S704  # a constant
    for place, kind, radius in ((first, "ring", 5), (last, "disc", 6)):
        if place is not None:
            parts.append(Markup('<circle class="{}" cx="{}%" cy="{}" r="{}"/>').format(kind, place, middle, radius))
    return Markup('<svg width="100%" height="{}" aria-hidden="true">{}</svg>').format(_BAR_PX, Markup("").join(parts))


def table_rows(curves: Curves) -> tuple[TableRow, ...]:
    """Say in at most some 40 lines what the charts show: the mean of each stretch of equal length."""
    stretch_ms = _nice_ms(curves.length_ms, TABLE_ROWS)
    count = max(1, math.ceil(curves.length_ms / stretch_ms))
    edges = [round(number * stretch_ms / curves.step_ms) for number in range(count + 1)]
    return tuple(
        TableRow(
            start_ms=number * stretch_ms,
            before_lufs=mean_level(curves.before_lufs[first:last]),
            after_lufs=mean_level(curves.after_lufs[first:last]),
            gain_db=_mean(curves.gains_db[first:last]),
        )
        for number, (first, last) in enumerate(pairwise(edges))
    )


def mean_level(levels: Sequence[float | None]) -> float | None:
    """Return the level of the mean power, -inf where there is no sound, None where nothing is known."""
    known = [level for level in levels if level is not None and not math.isnan(level)]
    if not known:
        return None
    power = sum(10 ** (level / 10) for level in known) / len(known)
    return 10 * math.log10(power) if power > 0 else -math.inf


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None and math.isfinite(value)]
    return sum(known) / len(known) if known else None


def _plot(
    name: str,
    title: str,
    scale: _Scale,
    shapes: Sequence[Markup],
    *,
    length_ms: int,
    lanes: Sequence[Lane] = (),
) -> Markup:
    below = scale.height + _TOP_PX + _AXIS_PX
    grid = Markup("").join(
        Markup('<path class="grid" d="M0 {}H1000" vector-effect="non-scaling-stroke"/>').format(scale.y(level))
        for level in scale.ticks()
    )
    return Markup(
        '<svg class="chart" width="100%" height="{height}" role="img" aria-labelledby="{name}-title"'
        ' paint-order="stroke">'
        '<title id="{name}-title">{title}</title>'
        '<svg y="{top}" width="100%" height="{plot}" viewBox="0 0 1000 {plot}" preserveAspectRatio="none">'
        "{grid}{shapes}</svg>{levels}{times}{lanes}</svg>"
    ).format(
        height=below + len(lanes) * _LANE_PX,
        name=name,
        title=title,
        top=_TOP_PX,
        plot=scale.height,
        grid=grid,
        shapes=Markup("").join(shapes),
        levels=Markup("").join(_level_words(scale)),
        times=Markup("").join(_time_words(length_ms, scale.height + _TOP_PX)),
        lanes=Markup("").join(_lane(lane, below + number * _LANE_PX, length_ms) for number, lane in enumerate(lanes)),
    )


def _level_words(scale: _Scale) -> Iterator[Markup]:
    for level in scale.ticks():
        y = scale.y(level) + _TOP_PX
        if level > scale.low and y > _TOP_PX + 6:  # a word above the highest line would be cut
            yield Markup('<text x="2" y="{}">{}</text>').format(round(y - 3, 1), signed(level))


def _time_words(length_ms: int, bottom: int) -> Iterator[Markup]:
    step_ms = _nice_ms(length_ms, _TIME_TICKS)
    for start_ms in range(0, length_ms + 1, step_ms):
        place = _percent(start_ms, length_ms)
        anchor = "start" if place < 4 else "end" if place > 94 else "middle"  # noqa: PLR2004  # the page's edges
        yield Markup('<line class="tick" x1="{0}%" x2="{0}%" y1="{1}" y2="{2}"/>').format(place, bottom, bottom + 5)
        yield Markup('<text x="{}%" y="{}" text-anchor="{}">{}</text>').format(
            place, bottom + 19, anchor, clock(start_ms)
        )


def _lane(lane: Lane, top: int, length_ms: int) -> Markup:
    track = top + _LANE_PX - _TRACK_PX - 6
    parts = [
        Markup('<text x="0" y="{}">{}</text>').format(track - 5, lane.name),
        Markup('<rect class="track" x="0" y="{}" width="100%" height="{}"/>').format(track, _TRACK_PX),
    ]
    for start_ms, end_ms in merged(lane.marks, length_ms // POINTS):
        place = _percent(start_ms, length_ms)
        width = round(max(_LEAST_PERCENT, _percent(end_ms, length_ms) - place), 2)
        mark = '<rect class="mark {}" x="{}%" y="{}" width="{}%" height="{}"/>'
        parts.append(Markup(mark).format(lane.kind, place, track + 1, width, _TRACK_PX - 2))  # noqa: S704  # a constant
    return Markup("<g>{}</g>").format(Markup("").join(parts))


def merged(stretches: Sequence[tuple[int, int]], gap_ms: int) -> list[tuple[int, int]]:
    """Join stretches that are no more than gap_ms apart."""
    joined: list[tuple[int, int]] = []
    for start_ms, end_ms in sorted(stretches):
        if joined and start_ms - joined[-1][1] <= gap_ms:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end_ms))
        else:
            joined.append((start_ms, end_ms))
    return joined


def _percent(moment_ms: int, length_ms: int) -> float:
    return round(min(max(moment_ms / max(length_ms, 1), 0.0), 1.0) * 100, 2)


def _place(level: float | None, span: tuple[float, float]) -> float | None:
    if level is None or math.isnan(level):
        return None
    low, high = span
    return round(min(max((level - low) / (high - low), 0.0), 1.0) * 96 + 2, 2)


def _line(values: Sequence[float | None], scale: _Scale, *, is_power: bool = True) -> str:
    return "".join(_run(run, scale) for run in _runs(values, is_power=is_power))


def _area(values: Sequence[float | None], scale: _Scale) -> str:
    runs = _runs(values, is_power=True)
    return "".join(f"{_run(run, scale)}V{scale.height}H{run[0][0]:g}Z" for run in runs)


def _run(run: list[tuple[float, float, float]], scale: _Scale) -> str:
    """Draw neighbouring points, (left, right, value), from the left edge of the first to the right edge of the last."""
    points = [(run[0][0], run[0][2]), *(((left + right) / 2, value) for left, right, value in run)]
    points.append((run[-1][1], run[-1][2]))
    return "M" + "L".join(f"{round(x, 1):g} {scale.y(value):g}" for x, value in points)


def _runs(values: Sequence[float | None], *, is_power: bool) -> Iterator[list[tuple[float, float, float]]]:
    """Yield at most POINTS points in groups without a gap, x in thousandths of the width."""
    count = min(len(values), POINTS)
    edges = [number * len(values) // count for number in range(count + 1)] if count else [0]
    mean = mean_level if is_power else _mean
    points = [
        (1000 * first / len(values), 1000 * last / len(values), mean(values[first:last]))
        for first, last in pairwise(edges)
    ]
    for is_known, group in groupby(points, key=lambda point: point[2] is not None):
        if is_known:
            yield [(left, right, value) for left, right, value in group if value is not None]


def _loudness_scale(levels: Sequence[float], height: int) -> _Scale:
    finite = [level for level in levels if math.isfinite(level)]
    high = 10 * math.ceil((max(finite) + 2) / 10)
    low = min(max(10 * math.floor(min(finite) / 10), high - _DEEPEST_LU), high - _SHALLOWEST_LU)
    return _Scale(low=low, high=high, step=10, height=height)


def _gain_scale(gains_db: Sequence[float], height: int) -> _Scale:
    finite = [gain for gain in gains_db if math.isfinite(gain)]
    low, high = min(0.0, *finite, 0.0), max(0.0, *finite, 0.0)
    step = next((size for size in (1, 2, 5, 10, 20) if high - low <= size * (_LEVEL_TICKS - 1)), 50)
    return _Scale(
        low=step * math.floor(low / step) - step / 4,
        high=step * math.ceil(max(high, low + 1) / step) + step / 4,
        step=step,
        height=height,
    )


def _nice_ms(length_ms: int, count: int) -> int:
    least_s = length_ms / 1000 / count
    days_s = math.ceil(least_s / 86_400) * 86_400
    return 1000 * next((size for size in _NICE_S if size >= least_s), days_s)
