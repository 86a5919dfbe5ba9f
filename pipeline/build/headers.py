"""The media type and caching of every key: our own table, as systems differ and know neither .srt nor chapters."""

from pathlib import PurePosixPath

from pipeline.model import Asset, is_feed_key

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
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".opus": "audio/ogg",
}
_FEED_TYPES = {
    ".xml": "application/rss+xml; charset=utf-8",
    ".atom": "application/atom+xml; charset=utf-8",
    ".json": "application/feed+json; charset=utf-8",
    ".opml": "text/x-opml; charset=utf-8",
}
_CHAPTERS_TYPE = "application/json+chapters"
_HASHED = frozenset({"media", "assets"})


def asset(key: str, *, sha256: str, size: int, redirect: str | None = None) -> Asset:
    """Complete a file of the site with the headers it is served with.

    Raises:
        KeyError: a key with an ending that is not in the table, which is a bug of ours.
    """
    cache_control = IMMUTABLE if PurePosixPath(key).parts[0] in _HASHED else SHORT
    return Asset(
        key=key,
        sha256=sha256,
        size=size,
        content_type=_content_type(key),
        cache_control=cache_control,
        redirect=redirect,
    )


def _content_type(key: str) -> str:
    path = PurePosixPath(key)
    if is_feed_key(key):
        return _FEED_TYPES[path.suffix]
    return _CHAPTERS_TYPE if path.match("chapters/*.json") else _TYPES[path.suffix]
