"""An MP3 and its tags enter, the same sound behind one ID3v2 tag leaves."""

import re
from io import BytesIO
from pathlib import Path
from typing import Any

import mutagen.id3

from pipeline.errors import TagError
from pipeline.model import Chapter, Picture, TagSettings
from pipeline.tags import sound, wording
from pipeline.tags.table import NUMBERS, TAGS, Found, Tags

id3: Any = mutagen.id3  # half of it is typed, so none of it is


def kept(tags: Tags) -> Tags:
    """Leave out what the format has no place for: nothing."""
    return tags


def copy(source: Path, partial: Path, tags: Tags, *, cover: Picture | None, settings: TagSettings) -> None:
    """Copy the sound of an MP3 behind a new tag, its own tags left behind.

    Raises:
        TagError: source is not an MP3.

    Source:
        ID3v2.3.0 and ID3v2.4.0 structure and native frames; ID3v2 Chapter Frame Addendum v1.0. No ID3v1, no APE, no
        padding, no unsynchronisation.
    """
    tag = _tag_bytes(tags, cover, settings)
    with source.open("rb") as master, partial.open("wb") as tagged:
        start, end = sound.audio_span(master)
        if not sound.is_mp3(master, start, end):
            raise TagError(
                "not an MP3, so it cannot be tagged",
                source=source,
                hint="Build from the recording again: masters are MP3 files.",
            )
        tagged.write(tag)
        tagged.writelines(sound.pieces(master))


def read(path: Path) -> Tags:
    """Read the tags of an MP3; empty where it has none."""
    try:
        return _from_id3(id3.ID3(path))
    except id3.ID3NoHeaderError:
        return Tags()


def found(path: Path) -> Found:
    """Read all that `copy` wrote."""
    tag = id3.ID3(path)
    pictures = tuple(bytes(frame.data) for frame in tag.getall("APIC"))
    return Found(tags=_from_id3(tag), pictures=pictures, sound_sha256=sound_sha256(path))


def sound_sha256(path: Path) -> str:
    """Hash the sound of an MP3 without its tags."""
    return sound.audio_sha256(path)


def _tag_bytes(tags: Tags, cover: Picture | None, settings: TagSettings) -> bytes:
    tag = id3.ID3()
    tag.add(id3.PCST(value=1))
    language = tags.language or wording.UNDETERMINED
    for row in TAGS:
        value = getattr(tags, row.field)
        if value is not None:
            tag.add(_frame(row.id3, str(value), language))
    for frame in _chapter_frames(tags):
        tag.add(frame)
    if cover is not None:
        tag.add(_picture_frame(cover))
    if settings.id3_version == "2.3":
        tag.update_to_v23()
    file = BytesIO()
    tag.save(file, v1=0, v2_version=int(settings.id3_version[-1]), padding=lambda _: 0)
    return file.getvalue()


def _frame(frame_id: str, value: str, language: str) -> Any:
    kind = id3.Frames[frame_id]
    if issubclass(kind, id3.UrlFrame):
        return kind(url=value)
    if frame_id == "COMM":
        return kind(encoding=id3.Encoding.UTF8, lang=language, desc="", text=[value])
    return kind(encoding=id3.Encoding.UTF8, text=[value])


def _chapter_frames(tags: Tags) -> list[Any]:
    if not tags.chapters:
        return []
    starts_ms = [chapter.start_ms for chapter in tags.chapters]
    ends_ms = [*starts_ms[1:], max(tags.duration_ms or 0, starts_ms[-1])]
    frames = [
        _chapter_frame(f"ch{number}", chapter, end_ms)
        for number, (chapter, end_ms) in enumerate(zip(tags.chapters, ends_ms, strict=True))
    ]
    flags = id3.CTOCFlags.TOP_LEVEL | id3.CTOCFlags.ORDERED
    children = [frame.element_id for frame in frames]
    return [id3.CTOC(element_id="toc", flags=flags, child_element_ids=children, sub_frames=[]), *frames]


def _chapter_frame(element_id: str, chapter: Chapter, end_ms: int) -> Any:
    parts = [id3.TIT2(encoding=id3.Encoding.UTF8, text=[chapter.title])]
    if chapter.url is not None:
        parts.append(id3.WXXX(encoding=id3.Encoding.UTF8, desc="", url=chapter.url))
    return id3.CHAP(
        element_id=element_id,
        start_time=chapter.start_ms,
        end_time=end_ms,
        start_offset=0xFFFFFFFF,
        end_offset=0xFFFFFFFF,
        sub_frames=parts,
    )


def _picture_frame(cover: Picture) -> Any:
    return id3.APIC(
        encoding=id3.Encoding.UTF8,
        mime=cover.mime,
        type=id3.PictureType.COVER_FRONT,
        desc=wording.line(cover.alt) or "",
        data=cover.path.read_bytes(),
    )


def _from_id3(found: Any) -> Tags:
    read_values: dict[str, Any] = {}
    for row in TAGS:
        frames = found.getall(row.id3)
        text = _frame_text(frames[0]) if frames else None
        read_values[row.field] = _number(text) if row.field in NUMBERS else text
    return Tags(**read_values, chapters=_chapters(found))


def _frame_text(frame: Any) -> str | None:
    text = frame.url if isinstance(frame, id3.UrlFrame) else "\n".join(str(part) for part in frame.text)
    return str(text) or None


def _number(text: str | None) -> int | None:
    found = re.match("[0-9]{1,10}", text or "")
    return int(found[0]) if found else None


def _chapters(found: Any) -> tuple[Chapter, ...]:
    order = {name: place for toc in found.getall("CTOC") for place, name in enumerate(toc.child_element_ids)}
    frames = [frame for frame in found.getall("CHAP") if frame.element_id in order]
    return tuple(_chapter(frame) for frame in sorted(frames, key=lambda frame: order[frame.element_id]))


def _chapter(frame: Any) -> Chapter:
    titles, links = frame.sub_frames.getall("TIT2"), frame.sub_frames.getall("WXXX")
    return Chapter(
        start_ms=int(frame.start_time),
        title=(_frame_text(titles[0]) or "") if titles else "",
        url=_frame_text(links[0]) if links else None,
    )
