"""What is known of an episode in, a first draft of its show notes (CommonMark) out."""

import re
from collections.abc import Mapping

from pipeline import model
from pipeline.model import Episode, Show
from pipeline.pages import wording
from pipeline.pages.views import safe_url
from pipeline.pages.wording import one_line

_SPECIAL = re.compile(r"([\\`*_\[\]<~|]|&(?=[#\w]))")
_AT_START = re.compile(r"^(?:(\d+)([.)])|([#+=>:-]))")
_NOT_IN_ADDRESSES = re.compile(r"[\s<>\\()\[\]`*_]")


class Markdown(str):
    """Text that is Markdown already and must not be escaped again."""

    __slots__ = ()


def escape(value: object) -> object:
    """Escape a value so that Markdown shows it as it stands, on one line.

    Source: CommonMark 0.31.2, section 2.4 (backslash escapes).
    """
    if isinstance(value, Markdown):
        return value
    text = _SPECIAL.sub(r"\\\1", one_line(str(value)))
    return _AT_START.sub(lambda found: f"{found[1]}\\{found[2]}" if found[1] else f"\\{found[3]}", text)


def link(title: str, url: str | None) -> Markdown:
    """Write a Markdown link; only the title where the address is not one that is safe to follow."""
    address = safe_url(url)
    text = escape(title)
    if address is None:
        return Markdown(text)
    quoted = _NOT_IN_ADDRESSES.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), address)
    return Markdown(f"[{text}]({quoted.replace('&', '&amp;')})")


def values(show: Show, episode: Episode) -> Mapping[str, object]:
    """Return what templates/notes.md.jinja may use. Text is not escaped here but where it is put out.

    Raises:
        ConfigError: the show's time zone is unknown.
    """
    published = episode.published and wording.in_zone(episode.published, show.timezone)
    return {
        "show": one_line(show.title),
        "title": one_line(episode.title),
        "summary": one_line(episode.summary),
        "region": one_line(show.region_name(episode.region)),
        "set_name": one_line(episode.set_name),
        "recorded": wording.date_words(episode.recorded_on) if episode.recorded_on else "",
        "published": wording.date_words(published) if published else "",
        "speakers": [one_line(speaker.label) for speaker in episode.speakers],
        "topics": [one_line(topic) for topic in episode.topics],
        "chapters": [
            {"clock": model.clock(chapter.start_ms), "title": link(chapter.title, chapter.url)}
            for chapter in episode.chapters
        ],
        "links": [link(entry.title, entry.url) for entry in episode.links],
    }
