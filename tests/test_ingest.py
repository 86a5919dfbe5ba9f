"""ingest: a recording becomes a folder of its own, whole or not at all."""

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pipeline import ingest, workspace
from pipeline.errors import IngestError
from pipeline.ingest import Details, Known
from pipeline.model import Episode, Recording

NOTHING_KNOWN = Known(slugs=frozenset(), recordings={})


def recording(path: Path, data: bytes = b"sound", **facts: object) -> Recording:
    """Write bytes that stand for sound (ingest copies, it does not listen), and what a probe would say of them."""
    path.write_bytes(data)
    values: dict[str, object] = {
        "path": path,
        "container": "wav",
        "codec": "pcm_s16le",
        "duration_ms": 1000,
        "sample_rate_hz": 48_000,
        "channels": 1,
    }
    return Recording(**{**values, **facts})  # type: ignore[arg-type]


def add(
    tmp_path: Path, *recordings: Recording, details: Details | None = None, known: Known = NOTHING_KNOWN
) -> Episode:
    """Add to tmp_path/episodes."""
    return ingest.add_recording(
        recordings,
        details or Details(title="Waiting times"),
        known,
        folder=tmp_path / "episodes",
        write_episode=workspace.write_episode,
    )


def test_the_copy_is_the_original(tmp_path: Path) -> None:
    """The folder holds a copy with the hash that was written down, and the original stays."""
    original = recording(tmp_path / "Zoom 0001.WAV")
    episode = add(tmp_path, original)
    (source,) = episode.sources
    assert source.path == tmp_path / "episodes/waiting-times/recording.wav"
    assert source.path.read_bytes() == original.path.read_bytes()
    assert source.sha256 == hashlib.sha256(b"sound").hexdigest()
    assert (tmp_path / "episodes/waiting-times/episode.toml").is_file()
    assert [path.name for path in (tmp_path / "episodes").iterdir()] == ["waiting-times"]


def test_parts_are_kept_in_order(tmp_path: Path) -> None:
    """Several files become parts of one recording, in the order they were named."""
    second = recording(tmp_path / "a.wav", b"two")
    first = recording(tmp_path / "b.wav", b"one")
    episode = add(tmp_path, first, second)
    assert [source.path.name for source in episode.sources] == ["recording-1.wav", "recording-2.wav"]
    assert episode.sources[0].path.read_bytes() == b"one"


def test_each_episode_has_a_guid_of_its_own(tmp_path: Path) -> None:
    """GUIDs are minted, and never the same twice."""
    one = add(tmp_path, recording(tmp_path / "a.wav", b"1"))
    two = add(tmp_path, recording(tmp_path / "b.wav", b"2"), known=Known(slugs=frozenset({one.slug}), recordings={}))
    assert one.guid.startswith("urn:uuid:")
    assert one.guid != two.guid
    assert two.slug == "waiting-times-2"


def test_the_same_recording_is_refused_by_content(tmp_path: Path) -> None:
    """A recording under another name is still the same; the episode that has it is named, and nothing is added."""
    known = Known(slugs=frozenset(), recordings={hashlib.sha256(b"sound").hexdigest(): "first-meeting"})
    with pytest.raises(IngestError, match="is already the recording of the episode first-meeting"):
        add(tmp_path, recording(tmp_path / "copy.wav"), known=known)
    assert list((tmp_path / "episodes").iterdir()) == []


def test_a_part_named_twice_is_refused(tmp_path: Path) -> None:
    """The same file twice, or two files with the same content, is a mistake."""
    one = recording(tmp_path / "a.wav")
    with pytest.raises(IngestError, match="named twice"):
        add(tmp_path, one, one)
    with pytest.raises(IngestError, match="two parts are the same"):
        add(tmp_path, one, recording(tmp_path / "b.wav"))


def test_what_the_file_knows_is_the_default(tmp_path: Path) -> None:
    """Title and day come from the recording where the person does not say."""
    made = datetime(2026, 9, 15, 18, 30, tzinfo=UTC)
    known = recording(tmp_path / "a.wav", title="Set 4 evening", recorded_on=made)
    episode = add(tmp_path, known, details=Details())
    assert (episode.title, episode.recorded_on) == ("Set 4 evening", date(2026, 9, 15))
    unnamed = recording(tmp_path / "b.wav", b"2", recorded_on=made)
    assert add(tmp_path, unnamed, details=Details()).title == "Recording of 15 September 2026"
    nothing = recording(tmp_path / "c.wav", b"3")
    assert add(tmp_path, nothing, details=Details()).title == "Untitled recording"


@pytest.mark.parametrize("slug", ["Waiting Times", "../x", "a--b", "", "é"])
def test_a_slug_that_cannot_stand_in_an_address(tmp_path: Path, slug: str) -> None:
    """A slug the person gives is used as given, or refused with one that would do."""
    with pytest.raises(IngestError, match="cannot stand in an address"):
        add(tmp_path, recording(tmp_path / "a.wav"), details=Details(slug=slug))


@pytest.mark.parametrize("title", ["x" * 256, " "])
def test_a_title_that_no_build_would_take(tmp_path: Path, title: str) -> None:
    """A title that episode.toml may not hold is refused at once, not at the next build."""
    with pytest.raises(IngestError, match="the title has"):
        add(tmp_path, recording(tmp_path / "a.wav"), details=Details(title=title))


def test_a_taken_slug_is_refused(tmp_path: Path) -> None:
    """A slug the person gives is never changed behind their back."""
    with pytest.raises(IngestError, match='the slug "one" is taken'):
        add(
            tmp_path,
            recording(tmp_path / "a.wav"),
            details=Details(slug="one"),
            known=Known(slugs=frozenset({"one"}), recordings={}),
        )


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Choose and Book: from fourth place to first", "choose-and-book-from-fourth-place-to-first"),
        ("What's new — “Über” café", "whats-new-uber-cafe"),
        ("日本", ""),
        ("word " * 30, "-".join(["word"] * 12)),
        ("x" * 100, "x" * 60),
    ],
)
def test_slugs_of_titles(text: str, slug: str) -> None:
    """A slug is made of the title's ASCII letters and digits, and is never too long."""
    assert ingest.slug_of(text) == slug


@pytest.mark.parametrize("name", ["spaces and 'quotes' \".wav", "line\nbreak.wav", "日本 é.wav", "no suffix", "a.b c"])
def test_any_file_name_is_taken(tmp_path: Path, name: str) -> None:
    """The original may have any name; nothing of it but a plain ending reaches the workspace."""
    episode = add(tmp_path, recording(tmp_path / name))
    assert episode.sources[0].path.name in {"recording.wav", "recording.bin"}


def test_move_removes_the_originals_after_comparing(tmp_path: Path) -> None:
    """With --move the originals go, but only when the copies are what they were."""
    original = recording(tmp_path / "a.wav")
    episode = add(tmp_path, original)
    episode.sources[0].path.write_bytes(b"other")
    with pytest.raises(IngestError, match="is not what was copied"):
        ingest.remove_originals((original,), episode)
    assert original.path.exists()
    episode.sources[0].path.write_bytes(b"sound")
    ingest.remove_originals((original,), episode)
    assert not original.path.exists()


def test_progress_is_told_in_bytes(tmp_path: Path) -> None:
    """Progress ends at all bytes of all parts."""
    told: list[tuple[int, int]] = []
    parts = (recording(tmp_path / "a.wav", b"12"), recording(tmp_path / "b.wav", b"345"))
    ingest.add_recording(
        parts,
        Details(title="t"),
        NOTHING_KNOWN,
        folder=tmp_path / "episodes",
        write_episode=workspace.write_episode,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(2, 5), (5, 5)]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """A folder that cannot be made ends in a sentence."""
    (tmp_path / "episodes").write_text("a file")
    with pytest.raises(IngestError, match="is a file, not a folder"):
        add(tmp_path, recording(tmp_path / "a.wav"))


def test_another_recorder_of_the_same_meeting_is_kept_beside_it(tmp_path: Path) -> None:
    """Parts of the first recorder come first; each further recorder has its own number and name."""
    first, second, phone = (recording(tmp_path / name, name.encode()) for name in ("a.wav", "b.wav", "phone.m4a"))
    episode = ingest.add_recording(
        (first, second),
        Details(title="Waiting times"),
        NOTHING_KNOWN,
        folder=tmp_path / "episodes",
        write_episode=workspace.write_episode,
        others=(phone,),
    )
    assert "recorder = 2" in (episode.path / "episode.toml").read_text(encoding="utf-8")
    assert [(s.path.name, s.recorder) for s in episode.sources] == [
        ("recording-1.wav", 1),
        ("recording-2.wav", 1),
        ("recording-3.m4a", 2),
    ]
    assert [[path.name for path in parts] for parts in episode.recorders] == [
        ["recording-1.wav", "recording-2.wav"],
        ["recording-3.m4a"],
    ]
