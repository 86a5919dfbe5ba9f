"""The package's own styles and scripts in, files under names that carry their hash out."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline import model
from pipeline.errors import TemplateError

_STATIC = Path(__file__).parent.parent / "static"
# A file may name those above it; each mention is replaced by the hashed name.
_FILES = (
    "icon.svg",
    "nhsuk/images/nhsuk-icon-arrow-down.svg",
    "nhsuk/images/nhsuk-icon-arrow-up-down.svg",
    "nhsuk/images/nhsuk-icon-arrow-up.svg",
    "nhsuk/images/nhsuk-icon-cross.svg",
    "nhsuk/nhsuk.css",
    "nhsuk/nhsuk.js",
    "site.css",
    "embed.css",
    "site.js",
    "player.js",
    "search.js",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFiles:
    """The files that pages ask for. keys: `site.css` -> its key; contents: key -> bytes."""

    keys: Mapping[str, str]
    contents: Mapping[str, bytes]


def static_files() -> StaticFiles:
    """Read the package's styles, scripts and icons and give each a key that changes with its content.

    Raises:
        TemplateError: the NHS design system's files were not brought in when the package was installed.
    """
    keys: dict[str, str] = {}
    contents: dict[str, bytes] = {}
    for path in _FILES:
        name = path.rpartition("/")[2]
        data = _with_hashed_names(_read(path), keys)
        stem, _, extension = name.rpartition(".")
        keys[name] = model.asset_key(stem, hashlib.sha256(data).hexdigest(), extension)
        contents[keys[name]] = data
    return StaticFiles(keys=keys, contents=contents)


def design_system() -> str:
    """Name the NHS design system that is installed, with its version.

    Raises:
        TemplateError: its files were not brought in when the package was installed.
    """
    static_files()
    found = re.search(rb'--nhsuk-frontend-version:"([\d.]+)"', _read("nhsuk/nhsuk.css"))
    return f"nhsuk-frontend {found[1].decode()}" if found else "nhsuk-frontend, version unknown"


def _read(path: str) -> bytes:
    try:
        return (_STATIC / path).read_bytes().replace(b"\r\n", b"\n")
    except OSError as error:
        raise TemplateError(
            "a file of the pages' design is missing from the installation",
            source=_STATIC / path,
            hint="Install cln-media again: its build brings in the NHS design system.",
        ) from error


def _with_hashed_names(data: bytes, keys: Mapping[str, str]) -> bytes:
    for name, key in keys.items():
        hashed = key.rpartition("/")[2].encode()
        for prefix in (b"images/", b"./"):
            data = data.replace(prefix + name.encode(), b"./" + hashed)
    return data
