"""The inflections of an English word, for `word~`: steps, stepped, stepping; but no derived words (stepper).

Rules of spelling and a table of what is irregular. Nothing knows which words exist, so each is taken as a verb and a
noun at once; a form that nobody writes finds nothing. Other languages have no forms here.
"""

from __future__ import annotations

import re
from functools import cache

_MIN_LENGTH = 3


def forms(folded: str) -> tuple[str, ...]:
    """Every form of a word, folded: itself first, then its base form, then the others, each once.

    An inflected word gives the forms of its base ("stood", "women", "resignations") where its spelling leaves no doubt
    what that is; otherwise ("united": unite or unit?) it has itself alone. A word that is a base form too is taken as
    that ("found": founded, not find). A word that is not all ASCII letters, or has fewer than three and is not in the
    table, has itself alone, and so have function words ("the", "from", "down").

    Args:
        folded: What `tokens.fold` gives; of any language.
    """
    if not (folded.isascii() and folded.isalpha() and folded.islower()) or folded in _FUNCTION_WORDS:
        return (folded,)
    if len(folded) < _MIN_LENGTH and folded not in _IRREGULAR and folded not in _known_forms():
        return (folded,)
    base = _base(folded)
    found = [folded, *(_paradigm(base) if base else ())]
    if base != folded and base and folded.endswith("ing"):
        found.append(folded + "s")  # as a noun
    return tuple(dict.fromkeys(found))


# ------------------------------------------------------------------------------------------------------------- tables


def _table(text: str) -> dict[str, tuple[tuple[str, ...], ...]]:
    """ "get got got/gotten" ▸ {"get": (("got",), ("got", "gotten"))}."""
    rows = (row.split() for row in text.split(","))
    return {base: tuple(tuple(cell.split("/")) for cell in cells) for base, *cells in rows}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Base, past, past participle where it differs. The other forms follow the rules.
_VERBS = _table(
    """
    arise arose arisen, awake awoke awoken, babysit babysat, bear bore borne, beat beat beaten, become became become,
    befall befell befallen, begin began begun, behold beheld, bend bent, beset beset, bet bet, bid bid bidden,
    bind bound, bite bit bitten, bleed bled, blow blew blown, break broke broken, breed bred, bring brought,
    broadcast broadcast/broadcasted, browbeat browbeat browbeaten, build built, burn burned/burnt, burst burst,
    bust bust/busted, buy bought, cast cast, catch caught, choose chose chosen, cling clung, come came come,
    cost cost, creep crept, cut cut, deal dealt, dig dug, dive dived/dove, draw drew drawn, dream dreamed/dreamt,
    drink drank drunk, drive drove driven, dwell dwelt/dwelled, eat ate eaten, fall fell fallen, feed fed, feel felt,
    fight fought, find found, fit fit/fitted, flee fled, fling flung, fly flew flown, forbid forbade/forbad forbidden,
    forecast forecast/forecasted, forego forewent foregone, foresee foresaw foreseen, foretell foretold,
    forget forgot forgotten, forgive forgave forgiven, forgo forwent forgone, forsake forsook forsaken,
    forswear forswore forsworn, freeze froze frozen, get got got/gotten, give gave given, grind ground,
    grow grew grown, hang hung/hanged, hear heard, hide hid hidden, hit hit, hold held, hurt hurt, inlay inlaid,
    input input/inputted, inset inset, interweave interwove interwoven, keep kept, kneel knelt/kneeled,
    knit knit/knitted, know knew known, lay laid, lead led, lean leaned/leant, leap leaped/leapt,
    learn learned/learnt, leave left, lend lent, let let, lie lied/lay lied/lain, light lit/lighted, lose lost,
    make made, mean meant, meet met, mislead misled, misread misread, misspell misspelled/misspelt,
    mistake mistook mistaken, misunderstand misunderstood, mow mowed mown, offset offset, outbid outbid,
    outdo outdid outdone, outgrow outgrew outgrown, outrun outran outrun, outsell outsold, overcome overcame overcome,
    overdo overdid overdone, overeat overate overeaten, overfly overflew overflown, overhang overhung,
    overhear overheard, overlay overlaid, override overrode overridden, overrun overran overrun,
    oversee oversaw overseen, overshoot overshot, oversleep overslept, overspend overspent,
    overtake overtook overtaken, overthrow overthrew overthrown, overturn overturned, overwrite overwrote overwritten,
    partake partook partaken, pay paid, plead pleaded/pled, prepay prepaid, prove proved proved/proven, put put,
    quit quit/quitted, read read, rebuild rebuilt, recast recast, redo redid redone, redraw redrew redrawn,
    remake remade, rend rent, repay repaid, reread reread, rerun reran rerun, resell resold, reset reset,
    retake retook retaken, retell retold, rethink rethought, rewind rewound, rewrite rewrote rewritten, rid rid,
    ride rode ridden, ring rang rung, rise rose risen, run ran run, saw sawed sawn, say said, see saw seen,
    seek sought, sell sold, send sent, set set, sew sewed sewn, shake shook shaken, shear sheared shorn, shed shed,
    shine shone/shined, shoot shot, show showed shown, shrink shrank/shrunk shrunk, shut shut, sing sang sung,
    sink sank/sunk sunk, sit sat, slay slew slain, sleep slept, slide slid, sling slung, slit slit,
    smell smelled/smelt, sneak sneaked/snuck, sow sowed sown, speak spoke spoken, speed sped/speeded,
    spell spelled/spelt, spend spent, spill spilled/spilt, spin spun, spit spat/spit, split split,
    spoil spoiled/spoilt, spread spread, spring sprang/sprung sprung, stand stood, steal stole stolen, stick stuck,
    sting stung, stink stank/stunk stunk, strew strewed strewn, stride strode stridden, strike struck struck/stricken,
    string strung, strive strove/strived striven, sublet sublet, swear swore sworn, sweep swept,
    swell swelled swollen, swim swam swum, swing swung, take took taken, teach taught, tear tore torn, tell told,
    think thought, thrive thrived/throve thriven, throw threw thrown, thrust thrust, tread trod trodden,
    typecast typecast, undercut undercut, undergo underwent undergone, underlie underlay underlain,
    understand understood, undertake undertook undertaken, underwrite underwrote underwritten, undo undid undone,
    unwind unwound, uphold upheld, upset upset, wake woke/waked woken, wear wore worn, weave wove woven,
    wed wed/wedded, weep wept, wet wet/wetted, win won, wind wound, withdraw withdrew withdrawn, withhold withheld,
    withstand withstood, wring wrung, write wrote written
    """
)
# Taken as nouns alone. Those in -man are found by rule.
_NOUNS = _table(
    """
    man men, woman women, child children, grandchild grandchildren, schoolchild schoolchildren,
    stepchild stepchildren, person persons/people, foot feet, tooth teeth, goose geese, mouse mice, louse lice, ox oxen,
    penny pennies/pence, calf calves, elf elves, half halves, hoof hooves/hoofs, knife knives, leaf leaves, life lives,
    loaf loaves, midwife midwives, housewife housewives, scarf scarves/scarfs, self selves, sheaf sheaves,
    shelf shelves, bookshelf bookshelves, thief thieves, wharf wharves/wharfs, wife wives, wolf wolves,
    analysis analyses, axis axes, basis bases, crisis crises, diagnosis diagnoses, emphasis emphases,
    genesis geneses, hypothesis hypotheses, metamorphosis metamorphoses, nemesis nemeses, oasis oases,
    paralysis paralyses, parenthesis parentheses, prognosis prognoses, synthesis syntheses, thesis theses,
    alumnus alumni, bacterium bacteria, cactus cacti/cactuses, criterion criteria, curriculum curricula/curriculums,
    fungus fungi, memorandum memoranda/memorandums, nucleus nuclei, phenomenon phenomena, radius radii,
    referendum referendums/referenda, stimulus stimuli, syllabus syllabuses/syllabi, ultimatum ultimatums/ultimata,
    appendix appendices/appendixes, matrix matrices, vertex vertices, passerby passersby
    """
)
# Whole paradigms.
_IRREGULAR: dict[str, tuple[str, ...]] = {
    "be": ("am", "is", "are", "was", "were", "been", "being"),
    "have": ("has", "had", "having"),
    "do": ("does", "did", "done", "doing"),
    "go": ("goes", "went", "gone", "going"),
}
# No forms at all: these are in many phrases ("step down").
_FUNCTION_WORDS = _words(
    """
    a about above across after afterwards again against all almost along already also although always among and
    another any anybody anyone anything around aside at away because before behind below beneath beside besides
    between beyond both but by can cannot could despite down during each either else etc even ever every everybody
    everyone everything few for forth from he hence her here hers herself him himself his how however if in indeed
    inside instead into it its itself just many may me might more most much must my myself neither never nevertheless
    no nobody none nor not nothing now of off often on once onto or other others otherwise ought our ours ourselves
    out outside over per perhaps quite rather same shall she should since so some somebody someone something soon
    still such than that the their theirs them themselves then there therefore these they this those though through
    throughout thus till to together too toward towards under until up upon us very via we well what whatever when
    whenever where whereas wherever whether which while who whoever whom whose why will with within without would yet
    you your yours yourself yourselves
    """
)
# Plurals that are words of their own ("arms" is not arm), and what has one form.
_INVARIABLE = _words(
    """
    aircraft arms athens athletics bahamas barracks beloved born brussels cattle chassis corps crossroads customs deer
    earnings economics electronics ethics goods gymnastics headquarters hovercraft logistics maldives mathematics
    means naked netherlands news odds offspring outskirts philippines physics politics premises proceeds sacred sales
    salmon savings series seychelles sheep spacecraft species statistics wales whereabouts wicked
    """
)

# Look like a form of another word, and are base forms too or nouns of their own.
_BASE_FORMS = _words(
    """
    found fell wound ground bound saw lay rose bore rent dove bit
    morning evening ceiling boeing beijing
    building meeting wedding being clothing dwelling understanding beginning painting housing outing herring earring
    pudding sterling darling viking shilling sibling wing king ring sing thing spring string sling sting swing fling
    bring cling ping
    need seed weed greed creed deed feed bleed breed speed exceed proceed succeed heed reed embed shed sled
    lens gas bias canvas atlas alias
    """
)
# Nouns whose verb forms would be those of another word.
_NOUNS_ALONE = _words("unit suite breath cloth lung past secret income aide envelope people hundred leg due")
# Of two words: it tells nothing.
_AMBIGUOUS = _words("leaves lives axes bases ellipses")

# Double their last letter though they have more than one syllable.
_DOUBLING = _words(
    """
    abet abhor abut acquit admit airdrop allot annul appal babysit backdrop befit begin beset bootstrap commit compel
    concur confer control debug defer demur deter dispel distil eavesdrop embed emit enrol enthral equip excel expel
    extol forbid forget format fulfil handicap impel incur infer input instil inter leapfrog nonplus occur offset omit
    outbid outfit output outrun outstrip overlap overrun patrol permit prefer propel quiz rebel rebut recap recur
    refer refit regret remit repel rerun reset retrofit sandbag sidestep sublet submit transfer transmit typeset
    undercut unplug unwrap unzip upset whiz wiretap zigzag
    """
)
# Written both ways.
_MAYBE_DOUBLING = _words(
    "benefit bias equal bus combat dial duel focus fuel gas initial kidnap leaflet pivot program worship"
)
_ADD_K = _words("frolic mimic panic picnic traffic")
_HARD_CH = _words("czech epoch eunuch loch matriarch monarch oligarch patriarch stomach tech")
_OES = _words("echo embargo hero potato tomato torpedo veto")
_OES_TOO = _words(
    "buffalo cargo desperado domino flamingo ghetto grotto halo mango manifesto memento mosquito motto tornado "
    "volcano zero"
)
# Keep their e before -ing, or may.
_KEEP_E = _words("binge singe tinge twinge age queue")
_KEEP_E_ONLY = _words("singe tinge twinge")
_IE_VERBS = _words("belie die lie tie underlie untie vie")
_NOT_MEN = re.compile(r"(?:hu|ger|ro|otto|sha|talis|nor|cai|turco|mussul|o)man|cayman|taliban")
_NOT_MEN_EITHER = re.compile(r"(?:abdo|acu|bitu|cycla|hy|lu|o|ra|regi|se|speci|sta|turk|ye)men")
# Never verbs.
_NOUN_ENDING = re.compile(r"[a-z]{2,}(?:ness|ity|ism|ship|hood|ology|cracy|[a-z]{2}ation|ical|ous)|[a-z]{3,}ie")
_NOUN_ENDING_VERBS = _words("witness harness worship")


# ---------------------------------------------------------------------------------------------------- base ▸ paradigm

_CONSONANT_Y = re.compile(r".*(?:[^aeiou]|qu)y")
_SIBILANT = re.compile(r".*(?:[sxz]|ch|sh)")
_ONE_SYLLABLE = re.compile(r"(?:[^aeiouy]|y(?=[aeiou])|qu)*[aeiouy][bdfgklmnprtvz]")
_BRITISH_L = re.compile(r".*[aeiouy].*[^aeiou][aeiou]l")


def _paradigm(base: str) -> list[str]:
    if base in _INVARIABLE or base.endswith("ese"):
        return [base]
    if base in _IRREGULAR:
        return [base, *_IRREGULAR[base]]
    if base in _NOUNS:
        return [base, *(form for cell in _NOUNS[base] for form in cell)]
    if base.endswith("man") and not _NOT_MEN.fullmatch(base):
        return [base, base[:-3] + "men"]
    if base.endswith("ing") and base not in _VERBS and len(base) > 4:
        return [base, base + "s"]
    if base in _NOUNS_ALONE or (base not in _NOUN_ENDING_VERBS | _IE_VERBS and _NOUN_ENDING.fullmatch(base)):
        return [base, *_s_forms(base)]
    pasts = [form for cell in _VERBS[base] for form in cell] if base in _VERBS else [_ed(stem) for stem in _stems(base)]
    return list(dict.fromkeys([base, *_s_forms(base), *pasts, *_ing_forms(base)]))


def _s_forms(base: str) -> list[str]:
    if _CONSONANT_Y.fullmatch(base):
        return [base[:-1] + "ies"]
    if base in _OES:
        return [base + "es"]
    if base in _OES_TOO:
        return [base + "s", base + "es"]
    if base.endswith(("go", "do")) and base in _VERBS:
        return [base + "es"]
    if base in {"quiz", "whiz"}:
        return [base + "zes"]
    if _SIBILANT.fullmatch(base) and base not in _HARD_CH:
        return [stem + "es" for stem in (_stems(base) if base in _MAYBE_DOUBLING else [base])]
    return [base + "s"]


def _stems(base: str) -> list[str]:
    """What -ed and -ing are added to, before an e is dropped or a y changed."""
    if base in _ADD_K:
        return [base + "k"]
    if base in _MAYBE_DOUBLING or (base not in _DOUBLING and _BRITISH_L.fullmatch(base)):
        return [base, base + base[-1]]
    if base in _DOUBLING or _ONE_SYLLABLE.fullmatch(base):
        return [base + base[-1]]
    return [base]


def _ed(stem: str) -> str:
    if stem.endswith("e"):
        return stem + "d"
    return stem[:-1] + "ied" if _CONSONANT_Y.fullmatch(stem) else stem + "ed"


def _ing_forms(base: str) -> list[str]:
    if base in _IE_VERBS:
        return [base[:-2] + "ying"]
    if base.endswith("e") and not base.endswith(("ee", "oe", "ye")):
        dropped, kept = base[:-1] + "ing", base + "ing"
        if base in _KEEP_E_ONLY:
            return [kept]
        return [dropped, kept] if base in _KEEP_E else [dropped]
    return [stem + "ing" for stem in _stems(base)]


# ------------------------------------------------------------------------------------------------------- form ▸ base


def _base(word: str) -> str:
    """The base form of a word, which may be itself; "" where its spelling leaves a doubt."""
    if word in _AMBIGUOUS:
        return ""
    if any(word in table for table in (_VERBS, _NOUNS, _IRREGULAR, _BASE_FORMS, _NOUNS_ALONE, _INVARIABLE)):
        return word
    base = _known_forms().get(word) or _base_by_spelling(word)
    return base if base and word in _paradigm(base) else ""


@cache
def _known_forms() -> dict[str, str]:
    """Every form of the words in the tables ▸ its base, where it has one only."""
    found: dict[str, set[str]] = {}
    listed = {*_VERBS, *_NOUNS, *_IRREGULAR, *_DOUBLING, *_MAYBE_DOUBLING, *_ADD_K, *_OES, *_OES_TOO, *_HARD_CH}
    for base in listed | _IE_VERBS | _KEEP_E | _SPELLED:
        for form in _paradigm(base):
            found.setdefault(form, set()).add(base)
    return {form: next(iter(bases)) for form, bases in found.items() if len(bases) == 1}


# Verbs and nouns whose forms the rules below would take for those of another word, or would leave in doubt.
_SPELLED = _words(
    """
    abandon abuse accuse ache add adhere adore agenda agree alias amuse anchor area arena arrange atlas audit author
    avenge awe ballot bang bathe belong blanket blossom bonus bore boycott breathe budget cache calorie camera campus
    canoe canvas census challenge change chorus cite clone clothe color colour compete compile complete confuse
    consensus console convene cookie create credit decree delete deplore deposit develop disagree drama ebb edit
    elicit envelop equal era err exchange excite excuse exhibit exile exit expedite explore eye favor favour file
    focus foe free fringe fuse gallop gossip guarantee guide harbor harbour haste headache hinge honor honour hover
    idea ignite ignore incite inherit inhibit install interfere intervene invite labor labour limit loathe long lunge
    market mention merit militia monitor movie murmur name owe panda parole paste persevere phone pile pilot pivot pizza
    plunge poison postpone prison profit prohibit prolong purr question quiet range ransom reason recall recite
    referee refuse restore riot rival rocket rookie route scale score season selfie shoe sign signal solicit soothe
    sponsor status stone store style summon tailor target taste ticket toe total villa virus visa visit waste welcome
    wrong zombie
    """
)

_US_PLURAL = re.compile(r".*[^aeiou]uses")
_VOWEL = re.compile(r"[aeiouy]")
# The end of what stands before -ed and -ing ▸ how many letters of it the base form lacks, and what it has besides. The
# first that fits counts.
_ENDINGS = tuple(
    (re.compile(rf".*(?:{pattern})"), cut, added)
    for pattern, cut, added in (
        (r"[aeiouy]([bdgmnprt])\1", 1, ""),  # stepped
        (r"ff|ss|zz|ck|sh|[^aeiou]ch|[aeo]ch|ouch|gh|ght|ph|[wxy]", 0, ""),  # attacked
        (r"(?<!.)[^aeiouy]*[aeiouy]ll", 0, ""),  # killed
        (r"[aeiouy].*[eo]ll", 1, ""),  # travelled
        (r"[aeioulnr]c|[aeiounlprw]s|[aeioulr]v|[aeiou]z|[aeioudr]g|u", 0, "e"),  # forced, accused
        (r"(?:[aeo][aeiu]|oo|oi|(?<!q)ui)[bdfklmnprt]", 0, ""),  # failed
        (r"[bcdfgkptsz]l", 0, "e"),  # toppled
        (r"[^aeou]at|[ou]t|[aiu][rm]|uid|[aiou]d|[aiouy][kp]|[iou]b|[iu][ln]", 0, "e"),  # voted
        (r"[bcflnprx]t|[lnr]d|[lnrs]k|[lms]p|[lr]m|[gnrw]n|[rw]l|mb", 0, ""),  # elected, resigned
        (r"er|el|[ct]or|en|ion", 0, ""),  # ordered, opened
        (r"[aeiou]st", 0, ""),  # arrested
    )
)


def _base_by_spelling(word: str) -> str:
    """`word` where it does not look inflected; "" where it does, and of what is not sure."""
    for ending in ("ed", "ing"):
        stem = word.removesuffix(ending)
        if stem != word and _VOWEL.search(stem) and len(stem) > 1:
            return _base_of_stem(stem, ending)
    if word.endswith("s") and len(word) > 3 and not word.endswith(("ss", "us")):
        return "" if word.endswith(("as", "is")) else _singular(word)
    if word.endswith("men") and not _NOT_MEN_EITHER.fullmatch(word):
        return word[:-3] + "man"
    return word


def _base_of_stem(stem: str, ending: str) -> str:
    if stem.endswith("i"):
        return stem[:-1] + "y" if ending == "ed" else stem
    for pattern, cut, added in _ENDINGS:
        if pattern.fullmatch(stem):
            return stem[: len(stem) - cut] + added
    return ""


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zzes", "oes")) or _US_PLURAL.fullmatch(word):
        return word[:-2]
    return word[:-1]
