"""Text enters, street addresses leave as findings: written, and as a recogniser writes them, without capitals."""

import re
from collections.abc import Iterator

from pipeline.identifiers.finding import made
from pipeline.identifiers.patterns import Pattern
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
    r"|Cottage|House|Garth|Paddock|Spinney|Mead|Nook|Drove|Causeway|Esplanade|Parkway|Ridge|Ridgeway|Circus|Wynd|Brae"
    r"|Alley|Holt|Hollow|Dell|Glebe|Knoll|Leas?|Orchard|Ridings|Warren|Copse|Chase|Dene|Heath|Promenade|Quays|Approach(?!\sto))"
)
# What a street is called by itself behind "the".
_THE = (
    r"(?:paddocks?|spinney|orchards?|maltings|limes|elms|oaks|willows|beeches|hollies|laurels|firs|pines|poplars|birches"
    r"|chestnuts|cedars|sycamores|hawthorns|rowans|links|ridgeway|ridings|meads?|meadows?|moorings|glebe|glade|dell|dene"
    r"|leas?|shires|stables|vicarage|rectory|chase|warren|knoll|causeway|esplanade|promenade|cloisters|shambles"
    r"|headlands|crescent|coppice|copse|butts|priory|grange|quadrant|circus|ropewalk|wynd|loan|brae|garth|nook|holt"
    r"|hollow|pastures|fairway|drove|hythe|staithe|ginnel|vennel|weir|oval|covert|furlongs?|hurst|avenue|close|green"
    r"|mews|lanes?|terrace|square|parade|drive|croft|brow|mount|gables|cottages|granary|tannery|old\s[a-z]{3,15})"
)
# Streets that are hardly another word, though a recogniser writes them small.
_SMALL = (
    r"(?:brow|rise|row|croft|fold|mount|garth|vale|walk|court|square|bank|yard|paddock|spinney|mead|nook|drove|causeway"
    r"|esplanade|ridge|ridgeway|wynd|brae|alley|holt|hollow|dell|glebe|knoll|leas?|orchard|ridings|warren|copse|chase"
    r"|dene|villas|buildings|cottages|mews|quay|wharf|hill|gate|meadows?)"
)
_TO = (
    r"(?:outside|parked(?:\sup)?(?:\soutside|\sat|\son)?|(?:went|go|goes|going|got\ssent|sent|came|walked|drove|called|rushed"
    r"|taken|took\s(?:him|her|them)(?:\shome)?|delivered|deliver|round|out|back|over|moved|visits?|writing|written|addressed"
    r"|posted|turned\sup|address)"
    r"(?:\s(?:him|her|it|them|round|out|over|up|back|down|the\s\w+(?:\s\w+)?)){0,2}\s(?:to|at|from|is|was)|knock(?:ed|ing)?\s(?:at|on)"
    r"|(?:found|seen|collapsed|fell|visit(?:ed)?|lives?|lived|living|lying|stood|staying|sat)\s(?:\w+\s){0,2}?(?:at|outside|in)"
    r"|(?:she|he|they|mum|dad|nan|gran)(?:['\u2019](?:s|re)|\s(?:is|was|are|were))\sat|address(?:\sis|\swas)?"
    r"|(?:returned|collect\w*|delivered|came|come)\s(?:\w+\s){0,3}?from)"
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
# What each of the following needs.
_STREET = re.compile(rf"\s{_ANY}\b".replace(r"(?!\sto)", ""), re.IGNORECASE)
_SURE_STREET = re.compile(rf"\s{_SURE}\b", re.IGNORECASE)
_SMALL_STREET = re.compile(rf"\s{_SMALL}\b", re.IGNORECASE)
_IN_FLAT = re.compile(r"\b(?:flat|apartment|apt)\s", re.IGNORECASE)
_BEHIND_THE = re.compile(r"\w,?\sThe\s\w")
_THE_STREET = re.compile(rf"\w,?\sthe\s{_THE}(?!\w)", re.IGNORECASE)
_WRITTEN = Pattern(
    rf"(?<![\w/.:\u00a3$-])(?P<all>(?:(?i:{_FLAT}))(?:(?i:{_NUMBER})),?\s{_NAME}\s{_ANY})\b(?!\s(?:per|Hospital"
    rf"|Surgery|Practice|Infirmary|Medical|Health))",
    needs=(_STREET,),
)
_PLAIN = Pattern(
    (
        rf"(?<![\w/.:\u00a3$-])(?P<all>{_FLAT}(?P<number>{_NUMBER})(?:(?<=[0-9]),)?\s(?P<name>(?:st\.?\s|saint\s"
        rf"|old\s|new\s|upper\s|lower\s|north\s|south\s|east\s|west\s)?[a-z'\u2019]{{3,20}}"
        rf"(?:\s[a-z'\u2019]{{3,20}})?)\s{_SURE})\b"
    ),
    re.IGNORECASE,
    needs=(_SURE_STREET,),
)
_LIVES = Pattern(
    rf"\b(?:live[sd]?|living|moved|staying|address(?:\sis|\swas|:)?|home\sis|resides?|sent\sto|send\sit\sto)\s+"
    rf"(?:at|in|on|to|is|was|near)?\s*(?P<all>(?:{_NUMBER}\s)?{_NAME}\s{_ANY})\b",
    needs=(_STREET,),
)
_LIVES_AT = Pattern(
    (
        rf"\b(?:lives?|lived|living|moved|staying|stays|address(?:\sis|\swas)?|resides)\s+(?:(?:back\s)?(?:at|in|to"
        rf"|is|with\s\w+\sat)\s+)?(?P<all>{_FLAT}{_NUMBER},?\s(?:[a-z'\u2019]{{3,20}}\s){{1,2}}{_ANY})\b"
    ),
    re.IGNORECASE,
    needs=(_STREET,),
)
_BLOCK = (
    r"(?:House|Court|Lodge|Tower|Towers|Point|Heights|Mansions|Buildings|Brewery|Mill|Works|Wharf|Quays?|Warehouse|Maltings"
    r"|Chapel|School|Hall|Place|Gardens|Grange|Rectory|Vicarage|Foundry|Exchange|View)"
)
_FLAT_ONLY = Pattern(
    rf"\b(?P<all>(?i:flat|apartment|apt)\s(?i:[0-9]{{1,4}}\s?[a-z]?|{_SPOKEN}),?\s(?:(?:The|Old|New)\s){{0,2}}"
    rf"(?:[A-Z][a-z]+\s){{0,2}}{_BLOCK})\b",
    needs=(_IN_FLAT,),
)
_FLAT_SMALL = Pattern(
    rf"\b(?P<all>(?:flat|apartment|apt)\s(?:number\s)?(?:[0-9]{{1,4}}\s?[a-z]?|{_SPOKEN}),?\s(?P<name>[a-z'\u2019]{{3,20}})"
    rf"\s(?:house|court|lodge|towers?|point|heights|mansions|buildings|wharf|quays?))\b",
    re.IGNORECASE,
    needs=(_IN_FLAT,),
)
_HOUSE = Pattern(
    rf"\b(?P<all>(?:The\s)?(?:[A-Z][a-z]+\s){{1,2}}(?:Cottage|House|Farm|Farmhouse|Lodge|Villa|Rectory|Vicarage|Barn|Mill"
    rf"|Bungalow|Hall|Grange|Manor|Chapel|Stables),\s(?:{_NAME})\s{_ANY})\b|\b(?P<old>The\sOld\s(?:Rectory|Vicarage|Barn"
    rf"|Mill|School|Chapel|Forge|Bakery|Dairy|Stables|Post\sOffice|Police\sStation),\s(?:{_NAME})\s{_ANY})\b",
    needs=(_STREET,),
)
_AFTER_THE = Pattern(
    rf"(?<![\w/.:\u00a3$-])(?P<all>(?i:{_FLAT})(?i:{_NUMBER}),?\s(?:The\s(?i:{_THE})|The\s[A-Z][a-z]+(?=[,.]|\s[a-z]|$)))"
    r"(?!\s[A-Z])(?!\w)",
    needs=(_BEHIND_THE,),
)
_THE_SMALL = Pattern(
    rf"(?<![\w/.:\u00a3$-])(?P<all>{_FLAT}{_NUMBER},?\sthe\s{_THE})(?!\w)", re.IGNORECASE, needs=(_THE_STREET,)
)
_GONE_TO = Pattern(
    rf"\b{_TO}\s(?P<all>{_FLAT}(?:{_NUMBER}),?\s(?P<name>[a-z'\u2019]{{3,20}}(?:\s[a-z'\u2019]{{3,20}})?)\s{_SMALL})\b",
    re.IGNORECASE,
    needs=(_SMALL_STREET,),
)
_KNOWN = Pattern(rf"(?i:{_FLAT}{_NUMBER})\sThe\s(?i:{_THE})")
_CUE = Pattern(rf"\b{_TO}\s$", re.IGNORECASE)
_NO_HOUSE = Pattern(
    r"\b(?:wards?|bays?|beds?|levels?|floors?|day|week|phase|grade|band|type|stage|chapter|tables?|figures?|section|episode"
    r"|pages?|bleep|theatre|part|volume|number|version|room|clinic|group|cohort|appendix|box|slide)\s$",
    re.IGNORECASE,
)
_NOT_STREETS = listed(
    "minutes minute miles mile metres yards people patients of the a an in on at down up per cent percent way"
    " ways and or to from for with by hours hour days weeks doors streets roads lanes more other different main"
    " same that this which off out into across along over under through busy one two three four five six seven"
    " eight nine ten practices gp gps trusts wards beds cars nurses doctors staff their our his her my your its"
    " quid pounds years year months month is was were are be been every each single long short both these those"
    " who he she they we it i you side end high road street very quite about just million thousand hundred times"
    " bus lorries houses children hundred ambulances percentile mg milligrams units point half sort kind when"
    " blood food milk tissue bone data family crown county magistrates tennis supreme coroners front back top bottom"
    " ward pay price sharp further steep"
    " where then so but as if than clinics homes kilometres whichever whatever any some no"
)
_IDLE = listed(
    "long short single busy quiet wide narrow dead dark slow fast bad good big little small rocky straight winding"
)
_NEVER_STREETS = listed(
    "minutes miles people patients per years percent hours council bedroom terraced detached sheltered nursing boarding"
    " halfway shared rented housing system systems programme care clinical"
)
_AROUND = 40
_PUBLIC = Pattern(r"10 Downing Street|number (?:10|ten),? downing street", re.IGNORECASE)
_HIGH = Pattern(r"\b(?:high|station|church|mill|main|victoria|park|london)\s", re.IGNORECASE)


def addresses(text: str) -> Iterator[Finding]:
    """Find street addresses: a number with a street, a flat, or the street somebody lives in.

    Args:
        text: in English.
    """
    for pattern in (_WRITTEN, _LIVES_AT, _FLAT_ONLY, _HOUSE, _LIVES):
        for match in pattern.finditer(text):
            if not _PUBLIC.search(match["all"]) and not _is_idle(match["all"]) and not _counts(text, match):
                yield made("ADDRESS", text, *match.span("all"), "likely")
    for pattern in (_PLAIN, _GONE_TO, _FLAT_SMALL):
        for match in pattern.finditer(text):
            if _is_street(match["name"]) and not _PUBLIC.search(match["all"]) and not _counts(text, match):
                yield made("ADDRESS", text, *match.span("all"), "likely")
    for pattern in (_AFTER_THE, _THE_SMALL):
        for match in pattern.finditer(text):
            before = text[max(0, match.start("all") - _AROUND) : match.start("all")]
            # "We saw 12, The Grange saw 3" is a list, and "12 The Grange" is a house.
            is_known = _KNOWN.fullmatch(match["all"])
            if (is_known or _CUE.search(before)) and not _counts(text, match):
                yield made("ADDRESS", text, *match.span("all"), "likely")


def _is_street(name: str) -> bool:
    words = name.lower().split()
    if len(words) == 1 and words[0] in _IDLE:
        return False
    if words[0] in _NOT_STREETS - _IDLE and not (len(words) == 1 and _HIGH.match(name + " ")):
        return False
    return words[-1] not in _NOT_STREETS - {"high"}


def _counts(text: str, match: re.Match[str]) -> bool:
    """Say whether the number is that of a ward, a bed or a table."""
    start = match.start("all")
    return bool(_NO_HOUSE.search(text, max(0, start - _AROUND), start))


def _is_idle(said: str) -> bool:
    words = re.findall(r"[a-z'\u2019]+", said.lower())
    return any(word in _NEVER_STREETS for word in words) or words[-2:] in (["front", "row"], ["back", "row"])
