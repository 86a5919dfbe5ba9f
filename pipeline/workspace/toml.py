"""Typed reading of a TOML file against a table of keys: values out, and every problem at once; and values written."""

import difflib
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from pipeline.model import Problem
from pipeline.workspace.keys import Key, Section

MAX_BYTES = 1_000_000
MAX_MS = 100 * 3_600_000
MINUTE = 60
CLOCK = re.compile(r"(?:([0-9]{1,2}):)?([0-9]{1,3}):([0-9]{1,2}(?:\.[0-9]{1,3})?)")
Table = dict[str, Any]


def milliseconds(value: object) -> int | None:
    """Turn a time within a recording, as people write it, into ms; None where it is none.

    Args:
        value: a number of seconds, "12:30", "1:12:30.5", or what TOML makes of 01:12:30 without quotes.
    """
    if isinstance(value, time):
        value = value.isoformat()[: len("00:00:00.000")]
    if isinstance(value, str):
        found = CLOCK.fullmatch(value.strip())
        if not found or float(found[3]) >= MINUTE or (found[1] and int(found[2]) >= MINUTE):
            return None
        value = int(found[1] or 0) * MINUTE * MINUTE + int(found[2]) * MINUTE + float(found[3])
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_MS / 1000:
        return None
    return round(value * 1000)


_HOLDS: dict[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "whole number": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "time": lambda value: milliseconds(value) is not None,
    "true or false": lambda value: isinstance(value, bool),
    "date": lambda value: isinstance(value, date) and not isinstance(value, datetime),
    "date and time": lambda value: isinstance(value, datetime),
    "list of texts": lambda value: isinstance(value, list) and all(isinstance(entry, str) for entry in value),
    "table": lambda value: isinstance(value, dict),
}
_EXAMPLES = {
    "text": 'text in quotes, such as "North West"',
    "whole number": "a whole number without quotes, such as 3",
    "number": "a number without quotes, such as -16.0",
    "time": 'a time within the recording, such as "12:30" or "1:02:03.5", or a number of seconds',
    "true or false": "true or false, without quotes",
    "date": "a date without quotes, such as 2026-09-15",
    "date and time": "a date and time without quotes, such as 2026-10-01T07:00:00+01:00",
    "list of texts": 'a list of texts, such as ["referrals", "waiting times"]',
    "table": 'a table in braces, such as { scope = ["voice"], recorded_on = 2026-09-15 }',
}


@dataclass(slots=True)
class Reading:
    """What a file held, key by key, and what was wrong with it. `many` sections are lists of tables."""

    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read(path: Path, source: str, sections: tuple[Section, ...]) -> Reading:
    """Read a TOML file and hold it against `sections`.

    Args:
        path: the file.
        source: its name in problems.
        sections: what it may hold.

    Returns:
        Values by section name (defaults filled in); where there is a fatal problem, values may be missing.
    """
    try:
        return _Checker(source).sections(_load(path), sections)
    except tomllib.TOMLDecodeError as error:
        message = f"is not valid TOML: {_plain(error)}"
        hint = "Correct that line; a text needs quotes, and a list needs brackets and commas."
    except UnicodeDecodeError:
        message, hint = "is not a UTF-8 text file", "Save it again as UTF-8 (in Notepad: Save as, Encoding, UTF-8)."
    except OSError as error:
        message, hint = f"cannot be read: {error.strerror}", "Check that it is there and that you may read it."
    except ValueError as error:
        message, hint = str(error), "Put the right file in its place."
    return Reading(problems=[Problem(source=source, message=message, hint=hint)])


def _load(path: Path) -> Table:
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"is larger than {MAX_BYTES:,} bytes: this cannot be a settings file")
    return tomllib.loads(data.decode("utf-8-sig").replace("\r\n", "\n"))


def _plain(error: tomllib.TOMLDecodeError) -> str:
    text = str(error)
    return text[:1].lower() + text[1:]


def suggestion(word: str, known: Iterable[str]) -> str:
    """Ask "did you mean …?" for a word near a known one, else list the known ones."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return f"Did you mean {near[0]}?" if near else f"It may hold: {', '.join(names)}."


class _Checker:
    def __init__(self, source: str) -> None:
        self.source = source
        self.reading = Reading()

    def problem(self, message: str, hint: str) -> None:
        self.reading.problems.append(Problem(source=self.source, message=message, hint=hint))

    def sections(self, table: Table, sections: tuple[Section, ...]) -> Reading:
        top = next((section for section in sections if not section.name), None)
        named = {section.name: section for section in sections if section.name}
        flat = {name: value for name, value in table.items() if name not in named}
        if top is not None:
            self.reading.values[""] = self._table(flat, top.keys, named, "")
        else:
            self._unknown(flat, named, "")
        for name, section in named.items():
            self._section(table.get(name), section)
        return self.reading

    def _section(self, value: Any, section: Section) -> None:
        shown = f"[[{section.name}]]" if section.many else f"[{section.name}]"
        if value is None and section.required:
            self.problem(f"has no {shown}", f"Add {shown}: {section.doc}")
        elif section.many and isinstance(value or [], list) and all(isinstance(entry, dict) for entry in value or []):
            self.reading.values[section.name] = [
                self._table(entry, section.keys, (), f"{section.name} {index}: ")
                for index, entry in enumerate(value or [], 1)
            ]
        elif not section.many and isinstance(value or {}, dict):
            self.reading.values[section.name] = self._table(value or {}, section.keys, (), f"{section.name}.")
        else:
            self.problem(f"{section.name} is not a section", f"Write it as {shown} on a line of its own.")

    def _unknown(self, table: Table, known: Iterable[str], place: str) -> None:
        names = tuple(known)
        for name in table:
            if name not in names:
                self.problem(f"does not know the key {place}{name}", suggestion(name, names))

    def _table(self, table: Table, keys: tuple[Key, ...], also_known: Iterable[str], place: str) -> Table:
        self._unknown(table, [*(key.name for key in keys), *also_known], place)
        return {key.name: self._value(table, key, f"{place}{key.name}") for key in keys}

    def _value(self, table: Table, key: Key, place: str) -> Any:
        if key.name not in table:
            if key.required:
                self.problem(f"{place} is missing", f"Add it: {key.doc}")
            return key.default
        value = table[key.name]
        if not _HOLDS[key.kind](value):
            self.problem(f"{place} is {_shown(value)}", f"Write {_EXAMPLES[key.kind]}.")
            return key.default
        if key.kind == "table":
            return self._table(value, key.keys, (), f"{place}.")
        return value if self._within(value, key, place) else key.default

    def _within(self, value: Any, key: Key, place: str) -> bool:
        before = len(self.reading.problems)
        if key.required and isinstance(value, str) and not value.strip():
            self.problem(f"{place} is empty", key.doc)
        for entry in value if isinstance(value, list) else [value]:
            if key.choices and str(entry) not in key.choices:
                self.problem(f"{place} is {_shown(entry)}", f"Choose one of: {', '.join(key.choices)}.")
        if key.pattern and not re.fullmatch(key.pattern, value):
            self.problem(f"{place} is {_shown(value)}", f"It must be {key.pattern_meaning}.")
        size = len(value) if isinstance(value, str) else value
        if key.maximum is not None and size > key.maximum:
            self.problem(f"{place} is {_over(value)}", f"The most is {key.maximum:g}.")
        if key.minimum is not None and size < key.minimum:
            self.problem(f"{place} is {_shown(value)}", f"The least is {key.minimum:g}.")
        return len(self.reading.problems) == before


def _over(value: Any) -> str:
    return f"{len(value):,} characters long" if isinstance(value, str) else _shown(value)


def _shown(value: Any) -> str:
    text = f'"{value}"' if isinstance(value, str) else "a list" if isinstance(value, list) else str(value)
    text = {"True": "true", "False": "false"}.get(text, text)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - one line of a terminal


def table_lines(name: str, table: Mapping[str, Any]) -> list[str]:
    """Write one `[[name]]` table, a line for each value that is not None."""
    values = [f"{key} = {written(value)}" for key, value in table.items() if value is not None]
    return ["", f"[[{name}]]", *values]


def written(value: Any) -> str:
    """Write a value as TOML."""
    if isinstance(value, dict):
        held = (f"{key} = {written(entry)}" for key, entry in value.items() if entry is not None)
        return f"{{ {', '.join(held)} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)
