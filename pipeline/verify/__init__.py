"""The addresses of published feeds -> what a podcast app finds there; the requests of the standard library live here.

Nothing of what is fetched is trusted: sizes, times, redirects and the number of requests are bounded, XML is read
without document types, and only http and https are ever opened.
"""

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor

from pipeline.verify import feeds, files
from pipeline.verify.finding import Finding, finding
from pipeline.verify.rss import Wanted
from pipeline.verify.web import NoAnswerError, Web, is_local

__all__ = ["BROKEN", "SILENT", "Finding", "is_local", "still_answers", "verify"]

BROKEN = frozenset({"enclosure exists", "enclosure length"})
"""What a subscriber cannot get over: a feed that names a sound file which is missing, or has another length."""

SILENT = "feed answers"
"""What is wrong where no web server can be reached at all."""

_REQUESTS_AT_ONCE = 8
_GONE = frozenset({403, 404, 410})  # S3 says 403 of what is not there to those who may not list

Progress = Callable[[int, int], None]


def verify(
    *feed_urls: str,
    limit: int | None = None,
    patience_s: float = 10,
    only: Collection[str] | None = None,
    progress: Progress | None = None,
) -> tuple[Finding, ...]:
    """Look at published feeds, and at all that they name, as a podcast app on somebody's telephone would.

    Args:
        feed_urls: the addresses of RSS feeds; what several of them name is looked at once.
        limit: only the files of so many items of each feed, the first it lists; None for all.
        patience_s: the longest that an address may take.
        only: of all files, look only at these enclosures, by address; None for everything.
        progress: told, in this thread, how many addresses have been looked at, and of how many.

    Returns:
        What was found, right or wrong: the feeds first, then what they name, in their order. An address that does not
        answer is a finding and raises nothing.

    Source:
        PSP-1; Apple's requirements for podcast servers; Podcasting 2.0 transcripts and chapters; RFC 9110; RFC 5005.
    """
    web = Web(patience_s=patience_s, is_local=any(is_local(url) for url in feed_urls))
    executor = ThreadPoolExecutor(_REQUESTS_AT_ONCE)
    try:
        looks = list(executor.map(lambda url: feeds.look(url, web, limit=limit), feed_urls))
        findings = [each for look in looks for each in look.findings]
        wanted = dict.fromkeys(each for look in looks for each in look.wanted)
        chosen = [each for each in wanted if _is_chosen(each, only)]
        for done, found in enumerate(executor.map(lambda each: files.look(each, web), chosen), 1):
            findings += found
            if progress:
                progress(done, len(chosen))
    finally:
        executor.shutdown(cancel_futures=True)
    return (*findings, *_not_named(only or (), wanted, looks))


def still_answers(addresses: Collection[str], *, patience_s: float = 10) -> dict[str, str]:
    """Ask for addresses that should be gone.

    Args:
        addresses: of files that were removed.
        patience_s: the longest that one may take.

    Returns:
        By address, what came back: `gone` for 404, 410 or 403, `answers` where there still is something, and
        `no answer` where nothing could be reached.
    """
    web = Web(patience_s=patience_s, is_local=any(is_local(url) for url in addresses))
    with ThreadPoolExecutor(_REQUESTS_AT_ONCE) as executor:
        return dict(zip(addresses, executor.map(lambda url: _state(web, url), addresses), strict=True))


def _state(web: Web, address: str) -> str:
    try:
        answer = web.ask(address, headers={"Cache-Control": "no-cache"}, limit_bytes=1)
    except NoAnswerError:
        return "no answer"
    return "gone" if answer.status in _GONE else "answers"


def _is_chosen(wanted: Wanted, only: Collection[str] | None) -> bool:
    return only is None or (wanted.what == "enclosure" and wanted.address in only)


def _not_named(only: Collection[str], wanted: Collection[Wanted], looks: list[feeds.Look]) -> list[Finding]:
    named = {each.address for each in wanted}
    detail = "no feed names it yet: a cache may hold the feed for some minutes"
    is_read = any(look.wanted for look in looks)
    return [finding("enclosure named", each, None, detail) for each in only if is_read and each not in named]
