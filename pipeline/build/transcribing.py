"""What a build drafts where a speech model is configured: the transcripts that are missing."""

from collections.abc import Callable

from pipeline import audio, speech, words, workspace
from pipeline.build.mastering import Report, length_ms
from pipeline.cache import Cache, key
from pipeline.model import Episode, Show

DRAFT_NAME = "transcript.draft.vtt"


def transcripts(cache: Cache, show: Show | None, episodes: tuple[Episode, ...], report: Report) -> None:
    """Draft the transcripts that are missing, as transcript.draft.vtt beside the recording.

    The draft is not the transcript: a person corrects it and renames it to transcript.vtt.

    Raises:
        MediaError: the recogniser, its model or a recording cannot be used.
    """
    model = show.speech.model if show else None
    without = (episode for episode in episodes if episode.transcript is None and episode.disposed_on is None)
    missing = tuple(episode for episode in without if not (episode.path / DRAFT_NAME).exists())
    if show is None or model is None or not missing:
        return
    report.begin("Transcribing", {e.slug: length_ms(e) for e in missing})
    try:
        for episode in missing:
            path = episode.path / DRAFT_NAME
            workspace.write_new(path, _draft(cache, show, model, episode, report).decode())
    finally:
        report.finish()


def _draft(cache: Cache, show: Show, model: str, episode: Episode, report: Report) -> bytes:
    sources = episode.recorders[0]
    hashes = [cache.sha256(path) for path in sources]
    language = episode.language or show.language
    entry_key = key("transcript", hashes, language, speech.recipe(model))
    entry = cache.get("transcripts", entry_key)
    if entry is None:
        pieces = audio.pieces(sources, rate_hz=speech.SAMPLE_RATE_HZ)
        progress = _fraction(report, episode)
        transcript = speech.transcribe(pieces, language=language, model=model, progress=progress)
        with cache.scratch() as scratch:
            file = scratch / "draft.vtt"
            file.write_bytes(words.webvtt(transcript))
            entry = cache.put("transcripts", entry_key, file, {})
    return entry.path.read_bytes()


def _fraction(report: Report, episode: Episode) -> Callable[[float], None]:
    length_s = length_ms(episode) / 1000
    return lambda seconds: report.advance(episode.slug, min(seconds / max(length_s, 0.001), 1.0))
