"""Sentences enter, the phrases that tell what they are about leave, and the titles made of them."""

import heapq
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.drafting.saying import Sentence
from pipeline.drafting.stopping import STOP, WORD, folded, says_something, stem, words_of

LONGEST_TITLE = 40
_LONGEST_PHRASE = 3
_LENGTHS = {1: 1.0, 2: 2.2, 3: 2.6}
_PIECES = re.compile(rf"{WORD}|[^\s\w]+|\d+")
_DOING = re.compile(r"[a-z].*(?:ed|ing|ly)")  # alone, such a word names nothing
_JOINING = frozenset(["and", "of", "for", "the"])  # within a name: Choose and Book
_SEVERAL = 2
_MOST = 200


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that are said together. stems: what stays of them in every form; text: as it is mostly said."""

    stems: tuple[str, ...]
    text: str
    times: int


def ranked(parts: Sequence[Sequence[Sentence]], *, barred: frozenset[str]) -> list[list[Phrase]]:
    """Rank the phrases of each part of a talk, the most telling first.

    Args:
        parts: the sentences of each; those that may not be repeated are passed over. What is said in many of the parts
            tells little of any one.
        barred: words that no phrase may hold, as `possible_names` gives them.

    Returns:
        At most _MOST phrases of each part.
    """
    found = [_phrases(part, barred) for part in parts]
    said_in = Counter(stems for phrases in found for stems in phrases)

    def weight(phrase: Phrase) -> float:
        elsewhere = said_in[phrase.stems] - 1
        rarity = math.log((len(parts) + 1) / (elsewhere + 0.5)) if len(parts) > 1 else 1.0
        often = phrase.times if phrase.times >= _SEVERAL else 0.4
        length = 0.4 if _DOING.fullmatch(phrase.text) and len(phrase.stems) == 1 else _LENGTHS[len(phrase.stems)]
        return often * length * max(rarity, 0.05)

    return [list(_unlike(heapq.nlargest(_MOST, phrases.values(), key=weight))) for phrases in found]


def possible_names(sentences: Sequence[Sentence], *, known: Iterable[str]) -> frozenset[str]:
    """List the words, in small letters, that are only ever written with a capital: they may name somebody.

    Args:
        sentences: all of the talk.
        known: texts whose words are no secret, such as the episode's own title.
    """
    allowed = {folded(word) for text in known for word in words_of(text)}
    said = {word for sentence in sentences for word in words_of(sentence.text)}
    small = {folded(word) for word in said if word[0].islower()}
    capital = {folded(word) for word in said if word[0].isupper() and not word.isupper()}
    return frozenset(capital - small - allowed - STOP)


def title(phrases: Iterable[Phrase], *, unlike: Iterable[str], otherwise: str) -> str:
    """Make a title of phrases.

    Args:
        phrases: the most telling first.
        unlike: titles it must have no word in common with.
        otherwise: what it is where no phrase will do.

    Returns:
        One phrase, or two where the first is a single word, at most LONGEST_TITLE characters.
    """
    taken = {stem(folded(word)) for text in unlike for word in _PIECES.findall(text)}
    fitting = (each for each in phrases if len(each.text) <= LONGEST_TITLE and not taken & set(each.stems))
    first = next(fitting, None)
    if first is None:
        return otherwise
    made = first.text[:1].upper() + first.text[1:]
    second = next(fitting, None) if len(first.stems) == 1 else None
    if second is not None and len(made) + len(second.text) + len(" and ") <= LONGEST_TITLE:
        made += f" and {second.text}"
    return made


def _phrases(sentences: Sequence[Sentence], barred: frozenset[str]) -> dict[tuple[str, ...], Phrase]:
    said: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for sentence in sentences:
        if sentence.is_open:
            for run in _runs(sentence.text, barred):
                for words in _parts(run):
                    key = tuple(stem(folded(word)) for word in words if says_something(word))
                    if len(set(key)) == len(key):
                        said[key][" ".join(words)] += 1
    return {
        stems: Phrase(stems, min(texts, key=lambda text: (-texts[text], text)), texts.total())
        for stems, texts in said.items()
    }


def _runs(text: str, barred: frozenset[str]) -> Iterator[list[str]]:
    """Find words that stand side by side and each say something; a capital that only begins a sentence goes."""
    run: list[str] = []
    for number, piece in enumerate(_PIECES.findall(text)):
        if piece[0].isalpha() and says_something(piece) and folded(piece) not in barred:
            run.append(piece.lower() if number == 0 and piece[1:].islower() else piece)
        elif run and piece in _JOINING and run[-1][0].isupper():
            run.append(piece)
        else:
            yield from _named(run)
            run = []
    yield from _named(run)


def _named(run: list[str]) -> Iterator[list[str]]:
    """Keep a joining word only between two words with capitals."""
    kept: list[str] = []
    for index, word in enumerate(run):
        is_between = word in _JOINING and index + 1 < len(run) and run[index + 1][0].isupper()
        if word in _JOINING and not is_between:
            if kept:
                yield kept
            kept = []
        else:
            kept.append(word)
    if kept:
        yield kept


def _parts(run: list[str]) -> Iterator[list[str]]:
    for start in range(len(run)):
        for end in range(start + 1, len(run) + 1):
            words = run[start:end]
            telling = sum(word not in _JOINING for word in words)
            if telling > _LONGEST_PHRASE:
                break
            if words[0] not in _JOINING and words[-1] not in _JOINING:
                yield words


def _unlike(phrases: Iterable[Phrase]) -> Iterator[Phrase]:
    """Leave out what a phrase before says already, in more words or in fewer."""
    seen: list[set[str]] = []
    for phrase in phrases:
        stems = set(phrase.stems)
        if not any(stems <= each or each <= stems for each in seen):
            seen.append(stems)
            yield phrase
