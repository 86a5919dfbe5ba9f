"""A transcript as JSON enters, its cues leave: Podcasting 2.0's form, or a recogniser's own."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from statistics import median
from typing import Any

from pipeline.errors import WordsError
from pipeline.model import Cue
from pipeline.words.cleaning import clean_line, decode
from pipeline.words.repairs import Repairs

MAX_BYTES = 60_000_000  # word by word, with what a recogniser thinks of each
LONGEST_S = 1_000_000

_HINT = "Export the transcript again, or as .vtt."
_CLOCK = re.compile(r"(?:[0-9]{1,6}:){0,2}[0-9]{1,7}(?:[.,][0-9]{1,9})?")
_FEW_WORDS = 2
_PAUSE_MS = 1_000
_CUE_MS = 7_000
_CUE_CHARACTERS = 120
_ENDS = (".", "!", "?", "\u2026")


def read_segments(data: bytes, *, source: Path, repairs: Repairs) -> tuple[Cue, ...]:
    """Read segments, ascending by start.

    Args:
        data: an object with `segments`, or their list: `startTime`, `endTime` and `body` as Podcasting 2.0 has them, or
            `start`, `end` and `text` as Whisper writes them; times in seconds; `speaker` where one is known.
        source: the file, for messages.
        repairs: hears what was put right.

    Raises:
        WordsError: it is no such file, or a segment of it has words without a time.

    Source:
        Podcasting 2.0, transcript JSON 1.0.0.
    """
    rows = _rows(data, source)
    cues: list[Cue] = []
    for number, row in enumerate(rows, start=1):
        texts = [row.get("body"), row.get("text")]
        words = next((clean_line(each) for each in texts if isinstance(each, str)), "")
        if not words and any(each is not None and not isinstance(each, str) for each in texts):
            repairs.note(1, "no text", f"segment {number} was left out: what it says is no text")
        if not words:
            continue
        start_ms = _ms(row.get("startTime", row.get("start")))
        end_ms = _ms(row.get("endTime", row.get("end")))
        if start_ms is None:
            raise WordsError(f"segment {number} has words and no time at which they start", source=source, hint=_HINT)
        speaker = row.get("speaker")
        name = clean_line(speaker) if isinstance(speaker, str) else ""
        cues.append(Cue(start_ms=start_ms, end_ms=-1 if end_ms is None else end_ms, text=words, speaker=name or None))
    if not cues:
        raise WordsError("holds no segment with words", source=source, hint=_HINT)
    ordered = list(_with_ends(sorted(cues, key=lambda cue: cue.start_ms)))
    if median(cue.text.count(" ") + 1 for cue in ordered) <= _FEW_WORDS and len(ordered) > _FEW_WORDS:
        repairs.note(1, "joined", "the segments are single words; they were joined into cues")
        return tuple(_joined(ordered))
    return tuple(ordered)


def _rows(data: bytes, source: Path) -> list[Mapping[str, Any]]:
    text = decode(data, source=source, limit=MAX_BYTES)
    try:
        document = json.loads(text, parse_float=Decimal, parse_constant=lambda _: None)
    except json.JSONDecodeError as error:
        raise WordsError(f"line {error.lineno}: is not JSON: {error.msg}", source=source, hint=_HINT) from error
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise WordsError("is not JSON", source=source, hint=_HINT) from error
    rows = document.get("segments") if isinstance(document, dict) else document
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise WordsError("is not JSON with segments", source=source, hint=_HINT)
    return rows


def _ms(value: object) -> int | None:
    if isinstance(value, str):
        return _clock_ms(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value <= LONGEST_S:
        return None
    return round(value * 1000)


def _clock_ms(text: str) -> int | None:
    if not _CLOCK.fullmatch(text.strip()):
        return None
    total = Decimal(0)
    for field in text.strip().replace(",", ".").split(":"):
        total = total * 60 + Decimal(field)
    return round(total * 1000) if total <= LONGEST_S else None


def _with_ends(cues: list[Cue]) -> Iterator[Cue]:
    for index, cue in enumerate(cues):
        if cue.end_ms > cue.start_ms:
            yield cue
            continue
        after_ms = cues[index + 1].start_ms if index + 1 < len(cues) else 0
        end_ms = min(after_ms, cue.start_ms + _CUE_MS) if after_ms > cue.start_ms else cue.start_ms + 1
        yield replace(cue, end_ms=end_ms)


def _joined(cues: list[Cue]) -> Iterator[Cue]:
    cue = cues[0]
    for word in cues[1:]:
        ended = cue.text.endswith(_ENDS) and word.start_ms - cue.start_ms >= _CUE_MS // 3
        too_long = word.end_ms - cue.start_ms > _CUE_MS or len(cue.text) + len(word.text) >= _CUE_CHARACTERS
        if ended or too_long or word.speaker != cue.speaker or word.start_ms - cue.end_ms >= _PAUSE_MS:
            yield cue
            cue = word
        else:
            space = "" if word.text[0] in ",.!?;:" else " "  # some programs give punctuation a segment of its own
            cue = replace(cue, end_ms=max(cue.end_ms, word.end_ms), text=f"{cue.text}{space}{word.text}")
    yield cue
