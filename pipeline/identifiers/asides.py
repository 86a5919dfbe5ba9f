"""Tokens enter, the same tokens leave with what interrupts a number as fillers, and "three nines" as a repeat."""

import re

from pipeline.identifiers.patterns import Pattern
from pipeline.identifiers.stoplists import listed
from pipeline.identifiers.tokens import Is, Token, Tokens

_DIGIT = (
    r"(?:[0-9]|(?:zero|oh|o|nought|naught|nil|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    r"|(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|double|treble|triple)\b)"
)
_AN = rf"(?:\s(?:an?|the|another)(?=\s{_DIGIT}))?"
_COUNT = r"(?:two|three|four|five|six|couple|few)"
_BIT = r"(?:bits?|ones?|parts?|blocks?|groups?|lots?|sets?|half|sections?|chunks?|digits?|figures?|numbers?|letters?)"
_BITS = rf"(?:{_COUNT}(?:\s{_BIT})?|{_BIT})"
_SAYS = r"(?:\s(?:it['\u2019]?s|it\sis|there['\u2019]?s|we['\u2019]ve\sgot|you['\u2019]ve\sgot|you\sget|comes?|goes))"
_IS = r"(?:['\u2019]s|\s(?:is|are|was|were|being|goes|reads|says))"
_A_MOMENT = r"(?:sec|second|moment|minute)"
_ASIDES = "|".join(
    [
        rf"(?:(?:and|so|but|well)\s)?(?:then|next|after\sthat|finally|lastly|followed\sby){_SAYS}?{_AN}",
        rf"(?:(?:and|then|so)\s)?(?:the\s|my\s)?(?:next|last|first|middle|final|other)\s{_BITS}(?:\sof\sit)?{_IS}?{_AN}",
        rf"(?:(?:and|then|so)\s)?(?:the\s)?(?:second|third)\s(?:{_COUNT}\s)?{_BIT}{_IS}?{_AN}",
        rf"(?:(?:and|then)\s)?the\s(?:rest|remainder)(?:\sof\sit)?{_IS}?",
        rf"(?:and\s)?(?:it\s)?(?:ending|ends|finishing|finishes)(?:\s(?:in|with))?{_AN}",
        rf"(?:hang|hold)\son(?:\sa\s{_A_MOMENT})?|(?:just\s)?(?:one|a)\s{_A_MOMENT}|bear\swith(?:\sme)?",
        rf"give\sme\sa\s{_A_MOMENT}|wait(?:\sa\s{_A_MOMENT})?|start(?:ing)?\sagain|where\s(?:was\si|are\swe)",
        r"let\sme\s(?:just\s)?(?:see|check|look|think|find\sit|scroll(?:\sdown)?|start\sagain|read\sit)",
        r"what(?:['\u2019]s|\sis|\swas|\sdoes)\s(?:that|this|it|next)(?:\ssay)?",
        rf"is\s(?:that|it){_AN}|(?:it\s)?looks\slike{_AN}|(?:it|that)(?:['\u2019]s|s|\sis)(?:\s(?:it|right)\b)?{_AN}",
        rf"i\s(?:think|believe|guess)(?:\s(?:it['\u2019]?s|it\sis|that['\u2019]?s))?{_AN}",
        r"(?:have\syou\s|you\s|i['\u2019]ve\s)?got\s(?:that|it)|you\sknow|i\smean|excuse\sme|uh\shuh|are\syou\swith\sme",
        r"(?:all\s)?right|okay|ok|yep|yeah|yes|yup|mhm|sure|like|sorry|pardon|no|nope|rather|again|now|just|please",
        r"gap|pause|breath|break|hyphen|dash|space|stroke|slash|comma|capitals?|upper\scase|lower\scase|letter|thanks",
        rf"(?:and|plus){_AN}|er|erm|u[mh]+|eh|a+h+|h?m+|so|well",
    ]
)
_SPACE = r"[\s,.;:?!\u2026\u2013\u2014-]{1,4}"
_ASIDE = Pattern(
    rf"(?:{_SPACE}(?:{_ASIDES})(?![\w'\u2019])){{1,6}}{_SPACE}"
    rf"(?={_DIGIT}|[a-z](?![\w'\u2019])|(?:of|the)\b|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))",
    re.IGNORECASE,
)
_BEFORE = frozenset([Is.FIGURES, Is.ZERO, Is.UNIT, Is.TEEN, Is.TENS, Is.SCALE, Is.LETTER])
_MANY: dict[str, tuple[Is, int]] = {
    **{f"{word}{end}": (Is.ZERO, 0) for word in ("oh", "o", "zero", "nought", "naught") for end in ("s", "es", "'s")},
    **{
        f"{word}{end}": (Is.UNIT, value)
        for value, word in enumerate(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"], 1)
        for end in ("s", "es", "'s", "\u2019s")
    },
}
_TIMES = range(2, 6)
_INTRODUCES = listed("that's that\u2019s thats that is which so it's it\u2019s a the")
_RESTATES = 8  # tokens looked at before "that's three nines"


def without_asides(text: str, row: Tokens) -> list[Token]:
    """Turn into fillers what is said between the digits and letters of one number: "hang on", "and then a".

    Args:
        text: in English.
        row: its tokens.

    Returns:
        As many tokens, each where it stood. "Three nines" repeats a nine, or is a filler where it says again what was
        just said.
    """
    changed = list(row)
    for at, token in enumerate(row):
        if token.word in _MANY and at:
            _repeat(changed, at)
    at = 0
    for index, token in enumerate(row):
        if index < at or not (token.what in _BEFORE or token.word == "of"):
            continue
        match = _ASIDE.match(text, token.end)
        at = index + 1
        while match and at < len(row) and row[at].end <= match.end():
            if row[at].what is not Is.MARK:
                changed[at] = row[at]._replace(what=Is.FILLER, value=0)
            at += 1
    return changed


def _repeat(row: list[Token], at: int) -> None:
    times = row[at - 1]
    if times.what not in {Is.UNIT, Is.FIGURES} or times.value not in _TIMES:
        return
    what, value = _MANY[row[at].word]
    first = at - 1
    while first and at - first < _RESTATES and (row[first - 1].what is Is.MARK or row[first - 1].word in _INTRODUCES):
        first -= 1
    if _last_digits(row, first, times.value) == str(value) * times.value:
        for index in range(first, at + 1):
            if row[index].what is not Is.MARK:
                row[index] = row[index]._replace(what=Is.FILLER, value=0)
        return
    row[at - 1] = times._replace(what=Is.REPEAT)
    row[at] = row[at]._replace(what=what, value=value)


def _last_digits(row: list[Token], after: int, count: int) -> str:
    digits = ""
    for index in range(after - 1, max(-1, after - 1 - _RESTATES), -1):
        token = row[index]
        if token.what is Is.REPEAT and digits:
            digits = digits[0] * (token.value - 1) + digits
        elif token.what in {Is.UNIT, Is.ZERO}:
            digits = f"{token.value}{digits}"
        elif token.what is Is.FIGURES:
            digits = token.word[-count:] + digits
        elif token.what not in {Is.FILLER, Is.MARK}:
            break
    return digits[-count:]
