"""An Ogg Opus file and its tags enter, the same sound behind one set of Vorbis comments leaves."""

import base64
import hashlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mutagen.flac
import mutagen.ogg
import mutagen.oggopus

from pipeline.errors import TagError
from pipeline.model import Chapter, Picture, TagSettings
from pipeline.tags import wording
from pipeline.tags.table import NUMBERS, TAGS, Found, Tags

flac: Any = mutagen.flac
ogg: Any = mutagen.ogg
oggopus: Any = mutagen.oggopus

FRONT_COVER = 3
COLOUR_BITS = 24
TAG_PACKETS = 2  # OpusHead and OpusTags, each with pages of its own
START = re.compile("([0-9]{2,}):([0-5][0-9]):([0-5][0-9])[.]([0-9]{3})")


def kept(tags: Tags) -> Tags:
    """Leave out what the format has no place for: the length, which the file knows itself."""
    return replace(tags, duration_ms=None)


def copy(source: Path, partial: Path, tags: Tags, *, cover: Picture | None, settings: TagSettings) -> None:  # noqa: ARG001
    """Copy an Opus file with these comments and no others; the encoder's name is the standard's own and stays.

    Source:
        RFC 7845, 5.2; Xiph's Vorbis comments, chapter extension and METADATA_BLOCK_PICTURE. No padding.
    """
    shutil.copyfile(source, partial)
    file = _opened(partial)
    file.tags[:] = [*_comments(tags), *_picture_comments(cover)]
    file.save(padding=lambda _: 0)


def read(path: Path) -> Tags:
    """Read the comments of an Opus file."""
    return _from_comments(dict(_lines(path)))


def found(path: Path) -> Found:
    """Read all that `copy` wrote."""
    lines = list(_lines(path))
    blocks = [base64.b64decode(value) for name, value in lines if name == "METADATA_BLOCK_PICTURE"]
    pictures = tuple(bytes(flac.Picture(block).data) for block in blocks)
    return Found(tags=_from_comments(dict(lines)), pictures=pictures, sound_sha256=sound_sha256(path))


def sound_sha256(path: Path) -> str:
    """Hash the sound of an Opus file: the head, and every page behind the comments without its number."""
    digest, packets = hashlib.sha256(), 0
    with path.open("rb") as file:
        while packets < TAG_PACKETS:
            page = ogg.OggPage(file)
            digest.update(b"".join(page.packets) if packets == 0 else b"")
            packets += len(page.packets) - (0 if page.complete else 1)
        while True:
            try:
                page = ogg.OggPage(file)
            except EOFError:
                return digest.hexdigest()
            digest.update(f"{page.position} {page.last} {page.serial} ".encode())
            digest.update(b"".join(page.packets))


def _opened(path: Path) -> Any:
    try:
        return oggopus.OggOpus(path)
    except (oggopus.OggOpusHeaderError, IndexError) as error:  # mutagen looks for the first packet of an empty page
        hint = "Make the file again: delete .cache and build."
        raise TagError("not an Opus file, so it cannot be tagged", source=path, hint=hint) from error


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    yield from ((name.upper(), value) for name, value in _opened(path).tags)


def _comments(tags: Tags) -> Iterator[tuple[str, str]]:
    yield "PODCAST", "1"
    for row in TAGS:
        value = getattr(tags, row.field)
        if row.vorbis is not None and value is not None:
            yield row.vorbis, str(value)
    for number, chapter in enumerate(tags.chapters):
        name = f"CHAPTER{number:03}"
        yield name, _full_clock(chapter.start_ms)
        yield f"{name}NAME", chapter.title
        if chapter.url is not None:
            yield f"{name}URL", chapter.url


def _picture_comments(cover: Picture | None) -> Iterator[tuple[str, str]]:
    if cover is None:
        return
    picture = flac.Picture()
    picture.type, picture.mime, picture.desc = FRONT_COVER, cover.mime, wording.line(cover.alt) or ""
    picture.width, picture.height, picture.depth = cover.width, cover.height, COLOUR_BITS
    picture.data = cover.path.read_bytes()
    yield "METADATA_BLOCK_PICTURE", base64.b64encode(picture.write()).decode()


def _full_clock(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}"


def _from_comments(lines: dict[str, str]) -> Tags:
    values: dict[str, Any] = {}
    for row in TAGS:
        text = lines.get(row.vorbis) if row.vorbis else None
        values[row.field] = _number(text) if row.field in NUMBERS else text
    return Tags(**values, chapters=tuple(_chapters(lines)))


def _number(text: str | None) -> int | None:
    match = re.match("[0-9]{1,10}", text or "")
    return int(match[0]) if match else None


def _chapters(lines: dict[str, str]) -> Iterator[Chapter]:
    for number in range(1000):
        name = f"CHAPTER{number:03}"
        match = START.fullmatch(lines.get(name, ""))
        if match is None:
            return
        hours, minutes, seconds, rest = map(int, match.groups())
        start_ms = ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest
        yield Chapter(start_ms=start_ms, title=lines.get(f"{name}NAME", ""), url=lines.get(f"{name}URL"))
