"""An episode's transcript enters, an Outline leaves."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise

from pipeline.drafting import mentions, phrases, quoting, topics
from pipeline.drafting.saying import Find, Sentence, sentences
from pipeline.drafting.stopping import WORD
from pipeline.model import Chapter, Cue, Mention, Outline, Speaker, Term

_SHORTEST_EPISODE_MS = 120_000  # with less, nobody looks for a chapter
_CHAPTER_MS = 390_000
_FEWEST_CHAPTERS = 3
_QUOTES = 5
_KEY_WORDS = 15
_ANYBODY = re.compile(r"(?i)(?:speaker|voice|participant|person|unknown)(?: ?[0-9]{1,3}| [a-z])?")
_INTRODUCED = re.compile(
    r"\b(?:[Mm]y name is|[Mm]y name's|I'm|I am|[Tt]his is|[Oo]ver to|[Tt]hank you,?|[Tt]hanks,?|[Hh]i,?|[Hh]ello,?"
    r"|[Mm]orning,?|[Ww]elcome,?|[Dd]r\.?|[Mm]rs?\.?|[Mm]s\.?|[Pp]rof(?:essor|\.)?)\s+"
    r"([A-Z][a-z]+(?:[ -][A-Z][a-z]+)?)\b"
)
_TITLES = frozenset(["dr", "prof", "professor", "mr", "mrs", "ms", "miss", "mx", "sir", "dame", "lord", "lady", "rev"])
_NO_NAMES = frozenset(
    ["of", "the", "and", "for", "from", "at", "in", "de", "la", "le", "van", "von", "der", "al", "el"]
)
_SHORTEST_NAME = 2


def outline(
    cues: Sequence[Cue],
    *,
    length_ms: int | None,
    find: Find,
    speakers: Sequence[Speaker] = (),
    glossary: Sequence[Term] = (),
    known: Sequence[str] = (),
) -> Outline:
    """Propose what can be told of an episode from its words.

    Args:
        cues: ascending by start, on the recording's clock.
        length_ms: of the recording; None where it is not known, and the last cue tells.
        find: text to what could identify a patient.
        speakers: who speaks, with their consent.
        glossary: what acronyms stand for.
        known: texts whose words are no secret, such as the episode's title. Any other word that is only ever written
            with a capital may name somebody, and stands in no title and among no key words.

    Returns:
        The proposals. The first chapter starts at 0, all are at least 30 s long, and there are at least three or none.

    Source: Hearst, TextTiling, Computational Linguistics 23 (1997), for the chapters.
    """
    names = _names(cues, speakers)
    said = sentences(cues, find=find, names=names)
    if not said:
        return Outline()
    whole_ms = length_ms or said[-1].end_ms
    known = (*known, *(speaker.label for speaker in speakers), *(f"{term.term} {term.meaning}" for term in glossary))
    barred = phrases.possible_names(said, known=known)
    (ranked,) = phrases.ranked([said], barred=barred)
    about = [stem for phrase in ranked[:_KEY_WORDS] for stem in phrase.stems]
    quotes = quoting.quotes(said, length_ms=whole_ms, count=_QUOTES, about=about, barred=barred)
    roles = _roles(speakers)
    terms, unexplained = mentions.acronyms(said, glossary)
    return Outline(
        chapters=_chapters(said, whole_ms, barred, find),
        quotes=tuple(Mention(text=q.text, start_ms=q.start_ms, by=_role(q.voice, roles)) for q in quotes),
        key_words=tuple(islice((p.text for p in ranked if p.times > 1 and not find(p.text)), _KEY_WORDS)),
        terms=terms,
        unexplained=unexplained,
        addresses=mentions.addresses(said),
        actions=mentions.actions(said),
    )


def _chapters(said: Sequence[Sentence], length_ms: int, barred: frozenset[str], find: Find) -> tuple[Chapter, ...]:
    if length_ms < _SHORTEST_EPISODE_MS:
        return ()
    wanted = max(_FEWEST_CHAPTERS, round(length_ms / _CHAPTER_MS))
    places = topics.shifts(said, length_ms=length_ms, count=wanted - 1)
    if len(places) < _FEWEST_CHAPTERS - 1:
        return ()
    edges = [0, *places, len(said)]
    parts = [said[first:after] for first, after in pairwise(edges)]
    made: list[Chapter] = []
    for number, (part, ranked) in enumerate(zip(parts, phrases.ranked(parts, barred=barred), strict=True)):
        before = [chapter.title for chapter in made]
        telling = (phrase for phrase in ranked if not find(phrase.text))
        title = phrases.title(telling, unlike=before, otherwise=f"Part {number + 1}")
        made.append(Chapter(start_ms=part[0].start_ms if number else 0, title=title))
    return tuple(made)


def _names(cues: Sequence[Cue], speakers: Sequence[Speaker]) -> list[re.Pattern[str]]:
    """Make patterns of the words that may name somebody who has not agreed to be named."""
    told = {word.casefold() for speaker in speakers for word in re.findall(WORD, speaker.label)}
    known = {text for speaker in speakers for text in (speaker.label, speaker.role)}
    hidden = [speaker.name for speaker in speakers if speaker.name and not speaker.is_named]
    hidden += [
        voice for voice in {cue.speaker for cue in cues} if voice and voice not in known and not _is_anybody(voice)
    ]
    words = {word for name in hidden for word in re.findall(WORD, name)}
    words |= {word for cue in cues for found in _INTRODUCED.finditer(cue.text) for word in re.findall(WORD, found[1])}
    words = {word for word in words if word.casefold() not in told | _TITLES | _NO_NAMES}
    longest_first = sorted((word for word in words if len(word) > _SHORTEST_NAME), key=lambda word: (-len(word), word))
    if not longest_first:
        return []
    choice = "|".join(map(re.escape, longest_first))
    return [re.compile(rf"(?<!\w)(?:{choice})(?:['\u2019]s)?(?!\w)")]


def _is_anybody(voice: str) -> bool:
    return _ANYBODY.fullmatch(voice.strip()) is not None


def _roles(speakers: Sequence[Speaker]) -> dict[str, str]:
    return {text: speaker.label for speaker in speakers for text in _called(speaker)}


def _called(speaker: Speaker) -> Iterator[str]:
    yield from (text for text in (speaker.role, speaker.label, speaker.name) if text)


def _role(voice: str | None, roles: dict[str, str]) -> str:
    if voice is None:
        return ""
    return roles.get(voice, voice if _is_anybody(voice) else "")
