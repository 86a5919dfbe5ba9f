"""What is known of the files that a show and its episodes name, and how places are named in problems."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.model import Picture, Problem

CONFIG = "cln_media.toml"
ARTWORK_PX = (1400, 3000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of the files an episode names, gathered by those who may read them.

    durations_ms: by slug; hashes: SHA-256 by path; pictures: by path; guids: what to propose where the show, its
    publisher or a feed has none, by place in cln_media.toml.
    """

    durations_ms: Mapping[str, int] = field(default_factory=dict)
    hashes: Mapping[Path, str] = field(default_factory=dict)
    pictures: Mapping[Path, Picture] = field(default_factory=dict)
    guids: Mapping[str, str] = field(default_factory=dict)


def place(path: Path, root: Path) -> str:
    """Name a file below the workspace as people see it."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def not_square(picture: Picture, source: str, name: str, *, fatal: bool) -> Iterator[Problem]:
    """Say what is wrong with the measure of an image that apps want as a large square."""
    least, most = ARTWORK_PX
    size = f"{picture.width} x {picture.height} pixels"
    if picture.width != picture.height:
        hint = f"Crop it to a square of {least} to {most} pixels."
        yield Problem(source=source, message=f"{name} is not square ({size})", hint=hint, fatal=fatal)
    elif picture.width < least:
        hint = f"Apps want {least} to {most} pixels: find a larger original."
        yield Problem(source=source, message=f"{name} is too small ({size})", hint=hint, fatal=fatal)
