"""What is wrong with the settings of feeds: licences, links, texts, hubs, parts of the archive that hold nothing."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pipeline.check.facts import CONFIG, Facts, not_square
from pipeline.model import FEED_KEY, Episode, Problem, Show

# Source: Podcasting 2.0, podcast:license
LICENSES = frozenset({"ARR", "CC-BY-4.0", "CC-BY-NC-4.0", "CC-BY-NC-ND-4.0", "POD-V4V-1.0"})
DESCRIPTION_BYTES = 4_000
MAX_TEXT, MAX_PURPOSE = 4_000, 128


def problems(show: Show, episodes: tuple[Episode, ...], facts: Facts, root: Path) -> Iterator[Problem]:
    """Find what is wrong with the settings of feeds."""
    yield from _common(show)
    yield from _texts(show)
    yield from _parts(show, episodes, facts)
    if show.members and show.members.resolve().is_relative_to(root.resolve()):
        hint = "Name a place outside: what is inside could be committed or published, and with it every secret address."
        yield _problem("members.list stands inside the workspace", hint)


def _problem(message: str, hint: str, *, fatal: bool = True) -> Problem:
    return Problem(source=CONFIG, message=message, hint=hint, fatal=fatal)


def _common(show: Show) -> Iterator[Problem]:
    settings = show.feed
    if settings.license and settings.license.upper() not in LICENSES and not settings.license_url:
        hint = f"Add license_url, or use one of: {', '.join(sorted(LICENSES))}."
        yield _problem(f'feed.license "{settings.license}" needs feed.license_url', hint)
    if settings.license_url and not settings.license:
        yield _problem("feed.license_url stands without feed.license", "Name the licence in feed.license.")
    if settings.funding_text and not settings.funding_url:
        yield _problem("feed.funding_text stands without feed.funding_url", "Add the address in feed.funding_url.")
    if settings.update_rule and not settings.update_frequency:
        hint = "Say the same in words in feed.update_frequency, such as Monthly."
        yield _problem("feed.update_rule stands without feed.update_frequency", hint)
    if settings.moved_to and settings.moved_to.rstrip("/") == show.url(FEED_KEY).rstrip("/"):
        yield _problem("feed.moved_to is the feed's own address", "Name the new address, or remove the key.")
    for hub in settings.hubs:
        if not hub.startswith(("https://", "http://")):
            yield _problem(f'feed.hubs: "{hub}" is not an address', "Begin it with https://.")
    if len(show.description.encode()) > DESCRIPTION_BYTES:
        hint = "Make it shorter: the feed cuts it at the end of a sentence."
        yield _problem(f"show.description is longer than {DESCRIPTION_BYTES:,} bytes", hint, fatal=False)


def _texts(show: Show) -> Iterator[Problem]:
    for text in show.feed.texts:
        if not text.value:
            yield _problem(f'feed.texts: "{text.purpose}" has no text', 'Write it as "purpose: text".')
        if len(text.value) > MAX_TEXT or len(text.purpose or "") > MAX_PURPOSE:
            hint = f"At most {MAX_PURPOSE} characters for the purpose and {MAX_TEXT:,} for the text."
            yield _problem("feed.texts has a text that is too long", hint)


def _parts(show: Show, episodes: tuple[Episode, ...], facts: Facts) -> Iterator[Problem]:
    for number, count in Counter(season.number for season in show.seasons).items():
        if count > 1:
            yield _problem(f"season {number} stands there {count} times", "Remove all but one.")
    for feed in show.feeds:
        if feed.artwork and (picture := facts.pictures.get(feed.artwork)):
            yield from not_square(picture, CONFIG, f'the artwork of feed "{feed.name}"', fatal=True)
        if episodes and not any(feed.holds(episode) for episode in episodes):
            hint = "Correct its region, topic, season or set; or leave it for episodes to come."
            yield _problem(f'feed "{feed.name}" holds no episode', hint, fatal=False)
