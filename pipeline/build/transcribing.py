"""What is drafted of what is said: the transcripts that are missing, and once more where a person asks for it."""

from collections.abc import Callable, Iterable, Iterator
from os.path import lexists

from pipeline import audio, speech, words, workspace
from pipeline.build.mastering import Report, length_ms
from pipeline.cache import Cache, key
from pipeline.errors import WorkspaceError
from pipeline.model import Episode, HeardWord, Problem, Show, Transcript
from pipeline.workspace import DRAFTS_NAME, HEARD_NAME, TRANSCRIPT_NAMES

NAME = TRANSCRIPT_NAMES[0]
PIECE_S = 300.0  # what a build that is killed has to hear again, at most
_KIND = "heard-pieces"


def transcripts(cache: Cache, show: Show | None, episodes: tuple[Episode, ...], report: Report) -> bool:
    """Draft the transcripts that are missing; a model that is named but not there is no more than a warning.

    Returns:
        Whether there are new ones.

    Raises:
        MediaError: the recogniser, its model or a recording cannot be used.
    """
    missing = tuple(episode for episode in episodes if episode.disposed_on is None and not _has_one(episode))
    if show is None or not show.speech.model or not missing:
        return False
    if speech.found(show.speech.model) is None:
        report.warn(_no_model(show.speech.model, missing))
        return False
    written = [draft(cache, show, episode, report) for episode in missing]
    return any(written)


def draft(cache: Cache, show: Show, episode: Episode, report: Report, *, again: bool = False) -> bool:
    """Draft the transcript of an episode, transcript.vtt, for a person to correct.

    Args:
        cache: keeps each piece that was heard, so that whoever is interrupted goes on from there.
        show: names the model and the likely words.
        episode: with its recording.
        report: hears of progress.
        again: also where there is a draft already, corrected or not: what a person changed in it stays.

    Returns:
        Whether something was written: a transcript that no machine drafted is left as it is.

    Raises:
        MediaError: the recogniser, its model, the recording or the transcript cannot be used.
    """
    base = workspace.drafted(episode.path, NAME)
    if _has_one(episode) and not (again and base is not None and lexists(episode.path / NAME)):
        return False
    language = episode.language or show.language
    heard = _heard(cache, show, episode, report)
    transcript = _transcript(heard, language)
    if not transcript.cues:
        report.warn(_silent(episode))
        return False
    text = words.draft_vtt(transcript, speech.checks(transcript.cues, heard))
    edited = None
    if _has_one(episode):  # looked at only now: hearing takes long, and a person may save meanwhile
        if not again or base is None:
            return False
        edited = words.merged_vtt(base, _bytes(episode), text, source=episode.path / NAME, language=language)
    workspace.write_draft(episode.path, NAME, text, edited=edited)
    workspace.replace_text(episode.path / DRAFTS_NAME / HEARD_NAME, words.heard_json(heard).decode())
    return True


def likely_words(show: Show) -> tuple[str, ...]:
    """List what a recogniser is told that it may hear: the words of the settings, and the terms of the glossary."""
    return speech.hot((*show.speech.hot_words, *(entry.term for entry in show.notes.glossary)))


def _transcript(heard: tuple[HeardWord, ...], language: str) -> Transcript:
    return speech.draft(heard, language=language)


def _has_one(episode: Episode) -> bool:
    return any(lexists(episode.path / name) for name in TRANSCRIPT_NAMES)


def _bytes(episode: Episode) -> bytes:
    path = episode.path / NAME
    try:
        return path.read_bytes()
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


def _no_model(model: str, episodes: tuple[Episode, ...]) -> Problem:
    slugs = ", ".join(episode.slug for episode in episodes[:3]) + (" and others" if len(episodes) > 3 else "")  # noqa: PLR2004
    install = "" if speech.is_available() else 'Install the recogniser: pip install "cln-media[transcribe]". '
    return Problem(
        source="cln_media.toml",
        message=f"no transcript can be drafted for {slugs}: the speech model {model} is not on this computer",
        hint=f"{install}{speech.how_to_get(model)}. Or put a transcript beside the recording.",
        fatal=False,
    )
