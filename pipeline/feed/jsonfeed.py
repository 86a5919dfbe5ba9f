"""An edition enters, the bytes of JSON Feed 1.1 leave, page by page."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.feed import description, entries, wording
from pipeline.feed.archive import Page, settings_of, utc
from pipeline.feed.identity import Identity
from pipeline.model import Enclosure, Item

EXTENSION = "json"

_VERSION = "https://jsonfeed.org/version/1.1"
_NO_ITEMS = "[]\n}"


def page(one: Identity, part: Page, made: Mapping[str, str]) -> bytes:
    """Write a page. made: items by GUID, as `entry` wrote them."""
    following = part.links.get("next")
    hubs = [{"type": "WebSub", "url": wording.address(hub)} for hub in one.show.feed.hubs] if one.is_public else []
    document = {
        "version": _VERSION,
        "title": one.title,
        "home_page_url": one.home,
        "feed_url": one.url(part.number, EXTENSION),
        "description": one.description,
        "next_url": one.url(following, EXTENSION) if following else None,
        "icon": wording.image_address(one.artwork),
        "authors": [{"name": wording.needed(one.show.author, "author"), "url": one.home}],
        "language": one.language,
        "expired": one.show.feed.complete or None,
        "hubs": hubs,
        "items": [],
    }
    kept = {key: value for key, value in document.items() if key == "items" or value}
    text = json.dumps(kept, ensure_ascii=False, indent=1)
    items = ",\n  ".join(made[item.episode.guid] for item in part.items)
    if items:
        text = f"{text.removesuffix(_NO_ITEMS)}[\n  {items}\n ]\n}}"
    return f"{text}\n".encode()


def entry(item: Item) -> str:
    """Write the JSON of an item, as it stands within a page.

    Raises:
        FeedError: the feed would be invalid with it.
    """
    episode, source = item.episode, settings_of(item.episode)
    html, text = description.html(item), description.plain(item)
    values = {
        "id": entries.exact_guid(episode),
        "url": wording.address(item.page_url, source),
        "title": wording.needed(episode.title, "title", source),
        "content_html": html,
        "content_text": "" if html else text,
        "summary": text,
        "image": wording.image_address(item.cover) if item.cover else None,
        "date_published": utc(item.published).isoformat(),
        "date_modified": utc(item.changed).isoformat(),
        "authors": [{"name": name} for name in entries.named(episode.speakers)],
        "tags": [tag for topic in episode.topics if (tag := wording.line(topic))],
        "language": wording.clean(episode.language or ""),
    }
    attachments = [_attachment(item.enclosure, None, source)]
    attachments += [_attachment(one.enclosure, one.title, source) for one in item.alternates]
    kept = {key: value for key, value in values.items() if value} | {"attachments": attachments}
    return json.dumps(kept, ensure_ascii=False, indent=1).replace("\n", "\n  ")


def _attachment(one: Enclosure, title: str | None, source: Path) -> dict[str, Any]:
    sound = entries.sound(one, source)
    named = {"title": wording.line(title)} if title else {}
    return {
        "url": sound["url"],
        "mime_type": sound["type"],
        **named,
        "size_in_bytes": one.length,
        "duration_in_seconds": one.duration_ms // 1000,
    }
