"""The command `review`: what could identify a patient, shown to a person, and what they decide about it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Literal

import click

from pipeline import identifiers, trust
from pipeline.build import listening
from pipeline.build.survey import CheckFailedError, Survey
from pipeline.cli import looking
from pipeline.cli.screen import Screen
from pipeline.errors import BusyError, WorkspaceError
from pipeline.model import Decision, Episode, Verdict, clock
from pipeline.publish.guard import held
from pipeline.workspace import Workspace

Choice = Literal["accept", "remove", "mute", "hold"]
_HEADINGS = ("ID", "What", "How sure", "Where", "Words", "Decided")
_SHOWN_AROUND = 30
_WIDE_MS = 2_000
_PATIENCE_S = 30
_ANSWERS: dict[str, Choice | None] = {"a": "accept", "r": "remove", "m": "mute", "h": "hold", "s": None}


def is_somebody_there() -> bool:
    """Say whether a person can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


@contextmanager
def one_at_a_time(where: Workspace) -> Iterator[None]:
    """Let one program of this computer at a time change what was decided and signed.

    Raises:
        BusyError: another one takes too long.
        WorkspaceError: the folder for what may be lost cannot be written.
    """
    path = where.cache / "trust"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with held(path, patience_s=_PATIENCE_S):
            yield
    except TimeoutError as error:
        hint = "Wait until the other cln-media has ended, then run the same command again."
        raise BusyError("something else is being decided or signed here", source=where.root, hint=hint) from error
    except OSError as error:
        hint = "Check the free space and the rights of that folder."
        raise WorkspaceError(f"cannot be written: {error.strerror}", source=path, hint=hint) from error


class Desk:
    """An episode on the desk of the person who decides about it.

    Raises:
        WorkspaceError: there is no such episode, or it cannot be read.
    """

    def __init__(self, where: Workspace, slug: str, screen: Screen, *, now: datetime) -> None:
        self._where, self._slug, self._screen, self._now = where, slug, screen, now
        self._look()

    def decide(self, identity: str, choice: Choice, *, reason: str, by: str | None, wide: bool = False) -> None:
        """Write down what a person decides about a finding.

        Where a speech model is named in the settings, only the words themselves are covered (and 400 ms to each side);
        otherwise all that is said in the same cues. `wide` covers those and two seconds more to each side.

        Raises:
            WorkspaceError: there is no such finding, or it cannot be removed by itself.
        """
        found = self._found(identity)
        if choice == "accept" and not reason.strip():
            raise click.UsageError("Say why it identifies nobody: --accept REASON.")
        if choice in {"remove", "mute"} and not found.may_be_removed:
            hint = "change it there yourself; then look again: cln-media review"
            raise WorkspaceError(f"{found.field} cannot be removed by itself", source=found.file, hint=hint)
        verdict = Verdict.REMOVE if choice == "mute" else Verdict(choice)
        times = self._times(found, wide=wide) if verdict is Verdict.REMOVE else None
        decision = trust.decided(
            found,
            verdict,
            by=self._by(by),
            on=self._now.date(),
            reason=reason,
            mute=choice == "mute",
            times=times,
        )
        with one_at_a_time(self._where):
            self._look()  # others may have decided meanwhile
            self._write(found, decision)
        self._look()

    def _write(self, found: trust.Found, decision: Decision) -> None:
        kept = tuple(each for each in self._episode.decisions if not trust.is_about(each, found))
        trust.trail.note(
            self._where.trail,
            "decide",
            slug=self._slug,
            verdict=str(decision.verdict),
            kind=found.kind,
            file=found.file,
            said=decision.said,
            by=decision.by,
        )
        trust.write_decisions(self._episode, (*kept, decision))

    def ask(self, by: str | None) -> None:
        """Go through what is open, and ask."""
        for found in self._open():
            self._screen.say(f"\n{found.what} ({found.severity}), {self._place(found)}:")
            self._screen.say(f"  {found.before}>>> {found.words} <<<{found.after}")
            removal = "[r]emove, [m]ute, " if found.may_be_removed else ""
            allowed = click.Choice(list("armhs" if found.may_be_removed else "ahs"))
            question = f"[a]ccept, {removal}[h]old, [s]kip"
            answer = click.prompt(question, type=allowed, show_choices=False, default="s")
            choice = _ANSWERS[answer]
            if choice is None:
                continue
            reason = click.prompt("Why does it identify nobody?") if choice == "accept" else ""
            by = self._by(by)
            self.decide(found.id, choice, reason=reason, by=by)

    def show(self, *, as_json: bool) -> bool:
        """Print every finding; return whether any is open."""
        found = self._survey.reviewed[self._slug].found
        open_ = self._open()
        if as_json:
            self._screen.json([_as_json(each) for each in found])
            return bool(open_)
        if found:
            self._screen.table(_HEADINGS, [self._cells(each) for each in found])
        if open_:
            self._screen.say(
                f"{len(open_)} to decide: cln-media review {self._slug} ID --accept REASON, --remove, --mute or --hold"
            )
        else:
            self._screen.say(f"{self._slug}: nothing is open. A listener must still judge what no rule can find.")
        return bool(open_)

    def _look(self) -> None:
        self._survey: Survey = looking.look(self._where, now=self._now)
        self._survey.require((self._slug,))
        found = next((each for each in self._survey.episodes if each.slug == self._slug), None)
        if found is None:
            raise CheckFailedError(self._survey.problems)
        self._episode: Episode = found

    def _times(self, found: trust.Found, *, wide: bool) -> tuple[int, int] | None:
        if found.start_ms is None or found.end_ms is None or self._survey.show is None:
            return None
        if wide:
            return max(0, found.start_ms - _WIDE_MS), found.end_ms + _WIDE_MS
        return listening.times(self._survey.show, self._episode, found, identifiers.find)

    def _open(self) -> tuple[trust.Found, ...]:
        return self._survey.reviewed[self._slug].open

    def _found(self, identity: str) -> trust.Found:
        found = [each for each in self._survey.reviewed[self._slug].found if each.id.startswith(identity.lower())]
        if len(found) != 1:
            hint = f"See what was found: cln-media review {self._slug}"
            raise WorkspaceError(f'there is no finding "{identity}"', source=self._slug, hint=hint)
        return found[0]

    def _by(self, by: str | None) -> str:
        if by and by.strip():
            return by.strip()
        if not is_somebody_there():
            raise click.UsageError('Say in which role you decide: --by "ROLE".')
        return str(click.prompt("In which role do you decide?")).strip()

    def _place(self, found: trust.Found) -> str:
        if found.start_ms is None:
            return f"{found.file}, {found.field}"
        return f"{found.field} at {clock(found.start_ms)}"

    def _cells(self, found: trust.Found) -> tuple[str, ...]:
        words = f"{found.before[-_SHOWN_AROUND:]}>{found.words}<{found.after[:_SHOWN_AROUND]}"
        decision = found.decision
        decided = "open" if decision is None or found.is_open else f"{decision.verdict} ({decision.by})"
        return found.id, found.what, found.severity, self._place(found), " ".join(words.split()), decided


def _as_json(found: trust.Found) -> dict[str, Any]:
    return {**asdict(replace(found, decision=None)), "open": found.is_open, "decision": _decision(found)}


def _decision(found: trust.Found) -> dict[str, Any] | None:
    decision = found.decision
    return {**asdict(decision), "on": decision.on.isoformat()} if decision else None
