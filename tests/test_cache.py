"""cache: slow results by content key; a damaged entry is a miss."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from pipeline import cache
from pipeline.cache import Cache
from pipeline.errors import WorkspaceError

KEY = cache.key("test", 1)


def put(store: Cache, data: bytes = b"slow result") -> Path:
    """Put a file into the cache."""
    with store.scratch() as scratch:
        file = scratch / "made.mp3"
        file.write_bytes(data)
        return store.put("masters", KEY, file, {"length": 3}).path


def test_what_is_put_is_found(tmp_path: Path) -> None:
    """An entry comes back with its facts, also for a cache opened later."""
    put(Cache(tmp_path / "cache"))
    entry = Cache(tmp_path / "cache").get("masters", KEY)
    assert entry is not None
    assert entry.path.read_bytes() == b"slow result"
    assert entry.facts == {"length": 3}


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove", "facts", "facts garbage"])
def test_a_damaged_entry_is_a_miss(tmp_path: Path, damage: str) -> None:
    """A file or its facts changed by anything but the cache is as if it were not there."""
    path = put(Cache(tmp_path))
    facts = path.with_suffix(".json")
    if damage == "flip":
        path.write_bytes(b"slow resulT")
    elif damage == "truncate":
        os.truncate(path, 3)
    elif damage == "remove":
        path.unlink()
    elif damage == "facts":
        facts.write_text(facts.read_text().replace("3", "4"))
    else:
        facts.write_text("{")
    assert Cache(tmp_path).get("masters", KEY) is None


def test_keys_differ_with_every_part() -> None:
    """Whatever changes a result changes its key, and the order of parts counts."""
    keys = {cache.key(*parts) for parts in ([1, 2], [2, 1], ["1", 2], [[1], 2], [1, 2, None])}
    assert len(keys) == 5


def test_scratch_leaves_nothing(tmp_path: Path) -> None:
    """The scratch folder is gone afterwards, also after an error."""

    def fail() -> None:
        with Cache(tmp_path).scratch() as scratch:
            (scratch / "half.mp3").write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_scratch_of_a_killed_build_is_swept(tmp_path: Path) -> None:
    """What a killed process left behind goes with the next build; that of a living one stays."""
    dead, alive = tmp_path / "work-999999999-x", tmp_path / f"work-{os.getppid()}-x"
    for folder in (dead, alive):
        folder.mkdir()
        (folder / "half.mp3").write_bytes(b"half")
    with Cache(tmp_path).scratch():
        assert not dead.exists()
        assert alive.exists()


def test_facts_are_found_once(tmp_path: Path) -> None:
    """Facts are looked for once and remembered; damaged ones are looked for again."""
    calls: list[int] = []

    def find() -> dict[str, int]:
        calls.append(1)
        return {"duration_ms": 5}

    assert Cache(tmp_path).facts("probes", KEY, find) == {"duration_ms": 5}
    assert Cache(tmp_path).facts("probes", KEY, find) == {"duration_ms": 5}
    assert len(calls) == 1
    path = tmp_path / "probes" / f"{KEY}.json"
    path.write_text(json.dumps({"value": {"duration_ms": 6}, "seal": "x"}))
    assert Cache(tmp_path).facts("probes", KEY, find) == {"duration_ms": 5}
    assert len(calls) == 2


def test_a_hash_is_remembered_only_of_a_still_file(tmp_path: Path) -> None:
    """A file changed a moment ago is hashed again next time: a later change might carry the same time."""
    path = tmp_path / "recording.wav"
    path.write_bytes(b"one")
    store = Cache(tmp_path / "cache")
    first = store.sha256(path)
    store.close()
    stat = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert Cache(tmp_path / "cache").sha256(path) != first


def test_a_changed_file_is_hashed_again(tmp_path: Path) -> None:
    """Within one build, too, a file that changed has a new hash."""
    path = tmp_path / "recording.wav"
    path.write_bytes(b"one")
    store = Cache(tmp_path / "cache")
    first = store.sha256(path)
    path.write_bytes(b"three")
    assert store.sha256(path) != first


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    """A cache in an impossible place ends in a sentence."""
    (tmp_path / "file").write_text("a file")
    with pytest.raises(WorkspaceError, match="cannot be written"), Cache(tmp_path / "file/cache").scratch():
        pass


def test_a_hash_can_be_taken_over(tmp_path: Path) -> None:
    """A hash that is known already is remembered by the next build; a change of the file is noticed all the same."""
    file = tmp_path / "recording.wav"
    file.write_bytes(b"sound")
    first = Cache(tmp_path / "cache")
    first.remember(file, "0" * 64)
    first.close()
    again = Cache(tmp_path / "cache")
    assert again.sha256(file) == "0" * 64
    file.write_bytes(b"other sound")
    assert again.sha256(file) == hashlib.sha256(b"other sound").hexdigest()


def test_a_folder_comes_back_whole_or_not_at_all(tmp_path: Path) -> None:
    """A folder is found with its facts while every file is as it was put; others of its kind can be removed."""
    store = Cache(tmp_path / ".cache")

    def made(name: str) -> Path:
        with store.scratch() as scratch:
            (scratch / "made/inside").mkdir(parents=True)
            (scratch / "made/inside/a.txt").write_text(name)
            return store.put_folder("folders", cache.key(name), scratch / "made", {"name": name}).path

    one, other = made("one"), made("other")
    found = store.get_folder("folders", cache.key("one"))
    assert found is not None
    assert (found.path, found.facts) == (one, {"name": "one"})
    assert store.get_folder("folders", cache.key("none")) is None
    (one / "inside/a.txt").write_text("changed")
    assert store.get_folder("folders", cache.key("one")) is None
    made("one")
    assert Cache(tmp_path / ".cache").get_folder("folders", cache.key("one")) is not None
    store.keep_only("folders", {cache.key("one")})
    assert not other.exists()
    assert store.known("folders", cache.key("other")) is None
    assert store.get_folder("folders", cache.key("one")) is not None
