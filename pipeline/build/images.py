"""Pictures and words to the images of a site: covers, artwork, social images and icons, each from the cache."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal

from pipeline import artwork, pages
from pipeline.cache import Cache, key
from pipeline.model import Artwork, Caption, Episode, Feed, Picture, Show, asset_key

ARTWORK_PX = 3000
THUMBNAIL_PX = 320
FINER_PX = 512  # the same for screens with twice the pixels: no cover is wider than 256 of them
TAG_COVER_PX = 1000
CHAPTER_PX = 1400
ICONS_PX = (180, 192, 512)  # for Apple's systems; for a web manifest


class Images:
    """Makes images, and notes in `files` (path by key) those that are published.

    with_pages: whether there are pages to show them on, and to be shared; a feed alone needs neither thumbnails nor
    social images.
    """

    def __init__(
        self,
        cache: Cache,
        show: Show,
        pictures: dict[Path, Picture],
        *,
        files: dict[str, Path],
        scratch: Path,
        with_pages: bool,
    ) -> None:
        self.cache, self.show, self.pictures = cache, show, pictures
        self.files, self.scratch, self.with_pages = files, scratch, with_pages
        self._drawings: set[Path] = set()  # they have the measure that directories want

    def prepare(self, episodes: tuple[Episode, ...]) -> None:
        """Make every large image before there is sound to master: both at once would need twice the memory."""
        for picture in (self.of_show(), *(self.pictures[each.cover] for each in episodes if each.cover)):
            self._large(picture)
            self.prepared(picture, TAG_COVER_PX)
            self._small(picture)
        for feed in self.show.feeds:
            self._large(self.of_feed(feed))
            self._small(self.of_feed(feed))

    def of_show(self) -> Picture:
        """Return the show's artwork, drawn where it has none."""
        if self.show.artwork is not None:
            return self.pictures[self.show.artwork]
        return self._drawn("square", pages.show_caption(self.show))

    def of_feed(self, feed: Feed) -> Picture:
        """Return a feed's artwork, drawn where it has none."""
        if feed.artwork is not None:
            return self.pictures[feed.artwork]
        return self._drawn("square", pages.feed_caption(self.show, feed))

    def artwork(self, name: str, picture: Picture) -> Artwork:
        """Publish a picture as directories want it."""
        return self.published(name, self._large(picture))

    def thumbnail(self, name: str, picture: Picture) -> Artwork | None:
        """Publish a picture as pages show it, for coarse and fine screens; None where there are no pages."""
        made = tuple(self.published(name, each) for each in self._small(picture))
        if not made:
            return None
        small, fine = made
        return dataclasses.replace(small, finer=fine) if fine.width > small.width else small

    def chapter(self, slug: str, picture: Picture) -> Artwork:
        """Publish the image of a chapter in its own shape."""
        return self.published(f"chapter-{slug}", self.prepared(picture, CHAPTER_PX, square=False))

    def feed_artworks(self) -> Mapping[str, Artwork]:
        """Publish the artwork of feeds, by name."""
        return {feed.name: self.artwork(f"artwork-{feed.name}", self.of_feed(feed)) for feed in self.show.feeds}

    def feed_thumbnails(self) -> Mapping[str, Artwork]:
        """Publish the artwork of feeds as pages show it, by name."""
        feeds = ((feed.name, self.of_feed(feed)) for feed in self.show.feeds)
        return _there((name, self.thumbnail(f"artwork-{name}", picture)) for name, picture in feeds)

    def feed_socials(self) -> Mapping[str, Artwork]:
        """Publish the social images of feeds, by name."""
        captions = ((feed.name, pages.feed_caption(self.show, feed)) for feed in self.show.feeds)
        return _there((name, self.social(f"feed-social-{name}", caption)) for name, caption in captions)

    def region_socials(self, ids: set[str | None]) -> Mapping[str, Artwork]:
        """Publish the social images of the regions with these ids, by id."""
        regions = [region for region in self.show.regions if region.id in ids]
        captions = ((region.id, pages.region_caption(self.show, region.name)) for region in regions)
        return _there((name, self.social(f"region-social-{name}", caption)) for name, caption in captions)

    def social(self, name: str, caption: Caption) -> Artwork | None:
        """Publish the image that is shown where a page is shared; None where there are no pages."""
        return self.published(name, self._drawn("card", caption)) if self.with_pages else None

    def icons(self) -> tuple[Artwork, ...]:
        """Publish the emblem as PNG, ascending by size."""
        return tuple(self.published(f"icon-{size}", self._icon(size)) for size in ICONS_PX) if self.with_pages else ()

    def published(self, name: str, picture: Picture) -> Artwork:
        """Give a finished image the key under which it is published."""
        image = asset_key(name, picture.sha256, picture.path.suffix[1:])
        self.files[image] = picture.path
        return Artwork(
            key=image,
            url=self.show.url(image),
            mime=picture.mime,
            width=picture.width,
            height=picture.height,
            alt=picture.alt,
        )

    def prepared(self, picture: Picture, size_px: int, *, square: bool = True, thrifty: bool = False) -> Picture:
        """Return a picture as a plain JPEG of at most `size_px` a side."""

        def make(path: Path) -> Picture:
            return artwork.prepare(picture, path, size_px=size_px, square=square, thrifty=thrifty)

        entry_key = key("image", picture.sha256, size_px, square, thrifty, artwork.recipe())
        return dataclasses.replace(self._cached(entry_key, "jpg", make), alt=picture.alt)

    def _large(self, picture: Picture) -> Picture:
        return picture if picture.path in self._drawings else self.prepared(picture, ARTWORK_PX)

    def _small(self, picture: Picture) -> tuple[Picture, ...]:
        sizes = (THUMBNAIL_PX, FINER_PX) if self.with_pages else ()
        return tuple(self.prepared(picture, size, thrifty=True) for size in sizes)

    def _drawn(self, kind: Literal["card", "square"], caption: Caption) -> Picture:
        def make(path: Path) -> Picture:
            return (artwork.card if kind == "card" else artwork.square)(caption, path)

        entry_key = key("drawn", kind, dataclasses.asdict(caption), artwork.drawing_recipe())
        made = self._cached(entry_key, "png", make)
        self._drawings.add(made.path)
        return dataclasses.replace(made, alt=artwork.alt(caption))

    def _icon(self, size_px: int) -> Picture:
        entry_key = key("icon", size_px, artwork.drawing_recipe())
        return self._cached(entry_key, "png", lambda path: artwork.icon(size_px, path))

    def _cached(self, entry_key: str, extension: str, make: Callable[[Path], Picture]) -> Picture:
        entry = self.cache.get("images", entry_key)
        if entry is None:
            made = make(self.scratch / f"{entry_key}.{extension}")
            facts = {name: value for name, value in dataclasses.asdict(made).items() if name not in {"path", "alt"}}
            entry = self.cache.put("images", entry_key, made.path, facts)
        return Picture(**entry.facts, path=entry.path)


def _there(images: Iterable[tuple[str, Artwork | None]]) -> dict[str, Artwork]:
    return {name: image for name, image in images if image is not None}
