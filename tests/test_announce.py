"""Telling hubs and directories: what they are sent, by real requests, and what they never hear of."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from pipeline.announce import Services, announce, changed
from pipeline.cli import verifying
from pipeline.cli.screen import Screen
from pipeline.model import Feed, FeedSettings, Show, Visibility
from tests import samples

SITE = samples.SITE_URL
TOKEN = "a-word-of-ours"  # noqa: S105  of no service
NORTH_WEST = Feed(name="north-west", title="North West", region="north-west")
MEMBERS = Feed(name="members", title="Members", visibility=Visibility.MEMBERS)


class Hub(ThreadingHTTPServer):
    """A server that notes what it is told; its answer is the status in the path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.heard: list[tuple[str, str, dict[str, list[str]], str | None]] = []
        self.ended = threading.Event()

    def services(self, token: str | None = TOKEN) -> Services:
        """Name this server as both directories."""
        index, podping = f"{self.url}/200/pubnotify", f"{self.url}/200/podping"
        return Services(podcast_index=index, podping=podping, podping_token=token)


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name that http.server gives it
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer(urlsplit(self.path).query)

    def do_POST(self) -> None:
        assert self.headers["Content-Type"] == "application/x-www-form-urlencoded"
        self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _answer(self, form: str) -> None:
        path = urlsplit(self.path).path
        self.server.heard.append((self.command, path, parse_qs(form), self.headers["Authorization"]))
        if path.startswith("/stall"):
            self.server.ended.wait(30)
            return
        status = int(path.split("/")[1])
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", f"{self.server.url}/200/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def hub() -> Iterator[Hub]:
    """Run a hub."""
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.ended.set()
    server.shutdown()
    thread.join()
    server.server_close()


def show(*hubs: str, directories: tuple[str, ...] = (), **changes: object) -> Show:
    """Make a show that tells these."""
    settings = FeedSettings(hubs=hubs, announce=directories)
    return samples.show(feed=settings, feeds=(NORTH_WEST, MEMBERS), **changes)


def test_nobody_is_told_by_default(hub: Hub) -> None:
    """Without hubs and directories in the settings, nothing is sent and nothing is wrong."""
    assert announce(show(), (None,), services=hub.services()) == ()
    assert hub.heard == []


def test_hubs_are_told_of_each_feed(hub: Hub) -> None:
    """Each hub gets a WebSub publish ping, as a form, for each feed that changed, in each form that names the hub."""
    hubs = (f"{hub.url}/200/one", f"{hub.url}/204/two")
    assert announce(show(*hubs), (None, NORTH_WEST), services=hub.services()) == ()
    expected = [
        ("POST", path, {"hub.mode": ["publish"], "hub.url": [f"{SITE}{key}"]}, None)
        for path in ("/200/one", "/204/two")
        for feed in ("feed", "feeds/north-west")
        for key in (f"{feed}.xml", f"{feed}.atom", f"{feed}.json")
    ]
    assert sorted(hub.heard, key=str) == sorted(expected, key=str)


def test_directories_are_told_where_the_settings_name_them(hub: Hub) -> None:
    """The Podcast Index is told without a token, Podping with it, and the token goes nowhere else."""
    both = show(f"{hub.url}/200/hub", directories=("podcastindex", "podping"))
    assert announce(both, (None,), services=hub.services()) == ()
    by_path = {path: (method, form, token) for method, path, form, token in hub.heard}
    feed = [f"{SITE}feed.xml"]
    assert by_path["/200/pubnotify"] == ("GET", {"url": feed}, None)
    assert by_path["/200/podping"] == ("GET", {"url": feed, "reason": ["update"], "medium": ["podcast"]}, TOKEN)
    assert by_path["/200/hub"][2] is None
    hub.heard.clear()
    assert announce(show(directories=("podcastindex",)), (None,), services=hub.services()) == ()
    assert [path for _, path, _, _ in hub.heard] == ["/200/pubnotify"]


def test_podping_needs_its_token(hub: Hub) -> None:
    """Without a token nothing goes to Podping, and the problem says which variable to set."""
    (problem,) = announce(show(directories=("podping",)), (None,), services=hub.services(token=None))
    assert not problem.fatal
    assert "PODPING_TOKEN is not set" in problem.message
    assert hub.heard == []
    assert Services.of_environment({"PODPING_TOKEN": f" {TOKEN}\n"}).podping_token == TOKEN
    assert Services.of_environment({"PODPING_TOKEN": " "}).podping_token is None


def test_members_feeds_are_never_announced(hub: Hub) -> None:
    """A feed for members is not chosen from what was published, and handing one in is refused before any request."""
    told = show(f"{hub.url}/200/hub", directories=("podcastindex", "podping"))
    keys = ("feed.xml", "feeds/members.xml", "m/0123456789abcdef/feed.xml", "feeds/north-west.xml", "index.html")
    assert changed(told, keys) == (None, NORTH_WEST)
    assert changed(told, ("m/0123456789abcdef/feed.xml",)) == ()
    for feed in (MEMBERS, replace(NORTH_WEST, visibility=Visibility.MEMBERS)):
        with pytest.raises(ValueError, match="never be announced"):
            announce(told, (None, feed), services=hub.services())
    assert hub.heard == []


@pytest.mark.parametrize("site", ["http://localhost:8321/", "http://127.0.0.1/", "http://[::1]/", "http://10.1.2.3/"])
def test_a_site_on_this_computer_is_not_announced(hub: Hub, site: str) -> None:
    """What nobody else can reach is announced to nobody, and that is said."""
    (problem,) = announce(show(f"{hub.url}/200/hub", site_url=site), (None,), services=hub.services())
    assert "nobody was told" in problem.message
    assert not problem.fatal
    assert hub.heard == []


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/500/hub", "it answered 500"),
        ("/404/hub", "it answered 404"),
        ("/302/hub", "it answered 302"),
        ("/stall/hub", "no answer in time"),
    ],
)
def test_a_failing_hub_is_a_remark(hub: Hub, path: str, message: str) -> None:
    """A hub that fails, stalls or sends elsewhere is a problem that is not fatal; the others are told all the same."""
    told = show(f"{hub.url}{path}?key=hidden", f"{hub.url}/200/other")
    (problem,) = announce(told, (None,), services=hub.services(), patience_s=0.5)
    assert message in problem.message
    assert f"{SITE}feed.xml" in problem.message
    assert not problem.fatal
    assert "hidden" not in f"{problem.source}{problem.message}{problem.hint}"
    assert "/200/other" in [path for _, path, _, _ in hub.heard]
    assert "/200/elsewhere" not in [path for _, path, _, _ in hub.heard]


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/", "https://none.invalid/", "file:///etc/passwd", "http://[", ""]
)
def test_an_address_that_is_no_hub_is_a_remark(address: str) -> None:
    """Nothing there, no such host, no web address: one problem each, and no exception."""
    (problem,) = announce(show(address), (None,), patience_s=5)
    assert not problem.fatal
    assert problem.hint


@pytest.mark.parametrize("token", ["line\r\nbreak", "café ☕"])
def test_no_message_repeats_the_token(hub: Hub, token: str) -> None:
    """A token that no request can carry is a problem that does not show it."""
    (problem,) = announce(show(directories=("podping",)), (None,), services=hub.services(token=token))
    assert token[:4] not in f"{problem.source}{problem.message}{problem.hint}"
    assert token not in repr(hub.services(token=token))
    assert hub.heard == []


def test_the_command_tells_what_it_did(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    """The last line of a publish names who was told; a failure is a warning; nothing changed says nothing."""
    verifying.announce_changes(show(f"{hub.url}/200/hub"), ["feed.xml"], Screen())
    assert capsys.readouterr().out.startswith("Told 127.0.0.1 of the change.")
    verifying.announce_changes(show(f"{hub.url}/500/hub"), ["feed.xml"], Screen())
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(
        "Warning: http://127.0.0.1/: was not told of https://podcast.cln.example/feed.xml and 2 more: it answered 500"
    )
    hub.heard.clear()
    verifying.announce_changes(show(f"{hub.url}/200/hub"), ["index.html", "m/0123456789abcdef/feed.xml"], Screen())
    assert capsys.readouterr() == ("", "")
    assert hub.heard == []
