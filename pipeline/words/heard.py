"""Heard words enter, the bytes of drafts/heard.json leave, and back."""

import json
from collections.abc import Sequence
from itertools import starmap
from pathlib import Path

from pipeline.errors import WordsError
from pipeline.model import HeardWord

_VERSION = 1


def heard_json(words: Sequence[HeardWord]) -> bytes:
    """Write what a recogniser heard, one row for a word: start, end, text, probability, doubt.

    Returns:
        UTF-8 JSON, a word a line.
    """
    rows = ",\n".join(
        json.dumps([*word[:3], round(word.probability, 3), word.doubt], ensure_ascii=False) for word in words
    )
    return f'{{"version": {_VERSION}, "words": [\n{rows}\n]}}\n'.encode()


def read_heard(data: bytes, *, source: Path) -> tuple[HeardWord, ...]:
    """Read what a recogniser heard.

    Raises:
        WordsError: it is not such a file.
    """
    try:
        return tuple(starmap(HeardWord, json.loads(data)["words"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        hint = "Delete it: the next draft makes it again."
        raise WordsError("is not what the recogniser wrote", source=source, hint=hint) from error
