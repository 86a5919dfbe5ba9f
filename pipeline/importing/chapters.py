"""Chapters as other hosts write them enter (JSON, lines of text), Chapters leave; or the text of chapters.toml."""

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from pipeline.errors import IngestError
from pipeline.importing.web import is_web_address
from pipeline.model import Chapter

LEAST = 3
LONGEST_MS = 100 * 3_600_000
MAX_CHAPTERS = 1_000

_CLOCK = r"(?:\d{1,2}:)?\d{1,3}:\d{2}"
_LINE = re.compile(rf"\W{{0,3}}({_CLOCK})\b[)\]]?\s*[-–—:|.]*\s*(\S.*)")  # noqa: RUF001 (dashes people type)
_START = re.compile(r"(?:(?:(\d{1,4}):)?(\d{1,6}):)?(\d{1,7}(?:\.\d{1,9})?)")


def start_ms(text: str) -> int | None:
    """Read a time, `1:02:03.500`, `62:03` or seconds, as milliseconds; None where it is none."""
    found = _START.fullmatch(text.strip())
    if found is None:
        return None
    hours, minutes, seconds = (Decimal(part or 0) for part in found.groups())
    time_ms = round(((hours * 60 + minutes) * 60 + seconds) * 1000)
    return time_ms if time_ms <= LONGEST_MS else None


def in_order(chapters: Iterable[Chapter]) -> tuple[Chapter, ...]:
    """Put chapters in order; of two at the same time, the first stays."""
    starts: dict[int, Chapter] = {}
    for chapter in chapters:
        starts.setdefault(chapter.start_ms, chapter)
    return tuple(starts[start] for start in sorted(starts))[:MAX_CHAPTERS]


def in_text(*texts: str) -> tuple[Chapter, ...]:
    """Find the chapters in the first of the texts that has any: lines that begin with a time.

    Apps take such lines for chapters where there are at least three, ascending, and the first is at 0.
    """
    for text in texts:
        found = [
            Chapter(start_ms=start, title=" ".join(match[2].split()))
            for line in text.splitlines()
            if (match := _LINE.fullmatch(line.strip())) and (start := start_ms(match[1])) is not None
        ]
        starts = [chapter.start_ms for chapter in found]
        if len(found) >= LEAST and starts[0] == 0 and starts == sorted(set(starts)):
            return tuple(found)[:MAX_CHAPTERS]
    return ()


def from_json(data: bytes) -> tuple[Chapter, ...]:
    """Read a chapters file; chapters that are not for a table of contents, or have no title, are left out.

    Raises:
        IngestError: it is none.

    Source:
        Podcasting 2.0, JSON chapters 1.2.0.
    """
    rows = json_rows(data, "chapters")
    return in_order(chapter for row in rows if row.get("toc") is not False if (chapter := _chapter(row)) is not None)


def json_rows(data: bytes, name: str) -> list[Mapping[str, Any]]:
    """Read the list `name` of a JSON object, times as exact decimals.

    Raises:
        IngestError: it is no such file.
    """
    try:
        document = json.loads(data.decode("utf-8-sig"), parse_float=Decimal, parse_constant=lambda _: None)
        rows = document[name]
    except (ValueError, KeyError, TypeError, RecursionError, InvalidOperation) as error:
        raise IngestError(f"is not JSON with {name}") from error
    if not isinstance(rows, list):
        raise IngestError(f"is not JSON with {name}")
    return [row for row in rows if isinstance(row, dict)]


def json_ms(value: object) -> int | None:
    """Read a time in seconds, a number or the text of one, as milliseconds."""
    if isinstance(value, str):
        return start_ms(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value <= LONGEST_MS // 1000:
        return None
    return round(value * 1000)


def toml(chapters: tuple[Chapter, ...]) -> str:
    """Write chapters.toml."""
    parts = []
    for chapter in chapters:
        lines = ["[[chapters]]", f'start = "{_clock(chapter.start_ms)}"', f"title = {quoted(chapter.title)}"]
        parts.append("\n".join([*lines, *([f"url = {quoted(chapter.url)}"] if chapter.url else []), ""]))
    return "\n".join(parts)


def quoted(text: str) -> str:
    """Write a text as TOML."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _chapter(row: Mapping[str, Any]) -> Chapter | None:
    start, title, url = json_ms(row.get("startTime")), row.get("title"), row.get("url")
    title = " ".join(title.split()) if isinstance(title, str) else ""
    if start is None or not title:
        return None
    return Chapter(start_ms=start, title=title, url=url if isinstance(url, str) and is_web_address(url) else None)


def _clock(time_ms: int) -> str:
    seconds, thousandths = divmod(time_ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{thousandths:03}"
