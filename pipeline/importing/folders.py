"""An episode to add enters, its folder under episodes/ leaves, whole or not at all; nothing else is written."""

import hashlib
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import IngestError, MediaError
from pipeline.importing import chapters, transcripts
from pipeline.importing.old import Addition, OldEpisode, OldTranscript
from pipeline.importing.parts import Downloaded, facts_path
from pipeline.importing.reading import MAX_SOUND_BYTES
from pipeline.importing.transcripts import TranscriptTools
from pipeline.importing.web import Web, shown
from pipeline.model import Chapter, Episode, Recording, Source

TEXT_BYTES = 20_000_000
IMAGE_BYTES = 20_000_000
SUFFIXES = frozenset({"mp3", "m4a", "aac", "ogg", "opus", "wav", "flac", "mp4", "m4v", "mov", "webm"})
BY_TYPE = {
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/x-m4a": "m4a",
    "audio/m4a": "m4a",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
    "audio/ogg": "ogg",
    "audio/opus": "opus",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/flac": "flac",
    "video/mp4": "mp4",
}
IMAGES = {b"\xff\xd8\xff": "jpg", b"\x89PNG\r\n\x1a\n": "png"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What other stages do for this one. write_episode: takes a folder, an episode and comments."""

    probe: Callable[[Path], Recording]
    write_episode: Callable[[Path, Episode, tuple[str, ...]], None]
    transcripts: TranscriptTools


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """An episode that was added, how long it lasts, and what the person should know of it."""

    episode: Episode
    duration_ms: int
    remarks: tuple[str, ...]


class Recordings:
    """Which recording belongs to which episode, by SHA-256; may be used by several threads."""

    def __init__(self, known: dict[str, str]) -> None:
        self._slugs = dict(known)
        self._lock = threading.Lock()

    def claim(self, sha256: str, slug: str) -> None:
        """Note a recording.

        Raises:
            IngestError: it is the recording of another episode already.
        """
        with self._lock:
            owner = self._slugs.setdefault(sha256, slug)
        if owner != slug:
            hint = "Nothing was added: the feed names the same sound twice, under two identities."
            raise IngestError(f"is already the recording of the episode {owner}", hint=hint)


def add(
    addition: Addition,
    web: Web,
    tools: Tools,
    recordings: Recordings,
    *,
    folder: Path,
    parts: Path,
    language: str,
    region: str | None,
    progress: Callable[[int], None],
) -> Added:
    """Fetch an episode with all that belongs to it, and make its folder.

    Args:
        addition: what to add.
        web: where it is fetched from.
        tools: what other stages do.
        recordings: what must not be there twice.
        folder: the folder of episodes.
        parts: where downloads are kept until they are whole; they go on from there.
        language: the show's; an episode names another one only.
        region: the region it gets.
        progress: called with the bytes of sound that are there.

    Raises:
        MediaError: it cannot be added; nothing of it stands under `folder`.
        StoppedError: the person has interrupted; what was downloaded stays in `parts`.
    """
    old, key = addition.old, hashlib.sha256(addition.old.guid.encode()).hexdigest()[:24]
    part = parts / f"{key}.part"
    found = web.download(addition.old.sound.url, part, limit=MAX_SOUND_BYTES, progress=progress)
    recordings.claim(found.sha256, addition.slug)
    recording = _probed(tools, part)
    remarks = [*old.remarks, *_length_remarks(addition, found)]
    with _scratch(folder / f".import-{key}") as scratch:
        fetch = _Fetch(web, scratch, remarks)
        marks = _chapters(fetch, old, recording.duration_ms)
        named = _transcript(fetch, old, old.language or language, tools.transcripts)
        fetch.cover(old.cover)
        target = folder / addition.slug
        name = f"recording.{_suffix(addition)}"
        source = Source(path=target / name, sha256=found.sha256)
        episode = _episode(old, addition.slug, target, source, language=language, region=region)
        fetch.write("notes.md", (old.notes or "").encode())
        fetch.write("chapters.toml", chapters.toml(marks).encode())
        tools.write_episode(scratch, episode, tuple(_comments(old, named)))
        with _writing(target):
            shutil.move(part, scratch / name)
            scratch.rename(target)
            facts_path(part).unlink(missing_ok=True)
    return Added(episode=episode, duration_ms=recording.duration_ms, remarks=tuple(remarks))


class _Fetch:
    """Brings what belongs to an episode into its folder; what cannot be had becomes a remark."""

    def __init__(self, web: Web, folder: Path, remarks: list[str]) -> None:
        self.web, self.folder, self.remarks = web, folder, remarks

    def write(self, name: str, data: bytes) -> None:
        if data:
            with _writing(self.folder):
                (self.folder / name).write_bytes(data)

    def text(self, url: str) -> bytes:
        return self.web.fetch(url, limit=TEXT_BYTES).data

    def cover(self, url: str | None) -> None:
        if url is None:
            return
        try:
            image = picture(self.web, url)
        except MediaError as error:
            self.remarks.append(f"has a cover that cannot be used: {error.message} ({shown(url)})")
        else:
            self.write(f"cover.{image.suffix}", image.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image, and jpg or png."""

    data: bytes
    suffix: str


def picture(web: Web, url: str) -> Image:
    """Fetch an image.

    Raises:
        IngestError: it cannot be had, or is neither JPEG nor PNG.
    """
    data = web.fetch(url, limit=IMAGE_BYTES, accept="image/jpeg, image/png").data
    for start, suffix in IMAGES.items():
        if data.startswith(start):
            return Image(data=data, suffix=suffix)
    raise IngestError("is neither a JPEG nor a PNG image", source=shown(url), hint="Put one there by hand.")


def _probed(tools: Tools, part: Path) -> Recording:
    try:
        return tools.probe(part)
    except MediaError as error:
        # What is no sound would be found whole, and refused, for ever.
        with _writing(part):
            part.unlink(missing_ok=True)
            facts_path(part).unlink(missing_ok=True)
        hint = "Open the address in a browser: the host may answer with a page instead of the sound."
        raise IngestError(f"holds no sound that can be read: {error.message}", hint=hint) from error


def _length_remarks(addition: Addition, found: Downloaded) -> Iterator[str]:
    told = addition.old.sound.length
    if told is not None and told != found.size:
        yield f"has {found.size:,} bytes of sound where the feed tells {told:,}"


def _chapters(fetch: _Fetch, old: OldEpisode, duration_ms: int) -> tuple[Chapter, ...]:
    marks = old.chapters
    if old.chapters_url:
        try:
            marks = chapters.from_json(fetch.text(old.chapters_url)) or marks
        except MediaError as error:
            fetch.remarks.append(f"has chapters that cannot be used: {error.message} ({shown(old.chapters_url)})")
    kept = tuple(chapter for chapter in marks if chapter.start_ms < duration_ms)
    if len(kept) < len(marks):
        fetch.remarks.append(f"has {len(marks) - len(kept)} chapters after its end, which were left out")
    return kept


def _transcript(fetch: _Fetch, old: OldEpisode, language: str, tools: TranscriptTools) -> bool:
    def data(transcript: OldTranscript) -> bytes:
        return fetch.text(transcript.url)

    chosen, remarks = transcripts.first_readable(old.transcripts, data, language, tools)
    fetch.remarks += remarks
    if chosen is None:
        return False
    fetch.write(chosen.name, chosen.data)
    if chosen.name == transcripts.READ_NAME:
        fetch.remarks.append(f"has a transcript without times: it is kept as {chosen.name}, and is not published")
    return chosen.named


def _suffix(addition: Addition) -> str:
    suffix = addition.old.sound.url.partition("?")[0].partition("#")[0].rpartition(".")[2].lower()
    return BY_TYPE.get(addition.old.sound.mime) or (suffix if suffix in SUFFIXES else "bin")


def _episode(old: OldEpisode, slug: str, target: Path, source: Source, *, language: str, region: str | None) -> Episode:
    spoken = old.language or language
    foreign = spoken.partition("-")[0].lower() != language.partition("-")[0].lower()
    return Episode(
        path=target,
        slug=slug,
        guid=old.guid,
        title=old.title,
        sources=(source,),
        number=old.number,
        season=old.season,
        kind=old.kind,
        published=old.published,
        region=region,
        explicit=old.explicit,
        language=spoken if foreign else None,
        summary=old.summary,
        soundbites=old.soundbites,
    )


def _comments(old: OldEpisode, named: bool) -> Iterator[str]:
    yield "Imported from the podcast's old feed."
    if old.people:
        yield "The old feed named people; add them with consent."
    if named:
        yield "The transcript names speakers: give each a role here, and put the role for the name, or record consent."


@contextmanager
def _scratch(scratch: Path) -> Iterator[Path]:
    with _writing(scratch):
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _writing(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = "Check the free space and the rights there, and run the command again: it goes on where it was."
        raise IngestError(f"cannot be written: {error.strerror}", source=error.filename or place, hint=hint) from error
