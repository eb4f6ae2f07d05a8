"""What a response is read as, sentence by sentence."""

from __future__ import annotations

import pytest

from medground_bench.core.answers import Why, read, read_answer
from medground_bench.core.types import Answer

FINDING = "pleural effusion"

YES = [
    "Yes, there is evidence of pleural effusion.",
    "Yes there is evidence of a pleural effusion.",
    "Yes - the left pleural effusion is large.",
    'Therefore, the answer to the question "Is there evidence of pleural effusion in the image?" is **yes**.',
    "Based on the image, yes, there is a pleural effusion.",
    "Is there evidence of pleural effusion in the image? Yes.",
    "There is no pneumothorax, so the answer is yes.",
    "yes",
    "Yes",
    "YES",
    "Yes.",
    "Yes\n",
    "**Yes**",
    " * Yes *",
    "`yes`",
    '"Yes."',
    "Yes, there is evidence of effusion. There is no pneumothorax.",
    "Answer: Yes",
    "**Answer:** Yes",
    "Final answer: **yes**.",
    "**Final Answer**\n\nYes",
    "# Answer\nYes",
    "The final answer is: $\\boxed{\\text{Yes}}$",
    "\\boxed{yes}",
    "1. The left angle is blunted.\n2. Fluid tracks up.\n\nTherefore, the answer is **yes**.",
    "The heart is wide. Therefore, yes.",
    "No abnormality of the heart. The left angle is blunted.\n\nYes",
    "No pneumothorax. The answer to the question is yes",
    "First I thought the answer is no. On a closer look, the answer is yes.",
    "If the angle is blunted, the answer is yes; if sharp, no. It is blunted. Answer: yes",
    "I would say yes.",
    "The angle is not sharp, so the answer is yes.",
    "<think>There is none, so the answer is no.</think>Yes",
    "<unused94>thought\nIt could be no.<unused95>Yes",
    "no, that is the chain</think>\n\nYes.",
    "Yes or no? Yes.",
    "Yes<end_of_turn>",
]

NO = [
    "Is there evidence of pleural effusion in the image?\nNo",
    "no",
    "No.\n",
    "NO",
    "__No__",
    "> No",
    "No. There is no evidence of effusion.",
    "No, there is no evidence of effusion in the image.",
    "No there is not.",
    "Answer: no",
    "answer - No",
    "The answer is no.",
    "The answer is 'no'.",
    "There is evidence of rotation only, so my answer is no.",
    "The lungs are clear. The heart is normal.\n\n**No**",
    "Step 1: the lungs are clear.\nStep 2: so, no.",
    "<think>yes yes yes</think>\n\nNo.",
    "No, I cannot see any effusion.",
    "The answer is no (there is no fluid).",
]

UNREADABLE = [
    "It isn't clear if this is new; therefore the answer is yes.",
    "There is no pleural effusion, so the answer is yes.",
    "",
    "   \n ",
    "...",
    "I'm not sure.",
    "Not sure.",
    "I cannot determine this from the image.",
    "I'm sorry, I can't help with medical images.",
    "As an AI, I am unable to provide a diagnosis. There is no evidence of a licence here.",
    "No, I cannot determine that.",
    "It could be yes or no.",
    "Yes and no.",
    "Yes/No",
    "The answer is yes or no.",
    "I cannot say yes or no.",
    "Yes. On reflection: no. No.",
    "No.\nYes.",
    "The answer isn't yes",
    "If there is blunting, the answer is yes.",
    "I do not think the answer is yes.",
    "I couldn't tell whether the answer is yes.",
    "The lungs are clear. The heart is",
    "Step 1: look at the heart. Step 2: measure its",
    "Therefore, the answer is",
    "<think>The answer is yes",
    "<unused94>thought\nThe answer is yes.",
    "Yes <think> wait",
    "There may be evidence of effusion.",
    "The image appears to show evidence of effusion.",
    "Is there evidence of mass in the image?",
    "No doubt the heart is large in this",
    "Nothing",
    "Yes. Actually, no.",
    "No. Wait, yes.",
    "No, wait: yes.",
    "Yes. Sorry, I mean no.",
    "Yes. On second thought, there is nothing. No, nothing.",
    "Yes. Actually, the answer is no.",
    "The answer is yes. Actually, no.",
    "Correction needed",
    "Yesterday's film is normal",
    "Notable cardiomegaly",
    "The image is a chest X-ray.",
    "\ud800",
]


STATED_YES = [
    (
        "cardiomegaly",
        "The heart is enlarged, consistent with cardiomegaly. There is no evidence of pneumothorax.",
    ),
    ("cardiomegaly", "The cardiac silhouette is enlarged. There is no evidence of pleural effusion."),
    ("cardiomegaly", "There is cardiomegaly. There is no effusion."),
    ("effusion", "there is evidence of effusion and no evidence of pneumothorax."),
    ("nodule", "There is no evidence of mass, but there is evidence of nodules."),
    ("Nodule/Mass", "There is a nodule."),
    ("rib fracture", "There are fractures of the ribs."),
    ("elevated hemidiaphragm", "The left hemidiaphragm is elevated."),
    ("pleural effusion", "There is evidence of pleural effusion."),
    ("pleural effusion", "There are bilateral pleural effusions."),
    ("mass", "There is clear evidence of a mass in the left lung."),
    ("mass", "The lungs are clear on the right. There is a mass in the left lung."),
    ("edema", "The image shows signs of edema."),
    ("Nodule/Mass", "There is evidence of a nodule / mass."),
    ("Lung Opacity", "Lung opacities are seen in both bases."),
    ("mass", "I looked for a mass. It is clearly visible."),
    ("mass", "It is present."),
]

STATED_NO = [
    ("mass", "There is no evidence of mass, but there is evidence of nodules."),
    ("Nodule/Mass", "There is no evidence of nodules or masses."),
    ("cardiomegaly", "The heart is not enlarged."),
    ("oedema", "There is no edema."),
    ("pneumothorax", "There is no evidence of pneumothorax."),
    ("Pneumothorax", "No evidence of pneumothorax."),
    ("pneumothorax", "There is evidence of effusion. There is no pneumothorax."),
    ("effusion", "No effusion is seen."),
    ("pleural effusion", "No pleural effusions are seen."),
    ("pleural effusion", "There is no evidence of a pleural-effusion."),
    ("mass", "The image does not show evidence of a mass."),
    ("mass", "There is no evidence of any masses in the image."),
    ("mass", "There is no evidence of effusion, pneumothorax, or mass."),
    ("effusion", "There is no evidence of effusion, pneumothorax, or mass."),
    ("mass", "The image doesn\N{RIGHT SINGLE QUOTATION MARK}t show a mass."),
    ("effusion", "Effusion is not present."),
    ("mass", "In conclusion, the image does not provide clear evidence of a mass."),
    ("mass", "There isn't a mass."),
    ("effusion", "The costophrenic angles are sharp. Therefore, there is no evidence of effusion."),
    ("effusion", "There is evidence of an old fracture. Therefore, there is no evidence of effusion."),
    ("mass", "The lungs are clear without evidence of mass."),
    ("mass", "It is not present."),
    ("mass", "A mass would be a round opacity. None is seen in the lungs."),
]

SAYS_NOTHING_PLAIN = [
    ("Nodule/Mass", "There is no mass."),
    ("pleural effusion", "There is no effusion."),
    ("effusion", "There is no pericardial effusion."),
    ("effusion", "Pericardial effusion is not present."),
    ("mass", "There is no mass effect."),
    ("mass", "There is no mass in the left lung."),
    ("mass", "There is no large mass."),
    ("mass", "There is evidence of effusion or mass."),
    ("mass", "I do not think there is evidence of mass."),
    ("mass", "It is not true that there is no mass."),
    ("mass", "There is no effusion, mass is seen."),
    ("mass", "The absence of a mass is evident."),
    ("mass", "There is a mass. The heart is normal. It is not seen."),
    ("mass", "There is effusion. It is not present."),
    ("mass", "Yes, there is no mass."),
    ("mass", "Yes. There is no evidence of mass."),
    ("mass", "No, there is a mass."),
    ("mass", "If the opacity is round, there is evidence of mass."),
    ("mass", "There is no mass, yet a mass is seen."),
]


@pytest.mark.parametrize("response", YES)
def test_read_as_yes(response):
    assert read_answer(response, FINDING) is Answer.YES


@pytest.mark.parametrize("response", NO)
def test_read_as_no(response):
    assert read_answer(response, FINDING) is Answer.NO


@pytest.mark.parametrize("response", UNREADABLE)
def test_never_guessed(response):
    assert read_answer(response, FINDING) is Answer.UNREADABLE


@pytest.mark.parametrize(
    ("finding", "response", "answer"),
    [(*row, Answer.YES) for row in STATED_YES]
    + [(*row, Answer.NO) for row in STATED_NO]
    + [(*row, Answer.UNREADABLE) for row in SAYS_NOTHING_PLAIN],
)
def test_a_plain_statement_counts_only_for_the_finding_it_names(finding, response, answer):
    assert read_answer(response, finding) is answer
    assert read_answer(response.upper(), finding.upper()) is answer


@pytest.mark.parametrize(("finding", "response"), STATED_YES + STATED_NO)
def test_the_same_statement_says_nothing_of_another_finding_nor_without_one(finding, response):
    if not response.casefold().endswith(("it is present.", "it is not present.")):
        assert read_answer(response, "hernia") is Answer.UNREADABLE
    assert read_answer(response, None) is Answer.UNREADABLE


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("Yes", Answer.YES),
        ("No, the lungs are clear.", Answer.NO),
        ("**Answer:** Yes", Answer.YES),
        ("Is there evidence of mass in the image? No.", Answer.NO),
        ("<think>The answer is yes.</think>No", Answer.NO),
        ("Yes. Actually, no.", Answer.UNREADABLE),
        ("There is no mass.", Answer.UNREADABLE),
        ("Possibly yes.", Answer.UNREADABLE),
    ],
)
def test_on_a_question_in_free_words_explicit_answers_alone_are_read(response, answer):
    assert read_answer(response, None) is answer


def test_an_explicit_answer_and_a_statement_may_only_agree():
    assert read_answer("No. There is no evidence of mass.", "mass") is Answer.NO
    assert read_answer("Yes. There is no evidence of effusion.", "mass") is Answer.YES
    assert (
        read_answer("Yes, there is a mass. There is no mass in the right lung.", "mass") is Answer.UNREADABLE
    )


def test_a_correction_that_comes_to_the_same_answer_takes_nothing_back():
    assert read_answer("Yes. Wait, let me check. Actually, yes.", FINDING) is Answer.YES
    assert read_answer("No, there is actually no effusion.", FINDING) is Answer.NO
    assert read_answer("Yes. Actually, no pneumothorax is seen.", FINDING) is Answer.YES


@pytest.mark.parametrize("response", [*YES, *NO, *UNREADABLE])
def test_capitals_and_bold_change_nothing(response):
    marks = ("<think>", "<unused94>", "<unused95>", "</think>", "\\boxed", "\\text")
    plain = read_answer(response, FINDING)
    if not any(mark in response for mark in marks):
        assert read_answer(response.upper(), FINDING) is plain
    assert read_answer(f"**{response}**", FINDING) is plain


@pytest.mark.parametrize(
    ("response", "why"),
    [
        ("Yes.", Why.EXPLICIT),
        ("There is a pleural effusion.", Why.STATEMENT),
        ("", Why.EMPTY),
        ("...", Why.EMPTY),
        ("<think>yes", Why.HIDDEN),
        ("\u6ca1\u6709\u80f8\u8154\u79ef\u6db2\u3002\u7b54\u6848\uff1aNo", Why.OTHER_LANGUAGE),
        ("No hay evidencia de derrame pleural.", Why.OTHER_LANGUAGE),
        ("Non, il n'y a pas d'\u00e9panchement pleural.", Why.OTHER_LANGUAGE),
        ("Nein.", Why.OTHER_LANGUAGE),
        ("Yes. There is no pleural effusion.", Why.CONTRADICTION),
        ("No, I cannot tell.", Why.WITHDRAWN),
        ("Yes, possibly.", Why.WITHDRAWN),
        ("The heart is large.", Why.NOTHING_PLAIN),
        ("Yes. " * 200, Why.TOO_LONG),
        ("word " * 5000 + "Yes.", Why.TOO_LONG),
    ],
)
def test_why_a_response_was_read_so_is_named(response, why):
    reading = read(response, FINDING)
    assert reading.why is why
    assert (reading.answer is Answer.UNREADABLE) is (why not in (Why.EXPLICIT, Why.STATEMENT))
