"""Elements that feedgen has no words for enter; its extensions that write them into RSS and Atom leave."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from feedgen.util import xml_elem
from lxml import etree

ATOM = "http://www.w3.org/2005/Atom"
ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
PODCAST = "https://podcastindex.org/namespace/1.0"
PSC = "http://podlove.org/simple-chapters"


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


def serialised(element: Any) -> bytes:
    """Write an element of lxml down."""
    data: bytes = etree.tostring(element, encoding="utf-8")
    return data


def parsed(data: bytes) -> Any:
    """Make an element of lxml of what `serialised` wrote: our own, which names no entity and asks nobody."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, strip_cdata=False, huge_tree=True)
    return etree.fromstring(data, parser)


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
    """The same for the channel; behind its elements it sets items that were made once and belong to several feeds.

    Undated, it takes out the lastBuildDate that feedgen sets to now of its own accord.
    """

    def __init__(self) -> None:
        super().__init__()
        self.namespaces: dict[str, str] = {"podcast": PODCAST}
        self.undated = False
        self.items: list[Any] = []

    def extend_ns(self) -> dict[str, str]:
        """Name the namespaces to declare on the root."""
        return self.namespaces

    def extend_rss(self, rss: Any) -> None:
        """Write the elements and copies of the items at the end of the channel."""
        channel = rss.find("channel")
        if self.undated:
            channel.remove(channel.find("lastBuildDate"))
        super().extend_rss(channel)
        channel.extend(deepcopy(self.items))


class AtomEntries:
    """A feedgen extension that sets entries that were made once at the end of an Atom feed."""

    def __init__(self) -> None:
        self.entries: list[Any] = []

    def extend_ns(self) -> dict[str, str]:
        """Name the namespaces to declare: none beside Atom's own."""
        return {}

    def extend_atom(self, feed: Any) -> None:
        """Append copies of the entries."""
        feed.extend(deepcopy(self.entries))
