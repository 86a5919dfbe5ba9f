"""Edits and where somebody speaks enter, a timeline leaves, and blocks of sound pass along it; numpy alone.

A sample of the master or of the recording stands at `position(ms)`. Where two stretches meet, each goes on for 5 ms as
its own mirror image, under a crossfade of equal power: the room's sound keeps its level, and nothing that was cut is
heard, not even softly.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
import numpy.typing as npt

from pipeline.audio.graph import Block
from pipeline.audio.meter import STEP_MS
from pipeline.errors import AudioError
from pipeline.model import Edit, EditAction, Span, Timeline

COVERING = (EditAction.BLEEP, EditAction.MUTE)
LEAD_MS, TRAIL_MS = 500, 1_000  # the room's sound that trimming leaves before the first words and after the last
LEAST_MS = 1_000
JOIN_MS, RAMP_MS = 10, 5
TONE_HZ, TONE_DBFS = 1_000, -24.0

Range = tuple[int, int]  # first and past the last
Steps = npt.NDArray[np.bool_]


def plan(
    edits: tuple[Edit, ...],
    *,
    length_ms: int,
    speech: Steps,
    trim: bool,
    longest_pause_ms: int | None,
    speech_starts_ms: int,
) -> Timeline:
    """Lay out what the master keeps of a recording; no moment is moved to a better one, every time is exact.

    What a bleep or silence covers counts as speech: it is neither trimmed nor shortened.

    Args:
        edits: of the recording, ms, in any order; parts beyond its ends are left aside.
        length_ms: of the recording.
        speech: whether somebody speaks, for each step of 20 ms of the recording.
        trim: whether all but 0.5 s before the first words and 1 s after the last is left out.
        longest_pause_ms: longer pauses lose their middle; None leaves them.
        speech_starts_ms: where in the master the first stretch begins.

    Returns:
        A Timeline of at least one span; spans ascending, in the master one right after the other.

    Raises:
        AudioError: the cuts leave less than a second.
    """
    whole = (0, length_ms)
    cuts, covered = (_merged(_ranges(edits, actions, whole)) for actions in ((EditAction.CUT,), COVERING))
    kept = _without(whole, cuts)
    if sum(end - start for start, end in kept) < min(LEAST_MS, length_ms):
        hint = "shorten or remove edits in episode.toml"
        raise AudioError("the edits leave less than a second of the recording", hint=hint)
    busy = _merged([*_runs(speech, length_ms), *covered])
    heard = [piece for stretch in busy for piece in _without(stretch, cuts)]
    edges = _edges(kept, heard, length_ms) if trim and heard else []
    pauses = _middles(kept, heard, longest_pause_ms) if longest_pause_ms is not None else []
    spans = _without(whole, _merged([*cuts, *edges, *pauses]))
    return Timeline(spans=_laid_out(spans, speech_starts_ms), covered=tuple(covered))


def _ranges(edits: Iterable[Edit], actions: tuple[EditAction, ...], whole: Range) -> list[Range]:
    clipped = [(max(e.start_ms, whole[0]), min(e.end_ms, whole[1])) for e in edits if e.action in actions]
    return [(start, end) for start, end in clipped if start < end]


def _merged(ranges: Iterable[Range]) -> list[Range]:
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _without(whole: Range, holes: Iterable[Range]) -> list[Range]:
    """Leave out of a range the holes, which ascend and do not overlap."""
    inside = [hole for hole in holes if hole[0] < whole[1] and hole[1] > whole[0]]
    starts = [whole[0], *(end for _, end in inside)]
    ends = [*(start for start, _ in inside), whole[1]]
    return [(start, end) for start, end in zip(starts, ends, strict=True) if start < end]


def _runs(speech: Steps, length_ms: int) -> list[Range]:
    padded = np.concatenate([[False], speech, [False]])
    bounds = np.flatnonzero(padded[1:] != padded[:-1]).reshape(-1, 2) * STEP_MS
    return [(start, min(end, length_ms)) for start, end in bounds.tolist() if start < length_ms]


def _edges(kept: list[Range], heard: list[Range], length_ms: int) -> list[Range]:
    first, last = _before(kept, heard[0][0], LEAD_MS), _after(kept, heard[-1][1], TRAIL_MS)
    return _without((0, length_ms), [(first, last)])


def _middles(kept: list[Range], heard: list[Range], longest_ms: int) -> Iterator[Range]:
    for (_, start), (end, _) in pairwise(heard):
        pause_ms = sum(max(0, min(end, last) - max(start, first)) for first, last in kept)
        if pause_ms > longest_ms:
            half_ms = longest_ms // 2
            yield _after(kept, start, half_ms), _before(kept, end, longest_ms - half_ms)


def _after(kept: list[Range], at_ms: int, amount_ms: int) -> int:
    """Go on from a moment by an amount of what is kept, or to its end."""
    for start, end in kept:
        start_ms = max(start, at_ms)
        if amount_ms <= end - start_ms:
            return start_ms + amount_ms
        amount_ms -= max(0, end - start_ms)
    return kept[-1][1]


def _before(kept: list[Range], at_ms: int, amount_ms: int) -> int:
    return -_after([(-end, -start) for start, end in reversed(kept)], -at_ms, amount_ms)


def _laid_out(ranges: list[Range], first_ms: int) -> tuple[Span, ...]:
    starts = accumulate((end - start for start, end in ranges), initial=first_ms)
    return tuple(
        Span(start_ms=start, end_ms=end, master_ms=master) for (start, end), master in zip(ranges, starts, strict=False)
    )


def position(ms: int, rate_hz: int) -> int:
    """Return the number of the sample that stands at a time."""
    return round(ms * rate_hz / 1000)


def kept_steps(timeline: Timeline, steps: int) -> npt.NDArray[np.intp]:
    """Find the step of the recording (20 ms) that is heard in the middle of each step of what the master keeps.

    Args:
        timeline: of the recording; without spans, every step is kept.
        steps: how many the recording has.

    Returns:
        Indices in the master's order, (steps of the master,), the first one at the start of the first span.
    """
    if not timeline.spans:
        return np.arange(steps)
    starts = np.array([span.start_ms for span in timeline.spans])
    places = np.array([span.master_ms for span in timeline.spans]) - timeline.spans[0].master_ms
    total_ms = sum(span.end_ms - span.start_ms for span in timeline.spans)
    middles = np.minimum(np.arange(0, total_ms, STEP_MS) + STEP_MS // 2, total_ms - 1)
    number = np.searchsorted(places, middles, side="right") - 1
    return np.asarray(np.minimum((starts[number] + middles - places[number]) // STEP_MS, steps - 1))


def covered_steps(timeline: Timeline, steps: int) -> Steps:
    """Say of each step of the recording (20 ms) whether a bleep or silence covers its middle; (steps,)."""
    middles = np.arange(steps) * STEP_MS + STEP_MS // 2
    covered = np.zeros(steps, np.bool_)
    for start, end in timeline.covered:
        covered |= (start <= middles) & (middles < end)
    return covered


def edited(
    blocks: Iterable[Block],
    timeline: Timeline,
    edits: tuple[Edit, ...],
    *,
    rate_hz: int,
    tone_dbfs: float = TONE_DBFS,
) -> Iterator[Block]:
    """Pass a recording's sound along its timeline: covered, cut and joined, in little memory.

    Args:
        blocks: the recording from its start, in blocks of any size; what follows the last span is not asked for.
        timeline: as planned for it; without spans, everything is kept.
        edits: its bleeps are covered by a tone, its mutes by silence; in both, nothing of what was there is left.
        rate_hz: of the sound.
        tone_dbfs: the amplitude of the tone, 1 kHz (0 is full scale).

    Yields:
        Blocks of the master from the first span's place to the last one's end, to the sample.

    Raises:
        AudioError: there is less sound than the timeline keeps.
    """
    covers = _covers(edits, rate_hz, tone_dbfs)
    sound = _covered(blocks, covers, position(RAMP_MS, rate_hz)) if covers else blocks
    yield from _joined(_Reader(sound, rate_hz), _stretches(timeline, rate_hz), rate_hz) if timeline.spans else sound


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cover:
    start: int
    end: int
    amplitude: float
    turn: float  # the tone's angle from sample to sample


def _covers(edits: tuple[Edit, ...], rate_hz: int, tone_dbfs: float) -> list[_Cover]:
    return [
        _Cover(
            start=position(start, rate_hz),
            end=position(end, rate_hz),
            amplitude=10 ** (tone_dbfs / 20) if action is EditAction.BLEEP else 0.0,
            turn=2 * np.pi * TONE_HZ / rate_hz,
        )
        for action in COVERING
        for start, end in _merged((e.start_ms, e.end_ms) for e in edits if e.action is action and e.start_ms < e.end_ms)
    ]


def _covered(blocks: Iterable[Block], covers: list[_Cover], ramp: int) -> Iterator[Block]:
    first = 0
    for block in blocks:
        last = first + block.shape[1]
        near = [cover for cover in covers if cover.start - ramp < last and first < cover.end + ramp]
        yield _under(block, np.arange(first, last), near, ramp) if near else block
        first = last


def _under(block: Block, places: npt.NDArray[np.intp], covers: list[_Cover], ramp: int) -> Block:
    gain, tone = np.ones(len(places), np.float32), np.zeros(len(places), np.float32)
    for cover in covers:
        since, until = places - cover.start, cover.end - 1 - places
        gain = np.minimum(gain, np.clip(np.maximum(-since, -until) / ramp, 0, 1).astype(np.float32))
        rise = np.clip(np.minimum(since, until) / ramp, 0, 1)
        tone += (cover.amplitude * rise * np.sin(cover.turn * since)).astype(np.float32)
    return np.multiply(block, gain, out=np.zeros_like(block), where=gain > 0) + tone


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    start: int
    count: int


def _stretches(timeline: Timeline, rate_hz: int) -> list[_Stretch]:
    bounds = [(span.master_ms, span.master_ms + span.end_ms - span.start_ms) for span in timeline.spans]
    return [
        _Stretch(start=position(span.start_ms, rate_hz), count=position(end, rate_hz) - position(start, rate_hz))
        for span, (start, end) in zip(timeline.spans, bounds, strict=True)
    ]


class _Reader:
    """A stream of blocks, read on by the sample."""

    def __init__(self, blocks: Iterable[Block], rate_hz: int) -> None:
        self._blocks = iter(blocks)
        self._block: Block | None = None
        self._spare = 1 + -(-rate_hz // 1000)  # a length in whole ms may be that much longer than the sound
        self.at = 0

    def skip(self, count: int) -> None:
        for _ in self.flow(count):
            pass

    def read(self, count: int) -> Block:
        """Read so many samples, at least one, as one block."""
        return np.concatenate(list(self.flow(count)), axis=1)

    def flow(self, count: int) -> Iterator[Block]:
        while count > 0:
            piece = self._piece(count)
            count -= piece.shape[1]
            self.at += piece.shape[1]
            yield piece

    def _piece(self, most: int) -> Block:
        while self._block is None or not self._block.shape[1]:
            following = next(self._blocks, None)
            if following is None:
                return self._rest(most)
            self._block = following
        piece, self._block = self._block[:, :most], self._block[:, most:]
        return piece

    def _rest(self, most: int) -> Block:
        if self._block is None or most > self._spare:
            hint = "wait until it is copied completely, then build again"
            raise AudioError("holds less sound than when it was first read", hint=hint)
        return np.zeros((len(self._block), most), np.float32)


def _joined(reader: _Reader, stretches: list[_Stretch], rate_hz: int) -> Iterator[Block]:
    half = position(JOIN_MS, rate_hz) // 2
    joins = [min(half, before.count // 2, after.count // 2) for before, after in pairwise(stretches)]
    tail: Block | None = None
    for stretch, head, held in zip(stretches, [0, *joins], [*joins, 0], strict=True):
        reader.skip(stretch.start - reader.at)
        if tail is not None and head:
            yield _crossfaded(tail, reader.read(head))
        yield from reader.flow(stretch.count - head - held)
        tail = reader.read(held) if held else None


def _crossfaded(tail: Block, head: Block) -> Block:
    count = 2 * tail.shape[1]
    angles = ((np.arange(count) + 0.5) / count * np.pi / 2).astype(np.float32)
    going = np.concatenate([tail, tail[:, ::-1]], axis=1) * np.cos(angles)
    coming = np.concatenate([head[:, ::-1], head], axis=1) * np.sin(angles)
    return np.asarray(going + coming, np.float32)
