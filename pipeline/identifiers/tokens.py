"""Text enters, its words leave as tokens that know what number, month or letter each of them says."""

import re
from collections.abc import Sequence
from enum import IntEnum, auto
from typing import NamedTuple


class Is(IntEnum):
    """What a token is. SOUND: a word that sounds like a digit, "for" like "four"."""

    WORD = auto()
    FIGURES = auto()
    ZERO = auto()
    UNIT = auto()
    TEEN = auto()
    TENS = auto()
    SCALE = auto()
    ORDINAL = auto()
    MONTH = auto()
    REPEAT = auto()
    FILLER = auto()
    SOUND = auto()
    LETTER = auto()
    MARK = auto()


class Token(NamedTuple):
    """A word, a row of figures or a mark. word: in small letters; value: the number, month or count it says."""

    what: Is
    start: int
    end: int
    word: str
    value: int = 0


Tokens = Sequence[Token]


def _listed(words: str) -> list[str]:
    return words.split()


_UNITS = _listed("one two three four five six seven eight nine")
_TEENS = _listed("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
_TENS = _listed("twenty thirty forty fifty sixty seventy eighty ninety")
_ORDINALS = _listed(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth"
    " sixteenth seventeenth eighteenth nineteenth twentieth"
)
_MONTHS = _listed("january february march april may june july august september october november december")
_SHORT_MONTHS = _listed("jan feb mar apr may jun jul aug sep oct nov dec")
_FILLERS = _listed(
    "er erm um umm uhm uh uhh ah ahh eh hm hmm mm mmm and then so well yeah yes sorry dash hyphen space comma please"
)

_WORDS: dict[str, tuple[Is, int]] = {
    **dict.fromkeys(["zero", "oh", "o", "nought", "naught", "nil"], (Is.ZERO, 0)),
    **{word: (Is.UNIT, number) for number, word in enumerate(_UNITS, 1)},
    **{word: (Is.TEEN, number) for number, word in enumerate(_TEENS, 10)},
    **{word: (Is.TENS, 10 * number) for number, word in enumerate(_TENS, 2)},
    "fourty": (Is.TENS, 40),
    "hundred": (Is.SCALE, 100),
    "thousand": (Is.SCALE, 1000),
    **{word: (Is.ORDINAL, number) for number, word in enumerate(_ORDINALS, 1)},
    "twelth": (Is.ORDINAL, 12),
    "thirtieth": (Is.ORDINAL, 30),
    **{word: (Is.MONTH, number) for number, word in enumerate(_SHORT_MONTHS, 1)},
    "sept": (Is.MONTH, 9),
    **{word: (Is.MONTH, number) for number, word in enumerate(_MONTHS, 1)},
    "double": (Is.REPEAT, 2),
    "treble": (Is.REPEAT, 3),
    "triple": (Is.REPEAT, 3),
    **{
        word: (Is.SOUND, number)
        for word, number in (("won", 1), ("to", 2), ("too", 2), ("for", 4), ("fore", 4), ("ate", 8))
    },
    **dict.fromkeys(_FILLERS, (Is.FILLER, 0)),
}
_LONG = 4300  # figures that Python turns into a number; longer rows say none
_TOKEN = re.compile(r"(?P<figures>[0-9]+)|(?P<word>[^\W\d_]+(?:['\u2019][^\W\d_]+)*)|(?P<mark>[^\w\s]|_)")
_SMALL = {Is.UNIT, Is.TEEN, Is.TENS}


def tokens(text: str) -> list[Token]:
    """Split a text into tokens, ascending; white space and foreign figures lie between them."""
    found = []
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        word = match[0].lower()
        if match.lastgroup == "word":
            what, value = _WORDS.get(word, (Is.WORD, 0))
            if what is Is.WORD and end - start == 1:
                what = Is.LETTER
        elif match.lastgroup == "figures":
            what, value = Is.FIGURES, int(word) if end - start < _LONG else 0
        else:
            what, value = Is.MARK, 0
        found.append(Token(what, start, end, word, value))
    return found


def touches(before: Token, after: Token) -> bool:
    """Say whether nothing stands between two tokens."""
    return before.end == after.start


def skip(row: Tokens, at: int, allowed: frozenset[str], *, most: int = 8) -> int:
    """Return the index after fillers, commas and the words allowed, at most so many of them."""
    end = min(len(row), at + most)
    while at < end and (row[at].what is Is.FILLER or row[at].word in allowed):
        at += 1
    return at


def below_hundred(row: Tokens, at: int) -> tuple[int, int] | None:
    """Read a number from 1 to 99 in words, "ninety-four", and return it with the index after it."""
    if at >= len(row) or row[at].what not in _SMALL:
        return None
    first = row[at]
    if first.what is Is.TENS:
        following = at + 1
        if following < len(row) and row[following].word == "-" and touches(first, row[following]):
            following += 1
        if following < len(row) and row[following].what is Is.UNIT:
            return first.value + row[following].value, following + 1
    return first.value, at + 1


def ordinal(  # noqa: PLR0911 - one answer for each way to say it
    row: Tokens, at: int
) -> tuple[int, int] | None:
    """Read "3rd", "third" or "twenty-third", and return its number with the index after it."""
    if at >= len(row):
        return None
    first = row[at]
    if first.what is Is.ORDINAL:
        return first.value, at + 1
    following = at + 1
    if following >= len(row):
        return None
    second = row[following]
    if first.what is Is.FIGURES and second.word in {"st", "nd", "rd", "th"} and first.end == second.start:
        return first.value, following + 1
    if first.what is not Is.TENS:
        return None
    if second.word == "-" and following + 1 < len(row):
        following, second = following + 1, row[following + 1]
    if second.what is Is.ORDINAL and second.value < 10:  # noqa: PLR2004 - twenty-first to twenty-ninth
        return first.value + second.value, following + 1
    return None
