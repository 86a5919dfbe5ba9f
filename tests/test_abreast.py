"""Episodes searched and rendered by several processes: the same findings, files and errors as by one."""

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import build
from pipeline.build import abreast, finding, memory, outputs
from pipeline.errors import TemplateError
from pipeline.model import Edition
from pipeline.workspace import Workspace
from tests import samples, studio
from tests.test_build import NOW, Heard, files, release
from tests.test_memory import SLUGS, know_nothing

_ORPHAN = """
import os, time
from pipeline.build import processes

if __name__ == "__main__":
    pool = processes.pool(1, len, b"")
    print(pool.submit(os.getpid).result(), flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of three episodes, built by one process."""
    root = studio.workspace(tmp_path_factory.mktemp("abreast") / "w", *SLUGS)
    (root / "templates").mkdir()
    release(root)
    return root


@pytest.fixture
def root(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, of which nothing is known, and that two processes are enough for."""
    made = studio.copy_workspace(original, tmp_path / "w")
    know_nothing(made)
    monkeypatch.setattr(abreast, "ENOUGH", 1)
    monkeypatch.setattr(finding, "ENOUGH", 1)
    return made


def by_two(root: Path) -> build.Built:
    """Build a workspace with two processes at most."""
    with ThreadPoolExecutor(2) as executor:
        return build.release(Workspace(root=root), now=NOW, executor=executor, report=Heard(), jobs=2)


def refused(*_: object) -> outputs.Files:
    """Stand where this process would render or search an episode itself."""
    raise AssertionError("done by the process that builds")


def dying(*_: object) -> None:
    """End a process as the system does that has no memory left."""
    os._exit(1)


def test_several_processes_write_what_one_does(root: Path, original: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether files stand already or not, they are the same to the byte, and none is rendered twice."""
    found = files(original / "site")
    (root / "site/episodes/beta/index.html").unlink()
    (root / "site/transcripts/alpha.srt").write_text("Mine")
    monkeypatch.setattr(outputs.Outputs, "of_episode", refused)
    made = by_two(root)
    assert (made.written, files(root / "site")) == (2, found)
    know_nothing(root)
    for path in (root / "site").rglob("*.html"):
        path.unlink()
    by_two(root)
    assert files(root / "site") == found


def test_several_processes_find_what_one_does(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could identify a patient is remembered as ever, and no text is searched twice."""
    searched = files(root / ".cache/findings")
    assert len(searched) == len(SLUGS)
    shutil.rmtree(root / ".cache/findings")
    monkeypatch.setattr(finding.Finder, "_looked", refused)
    by_two(root)
    assert files(root / ".cache/findings") == searched


def test_a_process_that_dies_while_it_searches_costs_nothing_but_time(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it should have searched is searched here."""
    searched = files(root / ".cache/findings")
    shutil.rmtree(root / ".cache/findings")
    monkeypatch.setattr(finding, "_search", dying)
    by_two(root)
    assert files(root / ".cache/findings") == searched


def test_what_is_wrong_with_an_episode_is_said_as_ever(root: Path) -> None:
    """A template that fails with one episode is named, with its line and the episode; the site stays as it was."""
    template = root / "templates/transcript.html.jinja"
    template.write_text("Fine\n{{ 1 // (0 if episode.slug == 'beta' else 1) }}\n")
    before = files(root / "site")
    with pytest.raises(TemplateError, match="episode beta") as caught:
        by_two(root)
    assert str(caught.value.source) == f"{template}:2"
    assert files(root / "site") == before


def test_a_process_that_dies_costs_nothing_but_time(
    root: Path, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it should have rendered is rendered here."""
    monkeypatch.setattr(abreast, "_render", dying)
    (root / "site/episodes/beta/index.html").unlink()
    by_two(root)
    assert files(root / "site") == files(original / "site")


def test_an_edition_reaches_another_process_whole() -> None:
    """Every kind of value that an edition holds comes back as it was."""
    edition = samples.edition()
    edition = replace(edition, items=tuple(map(memory.without_words, edition.items)))
    come = memory.unpacked(memory.packed(edition), Edition)
    assert replace(come, items=tuple(map(memory.without_words, come.items))) == edition


@pytest.mark.skipif(os.name == "nt", reason="a process is asked after by a signal")
def test_a_process_ends_with_the_build_that_was_killed(tmp_path: Path) -> None:
    """Nothing goes on working for a build that is no more."""
    script, here = tmp_path / "orphan.py", Path(__file__).parents[1]
    script.write_text(_ORPHAN)
    environment = {**os.environ, "PYTHONPATH": str(here)}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, env=environment) as killed:
        assert killed.stdout
        process = int(killed.stdout.readline())
        killed.kill()
    for _ in range(200):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("it is still there")
