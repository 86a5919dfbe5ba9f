"""A proxy that understands HTTP and does harm on command, between a client and a real object store; it counts too."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

_CHUNK_BYTES = 1 << 18
_BACKLOG = 128
_ERROR = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{}</Code><Message>made by the test</Message></Error>'


class Fault(StrEnum):
    """What is done to a request or its answer."""

    RESET_BEFORE = "reset before"
    RESET_HALFWAY = "reset halfway"
    LOST_REPLY = "lost reply"
    SLOW_DOWN = "slow down"
    INTERNAL = "internal"
    ERROR_IN_200 = "error in 200"
    TRUNCATED = "truncated"
    FLIPPED_UP = "flipped up"
    FLIPPED_DOWN = "flipped down"
    STALL = "stall"


_MADE_UP = {
    Fault.SLOW_DOWN: (503, "SlowDown"),
    Fault.INTERNAL: (500, "InternalError"),
    Fault.ERROR_IN_200: (200, "InternalError"),
}


class Cut(Exception):  # noqa: N818  no fault
    """Raised by what watches: the connection is reset there and then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it passes. number: from 1; key: below the bucket, decoded; moment: "before", "in" or "after"."""

    number: int
    verb: str
    key: str
    query: str
    headers: Mapping[str, str]
    size: int
    moment: str = "before"


class Faulty:
    """What a test sees and decides of the requests that pass."""

    def __init__(self, endpoint_url: str, stall_s: float) -> None:
        self.endpoint_url = endpoint_url
        self.stall_s = stall_s
        self.latency_s = 0.0
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self.reset()

    def reset(self) -> None:
        """Forget what was counted, decided and watched."""
        with self._lock:
            self.requests: list[Request] = []
            self._choose: Callable[[Request], Fault | None] | None = None
            self._see: Callable[[Request], None] | None = None

    def decide(self, choose: Callable[[Request], Fault | None] | None) -> None:
        """Ask `choose` once for each request what to do to it."""
        self._choose = choose

    def watch(self, see: Callable[[Request], None] | None) -> None:
        """Tell `see` of each request before it is passed on, half way, and when the server has answered."""
        self._see = see

    def seen(self, request: Request, moment: str) -> None:
        """Tell what watches."""
        if self._see:
            self._see(replace(request, moment=moment))

    def chosen(self, request: Request) -> Fault | None:
        """Ask what to do."""
        return self._choose(request) if self._choose else None

    def counted(self, verb: str, target: str, headers: Mapping[str, str], size: int) -> Request:
        """Count a request."""
        url = urlsplit(target)
        key = unquote(url.path).lstrip("/").partition("/")[2]
        with self._lock:
            number = len(self.requests) + 1
            made = Request(number=number, verb=verb, key=key, query=url.query, headers=headers, size=size)
            self.requests.append(made)
        return made

    def wait(self, seconds: float) -> None:
        """Wait, but not longer than the proxy lives."""
        if seconds:
            self._is_over.wait(seconds)

    def end(self) -> None:
        """End all waiting."""
        self._is_over.set()


@contextmanager
def before(server_url: str, *, stall_s: float = 60.0) -> Iterator[Faulty]:
    """Stand before a server until the context ends."""
    host, _, port = urlsplit(server_url).netloc.partition(":")
    listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
    proxy = Faulty(f"http://127.0.0.1:{listener.getsockname()[1]}", stall_s)
    open_ends: set[socket.socket] = set()
    threads: list[threading.Thread] = []

    def listen() -> None:
        with suppress(OSError):
            while True:
                near = listener.accept()[0]
                open_ends.add(near)
                threads.append(
                    threading.Thread(target=_serve, args=(proxy, near, (host, int(port)), open_ends), daemon=True)
                )
                threads[-1].start()

    waiting = threading.Thread(target=listen, daemon=True)
    waiting.start()
    try:
        yield proxy
    finally:
        proxy.end()
        listener.shutdown(socket.SHUT_RDWR)
        waiting.join()
        listener.close()
        for end in list(open_ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(5)


def _serve(proxy: Faulty, near: socket.socket, server: tuple[str, int], open_ends: set[socket.socket]) -> None:
    connection = _Connection(proxy, near, server, open_ends)
    try:
        while connection.pass_one():
            pass
    except (Cut, OSError, ValueError):
        with suppress(OSError):
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not an end
    finally:
        connection.close()


class _Connection:
    """One client's connection, and the one to the server that belongs to it."""

    def __init__(
        self, proxy: Faulty, near: socket.socket, server: tuple[str, int], open_ends: set[socket.socket]
    ) -> None:
        self._proxy, self._near, self._server, self._open_ends = proxy, near, server, open_ends
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._from_near: BinaryIO = near.makefile("rb")
        self._far: socket.socket | None = None
        self._from_far: BinaryIO | None = None

    def close(self) -> None:
        self._close_far()
        self._from_near.close()
        self._open_ends.discard(self._near)
        self._near.close()

    def pass_one(self) -> bool:
        """Pass one request and its answer; False where the client has gone."""
        head = _read_head(self._from_near)
        if not head:
            return False
        verb, target = head[0].split(" ")[:2]
        headers = _headers(head)
        size = int(headers.get("content-length", "0"))
        request = self._proxy.counted(verb, target, headers, size)
        self._proxy.wait(self._proxy.latency_s)
        fault = self._proxy.chosen(request)
        self._proxy.seen(request, "before")
        if fault is Fault.RESET_BEFORE:
            raise Cut
        if headers.get("expect", "").lower() == "100-continue":
            self._near.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if fault in _MADE_UP:
            self._drop(size, headers)
            self._near.sendall(_made_up(*_MADE_UP[fault]))
            return True
        if fault is Fault.STALL:
            self._drop(size, headers)
            self._proxy.wait(self._proxy.stall_s)
            raise Cut
        self._send_up(request, head, headers, fault)
        return self._bring_down(request, fault)

    def _send_up(self, request: Request, head: list[str], headers: Mapping[str, str], fault: Fault | None) -> None:
        far = self._connected()
        kept = [line for line in head if not line.lower().startswith("expect:")]
        far.sendall(("\r\n".join(kept) + "\r\n\r\n").encode("latin-1"))
        if headers.get("transfer-encoding", "").lower() == "chunked":
            for data in _chunked(self._from_near):
                far.sendall(data)
            self._proxy.seen(request, "in")
            return
        half, done, is_told = request.size // 2, 0, False
        while done < request.size:
            limit = half if done < half else request.size
            data = self._from_near.read(min(_CHUNK_BYTES, limit - done))
            if not data:
                raise Cut
            if fault is Fault.FLIPPED_UP and done <= half < done + len(data):
                data = _flipped(data, half - done)
            far.sendall(data)
            done += len(data)
            if done >= half and not is_told:
                is_told = True
                self._proxy.seen(request, "in")
                if fault is Fault.RESET_HALFWAY:
                    raise Cut
        if not is_told:
            self._proxy.seen(request, "in")
            if fault is Fault.RESET_HALFWAY:
                raise Cut

    def _bring_down(self, request: Request, fault: Fault | None) -> bool:
        assert self._from_far is not None
        head = _read_head(self._from_far)
        while head and head[0].split(" ")[1] == "100":
            head = _read_head(self._from_far)
        if not head:
            raise Cut
        headers, status = _headers(head), int(head[0].split(" ")[1])
        has_body = request.verb != "HEAD" and status not in (204, 304)
        chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        body = _body(self._from_far, headers, chunked=chunked) if has_body else iter(())
        if self._proxy._see or fault in (Fault.LOST_REPLY, Fault.TRUNCATED, Fault.FLIPPED_DOWN):
            whole = b"".join(body)
            self._proxy.seen(request, "after")
            if fault is Fault.LOST_REPLY:
                raise Cut
            if fault is Fault.FLIPPED_DOWN and whole and not chunked:
                whole = _flipped(whole, len(whole) // 2)
            if fault is Fault.TRUNCATED:
                self._near.sendall(("\r\n".join(head) + "\r\n\r\n").encode("latin-1") + whole[: len(whole) // 2])
                return False
            body = iter((whole,))
        self._near.sendall(("\r\n".join(head) + "\r\n\r\n").encode("latin-1"))
        for data in body:
            self._near.sendall(data)
        if headers.get("connection", "").lower() == "close":
            self._close_far()
            return False
        return True

    def _drop(self, size: int, headers: Mapping[str, str]) -> None:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            for _ in _chunked(self._from_near):
                pass
        while size > 0:
            data = self._from_near.read(min(_CHUNK_BYTES, size))
            if not data:
                raise Cut
            size -= len(data)

    def _connected(self) -> socket.socket:
        if self._far is None:
            self._far = socket.create_connection(self._server)
            self._far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open_ends.add(self._far)
            self._from_far = self._far.makefile("rb")
        return self._far

    def _close_far(self) -> None:
        if self._far is not None:
            assert self._from_far is not None
            self._from_far.close()
            self._open_ends.discard(self._far)
            self._far.close()
            self._far = self._from_far = None


def _read_head(file: BinaryIO) -> list[str]:
    lines: list[str] = []
    while line := file.readline(65_536):
        text = line.decode("latin-1").rstrip("\r\n")
        if not text:
            if lines:
                return lines
            continue  # an empty line before a request
        lines.append(text)
    return []


def _headers(head: list[str]) -> dict[str, str]:
    pairs = (line.partition(":") for line in head[1:])
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _body(file: BinaryIO, headers: Mapping[str, str], *, chunked: bool) -> Iterator[bytes]:
    if chunked:
        yield from _chunked(file)
        return
    left = int(headers.get("content-length", "0"))
    while left > 0:
        data = file.read(min(_CHUNK_BYTES, left))
        if not data:
            raise Cut
        left -= len(data)
        yield data


def _chunked(file: BinaryIO) -> Iterator[bytes]:
    """Pass chunks on as they are, with their sizes and what follows the last."""
    while True:
        line = file.readline(1_000)
        size = int(line.split(b";")[0], 16)
        yield line
        if size == 0:
            while (rest := file.readline(65_536)) not in (b"\r\n", b""):
                yield rest
            yield b"\r\n"
            return
        yield file.read(size + 2)


def _flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def _made_up(status: int, code: str) -> bytes:
    body = _ERROR.format(code).encode()
    head = f"HTTP/1.1 {status} Made Up\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
