"""An edition and Jinja2 templates in, every page of the site out, as bytes under its key; Jinja2 lives here.

The pages stand in the NHS design system without its logo and font, ask no other host for anything, hold no script of
their own and work without any, but for search, which leads elsewhere then.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from pipeline import model, on_first_use
from pipeline.errors import TemplateError
from pipeline.model import Edition, Episode, Item, Show, Visibility, Withdrawal
from pipeline.pages import drafts, embeds, lists, moments, rendering, script, shared, views
from pipeline.pages.assets import design_system
from pipeline.pages.captions import episode_caption, feed_caption, region_caption, show_caption
from pipeline.pages.finding import findable, finding_recipe
from pipeline.pages.framing import COMPACT, TALL
from pipeline.pages.manifest import manifest
from pipeline.pages.rendering import Site, as_json
from pipeline.pages.templating import DEFAULTS, html_environment, markdown_environment, render_template
from pipeline.pages.views import EpisodeView, PageView
from pipeline.pages.waveform import waveform_svg

if TYPE_CHECKING:
    from pipeline.pages.report import Report, mastering_report, report_page

__all__ = [
    "Report",
    "certificate",
    "default_templates",
    "design_system",
    "draft_notes",
    "episode_caption",
    "feed_caption",
    "findable",
    "finding_recipe",
    "mastering_report",
    "members",
    "region_caption",
    "render",
    "rendered",
    "report_page",
    "show_caption",
    "waveform_svg",
]

__getattr__ = on_first_use(__name__, dict.fromkeys(("Report", "mastering_report", "report_page"), "report"))

SECURITY_KEY = ".well-known/security.txt"


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

    Source: WCAG 2.2 AA; oEmbed 1.0; sitemaps.org 0.9; RFC 9116.
    """
    return dict(sorted(rendered(edition, templates=templates)))


def rendered(edition: Edition, *, templates: Path | None = None) -> Iterator[tuple[str, bytes]]:
    """Render what `render` does, one file after the other, so that a large site need not fit into memory."""
    items = tuple(item for item in edition.items if item.episode.visibility is Visibility.PUBLIC)
    site = rendering.site(edition, templates)
    shown = {item.episode.slug: views.episode_view(edition, item) for item in items}
    unused = () if site.view.search else (site.static.keys["search.js"],)
    yield from ((key, data) for key, data in site.static.contents.items() if key not in unused)
    yield from shared.render(site, edition, items, shown)
    beside = lists.neighbours(items)
    for item in items:
        older, newer = (shown[each.episode.slug] if each else None for each in beside[item.episode.slug])
        yield from _episode_files(site, item, shown[item.episode.slug], older=older, newer=newer)
    for slug in edition.withdrawn:
        yield from _tombstones(site, slug)
    yield from _for_machines(edition, items)
    if edition.icons:
        emblem = edition.show.link(site.static.keys["icon.svg"])
        yield views.MANIFEST_KEY, as_json(manifest(site.view, emblem=emblem, icons=edition.icons))


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
    site = rendering.site(edition, templates)
    shown = tuple((item, views.episode_view(edition, item)) for item in edition.items)
    files = {key: data for key, data in site.static.contents.items() if not key.endswith(".js")}
    home = PageView(title=site.view.title, description="", address=None, is_indexed=False)
    episodes = tuple(view for _, view in shown)
    files[views.HOME_KEY] = site.render("members.html.jinja", home, about="members", episodes=episodes)
    for item, view in shown:
        if item.episode.transcript is not None:
            title = f"Transcript: {view.title} \u2013 {site.view.title}"
            sheet = PageView(title=title, description="", address=None, is_indexed=False)
            files[model.transcript_key(view.slug, "html")] = site.render(
                "members-transcript.html.jinja",
                sheet,
                about=f"episode {view.slug}",
                episode=view,
                parts=script.parts(item.episode),
                transcript_language=_transcript_language(item, view),
            )
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


def _episode_files(
    site: Site, item: Item, view: EpisodeView, *, older: EpisodeView | None, newer: EpisodeView | None
) -> Iterator[tuple[str, bytes]]:
    slug, about = view.slug, f"episode {view.slug}"
    page = PageView(title=f"{view.title} \u2013 {site.view.title}", description=view.summary, address=view.address)
    values: dict[str, Any] = {
        "about": about,
        "episode": view,
        "parts": script.parts(item.episode),
        "transcript_language": _transcript_language(item, view),
    }
    own: dict[str, Any] = {
        "data": views.episode_data(site.view, view, item),
        "waveform": site.show.link(model.waveform_key(slug)) if item.waveform else "",
        "groups": _groups(site, item.episode),
        "moments": moments.homeless(view.notes, values["parts"], view.chapters),
        "older": older,
        "newer": newer,
    }
    yield model.episode_key(slug), site.render("episode.html.jinja", page, **own, **values)
    yield from embeds.of_episode(site, view)
    if item.episode.transcript is not None:
        sheet = PageView(title=f"Transcript: {page.title}", description=view.summary, address=view.address)
        yield model.transcript_key(slug, "html"), site.render("transcript.html.jinja", sheet, **values)


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


def _for_machines(edition: Edition, items: tuple[Item, ...]) -> Iterator[tuple[str, bytes]]:
    show, said = edition.show, edition.show.site
    rows = [
        (key, views.newest(tuple(each.published for each in of), show.timezone))
        for key, of in shared.keys(edition, items)
    ]
    rows += [(model.episode_key(item.episode.slug), views.newest((item.published,), show.timezone)) for item in items]
    yield model.SITEMAP_KEY, _sitemap_text((show.url(key), day) for key, day in rows).encode()
    yield "robots.txt", f"User-agent: *\nDisallow:\n\nSitemap: {show.url(model.SITEMAP_KEY)}\n".encode()
    if said.security_contact and said.security_expires:
        lines = [f"Contact: {said.security_contact}", f"Expires: {said.security_expires}T00:00:00Z"]
        lines += ["Preferred-Languages: en", f"Canonical: {show.url(SECURITY_KEY)}"]
        yield SECURITY_KEY, "".join(f"{line}\n" for line in lines).encode()


def _sitemap_text(rows: Iterable[tuple[str, str | None]]) -> Markup:
    lines = [
        Markup(" <url><loc>{}</loc>{}</url>\n").format(
            address, Markup("<lastmod>{}</lastmod>").format(day) if day else ""
        )
        for address, day in rows
    ]
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    return Markup("{}{}</urlset>\n").format(Markup(head), Markup("").join(lines))  # noqa: S704  # a constant
