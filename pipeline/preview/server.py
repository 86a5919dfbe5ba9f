"""Requests of a browser -> answers from a site: ranges, 304, redirects and the events that make pages reload."""

import hashlib
import html
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import quote, unquote, urlsplit

from pipeline.localhost import HOST, LocalHandler, LocalServer
from pipeline.preview.files import TYPES, Digests, File, Site

RELOAD_KEY, EVENTS_KEY = "__preview__/reload.js", "__preview__/events"
_HEARTBEAT_SECONDS = 15.0
_RELOAD_SCRIPT = b"""\
"use strict";
(() => {
  const events = new EventSource(document.currentScript.src.replace(/reload\\.js$/, "events"));
  let seen = null;
  events.onmessage = (event) => {
    if (seen !== null && seen !== event.data) { events.close(); location.reload(); }
    seen = event.data;
  };
})();
"""


@dataclass(slots=True)
class Versions:
    """The number of the build that is served; readers wait for the next."""

    number: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def bump(self) -> None:
        """Say that the site has changed."""
        with self.changed:
            self.number += 1
            self.changed.notify_all()

    def wait_for_other_than(self, number: int, seconds: float) -> int:
        """Return the number once it is not `number` any more, or after `seconds`."""
        with self.changed:
            self.changed.wait_for(lambda: self.number != number, timeout=seconds)
            return self.number


class Server(LocalServer):
    """A server of one site on this machine."""

    def __init__(self, site: Site, port: int, base_path: str, ended: threading.Event) -> None:
        self.site = site
        self.base_path = base_path
        self.ended = ended
        self.versions = Versions()
        self.digests = Digests()
        super().__init__(port, _Handler, ("localhost", HOST, "[::1]"))
        self.address = f"http://{HOST}:{self.server_port}{base_path}"


class _Handler(LocalHandler):
    server: Server
    server_version = "preview"

    def end_headers(self) -> None:
        """End the headers with those that every answer has."""
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def answer(self) -> None:
        """Answer a reader with a file of the site."""
        if not self.is_called_by_its_name():
            self.say(HTTPStatus.MISDIRECTED_REQUEST, "This server answers to localhost alone.")
            return
        path, base = unquote(urlsplit("//h" + self._target()).path, errors="replace"), self.server.base_path
        if path == "/" != base or path + "/" == base:
            self._redirect(base)
        elif not path.startswith(base):
            self._not_found()
        else:
            self._answer_key(path.removeprefix(base))

    def _target(self) -> str:
        return self.path if self.path.startswith("/") else "/" + self.path

    def _answer_key(self, key: str) -> None:
        site = self.server.site
        if site.live and key == RELOAD_KEY:
            self._send_bytes(_RELOAD_SCRIPT, TYPES["js"])
        elif site.live and key == EVENTS_KEY:
            self._send_events()
        elif file := site.find(key + "index.html" if key == "" or key.endswith("/") else key):
            self._send_file(file)
        elif site.is_folder(key):
            self._redirect(quote(f"{self.server.base_path}{key}/"))
        else:
            self._not_found()

    def _not_found(self) -> None:
        page = self.server.site.find("404.html")
        if page is None:
            self.say(HTTPStatus.NOT_FOUND, "There is no such page.")
        else:
            self._send_file(page, HTTPStatus.NOT_FOUND)

    def _send_file(self, file: File, status: HTTPStatus = HTTPStatus.OK) -> None:
        try:
            if file.reloads:
                self._send_page(file, status)
            else:
                self._send_stored(file, status)
        except FileNotFoundError:  # the site is being built again
            self.say(HTTPStatus.NOT_FOUND, "There is no such page.")

    def _send_page(self, file: File, status: HTTPStatus) -> None:
        source = html.escape(self.server.base_path + RELOAD_KEY)
        tag = f'<script src="{source}" defer></script>'.encode()
        page = file.path.read_bytes()
        head, end, rest = page.rpartition(b"</body>")
        data = head + tag + end + rest if end else page + tag
        self._send_bytes(data, file.content_type, cache_control="no-cache", status=status)

    def _send_bytes(
        self, data: bytes, content_type: str, *, cache_control: str = "no-cache", status: HTTPStatus = HTTPStatus.OK
    ) -> None:
        tag = _quoted(hashlib.sha256(data).hexdigest())
        if status is HTTPStatus.OK and self._is_known(tag):
            self._not_modified(tag, cache_control)
            return
        self.send_whole(data, _described(tag, content_type, cache_control), status=status)

    def _send_stored(self, file: File, status: HTTPStatus) -> None:
        tag = _quoted(self.server.digests.of(file.path))
        if status is HTTPStatus.OK and self._is_known(tag):
            self._not_modified(tag, file.cache_control)
            return
        headers = _described(tag, file.content_type, file.cache_control)
        self.send_stored(file.path, tag, headers, status=status)

    def _not_modified(self, tag: str, cache_control: str) -> None:
        self.send_response(HTTPStatus.NOT_MODIFIED)
        self.send_header("Cache-Control", cache_control)
        self.send_header("ETag", tag)
        self.end_headers()

    def _is_known(self, tag: str) -> bool:
        known = [each.strip().removeprefix("W/") for each in self.headers.get("If-None-Match", "").split(",")]
        return tag in known or known == ["*"]

    def _send_events(self) -> None:
        """Tell the number of the build now, and again whenever it changes, until the browser leaves."""
        self.close_connection = True
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        number = self.server.versions.number
        message = f"retry: 1000\ndata: {number}\n\n"
        while self.command != "HEAD" and not self.server.ended.is_set():
            self.wfile.write(message.encode())
            latest = self.server.versions.wait_for_other_than(number, _HEARTBEAT_SECONDS)
            message = ":\n\n" if latest == number else f"data: {latest}\n\n"
            number = latest

    def _redirect(self, location: str) -> None:
        self.say(HTTPStatus.FOUND, "", ("Location", location))


def _described(tag: str, content_type: str, cache_control: str) -> tuple[tuple[str, str], ...]:
    return ("Content-Type", content_type), ("Cache-Control", cache_control), ("ETag", tag)


def _quoted(sha256: str) -> str:
    return f'"{sha256}"'
