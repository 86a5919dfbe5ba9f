"""An episode and what its speakers agreed to -> what stands in the way of publishing it; pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from pipeline.model import Episode, Speaker, Visibility

_ALWAYS = ("voice", "transcript")
_MENDING = "Record what was agreed in episode.toml, or take the voice out: cln-media withdraw {slug} --speaker ROLE."
_TAKING_BACK = "Take the episode back: cln-media withdraw {slug}, or only the voice: --speaker ROLE."


class Lack(NamedTuple):
    """What is wrong with the consent to an episode: in a word or two, and as a sentence with the next action."""

    state: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A speaker's consent as a report lists it. state: `stands`, or what is wrong, in a word or two."""

    slug: str
    role: str
    named: bool
    scope: tuple[str, ...]
    recorded_on: date | None
    reference: str
    expires_on: date | None
    withdrawn_on: date | None
    state: str


def lacks(episode: Episode, *, today: date, taken_out: frozenset[str] = frozenset()) -> Iterator[Lack]:
    """Find what the consent to an episode lacks for where it goes.

    Args:
        episode: as it is described.
        today: the day that decides what has expired.
        taken_out: roles of speakers whose voice was withdrawn and taken out of sound and words.
    """
    room = episode.room
    if room is not None and not room.reference:
        hint = 'Say where the notice to the room is filed: reference = "…".'
        yield Lack("no reference", "has [consent] without a reference", hint)
    if not episode.speakers and room is None:
        hint = "Add [consent] or [[speakers]] with consent to episode.toml."
        yield Lack("none recorded", "says of nobody that they agreed", hint)
    for speaker in episode.speakers:
        if speaker.role not in taken_out:
            yield from _of_speaker(speaker, episode, today)


def _of_speaker(speaker: Speaker, episode: Episode, today: date) -> Iterator[Lack]:
    who, consent = f'the speaker "{speaker.role}"', speaker.consent
    all_agreed = episode.room is not None and episode.room.room == "all-agreed"
    if consent is None:
        if not all_agreed:
            yield Lack("none recorded", f"{who} has no consent recorded", _MENDING.format(slug=episode.slug))
        return
    if consent.withdrawn_on is not None:
        yield Lack("withdrawn", f"{who} has withdrawn consent", _TAKING_BACK.format(slug=episode.slug))
        return
    if not consent.stands(today):
        hint = f"Ask again. {_TAKING_BACK.format(slug=episode.slug)}"
        yield Lack("expired", f"the consent of {who} expired on {consent.expires_on}", hint)
    if consent.expires_on and consent.expires_on < consent.recorded_on:
        hint = "Correct the dates in episode.toml."
        yield Lack("wrong dates", f"the consent of {who} expires before it was given", hint)
    if consent.recorded_on > today:
        message = f"the consent of {who} is dated {consent.recorded_on}, in the future"
        yield Lack("wrong dates", message, "Correct its recorded_on in episode.toml.")
    missing = [scope for scope in _needed(episode) if scope not in consent.scope]
    if missing:
        message = f"the consent of {who} does not cover: {', '.join(missing)}"
        yield Lack(f"not: {', '.join(missing)}", message, _MENDING.format(slug=episode.slug))


def _needed(episode: Episode) -> tuple[str, ...]:
    public = ("public",) if episode.visibility is Visibility.PUBLIC else ()
    region = ("region",) if episode.region or episode.set_name else ()
    return (*_ALWAYS, *region, *public)


def rows(episodes: tuple[Episode, ...], *, today: date) -> Iterator[Row]:
    """List the consent of every speaker of every episode, for whoever must account for it."""
    for episode in episodes:
        if not episode.speakers:
            yield _row(episode, None, today)
        for speaker in episode.speakers:
            yield _row(episode, speaker, today)


def _row(episode: Episode, speaker: Speaker | None, today: date) -> Row:
    consent = speaker.consent if speaker else None
    room = episode.room
    if speaker is not None:
        found = [lack.state for lack in _of_speaker(speaker, episode, today)]
    else:
        found = [lack.state for lack in lacks(episode, today=today)]
    return Row(
        slug=episode.slug,
        role=speaker.role if speaker else "the room",
        named=speaker is not None and speaker.label != speaker.role,
        scope=consent.scope if consent else _ALWAYS if room else (),
        recorded_on=consent.recorded_on if consent else None,
        reference=consent.reference if consent else room.reference if room else "",
        expires_on=consent.expires_on if consent else None,
        withdrawn_on=consent.withdrawn_on if consent else None,
        state="; ".join(found) or "stands",
    )
