"""What tests of publishing share: small releases, a store that notes every request, and ways to sign in."""

import hashlib
import os
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline import publish
from pipeline.model import Asset, Plan, Release, StorageSettings
from pipeline.publish.store import Listed, Stored, Tagged, Version
from pipeline.publish.transfer import fault
from tests.seaweed import Seaweed

IMMUTABLE, SHORT = "public, max-age=31536000, immutable", "max-age=300"
FILES = {
    "assets/site-0123456789abcdef.css": b"body { color: #212b32 }\n",
    "chapters/choose-and-book.json": b'{"version": "1.2.0", "chapters": []}\n',
    "episodes/choose-and-book/index.html": b"<!doctype html><title>Choose &amp; Book</title>\n",
    "feed.xml": b"<rss/>\n",
    "feeds/north-west.xml": b"<rss/>\n",
    "index.html": b"<!doctype html><title>Learning sets</title>\n",
    "media/choose-and-book-0123456789abcdef.mp3": b"sound" * 2_000,
    "transcripts/choose-and-book.vtt": b"WEBVTT\n",
}
TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "json": "application/json+chapters",
    "mp3": "audio/mpeg",
    "vtt": "text/vtt; charset=utf-8",
    "xml": "application/rss+xml; charset=utf-8",
}
OWNER = publish.Owner(who="tester", host="here", workspace="0" * 32)
OTHER = publish.Owner(who="colleague", host="elsewhere", workspace="1" * 32)


def asset(key: str, data: bytes, **changes: object) -> Asset:
    """Describe a file of a release; `changes` replace fields."""
    values: dict[str, object] = {
        "key": key,
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "content_type": TYPES[key.rpartition(".")[2]],
        "cache_control": IMMUTABLE if key.startswith(("media/", "assets/")) else SHORT,
    }
    return Asset(**{**values, **changes})  # type: ignore[arg-type]


def build(site: Path, files: dict[str, bytes]) -> Release:
    """Write `files` and their manifest to `site`."""
    for key, data in files.items():
        path = site / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    release = Release(assets=tuple(asset(key, files[key]) for key in sorted(files)))
    (site / "manifest.json").write_bytes(release.to_json())
    return release


def publish_all(
    release: Release, site: Path, store: publish.Store, *, owner: publish.Owner = OWNER, keep: int = 10
) -> Plan:
    """Look, plan and apply, as the command does."""
    seen = publish.look(store)
    work = publish.plan(release, seen.ledger, keep=keep)
    publish.apply(work, release, seen=seen, site=site, store=store, manner=publish.Manner(owner=owner, keep=keep))
    return work


def roll_back(store: publish.Store, number: int, *, owner: publish.Owner = OWNER) -> publish.Ledger:
    """Bring an earlier release back, as the command does."""
    seen = publish.look(store)
    assert seen.ledger is not None
    move = publish.rollback(seen.ledger, number, source=store.address)
    publish.check_sources(move, seen.ledger, store)
    manner = publish.Manner(owner=owner, copies=move.copies, note=f"back to release {number}")
    return publish.apply(move.plan, move.release, seen=seen, site={}, store=store, manner=manner)


def keys_of(slug: str) -> Callable[[str], bool]:
    """Make what says whether a key belongs to an episode of the sites that tests publish."""
    its = re.compile(rf"media/{slug}-[0-9a-f]+\..+|(?:transcripts|chapters)/{slug}\..+|(?:episodes|embed)/{slug}/.+")
    return lambda key: its.fullmatch(key) is not None


def ledger_of(store: publish.Store) -> publish.Ledger:
    """Read what a store says it holds."""
    seen = publish.look(store)
    assert seen.ledger is not None
    return seen.ledger


def in_folder(folder: Path) -> dict[str, bytes]:
    """Read every file below `folder`."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@contextmanager
def ended(process: "subprocess.Popen[bytes]") -> Iterator["subprocess.Popen[bytes]"]:
    """Kill `process` when the context ends, whatever happened in it."""
    with process:
        try:
            yield process
        finally:
            process.kill()


class Recording:
    """A store that notes every request before it passes it on."""

    def __init__(self, store: publish.Store, before: Callable[[str, str], None] | None = None) -> None:
        self.store = store
        self.requests: list[tuple[str, str]] = []
        self.before = before

    @property
    def address(self) -> str:
        """The store's address."""
        return self.store.address

    @property
    def endpoint(self) -> str:
        """The store's endpoint."""
        return self.store.endpoint

    @property
    def abilities(self) -> publish.Abilities:
        """The store's abilities."""
        return self.store.abilities

    def note(self, verb: str, key: str) -> None:
        """Note a request."""
        if self.before:
            self.before(verb, key)
        self.requests.append((verb, key))

    def learn(self, known: publish.Abilities | None) -> publish.Abilities:
        """Pass on."""
        return self.store.learn(known)

    def read(self, key: str) -> Tagged | None:
        """Note and pass on."""
        self.note("read", key)
        return self.store.read(key)

    def head(self, key: str) -> Stored | None:
        """Note and pass on."""
        self.note("head", key)
        return self.store.head(key)

    def digest(self, asset: Asset) -> str | None:
        """Note and pass on."""
        self.note("digest", asset.key)
        return self.store.digest(asset)

    def put(self, asset: Asset, path: Path, sent: Callable[[int], None]) -> str:
        """Note and pass on."""
        self.note("put", asset.key)
        return self.store.put(asset, path, sent)

    def put_bytes(self, asset: Asset, data: bytes) -> str:
        """Note and pass on."""
        self.note("put", asset.key)
        return self.store.put_bytes(asset, data)

    def exchange(self, asset: Asset, data: bytes, *, expected: str | None) -> str:
        """Note and pass on."""
        self.note("exchange", asset.key)
        return self.store.exchange(asset, data, expected=expected)

    def copy(
        self, asset: Asset, source: str, *, tag: str | None = None, origin: publish.Store | None = None
    ) -> str | None:
        """Note and pass on."""
        self.note("copy", asset.key)
        return self.store.copy(asset, source, tag=tag, origin=origin.store if isinstance(origin, Recording) else origin)

    def set_headers(self, asset: Asset) -> str:
        """Note and pass on."""
        self.note("set_headers", asset.key)
        return self.store.set_headers(asset)

    def delete(self, key: str) -> None:
        """Note and pass on."""
        self.note("delete", key)
        self.store.delete(key)

    def listing(self, prefix: str = "") -> Iterator[Listed]:
        """Note and pass on."""
        self.note("listing", prefix)
        return self.store.listing(prefix)

    def versions(self, prefix: str = "") -> tuple[Version, ...] | None:
        """Note and pass on."""
        self.note("versions", prefix)
        return self.store.versions(prefix)

    def is_own(self, version: Version) -> bool:
        """Note and pass on."""
        self.note("is_own", version.key)
        return self.store.is_own(version)

    def delete_version(self, version: Version) -> None:
        """Note and pass on."""
        self.note("delete_version", version.key)
        self.store.delete_version(version)

    def abort_uploads(self, doomed: Callable[[str], bool]) -> tuple[str, ...]:
        """Note and pass on."""
        self.note("abort_uploads", "")
        return self.store.abort_uploads(doomed)

    def settle(self) -> None:
        """Pass on."""
        self.store.settle()

    def stop(self) -> None:
        """Pass on."""
        self.store.stop()


def sign_in(monkeypatch: pytest.MonkeyPatch, access_key: str | None, secret_key: str | None) -> None:
    """Leave this machine with just these credentials."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    if access_key and secret_key:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret_key)


def open_bucket(s3: Seaweed, bucket: str, tmp_path: Path, prefix: str = "") -> publish.S3Store:
    """Open a bucket of the real store."""
    settings = StorageSettings(url=f"s3://{bucket}/{prefix}", endpoint_url=s3.endpoint_url)
    store = publish.open_store(settings, workspace=tmp_path)
    assert isinstance(store, publish.S3Store)
    return store


def verify(release: Release, store: publish.Store, *, keys: Iterable[str]) -> tuple[str, ...]:
    """Ask `store` for each of `keys` and say in what it differs from `release`; empty where all is well."""
    wanted = set(keys)
    found = [(asset.key, fault(asset, store.head(asset.key))) for asset in release.assets if asset.key in wanted]
    return tuple(f"{key}: {wrong}" for key, wrong in found if wrong)
