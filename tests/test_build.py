"""build: a workspace to site/ and its release; only what changed, the same bytes every time."""

import hashlib
import json
import shutil
import threading
import tracemalloc
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import feedparser
import jsonschema
import mutagen.id3
import pytest
import srt
import webvtt
from PIL import Image

from pipeline import build, words
from pipeline.build import Built, CheckFailedError, headers, site
from pipeline.cache import Cache
from pipeline.errors import TemplateError, WorkspaceError
from pipeline.model import DRAFT_MARKS, Part, Problem, Release
from pipeline.workspace import Workspace
from tests import schemas, studio

NOW = datetime(2026, 11, 1, tzinfo=UTC)


class Heard:
    """A report that remembers what it was told."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.fractions: dict[str, float] = {}
        self.warnings: list[Problem] = []
        self.finished = 0
        self._lock = threading.Lock()

    def begin(self, work: str, lengths_ms: Mapping[str, int]) -> None:
        self.began += [f"{work} {slug}" for slug in lengths_ms]

    def advance(self, slug: str, fraction: float) -> None:
        with self._lock:
            self.fractions[slug] = fraction

    def finish(self) -> None:
        self.finished += 1

    def warn(self, problem: Problem) -> None:
        self.warnings.append(problem)


def release(root: Path, *slugs: str, now: datetime = NOW, force: bool = False, report: Heard | None = None) -> Built:
    """Build a workspace with two threads."""
    with ThreadPoolExecutor(2) as executor:
        return build.release(
            Workspace(root=root), now=now, executor=executor, report=report or Heard(), slugs=slugs, force=force
        )


def files(root: Path) -> dict[str, str]:
    """Hash every file below a folder."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of two episodes, built once; tests copy it before they change it."""
    root = studio.workspace(tmp_path_factory.mktemp("built") / "w", "waiting-times", "choose-and-book")
    release(root)
    return root


def test_every_address_of_the_plan_is_there(built: Path) -> None:
    """All addresses that were fixed from the start exist after a build."""
    expected = {
        "index.html",
        "404.html",
        "sitemap.xml",
        "feed.xml",
        "feeds/north-west.xml",
        "manifest.json",
        "episodes/waiting-times/index.html",
        "embed/waiting-times/index.html",
        "oembed/waiting-times.json",
        "chapters/waiting-times.json",
        *(f"transcripts/waiting-times.{extension}" for extension in ("vtt", "srt", "json", "html", "txt")),
    }
    found = files(built / "site")
    assert expected <= found.keys()
    assert [name for name in found if name.startswith("media/waiting-times-") and name.endswith(".mp3")]


def test_the_manifest_is_the_site(built: Path) -> None:
    """The manifest names every file with its hash, size, type and caching, and nothing else is in site/."""
    manifest = Release.from_json((built / "site/manifest.json").read_bytes())
    found = files(built / "site")
    assert {asset.key: asset.sha256 for asset in manifest.assets} == {
        name: sha256 for name, sha256 in found.items() if name not in {"manifest.json", site.MARK}
    }
    for asset in manifest.assets:
        assert asset.size == (built / "site" / asset.key).stat().st_size
        assert asset.content_type
        assert asset.cache_control


def test_a_second_build_writes_nothing(built: Path, tmp_path: Path) -> None:
    """Nothing changed, nothing written: no file is touched."""
    root = studio.copy_workspace(built, tmp_path / "w")
    before = {path: path.stat().st_mtime_ns for path in (root / "site").rglob("*") if path.is_file()}
    done = release(root)
    assert (done.mastered, done.written, done.removed) == (0, 0, 0)
    assert {path: path.stat().st_mtime_ns for path in (root / "site").rglob("*") if path.is_file()} == before
    assert str(done).startswith("2 episodes: 0 mastered, 2 from the cache; 0 files written, ")


def test_a_fresh_build_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    """Without cache and site, in another folder and at another time, every byte is the same."""
    root = studio.copy_workspace(built, tmp_path / "elsewhere")
    shutil.rmtree(root / "site")
    shutil.rmtree(root / ".cache")
    release(root, now=datetime(2026, 12, 24, tzinfo=UTC))
    assert files(root / "site") == files(built / "site")


def test_the_cache_may_be_damaged(built: Path, tmp_path: Path) -> None:
    """A flipped bit in every cached file costs time, never correctness."""
    root = studio.copy_workspace(built, tmp_path / "w")
    for path in (root / ".cache").rglob("*.*"):
        if path.is_file() and path.name != "hashes.json":
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 1
            path.write_bytes(data)
    done = release(root)
    assert done.mastered == 2
    assert files(root / "site") == files(built / "site")


def test_a_changed_title_changes_tags_pages_and_feeds_only(built: Path, tmp_path: Path) -> None:
    """A new title is a new tagged file, not a new master."""
    root = studio.copy_workspace(built, tmp_path / "w")
    path = root / "episodes/waiting-times/episode.toml"
    path.write_text(path.read_text().replace("About waiting-times", "Shorter waits"))
    done = release(root)
    assert done.mastered == 0
    changed = {name for name, sha256 in files(root / "site").items() if files(built / "site").get(name) != sha256}
    assert "feed.xml" in changed
    assert "episodes/waiting-times/index.html" in changed
    assert "embed/choose-and-book/index.html" not in changed
    assert len([name for name in changed if name.startswith("media/waiting-times-")]) == 1


def test_without_a_summary_the_notes_speak(built: Path, tmp_path: Path) -> None:
    """An episode without a summary is described by the first paragraph of its notes, without markup."""
    root = studio.copy_workspace(built, tmp_path / "w")
    folder = root / "episodes/waiting-times"
    text = (folder / "episode.toml").read_text()
    (folder / "episode.toml").write_text(text.replace('summary = "What we learned."\n', ""))
    (folder / "notes.md").write_text("We *halved* the wait.\n\nAnd then some.\n")
    release(root)
    feed = feedparser.parse((root / "site/feed.xml").read_bytes())
    (entry,) = [entry for entry in feed.entries if entry.id == "urn:test:waiting-times"]
    assert entry.summary.startswith("We halved the wait.\n")
    assert "And then some." not in entry.summary


def test_a_future_episode_appears_in_its_time(built: Path, tmp_path: Path) -> None:
    """An episode of the future is in no file of the site; a build after its time brings it, with the same GUID."""
    root = studio.copy_workspace(built, tmp_path / "w")
    studio.add_episode(root, "tomorrow", published="2026-11-02T07:00:00Z", seed=3)
    release(root)
    for path in (root / "site").rglob("*"):
        assert "tomorrow" not in path.name
        assert not path.is_file() or b"tomorrow" not in path.read_bytes()
    release(root, now=datetime(2026, 11, 2, 7, 0, tzinfo=UTC))
    feed = feedparser.parse((root / "site/feed.xml").read_bytes())
    assert feed.entries[0].id == "urn:test:tomorrow"


def test_a_draft_is_mastered_but_stays_out(built: Path, tmp_path: Path) -> None:
    """An episode without a publication date is mastered, so that it can be listened to, and published nowhere."""
    root = studio.copy_workspace(built, tmp_path / "w")
    studio.add_episode(root, "draft", published=None, seed=4)
    done = release(root)
    assert done.mastered == 1
    assert files(root / "site") == files(built / "site")


def test_members_episodes_are_on_no_public_page(built: Path, tmp_path: Path) -> None:
    """What is for members only appears nowhere in the public site, not even its sound."""
    root = studio.copy_workspace(built, tmp_path / "w")
    studio.add_episode(root, "private", seed=5, extra='visibility = "members"')
    release(root)
    for path in (root / "site").rglob("*"):
        assert "private" not in path.relative_to(root / "site").as_posix()
        assert not path.is_file() or b"urn:test:private" not in path.read_bytes()


def test_notes_are_drafted_and_block_until_read(tmp_path: Path) -> None:
    """A build writes a draft of missing notes; a published episode waits until a person has read it."""
    root = studio.workspace(tmp_path, "one")
    notes = root / "episodes/one/notes.md"
    notes.unlink()
    with pytest.raises(CheckFailedError) as caught:
        release(root)
    assert [problem.message for problem in caught.value.problems] == ["is still the draft made by machine"]
    assert notes.read_text().startswith(DRAFT_MARKS[Part.NOTES])
    assert "North West" in notes.read_text()
    notes.write_text(notes.read_text().replace(DRAFT_MARKS[Part.NOTES], ""))
    assert release(root).mastered == 1


def test_a_missing_transcript_is_drafted_by_a_real_model(tmp_path: Path) -> None:
    """With a speech model, a build drafts the transcript; it is reviewed as soon as a person takes its mark away."""
    root = studio.workspace(tmp_path, "spoken")
    folder = root / "episodes/spoken"
    (folder / "transcript.vtt").unlink()
    studio.speak(folder / "recording.wav", "The clinicians meet every month and share what they have learned.")
    studio.note_sha256(folder)
    config = root / "cln_media.toml"
    config.write_text(config.read_text() + f'\n[speech]\nmodel = "{studio.speech_model()}"\n')
    report = Heard()
    with pytest.raises(CheckFailedError):
        release(root, report=report)
    assert "Transcribing spoken" in report.began
    draft = folder / "transcript.vtt"
    assert "clinicians meet every month" in draft.read_text().lower().replace("\n", " ")
    assert DRAFT_MARKS[Part.TRANSCRIPT] in draft.read_text()
    assert draft.read_bytes() == (folder / "drafts/transcript.vtt").read_bytes()
    heard = words.read_heard((folder / "drafts/heard.json").read_bytes(), source=folder)
    assert "".join(word.text for word in heard).lower().startswith(" the clinicians meet")
    corrected = draft.read_text().replace(DRAFT_MARKS[Part.TRANSCRIPT] + "\n\n", "") + "\nNOTE corrected\n"
    draft.write_text(corrected)
    release(root)
    assert draft.read_text() == corrected


def test_a_transcript_that_was_brought_goes_before_the_recogniser(tmp_path: Path) -> None:
    """What Teams wrote, put into the folder, becomes the draft, without any model; a broken one is only told of."""
    root = studio.workspace(tmp_path, "one")
    folder = root / "episodes/one"
    (folder / "transcript.vtt").unlink()
    (folder / "A broken one.vtt").write_text("WEBVTT\n\nno times at all\n")
    (folder / "Meeting.srt").write_text("1\n00:00:00,500 --> 00:00:02,000\nChair: Welcome.\n")
    report = Heard()
    with pytest.raises(CheckFailedError):
        release(root, report=report)
    assert "00:00:00.500 --> 00:00:02.000\n" in (folder / "transcript.vtt").read_text()
    assert DRAFT_MARKS[Part.TRANSCRIPT] in (folder / "transcript.vtt").read_text()
    assert "Transcribing one" not in report.began
    (told,) = (each for each in report.warnings if "cannot be used" in each.message)
    assert told.source == "episodes/one/A broken one.vtt"
    assert "line 3" in told.message


def test_a_text_without_times_takes_those_of_the_sound(tmp_path: Path) -> None:
    """Without a model a build says what is missing; with one, each word stays as it was written, at its time."""
    root = studio.workspace(tmp_path, "spoken")
    folder = root / "episodes/spoken"
    (folder / "transcript.vtt").unlink()
    studio.speak(folder / "recording.wav", "The clinicians meet every month and share what they have learned.")
    studio.note_sha256(folder)
    (folder / "transcript.txt").write_text(
        "Chair: The CLINICIANS meet every month\nChair: and share what they've learnt.\n"
    )
    report = Heard()
    with pytest.raises(CheckFailedError):
        release(root, report=report)
    assert [each.source for each in report.warnings if "has no times" in each.message] == ["episodes/spoken"]
    config = root / "cln_media.toml"
    config.write_text(config.read_text() + f'\n[speech]\nmodel = "{studio.speech_model()}"\n')
    with pytest.raises(CheckFailedError):
        release(root, report=report)
    text = (folder / "transcript.vtt").read_bytes()
    cues = words.read_transcript(text, source=folder / "transcript.vtt", language="en-GB").cues
    assert " ".join(cue.text for cue in cues) == "The CLINICIANS meet every month and share what they've learnt."
    assert {cue.speaker for cue in cues} == {"Chair"}
    assert 0 <= cues[0].start_ms < 1_000 < cues[-1].end_ms < 6_000


def test_a_named_model_that_is_not_there_is_only_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an episode lacks a transcript, and only there, a build says how the model is brought; nothing is loaded."""
    monkeypatch.setenv("CLN_MEDIA_MODELS", str(tmp_path / "models"))
    root = studio.workspace(tmp_path / "work", "one", "two")
    report = Heard()
    release(root, report=report)
    assert not [each for each in report.warnings if "speech model" in each.message]
    (root / "episodes/two/transcript.vtt").unlink()
    with pytest.raises(CheckFailedError):
        release(root, report=report)
    (warned,) = (each for each in report.warnings if "speech model" in each.message)
    assert warned.message == "no transcript can be drafted for two: the speech model small.en is not on this computer"
    assert "cln-media doctor --download-model small.en" in warned.hint
    (tmp_path / "models").mkdir()
    (tmp_path / "models/small.en").symlink_to(studio.speech_model())
    with pytest.raises(CheckFailedError):
        release(root, report=report)
    assert "Transcribing two" in report.began
    assert [each.message for each in report.warnings][
        -1
    ] == "nobody was heard in the recording: no transcript is drafted"
    assert not (root / "episodes/two/transcript.vtt").exists()


def test_every_problem_comes_at_once_and_nothing_is_written(tmp_path: Path) -> None:
    """Problems of settings, episodes and sound arrive together, before anything is made."""
    root = studio.workspace(tmp_path, "one", "two")
    (root / "episodes/one/recording.wav").write_text("not sound")
    (root / "episodes/two/transcript.vtt").unlink()
    with pytest.raises(CheckFailedError) as caught:
        release(root)
    sources = {problem.source for problem in caught.value.problems if problem.fatal}
    assert {"episodes/one/recording.wav", "episodes/two/transcript.vtt"} <= sources
    assert not (root / "site").exists()


@pytest.mark.parametrize("make", ["missing", "outside", "not an image"])
def test_artwork_that_cannot_be_used(tmp_path: Path, make: str) -> None:
    """Artwork that is missing, outside the workspace or no image stops the build with a sentence that names it."""
    root = studio.workspace(tmp_path / "w", "one")
    path = root / "artwork.png"
    if make == "outside":
        path.rename(tmp_path / "artwork.png")
        path.symlink_to(tmp_path / "artwork.png")
    elif make == "missing":
        path.unlink()
    else:
        path.write_text("a picture of a helix")
    with pytest.raises(CheckFailedError) as caught:
        release(root)
    assert [problem.source for problem in caught.value.problems if problem.fatal] == ["artwork.png"]


def test_one_bad_recording_does_not_lose_the_work_on_others(tmp_path: Path) -> None:
    """A recording that turns out to be silent is named; what was mastered beside it is kept."""
    root = studio.workspace(tmp_path, "good", "silent")
    folder = root / "episodes/silent"
    studio.write_wav(folder / "recording.wav", studio.speech_like(5) * 0)
    studio.note_sha256(folder)
    with pytest.raises(CheckFailedError) as caught:
        release(root)
    assert [problem.source for problem in caught.value.problems] == ["episodes/silent/recording.wav"]
    assert "silent" in caught.value.problems[0].message
    shutil.rmtree(folder)
    assert release(root).mastered == 0


def test_force_masters_again(built: Path, tmp_path: Path) -> None:
    """--force masters the named episode again, to the same bytes."""
    root = studio.copy_workspace(built, tmp_path / "w")
    report = Heard()
    assert release(root, "waiting-times", force=True, report=report).mastered == 1
    assert report.began == ["Mastering waiting-times"]
    assert report.fractions == {"waiting-times": 1.0}
    assert files(root / "site") == files(built / "site")


def test_whatever_else_is_in_the_site_is_swept(built: Path, tmp_path: Path) -> None:
    """Hand-made files, links and half-written files in site/ are gone after a build."""
    root = studio.copy_workspace(built, tmp_path / "w")
    (root / "site/hand-made.html").write_text("<p>not built</p>")
    (root / "site/media/.new-x").write_bytes(b"half")
    (root / "site/extra").mkdir()
    (root / "site/link").symlink_to("/etc")
    elsewhere = tmp_path / "elsewhere"
    shutil.rmtree(root / "site/feeds")
    elsewhere.mkdir()
    (root / "site/feeds").symlink_to(elsewhere)
    (root / "site/index.html").unlink()
    (root / "site/index.html").symlink_to("/etc/hostname")
    release(root)
    assert files(root / "site") == files(built / "site")
    assert not (root / "site/link").is_symlink()
    assert list(elsewhere.iterdir()) == []
    assert (root / "site/feeds/north-west.xml").is_file()
    assert Path("/etc/hostname").is_file()


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    """A folder called site that holds somebody's files is never taken over."""
    root = studio.workspace(tmp_path, "one")
    (root / "site").mkdir()
    (root / "site/thesis.txt").write_text("years of work")
    with pytest.raises(WorkspaceError, match="holds files that cln-media did not write"):
        release(root)
    assert (root / "site/thesis.txt").read_text() == "years of work"


def test_a_missed_target_is_told(tmp_path: Path) -> None:
    """A recording that cannot be brought to the target is built all the same, with a warning that gives the figures."""
    root = studio.workspace(tmp_path, "one")
    config = root / "cln_media.toml"
    config.write_text(config.read_text() + "\n[audio]\nintegrated_lufs = -9.0\ntrue_peak_dbtp = -9.0\n")
    report = Heard()
    release(root, report=report)
    (warning,) = [problem for problem in report.warnings if "LUFS" in problem.message]
    assert "not -9.0 LUFS" in warning.message
    assert not warning.fatal


@pytest.mark.parametrize(
    ("key", "content_type", "cache"),
    [
        ("index.html", "text/html; charset=utf-8", headers.SHORT),
        ("feed.xml", "application/rss+xml; charset=utf-8", headers.SHORT),
        ("feeds/london.xml", "application/rss+xml; charset=utf-8", headers.SHORT),
        ("feed/page-2.xml", "application/rss+xml; charset=utf-8", headers.SHORT),
        ("feeds/london/page-2.atom", "application/atom+xml; charset=utf-8", headers.SHORT),
        ("publisher.xml", "application/rss+xml; charset=utf-8", headers.SHORT),
        ("feed.json", "application/feed+json; charset=utf-8", headers.SHORT),
        ("feeds.opml", "text/x-opml; charset=utf-8", headers.SHORT),
        ("sitemap.xml", "application/xml", headers.SHORT),
        ("chapters/one.json", "application/json+chapters", headers.SHORT),
        ("transcripts/one.json", "application/json", headers.SHORT),
        ("transcripts/one.srt", "application/x-subrip", headers.SHORT),
        ("transcripts/one.vtt", "text/vtt; charset=utf-8", headers.SHORT),
        ("media/one-00.mp3", "audio/mpeg", headers.IMMUTABLE),
        ("assets/site-00.css", "text/css; charset=utf-8", headers.IMMUTABLE),
    ],
)
def test_headers(key: str, content_type: str, cache: str) -> None:
    """Each kind of file has its media type and caching."""
    asset = headers.asset(key, sha256="0", size=1)
    assert (asset.content_type, asset.cache_control) == (content_type, cache)


def test_an_unknown_ending_is_our_bug() -> None:
    """A file of a kind that is not in the table cannot be published with a guessed type."""
    with pytest.raises(KeyError):
        headers.asset("index.xyz", sha256="0", size=1)


def test_the_manifest_reads_back(built: Path) -> None:
    """A manifest survives writing and reading; garbage is refused."""
    data = (built / "site/manifest.json").read_bytes()
    assert Release.from_json(data).to_json() == data
    for broken in (b"", b"{}", b"[]", b'{"version": 2, "assets": []}', b'{"version": 1, "assets": [{"key": 1}]}'):
        with pytest.raises(ValueError, match=r"manifest|Expecting"):
            Release.from_json(broken)
    assert json.loads(data)["version"] == 1


def test_tags_in_the_built_file_say_what_the_episode_says(built: Path) -> None:
    """The published sound carries the episode's title, show and chapters."""
    (media,) = (built / "site/media").glob("waiting-times-*.mp3")
    tags = mutagen.id3.ID3(media)
    assert str(tags["TIT2"]) == "About waiting-times"
    assert str(tags["TALB"]) == "Learning sets"
    assert [frame.start_time for frame in sorted(tags.getall("CHAP"), key=lambda f: f.start_time)] == [0, 1500, 3250]


def test_a_chapter_image_is_published_and_named(built: Path, tmp_path: Path) -> None:
    """An image beside chapters.toml is published without its metadata, and the chapters file names its address."""
    root = studio.copy_workspace(built, tmp_path / "w")
    folder = root / "episodes/waiting-times"
    exif = Image.Exif()
    exif[0x010F] = "A phone that somebody owns"
    Image.new("RGB", (1600, 900), "navy").save(folder / "slide.jpg", exif=exif)
    path = folder / "chapters.toml"
    path.write_text(path.read_text().replace('title = "The pilot"', 'title = "The pilot"\nimage = "slide.jpg"'))
    release(root)
    chapters = json.loads((root / "site/chapters/waiting-times.json").read_bytes())["chapters"]
    (image,) = [chapter["img"] for chapter in chapters if "img" in chapter]
    published = root / "site" / image.removeprefix("https://podcast.cln.example/")
    with Image.open(published) as picture:
        assert picture.size == (1400, 788)
        assert not picture.getexif()


def test_survey_changes_nothing_but_the_cache(built: Path, tmp_path: Path) -> None:
    """Looking at a workspace writes no notes and no site."""
    root = studio.copy_workspace(built, tmp_path / "w")
    (root / "episodes/waiting-times/notes.md").unlink()
    before = files(root / "site") | files(root / "episodes")
    build.survey(Workspace(root=root), Cache(root / ".cache"), now=NOW)
    assert files(root / "site") | files(root / "episodes") == before


def test_only_the_feeds_that_hold_a_changed_episode_are_written(tmp_path: Path) -> None:
    """A change to an episode of one region leaves the feeds of the others byte for byte as they were."""
    root = studio.workspace(tmp_path, "northern")
    config = root / "cln_media.toml"
    config.write_text(
        config.read_text()
        + '\n[[regions]]\nid = "london"\nname = "London"\n'
        + '\n[[feeds]]\nname = "london"\ntitle = "London"\nregion = "london"\n'
    )
    studio.add_episode(root, "southern", seed=2)
    southern = root / "episodes/southern/episode.toml"
    southern.write_text(southern.read_text().replace('"north-west"', '"london"'))
    release(root)
    before = files(root / "site")
    southern.write_text(southern.read_text().replace("What we learned.", "What we learned since."))
    release(root)
    changed = {name for name, sha256 in files(root / "site").items() if before.get(name) != sha256}
    assert {name for name in changed if name.endswith((".xml", ".atom", ".opml")) or name.startswith("feed")} == {
        *(f"feed.{extension}" for extension in ("xml", "atom", "json")),
        *(f"feeds/london.{extension}" for extension in ("xml", "atom", "json")),
    }


def test_every_published_transcript_and_chapters_file_is_read_by_others(built: Path) -> None:
    """WebVTT by webvtt-py, SubRip by srt, both JSON files against their schema: the same words, the same times."""
    for slug in ("waiting-times", "choose-and-book"):
        stem = built / "site/transcripts" / slug
        chapters = json.loads((built / f"site/chapters/{slug}.json").read_bytes())
        jsonschema.validate(chapters, schemas.CHAPTERS, jsonschema.Draft202012Validator)
        transcript = json.loads(stem.with_suffix(".json").read_bytes())
        jsonschema.validate(transcript, schemas.TRANSCRIPT, jsonschema.Draft202012Validator)
        cues = webvtt.read(str(stem.with_suffix(".vtt")))
        captions = list(srt.parse(stem.with_suffix(".srt").read_text(encoding="utf-8")))
        starts = [round(segment["startTime"] * 1000) for segment in transcript["segments"]]
        assert [_ms(cue.start) for cue in cues] == starts
        assert [round(caption.start.total_seconds() * 1000) for caption in captions] == starts
        assert [cue.text for cue in cues] == [segment["body"] for segment in transcript["segments"]]


def _ms(text: str) -> int:
    hours, minutes, seconds = text.split(":")
    return round((int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1000)


def test_a_page_that_cannot_be_rendered_leaves_the_site_as_it_was(built: Path, tmp_path: Path) -> None:
    """A template that fails on the last page changes no file of the site, however many pages came before."""
    root = studio.copy_workspace(built, tmp_path / "w")
    (root / "episodes/waiting-times/notes.md").write_text("Other notes.\n")
    (root / "templates").mkdir(exist_ok=True)
    (root / "templates/transcript.html.jinja").write_text("{{ nobody.knows }}")
    before = files(root / "site")
    with pytest.raises(TemplateError):
        release(root)
    assert files(root / "site") == before


def test_a_folder_that_leads_elsewhere_is_replaced(built: Path, tmp_path: Path) -> None:
    """A link in the place of a folder of the site is gone after a build; its files are written, those behind stay."""
    root = studio.copy_workspace(built, tmp_path / "w")
    (root / "site/episodes").rename(tmp_path / "elsewhere")
    (root / "site/episodes").symlink_to(tmp_path / "elsewhere")
    release(root)
    assert not (root / "site/episodes").is_symlink()
    assert files(root / "site") == files(built / "site")
    assert files(tmp_path / "elsewhere")


def test_memory_does_not_grow_with_the_number_of_pages(tmp_path: Path) -> None:
    """What is rendered waits on the disk: only what differs, and none of it in memory."""
    spool = site.Spool(tmp_path / "site", tmp_path)
    tracemalloc.start()
    for number in range(60):
        spool.add(f"page-{number}.html", b"x" * 1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    spool.add("page-7.html", b"y" * 10)
    assert peak < 3_000_000
    assert len({*spool.waiting.values()}) == 60
    (tmp_path / "site").mkdir()
    (tmp_path / "site/page-7.html").write_bytes(b"z")
    spool.add("page-7.html", b"z")
    assert "page-7.html" not in spool.waiting
    assert len(spool.waiting) == 59
