"""A build of which nothing has changed: told by stamps, in no time; every change that can be is noticed."""

import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline import build
from pipeline.build import standing
from pipeline.cache import Cache
from pipeline.errors import MediaError
from pipeline.workspace import Workspace
from tests import studio
from tests.test_build import NOW, Heard, files, release

Change = Callable[[Path], object]


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count whole builds; files count as settled at once."""
    counted: list[int] = []
    survey = build.survey

    def counting(*given: object, **named: object) -> object:
        counted.append(1)
        return survey(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(build, "survey", counting)
    monkeypatch.setattr(standing, "_SETTLED_NS", 0)
    return counted


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of two episodes, built; the second is due in December."""
    root = studio.workspace(tmp_path_factory.mktemp("standing") / "w", "alpha", "beta")
    episode = root / "episodes/beta/episode.toml"
    episode.write_text(episode.read_text().replace("published = 2026-10-", "published = 2026-12-"))
    (root / "templates").mkdir()
    release(root)
    return root


@pytest.fixture
def root(original: Path, tmp_path: Path, whole: list[int]) -> Path:
    """A copy of it, built twice, so that it stands."""
    made = studio.copy_workspace(original, tmp_path / "w")
    release(made)
    release(made)
    whole.clear()
    return made


def test_nothing_changed_is_told_without_a_build(root: Path, whole: list[int]) -> None:
    """The second time nothing is surveyed, and what is returned and warned of is what a whole build says."""
    first, again, heard = Heard(), Heard(), Heard()
    expected = release(root, force=True, report=first)
    whole.clear()
    release(root, report=again)
    whole.clear()
    found = release(root, report=heard)
    assert whole == []
    assert heard.warnings == again.warnings
    assert (found.written, found.removed, found.mastered) == (0, 0, 0)
    assert (found.release, found.episodes, found.identities) == (
        expected.release,
        expected.episodes,
        expected.identities,
    )
    assert found.unchanged == again_unchanged(root)


def again_unchanged(root: Path) -> int:
    """Count the files that a build leaves as they are."""
    return len(files(root / "site")) - 1  # the mark is no file of the release


def touched(name: str) -> Change:
    """Write a file anew with the same length and the same time, as a copying program does."""

    def change(root: Path) -> None:
        path = root / name
        times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
        path.write_bytes(path.read_bytes())
        os.utime(path, ns=times)

    return change


CHANGES: dict[str, Change] = {
    "settings": touched("cln_media.toml"),
    "artwork": touched("artwork.png"),
    "episode": touched("episodes/alpha/episode.toml"),
    "notes": touched("episodes/alpha/notes.md"),
    "transcript": touched("episodes/alpha/transcript.vtt"),
    "recording": touched("episodes/alpha/recording.wav"),
    "a new file of an episode": lambda root: (root / "episodes/alpha/chapters.toml").write_text(""),
    "a file of an episode gone": lambda root: (root / "episodes/alpha/transcript.vtt").unlink(),
    "an episode gone": lambda root: shutil.rmtree(root / "episodes/alpha"),
    "a new episode": lambda root: (root / "episodes/gamma").mkdir(),
    "a template": lambda root: (root / "templates/about.html.jinja").write_text("<p>x</p>"),
    "a page about the show": lambda root: (root / "about.md").write_text("About.\n"),
    "the accessibility statement": lambda root: (root / "accessibility.toml").write_text('status = "none"\n'),
    "a withdrawal": lambda root: (root / "withdrawals").mkdir(),
    "the trail says that something was withdrawn": lambda root: (root / "audit.jsonl").write_text(
        '{"number": 1, "what": "withdraw", "slug": "alpha"}\n'
    ),
    "a page of the site": lambda root: (root / "site/index.html").write_text("Mine"),
    "a page of the site gone": lambda root: (root / "site/feed.xml").unlink(),
    "a file put into the site": lambda root: (root / "site/mine.html").write_text("Mine"),
    "the manifest": touched("site/manifest.json"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_any_change_is_noticed(root: Path, whole: list[int], change: Change) -> None:
    """Whatever is changed, added or taken away, also with its old size and time, is built anew."""
    change(root)
    with suppress(build.CheckFailedError):
        release(root)
    assert whole == [1]


def test_days_and_dates_are_noticed(root: Path, whole: list[int]) -> None:
    """Another day may mean consent that has expired, and a moment may make an episode due."""
    release(root, now=NOW + timedelta(hours=1))
    assert whole == []
    release(root, now=NOW + timedelta(days=1))
    assert whole == [1]
    whole.clear()
    early = datetime(2026, 12, 1, 0, 0, tzinfo=UTC)
    release(root, now=early)
    release(root, now=early)
    whole.clear()
    assert release(root, now=early + timedelta(hours=23)).release.assets
    assert len(release(root, now=datetime(2026, 12, 24, tzinfo=UTC)).identities) == 2


def test_another_program_is_noticed(root: Path, whole: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """A new version of this program, or of a library, builds anew."""
    monkeypatch.setattr(standing, "_program", lambda: iter(["another"]))
    release(root)
    assert whole == [1]


def test_what_was_changed_a_moment_ago_is_not_relied_on(
    original: Path, tmp_path: Path, whole: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within one tick of the clock a file can change twice: until files are settled, every build is whole."""
    monkeypatch.setattr(standing, "_SETTLED_NS", 3_600_000_000_000)
    made = studio.copy_workspace(original, tmp_path / "w")
    for _ in range(3):
        release(made)
    assert len(whole) == 3


def test_other_lines_of_the_trail_change_nothing(root: Path, whole: list[int]) -> None:
    """A publication that is noted does not make the next build a whole one."""
    (root / "audit.jsonl").write_text('{"number": 1, "what": "published", "slug": null}\n')
    release(root)
    assert whole == []


@pytest.mark.parametrize("facts", [{}, {"day": NOW.date().isoformat(), "until": None}])
def test_what_another_version_wrote_counts_for_nothing(root: Path, whole: list[int], facts: dict[str, object]) -> None:
    """A memory that lacks what this version keeps leads to a whole build."""
    Cache(root / ".cache").note(standing._KIND, standing._ENTRY, facts)
    release(root)
    assert whole == [1]


def test_a_trail_that_is_no_file_is_no_matter_of_the_build(root: Path) -> None:
    """A folder in the place of audit.jsonl gets its sentence, not a traceback."""
    (root / "audit.jsonl").mkdir()
    with pytest.raises(MediaError):
        release(root)


def test_members_are_always_built(root: Path, whole: list[int]) -> None:
    """What members get is not in site/: with a feed for them, every build is whole."""
    config = root / "cln_media.toml"
    feed = '\n[[feeds]]\nname = "inner"\ntitle = "Inner"\nvisibility = "members"\n'
    config.write_text(config.read_text() + feed + 'guid = "9f3c2fd6-7a0d-5b1b-9e54-0a8e0f3d1c12"\n')
    for _ in range(3):
        release(root)
    assert len(whole) == 3


def test_a_damaged_memory_is_a_whole_build(root: Path, whole: list[int]) -> None:
    """What is kept of the last build may be lost or changed by anybody: then it counts for nothing."""
    for path in (root / ".cache/standing").iterdir():
        path.write_text(re.sub(r'"episodes": \d', '"episodes": 7', path.read_text()))
    assert release(root).episodes != 7
    assert whole == [1]
    assert Workspace(root=root).site.is_dir()
