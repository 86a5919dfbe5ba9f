"""Masters for episodes: from the cache, or made side by side by the executor that the caller brings."""

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from pipeline import audio
from pipeline.build import keeping
from pipeline.cache import Cache, key, sha256_file
from pipeline.errors import AudioError
from pipeline.model import (
    AudioSettings,
    Cue,
    EditAction,
    Episode,
    Master,
    Problem,
    Rendition,
    Show,
    clock,
)
from pipeline.workspace import Workspace

LOUDNESS_TOLERANCE_LU = 0.3
PEAK_TOLERANCE_DB = 0.05
_KIND, _KEPT = "masters", "kept"
_LISTEN_S = 0.2
_UNEVEN = "Listen to it: very uneven or very short recordings cannot be brought to the target."
_UNKEPT = "Remove keep_audio from episode.toml to have it mastered."


class Report(Protocol):
    """What a build tells while it works. `advance` is called from several threads."""

    def begin(self, work: str, lengths_ms: Mapping[str, int]) -> None:
        """Say what slow work is about to begin, on which episodes, and how long each lasts."""

    def advance(self, slug: str, fraction: float) -> None:
        """Say how much of that work is done for an episode, 0 to 1."""

    def finish(self) -> None:
        """Say that the work is over."""

    def warn(self, problem: Problem) -> None:
        """Say what a person should look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mastered:
    """Masters by slug, the slugs of those that were made now, and why others could not be."""

    masters: dict[str, Master]
    fresh: frozenset[str]
    problems: tuple[Problem, ...]


class _CancelledError(Exception):
    """Raised inside a worker by its progress call: the build was interrupted."""


def cached(cache: Cache, show: Show, episode: Episode) -> Master | None:
    """Find an episode's master in the cache, or beside it where its recording was removed."""
    if episode.disposed_on is not None:
        return keeping.kept(cache, episode)
    if episode.keep_audio:
        facts = cache.known(_KEPT, _key(cache, show, episode))
        return keeping.from_facts(facts, episode.sources[0].path) if facts else None
    return _from_cache(cache, _key(cache, show, episode))


def masters(
    cache: Cache,
    show: Show,
    episodes: tuple[Episode, ...],
    executor: Executor,
    report: Report,
    *,
    forced: frozenset[str],
    jobs: int | None = None,
) -> "Mastered":
    """Find or make the master of each episode.

    Args:
        cache: where masters are kept; each is kept as soon as it is done.
        show: its audio settings.
        episodes: what to master.
        executor: runs `audio.master`.
        report: hears of progress.
        forced: slugs to master again.
        jobs: pieces of a recording to encode at the same time, None for one a processor.

    Returns:
        What there is a master of, and what is wrong with the others.
    """
    found = {e.slug: cached(cache, show, e) for e in episodes if e.slug not in forced or e.disposed_on}
    missing = tuple(episode for episode in episodes if found.get(episode.slug) is None)
    problems = [keeping.lost(episode) for episode in missing if episode.disposed_on is not None]
    missing = tuple(episode for episode in missing if episode.disposed_on is None)
    made = _make(cache, show, missing, executor, report, jobs, problems) if missing else {}
    known = {slug: master for slug, master in found.items() if master is not None}
    return Mastered(masters=known | made, fresh=frozenset(made), problems=tuple(problems))


def _make(  # noqa: PLR0917 - what `masters` was given
    cache: Cache,
    show: Show,
    episodes: tuple[Episode, ...],
    executor: Executor,
    report: Report,
    jobs: int | None,
    problems: list[Problem],
) -> dict[str, Master]:
    stop = threading.Event()
    made: dict[str, Master] = {}
    report.begin("Mastering", {e.slug: length_ms(e) for e in episodes})
    with cache.scratch() as scratch:
        works = {
            executor.submit(
                _as_it_is if episode.keep_audio else partial(audio.master, edits=episode.edits, jobs=jobs),
                episode.recorders,
                scratch / f"{episode.slug}.mp3",
                show.audio,
                _progress(report, episode.slug, stop),
            ): episode
            for episode in episodes
        }
        try:
            for work in _as_done(set(works)):
                episode = works[work]
                try:
                    made[episode.slug] = _keep(cache, episode, _key(cache, show, episode), work.result())
                except AudioError as error:
                    problems.append(_problem(episode, error))
        finally:
            stop.set()
            for work in works:
                work.cancel()
            wait(works)
            report.finish()
    return made


def length_ms(episode: Episode) -> int:
    """Return how long the recording of an episode lasts, by its first recorder.

    Raises:
        AudioError: a part cannot be read.
    """
    return sum(audio.probe(path).duration_ms for path in episode.recorders[0])


def _as_it_is(
    sources: tuple[tuple[Path, ...], ...],
    _destination: Path,
    settings: AudioSettings,
    progress: Callable[[float], None],
) -> Master:
    ((path,),) = sources
    loudness = audio.measure(path, mono_loudness=settings.target.mono_loudness, progress=progress)
    return Master(
        path=path,
        sha256=sha256_file(path),
        size=path.stat().st_size,
        duration_ms=audio.probe(path).duration_ms,
        loudness=loudness,
    )


def _keep(cache: Cache, episode: Episode, entry_key: str, master: Master) -> Master:
    facts = {**asdict(master), "path": None, "renditions": [asdict(r) | {"path": None} for r in master.renditions]}
    if episode.keep_audio:
        cache.note(_KEPT, entry_key, facts)
        return master
    for rendition in master.renditions:
        cache.put(_KIND, f"{entry_key}-{rendition.codec}", rendition.path, {})
    entry = cache.put(_KIND, entry_key, master.path, facts)
    return replace(master, path=entry.path, renditions=_renditions(cache, entry_key, facts) or ())


def _problem(episode: Episode, error: AudioError) -> Problem:
    source = Path(error.source) if error.source else episode.path
    root = episode.path.parent.parent
    name = source.relative_to(root).as_posix() if source.is_relative_to(root) else str(source)
    return Problem(source=name, message=error.message, hint=error.hint or "Replace the recording.")


def _as_done(jobs: set["Future[Master]"]) -> Iterator["Future[Master]"]:
    """Yield jobs as they end, waiting in short steps: on Windows a longer wait would not hear Ctrl-C."""
    while jobs:
        done, jobs = wait(jobs, timeout=_LISTEN_S, return_when=FIRST_COMPLETED)
        yield from done


def _progress(report: Report, slug: str, stop: threading.Event) -> Callable[[float], None]:
    def tell(fraction: float) -> None:
        if stop.is_set():
            raise _CancelledError
        report.advance(slug, fraction)

    return tell


def _key(cache: Cache, show: Show, episode: Episode) -> str:
    hashes = [[cache.sha256(path) for path in parts] for parts in episode.recorders]
    edits = [[edit.start_ms, edit.end_ms, str(edit.action)] for edit in episode.edits]
    stings = [cache.sha256(path) if path else None for path in (show.audio.intro, show.audio.outro)]
    return key("master", hashes, edits, stings, audio.recipe(show.audio))


def _from_cache(cache: Cache, entry_key: str) -> Master | None:
    entry = cache.get(_KIND, entry_key)
    renditions = _renditions(cache, entry_key, entry.facts) if entry else None
    if entry is None or renditions is None:
        return None
    return replace(keeping.from_facts({**entry.facts, "renditions": []}, entry.path), renditions=renditions)


def _renditions(cache: Cache, entry_key: str, facts: Mapping[str, Any]) -> tuple[Rendition, ...] | None:
    found = [(rendition, cache.get(_KIND, f"{entry_key}-{rendition['codec']}")) for rendition in facts["renditions"]]
    made = [Rendition(**{**rendition, "path": entry.path}) for rendition, entry in found if entry is not None]
    return tuple(made) if len(made) == len(found) else None


def remarks(where: Workspace, episodes: tuple[Episode, ...], mastered: Mapping[str, Master]) -> Iterator[Problem]:
    """Say what is wrong with recordings that mastering cannot mend, and where words were taken for silence."""
    for episode in episodes:
        source, master = where.name(episode.path), mastered[episode.slug]
        for remark in master.mastering.remarks:
            yield Problem(source=source, message=remark.message, hint=remark.hint, fatal=False)
        lost = [cue for cue in episode.transcript.cues if _is_lost(cue, episode, master)] if episode.transcript else []
        if lost:
            message = f"words of the transcript at {clock(lost[0].start_ms)} stand where trimming found nobody speaking"
            hint = (
                "Listen there; if they are really said, set trim = false and longest_pause_s to nothing under [audio]."
            )
            yield Problem(source=source, message=message, hint=hint, fatal=False)


def _is_lost(cue: Cue, episode: Episode, master: Master) -> bool:
    """Say whether most of a cue is gone although nobody cut it."""
    cut_ms = sum(
        max(0, min(cue.end_ms, edit.end_ms) - max(cue.start_ms, edit.start_ms))
        for edit in episode.edits
        if edit.action is EditAction.CUT
    )
    length_ms = cue.end_ms - cue.start_ms
    return length_ms - master.timeline.kept_ms(cue.start_ms, cue.end_ms) - cut_ms > length_ms / 2


def misses(
    where: Workspace, show: Show, episodes: tuple[Episode, ...], mastered: Mapping[str, Master]
) -> Iterator[Problem]:
    """Say which masters are not at the target, as measured on the encoded file."""
    target = show.audio.target
    for episode in episodes:
        loudness = mastered[episode.slug].loudness
        off_lu = abs(loudness.integrated_lufs - target.integrated_lufs)
        over_db = loudness.true_peak_dbtp - target.true_peak_dbtp
        if off_lu > LOUDNESS_TOLERANCE_LU or over_db > PEAK_TOLERANCE_DB:
            verb, hint = ("plays at", _UNKEPT) if episode.keep_audio else ("was mastered to", _UNEVEN)
            yield Problem(
                source=where.name(episode.path),
                message=f"{verb} {loudness.integrated_lufs:.1f} LUFS and {loudness.true_peak_dbtp:.1f} dBTP, "
                f"not {target.integrated_lufs:.1f} LUFS and at most {target.true_peak_dbtp:.1f} dBTP",
                hint=hint,
                fatal=False,
            )
