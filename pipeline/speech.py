"""Sound enters, a draft Transcript leaves; faster-whisper lives here, if it is installed.

Nothing here reaches for the network: a model is a folder on this machine, or it is refused.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import SpeechError
from pipeline.model import Cue, HeardWord, Transcript

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Piece = tuple[int, NDArray[np.float32]]

ORIGIN = "recogniser"
SAMPLE_RATE_HZ = 16_000

_FILES = ("model.bin", "config.json", "tokenizer.json", "vocabulary.*")
_COMPUTE_TYPE = "int8"
_OPTIONS: dict[str, Any] = {
    "beam_size": 5,
    # One temperature: the others draw random numbers, and the same sound must give the same words.
    "temperature": 0.0,
    "condition_on_previous_text": False,
    "vad_filter": True,
    "vad_parameters": {"threshold": 0.3, "min_silence_duration_ms": 1_000},
    "word_timestamps": True,
}
_MAX_CUE_MS = 7_000
_MAX_CUE_CHARACTERS = 84
_PAUSE_MS = 800
_SHORT_CUE_MS = 2_000
_SENTENCE_ENDS = (".", "?", "!", "\u2026")
_CLAUSE_ENDS = (*_SENTENCE_ENDS, ",", ";", ":")


def is_available() -> bool:
    """Say whether the recogniser is installed."""
    return find_spec("faster_whisper") is not None


def recipe(model: str) -> dict[str, str]:
    """Name everything but the sound that decides a draft, for a cache key.

    Args:
        model: the folder of a model.

    Returns:
        The recogniser's versions and options, and the SHA-256 of each of the model's files.

    Raises:
        SpeechError: the recogniser is not installed, or the folder holds no whole model.
    """
    files = [path for name in _FILES for path in sorted(_model_folder(model).glob(name))]
    return {
        **_versions(),
        **{path.name: _fingerprint(path) for path in files},
        "compute_type": _COMPUTE_TYPE,
        "options": repr(_OPTIONS),
        "cues": f"{_MAX_CUE_MS} {_MAX_CUE_CHARACTERS} {_PAUSE_MS} {_SHORT_CUE_MS}",
    }


def transcribe(
    pieces: Iterable["Piece"],
    *,
    language: str,
    model: str,
    progress: Callable[[float], None] | None = None,
) -> Transcript:
    """Draft a transcript of what is said; a person must correct it before it is published.

    Args:
        pieces: the sound in order, cut at quiet places: the start of each piece in ms from the start of the master, and
            its samples, float32, mono, 16 kHz. Memory grows with the longest piece, about 1 MB a second: at most 10
            minutes each. Read one at a time.
        language: what is spoken, as a BCP 47 tag.
        model: the folder of a CTranslate2 Whisper model: model.bin, config.json, tokenizer.json and vocabulary.*.
        progress: called with the seconds of the master heard so far, ascending.

    Returns:
        Cues of at most about 7 seconds, ascending by start, without speakers; origin is "recogniser".

    Raises:
        SpeechError: the recogniser is not installed, the model is not whole or cannot hear the language, or it failed.
    """
    words = heard_words(pieces, language=language, model=model, progress=progress)
    return Transcript(language=language, cues=tuple(_cues(words)), origin=ORIGIN)


def heard_words(
    pieces: Iterable["Piece"],
    *,
    language: str,
    model: str,
    progress: Callable[[float], None] | None = None,
) -> list[HeardWord]:
    """Hear what is said, word by word, each with its time.

    Args:
        pieces: as for `transcribe`.
        language: as for `transcribe`.
        model: as for `transcribe`.
        progress: as for `transcribe`.

    Raises:
        SpeechError: as for `transcribe`.
    """
    recogniser = _loaded(model, language)
    words: list[HeardWord] = []
    for start_ms, samples in pieces:
        length_s = len(samples) / SAMPLE_RATE_HZ
        for heard in _heard(recogniser, samples, language, model):
            words += [_placed(word, start_ms, len(samples)) for word in heard.words or ()]
            if progress:
                progress(start_ms / 1000 + min(float(heard.end), length_s))
        if progress:
            progress(start_ms / 1000 + length_s)
    return words


def _versions() -> dict[str, str]:
    try:
        return {name: version(name) for name in ("faster-whisper", "ctranslate2")}
    except PackageNotFoundError as error:
        raise _not_installed() from error


def _recogniser() -> Any:
    try:
        import faster_whisper  # noqa: PLC0415 - optional, and slow to load
    except (ImportError, OSError) as error:  # OSError: a shared library that this machine cannot load
        raise _not_installed() from error
    return faster_whisper


def _not_installed() -> SpeechError:
    return SpeechError(
        "the speech recogniser is not installed", hint='Install it with: pip install "cln-media[transcribe]"'
    )


def _model_folder(model: str) -> Path:
    folder = Path(model)
    try:
        is_folder = folder.is_dir()
        missing = [name for name in _FILES if is_folder and not any(folder.glob(name))]
    except (OSError, ValueError) as error:
        raise SpeechError(f"the model cannot be read: {error}", source=model) from error
    if not is_folder:
        raise SpeechError(
            "the speech model is not a folder",
            source=model,
            hint="Give the path of a model's folder on this computer; models are never downloaded",
        )
    if missing:
        raise SpeechError(
            f"the model's folder lacks {', '.join(missing)}",
            source=model,
            hint="Copy the whole folder of a CTranslate2 Whisper model again",
        )
    return folder


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


def _loaded(model: str, language: str) -> Any:
    folder = _model_folder(model)
    library = _recogniser()
    try:
        recogniser = library.WhisperModel(str(folder), device="cpu", compute_type=_COMPUTE_TYPE, local_files_only=True)
    except Exception as error:  # the tokenizer's library raises nothing narrower
        raise SpeechError(
            f"the model cannot be loaded: {_reason(error)}",
            source=model,
            hint="Copy the whole folder of a CTranslate2 Whisper model again",
        ) from error
    if _spoken(language) not in recogniser.supported_languages:
        raise SpeechError(
            f"the model does not know the language {language!r}",
            source=model,
            hint="Choose a model of several languages (one without .en in its name), or correct the language",
        )
    return recogniser


def _spoken(language: str) -> str:
    return language.partition("-")[0].lower()


def _heard(recogniser: Any, samples: "NDArray[np.float32]", language: str, model: str) -> Iterator[Any]:
    if not len(samples):
        return
    try:
        segments, _ = recogniser.transcribe(samples, language=_spoken(language), **_OPTIONS)
        yield from segments
    except (RuntimeError, ValueError, MemoryError) as error:
        raise SpeechError(
            f"the recogniser stopped: {_reason(error)}",
            source=model,
            hint="Close other programs to free memory, or use a smaller model",
        ) from error


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _placed(word: Any, piece_ms: int, samples: int) -> HeardWord:
    # The recogniser pads a piece with silence, so a last word may end after it.
    length_ms = samples * 1000 // SAMPLE_RATE_HZ
    start_ms = min(round(word.start * 1000), max(0, length_ms - 1))
    end_ms = min(round(word.end * 1000), length_ms, start_ms + _MAX_CUE_MS)
    return HeardWord(piece_ms + start_ms, piece_ms + max(end_ms, start_ms + 1), word.word, float(word.probability))


def _cues(words: list[HeardWord]) -> Iterator[Cue]:
    ordered = sorted(words, key=lambda word: word.start_ms)
    line: list[HeardWord] = []
    for word in ordered:
        if line and _is_complete(line, word):
            yield from _cue(line)
            line = []
        while line and not _fits([*line, word]):
            cut = _cut(line)
            yield from _cue(line[:cut])
            line = line[cut:]
        line.append(word)
    yield from _cue(line)


def _is_complete(line: list[HeardWord], following: HeardWord) -> bool:
    last = line[-1]
    if following.start_ms - last.end_ms >= _PAUSE_MS:
        return True
    return last.text.rstrip().endswith(_SENTENCE_ENDS) and last.end_ms - line[0].start_ms >= _SHORT_CUE_MS


def _fits(line: list[HeardWord]) -> bool:
    in_time = line[-1].end_ms - line[0].start_ms <= _MAX_CUE_MS
    return in_time and len("".join(word.text for word in line).strip()) <= _MAX_CUE_CHARACTERS


def _cut(line: list[HeardWord]) -> int:
    half = len(line) // 2
    clauses = [index for index in range(half, len(line)) if line[index].text.rstrip().endswith(_CLAUSE_ENDS)]
    return clauses[-1] + 1 if clauses else len(line)


def _cue(line: list[HeardWord]) -> Iterator[Cue]:
    text = " ".join("".join(word.text for word in line).split())
    if text:
        yield Cue(start_ms=line[0].start_ms, end_ms=max(word.end_ms for word in line), text=text)
