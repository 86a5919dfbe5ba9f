"""Words: transcripts, chapters and notes in, the formats players read out."""

import html
import io
import json
import re
from pathlib import Path

import pytest
import srt as foreign_srt
import webvtt as foreign_webvtt
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline import model, words
from pipeline.errors import WordsError
from pipeline.model import Chapter, Cue, Transcript
from pipeline.words import reading, voices, writing
from pipeline.words.cleaning import clean_line
from pipeline.words.repairs import Repairs
from pipeline.words.timing import stamp
from tests import samples

VTT, SRT, TOML = Path("episodes/tides/transcript.vtt"), Path("transcript.srt"), Path("chapters.toml")
TEAMS = (
    "\ufeffWEBVTT\r\n\r\n0c1f/12-0\r\n00:00:03.190 --> 00:00:05.120\r\n<v Chair (NHS England)>Welcome &amp; hello,\r\n"
    "everyone.</v>\r\n\r\n0c1f/13-0\r\n00:00:05.200 --> 00:00:07.000 align:start position:0%\r\n"
    "<v.loud GP, Greater Manchester>Waits &lt; 18&nbsp;weeks.</v>\r\n"
)
ZOOM = (
    "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\nChair: Shall we start?\n\n2\n00:00:02.000 --> 00:00:04.000\n"
    "Practice manager: The trust said: no.\n\n3\n00:00:04.000 --> 00:00:05.000\nChair: Thank you.\n\n"
    "4\n00:00:05.000 --> 00:00:06.000\nPractice manager: Next month.\n"
)
NASTY = [
    "<v Chair>",
    "</v>",
    "-->",
    "&amp;",
    "&lt;b&gt;",
    "<b>",
    "NOTE",
    "WEBVTT",
    "\n\n",
    "\r",
    "{\\an8}",
    "\x00",
    "\x85",
]
NASTY += ["1\n", "00:00:01.000 --> 00:00:02.000", "\u2028", "\u202e", "\ufeff", "a" * 90, " ", "&#58;", "Ärztin", "]]>"]


def read(text: str | bytes, source: Path = VTT) -> Transcript:
    """Read a transcript written here."""
    return words.read_transcript(text if isinstance(text, bytes) else text.encode(), source=source, language="en-GB")


def refusal(text: str | bytes, source: Path = VTT) -> str:
    """Read a transcript that must be refused, and return why."""
    with pytest.raises(WordsError) as caught:
        read(text, source)
    assert caught.value.source == source
    assert caught.value.hint
    return caught.value.message


def said(transcript: Transcript) -> list[tuple[str | None, str]]:
    """Return the turns of a transcript: a speaker and every word until the next."""
    turns: list[tuple[str | None, str]] = []
    for cue in transcript.cues:
        text, speaker = clean_line(cue.text), clean_line(cue.speaker or "") or None
        if text and turns and turns[-1][0] == speaker:
            turns[-1] = (speaker, f"{turns[-1][1]} {text}")
        elif text:
            turns.append((speaker, text))
    return turns


def texts() -> st.SearchStrategy[str]:
    """Make text of words, markup and characters that break formats."""
    return st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=12)), max_size=12).map("".join)


@st.composite
def transcripts(
    draw: st.DrawFn, speakers: tuple[str | None, ...] = (None, "Chair", "GP, London", "A & <B>", ".loud: ")
) -> Transcript:
    """Make a transcript of a few cues, ascending, not overlapping."""
    starts = sorted(draw(st.lists(st.integers(0, 40_000), min_size=1, max_size=5)))
    starts = [9_000 * start for start in dict.fromkeys(starts)]
    names = st.sampled_from(speakers)
    cues = [
        Cue(start_ms=start, end_ms=start + draw(st.integers(1, 9000)), text=draw(texts()), speaker=draw(names))
        for start in starts
    ]
    # One cue that is sure to hold a word of a named speaker, as every transcript with voice spans does.
    last = Cue(start_ms=starts[-1] + 9_000, end_ms=starts[-1] + 9_900, text="Thank you.", speaker="Chair")
    return Transcript(language="en-GB", cues=(*cues, last), origin="transcript.vtt")


def test_teams_voice_spans_entities_and_lines_are_read() -> None:
    """A Teams export gives speakers without classes, decoded text on one line, and the name of the file."""
    transcript = read(TEAMS)
    assert transcript.origin == "transcript.vtt"
    assert transcript.cues == (
        Cue(start_ms=3_190, end_ms=5_120, text="Welcome & hello, everyone.", speaker="Chair (NHS England)"),
        Cue(start_ms=5_200, end_ms=7_000, text="Waits < 18 weeks.", speaker="GP, Greater Manchester"),
    )


def test_zoom_names_are_split_only_where_they_recur() -> None:
    """Zoom's `Name: ` becomes the speaker, and a colon in what was said stays a colon."""
    assert said(read(ZOOM)) == [
        ("Chair", "Shall we start?"),
        ("Practice manager", "The trust said: no."),
        ("Chair", "Thank you."),
        ("Practice manager", "Next month."),
    ]
    once = read("WEBVTT\n\n00:01.000 --> 00:02.000\nThe trust said: no.\n")
    assert once.cues[0].speaker is None
    assert once.cues[0].text == "The trust said: no."


def test_several_voices_in_one_cue_become_cues_at_the_same_time() -> None:
    """Two people in one cue stay two speakers."""
    transcript = read("WEBVTT\n\n00:01.000 --> 00:02.000\n<v Chair>Yes?</v> <v GP>No.</v> (laughter)\n")
    assert [(cue.speaker, cue.text) for cue in transcript.cues] == [
        ("Chair", "Yes?"),
        ("GP", "No."),
        (None, "(laughter)"),
    ]
    assert {(cue.start_ms, cue.end_ms) for cue in transcript.cues} == {(1_000, 2_000)}


def test_notes_styles_and_regions_hold_no_words() -> None:
    """NOTE, STYLE and REGION blocks and the header's own lines are skipped; an hour may be left out."""
    text = (
        "WEBVTT - learning set\nKind: captions\n\nSTYLE\n::cue { color: red }\n\nREGION\nid:one\n\nNOTE checked\nby\n\n"
        "01:00.000 --> 01:61.000"
    )
    assert "more than 59 minutes or seconds" in refusal(text)
    transcript = read(text.replace("61.", "01.") + "\none<br>two <c.yellow>three</c> <00:01:00.500>four\n")
    assert [(cue.start_ms, cue.text) for cue in transcript.cues] == [(60_000, "one two three four")]


def test_words_in_angle_brackets_are_kept() -> None:
    """Only the formats' own tags are removed: what a transcriber put in angle brackets stays."""
    transcript = read("WEBVTT\n\n00:01.000 --> 00:02.000\n<i>We</i> <inaudible> waits < 18 and > 3, R&notes &bogus;\n")
    assert transcript.cues[0].text == "We <inaudible> waits < 18 and > 3, R&notes &bogus;"


def test_cues_are_put_in_order_and_speakers_may_overlap() -> None:
    """Cues out of order are sorted by start; two people at once keep their times, one person's cues do not overlap."""
    text = "WEBVTT\n\n00:09.000 --> 00:12.000\n<v GP>b\n\n00:01.000 --> 00:10.000\n<v Chair>a\n"
    transcript = read(text)
    assert [(cue.start_ms, cue.end_ms, cue.text) for cue in transcript.cues] == [
        (1000, 10_000, "a"),
        (9000, 12_000, "b"),
    ]
    assert [cue.end_ms for cue in read(text.replace("GP", "Chair")).cues] == [9_000, 12_000]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_and_newlines_of_windows_are_read(encoding: str, newline: str) -> None:
    """Every encoding and newline that a Windows program saves gives the same words."""
    spoken = "R\xe9f\xe9rence \u2013 \u201cnow\u201d"
    text = f"1\n00:00:01,000 --> 00:00:02,000\n{spoken}\n\n2\n00:00:02,000 --> 00:00:03,500\nYes\n"
    transcript = read(text.replace("\n", newline).encode(encoding), SRT)
    assert [cue.text for cue in transcript.cues] == [spoken, "Yes"]


def test_a_webvtt_file_named_srt_is_read_by_its_content() -> None:
    """The header decides, not the suffix."""
    assert read(TEAMS, SRT).cues == read(TEAMS).cues


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("WEBVTT\n\nNOTE nothing\n", 4, "without a cue"),
        ("", 1, "WEBVTT"),
        ("Minutes\nWEBVTT\n\n00:01.000 --> 00:02.000\na\n", 1, "'Minutes'"),
        ("WEBVTT\n\n00:01.000 to 00:02.000\na\n", 3, "without a time line"),
        ("WEBVTT\n\n00:01.0x --> 00:02.000\na\n", 3, "not a time line"),
        ("WEBVTT\n\nid\n00:01.000 --> 00:02.000 Hello there\na\n", 4, "not a time line"),
        ("WEBVTT\n\n00:02.000 --> 00:02.000\na\n", 3, "does not end after"),
        ("WEBVTT\n\n00:01.000 --> 00:02.000\na\n\nlost words\n", 6, "without a time line"),
        ("WEBVTT\n\n00:01.000 --> 00:02.000\na\n00:02.000 --> 00:03 b\n", 5, "blank line"),
        ("WEBVTT\n\nNOTE\n00:01.000 --> 00:02.000\na\n", 4, "inside a NOTE"),
        (b"WEBVTT\n\n00:01.000 --> 00:02.000\nbin\x00ary\n", 4, "not text"),
        (b"WEBVTT\n\n00:01.000 --> 00:02.000\nbin\x81\xffary\n", 4, "not text"),
        (b"\xff\xfeW\x00\n\x00\x00", 2, "not text"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(text: str | bytes, line: int, part: str) -> None:
    """No line of a transcript is passed over: a file that cannot be read whole names the line."""
    message = refusal(text)
    assert message.startswith(f"line {line}: ")
    assert part in message


def test_a_note_in_subrip_is_words() -> None:
    """SubRip knows no NOTE blocks, so one there is words out of place, not a comment to skip."""
    assert refusal("1\n00:00:01,000 --> 00:00:02,000\na\n\nNOTE this well\n", SRT).startswith("line 5: ")


def test_a_file_beyond_the_limit_is_refused() -> None:
    """A transcript of more than 20 MB is another file by mistake."""
    assert "more than the 20,000,000 allowed" in refusal(b"WEBVTT" + b"\n" * 20_000_000)


@given(st.one_of(st.binary(max_size=200), texts().map(lambda text: f"WEBVTT\n\n{text}".encode())))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Whatever a file holds, the readers return a transcript with words or raise WordsError."""
    for source in (VTT, SRT):
        try:
            transcript = words.read_transcript(data, source=source, language="en")
        except WordsError:
            continue
        assert all(cue.text and cue.end_ms > cue.start_ms for cue in transcript.cues)


LINES = (
    "<v Chair>We met",
    "Chair: and we spoke",
    "of A &amp; <i>E</i>",
    "7",
    " ",
    "",
    "x --> y",
    "WEBVTT",
    "NOTE it",
    "</v>",
)
SOUND = st.builds(
    lambda start, length, lines: "\n".join([f"{stamp(start)} --> {stamp(start + length)}", *lines]),
    st.integers(0, 9_000).map(lambda ms: ms * 20),
    st.integers(-20, 9_000),
    st.lists(st.sampled_from(LINES[:6]), max_size=3),
)


@given(
    st.sampled_from(["WEBVTT\n\n", "WEBVTT\n\n", "WEBVTT x\n\n", "WEBVTT\n", "\n"]),
    st.lists(st.one_of(SOUND, SOUND, st.sampled_from(LINES)), max_size=5),
    st.sampled_from(["\n\n", "\n\n", "\n\n\n", "\n", "\n \n", "\r\n\r\n"]),
    st.sampled_from(["", "\n", "\n\n", "\n "]),
    st.booleans(),
)
@example("WEBVTT\n\n", ["00:00:01.000 --> 00:00:02.000\n<v Chair>We\n  met &lt;"], "\n\n", "\n", True)
def test_plain_files_are_read_as_all_others_are(
    header: str, blocks: list[str], between: str, end: str, is_ordered: bool
) -> None:
    """The short way through a file in which nothing is unusual gives the very cues of the long way, and no repair."""
    text = header + between.join(sorted(blocks) if is_ordered else blocks) + end
    cues = reading._plain_cues(text)
    if cues:
        repairs = Repairs()
        assert reading._all_cues(reading._numbered(text), repairs, is_subrip=False) == cues
        assert repairs.sentences() == ()


def test_most_files_are_read_the_short_way() -> None:
    """What we write ourselves is plain."""
    for made in (samples.talk(), samples.edition().items[0].episode.transcript.cues):
        text = words.webvtt(Transcript(language="en-GB", cues=tuple(made), origin="transcript.vtt")).decode()
        assert reading._plain_cues(text)


@given(transcripts())
def test_webvtt_reads_back_as_written(transcript: Transcript) -> None:
    """Written WebVTT holds the same words, speakers and times, and a foreign parser agrees on every cue."""
    data = words.webvtt(transcript)
    again = read(data)
    assert said(again) == said(transcript)
    spoken = [cue for cue in transcript.cues if clean_line(cue.text)]
    assert again.cues[0].start_ms == spoken[0].start_ms
    assert max(cue.end_ms for cue in again.cues) == max(cue.end_ms for cue in spoken)
    foreign = list(foreign_webvtt.from_buffer(io.BytesIO(data)))
    assert len(foreign) == data.count(b" --> ")
    read_times = sorted((round(caption.start_in_seconds * 1000)) // 1000 for caption in foreign)
    assert read_times == [cue.start_ms // 1000 for cue in again.cues]


@given(transcripts(speakers=(None,)))
def test_subrip_reads_back_as_written(transcript: Transcript) -> None:
    """Written SubRip holds every word, and the `srt` package finds the same cues, numbered from 1, within the lines."""
    data = words.srt(transcript)
    foreign = list(foreign_srt.parse(data.decode()))
    assert [caption.index for caption in foreign] == list(range(1, len(foreign) + 1))
    again = read(data, SRT)
    assert [round(caption.start.total_seconds() * 1000) for caption in foreign] == [
        int(_milliseconds(line)) for line in data.decode().split("\n") if " --> " in line
    ]
    heard = "".join(_letters(cue.text) for cue in again.cues)
    assert heard == "".join(_letters(cue.text) for cue in transcript.cues).removesuffix("Thankyou") + "ChairThankyou"


def _milliseconds(line: str) -> float:
    hours, minutes, seconds = line.partition(" --> ")[0].split(":")
    return round(((int(hours) * 60 + int(minutes)) * 60 + float(seconds.replace(",", "."))) * 1000)


def _letters(text: str) -> str:
    return "".join(character for character in clean_line(text) if character.isalpha())


def test_a_long_cue_is_split_at_words_and_shares_its_time() -> None:
    """A long cue becomes cues of at most two lines of 65 characters; their times join and grow with their length."""
    text = " ".join(f"word{number}" for number in range(80)) + " " + "x" * 80
    cue = Cue(start_ms=1_000, end_ms=41_001, text=text, speaker="Chair")
    data = words.webvtt(Transcript(language="en", cues=(cue,), origin=""))
    again = read(data)
    assert " ".join(piece.text for piece in again.cues) == text
    assert [piece.start_ms for piece in again.cues[1:]] == [piece.end_ms for piece in again.cues[:-1]]
    assert (again.cues[0].start_ms, again.cues[-1].end_ms) == (1_000, 41_001)
    assert all(piece.speaker == "Chair" for piece in again.cues)
    for block in data.decode().split("\n\n")[1:]:
        lines = block.removesuffix("</v>\n").removesuffix("</v>").replace("<v Chair>", "").split("\n")[1:]
        assert len(lines) <= 2
        assert all(len(line) <= 65 or line == "x" * 80 for line in lines)


def test_subrip_names_the_speaker_once_a_turn_in_short_lines() -> None:
    """SubRip has the speaker before the first cue of a turn only, in lines of at most 42 characters."""
    cues = tuple(
        Cue(start_ms=index * 1000, end_ms=index * 1000 + 900, text="All of it, again and again. " * 3, speaker=speaker)
        for index, speaker in enumerate(["Chair", "Chair", "GP"])
    )
    data = words.srt(Transcript(language="en", cues=cues, origin=""))
    captions = list(foreign_srt.parse(data.decode()))
    assert [caption.content.split(":")[0] for caption in captions if ":" in caption.content] == ["Chair", "GP"]
    assert all(len(line) <= 42 for caption in captions for line in caption.content.split("\n"))
    assert all(caption.content.count("\n") <= 1 for caption in captions)


def test_a_cue_too_short_to_share_stays_valid() -> None:
    """Pieces of a cue of one millisecond all end after they start."""
    cue = Cue(start_ms=0, end_ms=1, text="word " * 60)
    again = read(words.webvtt(Transcript(language="en", cues=(cue,), origin="")))
    assert {(piece.start_ms, piece.end_ms) for piece in again.cues} == {(0, 1)}
    assert " ".join(piece.text for piece in again.cues) == clean_line(cue.text)


def test_pieces_of_overlapping_cues_stand_by_start() -> None:
    """Two long cues at the same time are written with every start after the one before."""
    cues = tuple(Cue(start_ms=start, end_ms=20_000, text=f"word{start} " * 60) for start in (0, 1_000))
    transcript = Transcript(language="en", cues=cues, origin="")
    for data in (words.webvtt(transcript), words.srt(transcript)):
        times = [line.partition(" --> ")[0] for line in data.decode().split("\n") if " --> " in line]
        assert times == sorted(times)
        assert data.count(b"word1000") == 60


def test_foreign_parsers_read_the_sample() -> None:
    """webvtt-py and srt find the sample's words, speakers and times."""
    transcript = samples.transcript()
    captions = list(foreign_webvtt.from_buffer(io.BytesIO(words.webvtt(transcript))))
    assert [html.unescape(caption.text) for caption in captions] == [cue.text for cue in transcript.cues]
    assert [caption.voice for caption in captions] == [cue.speaker for cue in transcript.cues]
    assert [caption.end for caption in captions] == ["00:00:03.200", "00:00:09.040", "00:01:04.999"]
    subtitles = list(foreign_srt.parse(words.srt(transcript).decode()))
    assert [subtitle.content.replace("\n", " ") for subtitle in subtitles] == [
        f"{cue.speaker}: {cue.text}" for cue in transcript.cues
    ]


def test_webvtt_of_the_sample_is_the_sample() -> None:
    """What webvtt() writes, read_transcript() reads back as the very same value."""
    assert read(words.webvtt(samples.transcript())) == samples.transcript()


@given(transcripts())
def test_json_and_plain_text_hold_every_word(transcript: Transcript) -> None:
    """JSON keeps words, times and speakers exactly; plain text keeps the turns."""
    document = json.loads(words.transcript_json(transcript))
    assert document["version"] == "1.0.0"
    spoken = [cue for cue in transcript.cues if clean_line(cue.text)]
    assert [(round(row["startTime"] * 1000), round(row["endTime"] * 1000)) for row in document["segments"]] == [
        (cue.start_ms, cue.end_ms) for cue in spoken
    ]
    assert [row["body"] for row in document["segments"]] == [clean_line(cue.text) for cue in spoken]
    paragraphs = words.plain_text(transcript).decode().rstrip("\n").split("\n\n")
    joined = " ".join(f"{speaker}: {text}" if speaker else text for speaker, text in said(transcript))
    assert " ".join(paragraphs) == joined


def test_plain_text_breaks_at_turns_and_at_pauses_of_nobody() -> None:
    """A turn is a paragraph; where no speaker is known, a pause of two seconds ends one."""
    cues = tuple(Cue(start_ms=start, end_ms=start + 1_000, text=f"w{start}") for start in (0, 1_500, 4_500))
    assert words.plain_text(Transcript(language="en", cues=cues, origin="")) == b"w0 w1500\n\nw4500\n"
    assert words.plain_text(Transcript(language="en", cues=(), origin="")) == b""


def chapters(text: str) -> tuple[Chapter, ...]:
    """Read chapters written here."""
    return words.read_chapters(text.encode(), source=TOML)


def test_chapters_read_every_way_to_write_a_time() -> None:
    """A start may be hours, minutes and seconds in quotes or without, or a number of seconds."""
    text = "\ufeff" + "".join(
        f'[[chapters]]\r\nstart = {start}\r\ntitle = "A\u2028 & b"\r\n'
        for start in ("0", '"0:01"', "2.5005", '"12:30.5"', "00:12:31", '"00:12:31.250"', '"1:00:00"')
    )
    assert [chapter.start_ms for chapter in chapters(text)] == [0, 1000, 2500, 750_500, 751_000, 751_250, 3_600_000]
    assert {chapter.title for chapter in chapters(text)} == {"A & b"}
    assert chapters("") == ()


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[[chapter]]\nstart = 0\n", "unknown key 'chapter'", "Did you mean chapters?"),
        ('[[chapters]]\nstart = 0\ntitel = "a"\n', "chapter 1 has an unknown key 'titel'", "Did you mean title?"),
        ('[[chapters]]\nstart = 0\nzzz = "a"\n', "unknown key 'zzz'", "Use only: start, title, url"),
        ("[[chapters]]\nstart = 0\n", "chapter 1 has no title", "title ="),
        ('[[chapters]]\nstart = "soon"\ntitle = "a"\n', "chapter 1 has no usable start: 'soon'", "00:12:30.500"),
        ('[[chapters]]\nstart = "1:75"\ntitle = "a"\n', "chapter 1 has no usable start", "00:12:30.500"),
        ('[[chapters]]\nstart = -1\ntitle = "a"\n', "chapter 1 has no usable start", "00:12:30.500"),
        ('[[chapters]]\nstart = nan\ntitle = "a"\n', "chapter 1 has no usable start", "00:12:30.500"),
        ('[[chapters]]\nstart = 1e999999\ntitle = "a"\n', "chapter 1 has no usable start", "00:12:30.500"),
        (f'[[chapters]]\nstart = 0x{"f" * 9000}\ntitle = "a"\n', "chapter 1 has no usable start", "00:12:30.500"),
        (f'[[chapters]]\nstart = {"9" * 9000}\ntitle = "a"\n', "not valid TOML", "double quotes"),
        ('[[chapters]]\nstart = true\ntitle = "a"\n', "chapter 1 has no usable start", "00:12:30.500"),
        ('[[chapters]]\ntitle = "a"\n', "chapter 1 has no usable start", "00:12:30.500"),
        ('[[chapters]]\nstart = 0\ntitle = "a"\nurl = "javascript:alert(1)"\n', "not a web address", "https://"),
        ('[[chapters]]\nstart = 0\ntitle = "a"\nurl = "https://[x"\n', "not a web address", "https://"),
        ("chapters = 3\n", "not a list of tables", "[[chapters]]"),
        ("[[chapters]]\nstart = 12:30\n", "not valid TOML", "double quotes"),
        ("x = " + "[" * 9000, "not valid TOML", "double quotes"),
    ],
)
def test_chapters_that_cannot_be_used_are_refused(text: str, message: str, hint: str) -> None:
    """Each mistake in chapters.toml names the chapter, and the hint says what to write."""
    with pytest.raises(WordsError) as caught:
        chapters(text)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


def test_chapters_out_of_order_are_refused() -> None:
    """Two chapters at one time or backwards name both."""
    text = "".join(f'[[chapters]]\nstart = {start}\ntitle = "a"\n' for start in (0, 70, 70))
    with pytest.raises(WordsError, match=r"chapter 3 starts at 1:10, not after chapter 2 \(1:10\)"):
        chapters(text)


@given(st.lists(st.tuples(st.integers(0, 359_999_999), texts().map(clean_line)), unique_by=lambda row: row[0]))
def test_chapters_json_reads_back_to_the_millisecond(rows: list[tuple[int, str]]) -> None:
    """JSON chapters keep every start and title."""
    made = tuple(Chapter(start_ms=start, title=title, url="https://cln.example/") for start, title in sorted(rows))
    document = json.loads(words.chapters_json(made))
    assert document["version"] == "1.2.0"
    assert [(round(row["startTime"] * 1000), row["title"]) for row in document["chapters"]] == sorted(rows)


NOTES = f"""{model.DRAFT_MARKS[model.Part.NOTES]}
## What we learned

Start *small*, share **numbers** <!-- ask the chair --> & [read on](https://cln.example/?a=1&b=2 "t").

![chart](https://tracker.example/x.png)

### Next

3. one
4. two
   - in

<!-- not for the public -->
> Said  
> once, `code`: <mailto:podcast@cln.example>
"""  # noqa: W291 - two spaces at the end of a line are a line break in Markdown


def test_notes_become_a_fragment_with_headings_below_the_page_s() -> None:
    """Notes become clean HTML: top heading h3, plain links, no image, no comment, no draft mark."""
    assert words.notes_html(NOTES) == (
        "<h3>What we learned</h3>\n<p>Start <em>small</em>, share <strong>numbers</strong>  &amp; "
        '<a href="https://cln.example/?a=1&amp;b=2">read on</a>.</p>\n<h4>Next</h4>\n<ol start="3">\n'
        "<li>one</li>\n<li>two\n<ul>\n<li>in</li>\n</ul>\n</li>\n</ol>\n<blockquote>\n<p>Said<br>\nonce, "
        '<code>code</code>: <a href="mailto:podcast@cln.example">mailto:podcast@cln.example</a></p>\n</blockquote>\n'
    )


def test_a_link_to_a_moment_leads_to_the_page() -> None:
    """`#t=75` leads to the episode's page where that is known; without a page, as with members, it is plain words."""
    page = "https://podcast.cln.example/episodes/one/"
    assert f'<a href="{page}#t=75">the pilot</a>' in words.notes_html("[the pilot](#t=75)", page_url=page)
    assert words.notes_html("[the pilot](#t=75)") == "<p>the pilot</p>\n"
    assert f'<a href="{page}#t=75">the pilot</a>' in words.notes_html("[the pilot](#t=1:15)", page_url=page)
    assert f'<a href="{page}#t=3675.5">the pilot</a>' in words.notes_html("[the pilot](#t=1:01:15.5)", page_url=page)
    assert "href" not in words.notes_html("[the pilot](#t=javascript:1)", page_url=page)


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("../two/", "https://podcast.cln.example/p/episodes/two/"),
        ("/about/", "https://podcast.cln.example/about/"),
        ("#notes", "https://podcast.cln.example/p/episodes/one/#notes"),
        ("//other.example/x", "https://other.example/x"),
        ("tel:01632960000", "tel:01632960000"),
        ("javascript:alert(1)", None),
        ("JavaScript&colon;alert(1)", None),
        ("data:text/html,x", None),
        ("#t=1:2:3:4", None),
        ("//[", "https://%5B"),
    ],
)
def test_a_link_leads_somewhere_or_is_no_link(target: str, found: str | None) -> None:
    """Addresses without a host lead from the page; what may not be followed does not look as if it could be."""
    page = "https://podcast.cln.example/p/episodes/one/"
    rendered = words.notes_html(f"Read [this]({target}).", page_url=page)
    if found is None:
        assert "<a" not in rendered
    else:
        assert rendered == f'<p>Read <a href="{found}">this</a>.</p>\n'


def test_code_keeps_its_lines() -> None:
    """A block of code is one, also as plain text."""
    assert words.notes_html("    a = 1\n    b = 2\n") == "<pre><code>a = 1\nb = 2\n</code></pre>\n"
    assert words.plain("Before\n\n    a = 1\n\nAfter\n") == "Before\n\na = 1\n\nAfter"


def test_notes_as_plain_text_keep_paragraphs_lists_and_addresses() -> None:
    """Plain notes read well without any markup."""
    assert words.plain(NOTES) == (
        "What we learned\n\nStart small, share numbers & read on (https://cln.example/?a=1&b=2).\n\nNext\n\n"
        "3. one\n4. two\n  - in\n\nSaid\nonce, code: mailto:podcast@cln.example"
    )
    assert words.plain("") == ""


@pytest.mark.parametrize(
    "attack",
    [
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](data:text/html;base64,PHN2Zz4=)",
        "[x](vbscript:x)",
        "<javascript:alert(1)>",
        '<a href="javascript:alert(1)">x</a>',
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://tracker.example/p.gif)",
        "[x]: javascript:alert(1)\n\n[x]",
        "[x](//tracker.example/p)",
        "[x](/relative)",
        "<!-- --><svg onload=alert(1)> <!--",
        "<!--><script>x</script>-->",
    ],
)
def test_notes_never_carry_anything_that_runs_or_loads(attack: str) -> None:
    """No markup of the notes becomes a script, a request to another host or a link without a scheme we know."""
    rendered = words.notes_html(attack)
    for forbidden in ("<script", "<img", "<svg", "<a href"):
        assert forbidden not in rendered.lower()


@given(texts(), st.sampled_from(["{}", "# {}", "- {}", "[{}](https://cln.example)", "<div>{}", "`{}`", "> {}"]))
def test_any_notes_render_the_same_twice_and_stay_within_the_allowed_tags(text: str, shape: str) -> None:
    """Whatever the notes hold, the fragment has only allowed tags, no control characters, and is stable."""
    markdown = shape.format(text)
    rendered = words.notes_html(markdown)
    assert rendered == words.notes_html(markdown)
    assert {part.split(">")[0].split(" ")[0].strip("/") for part in rendered.split("<")[1:]} <= {
        *("p", "ul", "ol", "li", "a", "strong", "em", "b", "i", "code", "blockquote", "h3", "h4", "br"),
    }
    assert not any(ord(character) < 32 and character not in "\n\t" for character in rendered + words.plain(markdown))


@given(st.lists(st.text("abc", min_size=1, max_size=80), min_size=1, max_size=24), st.sampled_from([65, 42, 7]))
def test_two_lines_are_balanced_alike_on_both_ways(words: list[str], width: int) -> None:
    """The short way for texts of two lines gives the lines that the long way gives."""
    lines = writing._in_two(" ".join(words), width)
    assert lines is None or lines == writing._balanced(" ".join(words), width)


@pytest.mark.parametrize(
    "markup", ["<v Chair>Yes, well.</v>", "<v GP, Leeds>No", "Only words", "<v  Two  words > a  b ", "<v >x"]
)
def test_a_plain_voice_is_read_alike_on_both_ways(markup: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The short way for a cue of one voice gives what the long way gives."""
    short = list(voices.voices(markup))
    monkeypatch.setattr(voices, "_ONE_VOICE", re.compile("(?!)"))
    assert list(voices.voices(markup)) == short
