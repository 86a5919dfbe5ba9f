"""A Transcript enters, the bytes of a file that players read leave: WebVTT, SubRip, JSON or plain text."""

import html
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType

import msgspec

from pipeline.model import CHECK_MARK, DRAFT_MARKS, Cue, Part, Transcript, Turn
from pipeline.words.cleaning import clean_line
from pipeline.words.timing import stamp
from pipeline.words.voices import ENTITY

TRANSCRIPT_JSON_VERSION = "1.0.0"

_VTT_WIDTH = 65
_SRT_WIDTH = 42
_LINES = 2
_CHARACTER_MS = 50
_PARAGRAPH_PAUSE_MS = 2_000
_ARROW = re.compile(r"-{2,}>")
_TAG_START = re.compile(r"<(?=[A-Za-z0-9/!])")


def webvtt(transcript: Transcript) -> bytes:
    """Write a transcript as WebVTT.

    A cue has at most two lines of at most 65 characters; a longer one becomes several, at word boundaries, that share
    its time by their lengths. A word longer than a line stands whole on a line of its own. A cue that would have to be
    read faster than 20 characters a second stays as long as it needs, where nothing is said before that; what then is
    still too fast (see `hurried`) stays as fast as it was said.

    Args:
        transcript: cues ascending by start, ms from the start of the master, each ending after it starts.

    Returns:
        UTF-8 with speakers as voice spans. `read_transcript` gives back the same words, times and speakers.

    Source:
        WebVTT: The Web Video Text Tracks Format (W3C). BBC Subtitle Guidelines: 160 to 180 words a minute.
    """
    blocks = ["WEBVTT"]
    for piece, lines in _ordered(_paced(transcript), _VTT_WIDTH):
        blocks.append(_cue(piece, lines))
    return ("\n\n".join(blocks) + "\n").encode()


def draft_webvtt(transcript: Transcript, checks: Mapping[int, str] = MappingProxyType({})) -> bytes:
    """Write a transcript that a machine made, for a person to correct: marked as a draft, each cue as it is.

    Args:
        transcript: cues ascending by start, ms from the start of the recording, each ending after it starts.
        checks: what to listen to, by the start of a cue in ms; it is told before that cue, in a line that no player
            shows.

    Returns:
        UTF-8, the mark of a draft right after the header. `read_transcript` gives back the same cues.
    """
    blocks = ["WEBVTT", DRAFT_MARKS[Part.TRANSCRIPT]]
    left = dict(checks)
    for cue in _spoken(transcript):
        if check := left.pop(cue.start_ms, None):
            blocks.append(f"{CHECK_MARK} {_ARROW.sub('->', clean_line(check))}")
        blocks.append(cue_block(cue))
    return ("\n\n".join(blocks) + "\n").encode()


def srt(transcript: Transcript) -> bytes:
    """Write a transcript as SubRip, which many players take where they do not take WebVTT.

    A cue has at most two lines of at most 42 characters, otherwise as `webvtt`. The speaker stands before the first
    cue of a turn as `Chair: `. SubRip cannot escape: an arrow `-->` becomes `->`, and a `<` that could open a tag gains
    a space.

    Args:
        transcript: cues ascending by start, ms from the start of the master, each ending after it starts.

    Returns:
        UTF-8, cues numbered from 1.
    """
    blocks: list[str] = []
    for number, (piece, lines) in enumerate(_ordered(_announced(_paced(transcript)), _SRT_WIDTH), start=1):
        times = f"{stamp(piece.start_ms, ',')} --> {stamp(piece.end_ms, ',')}"
        blocks.append("\n".join([str(number), times, *lines, ""]))
    return "\n".join(blocks).encode()


def plain_srt(cues: Sequence[Cue]) -> bytes:
    """Write cues as SubRip, each as it is, for a file that people correct: with as many lines as its words need.

    Args:
        cues: ascending by start, ms, each ending after it starts; nobody is named.

    Returns:
        UTF-8, cues numbered from 1; what SubRip cannot carry as in `srt`.
    """
    blocks: list[str] = []
    for number, cue in enumerate(cues, start=1):
        times = f"{stamp(cue.start_ms, ',')} --> {stamp(cue.end_ms, ',')}"
        blocks.append("\n".join([str(number), times, *_wrapped(_defused(cue.text), _SRT_WIDTH), ""]))
    return "\n".join(blocks).encode()


def transcript_json(transcript: Transcript) -> bytes:
    """Write a transcript as JSON, one segment for a cue.

    Args:
        transcript: cues ascending by start, ms from the start of the master.

    Returns:
        UTF-8; times in seconds, `speaker` only where one is known.

    Source:
        Podcasting 2.0, transcript JSON 1.0.0.
    """
    segments = [
        {
            **({"speaker": cue.speaker} if cue.speaker else {}),
            "startTime": cue.start_ms / 1000,
            "endTime": cue.end_ms / 1000,
            "body": cue.text,
        }
        for cue in _spoken(transcript)
    ]
    return msgspec.json.encode({"version": TRANSCRIPT_JSON_VERSION, "segments": segments}) + b"\n"


def plain_text(transcript: Transcript) -> bytes:
    """Write a transcript for reading: a paragraph for each turn, `Chair: ` before it.

    Where no speaker is known, a pause of two seconds starts a new paragraph.

    Args:
        transcript: cues ascending by start, ms from the start of the master.

    Returns:
        UTF-8, a blank line between paragraphs.
    """
    paragraphs: list[str] = []
    before: Cue | None = None
    for cue in _spoken(transcript):
        if before is None or _turns(before, cue):
            paragraphs.append(f"{cue.speaker}: {cue.text}" if cue.speaker else cue.text)
        else:
            paragraphs[-1] += f" {cue.text}"
        before = cue
    return "".join(f"{line}\n" for line in "\n\n".join(paragraphs).splitlines()).encode()


def hurried(transcript: Transcript) -> tuple[Cue, ...]:
    """Return the cues that must be read faster than 20 characters a second, because the next ones follow at once."""
    return tuple(cue for cue in _paced(transcript) if cue.end_ms - cue.start_ms < _CHARACTER_MS * len(cue.text))


def cue_block(cue: Cue) -> str:
    """Write a cue as it is, for a person to correct: WebVTT, with as many lines as its words need."""
    return _cue(cue, _wrapped(cue.text, _VTT_WIDTH))


def _cue(cue: Cue, lines: list[str]) -> str:
    text = "\n".join(_escaped(line) for line in lines)
    voiced = f"<v {_escaped(cue.speaker)}>{text}</v>" if cue.speaker else text
    return f"{stamp(cue.start_ms, '.')} --> {stamp(cue.end_ms, '.')}\n{voiced}"


def _turns(before: Cue, cue: Cue) -> bool:
    paused = cue.speaker is None and cue.start_ms - before.end_ms >= _PARAGRAPH_PAUSE_MS
    return paused or cue.speaker != before.speaker


def _spoken(transcript: Transcript) -> Iterator[Cue]:
    for cue in transcript.cues:
        text = clean_line(cue.text)
        speaker = clean_line(cue.speaker or "") or None
        if text:
            is_clean = (text, speaker) == (cue.text, cue.speaker)
            yield cue if is_clean else replace(cue, text=text, speaker=speaker)


def turns_text(turns: Sequence[Turn]) -> bytes:
    """Write a text without times, for a person to keep: a paragraph for each turn, `Chair: ` before it.

    Returns:
        UTF-8, a blank line between paragraphs; `read_brought` gives back the same words.
    """
    paragraphs = (
        f"{speaker}: {clean_line(turn.text)}" if (speaker := clean_line(turn.speaker or "")) else clean_line(turn.text)
        for turn in turns
    )
    return "".join(f"{line}\n" for line in "\n\n".join(paragraphs).splitlines()).encode()


def _paced(transcript: Transcript) -> Iterator[Cue]:
    """Let a cue that is too short to be read stay until it can be, or until the next one begins."""
    before: Cue | None = None
    for cue in _spoken(transcript):
        if before is not None:
            if before.end_ms < cue.start_ms:
                needed_ms = before.start_ms + _CHARACTER_MS * len(before.text)
                if before.end_ms < needed_ms:
                    before = replace(before, end_ms=min(needed_ms, cue.start_ms))
            yield before
        before = cue
    if before is not None:
        yield before  # nobody here knows when the sound ends


def _announced(cues: Iterable[Cue]) -> Iterator[Cue]:
    speaker: str | None = None
    for cue in cues:
        turn = f"{cue.speaker}: " if cue.speaker not in {None, speaker} else ""
        speaker = cue.speaker
        text = _defused(turn + cue.text)
        yield cue if text == cue.text else replace(cue, text=text)


def _ordered(cues: Iterable[Cue], width: int) -> list[tuple[Cue, list[str]]]:
    # The pieces of cues that overlap interleave, and both formats want them by start.
    pieces = list[tuple[Cue, list[str]]]()
    for cue in cues:
        lines = _in_two(cue.text, width)
        if lines:
            pieces.append((cue, lines))
        else:
            pieces += _pieces(cue, width)
    return sorted(pieces, key=lambda piece: piece[0].start_ms)


def _pieces(cue: Cue, width: int) -> Iterator[tuple[Cue, list[str]]]:
    lines = _balanced(cue.text, width)
    if len(lines) <= _LINES:
        yield cue, lines
        return
    groups = [lines[index : index + _LINES] for index in range(0, len(lines), _LINES)]
    edges = _edges(cue, [sum(map(len, group)) for group in groups])
    for group, (start_ms, end_ms) in zip(groups, edges, strict=True):
        yield replace(cue, start_ms=start_ms, end_ms=end_ms), group


def _edges(cue: Cue, lengths: list[int]) -> list[tuple[int, int]]:
    count, duration_ms = len(lengths), cue.end_ms - cue.start_ms
    if duration_ms < count:  # too short to share: the pieces show together
        return [(cue.start_ms, cue.end_ms)] * count
    edges, done, total = [cue.start_ms], 0, sum(lengths)
    for index, length in enumerate(lengths[:-1], start=1):
        done += length
        share = cue.start_ms + duration_ms * done // total
        edges.append(max(edges[-1] + 1, min(share, cue.end_ms - (count - index))))
    return list(pairwise([*edges, cue.end_ms]))


def _in_two(text: str, width: int) -> list[str] | None:
    """Do what `_balanced` does where two lines are enough, as they mostly are; None where they are not."""
    length = len(text)
    if length <= width:
        return [text]
    middle = length // 2
    before, after = text.rfind(" ", 0, middle + 1), text.find(" ", middle)
    narrow = min(max(at, length - at - 1) for at in (before, after) if at >= 0) if max(before, after) >= 0 else length
    if narrow > width:
        return None
    at = text.rfind(" ", 0, narrow + 1)  # the first line is as full as the narrower width allows
    return [text[:at], text[at + 1 :]]


def _balanced(text: str, width: int) -> list[str]:
    # The narrowest lines that need no more cues than full ones do, so that no cue flashes up with one last word.
    full = _wrapped(text, width)
    if len(full) == 1:
        return full
    allowed = -(-len(full) // _LINES) * _LINES
    least = min(sum(map(len, full)) // allowed, width)  # so narrow, the lines could not hold all letters
    narrow = bisect_left(range(width), True, lo=least, key=lambda narrower: len(_wrapped(text, narrower)) <= allowed)
    return _wrapped(text, narrow)


def _wrapped(text: str, width: int) -> list[str]:
    """Break words, one space between them, into lines as full as the width allows."""
    lines, at, last = list[str](), 0, len(text)
    while last - at > width:
        cut = text.rfind(" ", at, at + width + 1)
        if cut < 0:  # a word longer than a line
            cut = text.find(" ", at + width)
        if cut < 0:
            break
        lines.append(text[at:cut])
        at = cut + 1
    lines.append(text[at:])
    return lines


def _escaped(text: str) -> str:
    return html.escape(text, quote=False) if "<" in text or "&" in text or ">" in text else text


def _defused(text: str) -> str:
    if not ("<" in text or "&" in text or ">" in text):
        return text
    plain = _TAG_START.sub("< ", _ARROW.sub("->", text))
    return ENTITY.sub(lambda match: "&amp;" + match[0][1:] if html.unescape(match[0]) != match[0] else match[0], plain)
