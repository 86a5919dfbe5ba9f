"""An image of any size enters, its measure or a plain square JPEG leaves; words enter, a drawn image leaves.

Pillow and the SVG renderer live in this room. They are imported when an image is first opened or drawn: a build in
which nothing has changed does neither.
"""

from typing import TYPE_CHECKING

from pipeline import on_first_use
from pipeline.artwork.emblem import alt
from pipeline.artwork.recipes import drawing_recipe, recipe

if TYPE_CHECKING:
    from pipeline.artwork.drawing import card, icon, square
    from pipeline.artwork.pictures import prepare, read, words_in

__all__ = ["alt", "card", "drawing_recipe", "icon", "prepare", "read", "recipe", "square", "words_in"]

_MODULES = {"card": "drawing", "icon": "drawing", "square": "drawing"}

__getattr__ = on_first_use(__name__, {"prepare": "pictures", "read": "pictures", "words_in": "pictures", **_MODULES})
