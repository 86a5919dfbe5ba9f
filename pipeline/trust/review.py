"""An episode, what could identify a patient, what a person decided -> what is open, and what may leave; pure."""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from pipeline import identifiers
from pipeline.model import Cue, Decision, Edit, EditAction, Episode, Finding, Transcript, Verdict
from pipeline.trust.texts import SHOWN, Text, texts

REMOVED = "[removed]"
TRANSCRIPT = "transcript"
PAD_MS = 400  # a recogniser is late with the start of a word, and 98 of 100 are whole within this
_SAME_PLACE_MS = 30_000
_AROUND = 60
_ID_DIGITS = 8
_SALT_BYTES = 16

Find = Callable[[str], tuple[Finding, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Words that could identify a patient, and where they stand.

    id: what a person calls it by; file, field: where; before, words, after: what is said; said: its SHA-256, in a form
    that survives being transcribed again; start_ms, end_ms: of the cues that hold it, on the recording's clock, None
    outside the transcript; decision: what a person decided about it, if anybody did.
    """

    id: str
    kind: str
    severity: Literal["certain", "likely", "check"]
    file: str
    field: str
    before: str
    words: str
    after: str
    said: str
    start_ms: int | None = None
    end_ms: int | None = None
    decision: Decision | None = None
    may_be_removed: bool = True

    @property
    def is_open(self) -> bool:
        """Say whether a person must still decide."""
        if self.decision is None or self.decision.verdict is Verdict.HOLD:
            return True
        is_accepted = self.decision.verdict is Verdict.ACCEPT
        return not self.decision.reason.strip() if is_accepted else not self.may_be_removed

    @property
    def is_to_go(self) -> bool:
        """Say whether a person decided that it goes."""
        return self.decision is not None and self.decision.verdict is Verdict.REMOVE

    @property
    def what(self) -> str:
        """Say in words what it is."""
        return self.kind.lower().replace("_", " ").replace("nhs", "NHS").replace("ni ", "National Insurance ")

    @property
    def around(self) -> str:
        """The words around it, without itself."""
        return " ".join(f"{self.before} […] {self.after}".split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """An episode as it may leave once nothing is open: without the words that were removed, their sound covered."""

    episode: Episode
    found: tuple[Found, ...]

    @property
    def open(self) -> tuple[Found, ...]:
        """What a person must still decide."""
        return tuple(found for found in self.found if found.is_open)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """Voices that were withdrawn. roles: by what the transcript calls them; covers: where they were heard, in ms."""

    roles: Mapping[str, str] = field(default_factory=dict)
    covers: tuple[tuple[int, int], ...] = ()

    def has(self, cue: Cue) -> bool:
        """Say whether the words of a cue are of such a voice: by its name, or by when they are said."""
        if cue.speaker in self.roles:
            return True
        within_ms = sum(max(0, min(cue.end_ms, end) - max(cue.start_ms, start)) for start, end in self.covers)
        return within_ms * 2 > cue.end_ms - cue.start_ms


def review(episode: Episode, find: Find, *, in_cover: str = "", silent: Silent | None = None) -> Reviewed:
    """Look for what could identify a patient, hold it against what was decided, and take out what is to go.

    Args:
        episode: as its folder describes it, on the recording's clock.
        find: text to findings.
        in_cover: what the file of its cover says in words.
        silent: voices that were withdrawn: their words go, and their sound is covered.
    """
    episode = _silenced(episode, silent) if silent else episode
    found = tuple(_all(episode, find, in_cover))
    gone = {each.id for each in found if each.is_to_go}
    made = _without(episode, find, in_cover, gone) if gone else episode
    made = replace(made, edits=_with_covers(made.edits, _covers(episode.decisions, found)))
    if not gone:  # the texts are the same: nothing else is found in them
        return Reviewed(episode=made, found=found)
    known = {each.said for each in found}
    left = (each for each in _all(made, find, in_cover) if each.is_to_go or each.said not in known)
    return Reviewed(episode=made, found=(*found, *(replace(each, decision=None) for each in left)))


def decided(
    found: Found,
    verdict: Verdict,
    *,
    by: str,
    on: date,
    reason: str = "",
    mute: bool = False,
    times: tuple[int, int] | None = None,
) -> Decision:
    """Write down what a person decides about words that were found.

    Args:
        found: the words.
        verdict: what is done about them.
        by: the role of who decides.
        on: the day.
        reason: why they identify nobody.
        mute: whether silence covers the sound, not a bleep.
        times: from when to when they are said, ms from the start of the recording; the whole cues, otherwise.
    """
    start_ms, end_ms = times or (found.start_ms, found.end_ms)
    salt = secrets.token_hex(_SALT_BYTES)
    return Decision(
        verdict=verdict,
        kind=found.kind,
        file=found.file,
        said=_salted(found.said, salt),
        salt=salt,
        by=by,
        on=on,
        start_ms=start_ms,
        end_ms=end_ms,
        around=found.around,
        reason=reason,
        cover="mute" if mute else "bleep",
    )


def is_about(decision: Decision, found: Found) -> bool:
    """Say whether a decision is about those words: the same, in the same place.

    What was accepted as one thing is decided again when it turns out to be another.
    """
    if not is_said(decision, found.said) or decision.file != found.file:
        return False
    if decision.verdict is Verdict.ACCEPT and decision.kind != found.kind:
        return False
    if found.start_ms is None or decision.start_ms is None:
        return found.start_ms is None and decision.start_ms is None
    end_ms = found.end_ms or found.start_ms
    return found.start_ms - _SAME_PLACE_MS <= decision.start_ms <= end_ms + _SAME_PLACE_MS


def _all(episode: Episode, find: Find, in_cover: str) -> Iterator[Found]:
    seen: dict[str, int] = {}
    known = set[tuple[str, str]]()
    for text in texts(episode, in_cover):
        for finding in find(text.text):
            found = _found(text, finding, episode.decisions, seen)
            if text.field != SHOWN or (found.file, found.said) not in known:
                yield found
            known.add((found.file, found.said))
    if episode.transcript:
        yield from _in_transcript(episode.transcript, find, episode.decisions, seen)


def said(finding: Finding) -> str:
    """Hash what was said, in a form that survives being transcribed again."""
    return hashlib.sha256(identifiers.canonical(finding).encode()).hexdigest()


def is_said(decision: Decision, hashed: str) -> bool:
    """Say whether a decision is about words with that hash, from `said`."""
    return decision.said == _salted(hashed, decision.salt)


def _salted(hashed: str, salt: str) -> str:
    return hashlib.sha256(f"{salt}{hashed}".encode()).hexdigest()


def _spoken(transcript: Transcript) -> tuple[identifiers.Joined, Text]:
    joined = identifiers.joined(transcript.cues)
    return joined, Text(file=TRANSCRIPT, field=transcript.origin, text=joined.text, put=lambda episode, _: episode)


def _in_transcript(
    transcript: Transcript, find: Find, decisions: tuple[Decision, ...], seen: dict[str, int]
) -> Iterator[Found]:
    joined, text = _spoken(transcript)
    for finding in find(joined.text):
        cues = [transcript.cues[index] for index in joined.cues_of(finding.start, finding.end)]
        yield _found(text, finding, decisions, seen, cues)


def _found(
    text: Text, finding: Finding, decisions: tuple[Decision, ...], seen: dict[str, int], cues: Iterable[Cue] = ()
) -> Found:
    cues, hashed = tuple(cues), said(finding)
    place = f"{text.file}|{text.field}|{hashed}"
    seen[place] = seen.get(place, 0) + 1
    identity = hashlib.sha256(f"{place}|{seen[place]}".encode()).hexdigest()
    found = Found(
        id=identity[:_ID_DIGITS],
        kind=finding.kind,
        severity=finding.severity,
        file=text.file,
        field=text.field,
        before=text.text[max(0, finding.start - _AROUND) : finding.start],
        words=text.text[finding.start : finding.end],
        after=text.text[finding.end : finding.end + _AROUND],
        said=hashed,
        start_ms=min(cue.start_ms for cue in cues) if cues else None,
        end_ms=max(cue.end_ms for cue in cues) if cues else None,
        may_be_removed=text.put is not None,
    )
    return replace(found, decision=next((each for each in reversed(decisions) if is_about(each, found)), None))


def _without(episode: Episode, find: Find, in_cover: str, wanted: set[str]) -> Episode:
    seen: dict[str, int] = {}
    for text in tuple(texts(episode, in_cover)):
        gone = [each for each in find(text.text) if _found(text, each, episode.decisions, seen).id in wanted]
        if gone and text.put is not None:
            episode = text.put(episode, _blanked(text.text, [(each.start, each.end) for each in gone]))
    transcript = episode.transcript
    if transcript is None:
        return episode
    joined, text = _spoken(transcript)
    holes: dict[int, list[tuple[int, int]]] = {}
    for finding in find(joined.text):
        if _found(text, finding, episode.decisions, seen).id in wanted:
            for index in joined.cues_of(finding.start, finding.end):
                part = joined.part(finding.start, finding.end, index)
                holes.setdefault(index, []).extend([part] if part else [])
    cues = tuple(
        replace(cue, text=_blanked(cue.text, holes[index])) if index in holes else cue
        for index, cue in enumerate(transcript.cues)
    )
    return replace(episode, transcript=replace(transcript, cues=cues))


def _blanked(text: str, holes: list[tuple[int, int]]) -> str:
    for start, end in sorted(holes, reverse=True):
        text = f"{text[:start]}{REMOVED}{text[end:]}"
    return text


def turns(episode: Episode, silent: Silent) -> tuple[tuple[int, int], ...]:
    """Say from when to when withdrawn voices speak, ms of the recording."""
    return tuple(_turns(episode.transcript.cues, silent)) if episode.transcript else ()


def _silenced(episode: Episode, silent: Silent) -> Episode:
    """Take the words of voices out of the transcript, and cover their sound, turn by turn, and as noted."""
    covers = [(*span, EditAction.MUTE) for span in (*silent.covers, *turns(episode, silent))]
    transcript = episode.transcript
    if transcript is not None:
        cues = tuple(_without_words(cue, silent) if silent.has(cue) else cue for cue in transcript.cues)
        episode = replace(episode, transcript=replace(transcript, cues=cues))
    return replace(episode, edits=_with_covers(episode.edits, covers))


def _without_words(cue: Cue, silent: Silent) -> Cue:
    return replace(cue, text=REMOVED, speaker=silent.roles.get(cue.speaker or "", cue.speaker))


def _turns(cues: Sequence[Cue], silent: Silent) -> Iterator[tuple[int, int]]:
    """Say from when to when the silent speak: to each side as far as the words of others, and no more than PAD_MS."""
    last_ms, next_ms = 0, [*(cue.start_ms for cue in cues[1:]), None]
    turn: tuple[int, int] | None = None
    for cue, following_ms in zip(cues, next_ms, strict=True):
        if not silent.has(cue):
            if turn:
                yield turn
            turn, last_ms = None, max(last_ms, cue.end_ms)
            continue
        start_ms = turn[0] if turn else min(cue.start_ms, max(last_ms, cue.start_ms - PAD_MS))
        after_ms = cue.end_ms + PAD_MS if following_ms is None else min(cue.end_ms + PAD_MS, following_ms)
        turn = (start_ms, max(cue.end_ms, after_ms, turn[1] if turn else 0))
    if turn:
        yield turn


def _covers(decisions: tuple[Decision, ...], found: tuple[Found, ...]) -> list[tuple[int, int, EditAction]]:
    """Say which stretches of the recording are covered because their words go, wherever they are said again nearby."""
    spans = [
        (each.start_ms, each.end_ms, EditAction(each.cover))
        for each in decisions
        if each.verdict is Verdict.REMOVE and each.start_ms is not None and each.end_ms is not None
    ]
    for each in found:
        if not each.is_to_go or each.decision is None or each.start_ms is None or each.end_ms is None:
            continue
        if not any(start < each.end_ms and each.start_ms < end for start, end, _ in spans):
            spans.append((each.start_ms, each.end_ms, EditAction(each.decision.cover)))
    return [(max(0, start - PAD_MS), end + PAD_MS, action) for start, end, action in spans]


def _with_covers(edits: tuple[Edit, ...], covers: Iterable[tuple[int, int, EditAction]]) -> tuple[Edit, ...]:
    """Add stretches to edits where nothing is edited yet: no two may overlap."""
    made = list(edits)
    for start_ms, end_ms, action in covers:
        for start, end in _gaps(start_ms, end_ms, made):
            made.append(Edit(start_ms=start, end_ms=end, action=action))
    return tuple(sorted(made, key=lambda edit: edit.start_ms))


def _gaps(start_ms: int, end_ms: int, edits: list[Edit]) -> Iterator[tuple[int, int]]:
    for edit in sorted(edits, key=lambda edit: edit.start_ms):
        if edit.end_ms <= start_ms or edit.start_ms >= end_ms:
            continue
        if edit.start_ms > start_ms:
            yield start_ms, edit.start_ms
        start_ms = max(start_ms, edit.end_ms)
    if start_ms < end_ms:
        yield start_ms, end_ms
