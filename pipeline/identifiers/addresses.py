"""Text enters, street addresses leave as findings: written, and as a recogniser writes them, without capitals."""

import re
from collections.abc import Iterator

from pipeline.identifiers.finding import made
from pipeline.identifiers.stoplists import listed
from pipeline.model import Finding

_ONES = r"(?:one|two|three|four|five|six|seven|eight|nine)"
_SPOKEN = (
    rf"(?:(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[\s-]{_ONES})?|{_ONES}(?:\shundred"
    rf"(?:\sand\s\w+(?:[\s-]{_ONES})?)?)?"
    rf"|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|a\shundred(?:\sand\s\w+(?:[\s-]{_ONES})?)?)"
)
_NUMBER = (
    rf"(?:(?:number|no\.?|nr)\s)?(?:[0-9]{{1,4}}(?:\s?[a-eA-E](?![a-zA-Z]))?(?:\s?[-/]\s?[0-9]{{1,4}})?"
    rf"|{_SPOKEN}(?:\s[a-e](?=\s))?)"
)
_SURE = (
    r"(?:street|st|road|rd|avenue|ave|lane|ln|crescent|terrace|gardens|grove|mews|boulevard|cul-de-sac|parade"
    r"|wharf|cottages|embankment|drive|close)"
)
_ANY = (
    r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Close|Cl|Court|Ct|Crescent|Cres|Terrace|Way|Place|Pl"
    r"|Gardens|Gdns"
    r"|Grove|Square|Sq|Mews|Row|Hill|Walk|Park|Parade|View|Rise|Green|Gate|Croft|Fold|Wharf|Yard|Broadway|Brow|Mount"
    r"|Embankment|Vale|Passage|Lodge|Villas|Buildings|Cottages|Meadows?|Fields?|Bank|Quay|Side|End|Common"
    r"|Cottage|House)"
)
_FLAT = (
    rf"(?:(?:flat|apartment|apt|unit|room)\s(?:number\s)?(?:[0-9]{{1,4}}\s?[a-zA-Z]?|{_SPOKEN}|[a-zA-Z])"
    rf"(?:[,\s]\s?(?:[A-Z][a-z]+\s){{0,2}}(?:House|Court|Lodge|Tower|Point|Heights|Mansions"
    rf"|Buildings)\b)?,?\s+)?"
)
_NAME = (
    r"(?:(?:St\.?|Saint|The|Upper|Lower|Old|New|Great|Little|North|South|East|West)\s)?[A-Z][a-z'\u2019]+"
    r"(?:[\s-](?:[A-Z][a-z'\u2019]+|of|the|and|on)){0,2}"
)
_WRITTEN = re.compile(
    rf"(?<![\w/.:\u00a3$-])(?P<all>(?:(?i:{_FLAT}))(?:(?i:{_NUMBER})),?\s{_NAME}\s{_ANY})\b(?!\s(?:per|Hospital"
    rf"|Surgery|Practice|Infirmary|Medical|Health))"
)
_PLAIN = re.compile(
    (
        rf"(?<![\w/.:\u00a3$-])(?P<all>{_FLAT}(?P<number>{_NUMBER})(?:(?<=[0-9]),)?\s(?P<name>(?:st\.?\s|saint\s"
        rf"|old\s|new\s|upper\s|lower\s|north\s|south\s|east\s|west\s)?[a-z'\u2019]{{3,20}}"
        rf"(?:\s[a-z'\u2019]{{3,20}})?)\s{_SURE})\b"
    ),
    re.IGNORECASE,
)
_LIVES = re.compile(
    rf"\b(?:live[sd]?|living|moved|staying|address(?:\sis|\swas|:)?|home\sis|resides?|sent\sto|send\sit\sto)\s+"
    rf"(?:at|in|on|to|is|was|near)?\s*(?P<all>(?:{_NUMBER}\s)?{_NAME}\s{_ANY})\b"
)
_LIVES_AT = re.compile(
    (
        rf"\b(?:lives?|lived|living|moved|staying|stays|address(?:\sis|\swas)?|resides)\s+(?:(?:back\s)?(?:at|in|to"
        rf"|is|with\s\w+\sat)\s+)?(?P<all>{_FLAT}{_NUMBER},?\s(?:[a-z'\u2019]{{3,20}}\s){{1,2}}{_ANY})\b"
    ),
    re.IGNORECASE,
)
_FLAT_ONLY = re.compile(
    r"\b(?P<all>(?i:flat|apartment)\s[0-9]{1,4}[A-Za-z]?,?\s(?:[A-Z][a-z]+\s){1,2}(?:House|Court|Lodge|Tower"
    r"|Point|Heights|Mansions|Buildings))\b"
)
_HOUSE = re.compile(rf"\b(?P<all>[A-Z][a-z]+\s(?:Cottage|House|Farm|Lodge|Villa),\s(?:{_NAME})\s{_ANY})\b")
_NOT_STREETS = listed(
    "minutes minute miles mile metres yards people patients of the a an in on at down up per cent percent way"
    " ways and or to from for with by hours hour days weeks doors streets roads lanes more other different main"
    " same that this which off out into across along over under through busy one two three four five six seven"
    " eight nine ten practices gp gps trusts wards beds cars nurses doctors staff their our his her my your its"
    " quid pounds years year months month is was were are be been every each single long short both these those"
    " who he she they we it i you side end high road street very quite about just million thousand hundred times"
    " bus lorries houses children hundred ambulances percentile mg milligrams units point half sort kind when"
    " where then so but as if than clinics homes kilometres whichever whatever any some no"
)
_IDLE = listed(
    "long short single busy quiet wide narrow dead dark slow fast bad good big little small rocky straight winding"
)
_PUBLIC = re.compile(r"10 Downing Street|number (?:10|ten),? downing street", re.IGNORECASE)
_HIGH = re.compile(r"\b(?:high|station|church|mill|main|victoria|park|london)\s", re.IGNORECASE)


def addresses(text: str) -> Iterator[Finding]:
    """Find street addresses: a number with a street, a flat, or the street somebody lives in.

    Args:
        text: in English.
    """
    for pattern in (_WRITTEN, _LIVES_AT, _FLAT_ONLY, _HOUSE, _LIVES):
        for match in pattern.finditer(text):
            if not _PUBLIC.search(match["all"]) and not _is_idle(match["all"]):
                yield made("ADDRESS", text, *match.span("all"), "likely")
    for match in _PLAIN.finditer(text):
        words = match["name"].lower().split()
        if len(words) == 1 and words[0] in _IDLE:
            continue
        if words[0] in _NOT_STREETS - _IDLE and not (len(words) == 1 and _HIGH.match(match["name"] + " ")):
            continue
        if words[-1] not in _NOT_STREETS - {"high"} and not _PUBLIC.search(match["all"]):
            yield made("ADDRESS", text, *match.span("all"), "likely")


def _is_idle(said: str) -> bool:
    words = re.findall(r"[a-z'\u2019]+", said.lower())
    return any(word in {"minutes", "miles", "people", "patients", "per", "years", "percent", "hours"} for word in words)
