"""All that changes a prepared or drawn image beside the image or its words; Pillow is not imported for it."""

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

RECIPE = "square jpeg srgb 4:4:4 1"
QUALITY = 88
THRIFTY_QUALITY = 72  # and 4:2:0
FONTS = Path(__file__).parent.parent / "static/fonts"


@cache
def recipe() -> dict[str, str]:
    """Name all that changes the result beside its input, for a cache key."""
    return {"artwork": RECIPE, "quality": f"{QUALITY} {THRIFTY_QUALITY}", "pillow": version("pillow")}


@cache
def drawing_recipe() -> dict[str, str]:
    """Name all that changes a drawn image beside its words, for a cache key."""
    return {
        "drawing": _sha256(Path(__file__).with_name(f"{name}.py") for name in ("drawing", "emblem", "lettering")),
        "typeface": _sha256(sorted(FONTS.glob("*.ttf"))),
        "resvg": version("resvg-py"),
        "pillow": version("pillow"),
    }


def _sha256(paths: Iterable[Path]) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
