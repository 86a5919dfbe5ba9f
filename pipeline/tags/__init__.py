"""Sound and what is known of its episode enter, a tagged file leaves: MP3, M4A or Opus; mutagen lives in this room."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import mutagen

from pipeline.errors import TagError
from pipeline.model import FEED_KEY, Chapter, Episode, Picture, Show, TagSettings, clock
from pipeline.tags import m4a, mp3, opus, wording
from pipeline.tags.table import ADDRESSES, TAGS, TEXTS, Found, Row, Tags

__all__ = ["TAGS", "Row", "Tags", "read", "recipe", "values", "write"]

TABLE_VERSION = "2"
MOST_CHAPTERS = 255
MARK_BYTES = 8


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
    """Copy sound to `destination` with these tags and no others, and read them back.

    Args:
        source: an MP3, M4A or Opus file, told apart by its content; tags of its own are left behind.
        destination: replaced only when the new file is complete and proved.
        tags: what to write; text is cleaned as `values` cleans it. What a format has no place for is left out.
        cover: the picture for the front cover, a JPEG or PNG file.
        settings: the version of ID3, for an MP3.

    Raises:
        TagError: source is none of these, the disk is full, there are no rights, or the tags do not read back as
            written.

    Source:
        Named beside `copy` of each format's module. The same input gives the same bytes.
    """
    tags = _cleaned(tags)
    _refuse_too_many_chapters(source, tags)
    partial = destination.with_name(f".{destination.name}.part")
    with _mapped(destination):
        destination.parent.mkdir(parents=True, exist_ok=True)
        try:
            form = _format_of(source)
            form.copy(source, partial, tags, cover=cover, settings=settings)
            _prove(form.found(partial), form.kept(tags), cover, form.sound_sha256(source), destination)
            partial.replace(destination)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def read(path: Path) -> Tags:
    """Read a file's tags; a file without a tag gives empty Tags.

    Args:
        path: an MP3, M4A or Opus file.

    Returns:
        What it says, of the fields that Tags has.

    Raises:
        TagError: the file cannot be read, or its tag is damaged.
    """
    with _mapped(path):
        tags: Tags = _format_of(path).read(path)
        return tags


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


def _format_of(path: Path) -> ModuleType:
    with path.open("rb") as file:
        mark = file.read(MARK_BYTES)
    if mark.startswith(b"OggS"):
        return opus
    return m4a if mark[4:] == b"ftyp" else mp3


def _prove(back: Found, tags: Tags, cover: Picture | None, sound_sha256: str, destination: Path) -> None:
    wrong = [field.name for field in fields(Tags) if getattr(back.tags, field.name) != getattr(tags, field.name)]
    if back.pictures != ((cover.path.read_bytes(),) if cover else ()):
        wrong.append("cover")
    if back.sound_sha256 != sound_sha256:
        wrong.append("sound")
    if wrong:
        raise TagError(
            f"the tags do not read back as written: {', '.join(wrong)}",
            source=destination,
            hint="Build again; if it stays so, write what is named in plain words in cln_media.toml or episode.toml.",
        )
