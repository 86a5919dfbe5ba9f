"""Three-way merge: whatever a machine drafts anew, nothing that a person changed is lost."""

from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import words
from pipeline.errors import WordsError
from pipeline.model import DRAFT_MARKS, Cue, Part, Transcript

MARK = DRAFT_MARKS[Part.TRANSCRIPT]
SOURCE = Path("transcript.vtt")


class Line(NamedTuple):
    """Something said from one moment to another."""

    start: int
    end: int
    text: str


def span(line: Line) -> tuple[int, int]:
    """Tell when a line is said."""
    return line.start, line.end


LINES = st.builds(
    lambda start, length, text: Line(start, start + length, text),
    st.integers(0, 60),
    st.integers(1, 12),
    st.sampled_from(["a", "b", "ab"]),
)
DRAFTS = st.lists(LINES, max_size=12).map(lambda lines: sorted(lines, key=lambda line: line.start))


@st.composite
def edits(draw: st.DrawFn, base: list[Line]) -> list[Line]:
    """Change, delete, split and add lines of a draft."""
    edited: list[Line] = []
    for line in base:
        how = draw(st.sampled_from(["keep", "keep", "change", "delete", "split", "join"]))
        if how == "change":
            edited.append(line._replace(text=line.text + "!"))
        elif how == "split" and line.end - line.start > 1:
            middle = draw(st.integers(line.start + 1, line.end - 1))
            edited += [Line(line.start, middle, line.text + "1"), Line(middle, line.end, line.text + "2")]
        elif how == "join" and edited:
            last = edited.pop()
            edited.append(Line(last.start, max(last.end, line.end), last.text + line.text))
        elif how != "delete":
            edited.append(line)
    return sorted([*edited, *draw(st.lists(LINES, max_size=2))], key=lambda line: line.start)


@given(st.data())
def test_nothing_that_a_person_changed_is_lost(data: st.DataObject) -> None:
    """Every line that is not of the draft stays as the person has it, and a line they deleted does not come back."""
    base, new = data.draw(DRAFTS), data.draw(DRAFTS)
    edited = data.draw(edits(base))
    whole = words.merged_by_time(base, edited, new, span=span)
    for line in edited:
        if edited.count(line) > base.count(line):
            assert whole.count(line) >= edited.count(line)
    for line in base:
        beside = [each for each in new if each.start < line.end and line.start < each.end]
        if line not in edited and line not in new and not beside:
            assert line not in whole
    assert set(whole) <= {*edited, *new}
    assert [line.start for line in whole] == sorted(line.start for line in whole)


@given(st.data())
def test_a_line_of_the_new_draft_never_covers_what_a_person_changed(data: st.DataObject) -> None:
    """Where the person changed a line, no line of the newer draft is laid over it."""
    base, new = data.draw(DRAFTS), data.draw(DRAFTS)
    edited = data.draw(edits(base))
    whole = words.merged_by_time(base, edited, new, span=span)
    own = [line for line in edited if line not in base]
    for line in whole:
        if line not in edited:
            assert not [each for each in own if each.start < line.end and line.start < each.end]


@given(DRAFTS, DRAFTS)
def test_what_nobody_changed_is_the_new_draft(base: list[Line], new: list[Line]) -> None:
    """Without edits, the newer draft is taken whole."""
    assert words.merged_by_time(base, base, new, span=span) == new


@given(st.data())
def test_the_same_draft_again_leaves_the_edits(data: st.DataObject) -> None:
    """Where the newer draft is the old one, all stays as the person has it."""
    base = data.draw(DRAFTS)
    edited = data.draw(edits(base))
    assert words.merged_by_time(base, edited, base, span=span) == edited


def draft(*cues: tuple[int, str], checks: dict[int, str] | None = None) -> str:
    """Write a draft of cues that last two seconds, by their starts in seconds."""
    made = tuple(Cue(start_ms=start * 1000, end_ms=start * 1000 + 2_000, text=text) for start, text in cues)
    return words.draft_webvtt(Transcript(language="en", cues=made, origin="recogniser"), checks or {}).decode()


BASE = draft((0, "Welcome to the cap"), (2, "of the month"), (10, "Next is Joan"), (20, "Good buy"))


def merged(edited: str, new: str) -> str:
    """Merge a corrected file with a newer draft of the same recording."""
    return words.merged_vtt(BASE, edited.encode(), new, source=SOURCE, language="en")


def test_a_draft_carries_its_mark_and_what_to_check() -> None:
    """The mark stands after the header, a note before each doubtful cue, and a reader reads the cues alone."""
    text = draft((0, "One"), (5, "Two"), checks={5_000: "not sure of: a --> b\nc"})
    assert text.startswith(f"WEBVTT\n\n{MARK}\n\n00:00:00.000")
    assert "\n\nNOTE check: not sure of: a -> b c\n\n00:00:05.000" in text
    read = words.read_transcript(text.encode(), source=SOURCE, language="en")
    assert [cue.text for cue in read.cues] == ["One", "Two"]


def test_corrections_stay_and_the_rest_is_new() -> None:
    """A corrected cue stays; its neighbours come from the newer draft; the mark comes back."""
    edited = BASE.replace(f"{MARK}\n\n", "").replace("Joan", "Jo Ann")
    whole = merged(edited, draft((0, "Welcome to the CAP"), (2, "of the month"), (10, "Next: Joan"), (20, "Goodbye")))
    assert whole.count(MARK) == 1
    read = words.read_transcript(whole.encode(), source=SOURCE, language="en")
    assert [cue.text for cue in read.cues] == ["Welcome to the CAP", "of the month", "Next is Jo Ann", "Goodbye"]


def test_comments_styles_settings_and_windows_line_ends_are_kept() -> None:
    """What a person wrote around a cue counts as their change; how its lines are broken or ended does not."""
    edited = BASE.replace("00:00:10.000 -->", "NOTE ask her\n\nintro\n00:00:10.000 -->").replace(
        "12.000", "12.000 line:0"
    )
    edited = edited.replace("Good buy", "Good\nbuy").replace("WEBVTT", "WEBVTT - meeting") + "\nNOTE the end\n"
    whole = merged(edited.replace("\n", "\r\n"), draft((0, "Hello"), (10, "Machine"), (20, "Goodbye")))
    assert whole == (
        f"WEBVTT - meeting\n\n{MARK}\n\n00:00:00.000 --> 00:00:02.000\nHello\n\n"
        "NOTE ask her\n\nintro\n00:00:10.000 --> 00:00:12.000 line:0\nNext is Joan\n\n"
        "00:00:20.000 --> 00:00:22.000\nGoodbye\n\nNOTE the end\n"
    )


def test_a_note_of_what_to_check_is_no_change() -> None:
    """A person may delete such notes, or leave them: the newer draft brings its own."""
    base = draft((0, "One"), (5, "Two"), checks={0: "not sure of: One", 5_000: "not sure of: Two"})
    edited = base.replace("NOTE check: not sure of: One\n\n", "").replace("\nTwo", "\nToo")
    new = draft((0, "Won"), (5, "Two!"), checks={0: "not sure of: Won"})
    whole = words.merged_vtt(base, edited.encode(), new, source=SOURCE, language="en")
    assert "NOTE check: not sure of: Won\n\n00:00:00.000 --> 00:00:02.000\nWon" in whole
    assert "NOTE check: not sure of: Two\n\n00:00:05.000 --> 00:00:07.000\nToo" in whole


def test_a_corrected_file_that_cannot_be_read_is_refused_by_its_line() -> None:
    """Nothing is merged with a file that a reader would not understand."""
    with pytest.raises(WordsError, match="line 8"):
        merged(BASE.replace("00:00:02.000 --> 00:00:04.000\n", "of\n\n", 1), BASE)


def test_times_that_a_word_processor_changed_are_times_all_the_same() -> None:
    """A cue whose arrow is read in spite of its form is merged as a cue; a comment that holds times stays one."""
    edited = BASE.replace("the cap", "the CAP").replace("-->", "->", 1) + "\nNOTE\n0:01 -> 0:02 is loud\n"
    whole = merged(edited, draft((0, "Welcome"), (2, "of the month"), (10, "Next: Jo Ann"), (20, "Goodbye")))
    read = words.read_transcript(whole.encode(), source=SOURCE, language="en")
    assert [cue.text for cue in read.cues] == ["Welcome to the CAP", "of the month", "Next: Jo Ann", "Goodbye"]
    assert "NOTE\n0:01 -> 0:02 is loud" in whole


def test_what_stands_in_one_block_with_the_mark_is_kept() -> None:
    """Blank lines are easily lost: a cue above the mark, or a remark below it, stays."""
    edited = BASE.replace(f"{MARK}\n", f"{MARK}\nask Leeds about this\n")
    assert "NOTE\nask Leeds about this\n" in merged(edited, BASE)
    edited = BASE.replace(f"{MARK}\n\n", "").replace("the cap\n", f"the CAP\n{MARK}\n")
    whole = merged(edited, draft((0, "Machine"), (10, "Next is Joan")))
    assert "Welcome to the CAP" in whole
    assert whole.count(MARK) == 1
