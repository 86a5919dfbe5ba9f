"""A draft enters, what a person made of it and a newer draft; one text leaves, in which all that they changed stays."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from pipeline.model import CHECK_MARK, DRAFT_MARKS, Cue, Part
from pipeline.words.cleaning import decode
from pipeline.words.marks import unmarked
from pipeline.words.reading import MAX_BYTES, read_transcript
from pipeline.words.timing import may_be_time_line

T = TypeVar("T")
Span = tuple[int, int]

_COMMENT = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s|$)")
_NEWLINE = re.compile(r"\r\n|\n|\r")


def merged_by_time(base: Sequence[T], edited: Sequence[T], new: Sequence[T], *, span: Callable[[T], Span]) -> list[T]:
    """Merge what a person made of a draft with a newer draft; where both changed something, the person wins.

    Time is divided at the moments at which nothing is under way in any of the three. In each of these stretches the
    newer draft is taken where the person left the older one as it was; otherwise all that the person has there.

    Args:
        base: the draft that the person began with.
        edited: what they made of it.
        new: the newer draft.
        span: tells when something begins and ends; it ends after it begins.

    Returns:
        Ascending by start. Where the person changed nothing this is `new`, where the drafts are the same, `edited`.
    """
    moments = _moments([span(each) for part in (base, edited, new) for each in part])
    parts = [_divided(part, moments, span) for part in (base, edited, new)]
    whole = list[T]()
    for before, theirs, newer in zip(*parts, strict=True):
        whole += newer if theirs == before else theirs
    return whole


def _moments(spans: Iterable[Span]) -> list[int]:
    moments, reached = list[int](), None
    for start, end in sorted(spans):
        if reached is None or start >= reached:
            moments.append(start)
        reached = end if reached is None else max(reached, end)
    return moments


def _divided(part: Sequence[T], moments: list[int], span: Callable[[T], Span]) -> list[list[T]]:
    stretches: list[list[T]] = [[] for _ in moments]
    for each in sorted(part, key=lambda each: span(each)[0]):
        stretches[bisect_right(moments, span(each)[0]) - 1].append(each)
    return stretches


def merged_vtt(base: str, edited: bytes, new: str, *, source: Path, language: str) -> str:
    """Merge a WebVTT transcript that a person corrected with a newer draft.

    Comments, styles and settings of cues are kept with the cues that the person has; a note of what to check is no
    change.

    Args:
        base: the draft that the person began with.
        edited: the file that they corrected.
        new: the newer draft.
        source: the path of that file.
        language: what is spoken.

    Returns:
        WebVTT with the mark of a draft.

    Raises:
        WordsError: the file cannot be understood; the message names the line.
    """
    read_transcript(edited, source=source, language=language)  # or its line would be named by its place in its block
    text = decode(edited, source=source, limit=MAX_BYTES)
    theirs = _File.read(text, language)
    drafts = [_File.read(draft, language).blocks for draft in (base, new)]
    blocks = merged_by_time(drafts[0], theirs.blocks, drafts[1], span=_Block.span)
    lines = [theirs.header, DRAFT_MARKS[Part.TRANSCRIPT], *(block.text for block in blocks), *theirs.rest]
    return "\n\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """A cue and the comments above it. settings: what stands around its times."""

    cues: tuple[Cue, ...]
    settings: str
    notes: tuple[str, ...]
    text: str = field(compare=False)

    def span(self) -> Span:
        return self.cues[0].start_ms, max(cue.end_ms for cue in self.cues)


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A WebVTT file. rest: what stands after the last cue."""

    header: str
    blocks: list[_Block]
    rest: list[str]

    @classmethod
    def read(cls, text: str, language: str) -> "_File":
        header, *parts = _parts(unmarked(_NEWLINE.sub("\n", text), Part.TRANSCRIPT))
        blocks, above = list[_Block](), list[str]()
        for part in parts:
            cues = _cues(part, language) if _has_times(part) else ()
            above.append(part)
            if cues:
                notes = tuple(note for note in above[:-1] if not note.startswith(CHECK_MARK))
                blocks.append(_Block(cues=cues, settings=_settings(part), notes=notes, text="\n\n".join(above)))
                above = []
        return cls(header=header, blocks=blocks, rest=above)


def _parts(text: str) -> list[str]:
    """Cut a file at its blank lines; the header comes first, also where a cue follows it at once."""
    lines = text.split("\n")
    parts = [list(group) for blank, group in groupby(lines, key=lambda line: not line.strip()) if not blank]
    first = next((index for index, line in enumerate(parts[0]) if "-->" in line), len(parts[0]))
    parts[:1] = [part for part in (parts[0][:first], parts[0][first:]) if part]
    return ["\n".join(part) for part in parts]


def _has_times(block: str) -> bool:
    is_comment = _COMMENT.match(block) is not None
    return "-->" in block or (not is_comment and any(map(may_be_time_line, block.split("\n"))))


def _cues(block: str, language: str) -> tuple[Cue, ...]:
    read = read_transcript(f"WEBVTT\n\n{block}".encode(), source=Path("cue.vtt"), language=language)
    return tuple(read.cues)


def _settings(block: str) -> str:
    """Return what stands above the times of a cue, and beside them."""
    above, _, after = block.partition("-->")
    name = above.rpartition("\n")[0].strip()
    return " ".join([name, *after.partition("\n")[0].split()[1:]])
