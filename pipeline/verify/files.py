"""An address that a feed names -> what an app meets there: sound, text, pictures and pages."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from urllib.parse import urlsplit

from pipeline.verify import signatures
from pipeline.verify.finding import Finding, finding
from pipeline.verify.rss import Wanted
from pipeline.verify.web import ORIGIN, Answer, NoAnswerError, Web, is_local, shown

_PART_BYTES = 1024
_PICTURE_BYTES = 262_144
_TEXT_BYTES = 10_000_000
_PAGE_BYTES = 1
_LEAST_PIXELS, _MOST_PIXELS = 1400, 3000
_OK, _PARTIAL = 200, 206
_PICTURES = ("image/jpeg", "image/png")
_CHAPTERS = "application/json+chapters"
_SOUND = {
    "audio/mpeg": "MP3",
    "audio/mp3": "MP3",
    "audio/mp4": "M4A",
    "audio/x-m4a": "M4A",
    "audio/m4a": "M4A",
    "audio/ogg": "Ogg",
}
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


def look(wanted: Wanted, web: Web) -> list[Finding]:
    """Look at one address as an app would, within the limits of `web`."""
    found: list[Finding] = []
    try:
        for each in _LOOKS[wanted.what](wanted, web):
            found.append(each)  # noqa: PERF402  what was found before the network failed is kept
    except NoAnswerError as error:
        found.append(_of(wanted, "answers", False, str(error)))
    return found


def _enclosure(wanted: Wanted, web: Web) -> Iterator[Finding]:
    head = web.ask(wanted.address, method="HEAD", limit_bytes=0)
    part = web.ask(wanted.address, headers={"Range": f"bytes=0-{_PART_BYTES - 1}"}, limit_bytes=_PART_BYTES)
    yield _of(wanted, "exists", part.status in {_OK, _PARTIAL}, f"{part.status}")
    if part.status not in {_OK, _PARTIAL}:
        return
    yield _of(wanted, "HEAD", head.status == _OK, f"{head.status}")
    yield from _way(wanted, part)
    described = head if head.status == _OK else part
    yield _type(wanted, described)
    yield from _length(wanted, head, part)
    yield _ranges(wanted, part, web)
    yield _sound(wanted, part)


def _length(wanted: Wanted, head: Answer, part: Answer) -> Iterator[Finding]:
    if wanted.length is None:
        return
    placed = _RANGE.fullmatch(part.header("Content-Range"))
    told = head.header("Content-Length") if head.status == _OK else placed[3] if placed else ""
    if not told.isdecimal():
        yield _of(wanted, "length", None, "the server does not tell how long the file is")
        return
    is_same = told == wanted.length
    detail = f"{told} bytes" if is_same else f"{told} bytes, but the feed says {shown(wanted.length) or 'nothing'}"
    yield _of(wanted, "length", is_same, detail)


def _ranges(wanted: Wanted, part: Answer, web: Web) -> Finding:
    if part.status != _PARTIAL:
        return _of(wanted, "ranges", False, "the server sends the whole file: apps cannot skip or go on")
    size = len(part.body)
    fault = _range_fault(part, 0, _PART_BYTES - 1)
    if fault is None and size > 1:
        second = web.ask(wanted.address, headers={"Range": f"bytes={size // 2}-{size - 1}"}, limit_bytes=_PART_BYTES)
        fault = _range_fault(second, size // 2, size - 1)
        if fault is None and second.body != part.body[size // 2 :]:
            fault = "sends other bytes than were asked for"
    return _of(wanted, "ranges", fault is None, fault or "206")


def _range_fault(part: Answer, first: int, last: int) -> str | None:
    told = part.header("Content-Range")
    placed = _RANGE.fullmatch(told)
    if part.status != _PARTIAL or placed is None:
        return f"{part.status} with Content-Range {shown(told)!r}"
    start, end = int(placed[1]), int(placed[2])
    last = min(last, int(placed[3]) - 1) if placed[3].isdecimal() else last
    if (start, end) != (first, last) or part.is_cut or len(part.body) != end - start + 1:
        return f"asked for bytes {first}-{last}, it sends {len(part.body)} bytes as {start}-{end}"
    return None


def _sound(wanted: Wanted, part: Answer) -> Finding:
    expected, found = _SOUND.get((wanted.mime or "").lower()), signatures.kind(part.body)
    if found == expected:
        return _of(wanted, "content", True, found or "")
    if expected is None and found != "a web page":
        return _of(wanted, "content", None, f"{shown(wanted.mime or 'no type')}: not looked into")
    return _of(wanted, "content", False, f"{found or 'something else'}, not {expected or 'sound'}")


def _transcript(wanted: Wanted, web: Web) -> Iterator[Finding]:
    yield from _text(wanted, web, _TRANSCRIPTS.get(wanted.mime or "", _other))


def _chapters(wanted: Wanted, web: Web) -> Iterator[Finding]:
    yield from _text(wanted, web, _chapters_fault)


def _text(wanted: Wanted, web: Web, fault_of: Callable[[str], str | None]) -> Iterator[Finding]:
    answer = web.ask(wanted.address, headers={"Origin": ORIGIN}, limit_bytes=_TEXT_BYTES)
    yield _of(wanted, "exists", answer.status == _OK, f"{answer.status}")
    if answer.status != _OK:
        return
    yield from _way(wanted, answer)
    yield _type(wanted, answer)
    allowed = answer.header("Access-Control-Allow-Origin")
    is_open = allowed in {"*", ORIGIN}
    detail = allowed if is_open else "no Access-Control-Allow-Origin: players on web pages cannot read it"
    yield _of(wanted, "CORS", is_open, detail)
    fault = _decoded_fault(answer, fault_of)
    yield _of(wanted, "content", fault is None, fault or "can be read")


def _decoded_fault(answer: Answer, fault_of: Callable[[str], str | None]) -> str | None:
    if answer.is_cut:
        return f"is larger than {_TEXT_BYTES:,} bytes"
    try:
        return fault_of(answer.body.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return "is not UTF-8"


def _vtt_fault(text: str) -> str | None:
    if not re.match(r"WEBVTT(?:[ \t\r\n]|$)", text):
        return "does not begin with WEBVTT"
    return None if "-->" in text else "holds no cue"


def _srt_fault(text: str) -> str | None:
    is_srt = re.search(r"(?m)^\d+:\d\d:\d\d,\d{3} --> \d+:\d\d:\d\d,\d{3}", text)
    return None if is_srt else "holds no cue"


def _json_fault(text: str) -> str | None:
    read = _json(text)
    return None if isinstance(read, dict) and isinstance(read.get("segments"), list) else "holds no segments in JSON"


def _chapters_fault(text: str) -> str | None:
    read = _json(text)
    chapters = read.get("chapters") if isinstance(read, dict) else None
    if not isinstance(chapters, list) or not chapters:
        return "holds no chapters in JSON"
    starts = [one.get("startTime") if isinstance(one, dict) else None for one in chapters]
    numbers = [start for start in starts if isinstance(start, int | float) and not isinstance(start, bool)]
    if len(numbers) < len(starts):
        return "holds a chapter without a startTime"
    late = next((number for number, (one, after) in enumerate(pairwise(numbers), 2) if one >= after), None)
    return f"is not in order: chapter {late} does not start after the one before" if late else None


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _other(text: str) -> str | None:
    return None if text.strip() else "is empty"


def _artwork(wanted: Wanted, web: Web) -> Iterator[Finding]:
    head = web.ask(wanted.address, method="HEAD", limit_bytes=0)
    answer = web.ask(wanted.address, headers={"Range": f"bytes=0-{_PICTURE_BYTES - 1}"}, limit_bytes=_PICTURE_BYTES)
    yield _of(wanted, "exists", answer.status in {_OK, _PARTIAL}, f"{answer.status}")
    if answer.status not in {_OK, _PARTIAL}:
        return
    yield _of(wanted, "HEAD", head.status == _OK, f"{head.status}")
    yield from _way(wanted, answer)
    found = signatures.kind(answer.body)
    is_right = answer.media_type in _PICTURES and found == answer.media_type
    detail = f"{shown(answer.media_type) or 'no Content-Type'}, and the file is {found or 'something else'}"
    yield _of(wanted, "type", is_right, answer.media_type if is_right else detail)
    yield _measure(wanted, answer.body)


def _measure(wanted: Wanted, data: bytes) -> Finding:
    size = signatures.pixels(data)
    if size is None:
        return _of(wanted, "size", None, "its measure cannot be read from its first bytes")
    is_right = size[0] == size[1] and _LEAST_PIXELS <= size[0] <= _MOST_PIXELS
    detail = f"{size[0]} by {size[1]} pixels"
    rule = f"; apps want a square of {_LEAST_PIXELS} to {_MOST_PIXELS}"
    return _of(wanted, "size", is_right, detail if is_right else detail + rule)


def _page(wanted: Wanted, web: Web) -> Iterator[Finding]:
    answer = web.ask(wanted.address, limit_bytes=_PAGE_BYTES)
    is_empty = answer.status == _OK and not answer.body
    detail = f"{answer.status}" + (", but an empty page" if is_empty else "")
    yield _of(wanted, "exists", answer.status == _OK and not is_empty, detail)
    yield from _way(wanted, answer)


def _way(wanted: Wanted, answer: Answer) -> Iterator[Finding]:
    """Say how the address was reached: by https all the way, by which redirects."""
    schemes = {urlsplit(url).scheme for url in (wanted.address, *(target for _, target in answer.hops))}
    is_near = is_local(wanted.address)
    detail = "https" if schemes == {"https"} else "this computer" if is_near else "is not https all the way"
    yield _of(wanted, "secure", is_near or schemes == {"https"}, detail)
    if answer.hops:
        yield _of(wanted, "redirect", True, " ".join(f"{status} to {shown(url)}" for status, url in answer.hops))


def _type(wanted: Wanted, answer: Answer) -> Finding:
    known = (_CHAPTERS,) if wanted.what == "chapters" else tuple(_TRANSCRIPTS) if wanted.what == "transcript" else None
    named = (wanted.mime or "").partition(";")[0].strip().lower()
    if known and named not in known:
        return _of(wanted, "type", False, f"the feed says {shown(named) or 'nothing'}: apps know {', '.join(known)}")
    is_same = answer.media_type == named
    served = shown(answer.media_type) or "no Content-Type"
    return _of(wanted, "type", is_same, named if is_same else f"{served}, but the feed says {shown(named)}")


def _of(wanted: Wanted, rule: str, is_right: bool | None, detail: str) -> Finding:
    return finding(f"{wanted.what} {rule}", wanted.address, is_right, detail)


_TRANSCRIPTS: Mapping[str, Callable[[str], str | None]] = {
    "text/vtt": _vtt_fault,
    "application/x-subrip": _srt_fault,
    "application/json": _json_fault,
    "text/html": _other,
    "text/plain": _other,
}
_LOOKS: Mapping[str, Callable[[Wanted, Web], Iterator[Finding]]] = {
    "enclosure": _enclosure,
    "transcript": _transcript,
    "chapters": _chapters,
    "artwork": _artwork,
    "page": _page,
    "new feed address": _page,
}
