"""A proxy that understands HTTP/1.1, between a client and a real server: it counts, tells, and does harm on command."""

import selectors
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import unquote, urlsplit

_CHUNK_BYTES = 1 << 18
_KEPT_IN_MEMORY_BYTES = 1 << 20
_BACKLOG = 256
_CONNECT_SECONDS = 10.0
_END_SECONDS = 5.0
_ERROR = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{}</Code><Message>made by the test</Message></Error>'


class Fault(StrEnum):
    """What is done to a request or to its answer."""

    RESET_BEFORE = "reset before"  # the client is reset before anything is passed on
    RESET_HALFWAY = "reset halfway"  # half of the request's body is passed on, then both sides are reset
    LOST_REPLY = "lost reply"  # the request is passed on, the answer read whole and thrown away, both sides reset
    SLOW_DOWN = "slow down"  # the request is read, not passed on, and answered 503 SlowDown
    INTERNAL = "internal"  # the request is read, not passed on, and answered 500 InternalError
    ERROR_IN_200 = "error in 200"  # the request is read, not passed on, and answered 200 with an InternalError inside
    TRUNCATED = "truncated"  # the answer's headers are whole, its body ends halfway, and so does the connection
    FLIPPED_UP = "flipped up"  # one bit of the request's body is flipped
    FLIPPED_DOWN = "flipped down"  # one bit of the answer's body is flipped
    STALL = "stall"  # the request is read, then nothing happens for `stall_s`, then the client is reset


_MADE_UP = {
    Fault.SLOW_DOWN: ("503 Slow Down", "SlowDown"),
    Fault.INTERNAL: ("500 Internal Server Error", "InternalError"),
    Fault.ERROR_IN_200: ("200 OK", "InternalError"),
}


class Cut(Exception):  # noqa: N818  a command, not an error
    """Raised by what watches, to have both sides of the connection reset there and then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it passes.

    number: from 1, in order of arrival. key: below the bucket, decoded, "" for the bucket itself. headers: names in
    small letters. size: bytes of the body; of a chunked one what x-amz-decoded-content-length says, otherwise 0.
    moment: "before", "in" or "after".
    """

    number: int
    verb: str
    key: str
    query: str
    headers: Mapping[str, str]
    size: int
    moment: str


class Faulty:
    """What a test sees of the requests that pass, and what it decides about them.

    requests: each once, in order of arrival. bytes_up: all that clients have sent, bytes_down: all that they were
    given, heads included. latency_s: added to each request before it is passed on. stall_s: how long a stall lasts.
    """

    def __init__(self, endpoint_url: str, server: tuple[str, int], stall_s: float) -> None:
        self.endpoint_url, self.stall_s, self.latency_s = endpoint_url, stall_s, 0.0
        self._server = server
        self._counting, self._choosing, self._holding = threading.Lock(), threading.Lock(), threading.Lock()
        self._is_over = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self.reset()

    def reset(self) -> None:
        """Forget what was counted, decided and watched."""
        with self._counting:
            self.requests: list[Request] = []
            self.bytes_up = self.bytes_down = 0
            self._choose: Callable[[Request], Fault | None] | None = None
            self._see: Callable[[Request], None] | None = None

    def decide(self, choose: Callable[[Request], Fault | None] | None) -> None:
        """Ask `choose` once for each request, one at a time, what to do to it; None lets all pass."""
        self._choose = choose

    def watch(self, see: Callable[[Request], None] | None) -> None:
        """Tell `see` of each request before it is passed on, half way up, and when the answer has been read.

        It runs in the thread of the connection, and may block or raise `Cut`. A request that is not passed on has only
        its "before". What the client has sent already arrives even if `see` kills it: raise `Cut` to stop that too.
        """
        self._see = see

    def _count(self, message: "_Message") -> Request:
        path, _, query = message.start[1].partition("?")
        values = {"verb": message.start[0], "key": unquote(path[1:].partition("/")[2]), "query": query}
        size = int(message.headers.get("x-amz-decoded-content-length", "0")) if message.size is None else message.size
        with self._counting:
            number = len(self.requests) + 1
            request = Request(**values, number=number, headers=message.headers, size=size, moment="before")
            self.requests.append(request)
        return request

    def _chosen(self, request: Request) -> Fault | None:
        with self._choosing:
            choose = self._choose
            return choose(request) if choose else None

    def _tell(self, request: Request, moment: str) -> None:
        if see := self._see:
            see(replace(request, moment=moment))

    def _carried(self, up: int, down: int) -> None:
        with self._counting:
            self.bytes_up += up
            self.bytes_down += down

    def _hold(self, end: socket.socket) -> None:
        with self._holding:
            self._sockets.add(end)
            if self._is_over.is_set():
                raise Cut

    def _let_go(self, end: socket.socket) -> None:
        with self._holding:
            self._sockets.discard(end)

    def _listen(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near = listener.accept()[0]
                thread = threading.Thread(target=self._meet, args=(near,), daemon=True)
                with self._holding:
                    self._sockets.add(near)
                    self._threads.add(thread)
                thread.start()

    def _meet(self, near: socket.socket) -> None:
        connection = _Connection(self, near)
        try:
            while connection.pass_one():
                pass
        except Cut:
            connection.break_off()
        finally:
            connection.close()
            with self._holding:
                self._threads.discard(threading.current_thread())

    def _end(self) -> None:
        self._is_over.set()
        with self._holding:
            threads = list(self._threads)
            for end in self._sockets:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        last = time.monotonic() + _END_SECONDS
        for thread in threads:
            thread.join(max(0.0, last - time.monotonic()))


@contextmanager
def before(server_url: str, *, stall_s: float = 60.0) -> Iterator[Faulty]:
    """Stand before the server at `server_url` (http only, with its port) until the context ends."""
    url = urlsplit(server_url)
    assert url.hostname, server_url
    assert url.port, server_url
    with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        proxy = Faulty(address, (url.hostname, url.port), stall_s)
        listening = threading.Thread(target=proxy._listen, args=(listener,), daemon=True)
        listening.start()
        try:
            yield proxy
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            listening.join()
            proxy._end()


class _Connection:
    """A client's connection, and the one to the server that belongs to it."""

    def __init__(self, proxy: Faulty, near: socket.socket) -> None:
        self._proxy = proxy
        self._near = _End(near, proxy._carried)
        self._far: _End | None = None

    def pass_one(self) -> bool:
        """Pass one request and its answer; False where no other follows."""
        if not self._near.fill():
            return False
        message = _Message(self._near.lines())
        if not message.is_chunked:
            message.size = message.size or 0
        request = self._proxy._count(message)
        if self._proxy.latency_s:
            self._proxy._is_over.wait(self._proxy.latency_s)
        fault = self._proxy._chosen(request)
        self._proxy._tell(request, "before")
        if fault is Fault.RESET_BEFORE:
            raise Cut
        if message.headers.get("expect", "").lower() == "100-continue":
            self._near.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if fault is Fault.STALL or fault in _MADE_UP:
            for _ in message.body(self._near):
                pass
            return self._make_up(request, fault) and not message.is_last
        self._send_up(request, message, fault)
        return self._bring_down(request, fault) and not message.is_last

    def break_off(self) -> None:
        """Have both sides reset when they are closed, rather than ended."""
        for end in filter(None, (self._near, self._far)):
            with suppress(OSError):
                end.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def close(self) -> None:
        """Close both sides."""
        self._close_far()
        self._proxy._let_go(self._near.socket)
        self._near.socket.close()

    def _make_up(self, request: Request, fault: Fault) -> bool:
        if fault is Fault.STALL:
            _can_be_read(self._near.socket, self._proxy.stall_s)  # sooner where the client or the proxy ends
            raise Cut
        status, code = _MADE_UP[fault]
        body = _ERROR.format(code).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        self._near.send(head if request.verb == "HEAD" else head + body)
        return True

    def _send_up(self, request: Request, message: "_Message", fault: Fault | None) -> None:
        far = self._connected()
        far.offer(message.head(without="expect"))
        half = -1 if message.size is None and not request.size else request.size // 2
        done, is_told = 0, False
        for piece in _split(message.body(self._near), half):
            if done == half:
                self._halfway(request, fault)
                is_told = True
            is_victim = fault is Fault.FLIPPED_UP and done == max(half, 0)
            far.offer(message.framed(_flipped(piece) if is_victim else piece))
            done += len(piece)
        if not is_told:
            self._halfway(request, fault)
        far.offer(message.ending())

    def _halfway(self, request: Request, fault: Fault | None) -> None:
        self._proxy._tell(request, "in")
        if fault is Fault.RESET_HALFWAY:
            raise Cut

    def _bring_down(self, request: Request, fault: Fault | None) -> bool:
        assert self._far is not None
        answer = _Message(self._far.lines())
        while answer.start[1].startswith("1"):
            answer = _Message(self._far.lines())
        if request.verb == "HEAD" or answer.start[1] in ("204", "304"):
            answer.size, answer.is_chunked = 0, False
        body = answer.body(self._far)
        if fault is Fault.LOST_REPLY:
            for _ in body:
                pass
            self._proxy._tell(request, "after")
            raise Cut
        if not self._proxy._see and (fault is None or answer.size is not None):
            return self._give(answer, body, answer.size, fault)
        with tempfile.SpooledTemporaryFile(_KEPT_IN_MEMORY_BYTES) as whole:
            for piece in body:
                whole.write(piece)
            size = whole.tell()
            whole.seek(0)
            self._proxy._tell(request, "after")
            return self._give(answer, iter(lambda: memoryview(whole.read(_CHUNK_BYTES)), b""), size, fault)

    def _give(self, answer: "_Message", body: Iterator[memoryview], size: int | None, fault: Fault | None) -> bool:
        self._near.send(answer.head())
        half, done = -1 if size is None else size // 2, 0
        for piece in _split(body, half):
            if fault is Fault.TRUNCATED and done == half:
                return False
            is_victim = fault is Fault.FLIPPED_DOWN and done == half
            self._near.send(answer.framed(_flipped(piece) if is_victim else piece))
            done += len(piece)
        self._near.send(answer.ending())
        return not answer.is_last and fault is not Fault.TRUNCATED

    def _connected(self) -> "_End":
        if self._far and (
            self._far.is_deaf or _can_be_read(self._far.socket, 0)
        ):  # an idle server says nothing but that it has closed
            self._close_far()
        if not self._far:
            try:
                far = socket.create_connection(self._proxy._server, _CONNECT_SECONDS)
            except OSError:
                raise Cut from None
            far.settimeout(None)
            self._far = _End(far)
            self._proxy._hold(far)
        return self._far

    def _close_far(self) -> None:
        if self._far:
            self._proxy._let_go(self._far.socket)
            self._far.socket.close()
            self._far = None


class _End:
    """One end of a connection: lines and pieces are read from it, bytes are sent to it; a broken one raises `Cut`."""

    def __init__(self, end: socket.socket, carried: Callable[[int, int], None] = lambda _in, _out: None) -> None:
        self.socket, self.is_deaf, self._carried = end, False, carried
        with suppress(OSError):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(_CHUNK_BYTES)
        self._view = memoryview(self._buffer)
        self._start = self._stop = 0

    def fill(self) -> bool:
        """Wait until there is something to read; False where the other side has ended."""
        if self._start == self._stop:
            try:
                self._start, self._stop = 0, self.socket.recv_into(self._buffer)
            except OSError:
                raise Cut from None
            self._carried(self._stop, 0)
        return self._stop > self._start

    def line(self) -> str:
        """Read a line."""
        line = b""
        while not line.endswith(b"\n"):
            if not self.fill():
                raise Cut
            stop = self._buffer.find(b"\n", self._start, self._stop) + 1 or self._stop
            line += self._buffer[self._start : stop]
            self._start = stop
        return line.decode("latin-1").rstrip("\r\n")

    def lines(self) -> list[str]:
        """Read lines up to an empty one."""
        return list(iter(self.line, ""))

    def pieces(self, size: int | None) -> Iterator[memoryview]:
        """Read so many bytes, or until the other side ends; each piece is good until the next is asked for."""
        while size is None or size > 0:
            if not self.fill():
                if size is None:
                    return
                raise Cut
            piece = self._view[self._start : self._stop][:size]
            self._start += len(piece)
            size = None if size is None else size - len(piece)
            yield piece

    def send(self, data: bytes | memoryview) -> None:
        """Send `data`."""
        try:
            self.socket.sendall(data)
        except OSError:
            raise Cut from None
        self._carried(0, len(data))

    def offer(self, data: bytes | memoryview) -> None:
        """Send `data` if the other side still listens: it may have answered already, and ended."""
        try:
            if not self.is_deaf:
                self.send(data)
        except Cut:
            self.is_deaf = True


class _Message:
    """A request or an answer: its first line and headers, and how long its body is (None: not said)."""

    def __init__(self, lines: list[str]) -> None:
        self._lines, self._trailer = lines, list[str]()
        self.start = lines[0].split(" ") if lines else []
        if len(self.start) < 2:
            raise Cut
        pairs = (line.partition(":") for line in lines[1:])
        self.headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        self.is_chunked = self.headers.get("transfer-encoding", "").lower().endswith("chunked")
        length = self.headers.get("content-length")
        self.size = None if self.is_chunked or length is None else int(length)

    @property
    def is_last(self) -> bool:
        """Whether the connection ends after it."""
        is_open = self.size is None and not self.is_chunked
        return is_open or "HTTP/1.0" in self.start or self.headers.get("connection", "").lower() == "close"

    def head(self, *, without: str = "no header at all") -> bytes:
        """Give the head as it came, but for one header."""
        kept = (line for line in self._lines if not line.lower().startswith(without + ":"))
        return ("\r\n".join(kept) + "\r\n\r\n").encode("latin-1")

    def body(self, end: _End) -> Iterator[memoryview]:
        """Read the body, without the sizes of its chunks."""
        if not self.is_chunked:
            yield from end.pieces(self.size)
            return
        while size := int(end.line().partition(";")[0], 16):
            yield from end.pieces(size)
            end.line()
        self._trailer = end.lines()

    def framed(self, piece: bytes | memoryview) -> bytes | memoryview:
        """Dress a piece of the body for sending."""
        return b"%x\r\n" % len(piece) + bytes(piece) + b"\r\n" if self.is_chunked else piece

    def ending(self) -> bytes:
        """Give what follows the body."""
        lines = ["0", *self._trailer, "", ""] if self.is_chunked else []
        return "\r\n".join(lines).encode("latin-1")


def _split(pieces: Iterator[memoryview], place: int) -> Iterator[memoryview]:
    done = 0
    for piece in pieces:
        if done < place < done + len(piece):
            yield piece[: place - done]
            yield piece[place - done :]
        else:
            yield piece
        done += len(piece)


def _flipped(piece: memoryview) -> bytes:
    return bytes([piece[0] ^ 1]) + piece[1:]


def _can_be_read(end: socket.socket, seconds: float) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(end, selectors.EVENT_READ)
        return bool(selector.select(seconds))
