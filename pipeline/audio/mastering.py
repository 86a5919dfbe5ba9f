"""Recordings enter, one MP3 at its loudness leaves: read twice, first to know the sound, then to master and encode it.

recordings -preparing-> sound -analysis-> numbers -planning-> a plan
recordings -preparing-> sound -denoise, leveller, edits, stings-> finished sound -pressing-> the MP3
"""

import hashlib
import math
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.audio import denoise, mp3, stings
from pipeline.audio.analysis import Analysis, analyse
from pipeline.audio.describing import Seen, described, each_second, waveform
from pipeline.audio.edits import edited
from pipeline.audio.flow import ahead, in_order, in_the_background
from pipeline.audio.graph import Block, Window, in_pieces, in_windows
from pipeline.audio.limiter import amplitude, settle
from pipeline.audio.meter import STEP_MS, loudness
from pipeline.audio.planning import gain_factors, plan
from pipeline.audio.preparing import Take, prepared, take
from pipeline.audio.pressing import HEADROOM_DB, Pressed, press
from pipeline.audio.renditions import rendering
from pipeline.audio.source import Progress
from pipeline.errors import AudioError
from pipeline.model import AudioSettings, Edit, Loudness, Master, Rendition

ATTEMPTS = 3
TOLERANCE_LU = 0.2  # tighter than the 0.3 LU promised, as other meters differ, and round to a tenth
TONE_AMPLITUDE, TONE_HZ, TONE_S = 0.1, 997, 2
SHARE_OF_ANALYSIS = 0.15
SHARE_OF_FIRST_ATTEMPT = 0.85  # of what is left; a second attempt takes as much of the rest
TONE_UNDER_TARGET_DB = 8.0
FADE_IN_MS, FADE_OUT_MS = 20, 200
LAST_BLOCKS = 2  # the last one may be shorter than the fade


def master(
    sources: tuple[tuple[Path, ...], ...],
    destination: Path,
    settings: AudioSettings,
    progress: Progress | None = None,
    *,
    edits: tuple[Edit, ...] = (),
    jobs: int | None = None,
) -> Master:
    """Turn a recording into a master: one MP3 at the target's loudness, whatever the recording's level.

    Args:
        sources: the parts of the recording of each recorder, in order; rates and channels may differ.
        destination: the MP3 to write; its folder exists. It appears complete or not at all, and so do its renditions
            in other codings beside it.
        settings: all that a person may choose.
        progress: is told the part (0 to 1) of the work that is done; what it raises cancels the work cleanly.
        edits: what to cut, bleep or mute, ms on the first recorder's clock.
        jobs: how many pieces to encode at the same time, None for one a processor; the result is always the same.

    Returns:
        The Master, its loudness measured on the encoded sound. A loudness that misses the target is not an error here.

    Raises:
        AudioError: a part cannot be read to its end, is silent or too short, or the master cannot be written.

    Source: ITU-R BS.1770 for loudness and true peak.
    """
    if not sources or not sources[0]:
        raise AudioError("there is no recording to master", source=destination, hint="add a recording to the episode")
    tell = progress or _tell_nobody
    tell(0.0)
    with in_the_background(), _temporary(destination) as temporary:
        meeting = take(sources, settings, progress=lambda _part: tell(0.0))
        work = _Work(meeting, edits, jobs or os.cpu_count() or 1, tell)
        done = work.attempt_until_right(temporary)
        sha256, size = _seal(temporary, destination)
        renditions = tuple(_sealed_rendition(rendition, destination) for rendition in done.renditions)
    tell(1.0)
    return Master(
        path=destination,
        sha256=sha256,
        size=size,
        duration_ms=round(done.pressed.samples * 1000 / work.meeting.rate_hz),
        loudness=done.loudness,
        timeline=work.plan.timeline,
        mastering=described(work.plan, work.meeting, work.analysis, work.seen, gain_db=done.gain_db),
        after_lufs=each_second(done.pressed.powers),
        waveform=waveform(done.pressed.powers),
        renditions=renditions,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    pressed: Pressed
    loudness: Loudness
    gain_db: float
    renditions: tuple[Rendition, ...]


class _Work:
    """One recording on its way: read once here, then mastered as often as it takes to be right."""

    def __init__(self, meeting: Take, edits: tuple[Edit, ...], jobs: int, tell: Progress) -> None:
        self.meeting, self._edits, self._jobs, self._tell = meeting, edits, jobs, tell
        self._told = 0.0
        self._intro, self._outro = (self._sting(path) for path in (meeting.settings.intro, meeting.settings.outro))
        self.seen = Seen()
        self.analysis = self._analysed()
        lead_ms = stings.lead_ms(self._intro, overlap_s=meeting.settings.sting_overlap_s, rate_hz=meeting.rate_hz)
        self.plan = plan(meeting, self.analysis, edits, speech_starts_ms=lead_ms)
        self.analysis = self.analysis.without_peaks()

    def attempt_until_right(self, temporary: Path) -> _Done:
        """Master and encode, again with another gain where the encoded sound misses the target."""
        target, start = self.meeting.settings.target, SHARE_OF_ANALYSIS
        loss_db = self._encoder_loss_db()
        aim_lufs = target.integrated_lufs + loss_db
        for attempt in range(1, ATTEMPTS + 1):
            end = start + (1 - start) * SHARE_OF_FIRST_ATTEMPT
            done = self._attempt(temporary, aim_lufs, loss_db, _share(self._say, start, end))
            missed_lu = target.integrated_lufs - done.loudness.integrated_lufs
            if attempt == ATTEMPTS or abs(missed_lu) <= TOLERANCE_LU or math.isinf(missed_lu):
                break
            for rendition in done.renditions:
                rendition.path.unlink(missing_ok=True)
            aim_lufs += missed_lu
            start = end
        return done

    def _attempt(self, temporary: Path, aim_lufs: float, loss_db: float, progress: Progress) -> _Done:
        settings, rate_hz, folder = self.meeting.settings, self.meeting.rate_hz, temporary.parent
        ceiling = amplitude(settings.target.true_peak_dbtp - HEADROOM_DB)
        gain_db = settle(self.plan.levels, target_lufs=aim_lufs, ceiling=ceiling)
        with rendering(folder, settings, rate_hz=rate_hz, channels=settings.channels, gain_db=-loss_db) as renderer:
            pressed = press(
                self._finished(gain_db, progress),
                temporary,
                settings,
                rate_hz=rate_hz,
                jobs=self._jobs,
                listen=self._listen,
                also=renderer.write if settings.alternates else None,
            )
            renditions = renderer.finish()
        measured = loudness(pressed.powers, true_peak_dbtp=pressed.true_peak_dbtp)
        return _Done(pressed=pressed, loudness=measured, gain_db=gain_db, renditions=renditions)

    def _analysed(self) -> Analysis:
        meeting = self.meeting
        progress = _share(self._say, 0.0, SHARE_OF_ANALYSIS)
        hear, found = self.seen.watch.hear, self.seen.channels.__setitem__
        with ahead(prepared(meeting, hear=hear, found=found, progress=progress)) as blocks:
            return analyse(
                blocks,
                rate_hz=meeting.rate_hz,
                mono_loudness=meeting.settings.target.mono_loudness,
                expected_s=meeting.expected_s,
            )

    def _sting(self, path: Path | None) -> Block | None:
        settings = self.meeting.settings
        return stings.read_sting(path, settings, self.meeting.rate_hz, settings.channels) if path else None

    def _finished(self, gain_db: float, progress: Progress) -> Iterator[Block]:
        """Read the recording again and do to it all that the plan says."""
        meeting, rate_hz = self.meeting, self.meeting.rate_hz
        read = prepared(meeting, self.plan.notches, progress=progress)
        levelled = self._levelled(in_pieces(self._whole(self._cleaned(read)), rate_hz), gain_db)
        tone_dbfs = meeting.settings.target.integrated_lufs - TONE_UNDER_TARGET_DB
        kept = edited(levelled, self.plan.timeline, self._edits, rate_hz=rate_hz, tone_dbfs=tone_dbfs)
        return stings.with_stings(
            _softened(kept, rate_hz),
            self._intro,
            self._outro,
            overlap_s=meeting.settings.sting_overlap_s,
            rate_hz=rate_hz,
        )

    def _cleaned(self, blocks: Iterator[Block]) -> Iterator[Block]:
        rate_hz, strength = self.meeting.rate_hz, self.plan.denoise
        if strength == "off":
            yield from blocks
            return
        before, after = denoise.BEFORE_S * rate_hz, denoise.AFTER_S * rate_hz
        windows = in_windows(blocks, denoise.PIECE_S * rate_hz, before=before, after=after)
        gain_db = denoise.level_gain_db(self.analysis.powers)
        work = partial(_clean, strength=strength, rate_hz=rate_hz, gain_db=gain_db)
        yield from in_order(work, windows, jobs=self._jobs, listen=self._listen)

    def _levelled(self, blocks: Iterator[Block], gain_db: float) -> Iterator[Block]:
        gains = gain_factors(self.plan.curve, self.meeting.settings) * np.float32(amplitude(gain_db))
        rate_hz = self.meeting.rate_hz
        step = rate_hz * STEP_MS // 1000
        along = np.arange(step, dtype=np.float32) / np.float32(step)
        factors = np.empty((rate_hz // step, step), np.float32)
        first = 0
        for block in blocks:
            steps = -(-block.shape[1] // step)
            edges = gains[first : first + steps + 1]
            np.multiply(np.diff(edges)[:, None], along, out=factors[:steps])
            factors[:steps] += edges[:-1, None]
            yield block * factors.reshape(-1)[: block.shape[1]]
            first += steps

    def _whole(self, blocks: Iterator[Block]) -> Iterator[Block]:
        samples = 0
        for block in blocks:
            samples += block.shape[1]
            if samples > self.analysis.samples:
                break
            yield block
        if samples != self.analysis.samples:
            hint = "wait until it is copied completely, then build again"
            raise AudioError("changed while it was being mastered", source=self.meeting.source, hint=hint)

    def _encoder_loss_db(self) -> float:
        # LAME makes the sound softer at some bit rates, by up to half a decibel: a tone tells, so one encode will do.
        settings, rate_hz = self.meeting.settings, self.meeting.rate_hz
        tone = TONE_AMPLITUDE * np.sin(2 * np.pi * TONE_HZ / rate_hz * np.arange(TONE_S * rate_hz))
        block = np.repeat(tone[None, :].astype(np.float32), settings.channels, axis=0)
        heard = mp3.decode(mp3.frames(mp3.encode(block, settings, rate_hz=rate_hz)))
        inner = slice(rate_hz // 2, -rate_hz // 2)
        powers = [float(np.mean(np.square(sound[:, inner], dtype=np.float64))) for sound in (block, heard)]
        return 10 * math.log10(powers[0] / powers[1])

    def _say(self, part: float) -> None:
        self._told = part
        self._tell(part)

    def _listen(self) -> None:
        self._tell(self._told)


def _softened(blocks: Iterator[Block], rate_hz: int) -> Iterator[Block]:
    """Fade the sound in where it begins and out where it ends. blocks: a second each, the last one shorter."""
    rise, fall = (np.linspace(0, 1, rate_hz * ms // 1000, dtype=np.float32) for ms in (FADE_IN_MS, FADE_OUT_MS))
    held: list[Block] = []
    for number, block in enumerate(in_pieces(blocks, rate_hz)):
        held.append(_ramped(block, rise) if number == 0 else block)
        if len(held) > LAST_BLOCKS:
            yield held.pop(0)
    if held:
        yield _ramped(np.concatenate(held, axis=1)[:, ::-1], fall)[:, ::-1]


def _ramped(block: Block, ramp: Block) -> Block:
    count = min(len(ramp), block.shape[1])
    return np.concatenate([block[:, :count] * ramp[:count], block[:, count:]], axis=1)


def _clean(window: Window, *, strength: denoise.Strength, rate_hz: int, gain_db: float) -> Block:
    return denoise.denoised(
        window.piece,
        before=window.before,
        after=window.after,
        strength=strength,
        rate_hz=rate_hz,
        gain_db=gain_db,
    )


def _sealed_rendition(rendition: Rendition, destination: Path) -> Rendition:
    path = destination.with_suffix(rendition.path.suffix)
    try:
        rendition.path.replace(path)
    except OSError as error:
        raise _unwritable(destination, error) from error
    return replace(rendition, path=path)


@contextmanager
def _temporary(destination: Path) -> Iterator[Path]:
    path = destination.with_name(f".{secrets.token_hex(8)}.part")
    try:
        path.open("xb").close()
    except OSError as error:
        raise _unwritable(destination, error) from error
    try:
        yield path
    finally:
        with suppress(OSError):  # it was renamed, or the folder itself is gone
            path.unlink()


def _seal(temporary: Path, destination: Path) -> tuple[str, int]:
    try:
        with temporary.open("r+b") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
            os.fsync(file.fileno())
        temporary.replace(destination)
    except OSError as error:
        raise _unwritable(destination, error) from error
    return sha256, size


def _unwritable(destination: Path, error: OSError) -> AudioError:
    message = f"the master cannot be written here: {error.strerror or error}"
    hint = "make room in this folder and check the right to write to it"
    return AudioError(message, source=destination.parent, hint=hint)


def _share(tell: Progress, start: float, end: float) -> Progress:
    return lambda part: tell(start + (end - start) * min(1.0, part))


def _tell_nobody(_part: float) -> None:
    pass
