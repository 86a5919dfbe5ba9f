"""An MP3 file enters, where its sound starts and ends between its tags leaves; mutagen judges whether it is an MP3."""

import hashlib
import os
import re
from pathlib import Path
from typing import BinaryIO

import mutagen
from mutagen.mp3 import MPEGInfo

ID3_HEADER = re.compile(rb"ID3..(.)([\x00-\x7f]{4})", re.DOTALL)
ID3_HEADER_SIZE = ID3_FOOTER_SIZE = 10
APE_HEADER_SIZE = 32
SYNC_MASK, SYNC_LAYER_3 = 0xFFE6, 0xFFE2  # eleven bits of sync, two of layer


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


def audio_sha256(path: Path) -> str:
    """Hash the sound of a file, without its tags."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        start, end = audio_span(file)
        file.seek(start)
        while left := end - file.tell():
            digest.update(file.read(min(left, 1 << 20)))
    return digest.hexdigest()
