"""A show and its items in, the values that templates may use out: cleaned text, ready words, addresses."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from pipeline import model
from pipeline.model import TRANSCRIPT_FORMATS, Clip, Edition, Enclosure, Episode, EpisodeKind, Feed, Item, Show, Speaker
from pipeline.pages import wording
from pipeline.pages.framing import COMPACT, TALL, code
from pipeline.pages.pictures import ImageView, image_view
from pipeline.pages.wording import clean, one_line

HOME_KEY = "index.html"
EPISODES_KEY = "episodes/index.html"
ACCESSIBILITY_KEY = "accessibility/index.html"
SUBSCRIBE_KEY = "subscribe/index.html"
SHARE_KEY = "share/index.html"
ABOUT_KEY = "about/index.html"
PRIVACY_KEY = "privacy/index.html"
NOT_FOUND_KEY = "404.html"
MANIFEST_KEY = "site.webmanifest"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedView:
    """A feed as a page shows it."""

    title: str
    address: str
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowView:
    """The show as pages show it."""

    title: str
    description: str
    author: str
    language: str
    email: str
    copyright: str
    is_nhs: bool
    home: str
    address: str
    episodes: str
    accessibility: str
    subscribe: str
    share: str
    about: str
    privacy: str
    regions: str
    topics: str
    seasons: str
    people: str
    search: str
    feed: FeedView
    feeds: tuple[FeedView, ...]
    image: ImageView
    social: ImageView
    manifest: str
    touch_icon: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """What the head of a page says; `address` is the canonical one, None where there is none."""

    title: str
    description: str
    address: str | None
    is_indexed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ChapterView:
    """A chapter: `start` in seconds, `clock` as people read it, `anchor` the fragment that names the moment."""

    title: str
    start: str
    clock: str
    anchor: str
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileView:
    """A file to download: its name for people, its address and media type."""

    name: str
    link: str
    mime: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipView:
    """A soundbite as a file of its own; `clock` is where in the episode it begins, as people read it."""

    title: str
    clock: str
    file: FileView


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeView:
    """An episode as pages show it. Text fields are "" where the episode says nothing."""

    slug: str
    title: str
    label: str
    summary: str
    region: str
    set_name: str
    speakers: tuple[str, ...]
    is_explicit: bool
    language: str
    year: int
    date: str
    date_iso: str
    published_iso: str
    length: str
    length_iso: str
    link: str
    address: str
    embed_address: str
    oembed_address: str
    transcript_link: str
    audio: FileView
    audio_address: str
    alternates: tuple[FileView, ...]
    clips: tuple[ClipView, ...]
    image: ImageView
    social: ImageView
    chapters: tuple[ChapterView, ...]
    notes: Markup
    transcripts: tuple[FileView, ...]
    feeds: tuple[FeedView, ...]
    embed_code: str
    tall_embed_code: str


def show_view(edition: Edition) -> ShowView:
    """Make what templates see of the show."""
    show = edition.show
    return ShowView(
        title=one_line(show.title),
        description=clean(show.description),
        author=one_line(show.author),
        language=one_line(show.language),
        email=one_line(show.owner_email),
        copyright=one_line(show.copyright),
        is_nhs=show.identity == "nhs",
        home=show.link(HOME_KEY),
        address=show.url(HOME_KEY),
        episodes=show.link(EPISODES_KEY),
        accessibility=show.link(ACCESSIBILITY_KEY),
        subscribe=show.link(SUBSCRIBE_KEY),
        share=show.link(SHARE_KEY),
        about=show.link(ABOUT_KEY),
        privacy=show.link(PRIVACY_KEY),
        **_indexes(edition),
        search=show.link(model.SEARCH_KEY) if show.search else "",
        feed=feed_view(show, show.title, model.FEED_KEY),
        feeds=_feed_views(show, show.feeds),
        image=image_view(show, edition.thumbnail),
        social=image_view(show, edition.social or edition.thumbnail),
        manifest=show.link(MANIFEST_KEY) if edition.icons else "",
        touch_icon=show.link(edition.icons[0].key) if edition.icons else "",
    )


def _indexes(edition: Edition) -> dict[str, str]:
    """Link the lists of groups that have a page; "" for those that have none."""
    episodes = [item.episode for item in edition.items]
    named = (speaker for episode in episodes for speaker in episode.speakers if speaker.is_named)
    there = {
        "regions": bool(edition.show.regions),
        "topics": any(map(one_line, (topic for episode in episodes for topic in episode.topics))),
        "seasons": any(episode.season is not None or one_line(episode.set_name) for episode in episodes),
        "people": any(named),
    }
    return {kind: edition.show.link(model.list_key(kind)) if is_there else "" for kind, is_there in there.items()}


def episode_view(edition: Edition, item: Item) -> EpisodeView:
    """Make what templates see of an item.

    Raises:
        ConfigError: the show's time zone is unknown.
    """
    show, episode = edition.show, item.episode
    local = wording.in_zone(item.published, show.timezone)
    length_ms = item.enclosure.duration_ms
    return EpisodeView(
        slug=episode.slug,
        title=one_line(episode.title),
        label=label(episode),
        summary=clean(episode.summary),
        region=one_line(show.region_name(episode.region)),
        set_name=one_line(episode.set_name),
        speakers=_speakers(episode.speakers),
        is_explicit=episode.explicit,
        language=one_line(episode.language or show.language),
        year=local.year,
        date=wording.date_words(local),
        date_iso=local.date().isoformat(),
        published_iso=local.isoformat(timespec="seconds"),
        length=wording.length_words(length_ms),
        length_iso=wording.length_iso(length_ms),
        link=show.link(model.episode_key(episode.slug)),
        address=show.url(model.episode_key(episode.slug)),
        embed_address=show.url(model.embed_key(episode.slug)),
        oembed_address=show.url(model.oembed_key(episode.slug)),
        transcript_link=show.link(model.transcript_key(episode.slug, "html")) if episode.transcript else "",
        audio=_sound(show, item.enclosure),
        audio_address=show.url(item.enclosure.key),
        alternates=tuple(_sound(show, one.enclosure, one.title) for one in item.alternates),
        clips=tuple(_clip_view(show, clip) for clip in item.clips),
        image=image_view(show, item.thumbnail or item.cover or edition.thumbnail),
        social=image_view(show, item.social or item.cover or edition.social or edition.thumbnail),
        chapters=tuple(_chapters(episode)),
        notes=Markup(clean(item.notes_html)),  # noqa: S704  # an Item's notes are sanitised HTML
        transcripts=_transcripts(show, item),
        feeds=_feed_views(show, tuple(feed for feed in show.feeds if feed.holds(episode))),
        embed_code=str(embed_code(show, episode, COMPACT)),
        tall_embed_code=str(embed_code(show, episode, TALL)),
    )


def embed_code(show: Show, episode: Episode, form: str) -> Markup:
    """Write the HTML that puts an episode's player into another site."""
    title = one_line(episode.title)
    text = f"{title}, with {'transcript' if episode.transcript else 'notes'}"
    page = show.url(model.episode_key(episode.slug))
    return code(show.url(model.embed_key(episode.slug, form)), title, form, page, text)


def show_data(show: ShowView) -> dict[str, object]:
    """Describe the show to search engines, as schema.org's PodcastSeries."""
    return {
        "@context": "https://schema.org",
        "@type": "PodcastSeries",
        "name": show.title,
        "description": show.description,
        "url": show.address,
        "webFeed": show.feed.address,
        "image": show.social.address,
        "inLanguage": show.language,
        "author": {"@type": "Organization", "name": show.author},
    }


def episode_data(show: ShowView, view: EpisodeView, item: Item) -> dict[str, object]:
    """Describe an episode to search engines, as schema.org's PodcastEpisode; what is not known is left out."""
    episode = item.episode
    data: dict[str, object] = {
        "@context": "https://schema.org",
        "@type": "PodcastEpisode",
        "name": view.title,
        "url": view.address,
        "description": view.summary,
        "datePublished": view.published_iso,
        "duration": view.length_iso,
        "inLanguage": view.language,
        "image": view.social.address,
        "episodeNumber": episode.number,
        "partOfSeries": {"@type": "PodcastSeries", "name": show.title, "url": show.address},
        "partOfSeason": {"@type": "PodcastSeason", "seasonNumber": episode.season} if episode.season else None,
        "contributor": [_person(speaker) for speaker in episode.speakers],
        "accessibilityFeature": ["transcript"] if episode.transcript else None,
        "associatedMedia": {
            "@type": "AudioObject",
            "contentUrl": view.audio_address,
            "encodingFormat": view.audio.mime,
            "contentSize": str(item.enclosure.length),
            "duration": view.length_iso,
            **_transcript_data(item),
        },
        "hasPart": [_clip(view, chapter) for chapter in view.chapters],
    }
    return {key: value for key, value in data.items() if value not in (None, "", [])}


def _transcript_data(item: Item) -> dict[str, str]:
    """Name the transcript by its address (schema.org: URL is a kind of Text): the words are on the page already."""
    addresses = [file.url for file in item.transcripts if file.mime == TRANSCRIPT_FORMATS["txt"]]
    return {"transcript": addresses[0]} if addresses else {}


def _person(speaker: Speaker) -> dict[str, str]:
    key = "name" if speaker.is_named else "jobTitle"
    return {"@type": "Person", key: one_line(speaker.label)}


def _clip(view: EpisodeView, chapter: ChapterView) -> dict[str, object]:
    return {
        "@type": "Clip",
        "name": chapter.title,
        "startOffset": float(chapter.start),
        "url": f"{view.address}#{chapter.anchor}",
    }


def label(episode: Episode) -> str:
    """Name an episode by its kind and number: `Episode 1`, `Trailer`, or nothing."""
    if episode.kind is EpisodeKind.FULL:
        return f"Episode {episode.number}" if episode.number is not None else ""
    return "Trailer" if episode.kind is EpisodeKind.TRAILER else "Bonus episode"


def _speakers(speakers: tuple[Speaker, ...]) -> tuple[str, ...]:
    return tuple(one_line(speaker.label) for speaker in speakers)


def _chapters(episode: Episode) -> Iterator[ChapterView]:
    for chapter in episode.chapters:
        yield ChapterView(
            title=one_line(chapter.title),
            start=f"{chapter.start_ms / 1000:.3f}".rstrip("0").rstrip("."),
            clock=model.clock(chapter.start_ms),
            anchor=anchor(chapter.start_ms),
            url=safe_url(chapter.url),
        )


def anchor(start_ms: int) -> str:
    """Name a moment as a fragment: `t=75`, both a media fragment (W3C Media Fragments 1.0) and an id on the page."""
    return f"t={start_ms // 1000}"


def safe_url(url: str | None) -> str | None:
    """Return `url` where following it is harmless (http, https), else None."""
    text = one_line(url)
    return text if text.lower().startswith(("https://", "http://")) else None


def _sound(show: Show, enclosure: Enclosure, title: str | None = None) -> FileView:
    about = f"{wording.rough_length_words(enclosure.duration_ms)}, {wording.size_words(enclosure.length)}"
    name = one_line(title) or wording.audio_name(enclosure.mime)
    return FileView(name=f"{name} ({about})", link=show.link(enclosure.key), mime=enclosure.mime)


def _clip_view(show: Show, clip: Clip) -> ClipView:
    return ClipView(
        title=one_line(clip.bite.title) or "Clip",
        clock=model.clock(clip.bite.start_ms),
        file=_sound(show, clip.enclosure),
    )


def _transcripts(show: Show, item: Item) -> tuple[FileView, ...]:
    return tuple(
        FileView(
            name=wording.transcript_name(file.mime),
            link=_link(show, file.url),
            mime=file.mime,
        )
        for file in item.transcripts
    )


def _link(show: Show, url: str) -> str:
    return show.link(url.removeprefix(show.site_url)) if url.startswith(show.site_url) else url


def feed_view(show: Show, title: str, key: str) -> FeedView:
    """Make what templates see of a feed."""
    return FeedView(title=one_line(title), address=show.url(key), link=show.link(key))


def _feed_views(show: Show, feeds: tuple[Feed, ...]) -> tuple[FeedView, ...]:
    return tuple(feed_view(show, feed.title, model.feed_key(feed.name)) for feed in feeds)


def newest(moments: tuple[datetime, ...], timezone: str) -> str | None:
    """Return the latest day among `moments` as `2026-10-01`, None where there is none."""
    return wording.in_zone(max(moments), timezone).date().isoformat() if moments else None


def by_year(episodes: tuple[EpisodeView, ...]) -> Mapping[int, list[EpisodeView]]:
    """Group episodes by the year they were published in; the order stays."""
    years: dict[int, list[EpisodeView]] = {}
    for episode in episodes:
        years.setdefault(episode.year, []).append(episode)
    return years
