"""The phantom's pictures drawn again: an edit keeps its side of the boxes, a cause is taken out and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from medground_bench.core.causal_filter import Edit, decide
from medground_bench.core.causes import Counterfactual
from medground_bench.core.edit_regions import inside
from medground_bench.core.types import Answer, Answers, Group, Question, Reason
from medground_bench.phantom import seeds
from medground_bench.phantom.exact_edits import FADE, another_patient, edited, original, without
from medground_bench.phantom.patient import patient
from medground_bench.probes.known_cause import marker_box


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


class BothNeeded:
    """Says yes where the finding is in the boxes and the side marker in its corner."""

    def __init__(self, question):
        self.question, who = question, patient(question.image_id)
        self.gone = who.scene.native(who.without(question.finding), marker=who.marker)
        self.letter = original(question.image_id) - who.scene.native(who.findings, marker=False).astype(float)
        self.corner = inside((marker_box(question.image_id),), self.gone)

    @staticmethod
    def differs(one, other):
        return np.abs(one.astype(int) - other)

    def says(self, picture, *, needs_marker=True):
        boxes = inside(self.question.boxes, picture)
        finding = self.differs(picture, self.gone)[boxes].max() > 5
        marker = np.corrcoef(picture[self.corner], self.letter[self.corner])[0, 1] > 0.7
        return Answer.YES if finding and (marker or not needs_marker) else Answer.NO


@pytest.fixture(scope="module")
def shortcut():
    """A question about a patient with the marker, far from the boxes."""
    for image_id in map(str, seeds.TEST[:60]):
        who = patient(image_id)
        for finding in who.findings if who.marker else ():
            question = Question("phantom", image_id, finding, Answer.YES, who.native, who.boxes(finding))
            lvlm = BothNeeded(question)
            if not (inside(question.boxes, lvlm.gone) & lvlm.corner).any():
                return question, lvlm
    raise AssertionError("a tenth of the patients have it")


@pytest.mark.parametrize("edit", [Edit.BACKGROUND, Edit.BACKGROUND_NORMAL])
def test_three_steps_turn_away_what_needs_finding_and_marker_and_two_cannot(shortcut, edit):
    question, lvlm = shortcut
    picture = original(question.image_id)
    said = {each: lvlm.says(edited(question, picture, each)) for each in Edit}
    assert lvlm.says(picture) is Answer.YES and said[Edit.FOREGROUND] is Answer.NO, "two steps retain it"
    answers = {each.value: Answer.YES for each in Edit} | {"foreground": Answer.NO}
    verdict = decide(Answers(Answer.YES, Answer.YES, **answers | {edit.value: said[edit]}))
    assert verdict.reason is Reason.BACKGROUND_MATTERED
    kept = {each.value: lvlm.says(edited(question, picture, each), needs_marker=False) for each in Edit}
    three = Answers(Answer.YES, Answer.YES, **kept)
    assert decide(three).group is Group.GROUNDED, "what needs the finding alone stays"


def test_background_edits_show_no_other_finding_no_marker_another_patient_and_more_grain(shortcut):
    question, _lvlm = shortcut
    picture, who = original(question.image_id), patient(question.image_id)
    far = ndimage.distance_transform_edt(~inside(question.boxes, picture)) > FADE * max(picture.shape)
    another = another_patient(question.image_id)
    assert another.shape == picture.shape
    assert np.array_equal(edited(question, picture, Edit.BACKGROUND)[far], another[far])
    alone = who.scene.native((question.finding,), marker=False).astype(float)
    added = (edited(question, picture, Edit.BACKGROUND_NORMAL) - alone)[far & (alone > 40) & (alone < 200)]
    own = (who.scene.native((question.finding,), noise_seed=1) - alone)[far & (alone > 40) & (alone < 200)]
    assert abs(added.mean()) < 1 and 1.3 < added.std() / own.std() < 2


def test_another_patient_comes_without_a_seam(shortcut):
    question, _lvlm = shortcut
    picture = original(question.image_id)
    boxes = inside(question.boxes, picture)
    edge = ndimage.binary_dilation(boxes) & ~boxes
    step = np.abs(edited(question, picture, Edit.BACKGROUND)[edge] - picture[edge].astype(int))
    cut = np.abs(another_patient(question.image_id)[edge] - picture[edge].astype(int))
    assert step.max() <= 4 and cut.mean() > 10


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
