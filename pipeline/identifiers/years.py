"""Tokens enter, the years and the small numbers of dates that they say leave."""

from datetime import date

from pipeline.identifiers.stoplists import listed
from pipeline.identifiers.tokens import Is, Tokens, below_hundred, ordinal, skip

YEAR_GAP = listed(", - \u2013 \u2026 .")
CENTURIES = (18, 19, 20)
FIRST_YEAR, LAST_YEAR = 1850, 2099


def century(short: int, today: date) -> int:
    """Return the year that two figures mean: 26 is 2026 in 2026, 27 is 1927."""
    return 1900 + short if short > today.year % 100 else 2000 + short


def small_number(row: Tokens, at: int) -> tuple[int, int] | None:
    """Read "5", "05", "five", "oh five" or "twenty-three"."""
    if at >= len(row):
        return None
    token = row[at]
    if token.what is Is.FIGURES:
        return (token.value, at + 1) if len(token.word) <= 2 else None  # noqa: PLR2004 - a day, a month or a short year
    if token.what is Is.ZERO:
        following = at + 1
        is_small = following < len(row) and row[following].what is Is.UNIT
        return (row[following].value, following + 1) if is_small else None
    return ordinal(row, at) or below_hundred(row, at)


def year_said(row: Tokens, at: int, today: date) -> tuple[int, int, bool] | None:
    """Read a year, with the index after it and whether its century is a guess."""
    if at >= len(row):
        return None
    token = row[at]
    if token.what is Is.FIGURES and len(token.word) == 4:  # noqa: PLR2004 - a year in full
        return (token.value, at + 1, False) if FIRST_YEAR <= token.value <= LAST_YEAR else None
    full = _two_thousand(row, at) or _in_halves(row, at)
    if full is not None:
        return (*full, False)
    short = small_number(row, at) if ordinal(row, at) is None else None
    if short is None or (token.what is Is.FIGURES and len(token.word) < 2) or token.what is Is.UNIT:  # noqa: PLR2004
        return None
    return century(short[0], today), short[1], True


def year_in_digits(row: Tokens, at: int, today: date) -> tuple[int, int, bool] | None:
    """Read a year said digit by digit, "one nine seven two" or "seven two"."""
    digits = [token for token in row[at : at + 4] if token.what in {Is.UNIT, Is.ZERO}]
    if len(digits) == 4 and row[at : at + 4] == digits:  # noqa: PLR2004 - a year in full
        value = int("".join(str(token.value) for token in digits))
        if FIRST_YEAR <= value <= LAST_YEAR:
            return value, at + 4, False
    if len(digits) >= 2 and row[at : at + 2] == digits[:2]:  # noqa: PLR2004 - a short year
        return century(10 * digits[0].value + digits[1].value, today), at + 2, True
    return None


def _two_thousand(row: Tokens, at: int) -> tuple[int, int] | None:
    if row[at].word not in {"two", "2"} or at + 1 >= len(row) or row[at + 1].word != "thousand":
        return None
    rest = below_hundred(row, skip(row, at + 2, YEAR_GAP))
    return (2000 + rest[0], rest[1]) if rest else (2000, at + 2)


def _in_halves(row: Tokens, at: int) -> tuple[int, int] | None:
    """Read "nineteen ninety two", "19 72", "nineteen hundred and five" or "twenty oh six"."""
    if row[at].value not in CENTURIES or row[at].what not in {Is.TEEN, Is.TENS, Is.FIGURES}:
        return None
    hundreds = 100 * row[at].value
    following = skip(row, at + 1, YEAR_GAP)
    if following >= len(row):
        return None
    if row[following].word == "hundred":
        rest = below_hundred(row, skip(row, following + 1, YEAR_GAP))
        return (hundreds + rest[0], rest[1]) if rest else (hundreds, following + 1)
    second = small_number(row, following)
    if second is None or row[following].what is Is.UNIT or ordinal(row, following):
        return None
    if row[following].what is Is.FIGURES and len(row[following].word) < 2:  # noqa: PLR2004 - half a year
        return None
    return hundreds + second[0], second[1]
