"""An edition -> the files that its search page asks for: an index for each year, made again only where it changed.

A year is the piece: what is past stays as it is, in the cache and in the store, and the work of a build and its memory
are those of one year, however long a show has been going on.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path

from pipeline import pages, search
from pipeline.cache import Cache, Entry, key
from pipeline.model import (
    SEARCH_PAGES_KEY,
    Edition,
    Findable,
    Item,
    Show,
    Visibility,
    search_key,
    transcript_key,
)

_KIND = "search"


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """What search needs: small files by key, and large ones by key with the path they are copied from."""

    texts: Mapping[str, bytes] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)


def index(edition: Edition, hashes: Mapping[str, str], cache: Cache) -> Index:
    """Index what can be found in an edition.

    Args:
        edition: what is published.
        hashes: of what was rendered, by key: the transcripts decide whether anything has changed.
        cache: holds the indexes of the edition, and no others: what was taken back is not kept.

    Raises:
        SearchError: the index cannot be made.
        WorkspaceError: the cache cannot be written.
    """
    entries = dict(_entries(edition, hashes, cache)) if edition.show.search else {}
    cache.keep_only(_KIND, {entry.path.name for entry in entries.values()})
    if not entries:
        return Index()
    by_year = {year: entry.facts["regions"] for year, entry in entries.items()}
    return Index(
        texts={SEARCH_PAGES_KEY: (json.dumps(by_year, sort_keys=True) + "\n").encode()},
        files={
            search_key(year, path.relative_to(entry.path).as_posix()): path
            for year, entry in entries.items()
            for path in sorted(entry.path.rglob("*"))
            if path.is_file()
        },
    )


def _entries(edition: Edition, hashes: Mapping[str, str], cache: Cache) -> Iterator[tuple[int, Entry]]:
    items = [item for item in edition.items if item.episode.visibility is Visibility.PUBLIC]
    known = {item.episode.slug: pages.findable(edition.show, item, said=False) for item in items}
    items.sort(key=lambda item: (known[item.episode.slug].year, item.episode.slug))
    for year, found in groupby(items, key=lambda item: known[item.episode.slug].year):
        yield year, _entry(edition.show, tuple(found), known, hashes, cache)


def _entry(
    show: Show, items: tuple[Item, ...], known: Mapping[str, Findable], hashes: Mapping[str, str], cache: Cache
) -> Entry:
    stamps = [_stamp(known[item.episode.slug], item, hashes) for item in items]
    name = key(_KIND, search.recipe(), pages.finding_recipe(), show.language, stamps)
    entry = cache.get_folder(_KIND, name)
    if entry is None:
        with cache.scratch() as scratch:
            found = {known[item.episode.slug].path: partial(pages.findable, show, item) for item in items}
            regions = search.index(found, scratch / name, language=show.language)
            entry = cache.put_folder(_KIND, name, scratch / name, {"regions": regions})
    return entry


def _stamp(about: Findable, item: Item, hashes: Mapping[str, str]) -> list[str]:
    """Say in short all that decides what can be found of an item."""
    said = hashes.get(transcript_key(item.episode.slug, "json"), "")
    chapters = [(chapter.start_ms, chapter.title) for chapter in item.episode.chapters]
    return [repr(about), repr(chapters), said]
