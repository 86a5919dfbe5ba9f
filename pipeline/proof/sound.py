"""A recording enters, the copy of it that the page plays leaves: made once, and kept in the cache."""

from collections.abc import Callable
from pathlib import Path

from pipeline import audio
from pipeline.cache import Cache, key
from pipeline.model import AudioSettings

_KIND = "listening"


def listening_copy(
    cache: Cache, sources: tuple[Path, ...], settings: AudioSettings, progress: Callable[[float], None]
) -> Path:
    """Return a small MP3 of a recording, on the recording's own clock.

    Args:
        cache: where it is kept.
        sources: the parts of one recording, in order.
        settings: which ffmpeg program.
        progress: is told the part (0 to 1) that is done, where it has to be made.

    Raises:
        AudioError: the recording cannot be decoded, or there is no room for its copy.
        WorkspaceError: the cache cannot be written.
    """
    entry_key = key(_KIND, [cache.sha256(path) for path in sources], audio.listening_recipe(settings))
    entry = cache.get(_KIND, entry_key)
    if entry is None:
        with cache.scratch() as scratch:
            file = scratch / "listening.mp3"
            length_ms = audio.listening_copy(sources, file, settings, progress)
            entry = cache.put(_KIND, entry_key, file, {"length_ms": length_ms})
    return entry.path
