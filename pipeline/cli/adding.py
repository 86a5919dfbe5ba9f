"""The command `ingest`: recordings probed, added, and what to do next."""

from functools import partial
from pathlib import Path

from pipeline import audio, ingest, trust, workspace
from pipeline.build.survey import READERS, CheckFailedError
from pipeline.cache import Cache
from pipeline.cli import bringing
from pipeline.cli.screen import Screen
from pipeline.errors import IngestError
from pipeline.ingest import Details, Known
from pipeline.model import Episode, Recording, Show, clock
from pipeline.workspace import Workspace, toml


def add(
    where: Workspace,
    paths: tuple[Path, ...],
    other_paths: tuple[Path, ...],
    details: Details,
    screen: Screen,
    *,
    move: bool,
    transcript: bool = True,
) -> None:
    """Make one episode of the parts of a recording, and of what other recorders heard of the same meeting."""
    show, problems = workspace.read_show(where)
    if show is None:
        raise CheckFailedError(problems)
    _check_region(show, details.region)
    recordings, others = (tuple(audio.probe(path) for path in named) for named in (paths, other_paths))
    episodes, _problems = workspace.read_episodes(where, show, READERS)
    with screen.bytes_progress("Copying", sum(path.stat().st_size for path in (*paths, *other_paths))) as meter:
        episode = ingest.add_recording(
            recordings,
            details,
            _known(where, episodes),
            folder=where.episodes,
            write_episode=partial(workspace.write_episode, remark=recordings[0].description),
            others=others,
            progress=lambda done, _total: meter.to(done),
        )
    hashes = {source.path.name: source.sha256 for source in episode.sources}
    trust.trail.note(where.trail, "ingest", slug=episode.slug, recordings=hashes)
    _remember(where, episode)
    if move:
        ingest.remove_originals((*recordings, *others), episode)
    _tell(where, episode, recordings, screen)
    brought = transcript and bringing.bring(where, episode, recordings, show.language, screen)
    _tell_next(where, episode, screen, has_transcript=brought)
    if details.title is None and details.slug is None:
        screen.say(
            f"      Its address will be /episodes/{episode.slug}/: give it a title, and a slug if you want another."
        )


def _remember(where: Workspace, episode: Episode) -> None:
    """Spare the first build from hashing recordings that were hashed as they were copied."""
    cache = Cache(where.cache)
    for source in episode.sources:
        cache.remember(source.path, source.sha256)
    cache.close()


def _check_region(show: Show, region: str | None) -> None:
    known = [entry.id for entry in show.regions]
    if region is not None and region not in known:
        hint = toml.suggestion(region, known) if known else "Add it to cln_media.toml as [[regions]] first."
        raise IngestError(f'the region "{region}" is unknown', source=workspace.CONFIG_NAME, hint=hint)


def _known(where: Workspace, episodes: tuple[Episode, ...]) -> Known:
    folders = {path.name for path in where.episodes.iterdir()} if where.episodes.is_dir() else set()
    return Known(
        slugs=frozenset(folders | {episode.slug for episode in episodes}),
        recordings={source.sha256: episode.slug for episode in episodes for source in episode.sources},
    )


def _tell(where: Workspace, episode: Episode, recordings: tuple[Recording, ...], screen: Screen) -> None:
    length_ms = sum(recording.duration_ms for recording in recordings)
    folder = where.name(episode.path)
    screen.say(f'Added "{episode.title}" ({clock(length_ms)}) as {folder}/')
    for recording in recordings:
        screen.detail(f"  {recording.container}, {recording.codec}, {recording.sample_rate_hz} Hz")


def _tell_next(where: Workspace, episode: Episode, screen: Screen, *, has_transcript: bool) -> None:
    folder = where.name(episode.path)
    screen.say(f"Next: fill in {folder}/{workspace.EPISODE_NAME}: speakers, summary, and the day it shall appear.")
    screen.say(f"      Write the notes in {folder}/{workspace.NOTES_NAME}, or let `cln-media build` draft them.")
    if not has_transcript:
        screen.say(f"      Put the transcript there as {' or '.join(workspace.TRANSCRIPT_NAMES)}.")
