"""Requests of a browser -> answers from a site: ranges, 304, redirects and the events that make pages reload."""

import hashlib
import html
import os
import socketserver
import sys
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import BinaryIO
from urllib.parse import quote, unquote, urlsplit

from pipeline.preview.files import TYPES, UNSATISFIABLE, Digests, File, Site, byte_range

HOST = "127.0.0.1"
RELOAD_KEY, EVENTS_KEY = "__preview__/reload.js", "__preview__/events"
_HEARTBEAT_SECONDS = 15.0
_IDLE_SECONDS = 60.0
_CHUNK_BYTES = 1 << 16
_HTTP_PORT = 80
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


class Server(ThreadingHTTPServer):
    """A server of one site on this machine."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    allow_reuse_address = os.name != "nt"  # on Windows, reuse would let two servers share one port

    def __init__(self, site: Site, port: int, base_path: str, ended: threading.Event) -> None:
        self.site = site
        self.base_path = base_path
        self.ended = ended
        self.versions = Versions()
        self.digests = Digests()
        super().__init__((HOST, port), _Handler)
        self.address = f"http://{HOST}:{self.server_port}{base_path}"
        port_in_host = "" if self.server_port == _HTTP_PORT else f":{self.server_port}"
        self.hosts = {name + port_in_host for name in ("localhost", HOST, "[::1]")}

    def server_bind(self) -> None:
        """Bind without asking the network for this machine's name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Pass over a browser that went away; show our own bugs."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "preview", ""
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer a reader."""
        self._answer()

    def do_HEAD(self) -> None:
        """Answer as to GET, without a body."""
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name that http.server gives it
        """Say nothing: only the command line speaks."""

    def end_headers(self) -> None:
        """End the headers with those that every answer has."""
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def _answer(self) -> None:
        if self.headers.get("Host", "") not in self.server.hosts:
            self._say(HTTPStatus.MISDIRECTED_REQUEST, "This server answers to localhost alone.")
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
            self._say(HTTPStatus.NOT_FOUND, "There is no such page.")
        else:
            self._send_file(page, HTTPStatus.NOT_FOUND)

    def _send_file(self, file: File, status: HTTPStatus = HTTPStatus.OK) -> None:
        try:
            if file.reloads:
                self._send_page(file, status)
            else:
                self._send_stored(file, status)
        except FileNotFoundError:  # the site is being built again
            self._say(HTTPStatus.NOT_FOUND, "There is no such page.")

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
        self.send_response(status)
        self._describe(tag, content_type, cache_control)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _send_stored(self, file: File, status: HTTPStatus) -> None:
        tag = _quoted(self.server.digests.of(file.path))
        if status is HTTPStatus.OK and self._is_known(tag):
            self._not_modified(tag, file.cache_control)
            return
        with file.path.open("rb") as content:
            size = os.fstat(content.fileno()).st_size
            part = self._wanted(size, tag) if status is HTTPStatus.OK else None
            if part == UNSATISFIABLE:
                self._say(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "", ("Content-Range", f"bytes */{size}"))
                return
            start, end = part or (0, size)
            self.send_response(HTTPStatus.PARTIAL_CONTENT if part else status)
            self._describe(tag, file.content_type, file.cache_control)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(end - start))
            if part:
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
            self.end_headers()
            if self.command != "HEAD":
                _copy(content, self.wfile, start, end)

    def _describe(self, tag: str, content_type: str, cache_control: str) -> None:
        self.send_header("Content-Type", content_type)
        self.send_header("Cache-Control", cache_control)
        self.send_header("ETag", tag)

    def _not_modified(self, tag: str, cache_control: str) -> None:
        self.send_response(HTTPStatus.NOT_MODIFIED)
        self.send_header("Cache-Control", cache_control)
        self.send_header("ETag", tag)
        self.end_headers()

    def _is_known(self, tag: str) -> bool:
        known = [each.strip().removeprefix("W/") for each in self.headers.get("If-None-Match", "").split(",")]
        return tag in known or known == ["*"]

    def _wanted(self, size: int, tag: str) -> tuple[int, int] | None:
        if self.command != "GET" or self.headers.get("If-Range", tag) != tag:
            return None
        return byte_range(self.headers.get("Range", ""), size)

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
        self._say(HTTPStatus.FOUND, "", ("Location", location))

    def _say(self, status: HTTPStatus, text: str, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", TYPES["txt"])
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text.encode())


def _copy(content: BinaryIO, target: BufferedIOBase, start: int, end: int) -> None:
    content.seek(start)
    while start < end and (chunk := content.read(min(_CHUNK_BYTES, end - start))):
        target.write(chunk)
        start += len(chunk)


def _quoted(sha256: str) -> str:
    return f'"{sha256}"'
