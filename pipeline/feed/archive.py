"""The items of an edition enter; those that one feed holds leave, newest first and in pages."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import FeedError
from pipeline.model import Edition, Episode, Feed, FeedSettings, Item, Visibility


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a feed: its number from 1, the newest, how many there are, and what it holds."""

    number: int
    count: int
    items: tuple[Item, ...]

    @property
    def changed(self) -> datetime | None:
        """When the newest change of its items was made; None without items."""
        return max((item.changed for item in self.items), default=None)

    @property
    def links(self) -> dict[str, int]:
        """The pages it leads to, by relation (RFC 5005, section 3); none where it is the only one."""
        if self.count == 1:
            return {}
        around = {"previous": self.number - 1, "next": self.number + 1}
        return {"first": 1, "last": self.count} | {rel: n for rel, n in around.items() if 1 <= n <= self.count}


def held(edition: Edition, feed: Feed | None) -> tuple[Item, ...]:
    """Choose what a feed holds: a public one nothing for members, one for members both; newest first, then by GUID.

    Raises:
        FeedError: a GUID that is used twice, or is not one.
    """
    shown = {Visibility.PUBLIC} | ({feed.visibility} if feed else set())
    chosen = [
        item
        for item in edition.items
        if item.episode.visibility in shown and (feed is None or feed.holds(item.episode))
    ]
    _refuse_wrong_guids(chosen)
    by_guid = sorted(chosen, key=lambda item: item.episode.guid)
    return tuple(sorted(by_guid, key=lambda item: item.published, reverse=True))


def pages(items: tuple[Item, ...], settings: FeedSettings) -> tuple[Page, ...]:
    """Divide a feed's items, newest first, into its pages: one at least, also of nothing."""
    size = settings.page_size
    first = settings.limit or size or len(items)
    starts = range(first, len(items), size) if size else range(0)
    parts = [items[:first], *(items[start : start + size] for start in starts if size)]
    return tuple(Page(number=number, count=len(parts), items=part) for number, part in enumerate(parts, start=1))


def settings_of(episode: Episode) -> Path:
    """Name the file that an episode's settings stand in, for messages."""
    return episode.path / "episode.toml"


def utc(moment: datetime) -> datetime:
    """Put a moment in UTC and whole seconds."""
    return moment.astimezone(UTC).replace(microsecond=0)


def _refuse_wrong_guids(items: Iterable[Item]) -> None:
    episodes = [item.episode for item in items]
    counts = Counter(episode.guid for episode in episodes)
    for episode in episodes:
        if counts[episode.guid] > 1:
            raise FeedError(
                f"the GUID {episode.guid!a} belongs to {counts[episode.guid]} episodes of one feed",
                source=settings_of(episode),
                hint="Give the newer episode a GUID of its own; the GUID of a published episode must never change.",
            )
