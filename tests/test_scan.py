"""scan: files of every kind searched from the command, as tables and as JSON, and what cannot be read."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli import scanning
from pipeline.cli.screen import Screen
from pipeline.errors import MediaError

NUMBER = "999 123 5140"
TRANSCRIPT = """WEBVTT

00:00:01.000 --> 00:00:02.000
<v Chair>So it was nine nine nine

00:01:02.003 --> 00:01:04.000
<v Chair>one two three, um, five one four oh

00:01:05.000 --> 00:01:06.000
<v Clinician>Thank you.
"""
SUBRIP = "1\n00:00:01,000 --> 00:00:02,000\nWrite to m.quill@example.org now\n"


def scan(path: Path, *, as_json: bool = True, names: bool = False) -> bool:
    """Scan a file as the command does."""
    return scanning.scan(path, Screen(), as_json=as_json, names=names)


def written(folder: Path, name: str, content: str | bytes) -> Path:
    """Write a file."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.fixture
def out(capsys: pytest.CaptureFixture[str]):
    """Return what was printed so far."""
    return lambda: capsys.readouterr().out


def test_rows_give_a_line_each(tmp_path: Path, out) -> None:
    """Each row of a .jsonl gives one line of JSON in order, also one without findings; ids come back as they are."""
    rows = [{"id": 7, "text": f"É It is {NUMBER}."}, {"id": "b", "text": "Nothing."}, {"text": "Or 07700 900123."}]
    path = written(tmp_path, "rows.jsonl", "\ufeff" + "\n\n".join(json.dumps(row) for row in rows))
    assert scan(path)
    first, second, third = [json.loads(line) for line in out().splitlines()]
    assert first == {
        "id": 7,
        "findings": [{"type": "NHS_NUMBER", "start": 8, "end": 20, "text": NUMBER, "severity": "certain"}],
    }
    assert second == {"id": "b", "findings": []}
    assert third["id"] == 5
    assert third["findings"][0]["type"] == "PHONE"


def test_rows_are_answered_one_by_one(tmp_path: Path, out) -> None:
    """What stands before a broken row is answered before the row is refused by its number."""
    path = written(tmp_path, "rows.jsonl", '{"id": 1, "text": "Fine."}\n{"id": 2, "text": }\n')
    with pytest.raises(MediaError, match="line 2 is not JSON"):
        scan(path)
    assert json.loads(out()) == {"id": 1, "findings": []}


def test_half_a_character_is_no_end_of_the_answer(tmp_path: Path, out) -> None:
    """Half of a surrogate pair, which JSON can hold, comes back escaped."""
    path = written(tmp_path, "rows.jsonl", '{"id": "\\ud800", "text": "\\ud800 07700 900123"}')
    assert scan(path)
    assert json.loads(out())["findings"][0]["start"] == 2


def test_a_transcript_is_searched_across_cues(tmp_path: Path, out) -> None:
    """Cues of one speaker are joined; a finding says in which cue and when it begins, and the words around it."""
    assert scan(written(tmp_path, "talk.vtt", TRANSCRIPT))
    answer = json.loads(out())
    (finding,) = answer["findings"]
    assert answer["id"] == "talk.vtt"
    assert finding["type"] == "NHS_NUMBER"
    assert (finding["cue"], finding["time"]) == (1, "00:00:01.000")
    assert finding["around"].startswith("So it was nine nine nine one two three")
    assert finding["end"] - finding["start"] == len(finding["text"])


def test_a_later_cue_has_its_time(tmp_path: Path, out) -> None:
    """Hours, minutes and milliseconds stand in the time of a cue."""
    text = TRANSCRIPT.replace("So it was nine nine nine", "So it was").replace("one two", "999 one two")
    assert scan(written(tmp_path, "talk.vtt", text.replace("00:01:0", "03:01:0")))
    (finding,) = json.loads(out())["findings"]
    assert (finding["cue"], finding["time"]) == (2, "03:01:02.003")


def test_subrip_and_words(tmp_path: Path, out) -> None:
    """SubRip, Markdown and plain text are searched; start and end count characters of the text."""
    for name, content in (
        ("a.srt", SUBRIP),
        ("b.md", "# É\n\nWrite to m.quill@example.org"),
        ("c.TXT", "m.quill@example.org"),
    ):
        assert scan(written(tmp_path, name, content))
        (finding,) = json.loads(out())["findings"]
        assert (finding["type"], finding["text"]) == ("EMAIL", "m.quill@example.org")
    assert (finding["start"], finding["end"]) == (0, 19)
    assert "cue" not in finding


@pytest.mark.parametrize(
    ("name", "content", "where"),
    [
        ("a.vtt", TRANSCRIPT, "00:00:01.000"),
        ("a.txt", f"One\nTwo {NUMBER}\n", "line 2"),
        ("a.jsonl", json.dumps({"id": "x", "text": NUMBER}), "line 1, x"),
    ],
)
def test_people_read_a_table(tmp_path: Path, out, name: str, content: str, where: str) -> None:
    """Without --json there is a row for each finding: kind, severity, where, and the words around it."""
    assert scan(written(tmp_path, name, content), as_json=False)
    heading, row, last = out().splitlines()
    assert heading.split() == ["Kind", "Severity", "Where", "Words"]
    assert row.startswith(f"NHS_NUMBER  certain   {where}")
    assert last == "1 finding: a person must look at each."


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.md"])
def test_nothing_found_is_said(tmp_path: Path, out, name: str) -> None:
    """A file with nothing in it is told so."""
    path = written(tmp_path, name, json.dumps({"id": 1, "text": "All well."}))
    assert not scan(path, as_json=False)
    assert out() == "No findings.\n"


def test_names_are_found_with_the_model(tmp_path: Path, out) -> None:
    """With names, a name that no rule knows is found; without, it is not."""
    path = written(tmp_path, "a.txt", "The nurse told Rachel Turner that her scan was clear.")
    assert not scan(path)
    out()
    assert scan(path, names=True)
    assert json.loads(out())["findings"][0]["type"] == "PERSON"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", "[1]", 'line 1 has no "text" that holds words'),
        ("a.jsonl", '{"id": 1}', 'line 1 has no "text" that holds words'),
        ("a.jsonl", '{"id": 1, "text": 5}', 'line 1 has no "text" that holds words'),
        ("a.jsonl", '\n{"id": 1, "text": "', "line 2 is not JSON"),
        ("a.jsonl", "[" * 100_000, "line 1 is not JSON"),
        ("a.jsonl", b'{"id": 1, "text": "\xff"}', "line 1 is not UTF-8"),
        ("a.jsonl", '{"id": 1, "text": "' + "a" * 5_000_000 + '"}', "line 1 has more than the 5,000,000 bytes allowed"),
        ("a.txt", b"One\nTwo\xff\n", "line 2 is not UTF-8"),
        ("a.md", b"a" * 20_000_001, "has more than the 20,000,000 bytes allowed"),
        ("a.vtt", "No header", "line 1: the file starts with"),
        ("a.pdf", "%PDF", "is not a kind of file that scan reads"),
        ("a", "Words", "is not a kind of file that scan reads"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    """A file that cannot be read is named, with the line and what to do."""
    path = written(tmp_path, name, content)
    with pytest.raises(MediaError) as raised:
        scan(path)
    assert message in raised.value.message
    assert raised.value.source == path
    assert raised.value.hint


@pytest.mark.parametrize("name", ["missing.txt", "missing.jsonl", "missing.vtt"])
def test_a_missing_file_is_said(tmp_path: Path, name: str) -> None:
    """A path without a file, or a folder, is an error of the workspace."""
    with pytest.raises(MediaError, match="cannot be read: No such file"):
        scan(tmp_path / name)
    (tmp_path / name).mkdir()
    with pytest.raises(MediaError, match="cannot be read: Is a directory"):
        scan(tmp_path / name)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said() -> None:
    """An answer that cannot be written is an error of the output, not a traceback."""
    code = "import sys; from pipeline.cli import run; sys.exit(run(['scan', '--json', '--no-names', 'README.md']))"
    root = Path(__file__).parents[1]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        ran = subprocess.run(
            [sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=root
        )
    assert ran.returncode == 1
    assert "Error: the output: cannot be written" in ran.stderr
    assert "Traceback" not in ran.stderr
