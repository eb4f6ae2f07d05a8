"""The phantom's pictures drawn again: an edit keeps its side of the boxes, a cause is taken out and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from medground_bench.core.causal_filter import Edit
from medground_bench.core.causes import Counterfactual
from medground_bench.core.types import Answer, Question
from medground_bench.phantom import seeds
from medground_bench.phantom.exact_edits import edited, original, without
from medground_bench.phantom.patient import patient


def question_of(number: int) -> Question:
    image_id = str(seeds.TEST[number])
    who = patient(image_id)
    finding = next(each for each in who.findings if who.boxes(each))
    return Question("phantom", image_id, finding, Answer.YES, who.native, who.boxes(finding))


@pytest.mark.parametrize("edit", Edit)
def test_an_edit_changes_something_on_its_side_of_the_boxes_and_nothing_on_the_other(edit):
    question = question_of(1)
    picture = original(question.image_id)
    changed = edited(question, picture, edit) != picture
    within = np.zeros(picture.shape, dtype=bool)
    for x0, y0, x1, y1 in (box.xyxy for box in question.boxes):
        within[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))] = True
    side = within if edit is Edit.FOREGROUND else ~within
    assert changed[side].any() and not changed[~side].any()


def test_without_the_finding_the_patient_has_the_others_and_the_same_marker():
    question = question_of(2)
    who = patient(question.image_id)
    others = tuple(each for each in who.findings if each != question.finding)
    drawn = who.scene.native(others, marker=who.marker)
    assert np.array_equal(without(question, Counterfactual.WITHOUT_FINDING), drawn)
    bare = who.scene.native(others, marker=False)
    assert np.array_equal(without(question, Counterfactual.WITHOUT_BOTH), bare)
    whole = who.scene.native(who.findings, marker=False)
    assert np.array_equal(without(question, Counterfactual.WITHOUT_MARKER), whole)


def test_the_same_question_gives_the_same_bytes():
    question = question_of(3)
    picture = original(question.image_id)
    for edit in Edit:
        assert np.array_equal(edited(question, picture, edit), edited(question, picture, edit))
