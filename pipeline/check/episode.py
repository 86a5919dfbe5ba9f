"""What is wrong with an episode: names, sound, words, speakers."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from pipeline.check import edits
from pipeline.check.facts import Facts, not_square, place
from pipeline.check.naming import named
from pipeline.check.show import did_you_mean
from pipeline.model import DRAFT_MARKS, DraftState, Episode, Part, Problem, Show, clock

MIN_CHAPTERS = 3
MAX_CHAPTER_TITLE = 40
SOUNDBITE_MS = (15_000, 120_000)
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
NUMBERED_TITLE = re.compile(r"(?i)^(?:s\d+\s*e\d+|(?:episode|ep\.?|season)\s*\d+\b)")


class EpisodeCheck:
    """Everything that can be wrong with one episode."""

    def __init__(self, show: Show, episode: Episode, facts: Facts, root: Path, now: datetime) -> None:
        self.show, self.episode, self.facts, self.root = show, episode, facts, root
        self.due = episode.is_due(now)

    def problems(self) -> Iterator[Problem]:
        """Find them all."""
        yield from self._names()
        yield from self._sources()
        yield from self._edits()
        yield from self._chapters()
        yield from self._soundbites()
        yield from self._transcript()
        yield from self._speakers()
        yield from self._notes()
        yield from self._drafts()
        yield from self._cover()

    def _problem(self, file: str, message: str, hint: str, *, fatal: bool = True) -> Problem:
        return Problem(source=place(self.episode.path / file, self.root), message=message, hint=hint, fatal=fatal)

    def _names(self) -> Iterator[Problem]:
        episode = self.episode
        regions = [region.id for region in self.show.regions]
        if not SLUG.fullmatch(episode.slug):
            hint = "Set slug to lower-case letters, digits and single hyphens; it stands in the address."
            yield self._problem("episode.toml", f'the slug "{episode.slug}" cannot stand in an address', hint)
        if episode.region and episode.region not in regions:
            hint = did_you_mean(episode.region, regions)
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
        if episode.updated and (episode.published is None or episode.updated < episode.published):
            hint = "It is for changes after the episode has appeared: correct or remove it."
            yield self._problem("episode.toml", "is updated before it is published", hint, fatal=False)
        if UNSEEN.search(episode.title + (episode.summary or "")):
            hint = "Type it again: control characters come with text copied from other programs."
            yield self._problem("episode.toml", "has invisible control characters in title or summary", hint)

    def _sources(self) -> Iterator[Problem]:
        if self.episode.keep_audio and [source.path.suffix for source in self.episode.sources] != [".mp3"]:
            hint = "Remove keep_audio, so that it is mastered."
            yield self._problem("episode.toml", "has keep_audio, but its recording is not a single MP3", hint)
        for source in self.episode.sources:
            actual = self.facts.hashes.get(source.path, source.sha256)
            if actual != source.sha256:
                hint = f'Put the ingested file back; or, if it was changed on purpose, set sha256 = "{actual}"'
                yield self._problem(source.path.name, "is not the file that was ingested", f"{hint} in episode.toml.")

    def _edits(self) -> Iterator[Problem]:
        for file, message, hint, fatal in edits.wrong(self.episode, self.facts.durations_ms.get(self.episode.slug)):
            yield self._problem(file, message, hint, fatal=fatal)

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

    def _soundbites(self) -> Iterator[Problem]:
        end_ms = self.facts.durations_ms.get(self.episode.slug)
        for index, bite in enumerate(self.episode.soundbites, 1):
            last_ms = bite.start_ms + bite.duration_ms
            if end_ms is not None and last_ms > end_ms:
                message = f"soundbite {index} ends at {clock(last_ms)}, after the episode ends ({clock(end_ms)})"
                yield self._problem("episode.toml", message, "Correct its start or duration, in seconds.")
            if not SOUNDBITE_MS[0] <= bite.duration_ms <= SOUNDBITE_MS[1]:
                message = f"soundbite {index} lasts {bite.duration_ms / 1000:g} seconds"
                hint = f"Apps want {SOUNDBITE_MS[0] // 1000} to {SOUNDBITE_MS[1] // 1000} seconds."
                yield self._problem("episode.toml", message, hint, fatal=bite.duration_ms == 0)

    def _transcript(self) -> Iterator[Problem]:
        transcript, end_ms = self.episode.transcript, self.facts.durations_ms.get(self.episode.slug)
        if transcript is None:
            if self.episode.published:
                hint = (
                    "Put transcript.vtt or transcript.srt beside the recording: the law asks for one. Or have it "
                    f"drafted: cln-media draft {self.episode.slug}"
                )
                yield self._problem("transcript.vtt", "is missing", hint, fatal=self.due)
            return
        for repair in transcript.repairs:
            hint = "Correct the file in a text editor, so that every program reads it alike."
            yield self._problem(transcript.origin, repair, hint, fatal=False)
        last_ms = max(cue.start_ms for cue in transcript.cues)
        if end_ms is not None and last_ms >= end_ms:
            message = f"has words at {clock(last_ms)}, after the episode ends ({clock(end_ms)})"
            hint = "Is it the transcript of this recording?"
            yield self._problem(transcript.origin, message, hint, fatal=self.due)

    def _speakers(self) -> Iterator[Problem]:
        for file, message, hint, fatal in named(self.episode):
            yield self._problem(file, message, hint, fatal=fatal)

    def _notes(self) -> Iterator[Problem]:
        if self.due and self.episode.notes is None:
            hint = "Write it, or let `cln-media build` draft it; then read and correct the draft."
            yield self._problem("notes.md", "is missing", hint)

    def _drafts(self) -> Iterator[Problem]:
        transcript = self.episode.transcript
        files = {Part.TRANSCRIPT: transcript.origin if transcript else "transcript.vtt"}
        files |= {Part.CHAPTERS: "chapters.toml", Part.NOTES: "notes.md"}
        for part in self.episode.unread:
            is_edited = self.episode.drafts[part] is DraftState.EDITED
            edited = ", edited but not yet said to be reviewed" if is_edited else ""
            mark = DRAFT_MARKS[part].partition(":")[0]
            hint = f'Read it, correct it, and delete the line that begins with "{mark}"'
            hint += " in a text editor." if part is Part.NOTES else f"; or use: cln-media proof {self.episode.slug}"
            yield self._problem(files[part], f"is still the draft made by machine{edited}", hint, fatal=self.due)

    def _cover(self) -> Iterator[Problem]:
        cover = self.episode.cover
        if cover and (picture := self.facts.pictures.get(cover)):
            yield from not_square(picture, place(cover, self.root), "the cover", fatal=False)
