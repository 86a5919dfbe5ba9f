"""The words of a turn enter, where to cut it leaves: at the end of a sentence, else at a comma, else anywhere."""

from collections.abc import Callable, Iterator, Sequence

MOST_CHARACTERS = 120  # two lines of 65, broken at a word
MOST_MS = 7_000

_LEAST_CHARACTERS = 45
_SENTENCE_ENDS = (".", "!", "?", "\u2026")
_CLAUSE_ENDS = (",", ";", ":", "\u2013", "\u2014")
_CLOSING = "\"'\u2019\u201d)]\u00bb"


def cuts(words: Sequence[str], fits: Callable[[int, int], bool] | None = None) -> Iterator[tuple[int, int]]:
    """Cut a turn into cues.

    Args:
        words: those of the turn.
        fits: says whether the words from one place up to another may stand in one cue, besides being few enough.

    Yields:
        The places of the first word of each cue and of the first after it; together they are all words.
    """
    start = 0
    while start < len(words):
        end = _end(words, start, fits)
        yield start, end
        start = end


def _end(words: Sequence[str], start: int, fits: Callable[[int, int], bool] | None) -> int:
    length, end, sentence = len(words[start]), start + 1, 0
    while True:
        if _ends(words[end - 1], _SENTENCE_ENDS):
            sentence = end
            if length >= _LEAST_CHARACTERS:
                return end
        if end == len(words):
            return end
        length += 1 + len(words[end])
        if length > MOST_CHARACTERS or (fits is not None and not fits(start, end + 1)):
            break
        end += 1
    if sentence:
        return sentence
    half = start + (end - start + 1) // 2
    return next((place for place in range(end, half, -1) if _ends(words[place - 1], _CLAUSE_ENDS)), end)


def _ends(word: str, marks: tuple[str, ...]) -> bool:
    return word.rstrip(_CLOSING).endswith(marks)
