"""The files of a workspace that say what the pages hold besides the episodes -> typed settings, and what is wrong."""

import os
from pathlib import Path
from typing import Any

from pipeline import model
from pipeline.model import Problem, SiteSettings, Statement
from pipeline.workspace import keys, toml
from pipeline.workspace.places import ABOUT_NAME, PRIVACY_NAME, STATEMENT_NAME, Workspace

_MOST_BYTES = 1_000_000


def site_settings(workspace: Workspace, values: dict[str, Any]) -> tuple[SiteSettings, tuple[Problem, ...]]:
    """Complete [site] and [[directories]] of cln_media.toml with about.md, privacy.md and accessibility.toml.

    Args:
        workspace: whose files they are.
        values: cln_media.toml, as read.

    Returns:
        The settings, and every problem found in those files.
    """
    site, problems = values["site"], list[Problem]()
    about, privacy = (_text(workspace, name, problems) for name in (ABOUT_NAME, PRIVACY_NAME))
    settings = SiteSettings(
        per_page=site["per_page"],
        directories=tuple(model.Link(**entry) for entry in values["directories"]),
        security_contact=site["security_contact"],
        security_expires=site["security_expires"],
        about=about,
        privacy=privacy,
        statement=_statement(workspace, problems),
    )
    return settings, tuple(problems)


def _text(workspace: Workspace, name: str, problems: list[Problem]) -> str | None:
    path = _ours(workspace, name, problems)
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            problems.append(Problem(source=name, message="is longer than a page", hint="Write at most 1 MB."))
            return None
        return data.decode("utf-8-sig")
    except OSError as error:
        problems.append(Problem(source=name, message=f"cannot be read: {error.strerror}", hint="Check its rights."))
    except UnicodeDecodeError:
        problems.append(Problem(source=name, message="is not UTF-8 text", hint="Save it as UTF-8."))
    return None


def _ours(workspace: Workspace, name: str, problems: list[Problem]) -> Path | None:
    """Return a file beside the settings if it is there and is one; a link may not lead out of the workspace."""
    path = workspace.root / name
    if not os.path.lexists(path):
        return None
    if path.resolve().is_relative_to(workspace.root.resolve()) and path.is_file():
        return path
    hint = "Put the file itself into the workspace, or take it away."
    problems.append(Problem(source=name, message="is no file of the workspace", hint=hint))
    return None


def _statement(workspace: Workspace, problems: list[Problem]) -> Statement | None:
    path = _ours(workspace, STATEMENT_NAME, problems)
    if path is None:
        return None
    reading = toml.read(path, STATEMENT_NAME, keys.STATEMENT_SECTIONS)
    problems += reading.problems
    if any(problem.fatal for problem in reading.problems):
        return None
    top = dict(reading.values[""])
    status = model.Compliance(top.pop("status"))
    return Statement(**top, status=status, barriers=tuple(model.Barrier(**each) for each in reading.values["barriers"]))
