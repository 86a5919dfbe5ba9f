"""Blocks of sound pass through libavfilter, one chain of filters at a time; a block is float32, (channels, samples)."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.filter import Graph

Block = npt.NDArray[np.float32]
Filter = tuple[str, str]
LAYOUTS = {1: "mono", 2: "stereo"}


class Chain:
    """A chain of filters for mono or stereo sound: feed blocks, then finish; each gives the frames that are ready."""

    def __init__(self, filters: Iterable[Filter], *, rate_hz: int, channels: int) -> None:
        self._rate_hz = rate_hz
        self._layout = LAYOUTS[channels]
        self._graph = Graph()
        last = self._graph.add_abuffer(
            sample_rate=rate_hz, format="fltp", layout=self._layout, time_base=Fraction(1, rate_hz)
        )
        for name, arguments in (*filters, ("abuffersink", "")):
            following = self._graph.add(name, arguments or None)
            last.link_to(following)
            last = following
        self._graph.configure()

    def feed(self, block: Block) -> Iterator[AudioFrame]:
        """Push one block in and hand out what the filters have ready."""
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout=self._layout)
        frame.sample_rate = self._rate_hz
        self._graph.push(frame)
        yield from self._ready()

    def finish(self) -> Iterator[AudioFrame]:
        """Say that no more comes and hand out the rest."""
        self._graph.push(None)
        yield from self._ready()

    def _ready(self) -> Iterator[AudioFrame]:
        while True:
            try:
                frame = self._graph.pull()
            except (BlockingIOError, av.error.EOFError):
                return
            if isinstance(frame, AudioFrame):
                yield frame


def through(filters: Iterable[Filter], blocks: Iterable[Block], *, rate_hz: int, channels: int) -> Iterator[Block]:
    """Pass a whole stream of blocks through a chain of filters."""
    chain = Chain((*filters, ("aformat", "sample_fmts=fltp")), rate_hz=rate_hz, channels=channels)
    for block in blocks:
        yield from map(samples_of, chain.feed(block))
    yield from map(samples_of, chain.finish())


class Window(NamedTuple):
    """A piece of a stream with what comes before and after it, which may be shorter at the stream's ends."""

    whole: Block
    start: int
    stop: int

    @property
    def before(self) -> Block:
        """What comes before the piece."""
        return self.whole[:, : self.start]

    @property
    def piece(self) -> Block:
        """The piece itself."""
        return self.whole[:, self.start : self.stop]

    @property
    def after(self) -> Block:
        """What comes after the piece."""
        return self.whole[:, self.stop :]


def in_windows(blocks: Iterable[Block], length: int, *, before: int, after: int) -> Iterator[Window]:
    """Cut a stream into pieces of `length` samples, each with its surroundings; the last piece may be shorter."""
    waiting: list[Block] = []
    held, start = 0, 0
    for block in blocks:
        waiting.append(block)
        held += block.shape[1]
        while held >= start + length + after:
            whole = np.concatenate(waiting, axis=1)
            yield Window(whole[:, : start + length + after], start, start + length)
            dropped = max(0, start + length - before)
            waiting, held, start = [whole[:, dropped:]], held - dropped, start + length - dropped
    while held > start:
        whole = np.concatenate(waiting, axis=1)
        stop = min(start + length, held)
        first = max(0, start - before)
        yield Window(whole[:, first : stop + after], start - first, stop - first)
        start = stop


def samples_of(frame: AudioFrame) -> Block:
    """Return the samples of a planar float frame."""
    return frame.to_ndarray().astype(np.float32, copy=False)


def in_pieces(blocks: Iterable[Block], length: int) -> Iterator[Block]:
    """Cut a stream into blocks of `length` samples; the last one may be shorter."""
    waiting: list[Block] = []
    held = 0
    for block in blocks:
        waiting.append(block)
        held += block.shape[1]
        if held >= length:
            whole = np.concatenate(waiting, axis=1) if len(waiting) > 1 else block
            cut = held - held % length
            yield from (whole[:, start : start + length] for start in range(0, cut, length))
            waiting, held = ([whole[:, cut:]], held - cut) if cut < held else ([], 0)
    if held:
        yield np.concatenate(waiting, axis=1)
