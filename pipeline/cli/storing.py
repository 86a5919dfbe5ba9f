"""The commands about the store: `publish`, `verify`, `releases`, `rollback`, `prune` and `promote`."""

from typing import Any

import click

from pipeline.cli.context import Context, pass_context, with_jobs, with_json, with_plan

PRUNED_AFTER_DAYS = 180


@click.command()
@click.option("--to", "place", type=click.Choice(["staging"]), help="Publish to [storage.staging] instead.")
@with_plan
@click.option("--repair", is_flag=True, help="List the store first, and send again what is missing or changed there.")
@click.option(
    "--configure-bucket", is_flag=True, help="Let everybody read the site, and print the rights that publishing needs."
)
@with_jobs
@pass_context
def publish(
    context: Context, /, place: str | None, repair: bool, configure_bucket: bool, jobs: int | None, **wish: Any
) -> None:
    """Build, show what would be sent and removed and why, ask, send, and look at the result.

    Sound goes first and feeds after pages, so that no subscriber meets a feed that names a missing file. Interrupted,
    it is finished by the next publish; what it replaces can be brought back with rollback.
    """
    from pipeline.cli import sending  # noqa: PLC0415
    from pipeline.cli.building import build_all  # noqa: PLC0415

    where = context.workspace()
    screen = context.screen.silenced() if wish["as_json"] else context.screen
    built = build_all(Context(context.folder, screen), where, jobs=jobs)
    if built.episodes:
        screen.say(f"{built}.")
    wanted = sending.Wish(**wish, staging=place is not None, repair=repair, configure=configure_bucket)
    sending.send(where, built, context.screen, wanted)


@click.command()
@click.option("--feed", "name", metavar="NAME", help="Only the feed called NAME in [[feeds]].")
@click.option("--url", metavar="URL", help="Any feed, such as a member's; needs no workspace.")
@click.option("--limit", type=click.IntRange(1), help="Only the files of so many of the newest episodes.")
@click.option("--deep", is_flag=True, help="Download every file of the store as well, and compare its SHA-256.")
@with_json
@pass_context
def verify(  # noqa: PLR0917 - click hands over one argument per option
    context: Context, name: str | None, url: str | None, limit: int | None, deep: bool, as_json: bool
) -> None:
    """Open the published addresses as a podcast app does, and say what it meets. Exit 1 if anything is wrong.

    Also lists the store, and says what is missing there, has been changed, or is somebody else's.
    """
    from pipeline.cli import verifying  # noqa: PLC0415

    if name and url:
        raise click.UsageError("--feed and --url exclude each other.")
    if deep and (name or url):
        raise click.UsageError("--deep looks at the whole store: leave --feed and --url out.")
    urls = (url,) if url else verifying.addresses(context.workspace(), name)
    where = None if name or url else context.workspace()
    if not verifying.look(urls, context.screen, as_json=as_json, limit=limit, where=where, deep=deep):
        raise click.exceptions.Exit(1)


@click.command()
@click.option("--staging", is_flag=True, help="Those of [storage.staging].")
@with_json
@pass_context
def releases(context: Context, as_json: bool, staging: bool) -> None:
    """List the last ten releases in the store: the first is live, any other can be brought back."""
    from pipeline.cli import releasing  # noqa: PLC0415

    releasing.show_releases(context.workspace(), context.screen, staging=staging, as_json=as_json)


@click.command()
@click.argument("number", type=click.IntRange(1), metavar="ID")
@with_plan
@pass_context
def rollback(context: Context, /, number: int, **wish: Any) -> None:
    """Bring an earlier release back, by copies within the store: nothing is built and no sound is sent.

    ID is the number that `cln-media releases` shows. It becomes a new release, so it can be undone in the same way.
    """
    from pipeline.cli import releasing  # noqa: PLC0415
    from pipeline.cli.sending import Wish  # noqa: PLC0415

    releasing.roll_back(context.workspace(), number, Wish(**wish), context.screen)


@click.command()
@click.option(
    "--older-than",
    "days",
    type=click.IntRange(0),
    default=PRUNED_AFTER_DAYS,
    show_default=True,
    metavar="DAYS",
    help="Only what no release has named for so many days.",
)
@with_plan
@pass_context
def prune(context: Context, /, days: int, **wish: Any) -> None:
    """Remove sound from the store that no feed and none of the last ten releases names any more.

    Only what cln-media itself has published there is ever removed.
    """
    from pipeline.cli import releasing  # noqa: PLC0415
    from pipeline.cli.sending import Wish  # noqa: PLC0415

    releasing.prune(context.workspace(), days, Wish(**wish), context.screen)


@click.command()
@click.argument("place", type=click.Choice(["staging"]))
@with_plan
@pass_context
def promote(context: Context, /, place: str, **wish: Any) -> None:
    """Make the release in [storage.staging] the live one, by copies from there: byte for byte what was looked at."""
    from pipeline.cli import releasing  # noqa: PLC0415
    from pipeline.cli.sending import Wish  # noqa: PLC0415

    releasing.promote(context.workspace(), place, Wish(**wish), context.screen)


COMMANDS = (publish, verify, releases, rollback, prune, promote)
