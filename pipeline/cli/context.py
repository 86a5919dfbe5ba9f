"""What every command is given, and the options that several of them share."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.screen import Screen

if TYPE_CHECKING:
    from pipeline.workspace import Workspace


class Context:
    """What every command shares: the folder to look for a workspace in, and the screen."""

    def __init__(self, folder: Path, screen: Screen) -> None:
        self.folder, self.screen = folder, screen

    def workspace(self) -> "Workspace":
        """Find the workspace of the folder."""
        from pipeline import workspace  # noqa: PLC0415

        return workspace.find(self.folder)


pass_context = click.make_pass_decorator(Context)
with_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for another program to read.")
with_jobs = click.option(
    "--jobs", type=click.IntRange(1, 64), default=None, help="Processors to use for mastering; all of them otherwise."
)
with_yes = click.option("--yes", is_flag=True, help="Do not ask.")
with_dry_run = click.option(
    "--dry-run", is_flag=True, help="Show the plan and change nothing; exit 0 for nothing to do, 2 for changes."
)
with_take_over = click.option(
    "--take-over", is_flag=True, help="Take the turn of a publisher that has stopped, without waiting for it to expire."
)
with_max_deletes = click.option(
    "--max-deletes",
    type=click.IntRange(0),
    default=256,
    show_default=True,
    metavar="N",
    help="Refuse, before anything is sent, a plan that removes more than N files of the site.",
)


def with_plan(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of all that show a plan before they carry it out; together they make a Wish."""
    for option in (
        with_json,
        with_take_over,
        with_max_deletes,
        with_yes,
        with_dry_run,
    ):  # the last stands first in --help
        command = option(command)
    return command
