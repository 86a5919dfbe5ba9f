"""A text without times and the words that a recogniser heard enter; the text leaves with their times.

Words that stand in both only once, three in a row, are the anchors; between them, pair by pair, the least costly
alignment is found. What a recogniser misheard takes the time of what it heard in its place.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from pipeline.errors import WordsError
from pipeline.model import Cue, HeardWord, Transcript, Turn
from pipeline.words.cleaning import clean_line
from pipeline.words.cutting import MOST_MS, cuts

LEAST_HEARD = 0.15  # of the words; a text of which less is heard is that of another recording

_ANCHOR_LENGTHS = (4, 3, 2, 1)
_MOST_CELLS = 60_000  # of one table; longer stretches without an anchor are halved
_PAUSE_MS = 1_200
_CHARACTER_MS = 65
_LEAST_WORD_MS = 60
_NOT_A_LETTER = re.compile(r"[\W_]+")
_SAME, _ALIKE, _OTHER, _GAP = 4, 2, -1, -1

_Span = tuple[int, int, int, int]  # words of the text from, up to; heard words from, up to
_Times = list[tuple[int, int] | None]


def aligned(turns: Sequence[Turn], heard: Sequence[HeardWord], *, language: str) -> Transcript:
    """Give a text the times at which a recogniser heard its words.

    Args:
        turns: who says what, in order.
        heard: what the recogniser heard, ascending; up to a third of it may be wrong.
        language: what is spoken, as a BCP 47 tag.

    Returns:
        A transcript with every word as it was written, cut at the ends of sentences into cues of about seven seconds
        and two lines at most. Words that were not heard lie between their neighbours. Its origin is "aligned".

    Raises:
        WordsError: too few of the words were heard: the text is that of another recording.
    """
    words = [word for turn in turns for word in clean_line(turn.text).split(" ") if word]
    times, same = _times(words, heard)
    if not words or same < LEAST_HEARD * len(words):
        raise WordsError(
            f"only {same:,} of its {len(words):,} words are heard in the recording",
            hint="Check that it is the transcript of this recording, in the language that is spoken.",
        )
    placed = _placed(words, times)
    cues: list[Cue] = []
    first = 0
    for turn in turns:
        own = clean_line(turn.text).split()
        speaker = clean_line(turn.speaker or "") or None
        cues += _cues(own, placed[first : first + len(own)], speaker)
        first += len(own)
    return Transcript(language=language, cues=tuple(cues), origin="aligned")


def _cues(words: Sequence[str], times: Sequence[tuple[int, int]], speaker: str | None) -> Iterator[Cue]:
    def fits(start: int, end: int) -> bool:
        in_time = times[end - 1][1] - times[start][0] <= MOST_MS
        return in_time and times[end - 1][0] - times[end - 2][1] < _PAUSE_MS

    for start, end in cuts(words, fits):
        text = " ".join(words[start:end])
        yield Cue(start_ms=times[start][0], end_ms=times[end - 1][1], text=text, speaker=speaker)


def _times(words: Sequence[str], heard: Sequence[HeardWord]) -> tuple[_Times, int]:
    """Return the times of the words that were heard, or misheard, and how many were heard rightly."""
    said, spoken = [_folded(word) for word in words], [_folded(word.text) for word in heard]
    times: _Times = [None] * len(words)
    same = 0
    for mine, theirs in _pairs(said, spoken):
        word = heard[theirs]
        times[mine] = (word.start_ms, word.end_ms)
        same += said[mine] == spoken[theirs]
    return times, same


def _folded(word: str) -> str:
    letters = unicodedata.normalize("NFKD", word.casefold()) if not word.isascii() else word.lower()
    return _NOT_A_LETTER.sub("", letters)


def _pairs(said: Sequence[str], spoken: Sequence[str]) -> Iterator[tuple[int, int]]:
    waiting: list[tuple[_Span, int]] = [((0, len(said), 0, len(spoken)), 0)]
    while waiting:
        (a, b, c, d), level = waiting.pop()
        if a == b or c == d:
            continue
        if level == 0 and (b - a) * (d - c) <= _MOST_CELLS:
            level = len(_ANCHOR_LENGTHS)
        if level < len(_ANCHOR_LENGTHS):
            length = _ANCHOR_LENGTHS[level]
            anchors = _anchors(said, spoken, (a, b, c, d), length)
            yield from ((i + k, j + k) for i, j in anchors for k in range(length))
            edges = [(a, c), *((i + length, j + length) for i, j in anchors)]
            ends = [*anchors, (b, d)]
            next_level = 0 if anchors else level + 1
            waiting += [((i, k, j, m), next_level) for (i, j), (k, m) in zip(edges, ends, strict=True)]
        elif (b - a) * (d - c) > _MOST_CELLS:
            i, j = (a + b) // 2, (c + d) // 2
            halves = ((a, i, c, j), (i, b, j, d))
            waiting += [(half, level) for half in halves if half != (a, b, c, d)]
        else:
            yield from _least_costly(said, spoken, (a, b, c, d))


def _anchors(said: Sequence[str], spoken: Sequence[str], span: _Span, length: int) -> list[tuple[int, int]]:
    a, b, c, d = span
    mine, theirs = _once(said, a, b, length), _once(spoken, c, d, length)
    both = sorted((place, theirs[key]) for key, place in mine.items() if key in theirs)
    kept = list[tuple[int, int]]()
    for i, j in _ascending(both):
        if not kept or (i >= kept[-1][0] + length and j >= kept[-1][1] + length):
            kept.append((i, j))
    return kept


def _once(words: Sequence[str], start: int, end: int, length: int) -> dict[tuple[str, ...], int]:
    found: dict[tuple[str, ...], int] = {}
    for place in range(start, end - length + 1):
        key = tuple(words[place : place + length])
        found[key] = -1 if key in found or "" in key else place
    return {key: place for key, place in found.items() if place >= 0}


def _ascending(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest row of pairs that ascend on both sides."""
    tails, last, before = list[int](), list[int](), list[int]()
    for index, (_, theirs) in enumerate(pairs):
        place = bisect_left(tails, theirs)
        before.append(last[place - 1] if place else -1)
        tails[place : place + 1] = [theirs]
        last[place : place + 1] = [index]
    row, index = list[tuple[int, int]](), last[-1] if last else -1
    while index >= 0:
        row.append(pairs[index])
        index = before[index]
    return row[::-1]


def _least_costly(said: Sequence[str], spoken: Sequence[str], span: _Span) -> Iterator[tuple[int, int]]:
    a, b, c, d = span
    width = d - c + 1
    best = [_GAP * column for column in range(width)]
    moves = bytearray((b - a + 1) * width)  # 0: both, 1: a word of the text alone, 2: a heard word alone
    for row in range(1, b - a + 1):
        word, above = said[a + row - 1], best
        best = [above[0] + _GAP]
        for column in range(1, width):
            both = above[column - 1] + _likeness(word, spoken[c + column - 1])
            alone, other = above[column] + _GAP, best[column - 1] + _GAP
            most = max(both, alone, other)
            best.append(most)
            moves[row * width + column] = 0 if most == both else 1 if most == alone else 2
    row, column = b - a, d - c
    while row and column:
        move = moves[row * width + column]
        if move == 0:
            yield a + row - 1, c + column - 1
        row, column = row - (move != 2), column - (move != 1)  # noqa: PLR2004


def _likeness(word: str, other: str) -> int:
    if word == other:
        return _SAME if word else _OTHER
    if word[:2] == other[:2] and word:
        return _ALIKE if word[:4] == other[:4] else 0
    return _OTHER


def _placed(words: Sequence[str], times: _Times) -> list[tuple[int, int]]:
    """Give each word a time: after the one before it, each at least a millisecond long."""
    placed: list[tuple[int, int]] = []
    place = 0
    while place < len(words):
        if (found := times[place]) is not None:
            placed.append(found)
            place += 1
            continue
        end = next((later for later in range(place, len(words)) if times[later] is not None), len(words))
        following = times[end] if end < len(words) else None
        placed += _between(words[place:end], placed[-1][1] if placed else None, following[0] if following else None)
        place = end
    return _ascended(placed)


def _between(words: Sequence[str], after_ms: int | None, before_ms: int | None) -> Iterator[tuple[int, int]]:
    natural = [max(_LEAST_WORD_MS, _CHARACTER_MS * len(word)) for word in words]
    total = sum(natural)
    if after_ms is None:
        after_ms = max(0, (before_ms or 0) - total)
    room = total if before_ms is None else max(0, min(total, before_ms - after_ms))
    done = 0
    for length in natural:
        start_ms = after_ms + room * done // total
        done += length
        yield start_ms, after_ms + room * done // total


def _ascended(times: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    ascended, latest_ms = list[tuple[int, int]](), 0
    for place, (start_ms, end_ms) in enumerate(times):
        begin_ms = max(start_ms, latest_ms)
        after_ms = times[place + 1][0] if place + 1 < len(times) else end_ms
        latest_ms = max(begin_ms + 1, min(end_ms, after_ms))
        ascended.append((begin_ms, latest_ms))
    return ascended
