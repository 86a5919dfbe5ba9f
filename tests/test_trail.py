"""The trail: every line follows the one before, and whatever is changed shows."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import WorkspaceError
from pipeline.trust import trail

WRITER = """
import sys
from pathlib import Path
from pipeline.trust import trail
for number in range(40):
    trail.note(Path(sys.argv[1]), "decide", slug="alpha", number=number)
"""


def written(path: Path, count: int = 5) -> Path:
    """Write a trail of some lines."""
    for number in range(count):
        trail.note(path, "decide", slug="alpha", number=number)
    return path


def faults(path: Path) -> list[str]:
    """Say what is wrong with a trail."""
    return [problem.message for problem in trail.verify(path, source=path.name)[0] if problem.fatal]


def test_a_trail_as_written_is_whole(tmp_path: Path) -> None:
    """Lines are numbered, each names the one before, and the last one's hash is told."""
    path = written(tmp_path / "audit.jsonl")
    entries = list(trail.entries(path))
    assert [entry.number for entry in entries] == [1, 2, 3, 4, 5]
    assert entries[0].before == trail.START
    assert [entry.before for entry in entries[1:]] == [entry.sha256 for entry in entries[:-1]]
    assert trail.verify(path, source="audit.jsonl") == ((), entries[-1].sha256)
    assert trail.head(path) == entries[-1].sha256


def test_a_trail_that_is_not_there_is_empty(tmp_path: Path) -> None:
    """Before anything is done there is nothing to be wrong."""
    assert trail.verify(tmp_path / "audit.jsonl", source="audit.jsonl") == ((), trail.START)
    assert trail.holds(tmp_path / "audit.jsonl", trail.START)


@pytest.mark.parametrize("line", range(4))
def test_a_line_that_was_changed_shows(tmp_path: Path, line: int) -> None:
    """A word changed in any line but the last breaks the chain at the line after it."""
    path = written(tmp_path / "audit.jsonl")
    lines = path.read_text().splitlines(keepends=True)
    lines[line] = lines[line].replace('"alpha"', '"omega"')
    path.write_text("".join(lines))
    assert faults(path) == [f"line {line + 2} does not follow the line before: a line was changed, removed or put in"]


@given(data=st.data())
def test_lines_removed_doubled_or_exchanged_show(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """No other order of the same lines, and no part of them but the beginning, passes for a whole trail."""
    path = written(tmp_path_factory.mktemp("trail") / "audit.jsonl")
    lines = path.read_text().splitlines(keepends=True)
    chosen = data.draw(st.lists(st.sampled_from(lines), max_size=7))
    path.write_text("".join(chosen))
    assert bool(faults(path)) is (chosen != lines[: len(chosen)])


def test_missing_lines_at_the_end_show_to_whom_has_noted_the_last(tmp_path: Path) -> None:
    """The chain alone cannot tell that its end is gone; the hash of the last line can."""
    path = written(tmp_path / "audit.jsonl")
    noted = trail.head(path)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    assert faults(path) == []
    assert not trail.holds(path, noted)


def test_a_half_written_line_is_closed_off(tmp_path: Path) -> None:
    """After a run that was killed while it wrote, the next line follows the last whole one, and a warning says so."""
    path = written(tmp_path / "audit.jsonl", 2)
    with path.open("ab") as file:
        file.write(b'{"number": 3, "at"')
    trail.note(path, "publish")
    problems, _ = trail.verify(path, source="audit.jsonl")
    assert [(problem.message, problem.fatal) for problem in problems] == [("line 3 cannot be read", False)]
    assert [entry.number for entry in trail.entries(path)] == [1, 2, 3]


def test_several_programs_write_one_chain(tmp_path: Path) -> None:
    """Three programs that write at the same time leave one chain with every line of each."""
    path = tmp_path / "audit.jsonl"
    root = Path(__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    programs = [subprocess.Popen([sys.executable, "-c", WRITER, str(path)], env=environment) for _ in range(3)]
    assert [program.wait(timeout=60) for program in programs] == [0, 0, 0]
    assert faults(path) == []
    assert len(list(trail.entries(path))) == 120


def test_a_trail_that_cannot_be_written_stops_what_would_leave_none(tmp_path: Path) -> None:
    """Where no line can be added, nothing is done without one."""
    path = tmp_path / "audit.jsonl"
    path.mkdir()
    with pytest.raises(WorkspaceError, match="cannot be written"):
        trail.note(path, "publish")


def test_no_line_holds_what_was_said(tmp_path: Path) -> None:
    """A line holds what it was given and nothing of the machine but the user's name."""
    path = tmp_path / "audit.jsonl"
    trail.note(path, "decide", slug="alpha", said="0" * 64)
    line = json.loads(path.read_text())
    assert set(line) == {"number", "at", "what", "slug", "who", "facts", "before"}
    assert line["facts"] == {"said": "0" * 64}
