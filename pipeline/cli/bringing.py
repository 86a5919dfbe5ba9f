"""What `ingest` does with a transcript that lies beside the recording: it goes before what a machine can draft."""

from collections.abc import Sequence
from pathlib import Path

from pipeline import words, workspace
from pipeline.cli.screen import Screen
from pipeline.errors import MediaError, WordsError
from pipeline.ingest import slug_of
from pipeline.model import Episode, Problem, Recording, Transcript
from pipeline.workspace import Workspace
from pipeline.workspace.places import BROUGHT_START

MAX_BYTES = 60_000_000
TEXT_NAME = "transcript.txt"
_HINT = "The recording was added without it. When it is mended, put it into the episode's folder and build."


def bring(where: Workspace, episode: Episode, recordings: Sequence[Recording], language: str, screen: Screen) -> bool:
    """Take the transcript beside a recording into the episode's folder, as a draft; say what was taken.

    A transcript with times becomes transcript.vtt, marked as a draft; a text without becomes transcript.txt, which a
    build aligns to the sound. The original goes into `drafts/`. One that cannot be used is a warning.

    Returns:
        Whether there is one now.
    """
    found = [path for recording in recordings for path in _beside(recording.path)]
    if len(recordings) > 1:
        if found:
            message = "lies beside one of several parts, and its times are only that part's; it was left where it is"
            hint = "Join the transcripts of all parts, or let a build draft one."
            screen.warn(Problem(source=found[0].name, message=message, hint=hint, fatal=False))
        return False
    for path in found:
        try:
            data = _bytes(path)
            brought = words.read_brought(data, source=path, language=language)
            _take(episode, path, data, brought)
        except (MediaError, OSError) as error:
            screen.warn(_problem(path, error))
            continue
        _tell(where, episode, path, brought, screen)
        return True
    return False


def _beside(recording: Path) -> list[Path]:
    try:
        names = [path.name for path in recording.parent.iterdir() if path.is_file()]
    except OSError:
        return []  # a folder that may be passed through, but not listed
    return [recording.with_name(name) for name in words.beside(recording.name, names)]


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise WordsError(f"is larger than {MAX_BYTES:,} bytes", source=path, hint=_HINT)
    return data


def _problem(path: Path, error: MediaError | OSError) -> Problem:
    if isinstance(error, MediaError):
        hint = f"{(error.hint or 'Export it again').rstrip('.')}. {_HINT}"
        return Problem(source=path.name, message=f"cannot be used: {error.message}", hint=hint, fatal=False)
    return Problem(source=path.name, message=f"cannot be read: {error.strerror}", hint=_HINT, fatal=False)


def _take(episode: Episode, path: Path, data: bytes, brought: "Transcript | words.Turns") -> None:
    name = f"{BROUGHT_START}{slug_of(path.stem) or 'transcript'}{path.suffix.lower()}"
    kept = episode.path / workspace.DRAFTS_NAME / name
    kept.parent.mkdir(exist_ok=True)
    kept.write_bytes(data)
    if isinstance(brought, Transcript):
        text = words.draft_webvtt(brought).decode()
        workspace.write_draft(episode.path, workspace.TRANSCRIPT_NAMES[0], text)
    else:
        workspace.write_new(episode.path / TEXT_NAME, words.turns_text(brought).decode())


def _tell(where: Workspace, episode: Episode, path: Path, brought: "Transcript | words.Turns", screen: Screen) -> None:
    folder = where.name(episode.path)
    if isinstance(brought, Transcript):
        name = f"{folder}/{workspace.TRANSCRIPT_NAMES[0]}"
        screen.say(f"Took {path.name}, which lay beside the recording, as {name}: a draft until you have read it.")
        _tell_repairs(path, brought.repairs, screen)
        if hurried := len(words.hurried(brought)):
            screen.detail(f"  {hurried:,} of its {len(brought.cues):,} cues are said faster than people read.")
        voices = [cue.speaker for cue in brought.cues]
    else:
        name = f"{folder}/{TEXT_NAME}"
        screen.say(f"Took {path.name}, which lay beside the recording, as {name}: it has no times;")
        screen.say("      `cln-media build` gives it those of the sound, where a speech model is configured.")
        _tell_repairs(path, brought.repairs, screen)
        voices = [turn.speaker for turn in brought]
    if names := list(dict.fromkeys(filter(None, voices))):
        shown = "; ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")  # noqa: PLR2004
        screen.say(f"      It names who speaks ({shown}): a name is published only with its owner's consent,")
        screen.say(f"      recorded in {workspace.EPISODE_NAME}; put a role in place of every other.")


def _tell_repairs(path: Path, repairs: Sequence[str], screen: Screen) -> None:
    for repair in repairs:
        screen.say(f"  {path.name}, {repair}")
