"""An image of any size enters, its measure or a plain square JPEG leaves; Pillow lives in this room.

It is imported when an image is first opened: a build in which nothing has changed opens none.
"""

from typing import TYPE_CHECKING

from pipeline import on_first_use
from pipeline.artwork.recipes import recipe

if TYPE_CHECKING:
    from pipeline.artwork.pictures import prepare, read, words_in

__all__ = ["prepare", "read", "recipe", "words_in"]

__getattr__ = on_first_use(__name__, {"prepare": "pictures", "read": "pictures", "words_in": "pictures"})
