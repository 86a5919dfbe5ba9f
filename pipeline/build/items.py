"""Episodes and their masters to items: tagged sound, images and addresses, each slow part from the cache."""

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline import audio, pages, tags, words
from pipeline.build.images import TAG_COVER_PX, Images
from pipeline.cache import Cache, Entry, key
from pipeline.model import (
    TRANSCRIPT_FORMATS,
    AlternateEnclosure,
    Chapter,
    Clip,
    Edition,
    Enclosure,
    Episode,
    Item,
    Master,
    Picture,
    Rendition,
    Show,
    Soundbite,
    TranscriptFile,
    Visibility,
    chapters_key,
    embed_key,
    episode_key,
    media_key,
    oembed_key,
    transcript_key,
)

SHORTEST_CLIP_MS = 1_000
CODING_NAMES = {"aac": "M4A", "opus": "Opus"}


class Press:
    """Makes items, and gathers in `files` (path by key) what must be copied into the site beside the texts."""

    def __init__(self, cache: Cache, show: Show, pictures: dict[Path, Picture], *, with_pages: bool = False) -> None:
        self.cache, self.show, self.pictures, self.with_pages = cache, show, pictures, with_pages
        self.files: dict[str, Path] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.scratch = self._stack.enter_context(self.cache.scratch())
        self.images = Images(
            self.cache,
            self.show,
            self.pictures,
            files=self.files,
            scratch=self.scratch,
            with_pages=self.with_pages,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def edition(
        self, episodes: tuple[Episode, ...], masters: dict[str, Master], beside: tuple[Item, ...] = ()
    ) -> Edition:
        """Complete the episodes that are due, and put them among those that are complete, newest first."""
        images = self.images
        picture = images.of_show()
        items = [*beside, *(self.item(episode, masters[episode.slug]) for episode in episodes)]
        items.sort(key=lambda item: (item.published, item.episode.guid), reverse=True)
        artwork, home = images.artwork("artwork", picture), self.show.url("")
        return Edition(
            show=self.show,
            artwork=artwork,
            thumbnail=images.thumbnail("thumbnail", picture) or artwork,
            items=tuple(items),
            social=images.social("show-social", pages.show_caption(self.show)),
            feed_artworks=images.feed_artworks(),
            feed_thumbnails=images.feed_thumbnails(),
            feed_socials=images.feed_socials(),
            region_socials=images.region_socials({item.episode.region for item in items}),
            icons=images.icons(),
            about_html=words.notes_html(self.show.site.about or "", page_url=home, top=2),
            privacy_html=words.notes_html(self.show.site.privacy or "", page_url=home, top=2),
        )

    def item(self, episode: Episode, master: Master) -> Item:
        """Complete an episode that has a publication date."""
        published = episode.published
        if published is None:
            raise ValueError(f"{episode.slug} has no publication date")
        episode = words.moved(episode, master.timeline)
        episode = dataclasses.replace(
            episode,
            summary=episode.summary or words.plain(episode.notes or "").partition("\n\n")[0] or None,
            chapters=tuple(self._chapter(episode, chapter) for chapter in episode.chapters),
        )
        url, slug = self.show.url, episode.slug
        page_url, is_public = url(episode_key(slug)), episode.visibility is Visibility.PUBLIC
        cover = self.pictures.get(episode.cover) if episode.cover else None
        caption = pages.episode_caption(self.show, episode, duration_ms=master.duration_ms)
        return Item(
            episode=episode,
            published=published,
            enclosure=self._enclosure(episode, master, cover),
            alternates=tuple(self._alternate(episode, master, one, cover) for one in master.renditions),
            clips=tuple(self._clip(episode, master, bite) for bite in episode.soundbites if _is_there(bite, master)),
            page_url=page_url,
            embed_url=url(embed_key(slug)),
            oembed_url=url(oembed_key(slug)),
            notes_html=words.notes_html(episode.notes or "", page_url=page_url if is_public else None),
            chapters_url=url(chapters_key(slug)) if episode.chapters else None,
            transcripts=self._transcripts(episode),
            cover=self.images.artwork(f"cover-{slug}", cover) if cover else None,
            thumbnail=self.images.thumbnail(f"cover-{slug}", cover) if cover else None,
            social=self.images.social(f"social-{slug}", caption) if is_public else None,
            waveform=master.waveform,
        )

    def _chapter(self, episode: Episode, chapter: Chapter) -> Chapter:
        if chapter.image is None:
            return chapter
        image = self.images.chapter(episode.slug, self.pictures[chapter.image])
        return dataclasses.replace(chapter, image_url=image.url)

    def _transcripts(self, episode: Episode) -> tuple[TranscriptFile, ...]:
        transcript = episode.transcript
        if transcript is None:
            return ()
        return tuple(
            TranscriptFile(
                url=self.show.url(transcript_key(episode.slug, extension)), mime=mime, language=transcript.language
            )
            for extension, mime in TRANSCRIPT_FORMATS.items()
        )

    def _enclosure(self, episode: Episode, master: Master, cover: Picture | None) -> Enclosure:
        entry = self._tagged(episode, master, cover, path=master.path, sha256=master.sha256)
        return self._named(entry, episode.slug, mime=master.mime, duration_ms=master.duration_ms)

    def _alternate(
        self, episode: Episode, master: Master, rendition: Rendition, cover: Picture | None
    ) -> AlternateEnclosure:
        entry = self._tagged(episode, master, cover, path=rendition.path, sha256=rendition.sha256)
        return AlternateEnclosure(
            enclosure=self._named(entry, episode.slug, mime=rendition.mime, duration_ms=master.duration_ms),
            title=f"{CODING_NAMES[rendition.codec]}, {rendition.bit_rate_kbps} kbit/s",
            codecs=rendition.codecs,
            bit_rate_kbps=rendition.bit_rate_kbps,
        )

    def _clip(self, episode: Episode, master: Master, bite: Soundbite) -> Clip:
        values = self._values(episode, master)
        title = bite.title or episode.title
        values = dataclasses.replace(values, title=title, track=None, season=None, guid=None, chapters=())
        recipes = (audio.clip_recipe(self.show.audio), tags.recipe(self.show.tags))
        entry_key = key("clip", master.sha256, bite.start_ms, bite.duration_ms, repr(values), *recipes)
        entry = self.cache.get("clips", entry_key)
        if entry is None:
            made = audio.clip(master.path, bite, self.scratch / f"{entry_key}.untagged.mp3", self.show.audio)
            values = dataclasses.replace(values, duration_ms=made.duration_ms)
            path = self.scratch / f"{entry_key}.mp3"
            tags.write(made.path, path, values, cover=None, settings=self.show.tags)
            entry = self.cache.put("clips", entry_key, path, {"duration_ms": made.duration_ms})
        slug, duration_ms = f"{episode.slug}-clip", int(entry.facts["duration_ms"])
        return Clip(bite=bite, enclosure=self._named(entry, slug, mime=master.mime, duration_ms=duration_ms))

    def _named(self, entry: Entry, name: str, *, mime: str, duration_ms: int) -> Enclosure:
        sha256 = self.cache.sha256(entry.path)
        media = media_key(name, sha256, entry.path.suffix[1:])
        self.files[media] = entry.path
        return Enclosure(
            path=entry.path,
            sha256=sha256,
            key=media,
            url=self.show.url(media),
            length=entry.path.stat().st_size,
            mime=mime,
            duration_ms=duration_ms,
        )

    def _tagged(self, episode: Episode, master: Master, cover: Picture | None, *, path: Path, sha256: str) -> Entry:
        picture = self.images.prepared(cover or self.images.of_show(), TAG_COVER_PX)
        values = self._values(episode, master)
        recipe = tags.recipe(self.show.tags)
        entry_key = key("tagged", sha256, repr(values), picture.sha256, picture.alt, recipe)
        entry = self.cache.get("tagged", entry_key)
        if entry is None:
            tagged = self.scratch / f"{entry_key}{path.suffix}"
            tags.write(path, tagged, values, cover=picture, settings=self.show.tags)
            entry = self.cache.put("tagged", entry_key, tagged, {})
        return entry

    def _values(self, episode: Episode, master: Master) -> tags.Tags:
        is_public = episode.visibility is Visibility.PUBLIC  # one for members has no page of its own
        page_url = self.show.url(episode_key(episode.slug) if is_public else "index.html")
        return tags.values(self.show, episode, duration_ms=master.duration_ms, page_url=page_url)


def files_of(show: Show, item: Item) -> Iterator[str]:
    """Name the keys of the large files that an item names as its own: its sound and its images."""
    yield from (item.enclosure.key, *(each.enclosure.key for each in item.alternates))
    yield from (each.enclosure.key for each in item.clips)
    images = [item.cover, item.thumbnail, item.thumbnail.finer if item.thumbnail else None, item.social]
    yield from (image.key for image in images if image is not None)
    yield from (each.image_url.removeprefix(show.site_url) for each in item.episode.chapters if each.image_url)


def _is_there(bite: Soundbite, master: Master) -> bool:
    """Say whether edits have left enough of a soundbite for a clip; the feed names it in any case."""
    return min(bite.start_ms + bite.duration_ms, master.duration_ms) - bite.start_ms >= SHORTEST_CLIP_MS
