"""The commands `releases`, `rollback`, `prune` and `promote`: what a store still holds, and going back to it."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import click

from pipeline import publish
from pipeline.build import gate
from pipeline.cli import clearing, looking, sending
from pipeline.cli.planning import check_deletes, count, plan_json, show_plan
from pipeline.cli.screen import Screen, size_text
from pipeline.cli.sending import EXIT_CHANGES, Errand, Place, Wish
from pipeline.errors import StorageError
from pipeline.model import Plan, Release
from pipeline.workspace import Workspace

_HEADINGS = ("ID", "Published (UTC)", "Files", "Changed", "How", "State")


def show_releases(where: Workspace, screen: Screen, *, staging: bool, as_json: bool) -> None:
    """Print the releases that a store keeps."""
    place = sending.at(where, "", screen, staging=staging, take_over=True)
    entries = publish.entries(place.seen.ledger or publish.Ledger())
    if as_json:
        screen.json([asdict(entry) for entry in entries])
        return
    if not entries:
        screen.say(f"Nothing was published to {place.store.address} yet.")
        return
    screen.table(_HEADINGS, [_cells(entry) for entry in entries])
    _tell_of_turn(place, screen)


def roll_back(where: Workspace, number: int, wish: Wish, screen: Screen) -> None:
    """Bring the release of that number back.

    Raises:
        MediaError: it is not kept, or the store cannot be written.
    """
    with publish.only_here(where.cache) as mark:
        quiet = screen.silenced() if wish.as_json else screen
        place = sending.at(where, mark, quiet, take_over=wish.take_over)
        move = publish.rollback(_known(place), number, source=place.store.address)
        ledger = _known(place)
        publish.patiently(lambda: publish.check_sources(move, ledger, place.store), voice=screen.stalled)
        _check_episodes(where, move.release, ledger)
        note = f"back to release {number}"
        errand = Errand(release=move.release, plan=move.plan, note=note, copies=move.copies)
        if _shown(place, move.plan, wish, screen):
            sending.agree(wish, screen, f"Bring release {number} back?", "Nothing was changed.")
            sending.carry_out(place, errand, wish, quiet)
        sending.remember(where, move.release)
        sending.conclude(place, move.plan, quiet)
        quiet.say("The next publish brings what stands in this workspace; members' feeds follow with it.")


def prune(where: Workspace, days: int, wish: Wish, screen: Screen) -> None:
    """Remove sound that nothing names any more.

    Raises:
        MediaError: the store cannot be read or written.
    """
    with publish.only_here(where.cache) as mark:
        quiet = screen.silenced() if wish.as_json else screen
        place = sending.at(where, mark, quiet, take_over=wish.take_over)
        ledger = _known(place)
        before = datetime.now(UTC).date() - timedelta(days=days) + timedelta(days=1)
        plan = publish.pruning(ledger, before=before, source=place.store.address)
        if not wish.as_json:
            _show_older(ledger, plan, days, screen)
        if _shown(place, plan, wish, screen):
            sending.agree(wish, screen, f"Remove {count(len(plan.deletes))} for good?", "Nothing was removed.")
            sending.carry_out(place, Errand(release=ledger.release, plan=plan, note=""), wish, quiet)


def promote(where: Workspace, _place: str, wish: Wish, screen: Screen) -> None:
    """Make the staged release the live one.

    Raises:
        MediaError: nothing is staged, the two stores cannot copy from one another, or a store cannot be written.
    """
    with publish.only_here(where.cache) as mark:
        quiet = screen.silenced() if wish.as_json else screen
        staging, live = (
            sending.at(where, mark, quiet, staging=True),
            sending.at(where, mark, quiet, take_over=wish.take_over),
        )
        _check_neighbours(staging, live)
        move = publish.promotion(_finished(staging), live.seen.ledger)
        _check_episodes(where, move.release, publish.Ledger())
        _check_removals(where, move.release, staging)
        errand = Errand(
            release=move.release, plan=move.plan, note="promoted from staging", copies=move.copies, origin=staging.store
        )
        if _shown(live, move.plan, wish, screen):
            sending.agree(wish, screen, "Make this live?", "Nothing was changed.")
            sending.carry_out(live, errand, wish, quiet)
        sending.remember(where, move.release)
        sending.conclude(live, move.plan, quiet)


def _check_episodes(where: Workspace, release: Release, live: publish.Ledger) -> None:
    """Refuse a release with an episode that is not live, and that this workspace would not publish as things stand."""
    now = datetime.now(UTC)
    survey = looking.look(where, now=now)
    fatal = [problem.source for problem in survey.problems if problem.fatal]
    due = {
        each.slug
        for each in survey.episodes
        if each.is_due(now) and each.slug not in survey.resting
        if not any(source.startswith(f"{where.name(each.path)}/") for source in fatal)
    }
    wrong = sorted(_slugs(asset.key for asset in release.assets) - _slugs(live.by_key) - due)
    if wrong:
        hint = "see what cln-media check says of it; what was withdrawn, held or taken back does not return in this way"
        raise StorageError(f"it holds the episode {wrong[0]}, which may not be published", source="release", hint=hint)


def _check_removals(where: Workspace, release: Release, staging: Place) -> None:
    """Refuse a staged release with words that were removed since."""
    then = clearing.removals_in(where, staging.store)
    there = _slugs(asset.key for asset in release.assets)
    now = gate.removals([each for each in looking.look(where, now=datetime.now(UTC)).episodes if each.slug in there])
    changed = sorted(slug for slug, removed in now.items() if then.get(slug) != removed)
    if changed:
        hint = "stage it again: cln-media publish --to staging"
        message = f"words were removed from {changed[0]} since it was staged"
        raise StorageError(message, source=staging.store.address, hint=hint)


def _slugs(keys: Iterable[str]) -> set[str]:
    found = (key.split("/") for key in keys)
    return {parts[1] for parts in found if len(parts) == 3 and parts[0] == "episodes"}  # noqa: PLR2004


def _shown(place: Place, plan: Plan, wish: Wish, screen: Screen) -> bool:
    """Show a plan and say whether it is to be carried out."""
    if wish.as_json:
        screen.json(plan_json(plan, place.store.address))
    else:
        show_plan(plan, place.store.address, screen)
    check_deletes(plan, wish.max_deletes, place.store.address)
    if wish.dry_run:
        raise click.exceptions.Exit(0 if plan.is_empty else EXIT_CHANGES)
    return not plan.is_empty


def _known(place: Place) -> publish.Ledger:
    if place.seen.ledger is None:
        raise StorageError(
            "nothing was published there yet", source=place.store.address, hint="publish first: cln-media publish"
        )
    return place.seen.ledger


def _finished(staging: Place) -> publish.Ledger:
    ledger = staging.seen.ledger
    if ledger is None or not ledger.number:
        hint = "stage it first: cln-media publish --to staging"
        raise StorageError("nothing is staged", source=staging.store.address, hint=hint)
    if ledger.turn is not None:
        hint = "finish it first: cln-media publish --to staging"
        raise StorageError("the staged release is not whole", source=staging.store.address, hint=hint)
    return ledger


def _check_neighbours(staging: Place, live: Place) -> None:
    kinds = [place.settings.url.partition(":")[0] for place in (staging, live)]
    if kinds[0] != kinds[1] or staging.store.endpoint != live.store.endpoint:
        hint = "give both the same service in [storage] and [storage.staging], or publish to the live place itself"
        raise StorageError("the two places cannot copy from one another", source=staging.store.address, hint=hint)


def _cells(entry: publish.Entry) -> tuple[str, ...]:
    state = "live" if entry.is_live else ("" if entry.is_whole else "cannot be brought back")
    changes = "" if entry.changes is None else str(entry.changes)
    when = entry.published_at.replace("T", " ").removesuffix("Z")
    return str(entry.number), when, str(entry.files), changes, entry.note, state


def _tell_of_turn(place: Place, screen: Screen) -> None:
    turn = place.seen.ledger.turn if place.seen.ledger else None
    if turn is not None:
        screen.say(f"Unfinished: {turn.holder} began to publish at {turn.began}; the next publish finishes it.")


def _show_older(ledger: publish.Ledger, plan: Plan, days: int, screen: Screen) -> None:
    going = set(plan.deletes)
    for older in (*ledger.older, *ledger.doubtful):
        state = "goes" if older.asset.key in going else f"stays: named by no release only since {older.left_on}"
        screen.say(f"  {older.asset.key} ({size_text(older.asset.size)}) {state}")
    if not ledger.older:
        screen.say("Every sound in the store is named by a release that is kept.")
    elif not going:
        screen.say(f"Nothing is older than {days} days (--older-than).")
