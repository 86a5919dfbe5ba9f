"""The HTML or plain text of a feed enters, CommonMark or plain text leaves; only html.parser lives here.

Paragraphs, breaks, headings, lists, quotes, emphasis and links stay; everything else keeps its words only, and
scripts, styles and media not even those.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import takewhile
from urllib.parse import quote

MAX_CHARACTERS = 200_000
MAX_DEPTH = 8
HIDDEN = frozenset({"script", "style", "head", "title", "template", "iframe", "object", "svg", "audio", "video"})
HEADINGS = {f"h{level}": level for level in range(1, 7)}
BLOCKS = frozenset(
    {*HEADINGS, *("p", "div", "section", "article", "header", "footer", "ul", "ol", "li", "blockquote", "pre")}
    | {"table", "tr", "dl", "dt", "dd", "hr"}
)
MARKS = {"strong": "strong", "b": "strong", "em": "em", "i": "em"}

_IS_HTML = re.compile(r"</?[A-Za-z][^<>]*>|&(?:#\d+|#[xX][0-9A-Fa-f]+|[A-Za-z]+\d*);")
_SPACES = re.compile("[ \t\n\r\v\f\x1c-\x1f\x85\u2028\u2029]+")
# What notes may not hold, and what reverses the direction of the text after it: gone, it must not uncover a mark.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_ADDRESS = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?')\]]")
_LINK = re.compile(r"(?:https?://[^\s/]|mailto:[^\s@]+@)\S*", re.IGNORECASE)
_SPECIAL = re.compile(r"[\\`*\[\]]|<(?=[A-Za-z/!?])|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_])")
_LINE_START = re.compile(r"(?m)^(\s*)(?:([-+])(?=\s|$|-)|(#{1,6})(?=\s|$)|(>)|(=+\s*$)|(~{3})|(\d{1,9})([.)])(?=\s|$))")


def markdown(text: str) -> str:
    """Write the description of an item as CommonMark.

    Args:
        text: HTML, or plain text with its lines.

    Returns:
        CommonMark that holds no HTML and leads to http, https and mailto addresses only; ends in a newline, or is
        empty.

    Source:
        CommonMark 0.31.
    """
    writer = _Writer()
    writer.feed(_as_html(text[:MAX_CHARACTERS]))
    writer.close()
    return writer.text()


def plain(text: str) -> str:
    """Write the description of an item as plain text: paragraphs with a blank line between them, breaks as lines."""
    reader = _Plain()
    reader.feed(_as_html(text[:MAX_CHARACTERS]))
    reader.close()
    return reader.text()


def _as_html(text: str) -> str:
    if _IS_HTML.search(text):
        return text
    paragraphs = re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip())
    return "".join(f"<p>{'<br>'.join(map(_linked, part.split(chr(10))))}</p>" for part in paragraphs)


def _cleaned(text: str) -> str:
    return _SPACES.sub(" ", _UNPRINTABLE.sub("", text))


def _linked(line: str) -> str:
    parts, end = [], 0
    for found in _ADDRESS.finditer(line):
        address = html.escape(found[0])
        parts += [html.escape(line[end : found.start()]), f'<a href="{address}">{address}</a>']
        end = found.end()
    return "".join([*parts, html.escape(line[end:])])


class _Plain(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self._parts: list[str] = []
        self._hidden = 0

    def text(self) -> str:
        lines = [" ".join(line.split()) for line in "".join(self._parts).split("\n")]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if tag in HIDDEN:
            self._hidden += 1
        self._break(tag)

    def handle_startendtag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        if tag != "br":
            self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._parts.append(_cleaned(data))

    def _break(self, tag: str) -> None:
        if tag == "br" or tag in {"li", "tr", "dt", "dd"}:
            self._parts.append("\n")
        elif tag in BLOCKS:
            self._parts.append("\n\n")


@dataclass(slots=True)
class _Span:
    """A stretch of inline text: kind "" (the block itself), strong, em or a."""

    kind: str
    href: str = ""
    parts: "list[str | _Span]" = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Level:
    """A container a block stands in: a quote, or an entry of a list with its mark."""

    mark: str
    begun: bool = False

    def prefix(self) -> str:
        if self.mark == "> ":
            return self.mark
        first, self.begun = not self.begun, True
        return self.mark if first else " " * len(self.mark)


class _Writer(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []
        self._written: tuple[_Level, ...] = ()
        self._levels: list[tuple[str, _Level]] = []
        self._lists: list[tuple[str, int, str]] = []
        self._marks: dict[tuple[int, str], int] = {}
        self._spans: list[_Span] = [_Span("")]
        self._heading = 0
        self._hidden = 0

    def text(self) -> str:
        self._flush()
        return "\n".join([*self._lines, ""]) if self._lines else ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in HIDDEN:
            self._hidden += 1
        elif tag == "br":
            self._newline()
        elif tag in BLOCKS:
            self._flush()
            self._open(tag, dict(attrs))
        elif tag in MARKS or tag == "a":
            self._open_span(MARKS.get(tag, tag), dict(attrs).get("href") or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br" or tag not in HIDDEN:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        elif tag in BLOCKS:
            self._flush()
            self._close(tag)
        elif tag in MARKS or tag == "a":
            self._close_span(MARKS.get(tag, tag))

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._spans[-1].parts.append(_cleaned(data))

    def _newline(self) -> None:
        parts = self._spans[-1].parts
        while parts and isinstance(parts[-1], str) and parts[-1] != "\n" and not parts[-1].strip():
            parts.pop()
        if parts and parts[-1] == "\n" and len(self._spans) == 1 and not self._heading:
            self._flush()
        elif not self._hidden:
            parts.append("\n")

    def _open(self, tag: str, attrs: dict[str, str | None]) -> None:
        self._heading = HEADINGS.get(tag, 0)
        if tag in {"ul", "ol"}:
            self._open_list(tag, attrs.get("start") or "")
        elif tag == "li":
            self._open_entry()
        elif tag == "blockquote" and len(self._levels) < MAX_DEPTH:
            self._levels.append((tag, _Level("> ")))

    def _open_list(self, tag: str, start: str) -> None:
        # Lists that follow one another need different marks, or they would become one.
        place = (len(self._lists), tag)
        self._marks[place] = 1 - self._marks.get(place, 1)
        marks = ("-", "*") if tag == "ul" else (".", ")")
        first = int(start) if re.fullmatch(r"[0-9]{1,8}", start) else 1
        self._lists.append((tag, first, marks[self._marks[place]]))

    def _open_entry(self) -> None:
        self._close("li")
        if not self._lists:
            self._open_list("ul", "")
        kind, number, mark = self._lists[-1]
        self._lists[-1] = (kind, number + 1, mark)
        if len(self._levels) < MAX_DEPTH:
            self._levels.append((f"li{len(self._lists)}", _Level(f"{mark} " if kind == "ul" else f"{number}{mark} ")))

    def _close(self, tag: str) -> None:
        self._heading = 0
        name = f"li{len(self._lists)}" if tag in {"li", "ul", "ol"} else tag
        names = [kind for kind, _ in self._levels]
        if name in names:
            del self._levels[len(names) - 1 - names[::-1].index(name) :]
        if tag in {"ul", "ol"} and self._lists:
            self._lists.pop()

    def _open_span(self, kind: str, href: str) -> None:
        if len(self._spans) > MAX_DEPTH or any(span.kind == kind for span in self._spans):
            return
        span = _Span(kind, _address(href))
        self._spans[-1].parts.append(span)
        self._spans.append(span)

    def _close_span(self, kind: str) -> None:
        kinds = [span.kind for span in self._spans]
        if kind in kinds:
            del self._spans[kinds.index(kind) :]

    def _flush(self) -> None:
        text = re.sub(r" {2,}", " ", _rendered(self._spans[0].parts))
        text = re.sub(r" ?\n[ \n]*", "\n", text).strip(" \n")
        self._spans = [_Span("")]
        if text.strip():
            self._write(text)

    def _write(self, text: str) -> None:
        levels = tuple(level for _, level in self._levels)
        shared = [
            level for level, _ in takewhile(lambda pair: pair[0] is pair[1], zip(levels, self._written, strict=False))
        ]
        if self._lines and not self._continues_list(levels, len(shared)):
            self._lines.append(
                "".join("> " if level.mark == "> " else " " * len(level.mark) for level in shared).rstrip()
            )
        for line in self._block_lines(text):
            self._lines.append("".join(level.prefix() for level in levels) + line)
        self._written = levels

    def _continues_list(self, levels: Sequence[_Level], shared: int) -> bool:
        # The next entry of the same list, or a list within the entry just written, needs no blank line.
        new = levels[shared:]
        begins = bool(new) and all(level.mark != "> " and not level.begun for level in new)
        return begins and (shared > 0 or bool(self._written)) and self._same_list(new[0], shared)

    def _same_list(self, first: _Level, shared: int) -> bool:
        if len(self._written) <= shared:
            # Within a paragraph, only a list of bullets or one that begins with 1 is seen as a list.
            return shared > 0 and self._written[shared - 1].mark != "> " and not re.match(r"(?!1\D)\d", first.mark)
        before = self._written[shared].mark
        return before != "> " and before.strip()[-1] == first.mark.strip()[-1]

    def _block_lines(self, text: str) -> list[str]:
        if self._heading:
            return [f"{'#' * self._heading} {text.replace(chr(10), ' ').replace('#', chr(92) + '#')}"]
        lines = _LINE_START.sub(_escaped_start, text).split("\n")
        return [*(f"{line}\\" for line in lines[:-1]), lines[-1]]


def _escaped_start(found: re.Match[str]) -> str:
    space, number, point = found[1], found[7], found[8]
    return f"{space}{number}\\{point}" if number else f"{space}\\{found[0][len(space) :]}"


def _address(href: str) -> str:
    href = "".join(href.split())
    href = f"https:{href}" if href.startswith("//") else href
    return quote(href, safe="/:@!$&'*+,;=~-._%?#") if href.isprintable() and _LINK.fullmatch(href) else ""


def _rendered(parts: "Sequence[str | _Span]") -> str:
    text = ""
    for index, part in enumerate(parts):
        if isinstance(part, str):
            text += _SPECIAL.sub(lambda found: f"\\{found[0]}", part)
        else:
            text += _span(part, text[-1:] or " ", _first(parts[index + 1 :]))
    return text


def _first(parts: "Sequence[str | _Span]") -> str:
    following = next(iter(parts), "")
    if isinstance(following, str):
        return following[:1] or " "
    return "[" if following.kind == "a" else "*"


def _span(span: _Span, before: str, after: str) -> str:
    inner = _rendered(span.parts)
    words = inner.strip(" \n")
    if not words:
        return inner
    lead, tail = inner[: len(inner) - len(inner.lstrip(" \n"))], inner[len(inner.rstrip(" \n")) :]
    if span.kind == "a":
        return f"{lead}{_link(span, words)}{tail}" if span.href else inner
    mark = "**" if span.kind == "strong" else "_" if "*" in (words[0], words[-1]) else "*"
    fits = _flanks(lead[-1:] or before, words[0], mark) and _flanks(tail[:1] or after, words[-1], mark)
    return f"{lead}{mark}{words}{mark}{tail}" if fits else inner


def _flanks(outside: str, inside: str, mark: str) -> bool:
    """Say whether CommonMark takes `mark` between the two characters for emphasis."""
    if outside in "*_":
        return False
    if mark == "_":
        return not outside.isalnum()
    return inside.isalnum() or not outside.isalnum()


def _link(span: _Span, words: str) -> str:
    bare = "".join(part for part in span.parts if isinstance(part, str)).strip()
    if bare == span.href and span.href.isascii():
        return f"<{span.href}>"
    target = re.sub(r"&(?=#?\w+;)", "&amp;", span.href)
    return f"[{words.replace(chr(10), ' ')}]({target})"
