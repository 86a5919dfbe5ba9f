"""The order of the stages, on one page: a workspace in, site/ and its release out."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path

from pipeline import words, workspace
from pipeline.build import gate, listening, memory, outputs, standing, transcribing
from pipeline.build.built import Built, as_before, facts
from pipeline.build.drafts import Drafting
from pipeline.build.items import Press, files_of
from pipeline.build.mastering import Report, cached, made_files, masters, misses, remarks
from pipeline.build.members import editions
from pipeline.build.memory import Memory, Remembered
from pipeline.build.outputs import everything
from pipeline.build.site import Stamp
from pipeline.build.survey import READERS, CheckFailedError, Survey, once_called, survey
from pipeline.cache import Cache
from pipeline.errors import BusyError
from pipeline.model import Cue, Edition, Episode, Problem, Show, Visibility
from pipeline.trust.identities import Identity
from pipeline.workspace import Workspace

__all__ = ["Built", "CheckFailedError", "Report", "Survey", "everything", "release", "survey"]


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
        if around:  # what is taken back is not kept here either
            memory.forget(cache)
        stands = standing.Standing(where, now=now) if is_whole else None
        if stands and (last := stands.last(cache)):
            before = as_before(last)
            if before is not None:
                _warn(report, last.warnings)
                return before
        order = _Order(
            where=where,
            cache=cache,
            now=now,
            executor=executor,
            slugs=slugs,
            force=force,
            jobs=jobs,
            around=around,
            known=Memory(cache, stands) if stands else None,
        )
        found, built, stamps = _built(order, noting)
        show = found.complete()
        if stands and not any(part.visibility is Visibility.MEMBERS for part in show.feeds):
            dates = [each.published for each in found.episodes if each.published and each.published > now]
            until = min(dates, default=None)
            stands.keep(cache, show, until=until, warnings=noting.warned, facts=facts(built), stamps=stamps)
    return built


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """What `release` was asked for, and what it knows from the last time."""

    where: Workspace
    cache: Cache
    now: datetime
    executor: Executor
    slugs: tuple[str, ...]
    force: bool
    jobs: int | None
    around: bool
    known: Memory | None


def _built(order: _Order, report: Report) -> tuple[Survey, Built, Mapping[str, Stamp]]:
    where, cache, now, around, known = order.where, order.cache, order.now, order.around, order.known
    drafting = Drafting(where, cache, report, now=now, slugs=order.slugs)
    found, faulty = _surveyed(order, drafting)
    chosen = _chosen(found, order.slugs, now, with_drafts=not around)
    if not around and transcribing.transcripts(cache, found.show, chosen, report):
        found, faulty = _surveyed(order, drafting)
        chosen = _chosen(found, order.slugs, now, with_drafts=True)
    show, standing_items = found.complete(), known.items() if known else ()
    if known:
        known.read_words_by(partial(_words, order, show))
    stand = frozenset(item.episode.path for item in standing_items)
    as_they_were = tuple(episode for episode in chosen if episode.path in stand)
    chosen = tuple(episode for episode in chosen if episode.path not in stand)
    forced = frozenset(order.slugs or (each.slug for each in chosen)) if order.force else frozenset[str]()
    with Press(cache, _public(show), found.pictures, with_pages=True) as press:
        press.images.prepare(tuple(episode for episode in chosen if episode.is_due(now)))
        made = masters(cache, show, chosen, order.executor, report, forced=forced, jobs=order.jobs)
        mastered, fresh = made.masters, made.fresh
        stuck = _got_around(made.problems, around=around)
        faulty |= {episode.slug for episode in chosen if episode.slug not in mastered}
        chosen = tuple(episode for episode in chosen if episode.slug in mastered)
        due = tuple(episode for episode in chosen if episode.is_due(now) and episode.slug not in found.resting)
        heard = _got_around(listening.still_heard(where, cache, show, due, mastered), around=around)
        unsigned = tuple(gate.unsigned(where, show, due, mastered, found.pictures))
        due, waiting = _divided(due, (*heard, *unsigned), where)
        new = tuple(episode for episode in chosen if episode.slug in fresh)
        missed = list(misses(where, show, chosen, mastered))
        before = chain.from_iterable(each.misses for each in known.episodes.values()) if known else ()
        told = (*stuck, *heard, *unsigned)
        _warn(report, found.problems, told, remarks(where, new, mastered), missed, before)
        public = tuple(episode for episode in due if episode.visibility is Visibility.PUBLIC)
        edition = press.edition(public, mastered, standing_items)
        edition = replace(edition, withdrawn=_tombstones(found))
        files = {**press.files, **(known.files if known else {})}
        done = outputs.write(where, edition, files, cache=cache, report=report, known=known, jobs=order.jobs)
    due = (*as_they_were, *due)
    _remember(order, found, edition, files, done, missed)
    built = Built(
        release=done.written.release,
        episodes=len(chosen) + len(as_they_were),
        mastered=len(fresh),
        written=done.written.written,
        unchanged=done.written.unchanged,
        removed=done.written.removed,
        members=editions(cache, show, found.pictures, due, mastered),
        unsigned=unsigned,
        removals=gate.removals(due),
        identities={each.slug: Identity.of(each) for each in due},
        waiting=waiting | faulty,
        withdrawals=len(found.withdrawn),
    )
    return found, built, done.written.stamps


def _words(order: _Order, show: Show, episode: Episode) -> Sequence[Cue]:
    """Read the words of an episode that stands as it was, as they are published.

    Raises:
        BusyError: it has changed meanwhile.
    """
    again, _ = workspace.read_episode(order.where, show, READERS, episode.path)
    read = gate.examine(order.where, show, (again,), order.cache, now=order.now).episodes[0] if again else None
    master = cached(order.cache, show, read) if read else None
    has_changed = order.known is None or order.known.standing.has_changed(episode.path.name)
    if read is None or read.transcript is None or master is None or has_changed:
        hint = "Run the same command again."
        raise BusyError("changed while it was being built", source=order.where.name(episode.path), hint=hint)
    moved = words.moved(read, master.timeline).transcript
    return moved.cues if moved else ()


def _remember(  # noqa: PLR0917 - what a build found and made
    order: _Order, found: Survey, edition: Edition, files: Mapping[str, Path], done: outputs.Done, missed: list[Problem]
) -> None:
    """Write down what is known of each published episode, for the next build."""
    known, show = order.known, found.complete()
    if known is None:
        return
    if any(part.visibility is Visibility.MEMBERS for part in show.feeds):
        memory.forget(order.cache)
        return
    kept, today = dict[str, Remembered](), order.now.date()
    for item in edition.items:
        name, before = item.episode.path.name, known.episodes.get(item.episode.path.name)
        if before:
            made_of, made = done.made.get(name, (before.made_of, before.outputs))
            is_same = made is before.outputs and done.shown[name] == before.shown
            shown = done.shown[name]
            kept[name] = before if is_same else replace(before, made_of=made_of, outputs=made, shown=shown)
            continue
        made_of, made = done.made[name]
        place = order.where.name(item.episode.path)
        kept[name] = Remembered(
            stamps=known.standing.folder(name) or "",
            until=memory.until(gate.days(show, item.episode, today=today), today),
            item=memory.without_words(item),
            problems=found.own.get(name, ()),
            misses=tuple(each for each in missed if each.source == place),
            files={key: (str(files[key]), order.cache.sha256(files[key])) for key in files_of(show, item)},
            master={str(path): order.cache.sha256(path) for path in made_files(order.cache, show, item.episode)},
            entries=done.entries[name],
            shown=done.shown[name],
            made_of=made_of,
            outputs=made,
        )
    known.keep(standing.named(show), kept, done.leaves)


class _Noting:
    """A report that remembers what it was warned of."""

    def __init__(self, report: Report) -> None:
        self.warned: list[Problem] = []
        self.begin, self.advance, self.finish, self._warn = report.begin, report.advance, report.finish, report.warn

    def warn(self, problem: Problem) -> None:
        self.warned.append(problem)
        self._warn(problem)


def _surveyed(order: _Order, drafting: Drafting) -> tuple[Survey, frozenset[str]]:
    prepare = None if order.around else drafting.missing
    known = order.known.episodes if order.known else None
    found = survey(order.where, order.cache, now=order.now, prepare=prepare, known=known, jobs=order.jobs)
    if not order.around:
        found.require(order.slugs)
        return found, frozenset()
    left, faulty = found.around()
    unread = faulty - {episode.slug for episode in found.episodes}
    return left, faulty.union(*(once_called(order.where, name) for name in unread))


def _warn(report: Report, *problems: Iterable[Problem]) -> None:
    for problem in chain(*problems):
        report.warn(problem)


def _chosen(found: Survey, slugs: tuple[str, ...], now: datetime, *, with_drafts: bool) -> tuple[Episode, ...]:
    """List what is worked at: what is due, and the drafts that were named, or all; nothing that was withdrawn."""
    gone = {withdrawal.slug for withdrawal in found.withdrawn if withdrawal.speaker is None}
    gone |= {episode.slug for episode in found.episodes if episode.slug in found.resting and episode.disposed_on}
    there = (episode for episode in found.episodes if episode.slug not in gone)
    return tuple(e for e in there if e.is_due(now) or (with_drafts and (not slugs or e.slug in slugs)))


def _got_around(problems: Iterable[Problem], *, around: bool) -> tuple[Problem, ...]:
    """Stop at what is wrong with an episode, or, where what is urgent waits for none, only warn of it."""
    found = tuple(problems)
    if found and not around:
        raise CheckFailedError(found)
    return tuple(replace(problem, fatal=False) for problem in found)


def _divided(
    episodes: tuple[Episode, ...], problems: tuple[Problem, ...], where: Workspace
) -> tuple[tuple[Episode, ...], frozenset[str]]:
    """Divide episodes into those that may leave, and the slugs of those that problems are about."""
    sources = {f"{problem.source}/" for problem in problems}
    folders = {episode.slug: f"{where.name(episode.path)}/" for episode in episodes}
    waiting = frozenset(slug for slug, folder in folders.items() if any(each.startswith(folder) for each in sources))
    return tuple(episode for episode in episodes if episode.slug not in waiting), waiting


def _tombstones(found: Survey) -> tuple[str, ...]:
    whole = (each for each in found.withdrawn if each.speaker is None and each.visibility is Visibility.PUBLIC)
    return tuple(sorted({each.slug for each in whole}))


def _public(show: Show) -> Show:
    """Leave out what the public site must not know of: the feeds for members."""
    return replace(show, feeds=tuple(part for part in show.feeds if part.visibility is Visibility.PUBLIC))
