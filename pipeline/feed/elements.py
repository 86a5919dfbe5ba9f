"""Elements that feedgen has no words for enter; its extensions that write them into RSS and Atom leave."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from feedgen.util import xml_elem
from lxml import etree

ATOM = "http://www.w3.org/2005/Atom"
ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
PODCAST = "https://podcastindex.org/namespace/1.0"
PSC = "http://podlove.org/simple-chapters"

_CONTENT = "http://purl.org/rss/1.0/modules/content/"
_NAMESPACES = {"atom": ATOM, "content": _CONTENT, "itunes": ITUNES, "podcast": PODCAST, "psc": PSC}
_CHANNEL_INDENT = b"  "
_CHANNEL_END, _FEED_END = b"  </channel>\n</rss>\n", b"</feed>\n"


@dataclass(frozen=True, slots=True)
class Element:
    """An XML element. tag: `{namespace}name`; an attribute that is None is left out."""

    tag: str
    text: str | None = None
    attributes: Mapping[str, str | None] = field(default_factory=dict)
    children: tuple["Element", ...] = ()

    def write(self, parent: Any) -> None:
        """Append the element, and what it holds, to an element of lxml."""
        made = xml_elem(self.tag, parent, attrib={k: v for k, v in self.attributes.items() if v is not None})
        made.text = self.text
        for child in self.children:
            child.write(made)


def itunes(name: str, text: str) -> Element:
    """Make an element of Apple's namespace."""
    return Element(f"{{{ITUNES}}}{name}", text)


def podcast(
    name: str,
    text: str | None = None,
    attributes: Mapping[str, str | None] | None = None,
    children: Iterable[Element] = (),
) -> Element:
    """Make an element of the Podcasting 2.0 namespace."""
    return Element(f"{{{PODCAST}}}{name}", text, attributes or {}, tuple(children))


def atom_link(rel: str, href: str, media_type: str | None = None) -> Element:
    """Make an Atom link for an RSS feed."""
    return Element(f"{{{ATOM}}}link", None, {"href": href, "rel": rel, "type": media_type})


def as_item(element: Any) -> bytes:
    """Write an RSS item as it stands in every channel that declares the namespaces it uses."""
    rss = etree.Element("rss", nsmap=_NAMESPACES)
    channel = etree.SubElement(rss, "channel")
    channel.append(element)
    return _within(channel, _written(rss), indent=_CHANNEL_INDENT)


def as_entry(element: Any) -> bytes:
    """Write an Atom entry as it stands in every feed."""
    feed = etree.Element("feed")
    feed.append(element)
    return _within(feed, _written(feed))


def with_items(page: bytes, items: Iterable[bytes]) -> bytes:
    """Set RSS items, from `as_item`, at the end of the channel of a page that has none yet.

    Each is made once for all the feeds that hold it: feedgen would copy and write thousands of elements for each.
    """
    return _with_ending(page, _CHANNEL_END, items)


def with_entries(page: bytes, entries: Iterable[bytes]) -> bytes:
    """Do the same with Atom entries, from `as_entry`."""
    return _with_ending(page, _FEED_END, entries)


def _written(root: Any) -> bytes:
    data: bytes = etree.tostring(root, pretty_print=True, encoding="UTF-8")
    return data


def _within(parent: Any, text: bytes, *, indent: bytes = b"") -> bytes:
    name = parent.tag.encode()
    return text.partition(b"<%s>\n" % name)[2].rpartition(b"%s</%s>\n" % (indent, name))[0]


def _with_ending(page: bytes, ending: bytes, children: Iterable[bytes]) -> bytes:
    if not page.endswith(ending):
        raise ValueError(f"a page does not end in {ending!r}")
    return b"".join([page.removesuffix(ending), *children, ending])


class ItemElements:
    """A feedgen extension: further elements of an RSS item, in their order, and what feedgen gets wrong in Atom.

    atom_id: the entry's id, which feedgen takes to be the GUID; links: attributes, of which it writes only the address.
    """

    def __init__(self) -> None:
        self.elements: list[Element] = []
        self.atom_id = ""
        self.links: list[Mapping[str, str]] = []

    def extend_rss(self, item: Any) -> None:
        """Write them at the end of an RSS item."""
        for element in self.elements:
            element.write(item)

    def extend_atom(self, entry: Any) -> None:
        """Put an Atom entry right."""
        entry.find("id").text = self.atom_id
        for link, attributes in zip(entry.findall("link"), self.links, strict=True):
            link.attrib.update(attributes)


class ChannelElements(ItemElements):
    """The same for the channel. Undated, it takes out the lastBuildDate that feedgen sets to now of its own accord."""

    def __init__(self) -> None:
        super().__init__()
        self.namespaces: dict[str, str] = {"podcast": PODCAST}
        self.undated = False

    def extend_ns(self) -> dict[str, str]:
        """Name the namespaces to declare on the root."""
        return self.namespaces

    def extend_rss(self, rss: Any) -> None:
        """Write the elements at the end of the channel."""
        channel = rss.find("channel")
        if self.undated:
            channel.remove(channel.find("lastBuildDate"))
        super().extend_rss(channel)
