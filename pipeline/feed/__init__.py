"""An edition enters, the bytes of its feeds leave: RSS 2.0, Atom, JSON Feed, OPML; feedgen lives here."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.feed import archive, atomfeed, elements, entries, identity, jsonfeed, rss
from pipeline.feed.directory import opml
from pipeline.feed.identity import guid
from pipeline.feed.rss import publisher
from pipeline.feed.sizes import size_problems
from pipeline.model import OPML_KEY, PUBLISHER_KEY, Edition, Feed, Item, Show

__all__ = [
    "Entries",
    "entries_of",
    "guid",
    "opml",
    "publisher",
    "render",
    "render_all",
    "render_pages",
    "size_problems",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """An item as it stands in feeds: an RSS item and an Atom entry as XML within a page, and an item of JSON Feed."""

    rss: bytes
    atom: bytes
    json: str


def render(edition: Edition, feed: Feed | None = None, *, key: str | None = None) -> bytes:
    """Render the first page of the network feed, or of one feed that holds a part of it: see `render_pages`."""
    return next(iter(render_pages(edition, feed, key=key).values()))


def render_pages(edition: Edition, feed: Feed | None = None, *, key: str | None = None) -> dict[str, bytes]:
    """Render every page of the network feed, or of one feed that holds a part of it.

    Episodes for members are in members' feeds only, which also hold the public ones, block directories and name no
    other feed. The same items give the same bytes, in whatever order they stand.

    Args:
        edition: what is published; its items in any order. For a members' feed its addresses are the member's own.
        feed: the part to render; None for the network feed.
        key: where the first page stands, below the site's address and ending in .xml: FEED_KEY for the network feed
            and for members' feeds, `feed_key(feed.name)` for the others, unless given.

    Returns:
        Pages by key, the newest first. Each is RSS 2.0, UTF-8 with an XML declaration, newest item first, ending in a
        newline.

    Raises:
        FeedError: the feed would be invalid: text it needs is missing, an address cannot be written, a GUID is used
            twice, or an enclosure has no length.

    Source:
        PSP-1 (Podcast Standards Project RSS specification); the Podcasting 2.0 namespace 1.0; RSS 2.0; RFC 5005,
        section 3; Podlove Simple Chapters 1.2.
    """
    one, items = identity.of(edition, feed, key=key), archive.held(edition, feed)
    parts = archive.pages(items, edition.show.feed)
    shown = [item for part in parts for item in part.items]
    made = {item.episode.guid: elements.as_item(entries.entry(edition.show, item).rss_entry()) for item in shown}
    return {one.page_key(part.number): rss.page(edition, one, part, made) for part in parts}


def entries_of(show: Show, item: Item) -> Entries:
    """Write an item as it stands in feeds; the show and the item decide all of it.

    Raises:
        FeedError: a feed would be invalid with it.
    """
    made = entries.entry(show, item)
    return Entries(
        rss=elements.as_item(made.rss_entry()),
        atom=elements.as_entry(made.atom_entry()),
        json=jsonfeed.entry(item),
    )


def render_all(edition: Edition, known: Mapping[str, Entries] | None = None) -> dict[str, bytes]:
    """Render everything that the public may subscribe to, each item made once for all the feeds that hold it.

    Args:
        edition: what is published.
        known: every item as `entries_of` wrote it, by GUID; without it, all are written now.

    Returns:
        By key: every page of the network feed and of each public named feed, as RSS, Atom and JSON; OPML_KEY;
        PUBLISHER_KEY.

    Raises:
        FeedError: a feed would be invalid.
    """
    items = archive.held(edition, None)
    known = {item.episode.guid: entries_of(edition.show, item) for item in items} if known is None else known
    made = {item.episode.guid: known[item.episode.guid] for item in items}
    as_rss = {guid: each.rss for guid, each in made.items()}
    as_atom = {guid: each.atom for guid, each in made.items()}
    as_json = {guid: each.json for guid, each in made.items()}
    written: dict[str, bytes] = {}
    for one in identity.public(edition):
        for part in archive.pages(archive.held(edition, one.feed), edition.show.feed):
            written[one.page_key(part.number)] = rss.page(edition, one, part, as_rss)
            written[one.page_key(part.number, atomfeed.EXTENSION)] = atomfeed.page(one, part, as_atom)
            written[one.page_key(part.number, jsonfeed.EXTENSION)] = jsonfeed.page(one, part, as_json)
    return written | {OPML_KEY: opml(edition), PUBLISHER_KEY: publisher(edition)}
