"""The name or the folder of a speech model enters, the folder that holds it leaves, or why none does."""

import hashlib
import os
import sys
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from pipeline.errors import SpeechError
from pipeline.model import SPEECH_MODELS

MODELS_VARIABLE = "CLN_MEDIA_MODELS"
FILES = ("model.bin", "config.json", "tokenizer.json", "vocabulary.*")
_COPY_AGAIN = "Copy the whole folder of a CTranslate2 Whisper model again"


def is_available() -> bool:
    """Say whether the recogniser is installed."""
    return find_spec("faster_whisper") is not None


def is_name(model: str) -> bool:
    """Say whether a model is meant by its name, not by its folder."""
    return model in SPEECH_MODELS


def models_folder() -> Path:
    """Return the folder in which models are found by their names; it need not be there."""
    if configured := os.environ.get(MODELS_VARIABLE):
        return Path(configured)
    if sys.platform == "win32":
        data = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    elif sys.platform == "darwin":
        data = Path.home() / "Library/Application Support"
    else:
        named = Path(os.environ.get("XDG_DATA_HOME", ""))
        data = named if named.is_absolute() else Path.home() / ".local/share"
    return data / "cln-media/models"


def place(model: str) -> Path:
    """Return the folder in which a model is looked for.

    Args:
        model: one of SPEECH_MODELS, or a folder.
    """
    return models_folder() / model if is_name(model) else Path(model)


def found(model: str | None) -> Path | None:
    """Return the folder of a model; None where none is wanted, or what is named cannot be had on this computer.

    Args:
        model: one of SPEECH_MODELS, or a folder.

    Raises:
        SpeechError: it is a folder that holds no whole model.
    """
    if not model:
        return None
    if is_name(model):
        return place(model) if is_available() and _is_whole(place(model)) else None
    return folder_of(model)


def folder_of(model: str) -> Path:
    """Return the folder of a model that is there.

    Raises:
        SpeechError: it is not there, or not whole.
    """
    folder = place(model)
    try:
        is_folder = folder.is_dir()
        missing = _missing(folder) if is_folder else []
    except (OSError, ValueError) as error:
        raise SpeechError(f"the model cannot be read: {error}", source=model) from error
    if is_name(model) and (missing or not is_folder):
        raise SpeechError(f"the speech model {model} is not on this computer", hint=how_to_get(model))
    if not is_folder:
        raise SpeechError(
            "the speech model is not a folder",
            source=model,
            hint=f"Give the path of a model's folder on this computer, or a name: {', '.join(SPEECH_MODELS)}",
        )
    if missing:
        raise SpeechError(f"the model's folder lacks {', '.join(missing)}", source=model, hint=_COPY_AGAIN)
    return folder


def how_to_get(model: str) -> str:
    """Say how a model that is named comes to this computer."""
    return f"Download it once: cln-media doctor --download-model {model}. {how_to_copy(model)}"


def how_to_copy(model: str) -> str:
    """Say the same of a computer without internet."""
    return f"Without internet, copy the model's folder from another computer to {place(model)}"


def require_whole(folder: Path) -> None:
    """Refuse a folder that holds no whole model.

    Raises:
        SpeechError: a file is missing.
    """
    if missing := _missing(folder):
        raise SpeechError(f"the model's folder lacks {', '.join(missing)}", source=folder, hint=_COPY_AGAIN)


def fingerprints(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a model.

    Raises:
        SpeechError: one cannot be read.
    """
    paths = [path for name in FILES for path in sorted(folder.glob(name))]
    return {path.name: _fingerprint(path) for path in paths}


def _missing(folder: Path) -> list[str]:
    return [name for name in FILES if not any(folder.glob(name))]


def _is_whole(folder: Path) -> bool:
    try:
        return folder.is_dir() and not _missing(folder)
    except OSError:  # a folder of another user is no model of this one
        return False


def _fingerprint(path: Path) -> str:
    try:
        state = path.stat()
        return _sha256(path, state.st_size, state.st_mtime_ns)
    except OSError as error:
        raise SpeechError(f"the model cannot be read: {error.strerror}", source=path) from error


@lru_cache(maxsize=64)
def _sha256(path: Path, _size: int, _modified_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
