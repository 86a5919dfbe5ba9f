"""Tokens enter, codes of letters and digits leave as findings: postcodes, National Insurance, hospital and car numbers.

Written or spelled out, "M one four B T", they become one row of symbols, in which a code is looked for.
"""

import re
from collections.abc import Iterator

from pipeline.identifiers.finding import Severity, made
from pipeline.identifiers.patterns import Pattern
from pipeline.identifiers.stoplists import listed
from pipeline.identifiers.symbols import Symbols, rows
from pipeline.identifiers.tokens import Tokens
from pipeline.model import Finding

_AREA = (
    r"(?:A[BL]|B[ABDFHLNRSTX]?|C[ABFHMORTVW]|D[ADEGHLNTY]|E[CHNX]?|F[KY]|G[LUY]?|H[ADGPRSUX]|I[GMPV]|JE"
    r"|K[ATWY]|L[ADELNSU]?|M[EKL]?|N[EGNPRW]?|O[LX]|P[AEHLOR]|R[GHM]|S[AEGKLMNOPRSTWY]?|T[ADFNQRSW]|UB"
    r"|W[ACDFNRSV]?|YO|ZE)"
)
_POSTCODE = Pattern(rf"{_AREA}[0-9][0-9A-HJKMNPR-Y]?[0-9][ABD-HJLNP-UW-Z]{{2}}")
_NI = Pattern(r"[A-Z]{2}[0-9]{6}[A-D]")
_NI_NAMED = Pattern(r"[A-Z]{2}[0-9]{6}[A-D]?")
_NI_FIRST = Pattern(r"QQ|[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]")
_NI_UNUSED = listed("BG GB KN NK NT TN ZZ")
_PLATE = Pattern(r"[A-HJ-PR-Y][A-HJ-PR-Y](?:0[1-9]|[12][0-9]|5[1-9]|[67][0-9])[A-HJ-PR-Z]{3}")
_PLATE_NAMED = Pattern(r"[A-Z]{2}[0-9]{2}[A-Z]{3}|[A-Z][0-9]{1,3}[A-Z]{3}|[A-Z]{3}[0-9]{1,3}[A-Z]|[A-Z]{2,3}[0-9]{3,4}")
_HOSPITAL_CODE = Pattern(r"[A-Z]{0,4}[0-9]{5,10}[A-Z]{0,2}|[A-Z]{1,3}[0-9]{4}")

_NAMED_NI = re.compile(r"\bnational insurance\b|\bN\.?\s?I\.?\s?(?:number|no\b|num\b|#)|\bNINO\b", re.IGNORECASE)
_NAMED_CAR = re.compile(
    r"\b(?:reg|registration|registered as|number ?plates?|plates?|cars?|vans?|vehicles?|motorbike|taxi|licen[cs]e plate"
    r"|drives|drove|driving|parked|v\.?r\.?m)\b",
    re.IGNORECASE,
)
_NAMED_HOSPITAL = re.compile(
    r"\b(?:hospital|hosp|case[- ]?notes?|case ?records?|medical records?|records?|unit|patient|clinic|chart|x-?ray|k"
    r"|district|crn|emis|rio|systm ?one|pas|mrn|m r n|pid|radiology|lab|casenote)[\s,-]{0,2}(?:number|no\b\.?"
    r"|num\b|id\b"
    r"|identifier|identity|ref(?:erence)?\b)|\bm\.?r\.?n\b\.?|\bm r n\b|\bmedical record\b",
    re.IGNORECASE,
)
_NAMED_HOME = Pattern(
    r"\b(?:post\s?codes?|address(?:es)?|houses?|home|flat|street|road|lives?|lived|living|typed?|keyed|sat\s?nav)\b",
    re.IGNORECASE,
)
_OF_ROAD = Pattern(
    r"\W{1,2}(?:exits?|junctions?|left|right|turn\w*|floor|edition|roundabouts?|lane|of\b|time|times|dose|doses|weeks?"
    r"|days?|hours?|years?|bed|bay|ward|line|place|half|one|attempt|visit|time)\b",
    re.IGNORECASE,
)
_WAY = Pattern(
    r"(?:[\s:.,#()'\u2019-]|\b(?:is|was|of|the|it's|it|its|number|no|for|her|his|as|being|reads|um|uh|er|erm)\b)"
    r"{0,16}"
)
_UNITS = Pattern(r"(?:st|nd|rd|th|hr|wk|yr|gb|tb|pt|nt|pa|ad|bd|td|gt|gr|ft|lb|bp|pg|ug)")
_REACH = 45


def codes(text: str, row: Tokens) -> Iterator[Finding]:
    """Find postcodes and National Insurance, hospital and registration numbers, written or spelled out.

    Args:
        text: in English.
        row: its tokens.
    """
    named = {
        kind: [match.span() for match in pattern.finditer(text)]
        for kind, pattern in (("NI_NUMBER", _NAMED_NI), ("VEHICLE", _NAMED_CAR), ("HOSPITAL_NUMBER", _NAMED_HOSPITAL))
    }
    at = dict.fromkeys(named, 0)
    for symbols in rows(text, row):
        start, end = symbols.starts[0], symbols.ends[-1]
        context = {}
        for kind, places in named.items():
            while at[kind] < len(places) and places[at[kind]][1] < start - _REACH:
                at[kind] += 1
            context[kind] = [place for place in places[at[kind] : at[kind] + 6] if place[0] <= end + _REACH]
        yield from _postcodes(text, symbols)
        yield from _insurance(text, symbols, context["NI_NUMBER"])
        yield from _plates(text, symbols, context["VEHICLE"])
        yield from _hospital(text, symbols, context["HOSPITAL_NUMBER"])


def _postcodes(text: str, symbols: Symbols) -> Iterator[Finding]:
    for match in _POSTCODE.finditer(symbols.text):
        place = symbols.place(match)
        if place is None or _goes_on(symbols, match.end()):
            continue
        before = symbols.text[match.start() - 1 : match.start()]
        if before.isalpha() and symbols.ends[match.start() - 1] == place[0]:
            continue
        said = text[place[0] : place[1]]
        if _UNITS.fullmatch(said[-2:]) and not (_stays(said) or _is_home(text, *place)):
            continue  # "the M6 2nd exit" has the same shape
        yield made("POSTCODE", text, *place, "likely")


def _is_home(text: str, start: int, end: int) -> bool:
    return bool(_NAMED_HOME.search(text[max(0, start - _REACH) : start])) and not _OF_ROAD.match(text, end)


def _stays(said: str) -> bool:
    # Ending in "th" like "5th", it is still a postcode if all of it is written small, or spelled out.
    return bool(re.fullmatch(r"[a-z]{1,2}[0-9][0-9a-z]?\s?[0-9][a-z]{2}", said)) and said[-2:] not in {
        "st",
        "nd",
        "rd",
        "th",
    }


def _insurance(text: str, symbols: Symbols, named: list[tuple[int, int]]) -> Iterator[Finding]:
    pattern = _NI_NAMED if named else _NI
    for match in pattern.finditer(symbols.text):
        place = symbols.place(match)
        first = match[0][:2]
        if place is None or not (named or (_NI_FIRST.fullmatch(first) and first not in _NI_UNUSED)):
            continue
        if not named and _goes_on(symbols, match.end()):
            continue
        yield made("NI_NUMBER", text, *place, "certain" if named else "likely")


def _plates(text: str, symbols: Symbols, named: list[tuple[int, int]]) -> Iterator[Finding]:
    for match in (_PLATE_NAMED if named else _PLATE).finditer(symbols.text):
        place = symbols.place(match)
        if place is None or _goes_on(symbols, match.end()):
            continue
        said = text[place[0] : place[1]]
        if not named and not re.fullmatch(r"[A-Z]{2}[0-9]{2}\s?[A-Z]{3}", said):
            continue
        near = any(end <= place[0] and place[0] - end <= _REACH for _, end in named)
        after = any(place[1] <= start <= place[1] + _REACH for start, _ in named)
        full = bool(_PLATE.fullmatch(match[0]))
        if full or (near and _is_close(text, named, place)):
            severity: Severity = "likely" if near or after or full else "check"
            yield made("VEHICLE", text, *place, severity)


def _is_close(text: str, named: list[tuple[int, int]], place: tuple[int, int]) -> bool:
    return any(end <= place[0] and _WAY.fullmatch(text, end, place[0]) for _, end in named)


def _goes_on(symbols: Symbols, after: int) -> bool:
    return after < len(symbols.text) and symbols.starts[after] == symbols.ends[after - 1]


def _is_behind(text: str, start: int, end: int) -> bool:
    return bool(_WAY.fullmatch(text, start, end)) and "\n" not in text[start:end]


def _hospital(text: str, symbols: Symbols, named: list[tuple[int, int]]) -> Iterator[Finding]:
    for start, end in named:
        first = next((i for i, at in enumerate(symbols.starts) if at >= end and symbols.edges[i]), None)
        if first is not None and _WAY.fullmatch(text, end, symbols.starts[first]):
            match = _HOSPITAL_CODE.match(symbols.text, first)
            place = symbols.place(match) if match else None
            if place:
                yield made("HOSPITAL_NUMBER", text, *place, "certain")
        elif symbols.ends[-1] <= start and _is_behind(text, symbols.ends[-1], start):
            match = re.search(rf"(?:{_HOSPITAL_CODE.pattern})$", symbols.text)
            place = symbols.place(match) if match else None
            if place:
                yield made("HOSPITAL_NUMBER", text, *place, "likely")
