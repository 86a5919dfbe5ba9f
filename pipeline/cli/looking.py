"""The commands `check` and `status`: a workspace looked at, nothing changed."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, ClassVar

from pipeline import trust
from pipeline.build import gate, survey
from pipeline.build.mastering import cached
from pipeline.build.memory import Memory, Remembered
from pipeline.build.standing import Standing
from pipeline.build.survey import Survey
from pipeline.cache import Cache
from pipeline.cli.sending import published
from pipeline.errors import MediaError
from pipeline.model import (
    MANIFEST_KEY,
    DraftState,
    Episode,
    Master,
    Part,
    Problem,
    Release,
    Show,
    Visibility,
    clock,
    episode_key,
)
from pipeline.workspace import Workspace

DUAL_MONO_LU = 3.0103  # two equal channels are louder than one by 10 log10(2)


def look(where: Workspace, *, now: datetime) -> Survey:
    """Survey a workspace with its cache."""
    with closing(Cache(where.cache)) as cache:
        return survey(where, cache, now=now)


def problems(where: Workspace, slugs: tuple[str, ...], *, now: datetime) -> tuple[Problem, ...]:
    """Find the problems of a workspace, or of the show and the episodes named."""
    with closing(Cache(where.cache)) as cache:
        found = survey(where, cache, now=now, known=_known(where, cache, now))
    found.require(slugs)
    others = [f"{where.name(e.path)}/" for e in found.episodes if slugs and e.slug not in slugs]
    return tuple(problem for problem in found.problems if not problem.source.startswith(tuple(others)))


def _known(where: Workspace, cache: Cache, now: datetime) -> Mapping[str, Remembered]:
    """Recall the episodes that stand as the last build left them: those are not read again."""
    return Memory(cache, Standing(where, now=now)).episodes


def as_json(problem: Problem) -> dict[str, Any]:
    """Turn a problem into JSON."""
    return asdict(problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRow:
    """An episode at a glance. parts: how far its transcript, chapters and notes are, None for what is not there."""

    HEADINGS: ClassVar = ("Episode", "State", "Length", "Loudness", "To be read", "Waits for")

    slug: str
    state: str
    duration_ms: int | None
    loudness_as_played_lufs: float | None
    loudness_per_channel_lufs: float | None
    true_peak_dbtp: float | None
    waits_for: str
    master: str | None
    parts: Mapping[str, str | None]

    def cells(self) -> tuple[str, ...]:
        """Write the row for people."""
        length = clock(self.duration_ms) if self.duration_ms is not None else "-"
        unread = [name for name, state in self.parts.items() if state not in {None, DraftState.REVIEWED}]
        return self.slug, self.state, length, self._loudness(), ", ".join(unread) or "-", self.waits_for

    def _loudness(self) -> str:
        if self.loudness_as_played_lufs is None:
            return "-"
        one = f" ({self.loudness_per_channel_lufs:.1f} on one channel)" if self.loudness_per_channel_lufs else ""
        return f"{self.loudness_as_played_lufs:.1f} LUFS{one}, {self.true_peak_dbtp:.1f} dBTP"

    def words(self) -> str:
        """Say how far each part of its words is."""
        return ", ".join(f"{name} {state or 'not there'}" for name, state in self.parts.items())

    def as_json(self) -> dict[str, Any]:
        """Turn the row into JSON."""
        return asdict(self)


def status(where: Workspace, *, now: datetime) -> tuple[StatusRow, ...]:
    """Look at every episode, also at those that cannot be read.

    Raises:
        CheckFailedError: the settings or the folder of the episodes cannot be read.
    """
    with closing(Cache(where.cache)) as cache:
        known = _known(where, cache, now)
        found = survey(where, cache, now=now, known=known)
        if found.show is None or any(problem.source == where.name(where.episodes) for problem in found.problems):
            found.complete()
        show, built, live = found.show, _built(where), _live(where)
        seen = _Seen(where=where, found=found, now=now, built=built, live=live, known=frozenset(known))
        rows = tuple(_row(seen, show, each, cached(cache, show, each)) for each in found.episodes) if show else ()
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
                parts={str(part): None for part in Part},
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What all rows draw on.

    built, live: SHA-256 by key of what was built and of what was published; known: names of the folders that stand as
    the last build left them, which were not read.
    """

    where: Workspace
    found: Survey
    now: datetime
    built: Mapping[str, str]
    live: Mapping[str, str]
    known: frozenset[str]


def _row(seen: _Seen, show: Show, episode: Episode, master: Master | None) -> StatusRow:
    loudness = master.loudness if master else None
    mono = show.audio.channels == 1
    read = loudness.integrated_lufs if loudness else None
    as_played = read + DUAL_MONO_LU if read is not None and mono and _counts_one_channel(show) else read
    state, waits_for = _state(seen, show, episode, master)
    return StatusRow(
        slug=episode.slug,
        state=state,
        duration_ms=master.duration_ms if master else seen.found.durations_ms.get(episode.slug),
        loudness_as_played_lufs=_rounded(as_played),
        loudness_per_channel_lufs=_rounded(as_played - DUAL_MONO_LU) if as_played is not None and mono else None,
        true_peak_dbtp=_rounded(loudness.true_peak_dbtp) if loudness else None,
        waits_for=waits_for,
        master=seen.where.name(master.path) if master else None,
        parts={str(part): str(far) if (far := episode.drafts.get(part)) else None for part in Part},
    )


def _counts_one_channel(show: Show) -> bool:
    return show.audio.target.mono_loudness.value == "channel"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _state(seen: _Seen, show: Show, episode: Episode, master: Master | None) -> tuple[str, str]:
    found = seen.found
    taken_back = next((each for each in found.withdrawn if each.slug == episode.slug and not each.speaker), None)
    if taken_back is not None:
        unfinished = "cln-media publish, which finishes it"
        return f"withdrawn {taken_back.on}", "nothing" if taken_back.finished_on else unfinished
    here = f"{seen.where.name(episode.path)}/"
    fatal = [problem for problem in found.problems if problem.fatal and problem.source.startswith(here)]
    state = "draft" if episode.published is None else "due" if episode.is_due(seen.now) else "scheduled"
    page = episode_key(episode.slug)
    built = seen.built.get(page)
    if built and built == seen.live.get(page) and not fatal:
        return "published", "nothing"
    if fatal:
        return state, f"{fatal[0].source.removeprefix(here)}: {fatal[0].message}"
    if built and state == "due" and master is not None:
        return "built", "cln-media publish"
    return state, _next(seen, show, episode, master, state)


def how_to_read(episode: Episode) -> str:
    """Say which parts of an episode nobody has read yet, and where each is corrected."""
    heard = " and ".join(str(part) for part in episode.unread if part is not Part.NOTES)
    told = [f"{heard}: cln-media proof {episode.slug}"] if heard else []
    told += ["notes: notes.md, in a text editor"] if Part.NOTES in episode.unread else []
    return "; and its ".join(told)


def _next(seen: _Seen, show: Show, episode: Episode, master: Master | None, state: str) -> str:
    if master is None:
        return "cln-media build"
    if episode.published is None:
        return "a publication date: published in episode.toml"
    if episode.unread:
        return f"somebody to read its {how_to_read(episode)}"
    if lacking := next(_lacking(seen, show, episode, master), None):
        role, reason = lacking
        return f"cln-media sign-off {episode.slug} --as {role}: it {reason}"
    if state == "scheduled":
        return f"its time, {episode.published:%d %B %Y %H:%M}"
    is_public = episode.visibility is not Visibility.MEMBERS  # those have no public page that could tell more
    return "cln-media build" if is_public else "cln-media publish, which brings it to the members"


def _lacking(seen: _Seen, show: Show, episode: Episode, master: Master) -> Iterator[tuple[str, str]]:
    if episode.path.name not in seen.known:  # else it was signed when it was built, and its words were not read now
        try:
            now = gate.fingerprint(show, episode, master, seen.found.pictures)
        except MediaError:  # such as a chapter after the end: the build, which it waits for then, says so
            return
        yield from trust.signing.lacking(episode, now, show.trust)


def _built(where: Workspace) -> dict[str, str]:
    try:
        return _by_key(Release.from_json((where.site / MANIFEST_KEY).read_bytes()))
    except (OSError, ValueError):
        return {}


def _live(where: Workspace) -> dict[str, str]:
    release = published(where)
    return _by_key(release) if release else {}


def _by_key(release: Release) -> dict[str, str]:
    return {asset.key: asset.sha256 for asset in release.assets}
