"""Pieces encoded by themselves join into the MP3 of a one-piece encode; players hear exactly the recording's length."""

import signal
import struct
import subprocess
import sys
import textwrap
import time
import tracemalloc
import wave
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from mutagen.mp3 import MP3, BitrateMode
from scipy.signal import correlate, resample_poly

from pipeline.audio import mp3
from pipeline.audio.encoder import ffmpeg_program
from pipeline.audio.graph import Block
from pipeline.audio.running import Running
from pipeline.errors import AudioError
from pipeline.model import AudioSettings
from tests import studio

FFMPEG = ffmpeg_program(AudioSettings())
SHORT_FRAMES = 2 * mp3.ROUND_FRAMES
KINDS = [(48_000, 1), (48_000, 2), (44_100, 1), (44_100, 2), (32_000, 1)]
TEXT = "We began with one practice, and nobody knew whether it would last. Then the second one asked to join."


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Block:
    """Speak, fall silent, breathe and speak again; float32 (samples,) at 16 kHz."""
    path = studio.speak(tmp_path_factory.mktemp("voice") / "a.wav", TEXT)
    with wave.open(str(path)) as file:
        assert file.getframerate() == 16_000
        voice = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2") / 40_000
    voice *= 0.8 / np.abs(voice).max()
    breath = np.random.default_rng(3).standard_normal(40_000) * 1e-3
    return np.concatenate((voice, np.zeros(20_000), breath, voice[:50_000], breath, voice)).astype(np.float32)


def start_sample(piece: mp3.Piece) -> int:
    """Return the first sample of the recording that is encoded for a piece."""
    return (piece.first_frame - piece.pre_roll_frames) * mp3.FRAME_SAMPLES


def stop_sample(piece: mp3.Piece) -> int:
    """Return the sample after the last one that is encoded for a piece; where the recording ends earlier, its end."""
    return piece.stop_frame * mp3.FRAME_SAMPLES + mp3.POST_ROLL_SAMPLES


def cut(samples: int, *, piece_frames: int = mp3.PIECE_FRAMES) -> tuple[mp3.Piece, ...]:
    """Cut a recording into pieces that together are its MP3, in order."""
    end = mp3.frames_for(samples)
    stops = (*range(piece_frames + mp3.PRE_ROLL_FRAMES, end, piece_frames), end)
    return tuple(mp3.Piece(first_frame=first, stop_frame=stop) for first, stop in pairwise((0, *stops)))


def talk(spoken: Block, rate_hz: int, channels: int) -> Block:
    """Give that at a rate; in stereo the speaker stands to one side of a little noise."""
    mono = resample_poly(spoken, rate_hz, 16_000).astype(np.float32)
    if channels == 1:
        return mono[None]
    noise = np.random.default_rng(4).standard_normal(mono.shape).astype(np.float32)
    return np.stack((mono, 0.5 * mono + 2e-4 * noise))


def hiss(samples: int, *, channels: int = 1) -> Block:
    """Make noise in which no place looks like another."""
    return (np.random.default_rng(5).standard_normal((channels, samples)) * 0.1).astype(np.float32)


def settings(channels: int = 1, *, program: Path | None = None) -> AudioSettings:
    """Set 64 kbit/s a channel."""
    return AudioSettings(channels=channels, bit_rate_kbps=64 * channels, ffmpeg=str(program) if program else None)


def ffmpeg(*arguments: str | Path, sound: bytes = b"") -> bytes:
    """Run the ffmpeg program."""
    command = [FFMPEG, "-hide_banner", "-nostats", "-y", "-loglevel", "error", *map(str, arguments)]
    return subprocess.run(command, input=sound, capture_output=True, check=True).stdout


def one_piece(path: Path, sound: Block, rate_hz: int, *options: str) -> bytes:
    """Have the ffmpeg program write the whole MP3 by itself."""
    raw = ["-f", "f32le", "-ar", str(rate_hz), "-ac", str(len(sound)), "-i", "pipe:0"]
    coding = ["-c:a", "libmp3lame", "-b:a", f"{64 * len(sound)}k", "-reservoir", "0", "-fflags", "+bitexact"]
    plain = ["-flags:a", "+bitexact", "-id3v2_version", "0", *options]
    ffmpeg(*raw, *coding, *plain, path, sound=sound.T.astype("<f4").tobytes())
    return path.read_bytes()


def encoded(sound: Block, chosen: AudioSettings, *, rate_hz: int) -> mp3.Frames:
    """Encode sound to frames."""
    return mp3.frames(mp3.encode(sound, chosen, rate_hz=rate_hz))


def own(sound: Block, rate_hz: int, piece: mp3.Piece) -> mp3.Frames:
    """Encode one piece."""
    stretch = sound[:, start_sample(piece) : stop_sample(piece)]
    return mp3.own_frames(encoded(stretch, settings(len(sound)), rate_hz=rate_hz), piece)


def join(path: Path, sound: Block, rate_hz: int, *, piece_frames: int = SHORT_FRAMES) -> bytes:
    """Encode in pieces and join."""
    with mp3.joined(path) as file:
        for piece in cut(sound.shape[1], piece_frames=piece_frames):
            file.add(own(sound, rate_hz, piece))
        file.finish(samples=sound.shape[1])
    return path.read_bytes()


def played(path: Path, channels: int = 1) -> Block:
    """Decode as a player would that trims what the header says."""
    return np.frombuffer(ffmpeg("-i", path, "-f", "f32le", "pipe:1"), dtype="<f4").reshape(-1, channels).T


def walk(data: bytes) -> list[bytes]:
    """Split an MP3 at its frames, each by its own header: in ffmpeg's files the first is of another kind."""
    found = []
    while data:
        bit_rate = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)[data[2] >> 4] * 1000
        length = 144 * bit_rate // (44_100, 48_000, 32_000)[data[2] >> 2 & 3] + (data[2] >> 1 & 1)
        found.append(data[:length])
        data = data[length:]
    return found


def crc_16(data: bytes) -> int:
    """Compute the CRC of the LAME tag byte by byte."""
    table = list(range(256))
    for _ in range(8):
        table = [rest >> 1 ^ 0xA001 if rest & 1 else rest >> 1 for rest in table]
    value = 0
    for byte in data:
        value = value >> 8 ^ table[(value ^ byte) & 0xFF]
    return value


def tag(data: bytes) -> dict[str, object]:
    """Read the first frame of an MP3 as the LAME tag's specification lays it out, and check the CRC of the sound."""
    at = data.index(b"Info")
    assert at == (21 if data[3] >> 6 == 3 else 36)
    flags, frames, size = struct.unpack(">III", data[at + 4 : at + 16])
    assert flags == 15
    fields = data[at + 120 :]
    delays = int.from_bytes(fields[21:24], "big")
    music_length, music_crc, tag_crc = struct.unpack(">IHH", fields[28:36])
    first = walk(data)[0]
    assert music_crc == crc_16(data[len(first) :])
    assert size == music_length == len(data)
    signed = tag_crc == crc_16(data[: at + 154])
    sizes = {"signed": signed, "frames": frames, "size": size, "crc": music_crc, "toc": data[at + 16 : at + 116]}
    values = {"encoder": fields[:9], "method": fields[9], "gain": fields[11:19], "bit_rate_kbps": fields[20]}
    return {**sizes, **values, "delay": delays >> 12, "padding": delays & 0xFFF, "misc": fields[24]}


def program(folder: Path, script: str) -> Path:
    """Write an encoder that is a shell script."""
    path = folder / "ffmpeg"
    path.write_text(f'#!/bin/sh\n[ "$1" = -version ] && echo "ffmpeg version 1" && exit\n{script}\n', encoding="utf-8")
    path.chmod(0o755)
    return path


def children() -> set[str]:
    """List the child processes of this process."""
    return {child for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()}


@pytest.mark.parametrize(("rate_hz", "channels"), KINDS)
def test_joined_pieces_are_the_one_piece_encode(tmp_path: Path, spoken: Block, rate_hz: int, channels: int) -> None:
    """Speech with silence and breath between, joined from pieces, has the very frames that one encode gives."""
    sound = talk(spoken, rate_hz, channels)
    assert len(cut(sound.shape[1], piece_frames=SHORT_FRAMES)) >= 5
    joined = join(tmp_path / "joined.mp3", sound, rate_hz)
    whole = one_piece(tmp_path / "whole.mp3", sound, rate_hz, "-write_xing", "0")
    pairs = zip(walk(joined)[1:], walk(whole), strict=True)
    assert [number for number, (ours, theirs) in enumerate(pairs) if ours != theirs] == []
    difference = played(tmp_path / "joined.mp3", channels) - mp3.decode(mp3.frames(whole))[:, : sound.shape[1]]
    assert np.sqrt(np.mean(difference**2)) <= 1e-5 * np.sqrt(np.mean(sound**2))  # -100 dB


def test_a_shorter_pre_roll_would_be_heard(tmp_path: Path, spoken: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sound of these tests tells: with 8 frames of pre-roll, LAME's memory of what was loud makes a difference."""
    sound = talk(spoken, 48_000, 1)
    whole = one_piece(tmp_path / "whole.mp3", sound, 48_000, "-write_xing", "0")
    monkeypatch.setattr(mp3, "PRE_ROLL_FRAMES", 8)
    assert walk(join(tmp_path / "joined.mp3", sound, 48_000))[1:] != walk(whole)


@pytest.mark.parametrize("rate_hz", [48_000, 44_100])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("frames", [8, 2 * SHORT_FRAMES])
def test_every_length_is_played_to_the_sample(tmp_path: Path, rate_hz: int, channels: int, frames: int) -> None:
    """Around whole frames and around the end of a piece, a player gives exactly the samples that went in."""
    path = tmp_path / "a.mp3"
    for samples in (frames * 1152 + more for more in (-1153, -1152, -1151, -577, -576, -1, 0, 1)):
        sound = hiss(samples, channels=channels)
        join(path, sound, rate_hz)
        heard = played(path, channels)
        assert heard.shape == sound.shape
        assert np.argmax(correlate(heard[0], sound[0], mode="full")) == samples - 1


@pytest.mark.parametrize("samples", [1, 2, 575, 576, 577, 1151, 1152, 1153, 2304, 32_000, 48_000])
def test_short_sounds_are_played_to_the_sample(tmp_path: Path, samples: int) -> None:
    """Even a single sample comes back as one, and there are as many frames as LAME writes."""
    path = tmp_path / "a.mp3"
    data = join(path, hiss(samples), 48_000)
    assert played(path).shape == (1, samples)
    whole = tag(one_piece(tmp_path / "whole.mp3", hiss(samples), 48_000))
    assert tag(data)["frames"] == whole["frames"] == mp3.frames_for(samples)


@pytest.mark.parametrize(("rate_hz", "channels"), KINDS)
def test_the_header_says_what_ffmpeg_says(tmp_path: Path, spoken: Block, rate_hz: int, channels: int) -> None:
    """Counts, delay, padding and the CRC of the sound are those of a file that the ffmpeg program wrote in one go."""
    sound = talk(spoken, rate_hz, channels)
    ours = tag(join(tmp_path / "joined.mp3", sound, rate_hz))
    theirs = tag(one_piece(tmp_path / "whole.mp3", sound, rate_hz))
    for field in ("frames", "size", "crc", "delay", "padding"):
        assert ours[field] == theirs[field], field
    assert ours["signed"]
    assert theirs["signed"] or channels == 1  # in mono, ffmpeg takes as many bytes as if it were stereo
    assert ours["delay"] == mp3.ENCODER_DELAY_SAMPLES
    assert (ours["method"], ours["gain"], ours["bit_rate_kbps"]) == (1, bytes(8), 64 * channels)
    assert ours["misc"] == {44_100: 64, 48_000: 128, 32_000: 0}[rate_hz] + (12 if channels == 2 else 0)


@pytest.mark.parametrize("rate_hz", [48_000, 44_100])
def test_the_seek_table_leads_to_each_hundredth(tmp_path: Path, spoken: Block, rate_hz: int) -> None:
    """Each entry lies at the frame of its hundredth, rounded down to a 256th of the file; the first is 0."""
    data = join(tmp_path / "a.mp3", talk(spoken, rate_hz, 1), rate_hz)
    info, *rest = walk(data)
    starts = [len(info) + sum(map(len, rest[: len(rest) * percent // 100])) for percent in range(100)]
    table = tag(data)["toc"]
    assert table[0] == 0
    assert list(table[1:]) == [start * 256 // len(data) for start in starts[1:]]


@pytest.mark.parametrize(("rate_hz", "channels"), KINDS)
def test_readers_agree(tmp_path: Path, spoken: Block, rate_hz: int, channels: int) -> None:
    """PyAV and mutagen find the same length, a constant bit rate, and LAME as the encoder."""
    path, sound = tmp_path / "a.mp3", talk(spoken, rate_hz, channels)
    join(path, sound, rate_hz)
    info = MP3(path).info
    assert info.length == sound.shape[1] / rate_hz
    assert (info.sample_rate, info.channels, info.bitrate) == (rate_hz, channels, 64_000 * channels)
    assert (info.bitrate_mode, info.sketchy) == (BitrateMode.CBR, False)
    assert info.encoder_info.startswith("LAME ")
    with av.open(str(path)) as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) == sound.shape[1]
        assert container.streams.audio[0].codec_context.sample_rate == rate_hz


def test_an_encoder_that_does_not_say_its_name_is_called_by_its_library(tmp_path: Path) -> None:
    """Noise leaves LAME no room to sign; players still trim the file, as they know the name that stands instead."""
    path = tmp_path / "a.mp3"
    data = join(path, hiss(20_000), 48_000)
    assert tag(data)["encoder"] == b"Lavc lame"
    assert MP3(path).info.bitrate_mode == BitrateMode.CBR
    assert played(path).shape == (1, 20_000)


def test_a_frame_too_small_for_the_header_is_no_hindrance(tmp_path: Path) -> None:
    """At 32 kbit/s the first frame is larger than the others, and players still trim the file."""
    path, sound, small = tmp_path / "a.mp3", hiss(30_000), AudioSettings(bit_rate_kbps=32)
    (piece,) = cut(30_000)
    with mp3.joined(path) as file:
        file.add(mp3.own_frames(encoded(sound, small, rate_hz=48_000), piece))
        file.finish(samples=30_000)
    assert sorted({len(frame) for frame in walk(path.read_bytes())}) == [96, 192]
    assert played(path).shape == (1, 30_000)
    assert MP3(path).info.length == 30_000 / 48_000


def test_the_order_of_the_work_does_not_matter(tmp_path: Path, spoken: Block) -> None:
    """Pieces encoded four at a time, the last one first, give the same bytes as one after the other."""
    sound = talk(spoken, 44_100, 2)
    backwards = cut(sound.shape[1], piece_frames=SHORT_FRAMES)[::-1]
    with ThreadPoolExecutor(4) as executor, mp3.joined(tmp_path / "b.mp3") as file:
        made = list(executor.map(lambda piece: own(sound, 44_100, piece), backwards))
        for data in made[::-1]:
            file.add(data)
        file.finish(samples=sound.shape[1])
    assert (tmp_path / "b.mp3").read_bytes() == join(tmp_path / "a.mp3", sound, 44_100)


def test_pieces_follow_one_another() -> None:
    """Whatever the length, the pieces are all of its frames, and each needs some of the recording."""
    for samples in (1, 1_000, 1_152 * 2_400, 1_152 * 2_546, 1_152 * 2_547, 1_152 * 9_000 + 5):
        pieces = cut(samples)
        stops = [piece.stop_frame for piece in pieces]
        assert [piece.first_frame for piece in pieces] == [0, *stops[:-1]]
        assert stops[-1] == mp3.frames_for(samples)
        assert all(start_sample(piece) < min(samples, stop_sample(piece)) for piece in pieces)
        assert all(start_sample(piece) % (1_152 * mp3.ROUND_FRAMES) == 0 for piece in pieces)


@pytest.mark.parametrize("channels", [1, 2])
def test_decoding_is_aligned(tmp_path: Path, spoken: Block, channels: int) -> None:
    """What a worker decodes of its own piece is, sample by sample, what a player gives of the whole file."""
    sound = talk(spoken, 48_000, channels)
    join(tmp_path / "a.mp3", sound, 48_000)
    whole = played(tmp_path / "a.mp3", channels)
    piece = cut(sound.shape[1], piece_frames=SHORT_FRAMES)[1]
    data = mp3.encode(sound[:, start_sample(piece) : stop_sample(piece)], settings(channels), rate_hz=48_000)
    heard = mp3.decode(mp3.frames(data))
    first, stop = (piece.first_frame - 1) * 1152, (piece.stop_frame - 1) * 1152
    inside = heard[:, first - start_sample(piece) : stop - start_sample(piece)]
    assert inside.dtype == np.float32
    assert np.abs(inside - whole[:, first:stop]).max() < 1e-5
    assert np.abs(whole[:, first:stop]).max() > 0.1
    stretch = mp3.decode(mp3.frames(data)[120:150])
    assert np.array_equal(stretch, heard[:, 120 * 1152 :][:, : stretch.shape[1]])
    assert stretch.shape[1] == 30 * 1152 - 1105


def test_many_pieces_take_little_memory(tmp_path: Path) -> None:
    """Seven minutes are joined in less than half a megabyte beyond the piece at hand."""
    (piece,) = cut(200_000)
    data = own(hiss(200_000), 48_000, piece)
    count = piece.stop_frame
    with mp3.joined(tmp_path / "a.mp3") as file:
        file.add(data)
        tracemalloc.start()
        for _ in range(99):
            file.add(data)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        file.finish(samples=100 * count * 1152 - 1152)
    assert MP3(tmp_path / "a.mp3").info.length == pytest.approx(420, abs=5)
    assert peak < 500_000


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("cat > /dev/null; head -c 50 good", "no whole MP3 frame at byte 0"),
        ("cat > /dev/null; head -c 1000 good", "no whole MP3 frame at byte 960"),
        ("cat > /dev/null; head -c 1920 good", "10 MP3 frames where 45 are due"),
        ("head -c 1920 good", "10 MP3 frames where 45 are due"),
        ("cat > /dev/null", "no whole MP3 frame at byte 0"),
        ("cat > /dev/null; echo this is no sound", "no whole MP3 frame at byte 0"),
        ("cat > /dev/null; echo; cat good", "no whole MP3 frame at byte 0"),
        ("cat > /dev/null; cat good other", "no whole MP3 frame at byte 8640"),
        ("cat > /dev/null; cat good; exit 3", "ffmpeg says: it ended with 3"),
        ("echo one >&2; echo no such luck >&2; exit 1", "ffmpeg says: no such luck"),
        ("yes no such luck | head -n 50000 >&2; exit 1", "ffmpeg says: no such luck"),
        ("kill -9 $$", "ffmpeg says: it ended with -9"),
    ],
)
def test_a_program_that_fails_is_an_error(tmp_path: Path, script: str, said: str) -> None:
    """Whatever the program gives short, damaged or not at all ends in a sentence, and no process stays."""
    sound, mine = hiss(50_000), children()
    (piece,) = cut(50_000)
    for name, rate_hz in (("good", 48_000), ("other", 44_100)):
        (tmp_path / name).write_bytes(mp3.encode(sound, settings(), rate_hz=rate_hz))
    broken = settings(program=program(tmp_path, f'cd "{tmp_path}"\n{script}'))
    with pytest.raises(AudioError, match=said) as caught:
        mp3.own_frames(encoded(sound, broken, rate_hz=48_000), piece)
    assert caught.value.hint
    assert children() == mine


def test_a_program_that_is_none_is_an_error(tmp_path: Path) -> None:
    """A program that cannot be started is named."""
    with (
        pytest.raises(AudioError, match="cannot be started: No such file") as caught,
        Running().start([str(tmp_path / "gone")]),
    ):
        pass
    assert caught.value.source == str(tmp_path / "gone")


def test_frames_that_need_others_are_refused(tmp_path: Path) -> None:
    """With the bit reservoir on, frames lean on those before and cannot be cut apart."""
    bare = one_piece(tmp_path / "a.mp3", hiss(50_000), 48_000, "-write_xing", "0", "-reservoir", "1")
    with pytest.raises(AudioError, match="no whole MP3 frame"):
        mp3.frames(bare)


@pytest.mark.parametrize("byte", range(4))
def test_a_damaged_header_is_refused(byte: int) -> None:
    """A header in which one byte is wrong is found, in the first frame and later."""
    data = mp3.encode(hiss(50_000), settings(), rate_hz=48_000)
    assert len(mp3.frames(data)) == 45
    for start in (0, 192 * 7):
        damaged = bytearray(data)
        damaged[start + byte] ^= 0xC5
        with pytest.raises(AudioError, match="no whole MP3 frame"):
            mp3.frames(bytes(damaged))


def test_damaged_frames_decode_to_sound_or_to_a_sentence() -> None:
    """Whatever is wrong behind the headers, as many samples as there are frames come out, or an error."""
    choose = np.random.default_rng(1)
    data = np.frombuffer(mp3.encode(hiss(30_000), settings(), rate_hz=48_000), dtype=np.uint8).reshape(-1, 192)
    for _ in range(40):
        damaged = data.copy()
        damaged[choose.integers(len(data), size=20), choose.integers(6, 192, size=20)] = choose.integers(256, size=20)
        with suppress(AudioError):
            assert mp3.decode(mp3.frames(damaged.tobytes())).shape == (1, len(data) * 1152 - mp3.DELAY_SAMPLES)


def test_pieces_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    """A piece at another rate, bit rate or number of channels is not joined to the first."""
    (piece,) = cut(20_000)
    others = [(settings(), 44_100, 1), (AudioSettings(bit_rate_kbps=96), 48_000, 1), (settings(2), 48_000, 2)]
    with mp3.joined(tmp_path / "a.mp3") as file:
        file.add(own(hiss(20_000), 48_000, piece))
        for chosen, rate_hz, channels in others:
            data = mp3.encode(hiss(20_000, channels=channels), chosen, rate_hz=rate_hz)
            with pytest.raises(AudioError, match="differ in rate or channels"):
                file.add(mp3.own_frames(mp3.frames(data), piece))


def test_a_missing_piece_is_noticed(tmp_path: Path) -> None:
    """An MP3 is not finished when it has not the frames that its length needs."""
    sound = hiss(300 * 1152)
    first, *_ = cut(300 * 1152, piece_frames=SHORT_FRAMES)
    with mp3.joined(tmp_path / "a.mp3") as file:
        file.add(own(sound, 48_000, first))
        with pytest.raises(AudioError, match="196 MP3 frames where 301 are due"):
            file.finish(samples=300 * 1152)


def test_a_full_disk_is_named() -> None:
    """Where there is no room the error says so, when adding or at the latest when finishing."""
    (piece,) = cut(20_000)
    data = own(hiss(20_000), 48_000, piece)
    with mp3.joined(Path("/dev/full")) as file:
        file.add(data)
        with pytest.raises(AudioError, match="has no room for the master") as caught:
            file.finish(samples=20_000)
    assert caught.value.source == Path("/dev")
    with mp3.joined(Path("/dev/full")) as file, pytest.raises(AudioError, match="has no room for the master"):
        file.add(data * 100)


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    """A file in a folder that is not there cannot be written."""
    with (
        pytest.raises(AudioError, match="cannot be written here: No such file") as caught,
        mp3.joined(tmp_path / "gone" / "a.mp3"),
    ):
        pass
    assert caught.value.source == tmp_path / "gone"


def test_ffmpeg_writes_no_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that would have the program write a log is kept from it."""
    monkeypatch.setenv("FFREPORT", f"file={tmp_path}/report.log")
    assert mp3.encode(hiss(5_000), settings(), rate_hz=48_000)
    assert list(tmp_path.iterdir()) == []


def test_ending_kills_what_runs_and_starts_no_more(tmp_path: Path) -> None:
    """Encoders that hang end with `end`, those that wait for their turn never start, none stays."""
    mine, running = children(), Running()
    hanging = settings(program=program(tmp_path, f'echo >> "{tmp_path}/started"\nexec sleep 60'))
    with ThreadPoolExecutor(2) as executor:
        jobs = [executor.submit(mp3.encode, hiss(500_000), hanging, rate_hz=48_000, running=running) for _ in range(5)]
        while not (tmp_path / "started").exists() or (tmp_path / "started").stat().st_size < 2:
            time.sleep(0.01)
        start = time.monotonic()
        running.end()
        for job in jobs:
            assert isinstance(job.exception(timeout=10), CancelledError)
        assert time.monotonic() - start < 10  # they would hang for a minute
    assert (tmp_path / "started").stat().st_size == 2
    assert children() == mine


def test_ctrl_c_ends_the_encoder(tmp_path: Path) -> None:
    """An interrupt while an encoder hangs comes through at once, and the encoder is gone."""
    told = "head -c 1 > /dev/null\necho $$ > part\nmv part pid\nexec sleep 60"  # when sound comes, it was started
    hanging = program(tmp_path, f'cd "{tmp_path}"\n{told}')
    script = """
        import sys
        import numpy as np
        from pipeline.audio import mp3
        from pipeline.model import AudioSettings
        mp3.encode(np.zeros((1, 500_000), np.float32), AudioSettings(ffmpeg=sys.argv[1]), rate_hz=48_000)
    """
    worker = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script), hanging], stderr=subprocess.PIPE)
    while not (tmp_path / "pid").exists():
        time.sleep(0.01)
    start = time.monotonic()
    worker.send_signal(signal.SIGINT)
    said = worker.communicate(timeout=20)[1]
    assert time.monotonic() - start < 10  # it would hang for a minute
    assert said.rstrip().endswith(b"KeyboardInterrupt")
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()
