"""Finished sound enters, an MP3 at its loudness leaves: limited, encoded and listened to in pieces side by side."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.audio import mp3
from pipeline.audio.flow import in_order
from pipeline.audio.graph import Block, in_windows
from pipeline.audio.limiter import BLOCK_SAMPLES, amplitude, limited
from pipeline.audio.meter import TAPS, Levels, Meter, Places, Powers, decibels, true_peaks
from pipeline.audio.running import Running
from pipeline.model import AudioSettings

FRAME = mp3.FRAME_SAMPLES
HEADROOM_DB = 0.8  # between the limiter's ceiling and the true peak allowed in the MP3
PEAK_MARGIN_DB = 0.1  # other meters may read so much more
ENCODES = 5
HEARD_BEFORE = 2  # frames, whose sound reaches into the first of a piece
AROUND_BLOCKS = 12  # where the MP3 of a piece comes too high, its ceiling is lowered this far around
SAFER = 0.98  # by what is too much, and a little more


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """What was pressed: its samples, and as decoded again, the power of each 20 ms and the true peak."""

    samples: int
    powers: Powers
    true_peak_dbtp: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    frames: mp3.Piece
    sound: Block  # with what comes before and after
    samples: int  # of the recording


@dataclass(frozen=True, slots=True, kw_only=True)
class _PressedPiece:
    frames: mp3.Frames
    heard: Block
    sound: Block | None
    true_peak: float


def press(
    blocks: Iterable[Block],
    destination: Path,
    settings: AudioSettings,
    *,
    rate_hz: int,
    jobs: int,
    listen: Callable[[], None],
    also: Callable[[Block], None] | None = None,
) -> Pressed:
    """Limit and encode sound.

    Args:
        blocks: the sound, its peaks as high as they are, of any lengths.
        destination: the MP3 to write.
        settings: bit rate, channels and the true peak allowed.
        rate_hz: the sample rate.
        jobs: how many pieces at the same time; it changes nothing but the time it takes.
        listen: called while waiting; what it raises ends the work at once.
        also: is given the limited sound, in order, for further encoders.

    Raises:
        AudioError: the encoder fails, or the file cannot be written.
    """
    counted, running = _Counted(blocks), Running()
    meter = Meter(rate_hz=rate_hz, channels=settings.channels, mono_loudness=settings.target.mono_loudness)
    true_peak = 0.0
    work = partial(_pressed, settings=settings, rate_hz=rate_hz, running=running, keeps_sound=also is not None)
    pressed = in_order(work, _pieces(counted), jobs=jobs, listen=listen, end=running.end)
    with mp3.joined(destination) as file, closing(pressed):
        for piece in pressed:
            file.add(piece.frames)
            meter.feed(piece.heard)
            true_peak = max(true_peak, piece.true_peak)
            if also is not None and piece.sound is not None:
                also(piece.sound)
        file.finish(samples=counted.samples)
    return Pressed(samples=counted.samples, powers=meter.finish(), true_peak_dbtp=decibels(true_peak))


class _Counted:
    """Counts the samples of a stream, and goes on with silence until the encoder has given all of them."""

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._blocks = blocks
        self.samples = 0

    def __iter__(self) -> Iterator[Block]:
        channels = 1
        for block in self._blocks:
            channels, self.samples = len(block), self.samples + block.shape[1]
            yield block
        yield np.zeros((channels, mp3.frames_for(self.samples) * FRAME - self.samples), np.float32)


def _pieces(counted: _Counted) -> Iterator[_Piece]:
    before, after = mp3.PRE_ROLL_FRAMES * FRAME, mp3.POST_ROLL_SAMPLES
    first = 0
    for window in in_windows(counted, mp3.PIECE_FRAMES * FRAME, before=before, after=after):
        missing, frames = after - window.after.shape[1], (window.stop - window.start) // FRAME
        yield _Piece(
            frames=mp3.Piece(first_frame=first, stop_frame=first + frames),
            sound=np.pad(window.whole, ((0, 0), (0, missing))) if missing else window.whole,
            # What was counted may still grow, but not where silence already follows.
            samples=min(frames * FRAME, counted.samples - first * FRAME),
        )
        first += frames


def _pressed(
    piece: _Piece, *, settings: AudioSettings, rate_hz: int, running: Running, keeps_sound: bool
) -> _PressedPiece:
    allowed = amplitude(settings.target.true_peak_dbtp - PEAK_MARGIN_DB)
    ceilings = np.full(piece.sound.shape[1] // BLOCK_SAMPLES, amplitude(settings.target.true_peak_dbtp - HEADROOM_DB))
    skipped = max(0, piece.frames.pre_roll_frames - HEARD_BEFORE)  # frames of the pre-roll that need no look
    first = piece.frames.pre_roll_frames * FRAME
    own = slice(first - skipped * FRAME, first - skipped * FRAME + piece.samples)
    for attempt in range(1, ENCODES + 1):
        sound = limited(piece.sound, rate_hz=rate_hz, ceiling=ceilings)
        frames = mp3.frames(mp3.encode(sound, settings, rate_hz=rate_hz, running=running))
        heard = mp3.decode(frames[skipped:])
        places, peaks = true_peaks(heard[:, : own.stop + TAPS], rate_hz=rate_hz, above=allowed)
        if peaks.max(initial=0) <= allowed or attempt == ENCODES:
            break
        _lower(ceilings, places[peaks > allowed] + skipped * FRAME, peaks[peaks > allowed], allowed)
    return _PressedPiece(
        frames=mp3.own_frames(frames, piece.frames),
        heard=heard[:, own],
        sound=sound[:, first : first + piece.samples] if keeps_sound else None,
        true_peak=float(peaks.max(initial=0)),
    )


def _lower(ceilings: Levels, places: Places, peaks: Powers, allowed: float) -> None:
    factors = np.ones(len(ceilings))
    for place, peak in zip(places.tolist(), peaks.tolist(), strict=True):
        block = place // BLOCK_SAMPLES
        around = slice(max(0, block - AROUND_BLOCKS), block + AROUND_BLOCKS)
        factors[around] = np.minimum(factors[around], SAFER * allowed / peak)
    ceilings *= factors
