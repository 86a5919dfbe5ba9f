"""An item enters; its description in plain text and its notes in HTML, as feeds carry them, leave."""

import re
from html import escape

from pipeline.feed import wording
from pipeline.feed.archive import settings_of
from pipeline.model import Chapter, Item, clock

DESCRIPTION_BYTES = 4_000

_CHAPTERS_BYTES = 3_000  # the rest of a description is kept for the summary
_CHAPTERS_LEAST = 3
_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")


def plain(item: Item) -> str:
    """Write an item's description: the summary, then the chapters' times, in at most DESCRIPTION_BYTES.

    Source:
        PSP-1; Apple's and Spotify's chapters in descriptions: the first at 0, three at least.
    """
    tail = _tail(item)
    return wording.shorten(_summary(item), DESCRIPTION_BYTES - len(tail.encode())) + tail


def html(item: Item) -> str:
    """Write an item's notes, with what the description has no room for before and behind them; may be empty."""
    summary, tail, times = _summary(item), _tail(item), timestamps(item.episode.chapters)
    whole = len(summary.encode()) + len(tail.encode()) <= DESCRIPTION_BYTES
    parts = ("" if whole else _paragraphs(summary), wording.clean(item.notes_html), "" if tail else _paragraphs(times))
    return "\n".join(part for part in parts if part)


def timestamps(chapters: tuple[Chapter, ...]) -> str:
    """Write chapters as lines of a time, in whole seconds, and a title; nothing where apps would not take them."""
    if len(chapters) < _CHAPTERS_LEAST or chapters[0].start_ms != 0:
        return ""
    lines = (f"{clock(chapter.start_ms)} {wording.line(chapter.title)}" for chapter in chapters)
    return "\n".join(line.rstrip() for line in lines)


def _summary(item: Item) -> str:
    return wording.clean(item.episode.summary or "") or wording.needed(
        item.episode.title, "title", settings_of(item.episode)
    )


def _tail(item: Item) -> str:
    times = timestamps(item.episode.chapters)
    return f"\n\n{times}" if times and len(times.encode()) <= _CHAPTERS_BYTES else ""


def _paragraphs(text: str) -> str:
    paragraphs = (escape(part, quote=False).replace("\n", "<br>") for part in _PARAGRAPHS.split(text) if part)
    return "\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
