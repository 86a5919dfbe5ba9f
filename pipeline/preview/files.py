"""A folder and a key -> the file that is served there, with its headers; nothing outside the folder is found."""

import hashlib
import re
import threading
from dataclasses import dataclass
from pathlib import Path

from pipeline.model import MANIFEST_KEY, Asset, Release

_NOT_RELOADED = "embed/"  # an embedded player runs in a sandbox, where our script would only fail
TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "jpg": "image/jpeg",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "opus": "audio/ogg",
    "png": "image/png",
    "srt": "application/x-subrip",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
    "webmanifest": "application/manifest+json",
    "webp": "image/webp",
    "woff2": "font/woff2",
    "xml": "application/rss+xml; charset=utf-8",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file as it is served; `reloads` says whether it is a page that watches for changes."""

    path: Path
    content_type: str
    cache_control: str
    reloads: bool


class Site:
    """What stands at each key, as the manifest says it is served."""

    def __init__(self, folder: Path, *, live: bool) -> None:
        self._folder = folder
        self._root = folder.resolve()
        self._live = live
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._assets: dict[str, Asset] = {}

    @property
    def live(self) -> bool:
        """Whether pages reload when the site changes."""
        return self._live

    def find(self, key: str) -> File | None:
        """Return the file at `key`, or None where none is served."""
        path = self._existing(key)
        if path is None:
            return None
        asset = self._manifest().get(key)
        content_type = asset.content_type if asset else TYPES.get(key.rpartition(".")[2], "application/octet-stream")
        reloads = self._live and content_type.startswith("text/html") and not key.startswith(_NOT_RELOADED)
        return File(
            path=path,
            content_type=content_type,
            cache_control=asset.cache_control if asset else "no-cache",
            reloads=reloads,
        )

    def is_folder(self, key: str) -> bool:
        """Say whether `key` is a folder with a page."""
        return self._existing(key + "/index.html") is not None

    def _existing(self, key: str) -> Path | None:
        parts = key.split("/")
        if any(not part or part.startswith(".") for part in parts) or re.search(r'[\x00-\x1f\x7f\\:*?"<>|]', key):
            return None
        path = self._folder.joinpath(*parts)
        try:
            return path if path.resolve().is_relative_to(self._root) and path.is_file() else None
        except (OSError, RuntimeError):  # a name too long, or links in a circle: no such page
            return None

    def _manifest(self) -> dict[str, Asset]:
        path = self._folder / MANIFEST_KEY
        with self._lock:
            try:
                status = path.stat()
                stamp = (status.st_mtime_ns, status.st_size)
                if stamp != self._stamp:
                    self._assets = {asset.key: asset for asset in Release.from_json(path.read_bytes()).assets}
                    self._stamp = stamp
            except (OSError, ValueError):  # not built yet, or being written: what was known still holds
                return self._assets
            return self._assets


class Digests:
    """SHA-256 of files, counted once for each state of a file."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, int], str]] = {}

    def of(self, path: Path) -> str:
        """Return the SHA-256 of the file at `path`."""
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        known = self._known.get(path)
        if known is None or known[0] != stamp:
            with path.open("rb") as file:
                known = (stamp, hashlib.file_digest(file, "sha256").hexdigest())
            self._known[path] = known
        return known[1]
