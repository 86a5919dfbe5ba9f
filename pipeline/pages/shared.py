"""A site and its items in, every page that is not an episode's out: home, lists, what the show says of itself."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from markupsafe import Markup

from pipeline.model import SEARCH_KEY, Compliance, Edition, Feed, Item, Visibility, feed_key, list_key, oembed_key
from pipeline.pages import embeds, lists, subscribing, views
from pipeline.pages.finding import findable
from pipeline.pages.lists import Group, Sheet
from pipeline.pages.pictures import image_view
from pipeline.pages.rendering import Leaf, Site, hashed
from pipeline.pages.views import EpisodeView, PageView
from pipeline.pages.wording import clean, date_words, one_line

HOME_EPISODES = 20  # the home page shows the newest; the lists hold all
_HEADINGS = {
    lists.REGIONS: "Regions",
    lists.SEASONS: "Seasons",
    lists.SETS: "Learning sets",
    lists.TOPICS: "Topics",
    lists.PEOPLE: "People",
}
_LEDES = {
    lists.REGIONS: "Episodes of the learning sets in {}.",
    lists.SEASONS: "Episodes of {}.",
    lists.SETS: "Episodes of the learning set {}.",
    lists.TOPICS: "Episodes about {}.",
    lists.PEOPLE: "Episodes in which {} speaks.",
}
_KINDS_OF = {lists.SEASONS: (lists.SEASONS, lists.SETS)}  # one page lists both

Views = dict[str, EpisodeView]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """A list of episodes, as other pages name it."""

    title: str
    link: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceView:
    """A page of a list: `number` of `of`; `link` of each page; newer, older: links of its neighbours, or empty."""

    number: int
    of: int
    links: tuple[str, ...]
    newer: str
    older: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementView:
    """The accessibility statement in words; texts are empty where nothing is said."""

    status: str
    prepared: str
    reviewed: str
    tested: str
    tested_by: str
    tested_how: str
    email: str
    phone: str
    reply_days: int | None
    barriers: tuple[dict[str, str], ...]


_STATUS = {
    Compliance.FULL: "fully compliant",
    Compliance.PARTIAL: "partially compliant",
    Compliance.NONE: "not compliant",
}


def leaves(  # noqa: PLR0917 - what is shown, and how it is known again
    site: Site,
    edition: Edition,
    items: tuple[Item, ...],
    shown: Views,
    groups: tuple[Group, ...],
    hash_of: Callable[[Item], str],
) -> Iterator[Leaf]:
    """List the pages that are not an episode's own.

    Args:
        site: the show and its templates.
        edition: what is published.
        items: those that are public, the newest first.
        shown: the same as templates see them, by slug.
        groups: the same, sorted.
        hash_of: hashes an item as templates see it.
    """

    def leaf(name: str, of: object, render: Callable[[], Iterator[tuple[str, bytes]]]) -> Leaf:
        return Leaf(name=name, made_of=hashed((name, site.view, of)), render=render)

    counts = [(each.kind, each.name, each.title, len(each.items)) for each in groups]
    newest = [hash_of(item) for item in items[:HOME_EPISODES]]
    yield leaf("home", (newest, counts), partial(_home, site, items, shown, groups))
    yield leaf("indexes", counts, partial(_indexes, site, groups))
    for name, title, of in _newest(site, items):
        newest = [hash_of(item) for item in of]
        yield leaf(f"players {name}", (title, newest), partial(_players, site, name, title, of, shown))
    yield leaf("share", None, partial(_share, site))
    yield leaf("subscribe", None, partial(_subscribe, site))
    yield leaf("said", (edition.about_html, edition.privacy_html), partial(_said, site, edition))
    for sheet, values in _sheets(site, edition, items, groups):
        of_sheet = (sheet.keys, values, [hash_of(item) for item in sheet.items])
        yield leaf(sheet.key, of_sheet, partial(_list, site, sheet, shown, values))


def render(site: Site, items: tuple[Item, ...]) -> Iterator[tuple[str, bytes]]:
    """Render the page that is made of all episodes."""
    if site.view.search:
        yield SEARCH_KEY, _search(site, items)


def keys(
    edition: Edition, items: tuple[Item, ...], groups: tuple[Group, ...]
) -> Iterator[tuple[str, tuple[Item, ...]]]:
    """List the pages that search engines may list, with the items whose dates are theirs."""
    per_page = edition.show.site.per_page
    yield views.HOME_KEY, items[:HOME_EPISODES]
    for sheet in lists.sheets(items, per_page, lists.all_key):
        yield sheet.key, sheet.items
    for group in groups:
        for sheet in lists.sheets(group.items, per_page, partial(list_key, group.kind, group.name)):
            yield sheet.key, sheet.items
    for kind in dict.fromkeys(lists.SEASONS if each.kind == lists.SETS else each.kind for each in groups):
        yield list_key(kind), ()
    for key in (views.SUBSCRIBE_KEY, views.SHARE_KEY, views.ABOUT_KEY, views.PRIVACY_KEY, views.ACCESSIBILITY_KEY):
        yield key, ()


def _home(site: Site, items: tuple[Item, ...], shown: Views, groups: tuple[Group, ...]) -> Iterator[tuple[str, bytes]]:
    show = site.view
    page = PageView(title=show.title, description=show.description, address=show.address)
    by_kind = {kind: [_group(site, each) for each in groups if each.kind == kind] for kind in _HEADINGS}
    yield (
        views.HOME_KEY,
        site.render(
            "home.html.jinja",
            page,
            about="the home page",
            episodes=[shown[item.episode.slug] for item in items[:HOME_EPISODES]],
            groups=by_kind,
            data=views.show_data(show),
            oembed_address=site.show.url(oembed_key(embeds.LATEST)),
        ),
    )


def _sheets(
    site: Site, edition: Edition, items: tuple[Item, ...], groups: tuple[Group, ...]
) -> Iterator[tuple[Sheet, dict[str, Any]]]:
    """List the pages of every list of episodes, each with what it says besides."""
    per_page = site.show.site.per_page
    lede = f"Every episode of {site.view.title}, newest first."
    head = {"title": "All episodes", "lede": lede, "caption": "", **_of_region(site, edition, None)}
    yield from ((sheet, head) for sheet in lists.sheets(items, per_page, lists.all_key))
    for group in groups:
        head = {"title": group.title, "lede": _LEDES[group.kind].format(group.title), "caption": _HEADINGS[group.kind]}
        head |= _of_region(site, edition, group.region)
        key = partial(list_key, group.kind, group.name)
        yield from ((sheet, head) for sheet in lists.sheets(group.items, per_page, key))


def _of_region(site: Site, edition: Edition, region: str | None) -> dict[str, Any]:
    """Say what the list of a region has that others have not: a feed of its own, artwork, an image for shared links."""
    part = next((feed for feed in site.show.feeds if region and _is_of(feed, region)), None)
    thumbnail = edition.feed_thumbnails.get(part.name) if part else None
    drawn = edition.region_socials.get(region or "")
    name, link = f"{embeds.REGIONS}/{region}", site.show.link
    return {
        "is_region": region is not None,
        "feed": views.feed_view(site.show, part.title, feed_key(part.name)) if part else None,
        "subscribe_link": f"{link(views.SUBSCRIBE_KEY)}#{subscribing.place(part)}" if part else None,
        "share_link": f"{link(views.SHARE_KEY)}#{embeds.place(name)}" if region else None,
        "oembed_address": site.show.url(oembed_key(name)) if region else None,
        "artwork": image_view(site.show, thumbnail) if thumbnail else None,
        "page_image": image_view(site.show, drawn) if drawn else site.view.social,
    }


def _is_of(feed: Feed, region: str) -> bool:
    others = (feed.topic, feed.season, feed.set_name)
    return feed.region == region and feed.visibility is Visibility.PUBLIC and others.count(None) == len(others)


def _list(site: Site, sheet: Sheet, shown: Views, values: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    of = f", page {sheet.number} of {sheet.of}" if sheet.of > 1 else ""
    page = site.page(sheet.key, f"{values['title']}{of}", values["lede"])
    years = views.by_year(tuple(shown[item.episode.slug] for item in sheet.items))
    about, place = f"the list {values['title']}", _place(site, sheet)
    yield sheet.key, site.render("list.html.jinja", page, about=about, years=years, place=place, **values)


def _place(site: Site, sheet: Sheet) -> PlaceView:
    links = tuple(map(site.show.link, sheet.keys))
    newer = links[sheet.number - 2] if sheet.number > 1 else ""
    older = links[sheet.number] if sheet.number < sheet.of else ""
    return PlaceView(number=sheet.number, of=sheet.of, links=links, newer=newer, older=older)


def _indexes(site: Site, groups: tuple[Group, ...]) -> Iterator[tuple[str, bytes]]:
    """Render a page for each kind of list that leads to all of them."""
    for kind in (lists.REGIONS, lists.SEASONS, lists.TOPICS, lists.PEOPLE):
        kinds = _KINDS_OF.get(kind, (kind,))
        found = {each: [_group(site, group) for group in groups if group.kind == each] for each in kinds}
        sections = {_HEADINGS[each]: entries for each, entries in found.items() if entries}
        if sections:
            title = " and ".join(_HEADINGS[each].lower() for each in kinds if found[each]).capitalize()
            page = site.page(list_key(kind), title, f"{title} of {site.view.title}.")
            yield (
                list_key(kind),
                site.render("groups.html.jinja", page, about=f"the page {title}", title=title, sections=sections),
            )


def _group(site: Site, group: Group) -> GroupView:
    return GroupView(title=group.title, link=site.show.link(list_key(group.kind, group.name)), count=len(group.items))


def _newest(site: Site, items: tuple[Item, ...]) -> Iterator[tuple[str, str, tuple[Item, ...]]]:
    """List the players of the newest: the name of each, what it plays, and the newest of that."""
    yield embeds.LATEST, site.view.title, items[: embeds.LISTED]
    for region in site.show.regions:
        own = tuple(item for item in items if item.episode.region == region.id)[: embeds.LISTED]
        yield f"{embeds.REGIONS}/{region.id}", one_line(region.name), own


def _players(site: Site, name: str, title: str, newest: tuple[Item, ...], shown: Views) -> Iterator[tuple[str, bytes]]:
    return embeds.of_newest(site, name, title, tuple(shown[item.episode.slug] for item in newest))


def _share(site: Site) -> Iterator[tuple[str, bytes]]:
    """Render the page that offers the players of the newest to other sites."""
    offers = [embeds.offer(site, embeds.LATEST, site.view.title, site.view.address)]
    for region in site.show.regions:
        name, address = f"{embeds.REGIONS}/{region.id}", site.show.url(list_key(lists.REGIONS, region.id))
        offers.append(embeds.offer(site, name, one_line(region.name), address))
    page = site.page(views.SHARE_KEY, "Put the podcast on your site", "Players to copy into the pages of a region.")
    yield views.SHARE_KEY, site.render("share.html.jinja", page, about="the page of players", offers=offers)


def _subscribe(site: Site) -> Iterator[tuple[str, bytes]]:
    show = site.show
    address = show.url(views.SUBSCRIBE_KEY)
    public = [part for part in show.feeds if part.visibility is Visibility.PUBLIC]
    follows = []
    for part in (None, *public):
        made, key, data = subscribing.follow(show, part, address)
        follows.append(made)
        yield key, data
    page = site.page(views.SUBSCRIBE_KEY, "How to subscribe", f"Follow {site.view.title} in a podcast app.")
    values = {"follows": follows, "directories": subscribing.directories(show)}
    yield views.SUBSCRIBE_KEY, site.render("subscribe.html.jinja", page, about="the page How to subscribe", **values)


def _search(site: Site, items: tuple[Item, ...]) -> bytes:
    page = PageView(
        title=f"Search \u2013 {site.view.title}", description="", address=site.show.url(SEARCH_KEY), is_indexed=False
    )
    found = [findable(site.show, item, said=False) for item in items]
    there = {each.region for each in found}
    values = {
        "years": sorted({each.year for each in found}, reverse=True),
        "regions": [region for region in site.show.regions if region.id in there],
    }
    return site.render("search.html.jinja", page, about="the search page", **values)


def _said(site: Site, edition: Edition) -> Iterator[tuple[str, bytes]]:
    """Render what the show says of itself."""
    title = site.view.title
    about = site.page(views.ABOUT_KEY, "About", f"Who makes {title}, and how.")
    yield (
        views.ABOUT_KEY,
        site.render("about.html.jinja", about, about="the page About", text=_html(edition.about_html)),
    )
    privacy = site.page(views.PRIVACY_KEY, "Privacy", f"What {title} learns of those who read and listen.")
    yield (
        views.PRIVACY_KEY,
        site.render("privacy.html.jinja", privacy, about="the page Privacy", text=_html(edition.privacy_html)),
    )
    access = site.page(views.ACCESSIBILITY_KEY, "Accessibility", f"How to use {title}, and how to ask for help.")
    statement = _statement(site)
    yield (
        views.ACCESSIBILITY_KEY,
        site.render("accessibility.html.jinja", access, about="the accessibility page", statement=statement),
    )
    missing = site.page(views.NOT_FOUND_KEY, "Page not found", "", is_indexed=False)
    yield views.NOT_FOUND_KEY, site.render("404.html.jinja", missing, about="the page for wrong addresses")


def _html(text: str) -> Markup:
    return Markup(clean(text))  # noqa: S704  # an edition's texts are sanitised HTML


def _statement(site: Site) -> StatementView | None:
    said = site.show.site.statement
    if said is None:
        return None
    return StatementView(
        status=_STATUS[said.status],
        prepared=date_words(said.prepared_on),
        reviewed=date_words(said.reviewed_on) if said.reviewed_on else "",
        tested=date_words(said.tested_on) if said.tested_on else "",
        tested_by=one_line(said.tested_by),
        tested_how=clean(said.tested_how),
        email=one_line(said.email) or site.view.email,
        phone=one_line(said.phone),
        reply_days=said.reply_days,
        barriers=tuple(
            {
                "what": one_line(each.what),
                "criterion": one_line(each.criterion),
                "reason": each.reason,
                "until": one_line(each.until),
            }
            for each in said.barriers
        ),
    )
