"""A recording enters, the copy that the page plays leaves: made once, kept in the cache, gone with the recording."""

from collections.abc import Callable, Collection
from pathlib import Path

from pipeline import audio
from pipeline.cache import Cache, key
from pipeline.errors import WorkspaceError
from pipeline.model import AudioSettings

_KIND = "listening"


def kept_copy(cache: Cache, sources: tuple[Path, ...], settings: AudioSettings) -> Path | None:
    """Return the small MP3 of a recording that was made before; None where there is none.

    Args:
        cache: where it is kept.
        sources: the parts of one recording, in order.
        settings: which ffmpeg program.
    """
    entry = cache.get(_KIND, _key(cache, sources, settings))
    return entry.path if entry else None


def made_copy(
    cache: Cache, sources: tuple[Path, ...], settings: AudioSettings, progress: Callable[[float], None]
) -> Path:
    """Make a small MP3 of a recording, on the recording's own clock, and keep it.

    Args:
        cache: where it is kept.
        sources: the parts of one recording, in order.
        settings: which ffmpeg program.
        progress: is told the part (0 to 1) that is done.

    Raises:
        AudioError: the recording cannot be decoded, or there is no room for its copy.
        WorkspaceError: the cache cannot be written.
    """
    with cache.scratch() as scratch:
        file = scratch / "listening.mp3"
        length_ms = audio.listening_copy(sources, file, settings, progress)
        facts = {"length_ms": length_ms, "sources": [cache.sha256(path) for path in sources]}
        return cache.put(_KIND, _key(cache, sources, settings), file, facts).path


def forget_copies(cache: Cache, sha256s: Collection[str]) -> int:
    """Remove every copy of recordings, by whatever version of this program it was made.

    Args:
        cache: where they are kept.
        sha256s: of the parts of the recordings.

    Returns:
        How many copies were removed.

    Raises:
        WorkspaceError: one cannot be removed.
    """
    count = 0
    for record in sorted((cache.root / _KIND).glob("*.json")):
        known = cache.known(_KIND, record.stem) or {}
        if set(known.get("facts", {}).get("sources", ())) & set(sha256s):
            for path in reversed(cache.files_of(_KIND, record.stem)):  # what names the sound goes last
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:
                    hint = "End `cln-media proof`, check the rights of that folder, and run the same command again."
                    raise WorkspaceError(f"cannot be removed: {error.strerror}", source=path, hint=hint) from error
            count += 1
    return count


def _key(cache: Cache, sources: tuple[Path, ...], settings: AudioSettings) -> str:
    return key(_KIND, [cache.sha256(path) for path in sources], audio.listening_recipe(settings))
