"""The published addresses as an app meets them: our own preview, a real object store, a server that errs on demand."""

import gzip
import io
import json
import re
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image

from pipeline import preview, verify, workspace
from pipeline.cli import verifying
from pipeline.cli.screen import Screen
from pipeline.errors import StorageError
from pipeline.localhost import UNSATISFIABLE, byte_range
from pipeline.model import Release, Show
from pipeline.verify import Finding, files, rss, signatures, web
from tests import seaweed, studio
from tests.test_cli import Session

SOUND = b"ID3\x04" + bytes(range(256)) * 20


def picture(size: tuple[int, int] = (1400, 1400), form: str = "PNG", **options: object) -> bytes:
    """Write a real picture."""
    data = io.BytesIO()
    Image.new("RGB", size, (0, 48, 135)).save(data, form, **options)
    return data.getvalue()


PICTURE = picture()


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the server says for a path; each field is one way to err."""

    body: bytes = b""
    type: str = "text/html"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    etag: str | None = '"1"'
    told_length: int | None = None
    knows_ranges: bool = True
    knows_head: bool = True
    tells_length: bool = True
    knows_304: bool = True
    lies: bool = False
    stalls: bool = False
    drips: bool = False


class Host(ThreadingHTTPServer):
    """A web server that says what `routes` tell it to."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.routes: dict[str, Reply] = {}
        self.ended = threading.Event()
        self.asked: list[tuple[str, str]] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """Pass over a reader that hung up."""


class _Handler(BaseHTTPRequestHandler):
    server: Host
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name that http.server gives it
        """Say nothing."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.close_connection = True
        self.server.asked.append((self.command, self.path))
        reply = self.server.routes.get(self.path, Reply(status=404))
        if reply.stalls:
            self.server.ended.wait(30)
            return
        if self.command == "HEAD" and not reply.knows_head:
            reply = Reply(status=405)
        known = reply.etag is not None and self.headers.get("If-None-Match") == reply.etag
        if known and reply.knows_304:
            self._send(replace(reply, status=304), b"", {})
            return
        asked = self.headers.get("Range", "") if reply.knows_ranges and self.command == "GET" else ""
        asked = asked if reply.status == 200 else ""
        part = byte_range(asked, len(reply.body))
        if part and part != UNSATISFIABLE:
            body = reply.body[part[0] : part[1]]
            body = bytes(len(body)) if reply.lies and part[0] else body
            placed = {"Content-Range": f"bytes {part[0]}-{part[1] - 1}/{len(reply.body)}"}
            self._send(replace(reply, status=206), body, placed)
        else:
            self._send(reply, reply.body, {})

    def _send(self, reply: Reply, body: bytes, more: dict[str, str]) -> None:
        self.send_response(reply.status)
        length = {"Content-Length": str(reply.told_length or len(body))} if reply.tells_length else {}
        tag = {"ETag": reply.etag} if reply.etag else {}
        for name, value in {"Content-Type": reply.type, **length, **tag, **more, **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        while reply.drips and not self.server.ended.wait(0.02):
            self.wfile.write(b" ")
        self.wfile.write(body)


@contextmanager
def serving(secure: ssl.SSLContext | None = None) -> Iterator[Host]:
    """Run a server until the context ends."""
    host = Host()
    if secure:
        host.socket = secure.wrap_socket(host.socket, server_side=True)
    thread = threading.Thread(target=host.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield host
    finally:
        host.ended.set()
        host.shutdown()
        thread.join()
        host.server_close()


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """One server for the table."""
    with serving() as running:
        yield running


FEED = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"
 xmlns:podcast="https://podcastindex.org/namespace/1.0"><channel><title>Learning sets</title><link>{0}/</link>
<atom:link rel="self" href="{0}/feed.xml"/><itunes:image href="{0}/art.png"/>
<item><title>Two</title><guid>two</guid><link>{0}/</link><pubDate>Thu, 01 Oct 2026 06:00:00 +0000</pubDate>
<enclosure url="{0}/two.mp3" length="5124" type="audio/mpeg"/>
<podcast:transcript url="{0}/two.vtt" type="text/vtt"/>
<podcast:transcript url="{0}/two.srt" type="application/x-subrip"/>
<podcast:transcript url="{0}/two.json" type="application/json"/>
<podcast:transcript url="{0}/two.html" type="text/html"/>
<podcast:transcript url="{0}/two.txt" type="text/plain"/>
<podcast:chapters url="{0}/chapters.json" type="application/json+chapters"/></item>
<item><title>One</title><guid>one</guid><link>{0}/</link><pubDate>Tue, 01 Sep 2026 06:00:00 +0000</pubDate>
<enclosure url="{0}/one.m4a" length="5128" type="audio/mp4"/></item></channel></rss>
"""
OPEN = {"Access-Control-Allow-Origin": "*"}
CUE = "00:00.000 --> 00:02.000\nWelcome\n"


def chapters(*starts: object) -> bytes:
    """Write chapters that start so."""
    return json.dumps(
        {"version": "1.2.0", "chapters": [{"startTime": start, "title": "A"} for start in starts]}
    ).encode()


def flawless(base: str) -> dict[str, Reply]:
    """Make a site where everything is right."""
    return {
        "/": Reply(body=b"<!doctype html>"),
        "/feed.xml": Reply(body=FEED.format(base).encode(), type="application/rss+xml; charset=utf-8"),
        "/two.mp3": Reply(body=SOUND, type="audio/mpeg"),
        "/one.m4a": Reply(body=b"\0\0\0\x18ftypM4A " + SOUND[8:], type="audio/mp4"),
        "/two.vtt": Reply(body=f"WEBVTT\n\n{CUE}".encode(), type="text/vtt; charset=utf-8", headers=OPEN),
        "/two.srt": Reply(body=b"1\n00:00:00,000 --> 00:00:02,000\nHello\n", type="application/x-subrip", headers=OPEN),
        "/two.json": Reply(body=b'{"version": "1.0.0", "segments": []}', type="application/json", headers=OPEN),
        "/two.html": Reply(body=b"<p>Welcome</p>", headers=OPEN),
        "/two.txt": Reply(body=b"Welcome", type="text/plain; charset=utf-8", headers=OPEN),
        "/chapters.json": Reply(body=chapters(0, 1.5), type="application/json+chapters", headers=OPEN),
        "/art.png": Reply(body=PICTURE, type="image/png"),
    }


Site = dict[str, Reply]


def with_reply(path: str, **changes: object) -> Callable[[Site], None]:
    """Change how one path is answered."""

    def change(site: Site) -> None:
        site[path] = replace(site[path], **changes)  # type: ignore[arg-type]

    return change


def feed_text(old: str, new: str, *, count: int = 1) -> Callable[[Site], None]:
    """Change the text of the feed."""

    def change(site: Site) -> None:
        text = site["/feed.xml"].body.decode()
        assert old in text
        with_reply("/feed.xml", body=text.replace(old, new, count).encode())(site)

    return change


def packed(data: bytes) -> Callable[[Site], None]:
    """Send the feed as this gzip."""
    return with_reply("/feed.xml", body=data, headers={"Content-Encoding": "gzip"})


def moved(path: str, target: str, status: int = 302) -> Callable[[Site], None]:
    """Send a reader of one path elsewhere."""
    return with_reply(path, status=status, headers={"Location": target})


def pages(*links: str) -> Callable[[Site], None]:
    """Give the feed further pages: page 2 links to the first of `links`, and so on; an empty link ends."""

    def change(site: Site) -> None:
        text = site["/feed.xml"].body.decode()
        base = re.search(r'href="(.*)/feed.xml"', text)[1]
        numbered = [
            text.replace("<guid>", f"<guid>page-{page}-").replace("2026", str(2026 - page))
            for page in range(len(links) + 1)
        ]
        numbered = [re.sub(r"(one|two)\.(mp3|m4a)", rf"\g<0>?{page}", one) for page, one in enumerate(numbered)]
        for page, (one, link) in enumerate(zip(numbered, ["/page-1.xml", *links], strict=True)):
            path = f"/page-{page}.xml" if page else "/feed.xml"
            further = f'<atom:link rel="next" href="{base}{link}"/>' if link else ""
            body = one.replace("<item>", further + "<item>", 1).encode()
            site[path] = replace(site["/feed.xml"], body=body)
            site |= {f"/{name}?{page}": site[f"/{name}"] for name in ("two.mp3", "one.m4a")}

    return change


ENTITIES = '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "aaaa">%s]><rss><channel>&%s;</channel></rss>'
BOMB = ENTITIES % (
    "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    "i",
)
OUTSIDE = (
    '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss><channel>&a;</channel></rss>'
)

TABLE: dict[str, tuple[Callable[[Site], None], str, str]] = {
    "feed 404": (with_reply("/feed.xml", status=404), "feed exists", "404"),
    "feed 500": (with_reply("/feed.xml", status=500), "feed exists", "500"),
    "feed stalled": (with_reply("/feed.xml", stalls=True), "feed answers", "within 0.5 seconds"),
    "feed dripping": (with_reply("/feed.xml", drips=True), "feed answers", "within 0.5 seconds"),
    "feed truncated": (with_reply("/feed.xml", told_length=9_999), "feed answers", "ends its answer too early"),
    "feed redirect loop": (moved("/feed.xml", "/feed.xml"), "feed answers", "more than 5 times"),
    "feed to a file": (moved("/feed.xml", "file:///etc/passwd"), "feed answers", "file:///etc/passwd, which no app"),
    "feed to ftp": (moved("/feed.xml", "ftp://cln.example/f"), "feed answers", "which no app opens"),
    "feed to a broken address": (moved("/feed.xml", "http://[/"), "feed answers", "which no app opens"),
    "feed of another type": (
        with_reply("/feed.xml", type="text/plain"),
        "feed type",
        "text/plain, not application/rss",
    ),
    "feed without a type": (with_reply("/feed.xml", type=""), "feed type", "no Content-Type"),
    "feed of another charset": (
        with_reply("/feed.xml", type="text/xml; charset=iso-8859-1"),
        "feed charset",
        "the server says iso-8859-1, the feed utf-8",
    ),
    "web page for a feed": (
        with_reply("/feed.xml", body=b"<!doctype html><p>Hello"),
        "feed XML",
        "is a web page, not a feed",
    ),
    "Atom for a feed": (with_reply("/feed.xml", body=b"<feed/>"), "feed XML", "is not RSS: it begins with <feed>"),
    "RSS without channel": (with_reply("/feed.xml", body=b"<rss/>"), "feed XML", "without a channel"),
    "broken XML": (feed_text("</channel>", ""), "feed XML", "is not well-formed"),
    "empty feed": (with_reply("/feed.xml", body=b""), "feed XML", "is not well-formed"),
    "unknown encoding": (feed_text("UTF-8", "x-unknown"), "feed XML", "is not well-formed"),
    "entity bomb": (with_reply("/feed.xml", body=BOMB.encode()), "feed XML", "brings a document type"),
    "external entity": (with_reply("/feed.xml", body=OUTSIDE.encode()), "feed XML", "brings a document type"),
    "gzip bomb": (packed(gzip.compress(bytes(50_000_000))), "feed XML", "larger than 5,000,000 bytes when unpacked"),
    "broken gzip": (packed(b"\x1f\x8bnothing"), "feed XML", "broken gzip"),
    "truncated gzip": (packed(gzip.compress(FEED.encode())[:-9]), "feed XML", "the gzip ends too early"),
    "unasked encoding": (with_reply("/feed.xml", headers={"Content-Encoding": "br"}), "feed XML", "the encoding br"),
    "huge feed": (with_reply("/feed.xml", body=bytes(5_000_001)), "feed XML", "larger than 5,000,000"),
    "no ETag": (with_reply("/feed.xml", etag=None), "feed caching", "neither ETag nor Last-Modified"),
    "no 304": (with_reply("/feed.xml", knows_304=False), "feed caching", "ETag, but 200 and not 304"),
    "another's self link": (feed_text("/feed.xml", "/old.xml"), "feed self link", "/old.xml"),
    "no self link": (feed_text('rel="self"', 'rel="hub"'), "feed self link", "no address of its own"),
    "GUID twice": (feed_text("<guid>one", "<guid>two"), "feed GUIDs", "two stands twice"),
    "no GUID": (feed_text("<guid>one</guid>", ""), "feed GUIDs", "1 items have none"),
    "enclosure twice": (feed_text("/one.m4a", "/two.mp3"), "feed enclosures", "/two.mp3 stands twice"),
    "no enclosure": (feed_text("<enclosure", "<media"), "feed enclosures", "1 items have none"),
    "no date": (feed_text("Tue, 01 Sep 2026 06:00:00 +0000", "1 September"), "feed dates", "not a date: '1 September'"),
    "absurd date": (feed_text("01 Sep 2026", "01 Sep 99999"), "feed dates", "not a date"),
    "page 404": (pages("/page-2.xml"), "feed page", "404"),
    "pages in a circle": (pages("/feed.xml"), "feed page", "in a circle"),
    "sound 404": (with_reply("/two.mp3", status=404), "enclosure exists", "404"),
    "sound 500": (with_reply("/two.mp3", status=500), "enclosure exists", "500"),
    "sound stalled": (with_reply("/two.mp3", stalls=True), "enclosure answers", "within 0.5 seconds"),
    "sound without HEAD": (with_reply("/two.mp3", knows_head=False), "enclosure HEAD", "405"),
    "sound too short": (
        with_reply("/two.mp3", body=SOUND[:-1]),
        "enclosure length",
        "5123 bytes, but the feed says 5124",
    ),
    "no length in the feed": (feed_text('length="5124"', ""), "enclosure length", "but the feed says nothing"),
    "sound of another type": (
        with_reply("/two.mp3", type="application/octet-stream"),
        "enclosure type",
        "application/octet-stream, but the feed says audio/mpeg",
    ),
    "no ranges": (with_reply("/two.mp3", knows_ranges=False), "enclosure ranges", "sends the whole file"),
    "wrong ranges": (with_reply("/two.mp3", lies=True), "enclosure ranges", "sends other bytes"),
    "wrong Content-Range": (
        with_reply("/two.mp3", headers={"Content-Range": "bytes 7-1030/5124"}),
        "enclosure ranges",
        "asked for bytes 0-1023, it sends 1024 bytes as 7-1030",
    ),
    "web page for sound": (
        with_reply("/two.mp3", body=b"<!DOCTYPE html>".ljust(5124)),
        "enclosure content",
        "a web page, not MP3",
    ),
    "sound of another format": (feed_text("audio/mp4", "audio/mpeg"), "enclosure content", "M4A, not MP3"),
    "sound truncated": (with_reply("/two.mp3", told_length=9_999), "enclosure answers", "too early"),
    "sound at a file": (feed_text("{0}/two.mp3", "file:///two.mp3"), "enclosure answers", "which no app opens"),
    "sound nowhere": (feed_text("{0}/two.mp3", ""), "enclosure answers", "which no app opens"),
    "sound at no port": (
        feed_text("{0}/two.mp3", "http://localhost:99999/"),
        "enclosure answers",
        "which no app opens",
    ),
    "address with a space": (feed_text("{0}/two.mp3", "{0}/t wo.mp3"), "enclosure answers", "not an address"),
    "address outside ASCII": (feed_text("{0}/two.mp3", "{0}/é.mp3"), "enclosure answers", "not an address"),
    "unknown host": (feed_text("{0}/two.mp3", "https://none.invalid/"), "enclosure answers", "name is not known"),
    "plain http": (feed_text("{0}/two.mp3", "http://none.invalid/"), "enclosure answers", "name is not known"),
    "transcript 404": (with_reply("/two.vtt", status=404), "transcript exists", "404"),
    "transcript without CORS": (with_reply("/two.vtt", headers={}), "transcript CORS", "no Access-Control"),
    "transcript for another site": (
        with_reply("/two.vtt", headers={"Access-Control-Allow-Origin": "https://cln.example"}),
        "transcript CORS",
        "no Access-Control-Allow-Origin",
    ),
    "transcript of another type": (
        with_reply("/two.srt", type="text/plain"),
        "transcript type",
        "text/plain, but the feed says application/x-subrip",
    ),
    "transcript of an unknown type": (
        feed_text('type="application/x-subrip"', 'type="application/srt"'),
        "transcript type",
        "the feed says application/srt: apps know text/vtt",
    ),
    "VTT without WEBVTT": (with_reply("/two.vtt", body=CUE.encode()), "transcript content", "begin with WEBVTT"),
    "VTT without cues": (with_reply("/two.vtt", body=b"WEBVTT\n"), "transcript content", "holds no cue"),
    "SRT without cues": (with_reply("/two.srt", body=b"Hello"), "transcript content", "holds no cue"),
    "JSON without segments": (with_reply("/two.json", body=b"[]"), "transcript content", "no segments"),
    "empty text": (with_reply("/two.txt", body=b" \n"), "transcript content", "is empty"),
    "Latin-1": (with_reply("/two.txt", body="café".encode("latin-1")), "transcript content", "is not UTF-8"),
    "chapters 404": (with_reply("/chapters.json", status=404), "chapters exists", "404"),
    "chapters as JSON": (with_reply("/chapters.json", type="application/json"), "chapters type", "application/json"),
    "chapters without CORS": (with_reply("/chapters.json", headers={}), "chapters CORS", "no Access-Control"),
    "chapters backwards": (
        with_reply("/chapters.json", body=chapters(0, 9, 8.5)),
        "chapters content",
        "chapter 3 does not start after the one before",
    ),
    "chapters without time": (with_reply("/chapters.json", body=chapters(0, "1")), "chapters content", "a startTime"),
    "chapters deep": (with_reply("/chapters.json", body=b"[" * 100_000), "chapters content", "holds no chapters"),
    "chapters truncated": (with_reply("/chapters.json", told_length=999), "chapters answers", "too early"),
    "artwork 404": (with_reply("/art.png", status=404), "artwork exists", "404"),
    "artwork without HEAD": (with_reply("/art.png", knows_head=False), "artwork HEAD", "405"),
    "artwork too small": (with_reply("/art.png", body=picture((1399, 1399))), "artwork size", "1399 by 1399 pixels"),
    "artwork too large": (with_reply("/art.png", body=picture((3001, 3001))), "artwork size", "3001 by 3001 pixels"),
    "artwork not square": (with_reply("/art.png", body=picture((1400, 1500))), "artwork size", "1400 by 1500 pixels"),
    "artwork of another type": (
        with_reply("/art.png", body=picture(form="JPEG")),
        "artwork type",
        "image/png, and the file is image/jpeg",
    ),
    "artwork as WebP": (with_reply("/art.png", type="image/webp"), "artwork type", "image/webp"),
    "page 404 of the show": (with_reply("/", status=404), "page exists", "404"),
    "moved nowhere": (
        feed_text("<item>", "<itunes:new-feed-url>{0}/new.xml</itunes:new-feed-url><item>"),
        "new feed address exists",
        "404",
    ),
}


def look(host: Host, change: Callable[[Site], None] | None = None, **options: object) -> tuple[Finding, ...]:
    """Look at a site that is flawless but for a change."""
    site = flawless("{0}")
    if change:
        change(site)
    base = host.url.encode()
    host.routes = {path: replace(reply, body=reply.body.replace(b"{0}", base)) for path, reply in site.items()}
    host.asked.clear()
    return verify.verify(f"{host.url}/feed.xml", **{"patience_s": 10, **options})  # type: ignore[arg-type]


def wrong(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    """Choose what is not right."""
    return [(each.what, each.detail) for each in findings if each.state != "right"]


@pytest.mark.parametrize("name", TABLE)
def test_each_fault_is_found(host: Host, name: str) -> None:
    """Each way to serve a podcast wrongly is named, as wrong, where it is; nothing raises."""
    change, what, detail = TABLE[name]
    patience_s = 0.5 if "stalled" in name or "dripping" in name else 10
    found = [each for each in look(host, change, patience_s=patience_s) if each.what == what and each.state == "wrong"]
    assert found, name
    assert detail in found[0].detail


def test_what_is_right_is_right(host: Host) -> None:
    """A flawless site has nothing wrong and nothing unsure, and every rule has been looked at."""
    findings = look(host)
    assert wrong(findings) == []
    rules = {each.what for each in findings}
    faults = {what for _, what, _ in TABLE.values() if not what.endswith("answers")}
    assert faults - rules <= {"feed page", "new feed address exists"}


def test_every_rule_is_explained() -> None:
    """docs/verifying.md explains every name that a finding can have."""
    text = (Path(__file__).parents[1] / "docs/verifying.md").read_text(encoding="utf-8")
    for _, what, _ in TABLE.values():
        assert f"`{what}`" in text, what


def test_further_pages_are_read(host: Host) -> None:
    """Pages that a feed links as `next` are fetched, and their files looked at too."""
    findings = look(host, pages("/page-2.xml", ""))
    assert wrong(findings) == []
    assert [each.address for each in findings if each.what == "feed page"] == [
        f"{host.url}/page-1.xml",
        f"{host.url}/page-2.xml",
    ]
    assert sum(each.what == "enclosure exists" for each in findings) == 6


def test_a_limit_spares_older_files(host: Host) -> None:
    """With a limit only the newest items' files are fetched."""
    findings = look(host, limit=1)
    assert [each.address for each in findings if each.what == "enclosure exists"] == [f"{host.url}/two.mp3"]


def test_an_address_in_several_feeds_is_asked_for_once(host: Host) -> None:
    """Two feeds that name the same files cost one look at each file."""
    look(host)
    host.routes["/second.xml"] = host.routes["/feed.xml"]
    host.asked.clear()
    findings = verify.verify(f"{host.url}/feed.xml", f"{host.url}/second.xml")
    assert host.asked.count(("HEAD", "/two.mp3")) == 1
    assert [each.address for each in findings if each.what == "feed exists"] == [
        f"{host.url}/feed.xml",
        f"{host.url}/second.xml",
    ]


def test_redirects_are_followed_and_told(host: Host) -> None:
    """Sound behind a redirect is right, and the way is told; a feed behind one makes unsure."""

    def change(site: Site) -> None:
        site["/real.mp3"] = site["/two.mp3"]
        moved("/two.mp3", "/real.mp3")(site)
        site["/real.xml"] = site["/feed.xml"]
        moved("/feed.xml", "/real.xml", 301)(site)

    findings = look(host, change)
    told = {each.what: each.detail for each in findings if each.what.endswith("redirect")}
    assert told["enclosure redirect"] == f"302 to {host.url}/real.mp3"
    assert wrong(findings) == [("feed redirect", f"301 to {host.url}/real.xml: is that meant?")]


def test_a_feed_may_be_compressed(host: Host) -> None:
    """A feed that comes as gzip is unpacked and read, and Last-Modified is asked for where there is no ETag."""

    def change(site: Site) -> None:
        feed = site["/feed.xml"]
        text = feed.body.replace(b"{0}", host.url.encode())
        headers = {"Content-Encoding": "gzip", "Last-Modified": "Thu, 01 Oct 2026 06:00:00 GMT"}
        site["/feed.xml"] = replace(feed, body=gzip.compress(text), headers=headers)

    findings = look(host, change)
    assert wrong(findings) == []
    assert "by gzip" in next(each.detail for each in findings if each.what == "feed compression")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (with_reply("/two.mp3", tells_length=False), ("enclosure length", "does not tell how long")),
        (feed_text("audio/mpeg", "audio/flac"), ("enclosure content", "audio/flac: not looked into")),
        (feed_text("01 Oct 2026", "01 Aug 2026"), ("feed dates", "not in order")),
        (feed_text("<item>", f"<!--{'x' * 1_000_000}--><item>"), ("feed size", "1 MB; set feed.page_size")),
        (with_reply("/art.png", body=PICTURE[:20]), ("artwork size", "cannot be read")),
    ],
)
def test_what_cannot_be_told_is_unsure(host: Host, change: Callable[[Site], None], expected: tuple[str, str]) -> None:
    """Where nothing certain can be said, the finding says so."""
    found = next(each for each in look(host, change) if each.what == expected[0] and each.state == "unsure")
    assert expected[1] in found.detail


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:9/a.mp3", "http://[::1]/a", "http://10.0.0.1/", "https://localhost/"]
)
def test_a_public_feed_cannot_reach_into_the_network(target: str) -> None:
    """Addresses of this computer and of private networks are not opened for a feed that is not local itself."""
    (found,) = files.look(rss.Wanted(what="page", address=target), web.Web(patience_s=1, is_local=False))
    assert (found.state, found.what) == ("wrong", "page answers")
    assert "only this computer or its network reaches" in found.detail


@pytest.mark.parametrize(
    ("start", "hops", "is_secure"),
    [
        ("https://cln.example/a", (), True),
        ("https://cln.example/a", ((302, "https://media.cln.example/a"),), True),
        ("http://cln.example/a", (), False),
        ("https://cln.example/a", ((302, "http://cln.example/b"), (302, "https://cln.example/b")), False),
        ("http://localhost/a", (), True),
    ],
)
def test_https_is_needed_all_the_way(start: str, hops: tuple[tuple[int, str], ...], is_secure: bool) -> None:
    """Plain http, and be it on the way, is wrong but on this computer."""
    answer = web.Answer(url=start, status=200, headers=Message(), body=b"", is_cut=False, hops=hops)
    found = next(files._way(rss.Wanted(what="page", address=start), answer))
    assert (found.what, found.state) == ("page secure", "right" if is_secure else "wrong")


def test_certificates_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that nobody vouches for is wrong; with one that is trusted the site is read as any other."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    subprocess.run([*made.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(context) as secure:
        secure.url = f"https://localhost:{secure.server_port}"
        (found,) = look(secure)
        assert found.what == "feed answers"
        assert "certificate that apps refuse" in found.detail
        monkeypatch.setattr(web, "_trust", lambda: ssl.create_default_context(cafile=certificate))
        findings = look(secure)
    assert wrong(findings) == []
    assert {each.detail for each in findings if each.what.endswith("secure")} == {"https"}


def test_nothing_at_the_address() -> None:
    """A feed that cannot be reached is one finding."""
    (found,) = verify.verify("http://127.0.0.1:9/feed.xml")
    assert (found.what, found.state, found.detail) == ("feed answers", "wrong", "has nothing that answers there")


@pytest.mark.parametrize(
    ("form", "options"),
    [("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True}), ("JPEG", {"exif": b"Exif\0\0" + bytes(60_000)})],
)
def test_pictures_are_measured_by_their_first_bytes(form: str, options: dict[str, object]) -> None:
    """The measure is that of the file, in every form that Pillow writes."""
    data = picture((1500, 1400), form, **options)
    assert signatures.kind(data) == f"image/{form.lower()}"
    assert signatures.pixels(data) == (1500, 1400)
    assert signatures.pixels(data[:12]) is None


@pytest.fixture
def live(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Session]:
    """A session in a workspace that the preview serves at its own address."""
    root = studio.workspace(tmp_path / "w", "waiting-times", "choose-and-book")
    (root / "site").mkdir()
    stop, addresses = threading.Event(), []
    ready = threading.Event()

    def serve() -> None:
        preview.serve(root / "site", port=0, stop=stop, ready=lambda url: (addresses.append(url), ready.set()))

    thread = threading.Thread(target=serve)
    thread.start()
    assert ready.wait(10)
    config = root / "cln_media.toml"
    config.write_text(config.read_text().replace("https://podcast.cln.example/", addresses[0]))
    session = Session(root, capsys)
    assert session("build") == 0, session.err
    yield session
    stop.set()
    thread.join()


def show_of(session: Session) -> Show:
    """Read a session's show."""
    show, problems = workspace.read_show(workspace.find(session.folder))
    assert show, problems
    return show


def test_our_own_site_is_flawless(live: Session) -> None:
    """Everything that a build writes is right as the preview serves it: every feed, every file, every page."""
    findings = verify.verify(*verifying.addresses(workspace.find(live.folder), None))
    assert wrong(findings) == []
    whats = {each.what for each in findings}
    assert {"enclosure ranges", "transcript CORS", "chapters content", "artwork size", "page exists"} <= whats


def test_the_command_shows_a_table_or_json(live: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """The table holds what is not right, with --verbose everything; JSON holds everything."""
    urls = verifying.addresses(workspace.find(live.folder), "north-west")
    assert urls == (f"{show_of(live).site_url}feeds/north-west.xml",)
    assert verifying.look(urls, Screen(), as_json=False)
    out = capsys.readouterr().out
    assert re.fullmatch(r"Looked at \d+ addresses: \d+ things right, 0 wrong, 0 unsure\.\n", out)
    assert verifying.look(urls, Screen(verbose=True), as_json=False)
    assert "right  enclosure length" in capsys.readouterr().out
    (next((live.folder / "site/media").iterdir())).unlink()
    assert not verifying.look(urls, Screen(), as_json=False)
    assert re.search(r"(?m)^wrong +enclosure exists +404 +http", capsys.readouterr().out)
    assert not verifying.look(urls, Screen(), as_json=True, limit=2)
    read = json.loads(capsys.readouterr().out)
    assert {"what", "address", "state", "detail"} == set(read[0])


def test_the_end_of_a_publish_says_it_is_live(live: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """After a publish the feeds and the new sound are looked at, and one line says that they are there."""
    keys = [asset.key for asset in Release.from_json((live.folder / "site/manifest.json").read_bytes()).assets]
    verifying.after_publish(show_of(live), keys, Screen())
    assert "feed.xml answers as podcast apps need it, with 2 new sound files.\n" in capsys.readouterr().out


def test_the_end_of_a_publish_finds_missing_sound(live: Session) -> None:
    """Sound that the feed names and the address does not have is an error; sound that is not new is not asked for."""
    sound = sorted((live.folder / "site/media").iterdir())
    sound[0].unlink()
    verifying.after_publish(show_of(live), [f"media/{sound[1].name}"], Screen())
    with pytest.raises(StorageError, match="enclosure exists: 404"):
        verifying.after_publish(show_of(live), [f"media/{sound[0].name}"], Screen())


def test_a_feed_that_is_still_cached_is_a_warning(live: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """New sound that the live feed does not name yet is remarked upon, and fails nothing."""
    verifying.after_publish(show_of(live), ["media/newest-0123456789abcdef.mp3"], Screen())
    assert "no feed names it yet" in capsys.readouterr().err


def test_no_server_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that nobody serves yet is one line that says how to go on."""
    root = studio.empty_workspace(tmp_path / "w")
    config = root / "cln_media.toml"
    for address, line in (
        ("http://127.0.0.1:9/", "Nothing answers at http://127.0.0.1:9/ yet: serve it with cln-media preview"),
        ("https://none.invalid/", "https://none.invalid/ is an example: set site.url to the public address"),
    ):
        config.write_text(re.sub(r'url = "\S+"', f'url = "{address}"', config.read_text()))
        verifying.after_publish(show_of(Session(root, capsys)), ["media/a.mp3"], Screen())
        out, err = capsys.readouterr()
        assert out.count("\n") == 1
        assert line in out
        assert err == ""


def test_a_real_store_lacks_what_only_its_owner_can_set(
    s3: seaweed.Seaweed, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bucket by itself serves all but the pages whose address ends in a slash; CORS is as its owner sets it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.secret_key)
    bucket = s3.new_bucket(public=True)
    root = studio.workspace(tmp_path / "w", "waiting-times")
    config = root / "cln_media.toml"
    text = config.read_text().replace("https://podcast.cln.example/", f"{s3.endpoint_url}/{bucket}/pod/")
    config.write_text(f'{text}\n[storage]\nurl = "s3://{bucket}/pod"\nendpoint_url = "{s3.endpoint_url}"\n')
    session = Session(root, capsys)
    assert session("publish", "--yes") == 0, session.err
    urls = verifying.addresses(workspace.find(root), None)
    assert {what for what, _ in wrong(verify.verify(*urls))} == {"page exists"}
    rule = {"AllowedMethods": ["GET", "HEAD"], "AllowedOrigins": ["https://cln.example"]}
    client = s3.client()
    client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    client.close()
    assert {what for what, _ in wrong(verify.verify(*urls))} == {"page exists", "transcript CORS", "chapters CORS"}
