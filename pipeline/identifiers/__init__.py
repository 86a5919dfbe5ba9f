"""Text enters, findings that could identify a patient leave for a person to judge.

A finding is `certain` where a check digit or the words around it prove it, `likely` where its shape says what it is,
and `check` where it is only a long number or might be something else. No finding does not mean that nobody can be
identified: rare stories have no shape, and a recogniser that mishears a digit hides the number.

spaCy lives in `persons`, for names, if the extra `identifiers` is installed; everything else needs no library.
"""

from typing import TYPE_CHECKING

from pipeline import on_first_use
from pipeline.identifiers.joining import Joined, joined

if TYPE_CHECKING:
    from pipeline.identifiers.persons import People, people
    from pipeline.identifiers.readings import is_nhs_number
    from pipeline.identifiers.rules import find
    from pipeline.identifiers.saying import canonical

__all__ = ["Joined", "People", "canonical", "find", "is_nhs_number", "joined", "people"]

# The rules' patterns take a second to compile: only what searches pays for them.
__getattr__ = on_first_use(
    __name__,
    {
        "People": "persons",
        "people": "persons",
        "canonical": "saying",
        "find": "rules",
        "is_nhs_number": "readings",
    },
)
