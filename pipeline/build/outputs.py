"""An edition -> everything that its site holds as text, written: what is made of all episodes, and what of each."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pipeline import feed, pages, words
from pipeline.build import abreast, headers, memory, searching, site
from pipeline.build.mastering import Report
from pipeline.build.memory import Made, Memory
from pipeline.build.survey import CheckFailedError
from pipeline.cache import Cache
from pipeline.model import FEED_KEY, Edition, Item, chapters_key, is_feed_key, transcript_key, waveform_key
from pipeline.workspace import Workspace

Files = Iterator[tuple[str, bytes]]

_TRANSCRIPT_WRITERS = {
    "vtt": words.webvtt,
    "srt": words.srt,
    "json": words.transcript_json,
    "txt": words.plain_text,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What writing did; by the name of an episode's folder, what its files were made of, and what they are.

    entries, shown: each episode as it stands in feeds and as pages show it, by the name of its folder; leaves: by name,
    what the other pages were made of, and what they are.
    """

    written: site.Written
    made: Mapping[str, tuple[str, dict[str, Made]]]
    entries: Mapping[str, feed.Entries]
    shown: Mapping[str, pages.Shown]
    leaves: Mapping[str, tuple[str, dict[str, Made]]]


class Outputs:
    """The texts of a site. items: the public ones."""

    def __init__(self, edition: Edition, templates: Path, known: Memory | None = None) -> None:
        self._edition = edition
        remembered = known.episodes if known else {}
        self._pages = pages.Pages(
            edition, templates, {each.item.episode.slug: each.shown for each in remembered.values()}
        )
        self.items, self._remembered = self._pages.items, remembered
        self._each: tuple[Callable[[Item], Files], ...] = (words_of, _waveform, self._pages.of_episode)

    @cached_property
    def entries(self) -> Mapping[str, feed.Entries]:
        """Each item as it stands in feeds, by the name of its folder."""
        known, show = self._remembered, self._edition.show
        names = {item.episode.path.name: item for item in self.items}
        return {
            name: known[name].entries if name in known else feed.entries_of(show, item) for name, item in names.items()
        }

    def of_all(self) -> Files:
        """Write what is made of all episodes: feeds, the sitemap, and the styles and scripts of all pages.

        Raises:
            MediaError: a feed would be invalid, or a template cannot be rendered.
        """
        by_guid = {item.episode.guid: self.entries[item.episode.path.name] for item in self.items}
        yield from feed.render_all(self._edition, by_guid).items()
        yield from self._pages.of_all()

    def leaves(self) -> Iterator[pages.Leaf]:
        """List the other pages that are no episode's own: they are rendered where they do not stand."""
        return self._pages.leaves()

    def shown(self, item: Item) -> pages.Shown:
        """Say in hashes how pages show an item."""
        return self._pages.shown[item.episode.slug]

    def made_of(self, item: Item) -> str:
        """Hash what an episode's files are made of besides itself, the settings and the templates."""
        return self._pages.made_of(item)

    def of_episode(self, item: Item) -> Files:
        """Write what is made of one episode: its words, its chapters, the picture of its sound, its pages.

        Raises:
            MediaError: a template cannot be rendered.
        """
        for write in self._each:
            yield from write(item)


def everything(edition: Edition, templates: Path) -> Files:
    """Write all texts of a site, one after the other.

    Raises:
        MediaError: a feed would be invalid, or a template cannot be rendered.
    """
    outputs = Outputs(edition, templates)
    yield from outputs.of_all()
    for leaf in outputs.leaves():
        yield from leaf.render()
    for item in outputs.items:
        yield from outputs.of_episode(item)


def write(
    where: Workspace,
    edition: Edition,
    files: Mapping[str, Path],
    *,
    cache: Cache,
    report: Report,
    known: Memory | None = None,
    jobs: int | None = None,
) -> Done:
    """Render what changed, and write it into site/.

    Args:
        where: the workspace.
        edition: what is published.
        files: large files by key.
        cache: holds the search indexes, and hashes.
        report: hears of feeds that grow large.
        known: knows which episodes' files stand as they are.
        jobs: how many processes may render at the same time; None for as many as there are processors.

    Raises:
        CheckFailedError: a feed is too large.
        MediaError: something cannot be rendered or written.
    """
    made: dict[str, tuple[str, list[str]]] = {}
    leaves: dict[str, tuple[str, list[str]]] = {}
    with cache.scratch() as scratch:
        spool, outputs = site.Spool(where.site, scratch), Outputs(edition, where.templates, known)
        _add_all(spool, outputs, report)
        for leaf in outputs.leaves():
            held = known.holds_leaf(spool, leaf) if known else None
            leaves[leaf.name] = leaf.made_of, spool.add_all(leaf.render()) if held is None else held
        of = {item.episode.path.name: outputs.made_of(item) for item in outputs.items}
        stand = {name for name, made_of in of.items() if known and known.holds(spool, name, made_of)}
        new = [item for item in outputs.items if item.episode.path.name not in stand]
        place = abreast.Place(templates=where.templates, site=where.site, scratch=scratch)
        for item, keys in abreast.rendered(edition, new, outputs.of_episode, into=spool, place=place, jobs=jobs):
            made[item.episode.path.name] = of[item.episode.path.name], keys
        found = searching.index(edition, spool.hashes, cache)
        spool.add_all(found.texts.items())
        redirects = {FEED_KEY: edition.show.feed.moved_to} if edition.show.feed.moved_to else {}
        names = headers.file_names(edition)
        written = site.write(where.site, spool, {**files, **found.files}, cache, redirects=redirects, names=names)
    outcome = {name: (made_of, memory.made(keys, spool)) for name, (made_of, keys) in made.items()}
    return Done(
        written=written,
        made=outcome,
        entries=outputs.entries,
        shown={item.episode.path.name: outputs.shown(item) for item in outputs.items},
        leaves={name: (made_of, memory.made(keys, spool)) for name, (made_of, keys) in leaves.items()},
    )


def _add_all(spool: site.Spool, outputs: Outputs, report: Report) -> None:
    feeds: dict[str, bytes] = {}
    for key, data in outputs.of_all():
        spool.add(key, data)
        if is_feed_key(key):
            feeds[key] = data
    problems = feed.size_problems(feeds)
    for problem in problems:
        report.warn(problem)
    if any(problem.fatal for problem in problems):
        raise CheckFailedError(problems)


def words_of(item: Item) -> Files:
    """Write what is said in an episode in every form, and its chapters."""
    if item.episode.transcript is not None:
        for extension, write in _TRANSCRIPT_WRITERS.items():
            yield transcript_key(item.episode.slug, extension), write(item.episode.transcript)
    if item.episode.chapters:
        yield chapters_key(item.episode.slug), words.chapters_json(item.episode.chapters)


def _waveform(item: Item) -> Files:
    if item.waveform:
        yield waveform_key(item.episode.slug), pages.waveform_svg(item.waveform)
