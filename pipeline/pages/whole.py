"""An edition in, the pages of its site out: those of all episodes, and those of each, which may stand as they are."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from markupsafe import Markup, escape

from pipeline import model
from pipeline.model import Edition, Episode, Item, Visibility
from pipeline.pages import embeds, lists, moments, rendering, script, shared, views
from pipeline.pages.framing import COMPACT, TALL
from pipeline.pages.lists import Group
from pipeline.pages.manifest import manifest
from pipeline.pages.rendering import Leaf, Site, as_json, hashed
from pipeline.pages.views import EpisodeView, PageView

_T = TypeVar("_T")
SECURITY_KEY = ".well-known/security.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How pages show an episode, in hashes.

    beside: what is the same on every page; whole: all that templates see of it; brief: what stands on the pages of its
    neighbours.
    """

    beside: str
    whole: str
    brief: str


class Pages:
    """The pages of an edition's public site. items: the public ones, in the order of the edition."""

    def __init__(self, edition: Edition, templates: Path | None, known: Mapping[str, Shown] | None = None) -> None:
        """Prepare to render.

        Args:
            edition: what is published.
            templates: a folder of templates that replace ours.
            known: by slug, how pages showed the same items before, with the same settings.
        """
        self.items = tuple(item for item in edition.items if item.episode.visibility is Visibility.PUBLIC)
        self._edition = edition
        self._site = rendering.site(edition, templates)
        self._groups = lists.groups(self._site.show, self.items)
        by_slug = {item.episode.slug: item for item in self.items}
        self._views = _Lazily[EpisodeView](lambda slug: views.episode_view(edition, by_slug[slug]))
        self._beside = lists.neighbours(self.items)
        self._of_all = hashed((self._site.view, edition.thumbnail, edition.social))
        self._known = known or {}
        self.shown: Mapping[str, Shown] = _Lazily(self._shown)

    def _shown(self, slug: str) -> Shown:
        known = self._known.get(slug)
        if known is not None and known.beside == self._of_all:
            return known
        view = self._views[slug]
        return Shown(beside=self._of_all, whole=hashed(view), brief=hashed(_brief(view)))

    def leaves(self) -> Iterator[Leaf]:
        """List the pages that are no episode's own, but for `of_all`: they are rendered where they do not stand."""

        def hash_of(item: Item) -> str:
            return self.shown[item.episode.slug].whole

        yield from shared.leaves(self._site, self._edition, self.items, self._views, self._groups, hash_of)

    def of_all(self) -> Iterator[tuple[str, bytes]]:
        """Render what is made of all episodes, and the styles and scripts that all pages ask for.

        Raises:
            TemplateError: a template cannot be rendered.
        """
        site, edition = self._site, self._edition
        unused = () if site.view.search else (site.static.keys["search.js"],)
        yield from ((key, data) for key, data in site.static.contents.items() if key not in unused)
        yield from shared.render(site, self.items)
        for slug in edition.withdrawn:
            yield from _tombstones(site, slug)
        yield from _for_machines(edition, self.items, self._groups)
        if edition.icons:
            emblem = edition.show.link(site.static.keys["icon.svg"])
            yield views.MANIFEST_KEY, as_json(manifest(site.view, emblem=emblem, icons=edition.icons))

    def made_of(self, item: Item) -> str:
        """Hash what the pages of an episode are made of besides itself, the settings and the templates."""
        beside = [self.shown[each.episode.slug].brief if each else "" for each in self._beside[item.episode.slug]]
        return hashed((self._of_all, beside))

    def of_episode(self, item: Item) -> Iterator[tuple[str, bytes]]:
        """Render an episode's page, its players and its transcript.

        Raises:
            TemplateError: a template cannot be rendered.
        """
        site, view = self._site, self._views[item.episode.slug]
        older, newer = map(self._brief_view, self._beside[view.slug])
        page = PageView(title=f"{view.title} \u2013 {site.view.title}", description=view.summary, address=view.address)
        values: dict[str, Any] = {
            "about": f"episode {view.slug}",
            "episode": view,
            "parts": script.parts(item.episode),
            "transcript_language": transcript_language(item, view),
        }
        own: dict[str, Any] = {
            "data": views.episode_data(site.view, view, item),
            "waveform": site.show.link(model.waveform_key(view.slug)) if item.waveform else "",
            "groups": _groups(site, item.episode),
            "moments": moments.homeless(view.notes, values["parts"], view.chapters),
            "older": older,
            "newer": newer,
        }
        yield model.episode_key(view.slug), site.render("episode.html.jinja", page, **own, **values)
        yield from embeds.of_episode(site, view)
        if item.episode.transcript is not None:
            sheet = PageView(title=f"Transcript: {page.title}", description=view.summary, address=view.address)
            yield model.transcript_key(view.slug, "html"), site.render("transcript.html.jinja", sheet, **values)

    def _brief_view(self, item: Item | None) -> EpisodeView | None:
        """Show an episode on the page of another, which so stays as it is when notes are corrected."""
        return _brief(self._views[item.episode.slug]) if item else None


class _Lazily(dict[str, _T]):
    """Values by slug, each made when it is first asked for."""

    def __init__(self, make: Callable[[str], _T]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, slug: str) -> _T:
        return self.setdefault(slug, self._make(slug))


def _brief(view: EpisodeView) -> EpisodeView:
    return replace(view, notes=Markup(""), chapters=())


def transcript_language(item: Item, view: EpisodeView) -> str:
    """Name the language of an episode's words."""
    transcript = item.episode.transcript
    return transcript.language if transcript else view.language


def _groups(site: Site, episode: Episode) -> dict[str, dict[str, str]]:
    """Link the lists that an episode stands in: by kind, the link by title."""
    found = lists.of_episode(site.show, episode)
    kinds = (lists.REGIONS, lists.SEASONS, lists.SETS, lists.TOPICS, lists.PEOPLE)
    return {kind: {title: site.show.link(key) for title, key in found.get(kind, ())} for kind in kinds}


def _tombstones(site: Site, slug: str) -> Iterator[tuple[str, bytes]]:
    """Say at the addresses of a withdrawn episode that it was withdrawn, and nothing else of it."""
    page = PageView(title=f"Episode withdrawn \u2013 {site.view.title}", description="", address=None, is_indexed=False)
    about = f"the withdrawn episode {slug}"
    yield model.episode_key(slug), site.render("withdrawn.html.jinja", page, about=about)
    for form in (COMPACT, TALL):
        yield model.embed_key(slug, form), site.render("withdrawn-embed.html.jinja", page, about=about)


def _for_machines(edition: Edition, items: tuple[Item, ...], groups: tuple[Group, ...]) -> Iterator[tuple[str, bytes]]:
    show, said = edition.show, edition.show.site
    rows = [
        (key, views.newest(tuple(each.published for each in of), show.timezone))
        for key, of in shared.keys(edition, items, groups)
    ]
    rows += [(model.episode_key(item.episode.slug), views.newest((item.published,), show.timezone)) for item in items]
    yield model.SITEMAP_KEY, _sitemap_text((show.url(key), day) for key, day in rows).encode()
    yield "robots.txt", f"User-agent: *\nDisallow:\n\nSitemap: {show.url(model.SITEMAP_KEY)}\n".encode()
    if said.security_contact and said.security_expires:
        lines = [f"Contact: {said.security_contact}", f"Expires: {said.security_expires}T00:00:00Z"]
        lines += ["Preferred-Languages: en", f"Canonical: {show.url(SECURITY_KEY)}"]
        yield SECURITY_KEY, "".join(f"{line}\n" for line in lines).encode()


def _sitemap_text(rows: Iterable[tuple[str, str | None]]) -> str:
    lines = []
    for address, day in rows:
        changed = f"<lastmod>{escape(day)}</lastmod>" if day else ""
        lines.append(f" <url><loc>{escape(address)}</loc>{changed}</url>\n")
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    return f"{head}{''.join(lines)}</urlset>\n"
