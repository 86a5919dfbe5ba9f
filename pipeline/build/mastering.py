"""Masters for episodes: from the cache, or made side by side by the executor that the caller brings."""

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from pipeline import audio
from pipeline.build.survey import CheckFailedError
from pipeline.cache import Cache, Entry, key, sha256_file
from pipeline.errors import AudioError
from pipeline.model import AudioSettings, Episode, Loudness, Master, Problem, Show
from pipeline.workspace import Workspace

LOUDNESS_TOLERANCE_LU = 0.5
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


class _CancelledError(Exception):
    """Raised inside a worker by its progress call: the build was interrupted."""


def cached(cache: Cache, show: Show, episode: Episode) -> Master | None:
    """Find an episode's master in the cache."""
    if episode.keep_audio:
        facts = cache.known(_KEPT, _key(cache, show, episode))
        return _from_facts(facts, episode.sources[0].path) if facts else None
    entry = cache.get(_KIND, _key(cache, show, episode))
    return _from_entry(entry) if entry else None


def masters(
    cache: Cache,
    show: Show,
    episodes: tuple[Episode, ...],
    executor: Executor,
    report: Report,
    *,
    forced: frozenset[str],
) -> tuple[dict[str, Master], frozenset[str]]:
    """Find or make the master of each episode.

    Args:
        cache: where masters are kept; each is kept as soon as it is done.
        show: its audio settings.
        episodes: what to master.
        executor: runs `audio.master`.
        report: hears of progress.
        forced: slugs to master again.

    Returns:
        Masters by slug, and the slugs that were made now.

    Raises:
        CheckFailedError: some recordings could not be mastered; the others were.
    """
    found = {e.slug: cached(cache, show, e) for e in episodes if e.slug not in forced}
    missing = tuple(episode for episode in episodes if found.get(episode.slug) is None)
    made = _make(cache, show, missing, executor, report) if missing else {}
    known = {slug: master for slug, master in found.items() if master is not None}
    return known | made, frozenset(made)


def _make(
    cache: Cache, show: Show, episodes: tuple[Episode, ...], executor: Executor, report: Report
) -> dict[str, Master]:
    stop = threading.Event()
    made: dict[str, Master] = {}
    problems: list[Problem] = []
    report.begin(
        "Mastering", {e.slug: sum(audio.probe(source.path).duration_ms for source in e.sources) for e in episodes}
    )
    with cache.scratch() as scratch:
        jobs = {
            executor.submit(
                _as_it_is if episode.keep_audio else audio.master,
                tuple(source.path for source in episode.sources),
                scratch / f"{episode.slug}.mp3",
                show.audio,
                _progress(report, episode.slug, stop),
            ): episode
            for episode in episodes
        }
        try:
            for job in _as_done(set(jobs)):
                episode = jobs[job]
                try:
                    made[episode.slug] = _keep(cache, episode, _key(cache, show, episode), job.result())
                except AudioError as error:
                    problems.append(_problem(episode, error))
        finally:
            stop.set()
            for job in jobs:
                job.cancel()
            wait(jobs)
            report.finish()
    if problems:
        raise CheckFailedError(tuple(problems))
    return made


def _as_it_is(
    sources: tuple[Path, ...], _destination: Path, settings: AudioSettings, progress: Callable[[float], None]
) -> Master:
    (path,) = sources
    loudness = audio.measure(path, mono_loudness=settings.target.mono_loudness, progress=progress)
    return Master(
        path=path,
        sha256=sha256_file(path),
        size=path.stat().st_size,
        duration_ms=audio.probe(path).duration_ms,
        loudness=loudness,
    )


def _keep(cache: Cache, episode: Episode, entry_key: str, master: Master) -> Master:
    facts = {**asdict(master), "path": None}
    if episode.keep_audio:
        cache.note(_KEPT, entry_key, facts)
        return master
    return _from_entry(cache.put(_KIND, entry_key, master.path, facts))


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
    return key("master", [cache.sha256(source.path) for source in episode.sources], audio.recipe(show.audio))


def _from_entry(entry: Entry) -> Master:
    return _from_facts(entry.facts, entry.path)


def _from_facts(facts: Mapping[str, Any], path: Path) -> Master:
    return Master(**{**facts, "path": path, "loudness": Loudness(**facts["loudness"])})


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
