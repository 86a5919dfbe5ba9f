import json
import wave
from collections.abc import Callable
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly

from pipeline.audio import recorders
from pipeline.audio.channels import ChannelMixer
from pipeline.audio.recorders import Alignment
from pipeline.audio.source import Sound, decoded, resampled
from pipeline.errors import AudioError
from tests.test_channels import RATE_HZ, Samples, conversation, decibels, far, noise

SECONDS = 45
NEARER_DB = 12
DELAY_MS = 2.0


def write(path: Path, sound: Samples, *, rate_hz: int = RATE_HZ, bits: int = 16) -> Path:
    """Write a WAV of one or more channels (channels, samples), in 16 or 24 bits."""
    whole = np.round(np.clip(np.atleast_2d(sound), -1, 1 - 2.0 ** (1 - bits)) * 2 ** (bits - 1)).astype("<i4")
    data = np.ascontiguousarray(whole.T)[..., None].view("u1")[..., : bits // 8]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(whole))
        file.setsampwidth(bits // 8)
        file.setframerate(rate_hz)
        file.writeframes(data.tobytes())
    return path


def heard(place: int, *, noise_dbfs: float = -66, seconds: int = SECONDS) -> Samples:
    """Record the conversation near its first (0) or second (1) speaker; the other one is 12 dB softer and later."""
    people = conversation(seconds)[:2]
    bleed = far(people[1 - place], 10 ** (-NEARER_DB / 20), DELAY_MS)
    return people[place] + bleed + noise(bleed, noise_dbfs, seed=place + 1)


def on_clock(sound: Samples, clock: Callable[[Samples], Samples], start_s: float, end_s: float) -> Samples:
    """Record sound from start to end with a recorder whose clock, from its start on, shows `clock` of the true time."""
    own = clock(np.arange(len(sound)) / RATE_HZ) - clock(np.array(start_s))
    shown = np.arange(int(RATE_HZ * np.interp(end_s, np.arange(len(sound)) / RATE_HZ, own))) / RATE_HZ
    places = np.interp(shown, own, np.arange(len(sound)))
    fine = resample_poly(sound, 8, 1)
    return np.interp(8 * places, np.arange(len(fine)), fine)


CLOCKS: dict[str, Callable[[Samples], Samples]] = {
    "true": lambda time_s: time_s,
    "fast": lambda time_s: time_s * (1 + 200e-6),
    "slow": lambda time_s: time_s * (1 - 200e-6),
}


def error_ms(alignment: Alignment, true: Callable[[Samples], Samples], start_s: float, end_s: float) -> float:
    """Return how far an alignment is off at worst, between two moments on the first recorder's clock."""
    times_s = np.linspace(start_s, end_s, 200)
    found = np.interp(times_s, *zip(*alignment.anchors, strict=True))
    return float(np.abs(found - true(times_s)).max() * 1000)


def pair(folder: Path, second: Samples, **options) -> tuple[tuple[Path, ...], ...]:
    """Write the first recorder's recording beside a second one's."""
    return (write(folder / "1.wav", heard(0)),), (write(folder / "2.wav", second, **options),)


def read(paths: tuple[tuple[Path, ...], ...], alignments: tuple[Alignment, ...], mode: str, **options) -> Samples:
    """Read a meeting as one array (channels, samples)."""
    settings = {"rate_hz": RATE_HZ, "channels": 1, **options}
    return np.concatenate(list(recorders.blocks(paths, alignments, mode, **settings)), axis=1)


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("first_s", [0.0, 6.3])
def test_recorders_are_aligned_to_milliseconds(tmp_path: Path, clock: str, first_s: float) -> None:
    """Another start before or after, a clock 200 ppm off: within 2 ms, the path between the two, everywhere."""
    second_s = 6.3 - first_s
    mine = heard(0)[round(first_s * RATE_HZ) :]
    other = on_clock(heard(1), CLOCKS[clock], second_s, SECONDS - 3)
    paths = (write(tmp_path / "1.wav", mine),), (write(tmp_path / "2.wav", 0.4 * other),)
    first, second = recorders.align(paths)
    assert first.anchors[0] == (0.0, 0.0)
    true = CLOCKS[clock](np.array(second_s))
    assert error_ms(second, lambda t: CLOCKS[clock](t + first_s) - true, second_s, SECONDS - first_s - 4) < DELAY_MS
    assert second.start_s == pytest.approx(max(0, second_s - first_s), abs=0.005)
    assert second.end_s == pytest.approx(SECONDS - 3 - first_s, abs=0.01)
    assert second.agreeing > 0.8


def test_a_drift_that_changes_is_followed(tmp_path: Path) -> None:
    """A clock that runs 200 ppm slow and, after four minutes, true, is followed within 3 ms."""
    people = conversation(480)[:2]

    def clock(time_s: Samples) -> Samples:
        return time_s * (1 - 200e-6) + 200e-6 * np.maximum(time_s - 240, 0)

    near = [people[place] + far(people[1 - place], 0.25, DELAY_MS) + noise(people[0], seed=place) for place in (0, 1)]
    other = on_clock(near[1], clock, 0, 479)
    paths = (write(tmp_path / "1.wav", near[0]),), (write(tmp_path / "2.wav", other),)
    alignment = recorders.align(paths)[1]
    assert error_ms(alignment, clock, 0, 479) < 3
    assert alignment.drift_ppm == pytest.approx(-100, abs=15)


@pytest.mark.parametrize(("rate_hz", "bits", "level"), [(96_000, 24, 0.5), (8_000, 16, 1.0), (44_100, 24, 0.1)])
def test_recorders_of_other_rates_are_aligned(tmp_path: Path, rate_hz: int, bits: int, level: float) -> None:
    """A second recorder at 96 kHz in 24 bits, half as loud, or at 8 kHz, lies as exactly as one like the first."""
    second = resample_poly(heard(1)[3 * RATE_HZ :], rate_hz // 100, RATE_HZ // 100)
    paths = pair(tmp_path, level * second, rate_hz=rate_hz, bits=bits)
    alignments = recorders.align(paths)
    assert error_ms(alignments[1], lambda t: t - 3, 3, SECONDS - 1) < DELAY_MS
    assert alignments[1].gain_db == pytest.approx(-20 * np.log10(level), abs=3)
    assert read(paths, alignments, "mix").shape == (1, SECONDS * RATE_HZ)


def test_the_parts_of_a_recorder_are_one_recording(tmp_path: Path) -> None:
    """A recorder that began a new file in mid-meeting is aligned as one, and read as one."""
    second = heard(1)[2 * RATE_HZ :]
    parts = [write(tmp_path / f"2{n}.wav", part) for n, part in enumerate(np.split(second, [21 * RATE_HZ]))]
    whole = pair(tmp_path, second)
    split = (whole[0], tuple(parts))
    assert recorders.align(split) == recorders.align(whole)
    alignments = recorders.align(whole)
    assert (read(split, alignments, "mix") == read(whole, alignments, "mix")).all()


def test_other_meetings_are_refused(tmp_path: Path) -> None:
    """A recording of another meeting, or of nothing but noise, is named, with what to do."""
    stranger = conversation(SECONDS, seed=5)[1][::-1].copy()
    for second in (stranger + noise(stranger), noise(stranger, -40)):
        paths = pair(tmp_path, second)
        with pytest.raises(AudioError, match="not seem to be of the same meeting") as caught:
            recorders.align(paths)
        assert caught.value.source == paths[1][0]
        assert "overlap" in caught.value.hint


@pytest.mark.parametrize("noises_dbfs", [(-45, -66), (-66, -45)])
def test_the_best_recorder_is_taken(tmp_path: Path, noises_dbfs: tuple[int, int]) -> None:
    """The recorder with less noise under the speech is taken, on the first one's clock, and made as loud."""
    mine, other = (heard(0, noise_dbfs=dbfs) for dbfs in noises_dbfs)
    second = 0.3 * on_clock(other, CLOCKS["fast"], 2.0, SECONDS)
    paths = (write(tmp_path / "1.wav", mine),), (write(tmp_path / "2.wav", second),)
    alignments = recorders.align(paths)
    assert recorders.best(alignments) == int(noises_dbfs[1] < noises_dbfs[0])
    mixed = read(paths, alignments, "best")[0]
    assert len(mixed) == len(mine)
    turns = [turn for _, turn in conversation(SECONDS)[2]]
    for before, turn in pairwise(turns[1:]):
        pause = slice(before.stop + RATE_HZ // 10, turn.start - RATE_HZ // 10)
        assert decibels(mixed[turn]) == pytest.approx(decibels(mine[turn]), abs=1)
        assert decibels(mixed[turn]) - decibels(mixed[pause]) > decibels(mine[turn]) + 66 - 2


def test_the_mix_takes_the_nearer_recorder(tmp_path: Path) -> None:
    """Each speaker comes from the recorder beside them: the other's bleed, late and from afar, stays 25 dB under."""
    paths = pair(tmp_path, 0.5 * on_clock(heard(1), CLOCKS["slow"], 0.0, SECONDS))
    alignments = recorders.align(paths)
    mixed = read(paths, alignments, "mix")[0]
    ratio = 0.5 * 10 ** (alignments[1].gain_db / 20)
    for who, turn in conversation(SECONDS)[2]:
        inside = slice(turn.start, min(turn.stop, (SECONDS - 1) * RATE_HZ))
        near = (1.0, ratio)[who] * heard(who)[inside]
        both = (heard(0)[inside] + ratio * heard(1)[inside]) / 2
        assert decibels(mixed[inside]) == pytest.approx(decibels(near), abs=0.3)
        if who == 0:
            assert decibels(mixed[inside] - near) < decibels(near) - 25 < decibels(both - near)
    assert ratio == pytest.approx(1, abs=0.4)


def test_the_first_recorder_stands_in_without_a_click(tmp_path: Path) -> None:
    """Where the second recorder has no sound the first is heard alone; it has its exact length, and no step is new."""
    second = heard(1)[10 * RATE_HZ : 30 * RATE_HZ]
    second += 0.2  # an offset would click
    paths = pair(tmp_path, second)
    alignments = recorders.align(paths)
    for mode in ("best", "mix"):
        given = tuple(alignments) if mode == "mix" else (alignments[0], replaced(alignments[1], snr_db=99.0))
        mixed = read(paths, given, mode)[0]
        first = read(paths[:1], given[:1], mode)[0]
        assert len(mixed) == SECONDS * RATE_HZ
        for alone in (slice(0, 9 * RATE_HZ), slice(31 * RATE_HZ, None)):
            assert decibels(mixed[alone] - first[alone]) < -90
        assert np.abs(mixed[15 * RATE_HZ : 25 * RATE_HZ] - first[15 * RATE_HZ : 25 * RATE_HZ]).max() > 0.1
        loudest = max(np.abs(np.diff(first)).max(), 10 ** (given[1].gain_db / 20) * np.abs(np.diff(second)).max())
        assert np.abs(np.diff(mixed)).max() <= loudest * 1.02


def replaced(alignment: Alignment, **changes: float) -> Alignment:
    """Change values of an alignment."""
    return Alignment(**{**asdict(alignment), **changes})


def test_one_recorder_is_read_plainly(tmp_path: Path) -> None:
    """Alone, a recorder is not aligned, and its sound is what its channels and rate make of it."""
    sound = np.stack([heard(0), heard(1)])
    path = write(tmp_path / "1.wav", sound)
    alignments = recorders.align(((path,),))
    expected = resampled(ChannelMixer(1).mix(decoded(path)), rate_hz=48_000, channels=1)
    found = read(((path,),), alignments, "best", rate_hz=48_000)
    assert (found == np.concatenate(list(expected), axis=1)).all()


@pytest.mark.parametrize("channels", [1, 2])
def test_a_second_reading_gives_the_same_samples(tmp_path: Path, channels: int) -> None:
    """The same recordings give the same samples, and align the same, every time."""
    paths = pair(tmp_path, np.stack([heard(1), 0.9 * heard(1)])[:, RATE_HZ:])
    first, second = (recorders.align(paths) for _ in range(2))
    assert first == second
    runs = [read(paths, first, "mix", channels=channels, rate_hz=44_100) for _ in range(2)]
    assert runs[0].shape == (channels, SECONDS * 44_100)
    assert (runs[0] == runs[1]).all()


def test_progress_and_findings_are_told(tmp_path: Path) -> None:
    """Progress rises to the end; the first recorder's raw sound and the facts of every recorder read are handed out."""
    paths = pair(tmp_path, heard(1))
    aligning, reading, samples, facts = [], [], [], {}

    def hear(sound: Sound) -> None:
        samples.append(sound.samples.shape[1])

    alignments = recorders.align(paths, progress=aligning.append)
    read(paths, alignments, "mix", hear=hear, found=facts.__setitem__, progress=reading.append)
    for told in (aligning, reading):
        assert told == sorted(told)
        assert told[-1] == pytest.approx(1, abs=0.05)
    assert sum(samples) == SECONDS * RATE_HZ
    assert [facts[number][0].handling for number in (0, 1)] == ["as it is", "as it is"]
    assert json.loads(json.dumps([asdict(one) for one in alignments]))[1]["start_s"] == alignments[1].start_s


@pytest.mark.parametrize("tone_hz", [300, 3_000, 7_900])
def test_another_clock_distorts_nothing(tmp_path: Path, tone_hz: int) -> None:
    """Brought on a clock 200 ppm away, a tone under 8 kHz is off by less than -60 dB."""
    rate_hz = 44_100
    time_s = np.arange(10 * rate_hz) / rate_hz
    tone = write(tmp_path / "2.wav", 0.5 * np.sin(2 * np.pi * tone_hz * time_s), rate_hz=rate_hz, bits=24)
    quiet = write(tmp_path / "1.wav", np.zeros(9 * rate_hz), rate_hz=rate_hz)
    clock = Alignment(anchors=((0.0, 0.5), (9.0, 0.5 + 9 * (1 + 200e-6))), end_s=9.4, snr_db=50.0)
    given = Alignment(snr_db=0.0), clock
    mixed = read(((quiet,), (tone,)), given, "best", rate_hz=rate_hz)[0]
    expected = 0.5 * np.sin(2 * np.pi * tone_hz * (0.5 + time_s[: 9 * rate_hz] * (1 + 200e-6)))
    assert decibels((mixed - expected)[rate_hz:-rate_hz]) < decibels(expected) - 60
