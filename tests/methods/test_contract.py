"""Every file in methods/ keeps the contract, on every family of LVLMs."""

from __future__ import annotations

import dataclasses
import inspect

import numpy as np
import pytest

from medground_bench import plugins
from medground_bench.core.errors import MedgroundError, MethodFailed, UnknownName, Unsupported
from medground_bench.core.types import Attribution, Box, Case, Frame, Response, SaliencyMap
from medground_bench.lvlms import Need, open_lvlm
from medground_bench.methods import Explained, Method, Tunable, explain, open_method
from tests.kit.method_cases import brief
from tests.kit.tiny_lvlms import DIRECT, REASON, radiograph

NAMES = [plugin.name for plugin in plugins.available("methods")]
NATIVE = Frame.native(width=300, height=400)


@pytest.fixture
def case(lvlm):
    """A portrait picture in a square of 112 px, and the LVLM's own response."""
    picture = np.zeros((112, 112), np.uint8)
    picture[:, 14:98] = radiograph(7, width=84, height=112)
    response = lvlm.generate([picture], [DIRECT], max_new_tokens=3)[0]
    return Case("phantom/7/cardiomegaly@tiny:direct", "cardiomegaly", DIRECT, response, picture, NATIVE)


@pytest.mark.parametrize("name", NAMES)
def test_a_method_is_a_frozen_dataclass_of_settings_with_a_summary(name):
    method = plugins.load("methods", name)
    assert dataclasses.is_dataclass(method) and method.__dataclass_params__.frozen
    assert all(field.kw_only for field in dataclasses.fields(method))
    assert isinstance(method(), Method) and method().needs <= frozenset(Need)
    assert list(inspect.signature(method.attribute).parameters) == ["self", "lvlm", "case", "rng"]
    assert next(plugin for plugin in plugins.available("methods") if plugin.name == name).summary


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("prompt", [DIRECT, REASON])
def test_a_method_explains_a_case_with_boxes_inside_the_native_picture(name, prompt, lvlm, case):
    method = brief(name, lvlm)
    [response] = lvlm.generate([case.picture], [prompt], max_new_tokens=3 if prompt == DIRECT else 12)
    case = dataclasses.replace(case, prompt=prompt, response=response)
    before = case.picture.copy()
    explained = explain(method, lvlm, case, np.random.default_rng(3))
    assert isinstance(explained, Explained)
    assert np.array_equal(case.picture, before), "the picture is the case's, not the method's to change"
    assert len(explained.boxes) <= 10
    for box in explained.boxes:
        assert box.frame == NATIVE
        assert 0 <= box.x0 < box.x1 <= 300 and 0 <= box.y0 < box.y1 <= 400
    saliency = explained.attribution.saliency
    if saliency is not None:
        assert saliency.values.dtype == np.float32 and saliency.frame == case.study
    again = explain(method, lvlm, case, np.random.default_rng(3))
    assert [box.xyxy for box in again.boxes] == [box.xyxy for box in explained.boxes]


@pytest.mark.parametrize("name", [name for name in NAMES if not plugins.literal("methods", name, "CONTROL")])
def test_a_map_changes_with_the_picture_and_with_the_prompt_unless_it_is_a_controls(name, lvlm, case):
    method = brief(name, lvlm)
    first = method.attribute(lvlm, case, np.random.default_rng(0)).saliency
    changes = ({"picture": np.ascontiguousarray(case.picture[::-1])}, {"prompt": "Is there a nodule?"})
    for change in changes if first is not None else ():
        other = method.attribute(lvlm, dataclasses.replace(case, **change), np.random.default_rng(0)).saliency
        assert not np.array_equal(other.values, first.values)


LAYERED = {
    "attention_head": "layer", "attention_rollout": "first_layer", "attnlrp": "layer", "gradcam": "layer",
    "gradcam_pp": "layer", "grad_attention": "first_layer", "grad_weighted_attention": "first_layer", "lrp": "layer",
}  # fmt: skip


@pytest.mark.parametrize("name", [*LAYERED, "integrated_gradients"])
def test_what_tuning_tries_are_whole_settings_of_the_method_each_once(name, lvlm, case):
    method = plugins.load("methods", name)
    assert isinstance(method(), Tunable)
    candidates = method.candidates(lvlm)
    assert all(type(candidate) is method for candidate in candidates)
    assert len(set(candidates)) == len(candidates) > 1
    if name in LAYERED:
        assert {getattr(candidate, LAYERED[name]) for candidate in candidates} == set(range(lvlm.layers))
    maps = [
        candidate.attribute(lvlm, case, np.random.default_rng(0)).saliency.values
        for candidate in (candidates[0], candidates[-1])
    ]
    assert not np.allclose(*maps, rtol=0.01)


@pytest.mark.parametrize("name", LAYERED)
def test_a_layer_out_of_range_is_answered_with_the_range(name, lvlm, case):
    method = plugins.load("methods", name)(**{LAYERED[name]: 3})
    with pytest.raises(MedgroundError, match="no layer 3: its decoder layers are 0 to 2"):
        method.attribute(lvlm, case, np.random.default_rng(0))


def test_a_head_out_of_range_is_answered_with_the_range(lvlm, case):
    method = plugins.load("methods", "attention_head")(head=4)
    with pytest.raises(MedgroundError, match="heads are 0 to 3"):
        method.attribute(lvlm, case, np.random.default_rng(0))


@pytest.fixture(scope="module")
def broken(tiny_folders):
    """Family -> an LVLM whose first layer turns everything into NaN."""
    lvlms = {family: open_lvlm(str(folder), device="cpu") for family, folder in tiny_folders.items()}
    for lvlm in lvlms.values():
        lvlm.loaded.model.model.language_model.layers[0].input_layernorm.weight.fill_(float("nan"))
    return lvlms


@pytest.mark.parametrize("name", [*LAYERED, "integrated_gradients", "tam", "occlusion"])
def test_nan_inside_the_model_is_an_error_of_the_method(name, broken, family, case):
    with pytest.raises(MethodFailed, match="NaN"):
        explain(plugins.load("methods", name)(), broken[family], case, np.random.default_rng(0))


def test_an_unknown_method_is_answered_with_the_near_names(lvlm):
    with pytest.raises(UnknownName, match="Did you mean occlusion"):
        open_method("oclusion", lvlm)


def test_a_method_that_needs_gradients_is_refused_before_any_work_by_an_lvlm_that_gives_text(lvlm):
    served = dataclasses.replace(lvlm, gives=frozenset({Need.TEXT}))
    with pytest.raises(Unsupported, match="gradcam needs gradients"):
        open_method("gradcam", served)


@dataclasses.dataclass(frozen=True)
class Fixed:
    """A method that always says the same."""

    attribution: Attribution
    needs = frozenset()

    def attribute(self, lvlm, case, rng):
        return self.attribution


def _case() -> Case:
    picture = np.zeros((224, 224), np.uint8)
    return Case("a/b/c@tiny:direct", "nodule", DIRECT, Response("Yes", (1,), ("Yes",)), picture, NATIVE)


STUDY = Frame("study", width=224, height=224)


@pytest.mark.parametrize("boxes", [None, (Box(40, 0, 50, 9, STUDY),)])
def test_nan_in_a_map_is_an_error_of_the_method(boxes):
    values = np.ones((8, 8), np.float32)
    values[2, 3] = np.nan
    method = Fixed(Attribution(saliency=SaliencyMap(values, STUDY), boxes=boxes))
    with pytest.raises(MethodFailed, match=r"case a/b/c@tiny:direct: 1 of 64 values"):
        explain(method, None, _case(), np.random.default_rng(0))


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_a_constant_map_gives_no_boxes(value):
    method = Fixed(Attribution(saliency=SaliencyMap(np.full((8, 8), value, np.float32), STUDY)))
    assert explain(method, None, _case(), np.random.default_rng(0)).boxes == ()


def test_a_bright_cell_comes_back_at_its_place_in_native_pixels():
    values = np.zeros((8, 8), np.float32)
    values[1, 4] = 1  # study x 112..140, y 28..56; the picture fills x 28..196, 300 / 168 native pixels each
    method = Fixed(Attribution(saliency=SaliencyMap(values, STUDY)))
    (box,) = explain(method, None, _case(), np.random.default_rng(0)).boxes
    centre = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
    assert centre == pytest.approx(((126 - 28) * 300 / 168, 42 * 400 / 224), abs=1.5)


def test_the_methods_own_boxes_win_over_its_map_and_padding_is_cut_away():
    values = np.zeros((8, 8), np.float32)
    values[1, 4] = 1
    boxes = (Box(0, 0, 20, 224, STUDY), Box(0, 0, 112, 112, STUDY))
    method = Fixed(Attribution(saliency=SaliencyMap(values, STUDY), boxes=boxes))
    (box,) = explain(method, None, _case(), np.random.default_rng(0)).boxes
    assert box.xyxy == pytest.approx((0, 0, 150, 200))
