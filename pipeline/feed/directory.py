"""An edition enters, the bytes of an OPML list of its public feeds leave."""

from xml.etree import ElementTree as ET

from pipeline.feed import identity, wording
from pipeline.model import Edition


def opml(edition: Edition) -> bytes:
    """Render the list of feeds that apps import: the network feed and every public named one.

    Raises:
        FeedError: text or an address that a feed needs is missing.

    Source:
        OPML 2.0, subscription lists.
    """
    root = ET.Element("opml", version="2.0")
    head = ET.SubElement(root, "head")
    ET.SubElement(head, "title").text = wording.line(edition.show.title)
    ET.SubElement(head, "ownerName").text = wording.line(edition.show.owner_name)
    ET.SubElement(head, "ownerEmail").text = wording.line(edition.show.owner_email)
    body = ET.SubElement(root, "body")
    for one in identity.public(edition):
        title = wording.line(one.title)
        outline = {
            "type": "rss",
            "text": title,
            "title": title,
            "description": wording.line(one.description),
            "language": one.language,
            "version": "RSS2",
            "xmlUrl": one.url(),
            "htmlUrl": one.home,
        }
        ET.SubElement(body, "outline", outline)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="UTF-8", xml_declaration=True)) + b"\n"
