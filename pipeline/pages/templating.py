"""Template names and values in, text out; every failure names the template's file and line. Jinja2 lives here.

Our templates are strict: a name that does not exist is an error, not a blank. The design system's macros lean on
blanks, so they are compiled in an environment of their own, which ours reaches under names that start with `nhsuk/`.
"""

import difflib
import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import (
    BytecodeCache,
    ChainableUndefined,
    ChoiceLoader,
    Environment,
    FileSystemBytecodeCache,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
)

from pipeline import __version__
from pipeline.errors import TemplateError

_PACKAGED = Path(__file__).parent.parent / "templates"
DEFAULTS = _PACKAGED if _PACKAGED.is_dir() else _PACKAGED.parent.parent / "templates"
_LIBRARY_PREFIX = "nhsuk/"
# What a template's own expressions can raise, besides Jinja's errors.
_FAILURES = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)


class _OurEnvironment(Environment):
    def get_template(
        self,
        name: str | jinja2.Template,
        parent: str | None = None,
        globals: Any = None,  # noqa: A002  # the name is Jinja's
    ) -> jinja2.Template:
        if isinstance(name, str) and name.startswith(_LIBRARY_PREFIX):
            return _library().get_template(name, parent, globals)
        return super().get_template(name, parent, globals)


@cache
def _library() -> Environment:
    return Environment(
        loader=PackageLoader("nhsuk_frontend_jinja"),
        undefined=ChainableUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_compiled("library"),
    )


def strangers(templates: Path) -> Iterator[tuple[str, str]]:
    """Find files that have nearly the name of one of our templates, and so replace none.

    Yields:
        The name of each with the one that may be meant.

    Raises:
        OSError: the folder cannot be read.
    """
    ours = {path.name for path in DEFAULTS.glob("*.jinja")}
    there = sorted(path.name for path in templates.iterdir()) if templates.is_dir() else []
    for name in there:
        near = difflib.get_close_matches(name.lower(), sorted(ours), n=1, cutoff=0.75)
        if name not in ours and near:
            yield name, near[0]


def _compiled(kind: str) -> BytecodeCache | None:
    """Keep compiled templates where Jinja does: in a folder that this user alone may write to; no such folder, none.

    Compiling them is a good part of a build in which nothing has changed. `kind` keeps apart what is compiled with
    other options.
    """
    try:
        return FileSystemBytecodeCache(pattern=f"cln-media-{__version__}-{kind}-%s.cache")
    except (OSError, RuntimeError):
        return None


def html_environment(templates: Path | None) -> Environment:
    """Make the environment of the pages: every value is escaped for HTML. `templates` overrides single files."""
    return _environment(templates, autoescape=True, bytecode_cache=_compiled("html"))


def markdown_environment(templates: Path | None, escape: Callable[[object], object]) -> Environment:
    """Make the environment of the drafts: every value that a template puts out goes through `escape`."""
    return _environment(templates, autoescape=False, finalize=escape, bytecode_cache=_compiled("markdown"))


def _environment(templates: Path | None, **settings: Any) -> Environment:
    folders = [DEFAULTS] if templates is None else [templates, DEFAULTS]
    return _OurEnvironment(
        loader=ChoiceLoader([FileSystemLoader(folder, encoding="utf-8-sig") for folder in folders]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        **settings,
    )


def render_template(environment: Environment, name: str, values: Mapping[str, object], *, about: str) -> str:
    """Render the template called `name`.

    Args:
        environment: from html_environment or markdown_environment.
        name: the template's file name.
        values: all that the template may use.
        about: what is being rendered, for the message of an error: "episode choose-and-book".

    Raises:
        TemplateError: the template, or one that it uses, is missing, is not valid or names what does not exist.
    """
    try:
        return environment.get_template(name).render(values)
    except _FAILURES as error:
        raise TemplateError(
            f"{_reason(error)} (while rendering {about})",
            source=_place(error, name),
            hint=f"Mend this file; the values that templates may use are listed in {DEFAULTS / 'README.md'}.",
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, jinja2.TemplateNotFound):
        return f"there is no template called {error.name}"
    if isinstance(error, UnicodeDecodeError):
        return "the file is not UTF-8 text"
    message = str(error).rstrip(".") or type(error).__name__
    return message.replace("pipeline.pages.views.", "")


def _place(error: Exception, name: str) -> str:
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"{error.filename or error.name or name}:{error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(".jinja")]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else name
