"""Small complete values for tests of the rooms that render: one show, two items, nothing read from disk."""

from datetime import UTC, date, datetime
from pathlib import Path

from pipeline import model
from pipeline.model import Artwork, Chapter, Consent, Cue, Edition, Enclosure, Episode, Feed, Item, Show, Speaker

SITE_URL = "https://podcast.cln.example/"
SHA256 = "0123456789abcdef" * 4


def show(**changes: object) -> Show:
    """Make a show with every field that a feed needs; `changes` replace fields."""
    values: dict[str, object] = {
        "title": "Learning sets",
        "description": "What clinical leaders in England\u2019s regions learn from one another, month by month.",
        "site_url": SITE_URL,
        "language": "en-GB",
        "author": "Clinical Leaders Network",
        "owner_name": "CLN communications team",
        "owner_email": "podcast@cln.example",
        "categories": (
            model.Category(name="Health & Fitness", subcategory="Medicine"),
            model.Category(name="Government"),
        ),
        "artwork": Path("artwork.png"),
        "artwork_alt": "Two strands, clinicians and managers, wound into a helix",
        "copyright": "Clinical Leaders Network, Open Government Licence v3.0",
        "regions": (model.Region(id="north-west", name="North West"), model.Region(id="london", name="London")),
        "feeds": (Feed(name="north-west", title="Learning sets: North West", region="north-west"),),
    }
    return Show(**{**values, **changes})  # type: ignore[arg-type]


def transcript() -> model.Transcript:
    """Make a transcript of three cues with two speakers and characters that every format must escape."""
    return model.Transcript(
        language="en-GB",
        origin="transcript.vtt",
        cues=(
            Cue(start_ms=0, end_ms=3_200, text="Welcome to the learning set.", speaker="Chair"),
            Cue(
                start_ms=3_500,
                end_ms=9_040,
                text="Referrals fell & waits < 18 weeks held.",
                speaker="GP, Greater Manchester",
            ),
            Cue(start_ms=61_000, end_ms=64_999, text="What changed?", speaker="Chair"),
        ),
    )


def episode(slug: str = "choose-and-book", **changes: object) -> Episode:
    """Make a complete episode; `changes` replace fields."""
    values: dict[str, object] = {
        "path": Path("episodes") / slug,
        "slug": slug,
        "guid": f"urn:uuid:00000000-0000-4000-8000-{len(slug):012d}",
        "title": "Choose & Book: what the pilot taught us",
        "sources": (model.Source(path=Path("episodes") / slug / "recording.flac", sha256=SHA256),),
        "number": 1,
        "season": 2026,
        "recorded_on": date(2026, 9, 15),
        "published": datetime(2026, 10, 1, 7, 0, tzinfo=UTC),
        "region": "north-west",
        "set_name": "North West learning set",
        "topics": ("referrals",),
        "summary": "How the North West went from fourth place to first in booking referrals online.",
        "speakers": (
            Speaker(role="Chair"),
            Speaker(
                role="GP, Greater Manchester",
                consent=Consent(
                    scope=("voice", "transcript", "public"), recorded_on=date(2026, 9, 15), reference="NW-1"
                ),
            ),
        ),
        "notes": "Three things we learned.\n\n- Start small\n- Share the numbers\n",
        "chapters": (
            Chapter(start_ms=0, title="Welcome"),
            Chapter(start_ms=30_500, title="The pilot"),
            Chapter(start_ms=61_000, title="What changed", url="https://cln.example/choose-and-book"),
        ),
        "transcript": transcript(),
    }
    return Episode(**{**values, **changes})  # type: ignore[arg-type]


def item(slug: str = "choose-and-book", **changes: object) -> Item:
    """Make an item around `episode(slug, **changes)`, with every address a feed can carry."""
    made, owner = episode(slug, **changes), show()
    assert made.published is not None
    key = model.media_key(slug, SHA256)
    return Item(
        episode=made,
        published=made.published,
        enclosure=Enclosure(
            path=Path("site") / key,
            sha256=SHA256,
            key=key,
            url=owner.url(key),
            length=1_234_567,
            mime="audio/mpeg",
            duration_ms=125_400,
        ),
        page_url=owner.url(model.episode_key(slug)),
        embed_url=owner.url(model.embed_key(slug)),
        oembed_url=owner.url(model.oembed_key(slug)),
        notes_html="<p>Three things we learned.</p>\n<ul>\n<li>Start small</li>\n<li>Share the numbers</li>\n</ul>\n",
        chapters_url=owner.url(model.chapters_key(slug)),
        transcripts=tuple(
            model.TranscriptFile(url=owner.url(model.transcript_key(slug, extension)), mime=mime, language="en-GB")
            for extension, mime in model.TRANSCRIPT_FORMATS.items()
        ),
    )


def artwork(name: str = "artwork", size_px: int = 3000) -> Artwork:
    """Make a published image."""
    key = model.asset_key(name, SHA256, "jpg")
    alt = "Two strands, clinicians and managers, wound into a helix"
    return Artwork(key=key, url=SITE_URL + key, mime="image/jpeg", width=size_px, height=size_px, alt=alt)


def edition(**changes: object) -> Edition:
    """Make an edition of two items, newest first; `changes` replace fields."""
    older = item("first-meeting", published=datetime(2026, 9, 1, 7, 0, tzinfo=UTC), title="First meeting", number=None)
    values: dict[str, object] = {
        "show": show(),
        "artwork": artwork(),
        "thumbnail": artwork("thumbnail", 400),
        "items": (item(), older),
    }
    return Edition(**{**values, **changes})  # type: ignore[arg-type]


TALK = (
    (
        "The front desk books every appointment. We changed the booking rota at the front desk last spring. A "
        "booking clerk now answers the telephone within a minute. Patients ring the front desk and leave with "
        "an appointment. The telephone queue fell by half because the rota follows the calls. Our "
        "receptionists drew the booking rota themselves. Nobody waits in the telephone queue for longer than "
        "a song. The appointment book is open six weeks ahead. Receptionists should never have to apologise "
        "for a rota that somebody else made."
    ),
    (
        "The pharmacy reads every discharge letter now. A discharge letter must say which tablets were "
        "stopped. The pharmacist rings the ward when tablets are missing from the letter. Half of the "
        "discharge letters had a mistake in the tablets. The ward pharmacist signs the letter before the "
        "patient goes home. Tablets that were stopped in hospital were started again at home. The pharmacy "
        "found forty mistakes in a single month of letters. We learned that the discharge letter is the most "
        "dangerous page in the hospital."
    ),
    (
        "The heart failure clinic visits people in their kitchens. A nurse weighs them and listens to the "
        "chest. Heart failure nurses carry scales and a stethoscope in the car. Breathless people should not "
        "have to climb the stairs of a clinic. The nurse looks into the fridge and talks about salt. Weight "
        "that rises by two kilos is the first sign of heart failure. A kitchen tells the nurse more than any "
        "scan of the chest. People breathe more easily since the clinic comes to their kitchen."
    ),
)
TALK_TURNS_MS = (200_000, 400_000)


def talk() -> tuple[Cue, ...]:
    """Make ten minutes about three things, two voices in turns of some sentences."""
    cues: list[Cue] = []
    for part, text in enumerate(TALK):
        sentences = [f"{each.rstrip('.')}." for each in text.split(". ")]
        many = [*sentences, *reversed(sentences), *sentences[::2]]
        step_ms = 200_000 // len(many)
        for number, sentence in enumerate(many):
            start_ms = part * 200_000 + number * step_ms
            speaker = ("Chair", "GP, Greater Manchester")[(number // 3 + part) % 2]
            cues.append(Cue(start_ms=start_ms, end_ms=start_ms + step_ms - 300, text=sentence, speaker=speaker))
    return tuple(cues)
