"""Corrected cues and chapters, and the files they came from, enter; the texts of those files leave; pure."""

import re
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby

from pipeline.model import DRAFT_MARKS, Chapter, Cue, Part, is_marked
from pipeline.words import chapters_toml, cue_block, unmarked

_AT_THE_END = sys.maxsize
_WORDLESS = re.compile(r"(NOTE|STYLE|REGION)(?:[ \t]|$)")
_TIME_LINE = re.compile(r"\s*(?:(\d+):)?(\d+):(\d+)[.,](\d+)\s*-->")
_REMARK_BEHIND = re.compile(r"""^\s*#|["\d]\s+#""")


def webvtt_text(old: str, cues: Sequence[Cue], *, is_draft: bool) -> str:
    """Write a transcript as WebVTT, each cue as it is, with what people wrote beside its cues.

    Players are given cues of two lines that can be read in their time; that is made of this file, not in it.

    Args:
        old: the file it was read from; its header, styles and NOTE comments are kept, each comment before the cue
            that follows it in time.
        cues: ascending by start.
        is_draft: whether nobody has reviewed it: it keeps, or is given, the mark of a draft.
    """
    header, styles, notes = _beside(old if is_draft else unmarked(old, Part.TRANSCRIPT, with_checks=True))
    mark = [DRAFT_MARKS[Part.TRANSCRIPT]] if is_draft else []
    written = [header, *mark, *styles]
    for cue in cues:
        while notes and notes[0][0] <= cue.start_ms:
            written.append(notes.pop(0)[1])
        written.append(cue_block(cue))
    return "\n\n".join([*written, *(note for _, note in notes)]) + "\n"


def chapters_text(old: str, chapters: Sequence[Chapter], *, is_draft: bool) -> str:
    """Write chapters.toml.

    Args:
        old: the file they were read from, of which the remarks above the first chapter are kept.
        chapters: ascending by start, with their addresses and images.
        is_draft: whether nobody has reviewed them: they keep the mark of a draft.
    """
    mark = [DRAFT_MARKS[Part.CHAPTERS]] if is_draft else []
    head = "\n".join(_head(old)).strip("\n")
    return "\n".join([*mark, *([head, ""] if head else [""] * is_draft), chapters_toml(chapters)])


def has_remarks_between(old: str) -> bool:
    """Say whether a chapters.toml has remarks other than above its first chapter, which are not kept."""
    rest = old.split("\n")[len(_head(old, with_marks=True)) :]
    return any(_REMARK_BEHIND.search(line) and not is_marked(line, Part.CHAPTERS) for line in rest)


def _head(old: str, *, with_marks: bool = False) -> list[str]:
    head = list[str]()
    for line in old.split("\n"):
        if line.strip() and not line.lstrip().startswith("#"):
            break
        if with_marks or not is_marked(line, Part.CHAPTERS):
            head.append(line)
    return head


def _beside(old: str) -> tuple[str, list[str], list[tuple[int, str]]]:
    """Return what a WebVTT file holds besides its cues: header, styles, and notes with the start of the cue below."""
    lines = unmarked(old, Part.TRANSCRIPT).split("\n")
    blocks = [list(group) for blank, group in groupby(lines, key=lambda line: not line.strip()) if not blank]
    header = "WEBVTT"
    if blocks and blocks[0][0].startswith("WEBVTT"):
        above = list(_until_a_time(blocks[0]))
        header, blocks[0] = "\n".join(above), blocks[0][len(above) :]
    styles, notes, pending = list[str](), list[tuple[int, str]](), list[str]()
    last_ms = 0
    for block in filter(None, blocks):
        found = _WORDLESS.match(block[0])
        if found is None:
            last_ms = max(last_ms, _start_ms("\n".join(block[:2])) or 0)
            notes += ((last_ms, note) for note in pending)
            pending = []
        elif found[1] == "NOTE":
            pending.append("\n".join(block))
        else:
            styles.append("\n".join(block))
    return header, styles, [*notes, *((_AT_THE_END, note) for note in pending)]


def _until_a_time(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        if "-->" in line:
            return
        yield line


def _start_ms(block: str) -> int | None:
    for line in block.split("\n")[:2]:
        if found := _TIME_LINE.match(line):
            hours, minutes, seconds, fraction = (int(part or 0) for part in found.groups())
            return ((hours * 60 + minutes) * 60 + seconds) * 1000 + fraction
    return None
