"""Rendered feeds enter; a problem for each that apps may be slow to read, or refuse, leaves."""

from collections.abc import Mapping

from pipeline.feed.wording import SETTINGS
from pipeline.model import Problem

LARGE_BYTES = 1_000_000
TOO_LARGE_BYTES = 5_000_000


def size_problems(pages: Mapping[str, bytes]) -> tuple[Problem, ...]:
    """Find the feeds that are too large: over LARGE_BYTES a warning, over TOO_LARGE_BYTES fatal.

    Args:
        pages: rendered feeds by key.

    Returns:
        A problem for each that is too large, in the order of `pages`.
    """
    return tuple(_problem(key, len(data)) for key, data in pages.items() if len(data) > LARGE_BYTES)


def _problem(key: str, size: int) -> Problem:
    fatal = size > TOO_LARGE_BYTES
    limit = TOO_LARGE_BYTES if fatal else LARGE_BYTES
    return Problem(
        source=key,
        message=f"the feed has {size:,} bytes, over {limit:,}: apps {'refuse it' if fatal else 'are slow to read it'}",
        hint=f"Set feed.page_size in {SETTINGS}, or make it smaller: older episodes then follow on further pages.",
        fatal=fatal,
    )
