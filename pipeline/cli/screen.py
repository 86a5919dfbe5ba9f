"""What the commands print: lines, tables, problems, progress bars on a terminal and plain lines elsewhere."""

import json
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click

from pipeline.errors import MediaError
from pipeline.model import Problem, clock

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

_BAR_STEPS = 1000
_ALIKE = 3  # warnings with the same advice that are shown one by one


class Screen:
    """Where a command speaks: answers on stdout, errors and remarks on stderr."""

    def __init__(self, *, verbose: bool = False, quiet: bool = False) -> None:
        self.verbose, self.quiet = verbose, quiet

    def silenced(self) -> "Screen":
        """Return a screen that says nothing but errors, for commands whose answer is JSON."""
        return Screen(verbose=False, quiet=True)

    def say(self, text: str) -> None:
        """Print a line of the answer."""
        if not self.quiet:
            _answer(plain(text))

    def detail(self, text: str) -> None:
        """Print a line that only --verbose asks for."""
        if self.verbose:
            self.say(text)

    def json(self, value: object) -> None:
        """Print a value as JSON, also with --quiet."""
        _answer(json.dumps(value, ensure_ascii=False, indent=2))

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print rows in columns."""
        lines = [[plain(cell) for cell in row] for row in (headings, *rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
        for line in lines:
            self.say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())

    def error_line(self, text: str) -> None:
        """Print a line on stderr."""
        click.echo(plain(text), err=True)

    def warn(self, problem: Problem) -> None:
        """Print a problem that does not stop the work."""
        if not self.quiet:
            self._problem("Warning", problem)

    def stalled(self, seconds: float) -> None:
        """Say that nothing has moved for so long, also while a bar is shown."""
        self.error_line(
            f"\nNo answer from the store for {seconds:.0f} s: still trying. Ctrl-C ends it; what has arrived is kept."
            if self.is_live
            else f"No answer from the store for {seconds:.0f} s: still trying."
        )

    def problems(self, problems: Sequence[Problem]) -> None:
        """Print problems, the fatal ones first, and how many there are."""
        for problem in sorted(problems, key=lambda problem: not problem.fatal):
            self._problem("Error" if problem.fatal else "Warning", problem)
        fatal = sum(problem.fatal for problem in problems)
        if fatal:
            self.error_line(f"{_count(fatal, 'error')}, {_count(len(problems) - fatal, 'warning')}.")
        else:
            self.say(f"No errors, {_count(len(problems), 'warning')}.")

    def failure(self, error: MediaError) -> None:
        """Print an error, or all the problems it stands for."""
        several: tuple[Problem, ...] = getattr(error, "problems", ())
        if several:
            self.problems(several)
            return
        self.error_line(f"Error: {_shown_path(error.source)}{error.message}.")
        if error.hint:
            self.error_line(f"Hint: {_sentence(error.hint)}")

    def report(self) -> "BuildReport":
        """Return what a build reports to."""
        return BuildReport(self)

    @contextmanager
    def bytes_progress(self, label: str, total: int) -> Iterator["Meter"]:
        """Show a bar over bytes on a terminal; elsewhere nothing."""
        with Meter(self, label, total) as meter:
            yield meter

    @property
    def is_live(self) -> bool:
        """Say whether a person watches: bars make sense only then."""
        return sys.stderr.isatty() and not self.quiet

    def _problem(self, kind: str, problem: Problem) -> None:
        self.error_line(f"{kind}: {problem.source}: {problem.message}.")
        self.error_line(f"  {_sentence(problem.hint)}")


class Meter:
    """A progress bar with the time left, or nothing where nobody watches. Safe to move from several threads."""

    def __init__(self, screen: Screen, label: str, total: int) -> None:
        self._lock = threading.Lock()
        self._total = max(total, 1)
        self._bar: ProgressBar[int] | None = None
        if screen.is_live:
            self._bar = click.progressbar(length=_BAR_STEPS, label=label, show_eta=True, file=sys.stderr)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.render_progress()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.render_finish()

    def to(self, done: float) -> None:
        """Move to `done` of the total."""
        if self._bar is None:
            return
        with self._lock:
            self._bar.update(int(done / self._total * _BAR_STEPS) - self._bar.pos)


class BuildReport:
    """What a build tells: one bar for each slow work on a terminal, and a line for each episode.

    Of many warnings with the same advice a few are shown; how many more there were is told at the end of the context.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._lengths_ms: Mapping[str, int] = {}
        self._done_ms: dict[str, float] = {}
        self._meter: Meter | None = None
        self._warned: dict[str, list[Problem]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for hint, alike in self._warned.items():
            left = [] if self._screen.verbose else [problem.source for problem in alike[_ALIKE:]]
            if left:
                some = ", ".join(left[:_ALIKE]) + (" and others" if len(left) > _ALIKE else "")
                message = f"and {_count(len(left), 'more warning')} with the same advice ({some}); --verbose shows each"
                self._screen.warn(Problem(source="episodes", message=message, hint=hint, fatal=False))

    def begin(self, work: str, lengths_ms: Mapping[str, int]) -> None:
        """Start the bar."""
        self._lengths_ms, self._done_ms = lengths_ms, {}
        for slug, length_ms in lengths_ms.items():
            self._screen.say(f"{work} {slug} ({clock(length_ms)})")
        self._meter = Meter(self._screen, work, sum(lengths_ms.values())).__enter__()

    def advance(self, slug: str, fraction: float) -> None:
        """Move the bar."""
        self._done_ms[slug] = fraction * self._lengths_ms[slug]
        if self._meter is not None:
            self._meter.to(sum(list(self._done_ms.values())))

    def finish(self) -> None:
        """End the bar."""
        if self._meter is not None:
            self._meter.__exit__()

    def warn(self, problem: Problem) -> None:
        """Print a problem that does not stop the build."""
        alike = self._warned.setdefault(problem.hint, [])
        alike.append(problem)
        if self._screen.verbose or len(alike) <= _ALIKE:
            self._screen.warn(problem)


def plain(text: str) -> str:
    """Make text from files safe for a terminal: control characters, which could move the cursor, become `?`."""
    return "".join(char if char.isprintable() or char == "\n" else "?" for char in text)


def _answer(text: str) -> None:
    try:
        click.echo(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        sys.stdout = None  # what could not be written would fail once more when Python ends
        hint = "The work itself is done: make room where the output goes, and run the same command again."
        raise MediaError(f"cannot be written: {error.strerror}", source="the output", hint=hint) from error


def _sentence(text: str) -> str:
    first = text.split(" ", 1)[0]
    return text if "/" in first or "." in first else text[:1].upper() + text[1:]  # a path stays as it is


def _shown_path(source: Path | str | None) -> str:
    if source is None:
        return ""
    if isinstance(source, Path) and source.is_relative_to(Path.cwd()):
        source = source.relative_to(Path.cwd())
    return f"{_one_line(str(source))}: "


def _one_line(text: str) -> str:
    return text.replace("\n", "?")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def size_text(size: int) -> str:
    """Write a size as people read it."""
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} B"
