"""Recorders of one meeting enter, their sound on the first one's clock leaves: the best one's, or all mixed; numpy."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.audio import channels as mixing
from pipeline.audio.channels import ChannelFacts, ChannelMixer, Flags, Powers, Sharing
from pipeline.audio.graph import Block, in_pieces
from pipeline.audio.source import Progress, Sound, decoded, resampled
from pipeline.errors import AudioError

Mode = Literal["best", "mix"]
Values = npt.NDArray[np.float64]

LISTEN_HZ, LEVELS_PER_SECOND = 8_000, 50
LEVEL_SAMPLES = LISTEN_HZ // LEVELS_PER_SECOND
OVER_FLOOR, QUIETEST, FAINTEST = 4.0, 10, 1e-12
STRETCHES, STRETCH_S, SHORTEST_STRETCH_S = 24, 60.0, 10.0
APART_S = 1_860.0  # half an hour, and a little
VOTE_S, VOTE_DRIFT = 0.1, 300e-6
ANCHOR_EVERY_S, FEWEST_ANCHORS, ANCHOR_S, SEARCH_S = 5.0, 40, 4.0, 0.3
WHITEN, CLEAR_PEAK, PEAK_WIDTH = 0.5, 8.0, 20
NEIGHBOURS, AGREE_S, AGREEING = 4, 0.02, 0.3
SEATS_S = 0.01  # by about so much the lag depends on where who speaks sits
KNOT_EVERY_S, FIT_ROUNDS, STIFFNESS = 60.0, 5, 1.0
BETTER_DB = 1.0
TAPS, KAISER_BETA, STEP = 16, 6.5, 128
SAME_MEETING = "give recorders of one meeting that overlap by a minute, or list this as a part of the first recorder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """How a recorder lies on the clock of the first one.

    anchors: moments in seconds, on the first recorder's clock and on this one's, straight lines between them;
    start_s, end_s: where it has sound, on the first recorder's clock; offset_s: its clock when the first one starts;
    drift_ppm: how much faster its clock runs, on average; spread_ms: of single measurements around the lines;
    agreeing: the part (0 to 1) of the measurements that the lines rest on; snr_db: speech over noise;
    gain_db: what makes it as loud as the first one.
    """

    anchors: tuple[tuple[float, float], ...] = ((0.0, 0.0), (1.0, 1.0))
    start_s: float = 0.0
    end_s: float | None = None
    offset_s: float = 0.0
    drift_ppm: float = 0.0
    spread_ms: float = 0.0
    agreeing: float = 1.0
    snr_db: float | None = None
    gain_db: float = 0.0


def align(recorders: tuple[tuple[Path, ...], ...], *, progress: Progress | None = None) -> tuple[Alignment, ...]:
    """Find how the recorders of one meeting lie on the first one's clock, by their sound.

    Args:
        recorders: the parts of each recorder, in order.
        progress: is told the part (0 to 1) that is done; what it raises ends the work.

    Returns:
        An Alignment for each; a single recorder is not even read.

    Raises:
        AudioError: a recording cannot be read, or is not of the same meeting as the first recorder's.
    """
    if len(recorders) == 1:
        return (Alignment(),)
    first, *others = (
        _traced(parts, progress and _share(progress, number, len(recorders))) for number, parts in enumerate(recorders)
    )
    mine = Alignment(end_s=first.seconds, anchors=((0.0, 0.0), (first.seconds,) * 2), snr_db=_snr_db(first.levels))
    return (mine, *(_aligned(first, other, parts[0]) for other, parts in zip(others, recorders[1:], strict=True)))


def blocks(
    recorders: tuple[tuple[Path, ...], ...],
    alignments: tuple[Alignment, ...],
    mode: Mode,
    *,
    rate_hz: int,
    channels: int,
    hear: Callable[[Sound], None] | None = None,
    found: Callable[[int, tuple[ChannelFacts, ...]], None] | None = None,
    progress: Progress | None = None,
) -> Iterator[Block]:
    """Read the sound of a meeting on the first recorder's clock, from its start to its end.

    Args:
        recorders: the parts of each recorder, in order.
        alignments: of each, from `align`.
        mode: `best` takes the recorder with the best speech-to-noise; `mix` the one nearest to who speaks, moment by
            moment. Where a recorder has no sound, the first one stands in.
        rate_hz: the sample rate wanted.
        channels: 1 or 2, as wanted.
        hear: is given each stretch of the first recorder's sound as it was decoded.
        found: is given the number (from 0) of each recorder that was read and what was found in its channels.
        progress: is told the part (0 to 1) of the first recorder that has been read; what it raises ends the reading.

    Yields:
        Blocks of sound.

    Raises:
        AudioError: a recording cannot be read to its end.
    """
    chosen = best(alignments)
    used = sorted({0, chosen}) if mode == "best" else list(range(len(recorders)))
    mixers = [ChannelMixer(channels) for _ in recorders]
    first = _sound(recorders[0], rate_hz, mixers[0], hear, progress)
    if len(used) == 1:
        yield from first
    else:
        meeting = _Meeting([alignments[number] for number in used], mode, rate_hz)
        streams = [in_pieces(first, meeting.block)]
        for number in used[1:]:
            sound = _sound(recorders[number], rate_hz, mixers[number])
            streams.append(
                _warped(_Tape(in_pieces(sound, rate_hz), channels), alignments[number], rate_hz, meeting.block)
            )
        for together in zip(*streams, strict=False):
            yield from meeting.feed([sound[:, : together[0].shape[1]] for sound in together])
        yield from meeting.finish()
    for number in used:
        if found is not None:
            found(number, mixers[number].facts)


def best(alignments: tuple[Alignment, ...]) -> int:
    """Return the number (from 0) of the recorder with the best speech-to-noise, the first one in doubt."""
    ratios = [-math.inf if alignment.snr_db is None else alignment.snr_db for alignment in alignments]
    top = int(np.argmax(ratios))
    return top if ratios[top] > ratios[0] + BETTER_DB else 0


def _sound(
    parts: tuple[Path, ...],
    rate_hz: int,
    mixer: ChannelMixer,
    hear: Callable[[Sound], None] | None = None,
    progress: Progress | None = None,
) -> Iterator[Block]:
    def sounds() -> Iterator[Sound]:
        for part, path in enumerate(parts):
            for sound in decoded(path, progress and _share(progress, part, len(parts))):
                if hear is not None:
                    hear(sound)
                yield sound

    return resampled(mixer.mix(sounds()), rate_hz=rate_hz, channels=mixer.channels)


def _share(tell: Progress, number: int, whole: int) -> Progress:
    return lambda part: tell((number + min(1.0, part)) / whole)


class _Trace(NamedTuple):
    # A recording in little memory: whether each sample rises, a bit each, and the power of its rises every 20 ms.
    bits: npt.NDArray[np.uint8]
    levels: Values
    heard: Flags
    seconds: float

    def signs(self, start: int, count: int) -> Values:
        """Return +1 and -1 where it is heard and 0 in its pauses, for `count` samples from sample `start`."""
        first, last = (min(max(0, edge), len(self.bits) * 8) for edge in (start, start + count))
        found = np.unpackbits(self.bits[first // 8 : -(-last // 8)])[first % 8 :][: last - first]
        signs = np.zeros(count)
        signs[first - start : last - start] = (2.0 * found - 1) * self.heard[np.arange(first, last) // LEVEL_SAMPLES]
        return signs


def _traced(parts: tuple[Path, ...], progress: Progress | None) -> _Trace:
    bits, levels, samples, last = bytearray(), [], 0, np.zeros((1, 1), np.float32)
    sound = _sound(parts, LISTEN_HZ, ChannelMixer(1), progress=progress)
    for block in in_pieces(sound, LISTEN_HZ):
        rises = mixing.in_frames(np.diff(block, prepend=last), LEVEL_SAMPLES)[0]
        bits += np.packbits(rises > 0).tobytes()
        levels.append(np.square(rises).mean(axis=1))
        samples, last = samples + block.shape[1], block[:, -1:]
    powers = np.concatenate(levels).astype(np.float64)
    heard = powers > OVER_FLOOR * _floor(powers)
    return _Trace(np.frombuffer(bytes(bits), np.uint8), powers, heard, samples / LISTEN_HZ)


def _floor(levels: Values) -> float:
    sounding = levels[levels > FAINTEST]
    return float(np.percentile(sounding, QUIETEST)) if len(sounding) else FAINTEST


def _snr_db(levels: Values) -> float:
    speech = levels[levels > OVER_FLOOR * _floor(levels)]
    return round(10 * math.log10(float(speech.mean()) / _floor(levels) - 1), 2) if len(speech) else 0.0


def _aligned(first: _Trace, other: _Trace, path: Path) -> Alignment:
    slope, offset_s = _roughly(first, other)
    start_s, end_s = max(0.0, -offset_s / (1 + slope)), min(first.seconds, (other.seconds - offset_s) / (1 + slope))
    tried = _anchor_times(start_s, end_s)
    found = np.array([_lag_s(first, other, at, offset_s + slope * at) for at in tried])
    times, lags = tried[np.isfinite(found)], found[np.isfinite(found)]
    agree = _agreeing(times, lags, slope)
    if np.count_nonzero(agree) < max(2, AGREEING * len(tried)):
        message = "does not seem to be of the same meeting as the first recorder's"
        raise AudioError(message, source=path, hint=SAME_MEETING)
    knots, values, spread_s = _lines(times[agree], lags[agree])
    slope = (values[-1] - values[0]) / (knots[-1] - knots[0])
    knots, inner = np.concatenate([[0.0], knots, [first.seconds]]), knots
    own = knots + np.interp(knots, inner, values) + slope * (knots - np.clip(knots, inner[0], inner[-1]))
    inside_s = np.interp([0.0, other.seconds], own, knots)
    return Alignment(
        anchors=tuple((round(float(at), 6), round(float(there), 6)) for at, there in zip(knots, own, strict=True)),
        start_s=float(inside_s[0]),
        end_s=float(inside_s[1]),
        offset_s=float(own[0]),
        drift_ppm=float(slope * 1e6),
        spread_ms=spread_s * 1000,
        agreeing=float(agree.mean()),
        snr_db=_snr_db(other.levels),
        gain_db=_gain_db(first, other, knots, own),
    )


def _roughly(first: _Trace, other: _Trace) -> tuple[float, float]:
    # Stretches of the first recorder vote on where they lie in the other one: (drift, lag at the start), in seconds.
    mine, theirs = _onsets(first.levels), _onsets(other.levels)
    wanted_s = min(STRETCH_S, max(SHORTEST_STRETCH_S, first.seconds / 3))
    length = min(int(LEVELS_PER_SECOND * wanted_s), len(mine))
    starts = np.unique(np.linspace(0, len(mine) - length, STRETCHES).astype(int))
    size = 1 << (len(theirs) + length).bit_length()
    spectrum = np.fft.rfft(theirs, size)
    energy = np.cumsum(np.concatenate([np.zeros(length), np.square(theirs), np.zeros(length)]))
    local = np.sqrt(energy[length:] - energy[:-length] + energy[-1] * length / len(theirs) / 4 + FAINTEST)
    lags = [_stretch_lag(mine[at : at + length], spectrum, local, at, size) for at in starts]
    times_s, lags_s = (starts + length / 2) / LEVELS_PER_SECOND, np.array(lags) / LEVELS_PER_SECOND
    apart_s = np.abs(times_s[:, None] - times_s)
    agree = np.abs(lags_s[:, None] - lags_s) <= VOTE_S + VOTE_DRIFT * apart_s
    chosen = agree[np.argmax(agree.sum(axis=1))]
    if np.ptp(times_s[chosen]) < KNOT_EVERY_S:
        return 0.0, float(np.median(lags_s[chosen]))
    slope, offset_s = np.polyfit(times_s[chosen], lags_s[chosen], 1)
    return float(slope), float(offset_s)


def _onsets(levels: Values) -> Values:
    steps = np.diff(np.log(levels + _floor(levels)), prepend=0.0)
    steps[0] = 0.0
    rises = np.clip(steps, 0, None)
    return np.asarray(rises - rises.mean())


def _stretch_lag(stretch: Values, spectrum: npt.NDArray[np.complex128], local: Values, at: int, size: int) -> int:
    length = len(stretch)
    matches = np.fft.irfft(spectrum * np.conj(np.fft.rfft(stretch, size)), size)
    likeness = np.roll(matches, length)[: len(local)] / local  # place p of it: the stretch begins at p - length there
    places = np.arange(len(local)) - length
    likeness[np.abs(places - at) > APART_S * LEVELS_PER_SECOND] = -np.inf
    return int(places[np.argmax(likeness)]) - at


def _anchor_times(start_s: float, end_s: float) -> Values:
    first, last = start_s + ANCHOR_S / 2, end_s - ANCHOR_S / 2
    many = max(FEWEST_ANCHORS, math.ceil((last - first) / ANCHOR_EVERY_S))
    return np.linspace(first, last, many) if last > first else np.zeros(0)


def _lag_s(first: _Trace, other: _Trace, at_s: float, about_s: float) -> float:
    length, search = round(ANCHOR_S * LISTEN_HZ), round(SEARCH_S * LISTEN_HZ)
    begin = round((at_s - ANCHOR_S / 2) * LISTEN_HZ)
    there = begin + round(about_s * LISTEN_HZ) - search
    mine, theirs = first.signs(begin, length), other.signs(there, length + 2 * search)
    crossed = np.fft.rfft(theirs) * np.conj(np.fft.rfft(mine, len(theirs)))
    crossed /= np.maximum(np.abs(crossed), FAINTEST) ** WHITEN
    likeness = np.abs(np.fft.irfft(crossed, len(theirs))[: 2 * search + 1])
    peak = int(np.argmax(likeness))
    around = np.delete(likeness, slice(max(0, peak - PEAK_WIDTH), peak + PEAK_WIDTH + 1))
    if not 0 < peak < 2 * search or likeness[peak] < CLEAR_PEAK * np.sqrt(np.mean(np.square(around))):
        return math.nan
    before, top, after = likeness[peak - 1 : peak + 2]
    exact = peak + 0.5 * (before - after) / min(before - 2 * top + after, -FAINTEST)
    return float((there + exact - begin) / LISTEN_HZ)


def _agreeing(times: Values, lags: Values, slope: float) -> Flags:
    flat = lags - slope * times
    middles = [np.median(flat[max(0, number - NEIGHBOURS) : number + NEIGHBOURS + 1]) for number in range(len(flat))]
    return np.abs(flat - np.array(middles)) < AGREE_S


def _lines(times: Values, lags: Values) -> tuple[Values, Values, float]:
    # Straight lines between knots through the lags: least squares, in rounds that trust outliers less and less.
    knots = np.linspace(times[0], times[-1], 1 + max(1, round((times[-1] - times[0]) / KNOT_EVERY_S)))
    hats = np.stack([np.interp(times, knots, row) for row in np.eye(len(knots))], axis=1)
    bends = STIFFNESS * np.diff(np.eye(len(knots)), n=2, axis=0)
    middle = float(np.median(lags))
    trust = np.ones(len(times))
    for _ in range(FIT_ROUNDS):
        rows, wanted = np.concatenate([hats * trust[:, None], bends]), (lags - middle) * trust
        values = np.linalg.lstsq(rows, np.concatenate([wanted, np.zeros(len(bends))]), rcond=None)[0]
        misses = np.abs(hats @ values - (lags - middle))
        trust = 1 / np.sqrt(1 + np.square(misses / SEATS_S))
    return knots, values + middle, float(np.median(misses))


def _gain_db(first: _Trace, other: _Trace, knots: Values, own: Values) -> float:
    times_s = np.arange(len(first.levels)) / LEVELS_PER_SECOND
    places = np.round(np.interp(times_s, knots, own) * LEVELS_PER_SECOND).astype(int)
    inside = (places >= 0) & (places < len(other.levels))
    mine, theirs = (first.levels - _floor(first.levels))[inside], (other.levels - _floor(other.levels))[places[inside]]
    both = first.heard[inside] & other.heard[places[inside]]
    return round(float(np.mean(10 * np.log10(mine[both] / theirs[both]))), 2) if both.any() else 0.0


class _Tape:
    # A stream of sound that is read by sample numbers, forwards; before its start and after its end is silence.

    def __init__(self, sound: Iterator[Block], channels: int) -> None:
        self._sound, self._start, self._held = sound, 0, np.zeros((channels, 0), np.float32)

    def read(self, first: int, last: int) -> Block:
        while self._start + self._held.shape[1] < last and (block := next(self._sound, None)) is not None:
            passed = min(max(0, first - self._start), self._held.shape[1])
            self._start, self._held = self._start + passed, np.concatenate([self._held[:, passed:], block], axis=1)
        begin, end = (min(max(0, edge - self._start), self._held.shape[1]) for edge in (first, last))
        before = min(max(0, self._start - first), last - first)
        return np.pad(self._held[:, begin:end], ((0, 0), (before, last - first - before - (end - begin))))


def _warped(tape: _Tape, alignment: Alignment, rate_hz: int, length: int) -> Iterator[Block]:
    # On the first recorder's clock, without end: each step of samples through a windowed sinc that glides to the next.
    times, own = (np.array(column) * rate_hz for column in zip(*alignment.anchors, strict=True))
    slope = (own[-1] - own[-2]) / (times[-1] - times[-2])
    times, own = np.append(times, times[-1] + 2 * length), np.append(own, own[-1] + 2 * length * slope)
    grid, taps = STEP * np.arange(-(-length // STEP) + 1.0), np.arange(TAPS) - TAPS // 2 + 1
    for number in count():
        edges = np.interp(number * length + grid, times, own)
        bases = np.floor(edges[:-1])
        begin = _sinc((edges[:-1] - bases)[:, None] - taps)
        change = _sinc((edges[1:] - STEP - bases)[:, None] - taps) - begin
        places = (bases - bases[0]).astype(int)
        start = int(bases[0]) + int(taps[0])
        heard = tape.read(start, start + int(places[-1]) + STEP + TAPS)
        yield np.stack([_glided(row, places, begin, change)[:length] for row in heard])


def _sinc(delays: Values) -> Block:
    inside = np.clip(1 - np.square(delays / (TAPS // 2)), 0, None)
    weights = np.sinc(delays) * np.i0(KAISER_BETA * np.sqrt(inside)) * (inside > 0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def _glided(row: Block, places: npt.NDArray[np.intp], begin: Block, change: Block) -> Block:
    windows = np.lib.stride_tricks.sliding_window_view(row, STEP + TAPS - 1)[places]
    ramp = np.stack([np.ones(STEP), np.arange(STEP) / STEP]).astype(np.float32)
    total = np.zeros((len(places), STEP), np.float32)
    for tap in range(TAPS):
        gains = np.stack([begin[:, tap], change[:, tap]], axis=1) @ ramp
        gains *= windows[:, tap : tap + STEP]
        total += gains
    return total.reshape(-1)


class _Meeting:
    # Several recorders side by side on one clock: a block is shared out with the one after it in view.

    def __init__(self, alignments: list[Alignment], mode: Mode, rate_hz: int) -> None:
        self._alignments, self._mode, self._rate_hz = alignments, mode, rate_hz
        self._length, self._sharing, self._sample = mixing.frame_length(rate_hz), Sharing(len(alignments)), 0
        self._gains = np.array([[10 ** (alignment.gain_db / 20)] for alignment in alignments])
        self._waiting: tuple[list[Block], Powers] | None = None
        self.block = mixing.BLOCK_FRAMES * self._length

    def feed(self, sounds: list[Block]) -> Iterator[Block]:
        powers = np.concatenate([mixing.products(one.mean(axis=0, keepdims=True), self._length)[0] for one in sounds])
        self._sharing.learn(powers)
        if self._waiting is not None:
            yield self._mixed(*self._waiting, powers)
        self._waiting = sounds, powers

    def finish(self) -> Iterator[Block]:
        if self._waiting is not None:
            yield self._mixed(*self._waiting, self._waiting[1][:, -1:])

    def _mixed(self, sounds: list[Block], powers: Powers, following: Powers) -> Block:
        dead = np.array([self._mode == "best", *[False] * (len(sounds) - 1)])
        absent = self._absent(powers.shape[1])
        shares = self._sharing.edges(powers, following, dead=dead, apart=True, absent=absent)
        self._sample += sounds[0].shape[1]
        lines = shares * self._gains
        return np.stack([mixing.weighed(np.stack(rows), lines, self._length) for rows in zip(*sounds, strict=True)])

    def _absent(self, frames: int) -> Flags:
        edges_s = (self._sample + self._length * np.arange(frames + 1)) / self._rate_hz
        spans = [(0.0, math.inf), *((one.start_s, one.end_s or math.inf) for one in self._alignments[1:])]
        return np.stack([(edges_s[:-1] < start_s) | (edges_s[1:] > end_s) for start_s, end_s in spans])
