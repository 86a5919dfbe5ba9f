"""A table of broken inputs, made by hand as people make them: `check` catches each before a feed is written."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from pipeline.build import survey
from pipeline.cache import Cache
from pipeline.model import DRAFT_MARKS, Part
from pipeline.workspace import Workspace
from tests import studio

NOW = datetime(2026, 11, 1, tzinfo=UTC)
Break = Callable[[Path], object]


def settings(old: str, new: str) -> Break:
    """Replace a text in cln_media.toml."""
    return _replace("cln_media.toml", old, new)


def episode(old: str, new: str) -> Break:
    """Replace a text in episode.toml."""
    return _replace("episodes/one/episode.toml", old, new)


def chapters(old: str, new: str) -> Break:
    """Replace a text in chapters.toml."""
    return _replace("episodes/one/chapters.toml", old, new)


def _replace(name: str, old: str, new: str) -> Break:
    def change(root: Path) -> None:
        text = (root / name).read_text(encoding="utf-8")
        assert old in text
        (root / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def add(text: str) -> Break:
    """Add lines at the end of cln_media.toml."""
    return lambda root: (root / "cln_media.toml").write_text((root / "cln_media.toml").read_text() + text)


def feeds(text: str) -> Break:
    """Add lines to [feed]."""
    return settings("[feed]\n", f"[feed]\n{text}")


def more(text: str) -> Break:
    """Add lines at the end of episode.toml."""
    path = "episodes/one/episode.toml"
    return lambda root: (root / path).write_text((root / path).read_text() + text)


def transcript(text: str) -> Break:
    """Replace the transcript."""
    return lambda root: (root / "episodes/one/transcript.vtt").write_text(text)


def file(name: str, data: bytes) -> Break:
    """Write a file."""
    return lambda root: (root / name).write_bytes(data)


def image(name: str, width: int, height: int) -> Break:
    """Write an image of a size."""
    return lambda root: Image.new("RGB", (width, height)).save(root / name)


def second(extra: str = "", replace: tuple[str, str] = ("", "")) -> Break:
    """Add a second episode, changed."""

    def change(root: Path) -> None:
        folder = studio.add_episode(root, "two", seed=2, extra=extra)
        text = (folder / "episode.toml").read_text()
        (folder / "episode.toml").write_text(text.replace(*replace))

    return change


CUE = "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\n"

# name: (what is broken, the file that is named, a part of the sentence, whether it stops the build)
BROKEN: dict[str, tuple[Break, str, str, bool]] = {
    # cln_media.toml
    "a key mistyped": (settings("author =", "auhtor ="), "cln_media.toml", "show.auhtor", True),
    "a section mistyped": (settings("[site]", "[sit]"), "cln_media.toml", "does not know the key sit", True),
    "no title": (settings('title = "Learning sets"\n', ""), "cln_media.toml", "show.title is missing", True),
    "an empty title": (
        settings('title = "Learning sets"', 'title = " "'),
        "cln_media.toml",
        "show.title is empty",
        True,
    ),
    "a title of 300 characters": (
        settings('title = "Learning sets"', f'title = "{"x" * 300}"'),
        "cln_media.toml",
        "show.title is 300 characters long",
        True,
    ),
    "no description": (
        settings("description =", "# description ="),
        "cln_media.toml",
        "show.description is missing",
        True,
    ),
    "a long description": (
        settings("What clinical leaders learn from one another.", "What we learn. " * 300),
        "cln_media.toml",
        "longer than 4,000 bytes",
        False,
    ),
    "a quotation mark too many": (
        settings('"Clinical Leaders Network"', '"CLN""'),
        "cln_media.toml",
        "not valid TOML",
        True,
    ),
    "no quotation marks": (settings('"Communications team"', "The team"), "cln_media.toml", "not valid TOML", True),
    "an e-mail without @": (
        settings("podcast@cln.example", "podcast.cln.example"),
        "cln_media.toml",
        "show.owner_email is",
        True,
    ),
    "a category that is none": (
        settings("[site]", 'categories = ["Medicine"]\n[site]'),
        "cln_media.toml",
        '"Medicine" is not a category',
        True,
    ),
    "a subcategory of another": (
        settings("[site]", 'categories = ["Government > Medicine"]\n[site]'),
        "cln_media.toml",
        "is not a subcategory of Government",
        True,
    ),
    "no category": (settings("[site]", "categories = []\n[site]"), "cln_media.toml", "show.categories is empty", True),
    "yes for true": (settings("[site]", 'explicit = "yes"\n[site]'), "cln_media.toml", 'show.explicit is "yes"', True),
    "a language in words": (
        settings("[site]", 'language = "British English"\n[site]'),
        "cln_media.toml",
        "show.language is",
        True,
    ),
    "a GUID that is none": (
        settings("917393e3-1b1e-5cef-ace4-edaa54e1f810", "https://podcast.cln.example"),
        "cln_media.toml",
        "show.guid is",
        True,
    ),
    "no GUID": (settings("guid =", "# guid ="), "cln_media.toml", "[show] has no guid", False),
    "a site without https": (settings("https://", "http://"), "cln_media.toml", "is not https", True),
    "a site without a scheme": (settings("https://podcast", "podcast"), "cln_media.toml", "site.url is", True),
    "a site with a query": (settings("example/", "example/?a=1"), "cln_media.toml", "site.url is", True),
    "a site in other letters": (
        settings("podcast.cln", "pödcast.cln"),
        "cln_media.toml",
        "characters that podcast apps refuse",
        True,
    ),
    "the NHS look without permission": (
        settings("[trust]", 'identity = "nhs"\n[trust]'),
        "cln_media.toml",
        "nhs without permission",
        True,
    ),
    "a time zone that is none": (
        settings("[site]", 'timezone = "Manchester"\n[site]'),
        "cln_media.toml",
        'show.timezone "Manchester" is unknown',
        True,
    ),
    "a region twice": (
        add('\n[[regions]]\nid = "north-west"\nname = "x"\n'),
        "cln_media.toml",
        'region "north-west" stands there 2 times',
        True,
    ),
    "a region's id in capitals": (
        settings('id = "north-west"', 'id = "North West"'),
        "cln_media.toml",
        "regions 1: id",
        True,
    ),
    "a region's place in words": (
        settings('name = "North West"', 'name = "North West"\nosm = "North West"'),
        "cln_media.toml",
        "regions 1: osm",
        True,
    ),
    "a feed twice": (
        add('\n[[feeds]]\nname = "north-west"\ntitle = "x"\n'),
        "cln_media.toml",
        'feed "north-west" stands',
        True,
    ),
    "a feed of no region": (
        settings('region = "north-west"', 'region = "nort-west"'),
        "cln_media.toml",
        'wants the unknown region "nort-west"',
        True,
    ),
    "a feed that holds nothing": (
        add('\n[[feeds]]\nname = "x"\ntitle = "x"\ntopic = "none"\n'),
        "cln_media.toml",
        'feed "x" holds no episode',
        False,
    ),
    "a feed's artwork that is not there": (
        add('\n[[feeds]]\nname = "x"\ntitle = "x"\nartwork = "x.png"\n'),
        "x.png",
        "is not there",
        True,
    ),
    "a feed for somebody else": (
        add('\n[[feeds]]\nname = "x"\ntitle = "x"\nvisibility = "friends"\n'),
        "cln_media.toml",
        'visibility is "friends"',
        True,
    ),
    "a licence of our own without address": (
        feeds('license = "Open Government Licence v3.0"\n'),
        "cln_media.toml",
        "needs feed.license_url",
        True,
    ),
    "a licence's address alone": (
        feeds('license_url = "https://cln.example/l"\n'),
        "cln_media.toml",
        "stands without feed.license",
        True,
    ),
    "funding without address": (feeds('funding_text = "Give"\n'), "cln_media.toml", "feed.funding_url", True),
    "a rule that is none": (feeds('update_rule = "monthly"\n'), "cln_media.toml", "feed.update_rule is", True),
    "a rule without words": (
        feeds('update_rule = "FREQ=MONTHLY"\n'),
        "cln_media.toml",
        "stands without feed.update_frequency",
        True,
    ),
    "moved to where it is": (
        feeds('moved_to = "https://podcast.cln.example/feed.xml"\n'),
        "cln_media.toml",
        "is the feed's own address",
        True,
    ),
    "a hub without scheme": (feeds('hubs = ["hub.example"]\n'), "cln_media.toml", "is not an address", True),
    "a text without text": (
        feeds('texts = ["applepodcastsverify:"]\n'),
        "cln_media.toml",
        '"applepodcastsverify" has no text',
        True,
    ),
    "an announcement to nobody": (feeds('announce = ["apple"]\n'), "cln_media.toml", "feed.announce is", True),
    "pages of nothing": (feeds("page_size = 0\n"), "cln_media.toml", "feed.page_size is 0", True),
    "a season twice": (
        add('\n[[seasons]]\nnumber = 1\nname = "a"\n[[seasons]]\nnumber = 1\nname = "b"\n'),
        "cln_media.toml",
        "season 1 stands there 2 times",
        True,
    ),
    "members inside the workspace": (
        add('\n[members]\nlist = "members.toml"\n'),
        "cln_media.toml",
        "members.list stands inside the workspace",
        True,
    ),
    "a bit rate that MP3 has not": (
        add("\n[audio]\nbit_rate_kbps = 100\n"),
        "cln_media.toml",
        "audio.bit_rate_kbps",
        True,
    ),
    "keys in the endpoint": (
        add('\n[storage]\nendpoint_url = "https://key:secret@s3.example"\n'),
        "cln_media.toml",
        "storage.endpoint_url is",
        True,
    ),
    "no artwork": (lambda root: (root / "artwork.png").unlink(), "artwork.png", "is not there", True),
    "artwork that is text": (file("artwork.png", b"a helix"), "artwork.png", "", True),
    "artwork that is oblong": (image("artwork.png", 3000, 1500), "cln_media.toml", "is not square", True),
    "artwork that is small": (image("artwork.png", 600, 600), "cln_media.toml", "is too small", True),
    # episode.toml
    "no episode.toml": (
        lambda root: (root / "episodes/one/episode.toml").unlink(),
        "episodes/one",
        "has no episode.toml",
        True,
    ),
    "an episode's key mistyped": (episode("summary", "sumary"), "episodes/one/episode.toml", "the key sumary", True),
    "an episode without GUID": (episode("guid =", "# guid ="), "episodes/one/episode.toml", "guid is missing", True),
    "an episode's GUID with a space": (
        episode("urn:test:one", " urn:test:one"),
        "episodes/one/episode.toml",
        "guid is",
        True,
    ),
    "an episode without title": (episode('"About one"', '""'), "episodes/one/episode.toml", "title is empty", True),
    "a title that begins with a number": (
        episode('"About one"', '"Episode 3: waits"'),
        "episodes/one/episode.toml",
        "begins with a number",
        False,
    ),
    "a title with a control character": (
        episode('"About one"', r'"About\u0007one"'),
        "episodes/one/episode.toml",
        "control characters",
        True,
    ),
    "a date in quotes": (
        episode(studio.PUBLISHED, f'"{studio.PUBLISHED}"'),
        "episodes/one/episode.toml",
        "published is",
        True,
    ),
    "a date as people write it": (
        episode(studio.PUBLISHED, "1/10/2026"),
        "episodes/one/episode.toml",
        "not valid TOML",
        True,
    ),
    "a day without a time": (
        episode(studio.PUBLISHED, "2026-10-01"),
        "episodes/one/episode.toml",
        "published is",
        True,
    ),
    "an update before publication": (
        episode("published =", "updated = 2026-01-01T00:00:00Z\npublished ="),
        "episodes/one/episode.toml",
        "is updated before it is published",
        False,
    ),
    "recorded after publication": (
        episode("published =", "recorded_on = 2026-12-01\npublished ="),
        "episodes/one/episode.toml",
        "is published before it is recorded",
        False,
    ),
    "season zero": (
        episode("published =", "season = 0\npublished ="),
        "episodes/one/episode.toml",
        "season is 0",
        True,
    ),
    "a number in quotes": (
        episode("published =", 'number = "1"\npublished ='),
        "episodes/one/episode.toml",
        'number is "1"',
        True,
    ),
    "a kind that is none": (
        episode("published =", 'kind = "interview"\npublished ='),
        "episodes/one/episode.toml",
        'kind is "interview"',
        True,
    ),
    "topics in one text": (
        episode("published =", 'topics = "a, b"\npublished ='),
        "episodes/one/episode.toml",
        "topics is",
        True,
    ),
    "a region mistyped": (episode("north-west", "north-wset"), "episodes/one/episode.toml", "is unknown", True),
    "a slug with spaces": (
        episode("published =", 'slug = "Waiting times"\npublished ='),
        "episodes/one/episode.toml",
        "slug is",
        True,
    ),
    "no summary": (episode("summary =", "# summary ="), "episodes/one/episode.toml", "has no summary", False),
    "a slug twice": (second('slug = "one"'), "episodes/two/episode.toml", 'the slug "one" is also', True),
    "a GUID twice": (
        second("", ("urn:test:two", "urn:test:one")),
        "episodes/two/episode.toml",
        "is also that of",
        True,
    ),
    "a number twice": (
        lambda root: (second("number = 4")(root), episode("published =", "number = 4\npublished =")(root)),
        "episodes/two/episode.toml",
        "has the number 4 of episodes/one",
        False,
    ),
    "a serial without numbers": (
        settings("[site]", 'kind = "serial"\n[site]'),
        "episodes/one/episode.toml",
        "has no number, but the show is serial",
        True,
    ),
    "a season without name": (
        lambda root: (
            add('\n[[seasons]]\nnumber = 2026\nname = "Programme year 2026"\n')(root),
            episode("published =", "season = 2025\nnumber = 1\npublished =")(root),
        ),
        "episodes/one/episode.toml",
        "is of season 2025, which has no name",
        False,
    ),
    "a WAV kept as it is": (
        episode("published =", "keep_audio = true\npublished ="),
        "episodes/one/episode.toml",
        "is not a single MP3",
        True,
    ),
    "no sources": (episode("[[sources]]", "[[links]]"), "episodes/one/episode.toml", "has no [[sources]]", True),
    "a source with a path": (
        episode('"recording.wav"', '"../recording.wav"'),
        "episodes/one/episode.toml",
        "is not a plain file name",
        True,
    ),
    "a source that is gone": (
        lambda root: (root / "episodes/one/recording.wav").unlink(),
        "episodes/one/recording.wav",
        "is not there",
        True,
    ),
    "a source that was changed": (
        lambda root: studio.recording(root / "episodes/one/recording.wav", 5, seed=99),
        "episodes/one/recording.wav",
        "is not the file that was ingested",
        True,
    ),
    "a source that is text": (file("episodes/one/recording.wav", b"not sound"), "episodes/one/recording.wav", "", True),
    "a soundbite past the end": (
        more("\n[[soundbites]]\nstart = 3\nduration = 30\n"),
        "episodes/one/episode.toml",
        "soundbite 1 ends at 0:33, after the episode ends (0:05)",
        True,
    ),
    "a soundbite of a second": (
        more("\n[[soundbites]]\nstart = 1\nduration = 1\n"),
        "episodes/one/episode.toml",
        "soundbite 1 lasts 1 seconds",
        False,
    ),
    "a link without scheme": (
        more('\n[[links]]\ntitle = "x"\nurl = "cln.example"\n'),
        "episodes/one/episode.toml",
        "links 1: url is",
        True,
    ),
    "a speaker without role": (
        more('\n[[speakers]]\nname = "x"\n'),
        "episodes/one/episode.toml",
        "role is missing",
        True,
    ),
    "consent without reference": (
        more('\n[[speakers]]\nrole = "Nurse"\nconsent = { scope = ["voice"], recorded_on = 2026-09-01 }\n'),
        "episodes/one/episode.toml",
        "consent.reference is missing",
        True,
    ),
    "consent to something else": (
        more(
            '\n[[speakers]]\nrole = "Nurse"\nconsent = { scope = ["all"], recorded_on = 2026-09-01, reference = "x" }\n'
        ),
        "episodes/one/episode.toml",
        "consent.scope is",
        True,
    ),
    "consent withdrawn": (
        more(
            '\n[[speakers]]\nrole = "Nurse"\nconsent = { scope = ["voice"], recorded_on = 2026-09-01, reference = "x", '
            "withdrawn_on = 2026-10-01 }\n"
        ),
        "episodes/one/episode.toml",
        "has withdrawn consent",
        True,
    ),
    # the words
    "no transcript": (
        lambda root: (root / "episodes/one/transcript.vtt").unlink(),
        "episodes/one/transcript.vtt",
        "is missing",
        True,
    ),
    "an empty transcript": (transcript(""), "episodes/one/transcript.vtt", "", True),
    "a transcript that is prose": (transcript("Chair: welcome."), "episodes/one/transcript.vtt", "line 1", True),
    "a time that is none": (
        transcript(CUE + "Hello.\n\n00:00:0x --> 00:00:04.000\nAgain.\n"),
        "episodes/one/transcript.vtt",
        "line 6",
        True,
    ),
    "words after the end": (
        transcript(CUE + "Hello.\n\n00:10:00.000 --> 00:10:02.000\nAgain.\n"),
        "episodes/one/transcript.vtt",
        "has words at 10:00, after the episode ends (0:05)",
        True,
    ),
    "a voice nobody knows": (
        transcript(CUE + "<v Nurse>Hello.\n"),
        "episodes/one/transcript.vtt",
        'has words of "Nurse", who is not in episode.toml',
        True,
    ),
    "an NHS number": (
        transcript(CUE + "<v Chair>Her number is 999 000 0018.\n"),
        "episodes/one/transcript.vtt",
        "what could identify a patient (NHS number)",
        True,
    ),
    "no notes": (
        file("episodes/one/notes.md", DRAFT_MARKS[Part.NOTES].encode()),
        "episodes/one/notes.md",
        "is still the draft",
        True,
    ),
    "notes that are no text": (
        file("episodes/one/notes.md", b"\xff\xfe\x00x"),
        "episodes/one/notes.md",
        "is not UTF-8",
        True,
    ),
    "chapters out of order": (chapters("start = 3.25", "start = 1"), "episodes/one/chapters.toml", "chapter 3", True),
    "a chapter after the end": (
        chapters("start = 3.25", "start = 3000"),
        "episodes/one/chapters.toml",
        "chapter 3 starts at 50:00, after the episode ends (0:05)",
        True,
    ),
    "a chapter without title": (
        chapters('title = "Welcome"', ""),
        "episodes/one/chapters.toml",
        "chapter 1 has no title",
        True,
    ),
    "a chapter's key mistyped": (chapters("title", "titel"), "episodes/one/chapters.toml", "unknown key", True),
    "a chapter's script": (
        chapters('title = "Welcome"', 'title = "Welcome"\nurl = "javascript:alert(1)"'),
        "episodes/one/chapters.toml",
        "not a web address",
        True,
    ),
    "a chapter's image elsewhere": (
        chapters('title = "Welcome"', 'title = "Welcome"\nimage = "../../artwork.png"'),
        "episodes/one/chapters.toml",
        "is not a file name",
        True,
    ),
    "a chapter's image that is gone": (
        chapters('title = "Welcome"', 'title = "Welcome"\nimage = "slide.png"'),
        "episodes/one/slide.png",
        "is not there",
        True,
    ),
    "a late first chapter": (
        chapters("start = 0", "start = 1"),
        "episodes/one/chapters.toml",
        "does not start at 0",
        False,
    ),
    "a long chapter title": (
        chapters("Welcome", "Welcome to this learning set of the North West"),
        "episodes/one/chapters.toml",
        "has 46 characters",
        False,
    ),
    "a cover that is no image": (file("episodes/one/cover.png", b"x"), "episodes/one/cover.png", "", True),
    "a small cover": (image("episodes/one/cover.png", 300, 300), "episodes/one/cover.png", "is too small", False),
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace without a problem, and its cache."""
    root = studio.workspace(tmp_path_factory.mktemp("good") / "w", "one")
    assert survey(Workspace(root=root), Cache(root / ".cache"), now=NOW).problems == ()
    return root


def test_there_are_sixty_and_more() -> None:
    """The table is long enough to be worth its name."""
    assert len(BROKEN) >= 60


@pytest.mark.parametrize("row", BROKEN.values(), ids=BROKEN.keys())
def test_each_is_caught(good: Path, tmp_path: Path, row: tuple[Break, str, str, bool]) -> None:
    """Each broken input is named by file, said in a sentence, with a hint, and stops the build where it must."""
    change, source, sentence, fatal = row
    root = studio.copy_workspace(good, tmp_path / "w")
    change(root)
    found = survey(Workspace(root=root), Cache(root / ".cache"), now=NOW).problems
    matching = [problem for problem in found if problem.source == source and sentence in problem.message]
    assert matching, found
    assert matching[0].fatal is fatal, found
    assert len(matching[0].hint) > 8
    assert not [problem for problem in found if problem.message.endswith(".")]
