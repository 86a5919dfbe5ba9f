"""Requests of one browser -> the page, its sound and its words; every other request is refused with a sentence.

Who may ask: the address with the one-time token gives one browser a cookie, and stops working. Every other request
must carry that cookie, call this machine by its own name, and not come from a page of another address; one that
writes must also name this page as its origin and carry a key that only this page can read.
"""

import hmac
import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pipeline.errors import MediaError, WordsError
from pipeline.localhost import HOST, LocalHandler, LocalServer
from pipeline.proof import paper as papers
from pipeline.proof.paper import Paper
from pipeline.proof.saving import ChangedError, Saved, save
from pipeline.proof.wishes import read_wish

OPEN_PATH, SOUND_PATH = "/open", "/sound.mp3"
KEY_HEADER = "X-Proof-Key"
MOST_BYTES = 24_000_000  # of what a page may send
_STATIC = Path(__file__).parent.parent / "static"
_JAVASCRIPT, _CSS, _SVG = "text/javascript; charset=utf-8", "text/css; charset=utf-8", "image/svg+xml"
_FILES = {
    "/": ("proof.html", "text/html; charset=utf-8"),
    "/icon.svg": ("icon.svg", _SVG),
    "/nhsuk.css": ("nhsuk/nhsuk.css", _CSS),
    "/proof.css": ("proof.css", _CSS),
    **{f"/{name}.js": (f"{name}.js", _JAVASCRIPT) for name in ("proof", "proof-chapters", "proof-cues", "proof-sound")},
    **{
        f"/images/nhsuk-icon-{name}.svg": (f"nhsuk/images/nhsuk-icon-{name}.svg", _SVG)
        for name in ("arrow-down", "arrow-up-down", "arrow-up", "cross")
    },
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_GUARDS = (
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)
_ELSEWHERE = "This server answers to 127.0.0.1 and localhost alone."
_USED = (
    "This address works once, and has been used. If the page is open, go on there; "
    "otherwise end cln-media with Ctrl-C and run the same command again for a new address."
)
_UNKNOWN = "This page is for the browser that opened the address which cln-media printed. Open that address first."
_ADMITTED = b"""<!DOCTYPE html>
<html lang="en-GB"><meta charset="utf-8"><title>Correct the words</title>
<link rel="icon" type="image/svg+xml" href="/icon.svg"><meta http-equiv="refresh" content="0; url=/">
<p><a href="/">Go on to the page</a></p></html>
"""
_FOREIGN = "Only the page itself may do this."


@dataclass(slots=True)
class Admission:
    """Who may ask. token: good for one browser, once; cookie: what it has afterwards; key: what its page knows."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    key: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    is_used: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def admit(self, token: str) -> bool:
        """Say whether a token is the one, for the first time."""
        with self.lock:
            if self.is_used or not _same(token, self.token):
                return False
            self.is_used = True
            return True


class Server(LocalServer):
    """A server of one episode's words on this machine."""

    def __init__(self, paper: Paper, port: int) -> None:
        self.paper = paper
        self.admission = Admission()
        self.writing = threading.Lock()
        self._looked: tuple[str, list[tuple[int, int, int, str]]] = ("", [])
        super().__init__(port, _Handler, (HOST, "localhost"))
        self.address = f"http://{HOST}:{self.server_port}{OPEN_PATH}?token={self.admission.token}"
        self.cookie_name = f"cln-proof-{self.server_port}"  # browsers send cookies to every port of a host
        self.origins = {f"http://{name}" for name in self.hosts}

    def finish(self) -> None:
        """Wait until what is being written is on disk; nothing more is written afterwards."""
        self.writing.acquire()

    def found(self) -> list[tuple[int, int, int, str]]:
        """Look for what could identify a patient, once for each version of the transcript."""
        version = papers.transcript_file(self.paper.folder).version
        if version != self._looked[0]:
            self._looked = (version, papers.found(self.paper))
        return self._looked[1]


class _Handler(LocalHandler):
    server: Server
    server_version = "proof"

    def answer(self) -> None:
        """Answer a reader."""
        target = urlsplit("//h" + self.path if self.path.startswith("/") else "//h")
        if not self.is_called_by_its_name():
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, _ELSEWHERE)
        elif target.path == OPEN_PATH:
            self._open(target.query)
        elif self._is_admitted():
            self._answer_path(target.path)

    def do_POST(self) -> None:  # noqa: N802  the name that http.server gives it
        """Write what was corrected."""
        if not self.is_called_by_its_name():
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, _ELSEWHERE)
        elif self._is_admitted() and self._is_our_page():
            if self.path != "/save":
                self._refuse(HTTPStatus.NOT_FOUND, "There is nothing to write here.")
            elif (data := self._body()) is not None:
                self._save(data)

    def end_headers(self) -> None:
        """End the headers with those that every answer has."""
        for name, value in _GUARDS:
            self.send_header(name, value)
        super().end_headers()

    def _open(self, query: str) -> None:
        if self.command != "GET":
            self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, "Open this address in a browser.")
        elif not self.server.admission.admit("".join(parse_qs(query).get("token", [])[:1])):
            self._refuse(HTTPStatus.FORBIDDEN, _USED)
        else:
            cookie = f"{self.server.cookie_name}={self.server.admission.cookie}; Path=/; HttpOnly; SameSite=Strict"
            # Not a redirect: where a page of another site has led here, the cookie would not be sent along with it.
            self.send_whole(_ADMITTED, [("Content-Type", "text/html; charset=utf-8"), ("Set-Cookie", cookie)])

    def _is_admitted(self) -> bool:
        site = self.headers.get("Sec-Fetch-Site", "same-origin")
        if site not in {"same-origin", "none"}:  # what another page asks for, also one of another port of this machine
            self._refuse(HTTPStatus.FORBIDDEN, _FOREIGN)
            return False
        pairs = (pair.strip().partition("=") for pair in ";".join(self.headers.get_all("Cookie") or ()).split(";"))
        given = [value for name, _, value in pairs if name == self.server.cookie_name]
        if not any(_same(value, self.server.admission.cookie) for value in given):
            self._refuse(HTTPStatus.FORBIDDEN, _UNKNOWN)
            return False
        return True

    def _is_our_page(self) -> bool:
        origin, host = self.headers.get("Origin", ""), self.headers.get("Host", "")
        is_ours = origin in self.server.origins and origin == f"http://{host}"
        if not is_ours or not _same(self.headers.get(KEY_HEADER, ""), self.server.admission.key):
            self._refuse(HTTPStatus.FORBIDDEN, _FOREIGN)
            return False
        if self.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
            self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Only JSON is read here.")
            return False
        return True

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if "Transfer-Encoding" in self.headers or not length.isascii() or not length.isdigit():
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "The page did not say how much it sends.")
        elif len(length) > len(str(MOST_BYTES)) or int(length) > MOST_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"More than {MOST_BYTES:,} bytes are not read here.")
        else:
            data = self.rfile.read(int(length))
            if len(data) == int(length):
                return data
            self.close_connection = True  # the browser went away in the middle
        return None

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        if self.command == "POST":  # what it sends is not read, and must not be taken for its next request
            self.say(status, text, ("Connection", "close"))
        else:
            self.say(status, text)

    def _answer_path(self, path: str) -> None:
        actions: dict[str, Callable[[], object]] = {
            "/words.json": lambda: {**papers.shown(self.server.paper), "key": self.server.admission.key},
            "/findings.json": self.server.found,
            "/versions.json": lambda: papers.versions(self.server.paper),
        }
        if path in actions:
            self._tell(actions[path])
        elif path in _FILES:
            name, content_type = _FILES[path]
            self.send_whole((_STATIC / name).read_bytes(), [("Content-Type", content_type)])
        elif path == SOUND_PATH and self.server.paper.sound is not None:
            self._send_sound(self.server.paper.sound)
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "There is no such page.")

    def _send_sound(self, path: Path) -> None:
        try:
            status = path.stat()
            tag = f'"{status.st_size:x}-{status.st_mtime_ns:x}"'
            self.send_stored(path, tag, [("Content-Type", "audio/mpeg"), ("ETag", tag)])
        except FileNotFoundError:
            text = "The sound is not there any more. End cln-media with Ctrl-C and run the same command again."
            self._refuse(HTTPStatus.NOT_FOUND, text)

    def _tell(self, gather: Callable[[], object]) -> None:
        try:
            value = gather()
        except (MediaError, OSError) as error:
            self._send_json({"message": _sentence(self.server.paper, error)}, HTTPStatus.UNPROCESSABLE_ENTITY)
        else:
            self._send_json(value)

    def _save(self, data: bytes) -> None:
        paper, saved = self.server.paper, Saved()
        status, message = HTTPStatus.OK, ""
        with self.server.writing:
            try:
                save(paper, read_wish(data), saved)
            except ChangedError as error:
                status, message = HTTPStatus.CONFLICT, _sentence(paper, error)
            except (MediaError, OSError) as error:
                status, message = HTTPStatus.UNPROCESSABLE_ENTITY, _sentence(paper, error)
            answer: dict[str, Any] = {"message": message, "saved": saved.parts, "said": saved.said}
            try:
                answer |= {"versions": papers.versions(paper)}
                answer |= {"words": papers.shown(paper)} if status is HTTPStatus.OK else {}
            except (MediaError, OSError) as error:
                answer["message"] = message or _sentence(paper, error)
        self._send_json(answer, status)

    def _send_json(self, value: object, status: HTTPStatus = HTTPStatus.OK) -> None:
        data = json.dumps(value, ensure_ascii=False).encode(errors="replace")
        self.send_whole(data, [("Content-Type", "application/json; charset=utf-8")], status=status)


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), wanted.encode())


def _sentence(paper: Paper, error: MediaError | OSError) -> str:
    if isinstance(error, OSError):  # such as a folder that was closed meanwhile
        hint = "Check the rights of that folder; nothing is gone from this page."
        error = WordsError(f"cannot be read: {error.strerror}", source=paper.folder, hint=hint)
    source = error.source
    if isinstance(source, Path) and source.is_relative_to(paper.folder.parent):
        source = source.relative_to(paper.folder.parent).as_posix()
    hint = f" {error.hint[:1].upper()}{error.hint[1:].rstrip('.')}." if error.hint else ""
    said = f"{source}: {error.message}" if source is not None else error.message[:1].upper() + error.message[1:]
    return f"{said}.{hint}"
