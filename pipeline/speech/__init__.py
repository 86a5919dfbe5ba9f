"""Sound enters, the words that are heard in it leave, and a draft Transcript of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline import on_first_use
from pipeline.model import HeardWord, Transcript
from pipeline.speech.cutting import cues
from pipeline.speech.doubting import checks, doubted
from pipeline.speech.hearing import Recogniser, heard_words, hot, recipe
from pipeline.speech.models import folder_of, found, how_to_get, is_available, is_name, models_folder, place
from pipeline.speech.packing import RATE_HZ as SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from pipeline.speech.downloading import Offer, download, offer

__all__ = [
    "ORIGIN",
    "SAMPLE_RATE_HZ",
    "Offer",
    "Recogniser",
    "checks",
    "doubted",
    "download",
    "draft",
    "folder_of",
    "found",
    "heard_words",
    "hot",
    "how_to_get",
    "is_available",
    "is_name",
    "models_folder",
    "offer",
    "place",
    "recipe",
]

ORIGIN = "recogniser"

__getattr__ = on_first_use(__name__, dict.fromkeys(("Offer", "download", "offer"), "downloading"))


def draft(words: Sequence[HeardWord], *, language: str) -> Transcript:
    """Make a transcript of what was heard; a person must correct it before it is published.

    Args:
        words: with their times.
        language: what is spoken, as a BCP 47 tag.

    Returns:
        Cues of at most about 7 seconds and 84 characters, ascending by start, without speakers.
    """
    return Transcript(language=language, cues=cues(words), origin=ORIGIN)
