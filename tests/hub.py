"""A server that speaks as the hub does from which speech models are downloaded, and holds one small real model."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "0" * 40
REPOSITORY = "Systran/faster-whisper-tiny.en"
_LARGE = 10_000_000  # such files are named by their SHA-256, as git-lfs does


class Hub(ThreadingHTTPServer):
    """The server. damaged: the name of a file of which another one is sent; status: what is answered to everything."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.folder = folder
        self.damaged: str | None = None
        self.status: int | None = None
        self.sent: list[str] = []

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"

    def description(self) -> bytes:
        """Describe the model, as the hub's API does."""
        files = [_described(path) for path in sorted(self.folder.iterdir()) if path.is_file()]
        return json.dumps({"id": REPOSITORY, "modelId": REPOSITORY, "sha": COMMIT, "siblings": files}).encode()

    def tree(self) -> bytes:
        """List the model's files, as the hub's API does."""
        files = [_listed(_described(path)) for path in sorted(self.folder.iterdir()) if path.is_file()]
        return json.dumps(files).encode()


def _described(path: Path) -> dict[str, Any]:
    size = path.stat().st_size
    file: dict[str, Any] = {
        "rfilename": path.name,
        "size": size,
        "blobId": hashlib.sha256(path.name.encode()).hexdigest()[:40],
    }
    if size > _LARGE:
        file["lfs"] = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "size": size, "pointerSize": 134}
    return file


def _listed(file: dict[str, Any]) -> dict[str, Any]:
    large = {"lfs": {**file["lfs"], "oid": file["lfs"]["sha256"]}} if "lfs" in file else {}
    return {"type": "file", "path": file["rfilename"], "size": file["size"], "oid": file["blobId"], **large}


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        if self.server.status:
            self._send(self.server.status, {}, b"" if with_body else None)
        elif re.fullmatch(rf"/api/models/{REPOSITORY}(/revision/\w+)?", path):
            self._send(200, {"Content-Type": "application/json"}, self.server.description())
        elif re.fullmatch(rf"/api/models/{REPOSITORY}/tree/\w+", path):
            self._send(200, {"Content-Type": "application/json"}, self.server.tree())
        elif found := re.fullmatch(rf"/{REPOSITORY}/resolve/\w+/([\w.-]+)", path):
            self._file(self.server.folder / found[1], with_body=with_body)
        else:
            self._send(404, {"X-Error-Code": "EntryNotFound"}, b"" if with_body else None)

    def _file(self, path: Path, *, with_body: bool) -> None:
        data = path.read_bytes()
        headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if path.name == self.server.damaged:
            data = data[:-1] + bytes([data[-1] ^ 1])
        start = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if start:
            headers["Content-Range"] = f"bytes {start[1]}-{len(data) - 1}/{len(data)}"
            data = data[int(start[1]) :]
        if with_body:
            self.server.sent.append(path.name)
        self._send(206 if start else 200, headers, data if with_body else None, length=len(data))

    def _send(self, status: int, headers: dict[str, str], body: bytes | None, *, length: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body or b"") if length is None else length))
        self.end_headers()
        if body:
            self.wfile.write(body)


@contextmanager
def serving(folder: Path) -> Iterator[Hub]:
    """Serve the model in a folder."""
    with Hub(folder) as hub:
        thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()
