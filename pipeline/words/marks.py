"""The text of a part that a machine drafted enters, the same without the mark of a draft leaves; pure."""

import re
from itertools import zip_longest

from pipeline.model import CHECK_MARK, Part, is_marked

_COMMENT = re.compile(r"<!--.*?-->")


def unmarked(text: str, part: Part, *, with_checks: bool = False) -> str:
    """Take the mark of a draft out of a file's text, and what was to be listened to, if asked; leave all else."""
    lines = text.split("\n")
    kept = list[str]()
    for line, below in zip_longest(lines, lines[1:], fillvalue=""):
        is_check = with_checks and part is Part.TRANSCRIPT and line.startswith(CHECK_MARK)
        if not (is_check or is_marked(line, part)):
            kept.append(line)
        elif part is Part.NOTES and (beside := _COMMENT.sub("", line, count=1).strip("\ufeff \t")):
            kept.append(beside)  # what a person has written behind the mark
        elif part is Part.TRANSCRIPT and below.strip():
            kept.append("NOTE")  # of what a person has written below the mark
        elif part is Part.TRANSCRIPT and kept and not kept[-1].strip():
            kept.pop()  # the mark stood in a block of its own: one blank line is enough
    return "\n".join(kept)
