"""What stands between an episode and the world: what could identify a patient, consent, withdrawal, sign-off."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from pipeline import identifiers, tags, trust, words
from pipeline.build import finding
from pipeline.cache import Cache, key
from pipeline.model import Episode, Master, Picture, Problem, Show, Withdrawal
from pipeline.workspace import REVIEW_NAME, Workspace

_MONTHS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """Episodes as they may leave, what was found in each, by slug, and what stands in their way.

    checked: the same episodes, as drafts where they stay out, so that nothing wrong with them stops the others;
    resting: slugs of episodes that lost a voice and were not signed since.
    """

    episodes: tuple[Episode, ...]
    checked: tuple[Episode, ...]
    reviewed: Mapping[str, trust.Reviewed]
    withdrawn: tuple[Withdrawal, ...]
    resting: frozenset[str]
    problems: tuple[Problem, ...]


def examine(
    where: Workspace,
    show: Show,
    episodes: tuple[Episode, ...],
    cache: Cache,
    *,
    now: datetime,
    jobs: int | None = None,
) -> Examined:
    """Look at every episode as those who answer for it would.

    Args:
        where: the workspace.
        show: its settings.
        episodes: as their folders describe them.
        cache: remembers what was found in a text.
        now: decides what has expired.
        jobs: how many processes may search at the same time; None for as many as there are processors.
    """
    withdrawn, found = trust.withdrawals(where)
    problems = [*found, *_used_again(where, episodes, withdrawn)]
    if show.trust.names == "required" and identifiers.people() is None:
        hint = 'Install it: pip install "cln-media[identifiers]"; or set trust.names to auto.'
        problems.append(Problem(source="cln_media.toml", message="trust.names needs the extra identifiers", hint=hint))
    reviewed: dict[str, trust.Reviewed] = {}
    made: list[Episode] = []
    checked: list[Episode] = []
    problems += _forgotten(where, withdrawn)
    resting = frozenset(each.slug for each in episodes if _is_resting(show, each, withdrawn))
    own_of = [
        [each for each in withdrawn if each.slug == episode.slug or each.guid == episode.guid] for episode in episodes
    ]
    subjects = [
        finding.Subject(episode=episode, silent=silence(episode, own))
        for episode, own in zip(episodes, own_of, strict=True)
    ]
    finding.ahead(show, subjects, cache, today=now.date(), jobs=jobs)
    for subject, own in zip(subjects, own_of, strict=True):
        episode, silent = subject.episode, subject.silent
        looked = reviewed[episode.slug] = finding.review(show, subject, cache, today=now.date())
        is_out = episode.slug in resting or any(each.speaker is None for each in own)
        made.append(looked.episode)
        seen = replace(looked.episode, published=None) if is_out else looked.episode  # then nothing of it stops others
        if any(each.speaker is None for each in own):
            made[-1] = seen
        checked.append(seen)
        problems += _problems(where, seen, looked, now=now, silent=frozenset(silent.roles.values()))
        problems += _times(where, show, seen, now.date())
    return Examined(
        episodes=tuple(made),
        checked=tuple(checked),
        reviewed=reviewed,
        withdrawn=withdrawn,
        resting=resting,
        problems=tuple(problems),
    )


def fingerprint(show: Show, episode: Episode, master: Master, pictures: Mapping[Path, Picture]) -> dict[str, str]:
    """Hash each part of an episode as it would be published, for a sign-off.

    Args:
        show: its settings.
        episode: as `examine` returned it.
        master: its sound.
        pictures: every image by path.
    """
    moved = words.moved(episode, master.timeline)
    values = tags.values(show, moved, duration_ms=master.duration_ms, page_url="")
    images = [f"{place} {pictures[image].sha256}" for place, image in _images(moved) if image in pictures]
    return trust.signing.parts(moved, master, tags=repr(values), images=images)


def unsigned(
    where: Workspace,
    show: Show,
    episodes: Collection[Episode],
    masters: Mapping[str, Master],
    pictures: Mapping[Path, Picture],
) -> Iterator[Problem]:
    """Say which sign-offs the episodes lack that are about to leave."""
    for episode in episodes:
        now = fingerprint(show, episode, masters[episode.slug], pictures)
        for role, reason in trust.signing.lacking(episode, now, show.trust):
            hint = f'Listen and read, then: cln-media sign-off {episode.slug} --as {role} --by "YOUR ROLE"'
            message = f"stays out: as {role}, it {reason}"
            yield Problem(source=where.name(episode.path), message=message, hint=hint, fatal=False)


def removals(episodes: Collection[Episode]) -> dict[str, str]:
    """Hash what was decided to be removed, by slug; those from which nothing is are left out."""
    gone = {episode.slug: {each.said for each in episode.decisions if each.verdict == "remove"} for episode in episodes}
    return {slug: key(*sorted(said)) for slug, said in gone.items() if said}


def days(show: Show, episode: Episode, *, today: date) -> Iterator[date]:
    """List the days on which, or after which, something else may be said of an episode that does not change."""
    for consent in (speaker.consent for speaker in episode.speakers if speaker.consent):
        yield from (day for day in (consent.recorded_on, consent.expires_on, consent.withdrawn_on) if day)
    months = (show.trust.review_months, show.trust.recording_months)
    named = (
        episode.recorded_on,
        episode.review_on,
        episode.disposed_on,
        *(_later(episode.recorded_on, m) for m in months),
    )
    yield from (day for day in named if day)
    yield date(today.year + 1, 1, 1)  # what could be a date of birth is told by the year it is


def _images(episode: Episode) -> list[tuple[str, Path]]:
    own = [("cover", episode.cover)] if episode.cover else []
    chapters = enumerate(episode.chapters, 1)
    return [*own, *((f"chapter {number}", chapter.image) for number, chapter in chapters if chapter.image)]


def silence(episode: Episode, withdrawn: Collection[Withdrawal]) -> trust.Silent:
    """Say which voices of an episode were withdrawn, and where they were heard."""
    roles = {each.speaker for each in withdrawn if each.speaker}
    named = {name: each.role for each in episode.speakers if each.role in roles for name in (each.label, each.name)}
    covers = tuple(span for each in withdrawn if each.speaker for span in each.covers)
    return trust.Silent(
        roles={name: role for name, role in named.items() if name} | {r: r for r in roles}, covers=covers
    )


def _forgotten(where: Workspace, withdrawn: tuple[Withdrawal, ...]) -> Iterator[Problem]:
    """Say which withdrawals only the trail tells of: without its record, an episode would come back."""
    known = {(each.slug, each.speaker is not None) for each in withdrawn}
    for entry in trust.trail.entries(where.trail):
        key_of = (entry.slug, bool(entry.facts.get("speaker")))
        if entry.what == "withdraw" and key_of not in known:
            hint = "Put the file of withdrawals/ back, from a backup or another copy of this workspace."
            message = f"says that {entry.slug} was withdrawn, but withdrawals/ does not"
            yield Problem(source=where.name(where.trail), message=message, hint=hint)


def _is_resting(show: Show, episode: Episode, withdrawn: tuple[Withdrawal, ...]) -> bool:
    """Say whether an episode that lost a voice stays out: until that is finished, and until it is signed again."""
    voices = [each for each in withdrawn if each.slug == episode.slug and each.speaker]
    since = max((each.at for each in voices), default="")
    signed = {each.role for each in episode.sign_offs if each.at >= since}
    is_finished = all(each.finished_on for each in voices)
    return bool(voices) and not (is_finished and signed >= set(show.trust.roles(episode.visibility)))


def _used_again(
    where: Workspace, episodes: tuple[Episode, ...], withdrawn: tuple[Withdrawal, ...]
) -> Iterator[Problem]:
    for episode in episodes:
        for each in withdrawn:
            has_slug = episode.slug in {each.slug, *each.earlier_slugs}
            if each.speaker is None and has_slug != (each.guid == episode.guid):
                what = "slug" if has_slug else "guid"
                message = f"has the {what} of an episode that was withdrawn on {each.on}"
                hint = "Give it its own: a withdrawn one is never used again."
                yield Problem(source=where.name(episode.path / "episode.toml"), message=message, hint=hint)


def _problems(
    where: Workspace, episode: Episode, looked: trust.Reviewed, *, now: datetime, silent: frozenset[str]
) -> Iterator[Problem]:
    fatal, folder = episode.published is not None, episode.path
    for found in looked.open:
        verb = "holds" if found.severity == "certain" else "may hold"
        place = episode.transcript.origin if found.file == "transcript" and episode.transcript else found.file
        message = f"{verb} what could identify a patient ({found.what}): {found.words}"
        hint = f"Decide what is done about it: cln-media review {episode.slug}"
        if found.decision is not None and found.decision.verdict == "remove":
            hint = "It cannot be removed there by itself: change it, then build again."
        yield Problem(source=where.name(folder / place), message=message, hint=hint, fatal=fatal)
    for decision in episode.decisions:
        if decision.verdict == "remove" and decision.file == "transcript" and decision.start_ms is None:
            hint = f"Decide again: cln-media review {episode.slug}"
            message = "says that words are removed, but not where they are said"
            yield Problem(source=where.name(folder / REVIEW_NAME), message=message, hint=hint, fatal=fatal)
    for lack in trust.consent.lacks(episode, today=now.date(), taken_out=silent):
        yield Problem(source=where.name(folder / "episode.toml"), message=lack.message, hint=lack.hint, fatal=fatal)


def _times(where: Workspace, show: Show, episode: Episode, today: date) -> Iterator[Problem]:
    """Warn of what is to be looked at again, and of recordings that are to be removed."""
    source, settings = where.name(episode.path / "episode.toml"), show.trust
    review_on = episode.review_on or _later(episode.recorded_on, settings.review_months)
    if episode.published and review_on and review_on <= today:
        hint = "Listen whether it may stay; then set review_on to the next day to look, or: cln-media withdraw"
        yield Problem(source=source, message=f"is to be looked at again since {review_on}", hint=hint, fatal=False)
    dispose_on = _later(episode.recorded_on, settings.recording_months)
    if dispose_on and dispose_on <= today and episode.disposed_on is None:
        hint = f"Remove it once the episode is as it shall stay: cln-media dispose {episode.slug}"
        message = f"its recording is to be removed since {dispose_on}"
        yield Problem(source=source, message=message, hint=hint, fatal=False)


def _later(day: date | None, months: int | None) -> date | None:
    if day is None or months is None:
        return None
    years, month = divmod(day.month - 1 + months, _MONTHS)
    return date(day.year + years, month + 1, min(day.day, 28))
