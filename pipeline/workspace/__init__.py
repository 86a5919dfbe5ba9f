"""A workspace folder (cln_media.toml and episodes/) to values and back; only tomllib lives here, and no judgement.

What a file says is read against the tables in `keys`; whether it makes sense together is for `check` to say.
"""

import json
import os
import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

from pipeline import model
from pipeline.errors import ConfigError, MediaError, WordsError, WorkspaceError
from pipeline.model import Chapter, Episode, Problem, Show, Transcript
from pipeline.workspace import keys, toml

Value = TypeVar("Value")

CONFIG_NAME = "cln_media.toml"
EPISODE_NAME = "episode.toml"
NOTES_NAME = "notes.md"
CHAPTERS_NAME = "chapters.toml"
TRANSCRIPT_NAMES = ("transcript.vtt", "transcript.srt")
COVER_NAMES = ("cover.jpg", "cover.jpeg", "cover.png")
MAX_TEXT_BYTES = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The folders of a workspace."""

    root: Path

    @property
    def config(self) -> Path:
        """The settings file."""
        return self.root / CONFIG_NAME

    @property
    def episodes(self) -> Path:
        """The folder with a folder for each episode."""
        return self.root / "episodes"

    @property
    def templates(self) -> Path:
        """The folder of templates that replace the default ones."""
        return self.root / "templates"

    @property
    def site(self) -> Path:
        """The folder that `build` writes."""
        return self.root / "site"

    @property
    def cache(self) -> Path:
        """The folder of slow results; safe to delete."""
        return self.root / ".cache"

    def name(self, path: Path) -> str:
        """Name a path as people see it: below the root, with forward slashes."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """The functions that read the words of an episode, handed in by the caller: no stage imports another."""

    transcript: Callable[..., Transcript]
    chapters: Callable[..., tuple[Chapter, ...]]


def find(start: Path) -> Workspace:
    """Find the workspace `start` is in: the nearest folder upward with a cln_media.toml.

    Raises:
        WorkspaceError: there is none.
    """
    for folder in (start, *start.parents):
        if (folder / CONFIG_NAME).is_file():
            return Workspace(root=folder)
    raise WorkspaceError(
        f"is not in a workspace: neither it nor a folder above holds {CONFIG_NAME}",
        source=start,
        hint="Go to the workspace's folder, name it with -C FOLDER, or make a new one with: cln-media init",
    )


def read_show(workspace: Workspace) -> tuple[Show | None, tuple[Problem, ...]]:
    """Read cln_media.toml.

    Returns:
        The show, or None where a problem makes it impossible, and every problem found.
    """
    reading = toml.read(workspace.config, CONFIG_NAME, keys.SHOW_SECTIONS)
    if any(problem.fatal for problem in reading.problems):
        return None, tuple(reading.problems)
    return _show(workspace, reading.values), tuple(reading.problems)


def _show(workspace: Workspace, values: dict[str, Any]) -> Show:
    show, site = values["show"], values["site"]
    audio, tags = values["audio"], values["tags"]
    return Show(
        **{name: show[name] for name in ("title", "description", "language", "author", "owner_name", "owner_email")},
        **{name: show[name] for name in ("artwork_alt", "explicit", "copyright", "guid", "kind", "locked", "timezone")},
        categories=tuple(_category(text) for text in show["categories"]),
        artwork=workspace.root / show["artwork"],
        site_url=site["url"].rstrip("/") + "/",
        identity=site["identity"],
        identity_permission=site["identity_permission"],
        regions=tuple(model.Region(**region) for region in values["regions"]),
        feeds=tuple(_feed(feed) for feed in values["feeds"]),
        audio=model.AudioSettings(
            target=model.LoudnessTarget(
                integrated_lufs=audio["integrated_lufs"],
                true_peak_dbtp=audio["true_peak_dbtp"],
                mono_loudness=model.MonoLoudness(audio["mono_loudness"]),
            ),
            **{name: audio[name] for name in ("channels", "bit_rate_kbps", "sample_rate_hz", "highpass_hz", "ffmpeg")},
        ),
        tags=model.TagSettings(**tags),
        speech=model.SpeechSettings(model=_model_folder(workspace, values["speech"]["model"])),
        storage=model.StorageSettings(**values["storage"]),
    )


def _model_folder(workspace: Workspace, text: str | None) -> str | None:
    return str(workspace.root / text) if text else None


def _category(text: str) -> model.Category:
    name, _, subcategory = text.partition(" > ")
    return model.Category(name=name.strip(), subcategory=subcategory.strip() or None)


def _feed(values: dict[str, Any]) -> model.Feed:
    return model.Feed(**{("set_name" if name == "set" else name): value for name, value in values.items()})


def read_episodes(
    workspace: Workspace, show: Show, readers: Readers
) -> tuple[tuple[Episode, ...], tuple[Problem, ...]]:
    """Read every folder of episodes/.

    Args:
        workspace: where they are.
        show: the show, for its language and time zone.
        readers: what reads transcripts and chapters.

    Returns:
        The episodes that could be read, by folder name, and every problem found in any of them.
    """
    episodes: list[Episode] = []
    problems: list[Problem] = []
    for folder in _episode_folders(workspace, problems):
        reader = _EpisodeReader(workspace, show, readers, folder)
        episode = reader.read()
        problems += reader.problems
        if episode is not None:
            episodes.append(episode)
    return tuple(episodes), tuple(problems)


def _episode_folders(workspace: Workspace, problems: list[Problem]) -> Iterator[Path]:
    try:
        entries = sorted(workspace.episodes.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        problems.append(
            Problem(
                source=workspace.name(workspace.episodes),
                message=f"cannot be read: {error.strerror}",
                hint="Check the rights of that folder.",
            )
        )
        return
    yield from (entry for entry in entries if entry.is_dir() and not entry.name.startswith("."))


class _EpisodeReader:
    """Reads one folder, gathering problems instead of stopping at the first."""

    def __init__(self, workspace: Workspace, show: Show, readers: Readers, folder: Path) -> None:
        self.workspace, self.show, self.readers, self.folder = workspace, show, readers, folder
        self.problems: list[Problem] = []

    def read(self) -> Episode | None:
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
        reading = toml.read(path, self.workspace.name(path), keys.EPISODE_SECTIONS)
        self.problems += reading.problems
        if any(problem.fatal for problem in self.problems):
            return None
        return self._episode(reading.values)

    def _episode(self, values: dict[str, Any]) -> Episode | None:
        top = dict(values[""])
        language = top["language"] or self.show.language
        sources = tuple(self._source(entry) for entry in values["sources"])
        transcript = self._first(TRANSCRIPT_NAMES, lambda path: self._transcript(path, language))
        chapters = self._first((CHAPTERS_NAME,), lambda path: self.readers.chapters(_bytes(path), source=path))
        notes = self._first((NOTES_NAME,), _text)
        cover = self._first(COVER_NAMES, lambda path: path)
        if self.problems and any(problem.fatal for problem in self.problems):
            return None
        return Episode(
            path=self.folder,
            slug=top.pop("slug") or self.folder.name,
            set_name=top.pop("set"),
            kind=model.EpisodeKind(top.pop("kind")),
            visibility=model.Visibility(top.pop("visibility")),
            topics=tuple(top.pop("topics")),
            published=self._aware(top.pop("published")),
            sources=tuple(source for source in sources if source is not None),
            speakers=tuple(_speaker(entry) for entry in values["speakers"]),
            links=tuple(model.Link(**entry) for entry in values["links"]),
            notes=notes,
            chapters=chapters or (),
            transcript=transcript,
            cover=cover,
            **top,
        )

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

    def _source(self, entry: dict[str, Any]) -> model.Source | None:
        path = self.folder / entry["file"]
        if Path(entry["file"]).name != entry["file"] or entry["file"] in {"", ".", ".."} or "\\" in entry["file"]:
            hint = "Give the name of a file in the episode's folder, without a path."
            self._problem(self.folder / EPISODE_NAME, f"the source {entry['file']!r} is not a plain file name", hint)
        elif self._confined(path):
            return model.Source(path=path, sha256=entry["sha256"])
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


def write_episode(folder: Path, episode: Episode) -> None:
    """Write a new episode.toml, with the keys still to be filled in shown as comments.

    Args:
        folder: an existing folder without an episode.toml.
        episode: what is known.

    Raises:
        WorkspaceError: there is one already, or it cannot be written.
    """
    write_new(folder / EPISODE_NAME, _episode_toml(episode))


def _episode_toml(episode: Episode) -> str:
    known: dict[str, Any] = {
        "guid": episode.guid,
        "title": episode.title,
        "recorded_on": episode.recorded_on,
        "season": episode.season,
        "number": episode.number,
        "region": episode.region,
        "set": episode.set_name,
        "summary": episode.summary,
    }
    shown = {
        "published": "2027-01-04T07:00:00   # the day it shall appear; without it the episode stays a draft",
        "topics": '["referrals"]',
        "kind": '"full"',
        "visibility": '"public"',
    }
    lines: list[str] = []
    for key in keys.EPISODE_SECTIONS[0].keys:
        if known.get(key.name) is not None:
            lines += [f"# {key.doc}", f"{key.name} = {_toml_value(known[key.name])}"]
        elif key.name in shown or key.name in known:
            lines += [f"# {key.doc}", f"# {key.name} = {shown.get(key.name) or key.default_toml() or '…'}"]
    for source in episode.sources:
        lines += ["", "[[sources]]", f"file = {_toml_value(source.path.name)}", f'sha256 = "{source.sha256}"']
    lines += ["", "# Who speaks: a role each; a name only with consent to be named.", "# [[speakers]]"]
    lines += ['# role = "Chair"', ""]
    return "\n".join(lines)


def _toml_value(value: str | int | date) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return value.isoformat() if isinstance(value, date) else str(value)


def write_new(path: Path, text: str) -> None:
    """Write a text file that must not be there yet.

    Raises:
        WorkspaceError: it is there, or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError as error:
        raise WorkspaceError("is there already", source=path, hint="It is left as it is.") from error
    except OSError as error:
        hint = "Check the free space and the rights of that folder."
        raise WorkspaceError(f"cannot be written: {error.strerror}", source=path, hint=hint) from error


GITIGNORE = """\
# What cln-media makes, and can make again.
/site/
/.cache/
/public/
"""

TEMPLATES_README = """\
# Templates

Empty: the templates that came with cln-media are used. To change one, copy it here under the same name and edit the
copy; every other stays as it is. `cln-media doctor` prints the folder the originals are in; the README.md there lists
what each template is given.
"""


def create(root: Path) -> tuple[Path, ...]:
    """Make a workspace: cln_media.toml, episodes/, templates/ and a .gitignore. Nothing is ever overwritten.

    Returns:
        The files that were written.

    Raises:
        WorkspaceError: `root` is a workspace already, or cannot be written.
    """
    workspace = Workspace(root=root)
    if workspace.config.exists():
        raise ConfigError("is there already", source=workspace.config, hint="Nothing was changed.")
    try:
        for folder in (root, workspace.episodes, workspace.templates):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        hint = "Choose another folder, or check its rights."
        raise WorkspaceError(f"cannot be made: {error.strerror}", source=root, hint=hint) from error
    texts = {
        root / ".gitignore": GITIGNORE,
        workspace.templates / "README.md": TEMPLATES_README,
        workspace.config: keys.example_toml(keys.SHOW_SECTIONS),
    }
    written = tuple(path for path in texts if not path.exists())
    for path in written:
        write_new(path, texts[path])
    return written
