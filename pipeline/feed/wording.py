"""Text and addresses as people typed them enter; what an XML or JSON feed can hold leaves."""

import re
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from pipeline.errors import FeedError
from pipeline.model import Artwork

SETTINGS = "cln_media.toml"
LABEL_CHARACTERS = 128

_FORBIDDEN = re.compile(  # and what reverses the direction of all text after it, as every page leaves out too
    r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069]"
)
_SENTENCE_END = re.compile(r"""(?:[.!?…]["'”’)\]]*(?=\s)|[。！？]["'”’)\]]*)""")  # noqa: RUF001 (CJK sentences end so)
_HOST = re.compile(r"[A-Za-z0-9._~%!$&'()*+,;=:@\[\]-]+")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_URL_MARKS = "/:@!$&'()*+,;=~-._%"


def clean(text: str) -> str:
    """Take out what XML 1.0 forbids, what reverses the direction of text, and the spaces around it."""
    return _FORBIDDEN.sub("", text).strip()


def line(text: str) -> str:
    """Clean a text and put it on one line."""
    return " ".join(clean(text).split())


def label(text: str) -> str:
    """Clean a text for an element that directories cut at LABEL_CHARACTERS, and cut it there."""
    short = line(text)
    return short if len(short) <= LABEL_CHARACTERS else short[: LABEL_CHARACTERS - 1].rstrip() + "…"


def needed(text: str, what: str, source: Path | str = SETTINGS) -> str:
    """Clean a text that a feed cannot do without.

    Raises:
        FeedError: nothing is left of it.
    """
    cleaned = clean(text)
    if not cleaned:
        raise FeedError(f"the {what} is empty", source=source, hint=f"Fill in the {what}: a feed needs it.")
    return cleaned


def truth(*, value: bool) -> str:
    """Write true or false as feeds do."""
    return "true" if value else "false"


def shorten(text: str, limit_bytes: int) -> str:
    """Cut a text to at most `limit_bytes` of UTF-8: after a sentence, else after a word, else after a character."""
    encoded = text.encode()
    if len(encoded) <= limit_bytes:
        return text
    kept = encoded[:limit_bytes].decode(errors="ignore")
    ends = [found.end() for found in _SENTENCE_END.finditer(text, 0, len(kept) + 1) if found.end() <= len(kept)]
    if ends and ends[-1] > len(kept) // 2:
        return kept[: ends[-1]]
    words = encoded[: limit_bytes - len("…".encode())].decode(errors="ignore")
    space = max(words.rfind(" "), words.rfind("\n"))
    return (words[:space] if space > len(words) // 2 else words).rstrip() + "…"


def image_address(artwork: Artwork) -> str:
    """Return an image's address in ASCII.

    Raises:
        FeedError: it is no address, or does not end as a JPEG or PNG does.
    """
    url = address(artwork.url, artwork.key)
    if not url.endswith((".jpg", ".png")):  # feedgen drops any other without a word
        raise FeedError(
            f"the image's address {url} does not end in .jpg or .png",
            source=artwork.key,
            hint="Use a JPEG or PNG image.",
        )
    return url


def address(url: str, source: Path | str = SETTINGS) -> str:
    """Return an address in ASCII: percent-encoded, its host in Punycode.

    Raises:
        FeedError: it has no scheme or host, or holds what no encoding can express.
    """
    try:
        parts = urlsplit(url)
        host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode("ascii")
        path, query, fragment = (_percent_encoded(part) for part in parts[2:])
    except ValueError as error:
        raise _bad_address(url, source) from error
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(host):
        raise _bad_address(url, source)
    return urlunsplit((parts.scheme, host, path, query, fragment))


def _percent_encoded(part: str) -> str:
    return quote(_STRAY_PERCENT.sub("%25", part), safe=_URL_MARKS)


def _bad_address(url: str, source: Path | str) -> FeedError:
    return FeedError(
        f"{url!a} is not an address that a feed can hold",
        source=source,
        hint="Use a whole address, such as https://podcast.cln.example/feed.xml.",
    )
