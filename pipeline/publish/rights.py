"""A store -> what stands in the way of publishing there, tried with a small file of our own."""

import hashlib

from pipeline.errors import MediaError
from pipeline.model import Asset, Problem
from pipeline.publish.store import PROBE, Store
from pipeline.publish.transfer import fault
from pipeline.publish.turn import look

_CONTENT = b"A test of the right to write here; safe to delete.\n"


def check_access(store: Store) -> tuple[Problem, ...]:
    """Write a small file to `store`, read it back and remove it.

    Returns:
        What stands in the way of publishing; empty where nothing does.
    """
    probe = Asset(
        key=PROBE,
        sha256=hashlib.sha256(_CONTENT).hexdigest(),
        size=len(_CONTENT),
        content_type="text/plain; charset=utf-8",
        cache_control="no-cache",
    )
    try:
        look(store)
        store.put_bytes(probe, _CONTENT)
        try:
            found = store.read(PROBE)
            is_same = found is not None and found.data == _CONTENT
            wrong = fault(probe, store.head(PROBE)) if is_same else "does not read back as it was written"
        finally:
            store.delete(PROBE)
    except MediaError as error:
        source = str(error.source or store.address)
        return (Problem(source=source, message=error.message, hint=error.hint or "see the documentation"),)
    return (_problem(store, wrong),) if wrong else ()


def _problem(store: Store, message: str) -> Problem:
    return Problem(
        source=store.address,
        message=f"a test file {message}",
        hint="ask the provider whether the store keeps metadata, Content-Type and Cache-Control as they were sent",
    )
