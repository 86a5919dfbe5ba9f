"""The command `preview`: site/ on this computer, built again when a source changes."""

import os
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from pipeline import preview, workspace
from pipeline.build.survey import CheckFailedError
from pipeline.cli.screen import Screen
from pipeline.errors import MediaError
from pipeline.workspace import Workspace


def serve(
    where: Workspace,
    build: Callable[[], object],
    screen: Screen,
    *,
    port: int | None,
    default_port: int,
    browser: bool,
) -> None:
    """Build, then serve until Ctrl-C."""
    show, problems = workspace.read_show(where)
    if show is None:
        raise CheckFailedError(problems)
    address = urlsplit(show.site_url)
    own_port = address.port if address.hostname in {"localhost", "127.0.0.1"} else None
    try:
        screen.say(f"{build()}.")
    except MediaError as error:
        screen.failure(error)
        if not (where.site / "index.html").is_file():
            raise

    def ready(url: str) -> None:
        screen.say(f"Serving {where.name(where.site)}/ at {url} (Ctrl-C ends it)")
        if browser:
            webbrowser.open(url)

    with suppress(KeyboardInterrupt):  # how a preview is meant to end
        preview.serve(
            where.site,
            port=port or own_port or default_port,
            base_path=address.path,
            rebuild=lambda: screen.say(f"{build()}."),
            fingerprint=lambda: tuple(_sources(where)),
            ready=ready,
            on_error=screen.failure,
        )


def _sources(where: Workspace) -> Iterator[tuple[str, int, int]]:
    for top in (where.config, where.episodes, where.templates):
        for path in sorted(_files(top)):
            try:
                stat = path.stat()
            except OSError:  # gone between the listing and the look: the next look sees it
                continue
            yield str(path), stat.st_mtime_ns, stat.st_size


def _files(top: Path) -> Iterator[Path]:
    if top.is_file():
        yield top
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(folder, name) for name in names if not name.startswith("."))
