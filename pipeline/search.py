"""What can be found of episodes in, the index that a browser searches out, as files; Pagefind's program is run here.

The program is spoken to by messages on its standard input and output, one page after the other in one order: handed a
folder, it reads files as the disk lists them, and makes another index of the same pages on another computer. Its own
interfaces are left out, and so are its filters, which it writes in an order that changes from run to run.
"""

import base64
import html
import json
import re
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Self

from pipeline.errors import SearchError
from pipeline.model import Findable

_ENTRY = "pagefind-entry.json"
_FRAGMENTS, _PARTS = "fragment/", ("fragment/", "index/")
_SIGNATURE_BYTES, _HEAD_BYTES = 12, 4096
_READ_BYTES = 65_536
_HINT = "Install cln-media again, or set search = false under [site] in cln_media.toml."
_ITS_OWN_MARKS = re.compile("_{3,}")  # Pagefind marks fragments and weights in the text itself, between underscores


def recipe() -> list[str]:
    """Say what, besides the pages, decides the index: versions, for the key of a cache."""
    try:
        return ["1", metadata.version("pagefind-bin")]
    except metadata.PackageNotFoundError:
        return ["1", ""]


def index(
    pages: Mapping[str, Callable[[], Findable]], folder: Path, *, language: str, program: Path | None = None
) -> dict[str, list[str]]:
    """Write the index of some pages; the same pages give the same bytes, in whatever order they come.

    Args:
        pages: by path, what gathers all that can be found of a page; at least one; called while others are indexed.
        folder: where the index is written; it is made, or empty.
        language: of the words, as a BCP 47 tag; pages that search must bear the same in `<html lang>`.
        program: Pagefind's program, None for the installed one.

    Returns:
        By region ("" for none), the identifiers that Pagefind gave to its pages, ascending.

    Raises:
        SearchError: the program is missing, refuses or ends before it is done, or the folder cannot be written.
    """
    regions: dict[str, str] = {}

    def documents() -> Iterator[tuple[str, str]]:
        for path in sorted(pages):
            page = pages[path]()
            regions[f"/{path}"] = page.region or ""
            yield f"/{path}", _document(page, language)

    files = _made(documents(), program or _program())
    try:
        for name in _needed(files):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(files[name])
    except OSError as error:
        message = f"the search index cannot be written: {error.strerror}"
        raise SearchError(message, source=folder, hint="Check the free space and the rights of that folder.") from error
    return _by_region(files, regions)


def _made(documents: Iterable[tuple[str, str]], program: Path) -> dict[str, bytes]:
    with _Pagefind(program) as pagefind:
        number = pagefind.ask({"type": "NewIndex", "config": None})["index_id"]
        pagefind.ask_each(
            {"type": "AddFile", "index_id": number, "url": url, "file_contents": text} for url, text in documents
        )
        # Its own writing of files is not done when it says so: some are empty, or not there, for a moment or for ever.
        answer = pagefind.ask({"type": "GetFiles", "index_id": number})
    return {file["path"]: base64.b64decode(file["content"]) for file in answer["files"]}


def _program() -> Path:
    try:
        import pagefind_bin  # noqa: PLC0415  # present on the systems that Pagefind is built for

        return Path(pagefind_bin.get_executable())
    except (ImportError, FileNotFoundError) as error:
        raise SearchError("Pagefind's program, which makes the search index, is missing", hint=_HINT) from error


def _document(page: Findable, language: str) -> str:
    """Write a page as Pagefind is to see it: a mark before each passage; one around it would store its words twice."""
    lines = "".join(f"<p>{_mark(passage.anchor)}{_text(passage.text)}</p>\n" for passage in page.passages)
    about = {"facts": page.facts, "language": page.language or ""}
    meta = "".join(
        f'<i data-pagefind-meta="{name}[title]" title="{html.escape(_plain(value))}"></i>'
        for name, value in about.items()
        if value
    )
    return (
        f'<!DOCTYPE html><html lang="{html.escape(language)}"><head><title>Page</title></head>'
        f"<body>{meta}<h1>{_text(page.title)}</h1>\n{lines}</body></html>"
    )


def _mark(anchor: str) -> str:
    return f'<i id="{html.escape(anchor)}"></i>' if anchor else ""


def _text(words: str) -> str:
    return html.escape(_plain(words), quote=False)


def _plain(words: str) -> str:
    return _ITS_OWN_MARKS.sub("__", words)


def _needed(files: Mapping[str, bytes]) -> Iterator[str]:
    """Name what a page of ours asks for: no interface of Pagefind's, no worker, no stemmer of another language."""
    yield from (_ENTRY, "pagefind.js")
    for entry in json.loads(files[_ENTRY])["languages"].values():
        yield from (f"pagefind.{entry['hash']}.pf_meta", f"wasm.{entry['wasm'] or 'unknown'}.pagefind")
    yield from (name for name in files if name.startswith(_PARTS))


def _by_region(files: Mapping[str, bytes], regions: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, data in files.items():
        if name.startswith(_FRAGMENTS):
            found.setdefault(regions[_url(data)], []).append(PurePosixPath(name).stem)
    return {region: sorted(names) for region, names in sorted(found.items())}


def _url(fragment: bytes) -> str:
    """Read of a compressed fragment only what it begins with."""
    head = zlib.decompressobj(wbits=31).decompress(fragment, _HEAD_BYTES)[_SIGNATURE_BYTES:].decode("utf-8", "ignore")
    return str(json.JSONDecoder().raw_decode(head, len('{"url":'))[0])


class _Pagefind:
    """The running program: a question is answered, or an error says why not."""

    def __init__(self, program: Path) -> None:
        self._program = program
        self._questions = 0
        self._unread = bytearray()

    def __enter__(self) -> Self:
        self._said = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                [self._program, "--service"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said
            )
        except OSError as error:
            self._said.close()
            message = f"Pagefind's program cannot be run ({error.strerror})"
            raise SearchError(message, source=self._program, hint=_HINT) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._said.close()

    def ask(self, payload: dict[str, Any]) -> dict[str, Any]:
        self._send(payload)
        return self._answer()

    def ask_each(self, payloads: Iterable[dict[str, Any]]) -> None:
        """Ask one question after the other; the next is made while the program is busy with the last."""
        is_waiting = False
        for payload in payloads:
            self._send(payload)
            if is_waiting:
                self._answer()
            is_waiting = True
        if is_waiting:
            self._answer()

    def _send(self, payload: dict[str, Any]) -> None:
        self._questions += 1
        message = json.dumps({"message_id": self._questions, "payload": payload})
        self._write(base64.b64encode(message.encode()) + b",")

    def _answer(self) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = json.loads(base64.b64decode(self._read()))["payload"]
        except (ValueError, KeyError) as error:
            raise self._failed("answered with what is no message") from error
        if answer.get("type") == "Error":
            raise self._failed(f"refused ({answer.get('message')})")
        return answer

    def _write(self, data: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101  # for the type checker
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except OSError as error:
            raise self._ended() from error

    def _read(self) -> bytes:
        assert self._process.stdout is not None  # noqa: S101  # for the type checker
        searched = 0
        while (end := self._unread.find(b",", searched)) < 0:
            searched = len(self._unread)
            piece = self._process.stdout.read1(_READ_BYTES)  # type: ignore[attr-defined]
            if not piece:
                raise self._ended()
            self._unread += piece
        answer = bytes(self._unread[:end])
        del self._unread[: end + 1]
        return answer

    def _ended(self) -> SearchError:
        code = self._process.wait()
        self._said.seek(0)
        lines = self._said.read().decode("utf-8", "replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
        return self._failed(f"ended before it was done (exit code {code}: {last[:200]})")

    def _failed(self, what: str) -> SearchError:
        hint = "Build again, with more memory free; or set search = false under [site] in cln_media.toml."
        return SearchError(f"Pagefind, which makes the search index, {what}", hint=hint)
