"""What a method tried that hides regions, on an LVLM whose answer rests on one known spot."""

from __future__ import annotations

import math

import numpy as np
import pytest

from medground_bench.core.types import Case, Frame, Response
from medground_bench.localizers import localize
from medground_bench.methods.occlusion import Occlusion
from medground_bench.phantom import seeds
from medground_bench.phantom.scene import Scene
from medground_bench.pictures import to_study
from medground_bench.runs.explain import explain_by
from medground_bench.runs.trials import taken_by, trials_of
from tests.kit.spot_lvlm import SpotLvlm


@pytest.fixture(scope="module")
def case():
    native = Scene.sample(seeds.EXAMPLES[1]).native(["cardiomegaly"])
    response = Response("Yes, it is", (1, 2, 3, 4), ("Yes", ",", " it", " is"))
    picture = to_study(native).picture
    return Case(
        "own/1/mass@spot:direct", "mass", "Is there a mass?", response, picture, Frame.native_of(native)
    )


@pytest.fixture(scope="module")
def explanation(case):
    return explain_by("medfocus", SpotLvlm(key="spot"), case)


def test_every_concept_and_group_is_there_with_its_drop_the_most_costly_first(case, explanation):
    trials = trials_of(explanation, case)
    drops = explanation.explained.attribution.concept_drops
    assert {trial.name: trial.drop for trial in trials} == drops
    assert [trial.drop for trial in trials] == sorted(drops.values(), reverse=True)
    assert {trial.name for trial in trials if trial.is_group} == {
        "lungs", "clavicles", "hilar structures", "costophrenic angles",
    }  # fmt: skip
    [chosen] = [trial for trial in trials if trial.chosen]
    assert chosen.name == explanation.explained.attribution.concept
    assert chosen.kept == pytest.approx(math.exp(-chosen.drop))


@pytest.mark.parametrize(
    ("method", "measure"),
    [
        ("medfocus_plus", "nats for each 1,000 hidden pixels"),
        ("medfocus_smallest", "hidden pixels, the fewest first"),
    ],
)
def test_what_decides_by_another_rule_is_told_and_stands_first_and_delta_stays(case, method, measure):
    explanation = explain_by(method, SpotLvlm(key="spot"), case)
    trials, evidence = trials_of(explanation, case), explanation.explained.attribution
    assert explanation.settings.rule.measure == measure
    assert trials[0].chosen and {trial.name for trial in trials if trial.score} == set(evidence.region_scores)
    areas = {trial.name: int((trial.picture != case.picture).sum()) for trial in trials}
    for trial in (trial for trial in trials if trial.score):
        assert trial.drop > explanation.settings.least_drop
        hidden = (
            float(trial.score.replace(",", ""))
            if method == "medfocus_smallest"
            else 1000 * trial.drop / float(trial.score)
        )
        assert areas[trial.name] <= hidden * 1.02, "a black pixel that is hidden stays as it was"


def test_the_pictures_are_those_that_were_asked_and_asking_them_again_gives_the_drop(case, explanation):
    lvlm = SpotLvlm(key="spot")
    whole = lvlm.log_probs([case.picture], case.prompt, case.response)[0]
    for trial in trials_of(explanation, case):
        [again] = lvlm.log_probs([trial.picture], case.prompt, case.response)
        assert np.maximum(whole - again, 0).sum() == pytest.approx(trial.drop, abs=1e-5)
        box = localize("uot", case.picture).boxes.get(trial.name)
        if box is not None:
            x0, y0, x1, y1 = (round(value) for value in box.xyxy)
            outside = np.ones(case.picture.shape, bool)
            outside[y0:y1, x0:x1] = False
            np.testing.assert_array_equal(trial.picture[outside], case.picture[outside])
            assert not trial.picture[~outside].any()


def test_words_join_to_the_response_and_add_up_to_the_drop_in_every_trial(case, explanation):
    for trial in trials_of(explanation, case):
        assert [word.text for word in trial.words] == ["Yes,", " it", " is"]
        assert sum(word.drop for word in trial.words) == pytest.approx(trial.drop)


def test_a_word_is_taken_by_the_region_that_cost_it_most_and_by_none_where_it_lost_nothing(case, explanation):
    trials = trials_of(explanation, case)
    assert taken_by(trials) == [0, 0, 0], "every word rests on the spot, and the first trial hides most of it"
    unmoved = explain_by("medfocus", SpotLvlm(key="spot", loss=0.0), case)
    assert taken_by(trials_of(unmoved, case)) == [None, None, None]


def test_a_method_that_hides_no_regions_tried_nothing(case):
    assert trials_of(explain_by("occlusion", SpotLvlm(key="spot"), case, settings=Occlusion()), case) == []
