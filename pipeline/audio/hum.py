"""Stretches of a recording enter, the hum of the mains in it and filters that take it out leave; numpy looks for it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.audio.graph import Block, Filter

MAINS_HZ = (50.0, 60.0)
DRIFT_HZ = 0.25  # mains leave their frequency by no more
SEARCH_STEP_HZ = 0.02
LOW_HARMONICS = 4  # without one of these there is no hum, whatever sounds at the others
HARMONICS = 20
STANDS_OUT_DB = 15.0
MOSTLY = 0.6  # of the time
UNIT_S = 4.0  # hum stands still for so long, and no voice does
LOWEST_HZ, HIGHEST_HZ = 40.0, 1250.0
MOMENT_S = 0.05
LEAST_POWER = 1e-6  # of the mean: no moment weighs more than one so soft
NEAR_HZ, FAR_HZ = 2.0, 12.0  # the neighbourhood of a line
LINE_HZ = 0.5  # to either side of a line, its own
LEAST_DRIFT_HZ = 0.05
REMOVED_DB = 16.0  # at the ends of the drift; far more between them

Levels = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hum:
    """A line of mains hum: where it is, how far it stands out from beside it, and how far it drifts either way."""

    frequency_hz: float
    excess_db: float
    drift_hz: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    """Some seconds: the mains' frequency if there is hum, and by how much each harmonic stands out."""

    mains_hz: float
    excess_db: Levels


def found(stretches: tuple[Block, ...], rate_hz: int) -> tuple[Hum, ...]:
    """Look for mains hum that lasts.

    Args:
        stretches: some seconds of the recording each, float32 (channels, samples), from places far apart.
        rate_hz: their sample rate.

    Returns:
        The harmonics of 50 or 60 Hz that stand out most of the time, lowest first; none where there is no hum.
    """
    spectra = [spectrum for stretch in stretches for spectrum in _spectra_db(stretch, rate_hz)]
    return tuple(line for mains_hz in MAINS_HZ for line in _lines(spectra, mains_hz))


def notches(hums: tuple[Hum, ...]) -> tuple[Filter, ...]:
    """Make filters of libavfilter that take out these lines and little else: the wider, the more a line drifts."""
    # A notch is as wide as this many times the distance at which it still takes out REMOVED_DB.
    factor = 2 * 10 ** (REMOVED_DB / 20)
    return tuple(("bandreject", f"f={hum.frequency_hz:.3f}:t=h:w={factor * hum.drift_hz:.3f}:r=f64") for hum in hums)


def _lines(spectra: list[Levels], nominal_hz: float) -> tuple[Hum, ...]:
    units = [_unit(spectrum, nominal_hz) for spectrum in spectra]
    if not units:
        return ()
    excess_db = np.array([unit.excess_db for unit in units])
    lasting = np.mean(excess_db >= STANDS_OUT_DB, axis=0) >= MOSTLY
    if not lasting[:LOW_HARMONICS].any():
        return ()
    sure = (excess_db[:, lasting] >= STANDS_OUT_DB).any(axis=1)
    mains_hz = np.array([unit.mains_hz for unit in units])[sure]
    middle_hz = float(np.median(mains_hz))
    drift_hz = float(np.percentile(np.abs(mains_hz - middle_hz), 90)) + LEAST_DRIFT_HZ
    return tuple(
        Hum(
            frequency_hz=middle_hz * harmonic,
            excess_db=float(np.median(excess_db[:, harmonic - 1])),
            drift_hz=drift_hz * harmonic,
        )
        for harmonic in (np.flatnonzero(lasting) + 1).tolist()
    )


def _unit(spectrum_db: Levels, nominal_hz: float) -> _Unit:
    """Find the frequency at which the lowest harmonics stand out most, then look at all of them."""
    candidates = np.arange(nominal_hz - DRIFT_HZ, nominal_hz + DRIFT_HZ + SEARCH_STEP_HZ / 2, SEARCH_STEP_HZ)
    bins = np.arange(len(spectrum_db)) / UNIT_S
    around = [_neighbourhood_db(spectrum_db, nominal_hz * harmonic) for harmonic in range(1, HARMONICS + 1)]
    low = [
        np.maximum(np.interp(candidates * (index + 1), bins, spectrum_db) - around[index], 0.0)
        for index in range(LOW_HARMONICS)
    ]
    mains_hz = float(candidates[np.argmax(np.sum(low, axis=0))])
    excess_db = [_line_db(spectrum_db, mains_hz * harmonic) - level for harmonic, level in enumerate(around, 1)]
    return _Unit(mains_hz=mains_hz, excess_db=np.array(excess_db))


def _line_db(spectrum_db: Levels, frequency_hz: float) -> float:
    """Return the level of a line; of what is but the slope of a line beside it, nothing."""
    bins = np.arange(len(spectrum_db)) / UNIT_S
    near = np.abs(bins - frequency_hz) < NEAR_HZ
    highest_hz = bins[near][np.argmax(spectrum_db[near])]
    return float(np.interp(frequency_hz, bins, spectrum_db)) if abs(highest_hz - frequency_hz) <= LINE_HZ else -np.inf


def _neighbourhood_db(spectrum_db: Levels, frequency_hz: float) -> float:
    distance_hz = np.abs(np.arange(len(spectrum_db)) / UNIT_S - frequency_hz)
    return float(np.median(spectrum_db[(distance_hz >= NEAR_HZ) & (distance_hz <= FAR_HZ)]))


def _spectra_db(stretch: Block, rate_hz: int) -> list[Levels]:
    """Take the spectrum of each UNIT_S, up to HIGHEST_HZ, with every moment as important as it is quiet."""
    length = int(UNIT_S * rate_hz)
    starts = range(0, stretch.shape[1] - length + 1, length)
    spectra = []
    for start in starts:
        low = _low_part(stretch[:, start : start + length])
        power = np.square(np.abs(np.fft.rfft(_evened(low) * np.hanning(low.shape[1]), axis=1))).sum(axis=0)
        if power.any():
            spectra.append(10 * np.log10(power + np.finfo(np.float64).tiny))
    return spectra


def _low_part(sound: Block) -> Levels:
    """Keep what lies between LOWEST_HZ and HIGHEST_HZ, at twice HIGHEST_HZ samples a second."""
    spectrum = np.fft.rfft(sound.astype(np.float64), axis=1)[:, : int(HIGHEST_HZ * UNIT_S) + 1]
    spectrum[:, : int(LOWEST_HZ * UNIT_S)] = 0
    return np.asarray(np.fft.irfft(spectrum, axis=1))


def _evened(sound: Levels) -> Levels:
    """Weigh each moment by one over its power: the best weights to find what lasts under what comes and goes."""
    moment = np.hanning(int(MOMENT_S * 2 * HIGHEST_HZ))
    power = np.convolve(np.square(sound).sum(axis=0), moment / moment.sum(), mode="same")
    return np.asarray(sound / (power + LEAST_POWER * power.mean())) if power.any() else sound
