"""A line with the times of a cue enters, as the formats want it or as people and programs get it wrong; ms leave."""

import re
from functools import lru_cache
from typing import NamedTuple

from pipeline.words.repairs import LineError, Repairs

_SETTINGS = r"((?:[ \t]+[^\s:]+:\S+)*)"
_STAMP = r"(?:([0-9]{2}):)?([0-9]{2}):([0-9]{2})([.,])([0-9]{3})"
_STRICT = re.compile(rf"{_STAMP}[ \t]+-->[ \t]+{_STAMP}{_SETTINGS}[ \t]*")
_LOOSE_STAMP = r"(?:([0-9]{1,6}):)?([0-9]{1,3}):([0-9]{1,2})(?:([.,])([0-9]{1,9}))?"
_ARROW = r"(?:--?>|[\u2010-\u2015]+>?|\u2192|--&gt;)"
_LOOSE = re.compile(rf"\s*(?:([0-9]{{1,6}})[.:)]?[ \t]+)?{_LOOSE_STAMP}\s*({_ARROW})\s*{_LOOSE_STAMP}{_SETTINGS}\s*")
_SIXTY = 60
_LONGEST_HOURS = 9_999


class Times(NamedTuple):
    """When a cue starts and ends, ms; number: the cue's own, where it stands on the same line."""

    start_ms: int
    end_ms: int
    number: int | None = None


class _Stamp(NamedTuple):
    hours: str | None
    minutes: str
    seconds: str
    point: str | None
    fraction: str | None

    @property
    def ms(self) -> int:
        fraction = int(f"{self.fraction or 0:0<3}"[:3])
        return ((int(self.hours or 0) * _SIXTY + int(self.minutes)) * _SIXTY + int(self.seconds)) * 1000 + fraction

    @property
    def is_clock(self) -> bool:
        minutes_fit = int(self.minutes) < _SIXTY or self.hours is None
        return minutes_fit and int(self.seconds) < _SIXTY and int(self.hours or 0) <= _LONGEST_HOURS


def is_time_line(line: str) -> bool:
    """Say whether a line gives the times of a cue, its arrow written as it should be."""
    return "-->" in line and _LOOSE.fullmatch(line) is not None


def may_be_time_line(line: str) -> bool:
    """Say whether a line gives the times of a cue, whatever its arrow has become in a word processor."""
    return _LOOSE.fullmatch(line) is not None


def times(number: int, line: str, repairs: Repairs, *, is_subrip: bool, following: int | None = None) -> Times:
    """Read the times of a cue.

    Args:
        number: of the line.
        line: its text.
        repairs: hears what was put right.
        is_subrip: whether the file is SubRip, which writes a comma and always the hours.
        following: the number that a SubRip cue here should have, where one is known.

    Raises:
        LineError: they cannot be understood.
    """
    point = "," if is_subrip else "."
    if found := _STRICT.fullmatch(line):
        h1, m1, s1, p1, f1, h2, m2, s2, p2, f2 = found.groups()[:10]
        if m1 < "60" > s1 and m2 < "60" > s2 and p1 == p2 == point and (not is_subrip or (h1 and h2)):
            start_ms = ((int(h1 or 0) * 60 + int(m1)) * 60 + int(s1)) * 1000 + int(f1)
            return Times(start_ms, ((int(h2 or 0) * 60 + int(m2)) * 60 + int(s2)) * 1000 + int(f2))
    found = _LOOSE.fullmatch(line)
    if found is None:
        raise LineError(number, f"{_shown(line)} is not a time line such as 00:00:01.000 --> 00:00:04.000")
    fields = found.groups()
    own, start, arrow, end = fields[0], _Stamp(*fields[1:6]), fields[6], _Stamp(*fields[7:12])
    if own is None and is_subrip and following is not None:
        own, start = _unglued(start, str(following))
    if not (start.is_clock and end.is_clock):
        raise LineError(number, f"{_shown(line)} has more than 59 minutes or seconds")
    read = Times(start.ms, end.ms, int(own) if own else None)
    written = f"{stamp(read.start_ms, point)} --> {stamp(read.end_ms, point)}"
    spaced = arrow == "-->" and re.search(r"[ \t]-->[ \t]", line) is not None
    if kind := "; ".join(_oddities(start, end, point, own, spaced=spaced, is_subrip=is_subrip)):
        repairs.note(number, kind, f"{kind}: {_shown(line)} was read as {written}")
    return read


def stamp(milliseconds: int, point: str = ".") -> str:
    """Write a time as cues and chapters have it: `00:00:01.000`."""
    seconds, fraction = divmod(milliseconds, 1000)
    return f"{_clock(seconds)}{point}{fraction:03}"


@lru_cache(maxsize=20_000)  # each time is asked for once for every form that it is written in
def _clock(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}"


def _unglued(start: _Stamp, number: str) -> tuple[str | None, _Stamp]:
    hours = start.hours or ""
    if len(hours) == len(number) + 2 and hours.startswith(number):
        return number, start._replace(hours=hours[len(number) :])
    return None, start


def _oddities(start: _Stamp, end: _Stamp, point: str, own: str | None, *, spaced: bool, is_subrip: bool) -> list[str]:
    both = (start, end)
    wrong, right = ("a point", "a comma") if is_subrip else ("a comma", "a point")
    found = {
        "the cue's number stands on the line of its times": own is not None,
        "the times have no hours": is_subrip and any(each.hours is None for each in both),
        "there are more than 59 minutes and no hours": any(int(each.minutes) >= _SIXTY for each in both),
        "the times have one digit where two belong": any(
            len(field) == 1 for each in both for field in (each.hours or "00", each.minutes, each.seconds)
        ),
        f"the times have {wrong} where {right} belongs": any(each.point not in {None, point} for each in both),
        "the times have not three digits of a second's fraction": any(len(each.fraction or "") != 3 for each in both),  # noqa: PLR2004
        "there is no ` --> ` between the times": not spaced,
    }
    return [kind for kind, is_so in found.items() if is_so]


def _shown(line: str) -> str:
    return repr(line.strip()[:60])
