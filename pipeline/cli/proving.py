"""The command `proof`: a page on this computer where a person corrects what was drafted of an episode's words."""

import webbrowser
from contextlib import closing, suppress
from pathlib import Path

from pipeline import identifiers, proof, words, workspace
from pipeline.build.survey import CheckFailedError
from pipeline.cache import Cache
from pipeline.cli.screen import Screen
from pipeline.errors import WorkspaceError
from pipeline.model import Episode, Problem, Show
from pipeline.proof import Paper
from pipeline.workspace import Readers, Workspace, toml

_READERS = Readers(transcript=words.read_transcript, chapters=words.read_chapters)
_STEPS = 1000


def prove(where: Workspace, slug: str, screen: Screen, *, port: int, browser: bool) -> None:
    """Make the sound ready, then serve the page until Ctrl-C.

    Raises:
        WorkspaceError: there is no such episode, or it has no transcript.
        CheckFailedError: the settings or the episode cannot be read.
        AudioError: its recording cannot be decoded.
        PreviewError: the port is taken or not allowed.
    """
    show, episode = _asked(where, slug)
    if episode.transcript is None:
        names = " or ".join(workspace.TRANSCRIPT_NAMES)
        hint = f"Draft one with: cln-media draft {slug}, or put yours there as {names}."
        raise WorkspaceError("has no transcript to correct", source=where.name(episode.path), hint=hint)
    paper = Paper(
        folder=episode.path,
        slug=slug,
        title=episode.title,
        language=episode.language or show.language,
        voices=tuple(dict.fromkeys(speaker.label for speaker in episode.speakers)),
        sound=_sound(where, show, episode, screen),
        find=identifiers.find,  # without the model for names, which takes a minute for three hours: `review` has it
    )

    def ready(address: str) -> None:
        screen.say(f"Correct {slug} at {address}")
        screen.say("The address works once, in one browser. Save there; Ctrl-C here ends it.")
        if browser:
            webbrowser.open(address)

    with suppress(KeyboardInterrupt):  # how it is meant to end
        proof.serve(paper, port=port, ready=ready)


def _asked(where: Workspace, slug: str) -> tuple[Show, Episode]:
    show, problems = workspace.read_show(where)
    if show is None:
        raise CheckFailedError(problems)
    folder = where.episodes / slug
    if slug == folder.name and folder.is_dir():  # as nearly always: no other episode has to be read
        episode, found = workspace.read_episode(where, show, _READERS, folder)
        if episode is None:
            raise CheckFailedError(found)
        if episode.slug == slug:
            return show, episode
    episodes, found = workspace.read_episodes(where, show, _READERS)
    known = {episode.slug: episode for episode in episodes}
    if slug not in known:
        hint = toml.suggestion(slug, known) if known else "There are no episodes yet."
        raise WorkspaceError(f'there is no episode "{slug}"', source="episodes", hint=hint)
    return show, known[slug]


def _sound(where: Workspace, show: Show, episode: Episode, screen: Screen) -> Path | None:
    sources = episode.recorders[0] if episode.recorders else ()
    if episode.disposed_on is not None or not sources:
        hint = "The words can be corrected without it."
        screen.warn(Problem(source=where.name(episode.path), message="has no recording here", hint=hint, fatal=False))
        return None
    with closing(Cache(where.cache)) as cache:
        if kept := proof.kept_copy(cache, sources, show.audio):
            return kept
        screen.say("Making the sound ready: only the first time")
        with screen.bytes_progress("Sound", _STEPS) as meter:
            return proof.made_copy(cache, sources, show.audio, lambda done: meter.to(done * _STEPS))
