"""The command `withdraw`: an episode, or a voice of it, taken back for good."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pipeline import trust
from pipeline.build import Built
from pipeline.build.survey import CheckFailedError
from pipeline.cli import clearing, looking, sending
from pipeline.cli.screen import Screen
from pipeline.errors import WorkspaceError
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

    Raises:
        MediaError: there is no such episode or voice, or the store cannot be written; run again, it goes on.
    """
    episode, withdrawal = _known(where, order, now=now)
    what = f'the voice of "{order.speaker}" in {order.slug}' if order.speaker else f"the episode {order.slug}"
    if withdrawal is None:
        wish = sending.Wish(yes=order.yes)
        screen.say(f"This takes {what} back for good: it cannot be undone, and no earlier release can be brought back.")
        sending.agree(wish, screen, f"Withdraw {what}?", "Nothing was changed.")
        withdrawal = _ordered(order, episode, now)
        trust.trail.note(where.trail, "withdraw", slug=order.slug, by=order.by, speaker=bool(order.speaker))
        trust.write_withdrawal(where, withdrawal)
    else:
        screen.say(f"{what[0].upper()}{what[1:]} was withdrawn on {withdrawal.on}; what is left to do is done now.")
        trust.write_withdrawal(where, replace(withdrawal, finished_on=None))
    wish = sending.Wish(yes=True, max_deletes=_EVERYTHING, take_over=order.take_over)
    try:
        sending.send(where, build(), screen, wish)
    except CheckFailedError as error:
        raise CheckFailedError((_still_live(order, where), *error.problems)) from error
    if order.speaker:
        screen.say(
            "The episode is down. To publish the rest without the voice: build it, listen, have it signed, and publish."
        )
    screen.say(f"Certificate: {where.name(clearing.certificate(where, withdrawal))}")


def _still_live(order: Order, where: Workspace) -> Problem:
    hint = (
        "Mend what follows, or take published out of the episodes it names, and run the same command again. If that "
        "takes time, remove the episode's files from the storage by hand meanwhile."
    )
    message = "is noted as withdrawn, but IS STILL LIVE: the feeds cannot be written anew yet"
    return Problem(source=f"{where.name(where.episodes)}/{order.slug}", message=message, hint=hint)


def _known(where: Workspace, order: Order, *, now: datetime) -> tuple[Episode | None, Withdrawal | None]:
    survey = looking.look(where, now=now)
    episode = next((each for each in survey.episodes if each.slug == order.slug), None)
    same = (each for each in survey.withdrawn if each.slug == order.slug and each.speaker == order.speaker)
    withdrawal = next(same, None)
    if episode is None and withdrawal is None:
        survey.require((order.slug,))
        raise CheckFailedError(survey.problems)  # the settings cannot be read
    if order.speaker and episode is not None and order.speaker not in {each.role for each in episode.speakers}:
        roles = ", ".join(f'"{each.role}"' for each in episode.speakers) or "nobody"
        hint = f"episode.toml names: {roles}"
        raise WorkspaceError(f'has no speaker "{order.speaker}"', source=where.name(episode.path), hint=hint)
    if order.speaker and episode is not None and withdrawal is None and not _heard(episode, order.speaker):
        hint = "Say in the transcript who speaks (<v ROLE>), or cut the voice by [[edits]] in episode.toml."
        message = f'the transcript does not say where "{order.speaker}" speaks'
        raise WorkspaceError(message, source=where.name(episode.path), hint=hint)
    return episode, withdrawal


def _heard(episode: Episode, role: str) -> tuple[tuple[int, int], ...]:
    labels = {name for each in episode.speakers if each.role == role for name in (each.label, each.name, role) if name}
    return trust.turns(episode, trust.Silent(roles=dict.fromkeys(labels, role)))


def _ordered(order: Order, episode: Episode | None, now: datetime) -> Withdrawal:
    if episode is None:
        raise ValueError(order.slug)
    return Withdrawal(
        slug=order.slug,
        guid=episode.guid,
        on=now.date(),
        at=now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        reason=order.reason,
        by=order.by,
        speaker=order.speaker,
        covers=_heard(episode, order.speaker) if order.speaker else (),
        visibility=episode.visibility if episode.published else Visibility.MEMBERS,  # no page ever told of it
    )
