"""Values to problems: what is wrong with a show and its episodes, all of it at once; pure.

What a single file may hold is checked where it is read; here stands what only shows when the values are seen together.
"""

import difflib
import ipaddress
import re
import zoneinfo
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.model import Episode, Finding, Picture, Problem, Show, clock

CONFIG = "cln_media.toml"
ARTWORK_PX = (1400, 3000)
MIN_CHAPTERS = 3
MAX_CHAPTER_TITLE = 40
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
NUMBERED_TITLE = re.compile(r"(?i)^(?:s\d+\s*e\d+|(?:episode|ep\.?|season)\s*\d+\b)")

# Source: Apple Podcasts categories (https://podcasters.apple.com/support/1691-apple-podcasts-categories)
CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "Arts": ("Books", "Design", "Fashion & Beauty", "Food", "Performing Arts", "Visual Arts"),
    "Business": ("Careers", "Entrepreneurship", "Investing", "Management", "Marketing", "Non-Profit"),
    "Comedy": ("Comedy Interviews", "Improv", "Stand-Up"),
    "Education": ("Courses", "How To", "Language Learning", "Self-Improvement"),
    "Fiction": ("Comedy Fiction", "Drama", "Science Fiction"),
    "Government": (),
    "Health & Fitness": ("Alternative Health", "Fitness", "Medicine", "Mental Health", "Nutrition", "Sexuality"),
    "History": (),
    "Kids & Family": ("Education for Kids", "Parenting", "Pets & Animals", "Stories for Kids"),
    "Leisure": (
        "Animation & Manga",
        "Automotive",
        "Aviation",
        "Crafts",
        "Games",
        "Hobbies",
        "Home & Garden",
        "Video Games",
    ),
    "Music": ("Music Commentary", "Music History", "Music Interviews"),
    "News": (
        "Business News",
        "Daily News",
        "Entertainment News",
        "News Commentary",
        "Politics",
        "Sports News",
        "Tech News",
    ),
    "Religion & Spirituality": ("Buddhism", "Christianity", "Hinduism", "Islam", "Judaism", "Religion", "Spirituality"),
    "Science": (
        "Astronomy",
        "Chemistry",
        "Earth Sciences",
        "Life Sciences",
        "Mathematics",
        "Natural Sciences",
        "Nature",
        "Physics",
        "Social Sciences",
    ),
    "Society & Culture": ("Documentary", "Personal Journals", "Philosophy", "Places & Travel", "Relationships"),
    "Sports": (
        "Baseball",
        "Basketball",
        "Cricket",
        "Fantasy Sports",
        "Football",
        "Golf",
        "Hockey",
        "Rugby",
        "Running",
        "Soccer",
        "Swimming",
        "Tennis",
        "Volleyball",
        "Wilderness",
        "Wrestling",
    ),
    "Technology": (),
    "True Crime": (),
    "TV & Film": ("After Shows", "Film History", "Film Interviews", "Film Reviews", "TV Reviews"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of the files an episode names, gathered by those who may read them.

    durations_ms: by slug; hashes: SHA-256 by path; pictures: by path; find: text to findings that could identify a
    patient; guid: what to propose where the show has none.
    """

    durations_ms: Mapping[str, int] = field(default_factory=dict)
    hashes: Mapping[Path, str] = field(default_factory=dict)
    pictures: Mapping[Path, Picture] = field(default_factory=dict)
    find: Callable[[str], tuple[Finding, ...]] = lambda _text: ()
    guid: str | None = None


def problems(
    show: Show, episodes: tuple[Episode, ...], facts: Facts, *, root: Path, now: datetime
) -> tuple[Problem, ...]:
    """Find everything that is wrong, fatal or not.

    Args:
        show: the show.
        episodes: every episode of the workspace, complete or not.
        facts: what is known of their files.
        root: the workspace, for naming files.
        now: the time that decides which episodes are due.

    Returns:
        Problems: the show's first, then episode by episode.
    """
    found = [*_show(show, facts), *_twice(episodes, root)]
    for episode in episodes:
        found += _Episode(show, episode, facts, root, now).problems()
    return tuple(found)


def _show(show: Show, facts: Facts) -> Iterator[Problem]:
    yield from _address(show)
    yield from _lists(show)
    for category in show.categories:
        yield from _category(category.name, category.subcategory)
    if not show.categories:
        yield Problem(source=CONFIG, message="show.categories is empty", hint="Name one, such as Government.")
    if show.identity == "nhs" and not show.identity_permission:
        hint = 'Say who gave permission in site.identity_permission, or choose identity = "plain".'
        yield Problem(source=CONFIG, message="site.identity is nhs without permission", hint=hint)
    if show.timezone not in zoneinfo.available_timezones():
        hint = "Write it as region and city, such as Europe/London."
        yield Problem(source=CONFIG, message=f'show.timezone "{show.timezone}" is unknown', hint=hint)
    if picture := facts.pictures.get(show.artwork):
        yield from _square(picture, CONFIG, f"show.artwork {show.artwork.name}", fatal=True)
    here = _is_here(urlsplit(show.site_url).hostname or "")
    if not show.guid and facts.guid and not here:  # the guid comes from the address, which is not the public one yet
        hint = f'Before the first publish, add this line under [show] and never change it: guid = "{facts.guid}"'
        yield Problem(source=CONFIG, message="show.guid is not set", hint=hint, fatal=False)


def _address(show: Show) -> Iterator[Problem]:
    parts = urlsplit(show.site_url)
    if not show.site_url.isascii():
        hint = "Write the host in its ASCII form (xn--…) and the path percent-encoded."
        yield Problem(source=CONFIG, message="site.url has characters that podcast apps refuse", hint=hint)
    if parts.scheme != "https" and not _is_here(parts.hostname or ""):
        hint = "Begin it with https://: podcast apps refuse plain http."
        yield Problem(source=CONFIG, message=f"site.url {show.site_url} is not https", hint=hint)
    if _is_here(parts.hostname or "") and show.storage.url.startswith("s3://"):
        hint = "Set site.url to the public address of the bucket: subscribers cannot reach this computer."
        message = "site.url leads to this computer, but storage is a bucket"
        yield Problem(source=CONFIG, message=message, hint=hint, fatal=False)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _lists(show: Show) -> Iterator[Problem]:
    regions = [region.id for region in show.regions]
    for what, names in (("region", regions), ("feed", [feed.name for feed in show.feeds])):
        for name, count in Counter(names).items():
            if count > 1:
                hint = f"Remove or rename all but one {what}."
                yield Problem(source=CONFIG, message=f'the {what} "{name}" stands there {count} times', hint=hint)
    for feed in show.feeds:
        if feed.region and feed.region not in regions:
            yield Problem(
                source=CONFIG,
                message=f'feed "{feed.name}" wants the unknown region "{feed.region}"',
                hint=_did_you_mean(feed.region, regions),
            )


def _did_you_mean(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    if near:
        return f"Did you mean {near[0]}?"
    return f"The regions are: {', '.join(known)}." if known else f"Add it to {CONFIG} as [[regions]]."


def _category(name: str, subcategory: str | None) -> Iterator[Problem]:
    if name not in CATEGORIES:
        hint = f"{_nearest(name, list(CATEGORIES))} Apple's list has: {', '.join(CATEGORIES)}."
        yield Problem(source=CONFIG, message=f'show.categories: "{name}" is not a category', hint=hint.strip())
    elif subcategory and subcategory not in CATEGORIES[name]:
        known = ", ".join(CATEGORIES[name]) or "none"
        message = f'show.categories: "{subcategory}" is not a subcategory of {name}'
        yield Problem(source=CONFIG, message=message, hint=f"It has: {known}.")


def _nearest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {near[0]}?" if near else ""


def _square(picture: Picture, source: str, name: str, *, fatal: bool) -> Iterator[Problem]:
    least, most = ARTWORK_PX
    size = f"{picture.width} x {picture.height} pixels"
    if picture.width != picture.height:
        hint = f"Crop it to a square of {least} to {most} pixels."
        yield Problem(source=source, message=f"{name} is not square ({size})", hint=hint, fatal=fatal)
    elif picture.width < least:
        hint = f"Apps want {least} to {most} pixels: find a larger original."
        yield Problem(source=source, message=f"{name} is too small ({size})", hint=hint, fatal=fatal)


def _twice(episodes: tuple[Episode, ...], root: Path) -> Iterator[Problem]:
    keys: tuple[tuple[str, Callable[[Episode], str], str], ...] = (
        ("slug", lambda episode: episode.slug, "Give one of them another slug, and keep that of a published one."),
        ("guid", lambda episode: episode.guid, "Give the newer one its own guid; never change a published one."),
    )
    for what, value, hint in keys:
        first: dict[str, Episode] = {}
        for episode in episodes:
            other = first.setdefault(value(episode), episode)
            if other is not episode:
                message = f'the {what} "{value(episode)}" is also that of {_name(other.path, root)}'
                yield Problem(source=_name(episode.path / "episode.toml", root), message=message, hint=hint)


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


class _Episode:
    """Everything that can be wrong with one episode."""

    def __init__(self, show: Show, episode: Episode, facts: Facts, root: Path, now: datetime) -> None:
        self.show, self.episode, self.facts, self.root = show, episode, facts, root
        self.due = episode.is_due(now)

    def problems(self) -> Iterator[Problem]:
        yield from self._names()
        yield from self._sources()
        yield from self._chapters()
        yield from self._transcript()
        yield from self._speakers()
        yield from self._notes()
        yield from self._cover()
        yield from self._identifiers()

    def _problem(self, file: str, message: str, hint: str, *, fatal: bool = True) -> Problem:
        return Problem(source=_name(self.episode.path / file, self.root), message=message, hint=hint, fatal=fatal)

    def _names(self) -> Iterator[Problem]:
        episode = self.episode
        regions = [region.id for region in self.show.regions]
        if not SLUG.fullmatch(episode.slug):
            hint = "Set slug to lower-case letters, digits and single hyphens; it stands in the address."
            yield self._problem("episode.toml", f'the slug "{episode.slug}" cannot stand in an address', hint)
        if episode.region and episode.region not in regions:
            hint = _did_you_mean(episode.region, regions)
            yield self._problem("episode.toml", f'the region "{episode.region}" is unknown', hint)
        if NUMBERED_TITLE.search(episode.title):
            hint = "Take it out of the title: number and season have their own keys, and apps show them."
            yield self._problem("episode.toml", "the title begins with a number of the episode", hint, fatal=False)
        if not episode.summary and episode.published:
            hint = "Write one or two sentences in summary: apps show them in lists."
            yield self._problem("episode.toml", "has no summary", hint, fatal=False)
        if episode.recorded_on and episode.published and episode.published.date() < episode.recorded_on:
            hint = "Correct published or recorded_on."
            yield self._problem("episode.toml", "is published before it is recorded", hint, fatal=False)

    def _sources(self) -> Iterator[Problem]:
        for source in self.episode.sources:
            actual = self.facts.hashes.get(source.path, source.sha256)
            if actual != source.sha256:
                hint = f'Put the ingested file back; or, if it was changed on purpose, set sha256 = "{actual}"'
                yield self._problem(source.path.name, "is not the file that was ingested", f"{hint} in episode.toml.")

    def _chapters(self) -> Iterator[Problem]:
        chapters, end_ms = self.episode.chapters, self.facts.durations_ms.get(self.episode.slug)
        if not chapters:
            return
        if chapters[0].start_ms != 0:
            hint = "Begin the first chapter at 00:00:00: apps ignore the list otherwise."
            yield self._problem("chapters.toml", "the first chapter does not start at 0", hint, fatal=False)
        if len(chapters) < MIN_CHAPTERS:
            hint = f"Apps want at least {MIN_CHAPTERS} chapters, or none."
            yield self._problem("chapters.toml", f"has only {len(chapters)} chapters", hint, fatal=False)
        for index, chapter in enumerate(chapters, 1):
            if end_ms is not None and chapter.start_ms >= end_ms:
                message = (
                    f"chapter {index} starts at {clock(chapter.start_ms)}, after the episode ends ({clock(end_ms)})"
                )
                yield self._problem("chapters.toml", message, "Correct its start, or remove it.")
            if len(chapter.title) > MAX_CHAPTER_TITLE:
                message = f"the title of chapter {index} has {len(chapter.title)} characters"
                hint = f"Apps cut it after {MAX_CHAPTER_TITLE}: make it shorter."
                yield self._problem("chapters.toml", message, hint, fatal=False)

    def _transcript(self) -> Iterator[Problem]:
        transcript, end_ms = self.episode.transcript, self.facts.durations_ms.get(self.episode.slug)
        if transcript is None:
            if self.episode.published:
                hint = (
                    "Put transcript.vtt or transcript.srt beside the recording: the law asks for one. Where a build "
                    "has drafted transcript.draft.vtt, correct it and rename it."
                )
                yield self._problem("transcript.vtt", "is missing", hint, fatal=self.due)
            return
        last_ms = max(cue.start_ms for cue in transcript.cues)
        if end_ms is not None and last_ms >= end_ms:
            message = f"has words at {clock(last_ms)}, after the episode ends ({clock(end_ms)})"
            yield self._problem(transcript.origin, message, "Is it the transcript of this recording?")

    def _speakers(self) -> Iterator[Problem]:
        labels = {speaker.label for speaker in self.episode.speakers}
        unnamed = {speaker.name for speaker in self.episode.speakers if speaker.name} - labels
        cues = self.episode.transcript.cues if self.episode.transcript else ()
        origin = self.episode.transcript.origin if self.episode.transcript else ""
        for name in dict.fromkeys(cue.speaker for cue in cues if cue.speaker and cue.speaker not in labels):
            if name in unnamed:
                hint = "Replace the name by the role, or record consent to be named in episode.toml."
                yield self._problem(origin, "names a speaker without consent to be named", hint)
            else:
                hint = "Add the role to [[speakers]] in episode.toml, or correct the transcript."
                yield self._problem(origin, f'has words of "{name}", who is not in episode.toml', hint, fatal=False)
        for speaker in self.episode.speakers:
            if speaker.consent and speaker.consent.withdrawn_on:
                hint = "Take the episode back: remove published from episode.toml and publish."
                yield self._problem("episode.toml", f'the speaker "{speaker.role}" has withdrawn consent', hint)

    def _notes(self) -> Iterator[Problem]:
        if self.due and self.episode.notes is None:
            hint = "Write it, or let `cln-media build` draft it; then read and correct the draft."
            yield self._problem("notes.md", "is missing", hint)
        if self.episode.published and self.episode.notes_are_draft:
            hint = "Read it, correct it, and delete its first line."
            yield self._problem("notes.md", "is still the draft made by machine", hint, fatal=self.due)

    def _cover(self) -> Iterator[Problem]:
        cover = self.episode.cover
        if cover and (picture := self.facts.pictures.get(cover)):
            yield from _square(picture, _name(cover, self.root), "the cover", fatal=False)

    def _identifiers(self) -> Iterator[Problem]:
        episode = self.episode
        texts = {"episode.toml": " \n".join(filter(None, (episode.title, episode.summary))), "notes.md": episode.notes}
        texts["chapters.toml"] = " \n".join(chapter.title for chapter in episode.chapters)
        if episode.transcript:
            texts[episode.transcript.origin] = " ".join(cue.text for cue in episode.transcript.cues)
        for file, text in texts.items():
            yield from self._findings(file, self.facts.find(text or ""))

    def _findings(self, file: str, findings: tuple[Finding, ...]) -> Iterator[Problem]:
        for finding in findings:
            certain = finding.severity == "certain"
            what = finding.kind.lower().replace("_", " ").replace("nhs", "NHS").replace("ni ", "National Insurance ")
            message = f"{'holds' if certain else 'may hold'} what could identify a patient ({what}): {finding.text}"
            hint = "Take it out of the words, and listen whether the sound must be cut." if certain else "Look at it."
            yield self._problem(file, message, hint, fatal=certain and self.episode.published is not None)
