"""Stored values in, words for British readers out: dates, lengths, sizes, and text freed of what misleads the eye."""

import re
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipeline.errors import ConfigError

_MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
# Control characters, lone surrogates and noncharacters are not valid in HTML or XML; the bidirectional overrides,
# embeddings and isolates can make a title read as something it is not, and leak into the words that follow.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_SHORT_MS = 120_000
_AUDIO_NAMES = {"audio/mpeg": "MP3", "audio/mp4": "M4A", "audio/ogg": "Ogg", "audio/wav": "WAV", "audio/flac": "FLAC"}
_TRANSCRIPT_NAMES = {
    "text/html": "Web page",
    "text/plain": "Plain text",
    "text/vtt": "WebVTT",
    "application/x-subrip": "SubRip (SRT)",
    "application/json": "JSON",
}


def clean(text: str | None) -> str:
    """Return `text` without characters that no page may hold or that reorder what is read; "" for None."""
    return _UNSAFE.sub("", text or "")


@lru_cache(maxsize=8_192)
def one_line(text: str | None) -> str:
    """Return `text` cleaned, every run of white space one space."""
    return " ".join(clean(text).split())


def in_zone(moment: datetime, timezone: str) -> datetime:
    """Return an aware moment as the clocks of `timezone` show it.

    Raises:
        ConfigError: there is no such time zone.
    """
    try:
        return moment.astimezone(ZoneInfo(timezone))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(
            f"there is no time zone {timezone!r}", source="cln_media.toml", hint='Use a name such as "Europe/London".'
        ) from error


def date_words(day: date) -> str:
    """Write a date as British readers do: `1 October 2026`."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def length_words(milliseconds: int) -> str:
    """Write a length in words: `2 minutes 5 seconds`; whole minutes from an hour on."""
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    if minutes >= 60:  # noqa: PLR2004  # minutes in an hour
        return _join((minutes // 60, "hour"), (minutes % 60, "minute"))
    return _join((minutes, "minute"), (seconds, "second"))


def short_length_words(milliseconds: int) -> str:
    """Write a length roughly, for a link: `2 minutes`, or seconds below one minute."""
    minutes = round(milliseconds / 60_000)
    return length_words(minutes * 60_000) if minutes else length_words(milliseconds)


def rough_length_words(milliseconds: int) -> str:
    """Write a length with no more words than it needs: seconds matter only in what is short."""
    return length_words(milliseconds) if milliseconds < _SHORT_MS else short_length_words(milliseconds)


def _join(*parts: tuple[int, str]) -> str:
    words = [f"{number} {unit}{'' if number == 1 else 's'}" for number, unit in parts if number]
    return " ".join(words) or f"0 {parts[-1][1]}s"


def length_iso(milliseconds: int) -> str:
    """Write a length as ISO 8601, `PT2M5S`, for machines."""
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "H"), (minutes, "M"), (seconds, "S"))
    return "PT" + ("".join(f"{number}{unit}" for number, unit in parts if number) or "0S")


def size_words(size: int) -> str:
    """Write a size in bytes as `29 MB`, `1.2 MB` or `840 KB` (decimal units)."""
    megabytes = size / 1_000_000
    if megabytes < 1:
        return f"{max(1, round(size / 1000))} KB"
    return f"{megabytes:.1f} MB" if megabytes < 10 else f"{megabytes:.0f} MB"  # noqa: PLR2004  # one digit is enough


def audio_name(mime: str) -> str:
    """Name a sound's format for people."""
    return _AUDIO_NAMES.get(mime, "audio")


def transcript_name(mime: str) -> str:
    """Name a transcript's format for people."""
    return _TRANSCRIPT_NAMES.get(mime, mime)
