"""Recordings enter, masters with a measured loudness leave; PyAV, the ffmpeg program, pydub and numpy live here.

What is heavy is imported when it is first used: a build in which nothing has changed uses none of it.
"""

from typing import TYPE_CHECKING

from pipeline import on_first_use

if TYPE_CHECKING:
    from pipeline.audio.clips import clip
    from pipeline.audio.copying import listening_copy, listening_recipe
    from pipeline.audio.cutting import pieces, stretch
    from pipeline.audio.encoder import encoders, ffmpeg_program, ffmpeg_version
    from pipeline.audio.mastering import master
    from pipeline.audio.meter import measure
    from pipeline.audio.recipes import clip_recipe, recipe
    from pipeline.audio.source import probe

__all__ = [
    "clip",
    "clip_recipe",
    "encoders",
    "ffmpeg_program",
    "ffmpeg_version",
    "listening_copy",
    "listening_recipe",
    "master",
    "measure",
    "pieces",
    "probe",
    "recipe",
    "stretch",
]

__getattr__ = on_first_use(
    __name__,
    {
        "clip": "clips",
        "clip_recipe": "recipes",
        "encoders": "encoder",
        "ffmpeg_program": "encoder",
        "ffmpeg_version": "encoder",
        "listening_copy": "copying",
        "listening_recipe": "copying",
        "master": "mastering",
        "measure": "meter",
        "pieces": "cutting",
        "stretch": "cutting",
        "probe": "source",
        "recipe": "recipes",
    },
)
