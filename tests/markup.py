"""An HTML page as tests read it: elements, ids, text, addresses, and what the Nu HTML checker says of it."""

import subprocess
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path

_VNU = Path(__file__).parent / "node_modules/vnu-jar/build/dist/vnu.jar"
_QUICK = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]  # half the time: it ends before thorough compiling pays


def errors(pages: Iterable[Path]) -> str:
    """Return what the Nu HTML checker finds wrong in pages, in one process; nothing is an empty text."""
    command = ["java", "-Xss4m", *_QUICK, "-jar", _VNU, "--errors-only", "--stdout", *pages]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    return ran.stdout + ran.stderr if ran.returncode or ran.stdout else ""


class Page(HTMLParser):
    """An HTML page as its elements, ids and text."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(data.decode())

    def handle_starttag(self, tag, attrs):
        """Keep an element."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data):
        """Keep a text."""
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of every element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def ids(self) -> list[str]:
        """Return every id."""
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]

    @property
    def text(self) -> str:
        """Return the text, every run of white space one space."""
        return " ".join(" ".join(self.texts).split())

    @property
    def addresses(self) -> list[str]:
        """Return every address that is linked or loaded."""
        return [value for _, found in self.elements for name, value in found.items() if name in {"href", "src"}]
