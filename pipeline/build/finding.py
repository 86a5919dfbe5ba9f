"""An episode enters, what could identify a patient in its texts leaves; it is remembered, as searching is slow.

Where many episodes are searched for the first time, processes do it side by side.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline import artwork, identifiers, trust
from pipeline.build import memory, processes
from pipeline.cache import Cache, key
from pipeline.errors import ArtworkError
from pipeline.identifiers.recipes import recipe
from pipeline.model import Episode, Finding, Show

ENOUGH = 10  # episodes for each process

_KIND = "findings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An episode to be searched, as its folder describes it, and the voices that were withdrawn from it."""

    episode: Episode
    silent: trust.Silent


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    show: Show
    cache: Path
    today: date


_begun: list[tuple[_Given, Cache]] = []  # of a process that searches: what it was given


def review(show: Show, subject: Subject, cache: Cache, *, today: date) -> trust.Reviewed:
    """Search an episode, and hold what is found against what was decided.

    Args:
        show: the settings.
        subject: the episode.
        cache: remembers what was found in a text.
        today: tells what could be a date of birth.
    """
    finder = Finder(show, subject.episode, cache, today)
    heard, silent = _without_consent(subject), subject.silent
    looked = trust.review(heard, finder.find, in_cover=_in_cover(cache, heard), silent=silent)
    finder.remember()
    return looked


def ahead(show: Show, subjects: Sequence[Subject], cache: Cache, *, today: date, jobs: int | None = None) -> None:
    """Have processes search the episodes of which nothing is remembered, where there are many: then all is.

    What a process cannot search is searched where it is reviewed.

    Args:
        show: the settings.
        subjects: the episodes.
        cache: remembers what was found in a text.
        today: tells what could be a date of birth.
        jobs: how many processes at most; None for as many as there are processors.
    """
    if len(subjects) < 2 * ENOUGH:
        return
    new = [each for each in subjects if not cache.is_noted(_KIND, Finder(show, each.episode, cache, today).key)]
    count = processes.how_many(len(new), enough=ENOUGH, jobs=jobs)
    if count > 1:
        given = memory.packed(_Given(show=show, cache=cache.root, today=today))
        for _ in processes.in_order(processes.pool(count, _prepare, given), count, new, _begin):
            pass


def _begin(subject: Subject) -> tuple[Callable[[bytes], None], bytes]:
    return _search, memory.packed(subject)


def _prepare(data: bytes) -> None:
    given = memory.unpacked(data, _Given)
    _begun[:] = [(given, Cache(given.cache))]


def _search(data: bytes) -> None:
    given, cache = _begun[0]
    try:
        review(given.show, memory.unpacked(data, Subject), cache, today=given.today)
    except Exception:  # noqa: BLE001 - it is met again, and told, where the episode is reviewed
        return


class Finder:
    """Finds what could identify a patient in the texts of an episode, and remembers it: a model is slow to load.

    key: under which the cache has what was found.
    """

    def __init__(self, show: Show, episode: Episode, cache: Cache, today: date) -> None:
        named = {show.author, show.title, show.owner_name, *(speaker.label for speaker in episode.speakers)}
        self._people = identifiers.people(sorted(named)) if show.trust.names != "off" else None
        self._cache, self._today = cache, date(today.year, 1, 1)
        self.key = key(episode.slug, self._people is not None, sorted(named), recipe(), today.year)
        self._used: dict[str, Any] = {}

    @cached_property
    def _known(self) -> dict[str, Any]:
        return self._cache.known(_KIND, self.key) or {}

    def find(self, text: str) -> tuple[Finding, ...]:
        """Find them in a text."""
        name = key(text)
        if name not in self._used:
            known = self._known.get(name)
            self._used[name] = self._looked(text) if known is None else known
        return tuple(
            Finding(kind=kind, start=start, end=end, text=text[start:end], severity=severity)
            for kind, start, end, severity in self._used[name]
        )

    def _looked(self, text: str) -> list[list[Any]]:
        found = identifiers.find(text, people=self._people, today=self._today)
        return [[each.kind, each.start, each.end, each.severity] for each in found]

    def remember(self) -> None:
        """Keep what was found for the next time."""
        if self._used != self._known:
            self._cache.note(_KIND, self.key, self._used)


def _without_consent(subject: Subject) -> Episode:
    """Let the consent of a voice that was withdrawn count as withdrawn: then no name of it may stand anywhere."""
    gone = frozenset(subject.silent.roles.values())
    speakers = tuple(
        replace(speaker, consent=replace(speaker.consent, withdrawn_on=speaker.consent.recorded_on))
        if speaker.role in gone and speaker.consent
        else speaker
        for speaker in subject.episode.speakers
    )
    return replace(subject.episode, speakers=speakers)


def _in_cover(cache: Cache, episode: Episode) -> str:
    cover = episode.cover
    if cover is None:
        return ""
    try:
        facts = cache.facts("wordings", key(cache.sha256(cover)), lambda: {"text": artwork.words_in(cover)})
    except (ArtworkError, OSError):  # a picture that cannot be read is a problem of its own
        return ""
    return str(facts["text"])
