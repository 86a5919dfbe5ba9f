"""Values to problems: what is wrong with a show and its episodes, all of it at once; pure.

What a single file may hold is checked where it is read; here stands what only shows when the values are seen together.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from pipeline.check import feeds, standing
from pipeline.check import show as of_show
from pipeline.check.episode import EpisodeCheck
from pipeline.check.facts import Facts, place
from pipeline.model import DEVICE_NAMES, TAKEN_SLUGS, Episode, EpisodeKind, Problem, Show

__all__ = ["Facts", "of_all", "of_episode", "problems"]


def problems(
    show: Show, episodes: tuple[Episode, ...], facts: Facts, *, root: Path, now: datetime
) -> tuple[Problem, ...]:
    """Find everything that is wrong, fatal or not.

    Args:
        show: the show.
        episodes: every episode of the workspace, complete or not.
        facts: what is known of their files.
        root: the workspace, for naming files.
        now: the time that decides which episodes are due.

    Returns:
        Problems: the show's first, then episode by episode.
    """
    found = [*of_all(show, episodes, facts, root=root, now=now)]
    for episode in episodes:
        found += of_episode(show, episode, facts, root=root, now=now)
    return tuple(found)


def of_all(show: Show, episodes: tuple[Episode, ...], facts: Facts, *, root: Path, now: datetime) -> Iterator[Problem]:
    """Find what is wrong with the show, and between episodes; see `problems`."""
    yield from of_show.problems(show, facts)
    yield from standing.problems(show, today=now.date())
    yield from feeds.problems(show, episodes, facts, root)
    yield from _twice(episodes, root)
    yield from _numbers(show, episodes, root)


def of_episode(show: Show, episode: Episode, facts: Facts, *, root: Path, now: datetime) -> Iterator[Problem]:
    """Find what is wrong with one episode, whatever the others are; see `problems`."""
    yield from EpisodeCheck(show, episode, facts, root, now).problems()


def _twice(episodes: tuple[Episode, ...], root: Path) -> Iterator[Problem]:
    keys: tuple[tuple[str, Callable[[Episode], str], str], ...] = (
        ("slug", lambda episode: episode.slug, "Give one of them another slug, and keep that of a published one."),
        ("guid", lambda episode: episode.guid, "Give the newer one its own guid; never change a published one."),
    )
    for episode in episodes:
        source, hint = place(episode.path / "episode.toml", root), 'Give it another: slug = "…"'
        if episode.slug.endswith("-clip"):
            message = "ends in -clip, as the files of clips of other episodes do"
            yield Problem(source=source, message=f'the slug "{episode.slug}" {message}', hint=hint)
        if episode.slug in DEVICE_NAMES:
            message = f'the slug "{episode.slug}" is a name that Windows keeps for itself'
            yield Problem(source=source, message=message, hint=hint)
        if episode.slug in TAKEN_SLUGS:
            yield Problem(source=source, message=f'the slug "{episode.slug}" is taken by the site itself', hint=hint)
    for what, value, hint in keys:
        first: dict[str, Episode] = {}
        for episode in episodes:
            other = first.setdefault(value(episode), episode)
            if other is not episode:
                message = f'the {what} "{value(episode)}" is also that of {place(other.path, root)}'
                yield Problem(source=place(episode.path / "episode.toml", root), message=message, hint=hint)


def _numbers(show: Show, episodes: tuple[Episode, ...], root: Path) -> Iterator[Problem]:
    seen: dict[tuple[int | None, int], Episode] = {}
    seasons = {season.number for season in show.seasons}
    for episode in episodes:
        source = place(episode.path / "episode.toml", root)
        if episode.number is None:
            if show.kind == "serial" and episode.published and episode.kind is EpisodeKind.FULL:
                hint = "Give it a number: apps play a serial show in that order."
                yield Problem(source=source, message="has no number, but the show is serial", hint=hint)
            continue
        other = seen.setdefault((episode.season, episode.number), episode)
        if other is not episode:
            message = f"has the number {episode.number} of {place(other.path, root)}"
            yield Problem(source=source, message=message, hint="Give one of them another number.", fatal=False)
        if seasons and episode.season not in seasons:
            message = f"is of season {episode.season or 'none'}, which has no name"
            yield Problem(source=source, message=message, hint="Add it to [[seasons]] in cln_media.toml.", fatal=False)
