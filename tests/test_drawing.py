"""Drawn images: the emblem, icons, images for shared links, artwork where there is none, and where all of it stands."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import lxml.html
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml.html import HtmlElement
from PIL import Image, ImageChops

from pipeline import artwork, build, model, pages
from pipeline.artwork import drawing, emblem, lettering
from pipeline.errors import ArtworkError
from pipeline.model import Caption, Feed, Region, Release
from pipeline.workspace import Workspace, read_show
from tests import samples, studio
from tests.test_build import Heard, release
from tests.test_waveform import luminance

ROOT = Path(__file__).resolve().parent.parent
NHS_PALETTE = {"#003087", "#ffffff", "#00a499"}
LEAST_CONTRAST = 4.5  # WCAG 1.4.3
MOST_BYTES = 512_000  # Apple's wish for artwork


def caption(title: str = "Choose & Book", *below: str, above: str = "Learning sets") -> Caption:
    """Make the words of an image."""
    return Caption(title=title, otherwise="Episode 12", above=above, below=below or ("North West", "1 October 2026"))


def opened(path: Path) -> Image.Image:
    """Open an image whole, so that its file can go."""
    return Image.open(BytesIO(path.read_bytes()))


def words_of(path: Path) -> tuple[int, int, int, int] | None:
    """Measure where the words of a card are: what differs from one without any."""
    bare, _ = drawing._ground("card")
    return ImageChops.difference(opened(path).convert("RGB"), bare.convert("RGB")).getbbox()


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, as WCAG counts it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_icon_is_the_emblem_in_the_colours_of_the_design_system() -> None:
    """The committed icon is what the code draws: two strands of two colours on a third, without text or gradient."""
    text = (ROOT / "pipeline/static/icon.svg").read_text(encoding="utf-8")
    assert text == emblem.icon()
    assert {element.tag.rpartition("}")[2] for element in ET.fromstring(text).iter()} == {"svg", "rect", "path"}
    assert {emblem.GROUND, emblem.CLINICIANS, emblem.MANAGERS} == NHS_PALETTE
    assert len(text) < 1_500


def test_both_strands_are_seen_at_sixteen_pixels() -> None:
    """In the tab of a browser, each strand is a good part of the icon and stands out from its ground (WCAG 1.4.11)."""
    small = drawing._rendered(emblem.icon(), 16).convert("RGB")
    for colour in (emblem.CLINICIANS, emblem.MANAGERS):
        wanted = drawing.rgb(colour)
        near = [
            pixel
            for pixel in zip(*[iter(small.tobytes())] * 3, strict=True)
            if all(abs(a - b) < 60 for a, b in zip(pixel, wanted, strict=True))
        ]
        assert len(near) >= 14
        assert contrast(colour, emblem.GROUND) >= 3


@pytest.mark.parametrize("ink", [emblem.INK, emblem.SOFT_INK])
def test_words_stand_out_from_their_ground(ink: str) -> None:
    """Each colour of words has a contrast of at least 4.5 to 1."""
    assert contrast(ink, emblem.GROUND) >= LEAST_CONTRAST


def test_a_card_has_the_size_and_colours_it_says(tmp_path: Path) -> None:
    """An image for shared links is a PNG of 1200 by 630 pixels whose words have the colours that were measured."""
    made = artwork.card(caption(), tmp_path / "card.png")
    image = opened(made.path)
    assert (image.format, image.size, made.mime, made.width, made.height) == (
        "PNG",
        (1200, 630),
        "image/png",
        1200,
        630,
    )
    assert made.sha256 == hashlib.sha256(made.path.read_bytes()).hexdigest()
    words = image.convert("RGB").crop((60, 0, 880, 630))
    colours = dict(map(reversed, words.getcolors(1_000)))
    assert max(colours, key=colours.__getitem__) == drawing.rgb(emblem.GROUND)
    assert all(colours[drawing.rgb(ink)] > 100 for ink in (emblem.INK, emblem.SOFT_INK))
    assert made.path.stat().st_size < 60_000


@pytest.mark.parametrize(
    "title",
    [
        "Handover",
        "A long title about a discharge pathway in three hospitals and what went wrong with it " * 9,
        "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch" * 5,
        "W" * 20_000,
        "<script>alert(1)</script> & \"quotes\" 'n' </text><image href='file:///etc/passwd'/>",
        "{{ title }} %s %(x)s \\ \x00\x07 \u202egnihton\u202c \ud800 \ufffe",
        "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f",
        "\u06a9\u0644\u06cc\u0646\u06cc\u06a9\u0644 \u0644\u06cc\u0688\u0631\u0632",
        "\u4e34\u5e8a\u9886\u5bfc",
        "e\u0301" * 40 + "\u0336" * 200,
        "",
        " \n\t ",
    ],
    ids=[
        "short",
        "long",
        "one word",
        "huge",
        "markup",
        "controls",
        "emoji",
        "urdu",
        "chinese",
        "marks",
        "empty",
        "blank",
    ],
)
def test_any_title_gives_a_card_whose_words_keep_to_their_place(tmp_path: Path, title: str) -> None:
    """Whatever a title holds, the image is whole, and no word leaves the left part or touches the helix."""
    made = artwork.card(caption(title, title or "x"), tmp_path / "card.png")
    found = words_of(made.path)
    assert found is not None
    left, top, right, bottom = found
    assert left >= 60
    assert right <= 890
    assert top >= 50
    assert bottom <= 590


@settings(max_examples=40)
@given(title=st.text(max_size=60), line=st.text(max_size=20))
def test_no_text_makes_drawing_fail(tmp_path_factory: pytest.TempPathFactory, title: str, line: str) -> None:
    """Any text at all gives an image."""
    made = artwork.card(caption(title, line, above=line), tmp_path_factory.mktemp("card") / "card.png")
    assert opened(made.path).size == (1200, 630)


def test_long_titles_get_smaller_then_shorter() -> None:
    """A title is set as large as it fits; what fits in no size ends in an ellipsis, and lines break between words."""
    styles = drawing._CARD_TITLES
    short, longer = lettering.fitted("Handover", styles), lettering.fitted("Handover between teams " * 3, styles)
    longest = lettering.fitted("handover between teams " * 30, styles)
    assert [block.style.size_px for block in (short, longer, longest)] == [84, 72, 60]
    assert (short.is_whole, longer.is_whole, longest.is_whole) == (True, True, False)
    assert longest.lines[-1].endswith(lettering.ELLIPSIS)
    assert len(longest.lines) == 4
    assert all(set(re.findall(r"\w+", line)) <= {"handover", "between", "teams"} for line in longest.lines)


def test_what_cannot_be_drawn_is_left_out_or_replaced(tmp_path: Path) -> None:
    """Emoji leave a title; a title in a script that the typeface lacks gives way to the episode's number."""
    assert (
        lettering.drawable("  T\u0177 \U0001f600 d\u0175r\n \u0141\u00f3d\u017a ")
        == "T\u0177 d\u0175r \u0141\u00f3d\u017a"
    )
    assert lettering.drawable(unicodedata.normalize("NFD", "Si\u00e2n")) == "Si\u00e2n"
    assert not lettering.is_lost("Handover \U0001f600\U0001f600\U0001f600\U0001f600")
    assert lettering.is_lost("\u4e34\u5e8a\u9886\u5bfc NHS")
    lost = artwork.card(caption("\u4e34\u5e8a\u9886\u5bfc"), tmp_path / "lost.png")
    instead = artwork.card(caption("Episode 12"), tmp_path / "instead.png")
    assert lost.path.read_bytes() == instead.path.read_bytes()


DRAW = """
import sys
from pathlib import Path
from pipeline import artwork
from pipeline.model import Caption
below = ("North West", "5 minutes")
words = Caption(title="Choose & Book: To AVA \u0177", otherwise="x", above="Learning sets", below=below)
print(artwork.card(words, Path(sys.argv[1]) / "image.png").sha256)
print(artwork.icon(192, Path(sys.argv[1]) / "icon.png").sha256)
"""


def test_same_words_same_bytes_whatever_fonts_the_system_has(tmp_path: Path) -> None:
    """Another process with no system fonts, and one with another typeface under the same name, draw the same bytes."""
    (tmp_path / "fonts").mkdir()
    shutil.copy(ROOT / "pipeline/static/fonts/semibold.ttf", tmp_path / "fonts/SourceSans3_400Regular.ttf")
    (tmp_path / "none.conf").write_text("<fontconfig></fontconfig>")
    (tmp_path / "one.conf").write_text(f"<fontconfig><dir>{tmp_path}/fonts</dir></fontconfig>")
    said = []
    for name in ("none.conf", "one.conf"):
        environment = {**os.environ, "FONTCONFIG_FILE": str(tmp_path / name), "HOME": str(tmp_path)}
        command = [sys.executable, "-c", DRAW, str(tmp_path)]
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
        said.append(done.stdout.split())
    words = Caption(
        title="Choose & Book: To AVA \u0177", otherwise="x", above="Learning sets", below=("North West", "5 minutes")
    )
    assert said[0] == said[1]
    assert said[0][0] == artwork.card(words, tmp_path / "here.png").sha256


def test_square_artwork_keeps_to_the_rules_of_directories(tmp_path: Path) -> None:
    """Drawn artwork is 3000 pixels square, RGB without transparency, and small, for a short name and for a long one."""
    for title in ("North East and Yorkshire", "Digital transformation across the integrated care system " * 3):
        made = artwork.square(caption(title), tmp_path / "square.png")
        image = opened(made.path)
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (3000, 3000))
        assert made.path.stat().st_size < MOST_BYTES


@pytest.mark.parametrize("size_px", [180, 192, 512])
def test_icons_fill_their_square(tmp_path: Path, size_px: int) -> None:
    """An icon that a system cuts to its own shape is opaque to its corners, its helix within the safe circle."""
    made = artwork.icon(size_px, tmp_path / "icon.png")
    image = opened(made.path)
    assert (image.mode, image.size) == ("RGB", (size_px, size_px))
    ground = drawing.rgb(emblem.GROUND)
    assert image.getpixel((0, 0)) == ground
    away = [
        ((x + 0.5) / size_px - 0.5) ** 2 + ((y + 0.5) / size_px - 0.5) ** 2
        for x in range(0, size_px, 3)
        for y in range(0, size_px, 3)
        if image.getpixel((x, y)) != ground
    ]
    assert max(away) ** 0.5 <= 0.4  # W3C Web Application Manifest, "safe zone"


def test_a_typeface_that_is_not_there_is_an_artwork_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without the typeface says so, and what to do."""
    monkeypatch.setattr(lettering, "FONTS", tmp_path)
    lettering._font.cache_clear()
    with pytest.raises(ArtworkError, match="typeface") as caught:
        lettering.fitted("Words", drawing._CARD_TITLES)
    lettering._font.cache_clear()
    assert caught.value.hint


def test_the_words_of_images() -> None:
    """Regions go by their name where nothing else makes a feed, episodes say where, when and how long, by one zone."""
    show = samples.show(title="Learning\nsets", regions=(Region(id="nw", name="North West"),))
    by_region = Feed(name="a", title="Learning sets: North West", region="nw")
    assert pages.feed_caption(show, by_region).title == "North West"
    assert pages.feed_caption(show, replace(by_region, topic="referral")).title == "Learning sets: North West"
    assert pages.feed_caption(show, Feed(name="b", title="All of 2026", season=2026)).title == "All of 2026"
    episode = samples.episode(region="nw", set_name="Set 4")
    made = pages.episode_caption(show, episode, duration_ms=125_400)
    assert (made.above, made.below[0]) == ("Learning sets", "North West \u00b7 Set 4")
    assert re.fullmatch(r"\d+ \w+ 2026 \u00b7 2 minutes", made.below[1])
    nameless = pages.episode_caption(show, replace(episode, region=None, set_name=None, number=None), duration_ms=9_000)
    assert (len(nameless.below), nameless.otherwise) == (1, "Learning sets")


def images(root: Path) -> dict[str, Image.Image]:
    """Open every image of a site by its name without the hash."""
    found = (root / "site/assets").iterdir()
    return {path.stem.rpartition("-")[0]: opened(path) for path in found if path.suffix in {".png", ".jpg"}}


def page_at(root: Path, key: str) -> HtmlElement:
    """Read a page of a site."""
    return lxml.html.fromstring((root / "site" / key).read_bytes())


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace without artwork, with an episode that has a cover and one that has none, built once."""
    root = studio.workspace(tmp_path_factory.mktemp("drawn") / "w", "waiting-times", "choose-and-book")
    config = (root / "cln_media.toml").read_text(encoding="utf-8")
    (root / "cln_media.toml").write_text(re.sub(r"(?m)^artwork = .*\n", "", config), encoding="utf-8")
    (root / "artwork.png").unlink()
    clouds = Image.effect_noise((150, 150), 60).resize((1500, 1500), Image.Resampling.BICUBIC).convert("RGB")
    clouds.save(root / "episodes/waiting-times/cover.jpg", quality=50)
    release(root)
    return root


def meta(page: HtmlElement) -> Mapping[str, str]:
    """Read what a page says of itself to other sites."""
    return {tag.get("property") or tag.get("name"): tag.get("content") for tag in page.iterfind(".//meta[@content]")}


@pytest.mark.parametrize(
    ("key", "name", "words"),
    [
        ("index.html", "show-social", "Learning sets"),
        ("episodes/choose-and-book/index.html", "social-choose-and-book", "About choose-and-book"),
        ("episodes/waiting-times/index.html", "social-waiting-times", "About waiting-times"),
    ],
)
def test_pages_name_the_image_for_shared_links(drawn: Path, key: str, name: str, words: str) -> None:
    """Open Graph, Twitter and schema.org name one PNG of the size they say, by its full address, and what it shows."""
    page = page_at(drawn, key)
    said = meta(page)
    path = drawn / "site" / said["og:image"].removeprefix("https://podcast.cln.example/")
    assert re.fullmatch(rf"{name}-[0-9a-f]{{16}}\.png", path.name)
    assert opened(path).size == (int(said["og:image:width"]), int(said["og:image:height"])) == (1200, 630)
    assert words in said["og:image:alt"]
    assert (said["twitter:image"], said["twitter:card"]) == (said["og:image"], "summary_large_image")
    assert said["og:image:type"] == "image/png"
    data = json.loads(page.findtext(".//script[@type='application/ld+json']"))
    assert data["image"] == said["og:image"]


def test_feeds_without_artwork_get_drawn_artwork(drawn: Path) -> None:
    """The show's feed and the region's each name a square of their own, fit for directories, with its words as alt."""
    said = {}
    for key in ("feed.xml", "feeds/north-west.xml"):
        text = (drawn / "site" / key).read_text(encoding="utf-8")
        found = re.search(r'<podcast:image href="([^"]+)" alt="([^"]+)"[^>]*width="3000" height="3000"', text)
        assert found is not None
        path = drawn / "site" / found[1].removeprefix("https://podcast.cln.example/")
        assert (opened(path).size, opened(path).mode) == ((3000, 3000), "RGB")
        assert path.stat().st_size < MOST_BYTES
        said[key] = found[2]
    assert "words: Learning sets, A podcast by" in said["feed.xml"]
    assert "words: North West, Learning sets" in said["feeds/north-west.xml"]


def test_covers_on_pages_have_the_size_of_pages(drawn: Path) -> None:
    """A page shows 320 or 512 pixels, at the size it says, so that nothing moves; the feed keeps the whole cover."""
    for slug, name in (("waiting-times", "cover-waiting-times"), ("choose-and-book", "thumbnail")):
        shown = page_at(drawn, f"episodes/{slug}/index.html").find(".//img[@class='cln-cover']").attrib
        assert (shown["width"], shown["height"]) == ("320", "320")
        sizes = dict(reversed(each.split()) for each in shown["srcset"].split(", "))
        assert set(sizes) == {"320w", "512w"}
        assert sizes["320w"] == shown["src"]
        for width, link in sizes.items():
            assert link.startswith(f"/assets/{name}-")
            path = drawn / "site" / link[1:]
            assert opened(path).size == (int(width[:-1]), int(width[:-1]))
            assert path.stat().st_size < 100_000
    feed = (drawn / "site/feed.xml").read_text(encoding="utf-8")
    (cover,) = set(re.findall(r'"[^"]*/(assets/cover-waiting-times-[^"]+)"', feed))
    assert opened(drawn / "site" / cover).size == (1500, 1500)


def test_the_web_manifest_and_its_icons(drawn: Path) -> None:
    """Every page but the embedded player links the manifest and Apple's icon; each icon has the size it says."""
    manifest = json.loads((drawn / "site/site.webmanifest").read_bytes())
    assert (manifest["name"], manifest["short_name"], manifest["start_url"]) == ("Learning sets", "Learning sets", "/")
    sizes = set()
    for icon in manifest["icons"]:
        path = drawn / "site" / icon["src"][1:]
        assert path.is_file()
        if icon["type"] == "image/png":
            assert "x".join(map(str, opened(path).size)) == icon["sizes"]
            sizes.add((icon["sizes"], icon["purpose"]))
    assert sizes == {(size, purpose) for size in ("192x192", "512x512") for purpose in ("any", "maskable")}
    for page in (drawn / "site").rglob("*.html"):
        key = page.relative_to(drawn / "site").as_posix()
        links = {link.get("rel"): link.get("href") for link in page_at(drawn, key).iterfind(".//link")}
        if not key.startswith("embed/"):
            assert links["manifest"] == "/site.webmanifest", key
            assert opened(drawn / "site" / links["apple-touch-icon"][1:]).size == (180, 180)
        assert links["icon"].endswith(".svg")
    types = {
        asset.key: asset.content_type for asset in Release.from_json((drawn / "site/manifest.json").read_bytes()).assets
    }
    assert types["site.webmanifest"] == "application/manifest+json"


@pytest.mark.parametrize(
    ("title", "short"),
    [
        ("Learning sets", "Learning sets"),
        ("Learning sets of the North West", "Learning sets"),
        ("Supercalifragilistic", "Supercalifragil"),
    ],
)
def test_a_short_name_fits_under_an_icon(title: str, short: str) -> None:
    """A title is cut between words, and only a word that is too long by itself is cut inside."""
    from pipeline.pages.manifest import short_name  # noqa: PLC0415

    assert short_name(title) == short


AGAIN = """
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock
from pipeline import build
from pipeline.workspace import Workspace
now = datetime(2026, 11, 1, tzinfo=UTC)
with ThreadPoolExecutor(1) as executor:
    done = build.release(Workspace(root=Path(sys.argv[1])), now=now, executor=executor, report=Mock())
print(done.written, *sorted({each.split(".")[0] for each in sys.modules} & {"PIL", "resvg_py"}))
"""


def test_an_unchanged_build_draws_nothing(drawn: Path) -> None:
    """A second build writes no file and does not even import what draws."""
    command = [sys.executable, "-c", AGAIN, str(drawn)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0"]


def test_a_changed_title_changes_one_image_and_what_is_gone_leaves_none(drawn: Path, tmp_path: Path) -> None:
    """Only the changed episode gets another image, under another name; an unpublished one keeps none, nor a cover."""
    root = studio.copy_workspace(drawn, tmp_path / "w")
    before = {path.name for path in (root / "site/assets").iterdir()}
    for slug, words, others in (
        ("choose-and-book", 'title = "About choose-and-book"', 'title = "Another title"'),
        ("waiting-times", f"published = {studio.PUBLISHED}\n", ""),
    ):
        path = root / "episodes" / slug / "episode.toml"
        path.write_text(path.read_text(encoding="utf-8").replace(words, others), encoding="utf-8")
    release(root)
    after = {path.name for path in (root / "site/assets").iterdir()}
    assert [model.belongs(f"assets/{name}", "choose-and-book") for name in after - before] == [True]
    gone = before - after
    assert {name.rpartition("-")[0] for name in gone} == {
        "social-choose-and-book",
        "social-waiting-times",
        "cover-waiting-times",
    }
    assert not [name for name in after if "waiting-times" in name]
    assert all(
        any(model.belongs(f"assets/{name}", slug) for slug in ("waiting-times", "choose-and-book")) for name in gone
    )


def test_members_get_no_images_for_pages(drawn: Path, tmp_path: Path) -> None:
    """A members' feed without artwork has it drawn, and no image that only pages show is copied for each member."""
    root = studio.copy_workspace(drawn, tmp_path / "w")
    with (root / "cln_media.toml").open("a", encoding="utf-8") as file:
        file.write('\n[[feeds]]\nname = "club"\ntitle = "The club"\nvisibility = "members"\n')
    (made,) = release(root).members
    names = {key.rpartition("/")[2].rpartition("-")[0] for key in made.files if key.startswith("assets/")}
    assert names == {"artwork", "artwork-club", "cover-waiting-times"}
    assert made.edition.feed_artworks["club"].alt.startswith("A double helix of two strands, with the words: The club")
    assert not [name for name in images(root) if "club" in name]


@pytest.mark.parametrize(
    ("line", "there", "problems", "is_drawn"),
    [
        ("", True, [], False),
        ("", False, ["there is no artwork.png: the show's artwork is drawn from its title"], True),
        ('artwork = ""', True, [], True),
        ('artwork = "mine.png"', False, [], False),
    ],
)
def test_the_shows_artwork_may_be_left_out(
    tmp_path: Path, line: str, there: bool, problems: list[str], is_drawn: bool
) -> None:
    """Without the key it is artwork.png, or drawn, which is told; an empty text asks for that; a name is that file."""
    root = studio.empty_workspace(tmp_path / "w")
    path = root / "cln_media.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("[show]\n", f"[show]\n{line}\n"), encoding="utf-8")
    if not there:
        (root / "artwork.png").unlink()
    show, found = read_show(Workspace(root=root))
    assert show is not None
    assert [problem.message for problem in found] == problems
    assert not any(problem.fatal for problem in found)
    assert (show.artwork is None) is is_drawn


def test_artwork_that_is_named_must_be_there(tmp_path: Path) -> None:
    """A file that the settings name and that is not there stops the build: it is never drawn instead."""
    root = studio.empty_workspace(tmp_path / "w")
    (root / "artwork.png").unlink()
    with pytest.raises(build.CheckFailedError) as caught:
        release(root, report=Heard())
    assert [problem.source for problem in caught.value.problems if problem.fatal] == ["artwork.png"]
