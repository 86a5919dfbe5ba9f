"""Dates enter, those that could be somebody's date of birth leave as findings."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from datetime import date

from pipeline.identifiers.calendar_dates import CalendarDate, date_due, dates
from pipeline.identifiers.digit_dates import is_longer_number
from pipeline.identifiers.finding import Severity, made
from pipeline.identifiers.patterns import Pattern
from pipeline.identifiers.stoplists import listed
from pipeline.identifiers.tokens import Is, Tokens
from pipeline.model import Finding

_NAMED = Pattern(
    r"\bdate(?:\s+|,\s?)(?:of|a)[,\s]+(?:\w{1,3},?\s+)?birth\b|\bbirth\s?-?date\b|\bbirthday\b"
    r"|(?<![\w.])d[. ]?o[. ]?b(?![a-z])\.?|\bborn\b",
    re.IGNORECASE,
)
_BORN = listed("born birthday")
_NAMED_REACH, _BORN_REACH, _AFTER_REACH, _WITHOUT_YEAR_REACH = 170, 70, 50, 45  # characters
_DUE_TOKENS, _DUE_BEFORE = 24, 12
_NOT_PEOPLE = Pattern(
    r"\b(?:nhs|service|trust|network|college|charity|idea|project|scheme|state|programme|practice|podcast|ward|unit"
    r"|hospital|team|movement|system|health|app)(?:'s)?(?:\s+\w+){0,2}\s*$",
    re.IGNORECASE,
)
_OF_NOT_PEOPLE = Pattern(
    r"\s+(?:of|for)\s+(?:the|our|this)\s+(?:\w+\s)?(?:nhs|service|trust|network|welfare)", re.IGNORECASE
)
_HISTORY = Pattern(
    r"\b(?:acts?|law|bill|legislation|regulations?|founded|began|begun|opened|open|launch\w*|publish\w*"
    r"|introduced|force|"
    r"effect|established|established|created|formed|merged|abolished|replaced|inquiry|enquiry|report|guidelines?|"
    r"guidance|policy|policies|contract|war|election|elected|referendum|pandemic|strike|vaccine|licen[cs]ed|approved|"
    r"nhs|trust|service|programme|scheme|pilot|project|started\s+(?:on|in)|college|ministry|department"
    r"|government|minister|parliament|minutes|meeting|met|conference|issue|"
    r"edition|paper|article|journal|trial|study|white\s+paper|framework|constitution|treaty|signed|dated|version|"
    r"updated|revised|issued|reorganisation|transferred|handed|built|closed|history|anniversary|qualified|graduated|"
    r"appointed|joined|started\s+(?:work|as|at|here|training)|my\s+first\s+(?:day|shift|job|post)|retired|since|until|"
    r"archive\w*|recorded|recording|episode|podcast|royal|broadcast|landing|moon|disaster|fire|flood|crash|olympics?|"
    r"came\s+in(?:to)?|went\s+live|switched|rolled\s+out|first\s+(?:patient|transplant|baby|use|case)|circular|memo|"
    r"letter\s+of|audit|census|audited|inspected|inspection|visited|registered|accredited|discovered|invented)\b",
    re.IGNORECASE,
)
_EVENT = Pattern(
    r"\b(?:diagnos\w+|operat\w+|surgery|admi\w+|discharged|smear|scan|x-?ray|transplant|stent|stroke|infarct|"
    r"heart attack|died|death|biops\w+|implanted|inserted|replacement|seen|clinic|married|wedding|passed)\b",
    re.IGNORECASE,
)
_PERSON = Pattern(
    r"\b(?:patient|he|she|he's|she's|his|her|him|mrs?|miss|ms|lady|gentleman|woman|man|boy|girl|child|baby|mum|dad|"
    r"mother|father|my name|name is)\b",
    re.IGNORECASE,
)
_OTHER_NUMBER = Pattern(r"\b(?:sort code|version|release|build|invoice|order)\W*(?:\w+\W+)?$", re.IGNORECASE)
_BEFORE, _AFTER = 110, 60
_YEARS_AGO = 10
_NUMBERS = frozenset([Is.FIGURES, Is.ZERO, Is.UNIT, Is.TEEN, Is.TENS, Is.ORDINAL])


def births(text: str, row: Tokens, today: date) -> Iterator[Finding]:
    """Find dates of birth: any date where one is named, and any full date of more than ten years ago.

    Args:
        text: in English.
        row: its tokens.
        today: the day from which the ten years count.
    """
    said = [match for match in _NAMED.finditer(text) if not _is_of_no_person(text, match)]
    found = dates(text, row, today)
    found = _with_due(text, row, found, said, today)
    claimed = _claimed(text, found, said)
    places = _Places(text)
    for number, each in enumerate(found):
        severity = _judged(text, each, today, places, named=number in claimed)
        if severity:
            yield made("DATE_OF_BIRTH", text, each.start, each.end, severity)


def _is_of_no_person(text: str, match: re.Match[str]) -> bool:
    word = match[0].lower()
    if word not in _BORN:
        return False
    before = text[max(0, match.start() - 40) : match.start()]
    return bool(_NOT_PEOPLE.search(re.sub(r"\b(?:was|is|were|being)\s*$", "", before))) or bool(
        _OF_NOT_PEOPLE.match(text, match.end())
    )


def _with_due(
    text: str, row: Tokens, found: list[CalendarDate], said: list[re.Match[str]], today: date
) -> list[CalendarDate]:
    """Add dates that are dates only because one was asked for; they give way to those that are dates anywhere."""
    starts = [token.start for token in row]
    taken = {each.start for each in found if each.year is not None}
    due: list[CalendarDate] = []
    last = 0
    for match in said:
        first = max(last, bisect_left(starts, match.end()))
        for at in range(first, min(first + _DUE_TOKENS, len(row))):
            last = at
            if row[at].start in taken:
                break
            read = _due(row, at, today)
            if read is not None:
                due.append(read)
                break
        else:
            due += _due_before(text, row, bisect_left(starts, match.start()), match, today)
    full = [each for each in found if each.year is not None]
    bare = [each for each in found if each.year is None]
    used = bytearray(len(text))
    kept = []
    for each in (*full, *due, *bare):
        if 1 not in used[each.start : each.end]:
            used[each.start : each.end] = b"\1" * (each.end - each.start)
            kept.append(each)
    return sorted(kept, key=lambda each: each.start)


def _due(row: Tokens, at: int, today: date) -> CalendarDate | None:
    if row[at].what not in _NUMBERS or is_longer_number(row, at):
        return None
    return date_due(row, at, today)


def _due_before(text: str, row: Tokens, after: int, match: re.Match[str], today: date) -> list[CalendarDate]:
    """Read the date of "fourteen six thirty nine as date of birth"."""
    if match[0].lower() in _BORN:
        return []
    for at in range(max(0, after - _DUE_BEFORE), after):
        read = _due(row, at, today)
        if read is not None and read.end <= match.start() and not re.search(r"[.?!\n]", text[read.end : match.start()]):
            return [read]
    return []


def _claimed(text: str, found: list[CalendarDate], said: list[re.Match[str]]) -> set[int]:
    starts = [each.start for each in found]
    claimed = set()
    for match in said:
        following = bisect_left(starts, match.end())
        if following < len(found) and _reaches(text, match, found[following]):
            claimed.add(following)
        elif following and 0 <= match.start() - found[following - 1].end <= _AFTER_REACH:
            between = text[found[following - 1].end : match.start()]
            if not re.search(r"[.?!\n]", between):
                claimed.add(following - 1)
    return claimed


def _reaches(text: str, match: re.Match[str], each: CalendarDate) -> bool:
    reach = _BORN_REACH if match[0].lower() in _BORN else _NAMED_REACH
    if each.year is None:
        reach = _WITHOUT_YEAR_REACH
    return each.start - match.end() <= reach and "\n\n" not in text[match.end() : each.start]


def _judged(text: str, each: CalendarDate, today: date, places: "_Places", *, named: bool) -> Severity | None:
    day = each.on()
    if day is not None and day > today:
        return None
    if named:
        return "certain" if each.year is not None else "likely"
    if day is None or not each.is_plain or not _is_long_ago(day, today):
        return None
    return _suspected(text, each, places)


def _is_long_ago(day: date, today: date) -> bool:
    return (today.year - _YEARS_AGO, today.month, today.day) >= (day.year, day.month, day.day)


def _suspected(text: str, each: CalendarDate, places: "_Places") -> Severity | None:
    before = re.split(r"[.?!\n]", text[max(0, each.start - _BEFORE) : each.start])[-1]
    after = re.split(r"[.?!\n]", text[each.end : each.end + _AFTER])[0]
    if _OTHER_NUMBER.search(before):
        return None
    start, end = each.start - len(before), each.end + len(after)
    if places.any_of(_HISTORY, start, each.start) or places.any_of(_HISTORY, each.end, end):
        return "check" if places.any_of(_PERSON, start, end) else None
    return "check" if places.any_of(_EVENT, start, end) else "likely"


class _Places:
    """Where words of a kind stand in a text, searched once and only if somebody asks."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts: dict[Pattern, list[int]] = {}

    def any_of(self, words: Pattern, start: int, end: int) -> bool:
        """Say whether one of the words begins in a range of characters."""
        if words not in self._starts:
            self._starts[words] = [match.start() for match in words.finditer(self._text)]
        starts = self._starts[words]
        at = bisect_left(starts, start)
        return at < len(starts) and starts[at] < end
