"""A workspace folder (cln_media.toml and episodes/) to values and back; only tomllib lives here, and no judgement.

What a file says is read against the tables in `keys`; whether it makes sense together is for `check` to say.
"""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pipeline import model
from pipeline.errors import ConfigError, WorkspaceError
from pipeline.model import Episode, Problem, Show
from pipeline.workspace import keys, standing, toml
from pipeline.workspace.drafting import drafted, forget_summary, keep_summary, replace_text, write_draft, write_new
from pipeline.workspace.drafting import state as draft_state
from pipeline.workspace.episodes import EpisodeReader
from pipeline.workspace.places import (
    ARTWORK_NAME,
    CHAPTERS_NAME,
    CONFIG_NAME,
    DRAFTS_NAME,
    EPISODE_NAME,
    HEARD_NAME,
    NOTES_NAME,
    REVIEW_NAME,
    SIGN_OFF_NAME,
    STANDING_NAMES,
    TRANSCRIPT_NAMES,
    Readers,
    Workspace,
)

__all__ = [
    "CHAPTERS_NAME",
    "CONFIG_NAME",
    "DRAFTS_NAME",
    "EPISODE_NAME",
    "HEARD_NAME",
    "NOTES_NAME",
    "REVIEW_NAME",
    "SIGN_OFF_NAME",
    "STANDING_NAMES",
    "TRANSCRIPT_NAMES",
    "Readers",
    "Workspace",
    "create",
    "draft_state",
    "drafted",
    "find",
    "forget_summary",
    "keep_summary",
    "read_episode",
    "read_episodes",
    "read_show",
    "replace_text",
    "write_draft",
    "write_episode",
    "write_new",
]


NO_ARTWORK = Problem(
    source=CONFIG_NAME,
    message=f"there is no {ARTWORK_NAME}: the show's artwork is drawn from its title",
    hint='Put a square of 1400 to 3000 pixels there, or write artwork = "" under [show] to keep the drawn one.',
    fatal=False,
)


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
    if reading.values["show"]["artwork"] is None and not _is_there(workspace.artwork):
        reading.problems.append(NO_ARTWORK)
    site, problems = standing.site_settings(workspace, reading.values)
    return replace(_show(workspace, reading.values), site=site), (*reading.problems, *problems)


def _show(workspace: Workspace, values: dict[str, Any]) -> Show:
    show, site = values["show"], values["site"]
    audio, tags = values["audio"], values["tags"]
    return Show(
        **{name: show[name] for name in ("title", "description", "language", "author", "owner_name", "owner_email")},
        **{name: show[name] for name in ("artwork_alt", "explicit", "copyright", "guid", "kind", "locked", "timezone")},
        categories=tuple(_category(text) for text in show["categories"]),
        artwork=_artwork(workspace, show["artwork"]),
        site_url=site["url"].rstrip("/") + "/",
        identity=site["identity"],
        identity_permission=site["identity_permission"],
        search=site["search"],
        regions=tuple(model.Region(**region) for region in values["regions"]),
        seasons=tuple(model.Season(**season) for season in values["seasons"]),
        feeds=tuple(_feed(workspace, feed) for feed in values["feeds"]),
        feed=_feed_settings(values["feed"]),
        members=workspace.root / values["members"]["list"] if values["members"]["list"] else None,
        audio=_audio_settings(workspace, audio),
        tags=model.TagSettings(**tags),
        speech=_speech(workspace, values["speech"]),
        notes=_notes(values),
        storage=_storage(values["storage"]),
        staging=_staging(values["storage"]),
        trust=_trust(values["trust"]),
    )


def _artwork(workspace: Workspace, name: str | None) -> Path | None:
    if name is None and not _is_there(workspace.artwork):
        return None
    return workspace.artwork if name is None else workspace.root / name if name else None


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()  # a link that leads nowhere was meant to be there


def _storage(values: dict[str, Any]) -> model.StorageSettings:
    own = {name: value for name, value in values.items() if name != "staging"}
    return model.StorageSettings(**{**own, "allowed_regions": tuple(values["allowed_regions"])})


def _trust(values: dict[str, Any]) -> model.TrustSettings:
    return model.TrustSettings(
        public=tuple(values["public"]),
        members=tuple(values["members"]),
        names=values["names"],
        review_months=values["review_months"] or None,
        recording_months=values["recording_months"] or None,
    )


def _staging(values: dict[str, Any]) -> model.StorageSettings | None:
    if not values["staging"]:
        return None
    own = {name: value for name, value in values["staging"].items() if value is not None}
    return replace(_storage(values), cloudfront=None, **own)


def _audio_settings(workspace: Workspace, values: dict[str, Any]) -> model.AudioSettings:
    preset = model.PRESETS[values["preset"]]
    own = {name: values.pop(name) for name in ("integrated_lufs", "true_peak_dbtp")}
    mono = model.MonoLoudness(values.pop("mono_loudness"))
    target = replace(preset, mono_loudness=mono, **{name: value for name, value in own.items() if value is not None})
    stings = {name: workspace.root / name_of if (name_of := values[name]) else None for name in ("intro", "outro")}
    named = {name: value for name, value in values.items() if name != "preset"}
    return model.AudioSettings(**{**named, **stings, "target": target, "alternates": tuple(values["alternates"])})


def _speech(workspace: Workspace, values: dict[str, Any]) -> model.SpeechSettings:
    named = values["model"] or None
    place = named if named is None or named in model.SPEECH_MODELS else str(workspace.root / named)
    return model.SpeechSettings(model=place, hot_words=tuple(values["hot_words"]))


def _notes(values: dict[str, Any]) -> model.NotesSettings:
    glossary = tuple(model.Term(**entry) for entry in values["glossary"])
    return model.NotesSettings(command=tuple(values["notes"]["command"]), glossary=glossary)


def _category(text: str) -> model.Category:
    name, _, subcategory = text.partition(" > ")
    return model.Category(name=name.strip(), subcategory=subcategory.strip() or None)


def _feed(workspace: Workspace, values: dict[str, Any]) -> model.Feed:
    named = {("set_name" if name == "set" else name): value for name, value in values.items()}
    artwork = workspace.root / values["artwork"] if values["artwork"] else None
    return model.Feed(**{**named, "artwork": artwork, "visibility": model.Visibility(values["visibility"])})


def _feed_settings(values: dict[str, Any]) -> model.FeedSettings:
    return model.FeedSettings(
        **{name: value for name, value in values.items() if name not in {"hubs", "announce", "texts"}},
        hubs=tuple(values["hubs"]),
        announce=tuple(values["announce"]),
        texts=tuple(_txt(text) for text in values["texts"]),
    )


def _txt(text: str) -> model.Txt:
    purpose, colon, value = text.partition(":")
    return model.Txt(value=value.strip(), purpose=purpose.strip()) if colon else model.Txt(value=text.strip())


def read_episodes(
    workspace: Workspace, show: Show, readers: Readers, *, known: Mapping[str, Episode] | None = None
) -> tuple[tuple[Episode, ...], tuple[Problem, ...]]:
    """Read every folder of episodes/.

    Args:
        workspace: where they are.
        show: the show, for its language and time zone.
        readers: what reads transcripts and chapters.
        known: episodes by the name of their folder that need not be read.

    Returns:
        The episodes that are known or could be read, by folder name, and every problem found in any of them.
    """
    episodes: list[Episode] = []
    problems: list[Problem] = []
    for folder in _episode_folders(workspace, problems):
        if known and folder.name in known:
            episodes.append(known[folder.name])
            continue
        episode, found = read_episode(workspace, show, readers, folder)
        problems += found
        if episode is not None:
            episodes.append(episode)
    return tuple(episodes), tuple(problems)


def read_episode(
    workspace: Workspace, show: Show, readers: Readers, folder: Path
) -> tuple[Episode | None, tuple[Problem, ...]]:
    """Read one folder of episodes/; return the episode, None where it cannot be read, and every problem found."""
    reader = EpisodeReader(workspace, show, readers, folder)
    return reader.read(), tuple(reader.problems)


def _episode_folders(workspace: Workspace, problems: list[Problem]) -> Iterator[Path]:
    try:
        entries = sorted(workspace.episodes.iterdir())
    except FileNotFoundError:
        return
    except NotADirectoryError:
        hint = "Move that file away: the episodes stand in a folder of that name."
        problems.append(
            Problem(source=workspace.name(workspace.episodes), message="is a file, not a folder", hint=hint)
        )
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


def write_episode(folder: Path, episode: Episode, *, remark: str | None = None, comments: tuple[str, ...] = ()) -> None:
    """Write a new episode.toml, with the keys still to be filled in shown as comments.

    Args:
        folder: an existing folder without an episode.toml.
        episode: what is known.
        remark: what the recording says of itself, kept as a comment for the person who fills in the rest.
        comments: further sentences for that person.

    Raises:
        WorkspaceError: there is one already, or it cannot be written.
    """
    said = (f"The recording says of itself: {remark}",) if remark and _printable(remark).strip() else ()
    write_new(folder / EPISODE_NAME, "".join(map(_comment, (*said, *comments))) + _episode_toml(episode))


def _comment(text: str) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(_printable(text), 100))


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _episode_toml(episode: Episode) -> str:
    known = _known(episode)
    shown = {
        "published": "2027-01-04T07:00:00   # the day it shall appear; without it the episode stays a draft",
        "topics": '["referrals"]',
        "kind": '"full"',
        "visibility": '"public"',
    }
    offered = {*shown, "recorded_on", "season", "number", "region", "set", "summary"}
    lines: list[str] = []
    for key in keys.EPISODE_SECTIONS[0].keys:
        value = known.get(key.name)
        if value not in (None, key.default, []):
            lines += [f"# {key.doc}", f"{key.name} = {toml.written(value)}"]
        elif key.name in offered:
            lines += [f"# {key.doc}", f"# {key.name} = {shown.get(key.name) or key.default_toml() or '…'}"]
    if episode.room is not None:
        lines += ["", "[consent]", *(f"{name} = {toml.written(value)}" for name, value in asdict(episode.room).items())]
    for name, tables in _tables(episode).items():
        lines += [line for table in tables for line in toml.table_lines(name, table)]
    if episode.room is None and not episode.speakers:
        lines += ["", "# What the people in the room agreed to; it is not published without.", "# [consent]"]
        lines += ['# room = "all-agreed"', '# reference = "where the notice to the room is filed"']
    if not episode.speakers:
        lines += ["", "# Who speaks: a role each; a name only with consent to be named.", "# [[speakers]]"]
        lines += ['# role = "Chair"']
    return "\n".join([*lines, ""])


def _known(episode: Episode) -> dict[str, Any]:
    named = {key.name: getattr(episode, key.name, None) for key in keys.EPISODE_SECTIONS[0].keys}
    slug = episode.slug if episode.slug != episode.path.name else None
    topics, drafted = list(episode.topics), list(episode.machine_drafted)
    return {**named, "set": episode.set_name, "slug": slug, "topics": topics, "machine_drafted": drafted}


def _tables(episode: Episode) -> dict[str, list[dict[str, Any]]]:
    return {
        "soundbites": [
            {"start": bite.start_ms / 1000, "duration": bite.duration_ms / 1000, "title": bite.title}
            for bite in episode.soundbites
        ],
        "edits": [
            {"start": edit.start_ms / 1000, "end": edit.end_ms / 1000, "action": str(edit.action)}
            for edit in episode.edits
        ],
        "sources": [_source_table(source) for source in episode.sources],
        "speakers": [
            {
                "role": speaker.role,
                "name": speaker.name,
                "organisation": speaker.organisation,
                "consent": asdict(speaker.consent) if speaker.consent else None,
            }
            for speaker in episode.speakers
        ],
        "links": [asdict(link) for link in episode.links],
    }


def _source_table(source: model.Source) -> dict[str, Any]:
    recorder = {"recorder": source.recorder} if source.recorder != 1 else {}
    return {"file": source.path.name, "sha256": source.sha256, **recorder}


GITIGNORE = """\
# What cln-media makes, and can make again.
/site/
/.cache/
/public/
/staging/
/episodes/*/report.html
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
