"""Recordings enter, masters with a measured loudness leave; PyAV, the ffmpeg program, pydub and numpy live here.

What is heavy is imported when it is first used: a build in which nothing has changed uses none of it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.audio.clips import clip
    from pipeline.audio.encoder import encoders, ffmpeg_program, ffmpeg_version
    from pipeline.audio.mastering import master
    from pipeline.audio.meter import measure
    from pipeline.audio.pieces import pieces
    from pipeline.audio.recipe import clip_recipe, recipe
    from pipeline.audio.source import probe

__all__ = [
    "clip",
    "clip_recipe",
    "encoders",
    "ffmpeg_program",
    "ffmpeg_version",
    "master",
    "measure",
    "pieces",
    "probe",
    "recipe",
]

_MODULES = {
    "clip": "clips",
    "clip_recipe": "recipe",
    "encoders": "encoder",
    "ffmpeg_program": "encoder",
    "ffmpeg_version": "encoder",
    "master": "mastering",
    "measure": "meter",
    "pieces": "pieces",
    "probe": "source",
    "recipe": "recipe",
}


def __getattr__(name: str) -> object:
    """Import what is asked for."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value
