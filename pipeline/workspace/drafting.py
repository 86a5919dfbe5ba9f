"""Files of an episode written whole; what machines drafted of it, kept in `drafts/` beside what people make of it."""

import codecs
import os
import stat
from contextlib import suppress
from pathlib import Path

from pipeline.errors import WorkspaceError
from pipeline.model import DraftState, Part, is_marked
from pipeline.workspace.places import DRAFTS_NAME, PREVIOUS_NAME, SUMMARY_NAME

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # as an editor writes that saves "Unicode"
_KEPT = 10
_MOST_BYTES = 64_000_000
_OURS = "Leave that folder to cln-media; this file can be deleted, it is made again."
_HINT = "Check the free space and the rights of that folder."


def state(path: Path, part: Part) -> DraftState:
    """Say how far a person has come with a part of an episode.

    Args:
        path: its file, which is there.
        part: which it is.

    Returns:
        Reviewed where the file carries no mark of a draft; otherwise whether it is still what a machine made.

    Raises:
        OSError: the file cannot be read.
    """
    data = path.read_bytes()
    is_utf16 = data.startswith(_UTF16_MARKS)
    if not is_utf16 and b"draft" not in data.lower():  # as in nearly every file; the same as below, much faster
        return DraftState.REVIEWED
    if not is_marked(data.decode("utf-16" if is_utf16 else "utf-8", errors="replace"), part):
        return DraftState.REVIEWED
    kept = path.parent / DRAFTS_NAME / path.name
    try:
        status = kept.stat()
        is_alike = stat.S_ISREG(status.st_mode) and status.st_size == len(data)
        return DraftState.DRAFTED if is_alike and kept.read_bytes() == data else DraftState.EDITED
    except OSError:  # not there, or nobody may read it: what counts is the mark
        return DraftState.EDITED


def drafted(folder: Path, name: str) -> str | None:
    """Return a file of an episode as a machine last drafted it; None where none did.

    Raises:
        WorkspaceError: it cannot be read.
    """
    path = folder / DRAFTS_NAME / name
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise WorkspaceError("is no file", source=path, hint="Remove it: a draft is kept there.")
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise WorkspaceError("is larger than any draft", source=path, hint=_OURS)
        return data.decode()
    except FileNotFoundError:
        return None
    except OSError as error:
        hint = "Check the rights of that file and its folder."
        raise WorkspaceError(f"cannot be read: {error.strerror}", source=path, hint=hint) from error
    except UnicodeDecodeError as error:
        raise WorkspaceError("is not the text that a machine drafted", source=path, hint=_OURS) from error


def write_draft(folder: Path, name: str, text: str, *, edited: str | None = None) -> None:
    """Write what a machine drafted: once where a person corrects it, once as it is into `drafts/`.

    Killed in between, what the person has is whole and marked as a draft, and merging once more changes nothing in it.

    Args:
        folder: the episode's.
        name: of the file, such as notes.md.
        text: the draft.
        edited: what to write for the person, where they have changed an earlier draft: both, merged. What they had is
            kept, see `keep_previous`.

    Raises:
        WorkspaceError: it cannot be written.
    """
    kept = folder / DRAFTS_NAME / name
    _made(kept.parent)
    if edited is not None:
        keep_previous(folder / name, _bytes(folder / name))
    replace_text(folder / name, text if edited is None else edited)
    replace_text(kept, text)


def keep_previous(path: Path, data: bytes, *, hint: str = _HINT) -> str:
    """Keep a version of a person's file in drafts/previous/, where transcript-1.vtt is the newest of at most ten.

    Args:
        path: the file.
        data: what stands in it.
        hint: what to do where it cannot be kept.

    Returns:
        The name of what was kept, below the episode's folder; the same again where that is what was kept last.

    Raises:
        WorkspaceError: it cannot be written; the versions kept before are as they were.
    """
    folder = path.parent / DRAFTS_NAME / PREVIOUS_NAME

    def numbered(number: int) -> Path:
        return folder / f"{path.stem}-{number}{path.suffix}"

    _made(folder.parent)
    beside = folder / f".{path.name}.new"
    _require_own(folder)
    try:
        folder.mkdir(exist_ok=True)
        if numbered(1).is_file() and numbered(1).read_bytes() == data:  # kept before a save that then failed
            return f"{DRAFTS_NAME}/{PREVIOUS_NAME}/{numbered(1).name}"
        _write(beside, data, like=path)
        for number in range(_KEPT - 1, 0, -1):
            if numbered(number).exists():
                numbered(number).replace(numbered(number + 1))
        beside.replace(numbered(1))
    except OSError as error:
        with suppress(OSError):  # not even that can be done in a folder that is closed
            beside.unlink(missing_ok=True)
        message = f"the version before could not be kept: {error.strerror}"
        raise WorkspaceError(message, source=folder, hint=hint) from error
    return f"{DRAFTS_NAME}/{PREVIOUS_NAME}/{numbered(1).name}"


def keep_summary(folder: Path, text: str) -> None:
    """Keep what a program answered that drafted notes of an episode: as long as it is there, the feed says so.

    Raises:
        WorkspaceError: it cannot be written.
    """
    _made(folder / DRAFTS_NAME)
    replace_text(folder / DRAFTS_NAME / SUMMARY_NAME, f"{text}\n")


def kept_summary(folder: Path) -> str:
    """Return what a program answered last that drafted notes of an episode; nothing where none did.

    Raises:
        WorkspaceError: it cannot be read.
    """
    return (drafted(folder, SUMMARY_NAME) or "").strip()


def forget_summary(folder: Path) -> None:
    """Remove what a program answered, once nothing of it is left in the notes.

    Raises:
        WorkspaceError: it cannot be removed.
    """
    path = folder / DRAFTS_NAME / SUMMARY_NAME
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise WorkspaceError(f"cannot be removed: {error.strerror}", source=path, hint=_HINT) from error


def has_summary(folder: Path) -> bool:
    """Say whether a program drafted a part of an episode's notes."""
    return os.path.lexists(folder / DRAFTS_NAME / SUMMARY_NAME)


def _require_own(folder: Path) -> None:
    if folder.is_symlink():  # with it, what was drafted of a recording would outlive the recording elsewhere
        raise WorkspaceError("is a link to another place", source=folder, hint="Put a folder in its place.")


def _made(folder: Path) -> None:
    _require_own(folder)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise WorkspaceError(f"cannot be made: {error.strerror}", source=folder, hint=_HINT) from error


def write_new(path: Path, text: str) -> None:
    """Write a text file that must not be there yet.

    Raises:
        WorkspaceError: it is there, or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError as error:
        raise WorkspaceError("is there already", source=path, hint="It is left as it is.") from error
    except OSError as error:
        raise WorkspaceError(f"cannot be written: {error.strerror}", source=path, hint=_HINT) from error


def replace_text(path: Path, text: str) -> None:
    """Write a text file in one step: whoever reads it, or is interrupted, finds the whole old one or the whole new one.

    Raises:
        WorkspaceError: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        _write(beside, text.encode(), like=path)
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):  # what stands in its way is no file of ours
            beside.unlink(missing_ok=True)
        raise WorkspaceError(f"cannot be written: {error.strerror}", source=path, hint=_HINT) from error


def _write(path: Path, data: bytes, *, like: Path) -> None:
    """Write a file that nobody sees yet; whoever may read the one that it stands for may read it, and nobody else."""
    path.unlink(missing_ok=True)  # of a run that was killed, or a link to elsewhere
    with path.open("xb") as file:
        if os.name == "posix" and like.is_file():  # elsewhere a file's rights are its folder's
            path.chmod(stat.S_IMODE(like.stat().st_mode))
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        hint = "Check the rights of that file."
        raise WorkspaceError(f"cannot be read: {error.strerror}", source=path, hint=hint) from error
