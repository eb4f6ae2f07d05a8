"""The metric as `evaluate` users meet it: loaded from its folder, with its own examples, and with broken input."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

from medground_bench.scoring import overlap
from medground_bench.types import Box, Frame

evaluate = pytest.importorskip("evaluate")
ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "metrics" / "attribution_overlap"


@pytest.fixture(scope="module")
def metric(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setattr(evaluate.config, "HF_MODULES_CACHE", str(tmp_path_factory.mktemp("modules")))
        yield evaluate.load(
            "metrics/attribution_overlap",
            cache_dir=str(tmp_path_factory.mktemp("cache")),
            keep_in_memory=True,
        )


def compute(metric, predictions, references):
    return metric.compute(predictions=predictions, references=references)


@pytest.mark.parametrize("case", runpy.run_path(str(FOLDER / "tests.py"))["test_cases"])
def test_the_examples_of_the_space_hold(metric, case):
    got = compute(metric, case["predictions"], case["references"])
    assert got == pytest.approx(case["result"])
    assert list(got) == ["iou", "f1", "precision", "recall", "n"]


def test_the_metric_is_the_librarys_score(metric):
    rng = np.random.default_rng(3)
    frame = Frame("native", width=100, height=100)
    low = rng.uniform(0, 50, size=(2, 20, 3, 2))
    boxes = np.concatenate([low, low + rng.uniform(1, 50, size=low.shape)], axis=-1)
    predictions, references = boxes
    got = compute(metric, predictions.tolist(), references.tolist())
    wanted = [
        overlap([Box(*box, frame) for box in first], [Box(*box, frame) for box in second])
        for first, second in zip(predictions, references, strict=True)
    ]
    for measure in ("iou", "f1", "precision", "recall"):
        assert got[measure] == pytest.approx(np.mean([getattr(one, measure) for one in wanted]))
    assert got["n"] == 20


def test_numpy_boxes_batches_and_no_pictures_at_all(metric):
    metric.add_batch(predictions=[np.array([[0, 0, 4, 4]]), []], references=[[[0, 0, 4, 4]], []])
    assert metric.compute() == {"iou": 1, "f1": 1, "precision": 1, "recall": 1, "n": 2}
    assert compute(metric, [], []) == {"iou": None, "f1": None, "precision": None, "recall": None, "n": 0}


@pytest.mark.parametrize(
    ("predictions", "said"),
    [
        ([None], r"predictions\[0\] is None"),
        ([[None]], r"predictions\[0\]\[0\] is None"),
        ([[[0, 0, None, 1]]], "4 numbers"),
        ([[[0, 0, 1]]], "format|length"),
        ([[[0, 0, 0, 1]]], "x0 < x1"),
        ([[[5, 0, 4, 1]]], r"not \[x, y, width, height\]"),
        ([[[0, 0, float("nan"), 1]]], "finite"),
        ([[[0, 0, float("inf"), 1]]], "finite"),
        ([[[0, 0, 1e9, 1]]], "at most"),
    ],
)
def test_broken_boxes_are_refused_by_name(metric, predictions, said):
    with pytest.raises(ValueError, match=said):
        compute(metric, predictions, [[[0, 0, 1, 1]]])
