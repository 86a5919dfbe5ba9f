"""What an episode's words offer for its notes: where the talk turns, what to quote, what was mentioned."""

import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import drafting, identifiers
from pipeline.drafting import mentions, saying
from pipeline.model import Consent, Cue, Finding, Outline, Speaker, Term
from tests import samples

CHAIR, GP = Speaker(role="Chair"), Speaker(role="GP, Greater Manchester")


def nothing(_: str) -> Sequence[Finding]:
    """Find nothing."""
    return ()


def outline(cues: Sequence[Cue], **changes: object) -> Outline:
    """Outline cues, without looking for identifiers unless `changes` say so."""
    values: dict[str, object] = {"length_ms": None, "find": nothing, "speakers": (CHAIR, GP), **changes}
    return drafting.outline(cues, **values)  # type: ignore[arg-type]


def said(*texts: str, speaker: str = "Chair") -> tuple[Cue, ...]:
    """Say texts one after the other, ten seconds each."""
    return tuple(
        Cue(start_ms=n * 10_000, end_ms=n * 10_000 + 9_000, text=text, speaker=speaker) for n, text in enumerate(texts)
    )


def test_chapters_begin_where_the_talk_turns() -> None:
    """Three subjects in a row become three chapters that begin with them, named by words of each."""
    cues = samples.talk()
    found = outline(cues).chapters
    assert found[0].start_ms == 0
    assert len(found) == 3
    turns = [cue.start_ms for cue, before in zip(cues[1:], cues, strict=False) if cue.speaker != before.speaker]
    for chapter, wanted_ms in zip(found[1:], samples.TALK_TURNS_MS, strict=True):
        assert abs(chapter.start_ms - wanted_ms) <= 30_000
        assert chapter.start_ms in turns
    for chapter, words in zip(found, samples.TALK, strict=True):
        assert any(word.casefold() in words.casefold() for word in chapter.title.split() if word != "and")
        assert len(chapter.title) <= 40
    assert len({chapter.title for chapter in found}) == 3


def test_a_short_recording_has_no_chapters() -> None:
    """Under two minutes nobody looks for a chapter, and a talk of a few sentences has no parts."""
    cues = samples.talk()
    assert not outline([cue for cue in cues if cue.end_ms < 115_000]).chapters
    assert not outline(said("One sentence about nothing in particular."), length_ms=600_000).chapters
    assert outline((), length_ms=600_000) == Outline()


WORDS = st.sampled_from(["ward", "clinic", "nurse", "letter", "booking", "discharge", "the", "and", "we", "of", "um"])


@given(
    st.lists(
        st.tuples(st.lists(WORDS, min_size=1, max_size=12), st.sampled_from(["Chair", None]), st.integers(0, 40_000)),
        max_size=60,
    )
)
def test_chapters_are_never_wrong(turns: list[tuple[list[str], str | None, int]]) -> None:
    """Whatever is said: the first at 0, ascending, 30 s each and more, three or none, titles that apps show whole."""
    cues, at_ms = [], 0
    for words, speaker, pause_ms in turns:
        cues.append(Cue(start_ms=at_ms, end_ms=at_ms + 3_000, text=" ".join(words) + ".", speaker=speaker))
        at_ms += 3_000 + pause_ms
    found = outline(cues, length_ms=at_ms or None).chapters
    assert len(found) != 1
    assert len(found) != 2
    edges = [*(chapter.start_ms for chapter in found), at_ms]
    assert not found or edges[0] == 0
    assert all(after - before >= 30_000 for before, after in pairwise(edges)) or not found
    assert all(0 < len(chapter.title) <= 40 for chapter in found)


def test_quotes_are_whole_statements_word_for_word() -> None:
    """Questions, greetings, fragments and removed words are no quotes; a quote says when, and in which role."""
    good = "We sat down with the people at the front desk and changed how we book every single referral."
    found = outline(
        said(
            "Welcome to this episode, and thank you so much for coming along today everybody.",
            "What would you say is the first thing that anybody should try with their own booking team?",
            good,
            "We gave the letter to [removed] and then the pharmacy called us back the very same day.",
            "because it was really um sort of the thing that we um wanted.",
        )
    ).quotes
    assert [(quote.text, quote.start_ms, quote.by) for quote in found] == [(good, 20_000, "Chair")]


def test_quotes_come_from_all_of_the_talk() -> None:
    """Five quotes of a long talk lie in its five fifths, in the order they were said."""
    cues = samples.talk()
    quotes = outline(cues).quotes
    fifth_ms = cues[-1].end_ms / 5
    assert [int(quote.start_ms // fifth_ms) for quote in quotes] == [0, 1, 2, 3, 4]
    text = " ".join(cue.text for cue in cues)
    assert all(quote.text in text for quote in quotes)


IDENTIFYING = (
    "We saw her in the clinic and her NHS number is 999 123 4560, so she was easy to find in the booking system.",
    "Her date of birth is the fourth of May nineteen fifty six, and she rang the booking desk every single morning.",
    "You can ring the booking desk on 07700 900123 and somebody will call you back about the referral.",
)


@pytest.mark.parametrize("sentence", IDENTIFYING)
def test_nothing_that_could_identify_a_patient_is_repeated(sentence: str) -> None:
    """A sentence in which an identifier is found stands in no quote, action or title, also where a cue breaks it."""
    middle = len(sentence) // 2
    middle += sentence[middle:].index(" ")
    cues = said(sentence[:middle], sentence[middle + 1 :], "We will send the guide round to everybody by Monday.")
    found = outline(cues, find=identifiers.find)
    assert not found.quotes or sentence[:20] not in str(found)
    assert "NHS number" not in str(found.quotes) + str(found.actions)
    assert "07700" not in str(found)


def test_names_without_consent_stand_nowhere() -> None:
    """Neither the name of a speaker who did not agree, nor one who is only introduced, nor a voice of Teams."""
    hidden = Speaker(role="GP, Greater Manchester", name="Example Quillfeather")
    cues = [
        *said(
            "My name is Osgood Pemble and Quillfeather booking is what we call the new booking desk in our practice.",
            "Quillfeather booking changed the referral letters, and Quillfeather booking changed the waiting room too.",
            "We asked Brackenbury about the referral letters, and Brackenbury changed the booking desk within a week.",
        ),
        *said("The booking desk changed everything that we do with referral letters.", speaker="Brackenbury, Ann"),
    ]
    found = outline([*cues, *samples.talk()], speakers=(CHAIR, hidden))
    for name in ("Quillfeather", "Pemble", "Osgood", "Brackenbury"):
        assert name not in str(found)


def test_words_with_capitals_stay_out_of_titles_unless_they_are_known() -> None:
    """What is only ever written with a capital may name somebody: the episode's own title says what does not."""
    cues = [*said(*["We asked Thornbury about booking, and Thornbury came."] * 9), *samples.talk()]
    assert "Thornbury" not in str(outline(cues).key_words)
    assert "Thornbury" in str(outline(cues, known=["Thornbury shows how"]).key_words)
    named = Speaker(
        role="Nurse",
        name="Dr Thornbury",
        consent=Consent(scope=("name",), recorded_on=samples.episode().recorded_on, reference="r"),  # type: ignore[arg-type]
    )
    assert "Thornbury" in str(outline(cues, speakers=(CHAIR, named)).key_words)


def test_acronyms_are_spelt_out_or_asked_for() -> None:
    """Those of the glossary come with their meaning; the others are listed, but for what everybody knows."""
    glossary = (Term(term="ICB", meaning="integrated care board"), Term(term="action learning set", meaning="a group"))
    cues = said("The ICB met the PCTs and R&D at the NHS, OK?", "An Action learning set is what the P.C.T. paid for.")
    found = outline(cues, glossary=(*glossary, Term(term="SHA", meaning="strategic health authority")))
    assert found.terms == glossary
    assert found.unexplained == ("PCT", "R&D")
    assert not outline(said("THE ICB MET THE TRUST AND THE WARD STAFF TODAY.")).unexplained


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Go to england dot nhs dot uk slash referrals for more.", "england.nhs.uk/referrals"),
        ("It is www dot cln dot example.", "www.cln.example"),
        ("It's at double u double u double u dot nhs dot uk.", "www.nhs.uk"),
        ("See https://www.england.nhs.uk/guide for the guide.", "https://www.england.nhs.uk/guide"),
        ("That is the end. Of course we went home.", None),
        ("Write to desk@cln.nhs.uk please.", None),
    ],
)
def test_spoken_addresses_are_written_down(text: str, address: str | None) -> None:
    """A web address is found, said or written; the end of a sentence is none, nor is that of a mailbox."""
    found = mentions.addresses(saying.sentences(said(text), find=nothing))
    assert [mention.text for mention in found] == ([address] if address else [])


def test_actions_are_found_word_for_word() -> None:
    """What somebody will send, or asks to look at, is listed with its time; questions are not."""
    wanted = "We'll send the slides round before the next meeting."
    found = outline(said("It was a good day.", wanted, "Will you send them round?")).actions
    assert [(mention.text, mention.start_ms) for mention in found] == [(wanted, 10_000)]


def test_sentences_have_the_times_of_their_words() -> None:
    """A sentence begins where its first word is said, within a cue and across cues, and abbreviations end none."""
    cues = (
        Cue(start_ms=0, end_ms=4_000, text="One two. Three four", speaker="A"),
        Cue(start_ms=4_000, end_ms=6_000, text="five e.g. six. Dr. Seven came.", speaker="A"),
        Cue(start_ms=9_000, end_ms=10_000, text="Yes.", speaker="B"),
    )
    found = saying.sentences(cues, find=nothing)
    assert [each.text for each in found] == ["One two.", "Three four five e.g. six.", "Dr. Seven came.", "Yes."]
    assert 1_500 < found[1].start_ms < 2_500
    assert (found[3].start_ms, found[3].is_turn) == (9_000, True)
    assert found[3].pause_ms > 2_500


def test_a_transcript_without_stops_is_cut_all_the_same() -> None:
    """Words without full stops do not become one sentence of an hour."""
    cues = tuple(Cue(start_ms=n * 1000, end_ms=n * 1000 + 900, text="we go on and on") for n in range(200))
    found = saying.sentences(cues, find=nothing)
    assert len(found) > 15
    assert " ".join(each.text for each in found) == " ".join(cue.text for cue in cues)


def test_the_same_transcript_gives_the_same_outline() -> None:
    """Nothing depends on the order of sets or on chance."""
    cues = samples.talk()
    assert outline(cues) == outline(tuple(cues))
    assert not re.search(r"\bthe\b", " ".join(outline(cues).key_words))
