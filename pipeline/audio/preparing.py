"""Recordings enter, their sound as mastering hears it leaves: one rate, mono or stereo, without rumble and hum."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from pipeline.audio import recorders
from pipeline.audio.channels import ChannelFacts
from pipeline.audio.graph import Block, Filter, in_pieces, through
from pipeline.audio.recorders import Alignment
from pipeline.audio.source import Progress, Sound, probe
from pipeline.model import AudioSettings, Recording

CD_FAMILY_HZ = 11_025  # 11,025, 22,050, 44,100, 88,200 …
CD_RATE_HZ, USUAL_RATE_HZ = 44_100, 48_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """What is to be mastered: the parts of each recorder of a meeting, aligned, and the settings."""

    recorders: tuple[tuple[Path, ...], ...]
    alignments: tuple[Alignment, ...]
    settings: AudioSettings
    rate_hz: int
    expected_s: float

    @property
    def source(self) -> Path:
        """The file to name when something is wrong with the recording as a whole."""
        return self.recorders[0][0]


def take(paths: tuple[tuple[Path, ...], ...], settings: AudioSettings, progress: Progress | None = None) -> Take:
    """Look at the recordings of a meeting: their rate, their length, and how several recorders lie together.

    Raises:
        AudioError: one cannot be read, or they are not of the same meeting.
    """
    probed = [probe(path) for path in paths[0]]
    return Take(
        recorders=paths,
        alignments=recorders.align(paths, progress=progress),
        settings=settings,
        rate_hz=settings.sample_rate_hz or _rate_hz(probed[0]),
        expected_s=sum(recording.duration_ms for recording in probed) / 1000,
    )


def _rate_hz(recording: Recording) -> int:
    return USUAL_RATE_HZ if recording.sample_rate_hz % CD_FAMILY_HZ else CD_RATE_HZ


def prepared(
    meeting: Take,
    notches: Iterable[Filter] = (),
    *,
    hear: Callable[[Sound], None] | None = None,
    found: Callable[[int, tuple[ChannelFacts, ...]], None] | None = None,
    progress: Progress | None = None,
) -> Iterator[Block]:
    """Read a meeting's sound.

    Args:
        meeting: what to read.
        notches: filters against hum.
        hear: is given each stretch of the first recorder's sound as it was decoded.
        found: is given the number (from 0) of each recorder that was read and what was found in its channels.
        progress: is told the part (0 to 1) that has been read; what it raises ends the reading.

    Yields:
        A second of sound at a time, the last one shorter.

    Raises:
        AudioError: a recording cannot be read to its end.
    """
    settings, rate_hz = meeting.settings, meeting.rate_hz
    blocks = recorders.blocks(
        meeting.recorders,
        meeting.alignments,
        settings.recorders,
        rate_hz=rate_hz,
        channels=settings.channels,
        hear=hear,
        found=found,
        progress=progress,
    )
    highpass = [("highpass", f"f={settings.highpass_hz}")] if settings.highpass_hz else []
    return in_pieces(_filtered(in_pieces(blocks, rate_hz), (*highpass, *notches), meeting), rate_hz)


def _filtered(blocks: Iterator[Block], filters: tuple[Filter, ...], meeting: Take) -> Iterator[Block]:
    # The filters hear the first sample for a while before the start: an offset would otherwise begin with a thump.
    first = next(blocks, None)
    if first is None or not filters:
        yield from () if first is None else chain([first], blocks)
        return
    lead = meeting.rate_hz
    primed = chain([np.repeat(first[:, :1], lead, axis=1), first], blocks)
    for block in through(filters, primed, rate_hz=meeting.rate_hz, channels=len(first)):
        dropped = min(lead, block.shape[1])
        lead -= dropped
        if dropped < block.shape[1]:
            yield block[:, dropped:]
