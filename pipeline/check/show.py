"""What is wrong with a show: its address, its lists, its category, its artwork."""

import difflib
import ipaddress
import zoneinfo
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

from pipeline.check.categories import CATEGORIES
from pipeline.check.facts import CONFIG, Facts, not_square
from pipeline.model import Problem, Show


def problems(show: Show, facts: Facts) -> Iterator[Problem]:
    """Find what is wrong with a show, as it stands in cln_media.toml."""
    yield from _address(show)
    yield from _lists(show)
    for category in show.categories:
        yield from _category(category.name, category.subcategory)
    if not show.categories:
        yield Problem(source=CONFIG, message="show.categories is empty", hint="Name one, such as Government.")
    if show.identity == "nhs" and not show.identity_permission:
        hint = 'Say who gave permission in site.identity_permission, or choose identity = "plain".'
        yield Problem(source=CONFIG, message="site.identity is nhs without permission", hint=hint)
    if not _is_timezone(show.timezone):
        hint = "Write it as region and city, such as Europe/London."
        yield Problem(source=CONFIG, message=f'show.timezone "{show.timezone}" is unknown', hint=hint)
    if show.artwork and (picture := facts.pictures.get(show.artwork)):
        yield from not_square(picture, CONFIG, f"show.artwork {show.artwork.name}", fatal=True)
    if not _is_here(urlsplit(show.site_url).hostname or ""):  # guids come from the address: not before it is public
        yield from _guids(show, facts)


def _guids(show: Show, facts: Facts) -> Iterator[Problem]:
    places = [("[show]", "guid", show.guid), ("[feed]", "publisher_guid", show.feed.publisher_guid)]
    places += [(f'[[feeds]] "{feed.name}"', "guid", feed.guid) for feed in show.feeds]
    for place, name, value in places:
        proposed = facts.guids.get(place)
        if not value and proposed:
            hint = f'Before the first publish, add this line under {place} and never change it: {name} = "{proposed}"'
            yield Problem(source=CONFIG, message=f"{place} has no {name}", hint=hint, fatal=False)


def _is_timezone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _address(show: Show) -> Iterator[Problem]:
    parts = urlsplit(show.site_url)
    if not show.site_url.isascii():
        hint = "Write the host in its ASCII form (xn--…) and the path percent-encoded."
        yield Problem(source=CONFIG, message="site.url has characters that podcast apps refuse", hint=hint)
    if parts.scheme != "https" and not _is_here(parts.hostname or ""):
        hint = "Begin it with https://: podcast apps refuse plain http."
        yield Problem(source=CONFIG, message=f"site.url {show.site_url} is not https", hint=hint)
    if _is_here(parts.hostname or "") and show.storage.url.startswith("s3://"):
        hint = "Set site.url to the public address of the bucket: subscribers cannot reach this computer."
        message = "site.url leads to this computer, but storage is a bucket"
        yield Problem(source=CONFIG, message=message, hint=hint, fatal=False)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _lists(show: Show) -> Iterator[Problem]:
    regions = [region.id for region in show.regions]
    for what, names in (("region", regions), ("feed", [feed.name for feed in show.feeds])):
        for name, count in Counter(names).items():
            if count > 1:
                hint = f"Remove or rename all but one {what}."
                yield Problem(source=CONFIG, message=f'the {what} "{name}" stands there {count} times', hint=hint)
    for feed in show.feeds:
        if feed.region and feed.region not in regions:
            yield Problem(
                source=CONFIG,
                message=f'feed "{feed.name}" wants the unknown region "{feed.region}"',
                hint=did_you_mean(feed.region, regions),
            )


def did_you_mean(word: str, known: list[str]) -> str:
    """Suggest a region for one that is unknown."""
    near = difflib.get_close_matches(word, known, n=1)
    if near:
        return f"Did you mean {near[0]}?"
    return f"The regions are: {', '.join(known)}." if known else f"Add it to {CONFIG} as [[regions]]."


def _category(name: str, subcategory: str | None) -> Iterator[Problem]:
    if name not in CATEGORIES:
        hint = f"{_nearest(name, list(CATEGORIES))} Apple's list has: {', '.join(CATEGORIES)}."
        yield Problem(source=CONFIG, message=f'show.categories: "{name}" is not a category', hint=hint.strip())
    elif subcategory and subcategory not in CATEGORIES[name]:
        known = ", ".join(CATEGORIES[name]) or "none"
        message = f'show.categories: "{subcategory}" is not a subcategory of {name}'
        yield Problem(source=CONFIG, message=message, hint=f"It has: {known}.")


def _nearest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {near[0]}?" if near else ""
