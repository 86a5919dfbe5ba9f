"""Who a feed is enters; the channel of its RSS leaves, in feedgen's words and in those it does not know."""

from collections.abc import Iterator
from typing import Any

from feedgen.feed import FeedGenerator

from pipeline.errors import FeedError
from pipeline.feed import identity, wording
from pipeline.feed.archive import Page, utc
from pipeline.feed.description import DESCRIPTION_BYTES
from pipeline.feed.elements import PSC, ChannelElements, Element, atom_link, itunes, podcast
from pipeline.feed.entries import image, location
from pipeline.feed.identity import Identity
from pipeline.model import Edition, Show

GENERATOR = "cln-media"
RSS_MIME = "application/rss+xml"

# Source: Podcasting 2.0, podcast:license; it wants these in lower case
_LICENSES = frozenset({"arr", "cc-by-4.0", "cc-by-nc-4.0", "cc-by-nc-nd-4.0", "pod-v4v-1.0"})
_SUPPORT = "Support the show"


def generator(one: Identity, page: Page) -> Any:
    """Begin the RSS of a page with what every feed has, that of the publisher too.

    Raises:
        FeedError: text or an address that a feed needs is missing.
    """
    made = FeedGenerator()
    made.load_extension("podcast", atom=False)
    made.register_extension("podcasting", ChannelElements, atom=False)
    _write(made, one, page)
    _write_itunes(made, one)
    if any(item.episode.chapters for item in page.items):
        made.podcasting.namespaces["psc"] = PSC
    return made


def elements(edition: Edition, one: Identity, page: Page) -> Iterator[Element]:
    """List what the channel of a podcast has beside: how it is paged, what it allows, and who its sisters are."""
    show, settings = one.show, one.show.feed
    yield from (atom_link(rel, one.url(number), RSS_MIME) for rel, number in page.links.items())
    if one.is_public:
        yield from (atom_link("hub", wording.address(hub)) for hub in settings.hubs)
    if one.feed is None and page.number == 1 and settings.moved_to:
        yield itunes("new-feed-url", wording.address(settings.moved_to))
    if settings.complete:
        yield itunes("complete", "Yes")
    if not one.is_public:
        yield itunes("block", "Yes")
    yield from standing(one)
    yield podcast("medium", "podcast")
    yield image(one.artwork)
    yield from location(show, one.feed.region if one.feed else None)
    yield from _offers(show)
    if one.is_public:
        yield from _relations(edition, one)


def standing(one: Identity) -> Iterator[Element]:
    """List what says whose feed it is, and who may take it."""
    yield podcast("locked", "yes" if one.show.locked or not one.is_public else "no")
    yield podcast("guid", one.guid)
    if not one.is_public:
        yield podcast("block", "yes")


def _write(made: Any, one: Identity, page: Page) -> None:
    made.title(one.title)
    made.description(wording.shorten(one.description, DESCRIPTION_BYTES))
    made.link(href=one.url(page.number), rel="self", type=RSS_MIME)
    made.link(href=one.home, rel="alternate")  # feedgen makes the last link the channel's own
    made.language(one.language)
    if one.show.copyright:
        made.copyright(wording.clean(one.show.copyright))
    made.image(url=wording.image_address(one.artwork), title=one.title, link=one.home)
    made.generator(GENERATOR)
    made.docs("")  # else feedgen links a page over plain http
    if page.changed:
        made.lastBuildDate(utc(page.changed))
    made.podcasting.undated = page.changed is None


def _write_itunes(made: Any, one: Identity) -> None:
    show = one.show
    made.podcast.itunes_author(wording.needed(show.author, "author"))
    made.podcast.itunes_owner(
        wording.needed(show.owner_name, "owner's name"), wording.needed(show.owner_email, "owner's email")
    )
    made.podcast.itunes_category(_categories(show))
    made.podcast.itunes_image(wording.image_address(one.artwork))
    made.podcast.itunes_type(show.kind)
    made.podcasting.elements.append(itunes("explicit", wording.truth(value=show.explicit)))


def _categories(show: Show) -> list[dict[str, str]]:
    if not show.categories:
        raise FeedError(
            "the show has no category", source=wording.SETTINGS, hint="Give it at least one Apple category."
        )
    return [{"cat": _category(one.name), "sub": wording.clean(one.subcategory or "")} for one in show.categories]


def _category(name: str) -> str:
    if '"' in name:  # feedgen looks each category up by a path expression that a quotation mark would end
        raise FeedError(
            f"{name!a} is not an Apple category",
            source=wording.SETTINGS,
            hint="Take a category from Apple's list, as it stands.",
        )
    return wording.needed(name, "category")


def _offers(show: Show) -> Iterator[Element]:
    settings = show.feed
    if name := wording.label(settings.license or ""):
        known = name.lower() in _LICENSES
        url = wording.address(settings.license_url) if settings.license_url else None
        yield podcast("license", name.lower() if known else name, {"url": url})
    if settings.funding_url:
        url = wording.address(settings.funding_url)
        yield podcast("funding", wording.label(settings.funding_text or "") or _SUPPORT, {"url": url})
    if text := wording.label(settings.update_frequency or settings.update_rule or ""):
        rule = {"rrule": wording.clean(settings.update_rule or "") or None}
        yield podcast("updateFrequency", text, rule | {"complete": "true" if settings.complete else None})


def _relations(edition: Edition, one: Identity) -> Iterator[Element]:
    for txt in one.show.feed.texts:  # what directories ask for
        if value := wording.clean(txt.value):
            yield podcast("txt", value, {"purpose": wording.label(txt.purpose or "") or None})
    sisters = [other for other in identity.public(edition) if other.key != one.key]
    if sisters:
        yield podcast("podroll", children=[remote(other) for other in sisters])
    above = identity.publisher(edition)
    yield podcast("publisher", children=[remote(above, medium="publisher")])
    if "podping" in one.show.feed.announce:
        yield podcast("podping", attributes={"usesPodping": "true"})


def remote(other: Identity, *, medium: str | None = None) -> Element:
    """Make podcast:remoteItem, which points to another feed."""
    attributes = {"feedGuid": other.guid, "feedUrl": other.url(), "title": other.title, "medium": medium}
    return podcast("remoteItem", attributes=attributes)
