"""Text and addresses as people type them enter, what a tag may carry leaves; nothing but the standard library."""

import re
import unicodedata
from urllib.parse import quote

LINE_CHARACTERS, TEXT_CHARACTERS = 500, 4_000
UNDETERMINED = "und"
LANGUAGES = {  # BCP 47 primary language -> ISO 639-2 (terminology codes)
    "ar": "ara", "bn": "ben", "cy": "cym", "de": "deu", "en": "eng", "es": "spa", "fa": "fas", "fr": "fra",
    "ga": "gle", "gd": "gla", "gu": "guj", "hi": "hin", "it": "ita", "ku": "kur", "kw": "cor", "lt": "lit",
    "ne": "nep", "nl": "nld", "pa": "pan", "pl": "pol", "ps": "pus", "pt": "por", "ro": "ron", "so": "som",
    "ta": "tam", "tr": "tur", "uk": "ukr", "ur": "urd", "vi": "vie", "zh": "zho",
}  # fmt: skip


def iso_639_2(language: str) -> str:
    """Turn a BCP 47 language into the three letters of ISO 639-2, `und` where it is not in the table."""
    primary = re.split("[-_]", language.lower())[0]
    return primary if re.fullmatch("[a-z]{3}", primary) else LANGUAGES.get(primary, UNDETERMINED)


def line(words: str) -> str | None:
    """Clean a text of one line: no control characters, no line breaks, at most LINE_CHARACTERS."""
    return _capped(" ".join(_printable(words).split()), LINE_CHARACTERS)


def text(words: str) -> str | None:
    """Clean a text of several lines: no control characters but line breaks, at most TEXT_CHARACTERS."""
    lines = (" ".join(_printable(part).split()) for part in re.split("\r\n|\r|\n", words))
    return _capped(re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip(), TEXT_CHARACTERS)


def _printable(text: str) -> str:
    # An override of the reading direction would show a title backwards; half a surrogate pair becomes U+FFFD.
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "".join(
        " " if unicodedata.category(letter) in {"Cc", "Zl", "Zp"} or letter in "\u202d\u202e\ufeff" else letter
        for letter in whole
    )


def _capped(text: str, most: int) -> str | None:
    return (text if len(text) <= most else text[: most - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}") or None


def address(url: str | None) -> str | None:
    """Clean a web address to ASCII; None where it is not one."""
    if url is None:
        return None
    plain = "".join(_printable(url).split())
    if not re.match("https?://", plain, re.IGNORECASE):
        return None
    return quote(plain, safe="%/:=&?~#+!$,;'@()*[]")
