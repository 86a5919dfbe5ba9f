"""The commands `members add|revoke|list`, and the step of `publish` that serves members after the public release.

Secrets are printed by `add` and `list` alone: whatever else speaks of a member says the name.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from pipeline import members, publish, workspace
from pipeline.build.members import MembersEdition, MembersSite, render
from pipeline.build.survey import CheckFailedError
from pipeline.cli.screen import Screen, size_text
from pipeline.errors import StorageError, WorkspaceError
from pipeline.members import Member, Members, State
from pipeline.model import FEED_KEY, Asset, Feed, Plan, Problem, Release, Show, Visibility
from pipeline.workspace import Workspace, toml

SHOWN_ROWS = 20


def add(where: Workspace, name: str, feed: str | None, screen: Screen, *, today: date) -> None:
    """Add a member or a group, and print the address that is theirs alone.

    Raises:
        WorkspaceError: the name is taken, the feed is not one for members, or the list cannot be written.
    """
    show = _show(where)
    chosen = _chosen_feed(show, feed)
    listed = _read(where, show, screen)
    listed = members.write(
        listed, members.with_added(listed, name=name, feed=chosen.name, today=today), title=show.title
    )
    added = listed.entries[-1]
    screen.say(f'Added "{added.name}" to {chosen.name}. The address of their feed, for them alone:')
    screen.say(address(show, added))
    screen.say("Next: cln-media publish. Until then, the address answers nothing.")


def revoke(where: Workspace, name: str, screen: Screen, *, today: date) -> None:
    """Take a member's address out of the store. What is interrupted is finished by the next publish.

    Raises:
        WorkspaceError: there is no such member, or the list cannot be written.
        StorageError: the store cannot be reached; the member stays marked.
    """
    show = _show(where)
    listed = _read(where, show, screen)
    member = _known(listed, name)
    store = publish.open_store(show.storage, workspace=where.root)
    if member.state is State.ACTIVE:
        marked = members.changed(listed, member, state=State.REVOKING, revoked_on=today)
        listed = members.write(listed, marked, title=show.title)
    with publish.only_here(where.cache) as mark:
        removed = _removed(listed, member, store, show, mark)
    screen.say(f'Revoked "{member.name}": {_count(removed)} removed. Nobody else is affected.')


def show_list(where: Workspace, screen: Screen, *, as_json: bool) -> None:
    """Print every member with the address of their feed."""
    show = _show(where)
    entries = _read(where, show, screen).entries
    if as_json:
        screen.json([_as_json(show, member) for member in entries])
        return
    if not entries:
        screen.say("There are no members yet: cln-media members add NAME")
        return
    rows = [(m.name, m.feed, m.added_on.isoformat(), _state(m), _address_cell(show, m)) for m in entries]
    screen.table(("Name", "Feed", "Added", "State", "Address"), rows)


def address(show: Show, member: Member) -> str:
    """Return the address of a member's feed."""
    return show.url(member.prefix + FEED_KEY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What publishing would do for one member. `site` is None for one whose files are to be removed."""

    member: Member
    site: MembersSite | None
    store: publish.BelowStore
    release: Release
    seen: publish.Seen
    plan: Plan

    @property
    def is_empty(self) -> bool:
        """Say whether there is nothing to do."""
        return self.site is not None and self.plan.is_empty


def works(
    where: Workspace,
    show: Show,
    editions: tuple[MembersEdition, ...],
    store: publish.Store,
    screen: Screen,
    *,
    stays: Callable[[str], bool] = lambda _key: False,
) -> tuple[Work, ...]:
    """Plan for every member; nothing is written.

    Args:
        where: the workspace.
        show: its show.
        editions: what the members' feeds hold, as built.
        store: the whole store.
        screen: hears of members whose feed is gone.
        stays: says which keys stay as a member's part has them.

    Raises:
        MediaError: the list, a feed or the store cannot be read.
    """
    entries = [member for member in _read(where, show, screen).entries if member.is_current]
    wanted = {member.feed for member in entries if member.state is State.ACTIVE}
    sites = {made.feed.name: render(made, templates=where.templates) for made in editions if made.feed.name in wanted}
    served = [member for member in entries if member.state is State.REVOKING or member.feed in sites]
    for member in entries:
        if member not in served:
            screen.warn(_orphan(member))
    asks = [partial(_work, member, sites.get(member.feed), store, stays) for member in served]
    return tuple(publish.patiently_all(asks, voice=screen.stalled))


def show_works(planned: tuple[Work, ...], screen: Screen) -> None:
    """Print what would be done for members: names, never an address."""
    busy = [work for work in planned if not work.is_empty]
    if planned:
        same = len(planned) - len(busy)
        screen.say(f"Members: {len(busy)} to bring up to date, {same} unchanged.")
    shown = busy if screen.verbose or len(busy) <= SHOWN_ROWS else busy[: SHOWN_ROWS - 1]
    for work in shown:
        screen.say(f"  {_sentence(work)}")
        for put in work.plan.puts:
            screen.detail(f"    {put.reason:<8} {put.asset.key} ({size_text(put.asset.size)})")
    if len(shown) < len(busy):
        screen.say(f"  … and {len(busy) - len(shown)} more (--verbose shows all)")


def works_json(planned: tuple[Work, ...]) -> list[dict[str, Any]]:
    """Describe the same for another program, without a secret."""
    return [
        {
            "name": work.member.name,
            "feed": work.member.feed,
            "revoking": work.site is None,
            "puts": [{"reason": put.reason.value, "key": put.asset.key} for put in work.plan.puts],
            "deletes": list(work.plan.deletes),
            "unchanged": work.plan.unchanged,
        }
        for work in planned
    ]


def carry_out(
    where: Workspace,
    show: Show,
    planned: tuple[Work, ...],
    *,
    ledger: publish.Ledger,
    store: publish.Store,
    mark: str,
    at_once: bool = False,
    screen: Screen,
) -> None:
    """Bring every member's site up to date, after the public release: what the store holds already is copied there.

    Args:
        where: the workspace.
        show: its show.
        planned: from `works`.
        ledger: what the public part of the store now holds.
        store: the whole store.
        mark: the workspace's own.
        at_once: whether a turn that somebody else still has is taken over.
        screen: where it is said.

    Raises:
        StorageError: the store cannot be written, or does not hold what was sent.
        WorkspaceError: the list cannot be written.
    """
    copies = _sources(ledger, planned)
    busy = [work for work in planned if not work.is_empty]
    total = sum(put.asset.size for work in busy for put in work.plan.puts)
    with screen.bytes_progress("Members", total) as meter:
        done = 0
        for work in busy:
            if work.site is None:
                _removed(_read(where, show, screen), work.member, store, show, mark, at_once=at_once)
                continue
            manner = publish.Manner(
                owner=_owner(mark),
                copies=copies,
                origin=store,
                progress=lambda sent, _total, done=done: meter.to(done + sent),  # type: ignore[misc]
                voice=screen.stalled,
                keep=0,
                at_once=at_once,
            )
            contents = work.site.contents(work.member)
            publish.apply(work.plan, work.release, seen=work.seen, site=contents, store=work.store, manner=manner)
            done += sum(put.asset.size for put in work.plan.puts)
            copies = _keys_of(work.release.assets, work.member) | copies
    if busy:
        screen.say(f"Members: {len(busy)} brought up to date; all verified.")


def _work(member: Member, site: MembersSite | None, store: publish.Store, stays: Callable[[str], bool]) -> Work:
    part = _part(store, member)
    seen = publish.look(part)
    if member.state is State.REVOKING or site is None:
        gone = tuple(sorted(seen.ledger.stored)) if seen.ledger else ()
        plan = Plan(puts=(), deletes=gone, unchanged=0)
        return Work(member=member, site=None, store=part, release=Release(assets=()), seen=seen, plan=plan)
    release = publish.with_live(site.release(member), seen.ledger, stays)
    plan = publish.plan(release, seen.ledger, keep=0)
    return Work(member=member, site=site, store=part, release=release, seen=seen, plan=plan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a member's part of the store held. prefix: the secret one of its addresses; keys: below it."""

    store: publish.Store
    prefix: str
    keys: tuple[str, ...]


def held(planned: tuple[Work, ...]) -> tuple[Held, ...]:
    """List what the members' parts held when the work was planned."""
    return tuple(
        Held(store=work.store, prefix=work.member.prefix, keys=tuple(work.seen.ledger.stored))
        for work in planned
        if work.seen.ledger is not None
    )


def empty_orphans(where: Workspace, show: Show, store: publish.Store, mark: str, *, at_once: bool) -> None:
    """Empty the parts of members whose feed is in the settings no more: nothing would ever bring those up to date.

    Raises:
        MediaError: a part cannot be written.
    """
    path = members.place(show, workspace=where.root)
    feeds = {feed.name for feed in show.feeds if feed.visibility is Visibility.MEMBERS}
    for member in members.read(path).entries if path.exists() else ():
        if member.is_current and member.feed not in feeds:
            publish.withdraw(_part(store, member), _owner(mark), at_once=at_once)


def parts(where: Workspace, show: Show, store: publish.Store, mark: str) -> list[tuple[publish.Store, publish.Owner]]:
    """List the part of the store of each member who is served, and who writes there."""
    path = members.place(show, workspace=where.root)
    listed = members.read(path).entries if path.exists() else ()
    return [(_part(store, member), _owner(mark)) for member in listed if member.is_current]


def _part(store: publish.Store, member: Member) -> publish.BelowStore:
    return publish.BelowStore(store, prefix=member.prefix, secret=member.token, name=f"for {member.name}")


def _owner(mark: str) -> publish.Owner:
    return publish.Owner(who="cln-media", host="", workspace=mark)  # members can read their part: no names there


def _removed(
    listed: Members, member: Member, store: publish.Store, show: Show, mark: str, *, at_once: bool = False
) -> int:
    part = _part(store, member)
    removed = publish.withdraw(part, _owner(mark), at_once=at_once)
    if part.head(FEED_KEY) is not None:  # its manifest is gone, or does not name all of it
        hint = (
            "Remove by hand all that lies in the store below m/ and their token, which stands in the list of members; "
            "then run the same command again."
        )
        raise StorageError("still serves a feed that no manifest names", source=part.address, hint=hint)
    members.write(listed, members.changed(listed, member, state=State.REVOKED), title=show.title)
    return removed


def _sources(ledger: publish.Ledger, planned: tuple[Work, ...]) -> dict[str, tuple[str, ...]]:
    sources: dict[str, tuple[str, ...]] = {publish.content(asset): (key,) for key, asset in ledger.stored.items()}
    for work in planned:
        if work.seen.ledger is not None and work.site is not None:
            sources = _keys_of(work.seen.ledger.stored.values(), work.member) | sources
    return sources


def _keys_of(assets: Iterable[Asset], member: Member) -> dict[str, tuple[str, ...]]:
    return {publish.content(asset): (member.prefix + asset.key,) for asset in assets}


def _show(where: Workspace) -> Show:
    show, problems = workspace.read_show(where)
    if show is None:
        raise CheckFailedError(problems)
    return show


def _read(where: Workspace, show: Show, screen: Screen) -> Members:
    path = members.place(show, workspace=where.root)
    if members.is_exposed(path):
        hint = f"Give its rights to yourself alone: chmod 600 {path}"
        message = "others on this computer may read the list of members, and with it every secret address"
        screen.warn(Problem(source=str(path), message=message, hint=hint, fatal=False))
    return members.read(path)


def _chosen_feed(show: Show, name: str | None) -> Feed:
    feeds = {feed.name: feed for feed in show.feeds if feed.visibility is Visibility.MEMBERS}
    source = workspace.CONFIG_NAME
    if not feeds:
        hint = 'Add [[feeds]] with visibility = "members" first.'
        raise WorkspaceError("there is no feed for members", source=source, hint=hint)
    if name is None and len(feeds) > 1:
        hint = f"Choose one with --feed: {', '.join(sorted(feeds))}."
        raise WorkspaceError("there are several feeds for members", source=source, hint=hint)
    if name is not None and name not in feeds:
        is_public = any(feed.name == name for feed in show.feeds)
        fault = f'the feed "{name}" is public' if is_public else f'there is no feed for members called "{name}"'
        raise WorkspaceError(fault, source=source, hint=toml.suggestion(name, feeds))
    return feeds[name or next(iter(feeds))]


def _known(listed: Members, name: str) -> Member:
    member = listed.current(name)
    if member is None:
        names = [each.name for each in listed.entries if each.is_current]
        hint = toml.suggestion(name, names) if names else "There are no members."
        raise WorkspaceError(f'there is no member called "{name}"', source=listed.path, hint=hint)
    return member


def _orphan(member: Member) -> Problem:
    return Problem(
        source=workspace.CONFIG_NAME,
        message=f'the feed "{member.feed}" of the member "{member.name}" is no feed for members any more',
        hint=f'Nothing new is published for them. Put it back, or: cln-media members revoke "{member.name}"',
        fatal=False,
    )


def _sentence(work: Work) -> str:
    if work.site is None:
        return f"{work.member.name}: all {_count(len(work.plan.deletes))} to remove"
    size = size_text(sum(put.asset.size for put in work.plan.puts))
    return (
        f"{work.member.name}: {_count(len(work.plan.puts))} ({size}; what the store has is copied there), "
        f"{len(work.plan.deletes)} to remove"
    )


def _state(member: Member) -> str:
    return f"{member.state} {member.revoked_on}" if member.revoked_on else str(member.state)


def _address_cell(show: Show, member: Member) -> str:
    return address(show, member) if member.state is State.ACTIVE else ""


def _as_json(show: Show, member: Member) -> dict[str, Any]:
    return {
        "name": member.name,
        "feed": member.feed,
        "added_on": member.added_on.isoformat(),
        "state": member.state.value,
        "revoked_on": member.revoked_on.isoformat() if member.revoked_on else None,
        "address": address(show, member) if member.state is State.ACTIVE else None,
    }


def _count(number: int) -> str:
    return f"{number} file" if number == 1 else f"{number} files"
