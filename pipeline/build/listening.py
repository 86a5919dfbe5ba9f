"""Words that are to go, listened for in the sound: when they are said, and whether they can still be heard."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline import audio, identifiers, speech, trust
from pipeline.cache import Cache, key
from pipeline.model import Decision, Episode, Finding, HeardWord, Master, Problem, Show, Verdict, clock
from pipeline.workspace import REVIEW_NAME, Workspace

_BESIDE_MS = 5_000
_NEAR_MS = 1_500
_KIND = "heard"


def times(show: Show, episode: Episode, found: trust.Found, find: trust.Find) -> tuple[int, int] | None:
    """Find when the words of a finding are said, by a recogniser.

    Args:
        show: names the model; without one, or where it is not on this computer, nothing is heard.
        episode: with its recordings.
        found: in the transcript, with the times of its cues.
        find: text to findings.

    Returns:
        From when to when, ms from the start of the recording. Recognisers break numbers: where another number was heard
        in those cues, from its start to the end of the cues. None where nothing like it was recognised.

    Raises:
        MediaError: the recogniser or the recording cannot be used.
    """
    if found.start_ms is None or found.end_ms is None or speech.found(show.speech.model) is None:
        return None
    stretch = (max(0, found.start_ms - _BESIDE_MS), found.end_ms + _BESIDE_MS)
    heard = _heard(show, episode, episode.recorders[0], *stretch, find)
    same = [span for said, span in heard if said == found.said]
    if len(same) == 1:
        return same[0]
    inside = [span for _, span in heard if span[0] < found.end_ms and found.start_ms < span[1]]
    return (inside[0][0], max(inside[0][1], found.end_ms)) if len(inside) == 1 else None


def still_heard(
    where: Workspace, cache: Cache, show: Show, episodes: tuple[Episode, ...], masters: Mapping[str, Master]
) -> Iterator[Problem]:
    """Say which words that were to go can still be heard in a master, by a recogniser; without a model, say nothing.

    Raises:
        MediaError: the recogniser or a master cannot be used.
    """
    model = str(speech.found(show.speech.model) or "") if speech.is_available() else ""
    if not model:
        return
    for episode in episodes:
        master = masters[episode.slug]
        for decision in _removals(episode):
            entry = key(decision.said, decision.start_ms, decision.end_ms, master.sha256, speech.recipe(model))
            facts = cache.facts(_KIND, entry, lambda: _listened(show, episode, master, decision))  # noqa: B023  at once
            if facts["is_heard"]:
                message = f"what was to be removed at {clock(decision.start_ms or 0)} can still be heard"
                hint = f"Cover more of it: cln-media review {episode.slug} ID --remove --wide"
                yield Problem(source=where.name(episode.path / REVIEW_NAME), message=message, hint=hint)


def _removals(episode: Episode) -> Iterator[Decision]:
    for decision in episode.decisions:
        if decision.verdict is Verdict.REMOVE and decision.start_ms is not None and decision.end_ms is not None:
            yield decision


def _listened(show: Show, episode: Episode, master: Master, decision: Decision) -> dict[str, Any]:
    start_ms, end_ms = (master.timeline.moved(each or 0) for each in (decision.start_ms, decision.end_ms))
    around = (max(0, start_ms - _BESIDE_MS), end_ms + _BESIDE_MS)
    heard = _heard(show, episode, (master.path,), *around, identifiers.find)
    near = (start_ms - _NEAR_MS, end_ms + _NEAR_MS)  # part of a number is a finding of its own
    return {"is_heard": any(trust.is_said(decision, said) or (a < near[1] and near[0] < b) for said, (a, b) in heard)}


def _heard(  # noqa: PLR0917 - a stretch of sound, and how to listen to it
    show: Show, episode: Episode, sources: tuple[Path, ...], start_ms: int, end_ms: int, find: trust.Find
) -> list[tuple[str, tuple[int, int]]]:
    """Hear what could identify a patient in a stretch: the SHA-256 of what is said, and when."""
    samples = audio.stretch(sources, start_ms=start_ms, end_ms=end_ms, rate_hz=speech.SAMPLE_RATE_HZ)
    language = episode.language or show.language
    words = speech.heard_words([(start_ms, samples)], language=language, model=show.speech.model or "")
    text = "".join(word.text for word in words)
    return [(trust.said(finding), _span(words, finding)) for finding in find(text)]


def _span(words: Sequence[HeardWord], finding: Finding) -> tuple[int, int]:
    at, inside = 0, list[HeardWord]()
    for word in words:
        if at < finding.end and finding.start < at + len(word.text):
            inside.append(word)
        at += len(word.text)
    return inside[0].start_ms, inside[-1].end_ms
