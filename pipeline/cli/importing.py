"""The command `import`: a feed read, a plan told, episodes fetched side by side, and what to do next."""

import queue
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from pipeline import __version__, audio, importing, ingest, words, workspace
from pipeline.build.survey import READERS, CheckFailedError
from pipeline.cli.screen import Meter, Screen, size_text
from pipeline.errors import IngestError, MediaError, WorkspaceError
from pipeline.importing import Added, Addition, OldFeed, Patience, Plan, Web
from pipeline.model import Episode, Problem, RoomConsent, Show, clock
from pipeline.workspace import Workspace, toml

WORKERS = 4
SPARE_BYTES = 200_000_000
TICK_S = 0.2
_Outcome = tuple[Addition, Added | BaseException]


def bring(
    where: Workspace,
    source: str,
    screen: Screen,
    *,
    region: str | None = None,
    dry_run: bool = False,
    limit: int | None = None,
    keep_audio: bool = False,
    consent: str | None = None,
    patience: Patience | None = None,
) -> None:
    """Turn an existing podcast into episodes; what is there already is left as it is.

    Args:
        where: the workspace.
        source: the address of the feed, or a file.
        screen: where to speak.
        region: the region that every episode gets.
        dry_run: only tell what would be added.
        limit: the most episodes to add this time, the newest first.
        keep_audio: whether MP3s are published as they are, instead of being mastered again.
        consent: where it is filed that all who speak in these episodes agreed; None leaves that to be filled in.
        patience: how long to wait for the old host.

    Raises:
        MediaError: the feed cannot be read, or an episode could not be added; the others were.
    """
    show, problems = workspace.read_show(where)
    if show is None:
        raise CheckFailedError(problems)
    _check_region(show, region)
    episodes = _episodes(where, show)
    agent = f"cln-media/{__version__}"
    web = Web(agent=agent, near=importing.lies_near(source), patience=patience, stop=threading.Event())
    feed = importing.read_feed(source, web)
    plan = importing.plan(feed, _known(where, episodes), slug_of=ingest.slug_of, limit=limit)
    _tell_plan(feed, plan, screen)
    if dry_run:
        _tell_rows(plan, screen)
        return
    _check_space(where, plan)
    _propose(where, feed, web, screen)
    recordings = importing.Recordings({source.sha256: e.slug for e in episodes for source in e.sources})
    write = partial(_write_episode, keep_audio=keep_audio, consent=consent)
    tools = replace(_TOOLS, write_episode=write)
    job = _Job(where=where, show=show, region=region, web=web, tools=tools, recordings=recordings, screen=screen)
    failed = [*plan.refused, *job.run(plan.additions)]
    _tell_next(plan, len(plan.additions) + len(plan.refused) - len(failed), screen)
    if failed:
        raise CheckFailedError(tuple(failed))


def _check_region(show: Show, region: str | None) -> None:
    known = [entry.id for entry in show.regions]
    if region is not None and region not in known:
        hint = toml.suggestion(region, known) if known else "Add it to cln_media.toml as [[regions]] first."
        raise IngestError(f'the region "{region}" is unknown', source=workspace.CONFIG_NAME, hint=hint)


def _episodes(where: Workspace, show: Show) -> tuple[Episode, ...]:
    # An episode that cannot be read could be one of those in the feed: it would be there twice.
    episodes, problems = workspace.read_episodes(where, show, READERS)
    if any(problem.fatal for problem in problems):
        raise CheckFailedError(problems)
    return episodes


def _known(where: Workspace, episodes: tuple[Episode, ...]) -> importing.Known:
    folders = {path.name for path in where.episodes.iterdir()} if where.episodes.is_dir() else set()
    return importing.Known(
        slugs=frozenset(folders | {episode.slug for episode in episodes}),
        guids=frozenset(episode.guid for episode in episodes),
    )


def _tell_plan(feed: OldFeed, plan: Plan, screen: Screen) -> None:
    known = [addition.old.sound.length for addition in plan.additions if addition.old.sound.length is not None]
    size = f" ({size_text(sum(known))})" if known else ""
    said = [f"{_count(len(plan.additions))} to add{size}", f"{plan.present} already here"]
    said += [f"{plan.left} left for another time"] if plan.left else []
    said += [f"{plan.soundless} without sound"] if plan.soundless else []
    screen.say(f"{feed.show.title or 'The feed'}: {', '.join(said)}.")
    for remark in feed.remarks:
        screen.say(f"{remark}.")


def _tell_rows(plan: Plan, screen: Screen) -> None:
    rows = []
    for addition in plan.additions:
        old = addition.old
        parts = {"notes": old.notes, "chapters": old.chapters_url or old.chapters, "transcript": old.transcripts}
        parts["cover"] = old.cover
        rows.append(
            (
                f"{old.published:%Y-%m-%d}" if old.published else "draft",
                addition.slug,
                size_text(addition.old.sound.length) if addition.old.sound.length else "?",
                ", ".join(name for name, value in parts.items() if value),
            )
        )
    if rows:
        screen.table(("Published", "Folder", "Sound", "With"), rows)
    for problem in plan.refused:
        screen.warn(problem)


def _check_space(where: Workspace, plan: Plan) -> None:
    needed = sum(addition.old.sound.length or 0 for addition in plan.additions)
    needed -= sum(path.stat().st_size for path in _parts(where).glob("*.part")) if needed else 0
    free = shutil.disk_usage(where.root).free
    if plan.additions and needed + SPARE_BYTES > free:
        hint = "Make room, or import some episodes at a time with --limit."
        message = f"the sound needs {size_text(max(needed, 0) + SPARE_BYTES)}, and {size_text(free)} are free"
        raise IngestError(message, source=where.root, hint=hint)


def _parts(where: Workspace) -> Path:
    return where.cache / "import"


def _propose(where: Workspace, feed: OldFeed, web: Web, screen: Screen) -> None:
    path = where.root / importing.PROPOSAL_NAME
    if path.exists():
        screen.detail(f"{path.name} is there already, and was left as it is")
        return
    artwork = None
    if feed.show.artwork:
        try:
            image = importing.picture(web, feed.show.artwork)
            artwork = f"{importing.ARTWORK_STEM}.{image.suffix}"
            _write(where.root / artwork, image.data)
        except IngestError as error:
            hint = error.hint or "Put the artwork there by hand."
            screen.warn(Problem(source="the artwork", message=str(error), hint=hint, fatal=False))
    workspace.write_new(path, importing.proposal(feed.show, artwork))
    screen.say(f"Wrote {path.name}{f' and {artwork}' if artwork else ''}: what the old feed says of the show.")
    screen.say(f"      {workspace.CONFIG_NAME} was not changed: copy from there what you want, above all guid.")


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        hint = "Check the free space and the rights of that folder."
        raise WorkspaceError(f"cannot be written: {error.strerror}", source=path, hint=hint) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """All that adding an episode needs besides the episode; done: bytes of sound by slug."""

    where: Workspace
    show: Show
    region: str | None
    web: Web
    tools: importing.Tools
    recordings: importing.Recordings
    screen: Screen
    done: dict[str, int] = field(default_factory=dict)

    def run(self, additions: tuple[Addition, ...]) -> list[Problem]:
        """Add them all; return what failed."""
        failed: list[Problem] = []
        late: list[_Outcome] = []  # told when the bar is gone
        total = sum(addition.old.sound.length or 0 for addition in additions)
        with self.screen.bytes_progress("Fetching", total) as meter:
            for addition, outcome in _side_by_side(additions, partial(self._add, meter), self.web.stop):
                if self.screen.is_live:
                    late.append((addition, outcome))
                else:
                    failed += _told(self.where, addition, outcome, self.screen)
        for addition, outcome in late:
            failed += _told(self.where, addition, outcome, self.screen)
        return failed

    def _add(self, meter: Meter, addition: Addition) -> Added:
        def advance(size: int) -> None:
            self.done[addition.slug] = size
            meter.to(sum(list(self.done.values())))

        return importing.add(
            addition,
            self.web,
            self.tools,
            self.recordings,
            folder=self.where.episodes,
            parts=_parts(self.where),
            language=self.show.language,
            region=self.region,
            progress=advance,
        )


def _told(where: Workspace, addition: Addition, outcome: Added | BaseException, screen: Screen) -> list[Problem]:
    if isinstance(outcome, MediaError):
        hint = outcome.hint or "Run the same command again."
        return [Problem(source=f'"{addition.old.title}"', message=str(outcome), hint=hint)]
    if isinstance(outcome, BaseException):
        raise outcome
    name = where.name(outcome.episode.path)
    screen.say(f'Added "{outcome.episode.title}" ({clock(outcome.duration_ms)}) as {name}/')
    for remark in outcome.remarks:
        screen.warn(Problem(source=name, message=remark, hint="Look at that folder.", fatal=False))
    return []


def _side_by_side(
    additions: tuple[Addition, ...], work: Callable[[Addition], Added], stop: threading.Event
) -> Iterator[_Outcome]:
    """Work at a few additions at a time; yield each as it ends. On Ctrl-C the workers stop at the next bytes."""
    waiting: queue.SimpleQueue[Addition] = queue.SimpleQueue()
    ended: queue.SimpleQueue[_Outcome] = queue.SimpleQueue()
    for addition in additions:
        waiting.put(addition)

    def labour() -> None:
        while not stop.is_set():
            try:
                addition = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                ended.put((addition, work(addition)))
            except BaseException as error:  # noqa: BLE001 - handed to the main thread, which raises it
                ended.put((addition, error))

    # Daemons: one that waits for a silent server must not keep the program from ending.
    workers = [threading.Thread(target=labour, daemon=True) for _ in range(min(WORKERS, len(additions)))]
    try:
        for worker in workers:
            worker.start()
        for _ in additions:
            yield _next(ended)
    finally:
        stop.set()
        for worker in workers:
            worker.join(TICK_S)


def _next(ended: "queue.SimpleQueue[_Outcome]") -> _Outcome:
    while True:
        try:
            return ended.get(timeout=TICK_S)  # on Windows, a wait without an end cannot be interrupted
        except queue.Empty:
            continue


def _tell_next(plan: Plan, added: int, screen: Screen) -> None:
    if not plan.additions:
        return
    screen.say(
        f"{_count(added)} added. Next: give each its speakers in {workspace.EPISODE_NAME}: roles, and names with"
    )
    screen.say("      consent; read the notes; then cln-media check, and cln-media build.")


def _count(number: int) -> str:
    return f"{number} episode" if number == 1 else f"{number} episodes"


def _write_episode(
    folder: Path,
    episode: Episode,
    comments: tuple[str, ...],
    *,
    keep_audio: bool = False,
    consent: str | None = None,
) -> None:
    kept = keep_audio and all(source.path.suffix == ".mp3" for source in episode.sources)
    room = RoomConsent(room="all-agreed", reference=consent) if consent else None
    episode = replace(episode, keep_audio=kept, room=room)
    workspace.write_episode(folder, episode, comments=comments)


_TOOLS = importing.Tools(
    probe=audio.probe,
    write_episode=_write_episode,
    transcripts=importing.TranscriptTools(read=words.read_transcript, brought=words.read_brought, write=words.webvtt),
)
