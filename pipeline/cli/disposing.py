"""The command `dispose`: the recording of an episode and its drafts are removed from this computer."""

import re
from contextlib import closing
from datetime import datetime
from pathlib import Path

from pipeline import proof, trust
from pipeline.build import keeping
from pipeline.build.mastering import cached
from pipeline.build.survey import CheckFailedError
from pipeline.cache import Cache, write_atomic
from pipeline.cli import looking, sending
from pipeline.cli.screen import Screen
from pipeline.errors import WorkspaceError
from pipeline.model import Episode
from pipeline.workspace import DRAFTS_NAME, EPISODE_NAME, Workspace

_TOP_LEVEL = re.compile(r"(?m)^guid\s*=.*$")


def dispose(where: Workspace, slug: str, screen: Screen, *, now: datetime, by: str, yes: bool) -> None:
    """Remove the recording of an episode, after its master was copied beside it.

    Interrupted, it goes on when run again: the recording is only removed when all else is done.

    Raises:
        MediaError: the episode is not built as it stands, or its folder cannot be written.
    """
    survey = looking.look(where, now=now)
    survey.require((slug,))
    episode = next((each for each in survey.episodes if each.slug == slug), None)
    if survey.show is None or episode is None:
        raise CheckFailedError(survey.problems)
    source = where.name(episode.path)
    is_withdrawn = any(each.slug == slug and each.speaker is None for each in survey.withdrawn)
    if episode.disposed_on is None and is_withdrawn:
        screen.say(f"{slug} was withdrawn: nothing of its sound stays in its folder.")
        sending.agree(sending.Wish(yes=yes), screen, "Remove the recording?", "Nothing was removed.")
        _mark(episode, now)
    elif episode.disposed_on is None:
        cache = Cache(where.cache)
        master = cached(cache, survey.show, episode)
        cache.close()
        if master is None or episode.keep_audio:
            hint = "An imported sound is what is published." if episode.keep_audio else f"First: cln-media build {slug}"
            raise WorkspaceError("has no master of its own that could stay", source=source, hint=hint)
        names = ", ".join(each.path.name for each in episode.sources)
        screen.say(f"This removes {names} of {slug} for good. It can then be neither edited nor mastered again.")
        if (episode.path / DRAFTS_NAME).exists():
            screen.say(f"The folder {DRAFTS_NAME}/, with what machines made of its words, goes with it.")
        sending.agree(sending.Wish(yes=yes), screen, "Remove the recording?", "Nothing was removed.")
        keeping.keep(episode, master)
        _mark(episode, now)
    present = [each.path for each in episode.sources if each.path.exists()]
    present += sorted(episode.path.glob("master.*")) if is_withdrawn else []
    drafts = _drafts(episode)
    hashes = {each.path.name: each.sha256 for each in episode.sources}
    trust.trail.note(where.trail, "dispose", slug=slug, by=by, recordings=hashes)
    with closing(Cache(where.cache)) as cache:
        proof.forget_copies(cache, {*hashes.values(), *map(cache.sha256, present)})
    for each in (*present, *drafts):
        try:
            each.rmdir() if each.is_dir() and not each.is_symlink() else each.unlink()
        except OSError as error:
            hint = "Check the rights of that folder, and run the same command again."
            raise WorkspaceError(f"cannot be removed: {error.strerror}", source=each, hint=hint) from error
    removed = [each.name for each in present] + [f"{DRAFTS_NAME}/"] * bool(drafts)
    screen.say(f"Removed: {', '.join(removed) or 'nothing was left'}. Copies elsewhere,")
    screen.say("such as on the recorder or in a backup, are yours to remove. The folder .cache may still hold masters,")
    screen.say("and words as they were heard: delete it, and what is published is mastered again.")


def _drafts(episode: Episode) -> list[Path]:
    """List what is in the folder of drafts, the innermost first, and last the folder itself; links are not followed."""
    folder = episode.path / DRAFTS_NAME
    if folder.is_symlink() or not folder.exists():
        return [folder] if folder.is_symlink() else []
    return [*sorted(folder.rglob("*"), reverse=True), folder]


def _mark(episode: Episode, now: datetime) -> None:
    path = episode.path / EPISODE_NAME
    line = f"disposed_on = {now.date().isoformat()}"
    try:
        text = path.read_text(encoding="utf-8-sig")
        made, count = _TOP_LEVEL.subn(lambda found: f"{found[0]}\n{line}", text, count=1)
        if not count:
            raise WorkspaceError(
                "has no guid on a line of its own", source=path, hint=f"Add this line at its top: {line}"
            )
        write_atomic(path, made.encode())
    except (OSError, UnicodeDecodeError) as error:
        hint = "Check the free space and the rights of that folder; the recording is still there."
        raise WorkspaceError(f"cannot be changed: {error}", source=path, hint=hint) from error
