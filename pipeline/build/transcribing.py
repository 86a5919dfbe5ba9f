"""What is drafted of what is said: the transcripts that are missing, and once more where a person asks for it.

What somebody brought goes first: a transcript of Teams or Zoom in the episode's folder names people better than any
recogniser. It is heard only for the times that such a text lacks, or where there is none.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from os.path import lexists
from pathlib import Path
from typing import NamedTuple

from pipeline import audio, speech, words, workspace
from pipeline.build.mastering import Report, length_ms
from pipeline.cache import Cache, key
from pipeline.errors import MediaError, WordsError, WorkspaceError
from pipeline.model import Episode, HeardWord, Problem, Show, Transcript
from pipeline.workspace import DRAFTS_NAME, HEARD_NAME, TRANSCRIPT_NAMES
from pipeline.workspace.places import BROUGHT_START

NAME = TRANSCRIPT_NAMES[0]
MOST_BYTES = 60_000_000  # of what somebody brought: a Word document may hold pictures
PIECE_S = 300.0  # what a build that is killed has to hear again, at most
_KIND = "heard-pieces"


def transcripts(
    cache: Cache, show: Show | None, episodes: tuple[Episode, ...], report: Report, *, again: bool = False
) -> bool:
    """Draft the transcripts that are missing; a model that is named but not there is no more than a warning.

    With `again`, those that a machine drafted are drafted anew, and merged with what people changed.

    Returns:
        Whether there are new ones.

    Raises:
        MediaError: the recogniser, its model or a recording cannot be used.
    """
    if show is None:
        return False
    missing = [each for each in episodes if each.disposed_on is None and (again or not _has_one(each))]
    written = [draft(cache, show, each, report, again=again) for each in missing if _can_be_drafted(show, each)]
    unheard = tuple(episode for episode in missing if not _can_be_drafted(show, episode))
    if unheard and show.speech.model:
        report.warn(_no_model(show.speech.model, unheard))
    return any(written)


def _can_be_drafted(show: Show, episode: Episode) -> bool:
    can_hear = bool(show.speech.model) and speech.found(show.speech.model or "") is not None
    return can_hear or bool(_brought_paths(episode))


def draft(cache: Cache, show: Show, episode: Episode, report: Report, *, again: bool = False) -> bool:
    """Draft the transcript of an episode, transcript.vtt, for a person to correct.

    Args:
        cache: keeps each piece that was heard, so that whoever is interrupted goes on from there.
        show: names the model and the likely words.
        episode: with its recording.
        report: hears of progress.
        again: also where there is a draft already, corrected or not: what a person changed in it stays.

    Returns:
        Whether something was written: a transcript that no machine drafted, or to which a new draft adds nothing, is
        left as it is.

    Raises:
        MediaError: the recogniser, its model, the recording or the transcript cannot be used.
    """
    base = workspace.drafted(episode.path, NAME)
    if _has_one(episode) and not (again and base is not None and lexists(episode.path / NAME)):
        return False
    language = episode.language or show.language
    made = _drafted(cache, show, episode, report)
    if made is None:
        return False
    text = words.draft_webvtt(*made[:2]).decode()
    edited, is_new = None, True
    if _has_one(episode):  # looked at only now: hearing takes long, and a person may save meanwhile
        if not again or base is None:
            return False
        edited = _merged(episode.path / NAME, base, text, language)
        is_new = edited is not None
    if is_new:
        workspace.write_draft(episode.path, NAME, text, edited=edited)
    heard = episode.path / DRAFTS_NAME / HEARD_NAME
    if made.heard and (is_new or not heard.exists()):
        workspace.replace_text(heard, words.heard_json(made.heard).decode())
    return is_new


def _merged(path: Path, base: str, text: str, language: str) -> str | None:
    """Merge a new draft with the file of a person; None where nothing of it comes in: then a review still holds."""
    mine, edited = b"", ""
    while (there := _bytes(path)) != mine or not edited:  # merging three hours takes seconds in which somebody may save
        mine, edited = there, words.merged_vtt(base, there, text, source=path, language=language)
    if text == base:
        return None
    if mine == base.encode():
        return edited
    before, after = (words.read_transcript(each, source=path, language=language) for each in (mine, edited.encode()))
    return None if after.cues == before.cues else edited


def likely_words(show: Show) -> tuple[str, ...]:
    """List what a recogniser is told that it may hear: the words of the settings, and the terms of the glossary."""
    return speech.hot((*show.speech.hot_words, *(entry.term for entry in show.notes.glossary)))


class _Made(NamedTuple):
    """A draft: what is said, what to listen to by the start of a cue, and what was heard, if it was."""

    transcript: Transcript
    checks: Mapping[int, str]
    heard: tuple[HeardWord, ...]


def _drafted(cache: Cache, show: Show, episode: Episode, report: Report) -> _Made | None:
    language = episode.language or show.language
    source, brought = _brought(episode, language, report)
    if isinstance(brought, Transcript):
        return _Made(brought, {}, ())
    if not show.speech.model or speech.found(show.speech.model) is None:
        if brought:
            report.warn(_no_times(episode, show.speech.model))
        return None
    heard = _heard(cache, show, episode, report)
    if not heard:
        report.warn(_silent(episode))
        return None
    if brought and source:
        for repair in brought.repairs:
            report.warn(_remark(episode, source, repair, "Check that what was made of it is right."))
        try:
            return _Made(words.aligned(brought, heard, language=language), {}, heard)
        except WordsError as error:  # that of another recording, most likely: what was heard is the better draft
            report.warn(_unusable(episode, source, error))
    transcript = speech.draft(heard, language=language)
    return _Made(transcript, speech.checks(transcript.cues, heard), heard)


def _brought(episode: Episode, language: str, report: Report) -> "tuple[Path | None, Transcript | words.Turns | None]":
    """Read the first transcript that can be read, with its path; what is wrong with the others is told."""
    for path in _brought_paths(episode):
        try:
            return path, words.read_brought(_bytes(path), source=path, language=language)
        except MediaError as error:
            report.warn(_unusable(episode, path, error))
    return None, None


def _unusable(episode: Episode, path: Path, error: MediaError) -> Problem:
    message = f"cannot be used as the transcript: {error.message}"
    return _remark(episode, path, message, error.hint or "Export it again, or remove it.")


def _remark(episode: Episode, path: Path, message: str, hint: str) -> Problem:
    source = f"episodes/{episode.path.name}/{path.relative_to(episode.path).as_posix()}"
    return Problem(source=source, message=message, hint=hint, fatal=False)


def _brought_paths(episode: Episode) -> list[Path]:
    """List what somebody put into the folder, then what `ingest` found beside the recording: the best first."""
    kept = episode.path / DRAFTS_NAME
    is_there = not kept.is_symlink() and kept.is_dir()
    names = [name for name in _names(kept) if name.startswith(BROUGHT_START)] if is_there else []
    return [episode.path / name for name in words.brought_names(_names(episode.path))] + [kept / name for name in names]


def _names(folder: Path) -> list[str]:
    """List the files of a folder; links are left out, as they may lead anywhere."""
    try:
        return sorted(each.name for each in folder.iterdir() if each.is_file() and not each.is_symlink())
    except OSError as error:
        hint = "Check the rights of that folder."
        raise WorkspaceError(f"cannot be read: {error.strerror}", source=folder, hint=hint) from error


def _has_one(episode: Episode) -> bool:
    return any(lexists(episode.path / name) for name in TRANSCRIPT_NAMES)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise WorkspaceError(
            f"cannot be read: {error.strerror}", source=path, hint="Check the rights of that file."
        ) from error


def _heard(cache: Cache, show: Show, episode: Episode, report: Report) -> tuple[HeardWord, ...]:
    """Hear a recording piece by piece; pieces that were heard before are not heard again."""
    report.begin("Transcribing", {episode.slug: length_ms(episode)})
    try:
        return speech.doubted(tuple(_pieces(cache, show, episode, _progress(report, episode))))
    finally:
        report.finish()


def _pieces(cache: Cache, show: Show, episode: Episode, progress: Callable[[float], None]) -> Iterator[HeardWord]:
    model, language, sources = show.speech.model or "", episode.language or show.language, episode.recorders[0]
    hot_words, recogniser = likely_words(show), None
    about = ([cache.sha256(path) for path in sources], language, speech.recipe(model), hot_words)
    for start_ms, samples in audio.pieces(sources, rate_hz=speech.SAMPLE_RATE_HZ, longest_s=PIECE_S):
        entry = key("heard", *about, start_ms, len(samples))
        known = cache.known(_KIND, entry)
        if known is None:
            recogniser = recogniser or speech.Recogniser(model, language=language, hot_words=hot_words)
            found = recogniser.hear(samples, start_ms=start_ms, progress=_shifted(progress, start_ms))
            known = cache.note(_KIND, entry, {"words": found})
        progress(start_ms / 1000 + len(samples) / speech.SAMPLE_RATE_HZ)
        yield from _words(known["words"])


def _words(rows: Iterable[Iterable[int | str | float]]) -> Iterator[HeardWord]:
    for row in rows:
        yield HeardWord(*row)  # type: ignore[arg-type]


def _shifted(progress: Callable[[float], None], start_ms: int) -> Callable[[float], None]:
    return lambda seconds: progress(start_ms / 1000 + seconds)


def _progress(report: Report, episode: Episode) -> Callable[[float], None]:
    length_s = length_ms(episode) / 1000
    return lambda seconds: report.advance(episode.slug, min(seconds / max(length_s, 0.001), 1.0))


def _silent(episode: Episode) -> Problem:
    return Problem(
        source=f"episodes/{episode.path.name}",
        message="nobody was heard in the recording: no transcript is drafted",
        hint="Is it the right recording? Listen to it, and put a transcript beside it.",
        fatal=False,
    )


def _no_times(episode: Episode, model: str | None) -> Problem:
    how = f"{speech.how_to_get(model)}." if model else "Name a speech model in [speech] of cln_media.toml."
    return Problem(
        source=f"episodes/{episode.path.name}",
        message="the transcript that was brought has no times, and without the speech model a build cannot find them",
        hint=f"{how} Or bring the transcript as .vtt.",
        fatal=False,
    )


def _no_model(model: str, episodes: tuple[Episode, ...]) -> Problem:
    slugs = ", ".join(episode.slug for episode in episodes[:3]) + (" and others" if len(episodes) > 3 else "")  # noqa: PLR2004
    install = "" if speech.is_available() else 'Install the recogniser: pip install "cln-media[transcribe]". '
    return Problem(
        source="cln_media.toml",
        message=f"no transcript can be drafted for {slugs}: the speech model {model} is not on this computer",
        hint=f"{install}{speech.how_to_get(model)}. Or put a transcript beside the recording.",
        fatal=False,
    )
