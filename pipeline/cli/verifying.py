"""The command `verify`, and how `publish` ends: the published addresses, looked at as a podcast app does."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from functools import partial
from typing import Literal
from urllib.parse import urlsplit

import click

from pipeline import announce, publish, verify, workspace
from pipeline.build.survey import CheckFailedError
from pipeline.cli.screen import Screen
from pipeline.errors import StorageError
from pipeline.model import Feed, Problem, Show, Visibility, feed_key
from pipeline.verify import Finding
from pipeline.workspace import Workspace

HEADINGS = ("State", "What", "Detail", "Address")
_STORE = "store"
_SHOWN_WARNINGS = 5
_PATIENCE_AFTER_PUBLISH_S = 5
_LOOK_LATER = "Look again with: cln-media verify"


def addresses(where: Workspace, name: str | None) -> tuple[str, ...]:
    """List the addresses of the public feeds of a workspace, or of the one called `name`.

    Raises:
        CheckFailedError: the settings cannot be read.
        click.UsageError: there is no public feed of that name.
    """
    show, problems = workspace.read_show(where)
    if show is None:
        raise CheckFailedError(problems)
    if name is None:
        return _public_addresses(show)
    feed = next((feed for feed in show.feeds if feed.name == name), None)
    if feed is None:
        known = ", ".join(feed.name for feed in show.feeds) or "none"
        raise click.UsageError(f"There is no feed called {name!r}; [[feeds]] has: {known}.")
    if feed.visibility is not Visibility.PUBLIC:
        raise click.UsageError(f"The feed {name} is for members: give the address of one of them with --url.")
    return (show.url(feed_key(name)),)


def look(
    urls: Sequence[str],
    screen: Screen,
    *,
    as_json: bool,
    limit: int | None = None,
    where: Workspace | None = None,
    deep: bool = False,
) -> bool:
    """Look at published feeds, and at the store of a workspace, and say whether nothing is wrong.

    Args:
        urls: the feeds' addresses.
        screen: where to say what was found.
        as_json: whether to say it to another program.
        limit: only the files of so many items of each feed.
        where: the workspace whose store is listed; None for none.
        deep: whether to download what the store holds.
    """
    quiet = screen.silenced() if as_json else screen
    with quiet.bytes_progress("Verifying", 1) as meter:
        findings = list(verify.verify(*urls, limit=limit, progress=lambda done, total: meter.to(done / total)))
    if where is not None:
        findings += _in_store(where, quiet, deep=deep)
    if as_json:
        screen.json([asdict(finding) for finding in findings])
    else:
        _show(findings, screen)
    return not any(finding.state == "wrong" for finding in findings)


def _in_store(where: Workspace, screen: Screen, *, deep: bool) -> list[Finding]:
    show, problems = workspace.read_show(where)
    if show is None:
        raise CheckFailedError(problems)
    store = publish.open_store(show.storage, workspace=where.root)
    try:
        ledger = publish.patiently(lambda: publish.look(store), voice=screen.stalled).ledger
        if ledger is None:
            return [Finding(what=_STORE, address=store.address, state="unsure", detail="nothing was published there")]
        drifts = publish.patiently(partial(publish.drift, ledger, store), voice=screen.stalled)
        if deep:
            with screen.bytes_progress("Comparing", 1) as meter:
                found = publish.deep_drift(
                    ledger,
                    store,
                    progress=lambda done, total: meter.to(done / max(total, 1)),
                    voice=screen.stalled,
                )
            drifts = (*drifts, *(each for each in found if each.key not in {known.key for known in drifts}))
    except StorageError as error:
        return [Finding(what=_STORE, address=store.address, state="wrong", detail=f"{error}. {error.hint or ''}")]
    if not drifts:
        depth = "each with its SHA-256" if deep else "by name, size and tag"
        detail = f"holds all {len(ledger.stored)} files of release {ledger.number}, {depth}"
        return [Finding(what=_STORE, address=store.address, state="right", detail=detail)]
    return [_drifted(each, store.address) for each in drifts]


def _drifted(drift: publish.Drift, address: str) -> Finding:
    state: Literal["wrong", "unsure"] = "unsure" if drift.what == "foreign" else "wrong"
    return Finding(what=f"{_STORE}: {drift.what}", address=f"{address}/{drift.key}", state=state, detail=drift.detail)


def after_publish(show: Show, keys: Collection[str], screen: Screen) -> None:
    """Look at the feeds, and at the sound that was just sent, where the world meets them.

    Args:
        show: its addresses.
        keys: what was sent.
        screen: where to say so.

    Raises:
        StorageError: a feed names a sound file that is missing there, or has another length.
    """
    if show.is_example:
        screen.say(f"{show.site_url} is an example: set site.url to the public address, then: cln-media verify")
        return
    urls, sound = _public_addresses(show), [show.url(key) for key in sorted(keys) if key.startswith("media/")]
    findings = verify.verify(*urls, only=sound, patience_s=_PATIENCE_AFTER_PUBLISH_S)
    wrong = [finding for finding in findings if finding.state != "right"]
    if sum(finding.what == verify.SILENT for finding in wrong) == len(urls):
        screen.say(_silence(show))
        return
    broken = [finding for finding in wrong if finding.what in verify.BROKEN and finding.state == "wrong"]
    if not wrong:
        count = f", with {len(sound)} new sound {'file' if len(sound) == 1 else 'files'}" if sound else ""
        screen.say(f"Live: {urls[0]} answers as podcast apps need it{count}.")
    _warn([finding for finding in wrong if finding not in broken], screen)
    if broken:
        hint = "See that site.url is where the store is served, and publish again; cln-media verify shows everything."
        raise StorageError(f"{broken[0].what}: {broken[0].detail}", source=broken[0].address, hint=hint)


def announce_changes(show: Show, keys: Collection[str], screen: Screen) -> None:
    """Tell hubs and directories, where the settings name any, of the public feeds among what was sent."""
    feeds = announce.changed(show, keys)
    problems = announce.announce(show, feeds)
    for problem in problems:
        screen.warn(problem)
    if feeds and not problems and (show.feed.hubs or show.feed.announce):
        screen.say(f"Told {', '.join((*map(_host, show.feed.hubs), *show.feed.announce))} of the change.")


def _public_addresses(show: Show) -> tuple[str, ...]:
    feeds: tuple[Feed | None, ...] = (None, *show.feeds)
    return tuple(
        show.url(feed_key(feed.name if feed else None))
        for feed in feeds
        if feed is None or feed.visibility is Visibility.PUBLIC
    )


def _show(findings: Sequence[Finding], screen: Screen) -> None:
    shown = [finding for finding in findings if screen.verbose or finding.state != "right"]
    if shown:
        screen.table(HEADINGS, [(each.state, each.what, each.detail, each.address) for each in shown])
    states = [finding.state for finding in findings]
    screen.say(
        f"Looked at {_addresses(findings)}: {states.count('right')} things right, "
        f"{states.count('wrong')} wrong, {states.count('unsure')} unsure."
    )


def _addresses(findings: Sequence[Finding]) -> str:
    number = len({finding.address for finding in findings})
    return f"{number} {'address' if number == 1 else 'addresses'}"


def _warn(findings: Sequence[Finding], screen: Screen) -> None:
    for finding in findings[:_SHOWN_WARNINGS]:
        hint = f"docs/verifying.md says what it means. {_LOOK_LATER}"
        message = f"{finding.what}: {finding.detail}"
        screen.warn(Problem(source=finding.address, message=message, hint=hint, fatal=False))
    if len(findings) > _SHOWN_WARNINGS:
        screen.say(f"… and {len(findings) - _SHOWN_WARNINGS} more: cln-media verify lists them.")


def _silence(show: Show) -> str:
    if verify.is_local(show.site_url):
        return f"Nothing answers at {show.site_url} yet: serve it with cln-media preview, then: cln-media verify"
    return f"Nothing answers at {show.site_url} yet: once the store is served there, look with: cln-media verify"


def _host(address: str) -> str:
    return urlsplit(address).hostname or address
