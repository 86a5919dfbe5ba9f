"""All that changes a prepared image beside the image itself; Pillow is not imported for it."""

from functools import cache
from importlib.metadata import version

RECIPE = "square jpeg srgb 4:4:4 1"
QUALITY = 88


@cache
def recipe() -> dict[str, str]:
    """Name all that changes the result beside its input, for a cache key."""
    return {"artwork": RECIPE, "quality": str(QUALITY), "pillow": version("pillow")}
