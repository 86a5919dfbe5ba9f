"""Show notes in Markdown enter, a safe HTML fragment or plain text leaves; markdown-it-py and nh3 live here."""

import html
import re
from collections.abc import Mapping, Sequence
from functools import cache, partial
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from pipeline.words.cleaning import clean_block, clean_line

_TAGS = {"p", "ul", "ol", "li", "a", "strong", "em", "b", "i", "code", "pre", "blockquote", "h2", "h3", "h4", "br"}
_ATTRIBUTES = {"a": {"href"}, "ol": {"start"}, "*": set[str]()}
_SCHEMES = {"http", "https", "mailto", "tel"}
_SCHEME = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*:")
_MOMENT = re.compile(
    r"#t=(?:(?:(?P<hours>[0-9]{1,3}):)?(?P<minutes>[0-9]{1,3}):)?(?P<seconds>[0-9]{1,6}(?:\.[0-9]{1,3})?)"
)
_NO_LINK = re.compile(r"<a>(.*?)</a>", re.DOTALL)
_TOP_HEADING = 3


def notes_html(markdown: str, *, page_url: str | None = None, top: int = _TOP_HEADING) -> str:
    """Render show notes as an HTML fragment that is safe on any page and in any feed.

    The highest heading becomes h3 and all others h4, because a page has its own h1 and h2. Comments and images are
    dropped, links lead to http, https, mailto or tel addresses only (those that may not are the words alone), and HTML
    in the notes shows as the text it is.

    Args:
        markdown: the whole of notes.md.
        page_url: the page: relative addresses, and links to a moment (`#t=75`, `#t=1:15`), lead from there, wherever
            the notes are read. Without it they are no links.
        top: the level of the highest heading.

    Returns:
        HTML of p, ul, ol, li, a, strong, em, b, i, code, pre, blockquote, headings and br; empty where there are no
        notes.

    Source:
        CommonMark 0.31.
    """
    parser = _parser()
    tokens = parser.parse(clean_block(markdown))
    _shift_headings(tokens, top)
    unsafe = parser.renderer.render(tokens, parser.options, {})
    fragment = nh3.clean(
        unsafe,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=partial(_allowed_attribute, page_url),
        url_schemes=_SCHEMES,
        link_rel=None,
    )
    return _NO_LINK.sub(r"\1", fragment).replace("<p></p>\n", "")  # what is left of an image alone


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark")
    parser.add_render_rule("html_block", _html_block)
    parser.add_render_rule("html_inline", _html_inline)
    parser.add_render_rule("image", _nothing)
    return parser


def plain(markdown: str) -> str:
    """Render show notes as plain text, for descriptions.

    Args:
        markdown: the whole of notes.md.

    Returns:
        Paragraphs with a blank line between them, list items on lines of their own, each link's address in brackets
        after its words; no newline at the end.
    """
    reader = _PlainText()
    reader.feed(notes_html(markdown))
    reader.close()
    return reader.text()


def _shift_headings(tokens: Sequence[Token], top: int) -> None:
    headings = [token for token in tokens if token.type in {"heading_open", "heading_close"}]
    highest = min((token.tag for token in headings), default="")
    for token in headings:
        token.tag = f"h{top if token.tag == highest else top + 1}"


def _html_block(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    text = _without_comments(tokens[index].content).strip()
    return f"<p>{html.escape(text)}</p>\n" if text else ""


def _html_inline(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return html.escape(_without_comments(tokens[index].content))


def _allowed_attribute(page_url: str | None, _: str, name: str, value: str) -> str | None:
    if name != "href":
        return value
    if _SCHEME.match(value):
        return value if value.partition(":")[0].lower() in _SCHEMES else None
    if page_url is None:  # a relative address would lead elsewhere in every feed reader
        return None
    if moment := _MOMENT.fullmatch(value):
        minutes = int(moment["hours"] or 0) * 60 + int(moment["minutes"] or 0)
        return f"{page_url}#t={float(moment['seconds']) + minutes * 60:.3f}".rstrip("0").rstrip(".")
    try:
        return None if value.startswith("#t=") else urljoin(page_url, value)
    except ValueError:
        return None


def _nothing(*_: Any) -> str:
    return ""


def _without_comments(text: str) -> str:
    kept, position = [], 0
    while (start := text.find("<!--", position)) >= 0 and (end := text.find("-->", start + 2)) >= 0:
        kept.append(text[position:start])
        position = end + len("-->")
    return "".join([*kept, text[position:]])


class _PlainText(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self._blocks: list[str] = []
        self._words: list[str] = []
        self._mark = ""
        self._lists: list[int | None] = []
        self._link = ""
        self._link_start = 0

    def text(self) -> str:
        self._finish()
        return "\n".join(self._blocks).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "br":
            self._words.append("\n")
        elif tag == "a":
            self._link, self._link_start = attributes.get("href") or "", len(self._words)
        elif tag in _BLOCKS:
            self._finish()
            self._open(tag, attributes)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            words = "".join(self._words[self._link_start :])
            if self._link and self._link.removeprefix("mailto:") != words.removeprefix("mailto:"):
                self._words.append(f" ({self._link})")
        elif tag in _BLOCKS:
            self._finish()
            if tag in {"ul", "ol"}:
                self._lists.pop()
            if not self._lists:
                self._space()

    def handle_data(self, data: str) -> None:
        self._words.append(re.sub(r"\s+", " ", data))

    def _open(self, tag: str, attributes: Mapping[str, str | None]) -> None:
        if tag in {"ul", "ol"}:
            self._lists.append(int(attributes.get("start") or 1) if tag == "ol" else None)
        elif tag == "li":
            number = self._lists[-1]
            self._mark = "- " if number is None else f"{number}. "
            if number is not None:
                self._lists[-1] = number + 1

    def _finish(self) -> None:
        lines = [clean_line(line) for line in "".join(self._words).split("\n")]
        text = "\n".join(line for line in lines if line)
        self._words.clear()
        if text:
            indent = "  " * max(0, len(self._lists) - 1)
            self._blocks.append(indent + self._mark + text)
            self._mark = ""

    def _space(self) -> None:
        if self._blocks and self._blocks[-1]:
            self._blocks.append("")


_BLOCKS = frozenset({"p", "pre", "ul", "ol", "li", "blockquote", "h2", "h3", "h4"})
