"""One thing that was looked at from outside, and what was found."""

from dataclasses import dataclass
from typing import Literal

State = Literal["right", "wrong", "unsure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a podcast app meets at an address.

    what: what was looked at, such as "enclosure length" (docs/verifying.md lists them); detail: a few words.
    """

    what: str
    address: str
    state: State
    detail: str


def finding(what: str, address: str, is_right: bool | None, detail: str) -> Finding:
    """Make a finding; None where nothing can be said for certain."""
    state: State = "unsure" if is_right is None else "right" if is_right else "wrong"
    return Finding(what=what, address=address, state=state, detail=detail)
