"""What a members' feed holds -> each member's small site as values; every address in it is below the member's prefix.

A feed is rendered once, with a stand-in for the secret that is as long as a secret, and the stand-in is replaced for
each member: 500 members cost little more than one.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from pipeline import feed, pages
from pipeline.build import headers
from pipeline.build.items import Press
from pipeline.build.outputs import words_of
from pipeline.cache import Cache
from pipeline.members import Member, member_prefix
from pipeline.model import (
    FEED_KEY,
    Artwork,
    Asset,
    Edition,
    Enclosure,
    Episode,
    Feed,
    Item,
    Master,
    Picture,
    Release,
    Show,
    Visibility,
    feed_key,
    transcript_key,
)

STAND_IN = "5ec0de" * 6 + "5ec0"  # the secret of nobody, as long as a secret, so that nothing is cut otherwise
_HOME_KEY = "index.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersEdition:
    """A members' feed, what it holds, with the stand-in in every address, and the files that it names."""

    feed: Feed
    edition: Edition
    files: Mapping[str, Path]
    assets: tuple[Asset, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersSite:
    """A members' site, rendered: `shared` is the same for each member, `personal` holds the stand-in."""

    feed: Feed
    shared: Mapping[str, Path | bytes]
    personal: Mapping[str, bytes]
    shared_assets: tuple[Asset, ...]

    def contents(self, member: Member) -> dict[str, Path | bytes]:
        """Return every file of `member`'s site, by its key below the member's prefix."""
        return {**self.shared, **self._personal(member)}

    def release(self, member: Member) -> Release:
        """Describe `member`'s site as it is published."""
        own = [_text_asset(key, data) for key, data in self._personal(member).items()]
        return Release(assets=tuple(sorted((*self.shared_assets, *own), key=lambda asset: asset.key)))

    def _personal(self, member: Member) -> dict[str, bytes]:
        token = member.token.encode()
        return {key: data.replace(STAND_IN.encode(), token) for key, data in self.personal.items()}


def editions(
    cache: Cache,
    show: Show,
    pictures: dict[Path, Picture],
    episodes: tuple[Episode, ...],
    masters: dict[str, Master],
) -> tuple[MembersEdition, ...]:
    """Complete what each members' feed holds.

    Args:
        cache: keeps what is slow; the sound is the same file that the public feeds name.
        show: the show, with all its feeds.
        pictures: as read.
        episodes: those that are due, public and for members.
        masters: by slug.
    """
    feeds = [part for part in show.feeds if part.visibility is Visibility.MEMBERS]
    return tuple(_edition(cache, show, part, pictures, episodes=episodes, masters=masters) for part in feeds)


def render(made: MembersEdition, *, templates: Path) -> MembersSite:
    """Render the site of a members' feed.

    Raises:
        FeedError: the feed would be invalid.
        TemplateError: a template cannot be rendered.
    """
    pages_of_feed = feed.render_pages(made.edition, made.feed, key=FEED_KEY)
    texts = {**pages_of_feed, **dict(chain.from_iterable(map(words_of, made.edition.items)))}
    texts |= pages.members(_for_pages(made), templates=templates)
    personal = {key: data for key, data in texts.items() if STAND_IN.encode() in data}
    shared = {key: data for key, data in texts.items() if key not in personal}
    shared_assets = (*made.assets, *(_text_asset(key, data) for key, data in shared.items()))
    return MembersSite(
        feed=made.feed, shared={**made.files, **shared}, personal=personal, shared_assets=tuple(shared_assets)
    )


def _edition(
    cache: Cache,
    show: Show,
    part: Feed,
    pictures: dict[Path, Picture],
    *,
    episodes: tuple[Episode, ...],
    masters: dict[str, Master],
) -> MembersEdition:
    held = tuple(episode for episode in episodes if part.holds(episode))
    with Press(cache, replace(show, feeds=(part,)), pictures) as press:
        edition = press.edition(held, masters)
    names = headers.file_names(edition)
    assets = tuple(
        _private(headers.asset(key, sha256=cache.sha256(path), size=path.stat().st_size, names=names))
        for key, path in press.files.items()
    )
    part = replace(part, guid=part.guid or feed.guid(show.url(feed_key(part.name))))
    return MembersEdition(feed=part, edition=_moved(edition), files=dict(press.files), assets=assets)


def _moved(edition: Edition) -> Edition:
    """Give every address the stand-in's prefix, and leave out what leads to other feeds or tells of this one."""
    show = edition.show
    settings = replace(show.feed, hubs=(), announce=(), moved_to=None)
    there = replace(show, site_url=show.site_url + member_prefix(STAND_IN), feeds=(), feed=settings, search=False)

    def artwork(image: Artwork) -> Artwork:
        return replace(image, url=there.url(image.key))

    return replace(
        edition,
        show=there,
        artwork=artwork(edition.artwork),
        thumbnail=artwork(edition.thumbnail),
        items=tuple(_moved_item(item, show, there) for item in edition.items),
        feed_artworks={name: artwork(image) for name, image in edition.feed_artworks.items()},
    )


def _moved_item(item: Item, here: Show, there: Show) -> Item:
    def moved(url: str | None) -> str | None:
        return there.site_url + url.removeprefix(here.site_url) if url and url.startswith(here.site_url) else url

    def sound(enclosure: Enclosure) -> Enclosure:
        return replace(enclosure, url=there.url(enclosure.key))

    episode = item.episode
    chapters = tuple(replace(chapter, image_url=moved(chapter.image_url)) for chapter in episode.chapters)
    page = transcript_key(episode.slug, "html") if episode.transcript else _HOME_KEY
    return replace(
        item,
        episode=replace(episode, chapters=chapters),
        enclosure=sound(item.enclosure),
        alternates=tuple(replace(one, enclosure=sound(one.enclosure)) for one in item.alternates),
        clips=tuple(replace(one, enclosure=sound(one.enclosure)) for one in item.clips),
        page_url=there.url(page),
        embed_url=there.url(page),
        oembed_url=there.url(page),
        chapters_url=moved(item.chapters_url),
        transcripts=tuple(replace(file, url=moved(file.url) or file.url) for file in item.transcripts),
        cover=replace(item.cover, url=there.url(item.cover.key)) if item.cover else None,
    )


def _for_pages(made: MembersEdition) -> Edition:
    show = made.edition.show
    show = replace(show, title=made.feed.title, description=made.feed.description or show.description)
    return replace(made.edition, show=show)


def _text_asset(key: str, data: bytes) -> Asset:
    return _private(headers.asset(key, sha256=hashlib.sha256(data).hexdigest(), size=len(data)))


def _private(asset: Asset) -> Asset:
    """Keep shared caches from holding it: what is revoked must be gone at once."""
    return replace(asset, cache_control=asset.cache_control.replace("public", "private"))
