"""An item in, what search finds of it out: its words, each below the moment that its page can be opened at."""

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from markupsafe import Markup

from pipeline.model import Findable, Item, Passage, Show, episode_key
from pipeline.pages import script, views, wording
from pipeline.pages.wording import clean, one_line

_NOTES_ANCHOR = "notes"


@cache
def finding_recipe() -> str:
    """Name everything but the item that decides what is found of it, for a cache key: the code itself."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def findable(show: Show, item: Item, *, said: bool = True) -> Findable:
    """Gather what can be found of an episode.

    Args:
        show: for the names of regions and the time zone.
        item: an episode that the public site shows.
        said: whether with what was said; without it this costs next to nothing.

    Raises:
        ConfigError: the show's time zone is unknown.
    """
    episode = item.episode
    local = wording.in_zone(item.published, show.timezone)
    language = one_line(episode.language or show.language)
    facts = (wording.date_words(local), one_line(show.region_name(episode.region)))
    return Findable(
        path=episode_key(episode.slug).removesuffix("index.html"),
        year=local.year,
        title=one_line(episode.title),
        facts=" \u00b7 ".join(fact for fact in facts if fact),
        region=episode.region,
        language=None if language == show.language else language,
        passages=(*_about(item), *(_said(item) if said else ())),
    )


def _about(item: Item) -> Iterator[Passage]:
    episode = item.episode
    speakers = ", ".join(one_line(speaker.label) for speaker in episode.speakers)
    for text in (one_line(episode.summary), one_line(episode.set_name), speakers):
        if text:
            yield Passage(anchor="", text=text)
    notes = clean(Markup(item.notes_html).striptags())  # noqa: S704  # an Item's notes are sanitised HTML
    if notes:
        yield Passage(anchor=_NOTES_ANCHOR, text=notes)


def _said(item: Item) -> Iterator[Passage]:
    if item.episode.transcript is None:
        for chapter in item.episode.chapters:
            yield Passage(anchor=views.anchor(chapter.start_ms), text=one_line(chapter.title))
        return
    for part in script.parts(item.episode):
        paragraphs = [paragraph for turn in part.turns for paragraph in turn.paragraphs]
        if part.title:  # found where its words begin, not a second before them
            yield Passage(anchor=paragraphs[0].anchor if paragraphs else part.id or "", text=part.title)
        for number, paragraph in enumerate(paragraphs):
            yield Passage(anchor="" if part.title and not number else paragraph.anchor, text=paragraph.text)
