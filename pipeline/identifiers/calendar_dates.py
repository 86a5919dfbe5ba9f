"""Tokens enter, the dates they say leave: in figures, in words, in mixtures, and with fillers inside."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from pipeline.identifiers.digit_dates import LAST_DAYS, digitwise
from pipeline.identifiers.patterns import Pattern
from pipeline.identifiers.stoplists import listed
from pipeline.identifiers.tokens import Is, Tokens, ordinal, skip
from pipeline.identifiers.years import (
    CENTURIES,
    FIRST_YEAR,
    LAST_YEAR,
    YEAR_GAP,
    century,
    small_number,
    year_in_digits,
    year_said,
)

_REACH = 14  # tokens between the parts of a date
_GAP = listed(", . - \u2013 \u2014 \u2026 ' \u2019 of the in on day month year")
_PLAIN_SHORT_YEAR = 32  # a smaller number after a day and a month could be another day, an hour or a count
_WRITTEN = re.compile(
    r"(?<![0-9_/.-])(?:(?P<day>[0-9]{1,2})(?P<mark>\s?[/.-]\s?| )(?P<month>[0-9]{1,2})(?P=mark)"
    r"(?P<year>[0-9]{4}|[0-9]{2})"
    r"|(?P<year_first>[0-9]{4})(?P<mark2>[/.-]| )(?P<month2>[0-9]{1,2})(?P=mark2)(?P<day2>[0-9]{1,2}))"
    r"(?![\w/-]|\.[0-9])"
)
_FEASTS = {"chris": (12, 25), "boxin": (12, 26), "new": (1, 1), "valen": (2, 14), "hallo": (10, 31), "midsu": (6, 24)}
_FEAST = re.compile(
    r"\b(?:christmas (?:day|eve)|boxing day|(?:new year|valentine|midsummer)['\u2019]?s day|halloween)\b",
    re.IGNORECASE,
)
_BORN = Pattern(r"\b(?:born|birth|birthday|dob)\W{1,3}(?:\w+\W{1,3}){0,2}$", re.IGNORECASE)
_BORN_REACH = 40
_ENDS = Pattern(r"\s*(?:$|\n|[,;!?)\]\u2026]|[.:](?![0-9]))")
_GOES_ON = listed(
    "he she they it i you we that that's which who is was if as but his her their my her's and or for on at with"
    " from lives living right okay ok thank thanks does did not sounds"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDate:
    """A date that is said.

    year: None where none is; is_plain: it is a date wherever it stands, not only where one is due.
    """

    start: int
    end: int
    day: int
    month: int
    year: int | None
    is_plain: bool = True

    def iso(self) -> str | None:
        """Write it as ISO 8601, None without a year."""
        return f"{self.year:04}-{self.month:02}-{self.day:02}" if self.year is not None else None

    def on(self) -> date | None:
        """Return the day itself; None without a year."""
        try:
            return date(self.year, self.month, self.day) if self.year is not None else None
        except ValueError:
            return None


def dates(text: str, row: Tokens, today: date) -> list[CalendarDate]:
    """Read the dates of a text, ascending by start, none overlapping.

    Args:
        text: in English.
        row: its tokens.
        today: the day that tells 1926 from 2026 where only "26" is said.
    """
    found = [
        *_written(text, today),
        *_named(text, row, today),
        *_ordinals(text, row, today),
        *_feasts(text, row, today),
    ]
    found.sort(key=lambda each: (each.start, -each.end))
    kept: list[CalendarDate] = []
    for each in found:
        if not kept or each.start >= kept[-1].end:
            kept.append(each)
    return kept


def date_due(row: Tokens, at: int, today: date) -> CalendarDate | None:
    """Read a date where one is expected, such as after "date of birth": also "twelve oh five forty eight"."""
    if row[at].what is Is.FIGURES and len(row[at].word) in {6, 8}:
        word = row[at].word
        year = int(word[4:]) if len(word) == 8 else century(int(word[4:]), today)  # noqa: PLR2004 - ddmmyyyy
        return _made(row, at, at + 1, int(word[:2]), int(word[2:4]), year, is_plain=False)
    said = digitwise(row, at, today)
    if said is not None:
        return _made(row, at, said[3], *said[:3], is_plain=False)
    day = small_number(row, at)
    month = small_number(row, skip(row, day[1], _GAP)) if day else None
    if day is None or month is None:
        return None
    following = skip(row, month[1], _GAP)
    year_read = year_in_digits(row, following, today) or year_said(row, following, today)
    return _made(row, at, year_read[1], day[0], month[0], year_read[0], is_plain=False) if year_read else None


def _made(  # noqa: PLR0917 - the parts of a date, and where they stand
    row: Tokens, first: int, after: int, day: int, month: int, year: int | None, *, is_plain: bool = True
) -> CalendarDate | None:
    if not 1 <= month <= len(LAST_DAYS) or not 1 <= day <= LAST_DAYS[month - 1]:
        return None
    if year is not None and not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    return CalendarDate(
        start=row[first].start, end=row[after - 1].end, day=day, month=month, year=year, is_plain=is_plain
    )


def _written(text: str, today: date) -> Iterator[CalendarDate]:
    for match in _WRITTEN.finditer(text):
        day, month = int(match["day"] or match["day2"]), int(match["month"] or match["month2"])
        if month > len(LAST_DAYS) >= day and match["day"]:
            day, month = month, day  # as Americans write it
        if not 1 <= month <= len(LAST_DAYS) or not 1 <= day <= LAST_DAYS[month - 1]:
            continue
        digits = match["year"] or match["year_first"]
        year = int(digits) if len(digits) == 4 else century(int(digits), today)  # noqa: PLR2004 - with the century
        if not FIRST_YEAR <= year <= LAST_YEAR:
            continue
        yield CalendarDate(
            start=match.start(), end=match.end(), day=day, month=month, year=year, is_plain=_is_plain(match, digits)
        )


def _is_plain(match: re.Match[str], year: str) -> bool:
    mark = (match["mark"] or match["mark2"] or "").strip()
    if mark == "/":
        return True
    padded = all(len(match[name] or match[f"{name}2"]) > 1 for name in ("day", "month"))
    if len(year) == 4:  # noqa: PLR2004 - with the century
        return bool(mark) or padded
    return mark == "-" and padded and int(year) >= _PLAIN_SHORT_YEAR


def _named(text: str, row: Tokens, today: date) -> Iterator[CalendarDate]:
    done = 0
    for at, token in enumerate(row):
        if token.what is not Is.MONTH:
            continue
        found = _around_month(text, row, at, done, today)
        if found is not None:
            made, done = found
            yield made


def _around_month(text: str, row: Tokens, at: int, done: int, today: date) -> tuple[CalendarDate, int] | None:
    month = row[at].value
    first, after, day = at, at + 1, _day_before(row, at, done)
    behind = _year_after(text, row, after, today) if day is None else None
    if behind is not None and behind[2]:
        return _with_day_behind(text, row, at, *behind)
    if day is not None:
        first = day[1]
    else:
        right = _day(row, skip(row, after, _GAP))
        if right is None:
            return _with_day_behind(text, row, at, *behind) if behind else None
        day, after = (right[0], first), right[1]
    year = year_said(row, skip(row, after, _GAP), today)
    is_plain = True
    if year is not None and year[2] and not _closes(text, row, year[1]):
        year = None
    elif year is not None and year[2]:
        is_plain = year[0] % 100 >= _PLAIN_SHORT_YEAR
    if year is not None:
        after = year[1]
    else:
        left = _year_before(row, first, done, today)
        year, first = ((*left, False), left[1]) if left else (None, first)
    made = _made(row, first, after, day[0], month, year[0] if year else None, is_plain=is_plain)
    return (made, after) if made else None


def _day_before(row: Tokens, at: int, done: int) -> tuple[int, int] | None:
    for first in range(max(done, at - _REACH), at):
        day = _day(row, first)
        is_end_of_year = first > 0 and row[first - 1].what is Is.TENS and row[first].what is Is.UNIT
        if day is not None and not is_end_of_year and skip(row, day[1], _GAP) == at:
            return day[0], first
    return None


def _year_after(text: str, row: Tokens, after: int, today: date) -> tuple[int, int, int] | None:
    """Read the year of "June nineteen thirty seven", with the index after it and the day that it could begin with."""
    first = skip(row, after, _GAP)
    year = year_said(row, first, today)
    if year is None:
        return None
    halves = row[first].what in {Is.TEEN, Is.TENS} and row[first].value in CENTURIES and not year[2]
    if not halves:
        return year[0], year[1], 0
    # "June nineteen, thirty seven" and "May twenty, nineteen forty" begin with a day.
    following = skip(row, year[1], YEAR_GAP)
    goes_on = small_number(row, following) is not None and ordinal(row, following) is None
    if "," in text[row[first].end : row[first + 1].start] or goes_on or not 1900 <= year[0] <= today.year:  # noqa: PLR2004
        return None
    return year[0], year[1], row[first].value


def _with_day_behind(  # noqa: PLR0917 - the parts of a date, and where they stand
    text: str, row: Tokens, at: int, year: int, after: int, or_day: int
) -> tuple[CalendarDate, int] | None:
    """Read "April forty one, the sixteenth", a date only where one is due; so is "June nineteen thirty seven"."""
    day = ordinal(row, skip(row, after, _GAP))
    if day is not None and _closes(text, row, day[1]):
        made = _made(row, at, day[1], day[0], row[at].value, year, is_plain=False)
        return (made, day[1]) if made else None
    is_born = or_day and _BORN.search(text, max(0, row[at].start - _BORN_REACH), row[at].start)
    made = _made(row, at, after, or_day, row[at].value, year, is_plain=False) if is_born else None
    return (made, after) if made else None


def _year_before(row: Tokens, at: int, done: int, today: date) -> tuple[int, int] | None:
    for first in range(max(done, at - _REACH), at):
        year = year_said(row, first, today)
        is_year = year is not None and (not year[2] or (first > 0 and row[first - 1].word == "in"))
        if year is not None and is_year and skip(row, year[1], _GAP) == at:
            return year[0], first
    return None


def _closes(text: str, row: Tokens, after: int) -> bool:
    # "the fifth of May, thirty people came": a short year is followed by a pause or by another clause.
    if _ENDS.match(text, row[after - 1].end) or after >= len(row):
        return True
    return row[after].what is Is.FILLER or row[after].word in _GOES_ON


def _ordinals(text: str, row: Tokens, today: date) -> Iterator[CalendarDate]:
    for at in range(len(row)):
        day = ordinal(row, at)
        if day is None or (at and row[at - 1].what is Is.TENS):
            continue
        between = skip(row, day[1], _GAP)
        if not any(token.word == "of" for token in row[day[1] : between]):
            continue
        month = ordinal(row, between) or small_number(row, between)
        year = year_said(row, skip(row, month[1], _GAP), today) if month else None
        if month is None or year is None or (year[2] and not _closes(text, row, year[1])):
            continue
        made = _made(row, at, year[1], day[0], month[0], year[0], is_plain=True)
        if made:
            yield made


def _feasts(text: str, row: Tokens, today: date) -> Iterator[CalendarDate]:
    """Read "Christmas Day 1950"."""
    starts: list[int] = []
    for match in _FEAST.finditer(text):
        starts = starts or [token.start for token in row]
        first = bisect_left(starts, match.start())
        year = year_said(row, skip(row, bisect_left(starts, match.end()), _GAP), today)
        if year is not None and not year[2]:
            month, day = _FEASTS[match[0].lower().split()[0][:5]]
            made = _made(row, first, year[1], day + (-1 if match[0].lower().endswith("eve") else 0), month, year[0])
            if made:
                yield made


def _day(row: Tokens, at: int) -> tuple[int, int] | None:
    found = ordinal(row, at) or small_number(row, at)
    return found if found and 1 <= found[0] <= max(LAST_DAYS) else None
