"""A show, its feeds, regions and episodes in, the words of their drawn images out."""

from pipeline.model import Caption, Episode, Feed, Show
from pipeline.pages import views, wording
from pipeline.pages.wording import one_line

_BETWEEN = " \u00b7 "


def show_caption(show: Show) -> Caption:
    """Return the words of an image of the whole show."""
    title, author = one_line(show.title), one_line(show.author)
    return Caption(title=title, otherwise=author, below=(f"A podcast by {author}",))


def feed_caption(show: Show, feed: Feed) -> Caption:
    """Return the words of an image of a feed: its region's name where the region alone makes it, else its title."""
    filters = (feed.region, feed.topic, feed.season, feed.set_name)
    region = show.region_name(feed.region) if filters.count(None) == len(filters) - 1 else None
    return _part(show, region or feed.title)


def region_caption(show: Show, name: str) -> Caption:
    """Return the words of an image of a region."""
    return _part(show, name)


def episode_caption(show: Show, episode: Episode, *, duration_ms: int) -> Caption:
    """Return the words of an image of an episode that has a publication date.

    Raises:
        ConfigError: the show's time zone is unknown.
    """
    where = (one_line(show.region_name(episode.region)), one_line(episode.set_name))
    when = [wording.rough_length_words(duration_ms)]
    if episode.published is not None:
        when.insert(0, wording.date_words(wording.in_zone(episode.published, show.timezone)))
    lines = (_BETWEEN.join(filter(None, where)), _BETWEEN.join(when))
    return Caption(
        title=one_line(episode.title),
        otherwise=views.label(episode) or one_line(show.title),
        above=one_line(show.title),
        below=tuple(filter(None, lines)),
    )


def _part(show: Show, title: str) -> Caption:
    above = one_line(show.title)
    return Caption(
        title=one_line(title), otherwise=above, above=above, below=(f"A podcast by {one_line(show.author)}",)
    )
