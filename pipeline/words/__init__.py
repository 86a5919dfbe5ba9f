"""Notes, chapters and transcripts enter and leave as the text formats people write and players read.

markdown-it-py and nh3 live here. Everything is pure: bytes or text in, values or bytes out.
"""

from pipeline.words.chapters import chapters_json, chapters_toml, read_chapters
from pipeline.words.heard import heard_json, read_heard
from pipeline.words.merging import merged
from pipeline.words.moving import moved
from pipeline.words.notes import notes_html, plain
from pipeline.words.reading import read_transcript
from pipeline.words.writing import plain_text, srt, transcript_json, webvtt

__all__ = [
    "chapters_json",
    "chapters_toml",
    "heard_json",
    "merged",
    "moved",
    "notes_html",
    "plain",
    "plain_text",
    "read_chapters",
    "read_heard",
    "read_transcript",
    "srt",
    "transcript_json",
    "webvtt",
]
