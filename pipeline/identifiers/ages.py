"""Text enters, ages over 89 leave as findings: there are few people so old, so that an age can name one."""

import re
from collections.abc import Iterator

from pipeline.identifiers.finding import made
from pipeline.identifiers.first_names import FIRST_NAMES
from pipeline.identifiers.patterns import Pattern
from pipeline.model import Finding

_ONES = r"(?:one|two|three|four|five|six|seven|eight|nine)"
_OLD = rf"(?:9[0-9]|1[01][0-9]|ninety(?:[\s-]{_ONES})?|(?:a|one)\shundred(?:\sand\s(?:{_ONES}|ten|eleven|twelve))?)"
_ORDINAL = (
    r"(?:9[0-9]th|9[0-9](?:st|nd|rd)|1[01][0-9](?:st|nd|rd|th)|ninetieth|hundredth"
    r"|ninety[\s-](?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)"
    r"|(?:one\s)?hundred\sand\s(?:first|second|third|fourth|fifth))"
)
_NOT_AGE = (
    rf"(?!\w|[\s-]{_ONES}\b|\sand\s(?:{_ONES}|ten|eleven|twelve|a\s)\b|[.,:/][0-9]|\s?(?:%|/|\u00b0|-\s?[0-9])"
    rf"|\s?-?(?:per\s?cent|percent|percentile|percentage|kilos?|kgs?|mg|ml|mcg|mmol|millimol\w*"
    r"|milligrams?|micrograms?|grams?|units?|beats?|bpm|minutes?|mins?|hours?|days?|weeks?|months?|seconds?"
    r"|miles?|metres?"
    r"|meters?|cm|mm|centimet\w+|over|on\s(?:room\s)?air|on\s(?:\w+\s)?(?:oxygen|litres?)|litres?|degrees?"
    r"|pounds?|stone|quid|pence|patients?|people|beds?|calls?"
    r"|letters?|out\sof|of\s(?:them|us|the|those|our)|in\sthe\s(?:queue|list|line)|th\b|st\b|nd\b|rd\b"
    r"|systolic|diastolic"
    r"|times|episodes?|downloads|points?|thousand|million|appointments?|pages?|steps?|sessions?|cases?|referrals?))"
)
_POPULATION = r"(?!\s*(?:and|or)\s(?:over|above|older|under|below|more)|\s?\+|\s?plus\b|\s(?:to|-)\s[0-9]|s\b)"
_WORDS_OF_YEARS = r"[\s-]?(?:years?|yrs?|yr|y)[\s-]?(?:olds?|of\s+age)|[\s-]?(?:yo|y/o|y\.o\.)"
_PEOPLE = (
    r"(?:she|he|she's|he's|she\u2019s|he\u2019s|who|who's|who\u2019s|they're|mum|mother|dad|father|nan|gran"
    r"|granny|grandma|grandad|grandfather|"
    r"grandmother|lady|gentleman|man|woman|patient|pt|resident|neighbour|aunt|auntie|uncle|husband|wife|chap|i'm"
    r"|(?:mother|father|sister|brother)-in-law|old\s(?:boy|girl|dear|fella)|pensioner|grandparent|bloke"
    r"|i\u2019m|widow\w*|client)(?:'s|\u2019s)?"
)
_WHO = (
    r"(?:pt|patients?|lady|gentleman|man|woman|mother|mum|father|dad|nan|gran|grandmother|grandfather|grandad|resident"
    r"|husband|wife|widow|widower|neighbour|person|male|female|client|aunt|uncle|sister|brother)"
)
_IN_BRACKETS = rf"{_OLD}(?:\s?(?:years?|yrs?|y|yo|y/o))?(?=\s?(?:[);,]|old\b|of\sage\b))"
_REACHED = (
    r"(?:made\sit\sto|got\sto|reached|hit|pushing|coming\sup\s(?:to|for)|knocking\son(?:\sfor)?|getting\son\sfor"
    r"|not\sfar\soff|just\sshy\sof|approaching|heading\sfor|touching|well\sinto\sher|celebrated|celebrating)"
)
_THINKING = (
    r"(?:\s(?:i\swant\sto\ssay|i\sthink|i'd\ssay|let\sme\sthink|what\swas\s(?:she|he)|would\syou\sbelieve|oh|gosh"
    r"|wait\sfor\sit|what),)?"
)
_PATTERNS = (
    rf"(?<![\w.,/-])(?P<a>{_OLD}(?:{_WORDS_OF_YEARS}))(?!\w)",
    (
        rf"\b(?:aged|age|age:|age\sof|age\sis|age\swas|ages)[\s:]+(?:of\s|about\s|around\s)?"
        rf"(?P<b>{_OLD}){_NOT_AGE}{_POPULATION}"
    ),
    rf"\b(?:her|his|their|my|a|the|whose)\s(?P<c>{_ORDINAL})\sbirthday",
    (
        rf"\b(?:turn(?:ed|ing|s)|lived\sto\s(?:be\s)?|lived\still(?:\sshe\swas|\she\swas)?|died\sat|dead\sat"
        rf"|dies\sat|died,?\saged|living\sto)\s*(?P<d>{_OLD}){_NOT_AGE}"
    ),
    (
        rf"\b{_PEOPLE}(?:\s(?:is|was|will\sbe|turned|must\sbe|would\sbe))?(?:\s(?:just|now|only|nearly|almost|about"
        rf"|already|actually|over|probably|going\son|all\sof"
        rf"|um|uh|er|like|getting\son\sfor))?,?{_THINKING}\s(?P<e>{_OLD}){_NOT_AGE}"
    ),
    (
        rf"\b(?:patient|lady|gentleman|man|woman|mother|mum|father|dad|nan|gran|grandmother|grandfather|resident"
        rf"|husband|wife|(?-i:[A-Z][a-z]+)),\s"
        rf"(?:(?:is|was|who\sis|now|um|uh)\s)?(?P<f>{_OLD}),"
    ),
    r"(?<![\w.,/-])(?P<g>(?:9[0-9]|1[01][0-9])[\s/]?[MF])(?!\w)",
    (
        rf"\b(?:she|he|mum|dad|nan|gran|who)(?:'ll|\u2019ll|'d|\u2019d|\swill|\swould)\s(?:now\s|soon\s|have\s)?be"
        rf"(?:en)?\s(?:nearly\s|over\s|about\s)?(?P<k>{_OLD}){_NOT_AGE}"
    ),
    rf"\b(?:even\s)?at\s(?P<l>{_OLD}),?\s(?:she|he|my|mum|dad|nan|gran)\b(?!\sper)",
    r"\bin\s(?P<h>(?:her|his|their|my)\s(?:early\s|mid\s|mid-|late\s)?nineties)\b",
    rf"\b(?:{_WHO}|(?:mrs?|miss|ms)\.?\s[\w'\u2019-]+)(?:\s(?:in|on|from|with)\s\w+(?:\s\w+)?)?\s?\((?P<m>{_IN_BRACKETS})",
    (
        rf"\b(?:oldest|eldest)\s(?:\w+\s)?(?:{_WHO}|one|member|child)s?\b(?:\s\w+){{0,5}}?(?:['\u2019]s|\s(?:is|was|turned|being))\s(?:about\s|nearly\s|now\s)?"
        rf"(?P<n>{_OLD}){_NOT_AGE}"
    ),
    rf"\b(?:an?|this|that|one|another)\s(?:\w+\s)?{_WHO}\sof\s(?:about\s|nearly\s)?(?P<r>{_OLD}){_NOT_AGE}",
    rf"(?<!\w)(?-i:[MF])(?:/|,\s|\s(?:aged?\s)?)(?P<o>{_OLD})(?=\s?(?:[,.;)]|$))",
    (
        rf"\b(?:she|he|who|mum|dad|nan|gran|{_WHO}|{_PEOPLE})(?:['\u2019](?:s|d|ll))?(?:\s(?:has|had|is|was|just|now|only"
        rf"|nearly|will|would|must\sbe)){{0,2}}\s{_REACHED}\s(?P<p>{_OLD}){_NOT_AGE}"
        rf"(?=\s?(?:[,.;!?)]|$|\n)|\s(?:and|but|in|last|this|next|so|before|now|if|you|when|years?)\b)"
    ),
    (
        r"\b(?:mrs?|miss|ms)\.?\s[\w'\u2019-]+(?:['\u2019]s|\s(?:is|was|will\sbe))\s(?:nearly\s|now\s|about\s)?"
        rf"(?P<q>{_OLD}){_NOT_AGE}"
    ),
    r"\b(?P<i>nonagenarian|centenarian|supercentenarian)\b(?!s)",
    (
        rf"\b(?:she|he|who|they)(?:\s(?:is|was)|'s|\u2019s)?\s(?:\w+\s){{0,2}}?(?:at\sthe\sage\sof|at\sage)\s"
        rf"(?P<j>{_OLD}){_NOT_AGE}"
    ),
)
# Every one of them says an age in one of these ways.
_IS_OLD = re.compile(r"9[0-9]|1[01][0-9]|ninet|hundred|centenarian|nonagenarian", re.IGNORECASE)
_AGES = tuple(
    Pattern(pattern, re.IGNORECASE if "[MF]" not in pattern else 0, needs=(_IS_OLD,)) for pattern in _PATTERNS
)
_OF_NAME = Pattern(
    rf"\b(?P<name>[A-Za-z]{{3,15}})(?:(?:['\u2019]s|\s(?:is|was|will\sbe|turned))\s(?:nearly\s|now\s|about\s)?"
    rf"(?P<age>{_OLD}){_NOT_AGE}|(?:\s[A-Z][\w'\u2019-]+)?\s?\((?P<also>{_IN_BRACKETS}))",
    re.IGNORECASE,
    needs=(_IS_OLD,),
)
_LISTS = Pattern(
    r"\b(?:people|patients|everyone|anyone|those|adults|men|women|residents)\s(?:who\sare\s)?$", re.IGNORECASE
)


def ages(text: str) -> Iterator[Finding]:
    """Find ages over 89 of a person, but not of a population, and not doses, rates and results.

    Args:
        text: in English.
    """
    for pattern in _AGES:
        for match in pattern.finditer(text):
            if _LISTS.search(text, max(0, match.start() - 40), match.start()):
                continue
            start, end = match.span(match.lastgroup or 0)
            yield made("AGE", text, start, end, "likely")
    for match in _OF_NAME.finditer(text):
        if match["name"].lower() in FIRST_NAMES:
            yield made("AGE", text, *match.span("age" if match["age"] else "also"), "likely")
