"""An edition and Jinja2 templates in, every page of the site out, as bytes under its key; Jinja2 lives here.

The pages stand in the NHS design system without its logo and font, ask no other host for anything, hold no script of
their own and work without any, but for search, which leads elsewhere then.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment
from markupsafe import Markup

from pipeline import model, on_first_use
from pipeline.errors import TemplateError
from pipeline.model import Edition, Episode, Item, Show, Visibility, Withdrawal
from pipeline.pages import drafts, script, views
from pipeline.pages.assets import StaticFiles, design_system, static_files
from pipeline.pages.finding import findable, finding_recipe
from pipeline.pages.templating import DEFAULTS, html_environment, markdown_environment, render_template
from pipeline.pages.views import EpisodeView, PageView, ShowView
from pipeline.pages.waveform import waveform_svg

if TYPE_CHECKING:
    from pipeline.pages.report import Report, mastering_report, report_page

__all__ = [
    "Report",
    "certificate",
    "default_templates",
    "design_system",
    "draft_notes",
    "findable",
    "finding_recipe",
    "mastering_report",
    "members",
    "render",
    "report_page",
    "waveform_svg",
]

__getattr__ = on_first_use(__name__, dict.fromkeys(("Report", "mastering_report", "report_page"), "report"))

HOME_EPISODES = 20  # the home page shows the newest; episodes/ lists all


def render(edition: Edition, *, templates: Path | None = None) -> dict[str, bytes]:
    """Render every page of the public site, with the styles and scripts that the pages ask for.

    Args:
        edition: what is published. Items for members only appear nowhere.
        templates: a folder of templates that replace ours by file name; it may be missing or incomplete.

    Returns:
        The bytes of each file by its key, ascending; the same edition and templates give the same bytes.

    Raises:
        TemplateError: a template cannot be rendered (the message names file, line and episode), or the design
            system's files are not installed.
        ConfigError: the show's time zone is unknown.

    Source: WCAG 2.2 AA; oEmbed 1.0; sitemaps.org 0.9.
    """
    items = tuple(item for item in edition.items if item.episode.visibility is Visibility.PUBLIC)
    site = _site(edition, templates)
    shown = tuple((item, views.episode_view(edition, item)) for item in items)
    files = _assets(site)
    files.update(_shared_pages(site, items, tuple(view for _, view in shown)))
    for item, view in shown:
        files.update(_episode_files(site, item, view))
    for slug in edition.withdrawn:
        files.update(_tombstones(site, slug))
    files[model.SITEMAP_KEY] = _sitemap(edition, items)
    files["robots.txt"] = f"User-agent: *\nDisallow:\n\nSitemap: {edition.show.url(model.SITEMAP_KEY)}\n".encode()
    return dict(sorted(files.items()))


def members(edition: Edition, *, templates: Path | None = None) -> dict[str, bytes]:
    """Render what a members' feed links to: a list of its episodes, their transcripts and the styles of both.

    No page of these is for search engines, none tells another site where its reader came from, and none leads to the
    public pages.

    Args:
        edition: what the members' feed holds, with a show whose site is the members' own.
        templates: as for `render`.

    Raises:
        TemplateError: a template cannot be rendered, or the design system's files are not installed.
        ConfigError: the show's time zone is unknown.
    """
    site = _site(edition, templates)
    shown = tuple((item, views.episode_view(edition, item)) for item in edition.items)
    files = {key: data for key, data in site.static.contents.items() if not key.endswith(".js")}
    home = PageView(title=site.view.title, description="", address=None, is_indexed=False)
    episodes = tuple(view for _, view in shown)
    files[views.HOME_KEY] = site.page("members.html.jinja", home, about="members", episodes=episodes).encode()
    for item, view in shown:
        if item.episode.transcript is not None:
            title = f"Transcript: {view.title} \u2013 {site.view.title}"
            sheet = PageView(title=title, description="", address=None, is_indexed=False)
            text = site.page(
                "members-transcript.html.jinja",
                sheet,
                about=f"episode {view.slug}",
                episode=view,
                parts=script.parts(item.episode),
                transcript_language=_transcript_language(item, view),
            )
            files[model.transcript_key(view.slug, "html")] = text.encode()
    return dict(sorted(files.items()))


def draft_notes(show: Show, episode: Episode, *, templates: Path | None = None) -> str:
    """Draft an episode's show notes out of what is known, for a person to finish; the first line marks the draft.

    Args:
        show: for the names of regions and the time zone.
        episode: as far as it is known.
        templates: a folder that may hold another notes.md.jinja.

    Returns:
        CommonMark whose first line is model.DRAFT_MARK. All that the episode says is escaped.

    Raises:
        TemplateError: the template cannot be rendered; the message names file, line and episode.
        ConfigError: the show's time zone is unknown.
    """
    environment = markdown_environment(templates, drafts.escape)
    values = drafts.values(show, episode)
    text = render_template(environment, "notes.md.jinja", values, about=f"episode {episode.slug}")
    return f"{model.DRAFT_MARK}\n\n{text.strip()}\n"


def default_templates() -> Path:
    """Return the folder of the templates that came with the package.

    Raises:
        TemplateError: it is not there.
    """
    if not (DEFAULTS / "base.html.jinja").is_file():
        raise TemplateError("the templates are missing", source=DEFAULTS, hint="Install cln-media again.")
    return DEFAULTS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    show: Show
    view: ShowView
    static: StaticFiles
    environment: Environment

    def page(self, name: str, page: PageView, *, about: str, **values: object) -> str:
        return render_template(self.environment, name, {"page": page, **values}, about=about)


def _site(edition: Edition, templates: Path | None) -> _Site:
    show, static = edition.show, static_files()
    view = views.show_view(edition)
    environment = html_environment(templates)
    origin = "/".join(show.site_url.split("/", 3)[:3])
    links = {name: show.link(key) for name, key in static.keys.items()}
    environment.globals.update(show=view, assets=links, origin=origin)
    # The same on every page, and slow where the design system's macros draw them: rendered once.
    for part in ("header", "footer"):
        text = render_template(environment, f"{part}.html.jinja", {}, about=f"the {part} of every page")
        environment.globals[part] = Markup(text)  # noqa: S704  # rendered with escaping
    return _Site(show=show, view=view, static=static, environment=environment)


def _assets(site: _Site) -> dict[str, bytes]:
    unused = () if site.view.search else (site.static.keys["search.js"],)
    return {key: data for key, data in site.static.contents.items() if key not in unused}


def _search_page(site: _Site, items: tuple[Item, ...]) -> str:
    title = f"Search \u2013 {site.view.title}"
    page = PageView(title=title, description="", address=site.show.url(model.SEARCH_KEY), is_indexed=False)
    found = [findable(site.show, item, said=False) for item in items]
    there = {each.region for each in found}
    return site.page(
        "search.html.jinja",
        page,
        about="the search page",
        years=sorted({each.year for each in found}, reverse=True),
        regions=[region for region in site.show.regions if region.id in there],
    )


def _shared_pages(
    site: _Site, items: tuple[Item, ...], episodes: tuple[EpisodeView, ...]
) -> Iterator[tuple[str, bytes]]:
    show = site.view
    home = PageView(title=show.title, description=show.description, address=show.address)
    latest, data = episodes[:HOME_EPISODES], views.show_data(show)
    yield (
        views.HOME_KEY,
        site.page("home.html.jinja", home, about="the home page", episodes=latest, data=data).encode(),
    )
    every = _page(site, views.EPISODES_KEY, "All episodes", f"Every episode of {show.title}, newest first.")
    years = views.by_year(episodes)
    yield (
        views.EPISODES_KEY,
        site.page("episodes.html.jinja", every, about="the list of all episodes", years=years).encode(),
    )
    access = _page(site, views.ACCESSIBILITY_KEY, "Accessibility", f"How to use {show.title}, and how to ask for help.")
    yield (
        views.ACCESSIBILITY_KEY,
        site.page("accessibility.html.jinja", access, about="the accessibility page").encode(),
    )
    missing = PageView(title=f"Page not found \u2013 {show.title}", description="", address=None, is_indexed=False)
    if show.search:
        yield model.SEARCH_KEY, _search_page(site, items).encode()
    yield views.NOT_FOUND_KEY, site.page("404.html.jinja", missing, about="the page for wrong addresses").encode()


def _page(site: _Site, key: str, title: str, description: str) -> PageView:
    return PageView(title=f"{title} \u2013 {site.view.title}", description=description, address=site.show.url(key))


def _episode_files(site: _Site, item: Item, view: EpisodeView) -> Iterator[tuple[str, bytes]]:
    slug, about = view.slug, f"episode {view.slug}"
    parts = script.parts(item.episode)
    page = PageView(title=f"{view.title} \u2013 {site.view.title}", description=view.summary, address=view.address)
    data = views.episode_data(site.view, view, item)
    values: dict[str, Any] = {
        "about": about,
        "episode": view,
        "parts": parts,
        "transcript_language": _transcript_language(item, view),
    }
    wave = site.show.link(model.waveform_key(slug)) if item.waveform else ""
    yield model.episode_key(slug), site.page("episode.html.jinja", page, data=data, waveform=wave, **values).encode()
    embed = PageView(title=f"Listen: {page.title}", description="", address=view.address, is_indexed=False)
    yield model.embed_key(slug), site.page("embed.html.jinja", embed, about=about, episode=view).encode()
    yield model.oembed_key(slug), _json(views.oembed(site.view, view))
    if item.episode.transcript is not None:
        sheet = PageView(title=f"Transcript: {page.title}", description=view.summary, address=view.address)
        yield model.transcript_key(slug, "html"), site.page("transcript.html.jinja", sheet, **values).encode()


def _tombstones(site: _Site, slug: str) -> Iterator[tuple[str, bytes]]:
    """Say at the addresses of a withdrawn episode that it was withdrawn, and nothing else of it."""
    page = PageView(title=f"Episode withdrawn \u2013 {site.view.title}", description="", address=None, is_indexed=False)
    about = f"the withdrawn episode {slug}"
    yield model.episode_key(slug), site.page("withdrawn.html.jinja", page, about=about).encode()
    yield model.embed_key(slug), site.page("withdrawn-embed.html.jinja", page, about=about).encode()


def certificate(withdrawal: Withdrawal, show: Show, *, templates: Path | None = None) -> bytes:
    """Render the certificate of a withdrawal: a page by itself, to print or file. It is never published.

    Raises:
        TemplateError: the template cannot be rendered.
    """
    environment = html_environment(templates)
    name = "certificate.html.jinja"
    values = {"withdrawal": withdrawal, "title": show.title, "language": show.language}
    return render_template(environment, name, values, about=f"the certificate of {withdrawal.slug}").encode()


def _transcript_language(item: Item, view: EpisodeView) -> str:
    transcript = item.episode.transcript
    return transcript.language if transcript else view.language


def _json(value: dict[str, object]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def _sitemap(edition: Edition, items: tuple[Item, ...]) -> bytes:
    show = edition.show
    newest = views.newest(tuple(item.published for item in items), show.timezone)
    rows = [(views.HOME_KEY, newest), (views.ACCESSIBILITY_KEY, None), (views.EPISODES_KEY, newest)]
    rows += [(model.episode_key(item.episode.slug), views.newest((item.published,), show.timezone)) for item in items]
    return _sitemap_text((show.url(key), day) for key, day in rows).encode()


def _sitemap_text(rows: Iterable[tuple[str, str | None]]) -> Markup:
    lines = [
        Markup(" <url><loc>{}</loc>{}</url>\n").format(
            address, Markup("<lastmod>{}</lastmod>").format(day) if day else ""
        )
        for address, day in rows
    ]
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    return Markup("{}{}</urlset>\n").format(Markup(head), Markup("").join(lines))  # noqa: S704  # a constant
