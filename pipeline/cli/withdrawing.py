"""The command `withdraw`: an episode, or a voice of it, taken back for good."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pipeline import trust
from pipeline.build import Built
from pipeline.cli import clearing, looking, sending
from pipeline.cli.screen import Screen
from pipeline.errors import WorkspaceError
from pipeline.model import Episode, Visibility, Withdrawal
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
    sending.send(where, build(), screen, sending.Wish(yes=True, max_deletes=_EVERYTHING, take_over=order.take_over))
    if order.speaker:
        screen.say(f"The voice is out. To publish the rest: cln-media build {order.slug}, listen, sign it off again.")
    screen.say(f"Certificate: {where.name(clearing.certificate(where, withdrawal))}")


def _known(where: Workspace, order: Order, *, now: datetime) -> tuple[Episode | None, Withdrawal | None]:
    survey = looking.look(where, now=now)
    episode = next((each for each in survey.episodes if each.slug == order.slug), None)
    same = (each for each in survey.withdrawn if each.slug == order.slug and each.speaker == order.speaker)
    withdrawal = next(same, None)
    if episode is None and withdrawal is None:
        survey.require((order.slug,))
    if order.speaker and episode is not None and order.speaker not in {each.role for each in episode.speakers}:
        roles = ", ".join(f'"{each.role}"' for each in episode.speakers) or "nobody"
        hint = f"episode.toml names: {roles}"
        raise WorkspaceError(f'has no speaker "{order.speaker}"', source=where.name(episode.path), hint=hint)
    if order.speaker and episode is not None and not _has_words_of(episode, order.speaker):
        hint = "Say in the transcript who speaks (<v ROLE>), or cut the voice by [[edits]] in episode.toml."
        message = f'the transcript does not say where "{order.speaker}" speaks'
        raise WorkspaceError(message, source=where.name(episode.path), hint=hint)
    return episode, withdrawal


def _has_words_of(episode: Episode, role: str) -> bool:
    labels = {role, *(speaker.label for speaker in episode.speakers if speaker.role == role)}
    return episode.transcript is not None and any(cue.speaker in labels for cue in episode.transcript.cues)


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
        visibility=episode.visibility if episode.published else Visibility.MEMBERS,  # no page ever told of it
    )
