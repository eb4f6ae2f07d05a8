"""Boxes left in a model's input are recognised on small pictures too, and native boxes are left in peace."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medground_bench.foreign_frames import GROWTH_FREEDOM, Reach, grow_with_pictures, suspicion
from medground_bench.geometry import Letterbox
from medground_bench.phantom.anatomy import Native
from medground_bench.problems import Code
from medground_bench.submission import Problems, Submission, read_submission
from medground_bench.types import Box, Frame, Mode, Reference

PLACES = {
    "cardiomegaly": (0.35, 0.45, 0.70, 0.75),
    "pleural effusion": (0.12, 0.72, 0.35, 0.90),
    "pneumothorax": (0.60, 0.10, 0.85, 0.50),
    "nodule": (0.20, 0.30, 0.30, 0.40),
    "pacemaker": (0.65, 0.12, 0.80, 0.28),
    "atelectasis": (0.15, 0.60, 0.40, 0.66),
}
"""Where a finding lies, as shares of the picture; each box is shifted by `SCATTER` of it."""

SCATTER = 0.02


def phantom_like(count, rng, scatter=SCATTER):
    """References of pictures of phantom sizes, with boxes about where their findings lie."""
    references = []
    for i in range(count):
        size = Native.sample(rng)
        frame = Frame("native", size.width, size.height)
        finding = list(PLACES)[int(rng.integers(len(PLACES)))]
        corner, end = np.reshape(PLACES[finding], (2, 2))
        shift = np.clip(rng.normal(0, scatter, 2), -corner, 1 - end)
        size_px = (frame.width, frame.height)
        (x0, y0), (x1, y1) = ((corner + shift) * size_px).tolist(), ((end + shift) * size_px).tolist()
        box = Box(x0, y0, x1, y1, frame)
        case = f"phantom/{i}/{finding.replace(' ', '-')}@tiny:direct"
        references.append(Reference(case, "phantom", str(i), "tiny", Mode.DIRECT, finding, frame, (box,)))
    return references


def in_study(reference, side):
    letterbox = Letterbox.fit(reference.native, side=side)
    return [letterbox.to_study(box) for box in reference.boxes]


def written(references, boxes_of):
    lines = [{"case_id": each.case_id, "boxes": [box.xyxy for box in boxes_of(each)]} for each in references]
    return read_submission("\n".join(map(json.dumps, lines)).encode(), references)


def reach(reference, box, about=None):
    about = about or reference.finding
    return Reach(
        about, reference.image_id, max(box.x0, box.y0), max(box.x1, box.y1), box.y1, reference.native
    )


@pytest.mark.parametrize("side", [112, 224])
@pytest.mark.parametrize("seed", range(5))
def test_true_boxes_left_in_the_study_frame_of_phantom_sizes_are_recognised(side, seed):
    references = phantom_like(100, np.random.default_rng(seed))
    got = written(references, lambda each: in_study(each, side))
    assert isinstance(got, Problems) and got.counts[Code.LOOKS_RESIZED] == 1
    assert got.shown[0].code is Code.LOOKS_RESIZED
    assert f"side={side}).to_native(box)" in got.shown[0].message


@pytest.mark.parametrize("seed", range(5))
def test_the_true_native_boxes_of_phantom_sizes_raise_no_suspicion(seed):
    references = phantom_like(100, np.random.default_rng(seed))
    assert isinstance(written(references, lambda each: each.boxes), Submission)


@pytest.mark.parametrize("scatter", [0.0, 0.02, 0.1, 0.3])
def test_over_many_seeds_native_boxes_never_raise_a_false_alarm(scatter):
    rng = np.random.default_rng(0)
    for _ in range(120):
        references = phantom_like(int(rng.integers(10, 80)), rng, scatter)
        assert suspicion([reach(each, each.boxes[0]) for each in references]) is None


@pytest.mark.parametrize(
    "shares", [(0, 0, 1, 1), (0.25, 0.25, 0.75, 0.75), (0.5, 0.5, 1, 1), (0, 0, 0.5, 0.5)]
)
def test_a_method_with_one_box_for_all_pictures_is_told_by_whether_it_grows(shares):
    references = phantom_like(60, np.random.default_rng(1))

    def placed(width, height, frame):
        x0, y0, x1, y1 = np.multiply(shares, np.tile([width, height], 2))
        return Box(float(x0), float(y0), float(x1), float(y1), frame)

    native = [reach(e, placed(e.native.width, e.native.height, e.native)) for e in references]
    study = [reach(e, placed(224, 224, Frame("study", 224, 224))) for e in references]
    assert suspicion(native) is None
    assert suspicion(study).code is Code.LOOKS_RESIZED


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(100, 400), st.integers(100, 400), st.floats(0, 0.6), st.floats(0, 0.6)),
        min_size=2,
        max_size=40,
    ),
    st.integers(2, 5),
)
def test_scaling_every_picture_with_its_box_never_makes_boxes_suspicious(shapes, times):
    """The law behind the tell: what counts is the box relative to its picture."""
    cases = []
    for i, (width, height, x, y) in enumerate(shapes):
        for scale in (1, times):
            frame = Frame("native", width * scale, height * scale)
            box = Box(
                x * frame.width, y * frame.height, (x + 0.3) * frame.width, (y + 0.3) * frame.height, frame
            )
            cases.append(Reach(i, scale, max(box.x0, box.y0), max(box.x1, box.y1), box.y1, frame))
    assert grow_with_pictures(cases)


def test_the_same_picture_asked_of_many_lvlms_is_one_witness():
    references = phantom_like(GROWTH_FREEDOM // 2, np.random.default_rng(2))
    study = [reach(each, in_study(each, 224)[0], about="all") for each in references]
    assert grow_with_pictures(study * 50)


def test_pictures_of_one_size_tell_nothing():
    frame = Frame("native", 300, 300)
    same = [Reach("mass", i, 100, 200 + i / 9, 200 + i / 9, frame) for i in range(90)]
    assert grow_with_pictures(same)
