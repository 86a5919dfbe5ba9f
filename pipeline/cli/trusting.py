"""The commands of trust: `scan`, `review`, `sign-off`, `consent`, `withdraw`, `dispose` and `audit`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import click

from pipeline.cli.context import Context, pass_context, with_jobs, with_json, with_yes


def _said(_context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Take a text that says something, and that a file can hold."""
    if value is None:
        return None
    text = " ".join(value.split())
    if not text or not text.isprintable():
        raise click.BadParameter("say it in words", param=parameter)
    return text


with_by = click.option(
    "--by", metavar="ROLE", callback=_said, help="Who decides, as a role or job title; never a patient's name."
)


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--no-names", is_flag=True, help="Do not look for names of people, also where the extra is installed.")
@with_json
@pass_context
def scan(context: Context, path: Path, no_names: bool, as_json: bool) -> None:
    """Look for what could identify a patient in a transcript, notes, or any text: .vtt, .srt, .md, .txt or .jsonl.

    Exit 1 if anything is found. Nothing is kept and nothing leaves this computer.
    """
    from pipeline.cli import scanning  # noqa: PLC0415

    if scanning.scan(context.folder / path, context.screen, as_json=as_json, names=not no_names):
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("slug")
@click.argument("finding", metavar="[ID]", required=False)
@click.option("--accept", "reason", metavar="REASON", help="It identifies nobody, because …")
@click.option("--remove", is_flag=True, help="Take it out of the words, and bleep it in the sound.")
@click.option("--mute", is_flag=True, help="The same, with silence in place of the bleep.")
@click.option("--wide", is_flag=True, help="With --remove or --mute: cover two seconds more to each side.")
@click.option("--hold", is_flag=True, help="Leave it open; the episode waits.")
@with_by
@with_json
@pass_context
def review(  # noqa: PLR0917 - click hands over one argument per option
    context: Context,
    slug: str,
    finding: str | None,
    reason: str | None,
    remove: bool,
    mute: bool,
    wide: bool,
    hold: bool,
    by: str | None,
    as_json: bool,
) -> None:
    """Show what in an episode could identify a patient, and decide about each: accept, remove or hold.

    Without an ID, all of it is shown, and, in a terminal, asked about one by one. What was decided holds for the same
    words at the same place, also when the transcript is made anew. Exit 1 while anything is open.
    """
    from pipeline.cli import deciding  # noqa: PLC0415

    chosen: list[Literal["accept", "remove", "mute", "hold"]] = []
    chosen += ["accept"] if reason is not None else []
    chosen += ["remove"] if remove else []
    chosen += ["mute"] if mute else []
    chosen += ["hold"] if hold else []
    if len(chosen) > 1 or (finding is None) != (not chosen):
        raise click.UsageError("Name one finding by its ID, and one of --accept REASON, --remove, --mute and --hold.")
    desk = deciding.Desk(context.workspace(), slug, context.screen, now=datetime.now(UTC))
    if finding is not None:
        desk.decide(finding, chosen[0], reason=reason or "", by=by, wide=wide)
    elif not as_json and deciding.is_somebody_there():
        desk.ask(by)
    if desk.show(as_json=as_json):
        raise click.exceptions.Exit(1)


@click.command("sign-off")
@click.argument("slug")
@click.option("--as", "role", metavar="ROLE", required=True, help="In which of the roles of [trust] you sign.")
@click.option("--by", metavar="WHO", required=True, callback=_said, help="Who signs, as a role or job title.")
@click.option("--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="An SSH key to sign with.")
@pass_context
def sign_off(context: Context, slug: str, role: str, by: str, key: Path | None) -> None:
    """Say that an episode may leave exactly as it is now: its sound, words, tags and consent.

    Whatever changes afterwards voids it. Build the episode first, listen to it, and read what was decided.
    """
    from pipeline.cli import signing  # noqa: PLC0415

    signing.sign(context.workspace(), slug, context.screen, now=datetime.now(UTC), role=role, by=by, key=key)


@click.group()
def consent() -> None:
    """Account for what speakers agreed to."""


@consent.command("report")
@click.option("--csv", "as_csv", is_flag=True, help="Write CSV, for a spreadsheet.")
@with_json
@pass_context
def consent_report(context: Context, as_csv: bool, as_json: bool) -> None:
    """List the consent of every speaker of every episode, and what is wrong with it."""
    from pipeline.cli import accounting  # noqa: PLC0415

    accounting.report(context.workspace(), context.screen, now=datetime.now(UTC), as_csv=as_csv, as_json=as_json)


@click.command()
@click.argument("slug")
@click.option(
    "--reason",
    required=True,
    metavar="TEXT",
    callback=_said,
    help="Why; it stands in the certificate, not on the site.",
)
@click.option("--by", metavar="ROLE", required=True, callback=_said, help="Who takes it back, as a role.")
@click.option("--speaker", metavar="ROLE", help="Only this voice: it is taken out of sound and words.")
@click.option("--take-over", is_flag=True, help="Take the turn of a publisher that has stopped.")
@with_yes
@with_jobs
@pass_context
def withdraw(  # noqa: PLR0917 - click hands over one argument per option
    context: Context,
    slug: str,
    reason: str,
    by: str,
    speaker: str | None,
    take_over: bool,
    yes: bool,
    jobs: int | None,
) -> None:
    """Take an episode back for good: out of feeds, pages and storage, with every earlier version, and prove it.

    Its address says that it was withdrawn; its identity is never used again; earlier releases cannot be brought back. A
    certificate lists what was removed, what was looked at, and what cannot be recalled. Run again, it finishes.
    """
    from pipeline.cli import withdrawing  # noqa: PLC0415
    from pipeline.cli.building import build_all  # noqa: PLC0415

    where = context.workspace()
    withdrawing.withdraw(
        where,
        withdrawing.Order(slug=slug, reason=reason, by=by, speaker=speaker, take_over=take_over, yes=yes),
        lambda: build_all(context, where, jobs=jobs, around=True),
        context.screen,
        now=datetime.now(UTC),
    )


@click.command()
@click.argument("slug")
@click.option("--by", metavar="ROLE", required=True, callback=_said, help="Who decides so, as a role.")
@with_yes
@pass_context
def dispose(context: Context, slug: str, by: str, yes: bool) -> None:
    """Remove the recording of an episode from this computer; its master stays, so that it can still be published."""
    from pipeline.cli import disposing  # noqa: PLC0415

    disposing.dispose(context.workspace(), slug, context.screen, now=datetime.now(UTC), by=by, yes=yes)


@click.group()
def audit() -> None:
    """Look at the trail of who did what: audit.jsonl."""


@audit.command("verify")
@click.option(
    "--signers",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Also verify the SSH signatures of sign-offs against this file of allowed signers (ssh-keygen(1)).",
)
@with_json
@pass_context
def audit_verify(context: Context, signers: Path | None, as_json: bool) -> None:
    """Say whether the trail is as it was written: no line changed, removed or put in. Exit 1 if it is not.

    In the file of allowed signers, whoever signed as "Communications officer" is called communications-officer.
    """
    from pipeline.cli import accounting  # noqa: PLC0415

    where = context.workspace()
    is_whole = accounting.verify_trail(where, context.screen, as_json=as_json)
    screen = context.screen.silenced() if as_json else context.screen
    if signers is not None:
        now = datetime.now(UTC)
        is_whole = accounting.verify_signatures(where, screen, signers=signers, now=now) and is_whole
    if not is_whole:
        raise click.exceptions.Exit(1)


COMMANDS = (scan, review, sign_off, consent, withdraw, dispose, audit)
