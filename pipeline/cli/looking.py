"""The commands `check` and `status`: a workspace looked at, nothing changed."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, ClassVar

from pipeline.build import survey
from pipeline.build.mastering import cached
from pipeline.build.survey import Survey
from pipeline.cache import Cache
from pipeline.cli.sending import published
from pipeline.model import MANIFEST_KEY, Episode, Master, Problem, Release, Show, Visibility, clock, episode_key
from pipeline.workspace import Workspace

DUAL_MONO_LU = 3.0103  # two equal channels are louder than one by 10 log10(2)


def look(where: Workspace, *, now: datetime) -> Survey:
    """Survey a workspace with its cache."""
    cache = Cache(where.cache)
    found = survey(where, cache, now=now)
    cache.close()
    return found


def problems(where: Workspace, slugs: tuple[str, ...], *, now: datetime) -> tuple[Problem, ...]:
    """Find the problems of a workspace, or of the show and the episodes named."""
    found = look(where, now=now)
    found.require(slugs)
    others = [f"{where.name(e.path)}/" for e in found.episodes if slugs and e.slug not in slugs]
    return tuple(problem for problem in found.problems if not problem.source.startswith(tuple(others)))


def as_json(problem: Problem) -> dict[str, Any]:
    """Turn a problem into JSON."""
    return asdict(problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRow:
    """An episode at a glance."""

    HEADINGS: ClassVar = ("Episode", "State", "Length", "Loudness", "Waits for")

    slug: str
    state: str
    duration_ms: int | None
    loudness_as_played_lufs: float | None
    loudness_per_channel_lufs: float | None
    true_peak_dbtp: float | None
    waits_for: str
    master: str | None

    def cells(self) -> tuple[str, ...]:
        """Write the row for people."""
        length = clock(self.duration_ms) if self.duration_ms is not None else "-"
        return self.slug, self.state, length, self._loudness(), self.waits_for

    def _loudness(self) -> str:
        if self.loudness_as_played_lufs is None:
            return "-"
        one = f" ({self.loudness_per_channel_lufs:.1f} on one channel)" if self.loudness_per_channel_lufs else ""
        return f"{self.loudness_as_played_lufs:.1f} LUFS{one}, {self.true_peak_dbtp:.1f} dBTP"

    def as_json(self) -> dict[str, Any]:
        """Turn the row into JSON."""
        return asdict(self)


def status(where: Workspace, *, now: datetime) -> tuple[StatusRow, ...]:
    """Look at every episode, also at those that cannot be read.

    Raises:
        CheckFailedError: the settings or the folder of the episodes cannot be read.
    """
    cache = Cache(where.cache)
    found = survey(where, cache, now=now)
    if found.show is None or any(problem.source == where.name(where.episodes) for problem in found.problems):
        found.complete()
    show = found.show
    rows = tuple(_row(where, show, e, cached(cache, show, e), found, now) for e in found.episodes) if show else ()
    cache.close()
    return rows + tuple(_unreadable(where, found)) if show else ()


def _unreadable(where: Workspace, found: Survey) -> Iterator[StatusRow]:
    read = {where.name(episode.path) for episode in found.episodes}
    told = set[str]()
    for problem in found.problems:
        folder, _, name = problem.source.rpartition("/")
        if problem.fatal and PurePosixPath(folder).parent.name == where.episodes.name and folder not in read | told:
            told.add(folder)
            yield StatusRow(
                slug=PurePosixPath(folder).name,
                state="unreadable",
                duration_ms=None,
                loudness_as_played_lufs=None,
                loudness_per_channel_lufs=None,
                true_peak_dbtp=None,
                waits_for=f"{name}: {problem.message}",
                master=None,
            )


def _row(  # noqa: PLR0917 - a row draws on all of it
    where: Workspace, show: Show, episode: Episode, master: Master | None, found: Survey, now: datetime
) -> StatusRow:
    loudness = master.loudness if master else None
    mono = show.audio.channels == 1
    read = loudness.integrated_lufs if loudness else None
    as_played = read + DUAL_MONO_LU if read is not None and mono and _counts_one_channel(show) else read
    state, waits_for = _state(where, episode, master, found, now)
    return StatusRow(
        slug=episode.slug,
        state=state,
        duration_ms=master.duration_ms if master else found.durations_ms.get(episode.slug),
        loudness_as_played_lufs=_rounded(as_played),
        loudness_per_channel_lufs=_rounded(as_played - DUAL_MONO_LU) if as_played is not None and mono else None,
        true_peak_dbtp=_rounded(loudness.true_peak_dbtp) if loudness else None,
        waits_for=waits_for,
        master=where.name(master.path) if master else None,
    )


def _counts_one_channel(show: Show) -> bool:
    return show.audio.target.mono_loudness.value == "channel"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _state(where: Workspace, episode: Episode, master: Master | None, found: Survey, now: datetime) -> tuple[str, str]:
    taken_back = next((each for each in found.withdrawn if each.slug == episode.slug and not each.speaker), None)
    if taken_back is not None:
        unfinished = "cln-media publish, which finishes it"
        return f"withdrawn {taken_back.on}", "nothing" if taken_back.finished_on else unfinished
    here = f"{where.name(episode.path)}/"
    fatal = [problem for problem in found.problems if problem.fatal and problem.source.startswith(here)]
    state = "draft" if episode.published is None else "due" if episode.is_due(now) else "scheduled"
    page = episode_key(episode.slug)
    built = _digest(_built(where), page)
    if built and built == _digest(published(where), page) and not fatal:
        return "published", "nothing"
    if fatal:
        return state, f"{fatal[0].source.removeprefix(here)}: {fatal[0].message}"
    if built and state == "due" and master is not None:
        return "built", "cln-media publish"
    return state, _next(episode, master, state)


def _next(episode: Episode, master: Master | None, state: str) -> str:
    if master is None:
        return "cln-media build"
    if episode.published is None:
        return "a publication date: published in episode.toml"
    if state == "scheduled":
        return f"its time, {episode.published:%d %B %Y %H:%M}"
    if episode.visibility is Visibility.MEMBERS:  # it has no public page that could tell more
        return "cln-media publish, which brings it to the members"
    return "cln-media build"


def _built(where: Workspace) -> Release | None:
    try:
        return Release.from_json((where.site / MANIFEST_KEY).read_bytes())
    except (OSError, ValueError):
        return None


def _digest(release: Release | None, key: str) -> str | None:
    return next((asset.sha256 for asset in release.assets if asset.key == key), None) if release else None
