"""The metric as `evaluate` users meet it: loaded from its folder, with its own examples, and with broken input."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

from medground_bench.core.scoring import overlap
from medground_bench.core.types import Box, Frame

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
    frame = Frame.native(width=100, height=100)
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


@pytest.fixture(params=["in memory", "on disk"])
def fresh(request, metric, tmp_path):
    """An object of its own, as `evaluate.load` gives it."""
    return type(metric)(cache_dir=str(tmp_path), keep_in_memory=request.param == "in memory")


GOOD = [[0, 0, 10, 10]]
HALF = [[0, 0, 10, 20]]
NOT_BOXES = [
    [[1, 2, 3]],
    [[1, 2, 3, 4, 5]],
    [[[0, 0, 1, 1]]],
    [[]],
    [0, 0, 10, 10],
    [[0, 0, 10, "10"]],
    [[0, 0, 10, None]],
    [[0, 0, 10, float("nan")]],
    [[0, 0, 10, 10**400]],
    [[0, 0, 10, True]],
    [[0, 0, 10, 1j]],
    [[0, 0, 0, 0]],
    [None],
    None,
    7,
    "boxes",
    b"boxes",
    {"boxes": GOOD},
    [{"x0": 0, "y0": 0, "x1": 1, "y1": 1}],
    [{0, 1, 2, 3}],
    object(),
    np.zeros(4),
    np.ones((2, 3)),
    np.array(["a", "b", "c", "d"]),
    np.array([[0, 0, 10, np.inf]]),
]


@pytest.mark.parametrize("bad", NOT_BOXES, ids=range(len(NOT_BOXES)))
def test_what_is_refused_is_not_stored_and_the_metric_goes_on(fresh, bad):
    fresh.add(prediction=GOOD, reference=HALF)
    for refused in (
        lambda: fresh.add(prediction=bad, reference=GOOD),
        lambda: fresh.add(prediction=GOOD, reference=bad),
        lambda: fresh.add_batch(predictions=[GOOD, bad], references=[GOOD, GOOD]),
        lambda: fresh.compute(predictions=[GOOD, GOOD], references=[GOOD, bad]),
    ):
        with pytest.raises(ValueError, match=r"^(prediction|reference)s?(\[\d+\])* (is|has) ") as said:
            refused()
        assert "\n" not in str(said.value) and len(str(said.value)) < 400
    fresh.add_batch(predictions=[[]], references=[[]])
    assert fresh.compute() == pytest.approx(
        {"iou": 0.75, "f1": 5 / 6, "precision": 1, "recall": 0.75, "n": 2}
    )


def test_a_refused_first_call_leaves_a_metric_as_new(fresh):
    for _ in range(2):
        with pytest.raises(
            ValueError, match=r"prediction\[0\] is \[1, 2, 3\], of length 3: a box is 4 numbers"
        ):
            fresh.add(prediction=[[1, 2, 3]], reference=[[0, 0, 1, 1]])
        assert fresh.compute(predictions=[GOOD], references=[HALF])["iou"] == 0.5


@pytest.mark.parametrize(
    ("predictions", "references", "said"),
    [
        ([GOOD, GOOD], [GOOD], "predictions has 2 pictures and references has 1"),
        ([GOOD], None, "references is None: give a list"),
        (None, [GOOD], "predictions is None: give a list"),
        (GOOD, [GOOD], r"predictions\[0\]\[0\] is 0, not a box"),
        ({"a": GOOD}, [GOOD], "predictions is .* not a list of pictures"),
    ],
)
def test_batches_that_do_not_match_are_refused_whole(fresh, predictions, references, said):
    for call in (fresh.add_batch, fresh.compute):
        with pytest.raises(ValueError, match=said):
            call(predictions=predictions, references=references)
    assert compute(fresh, [GOOD], [GOOD])["n"] == 1


def test_arrays_tensors_tuples_and_generators_are_read_alike(fresh):
    torch = pytest.importorskip("torch")
    ways = [
        [HALF],
        (tuple(map(tuple, HALF)),),
        np.array([HALF], np.float32),
        [np.array(HALF, np.int64)],
        torch.tensor([HALF]),
        [torch.tensor(HALF, dtype=torch.float16, requires_grad=True)],
        (boxes for boxes in [HALF]),
        [(box for box in HALF)],
    ]
    for predictions in ways:
        fresh.add_batch(predictions=predictions, references=[GOOD])
    assert fresh.compute() == pytest.approx(
        {"iou": 0.5, "f1": 2 / 3, "precision": 0.5, "recall": 1, "n": len(ways)}
    )
    fresh.add(prediction=torch.zeros((0, 4)), reference=np.zeros((0, 4)))
    assert fresh.compute()["iou"] == 1


def test_two_objects_and_a_combination_keep_apart(metric, tmp_path):
    one, other = (type(metric)(cache_dir=str(tmp_path)) for _ in range(2))
    one.add(prediction=GOOD, reference=HALF)
    other.add(prediction=GOOD, reference=GOOD)
    with pytest.raises(ValueError, match="x0 < x1"):
        one.add(prediction=[[5, 0, 4, 1]], reference=GOOD)
    assert (other.compute()["iou"], one.compute()["iou"]) == (1, 0.5)
    both = evaluate.combine([one, other], force_prefix=True)
    both.add(prediction=GOOD, reference=HALF)
    assert [value for name, value in both.compute().items() if name.endswith("iou")] == [0.5, 0.5]


def test_after_compute_nothing_is_left_to_compute(fresh):
    assert compute(fresh, [GOOD], [GOOD])["n"] == 1
    with pytest.raises(ValueError, match="nothing was added"):
        fresh.compute()
    with pytest.raises(TypeError):
        fresh.compute(predictions=[GOOD], references=[GOOD], threshold=0.5)
    assert compute(fresh, [GOOD], [HALF])["iou"] == 0.5
