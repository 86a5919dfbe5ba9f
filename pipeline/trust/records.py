"""Decisions, sign-offs and withdrawals <-> the TOML files that keep them in a workspace."""

import hashlib
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline import workspace
from pipeline.cache import write_atomic
from pipeline.errors import WorkspaceError
from pipeline.model import Decision, Episode, Problem, SignOff, Visibility, Withdrawal
from pipeline.workspace import Workspace, keys, toml

_WRITTEN = {
    "review": "# Written by cln-media review. A change by hand voids the signatures.\n",
    "sign-off": "# Written by cln-media sign-off. What is changed by hand is no signature any more.\n",
    "withdraw": "# Written by cln-media withdraw. Without this file the episode could be published again: keep it.\n",
}


def write_decisions(episode: Episode, decisions: tuple[Decision, ...]) -> None:
    """Write review.toml of an episode.

    Raises:
        WorkspaceError: it cannot be written.
    """
    lines = [line for decision in decisions for line in toml.table_lines("decisions", _decision(decision))]
    _write(episode.path / workspace.REVIEW_NAME, "review", lines)


def write_sign_offs(episode: Episode, sign_offs: tuple[SignOff, ...]) -> None:
    """Write sign-off.toml of an episode.

    Raises:
        WorkspaceError: it cannot be written.
    """
    lines: list[str] = []
    for sign_off in sign_offs:
        values = {**asdict(sign_off), "parts": dict(sign_off.parts)}
        lines += toml.table_lines("sign_offs", values)
    _write(episode.path / workspace.SIGN_OFF_NAME, "sign-off", lines)


def write_withdrawal(where: Workspace, withdrawal: Withdrawal) -> Path:
    """Write what was, or is to be, taken back into withdrawals/; return the file.

    Raises:
        WorkspaceError: it cannot be written.
    """
    path = where.withdrawals / f"{name_of(withdrawal)}.toml"
    values = {name: value for name, value in asdict(withdrawal).items() if value is not None}
    values["covers"] = [f"{start}-{end}" for start, end in withdrawal.covers]
    lines = [f"{name} = {toml.written(_plain(value))}" for name, value in values.items()]
    _write(path, "withdraw", lines)
    return path


def name_of(withdrawal: Withdrawal) -> str:
    """Name the files of a withdrawal."""
    if withdrawal.speaker is None:
        return withdrawal.slug
    words = re.findall(r"[a-z0-9]+", withdrawal.speaker.lower())
    name = f"{withdrawal.slug}.{'-'.join(words)}"
    if " ".join(words) == withdrawal.speaker.lower():
        return name
    return f"{name}-{hashlib.sha256(withdrawal.speaker.encode()).hexdigest()[:8]}"  # "GP (A)" is not "GP A"


def withdrawals(where: Workspace) -> tuple[tuple[Withdrawal, ...], tuple[Problem, ...]]:
    """Read withdrawals/; return what could be read, and what is wrong with the rest."""
    found: list[Withdrawal] = []
    problems: list[Problem] = []
    for path in sorted(where.withdrawals.glob("*.toml")):
        reading = toml.read(path, where.name(path), keys.WITHDRAWAL_SECTIONS)
        problems += reading.problems
        if not any(problem.fatal for problem in reading.problems):
            values = reading.values[""]
            try:
                values["covers"] = tuple(_span(text) for text in values["covers"])
            except ValueError:
                hint = 'Put the file back as it was: each is "START-END" in ms.'
                problems.append(Problem(source=where.name(path), message="covers is not a list of times", hint=hint))
                continue
            lists = {name: tuple(values[name]) for name in ("removed", "checked", "notes", "earlier_slugs")}
            plain = {"at": values["at"] or "", "visibility": Visibility(values["visibility"])}
            found.append(Withdrawal(**{**values, **lists, **plain}))
    return tuple(found), tuple(problems)


def _span(text: str) -> tuple[int, int]:
    start, _, end = text.partition("-")
    return int(start), int(end)


def _decision(decision: Decision) -> dict[str, Any]:
    values = asdict(decision)
    start_ms, end_ms = values.pop("start_ms"), values.pop("end_ms")
    times = {"start": start_ms / 1000, "end": end_ms / 1000} if start_ms is not None and end_ms is not None else {}
    kept = {name: str(value) if name == "verdict" else value for name, value in values.items() if value != ""}
    return {**kept, **times}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Visibility) else value


def _write(path: Path, command: str, lines: list[str]) -> None:
    text = _WRITTEN[command] + "\n".join(lines).lstrip("\n") + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text.encode())
    except OSError as error:
        hint = "Check the free space and the rights of that folder; nothing was changed."
        raise WorkspaceError(f"cannot be written: {error.strerror}", source=path, hint=hint) from error
