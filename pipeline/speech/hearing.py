"""Sound enters, the words that are heard in it leave; faster-whisper lives in this room, if it is installed.

Nothing here reaches for the network: a model is a folder on this machine, or it is refused.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from pipeline.errors import SpeechError
from pipeline.model import HeardWord
from pipeline.speech.cutting import MAX_CUE_MS
from pipeline.speech.doubting import SILENCE, UNSURE, doubted
from pipeline.speech.models import fingerprints, folder_of
from pipeline.speech.packing import CLIP_S, LOST, PAD, RATE_HZ, VOICE, Packed, packed, unheard

if TYPE_CHECKING:
    from pipeline.speech.packing import Samples

    Piece = tuple[int, Samples]

_BATCH = 8  # clips of half a minute that are heard side by side
_COMPUTE_TYPES = {"cpu": "int8", "cuda": "int8_float16"}
_OPTIONS: dict[str, Any] = {
    "beam_size": 5,
    # One temperature: the others draw random numbers, and the same sound must give the same words.
    "temperature": 0.0,
    "without_timestamps": True,
    "word_timestamps": True,
    "batch_size": _BATCH,
}
_LEAST_LOG_PROBABILITY, _MOST_SILENCE, _MOST_COMPRESSION = -1.0, 0.6, 2.4  # as Whisper judges what it heard
_MOST_HOT = 600  # characters: the prompt has room for about 200 tokens


def recipe(model: str) -> dict[str, str]:
    """Name everything but the sound and the language that decides what is heard, for a cache key.

    Args:
        model: the name or the folder of a model.

    Returns:
        The recogniser's versions and options, and the SHA-256 of each of the model's files.

    Raises:
        SpeechError: the recogniser is not installed, or there is no whole model.
    """
    return {
        **_versions(),
        **fingerprints(folder_of(model)),
        "compute_type": _COMPUTE_TYPES[_device()],
        "options": repr((_OPTIONS, VOICE, PAD, CLIP_S, LOST)),
    }


def hot(words: Iterable[str]) -> tuple[str, ...]:
    """Choose what of a list of likely words a recogniser can be told: each once, the first ones, as many as fit."""
    chosen, length = list[str](), 0
    for word in dict.fromkeys(" ".join(word.split()) for word in words):
        length += len(word) + 2
        if word and length <= _MOST_HOT:
            chosen.append(word)
    return tuple(chosen)


class Recogniser:
    """A model that is ready to hear."""

    def __init__(self, model: str, *, language: str, hot_words: Sequence[str] = ()) -> None:
        """Load a model.

        Args:
            model: the name or the folder of a CTranslate2 Whisper model.
            language: what is spoken, as a BCP 47 tag.
            hot_words: what is likely to be said, such as names; what does not fit is left out (see `hot`).

        Raises:
            SpeechError: the recogniser is not installed, the model is not whole, or it cannot hear the language.
        """
        folder = folder_of(model)
        ours = library()
        self._voices, self._options = ours.vad.get_speech_timestamps, ours.vad.VadOptions
        self._model = model
        whisper = _loaded(str(folder), model)
        self._spoken = language.partition("-")[0].lower()
        if self._spoken not in whisper.supported_languages:
            raise SpeechError(
                f"the model does not know the language {language!r}",
                source=model,
                hint="Choose a model of several languages (one without .en in its name), or correct the language",
            )
        self._batched = ours.BatchedInferencePipeline(whisper)
        self._hot = ", ".join(hot(hot_words)) or None

    def hear(
        self, samples: "Samples", *, start_ms: int = 0, progress: Callable[[float], None] | None = None
    ) -> list[HeardWord]:
        """Hear one piece of sound.

        Args:
            samples: float32, mono, 16 kHz. Memory grows by about 1 MB a second: at most 10 minutes.
            start_ms: where the piece begins in the recording.
            progress: called with the seconds of the piece heard so far, ascending.

        Returns:
            Words ascending by start. Doubted are those where nobody seems to speak, and those of which the recogniser
            is not sure; see `doubted` for the others.

        Raises:
            SpeechError: the recogniser failed.
        """
        try:
            voices = self._spoken_in(samples) if len(samples) else []
            found = list(self._words(packed(samples, voices), start_ms, len(samples), progress))
            # Heard in half a minute at once, all that follows a bleep or a laugh may be lost.
            spans = [((word.start_ms - start_ms), (word.end_ms - start_ms)) for word in found]
            lost = unheard(voices, [(first * RATE_HZ // 1000, last * RATE_HZ // 1000) for first, last in spans])
            found += self._words(packed(samples, lost, alone=True), start_ms, len(samples), None)
        except (RuntimeError, ValueError, MemoryError) as error:
            raise SpeechError(
                f"the recogniser stopped: {_reason(error)}",
                source=self._model,
                hint="Close other programs to free memory, or use a smaller model",
            ) from error
        if progress:
            progress(len(samples) / RATE_HZ)
        return sorted(found, key=lambda word: word.start_ms)

    def _spoken_in(self, samples: "Samples") -> list[tuple[int, int]]:
        longest_s = CLIP_S - 2 * PAD / RATE_HZ
        found = self._voices(samples, self._options(**VOICE, max_speech_duration_s=longest_s))
        return [(each["start"], min(each["end"], len(samples))) for each in found]

    def _words(
        self, pack: Packed | None, start_ms: int, length: int, progress: Callable[[float], None] | None
    ) -> Iterator[HeardWord]:
        if pack is None:
            return
        for segment in self._segments(pack):
            yield from (_placed(word, segment, pack, start_ms, length) for word in segment.words or ())
            if progress:
                progress(pack.placed(float(segment.end), float(segment.end))[1] / RATE_HZ)

    def _segments(self, pack: Packed) -> Iterator[Any]:
        segments, _ = self._batched.transcribe(
            pack.sound, language=self._spoken, clip_timestamps=pack.clips, hotwords=self._hot, **_OPTIONS
        )
        yield from segments


def heard_words(
    pieces: Iterable["Piece"],
    *,
    language: str,
    model: str,
    hot_words: Sequence[str] = (),
    progress: Callable[[float], None] | None = None,
) -> tuple[HeardWord, ...]:
    """Hear what is said, word by word, each with its time and with what is doubtful about it.

    Args:
        pieces: the sound in order, cut at quiet places: the start of each piece in ms from the start of the recording,
            and its samples, as for `Recogniser.hear`. Read one at a time.
        language: what is spoken, as a BCP 47 tag.
        model: the name or the folder of a model.
        hot_words: what is likely to be said.
        progress: called with the seconds of the recording heard so far, ascending.

    Raises:
        SpeechError: as for `Recogniser` and its `hear`.
    """
    recogniser = Recogniser(model, language=language, hot_words=hot_words)
    words = list[HeardWord]()
    for start_ms, samples in pieces:
        words += recogniser.hear(samples, start_ms=start_ms, progress=_after(start_ms, progress))
    return doubted(words)


def _after(start_ms: int, progress: Callable[[float], None] | None) -> Callable[[float], None] | None:
    return (lambda seconds: progress(start_ms / 1000 + seconds)) if progress else None


def _versions() -> dict[str, str]:
    try:
        return {name: version(name) for name in ("faster-whisper", "ctranslate2")}
    except PackageNotFoundError as error:
        raise _not_installed() from error


def library() -> Any:
    """Return the recogniser's library.

    Raises:
        SpeechError: it is not installed.
    """
    try:
        import faster_whisper.vad  # noqa: PLC0415 - optional, and slow to load
    except (ImportError, OSError) as error:  # OSError: a shared library that this machine cannot load
        raise _not_installed() from error
    return faster_whisper


def _not_installed() -> SpeechError:
    return SpeechError(
        "the speech recogniser is not installed", hint='Install it with: pip install "cln-media[transcribe]"'
    )


@lru_cache(maxsize=1)
def _device() -> str:
    """Say what hears: a graphics card where one works, else the processor."""
    try:
        import ctranslate2  # noqa: PLC0415 - optional, and slow to load

        if ctranslate2.get_cuda_device_count() and "int8_float16" in ctranslate2.get_supported_compute_types("cuda"):
            there = ctranslate2.StorageView.from_array(_nothing()).to_device(ctranslate2.Device.cuda)
            return "cuda" if there.device == "cuda" else "cpu"
    except (ImportError, OSError, RuntimeError, ValueError):  # a card without its drivers is none
        pass
    return "cpu"


def _nothing() -> Any:
    import numpy as np  # noqa: PLC0415 - slow to load

    return np.zeros((1, 1), dtype=np.float32)


def _loaded(folder: str, model: str) -> Any:
    device = _device()
    try:
        return library().WhisperModel(
            folder,
            device=device,
            compute_type=_COMPUTE_TYPES[device],
            cpu_threads=_processors(),
            local_files_only=True,
        )
    except Exception as error:  # the tokenizer's library raises nothing narrower
        raise SpeechError(
            f"the model cannot be loaded: {_reason(error)}",
            source=model,
            hint="Copy the whole folder of a CTranslate2 Whisper model again",
        ) from error


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _placed(word: Any, segment: Any, pack: Packed, piece_ms: int, length: int) -> HeardWord:
    start, end = pack.placed(float(word.start), float(word.end))
    start_ms = min(start * 1000 // RATE_HZ, max(0, length * 1000 // RATE_HZ - 1))
    end_ms = min(end * 1000 // RATE_HZ, start_ms + MAX_CUE_MS)
    is_unsure = (
        segment.avg_logprob < _LEAST_LOG_PROBABILITY
        or segment.no_speech_prob > _MOST_SILENCE
        or segment.compression_ratio > _MOST_COMPRESSION
    )
    doubt = "" if pack.is_voiced(start, end) else SILENCE
    return HeardWord(
        piece_ms + start_ms,
        piece_ms + max(end_ms, start_ms + 1),
        word.word,
        round(float(word.probability), 3),
        doubt or (UNSURE if is_unsure else ""),
    )
