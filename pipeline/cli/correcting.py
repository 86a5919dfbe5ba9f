"""The commands for the words of an episode: drafted by a machine, corrected by a person."""

from datetime import UTC, datetime

import click

from pipeline.cli.context import Context, pass_context


@click.command()
@click.argument("slug")
@click.option(
    "--again", is_flag=True, help="Draft all of it anew; what you changed stays, and goes before the new draft."
)
@pass_context
def draft(context: Context, slug: str, again: bool) -> None:
    """Draft what an episode lacks of transcript, chapters and show notes, for you to correct.

    Nothing drafted is published until somebody has read it and taken its mark away.
    """
    from pipeline.cli import drafting  # noqa: PLC0415

    drafting.draft(context.workspace(), slug, context.screen, now=datetime.now(UTC), again=again)


@click.command()
@click.argument("slug")
@click.option("--port", type=click.IntRange(1, 65535), help="The port; any that is free, otherwise.")
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@pass_context
def proof(context: Context, slug: str, port: int | None, no_browser: bool) -> None:
    """Correct the transcript and the chapters of an episode, with its sound, on a page of this computer.

    Saving writes the same plain files, and keeps what stood there before in drafts/previous/.
    """
    from pipeline.cli import proving  # noqa: PLC0415

    proving.prove(context.workspace(), slug, context.screen, port=port or 0, browser=not no_browser)


COMMANDS = (draft, proof)
