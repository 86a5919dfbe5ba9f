"""The labelled sentences enter, recall and precision by kind are printed, and the speed of the search."""

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pipeline import identifiers
from pipeline.identifiers import People

LABELLED = Path(__file__).parents[2] / "tests/labelled/identifiers.jsonl"
TODAY = date(2026, 11, 26)
_SPEED_WORDS = 90_000


@dataclass(slots=True)
class Score:
    """What was found of what is there, by kind. flagged: sentences with nothing in them that gave more than a check."""

    found: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    plain: int = 0
    flagged: int = 0

    def recall(self, kind: str) -> float:
        """Return the share of what is there that was found."""
        return self.found[kind] / max(1, self.found[kind] + self.missed[kind])

    def precision(self, kind: str) -> float:
        """Return the share of what was found that is there."""
        return self.found[kind] / max(1, self.found[kind] + self.wrong[kind])


def labelled() -> list[dict[str, Any]]:
    """Read the labelled sentences."""
    return [json.loads(line) for line in LABELLED.read_text(encoding="utf-8").splitlines()]


def scored(rows: list[dict[str, Any]], people: People | None) -> Score:
    """Search sentences: a finding counts where it has the kind of a label and overlaps it."""
    score = Score()
    for row in rows:
        findings = identifiers.find(row["text"], people=people, today=TODAY)
        right = set()
        for label in row["findings"]:
            start = row["text"].index(label["text"])
            end = start + len(label["text"])
            hits = {f for f in findings if f.kind == label["type"] and f.start < end and start < f.end}
            right |= hits
            (score.found if hits else score.missed)[label["type"]] += 1
        score.wrong.update(finding.kind for finding in findings if finding not in right)
        score.plain += not row["findings"]
        score.flagged += not row["findings"] and any(finding.severity != "check" for finding in findings)
    return score


def identifying() -> None:
    """Recall and precision by kind, of sentences written beside the rules and blind (whose faults were mended)."""
    rows = labelled()
    people = identifiers.people()
    for name, finder in (("rules", None), ("rules and model", people)):
        if finder is None and name != "rules":
            print("model                         not installed: cln-media[identifiers]")
            continue
        for blind in (False, True):
            _print(
                f"{name}, {'written blind' if blind else 'beside the rules'}",
                [r for r in rows if r.get("blind", False) is blind],
                finder,
            )
        _speed(name, rows, finder)


def _print(name: str, rows: list[dict[str, Any]], people: People | None) -> None:
    score = scored(rows, people)
    print(f"{name}: {len(rows)} sentences; {score.flagged} of {score.plain} without identifiers flagged")
    for kind in sorted({*score.found, *score.missed, *score.wrong}):
        there = score.found[kind] + score.missed[kind]
        print(f"  {kind:<16} {there:4}   recall {score.recall(kind):5.3f}   precision {score.precision(kind):5.3f}")


def _speed(name: str, rows: list[dict[str, Any]], people: People | None) -> None:
    sentences = "\n".join(row["text"] for row in rows)
    text = "\n".join([sentences] * (1 + _SPEED_WORDS // len(sentences.split())))
    if people is not None:
        list(people("Once, so that the model is loaded."))
    start = time.perf_counter()
    identifiers.find(text, people=people, today=TODAY)
    took = time.perf_counter() - start
    print(f"  {name}: {len(text.split()) / took:,.0f} words a second")
