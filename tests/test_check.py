"""check: everything that is wrong with a show and its episodes, each with its sentence."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pipeline import check, model
from pipeline.model import (
    DRAFT_MARKS,
    Category,
    Chapter,
    Consent,
    Cue,
    DraftState,
    Episode,
    Feed,
    Link,
    Part,
    Picture,
    Problem,
    Region,
    Show,
    Soundbite,
    Speaker,
    StorageSettings,
    Transcript,
    is_marked,
)
from tests import samples

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ROOT = Path()


def square(path: str, width: int, height: int | None = None) -> Picture:
    """Make a picture of a size."""
    return Picture(path=Path(path), sha256="0" * 64, mime="image/png", width=width, height=height or width)


def found(
    show: Show | None = None, *episodes: Episode, facts: check.Facts | None = None, now: datetime = NOW
) -> tuple[Problem, ...]:
    """Check; the sample show and episode where none is given."""
    base = check.Facts(pictures={Path("artwork.png"): square("artwork.png", 3000)})
    show = show or samples.show(guid="917393e3-1b1e-5cef-ace4-edaa54e1f810")
    return check.problems(show, episodes, facts or base, root=ROOT, now=now)


def test_the_samples_have_no_problem() -> None:
    """A complete show and episode pass without a word."""
    assert found(None, samples.episode()) == ()


SHOWS = {
    "http": ({"site_url": "http://podcast.example/"}, "site.url http://podcast.example/ is not https", True),
    "non-ASCII": ({"site_url": "https://pödcast.example/"}, "site.url has characters that podcast apps refuse", True),
    "localhost in a bucket": (
        {"site_url": "http://localhost:8321/", "storage": StorageSettings(url="s3://bucket")},
        "site.url leads to this computer, but storage is a bucket",
        False,
    ),
    "region twice": (
        {"regions": (Region(id="london", name="a"), Region(id="london", name="b"), Region(id="north-west", name="c"))},
        'the region "london" stands there 2 times',
        True,
    ),
    "feed twice": (
        {"feeds": (Feed(name="a", title="a"), Feed(name="a", title="b"))},
        'the feed "a" stands there 2 times',
        True,
    ),
    "feed of an unknown region": (
        {"feeds": (Feed(name="a", title="a", region="nort-west"),)},
        'feed "a" wants the unknown region "nort-west"',
        True,
    ),
    "no category": ({"categories": ()}, "show.categories is empty", True),
    "category": ({"categories": (Category(name="Health"),)}, '"Health" is not a category', True),
    "subcategory": (
        {"categories": (Category(name="Education", subcategory="Medicine"),)},
        '"Medicine" is not a subcategory of Education',
        True,
    ),
    "NHS look": ({"identity": "nhs"}, "site.identity is nhs without permission", True),
    "time zone": ({"timezone": "Manchester"}, 'show.timezone "Manchester" is unknown', True),
}


@pytest.mark.parametrize(("changes", "message", "fatal"), SHOWS.values(), ids=SHOWS.keys())
def test_problems_of_a_show(changes: dict[str, object], message: str, fatal: bool) -> None:
    """Each mistake in the show has its sentence, and a hint."""
    problems = found(samples.show(guid="917393e3-1b1e-5cef-ace4-edaa54e1f810", **changes))
    matching = [problem for problem in problems if message in problem.message]
    assert matching, problems
    assert matching[0].fatal is fatal
    assert matching[0].hint


def test_a_near_region_is_suggested() -> None:
    """A mistyped region comes with the right one."""
    (problem,) = (one for one in found(None, samples.episode(region="nort-west")) if "region" in one.message)
    assert problem.hint == "Did you mean north-west?"
    assert problem.source == "episodes/choose-and-book/episode.toml"


def test_a_missing_guid_is_proposed() -> None:
    """A show without its own identity is told the line to add; it is no reason to stop."""
    guids = {"[show]": "abc", "[feed]": "def", '[[feeds]] "north-west"': "123"}
    problems = found(samples.show(), facts=check.Facts(guids=guids))
    assert [problem.hint.rpartition(": ")[2] for problem in problems] == [
        'guid = "abc"',
        'publisher_guid = "def"',
        'guid = "123"',
    ]
    problem = problems[0]
    assert not problem.fatal
    assert found(samples.show(site_url="http://localhost:8321/"), facts=check.Facts(guids=guids)) == ()


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (square("artwork.png", 3000, 2000), "is not square (3000 x 2000 pixels)"),
        (square("artwork.png", 600), "too small"),
    ],
    ids=["oblong", "small"],
)
def test_artwork_must_be_a_large_square(picture: Picture, message: str) -> None:
    """Artwork that directories refuse is refused here."""
    (problem,) = found(facts=check.Facts(pictures={Path("artwork.png"): picture}))
    assert message in problem.message
    assert problem.fatal


def _transcript(speaker: str, start_ms: int = 0) -> Transcript:
    cue = Cue(start_ms=start_ms, end_ms=start_ms + 900, text="Welcome.", speaker=speaker)
    return Transcript(language="en-GB", cues=(cue,), origin="transcript.vtt")


NAMED = Speaker(role="Chair", name="A. N. Example")
EPISODES = {
    "slug": ({"slug": "Über uns"}, 'the slug "Über uns" cannot stand in an address', True),
    "numbered title": ({"title": "Episode 12: waiting times"}, "the title begins with a number of the episode", False),
    "numbered title, short form": ({"title": "S2E3 Waiting"}, "the title begins with a number of the episode", False),
    "no summary": ({"summary": None}, "has no summary", False),
    "recorded in the future": (
        {"recorded_on": date(2026, 10, 9)},
        "is published before it is recorded",
        False,
    ),
    "no transcript": ({"transcript": None}, "is missing", True),
    "no notes": ({"notes": None}, "is missing", True),
    **{
        f"{state} {part}": ({"drafts": {part: state}}, "is still the draft made by machine", True)
        for part in Part
        for state in (DraftState.DRAFTED, DraftState.EDITED)
    },
    "first chapter late": (
        {"chapters": tuple(Chapter(start_ms=ms, title="t") for ms in (1000, 2000, 3000))},
        "the first chapter does not start at 0",
        False,
    ),
    "few chapters": ({"chapters": (Chapter(start_ms=0, title="Welcome"),)}, "has only 1 chapters", False),
    "long chapter title": (
        {"chapters": tuple(Chapter(start_ms=ms, title="t" * 41) for ms in (0, 1000, 2000))},
        "the title of chapter 1 has 41 characters",
        False,
    ),
    "late chapter": (
        {"chapters": tuple(Chapter(start_ms=ms, title="t") for ms in (0, 1000, 2_470_000))},
        "chapter 3 starts at 41:10, after the episode ends (40:02)",
        True,
    ),
    "late words": (
        {"transcript": _transcript("Chair", 2_470_000)},
        "has words at 41:10, after the episode ends (40:02)",
        True,
    ),
    "late words of a draft": (
        {"transcript": _transcript("Chair", 2_470_000), "published": None},
        "has words at 41:10, after the episode ends (40:02)",
        False,
    ),
    "a repaired transcript": (
        {"transcript": replace(_transcript("Chair"), repairs=("line 3: a comma was read as a point",))},
        "line 3: a comma was read as a point",
        False,
    ),
    "unknown speaker": (
        {"transcript": _transcript("Nurse")},
        'has words of "Nurse", who is not in episode.toml',
        True,
    ),
    "name without consent": (
        {"transcript": _transcript("A. N. Example"), "speakers": (NAMED,)},
        "names a speaker without consent to be named",
        True,
    ),
}


@pytest.mark.parametrize(("changes", "message", "fatal"), EPISODES.values(), ids=EPISODES.keys())
def test_problems_of_an_episode(changes: dict[str, object], message: str, fatal: bool | None) -> None:
    """Each mistake in an episode has its sentence, names its file, and stops the build where it must."""
    facts = check.Facts(durations_ms={"choose-and-book": 2_402_000})
    problems = found(None, samples.episode(**changes), facts=facts)
    matching = [problem for problem in problems if message in problem.message]
    assert matching, problems
    assert fatal is None or matching[0].fatal is fatal
    assert matching[0].hint
    assert matching[0].source.startswith("episodes/")


UNNAMED = (Speaker(role="Chair"), Speaker(role="Nurse", name="Dr Named Example"))
VOICES = ("named example", "NAMED EXAMPLE", "Dr. Example", "Named", "Example, Named", "N\u00e1med Example (Nurse)")


@pytest.mark.parametrize("voice", [*VOICES, "Named\u200b Example", "Named\u00a0Example", "Named  Example\u2019s"])
def test_a_voice_without_consent_is_known_however_it_is_written(voice: str) -> None:
    """Case, accents, order, parts of the name and what cannot be seen do not let a name through."""
    episode = samples.episode(transcript=_transcript(voice), speakers=UNNAMED)
    problems = [one for one in found(None, episode) if "without consent to be named" in one.message]
    assert [one.fatal for one in problems if one.source.endswith("transcript.vtt")] == [True]


NAME = "named EXAMPLE"
WORDS: dict[str, dict[str, object]] = {
    "title": {"title": f"A talk with {NAME}"},
    "summary": {"summary": f"{NAME}\u2019s work"},
    "slug": {"slug": "named-example-on-waiting"},
    "set": {"set_name": NAME},
    "topic": {"topics": (NAME,)},
    "notes": {"notes": f"With **{NAME}**."},
    "notes, marked within": {"notes": "With nam**ed** EXAM<b>PLE</b>."},
    "notes, coded": {"notes": "With &#110;amed EX&#65;MPLE."},
    "chapter": {"chapters": (Chapter(start_ms=0, title=NAME),)},
    "address": {"links": (Link(title="Who", url="https://cln.example/people/named-example"),)},
    "soundbite": {"soundbites": (Soundbite(start_ms=0, duration_ms=20_000, title=NAME),)},
    "notes, invisible": {"notes": "With Named\u200bExample."},
    "role of another": {"speakers": (*UNNAMED, Speaker(role=f"GP, {NAME}"))},
    "words": {
        "transcript": Transcript(
            language="en-GB",
            origin="transcript.vtt",
            cues=(
                Cue(start_ms=0, end_ms=900, text="Thank you, Named", speaker="Chair"),
                Cue(start_ms=900, end_ms=1_900, text="Example: yes.", speaker="Chair"),
            ),
        )
    },
}


PERHAPS = ("We were told by Dr Example that it works.", "Prof. Example\u2019s letter", "With Named Middle Example.")


@pytest.mark.parametrize("words", PERHAPS)
def test_a_surname_with_a_title_or_behind_another_name_is_a_warning(words: str) -> None:
    """They may be somebody else's; a surname alone is a word like others."""
    for text, expected in ((words, [False]), ("An example of it works.", [])):
        problems = found(None, samples.episode(speakers=UNNAMED, notes=text))
        assert [each.fatal for each in problems if "may name in its words" in each.message] == expected


@pytest.mark.parametrize("changes", WORDS.values(), ids=WORDS.keys())
def test_no_words_that_are_published_name_a_speaker_without_consent(changes: dict[str, object]) -> None:
    """The name in any text of the episode stops a build; in a draft it is a warning, with consent nothing."""
    for published, fatal in ((datetime(2026, 10, 1, tzinfo=UTC), True), (None, False)):
        episode = samples.episode(**{"speakers": UNNAMED, "published": published, **changes})
        problems = [one for one in found(None, episode) if "without consent to be named" in one.message]
        assert [one.fatal for one in problems] == [fatal]
    consent = Consent(scope=("name",), recorded_on=date(2026, 9, 1), reference="r")
    agreed = (Speaker(role="Chair"), Speaker(role="Nurse", name="Dr Named Example", consent=consent))
    assert not [one for one in found(None, samples.episode(**{**changes, "speakers": agreed})) if "name" in one.message]


def test_a_name_of_one_word_in_the_words_is_only_doubtful() -> None:
    """A first name alone may be a word like others: it is shown, and stops nothing."""
    speakers = (Speaker(role="Chair"), Speaker(role="GP, Greater Manchester", name="May"))
    problems = found(None, samples.episode(speakers=speakers, notes="It may help."))
    assert [(one.source[-8:], one.fatal) for one in problems] == [("notes.md", False)]


def test_a_draft_may_lack_what_a_published_episode_needs() -> None:
    """Before it is due, an episode without transcript or with draft notes stops nothing."""
    drafts = dict.fromkeys(Part, DraftState.DRAFTED)
    draft = samples.episode(published=None, transcript=None, drafts=drafts, summary=None)
    scheduled = samples.episode("later", published=datetime(2027, 1, 1, tzinfo=UTC), transcript=None)
    problems = found(None, draft, scheduled)
    assert not [problem for problem in problems if problem.fatal]
    unread = [problem for problem in problems if "draft made by machine" in problem.message]
    assert [problem.source.rpartition("/")[2] for problem in unread] == ["transcript.vtt", "chapters.toml", "notes.md"]
    assert all("delete the line that begins with" in problem.hint for problem in unread)


def test_a_draft_is_known_by_its_mark() -> None:
    """Notes are a draft while the mark stands on any line of its own, however spaced."""
    assert is_marked(f"\ufeff\r\nTitle\r\n  {DRAFT_MARKS[Part.NOTES].upper()}\r\n", Part.NOTES)
    assert not is_marked("Our first draft: delete nothing\n", Part.NOTES)
    assert is_marked("note draft\n", Part.TRANSCRIPT)
    assert not is_marked("We should\nnote draft guidance of the trust\n", Part.TRANSCRIPT)


def test_slugs_and_guids_are_unique() -> None:
    """Two episodes with one slug, or one GUID, are named with each other."""
    one, two = samples.episode(), samples.episode(guid="g", number=2, path=Path("episodes/other"))
    messages = [problem.message for problem in found(None, one, two)]
    assert messages == ['the slug "choose-and-book" is also that of episodes/choose-and-book']
    three = samples.episode("other", guid=one.guid, number=2)
    messages = [problem.message for problem in found(None, one, three)]
    assert messages == [f'the guid "{one.guid}" is also that of episodes/choose-and-book']


def test_a_changed_recording_is_noticed() -> None:
    """A recording that is not the one that was ingested stops the build, and the hint says how to accept it."""
    episode = samples.episode()
    facts = check.Facts(hashes={episode.sources[0].path: "f" * 64})
    (problem,) = found(None, episode, facts=facts)
    assert problem.message == "is not the file that was ingested"
    assert f'sha256 = "{"f" * 64}"' in problem.hint


TESTED = {"tested_on": date(2026, 9, 1), "tested_by": "A consultancy", "tested_how": "By hand"}
BARRIER = model.Barrier(what="No transcripts", criterion="1.2.1", reason="non-compliance")
STATEMENTS: dict[str, tuple[dict[str, object], str, bool | None]] = {
    "full and tested": ({"status": "full", **TESTED}, "", None),
    "partial, tested, with barriers": ({"status": "partial", "barriers": (BARRIER,), **TESTED}, "", None),
    "none": ({"status": "none"}, "", None),
    "full without a test": ({"status": "full"}, "claims full compliance without a test", True),
    "tested by nobody": ({"status": "full", **TESTED, "tested_by": None}, "without a test", True),
    "full with barriers": ({"status": "full", "barriers": (BARRIER,), **TESTED}, "lists barriers", True),
    "partial without barriers": ({"status": "partial", **TESTED}, "lists no barrier", True),
    "tested tomorrow": ({"status": "full", **TESTED, "tested_on": date(2027, 1, 1)}, "has not come yet", True),
    "old": ({"status": "none", "prepared_on": date(2025, 1, 1)}, "was last looked at", False),
    "old, reviewed": ({"status": "none", "prepared_on": date(2025, 1, 1), "reviewed_on": date(2026, 9, 1)}, "", None),
}


@pytest.mark.parametrize(("said", "message", "fatal"), STATEMENTS.values(), ids=STATEMENTS.keys())
def test_a_statement_claims_no_more_than_was_tested(said: dict[str, object], message: str, fatal: bool | None) -> None:
    """What is claimed needs a test; full compliance has no barriers, partial has some; no statement is a year old."""
    values = {"prepared_on": date(2026, 9, 1), **said, "status": model.Compliance(said["status"])}
    statement = model.Statement(**values)  # type: ignore[arg-type]
    problems = [
        p for p in found(samples.show(site=model.SiteSettings(statement=statement))) if "accessibility" in p.source
    ]
    assert [(message in p.message, p.fatal) for p in problems] == ([] if fatal is None else [(True, fatal)])


@pytest.mark.parametrize(
    ("expires", "contact", "message", "fatal"),
    [
        (date(2027, 6, 1), "mailto:a@cln.example", "", None),
        (date(2027, 6, 1), None, "without site.security_contact", True),
        (date(2026, 1, 1), "mailto:a@cln.example", "site.security_expires was", False),
        (date(2029, 1, 1), "mailto:a@cln.example", "too far away", False),
    ],
)
def test_security_txt_is_current(expires: date, contact: str | None, message: str, fatal: bool | None) -> None:
    """The day from which the contact is not relied on lies within the next year, and there is a contact."""
    site = model.SiteSettings(security_contact=contact, security_expires=expires)
    problems = [problem for problem in found(samples.show(site=site)) if "security" in problem.message]
    assert [(message in p.message, p.fatal) for p in problems] == ([] if fatal is None else [(True, fatal)])


def test_what_the_site_uses_itself_is_no_slug() -> None:
    """An episode called latest would stand where the newest always is."""
    assert ["is taken by the site itself" in each.message for each in found(None, samples.episode("latest"))] == [True]


@pytest.mark.parametrize("slug", ["con", "nul", "com1", "lpt9"])
def test_a_slug_is_no_name_of_a_device(slug: str) -> None:
    """Windows can make no folder of that name, neither in the workspace nor in the site."""
    assert ["is a name that Windows keeps" in each.message for each in found(None, samples.episode(slug))] == [True]
    assert ["ends in -clip" in each.message for each in found(None, samples.episode("waits-clip"))] == [True]
