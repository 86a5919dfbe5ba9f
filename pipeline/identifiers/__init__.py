"""Text enters, findings that could identify a patient leave for a person to judge.

A finding is `certain` where a check digit or the words around it prove it, `likely` where its shape says what it is,
and `check` where it is only a long number or might be something else. No finding does not mean that nobody can be
identified: rare stories have no shape, and a recogniser that mishears a digit hides the number.

spaCy lives in `people`, for names, if the extra `identifiers` is installed; everything else needs no library.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime

from pipeline.identifiers.addresses import addresses
from pipeline.identifiers.ages import ages
from pipeline.identifiers.asides import without_asides
from pipeline.identifiers.birth import births
from pipeline.identifiers.codes import codes
from pipeline.identifiers.finding import made, without_overlaps
from pipeline.identifiers.joining import Joined, joined
from pipeline.identifiers.mail import addresses_of_mail
from pipeline.identifiers.names import names
from pipeline.identifiers.people import People, is_allowed, people
from pipeline.identifiers.readings import is_nhs_number
from pipeline.identifiers.runs import runs, written_numbers
from pipeline.identifiers.saying import canonical
from pipeline.identifiers.spacing import squeezed
from pipeline.identifiers.tokens import Tokens, tokens
from pipeline.model import Finding

__all__ = ["Joined", "People", "canonical", "find", "is_nhs_number", "joined", "people"]


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
