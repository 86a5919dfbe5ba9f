"""All that changes a prepared or drawn image beside the image or its words; Pillow is not imported for it."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

RECIPE = "square jpeg srgb 4:4:4 1"
QUALITY = 88
THRIFTY_QUALITY = 80  # and 4:2:0
DRAWING = "helix 1"
FONTS = Path(__file__).parent.parent / "static/fonts"


@cache
def recipe() -> dict[str, str]:
    """Name all that changes the result beside its input, for a cache key."""
    return {"artwork": RECIPE, "quality": f"{QUALITY} {THRIFTY_QUALITY}", "pillow": version("pillow")}


@cache
def drawing_recipe() -> dict[str, str]:
    """Name all that changes a drawn image beside its words, for a cache key."""
    faces = sorted(FONTS.glob("*.ttf"))
    return {
        "drawing": DRAWING,
        "typeface": hashlib.sha256(b"".join(face.read_bytes() for face in faces)).hexdigest(),
        "resvg": version("resvg-py"),
        "pillow": version("pillow"),
    }
