"""The bytes of a file enter, the name of the one demuxer that may read it leaves: its extension never counts."""

# ruff: noqa: PLR2004  # the bare numbers are fields of the formats' own headers

import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

HEAD_BYTES = 65_536
MAX_TAGS = 4
MAX_CHUNKS = 4_096
W64_RIFF = bytes.fromhex("726966662e91cf11a5d628db04c10000")
W64_DATA = bytes.fromhex("64617461f3acd3118cd100c04f8edb8a")
ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
# Written by programs that stream and do not know the length yet.
UNKNOWN_SIZES = frozenset({0, 0x7FFF_F000, 0x7FFF_FFFF, *range(0xFFFF_F000, 0x1_0000_0000)})
MOV_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"})
MP3_RATES_HZ = (44_100, 48_000, 32_000)
MP3_KBPS = {  # (MPEG 1?, layer) -> kbit/s by index
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


class Sniffed(NamedTuple):
    """What the bytes of a file show.

    demuxer: the name libavformat knows it by; declares_length: whether its header tells how long the sound is;
    present: the part (0 to 1) of the declared sound data that the file still holds.
    """

    demuxer: str
    declares_length: bool = True
    present: float = 1.0


def sniff(file: BinaryIO) -> Sniffed | None:
    """Recognise a sound file by its content; None where it is none of those we read."""
    start = _skip_id3(file)
    file.seek(start)
    head = file.read(HEAD_BYTES)
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return Sniffed("wav", present=_present(file, _riff_chunks(file)))
    if head.startswith(W64_RIFF):
        return Sniffed("w64", present=_present(file, _w64_chunks(file)))
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return Sniffed("aiff")
    return _by_signature(head, file.seek(0, 2)) or _by_frames(head)


def _by_signature(head: bytes, size: int) -> Sniffed | None:
    if head.startswith(b"fLaC"):
        return Sniffed("flac")
    if head.startswith(b"OggS"):
        return Sniffed("ogg", declares_length=False)
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return Sniffed("matroska")
    if head.startswith(ASF_HEADER):
        return Sniffed("asf", present=_asf_present(head, size))
    return Sniffed("mov") if head[4:8] in MOV_BOXES else None


def _by_frames(head: bytes) -> Sniffed | None:
    position = head.find(b"\xff")
    while position >= 0:
        for demuxer, length_of in (("mp3", _mp3_frame_bytes), ("aac", _adts_frame_bytes)):
            if _chained(head, position, length_of):
                frame = head[position : position + 1_500]
                return Sniffed(demuxer, declares_length=any(mark in frame for mark in (b"Xing", b"Info", b"VBRI")))
        position = head.find(b"\xff", position + 1)
    return None


def _chained(head: bytes, position: int, frame_bytes: Callable[[bytes], int]) -> bool:
    # Text and pictures hold a sync word by chance, but not two more of the same kind a frame apart.
    kind = head[position + 1 : position + 2]
    for followed in range(3):
        header = head[position : position + 7]
        if len(header) < 7:
            return followed > 1
        length = frame_bytes(header)
        if length == 0 or header[1:2] != kind:
            return False
        position += length
    return True


def _mp3_frame_bytes(header: bytes) -> int:
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    kbps_index, rate_index, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or layer == 4 or kbps_index in (0, 15) or rate_index == 3:
        return 0
    bits = MP3_KBPS[version == 3, layer][kbps_index] * 1000
    rate_hz = MP3_RATES_HZ[rate_index] >> {3: 0, 2: 1, 0: 2}[version]
    if layer == 1:
        return (12 * bits // rate_hz + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bits // rate_hz + padding


def _adts_frame_bytes(header: bytes) -> int:
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return 0
    length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return length if length > 7 else 0


def _skip_id3(file: BinaryIO) -> int:
    start = 0
    for _ in range(MAX_TAGS):
        file.seek(start)
        tag = file.read(10)
        if len(tag) < 10 or tag[:3] != b"ID3":
            break
        start += 10 + sum((byte & 0x7F) << shift for byte, shift in zip(tag[6:], (21, 14, 7, 0), strict=True))
    return start


def _present(file: BinaryIO, chunks: Iterator[tuple[int, int]]) -> float:
    size = file.seek(0, 2)
    for start, declared in chunks:
        if declared in UNKNOWN_SIZES:
            return 1.0
        return max(0.0, min(1.0, (size - start) / declared))
    return 1.0


def _asf_present(head: bytes, size: int) -> float:
    at = head.find(ASF_PROPERTIES)
    declared = int.from_bytes(head[at + 40 : at + 48], "little") if at >= 0 else 0
    return min(1.0, size / declared) if declared else 1.0


def _riff_chunks(file: BinaryIO) -> Iterator[tuple[int, int]]:
    position, long_bytes = 12, None
    for _ in range(MAX_CHUNKS):
        file.seek(position)
        header = file.read(8)
        if len(header) < 8:
            return
        name, length = struct.unpack("<4sI", header)
        if name == b"ds64":
            long_bytes = struct.unpack("<8xQ", file.read(16).ljust(16, b"\0"))[0]
        if name == b"data":
            yield position + 8, long_bytes if length == 0xFFFF_FFFF and long_bytes is not None else length
        position += 8 + length + length % 2


def _w64_chunks(file: BinaryIO) -> Iterator[tuple[int, int]]:
    position = 40
    for _ in range(MAX_CHUNKS):
        file.seek(position)
        header = file.read(24)
        if len(header) < 24:
            return
        name, length = struct.unpack("<16sQ", header)
        if name == W64_DATA:
            yield position + 24, max(0, length - 24)
        position += max(24, length + -length % 8)
