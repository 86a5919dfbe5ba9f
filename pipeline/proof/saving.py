"""Corrected words enter, the files of the episode's folder hold them; what stood there before is kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pipeline import workspace
from pipeline.errors import MediaError, WordsError
from pipeline.model import Chapter, Cue, Part, is_marked
from pipeline.proof import wording
from pipeline.proof.paper import Paper, Written, chapters_file, chapters_of, transcript_file, transcript_of
from pipeline.proof.wishes import Wish
from pipeline.words import plain_srt, read_chapters, read_transcript, unmarked
from pipeline.workspace.drafting import keep_previous
from pipeline.workspace.places import PREVIOUS_NAME

_T = TypeVar("_T")
_HINT = "Make room on the disk and check the rights of that folder, then save again: the page still has your text."


@dataclass(slots=True, kw_only=True)
class Saved:
    """What was written: the parts that are on disk now, and sentences that say what else happened."""

    parts: list[Part] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


_Prepare = Callable[[Paper, Written, Wish, Saved], Callable[[], None]]


class ChangedError(MediaError):
    """A file is no longer what the page was made from: somebody else has written it."""


def save(paper: Paper, wish: Wish, saved: Saved) -> None:
    """Write what a person corrected.

    Args:
        paper: the episode.
        wish: what they want; checked as a whole before anything is written.
        saved: is told what was written, also where an error ends it.

    Raises:
        ChangedError: a file is not what their work began with; nothing was written.
        WordsError: a file cannot be read, or would not read back as it was sent; nothing was written.
        WorkspaceError: a file cannot be written; it is as it was.
    """
    transcript, chapters = transcript_file(paper.folder), chapters_file(paper.folder)
    wanted = list[tuple[Part, Written, _Prepare]]()
    if wish.cues is not None or Part.TRANSCRIPT in wish.reviewed:
        wanted.append((Part.TRANSCRIPT, transcript, _transcript))
    if wish.chapters is not None or (Part.CHAPTERS in wish.reviewed and chapters.version):
        wanted.append((Part.CHAPTERS, chapters, _chapters))
    _require_bases([written for part, written, _ in wanted if written.version != wish.bases[part]])
    steps = [prepare(paper, written, wish, saved) for _, written, prepare in wanted]
    for step in steps:
        step()


def _require_bases(changed: Sequence[Written]) -> None:
    if changed:
        also = "".join(f", and so was {written.path.name}" for written in changed[1:])
        message = f"was changed by somebody else since this page was opened{also}"
        hint = "Keep yours, or open what stands there now: the other one is not lost either way."
        raise ChangedError(message, source=changed[0].path, hint=hint)


def _transcript(paper: Paper, old: Written, wish: Wish, saved: Saved) -> Callable[[], None]:
    before, text = _as_it_is(old, lambda: tuple(transcript_of(old, paper.language).cues), is_replaced=bool(wish.cues))
    cues = before if wish.cues is None else wish.cues
    is_draft = (before is None or is_marked(text, Part.TRANSCRIPT)) and Part.TRANSCRIPT not in wish.reviewed
    path = old.path
    if cues is None or cues == before:
        new = text if is_draft else unmarked(text, Part.TRANSCRIPT, with_checks=True)
    elif path.suffix == ".srt" and not is_draft and not any(cue.speaker for cue in cues):  # it can carry no mark
        new = plain_srt(cues).decode()
    else:
        path = path.with_suffix(".vtt")
        new = wording.webvtt_text(text, cues, is_draft=is_draft)
    _require_readable(path, new, cues or (), paper.language)

    def write() -> None:
        _replace(old, path, new, saved)
        saved.parts.append(Part.TRANSCRIPT)
        if path != old.path:
            saved.said.append(
                f"It is now {path.name}, which says for every cue who speaks; {old.path.name} cannot, and was put into"
                f" {workspace.DRAFTS_NAME}/{PREVIOUS_NAME}/."
            )

    return write


def _as_it_is(old: Written, read: Callable[[], _T], *, is_replaced: bool) -> tuple[_T | None, str]:
    """Return what stands in a file, and its text: nothing where it is broken, and all of it is to be replaced."""
    try:
        return read(), old.text()
    except WordsError:
        if not is_replaced:
            raise
        return None, ""


def _require_readable(path: Path, text: str, cues: Sequence[Cue], language: str) -> None:
    read = read_transcript(text.encode(), source=path, language=language).cues
    if len(read) >= len(cues) and not any(cue.speaker for cue in cues):
        return  # `Chair: ` before words is then read as who speaks, as people mean it
    written, again = (" ".join(cue.text for cue in each).split() for each in (cues, read))
    if sorted(written) != sorted(again) or {cue.speaker for cue in read} != {cue.speaker for cue in cues}:
        hint = "Download your text, and tell who looks after cln-media."
        raise WordsError("would not read back as it was sent, so it was left as it is", source=path, hint=hint)


def _chapters(paper: Paper, old: Written, wish: Wish, saved: Saved) -> Callable[[], None]:
    before, text = _as_it_is(old, lambda: chapters_of(old), is_replaced=wish.chapters is not None)
    chapters = before if wish.chapters is None else tuple(_placed(paper, chapter) for chapter in wish.chapters)
    is_draft = (before is None or is_marked(text, Part.CHAPTERS)) and Part.CHAPTERS not in wish.reviewed
    if chapters is None or chapters == before:
        new = text if is_draft else unmarked(text, Part.CHAPTERS)
    else:
        new = wording.chapters_text(text, chapters, is_draft=is_draft)
        read_chapters(new.encode(), source=old.path)

    def write() -> None:
        name = _replace(old, old.path, new, saved)
        saved.parts.append(Part.CHAPTERS)
        if name and chapters != before and wording.has_remarks_between(text):
            saved.said.append(f"Remarks between the chapters were left out of {old.path.name}; they are in {name}.")

    return write


def _placed(paper: Paper, chapter: Chapter) -> Chapter:
    image = paper.folder / chapter.image.name if chapter.image else None
    return Chapter(start_ms=chapter.start_ms, title=chapter.title, url=chapter.url, image=image)


def _replace(old: Written, path: Path, text: str, saved: Saved) -> str:
    """Write a file, keeping what stood there; return the name of what was kept, or nothing where nothing changed."""
    data = text.encode()
    if data == old.data and path == old.path:
        return ""
    name = keep_previous(old.path, old.data, hint=_HINT) if old.version else ""
    workspace.replace_text(path, text)
    if path != old.path:
        try:
            old.path.unlink()
        except OSError as error:
            saved.said.append(f"{old.path.name} could not be removed ({error.strerror}): {path.name} goes before it.")
    return name
