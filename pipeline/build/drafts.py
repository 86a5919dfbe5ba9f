"""What is drafted of an episode's words for a person to correct: chapters and notes.

The transcript is what both are drafted from. Whatever a machine wrote stands in `drafts/` as it wrote it, and carries a
mark in the file that a person corrects. What a person has changed is never written over: a new draft is merged with it.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline import drafting, identifiers, pages, words, workspace
from pipeline.build import asking, finding, gate
from pipeline.build.mastering import Report, length_ms
from pipeline.cache import Cache
from pipeline.errors import MediaError, WordsError, WorkspaceError
from pipeline.model import (
    DRAFT_MARKS,
    Cue,
    DraftState,
    EditAction,
    Episode,
    Outline,
    Part,
    Problem,
    Show,
    Timeline,
    Withdrawal,
)
from pipeline.trust import withdrawals
from pipeline.words.cleaning import decode
from pipeline.words.moving import REMOVED
from pipeline.workspace import Workspace
from pipeline.workspace.drafting import kept_summary

_NAMES: Mapping[Part, str] = {Part.CHAPTERS: workspace.CHAPTERS_NAME, Part.NOTES: workspace.NOTES_NAME}
_ABOUT_CHAPTERS = (
    "Proposed from the words that were said: about four in ten begin where a person would put them.",
    "Move, rename, remove and add what you like; the times are those of the recording.",
    "If you want no chapters, delete this file: it is not proposed again by itself.",
)
_MOST_BYTES = 20_000_000  # of a file that a person wrote
_CHAPTER_LINE = "[[chapters]]"
_VOICE = "Speaker"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """What became of a part. done: `drafted`, `drafted anew`, `merged`, or why it was left, in words."""

    part: Part
    done: str
    is_written: bool = True


class Drafting:
    """Drafts the parts of episodes, and remembers what became of each.

    slugs: the only ones that are worked at, besides what is due; empty for all.
    """

    def __init__(
        self, where: Workspace, cache: Cache, report: Report, *, now: datetime, slugs: tuple[str, ...] = ()
    ) -> None:
        self.where, self.cache, self.report, self.now = where, cache, report, now
        self.slugs, self.drafted = slugs, list[tuple[str, Drafted]]()
        self._said: _Words | None = None

    def missing(self, show: Show, episode: Episode) -> Episode:
        """Draft what an episode lacks, as a build does.

        Notes are drafted where there are none; once there is a transcript, anew, where nobody has touched the draft.
        Chapters are proposed only where nobody has signed the episode, its time has not come, and none were proposed
        before: what has gone out without chapters stays as it is.

        Returns:
            The episode with what was drafted.
        """
        is_worked_at = not self.slugs or episode.slug in self.slugs or episode.is_due(self.now)
        if not is_worked_at or episode.disposed_on or self._is_withdrawn(episode):
            return episode
        is_wanted = episode.transcript and Part.CHAPTERS not in episode.drafts and self._may_be_kept_back(episode)
        if is_wanted and workspace.drafted(episode.path, workspace.CHAPTERS_NAME) is None:
            episode = self._chapters(show, episode)
        if episode.notes is None or (episode.transcript and _is_untouched_without_words(episode)):
            episode = self._notes(show, episode)
        return episode

    def _may_be_kept_back(self, episode: Episode) -> bool:
        """Say whether nobody has signed an episode and its time has not come: unread chapters would keep it back."""
        return not episode.sign_offs and not episode.is_due(self.now)

    def asked_for(self, show: Show, episode: Episode, *, again: bool = False) -> Episode:
        """Draft what an episode lacks, as a person asks for it; `again` drafts all anew, and merges it with edits.

        Raises:
            MediaError: the episode gets no drafts any more, or a file cannot be written.
        """
        self.refuse_where_settled(episode)
        if episode.transcript and (again or Part.CHAPTERS not in episode.drafts):
            if again or self._may_be_kept_back(episode):
                episode = self._chapters(show, episode)
            else:
                done = (
                    "not proposed: it is signed or its time has come, and unread ones would keep it back (see --again)"
                )
                self._note(episode, Drafted(part=Part.CHAPTERS, done=done, is_written=False))
        if again or episode.notes is None or (episode.transcript and _is_untouched_without_words(episode)):
            episode = self._notes(show, episode)
        return episode

    def refuse_where_settled(self, episode: Episode) -> None:
        """Refuse an episode that gets no drafts any more.

        Raises:
            MediaError: its recording was removed, or it was withdrawn.
        """
        source = self.where.name(episode.path)
        if episode.disposed_on:
            hint = "What stands there can be corrected by hand."
            raise MediaError("gets no drafts: its recording was removed", source=source, hint=hint)
        if self._is_withdrawn(episode):
            raise MediaError("gets no drafts: it was withdrawn", source=source, hint="It stays as it is.")

    def _chapters(self, show: Show, episode: Episode) -> Episode:
        proposed = self._words(show, episode).outline.chapters
        if not proposed:
            done = "not proposed: too little is said for them"
            self._note(episode, Drafted(part=Part.CHAPTERS, done=done, is_written=False))
            return episode
        mark = DRAFT_MARKS[Part.CHAPTERS].removeprefix("# ")
        text = words.chapters_toml(proposed, remarks=(mark, *_ABOUT_CHAPTERS))
        written = self._write(episode, Part.CHAPTERS, text)
        if written is None:
            return episode
        path = episode.path / workspace.CHAPTERS_NAME
        return self._with(episode, Part.CHAPTERS, chapters=words.read_chapters(written.encode(), source=path))

    def _notes(self, show: Show, episode: Episode) -> Episode:
        said = self._words(show, episode) if episode.transcript else None
        summary = self._summary(show, episode, said) if said else ""
        heard = pages.Heard(outline=said.outline, length_ms=said.kept_ms, summary=summary) if said else None
        shown = (
            episode if episode.chapters or not said else dataclasses.replace(episode, chapters=said.outline.chapters)
        )
        text = pages.draft_notes(show, shown, heard=heard, templates=self.where.templates)
        if self._is_taken(episode, Part.NOTES):
            return episode
        if summary:
            workspace.keep_summary(episode.path, summary)
        is_replaced = episode.drafts.get(Part.NOTES, DraftState.DRAFTED) is DraftState.DRAFTED
        written = self._write(episode, Part.NOTES, text)
        by_machine = dict.fromkeys([*episode.machine_drafted, *(["notes"] if summary else [])])
        if is_replaced and not summary:  # nothing of an earlier answer is left
            workspace.forget_summary(episode.path)
        if written is None:
            return episode
        return self._with(episode, Part.NOTES, notes=written, machine_drafted=tuple(by_machine))

    def _write(self, episode: Episode, part: Part, text: str) -> str | None:
        """Write a draft as far as the person's own work allows; return the file's text, None where it stays."""
        name, state = _NAMES[part], episode.drafts.get(part)
        base, path = workspace.drafted(episode.path, name), episode.path / name
        if self._is_taken(episode, part):
            return None
        if state in {None, DraftState.DRAFTED}:
            if state and text == base:
                self._note(episode, Drafted(part=part, done="as it was: a new draft is the same", is_written=False))
                return None
            workspace.write_draft(episode.path, name, text)
            self._note(episode, Drafted(part=part, done="drafted" if state is None else "drafted anew"))
            return text
        if base is None:
            done = "left as it is: no machine drafted it"
            self._note(episode, Drafted(part=part, done=done, is_written=False))
            return None
        before, mine, after = (words.unmarked(each, part) for each in (base, _read(path), text))
        edited = _merged(part, before, mine, after, path)
        if edited == mine:
            self._note(episode, Drafted(part=part, done="left as it is: there is nothing to add", is_written=False))
            return None
        edited = f"{DRAFT_MARKS[part]}\n{edited}"  # what was reviewed is to be read again
        workspace.write_draft(episode.path, name, text, edited=edited)
        self._note(episode, Drafted(part=part, done="drafted anew, and merged with what was changed by hand"))
        return edited

    def _is_taken(self, episode: Episode, part: Part) -> bool:
        """Say whether a person has begun to write a part since it was read: a program that summarises takes minutes."""
        now = _state(episode.path / _NAMES[part], part)
        is_taken = now is not episode.drafts.get(part) and now in {DraftState.EDITED, DraftState.REVIEWED}
        if is_taken:
            done = "left as it is: somebody wrote it meanwhile"
            self._note(episode, Drafted(part=part, done=done, is_written=False))
        return is_taken

    def _with(self, episode: Episode, part: Part, **changes: Any) -> Episode:
        state = workspace.draft_state(episode.path / _NAMES[part], part)
        return dataclasses.replace(episode, drafts={**episode.drafts, part: state}, **changes)

    def _words(self, show: Show, episode: Episode) -> "_Words":
        if self._said is None or self._said.episode.path != episode.path:
            self._said = _Words(self.where, self.cache, self.now, show, episode)
        return self._said

    def _summary(self, show: Show, episode: Episode, said: "_Words") -> str:
        command = show.notes.command
        if not command:
            return ""
        self.report.begin("Summarising", {episode.slug: said.length_ms or 0})
        try:
            return asking.answer(command, said.plain, folder=self.where.root)
        except MediaError as error:
            earlier = kept_summary(episode.path)
            how = "with the summary of before" if earlier else "without a summary"
            message = f"the notes of {episode.slug} were drafted {how}: the program {error.message}"
            hint = error.hint or "Correct [notes] command in cln_media.toml."
            self.report.warn(Problem(source=workspace.CONFIG_NAME, message=message, hint=hint, fatal=False))
            return earlier
        finally:
            self.report.finish()

    def _is_withdrawn(self, episode: Episode) -> bool:
        return any(
            each.speaker is None and (each.slug == episode.slug or each.guid == episode.guid)
            for each in self._withdrawn
        )

    @cached_property
    def _withdrawn(self) -> tuple[Withdrawal, ...]:
        found, _ = withdrawals(self.where)
        return found

    def _note(self, episode: Episode, drafted: Drafted) -> None:
        self.drafted.append((episode.slug, drafted))


class _Words:
    """What is said in an episode, as it may leave: without what was removed or cut, and without withdrawn voices."""

    def __init__(self, where: Workspace, cache: Cache, now: datetime, show: Show, episode: Episode) -> None:
        self.show, self.episode, self._cache, self._today = show, episode, cache, now.date()
        self._seen = gate.examine(where, show, (episode,), cache, now=now).episodes[0]

    @cached_property
    def length_ms(self) -> int | None:
        """How long the recording lasts; None where it cannot be read."""
        try:
            return length_ms(self.episode)
        except MediaError:
            return None

    @cached_property
    def outline(self) -> Outline:
        """What may be told of it."""
        show, episode = self.show, self._seen
        own = [
            episode.title,
            episode.summary,
            episode.set_name,
            show.region_name(episode.region),
            show.title,
            show.author,
        ]
        known = [*filter(None, own), *episode.topics, *show.speech.hot_words]
        return drafting.outline(
            self._cues,
            length_ms=self.length_ms,
            find=self._finder.find,
            speakers=episode.speakers,
            glossary=show.notes.glossary,
            known=known,
        )

    @cached_property
    def plain(self) -> str:
        """The transcript as plain text: roles in place of names, and no cue in which what could identify was found."""
        labels = {
            name: each.label for each in self._seen.speakers for name in (each.role, each.label, each.name) if name
        }
        joined = identifiers.joined(self._cues)
        found = (joined.cues_of(each.start, each.end) for each in self._finder.find(joined.text))
        hidden = {index for indices in found for index in indices}
        cues = tuple(
            dataclasses.replace(
                cue, speaker=labels.get(cue.speaker or "", _VOICE), text=REMOVED if index in hidden else cue.text
            )
            for index, cue in enumerate(self._cues)
        )
        transcript = self._seen.transcript
        return words.plain_text(dataclasses.replace(transcript, cues=cues)).decode() if transcript else ""

    @cached_property
    def _finder(self) -> finding.Finder:
        return finding.Finder(self.show, self._seen, self._cache, self._today)

    @property
    def kept_ms(self) -> int | None:
        """How long the recording lasts without what is cut out of it."""
        return None if self.length_ms is None else self.length_ms - self._cut.covered_ms(0, self.length_ms)

    @cached_property
    def _cues(self) -> Sequence[Cue]:
        """What is said; of a cue that is edited in part, nobody knows which words go: none of it is repeated."""
        there = self._seen.transcript.cues if self._seen.transcript else ()
        edited = Timeline(covered=tuple((edit.start_ms, edit.end_ms) for edit in self.episode.edits))
        kept = (cue for cue in there if self._cut.covered_ms(cue.start_ms, cue.end_ms) < cue.end_ms - cue.start_ms)
        return tuple(
            dataclasses.replace(cue, text=REMOVED) if edited.covered_ms(cue.start_ms, cue.end_ms) else cue
            for cue in kept
        )

    @cached_property
    def _cut(self) -> Timeline:
        edits = (edit for edit in self.episode.edits if edit.action is EditAction.CUT)
        return Timeline(covered=tuple((edit.start_ms, edit.end_ms) for edit in edits))


def _is_untouched_without_words(episode: Episode) -> bool:
    is_untouched = episode.drafts.get(Part.NOTES) is DraftState.DRAFTED
    return is_untouched and pages.WITHOUT_WORDS in (episode.notes or "")


def _state(path: Path, part: Part) -> DraftState | None:
    try:
        return workspace.draft_state(path, part)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from error


def _read(path: Path) -> str:
    try:
        text = decode(path.read_bytes(), source=path, limit=_MOST_BYTES)
    except OSError as error:
        raise _unreadable(path, error) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unreadable(path: Path, error: OSError) -> WorkspaceError:
    return WorkspaceError(f"cannot be read: {error.strerror}", source=path, hint="Check the rights of that file.")


def _merged(part: Part, base: str, mine: str, theirs: str, path: Path) -> str:
    """Merge a new draft with what a person made of an earlier one: line by line, or chapter by chapter."""
    if part is not Part.CHAPTERS:
        return "".join(words.merged(*(text.splitlines(keepends=True) for text in (base, mine, theirs))))
    own, blocks = _blocks(mine), words.merged(*map(_blocks, (base, mine, theirs)))
    edges = [start for block in blocks if block in own for start in _starts(block, path)]
    kept = [block for block in blocks if block in own or _is_apart(_starts(block, path), edges)]
    made = "\n\n".join(kept) + "\n"
    try:
        words.read_chapters(made.encode(), source=path)
    except WordsError:  # what was moved by hand does not fit the new draft
        return mine
    return mine if kept == own else made


def _is_apart(starts: list[int], edges: list[int]) -> bool:
    return all(abs(start - edge) >= drafting.SHORTEST_MS for start in starts for edge in edges)


def _blocks(text: str) -> list[str]:
    return [block.strip() for block in re.split(rf"(?m)^(?={re.escape(_CHAPTER_LINE)})", text) if block.strip()]


def _starts(text: str, path: Path) -> list[int]:
    return [chapter.start_ms for chapter in words.read_chapters(text.encode(), source=path)]
