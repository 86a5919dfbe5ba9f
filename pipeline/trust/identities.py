"""The trail <-> which GUID an episode had under which slug when it was published: folders are renamed and removed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pipeline.model import Episode, Visibility
from pipeline.trust import trail

_WHAT = "episodes"
_A_LINE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What stays of an episode, whatever becomes of its folder."""

    guid: str
    visibility: Visibility

    @classmethod
    def of(cls, episode: Episode) -> Self:
        """Take it from an episode."""
        return cls(guid=episode.guid, visibility=episode.visibility)


def note_new(path: Path, episodes: Mapping[str, Identity]) -> None:
    """Note under which slugs episodes are about to be published, unless the trail says so already.

    Args:
        path: audit.jsonl of a workspace.
        episodes: by slug.

    Raises:
        WorkspaceError: the trail cannot be read or written.
    """
    noted = set(_noted(path))
    new = [(slug, each) for slug, each in sorted(episodes.items()) if (slug, each) not in noted]
    for start in range(0, len(new), _A_LINE):
        part = new[start : start + _A_LINE]
        trail.note(path, _WHAT, slugs={slug: [each.guid, str(each.visibility)] for slug, each in part})


def known(path: Path) -> dict[str, Identity]:
    """Say what was last published under each slug."""
    return dict(_noted(path))


def earlier_slugs(path: Path, guid: str) -> frozenset[str]:
    """Say under which slugs an episode was published, and nothing else since."""
    return frozenset(slug for slug, each in known(path).items() if each.guid == guid)


def every_slug(path: Path, guid: str) -> frozenset[str]:
    """Say under which slugs an episode was ever published, also those that others have by now."""
    return frozenset(slug for slug, each in _noted(path) if each.guid == guid)


def _noted(path: Path) -> Iterator[tuple[str, Identity]]:
    for entry in trail.entries(path):
        slugs = entry.facts.get("slugs") if entry.what == _WHAT and isinstance(entry.facts, Mapping) else None
        for slug, noted in slugs.items() if isinstance(slugs, Mapping) else ():
            try:
                guid, visibility = noted
                yield slug, Identity(guid=str(guid), visibility=Visibility(visibility))
            except (TypeError, ValueError):  # a line that was changed by hand: `audit verify` says so
                continue
