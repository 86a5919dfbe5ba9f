"""An edition enters, the bytes of RSS 2.0 feeds leave, page by page."""

from collections.abc import Mapping

from pipeline.feed import archive, channel, entries, identity
from pipeline.feed.archive import Page
from pipeline.feed.elements import podcast, with_items
from pipeline.feed.identity import Identity
from pipeline.model import Edition


def page(edition: Edition, one: Identity, part: Page, made: Mapping[str, bytes]) -> bytes:
    """Write a page of a podcast. made: RSS items by GUID, from `as_item`."""
    generator = channel.generator(one, part)
    generator.podcasting.elements += channel.elements(edition, one, part)
    return with_items(generator.rss_str(pretty=True), (made[item.episode.guid] for item in part.items))


def publisher(edition: Edition) -> bytes:
    """Render the publisher's feed: the network feed and its public parts under one roof, and no items.

    Raises:
        FeedError: text or an address that a feed needs is missing.

    Source:
        Podcasting 2.0 namespace 1.0, the publisher medium.
    """
    above = identity.publisher(edition)
    generator = channel.generator(above, archive.Page(number=1, count=1, items=()))
    generator.podcasting.elements += [
        *channel.standing(above),
        podcast("medium", "publisher"),
        entries.image(above.artwork),
        *(channel.remote(other, medium="podcast") for other in identity.public(edition)),
    ]
    xml: bytes = generator.rss_str(pretty=True)
    return xml
