"""An episode -> every text of it that leaves this computer, and how to put another in its place; pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pipeline import words
from pipeline.model import Chapter, Episode, Link, Soundbite, Speaker

Put = Callable[[Episode, str], Episode]
SHOWN = "notes as they are shown"
EPISODE, NOTES, CHAPTERS, NAMES, COVER = "episode.toml", "notes.md", "chapters.toml", "file names", "cover"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text of an episode. put: returns the episode with another text in its place; None where a person must do so."""

    file: str
    field: str
    text: str
    put: Put | None = None


def texts(episode: Episode, in_cover: str = "") -> Iterator[Text]:
    """List every text of an episode but its transcript.

    Args:
        episode: as it is described.
        in_cover: what the file of its cover says in words (EXIF and the like).
    """
    for field in ("title", "summary", "display", "set_name"):
        yield from _written(EPISODE, field, getattr(episode, field), _field(field))
    yield from _written(NOTES, "notes", episode.notes, _field("notes"))
    yield from _written(NOTES, SHOWN, words.plain(episode.notes or ""), None)  # what Markdown hides, pages show
    for number, topic in enumerate(episode.topics):
        yield from _written(EPISODE, f"topic {number + 1}", topic, _nth("topics", number, lambda _, text: text))
    yield from _speakers(episode)
    yield from _links(episode)
    for number, bite in enumerate(episode.soundbites):
        yield from _written(EPISODE, f"soundbite {number + 1}", bite.title, _nth("soundbites", number, _bite))
    for number, chapter in enumerate(episode.chapters):
        yield from _written(CHAPTERS, f"chapter {number + 1}", chapter.title, _nth("chapters", number, _chapter))
        yield from _written(CHAPTERS, f"address of chapter {number + 1}", chapter.url, None)
    names = [episode.slug, *(source.path.name for source in episode.sources)]
    names += [chapter.image.name for chapter in episode.chapters if chapter.image]
    for name in dict.fromkeys(names):
        yield Text(file=NAMES, field=name, text=name.replace("-", " ").replace("_", " "))
    yield from _written(COVER, "words in the file", in_cover, None)


def _speakers(episode: Episode) -> Iterator[Text]:
    for number, speaker in enumerate(episode.speakers):
        yield from _written(EPISODE, f"role {number + 1}", speaker.role, None)
        yield from _written(
            EPISODE, f"organisation {number + 1}", speaker.organisation, _nth("speakers", number, _organisation)
        )


def _links(episode: Episode) -> Iterator[Text]:
    for number, link in enumerate(episode.links):
        yield from _written(EPISODE, f"link {number + 1}", link.title, _nth("links", number, _link))
        yield from _written(EPISODE, f"address of link {number + 1}", link.url, None)


def _written(file: str, field: str, text: str | None, put: Put | None) -> Iterator[Text]:
    if text and text.strip():
        yield Text(file=file, field=field, text=text, put=put)


def _field(name: str) -> Put:
    def put(episode: Episode, text: str) -> Episode:
        changes: Any = {name: text}
        return replace(episode, **changes)

    return put


def _nth(name: str, number: int, change: Callable[..., object]) -> Put:
    def put(episode: Episode, text: str) -> Episode:
        entries = list(getattr(episode, name))
        entries[number] = change(entries[number], text)
        changes: Any = {name: tuple(entries)}
        return replace(episode, **changes)

    return put


def _bite(bite: Soundbite, text: str) -> Soundbite:
    return replace(bite, title=text)


def _chapter(chapter: Chapter, text: str) -> Chapter:
    return replace(chapter, title=text)


def _organisation(speaker: Speaker, text: str) -> Speaker:
    return replace(speaker, organisation=text)


def _link(link: Link, text: str) -> Link:
    return replace(link, title=text)
