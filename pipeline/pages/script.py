"""A transcript and its chapters in, headed parts with speakers, paragraphs and times out, as pages read best."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.model import Chapter, Cue, Episode, clock
from pipeline.pages.views import anchor
from pipeline.pages.wording import one_line

_PARAGRAPH_MS = 30_000  # from here a paragraph ends with the sentence
_LONGEST_PARAGRAPH_MS = 90_000


@dataclass(slots=True, kw_only=True)
class Paragraph:
    """Words of one speaker: `start` in seconds; `id` is None where an element above bears the same moment."""

    start: int
    clock: str
    anchor: str
    id: str | None
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All its words."""
        return " ".join(self.texts)


@dataclass(slots=True, kw_only=True)
class Turn:
    """What one speaker says before the next does; `speaker` is "" where nobody is named."""

    speaker: str
    paragraphs: list[Paragraph] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Part:
    """A chapter's words; `title` is "" for what is said before the first chapter."""

    title: str
    id: str | None
    turns: list[Turn] = field(default_factory=list)


def parts(episode: Episode) -> list[Part]:
    """Cut an episode's transcript at its chapters, then where the speaker changes, then into paragraphs.

    Every moment that a chapter or a paragraph names is the id of exactly one element, so that a link to it works
    without a script too.
    """
    if episode.transcript is None:
        return []
    return _Cutter(episode.chapters).cut(episode.transcript.cues)


class _Cutter:
    def __init__(self, chapters: tuple[Chapter, ...]) -> None:
        self.waiting = list(chapters)
        self.ids: set[str] = set()
        self.made: list[Part] = []

    def cut(self, cues: Sequence[Cue]) -> list[Part]:
        for cue in cues:
            self.made.extend(self._begun(cue.start_ms))
            if not self.made:
                self.made.append(Part(title="", id=None))
            self._say(cue)
        self.made.extend(self._begun(None))
        return self.made

    def _begun(self, until_ms: int | None) -> Iterator[Part]:
        while self.waiting and (until_ms is None or self.waiting[0].start_ms <= until_ms):
            chapter = self.waiting.pop(0)
            yield Part(title=one_line(chapter.title), id=self._new_id(chapter.start_ms))

    def _say(self, cue: Cue) -> None:
        turns, speaker = self.made[-1].turns, one_line(cue.speaker)
        if not turns or turns[-1].speaker != speaker:
            turns.append(Turn(speaker=speaker))
        paragraphs = turns[-1].paragraphs
        if not paragraphs or _is_full(paragraphs[-1], cue):
            paragraphs.append(self._paragraph(cue.start_ms))
        paragraphs[-1].texts.append(one_line(cue.text))

    def _paragraph(self, start_ms: int) -> Paragraph:
        return Paragraph(
            start=start_ms // 1000, clock=clock(start_ms), anchor=anchor(start_ms), id=self._new_id(start_ms)
        )

    def _new_id(self, start_ms: int) -> str | None:
        name = anchor(start_ms)
        if name in self.ids:
            return None
        self.ids.add(name)
        return name


def _is_full(paragraph: Paragraph, cue: Cue) -> bool:
    long_ms = cue.start_ms - paragraph.start * 1000
    at_sentence_end = paragraph.texts[-1].endswith((".", "?", "!"))
    return long_ms >= _LONGEST_PARAGRAPH_MS or (long_ms >= _PARAGRAPH_MS and at_sentence_end)
