"""The bytes of chapters.toml enter, Chapters leave; Chapters enter, the bytes of a JSON chapters file leave."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import time
from decimal import Decimal
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline.errors import WordsError
from pipeline.model import Chapter, clock
from pipeline.words.cleaning import clean_line, decode
from pipeline.words.timing import stamp

CHAPTERS_JSON_VERSION = "1.2.0"

_MAX_BYTES = 1_000_000
_MAX_SECONDS = 100 * 3600
_KEYS = ("start", "title", "url", "image")
_IMAGE = re.compile(r"[^/\\\x00-\x1f]+\.(?i:jpe?g|png)")
_START = re.compile(r"(?:(?:([0-9]{1,2}):)?([0-9]{1,3}):)?([0-9]{1,6}(?:\.[0-9]{1,3})?)")
_MINUTE = 60


def read_chapters(data: bytes, *, source: Path) -> tuple[Chapter, ...]:
    """Read the chapters of an episode.

    Args:
        data: the whole of chapters.toml: tables `[[chapters]]` with `start` (`"00:12:30.500"`, `"12:30"` or a number
            of seconds), `title` and perhaps `url` (http or https) and `image` (a JPEG or PNG file beside it).
        source: its path, for messages.

    Returns:
        The chapters, ascending by start, no two at the same time.

    Raises:
        WordsError: not TOML, an unknown or missing key, a value of the wrong kind, or chapters out of order; the
            message says which chapter.
    """
    rows = _rows(_parsed(data, source), source)
    chapters = tuple(_chapter(row, f"chapter {number}", source) for number, row in enumerate(rows, start=1))
    for number, (before, after) in enumerate(pairwise(chapters), start=2):
        if after.start_ms <= before.start_ms:
            raise WordsError(
                f"chapter {number} starts at {clock(after.start_ms)}, not after chapter {number - 1}"
                f" ({clock(before.start_ms)})",
                source=source,
                hint="Put the chapters in the order of their start times",
            )
    return chapters


def chapters_json(chapters: tuple[Chapter, ...]) -> bytes:
    """Write chapters as players fetch them.

    Args:
        chapters: ascending by start, ms from the start of the master.

    Returns:
        UTF-8 JSON; start times in seconds.

    Source:
        Podcasting 2.0, JSON chapters 1.2.0.
    """
    rows = [
        {
            "startTime": chapter.start_ms / 1000,
            "title": clean_line(chapter.title),
            **({"url": chapter.url} if chapter.url else {}),
            **({"img": chapter.image_url} if chapter.image_url else {}),
        }
        for chapter in chapters
    ]
    document = {"version": CHAPTERS_JSON_VERSION, "chapters": rows}
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def chapters_toml(chapters: Iterable[Chapter], *, remarks: Iterable[str] = ()) -> str:
    """Write chapters as `read_chapters` reads them, for a person to edit.

    Args:
        chapters: ascending by start; times are written to the millisecond.
        remarks: lines of comment to begin with.
    """
    lines = [f"# {clean_line(remark)}" for remark in remarks]
    for chapter in chapters:
        values = {"start": stamp(chapter.start_ms, "."), "title": chapter.title, "url": chapter.url}
        values["image"] = chapter.image.name if chapter.image else None
        lines += ["", "[[chapters]]", *(f"{key} = {_quoted(value)}" for key, value in values.items() if value)]
    return "\n".join(lines).lstrip("\n") + "\n"


def _quoted(text: str) -> str:
    return json.dumps(clean_line(text), ensure_ascii=False)  # a basic string of TOML, once controls are gone


def _parsed(data: bytes, source: Path) -> dict[str, Any]:
    text = decode(data, source=source, limit=_MAX_BYTES).replace("\r\n", "\n")
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of thousands of digits
        raise WordsError(
            f"the file is not valid TOML: {clean_line(str(error))}",
            source=source,
            hint='Put texts and times in double quotes, as in title = "Welcome"',
        ) from error


def _rows(document: dict[str, Any], source: Path) -> list[dict[str, Any]]:
    _refuse_unknown(document, ("chapters",), "the file", source)
    rows = document.get("chapters", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise WordsError(
            "chapters is not a list of tables", source=source, hint="Begin each chapter with a line [[chapters]]"
        )
    return rows


def _chapter(row: Mapping[str, Any], name: str, source: Path) -> Chapter:
    _refuse_unknown(row, _KEYS, name, source)
    title, url = row.get("title"), row.get("url")
    if not isinstance(title, str) or not clean_line(title):
        raise WordsError(f"{name} has no title", source=source, hint='Add a line such as title = "The pilot"')
    if url is not None and not _is_web_address(url):
        raise WordsError(
            f"{name} has a url that is not a web address: {_shown(url)}",
            source=source,
            hint="Give an address that starts with https://, or delete the line",
        )
    start_ms = _start_ms(row.get("start"))
    if start_ms is None:
        raise WordsError(
            f"{name} has no usable start: {_shown(row.get('start'))}",
            source=source,
            hint='Give it as hours, minutes and seconds, such as start = "00:12:30.500"',
        )
    return Chapter(start_ms=start_ms, title=clean_line(title), url=url, image=_image(row.get("image"), name, source))


def _image(value: object, name: str, source: Path) -> Path | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _IMAGE.fullmatch(value):
        raise WordsError(
            f"{name} has an image that is not a file name: {_shown(value)}",
            source=source,
            hint="Name a JPEG or PNG file in the episode's folder, without a path",
        )
    return source.with_name(value)


def _refuse_unknown(table: Mapping[str, Any], known: Iterable[str], name: str, source: Path) -> None:
    allowed = tuple(known)
    for key in table:
        if key not in allowed:
            close = get_close_matches(key, allowed, n=1, cutoff=0.5)
            hint = f"Did you mean {close[0]}?" if close else f"Use only: {', '.join(allowed)}"
            raise WordsError(f"{name} has an unknown key {clean_line(key)[:40]!r}", source=source, hint=hint)


def _shown(value: object) -> str:
    # No str() of a foreign number: one of thousands of digits raises.
    return repr(value[:60]) if isinstance(value, str) else f"a value of type {type(value).__name__}"


def _is_web_address(url: object) -> bool:
    if not isinstance(url, str) or any(character.isspace() or not character.isprintable() for character in url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _start_ms(value: object) -> int | None:
    seconds = _seconds(value)
    if seconds is None or not seconds.is_finite() or not 0 <= seconds <= _MAX_SECONDS:
        return None
    return round(seconds * 1000)


def _seconds(value: object) -> Decimal | None:
    if isinstance(value, time):  # what TOML makes of a time without quotes
        value = value.isoformat()[: len("00:00:00.000")]
    if isinstance(value, str):
        match = _START.fullmatch(value.strip())
        return _clock_seconds(*match.groups()) if match else None
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def _clock_seconds(hours: str | None, minutes: str | None, seconds: str) -> Decimal | None:
    total = Decimal(seconds)
    if (minutes and total >= _MINUTE) or (hours and int(minutes or 0) >= _MINUTE):
        return None
    return total + _MINUTE * int(minutes or 0) + _MINUTE * _MINUTE * int(hours or 0)
