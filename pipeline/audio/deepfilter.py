"""Spectra of speech in a room enter, spectra of the speech alone leave: DeepFilterNet 3, its sums done in numpy."""

from functools import cache

import numpy as np
import numpy.typing as npt

from pipeline.audio.nets import nets

RATE_HZ = 48_000
HOP = 480  # samples; frame k of a spectrum covers as many on either side of sample k * HOP
WINDOW = 2 * HOP
BINS = HOP + 1
BANDS = 32
LEAST_BINS = 2  # of a band
FILTERED_BINS = 96  # up to 4.8 kHz speech is rebuilt bin by bin, above that band by band
TAPS = 5
LOOKAHEAD = 2  # frames that the nets hear before they judge one
KERNEL = 3  # frames that the first layers hear at a time
PATHWAY_KERNEL = 5
CHANNELS, STATE = 64, 256
FORGETTING = 0.99  # of the running means, with each frame: a time constant of one second
BAND_MEAN_DB = (-60.0, -90.0)  # where the running means start, from the lowest to the highest
BIN_MEAN = (0.001, 0.0001)
BAND_RANGE_DB = 40.0
TINY = 1e-10

Sound = npt.NDArray[np.float32]
Spectrum = npt.NDArray[np.complex64]


class Cleaner:
    """Takes the room out of some sounds side by side, some frames at a time: it remembers what it heard.

    Args:
        sounds: how many there are.
        floor: the part (0 to 1, an amplitude) of each noisy sound that is mixed back, which limits the attenuation.

    Raises:
        AudioError: the nets cannot be loaded.

    Source: Schröter et al., DeepFilterNet (ICASSP 2022) and DeepFilterNet: Perceptually Motivated Real-Time Speech
        Enhancement (Interspeech 2023).
    """

    def __init__(self, sounds: int, *, floor: float) -> None:
        self._nets = nets()
        self._floor = np.float32(floor)
        start = np.concatenate((np.linspace(*BAND_MEAN_DB, BANDS), np.linspace(*BIN_MEAN, FILTERED_BINS)))
        self._means = np.tile(start.astype(np.float32), (sounds, 1))
        self._bands = np.zeros((sounds, KERNEL - 1, BANDS), np.float32)
        self._bins = np.zeros((sounds, KERNEL - 1, FILTERED_BINS), np.complex64)
        self._noisy = np.zeros((sounds, TAPS - 1, BINS), np.complex64)
        self._pathway = np.zeros((sounds, CHANNELS, PATHWAY_KERNEL - 1, FILTERED_BINS), np.float32)
        zeros = np.zeros((1, sounds, STATE), np.float32)
        self._states: tuple[tuple[Sound, ...], ...] = ((zeros,), (zeros, zeros), (zeros, zeros))

    def settle(self, frames: Spectrum) -> None:
        """Learn how loud some frames are before those that matter: much cheaper than to clean them.

        Args:
            frames: (sounds, frames, BINS), at least as many as the nets look back.
        """
        self._hear(frames)

    def clean(self, frames: Spectrum) -> Spectrum:
        """Clean some more frames.

        Args:
            frames: (sounds, frames, BINS).

        Returns:
            As many clean frames, each LOOKAHEAD frames late.
        """
        bands, bins, noisy = self._hear(frames)
        gains, taps = self._judge(bands, bins)
        count = frames.shape[1]
        late = noisy[:, LOOKAHEAD : LOOKAHEAD + count]
        clean = late * np.repeat(gains, band_widths(), axis=2)
        rebuilt = noisy[:, :count, :FILTERED_BINS] * taps[..., 0]
        for tap in range(1, TAPS):
            rebuilt += noisy[:, tap : tap + count, :FILTERED_BINS] * taps[..., tap]
        clean[..., :FILTERED_BINS] = rebuilt
        return np.asarray(clean * (1 - self._floor) + late * self._floor)

    def _hear(self, frames: Spectrum) -> tuple[Sound, Spectrum, Spectrum]:
        """Return the features that the nets want and the spectrum, each with what was remembered before it."""
        heard = frames / np.float32(WINDOW)
        levels = np.concatenate((_band_levels_db(heard), np.abs(heard[..., :FILTERED_BINS])), axis=2)
        means = self._running_means(levels)
        fresh_bands = (levels[..., :BANDS] - means[..., :BANDS]) / np.float32(BAND_RANGE_DB)
        fresh_bins = heard[..., :FILTERED_BINS] / np.sqrt(means[..., BANDS:])
        bands: Sound = np.concatenate((self._bands, fresh_bands), axis=1)
        bins: Spectrum = np.concatenate((self._bins, fresh_bins), axis=1)
        noisy: Spectrum = np.concatenate((self._noisy, frames), axis=1)
        self._bands, self._bins = bands[:, 1 - KERNEL :], bins[:, 1 - KERNEL :]
        self._noisy = noisy[:, 1 - TAPS :]
        return bands, bins, noisy

    def _running_means(self, levels: Sound) -> Sound:
        means = np.empty_like(levels)
        fresh = levels * np.float32(1 - FORGETTING)
        for index in range(levels.shape[1]):
            self._means = self._means * np.float32(FORGETTING) + fresh[:, index]
            means[:, index] = self._means
        return means

    def _judge(self, bands: Sound, bins: Spectrum) -> tuple[Sound, Spectrum]:
        encoder, gains_decoder, taps_decoder = self._nets
        told = {"feat_erb": bands[:, None], "feat_spec": np.stack((bins.real, bins.imag), axis=1)}
        *skipped, embedding, pathway, after = encoder.run(
            ("e0", "e1", "e2", "e3", "emb", "c0", "after0"), told | _given(self._states[0])
        )
        told = dict(zip(("e0", "e1", "e2", "e3"), skipped, strict=True)) | {"emb": embedding}
        gains, *gains_after = gains_decoder.run(("m", "after0", "after1"), told | _given(self._states[1]))
        whole = np.concatenate((self._pathway, pathway), axis=2)
        self._pathway = whole[:, :, 1 - PATHWAY_KERNEL :].copy()
        told = {"emb": embedding, "c0": whole}
        taps, *taps_after = taps_decoder.run(("coefs", "after0", "after1"), told | _given(self._states[2]))
        self._states = ((after,), tuple(gains_after), tuple(taps_after))
        shape = (*embedding.shape[:2], FILTERED_BINS, TAPS * 2)
        return gains[:, 0], taps.reshape(shape).view(np.complex64)


def spectrum(sound: Sound) -> Spectrum:
    """Take the short-time spectrum of some sounds.

    Args:
        sound: (sounds, samples) at 48 kHz, a multiple of HOP long.

    Returns:
        (sounds, frames, BINS): a frame for each pair of neighbouring hops.

    Source: Schröter et al., DeepFilterNet (ICASSP 2022): a Vorbis window of 20 ms, half overlapping.
    """
    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW, axis=1)[:, ::HOP]
    return np.asarray(np.fft.rfft(frames * _window(), axis=2), np.complex64)


def sound_of(frames: Spectrum) -> Sound:
    """Turn the spectrum of some sounds back.

    Args:
        frames: (sounds, frames, BINS).

    Returns:
        (sounds, samples), one hop more than there are frames; the outermost hops are still to be overlapped.
    """
    halves = np.asarray(np.fft.irfft(frames, axis=2), np.float32) * _window()
    sound = np.pad(halves[..., :HOP], ((0, 0), (0, 1), (0, 0)))
    sound[:, 1:] += halves[..., HOP:]
    return sound.reshape(len(sound), -1)


@cache
def band_widths() -> tuple[int, ...]:
    """Return how many bins each band holds: as wide as hearing resolves (ERB scale), and at least LEAST_BINS."""
    scale, corner_hz = 9.265, 24.7 * 9.265
    top = scale * np.log1p(RATE_HZ / 2 / corner_hz)
    ends_hz = corner_hz * np.expm1(np.arange(1, BANDS + 1) * top / BANDS / scale)
    ends = np.rint(ends_hz / (RATE_HZ / WINDOW)).astype(int)
    ends[-1] = BINS
    widths, owed, before = [], 0, 0
    for end in map(int, ends):
        own = end - before - owed
        widths.append(max(LEAST_BINS, own))
        owed, before = max(0, LEAST_BINS - own), end
    return tuple(widths)


@cache
def _window() -> Sound:
    angles = np.pi * (np.arange(WINDOW) + 0.5) / WINDOW
    return np.asarray(np.sin(np.pi / 2 * np.sin(angles) ** 2), np.float32)


def _band_levels_db(frames: Spectrum) -> Sound:
    widths = np.array(band_widths())
    power = np.square(frames.real) + np.square(frames.imag)
    sums = np.add.reduceat(power, np.cumsum(widths) - widths, axis=2)
    return np.asarray(10 * np.log10(sums / widths.astype(np.float32) + np.float32(TINY)), np.float32)


def _given(states: tuple[Sound, ...]) -> dict[str, Sound]:
    return {f"state{layer}": state for layer, state in enumerate(states)}
