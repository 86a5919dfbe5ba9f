"""Notes, chapters and transcripts enter and leave as the text formats people write and players read.

markdown-it-py and nh3 live here. Everything is pure: bytes or text in, values or bytes out. What only a draft needs is
imported when it is asked for.
"""

from typing import TYPE_CHECKING

from pipeline import on_first_use
from pipeline.words.chapters import chapters_json, chapters_toml, read_chapters
from pipeline.words.heard import heard_json, read_heard
from pipeline.words.marks import unmarked
from pipeline.words.moving import moved
from pipeline.words.notes import notes_html, plain
from pipeline.words.reading import read_transcript
from pipeline.words.writing import (
    cue_block,
    draft_webvtt,
    hurried,
    plain_srt,
    plain_text,
    srt,
    transcript_json,
    turns_text,
    webvtt,
)

if TYPE_CHECKING:
    from pipeline.words.aligning import aligned
    from pipeline.words.brought import Turns, beside, brought_names, read_brought
    from pipeline.words.cue_merging import merged_by_time, merged_vtt
    from pipeline.words.merging import merged

__all__ = [
    "Turns",
    "aligned",
    "beside",
    "brought_names",
    "chapters_json",
    "chapters_toml",
    "cue_block",
    "draft_webvtt",
    "heard_json",
    "hurried",
    "merged",
    "merged_by_time",
    "merged_vtt",
    "moved",
    "notes_html",
    "plain",
    "plain_srt",
    "plain_text",
    "read_brought",
    "read_chapters",
    "read_heard",
    "read_transcript",
    "srt",
    "transcript_json",
    "turns_text",
    "unmarked",
    "webvtt",
]

__getattr__ = on_first_use(
    __name__,
    {
        "aligned": "aligning",
        **dict.fromkeys(("Turns", "beside", "brought_names", "read_brought"), "brought"),
        **dict.fromkeys(("merged_by_time", "merged_vtt"), "cue_merging"),
        "merged": "merging",
    },
)
