"""The feed of an existing podcast enters, episode folders leave, each with the identity that subscribers know.

lxml reads the feed and urllib fetches what it names; both live here. Nothing that a feed says is trusted.
"""

from pathlib import Path
from urllib.parse import urlsplit

from pipeline.errors import IngestError
from pipeline.importing import reading
from pipeline.importing.folders import Added, Recordings, Tools, add, picture
from pipeline.importing.old import Addition, OldFeed, OldPage, OldShow, Plan
from pipeline.importing.planning import Known, plan
from pipeline.importing.show import ARTWORK_STEM, PROPOSAL_NAME, proposal
from pipeline.importing.transcripts import TranscriptTools
from pipeline.importing.web import Patience, StoppedError, Web, is_near, is_web_address, shown

__all__ = [
    "ARTWORK_STEM",
    "PROPOSAL_NAME",
    "Added",
    "Addition",
    "Known",
    "OldFeed",
    "Patience",
    "Plan",
    "Recordings",
    "StoppedError",
    "Tools",
    "TranscriptTools",
    "Web",
    "add",
    "lies_near",
    "picture",
    "plan",
    "proposal",
    "read_feed",
]

FEED_BYTES = 20_000_000
MAX_PAGES = 200
MAX_ITEMS = 20_000
_ACCEPT = "application/rss+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"


def lies_near(source: str) -> bool:
    """Say whether a feed lies on this computer or in its network, so that it may name addresses there."""
    return is_web_address(source) and is_near(urlsplit(source).hostname or "")


def read_feed(source: str, web: Web) -> OldFeed:
    """Read a feed, with all its pages.

    Args:
        source: an http or https address, or the path of a file.
        web: where addresses are fetched from.

    Returns:
        The feed; what could not be followed is a remark.

    Raises:
        IngestError: it cannot be had, or is no feed.
    """
    page, address = _page(source, web)
    show, remarks = page.show, [*_remarks(page.show, source)]
    episodes, soundless, seen = [*page.episodes], page.soundless, {source, address}
    while (following := page.next_url) and len(episodes) < MAX_ITEMS:
        if following in seen or len(seen) > MAX_PAGES:
            why = "lead in a circle" if following in seen else f"are more than {MAX_PAGES}"
            remarks.append(f"Its pages {why}: those after {shown(address)} were left out")
            break
        seen.add(following)
        page, address = _page(following, web)
        seen.add(address)
        episodes += page.episodes
        soundless += page.soundless
    return OldFeed(show=show, episodes=tuple(episodes[:MAX_ITEMS]), soundless=soundless, remarks=tuple(remarks))


def _page(source: str, web: Web) -> tuple[OldPage, str]:
    if source.lower().startswith(("http://", "https://")):
        answer = web.fetch(source, limit=FEED_BYTES, accept=_ACCEPT)
        return reading.read(answer.data, source=answer.url), answer.url
    if "://" in source:
        hint = "Give an address that begins with https://, or the path of a file."
        raise IngestError("is not an address that is fetched", source=shown(source), hint=hint)
    return reading.read(_file(Path(source)), source=source), source


def _file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(FEED_BYTES + 1)
    except OSError as error:
        hint = "Give the path of a feed that you have saved, or its address with https://"
        raise IngestError(f"cannot be read: {error.strerror}", source=path, hint=hint) from error
    if len(data) > FEED_BYTES:
        raise IngestError(f"is larger than {FEED_BYTES // 1_000_000} MB", source=path, hint="Is it a feed?")
    return data


def _remarks(show: OldShow, source: str) -> list[str]:
    remarks = []
    if show.moved_to and show.moved_to != source:
        remarks.append(f"The feed says that it has moved to {show.moved_to}: import that one if it is newer")
    if show.locked:
        remarks.append("The feed asks other hosts not to import it (podcast:locked): import it only if it is yours")
    return remarks
