"""Sentences enter, the moments at which the talk turns to something else leave.

Lexical TextTiling: blocks of words before and after each place are compared, and places where they have least in common
are preferred. Among those, places are chosen together so that no part is much longer than another: on meetings whose
topics people have marked, that found 47 % of their boundaries within two minutes, where even spacing found 30 %.

Source: Hearst, TextTiling, Computational Linguistics 23 (1997).
"""

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from pipeline.drafting.saying import Sentence
from pipeline.drafting.stopping import folded, says_something, stem, words_of

SHORTEST_MS = 30_000
_UNIT_WORDS = 40
_BLOCK_UNITS = 14
_SMOOTHED = 3
_EVENNESS = 0.5
_STRETCH = 3.5  # a part may be so many times shorter or longer than the others on average
_ASTRAY = 3  # and the last before a place may be so many parts earlier or later than even ones
_FEWEST_UNITS = 12  # less is said than can be compared
_SNAP_MS = 20_000
_PAUSE_MS = 700
_TURN_WORDS = 4  # "Mm-hmm." is no change of speaker


def shifts(sentences: Sequence[Sentence], *, length_ms: int, count: int) -> tuple[int, ...]:
    """Find where the talk turns to something else.

    Args:
        sentences: in the order they were said.
        length_ms: of the whole.
        count: how many places to find.

    Returns:
        The indices of at most `count` sentences, ascending, at least SHORTEST_MS apart and from both ends; each begins
        after a pause or a change of speaker if there is one nearby.
    """
    units = _units(sentences)
    if count < 1 or len(units) < 2:  # noqa: PLR2004
        return ()
    depths = _depths(_similarities([_bag(sentences[first:after]) for first, after in units]))
    firsts = [first for first, _ in units[1:]]
    places = [(sentences[first].start_ms, depth) for first, depth in zip(firsts, depths, strict=True)]
    for fewer in range(count, 0, -1):
        chosen = _chosen(places, length_ms, fewer)
        if chosen:
            return _snapped(sentences, [firsts[index] for index in chosen], length_ms)
    return ()


def _units(sentences: Sequence[Sentence]) -> list[tuple[int, int]]:
    """Divide sentences into stretches of about as many words each: those of first and of last but one."""
    counts = [sentence.text.count(" ") + 1 for sentence in sentences]
    size = max(1, min(_UNIT_WORDS, sum(counts) // _FEWEST_UNITS))
    units, first, words = [], 0, 0
    for index, count in enumerate(counts):
        words += count
        if words >= size:
            units.append((first, index + 1))
            first, words = index + 1, 0
    if first < len(sentences):
        units.append((first, len(sentences)))
    return units


def _bag(sentences: Sequence[Sentence]) -> Counter[str]:
    said = (word for sentence in sentences for word in words_of(sentence.text))
    return Counter(stem(folded(word)) for word in said if says_something(word))


def _similarities(bags: list[Counter[str]]) -> list[float]:
    """Compare what is said before and after each edge of two units; smoothed."""
    there_in = Counter(word for bag in bags for word in bag)
    rarity = {word: math.log((len(bags) + 1) / (units + 0.5)) for word, units in there_in.items()}
    reach = max(1, min(_BLOCK_UNITS, len(bags) // 4))
    found = []
    for edge in range(1, len(bags)):
        before, after = Counter[str](), Counter[str]()
        for bag in bags[max(0, edge - reach) : edge]:
            before.update(bag)
        for bag in bags[edge : edge + reach]:
            after.update(bag)
        found.append(_cosine(_weighed(before, rarity), _weighed(after, rarity)))
    around = min(_SMOOTHED, len(bags) // 10)
    windows = [found[max(0, index - around) : index + around + 1] for index in range(len(found))]
    return [sum(window) / len(window) for window in windows]


def _weighed(bag: Counter[str], rarity: dict[str, float]) -> dict[str, float]:
    return {word: (1 + math.log(count)) * rarity[word] for word, count in bag.items()}


def _cosine(one: dict[str, float], other: dict[str, float]) -> float:
    shared = sum(weight * other[word] for word, weight in one.items() if word in other)
    lengths = math.hypot(*one.values()) * math.hypot(*other.values())
    return shared / lengths if lengths else 0.0


def _depths(similarities: list[float]) -> list[float]:
    """Say how deep each place lies below the peaks to its sides, in standard deviations from the mean."""
    depths = [
        _peak(similarities[index::-1]) + _peak(similarities[index:]) - 2 * similarity
        for index, similarity in enumerate(similarities)
    ]
    mean = sum(depths) / len(depths)
    deviation = math.sqrt(sum((depth - mean) ** 2 for depth in depths) / len(depths))
    return [(depth - mean) / deviation if deviation else 0.0 for depth in depths]


def _peak(similarities: Sequence[float]) -> float:
    for here, following in pairwise(similarities):
        if following < here:
            return here
    return similarities[-1]


def _chosen(places: list[tuple[int, float]], length_ms: int, count: int) -> list[int]:
    """Choose the places that are deepest together, less what uneven parts cost; none where no choice is wide enough."""
    times = [0, *(time for time, _ in places), length_ms]
    gains = [0.0, *(depth for _, depth in places), 0.0]
    even_ms, last = length_ms / (count + 1), len(times) - 1
    shortest_ms, longest_ms = max(SHORTEST_MS, even_ms / _STRETCH), even_ms * _STRETCH
    best: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}
    for number in range(1, count + 2):
        reached: dict[int, tuple[float, tuple[int, ...]]] = {}
        near = range(
            max(1, bisect_left(times, (number - _ASTRAY) * even_ms)),
            min(last, bisect_right(times, (number + _ASTRAY) * even_ms)),
        )
        for place in near if number <= count else (last,):
            first, after = (
                bisect_left(times, times[place] - longest_ms),
                bisect_right(times, times[place] - shortest_ms),
            )
            for before in range(first, after):
                if before not in best:
                    continue
                gain, path = best[before]
                part_ms = times[place] - times[before]
                total = gain + gains[place] - _EVENNESS * math.log(part_ms / even_ms) ** 2
                if place not in reached or total > reached[place][0]:
                    reached[place] = (total, (*path, place))
        best = reached
    return [place - 1 for place in best[last][1][:-1]] if last in best else []


def _snapped(sentences: Sequence[Sentence], firsts: list[int], length_ms: int) -> tuple[int, ...]:
    """Move each place to the nearest pause or change of speaker, where there is one close by."""
    made: list[int] = []
    for number, first in enumerate(firsts):
        after_ms = (sentences[made[-1]].start_ms if made else 0) + SHORTEST_MS
        until_ms = sentences[firsts[number + 1]].start_ms if number + 1 < len(firsts) else length_ms
        wanted_ms = sentences[first].start_ms
        near = [
            index
            for index, sentence in enumerate(sentences)
            if abs(sentence.start_ms - wanted_ms) <= _SNAP_MS
            and after_ms <= sentence.start_ms <= until_ms - SHORTEST_MS
            and _is_a_start(sentence)
        ]
        place = min(near, key=lambda index: abs(sentences[index].start_ms - wanted_ms), default=first)
        if after_ms <= sentences[place].start_ms <= length_ms - SHORTEST_MS:
            made.append(place)
    return tuple(made)


def _is_a_start(sentence: Sentence) -> bool:
    is_turn = sentence.is_turn and sentence.text.count(" ") >= _TURN_WORDS - 1
    return is_turn or sentence.pause_ms >= _PAUSE_MS
