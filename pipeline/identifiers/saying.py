"""A finding enters, what was said leaves in a form that is the same when a recogniser writes it another way."""

import re
from datetime import date

from pipeline.identifiers.asides import without_asides
from pipeline.identifiers.calendar_dates import date_due, dates
from pipeline.identifiers.mail import written_address
from pipeline.identifiers.readings import digits_of
from pipeline.identifiers.runs import national
from pipeline.identifiers.symbols import spelled
from pipeline.identifiers.tokens import Is, Tokens, below_hundred, skip, tokens
from pipeline.model import Finding

_ANY_DAY = date(2026, 1, 1)  # tells the century of a short year, the same at any time


def canonical(finding: Finding) -> str:
    """Return what was said, in a form that survives being transcribed again.

    Args:
        finding: of any kind.

    Returns:
        Figures for numbers, letters and figures for codes, ISO 8601 for dates with a year, an address as it is typed
        for e-mail; else words in small letters without punctuation, single spaces between them.
    """
    row = without_asides(finding.text, tokens(finding.text))
    if finding.kind in {"NHS_NUMBER", "DIGITS"}:
        return digits_of(finding.text, row)
    if finding.kind == "PHONE":
        return national(digits_of(finding.text, row))
    if finding.kind in {"POSTCODE", "NI_NUMBER", "VEHICLE", "HOSPITAL_NUMBER"}:
        return spelled(finding.text, row)
    if finding.kind == "EMAIL":
        return written_address(finding.text)
    if finding.kind == "DATE_OF_BIRTH":
        return _date(finding.text, row)
    return _folded(row)


def _date(text: str, row: Tokens) -> str:
    found = dates(text, row, _ANY_DAY)
    whole = found[0] if found else date_due(row, 0, _ANY_DAY)
    if whole is None:
        return _folded(row)
    return whole.iso() or f"--{whole.month:02}-{whole.day:02}"


def _folded(row: Tokens) -> str:
    words, at = [], 0
    while at < len(row):
        number = _number(row, at)
        if number is not None:
            words.append(str(number[0]))
            at = number[1]
            continue
        token = row[at]
        if token.what not in {Is.MARK, Is.FILLER}:
            words.append(re.sub(r"['\u2019]", "", token.word))
        at += 1
    return " ".join(words)


def _number(row: Tokens, at: int) -> tuple[int, int] | None:
    hundred = row[at].word in {"a", "one", "1"} and at + 1 < len(row) and row[at + 1].word == "hundred"
    if hundred:
        rest = below_hundred(row, skip(row, at + 2, frozenset()))
        return (100 + rest[0], rest[1]) if rest else (100, at + 2)
    return below_hundred(row, at)
