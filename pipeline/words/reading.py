"""The bytes of a WebVTT or SubRip file enter, a Transcript leaves.

These readers are our own, because a transcript must not lose words unnoticed: common parsers skip whatever they cannot
understand. Here every line either becomes words, is known to hold none, or stops the reading with its number.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import WordsError
from pipeline.model import Cue, Transcript
from pipeline.words.cleaning import clean_line, decoded
from pipeline.words.repairs import LineError, Repairs
from pipeline.words.timing import is_time_line, may_be_time_line, stamp, times
from pipeline.words.voices import voices, with_prefixed_speakers

MAX_BYTES = 20_000_000

_NEWLINE = re.compile(r"\r\n|\n|\r")
_CLOCK = re.compile(r"[0-9]:[0-9]{2}")
_HEADER = re.compile(r"WEBVTT(?:[ \t]|$)", re.IGNORECASE)
_WORDLESS = re.compile(r"NOTE(?:[ \t]|$)|(?:STYLE|REGION)[ \t]*$")
_NUMBER = re.compile("[0-9]{1,6}")
_METADATA = re.compile(r"[\w -]{1,60}[:=]")
_SHOWN = 40
_INLINE_TIME = re.compile(r"<(?:[0-9]{2,4}:)?[0-9]{2}:[0-9]{2}\.[0-9]{3}>")
_INLINE_TAG = re.compile(r"<(?:/?c(?:\.[^\s<>]*)?|[0-9:.]{9,13})>")
_LONGEST_MENDED_MS = 10_000
_PLAIN_HEADER = "WEBVTT\n\n"
_PLAIN_CLOCK = r"[0-9]{2}:[0-5][0-9]:[0-5][0-9]\.[0-9]{3}"
_PLAIN = re.compile(
    rf"(?P<start>{_PLAIN_CLOCK}) --> (?P<end>{_PLAIN_CLOCK})\n(?P<words>(?:[^\n]+\n)*[^\n]+)(?:\n{{2,}}|\n?\Z)"
)

_Block = list[tuple[int, str]]  # the lines between two blank lines, each with its number


class _Timed(NamedTuple):
    line: int
    start_ms: int
    end_ms: int
    payload: list[str]


def read_transcript(data: bytes, *, source: Path, language: str) -> Transcript:
    """Read a WebVTT or SubRip transcript, and put right what is wrong with it where that needs no guess at words.

    Voice spans (`<v Chair>`) give speakers; where a file has none, `Chair: ` before the words does, if the same words
    stand before at least two cues (in SubRip, a cue without such words goes on with the speaker before). Cues out of
    order are put in order. A cue that goes on into the next one of the same speaker ends where that starts; cues of
    different speakers may overlap.

    Args:
        data: the whole file, at most 20 MB; UTF-8, UTF-16 with its mark, or Windows-1252.
        source: its path: the suffix `.srt` allows SubRip, a first line `WEBVTT` makes it WebVTT whatever the suffix.
        language: what is spoken, as a BCP 47 tag.

    Returns:
        The transcript: cues ascending by start, one line of text each, never empty; origin is the file's name; repairs
        tell what was put right.

    Raises:
        WordsError: not a transcript, or a line that cannot be understood; the message names its number.

    Source:
        WebVTT: The Web Video Text Tracks Format (W3C). SubRip has no standard.
    """
    return read_captions(data, source=source, language=language, is_subrip=source.suffix.lower() == ".srt")


def read_captions(data: bytes, *, source: Path, language: str, is_subrip: bool) -> Transcript:
    """Read a transcript as `read_transcript` does, whatever its file is called; a first line `WEBVTT` still decides.

    Raises:
        WordsError: as there.
    """
    text, encoding = decoded(data, source=source, limit=MAX_BYTES)
    repairs = Repairs()
    if encoding:
        repairs.note(1, encoding, f"the file is in {encoding}, not in UTF-8; its letters were read so")
    text = text.lstrip("\ufeff")
    try:
        cues = _plain_cues(text) or _all_cues(_numbered(text), repairs, is_subrip=is_subrip)
    except LineError as error:
        raise WordsError(
            f"line {error.line}: {error.message}",
            source=source,
            hint="Correct the line in a text editor, or export the transcript again",
        ) from error
    return Transcript(language=language, cues=tuple(cues), origin=source.name, repairs=repairs.sentences())


def _plain_cues(text: str) -> list[Cue] | None:
    """Read WebVTT as `_all_cues` does, in less than half the time, where nothing is unusual; None where anything is."""
    if not text.startswith(_PLAIN_HEADER) or "\r" in text or _INLINE_TIME.search(text):
        return None
    cues, at, latest_ms = list[Cue](), len(_PLAIN_HEADER), 0
    for block in _PLAIN.finditer(text, at):
        start, end, markup = block["start"], block["end"], block["words"]
        start_ms, end_ms = _plain_ms(start), _plain_ms(end)
        if block.start() != at or "-->" in markup or not latest_ms <= start_ms < end_ms:
            return None
        at, latest_ms = block.end(), end_ms
        for speaker, words in voices(markup.replace("\n", " ")):
            cues.append(Cue(start_ms=start_ms, end_ms=end_ms, text=words, speaker=speaker))
    return with_prefixed_speakers(cues, carries=False) if at == len(text) else None


def _plain_ms(clock: str) -> int:
    return ((int(clock[:2]) * 60 + int(clock[3:5])) * 60 + int(clock[6:8])) * 1000 + int(clock[9:])


def _numbered(text: str) -> _Block:
    return list(enumerate(_NEWLINE.split(text), start=1))


def _all_cues(lines: _Block, repairs: Repairs, *, is_subrip: bool) -> list[Cue]:
    body = _without_header(lines, repairs, is_subrip=is_subrip)
    is_webvtt = body is not lines
    blocks = (block for block in _blocks(body) if not (is_webvtt and _is_wordless(block)))
    timed = _Cutter(repairs, is_subrip=not is_webvtt).cut(blocks)
    if any(_INLINE_TIME.search(line) for each in timed for line in each.payload):
        timed = _unrolled(timed, repairs)
    spoken = [
        (each.line, Cue(start_ms=each.start_ms, end_ms=each.end_ms, text=text, speaker=speaker))
        for each in _with_ends(timed, repairs)
        for speaker, text in voices(" ".join(each.payload))
    ]
    if not spoken:
        raise LineError(lines[-1][0], "the file ends without a cue that holds words")
    cues = with_prefixed_speakers([cue for _, cue in spoken], carries=not is_webvtt)
    return _in_order([line for line, _ in spoken], cues, repairs)


def _without_header(lines: _Block, repairs: Repairs, *, is_subrip: bool) -> _Block:
    filled = [index for index, (_, line) in enumerate(lines) if line.strip()][:2]
    start = filled[0] if filled else 0
    number, first = lines[start]
    if not _HEADER.match(first):
        if is_subrip:
            return lines
        heads = [index for index in filled if may_be_time_line(lines[index][1])][:1]
        if not heads or any(not _NUMBER.fullmatch(lines[index][1].strip()) for index in range(start, heads[0])):
            raise LineError(number, f"the file starts with {clean_line(first)[:_SHOWN]!r}, not with the header WEBVTT")
        repairs.note(number, "header", "the header WEBVTT is missing; the file was read as if it were there")
        return lines[start:] if start else lines.copy()
    if not first.startswith("WEBVTT"):
        repairs.note(number, "header", f"the header {first[:6]!r} was read as WEBVTT")
    rest = lines[start + 1 :]
    # The header ends at the first blank line; a cue that follows it at once is still a cue.
    end = next((index for index, (_, line) in enumerate(rest) if not line.strip() or "-->" in line), len(rest))
    if 0 < end < len(rest) and rest[end][1].strip() and not _METADATA.match(rest[end - 1][1]):
        end -= 1  # the name of that cue
    for number, line in rest[:end]:
        if _WORDLESS.match(line):
            break
        if not _METADATA.match(line):
            shown = repr(line.strip()[:_SHOWN])
            raise LineError(number, f"{shown} stands in the header: put a blank line below WEBVTT, and a time line")
    return rest[end:]


def _blocks(lines: _Block) -> Iterator[_Block]:
    for empty, group in groupby(lines, key=lambda numbered: not numbered[1]):
        if not empty:
            block = list(group)
            while block and not block[0][1].strip():
                del block[0]
            if block:
                yield block


def _is_wordless(block: _Block) -> bool:
    if not _WORDLESS.match(block[0][1]):
        return False
    for number, line in block:
        if "-->" in line:
            raise LineError(number, "a time line inside a NOTE, STYLE or REGION block: delete the whole cue instead")
    return True


class _Cutter:
    """Cuts blocks of lines into cues, where nobody can be in doubt what is words and what is not."""

    def __init__(self, repairs: Repairs, *, is_subrip: bool) -> None:
        self._repairs, self._is_subrip = repairs, is_subrip
        self._number: int | None = None  # of the cue before
        self._numbers = set[int]()

    def cut(self, blocks: Iterator[_Block]) -> list[_Timed]:
        return [timed for block in blocks for timed in self._cut(block)]

    def _cut(self, block: _Block) -> Iterator[_Timed]:
        at = next((index for index, (_, line) in enumerate(block[:2]) if self._heads(line)), None)
        if at is None:
            number = next((number for number, line in block if _CLOCK.search(line)), block[0][0])
            raise LineError(number, "words without a time line such as 00:00:01.000 --> 00:00:04.000 above them")
        name = block[0] if at else None
        starts = [index for index in range(at + 1, len(block)) if self._is_inner(*block[index])]
        for start in starts:
            has_name = self._has_name(block, at, start)
            yield self._timed(name, block[at], block[at + 1 : start - has_name])
            name, at = block[start - 1] if has_name else None, start
            message = "a blank line is missing above the cue; it was read as a cue of its own"
            self._repairs.note(block[start - has_name][0], "blank", message)
        yield self._timed(name, block[at], block[at + 1 :])

    @staticmethod
    def _heads(line: str) -> bool:
        return "-->" in line or may_be_time_line(line)

    @staticmethod
    def _is_inner(number: int, line: str) -> bool:
        if "-->" not in line or not _CLOCK.search(line):
            return False
        if not is_time_line(line):
            raise LineError(number, "a time line without a blank line before its cue, or words that look like one")
        return True

    def _has_name(self, block: _Block, at: int, start: int) -> bool:
        """Say whether the line above a cue within a block is its number, and no word of the cue before."""
        line, above = block[start - 1][1].strip(), block[start - 2][1] if start - 2 > at else None
        if start - 1 == at or not _NUMBER.fullmatch(line):
            return False
        before = self._known_number(block, at)
        if (above is not None and not above.strip()) or before == int(line) - 1:
            return True
        if before is not None:
            message = f"{line!r} may be the number of the next cue, or words: put a blank line where the cue begins"
            raise LineError(block[start - 1][0], message)
        return False

    def _known_number(self, block: _Block, at: int) -> int | None:
        name = block[at - 1][1].strip() if at else ""
        return int(name) if _NUMBER.fullmatch(name) else None

    def _timed(self, name: tuple[int, str] | None, row: tuple[int, str], payload: _Block) -> _Timed:
        following = (self._number or 0) + 1 if self._is_subrip and name is None else None
        found = times(*row, self._repairs, is_subrip=self._is_subrip, following=following)
        if self._is_subrip:
            self._count(row[0], found.number, name)
        words = [line for _, line in payload if line.strip()]
        if name and not _NUMBER.fullmatch(name[1].strip()):
            self._judge_name(*name, has_words=bool(words))
        return _Timed(row[0], found.start_ms, found.end_ms, words)

    def _judge_name(self, line: int, name: str, *, has_words: bool) -> None:
        shown = repr(name.strip()[:_SHOWN])
        if not has_words:
            raise LineError(line, f"{shown} stands above the times of a cue that has no words: put it below them")
        if " " in name.strip():
            self._repairs.note(line, "name", f"{shown} above the times was read as the cue's name, not as words")

    def _count(self, line: int, glued: int | None, name: tuple[int, str] | None) -> None:
        label = name[1].strip() if name else ""
        if label and not _NUMBER.fullmatch(label):
            raise LineError(
                name[0] if name else line, f"{label[:_SHOWN]!r} stands above a time line, where a number belongs"
            )
        number = glued if glued is not None else int(label) if label else None
        if number is None:
            self._repairs.note(line, "number", "the cue has no number; it was read without")
        elif number in self._numbers:
            self._repairs.note(line, "repeated", f"the number {number} stands above a second cue; both were read")
        self._number = number if number is not None else (self._number or 0) + 1
        self._numbers.add(self._number)


def _unrolled(timed: list[_Timed], repairs: Repairs) -> list[_Timed]:
    """Take once what captions that roll up say again and again, as YouTube's do."""
    cues, before = list[_Timed](), ""
    for each in timed:
        lines = [_INLINE_TAG.sub("", line).strip() for line in each.payload]
        repeats = bool(lines) and lines[0] == before
        if repeats:
            message = "the captions roll up, each line said again in the cue that follows; each was read once"
            repairs.note(each.line, "rolling", message)
        cues.append(each._replace(payload=each.payload[1:] if repeats else each.payload))
        before = lines[-1] if lines else before
    return cues


def _with_ends(timed: list[_Timed], repairs: Repairs) -> Iterator[_Timed]:
    for index, each in enumerate(timed):
        if each.end_ms > each.start_ms or not each.payload:
            yield each
            continue
        after_ms = timed[index + 1].start_ms if index + 1 < len(timed) else 0
        if after_ms <= each.start_ms:
            message = f"the cue does not end after it starts ({_shown(each)}), and no later cue tells when it does"
            raise LineError(each.line, message)
        mended = each._replace(end_ms=min(after_ms, each.start_ms + _LONGEST_MENDED_MS))
        message = f"the cue does not end after it starts: {_shown(each)} was read as {_shown(mended)}"
        repairs.note(each.line, f"end {each.line}", message)
        yield mended


def _shown(each: _Timed) -> str:
    return f"{stamp(each.start_ms, '.')} --> {stamp(each.end_ms, '.')}"


def _in_order(lines: list[int], cues: list[Cue], repairs: Repairs) -> list[Cue]:
    latest_ms = -1
    for line, cue in zip(lines, cues, strict=True):
        if cue.start_ms < latest_ms:
            message = "the cue starts before the one above it; the cues were put in the order of their times"
            repairs.note(line, "order", message)
        latest_ms = max(latest_ms, cue.start_ms)
    ordered = sorted(zip(lines, cues, strict=True), key=lambda row: row[1].start_ms)
    result = [cue for _, cue in ordered]
    for index, following in enumerate(result[1:]):
        cue = result[index]
        if cue.start_ms < following.start_ms < cue.end_ms and cue.speaker == following.speaker:
            result[index] = replace(cue, end_ms=following.start_ms)
            shown = stamp(following.start_ms, ".")
            message = f"the cue goes on after the next one has begun; its end was read as {shown}"
            repairs.note(ordered[index][0], "overlap", message)
    return result
