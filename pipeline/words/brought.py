"""The bytes of a transcript that somebody brought enter, whatever wrote it; its words leave, with times or not."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path, PurePath

from pipeline.errors import WordsError
from pipeline.model import Cue, Transcript, Turn
from pipeline.words.cleaning import clean_line, decoded
from pipeline.words.conversations import Said, conversation
from pipeline.words.cutting import cuts
from pipeline.words.reading import MAX_BYTES, read_captions, read_transcript
from pipeline.words.repairs import Repairs
from pipeline.words.segments import read_segments
from pipeline.words.timing import is_time_line

FORMS = (".vtt", ".srt", ".json", ".docx", ".txt")  # the best first

_NEWLINE = re.compile(r"\r\n|\n|\r")
_RECORDINGS = re.compile(r"\.(?:aac|aiff?|flac|m4a|mka|mkv|mov|mp[234]|og[ag]|opus|wav|webm|wma)", re.IGNORECASE)
_OWN = frozenset({"transcript.vtt", "transcript.srt", "transcript.draft.vtt"})
_CALLED = re.compile(r"transcript|caption|subtitle", re.IGNORECASE)
_ENDINGS = re.compile(
    r"(?:[ ._-]+(?:meeting recording|meeting transcript|recording|transcript(?:ion)?|captions?|subtitles?|cc|audio_only"
    r"|otter_ai|[0-9]{3,4}x[0-9]{3,4})|\.[a-z]{2}(?:-[a-z]{2})?)+$"
)
_LONGEST_MS = 400_000_000
_PAUSE_MS = 2_000  # that may stand within the time of a turn whose end is not known
_SLOWEST_MS = 120  # a character
_HEAD_LINES = 3


class Turns(tuple[Turn, ...]):  # noqa: SLOT001 - a tuple has none
    """What is said in a text without times. repairs: what was left out or put right, a sentence each."""

    repairs: tuple[str, ...] = ()


def read_brought(data: bytes, *, source: Path, language: str) -> Transcript | Turns:
    """Read a transcript as Teams, Zoom, Otter, YouTube, subtitle editors, recognisers or people write them.

    WebVTT and SubRip are read as `read_transcript` does; JSON in the form of Podcasting 2.0 or of Whisper; Word
    documents and plain text with names and times above the words, or before them, with names alone, or as mere text.
    Where a text says only when somebody begins, they end when the next one does, and a long turn is cut at the ends of
    its sentences, which share its time by their lengths.

    Args:
        data: the whole file.
        source: its path; the suffix tells the form: .vtt, .srt, .json, .docx or .txt.
        language: what is spoken, as a BCP 47 tag.

    Returns:
        The transcript, cues ascending by start; or turns, where the text does not say when they were said.

    Raises:
        WordsError: it is no transcript, or one that cannot be understood.
    """
    form = source.suffix.lower()
    if form in {".vtt", ".srt"}:
        return read_transcript(data, source=source, language=language)
    repairs = Repairs()
    if form == ".json":
        cues = read_segments(data, source=source, repairs=repairs)
        return Transcript(language=language, cues=cues, origin=source.name, repairs=repairs.sentences())
    if form not in FORMS:
        hint = f"Bring it as one of these: {', '.join(FORMS)}."
        raise WordsError(f"is no transcript that can be read: {form or 'it has no suffix'}", source=source, hint=hint)
    lines = _lines(data, source, repairs)
    if form == ".docx" and _is_timed_text(filled := [line for line in lines if line.strip()]):
        lines = filled  # pasted into Word, where each line is a paragraph
    if _is_timed_text(lines):
        as_text = "\n".join(lines).encode(errors="replace")
        return read_captions(as_text, source=source, language=language, is_subrip=True)
    said, is_clear = conversation(lines, repairs)
    if not said:
        raise WordsError("holds no words", source=source, hint="Export the transcript again, or as .vtt.")
    if form == ".docx" and not is_clear:
        raise WordsError(
            "is not laid out as a transcript: neither times nor names stand before the words",
            source=source,
            hint="Download the transcript as .vtt (in Teams: Download, Download as .vtt), or save the words as .txt.",
        )
    if said[0].start_ms is None:
        turns = Turns(Turn(text=each.text, speaker=each.speaker) for each in said)
        turns.repairs = repairs.sentences()
        return turns
    cues = tuple(_cues(said, source, repairs))
    return Transcript(language=language, cues=cues, origin=source.name, repairs=repairs.sentences())


def brought_names(names: Iterable[str]) -> tuple[str, ...]:
    """Find the transcripts that somebody put into an episode's folder.

    Args:
        names: of all files in the folder.

    Returns:
        Those of other programs, the best form first: any .vtt or .srt; .json, .docx and .txt where their name has
        "transcript", "captions" or "subtitles" in it, or is that of a recording. Never an episode's own files.
    """
    files = [PurePath(name) for name in names]
    recordings = {_key(file) for file in files if _RECORDINGS.fullmatch(file.suffix)}
    found = [file for file in files if _is_brought(file, recordings)]
    return tuple(file.name for file in sorted(found, key=_rank))


def beside(recording: str, names: Iterable[str]) -> tuple[str, ...]:
    """Find the transcripts of a recording among the files beside it, as Teams, Zoom and others name them.

    Args:
        recording: the name of its file.
        names: of all files in that folder.

    Returns:
        The names of those that belong to it, the best form first.
    """
    key = _key(PurePath(recording))
    files = [PurePath(name) for name in names if not name.startswith(".")]
    found = [file for file in files if file.suffix.lower() in FORMS and _key(file) == key]
    return tuple(file.name for file in sorted(found, key=_rank))


def _is_brought(file: PurePath, recordings: set[str]) -> bool:
    form = file.suffix.lower()
    if form not in FORMS or file.name.lower() in _OWN or file.name.startswith((".", "~$")):
        return False
    return form in {".vtt", ".srt"} or _CALLED.search(file.stem) is not None or _key(file) in recordings


def _rank(file: PurePath) -> tuple[int, bool, str]:
    return FORMS.index(file.suffix.lower()), "transcript" not in file.stem.lower(), file.name


def _key(file: PurePath) -> str:
    stem = file.stem.lower().strip()
    return _ENDINGS.sub("", stem) or stem


def _lines(data: bytes, source: Path, repairs: Repairs) -> list[str]:
    if source.suffix.lower() == ".docx":
        from pipeline.words.documents import document_lines  # noqa: PLC0415 - lxml takes a while

        return document_lines(data, source=source)
    text, encoding = decoded(data, source=source, limit=MAX_BYTES)
    if encoding:
        repairs.note(1, encoding, f"the file is in {encoding}, not in UTF-8; its letters were read so")
    return _NEWLINE.split(text)


def _is_timed_text(lines: list[str]) -> bool:
    head = [line.strip() for line in lines[:_HEAD_LINES]] or [""]
    return head[0].startswith("WEBVTT") or (
        len(head) > 1 and head[0].isdecimal() and is_time_line(head[1]) and "," in head[1]
    )


def _cues(said: Sequence[Said], source: Path, repairs: Repairs) -> Iterator[Cue]:
    previous_ms = 0
    for each in said:
        if each.start_ms is not None and each.start_ms > _LONGEST_MS:
            raise WordsError(
                f"line {each.line}: the time is later than any recording", source=source, hint="Correct it."
            )
        if each.start_ms is not None and each.start_ms < previous_ms:
            message = "the words are said before those above them; they were put in the order of their times"
            repairs.note(each.line, "order", message)
        previous_ms = each.start_ms = previous_ms if each.start_ms is None else each.start_ms
    ordered = sorted(said, key=lambda each: each.start_ms or 0)
    groups = [(start_ms or 0, list(group)) for start_ms, group in groupby(ordered, key=lambda each: each.start_ms)]
    for index, (start_ms, group) in enumerate(groups):
        length = sum(len(each.text) for each in group)
        longest_ms = start_ms + _PAUSE_MS + _SLOWEST_MS * length
        after_ms = groups[index + 1][0] if index + 1 < len(groups) else longest_ms
        end_ms = min(after_ms, longest_ms)
        if len(group) == 1 and group[0].end_ms is not None and group[0].end_ms > start_ms:
            end_ms = group[0].end_ms
        yield from _shared(group, start_ms, end_ms)


def _shared(group: Sequence[Said], start_ms: int, end_ms: int) -> Iterator[Cue]:
    """Share a stretch of time among the sentences said in it, by their lengths."""
    pieces = [
        (each.speaker, clean_line(" ".join(words[first:last])))
        for each in group
        if (words := each.text.split())
        for first, last in cuts(words)
    ]
    total, done = sum(len(text) for _, text in pieces), 0
    for speaker, text in pieces:
        begin_ms = start_ms + (end_ms - start_ms) * done // total
        done += len(text)
        finish_ms = start_ms + (end_ms - start_ms) * done // total
        yield Cue(start_ms=begin_ms, end_ms=max(begin_ms + 1, finish_ms), text=text, speaker=speaker)
