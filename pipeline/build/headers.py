"""The media type and caching of every key: our own table, as systems differ and know neither .srt nor chapters."""

from pathlib import PurePosixPath

from pipeline.model import Asset

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
}
_TYPES_BELOW = {
    ("feeds", ".xml"): "application/rss+xml; charset=utf-8",
    ("feed.xml", ".xml"): "application/rss+xml; charset=utf-8",
    ("chapters", ".json"): "application/json+chapters",
}
_HASHED = frozenset({"media", "assets"})


def asset(key: str, *, sha256: str, size: int) -> Asset:
    """Complete a file of the site with the headers it is served with.

    Raises:
        KeyError: a key with an ending that is not in the table, which is a bug of ours.
    """
    path = PurePosixPath(key)
    content_type = _TYPES_BELOW.get((path.parts[0], path.suffix)) or _TYPES[path.suffix]
    cache_control = IMMUTABLE if path.parts[0] in _HASHED else SHORT
    return Asset(key=key, sha256=sha256, size=size, content_type=content_type, cache_control=cache_control)
