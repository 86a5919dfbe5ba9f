"""Text enters, findings that could identify a patient leave for a person to judge; no library lives here.

A finding is `certain` where a check digit proves it, `likely` where its shape or the words before it say what it is,
and `check` where it is only a long number. No finding does not mean that nobody can be identified: names, addresses
and rare stories have no shape, and a recogniser that mishears a digit hides the number.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from pipeline.model import Finding

Severity = Literal["certain", "likely", "check"]

_STRENGTH: tuple[Severity, ...] = ("certain", "likely", "check")
_NHS_DIGITS = 10
_RUN_MINIMUM = 7
_BIRTH_WINDOW = 160  # characters between "date of birth" and the date: an answer in the next cue or two

_DIGIT_WORDS = {
    word: str(digit)
    for digit, words in enumerate(
        ("zero oh o nought naught nil", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    )
    for word in words.split()
}
_REPEATS = {"double": 2, "treble": 3, "triple": 3}
_FILLERS = "er|erm|um|umm|uh|ah|hm|mm|and|then"

_POSTCODE_AREA = (
    r"(?:A[BL]|B[ABDFHLNRSTX]?|C[ABFHMORTVW]|D[ADEGHLNTY]|E[CHNX]?|F[KY]|G[LUY]?|H[ADGPRSUX]|I[GMPV]|JE"
    r"|K[ATWY]|L[ADELNSU]?|M[EKL]?|N[EGNPRW]?|O[LX]|P[AEHLOR]|R[GHM]|S[AEGKLMNOPRSTWY]?|T[ADFNQRSW]|UB"
    r"|W[ACDFNRSV]?|YO|ZE)"
)
_NI_UNUSED = frozenset(["BG", "GB", "KN", "NK", "NT", "TN", "ZZ"])

_UNIT = r"(?:one|two|three|four|five|six|seven|eight|nine)"
_TEEN = r"(?:ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen)"
_TENS = r"(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)"
_UNDER_HUNDRED = rf"(?:{_TENS}(?:[ -]{_UNIT})?|{_TEEN}|{_UNIT})"
_FIRST_TO_NINTH = r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)"
_ORDINAL = (
    rf"(?:(?:twenty|thirty)[ -]{_FIRST_TO_NINTH}|{_FIRST_TO_NINTH}|tenth|eleventh|twelfth"
    r"|(?:thir|four|fif|six|seven|eigh|nine)teenth|twentieth|thirtieth)"
)
_DAY = rf"(?:(?:3[01]|[12][0-9]|0?[1-9])(?:st|nd|rd|th)?|{_ORDINAL}|{_UNDER_HUNDRED})"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)"
)
_YEAR = (
    r"(?:(?:19|20)[0-9]{2}|'?[0-9]{2}"
    rf"|(?:nineteen|twenty)[ ,-]{{1,2}}(?:(?:oh|o|hundred(?: and)?)[ -]{_UNIT}|{_UNDER_HUNDRED})"
    rf"|two thousand(?:(?: and)? {_UNDER_HUNDRED})?|{_UNDER_HUNDRED})"
)
_BETWEEN = r"(?:[\s,.]{1,3}(?:of|the|er|erm|um|uh|and|in)\b){0,4}[\s,.]{1,3}"
_DATES = (
    r"(?:3[01]|[12][0-9]|0?[1-9])(?P<mark>[/.-]| )(?:1[0-2]|0?[1-9])(?P=mark)(?:(?:19|20)[0-9]{2}|[0-9]{2})",
    r"(?:19|20)[0-9]{2}-(?:1[0-2]|0[1-9])-(?:3[01]|[12][0-9]|0[1-9])",
    rf"{_DAY}{_BETWEEN}{_MONTH}\b(?:{_BETWEEN}{_YEAR})?",
    rf"{_MONTH}{_BETWEEN}{_DAY}\b(?:{_BETWEEN}{_YEAR})?",
    rf"{_ORDINAL}{_BETWEEN}{_ORDINAL}{_BETWEEN}{_YEAR}",
    rf"{_UNDER_HUNDRED}[\s,]{{1,2}}(?:oh )?{_UNDER_HUNDRED}[\s,]{{1,2}}{_YEAR}",
)
_DATE = re.compile(rf"(?<!\w)(?:{'|'.join(_DATES)})(?!\w)", re.IGNORECASE)
_BIRTH = re.compile(r"\b(?:date of birth|birth ?date|birthday|born|d\.?o\.?b)\b", re.IGNORECASE)

_TOKEN = re.compile(
    rf"(?P<long>[0-9]{{{_RUN_MINIMUM},}})|(?<!\w)(?:(?P<figures>[0-9]+)|(?P<word>{'|'.join(_DIGIT_WORDS)})"
    rf"|(?P<repeat>{'|'.join(_REPEATS)})|(?P<filler>{_FILLERS}))(?!\w)",
    re.IGNORECASE,
)
_GAP = re.compile(r"(?:[,.;:\u2026]?\s{1,3}|\s?[-\u2013\u2014]\s?|,|\.{2,4}\s?)")
_ISO_DATE = re.compile(
    r"(?<![0-9])(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}([-/])[0-9]{1,2}\1(?:[0-9]{4}|[0-9]{2}))(?![0-9])"
)
_THOUSANDS = re.compile(r"(?<![0-9,])[1-9][0-9]{0,2}(?:,[0-9]{3})+(?![0-9])")
_CALENDAR_YEAR = re.compile(r"(?:19|20)[0-9]{2}")


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: str
    pattern: re.Pattern[str]
    judge: Callable[[str], Severity | None]


def find(text: str) -> tuple[Finding, ...]:
    """Find what could identify a patient, in time that grows with the length of the text only.

    Join the cues of one speaker before the search: recognisers and captions split numbers.

    Args:
        text: a transcript, notes or any other words, in English.

    Returns:
        The findings, ascending by start, none overlapping: of two that would, the stronger stands, then the longer.

    Source:
        NHS Data Dictionary, NHS NUMBER (modulus 11). National Insurance number and postcode formats of GOV.UK.
    """
    shaped = [*_by_rules(text), *_births(text)]
    strong = [finding for finding in shaped if finding.severity != "check"]
    weak = [finding for finding in shaped if finding.severity == "check"]
    # What a strong finding holds is no part of a run, so that a number next to it is still found.
    return _without_overlaps([*strong, *weak, *_runs(_blanked(text, strong), text)], len(text))


def is_nhs_number(digits: str) -> bool:
    """Say whether ten digits carry the check digit of an NHS number.

    Args:
        digits: figures only.

    Source:
        NHS Data Dictionary, NHS NUMBER: modulus 11 with weights 10 to 2; ten equal digits are never issued.
    """
    if len(digits) != _NHS_DIGITS or len(set(digits)) == 1:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), digits, strict=False))
    return (11 - total % 11) % 11 == int(digits[-1])


def _digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", text)


def _judge_nhs(text: str) -> Severity | None:
    if is_nhs_number(_digits(text)):
        return "certain"
    return "check" if len(text) > _NHS_DIGITS else None


def _judge_phone(text: str) -> Severity | None:
    national = re.sub(r"^(?:\+44|0044)0?", "0", re.sub(r"[ ()-]", "", text))
    lengths = {"01": (10, 11), "02": (11,), "07": (11,)}
    return "likely" if len(national) in lengths.get(national[:2], ()) else None


def _judge_postcode(text: str) -> Severity | None:
    # "the M6 2nd exit" has the same shape.
    return "likely" if text.isupper() or not text.lower().endswith(("st", "nd", "rd", "th")) else None


def _judge_ni(text: str) -> Severity | None:
    # Small letters only in one piece: "at 10 20 30 a day" has the same shape.
    return "likely" if text[:2].upper() not in _NI_UNUSED and (text.isupper() or text.isalnum()) else None


def _likely(_: str) -> Severity:
    return "likely"


_RULES = (
    _Rule("NHS_NUMBER", re.compile(r"(?<![\w.])[0-9]{3}([ \xa0-]?)[0-9]{3}\1[0-9]{4}(?!\w)"), _judge_nhs),
    _Rule(
        "EMAIL",
        re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}(?![\w-])", re.IGNORECASE),
        _likely,
    ),
    _Rule(
        "PHONE",
        re.compile(
            r"(?<![\w+])(?:\+44|0044|\(?0)[ -]?(?:\(0\))?(?:[ ()-]{0,2}[0-9]){9,10}(?![ -]?[0-9])(?!\w)",
        ),
        _judge_phone,
    ),
    _Rule(
        "POSTCODE",
        re.compile(
            rf"(?<!\w){_POSTCODE_AREA}[0-9][0-9A-HJKMNPR-Y]?[ \xa0]?[0-9][ABD-HJLNP-UW-Z]{{2}}(?!\w)", re.IGNORECASE
        ),
        _judge_postcode,
    ),
    _Rule(
        "NI_NUMBER",
        re.compile(
            r"(?<!\w)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?:[ -]?[0-9]{2}){3}[ -]?[A-D](?!\w)",
            re.IGNORECASE,
        ),
        _judge_ni,
    ),
)


def _by_rules(text: str) -> Iterator[Finding]:
    for rule in _RULES:
        for match in rule.pattern.finditer(text):
            severity = rule.judge(match[0])
            if severity:
                yield _finding(rule.kind, text, match.span(), severity)


def _finding(kind: str, text: str, span: tuple[int, int], severity: Severity) -> Finding:
    start, end = span
    return Finding(kind=kind, start=start, end=end, text=text[start:end], severity=severity)


def _births(text: str) -> Iterator[Finding]:
    said = [match.end() for match in _BIRTH.finditer(text)]
    if not said:
        return
    at = 0
    for date in _DATE.finditer(text):
        while at + 1 < len(said) and said[at + 1] <= date.start():
            at += 1
        if 0 <= date.start() - said[at] <= _BIRTH_WINDOW:
            yield _finding("DATE_OF_BIRTH", text, date.span(), "likely")


def _blanked(text: str, findings: Iterable[Finding]) -> str:
    pieces, position = [], 0
    for finding in sorted(findings, key=lambda finding: finding.start):
        start = max(position, finding.start)
        pieces += [text[position:start], "#" * (finding.end - start)]
        position = max(position, finding.end)
    return "".join([*pieces, text[position:]])


def _runs(searched: str, text: str) -> Iterator[Finding]:
    quantities = [match.span() for pattern in (_ISO_DATE, _THOUSANDS) for match in pattern.finditer(searched)]
    without = _blanked(searched, [_finding("", searched, span, "check") for span in quantities])
    for run in _grouped(without):
        digits = _run_digits(run)
        span = (run[0].start(), run[-1].end())
        if len(digits) < _RUN_MINIMUM or _is_quantity(text, run):
            continue
        certain = is_nhs_number(digits)
        yield _finding("NHS_NUMBER" if certain else "DIGITS", text, span, "certain" if certain else "check")


def _grouped(text: str) -> Iterator[list[re.Match[str]]]:
    run: list[re.Match[str]] = []
    for token in _TOKEN.finditer(text):
        if run and not _GAP.fullmatch(text, run[-1].end(), token.start()):
            yield from _trimmed(run)
            run = []
        run.append(token)
    yield from _trimmed(run)


def _trimmed(run: list[re.Match[str]]) -> Iterator[list[re.Match[str]]]:
    spoken = [index for index, token in enumerate(run) if not token["filler"]]
    while spoken and run[spoken[-1]]["repeat"]:
        spoken.pop()
    if spoken:
        yield run[spoken[0] : spoken[-1] + 1]


def _run_digits(run: list[re.Match[str]]) -> str:
    digits, times = [], 1
    for token in run:
        figures = token["long"] or token["figures"] or _DIGIT_WORDS.get((token["word"] or "").lower(), "")
        digits.append(figures[:1] * (times - 1) + figures)
        times = _REPEATS.get((token["repeat"] or "").lower(), times if token["filler"] else 1)
    return "".join(digits)


def _is_quantity(text: str, run: list[re.Match[str]]) -> bool:
    before = text[max(0, run[0].start() - 6) : run[0].start()].rstrip(": ")
    years = all(token["filler"] or _CALENDAR_YEAR.fullmatch(token["figures"] or "") for token in run)
    return years or before.endswith(("\u00a3", "$", "\u20ac")) or before.upper().endswith("ISBN")


def _without_overlaps(findings: list[Finding], length: int) -> tuple[Finding, ...]:
    taken = bytearray(length)
    kept = []
    for finding in sorted(
        findings, key=lambda finding: (_STRENGTH.index(finding.severity), finding.start - finding.end)
    ):
        if 1 not in taken[finding.start : finding.end]:
            taken[finding.start : finding.end] = b"\1" * (finding.end - finding.start)
            kept.append(finding)
    return tuple(sorted(kept, key=lambda finding: finding.start))
