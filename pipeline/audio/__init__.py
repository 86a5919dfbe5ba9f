"""Recordings enter, masters with a measured loudness leave; PyAV, the ffmpeg program, pydub and numpy live here."""

from pipeline.audio.clips import clip
from pipeline.audio.encoder import encoders, ffmpeg_program, ffmpeg_version
from pipeline.audio.mastering import master
from pipeline.audio.meter import measure
from pipeline.audio.pieces import pieces
from pipeline.audio.recipe import recipe
from pipeline.audio.source import probe

__all__ = ["clip", "encoders", "ffmpeg_program", "ffmpeg_version", "master", "measure", "pieces", "probe", "recipe"]
