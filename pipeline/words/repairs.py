"""What is odd about a file enters, line by line; the sentences that tell a person what was made of it leave."""

MOST_SENTENCES = 20


class LineError(Exception):
    """A line that cannot be understood: its number, and why."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


class Repairs:
    """What was put right while a file was read. The same thing in many lines is told once, with how many they are."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}
        self._count: dict[str, int] = {}

    def note(self, line: int, kind: str, sentence: str) -> None:
        """Remember a repair; `sentence` is told of the first line of its kind only."""
        self._count[kind] = self._count.get(kind, 0) + 1
        if kind not in self._first:
            self._first[kind] = f"line {line}: {sentence}"

    def sentences(self) -> tuple[str, ...]:
        """Tell them, in the order they were met; at most MOST_SENTENCES, and then how many more there are."""
        told = [first + _more(self._count[kind] - 1) for kind, first in self._first.items()]
        if len(told) <= MOST_SENTENCES:
            return tuple(told)
        return (*told[:MOST_SENTENCES], f"and {len(told) - MOST_SENTENCES} more")


def _more(count: int) -> str:
    if count == 0:
        return ""
    return " (and 1 more line like it)" if count == 1 else f" (and {count:,} more lines like it)"
