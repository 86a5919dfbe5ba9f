"""An MP3 file enters, where its sound stands between its tags leaves; mutagen judges whether it is an MP3."""

import hashlib
import mmap
import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import mutagen
from mutagen.mp3 import MPEGInfo

ID3_HEADER = re.compile(rb"ID3..(.)([\x00-\x7f]{4})", re.DOTALL)
ID3_HEADER_SIZE = ID3_FOOTER_SIZE = 10
APE_HEADER_SIZE = 32
SYNC_MASK, SYNC_LAYER_3 = 0xFFE6, 0xFFE2  # eleven bits of sync, two of layer
FRAMES_IN_A_ROW = 3  # text and pictures hold a frame's first bytes by chance, but not that many a frame apart
FRAME_KBPS = {  # MPEG 1? -> kbit/s of layer III by index; the first has no fixed size, the last is forbidden
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
}
FRAME_RATES_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
MPEG_1 = 3
HEADER_BYTES = 3
PIECE_BYTES = 1 << 20


def is_mp3(file: BinaryIO, start: int, end: int) -> bool:
    """Say whether MPEG layer III frames stand between two places of a file, from the first byte on."""
    if start >= end or int.from_bytes(_bytes_at(file, start, 2), "big") & SYNC_MASK != SYNC_LAYER_3:
        return False
    try:
        info = MPEGInfo(file, start)
    except mutagen.MutagenError:
        return False
    return not info.sketchy


def audio_span(file: BinaryIO) -> tuple[int, int]:
    """Find where the sound starts and ends, whatever tags stand before and after it."""
    start, end = 0, file.seek(0, os.SEEK_END)
    while size := _leading_tag_size(file, start):
        start += size
    while size := _trailing_tag_size(file, end):
        end -= size
    return start, max(start, end)


def _leading_tag_size(file: BinaryIO, start: int) -> int:
    head = _bytes_at(file, start, APE_HEADER_SIZE)
    if found := ID3_HEADER.match(head):
        flags: int = found[1][0]
        sizes: bytes = found[2]
        size = sum(byte << shift for byte, shift in zip(sizes, (21, 14, 7, 0), strict=True))
        return ID3_HEADER_SIZE + size + (ID3_FOOTER_SIZE if flags & 0x10 else 0)
    if head[:8] == b"APETAGEX":
        return APE_HEADER_SIZE + int.from_bytes(head[12:16], "little")
    return 0


def _trailing_tag_size(file: BinaryIO, end: int) -> int:
    if _bytes_at(file, end - 128, 3) == b"TAG":
        return 128 + (227 if _bytes_at(file, end - 355, 4) == b"TAG+" else 0)
    foot = _bytes_at(file, end - APE_HEADER_SIZE, APE_HEADER_SIZE)
    if foot[:8] == b"APETAGEX":
        header = APE_HEADER_SIZE if foot[23] & 0x80 else 0
        return int.from_bytes(foot[12:16], "little") + header
    if foot[-9:] == b"LYRICS200" and foot[-15:-9].isdigit():
        return 15 + int(foot[-15:-9])
    return 0


def _bytes_at(file: BinaryIO, place: int, size: int) -> bytes:
    if place < 0:
        return b""
    file.seek(place)
    return file.read(size)


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """Read the sound alone, frame after frame: whatever else a recorder or an editor put between or behind is left out.

    What of the last frame is missing leaves with it.
    """
    start, end = audio_span(file)
    if start >= end:
        return
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = start
        while at < end:
            begin, at = at, _after_frames(data, at, end)
            for place in range(begin, at, PIECE_BYTES):
                yield data[place : min(at, place + PIECE_BYTES)]
            at = _next_frames(data, at, end)


def _after_frames(data: mmap.mmap, at: int, end: int) -> int:
    while (size := _frame_bytes(data[at : at + HEADER_BYTES])) and at + size <= end:
        at += size
    return at


def _next_frames(data: mmap.mmap, at: int, end: int) -> int:
    while (at := data.find(b"\xff", at, end)) >= 0:
        place = at
        for _ in range(FRAMES_IN_A_ROW):
            size = _frame_bytes(data[place : place + HEADER_BYTES])
            place += size or end
        if place <= end:
            return at
        at += 1
    return end


@lru_cache(maxsize=4_096)
def _frame_bytes(header: bytes) -> int:
    """Count the bytes of the layer III frame that begins so; 0 where none does."""
    if len(header) < HEADER_BYTES or int.from_bytes(header[:2], "big") & SYNC_MASK != SYNC_LAYER_3:
        return 0
    version, rate, padding = header[1] >> 3 & 3, header[2] >> 2 & 3, header[2] >> 1 & 1
    rates_hz = FRAME_RATES_HZ.get(version, ())
    kbps = FRAME_KBPS[version == MPEG_1][header[2] >> 4]
    if not kbps or rate >= len(rates_hz):
        return 0
    return (144 if version == MPEG_1 else 72) * kbps * 1000 // rates_hz[rate] + padding


def audio_sha256(path: Path) -> str:
    """Hash the sound of a file, without its tags."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for piece in pieces(file):
            digest.update(piece)
    return digest.hexdigest()
