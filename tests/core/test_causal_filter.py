"""The causal filter's truth table, its laziness, and the law that the one follows the other."""

from __future__ import annotations

from itertools import product

import pytest

from medground_bench.core.causal_filter import Edit, decide, next_edit
from medground_bench.core.types import Answer, Answers, Group, Reason, Verdict

WORDS = {"yes": Answer.YES, "no": Answer.NO, "?": Answer.UNREADABLE, "-": None}


def answers(text: str, expected: Answer = Answer.YES) -> Answers:
    return Answers(expected, *(WORDS[word] for word in text.split()))


TABLE = [
    ("yes no  yes yes", Group.GROUNDED, None),
    ("no  -   -   -  ", Group.INCORRECT, Reason.ANSWER_WRONG),
    ("yes yes yes yes", Group.UNGROUNDED, Reason.ANSWER_DID_NOT_FLIP),
    ("yes yes -   -  ", Group.UNGROUNDED, Reason.ANSWER_DID_NOT_FLIP),
    ("yes no  no  yes", Group.UNGROUNDED, Reason.BACKGROUND_MATTERED),
    ("yes no  no  -  ", Group.UNGROUNDED, Reason.BACKGROUND_MATTERED),
    ("yes no  yes no ", Group.UNGROUNDED, Reason.BACKGROUND_MATTERED),
    ("?   -   -   -  ", Group.INCORRECT, Reason.UNREADABLE_ANSWER),
    ("yes ?   yes yes", Group.UNGROUNDED, Reason.UNREADABLE_ANSWER),
    ("yes no  ?   yes", Group.UNGROUNDED, Reason.UNREADABLE_ANSWER),
    ("yes no  yes ?  ", Group.UNGROUNDED, Reason.UNREADABLE_ANSWER),
]


@pytest.mark.parametrize(("row", "group", "reason"), TABLE)
def test_the_causal_filter_truth_table(row, group, reason):
    assert decide(answers(row)) == Verdict(group, reason)


@pytest.mark.parametrize(("row", "group", "reason"), TABLE)
def test_a_question_whose_answer_is_no_follows_the_mirrored_table(row, group, reason):
    mirrored = " ".join({"yes": "no", "no": "yes"}.get(word, word) for word in row.split())
    assert decide(answers(mirrored, expected=Answer.NO)) == Verdict(group, reason)


@pytest.mark.parametrize(
    ("row", "edit"),
    [
        ("no  -  -   -  ", None),
        ("?   -  -   -  ", None),
        ("yes -  -   -  ", Edit.FOREGROUND),
        ("yes yes -  -  ", None),
        ("yes ?  -   -  ", None),
        ("yes no -   -  ", Edit.BACKGROUND),
        ("yes no no  -  ", None),
        ("yes no yes -  ", Edit.BACKGROUND_NORMAL),
        ("yes no yes yes", None),
    ],
)
def test_no_edit_is_asked_for_in_vain(row, edit):
    assert next_edit(answers(row)) is edit


@pytest.mark.parametrize("row", ["yes - - -", "yes no - -", "yes no yes -"])
def test_a_verdict_is_refused_while_an_answer_is_missing(row):
    with pytest.raises(ValueError, match="edit is missing"):
        decide(answers(row))


def test_an_expected_answer_is_yes_or_no():
    with pytest.raises(ValueError, match="yes or no"):
        decide(answers("yes no yes yes", expected=Answer.UNREADABLE))


def test_asking_lazily_gives_the_verdict_of_asking_everything():
    for full in product(("yes", "no", "?"), repeat=4):
        known = [full[0], "-", "-", "-"]
        while edit := next_edit(answers(" ".join(known))):
            place = 1 + list(Edit).index(edit)
            known[place] = full[place]
        assert decide(answers(" ".join(known))) == decide(answers(" ".join(full)))


def test_every_edit_is_a_field_of_the_answers():
    assert [edit.value for edit in Edit] == list(Answers.__dataclass_fields__)[2:]
