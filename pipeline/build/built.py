"""What a build did, and what of it is written down, so that a build of which nothing has changed can say the same."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pipeline.build.members import MembersEdition
from pipeline.build.standing import Last
from pipeline.model import Problem, Release, Visibility
from pipeline.trust.identities import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a build did.

    unsigned: what keeps episodes out that are due; `publish` does nothing while there are any; removals: by slug, a
    hash of all that was decided to be removed from what is published; identities: what stays of each that is due;
    waiting: slugs of those that were left out, for want of a signature or because something is wrong with them;
    withdrawals: how many it knew of.
    """

    release: Release
    episodes: int
    mastered: int
    written: int
    unchanged: int
    removed: int
    members: tuple[MembersEdition, ...] = ()
    unsigned: tuple[Problem, ...] = ()
    removals: Mapping[str, str] = field(default_factory=dict)
    identities: Mapping[str, Identity] = field(default_factory=dict)
    waiting: frozenset[str] = frozenset()
    withdrawals: int = 0

    def __str__(self) -> str:
        sentence = (
            f"{self.episodes} {'episode' if self.episodes == 1 else 'episodes'}: {self.mastered} mastered, "
            f"{self.episodes - self.mastered} from the cache; {self.written} files written, {self.unchanged} unchanged"
        )
        return f"{sentence}, {self.removed} removed" if self.removed else sentence


def facts(built: Built) -> dict[str, Any]:
    """Write down as JSON what a build knows besides its release."""
    return {
        "episodes": built.episodes,
        "unsigned": [asdict(each) for each in built.unsigned],
        "removals": dict(built.removals),
        "identities": {slug: [each.guid, str(each.visibility)] for slug, each in built.identities.items()},
        "waiting": sorted(built.waiting),
        "withdrawals": built.withdrawals,
    }


def as_before(last: Last) -> Built | None:
    """Say what a build did of which nothing has changed; None where that is not known."""
    try:
        return _from_facts(last)
    except (KeyError, TypeError, ValueError, AttributeError):  # written by another version, or by hand
        return None


def _from_facts(last: Last) -> Built:
    facts = last.facts
    identities = {
        slug: Identity(guid=guid, visibility=Visibility(visibility))
        for slug, (guid, visibility) in facts["identities"].items()
    }
    return Built(
        release=last.release,
        episodes=facts["episodes"],
        mastered=0,
        written=0,
        unchanged=len(last.release.assets) + 1,
        removed=0,
        unsigned=tuple(Problem(**each) for each in facts["unsigned"]),
        removals=facts["removals"],
        identities=identities,
        waiting=frozenset(facts["waiting"]),
        withdrawals=int(facts["withdrawals"]),
    )
