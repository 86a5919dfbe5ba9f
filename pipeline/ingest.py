"""A recording to a new folder under episodes/: copied with a hash check, named, given a GUID; no library lives here."""

import hashlib
import os
import re
import shutil
import tempfile
import unicodedata
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pipeline.errors import IngestError
from pipeline.model import Episode, Recording, Source

CHUNK_BYTES = 1 << 20
MAX_SLUG = 60
MAX_TITLE = 200
MAX_GIVEN_TITLE = 255

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What the person who ingests says of the episode; what is None comes from the recording, or stays open."""

    title: str | None = None
    slug: str | None = None
    region: str | None = None
    set_name: str | None = None
    recorded_on: date | None = None
    season: int | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the workspace has already: slugs, and the episode of each recording by SHA-256."""

    slugs: frozenset[str]
    recordings: Mapping[str, str]


def add_recording(
    recordings: tuple[Recording, ...],
    details: Details,
    known: Known,
    *,
    folder: Path,
    write_episode: Callable[[Path, Episode], None],
    others: tuple[Recording, ...] = (),
    progress: Progress | None = None,
) -> Episode:
    """Make an episode folder from the parts of one recording, in order, and from what other recorders heard of it.

    The folder appears whole or not at all. The originals are left where they are (see `remove_originals`).

    Args:
        recordings: probed parts.
        others: probed recordings of the same meeting, each by a recorder of its own.
        details: what the person says.
        known: what must not be there twice.
        folder: the folder of episodes.
        write_episode: writes episode.toml into a folder.
        progress: called with bytes done and bytes in all.

    Raises:
        IngestError: a recording is there already, a slug is taken, or a copy cannot be made.
    """
    paths = [recording.path for recording in (*recordings, *others)]
    title = details.title or _title(recordings[0], details)
    _refuse(paths, folder, title)
    slug = _free_slug(details.slug, title, details, known.slugs)
    with _mapped(folder), _scratch(folder) as scratch:
        copy = _Copy(sum(path.stat().st_size for path in paths), progress or (lambda _done, _total: None))
        sources = tuple(_add_part(path, scratch / name, known, copy) for path, name in _named((*recordings, *others)))
        if len({source.sha256 for source in sources}) < len(sources):
            raise IngestError("two parts are the same recording", source=paths[-1], hint="Name each part once.")
        episode = Episode(
            path=folder / slug,
            slug=slug,
            guid=f"urn:uuid:{uuid.uuid4()}",
            title=title,
            sources=tuple(
                Source(path=folder / slug / source.path.name, sha256=source.sha256, recorder=max(1, place))
                for place, source in enumerate(sources, 2 - len(recordings))
            ),
            number=details.number,
            season=details.season,
            recorded_on=details.recorded_on or _recorded_on(recordings),
            region=details.region,
            set_name=details.set_name,
        )
        write_episode(scratch, episode)
        scratch.chmod(0o755)
        scratch.rename(folder / slug)
    return episode


def _refuse(paths: list[Path], folder: Path, title: str) -> None:
    if len({path.resolve() for path in paths}) < len(paths):
        raise IngestError("the same file is named twice", source=paths[-1], hint="Name each part once, in order.")
    if folder.exists() and not folder.is_dir():
        hint = "Move that file elsewhere: the folder of episodes is made anew."
        raise IngestError("is a file, not a folder", source=folder, hint=hint)
    if not title.strip() or len(title) > MAX_GIVEN_TITLE:
        hint = f"Give it one of 1 to {MAX_GIVEN_TITLE} characters with --title."
        raise IngestError(f"the title has {len(title.strip())} characters", source=paths[0], hint=hint)


def remove_originals(recordings: tuple[Recording, ...], episode: Episode) -> None:
    """Remove the originals of an ingested recording, after comparing each with its copy once more.

    Raises:
        IngestError: a copy differs, or an original cannot be removed.
    """
    for recording, source in zip(recordings, episode.sources, strict=True):
        with _mapped(recording.path):
            if _sha256(source.path) != source.sha256:
                hint = "The original was left in place: check the disk, and ingest again."
                raise IngestError("is not what was copied", source=source.path, hint=hint)
            recording.path.unlink()


def slug_of(text: str) -> str:
    """Make a slug of a text: its ASCII letters and digits, joined by hyphens, at most MAX_SLUG characters."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain.replace("'", ""))
    slug = ""
    for word in words:
        if len(slug) + len(word) + 1 > MAX_SLUG:
            break
        slug = f"{slug}-{word}" if slug else word
    return slug or "".join(words)[:MAX_SLUG]


def _title(recording: Recording, details: Details) -> str:
    if recording.title and recording.title.strip():
        return recording.title.strip()[:MAX_TITLE]
    day = details.recorded_on or _recorded_on((recording,))
    return f"Recording of {day.day} {day:%B %Y}" if day else "Untitled recording"


def _recorded_on(recordings: tuple[Recording, ...]) -> date | None:
    return next((recording.recorded_on.date() for recording in recordings if recording.recorded_on), None)


def _free_slug(wanted: str | None, title: str, details: Details, taken: frozenset[str]) -> str:
    if wanted is not None:
        if not wanted or slug_of(wanted) != wanted:
            hint = f"Use lower-case letters, digits and hyphens, for instance {slug_of(wanted) or 'waiting-times'}"
            raise IngestError(f'the slug "{wanted}" cannot stand in an address', hint=f"{hint}.")
        if wanted in taken:
            raise IngestError(f'the slug "{wanted}" is taken', hint="Choose another with --slug.")
        return wanted
    stem = slug_of(title) or "-".join(filter(None, (details.region, "recording")))
    return next(slug for slug in _numbered(stem) if slug not in taken)


def _numbered(stem: str) -> Iterator[str]:
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1


def _named(recordings: tuple[Recording, ...]) -> Iterator[tuple[Path, str]]:
    for index, recording in enumerate(recordings, 1):
        suffix = recording.path.suffix.lower()
        suffix = suffix if re.fullmatch(r"\.[a-z0-9]{1,5}", suffix) else ".bin"
        yield recording.path, f"recording{'' if len(recordings) == 1 else f'-{index}'}{suffix}"


@dataclass(slots=True)
class _Copy:
    total: int
    progress: Progress
    done: int = 0

    def advance(self, size: int) -> None:
        self.done += size
        self.progress(self.done, self.total)


def _add_part(path: Path, copy: Path, known: Known, state: _Copy) -> Source:
    digest = hashlib.sha256()
    with path.open("rb") as original, copy.open("xb") as file:
        while chunk := original.read(CHUNK_BYTES):
            digest.update(chunk)
            file.write(chunk)
            state.advance(len(chunk))
        file.flush()
        os.fsync(file.fileno())
    sha256 = digest.hexdigest()
    if sha256 in known.recordings:
        hint = "Nothing was added: work on with that episode, or remove it first."
        raise IngestError(f"is already the recording of the episode {known.recordings[sha256]}", source=path, hint=hint)
    if _sha256(copy) != sha256:
        raise IngestError("cannot be copied faithfully", source=path, hint="Check the disk, and ingest again.")
    return Source(path=copy, sha256=sha256)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".ingest-", dir=folder))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _mapped(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = "Check the free space and the rights there, and ingest again: nothing was added."
        raise IngestError(f"cannot be copied: {error.strerror}", source=error.filename or place, hint=hint) from error
