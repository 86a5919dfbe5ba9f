"""What a page sends enters, cues and chapters that can be written leave, or one sentence that says why not; pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from pipeline.errors import WordsError
from pipeline.model import Chapter, Cue, Part, clock
from pipeline.words.cleaning import clean_line

MOST_CUES = 50_000
MOST_CHAPTERS = 1_000
LONGEST_MS = 100 * 3_600_000
LONGEST_TEXT = 20_000
LONGEST_LABEL = 200
LONGEST_TITLE = 300
_DIGITS = 64
_RELOAD = "Download your text, and open the page anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person wants to be written. None: that part stays as it is.

    reviewed: the parts that they say are right; bases: the version of each part's file that their work began with.
    """

    cues: tuple[Cue, ...] | None
    chapters: tuple[Chapter, ...] | None
    reviewed: frozenset[Part]
    bases: Mapping[Part, str]


def read_wish(data: bytes) -> Wish:
    """Read what a page sends.

    Args:
        data: a JSON object with `cues` (rows of start, end, text and speaker, times in ms) and `chapters` (objects with
            start, title, url, image), each null where it is to stay; `reviewed` (a list of parts) and `versions`.

    Returns:
        It, with texts as every format can carry them; cues without words are left out.

    Raises:
        WordsError: it is not that, or times are out of order; the message says which.
    """
    try:
        sent = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _unusable("what the page sent is not JSON") from error
    if not isinstance(sent, dict):
        raise _unusable("what the page sent is not an object")
    return Wish(
        cues=_cues(sent.get("cues")),
        chapters=_chapters(sent.get("chapters")),
        reviewed=frozenset(part for part in Part if part in _texts(sent.get("reviewed"))),
        bases=_bases(sent.get("versions")),
    )


def _cues(rows: object) -> tuple[Cue, ...] | None:
    if rows is None:
        return None
    if not isinstance(rows, list) or len(rows) > MOST_CUES:
        raise _unusable(f"the cues are not a list of at most {MOST_CUES:,}")
    cues = tuple(_cue(number, row) for number, row in enumerate(rows, start=1))
    for number, (before, after) in enumerate(pairwise(cues), start=2):
        if after.start_ms < before.start_ms:
            raise _unusable(f"cue {number} ({clock(after.start_ms)}) starts before the one above it")
    spoken = tuple(cue for cue in cues if cue.text)
    if not spoken:
        raise WordsError("no words are left", hint="A transcript needs at least one cue with words.")
    return spoken


def _cue(number: int, row: object) -> Cue:
    if not isinstance(row, list) or len(row) != len(["start", "end", "text", "speaker"]):
        raise _unusable(f"cue {number} is not a start, an end, a text and a speaker")
    start_ms, end_ms, text, speaker = row
    if not _is_time(start_ms) or not _is_time(end_ms):
        raise _unusable(f"cue {number} has a time that is no whole number of milliseconds within 100 hours")
    if end_ms <= start_ms:
        raise _unusable(f"cue {number} ({clock(start_ms)}) does not end after it starts")
    if not isinstance(text, str) or not isinstance(speaker or "", str):
        raise _unusable(f"cue {number} ({clock(start_ms)}) is no text and speaker")
    if len(text) > LONGEST_TEXT:
        raise _too_long(f"cue {number} ({clock(start_ms)})", LONGEST_TEXT, "Split that cue")
    if len(speaker or "") > LONGEST_LABEL:
        raise _too_long(f"who speaks in cue {number} ({clock(start_ms)})", LONGEST_LABEL, "Put a role there")
    return Cue(start_ms=start_ms, end_ms=end_ms, text=clean_line(text), speaker=clean_line(speaker or "") or None)


def _chapters(rows: object) -> tuple[Chapter, ...] | None:
    if rows is None:
        return None
    if not isinstance(rows, list) or len(rows) > MOST_CHAPTERS:
        raise _unusable(f"the chapters are not a list of at most {MOST_CHAPTERS:,}")
    chapters = tuple(_chapter(number, row) for number, row in enumerate(rows, start=1))
    for number, (before, after) in enumerate(pairwise(chapters), start=2):
        if after.start_ms <= before.start_ms:
            raise _unusable(f"chapter {number} ({clock(after.start_ms)}) does not start after the one above it")
    return chapters


def _chapter(number: int, row: object) -> Chapter:
    if not isinstance(row, dict) or not _is_time(row.get("start")):
        raise _unusable(f"chapter {number} has no time of whole milliseconds within 100 hours")
    title, url, image = row.get("title"), row.get("url"), row.get("image")
    if not isinstance(title, str) or not clean_line(title) or len(title) > LONGEST_TITLE:
        hint = "Give it a title, or remove the chapter."
        raise WordsError(f"chapter {number} has no title of at most {LONGEST_TITLE} characters", hint=hint)
    for text in (url, image):
        if text is not None and (not isinstance(text, str) or len(text) > LONGEST_TEXT):
            raise _unusable(f"chapter {number} has an address or image that is no text")
    return Chapter(
        start_ms=row["start"], title=clean_line(title), url=url or None, image=Path(image) if image else None
    )


def _is_time(value: object) -> bool:
    return type(value) is int and 0 <= value <= LONGEST_MS


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _bases(value: Any) -> dict[Part, str]:
    sent = value if isinstance(value, dict) else {}
    bases = {part: sent.get(part) for part in (Part.TRANSCRIPT, Part.CHAPTERS)}
    if not all(isinstance(text, str) and len(text) <= _DIGITS for text in bases.values()):
        raise _unusable("the page does not say which files it was made from")
    return {part: str(text) for part, text in bases.items()}


def _too_long(what: str, most: int, hint: str) -> WordsError:
    return WordsError(f"{what} is longer than {most:,} characters", hint=f"{hint}, and save again.")


def _unusable(message: str) -> WordsError:
    return WordsError(message, hint=_RELOAD + ".")
