"""The commands `consent report` and `audit verify`: what was agreed to, and whether the trail is whole."""

import csv
import io
from dataclasses import asdict, fields
from datetime import date, datetime
from pathlib import Path

import click

from pipeline import trust
from pipeline.build.survey import CheckFailedError
from pipeline.cli import looking
from pipeline.cli.screen import Screen
from pipeline.workspace import Workspace

_HEADINGS = ("Episode", "Who", "Named", "Agreed to", "On", "Filed", "Until", "State")


def report(where: Workspace, screen: Screen, *, now: datetime, as_csv: bool, as_json: bool) -> None:
    """Print the consent of every speaker."""
    survey = looking.look(where, now=now)
    if survey.show is None:
        raise CheckFailedError(survey.problems)
    rows = list(trust.consent.rows(survey.episodes, today=now.date()))
    if as_json:
        screen.json([_as_json(row) for row in rows])
    elif as_csv:
        click.echo(_csv(rows), nl=False)
    elif rows:
        screen.table(_HEADINGS, [_cells(row) for row in rows])
    else:
        screen.say("There are no episodes yet.")


def verify_trail(where: Workspace, screen: Screen, *, as_json: bool) -> bool:
    """Read the whole trail and say whether it is as it was written."""
    problems, head = trust.trail.verify(where.trail, source=where.name(where.trail))
    count = sum(1 for _ in trust.trail.entries(where.trail))
    is_whole = not any(problem.fatal for problem in problems)
    if as_json:
        found = [asdict(each) for each in problems]
        screen.json({"entries": count, "head": head, "whole": is_whole, "problems": found})
        return is_whole
    if problems:
        screen.problems(problems)
    if is_whole:
        screen.say(f"{count} {'entry' if count == 1 else 'entries'}, each follows the one before.")
        screen.say(f"The last one is {head}: note it elsewhere, and missing lines at the end show as well.")
    return is_whole


def verify_signatures(where: Workspace, screen: Screen, *, signers: Path, now: datetime) -> bool:
    """Verify every SSH signature under the sign-offs of the episodes; say which are wrong, and which have none.

    Raises:
        MediaError: OpenSSH is not there.
    """
    survey = looking.look(where, now=now)
    signed = [(episode.slug, each) for episode in survey.episodes for each in episode.sign_offs]
    wrong = 0
    for slug, each in signed:
        if each.signature is None:
            screen.say(f"{slug}, {each.role}, by {each.by}: not signed with a key.")
            continue
        statement = trust.signing.statement(slug, each)
        is_right = trust.signing.is_ssh_signed(statement, each.signature, by=each.by, allowed_signers=signers)
        screen.say(f"{slug}, {each.role}, by {each.by}: {'right' if is_right else 'WRONG'}.")
        wrong += not is_right
    return not wrong


def _as_json(row: trust.consent.Row) -> dict[str, object]:
    return {name: str(value) if isinstance(value, date) else value for name, value in asdict(row).items()}


def _csv(rows: list[trust.consent.Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([field.name for field in fields(trust.consent.Row)])
    for row in rows:
        writer.writerow([_cell(value) for value in asdict(row).values()])
    return text.getvalue()


def _cell(value: object) -> str:
    text = " ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text  # no formula in a spreadsheet


def _cells(row: trust.consent.Row) -> tuple[str, ...]:
    scope, until = ", ".join(row.scope), row.expires_on
    return (
        row.slug,
        row.role,
        "yes" if row.named else "no",
        scope,
        str(row.recorded_on or ""),
        row.reference,
        str(until or ""),
        row.state,
    )
