"""An LVLM behind its cache: the whole contract, the same answers, each worked out once."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from medground_bench.core.errors import MedgroundError
from medground_bench.core.types import Case, Frame
from medground_bench.lvlms import Lvlm, LvlmDescription, Rule
from medground_bench.lvlms.engine.cached import CachedLvlm
from medground_bench.lvlms.engine.passes import Passes
from medground_bench.methods.attention_head import AttentionHead
from tests.kit.method_cases import own_case
from tests.kit.tiny_lvlms import DIRECT, radiograph

CONTRACT = {name for part in (Lvlm, LvlmDescription) for name in vars(part) if not name.startswith("_")}
VISITED = {"walk_attention", "walk_attention_gradients", "walk_attention_relevance"}
TOLD = {"key", "revision", "gives", "layers", "heads", "precision"}
OF_A_FRAME = {"token_grid", "box_convention"}


def test_it_has_every_part_of_the_contract_and_no_other():
    assert {name for name in vars(CachedLvlm) if not name.startswith("_")} == CONTRACT


def test_what_the_lvlm_is_is_told_as_it_is(lvlm):
    once, frame = CachedLvlm(lvlm), Frame("study", width=84, height=112)
    assert all(getattr(once, name) == getattr(lvlm, name) for name in TOLD)
    assert all(getattr(once, name)(frame) == getattr(lvlm, name)(frame) for name in OF_A_FRAME)


QUESTIONS = {
    "generate": {"max_new_tokens": 2},
    "log_probs": {},
    "answer_attention": {"layers": [1]},
    "layer_gradients": {"layer": 1},
    "relevance": {"rule": Rule.CP},
    "token_logits": {},
    "pixel_gradients": {},
}


def test_every_question_is_tried_below():
    assert set(QUESTIONS) == CONTRACT - VISITED - TOLD - OF_A_FRAME


@pytest.mark.parametrize("name, settings", QUESTIONS.items())
def test_a_question_is_worked_out_once_and_answered_as_the_lvlm_does(lvlm, name, settings):
    case, passes = own_case(lvlm), Passes()
    once = CachedLvlm(lvlm.counted_by(passes))

    def asked(of, picture):
        subject = [picture] if name in ("generate", "log_probs") else picture
        if name == "generate":
            return of.generate(subject, [case.prompt], **settings)
        if name == "pixel_gradients":
            subject = [picture.astype(np.float32)]
        return getattr(of, name)(subject, case.prompt, case.response, **settings)

    first = asked(once, case.picture)
    after_one = dataclasses.replace(passes)
    again = asked(once, case.picture.copy())
    assert passes == after_one != Passes()
    for value, cached, plain in zip(*map(_values, (first, again, asked(lvlm, case.picture))), strict=True):
        assert np.array_equal(value, cached) and np.array_equal(value, plain)
    asked(once, case.picture[::-1].copy())
    assert passes != after_one, "another picture is another question"


@pytest.mark.parametrize("walk", sorted(VISITED))
def test_a_visitor_is_called_every_time(lvlm, walk):
    case, once, seen = own_case(lvlm), CachedLvlm(lvlm), []
    for _ in range(2):
        getattr(once, walk)(case.picture, case.prompt, case.response, seen.append)
    assert len(seen) == 2 * lvlm.layers


def test_it_is_imported_without_torch():
    program = "import sys, medground_bench.lvlms.engine.cached; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_all_heads_and_layers_of_a_case_come_from_one_pass(lvlm):
    picture = radiograph(2)
    response = lvlm.generate([picture], [DIRECT], max_new_tokens=3)[0]
    calls = []

    @dataclass
    class Counting:
        layers: int = lvlm.layers

        def answer_attention(self, *arguments, layers):
            calls.append(tuple(layers))
            return lvlm.answer_attention(*arguments, layers=layers)

    once = CachedLvlm(Counting())
    for layer in range(lvlm.layers):
        values = once.answer_attention(picture, DIRECT, response, layers=[layer])
        assert np.array_equal(values, lvlm.answer_attention(picture, DIRECT, response, layers=[layer]))
    assert calls == [(0, 1, 2)]
    once.answer_attention(picture[::-1].copy(), DIRECT, response, layers=[0])
    assert len(calls) == 2, "another picture is another question"
    with pytest.raises(MedgroundError, match="no layer 9"):
        once.answer_attention(picture, DIRECT, response, layers=[9])


def test_candidates_give_the_same_maps_through_the_shared_pass(lvlm):
    picture = radiograph(2)
    response = lvlm.generate([picture], [DIRECT], max_new_tokens=3)[0]
    case = Case("a/b/c@tiny:direct", "nodule", DIRECT, response, picture, Frame.native(56, 56))
    once, rng = CachedLvlm(lvlm), np.random.default_rng(0)
    for candidate in AttentionHead.candidates(lvlm):
        one, other = (candidate.attribute(each, case, rng).saliency.values for each in (once, lvlm))
        assert np.array_equal(one, other)


def _values(answer: object) -> list[object]:
    if dataclasses.is_dataclass(answer):
        return [getattr(answer, field.name) for field in dataclasses.fields(answer)]
    return list(answer) if isinstance(answer, Sequence) else [answer]
