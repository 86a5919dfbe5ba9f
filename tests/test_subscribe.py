"""The whole path: a recording, published to a real object store, subscribed to and downloaded by a real podcast app."""

import hashlib
import json
import os
import pty
import select
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import feedparser
import podcastparser
import pytest

from pipeline.model import Release
from tests import seaweed, studio
from tests.test_cli import Session


@pytest.fixture
def published(
    s3: seaweed.Seaweed, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Session:
    """A session in a workspace that was published to a public bucket; credentials come from the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.secret_key)
    bucket = s3.new_bucket(public=True)
    root = studio.workspace(tmp_path / "w", "waiting-times", "choose-and-book")
    config = root / "cln_media.toml"
    text = config.read_text().replace("https://podcast.cln.example/", f"{s3.endpoint_url}/{bucket}/pod/")
    config.write_text(f'{text}\n[storage]\nurl = "s3://{bucket}/pod"\nendpoint_url = "{s3.endpoint_url}"\n')
    session = Session(root, capsys)
    assert session("publish", "--yes") == 0, session.err
    return session


def _address(session: Session) -> str:
    return session.out.split("Site: ")[1].splitlines()[0]


def test_every_object_is_what_was_built(published: Session) -> None:
    """Every file of the release comes back from the store byte for byte, with its media type and caching."""
    site = published.folder / "site"
    release = Release.from_json((site / "manifest.json").read_bytes())
    for asset in release.assets:
        with urlopen(_address(published) + asset.key) as answer:
            assert answer.read() == (site / asset.key).read_bytes()
            assert answer.headers["Content-Type"] == asset.content_type
            assert answer.headers["Cache-Control"] == asset.cache_control


def test_a_second_publish_has_nothing_to_do(published: Session) -> None:
    """Published again, nothing is sent, and the command says so."""
    assert published("publish", "--yes") == 0
    assert "Nothing changed" in published.out
    assert published("publish", "--dry-run", "--json") == 0
    assert json.loads(published.out)["puts"] == []


def test_a_show_that_has_moved_says_so_in_the_feed_and_in_its_headers(published: Session) -> None:
    """With moved_to, the feed names its new address and only the feed is sent again, with a redirect for websites."""
    config = published.folder / "cln_media.toml"
    config.write_text(config.read_text().replace("[feed]\n", '[feed]\nmoved_to = "https://new.example/feed.xml"\n'))
    assert published("publish", "--dry-run", "--json") == 2, published.err
    (put,) = json.loads(published.out)["puts"]
    assert (put["key"], put["redirect"]) == ("feed.xml", "https://new.example/feed.xml")
    assert published("publish", "--yes") == 0, published.err
    with urlopen(f"{_address(published)}feed.xml") as answer:
        assert b"<itunes:new-feed-url>https://new.example/feed.xml</itunes:new-feed-url>" in answer.read()
    assert published("publish", "--yes") == 0, published.err
    assert "Nothing changed" in published.out


def test_secrets_stay_out_of_everything(published: Session, s3: seaweed.Seaweed) -> None:
    """Neither key appears in what is printed, also with --verbose and with a wrong endpoint, nor in any file made."""
    config = published.folder / "cln_media.toml"
    config.write_text(config.read_text().replace(s3.endpoint_url, "http://127.0.0.1:9"))
    assert published("--verbose", "publish", "--yes") == 1
    assert s3.secret_key not in published.out + published.err
    for path in published.folder.rglob("*"):
        assert not path.is_file() or s3.secret_key.encode() not in path.read_bytes()


def test_feed_readers_agree_with_the_episode(published: Session) -> None:
    """Feedparser and gPodder's parser read the same titles, GUIDs, dates and enclosures that were written."""
    address = f"{_address(published)}feed.xml"
    with urlopen(address) as answer:
        data = answer.read()
    parsed = feedparser.parse(data)
    assert not parsed.bozo
    with urlopen(address) as answer:
        gpodder = podcastparser.parse(address, answer)
    assert {entry.id for entry in parsed.entries} == {"urn:test:waiting-times", "urn:test:choose-and-book"}
    assert {episode["guid"] for episode in gpodder["episodes"]} == {entry.id for entry in parsed.entries}
    for entry in parsed.entries:
        (enclosure,) = entry.enclosures
        with urlopen(Request(enclosure.href, method="HEAD")) as answer:
            assert answer.headers["Content-Length"] == enclosure.length
            assert answer.headers["Content-Type"] == "audio/mpeg"
        with urlopen(Request(enclosure.href, headers={"Range": "bytes=100-199"})) as answer:
            assert answer.status == 206
            assert len(answer.read()) == 100


def test_a_podcast_app_subscribes_and_downloads(published: Session, tmp_path: Path) -> None:
    """The app gPodder subscribes to the feed in the store and downloads both episodes, byte for byte."""
    home = tmp_path / "gpodder"
    environment = {**os.environ, "GPODDER_HOME": str(home), "GPODDER_DOWNLOAD_DIR": str(home / "downloads")}

    def gpo(*arguments: str) -> str:
        ran = subprocess.run(
            ["gpo", *arguments], capture_output=True, text=True, env=environment, check=False, timeout=120
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    assert "Successfully added" in gpo("subscribe", f"{_address(published)}feed.xml")
    gpo("download")
    downloaded = {hashlib.sha256(path.read_bytes()).hexdigest() for path in home.rglob("*.mp3")}
    built = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (published.folder / "site/media").iterdir()}
    assert len(built) == 2
    assert downloaded == built


def test_a_terminal_app_subscribes_and_downloads(published: Session, tmp_path: Path) -> None:
    """Newsboat reads the feed and queues its sound, and its podboat downloads it, byte for byte."""
    home = tmp_path / "newsboat"
    downloads = home / "downloads"
    downloads.mkdir(parents=True)
    (home / "urls").write_text(f"{_address(published)}feed.xml\n")
    (home / "config").write_text(f'podcast-auto-enqueue yes\ndownload-path "{downloads}/"\nmax-downloads 2\n')
    environment = {**os.environ, "HOME": str(home), "TERM": "xterm"}
    files = ["-u", str(home / "urls"), "-c", str(home / "cache.db"), "-C", str(home / "config")]
    subprocess.run(["newsboat", *files, "-q", "-x", "reload"], check=True, env=environment, timeout=60)
    built = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (published.folder / "site/media").iterdir()}
    with _terminal(["podboat", "-C", str(home / "config"), "-a"], environment) as read:
        for _ in range(300):
            read()
            found = {hashlib.sha256(path.read_bytes()).hexdigest() for path in downloads.glob("*.mp3")}
            if found == built:
                break
    assert found == built


@contextmanager
def _terminal(command: list[str], environment: dict[str, str]) -> Iterator[Callable[[], None]]:
    """Run a program that wants a terminal; the function it lends reads what it draws, for a tenth of a second."""
    main, side = pty.openpty()
    ran = subprocess.Popen(command, stdin=side, stdout=side, stderr=side, env=environment, start_new_session=True)
    os.close(side)

    def read() -> None:
        if select.select([main], [], [], 0.1)[0]:
            os.read(main, 65_536)

    try:
        yield read
    finally:
        ran.terminate()
        ran.wait(timeout=20)
        os.close(main)
