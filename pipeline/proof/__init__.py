"""The drafted words of an episode -> a page on this machine where a person corrects them, and back into the same files.

It listens on 127.0.0.1 alone, and answers nobody but the one browser that was given its one-time address.
"""

import threading
from collections.abc import Callable

from pipeline.localhost import TICK_SECONDS, answering, opened
from pipeline.proof.paper import Find, Paper
from pipeline.proof.server import Server
from pipeline.proof.sound import forget_copies, kept_copy, made_copy

__all__ = ["Find", "Paper", "forget_copies", "kept_copy", "made_copy", "serve"]


def serve(
    paper: Paper,
    *,
    port: int = 0,
    ready: Callable[[str], None] | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Serve the page at http://127.0.0.1:`port`/ until `stop` is set or Ctrl-C is pressed.

    Args:
        paper: the episode whose words are corrected.
        port: where to listen; 0 for any that is free.
        ready: called with the one-time address once it can be opened.
        stop: ends the server when set.

    Raises:
        PreviewError: the port is taken or not allowed.
    """
    ended = stop or threading.Event()
    server = opened(lambda: Server(paper, port), port)
    with answering(server):
        if ready:
            ready(server.address)
        try:
            while not ended.wait(TICK_SECONDS):
                pass
        finally:
            server.finish()
