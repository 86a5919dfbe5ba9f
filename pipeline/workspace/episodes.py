"""One folder of episodes/ to an Episode, or to the problems that stand in the way."""

import os
import zoneinfo
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pipeline import model
from pipeline.errors import MediaError, WordsError
from pipeline.model import DraftState, Episode, Part, Problem, Show, Transcript
from pipeline.workspace import keys, toml
from pipeline.workspace.drafting import has_summary, state
from pipeline.workspace.places import (
    CHAPTERS_NAME,
    CONFIG_NAME,
    COVER_NAMES,
    EPISODE_NAME,
    NOTES_NAME,
    REVIEW_NAME,
    SIGN_OFF_NAME,
    TRANSCRIPT_NAMES,
    Readers,
    Workspace,
)

Value = TypeVar("Value")

MAX_TEXT_BYTES = 20_000_000
_FILES = {Part.TRANSCRIPT: TRANSCRIPT_NAMES, Part.CHAPTERS: (CHAPTERS_NAME,), Part.NOTES: (NOTES_NAME,)}


class EpisodeReader:
    """Reads one folder, gathering problems instead of stopping at the first."""

    def __init__(self, workspace: Workspace, show: Show, readers: Readers, folder: Path) -> None:
        self.workspace, self.show, self.readers, self.folder = workspace, show, readers, folder
        self.problems: list[Problem] = []

    def read(self) -> Episode | None:
        """Read the folder; None where `problems` says why not."""
        path = self.folder / EPISODE_NAME
        try:
            present = path.is_file()
        except OSError as error:
            self._problem(self.folder, f"cannot be read: {error.strerror}", "Check the rights of that folder.")
            return None
        if not present:
            hint = "Make episodes with: cln-media ingest RECORDING. Move other folders out of episodes/."
            self._problem(self.folder, f"has no {EPISODE_NAME}", hint)
            return None
        if not self._confined(path):
            return None
        reading = toml.read(path, self.workspace.name(path), keys.EPISODE_SECTIONS)
        self.problems += reading.problems
        if any(problem.fatal for problem in self.problems):
            return None
        return self._episode(reading.values)

    def _episode(self, values: dict[str, Any]) -> Episode | None:
        top = dict(values[""])
        language = top["language"] or self.show.language
        is_gone = top["disposed_on"] is not None
        sources = tuple(self._source(entry, is_gone=is_gone) for entry in values["sources"])
        transcript = self._first(TRANSCRIPT_NAMES, lambda path: self._transcript(path, language))
        chapters = self._first((CHAPTERS_NAME,), lambda path: self.readers.chapters(_bytes(path), source=path))
        notes = self._first((NOTES_NAME,), _text)
        cover = self._first(COVER_NAMES, lambda path: path)
        decisions = self._records(REVIEW_NAME, keys.REVIEW_SECTIONS)
        sign_offs = self._records(SIGN_OFF_NAME, keys.SIGN_OFF_SECTIONS)
        for image in (chapter.image for chapter in chapters or () if chapter.image):
            self._confined(image)
        if any(problem.fatal for problem in self.problems):
            return None
        return Episode(
            path=self.folder,
            slug=top.pop("slug") or self.folder.name,
            set_name=top.pop("set"),
            kind=model.EpisodeKind(top.pop("kind")),
            visibility=model.Visibility(top.pop("visibility")),
            topics=tuple(top.pop("topics")),
            published=self._aware(top.pop("published")),
            updated=self._aware(top.pop("updated")),
            machine_drafted=self._by_machine(top.pop("machine_drafted")),
            soundbites=tuple(_soundbite(entry) for entry in values["soundbites"]),
            edits=tuple(sorted((_edit(entry) for entry in values["edits"]), key=lambda edit: edit.start_ms)),
            sources=tuple(source for source in sources if source is not None),
            speakers=tuple(_speaker(entry) for entry in values["speakers"]),
            links=tuple(model.Link(**entry) for entry in values["links"]),
            notes=notes,
            chapters=chapters or (),
            transcript=transcript,
            cover=cover,
            room=model.RoomConsent(**values["consent"]) if values["consent"]["room"] else None,
            decisions=tuple(map(_decision, decisions)),
            sign_offs=tuple(model.SignOff(**entry) for entry in sign_offs),
            drafts=self._drafts(),
            **top,
        )

    def _by_machine(self, said: list[str]) -> tuple[str, ...]:
        """Say what a model drafted: what episode.toml says, and what drafts/ proves."""
        return tuple(dict.fromkeys([*said, *(["notes"] if has_summary(self.folder) else [])]))

    def _drafts(self) -> dict[Part, DraftState]:
        states: dict[Part, DraftState] = {}
        for part, names in _FILES.items():
            path = next((path for name in names if (path := self.folder / name).is_file()), None)
            found = self._try(path, partial(state, part=part)) if path is not None else None
            if found is not None:
                states[part] = found
        return states

    def _records(self, name: str, sections: tuple[keys.Section, ...]) -> list[dict[str, Any]]:
        path = self.folder / name
        if not os.path.lexists(path) or not self._confined(path):
            return []
        reading = toml.read(path, self.workspace.name(path), sections)
        self.problems += reading.problems
        found: list[dict[str, Any]] = reading.values.get(sections[0].name, [])
        return found

    def _problem(self, path: Path, message: str, hint: str) -> None:
        self.problems.append(Problem(source=self.workspace.name(path), message=message, hint=hint))

    def _aware(self, moment: datetime | None) -> datetime | None:
        if moment is None or moment.tzinfo is not None:
            return moment
        try:
            return moment.replace(tzinfo=zoneinfo.ZoneInfo(self.show.timezone))
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            hint = f"Correct show.timezone in {CONFIG_NAME}, for instance Europe/London."
            self._problem(self.workspace.config, f'the time zone "{self.show.timezone}" is unknown', hint)
            return None

    def _source(self, entry: dict[str, Any], *, is_gone: bool) -> model.Source | None:
        path = self.folder / entry["file"]
        if Path(entry["file"]).name != entry["file"] or entry["file"] in {"", ".", ".."} or "\\" in entry["file"]:
            hint = "Give the name of a file in the episode's folder, without a path."
            self._problem(self.folder / EPISODE_NAME, f"the source {entry['file']!r} is not a plain file name", hint)
        elif is_gone or self._confined(path):
            return model.Source(path=path, sha256=entry["sha256"], recorder=entry["recorder"])
        return None

    def _confined(self, path: Path) -> bool:
        """Say whether `path` is a readable file that does not lead out of the workspace."""
        try:
            real = path.resolve(strict=True)
        except FileNotFoundError:
            hint = f"Put it back, or correct the name in {EPISODE_NAME}."
            self._problem(path, "is not there", hint)
            return False
        except (OSError, RuntimeError) as error:
            self._problem(path, f"cannot be read: {error}", "Check the rights of that file and its folder.")
            return False
        if not real.is_relative_to(self.workspace.root.resolve()):
            self._problem(path, "is a link to a place outside the workspace", "Replace the link by the file itself.")
            return False
        if not real.is_file() or not os.access(real, os.R_OK):
            self._problem(path, "cannot be read", "It must be a file that you may read: check its rights.")
            return False
        return True

    def _first(self, names: tuple[str, ...], read: Callable[[Path], Value]) -> Value | None:
        for name in names:
            path = self.folder / name
            if not os.path.lexists(path):
                continue
            return self._try(path, read) if self._confined(path) else None
        return None

    def _try(self, path: Path, read: Callable[[Path], Value]) -> Value | None:
        try:
            return read(path)
        except MediaError as error:
            self._problem(path, error.message, error.hint or "Correct that file.")
        except OSError as error:
            self._problem(path, f"cannot be read: {error.strerror}", "Check the rights of that file.")
        return None

    def _transcript(self, path: Path, language: str) -> Transcript:
        return self.readers.transcript(_bytes(path), source=path, language=language)


def _soundbite(entry: dict[str, Any]) -> model.Soundbite:
    return model.Soundbite(
        start_ms=toml.milliseconds(entry["start"]) or 0,
        duration_ms=round(entry["duration"] * 1000),
        title=entry["title"],
    )


def _edit(entry: dict[str, Any]) -> model.Edit:
    return model.Edit(
        start_ms=toml.milliseconds(entry["start"]) or 0,
        end_ms=toml.milliseconds(entry["end"]) or 0,
        action=model.EditAction(entry["action"]),
    )


def _decision(entry: dict[str, Any]) -> model.Decision:
    start, end = entry.pop("start"), entry.pop("end")
    return model.Decision(
        **{
            **entry,
            "verdict": model.Verdict(entry["verdict"]),
            "start_ms": toml.milliseconds(start),
            "end_ms": toml.milliseconds(end),
            "around": entry["around"] or "",
            "reason": entry["reason"] or "",
        }
    )


def _speaker(entry: dict[str, Any]) -> model.Speaker:
    consent = entry.pop("consent")
    if consent is not None:
        consent = model.Consent(**{**consent, "scope": tuple(consent["scope"])})
    return model.Speaker(consent=consent, **entry)


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_TEXT_BYTES + 1)
    if len(data) > MAX_TEXT_BYTES:
        raise WordsError(f"is larger than {MAX_TEXT_BYTES:,} bytes", hint="Put the right file in its place.")
    return data


def _text(path: Path) -> str:
    try:
        return _bytes(path).decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        hint = "Save it again as UTF-8 (in Notepad: Save as, Encoding, UTF-8)."
        raise WordsError(f"is not UTF-8 text (byte {error.start + 1})", source=path, hint=hint) from error
