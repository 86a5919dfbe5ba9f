"""A master and what is known of its episode enter, a tagged MP3 leaves; mutagen lives here and nowhere else."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import mutagen
import mutagen.id3

from pipeline.errors import TagError
from pipeline.model import FEED_KEY, Chapter, Episode, Picture, Show, TagSettings, clock
from pipeline.tags import sound, wording

id3: Any = mutagen.id3  # half of it is typed, so none of it is

TABLE_VERSION = "2"
MOST_CHAPTERS = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """What a tagged file says of itself; None where it says nothing.

    date: ISO 8601, `YYYY-MM-DD`. language: ISO 639-2. duration_ms: where the last chapter ends. chapters: ascending.
    """

    title: str | None = None
    artist: str | None = None
    album: str | None = None
    album_artist: str | None = None
    date: str | None = None
    track: int | None = None
    season: int | None = None
    genre: str | None = None
    language: str | None = None
    comment: str | None = None
    description: str | None = None
    copyright: str | None = None
    category: str | None = None
    keywords: str | None = None
    guid: str | None = None
    feed_url: str | None = None
    page_url: str | None = None
    site_url: str | None = None
    duration_ms: int | None = None
    chapters: tuple[Chapter, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of TAGS: a field of Tags and what each format calls it."""

    field: str
    id3: str


TAGS: tuple[Row, ...] = (
    Row(field="title", id3="TIT2"),
    Row(field="artist", id3="TPE1"),
    Row(field="album", id3="TALB"),
    Row(field="album_artist", id3="TPE2"),
    Row(field="date", id3="TDRC"),
    Row(field="track", id3="TRCK"),
    Row(field="season", id3="TPOS"),
    Row(field="genre", id3="TCON"),
    Row(field="language", id3="TLAN"),
    Row(field="comment", id3="COMM"),
    Row(field="description", id3="TDES"),
    Row(field="copyright", id3="TCOP"),
    Row(field="category", id3="TCAT"),
    Row(field="keywords", id3="TKWD"),
    Row(field="guid", id3="TGID"),
    Row(field="feed_url", id3="WFED"),
    Row(field="page_url", id3="WOAF"),
    Row(field="site_url", id3="WOAS"),
    Row(field="duration_ms", id3="TLEN"),
)
NUMBERS = frozenset({"track", "season", "duration_ms"})
ADDRESSES = frozenset({"feed_url", "page_url", "site_url"})
TEXTS = frozenset({"comment", "description"})


def values(show: Show, episode: Episode, *, duration_ms: int, page_url: str) -> Tags:
    """Gather what an episode's file says of itself. Nobody is named in it: the artist is the show's author.

    Args:
        show: the podcast.
        episode: the episode, complete or not.
        duration_ms: the length of the master.
        page_url: the public address of the episode's page.

    Returns:
        The tags, cleaned: no control characters, no line breaks outside the comment, nothing endless.

    Raises:
        TagError: a chapter starts after the sound ends.
    """
    _refuse_late_chapters(episode, duration_ms)
    day = episode.published.date() if episode.published else episode.recorded_on
    return _cleaned(
        Tags(
            title=episode.title,
            artist=show.author,
            album=show.title,
            album_artist=show.author,
            date=day.isoformat() if day else None,
            track=episode.number,
            season=episode.season,
            genre=show.tags.genre,
            language=wording.iso_639_2(episode.language or show.language),
            comment=episode.summary,
            description=episode.summary,
            copyright=_copyright(show.copyright, day.year if day else None),
            category=show.categories[0].name if show.categories else None,
            keywords=", ".join(episode.topics),
            guid=episode.guid,
            feed_url=show.url(FEED_KEY),
            page_url=page_url,
            site_url=show.site_url,
            duration_ms=duration_ms,
            chapters=episode.chapters,
        )
    )


def write(source: Path, destination: Path, tags: Tags, *, cover: Picture | None, settings: TagSettings) -> None:
    """Copy a master to `destination` with these tags and no others, and read them back.

    Args:
        source: an MP3; tags of its own are left behind.
        destination: replaced only when the new file is complete and proved.
        tags: what to write; text is cleaned as `values` cleans it.
        cover: the picture for the front cover, a JPEG or PNG file.
        settings: the version of ID3.

    Raises:
        TagError: source is not an MP3, the disk is full, there are no rights, or the tags do not read back as written.

    Source:
        ID3v2.3.0 and ID3v2.4.0 structure and native frames; ID3v2 Chapter Frame Addendum v1.0. No ID3v1, no APE, no
        padding, no unsynchronisation: the same input gives the same bytes.
    """
    tags = _cleaned(tags)
    _refuse_too_many_chapters(source, tags)
    partial = destination.with_name(f".{destination.name}.part")
    with _mapped(destination):
        tag = _tag_bytes(tags, cover, settings)
        destination.parent.mkdir(parents=True, exist_ok=True)
        try:
            audio_sha256 = _copy_with_tag(source, partial, tag)
            _prove(partial, destination, tags, cover, audio_sha256)
            partial.replace(destination)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def read(path: Path) -> Tags:
    """Read a file's tags; a file without a tag gives empty Tags.

    Args:
        path: an MP3 file.

    Returns:
        What it says, of the fields that Tags has.

    Raises:
        TagError: the file cannot be read, or its tag is damaged.
    """
    with _mapped(path):
        try:
            found = id3.ID3(path)
        except id3.ID3NoHeaderError:
            return Tags()
        return _from_id3(found)


def recipe(settings: TagSettings) -> dict[str, str]:
    """Name all that changes the result beside its input, for a cache key."""
    return {
        "tags": TABLE_VERSION,
        "mutagen": str(mutagen.version_string),
        "id3": settings.id3_version,
        "genre": settings.genre,
    }


def _refuse_late_chapters(episode: Episode, duration_ms: int) -> None:
    for number, chapter in enumerate(episode.chapters, 1):
        if chapter.start_ms >= duration_ms:
            raise TagError(
                f"chapter {number} starts at {clock(chapter.start_ms)}, after the sound ends ({clock(duration_ms)})",
                source=episode.path / "chapters.toml",
                hint="Move or remove the chapter, then build again.",
            )


def _refuse_too_many_chapters(source: Path, tags: Tags) -> None:
    if len(tags.chapters) > MOST_CHAPTERS:
        raise TagError(
            f"{len(tags.chapters)} chapters, but a file holds at most {MOST_CHAPTERS}",
            source=source,
            hint="Join chapters until there are fewer.",
        )


def _copyright(text: str | None, year: int | None) -> str | None:
    # ID3v2.4: the frame begins with a year and a space, and players put "Copyright (c)" before it.
    if not text or year is None:
        return None
    text = text.strip().removeprefix("\N{COPYRIGHT SIGN}").strip()
    return text if re.match("[0-9]{4} ", text) else f"{year:04} {text}"


def _cleaned(tags: Tags) -> Tags:
    chapters = (
        Chapter(start_ms=chapter.start_ms, title=wording.line(chapter.title) or "", url=wording.address(chapter.url))
        for chapter in tags.chapters
    )
    changes: dict[str, Any] = {row.field: _cleaned_value(row.field, getattr(tags, row.field)) for row in TAGS}
    return replace(tags, **changes, chapters=tuple(sorted(chapters, key=lambda chapter: chapter.start_ms)))


def _cleaned_value(field: str, value: str | int | None) -> str | int | None:
    if value is None or isinstance(value, int):
        return value
    if field in ADDRESSES:
        return wording.address(value)
    return wording.text(value) if field in TEXTS else wording.line(value)


@contextmanager
def _mapped(path: Path) -> Iterator[None]:
    try:
        yield
    except mutagen.MutagenError as error:
        raise TagError(
            f"the tags cannot be read or written: {error}",
            source=path,
            hint="Make the file again: delete .cache and build.",
        ) from error
    except OSError as error:
        raise TagError(
            f"the file cannot be read or written: {error.strerror or error}",
            source=error.filename or path,
            hint="Check that the disk has room, that you may write there and that no player has the file open.",
        ) from error


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


def _copy_with_tag(source: Path, partial: Path, tag: bytes) -> str:
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
    return sound.audio_sha256(source)


def _prove(path: Path, destination: Path, tags: Tags, cover: Picture | None, audio_sha256: str) -> None:
    found = id3.ID3(path)
    back = _from_id3(found)
    wrong = [field.name for field in fields(Tags) if getattr(back, field.name) != getattr(tags, field.name)]
    pictures = [frame.data for frame in found.getall("APIC")]
    if pictures != ([cover.path.read_bytes()] if cover else []):
        wrong.append("cover")
    if sound.audio_sha256(path) != audio_sha256:
        wrong.append("sound")
    if wrong:
        raise TagError(
            f"the tags do not read back as written: {', '.join(wrong)}",
            source=destination,
            hint="Build again; if it stays so, write what is named in plain words in cln_media.toml or episode.toml.",
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
