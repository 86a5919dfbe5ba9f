"""The commands: the only room that prints, prompts and sets exit codes; click lives here.

Everything else is imported when a command needs it, so that `cln-media --help` answers at once.
"""

import gc
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import click

from pipeline import __version__
from pipeline.cli import correcting, storing, trusting
from pipeline.cli.context import (
    Context,
    pass_context,
    with_jobs,
    with_json,
)
from pipeline.cli.screen import Screen
from pipeline.errors import BusyError, MediaError, WorkspaceError

EXIT_PROBLEM = 1
EXIT_USAGE = 2
EXIT_BUSY = 75
EXIT_INTERRUPTED = 130
DEFAULT_PORT = 8321
_FEW_COLLECTIONS = 100_000  # objects made before rubbish is looked for: we make many and drop few, and looking is slow


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "-C",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    metavar="DIR",
    help="Work in the workspace of DIR instead of the current folder's.",
)
@click.option("--verbose", is_flag=True, help="Say more: every file of a plan, every remark.")
@click.option("--quiet", is_flag=True, help="Say nothing but errors.")
@click.version_option(__version__, prog_name="cln-media")
@click.pass_context
def cli(context: click.Context, folder: Path, verbose: bool, quiet: bool) -> None:
    """Publish recorded learning sets as a podcast: ingest, build, check, publish."""
    context.obj = Context(folder.resolve(), Screen(verbose=verbose, quiet=quiet))


@cli.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=Path(), metavar="[DIR]")
@pass_context
def init(context: Context, directory: Path) -> None:
    """Make a new workspace in DIR: settings, episodes and templates. Never overwrites a file."""
    from pipeline import workspace  # noqa: PLC0415

    root = (context.folder / directory).resolve()
    for path in workspace.create(root):
        context.screen.say(f"Wrote {path}")
    context.screen.say(
        f"Next: edit {root / workspace.CONFIG_NAME}, put your artwork beside it as artwork.png "
        "(a square of 1400 to 3000 pixels; without it, artwork is drawn), then: cln-media ingest RECORDING"
    )


def _day(_context: click.Context, _parameter: click.Parameter, value: str | None) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not a date such as 2026-09-15.") from error


@cli.command()
@click.argument(
    "recordings", nargs=-1, required=True, metavar="RECORDING...", type=click.Path(path_type=Path, resolve_path=False)
)
@click.option(
    "--other-recorder",
    "others",
    multiple=True,
    metavar="RECORDING",
    type=click.Path(path_type=Path, resolve_path=False),
    help="What another recorder in the room heard of the same meeting; may be given several times.",
)
@click.option("--title", help="The episode's title; the recording's own, where it has one.")
@click.option("--slug", help="The name in the episode's address; made of the title otherwise.")
@click.option("--region", help="The region's id, as in cln_media.toml.")
@click.option("--set", "set_name", help="The name of the learning set.")
@click.option("--recorded", callback=_day, metavar="DATE", help="The day of the recording, such as 2026-09-15.")
@click.option("--season", type=click.IntRange(1), help="The season, for instance the year.")
@click.option("--number", type=click.IntRange(1), help="The episode's number within the season.")
@click.option("--move", is_flag=True, help="Remove the originals once their copies have been compared.")
@click.option("--no-transcript", is_flag=True, help="Leave a transcript that lies beside the recording where it is.")
@pass_context
def ingest(  # noqa: PLR0917 - click hands over one argument per option
    context: Context,
    recordings: tuple[Path, ...],
    others: tuple[Path, ...],
    title: str | None,
    slug: str | None,
    region: str | None,
    set_name: str | None,
    recorded: date | None,
    season: int | None,
    number: int | None,
    move: bool,
    no_transcript: bool,
) -> None:
    """Make one episode of a recording, or of its parts in order.

    The recordings are copied into a new folder under episodes/, compared with the originals, and given an identity
    that podcast apps will know the episode by. A recording that is there already is refused. A transcript that lies
    beside the recording under its name, as Teams, Zoom or Otter write it, is taken along as a draft.
    """
    from pipeline.cli import adding  # noqa: PLC0415
    from pipeline.ingest import Details  # noqa: PLC0415

    details = Details(
        title=title,
        slug=slug,
        region=region,
        set_name=set_name,
        recorded_on=recorded,
        season=season,
        number=number,
    )
    adding.add(
        context.workspace(), recordings, others, details, context.screen, move=move, transcript=not no_transcript
    )


@cli.command()
@click.argument("slugs", nargs=-1, metavar="[SLUG...]")
@with_jobs
@click.option("--force", is_flag=True, help="Master again, even what the cache already has.")
@pass_context
def build(context: Context, slugs: tuple[str, ...], jobs: int | None, force: bool) -> None:
    """Master, tag, draft and render everything into site/; only what changed is done again.

    With SLUGs, only those drafts are worked at; whatever is published is always kept whole.
    """
    from pipeline.cli.building import build_all  # noqa: PLC0415

    built = build_all(context, context.workspace(), slugs=slugs, jobs=jobs, force=force)
    context.screen.say(f"{built}.")


@cli.command()
@click.argument("slugs", nargs=-1, metavar="[SLUG...]")
@with_json
@pass_context
def check(context: Context, slugs: tuple[str, ...], as_json: bool) -> None:
    """Print every problem at once: the file, what is wrong and what to do. Exit 1 if any must be mended."""
    from pipeline.cli import looking  # noqa: PLC0415

    problems = looking.problems(context.workspace(), slugs, now=datetime.now(UTC))
    if as_json:
        context.screen.json([looking.as_json(problem) for problem in problems])
    else:
        context.screen.problems(problems)
    if any(problem.fatal for problem in problems):
        raise click.exceptions.Exit(EXIT_PROBLEM)


@cli.command()
@with_json
@pass_context
def status(context: Context, as_json: bool) -> None:
    """Show each episode: its state, length, loudness, and what it waits for.

    With --verbose (cln-media --verbose status) also the file to listen to before an episode is published, and how far
    its transcript, chapters and notes are.
    """
    from pipeline.cli import looking  # noqa: PLC0415

    rows = looking.status(context.workspace(), now=datetime.now(UTC))
    if as_json:
        context.screen.json([row.as_json() for row in rows])
    else:
        context.screen.table(looking.StatusRow.HEADINGS, [row.cells() for row in rows])
        for row in rows:
            context.screen.detail(f"{row.slug} can be heard in {row.master or 'no file yet'}")
            context.screen.detail(f"{row.slug}: {row.words()}")


@cli.command()
@click.argument("slug")
@with_json
@pass_context
def report(context: Context, slug: str, as_json: bool) -> None:
    """Show what mastering found and did to an episode, and write it, with charts, as a page into its folder."""
    from pipeline.cli import reporting  # noqa: PLC0415

    reporting.report(context.workspace(), slug, context.screen, now=datetime.now(UTC), as_json=as_json)


@cli.command("import")
@click.argument("source", metavar="FEED_URL_OR_FILE")
@click.option("--region", help="The region's id, as in cln_media.toml, for every episode.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Add at most N episodes, the newest first.")
@click.option("--keep-audio", is_flag=True, help="Publish the old sound as it is, instead of mastering it again.")
@click.option("--consent", metavar="REFERENCE", help="Where it is filed that all who speak in these episodes agreed.")
@click.option("--dry-run", is_flag=True, help="Show what would be added and fetch nothing but the feed.")
@pass_context
def import_(  # noqa: PLR0917 - click hands over one argument per option
    context: Context,
    source: str,
    region: str | None,
    limit: int | None,
    keep_audio: bool,
    consent: str | None,
    dry_run: bool,
) -> None:
    """Turn an existing podcast, from any host, into episodes: sound, notes, chapters, transcripts and identities.

    What is here already is left alone; run again, it goes on where it was. An item that cannot be added does not stop
    the others.
    """
    from pipeline.cli import importing  # noqa: PLC0415

    where, screen = context.workspace(), context.screen
    importing.bring(
        where,
        source,
        screen,
        region=region,
        limit=limit,
        keep_audio=keep_audio,
        consent=consent,
        dry_run=dry_run,
    )


@cli.group("members")
def members_group() -> None:
    """Add, revoke and list those who follow a feed for members, each at a secret address of their own."""


@members_group.command("add")
@click.argument("name")
@click.option("--feed", help="The members' feed; needed where there are several.")
@pass_context
def members_add(context: Context, name: str, feed: str | None) -> None:
    """Add a member, or a group, and print the address that is theirs alone."""
    from pipeline.cli import members as commands  # noqa: PLC0415

    commands.add(context.workspace(), name, feed, context.screen, today=_today())


@members_group.command("revoke")
@click.argument("name")
@pass_context
def members_revoke(context: Context, name: str) -> None:
    """Remove everything at a member's address; nobody else is affected."""
    from pipeline.cli import members as commands  # noqa: PLC0415

    commands.revoke(context.workspace(), name, context.screen, today=_today())


@members_group.command("list")
@with_json
@pass_context
def members_list(context: Context, as_json: bool) -> None:
    """Print every member with the address of their feed: show it to nobody else."""
    from pipeline.cli import members as commands  # noqa: PLC0415

    commands.show_list(context.workspace(), context.screen, as_json=as_json)


def _today() -> date:
    return datetime.now().astimezone().date()


@cli.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), help=f"The port; that of site.url, or {DEFAULT_PORT}, otherwise."
)
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@pass_context
def preview(context: Context, port: int | None, no_browser: bool) -> None:
    """Serve site/ on this computer and reload the page when a source changes."""
    from pipeline.cli import serving  # noqa: PLC0415
    from pipeline.cli.building import build_all  # noqa: PLC0415

    where = context.workspace()
    serving.serve(
        where,
        lambda: build_all(context, where),
        context.screen,
        port=port,
        default_port=DEFAULT_PORT,
        browser=not no_browser,
    )


@cli.command()
@click.option(
    "--download-model",
    "model",
    is_flag=False,
    flag_value="",
    metavar="[NAME]",
    help="Bring a speech model to this computer: the one that the settings name, or NAME, such as base.en.",
)
@with_json
@pass_context
def doctor(context: Context, model: str | None, as_json: bool) -> None:
    r"""Say what works here, from ffmpeg to the storage. Exit 1 if something that is needed fails.

    \b
    Transcripts are drafted by a speech model on this computer, which is downloaded once:
      cln-media doctor --download-model
    """
    from pipeline import workspace  # noqa: PLC0415
    from pipeline.cli import doctoring  # noqa: PLC0415

    try:
        where = workspace.find(context.folder)
    except WorkspaceError:
        where = None
    if model is not None:
        doctoring.download_model(context.screen, where, model)
        return
    findings = doctoring.examine(where)
    if as_json:
        context.screen.json([finding.as_json() for finding in findings])
    else:
        context.screen.table(doctoring.Finding.HEADINGS, [finding.cells() for finding in findings])
    if any(finding.state == "fails" for finding in findings):
        raise click.exceptions.Exit(EXIT_PROBLEM)


for command in (*correcting.COMMANDS, *storing.COMMANDS, *trusting.COMMANDS):
    cli.add_command(command)


def main() -> None:
    """Run the command line, and turn every error into its sentence and exit code."""
    gc.set_threshold(_FEW_COLLECTIONS)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console without our characters must not end in a traceback
    code = run(sys.argv[1:])
    gc.freeze()  # looking through all that is left, once more before the end, would take longer than reading it did
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run a command line.

    Args:
        arguments: without the program's name.

    Returns:
        The exit code: 0 done, 1 a problem to mend, 2 wrong usage (or, of a dry run: changes), 75 somebody else is
        publishing, 130 interrupted.
    """
    screen = Screen()
    try:
        result = cli.main(args=arguments, prog_name="cln-media", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return EXIT_USAGE
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except (click.Abort, KeyboardInterrupt):
        screen.error_line("Interrupted. What was finished is kept; run the same command again to go on.")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        sys.stdout = None  # nobody reads on: nothing more to flush
        return 0
    except MediaError as error:
        screen.failure(error)
        return EXIT_BUSY if isinstance(error, BusyError) else EXIT_PROBLEM
    return result if isinstance(result, int) else 0
