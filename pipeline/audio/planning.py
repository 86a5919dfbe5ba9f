"""What the first reading of a recording found enters, all that the second will do to it leaves; nothing is read."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pipeline.audio import denoise, edits, hum, leveller
from pipeline.audio.analysis import Analysis
from pipeline.audio.graph import Block, Filter
from pipeline.audio.leveller import Curve
from pipeline.audio.limiter import Levels
from pipeline.audio.meter import ABSOLUTE_GATE_LUFS, Meter, Powers, momentary_lufs
from pipeline.audio.preparing import Take
from pipeline.errors import AudioError
from pipeline.model import AudioSettings, Edit, Timeline

CLEAR_DB = 8.0  # of speech over the room
AUDIBLE_BLOCKS = 7  # so many gating blocks (400 ms, every 100 ms) lie within a second

Strength = Literal["off", "gentle", "light", "strong"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that the second reading does, and what it is expected to give.

    curve: the gain that levels the speakers, on the recording's clock; timeline: what is kept; levels: of the sound
    that leaves, before the gain that brings the whole to its target, on the master's clock.
    """

    denoise: Strength
    hums: tuple[hum.Hum, ...]
    curve: Curve
    timeline: Timeline
    levels: Levels

    @property
    def notches(self) -> tuple[Filter, ...]:
        """The filters against the hum that was found."""
        return hum.notches(self.hums)


def plan(meeting: Take, analysis: Analysis, cuts: tuple[Edit, ...], *, speech_starts_ms: int) -> Plan:
    """Decide what to do with a recording.

    Args:
        meeting: the recording and its settings.
        analysis: what the first reading found.
        cuts: what a person wants to take out or cover.
        speech_starts_ms: where in the master the recording begins.

    Raises:
        AudioError: it is silent or too short, or nothing of it would be left.
    """
    settings = meeting.settings
    require_sound(meeting, analysis)
    strength = _strength(settings, analysis)
    powers = analysis.powers if strength == "off" else _denoised(analysis, strength, settings)
    curve = leveller.level(powers, target_lufs=settings.target.integrated_lufs)
    timeline = edits.plan(
        cuts,
        length_ms=analysis.length_ms,
        speech=curve.speech,
        trim=settings.trim,
        longest_pause_ms=None if settings.longest_pause_s is None else round(settings.longest_pause_s * 1000),
        speech_starts_ms=speech_starts_ms,
    )
    gains = gain_factors(curve, settings)
    kept = edits.kept_steps(timeline, len(powers))
    kept = kept[~edits.covered_steps(timeline, len(powers))[kept]]
    step_gains = ((gains[:-1] + gains[1:]) / 2)[kept]
    return Plan(
        denoise=strength,
        hums=hum.found(analysis.stretches, analysis.rate_hz),
        curve=curve,
        timeline=timeline,
        levels=Levels(
            powers=powers[kept] * np.square(step_gains),
            peaks=(analysis.peaks[kept] * step_gains[:, None]).astype(np.float16),
            norms=analysis.norms[kept],
        ),
    )


def gain_factors(curve: Curve, settings: AudioSettings) -> Powers:
    """Return the levelling gain, as a factor, at the edges of the steps; none where levelling is off."""
    if not settings.level:
        return np.ones(len(curve.gains_db), np.float32)
    factors: Powers = (10 ** (curve.gains_db / 20)).astype(np.float32)
    return factors


def require_sound(meeting: Take, analysis: Analysis) -> None:
    """Refuse what is too short or too quiet to be an episode.

    Raises:
        AudioError: it lasts less than a second, or less than a second of it can be heard.
    """
    length_s = analysis.samples / analysis.rate_hz
    if length_s < 1:
        hint = "give the whole recording: an episode lasts at least a second"
        raise AudioError(f"lasts {length_s:.1f} s; a master needs at least 1 s", source=meeting.source, hint=hint)
    if np.count_nonzero(momentary_lufs(analysis.powers) > ABSOLUTE_GATE_LUFS) < AUDIBLE_BLOCKS:
        hint = (
            "listen to it and export it again with its sound; "
            "where it can be heard in stereo, its channels cancel each other: export one of them"
        )
        raise AudioError("is silent: less than a second of it is above -70 LUFS", source=meeting.source, hint=hint)


def _strength(settings: AudioSettings, analysis: Analysis) -> Strength:
    if settings.denoise != "auto":
        return settings.denoise
    found = leveller.level(analysis.powers, target_lufs=settings.target.integrated_lufs)
    # Where nobody speaks, what sounds may be music, which the nets would take for noise.
    if not denoise.needed(analysis.powers) or not found.speech.any():
        return "off"
    # Out of loud noise, above all other voices, the nets bring words along: less of it then leaves more of them.
    return "light" if found.speech_to_noise_db >= CLEAR_DB else "gentle"


def _denoised(analysis: Analysis, strength: denoise.Strength, settings: AudioSettings) -> Powers:
    """Foretell the powers of a recording after its noise is taken out, from what happens to some stretches of it."""
    before, after = (
        np.concatenate([_powers(stretch, analysis.rate_hz, settings) for stretch in stretches])
        for stretches in (analysis.stretches, _cleaned(analysis, strength))
    )
    speech = leveller.level(before, target_lufs=settings.target.integrated_lufs).speech
    changes = [after[part].sum() / max(before[part].sum(), np.finfo(np.float32).tiny) for part in (speech, ~speech)]
    speech = leveller.level(analysis.powers, target_lufs=settings.target.integrated_lufs).speech
    foretold: Powers = (analysis.powers * np.where(speech, *changes)).astype(np.float32)
    return foretold


def _cleaned(analysis: Analysis, strength: denoise.Strength) -> tuple[Block, ...]:
    gain_db, rate_hz = denoise.level_gain_db(analysis.powers), analysis.rate_hz
    return tuple(
        denoise.denoised(
            sound, before=sound[:, :0], after=sound[:, :0], strength=strength, rate_hz=rate_hz, gain_db=gain_db
        )
        for sound in analysis.stretches
    )


def _powers(sound: Block, rate_hz: int, settings: AudioSettings) -> Powers:
    meter = Meter(rate_hz=rate_hz, channels=len(sound), mono_loudness=settings.target.mono_loudness)
    meter.feed(sound)
    return meter.finish()
