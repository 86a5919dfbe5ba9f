"""The words that say nothing of what is talked about: of grammar, of talk itself, and those all talk is full of."""

import re
from functools import lru_cache

_GRAMMAR = """
    a about above across after again against all almost along already also although always am among an and another
    any anybody anyhow anyone anything anyway anywhere are around as at away back be because been before behind
    being below between both but by came can cannot come comes coming could did do does doing done down during each
    either else enough even ever every everybody everyone everything everywhere few for from further gave get gets
    getting give given gives giving go goes going gone got had has have having he hence her here hers herself him
    himself his how however i if in indeed instead into is it its itself just keep keeps kept least less let lets
    like made make makes making many may maybe me might mine more most much must my myself near neither never
    nevertheless next no nobody none nor not nothing now nowhere of off often on once one ones only onto or other
    others otherwise ought our ours ourselves out over own per perhaps please put puts quite rather same shall she
    should since so some somebody somehow someone something sometimes somewhere soon still such take taken takes
    taking than that the their theirs them themselves then there therefore these they this those though through thus
    till to together too took toward towards under unless until up upon us use used user uses using very via was way
    we well went were what whatever when whenever where whereas wherever whether which whichever while who whoever
    whole whom whose why will with within without would yet you your yours yourself yourselves zero two three four
    five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty
    thirty forty fifty sixty seventy eighty ninety hundred thousand million first second third last half aren't
    can't couldn't didn't doesn't don't hadn't hasn't haven't he'd he'll he's how's i'd i'll i'm i've isn't it'd
    it'll it's let's mightn't mustn't needn't she'd she'll she's shouldn't that'll that's there'll there's they'd
    they'll they're they've wasn't we'd we'll we're we've weren't what's when's where's who's why's won't wouldn't
    you'd you'll you're you've here's that'd there'd who'll who've would've could've should've what're what'll ain't
"""
_TALK = """
    absolutely actually ah aha alright altogether anyways aye basically bit bits bloody bye cause certainly cheers
    clearly cos course cool definitely eh er erm essentially exactly excellent fair fairly fantastic fine generally
    gonna good goodbye gosh gotta great guess guys ha hang hello hey hi hm hmm hopefully huh interesting kind kinda
    lot lots lovely mate mean mhm mm mmhmm mmm morning afternoon evening nah nice obviously oh ok okay ooh oops
    particularly pretty probably really right righto sort sorta sorry speak speaking stuff suppose sure thank thanks
    thing things totally uh uhm um ums wanna welcome wow ya yay yeah yep yes yup literally simply honestly frankly
    personally cuz cos coz dunno th wh pre hmmm mhmm gotcha whatnot etcetera et cetera
"""
_COMMON = """
    able add added ago agree agreed allow area areas ask asked asking bad began begin best better big bring bringing
    brought call called case change clear close couple day days deal decide decided depend depends difference
    different difficult easy end especially example fact far feel feeling feels felt find finding forward found full
    general happen happened happening happens happy hard head hear heard help high hold hope hour hours idea ideas
    imagine important include included including interested issue issues job kept kinds knew know knowing known
    knows large late later leave left level likely line list listen listening little live long longer look looked
    looking looks low main man matter means mention mentioned mind minute minutes moment month months move moved
    moving necessarily need needed needs new number numbers obvious okay old open opposed order part particular
    parts past people person personal piece place places plus point pointed points possible possibly problem
    problems question questions quick quickly read reading ready real reason reasons remember rest room round run
    said saw say saying says see seeing seem seemed seems seen set shown side similar simple single small sorts
    sound sounds specific spend spent stand start started starting stay step stop straight strong suggest talk
    talked talking tell tells telling tend term terms think thinking thought thoughts time times today told tomorrow top
    tried tries true try trying turn turned type types understand usually view want wanted wanting wants wonder week
    weeks wondering word words work worked working works world worry worth write wrong year years yesterday young
    expect expected expecting expects consider considered create created creating appreciate appreciated aware
    certain sense example examples regard regarding relation relevant respect based various keen glad note noted
    forget forgot wait waiting matters
"""
GRAMMAR, TALK, COMMON = (frozenset(words.split()) for words in (_GRAMMAR, _TALK, _COMMON))
STOP = GRAMMAR | TALK | COMMON

WORD = r"[^\W\d_]+(?:['\u2019](?:[A-Z][^\W\d_]+|[a-z]{1,2}(?![^\W\d_]))|-[^\W\d_]+)*"
_WORD = re.compile(WORD)
_ENDINGS = ("ations", "ation", "ings", "ing", "edly", "ied", "ies", "ed", "es", "ly", "s")
_SHORTEST_STEM = 4


def words_of(text: str) -> list[str]:
    """Split a text into its words, without figures and marks, as they are written."""
    return _WORD.findall(text)


@lru_cache(maxsize=50_000)
def folded(word: str) -> str:
    """Return a word in small letters, with plain apostrophes and without a possessive ending."""
    return word.casefold().replace("\u2019", "'").removesuffix("'s")


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Return what is common to the forms of a word (`folded`): crude, and the same for all of them."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM and not word.endswith("ss"):
            return word[: -len(ending)].removesuffix("e")
    return word.removesuffix("e") if len(word) > _SHORTEST_STEM else word


@lru_cache(maxsize=50_000)
def says_something(word: str) -> bool:
    """Say whether a word may tell what is talked about."""
    plain = folded(word)
    return len(plain) > 1 and plain not in STOP and plain.replace("-", "") not in STOP
