"""Items in, the lists that a site has of them out: all, by region, season, learning set, topic and person; pure."""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pipeline.model import DEVICE_NAMES, Episode, Item, Show, list_key
from pipeline.pages.views import EPISODES_KEY
from pipeline.pages.wording import one_line

REGIONS, SEASONS, SETS, TOPICS, PEOPLE = "regions", "seasons", "sets", "topics", "people"
_ALL = "archive"
_LONGEST_NAME = 80
_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Episodes that have something in common. kind: one of the words above; name: as it stands in addresses."""

    kind: str
    name: str
    title: str
    items: tuple[Item, ...] = ()
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A page of a list. key: where it stands; number, of: which page it is; keys: of all its pages."""

    key: str
    number: int
    of: int
    items: tuple[Item, ...]
    keys: tuple[str, ...]


def groups(show: Show, items: tuple[Item, ...]) -> tuple[Group, ...]:
    """Sort items into every group that a page is made of, the groups of a kind as people look for them.

    Regions and seasons stand in the order of the settings (regions also without episodes yet), the rest by name. A
    person is listed only where consent covers their name.
    """
    found: dict[tuple[str, str], list[Item]] = {}
    titles: dict[tuple[str, str], str] = {}
    for region in show.regions:
        titles[REGIONS, region.id] = one_line(region.name)
    for season in sorted(show.seasons, key=lambda season: season.number, reverse=True):
        titles[SEASONS, str(season.number)] = one_line(season.name)
    for item in items:
        for kind, name, title in _memberships(show, item.episode):
            titles.setdefault((kind, name), title)
            found.setdefault((kind, name), []).append(item)
    wanted = [place for place in titles if place in found or place[0] == REGIONS]
    wanted.sort(key=lambda place: "" if place[0] in {REGIONS, SEASONS} else titles[place].casefold())
    return tuple(
        Group(
            kind=kind,
            name=name,
            title=titles[kind, name],
            items=tuple(found.get((kind, name), ())),
            region=name if kind == REGIONS else None,
        )
        for kind, name in wanted
    )


def of_episode(show: Show, episode: Episode) -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Say to which groups an episode belongs: by kind, each with its title and the key of its first page."""
    found: dict[str, list[tuple[str, str]]] = {}
    for kind, name, title in _memberships(show, episode):
        found.setdefault(kind, []).append((title, list_key(kind, name)))
    return {kind: tuple(entries) for kind, entries in found.items()}


def sheets(items: tuple[Item, ...], per_page: int, key: Callable[..., str]) -> Iterator[Sheet]:
    """Divide a list into pages; one without items has one page."""
    of = max(1, -(-len(items) // per_page))
    keys = tuple(key(page=number) for number in range(1, of + 1))
    for number in range(1, of + 1):
        part = items[(number - 1) * per_page : number * per_page]
        yield Sheet(key=keys[number - 1], number=number, of=of, items=part, keys=keys)


def all_key(page: int) -> str:
    """Name the key of a page of the list of all episodes."""
    return EPISODES_KEY if page == 1 else list_key(_ALL, page=page)


def neighbours(items: tuple[Item, ...]) -> dict[str, tuple[Item | None, Item | None]]:
    """Say which episode of the same region came before, and which after; by slug. Items: the newest first."""
    by_region: dict[str | None, list[Item]] = {}
    for item in items:
        by_region.setdefault(item.episode.region, []).append(item)
    found: dict[str, tuple[Item | None, Item | None]] = {}
    for listed in by_region.values():
        older, newer = [*listed[1:], None], [None, *listed[:-1]]
        for item, before, after in zip(listed, older, newer, strict=True):
            found[item.episode.slug] = (before, after)
    return found


def _memberships(show: Show, episode: Episode) -> Iterator[tuple[str, str, str]]:
    if episode.region and (region := show.region_name(episode.region)):
        yield REGIONS, episode.region, one_line(region)
    if episode.season is not None:
        title = next((season.name for season in show.seasons if season.number == episode.season), None)
        yield SEASONS, str(episode.season), one_line(title) or f"Season {episode.season}"
    yield from _named(SETS, [episode.set_name])
    yield from _named(TOPICS, episode.topics)
    yield from _named(PEOPLE, (each.name for each in episode.speakers if each.name and each.is_named))


def _named(kind: str, titles: Iterable[str | None]) -> Iterator[tuple[str, str, str]]:
    seen = set[str]()
    for title in map(one_line, titles):
        name = _in_address(title) if title else ""
        if name and name not in seen:
            seen.add(name)
            yield kind, name, title


def _in_address(title: str) -> str:
    """Make a name part of an address: two names that are not the same letters and digits have two addresses."""
    folded = title.casefold()
    plain = unicodedata.normalize("NFKD", folded).encode("ascii", "ignore").decode()
    name = "-".join(_WORD.findall(plain))
    is_itself = _WORD.findall(folded) == folded.split(" ") and not name.isdigit()  # a number is the name of a page
    if is_itself and len(name) <= _LONGEST_NAME and name not in DEVICE_NAMES:
        return name
    return f"{name[:_LONGEST_NAME]}-{hashlib.sha256(folded.encode()).hexdigest()[:8]}".lstrip("-")
