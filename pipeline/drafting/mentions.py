"""Sentences enter, what they mention leaves: acronyms and terms, web addresses, and what somebody is to do."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from pipeline.drafting.saying import Sentence
from pipeline.model import Mention, Term

_MOST = 12
_LONGEST = 220  # characters of an action that are shown
_ACRONYM = re.compile(r"(?<![\w&.])(?:[A-Z](?:[A-Z0-9]|&(?=[A-Z])){1,5})(?=s?(?![\w&]))")
_DOTTED = re.compile(r"(?<![\w.])(?:[A-Z]\.){2,5}(?!\w)")
_NO_ACRONYMS = frozenset(["OK", "TV", "UK", "AM", "PM", "ID", "II", "III", "IV", "VI", "VII", "NHS", "GP", "DVD", "CD"])
_SHOUTED = 0.3  # a transcript with more of its letters in capitals has no acronyms to tell
_TOP = r"(?:uk|com|org|net|eu|info|gov|nhs|ac|co|io|scot|wales|edu|int)"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,40}[a-z0-9])?"
_WRITTEN = re.compile(rf"(?i)(?<![\w@.-])(?:https?://)?(?:{_LABEL}\.){{1,5}}{_TOP}\b(?:/[\w./#?=&%-]*)?(?![\w@])")
_SPOKEN = re.compile(
    rf"(?i)\b(?:(?:double ?u|w)[ ,]*){{3}}\s*dot\s+(?:{_LABEL}\s+dot\s+){{1,5}}{_LABEL}(?:\s+(?:forward )?slash\s+\w+)*"
    rf"|\b(?:{_LABEL}\s+dot\s+){{1,5}}{_TOP}\b(?:\s+(?:forward )?slash\s+\w+)*"
)
_WILL = r"(?:'ll|\u2019ll| will| can| could)(?: also| just| then)? "
_IS = r"(?:'s|\u2019s| is)"
_DOING = (
    r"send|share|circulate|put|post|email|e-mail|forward|upload|publish|link|pass on|follow up|find out|get back"
    r"|come back to you|let you know|write (?:it|that|this) up"
)
_THINGS = r"website|page|site|guide|guidance|report|paper|link|slides?|toolkit|document|video|policy"
_ACTION = re.compile(
    "(?i)"
    + "|".join(
        (
            rf"\b(?:i|we|you|they){_WILL}(?:{_DOING})\b",
            r"\b(?:send|email|e-mail|forward) (?:it|them|that|me|us|you|round)\b",
            rf"\blook at (?:the|our|their|this) (?:\w+ ){{0,3}}(?:{_THINGS})\b",
            rf"\bshow notes\b|\b(?:there|here){_IS} a link\b|\b(?:on|from) (?:our|the|their) (?:web ?site|intranet)\b",
            r"\byou can (?:find|read|download|get|see) (?:it|them|that|this|more|the)\b|\bget in touch\b|\bsign up\b",
            r"\b(?:before|by) (?:the |our )?next (?:time|meeting|month|session|week)\b|\bgo away and\b",
            rf"\b(?:action|task) (?:for|is|on)\b|\bi{_WILL}take (?:that|this|it) (?:away|back|on)\b",
            r"\bwe agreed (?:to|that)\b|\btake (?:it|that|this) (?:home|away|back)\b",
            r"\b(?:leave|go home|come away) with (?:one|a) ",
        )
    )
)


def acronyms(sentences: Sequence[Sentence], glossary: Sequence[Term]) -> tuple[tuple[Term, ...], tuple[str, ...]]:
    """Find the acronyms and terms that a listener may not know.

    Returns:
        Those of the glossary that are said, and the acronyms that are not in it, the most frequent first.
    """
    text = "\n".join(sentence.text for sentence in sentences if sentence.is_open)
    known = tuple(term for term in glossary if term.term.strip() and _is_said(term.term, text))
    named = {term.term.strip().casefold() for term in glossary}
    letters = [letter for letter in text if letter.isalpha()]
    if sum(letter.isupper() for letter in letters) > _SHOUTED * len(letters):
        return known, ()
    found = [found[0] for found in _ACRONYM.finditer(text)]
    found += [found[0].replace(".", "") for found in _DOTTED.finditer(text)]
    times = Counter(each for each in found if each not in _NO_ACRONYMS and each.casefold() not in named)
    return known, tuple(sorted(times, key=lambda each: (-times[each], each)))[:_MOST]


def _is_said(term: str, text: str) -> bool:
    flags = 0 if term.isupper() else re.IGNORECASE
    return re.search(rf"(?<!\w){re.escape(term.strip())}(?!\w|'t)", text, flags) is not None


def addresses(sentences: Sequence[Sentence]) -> tuple[Mention, ...]:
    """Find the web addresses that are said, as they would be written."""
    found: dict[str, Mention] = {}
    for sentence in sentences:
        if sentence.is_open:
            for text in _addresses(sentence.text):
                found.setdefault(text.casefold(), Mention(text=text, start_ms=sentence.start_ms))
    return tuple(found.values())[:_MOST]


def _addresses(text: str) -> Iterator[str]:
    for found in _SPOKEN.finditer(text):
        written = re.sub(r"(?i)^(?:(?:double ?u|w)[ ,]*){3}", "www ", found[0])
        written = re.sub(r"(?i)\s+(?:forward )?slash\s+", "/", written)
        yield re.sub(r"(?i)\s*\bdot\s+", ".", written).lower()
    yield from (found[0].rstrip(".") for found in _WRITTEN.finditer(text))


def actions(sentences: Sequence[Sentence]) -> tuple[Mention, ...]:
    """Find what somebody says is to be done or looked at, word for word."""
    found = (each for each in sentences if each.is_open and "?" not in each.text and _ACTION.search(each.text))
    return tuple(Mention(text=_shortened(each.text), start_ms=each.start_ms) for each in found)[:_MOST]


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST].rsplit(' ', 1)[0]} \u2026"
