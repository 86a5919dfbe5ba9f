"""Recordings of every kind go in; masters come out that foreign meters agree with; bad ones get their sentence."""

import hashlib
import os
import re
import subprocess
import sys
import textwrap
import wave
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyloudnorm
import pytest

from pipeline import audio
from pipeline.audio import limiter
from pipeline.errors import AudioError
from pipeline.model import AudioSettings, LoudnessTarget, MonoLoudness

SETTINGS = AudioSettings()
FFMPEG = audio.ffmpeg_program(SETTINGS)
RATE_HZ = 48_000
Samples = npt.NDArray[np.float64]
FORMATS = {  # name -> (ffmpeg's options, demuxer, decoder)
    "8-bit.wav": (["-c:a", "pcm_u8"], "wav", "pcm_u8"),
    "16-bit.wav": (["-c:a", "pcm_s16le"], "wav", "pcm_s16le"),
    "24-bit.wav": (["-c:a", "pcm_s24le"], "wav", "pcm_s24le"),
    "32-bit.wav": (["-c:a", "pcm_s32le"], "wav", "pcm_s32le"),
    "float.wav": (["-c:a", "pcm_f32le"], "wav", "pcm_f32le"),
    "double.wav": (["-c:a", "pcm_f64le"], "wav", "pcm_f64le"),
    "rf64.wav": (["-rf64", "always"], "wav", "pcm_s16le"),
    "piped.wav": (["-f", "wav", "pipe:1"], "wav", "pcm_s16le"),
    "long.w64": ([], "w64", "pcm_s16le"),
    "a.flac": ([], "flac", "flac"),
    "a.aiff": ([], "aiff", "pcm_s16be"),
    "a.mp3": ([], "mp3", "mp3"),
    "plain.mp3": (["-write_xing", "0", "-id3v2_version", "0"], "mp3", "mp3"),
    "layer-2.mp3": (["-c:a", "mp2", "-f", "mp2"], "mp3", "mp2"),
    "a.m4a": ([], "mov", "aac"),
    "lossless.m4a": (["-c:a", "alac"], "mov", "alac"),
    "fragments.mp4": (["-movflags", "frag_keyframe+empty_moov"], "mov", "aac"),
    "a.mov": (["-c:a", "aac"], "mov", "aac"),
    "a.aac": ([], "aac", "aac"),
    "a.ogg": (["-c:a", "libvorbis"], "ogg", "vorbis"),
    "a.opus": ([], "ogg", "opus"),
    "a.wma": ([], "asf", "wmav2"),
    "a.webm": (["-c:a", "libopus"], "matroska", "opus"),
    "piped.webm": (["-c:a", "libopus", "-f", "webm", "pipe:1"], "matroska", "opus"),
    "a.mkv": (["-c:a", "flac"], "matroska", "flac"),
}


def ffmpeg(*arguments: str | Path, sound: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run the ffmpeg program."""
    command = [FFMPEG, "-hide_banner", "-nostats", "-y", *map(str, arguments)]
    return subprocess.run(command, input=sound, capture_output=True, check=True)


def speech(seconds: float = 4.0, *, channels: int = 1, peak_dbfs: float = -6.0, seed: int = 1) -> Samples:
    """Make noise with the shape of speech: syllables, pauses, more bass than treble; (samples, channels)."""
    random = np.random.default_rng(seed)
    count = round(seconds * RATE_HZ)
    noise = np.cumsum(random.standard_normal((count, channels)), axis=0)
    noise[400:] -= noise[:-400].copy()
    time_s = np.arange(count) / RATE_HZ
    syllables = np.clip(np.sin(2 * np.pi * 2.1 * time_s), 0, 1) ** 2 * (np.sin(2 * np.pi * 0.3 * time_s) > -0.7)
    shaped = noise * syllables[:, None] + random.standard_normal((count, channels)) * 1e-3
    return shaped / np.abs(shaped).max() * 10 ** (peak_dbfs / 20)


def write(path: Path, samples: Samples, *options: str | Path) -> Path:
    """Encode samples into `path` with the ffmpeg program."""
    raw = ["-f", "f64le", "-ar", str(RATE_HZ), "-ac", str(samples.shape[1]), "-i", "pipe:0"]
    piped = "pipe:1" in options
    done = ffmpeg(*raw, *options, *([] if piped else [path]), sound=samples.astype("<f8").tobytes())
    if piped:
        path.write_bytes(done.stdout)
    return path


def decode(path: Path, channels: int = 1) -> Samples:
    """Decode a file with the ffmpeg program, as a player would."""
    done = ffmpeg("-i", path, "-f", "f32le", "-ac", str(channels), "pipe:1")
    return np.frombuffer(done.stdout, dtype="<f4").reshape(-1, channels).astype(np.float64)


def heard(path: Path, *, dual: bool = True) -> tuple[float, float]:
    """Measure (LUFS, dBTP) with the ffmpeg program's own meter."""
    done = ffmpeg("-i", path, "-af", f"ebur128=peak=true:framelog=quiet:dualmono={int(dual)}", "-f", "null", "-")
    summary = done.stderr.decode().rpartition("Summary:")[2]
    return tuple(float(re.search(rf"{name}:\s+(\S+) ", summary)[1]) for name in ("I", "Peak"))


def master(tmp_path: Path, *sources: Path, settings: AudioSettings = SETTINGS):
    """Master into tmp_path."""
    return audio.master((sources,), tmp_path / "master.mp3", settings)


def program(folder: Path, script: str) -> Path:
    """Write a program called ffmpeg."""
    path = folder / "ffmpeg"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def children() -> set[str]:
    """List the child processes of this process."""
    return {child for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_probed_and_mastered(tmp_path: Path, name: str) -> None:
    """Each accepted format is recognised by its content and becomes a master of the same length at the target."""
    options, container, codec = FORMATS[name]
    source = write(tmp_path / name, speech(3.0, channels=2), *options).rename(tmp_path / "recording.bin")
    recording = audio.probe(source)
    assert (recording.container, recording.codec, recording.channels) == (container, codec, 2)
    assert recording.sample_rate_hz == RATE_HZ
    assert recording.duration_ms == pytest.approx(3_000, abs=60)
    made = master(tmp_path, source)
    assert made.duration_ms == pytest.approx(3_000, abs=60)
    assert made.loudness.integrated_lufs == pytest.approx(-16, abs=0.3)
    assert made.loudness.true_peak_dbtp <= -1


@pytest.mark.parametrize("options", [["-c:v", "mpeg4"], ["-c:v", "mpeg4", "-f", "matroska"]], ids=["mp4", "mkv"])
def test_the_sound_of_a_video_is_used(tmp_path: Path, options: list[str]) -> None:
    """A meeting recorded as video gives its sound."""
    sound = write(tmp_path / "a.wav", speech(3.0))
    video = tmp_path / "meeting.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc=d=3:s=160x120", "-i", sound, *options, "-c:a", "aac", video)
    assert audio.probe(video).codec == "aac"
    assert master(tmp_path, video).duration_ms == pytest.approx(3_000, abs=60)


LEVELS: dict[str, Callable[[], Samples]] = {
    "speech": lambda: speech(5.0),
    "stereo": lambda: speech(5.0, channels=2),
    "one side only": lambda: speech(5.0, channels=2) * [1.0, 0.0],
    "very quiet": lambda: speech(5.0, peak_dbfs=-44),
    "clipped": lambda: np.clip(speech(5.0, peak_dbfs=20), -1, 1),
    "above full scale": lambda: speech(5.0, peak_dbfs=12),
    "spiky": lambda: speech(5.0, peak_dbfs=-30) + spikes(5.0),
    "with an offset": lambda: speech(5.0, peak_dbfs=-20) + 0.4,
    "five channels": lambda: speech(5.0, channels=6),
}


def spikes(seconds: float) -> Samples:
    """Make clicks near full scale, three a second."""
    train = np.zeros((round(seconds * RATE_HZ), 1))
    train[:: RATE_HZ // 3] = 0.95
    train[1 :: RATE_HZ // 3] = -0.9
    return train


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("level", LEVELS)
def test_foreign_meters_find_the_target(tmp_path: Path, level: str, channels: int) -> None:
    """The meter of ffmpeg and pyloudnorm read -16 LUFS within 0.5 and no true peak above -1 dBTP, whatever came in."""
    source = write(tmp_path / "a.wav", LEVELS[level](), "-c:a", "pcm_f32le")
    made = master(tmp_path, source, settings=AudioSettings(channels=channels))
    integrated_lufs, true_peak_dbtp = heard(made.path)
    assert integrated_lufs == pytest.approx(-16, abs=0.3)
    assert true_peak_dbtp <= -1
    assert made.loudness.integrated_lufs == pytest.approx(integrated_lufs, abs=0.1)
    assert made.loudness.true_peak_dbtp == pytest.approx(true_peak_dbtp, abs=0.1)
    both = np.repeat(decode(made.path, channels), 3 - channels, axis=1)
    assert pyloudnorm.Meter(RATE_HZ).integrated_loudness(both) == pytest.approx(-16, abs=0.3)


def test_one_channel_can_carry_the_target_itself(tmp_path: Path) -> None:
    """With the loudness counted per channel, a one-channel meter reads the target; as played it reads 3 LU less."""
    source = write(tmp_path / "a.wav", speech())
    target = LoudnessTarget(integrated_lufs=-19, mono_loudness=MonoLoudness.CHANNEL)
    made = master(tmp_path, source, settings=AudioSettings(target=target))
    assert heard(made.path, dual=False)[0] == pytest.approx(-19, abs=0.3)
    assert audio.measure(made.path).integrated_lufs == pytest.approx(-16, abs=0.3)
    single = audio.measure(made.path, mono_loudness=MonoLoudness.CHANNEL)
    assert single == made.loudness


@pytest.mark.parametrize("bit_rate_kbps", [32, 64, 128, 192])
def test_other_bit_rates_and_targets_are_met(tmp_path: Path, bit_rate_kbps: int) -> None:
    """The encoder's own change of level is made up for at every bit rate."""
    target = LoudnessTarget(integrated_lufs=-14, true_peak_dbtp=-2)
    settings = AudioSettings(bit_rate_kbps=bit_rate_kbps, sample_rate_hz=RATE_HZ, target=target)
    made = master(tmp_path, write(tmp_path / "a.wav", speech()), settings=settings)
    integrated_lufs, true_peak_dbtp = heard(made.path)
    assert integrated_lufs == pytest.approx(-14, abs=0.3)
    assert true_peak_dbtp <= -2


def test_measure_agrees_with_ffmpeg(tmp_path: Path) -> None:
    """All four figures of a measurement are those the ffmpeg program prints."""
    source = write(tmp_path / "a.flac", speech(12.05, channels=2))
    measured = audio.measure(source)
    done = ffmpeg("-i", source, "-af", "ebur128=peak=true:framelog=quiet", "-f", "null", "-")
    summary = done.stderr.decode().rpartition("Summary:")[2]
    printed = [float(value) for value in re.findall(r"(?:I|Threshold|LRA|Peak):\s+(\S+) ", summary)]
    assert printed[:2] == pytest.approx([measured.integrated_lufs, measured.threshold_lufs], abs=0.1)
    assert [printed[2], printed[-1]] == pytest.approx([measured.range_lu, measured.true_peak_dbtp], abs=0.1)


def test_silence_measures_as_minus_infinity(tmp_path: Path) -> None:
    """A file without sound has a loudness of -inf, not an error."""
    measured = audio.measure(write(tmp_path / "a.wav", np.zeros((2 * RATE_HZ, 1))))
    assert measured.integrated_lufs == measured.true_peak_dbtp == -np.inf


def test_the_master_is_a_plain_constant_rate_mp3_of_exact_length(tmp_path: Path) -> None:
    """The master has no tags, the header players trim it by, and the recording's length to a sample."""
    source = write(tmp_path / "a.wav", speech(3.21))
    made = master(tmp_path, source, settings=AudioSettings(trim=False))
    data = made.path.read_bytes()
    assert data[:2] == b"\xff\xfb"
    assert b"Info" in data[:200]
    assert b"TAG" not in data[-128:]
    assert (made.sha256, made.size) == (hashlib.sha256(data).hexdigest(), len(data))
    assert made.duration_ms == 3_210
    assert abs(len(decode(made.path)) - 3.21 * RATE_HZ) <= 1
    assert abs(made.size / made.duration_ms * 8 - 96) < 3


def test_parts_are_joined_in_order(tmp_path: Path) -> None:
    """Parts of different rates, channels and formats become one recording: low tone, then high tone."""
    time_s = np.arange(3 * RATE_HZ)[:, None] / RATE_HZ
    low, high = 0.2 * np.sin(2 * np.pi * 300 * time_s), 0.2 * np.sin(2 * np.pi * 3_000 * time_s)
    first = write(tmp_path / "1.flac", np.repeat(low, 2, axis=1), "-ar", "32000")
    second = write(tmp_path / "2.wav", high)
    made = master(tmp_path, first, second)
    assert made.duration_ms == pytest.approx(6_000, abs=2)
    sound = decode(made.path)[:, 0]
    for start_s, tone_hz in ((1, 300), (4, 3_000)):
        spectrum = np.abs(np.fft.rfft(sound[start_s * RATE_HZ : (start_s + 1) * RATE_HZ]))
        assert spectrum.argmax() == tone_hz


def test_edges_are_softened(tmp_path: Path) -> None:
    """A recording cut in mid-word begins and ends in silence; between the fades it keeps its level."""
    time_s = np.arange(3 * RATE_HZ)[:, None] / RATE_HZ
    made = master(tmp_path, write(tmp_path / "a.wav", 0.3 * np.cos(2 * np.pi * 440 * time_s)))
    level = np.abs(decode(made.path)[:, 0])
    middle = level[RATE_HZ : 2 * RATE_HZ].max()
    assert level[:48].max() < 0.2 * middle
    assert level[-48:].max() < 0.2 * middle
    assert level[48 * 50 : 48 * 100].max() == pytest.approx(middle, rel=0.05)


def test_the_highpass_takes_rumble_away(tmp_path: Path) -> None:
    """A 25 Hz hum loses at least 15 dB against a 1 kHz tone; with the filter off it stays."""
    time_s = np.arange(3 * RATE_HZ)[:, None] / RATE_HZ
    source = write(tmp_path / "a.wav", 0.2 * (np.sin(2 * np.pi * 25 * time_s) + np.sin(2 * np.pi * 1_000 * time_s)))
    ratios = []
    for highpass_hz in (80, 0):
        made = master(tmp_path, source, settings=AudioSettings(highpass_hz=highpass_hz))
        spectrum = np.abs(np.fft.rfft(decode(made.path)[RATE_HZ : 2 * RATE_HZ, 0]))
        ratios.append(20 * np.log10(spectrum[25] / spectrum[1_000]))
    assert ratios[0] < -15
    assert ratios[1] > -3


def test_the_same_recording_gives_the_same_bytes(tmp_path: Path) -> None:
    """Two runs give the same file, byte for byte, and the same Master."""
    source = write(tmp_path / "a.mp3", speech(channels=2))
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    first, second = master(tmp_path / "1", source), master(tmp_path / "2", source)
    assert first.path.read_bytes() == second.path.read_bytes()
    assert (first.sha256, first.loudness) == (second.sha256, second.loudness)


def test_limited_sound_never_passes_the_ceiling() -> None:
    """Gain and limiter leave no sample above the ceiling, and leave alone what is far from a peak."""
    block = np.concatenate([speech(2.0, peak_dbfs=-3).T, spikes(1.0).T], axis=1).astype(np.float32)
    out = limiter.limited(block * 10, rate_hz=RATE_HZ, ceiling=10 ** (-2 / 20))
    assert np.abs(out).max() <= 10 ** (-2 / 20) * (1 + 1e-6)
    soft = np.abs(block[0, : RATE_HZ // 200]) < 10 ** (-40 / 20)
    assert out.shape == block.shape
    assert np.allclose(out[0, : RATE_HZ // 200][soft], 10 * block[0, : RATE_HZ // 200][soft], atol=0.05)


def test_tags_and_dates_are_offered(tmp_path: Path) -> None:
    """A Broadcast Wave offers its date and texts: short, without control characters."""
    stamps = ["-metadata", "origination_date=2026-09-15", "-metadata", "origination_time=10:11:12"]
    texts = ["-metadata", "title=North\x07 West\n set" + "x" * 500, "-metadata", "comment=Meeting\x1b[31m room"]
    recording = audio.probe(write(tmp_path / "a.wav", speech(1.0), "-write_bext", "1", *stamps, *texts))
    assert recording.recorded_on == datetime(2026, 9, 15, 10, 11, 12)  # noqa: DTZ001  # the recorder's own clock
    assert recording.title is not None
    assert recording.title.startswith("North West setxxx")
    assert len(recording.title) == 200
    assert recording.description == "Meeting [31m room"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-09-15T09:30:00Z", datetime(2026, 9, 15, 9, 30, tzinfo=UTC)),
        ("1904-01-01T00:00:00Z", None),
        ("9999-99-99T00:00:00Z", None),
    ],
)
def test_a_nonsense_date_is_no_date(tmp_path: Path, written: str, expected: datetime | None) -> None:
    """A date of creation is believed only where it can be one."""
    source = write(tmp_path / "a.mkv", speech(1.0), "-c:a", "flac", "-metadata", f"creation_time={written}")
    assert audio.probe(source).recorded_on == expected


def test_windows_tags_are_read(tmp_path: Path) -> None:
    """A tag in the machine's code page is read as such, not as an error."""
    source = write(tmp_path / "a.wav", speech(1.0), "-metadata", "title=caf?")
    source.write_bytes(source.read_bytes().replace(b"caf?", b"caf\xe9"))
    assert audio.probe(source).title == "caf\u00e9"


def refused(source: Path, tmp_path: Path) -> AudioError:
    """Master `source`, expect a refusal with a hint and nothing left behind."""
    before = sorted(tmp_path.iterdir())
    with pytest.raises(AudioError) as caught:
        master(tmp_path, source)
    assert sorted(tmp_path.iterdir()) == before
    assert caught.value.hint
    assert not caught.value.message.endswith(".")
    return caught.value


HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{}\n#EXT-X-ENDLIST\n"
NOT_SOUND = {
    "text.wav": b"Minutes of the learning set, taken by the secretary.\n" * 40,
    "utf16.wav": ("Minutes of the learning set\r\n" * 40).encode("utf-16"),
    "page.mp3": b"<!doctype html><title>Sign in</title>",
    "list.m3u8": HLS.format("/etc/passwd").encode(),
    "remote.wav": HLS.format("http://127.0.0.1:1/a.mp3").encode(),
    "concat.mp3": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
    "session.wav": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    "picture.mp3": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256)) * 40,
    "zeros.wav": bytes(4_096),
    "film.wav": b"RIFF\x00\x10\x00\x00AVI LIST" + bytes(4_096),
}


@pytest.mark.parametrize("name", NOT_SOUND)
def test_what_is_not_sound_is_refused(tmp_path: Path, name: str) -> None:
    """Text, playlists, scripts and pictures are refused by content, whatever their extension."""
    source = tmp_path / name
    source.write_bytes(NOT_SOUND[name])
    assert refused(source, tmp_path).message == "is not a sound file that can be read"
    with pytest.raises(AudioError, match="is not a sound file"):
        audio.probe(source)


def test_a_reference_inside_a_container_is_not_followed(tmp_path: Path) -> None:
    """No name in a file opens another one: a path that looks like a protocol is only a file's name."""
    source = write(tmp_path / "a.wav", speech(2.0))
    odd = tmp_path / "concat:x|http:,y.wav"
    source.rename(odd)
    assert master(tmp_path, odd).duration_ms == 2_000


def test_missing_and_wrong_paths_are_refused(tmp_path: Path) -> None:
    """A missing file, a folder, an empty file and a path through a file each get their sentence."""
    empty = tmp_path / "empty.wav"
    empty.touch()
    for path, message in {
        tmp_path / "gone.wav": "is not there",
        empty / "a.wav": "is not there",
        tmp_path: "is a folder, not a recording",
        empty: "is empty: it holds no sound",
        Path(os.devnull): "is not a file",
    }.items():
        for ask in (audio.probe, audio.measure):
            with pytest.raises(AudioError) as caught:
                ask(path)
            assert caught.value.message == message
            assert caught.value.source == path


def test_pictures_without_sound_are_refused(tmp_path: Path) -> None:
    """A silent film is no recording."""
    ffmpeg("-f", "lavfi", "-i", "testsrc=d=1:s=160x120", "-c:v", "mpeg4", tmp_path / "a.mp4")
    assert refused(tmp_path / "a.mp4", tmp_path).message == "holds pictures but no sound"


TRUNCATED = {
    "a.wav": [],
    "rf64.wav": ["-rf64", "always"],
    "a.w64": [],
    "a.flac": [],
    "a.aiff": [],
    "a.mp3": [],
    "a.m4a": ["-movflags", "faststart"],
    "a.wma": [],
    "a.mkv": ["-c:a", "flac"],
}


@pytest.mark.parametrize("name", TRUNCATED)
def test_a_recording_cut_short_is_refused(tmp_path: Path, name: str) -> None:
    """Half a file says how much of it decodes, and of how much; it is not mastered as if it were whole."""
    source = write(tmp_path / name, speech(6.0), *TRUNCATED[name])
    data = source.read_bytes()
    source.write_bytes(data[: len(data) // 2])
    error = refused(source, tmp_path)
    assert re.fullmatch(
        r"is cut short or damaged: only [1-4]\.\d s of the [56]\.\d s it declares can be decoded", error.message
    )
    assert "copy the recording again" in error.hint


def test_a_header_alone_is_refused(tmp_path: Path) -> None:
    """A file that ends before its sound, or before its index, is damaged, whatever its header says."""
    for name, keep in (("a.m4a", 900), ("a.mp3", 300), ("a.wav", 60), ("a.flac", 80), ("a.ogg", 60)):
        source = write(tmp_path / name, speech(3.0))
        source.write_bytes(source.read_bytes()[:keep])
        assert refused(source, tmp_path).message


def test_damage_in_the_middle_is_refused(tmp_path: Path) -> None:
    """Two seconds of noise bytes inside an MP3 are noticed; a single bad frame is not worth a refusal."""
    source = write(tmp_path / "a.mp3", speech(10.0), "-b:a", "64k")
    data = bytearray(source.read_bytes())
    data[30_000:30_100] = bytes(100)
    source.write_bytes(data)
    assert master(tmp_path, source).duration_ms == pytest.approx(10_000, abs=150)
    data[20_000:52_000] = np.random.default_rng(1).bytes(32_000)
    source.write_bytes(data)
    assert "is cut short or damaged" in refused(source, tmp_path).message


@pytest.mark.parametrize("name", ["16-bit.wav", "a.flac", "a.mp3", "a.m4a", "a.ogg", "a.wma", "a.mkv"])
def test_any_damage_ends_in_a_measurement_or_a_sentence(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Random bytes anywhere in a file are read over or refused with a hint; nothing else is raised or printed."""
    random, hints = np.random.default_rng(7), []
    whole = write(tmp_path / name, speech(1.5), *FORMATS[name][0]).read_bytes()
    for reach in (100, 600, len(whole)) * 5:
        data = bytearray(whole)
        for at in random.integers(0, min(reach, len(whole)), 10):
            data[at] = random.integers(0, 256)
        (tmp_path / name).write_bytes(data)
        try:
            audio.probe(tmp_path / name)
            assert audio.measure(tmp_path / name).range_lu >= 0
        except AudioError as error:
            hints.append(error.hint)
    assert all(hints)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("declared", [0, 0xFFFF_FFFF, 0x7FFF_F000])
def test_a_header_that_does_not_know_the_length_is_no_damage(tmp_path: Path, declared: int) -> None:
    """A recorder that streamed, or was switched off, leaves no length: what is there is the recording."""
    source = write(tmp_path / "a.wav", speech(2.0), "-fflags", "+bitexact")
    data = bytearray(source.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = declared.to_bytes(4, "little")
    source.write_bytes(data)
    assert master(tmp_path, source).duration_ms == pytest.approx(2_000, abs=2)


def test_a_huge_declared_length_is_refused_in_little_memory(tmp_path: Path) -> None:
    """A header that declares hours is believed no more than any other."""
    source = write(tmp_path / "a.wav", speech(2.0), "-fflags", "+bitexact")
    data = bytearray(source.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = (0xF000_0000).to_bytes(4, "little")
    source.write_bytes(data)
    assert "only 2.0 s of the 11" in refused(source, tmp_path).message


@pytest.mark.parametrize(("channels", "rate_hz"), [(0, 48_000), (2, 0), (2, 4_000_000_000), (60_000, 48_000)])
def test_absurd_headers_are_refused(tmp_path: Path, channels: int, rate_hz: int) -> None:
    """No channels, too many, or a rate that nothing has, is damage."""
    source = write(tmp_path / "a.wav", speech(2.0), "-fflags", "+bitexact")
    data = bytearray(source.read_bytes())
    data[22:24], data[24:28] = channels.to_bytes(2, "little"), rate_hz.to_bytes(4, "little")
    source.write_bytes(data)
    assert refused(source, tmp_path).hint


TOO_LITTLE = {
    "silence": (np.zeros((3 * RATE_HZ, 1)), "is silent"),
    "an offset": (np.full((3 * RATE_HZ, 1), 0.5), "is silent"),
    "a blip": (speech(0.2), "lasts 0.2 s; a master needs at least 1 s"),
}


@pytest.mark.parametrize("kind", TOO_LITTLE)
def test_too_little_sound_is_refused(tmp_path: Path, kind: str) -> None:
    """Silence, an offset, and less than a second are no recording."""
    samples, message = TOO_LITTLE[kind]
    assert refused(write(tmp_path / "a.wav", samples), tmp_path).message.startswith(message)


def test_no_recording_at_all_is_refused(tmp_path: Path) -> None:
    """No parts, no master."""
    with pytest.raises(AudioError, match="no recording"):
        audio.master((), tmp_path / "a.mp3", SETTINGS)


def test_numbers_that_are_none_are_heard_as_silence(tmp_path: Path) -> None:
    """NaN, infinity and absurd values in a float file do not spread into the rest."""
    samples = speech(4.0)
    for value, second in ((np.nan, 1), (np.inf, 2), (-np.inf, 3)):
        samples[second * RATE_HZ : second * RATE_HZ + 100] = value
    made = master(tmp_path, write(tmp_path / "a.wav", samples, "-c:a", "pcm_f32le"))
    assert heard(made.path)[0] == pytest.approx(-16, abs=0.3)
    assert np.isfinite(decode(made.path)).all()


def test_cancelling_leaves_nothing_behind(tmp_path: Path) -> None:
    """What `progress` raises comes through, whenever it does; no file and no process stays."""
    source = write(tmp_path / "a.wav", speech(6.0))
    before, mine = sorted(tmp_path.iterdir()), children()
    for limit in (0.0, 0.1, 0.5, 0.9, 1.0):

        def cancel(part: float, limit: float = limit) -> None:
            if part >= limit:
                raise KeyboardInterrupt

        made = tmp_path / "master.mp3"
        with pytest.raises(KeyboardInterrupt):
            audio.master(((source,),), made, SETTINGS, progress=cancel)
        made.unlink(missing_ok=True)
        assert sorted(tmp_path.iterdir()) == before
        assert children() == mine


def test_progress_runs_from_0_to_1(tmp_path: Path) -> None:
    """Progress never goes back, begins at 0, ends at 1, and covers several parts."""
    source = write(tmp_path / "a.flac", speech(30.0))
    told: list[float] = []
    audio.master(((source, source),), tmp_path / "master.mp3", SETTINGS, progress=told.append)
    assert (told[0], told[-1]) == (0.0, 1.0)
    assert told == sorted(told)
    assert len(told) > 8


def test_a_destination_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A folder that is none, or is not there, is named with what to do."""
    source = write(tmp_path / "a.wav", speech(2.0))
    for folder in (source, tmp_path / "gone"):
        with pytest.raises(AudioError, match="cannot be written here") as caught:
            audio.master(((source,),), folder / "master.mp3", SETTINGS)
        assert caught.value.source == folder
    (tmp_path / "taken.mp3").mkdir()
    with pytest.raises(AudioError, match="cannot be written here"):
        audio.master(((source,),), tmp_path / "taken.mp3", SETTINGS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "taken.mp3"]


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    """When a limit on file sizes is reached the error says so, and the unfinished file is gone."""
    source = write(tmp_path / "a.wav", speech(20.0))
    script = """
        import resource, sys
        from pathlib import Path
        from pipeline import audio
        from pipeline.errors import AudioError
        from pipeline.model import AudioSettings
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            audio.master(((Path(sys.argv[1]),),), Path(sys.argv[2]), AudioSettings())
        except AudioError as error:
            print(error.source, error.message, sep="|")
    """
    (tmp_path / "out").mkdir()
    command = [sys.executable, "-c", textwrap.dedent(script), source, tmp_path / "out" / "master.mp3"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{tmp_path / 'out'}|has no room for the master: the disk or a limit is reached\n"
    assert not list((tmp_path / "out").iterdir())


def test_an_encoder_that_fails_is_reported(tmp_path: Path) -> None:
    """When the program stops the error has its own words, and the unfinished file is gone."""
    source = write(tmp_path / "a.wav", speech(2.0))
    broken = program(tmp_path, 'case "$1" in -version) echo ffmpeg version 0;; *) echo no such luck >&2; exit 1;; esac')
    with pytest.raises(AudioError, match="ffmpeg says: no such luck") as caught:
        master(tmp_path, source, settings=AudioSettings(ffmpeg=str(broken)))
    assert caught.value.source == str(broken)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "ffmpeg"]


def test_the_recipe_changes_with_what_changes_the_master() -> None:
    """Every setting changes the recipe, but not where the program is; tool versions are part of it."""
    plain = audio.recipe(SETTINGS)
    for changed in (
        AudioSettings(channels=2),
        AudioSettings(bit_rate_kbps=64),
        AudioSettings(sample_rate_hz=RATE_HZ),
        AudioSettings(highpass_hz=0),
        AudioSettings(level=False),
        AudioSettings(denoise="off"),
        AudioSettings(trim=False),
        AudioSettings(longest_pause_s=3),
        AudioSettings(sting_overlap_s=1),
        AudioSettings(recorders="mix"),
        AudioSettings(alternates=("opus",)),
        AudioSettings(target=LoudnessTarget(integrated_lufs=-18)),
        AudioSettings(target=LoudnessTarget(true_peak_dbtp=-2)),
        AudioSettings(target=LoudnessTarget(mono_loudness=MonoLoudness.CHANNEL)),
    ):
        assert audio.recipe(changed) != plain
    assert audio.recipe(AudioSettings(ffmpeg=FFMPEG)) == plain
    assert plain["ffmpeg"] == audio.ffmpeg_version(SETTINGS)
    assert {"av", "numpy", "onnxruntime", "recipe"} <= plain.keys()


def test_the_program_is_found_in_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment goes before the settings, and they before the bundled program; a bad one is named."""
    assert audio.ffmpeg_program(AudioSettings(ffmpeg=FFMPEG)) == FFMPEG
    with pytest.raises(AudioError, match="not a program") as caught:
        audio.ffmpeg_program(AudioSettings(ffmpeg="no-such-ffmpeg"))
    assert caught.value.source == "no-such-ffmpeg"
    monkeypatch.setenv("CLN_MEDIA_FFMPEG", FFMPEG)
    assert audio.ffmpeg_program(AudioSettings(ffmpeg="no-such-ffmpeg")) == FFMPEG
    monkeypatch.setenv("CLN_MEDIA_FFMPEG", sys.executable)
    with pytest.raises(AudioError, match=r"is not an ffmpeg program|does not run"):
        audio.ffmpeg_program(SETTINGS)
    monkeypatch.setenv("CLN_MEDIA_FFMPEG", str(program(tmp_path, "exit 3")))
    with pytest.raises(AudioError, match="does not run"):
        audio.ffmpeg_version(SETTINGS)


def test_the_encoders_are_listed() -> None:
    """The bundled program has the three encoders we ask about."""
    assert audio.encoders() == ("libmp3lame", "aac", "libopus")


def test_pieces_are_cut_where_it_is_quiet_and_lose_nothing(tmp_path: Path) -> None:
    """Stretches for a recogniser follow one another without a gap, are never too long, and end in pauses."""
    path = tmp_path / "talk.wav"
    rate_hz = 16_000
    bursts = [np.concatenate((np.full(int(0.9 * rate_hz), 0.3), np.zeros(int(0.6 * rate_hz)))) for _ in range(20)]
    samples = (np.concatenate(bursts) * 32_767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate_hz, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    found = list(audio.pieces((path, path), rate_hz=rate_hz, longest_s=20))
    joined = np.concatenate([piece for _, piece in found])
    assert len(joined) == 2 * len(samples)
    assert np.allclose(joined, np.tile(samples / 32_768, 2), atol=1e-4)
    position = 0
    for start_ms, piece in found:
        assert start_ms == round(position * 1000 / rate_hz)
        assert len(piece) <= 20 * rate_hz
        position += len(piece)
        assert position == len(joined) or abs(joined[position]) < 0.01
