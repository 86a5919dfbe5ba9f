"""Transcripts that people bring: what other programs write is read, what is broken is put right or refused by line."""

import io
import itertools
import json
import zipfile
from pathlib import Path

import docx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import words
from pipeline.errors import WordsError
from pipeline.model import DRAFT_MARKS, Cue, Part, Transcript, Turn, is_marked
from pipeline.words import documents

VTT, SRT = "transcript.vtt", "transcript.srt"


def brought(data: str | bytes, name: str) -> Transcript | tuple[Turn, ...]:
    """Read a transcript brought as the file `name`."""
    return words.read_brought(data.encode() if isinstance(data, str) else data, source=Path(name), language="en-GB")


def cues(data: str | bytes, name: str) -> list[tuple[int, int, str | None, str]]:
    """Read a transcript that has times."""
    read = brought(data, name)
    assert isinstance(read, Transcript)
    return [(cue.start_ms, cue.end_ms, cue.speaker, cue.text) for cue in read.cues]


def refusal(data: str | bytes, name: str) -> tuple[str, str]:
    """Read what must be refused; return why, and the hint."""
    with pytest.raises(WordsError) as caught:
        brought(data, name)
    assert caught.value.source == Path(name)
    return caught.value.message, caught.value.hint or ""


BROKEN: dict[str, tuple[str, str | bytes, str, str]] = {
    "hours omitted in SubRip": (
        SRT,
        "1\n00:01,000 --> 00:02,000\na b\n",
        "line 2: the times have no hours: '00:01,000 --> 00:02,000' was read as 00:00:01,000 --> 00:00:02,000",
        "1000-2000 a b",
    ),
    "one digit where two belong": (
        VTT,
        "WEBVTT\n\n0:0:3.120 --> 0:0:7.340\na\n\n0:0:8.000 --> 0:0:9.000\nb\n",
        (
            "line 3: the times have one digit where two belong: '0:0:3.120 --> 0:0:7.340' was read as "
            "00:00:03.120 --> 00:00:07.340 (and 1 more line like it)"
        ),
        "3120-7340 a|8000-9000 b",
    ),
    "a comma for the point": (
        VTT,
        "WEBVTT\n\n00:00:01,000 --> 00:00:02,000\na\n",
        (
            "line 3: the times have a comma where a point belongs: '00:00:01,000 --> 00:00:02,000' was read as "
            "00:00:01.000 --> 00:00:02.000"
        ),
        "1000-2000 a",
    ),
    "short fractions": (
        VTT,
        "WEBVTT\n\n00:00:01.5 --> 00:00:02.25\na\n",
        (
            "line 3: the times have not three digits of a second's fraction: '00:00:01.5 --> 00:00:02.25' was read as "
            "00:00:01.500 --> 00:00:02.250"
        ),
        "1500-2250 a",
    ),
    "no header": (
        VTT,
        "1\n00:00:01.000 --> 00:00:02.000\na\n",
        "line 1: the header WEBVTT is missing; the file was read as if it were there",
        "1000-2000 a",
    ),
    "no numbers": (
        SRT,
        "00:00:01,000 --> 00:00:02,000\na\n\n00:00:03,000 --> 00:00:04,000\nb\n",
        "line 1: the cue has no number; it was read without (and 1 more line like it)",
        "1000-2000 a|3000-4000 b",
    ),
    "numbers repeated": (
        SRT,
        "1\n00:00:01,000 --> 00:00:02,000\na\n\n1\n00:00:03,000 --> 00:00:04,000\nb\n",
        "line 6: the number 1 stands above a second cue; both were read",
        "1000-2000 a|3000-4000 b",
    ),
    "UTF-16": (
        SRT,
        "1\r\n00:00:01,000 --> 00:00:02,000\r\nR\xe9sum\xe9\r\n".encode("utf-16"),
        "line 1: the file is in UTF-16, not in UTF-8; its letters were read so",
        "1000-2000 R\xe9sum\xe9",
    ),
    "Windows-1252": (
        VTT,
        "WEBVTT\r\r00:00:01.000 --> 00:00:02.000\rR\xe9sum\xe9 \u2013 yes\r".encode("cp1252"),
        "line 1: the file is in Windows-1252, not in UTF-8; its letters were read so",
        "1000-2000 R\xe9sum\xe9 \u2013 yes",
    ),
    "cues that overlap": (
        VTT,
        "WEBVTT\n\n00:00:01.000 --> 00:00:05.000\na\n\n00:00:03.000 --> 00:00:06.000\nb\n",
        "line 3: the cue goes on after the next one has begun; its end was read as 00:00:03.000",
        "1000-3000 a|3000-6000 b",
    ),
    "cues out of order": (
        VTT,
        "WEBVTT\n\n00:00:05.000 --> 00:00:06.000\nb\n\n00:00:01.000 --> 00:00:02.000\na\n",
        "line 6: the cue starts before the one above it; the cues were put in the order of their times",
        "1000-2000 a|5000-6000 b",
    ),
    "a cue that ends before it starts": (
        VTT,
        "WEBVTT\n\n00:00:03.000 --> 00:00:01.000\na\n\n00:00:05.000 --> 00:00:06.000\nb\n",
        (
            "line 3: the cue does not end after it starts: 00:00:03.000 --> 00:00:01.000 was read as "
            "00:00:03.000 --> 00:00:05.000"
        ),
        "3000-5000 a|5000-6000 b",
    ),
    "no blank line between cues": (
        SRT,
        "1\n00:00:01,000 --> 00:00:02,000\na 7\n2\n00:00:03,000 --> 00:00:04,000\nb\n",
        "line 4: a blank line is missing above the cue; it was read as a cue of its own",
        "1000-2000 a 7|3000-4000 b",
    ),
    "an arrow without spaces": (
        VTT,
        "WEBVTT\n\n00:01.000-->00:02.000\na\n",
        (
            "line 3: there is no ` --> ` between the times: '00:01.000-->00:02.000' was read as "
            "00:00:01.000 --> 00:00:02.000"
        ),
        "1000-2000 a",
    ),
    "an arrow that a word processor made": (
        VTT,
        "WEBVTT\n\n00:01.000 \u2192 00:02.000\na\n",
        (
            "line 3: there is no ` --> ` between the times: '00:01.000 \u2192 00:02.000' was read as "
            "00:00:01.000 --> 00:00:02.000"
        ),
        "1000-2000 a",
    ),
    "numbers glued to the times": (
        SRT,
        "1 00:00:01,000 --> 00:00:02,000\na\n\n200:00:03,000 --> 00:00:04,000\nb\n",
        (
            "line 1: the cue's number stands on the line of its times: '1 00:00:01,000 --> 00:00:02,000' was read as "
            "00:00:01,000 --> 00:00:02,000 (and 1 more line like it)"
        ),
        "1000-2000 a|3000-4000 b",
    ),
    "minutes beyond 59": (
        VTT,
        "WEBVTT\n\n75:01.000 --> 75:02.000\na\n",
        (
            "line 3: there are more than 59 minutes and no hours: '75:01.000 --> 75:02.000' was read as "
            "01:15:01.000 --> 01:15:02.000"
        ),
        "4501000-4502000 a",
    ),
    "captions that roll up": (
        VTT,
        (
            "WEBVTT\nKind: captions\n\n00:00:01.000 --> 00:00:02.990 align:start position:0%\n \n"
            "so<00:00:01.500><c> good</c>\n\n00:00:02.990 --> 00:00:03.000 align:start position:0%\nso good\n \n\n"
            "00:00:03.000 --> 00:00:05.000 align:start position:0%\nso good\nmorning<00:00:04.000><c> all</c>\n"
        ),
        (
            "line 8: the captions roll up, each line said again in the cue that follows; each was read once "
            "(and 1 more line like it)"
        ),
        "1000-2990 so good|3000-5000 morning all",
    ),
}


@pytest.mark.parametrize(("name", "data", "repair", "expected"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_broken_is_put_right_with_a_sentence(name: str, data: str | bytes, repair: str, expected: str) -> None:
    """Each broken transcript is read as meant, and says in which line what was put right; no word is lost."""
    read = brought(data, name)
    assert isinstance(read, Transcript)
    assert read.repairs == (repair,)
    assert "|".join(f"{cue.start_ms}-{cue.end_ms} {cue.text}" for cue in read.cues) == expected
    again = brought(words.draft_webvtt(read), VTT)
    assert isinstance(again, Transcript)
    assert (again.repairs, again.cues) == ((), read.cues)


REFUSED = {
    "words instead of a header": (
        VTT,
        "Minutes\n00:01.000 --> 00:02.000\na\n",
        "line 1: the file starts with 'Minutes'",
    ),
    "words after the times": (VTT, "WEBVTT\n\n00:01.000 --> 00:02.000 a b\n", "line 3: '00:01.000 --> 00:02.000 a b'"),
    "words above the times": (
        SRT,
        "Lost words\n00:00:01,000 --> 00:00:02,000\na\n",
        "line 1: 'Lost words' stands above a time line, where a number belongs",
    ),
    "words without times": (SRT, "1\n00:00:01,000 --> 00:00:02,000\na\n\nLost\n", "line 5: words without a time line"),
    "a number that may be words": (
        SRT,
        "1\n00:00:01,000 --> 00:00:02,000\na\n7\n00:00:03,000 --> 00:00:04,000\nb\n",
        "line 4: '7' may be the number of the next cue, or words: put a blank line where the cue begins",
    ),
    "an end that nothing tells": (VTT, "WEBVTT\n\n00:02.000 --> 00:01.000\na\n", "line 3: the cue does not end after"),
    "seconds beyond 59": (VTT, "WEBVTT\n\n00:99.000 --> 01:00.000\na\n", "line 3: '00:99.000 --> 01:00.000' has more"),
    "a cue inside a note": (VTT, "WEBVTT\n\nNOTE\n00:01.000 --> 00:02.000\na\n", "line 4: a time line inside a NOTE"),
    "no words at all": (VTT, "WEBVTT\n\n00:01.000 --> 00:02.000\n\n", "line 5: the file ends without a cue"),
    "bytes that are no text": (VTT, b"WEBVTT\n\n00:01.000 --> 00:02.000\na\0\n", "line 4: the file is not text"),
}


@pytest.mark.parametrize(("name", "data", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_would_need_a_guess_is_refused_with_its_line(name: str, data: str | bytes, message: str) -> None:
    """Where words could be lost or made up, the file is refused by line, with what to do."""
    told, hint = refusal(data, name)
    assert told.startswith(message)
    assert hint


def test_many_repairs_are_told_of_twenty() -> None:
    """Twenty sentences, and how many more there would be."""
    text = "WEBVTT\n" + "".join(f"\n00:00:{at:02}.900 --> 00:00:{at:02}.800\nword\n" for at in range(30))
    read = brought(f"{text}\n00:01:00.000 --> 00:01:01.000\nend\n", VTT)
    assert isinstance(read, Transcript)
    assert len(read.repairs) == 21
    assert read.repairs[-1] == "and 10 more"


def test_subrip_goes_on_with_the_speaker_it_named() -> None:
    """Subtitles name a speaker once a turn: what follows is theirs, until another name."""
    text = "".join(
        f"{number}\n00:00:0{number},000 --> 00:00:0{number},900\n{line}\n\n"
        for number, line in enumerate(["Chair: One", "two", "GP: Three", "Chair: Four", "five", "GP: six"], 1)
    )
    assert [row[2] for row in cues(text, SRT)] == ["Chair", "Chair", "GP", "Chair", "Chair", "GP"]


OTTER = (
    "Chair  0:03  \nWelcome to all. This is it.\n\nGP, London  0:09  \nYeah.\n\nChair  1:02:03  \nBye all.\n\n"
    "Transcribed by https://otter.ai\n"
)
TEAMS_NEW = [
    "Waiting times-20260615_133555-Meeting Transcript",
    "15 June 2026, 01:35pm",
    "27m 42s",
    "Chair started transcription",
    "\nChair (NHS England)   0:03\nthat from. Let's see.",
    "\nGP, London   0:03\nStructural.\nBut.",
    "\nChair (NHS England)   0:19\nYeah.",
    "Chair stopped transcription",
]
TEAMS_OLD = [
    "0:0:3.120 --> 0:0:7.340",
    "Chair",
    "Welcome, all.",
    "",
    "0:0:8.0 --> 0:0:9.5",
    "GP, London",
    "Thank you.",
    "",
    "0:0:9.5 --> 0:0:11.0",
    "Chair",
    "Right.",
]


def document(paragraphs: list[str]) -> bytes:
    """Write a Word document, as another program does."""
    file = io.BytesIO()
    made = docx.Document()
    for paragraph in paragraphs:
        made.add_paragraph(paragraph)
    made.save(file)
    return file.getvalue()


def test_teams_documents_are_read() -> None:
    """Newer documents of Teams, with names and times above the words, and older ones with both times."""
    assert cues(document(TEAMS_NEW), "Meeting.docx") == [
        (3_000, 6_655, "Chair (NHS England)", "that from. Let's see."),
        (6_655, 9_440, "GP, London", "Structural. But."),
        (19_000, 21_600, "Chair (NHS England)", "Yeah."),
    ]
    read = brought(document(TEAMS_NEW), "Meeting.docx")
    assert isinstance(read, Transcript)
    assert [repair.split(":")[1] for repair in read.repairs] == [
        " 'Chair stopped transcription' was left out",
        " what stands before the first time was taken for a heading, not words",
    ]
    expected = [
        (3_120, 7_340, "Chair", "Welcome, all."),
        (8_000, 9_500, "GP, London", "Thank you."),
        (9_500, 11_000, "Chair", "Right."),
    ]
    assert cues(document(TEAMS_OLD), "Meeting.docx") == expected
    assert cues(document(["\n".join(TEAMS_OLD)]), "Meeting.docx") == expected


def test_captions_and_tables_pasted_into_word_are_read() -> None:
    """WebVTT and SubRip in a document, each line a paragraph, and a table with a time, a name and words in each row."""
    expected = [(1_000, 2_000, "Chair", "Hello there."), (3_000, 4_000, "Chair", "Bye 2.")]
    vtt = "WEBVTT\n\n1\n00:01.000 --> 00:02.000\n<v Chair>Hello there.\n\n2\n00:03.000 --> 00:04.000\n<v Chair>Bye 2."
    assert cues(document(vtt.split("\n")), "a.docx") == expected
    subrip = vtt.removeprefix("WEBVTT\n\n").replace("00:0", "00:00:0").replace(".000", ",000")
    assert cues(document(subrip.split("\n")), "a.docx") == expected
    made, file = docx.Document(), io.BytesIO()
    table = made.add_table(rows=0, cols=3)
    for row in (
        ("00:01", "Chair", "Hello."),
        ("00:02", "GP", "Yes."),
        ("00:03", "Chair", "So."),
        ("00:05", "GP", "No."),
    ):
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    made.save(file)
    assert [row[2:] for row in cues(file.getvalue(), "a.docx")] == [
        ("Chair", "Hello."),
        ("GP", "Yes."),
        ("Chair", "So."),
        ("GP", "No."),
    ]


def test_somebody_who_speaks_once_is_a_speaker_where_all_cues_name_one() -> None:
    """A name that Zoom put before words once is a voice, which consent is asked of, and no part of what was said."""
    lines = ["Chair: One", "Guest: two", "Chair: three", "GP: four", "Chair: five"]
    text = "".join(f"\n00:0{at}.000 --> 00:0{at}.900\n{line}\n" for at, line in enumerate(lines, 1))
    assert [row[2] for row in cues(f"WEBVTT\n{text}", VTT)] == ["Chair", "Guest", "Chair", "GP", "Chair"]


def test_a_document_with_names_is_read_and_any_other_is_refused() -> None:
    """A document with `Chair: ` before the words has turns; minutes are no transcript, and the hint asks for .vtt."""
    assert brought(document(["Chair: Hello.", "GP: Yes.", "Chair: Bye."]), "a.docx") == (
        Turn(text="Hello.", speaker="Chair"),
        Turn(text="Yes.", speaker="GP"),
        Turn(text="Bye.", speaker="Chair"),
    )
    message, hint = refusal(document(["Minutes of the meeting", "We met at 10:30."]), "a.docx")
    assert message == "is not laid out as a transcript: neither times nor names stand before the words"
    assert "Download as .vtt" in hint


def archive(parts: dict[str, bytes]) -> bytes:
    """Pack a ZIP file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in parts.items():
            packed.writestr(name, data)
    return file.getvalue()


ENTITY = b'<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><d>&a;</d>'
HOSTILE_DOCUMENTS = {
    "no archive": (b"Chair: Hello", "is no Word document, or a damaged one"),
    "nothing": (b"", "is no Word document, or a damaged one"),
    "another archive": (archive({"a.txt": b"x"}), "is no Word document"),
    "damaged XML": (archive({"word/document.xml": b"<a><b></a>"}), "is a damaged Word document"),
    "an entity": (archive({"word/document.xml": ENTITY}), "holds a document type, which no program writes there"),
    "half a document": (document(TEAMS_NEW)[:-900], "is no Word document, or a damaged one"),
}


@pytest.mark.parametrize(("data", "message"), HOSTILE_DOCUMENTS.values(), ids=HOSTILE_DOCUMENTS.keys())
def test_documents_that_are_none_are_refused(data: bytes, message: str) -> None:
    """Whatever is called .docx, nothing outside it is read, and what it is not is said."""
    assert refusal(data, "a.docx")[0] == message


def test_a_document_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a document says of its size is not believed: reading stops at the limit."""
    monkeypatch.setattr(documents, "MAX_TEXT_BYTES", 100_000)
    bomb = archive({"word/document.xml": b"<a>" + b" " * 10_000_000})
    assert len(bomb) < 20_000
    assert refusal(bomb, "a.docx")[0] == "holds more than 100,000 bytes of text"
    monkeypatch.setattr(documents, "MAX_DOCUMENT_BYTES", 10)
    assert "more than the 10 allowed" in refusal(bomb, "a.docx")[0]


TEXTS: dict[str, tuple[str, list[tuple[int, str | None, str]]]] = {
    "Otter": (
        OTTER,
        [
            (3_000, "Chair", "Welcome to all. This is it."),
            (9_000, "GP, London", "Yeah."),
            (3_723_000, "Chair", "Bye all."),
        ],
    ),
    "Otter without names": (
        "0:21  \nEverybody\n\n0:24\nAnd I'm.\n",
        [(21_000, None, "Everybody"), (24_000, None, "And I'm.")],
    ),
    "Word's own recogniser": (
        "Transcript\n00:00:03 Speaker 1\nHello there.\n00:00:09 Speaker 2\nHi.\n00:00:12 Speaker 1\nSo.\n",
        [(3_000, "Speaker 1", "Hello there."), (9_000, "Speaker 2", "Hi."), (12_000, "Speaker 1", "So.")],
    ),
    "times in brackets": (
        "[00:03] Chair: Hello.\n[00:09] GP: Hi, 10:30.\n",
        [(3_000, "Chair", "Hello."), (9_000, "GP", "Hi, 10:30.")],
    ),
    "times after names": (
        "Chair (0:03):\nHello.\n\nGP (0:09):\nHi.\n",
        [(3_000, "Chair", "Hello."), (9_000, "GP", "Hi.")],
    ),
    "SubRip by another name": ("1\n00:00:01,000 --> 00:00:02,000\nhello\n", [(1_000, None, "hello")]),
    "WebVTT by another name": ("WEBVTT\n\n00:01.000 --> 00:02.000\n<v Chair>hello\n", [(1_000, "Chair", "hello")]),
}


@pytest.mark.parametrize(("text", "expected"), TEXTS.values(), ids=TEXTS.keys())
def test_texts_with_times_are_read(text: str, expected: list[tuple[int, str | None, str]]) -> None:
    """A text with times in front of or above the words is a transcript; each turn ends when the next begins."""
    assert [(start_ms, speaker, said) for start_ms, _, speaker, said in cues(text, "a.txt")] == expected


UNTIMED = {
    "names": (
        "Chair: Welcome.\nAll.\n\nGP: The trust said: no.\n\nChair: Bye\n",
        ["Chair|Welcome. All.", "GP|The trust said: no.", "Chair|Bye"],
    ),
    "names above": (
        "CHAIR:\nWelcome.\n\nGP:\nNo.\n\nCHAIR:\nYes.\n\nGP:\nx",
        ["CHAIR|Welcome.", "GP|No.", "CHAIR|Yes.", "GP|x"],
    ),
    "mere text": (
        "Just text. We meet at 10:30\n\nOne thing: another.",
        ["|Just text. We meet at 10:30", "|One thing: another."],
    ),
    "times of day": ("[Chair] 10:41:32\nHello\n\n[GP] 10:41:50\nyes\n", ["Chair|Hello", "GP|yes"]),
    "a second paragraph": (
        "Chair: One.\n\nTwo.\n\nGP: Three.\n\nChair: Four.\n\nGP: 5",
        ["Chair|One.", "Chair|Two.", "GP|Three.", "Chair|Four.", "GP|5"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), UNTIMED.values(), ids=UNTIMED.keys())
def test_texts_without_times_are_turns(text: str, expected: list[str]) -> None:
    """A text without times is turns, with whoever speaks where the text says so; it can be kept as text."""
    turns = brought(text, "a.txt")
    assert isinstance(turns, tuple)
    assert [f"{turn.speaker or ''}|{turn.text}" for turn in turns] == expected
    assert brought(words.turns_text(turns), "a.txt") == turns


def test_long_turns_are_cut_at_sentences_that_share_its_time() -> None:
    """Half a minute of one person becomes cues that end with sentences and follow each other."""
    text = " ".join(f"This is sentence number {number}, and it is said." for number in range(8))
    read = cues(f"Chair  0:10\n{text}\n\nGP  0:40\nYes.\n", "a.txt")[:-1]
    assert " ".join(row[3] for row in read) == text
    assert all(row[3].endswith(".") and len(row[3]) <= 120 for row in read)
    assert (read[0][0], read[-1][1]) == (10_000, 40_000)
    assert all(before[1] == after[0] for before, after in itertools.pairwise(read))


def test_what_is_left_out_of_a_text_without_times_is_said() -> None:
    """A heading, the time of day and a program's own line are no words, and so is said of each."""
    text = "Minutes\n\n[Chair] 14:03:02\nWelcome.\n[GP] 14:03:09\nThank you.\nThe Chair stopped transcription\n"
    read = brought(text, "a.txt")
    assert isinstance(read, words.Turns)
    assert read == (Turn(text="Welcome.", speaker="Chair"), Turn(text="Thank you.", speaker="GP"))
    for each in (
        "heading, not words: 'Minutes'",
        "a clock on the wall",
        "'The Chair stopped transcription' was left out",
    ):
        assert any(each in sentence for sentence in read.repairs)


def test_an_arrow_and_a_time_in_what_is_said_head_no_words() -> None:
    """They stay words, also where every turn ends with them."""
    said = "We said --> 00:00:01.000 --> 00:00:02.000"
    read = brought(f"Chair: {said}\n\nGP: {said}\n", "a.txt")
    assert read == (Turn(text=said, speaker="Chair"), Turn(text=said, speaker="GP"))


def test_json_of_podcasts_and_of_recognisers_is_read() -> None:
    """Podcasting 2.0's segments and Whisper's give the same cues; single words are joined."""
    ours = {
        "version": "1.0.0",
        "segments": [{"startTime": 0.5, "endTime": 1.25, "body": "Hi there all", "speaker": "GP"}],
    }
    assert cues(json.dumps(ours), "a.json") == [(500, 1_250, "GP", "Hi there all")]
    odd = [{"start": 0, "end": 1, "body": None, "text": "Kept"}, {"start": 1, "end": 2, "text": 42}]
    read = brought(json.dumps(odd), "a.json")
    assert isinstance(read, Transcript)
    assert [cue.text for cue in read.cues] == ["Kept"]
    assert read.repairs == ("line 1: segment 2 was left out: what it says is no text",)
    whisper = {"text": " Hi", "segments": [{"id": 0, "start": 0.5, "end": 1.25, "text": " Hi there all", "words": []}]}
    assert cues(json.dumps(whisper), "a.json") == [(500, 1_250, None, "Hi there all")]
    assert cues(json.dumps([{"start": 1, "text": "no end"}]), "a.json") == [(1_000, 1_001, None, "no end")]
    each = [
        {"startTime": at / 2, "endTime": at / 2 + 0.4, "body": word}
        for at, word in enumerate(["Yes", ",", "we", "can", ".", "So"])
    ]
    assert cues(json.dumps({"segments": each}), "a.json") == [
        (0, 2_400, None, "Yes, we can."),
        (2_500, 2_900, None, "So"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: is not JSON: Expecting value"),
        ("[" * 100_000, "is not JSON"),
        ('{"segments": 3}', "is not JSON with segments"),
        ('{"segments": []}', "holds no segment with words"),
        ('{"segments": [{"body": "a"}]}', "segment 1 has words and no time at which they start"),
        ('{"segments": [{"start": NaN, "text": "a"}]}', "segment 1 has words and no time at which they start"),
        ('{"segments": [{"start": 1e999999999, "text": "a"}]}', "segment 1 has words and no time at which they start"),
    ],
)
def test_json_that_is_no_transcript_is_refused(text: str, message: str) -> None:
    """JSON of another shape, or with impossible times, is refused in words."""
    assert refusal(text, "a.json")[0] == message


@given(st.binary(max_size=300), st.sampled_from([".vtt", ".srt", ".json", ".docx", ".txt", ".pdf"]))
def test_any_bytes_are_read_or_refused(data: bytes, suffix: str) -> None:
    """Whatever somebody brings, there is a transcript with words, or a sentence."""
    try:
        read = brought(data, f"a{suffix}")
    except WordsError:
        return
    assert all(each.text for each in (read.cues if isinstance(read, Transcript) else read))


def test_what_lies_beside_a_recording_is_found_by_its_name() -> None:
    """Zoom, Teams and Otter name a transcript after the recording, each in its own way."""
    zoom = ["GMT20240101-120000_Recording.cc.vtt", "GMT20240101-120000_Recording.transcript.vtt", "other.vtt"]
    assert words.beside("GMT20240101-120000_Recording_1920x1080.mp4", zoom)[0] == zoom[1]
    assert words.beside("GMT20240101.m4a", ["GMT20240101.transcript.vtt", "GMT20240102.vtt"]) == (
        "GMT20240101.transcript.vtt",
    )
    teams = ["Set-20240101_120000-Meeting Transcript.docx", "Set-20240101_120000-Meeting Transcript.vtt", "Set.pdf"]
    assert words.beside("Set-20240101_120000-Meeting Recording.mp4", teams) == (teams[1], teams[0])
    assert words.beside("Set.mp4", ["Set.docx", "Set.en.srt", "Set_otter_ai.txt", ".Set.vtt", "Set 2.vtt"]) == (
        "Set.en.srt",
        "Set.docx",
        "Set_otter_ai.txt",
    )
    assert words.beside("Meeting with GP.mp4", ["Meeting with IT.vtt", "notes.txt"]) == ()


def test_what_is_brought_into_a_folder_is_told_from_its_own_files() -> None:
    """Captions always, other files where their name says so; never what the pipeline itself wrote."""
    own = [
        "transcript.vtt",
        "Transcript.SRT",
        "notes.md",
        "chapters.toml",
        "report.html",
        "recording.wav",
        "consent.docx",
    ]
    assert words.brought_names(own) == ()
    names = [
        *own,
        "x.vtt",
        "transcript.txt",
        "recording.docx",
        "My Transcript.docx",
        "y.json",
        "z.SRT",
        "~$recording.docx",
    ]
    assert words.brought_names(names) == ("x.vtt", "z.SRT", "My Transcript.docx", "recording.docx", "transcript.txt")


def test_a_draft_carries_its_mark_and_every_cue_as_it_is() -> None:
    """The mark stands right after the header; long and short cues come back whole, with their times."""
    long = " ".join(f"word{number}" for number in range(80))
    made = Transcript(
        language="en-GB",
        cues=(
            Cue(start_ms=0, end_ms=1, text=long, speaker="A & <B>"),
            Cue(start_ms=5, end_ms=90_000, text="NOTE --> <v x>", speaker=None),
        ),
        origin=VTT,
    )
    data = words.draft_webvtt(made)
    assert data.startswith(f"WEBVTT\n\n{DRAFT_MARKS[Part.TRANSCRIPT]}\n\n".encode())
    assert is_marked(data.decode(), Part.TRANSCRIPT)
    assert brought(data, VTT) == made


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, str]:
    """Make captions of numbered words and damage lines: dropped, doubled, blanked, moved, joined."""
    is_subrip = draw(st.booleans())
    lines = [] if is_subrip else ["WEBVTT", ""]
    for at in range(draw(st.integers(1, 6))):
        stamp = f"00:00:{at:02},000 --> 00:00:{at:02},900".replace(",", "," if is_subrip else ".")
        lines += [str(at + 1), stamp, f"word{at}a word{at}b", ""]
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(lines) - 2))
        match draw(st.integers(0, 4)):
            case 0 if "word" not in lines[place]:
                del lines[place]
            case 1 if "word" not in lines[place]:
                lines.insert(place, lines[place])
            case 2 if "word" not in lines[place]:
                lines[place] = " "
            case 3:
                lines.insert(draw(st.integers(0, len(lines) - 1)), lines.pop(place))
            case 4:
                lines[place : place + 2] = [f"{lines[place]} {lines[place + 1]}"]
        if len(lines) < 2:
            break
    return SRT if is_subrip else VTT, "\n".join(lines)


@given(damaged())
def test_damage_loses_no_word(file: tuple[str, str]) -> None:
    """However the lines of captions are damaged, each word is read once, or the file is refused with a line."""
    name, text = file
    try:
        read = brought(text, name)
    except WordsError as error:
        if not error.message.startswith("line "):
            raise
        return
    assert isinstance(read, Transcript)
    said = sorted(word for cue in read.cues for word in cue.text.split() if word.startswith("word"))
    told = " ".join(read.repairs)
    for word in (word for word in text.split() if word.startswith("word")):
        assert said.count(word) == 1 or (word in told and not said.count(word))


@given(
    st.lists(
        st.sampled_from(
            [
                "Chair  0:0{}",
                "GP, Leeds  1:0{}",
                "[0:0{}] GP: @",
                "0:0{} @",
                "GP: @",
                "Chair:",
                "@",
                "@ @.",
                "",
                "0:0{}",
            ]
        ),
        min_size=1,
        max_size=14,
    )
)
def test_a_text_of_any_layout_loses_no_word(layout: list[str]) -> None:
    """Whatever heads stand where, each word is read once, in order, or what was left out is told."""
    count = 0
    lines = []
    for at, line in enumerate(layout):
        filled = line.replace("{}", str(min(at, 9)))
        while "@" in filled:
            filled, count = filled.replace("@", f"word{count}", 1), count + 1
        lines.append(filled)
    try:
        read = brought("\n".join(lines), "a.txt")
    except WordsError as error:
        assert count == 0, error.message  # noqa: PT017 - only a text without words may be refused
        return
    rows = read.cues if isinstance(read, Transcript) else read
    told = " ".join(read.repairs) if isinstance(read, Transcript) else ""
    said = " ".join(f"{row.speaker or ''} {row.text}" for row in rows)
    for number in range(count):
        assert f"word{number}" in said or "taken for a heading" in told
    found = [int(word.strip(".").removeprefix("word")) for word in said.split() if word.startswith("word")]
    assert len(found) == len(set(found))
