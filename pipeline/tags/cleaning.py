"""Tags enter, the same leave with every text in order; nothing is imported for it."""

from dataclasses import replace
from typing import Any

from pipeline.model import Chapter
from pipeline.tags import wording
from pipeline.tags.table import ADDRESSES, TAGS, TEXTS, Tags


def cleaned(tags: Tags) -> Tags:
    """Clean every text: no control characters, no line breaks outside the comment, nothing endless."""
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
