"""Builds that know what stands: they read only what changed, and leave what a build that knows nothing would."""

import os
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pipeline import build
from pipeline.build import memory, outputs, site, standing
from pipeline.errors import BusyError, MediaError
from pipeline.pages import rendering
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


def lead_elsewhere(root: Path) -> None:
    """Move a folder of the site out of it, and let a link lead there: its files are the same."""
    elsewhere = root.parent / "elsewhere"
    (root / "site/episodes").rename(elsewhere)
    (root / "site/episodes").symlink_to(elsewhere)


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
    "a list of the site": (lambda root: (root / "site/episodes/index.html").write_text("Mine"), set()),
    "a list of the site gone": (lambda root: (root / "site/regions/north-west/index.html").unlink(), set()),
    "a code to scan gone": (lambda root: next((root / "site/assets").glob("qr-*.svg")).unlink(), set()),
    "a folder of the site that leads elsewhere": (lead_elsewhere, set(SLUGS)),
    "the text of a page": (lambda root: (root / "about.md").write_text("Who we are now.\n"), set(SLUGS)),
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


def test_only_pages_that_show_what_changed_are_rendered(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where notes changed, those are the pages on which a template could show them; where a page is gone, its own."""
    rendered: list[str] = []
    render = rendering.Site.render

    def listing(site: rendering.Site, name: str, *given: Any, **named: Any) -> bytes:
        rendered.append(name)
        return render(site, name, *given, **named)

    monkeypatch.setattr(rendering.Site, "render", listing)
    (root / "episodes/alpha/notes.md").write_text("Other notes.\n")
    release(root)
    assert {"episode.html.jinja", "home.html.jinja", "list.html.jinja"} <= set(rendered)
    assert not {"about.html.jinja", "subscribe.html.jinja", "groups.html.jinja", "share.html.jinja"} & set(rendered)
    assert rendered.count("episode.html.jinja") == 1
    rendered.clear()
    (root / "site/subscribe/index.html").unlink()
    release(root)
    assert rendered == ["subscribe.html.jinja"]


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


def at_rendering(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Do something while a site is rendered, once."""
    made, left = outputs.Outputs.of_all, [change]

    def changing(given: outputs.Outputs) -> outputs.Files:
        while left:
            left.pop()()
        return made(given)

    monkeypatch.setattr(outputs.Outputs, "of_all", changing)


def test_words_that_nobody_looked_at_do_not_leave(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the words of an episode that stood change while it is built, no page is made of the new ones."""
    (root / "site/episodes/beta/index.html").unlink()
    words = "WEBVTT\n\n00:00.000 --> 00:02.000\n<v Chair>My NHS number is 943 476 5919.\n"
    at_rendering(monkeypatch, lambda: (root / "episodes/beta/transcript.vtt").write_text(words))
    before = files(root / "site")
    with pytest.raises(BusyError):
        release(root)
    assert files(root / "site") == before
    with pytest.raises(build.CheckFailedError):
        release(root)


def test_artwork_that_changes_while_a_build_is_going_on_is_seen_by_the_next(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What settings name outside the usual places is only relied on where it was still."""
    settings = root / "cln_media.toml"
    shutil.copy(root / "artwork.png", root / "other.png")
    settings.write_text(settings.read_text().replace("[show]\n", '[show]\nartwork = "other.png"\n'))
    at_rendering(monkeypatch, lambda: Image.new("RGB", (1400, 1400), (0, 94, 184)).save(root / "other.png"))
    release(root)
    release(root)
    found = files(root / "site")
    know_nothing(root)
    release(root)
    assert files(root / "site") == found


def test_a_new_year_is_noticed(root: Path) -> None:
    """What could be a date of birth is told by the year it is: the episode is looked at again."""
    (root / "episodes/beta/notes.md").write_text("The patient came on 1 January 2017.\n")
    release(root, now=datetime(2026, 12, 31, tzinfo=UTC))
    with pytest.raises(build.CheckFailedError):
        release(root, now=datetime(2027, 1, 2, tzinfo=UTC))


def test_masters_that_were_deleted_are_made_again(root: Path) -> None:
    """The cache may be deleted at any time, in part too: the site stands without masters, but signing wants them."""
    shutil.rmtree(root / ".cache/masters")
    assert release(root).mastered == len(SLUGS)
    next((root / ".cache/masters").glob("*.json")).unlink()
    search(root, "true")
    (root / "episodes/beta/notes.md").write_text("Other notes, and the words of all others for the search index.\n")
    assert release(root).mastered == 1


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="names are text there")
def test_a_folder_whose_name_is_not_text_is_built_each_time(root: Path, reads: list[str]) -> None:
    """An old disk may hold names in another encoding: nothing is remembered then, and nothing fails."""
    moved = root.with_name(os.fsdecode(b"caf\xe9"))
    root.rename(moved)
    for _ in range(2):
        reads.clear()
        shutil.rmtree(moved / ".cache/standing", ignore_errors=True)
        release(moved)
        assert set(reads) == set(SLUGS)


def test_a_page_that_was_changed_during_a_build_is_written_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in the site counts as it was written, not as it is found when the build ends."""
    page = root / "site/episodes/beta/index.html"
    write_all = site.write

    def disturbed(*given: Any, **named: Any) -> site.Written:
        made = write_all(*given, **named)
        page.write_text("Mine")
        return made

    (root / "episodes/beta/notes.md").write_text("Other notes.\n")
    with monkeypatch.context() as patched:
        patched.setattr(site, "write", disturbed)
        release(root)
    assert release(root).written == 1
    assert page.read_text() != "Mine"


@pytest.mark.parametrize("what", ["file", "dead link", "loop"])
def test_what_stands_in_the_place_of_a_folder_goes(root: Path, what: str) -> None:
    """The site is ours alone, whatever somebody put where a folder belongs."""
    found, folder = files(root / "site"), root / "site/episodes"
    shutil.rmtree(folder)
    folder.write_text("x") if what == "file" else folder.symlink_to({"dead link": "nowhere", "loop": "episodes"}[what])
    release(root)
    assert files(root / "site") == found


def test_a_file_in_the_place_of_the_site_is_said(root: Path) -> None:
    """It may be somebody's: it stays, and the message names it."""
    shutil.rmtree(root / "site")
    (root / "site").write_text("x")
    with pytest.raises(MediaError, match="site"):
        release(root)
    assert (root / "site").read_text() == "x"
