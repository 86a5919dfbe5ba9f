"""Sound enters in pieces, the MP3 of a one-piece encode leaves; the ffmpeg program encodes, PyAV decodes, we join."""

import errno
import re
import struct
from array import array
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, reduce
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, cast

import av
import numpy as np
import numpy.typing as npt

from pipeline.audio.encoder import ffmpeg_program
from pipeline.audio.graph import Block
from pipeline.audio.running import Running, exchange
from pipeline.errors import AudioError
from pipeline.model import AudioSettings

FRAME_SAMPLES = 1152
RATES_HZ = (44_100, 48_000, 32_000)  # in the order of their codes in a frame's header
BIT_RATES_KBPS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0)  # likewise; 0 is not one
ENCODER_DELAY_SAMPLES = LEAST_PADDING_SAMPLES = 576
DELAY_SAMPLES = ENCODER_DELAY_SAMPLES + 529  # with the decoder's

# At 44.1 kHz the lengths of frames repeat after 49: a piece that started elsewhere would have its own.
ROUND_FRAMES = 49
# After loud sound LAME lowers its threshold of hearing from 1 to 0.000625 at the least, by 7.5 % a frame: 95 frames.
PRE_ROLL_FRAMES = 2 * ROUND_FRAMES
POST_ROLL_SAMPLES = FRAME_SAMPLES  # LAME looks less than that ahead
PIECE_FRAMES = 36 * ROUND_FRAMES
MPEG_1_LAYER_3 = 0xFFFB
SAME_IN_ALL = 0xFFFF_FDCF  # of a header: all but its padding and how the two channels are joined
MONO = 3  # of the channel modes in a header: stereo, joint stereo, two channels, mono
SIDE_BYTES = (32, 32, 32, 17)  # by channel mode
INFO = struct.Struct(">4sIII100s4x9sB10xB3sB3xIH")
HAS_ALL_FIELDS, CONSTANT_BIT_RATE = 15, 1
SOURCES, MODES = (1, 2, 0), (1, 3, 2, 0)  # what the tag calls the rates and the channel modes of a header
UNNAMED_ENCODER = b"Lavc lame"
CRC_STRIDE_BYTES = 128
NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
MAKE_ROOM = "make room there, or raise the limit on file sizes, and build again"
CHECK_RIGHTS = "check the right to write to this folder"
CHECK_SETTINGS = "check the audio settings in cln_media.toml"
TRY_ANOTHER = "build again; if it fails again, name another ffmpeg program in cln_media.toml"


Frames = tuple[memoryview, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of frames that is encoded by itself and comes out as in a one-piece encode.

    Args:
        first_frame: its first frame: 0, or PRE_ROLL_FRAMES after a multiple of ROUND_FRAMES.
        stop_frame: the frame after its last one.
    """

    first_frame: int
    stop_frame: int

    @property
    def pre_roll_frames(self) -> int:
        """How many frames its encode has before its first one."""
        return min(self.first_frame, PRE_ROLL_FRAMES)


class Joiner:
    """An MP3 that is being written: add the frames of each piece in order, then finish."""

    def __init__(self, file: BinaryIO, destination: Path) -> None:
        self._file = file
        self._destination = destination
        self._header = self._size = self._crc = 0
        self._starts = array("I")
        self._encoder = b""

    def add(self, found: Frames) -> None:
        """Append frames, at least one.

        Raises:
            AudioError: they are of another kind than those before, or the file cannot be written.
        """
        header, data = _header(found[0]), b"".join(found)
        before = 0 if self._starts else _length(_info_header(header))
        if before:
            self._header, self._size = header, before
        if (header ^ self._header) & SAME_IN_ALL:
            raise _failure("pieces of an MP3 that differ in rate or channels")
        *starts, self._size = accumulate(map(len, found), initial=self._size)
        self._starts.extend(starts)
        self._crc = crc16(data, self._crc)
        # LAME fills what it does not need of a frame with its name and as much of its version as there is room for.
        self._encoder = max((self._encoder, *re.findall(rb"LAME\d\.\d{1,3}", data)), key=len)
        with _writing(self._destination):
            self._file.write(bytes(before) + data)

    def finish(self, *, samples: int) -> None:
        """Write the header that players trim and seek by.

        Args:
            samples: how many a player is to play: the length of the recording.

        Raises:
            AudioError: there are too few or too many frames for it, or the file cannot be written.

        Source: Mp3 Info Tag revision 1, as LAME fills it; what only LAME knows is 0.
        """
        if len(self._starts) != frames_for(samples):
            raise _failure(f"{len(self._starts)} MP3 frames where {frames_for(samples)} are due")
        with _writing(self._destination):
            self._file.seek(0)
            self._file.write(self._info(samples))
            self._file.flush()

    def _info(self, samples: int) -> bytes:
        header, count, encoder = _info_header(self._header), len(self._starts), self._encoder or UNNAMED_ENCODER
        padding = count * FRAME_SAMPLES - ENCODER_DELAY_SAMPLES - samples
        delays = (ENCODER_DELAY_SAMPLES << 12 | padding).to_bytes(3, "big")
        kind = SOURCES[header >> 10 & 3] << 6 | MODES[header >> 6 & 3] << 2
        kbps = min(BIT_RATES_KBPS[self._header >> 12 & 15], 255)
        counts = b"Info", HAS_ALL_FIELDS, count, self._size, self._seek_table()
        tag = INFO.pack(*counts, encoder, CONSTANT_BIT_RATE, kbps, delays, kind, self._size, self._crc)
        frame = header.to_bytes(4, "big") + bytes(SIDE_BYTES[header >> 6 & 3]) + tag
        return (frame + crc16(frame).to_bytes(2, "big")).ljust(_length(header), b"\0")

    def _seek_table(self) -> bytes:
        firsts = (self._starts[len(self._starts) * i // 100] for i in range(1, 100))
        return bytes((0, *(256 * first // self._size for first in firsts)))


@contextmanager
def joined(destination: Path) -> Iterator[Joiner]:
    """Join an MP3 of constant bit rate, without tags; it is complete after `Joiner.finish`.

    Raises:
        AudioError: the file cannot be written.
    """
    with _writing(destination):
        file = destination.open("wb")
    try:
        yield Joiner(file, destination)
    finally:
        with suppress(OSError):  # `finish` has flushed; anything else is not complete anyway
            file.close()


def frames_for(samples: int) -> int:
    """Count the frames of an MP3 of so many samples, as LAME does: its delay and at least 576 samples after the end."""
    return -(-(ENCODER_DELAY_SAMPLES + samples + LEAST_PADDING_SAMPLES) // FRAME_SAMPLES)


def encode(sound: Block, settings: AudioSettings, *, rate_hz: int, running: Running | None = None) -> bytes:
    """Encode sound as MP3 of constant bit rate whose frames do not lean on one another.

    Args:
        sound: float32 (channels, samples): the pre-roll, the piece and POST_ROLL_SAMPLES; less at a recording's end.
        settings: bit rate and ffmpeg program.
        rate_hz: one of RATES_HZ.
        running: whose `end` kills the encoder.

    Returns:
        Bare frames, those of the pre-roll and post-roll with them.

    Raises:
        AudioError: there is no ffmpeg program, or it fails.
        CancelledError: `running` was ended.
    """
    program = ffmpeg_program(settings)
    command = _command(program, channels=len(sound), rate_hz=rate_hz, bit_rate_kbps=settings.bit_rate_kbps)
    samples = np.ascontiguousarray(sound.T, dtype="<f4").data.cast("B")
    with (running or Running()).start(command) as process:
        data, said = exchange(process, samples)
    if process.returncode != 0:
        last = said.decode(errors="replace").strip().split("\n")[-1] or f"it ended with {process.returncode}"
        raise AudioError(f"cannot encode the master: ffmpeg says: {last}", source=program, hint=CHECK_SETTINGS)
    return data


def frames(data: bytes) -> Frames:
    """Split bare MP3 into its frames.

    Raises:
        AudioError: there are none, or one is cut short, damaged, of another kind than the first, or needs others.

    Source: ISO/IEC 11172-3, MPEG-1 layer III.
    """
    view, first, found, position = memoryview(data), _header(data), [], 0
    while position < len(view):
        header = _header(view, position)
        frame = view[position : position + _length(header)]
        if (header ^ first) & SAME_IN_ALL or len(frame) < _length(header) or frame[4] or frame[5] & 0x80:
            raise _failure(f"no whole MP3 frame at byte {position}")
        found.append(frame)
        position += len(frame)
    return tuple(found)


def own_frames(found: Frames, piece: Piece) -> Frames:
    """Take from the frames of a piece's encode those that belong to it.

    Raises:
        AudioError: there are too few.
    """
    last = piece.pre_roll_frames + piece.stop_frame - piece.first_frame
    if len(found) < last:
        raise _failure(f"{len(found)} MP3 frames where {last} are due")
    return found[piece.pre_roll_frames : last]


def decode(found: Frames) -> Block:
    """Decode bare frames.

    Args:
        found: frames that follow one another, at least one, from anywhere in an MP3; they need none before them.

    Returns:
        The sound, float32 (channels, samples), DELAY_SAMPLES less than the frames have: its first sample is the first
        that was encoded into the first frame.

    Raises:
        AudioError: the frames are damaged.
    """
    channels = 1 if _header(found[0]) >> 6 & 3 == MONO else 2
    sound = np.zeros((channels, len(found) * FRAME_SAMPLES), dtype=np.float32)
    codec = cast("av.AudioCodecContext", av.CodecContext.create("mp3float", "r"))
    for start, frame in zip(range(0, sound.shape[1], FRAME_SAMPLES), found, strict=True):
        try:
            (decoded,) = codec.decode(av.Packet(bytes(frame)))
        except (av.FFmpegError, ValueError) as error:
            raise _failure("an MP3 frame that cannot be decoded") from error
        for channel, plane in zip(sound, decoded.planes, strict=True):
            channel[start : start + FRAME_SAMPLES] = np.frombuffer(bytes(plane), np.float32, FRAME_SAMPLES)
    return sound[:, DELAY_SAMPLES:]


def crc16(data: bytes, before: int = 0) -> int:
    """Compute the CRC-16/ARC of at least two bytes; `before` is that of what stands before them."""
    step, skip = _crc_tables()
    front = -len(data) % CRC_STRIDE_BYTES  # zeros in front change nothing
    padded = np.frombuffer(bytes(front) + data, dtype=np.uint8).copy()
    padded[front : front + 2] ^= np.array((before & 0xFF, before >> 8), dtype=np.uint8)
    columns = np.ascontiguousarray(padded.view("<u2").reshape(-1, CRC_STRIDE_BYTES // 2).T)
    rests = np.zeros(columns.shape[1], dtype=np.uint16)
    for column in columns:
        rests = step[rests ^ column]
    return reduce(lambda total, rest: skip[total] ^ rest, rests.tolist(), 0)


@cache
def _crc_tables() -> tuple[npt.NDArray[np.uint16], list[int]]:
    """Tabulate what two bytes, and what a stride of zeros, make of a CRC."""
    step: npt.NDArray[np.uint16] = np.arange(1 << 16, dtype=np.uint16)
    for _bit in range(16):
        step = step >> np.uint16(1) ^ (step & np.uint16(1)) * np.uint16(0xA001)
    skip = step
    for _pair in range(CRC_STRIDE_BYTES // 2 - 1):
        skip = step[skip]
    return step, skip.tolist()


def _command(program: str, *, channels: int, rate_hz: int, bit_rate_kbps: int) -> list[str]:
    quiet = ["-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-xerror"]
    sound = ["-f", "f32le", "-ar", str(rate_hz), "-ac", str(channels), "-i", "pipe:0", "-map", "0:a:0"]
    coding = ["-c:a", "libmp3lame", "-b:a", f"{bit_rate_kbps}k", "-abr", "0", "-reservoir", "0", "-threads", "1"]
    plain = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact"]
    bare = ["-id3v2_version", "0", "-write_id3v1", "0", "-write_xing", "0"]
    # Else ffmpeg hands over each frame by itself, and taking them costs a multiple.
    return [program, *quiet, *sound, *coding, *plain, *bare, "-flush_packets", "0", "-f", "mp3", "pipe:1"]


def _header(data: bytes | memoryview, position: int = 0) -> int:
    header = int.from_bytes(data[position : position + 4], "big")
    known_rates = BIT_RATES_KBPS[header >> 12 & 15] and header >> 10 & 3 < len(RATES_HZ)
    if header >> 16 != MPEG_1_LAYER_3 or not known_rates:
        raise _failure(f"no whole MP3 frame at byte {position}")
    return header


def _length(header: int) -> int:
    bits_per_s = BIT_RATES_KBPS[header >> 12 & 15] * 1000
    return FRAME_SAMPLES // 8 * bits_per_s // RATES_HZ[header >> 10 & 3] + (header >> 9 & 1)


def _info_header(header: int) -> int:
    plain = header & SAME_IN_ALL
    while _length(plain) < 4 + SIDE_BYTES[plain >> 6 & 3] + INFO.size + 2:
        plain += 1 << 12
    return plain


def _failure(given: str) -> AudioError:
    return AudioError(f"the encoder gave {given}", hint=TRY_ANOTHER)


@contextmanager
def _writing(destination: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message, hint = f"the master cannot be written here: {error.strerror or error}", CHECK_RIGHTS
        if error.errno in NO_ROOM:
            message, hint = "has no room for the master: the disk or a limit is reached", MAKE_ROOM
        raise AudioError(message, source=destination.parent, hint=hint) from error
