import numpy as np
import pytest
from scipy.io import wavfile
from scipy.signal import lfilter, resample_poly

from pipeline.audio import hum
from pipeline.audio.graph import through
from tests import studio

RATE_HZ = 48_000
STRETCH_S = 8
TEXT = (
    "We met every month for half a year. Each of us brought one problem, and the others only asked questions. "
    "It was hard at first to leave out good advice. Then the questions became better, and so did our answers. "
    "In the end the practice changed how it writes its letters, and the patients noticed it before we did."
)


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """Speak for 24 seconds: (1, samples) at 48 kHz, about -26 dBFS."""
    rate_hz, sound = wavfile.read(studio.speak(tmp_path_factory.mktemp("speech") / "speech.wav", TEXT))
    sound = np.resize(resample_poly(sound / 2**15, RATE_HZ, rate_hz), 3 * STRETCH_S * RATE_HZ)
    return (sound / np.sqrt(np.mean(sound**2)) * 0.05).astype(np.float32)[None]


def mains(samples: int, harmonics: dict[int, float], *, mains_hz: float = 50.0, drift_hz: float = 0.0) -> np.ndarray:
    """Make hum. harmonics: the level (dBFS) of each; drift_hz: how far the mains wander to either side."""
    times_s = np.arange(samples) / RATE_HZ
    phases = 2 * np.pi * np.cumsum(mains_hz + drift_hz * np.sin(2 * np.pi * times_s / 24)) / RATE_HZ
    lines = [np.sqrt(2) * 10 ** (level / 20) * np.sin(number * phases + number) for number, level in harmonics.items()]
    return np.sum(lines, axis=0)[None].astype(np.float32)


def stretches(sound: np.ndarray) -> tuple[np.ndarray, ...]:
    """Cut a sound as the first reading keeps it."""
    return tuple(np.split(sound, sound.shape[1] // (STRETCH_S * RATE_HZ), axis=1))


def harmonics_of(hums: tuple[hum.Hum, ...], mains_hz: float = 50.0) -> list[int]:
    """Name the lines by their numbers."""
    return [round(line.frequency_hz / mains_hz) for line in hums]


def without(sound: np.ndarray, hums: tuple[hum.Hum, ...]) -> np.ndarray:
    """Take the lines out."""
    filtered = through(hum.notches(hums), [sound], rate_hz=RATE_HZ, channels=len(sound))
    return np.concatenate(list(filtered), axis=1)


def level_db(sound: np.ndarray) -> float:
    """Measure the level in dBFS."""
    return float(10 * np.log10(np.mean(sound**2)))


@pytest.mark.parametrize("level_dbfs", [-30.0, -45.0, -60.0])
@pytest.mark.parametrize("mains_hz", [50.0, 49.9, 60.0])
def test_hum_under_speech_is_found(speech: np.ndarray, level_dbfs: float, mains_hz: float) -> None:
    """The harmonics that hum under speech are found at their frequency, from loud hum to hum 34 dB under the speech."""
    wanted = {1: level_dbfs, 2: level_dbfs, 3: level_dbfs - 3}
    found = hum.found(stretches(speech + mains(speech.shape[1], wanted, mains_hz=mains_hz)), RATE_HZ)
    assert harmonics_of(found, mains_hz) == [1, 2, 3]
    assert [line.frequency_hz / number for number, line in enumerate(found, 1)] == pytest.approx(
        [mains_hz] * 3, abs=0.04
    )
    assert min(line.excess_db for line in found) > hum.STANDS_OUT_DB


@pytest.mark.parametrize("drift_hz", [0.0, 0.1])
def test_hum_goes_and_speech_stays(speech: np.ndarray, drift_hz: float) -> None:
    """The notches take out at least 20 dB of the hum, even of one that drifts, and the speech keeps its level."""
    noise = mains(speech.shape[1], {1: -46, 2: -40, 3: -48}, drift_hz=drift_hz)
    hums = hum.found(stretches(speech + noise), RATE_HZ)
    settled = RATE_HZ
    assert level_db(without(noise, hums)[:, settled:]) < level_db(noise[:, settled:]) - 20
    assert level_db(without(speech, hums)) == pytest.approx(level_db(speech), abs=0.5)


def test_speech_between_the_lines_is_untouched(speech: np.ndarray) -> None:
    """The notches change the spectrum of the speech elsewhere by under half a decibel, and higher up not at all."""
    hums = hum.found(stretches(speech + mains(speech.shape[1], {1: -40, 2: -40, 3: -44})), RATE_HZ)
    before, after = (np.abs(np.fft.rfft(sound[0])) ** 2 for sound in (speech, without(speech, hums)))
    frequencies_hz = np.fft.rfftfreq(speech.shape[1], 1 / RATE_HZ)
    for low_hz, high_hz in ((60, 90), (110, 140), (160, 300), (300, 1000), (1000, 8000)):
        band = (frequencies_hz > low_hz) & (frequencies_hz < high_hz)
        assert abs(10 * np.log10(after[band].sum() / before[band].sum())) < (0.5 if high_hz <= 300 else 0.05)


def test_a_faint_harmonic_is_left(speech: np.ndarray) -> None:
    """Only what stands out is filtered: a harmonic that the speech covers is not."""
    noise = mains(speech.shape[1], {2: -40, 4: -95})
    assert harmonics_of(hum.found(stretches(speech + noise), RATE_HZ)) == [2]


def test_either_channel_may_hum(speech: np.ndarray) -> None:
    """Hum in one of two channels, or in opposite phase in both, is found."""
    noise = mains(speech.shape[1], {1: -40, 2: -44})
    for left, right in ((speech + noise, speech), (speech + noise, speech - noise)):
        assert harmonics_of(hum.found(stretches(np.concatenate([left, right])), RATE_HZ)) == [1, 2]


def test_other_sample_rates(speech: np.ndarray) -> None:
    """Hum is found at 44.1 and at 16 kHz."""
    sound = speech + mains(speech.shape[1], {1: -40, 2: -40})
    for rate_hz in (44_100, 16_000):
        resampled = resample_poly(sound, rate_hz, RATE_HZ, axis=1).astype(np.float32)
        assert harmonics_of(hum.found((resampled[:, : 8 * rate_hz], resampled[:, 8 * rate_hz :]), rate_hz)) == [1, 2]


def test_clean_speech_has_no_hum(speech: np.ndarray) -> None:
    """Speech, and speech in the noise of a room, is not filtered at all."""
    noise = lfilter([0.05], [1, -0.99], np.random.default_rng(5).standard_normal(speech.shape)) * 0.01
    assert hum.found(stretches(speech), RATE_HZ) == ()
    assert hum.found(stretches((speech + noise).astype(np.float32)), RATE_HZ) == ()
    assert hum.notches(()) == ()


@pytest.mark.parametrize("seed", range(3))
def test_noise_has_no_hum(seed: int) -> None:
    """Noise is not filtered, be it white or a rumble."""
    noise = np.random.default_rng(seed).standard_normal((1, 3 * STRETCH_S * RATE_HZ))
    for sound in (noise * 0.01, lfilter([1], [1, -0.995], noise) * 0.001):
        assert hum.found(stretches(sound.astype(np.float32)), RATE_HZ) == ()


@pytest.mark.parametrize("pitch_hz", [65.4, 82.4, 98.0, 103.8, 110.0, 146.8, 196.0, 207.7, 349.2, 440.0])
def test_held_notes_are_no_hum(pitch_hz: float) -> None:
    """A held note with its overtones is music, whether or not one of them comes near a harmonic of the mains."""
    notes = mains(3 * STRETCH_S * RATE_HZ, {1: -20, 2: -26, 3: -30, 4: -36}, mains_hz=pitch_hz)
    noise = np.random.default_rng(2).standard_normal(notes.shape).astype(np.float32) * 0.0003
    assert hum.found(stretches(notes + noise), RATE_HZ) == ()


def test_a_tone_that_comes_and_goes_is_no_hum(speech: np.ndarray) -> None:
    """A tone at a harmonic of the mains that sounds a third of the time is left alone."""
    tone = mains(speech.shape[1], {2: -30})
    tone[:, STRETCH_S * RATE_HZ :] = 0
    assert hum.found(stretches(speech + tone), RATE_HZ) == ()


def test_silence_and_scraps_have_no_hum() -> None:
    """Digital silence, nothing, and a stretch too short to tell give no filter."""
    assert hum.found((np.zeros((1, STRETCH_S * RATE_HZ), np.float32),), RATE_HZ) == ()
    assert hum.found((), RATE_HZ) == ()
    assert hum.found((mains(RATE_HZ, {1: -20}),), RATE_HZ) == ()
