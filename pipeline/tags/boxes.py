"""Bytes of an MP4 enter, its boxes leave, and the other way round; chapters become a track of texts and a list."""

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from pipeline.model import Chapter

HEADER, LARGE_HEADER = 8, 16
FULL = 4  # version and flags of a full box
TICKS_PER_S = 1000  # chapters are in milliseconds
CHPL_TICKS_PER_MS = 10_000
CHPL_TITLE_BYTES = 255
UNITY = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
IN_MOVIE, SELF_CONTAINED = 2, 1
UTF_8 = struct.pack(">I4sI", 12, b"encd", 0x100)
EMPTY_EDIT, NORMAL_RATE = -1, 0x10000
LETTER_BITS, BEFORE_A = 5, 0x60


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A box of a file: its kind, where it starts, where its content starts, and where it ends."""

    kind: bytes
    start: int
    content: int
    end: int


class NotBoxesError(ValueError):
    """Raised where the boxes do not add up."""


def in_file(file: BinaryIO) -> Iterator[Box]:
    """List the outer boxes of a file.

    Raises:
        NotBoxesError: it is no MP4, or cut short.
    """
    end, at = file.seek(0, 2), 0
    while at < end:
        file.seek(at)
        box = _head(file.read(LARGE_HEADER), at, end)
        yield box
        at = box.end


def inside(data: bytes, start: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """List the boxes in the content of another, each as its kind and its content; `start` of it is skipped.

    Raises:
        NotBoxesError: they do not fill it.
    """
    while start < len(data):
        box = _head(data[start : start + LARGE_HEADER], start, len(data))
        yield box.kind, data[box.content : box.end]
        start = box.end


def content(data: bytes, *path: bytes) -> bytes | None:
    """Follow a path of boxes, each the first of its kind in the one before, and return the content of the last."""
    for kind in path:
        found = next((inner for name, inner in inside(data) if name == kind), None)
        if found is None:
            return None
        data = found
    return data


def box(kind: bytes, *contents: bytes) -> bytes:
    """Write a box."""
    return struct.pack(">I4s", HEADER + sum(map(len, contents)), kind) + b"".join(contents)


def full(kind: bytes, *contents: bytes, version: int = 0, flags: int = 0) -> bytes:
    """Write a box that has a version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *contents)


def nero_chapters(chapters: Iterable[Chapter]) -> bytes:
    """Write `chpl`, the list of chapters that Nero began with and most players read."""
    rows = [
        struct.pack(">QB", chapter.start_ms * CHPL_TICKS_PER_MS, len(title)) + title
        for chapter in chapters
        for title in [cut_title(chapter.title).encode()]
    ]
    return full(b"chpl", bytes(4), bytes([len(rows)]), *rows, version=1)


def cut_title(title: str) -> str:
    """Cut a title to what `chpl` has room for, between two letters."""
    return title.encode()[:CHPL_TITLE_BYTES].decode(errors="ignore")


def chapter_texts(chapters: Iterable[Chapter]) -> tuple[bytes, ...]:
    """Write the title of each chapter as a sample of a QuickTime text track."""
    titles = [chapter.title.encode() for chapter in chapters]
    return tuple(struct.pack(">H", len(title)) + title + UTF_8 for title in titles)


def chapter_track(
    chapters: tuple[Chapter, ...], *, track_id: int, clock: tuple[int, int], language: str, offset: int
) -> bytes:
    """Write the QuickTime text track that names chapters.

    Args:
        chapters: ascending, at least one, all before the end.
        track_id: of the new track.
        clock: the movie's ticks in a second, and its length in ticks.
        language: ISO 639-2.
        offset: where in the file the texts stand (see `chapter_texts`).

    Source: QuickTime File Format, "Chapter Lists" and "Text Media".
    """
    ticks_per_s, movie = clock
    starts = [chapter.start_ms for chapter in chapters]
    lengths = [
        end - start for start, end in pairwise([*starts, max(movie * TICKS_PER_S // ticks_per_s, starts[-1] + 1)])
    ]
    media = box(
        b"mdia",
        full(b"mdhd", struct.pack(">4I2H", 0, 0, TICKS_PER_S, sum(lengths), _packed(language), 0)),
        full(b"hdlr", bytes(4), b"text", bytes(13)),
        box(b"minf", _text_header(), _data_here(), _samples(chapter_texts(chapters), lengths, offset)),
    )
    header = struct.pack(">5I", 0, 0, track_id, 0, movie) + bytes(16) + UNITY + bytes(8)
    return box(
        b"trak", full(b"tkhd", header, flags=IN_MOVIE), _edits(starts[0] * ticks_per_s // TICKS_PER_S, movie), media
    )


def moved(trak: bytes, by: int) -> bytes:
    """Return the content of a track whose samples have moved by so many bytes."""
    return b"".join(_moved(kind, inner, by) for kind, inner in inside(trak))


def offsets(trak: bytes) -> tuple[int, ...]:
    """List where in the file the chunks of a track stand.

    Raises:
        NotBoxesError: the track has no such list.
    """
    table = content(trak, b"mdia", b"minf", b"stbl", b"stco")
    if table is None or (len(table) - FULL) % 4:
        raise NotBoxesError("no list of chunks")
    return struct.unpack(f">{len(table) // 4 - 2}I", table[FULL + 4 :])


def _head(data: bytes, at: int, end: int) -> Box:
    if len(data) < HEADER:
        raise NotBoxesError("a box without a head")
    size, kind = struct.unpack(">I4s", data[:HEADER])
    head = HEADER
    if size == 1 and len(data) == LARGE_HEADER:
        size, head = int.from_bytes(data[HEADER:], "big"), LARGE_HEADER
    size = size or end - at
    if size < head or at + size > end:
        raise NotBoxesError(f"{kind!r} does not fit")
    return Box(kind=kind, start=at, content=at + head, end=at + size)


def _moved(kind: bytes, inner: bytes, by: int) -> bytes:
    if kind in {b"mdia", b"minf", b"stbl"}:
        return box(kind, *(_moved(name, deeper, by) for name, deeper in inside(inner)))
    if kind == b"stco":
        places = struct.unpack(f">{len(inner) // 4 - 2}I", inner[FULL + 4 :])
        return box(kind, inner[: FULL + 4], struct.pack(f">{len(places)}I", *(place + by for place in places)))
    return box(kind, inner)


def _packed(language: str) -> int:
    language = language if re.fullmatch("[a-z]{3}", language) else "und"
    first, second, third = (ord(letter) - BEFORE_A for letter in language)
    return first << 2 * LETTER_BITS | second << LETTER_BITS | third


def _edits(start: int, movie: int) -> bytes:
    """Let a track begin later than the movie; in the movie's ticks."""
    if not start:
        return b""
    empty = struct.pack(">IiI", start, EMPTY_EDIT, NORMAL_RATE)
    whole = struct.pack(">IiI", max(1, movie - start), 0, NORMAL_RATE)
    return box(b"edts", full(b"elst", struct.pack(">I", 2), empty, whole))


def _text_header() -> bytes:
    general = full(b"gmin", struct.pack(">6H", 0x40, 0x8000, 0x8000, 0x8000, 0, 0))
    return box(b"gmhd", general, box(b"text", UNITY))


def _data_here() -> bytes:
    return box(b"dinf", full(b"dref", struct.pack(">I", 1), full(b"url ", flags=SELF_CONTAINED)))


def _samples(texts: tuple[bytes, ...], lengths: list[int], offset: int) -> bytes:
    count = struct.pack(">I", len(texts))
    entry = box(b"text", bytes(6), struct.pack(">H", 1), bytes(43), b"\0")
    return box(
        b"stbl",
        full(b"stsd", struct.pack(">I", 1), entry),
        full(b"stts", count, *(struct.pack(">2I", 1, length) for length in lengths)),
        full(b"stsc", struct.pack(">4I", 1, 1, len(texts), 1)),
        full(b"stsz", struct.pack(">I", 0), count, *(struct.pack(">I", len(text)) for text in texts)),
        full(b"stco", struct.pack(">2I", 1, offset)),
    )
