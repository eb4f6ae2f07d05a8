"""The sentences that say something of a finding: closed lists of words, and rules that consume a whole sentence.

A sentence means something only if every word of it was read. One word that stands in no list here, and it says nothing:
"there is *suggestion of* effusion", "*it is false that* there is effusion", "there is no *change in* effusion".

In a rule, capitals name a list of words or another rule, small letters are words themselves, and ( | ) ? * + mean what
they mean in regular expressions. FINDING is what was asked about, OTHER another finding of a chest radiograph, and
PART one of the names that a finding joins ("nodule" of "nodule/mass"): a part affirms the whole, and denies nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache

from medground_bench.core.answers.names import ORDINALS, name_pattern, names_of

WORDS = {
    "A": "a an the this these",
    "ANY": "a an any",
    "BE": "is are",
    "BEEN": "is are was were has_been have_been can_be could_be",
    "NOT": "not isn't aren't wasn't weren't",
    "ISNT": "isn't aren't",
    "DONT": "don't doesn't didn't do_not does_not did_not can't cannot can_not",
    "OR": "or nor",
    "AND": "and with plus as_well_as along_with together_with",
    "BUT": "but while whereas however ;",
    "BREAK": ", ; : - ( ) . !",
    # Certainty, severity, size, number, kind and place of what is there. A denial takes LOOK alone, since "no large
    # effusion" and "no left effusion" leave room for a small one and for one on the right.
    "LOOK": "clear definite definitive obvious evident visible apparent radiographic radiological"
    " discernible identifiable detectable",
    "ADVERB": "clearly indeed also definitely certainly obviously evidently plainly actually currently now",
    "HOW": "convincing unequivocal unmistakable strong distinct noticeable tiny small minimal trace slight"
    " mild moderate large massive huge severe marked significant substantial extensive prominent sized"
    " in_size single solitary multiple several numerous two three focal multifocal diffuse patchy dense hazy"
    " linear round rounded scattered confluent loculated layering calcified cavitary spiculated lobar"
    " segmental subsegmental pulmonary lung displaced nondisplaced acute tension"
    f" {ORDINALS}",
    "SIDE": "left right bilateral unilateral left_sided right_sided both upper lower middle mid apical basal"
    " basilar bibasilar bibasal lingular perihilar retrocardiac central peripheral lateral medial anterior"
    " posterior superior inferior costophrenic subpleural",
    "TO": ", and to",
    "FILLS": "occupies involves affects fills overlies",
    "AT": "in on at within along over near of involving overlying behind above below",
    "REGION": "lung lungs lobe lobes side sides base bases apex apices hemithorax zone zones field fields"
    " lung_field lung_fields angle angles sulcus hilum hila mediastinum pleural_space pleural_spaces region"
    " area aspect portion chest_wall hemidiaphragm diaphragm segment lingula fissure thorax chest heart"
    " clavicle rib ribs spine thoracic_spine aorta aortic_knob aortic_arch",
    "LUNGS": "lungs lung_fields chest thorax pleural_spaces",
    "LUNG": "lung side lung_field hemithorax pleural_space lungs sides lung_fields hemithoraces pleural_spaces",
    # the picture
    "GIVEN": "provided given submitted attached presented current present available above frontal pa ap"
    " portable single medical digital posteroanterior anteroposterior chest thoracic",
    "IMAGE": "image images picture x_ray xray radiograph film scan study view photograph examination exam cxr",
    # verbs
    "SHOWS": "shows provides reveals demonstrates displays depicts exhibits contains has show reveal demonstrate have",
    "SHOW": "show reveal demonstrate display depict exhibit contain have provide present",
    "SEE": "see observe identify detect note find visualize visualise",
    "SEEN": "seen noted identified observed detected visible visualized visualised demonstrated present"
    " evident apparent found appreciated",
    # evidence: what is affirmed is evidence "of"; a denial may say it in more ways
    "SIGN": "evidence presence sign signs feature features findings",
    "SIGNAL": "evidence sign signs feature features findings finding indication indications suggestion hint",
    "FOR": "of for suggesting suggestive_of indicating indicative_of consistent_with compatible_with"
    " to_suggest to_indicate to_support supporting that_suggest that_suggests that_indicate that_indicates",
    # normal anatomy
    "ANATOMY": "lung lungs lung_field lung_fields heart heart_size cardiac_silhouette"
    " cardiomediastinal_silhouette mediastinum mediastinal_contours hila hilum diaphragm diaphragms"
    " hemidiaphragms angle angles lung_bases bones ribs bony_structures osseous_structures pleura"
    " pleural_spaces trachea aorta soft_tissues airways aortic_contour aortic_knob cardiac_contour"
    " mediastinal_contour",
    "NORMAL": "clear normal unremarkable intact sharp within_normal_limits normal_in_size well_expanded"
    " well_aerated well_inflated fully_expanded not_enlarged of_normal_size of_normal_size_and_position",
    "LOOKS": "is are appears appear",
    # what opens a sentence
    "SO": "so therefore thus hence overall finally consequently accordingly ultimately as_a_result"
    " in_conclusion in_summary to_conclude to_summarize in_short to_sum_up all_in_all taken_together"
    " in_the_end conclusion summary impression assessment"
    " interpretation however it_follows_that it_can_be_concluded_that actually wait sorry correction edit"
    " i_mean well okay ok alright",
    "FROM": "based_on given considering from after upon looking_at according_to in on reviewing"
    " after_reviewing after_examining",
    "THESE": "the this these my our a above visual careful closer second further image step_by_step",
    "VIEW": "analysis observation observations findings assessment evaluation interpretation review"
    " examination appearance reasoning steps evidence information look inspection explanation rationale"
    " justification reason",
    # explicit answers
    "MY": "a the my our your final overall short direct correct best simple brief clear definite",
    "ANSWER": "answer ans option choice verdict conclusion response judgement judgment decision result reply"
    " determination prediction output assistant",
    "SO_MUCH": ": - =",
    "IS": "is : - = would_be should_be must_be remains",
    "CHOICE": "yes_or_no yes_no",
    "WILL": "would will must can should have_to",
    "SAY": "say answer respond conclude reply",
    "YES_OR_NO": "yes no",
    "CLAUSE": "there it i the this that we based_on because since as due_to given in",
}
"""List -> its words; _ joins the words of a phrase. A hyphen inside a word of a text counts as a space."""

OTHERS = (
    "pleural effusion, pericardial effusion, effusion, pneumothorax, hydropneumothorax, pneumomediastinum, pneumonia, "
    "consolidation, airspace consolidation, infiltrate, infiltration, atelectasis, lung collapse, nodule, mass, "
    "mass effect, lung nodule, lung mass, lung lesion, bone lesion, granuloma, calcification, cavity, cavitation, "
    "cyst, bulla, emphysema, copd, hyperinflation, fibrosis, pulmonary fibrosis, scarring, pleural thickening, edema, "
    "pulmonary edema, vascular congestion, pulmonary congestion, congestion, cardiomegaly, heart failure, "
    "aortic enlargement, aortic calcification, hilar enlargement, lymphadenopathy, hernia, hiatal hernia, fracture, "
    "rib fracture, clavicle fracture, scoliosis, degenerative change, pacemaker, catheter, tuberculosis, tumor, "
    "lung cancer, malignancy, interstitial lung disease, mediastinal shift, mediastinal widening, tracheal deviation, "
    "free air, foreign body, fluid, pleural fluid, acute abnormality, acute cardiopulmonary abnormality, "
    "acute process, "
    "acute cardiopulmonary process, acute cardiopulmonary disease, acute disease"
)
"""Findings that a sentence may name beside the one that was asked about."""

RULES = {
    "PICTURE": "A? GIVEN* IMAGE+ ( GIVEN | shown | itself )? ( of the chest )?",
    "BOTH_LUNGS": "( the? LUNGS | ( either | both ) LUNG )",
    "WHOLE": "( in | on | within ) ( PICTURE | BOTH_LUNGS ) | here | anywhere | at_all | at_this_time | currently",
    "PLACE": "WHOLE | AT AREA ( AND AREA )? | on A? SIDE | bilaterally",
    "AREA": "A? SIDE* ( REGION | ANATOMY )+",
    "OPEN": "( ( SO | FROM ( PICTURE | THESE* VIEW ( of PICTURE | above )? ) | VIEW :"
    " | THESE* VIEW ( confirm | confirms | show | shows ) that | it BE SO? MY+ ( ANSWER | VIEW ) that ) ( , | : )* )*",
    # an affirmation
    "QUALITY": "( HOW | LOOK | SIDE REGION? ) TO?",
    "ITEM": "A? QUALITY* AFFIRMED",
    "ITEMS": "A? QUALITY* ( SIGN of )? ITEM ( ( , ITEM )* ,? AND ITEM )? PLACE*",
    "ITEMS_ALONE": "OPEN ( MY* ( impression | conclusion | diagnosis ) | ORGANS ) : ITEMS BREAK*",
    "MEANING": "( indicating | confirming | consistent_with | representing ) ITEM",
    "YES": "there BE ADVERB? ITEMS ( ADVERB? SEEN )? PLACE*"
    " | ( PICTURE | the? patient | AREA ) ADVERB? SHOWS ADVERB? ITEMS"
    " | ( i | we ) can? ADVERB? SEE ITEMS"
    " | ITEMS ( BE ADVERB? )? SEEN PLACE* ( , MEANING )?"
    " | ITEMS SO_MUCH+ ( yes | ADVERB? SEEN | positive )"
    " | yes ( for | to ) ITEMS"
    " | ITEMS FILLS AREA"
    " | ITEMS BE ADVERB? ( confirmed | in_place | in_situ ) PLACE*"
    " | ( PICTURE BE )? positive for ITEMS",
    # a denial
    "DENIED": "( ANY | LOOK )* FINDING | ( ANY | LOOK | focal )* ASIDE",
    "LIST": "LOOK* ( SIGNAL FOR )? DENIED ( ( , DENIED )* ,? OR ( SIGNAL FOR )? DENIED )? WHOLE*",
    "NO": "there ( BE ADVERB? no | ISNT ANY? | BE not ANY? ) LIST SEEN? WHOLE*"
    " | no LIST ( BEEN? ADVERB? SEEN )? WHOLE*"
    " | ( PICTURE | the? patient | BOTH_LUNGS ) ( ADVERB? DONT ADVERB? SHOW ANY? | ADVERB? SHOWS no ) LIST"
    " | ( i | we ) ( DONT SEE ANY? | SEE no ) LIST"
    " | the? ( SIGNAL FOR )? DENIED WHOLE* ( BEEN? NOT SEEN | BE absent ) WHOLE*"
    " | ( ( PICTURE | BOTH_LUNGS ( AND ORGANS )? ) BE )? ( negative for | free of | clear of | without )"
    " ANY? LIST"
    " | neither DENIED ( nor DENIED )? BEEN SEEN WHOLE*"
    " | neither LUNG SHOWS ANY? LIST"
    " | there BE neither DENIED"
    " | there DONT appear to be ANY? LIST"
    " | DENIED WHOLE* SO_MUCH+ ( no | absent | none | negative | NOT SEEN )"
    " | no ( for | to ) DENIED WHOLE*",
    "ORGANS": "A? SIDE* ANATOMY ( AND A? SIDE* ANATOMY )*",
    "NORMALLY": "ORGANS ( LOOKS ADVERB? | : ) NORMAL",
    # a sentence of clauses: an affirmation after a denial needs a "but", since "no effusion, mass seen" denies both
    "SAID": "( ( YES | NORMALLY ) ( , | AND )* )* ( ( NO | NORMALLY ) ( , | AND )* )*",
    "STATEMENT": "( ORGANS : )? OPEN ( ( DECLARED | SAYING ) OPEN )? SAID ( ,? BUT ,? SAID )* BREAK*",
    "IT_IS": "OPEN ( it | this | they ) BE ADVERB? SEEN WHOLE* BREAK*",
    "IT_IS_NOT": "OPEN ( ( it | this | they ) BEEN? NOT SEEN | ( it | this ) BE absent | there BE? NOT"
    " | there BE none | none BE SEEN ) WHOLE* BREAK*",
    "INDEED": "( ( there | it ) BE | ( it | i ) ( does | do ) | ADVERB | HOW+ | ( PLACE | SIDE REGION? )+ )"
    " WHOLE* BREAK*",
    "INDEED_NOT": "( ( there | it )? BE? NOT | ( it | i ) DONT | i DONT SEE ( ANY | it ) ) at_all? WHOLE* BREAK*",
    "DENIALS": "OPEN ( ( NO | NORMALLY ) ( , | AND )* )* BREAK*",
    "NORMAL_STUDY": "OPEN ( A? NORMAL PICTURE | ( PICTURE | this | it ) LOOKS ADVERB? A? NORMAL PICTURE?"
    " | ( there BE )? no ( abnormality | abnormalities ) ( BEEN SEEN )? WHOLE* ) BREAK*",
    # an explicit answer, and what may follow it
    "DECLARED": "( here BE )? ( MY* ( ANSWER | VIEW ) | in answer | to answer ) ( to? MY* ( question | query )"
    " | ( for | about | regarding ) ( SIGN of )? A? FINDING WHOLE* | with? CHOICE )*"
    " ( IS | would SO be )+ | answering directly? IS+",
    "LABELLED": "( presence of | SIGN of )? A? FINDING WHOLE* SEEN? CHOICE? ( : | - | = )+",
    "SAYING": "( i | we ) WILL? SAY ( that | with )? ( DECLARED )? ( , | : )*",
    "HEAD": "( DECLARED ( SO | DECLARED )* A? MY* | SAYING | LABELLED | ( CHOICE | BE? SEEN ) : )?",
    "END": "WHOLE* ( BREAK | CLAUSE | BUT | $ )",
    "DECIDES": "OPEN HEAD YES_OR_NO",
    "CONCLUDES": ".* ( BREAK | and ) SO ,? HEAD YES_OR_NO | .* and DECLARED YES_OR_NO"
    " | SO? ,? ( since | because | as | FROM ) .* , ( DECLARED | SAYING )+ YES_OR_NO",
    "BARE": "( OPEN | .* ( BREAK | and ) SO ,? ) YES_OR_NO",
    "SENTENCE": "DECIDES BREAK*",
    "LABEL": "OPEN | DECLARED | LABELLED | OPEN YES_OR_NO : | ORGANS :",
    "LEAD": "OPEN SAID",
    "IDENTITY": ".+ BE A .? .? .? FINDING PLACE* BREAK*",
    "OPENS_YES": "OPEN yes",
    "NO_ALONE": "OPEN no BREAK* $",
    "OTHER_ALONE": "ASIDE BREAK*",
    "MARK": "BREAK",
    "JOINT": "BREAK | AND | BUT | because | since",
    "CONCLUSION": "SO",
}

TERMS = ("FINDING", "PART", "LONGER", "OTHER", "HEAD_NOUN")
"""What a sentence may name: LONGER is another finding whose name begins with ours ("mass effect" of "mass"), HEAD_NOUN
the last word of ours ("effusion" of "pleural effusion")."""

UNREAD = "?"
"""The letter of a word or mark that stands in no list."""


def tokens(sentence: str, finding: str | None) -> list[tuple[str, int]]:
    """A sentence, in small letters, as one letter and its place for every word, phrase or mark.

    >>> [place for _, place in tokens("no pleural effusion.", "pleural effusion")]  # the name is one token
    [0, 3, 19]
    """
    known = _letters()
    matches = _reader(finding or "").finditer(sentence)
    return [(known[m.lastgroup] if m.lastgroup else known.get(m[0], UNREAD), m.start()) for m in matches]


def letter(word: str) -> str:
    """The letter of a word, phrase, mark or term.

    >>> tokens("no mass", "mass") == [(letter("no"), 0), (letter("FINDING"), 3)]
    True
    """
    return _letters()[word]


@cache
def rule(name: str, *, affirming: bool = False, before: str | None = None) -> re.Pattern[str]:
    """The pattern of a rule over letters.

    affirming  FINDING stands where something is affirmed and nowhere in a denial; else the other way round
    before     the rule that what follows must begin with

    >>> letters = "".join(word for word, _ in tokens("there is no mass.", "mass"))
    >>> [rule("STATEMENT", affirming=each).fullmatch(letters) is not None for each in (True, False)]
    [False, True]
    """
    finding, part, longer, other, _ = map(letter, TERMS)
    aside = f"[{part}{longer}{other}]"
    nouns = {"FINDING": finding, "AFFIRMED": aside, "ASIDE": aside}
    if affirming:
        nouns = {
            "FINDING": "(?!)",
            "AFFIRMED": f"[{finding}{part}{longer}{other}]",
            "ASIDE": f"[{longer}{other}]",
        }
    follows = f"(?={_pattern(RULES[before], nouns)})" if before else ""
    return re.compile(f"(?:{_pattern(RULES[name], nouns)}){follows}")


def _pattern(rule_text: str, nouns: Mapping[str, str]) -> str:
    pieces = []
    for symbol in rule_text.split():
        name = symbol.rstrip("?*+") or symbol
        times = symbol.removeprefix(name)
        if name == "(":
            pieces.append("(?:")
        elif name in (")", "|", "$", "."):
            pieces.append(name + times)
        elif name in nouns:
            pieces.append(nouns[name] + times)
        elif name in RULES:
            pieces.append(f"(?:{_pattern(RULES[name], nouns)}){times}")
        else:
            words = WORDS[name].split() if name in WORDS else [name]
            pieces.append(f"[{''.join(letter(word.replace('_', ' ')) for word in words)}]{times}")
    return "".join(pieces)


@cache
def _letters() -> dict[str, str]:
    """Word, phrase, mark or term -> a letter of its own."""
    symbols = " ".join([*WORDS.values(), *RULES.values()]).split()
    words = [symbol.rstrip("?*+").replace("_", " ") for symbol in symbols if not symbol.isupper()]
    return {word: chr(0xE000 + number) for number, word in enumerate(dict.fromkeys([*TERMS, *words]))}


@lru_cache(maxsize=512)
def _reader(finding: str) -> re.Pattern[str]:
    """Cuts a sentence into names, phrases, words and marks; for a question in free words no finding has a name."""
    whole, parts = names_of(finding)
    others = [
        other for other in OTHERS.split(", ") if whole and not any(_overlap(other, name) for name in whole)
    ]
    longer = [other for other in others if any(other.startswith(f"{name} ") for name in (*whole, *parts))]
    heads = {name.split()[-1] for name in (*whole[:1], *parts[:2])}
    named = {"LONGER": longer, "FINDING": whole, "PART": parts, "OTHER": others}
    groups = "|".join(f"(?P<{term}>{name_pattern(names)})" for term, names in named.items())
    phrases = sorted((re.escape(word) for word in _letters() if " " in word), key=len, reverse=True)
    return re.compile(
        rf"\b(?:{groups}|{'|'.join(phrases)}|(?P<HEAD_NOUN>{name_pattern(heads)}))\b|[\w']+|[^\w\s]"
    )


def _overlap(other: str, name: str) -> bool:
    """Whether another finding is the same, its last words, or a kind of it that the rules read as such."""
    kind = other.removesuffix(name).strip()
    return f" {name}".endswith(f" {other}") or (kind != other and kind in WORDS["HOW"].split())
