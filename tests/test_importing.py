"""importing: the feed of another host becomes episodes; every host here is a real server on this computer."""

import contextlib
import gzip
import hashlib
import html
import http.server
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from PIL import Image

from pipeline import importing, preview, words, workspace
from pipeline.build.survey import READERS, CheckFailedError
from pipeline.cli.importing import bring
from pipeline.cli.screen import Screen
from pipeline.errors import IngestError, MediaError, WordsError
from pipeline.importing import Patience, Web, chapters, markdown, parts, planning, reading, transcripts, web
from pipeline.ingest import slug_of
from pipeline.model import Episode, EpisodeKind, Show
from pipeline.workspace import Workspace, keys, toml
from tests import studio
from tests.test_build import release

NAMESPACES = (
    'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:podcast="https://podcastindex.org/namespace/1.0" '
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:atom="http://www.w3.org/2005/Atom" '
    'xmlns:psc="http://podlove.org/simple-chapters" xmlns:dc="http://purl.org/dc/elements/1.1/"'
)
QUICK = Patience(timeout_s=2, deadline_s=4, tries=3, pause_s=0.01, longest_pause_s=0.05)
Answering = Callable[["Handler", bytes], None]


class Host(http.server.ThreadingHTTPServer):
    """Another podcast host: files with ETags and byte ranges, and faults that are used up one by one."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[Answering]] = {}
        self.validators = True
        self.log: list[tuple[str, dict[str, str]]] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        """The address of the root, ending in a slash."""
        return f"http://127.0.0.1:{self.server_port}/"

    def asked(self, path: str) -> list[dict[str, str]]:
        """The headers of each request for a path."""
        return [headers for asked, headers in self.log if asked == path]

    def handle_error(self, *_: object) -> None:
        """Keep quiet when a client goes away."""


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers one request."""

    server: Host

    def do_GET(self) -> None:
        path = unquote(self.path.partition("?")[0]).lstrip("/")
        with self.server.lock:
            self.server.log.append((path, {name.lower(): value for name, value in self.headers.items()}))
            faults = self.server.faults.get(path)
            fault = faults.pop(0) if faults else whole
        fault(self, self.server.files.get(path, b""))

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def begin(self, status: int, length: int | None, **headers: str) -> None:
        """Send the head of an answer; `_` in a header's name stands for a hyphen."""
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()


def tag(data: bytes) -> str:
    """Make a strong ETag."""
    return f'"{hashlib.sha256(data).hexdigest()[:12]}"'


def whole(handler: Handler, data: bytes) -> None:
    """Answer as a good server does."""
    if not data:
        handler.begin(404, 0)
        return
    etag = {"ETag": tag(data)} if handler.server.validators else {}
    start = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    if start and handler.headers.get("If-Range") == tag(data):
        first = int(start[1])
        if first >= len(data):
            handler.begin(416, 0, Content_Range=f"bytes */{len(data)}")
            return
        handler.begin(206, len(data) - first, Content_Range=f"bytes {first}-{len(data) - 1}/{len(data)}", **etag)
        handler.wfile.write(data[first:])
    else:
        handler.begin(200, len(data), **etag)
        handler.wfile.write(data)


def broken_after(count: int) -> Answering:
    """Answer with the first bytes only, though the whole is announced."""

    def answer(handler: Handler, data: bytes) -> None:
        handler.begin(200, len(data), ETag=tag(data))
        handler.wfile.write(data[:count])

    return answer


def status(code: int, **headers: str) -> Answering:
    """Answer with a status and no content."""
    return lambda handler, _data: handler.begin(code, 0, **headers)


def silent(handler: Handler, data: bytes) -> None:
    """Send a few bytes and then nothing for longer than anybody waits."""
    handler.begin(200, len(data), ETag=tag(data))
    handler.wfile.write(data[:1000])
    handler.wfile.flush()
    time.sleep(30)


@pytest.fixture
def host() -> Iterator[Host]:
    """Run a host."""
    server = Host()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty workspace to import into."""
    return studio.empty_workspace(tmp_path / "w")


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Three short recordings."""
    folder = tmp_path_factory.mktemp("sounds")
    return [studio.recording(folder / f"{seed}.wav", 1.0, seed=seed).read_bytes() for seed in (1, 2, 3)]


def item(address: str = "one.wav", guid: str = "guid-1", extra: str = "", title: str = "One") -> str:
    """Write an item with a sound."""
    return (
        f"<item><title>{title}</title><guid>{guid}</guid><pubDate>Thu, 01 Oct 2020 07:00:00 +0100</pubDate>"
        f'<enclosure url="{address}" length="96044" type="audio/wav"/>{extra}</item>'
    )


def rss(*items: str, channel: str = "") -> bytes:
    """Write a feed."""
    head = f"<title>Old show</title><description>About.</description>{channel}"
    return (
        f'<?xml version="1.0"?><rss version="2.0" {NAMESPACES}><channel>{head}{"".join(items)}</channel></rss>'.encode()
    )


def read(root: Path) -> tuple[Show, dict[str, Episode]]:
    """Read a workspace that must be without a problem; episodes by slug."""
    where = Workspace(root=root)
    show, problems = workspace.read_show(where)
    assert show is not None
    episodes, more = workspace.read_episodes(where, show, READERS)
    assert (*problems, *more) == ()
    return show, {episode.slug: episode for episode in episodes}


def bring_in(root: Path, source: str, **options: object) -> None:
    """Run the command's work, impatiently."""
    bring(Workspace(root=root), source, Screen(), patience=QUICK, **options)  # type: ignore[arg-type]


def failures(root: Path, source: str, **options: object) -> list[str]:
    """Run it where something must fail; return what."""
    with pytest.raises(MediaError) as caught:
        bring_in(root, source, **options)
    problems = getattr(caught.value, "problems", ())
    return [f"{problem.source}: {problem.message}" for problem in problems] or [str(caught.value)]


def parsed(data: bytes, source: str = "https://old.example/feed.xml") -> reading.OldPage:
    """Read a page of a feed that is not fetched."""
    return reading.read(data, source=source)


# Round trip


@contextlib.contextmanager
def served(site: Path, port: int) -> Iterator[None]:
    """Serve a site with the preview."""
    stop, ready = threading.Event(), threading.Event()
    options = {"port": port, "stop": stop, "ready": lambda _url: ready.set()}
    thread = threading.Thread(target=preview.serve, args=(site,), kwargs=options)
    thread.start()
    assert ready.wait(10)
    try:
        yield
    finally:
        stop.set()
        thread.join(10)


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def name_voices(root: Path) -> None:
    """Say who speaks in each imported episode, as a person does afterwards."""
    for path in (root / "episodes").glob("*/episode.toml"):
        roles = "".join(f'\n[[speakers]]\nrole = "{role}"\n' for role in ("Chair", "GP, Greater Manchester"))
        path.write_text(path.read_text(encoding="utf-8") + roles, encoding="utf-8")


def test_our_own_podcast_comes_back_as_it_was(tmp_path: Path) -> None:
    """Built, served, imported and built again: GUIDs, dates, titles, notes, chapters, words and sound are the same."""
    port = free_port()
    old, new = studio.workspace(tmp_path / "old", "waiting-times"), studio.empty_workspace(tmp_path / "new")
    second = studio.add_episode(old, "choose-and-book", seed=2, extra='season = 2026\nnumber = 3\nkind = "bonus"\n')
    notes = (
        "We *learned* **three** things, see [the report](https://cln.example/r?a=1&b=2).\n\n- Start small\n- Share\n"
    )
    (second / "notes.md").write_text(f"{notes}\n## Later\n\n1. One\n2. Two <2\n", encoding="utf-8")
    (second / "episode.toml").write_text(
        (second / "episode.toml").read_text().replace('"About', '"Choose & Book: about')
    )
    config = old / "cln_media.toml"
    config.write_text(config.read_text().replace("https://podcast.cln.example/", f"http://127.0.0.1:{port}/"))
    release(old)
    with served(old / "site", port):
        bring_in(new, f"http://127.0.0.1:{port}/feed.xml", region="north-west", consent="Old releases, folder 3")
    _, before = read(old)
    _, after = read(new)
    assert {one.guid for one in after.values()} == {"urn:test:waiting-times", "urn:test:choose-and-book"}
    for episode in before.values():
        (copy,) = [one for one in after.values() if one.guid == episode.guid]
        assert copy.published == episode.published
        assert copy.title == episode.title
        assert copy.summary == episode.summary
        assert (copy.season, copy.number, copy.kind) == (episode.season, episode.number, episode.kind)
        assert copy.region == "north-west"
        assert words.notes_html(copy.notes or "") == words.notes_html(episode.notes or "")
        assert [(c.start_ms, c.title) for c in copy.chapters] == [(c.start_ms, c.title) for c in episode.chapters]
        assert copy.transcript is not None
        assert episode.transcript is not None
        assert copy.transcript.cues == episode.transcript.cues
        (sound,) = (old / "site/media").glob(f"{episode.slug}-*.mp3")
        assert copy.sources[0].path.read_bytes() == sound.read_bytes()
        assert copy.sources[0].sha256 == hashlib.sha256(sound.read_bytes()).hexdigest()
    name_voices(new)
    release(new)
    feeds = [feedparser.parse((folder / "site/feed.xml").read_bytes()) for folder in (old, new)]
    identities = [[(entry.id, entry.published, entry.title) for entry in feed.entries] for feed in feeds]
    assert sorted(identities[0]) == sorted(identities[1])


def test_old_sound_may_be_kept_as_it_is(tmp_path: Path) -> None:
    """With --keep-audio nothing is encoded again: the published sound is the old one, with new tags."""
    port = free_port()
    old, new = studio.workspace(tmp_path / "old", "waiting-times"), studio.empty_workspace(tmp_path / "new")
    config = old / "cln_media.toml"
    config.write_text(config.read_text().replace("https://podcast.cln.example/", f"http://127.0.0.1:{port}/"))
    release(old)
    with served(old / "site", port):
        bring_in(new, f"http://127.0.0.1:{port}/feed.xml", keep_audio=True, consent="Old releases, folder 3")
    name_voices(new)
    _, imported = read(new)
    assert all(episode.keep_audio for episode in imported.values())
    assert release(new).mastered == 1
    assert release(new).mastered == 0
    (before,), (after,) = [list((root / "site/media").iterdir()) for root in (old, new)]
    assert _untagged(after) == _untagged(before)
    assert not list((new / ".cache").glob("masters/*.mp3"))


def _untagged(path: Path) -> bytes:
    data = path.read_bytes()
    assert data[:3] == b"ID3"
    size = sum(byte << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True))
    return data[10 + size :]


# Hosts


VTT = b"WEBVTT\n\n00:00:00.000 --> 00:00:00.500\n<v Chair>Welcome.\n"
SRT = b"1\n00:00:00,000 --> 00:00:00,500\nWelcome.\n"
JSON = json.dumps(
    {"version": "1.0.0", "segments": [{"speaker": "Chair", "startTime": 0.1, "endTime": 0.45, "body": " Welcome. "}]}
).encode()
CHAPTERS = json.dumps(
    {
        "version": "1.2.0",
        "chapters": [
            {"startTime": 0, "title": "Welcome"},
            {"startTime": 0.3335, "title": "Hidden", "toc": False},
            {"startTime": 0.251, "title": "The pilot", "url": "javascript:alert(1)"},
            {"startTime": 0.5, "title": "End", "url": "https://cln.example/end"},
        ],
    }
).encode()


def style(name: str) -> str:
    """Read a feed written in the style of another host, `HOST` standing for its address."""
    return (Path(__file__).parent / "hosts" / f"{name}.xml").read_text(encoding="utf-8")


def open_host(host: Host, feed: str, sound: bytes, address: str) -> str:
    """Put a feed, its sound and all it may name on a host; return the feed's address."""
    image = Path(__file__).parents[1] / "artwork.png"
    host.files |= {"t.vtt": VTT, "t.srt": SRT, "t.json": JSON, "t.html": b"<p>Welcome.</p>", "c.json": CHAPTERS}
    host.files |= {"cover.png": image.read_bytes(), address: sound, "feed": feed.replace("HOST", host.url).encode()}
    return f"{host.url}feed"


def test_a_number_that_tags_cannot_hold_is_left_out(host: Host, root: Path, sounds: list[bytes]) -> None:
    """An episode numbered by its date arrives without that number: an M4A could not be tagged with it."""
    feed = style("castopod").replace("<itunes:episode>7<", "<itunes:episode>20210105<")
    assert "20210105" in feed
    bring_in(root, open_host(host, feed, sounds[0], "audio/@set/waiting.wav"))
    assert read(root)[1]["waiting-times"].number is None


def test_castopod(host: Host, root: Path, sounds: list[bytes], capsys: pytest.CaptureFixture[str]) -> None:
    """A feed in Castopod's style arrives whole: SubRip, JSON chapters, the show's values as a proposal."""
    address = open_host(host, style("castopod"), sounds[0], "audio/@set/waiting.wav")
    bring_in(root, address)
    _, episodes = read(root)
    episode = episodes["waiting-times"]
    assert episode.guid == f"{host.url}@set/episodes/waiting-times"
    assert episode.published == datetime(2021, 1, 5, 7, 30, tzinfo=UTC)
    assert (episode.season, episode.number, episode.explicit) == (2, 7, True)
    assert episode.notes == "How waits fell. It took a year.\n\n- **One** list\n"
    assert episode.summary == "How waits fell. It took a year."
    assert [(c.start_ms, c.title, c.url) for c in episode.chapters] == [
        (0, "Welcome", None),
        (251, "The pilot", None),
        (500, "End", "https://cln.example/end"),
    ]
    assert (episode.path / "transcript.srt").read_bytes() == SRT
    assert (episode.path / "recording.wav").read_bytes() == sounds[0]
    assert episode.speakers == ()
    text = (episode.path / "episode.toml").read_text()
    assert "# The old feed named people; add them with consent." in text
    assert '"Chair"' not in text.replace('# role = "Chair"', "")
    out = capsys.readouterr().out
    assert "podcast:locked" in out
    assert "imported_show.toml" in out


def test_the_show_is_a_proposal(host: Host, root: Path, sounds: list[bytes]) -> None:
    """imported_show.toml holds [show] as the settings would read it; the settings themselves stay untouched."""
    settings_before = (root / "cln_media.toml").read_bytes()
    feed = style("castopod").replace("cover.jpg", "cover.png")
    bring_in(root, open_host(host, feed, sounds[0], "audio/@set/waiting.wav"))
    sections = tuple(section for section in keys.SHOW_SECTIONS if section.name == "show")
    found = toml.read(root / "imported_show.toml", "imported_show.toml", sections)
    assert found.problems == []
    assert found.values["show"]["categories"] == ["Health & Fitness > Medicine"]
    assert found.values["show"]["guid"] == "917393e3-1b1e-5cef-ace4-edaa54e1f810"
    assert found.values["show"]["copyright"] == "Clinical Leaders Network"
    assert found.values["show"]["owner_email"] == "podcast@cln.example"
    assert found.values["show"]["description"] == "What clinical leaders learn."
    assert found.values["show"]["artwork"] == "imported_artwork.png"
    assert (root / "imported_artwork.png").read_bytes() == host.files["cover.png"]
    assert (root / "cln_media.toml").read_bytes() == settings_before
    (root / "imported_show.toml").write_text("mine")
    bring_in(root, f"{host.url}feed")
    assert (root / "imported_show.toml").read_text() == "mine"


def test_podlove(host: Host, root: Path, sounds: list[bytes]) -> None:
    """A feed in Podlove's style: its GUID with colons, chapters in the feed, WebVTT first, the episode's own cover."""
    bring_in(root, open_host(host, style("podlove"), sounds[0], "podlove/file/12/s/feed/c/mp3/ls003.wav"))
    episode = read(root)[1]["waiting-times"]
    assert episode.guid == "podlove-2021-03-01t08:51:22+00:00-4c3f1d5b0fdcf71"
    assert [(c.start_ms, c.title) for c in episode.chapters] == [
        (0, "Welcome"),
        (250, "The pilot & more"),
        (750, "End"),
    ]
    assert episode.chapters[1].url == "https://cln.example/pilot"
    assert (episode.path / "transcript.vtt").read_bytes() == VTT
    assert "The transcript names speakers" in (episode.path / "episode.toml").read_text()
    assert episode.notes == "## Notes\n\nSee [the site](https://cln.example/)\n"
    assert episode.cover is not None
    with Image.open(episode.cover) as cover:
        assert cover.width >= 1400
    assert not host.asked("pixel.gif")


def test_wordpress_with_powerpress(
    host: Host, root: Path, sounds: list[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    """A blog with sound: posts without it are passed over, times in the text become chapters, scripts are dropped."""
    bring_in(root, open_host(host, style("powerpress"), sounds[0], "media.blubrry.example/cln/long name.wav"))
    (episode,) = read(root)[1].values()
    assert episode.title == "Referrals \N{EN DASH} what we learned"
    assert episode.guid == f"{host.url}?p=345"
    assert episode.explicit is False
    assert episode.summary == "Referrals went up. Then down. And up again."
    assert [chapter.title for chapter in episode.chapters] == ["Welcome"]
    assert "alert" not in (episode.notes or "")
    assert episode.language is None
    said = capsys.readouterr()
    assert "1 without sound" in said.out
    assert "2 chapters after its end" in said.err


def test_buzzsprout(host: Host, root: Path, sounds: list[bytes], capsys: pytest.CaptureFixture[str]) -> None:
    """The older Podcasting 2.0 namespace is known; JSON becomes WebVTT; a missing chapters file is only a warning."""
    bring_in(root, open_host(host, style("buzzsprout"), sounds[0], "1/episodes/777-waiting.wav"))
    episode = read(root)[1]["waiting-times"]
    assert (episode.guid, episode.number) == ("Buzzsprout-7777777", 7)
    assert episode.published == datetime(2021, 3, 5, 10, 0, tzinfo=UTC)
    assert "2021-03-05T05:00:00-05:00" in (episode.path / "episode.toml").read_text()
    assert episode.transcript is not None
    (cue,) = episode.transcript.cues
    assert (cue.start_ms, cue.end_ms, cue.text, cue.speaker) == (100, 450, "Welcome.", "Chair")
    assert [chapter.start_ms for chapter in episode.chapters] == [0, 400]
    assert episode.notes == "How waits fell.\n"
    (bite,) = episode.soundbites
    assert (bite.start_ms, bite.duration_ms) == (250, 15_500)
    assert "has chapters that cannot be used: is not there (404)" in capsys.readouterr().err


def test_spotify_for_creators(host: Host, root: Path, sounds: list[bytes]) -> None:
    """An address within an address is asked for as it stands, and a trailer stays one."""
    where = "s/1234/podcast/play/99/https://cdn.example/2021-03-08/x.wav"
    bring_in(root, open_host(host, style("spotify"), sounds[0], where))
    episode = read(root)[1]["waiting-times"]
    assert episode.kind is EpisodeKind.TRAILER
    assert episode.notes == 'How waits fell, with the "one list".\n\nMore.\n'
    assert (episode.path / "recording.m4a").is_file()


# Downloads


def test_a_broken_download_goes_on(host: Host, root: Path, sounds: list[bytes]) -> None:
    """A download that breaks off is asked for again from where it broke, and the whole has the right hash."""
    host.files |= {"feed": rss(item()), "one.wav": sounds[0]}
    host.faults["one.wav"] = [broken_after(40_000)]
    bring_in(root, f"{host.url}feed")
    first, second = host.asked("one.wav")
    assert "range" not in first
    assert (second["range"], second["if-range"]) == ("bytes=40000-", tag(sounds[0]))
    assert re.fullmatch(r"cln-media/\d+\.\d+\.\d+", second["user-agent"])
    episode = read(root)[1]["one"]
    assert episode.sources[0].sha256 == hashlib.sha256(sounds[0]).hexdigest()
    assert not list((root / ".cache/import").iterdir())
    assert sorted(path.name for path in (root / "episodes").iterdir()) == ["one"]


def test_what_a_first_run_fetched_a_second_goes_on_from(host: Host, root: Path, sounds: list[bytes]) -> None:
    """Interrupted for good, the next run asks only for the rest; what changed meanwhile is fetched anew."""
    host.files |= {"feed": rss(item()), "one.wav": sounds[0]}
    host.faults["one.wav"] = [broken_after(30_000), status(503), status(503), status(503)]
    assert failures(root, f"{host.url}feed") == [
        '"One": ' + f"{host.url}one.wav: cannot be had: the server answers 503"
    ]
    assert [path.stat().st_size for path in (root / ".cache/import").glob("*.part")] == [30_000]
    host.files["one.wav"] = sounds[1]
    bring_in(root, f"{host.url}feed")
    assert host.asked("one.wav")[-1]["range"] == "bytes=30000-"
    assert read(root)[1]["one"].sources[0].path.read_bytes() == sounds[1]


def test_a_server_without_validators_starts_over(host: Host, root: Path, sounds: list[bytes]) -> None:
    """Where nothing tells whether the file is still the same, no part of it is trusted."""
    host.files |= {"feed": rss(item()), "one.wav": sounds[0]}
    host.validators = False
    host.faults["one.wav"] = [lambda handler, data: (handler.begin(200, len(data)), handler.wfile.write(data[:500]))[0]]
    bring_in(root, f"{host.url}feed")
    assert ["range" in headers for headers in host.asked("one.wav")] == [False, False]
    assert read(root)[1]["one"].sources[0].path.read_bytes() == sounds[0]


def test_a_wrong_part_is_not_taken(host: Host, root: Path, sounds: list[bytes]) -> None:
    """A server that answers a range with another one, or with 416, is asked for the whole again."""

    def wrong(handler: Handler, data: bytes) -> None:
        handler.begin(206, 10, Content_Range=f"bytes 0-9/{len(data)}")
        handler.wfile.write(data[:10])

    host.files |= {"feed": rss(item()), "one.wav": sounds[0]}
    for fault in (wrong, status(416)):
        host.log.clear()
        host.faults["one.wav"] = [broken_after(1000), fault]
        bring_in(root, f"{host.url}feed")
        assert [headers.get("range") for headers in host.asked("one.wav")] == [None, "bytes=1000-", None]
        host.files["feed"] = rss(item("one.wav", "guid-2"))
        host.files["one.wav"] = sounds[1]
    assert [read(root)[1][slug].sources[0].path.read_bytes() for slug in ("one", "one-2")] == sounds[:2]


def test_a_whole_part_is_not_fetched_again(host: Host, root: Path, sounds: list[bytes]) -> None:
    """A part that is whole already needs no request."""
    part = root / "x.part"
    part.write_bytes(sounds[0])
    facts = {"url": f"{host.url}one.wav", "validator": tag(sounds[0]), "total": len(sounds[0])}
    parts.facts_path(part).write_text(json.dumps(facts))
    found = a_web().download(f"{host.url}one.wav", part, limit=10**6, progress=lambda _size: None)
    assert found.sha256 == hashlib.sha256(sounds[0]).hexdigest()
    assert host.log == []


def a_web(**options: object) -> Web:
    """A web that may ask this computer."""
    return Web(agent="cln-media/test", near=True, patience=QUICK, **options)  # type: ignore[arg-type]


def test_a_passing_fault_passes(host: Host, root: Path, sounds: list[bytes]) -> None:
    """A server that is busy for a moment is asked again."""
    host.files |= {"feed": rss(item()), "one.wav": sounds[0]}
    host.faults = {"feed": [status(503, Retry_After="0")], "one.wav": [status(500), status(429)]}
    bring_in(root, f"{host.url}feed")
    assert list(read(root)[1]) == ["one"]
    assert len(host.asked("one.wav")) == 3


def test_what_is_too_large_is_not_kept(host: Host, root: Path, sounds: list[bytes]) -> None:
    """A sound beyond all measure is refused by its announced length, or as it arrives, and leaves nothing behind."""

    def unannounced(handler: Handler, data: bytes) -> None:
        handler.begin(200, None, ETag=tag(data))
        handler.wfile.write(data)

    host.files["one.wav"] = sounds[0]
    for faults in ([], [unannounced]):
        host.faults["one.wav"] = faults
        with pytest.raises(IngestError, match="is larger than"):
            a_web().download(f"{host.url}one.wav", root / "x.part", limit=50_000, progress=lambda _size: None)
        assert not (root / "x.part").exists()


def test_a_place_that_cannot_be_written(host: Host, root: Path, sounds: list[bytes]) -> None:
    """Where a download cannot be kept, the sentence names the place."""
    host.files |= {"feed": rss(item()), "one.wav": sounds[0]}
    (root / ".cache").write_text("in the way")
    (told,) = failures(root, f"{host.url}feed")
    assert "cannot be written: " in told
    assert ".cache" in told


def test_retries_have_a_budget(host: Host) -> None:
    """All files of an import together are asked again only so often."""
    host.faults["x"] = [status(500)] * 20
    asking = Web(agent="a", near=True, patience=Patience(tries=10, retries=4, pause_s=0.001))
    with pytest.raises(IngestError, match="answers 500"):
        asking.fetch(f"{host.url}x", limit=10)
    assert len(host.asked("x")) == 5


def test_a_silent_server_is_not_waited_for(host: Host, root: Path, sounds: list[bytes]) -> None:
    """A server that stops in the middle costs its item only."""
    host.files |= {
        "feed": rss(item(), item("two.wav", "guid-2", title="Two")),
        "one.wav": sounds[0],
        "two.wav": sounds[1],
    }
    host.faults["one.wav"] = [silent] * 9
    patience = Patience(timeout_s=0.3, tries=2, pause_s=0.01)
    with pytest.raises(CheckFailedError) as caught:
        bring(Workspace(root=root), f"{host.url}feed", Screen(), patience=patience)
    (problem,) = caught.value.problems
    assert problem.message.endswith("one.wav: does not answer in time")
    assert list(read(root)[1]) == ["two"]


def test_the_length_in_the_feed_is_only_compared(
    host: Host, root: Path, sounds: list[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong length, of which feeds have many, is a warning; one that cannot be is not even counted."""
    huge = item("two.wav", "guid-2", title="Two").replace("96044", "999999999999999")
    host.files |= {"feed": rss(item().replace("96044", "96000"), huge), "one.wav": sounds[0], "two.wav": sounds[1]}
    bring_in(root, f"{host.url}feed")
    assert sorted(read(root)[1]) == ["one", "two"]
    assert "has 96,044 bytes of sound where the feed tells 96,000" in capsys.readouterr().err


def test_no_room(host: Host, root: Path, sounds: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk has not the room for all the sound, nothing is begun."""
    host.files |= {"feed": rss(item().replace("96044", str(3 << 30))), "one.wav": sounds[0]}
    monkeypatch.setattr("shutil.disk_usage", lambda _path: os.terminal_size((1, 1)) and Free())
    assert "the sound needs 3.4 GB, and 1.0 GB are free" in failures(root, f"{host.url}feed")[0]
    assert host.asked("one.wav") == []
    assert not (root / "imported_show.toml").exists()


class Free:
    """A disk with a gigabyte of room."""

    free = 10**9


def test_running_again_adds_only_what_is_new(host: Host, root: Path, sounds: list[bytes]) -> None:
    """What is there already, by its GUID, is neither fetched nor touched; a new item is added."""
    host.files |= {"feed": rss(item()), "one.wav": sounds[0], "two.wav": sounds[1]}
    bring_in(root, f"{host.url}feed")
    settings_file = root / "episodes/one/episode.toml"
    settings_file.write_text(settings_file.read_text().replace('title = "One"', 'title = "Edited"'))
    host.files["feed"] = rss(item(), item("two.wav", "guid-2", title="Two"))
    host.log.clear()
    bring_in(root, f"{host.url}feed")
    assert host.asked("one.wav") == []
    assert {episode.title for episode in read(root)[1].values()} == {"Edited", "Two"}


def test_a_limit_takes_the_newest(
    host: Host, root: Path, sounds: list[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    """With a limit the newest new ones are added, so that the same command goes on; a dry run adds nothing."""
    old = item("two.wav", "guid-2", title="Older").replace("2020", "2019")
    host.files |= {"feed": rss(old, item()), "one.wav": sounds[0], "two.wav": sounds[1]}
    bring_in(root, f"{host.url}feed", dry_run=True)
    out = capsys.readouterr().out
    assert re.search(r"2020-10-01  one +96.0 kB", out)
    assert out.index("2020-10-01") < out.index("2019-10-01")
    assert not (root / "imported_show.toml").exists()
    assert list((root / "episodes").iterdir()) == []
    bring_in(root, f"{host.url}feed", limit=1)
    assert "1 left for another time" in capsys.readouterr().out
    assert list(read(root)[1]) == ["one"]
    bring_in(root, f"{host.url}feed", limit=1)
    assert sorted(read(root)[1]) == ["older", "one"]


def test_one_bad_item_does_not_stop_the_others(host: Host, root: Path, sounds: list[bytes]) -> None:
    """A missing sound, a page in its place, the same sound twice and a file address: each is told, the rest arrive."""
    items = [
        item("gone.wav", "g1", title="Gone"),
        item("page.wav", "g2", title="Page"),
        item("one.wav", "g3", title="Good"),
        item("file:///etc/passwd", "g5", title="File"),
        item("ftp://127.0.0.1/x.wav", "g6", title="Ftp"),
    ]
    host.files |= {"feed": rss(*items), "one.wav": sounds[0], "page.wav": b"<html>Log in</html>" * 99}
    told = failures(root, f"{host.url}feed")
    assert sorted(re.sub(r"http://127\S+", "", line) for line in told)[:1] == [
        '"File": file:///etc/passwd: leads to an address that is not fetched'
    ]
    assert [line.split(":")[0] for line in sorted(told)] == ['"File"', '"Ftp"', '"Gone"', '"Page"']
    assert any("is not there (404)" in line for line in told)
    assert any("holds no sound that can be read" in line for line in told)
    assert list(read(root)[1]) == ["good"]
    host.files["feed"] = rss(item("copy.wav", "g4", title="Same sound"))
    host.files["copy.wav"] = sounds[0]
    assert failures(root, f"{host.url}feed") == ['"Same sound": is already the recording of the episode good']
    assert list(read(root)[1]) == ["good"]


def test_interrupted_it_keeps_what_has_arrived(host: Host, root: Path, sounds: list[bytes]) -> None:
    """Ctrl-C in the middle of a download ends at once and keeps the part; the next run asks for the rest only."""
    host.files |= {"feed": rss(item()), "one.wav": sounds[0]}
    host.faults["one.wav"] = [silent]
    code = (
        "import sys\nfrom pathlib import Path\nfrom pipeline.cli.importing import bring\n"
        "from pipeline.cli.screen import Screen\nfrom pipeline.workspace import Workspace\n"
        "try:\n    bring(Workspace(root=Path(sys.argv[1])), sys.argv[2], Screen())\n"
        "except KeyboardInterrupt:\n    sys.exit(130)\n"
    )
    arguments = [sys.executable, "-c", code, str(root), f"{host.url}feed"]
    with subprocess.Popen(arguments, cwd=Path(__file__).parents[1], stderr=subprocess.PIPE) as process:
        for _ in range(600):
            if any(path.stat().st_size for path in (root / ".cache/import").glob("*.part")):
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=15)
    assert process.returncode == 130, err
    (part,) = (root / ".cache/import").glob("*.part")
    assert part.stat().st_size == 1000
    bring_in(root, f"{host.url}feed")
    assert host.asked("one.wav")[-1]["range"] == "bytes=1000-"
    assert read(root)[1]["one"].sources[0].path.read_bytes() == sounds[0]


# Where addresses lead


def test_redirects_are_followed_only_where_they_may(host: Host) -> None:
    """A redirect to http is followed; one to a file, to a name with a password, or in a circle is refused."""
    host.files["end"] = b"here"
    host.faults["start"] = [status(302, Location="/end")]
    assert a_web().fetch(f"{host.url}start", limit=10) == web.Answer(data=b"here", url=f"{host.url}end")
    for location in ("file:///etc/passwd", "ftp://127.0.0.1/x", "http://user:secret@127.0.0.1/x"):
        host.faults["start"] = [status(301, Location=location)]
        with pytest.raises(IngestError, match="not fetched") as caught:
            a_web().fetch(f"{host.url}start?token=secret", limit=10)
        assert "secret" not in str(caught.value)
    host.faults["round"] = [status(307, Location="/round")] * 50
    with pytest.raises(IngestError, match="redirects again and again"):
        a_web().fetch(f"{host.url}round", limit=10)


WRAPPED = ("[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::127.0.0.1]", "[fec0::1]")  # IPv4 in IPv6


def test_the_public_web_names_nothing_of_this_network(host: Host) -> None:
    """What a feed from elsewhere names on this computer or in its network is not asked for, whatever it is called."""
    far = Web(agent="a", patience=QUICK)
    port = host.server_port
    for name in (f"127.0.0.1:{port}", f"localhost:{port}", "[::1]", "10.0.0.1", "192.168.1.1", "100.64.0.1", *WRAPPED):
        with pytest.raises(IngestError, match="inside this computer's network"):
            far.fetch(f"http://{name}/x", limit=10)
    with pytest.raises(IngestError, match="inside this computer's network"):
        far.fetch("http://169.254.169.254/latest/meta-data/", limit=10)
    assert host.log == []
    assert importing.lies_near(host.url)
    assert not importing.lies_near("feed.xml")


def test_credentials_are_neither_sent_nor_shown(host: Host, root: Path) -> None:
    """An address with a user name and password is refused, and the message does not repeat them."""
    (told,) = failures(root, f"http://user:secret@127.0.0.1:{host.server_port}/feed")
    assert "not fetched" in told
    assert "secret" not in told
    assert host.log == []


def test_a_web_with_an_end(host: Host) -> None:
    """Too large, too slow, packed to explode, or nobody there: each ends in a sentence."""
    host.files["big"] = b"x" * 1_000_001
    with pytest.raises(IngestError, match="larger than 1 MB"):
        a_web().fetch(f"{host.url}big", limit=1_000_000)
    packed = gzip.compress(b"x" * 3_000_000)
    gzipped: Answering = lambda handler, _data: (  # noqa: E731 - one line
        handler.begin(200, len(packed), Content_Encoding="gzip"),
        handler.wfile.write(packed),
    )[0]
    host.faults["packed"] = [gzipped, gzipped]
    with pytest.raises(IngestError, match="larger than 1 MB"):
        a_web().fetch(f"{host.url}packed", limit=1_000_000)
    assert len(a_web().fetch(f"{host.url}packed", limit=3_000_000).data) == 3_000_000
    with pytest.raises(IngestError, match="cannot be reached"):
        a_web().fetch(f"http://127.0.0.1:{free_port()}/", limit=10)
    stop = threading.Event()
    stop.set()
    with pytest.raises(importing.StoppedError):
        a_web(stop=stop).fetch(f"{host.url}big", limit=10)


# Feeds that are none


BILLION = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
NO_FEEDS = {
    "malformed": (b"<rss><channel><title>x</channel></rss>", "is not well-formed XML: Opening and ending tag"),
    "empty": (b"  \n", "is empty"),
    "a bomb": (f'<!DOCTYPE rss [<!ENTITY a0 "ha">{BILLION}]><rss><channel><title>&a9;</title></channel></rss>', "ent"),
    "a file": (
        '<!DOCTYPE rss [<!ENTITY f SYSTEM "file:///etc/passwd">]><rss><channel><title>&f;</title></channel></rss>',
        "defines entities of its own",
    ),
    "deep": (b"<rss>" + b"<channel>" * 5000, "is not well-formed XML"),
    "a page": (b"<!DOCTYPE html><html><head><title>x</title></head><body><p>Hello<br></body></html>", "is a web page"),
    "a strict page": (b'<html xmlns="http://www.w3.org/1999/xhtml"><head/></html>', "is a web page"),
    "Atom": (b'<feed xmlns="http://www.w3.org/2005/Atom"/>', "is an Atom feed"),
    "RSS 1.0": (b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>', "is an RSS 1.0 feed"),
    "other XML": (b"<opml/>", "is XML of another kind (opml)"),
    "JSON": (b'{"version": "https://jsonfeed.org/version/1.1"}', "is not well-formed XML"),
}


@pytest.mark.parametrize(("data", "message"), NO_FEEDS.values(), ids=NO_FEEDS.keys())
def test_what_is_no_feed_is_refused_with_a_sentence(tmp_path: Path, data: bytes | str, message: str) -> None:
    """A file that is no feed, or a dangerous one, is refused; the sentence says what it is."""
    path = tmp_path / "feed.xml"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    with pytest.raises(IngestError) as caught:
        importing.read_feed(str(path), a_web())
    assert message in caught.value.message
    assert "\n" not in caught.value.message


def test_a_web_page_names_its_feed(host: Host, root: Path) -> None:
    """The address of a show's page is answered with the address of its feed."""
    host.files["show"] = b'<html><head><link rel="alternate" type="application/rss+xml" href="/feed"><br></head></html>'
    with pytest.raises(IngestError, match="is a web page") as caught:
        bring_in(root, f"{host.url}show")
    assert caught.value.hint == f"Its feed is {host.url}feed"


def test_sources_that_are_nothing(tmp_path: Path) -> None:
    """A missing file, a folder and a foreign scheme end in a sentence."""
    for source, message in (
        (str(tmp_path / "none.xml"), "cannot be read"),
        (str(tmp_path), "cannot be read"),
        ("ftp://old.example/feed.xml", "is not an address that is fetched"),
    ):
        with pytest.raises(IngestError, match=message):
            importing.read_feed(source, a_web())


# Feeds as they come


def test_pages_are_followed_and_circles_are_not(
    host: Host, root: Path, sounds: list[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    """Items of all pages arrive once; a page that leads back ends the reading with a word."""
    following = '<atom:link rel="next" href="{}"/>'
    host.files |= {
        "feed": rss(item(), channel=following.format("/2")),
        "2": rss(item(), item("two.wav", "guid-2", title="Two"), channel=following.format("/feed")),
        "one.wav": sounds[0],
        "two.wav": sounds[1],
    }
    bring_in(root, f"{host.url}feed")
    assert sorted(read(root)[1]) == ["one", "two"]
    assert "lead in a circle" in capsys.readouterr().out


def test_pages_have_an_end(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A feed whose pages never end is read only so far."""
    monkeypatch.setattr(importing, "MAX_PAGES", 5)

    def endless(handler: Handler, _data: bytes) -> None:
        number = int(handler.path.partition("?")[2] or 0) + 1
        data = rss(item(guid=str(number)), channel=f'<atom:link rel="next" href="/feed?{number}"/>')
        handler.begin(200, len(data))
        handler.wfile.write(data)

    host.faults["feed"] = [endless] * 99
    feed = importing.read_feed(f"{host.url}feed", a_web())
    assert len(feed.episodes) <= 7
    assert "are more than 5" in feed.remarks[-1]


def test_a_feed_that_has_moved_says_so(host: Host, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The new address is only told, never asked."""
    host.files["feed"] = rss(channel=f"<itunes:new-feed-url>{host.url}new</itunes:new-feed-url>")
    bring_in(root, f"{host.url}feed")
    assert f"has moved to {host.url}new" in capsys.readouterr().out
    assert host.asked("new") == []


GUIDS = ["http://old.example/?p=1&x=2", "tag:old.example,2020:1", "Episode 12 (2019)", "ünï-ç0dé", "0", "a" * 255]


@pytest.mark.parametrize("guid", GUIDS)
def test_the_guid_stays_as_it_is(host: Host, root: Path, sounds: list[bytes], guid: str) -> None:
    """Whatever the old host used as identity comes back character by character in the episode and in a new feed."""
    host.files |= {"feed": rss(item(guid=guid.replace("&", "&amp;"))), "one.wav": sounds[0]}
    bring_in(root, f"{host.url}feed")
    assert read(root)[1]["one"].guid == guid


def test_identities_that_cannot_be(host: Host, root: Path, sounds: list[bytes]) -> None:
    """Without a GUID the sound's address is the identity, as for apps; one GUID twice, or a huge one, is told."""
    items = [
        item("one.wav", title="No identity").replace("<guid>guid-1</guid>", ""),
        item("two.wav", "same", title="First"),
        item("three.wav", "same", title="Second"),
        item("three.wav", "x" * 256, title="Huge"),
    ]
    host.files |= {"feed": rss(*items), **{f"{n}.wav": s for n, s in zip(("one", "two", "three"), sounds, strict=True)}}
    told = failures(root, f"{host.url}feed")
    assert {one.guid for one in read(root)[1].values()} == {"one.wav", "same"}
    assert any("has the GUID of" in line for line in told)
    assert any('"Huge": has a GUID of 256 characters' in line for line in told)


DATES = {
    "Tue, 05 Jan 2021 07:30:00 +0000": "2021-01-05T07:30:00+00:00",
    "5 Jan 2021 07:30:00 EST": "2021-01-05T07:30:00-05:00",
    "Tue, 05 Jan 2021 07:30:00 -0000": "2021-01-05T07:30:00+00:00",
    "2021-01-05T07:30:00Z": "2021-01-05T07:30:00+00:00",
    "Tue, 05 Jan 2021 07:30 GMT": "2021-01-05T07:30:00+00:00",
    "yesterday": None,
    "Tue, 99 Jan 2021 07:30:00 +9999": None,
    "": None,
}


@pytest.mark.parametrize(("text", "expected"), DATES.items())
def test_dates(text: str, expected: str | None) -> None:
    """Dates as feeds write them are read with their offset; one that cannot be read leaves a draft and a word."""
    (old,) = parsed(rss(re.sub(r"(?<=<pubDate>).*(?=</pubDate>)", text, item()))).episodes
    assert (old.published.isoformat() if old.published else None) == expected
    assert any("stays a draft" in remark for remark in old.remarks) == (expected is None)


def test_titles_of_one_name_and_of_none(host: Host) -> None:
    """Folders are named after titles and numbered, the oldest plainly; nothing in a title leads out of the folder."""
    titles = ["Intro", "Intro", "../../etc/passwd", "日本語", "", "C:\\con", "x" * 400]
    items = [item(f"{n}.wav", f"g{n}", title=title).replace("2020", str(2020 - n)) for n, title in enumerate(titles)]
    host.files["feed"] = rss(*items)
    feed = importing.read_feed(f"{host.url}feed", a_web())
    known = planning.Known(slugs=frozenset({"episode"}), guids=frozenset())
    plan = importing.plan(feed, known, slug_of=slug_of)
    slugs = [addition.slug for addition in plan.additions]
    assert slugs[:6] == ["intro-2", "intro", "etc-passwd", "episode-2", "untitled-episode", "c-con"]
    assert all(re.fullmatch(r"[a-z0-9-]+", slug) for slug in slugs)
    assert len(plan.additions[-1].old.title) == 255


def test_ten_thousand_posts_without_sound(host: Host, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A blog's feed of thousands of posts is told in one line."""
    host.files["feed"] = rss(*(f"<item><title>{n}</title><guid>{n}</guid></item>" for n in range(10_000)))
    bring_in(root, f"{host.url}feed")
    out = capsys.readouterr().out
    assert "0 episodes to add, 0 already here, 10000 without sound" in out
    assert len(out.splitlines()) < 6


def test_an_episode_in_another_language(host: Host, root: Path, sounds: list[bytes]) -> None:
    """The language is kept where it is another than the show's here, not where only the country differs."""
    feed = rss(
        item(), item("two.wav", "g2", "<dc:language>cy</dc:language>", "Two"), channel="<language>en-us</language>"
    )
    host.files |= {"feed": feed, "one.wav": sounds[0], "two.wav": sounds[1]}
    bring_in(root, f"{host.url}feed")
    _, episodes = read(root)
    assert (episodes["one"].language, episodes["two"].language) == (None, "cy")


def test_an_unreadable_episode_stops_the_import(host: Host, root: Path) -> None:
    """An episode that cannot be read could be one of the feed's: it is to be mended first."""
    host.files["feed"] = rss(item())
    (root / "episodes/bad").mkdir()
    assert failures(root, f"{host.url}feed") == ["episodes/bad: has no episode.toml"]


def test_an_unknown_region(root: Path) -> None:
    """A region that the settings do not know is refused before anything is fetched."""
    assert 'the region "north" is unknown' in failures(root, "feed.xml", region="north")[0]


def test_a_feed_from_a_file(tmp_path: Path, root: Path) -> None:
    """A saved feed is read as well; addresses of this computer in it are not asked."""
    path = tmp_path / "feed.xml"
    path.write_bytes(rss(item("http://127.0.0.1:9/one.wav")))
    assert "inside this computer's network" in failures(root, str(path))[0]


TRANSCRIPT_CHOICES = {
    "the spoken language first": ([("t.vtt", "text/vtt", "cy"), ("t.srt", "application/srt", "en")], "transcript.srt"),
    "a broken one is passed over": (
        [("bad", "text/vtt", "en"), ("t.json", "application/json", "en")],
        "transcript.vtt",
    ),
    "only words": ([("t.html", "text/html", "en")], "transcript.txt"),
    "none to be had": ([("gone", "text/vtt", "en")], None),
}


@pytest.mark.parametrize(("forms", "expected"), TRANSCRIPT_CHOICES.values(), ids=TRANSCRIPT_CHOICES.keys())
def test_the_best_transcript_is_taken(
    host: Host, root: Path, sounds: list[bytes], forms: list[tuple[str, str, str]], expected: str | None
) -> None:
    """Of the forms of a transcript, the first that can be read and published is kept."""
    extra = "".join(f'<podcast:transcript url="{url}" type="{mime}" language="{lang}"/>' for url, mime, lang in forms)
    host.files |= {"feed": rss(item(extra=extra)), "one.wav": sounds[0], "t.vtt": VTT, "t.srt": SRT, "t.json": JSON}
    host.files |= {"bad": b"WEBVTT\n\nno times\n", "t.html": b"<p>Welcome &amp; more</p>"}
    bring_in(root, f"{host.url}feed")
    read(root)
    found = [path.name for path in (root / "episodes/one").glob("transcript.*")]
    assert found == ([expected] if expected else [])
    if expected == "transcript.txt":
        assert (root / "episodes/one/transcript.txt").read_text() == "Welcome & more\n"


HOSTILE_JSON = [
    b"",
    b"[]",
    b'{"chapters": 3}',
    b'{"chapters": [3, {"startTime": 1e999999999, "title": "x"}, {"startTime": true, "title": "y"}]}',
    b'{"chapters": [{"startTime": NaN, "title": "x"}]}',
    b'{"chapters": ' + b"[" * 100_000,
    b'{"chapters": [{"startTime": 1, "title": {"a": 1}}, {"startTime": -1, "title": "x"}]}',
]


@pytest.mark.parametrize("data", HOSTILE_JSON)
def test_odd_chapters_files(data: bytes) -> None:
    """A chapters file of another shape gives no chapters, or a sentence; never anything else."""
    tools = transcripts.TranscriptTools(read=words.read_transcript, brought=words.read_brought, write=words.webvtt)
    with contextlib.suppress(IngestError):
        assert chapters.from_json(data) == ()
    with pytest.raises(WordsError):
        transcripts.converted(data, "json", "en", tools)


def test_times_in_text() -> None:
    """Lines that begin with times are chapters where apps take them for chapters, and only there."""
    assert [c.start_ms for c in chapters.in_text("x\n0:00 A\n(12:30) - B\n[1:02:03] C\ny")] == [0, 750_000, 3_723_000]
    assert chapters.in_text("0:00 A\n1:00 B") == ()
    assert chapters.in_text("0:10 A\n1:00 B\n2:00 C") == ()
    assert chapters.in_text("0:00 A\n2:00 B\n1:00 C") == ()
    assert chapters.in_text("none", "0:00 A\n1:00 B\n2:00 C") != ()


# Words


MARKDOWN = {
    "lists": ("<ul><li>a<ol start=3><li>b</ol><li>c</ul>", "- a\n\n  3. b\n- c\n"),
    "two lists": ("<ul><li>a</ul><ul><li>b</ul>", "- a\n\n* b\n"),
    "a quote": ("<blockquote><p>a</p><p>b</p></blockquote>c", "> a\n>\n> b\n\nc\n"),
    "emphasis": ("<b>a </b><i>b</i> x<em>y</em>z", "**a** *b* x*y*z\n"),
    "emphasis that cannot be": ("x<b>(y)</b>z", "x(y)z\n"),
    "breaks": ("a<br>b<br><br>c<br>", "a\\\nb\n\nc\n"),
    "literal marks": ("*a* _b_ # c <br># d<br>1. e<br>- f", "\\*a\\* \\_b\\_ # c\\\n\\# d\\\n1\\. e\\\n\\- f\n"),
    "no HTML": ("<p>&lt;script&gt; &amp;lt;", "\\<script> \\&lt;\n"),
    "links": (
        (
            '<a href="https://h.example/a_(b)">x</a> <a href="javascript:x">y</a> <a href="JAVA\tSCRIPT:x">z</a> '
            '<a href="mailto:a@b.example">m</a> <a href="/relative">r</a> <a href="//h.example/x">s</a>'
        ),
        "[x](https://h.example/a_%28b%29) y z [m](mailto:a@b.example) r [s](https://h.example/x)\n",
    ),
    "dropped": ('<script>a()</script><style>b</style><img src="x" onerror="y"><iframe>z</iframe>k', "k\n"),
    "plain text": (
        "One & two\nhttps://h.example/a?b=1.\n\nThree",
        "One & two\\\n<https://h.example/a?b=1>.\n\nThree\n",
    ),
    "nothing": ("<p>&nbsp;</p><p><br></p>", ""),
    "the mark of a draft": ("&lt;!-- draft: delete this line --&gt;", "\\<!-- draft: delete this line -->\n"),
}


@pytest.mark.parametrize(("text", "expected"), MARKDOWN.values(), ids=MARKDOWN.keys())
def test_markdown(text: str, expected: str) -> None:
    """The HTML of a feed becomes the Markdown that a person would write."""
    assert markdown.markdown(text) == expected


@settings(max_examples=150)
@given(st.text(max_size=80))
def test_any_text_survives(text: str) -> None:
    """Whatever words stand in an HTML paragraph, the notes made of it show the same words, and no markup of theirs."""
    clean = words.plain(markdown.markdown(f"<p>{html.escape(text)}</p>"))
    wanted = [word for word in re.split(r"\s+", words.cleaning.clean_line(text)) if word]
    assert clean.split() == wanted


@settings(max_examples=150)
@given(
    st.lists(
        st.sampled_from(
            re.findall(
                r"\S+",
                "<b> </b> <i> </i> <ul> </ul> <li> </li> <ol> </ol> <p> </p> <br> <h2> </h2> <blockquote> </blockquote>"
                " </a> x 1. <script> </script> <a&#32;href='javascript:x'> <a&#32;href=https://h.example/> &#32; - * _"
                " # &lt;b&gt; &amp;#60; <pre> <td> </td>",
            )
        ),
        max_size=40,
    )
)
def test_any_markup_ends_safe(parts: list[str]) -> None:
    """However tags are nested and broken, the words come out, and nothing that a page would run."""
    made = words.notes_html(markdown.markdown("".join(parts).replace("&#32;", " ")))
    assert "javascript" not in made
    assert "<script" not in made
    etree.fromstring(f"<x>{made.replace('<br>', '<br/>')}</x>")


def test_comments_cannot_be_broken_out_of(host: Host, root: Path, sounds: list[bytes]) -> None:
    """Titles and summaries with quotes, line breaks and TOML in them stay values."""
    evil = 'x"\nguid = "stolen"\n[[sources]]\n\\'
    feed = rss(item(title=evil, extra=f"<itunes:summary>{evil}'''\"\"\"</itunes:summary>"))
    host.files |= {"feed": feed, "one.wav": sounds[0]}
    bring_in(root, f"{host.url}feed")
    (episode,) = read(root)[1].values()
    assert episode.guid == "guid-1"
    assert episode.title == " ".join(evil.split())
    assert tomllib.loads((episode.path / "episode.toml").read_text())["guid"] == "guid-1"
