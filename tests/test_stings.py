"""Stings: an intro and an outro around the speech, exact to the sample, stepping back for the words."""

import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from pipeline.audio.edits import position
from pipeline.audio.graph import Block
from pipeline.audio.stings import _under, lead_ms, read_sting, with_stings
from pipeline.errors import AudioError
from pipeline.model import AudioSettings, LoudnessTarget, MonoLoudness

RATE_HZ = 44_100
SETTINGS = AudioSettings()


def samples_with_stings(
    speech: int, intro: Block | None, outro: Block | None, *, overlap_s: float, rate_hz: int
) -> int:
    """Say how many samples `with_stings` gives for so many of speech."""
    samples = speech
    if intro is not None:
        samples = max(intro.shape[1], speech + position(lead_ms(intro, overlap_s=overlap_s, rate_hz=rate_hz), rate_hz))
    return samples if outro is None else samples + int(outro.shape[1]) - _under(outro, samples, overlap_s, rate_hz)


def chord(seconds: float, *, rate_hz: int = RATE_HZ, level: float = 0.05) -> np.ndarray:
    """Make music: three tones and some air; (samples,)."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    tones = sum(np.sin(2 * np.pi * hertz * time_s) for hertz in (262, 330, 392))
    return level * (tones + np.random.default_rng(1).standard_normal(len(time_s)) * 0.1)


def write(path: Path, *channels: np.ndarray, rate_hz: int = RATE_HZ) -> Path:
    """Write 16-bit WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((np.clip(np.stack(channels, axis=1), -1, 1) * 32767).astype("<i2").tobytes())
    return path


def blocks(sound: Block, length: int) -> Iterator[Block]:
    """Cut a sound into blocks."""
    return (sound[:, start : start + length] for start in range(0, sound.shape[1], length))


def together(
    speech: Block, intro: Block | None, outro: Block | None, *, overlap_s: float = 2.0, block: int = RATE_HZ
) -> Block:
    """Play stings around speech."""
    played = with_stings(blocks(speech, block), intro, outro, overlap_s=overlap_s, rate_hz=RATE_HZ)
    return np.concatenate(list(played), axis=1)


def level_db(sound: Block, at_s: float) -> float:
    """Measure a tenth of a second."""
    piece = sound[:, round((at_s - 0.05) * RATE_HZ) : round((at_s + 0.05) * RATE_HZ)].astype(np.float64)
    return float(10 * np.log10(np.mean(np.square(piece)) + 1e-20))


def flat(seconds: float, channels: int = 1) -> Block:
    """Make a sting of one level, so that gains can be read from it."""
    shape = (channels, round(seconds * RATE_HZ))
    return (np.random.default_rng(2).choice([-0.25, 0.25], shape)).astype(np.float32)


def silence(seconds: float, channels: int = 1) -> Block:
    """Make silent speech."""
    return np.zeros((channels, round(seconds * RATE_HZ)), np.float32)


@pytest.mark.parametrize("mono_loudness", MonoLoudness)
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000])
def test_a_sting_is_brought_to_the_target(
    tmp_path: Path, channels: int, rate_hz: int, mono_loudness: MonoLoudness
) -> None:
    """Whatever its rate, channels and level, a foreign meter reads the target's loudness from it."""
    made = chord(4, rate_hz=rate_hz, level=0.01)
    path = write(tmp_path / "intro.wav", made, made[::-1], rate_hz=rate_hz)
    target = LoudnessTarget(integrated_lufs=-18.0, mono_loudness=mono_loudness)
    sting = read_sting(path, AudioSettings(target=target), RATE_HZ, channels)
    assert sting.dtype == np.float32
    assert sting.shape == (channels, 4 * RATE_HZ)
    read_lufs = pyloudnorm.Meter(RATE_HZ).integrated_loudness(sting.T.astype(np.float64))
    played_twice = channels == 1 and mono_loudness is MonoLoudness.AS_PLAYED
    assert read_lufs + 3.01 * played_twice == pytest.approx(-18, abs=0.15)


def test_a_sting_is_never_brought_above_the_peak(tmp_path: Path) -> None:
    """A few hard beats stay softer than the target rather than go over its true peak."""
    beats = np.zeros(4 * RATE_HZ)
    for at in range(0, len(beats) - RATE_HZ, RATE_HZ):
        beats[at : at + 400] = 0.5 * np.sin(np.arange(400) * 0.9) * np.exp(-np.arange(400) / 60)
    sting = read_sting(write(tmp_path / "beats.wav", beats), SETTINGS, RATE_HZ, 1)
    between = signal.resample_poly(sting[0].astype(np.float64), 8, 1)
    assert 20 * np.log10(np.abs(between).max()) == pytest.approx(SETTINGS.target.true_peak_dbtp, abs=0.1)


def test_a_sting_lasts_whole_milliseconds(tmp_path: Path) -> None:
    """The odd samples at the end of a file go, so that the speech begins at a whole millisecond."""
    sting = read_sting(write(tmp_path / "intro.wav", chord(2)[: 2 * RATE_HZ - 30]), SETTINGS, RATE_HZ, 1)
    assert sting.shape[1] == round(1_999 * RATE_HZ / 1_000)
    assert lead_ms(sting, overlap_s=0.5, rate_hz=RATE_HZ) == 1_499


BAD = {
    "too long": (lambda path: write(path, chord(60.1, rate_hz=8_000), rate_hz=8_000), "more than 60 s"),
    "too short": (lambda path: write(path, chord(0.4)), r"too short .* 0\.40 s"),
    "silent": (lambda path: write(path, np.zeros(RATE_HZ)), "is silent"),
    "no sound": (lambda path: path.write_text("[show]\n"), "not a sound file"),
    "not there": (lambda _: None, "is not there"),
}


@pytest.mark.parametrize(("make", "message"), BAD.values(), ids=BAD.keys())
def test_a_bad_sting_has_its_sentence(tmp_path: Path, make, message: str) -> None:
    """A file that cannot be a sting is named, with what to do."""
    path = tmp_path / "intro.wav"
    make(path)
    with pytest.raises(AudioError, match=message) as raised:
        read_sting(path, SETTINGS, RATE_HZ, 1)
    assert raised.value.source == path
    assert raised.value.hint


def test_a_minute_is_allowed(tmp_path: Path) -> None:
    """Sixty seconds are not too long."""
    path = write(tmp_path / "intro.wav", chord(60, rate_hz=8_000), rate_hz=8_000)
    assert read_sting(path, SETTINGS, 8_000, 1).shape == (1, 480_000)


def test_without_stings_the_speech_passes() -> None:
    """No intro and no outro leave the blocks as they are."""
    speech = flat(1)
    (played,) = with_stings([speech], None, None, overlap_s=2.0, rate_hz=RATE_HZ)
    assert played is speech
    assert lead_ms(None, overlap_s=2.0, rate_hz=RATE_HZ) == 0


def test_the_intro_steps_back_for_the_speech() -> None:
    """Full before the speech, 12 dB down half a second into it, falling from there, gone at the overlap's end."""
    played = together(silence(10), flat(6), None)
    assert lead_ms(flat(6), overlap_s=2.0, rate_hz=RATE_HZ) == 4_000
    assert level_db(played, 3.9) == pytest.approx(-12, abs=0.1)
    assert level_db(played, 4.55) == pytest.approx(-24.5, abs=0.6)
    assert level_db(played, 5.25) == pytest.approx(-24 - 6, abs=0.5)
    assert level_db(played, 5.9) < -40
    assert not played[:, 6 * RATE_HZ :].any()
    assert np.abs(played[:, 0]).max() < 1e-5
    falling = [level_db(played, at_s) for at_s in np.arange(4.0, 6.0, 0.1)]
    assert falling == sorted(falling, reverse=True)


def test_the_outro_is_the_intro_backwards() -> None:
    """It rises softly under the last words, is full when they end, and fades out at its own end."""
    played = together(silence(10), None, flat(6))
    assert played.shape[1] == 14 * RATE_HZ
    assert not played[:, : 8 * RATE_HZ].any()
    assert level_db(played, 8.1) < -40
    assert level_db(played, 9.45) == pytest.approx(-24.5, abs=0.6)
    assert level_db(played, 10.1) == pytest.approx(-12, abs=0.1)
    assert level_db(played, 13.6) == pytest.approx(-12, abs=0.1)
    assert np.abs(played[:, -1]).max() < 0.001
    rising = [level_db(played, at_s) for at_s in np.arange(8.1, 10.1, 0.1)]
    assert rising == sorted(rising)


def test_the_speech_is_not_touched() -> None:
    """What is played less what the stings alone are is the speech, sample by sample, also under both overlaps."""
    speech, intro, outro = flat(7), flat(4), flat(3)
    played, alone = together(speech, intro, outro), together(silence(7), intro, outro)
    start = 2 * RATE_HZ
    assert np.abs(played - alone)[:, start : start + 7 * RATE_HZ] == pytest.approx(np.abs(speech), abs=1e-6)
    assert not (played - alone)[:, :start].any()
    assert (played[:, 2 * start : 2 * start + RATE_HZ] == speech[:, start : start + RATE_HZ]).all()


def test_stings_do_not_click() -> None:
    """A steady tone as intro and outro has no step anywhere that it does not have itself."""
    tone = (0.25 * np.sin(2 * np.pi * 100 * np.arange(4 * RATE_HZ) / RATE_HZ + 1)).astype(np.float32)[None]
    for overlap_s in (0.0, 0.05, 0.7, 2.0):
        played = together(silence(5), tone, tone, overlap_s=overlap_s)
        assert np.abs(np.diff(played, prepend=0, append=0)).max() < 1.1 * np.abs(np.diff(tone)).max()


def test_stereo_keeps_its_sides() -> None:
    """Left stays left, in the intro and in the outro."""
    sting = flat(4, channels=2)
    sting[1] = 0
    played = together(silence(6, channels=2), sting, sting)
    assert np.abs(played[0]).max() > 0.2
    assert not played[1].any()


@given(
    st.floats(0, 6),
    st.tuples(st.none() | st.integers(500, 5_000), st.none() | st.integers(500, 5_000)),
    st.floats(0, 10),
    st.integers(500, 100_000),
    st.sampled_from([8_000, 11_025, 44_100]),
)
@settings(max_examples=60)
def test_the_length_is_known_beforehand(
    speech_s: float, stings_ms: tuple[int | None, int | None], overlap_s: float, block: int, rate_hz: int
) -> None:
    """Whatever is how long, the number of samples is the one foretold, and the speech stands where the lead says."""
    intro, outro = (
        None if ms is None else np.full((1, round(ms * rate_hz / 1000)), 0.1, np.float32) for ms in stings_ms
    )
    speech = np.full((1, round(speech_s * rate_hz)), 0.5, np.float32)
    sizes = {"overlap_s": overlap_s, "rate_hz": rate_hz}
    played = list(with_stings(blocks(speech, block), intro, outro, **sizes))
    sound = np.concatenate(played, axis=1) if played else speech
    assert sound.shape[1] == samples_with_stings(speech.shape[1], intro, outro, **sizes)
    start = round(lead_ms(intro, **sizes) * rate_hz / 1000)
    assert (sound[0, start : start + speech.shape[1]] >= 0.5).all()
    assert (sound[0, :start] < 0.2001).all()
    assert (sound[0, start + speech.shape[1] :] < 0.2001).all()
