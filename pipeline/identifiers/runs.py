"""Tokens enter, NHS numbers, telephone numbers and other long rows of digits leave as findings.

Digits may be figures or words, doubled, said in tens, and with pauses and fillers between them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.identifiers import surroundings
from pipeline.identifiers.finding import Severity, blanked, made
from pipeline.identifiers.readings import (
    NHS_DIGITS,
    Piece,
    is_nhs_number,
    other_readings,
    pieces_of,
    starts_anew,
    text_of,
)
from pipeline.identifiers.tokens import Is, Token, Tokens
from pipeline.model import Finding

_RUN_MINIMUM = 7
_SHORT_PHONE = 6
_NEAR_NHS = range(8, 13)  # digits that a recogniser, or a tongue, may have made of ten
_TWO_NUMBERS = 17
_BEFORE, _AFTER, _AFTER_NHS = 60, 40, 70
_SERVICE_LENGTHS = frozenset([6, 8, 10, 11])
_LONGEST_PHONE = 13
_PART_OF_CODE = range(3, 7)
_TALK = 60  # characters of talk between the groups of one number
_GROUPS = frozenset([(3, 3, 4), (3, 7), (6, 4)])
_MOST_GROUPS = 4
_LONGEST_GROUP = 20  # tokens
_SINGLES = 5  # digits said one by one, without which ten digits are rather a list of quantities

_PART = frozenset([Is.FIGURES, Is.ZERO, Is.UNIT, Is.TEEN, Is.TENS, Is.SCALE, Is.REPEAT, Is.FILLER])
_ONE = frozenset([Is.FIGURES, Is.ZERO, Is.UNIT])
_GAP = re.compile(r"(?:[,.;:?!\u2026]?\s{1,3}|\s?[-\u2010-\u2014]\s?|,|\.{2,4}\s?|\s?[,;]\s?[-\u2013\u2014]\s?)")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """Digits that are said, and the words around them. first: those said first; singles: how many one by one."""

    text: str
    start: int
    end: int
    digits: str
    before: str
    after: str
    first: str
    singles: int

    def made(self, kind: str, severity: Severity) -> Finding:
        return made(kind, self.text, self.start, self.end, severity)

    def is_named(self) -> bool:
        """Say whether the words around call it an NHS number."""
        if surroundings.NAMED_NHS.search(self.before):
            return True
        behind = surroundings.NAMED_NHS.search(self.after)
        return bool(behind and not re.search(r"[.?!\n]", self.after[: behind.start()]))


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
    unsure: list[tuple[list[Token], list[Finding]]] = []
    for run in _grouped(searched, row):
        parts = _numbers(text, pieces_of(run), run)
        found = [finding for pieces in parts for finding in _judged(text, pieces, run)]
        is_known = any(finding.severity == "certain" or finding.kind in {"PHONE", ""} for finding in found)
        other = None if is_known else _read_otherwise(text, run)
        if other is not None:
            yield other
        elif is_known:
            yield from found
        else:
            unsure.append((run, found))
    yield from _across_talk(text, unsure)


def _across_talk(text: str, unsure: Sequence[tuple[list[Token], list[Finding]]]) -> Iterator[Finding]:
    """Find numbers with other talk between their groups: "nine nine nine, where are my glasses, four two six …"."""
    at = 0
    while at < len(unsure):
        for after in range(at + 2, min(at + _MOST_GROUPS, len(unsure)) + 1):
            bridged = _bridged(text, [run for run, _ in unsure[at:after]])
            if bridged is not None:
                yield bridged
                at = after
                break
        else:
            yield from unsure[at][1]
            at += 1


def _bridged(text: str, groups: Sequence[list[Token]]) -> Finding | None:
    between = (text[first[-1].end : second[0].start] for first, second in pairwise(groups))
    if any(len(talk) > _TALK or "\n\n" in talk for talk in between) or max(map(len, groups)) > _LONGEST_GROUP:
        return None
    said = [pieces_of(run) for run in groups]
    if sum(len(piece.digits) for pieces in said for piece in pieces) != NHS_DIGITS:
        return None
    whole = _said(text, groups[0][0].start, groups[-1][-1].end, [piece for pieces in said for piece in pieces])
    if not _is_nhs_number(whole):
        return None
    is_called = whole.is_named() or surroundings.NAMED_NUMBER.search(whole.before)
    is_grouped = whole.singles == NHS_DIGITS and tuple(len(text_of(pieces)) for pieces in said) in _GROUPS
    return whole.made("NHS_NUMBER", "certain") if is_called or is_grouped else None


def _phone(text: str, start: int, end: int, digits: str) -> Finding:
    # A service's own line is rather a number to look at than a patient's.
    if _SERVICE.match(digits):
        return made("", text, start, end, "likely")
    before = _clause(text, start)
    serves = surroundings.NAMED_SERVICE.search(before) or surroundings.IS_SERVICE.match(text, end)
    is_service = serves and not surroundings.PERSONAL.search(before)
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


def _numbers(text: str, pieces: list[Piece], run: Sequence[Token]) -> Iterator[list[Piece]]:
    """Cut a run where whole numbers stand in it, so that "bed two, 999 …" does not hide the second."""
    total = sum(len(piece.digits) for piece in pieces)
    if total <= NHS_DIGITS or _is_phone(national(text_of(pieces[:_TWO_NUMBERS]))):
        yield pieces
        return
    breaks = {0, len(pieces), *(at for at in range(1, len(pieces)) if starts_anew(text, pieces, run, at))}
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


def _number_from(pieces: list[Piece], first: int, breaks: set[int], *, is_long: bool) -> int | None:
    digits = ""
    for at in range(first, len(pieces)):
        digits += pieces[at].digits
        if len(digits) > NHS_DIGITS + 1:
            return None
        is_whole = is_nhs_number(digits) or (len(digits) == NHS_DIGITS + 1 and _is_phone(digits))
        if is_whole and (is_long or at + 1 in breaks):
            return at + 1
    return None


def _judged(text: str, pieces: list[Piece], run: Sequence[Token]) -> Iterator[Finding]:
    digits = text_of(pieces)
    if len(digits) < _SHORT_PHONE:
        return
    start, end = run[pieces[0].first].start, run[pieces[-1].after - 1].end
    before = text[max(0, start - _BEFORE) : start]
    if surroundings.ISBN.search(before) or surroundings.CURRENCY.search(before):
        return
    found = _named(_said(text, start, end, pieces))
    if found is not None:
        yield found
        return
    yield from _bare(text, pieces, run)


def _said(text: str, start: int, end: int, pieces: list[Piece]) -> _Said:
    return _Said(
        text=text,
        start=start,
        end=end,
        digits=text_of(pieces),
        before=text[max(0, start - _BEFORE) : start],
        after=text[end : end + _AFTER_NHS],
        first=pieces[0].digits,
        singles=sum(len(piece.digits) for piece in pieces if not piece.tens),
    )


def _read_otherwise(text: str, run: Sequence[Token]) -> Finding | None:
    for pieces in other_readings(text, run):
        said = _said(text, run[0].start, run[-1].end, pieces)
        if _is_nhs_number(said):
            return said.made("NHS_NUMBER", "certain")
    return None


def _is_nhs_number(said: _Said) -> bool:
    if not is_nhs_number(said.digits):
        return False
    is_named = said.is_named()
    if surroundings.REFERENCE.search(said.before) and not is_named:
        return False
    return said.singles >= _SINGLES or is_named or bool(surroundings.NAMED_NUMBER.search(said.before))


def _named(said: _Said) -> Finding | None:
    if _is_nhs_number(said):
        return said.made("NHS_NUMBER", "certain")
    digits, before = said.digits, said.before
    named_before, named_nhs = bool(surroundings.NAMED_NHS.search(before)), said.is_named()
    plain = said.singles >= _SINGLES or named_nhs
    is_called = bool(surroundings.NAMED_PHONE.search(before))
    dialled = national(f"0{digits[2:]}" if digits.startswith("44") and _PLUS.search(before) else digits)
    # "4471, 4472, 4473" begins like a number from abroad.
    is_list = len(said.first) in _PART_OF_CODE and digits.startswith("44") and not (is_called or _PLUS.search(before))
    is_plain_phone = _is_phone(dialled) and (plain or is_called) and not is_list
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
    names = [match.end() for match in surroundings.NAMED_PHONE.finditer(clause)]
    is_personal = bool(surroundings.PERSONAL.search(clause))
    if not names or said.singles < _SHORT_PHONE or surroundings.REFERENCE.search(said.before):
        return None
    if len(said.digits) > _LONGEST_PHONE or len(clause) - names[-1] > _AFTER:
        return None
    if not is_personal and (len(said.digits) < _RUN_MINIMUM or surroundings.NAMED_SERVICE.search(clause)):
        return None
    return said.made("PHONE", "likely" if len(said.digits) >= _RUN_MINIMUM else "check")


def _bare(text: str, pieces: list[Piece], run: Sequence[Token]) -> Iterator[Finding]:
    part: list[Piece] = []
    for piece in (*pieces, None):
        if piece is not None and not piece.tens:
            part.append(piece)
            continue
        digits = text_of(part)
        if len(digits) >= _RUN_MINIMUM and not _is_quantity(text, part, run):
            certain = len(digits) == NHS_DIGITS and is_nhs_number(digits) and len(part) < len(pieces)
            start, end = run[part[0].first].start, run[part[-1].after - 1].end
            yield made("NHS_NUMBER" if certain else "DIGITS", text, start, end, "certain" if certain else "check")
        part = []


def _is_quantity(text: str, part: list[Piece], run: Sequence[Token]) -> bool:
    said = [run[piece.first] for piece in part]
    start, end = said[0].start, run[part[-1].after - 1].end
    long = [piece.digits for piece in part if len(piece.digits) > 2]  # noqa: PLR2004 - longer than a day or an hour
    if len(long) > 1 and all(map(_CALENDAR_YEAR.fullmatch, long)):
        return True
    before = text[max(0, start - _BEFORE) : start]
    if re.search(r"[A-Za-z][-/]$", before) or surroundings.OF_MONTH.match(text, end):
        return True
    if surroundings.REFERENCE.search(before) or (len(part) == 1 and surroundings.COUNTED.match(text, end)):
        return True
    if all(token.what is Is.FIGURES for token in said):
        small = all(len(piece.digits) <= 3 and not piece.digits.startswith("0") for piece in part)  # noqa: PLR2004
        return len(part) > 1 and small and (_is_list(text, part, run) or bool(surroundings.RESULTS.search(before)))
    return bool(surroundings.RESULTS.search(before[-25:])) and _is_list(text, part, run)


def _is_list(text: str, part: list[Piece], run: Sequence[Token]) -> bool:
    gaps = [text[run[first.after - 1].end : run[second.first].start] for first, second in pairwise(part)]
    return all("," in gap or ";" in gap or re.search(r"\w", gap) for gap in gaps) and any(
        len(piece.digits) > 1 for piece in part
    )
