"""The command `draft`: transcript, chapters and notes of an episode drafted, for a person to correct."""

from contextlib import closing
from datetime import datetime

from pipeline import workspace
from pipeline.build import transcribing
from pipeline.build.drafts import Drafting
from pipeline.build.survey import READERS, CheckFailedError, survey
from pipeline.cache import Cache
from pipeline.cli.looking import how_to_read
from pipeline.cli.screen import Screen
from pipeline.model import DraftState, Episode, Part, Show
from pipeline.workspace import Workspace

_DONE = {None: "drafted", DraftState.DRAFTED: "drafted anew"}


def draft(where: Workspace, slug: str, screen: Screen, *, now: datetime, again: bool) -> None:
    """Draft what an episode lacks, or all of it anew, and say what is to be done next.

    Raises:
        MediaError: there is no such episode, it gets no drafts any more, or a file cannot be read or written.
    """
    with closing(Cache(where.cache)) as cache, screen.report() as report:
        show, episode = _read(where, cache, slug, now)
        drafting = Drafting(where, cache, report, now=now)
        drafting.refuse_where_settled(episode)
        before = episode.drafts.get(Part.TRANSCRIPT)
        is_transcribed = transcribing.transcripts(cache, show, (episode,), report, again=again)
        episode = _read_again(where, show, episode)
        after = drafting.asked_for(show, episode, again=again)
    if is_transcribed:
        screen.say(f"Transcript: {_DONE.get(before, 'drafted anew, and merged with what was changed by hand')}.")
    elif again and before:
        has_draft = workspace.drafted(episode.path, workspace.TRANSCRIPT_NAMES[0]) is not None
        why = "there is nothing to add" if has_draft else "no machine drafted it"
        screen.say(f"Transcript: left as it is: {why}.")
    for _, each in drafting.drafted:
        screen.say(f"{str(each.part).capitalize()}: {each.done}.")
    if episode.transcript is None:
        said = "There is no transcript: without one there are no chapters, and only bare notes."
        how = " Put transcript.vtt into its folder, or name a model in [speech] of cln_media.toml."
        screen.say(said if show.speech.model else said + how)  # with a model, a warning has told what is the matter
    _say_what_is_next(after, screen)


def _read(where: Workspace, cache: Cache, slug: str, now: datetime) -> tuple[Show, Episode]:
    found = survey(where, cache, now=now)
    found.require((slug,))
    if found.show is None:
        raise CheckFailedError(found.problems)
    path = next(each.path for each in found.episodes if each.slug == slug)
    episode, problems = workspace.read_episode(where, found.show, READERS, path)  # with every word, as it stands there
    if episode is None:
        raise CheckFailedError(problems)
    return found.show, episode


def _read_again(where: Workspace, show: Show, episode: Episode) -> Episode:
    again, problems = workspace.read_episode(where, show, READERS, episode.path)
    if again is None:
        raise CheckFailedError(problems)
    return again


def _say_what_is_next(episode: Episode, screen: Screen) -> None:
    is_left = bool(episode.unread)
    screen.say(f"Next: read and correct its {how_to_read(episode)}" if is_left else "Nothing waits for a reader.")
