"""Tokens enter, NHS numbers, telephone numbers and other long rows of digits leave as findings.

Digits may be figures or words, doubled, said in tens, and with pauses and fillers between them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.identifiers.finding import Severity, blanked, made
from pipeline.identifiers.tokens import Is, Token, Tokens, below_hundred
from pipeline.model import Finding

NHS_DIGITS = 10
_RUN_MINIMUM = 7
_SHORT_PHONE = 6
_NEAR_NHS = range(8, 13)  # digits that a recogniser, or a tongue, may have made of ten
_TWO_NUMBERS = 17
_BEFORE, _AFTER, _AFTER_NHS = 60, 40, 70
_SERVICE_LENGTHS = frozenset([6, 8, 10, 11])
_LONGEST_PHONE = 13
_SINGLES = 5  # digits said one by one, without which ten digits are rather a list of quantities

_PART = frozenset([Is.FIGURES, Is.ZERO, Is.UNIT, Is.TEEN, Is.TENS, Is.SCALE, Is.REPEAT, Is.FILLER])
_ONE = frozenset([Is.FIGURES, Is.ZERO, Is.UNIT])
_GAP = re.compile(r"(?:[,.;:\u2026]?\s{1,3}|\s?[-\u2010-\u2014]\s?|,|\.{2,4}\s?|\s?[,;]\s?[-\u2013\u2014]\s?)")
_QUANTITY = re.compile(
    r"(?<![0-9/-])[0-9]{4}([-/ ])[0-9]{2}\1[0-9]{2}(?![0-9])"
    r"|(?<![0-9/-])[0-9]{1,2}([-/])[0-9]{1,2}\2(?:[0-9]{4}|[0-9]{2})(?![0-9])"
    r"|(?<![0-9])[0-9]{2} [0-9]{2} (?:19|20)[0-9]{2}(?![0-9])"
    r"|(?<![0-9,])[1-9][0-9]{0,2}(?:,[0-9]{3})+(?!,?[0-9])"
    r"|(?<![0-9])(?:19|20)[0-9]{2}\s?[-/\u2013]\s?(?:(?:19|20)[0-9]{2}|[0-9]{2})(?![0-9])"
    r"|(?<![0-9])(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?![0-9])"
    r"|\b(?:https?://|www\.|10\.[0-9]{4,9}/)\S{1,300}"
)
_CALENDAR_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_DOTTED_NHS = re.compile(r"(?<![\w.])[0-9]{3}([./_])[0-9]{3}\1[0-9]{4}(?![\w/]|\.[0-9])")
_PHONE = re.compile(
    r"(?<![\w+])(?:\+44|0044|\(?0)[ .-]?(?:\(0\))?(?:[ ().\u2010-\u2013-]{0,2}[0-9]){9,10}(?![ -]?[0-9])(?!\w)"
)
_FOREIGN_PHONE = re.compile(r"(?<![\w+])\+[1-9][0-9]{0,2}(?:[ ().-]{0,2}[0-9]){7,12}(?![0-9])")
_SERVICE = re.compile(r"0(?:8|3[0347]|5[56]|9)[0-9]+|116[0-9]{3}|1(?:11|01)")
_PLUS = re.compile(r"(?:\+|\bplus)\s?$", re.IGNORECASE)
_NAMED_NHS = re.compile(
    r"(?:\bN\.?\s?H\.?\s?S\.?|\bhealth service|\bCHI|\bN H S)\s*,?\s*(?:number|no\b|num\b|nr\b|id\b|identifier|#)",
    re.IGNORECASE,
)
_NAMED_PHONE = re.compile(
    r"\b(?:phones?|phoned|telephone|tel|mobile|mob|landline|ring|rings|rang|call|calls|called|text|texted|whats ?app"
    r"|dial|contact(?:able)?|reach|her number|his number|their number|my number|home number|work number)\b",
    re.IGNORECASE,
)
_NAMED_SERVICE = re.compile(
    r"\b(?:helplines?|help line|hotline|advice line|crisis (?:line|team)|samaritans|switchboard|booking line|bookings"
    r"|out[- ]of[- ]hours|press office|information line|reception|enquiries|front desk|surgery|practice|service desk"
    r"|freephone|careline|support line|24[- ]hour|hub|single point of access|bleep|main number|ward|office|clinic)\b",
    re.IGNORECASE,
)
_IS_SERVICE = re.compile(
    r",?\s(?:is|was|goes to|reaches|gets you|for)\s(?:the|our|a)\s(?:\w+\s)?(?:switchboard|helpline|hotline"
    r"|reception|surgery|practice|main|"
    r"booking|press|advice|out|ward|office|hub)",
    re.IGNORECASE,
)
_PERSONAL = re.compile(
    r"\b(?:her|his|hers|patient|mum|mother|dad|father|son|daughter|wife|husband|brother|sister|carer|neighbour"
    r"|mrs?|miss"
    r"|ms|mobile|home|me|my|him|next of kin|nan|gran)\b",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"\b(?:isbn|issn|doi|pmid|pubmed|isrctn|nct|eudract|arxiv|policy|version|charity|company|build|sop|licen[cs]e|grant"
    r"|trial|barcode|batch|lot|catalogue|model|serial|part|order|invoice|purchase order|po|tender|sku|vat|ods|snomed"
    r"|read code|dm\+d|code|standard|circular|hsc|episode|ean|gtin)"
    r"(?:-1[03])?[\s:#.,()]{0,3}(?:(?:number|numbers|no|code|id|ref|reference|registration|concept|is|was|of|the|it's"
    r"|say|says)[\s:#.,]{0,3}){0,3}$",
    re.IGNORECASE,
)
_ISBN = re.compile(r"\bISBN(?:-1[03])?\W{0,3}(?:(?:number|is|was|for|it's)\W{1,2}){0,3}$", re.IGNORECASE)
_CURRENCY = re.compile(r"[\u00a3$\u20ac]\s?$|\b(?:GBP|EUR|USD)\s?$")
_COUNTED = re.compile(
    r"\s*(?:pounds?|euros?|dollars?|quid|pence|people|patients?|residents|appointments|contacts|doses|steps|cells|units"
    r"|genomes?|records|rows|copies|iu|mg|ml|per\b|%|million|billion|downloads|listeners|words|bytes)",
    re.IGNORECASE,
)
_OF_MONTH = re.compile(r"\s(?:of\s)?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b", re.IGNORECASE)
_RESULTS = re.compile(
    r"\b(?:hba1c|sodium|potassium|creatinine|urea|egfr|crp|hb|h[ae]+moglobin|platelets?|white cells?|ferritin|bp"
    r"|blood pressures?|pressures?|pulse|peak flows?|sats|saturations?|sugars?|glucose|weights?|readings?"
    r"|results?|scores?"
    r"|levels?|temperatures?|doses?|figures|scored|counts?|ratios?|numbers went|years?|ages|aged|beds|wards|bays|rooms"
    r"|weeks?|days?|hours?|milligrams?|mg|inr|psa|alt|ast|tsh|bnp|troponins?|phq|gad|news|gcs|bmi|cholesterol)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Piece:
    digits: str
    first: int
    after: int
    tens: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """Digits that are said, and the words around them. singles: how many were said one by one."""

    text: str
    start: int
    end: int
    digits: str
    before: str
    after: str
    singles: int

    def made(self, kind: str, severity: Severity) -> Finding:
        return made(kind, self.text, self.start, self.end, severity)


def is_nhs_number(digits: str) -> bool:
    """Say whether ten digits carry the check digit of an NHS number.

    Args:
        digits: figures only.

    Source:
        NHS Data Dictionary, NHS NUMBER: modulus 11 with weights 10 to 2; ten equal digits are never issued.
    """
    if len(digits) != NHS_DIGITS or len(set(digits)) == 1:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), digits, strict=False))
    return (11 - total % 11) % 11 == int(digits[-1])


def written_numbers(text: str) -> Iterator[Finding]:
    """Find telephone and NHS numbers with brackets, points and slashes, which are no gap between spoken digits."""
    for match in _PHONE.finditer(text):
        digits = national(match[0])
        if _is_phone(digits) and not is_nhs_number(re.sub(r"[^0-9]", "", match[0])):
            yield _phone(text, match.start(), match.end(), digits)
    for match in _FOREIGN_PHONE.finditer(text):
        if not match[0].startswith("+44"):
            yield made("PHONE", text, match.start(), match.end(), "likely")
    for match in _DOTTED_NHS.finditer(text):
        if is_nhs_number(re.sub(r"[^0-9]", "", match[0])):
            yield made("NHS_NUMBER", text, match.start(), match.end(), "certain")


def national(number: str) -> str:
    """Write a British telephone number as it is dialled in the country: figures only, with its leading zero."""
    digits = re.sub(r"[^0-9+]", "", number.replace("(0)", ""))
    return re.sub(r"^(?:\+44|0044|44(?=[0-9]{10}$))0?", "0", digits).replace("+", "")


def runs(text: str, row: Tokens, taken: Sequence[tuple[int, int]]) -> Iterator[Finding]:
    """Find rows of digits, in figures or words.

    Args:
        text: in English.
        row: its tokens.
        taken: places that hold something else, ascending.
    """
    searched = blanked(text, [*taken, *(match.span() for match in _QUANTITY.finditer(text))])
    for run in _grouped(searched, row):
        for pieces in _numbers(text, _pieces(run), run):
            yield from _judged(text, pieces, run)


def digits_of(row: Tokens) -> str:
    """Return the digits that tokens say: "double seven" is 77, "forty two" is 42."""
    parts = [token for token in row if token.what in _PART and token.what is not Is.FILLER]
    return "".join(piece.digits for piece in _pieces(parts))


def _phone(text: str, start: int, end: int, digits: str) -> Finding:
    # A service's own line is rather a number to look at than a patient's.
    if _SERVICE.match(digits):
        return made("", text, start, end, "likely")
    before = _clause(text, start)
    is_service = (_NAMED_SERVICE.search(before) or _IS_SERVICE.match(text, end)) and not _PERSONAL.search(before)
    return made("DIGITS" if is_service else "PHONE", text, start, end, "check" if is_service else "likely")


def _clause(text: str, start: int) -> str:
    return re.split(r"[?!\n]|\.\s", text[max(0, start - _BEFORE) : start])[-1]


def _is_phone(digits: str) -> bool:
    lengths = {"01": (10, 11), "02": (11,), "07": (11,)}
    if digits[:2] in lengths:
        return len(digits) in lengths[digits[:2]]
    return len(digits) in {10, 11} and bool(_SERVICE.match(digits)) and digits.startswith("0")


def _grouped(searched: str, row: Tokens) -> Iterator[list[Token]]:
    run: list[Token] = []
    for at, token in enumerate(row):
        if token.what is Is.MARK:
            continue
        is_part = (token.what in _PART and _stands_alone(searched, token)) or _sounds(row, at, run)
        if run and not (is_part and _GAP.fullmatch(searched, run[-1].end, token.start)):
            yield from _trimmed(run)
            run = []
        if is_part:
            run.append(token)
    yield from _trimmed(run)


def _sounds(row: Tokens, at: int, run: list[Token]) -> bool:
    # A recogniser writes "nine for three" where "nine four three" is said.
    if row[at].what is not Is.SOUND or not run or run[-1] is not row[at - 1]:
        return False
    return row[at - 1].what in _ONE and at + 1 < len(row) and row[at + 1].what in _ONE


def _stands_alone(searched: str, token: Token) -> bool:
    if searched[token.start] == "#":
        return False
    if token.what is Is.FIGURES and len(token.word) >= _RUN_MINIMUM:
        return True
    before, after = searched[token.start - 1 : token.start], searched[token.end : token.end + 1]
    return not (before.isalnum() or before == "_") and not (after.isalnum() or after == "_")


def _trimmed(run: list[Token]) -> Iterator[list[Token]]:
    said = [index for index, token in enumerate(run) if token.what is not Is.FILLER]
    while said and run[said[-1]].what is Is.REPEAT:
        said.pop()
    while said and run[said[0]].what is Is.SCALE:
        said.pop(0)
    if said:
        yield run[said[0] : said[-1] + 1]


def _pieces(run: Sequence[Token]) -> list[_Piece]:
    pieces: list[_Piece] = []
    times, at, first = 1, 0, None
    while at < len(run):
        token = run[at]
        if token.what is Is.REPEAT:
            times, first = token.value, at
        elif token.what in {Is.TEEN, Is.TENS}:
            value, after = below_hundred(run, at) or (token.value, at + 1)
            pieces.append(_Piece(str(value), at, after, tens=True))
            at, times, first = after - 1, 1, None
        elif token.what is Is.SCALE:
            pieces.append(_Piece("00" if token.value == 100 else "", at, at + 1, tens=True))  # noqa: PLR2004
        elif token.what is not Is.FILLER:
            digits = token.word if token.what is Is.FIGURES else str(token.value)
            start = at if first is None else first
            pieces.append(_Piece(digits[:1] * (times - 1) + digits, start, at + 1, tens=token.what is Is.SOUND))
            times, first = 1, None
        at += 1
    return pieces


def _numbers(text: str, pieces: list[_Piece], run: Sequence[Token]) -> Iterator[list[_Piece]]:
    """Cut a run where whole numbers stand in it, so that "bed two, 999 …" does not hide the second."""
    total = sum(len(piece.digits) for piece in pieces)
    if total <= NHS_DIGITS or _is_phone(national("".join(piece.digits for piece in pieces[:_TWO_NUMBERS]))):
        yield pieces
        return
    breaks = {0, len(pieces), *(at for at in range(1, len(pieces)) if _breaks(text, pieces, run, at))}
    rest = at = 0
    while at < len(pieces):
        end = _number_from(pieces, at, breaks, is_long=total >= _TWO_NUMBERS) if at in breaks or at == rest else None
        if end is None:
            at += 1
            continue
        if rest < at:
            yield pieces[rest:at]
        yield pieces[at:end]
        at = rest = end
    if rest < len(pieces):
        yield pieces[rest:]


def _number_from(pieces: list[_Piece], first: int, breaks: set[int], *, is_long: bool) -> int | None:
    digits = ""
    for at in range(first, len(pieces)):
        digits += pieces[at].digits
        if len(digits) > NHS_DIGITS + 1:
            return None
        is_whole = is_nhs_number(digits) or (len(digits) == NHS_DIGITS + 1 and _is_phone(digits))
        if is_whole and (is_long or at + 1 in breaks):
            return at + 1
    return None


def _breaks(text: str, pieces: list[_Piece], run: Sequence[Token], at: int) -> bool:
    before, after = run[pieces[at - 1].after - 1], run[pieces[at].first]
    if (before.what is Is.FIGURES) is not (after.what is Is.FIGURES):
        return True
    return bool(re.search(r"[\w,;.\n\u2026]", text[before.end : after.start]))


def _judged(text: str, pieces: list[_Piece], run: Sequence[Token]) -> Iterator[Finding]:
    digits = "".join(piece.digits for piece in pieces)
    if len(digits) < _SHORT_PHONE:
        return
    start, end = run[pieces[0].first].start, run[pieces[-1].after - 1].end
    before, after = text[max(0, start - _BEFORE) : start], text[end : end + _AFTER_NHS]
    if _ISBN.search(before) or _CURRENCY.search(before):
        return
    singles = sum(len(piece.digits) for piece in pieces if not piece.tens)
    said = _Said(text=text, start=start, end=end, digits=digits, before=before, after=after, singles=singles)
    found = _named(said)
    if found is not None:
        yield found
        return
    yield from _bare(text, pieces, run)


def _named(said: _Said) -> Finding | None:
    digits, before = said.digits, said.before
    named_before = bool(_NAMED_NHS.search(before))
    behind = _NAMED_NHS.search(said.after)
    named_nhs = named_before or bool(behind and not re.search(r"[.?!\n]", said.after[: behind.start()]))
    plain = said.singles >= _SINGLES or named_nhs
    if is_nhs_number(digits) and plain and not (_REFERENCE.search(before) and not named_nhs):
        return said.made("NHS_NUMBER", "certain")
    dialled = national(f"0{digits[2:]}" if digits.startswith("44") and _PLUS.search(before) else digits)
    is_plain_phone = _is_phone(dialled) and (plain or _NAMED_PHONE.search(before))
    if is_plain_phone and not (named_before and len(digits) == NHS_DIGITS):
        return _phone(said.text, said.start, said.end, dialled)
    if named_nhs and len(digits) in _NEAR_NHS and not _SERVICE.match(digits):
        held = any(is_nhs_number(digits[at : at + NHS_DIGITS]) for at in range(len(digits) - NHS_DIGITS + 1))
        return said.made("NHS_NUMBER", "certain" if held else "likely")
    if _SERVICE.fullmatch(digits) and len(digits) in _SERVICE_LENGTHS:
        return said.made("", "likely")
    return _short_phone(said)


def _short_phone(said: _Said) -> Finding | None:
    clause = _clause(said.text, said.start)
    names = [match.end() for match in _NAMED_PHONE.finditer(clause)]
    is_personal = bool(_PERSONAL.search(clause))
    if not names or said.singles < _SHORT_PHONE or _REFERENCE.search(said.before):
        return None
    if len(said.digits) > _LONGEST_PHONE or len(clause) - names[-1] > _AFTER:
        return None
    if not is_personal and (len(said.digits) < _RUN_MINIMUM or _NAMED_SERVICE.search(clause)):
        return None
    return said.made("PHONE", "likely" if len(said.digits) >= _RUN_MINIMUM else "check")


def _bare(text: str, pieces: list[_Piece], run: Sequence[Token]) -> Iterator[Finding]:
    part: list[_Piece] = []
    for piece in (*pieces, None):
        if piece is not None and not piece.tens:
            part.append(piece)
            continue
        digits = "".join(each.digits for each in part)
        if len(digits) >= _RUN_MINIMUM and not _is_quantity(text, part, run):
            certain = len(digits) == NHS_DIGITS and is_nhs_number(digits) and len(part) < len(pieces)
            start, end = run[part[0].first].start, run[part[-1].after - 1].end
            yield made("NHS_NUMBER" if certain else "DIGITS", text, start, end, "certain" if certain else "check")
        part = []


def _is_quantity(text: str, part: list[_Piece], run: Sequence[Token]) -> bool:
    said = [run[piece.first] for piece in part]
    start, end = said[0].start, run[part[-1].after - 1].end
    if all(_CALENDAR_YEAR.fullmatch(piece.digits) for piece in part) and len(part) > 1:
        return True
    before = text[max(0, start - _BEFORE) : start]
    if re.search(r"[A-Za-z][-/]$", before) or _OF_MONTH.match(text, end):
        return True
    if _REFERENCE.search(before) or (len(part) == 1 and _COUNTED.match(text, end)):
        return True
    if all(token.what is Is.FIGURES for token in said):
        small = all(len(piece.digits) <= 3 and not piece.digits.startswith("0") for piece in part)  # noqa: PLR2004
        return len(part) > 1 and small and (_is_list(text, part, run) or bool(_RESULTS.search(before)))
    return bool(_RESULTS.search(before[-25:])) and _is_list(text, part, run)


def _is_list(text: str, part: list[_Piece], run: Sequence[Token]) -> bool:
    gaps = [text[run[first.after - 1].end : run[second.first].start] for first, second in pairwise(part)]
    return all("," in gap or ";" in gap or re.search(r"\w", gap) for gap in gaps) and any(
        len(piece.digits) > 1 for piece in part
    )
