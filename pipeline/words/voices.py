"""The words of a cue with their markup enter, who says what leaves."""

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from pipeline.model import Cue
from pipeline.words.cleaning import clean_line

ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
PREFIX = re.compile(r"([^\W\d_][^:]{0,59}): +(?=\S)")

# Only the tags the two formats know: anything else between angle brackets is words, such as "<inaudible>".
_TAG = re.compile(
    r"<(?P<end>/?)(?:"
    r"(?P<voice>v)(?P<name>(?:[.\s][^<>]*)?)"
    r"|(?:lang|font|span)(?:[.\s][^<>]*)?"
    r"|(?:c|i|b|u|s|em|strong|ruby|rt)(?:\.[^\s<>]*)?"
    r"|(?P<newline>br ?/?)"
    r"|[0-9:.]{9,13}"
    r")>",
    re.IGNORECASE,
)
_ONE_VOICE = re.compile(r"(?:<v (?P<name>[^<>&]*)>)?(?P<words>[^<>&]*)(?:</v>)?")
_PREFIX_MINIMUM = 2
_DIALOGUE = 4
_MOSTLY = 0.8


def voices(markup: str) -> Iterator[tuple[str | None, str]]:
    """Split the words of a cue by who says them; markup is gone, entities are decoded."""
    if plain := _ONE_VOICE.fullmatch(markup):  # as nearly every cue is; the same as below, four times faster
        text = clean_line(plain["words"])
        if text:
            yield clean_line(plain["name"] or "") or None, text
        return
    for speaker, group in groupby(_runs(markup), key=lambda run: run[0]):
        text = clean_line(_decoded("".join(text for _, text in group)))
        if text:
            yield speaker, text


def with_prefixed_speakers(cues: list[Cue], *, carries: bool) -> list[Cue]:
    """Take `Chair: ` before the words for the speaker, where the cues name none otherwise and it recurs, or all do so.

    Args:
        cues: in the order of the file.
        carries: whether a cue without a name goes on with the speaker before, as subtitles name one once a turn.
    """
    if any(cue.speaker for cue in cues):
        return cues
    prefixes = [PREFIX.match(cue.text) for cue in cues]
    known = known_names([prefix[1] if prefix else None for prefix in prefixes], least=_DIALOGUE)
    named, speaker = list[Cue](), None
    for cue, prefix in zip(cues, prefixes, strict=True):
        if prefix and prefix[1] in known:
            speaker = prefix[1]
            named.append(replace(cue, speaker=speaker, text=cue.text[prefix.end() :]))
            continue
        speaker = speaker if carries and not prefix else None
        named.append(replace(cue, speaker=speaker) if speaker else cue)
    return named


def known_names(names: Sequence[str | None], *, least: int) -> frozenset[str]:
    """Return which of what stands before words (None: nothing) are speakers: what recurs, or all if most have it.

    Args:
        names: for each cue or paragraph.
        least: of how many it takes to judge by nearly all.
    """
    found = [name for name in names if name]
    if len(names) >= least and len(found) >= _MOSTLY * len(names):
        return frozenset(found)
    return recurring(found)


def recurring(names: Iterable[str]) -> frozenset[str]:
    """Return the names that stand before words more than once: "The trust said: no." hardly does."""
    return frozenset(name for name, count in Counter(names).items() if count >= _PREFIX_MINIMUM)


def _runs(markup: str) -> Iterator[tuple[str | None, str]]:
    speaker, position = None, 0
    for tag in _TAG.finditer(markup):
        yield speaker, markup[position : tag.start()] + (" " if tag["newline"] else "")
        position = tag.end()
        if tag["voice"]:
            speaker = None if tag["end"] else _annotation(tag["name"])
    yield speaker, markup[position:]


def _annotation(name: str) -> str | None:
    without_class = re.sub(r"^\.\S*", "", name)
    return clean_line(_decoded(without_class)) or None


def _decoded(text: str) -> str:
    # Only with the semicolon: HTML's older rule would read "R&notes" as "R¬es".
    return ENTITY.sub(lambda match: html.unescape(match[0]), text)
