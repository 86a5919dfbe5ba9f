"""Tokens enter, codes of letters and digits leave as findings: postcodes, National Insurance, hospital and car numbers.

Written or spelled out, "M one four B T", they become one row of symbols, in which a code is looked for.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.identifiers.finding import Severity, made
from pipeline.identifiers.stoplists import listed
from pipeline.identifiers.tokens import Is, Token, Tokens, below_hundred
from pipeline.model import Finding

_AREA = (
    r"(?:A[BL]|B[ABDFHLNRSTX]?|C[ABFHMORTVW]|D[ADEGHLNTY]|E[CHNX]?|F[KY]|G[LUY]?|H[ADGPRSUX]|I[GMPV]|JE"
    r"|K[ATWY]|L[ADELNSU]?|M[EKL]?|N[EGNPRW]?|O[LX]|P[AEHLOR]|R[GHM]|S[AEGKLMNOPRSTWY]?|T[ADFNQRSW]|UB"
    r"|W[ACDFNRSV]?|YO|ZE)"
)
_POSTCODE = re.compile(rf"{_AREA}[0-9][0-9A-HJKMNPR-Y]?[0-9][ABD-HJLNP-UW-Z]{{2}}")
_NI = re.compile(r"[A-Z]{2}[0-9]{6}[A-D]")
_NI_NAMED = re.compile(r"[A-Z]{2}[0-9]{6}[A-D]?")
_NI_FIRST = re.compile(r"QQ|[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]")
_NI_UNUSED = listed("BG GB KN NK NT TN ZZ")
_PLATE = re.compile(r"[A-HJ-PR-Y][A-HJ-PR-Y](?:0[1-9]|[12][0-9]|5[1-9]|[67][0-9])[A-HJ-PR-Z]{3}")
_PLATE_NAMED = re.compile(
    r"[A-Z]{2}[0-9]{2}[A-Z]{3}|[A-Z][0-9]{1,3}[A-Z]{3}|[A-Z]{3}[0-9]{1,3}[A-Z]|[A-Z]{2,3}[0-9]{3,4}"
)
_HOSPITAL_CODE = re.compile(r"[A-Z]{0,4}[0-9]{5,10}[A-Z]{0,2}|[A-Z]{1,3}[0-9]{4}")

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
_WAY = re.compile(
    r"(?:[\s:.,#()'\u2019-]|\b(?:is|was|of|the|it's|it|its|number|no|for|her|his|as|being|reads|um|uh|er|erm)\b)"
    r"{0,16}"
)
_NATO = listed(
    "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa quebec romeo"
    " sierra tango uniform victor whiskey xray yankee zulu"
)
_SPELLED = {word: word[0].upper() for word in _NATO} | {
    "alfa": "A", "juliett": "J", "whisky": "W", "zed": "Z", "zee": "Z", "bee": "B", "cee": "C", "dee": "D", "tee": "T",
    "pee": "P", "ess": "S", "em": "M", "en": "N", "el": "L", "ell": "L", "jay": "J", "kay": "K", "cue": "Q",
    "queue": "Q", "vee": "V", "ex": "X", "aitch": "H", "haitch": "H", "eff": "F", "gee": "G", "ar": "R", "why": "Y",
    "wye": "Y",
}  # fmt: skip
_GAP = re.compile(r"\s{0,3}|[,.\u2026-]\s{0,2}|\s[-\u2013]\s|\.{2,3}\s?")
_UNITS = re.compile(r"(?:st|nd|rd|th|hr|wk|yr|gb|tb|pt|nt|pa|ad|bd|td|gt|gr|ft|lb|bp|pg|ug)")
_LONGEST_WORD = 4
_LONGEST = 24
_REACH = 45


@dataclass(frozen=True, slots=True)
class _Symbols:
    """A row of symbols. starts, ends: in the text, of each; edges: whether a token begins there."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    edges: tuple[bool, ...]

    def place(self, match: re.Match[str]) -> tuple[int, int] | None:
        """Return where in the text a match stands, None if it begins or ends inside a token."""
        first, after = match.span()
        if not self.edges[first] or (after < len(self.text) and not self.edges[after]):
            return None
        return self.starts[first], self.ends[after - 1]


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
    for symbols in _rows(text, row):
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


def spelled(text: str, row: Tokens) -> str:
    """Return the letters and digits that tokens say, in capitals."""
    return "".join(char for token in range(len(row)) for char in _symbol(text, row, token)[0])


def _postcodes(text: str, symbols: _Symbols) -> Iterator[Finding]:
    for match in _POSTCODE.finditer(symbols.text):
        place = symbols.place(match)
        if place is None or _goes_on(symbols, match.end()):
            continue
        before = symbols.text[match.start() - 1 : match.start()]
        if before.isalpha() and symbols.ends[match.start() - 1] == place[0]:
            continue
        said = text[place[0] : place[1]]
        if _UNITS.fullmatch(said[-2:]) and not _stays(said):
            continue  # "the M6 2nd exit" has the same shape
        yield made("POSTCODE", text, *place, "likely")


def _stays(said: str) -> bool:
    # Ending in "th" like "5th", it is still a postcode if all of it is written small, or spelled out.
    return bool(re.fullmatch(r"[a-z]{1,2}[0-9][0-9a-z]?\s?[0-9][a-z]{2}", said)) and said[-2:] not in {
        "st",
        "nd",
        "rd",
        "th",
    }


def _insurance(text: str, symbols: _Symbols, named: list[tuple[int, int]]) -> Iterator[Finding]:
    pattern = _NI_NAMED if named else _NI
    for match in pattern.finditer(symbols.text):
        place = symbols.place(match)
        first = match[0][:2]
        if place is None or not (named or (_NI_FIRST.fullmatch(first) and first not in _NI_UNUSED)):
            continue
        if not named and _goes_on(symbols, match.end()):
            continue
        yield made("NI_NUMBER", text, *place, "certain" if named else "likely")


def _plates(text: str, symbols: _Symbols, named: list[tuple[int, int]]) -> Iterator[Finding]:
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


def _goes_on(symbols: _Symbols, after: int) -> bool:
    return after < len(symbols.text) and symbols.starts[after] == symbols.ends[after - 1]


def _hospital(text: str, symbols: _Symbols, named: list[tuple[int, int]]) -> Iterator[Finding]:
    for start, end in named:
        first = next((i for i, at in enumerate(symbols.starts) if at >= end and symbols.edges[i]), None)
        if first is not None and _WAY.fullmatch(text, end, symbols.starts[first]):
            match = _HOSPITAL_CODE.match(symbols.text, first)
            place = symbols.place(match) if match else None
            if place:
                yield made("HOSPITAL_NUMBER", text, *place, "certain")
        elif symbols.ends[-1] <= start and _WAY.fullmatch(text, symbols.ends[-1], start):
            match = re.search(rf"(?:{_HOSPITAL_CODE.pattern})$", symbols.text)
            place = symbols.place(match) if match else None
            if place:
                yield made("HOSPITAL_NUMBER", text, *place, "likely")


def _rows(text: str, row: Tokens) -> Iterator[_Symbols]:
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    edges: list[bool] = []
    last_end, at = 0, 0
    while at < len(row):
        token = row[at]
        if token.what is Is.MARK:
            at += 1
            continue
        said, after = _symbol(text, row, at)
        is_filler = token.what is Is.FILLER or (token.what is Is.REPEAT and bool(said))
        joins = bool(chars) and bool(_GAP.fullmatch(text, last_end, token.start)) and len(chars) < _LONGEST
        if chars and not (joins and (said or is_filler)):
            yield _Symbols("".join(chars), tuple(starts), tuple(ends), tuple(edges))
            chars, starts, ends, edges = [], [], [], []
        if said:
            end = row[after - 1].end
            chars += said
            single = len(said) == token.end - token.start
            starts += [token.start + n if single else token.start for n in range(len(said))]
            ends += [token.start + n + 1 if single else end for n in range(len(said))]
            edges += [True, *([False] * (len(said) - 1))]
            last_end = end
        elif is_filler:
            last_end = token.end
        at = after
    if chars:
        yield _Symbols("".join(chars), tuple(starts), tuple(ends), tuple(edges))


def _symbol(  # noqa: PLR0911 - one answer for each kind of token
    text: str, row: Tokens, at: int
) -> tuple[str, int]:
    """Return the symbols a token says, none for a plain word, and the index after it."""
    token = row[at]
    after = at + 1
    if token.what is Is.FIGURES:
        return (token.word, after) if len(token.word) <= _LONGEST else ("", after)
    if token.word == "o" and any(row[near].what is Is.LETTER for near in (at - 1, at + 1) if 0 <= near < len(row)):
        return "O", after
    if token.what in {Is.ZERO, Is.UNIT}:
        return str(token.value), after
    if token.what in {Is.TEEN, Is.TENS}:
        value, after = below_hundred(row, at) or (token.value, after)
        return str(value), after
    if token.what is Is.REPEAT:
        return _repeated(text, row, at)
    if token.what is Is.LETTER:
        return (token.word.upper(), after) if token.word.isascii() else ("", after)
    if token.what is Is.WORD or token.what is Is.MONTH:
        return _letters(text, row, at), after
    return "", after


def _repeated(text: str, row: Tokens, at: int) -> tuple[str, int]:
    if at + 1 >= len(row):
        return "", at + 1
    following = row[at + 1]
    if following.word in {"u", "you"} and row[at].value == 2:  # noqa: PLR2004 - "double u"
        return "W", at + 2
    if following.what in {Is.ZERO, Is.UNIT, Is.LETTER} or (following.what is Is.FIGURES and len(following.word) == 1):
        return _symbol(text, row, at + 1)[0] * row[at].value, at + 2
    return "", at + 1


def _letters(text: str, row: Tokens, at: int) -> str:
    token = row[at]
    if token.word in _SPELLED and (_is_spelled(row, at)):
        return _SPELLED[token.word]
    if len(token.word) > _LONGEST_WORD or not token.word.isascii() or not token.word.isalpha():
        return ""
    glued = (at and row[at - 1].end == token.start and row[at - 1].what is Is.FIGURES) or (
        at + 1 < len(row) and row[at + 1].start == token.end and row[at + 1].what is Is.FIGURES
    )
    return token.word.upper() if glued or text[token.start : token.end].isupper() else ""


def _is_spelled(row: Tokens, at: int) -> bool:
    # "golf" and "why" are words, unless a digit or a letter stands beside them.
    beside = [row[index] for index in (at - 1, at + 1) if 0 <= index < len(row)]
    return any(_says_symbol(token) for token in beside)


def _says_symbol(token: Token) -> bool:
    return token.what in {Is.LETTER, Is.UNIT, Is.ZERO, Is.FIGURES} or token.word in _SPELLED
