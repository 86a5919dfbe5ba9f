"""An M4A and its tags enter, the same sound with iTunes' tags and two kinds of chapters leaves."""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import mutagen.mp4

from pipeline.errors import TagError
from pipeline.model import Chapter, Picture, TagSettings
from pipeline.tags import boxes, wording
from pipeline.tags.boxes import NotBoxesError, box
from pipeline.tags.table import NUMBERS, TAGS, Found, Tags

mp4: Any = mutagen.mp4

PODCAST_KIND = 21
PAIRS = frozenset({"trkn", "disk"})  # number and total
FREE_PREFIX = "----"
PIECE_BYTES = 1 << 20
MOVIE_TICKS = slice(12, 20)  # time scale and duration in mvhd, version 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    ftyp: bytes
    mvhd: bytes
    sound: bytes  # the content of its trak
    data: boxes.Box  # the mdat that the sound stands in


def kept(tags: Tags) -> Tags:
    """Leave out what the format has no place for: the length, links of chapters, the end of their longest titles."""
    chapters = (replace(one, url=None, title=boxes.cut_title(one.title)) for one in tags.chapters)
    return replace(tags, duration_ms=None, chapters=tuple(chapters))


def copy(source: Path, partial: Path, tags: Tags, *, cover: Picture | None, settings: TagSettings) -> None:  # noqa: ARG001
    """Copy the sound of an M4A with these tags and no others.

    Everything but the sound stands before it, so that players that load the file as they go see all at once: the index,
    the tags, the chapters as QuickTime and Apple's apps read them (a track of texts) and as others do (`chpl`).

    Raises:
        TagError: source is not an M4A with one sound.

    Source:
        ISO/IEC 14496-12 (boxes), QuickTime File Format (chapter lists), Apple's iTunes metadata as mutagen writes it.
    """
    with source.open("rb") as master, partial.open("wb") as tagged:
        parts = _parts(master, source)
        texts = box(b"mdat", *boxes.chapter_texts(tags.chapters)) if tags.chapters else b""
        size = len(_index(parts, tags, cover, texts_at=0, sound_by=0))
        texts_at = len(parts.ftyp) + size + boxes.HEADER
        start = len(parts.ftyp) + size + len(texts)
        tagged.write(parts.ftyp)
        tagged.write(_index(parts, tags, cover, texts_at=texts_at, sound_by=start - parts.data.start))
        tagged.write(texts)
        for piece in _bytes(master, parts.data.start, parts.data.end):
            tagged.write(piece)


def read(path: Path) -> Tags:
    """Read the tags of an M4A."""
    return _from_mp4(mp4.MP4(path))


def found(path: Path) -> Found:
    """Read all that `copy` wrote."""
    file = mp4.MP4(path)
    pictures = tuple(bytes(picture) for picture in (file.tags or {}).get("covr", ()))
    return Found(tags=_from_mp4(file), pictures=pictures, sound_sha256=sound_sha256(path))


def sound_sha256(path: Path) -> str:
    """Hash the sound of an M4A, with where in it each chunk stands and how long each sample is."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        parts = _parts(file, path)
        for kind in (b"stsd", b"stts", b"stsc", b"stsz"):
            digest.update(boxes.content(parts.sound, b"mdia", b"minf", b"stbl", kind) or b"")
        places = [place - parts.data.content for place in boxes.offsets(parts.sound)]
        digest.update(repr(places).encode())
        for piece in _bytes(file, parts.data.content, parts.data.end):
            digest.update(piece)
    return digest.hexdigest()


def _parts(file: BinaryIO, path: Path) -> _Parts:
    try:
        outer = list(boxes.in_file(file))
        ftyp = next(one for one in outer if one.kind == b"ftyp")
        moov = next(one for one in outer if one.kind == b"moov")
        file.seek(moov.content)
        index = file.read(moov.end - moov.content)
        traks = [inner for kind, inner in boxes.inside(index) if kind == b"trak"]
        (sound,) = (trak for trak in traks if _is_sound(trak))
        first = min(boxes.offsets(sound))
        data = next(one for one in outer if one.kind == b"mdat" and one.content <= first < one.end)
        mvhd = _simple(boxes.content(index, b"mvhd") or b"")
        file.seek(ftyp.start)
        return _Parts(ftyp=file.read(ftyp.end - ftyp.start), mvhd=mvhd, sound=sound, data=data)
    except (NotBoxesError, ValueError, StopIteration, struct.error) as error:
        hint = "Make the file again: delete .cache and build."
        raise TagError("not an M4A with one sound, so it cannot be tagged", source=path, hint=hint) from error


def _simple(mvhd: bytes) -> bytes:
    if not mvhd.startswith(b"\0") or not all(_clock(mvhd)):
        raise NotBoxesError("no head, or one with large numbers")
    return mvhd


def _clock(mvhd: bytes) -> tuple[int, int]:
    ticks_per_s, length = struct.unpack(">2I", mvhd[MOVIE_TICKS])
    return ticks_per_s, length


def _is_sound(trak: bytes) -> bool:
    handler = boxes.content(trak, b"mdia", b"hdlr") or b""
    return handler[8:12] == b"soun"


def _bytes(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    file.seek(start)
    for begin, stop in pairwise([*range(start, end, PIECE_BYTES), end]):
        yield file.read(stop - begin)


def _index(parts: _Parts, tags: Tags, cover: Picture | None, *, texts_at: int, sound_by: int) -> bytes:
    """Write moov: its head, the sound, the chapters and the tags; its length does not depend on the places."""
    tkhd = boxes.content(parts.sound, b"tkhd") or b""
    track_id = int.from_bytes(tkhd[12:16], "big") + 1
    own = [box(kind, inner) for kind, inner in boxes.inside(boxes.moved(parts.sound, sound_by)) if kind != b"tref"]
    mvhd, chapters, names = parts.mvhd, b"", b""
    if tags.chapters:
        language = tags.language or wording.UNDETERMINED
        own.insert(1, box(b"tref", box(b"chap", struct.pack(">I", track_id))))
        mvhd = mvhd[:-4] + struct.pack(">I", track_id + 1)
        chapters = boxes.chapter_track(
            tags.chapters, track_id=track_id, clock=_clock(mvhd), language=language, offset=texts_at
        )
        names = boxes.nero_chapters(tags.chapters)
    return box(b"moov", box(b"mvhd", mvhd), box(b"trak", *own), chapters, box(b"udta", names, _metadata(tags, cover)))


def _metadata(tags: Tags, cover: Picture | None) -> bytes:
    """Write the tags as mutagen does, into a file that has nothing else, and take them from there."""
    made = mp4.MP4Tags()
    made["pcst"], made["stik"] = True, [PODCAST_KIND]
    for row in TAGS:
        value = getattr(tags, row.field)
        if row.mp4 is not None and value is not None:
            made[row.mp4] = [_value(row.mp4, value)]
    if cover is not None:
        kind = mp4.MP4Cover.FORMAT_PNG if cover.mime == "image/png" else mp4.MP4Cover.FORMAT_JPEG
        made["covr"] = [mp4.MP4Cover(cover.path.read_bytes(), imageformat=kind)]
    file = BytesIO(box(b"moov"))
    made.save(file, padding=lambda _: 0)
    metadata = boxes.content(file.getvalue(), b"moov", b"udta", b"meta") or b""
    kept_boxes = [box(kind, inner) for kind, inner in boxes.inside(metadata, boxes.FULL) if kind != b"free"]
    return box(b"meta", metadata[: boxes.FULL], *kept_boxes)


def _value(name: str, value: str | int) -> Any:
    if name in PAIRS:
        return value, 0
    return mp4.MP4FreeForm(str(value).encode()) if name.startswith(FREE_PREFIX) else str(value)


def _from_mp4(file: Any) -> Tags:
    values: dict[str, Any] = {}
    for row in TAGS:
        parts = (file.tags or {}).get(row.mp4) if row.mp4 else None
        values[row.field] = _read_value(row.field, parts[0]) if parts else None
    chapters = tuple(
        Chapter(start_ms=round(chapter.start * boxes.TICKS_PER_S), title=chapter.title)
        for chapter in file.chapters or ()
    )
    return Tags(**values, chapters=chapters)


def _read_value(field: str, value: Any) -> str | int | None:
    if field in NUMBERS:
        return int(value[0])
    return (bytes(value).decode() if isinstance(value, bytes) else str(value)) or None
