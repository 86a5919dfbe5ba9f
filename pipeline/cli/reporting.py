"""The command `report`: what mastering found and did to one episode, on the screen and as a page."""

import math
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline import pages
from pipeline.build.mastering import cached, misses
from pipeline.build.survey import CheckFailedError, Survey, survey
from pipeline.cache import Cache, write_atomic
from pipeline.cli.screen import Screen
from pipeline.errors import WorkspaceError
from pipeline.model import Episode, Master, Problem, Remark, Show
from pipeline.pages import Report
from pipeline.workspace import Workspace

PAGE_NAME = "report.html"
_VOICE_HEADINGS = ("Speaker", "Recording", "Master", "Gain", "Speaks")


def report(where: Workspace, slug: str, screen: Screen, *, now: datetime, as_json: bool) -> None:
    """Show the report of an episode, and write it as a page into the episode's folder.

    Raises:
        WorkspaceError: there is no such episode, it has no master yet, or the page cannot be written.
        CheckFailedError: the settings or the episode cannot be read.
        TemplateError: the page's template cannot be rendered.
    """
    cache = Cache(where.cache)
    try:
        found = survey(where, cache, now=now)
        show, episode = _asked(where, found, slug)
        master = cached(cache, show, episode)
    finally:
        cache.close()
    if master is None:
        hint = f"Master it first with: cln-media build {slug}"
        raise WorkspaceError("has no master yet", source=where.name(episode.path), hint=hint)
    stated_ms = found.durations_ms.get(slug)
    remarks = _remarks(where, show, episode, master)
    made = pages.mastering_report(show, episode, master, recorded_ms=stated_ms, remarks=remarks)
    page = _written(episode.path / PAGE_NAME, pages.report_page(made, templates=where.templates))
    if as_json:
        screen.json(_as_json(made, where.name(page)))
    else:
        _tell(made, screen, where.name(episode.path), where.name(page))


def _asked(where: Workspace, found: Survey, slug: str) -> tuple[Show, Episode]:
    """Return the show and the episode, or say why it cannot be looked at."""
    episode = next((episode for episode in found.episodes if episode.slug == slug), None)
    if found.show is not None and episode is not None:
        return found.show, episode
    folder = f"{where.name(where.episodes)}/{slug}"
    own = tuple(p for p in found.problems if p.fatal and (p.source == folder or p.source.startswith(f"{folder}/")))
    if found.show is None or own:
        raise CheckFailedError(own or found.problems)
    found.require((slug,))
    raise CheckFailedError(found.problems)


def _remarks(where: Workspace, show: Show, episode: Episode, master: Master) -> tuple[Remark, ...]:
    missed = misses(where, show, (episode,), {episode.slug: master})
    return tuple(Remark(kind="loudness", message=f"it {p.message}", hint=p.hint) for p in missed)


def _written(path: Path, page: bytes) -> Path:
    try:
        write_atomic(path, page)
    except OSError as error:
        hint = "Check the free space and the rights of that folder."
        raise WorkspaceError(f"cannot be written: {error.strerror}", source=path, hint=hint) from error
    return path


def _as_json(made: Report, page: str) -> dict[str, Any]:
    facts = {name: value for name, value in asdict(made).items() if name not in {"curves", "remark"}}
    facts["done"] = dict(made.done)
    return {**_plain(facts), "page": page}


def _plain(value: Any) -> Any:
    """Round figures; JSON knows no infinity, so a level without sound becomes null."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return round(value, 2) if math.isfinite(value) else None
    return value


def _tell(made: Report, screen: Screen, folder: str, page: str) -> None:
    screen.say(f"{made.title} ({made.slug})")
    if made.remark:
        screen.say(made.remark)
    screen.say("")
    screen.table(("Figure", "Recording", "Master"), [(row.name, row.before, row.after) for row in made.figures()])
    if made.done:
        screen.say("")
        screen.table(("Done", ""), made.done)
    for headings, rows in ((_VOICE_HEADINGS, made.voice_rows()), (("When", "In the recording"), made.time_rows())):
        if rows:
            screen.say("")
            screen.table(headings, rows)
    screen.say("")
    for remark in made.warnings:
        screen.warn(Problem(source=folder, message=remark.message, hint=remark.hint, fatal=False))
    screen.say(f"With charts: {page}")
