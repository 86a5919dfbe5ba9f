"""The folder of an episode enters, what the page shows of its words leaves; nothing is written."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline import identifiers, words, workspace
from pipeline.errors import MediaError, WordsError
from pipeline.model import Chapter, Cue, Finding, Part, Transcript, is_marked
from pipeline.proof.placing import placed
from pipeline.words.cleaning import decode
from pipeline.words.reading import MAX_BYTES

Find = Callable[[str], tuple[Finding, ...]]

_HEARD_BYTES = 200_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """An episode whose words are corrected.

    voices: what the people of [[speakers]] may be called; sound: an MP3 on the recording's clock, None where there is
    none; find: text to what could identify a patient.
    """

    folder: Path
    slug: str
    title: str
    language: str
    voices: tuple[str, ...] = ()
    sound: Path | None = None
    find: Find = field(default=identifiers.find)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A file of words as it stands on disk. version: SHA-256 of it, empty where it is not there."""

    path: Path
    data: bytes = b""
    version: str = ""

    def text(self) -> str:
        """Read it as text, with plain line ends."""
        read = decode(self.data, source=self.path, limit=MAX_BYTES)
        return read.replace("\r\n", "\n").replace("\r", "\n")


def transcript_file(folder: Path) -> Written:
    """Read the transcript of an episode.

    Raises:
        WordsError: there is none, or it cannot be read.
    """
    path = next((path for name in workspace.TRANSCRIPT_NAMES if (path := folder / name).is_file()), None)
    if path is None:
        hint = f"Draft one with: cln-media draft {folder.name}, or put yours there as transcript.vtt"
        raise WordsError("has no transcript to correct", source=folder, hint=hint)
    return _file(path)


def chapters_file(folder: Path) -> Written:
    """Read the chapters of an episode; a version without a file where there are none.

    Raises:
        WordsError: the file cannot be read.
    """
    path = folder / workspace.CHAPTERS_NAME
    return _file(path) if path.is_file() else Written(path=path)


def _file(path: Path) -> Written:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        hint = "Check the rights of that file, and close other programs that have it open."
        raise WordsError(f"cannot be read: {error.strerror}", source=path, hint=hint) from error
    return Written(path=path, data=data, version=hashlib.sha256(data).hexdigest())


def transcript_of(written: Written, language: str) -> Transcript:
    """Read the cues of a transcript.

    Raises:
        WordsError: it is none; the message names the line.
    """
    return words.read_transcript(written.data, source=written.path, language=language)


def chapters_of(written: Written) -> tuple[Chapter, ...]:
    """Read the chapters of a file.

    Raises:
        WordsError: it holds none.
    """
    return words.read_chapters(written.data, source=written.path) if written.version else ()


def shown(paper: Paper) -> dict[str, Any]:
    """Gather what the page shows, as JSON values.

    Raises:
        WordsError: the words cannot be read.
    """
    transcript, chapters = transcript_file(paper.folder), chapters_file(paper.folder)
    cues = transcript_of(transcript, paper.language).cues
    heard, remark = _heard(paper.folder, cues)
    return {
        "slug": paper.slug,
        "title": paper.title,
        "language": paper.language,
        "voices": paper.voices,
        "sound": paper.sound is not None,
        "remark": remark,
        "cues": [[cue.start_ms, cue.end_ms, cue.text, cue.speaker] for cue in cues],
        "heard": heard,
        "chapters": [
            {
                "start": chapter.start_ms,
                "title": chapter.title,
                "url": chapter.url,
                "image": chapter.image.name if chapter.image else None,
            }
            for chapter in chapters_of(chapters)
        ],
        "files": {Part.TRANSCRIPT: transcript.path.name, Part.CHAPTERS: chapters.path.name},
        "versions": {Part.TRANSCRIPT: transcript.version, Part.CHAPTERS: chapters.version},
        "drafts": {
            Part.TRANSCRIPT: is_marked(transcript.text(), Part.TRANSCRIPT),
            Part.CHAPTERS: is_marked(chapters.text(), Part.CHAPTERS),
        },
    }


def versions(paper: Paper) -> dict[str, str]:
    """Say what stands on disk now.

    Raises:
        WordsError: it cannot be read.
    """
    written = {Part.TRANSCRIPT: transcript_file(paper.folder), Part.CHAPTERS: chapters_file(paper.folder)}
    return {part: file.version for part, file in written.items()}


def found(paper: Paper) -> list[tuple[int, int, int, str]]:
    """Look for what could identify a patient.

    Returns:
        For each place, the number of the cue from 0, the characters of its words, and what it is.

    Raises:
        WordsError: the words cannot be read.
    """
    cues = transcript_of(transcript_file(paper.folder), paper.language).cues
    joined = identifiers.joined(cues)
    return list(_places(joined, paper.find(joined.text)))


def _places(joined: identifiers.Joined, findings: Iterable[Finding]) -> Iterable[tuple[int, int, int, str]]:
    for finding in findings:
        for index in joined.cues_of(finding.start, finding.end):
            part = joined.part(finding.start, finding.end, index)
            if part is not None:
                yield index, *part, _what(finding)


def _what(finding: Finding) -> str:
    return finding.kind.lower().replace("_", " ").replace("nhs", "NHS").replace("ni ", "National Insurance ")


def _heard(folder: Path, cues: Sequence[Cue]) -> tuple[list[list[list[Any]]], str]:
    path = folder / workspace.DRAFTS_NAME / workspace.HEARD_NAME
    try:
        if not path.is_file():
            return [], ""
        if path.stat().st_size > _HEARD_BYTES:
            return [], f"No words are marked: {path.name} is too large to be read."
        heard = words.read_heard(path.read_bytes(), source=path)
    except OSError as error:
        return [], f"No words are marked: {path.name} cannot be read: {error.strerror}."
    except MediaError as error:
        return [], f"No words are marked: {path.name} {error.message}. {error.hint}"
    return placed(cues, heard), ""
