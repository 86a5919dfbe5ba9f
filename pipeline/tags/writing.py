"""Tags enter, a tagged file leaves, copied from one without; or a file's tags are read: mutagen is used here."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import mutagen

from pipeline.errors import TagError
from pipeline.model import Picture, TagSettings
from pipeline.tags import m4a, mp3, opus
from pipeline.tags.cleaning import cleaned
from pipeline.tags.table import Found, Tags

MOST_CHAPTERS = 255
MARK_BYTES = 8


def write(source: Path, destination: Path, tags: Tags, *, cover: Picture | None, settings: TagSettings) -> None:
    """Copy sound to `destination` with these tags and no others, and read them back.

    Args:
        source: an MP3, M4A or Opus file, told apart by its content; tags of its own are left behind.
        destination: replaced only when the new file is complete and proved.
        tags: what to write; text is cleaned as `tags.values` cleans it. What a format has no place for is left out.
        cover: the picture for the front cover, a JPEG or PNG file.
        settings: the version of ID3, for an MP3.

    Raises:
        TagError: source is none of these, the disk is full, there are no rights, or the tags do not read back as
            written.

    Source:
        Named beside `copy` of each format's module. The same input gives the same bytes.
    """
    tags = cleaned(tags)
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


def _refuse_too_many_chapters(source: Path, tags: Tags) -> None:
    if len(tags.chapters) > MOST_CHAPTERS:
        raise TagError(
            f"{len(tags.chapters)} chapters, but a file holds at most {MOST_CHAPTERS}",
            source=source,
            hint="Join chapters until there are fewer.",
        )


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
