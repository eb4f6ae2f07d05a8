"""Four answers -> verdict: is a right answer caused by the annotated region?

Source: paper, sections 3.2 and B.2.

| original | foreground edit | background edit | background edit, "No abnormality" | verdict               |
|----------|-----------------|-----------------|-----------------------------------|-----------------------|
| wrong    |                 |                 |                                   | incorrect             |
| right    | same            |                 |                                   | did not flip          |
| right    | flipped         | flipped         |                                   | background mattered   |
| right    | flipped         | same            | flipped                           | background mattered   |
| right    | flipped         | same            | same                              | grounded              |

The first unreadable answer met on this way ends it with `UNREADABLE_ANSWER`; nothing is guessed.
"""

from __future__ import annotations

from enum import StrEnum

from medground_bench.core.types import Answer, Answers, Group, Reason, Verdict


class Edit(StrEnum):
    """The three edits of a picture; the values are the field names of `Answers`.

    >>> [edit.value for edit in Edit]
    ['foreground', 'background', 'background_normal']
    """

    FOREGROUND = "foreground"
    BACKGROUND = "background"
    BACKGROUND_NORMAL = "background_normal"


GROUNDED = Verdict(Group.GROUNDED, None)


def decide(answers: Answers) -> Verdict:
    """The verdict of one question for one LVLM and mode; ValueError while an edit is still to be asked.

    >>> yes, no = Answer.YES, Answer.NO
    >>> decide(Answers(expected=yes, original=yes, foreground=no, background=yes, background_normal=yes)).group.value
    'grounded'
    >>> decide(Answers(expected=yes, original=yes, foreground=Answer.UNREADABLE)).reason.value
    'UNREADABLE_ANSWER'
    """
    outcome = _walk(answers)
    if isinstance(outcome, Edit):
        raise ValueError(f"no verdict yet: the answer to the {outcome} edit is missing (ask next_edit first)")
    return outcome


def next_edit(answers: Answers) -> Edit | None:
    """The edit whose answer is needed next, None once the verdict is settled: no edit is made in vain.

    >>> next_edit(Answers(expected=Answer.YES, original=Answer.YES)).value
    'foreground'
    >>> next_edit(Answers(expected=Answer.YES, original=Answer.NO)) is None  # wrong, so nothing is edited
    True
    """
    outcome = _walk(answers)
    return outcome if isinstance(outcome, Edit) else None


def _walk(answers: Answers) -> Verdict | Edit:
    if answers.expected is Answer.UNREADABLE:
        raise ValueError("the expected answer of a question is yes or no")
    if answers.original is Answer.UNREADABLE:
        return Verdict(Group.INCORRECT, Reason.UNREADABLE_ANSWER)
    if answers.original is not answers.expected:
        return Verdict(Group.INCORRECT, Reason.ANSWER_WRONG)
    flipped = Answer.NO if answers.expected is Answer.YES else Answer.YES
    for edit, wanted, reason in (
        (Edit.FOREGROUND, flipped, Reason.ANSWER_DID_NOT_FLIP),
        (Edit.BACKGROUND, answers.expected, Reason.BACKGROUND_MATTERED),
        (Edit.BACKGROUND_NORMAL, answers.expected, Reason.BACKGROUND_MATTERED),
    ):
        answer: Answer | None = getattr(answers, edit.value)
        if answer is None:
            return edit
        if answer is not wanted:
            unreadable = answer is Answer.UNREADABLE
            return Verdict(Group.UNGROUNDED, Reason.UNREADABLE_ANSWER if unreadable else reason)
    return GROUNDED
