"""The lines of a text that people or programs wrote of what was said enter; who says what, and when, leaves.

What is understood: `Name   0:03` above the words (Otter, Teams), `0:0:3.120 --> 0:0:7.340` above a name and the words
(older documents of Teams), `0:03` or `[0:03]` before words or `Name: words`, `Name: words` alone, and mere text.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.words.cleaning import clean_line
from pipeline.words.repairs import Repairs
from pipeline.words.voices import PREFIX, known_names, recurring

_T = r"(?:[0-9]{1,3}:)?[0-9]{1,3}:[0-9]{1,2}(?:[.,][0-9]{1,6})?"
_ARROWS = re.compile(
    rf"(?P<name>.{{0,80}}?)\s*[\[(]?(?P<start>{_T})[\])]?\s*--?>\s*[\[(]?(?P<end>{_T})[\])]?(?P<rest>.*)"
)
_NAME = r"(?P<name>\S.{0,79}?)"
_UNDER_NAME = re.compile(rf"{_NAME}\s{{2,}}(?P<start>{_T})(?:\s+(?P<rest>\S.*))?")
_BRACKETED = re.compile(rf"{_NAME}\s+[\[(](?P<start>{_T})[\])]:?(?:\s+(?P<rest>\S.*))?")
_CLOSE = re.compile(rf"{_NAME} (?P<start>{_T})")
_OF_DAY = re.compile(rf"\[{_NAME}\]\s+(?P<start>[0-9]{{1,2}}:[0-9]{{2}}:[0-9]{{2}})")
_FIRST = re.compile(
    rf"[\[(]?(?P<start>{_T})[\])]?(?:\s*[-\u2013]\s*[\[(]?(?P<end>{_T})[\])]?)?(?:\s*[:\-\u2013]\s+|\s+|$)(?P<rest>.*)"
)
_LAST = re.compile(r".{0,100} stopped transcription\.?|Transcribed by https?://otter\.ai/?", re.IGNORECASE)
_ALONE = re.compile(r"([^\W\d_][^:]{0,59}):")
_WIDE = re.compile(r"\s{2,}|\t")
_MOST_NAME = 60
_MOST_NAME_SPACES = 5  # before times in the same line, where mere words are likelier
_LONGEST_PREAMBLE = 400
_HALF = 0.5
_FEW = 2
_OFTEN = 0.1
_SURE = re.compile(r"[\[(]|[0-9]{1,3}:[0-9]{1,2}:[0-9]{2}")


@dataclass(slots=True)
class Said:
    """Some words, the line they begin in, and as far as it is known who says them and when, ms."""

    line: int
    start_ms: int | None = None
    end_ms: int | None = None
    speaker: str | None = None
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The words on one line."""
        return " ".join(self.parts)


_Row = tuple[int, str]
_Heads = dict[int, re.Match[str]]  # by the place of the line


def conversation(lines: Sequence[str], repairs: Repairs) -> tuple[list[Said], bool]:
    """Read a text.

    Args:
        lines: as they are.
        repairs: hears what was left out.

    Returns:
        What was said, in the order of the file, and whether the file says when, or at least mostly who.
    """
    rows = [(number, clean_line(line), _WIDE.sub("  ", line.strip())) for number, line in enumerate(lines, start=1)]
    raws = [(number, raw) for number, clean, raw in rows if clean]
    if raws and _LAST.fullmatch(clean_line(raws[-1][1])):
        number, line = raws.pop()
        repairs.note(number, "last", f"{clean_line(line)[:_MOST_NAME]!r} was left out: a program wrote it")
        rows = [row for row in rows if row[0] != number]
    said = _timed(rows, raws, repairs)
    return (said, True) if said else _untimed(rows)


def _timed(rows: Sequence[tuple[int, str, str]], raws: Sequence[_Row], repairs: Repairs) -> list[Said]:
    heads = _found(raws, _ARROWS, lambda line: "-" in line and ">" in line)
    if heads := {place: found for place, found in heads.items() if _heads_words(found["name"])}:
        return _under_arrows(raws, heads, repairs)
    if heads := _found(raws, _OF_DAY, lambda line: line.startswith("[")):
        message = "the times are those of a clock on the wall, not of the recording; they were left out"
        repairs.note(raws[min(heads)][0], "clock", message)
        said = _under_names(raws, heads, repairs)
        for each in said:
            each.start_ms = None
        return said
    if heads := _names_above(raws):
        return _under_names(raws, heads, repairs)
    heads = _found(raws, _FIRST, lambda line: line[:1] in "[(0123456789")
    if heads and (len(heads) >= _HALF * _paragraphs(rows) or _are_sure(heads, len(raws))):
        return _after_times(raws, heads, repairs)
    return []


def milliseconds(text: str) -> int:
    """Read a clock time such as 1:02:03.5."""
    whole, _, fraction = text.replace(",", ".").partition(".")
    seconds = 0
    for part in whole.split(":"):
        seconds = seconds * 60 + int(part)
    return seconds * 1000 + int(f"{fraction or 0:0<3}"[:3])


def _found(rows: Sequence[_Row], pattern: re.Pattern[str], may: Callable[[str], bool]) -> _Heads:
    matches = ((place, pattern.fullmatch(line)) for place, (_, line) in enumerate(rows) if may(line))
    return {place: found for place, found in matches if found}


def _are_sure(heads: _Heads, lines: int) -> bool:
    """Say whether times before words can be nothing else: often, ascending, in brackets, alone or with hours."""
    sure = [found for found in heads.values() if _SURE.match(found[0]) or not found["rest"]]
    starts = [milliseconds(found["start"]) for found in sure]
    return len(sure) >= max(_FEW, _OFTEN * lines) and len(sure) == len(heads) and starts == sorted(starts)


def _paragraphs(rows: Sequence[tuple[int, str, str]]) -> int:
    before, count = "", 0
    for _, line, _ in rows:
        count += bool(line) and not before
        before = line
    return count


def _names_above(rows: Sequence[_Row]) -> _Heads:
    heads = {**_found(rows, _BRACKETED, lambda _: True), **_found(rows, _UNDER_NAME, lambda _: True)}
    heads = {place: found for place, found in heads.items() if _is_name(found["name"])}
    close = _found(rows, _CLOSE, lambda line: line[-1:].isdigit())
    known = {found["name"] for found in heads.values()} | recurring(found["name"] for found in close.values())
    heads |= {place: found for place, found in close.items() if found["name"] in known and _is_name(found["name"])}
    starts = [milliseconds(heads[place]["start"]) for place in sorted(heads)]
    return heads if starts == sorted(starts) or len(heads) >= _HALF * len(rows) else {}


def _heads_words(name: str) -> bool:
    return not name or (":" not in name and _is_name(name) and name.count(" ") <= _MOST_NAME_SPACES)


def _is_name(text: str) -> bool:
    is_short = len(text) <= _MOST_NAME and "->" not in text
    return is_short and not text.endswith((",", ";", "?", "!")) and not re.match(_T, text)


def _preamble(rows: Sequence[_Row], first: int, repairs: Repairs) -> Iterator[Said]:
    if not first:
        return
    number, parts = rows[0][0], [line for _, line in rows[:first]]
    text = clean_line(" ".join(parts))
    if len(text) > _LONGEST_PREAMBLE or any(PREFIX.match(line) or _FIRST.fullmatch(line) for line in parts):
        yield Said(number, start_ms=0, parts=[clean_line(part) for part in parts])
        return
    shown = text if len(text) <= _MOST_NAME else f"{text[:_MOST_NAME]}\u2026"
    repairs.note(number, "preamble", f"what stands before the first time was taken for a heading, not words: {shown!r}")


def _said(rows: Sequence[_Row], heads: _Heads) -> Iterator[tuple[Said, list[_Row]]]:
    """Yield what each head says, and the lines below it."""
    places = sorted(heads)
    for place, after in zip(places, [*places[1:], len(rows)], strict=True):
        found = heads[place].groupdict()
        end = found.get("end")
        said = Said(
            rows[place][0],
            start_ms=milliseconds(found["start"]),
            end_ms=milliseconds(end) if end else None,
            speaker=clean_line(found.get("name") or "").removesuffix(":") or None,
        )
        rest = clean_line(found.get("rest") or "")
        below = [(number, clean_line(line)) for number, line in rows[place + 1 : after]]
        yield said, [(rows[place][0], rest), *below] if rest else below


def _under_names(rows: Sequence[_Row], heads: _Heads, repairs: Repairs) -> list[Said]:
    said = list(_preamble(rows, min(heads), repairs))
    for each, below in _said(rows, heads):
        each.parts = [line for _, line in below]
        said.append(each)
    return [each for each in said if each.parts]


def _under_arrows(rows: Sequence[_Row], heads: _Heads, repairs: Repairs) -> list[Said]:
    said, entries = list(_preamble(rows, min(heads), repairs)), list(_said(rows, heads))
    firsts = [below[0][1] for each, below in entries if not each.speaker and len(below) > 1]
    _take_names(entries, firsts if len(firsts) == len(entries) else _recurring_mostly(firsts))
    return _with_prefixes([each for each in (*said, *(each for each, _ in entries)) if each.parts])


def _recurring_mostly(firsts: Sequence[str]) -> Sequence[str]:
    return firsts if len(set(firsts)) <= _HALF * len(firsts) else ()


def _take_names(entries: Sequence[tuple[Said, list[_Row]]], names: Iterable[str]) -> None:
    known = {name for name in names if _is_name(name)}
    for each, below in entries:
        each.parts = [line for _, line in below]
        if not each.speaker and len(below) > 1 and below[0][1] in known:
            each.speaker = each.parts.pop(0).removesuffix(":")


def _after_times(rows: Sequence[_Row], heads: _Heads, repairs: Repairs) -> list[Said]:
    said, entries = list(_preamble(rows, min(heads), repairs)), list(_said(rows, heads))
    rests = [clean_line(heads[place]["rest"]) for place in sorted(heads)]
    alone = all(len(below) > 1 for (_, below), rest in zip(entries, rests, strict=True) if rest)
    named = alone and all(rests) and all(_is_name(rest) for rest in rests) and len(set(rests)) < len(rests)
    firsts = [below[0][1] for _, below in entries if len(below) > 1] if not any(rests) else ()
    _take_names(entries, rests if named else _recurring_mostly(firsts))
    return _with_prefixes([each for each in (*said, *(each for each, _ in entries)) if each.parts])


def _with_prefixes(said: list[Said]) -> list[Said]:
    if any(each.speaker for each in said):
        return said
    known = known_names([_prefix(each.parts[0]) for each in said], least=_FEW)
    for each in said:
        prefix = PREFIX.match(each.parts[0])
        if prefix and prefix[1] in known:
            each.speaker, each.parts[0] = prefix[1], each.parts[0][prefix.end() :]
    return said


def _prefix(line: str) -> str | None:
    found = PREFIX.match(line)
    return found[1] if found else None


def _untimed(rows: Sequence[tuple[int, str, str]]) -> tuple[list[Said], bool]:
    lines = _with_names_joined([(number, line) for number, line, _ in rows])
    paragraphs = [line for (_, line), (_, above) in zip(lines, [(0, ""), *lines], strict=False) if line and not above]
    prefixes = [prefix[1] for _, line in lines if (prefix := PREFIX.match(line))]
    known = known_names([_prefix(line) for line in paragraphs], least=_FEW) | recurring(prefixes)
    said: list[Said] = []
    speaker, named, above = None, 0, ""
    for number, line in lines:
        prefix = PREFIX.match(line)
        if prefix and prefix[1] in known:
            speaker, named = prefix[1], named + 1
            said.append(Said(number, speaker=speaker, parts=[line[prefix.end() :]]))
        elif line and (not above or not said):
            said.append(Said(number, speaker=speaker, parts=[line]))
        elif line:
            said[-1].parts.append(line)
        above = line
    return said, named >= _HALF * max(1, len(said))


def _with_names_joined(rows: Sequence[_Row]) -> list[_Row]:
    """Put a name that stands alone above its words (`Chair:`) before them."""
    alone = recurring(found[1] for _, line in rows if (found := _ALONE.fullmatch(line)))
    joined, waiting = list[_Row](), ""
    for number, line in rows:
        found = _ALONE.fullmatch(line)
        if found and found[1] in alone:
            waiting = line
        elif line:
            joined.append((number, f"{waiting} {line}" if waiting else line))
            waiting = ""
        elif not waiting:
            joined.append((number, line))
    return joined
