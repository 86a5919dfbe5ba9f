"""Tokens enter, rows of letters and figures leave, as codes are written and spelled out: "M one four B for bravo T"."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.identifiers.stoplists import listed
from pipeline.identifiers.tokens import Is, Token, Tokens, below_hundred

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
_LONGEST_WORD = 4
_LONGEST = 24


@dataclass(frozen=True, slots=True)
class Symbols:
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


def rows(text: str, row: Tokens) -> Iterator[Symbols]:
    """Join the letters and figures of a text that stand together; no gap is longer than a pause or a filler."""
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
            yield Symbols("".join(chars), tuple(starts), tuple(ends), tuple(edges))
            chars, starts, ends, edges = [], [], [], []
        if said:
            end = row[after - 1].end
            chars += said
            single = len(said) == token.end - token.start and after == at + 1
            starts += [token.start + n if single else token.start for n in range(len(said))]
            ends += [token.start + n + 1 if single else end for n in range(len(said))]
            edges += [True, *([False] * (len(said) - 1))]
            last_end = end
        elif is_filler:
            last_end = token.end
        at = after
    if chars:
        yield Symbols("".join(chars), tuple(starts), tuple(ends), tuple(edges))


def _symbol(  # noqa: PLR0911 - one answer for each kind of token
    text: str, row: Tokens, at: int
) -> tuple[str, int]:
    """Return the symbols a token says, none for a plain word, and the index after it."""
    token = row[at]
    after = at + 1
    if token.what is Is.FIGURES:
        return (token.word, after) if len(token.word) <= _LONGEST else ("", after)
    if token.word == "o" and any(row[near].what is Is.LETTER for near in _beside(row, at)):
        return "O", after
    if token.what in {Is.ZERO, Is.UNIT}:
        return str(token.value), after
    if token.what in {Is.TEEN, Is.TENS}:
        value, after = below_hundred(row, at) or (token.value, after)
        return str(value), after
    if token.what is Is.REPEAT:
        return _repeated(text, row, at)
    if token.what is Is.LETTER:
        return (token.word.upper(), _after_example(row, at)) if token.word.isascii() else ("", after)
    if token.what in {Is.WORD, Is.MONTH} or (token.what is Is.FILLER and _is_beside_figures(row, at)):
        said = _letters(text, row, at)
        return said, _after_example(row, at) if len(said) == 1 else after
    return "", after


def _after_example(row: Tokens, at: int) -> int:
    """Return the index after "B for bravo", "P as in Peter" or "x-ray"."""
    following = [token.word for token in row[at + 1 : at + 3]]
    words = 1 if following[:1] in (["for"], ["like"]) else 2 if following == ["as", "in"] else 0
    example = at + words + 1
    if not words or example >= len(row):
        return _after_ray(row, at)
    letter = _SPELLED.get(row[at].word, row[at].word).lower()
    if row[example].word.startswith(letter) and row[example].what is not Is.LETTER:
        return example + 1
    return _after_ray(row, example) if _after_ray(row, example) > example + 1 else at + 1


def _after_ray(row: Tokens, at: int) -> int:
    following = [token.word for token in row[at + 1 : at + 3]]
    is_ray = row[at].word == "x" and (following[:1] == ["ray"] or following == ["-", "ray"])
    return at + 2 + (following[0] == "-") if is_ray else at + 1


def _is_beside_figures(row: Tokens, at: int) -> bool:
    near = [row[index] for index in (at - 1, at + 1) if 0 <= index < len(row)]
    return any(token.what is Is.FIGURES for token in near) and len(row[at].word) == 2  # noqa: PLR2004 - "EH", "UH", "SO"


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
    is_glued = (at and row[at - 1].end == token.start and row[at - 1].what is Is.FIGURES) or (
        at + 1 < len(row) and row[at + 1].start == token.end and row[at + 1].what is Is.FIGURES
    )
    if token.word in _SPELLED and not is_glued and _is_spelled(row, at):
        return _SPELLED[token.word]
    if len(token.word) > _LONGEST_WORD or not token.word.isascii() or not token.word.isalpha():
        return ""
    return token.word.upper() if is_glued or text[token.start : token.end].isupper() else ""


def _is_spelled(row: Tokens, at: int) -> bool:
    # "golf" and "why" are words, unless a digit or a letter stands beside them.
    return any(_says_symbol(row[index]) for index in _beside(row, at))


def _beside(row: Tokens, at: int) -> list[int]:
    """Return the tokens before and after one, over a mark."""
    before, after = at - 1, at + 1
    if before >= 0 and row[before].what is Is.MARK:
        before -= 1
    if after < len(row) and row[after].what is Is.MARK:
        after += 1
    return [index for index in (before, after) if 0 <= index < len(row)]


def _says_symbol(token: Token) -> bool:
    return (
        token.what in {Is.LETTER, Is.UNIT, Is.ZERO, Is.FIGURES, Is.TEEN, Is.TENS}
        or token.word in _SPELLED
        or token.word == "ray"
    )


def spelled(text: str, row: Tokens) -> str:
    """Return the letters and digits that tokens say, in capitals."""
    said, at = "", 0
    while at < len(row):
        symbols, at = _symbol(text, row, at)
        said += symbols
    return said
