"""What becomes of images that people hand in: good ones, turned ones, foreign ones and hostile ones."""

import hashlib
import struct
import zlib
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from pipeline import artwork
from pipeline.artwork import pictures
from pipeline.errors import ArtworkError
from pipeline.model import Picture

ROOT = Path(__file__).resolve().parent.parent
BLUE = (0, 94, 184)
GPS, MAKE, ORIENTATION = 0x8825, 0x010F, 0x0112


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    """Save an image by its path's extension."""
    image.save(path, **options)  # type: ignore[arg-type]
    return path


def two_halves(mode: str = "RGB", size: tuple[int, int] = (80, 40)) -> Image.Image:
    """Draw a picture whose left half is blue and whose right half is white."""
    image = Image.new("RGB", size, (255, 255, 255))
    image.paste(BLUE, (0, 0, size[0] // 2, size[1]))
    return image.convert(mode)


def prepared(path: Path, *, size_px: int = 400) -> Image.Image:
    """Prepare a picture and open the result."""
    destination = path.with_name("prepared.jpg")
    artwork.prepare(artwork.read(path), destination, size_px=size_px)
    return Image.open(BytesIO(destination.read_bytes()))


def near(pixel: object, colour: tuple[int, int, int], most: int = 6) -> bool:
    """Say whether a pixel is a colour but for what JPEG does to it."""
    assert isinstance(pixel, tuple)
    return all(abs(one - other) <= most for one, other in zip(pixel, colour, strict=True))


@pytest.mark.parametrize(("name", "mime"), [("a.png", "image/png"), ("a.jpg", "image/jpeg"), ("a.webp", "image/webp")])
def test_read_measures_an_image(tmp_path: Path, name: str, mime: str) -> None:
    """A PNG, JPEG or WebP gives its size, type, hash and the alt it was given."""
    path = saved(tmp_path / name, two_halves())
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    wanted = Picture(path=path, sha256=sha256, mime=mime, width=80, height=40, alt="Two halves")
    assert artwork.read(path, alt="Two halves") == wanted


def test_the_type_is_that_of_the_content(tmp_path: Path) -> None:
    """A PNG called .jpg is a PNG."""
    path = tmp_path / "cover.jpg"
    two_halves().save(path, "PNG")
    assert artwork.read(path).mime == "image/png"


def test_a_jpeg_with_further_pictures_is_a_jpeg(tmp_path: Path) -> None:
    """A telephone's file of several pictures is taken as the first of them."""
    path = tmp_path / "photo.jpg"
    two_halves().save(path, "MPO", save_all=True, append_images=[Image.new("RGB", (80, 40))])
    assert artwork.read(path).mime == "image/jpeg"
    assert near(prepared(path).getpixel((5, 20)), BLUE)


def chunk(kind: bytes, data: bytes) -> bytes:
    """Make a PNG chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(side_px: int) -> bytes:
    """Make a small PNG that claims to be huge."""
    head = struct.pack(">IIBBBBB", side_px, side_px, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1_000))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a PNG"),
        (b"ID3\x04 not an image at all", "not a PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a PNG"),
        (b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04", "not a PNG"),
        (b"\x89PNG\r\n\x1a\n", "damaged|not a PNG"),
        (bomb(9_000), "too large"),
        (bomb(60_000), "too large"),
        (bomb(100), "damaged"),
    ],
    ids=["empty", "text", "svg", "gif", "signature only", "bomb", "great bomb", "too little data"],
)
def test_what_is_no_image_of_ours_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    """A file that is not a whole PNG, JPEG or WebP of a sane size gives an ArtworkError with the next step."""
    path = tmp_path / "cover.png"
    path.write_bytes(data)
    with pytest.raises(ArtworkError, match=message) as caught:
        artwork.read(path)
    assert caught.value.source == path
    assert caught.value.hint


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp"])
def test_a_truncated_image_is_refused(tmp_path: Path, name: str) -> None:
    """An image cut short is found out when it is read, not when listeners see it."""
    path = saved(tmp_path / name, Image.effect_noise((90, 90), 80).convert("RGB"))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(ArtworkError, match="damaged"):
        artwork.read(path)


def test_a_file_larger_than_any_artwork_is_refused(tmp_path: Path) -> None:
    """A file of more than 64 MiB is not decoded."""
    path = tmp_path / "cover.png"
    with path.open("wb") as file:
        file.truncate(pictures.LARGEST_FILE_BYTES + 1)
    with pytest.raises(ArtworkError, match="too large"):
        artwork.read(path)


def test_a_missing_image_or_a_folder_is_an_artwork_error(tmp_path: Path) -> None:
    """What is not there, or is a folder, is named with the next step."""
    for path, message in ((tmp_path / "gone.png", "no such image"), (tmp_path, "cannot be read")):
        with pytest.raises(ArtworkError, match=message) as caught:
            artwork.read(path)
        assert (caught.value.source, bool(caught.value.hint)) == (path, True)


def test_prepare_crops_to_the_middle_and_shrinks(tmp_path: Path) -> None:
    """A wide picture becomes a square of its middle, no larger than asked for, and says what it is."""
    path = saved(tmp_path / "wide.png", two_halves(size=(900, 500)))
    destination = tmp_path / "deep" / "cover.jpg"
    made = artwork.prepare(artwork.read(path, alt="Halves"), destination, size_px=300)
    assert (made.path, made.mime, made.width, made.height, made.alt) == (destination, "image/jpeg", 300, 300, "Halves")
    assert made.sha256 == hashlib.sha256(destination.read_bytes()).hexdigest()
    image = Image.open(BytesIO(destination.read_bytes()))
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (300, 300))
    assert near(image.getpixel((20, 150)), BLUE)
    assert near(image.getpixel((280, 150)), (255, 255, 255))


def test_prepare_never_enlarges(tmp_path: Path) -> None:
    """A small picture keeps its pixels."""
    assert prepared(saved(tmp_path / "small.png", two_halves(size=(50, 40)))).size == (40, 40)


def test_transparency_becomes_white(tmp_path: Path) -> None:
    """Clear pixels become white and half clear ones half white, in every mode that can be clear."""
    image = Image.new("RGBA", (60, 60), (*BLUE, 0))
    image.paste((0, 0, 0, 128), (30, 0, 60, 60))
    for name, each in (("a.png", image), ("b.png", image.convert("LA")), ("c.webp", image)):
        made = prepared(saved(tmp_path / name, each))
        assert made.mode == "RGB"
        assert near(made.getpixel((10, 30)), (255, 255, 255))
        assert near(made.getpixel((50, 30)), (127, 127, 127))


@pytest.mark.parametrize("mode", ["1", "L", "P", "I;16", "CMYK"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    """Black and white, grey, palette, 16-bit grey and print colours all come out as what they showed."""
    if mode == "I;16":
        source = Image.frombytes("I;16", (40, 40), struct.pack("<H", 128 * 256) * 1_600)
    else:
        source = Image.new("RGB", (40, 40), (255, 255, 255)).convert(mode)
    path = saved(tmp_path / ("a.jpg" if mode == "CMYK" else "a.png"), source)
    made = prepared(path)
    wanted = 128 if mode == "I;16" else 255
    assert made.mode == "RGB"
    assert near(made.getpixel((20, 20)), (wanted,) * 3)


def test_a_palettes_clear_colour_becomes_white(tmp_path: Path) -> None:
    """A palette image with one clear colour shows white there."""
    image = Image.new("P", (40, 40), 1)
    image.putpalette([0, 0, 0, *BLUE])
    image.paste(0, (0, 0, 20, 40))
    made = prepared(saved(tmp_path / "a.png", image, transparency=0))
    assert near(made.getpixel((5, 20)), (255, 255, 255))
    assert near(made.getpixel((35, 20)), BLUE)


def test_place_device_and_words_are_gone_and_the_picture_is_upright(tmp_path: Path) -> None:
    """A telephone's photograph loses its EXIF, place and comment, and is turned before they go."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[MAKE] = "SM-G991"
    exif.get_ifd(GPS)[1] = "N"
    photo = saved(tmp_path / "photo.jpg", two_halves(size=(80, 80)), exif=exif, comment=b"Jane", quality=95)
    assert b"SM-G991" in photo.read_bytes()
    made = prepared(photo)
    data = (tmp_path / "prepared.jpg").read_bytes()
    assert not any(word in data for word in (b"SM-G991", b"Exif", b"Jane", b"ICC_PROFILE", b"http"))
    assert not made.getexif()
    assert set(made.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert near(made.getpixel((40, 10)), BLUE)
    assert near(made.getpixel((40, 70)), (255, 255, 255))


def test_read_measures_a_turned_photograph_as_people_see_it(tmp_path: Path) -> None:
    """A photograph taken upright is as high as it looks."""
    exif = Image.Exif()
    exif[ORIENTATION] = 8
    read = artwork.read(saved(tmp_path / "photo.jpg", two_halves(), exif=exif))
    assert (read.width, read.height) == (40, 80)


def test_a_colour_profile_is_applied_or_dropped(tmp_path: Path) -> None:
    """An sRGB profile changes nothing, a profile for other colours or of rubbish is dropped."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for profile in (srgb, lab, b"rubbish"):
        made = prepared(saved(tmp_path / "a.png", two_halves(), icc_profile=profile))
        assert "icc_profile" not in made.info
        assert near(made.getpixel((5, 20)), BLUE)


def test_a_wide_colour_profile_is_converted(tmp_path: Path) -> None:
    """Colours of a profile with red and blue exchanged come out as they were meant."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for first, second in ((b"rXYZ", b"bXYZ"),):
        one, other = profile.index(first), profile.index(second)
        profile[one : one + 4], profile[other : other + 4] = second, first
    made = prepared(saved(tmp_path / "a.png", Image.new("RGB", (40, 40), (0, 0, 255)), icc_profile=bytes(profile)))
    assert near(made.getpixel((20, 20)), (255, 0, 0), most=12)


def test_same_input_same_bytes(tmp_path: Path) -> None:
    """Two runs give the same file and leave nothing beside it."""
    picture = artwork.read(saved(tmp_path / "a.png", two_halves()))
    one, two = (artwork.prepare(picture, tmp_path / name, size_px=30) for name in ("one.jpg", "two.jpg"))
    assert one.path.read_bytes() == two.path.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "one.jpg", "two.jpg"]


def test_a_place_that_cannot_be_written_is_an_artwork_error(tmp_path: Path) -> None:
    """A destination below a file, or that is a folder, is refused, and no partial file stays."""
    picture = artwork.read(saved(tmp_path / "a.png", two_halves()))
    (tmp_path / "folder").mkdir()
    for destination in (tmp_path / "a.png" / "b.jpg", tmp_path / "folder"):
        with pytest.raises(ArtworkError, match="cannot be written") as caught:
            artwork.prepare(picture, destination, size_px=30)
        assert caught.value.hint
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "folder"]


def test_another_reader_opens_what_was_prepared(tmp_path: Path) -> None:
    """FFmpeg's library decodes the JPEG at its size."""
    prepared(saved(tmp_path / "a.png", two_halves(size=(200, 200))), size_px=100)
    with av.open(str(tmp_path / "prepared.jpg")) as container:
        (frame,) = container.decode(video=0)
    assert (frame.width, frame.height) == (100, 100)


@settings(max_examples=60)
@given(place=st.floats(0, 1), junk=st.binary(max_size=40), kind=st.sampled_from(["PNG", "JPEG", "WEBP"]))
def test_damage_anywhere_is_an_artwork_error_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, place: float, junk: bytes, kind: str
) -> None:
    """Whatever bytes are overwritten, reading and preparing give a picture or an ArtworkError, never another error."""
    folder = tmp_path_factory.mktemp("damage")
    file = BytesIO()
    two_halves().save(file, kind, exif=Image.Exif(), icc_profile=b"x" * 20)
    data = bytearray(file.getvalue())
    start = int(place * len(data))
    data[start : start + len(junk)] = junk
    (folder / "a").write_bytes(data)
    with suppress(ArtworkError):
        picture = artwork.prepare(artwork.read(folder / "a"), folder / "b.jpg", size_px=30)
        assert picture.width == picture.height


def test_the_shows_own_artwork_is_fit_for_directories() -> None:
    """The committed artwork is 3000 pixels square, RGB without transparency, and under 400 KB."""
    picture = artwork.read(ROOT / "artwork.png")
    assert (picture.width, picture.height, picture.mime) == (3000, 3000, "image/png")
    with Image.open(picture.path) as image:
        assert image.mode == "RGB"
    assert picture.path.stat().st_size < 400_000


def test_the_recipe_names_what_changes_the_result() -> None:
    """The recipe holds Pillow's version and our own, as text."""
    assert {"artwork", "quality", "pillow"} == set(artwork.recipe())
    assert all(isinstance(value, str) for value in artwork.recipe().values())


def test_a_chapter_image_keeps_its_shape(tmp_path: Path) -> None:
    """A slide is made smaller, not cropped: its sides keep their ratio."""
    Image.new("RGB", (4000, 1000), "navy").save(tmp_path / "slide.png")
    made = artwork.prepare(artwork.read(tmp_path / "slide.png"), tmp_path / "out.jpg", size_px=1400, square=False)
    assert (made.width, made.height) == (1400, 350)
