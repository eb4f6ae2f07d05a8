"""Words that take an explicit answer back or let it stand, and sentences that close a response without touching it.

They are asked only of what stands beside an explicit answer in words that the grammar did not read; none of them
decides. In a list, _ joins the words of a phrase and a star stands for any ending.
"""

from __future__ import annotations

import re


def _any_of(listed: str) -> str:
    words = "|".join(listed.split()).replace("_", " ").replace("*", r"\w*")
    return rf"\b(?:{words})(?!\w)"


def _after(first: str, then: str) -> str:
    """One of the first words with one of the others anywhere after it."""
    return f"{_any_of(first)}.*{_any_of(then)}"


def _opening(listed: str) -> str:
    return rf"^\W*{_any_of(listed)}"


def _compiled(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


CONDITION = _compiled(
    _any_of(
        "if unless whether when once until otherwise assum* suppos* imagin* depend* provided_that in_case"
        " as_long_as so_long_as on_condition in_which_case"
    )
)
HEDGE = _compiled(
    _any_of(
        "possib* perhaps maybe may might could probabl* likely unlikely uncertain* unclear unsure guess"
        " equivocal questionable suspect* suspicio* doubt* borderline indeterminate inconclusive presum*"
        " not_sure not_*_sure not_certain not_*_certain not_clear not_*_clear not_definitive not_confident"
        " not_*_confident cannot_be_excluded cannot_be_*_excluded cannot_be_ruled_out cannot_be_*_ruled_out"
    )
)
CONTRAST = _compiled(
    _any_of(
        "but however although though except yet nevertheless nonetheless only rather instead unlike"
        " other_than apart_from aside_from"
    )
)
PAST = _compiled(
    _any_of(
        "previous* prior earlier former* histor* resolv* removed treated used_to no_longer last old ago"
        " yesterday past before compar*"
    )
)
WAS = _compiled(_any_of("was were had"))
CORRECTION = _compiled(
    _any_of(
        "wait sorry mistake* mistaken wrong incorrect false untrue correction correct_that correct_this"
        " correct_myself scratch strike disregard* in_error withdraw* ignore retract* reconsider* i_mean"
        " in_fact on_second on_reflection upon_reflection closer_look second_look closer_inspection"
        " second_inspection on_the_other_hand just_kidding meaning means stands_for in_other_words"
        " that_is_to_say another_patient other_patient another_film other_film another_image"
        " different_patient wrong_film"
    ),
    r"^answers? to\b",
    r"\b(?:confidence|probability|certainty)\s*:\s*(?:0?\.[0-4]\d*|0(?![.\d])|[0-4]?\d\s?%|low)",
)
INABILITY = _compiled(
    _any_of("cannot can't can_not could_not couldn't unable not_able impossible not_possible difficult hard")
    + r"(?! see (?:any|an?|evidence|signs)\b).*"
    + _any_of(
        "see view tell say determine assess evaluate interpret analy* process access open read identify"
        " examine confirm exclude excluded rule ruled answer diagnose provide give make help assist"
    ),
    _after("outside beyond not_within", "i my"),
    _after(
        "not_allowed not_permitted not_enough not_without",
        "do going go say tell picture image",
    ),
    _after("nothing cannot can't not", "concluded determined told assessed judged"),
    _after(
        "not_given no_access do_not_have don't_have not_provided not_qualified not_looked not_seen not_see",
        "image picture x_ray film say",
    ),
    _after("insufficient not_enough", "information data detail details resolution quality view views"),
    _after(
        "will_not won't refuse* decline* do_not don't",
        "interpret analy* diagnose answer comment provide give advise",
    ),
    _after("i_can", "help assist try look analy* provide describe"),
)
POOR = _compiled(
    _after(
        "quality resolution exposure penetration contrast inspiration positioning rotation",
        "poor low limit* bad suboptimal insufficient inadequate degraded",
    ),
    _after(
        "poor low limited bad suboptimal insufficient inadequate",
        "quality resolution exposure penetration contrast inspiration",
    ),
    _any_of(
        "placeholder not_loaded blurr* too_dark too_bright too_small too_noisy too_grainy too_light"
        " overexposed underexposed over_exposed under_exposed non_diagnostic nondiagnostic cut_off blank"
        " failed_to_load not_arrive didn't_arrive not_come_through abdominal pelvic knee skull brain"
        " cropped out_of_view outside_the_* not_included"
        " not_in_view not_covered not_on_the not_in_the_image not_in_the_picture not_part_of"
    ),
)
SENDS_AGAIN = _compiled(_after("please", "upload provide share send attach"), _any_of("no_image"))
SEES_NOTHING = _compiled(_after("see view access open interpret analy* read process", "image images"))
BLIND = _compiled(
    _after("no_access not_have_access", "image images picture"),
    _any_of("guess load loads loaded refers since_i_cannot because_i_cannot whenever most_frequent_answer"),
)
"""The speaker did not see this picture."""

TALK = _compiled(
    _any_of(
        "question thank* welcome glad happy_to understand understood received uploaded attached loaded worr*"
        " problem let_me i_will i'll sir doctor need see_the_* see_your_* see_this_*"
    )
)
"""Words of a conversation about the picture, not about what it shows."""

DRAFT = _compiled(_opening("thought thoughts thinking draft scratchpad") + r"\s*:")

EXAMPLE = _compiled(_any_of("example* sample* template* second_image other_image first_image"))

SAYS_NOT = _compiled(r"^\W*(?:\w+ )?not(?: really| at all| quite| exactly)?\W*$")
"""A no in other words: "absolutely not", "not really"."""

FIELD = _compiled(r"^(?:finding|label|condition|target|disease|query)\s*:")
"""A field of a form that says what was asked about."""

STAGED = _compiled(
    r"^\W*(?:an? )?(?:example|sample|template|format)\W*$",
    _any_of("on_purpose wrong_answer training_purposes"),
    FIELD.pattern,
)
"""A sentence after which an explicit answer is none of this picture, or of another finding."""

SPEECH = _compiled(
    _any_of(
        "she he asked said says saying thought thinks claim* wrote writes reader student resident colleague"
        " report*"
    )
)

TELLS = _compiled(
    _any_of(
        "there_is there_are there_appears there_seems shows show seen visible present noted evident apparent found"
        " indicat* consistent compatible keeping evidence signs represent* confirm* reveal* demonstrat* appears appear"
        " exceeds enlarged prominent dilated widened elevated increased large small mild moderate severe massive"
        " extensive bilateral"
    ),
    rf"^(?!.*{_any_of('is are be been am has have must should will would can do does')})",
)
"""Words of which one stands in a clause that tells what is there, unless the clause has no verb."""

LOOK_ALIKE = _compiled(
    _any_of(
        "mimic* simulat* resembl* artifact* artefact* drain* evacuat* consider* looking search* none risk pericardial"
        " excluded shadow_of nipple skin_fold"
    )
)
"""What only looks like a finding, or speaks of it without having seen it."""

SIGHT = _compiled(
    _any_of(
        "image images picture x_ray xray radiograph film scan study view lung* heart cardi* mediastin* hil*"
        " hemi* diaphragm* costophren* angle angles pleura* rib ribs bone* bony spine clavicle* chest"
        " thorac* thorax hemithorax trachea* aort* carina vessel* vascula* bronch* fissure* sulc* apex"
        " apices base bases zone zones lobe lobes field fields lobar basal apical opaci* densit* dense"
        " lucen* line lines linear marking* border* margin* shadow* silhouette contour* menisc* blunt* fluid"
        " air airspace* tissue* volume ratio diameter* transvers* width size device* lead leads wire* generator tube*"
        " cortex cortical step displac* enlarg* dilat* collaps* shift* deviat* calcif* nodul* mass masses"
        " lesion* round* patch* hazy radiopaque radiolucent hyperinflat* inflat* flatten* elevat* depress*"
        " symmetric* smooth prominen* widen* infiltrat* consolidat* atelecta* effusion* edema fibros*"
        " emphysem* reticul* interstit* septal kerley haziness fracture* callus bulg* tortuous ectatic"
        " measure* knob arch structure* pattern"
    )
)
"""Words for what a chest radiograph shows."""

BEGINS = _compiled(
    _opening("let_us let's to_determine to_answer to_assess here_is okay sure step_by_step first")
)
"""A sentence that begins a chain and says nothing yet."""

LINK = re.compile(r"^\W*(?:however|that said|but|still|nevertheless|also|additionally|finally|and)\b[\s,]*")
ONE_SIDE = _compiled(_any_of("left right otherwise remaining other rest upper lower"))

VOID = (CONDITION, HEDGE, CONTRAST, PAST, CORRECTION, INABILITY, POOR)
"""After an explicit answer in its own sentence, and in any sentence after an opening statement."""

TAKES_BACK = (CONDITION, PAST, CORRECTION, INABILITY, POOR, SENDS_AGAIN, SPEECH, BLIND)
"""In any sentence after an explicit answer or an opening statement."""

FRAMES = (
    SPEECH,
    CORRECTION,
    INABILITY,
    POOR,
    _compiled(
        _any_of(
            "false untrue that_sentence this_sentence would_be_true imagin* hypothe* pretend for_example"
            " for_instance as_an_example template following_statement following_sentence would_read"
            " typical_report report_says report_reads report_states"
        )
    ),
)
"""Anywhere in a response that decides by a statement alone."""

OPENS_CONTRAST = _compiled(
    _opening("but however although though yet nevertheless nonetheless except only unless")
)

DENIAL = _compiled(
    r"\bno\b(?![.,;:!)])",
    _any_of(
        "not cannot nor none nothing without absen* lack* little insufficient zero negative free fail fails"
        " exclude excluded excludes rule_out ruled_out rules_out against never deny denies denied denying"
        " neither less_than devoid nowhere gone cleared missing"
    ),
    r"n't\b",
)
ABNORMAL = _compiled(
    r"\b(?:not|no longer|neither|never)\b(?: \w+){0,3} "
    + _any_of("normal* clear sharp intact unremarkable preserved smooth symmetric* small visible visualized")[
        2:
    ]
)
"""A denial of what is normal, which denies no finding."""

SOUND = _compiled(
    r"\b(?<!than )(?:normal|unremarkable|intact|sharp|healthy|preserved)\b",
    r"\b(?:is|are|appears?|looks?) small\b",
    r"\bratio\b\D*(?:0?\.[0-4]\d*|[1-4]\d ?%)(?!\d)",
)
"""What a part of the body is that has nothing."""

IS_NORMAL = _compiled(
    _after(
        "is are appear* look* seem* remain*",
        "normal* clear sharp unremarkable intact preserved midline smooth",
    )
)
NORMAL = _compiled(
    DENIAL.pattern,
    _any_of("normal* clear sharp unremarkable intact within preserved midline nothing smooth symmetric*"),
)
"""Tone of a sentence that says that nothing is there."""

DEFINES = _compiled(
    _any_of(
        "would typically typical_signs typical_findings usually often characterized_by criteria when defined"
        " means refers determine signs_of signs_include features_include if look_for looking_for"
    )
)
"""A sentence that says what a finding would look like."""

LABELLED_REMARK = _compiled(r"^\W*(?:important |medical )?(?:disclaimer|note|caution|warning)s?\s*:")
REMARK = _compiled(
    _opening(
        "disclaimer* important_note* important medical_disclaimer* please_note* note note_that notes caution"
        " warning reminder consult please_consult remember please_remember keep_in_mind please_keep_in_mind"
        " seek please_seek contact please_contact see_a please_see let_me_know feel_free please_feel_free"
        " be_aware thank* i_hope always it_is_important it_is_always it_is_crucial it_is_essential"
        " it_is_worth it_is_best it_is_recommended it_is_advisable i_am_an_* i'm_an_* i_am_not_a i'm_not_a"
        " i_am_just i'm_just as_an_ai as_a_* as_an_* this_is_not this_is_only this_is_for this_information"
        " this_analysis this_interpretation this_assessment this_response this_answer this_should_not if_you"
        " if_there_are if_there_is_clinical if_there_is_concern if_there_is_any_concern if_clinical*"
        " if_symptoms would_you did_you do_you is_there_anything can_i how_can_i how_may_i"
        " for_a for_an a_definitive an_accurate a_proper a_formal a_final a_full a_complete a_qualified"
        " a_board a_licensed a_trained a_medical a_radiologist a_doctor a_physician a_healthcare"
        " further_imaging further_evaluation further_test* further_investigation* further_view*"
        " clinical_correlation correlat* recommend* this_should_be ai_generated for_research* not_for*"
        " please_be_aware please_let_me_know is_there_something follow_up* hope* comparison* answered* generated*"
        " for_medical_*"
        " for_any_medical_* ask_a ask_your this_is_an_automated this_is_a_general"
    )
)
FOREIGN = frozenset({
    "hay", "el", "los", "las", "una", "que", "del", "por", "está", "sí", "são", "não", "há", "uma", "em",
    "der", "das", "ist", "kein", "keine", "nicht", "und", "ein", "eine", "ja", "nein", "le", "les", "est",
    "pas", "une", "dans", "oui", "non", "aucun", "aucune", "è", "nel", "nella", "della", "di", "che",
    "ne", "jest", "nie", "tak", "brak", "er", "ikke", "det", "og", "het", "een", "van", "geen", "niet",
    "evidencia", "imagen", "imagem", "bild", "derrame",
})  # fmt: skip
"""Small words of other languages; two of them are more than an English sentence holds."""
