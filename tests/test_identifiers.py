"""Identifiers: what is found in words that could identify a patient, and what is left alone."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import identifiers
from pipeline.identifiers import find

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def nhs_number(middle: int) -> str:
    """Make a valid number of the 999 range that is kept for tests, from its six middle digits."""
    for check in "0123456789":
        if identifiers.is_nhs_number(f"999{middle:06}{check}"):
            return f"999{middle:06}{check}"
    return nhs_number((middle + 1) % 1_000_000)  # one number in eleven has no check digit


NUMBER = nhs_number(123_456)
INVALID = NUMBER[:-1] + str((int(NUMBER[-1]) + 1) % 10)


def grouped(digits: str, mark: str) -> str:
    """Write ten digits as NHS numbers are printed."""
    return mark.join((digits[:3], digits[3:6], digits[6:]))


def spoken(digits: str, mark: str = " ") -> str:
    """Write digits as words."""
    return mark.join(WORDS[int(digit)] for digit in digits)


def found(text: str) -> list[tuple[str, str, str]]:
    """Find, and return kinds, severities and the words found."""
    return [(finding.kind, finding.severity, finding.text) for finding in find(text)]


@pytest.mark.parametrize("mark", ["", " ", "-", "\xa0"])
def test_a_valid_nhs_number_is_certain_however_it_is_printed(mark: str) -> None:
    """Ten digits with a right check digit are an NHS number for certain."""
    number = grouped(NUMBER, mark)
    assert found(f"Her NHS number, {number}, was on it.") == [("NHS_NUMBER", "certain", number)]


def test_a_wrong_check_digit_is_to_be_checked() -> None:
    """Ten digits without the check digit are shown: in the groups of an NHS number as one, else as digits."""
    assert found(f"It is {grouped(INVALID, ' ')}.") == [("NHS_NUMBER", "check", grouped(INVALID, " "))]
    assert found(f"It is {INVALID}.") == [("DIGITS", "check", INVALID)]


def test_ten_equal_digits_are_no_nhs_number() -> None:
    """Placeholders such as 9999999999 pass the arithmetic and are still not certain."""
    assert found("9999999999") == [("DIGITS", "check", "9999999999")]
    assert not identifiers.is_nhs_number("0000000000")


@pytest.mark.parametrize(
    "said",
    [
        spoken(NUMBER),
        spoken(NUMBER[:3]) + ", er, " + spoken(NUMBER[3:6]) + " um " + spoken(NUMBER[6:], ", "),
        "treble nine " + spoken(NUMBER[3:]),
        f"{NUMBER[:3]}, uh, {NUMBER[3:6]}... {spoken(NUMBER[6:])}",
        f"{NUMBER[:5]} \u2013 {NUMBER[5:]}",
        " ".join(NUMBER),
        spoken(NUMBER).upper(),
    ],
)
def test_a_spoken_nhs_number_is_certain(said: str) -> None:
    """Figures, number words, repeats and fillers in any mixture give the number that was said."""
    assert found(f"So, it was {said} and that is all.") == [("NHS_NUMBER", "certain", said)]


@pytest.mark.parametrize(
    "said",
    [
        "nine four three, four seven six, five nine",
        "oh double seven three nought nine double four",
        "4512 778, um, 90",
        "RXX1234567",
        "one two three four five six seven",
    ],
)
def test_seven_digits_are_to_be_checked(said: str) -> None:
    """Any run of seven digits or more is shown, because recognisers break the numbers they hear."""
    findings = find(f"The number is {said}, you see.")
    assert [(finding.kind, finding.severity) for finding in findings] == [("DIGITS", "check")]
    assert said.endswith(findings[0].text)


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("Write to first.last+ward@trust.example, please", "EMAIL", "first.last+ward@trust.example"),
        ("She lives at M1 1AE.", "POSTCODE", "M1 1AE"),
        ("(SW1A 1AA)", "POSTCODE", "SW1A 1AA"),
        ("in ec1a1bb now", "POSTCODE", "ec1a1bb"),
        ("NI number AB 12 34 56 C.", "NI_NUMBER", "AB 12 34 56 C"),
        ("or ab123456c.", "NI_NUMBER", "ab123456c"),
        ("Ring 07700 900123.", "PHONE", "07700 900123"),
        ("Ring 07700900123 now", "PHONE", "07700900123"),
        ("Ring (0161) 496 0123 now", "PHONE", "(0161) 496 0123"),
        ("Ring 020 7946 0123.", "PHONE", "020 7946 0123"),
        ("Ring +44 7700 900123.", "PHONE", "+44 7700 900123"),
        ("Ring +44 (0)161 496 0123.", "PHONE", "+44 (0)161 496 0123"),
        ("Ring 0044 7700 900123.", "PHONE", "0044 7700 900123"),
        ("Date of birth 12/05/1948.", "DATE_OF_BIRTH", "12/05/1948"),
        ("DOB: 1948-05-12", "DATE_OF_BIRTH", "1948-05-12"),
        ("D.O.B. 12.5.48,", "DATE_OF_BIRTH", "12.5.48"),
        ("She was born on the 12th of May 1948 in", "DATE_OF_BIRTH", "12th of May 1948"),
        ("born on May 12, 1948", "DATE_OF_BIRTH", "May 12, 1948"),
        (
            "Born thirty first of, uh, October, nineteen, ninety two",
            "DATE_OF_BIRTH",
            "thirty first of, uh, October, nineteen, ninety two",
        ),
        ("born the twelfth of the fifth forty eight", "DATE_OF_BIRTH", "twelfth of the fifth forty eight"),
        ("date of birth twelve oh five forty eight", "DATE_OF_BIRTH", "twelve oh five forty eight"),
        (
            "And your date of birth, please?\nYes, uh,\nfifth\nof April two thousand and one.",
            "DATE_OF_BIRTH",
            "fifth\nof April two thousand and one",
        ),
    ],
)
def test_what_its_shape_or_context_names_is_likely(text: str, kind: str, said: str) -> None:
    """Addresses, numbers and dates of birth are found whole, with where they stand."""
    (finding,) = find(text)
    assert (finding.kind, finding.severity, finding.text) == (kind, "likely", said)
    assert text[finding.start : finding.end] == said


@pytest.mark.parametrize(
    "text",
    [
        "She takes 500 mg twice a day, 1.5 g at most, 2.5 ml four times.",
        "HbA1c 48, then 52, blood pressure 140 over 90, BMI 31.4.",
        "We met on 2026-09-15, on 15/09/2026 and on 15-09-2026 at 10:30.",
        "The 18 weeks held; 92 per cent within 18 weeks in 2024, 2025 and 2026.",
        "Choose and Book went from fourth place to first.",
        "Ring 111, or 999 in an emergency.",
        "It cost \u00a312000000, or \u00a31,250,000 a year for 1,200,000 people.",
        "ISBN 9780306406157",
        "One or two of the three practices, four at most, five six times.",
        "In 2019, 2020, 2021 we lost one.",
        "Take the M6 2nd exit, the A1 and then the M60.",
        "Ask for ward B12, bed 3, at 10 20 and 30 past.",
        "See @trust on it, or trust@ something.",
        "The child was born here and moved to the North West, with a plan for ten years.",
        "Our meeting of 12 May 2026 had no date.",
        "at 10 20 30 a day",
        "Oh no. Oh, one more: double the number, and then treble it.",
        "RG41 is not a postcode, nor is T4 1AB.",
        "",
    ],
)
def test_ordinary_talk_of_a_learning_set_is_left_alone(text: str) -> None:
    """Doses, measures, dates, quantities and names of services are no findings."""
    assert found(text) == []


def test_neighbours_are_all_found_in_order() -> None:
    """Numbers that stand side by side are each found; findings ascend and never overlap."""
    text = f"{grouped(NUMBER, ' ')}, 07700 900123, {spoken(nhs_number(777_000))}, M1 1AE"
    findings = find(text)
    assert [finding.kind for finding in findings] == ["NHS_NUMBER", "PHONE", "NHS_NUMBER", "POSTCODE"]


def test_the_stronger_finding_stands() -> None:
    """A valid NHS number is not hidden by the longer run of digits that it is part of."""
    assert found(f"{NUMBER} 4512 778") == [("NHS_NUMBER", "certain", NUMBER), ("DIGITS", "check", "4512 778")]


@given(
    st.integers(0, 999_999).map(nhs_number),
    st.lists(st.sampled_from([" ", ", ", " um ", ", er, ", "-", "\n"]), min_size=9, max_size=9),
)
def test_every_valid_number_is_found_however_it_is_said(number: str, marks: list[str]) -> None:
    """Whatever stands between its digits, a valid number said in words is certain."""
    said = "".join(WORDS[int(digit)] + mark for digit, mark in zip(number, [*marks, ""], strict=True))
    assert found(f"Yes: {said}.") == [("NHS_NUMBER", "certain", said)]


@given(
    st.lists(
        st.one_of(st.text(max_size=9), st.sampled_from([NUMBER, "born", "12 May 1948", "oh", "double", "@a.b.example"]))
    ).map(" ".join)
)
def test_findings_ascend_do_not_overlap_and_quote_the_text(text: str) -> None:
    """Whatever the text, findings ascend, do not overlap, and each holds the characters it points at."""
    findings = find(text)
    assert all(text[finding.start : finding.end] == finding.text for finding in findings)
    assert all(before.end <= after.start for before, after in pairwise(findings))


@pytest.mark.parametrize(
    "unit",
    [
        *("1", "1 ", "1-", "0 ", "(0", "+44", "1,000", "1/2/", "2026-", "999 999 9999 ", "\u0661"),
        *("a", "a.", "a@", "a@b.", "@", "M1 1", "AB12", " ", "\n", "."),
        *("one ", "oh, ", "double ", "um ", "born ", "born 1 ", "twenty ", "first of the ", "nineteen ", "May, "),
    ],
)
def test_hostile_text_is_searched_to_its_end(unit: str) -> None:
    """200,000 characters of one repeated pattern are searched like any other, up to what stands at the end."""
    text = (unit * 200_000)[:200_000] + f" x M1 1AE. x {NUMBER}"
    assert found(text)[-1] == ("NHS_NUMBER", "certain", NUMBER)
