"""An item or a list of items in, the players that other sites embed out: pages, oEmbed descriptions, code to copy."""

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline import model
from pipeline.pages.framing import COMPACT, HEIGHTS_PX, LIST, TALL, WIDTH_PX, code
from pipeline.pages.rendering import Site, as_json
from pipeline.pages.views import EpisodeView, PageView, ShowView

LISTED = 5  # the newest episodes that a list shows
LATEST, REGIONS = "latest", "regions"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeView:
    """A player to embed. name: for people; address: of its page; code: the HTML to copy; link: its page in the site."""

    name: str
    address: str
    code: str
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferView:
    """The players of a region, or of the whole show, that always play the newest. id: a word for the page."""

    title: str
    id: str
    codes: tuple[CodeView, ...]


_VERBS = {COMPACT: "Listen", TALL: "Listen with chapters", LIST: "Listen"}
_NAMES = {COMPACT: "Player", TALL: "Player with chapters", LIST: f"The newest {LISTED} episodes"}


def of_episode(site: Site, view: EpisodeView) -> Iterator[tuple[str, bytes]]:
    """Render the players of an episode, and its description for sites that ask what to embed."""
    for form in (COMPACT, TALL):
        title = f"{_VERBS[form]}: {view.title} \u2013 {site.view.title}"
        page = PageView(title=title, description="", address=view.address, is_indexed=False)
        yield model.embed_key(view.slug, form), _player(site, form, (view,), page, about=f"episode {view.slug}")
    yield model.oembed_key(view.slug), as_json(oembed(site.view, view.title, view.embed_code))


def of_newest(site: Site, name: str, title: str, newest: tuple[EpisodeView, ...]) -> Iterator[tuple[str, bytes]]:
    """Render the players that always play the newest, so that whoever embeds them does so once.

    Args:
        site: the show.
        name: LATEST, or REGIONS and the region.
        title: of the region, or of the show.
        newest: the episodes, the newest first.
    """
    for form in (COMPACT, TALL, LIST):
        what = "the newest episodes" if form == LIST else "the newest episode"
        page = site.page(model.embed_key(name, form), f"{_VERBS[form]}: {what} of {title}", "", is_indexed=False)
        chosen = newest[: LISTED if form == LIST else 1]
        of = title if name != LATEST else ""
        yield model.embed_key(name, form), _player(site, form, chosen, page, about=f"the newest of {title}", region=of)
    made = code(_address(site, name, COMPACT), f"the newest episode of {title}", COMPACT, site.view.address, title)
    yield model.oembed_key(name), as_json(oembed(site.view, title, str(made)))


def offer(site: Site, name: str, title: str, more: str) -> OfferView:
    """Say which players of the newest there are, with the code to copy.

    Args:
        site: the show.
        name: as for `of_newest`.
        title: of the region, or of the show.
        more: the address of the page with all of it.
    """
    codes = []
    for form in (COMPACT, TALL, LIST):
        what = f"the newest episodes of {title}" if form == LIST else f"the newest episode of {title}"
        made = code(_address(site, name, form), what, form, more, title)
        link = site.show.link(model.embed_key(name, form))
        codes.append(CodeView(name=_NAMES[form], address=_address(site, name, form), code=str(made), link=link))
    return OfferView(title=title, id=place(name), codes=tuple(codes))


def place(name: str) -> str:
    """Say where on the page of players those of `name` stand."""
    return name.replace("/", "-")


def oembed(show: ShowView, title: str, html: str) -> dict[str, object]:
    """Describe a player as oEmbed 1.0 does.

    Source: oEmbed 1.0, sections 2.3.4 and 2.3.4.4 (sizes are numbers of pixels).
    """
    return {
        "version": "1.0",
        "type": "rich",
        "title": title,
        "author_name": show.author,
        "provider_name": show.title,
        "provider_url": show.address,
        "cache_age": 86_400,
        "width": WIDTH_PX,
        "height": HEIGHTS_PX[COMPACT],
        "html": html,
        "thumbnail_url": show.image.address,
        "thumbnail_width": show.image.width,
        "thumbnail_height": show.image.height,
    }


def _player(
    site: Site, form: str, episodes: tuple[EpisodeView, ...], page: PageView, *, about: str, region: str = ""
) -> bytes:
    return site.render("embed.html.jinja", page, about=about, episodes=episodes, form=form, region=region)


def _address(site: Site, name: str, form: str) -> str:
    return site.show.url(model.embed_key(name, form))
