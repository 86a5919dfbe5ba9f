"""Text enters, names near the words that patients are spoken of with leave as findings; no model is needed."""

import re
from collections.abc import Iterator

from pipeline.identifiers.finding import made
from pipeline.identifiers.patterns import Pattern
from pipeline.identifiers.stoplists import EPONYMS, is_no_surname, is_stopped, listed
from pipeline.model import Finding

_CAPITAL = (
    r"[A-Z\u00c0-\u00de][a-z\u00df-\u00ff]+(?:['\u2019-][A-Z][a-z]+)*|(?:Mc|Mac|O['\u2019]"
    r"|D['\u2019])[A-Z][a-z]+(?:-[A-Z][a-z]+)*"
)
_FULL = rf"(?:{_CAPITAL})(?:\s(?:[A-Z]\.\s)?(?:(?:van|von|de|der|al|bin|el)\s)?(?:{_CAPITAL})){{0,2}}"
_SMALL = r"[a-z\u00df-\u00ff]{3,20}"
_PATIENT = (
    r"(?:patients?|lady|ladies|gentleman|man|woman|boy|girl|child|kid|baby|toddler|teenager|chap|bloke|lad|lass|client"
    r"|service user|resident|carer|mum|mother|father|dad|husband|wife|son|daughter|sister|brother|nan|gran|grandmother"
    r"|grandfather|aunt|uncle|partner|neighbour|widow|widower|farmer|teacher|pensioner|person|someone|somebody"
    r"|fella|guy)"
)
_KIN = (
    r"(?:mother|mum|mam|father|dad|wife|husband|partner|son|daughter|brother|sister|carer|nan|gran|family"
    r"|parents|gp notes"
    r"|notes|records|bloods?|results?|scans?|biopsy|diagnosis|discharge|admission|death|appointment"
    r"|consultation|referral"
    r"|operation|surgery date|care plan|medication|tablets|prescription|bed|chart|story|case|house|flat|home|husband's"
    r"|funeral|birthday|pain|cancer|fall|stroke|dementia|kidneys|heart|leg|hip|letter|neighbour|social worker"
    r"|key worker)"
)
_RELATIVE = (
    r"(?:mother|mum|mam|father|dad|wife|husband|partner|son|daughter|brother|sister|carer|nan|gran|grandmother|widow"
    r"|widower|grandfather|grandad|neighbour|aunt|uncle|niece|nephew)"
)
_CALLED = r"(?:called|named|by\sthe\sname\sof|whose\sname\s(?:is|was)|name\sof)"
_NAMED = re.compile(r"name|called", re.IGNORECASE)
_PATIENTS = re.compile(r"patient|client|resident", re.IGNORECASE)
_TITLED = Pattern(
    rf"\b(?P<all>(?:Mrs?|Ms|Miss|Mx|Master|Mister|Missus)\.?\s(?:{_FULL}))"
    rf"|(?<!\w)(?P<small>(?:mrs|mr|mister|missus)\.?\s[a-z\u00df-\u00ff]{{2,20}}(?:-{_SMALL})?)(?!\w)",
    needs=(re.compile(r"\b(?:M(?:rs?|s|x|iss|aster|ister|issus)|mrs?|mister|missus)\.?\s"),),
)
# Not "I miss meetings": nobody is missing before it, and somebody does something behind it.
_MISS = Pattern(
    rf"(?:^|[.,?!\n]\s?|\b(?:so|and|with|for|called|saw|see|seen|about|um|er|uh|that|then|but|is|was)\s)"
    rf"(?P<all>miss\s{_SMALL})(?=['\u2019]s\s|\s(?:is|was|has|had|came|comes|rang|said|says|told|who|asked|went|goes)\b)",
    re.IGNORECASE,
    needs=(re.compile(r"miss\s", re.IGNORECASE),),
)
_TREATED = (
    r"(?:admitted|discharged|diagnosed|treated|saw|seeing|reviewed|examined|visited|transferred|referred|prescribed"
    r"|operated on|consented)"
)
_CONTEXTS = tuple(
    Pattern(pattern, needs=(need,))
    for need, pattern in (
        (_NAMED, rf"(?i:\b{_PATIENT}(?:\s\w+){{0,2}},?\s{_CALLED}\s(?:um,?\s|uh,?\s|er,?\s)?)(?P<all>{_FULL})"),
        (
            _PATIENTS,
            (
                rf"(?i:\b(?:my|our|the|a|this|another)\s(?:\w+\s)?(?:patient|client|resident)s?),?\s(?P<all>{_FULL})"
                rf"(?=\s?[,.;:!?]|\s[a-z]|$)"
            ),
        ),
        (
            re.compile(r"\sof\s(?:mine|ours|his|hers|yours)", re.IGNORECASE),
            rf"(?i:\b{_PATIENT}s?\sof\s(?:mine|ours|his|hers|yours)(?:\s(?:called|named))?),?\s(?P<all>{_FULL})",
        ),
        (
            _NAMED,
            rf"(?i:\b(?:{_PATIENT}['\u2019]?s?)\s(?:first\s|full\s|real\s)?name\s(?:is|was|being)\s)(?P<all>{_FULL})",
        ),
        (
            _NAMED,
            (
                rf"(?i:\b(?:her|his|their|the patient's)\s(?:first\s|full\s|real\s)?name(?:\sis|\swas|'s|\u2019s)\s)"
                rf"(?P<all>{_FULL})"
            ),
        ),
        (
            _NAMED,
            rf"(?i:\b(?:she|he|she's|he's|she\u2019s|he\u2019s)\s(?:was\s|is\s)?(?:called|named)\s)(?P<all>{_FULL})",
        ),
        (re.compile(r"['\u2019]s\s"), rf"\b(?P<all>{_FULL})['\u2019]s\s(?i:(?:\w+\s)?{_KIN})\b"),
        (
            re.compile(r"years?[\s-]old"),
            (
                rf"\b(?P<all>{_FULL})(?:,|\s(?:is|was|who is|who was))\s(?:is\s|was\s|now\s)?(?:an?\s)?(?:\w+\s)?"
                rf"(?:[0-9]{{1,3}}|[a-z]+(?:[\s-][a-z]+)?)[\s-]years?[\s-]olds?\b"
            ),
        ),
        (re.compile(r"[0-9],"), rf"\b(?P<all>{_FULL}),\s(?:who(?:'s|\u2019s|\sis|\swas)\s)?(?:aged\s)?[0-9]{{1,3}},"),
        (
            _PATIENTS,
            (
                rf"(?i:\bpatient\sname\W{{1,3}}|\bname\sof\sthe\spatient\W{{1,3}}|\bpatient\W{{1,3}}(?=[A-Z][a-z]+\s[A-Z]))"
                rf"(?P<all>{_FULL})"
            ),
        ),
        (
            re.compile(rf"{_RELATIVE},\s", re.IGNORECASE),
            (
                rf"(?i:\b(?:the|her|his|their|my|a)\s(?:patient['\u2019]s\s|late\s|eldest\s|youngest\s)?{_RELATIVE}),\s"
                rf"(?P<all>{_FULL}),"
            ),
        ),
        (re.compile(r",\swhose\s"), rf"\b(?P<all>{_FULL}),\swhose\s(?:late\s|elderly\s)?{_KIN}\b"),
        (
            re.compile(r",\s(?:she|he)\b"),
            rf"(?i:\b(?:um|er|uh|erm)),?\s(?P<all>{_FULL}),\s(?:she|he)(?:['\u2019](?:s|d|ll)|\s(?:is|was|had|has))\b",
        ),
        (
            re.compile(rf"\b{_TREATED}\s", re.IGNORECASE),
            (
                rf"(?i:\b{_TREATED}\s)(?P<all>(?:{_CAPITAL})(?:\s(?:{_CAPITAL}))?)(?=\s(?:on|in|at|with"
                rf"|to|for|home|last|yesterday|today|this|twice|again|from)\b|[,.])"
            ),
        ),
    )
)
_DONE_TO = (
    r"(?:(?:was|is|has\sbeen|had\sbeen|got|being)\s(?:then\s|finally\s|later\s|first\s)?(?:re)?(?:admitted"
    r"|discharged|sectioned|sedated|intubated|brought\sin"
    r"|taken\s(?:in|to|into|off)|rushed|sent\shome|diagnosed\swith|referred\s(?:to|for|back)|transferred\s"
    r"(?:to|from|back)|seen\s(?:in|by|at)"
    r"|on\s(?:dialysis|warfarin|insulin|the\sward|our\sward)|booked\s(?:in|for)\s(?:his|her)|in\s(?:bed"
    r"|hospital|intensive|resus|recovery|labour))"
    r"|(?:came|comes|went|walked)\s(?:back\s)?(?:in|to|into|through)\s(?:to\s)?(?:clinic|see\s(?:me|us)|a&e"
    r"|hospital|the\s(?:surgery|ward|practice|clinic|hospital)|labour|theatre)"
    r"|(?:collapsed|lives\salone|lived\salone|went\shome|passed\saway|died)\b|had\s(?:his|her|a\s(?:fall"
    r"|stroke|seizure|bleed|cardiac|heart))"
    r"|(?:has|had)\s(?:dementia|type\s(?:one|two|1|2)|three\sfalls|two\sfalls|learning\sdisabilit))"
)
_DOES = re.compile(
    r"[A-Z\u00c0-\u00de][a-z\u00df-\u00ff]+\s"
    r"(?:was|is|has|had|got|being|came|comes|went|walked|collapsed|lives|lived|passed|died)\b"
)
_PATIENTLY = Pattern(rf"\b(?P<all>(?:{_CAPITAL})(?:\s(?:{_CAPITAL}))?)\s{_DONE_TO}", needs=(_DOES,))
_SMALL_CALLED = Pattern(
    (
        rf"\b(?:{_PATIENT})\s(?:(?:who\s(?:was|is)|was|is)\s)?(?:called|named)\s(?:um\s|uh\s|er\s)?(?P<all>{_SMALL}"
        rf"(?:\s{_SMALL})?)"
    ),
    re.IGNORECASE,
    needs=(_NAMED,),
)
_NOT_CALLED = listed(
    "the and out back for about again because with when who that this his her him its our their your you they she"
    " was were had has have back off down into over up for from after before just last today yesterday tomorrow"
    " one two three four five six seven eight nine ten every once twice later early earlier not never always often"
    " then than but what where which why how him them said says saying asked asking reception surgery ambulance"
    " nurses doctors help home any some most more less very really too also all both each another other in on at"
    " to so if as of or it me us my an a is be am shortly straight repeatedly regularly quickly round through to"
)
_NOT_TITLED = listed(
    "and or the scan scans scanner imaging angiogram angiography spectroscopy image images enterography is was"
    " has had who whose with for from that this so whoever somebody something whatever just clinic patients"
    " patient team is as at in on to so he we no my by an be do go if it me of up us am"
)
_CLINICIAN = Pattern(
    r"^,?\s(?:(?:is|was|who is)\s)?(?:our|the|a|my|their|one of)?\s?(?:\w+\s){0,2}(?:consultants?|surgeons?"
    r"|registrar|urologist"
    r"|orthop\w+|matron|midwife|nurse|chair|chief|director|manager|minister|secretary of state|commissioner|speaker)\b",
    re.IGNORECASE,
)
_STAFF_BEFORE = Pattern(
    r"\b(?:dr|doctor|doctors|prof|professor|consultants?|surgeons?|nurse|sister|matron|registrar|colleagues?"
    r"|midwife|chair|minister"
    r"|secretary|director|facilitator|host|presenter|author|by|sir|dame|lord|lady|baroness|pharmacist|manager)\.?,?\s$",
    re.IGNORECASE,
)


def names(text: str) -> Iterator[Finding]:
    """Find names with a title, and names that the words around them give to a patient.

    Args:
        text: in English.
    """
    for match in _TITLED.finditer(text):
        start, end = match.span(match.lastgroup or 0)
        words = text[start:end].lower().split()
        if words[1].strip(".") in _NOT_TITLED or _is_staff(text, start, end):
            continue
        if match.lastgroup == "all" and is_stopped(" ".join(text[start:end].split()[1:])):
            continue
        yield made("PERSON", text, start, end, "likely")
    for pattern in _CONTEXTS:
        for match in pattern.finditer(text):
            place = _proper(text, *match.span("all"))
            if place is not None and not _is_staff(text, *place):
                yield made("PERSON", text, *place, "likely")
    for match in _PATIENTLY.finditer(text):
        place = _proper(text, *match.span("all"))
        if place is not None and not _is_staff(text, *place):
            yield made("PERSON", text, *place, "likely")
    yield from _small(text)
    yield from _unmarried(text)


def _unmarried(text: str) -> Iterator[Finding]:
    for match in _MISS.finditer(text):
        word = match["all"].split()[1].lower()
        if word not in _NOT_TITLED | _NOT_CALLED and not is_stopped(word) and not word.endswith(("s", "ing", "ed")):
            yield made("PERSON", text, *match.span("all"), "likely")


def _small(text: str) -> Iterator[Finding]:
    for match in _SMALL_CALLED.finditer(text):
        start, end = match.span("all")
        words = match["all"].split()
        kept = 0
        while kept < len(words) and words[kept].lower() not in _NOT_CALLED and not is_stopped(words[kept]):
            kept += 1
        if kept and not words[0].endswith(("ing", "ly")):
            # A second word is part of the name only if it is nothing else that we know.
            said = " ".join(words[:1] if kept == 1 or not _may_be_name(words[1]) else words[:2])
            end = start + len(said)
            yield made("PERSON", text, start, end, "likely")


def _may_be_name(word: str) -> bool:
    return len(word) > 3 and not word.endswith(("ed", "ing", "ly", "s")) and word.lower() not in _VERBS  # noqa: PLR2004


_VERBS = listed(
    "rang came went told said asked lives sits felt fell gave took made knew lost kept left died woke drove wrote"
    " whose would could should might will must does did goes waited used went sent held spoke every only until"
    " while since"
)


def _proper(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Cut words that are no name from both ends of what looks like one; None if nothing is left."""
    words = [(start + match.start(), start + match.end()) for match in re.finditer(r"\S+", text[start:end])]
    while words and is_stopped(text[words[0][0] : words[0][1]]):
        words.pop(0)
    while words and is_no_surname(text[words[-1][0] : words[-1][1]]):
        words.pop()
    if not words or text[words[0][0] : words[-1][1]].lower() in EPONYMS:
        return None
    return words[0][0], words[-1][1]


def _is_staff(text: str, start: int, end: int) -> bool:
    before = text[max(0, start - 24) : start]
    return bool(_STAFF_BEFORE.search(before)) or bool(_CLINICIAN.match(text[end : end + 60]))
