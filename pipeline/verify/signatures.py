"""The first bytes of a file -> what it is, and how large a picture is; pure."""

import re
import struct

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_HEADER_BYTES = 24
_MARKUP = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body|\?xml)", re.IGNORECASE)
_FRAME_HEADER_BYTES = 3
_SIZE_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0 to SOF15; not DHT, JPG, DAC
_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})


def kind(data: bytes) -> str | None:
    """Name what a file is: MP3, M4A, Ogg, a web page, image/jpeg, image/png; None where it is none of these."""
    if data.startswith(b"ID3") or _is_mpeg_frame(data):
        return "MP3"
    if data[4:8] == b"ftyp":
        return "M4A"
    if data.startswith(b"OggS"):
        return "Ogg"
    if data.startswith(_PNG):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "a web page" if _MARKUP.match(data) else None


def pixels(data: bytes) -> tuple[int, int] | None:
    """Read width and height from the beginning of a PNG or JPEG; None where they do not stand there.

    Source: PNG (ISO/IEC 15948) 11.2.2, JPEG (ITU-T T.81) B.2.2.
    """
    if data.startswith(_PNG) and len(data) >= _PNG_HEADER_BYTES:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    return _jpeg_pixels(data) if data.startswith(b"\xff\xd8") else None


def _is_mpeg_frame(data: bytes) -> bool:
    if len(data) < _FRAME_HEADER_BYTES or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:  # noqa: PLR2004  eleven bits set
        return False
    version, layer = data[1] >> 3 & 3, data[1] >> 1 & 3
    bit_rate, sample_rate = data[2] >> 4, data[2] >> 2 & 3
    return version != 1 and layer == 1 and bit_rate not in {0, 15} and sample_rate != 3  # noqa: PLR2004  reserved


def _jpeg_pixels(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:  # noqa: PLR2004  every marker begins so
        marker = data[at + 1]
        if marker in _BARE_MARKERS or marker == 0xFF:  # noqa: PLR2004  fill bytes
            at += 1 if marker == 0xFF else 2  # noqa: PLR2004  as above
            continue
        if marker in _SIZE_MARKERS:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return None
