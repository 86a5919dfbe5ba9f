"""The command `publish`: a plan shown, asked about, applied and verified."""

import sys
from dataclasses import asdict
from typing import Any

import click

from pipeline import publish, workspace
from pipeline.build import Built
from pipeline.build.survey import CheckFailedError
from pipeline.cache import write_atomic
from pipeline.cli import members, verifying
from pipeline.cli.screen import Screen, size_text
from pipeline.errors import StorageError, WorkspaceError
from pipeline.model import FEED_KEY, Plan, Release, Show
from pipeline.workspace import Workspace

SHOWN_ROWS = 20
_PUBLISHED_NAME = "published.json"


def send(where: Workspace, built: Built, screen: Screen, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Bring a store to what was built, after showing what that means."""
    show, problems = workspace.read_show(where)
    if show is None:
        raise CheckFailedError(problems)
    store = publish.open_store(show.storage, workspace=where.root)
    quiet = screen.silenced() if as_json else screen
    remote = publish.read_release(store)
    release = publish.with_older_sound(built.release, remote)
    plan = publish.plan(release, remote)
    works = members.works(where, show, built.members, store, quiet)
    if as_json:
        screen.json({**_plan_json(plan, store.address), "members": members.works_json(works)})
    else:
        _show_plan(plan, store.address, screen)
        members.show_works(works, screen)
    if dry_run:
        return
    if not plan.is_empty or not all(work.is_empty for work in works):
        if not yes and not _agreed():
            screen.say("Nothing was published.")
            raise click.exceptions.Exit(1)
        if not plan.is_empty:
            _apply(where, plan, release, store, quiet)
        members.carry_out(where, show, works, public=release, store=store, screen=quiet)
    _remember(where, built.release)
    _addresses(show, quiet)
    _tell_of_older_sound(show, built.release, release, quiet)
    keys = [put.asset.key for put in plan.puts]
    verifying.after_publish(show, keys, quiet)
    verifying.announce_changes(show, keys, quiet)


def _apply(where: Workspace, plan: Plan, release: Release, store: publish.Store, screen: Screen) -> None:
    with screen.bytes_progress("Publishing", sum(put.asset.size for put in plan.puts)) as meter:
        publish.apply(plan, release, site=where.site, store=store, progress=lambda done, _total: meter.to(done))
    faults = publish.verify(release, store, keys=[put.asset.key for put in plan.puts])
    if faults:
        hint = f"Publish again; if it stays, look at the store. All {len(faults)}: {'; '.join(faults)}"
        raise StorageError(f"does not hold what was sent: {faults[0]}", source=store.address, hint=hint)
    screen.say(f"Sent {_count(len(plan.puts))}, removed {_count(len(plan.deletes))}; all verified.")


def published(where: Workspace) -> Release | None:
    """Return the release this computer published last, if it is known."""
    try:
        return Release.from_json((where.cache / _PUBLISHED_NAME).read_bytes())
    except (OSError, ValueError):
        return None


def _remember(where: Workspace, release: Release) -> None:
    try:
        write_atomic(where.cache / _PUBLISHED_NAME, release.to_json())
    except OSError as error:
        hint = "The release is published all the same; `status` will not know."
        raise WorkspaceError(f"cannot be written: {error.strerror}", source=where.cache, hint=hint) from error


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody is there to answer: add --yes to publish without asking.")
    return click.confirm("Publish this?")


def _show_plan(plan: Plan, address: str, screen: Screen) -> None:
    if plan.is_empty:
        screen.say(f"Nothing changed: {address} already holds these {_count(plan.unchanged)}.")
        return
    size = size_text(sum(put.asset.size for put in plan.puts))
    screen.say(
        f"To {address}: {_count(len(plan.puts))} to send ({size}), {_count(len(plan.deletes))} to remove, "
        f"{plan.unchanged} unchanged."
    )
    rows = [f"  {put.reason:<8} {put.asset.key} ({size_text(put.asset.size)})" for put in plan.puts]
    rows += [f"  remove   {key}" for key in plan.deletes]
    shown = rows if screen.verbose or len(rows) <= SHOWN_ROWS else rows[: SHOWN_ROWS - 1]
    for row in shown:
        screen.say(row)
    for slug in _gone(plan):
        screen.error_line(
            f"Warning: the page /episodes/{slug}/ goes: links to it, and embeds of it, will find nothing."
        )
    if len(shown) < len(rows):
        screen.say(f"  … and {len(rows) - len(shown)} more (--verbose shows all)")


def _gone(plan: Plan) -> list[str]:
    parts = [key.split("/") for key in plan.deletes]
    return [part[1] for part in parts if len(part) == len(("episodes", "slug", "index.html")) and part[0] == "episodes"]


def _plan_json(plan: Plan, address: str) -> dict[str, Any]:
    puts = [{"reason": put.reason.value, **asdict(put.asset)} for put in plan.puts]
    return {"store": address, "puts": puts, "deletes": list(plan.deletes), "unchanged": plan.unchanged}


def _addresses(show: Show, screen: Screen) -> None:
    screen.say(f"Site: {show.site_url}")
    screen.say(f"Feed: {show.url(FEED_KEY)}")


def _tell_of_older_sound(show: Show, built: Release, release: Release, screen: Screen) -> None:
    now = {asset.key for asset in built.assets}
    older = [asset.key for asset in publish.sound_of(release) if asset.key not in now]
    if older:
        screen.say(
            f"Still served, though no page names it: {_count(len(older))} of sound (--verbose names them). Publish"
        )
        screen.say("never removes sound; where an episode was taken back, delete its file in the store by hand.")
    for key in older:
        screen.detail(f"  {show.url(key)}")


def _count(number: int) -> str:
    return f"{number} file" if number == 1 else f"{number} files"
