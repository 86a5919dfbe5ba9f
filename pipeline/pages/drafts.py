"""What is known of an episode in, a first draft of its show notes (CommonMark) out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline import model
from pipeline.model import Episode, Mention, Outline, Show
from pipeline.pages import wording
from pipeline.pages.views import safe_url
from pipeline.pages.wording import one_line

WITHOUT_WORDS = "<!-- made before there was a transcript: made anew when there is one, unless you change it -->"

_SPECIAL = re.compile(r"([\\`*_\[\]<~|]|&(?=[#\w]))")
_AT_START = re.compile(r"^(?:(\d+)([.)])|([#+=>:-]))")
_NOT_IN_ADDRESSES = re.compile(r"[\s<>\\()\[\]`*_]")
_FENCE = re.compile(r"^\s*(?:`{3,}|~{3,})")
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+")
_UNDERLINE = re.compile(r"^\s{0,3}(?:=+|-+)\s*$")
_DEFINITION = re.compile(r"^(\s{0,3})\[(?=[^\]\n]+\]:)")


class Markdown(str):
    """Text that is Markdown already and must not be escaped again."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What is known of an episode's words. outline: to choose from; summary: what a program answered, or empty."""

    outline: Outline
    length_ms: int | None = None
    summary: str = ""


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


def moment(start_ms: int) -> Markdown:
    """Write a Markdown link to a moment of the episode, with the time as its words."""
    return Markdown(f"[{model.clock(start_ms)}](#t={start_ms // 1000})")


def tamed(text: str) -> Markdown:
    """Take from foreign Markdown what could change the notes around it: HTML, headings, fences and definitions."""
    kept: list[str] = []
    for line in text.splitlines():
        if _FENCE.match(line) or _UNDERLINE.match(line):
            continue
        clean = " ".join(_HEADING.sub("", line).expandtabs(4).rstrip().split(" ")).replace("<", "\\<")
        kept.append(_DEFINITION.sub(r"\1\\[", "".join(letter for letter in clean if letter.isprintable())))
    return Markdown(re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip())


def values(show: Show, episode: Episode, heard: Heard | None) -> Mapping[str, object]:
    """Return what templates/notes.md.jinja may use. Text is not escaped here but where it is put out.

    Raises:
        ConfigError: the show's time zone is unknown.
    """
    published = episode.published and wording.in_zone(episode.published, show.timezone)
    outline = heard.outline if heard else Outline()
    length_ms = heard.length_ms if heard else None
    return {
        "show": one_line(show.title),
        "email": one_line(show.owner_email),
        "title": one_line(episode.title),
        "summary": one_line(episode.summary),
        "region": one_line(show.region_name(episode.region)),
        "set_name": one_line(episode.set_name),
        "recorded": wording.date_words(episode.recorded_on) if episode.recorded_on else "",
        "published": wording.date_words(published) if published else "",
        "length": wording.rough_length_words(length_ms) if length_ms else "",
        "speakers": [one_line(speaker.label) for speaker in episode.speakers],
        "topics": [one_line(topic) for topic in episode.topics],
        "is_explicit": episode.explicit,
        "chapters": [
            {
                "clock": model.clock(chapter.start_ms),
                "moment": moment(chapter.start_ms),
                "title": link(chapter.title, chapter.url),
            }
            for chapter in episode.chapters
        ],
        "links": [link(entry.title, entry.url) for entry in episode.links],
        "has_words": heard is not None,
        "quotes": [_mention(each) for each in outline.quotes],
        "key_words": [one_line(each) for each in outline.key_words],
        "terms": [{"term": one_line(each.term), "meaning": one_line(each.meaning)} for each in outline.terms],
        "unexplained": [one_line(each) for each in outline.unexplained],
        "addresses": [_mention(each) for each in outline.addresses],
        "actions": [_mention(each) for each in outline.actions],
        "machine_summary": tamed(heard.summary) if heard else Markdown(""),
    }


def _mention(mention: Mention) -> Mapping[str, object]:
    return {"text": one_line(mention.text), "moment": moment(mention.start_ms), "by": one_line(mention.by)}
