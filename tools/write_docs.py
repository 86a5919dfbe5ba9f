"""Write the reference in docs/ from the code it describes: every command and every key of the settings."""

from collections.abc import Iterator
from pathlib import Path

import click

from pipeline.cli import cli
from pipeline.workspace import keys

DOCS = Path(__file__).parents[1] / "docs"
MADE = "<!-- Made by `make docs` from the code: change it there. -->\n"

CHAPTERS = """\
## episodes/SLUG/chapters.toml

One `[[chapters]]` for each chapter, in the order of their start; the first starts at 0.

| key | holds | default | meaning |
| --- | --- | --- | --- |
| `start` | text such as "00:12:30" or "00:12:30.500", or a number of seconds | **required** | When it starts. |
| `title` | text | **required** | What it is about, in at most 40 characters. |
| `url` | text | none | An address that belongs to it. |
| `image` | text | none | A JPEG or PNG file in the episode's folder, such as the slide that was shown. |
"""


def configuration() -> str:
    """Return docs/configuration.md."""
    show = keys.reference("cln_media.toml", keys.SHOW_SECTIONS)
    episode = keys.reference("episodes/SLUG/episode.toml", keys.EPISODE_SECTIONS)
    intro = (
        "# Settings\n\nThe settings are TOML files: text in quotes, dates and numbers without, lists in brackets.\n"
        "A key that does not stand here is an error, and so is a value of another type; `cln-media check` lists all\n"
        "errors at once.\n"
    )
    return f"{MADE}\n{intro}\n{show}\n{episode}\n{CHAPTERS}".rstrip() + "\n"


def commands() -> str:
    """Return docs/commands.md."""
    context = click.Context(cli, info_name="cln-media", max_content_width=100, terminal_width=100)
    parts = [MADE, "# Commands\n", _help(cli, context), *_commands(cli, context, "##")]
    return "\n".join(parts).rstrip() + "\n"


def _commands(group: click.Group, context: click.Context, heading: str) -> Iterator[str]:
    for name, command in sorted(group.commands.items()):
        inner = click.Context(command, info_name=name, parent=context, max_content_width=100, terminal_width=100)
        yield f"{heading} {name}\n"
        yield _help(command, inner)
        if isinstance(command, click.Group):
            yield from _commands(command, inner, f"{heading}#")


def _help(command: click.Command, context: click.Context) -> str:
    return f"```text\n{command.get_help(context)}\n```\n"


def written() -> Iterator[tuple[Path, str]]:
    """Yield each file of the reference and what it must hold."""
    yield DOCS / "configuration.md", configuration()
    yield DOCS / "commands.md", commands()


def main() -> None:
    """Write the files."""
    for path, text in written():
        path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
