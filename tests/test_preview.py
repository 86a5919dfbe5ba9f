"""The preview: real sockets, real files, and what a browser, a podcast player and an attacker would ask."""

import hashlib
import http.client
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import preview
from pipeline.errors import MediaError, PreviewError, TemplateError
from pipeline.localhost import UNSATISFIABLE, byte_range
from pipeline.model import Asset, Release

SOUND = bytes(range(256)) * 40
FILES = {
    "404.html": (b"<body>Not here</body>", "text/html; charset=utf-8"),
    "chapters/a.json": (b"{}", "application/json+chapters"),
    "embed/a/index.html": (b"<body>Player</body>", "text/html; charset=utf-8"),
    "episodes/a/index.html": (b"<body><h1>A</h1></body>\n", "text/html; charset=utf-8"),
    "feed.xml": (b"<rss/>", "application/rss+xml; charset=utf-8"),
    "index.html": (b"<body>Home</body>", "text/html; charset=utf-8"),
    "media/a-0.mp3": (SOUND, "audio/mpeg"),
    "transcripts/a.srt": (b"1\n", "application/x-subrip"),
}


class Answer:
    """An answer, read to its end."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.headers, self.body = response.status, response.headers, response.read()


class Browser:
    """Asks a server for exactly the path that it is given."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.port = int(url.split(":")[2].split("/", maxsplit=1)[0])

    def ask(self, path: str, method: str = "GET", host: str | None = None, **headers: str) -> Answer:
        """Send one request on a connection of its own; `_` in a header's name stands for a hyphen."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", f"127.0.0.1:{self.port}" if host is None else host)
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            connection.endheaders()
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def ask_raw(self, request: bytes) -> bytes:
        """Send bytes as they are and read to the end."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Write a small site with its manifest."""
    folder = tmp_path / "site"
    for key, (data, _) in FILES.items():
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(data)
    (folder / "manifest.json").write_bytes(release().to_json())
    (folder / ".hidden").write_text("hidden")
    (tmp_path / "outside.html").write_text("outside")
    return folder


def release(cache_control: str = "max-age=300") -> Release:
    """Describe the site."""
    return Release(
        assets=tuple(
            Asset(
                key=key,
                sha256=hashlib.sha256(data).hexdigest(),
                size=len(data),
                content_type=content_type,
                cache_control=cache_control,
            )
            for key, (data, content_type) in FILES.items()
        )
    )


@contextmanager
def serving(site: Path, **options: object) -> Iterator[Browser]:
    """Serve `site` on a free port until the context ends, which must be soon."""
    urls: list[str] = []
    is_ready, stop = threading.Event(), threading.Event()

    def ready(url: str) -> None:
        urls.append(url)
        is_ready.set()

    values = {"port": 0, "ready": ready, "stop": stop, **options}
    thread = threading.Thread(target=preview.serve, args=(site,), kwargs=values)
    thread.start()
    try:
        assert is_ready.wait(10)
        yield Browser(urls[0])
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture
def browser(site: Path) -> Iterator[Browser]:
    """Serve the site without live reload."""
    with serving(site) as running:
        yield running


def test_every_file_is_served_as_the_manifest_says(browser: Browser) -> None:
    """Bytes, type, caching and length are those of the release; anyone may read, nobody may guess the type."""
    for key, (data, content_type) in FILES.items():
        answer = browser.ask("/" + key)
        assert (answer.status, answer.body) == (200, data)
        assert answer.headers["Content-Type"] == content_type
        assert answer.headers["Cache-Control"] == "max-age=300"
        assert answer.headers["Content-Length"] == str(len(data))
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["ETag"] == f'"{hashlib.sha256(data).hexdigest()}"'


def test_the_manifest_is_read_again_when_it_changes(browser: Browser, site: Path) -> None:
    """A new build is served with its own headers."""
    assert browser.ask("/feed.xml").headers["Cache-Control"] == "max-age=300"
    (site / "manifest.json").write_bytes(release(cache_control="no-store, max-age=0").to_json())
    assert browser.ask("/feed.xml").headers["Cache-Control"] == "no-store, max-age=0"


def test_a_site_without_a_usable_manifest_is_served_by_file_extension(site: Path) -> None:
    """A damaged manifest does not end the preview."""
    (site / "manifest.json").write_bytes(b"{")
    with serving(site) as browser:
        assert browser.ask("/media/a-0.mp3").headers["Content-Type"] == "audio/mpeg"
        assert browser.ask("/transcripts/a.srt").headers["Content-Type"] == "application/x-subrip"


def test_folders_show_their_page_at_an_address_that_ends_in_a_slash(browser: Browser) -> None:
    """`/` and `/episodes/a/` are pages; without the slash one is sent there; a folder without a page is not listed."""
    assert browser.ask("/").body == FILES["index.html"][0]
    assert browser.ask("/episodes/a/?query=1").body == FILES["episodes/a/index.html"][0]
    answer = browser.ask("/episodes/a")
    assert (answer.status, answer.headers["Location"]) == (302, "/episodes/a/")
    assert browser.ask("/episodes/").status == 404
    assert browser.ask("/episodes").status == 404


def test_what_is_not_there_gets_the_sites_own_page_with_404(browser: Browser, site: Path) -> None:
    """404.html is served with the status of an error, or a line of text where the site has none."""
    answer = browser.ask("/nothing/here")
    assert (answer.status, answer.body) == (404, FILES["404.html"][0])
    (site / "404.html").unlink()
    assert browser.ask("/nothing/here").status == 404


def test_head_tells_what_get_would_without_the_body(browser: Browser) -> None:
    """HEAD of a file, of a missing page and of a redirect has headers only."""
    answer = browser.ask("/media/a-0.mp3", "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(SOUND))
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert browser.ask("/nothing", "HEAD").body == b""


@pytest.mark.parametrize(
    ("header", "first", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-1", 0, 2),
        ("bytes=100-", 100, 10_240),
        ("bytes=-5", 10_235, 10_240),
        ("bytes=10000-99999", 10_000, 10_240),
        ("bytes=-99999", 0, 10_240),
    ],
)
def test_a_range_is_answered_with_just_those_bytes(browser: Browser, header: str, first: int, end: int) -> None:
    """Players that seek get 206 and the bytes they asked for."""
    answer = browser.ask("/media/a-0.mp3", Range=header)
    assert (answer.status, answer.body) == (206, SOUND[first:end])
    assert answer.headers["Content-Range"] == f"bytes {first}-{end - 1}/10240"
    assert answer.headers["Content-Type"] == "audio/mpeg"


@pytest.mark.parametrize("header", ["bytes=10240-", "bytes=99999-100000", "bytes=-0"])
def test_a_range_beyond_the_file_is_refused(browser: Browser, header: str) -> None:
    """416 names the size there is."""
    answer = browser.ask("/media/a-0.mp3", Range=header)
    assert (answer.status, answer.headers["Content-Range"]) == (416, "bytes */10240")


@pytest.mark.parametrize("header", ["bytes=5-4", "bytes=-", "bytes=0-1,4-5", "lines=0-1", "bytes=a-b", "bytes=0-1x"])
def test_a_range_that_makes_no_sense_is_passed_over(browser: Browser, header: str) -> None:
    """As the standard asks, the whole file is sent."""
    answer = browser.ask("/media/a-0.mp3", Range=header)
    assert (answer.status, answer.body) == (200, SOUND)


@given(st.text("bytes=-0123456789, ", max_size=24), st.integers(0, 10**6))
def test_no_range_header_leads_outside_the_file(header: str, size: int) -> None:
    """Whatever is asked, what is sent lies within the file and is not empty."""
    part = byte_range(header, size)
    assert part is None or part == UNSATISFIABLE or 0 <= part[0] < part[1] <= size


def test_a_range_of_another_version_is_answered_with_the_whole_file(browser: Browser) -> None:
    """If-Range with the right ETag gives the part, with any other the whole."""
    tag = browser.ask("/media/a-0.mp3").headers["ETag"]
    assert browser.ask("/media/a-0.mp3", Range="bytes=0-1", If_Range=tag).status == 206
    assert browser.ask("/media/a-0.mp3", Range="bytes=0-1", If_Range='"other"').status == 200


def test_what_the_browser_has_is_not_sent_again(browser: Browser, site: Path) -> None:
    """304 while the file is as it was; the file again once it has changed."""
    tag = browser.ask("/feed.xml").headers["ETag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        answer = browser.ask("/feed.xml", If_None_Match=known)
        assert (answer.status, answer.body) == (304, b"")
    (site / "feed.xml").write_bytes(b"<rss></rss>")
    assert browser.ask("/feed.xml", If_None_Match=tag).status == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/../outside.html", "/%2e%2e/outside.html", "/%2E%2E%2Foutside.html", "/..%2foutside.html"),
        *("/episodes/../../outside.html", "/..\\outside.html", "/..%5coutside.html", "/%5c..%5coutside.html"),
        *(
            "/.hidden",
            "/%2ehidden",
            "/index.html%00",
            "/%00",
            "/C:/outside.html",
            "/index.html::$DATA",
            "/./index.html",
        ),
        *("//etc/passwd", "///etc/passwd", "/%2fetc%2fpasswd", "/episodes//a/index.html", "/index.html/"),
        *("/link.html", "/linked/outside.html", "/" + "a" * 300, "/" + "a/" * 2_000, "/%ff%fe", "/%E0%A4%A"),
    ],
)
def test_nothing_outside_the_site_is_served(browser: Browser, site: Path, path: str) -> None:
    """Climbing, hidden files, drives, odd bytes and links out of the folder all find nothing."""
    (site / "link.html").symlink_to(site.parent / "outside.html")
    (site / "linked").symlink_to(site.parent, target_is_directory=True)
    answer = browser.ask(path)
    assert (answer.status, answer.body) == (404, FILES["404.html"][0])


def test_an_absolute_request_target_finds_nothing(browser: Browser, site: Path) -> None:
    """Neither a proxy's request nor the name of a file of this machine is answered with a file."""
    for target in (f"{site.parent}/outside.html", "http://intranet.example/index.html", "file:///etc/passwd", "*"):
        host = f"Host: 127.0.0.1:{browser.port}\r\nConnection: close\r\n\r\n"
        answer = browser.ask_raw(f"GET {target} HTTP/1.1\r\n{host}".encode())
        assert answer.startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize(
    "host", ["", "attacker.example", "localhost", "127.0.0.1.attacker.example:{port}", "127.0.0.1:1"]
)
def test_another_host_name_is_refused(browser: Browser, host: str) -> None:
    """A page elsewhere that points its name at this machine reads nothing."""
    answer = browser.ask("/", host=host.format(port=browser.port))
    assert answer.status == 421
    assert b"Home" not in answer.body


@pytest.mark.parametrize("host", ["localhost:{port}", "127.0.0.1:{port}", "[::1]:{port}"])
def test_this_machines_own_names_are_answered(browser: Browser, host: str) -> None:
    """All the ways a person writes this machine work."""
    assert browser.ask("/", host=host.format(port=browser.port)).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_only_reading_is_allowed(browser: Browser, method: str) -> None:
    """The preview changes nothing."""
    assert browser.ask("/", method).status == 501


def test_a_connection_serves_one_request_after_another(browser: Browser) -> None:
    """A browser keeps its connection, also after 206, 304, 404 and 416."""
    connection = http.client.HTTPConnection("127.0.0.1", browser.port, timeout=10)
    for headers, status in (
        ({"Range": "bytes=0-9"}, 206),
        ({"Range": "bytes=99999-"}, 416),
        ({"If-None-Match": "*"}, 304),
        ({}, 200),
    ):
        connection.request("GET", "/media/a-0.mp3", headers=headers)
        response = connection.getresponse()
        response.read()
        assert response.status == status
        assert not response.will_close
    connection.close()


def test_a_show_below_a_path_is_served_below_that_path(site: Path) -> None:
    """Links that start with the show's path work; `/` leads there; nothing else is found."""
    with serving(site, base_path="/learning/sets/") as browser:
        assert browser.url.endswith("/learning/sets/")
        assert browser.ask("/learning/sets/").body == FILES["index.html"][0]
        assert browser.ask("/learning/sets/feed.xml").status == 200
        assert browser.ask("/").headers["Location"] == "/learning/sets/"
        assert browser.ask("/learning/sets").headers["Location"] == "/learning/sets/"
        assert browser.ask("/learning/sets/episodes/a").headers["Location"] == "/learning/sets/episodes/a/"
        assert browser.ask("/feed.xml").status == 404


def test_pages_are_byte_for_byte_the_site_without_live_reload(browser: Browser) -> None:
    """Nothing is added to a page, and there is no address for events."""
    assert b"__preview__" not in browser.ask("/").body
    assert browser.ask("/__preview__/reload.js").status == 404
    assert browser.ask("/__preview__/events").status == 404


def next_event(response: http.client.HTTPResponse) -> str:
    """Read the next event's data."""
    while True:
        line = response.readline().decode()
        assert line, "the events have ended"
        if line.startswith("data: "):
            return line.removeprefix("data: ").strip()


def test_pages_reload_when_the_sources_change(site: Path) -> None:
    """A change leads to one rebuild and one event; pages carry a script of their own origin, embedded players none."""
    state = {"source": 0, "built": 0}

    def rebuild() -> None:
        state["built"] += 1
        (site / "index.html").write_text("<body>Second</body>")

    with serving(site, rebuild=rebuild, fingerprint=lambda: state["source"], base_path="/show/") as browser:
        page = browser.ask("/show/").body
        assert page == b'<body>Home<script src="/show/__preview__/reload.js" defer></script></body>'
        assert b"reload.js" in browser.ask("/show/nothing").body
        assert b"reload.js" not in browser.ask("/show/embed/a/").body
        script = browser.ask("/show/__preview__/reload.js")
        assert script.headers["Content-Type"].startswith("text/javascript")
        connection = http.client.HTTPConnection("127.0.0.1", browser.port, timeout=10)
        connection.request("GET", "/show/__preview__/events")
        events = connection.getresponse()
        assert events.headers["Content-Type"] == "text/event-stream"
        first = next_event(events)
        state["source"] = 1
        assert next_event(events) != first
        assert state["built"] == 1
        assert b"Second" in browser.ask("/show/").body
        events.close()
        connection.close()


def test_a_failed_rebuild_is_told_and_the_old_site_stays(site: Path) -> None:
    """A mistake in a source is reported once, pages stay, and mending it rebuilds."""
    state, told, rebuilt = {"source": 0}, threading.Event(), threading.Event()
    errors: list[MediaError] = []

    def rebuild() -> None:
        if state["source"] == 1:
            raise TemplateError("a tag is not closed", source="templates/base.html")
        rebuilt.set()

    def on_error(error: MediaError) -> None:
        errors.append(error)
        told.set()

    options = {"rebuild": rebuild, "fingerprint": lambda: state["source"], "on_error": on_error}
    with serving(site, **options) as browser:
        state["source"] = 1
        assert told.wait(10)
        assert b"Home" in browser.ask("/").body
        state["source"] = 2
        assert rebuilt.wait(10)
    assert [error.message for error in errors] == ["a tag is not closed"]


def test_a_port_in_use_is_told_with_a_way_out(site: Path) -> None:
    """The person is told to choose another port."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(PreviewError, match="already in use") as caught:
            preview.serve(site, port=other.getsockname()[1])
    assert "--port" in (caught.value.hint or "")


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_that_is_none_is_told(site: Path, port: int) -> None:
    """Numbers that are no ports are errors for people."""
    with pytest.raises(PreviewError, match="cannot be used"):
        preview.serve(site, port=port)


def test_a_missing_site_is_told(tmp_path: Path) -> None:
    """Without a build there is nothing to show."""
    with pytest.raises(PreviewError) as caught:
        preview.serve(tmp_path / "site", port=0)
    assert "build" in (caught.value.hint or "")


def test_only_this_machine_can_connect(browser: Browser) -> None:
    """The preview listens on 127.0.0.1 and on no other address of this machine."""
    with socket.socket() as other:
        assert other.connect_ex(("127.0.0.2", browser.port)) != 0


def test_ctrl_c_ends_the_preview_while_a_browser_is_connected(site: Path) -> None:
    """An open connection and open events do not keep the server alive."""
    program = (
        "import sys; from pathlib import Path; from pipeline import preview\n"
        "preview.serve(Path(sys.argv[1]), port=0, ready=lambda url: print(url, flush=True),"
        " rebuild=lambda: None, fingerprint=lambda: 0)"
    )
    command = [sys.executable, "-c", program, str(site)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            browser = Browser(process.stdout.readline().strip())
            connection = http.client.HTTPConnection("127.0.0.1", browser.port, timeout=10)
            connection.request("GET", "/__preview__/events")
            with closing(connection), connection.getresponse() as events:
                next_event(events)
                process.send_signal(signal.SIGINT)
                _, stderr = process.communicate(timeout=10)
        finally:
            process.kill()
    assert stderr.strip().endswith("KeyboardInterrupt")
