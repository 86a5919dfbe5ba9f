"""The master of an episode whose recording was removed: kept in the episode's folder, as it was made."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pipeline.cache import Cache, write_atomic
from pipeline.errors import WorkspaceError
from pipeline.model import Episode, Loudness, Master, Mastering, Problem, Remark, Rendition, Span, Timeline

KEPT_NAME = "master.json"


def keep(episode: Episode, master: Master) -> tuple[Path, ...]:
    """Copy a master and its other codings into the episode's folder, and write down what is known of them.

    Returns:
        The files that were written.

    Raises:
        WorkspaceError: they cannot be written.
    """
    files = {master.path: episode.path / f"master{master.path.suffix}"}
    files |= {each.path: episode.path / f"master{each.path.suffix}" for each in master.renditions}
    facts = {
        **asdict(master),
        "edits": _edits(episode),
        "path": files[master.path].name,
        "renditions": [asdict(each) | {"path": files[each.path].name} for each in master.renditions],
    }
    try:
        for original, copy in files.items():
            temporary = copy.with_name(f".new-{copy.name}")
            shutil.copyfile(original, temporary)
            temporary.replace(copy)
        write_atomic(episode.path / KEPT_NAME, json.dumps(facts, indent=1).encode())
    except OSError as error:
        hint = "Check the free space and the rights of that folder; the recording is still there."
        raise WorkspaceError(f"cannot be written: {error.strerror}", source=episode.path, hint=hint) from error
    return (*files.values(), episode.path / KEPT_NAME)


def kept(cache: Cache, episode: Episode) -> Master | None:
    """Return the master that was kept of an episode, or None where it is not as it was."""
    try:
        facts = json.loads((episode.path / KEPT_NAME).read_bytes())
        renditions, edits = facts.pop("renditions"), facts.pop("edits")
        made = from_facts({**facts, "renditions": []}, episode.path / Path(facts["path"]).name)
        others = tuple(Rendition(**{**each, "path": episode.path / Path(each["path"]).name}) for each in renditions)
        whole = [(made.path, made.sha256), *((each.path, each.sha256) for each in others)]
        if edits != _edits(episode) or any(cache.sha256(path) != sha256 for path, sha256 in whole):
            return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return replace(made, renditions=others)


def lost(episode: Episode) -> Problem:
    """Say that an episode can neither be mastered nor published as it was."""
    message = "its recording was removed, and its master is not as it was kept, or other edits are asked for"
    hint = "Put the files master.* back, or the recording (and remove disposed_on), or take published away."
    return Problem(source=f"episodes/{episode.path.name}/{KEPT_NAME}", message=message, hint=hint)


def _edits(episode: Episode) -> list[list[int | str]]:
    return [[edit.start_ms, edit.end_ms, str(edit.action)] for edit in episode.edits]


def from_facts(facts: Mapping[str, Any], path: Path) -> Master:
    """Make a master of what JSON kept of it, and the file it is in."""
    """Make a master of what JSON kept of it, and the file it is in."""
    values = {name: _tuples(value) for name, value in facts.items()}
    mastering = {**values["mastering"], "remarks": tuple(Remark(**remark) for remark in values["mastering"]["remarks"])}
    timeline = {**values["timeline"], "spans": tuple(Span(**span) for span in values["timeline"]["spans"])}
    return Master(
        **{
            **values,
            "path": path,
            "loudness": Loudness(**values["loudness"]),
            "mastering": Mastering(**mastering),
            "timeline": Timeline(**timeline),
        }
    )


def _tuples(value: Any) -> Any:
    """Give the lists that JSON made back as the tuples that they were."""
    if isinstance(value, Mapping):
        return {name: _tuples(entry) for name, entry in value.items()}
    if not isinstance(value, list | tuple):
        return value
    return tuple(map(_tuples, value)) if value and isinstance(value[0], list | dict) else tuple(value)
