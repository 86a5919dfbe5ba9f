"""Every form of a transcript holds the same words, times and speakers, for our readers and for those of others."""

import html
import io
import random
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import srt as foreign_srt
import webvtt as foreign_webvtt
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml.html import fromstring

from pipeline import words
from pipeline.model import Cue, Transcript, Turn
from pipeline.pages import Pages
from pipeline.words.cleaning import clean_line
from tests import samples

SPEAKERS = ("Chair", "GP, London", "Dr O\u2019Neil (Leeds)", "\u6771\u4eac")
PIECES = [
    "-->",
    "&",
    "&amp;",
    "<",
    "<b>",
    "</v>",
    "<v Chair>",
    "{\\an8}",
    "NOTE",
    "WEBVTT",
    "00:00:01.000 --> 00:00:02.000",
]
PIECES += [
    "\U0001f469\u200d\u2695\ufe0f",
    "\u200f\u05e9\u05dc\u05d5\u05dd\u200e",
    "\u202eabc\u202c",
    "1",
    "R&notes",
    "\u2028",
    "]]>",
    "x" * 70,
]
WORDS = st.one_of(st.sampled_from(PIECES), st.text(min_size=1, max_size=8).map(lambda text: text.replace(":", ";")))


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    """Make a transcript in which each speaker has several turns, of at least three words in each cue."""
    at_ms, cues = draw(st.integers(0, 90_000_000)), []
    names = [*draw(st.lists(st.sampled_from(SPEAKERS), max_size=4)), *SPEAKERS, *SPEAKERS]
    for speaker in names:
        text = " ".join(["So we said", *draw(st.lists(WORDS, max_size=12))])
        length_ms = 60 * len(text) + draw(st.integers(0, 9_000))  # slow enough to be read
        cues.append(Cue(start_ms=at_ms, end_ms=at_ms + length_ms, text=clean_line(text), speaker=speaker))
        at_ms += length_ms + draw(st.integers(0, 5_000))
    return Transcript(language="en-GB", cues=tuple(cues), origin="transcript.vtt")


def brought(data: bytes, name: str) -> Transcript:
    """Read a form that has times."""
    read = words.read_brought(data, source=Path(name), language="en-GB")
    assert isinstance(read, Transcript)
    assert read.repairs == ()
    return read


def turns(cues: tuple[Cue, ...]) -> list[tuple[str | None, str, int, int]]:
    """Return who says what without a break, from when to when: what cues that were cut still have in common."""
    said: list[tuple[str | None, str, int, int]] = []
    for cue in cues:
        if said and said[-1][0] == cue.speaker and said[-1][3] == cue.start_ms:
            said[-1] = (cue.speaker, f"{said[-1][1]} {cue.text}", said[-1][2], cue.end_ms)
        else:
            said.append((cue.speaker, cue.text, cue.start_ms, cue.end_ms))
    return said


def in_subrip(text: str) -> str:
    """Return a text as SubRip can carry it: it has no way to escape an arrow or a tag."""
    return re.sub(r"<(?=[A-Za-z0-9/!])", "< ", re.sub(r"-{2,}>", "->", text))


@settings(max_examples=60)
@given(transcripts())
def test_webvtt_subrip_and_json_hold_the_same(made: Transcript) -> None:
    """Words, speakers and times to the millisecond come back from each form, and from each other's."""
    expected = turns(made.cues)
    assert turns(brought(words.webvtt(made), "a.vtt").cues) == expected
    assert brought(words.draft_webvtt(made), "a.vtt").cues == made.cues
    assert brought(words.transcript_json(made), "a.json").cues == made.cues
    plain = [(speaker, in_subrip(text), start_ms, end_ms) for speaker, text, start_ms, end_ms in expected]
    assert turns(brought(words.srt(made), "a.srt").cues) == plain
    through = brought(
        words.transcript_json(brought(words.srt(brought(words.webvtt(made), "a.vtt")), "a.srt")), "a.json"
    )
    assert turns(through.cues) == plain


@settings(max_examples=60)
@given(transcripts())
def test_plain_text_holds_the_words_and_who_says_them(made: Transcript) -> None:
    """A text has no times, and every word; so has the text that is kept of turns without times."""
    expected = [
        (speaker, text) for speaker, text, *_ in turns(tuple(replace(cue, start_ms=0, end_ms=0) for cue in made.cues))
    ]
    read = words.read_brought(words.plain_text(made), source=Path("a.txt"), language="en-GB")
    assert isinstance(read, tuple)
    assert [(turn.speaker, turn.text) for turn in read] == expected
    kept = words.turns_text(tuple(Turn(text=cue.text, speaker=cue.speaker) for cue in made.cues))
    again = words.read_brought(kept, source=Path("a.txt"), language="en-GB")
    assert isinstance(again, tuple)
    assert [(turn.speaker, turn.text) for turn in again] == [(cue.speaker, cue.text) for cue in made.cues]


@settings(max_examples=15)
@given(transcripts())
def test_a_page_holds_the_words_and_who_says_them(made: Transcript) -> None:
    """The transcript's page has every word under its speaker, and the second in which a paragraph begins."""
    edition = samples.edition()
    item = replace(edition.items[0], episode=replace(edition.items[0].episode, transcript=made, chapters=()))
    files = dict(Pages(replace(edition, items=(item,)), Path("templates")).of_episode(item))
    (page,) = [fromstring(data.decode()) for key, data in files.items() if key.startswith("transcripts/")]
    read = [
        (
            turn.findtext(".//cite/bdi"),
            " ".join(each.text_content() for each in turn.findall(".//span[@class='cln-turn__text']")),
            int(turn.find(".//a[@class='cln-time']").get("data-start")),
        )
        for turn in page.findall(".//div[@class='cln-turn']")
    ]
    joined = turns(tuple(replace(cue, start_ms=0, end_ms=0) for cue in made.cues))
    assert [row[:2] for row in read] == [row[:2] for row in joined]
    assert {row[2] for row in read} <= {cue.start_ms // 1000 for cue in made.cues}


def test_ten_thousand_cues_keep_words_times_and_speakers() -> None:
    """A whole day of speech is written and read in every form; webvtt-py and srt find the same cues."""
    chance = random.Random(7)  # noqa: S311 - the same every time
    cues = tuple(
        Cue(
            start_ms=at * 9_000,
            end_ms=at * 9_000 + 8_500,
            text=clean_line(" ".join(["So we said", *chance.choices(PIECES[:-1], k=chance.randint(0, 5))])),
            speaker=chance.choice(SPEAKERS),
        )
        for at in range(10_000)
    )
    made = Transcript(language="en-GB", cues=cues, origin="a.vtt")
    vtt, subrip = words.webvtt(made), words.srt(made)
    assert turns(brought(vtt, "a.vtt").cues) == turns(cues)
    assert brought(words.transcript_json(made), "a.json").cues == cues
    read = brought(subrip, "a.srt")
    expected = [(who, in_subrip(text), start_ms, end_ms) for who, text, start_ms, end_ms in turns(cues)]
    assert turns(read.cues) == expected
    captions = list(foreign_webvtt.from_buffer(io.BytesIO(vtt)))
    ours = brought(vtt, "a.vtt").cues
    assert [(caption.voice, clean_line(html.unescape(caption.text))) for caption in captions] == [
        (cue.speaker, cue.text) for cue in ours
    ]
    assert [round(caption.start_in_seconds) for caption in captions[:50]] == [cue.start_ms // 1000 for cue in ours[:50]]
    subtitles = list(foreign_srt.parse(subrip.decode()))
    assert [
        (round(each.start.total_seconds() * 1000), round(each.end.total_seconds() * 1000)) for each in subtitles
    ] == [(cue.start_ms, cue.end_ms) for cue in read.cues]


def test_a_cue_too_fast_to_read_stays_into_the_silence_after_it() -> None:
    """Twenty characters a second at most, where nothing else is said; WebVTT and SubRip agree."""
    text = "Sixty characters said in a single second by somebody in haste"
    made = Transcript(
        language="en-GB",
        cues=(
            Cue(start_ms=0, end_ms=1_000, text=text, speaker="Chair"),  # 2 s of silence follow, 3.05 s are needed
            Cue(start_ms=3_000, end_ms=4_000, text=text, speaker="GP"),  # nothing before the next
            Cue(start_ms=4_000, end_ms=5_000, text=text, speaker="GP"),  # plenty
            Cue(start_ms=60_000, end_ms=61_000, text=text, speaker="GP"),  # nobody knows how long the sound goes on
        ),
        origin="a.vtt",
    )
    ends = [3_000, 4_000, 4_000 + 50 * len(text), 61_000]
    assert [cue.end_ms for cue in brought(words.webvtt(made), "a.vtt").cues] == ends
    stamps = re.findall(rb"--> (\S+)", words.srt(made))
    assert stamps[-1] == b"00:01:01,000"
    assert b"00:00:03,000" in stamps
    assert [cue.start_ms for cue in words.hurried(made)] == [0, 3_000, 60_000]
    assert [cue.end_ms for cue in brought(words.draft_webvtt(made), "a.vtt").cues] == [cue.end_ms for cue in made.cues]


@pytest.mark.parametrize(("write", "width"), [(words.webvtt, 65), (words.srt, 42)])
def test_lines_are_as_short_as_subtitles_must_be(write, width: int) -> None:
    """Two lines of 65 letters in WebVTT, of 42 in SubRip, and cues that follow each other without an overlap."""
    text = " ".join(f"word{number}" for number in range(300))
    made = Transcript(language="en-GB", cues=(Cue(start_ms=0, end_ms=200_000, text=text),), origin="")
    blocks = write(made).decode().split("\n\n")
    payloads = [
        block.partition(" --> ")[2].partition("\n")[2].strip("\n").split("\n") for block in blocks if " --> " in block
    ]
    assert all(len(lines) <= 2 and all(len(line) <= width for line in lines) for lines in payloads)
    assert " ".join(line for lines in payloads for line in lines) == text
    read = brought(write(made), "a.vtt" if width == 65 else "a.srt").cues
    assert all(before.end_ms == after.start_ms for before, after in pairwise(read))
