"""Stretches of stereo (or more) enter, one good channel or a sound pair leaves, with facts for a report; numpy."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np
import numpy.typing as npt

from pipeline.audio.graph import Block, in_pieces
from pipeline.audio.source import LEFT_AND_RIGHT, Sound, weights

Handling = Literal[
    "as it is", "equal channels", "live channel", "sign mended", "levels matched", "averaged", "nearest microphone"
]
Powers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FRAMES_PER_SECOND, BLOCK_FRAMES, CACHED_FRAMES = 20, 80, 16
CONTEXT = 2  # frames on either side over which a power is smoothed
PRESENCE_HZ = 12_000  # powers are taken of differences at twice this rate: speech counts, hum and rumble hardly
SILENT, SOFTEST_FLOOR, FLOOR_SPREAD, FLOOR_BLOCKS = 1e-11, 1e-10, 0.01, 16
QUIETEST = 10  # the floor is where the quietest tenth of the frames ends
OVER_FLOOR, HARDLY_HEARD = 4.0, 1e-3
CLEARLY = 2.0  # the power over the runner-up's with which a source becomes the nearest,
LOYALTY = 16.0  # and what it is then given in advance: 6 dB, squared
EVIDENCE_FRAMES, SPOKE_FRAMES, MEMORY_BLOCKS = 5, 2, 7
CORRELATED, INVERTED = (0.85, 0.7), (-0.6, 0.0)  # to begin to count as that, and to go on
LEVEL_STEP_DB, SOFTEST_DB, MOSTLY, EQUAL_ENOUGH = 0.5, -99.0, 0.9, 1e-6
UNHEARD_FRAMES = 10  # so long the others are heard before a channel that never was counts as dead,
LOST_FRAMES = 200  # and so long before one that was


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFacts:
    """What was found in, and done with, the channels of one stretch; channels are counted from 0.

    levels_db: against the loudest; correlations: with the loudest, -1 to 1, 0 where they never sound together;
    dead: hardly ever heard; lost_at_s: when a channel was last heard that then fell silent for good.
    """

    names: tuple[str, ...]
    handling: Handling
    seconds: float
    levels_db: tuple[float, ...] = (0.0,)
    correlations: tuple[float, ...] = (1.0,)
    dead: tuple[int, ...] = ()
    lost_at_s: tuple[float | None, ...] = (None,)
    inverted: tuple[int, ...] = ()


class ChannelMixer:
    """Bring decoded stretches to mono, or to a sound pair. channels: 1 or 2, as wanted.

    To mono: a dead channel is left out, a softer or inverted copy is mended and averaged by its noise, and of
    microphones in different places the nearest wins, moment by moment. To stereo: a dead channel gets the live one's
    sound, a softer or inverted copy is mended, all else stays. `facts` is complete when all is mixed.
    """

    def __init__(self, channels: int) -> None:
        self.channels = channels
        self._facts: list[ChannelFacts] = []

    @property
    def facts(self) -> tuple[ChannelFacts, ...]:
        """What was found, one for each stretch of the same rate and the same channels."""
        return tuple(self._facts)

    def mix(self, sounds: Iterable[Sound]) -> Iterator[Sound]:
        """Mix stretches in order, holding back at most eight seconds.

        Args:
            sounds: as `decoded` gives them; parts of one recording may follow one another.

        Yields:
            Stretches of one channel, or of two where two are wanted and come in; as long as what came in.
        """
        for (rate_hz, names), group in groupby(sounds, key=lambda sound: (sound.rate_hz, sound.names)):
            if len(names) == 1:
                yield from self._single(group, rate_hz, names)
                continue
            blocks, kept = self._reduced((sound.samples for sound in group), names)
            channels = _Channels(len(kept), outputs=self.channels, rate_hz=rate_hz)
            given = ("FL", "FR") if self.channels == LEFT_AND_RIGHT else ("FC",)
            for block in in_pieces(blocks, BLOCK_FRAMES * frame_length(rate_hz)):
                yield from (Sound(rate_hz, given, ready) for ready in channels.feed(block))
            yield from (Sound(rate_hz, given, ready) for ready in channels.finish())
            self._facts.append(channels.facts(kept, rate_hz))

    def _single(self, sounds: Iterable[Sound], rate_hz: int, names: tuple[str, ...]) -> Iterator[Sound]:
        samples = 0
        for sound in sounds:
            samples += sound.samples.shape[1]
            yield sound
        self._facts.append(ChannelFacts(names=names, handling="as it is", seconds=samples / rate_hz))

    def _reduced(self, blocks: Iterator[Block], names: tuple[str, ...]) -> tuple[Iterator[Block], tuple[str, ...]]:
        if len(names) == LEFT_AND_RIGHT:
            return blocks, names
        if self.channels == LEFT_AND_RIGHT:
            return (weights(names, LEFT_AND_RIGHT) @ block for block in blocks), ("FL", "FR")
        heard = [number for number, name in enumerate(names) if name != "LFE"]
        return (block[heard] for block in blocks), tuple(names[number] for number in heard)


class _Channels:
    # The channels of one stretch: a block is judged with the one after it in view, then mixed.

    def __init__(self, count: int, *, outputs: int, rate_hz: int) -> None:
        self._outputs, self._length = outputs, frame_length(rate_hz)
        self._sharing, self._relations = Sharing(count), _Relations(count)
        self._waiting: tuple[Block, Powers, bool] | None = None
        self._edge: Powers | None = None
        self._samples, self._all_equal = 0, True

    def feed(self, block: Block) -> Iterator[Block]:
        equal = all(np.array_equal(one[::999], block[0, ::999]) and np.array_equal(one, block[0]) for one in block[1:])
        crossed = products(block[:1] if equal else block, self._length)
        crossed = np.broadcast_to(crossed, (len(block), *crossed.shape[1:])) if equal else crossed
        powers = crossed[:, 0] if equal else np.ascontiguousarray(np.diagonal(crossed).T)
        self._sharing.learn(powers)
        self._relations.learn(crossed, powers, self._sharing.floors)
        if self._waiting is not None:
            yield self._mixed(*self._waiting, powers)
        self._waiting = block, powers, equal
        self._samples, self._all_equal = self._samples + block.shape[1], self._all_equal and equal

    def finish(self) -> Iterator[Block]:
        if self._waiting is not None:
            yield self._mixed(*self._waiting, self._waiting[1][:, -1:])

    def facts(self, names: tuple[str, ...], rate_hz: int) -> ChannelFacts:
        seconds, frame_s = self._samples / rate_hz, self._length / rate_hz
        return self._relations.facts(names, seconds=seconds, frame_s=frame_s, equal=self._all_equal)

    def _mixed(self, block: Block, powers: Powers, equal: bool, following: Powers) -> Block:
        relations, edge = self._relations, self._edge
        plain = edge is None or bool(np.abs(edge.sum(axis=1) - 1).max() < EQUAL_ENOUGH)
        if equal and plain and (relations.mending == 1).all():
            self._sharing.skip(powers)
            return block[: self._outputs]
        if self._outputs == 1:
            apart = not relations.one_sound
            shares = self._sharing.edges(powers, following, dead=relations.dead, apart=apart)
            gains = (shares * relations.mending[:, None])[None]
        else:
            gains = np.repeat(relations.filling()[:, :, None], powers.shape[1] + 1, axis=2)
        if edge is not None:
            gains[:, :, 0] = edge
        self._edge = gains[:, :, -1].copy()
        if self._outputs > 1 and (gains == np.eye(self._outputs)[:, :, None]).all():
            return block
        return np.stack([weighed(block, lines, self._length) for lines in gains])


class _Relations:
    # What the channels are to one another, learned from frames in which they sound together.
    # mending: the factor, with its sign, that makes each like the loudest; dead: those without sound of their own.

    def __init__(self, count: int) -> None:
        self.mending, self.dead = np.ones(count), np.zeros(count, dtype=bool)
        self._correlations, self._levels_db = np.eye(count), np.zeros((count, count))
        self._correlated, self._inverted = np.eye(count, dtype=bool), np.zeros((count, count), dtype=bool)
        self._blocks, self._sums = np.zeros((count, count)), np.zeros((count, count))
        self._reference, self._frames = 0, 0
        self._idle, self._last_heard = np.full(count, LOST_FRAMES - UNHEARD_FRAMES), np.zeros(count, dtype=int)
        self._dead_frames, self._live_frames, self._energies = np.zeros(count), 0, np.zeros(count)

    @property
    def one_sound(self) -> bool:
        live = ~self.dead
        return bool(self._correlated[live][:, live].all())

    def filling(self) -> Powers:
        """Return what each of two channels takes of either: itself, mended, or all of the other where it is dead."""
        gains = np.diag(self.mending)
        return gains[[1, 1]] if self.dead[0] else gains[[0, 0]] if self.dead[1] else gains

    def learn(self, crossed: Powers, powers: Powers, floors: Powers) -> None:
        heard = active(powers, floors)
        both = (heard[:, None] & heard[None]).astype(np.float64)
        clean = np.maximum(powers - floors[:, None], 0.0)
        together = (clean[:, None] * both).sum(axis=2)
        known = (both.sum(axis=2) >= EVIDENCE_FRAMES) & (together > 0) & (together.T > 0)
        if known.any():
            together[~known] = 1.0
            found = (crossed * both).sum(axis=2) / np.sqrt(together * together.T)
            self._remember(known, np.clip(found, -1, 1), 10 * np.log10(together / together.T))
        self._bury(powers, heard)
        self._mend()

    def _remember(self, known: Flags, correlations: Powers, levels_db: Powers) -> None:
        self._blocks += known
        self._sums += np.where(known, correlations, 0.0)
        pace = np.where(known, 1 / np.clip(self._blocks, 1, MEMORY_BLOCKS), 0.0)
        self._correlations += pace * (correlations - self._correlations)
        self._levels_db += pace * (levels_db - self._levels_db)
        bound = np.where(self._correlated, CORRELATED[1], CORRELATED[0])
        self._correlated = np.abs(self._correlations) > bound
        self._inverted = self._correlations < np.where(self._inverted, INVERTED[1], INVERTED[0])

    def _bury(self, powers: Powers, heard: Flags) -> None:
        frames = heard.shape[1]
        others = np.count_nonzero(heard.sum(axis=0)[None] > heard, axis=1)
        spoke = np.count_nonzero(heard, axis=1) >= SPOKE_FRAMES
        cut = (powers.max(axis=1) <= SILENT) & (others > 0)
        self._idle = np.where(spoke, 0, self._idle + np.where(cut, LOST_FRAMES, others))
        self.dead = self._idle >= LOST_FRAMES
        self.dead &= not self.dead.all()
        sounding = heard.any(axis=0)
        self._live_frames += int(np.count_nonzero(sounding))
        self._dead_frames += np.where(self.dead, np.count_nonzero(sounding), 0)
        self._energies += powers[:, sounding].sum(axis=1)
        latest = frames - np.argmax(heard[:, ::-1], axis=1)
        self._last_heard = np.where(spoke, self._frames + latest, self._last_heard)
        self._frames += frames

    def _mend(self) -> None:
        if self.dead[self._reference]:
            self._reference = int(np.argmax(np.where(self.dead, 0.0, self._energies)))
        mine = self._reference
        alike = self._correlated[mine] & ~self.dead
        softer_db = self._levels_db[alike, mine].max(initial=0.0) - self._levels_db[:, mine]
        lifts = np.where(softer_db > LEVEL_STEP_DB, 10 ** (softer_db / 20), 1.0)
        signs = np.where(self._inverted[mine], -1.0, 1.0) * np.sign(self.mending[mine])
        if not self.dead.any() or np.count_nonzero(alike) > 1:
            self.mending = np.where(alike, lifts, 1.0) * signs

    def facts(self, names: tuple[str, ...], *, seconds: float, frame_s: float, equal: bool) -> ChannelFacts:
        loudest = int(np.argmax(self._energies))
        levels = 10 * np.log10(np.maximum(self._energies, 1e-30) / max(self._energies[loudest], 1e-30))
        means = self._sums[loudest] / np.maximum(self._blocks[loudest], 1)
        dead = self._dead_frames > MOSTLY * max(self._live_frames, 1)
        ends_s = [float(frame * frame_s) for frame in self._last_heard]
        lost = [at if gone else None for at, gone in zip(ends_s, self.dead & ~dead, strict=True)]
        return ChannelFacts(
            names=names,
            handling=self._handling(equal=equal, gone=bool(dead.any()) or any(at is not None for at in lost)),
            seconds=seconds,
            levels_db=tuple(round(max(float(level), SOFTEST_DB), 2) for level in levels),
            correlations=tuple(1.0 if n == loudest else round(float(mean), 3) for n, mean in enumerate(means)),
            dead=tuple(np.flatnonzero(dead).tolist()),
            lost_at_s=tuple(lost),
            inverted=tuple(np.flatnonzero(self.mending < 0).tolist()),
        )

    def _handling(self, *, equal: bool, gone: bool) -> Handling:
        if equal or gone:
            return "equal channels" if equal else "live channel"
        if (self.mending < 0).any():
            return "sign mended"
        if not self.one_sound:
            return "nearest microphone"
        return "levels matched" if (self.mending > 1).any() else "averaged"


class Sharing:
    """The shares, together 1, of sources that hear the same people. count: of sources.

    A share follows the power over the source's own noise floor; in pauses it stays. Between sources in different
    places the nearest takes nearly all, so that the room and the delay of the others are not heard.
    floors: the noise of each, from what was learned.
    """

    def __init__(self, count: int) -> None:
        self.floors = np.full(count, SOFTEST_FLOOR)
        self._quietest: deque[Powers] = deque(maxlen=FLOOR_BLOCKS)
        self._nearest = -1
        self._held: Powers | None = None
        self._last: Powers | None = None
        self._before: Powers = np.zeros((count, 0))

    def learn(self, powers: Powers) -> None:
        """Take in the frame powers (sources, frames) of the next block, before it or the block before is shared."""
        self._quietest.append(np.array([_quiet(row[row > SILENT]) for row in powers]))
        floors = np.min(self._quietest, axis=0)
        floors[np.isinf(floors)] = SOFTEST_FLOOR
        self.floors = np.maximum(floors, max(SOFTEST_FLOOR, floors.max() * FLOOR_SPREAD))

    def edges(
        self, powers: Powers, following: Powers, *, dead: Flags, apart: bool, absent: Flags | None = None
    ) -> Powers:
        """Share a block out.

        Args:
            powers: of its frames, (sources, frames).
            following: of the frames after it, at least one; the last stands for those that are missing.
            dead: which sources have no say (sources,).
            apart: whether the sources are in different places, rather than one sound in several channels.
            absent: in which frames a source has no sound (sources, frames): it is faded out before, for the first one.

        Returns:
            Shares at the edges of the frames, (sources, frames + 1); the first is the last of the block before.
        """
        targets = self._targets(self._around(powers, following), dead=dead, apart=apart)
        before = targets[:, :1] if self._last is None else self._last
        self._last = targets[:, -1:]
        walk = np.concatenate([before, targets, self._last], axis=1)
        edges: Powers = (walk[:, :-1] + walk[:, 1:]) / 2
        edges[:, 0] = before[:, 0]
        if absent is not None and absent.any():
            edges[:, :-1][absent] = 0.0
            edges[:, 1:][absent] = 0.0
            edges[0] += 1 - edges.sum(axis=0)
        return edges

    def skip(self, powers: Powers) -> None:
        """Pass a block over for which shares do not matter: they stay as they are."""
        self._before = powers[:, -CONTEXT:]

    def _around(self, powers: Powers, following: Powers) -> Powers:
        missing = max(0, CONTEXT - self._before.shape[1])
        head = np.concatenate([np.repeat(powers[:, :1], missing, axis=1), self._before], axis=1)
        tail = np.concatenate([following, np.repeat(following[:, -1:], CONTEXT, axis=1)], axis=1)[:, :CONTEXT]
        self._before = np.concatenate([self._before, powers], axis=1)[:, -CONTEXT:]
        return np.concatenate([head, powers, tail], axis=1)

    def _targets(self, around: Powers, *, dead: Flags, apart: bool) -> Powers:
        frames = around.shape[1] - 2 * CONTEXT
        width = 2 * CONTEXT + 1
        smooth: Powers = np.sum([around[:, step : step + frames] for step in range(width)], axis=0) / width
        clear = active(smooth, self.floors) & ~dead[:, None]
        over = np.where(clear, smooth / self.floors[:, None], 0.0)
        claims = self._nearest_first(over) if apart else over
        heard: Flags = np.any(claims > 0, axis=0)
        shares = np.divide(claims, claims.sum(axis=0), out=np.zeros_like(claims), where=heard)
        if self._held is None:
            self._held = shares[:, heard][:, 0] if heard.any() else np.full(len(shares), 1 / len(shares))
        shares = np.concatenate([self._held[:, None], shares], axis=1)[:, _latest(heard)]
        silent = dead[:, None] | (around[:, CONTEXT : CONTEXT + frames] <= SILENT)
        self._held = shares[:, -1].copy()
        left = np.where(silent & ~heard, 0.0, shares)
        total = left.sum(axis=0)
        return np.where(total > 0, left / np.where(total > 0, total, 1.0), shares)

    def _nearest_first(self, over: Powers) -> Powers:
        ranked = np.sort(over, axis=0)
        sure = ranked[-1] > CLEARLY * ranked[-2]
        nearest = np.concatenate([[self._nearest], np.argmax(over, axis=0)])[_latest(sure)]
        self._nearest = int(nearest[-1])
        claims: Powers = np.square(over)
        known = np.flatnonzero(nearest >= 0)
        claims[nearest[known], known] *= LOYALTY
        return claims


def frame_length(rate_hz: int) -> int:
    """Return how many samples a frame has at this rate."""
    return max(1, rate_hz // FRAMES_PER_SECOND)


def products(block: Block, length: int) -> Powers:
    """Return the mean product of each pair of channels (channels, samples) in frames, (channels, channels, frames)."""
    frames = in_frames(block, length)
    lag = max(1, round(length * FRAMES_PER_SECOND / PRESENCE_HZ))
    steps = frames[..., lag :: 4 * lag] - frames[..., : length - lag : 4 * lag]
    crossed: Powers = np.matmul(steps.transpose(1, 0, 2), steps.transpose(1, 2, 0)).astype(np.float64)
    mean: Powers = np.moveaxis(crossed, 0, 2) / steps.shape[2]
    return mean


def active(powers: Powers, floors: Powers) -> Flags:
    """Tell in which frames each source is heard: clear of its own floor, and more than the faintest trace of others."""
    heard: Flags = (powers > OVER_FLOOR * floors[:, None]) & (powers > HARDLY_HEARD * powers.max(axis=0))
    return heard


def weighed(block: Block, lines: Powers, length: int) -> Block:
    """Add up channels (channels, samples) with gains known at the edges of frames, (channels, frames + 1)."""
    used = [number for number, line in enumerate(lines) if line.any()]
    if len(used) == 1 and (lines[used] == 1).all():
        return np.asarray(block[used[0]])
    frames, edges = in_frames(block, length), lines.astype(np.float32)
    ramp = np.stack([np.ones(length), np.arange(length) / length]).astype(np.float32)
    total = np.zeros(frames.shape[1:], np.float32)
    for first in range(0, len(total), CACHED_FRAMES):
        piece = slice(first, first + CACHED_FRAMES)
        for number in used:
            gains = np.stack([edges[number, :-1][piece], np.diff(edges[number])[piece]], axis=1) @ ramp
            gains *= frames[number, piece]
            total[piece] += gains
    return total.reshape(-1)[: block.shape[1]]


def in_frames(block: Block, length: int) -> Block:
    """Shape (channels, samples) as (channels, frames, length), with silence after the end where it does not fit."""
    short = -block.shape[1] % length
    return (np.pad(block, ((0, 0), (0, short))) if short else block).reshape(len(block), -1, length)


def _latest(sure: Flags) -> npt.NDArray[np.intp]:
    # For each frame the number, from 1, of the latest one that is sure; 0 where there was none yet.
    return np.maximum.accumulate(np.where(sure, np.arange(1, len(sure) + 1), 0))


def _quiet(powers: Powers) -> float:
    place = len(powers) * QUIETEST // 100
    return float(np.partition(powers, place)[place]) if len(powers) else np.inf
