"""A transcript as another host published it enters, a file of an episode folder leaves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import IngestError, MediaError
from pipeline.importing.markdown import plain
from pipeline.importing.old import OldTranscript
from pipeline.model import Transcript, Turn

ORDER = ("vtt", "srt", "json", "html", "txt")  # the best first
READ_NAME = "transcript.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptTools:
    """What reads and writes transcripts, handed in: no stage imports another. brought: reads any form of them."""

    read: Callable[..., Transcript]
    brought: Callable[..., Transcript | tuple[Turn, ...]]
    write: Callable[[Transcript], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A transcript as it goes into the folder. named: whether it names those who speak."""

    name: str
    data: bytes
    named: bool = False


def ordered(transcripts: Sequence[OldTranscript], language: str) -> tuple[OldTranscript, ...]:
    """Put the forms of a transcript in the order they are tried: the language spoken first, then the better form."""
    primary = language.partition("-")[0].lower()

    def rank(transcript: OldTranscript) -> tuple[bool, int]:
        spoken = (transcript.language or language).partition("-")[0].lower()
        return spoken != primary, ORDER.index(transcript.form)

    return tuple(sorted(transcripts, key=rank))


def converted(data: bytes, form: str, language: str, tools: TranscriptTools) -> Chosen:
    """Make the file of an episode folder of one form of a transcript.

    Args:
        data: the whole file.
        form: vtt, srt, json, html or txt.
        language: what is spoken.
        tools: what reads and writes transcripts.

    Returns:
        WebVTT and SubRip exactly as they are, JSON as WebVTT, and a text without times as transcript.txt.

    Raises:
        MediaError: it cannot be read.
    """
    if form in {"vtt", "srt"}:
        name = f"transcript.{form}"
        read = tools.read(data, source=Path(name), language=language)
        return Chosen(name=name, data=data, named=any(cue.speaker for cue in read.cues))
    if form == "json":
        transcript = tools.brought(data, source=Path("transcript.json"), language=language)
        if not isinstance(transcript, Transcript):
            raise IngestError("it has no times")
        return Chosen(
            name="transcript.vtt",
            data=tools.write(transcript),
            named=any(cue.speaker for cue in transcript.cues),
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    return Chosen(name=READ_NAME, data=f"{plain(text) if form == 'html' else text.strip()}\n".encode())


def first_readable(
    transcripts: Sequence[OldTranscript],
    fetch: Callable[[OldTranscript], bytes],
    language: str,
    tools: TranscriptTools,
) -> tuple[Chosen | None, list[str]]:
    """Take the first form of a transcript that can be fetched and read.

    Returns:
        The file, if any, and a remark for each form that failed before it.
    """
    remarks: list[str] = []
    for transcript in ordered(transcripts, language):
        try:
            return converted(fetch(transcript), transcript.form, language, tools), remarks
        except MediaError as error:
            remarks.append(f"has a transcript ({transcript.form}) that cannot be used: {error.message}")
    return None, remarks
