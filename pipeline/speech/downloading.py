"""The name of a speech model enters, its files come from where their makers publish them; only when a person asks."""

import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from pipeline.errors import SpeechError
from pipeline.model import SPEECH_MODELS
from pipeline.speech.hearing import library
from pipeline.speech.models import FILES, how_to_copy, models_folder, require_whole

_WANTED = (*FILES, "preprocessor_config.json")
_LOOK_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A model that can be downloaded. sizes: of its files, in bytes; hashes: SHA-256 of the large ones, by name."""

    name: str
    repository: str
    revision: str
    folder: Path
    sizes: dict[str, int]
    hashes: dict[str, str]

    @property
    def size(self) -> int:
        """How many bytes that is in all."""
        return sum(self.sizes.values())


def offer(name: str) -> Offer:
    """Ask what a model consists of.

    Args:
        name: one of SPEECH_MODELS.

    Raises:
        SpeechError: there is no such model, the recogniser is not installed, or nobody answers.
    """
    if name not in SPEECH_MODELS:
        raise SpeechError(f"there is no speech model {name!r}", hint=f"Choose one of: {', '.join(SPEECH_MODELS)}")
    repository = library().utils._MODELS[name]  # noqa: SLF001 - the only list of where the models are
    with _mapped(name):
        import huggingface_hub  # noqa: PLC0415 - slow to load

        there = huggingface_hub.HfApi().model_info(repository, files_metadata=True)
    files = [each for each in there.siblings or () if any(fnmatch(each.rfilename, name) for name in _WANTED)]
    return Offer(
        name=name,
        repository=repository,
        revision=str(there.sha),
        folder=models_folder() / name,
        sizes={each.rfilename: each.size or 0 for each in files},
        hashes={each.rfilename: each.lfs.sha256 for each in files if each.lfs},
    )


def download(offered: Offer, progress: Callable[[int], None] | None = None) -> Path:
    """Download a model into the folder of models; what an interrupted download brought is not fetched again.

    Args:
        offered: what to download.
        progress: called with the bytes that have arrived.

    Returns:
        The model's folder.

    Raises:
        SpeechError: nobody answers, the model is not whole, or it cannot be written.
    """
    part = offered.folder.with_name(f".{offered.name}.part")
    try:
        part.mkdir(parents=True, exist_ok=True)
        with _mapped(offered.name), _watched(part, progress):
            import huggingface_hub  # noqa: PLC0415 - slow to load

            _hush(huggingface_hub.utils)
            huggingface_hub.snapshot_download(
                offered.repository, revision=offered.revision, local_dir=part, allow_patterns=list(_WANTED)
            )
        require_whole(part)
        _require_same(part, offered)
        shutil.rmtree(part / ".cache", ignore_errors=True)
        shutil.rmtree(offered.folder, ignore_errors=True)
        part.replace(offered.folder)
    except OSError as error:
        hint = "Check the free space and the rights of that folder, then give the command again"
        raise SpeechError(f"cannot be written: {error.strerror or error}", source=part.parent, hint=hint) from error
    return offered.folder


def _hush(library: Any) -> None:
    library.disable_progress_bars()  # ours counts the bytes of all files together
    library.logging.set_verbosity_error()


def _require_same(part: Path, offered: Offer) -> None:
    for name, size in offered.sizes.items():
        expected, path = offered.hashes.get(name), part / name
        is_same = path.stat().st_size == size and (expected is None or _sha256(path) == expected)
        if not is_same:
            path.unlink()
            hint = "Give the command again: it is fetched anew"
            raise SpeechError(f"{name} of the model arrived damaged", source=offered.repository, hint=hint)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _mapped(name: str) -> Iterator[None]:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        yield
    except Exception as error:  # the clients below the library have no common class
        if isinstance(error, OSError) and error.filename:  # a file of ours, not the network
            raise
        raise _unreachable(name, error) from error


def _unreachable(name: str, error: Exception) -> SpeechError:
    from huggingface_hub import constants  # noqa: PLC0415 - slow to load

    status = getattr(getattr(error, "response", None), "status_code", None)
    what = "does not answer" if status is None else f"answers {status}"
    return SpeechError(
        f"the speech model {name} cannot be downloaded: {constants.ENDPOINT} {what}",
        hint=f"Connect to the internet and give the command again. {how_to_copy(name)}",
    )


@contextmanager
def _watched(folder: Path, progress: Callable[[int], None] | None) -> Iterator[None]:
    done = threading.Event()

    def look() -> None:
        while not done.wait(_LOOK_S):
            if progress:
                progress(_size(folder))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _size(folder: Path) -> int:
    size = 0
    for path in folder.rglob("*"):
        try:
            size += path.stat().st_size if path.is_file() else 0
        except OSError:  # renamed at this moment
            continue
    return size
