"""An edition and Jinja2 templates in, every page of the site out, as bytes under its key; Jinja2 lives here.

The pages stand in the NHS design system without its logo and font, ask no other host for anything, hold no script of
their own and work without any, but for search, which leads elsewhere then.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import model, on_first_use
from pipeline.errors import TemplateError
from pipeline.model import Edition, Episode, Show, Withdrawal
from pipeline.pages import drafts, rendering, script, views
from pipeline.pages.assets import design_system
from pipeline.pages.captions import episode_caption, feed_caption, region_caption, show_caption
from pipeline.pages.drafts import WITHOUT_WORDS, Heard
from pipeline.pages.finding import findable, finding_recipe
from pipeline.pages.rendering import Leaf
from pipeline.pages.templating import DEFAULTS, html_environment, markdown_environment, render_template, strangers
from pipeline.pages.views import PageView
from pipeline.pages.waveform import waveform_svg
from pipeline.pages.whole import Pages, Shown, transcript_language

if TYPE_CHECKING:
    from pipeline.pages.report import Report, mastering_report, report_page

__all__ = [
    "WITHOUT_WORDS",
    "Heard",
    "Leaf",
    "Pages",
    "Report",
    "Shown",
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
    "strangers",
    "waveform_svg",
]

__getattr__ = on_first_use(__name__, dict.fromkeys(("Report", "mastering_report", "report_page"), "report"))


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
    made = Pages(edition, templates)
    yield from made.of_all()
    for leaf in made.leaves():
        yield from leaf.render()
    for item in made.items:
        yield from made.of_episode(item)


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
                transcript_language=transcript_language(item, view),
            )
    return dict(sorted(files.items()))


def draft_notes(
    show: Show, episode: Episode, *, heard: drafts.Heard | None = None, templates: Path | None = None
) -> str:
    """Draft an episode's show notes out of what is known, for a person to finish; the first line marks the draft.

    Args:
        show: for the names of regions and the time zone.
        episode: as far as it is known, with the chapters that it has or that are proposed.
        heard: what is known of its words; None where there is no transcript yet, and the draft says so to whoever
            reads it.
        templates: a folder that may hold another notes.md.jinja.

    Returns:
        CommonMark whose first line is model.DRAFT_MARKS. All that the episode says is escaped.

    Raises:
        TemplateError: the template cannot be rendered; the message names file, line and episode.
        ConfigError: the show's time zone is unknown.
    """
    environment = markdown_environment(templates, drafts.escape)
    values = drafts.values(show, episode, heard)
    text = render_template(environment, "notes.md.jinja", values, about=f"episode {episode.slug}")
    marks = [model.DRAFT_MARKS[model.Part.NOTES], *([] if heard else [drafts.WITHOUT_WORDS])]
    return "\n".join(marks) + f"\n\n{text.strip()}\n"


def default_templates() -> Path:
    """Return the folder of the templates that came with the package.

    Raises:
        TemplateError: it is not there.
    """
    if not (DEFAULTS / "base.html.jinja").is_file():
        raise TemplateError("the templates are missing", source=DEFAULTS, hint="Install cln-media again.")
    return DEFAULTS


def certificate(withdrawal: Withdrawal, show: Show, *, templates: Path | None = None) -> bytes:
    """Render the certificate of a withdrawal: a page by itself, to print or file. It is never published.

    Raises:
        TemplateError: the template cannot be rendered.
    """
    environment = html_environment(templates)
    name = "certificate.html.jinja"
    values = {"withdrawal": withdrawal, "title": show.title, "language": show.language}
    return render_template(environment, name, values, about=f"the certificate of {withdrawal.slug}").encode()
