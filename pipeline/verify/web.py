"""An address -> what a web server answers there, within limits of time, size and redirects; urllib lives here."""

import contextlib
import functools
import http.client
import ipaddress
import socket
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

MOST_REDIRECTS = 5
ORIGIN = "https://player.example"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NO_BODY = frozenset({204, 304})
_AGENT = "cln-media (podcast feed check)"
_SHOWN_CHARACTERS = 200


class NoAnswerError(Exception):
    """Nothing usable came back; the message says why, in a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. `url`: where it came from in the end; `hops`: status and target of each redirect on the way.

    `body` holds at most the bytes that were asked for; `is_cut` says whether there were more.
    """

    url: str
    status: int
    headers: Message
    body: bytes
    is_cut: bool
    hops: tuple[tuple[int, str], ...]

    def header(self, name: str) -> str:
        """Return a header; empty where there is none."""
        return str(self.headers.get(name, "")).strip()

    @property
    def media_type(self) -> str:
        """The media type, without its parameters."""
        return self.header("Content-Type").partition(";")[0].strip().lower()


class Web:
    """The web as a podcast app on a listener's device sees it.

    Args:
        patience_s: the longest that one address may take, with all its redirects.
        is_local: whether addresses of this computer and of private networks may be asked: a public feed must name none.
    """

    def __init__(self, *, patience_s: float, is_local: bool) -> None:
        self._patience_s, self._is_local = patience_s, is_local

    def ask(
        self, address: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, limit_bytes: int
    ) -> Answer:
        """Ask for `address` and follow redirects.

        Raises:
            NoAnswerError: there is no answer, or none that an app would take.
        """
        url, hops, guard = address, list[tuple[int, str]](), _Guard(self._patience_s)
        with guard:
            while True:
                self._refuse(url, hops)
                answer = self._once(url, method, headers or {}, limit_bytes, guard)
                target = answer.header("Location")
                if answer.status not in _REDIRECTS or not target:
                    return Answer(**{**_fields(answer), "hops": tuple(hops)})
                url = _joined(url, target)
                hops.append((answer.status, url))

    def _refuse(self, url: str, hops: list[tuple[int, str]]) -> None:
        sent = "is sent on to" if hops else "is"
        try:
            parts = urlsplit(url)
            is_whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_whole = False
        if not is_whole:
            raise NoAnswerError(f"{sent} {shown(url)}, which no app opens")
        if is_local(url) and not self._is_local:
            raise NoAnswerError(f"{sent} {shown(url)}, which only this computer or its network reaches")
        if len(hops) > MOST_REDIRECTS:
            raise NoAnswerError(f"is sent on more than {MOST_REDIRECTS} times")

    def _once(self, url: str, method: str, headers: Mapping[str, str], limit_bytes: int, guard: "_Guard") -> Answer:
        try:
            request = urllib.request.Request(url, method=method, headers=dict(headers))  # noqa: S310  _refuse looked
            with contextlib.closing(self._open(request, guard)) as response:
                body, is_cut = _read(response, limit_bytes) if method != "HEAD" else (b"", False)
                guard.check()
                return Answer(
                    url=url, status=response.status, headers=response.headers, body=body, is_cut=is_cut, hops=()
                )
        except (OSError, http.client.HTTPException, ValueError) as error:
            guard.check()
            raise NoAnswerError(_reason(error, self._patience_s)) from error

    def _open(self, request: urllib.request.Request, guard: "_Guard") -> http.client.HTTPResponse:
        opener = urllib.request.OpenerDirector()  # with nothing in it that opens files, or raises for a status
        opener.addheaders = [("User-Agent", _AGENT)]
        opener.add_handler(urllib.request.ProxyHandler({} if is_local(request.full_url) else None))
        opener.add_handler(_PlainHandler(guard))
        opener.add_handler(_SecureHandler(guard))
        response = opener.open(request, timeout=self._patience_s)
        if not isinstance(response, http.client.HTTPResponse):
            raise http.client.InvalidURL
        return response


def is_local(url: str) -> bool:
    """Say whether an address, as it is written, is of this computer or of a private network."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".").lower()
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def shown(text: str) -> str:
    """Shorten what a stranger's server or feed says, for a message."""
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"


class _Socket(Protocol):
    def shutdown(self, how: int, /) -> None: ...


class _Guard:
    """Ends connections that outlive their time: a server that sends a byte now and then never times out by itself."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s, self._is_over = patience_s, False
        self._sockets: list[_Socket] = []
        self._timer = threading.Timer(patience_s, self._end)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def watch(self, connection: _Socket) -> None:
        """End this connection too when the time is over."""
        self._sockets.append(connection)

    def check(self) -> None:
        """Raise NoAnswerError where the time is over."""
        if self._is_over:
            raise NoAnswerError(f"does not finish its answer within {self._patience_s:g} seconds")

    def _end(self) -> None:
        self._is_over = True
        for connection in self._sockets:
            with contextlib.suppress(OSError, ValueError):  # it has ended by itself
                connection.shutdown(socket.SHUT_RDWR)


class _PlainConnection(http.client.HTTPConnection):
    def __init__(self, host: str, *, guard: _Guard, **options: Any) -> None:
        super().__init__(host, **options)
        self._guard = guard

    def connect(self) -> None:
        super().connect()
        self._guard.watch(self.sock)


class _SecureConnection(http.client.HTTPSConnection):
    def __init__(self, host: str, *, guard: _Guard, **options: Any) -> None:
        super().__init__(host, **options)
        self._guard = guard

    def connect(self) -> None:
        super().connect()
        self._guard.watch(self.sock)


class _PlainHandler(urllib.request.HTTPHandler):
    def __init__(self, guard: _Guard) -> None:
        super().__init__()
        self._guard = guard

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(functools.partial(_PlainConnection, guard=self._guard), request)


class _SecureHandler(urllib.request.HTTPSHandler):
    def __init__(self, guard: _Guard) -> None:
        super().__init__(context=_trust())
        self._guard = guard

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(functools.partial(_SecureConnection, guard=self._guard, context=_trust()), request)


@functools.cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def _read(response: http.client.HTTPResponse, limit_bytes: int) -> tuple[bytes, bool]:
    told, chunks, size = response.length, list[bytes](), 0
    while size <= limit_bytes and (chunk := response.read1(1 << 16)):
        chunks.append(chunk)
        size += len(chunk)
    body = b"".join(chunks)
    if told is not None and size < told and size <= limit_bytes and response.status not in _NO_BODY:
        raise http.client.IncompleteRead(body, told - size)
    return body[:limit_bytes], size > limit_bytes


def _fields(answer: Answer) -> dict[str, Any]:
    return {name: getattr(answer, name) for name in Answer.__slots__}


def _joined(url: str, target: str) -> str:
    try:
        return urljoin(url, target)
    except ValueError:
        return target


def _reason(error: Exception, patience_s: float) -> str:
    cause: object = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return f"does not answer within {patience_s:g} seconds"
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"has a certificate that apps refuse ({cause.verify_message})"
    for kind, reason in _REASONS:
        if isinstance(cause, kind):
            return reason
    return f"breaks off ({type(cause).__name__})"


_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (socket.gaierror, "has a host whose name is not known"),
    (ConnectionRefusedError, "has nothing that answers there"),
    (http.client.IncompleteRead, "ends its answer too early"),
    (http.client.InvalidURL, "is not an address that apps can open"),
    (ssl.SSLError, "has an encryption that apps refuse"),
    (ValueError, "is not an address that apps can open"),
    (http.client.HTTPException, "does not answer as a web server does"),
)
