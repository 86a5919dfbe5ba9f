"""Builds that know what stands: they read only what changed, and leave what a build that knows nothing would."""

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline import build
from pipeline.build import memory, outputs, standing
from pipeline.errors import MediaError
from pipeline.workspace.episodes import EpisodeReader
from tests import studio
from tests.test_build import NOW, Heard, files, release

Change = Callable[[Path], object]
SLUGS = ("alpha", "beta", "delta")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """List the folders that are read; files count as settled at once."""
    listed: list[str] = []
    read = EpisodeReader.read

    def listing(reader: EpisodeReader) -> object:
        listed.append(reader.folder.name)
        return read(reader)

    monkeypatch.setattr(EpisodeReader, "read", listing)
    monkeypatch.setattr(standing, "_SETTLED_NS", 0)
    return listed


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of three episodes, each a day after the other, built."""
    root = studio.workspace(tmp_path_factory.mktemp("memory") / "w", *SLUGS)
    for number, slug in enumerate(SLUGS):
        write(root, slug, f"{studio.PUBLISHED}", f"2026-10-0{number + 1}T07:00:00Z")
    (root / "templates").mkdir()
    search(root, "false")
    release(root)
    return root


@pytest.fixture
def root(original: Path, tmp_path: Path, reads: list[str]) -> Path:
    """A copy of it, built, so that all of it is known."""
    made = studio.copy_workspace(original, tmp_path / "w")
    release(made)
    reads.clear()
    return made


def write(root: Path, slug: str, old: str, new: str) -> None:
    """Change an episode's settings."""
    path = root / "episodes" / slug / "episode.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def search(root: Path, is_on: str) -> None:
    """Say whether there is a search page, whose index needs all words of a year."""
    path = root / "cln_media.toml"
    path.write_text(path.read_text().replace("search = false\n", "").replace("[site]\n", f"[site]\nsearch = {is_on}\n"))


def know_nothing(root: Path) -> None:
    """Forget all that builds know, but for masters."""
    (root / ".cache" / memory._NAME).unlink(missing_ok=True)
    shutil.rmtree(root / ".cache/standing", ignore_errors=True)


def add_gamma(root: Path) -> None:
    """Add an episode between two others."""
    studio.add_episode(root, "gamma", seed=3)
    write(root, "gamma", studio.PUBLISHED, "2026-10-02T08:00:00Z")


def swap_sound(root: Path) -> None:
    """Put other bytes into the place of a master in the cache."""
    for path in (root / ".cache/tagged").glob("*.mp3"):
        path.write_bytes(path.read_bytes()[:-1] + b"\0")


CHANGES: dict[str, tuple[Change, set[str]]] = {
    "notes": (lambda root: (root / "episodes/beta/notes.md").write_text("Other notes.\n"), {"beta"}),
    "a title, which stands on the pages beside it": (
        lambda root: write(root, "beta", "About beta", "Of beta"),
        set(SLUGS),
    ),
    "a topic": (lambda root: write(root, "beta", "title", 'topics = ["Triage"]\ntitle'), set(SLUGS)),
    "words": (
        lambda root: (root / "episodes/alpha/transcript.vtt").write_text(
            "WEBVTT\n\n00:00.000 --> 00:02.000\n<v Chair>Other words.\n"
        ),
        {"alpha"},
    ),
    "a later date": (lambda root: write(root, "alpha", "2026-10-01", "2026-10-02"), {"alpha", "beta"}),
    "a date to come": (lambda root: write(root, "beta", "2026-10-02", "2027-10-02"), set(SLUGS)),
    "a new episode between": (add_gamma, {"gamma", "beta", "delta"}),
    "an episode gone": (lambda root: shutil.rmtree(root / "episodes/beta"), {"alpha", "delta"}),
    "a folder with another name": (
        lambda root: (root / "episodes/beta").rename(root / "episodes/other"),
        {"other", "alpha", "delta"},
    ),
    "a page of the site": (lambda root: (root / "site/episodes/beta/index.html").write_text("Mine"), {"beta"}),
    "a page of the site gone": (lambda root: (root / "site/transcripts/beta.srt").unlink(), {"beta"}),
    "the whole site gone": (lambda root: shutil.rmtree(root / "site"), set(SLUGS)),
    "sound in the cache that was changed": (swap_sound, set(SLUGS)),
    "sound in the cache gone": (lambda root: shutil.rmtree(root / ".cache/tagged"), set(SLUGS)),
    "settings": (
        lambda root: (root / "cln_media.toml").write_text(
            (root / "cln_media.toml").read_text().replace("[site]", "[site]\nper_page = 5", 1)
        ),
        set(SLUGS),
    ),
    "a template": (lambda root: (root / "templates/about.html.jinja").write_text("<p>x</p>"), set(SLUGS)),
    "the memory lost": (lambda root: (root / ".cache" / memory._NAME).unlink(), set(SLUGS)),
    "the memory damaged": (lambda root: damage(root / ".cache" / memory._NAME), set(SLUGS)),
}


def damage(path: Path) -> None:
    """Change one byte of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(("change", "read"), CHANGES.values(), ids=CHANGES.keys())
def test_only_what_changed_is_read_and_nothing_is_missed(
    root: Path, reads: list[str], change: Change, read: set[str]
) -> None:
    """After a change, the site is what it would be if nothing were known, warnings and all."""
    change(root)
    knowing, all_anew = Heard(), Heard()
    shutil.rmtree(root / ".cache/standing", ignore_errors=True)
    made = release(root, report=knowing)
    assert set(reads) <= read
    found = files(root / "site")
    know_nothing(root)
    again = release(root, report=all_anew)
    assert files(root / "site") == found
    assert again.release == made.release
    assert (again.episodes, again.identities) == (made.episodes, made.identities)
    assert sorted(map(repr, knowing.warnings)) == sorted(map(repr, all_anew.warnings))


def test_with_nothing_changed_nothing_is_read(root: Path, reads: list[str]) -> None:
    """Also where the build as a whole is not told by stamps, no episode is read or written."""
    (root / "site/feed.xml").unlink()
    assert release(root).written == 1
    assert reads == []


def test_words_that_are_asked_for_are_read(root: Path, reads: list[str]) -> None:
    """The search index of a year needs all its words, also of episodes that stand."""
    search(root, "true")
    release(root)
    reads.clear()
    (root / "episodes/beta/notes.md").write_text("Notes that search finds.\n")
    release(root)
    assert set(reads) == set(SLUGS)
    found = files(root / "site")
    know_nothing(root)
    release(root)
    assert files(root / "site") == found


def test_a_day_that_matters_is_noticed(root: Path) -> None:
    """Consent that ends tomorrow is known today, and looked at again when it has ended."""
    text = (root / "episodes/beta/episode.toml").read_text()
    ends = NOW.date() + timedelta(days=1)
    speaker = (
        '\n[[speakers]]\nrole = "Nurse"\nconsent = { scope = ["voice", "transcript", "region", "public"], '
        f'recorded_on = 2026-01-01, reference = "r", expires_on = {ends} }}\n'
    )
    (root / "episodes/beta/episode.toml").write_text(text + speaker)
    release(root)
    release(root, now=NOW + timedelta(hours=1))
    with pytest.raises(build.CheckFailedError):
        release(root, now=datetime(2027, 1, 1, tzinfo=UTC))


def test_a_file_that_changed_a_moment_ago_is_read_again(
    root: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within one tick of the clock a file can change twice."""
    (root / "episodes/beta/notes.md").write_text("Other notes.\n")
    ago = NOW.timestamp() - 3_600
    for path in [*root.glob("*"), *root.glob("episodes/[ad]*/*"), *root.glob("templates/*")]:
        os.utime(path, (ago, ago))
    monkeypatch.setattr(standing, "_SETTLED_NS", 3_600_000_000_000)
    release(root)
    reads.clear()
    release(root)
    assert "beta" in reads


def test_words_of_a_folder_that_is_gone_are_an_error(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a folder vanishes while it is built, that is said, and no site is made without its words."""
    (root / "site/episodes/beta/index.html").unlink()
    made = outputs.Outputs.of_all
    before = files(root / "site")

    def vanishing(given: outputs.Outputs) -> outputs.Files:
        shutil.rmtree(root / "episodes/beta")
        return made(given)

    monkeypatch.setattr(outputs.Outputs, "of_all", vanishing)
    with pytest.raises(MediaError):
        release(root)
    assert files(root / "site") == before
