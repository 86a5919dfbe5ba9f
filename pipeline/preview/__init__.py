"""The folder `site` -> the same site on this machine, with byte ranges and live reload.

The standard library's server is enough: none of the small ones that can be installed brings both ranges and a reload
when files change, and this one adds no dependency. It is for one person's eyes: it listens on 127.0.0.1 alone.
"""

import itertools
import threading
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import MediaError, PreviewError
from pipeline.localhost import TICK_SECONDS, answering, opened
from pipeline.preview.files import Site
from pipeline.preview.server import Server

__all__ = ["serve"]

_TICKS_BETWEEN_LOOKS = 10


def serve(
    site: Path,
    *,
    port: int,
    base_path: str = "/",
    rebuild: Callable[[], None] | None = None,
    fingerprint: Callable[[], object] | None = None,
    ready: Callable[[str], None] | None = None,
    stop: threading.Event | None = None,
    on_error: Callable[[MediaError], None] | None = None,
) -> None:
    """Serve `site` at http://127.0.0.1:`port``base_path` until `stop` is set or Ctrl-C is pressed.

    Args:
        site: the folder that was built; its manifest names types and caching.
        port: where to listen; 0 for any that is free.
        base_path: the path of the show's address, which ends in a slash.
        rebuild: builds `site` again; called in this thread when `fingerprint` changes.
        fingerprint: says what the sources look like; compared every second.
        ready: called with the address once pages can be opened.
        stop: ends the server when set.
        on_error: told why a rebuild failed; the old site is served on.

    Raises:
        PreviewError: `site` is missing, or the port is taken or not allowed.
    """
    if not site.is_dir():
        raise PreviewError("there is no site to show", source=site, hint="run `cln-media build` first")
    ended = stop or threading.Event()
    look = _watch(rebuild, fingerprint, on_error) if rebuild and fingerprint else None
    server = _open(Site(site, live=look is not None), port, base_path, ended)
    with answering(server):
        try:
            if ready:
                ready(server.address)
            for tick in itertools.count(1):
                if ended.wait(TICK_SECONDS):
                    return
                if look and tick % _TICKS_BETWEEN_LOOKS == 0 and look():
                    server.versions.bump()
        finally:
            ended.set()
            server.versions.bump()


def _open(site: Site, port: int, base_path: str, ended: threading.Event) -> Server:
    inside = base_path.strip("/")
    return opened(lambda: Server(site, port, f"/{inside}/" if inside else "/", ended), port)


def _watch(
    rebuild: Callable[[], None], fingerprint: Callable[[], object], on_error: Callable[[MediaError], None] | None
) -> Callable[[], bool]:
    """Return a function that builds again where the sources have changed, and says whether it did."""
    built = fingerprint()

    def look() -> bool:
        nonlocal built
        try:
            seen = fingerprint()
            if seen == built:
                return False
            built = seen
            rebuild()
        except MediaError as error:
            if on_error:
                on_error(error)
            return False
        return True

    return look
