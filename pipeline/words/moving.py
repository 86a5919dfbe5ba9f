"""An episode whose words are on its recording's clock enters, the same on its master's clock leaves."""

import re
from dataclasses import replace

from pipeline.model import Chapter, Cue, Edit, EditAction, Episode, Link, Soundbite, Timeline, Transcript

REMOVED = "[removed]"
WHOLLY = 0.9  # the part of a cue that edits must take for its words to go with it
CLOSEST_CHAPTERS_MS = 1_000
SHORTEST_SOUNDBITE_MS = 1_000

_TIME = r"(?:(?:[0-9]{1,2}:)?[0-9]{1,3}:)?[0-9]{1,6}(?:\.[0-9]{1,3})?"
_FRAGMENT = rf"(?P<address>(?:[^\s<>()#]|\([^\s<>()#]*\))*)#t=(?:npt:)?(?P<start>{_TIME})(?:,(?P<end>{_TIME}))?"
_ADDRESS = re.compile(rf"{_FRAGMENT}(?P<rest>(?:&\S*)?)")
_IN_NOTES = re.compile(
    r"(?P<code>^ {0,3}(?P<fence>`{3,}|~{3,}).*?(?:^ {0,3}(?P=fence)|\Z)"
    r"|(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n[ \t]*\n).)*?(?<!`)(?P=ticks)(?!`))"
    r"|(?P<before>\]\(\s*<?|^ {0,3}\[[^\]\n]+\]:\s*<?|<(?=[A-Za-z][A-Za-z0-9+.-]*:))"
    rf"{_FRAGMENT}(?=[\s<>)&]|$)",
    re.DOTALL | re.MULTILINE,
)


def moved(episode: Episode, timeline: Timeline) -> Episode:
    """Put the words of an episode on its master's clock.

    A cue of which the edits leave a tenth or less goes; one that is covered to nine tenths says `[removed]`; any other
    keeps its words and has the times of what is left of it. A chapter whose start was cut begins at the next moment
    that was kept; where two come within a second of each other, the later one stays, because the sound that follows is
    its own. A first chapter at 0 stays there, also before an intro. Soundbites lose what was cut out of them, and go
    where less than a second is left. In the notes and the episode's links, the time (`#t=75`, `#t=1:15`) moves in links
    to this episode: those without an address, or whose address names its slug; other addresses have their own clocks.

    Args:
        episode: every time in ms from the start of the recording.
        timeline: of its master.

    Returns:
        The episode with every time of its words in ms from the start of the master (its edits stay as they are); the
        same object where the timeline has no spans.

    Source: Media Fragments URI 1.0 (`#t=`).
    """
    if not timeline.spans:
        return episode
    return replace(
        episode,
        transcript=_transcript(episode.transcript, timeline, episode.edits) if episode.transcript else None,
        chapters=_chapters(episode.chapters, timeline),
        soundbites=_soundbites(episode.soundbites, timeline),
        notes=_notes(episode.notes, episode.slug, timeline) if episode.notes else episode.notes,
        links=tuple(_link(link, episode.slug, timeline) for link in episode.links),
    )


def _transcript(transcript: Transcript, timeline: Timeline, edits: tuple[Edit, ...]) -> Transcript | None:
    cuts = Timeline(covered=tuple((edit.start_ms, edit.end_ms) for edit in edits if edit.action is EditAction.CUT))
    cues = tuple(kept for cue in transcript.cues if (kept := _cue(cue, timeline, cuts)) is not None)
    return replace(transcript, cues=cues) if cues else None


def _cue(cue: Cue, timeline: Timeline, cuts: Timeline) -> Cue | None:
    cut_ms, covered_ms = (taken.covered_ms(cue.start_ms, cue.end_ms) for taken in (cuts, timeline))
    most_ms = WHOLLY * (cue.end_ms - cue.start_ms)
    start_ms, end_ms = timeline.moved(cue.start_ms), timeline.moved(cue.end_ms)
    if end_ms <= start_ms or cut_ms >= most_ms:
        return None
    return replace(cue, start_ms=start_ms, end_ms=end_ms, text=REMOVED if cut_ms + covered_ms >= most_ms else cue.text)


def _chapters(chapters: tuple[Chapter, ...], timeline: Timeline) -> tuple[Chapter, ...]:
    last = timeline.spans[-1]
    end_ms = last.master_ms + last.end_ms - last.start_ms
    kept: list[Chapter] = []
    following: Chapter | None = None  # as it was written
    for chapter in reversed(chapters):
        place_ms = timeline.moved(chapter.start_ms)
        if place_ms >= end_ms or (following and _fall_together(chapter, following, kept[0].start_ms - place_ms)):
            continue
        kept.insert(0, replace(chapter, start_ms=place_ms))
        following = chapter
    if kept and chapters[0].start_ms == 0:
        kept[0] = replace(kept[0], start_ms=0)
    return tuple(kept)


def _fall_together(chapter: Chapter, following: Chapter, apart_ms: int) -> bool:
    return apart_ms < min(CLOSEST_CHAPTERS_MS, following.start_ms - chapter.start_ms)


def _soundbites(soundbites: tuple[Soundbite, ...], timeline: Timeline) -> tuple[Soundbite, ...]:
    ends = (timeline.moved(bite.start_ms + bite.duration_ms) for bite in soundbites)
    starts = (timeline.moved(bite.start_ms) for bite in soundbites)
    bites = (
        replace(bite, start_ms=start_ms, duration_ms=end_ms - start_ms)
        for bite, start_ms, end_ms in zip(soundbites, starts, ends, strict=True)
    )
    return tuple(bite for bite in bites if bite.duration_ms >= SHORTEST_SOUNDBITE_MS)


def _notes(markdown: str, slug: str, timeline: Timeline) -> str:
    def move(found: re.Match[str]) -> str:
        if found["code"] is not None or not _is_own(found["address"], slug):
            return found[0]
        return found["before"] + _with_times(found, timeline)

    return _IN_NOTES.sub(move, markdown)


def _link(link: Link, slug: str, timeline: Timeline) -> Link:
    found = _ADDRESS.fullmatch(link.url)
    if found is None or not _is_own(found["address"], slug):
        return link
    return replace(link, url=_with_times(found, timeline) + found["rest"])


def _is_own(address: str, slug: str) -> bool:
    parts = set(address.partition("?")[0].split("/"))
    media = re.compile(rf"{re.escape(slug)}(?:-[0-9a-f]{{16}})?(?:\.[a-z0-9]+)?")
    return parts <= {"", ".", "index.html"} or any(media.fullmatch(part) for part in parts)


def _with_times(found: re.Match[str], timeline: Timeline) -> str:
    times = [_seconds(timeline.moved(_milliseconds(text))) for text in (found["start"], found["end"]) if text]
    return f"{found['address']}#t={','.join(times)}"


def _milliseconds(text: str) -> int:
    total = 0.0
    for part in text.split(":"):
        total = total * 60 + float(part)
    return round(total * 1000)


def _seconds(milliseconds: int) -> str:
    # The site's player reads seconds only.
    return f"{milliseconds / 1000:.3f}".rstrip("0").rstrip(".")
