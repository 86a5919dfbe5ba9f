"""Clips cut out of masters: where they begin to the millisecond, how they fade, how loud they are, what is refused."""

import subprocess
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.audio.clips import Cut, clip
from pipeline.audio.recipes import clip_recipe
from pipeline.errors import AudioError
from pipeline.model import AudioSettings, LoudnessTarget, Soundbite
from tests import studio
from tests.test_renditions import listen

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
LENGTH_S = 80
Sound = NDArray[np.float64]


@pytest.fixture(scope="module")
def original() -> Sound:
    """Make a sound that is at no two moments the same; 48 kHz."""
    return studio.speech_like(LENGTH_S, level_dbfs=-18)


def encode(original: Sound, path: Path, *arguments: str) -> Path:
    """Encode it as an MP3."""
    wav = studio.write_wav(path.with_suffix(".wav"), original)
    command = [FFMPEG, "-v", "error", "-y", "-i", wav, "-c:a", "libmp3lame", *arguments, path]
    subprocess.run(command, check=True)
    return path


@pytest.fixture(scope="module")
def master(original: Sound, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Encode a master as the pipeline does."""
    return encode(original, tmp_path_factory.mktemp("master") / "master.mp3", "-b:a", "96k", "-abr", "0")


def cut(master: Path, folder: Path, start_ms: int, duration_ms: int, **target: float) -> Cut:
    """Cut a clip."""
    settings = AudioSettings(target=LoudnessTarget(**target))  # type: ignore[arg-type]
    return clip(master, Soundbite(start_ms=start_ms, duration_ms=duration_ms), folder / "clip.mp3", settings)


def decoded(path: Path) -> tuple[int, Sound]:
    """Decode a file: its rate and its one channel."""
    with av.open(str(path)) as container:
        (stream,) = container.streams.audio
        blocks = [frame.to_ndarray()[0] for frame in container.decode(stream)]
        assert stream.codec_context.channels == 1
        return stream.rate, np.concatenate(blocks).astype(np.float64)


def lag(heard: Sound, wanted: Sound) -> int:
    """Find by how many samples `heard` is late."""
    size = 2 * len(wanted)
    match = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(wanted, size)), size)
    best = int(np.argmax(match))
    return best if best < size // 2 else best - size


@pytest.mark.parametrize("start_ms", [0, 313, 30_123, 64_001])
def test_a_clip_begins_and_ends_where_it_should(original: Sound, master: Path, tmp_path: Path, start_ms: int) -> None:
    """Its sound is the original's from the soundbite's start on, to the millisecond, and has its length exactly."""
    made = cut(master, tmp_path, start_ms, 15_000)
    rate_hz, heard = decoded(made.path)
    assert (rate_hz, len(heard), made.duration_ms) == (48_000, 15 * 48_000, 15_000)
    start = start_ms * 48
    assert abs(lag(heard, original[start : start + 15 * 48_000])) <= 24


@pytest.mark.parametrize(
    ("arguments", "rate_hz"),
    [
        (("-q:a", "4", "-ac", "2"), 48_000),
        (("-q:a", "6", "-ar", "22050"), 44_100),
        (("-b:a", "128k", "-ar", "44100", "-write_xing", "0"), 44_100),
    ],
    ids=["variable stereo", "low rate", "no header"],
)
def test_an_mp3_of_any_kind_is_cut_as_exactly(
    original: Sound, tmp_path: Path, arguments: tuple[str, ...], rate_hz: int
) -> None:
    """A recording that is published as it is may have another rate, two channels or a variable bit rate."""
    source = encode(original[: 72 * 48_000], tmp_path / "kept.mp3", *arguments)
    made = cut(source, tmp_path, 60_500, 10_000)
    found_hz, heard = decoded(made.path)
    assert (found_hz, made.duration_ms) == (rate_hz, 10_000)
    wanted = original[60_500 * 48 : 70_500 * 48]
    at = np.arange(len(heard)) * 48_000 / rate_hz
    late = lag(heard, np.interp(at, np.arange(len(wanted)), wanted))
    delay = 1_105 if "-write_xing" in arguments else 0  # without a header, nobody can know of the encoder's delay
    assert abs(late - delay) <= rate_hz / 1_000


def test_edges_are_soft(tmp_path: Path) -> None:
    """The sound rises for 50 ms and falls for 300, between them it is even."""
    tone = 0.2 * np.sin(2 * np.pi * 441 / 48_000 * np.arange(20 * 48_000))
    source = encode(tone, tmp_path / "tone.mp3", "-b:a", "128k")
    _, heard = decoded(cut(source, tmp_path, 4_000, 10_000).path)
    levels = np.sqrt(np.mean(heard[: 10_000 * 48].reshape(-1, 480) ** 2, axis=1))  # of each 10 ms
    full = np.median(levels)
    assert levels[0] < 0.3 * full
    assert 0.3 * full < levels[2] < 0.7 * full
    assert levels[6:-31] == pytest.approx(full, rel=0.05)
    assert 0.4 * full < levels[-15] < 0.6 * full
    assert levels[-1] < 0.1 * full


def test_a_clip_is_at_the_target(master: Path, tmp_path: Path) -> None:
    """Whatever the stretch's own level, the clip plays at the target, mono, 128 kbit/s."""
    made = cut(master, tmp_path, 20_000, 20_000)
    loudness, peak = listen(made.path)
    assert loudness == pytest.approx(-16, abs=0.3)
    assert peak <= -1
    assert made.size * 8 / 20 == pytest.approx(128_000, rel=0.02)
    assert made.size == made.path.stat().st_size


def test_peaks_come_before_loudness(original: Sound, tmp_path: Path) -> None:
    """Where the target cannot be reached without going above the true peak allowed, it is not reached."""
    source = encode(original[: 20 * 48_000], tmp_path / "quiet.mp3", "-b:a", "96k")
    made = cut(source, tmp_path, 5_000, 10_000, integrated_lufs=-8.0, true_peak_dbtp=-3.0)
    loudness, peak = listen(made.path)
    assert -3.6 < peak <= -3.0
    assert loudness < -9


def test_silence_stays_silent(tmp_path: Path) -> None:
    """A stretch without sound is not raised."""
    source = encode(np.zeros(10 * 48_000), tmp_path / "silent.mp3", "-b:a", "96k")
    _, heard = decoded(cut(source, tmp_path, 1_000, 5_000).path)
    assert np.abs(heard).max() < 1e-4


def test_the_same_soundbite_gives_the_same_bytes(master: Path, tmp_path: Path) -> None:
    """Two runs give the same file, and nothing beside it."""
    first = cut(master, tmp_path, 5_000, 15_000)
    data = first.path.read_bytes()
    assert cut(master, tmp_path, 5_000, 15_000) == first
    assert first.path.read_bytes() == data
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp3"]


def test_a_clip_is_at_most_two_minutes(tmp_path: Path) -> None:
    """Of a longer soundbite, the first two minutes are cut."""
    source = encode(np.zeros(130 * 48_000), tmp_path / "long.mp3", "-b:a", "32k")
    made = cut(source, tmp_path, 1_000, 125_000)
    assert (made.duration_ms, len(decoded(made.path)[1])) == (120_000, 120 * 48_000)


def test_a_clip_ends_with_the_master(master: Path, tmp_path: Path) -> None:
    """What a soundbite asks for behind the end is left out, and its length says so."""
    made = cut(master, tmp_path, (LENGTH_S - 5) * 1_000, 20_000)
    assert made.duration_ms == pytest.approx(5_000, abs=60)
    assert len(decoded(made.path)[1]) == pytest.approx(made.duration_ms * 48, abs=24)


@pytest.mark.parametrize(("start_ms", "duration_ms"), [(LENGTH_S * 1_000 + 500, 15_000), (5_000, 900)])
def test_a_soundbite_without_sound_is_refused(master: Path, tmp_path: Path, start_ms: int, duration_ms: int) -> None:
    """Less than a second is no clip: the error says where, and nothing is written."""
    with pytest.raises(AudioError, match="less than a second") as caught:
        cut(master, tmp_path, start_ms, duration_ms)
    assert caught.value.source == master
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("data", [b"", b"RIFF" + bytes(4_000), None], ids=["empty", "no MP3", "gone"])
def test_what_cannot_be_read_is_an_audio_error(tmp_path: Path, data: bytes | None) -> None:
    """A master that is damaged or missing is named."""
    source = tmp_path / "master.mp3"
    if data is not None:
        source.write_bytes(data)
    with pytest.raises(AudioError) as caught:
        cut(source, tmp_path, 0, 15_000)
    assert caught.value.source == source
    assert caught.value.hint


def test_a_folder_that_cannot_be_written_is_an_audio_error(master: Path, tmp_path: Path) -> None:
    """The error says so."""
    with pytest.raises(AudioError, match="ffmpeg says"):
        cut(master, tmp_path / "gone", 0, 5_000)


def test_the_recipe_names_what_changes_a_clip() -> None:
    """Another target gives another recipe; the bit rate of the episode does not."""
    assert clip_recipe(AudioSettings()) == clip_recipe(AudioSettings(bit_rate_kbps=64))
    assert clip_recipe(AudioSettings()) != clip_recipe(AudioSettings(target=LoudnessTarget(true_peak_dbtp=-2.0)))
