"""An image of any size enters, its measure or a plain square JPEG leaves; Pillow is used here."""

import hashlib
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from pipeline.artwork.recipes import QUALITY, THRIFTY_QUALITY
from pipeline.errors import ArtworkError
from pipeline.model import Picture

FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
SEVERAL_JPEGS = "MPO"  # what Pillow calls a telephone's JPEG with further pictures behind the first
WARNINGS = threading.Lock()  # Python's warning filters belong to the process, not to the thread
LARGEST_FILE_BYTES = 64 * 1024 * 1024
LARGEST_PICTURE_PX = 64_000_000
WHITE = (255, 255, 255)
_EXIF_PARTS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
_MOST_WORDS = 100_000
_MARKUP = re.compile(r"<[^<>]{0,500}>")


def read(path: Path, *, alt: str = "") -> Picture:
    """Read an image whole and say what it is.

    Args:
        path: a PNG, JPEG or WebP file.
        alt: what it shows, for those who cannot see it.

    Returns:
        The picture, its width and height as people see it: turned upright as its EXIF says.

    Raises:
        ArtworkError: the file is missing, no such image, damaged, or too large to be safe.
    """
    data = _data(path)
    kind, image = _decoded(path, data)
    return Picture(
        path=path,
        sha256=hashlib.sha256(data).hexdigest(),
        mime=FORMATS[kind],
        width=image.width,
        height=image.height,
        alt=alt,
    )


def prepare(
    picture: Picture, destination: Path, *, size_px: int, square: bool = True, thrifty: bool = False
) -> Picture:
    """Write a picture as feeds and players want it: an sRGB JPEG without transparency or metadata.

    Args:
        picture: as `read` gave it.
        destination: the file to write, replaced only when the new one is complete.
        size_px: the most pixels a side may have; a smaller picture is not enlarged.
        square: whether a picture that is not square is cropped around its middle.
        thrifty: for pages, where each kilobyte counts: less quality, and colours at half the resolution.

    Returns:
        The picture written, with its own hash and measure and the same alt.

    Raises:
        ArtworkError: the picture cannot be read, or the file cannot be written.
    """
    _, image = _decoded(picture.path, _data(picture.path))
    with _decoding(picture.path):
        made = _fitted(_squared(_opaque_srgb(image)) if square else _opaque_srgb(image), size_px)
        data = _jpeg(made, thrifty=thrifty)
    write(destination, data)
    return Picture(
        path=destination,
        sha256=hashlib.sha256(data).hexdigest(),
        mime="image/jpeg",
        width=made.width,
        height=made.height,
        alt=picture.alt,
    )


def words_in(path: Path) -> str:
    """Read what an image file says in words besides its picture: EXIF, XMP, the comments of PNG and JPEG.

    Raises:
        ArtworkError: as for `read`.
    """
    data = _data(path)
    with _decoding(path), Image.open(BytesIO(data), formats=tuple(FORMATS)) as image:
        exif = image.getexif()
        values = [*exif.values(), *(value for part in _EXIF_PARTS for value in exif.get_ifd(part).values())]
        values += [value for name, value in image.info.items() if name in {"comment", "xmp"} or isinstance(value, str)]
    found = (_words(value) for value in values)
    return " \n".join(dict.fromkeys(filter(None, found)))[:_MOST_WORDS]


def _words(value: object) -> str:
    if isinstance(value, bytes):
        value = value.removeprefix(b"ASCII\0\0\0").removeprefix(b"UNICODE\0").decode("utf-8", "ignore")
    if not isinstance(value, str):
        return ""
    text = _MARKUP.sub(" ", value)
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _data(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise ArtworkError(
            "there is no such image", source=path, hint="Put the image there, or correct its name."
        ) from error
    except OSError as error:
        raise ArtworkError(
            f"the image cannot be read: {error.strerror or error}",
            source=path,
            hint="Check that it is a file and that you may read it.",
        ) from error
    if len(data) > LARGEST_FILE_BYTES:
        raise _too_large(path)
    return data


def _too_large(path: Path) -> ArtworkError:
    return ArtworkError(
        "the image is too large to open safely", source=path, hint="Save it at 3000 by 3000 pixels and try again."
    )


@contextmanager
def _decoding(path: Path) -> Iterator[None]:
    # Pillow's plugins raise almost anything on damaged files, and warn of what does no harm here.
    try:
        with WARNINGS, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UnidentifiedImageError as error:
        raise ArtworkError(
            "not a PNG, JPEG or WebP image",
            source=path,
            hint="Open it in an image editor and export it as PNG or JPEG.",
        ) from error
    except (Image.DecompressionBombError, MemoryError) as error:
        raise _too_large(path) from error
    except (OSError, ValueError, SyntaxError, EOFError, KeyError, IndexError, TypeError, OverflowError) as error:
        raise ArtworkError(
            "the image is damaged or incomplete",
            source=path,
            hint="Export it again as PNG or JPEG, or fetch a whole copy.",
        ) from error


def _decoded(path: Path, data: bytes) -> tuple[str, Image.Image]:
    """Decode a whole image and turn it upright; its format comes first."""
    with _decoding(path):
        image = Image.open(BytesIO(data), formats=tuple(FORMATS))
        if image.width * image.height > LARGEST_PICTURE_PX:
            raise _too_large(path)
        image.load()
        kind = "JPEG" if image.format == SEVERAL_JPEGS else str(image.format)
        return kind, ImageOps.exif_transpose(image)


def _opaque_srgb(image: Image.Image) -> Image.Image:
    flat = Image.new("RGB", image.size, WHITE)
    mask = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    flat.paste(_srgb(_eight_bits(image), image.info.get("icc_profile")), mask=mask)
    return flat


def _eight_bits(image: Image.Image) -> Image.Image:
    # Pillow clips 16-bit grey at 255 where it should divide.
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return image if image.mode in {"RGB", "CMYK", "L"} else image.convert("RGBA").convert("RGB")


def _srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    # A profile that is damaged, or for another kind of colour, is dropped: that is what a browser does.
    if profile:
        try:
            source = ImageCms.getOpenProfile(BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            converted = None
        if converted is not None:
            return converted
    return image.convert("RGB")


def _squared(image: Image.Image) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))


def _fitted(image: Image.Image, size_px: int) -> Image.Image:
    longest = max(image.size)
    if longest <= size_px:
        return image
    width, height = (max(1, round(side * size_px / longest)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _jpeg(image: Image.Image, *, thrifty: bool) -> bytes:
    file, quality, subsampling = BytesIO(), THRIFTY_QUALITY if thrifty else QUALITY, 2 if thrifty else 0
    image.save(file, "JPEG", quality=quality, subsampling=subsampling, optimize=True)
    return file.getvalue()


def write(destination: Path, data: bytes) -> None:
    """Write an image so that its name only ever shows the old content or the whole new one.

    Raises:
        ArtworkError: it cannot be written.
    """
    partial = destination.with_name(f".{destination.name}.part")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes(data)
            partial.replace(destination)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ArtworkError(
            f"the image cannot be written: {error.strerror or error}",
            source=destination,
            hint="Check that the disk has room and that you may write there.",
        ) from error
