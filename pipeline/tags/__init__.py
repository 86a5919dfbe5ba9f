"""Sound and what is known of its episode enter, a tagged file leaves: MP3, M4A or Opus; mutagen lives in this room."""

import re
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from pipeline import on_first_use
from pipeline.errors import TagError
from pipeline.model import FEED_KEY, Episode, Show, TagSettings, clock
from pipeline.tags import wording
from pipeline.tags.cleaning import cleaned
from pipeline.tags.table import TAGS, Row, Tags

if TYPE_CHECKING:
    from pipeline.tags.writing import read, write

__all__ = ["TAGS", "Row", "Tags", "read", "recipe", "values", "write"]

TABLE_VERSION = "2"


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
    return cleaned(
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


@cache
def recipe(settings: TagSettings) -> dict[str, str]:
    """Name all that changes the result beside its input, for a cache key."""
    return {
        "tags": TABLE_VERSION,
        "mutagen": version("mutagen"),
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


def _copyright(text: str | None, year: int | None) -> str | None:
    # ID3v2.4: the frame begins with a year and a space, and players put "Copyright (c)" before it.
    if not text or year is None:
        return None
    text = text.strip().removeprefix("\N{COPYRIGHT SIGN}").strip()
    return text if re.match("[0-9]{4} ", text) else f"{year:04} {text}"


__getattr__ = on_first_use(__name__, {"read": "writing", "write": "writing"})
