"""Tokens enter, dates that are said digit by digit leave: "one seven, oh four, three six"."""

from collections.abc import Iterator
from datetime import date

from pipeline.identifiers.stoplists import listed
from pipeline.identifiers.tokens import Is, Token, Tokens, skip
from pipeline.identifiers.years import YEAR_GAP, century, year_said

LAST_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DIGIT_GAP = listed(", . - \u2013 / \u2026")
_BEFORE_YEAR = (3, 4)  # digits that are a day and a month, with a year in another form behind them
_LONGEST_DATE = 8
_DIVISIONS = {  # how many digits of a row are the day and the month
    5: ((2, 1), (1, 2)), 6: ((2, 2), (1, 1)), 7: ((2, 1), (1, 2)), 8: ((2, 2),),
}  # fmt: skip


def digitwise(row: Tokens, at: int, today: date) -> tuple[int, int, int | None, int] | None:
    """Read a date said digit by digit, "one seven, oh four, three six", where one is due.

    Returns:
        Day, month, year and the index after it; None for fewer digits, and for more, which are another number.
    """
    groups, after = _digit_groups(row, at)
    digits = "".join(groups)
    year = None
    if len(digits) in _BEFORE_YEAR:
        year = year_said(row, skip(row, after, YEAR_GAP), today)
        if year is None:
            return None
        digits, after = f"{digits}{year[0]:04}", year[1]
        groups = (*groups, f"{year[0]:04}")
    for day, month, short in _divided(digits, groups):
        if 1 <= int(month) <= len(LAST_DAYS) and 1 <= int(day) <= LAST_DAYS[int(month) - 1]:
            value = int(short)
            return int(day), int(month), century(value, today) if len(short) == 2 else value, after  # noqa: PLR2004
    return None


def _digit_groups(row: Tokens, at: int) -> tuple[tuple[str, ...], int]:
    """Return the digits said one by one, divided where something stands between them, and the index after them."""
    groups: list[str] = []
    after = following = at
    while following < len(row) and sum(map(len, groups)) <= _LONGEST_DATE:
        times = row[following].value if row[following].what is Is.REPEAT else 1
        digit = following + (times > 1)
        if digit >= len(row) or not _is_one_digit(row[digit]):
            break
        said = str(row[digit].value) * times
        groups = [*groups[:-1], groups[-1] + said] if groups and following == after else [*groups, said]
        after = digit + 1
        following = skip(row, after, _DIGIT_GAP)
    return tuple(groups), after


def _is_one_digit(token: Token) -> bool:
    return token.what in {Is.ZERO, Is.UNIT} or (token.what is Is.FIGURES and len(token.word) == 1)


def _divided(digits: str, groups: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    if len(groups) == 3 and len(groups[2]) in {2, 4} and max(len(groups[0]), len(groups[1])) <= 2:  # noqa: PLR2004
        yield groups[0], groups[1], groups[2]
    for day, month in _DIVISIONS.get(len(digits), ()):
        yield digits[:day], digits[day : day + month], digits[day + month :]


def is_longer_number(row: Tokens, at: int) -> bool:
    """Say whether a digit is one of more digits, said one by one, than a date has."""
    first = at
    for before in range(at - 1, max(-1, at - 3 * _LONGEST_DATE), -1):
        if _is_one_digit(row[before]) or row[before].what is Is.REPEAT:
            first = before
        elif row[before].what is not Is.FILLER and row[before].word not in _DIGIT_GAP:
            break
    return sum(map(len, _digit_groups(row, first)[0])) > _LONGEST_DATE
