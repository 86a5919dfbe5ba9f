"""What Amazon CloudFront is told to forget: the paths, the request as the API documents it, and its refusals."""

import re
import socket
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import publish
from pipeline.errors import StorageError
from pipeline.model import chapters_key, embed_key, episode_key, feed_key, media_key, oembed_key, transcript_key
from pipeline.publish.invalidation import invalidate, paths
from tests.stores import sign_in

NAMESPACE = "http://cloudfront.amazonaws.com/doc/2020-05-31/"
DISTRIBUTION = "EDFDVBD6EXAMPLE"
UNSAFE = re.compile(r'[^\x21-\x7e]|[<>"#{}|\\^~\[\]`]|%(?![0-9A-F]{2})')  # RFC 1738, section 2.2
PLAIN = "https://site.example/"


# The paths


def test_a_page_counts_once_for_every_way_to_ask_for_it() -> None:
    """A folder's page is asked for with and without the last slash, and kept as its file: one wildcard for all."""
    assert paths([episode_key("tides")]) == ("/episodes/tides*",)
    assert paths(["404.html", feed_key(None), feed_key("north-west")]) == (
        "/404.html",
        "/feed.xml",
        "/feeds/north-west.xml",
    )


def test_the_front_page_does_not_take_everything_with_it() -> None:
    """It is the address of the site, and its file; a wildcard would stand for the whole site."""
    assert paths(["index.html"]) == ("/", "/index.html")
    assert paths(["index.html"], site_path="/podcast/") == ("/podcast/", "/podcast/index.html")


def test_what_never_changes_is_left_out() -> None:
    """Names that carry their hash, and the publisher's own files, which nobody is served, are not forgotten."""
    keys = [media_key("tides", "0" * 64), "assets/site-0123456789abcdef.css", "_pub/ledger.json.gz", "_pub/blobs/0"]
    assert paths(keys) == ()
    assert paths([*keys, "feed.xml"]) == ("/feed.xml",)
    assert paths([]) == ()


def test_a_wildcard_leaves_out_what_it_covers() -> None:
    """Where the list of all episodes changes, each of their pages is named by it already."""
    keys = ["episodes/index.html", episode_key("tides"), episode_key("wards"), "feed.xml", embed_key("tides")]
    assert paths(keys) == ("/embed/tides*", "/episodes*", "/feed.xml")
    assert paths([episode_key("tides"), episode_key("tides-two")]) == ("/episodes/tides*",)


def test_many_paths_become_one_below_the_site() -> None:
    """More than the limit cost more than one wildcard, which stands for the site and nothing beside it."""
    keys = [oembed_key(f"e{number}") for number in range(8)]
    assert len(paths(keys)) == 8
    assert paths([*keys, "feed.xml"]) == ("/*",)
    assert paths([*keys, "feed.xml"], site_path="/podcast/") == ("/podcast/*",)
    assert paths(keys[:2], most=1) == ("/*",)
    assert paths(["episodes/index.html", *(episode_key(f"e{number}") for number in range(9))]) == ("/episodes*",)


def test_only_unsafe_characters_are_encoded() -> None:
    """What RFC 1738 calls unsafe is encoded, and nothing else: CloudFront would look for another file."""
    assert paths(["a b/é~x.html"]) == ("/a%20b/%C3%A9%7Ex.html",)
    assert paths(["it's(new)+1,2;a=b&c:d!$.html"]) == ("/it's(new)+1,2;a=b&c:d!$.html",)
    assert paths(["what?/index.html", "100%/index.html"]) == ("/100%25*", "/what%3F*")
    assert paths(["a*", "ab.html"]) == ("/a%2A", "/ab.html")  # a file's own star stands for nothing else


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12), max_size=12))
def test_whatever_the_keys_cloudfront_takes_the_paths(keys: list[str]) -> None:
    """Each path begins with a slash, holds nothing unsafe, and has a star at its end only; there are never too many."""
    found = paths(keys)
    assert len(found) <= 8
    assert len(set(found)) == len(found)
    for path in found:
        assert path.startswith("/")
        assert not UNSAFE.search(path)
        assert "*" not in path[:-1]


SLUGS = st.sampled_from(["a", "ab", "a-b", "tides"])
KEYS = st.one_of(
    st.sampled_from(["index.html", "feed.xml", "404.html", "episodes/index.html"]),
    SLUGS.map(episode_key),
    SLUGS.map(embed_key),
    SLUGS.map(chapters_key),
    SLUGS.map(lambda slug: transcript_key(slug, "vtt")),
)


@given(st.lists(KEYS, max_size=14), st.sampled_from(["/", "/podcast/"]))
def test_every_address_of_a_changed_file_is_forgotten(keys: list[str], site_path: str) -> None:
    """Whatever is left out or joined, each file that changed is named, as its file and as its folder."""
    found = paths(keys, site_path=site_path)
    for key in keys:
        folder = key.removesuffix("index.html")
        addresses = {key, folder, folder.removesuffix("/")} if folder != key and folder else {key, folder}
        for address in addresses:
            whole = site_path + address
            assert any(whole == path or (path.endswith("*") and whole.startswith(path[:-1])) for path in found), whole


# The request


class CloudFront(ThreadingHTTPServer):
    """Takes CreateInvalidation as its reference describes it, and remembers what it was asked.

    refusal: status, code and message to answer instead; or a whole body that is no answer.
    """

    asked: list[tuple[str, tuple[str, ...]]]
    ids: dict[str, str]
    refusal: tuple[int, str, str] | bytes | None
    wrong: list[str]


class _Answer(BaseHTTPRequestHandler):
    server: CloudFront

    def do_POST(self) -> None:
        """Answer one request."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if isinstance(self.server.refusal, bytes):
            self._send(201, self.server.refusal.decode())
            return
        if self.server.refusal is not None:
            self._refuse(*self.server.refusal)
            return
        try:
            reference, found = _batch(body)
            assert self.path == f"/2020-05-31/distribution/{DISTRIBUTION}/invalidation", self.path
            assert "/us-east-1/cloudfront/aws4_request" in self.headers["Authorization"]
        except (AssertionError, ET.ParseError) as error:
            self.server.wrong.append(repr(error))
            self._refuse(400, "InvalidArgument", "made by the test")
            return
        self.server.asked.append((reference, found))
        if any(each != found for known, each in self.server.asked if known == reference):
            self._refuse(400, "InvalidationBatchAlreadyExists", "made by the test")
            return
        self._accept(reference, found)

    def _accept(self, reference: str, found: tuple[str, ...]) -> None:
        name = self.server.ids.setdefault(reference, f"I{len(self.server.ids):013}")
        items = "".join(f"<Path>{escape(path)}</Path>" for path in found)
        self._send(
            201,
            f'<Invalidation xmlns="{NAMESPACE}"><Id>{name}</Id><Status>InProgress</Status>'
            "<CreateTime>2026-11-01T07:00:00.000Z</CreateTime><InvalidationBatch><Paths>"
            f"<Quantity>{len(found)}</Quantity><Items>{items}</Items></Paths>"
            f"<CallerReference>{escape(reference)}</CallerReference></InvalidationBatch></Invalidation>",
        )

    def _refuse(self, status: int, code: str, message: str) -> None:
        self._send(
            status,
            f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>{code}</Code>'
            f"<Message>{message}</Message></Error><RequestId>0</RequestId></ErrorResponse>",
        )

    def _send(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _batch(body: bytes) -> tuple[str, tuple[str, ...]]:
    root = ET.fromstring(body)
    assert root.tag == f"{{{NAMESPACE}}}InvalidationBatch", root.tag
    assert {child.tag.rpartition("}")[2] for child in root} == {"Paths", "CallerReference"}
    named = {"c": NAMESPACE}
    found = tuple(path.text or "" for path in root.findall("c:Paths/c:Items/c:Path", named))
    assert found
    assert root.findtext("c:Paths/c:Quantity", namespaces=named) == str(len(found))
    for path in found:
        assert path.startswith("/"), path
        assert "*" not in path[:-1], path
        assert not UNSAFE.search(path), path
    reference = root.findtext("c:CallerReference", namespaces=named)
    assert reference
    return reference, found


@contextmanager
def serving() -> Iterator[CloudFront]:
    """Run it on a free port."""
    with CloudFront(("127.0.0.1", 0), _Answer) as server:
        server.asked, server.ids, server.refusal, server.wrong = [], {}, None, []
        running = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        running.start()
        try:
            yield server
        finally:
            server.shutdown()
            running.join()
        assert server.wrong == []


@pytest.fixture
def cloudfront(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudFront]:
    """Run CloudFront where this machine's settings say that it is, and sign in."""
    sign_in(monkeypatch, "AKIAEXAMPLE", "x" * 40)
    monkeypatch.setenv("AWS_REGION", "eu-west-2")  # of the bucket: CloudFront has its own
    with serving() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFRONT", f"http://127.0.0.1:{server.server_port}")
        yield server


def test_cloudfront_is_told_what_changed(cloudfront: CloudFront) -> None:
    """One request names the paths and the reference; the invalidation's id comes back."""
    changed = paths(["episodes/index.html", "feed.xml", "a b&c.html"])
    assert invalidate(DISTRIBUTION, changed, caller_reference="release-1") == "I0000000000000"
    assert cloudfront.asked == [("release-1", ("/a%20b&c.html", "/episodes*", "/feed.xml"))]


def test_the_same_reference_is_the_same_invalidation(cloudfront: CloudFront) -> None:
    """A repeated call costs nothing and is no new invalidation; another release is one."""
    first = invalidate(DISTRIBUTION, ["/feed.xml"], caller_reference="release-1")
    assert invalidate(DISTRIBUTION, ["/feed.xml"], caller_reference="release-1") == first
    assert invalidate(DISTRIBUTION, ["/feed.xml"], caller_reference="release-2") != first
    assert len(cloudfront.ids) == 2


def test_publishing_tells_the_distribution_where_the_site_is(cloudfront: CloudFront) -> None:
    """Keys become addresses below the site's own path; where nothing has to be forgotten, nobody is asked."""
    site_url = f"{PLAIN}podcast/"
    publish.invalidate(DISTRIBUTION, ["index.html", "media/a-0.mp3"], (), reference="release-1", site_url=site_url)
    publish.invalidate(DISTRIBUTION, ["media/a-0.mp3"], (), reference="release-2", site_url=site_url)
    publish.invalidate(DISTRIBUTION, ["feed.xml"], (), reference="release-3", site_url=PLAIN)
    assert cloudfront.asked == [
        ("release-1", ("/podcast/", "/podcast/index.html")),
        ("release-3", ("/feed.xml",)),
    ]


@pytest.mark.parametrize(
    ("status", "code", "message", "hint"),
    [
        (404, "NoSuchDistribution", "there is no such distribution", "[storage] cloudfront"),
        (403, "AccessDenied", "may not invalidate it", "cloudfront:CreateInvalidation"),
        (400, "TooManyInvalidationsInProgress", "too many invalidations", "wait until they are done"),
        (400, "InvalidArgument", "does not take the paths", "invalidate /* in the AWS console"),
        (403, "InvalidClientTokenId", "does not accept this access key", "AWS_ACCESS_KEY_ID"),
        (403, "SignatureDoesNotMatch", "does not accept this access key", "AWS_ACCESS_KEY_ID"),
        (403, "ExpiredToken", "the sign-in has expired", "sign in again"),
        (400, "Teapot", "error Teapot, status 400", ""),
    ],
)
def test_a_refusal_says_what_to_do(cloudfront: CloudFront, status: int, code: str, message: str, hint: str) -> None:
    """Each refusal that AWS documents becomes a sentence with the next action, about that distribution."""
    cloudfront.refusal = (status, code, "made by the test")
    with pytest.raises(StorageError, match=message) as caught:
        invalidate(DISTRIBUTION, ["/feed.xml"], caller_reference="release-1")
    assert caught.value.source == f"CloudFront {DISTRIBUTION}"
    assert hint in (caught.value.hint or "")
    assert "made by the test" not in str(caught.value)


@pytest.mark.parametrize("answer", [b"<html>a proxy's page", b"<Invalidation></Invalidation>"])
def test_an_answer_that_is_none_is_an_error(cloudfront: CloudFront, answer: bytes) -> None:
    """What something on the way answers in the place of CloudFront does not pass for an invalidation."""
    cloudfront.refusal = answer
    with pytest.raises(StorageError, match="CloudFront"):
        invalidate(DISTRIBUTION, ["/feed.xml"], caller_reference="release-1")


def test_no_credentials_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a sign-in, the ways to sign in are named."""
    sign_in(monkeypatch, None, None)
    with pytest.raises(StorageError, match="no usable credentials") as caught:
        invalidate(DISTRIBUTION, ["/feed.xml"], caller_reference="release-1")
    assert "AWS_ACCESS_KEY_ID" in (caught.value.hint or "")


@pytest.mark.parametrize("name", ["AWS_PROFILE", "AWS_ENDPOINT_URL_CLOUDFRONT"])
def test_settings_that_cannot_be_used_are_told(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A profile that is not there, or an address that is none, is an error with a hint, not a traceback."""
    sign_in(monkeypatch, "AKIAEXAMPLE", "x" * 40)
    monkeypatch.setenv(name, "no such thing")
    with pytest.raises(StorageError) as caught:
        invalidate(DISTRIBUTION, ["/feed.xml"], caller_reference="release-1")
    assert caught.value.hint


def test_nobody_at_the_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that is down is an error within seconds, not minutes."""
    sign_in(monkeypatch, "AKIAEXAMPLE", "x" * 40)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFRONT", f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(StorageError, match="the connection to CloudFront failed"):
            invalidate(DISTRIBUTION, ["/feed.xml"], caller_reference="release-1")


def test_sound_that_was_removed_is_forgotten_too() -> None:
    """What is sent never changes under its name, but what is gone must not be served for a year."""
    assert paths(["media/a-0.mp3"], gone=["media/b-0.mp3", "_pub/blobs/x"]) == ("/media/b-0.mp3",)
