"""Moving: after every edit, each cue, chapter, soundbite and link still points at the words it was written for."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from scipy import signal
from scipy.io import wavfile

from pipeline import words
from pipeline.audio.edits import edited, plan, position
from pipeline.audio.graph import Block
from pipeline.audio.stings import lead_ms, with_stings
from pipeline.model import Chapter, Cue, Edit, EditAction, Episode, Link, Soundbite, Span, Timeline, Transcript
from tests import samples, studio

RATE_HZ = 44_100
CUT, BLEEP, MUTE = EditAction.CUT, EditAction.BLEEP, EditAction.MUTE
WORDS = ("monday", "referral", "seven", "pharmacy", "thirty", "nurses", "outcome", "practice", "winter", "question")
GAPS_S = (3.1, 0.9, 2.7, 0.95, 1.9, 1.0, 3.3, 0.9, 1.05, 2.2)  # before each word
OVERLAP_S = 2.0
PAGE = "https://podcast.cln.example/episodes/choose-and-book/"


@dataclass(frozen=True)
class Spoken:
    """A recording, and where its words are: (start, end) in ms."""

    sound: Block
    places: tuple[tuple[int, int], ...]

    @property
    def length_ms(self) -> int:
        return round(self.sound.shape[1] * 1000 / RATE_HZ)

    def speech(self) -> np.ndarray:
        """Say for each step of 20 ms whether a word is there."""
        steps = np.arange(-(-self.length_ms // 20)) * 20
        return np.any([(start < steps + 20) & (steps < end) for start, end in self.places], axis=0)

    def word(self, number: int) -> np.ndarray:
        """Return the samples of a word."""
        return self.sound[0, slice(*(position(place, RATE_HZ) for place in self.places[number]))]


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Spoken:
    """Speak ten words, each with a pause before it, in a room with some noise."""
    folder, parts, places, at = tmp_path_factory.mktemp("words"), [], [], 0
    for word, gap_s in zip(WORDS, GAPS_S, strict=True):
        rate_hz, heard = wavfile.read(studio.speak(folder / f"{word}.wav", word))
        loud = np.flatnonzero(np.abs(heard) > 300)
        voice = signal.resample_poly(heard[loud[0] : loud[-1]] / 2**15, RATE_HZ, rate_hz)
        voice = voice[: len(voice) // 441 * 441] * 0.1 / np.sqrt(np.mean(np.square(voice)))  # whole 10 ms
        gap = round(gap_s * 100) * 441
        places.append((round((at + gap) / 44.1), round((at + gap + len(voice)) / 44.1)))
        parts += [np.zeros(gap), voice]
        at += gap + len(voice)
    sound = np.concatenate([*parts, np.zeros(4 * RATE_HZ)])
    sound += np.random.default_rng(1).standard_normal(len(sound)) * 0.002
    return Spoken(sound=sound.astype(np.float32)[None], places=tuple(places))


def sting(seconds: float, *hertz: float) -> Block:
    """Make a chord."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return np.asarray(sum(0.1 * np.sin(2 * np.pi * one * time_s) for one in hertz), np.float32)[None]


def described(spoken: Spoken, **changes: object) -> Episode:
    """Make an episode with a cue, a chapter, a soundbite and a link for every word, as a person would time them."""
    starts = [start for start, _ in spoken.places]
    cues = (Cue(start_ms=a, end_ms=b, text=word) for (a, b), word in zip(spoken.places, WORDS, strict=True))
    values = {
        "transcript": Transcript(language="en-GB", cues=tuple(cues), origin="transcript.vtt"),
        "chapters": tuple(Chapter(start_ms=start, title=word) for start, word in zip(starts, WORDS, strict=True)),
        "soundbites": tuple(
            Soundbite(start_ms=start, duration_ms=5_000, title=word) for start, word in zip(starts, WORDS, strict=True)
        ),
        "notes": "".join(
            f"- [{word}]({PAGE if start % 20 else ''}#t={start / 1000:g})\n"
            for start, word in zip(starts, WORDS, strict=True)
        ),
        **changes,
    }
    return samples.episode(**values)


def found_at(master: np.ndarray, word: np.ndarray) -> tuple[float, float]:
    """Find where in a sound a word is most alike: the ms, and how alike it is there (1 is the same)."""
    master, word = np.diff(master, 2), np.diff(word, 2)  # or one vowel would be much like another
    sums = np.concatenate([[0.0], np.cumsum(np.square(master, dtype=np.float64))])
    energy = (sums[len(word) :] - sums[: -len(word)]) * np.sum(np.square(word))
    alike = signal.correlate(master, word, "valid", "fft") / np.sqrt(np.maximum(energy, 1e-9))
    best = int(np.argmax(alike))
    return best * 1000 / RATE_HZ, float(alike[best])


def named_times(episode: Episode) -> dict[str, dict[str, float]]:
    """Collect where an episode says that each word is, in ms: by its cues, chapters, soundbites and links."""
    assert episode.transcript is not None
    links = re.findall(r"\[(\w+)\]\([^)]*#t=([0-9.]+)\)", episode.notes or "")
    return {
        "cues": {cue.text: cue.start_ms for cue in episode.transcript.cues if cue.text != "[removed]"},
        "chapters": {chapter.title: chapter.start_ms for chapter in episode.chapters},
        "soundbites": {bite.title or "": bite.start_ms for bite in episode.soundbites},
        "links": {word: round(float(seconds) * 1000) for word, seconds in links},
    }


def around(spoken: Spoken, number: int, action: EditAction, by_ms: int = 37) -> Edit:
    """Edit a word with a little around it, at times that are no whole steps."""
    start, end = spoken.places[number]
    return Edit(start_ms=start - by_ms, end_ms=end + by_ms + 4, action=action)


CASES = {  # -> (words cut, words bleeped, trim, longest pause in ms, intro in s)
    "nothing": ((), (), False, None, 0),
    "a cut": ((2,), (), False, None, 0),
    "cuts": ((0, 4, 5), (), False, None, 0),
    "trimmed": ((), (), True, None, 0),
    "pauses shortened": ((), (), False, 800, 0),
    "an intro": ((), (), False, None, 6.3),
    "a bleep": ((), (3,), False, None, 0),
    "everything": ((1, 6), (4,), True, 850, 4.567),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_everything_points_at_the_same_words(spoken: Spoken, case: tuple) -> None:
    """Whatever was cut, covered, trimmed, shortened or put before it, each word is heard where the master names it."""
    cut, bleeped, trim, longest_pause_ms, intro_s = case
    edits = (*(around(spoken, n, CUT) for n in cut), *(around(spoken, n, BLEEP) for n in bleeped))
    intro = sting(intro_s, 262, 330, 392) if intro_s else None
    timeline = plan(
        edits,
        length_ms=spoken.length_ms,
        speech=spoken.speech(),
        trim=trim,
        longest_pause_ms=longest_pause_ms,
        speech_starts_ms=lead_ms(intro, overlap_s=OVERLAP_S, rate_hz=RATE_HZ),
    )
    blocks = edited([spoken.sound], timeline, edits, rate_hz=RATE_HZ)
    master = np.concatenate(list(with_stings(blocks, intro, None, overlap_s=OVERLAP_S, rate_hz=RATE_HZ)), axis=1)[0]
    named = named_times(words.moved(described(spoken, edits=edits), timeline))
    for number, word in enumerate(WORDS):
        place_ms, alike = found_at(master, spoken.word(number))
        if number in cut or number in bleeped:
            assert alike < 0.6, word
            assert word not in named["cues"]
            continue
        assert alike > 0.9, word  # the intro still sounds softly under the first one
        for kind in named.values():
            assert kind[word] == pytest.approx(place_ms, abs=1), (word, named)


def test_the_words_are_told_apart(spoken: Spoken) -> None:
    """Where nothing is edited, each word is found at its place and nowhere else: the test above can fail."""
    for number, (start, _) in enumerate(spoken.places):
        place_ms, alike = found_at(spoken.sound[0], spoken.word(number))
        assert place_ms == pytest.approx(start, abs=0.1)
        assert alike > 0.99
        silenced = spoken.sound[0].copy()
        silenced[position(start, RATE_HZ) :][: len(spoken.word(number))] = 0
        assert found_at(silenced, spoken.word(number))[1] < 0.6


def timeline(*kept: tuple[int, int], first_ms: int = 0, covered: tuple[tuple[int, int], ...] = ()) -> Timeline:
    """Make a timeline of the stretches kept."""
    spans, place = [], first_ms
    for start, end in kept:
        spans.append(Span(start_ms=start, end_ms=end, master_ms=place))
        place += end - start
    return Timeline(spans=tuple(spans), covered=covered)


def cue(start_ms: int, end_ms: int, text: str = "Words.") -> Cue:
    """Make a cue."""
    return Cue(start_ms=start_ms, end_ms=end_ms, text=text, speaker="Chair")


def moved_cues(line: Timeline, *cues: Cue, edits: tuple[Edit, ...] = ()) -> list[tuple[int, int, str]]:
    """Move cues."""
    transcript = Transcript(language="en-GB", cues=cues, origin="transcript.vtt")
    after = words.moved(samples.episode(transcript=transcript, edits=edits), line).transcript
    return [(one.start_ms, one.end_ms, one.text) for one in after.cues] if after else []


def moved_chapters(line: Timeline, *starts: int) -> list[tuple[int, str]]:
    """Move chapters that are called by their number."""
    chapters = tuple(Chapter(start_ms=start, title=str(number)) for number, start in enumerate(starts, 1))
    return [(one.start_ms, one.title) for one in words.moved(samples.episode(chapters=chapters), line).chapters]


def moved_notes(markdown: str, line: Timeline) -> str:
    """Move the links of notes."""
    notes = words.moved(samples.episode(notes=markdown), line).notes
    assert notes is not None
    return notes


CUT_10_TO_20 = timeline((0, 10_000), (20_000, 60_000))


def test_equal_clocks_leave_the_episode_itself() -> None:
    """A timeline without spans gives the same object back."""
    episode = samples.episode(edits=(Edit(start_ms=0, end_ms=1, action=MUTE),))
    assert words.moved(episode, Timeline()) is episode


def test_only_words_move() -> None:
    """Everything of an episode that has no time stays as it is, its edits too; what has none stays empty."""
    episode = samples.episode(edits=(Edit(start_ms=10_000, end_ms=20_000, action=CUT),))
    after = words.moved(episode, CUT_10_TO_20)
    assert replace(after, transcript=episode.transcript, chapters=episode.chapters) == episode
    bare = samples.episode(transcript=None, chapters=(), notes=None)
    assert words.moved(bare, CUT_10_TO_20) == bare


def test_cues_lose_what_was_cut() -> None:
    """A cue inside a cut goes; one that reaches into it ends or begins there; one around it becomes shorter."""
    cues = cue(1_000, 3_000), cue(8_000, 12_000), cue(9_000, 25_000), cue(11_000, 15_000), cue(18_000, 24_000)
    assert moved_cues(CUT_10_TO_20, *cues, cue(59_000, 61_000)) == [
        (1_000, 3_000, "Words."),
        (8_000, 10_000, "Words."),
        (9_000, 15_000, "Words."),
        (10_000, 14_000, "Words."),
        (49_000, 50_000, "Words."),
    ]


def test_a_cue_that_a_cut_takes_to_nine_tenths_goes() -> None:
    """Hardly anything is heard of it, and its words are what somebody wanted gone."""
    edits = (Edit(start_ms=10_000, end_ms=20_000, action=CUT),)
    assert moved_cues(CUT_10_TO_20, cue(9_000, 19_000), edits=edits) == []
    assert moved_cues(CUT_10_TO_20, cue(8_900, 19_000), edits=edits) == [(8_900, 10_000, "Words.")]


def test_a_cue_with_a_long_pause_keeps_its_words() -> None:
    """A pause that was shortened takes time from a cue, but no words."""
    assert moved_cues(CUT_10_TO_20, cue(9_500, 20_100)) == [(9_500, 10_100, "Words.")]


def test_covered_cues_lose_their_words() -> None:
    """A cue that is bleeped to nine tenths says that something was removed, and keeps its speaker."""
    line = timeline((0, 60_000), covered=((10_000, 19_000),))
    assert moved_cues(line, cue(10_000, 20_000), cue(10_000, 20_100), cue(19_000, 20_000)) == [
        (10_000, 20_000, "[removed]"),
        (10_000, 20_100, "Words."),
        (19_000, 20_000, "Words."),
    ]


def test_a_cue_cut_and_covered_loses_its_words() -> None:
    """What a cut and a bleep take together counts."""
    line = timeline((0, 10_000), (15_000, 60_000), covered=((15_000, 20_000),))
    edits = (Edit(start_ms=10_000, end_ms=15_000, action=CUT), Edit(start_ms=15_000, end_ms=20_000, action=BLEEP))
    assert moved_cues(line, cue(10_000, 20_500), edits=edits) == [(10_000, 15_500, "[removed]")]


def test_a_transcript_without_cues_is_none() -> None:
    """Where no cue is left, there is no transcript to publish."""
    transcript = Transcript(language="en-GB", cues=(cue(11_000, 12_000),), origin="transcript.vtt")
    assert words.moved(samples.episode(transcript=transcript), CUT_10_TO_20).transcript is None


def test_chapters_move_to_what_is_kept() -> None:
    """Chapters after a cut come earlier; one inside it starts at its end."""
    assert moved_chapters(CUT_10_TO_20, 0, 9_000, 15_000, 30_000) == [
        (0, "1"),
        (9_000, "2"),
        (10_000, "3"),
        (20_000, "4"),
    ]


def test_of_chapters_that_fall_together_the_later_stays() -> None:
    """The sound that follows is the later one's: the earlier one was cut, or has less than a second left."""
    assert moved_chapters(CUT_10_TO_20, 0, 11_000, 15_000, 20_000, 40_000) == [(0, "1"), (10_000, "4"), (30_000, "5")]
    assert moved_chapters(CUT_10_TO_20, 0, 9_100, 20_000) == [(0, "1"), (10_000, "3")]
    assert moved_chapters(timeline((20_000, 60_000)), 0, 5_000, 20_500) == [(0, "3")]


def test_a_chapter_yields_only_to_one_that_stays() -> None:
    """A chapter that goes takes no earlier one with it."""
    line = timeline((0, 10_000), (20_000, 60_000))
    assert moved_chapters(line, 0, 9_300, 15_000, 20_700) == [(0, "1"), (9_300, "2"), (10_700, "4")]


def test_chapters_written_close_together_stay() -> None:
    """Two chapters within a second that no edit brought closer are as a person wanted them."""
    line = timeline((0, 10_000), (20_000, 60_000))
    assert moved_chapters(line, 0, 30_000, 30_900, 40_000) == [
        (0, "1"),
        (20_000, "2"),
        (20_900, "3"),
        (30_000, "4"),
    ]


def test_the_first_chapter_begins_with_the_intro() -> None:
    """A chapter at 0 stays there, or apps would ignore the list; the others make room for the intro."""
    line = timeline((2_000, 60_000), first_ms=8_000)
    assert moved_chapters(line, 0, 10_000) == [(0, "1"), (16_000, "2")]
    assert moved_chapters(line, 500, 10_000) == [(8_000, "1"), (16_000, "2")]


def test_chapters_beyond_the_end_go() -> None:
    """A chapter in what was trimmed at the end goes, and takes no other with it."""
    assert moved_chapters(timeline((0, 30_000)), 0, 29_500, 30_000, 45_000) == [(0, "1"), (29_500, "2")]


def test_soundbites_lose_what_was_cut() -> None:
    """A soundbite is as long as what is left of it, and goes where that is less than a second."""
    bites = tuple(Soundbite(start_ms=start, duration_ms=15_000, title="t") for start in (1_000, 5_000, 15_000))
    bites += (Soundbite(start_ms=9_100, duration_ms=10_000), Soundbite(start_ms=9_000, duration_ms=10_000))
    after = words.moved(samples.episode(soundbites=bites), CUT_10_TO_20).soundbites
    assert [(one.start_ms, one.duration_ms) for one in after] == [
        (1_000, 9_000),
        (5_000, 5_000),
        (10_000, 10_000),
        (9_000, 1_000),
    ]


MOVED = {
    "[a](#t=75)": "[a](#t=65)",
    "[a](#t=1:15)": "[a](#t=65)",
    "[a](#t=0:01:15.25)": "[a](#t=65.25)",
    "[a](#t=npt:75)": "[a](#t=65)",
    "[a](#t=15,75.5)": "[a](#t=10,65.5)",
    "[a](<#t=75>)": "[a](<#t=65>)",
    '[a](#t=75 "Title")': '[a](#t=65 "Title")',
    "[a]( #t=75 ) and [b](#t=30)": "[a]( #t=65 ) and [b](#t=20)",
    "[a](index.html#t=75)": "[a](index.html#t=65)",
    "[a](../choose-and-book/#t=75)": "[a](../choose-and-book/#t=65)",
    f"[a]({PAGE}#t=75)": f"[a]({PAGE}#t=65)",
    f"[a]({PAGE}index.html?ref=(x)#t=75)": f"[a]({PAGE}index.html?ref=(x)#t=65)",
    "[a](https://x.example/media/choose-and-book-0123456789abcdef.mp3#t=75)": (
        "[a](https://x.example/media/choose-and-book-0123456789abcdef.mp3#t=65)"
    ),
    f"<{PAGE}#t=75>": f"<{PAGE}#t=65>",
    f"[a][one]\n\n[one]: {PAGE}#t=75\n": f"[a][one]\n\n[one]: {PAGE}#t=65\n",
    "`unclosed\n\n[a](#t=75) `": "`unclosed\n\n[a](#t=65) `",
}


@pytest.mark.parametrize(("before", "after"), MOVED.items())
def test_links_into_the_episode_move(before: str, after: str) -> None:
    """A link to a time of this episode keeps its words and address, whatever way it is written."""
    line = timeline((0, 10_000), (20_000, 100_000))
    assert moved_notes(f"Before. {before} After." if "\n" not in before else before, line).count(after) == 1


STAYING = (
    "At #t=75 we said",
    "(#t=75)",
    f"See {PAGE}#t=75 in full",
    "`[a](#t=75)`",
    "```\n[a](#t=75)\n```",
    "~~~ text\n[a](#t=75)",
    "[a](#t=soon)",
    "[a](#t=75x)",
    "[a](#top)",
    "[a](https://podcast.cln.example/episodes/another/#t=75)",
    "[a](https://podcast.cln.example/episodes/choose-and-book-2/#t=75)",
    "[a](https://video.example/watch?v=abc#t=75)",
    "At 1:15 the pilot begins. 00:01:15",
)


@pytest.mark.parametrize("text", STAYING)
def test_all_else_in_notes_stays(text: str) -> None:
    """Plain text, code, other fragments and links to what has its own clock are not touched."""
    assert moved_notes(text, CUT_10_TO_20) == text


def test_links_of_the_episode_move() -> None:
    """The list of links is treated like links in the notes."""
    links = tuple(Link(title="t", url=url) for url in (f"{PAGE}#t=75&x=1", "https://a.example/#t=75", PAGE))
    after = words.moved(samples.episode(links=links), CUT_10_TO_20).links
    assert [link.url for link in after] == [f"{PAGE}#t=50&x=1", "https://a.example/#t=75", PAGE]


def test_moved_words_can_be_written(tmp_path: Path) -> None:
    """What was moved goes through the forms that players read: WebVTT reads back with the master's times."""
    after = words.moved(samples.episode(), timeline((1_000, 70_000), first_ms=5_000)).transcript
    assert after is not None
    read = words.read_transcript(words.webvtt(after), source=tmp_path / "t.vtt", language="en-GB")
    assert [one.start_ms for one in read.cues] == [5_000, 7_500, 65_000]
