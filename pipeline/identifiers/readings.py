"""Tokens of a run enter, the digits that they say leave, in every way in which they may be meant."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.identifiers.tokens import Is, Token, Tokens, below_hundred

NHS_DIGITS = 10
_PART = frozenset([Is.FIGURES, Is.ZERO, Is.UNIT, Is.TEEN, Is.TENS, Is.SCALE, Is.REPEAT, Is.SOUND, Is.FILLER])
_HUNDRED, _THOUSAND = 100, 1000
_MOST_TOKENS = 60  # of a run of which other readings are tried
_TAKEN_BACK = frozenset(["no", "nope", "sorry", "rather", "mean", "again", "wait"])


@dataclass(frozen=True, slots=True)
class Piece:
    """Digits that tokens of a run say. first, after: the tokens; tens: whether they are not said one by one."""

    digits: str
    first: int
    after: int
    tens: bool = False


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


def pieces_of(run: Sequence[Token]) -> list[Piece]:
    """Read digits one after the other: "double seven" is 77, "forty two" is 42, "four hundred thirty" is 40030."""
    pieces: list[Piece] = []
    times, at, first = 1, 0, None
    while at < len(run):
        token = run[at]
        if token.what is Is.REPEAT:
            times, first = token.value, at
        elif token.what in {Is.TEEN, Is.TENS}:
            value, after = below_hundred(run, at) or (token.value, at + 1)
            pieces.append(Piece(str(value), at, after, tens=True))
            at, times, first = after - 1, 1, None
        elif token.what is Is.SCALE:
            pieces.append(Piece("00" if token.value == _HUNDRED else "", at, at + 1, tens=True))
        elif token.what is not Is.FILLER:
            digits = token.word if token.what is Is.FIGURES else str(token.value)
            start = at if first is None else first
            pieces.append(Piece(digits[:1] * (times - 1) + digits, start, at + 1, tens=token.what is Is.SOUND))
            times, first = 1, None
        at += 1
    return pieces


def digits_of(text: str, row: Tokens) -> str:
    """Return the digits that tokens say: those of an NHS number if they can be read as one."""
    run = [token for token in row if token.what in _PART]
    plain = text_of(pieces_of(run))
    if is_nhs_number(plain):
        return plain
    others = (text_of(pieces) for pieces in other_readings(text, run))
    return next((digits for digits in others if is_nhs_number(digits)), plain)


def text_of(pieces: Sequence[Piece]) -> str:
    """Return the digits of pieces as one row."""
    return "".join(piece.digits for piece in pieces)


def starts_anew(text: str, pieces: Sequence[Piece], run: Sequence[Token], at: int) -> bool:
    """Say whether a pause, a word, or a change between figures and words stands before a piece."""
    before, after = run[pieces[at - 1].after - 1], run[pieces[at].first]
    if (before.what is Is.FIGURES) is not (after.what is Is.FIGURES):
        return True
    return bool(re.search(r"[\w,;.\n\u2026]", text[before.end : after.start]))


def other_readings(text: str, run: Sequence[Token]) -> Iterator[list[Piece]]:
    """Read a run in other ways: "four hundred thirty three" as 433, a group said twice as one, a slip as taken back.

    Args:
        text: in which the run stands.
        run: tokens without marks; of a long one there is no other reading.
    """
    if len(run) > _MOST_TOKENS:
        return
    if any(token.what is Is.SCALE for token in run):
        for across in (False, True):
            yield _with_amounts(text, run, across=across)
    pieces = pieces_of(run)
    groups = _groups(text, pieces, run)
    once = [group for at, group in enumerate(groups) if not at or text_of(group) != text_of(groups[at - 1])]
    if len(once) < len(groups):
        yield [piece for group in once for piece in group]
    yield from _taken_back(run, pieces, groups)


def _groups(text: str, pieces: list[Piece], run: Sequence[Token]) -> list[list[Piece]]:
    groups: list[list[Piece]] = []
    for at, piece in enumerate(pieces):
        if not at or starts_anew(text, pieces, run, at):
            groups.append([])
        groups[-1].append(piece)
    return groups


def _taken_back(run: Sequence[Token], pieces: list[Piece], groups: list[list[Piece]]) -> Iterator[list[Piece]]:
    for at, token in enumerate(run):
        if token.what is not Is.FILLER or token.word not in _TAKEN_BACK:
            continue
        said = [piece for piece in pieces if piece.after <= at]
        if said:
            last = next(group for group in groups if said[-1] in group)
            rest = pieces[len(said) :]
            yield [*said[:-1], *rest]
            yield [*said[: -len(last)], *rest]


def _with_amounts(text: str, run: Sequence[Token], *, across: bool) -> list[Piece]:
    """Read hundreds and thousands as what they amount to. across: over a comma as well."""
    pieces: list[Piece] = []
    at = 0
    while at < len(run):
        amount = _amount(text, run, at, across=across)
        if amount is not None:
            pieces.append(Piece(str(amount[0]), at, amount[1], tens=True))
            at = amount[1]
            continue
        after = at + 1
        if run[at].what in {Is.REPEAT, Is.TEEN, Is.TENS}:
            pair = below_hundred(run, at)
            after = pair[1] if pair else min(at + 2, len(run))
        pieces += [
            Piece(each.digits, each.first + at, each.after + at, tens=each.tens) for each in pieces_of(run[at:after])
        ]
        at = after
    return pieces


def _amount(text: str, run: Sequence[Token], at: int, *, across: bool) -> tuple[int, int] | None:
    """Read "four hundred and thirty three" or "seven thousand two hundred", and return it with the index after it."""
    thousands = _hundreds(text, run, at, across=across)
    if thousands is None:
        return None
    value, after = thousands
    if after >= len(run) or run[after].value != _THOUSAND or run[after].what is not Is.SCALE:
        return (value, after) if value >= _HUNDRED else None
    following = _joined_on(text, run, after + 1, across=across)
    rest = _hundreds(text, run, following, across=across) if following is not None else None
    return (value * _THOUSAND + rest[0], rest[1]) if rest else (value * _THOUSAND, after + 1)


def _hundreds(text: str, run: Sequence[Token], at: int, *, across: bool) -> tuple[int, int] | None:
    small = below_hundred(run, at)
    if small is None:
        return None
    value, after = small
    if after >= len(run) or run[after].what is not Is.SCALE or run[after].value != _HUNDRED:
        return small
    following = _joined_on(text, run, after + 1, across=across)
    rest = below_hundred(run, following) if following is not None else None
    return (value * _HUNDRED + rest[0], rest[1]) if rest else (value * _HUNDRED, after + 1)


def _joined_on(text: str, run: Sequence[Token], at: int, *, across: bool) -> int | None:
    """Return the index of what goes on after "hundred", "and" left out; None after a comma unless across it."""
    following = at
    while following < len(run) and run[following].what is Is.FILLER:
        following += 1
    if following >= len(run):
        return None
    between = text[run[at - 1].end : run[following].start]
    return following if across or not re.search(r"[,;.\n]", between) else None
