"""The command `withdraw`: an episode, or a voice of it, taken back for good."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pipeline import trust
from pipeline.build import Built
from pipeline.build.survey import CheckFailedError, Survey
from pipeline.cli import clearing, looking, sending
from pipeline.cli.screen import Screen
from pipeline.errors import MediaError, WorkspaceError
from pipeline.model import Episode, Problem, Visibility, Withdrawal
from pipeline.workspace import Workspace

_EVERYTHING = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the person who gave the command wants."""

    slug: str
    reason: str
    by: str
    speaker: str | None = None
    take_over: bool = False
    yes: bool = False


def withdraw(where: Workspace, order: Order, build: Callable[[], Built], screen: Screen, *, now: datetime) -> None:
    """Take an episode, or a voice of it, back: noted first, so that it stays out whatever happens next.

    Args:
        where: the workspace.
        order: what is wanted.
        build: builds without it, around whatever is wrong with other episodes.
        screen: where it is said.
        now: the moment that is written down.

    Raises:
        MediaError: there is no such episode or voice, or the store cannot be written; run again, it goes on.
    """
    survey = looking.look(where, now=now)
    withdrawal = _earlier(survey, order)
    what = f'the voice of "{order.speaker}" in {order.slug}' if order.speaker else f"the episode {order.slug}"
    if withdrawal is None:
        withdrawal = _ordered(where, survey, order, now)
        wish = sending.Wish(yes=order.yes)
        screen.say(f"This takes {what} back for good: it cannot be undone, and no earlier release can be brought back.")
        sending.agree(wish, screen, f"Withdraw {what}?", "Nothing was changed.")
        trust.trail.note(where.trail, "withdraw", slug=order.slug, by=order.by, speaker=bool(order.speaker))
        trust.write_withdrawal(where, withdrawal)
    else:
        screen.say(f"{what[0].upper()}{what[1:]} was withdrawn on {withdrawal.on}; what is left to do is done now.")
        trust.write_withdrawal(where, replace(withdrawal, finished_on=None))
    _publish_without(where, order, build, screen)
    if order.speaker:
        screen.say(_what_now(survey, order))
    screen.say(f"Certificate: {where.name(clearing.certificate(where, withdrawal))}")


def _publish_without(where: Workspace, order: Order, build: Callable[[], Built], screen: Screen) -> None:
    wish = sending.Wish(yes=True, max_deletes=_EVERYTHING, take_over=order.take_over, withdraws=True)
    try:
        built = build()
    except CheckFailedError as error:
        raise CheckFailedError((_still_live(order, where), *error.problems)) from error
    except MediaError:
        screen.warn(_still_live(order, where))
        raise
    for slug in sorted(built.waiting - {order.slug}):
        screen.warn(_waits(where, slug))
    sending.send(where, built, screen, wish)


def _still_live(order: Order, where: Workspace) -> Problem:
    hint = (
        "Mend what follows, and run the same command again. If that takes time, remove the episode's files from the "
        "storage by hand meanwhile."
    )
    message = "is noted as withdrawn, but IS STILL LIVE: the feeds cannot be written anew yet"
    return Problem(source=f"{where.name(where.episodes)}/{order.slug}", message=message, hint=hint)


def _waits(where: Workspace, slug: str) -> Problem:
    message = (
        "cannot be published as it is now: where it is live, its sound and words stay, but feeds, lists and its page go"
    )
    hint = f"See what is wrong with it, and publish again soon: cln-media check {slug}"
    return Problem(source=f"{where.name(where.episodes)}/{slug}", message=message, hint=hint, fatal=False)


def _what_now(survey: Survey, order: Order) -> str:
    if any(each.slug == order.slug and each.disposed_on for each in survey.episodes):
        return (
            "The episode is down, and stays so: its recording was removed, so that no master without the voice can be "
            "made. To publish the rest, add its kept master as a new episode and cut the voice by [[edits]]."
        )
    return "The episode is down. To publish the rest without the voice: build it, listen, have it signed, and publish."


def _earlier(survey: Survey, order: Order) -> Withdrawal | None:
    same = (each for each in survey.withdrawn if each.slug == order.slug and each.speaker == order.speaker)
    return next(same, None)


def _ordered(where: Workspace, survey: Survey, order: Order, now: datetime) -> Withdrawal:
    """Write down what is wanted, of an episode that is there, or that the trail says was published.

    Raises:
        WorkspaceError: there is no such episode or voice.
    """
    same = [each for each in survey.episodes if each.slug == order.slug]
    if len(same) > 1:
        names = " and ".join(where.name(each.path) for each in same)
        hint = "Give the one that is to stay another slug, and run the same command again."
        raise WorkspaceError(f'"{order.slug}" is the slug of {names}', source=where.name(where.episodes), hint=hint)
    episode = same[0] if same else None
    known = trust.identities.known(where.trail).get(order.slug)
    if episode is None and (known is None or order.speaker or survey.show is None):
        survey.require((order.slug,))
        raise CheckFailedError(survey.problems)  # the settings cannot be read
    covers = _covers(where, episode, order.speaker) if episode and order.speaker else ()
    if episode is not None:
        guid, visibility = episode.guid, episode.visibility if episode.published else Visibility.MEMBERS
    elif known is not None:
        now_called = next((each.slug for each in survey.episodes if each.guid == known.guid), None)
        if now_called:
            hint = f"Withdraw it by that: cln-media withdraw {now_called}; what it was called before goes too."
            message = f'"{order.slug}" is called {now_called} now'
            raise WorkspaceError(message, source=where.name(where.episodes), hint=hint)
        guid, visibility = known.guid, known.visibility
    others = {each.slug for each in survey.episodes if each.guid != guid}
    others |= {path.name for path in where.episodes.glob("*/") if episode is None or path != episode.path}
    return Withdrawal(
        slug=order.slug,
        guid=guid,
        on=now.date(),
        at=now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        reason=order.reason,
        by=order.by,
        speaker=order.speaker,
        covers=covers,
        visibility=visibility,  # members', where no page ever told of it
        earlier_slugs=tuple(sorted(trust.identities.earlier_slugs(where.trail, guid) - others - {order.slug})),
    )


def _covers(where: Workspace, episode: Episode, role: str) -> tuple[tuple[int, int], ...]:
    """Say where a voice is heard, ms of the recording.

    Raises:
        WorkspaceError: nobody has that role, or the transcript does not say where they speak.
    """
    if role not in {each.role for each in episode.speakers}:
        roles = ", ".join(f'"{each.role}"' for each in episode.speakers) or "nobody"
        hint = f"episode.toml names: {roles}"
        raise WorkspaceError(f'has no speaker "{role}"', source=where.name(episode.path), hint=hint)
    labels = {name for each in episode.speakers if each.role == role for name in (each.label, each.name, role) if name}
    turns = trust.turns(episode, trust.Silent(roles=dict.fromkeys(labels, role)))
    if not turns:
        hint = "Say in the transcript who speaks (<v ROLE>), or cut the voice by [[edits]] in episode.toml."
        message = f'the transcript does not say where "{role}" speaks'
        raise WorkspaceError(message, source=where.name(episode.path), hint=hint)
    return turns
