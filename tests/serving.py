"""A built site, served where its addresses say, while a test looks at it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline import preview


def free_port() -> int:
    """Find a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(site: Path, port: int, base_path: str = "/") -> Iterator[str]:
    """Serve a folder at a port, below a path; the address to open it at is that of another host than 127.0.0.1."""
    stop, ready = threading.Event(), threading.Event()
    where = {"port": port, "base_path": base_path, "stop": stop, "ready": lambda _: ready.set()}
    thread = threading.Thread(target=preview.serve, args=(site,), kwargs=where)
    thread.start()
    assert ready.wait(10)
    yield f"http://localhost:{port}{base_path}"
    stop.set()
    thread.join(10)
