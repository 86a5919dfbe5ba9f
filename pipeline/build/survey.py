"""What a workspace holds and what is wrong with it: reads everything once, changes nothing but the cache."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from pipeline import artwork, audio, check, feed, pages, trust, words, workspace
from pipeline.build import gate
from pipeline.build.memory import Remembered
from pipeline.cache import Cache, key
from pipeline.errors import ArtworkError, AudioError, MediaError, WorkspaceError
from pipeline.model import FEED_KEY, PUBLISHER_KEY, Episode, Picture, Problem, Show, Withdrawal, feed_key
from pipeline.workspace import Readers, Workspace, toml

READERS = Readers(transcript=words.read_transcript, chapters=words.read_chapters)
_GUID = re.compile(r"""(?m)^\s*guid\s*=\s*["']([^"'\n]+)["']""")


class CheckFailedError(MediaError):
    """Something fatal is wrong with the workspace; `problems` says all of it."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("has problems that must be mended first", source="workspace")
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A workspace as read: the show (None where it cannot be read), the readable episodes, and every problem.

    The episodes are as they may leave: without what was removed, and drafts where they were withdrawn. reviewed: what
    could identify a patient, by slug; resting: slugs of episodes that stay out until they are signed again, as a voice
    was withdrawn; own: those of the problems that an episode has whatever the others are, by the name of its folder.
    """

    show: Show | None
    episodes: tuple[Episode, ...]
    problems: tuple[Problem, ...]
    pictures: dict[Path, Picture] = field(default_factory=dict)
    durations_ms: dict[str, int] = field(default_factory=dict)
    reviewed: dict[str, trust.Reviewed] = field(default_factory=dict)
    withdrawn: tuple[Withdrawal, ...] = ()
    resting: frozenset[str] = frozenset()
    own: dict[str, tuple[Problem, ...]] = field(default_factory=dict)

    def require(self, slugs: tuple[str, ...]) -> None:
        """Refuse a slug that no episode has.

        Raises:
            WorkspaceError: there is no such episode.
        """
        known = [episode.slug for episode in self.episodes]
        for slug in slugs if self.show is not None else ():
            here = f"episodes/{slug}/"
            broken = tuple(each for each in self.problems if each.fatal and each.source.startswith(here))
            if slug not in known and broken:
                raise CheckFailedError(broken)
            if slug not in known:
                hint = toml.suggestion(slug, known) if known else "There are no episodes yet."
                raise WorkspaceError(f'there is no episode "{slug}"', source="episodes", hint=hint)

    def around(self) -> tuple["Survey", frozenset[str]]:
        """Leave out every episode with something fatal; return what is left, and the slugs of those left out.

        What is wrong with the texts of the site's standing pages is no reason to wait either.
        """
        fatal = [problem.source for problem in self.problems if problem.fatal]
        folders = {f"episodes/{each.path.name}": each.slug for each in self.episodes}
        faulty = {"/".join(source.split("/")[:2]) for source in fatal if source.startswith("episodes/")}
        slugs = frozenset(folders.get(folder, folder.partition("/")[2]) for folder in faulty)
        left = replace(
            self,
            episodes=tuple(each for each in self.episodes if each.slug not in slugs),
            problems=tuple(
                replace(each, fatal=each.fatal and each.source not in workspace.STANDING_NAMES)
                for each in self.problems
                if not (each.fatal and each.source.startswith("episodes/"))
            ),
        )
        return left, slugs

    def complete(self) -> Show:
        """Return the show of a workspace without fatal problems.

        Raises:
            CheckFailedError: there are some.
        """
        if self.show is None or any(problem.fatal for problem in self.problems):
            raise CheckFailedError(self.problems)
        return self.show


def survey(
    where: Workspace,
    cache: Cache,
    *,
    now: datetime,
    prepare: Callable[[Show, Episode], Episode] | None = None,
    known: Mapping[str, Remembered] | None = None,
    jobs: int | None = None,
) -> Survey:
    """Read the workspace and check it.

    Args:
        where: the workspace.
        cache: remembers hashes and durations.
        now: decides which episodes are due.
        prepare: completes each episode before it is checked (a build drafts missing notes).
        known: what is known of episodes that are as they were, by the name of their folder: they are neither read nor
            checked again, but for what is wrong between them and others; nothing is said of what was found in them.
        jobs: how many processes may search texts at the same time; None for as many as there are processors.
    """
    show, problems = workspace.read_show(where)
    if show is None:
        return Survey(show=None, episodes=(), problems=problems)
    known = known or {}
    there, more = workspace.read_episodes(
        where, show, READERS, known={name: each.item.episode for name, each in known.items()}
    )
    read = tuple(episode for episode in there if episode.path.name not in known)
    if prepare is not None:
        read = tuple(prepare(show, episode) for episode in read)
    examined = gate.examine(where, show, read, cache, now=now, jobs=jobs)
    episodes = examined.episodes
    look = _Look(where, cache)
    look.stings(show)
    facts = check.Facts(
        durations_ms={e.slug: length for e in episodes if (length := look.duration_ms(e)) is not None},
        hashes={s.path: cache.sha256(s.path) for e in episodes if not e.disposed_on for s in e.sources},
        pictures=look.pictures(show, episodes),
        guids=_proposed_guids(show),
    )
    about = partial(check.of_episode, show, facts=facts, root=where.root, now=now)
    problems += tuple(_strangers(where))
    problems += tuple(check.of_all(show, _merged(there, examined.checked), facts, root=where.root, now=now))
    each = (*more, *look.problems, *chain.from_iterable(map(about, examined.checked)), *examined.problems)
    return Survey(
        show=show,
        episodes=_merged(there, episodes),
        problems=(*problems, *each, *chain.from_iterable(one.problems for one in known.values())),
        pictures=dict(facts.pictures),
        durations_ms=dict(facts.durations_ms),
        reviewed=dict(examined.reviewed),
        withdrawn=examined.withdrawn,
        resting=examined.resting,
        own=_by_folder(where, each),
    )


def once_called(where: Workspace, name: str) -> frozenset[str]:
    """Say under which slugs an episode was published whose folder cannot be read, if it still names its GUID."""
    try:
        text = (where.episodes / name / workspace.EPISODE_NAME).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    guids = _GUID.findall(text)
    return frozenset(slug for slug, each in trust.identities.known(where.trail).items() if each.guid in guids)


def _strangers(where: Workspace) -> Iterator[Problem]:
    """Warn of templates of the workspace that replace none of ours, as their names are only nearly right."""
    try:
        found = tuple(pages.strangers(where.templates))
    except OSError as error:
        message, hint = (
            f"cannot be read: {error.strerror}",
            "Check the rights of that folder: our own are used meanwhile.",
        )
        yield Problem(source=where.name(where.templates), message=message, hint=hint, fatal=False)
        return
    for name, near in found:
        hint = f"Call it {near} if it is to replace that one."
        yield Problem(source=where.name(where.templates / name), message="replaces no template", hint=hint, fatal=False)


def _merged(there: tuple[Episode, ...], seen: tuple[Episode, ...]) -> tuple[Episode, ...]:
    """Put what became of the episodes that were read in their places among all."""
    by_path = {episode.path: episode for episode in seen}
    return tuple(by_path.get(episode.path, episode) for episode in there)


def _by_folder(where: Workspace, problems: Iterable[Problem]) -> dict[str, tuple[Problem, ...]]:
    found: dict[str, tuple[Problem, ...]] = {}
    for problem in problems:
        place, _, rest = problem.source.partition("/")
        if place == where.name(where.episodes):
            name = rest.partition("/")[0]
            found[name] = (*found.get(name, ()), problem)
    return found


def _proposed_guids(show: Show) -> dict[str, str]:
    keys = {"[show]": FEED_KEY, "[feed]": PUBLISHER_KEY}
    keys |= {f'[[feeds]] "{part.name}"': feed_key(part.name) for part in show.feeds}
    return {place: feed.guid(show.url(name)) for place, name in keys.items()}


class _Look:
    """Opens sound and images, and gathers what is wrong with them."""

    def __init__(self, where: Workspace, cache: Cache) -> None:
        self.where, self.cache = where, cache
        self.problems: list[Problem] = []

    def duration_ms(self, episode: Episode) -> int | None:
        """Return what the recording of an episode says it lasts, or None where a part of it cannot be read."""
        if episode.disposed_on is not None:
            return None
        lengths = {path: self._source_ms(path) for parts in episode.recorders for path in parts}
        if None in lengths.values():
            return None
        return sum(lengths[path] or 0 for path in episode.recorders[0])

    def _source_ms(self, path: Path) -> int | None:
        facts = self._remembered("probes", path, lambda: {"duration_ms": audio.probe(path).duration_ms})
        return int(facts["duration_ms"]) if facts else None

    def stings(self, show: Show) -> None:
        """See that the intro and the outro are there."""
        for name in ("intro", "outro"):
            path: Path | None = getattr(show.audio, name)
            hint = f"Put the sound there, or correct audio.{name} in cln_media.toml."
            if path is not None and self._is_ours(path, hint):
                self._source_ms(path)

    def pictures(self, show: Show, episodes: tuple[Episode, ...]) -> dict[Path, Picture]:
        """Read every artwork, cover and chapter image; those that cannot be read are problems."""
        wanted = {show.artwork: show.artwork_alt} if show.artwork else {}
        wanted |= {feed.artwork: feed.artwork_alt or show.artwork_alt for feed in show.feeds if feed.artwork}
        wanted |= {e.cover: f"Cover of {e.title}" for e in episodes if e.cover}
        wanted |= {chapter.image: chapter.title for e in episodes for chapter in e.chapters if chapter.image}
        return {path: picture for path, alt in wanted.items() if (picture := self._picture(path, alt)) is not None}

    def _picture(self, path: Path, alt: str) -> Picture | None:
        def read() -> dict[str, Any]:
            return {**asdict(artwork.read(path)), "path": None}

        if not self._is_ours(path, "Put the artwork there, or name the right file in show.artwork of cln_media.toml."):
            return None
        facts = self._remembered("pictures", path, read)
        return Picture(**{**facts, "path": path, "alt": alt}) if facts else None

    def _is_ours(self, path: Path, hint: str) -> bool:
        if not path.is_file():
            self._problem(path, "is not there", hint)
            return False
        if not path.resolve().is_relative_to(self.where.root.resolve()):
            self._problem(path, "leads to a place outside the workspace", "Put the file itself into the workspace.")
            return False
        return True

    def _remembered(self, kind: str, path: Path, look: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
        try:
            return self.cache.facts(kind, key(self.cache.sha256(path)), look)
        except (AudioError, ArtworkError) as error:
            self._problem(path, error.message, error.hint or "Replace the file.")
        except OSError as error:
            self._problem(path, f"cannot be read: {error.strerror}", "Check the rights of that file.")
        return None

    def _problem(self, path: Path, message: str, hint: str) -> None:
        self.problems.append(Problem(source=self.where.name(path), message=message, hint=hint))
