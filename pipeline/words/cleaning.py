"""Foreign bytes or text enter, text that every format can carry leaves."""

import re
from functools import lru_cache
from pathlib import Path

from pipeline.errors import WordsError

# Controls that are no white space, halves of surrogate pairs, non-characters, byte order marks, and the marks that
# reverse the direction of all text after them.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_ODD_SPACE = re.compile("[\x0b\x0c\x1c-\x1f\x85\u2028\u2029]")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@lru_cache(maxsize=8_192)  # each line is asked for once for every form that it is written in
def clean_line(text: str) -> str:
    """Return `text` as one line: unprintable characters removed, each run of white space one space, ends trimmed."""
    if text.isprintable() and "  " not in text and text.strip() == text:
        return text
    return " ".join(_UNPRINTABLE.sub("", text).split())


def clean_block(text: str) -> str:
    """Return `text` with its lines kept, unprintable characters removed and odd separators made spaces."""
    return _ODD_SPACE.sub(" ", _UNPRINTABLE.sub("", text))


def decode(data: bytes, *, source: Path, limit: int) -> str:
    """Turn the bytes of a text file into text, as `decoded` does.

    Raises:
        WordsError: the file is too large, or is not text.
    """
    return decoded(data, source=source, limit=limit)[0]


def decoded(data: bytes, *, source: Path, limit: int) -> tuple[str, str | None]:
    """Turn the bytes of a text file into text: UTF-8, UTF-16 with its mark, else Windows-1252.

    Args:
        data: the whole file.
        source: its path, for messages.
        limit: the most bytes a file of its kind may have.

    Returns:
        The text without a byte order mark, and the name of its encoding where that is not UTF-8.

    Raises:
        WordsError: the file is too large, or is not text.
    """
    if len(data) > limit:
        raise WordsError(
            f"the file has {len(data):,} bytes, more than the {limit:,} allowed",
            source=source,
            hint="Check that this is the right file",
        )
    utf16 = data.startswith(_UTF16_MARKS)
    if not utf16 and b"\0" in data:
        raise _not_text(data, data.index(b"\0"), source)
    try:
        return (data.decode("utf-16"), "UTF-16") if utf16 else (data.decode("utf-8-sig"), None)
    except UnicodeDecodeError as error:
        if utf16:
            raise _not_text(data, error.start, source) from error
        return _decode_windows(data, source), "Windows-1252"


def _decode_windows(data: bytes, source: Path) -> str:
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError as error:
        raise _not_text(data, error.start, source) from error
    found = _UNPRINTABLE.search(text)
    if found:
        raise _not_text(data, found.start(), source)
    return text


def _not_text(data: bytes, position: int, source: Path) -> WordsError:
    line = data.count(b"\n", 0, position) + 1
    return WordsError(
        f"line {line}: the file is not text",
        source=source,
        hint="Save it again as plain text in UTF-8, or export it anew",
    )
