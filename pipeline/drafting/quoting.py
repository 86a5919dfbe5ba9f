"""Sentences enter, those worth quoting leave: whole statements of some length, word for word, from all of the talk."""

import re
from collections.abc import Sequence

from pipeline.drafting.saying import Sentence
from pipeline.drafting.stopping import TALK, folded, says_something, stem, words_of

_FEWEST_WORDS, _BEST_WORDS, _MOST_WORDS = 8, 20, 45
_WHOLE = re.compile(r"[A-Z\u00c0-\u00de\"'\u201c\u2018].*[^.!?\u2026][.!][\"'\u201d\u2019)]*", re.DOTALL)
_LEANS = frozenset(
    ["it", "it's", "that", "that's", "this", "he", "she", "he's", "she's", "which", "because", "cause", "or", "than"]
)
_JOINS = frozenset(["and", "but", "so", "well", "then", "also"])
_POLITE = re.compile(
    r"(?i)\b(?:thank you|thanks|welcome|good (?:morning|afternoon|evening)|hello|goodbye|my name is|joining us|"
    r"with (?:me|us) (?:is|are|today)|in the chair|(?:this|the) (?:recording|podcast|episode|script))\b"
)
_TELLING = re.compile(
    r"(?i)\b(?:learn(?:ed|t)?|changed?|chang(?:es|ing)|found|realis\w+|works?|worked|difference|should|never|always|need|"
    r"must|try|tried|because|if you|patients?|people|important)\b"
)
_REPEATED = re.compile(r"(?i)\b(\w+)[, ]+\1\b")


def quotes(
    sentences: Sequence[Sentence], *, length_ms: int, count: int, about: Sequence[str], barred: frozenset[str]
) -> tuple[Sentence, ...]:
    """Choose sentences worth quoting, spread over the talk.

    Args:
        sentences: in the order they were said.
        length_ms: of the talk.
        count: how many to choose at most.
        about: stems of the words that tell what the talk is about.
        barred: words, in small letters, that may name somebody: better a quote without them.

    Returns:
        Whole statements that are no questions, ascending; none holds what could identify anybody, as far as was found.
    """
    worth = {
        index: mark for index, each in enumerate(sentences) if (mark := _worth(each, frozenset(about), barred)) > 0
    }
    chosen: set[int] = set()
    for number in range(count):
        first_ms, after_ms = length_ms * number // count, length_ms * (number + 1) // count
        here = [index for index in worth if first_ms <= sentences[index].start_ms < after_ms and index not in chosen]
        chosen.update(sorted(here, key=lambda index: -worth[index])[:1])
    left = sorted(worth.keys() - chosen, key=lambda index: (-worth[index], index))
    chosen.update(left[: count - len(chosen)])
    return tuple(sentences[index] for index in sorted(chosen))


def _worth(sentence: Sentence, about: frozenset[str], barred: frozenset[str]) -> float:
    """Judge a sentence; 0 for one that cannot be quoted."""
    words = [folded(word) for word in words_of(sentence.text)]
    if not sentence.is_open or not _FEWEST_WORDS <= len(words) <= _MOST_WORDS or not _WHOLE.fullmatch(sentence.text):
        return 0
    if words[0] in _LEANS or _POLITE.search(sentence.text) or "?" in sentence.text:
        return 0
    length = 1 - abs(len(words) - _BEST_WORDS) / _MOST_WORDS
    telling = {stem(word) for word in words if says_something(word)}
    fillers = sum(word in TALK for word in words) + len(_REPEATED.findall(sentence.text))
    mark = length + len(telling) / len(words) + 0.25 * min(len(telling & about), 3)
    mark += 0.25 * min(len(_TELLING.findall(sentence.text)), 2)
    mark -= sum(word in barred for word in words)
    return max(mark - 0.3 * fillers - (0.35 if words[0] in _JOINS else 0), 0)
