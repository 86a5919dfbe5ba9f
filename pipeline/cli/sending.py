"""The command `publish`: a plan shown, asked about, applied, and looked at where the world meets it."""

import getpass
import hashlib
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from pipeline import publish, trust, workspace
from pipeline.build import Built
from pipeline.build.survey import CheckFailedError
from pipeline.cache import write_atomic
from pipeline.cli import clearing, members, verifying
from pipeline.cli.planning import check_deletes, count, plan_json, show_plan
from pipeline.cli.screen import Screen
from pipeline.errors import BusyError, ConfigError, MediaError, WorkspaceError
from pipeline.model import FEED_KEY, Plan, Problem, Release, Show, StorageSettings, belongs, is_of_an_episode
from pipeline.workspace import Workspace

EXIT_CHANGES = 2
_PUBLISHED_NAME = "published.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the person who gave the command wants."""

    dry_run: bool = False
    yes: bool = False
    as_json: bool = False
    max_deletes: int = 256
    take_over: bool = False
    staging: bool = False
    repair: bool = False
    configure: bool = False
    withdraws: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An opened store of a workspace, and what it said of itself."""

    where: Workspace
    show: Show
    settings: StorageSettings
    store: publish.Store
    seen: publish.Seen
    owner: publish.Owner
    is_live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One change to a store: the release that results, how it is reached, and where its files come from."""

    release: Release
    plan: Plan
    note: str
    site: Path | None = None
    copies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    origin: publish.Store | None = None
    removals: Mapping[str, str] = field(default_factory=dict)


def send(where: Workspace, built: Built, screen: Screen, wish: Wish) -> None:
    """Bring a store to what was built, after showing what that means.

    Raises:
        CheckFailedError: an episode that is due is not signed: to leave it out might take it back.
        MediaError: the store cannot be read or written.
    """
    if built.unsigned and not wish.withdraws:
        raise CheckFailedError(tuple(replace(problem, fatal=True) for problem in built.unsigned))
    with publish.only_here(where.cache) as mark:
        quiet = screen.silenced() if wish.as_json else screen
        place = at(where, mark, quiet, staging=wish.staging, take_over=wish.take_over)
        if wish.repair:
            place = _repairing(place, quiet)
        stays = _staying(where, built)
        release = publish.with_live(_prepared(place, built.release), place.seen.ledger, stays)
        plan = publish.plan(release, place.seen.ledger)
        works = (
            members.works(where, place.show, built.members, place.store, quiet, stays=stays) if place.is_live else ()
        )
        if wish.as_json:
            screen.json({**plan_json(plan, place.store.address), "members": members.works_json(works)})
        else:
            show_plan(plan, place.store.address, screen)
            members.show_works(works, screen)
        check_deletes(plan, wish.max_deletes, place.store.address)
        ledger = place.seen.ledger or publish.Ledger()
        is_idle = plan.is_empty and ledger.turn is None and all(work.is_empty for work in works)
        if plan.is_empty and ledger.turn is not None:
            quiet.say("An earlier run was interrupted when its work was done: this one notes its end.")
        if wish.dry_run:
            raise click.exceptions.Exit(0 if is_idle else EXIT_CHANGES)
        if not is_idle or wish.configure:
            agree(wish, screen, "Publish this?", "Nothing was published.")
        trust.identities.note_new(where.trail, built.identities)
        if wish.configure:
            configure(place, screen, as_json=wish.as_json)
        if not is_idle:
            errand = Errand(release=release, plan=plan, note="published", site=where.site, removals=built.removals)
            ledger = carry_out(place, errand, wish, quiet)
            members.carry_out(
                where,
                place.show,
                works,
                ledger=ledger,
                store=place.store,
                mark=mark,
                at_once=wish.take_over,
                screen=quiet,
            )
        if place.is_live:
            ledger = _cleared(place, built, ledger, works, mark, wish, quiet)
            remember(where, release)
            _tell_of_older_sound(place.show, release, ledger, quiet)
            conclude(place, plan, quiet)
        else:
            quiet.say(f"Staged in {place.store.address}. To make it live: cln-media promote staging")


def _staying(where: Workspace, built: Built) -> Callable[[str], bool]:
    """Say which keys stay as they are live: of episodes that wait, but their pages, which name other episodes.

    Raises:
        BusyError: something was withdrawn while this was built, and would come back.
    """
    withdrawn = trust.withdrawals(where)[0]
    if len(withdrawn) != built.withdrawals:
        hint = "Run the same command again: it builds without it."
        raise BusyError("something was withdrawn while this was being built", source=where.root, hint=hint)

    def is_to_stay(key: str) -> bool:
        if key.startswith("episodes/") or any(each.has(key) for each in withdrawn):
            return False
        if any(belongs(key, slug) for slug in built.waiting):
            return True
        return bool(built.waiting) and key.startswith("assets/") and not is_of_an_episode(key)

    return is_to_stay


def _cleared(  # noqa: PLR0917 - what `send` has in hand
    place: Place,
    built: Built,
    ledger: publish.Ledger,
    works: tuple[members.Work, ...],
    mark: str,
    wish: Wish,
    screen: Screen,
) -> publish.Ledger:
    """Finish withdrawals and removals that are not finished yet; return what the store then says of itself."""
    before = members.held(works)
    is_changed = clearing.finish(place, mark, screen, before, take_over=wish.take_over, now=datetime.now(UTC))
    is_changed |= clearing.forget_removed(place, built.removals, mark, screen, take_over=wish.take_over)
    return publish.look(place.store).ledger or ledger if is_changed else ledger


def at(where: Workspace, mark: str, screen: Screen, *, staging: bool = False, take_over: bool = False) -> Place:
    """Open the live store of a workspace, or its staging store, and read what it holds.

    Raises:
        BusyError: it was last published from another workspace, and is not to be taken over.
        MediaError: the settings or the store cannot be read.
    """
    show, problems = workspace.read_show(where)
    if show is None:
        raise CheckFailedError(problems)
    settings = _settings(show, where, staging=staging)
    store = publish.open_store(settings, workspace=where.root)
    seen = publish.patiently(lambda: publish.look(store), voice=screen.stalled)
    if not staging and not take_over:
        _refuse_another(where, store, seen)
    return Place(
        where=where,
        show=show,
        settings=settings,
        store=store,
        seen=seen,
        owner=publish.Owner(who=_user(), host=socket.gethostname(), workspace=mark),
        is_live=not staging,
    )


def _refuse_another(where: Workspace, store: publish.Store, seen: publish.Seen) -> None:
    """Refuse a store whose last release this workspace knows nothing of: it may miss withdrawals and signatures."""
    if seen.ledger is None or not seen.ledger.trail or trust.trail.holds(where.trail, seen.ledger.trail):
        return
    hint = (
        "publish from there, or bring its audit.jsonl, episodes/ and withdrawals/ here first; to go on from here all "
        "the same, add --take-over"
    )
    raise BusyError("was last published from another workspace", source=store.address, hint=hint)


def agree(wish: Wish, screen: Screen, question: str, otherwise: str) -> None:
    """Ask whether to go on, unless that is said already; end where the answer is no."""
    if wish.yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody is there to answer: add --yes to go on without asking.")
    if not click.confirm(question):
        screen.say(otherwise)
        raise click.exceptions.Exit(1)


def carry_out(place: Place, errand: Errand, wish: Wish, screen: Screen) -> publish.Ledger:
    """Apply the plan of an errand, with its progress on the screen, and tell the CDN.

    Raises:
        MediaError: somebody else publishes, or the store cannot be written.
    """
    plan = errand.plan
    noted = trust.trail.note(
        place.where.trail,
        "publish",
        to=place.store.address,
        how=errand.note or "pruned",
        manifest=hashlib.sha256(errand.release.to_json()).hexdigest(),
        sends=len(plan.puts),
        removes=len(plan.deletes),
        removals=dict(errand.removals),
    )
    with screen.bytes_progress("Publishing", sum(put.asset.size for put in plan.puts)) as meter:
        manner = publish.Manner(
            owner=place.owner,
            copies=errand.copies,
            origin=errand.origin,
            progress=lambda done, _total: meter.to(done),
            voice=screen.stalled,
            note=errand.note,
            at_once=wish.take_over,
            trail=noted.sha256,
        )
        ledger = publish.apply(
            plan, errand.release, seen=place.seen, site=errand.site or {}, store=place.store, manner=manner
        )
    if plan.is_empty:  # an earlier run's end was noted, or only members have anything new
        return ledger
    trust.trail.note(place.where.trail, "published", to=place.store.address, release=ledger.number)
    removed = sum(not key.startswith(publish.OWN) for key in plan.deletes)
    screen.say(
        f"Sent {count(len(plan.puts))}, removed {count(removed)}; all verified. This is release {ledger.number}."
    )
    if ledger.abilities is not None and not ledger.abilities.if_match:
        screen.warn(_unguarded(place.store.address))
    _invalidate(place, plan, ledger, screen)
    return ledger


def conclude(place: Place, plan: Plan, screen: Screen) -> None:
    """Say where the site is, look at it as podcast apps do, and tell those who want to know."""
    screen.say(f"Site: {place.show.site_url}")
    screen.say(f"Feed: {place.show.url(FEED_KEY)}")
    keys = [put.asset.key for put in plan.puts]
    verifying.after_publish(place.show, keys, screen)
    verifying.announce_changes(place.show, keys, screen)


def configure(place: Place, screen: Screen, *, as_json: bool) -> None:
    """Let everybody read the site and nothing else of the bucket, and print the rights that publishing needs."""
    settings = publish.configure(place.store)
    if as_json:  # the plan is the one answer
        return
    for setting in settings:
        screen.say(f"{'Set' if setting.is_done else 'Not set'}: {setting.what}: {setting.detail}.")
        if not setting.is_done:
            screen.json(setting.document)
    screen.say("The least rights that publishing needs, for the one who gives them (IAM policy):")
    screen.json(publish.least_rights(place.store, place.settings))


def published(where: Workspace) -> Release | None:
    """Return the release this computer published last, if it is known."""
    try:
        return Release.from_json((where.cache / _PUBLISHED_NAME).read_bytes())
    except (OSError, ValueError):
        return None


def remember(where: Workspace, release: Release) -> None:
    """Note what this computer published last, for `status`."""
    try:
        write_atomic(where.cache / _PUBLISHED_NAME, release.to_json())
    except OSError as error:
        hint = "The release is published all the same; `status` will not know."
        raise WorkspaceError(f"cannot be written: {error.strerror}", source=where.cache, hint=hint) from error


def _settings(show: Show, where: Workspace, *, staging: bool) -> StorageSettings:
    if not staging:
        return show.storage
    source = workspace.CONFIG_NAME
    if show.staging is None:
        raise ConfigError("there is no staging", source=source, hint="add [storage.staging] with the url of a place")
    places = [publish.open_store(settings, workspace=where.root) for settings in (show.staging, show.storage)]
    if len({(place.address, place.endpoint.rstrip("/")) for place in places}) == 1:
        raise ConfigError("staging is the live place", source=source, hint="give [storage.staging] another url")
    return show.staging


def _prepared(place: Place, release: Release) -> Release:
    settings = place.settings
    is_bucket = settings.url.startswith("s3:")
    return publish.prepared(release, gzip=settings.gzip and is_bucket, with_feeds=settings.cloudfront is not None)


def _repairing(place: Place, screen: Screen) -> Place:
    ledger = place.seen.ledger
    if ledger is None:
        return place
    drifts = publish.patiently(partial(publish.drift, ledger, place.store), voice=screen.stalled)
    if not place.settings.url.startswith("s3:"):  # a folder has no tags to tell by
        drifts = (*drifts, *publish.deep_drift(ledger, place.store, voice=screen.stalled))
    number = len({each.key for each in drifts if each.what != "foreign"})
    screen.say(f"Repairing: {count(number)} missing or changed.")
    return replace(place, seen=replace(place.seen, ledger=publish.unsettled(ledger, drifts)))


def _invalidate(place: Place, plan: Plan, ledger: publish.Ledger, screen: Screen) -> None:
    if place.settings.cloudfront is None:
        return
    keys = [put.asset.key for put in plan.puts]
    reference = f"release-{ledger.number}-{datetime.now(UTC).isoformat()}"  # pruning and repairing keep the number
    try:
        site_url = place.show.site_url
        publish.invalidate(place.settings.cloudfront, keys, plan.deletes, reference=reference, site_url=site_url)
    except MediaError as error:
        hint = f"{error.hint or 'try again later'}. Until then it serves what it has, pages for up to five minutes."
        source = str(error.source or "CloudFront")
        screen.warn(
            Problem(source=source, message=f"was not told of the change: {error.message}", hint=hint, fatal=False)
        )
    else:
        screen.say("Told CloudFront what changed.")


def _tell_of_older_sound(show: Show, built: Release, ledger: publish.Ledger, screen: Screen) -> None:
    now = {asset.key for asset in built.assets}
    older = sorted(key for key in ledger.stored if key.startswith("media/") and key not in now)
    if older:
        screen.say(
            f"Still served, though no page names it: {count(len(older))} of sound (--verbose names them). Publish never"
        )
        screen.say("removes sound; cln-media prune does, once no release that can be brought back names it.")
    for key in older:
        screen.detail(f"  {show.url(key)}")


def _unguarded(address: str) -> Problem:
    return Problem(
        source=address,
        message="this store ignores conditions: two people who publish at the same moment are noticed only afterwards",
        hint="publish from one computer at a time; cln-media doctor shows what the store honours",
        fatal=False,
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an account without a name
        return "somebody"
