"""An edition and one of its feeds enter; who that feed is, and where each of its pages stands, leaves."""

import re
import uuid
from dataclasses import dataclass

from pipeline.feed import wording
from pipeline.model import FEED_KEY, PUBLISHER_KEY, Artwork, Edition, Feed, Show, Visibility, feed_key

_NAMESPACE = uuid.UUID("ead4c236-bf58-58c6-a2c6-a6b28d128cb6")
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_EXTENSION = ".xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A feed as directories know it. `feed` is None for the network feed and for the publisher's; texts are clean."""

    show: Show
    feed: Feed | None
    key: str
    title: str
    description: str
    language: str
    guid: str
    artwork: Artwork

    @property
    def is_public(self) -> bool:
        """Say whether everyone may know of the feed."""
        return self.feed is None or self.feed.visibility is Visibility.PUBLIC

    @property
    def home(self) -> str:
        """The address of the site."""
        return wording.address(self.show.url("index.html"))

    def page_key(self, page: int = 1, extension: str = "xml") -> str:
        """Name the key of a page; the first is 1."""
        stem = self.key.removesuffix(_EXTENSION)
        return f"{stem}.{extension}" if page == 1 else f"{stem}/page-{page}.{extension}"

    def url(self, page: int = 1, extension: str = "xml") -> str:
        """Return the address of a page."""
        return wording.address(self.show.url(self.page_key(page, extension)))


def guid(feed_url: str) -> str:
    """Derive a feed's podcast:guid from its address, for a feed that has none configured.

    Args:
        feed_url: the feed's address; its scheme and trailing slashes do not count.

    Returns:
        a UUID of version 5, in lower case.

    Source:
        Podcasting 2.0 namespace 1.0, podcast:guid.
    """
    return str(uuid.uuid5(_NAMESPACE, _SCHEME.sub("", feed_url).rstrip("/")))


def of(edition: Edition, feed: Feed | None, *, key: str | None = None) -> Identity:
    """Say who a feed is.

    Args:
        edition: what is published.
        feed: a named feed; None for the network feed.
        key: where its first page stands, if not in its usual place.

    Raises:
        FeedError: text or an address that it needs is missing.
    """
    show = edition.show
    place = key or (feed_key(feed.name) if feed and feed.visibility is Visibility.PUBLIC else FEED_KEY)
    configured = wording.clean((feed.guid if feed else show.guid) or "")
    return Identity(
        show=show,
        feed=feed,
        key=place,
        title=wording.needed(feed.title if feed else show.title, "title"),
        description=wording.needed((feed.description if feed else None) or show.description, "description"),
        language=wording.needed((feed.language if feed else None) or show.language, "language"),
        guid=configured or guid(wording.address(show.url(place))),
        artwork=edition.artwork_of(feed),
    )


def publisher(edition: Edition) -> Identity:
    """Say who the publisher is: the umbrella over the network feed and its parts."""
    show = edition.show
    return Identity(
        show=show,
        feed=None,
        key=PUBLISHER_KEY,
        title=wording.needed(show.author, "author"),
        description=wording.needed(show.description, "description"),
        language=wording.needed(show.language, "language"),
        guid=wording.clean(show.feed.publisher_guid or "") or guid(wording.address(show.url(PUBLISHER_KEY))),
        artwork=edition.artwork,
    )


def public(edition: Edition) -> tuple[Identity, ...]:
    """List the feeds that everyone may know of: the network feed, then the named ones in their order."""
    named = (feed for feed in edition.show.feeds if feed.visibility is Visibility.PUBLIC)
    return (of(edition, None), *(of(edition, feed) for feed in named))
