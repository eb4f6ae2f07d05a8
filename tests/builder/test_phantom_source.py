import numpy as np
import pytest

from builder.editors.phantom_exact import PhantomExact
from builder.sources.phantom import Phantom
from medground_bench.core.causal_filter import Edit
from medground_bench.core.causes import Counterfactual
from medground_bench.core.types import Answer
from medground_bench.phantom import seeds
from medground_bench.phantom.findings import FINDINGS
from medground_bench.phantom.patient import patient
from medground_bench.phantom.shortcut import MARKER_WITH_FINDING, MARKER_WITHOUT_FINDING, SHORTCUT_FINDING

SOURCE = Phantom()


@pytest.fixture(scope="module")
def known():
    return list(SOURCE.questions("test", 10))


@pytest.fixture(scope="module")
def positives(known):
    return [each.question for each in known if each.question.answer is Answer.YES]


def inside(question, picture):
    mask = np.zeros(picture.shape, bool)
    for box in question.boxes:
        x0, y0, x1, y1 = map(int, box.xyxy)
        mask[y0:y1, x0:x1] = True
    return mask


def marker_box(scene):
    """Native pixels."""
    long_side = max(scene.native_width, scene.native_height)
    left, top = (long_side - scene.native_width) // 2, (long_side - scene.native_height) // 2
    x0, y0, x1, y1 = map(int, scene.marker_box(long_side))
    return x0 - left, y0 - top, x1 - left, y1 - top


def test_questions_are_the_same_every_time_and_of_the_seeds_of_their_split(known):
    assert list(SOURCE.questions("test", 10)) == known
    for split, limit, wanted in (("test", 2, seeds.TEST[:2]), ("tune", 8, seeds.TUNE[:8])):
        asked = [each.question.image_id for each in SOURCE.questions(split, limit)]
        assert list(dict.fromkeys(asked)) == [str(seed) for seed in wanted]


def test_every_finding_is_asked_about_and_half_of_the_questions_are_positive(known, positives):
    assert {question.finding for question in positives} == set(FINDINGS)
    assert abs(len(positives) - len(known) / 2) <= 2


def test_boxes_are_native_and_only_findings_that_are_there_have_them(known):
    for each in known:
        question = each.question
        assert bool(question.boxes) == (question.answer is Answer.YES)
        height, width = SOURCE.picture(question).shape
        assert (question.native.width, question.native.height) == (width, height)
        for box in question.boxes:
            assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height


def test_pictures_have_varied_native_sizes(positives):
    shapes = {(question.native.width, question.native.height) for question in positives}
    assert len(shapes) > 5
    assert any(width > height for width, height in shapes) and any(width < height for width, height in shapes)


def test_the_marker_goes_with_the_shortcut_finding_at_the_planted_rates():
    drawn = [patient(str(seed)) for seed in seeds.TEST[:300]]
    rates = {}
    for there in (True, False):
        rates[there] = np.mean([who.marker for who in drawn if (SHORTCUT_FINDING in who.findings) == there])
    assert rates[True] == pytest.approx(MARKER_WITH_FINDING, abs=0.09)
    assert rates[False] == pytest.approx(MARKER_WITHOUT_FINDING, abs=0.06)


@pytest.mark.parametrize("edit", Edit)
def test_an_edit_changes_its_side_of_the_boxes_only(positives, edit):
    for question in positives[:8]:
        picture = SOURCE.picture(question)
        edited = PhantomExact().edit(question, picture, edit)
        changed = edited != picture
        boxes = inside(question, picture)
        allowed = boxes if edit is Edit.FOREGROUND else ~boxes
        assert changed[allowed].any()
        assert not changed[~allowed].any()
        assert edited.dtype == np.uint8


def test_a_foreground_edit_puts_the_picture_without_the_finding_into_the_boxes(positives):
    for question in positives[:8]:
        picture = SOURCE.picture(question)
        edited = PhantomExact().edit(question, picture, Edit.FOREGROUND)
        without = SOURCE.without(question, Counterfactual.WITHOUT_FINDING)
        assert (
            np.abs(edited.astype(int) - without).max() <= 5
        )  # what is not visible may lie outside the boxes


def test_a_counterfactual_without_the_marker_differs_at_the_marker_only(known):
    question = next(each.question for each in known if each.marker and each.question.answer is Answer.YES)
    picture = SOURCE.picture(question)
    without = SOURCE.without(question, Counterfactual.WITHOUT_MARKER)
    rows, columns = np.nonzero(picture != without)
    x0, y0, x1, y1 = marker_box(patient(question.image_id).scene)
    assert len(rows) and rows.min() >= y0 and rows.max() < y1
    assert columns.min() >= x0 and columns.max() < x1
    both = SOURCE.without(question, Counterfactual.WITHOUT_BOTH)
    neither = np.where(picture != without, without, SOURCE.without(question, Counterfactual.WITHOUT_FINDING))
    assert np.array_equal(both, neither)
