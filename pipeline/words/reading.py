"""The bytes of a WebVTT or SubRip file enter, a Transcript leaves.

These readers are our own, because a transcript must not lose words unnoticed: common parsers skip whatever they cannot
understand. Here every line either becomes words, is known to hold none, or stops the reading with its number.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from pipeline.errors import WordsError
from pipeline.model import Cue, Transcript
from pipeline.words.cleaning import clean_line, decode

MAX_BYTES = 20_000_000
ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

_NEWLINE = re.compile(r"\r\n|\n|\r")
_STAMP = r"(?:([0-9]{1,4}):)?([0-9]{1,2}):([0-9]{2})[.,]([0-9]{3})"
_TIME_LINE = re.compile(rf"\s*{_STAMP}[ \t]*-->[ \t]*{_STAMP}((?:[ \t]+[^\s:]+:\S+)*)\s*")
_CLOCK = re.compile(r"[0-9]:[0-9]{2}")
_HEADER = re.compile(r"WEBVTT(?:[ \t]|$)")
_WORDLESS = re.compile(r"NOTE(?:[ \t]|$)|(?:STYLE|REGION)[ \t]*$")
# Only the tags the two formats know: anything else between angle brackets is words, such as "<inaudible>".
_TAG = re.compile(
    r"<(?P<end>/?)(?:"
    r"(?P<voice>v)(?P<name>(?:[.\s][^<>]*)?)"
    r"|(?:lang|font|span)(?:[.\s][^<>]*)?"
    r"|(?:c|i|b|u|s|em|strong|ruby|rt)(?:\.[^\s<>]*)?"
    r"|(?P<newline>br ?/?)"
    r"|[0-9:.]{9,13}"
    r")>",
    re.IGNORECASE,
)
_ONE_VOICE = re.compile(r"(?:<v (?P<name>[^<>&]*)>)?(?P<words>[^<>&]*)(?:</v>)?")
_PREFIX = re.compile(r"([^\W\d_][^:]{0,59}): +(?=\S)")
_PREFIX_MINIMUM = 2

_Block = list[tuple[int, str]]  # the lines between two blank lines, each with its number


def read_transcript(data: bytes, *, source: Path, language: str) -> Transcript:
    """Read a WebVTT or SubRip transcript.

    Voice spans (`<v Chair>`) give speakers; where a file has none, `Chair: ` before the words does, if the same
    words stand before at least two cues. Cues may overlap; cues out of order are put in order.

    Args:
        data: the whole file, at most 20 MB; UTF-8, UTF-16 with its mark, or Windows-1252.
        source: its path: the suffix `.srt` allows SubRip, a first line `WEBVTT` makes it WebVTT whatever the suffix.
        language: what is spoken, as a BCP 47 tag.

    Returns:
        The transcript: cues ascending by start, one line of text each, never empty; origin is the file's name.

    Raises:
        WordsError: not a transcript, or a line that cannot be understood; the message names its number.

    Source:
        WebVTT: The Web Video Text Tracks Format (W3C). SubRip has no standard.
    """
    lines = list(enumerate(_NEWLINE.split(decode(data, source=source, limit=MAX_BYTES)), start=1))
    try:
        cues = _all_cues(lines, is_subrip=source.suffix.lower() == ".srt")
    except _LineError as error:
        raise WordsError(
            f"line {error.line}: {error.message}",
            source=source,
            hint="Correct the line in a text editor, or export the transcript again",
        ) from error
    ordered = sorted(_with_prefixed_speakers(cues), key=lambda cue: cue.start_ms)
    return Transcript(language=language, cues=tuple(ordered), origin=source.name)


class _LineError(Exception):
    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


def _all_cues(lines: _Block, *, is_subrip: bool) -> list[Cue]:
    body = _without_header(lines, is_subrip=is_subrip)
    is_webvtt = body is not lines
    blocks = _blocks(body)
    cues = [cue for block in blocks if not (is_webvtt and _is_wordless(block)) for cue in _cues(block)]
    if not cues:
        raise _LineError(lines[-1][0], "the file ends without a cue that holds words")
    return cues


def _without_header(lines: _Block, *, is_subrip: bool) -> _Block:
    start = next((index for index, (_, line) in enumerate(lines) if line.strip()), 0)
    number, first = lines[start]
    if not _HEADER.match(first):
        if is_subrip:
            return lines
        raise _LineError(number, f"the file starts with {clean_line(first)[:40]!r}, not with the header WEBVTT")
    rest = lines[start + 1 :]
    # The header ends at the first blank line; a cue that follows it at once is still a cue.
    end = next((index for index, (_, line) in enumerate(rest) if not line.strip() or "-->" in line), len(rest))
    return rest[end:]


def _blocks(lines: _Block) -> Iterator[_Block]:
    for blank, group in groupby(lines, key=lambda numbered: not numbered[1].strip()):
        if not blank:
            yield list(group)


def _is_wordless(block: _Block) -> bool:
    if not _WORDLESS.match(block[0][1]):
        return False
    _refuse_arrow(block, "a time line inside a NOTE, STYLE or REGION block: delete the whole cue instead")
    return True


def _cues(block: _Block) -> Iterator[Cue]:
    at = next((index for index, (_, line) in enumerate(block[:2]) if "-->" in line), None)
    if at is None:
        number = next((number for number, line in block if _CLOCK.search(line)), block[0][0])
        raise _LineError(number, "words without a time line such as 00:00:01.000 --> 00:00:04.000 above them")
    start_ms, end_ms = _times(*block[at])
    payload = block[at + 1 :]
    _refuse_arrow([row for row in payload if _CLOCK.search(row[1])], "a time line without a blank line before its cue")
    for speaker, text in _voices(" ".join(line for _, line in payload)):
        yield Cue(start_ms=start_ms, end_ms=end_ms, text=text, speaker=speaker)


def _refuse_arrow(block: _Block, message: str) -> None:
    for number, line in block:
        if "-->" in line:
            raise _LineError(number, message)


def _times(number: int, line: str) -> tuple[int, int]:
    match = _TIME_LINE.fullmatch(line)
    if match is None:
        raise _LineError(number, f"{line.strip()[:60]!r} is not a time line such as 00:00:01.000 --> 00:00:04.000")
    fields = [int(field or 0) for field in match.groups()[:8]]
    if max(fields[1], fields[2], fields[5], fields[6]) > 59:  # noqa: PLR2004 - minutes and seconds of a clock
        raise _LineError(number, f"{line.strip()[:60]!r} has more than 59 minutes or seconds")
    start_ms, end_ms = _milliseconds(*fields[:4]), _milliseconds(*fields[4:])
    if end_ms <= start_ms:
        raise _LineError(number, f"the cue does not end after it starts: {line.strip()[:60]!r}")
    return start_ms, end_ms


def _milliseconds(hours: int, minutes: int, seconds: int, milliseconds: int) -> int:
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds


def _voices(markup: str) -> Iterator[tuple[str | None, str]]:
    if plain := _ONE_VOICE.fullmatch(markup):  # as nearly every cue is; the same as below, four times faster
        text = clean_line(plain["words"])
        if text:
            yield clean_line(plain["name"] or "") or None, text
        return
    for speaker, group in groupby(_runs(markup), key=lambda run: run[0]):
        text = clean_line(_decoded("".join(text for _, text in group)))
        if text:
            yield speaker, text


def _runs(markup: str) -> Iterator[tuple[str | None, str]]:
    speaker, position = None, 0
    for tag in _TAG.finditer(markup):
        yield speaker, markup[position : tag.start()] + (" " if tag["newline"] else "")
        position = tag.end()
        if tag["voice"]:
            speaker = None if tag["end"] else _annotation(tag["name"])
    yield speaker, markup[position:]


def _annotation(name: str) -> str | None:
    without_class = re.sub(r"^\.\S*", "", name)
    return clean_line(_decoded(without_class)) or None


def _decoded(text: str) -> str:
    # Only with the semicolon: HTML's older rule would read "R&notes" as "R¬es".
    return ENTITY.sub(lambda match: html.unescape(match[0]), text)


def _with_prefixed_speakers(cues: list[Cue]) -> list[Cue]:
    if any(cue.speaker for cue in cues):
        return cues
    prefixes = [_PREFIX.match(cue.text) for cue in cues]
    counts = Counter(prefix[1] for prefix in prefixes if prefix)
    return [
        replace(cue, speaker=prefix[1], text=cue.text[prefix.end() :])
        if prefix and counts[prefix[1]] >= _PREFIX_MINIMUM
        else cue
        for cue, prefix in zip(cues, prefixes, strict=True)
    ]
