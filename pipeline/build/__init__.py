"""The order of the stages, on one page: a workspace in, site/ and its release out."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from pipeline import feed, pages, words
from pipeline.build import drafts, gate, headers, listening, searching, site, standing
from pipeline.build.items import Press
from pipeline.build.mastering import Report, masters, misses, remarks
from pipeline.build.members import MembersEdition, editions
from pipeline.build.survey import CheckFailedError, Survey, survey
from pipeline.cache import Cache
from pipeline.model import (
    FEED_KEY,
    Edition,
    Episode,
    Problem,
    Release,
    Show,
    Visibility,
    chapters_key,
    is_feed_key,
    transcript_key,
    waveform_key,
)
from pipeline.trust.identities import Identity
from pipeline.workspace import Workspace

__all__ = ["OUTPUTS", "Built", "CheckFailedError", "Report", "Survey", "release", "survey"]

Output = Callable[[Edition, Path], Iterable[tuple[str, bytes]]]

_TRANSCRIPT_WRITERS = {
    "vtt": words.webvtt,
    "srt": words.srt,
    "json": words.transcript_json,
    "txt": words.plain_text,
}


def _feeds(edition: Edition, _templates: Path) -> Iterable[tuple[str, bytes]]:
    return feed.render_all(edition).items()


def _transcripts(edition: Edition, _templates: Path) -> Iterable[tuple[str, bytes]]:
    for item in edition.items:
        if item.episode.transcript is not None:
            for extension, write in _TRANSCRIPT_WRITERS.items():
                yield transcript_key(item.episode.slug, extension), write(item.episode.transcript)


def _chapters(edition: Edition, _templates: Path) -> Iterable[tuple[str, bytes]]:
    for item in edition.items:
        if item.episode.chapters:
            yield chapters_key(item.episode.slug), words.chapters_json(item.episode.chapters)


def _pages(edition: Edition, templates: Path) -> Iterable[tuple[str, bytes]]:
    return pages.rendered(edition, templates=templates)


def _waveforms(edition: Edition, _templates: Path) -> Iterable[tuple[str, bytes]]:
    for item in edition.items:
        if item.waveform:
            yield waveform_key(item.episode.slug), pages.waveform_svg(item.waveform)


OUTPUTS: tuple[Output, ...] = (_feeds, _transcripts, _chapters, _waveforms, _pages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a build did.

    unsigned: what keeps episodes out that are due; `publish` does nothing while there are any; removals: by slug, a
    hash of all that was decided to be removed from what is published; identities: what stays of each that is due;
    waiting: slugs of those that were left out, for want of a signature or because something is wrong with them;
    withdrawals: how many it knew of.
    """

    release: Release
    episodes: int
    mastered: int
    written: int
    unchanged: int
    removed: int
    members: tuple[MembersEdition, ...] = ()
    unsigned: tuple[Problem, ...] = ()
    removals: Mapping[str, str] = field(default_factory=dict)
    identities: Mapping[str, Identity] = field(default_factory=dict)
    waiting: frozenset[str] = frozenset()
    withdrawals: int = 0

    def __str__(self) -> str:
        sentence = (
            f"{self.episodes} {'episode' if self.episodes == 1 else 'episodes'}: {self.mastered} mastered, "
            f"{self.episodes - self.mastered} from the cache; {self.written} files written, {self.unchanged} unchanged"
        )
        return f"{sentence}, {self.removed} removed" if self.removed else sentence


def release(
    where: Workspace,
    *,
    now: datetime,
    executor: Executor,
    report: Report,
    slugs: tuple[str, ...] = (),
    force: bool = False,
    jobs: int | None = None,
    around: bool = False,
) -> Built:
    """Build everything that changed.

    Args:
        where: the workspace.
        now: episodes published after it stay out of feed and site.
        executor: masters episodes side by side.
        report: hears of progress.
        slugs: the drafts to work at besides all that is due; none means all of them.
        force: master again what the cache already has.
        jobs: pieces of a recording to work at at the same time, None for one a processor.
        around: leave out the episodes with which something is wrong, and every draft: what is urgent waits for none.

    Raises:
        CheckFailedError: something fatal is wrong with the workspace.
        MediaError: a stage cannot do its work.
    """
    is_whole = not (slugs or force or around)
    noting = _Noting(report)
    with closing(Cache(where.cache)) as cache:
        stands = standing.Standing(where, now=now) if is_whole else None
        if stands and (last := stands.last(cache)):
            before = _as_before(last)
            if before is not None:
                _warn(report, last.warnings)
                return before
        found, built = _built(
            where, cache, noting, now=now, executor=executor, slugs=slugs, force=force, jobs=jobs, around=around
        )
        if stands and not any(part.visibility is Visibility.MEMBERS for part in found.complete().feeds):
            dates = [each.published for each in found.episodes if each.published and each.published > now]
            until, facts = min(dates, default=None), _facts(built)
            stands.keep(cache, found.complete(), until=until, warnings=noting.warned, facts=facts)
    return built


def _built(
    where: Workspace,
    cache: Cache,
    report: Report,
    *,
    now: datetime,
    executor: Executor,
    slugs: tuple[str, ...],
    force: bool,
    jobs: int | None,
    around: bool,
) -> tuple[Survey, Built]:
    found, faulty = _surveyed(where, cache, slugs, around=around, now=now)
    chosen = _chosen(found, slugs, now, with_drafts=not around)
    drafts.transcripts(cache, found.show, chosen, report)
    show = found.complete()
    forced = frozenset(slugs or (each.slug for each in chosen)) if force else frozenset[str]()
    due = tuple(episode for episode in chosen if episode.is_due(now) and episode.slug not in found.resting)
    with Press(cache, _public(show), found.pictures, with_pages=True) as press:
        press.images.prepare(due)
        mastered, fresh = masters(cache, show, chosen, executor, report, forced=forced, jobs=jobs)
        heard = _heard(listening.still_heard(where, cache, show, due, mastered), around=around)
        unsigned = tuple(gate.unsigned(where, show, due, mastered, found.pictures))
        due, waiting = _divided(due, (*heard, *unsigned), where)
        new = tuple(episode for episode in chosen if episode.slug in fresh)
        _warn(report, found.problems, unsigned, remarks(where, new, mastered), misses(where, show, chosen, mastered))
        edition = press.edition(tuple(e for e in due if e.visibility is Visibility.PUBLIC), mastered)
        done = _written(where, replace(edition, withdrawn=_tombstones(found)), press, cache, report)
    for_members = editions(cache, show, found.pictures, due, mastered)
    made = Built(
        release=done.release,
        episodes=len(chosen),
        mastered=len(fresh),
        written=done.written,
        unchanged=done.unchanged,
        removed=done.removed,
        members=for_members,
        unsigned=unsigned,
        removals=gate.removals(due),
        identities={each.slug: Identity.of(each) for each in due},
        waiting=waiting | faulty,
        withdrawals=len(found.withdrawn),
    )
    return found, made


class _Noting:
    """A report that remembers what it was warned of."""

    def __init__(self, report: Report) -> None:
        self.warned: list[Problem] = []
        self.begin, self.advance, self.finish, self._warn = report.begin, report.advance, report.finish, report.warn

    def warn(self, problem: Problem) -> None:
        self.warned.append(problem)
        self._warn(problem)


def _facts(built: Built) -> dict[str, Any]:
    """Write down as JSON what a build knows besides its release."""
    return {
        "episodes": built.episodes,
        "unsigned": [asdict(each) for each in built.unsigned],
        "removals": dict(built.removals),
        "identities": {slug: [each.guid, str(each.visibility)] for slug, each in built.identities.items()},
        "waiting": sorted(built.waiting),
        "withdrawals": built.withdrawals,
    }


def _as_before(last: standing.Last) -> Built | None:
    try:
        return _from_facts(last)
    except (KeyError, TypeError, ValueError, AttributeError):  # written by another version, or by hand
        return None


def _from_facts(last: standing.Last) -> Built:
    facts = last.facts
    identities = {
        slug: Identity(guid=guid, visibility=Visibility(visibility))
        for slug, (guid, visibility) in facts["identities"].items()
    }
    return Built(
        release=last.release,
        episodes=facts["episodes"],
        mastered=0,
        written=0,
        unchanged=len(last.release.assets) + 1,
        removed=0,
        unsigned=tuple(Problem(**each) for each in facts["unsigned"]),
        removals=facts["removals"],
        identities=identities,
        waiting=frozenset(facts["waiting"]),
        withdrawals=int(facts["withdrawals"]),
    )


def _surveyed(
    where: Workspace, cache: Cache, slugs: tuple[str, ...], *, around: bool, now: datetime
) -> tuple[Survey, frozenset[str]]:
    found = survey(where, cache, now=now, prepare=partial(drafts.with_notes, where))
    found, faulty = found.around() if around else (found, frozenset[str]())
    found.require(slugs)
    return found, faulty


def _warn(report: Report, *problems: Iterable[Problem]) -> None:
    for problem in chain(*problems):
        report.warn(problem)


def _chosen(found: Survey, slugs: tuple[str, ...], now: datetime, *, with_drafts: bool) -> tuple[Episode, ...]:
    """List what is worked at: what is due, and the drafts that were named, or all; nothing that was withdrawn."""
    gone = {withdrawal.slug for withdrawal in found.withdrawn if withdrawal.speaker is None}
    gone |= {episode.slug for episode in found.episodes if episode.slug in found.resting and episode.disposed_on}
    there = (episode for episode in found.episodes if episode.slug not in gone)
    return tuple(e for e in there if e.is_due(now) or (with_drafts and (not slugs or e.slug in slugs)))


def _heard(problems: Iterable[Problem], *, around: bool) -> tuple[Problem, ...]:
    found = tuple(problems)
    if found and not around:
        raise CheckFailedError(found)
    return found


def _divided(
    episodes: tuple[Episode, ...], problems: tuple[Problem, ...], where: Workspace
) -> tuple[tuple[Episode, ...], frozenset[str]]:
    """Divide episodes into those that may leave, and the slugs of those that problems are about."""
    sources = {f"{problem.source}/" for problem in problems}
    folders = {episode.slug: f"{where.name(episode.path)}/" for episode in episodes}
    waiting = frozenset(slug for slug, folder in folders.items() if any(each.startswith(folder) for each in sources))
    return tuple(episode for episode in episodes if episode.slug not in waiting), waiting


def _written(where: Workspace, edition: Edition, press: Press, cache: Cache, report: Report) -> site.Written:
    """Render everything and write it into site/."""
    show, feeds = edition.show, dict[str, bytes]()
    with cache.scratch() as scratch:
        spool = site.Spool(where.site, scratch)
        for name, data in chain.from_iterable(output(edition, where.templates) for output in OUTPUTS):
            spool.add(name, data)
            if is_feed_key(name):
                feeds[name] = data
        _look_at_sizes(feeds, report)
        found = searching.index(edition, spool.hashes, cache)
        for name, data in found.texts.items():
            spool.add(name, data)
        redirects = {FEED_KEY: show.feed.moved_to} if show.feed.moved_to else {}
        files, names = {**press.files, **found.files}, headers.file_names(edition)
        return site.write(where.site, spool, files, cache, redirects=redirects, names=names)


def _tombstones(found: Survey) -> tuple[str, ...]:
    whole = (each for each in found.withdrawn if each.speaker is None and each.visibility is Visibility.PUBLIC)
    return tuple(sorted({each.slug for each in whole}))


def _public(show: Show) -> Show:
    """Leave out what the public site must not know of: the feeds for members."""
    return replace(show, feeds=tuple(part for part in show.feeds if part.visibility is Visibility.PUBLIC))


def _look_at_sizes(feeds: Mapping[str, bytes], report: Report) -> None:
    problems = feed.size_problems(feeds)
    for problem in problems:
        report.warn(problem)
    if any(problem.fatal for problem in problems):
        raise CheckFailedError(problems)
