"""A sample network of thirty episodes, with every kind of page and content in it, built with real sound and images."""

import hashlib
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import imageio_ffmpeg
import pytest

from pipeline import artwork, build, model, pages, words
from pipeline.build import images, searching
from pipeline.build import site as building
from pipeline.cache import Cache
from pipeline.model import Chapter, Consent, Cue, Edition, EpisodeKind, Item, Season, Show, Soundbite, Speaker
from tests import samples

ROOT = Path(__file__).parents[1]
COUNT = 30
SOUND_MS = 150_000
LONGEST_WORDS = 10_000
WITHDRAWN = "taken-back"
LONG_WORD = "Otorhinolaryngologicaladministrativereorganisationsubcommittee"
WELSH = "gofal-yn-gymraeg"
LONG = "the-long-meeting"
BARE = "a-bare-one"
NAMED = Consent(
    scope=("voice", "name", "transcript", "region", "public"), recorded_on=date(2026, 9, 1), reference="NW-2"
)
REGIONS = (
    model.Region(id="north-west", name="North West"),
    model.Region(id="london", name="London"),
    model.Region(id="east", name="East of England and the Fens, including Peterborough and King\u2019s Lynn"),
    model.Region(id="wales-border", name="Wales & the Marches"),
    model.Region(id="south-west", name="South West"),
)
TITLES = (
    "What the pilot taught us",
    "Waiting well",
    f"A word on the {LONG_WORD}",
    "Who answers the telephone on a Monday at eight?",
    "\u201cNobody asked us\u201d: what receptionists know",
    "Discharge before noon, and why it did not happen",
    "Two wards, one rota",
    "Why we stopped sending letters that nobody reads, and what the practices did with the time",
)
TOPICS = ("Referrals", "Waiting lists", LONG_WORD, "Digital & data", "Staff wellbeing", "Governance")
SAID = (
    "Welcome to the learning set.",
    "We began with one practice & a spreadsheet, and waits < 18 weeks held.",
    "What changed was not the software but who was in the room when it was chosen.",
    "I would start smaller next time, and I would say so earlier.",
    "So the question for this set is what you would stop doing.",
    "That is a longer story, and it begins with a telephone that nobody answered between eight and nine.",
)
NOTES = """## What we learned

Three things, and **one** that we *did not* expect:

1. Start small
2. Share the numbers: see [the report](https://cln.example/choose-and-book)
3. Ask at [1:15](#t=75)

> Nobody asked us.

- `referrals.csv` holds the figures
- https://cln.example/a-very-long-address/that-does-not-break/because-it-has-no-spaces-in-it/at-all/figures.html
"""
# One page of each kind: what `make test` opens in a browser.
KINDS = (
    "",
    "archive/2/",
    f"episodes/{LONG}/",
    f"episodes/{WELSH}/",
    f"episodes/{BARE}/",
    "episodes/meeting-08/",
    f"episodes/{WITHDRAWN}/",
    "transcripts/meeting-08.html",
    "regions/",
    "regions/east/",
    "regions/south-west/",
    "sets/set-2/",
    "people/robin-exemplar/",
    f"topics/{LONG_WORD.lower()}/",
    "search/",
    "subscribe/",
    "share/",
    "about/",
    "privacy/",
    "accessibility/",
    "404.html",
    "embed/meeting-08/",
    "embed/meeting-08/tall/",
    "embed/latest/",
    "embed/latest/list/",
    f"embed/{WITHDRAWN}/",
)
WELSH_SAID = ("Croeso i'r set ddysgu.", "Dechreuon ni gydag un feddygfa.", "Beth newidiodd?")


def judging(*some: str) -> pytest.MarkDecorator:
    """Give a test the `addresses` that it opens: these in `make test`; in `make soak` none, which means every page."""
    every = pytest.param((), id="every page", marks=pytest.mark.soak)
    return pytest.mark.parametrize("addresses", [pytest.param(some, id="some pages"), every])


@dataclass(frozen=True)
class Network:
    """The sample, served. url: of its home; site: the folder; edition: what was built."""

    url: str
    site: Path
    edition: Edition

    @property
    def pages(self) -> tuple[str, ...]:
        """The address of every page below `url`, as people see it."""
        keys = sorted(path.relative_to(self.site).as_posix() for path in self.site.rglob("*.html"))
        return tuple(key.removesuffix("index.html") for key in keys)


def show(site_url: str) -> Show:
    """Make the show: five regions, one of them without episodes, and feeds of regions, of a season and of a topic."""
    return samples.show(
        site_url=site_url,
        guid="917393e3-1b1e-5cef-ace4-edaa54e1f810",
        regions=REGIONS,
        seasons=(Season(number=2025, name="The first year"), Season(number=2026, name="The second year")),
        feeds=(
            *(model.Feed(name=each.id, title=f"Learning sets: {each.name}", region=each.id) for each in REGIONS[:3]),
            model.Feed(name="governance", title="Learning sets: Governance", topic="Governance"),
        ),
        site=model.SiteSettings(
            per_page=8,
            directories=(model.Link(title="A directory of podcasts", url="https://directory.example/1"),),
            security_contact="mailto:security@cln.example",
            security_expires=date(2027, 6, 1),
            about="The network meets **monthly**.",
            privacy="We keep recordings for a year.",
            statement=model.Statement(
                status=model.Compliance.PARTIAL,
                prepared_on=date(2026, 9, 1),
                tested_on=date(2026, 8, 1),
                tested_by="An access consultancy",
                tested_how="Ten pages by hand.",
                barriers=(
                    model.Barrier(what="Old talks have no transcript", criterion="1.2.1", reason="non-compliance"),
                ),
            ),
        ),
    )


def transcript(texts: tuple[str, ...], count: int, *, every_ms: int, language: str = "en-GB") -> model.Transcript:
    """Let two people say `count` sentences, one each `every_ms`."""
    cues = tuple(
        Cue(
            start_ms=number * every_ms,
            end_ms=number * every_ms + every_ms - 200,
            text=texts[number % len(texts)],
            speaker=("Chair", "GP, Greater Manchester", f"Clerk of the {LONG_WORD}")[number // 2 % 3],
        )
        for number in range(count)
    )
    return model.Transcript(language=language, origin="transcript.vtt", cues=cues)


def items(site_url: str, sound: Path) -> tuple[Item, ...]:
    """Make the episodes, newest first; each has something else, or something else is missing."""
    made = [_special(LONG, 0), _special(WELSH, 1), _special(BARE, 2), *map(_usual, range(3, COUNT))]
    return tuple(heard(item, site_url, sound) for item in made)


def _special(slug: str, number: int) -> Item:
    published = _published(number)
    if slug == BARE:
        bare = {"summary": None, "speakers": (), "chapters": (), "transcript": None, "region": None, "set_name": None}
        item = samples.item(slug, **bare, number=None, season=None, topics=(), notes=None, published=published)
        return replace(item, notes_html="", chapters_url=None, transcripts=())
    if slug == WELSH:
        said = transcript(WELSH_SAID, 30, every_ms=5_000, language="cy")
        values = {"title": "Gofal yn Gymraeg", "summary": "Beth ddysgon ni wrth siarad Cymraeg yn y clinig."}
        chapters = (Chapter(start_ms=0, title="Croeso"), Chapter(start_ms=75_000, title="Beth newidiodd?"))
        about = {**values, "chapters": chapters, "transcript": said, "language": "cy", "region": "wales-border"}
        return samples.item(slug, **about, notes="Tri pheth.", published=published)
    count = LONGEST_WORDS * len(SAID) // sum(len(text.split()) for text in SAID) + 1
    chapters = tuple(Chapter(start_ms=start * 15_000, title=f"Part {start + 1}") for start in range(10))
    said = transcript(SAID, count, every_ms=SOUND_MS // count)
    long = {"title": "The long meeting", "chapters": chapters, "transcript": said, "published": published}
    return samples.item(slug, **long, region="north-west", notes=NOTES, topics=TOPICS)


def _usual(number: int) -> Item:
    title = TITLES[number % len(TITLES)]
    speakers = (
        Speaker(role="Chair", name="Robin Exemplar", consent=NAMED),
        Speaker(role="GP, Greater Manchester"),
        Speaker(role=f"Clerk of the {LONG_WORD}", name=f"Sam {LONG_WORD}", consent=NAMED if number % 2 else None),
    )
    has_words, has_chapters = number % 7 != 3, number % 5 != 4
    return samples.item(
        f"meeting-{number:02}",
        title=title if number < len(TITLES) else f"{title} ({number})",
        number=number,
        kind=(EpisodeKind.TRAILER, EpisodeKind.BONUS)[number % 2] if number % 10 > 7 else EpisodeKind.FULL,
        season=2025 if number > COUNT // 2 else 2026,
        published=_published(number),
        region=REGIONS[number % 3].id,
        set_name=f"{LONG_WORD} set" if number % 6 == 2 else f"Set {number % 4}",
        topics=(TOPICS[number % 6], TOPICS[(number + 1) % 6]),
        explicit=number % 9 == 0,
        summary=f"{title}: a member tells the set what happened, and what she would do again.",
        speakers=speakers[: 1 + number % 3],
        notes=NOTES if number % 4 else None,
        chapters=_chapters() if has_chapters else (),
        transcript=transcript(SAID, 30, every_ms=5_000) if has_words else None,
        soundbites=(Soundbite(start_ms=75_000, duration_ms=30_000, title="Start small"),) if number % 8 == 0 else (),
    )


def _chapters() -> tuple[Chapter, ...]:
    return (
        Chapter(start_ms=0, title="Welcome"),
        Chapter(start_ms=30_500, title=f"The {LONG_WORD}"),
        Chapter(start_ms=75_000, title="What changed", url="https://cln.example/choose-and-book"),
    )


def _published(number: int) -> datetime:
    return datetime(2026, 11, 1, 7, tzinfo=UTC) - timedelta(days=25 * number)


def heard(item: Item, site_url: str, sound: Path) -> Item:
    """Give an item its sound and the addresses of the site."""
    episode, data = item.episode, sound.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    key = model.media_key(episode.slug, sha256)
    enclosure = replace(item.enclosure, path=sound, sha256=sha256, key=key, url=site_url + key, length=len(data))
    moved = {
        name: getattr(item, name).replace(samples.SITE_URL, site_url)
        for name in ("page_url", "embed_url", "oembed_url")
    }
    files = tuple(replace(file, url=file.url.replace(samples.SITE_URL, site_url)) for file in item.transcripts)
    alternate = model.AlternateEnclosure(
        enclosure=enclosure, title="MP3, 32 kbit/s", codecs="mp4a.6B", bit_rate_kbps=32
    )
    return replace(
        item,
        **moved,
        episode=replace(episode, guid=f"urn:test:{episode.slug}"),
        enclosure=replace(enclosure, duration_ms=SOUND_MS),
        notes_html=words.notes_html(episode.notes or "", page_url=moved["page_url"]),
        chapters_url=site_url + model.chapters_key(episode.slug) if episode.chapters else None,
        transcripts=files if episode.transcript else (),
        waveform=tuple((number * 37) % 100 for number in range(200)),
        alternates=(alternate,) if episode.soundbites else (),
        clips=tuple(model.Clip(bite=bite, enclosure=enclosure) for bite in episode.soundbites),
    )


def sound(path: Path) -> Path:
    """Make two and a half minutes of a quiet tone, as MP3."""
    tone = ["-f", "lavfi", "-i", f"sine=frequency=220:duration={SOUND_MS / 1000}", "-ac", "1", "-ar", "24000"]
    coding = ["-c:a", "libmp3lame", "-b:a", "32k", "-fflags", "+bitexact"]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *tone, *coding, path], check=True)
    return path


def edition(site_url: str, cache: Cache, files: dict[str, Path]) -> Edition:
    """Make the edition, with images that are drawn; `files` gets the path of each sound and image by key."""
    owner = show(site_url)
    with cache.scratch() as scratch:
        picture = artwork.read(ROOT / "artwork.png")
        picture = replace(picture, alt=owner.artwork_alt)
        pictures = {ROOT / "artwork.png": picture}
        press = images.Images(cache, owner, pictures, files=files, scratch=scratch, with_pages=True)
        thumbnail = press.thumbnail("thumbnail", picture)
        assert thumbnail
        card = press.social("show-social", pages.show_caption(owner))
        found = items(site_url, cache.put("tagged", "sound", sound(scratch / "sound.mp3"), {}).path)
        covered = [replace(item, social=card, thumbnail=None if n % 3 else thumbnail) for n, item in enumerate(found)]
        files.update({item.enclosure.key: item.enclosure.path for item in covered})
        return Edition(
            show=owner,
            artwork=replace(thumbnail, finer=None),
            thumbnail=thumbnail,
            items=tuple(covered),
            withdrawn=(WITHDRAWN,),
            social=card,
            feed_thumbnails={"north-west": thumbnail},
            icons=press.icons(),
            about_html=words.notes_html(owner.site.about or ""),
            privacy_html=words.notes_html(owner.site.privacy or ""),
        )


def write(
    found: Edition,
    files: Mapping[str, Path],
    root: Path,
    cache: Cache,
    *,
    texts: Iterable[tuple[str, bytes]] = (),
) -> Path:
    """Build the site of an edition into root/site, as `cln-media build` does; of `texts` alone, where there are any."""
    with cache.scratch() as scratch:
        spool = building.Spool(root / "site", scratch)
        for name, data in texts or build.everything(found, root / "templates"):
            spool.add(name, data)
        index = searching.index(found, spool.hashes, cache)
        for name, data in index.texts.items():
            spool.add(name, data)
        building.write(root / "site", spool, {**files, **index.files}, cache)
    return root / "site"
