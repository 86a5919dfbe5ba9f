"""check: edits that make no sense, and words, chapters and soundbites that they touch only partly."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline import check
from pipeline.check import edits
from pipeline.model import (
    Chapter,
    Cue,
    Edit,
    EditAction,
    Episode,
    Problem,
    Soundbite,
    Source,
    Span,
    Timeline,
    Transcript,
)
from pipeline.words import moving
from tests import samples

CUT, BLEEP, MUTE = EditAction.CUT, EditAction.BLEEP, EditAction.MUTE
NOW = datetime(2026, 11, 1, tzinfo=UTC)
LENGTH_MS = 120_400


def edit(start_ms: int, end_ms: int, action: EditAction = CUT) -> Edit:
    """Make an edit."""
    return Edit(start_ms=start_ms, end_ms=end_ms, action=action)


def episode(*changes: Edit, **values: object) -> Episode:
    """Make the sample episode, whose words are from 0 to 3.2 s, 3.5 to 9.04 s and 61 to 64.999 s, with edits."""
    return samples.episode(edits=changes, **values)


def found(described: Episode, length_ms: int | None = LENGTH_MS) -> tuple[Problem, ...]:
    """Check an episode of a show without problems."""
    facts = check.Facts(durations_ms={described.slug: length_ms} if length_ms else {})
    show = samples.show(guid="917393e3-1b1e-5cef-ace4-edaa54e1f810")
    return check.problems(show, (described,), facts, root=Path(), now=NOW)


def test_edits_that_make_sense_pass() -> None:
    """Edits side by side, around whole cues and in pauses, in any order, are no problem."""
    changes = (edit(70_000, 80_000), edit(3_300, 9_300, BLEEP), edit(9_300, 20_000), edit(15_000, 25_000))
    assert found(episode(*changes)) == ()
    assert found(episode(*changes), None) == ()
    assert found(episode(edit(100_000, 121_000))) == ()  # a header is not exact


WRONG = {
    "backwards": ((edit(50_500, 50_000),), "the cut at 0:50.5 ends at 0:50, not after its start"),
    "empty": ((edit(50_000, 50_000, MUTE),), "the mute at 0:50 ends at 0:50, not after its start"),
    "beyond the end": (
        (edit(100_000, 122_000, BLEEP),),
        "the bleep from 1:40 to 2:02 goes on after the recording ends (2:00.4)",
    ),
    "two actions": (
        (edit(40_000, 50_000), edit(30_000, 40_001, MUTE)),
        "the mute from 0:30 to 0:40.001 overlaps the cut from 0:40 to 0:50",
    ),
    "inside another": (
        (edit(20_000, 60_000), edit(25_000, 26_000), edit(50_000, 51_000, BLEEP)),
        "the cut from 0:20 to 1:00 overlaps the bleep from 0:50 to 0:51",
    ),
    "nothing left": ((edit(0, 60_000), edit(60_000, 119_500)), "the edits leave less than a second"),
}


@pytest.mark.parametrize(("changes", "message"), WRONG.values(), ids=WRONG.keys())
def test_edits_that_make_no_sense_stop_a_build(changes: tuple[Edit, ...], message: str) -> None:
    """Each mistake in the edits has one sentence, with a hint, and is fatal."""
    (problem,) = (one for one in found(episode(*changes)) if one.fatal)
    assert problem.message == message
    assert problem.source == "episodes/choose-and-book/episode.toml"
    assert problem.hint


def test_kept_audio_cannot_be_edited() -> None:
    """A recording that is published as it is has no edits."""
    source = Source(path=Path("episodes/choose-and-book/recording.mp3"), sha256=samples.SHA256)
    (problem,) = found(episode(edit(70_000, 71_000), keep_audio=True, sources=(source,)))
    assert "keep_audio" in problem.message
    assert problem.fatal


@pytest.mark.parametrize("action", EditAction)
def test_words_that_an_edit_touches_partly_are_named(action: EditAction) -> None:
    """A person must correct the words of a cue that is not taken whole."""
    (problem,) = found(episode(edit(5_000, 6_000, action)))
    assert problem.message == "the words from 0:03.5 to 0:09.04 are cut or covered in part"
    assert problem.source == "episodes/choose-and-book/transcript.vtt"
    assert "Delete from the transcript" in problem.hint
    assert not problem.fatal


@pytest.mark.parametrize("action", EditAction)
def test_the_check_and_the_move_agree(action: EditAction) -> None:
    """Words are named by the check exactly where they would be published although a part of them is gone."""
    for end_ms in range(10_000, 20_001, 500):
        cue = Cue(start_ms=10_000, end_ms=20_000, text="Words.")
        change = edit(9_000, end_ms, action)
        described = episode(change, transcript=Transcript(language="en", cues=(cue,), origin="transcript.vtt"))
        if action is CUT:
            rest = Span(start_ms=end_ms, end_ms=LENGTH_MS, master_ms=9_000)
            line = Timeline(spans=(Span(start_ms=0, end_ms=9_000, master_ms=0), rest))
        else:
            whole = Span(start_ms=0, end_ms=LENGTH_MS, master_ms=0)
            line = Timeline(spans=(whole,), covered=((9_000, end_ms),))
        after = moving.moved(described, line).transcript
        says_words = after is not None and after.cues[0].text == "Words."
        assert bool(found(described)) == (says_words and end_ms > 10_000), end_ms
    assert edits.WHOLLY == moving.WHOLLY


def test_a_chapter_inside_a_cut_is_named() -> None:
    """A chapter that begins where nothing is left needs another time; one at a cut's end, or at 0, does not."""
    chapters = tuple(Chapter(start_ms=start, title="A title") for start in (0, 30_000, 40_000))
    (problem,) = found(episode(edit(0, 3_400), edit(29_000, 40_000), chapters=chapters))
    assert problem.message == "chapter 2 starts at 0:30, inside a cut"
    assert problem.source == "episodes/choose-and-book/chapters.toml"
    assert not problem.fatal


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (edit(40_000, 41_000, BLEEP), "soundbite 1 (0:30 to 0:50) holds a bleep or silence"),
        (edit(49_000, 55_000, MUTE), "soundbite 1 (0:30 to 0:50) holds a bleep or silence"),
        (edit(30_999, 60_000), "soundbite 1 (0:30 to 0:50) is cut: it will not be published"),
        (edit(31_000, 60_000), None),
        (edit(50_000, 55_000, BLEEP), None),
    ],
)
def test_soundbites_that_edits_spoil_are_named(change: Edit, message: str | None) -> None:
    """A soundbite with a bleep, or with nothing left, is worth another look; one that only got shorter is not."""
    bites = (Soundbite(start_ms=30_000, duration_ms=20_000),)
    problems = found(episode(change, soundbites=bites, chapters=()))
    assert [problem.message for problem in problems] == ([message] if message else [])
    assert not any(problem.fatal for problem in problems)
