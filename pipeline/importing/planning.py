"""A feed and what a workspace has already enter, the episodes to add leave, each with a folder of its own; pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipeline.importing.old import Addition, OldEpisode, OldFeed, Plan
from pipeline.model import Problem

MAX_GUID = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the workspace has already: the names that are taken, and the GUIDs of its episodes."""

    slugs: frozenset[str]
    guids: frozenset[str]


def plan(feed: OldFeed, known: Known, *, slug_of: Callable[[str], str], limit: int | None = None) -> Plan:
    """Decide what to add.

    Args:
        feed: the whole feed.
        known: what is there already.
        slug_of: makes the name of a folder of a title.
        limit: the most episodes to add; the newest are added first.

    Returns:
        The plan; two episodes of one title get numbered names, the older one the plain name.
    """
    first = {episode.guid: episode for episode in reversed(feed.episodes)}
    unique = [episode for episode in feed.episodes if first[episode.guid] is episode]
    refused = tuple(_refused([episode for episode in feed.episodes if first[episode.guid] is not episode], first))
    new = [episode for episode in unique if episode.guid not in known.guids]
    too_long = [episode for episode in new if _wrong_guid(episode.guid)]
    new = sorted((episode for episode in new if not _wrong_guid(episode.guid)), key=_age, reverse=True)
    chosen = new[:limit]
    return Plan(
        additions=tuple(_named(chosen, known.slugs, slug_of)),
        present=len(unique) - len(new) - len(too_long),
        soundless=feed.soundless,
        left=len(new) - len(chosen),
        refused=refused + tuple(_problem(episode, _wrong_guid(episode.guid) or "") for episode in too_long),
    )


def _age(episode: OldEpisode) -> float:
    return episode.published.timestamp() if episode.published else float("-inf")


def _wrong_guid(guid: str) -> str | None:
    if len(guid) > MAX_GUID:
        return f"has a GUID of {len(guid)} characters, more than the {MAX_GUID} that a feed may hold"
    return None if guid.isprintable() else "has a GUID with control characters or line breaks"


def _refused(episodes: list[OldEpisode], first: dict[str, OldEpisode]) -> Iterator[Problem]:
    for episode in episodes:
        same = first[episode.guid]
        if same.sound != episode.sound:  # else the same item on two pages
            yield _problem(episode, f'has the GUID of "{same.title}"')


def _problem(episode: OldEpisode, message: str) -> Problem:
    hint = "Apps could not tell it apart: add it with cln-media ingest, which gives it a new identity."
    return Problem(source=f'"{episode.title}"', message=message, hint=hint)


def _named(episodes: list[OldEpisode], taken: frozenset[str], slug_of: Callable[[str], str]) -> list[Addition]:
    used = set(taken)
    additions = []
    for episode in reversed(episodes):
        stem = slug_of(episode.title) or "episode"
        slug, number = stem, 1
        while slug in used:
            number += 1
            slug = f"{stem}-{number}"
        used.add(slug)
        additions.append(Addition(slug=slug, old=episode))
    return additions[::-1]
