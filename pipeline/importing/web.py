"""An address enters, what it holds leaves: whole for what is small, to a resumable file for sound; urllib lives here.

Only http and https are spoken, no user name, password or cookie is ever sent, and what the public web names must lie on
the public web.
"""

import http.client
import ipaddress
import os
import socket
import ssl
import threading
import time
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from pipeline.errors import IngestError
from pipeline.importing.parts import (
    CHUNK_BYTES,
    Downloaded,
    NoSuchPartError,
    Part,
    PassingError,
    length,
    refuse_shorter,
)

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 10
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
UNSATISFIABLE = 416
MAX_ADDRESS = 4_096
TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")  # an IPv4 address stands at its end (RFC 6052)
Value = TypeVar("Value")

_SAFE = "/:@!$&'()*+,;=~-._%?"
_REASONS = {
    401: "asks for a user name and password",
    403: "is not open to us (403)",
    404: "is not there (404)",
    410: "is gone (410)",
    429: "is asked too often (429)",
}


class StoppedError(Exception):
    """The person has interrupted: nothing is wrong."""


class _TooLargeError(IngestError):
    """More than may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long an answer may take. tries: for one file without progress; retries: in all for one import."""

    timeout_s: float = 30.0
    deadline_s: float = 180.0
    tries: int = 5
    retries: int = 100
    pause_s: float = 1.0
    longest_pause_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an address holds; url: where it was in the end."""

    data: bytes
    url: str


def is_web_address(text: str) -> bool:
    """Say whether a text is an http or https address with a host, and neither user name nor password."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    fits = len(text) <= MAX_ADDRESS and text.isprintable() and " " not in text and port != 0
    return fits and parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc


def shown(url: str) -> str:
    """Return an address as messages may show it: without what may be secret, its query and user name."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:200]


class Web:
    """The web as one import sees it; may be used by several threads."""

    def __init__(
        self, *, agent: str, near: bool = False, patience: Patience | None = None, stop: threading.Event | None = None
    ) -> None:
        """Prepare to ask.

        Args:
            agent: the User-Agent.
            near: whether addresses inside this network may be asked too (the feed itself lies there).
            patience: how long to wait and how often to try.
            stop: ends every wait when set.
        """
        self.agent, self.near = agent, near
        self.patience = patience or Patience()
        self.stop = stop or threading.Event()
        self._retries = self.patience.retries
        self._lock = threading.Lock()
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler,
            urllib.request.HTTPHandler,
            urllib.request.HTTPSHandler,
            urllib.request.HTTPErrorProcessor,
            urllib.request.HTTPDefaultErrorHandler,
        ):
            self._opener.add_handler(handler())

    def fetch(self, url: str, *, limit: int, accept: str = "*/*") -> Answer:
        """Fetch something small, whole.

        Args:
            url: an http or https address.
            limit: the most bytes it may have.
            accept: the media types wanted.

        Raises:
            IngestError: it cannot be had, or is larger.
            StoppedError: `stop` was set.
        """
        return self._patiently(url, lambda: self._fetch(url, limit, accept), lambda: 0)

    def download(self, url: str, part: Path, *, limit: int, progress: Callable[[int], None]) -> Downloaded:
        """Download to a file, going on where an earlier download of the same address ended.

        Args:
            url: an http or https address.
            part: the file; what is needed to go on is kept beside it, with `.json` added to its name.
            limit: the most bytes it may have.
            progress: called with the bytes that are there.

        Raises:
            IngestError: it cannot be had, is larger, or cannot be written; what has arrived stays.
            StoppedError: `stop` was set; what has arrived stays.
        """
        task = Part(url, part, limit, progress)
        return self._patiently(url, lambda: self._download(task), lambda: task.size)

    def _patiently(self, url: str, act: Callable[[], Value], reached: Callable[[], int]) -> Value:
        failures, before = 0, reached()
        while True:
            try:
                return act()
            except PassingError as error:
                failures = 1 if reached() > before else failures + 1
                before = max(before, reached())
                if failures >= self.patience.tries or not self._may_retry():
                    hint = "Run the same command again later: it goes on where it was."
                    raise IngestError(str(error), source=shown(url), hint=hint) from error
                pause_s = max(error.pause_s, self.patience.pause_s * 2 ** (failures - 1))
                if self.stop.wait(min(pause_s, self.patience.longest_pause_s)):
                    raise StoppedError from error

    def _may_retry(self) -> bool:
        with self._lock:
            self._retries -= 1
            return self._retries >= 0

    def _fetch(self, url: str, limit: int, accept: str) -> Answer:
        deadline = time.monotonic() + self.patience.deadline_s
        with self._open(url, {"Accept": accept}) as (response, final), _mapped(url):
            data = bytearray()
            self._refuse_larger(url, length(response) or 0, limit)
            while chunk := response.read1(CHUNK_BYTES):
                data += chunk
                self._refuse_larger(url, len(data), limit)
                if time.monotonic() > deadline:
                    raise PassingError("takes too long to arrive")
                if self.stop.is_set():
                    raise StoppedError
            refuse_shorter(len(data), length(response))
            if response.headers.get("Content-Encoding", "").lower() == "gzip":
                return Answer(data=self._unpacked(url, bytes(data), limit), url=final)
            return Answer(data=bytes(data), url=final)

    def _unpacked(self, url: str, data: bytes, limit: int) -> bytes:
        try:
            unpacked = zlib.decompressobj(wbits=31).decompress(data, limit + 1)
        except zlib.error as error:
            raise IngestError("is damaged on its way", source=shown(url), hint="Try again later.") from error
        self._refuse_larger(url, len(unpacked), limit)
        return unpacked

    def _download(self, task: Part) -> Downloaded:
        with task.guarded():
            headers = task.begin()
        if not task.is_whole:
            try:
                self._receive(task, headers)
            except (NoSuchPartError, _TooLargeError):
                task.discard()
                raise
        with task.guarded():
            return task.downloaded()

    def _receive(self, task: Part, headers: dict[str, str]) -> None:
        with self._open(task.url, headers) as (response, _final), _mapped(task.url):
            self._refuse_larger(task.url, length(response) or 0, task.limit)
            with task.guarded():
                file = task.open(response)
            with task.guarded(), file:
                for chunk in _chunks(response, task.url):
                    self._refuse_larger(task.url, task.size + len(chunk), task.limit)
                    task.write(file, chunk)
                    if self.stop.is_set():
                        raise StoppedError
                os.fsync(file.fileno())
            refuse_shorter(task.size, task.total)

    @contextmanager
    def _open(self, url: str, headers: dict[str, str]) -> Iterator[tuple[Any, str]]:
        """Open an address, following its redirects one by one, each looked at first."""
        known = {"User-Agent": self.agent, "Accept-Encoding": "identity", **headers}
        address = url
        for _ in range(MAX_REDIRECTS + 1):
            with _mapped(address):
                following, response = self._ask(self._allowed(address, url), known)
            if following is None:
                with response:
                    yield response, address
                return
            address = following
        hint = "Tell the podcast's host; the address leads nowhere."
        raise IngestError("redirects again and again", source=shown(url), hint=hint)

    def _ask(self, url: str, headers: dict[str, str]) -> tuple[str | None, Any]:
        if self.stop.is_set():
            raise StoppedError
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - _allowed lets only http and https through
        try:
            return None, self._opener.open(request, timeout=self.patience.timeout_s)
        except HTTPError as error:
            location = error.headers.get("Location")
            if error.code in REDIRECTS and location:
                error.close()
                return urljoin(url, location), None
            raise

    def _allowed(self, address: str, asked: str) -> str:
        parts = urlsplit(address.strip())
        host = parts.hostname or ""
        url = urlunsplit(
            parts._replace(path=quote(parts.path, safe=_SAFE), query=quote(parts.query, safe=_SAFE), fragment="")
        )
        if not host.isascii():
            url = url.replace(parts.netloc, parts.netloc.encode("idna").decode("ascii"), 1)
        if not is_web_address(url):
            hint = "Only http and https addresses without user name and password are fetched."
            raise IngestError("leads to an address that is not fetched", source=shown(asked), hint=hint)
        if not self.near and is_near(host):
            hint = "What a feed on the web names must lie on the web; import a feed of your own network by its address."
            raise IngestError("leads to an address inside this computer's network", source=shown(asked), hint=hint)
        return url

    def _refuse_larger(self, url: str, size: int, limit: int) -> None:
        if size > limit:
            hint = "Check that this is the right address."
            raise _TooLargeError(f"is larger than {limit // 1_000_000:,} MB", source=shown(url), hint=hint)


def _chunks(response: Any, url: str) -> Iterator[bytes]:
    # Mapped here, so that a broken connection is not taken for a full disk.
    while True:
        with _mapped(url):
            chunk = response.read1(CHUNK_BYTES)
        if not chunk:
            return
        yield chunk


def is_near(host: str) -> bool:
    """Say whether a host lies on this computer or in its network."""
    try:
        found = [ipaddress.ip_address(host)]
    except ValueError:
        try:
            found = [ipaddress.ip_address(row[4][0]) for row in socket.getaddrinfo(host, None)]
        except (OSError, ValueError):  # the asking itself will say that there is no such host
            return False
    return any(_is_inside(address) for address in found)


def _is_inside(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        within = address.ipv4_mapped or address.sixtofour
        if within is None and address in TRANSLATED:
            within = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if within is not None:
            return _is_inside(within)
        if address.is_site_local:
            return True
    return not address.is_global or address.is_multicast or address.is_reserved


@contextmanager
def _mapped(url: str) -> Iterator[None]:
    try:
        yield
    except HTTPError as error:
        with error:
            pause = error.headers.get("Retry-After") or ""
            message = _REASONS.get(error.code, f"cannot be had: the server answers {error.code}")
            if error.code == UNSATISFIABLE:
                raise NoSuchPartError("has not the part it was asked for") from error
            if error.code in PASSING:
                raise PassingError(message, float(pause) if pause.isascii() and pause.isdigit() else 0.0) from error
            hint = "Open the address in a browser; if it is not there either, ask the podcast's host."
            raise IngestError(message, source=shown(url), hint=hint) from error
    except TimeoutError as error:
        raise PassingError("does not answer in time") from error
    except (URLError, http.client.HTTPException, OSError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        if isinstance(reason, TimeoutError):
            raise PassingError("does not answer in time") from error
        if isinstance(reason, ssl.SSLCertVerificationError):
            hint = "Ask the podcast's host, or your IT department where they look into secure connections."
            raise IngestError("has a certificate that is not trusted", source=shown(url), hint=hint) from error
        raise PassingError(
            f"cannot be reached: {getattr(reason, 'strerror', None) or type(reason).__name__}"
        ) from error
    except (ValueError, UnicodeError) as error:
        hint = "Correct the address."
        raise IngestError("is not an address", source=shown(url), hint=hint) from error
