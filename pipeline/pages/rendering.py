"""An edition and a folder of templates in, what every page of a site is rendered with out."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from pipeline.model import Edition, Show
from pipeline.pages import views
from pipeline.pages.assets import StaticFiles, static_files
from pipeline.pages.templating import html_environment, render_template
from pipeline.pages.views import PageView, ShowView


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """Pages that need not be rendered where they stand already.

    name: tells them from others; made_of: a hash of all that decides what they are, but for the settings, the templates
    and this program; render: makes the bytes of each by its key.
    """

    name: str
    made_of: str
    render: Callable[[], Iterable[tuple[str, bytes]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A show as templates see it, and the templates."""

    show: Show
    view: ShowView
    static: StaticFiles
    environment: Environment

    def render(self, name: str, page: PageView, *, about: str, **values: object) -> bytes:
        """Render a template.

        Args:
            name: its file name.
            page: what its head says.
            about: what is being rendered, for the message of an error.
            values: what else it may use.

        Raises:
            TemplateError: it cannot be rendered.
        """
        return render_template(self.environment, name, {"page": page, **values}, about=about).encode()

    def page(self, key: str, title: str, description: str, *, is_indexed: bool = True) -> PageView:
        """Describe the head of a page that stands under a key."""
        address = self.show.url(key) if is_indexed else None
        title = f"{title} \u2013 {self.view.title}"
        return PageView(title=title, description=description, address=address, is_indexed=is_indexed)


def site(edition: Edition, templates: Path | None) -> Site:
    """Prepare what the pages of a site share.

    Raises:
        TemplateError: a template cannot be rendered, or the design system's files are not installed.
    """
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
    return Site(show=show, view=view, static=static, environment=environment)


def hashed(value: object) -> str:
    """Hash values by all that their representation says of them."""
    return hashlib.sha256(repr(value).encode(errors="surrogateescape")).hexdigest()


def as_json(value: dict[str, object]) -> bytes:
    """Write JSON for other programs."""
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()
