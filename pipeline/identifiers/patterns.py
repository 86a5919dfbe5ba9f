"""A regular expression enters, one that is compiled when a text first needs it leaves.

Compiling all rules takes longer than searching a page of notes with them, and most texts hold nothing that most rules
could find.
"""

import re
import sys
from collections.abc import Iterator


class Pattern:
    """A regular expression that is compiled at its first use.

    needs: expressions of which each is found in every text in which this one is. They are cheap: as long as this one
    was never needed, a text without them is not searched, which finds the same, nothing.
    """

    def __init__(self, pattern: str, flags: int = 0, *, needs: tuple[re.Pattern[str], ...] = ()) -> None:
        self.pattern, self.needs = pattern, needs
        self._flags = flags
        self._compiled: re.Pattern[str] | None = None

    @property
    def compiled(self) -> re.Pattern[str]:
        """The expression, compiled now if it was not before."""
        if self._compiled is None:
            self._compiled = re.compile(self.pattern, self._flags)
        return self._compiled

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Do what `re.Pattern.finditer` does."""
        if self._compiled is None and not all(need.search(text) for need in self.needs):
            return iter(())
        return self.compiled.finditer(text)

    def search(self, text: str, start: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        """Do what `re.Pattern.search` does."""
        return self.compiled.search(text, start, end)

    def match(self, text: str, start: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        """Do what `re.Pattern.match` does."""
        return self.compiled.match(text, start, end)

    def fullmatch(self, text: str, start: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        """Do what `re.Pattern.fullmatch` does."""
        return self.compiled.fullmatch(text, start, end)

    def sub(self, new: str, text: str) -> str:
        """Do what `re.Pattern.sub` does."""
        return self.compiled.sub(new, text)
