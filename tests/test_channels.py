import json
import subprocess
import wave
from collections.abc import Iterator
from dataclasses import asdict
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from pipeline.audio.channels import ChannelFacts, ChannelMixer
from pipeline.audio.source import Sound

RATE_HZ = 16_000
NOISE_DBFS = -66
SENTENCES = (
    "We began with one practice and forty patients who had waited for more than a month.",
    "How did the nurses take it, when you asked them to move the clinic to the evening?",
    "Some of them said yes at once, others wanted to see the rota, and one went on leave.",
    "What would you do differently if you could begin again next Monday morning?",
    "I would ask the patients before anybody else, and write down what they say.",
    "That is what we heard from the other groups, so perhaps there is a pattern here.",
)
Samples = np.ndarray


@lru_cache
def spoken(voice: str, text: str) -> Samples:
    """Speak a text with a voice of flite, at 16 kHz and -20 dBFS."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
        with wave.open(str(path)) as file:
            assert file.getframerate() == RATE_HZ
            said = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    return said / np.sqrt(np.mean(said**2)) * 0.1


@lru_cache
def conversation(seconds: int, seed: int = 1) -> tuple[Samples, Samples, tuple[tuple[int, slice], ...]]:
    """Let two people speak in turns: the sound of each alone, and who (0 or 1) speaks where."""
    random = np.random.default_rng(seed)
    people, turns, at = np.zeros((2, seconds * RATE_HZ)), [], RATE_HZ // 2
    while at < people.shape[1] - RATE_HZ:
        who = len(turns) % 2
        said = spoken(("slt", "rms")[who], SENTENCES[random.integers(len(SENTENCES))])
        turn = slice(at, min(at + len(said), people.shape[1]))
        people[who, turn] = said[: turn.stop - turn.start]
        turns.append((who, turn))
        at = turn.stop + int(RATE_HZ * random.uniform(0.3, 0.9))
    return people[0], people[1], tuple(turns)


def noise(like: Samples, dbfs: float = NOISE_DBFS, seed: int = 1) -> Samples:
    """Make noise as long as something else."""
    return np.random.default_rng(seed).standard_normal(like.shape[-1]) * 10 ** (dbfs / 20)


def far(sound: Samples, gain: float, delay_ms: float) -> Samples:
    """Hear sound from further away."""
    delay = round(delay_ms * RATE_HZ / 1000)
    return gain * np.concatenate([np.zeros(delay), sound[: len(sound) - delay]])


def decibels(sound: Samples) -> float:
    """Return the level of sound."""
    return float(10 * np.log10(np.mean(np.square(sound)) + 1e-20))


def sounds(*channels: Samples, size: int = 4_096, names: tuple[str, ...] = ("FL", "FR")) -> Iterator[Sound]:
    """Hand channels out as a decoder would, in stretches of `size` samples."""
    both = np.stack(channels).astype(np.float32)
    return (Sound(RATE_HZ, names, both[:, at : at + size]) for at in range(0, both.shape[1], size))


def mix(*channels: Samples, to: int = 1, **options) -> tuple[Samples, ChannelFacts]:
    """Mix channels to mono or stereo, with the facts that were found."""
    mixer = ChannelMixer(to)
    mixed = np.concatenate([sound.samples for sound in mixer.mix(sounds(*channels, **options))], axis=1)
    assert mixed.shape == (to, len(channels[0]))
    assert mixed.dtype == np.float32
    return mixed, mixer.facts[0]


@pytest.fixture(scope="module")
def said() -> Samples:
    """One person speaking for half a minute, without noise."""
    first, second, _ = conversation(30)
    return first + second


def test_of_equal_channels_one_is_taken(said: Samples) -> None:
    """Both channels the same: the mono sound is either, sample by sample."""
    sound = said + noise(said)
    mixed, facts = mix(sound, sound)
    assert (mixed[0] == sound.astype(np.float32)).all()
    assert (facts.handling, facts.dead, facts.inverted) == ("equal channels", (), ())


@pytest.mark.parametrize("live", [0, 1])
@pytest.mark.parametrize("hiss_dbfs", [None, -72.0])
def test_a_dead_channel_is_left_out(said: Samples, live: int, hiss_dbfs: float | None) -> None:
    """Beside silence or mere hiss, the live channel comes at its full level, and none of the hiss with it."""
    sound = said + noise(said)
    other = np.zeros_like(sound) if hiss_dbfs is None else noise(said, hiss_dbfs, seed=2)
    mixed, facts = mix(*([sound, other] if live == 0 else [other, sound]))
    assert decibels(mixed[0] - sound) < decibels(sound) - 60
    assert (facts.handling, facts.dead, facts.levels_db[live]) == ("live channel", (1 - live,), 0.0)
    assert facts.levels_db[1 - live] < -30


@pytest.mark.parametrize("level", [1.0, 0.5])
def test_a_channel_that_dies_takes_no_level_with_it(said: Samples, level: float) -> None:
    """The louder channel falls silent in mid-meeting: the other goes on as loud as both were before."""
    first, second = said + noise(said), level * said + noise(said, seed=2)
    first[15 * RATE_HZ :] = 0
    mixed, facts = mix(first, second)
    for stretch in (slice(0, 14 * RATE_HZ), slice(16 * RATE_HZ, None)):
        assert decibels(mixed[0, stretch]) == pytest.approx(decibels(said[stretch]), abs=0.2)
    assert facts.lost_at_s[0] == pytest.approx(15, abs=1.5)
    assert facts.lost_at_s[1] is None
    assert (facts.handling, facts.dead) == ("live channel", ())


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("level", [0.5, 0.25])
def test_a_softer_channel_takes_no_level_and_adds_no_noise(said: Samples, level: float, sign: int) -> None:
    """The same sound at half or a quarter of the level, as it is or inverted: level and noise as in the better one."""
    first, second = said + noise(said), sign * level * said + noise(said, seed=2)
    mixed, facts = mix(first, second)
    assert decibels(mixed[0]) == pytest.approx(decibels(said), abs=0.1)
    assert decibels(mixed[0] - said) < NOISE_DBFS + 0.3
    assert facts.levels_db[1] == pytest.approx(20 * np.log10(level), abs=0.3)
    assert facts.handling == ("levels matched" if sign > 0 else "sign mended")
    assert facts.correlations == (1.0, pytest.approx(sign, abs=0.02))


@pytest.mark.parametrize("silence_s", [0, 7])
def test_an_inverted_channel_is_mended(said: Samples, silence_s: int) -> None:
    """One channel the other's negative: nothing cancels, from the first word on."""
    sound = np.concatenate([np.zeros(silence_s * RATE_HZ), said])
    mixed, facts = mix(sound + noise(sound), -sound + noise(sound, seed=2))
    assert decibels(np.abs(mixed[0]) - np.abs(sound)) < NOISE_DBFS + 1
    assert facts.inverted == (1,)


def test_channels_of_one_sound_are_averaged(said: Samples) -> None:
    """The same sound with different noise in each channel: the mean, with 3 dB less noise."""
    mixed, facts = mix(said + noise(said), said + noise(said, seed=2))
    assert decibels(mixed[0] - said) == pytest.approx(NOISE_DBFS - 3, abs=0.5)
    assert facts.handling == "averaged"


def test_tones_without_a_pause_are_averaged() -> None:
    """Where nothing says which channel is nearer, each has half."""
    time_s = np.arange(5 * RATE_HZ) / RATE_HZ
    low, high = (0.2 * np.sin(2 * np.pi * tone_hz * time_s) for tone_hz in (500, 900))
    mixed, _ = mix(low, high)
    spectrum = np.abs(np.fft.rfft(mixed[0, RATE_HZ : 2 * RATE_HZ]))
    assert spectrum[500] == pytest.approx(spectrum[900], rel=0.1)


def test_the_nearer_microphone_wins() -> None:
    """Of two microphones each speaker comes from the nearer one, the other held down by 40 dB, without clicks.

    Averaging them would comb: both are as loud, 6 ms apart.
    """
    first, second, turns = conversation(40)
    left = first + far(second, 0.4, 6) + noise(first)
    right = far(first, 0.4, 6) + second + noise(first, seed=2)
    mixed, facts = mix(left, right)
    for who, turn in turns:
        near, distant = (left, right)[who][turn], (right, left)[who][turn]
        assert decibels(mixed[0, turn] - near) < decibels(distant) - 40
        assert decibels(mixed[0, turn]) == pytest.approx(decibels(near), abs=0.3)
    steps = [np.abs(np.diff(sound)).max() for sound in (mixed[0], left, right)]
    assert steps[0] <= max(steps[1:]) * 1.02
    assert facts.handling == "nearest microphone"
    assert -0.7 < min(facts.correlations) < 0.7


def test_pauses_do_not_change_the_microphone() -> None:
    """In a pause the microphone of who spoke last stays: the noise there is one microphone's, not both by turns."""
    first, second, turns = conversation(40)
    left = first + far(second, 0.3, 5) + noise(first)
    right = far(first, 0.3, 5) + second + noise(first, seed=2)
    mixed, _ = mix(left, right)
    for (who, turn), (_, following) in pairwise(turns):
        pause = slice(turn.stop + RATE_HZ // 10, following.start - RATE_HZ // 10)
        assert decibels(mixed[0, pause] - (left, right)[who][pause]) < decibels(mixed[0, pause]) - 10


@pytest.mark.parametrize("size", [160, 1_001, 50_000])
@pytest.mark.parametrize("to", [1, 2])
def test_the_samples_do_not_depend_on_the_decoder(said: Samples, size: int, to: int) -> None:
    """However the stretches are cut, and however often it is done, the same samples and facts come out."""
    left, right = said + noise(said), far(said, 0.5, 3) + noise(said, seed=2)
    right[12 * RATE_HZ :] = 0
    expected, facts = mix(left, right, to=to)
    found, same = mix(left, right, to=to, size=size)
    assert (found == expected).all()
    assert same == facts


def test_stereo_stays_stereo() -> None:
    """Two microphones, or any other stereo, pass to a stereo master untouched."""
    first, second, _ = conversation(30)
    pair = first + far(second, 0.4, 6) + noise(first), far(first, 0.4, 6) + second + noise(first, seed=2)
    mixed, _ = mix(*pair, to=2)
    assert (mixed == np.stack(pair).astype(np.float32)).all()


def test_stereo_is_mended(said: Samples) -> None:
    """In stereo a dead channel gets the live one's sound, an inverted and a softer one are mended."""
    left = said + noise(said)
    filled, _ = mix(left, noise(said, -80, seed=2), to=2)
    assert (filled[1] == filled[0]).all()
    mended, facts = mix(left, -0.5 * said + noise(said, seed=2), to=2)
    assert decibels(mended[1, RATE_HZ:] - said[RATE_HZ:]) < NOISE_DBFS + 7
    assert facts.inverted == (1,)


def test_one_channel_passes_untouched(said: Samples) -> None:
    """Mono is handed on as it came, stretch by stretch."""
    for to in (1, 2):
        mixer = ChannelMixer(to)
        came = list(sounds(said, names=("FC",)))
        assert list(mixer.mix(came)) == came
        assert mixer.facts == (ChannelFacts(names=("FC",), handling="as it is", seconds=30.0),)


def test_more_channels_are_heard_without_the_bass(said: Samples) -> None:
    """Of many channels the one with speech is taken to mono, and the bass effects channel has no say."""
    boom = np.sin(2 * np.pi * 40 * np.arange(len(said)) / RATE_HZ)
    hiss = [noise(said, -80, seed=seed) for seed in range(4)]
    names = ("FL", "FR", "FC", "LFE", "BL", "BR")
    mixed, facts = mix(hiss[0], hiss[1], said, boom, hiss[2], hiss[3], names=names)
    assert decibels(mixed[0, RATE_HZ:] - said[RATE_HZ:]) < decibels(said) - 40
    assert facts.names == ("FL", "FR", "FC", "BL", "BR")
    assert facts.dead == (0, 1, 3, 4)


def test_silence_and_short_stretches_are_mixed_too() -> None:
    """Digital silence stays silence, and a tenth of a second keeps its length."""
    silent, facts = mix(np.zeros(RATE_HZ * 9), np.zeros(RATE_HZ * 9))
    assert not silent.any()
    assert facts.dead == ()
    short, _ = mix(noise(np.zeros(1_601), -20), noise(np.zeros(1_601), -20, seed=2))
    assert np.isfinite(short).all()


def test_facts_are_plain(said: Samples) -> None:
    """The facts of each part of a recording go to JSON, and say how long it was."""
    mixer = ChannelMixer(1)
    parts = [*sounds(said, -said), *sounds(said, names=("FC",))]
    length = sum(sound.samples.shape[1] for sound in mixer.mix(parts))
    assert length == 2 * len(said)
    told = json.loads(json.dumps([asdict(facts) for facts in mixer.facts]))
    assert [part["seconds"] for part in told] == [30.0, 30.0]
    assert told[0]["inverted"] == [1]
