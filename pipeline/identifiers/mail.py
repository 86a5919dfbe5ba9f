"""Text enters, e-mail addresses leave as findings: written, and spoken as "jane dot smith at nhs dot net"."""

import re
from collections.abc import Iterator

from pipeline.identifiers.finding import Severity, made
from pipeline.identifiers.patterns import Pattern
from pipeline.identifiers.stoplists import listed
from pipeline.model import Finding

_WRITTEN = Pattern(
    (
        r"(?<![\w.+%-])[\w.+%'-]{1,64}\s?(?:@|[\[(]\s?at\s?[\])])\s?(?:[a-z0-9-]{1,63}\s?(?:\."
        r"|[\[(]\s?dot\s?[\])])\s?){1,8}[a-z]{2,24}(?![\w-])"
    ),
    re.IGNORECASE,
    needs=(re.compile(r"@|\bat\b", re.IGNORECASE),),
)
_DOT = r"(?:,?\s{1,3}(?:dot|point),?\s{1,3}|\s{0,3}\.\s{0,3}(?=[a-z]))"
_TOP = r"(?:com|net|org|uk|gov|ac|co|example|eu|ie|info|me|scot|wales|cymru|nhs|edu|test)\b"
_LABEL = (
    r"(?:(?:hot|g|proton|talk|nhs)\smail|bt\sinternet|virgin\smedia"
    r"|[a-z0-9-]{1,30}(?:\s(?:dash|hyphen)\s[a-z0-9]{1,30}){0,2}(?:\s[a-z]){0,4})"
)
_AT = re.compile(r"\sat\b", re.IGNORECASE)
_SPOKEN_DOMAIN = Pattern(
    rf",?\s{{1,3}}at(?P<sign>\s(?:sign|symbol))?,?\s{{1,3}}(?:the\s)?(?P<domain>(?:{_LABEL}{_DOT}){{1,4}}{_TOP}(?:{_DOT}{_TOP})?"
    r"|(?:nhs\s?net|nhs\s?mail|g\s?mail|hot\s?mail|outlook|yahoo|icloud|btinternet|aol)\b)",
    re.IGNORECASE,
    needs=(_AT,),
)
_JOINT = (
    r"(?:,?\s{1,3}(?:dot|point|underscore|under score|underline|dash|hyphen|minus|full stop|plus),?\s{1,3}"
    r"|\s{0,3}[._+-]\s{0,3})"
)
_NUMBER = (
    r"(?:zero|oh|nought|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|[a-z]{3,5}teen|twenty|thirty"
    r"|forty|fifty|sixty|seventy|eighty|ninety|double|treble|triple|hundred|thousand|[0-9]{1,4})"
)
_LOCAL = Pattern(
    rf"(?:(?<![\w'\u2019])(?:[a-z]\s){{0,8}}[\w']{{1,30}}(?:\s{_NUMBER}){{0,4}}{_JOINT}){{1,5}}[\w']{{1,30}}"
    rf"(?:\s{_NUMBER}){{0,6}}$",
    re.IGNORECASE,
)
_WITH_NUMBER = Pattern(rf"(?<!\w)(?:[a-z']{{1,30}}\s){{0,2}}?[\w']{{1,30}}(?:\s{_NUMBER}){{1,6}}$", re.IGNORECASE)
_SPELLED = Pattern(
    r"(?<![\w'\u2019])(?:[a-z]\s){2,12}[a-z](?:\s[\w]{2,30})?$|(?<![\w'\u2019])[a-z]\s[a-z]{3,30}$", re.IGNORECASE
)
_LETTER = r"[a-z](?:\s(?:for|as\sin|like)\s[a-z]{2,12})?"
_LETTERS = Pattern(
    rf"(?<![\w'\u2019]){_LETTER}(?:(?:[,.]?\s|-){_LETTER}){{2,24}}(?:,?\s[a-z]{{2,30}})?(?:,?\s{_NUMBER}){{0,6}}$",
    re.IGNORECASE,
)
_ONE_WORD = Pattern(r"(?<!\w)[\w']{2,40}$")
_TOGETHER = Pattern(
    r"[,.]?\s(?:(?:and|so|um|er|it's|that's|with)\s)?(?:all\s)?(?:one\sword|(?:in\s)?lower\s?case|small\sletters"
    r"|no\s(?:spaces?|gaps?|dots?|capitals|caps|hyphens?)|together|joined\sup|run\stogether)\b",
    re.IGNORECASE,
)
_WEB = Pattern(
    r"\b(?:look|looked|find|found|web\s?sites?|websites?|web|page|pages|visit|see|seen|go\sto|download\w*|online"
    r"|available|read|hosted|listen|guidance|guidelines?|slides|resources|toolkit)\b",
    re.IGNORECASE,
)
_BEGINS = listed(
    "is it's it\u2019s its was to use uses used using try tried put puts type types typed say says said saying email"
    " e-mail mail address at on with from cc called just that's that\u2019s thats it be um uh er erm as goes into copy"
    " copied contact message write like being"
)
_NO_PART = listed("my our his her their your a an this that of for by in and or but the")
_MOST_WORDS = 8
_NAMED = Pattern(r"\be-?\s?mail\w*|\bmail\b|\baddress\b|\bwrite to\b|\bcontact\b|\bcopied in\b|\bcc\b", re.IGNORECASE)
_NOT_LOCAL = listed(
    "look looked looking us it is are was find found available online website site web details more resources"
    " page see visit guidance hosted me them up published on me here there go this that everything live and or"
    " start here him her you all read podcast listen email mail address based read working works work one"
)
_TEAM = listed(
    "podcast podcasts info information enquiries enquiry contact contacts hello hi admin administrator office"
    " team teams support help helpdesk press media comms communications feedback events event noreply reply"
    " webmaster editor editorial referrals referral training education learning network england pals foi"
    " complaints bookings booking reception library web website news newsletter subscribe members membership hr"
    " recruitment jobs careers hub service services clinic ward unit dept department group mailbox shared inbox"
    " generic appointments secretary secretaries digital data privacy dpo governance safety quality research"
    " conference studio producer production general postmaster safeguarding pharmacy practice surgery community"
    " network leaders protection"
)
_PROVIDER = Pattern(
    r"nhs(?:\s(?:dot\s)?net|\.net|mail)|gmail|hotmail|outlook|yahoo|icloud|btinternet|aol|live|googlemail",
    re.IGNORECASE,
)
_SURNAMES = listed("ward office bishop hello hi clinic unit press library hub data web research")
_BEFORE = 120


def addresses_of_mail(text: str) -> Iterator[Finding]:
    """Find e-mail addresses, but not mailboxes of teams such as podcast@ and info@.

    Args:
        text: in English.
    """
    for match in _WRITTEN.finditer(text):
        local = re.split(r"@|[\[(]", match[0])[0]
        if not _is_team(local):
            yield made("EMAIL", text, *_without_edges(text, match.start(), match.end()), "likely")
    for match in _SPOKEN_DOMAIN.finditer(text):
        before = text[max(0, match.start() - _BEFORE) : match.start()].rstrip(" ,.")
        found = _local(before, text, match)
        if found is not None and not _is_team(found[0]):
            start = max(0, match.start() - _BEFORE) + len(before) - len(found[0])
            yield made("EMAIL", text, start, match.end(), found[1])


def written_address(said: str) -> str:
    """Write an e-mail address as it is typed, however it was said."""
    joined = re.sub(r"\s{1,3}(?:dot|point|full stop)\s{1,3}", ".", said.lower())
    joined = re.sub(r"\s{1,3}under ?(?:score|line)\s{1,3}", "_", joined)
    joined = re.sub(r"\s{1,3}(?:dash|hyphen|minus)\s{1,3}", "-", joined)
    joined = re.sub(r"\b([a-z])\s(?:for|as\sin)\s\1[a-z]+", r"\1", joined)
    joined = re.sub(r"\bat\s(?:sign|symbol)\b", "at", joined)
    joined = re.sub(r"\s{0,3}[\[(]?\bat\b[\])]?\s{0,3}|\s{0,3}@\s{0,3}", "@", joined, count=1)
    return re.sub(r"[\s,]+", "", re.sub(r"[\[(]\s?dot\s?[\])]", ".", joined))


def _without_edges(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start] in ".'-+":
        start += 1
    return start, end


def _is_team(local: str) -> bool:
    # "ward" and "office" are names of people as well, after a first name.
    parts = [part for part in re.split(r"[^a-z]+|dot|underscore|hyphen|dash", local.lower().split("+")[0]) if part]
    if not parts or parts[-1] in _TEAM - _SURNAMES:
        return bool(parts)
    # "Clinic" with a name behind it is somebody's own address, "enquiries" is a team's whatever follows.
    return parts[0] in _TEAM - _SURNAMES or all(part in _TEAM for part in parts)


def _local(before: str, text: str, match: re.Match[str]) -> tuple[str, Severity] | None:
    domain = match["domain"]
    joined = _LOCAL.search(before)
    if joined:
        return _trimmed(joined[0]), "likely"
    named = bool(_NAMED.search(before) or match["sign"])
    is_full = bool(re.search(r"dot|\.", domain, re.IGNORECASE))
    letters = _LETTERS.search(before)
    if letters and is_full and re.split(r"[\s,]+", letters[0])[-1].lower() not in _NOT_LOCAL:
        return _trimmed(letters[0]), "likely"
    several = _several(before) if is_full else None
    if several and (_TOGETHER.match(text, match.end()) or (named and not _NO_PART & {*several.lower().split()})):
        is_web = _WEB.search(before) and not named
        if not is_web:
            return several, "likely"
    return _by_shape(before, domain, named=named, is_full=is_full)


def _by_shape(before: str, domain: str, *, named: bool, is_full: bool) -> tuple[str, Severity] | None:
    numbered = _WITH_NUMBER.search(before)
    spelled = _SPELLED.search(before)
    single = _ONE_WORD.search(before)
    for match in (numbered, spelled):
        if match and is_full and (named or match is numbered):
            words = _trimmed(match[0])
            if words.split()[0].lower() not in _NOT_LOCAL:
                return _longer(before, words) if match is numbered else words, "likely"
    if single and (named or _PROVIDER.match(domain)) and single[0].lower() not in _NOT_LOCAL:
        return single[0], "likely"
    return None


def _several(before: str) -> str | None:
    """Return the words of a local part said as words, back to the word that begins it: "it's", "put", "email"."""
    words = list(re.finditer(r"[\w'\u2019-]+|[^\w\s]", before))
    first = len(words)
    while first and words[first - 1][0].lower() not in _BEGINS and words[first - 1][0][0].isalnum():
        first -= 1
    said = words[first:]
    if not said or len(said) > _MOST_WORDS or not first:
        return None
    if said[0][0].lower() in _NOT_LOCAL or said[-1][0].lower() in _NOT_LOCAL:
        return None
    return before[said[0].start() :]


def _longer(before: str, words: str) -> str:
    several = _several(before)
    return several if several and len(several) > len(words) and not _NO_PART & {several.lower().split()[0]} else words


_LEADING = Pattern(
    r"^(?:(?:is|it's|its|it|was|to|at|email|e-mail|mail|on|address|the|a|that's|my|her|his|and|um|uh|er|so|me"
    r"|yes|yeah|him|them"
    r"|write|contact|copied|in|send|sent|or|as|for)\s{1,3})+",
    re.IGNORECASE,
)


def _trimmed(local: str) -> str:
    return _LEADING.sub("", local.lstrip(" .,-_+"))
