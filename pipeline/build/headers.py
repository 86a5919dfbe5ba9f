"""The media type and caching of every key: our own table, as systems differ and know neither .srt nor chapters."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from urllib.parse import quote

from pipeline.model import Asset, Edition, Enclosure, Item, is_feed_key

IMMUTABLE = "public, max-age=31536000, immutable"
SHORT = "public, max-age=300, must-revalidate"

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".vtt": "text/vtt; charset=utf-8",
    ".srt": "application/x-subrip",
    ".json": "application/json",
    ".xml": "application/xml",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".ico": "image/x-icon",
    ".webmanifest": "application/manifest+json",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".opus": "audio/ogg",
    ".pagefind": "application/octet-stream",  # what follows is compressed by itself, and served as it is
    ".pf_meta": "application/octet-stream",
    ".pf_index": "application/octet-stream",
    ".pf_fragment": "application/octet-stream",
}
_FEED_TYPES = {
    ".xml": "application/rss+xml; charset=utf-8",
    ".atom": "application/atom+xml; charset=utf-8",
    ".json": "application/feed+json; charset=utf-8",
    ".opml": "text/x-opml; charset=utf-8",
}
_FEEDS = ("feed", "publisher")
_CHAPTERS_TYPE = "application/json+chapters"
_CHAPTERS_SUFFIX = ".json"
_CHAPTERS = re.compile(r"(?:.*/)?chapters/[^/]*\.json")
_HASHED = frozenset({"media", "assets"})


_LONGEST_NAME = 120
_NO_NAME = frozenset('\\/:*?"<>|%;')


def file_names(edition: Edition) -> dict[str, str]:
    """Give each sound file the name under which people save it: the episode's title, by key."""
    return {
        sound.key: f"{_name(title)}{PurePosixPath(sound.key).suffix}"
        for item in edition.items
        for title, sound in _sounds(item)
    }


def asset(
    key: str, *, sha256: str, size: int, redirect: str | None = None, names: Mapping[str, str] | None = None
) -> Asset:
    """Complete a file of the site with the headers it is served with.

    Args:
        key: where it stands.
        sha256: of its content.
        size: of its content, in bytes.
        redirect: where a host may send whoever asks for it.
        names: from `file_names`.

    Raises:
        KeyError: a key with an ending that is not in the table, which is a bug of ours.
    """
    cache_control = IMMUTABLE if key.partition("/")[0] in _HASHED else SHORT
    return Asset(
        key=key,
        sha256=sha256,
        size=size,
        content_type=_content_type(key),
        cache_control=cache_control,
        redirect=redirect,
        disposition=_disposition(names[key]) if names and key in names else None,
    )


def _sounds(item: Item) -> Iterator[tuple[str, Enclosure]]:
    yield item.episode.title, item.enclosure
    for alternate in item.alternates:
        yield item.episode.title, alternate.enclosure
    for clip in item.clips:
        yield f"{item.episode.title} - {clip.bite.title or 'clip'}", clip.enclosure


def _name(title: str) -> str:
    """Make a title a file's name on every system."""
    kept = "".join(" " if char in _NO_NAME or not char.isprintable() else char for char in title)
    return " ".join(unicodedata.normalize("NFC", kept).split())[:_LONGEST_NAME].strip(" .") or "episode"


def _disposition(name: str) -> str:
    """Write Content-Disposition: shown in place, saved under a name; in ASCII for old clients, and as it is.

    Source: RFC 6266, RFC 8187.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    stem = PurePosixPath(plain).stem.strip()
    plain = plain if stem else f"episode{PurePosixPath(name).suffix}"
    if plain == name:
        return f'inline; filename="{plain}"'
    return f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _content_type(key: str) -> str:
    suffix = f".{key.rpartition('.')[2]}"
    if key.startswith(_FEEDS) and is_feed_key(key):
        return _FEED_TYPES[suffix]
    is_chapters = suffix == _CHAPTERS_SUFFIX and _CHAPTERS.fullmatch(key)
    return _CHAPTERS_TYPE if is_chapters else _TYPES[suffix]
