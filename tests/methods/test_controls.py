"""The controls: boxes that no model was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from medground_bench.core.geometry import boxes_from_map
from medground_bench.core.types import Case, Frame, Response
from medground_bench.methods import explain
from medground_bench.methods._settings import BadSetting
from medground_bench.methods.centre_box import CentreBox
from medground_bench.methods.random_box import RandomBox
from medground_bench.methods.random_map import RandomMap
from medground_bench.methods.whole_image import WholeImage


def _case(width: int, height: int) -> Case:
    picture = np.zeros((224, 224), np.uint8)
    native = Frame.native(width=width, height=height)
    return Case("a/b/c@tiny:direct", "nodule", "", Response("Yes", (1,), ("Yes",)), picture, native)


def _boxes(method, case, seed=0):
    return explain(method, None, case, np.random.default_rng(seed)).boxes


@pytest.mark.parametrize("width, height", [(224, 224), (2544, 3056), (3056, 1500)])
def test_whole_image_is_the_native_picture_without_the_padding(width, height):
    (box,) = _boxes(WholeImage(), _case(width, height))
    assert box.xyxy == (0, 0, width, height)


@pytest.mark.parametrize("width, height", [(224, 224), (2544, 3056), (3056, 1500)])
def test_centre_box_has_half_the_sides_of_the_picture_around_its_centre(width, height):
    (box,) = _boxes(CentreBox(), _case(width, height))
    assert box.xyxy == pytest.approx((width / 4, height / 4, 3 * width / 4, 3 * height / 4))


def test_random_box_lies_in_the_picture_and_covers_a_quarter_of_it_on_average():
    case = _case(2000, 1000)
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(400):
        (box,) = RandomBox().attribute(None, case, rng).boxes
        assert 0 <= box.x0 < box.x1 <= 224 and 56 <= box.y0 < box.y1 <= 168, "the padding is above and below"
        shares.append(box.area / (224 * 112))
    assert min(shares) >= 0.01 and max(shares) <= 0.81
    assert np.mean(shares) == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("method", [RandomBox(), RandomMap()])
def test_chance_depends_on_the_generator_alone(method):
    case = _case(2000, 1000)
    assert _boxes(method, case, seed=1) == _boxes(method, case, seed=1)
    assert _boxes(method, case, seed=1) != _boxes(method, case, seed=2)


def test_random_map_gives_the_boxes_that_the_protocol_cuts_from_its_map():
    case = _case(1000, 1000)
    given = RandomMap().attribute(None, case, np.random.default_rng(3))
    assert given.boxes == boxes_from_map(given.saliency) and given.saliency.values.shape == (8, 8)
    with pytest.raises(BadSetting, match="two cells a side"):
        RandomMap(cells=1)
