"""A text enters, what every rule and the model find in it leaves, none of it twice."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

from pipeline.identifiers.addresses import addresses
from pipeline.identifiers.ages import ages
from pipeline.identifiers.asides import without_asides
from pipeline.identifiers.birth import births
from pipeline.identifiers.codes import codes
from pipeline.identifiers.finding import made, without_overlaps
from pipeline.identifiers.mail import addresses_of_mail
from pipeline.identifiers.names import names
from pipeline.identifiers.persons import People, is_allowed
from pipeline.identifiers.runs import runs, written_numbers
from pipeline.identifiers.spacing import squeezed
from pipeline.identifiers.tokens import Tokens, tokens
from pipeline.model import Finding


def find(text: str, *, people: People | None = None, today: date | None = None) -> tuple[Finding, ...]:
    """Find what could identify a patient, in time that grows with the length of the text only.

    Join the cues of one speaker before the search, with `joined`: recognisers and captions split numbers and dates.

    Args:
        text: a transcript, notes or any other words, in English.
        people: what finds names of people, from `people()`; None for those that need no model.
        today: a full date of more than ten years before could be a date of birth; None for the day it is.

    Returns:
        The findings, ascending by start, none overlapping: of two that would, the stronger stands, then the longer.

    Source:
        NHS Data Dictionary, NHS NUMBER (modulus 11). National Insurance number and postcode formats of GOV.UK.
    """
    single = squeezed(text)
    found = _found(single.text, people, today or datetime.now(UTC).date())
    return tuple(
        made(each.kind, text, single.back(each.start), single.back(each.end - 1) + 1, each.severity) for each in found
    )


def _found(text: str, people: People | None, today: date) -> Iterator[Finding]:
    row = without_asides(text, tokens(text))
    shaped = [
        *written_numbers(text),
        *addresses_of_mail(text),
        *codes(text, row),
        *births(text, row, today),
        *ages(text),
        *addresses(text),
        *names(text),
        *(people(text) if people else ()),
    ]
    shaped = _without_misnamed(text, row, shaped)
    # What a strong finding holds is no part of a run of digits, so that a number next to it is still found.
    strong = _strong(shaped)
    for each in without_overlaps([*shaped, *runs(text, row, strong)], len(text)):
        if each.kind and not (each.kind == "PERSON" and is_allowed(people, each.text)):
            yield each


def _strong(findings: list[Finding]) -> list[tuple[int, int]]:
    return [(each.start, each.end) for each in findings if each.severity != "check" and each.kind != "PERSON"]


def _without_misnamed(text: str, row: Tokens, findings: list[Finding]) -> list[Finding]:
    """Leave out hospital numbers that are an NHS number, or the beginning of one, whatever a form calls them."""
    if all(each.kind != "HOSPITAL_NUMBER" for each in findings):
        return findings
    others = [each for each in findings if each.kind != "HOSPITAL_NUMBER"]
    taken = bytearray(len(text))
    for each in runs(text, row, _strong(others)):
        if each.kind == "NHS_NUMBER" and each.severity == "certain":
            taken[each.start : each.end] = b"\1" * (each.end - each.start)
    return [each for each in findings if each.kind != "HOSPITAL_NUMBER" or 1 not in taken[each.start : each.end]]
