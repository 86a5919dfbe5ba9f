"""A transcript enters, proposals for a person to choose from leave: chapters, quotes, key words, acronyms, mentions.

Everything is counted from the words that were said, without a model and without a library, and is pure: the same
transcript gives the same proposals. Nothing is repeated in which `find` finds what could identify a patient, or that
names a speaker who has not agreed to be named. There is no summary: sentences picked out of talk make none.
"""

from typing import TYPE_CHECKING

from pipeline import on_first_use

if TYPE_CHECKING:
    from pipeline.drafting.proposing import outline
    from pipeline.drafting.topics import SHORTEST_MS

__all__ = ["SHORTEST_MS", "outline"]

__getattr__ = on_first_use(__name__, {"SHORTEST_MS": "topics", "outline": "proposing"})
