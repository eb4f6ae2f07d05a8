"""Exact removal: the expert's boxes are the filter's edit, and nothing outside the boxes changes."""

from __future__ import annotations

import numpy as np
import pytest

from medground_bench.core.causal_filter import Edit
from medground_bench.core.edit_regions import inside
from medground_bench.core.errors import Unsupported
from medground_bench.core.types import Box, Question
from medground_bench.phantom.exact_edits import edited
from medground_bench.pictures import to_study
from medground_bench.probes.removal import editing_of, measure, without_finding
from medground_bench.probes.subjects import Look
from tests.kit.fakes import RuleLvlm


def look(shown, name, boxes):
    return Look(name, tuple(boxes), None, RuleLvlm(), shown.case)


def far_box(shown):
    """The lower left corner, where no pacemaker is."""
    native = shown.reference.native
    return Box(0, native.height * 0.9, native.width * 0.1, native.height, native)


def test_removal_of_the_true_boxes_flips_whatever_the_filter_retained(shown_cases):
    assert shown_cases
    for shown in shown_cases:
        (numbers,) = measure(RuleLvlm(), shown, [look(shown, "truth", shown.reference.boxes)])
        assert numbers["flipped"] == 1 and numbers["unreadable"] == 0
        native = shown.reference.native
        area = inside(shown.reference.boxes, shown.native).mean()
        assert numbers["area"] == pytest.approx(area, abs=4 / min(native.width, native.height))


def test_the_picture_without_the_true_boxes_is_the_filters_own_foreground_edit(shown_cases):
    shown = shown_cases[0]
    truth = shown.reference
    question = Question(truth.source, truth.image_id, truth.finding, "yes", truth.native, truth.boxes)
    filters = to_study(edited(question, shown.native, Edit.FOREGROUND)).picture
    ours = without_finding(shown, truth.boxes, editing_of("phantom_exact"))
    assert np.array_equal(ours, filters) and not np.array_equal(ours, shown.case.picture)


def test_boxes_beside_the_finding_and_no_boxes_flip_nothing(shown_cases):
    shown = shown_cases[0]
    beside, without = measure(
        RuleLvlm(), shown, [look(shown, "beside", [far_box(shown)]), look(shown, "none", [])]
    )
    assert (beside["flipped"], without["flipped"], without["area"]) == (0, 0, 0)
    assert beside["area"] == pytest.approx(0.01, abs=1e-3)


def test_methods_without_boxes_are_not_asked_about_and_the_others_in_one_call(shown_cases):
    shown, lvlm = shown_cases[0], RuleLvlm()
    looks = [
        look(shown, "a", shown.reference.boxes),
        look(shown, "b", []),
        look(shown, "c", [far_box(shown)]),
    ]
    assert [numbers["flipped"] for numbers in measure(lvlm, shown, looks)] == [1, 0, 0]
    assert lvlm.asked == 2


def test_an_answer_that_cannot_be_read_is_no_flip_and_is_counted(shown_cases):
    class Mumbling(RuleLvlm):
        def _respond(self, picture, prompt):
            return super()._respond(picture, "atelectasis")

    shown = shown_cases[0]
    (numbers,) = measure(Mumbling(), shown, [look(shown, "truth", shown.reference.boxes)])
    assert (numbers["flipped"], numbers["unreadable"]) == (0, 1)


def test_the_editor_is_the_one_that_the_filter_had(shown_cases):
    assert {shown.editor for shown in shown_cases} == {"phantom_exact"}
    assert editing_of("phantom_exact") is edited
    shown = shown_cases[0]
    smooth = without_finding(shown, shown.reference.boxes, editing_of("harmonic"))
    changed = smooth != shown.case.picture
    assert changed.any() and not np.array_equal(smooth, without_finding(shown, shown.reference.boxes, edited))


@pytest.mark.parametrize(
    ("editor", "why"), [(None, "does not name it"), ("gone", "editor gone of the causal filter")]
)
def test_without_that_editor_nothing_is_removed(editor, why):
    with pytest.raises(Unsupported, match=why):
        editing_of(editor)
