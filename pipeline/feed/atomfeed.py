"""An edition enters, the bytes of Atom 1.0 feeds leave, page by page."""

from collections.abc import Mapping
from datetime import UTC, datetime

from feedgen.feed import FeedGenerator

from pipeline.feed import wording
from pipeline.feed.archive import Page, utc
from pipeline.feed.channel import GENERATOR
from pipeline.feed.elements import with_entries
from pipeline.feed.identity import Identity

EXTENSION = "atom"
MIME = "application/atom+xml"

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # Atom wants a date also where nothing has happened


def page(one: Identity, part: Page, made: Mapping[str, bytes]) -> bytes:
    """Write a page. made: Atom entries by GUID, from `as_entry`."""
    generator = FeedGenerator()
    generator.id(f"urn:uuid:{one.guid}")
    generator.title(one.title)
    generator.subtitle(one.description)
    generator.author({"name": wording.needed(one.show.author, "author")})
    generator.link(href=one.url(part.number, EXTENSION), rel="self", type=MIME)
    for rel, number in part.links.items():
        generator.link(href=one.url(number, EXTENSION), rel=rel, type=MIME)
    for hub in one.show.feed.hubs if one.is_public else ():
        generator.link(href=wording.address(hub), rel="hub")
    generator.link(href=one.home, rel="alternate", type="text/html")
    generator.language(one.language)
    generator.logo(wording.image_address(one.artwork))
    generator.icon(wording.image_address(one.artwork))
    if one.show.copyright:
        generator.rights(wording.clean(one.show.copyright))
    generator.generator(GENERATOR)
    generator.updated(utc(part.changed or _NEVER))
    return with_entries(generator.atom_str(pretty=True), (made[item.episode.guid] for item in part.items))
