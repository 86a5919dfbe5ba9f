"""Text enters, e-mail addresses leave as findings: written, and spoken as "jane dot smith at nhs dot net"."""

import re
from collections.abc import Iterator

from pipeline.identifiers.finding import Severity, made
from pipeline.identifiers.stoplists import listed
from pipeline.model import Finding

_WRITTEN = re.compile(
    (
        r"(?<![\w.+%-])[\w.+%'-]{1,64}\s?(?:@|[\[(]\s?at\s?[\])])\s?(?:[a-z0-9-]{1,63}\s?(?:\."
        r"|[\[(]\s?dot\s?[\])])\s?){1,8}[a-z]{2,24}(?![\w-])"
    ),
    re.IGNORECASE,
)
_DOT = r"(?:\s{1,3}(?:dot|point)\s{1,3}|\s{0,3}\.\s{0,3}(?=[a-z]))"
_TOP = r"(?:com|net|org|uk|gov|ac|co|example|eu|ie|info|me|scot|wales|cymru|nhs|edu|test)\b"
_SPOKEN_DOMAIN = re.compile(
    rf"\s{{1,3}}at,?\s{{1,3}}(?P<domain>(?:[a-z0-9-]{{1,30}}(?:\s[a-z]){{0,4}}{_DOT}){{1,4}}{_TOP}(?:{_DOT}{_TOP})?"
    r"|(?:nhs\s?net|nhs\s?mail|gmail|hotmail|outlook|yahoo|icloud|btinternet|aol)\b)",
    re.IGNORECASE,
)
_JOINT = r"(?:\s{1,3}(?:dot|point|underscore|under score|dash|hyphen|minus|full stop|plus)\s{1,3}|\s{0,3}[._+-]\s{0,3})"
_NUMBER = (
    r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|ten|[a-z]*teen|twenty|thirty|forty|fifty|sixty"
    r"|seventy|eighty|ninety|double|[0-9]{1,4})"
)
_LOCAL = re.compile(
    rf"(?:(?<![\w'\u2019])(?:[a-z]\s){{0,8}}[\w']{{1,30}}{_JOINT}){{1,5}}[\w']{{1,30}}(?:\s{_NUMBER}){{0,6}}$",
    re.IGNORECASE,
)
_WITH_NUMBER = re.compile(rf"(?<!\w)(?:[a-z']{{1,30}}\s){{0,2}}?[\w']{{1,30}}(?:\s{_NUMBER}){{1,6}}$", re.IGNORECASE)
_SPELLED = re.compile(
    r"(?<![\w'\u2019])(?:[a-z]\s){2,12}[a-z](?:\s[\w]{2,30})?$|(?<![\w'\u2019])[a-z]\s[a-z]{3,30}$", re.IGNORECASE
)
_ONE_WORD = re.compile(r"(?<!\w)[\w']{2,40}$")
_NAMED = re.compile(
    r"\be-?\s?mail\w*|\bmail\b|\baddress\b|\bwrite to\b|\bcontact\b|\bcopied in\b|\bcc\b", re.IGNORECASE
)
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
    " network leaders"
)
_PROVIDER = re.compile(
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
        before = text[max(0, match.start() - _BEFORE) : match.start()]
        found = _local(before, match["domain"])
        if found is not None and not _is_team(found[0]):
            start = match.start() - len(found[0])
            yield made("EMAIL", text, start, match.end(), found[1])


def written_address(said: str) -> str:
    """Write an e-mail address as it is typed, however it was said."""
    joined = re.sub(r"\s{1,3}(?:dot|point|full stop)\s{1,3}", ".", said.lower())
    joined = re.sub(r"\s{1,3}under ?score\s{1,3}", "_", joined)
    joined = re.sub(r"\s{1,3}(?:dash|hyphen|minus)\s{1,3}", "-", joined)
    joined = re.sub(r"\s{0,3}[\[(]?\bat\b[\])]?\s{0,3}|\s{0,3}@\s{0,3}", "@", joined, count=1)
    return re.sub(r"[\s,]+", "", re.sub(r"[\[(]\s?dot\s?[\])]", ".", joined))


def _without_edges(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start] in ".'-+":
        start += 1
    return start, end


def _is_team(local: str) -> bool:
    # "ward" and "office" are names of people as well, after a first name.
    parts = [part for part in re.split(r"[^a-z]+|dot|underscore|hyphen|dash", local.lower().split("+")[0]) if part]
    return bool(parts) and (parts[0] in _TEAM or parts[-1] in _TEAM - _SURNAMES)


def _local(before: str, domain: str) -> tuple[str, Severity] | None:
    joined = _LOCAL.search(before)
    if joined:
        return _trimmed(joined[0]), "likely"
    named = bool(_NAMED.search(before))
    is_full = bool(re.search(r"dot|\.", domain, re.IGNORECASE))
    numbered = _WITH_NUMBER.search(before)
    spelled = _SPELLED.search(before)
    single = _ONE_WORD.search(before)
    for match in (numbered, spelled):
        if match and is_full and (named or match is numbered):
            words = _trimmed(match[0])
            if words.split()[0].lower() not in _NOT_LOCAL:
                return words, "likely"
    if single and (named or _PROVIDER.match(domain)) and single[0].lower() not in _NOT_LOCAL:
        return single[0], "likely"
    return None


_LEADING = re.compile(
    r"^(?:(?:is|it's|its|it|was|to|at|email|e-mail|mail|on|address|the|a|that's|my|her|his|and|um|uh|er|so|me"
    r"|yes|yeah|him|them"
    r"|write|contact|copied|in|send|sent|or|as|for)\s{1,3})+",
    re.IGNORECASE,
)


def _trimmed(local: str) -> str:
    return _LEADING.sub("", local.lstrip(" .,-_+"))
