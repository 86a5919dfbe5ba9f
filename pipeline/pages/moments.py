"""Show notes and a transcript in, the moments that the notes lead to but no element of the page bears out; pure."""

import re
from collections.abc import Iterable

from pipeline.pages.script import Part
from pipeline.pages.views import ChapterView

_MOMENT = re.compile(r'href="[^"]*#(t=[0-9]{1,6})"')


def homeless(notes: str, parts: Iterable[Part], chapters: Iterable[ChapterView]) -> tuple[str, ...]:
    """List the moments that need a place of their own, so that links to them work without a script too.

    Args:
        notes: HTML, sanitised.
        parts: the transcript as the page shows it.
        chapters: their anchors stand on the page in any case.

    Returns:
        Anchors such as `t=75`, in the order of the notes, each once.
    """
    wanted = dict.fromkeys(_MOMENT.findall(notes))
    if not wanted:
        return ()
    there = {chapter.anchor for chapter in chapters}
    there |= {part.id for part in parts if part.id}
    there |= {each.id for part in parts for turn in part.turns for each in turn.paragraphs if each.id}
    return tuple(moment for moment in wanted if moment not in there)
