"""An episode -> what is wrong with its edits, and which words they touch; pure. Times are the recording's."""

from collections.abc import Iterator
from typing import NamedTuple

from pipeline.model import Edit, EditAction, Episode, Timeline, clock

WHOLLY = 0.9  # words that edits take to this part go by themselves
LEAST_MS = 1_000
TOLERANCE_MS = 1_000  # a file's header does not tell its length to the millisecond
SHORTEST_SOUNDBITE_MS = 1_000


class Wrong(NamedTuple):
    """What is wrong in a file of the episode's folder, and whether it stops a build."""

    file: str
    message: str
    hint: str
    fatal: bool


def wrong(episode: Episode, length_ms: int | None) -> Iterator[Wrong]:
    """Find edits that make no sense, and words, chapters and soundbites that they touch only partly.

    Args:
        episode: with its edits.
        length_ms: of the recording; None where it is not known.
    """
    if not episode.edits:
        return
    if episode.keep_audio:
        hint = "Remove keep_audio, so that it is mastered, or the edits."
        yield Wrong("episode.toml", "has edits, but keep_audio publishes the recording as it is", hint, fatal=True)
    yield from _places(episode.edits, length_ms)
    yield from _overlaps(episode.edits)
    cut, covered = _taken(episode.edits, EditAction.CUT), _taken(episode.edits, EditAction.BLEEP, EditAction.MUTE)
    if cut.covered and length_ms is not None and length_ms - cut.covered_ms(0, length_ms) < LEAST_MS:
        yield Wrong("episode.toml", "the edits leave less than a second", "Shorten or remove some.", fatal=True)
    yield from _cues(episode, cut, covered)
    yield from _chapters(episode, cut)
    yield from _soundbites(episode, cut, covered)


def _places(edits: tuple[Edit, ...], length_ms: int | None) -> Iterator[Wrong]:
    for edit in edits:
        message = None
        if edit.end_ms <= edit.start_ms:
            message = f"the {edit.action} at {_exact(edit.start_ms)} ends at {_exact(edit.end_ms)}, not after its start"
        elif length_ms is not None and edit.end_ms > length_ms + TOLERANCE_MS:
            message = f"{_name(edit)} goes on after the recording ends ({_exact(length_ms)})"
        if message:
            hint = "Correct its start and end: both are times in the recording."
            yield Wrong("episode.toml", message, hint, fatal=True)


def _overlaps(edits: tuple[Edit, ...]) -> Iterator[Wrong]:
    ordered = sorted(edits, key=lambda edit: edit.start_ms)
    for index, edit in enumerate(ordered):
        for other in ordered[index + 1 :]:
            if other.action is not edit.action and other.start_ms < edit.end_ms and edit.start_ms < other.end_ms:
                hint = "Say for each stretch what is to be done: one action."
                yield Wrong("episode.toml", f"{_name(edit)} overlaps {_name(other)}", hint, fatal=True)


def _cues(episode: Episode, cut: Timeline, covered: Timeline) -> Iterator[Wrong]:
    if episode.transcript is None:
        return
    for cue in episode.transcript.cues:
        stretch = (cue.start_ms, cue.end_ms)
        gone_ms = cut.covered_ms(*stretch) + covered.covered_ms(*stretch)
        if 0 < gone_ms < WHOLLY * (cue.end_ms - cue.start_ms):
            message = f"the words from {_exact(cue.start_ms)} to {_exact(cue.end_ms)} are cut or covered in part"
            hint = "Delete from the transcript those that can no longer be heard: they would be published."
            yield Wrong(episode.transcript.origin, message, hint, fatal=False)


def _chapters(episode: Episode, cut: Timeline) -> Iterator[Wrong]:
    for index, chapter in enumerate(episode.chapters, 1):
        if chapter.start_ms and cut.covered_ms(chapter.start_ms, chapter.start_ms + 1):
            message = f"chapter {index} starts at {_exact(chapter.start_ms)}, inside a cut"
            hint = "It will start where the cut ends: give it the time of words that stay, or remove it."
            yield Wrong("chapters.toml", message, hint, fatal=False)


def _soundbites(episode: Episode, cut: Timeline, covered: Timeline) -> Iterator[Wrong]:
    for index, bite in enumerate(episode.soundbites, 1):
        stretch = (bite.start_ms, bite.start_ms + bite.duration_ms)
        name = f"soundbite {index} ({_exact(stretch[0])} to {_exact(stretch[1])})"
        if bite.duration_ms - cut.covered_ms(*stretch) < min(SHORTEST_SOUNDBITE_MS, bite.duration_ms):
            yield Wrong("episode.toml", f"{name} is cut: it will not be published", "Remove it.", fatal=False)
        elif covered.covered_ms(*stretch):
            hint = "Choose a stretch without one: apps play it on its own."
            yield Wrong("episode.toml", f"{name} holds a bleep or silence", hint, fatal=False)


def _taken(edits: tuple[Edit, ...], *actions: EditAction) -> Timeline:
    merged: list[tuple[int, int]] = []
    for edit in sorted((edit for edit in edits if edit.action in actions), key=lambda edit: edit.start_ms):
        if merged and edit.start_ms <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], edit.end_ms))
        elif edit.start_ms < edit.end_ms:
            merged.append((edit.start_ms, edit.end_ms))
    return Timeline(covered=tuple(merged))


def _name(edit: Edit) -> str:
    return f"the {edit.action} from {_exact(edit.start_ms)} to {_exact(edit.end_ms)}"


def _exact(milliseconds: int) -> str:
    rest = milliseconds % 1000
    return f"{clock(milliseconds)}.{rest:03}".rstrip("0") if rest else clock(milliseconds)
