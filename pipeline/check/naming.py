"""An episode -> where its words name a speaker who has not agreed to be named; pure."""

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from pipeline.model import Episode, Transcript

_POSSESSIVE = re.compile(r"['\u2019]s\b", re.IGNORECASE)
_APOSTROPHES = re.compile(r"['\u2018\u2019\u02bc`]")
_ANYBODY = re.compile(r"(?i)(?:speaker|voice|participant|person|unknown)(?: ?[0-9]{1,3}| [a-z])?")
_MARKS = re.compile(r"[*_~`\\]|<[^<>]*>")
_WORD = re.compile(r"[^\W_]+")
_TITLES = frozenset(["dr", "prof", "professor", "mr", "mrs", "ms", "miss", "mx", "sir", "dame", "lord", "lady", "rev"])
_NO_NAMES = frozenset(
    ["of", "the", "and", "for", "from", "at", "in", "de", "la", "le", "da", "van", "von", "der", "den", "al", "el"]
)
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")  # within a word, or between two
_NEVER = r"(?!)"
_HINT = "Replace the name by the role, or record consent to be named in episode.toml."


class Named(NamedTuple):
    """Words in a file of the episode's folder that name somebody, and whether they stop a build."""

    file: str
    message: str
    hint: str
    fatal: bool


def named(episode: Episode) -> Iterator[Named]:
    """Find the names of speakers without consent: as voices of the transcript, and in all words that are published.

    Upper and lower case, accents, invisible characters and the order of a voice's names make no difference.
    """
    labels = {folded(speaker.label) for speaker in episode.speakers}
    unnamed = [_without_titles(speaker.name) for speaker in episode.speakers if speaker.name != speaker.label]
    names = [name for name in unnamed if name and name not in labels]
    if episode.transcript:
        yield from _voices(episode, episode.transcript, names)
    if not names:
        return
    surely, perhaps = (_any_of(forms) for forms in zip(*map(_forms, names), strict=True))
    for file, text in _texts(episode).items():
        seen = [f" {folded(each)} " for each in dict.fromkeys([text, _INVISIBLE.sub(" ", text)])]
        if (certain := any(map(surely.search, seen))) or any(map(perhaps.search, seen)):
            message = f"{'names' if certain else 'may name'} in its words a speaker without consent to be named"
            yield Named(file, message, _HINT, fatal=certain and episode.published is not None)


def folded(text: str) -> str:
    """Return the words of a text without case, accents and punctuation, a space between them."""
    plain = _APOSTROPHES.sub("", _POSSESSIVE.sub("", text))
    letters = unicodedata.normalize("NFKD", plain).casefold()
    seen = (letter for letter in letters if unicodedata.category(letter) not in {"Mn", "Cf", "Cc"} or letter.isspace())
    return " ".join(_WORD.findall("".join(seen)))


def _forms(name: str) -> tuple[str, str]:
    """Return patterns of words in which a name surely stands, and of those that may mean somebody else."""
    first, *_, last = name.split() if " " in name else ("", name)
    if not first:
        return _NEVER, re.escape(name)  # one word alone may mean something else
    titled = f"(?:{'|'.join(sorted(_TITLES))}) {re.escape(last)}"
    return re.escape(name), f"{titled}|{re.escape(first)} [^ ]+ {re.escape(last)}"


def _any_of(forms: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf" (?:{'|'.join(forms)}) ")


def _without_titles(name: str | None) -> str:
    words = folded(name or "").split()
    while words and words[0] in _TITLES:
        del words[0]
    return " ".join(words)


def _voices(episode: Episode, transcript: Transcript, names: list[str]) -> Iterator[Named]:
    labels = {speaker.label for speaker in episode.speakers}
    said = {word for label in labels for word in folded(label).split()}
    parts = {word for name in names for word in name.split() if len(word) > 1} - said - _NO_NAMES
    for voice in dict.fromkeys(cue.speaker for cue in transcript.cues):
        if not voice or voice in labels:
            continue
        if parts & set(folded(voice).split()) or folded(voice) in names:
            yield Named(transcript.origin, "names a speaker without consent to be named", _HINT, fatal=True)
        else:
            hint = "Add the role to [[speakers]] in episode.toml, or put a role in the transcript in place of the name."
            fatal = episode.published is not None and not _ANYBODY.fullmatch(voice.strip())
            yield Named(transcript.origin, f'has words of "{voice}", who is not in episode.toml', hint, fatal=fatal)


def _unmarked(notes: str) -> str:
    """Return Markdown without the marks that can stand within a word."""
    return html.unescape(_MARKS.sub("", notes))


def _texts(episode: Episode) -> Mapping[str, str]:
    own = [episode.title, episode.summary, episode.slug, episode.set_name, episode.display, *episode.topics]
    own += [speaker.role for speaker in episode.speakers]
    own += [bite.title for bite in episode.soundbites]
    own += [text for link in episode.links for text in (link.title, link.url)]
    marks = [text for chapter in episode.chapters for text in (chapter.title, chapter.url)]
    texts = {"episode.toml": own, "notes.md": [episode.notes, _unmarked(episode.notes or "")], "chapters.toml": marks}
    if episode.transcript:
        texts[episode.transcript.origin] = [" ".join(cue.text for cue in episode.transcript.cues)]
    return {file: " | ".join(filter(None, parts)) for file, parts in texts.items()}
