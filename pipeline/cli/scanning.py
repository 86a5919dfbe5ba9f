"""The command `scan`: any text file searched for what could identify a patient, nothing changed."""

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from pipeline import identifiers, words
from pipeline.cli.screen import Screen
from pipeline.errors import MediaError, WordsError, WorkspaceError
from pipeline.identifiers import Joined, People
from pipeline.model import Cue, Finding, Problem

_TRANSCRIPTS, _TEXTS, _ROWS = (".vtt", ".srt"), (".md", ".txt"), ".jsonl"
_MAX_BYTES = 20_000_000
_MAX_LINE_BYTES = 5_000_000
_AROUND = 40
_HEADINGS = ("Kind", "Severity", "Where", "Words")
_NO_MODEL = Problem(
    source="scan",
    message="names are only looked for next to words for patients, for want of the model",
    hint="Install cln-media[identifiers] to find more of them, or pass --no-names.",
    fatal=False,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    id: Any
    text: str
    line: int


def scan(path: Path, screen: Screen, *, as_json: bool, names: bool) -> bool:
    """Search a file, and print what is found.

    Args:
        path: a transcript (.vtt, .srt), words (.md, .txt) or rows (.jsonl, one {"id", "text"} a line).
        screen: where the answer goes.
        as_json: rows give a line of JSON each, other files one object; else a table is printed.
        names: whether names are also looked for with a model, where one is installed.

    Returns:
        Whether anything was found.

    Raises:
        WordsError: the file cannot be read as what its name says.
        WorkspaceError: there is no such file, or no right to read it.
    """
    people = identifiers.people() if names else None
    if names and people is None:
        screen.warn(_NO_MODEL)
    kind = path.suffix.lower()
    try:
        if kind == _ROWS:
            return _scan_rows(path, screen, people, as_json=as_json)
        if kind in _TRANSCRIPTS:
            return _scan_transcript(path, screen, people, as_json=as_json)
        if kind in _TEXTS:
            return _scan_text(path, screen, people, as_json=as_json)
    except OSError as error:
        if error.filename is None:
            raise  # not of the file, but of the output
        hint = "Check the path, and that you may read the file"
        raise WorkspaceError(f"cannot be read: {error.strerror}", source=path, hint=hint) from error
    allowed = ", ".join((*_TRANSCRIPTS, *_TEXTS, _ROWS))
    raise WordsError(
        "is not a kind of file that scan reads", source=path, hint=f"Give it a file that ends in {allowed}"
    )


def _scan_rows(path: Path, screen: Screen, people: People | None, *, as_json: bool) -> bool:
    any_found = False
    cells = []
    for row in _rows(path):
        findings = identifiers.find(row.text, people=people)
        any_found = any_found or bool(findings)
        if as_json:
            _print_json({"id": row.id, "findings": [_plain(finding) for finding in findings]})
        else:
            cells += [_cells(finding, row.text, f"line {row.line}, {row.id}") for finding in findings]
    if not as_json:
        _table(screen, cells)
    return any_found


def _scan_transcript(path: Path, screen: Screen, people: People | None, *, as_json: bool) -> bool:
    data = _whole(path)
    cues = words.read_transcript(data, source=path, language="en").cues
    joined = identifiers.joined(cues)
    findings = identifiers.find(joined.text, people=people)
    if as_json:
        rows = [{**_full(finding, joined.text), **_place(finding, joined, cues)} for finding in findings]
        _print_json({"id": path.name, "findings": rows})
    else:
        places = [_place(finding, joined, cues) for finding in findings]
        pairs = zip(findings, places, strict=True)
        _table(screen, [_cells(finding, joined.text, place["time"]) for finding, place in pairs])
    return bool(findings)


def _scan_text(path: Path, screen: Screen, people: People | None, *, as_json: bool) -> bool:
    text = _decoded(_whole(path), path)
    findings = identifiers.find(text, people=people)
    if as_json:
        _print_json({"id": path.name, "findings": [_full(finding, text) for finding in findings]})
    else:
        ends = [index for index, char in enumerate(text) if char == "\n"]
        _table(screen, [_cells(each, text, f"line {bisect_right(ends, each.start) + 1}") for each in findings])
    return bool(findings)


def _rows(path: Path) -> Iterator[_Row]:
    with path.open("rb") as file:
        for number in count(1):
            line = file.readline(_MAX_LINE_BYTES + 1)
            if not line:
                return
            if len(line) > _MAX_LINE_BYTES:
                hint = "Split the text into rows, one cue or paragraph in each"
                raise _wrong(path, number, f"has more than the {_MAX_LINE_BYTES:,} bytes allowed", hint)
            if line.strip():
                yield _row(line, path, number)


def _row(line: bytes, path: Path, number: int) -> _Row:
    shape = 'Write one object a line, such as {"id": "cue-1", "text": "What was said."}'
    try:
        value = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
    except UnicodeDecodeError as error:
        raise _wrong(path, number, "is not UTF-8", "Save the file as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise _wrong(path, number, "is not JSON", shape) from error
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        raise _wrong(path, number, 'has no "text" that holds words', shape)
    return _Row(id=value.get("id", number), text=value["text"], line=number)


def _whole(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        message = f"has more than the {_MAX_BYTES:,} bytes allowed"
        raise WordsError(message, source=path, hint="Check that this is the right file, or split it")
    return data


def _decoded(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _wrong(path, line, "is not UTF-8", "Save the file as UTF-8") from error


def _wrong(path: Path, line: int, message: str, hint: str) -> MediaError:
    return WordsError(f"line {line} {message}", source=path, hint=hint)


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "type": finding.kind,
        "start": finding.start,
        "end": finding.end,
        "text": finding.text,
        "severity": finding.severity,
    }


def _full(finding: Finding, text: str) -> dict[str, Any]:
    return {**_plain(finding), "around": _around(finding, text)}


def _place(finding: Finding, joined: Joined, cues: Sequence[Cue]) -> dict[str, Any]:
    cue = joined.cues_of(finding.start, finding.end)[0]
    seconds, milliseconds = divmod(cues[cue].start_ms, 1000)
    hours, minutes = divmod(seconds // 60, 60)
    return {"cue": cue + 1, "time": f"{hours:02}:{minutes:02}:{seconds % 60:02}.{milliseconds:03}"}


def _around(finding: Finding, text: str) -> str:
    return " ".join(text[max(0, finding.start - _AROUND) : finding.end + _AROUND].split())


def _cells(finding: Finding, text: str, where: str) -> tuple[str, ...]:
    return finding.kind, finding.severity, where, _around(finding, text)


def _table(screen: Screen, cells: list[tuple[str, ...]]) -> None:
    if cells:
        screen.table(_HEADINGS, cells)
    number = len(cells)
    screen.say(
        f"{number} finding{'' if number == 1 else 's'}: a person must look at each." if cells else "No findings."
    )


def _print_json(value: object) -> None:
    line = json.dumps(value, ensure_ascii=False)
    # What a screen would not print as it is, such as half of a surrogate pair, is escaped: the JSON is the same.
    Screen().say(line if line.isprintable() else json.dumps(value))
