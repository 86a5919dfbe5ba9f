"""A server that only this machine can reach, and files sent with byte ranges: what `preview` and `proof` share.

http.server lives here. The standard library's server is enough for one person's eyes, and adds no dependency.
"""

import errno
import os
import re
import socketserver
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO, TypeVar

from pipeline.errors import PreviewError

HOST = "127.0.0.1"
TICK_SECONDS = 0.1  # on Windows, a wait without an end cannot be interrupted
UNSATISFIABLE = (0, 0)
PLAIN_TEXT = "text/plain; charset=utf-8"

_HTTP_PORT = 80
_IDLE_SECONDS = 60.0
_CHUNK_BYTES = 1 << 16
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class LocalServer(ThreadingHTTPServer):
    """A server at a port of 127.0.0.1. hosts: the names, with the port, that a browser may call it by."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    is_closed = False
    allow_reuse_address = os.name != "nt"  # on Windows, reuse would let two servers share one port

    def __init__(self, port: int, handler: "type[LocalHandler]", names: tuple[str, ...]) -> None:
        super().__init__((HOST, port), handler)
        port_in_host = "" if self.server_port == _HTTP_PORT else f":{self.server_port}"
        self.hosts = {name + port_in_host for name in names}

    def server_bind(self) -> None:
        """Bind without asking the network for this machine's name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, int(self.server_address[1])

    def server_close(self) -> None:
        """Stop answering, on connections that a browser keeps too."""
        self.is_closed = True
        super().server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Pass over a browser that went away; show our own bugs."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class LocalHandler(BaseHTTPRequestHandler):
    """One connection of a browser: its requests, one after the other."""

    server: LocalServer
    protocol_version = "HTTP/1.1"
    sys_version = ""
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer a reader."""
        self.answer()

    def do_HEAD(self) -> None:
        """Answer as to GET, without a body."""
        self.answer()

    def parse_request(self) -> bool:
        """Read what is asked; nothing once the server has ended."""
        self.close_connection = True
        return not self.server.is_closed and super().parse_request()

    def answer(self) -> None:
        """Answer a request that changes nothing."""
        raise NotImplementedError

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name that http.server gives it
        """Say nothing: only the command line speaks."""

    def is_called_by_its_name(self) -> bool:
        """Say whether the browser means this machine: another name that leads here is somebody else's trick."""
        return self.headers.get("Host", "") in self.server.hosts

    def say(self, status: HTTPStatus, text: str, *headers: tuple[str, str]) -> None:
        """Answer with a sentence."""
        self.send_whole(text.encode(), (*headers, ("Content-Type", PLAIN_TEXT)), status=status)

    def send_whole(
        self, data: bytes, headers: Iterable[tuple[str, str]], *, status: HTTPStatus = HTTPStatus.OK
    ) -> None:
        """Answer with bytes."""
        self._begin(status, headers, len(data))
        if self.command != "HEAD":
            self.wfile.write(data)

    def send_stored(
        self, path: Path, tag: str, headers: Iterable[tuple[str, str]], *, status: HTTPStatus = HTTPStatus.OK
    ) -> None:
        """Answer with a file, or with the range of it that is asked for.

        Args:
            path: the file.
            tag: its ETag; a range is sent only to a browser that has another part of the same.
            headers: what else is said of it, the ETag too.
            status: of an answer with all of it; only of a 200 is a part sent.

        Raises:
            OSError: it is not there, or the browser went away.

        Source: RFC 9110, sections 13.1.5 and 14.
        """
        with path.open("rb") as content:
            size = os.fstat(content.fileno()).st_size
            part = self._wanted(size, tag) if status is HTTPStatus.OK else None
            if part == UNSATISFIABLE:
                self.say(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "", ("Content-Range", f"bytes */{size}"))
                return
            start, end = part or (0, size)
            ranged = (("Content-Range", f"bytes {start}-{end - 1}/{size}"),) if part else ()
            all_headers = (*headers, ("Accept-Ranges", "bytes"), *ranged)
            self._begin(HTTPStatus.PARTIAL_CONTENT if part else status, all_headers, end - start)
            if self.command != "HEAD":
                _copy(content, self.wfile, start, end)

    def _begin(self, status: HTTPStatus, headers: Iterable[tuple[str, str]], length: int) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def _wanted(self, size: int, tag: str) -> tuple[int, int] | None:
        if self.command != "GET" or self.headers.get("If-Range", tag) != tag:
            return None
        return byte_range(self.headers.get("Range", ""), size)


Made = TypeVar("Made", bound=LocalServer)


def opened(make: Callable[[], Made], port: int) -> Made:
    """Make a server.

    Raises:
        PreviewError: the port is taken, or cannot be used.
    """
    try:
        return make()
    except (OSError, OverflowError) as error:
        is_taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        message = f"port {port} is already in use" if is_taken else f"port {port} cannot be used"
        raise PreviewError(message, hint="choose another with --port, such as 8137") from error


@contextmanager
def answering(server: LocalServer) -> Iterator[None]:
    """Let a server answer in threads of its own until the context ends."""
    threading.Thread(target=server.serve_forever, args=(TICK_SECONDS,), daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """Read a Range header that asks for one range of bytes.

    Args:
        header: as sent; empty for none.
        size: of the whole file, in bytes.

    Returns:
        The first byte and the one after the last; (0, 0) where the file has no such bytes; None where the header
        asks for nothing that one range can answer, so that the whole file is sent.

    Source: RFC 9110, section 14.
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if first == "":
        return (max(0, size - int(last)), size) if int(last) and size else UNSATISFIABLE
    if last and int(last) < int(first):
        return None
    return (int(first), min(size, int(last) + 1 if last else size)) if int(first) < size else UNSATISFIABLE


def _copy(content: BinaryIO, target: BufferedIOBase, start: int, end: int) -> None:
    content.seek(start)
    while start < end and (chunk := content.read(min(_CHUNK_BYTES, end - start))):
        target.write(chunk)
        start += len(chunk)
