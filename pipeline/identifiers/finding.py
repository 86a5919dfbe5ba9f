"""Places in a text enter, findings leave: made, blanked out, and sifted until none overlaps another."""

from collections.abc import Iterable
from typing import Literal

from pipeline.model import Finding

Severity = Literal["certain", "likely", "check"]

_STRENGTH: tuple[Severity, ...] = ("certain", "likely", "check")


def made(kind: str, text: str, start: int, end: int, severity: Severity) -> Finding:
    """Make a finding of a place in a text."""
    return Finding(kind=kind, start=start, end=end, text=text[start:end], severity=severity)


def blanked(text: str, places: Iterable[tuple[int, int]]) -> str:
    """Put marks that mean nothing over places of a text; every other character stays where it is."""
    pieces, position = [], 0
    for start, end in sorted(places):
        begin = max(position, start)
        pieces += [text[position:begin], "#" * (end - begin)]
        position = max(position, end)
    return "".join([*pieces, text[position:]])


def without_overlaps(findings: Iterable[Finding], length: int) -> tuple[Finding, ...]:
    """Keep, of findings that overlap, the stronger, then the longer; ascending.

    Args:
        findings: in any order.
        length: of the text, characters.
    """
    taken = bytearray(length)
    kept = []
    for finding in sorted(findings, key=lambda each: (_STRENGTH.index(each.severity), each.start - each.end)):
        if 1 not in taken[finding.start : finding.end]:
            taken[finding.start : finding.end] = b"\1" * (finding.end - finding.start)
            kept.append(finding)
    return tuple(sorted(kept, key=lambda each: each.start))
