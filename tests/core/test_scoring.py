"""Scores per case, means over all cases, intervals by image, paired comparisons."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medground_bench.core.comparison import compare
from medground_bench.core.errors import FrameMismatch
from medground_bench.core.scoring import (
    By,
    Interval,
    overlap,
    score,
    score_cases,
    table,
)
from medground_bench.core.types import Box, Frame, Mode, Prediction, Reference
from medground_bench.core.unions import Overlap

NATIVE = Frame.native(width=20, height=10)


def box(x0, y0, x1, y1, frame=NATIVE):
    return Box(x0, y0, x1, y1, frame)


LEFT, RIGHT, WHOLE = box(0, 0, 10, 10), box(10, 0, 20, 10), box(0, 0, 20, 10)


def reference(image, finding="mass", lvlm="tiny", mode=Mode.DIRECT, source="phantom", boxes=(LEFT,)):
    case = f"{source}/{image}/{finding}@{lvlm}:{mode}"
    return Reference(case, source, image, lvlm, mode, finding, NATIVE, boxes)


def predict(references, *boxes):
    return [Prediction(one.case_id, boxes) for one in references]


boxes_lists = st.lists(
    st.builds(
        lambda x, y, w, h: box(x, y, min(x + w, 20), min(y + h, 10)),
        st.integers(0, 19),
        st.integers(0, 9),
        st.integers(1, 20),
        st.integers(1, 10),
    ),
    max_size=6,
)


def test_a_half_covered_region_by_hand():
    half = box(0, 0, 10, 5)
    assert overlap([half], [LEFT]) == Overlap(iou=0.5, precision=1.0, recall=0.5, f1=2 / 3)
    assert overlap([WHOLE], [LEFT]) == Overlap(iou=0.5, precision=0.5, recall=1.0, f1=2 / 3)


def test_both_empty_is_perfect_and_one_empty_is_zero():
    assert overlap([], []) == Overlap(1.0, 1.0, 1.0, 1.0)
    assert overlap([LEFT], []) == overlap([], [LEFT]) == Overlap(0.0, 0.0, 0.0, 0.0)


@given(boxes_lists, boxes_lists)
def test_overlap_equals_counting_pixels(predicted, wanted):
    masks = []
    for boxes in (predicted, wanted):
        mask = np.zeros((10, 20), dtype=bool)
        for one in boxes:
            mask[int(one.y0) : int(one.y1), int(one.x0) : int(one.x1)] = True
        masks.append(mask)
    given_mask, wanted_mask = masks
    got = overlap(predicted, wanted)
    if predicted and wanted:
        both, either = (given_mask & wanted_mask).sum(), (given_mask | wanted_mask).sum()
        assert got.iou == pytest.approx(both / either)
        assert got.precision == pytest.approx(both / given_mask.sum())
        assert got.recall == pytest.approx(both / wanted_mask.sum())
    if got.precision + got.recall > 0:
        harmonic = 2 * got.precision * got.recall / (got.precision + got.recall)
        assert got.f1 == pytest.approx(harmonic)


@given(boxes_lists, boxes_lists)
def test_repeating_boxes_changes_nothing_and_swapping_swaps_precision_and_recall(predicted, wanted):
    got, swapped = overlap(predicted * 2, wanted), overlap(wanted, predicted)
    assert got == overlap(predicted, wanted)
    assert (got.iou, got.precision, got.recall, got.f1) == pytest.approx(
        (swapped.iou, swapped.recall, swapped.precision, swapped.f1)
    )


def test_a_box_without_area_in_floating_point_scores_zero_instead_of_dividing_by_it():
    assert overlap([box(0, 0, 1e-200, 1e-200)], [LEFT]).iou == 0


def test_boxes_of_two_frames_are_refused():
    study = Frame("study", width=224, height=224)
    with pytest.raises(FrameMismatch):
        overlap([box(0, 0, 1, 1, study)], [LEFT])
    case = reference("a", boxes=())
    with pytest.raises(FrameMismatch, match="to_native"):
        score_cases([case], [Prediction(case.case_id, (box(0, 0, 1, 1, study),))])


def test_a_case_without_prediction_counts_in_the_mean_as_zero():
    cases = [reference(name) for name in "abcd"]
    (row,) = score(cases, predict(cases[:1], LEFT))
    assert row.mean.iou == 0.25
    assert (row.coverage.cases, row.coverage.predicted, row.coverage.failed) == (4, 1, 3)


def test_no_prediction_scores_zero_even_where_saying_nothing_would_be_right():
    case = reference("a", boxes=())
    assert score_cases([case], [])[0].overlap.iou == 0
    assert score_cases([case], predict([case]))[0].overlap.iou == 1


def test_a_prediction_of_an_unknown_case_and_repeated_cases_are_refused():
    case = reference("a")
    with pytest.raises(ValueError, match="no case of these references"):
        score_cases([case], predict([reference("b")]))
    with pytest.raises(ValueError, match=r"predictions hold case .* twice"):
        score_cases([case], predict([case, case]))
    with pytest.raises(ValueError, match=r"references hold case .* twice"):
        score_cases([case, case], [])


def test_a_row_per_track_sorted_and_other_groups_on_demand():
    cases = [
        reference(image, finding, lvlm, mode)
        for lvlm in ("b", "a")
        for mode in Mode
        for finding in ("mass", "edema")
        for image in ("1", "2")
    ]
    right = [one for one in cases if one.lvlm == "a"]
    predictions = predict(right, LEFT) + predict([one for one in cases if one.lvlm == "b"], RIGHT)
    tracks = [dict(row.group) for row in score(cases, predictions)]
    assert tracks == [{By.LVLM: lvlm, By.MODE: mode} for lvlm in ("a", "b") for mode in ("direct", "reason")]
    per_lvlm = score(cases, predictions, by=(By.LVLM,))
    assert [(row.group, row.mean.iou) for row in per_lvlm] == [
        (((By.LVLM, "a"),), 1.0),
        (((By.LVLM, "b"),), 0.0),
    ]
    assert len(score(cases, predictions, by=(By.SOURCE, By.FINDING))) == 2
    (pooled,) = score(cases, predictions, by=())
    assert (pooled.mean.iou, pooled.coverage.cases, pooled.images) == (0.5, 16, 2)


def test_a_row_is_a_flat_record_for_tables():
    cases = [reference(image) for image in "abcdefgh"]
    (row,) = score(cases, predict(cases[:4], LEFT, WHOLE))
    record = row.as_dict()
    assert record["lvlm"] == "tiny" and record["mode"] == "direct"
    assert (record["cases"], record["predicted"], record["failed"], record["images"]) == (8, 4, 4, 8)
    assert record["iou"] == 0.25 and record["iou_low"] <= 0.25 <= record["iou_high"]
    assert (record["boxes"], record["covered"]) == (2.0, 1.0)
    assert {f"{m}{end}" for m in ("iou", "precision", "recall", "f1") for end in ("", "_low", "_high")} < set(
        record
    )


def test_few_images_have_no_interval_but_the_spread_of_their_means():
    cases = [reference(image, finding) for image in "abcde" for finding in ("mass", "edema")]
    (row,) = score(cases, predict(cases[:3], LEFT))
    assert not row.intervals and row.iou_ends == (None, None)
    assert row.as_dict()["iou_low"] is None and row.as_dict()["recall_high"] is None
    assert row.spread == Interval(low=0.0, high=1.0)
    (more,) = score([*cases, reference("f")], predict(cases[:3], LEFT))
    assert set(more.intervals) == {"iou", "precision", "recall", "f1"}


def test_a_score_that_is_the_same_on_every_image_has_no_interval_and_the_others_have():
    cases = [reference(str(image), boxes=(box(0, 0, 1 + image, 10),)) for image in range(8)]
    (row,) = score(cases, predict(cases, WHOLE))
    assert row.mean.recall == 1 and set(row.intervals) == {"iou", "precision", "f1"}


def noisy_cases(images, questions_per_image, seed=0):
    """Cases whose scores are equal within an image: the questions about it add no information."""
    generator = np.random.default_rng(seed)
    cases, predictions = [], []
    for image in range(images):
        right = generator.random() < 0.5
        for question in range(questions_per_image):
            case = reference(f"{image:04}", f"finding {question}")
            cases.append(case)
            predictions += predict([case], LEFT if right else RIGHT)
    return cases, predictions


def test_the_interval_is_by_image_so_repeated_questions_do_not_narrow_it():
    widths = []
    for questions in (1, 9):
        (row,) = score(*noisy_cases(100, questions))
        widths.append(row.intervals["iou"].high - row.intervals["iou"].low)
    assert widths[1] == pytest.approx(widths[0], rel=0.15)
    standard_error = 0.5 / np.sqrt(100)
    assert widths[0] == pytest.approx(2 * 1.96 * standard_error, rel=0.15)


def test_a_paired_comparison_sees_a_small_gain_that_both_intervals_hide():
    cases, predictions = noisy_cases(60, 2)
    better = [
        Prediction(p.case_id, (box(0, 0, 10, 9),) if p.boxes == (RIGHT,) and i % 8 < 2 else p.boxes)
        for i, p in enumerate(predictions)
    ]
    first, second = score_cases(cases, better), score_cases(cases, predictions)
    (above,), (below,) = table(first), table(second)
    assert above.intervals["iou"].low < below.intervals["iou"].high
    difference = compare(first, second)
    assert difference.low > 0 and difference.p_value < 0.05
    assert difference.mean == pytest.approx(above.mean.iou - below.mean.iou)
    assert (difference.cases, difference.images) == (120, 60)
    assert compare(second, first, measure="recall").mean < 0


def test_a_method_against_itself_differs_by_nothing_and_nothing_is_said_of_chance():
    cases, predictions = noisy_cases(20, 2)
    same = score_cases(cases, predictions)
    difference = compare(same, same)
    assert (difference.mean, difference.low, difference.high, difference.p_value) == (0, None, None, None)


def test_two_methods_on_different_cases_are_not_compared():
    cases, predictions = noisy_cases(4, 1)
    scores = score_cases(cases, predictions)
    with pytest.raises(ValueError, match="same cases"):
        compare(scores, scores[:-1])
    with pytest.raises(ValueError, match="same cases"):
        compare([], [])
