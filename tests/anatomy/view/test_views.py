"""The shipped network of views: what it says of phantoms and renders, and what its records say of it."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from medground_bench.anatomy.trained_weights import RECORD, WEIGHTS
from medground_bench.anatomy.view import view_notes, view_of
from medground_bench.anatomy.view.shipped import MODEL
from medground_bench.anatomy.view.views import View
from medground_bench.cards.view import EXAMINATION, card
from medground_bench.phantom import seeds
from medground_bench.phantom.scene import Scene
from medground_bench.pictures import to_study
from medground_bench.training.radiograph.renders import HELD_OUT
from medground_bench.training.view.examine import SPOILED, spoiled
from medground_bench.training.view.other_renders import laterals
from medground_bench.training.view.train import RECIPE, ViewRecipe

CARD = Path(__file__).parents[3] / "model_cards" / "view.md"


@pytest.fixture(scope="module")
def upright():
    return [to_study(Scene.sample(seed).native()).picture for seed in seeds.EXAMPLES[10:14]]


@pytest.fixture(scope="module")
def examined():
    return json.loads((MODEL / EXAMINATION).read_text("utf-8"))


@pytest.fixture(scope="module")
def trained():
    return json.loads((MODEL / RECORD).read_text("utf-8"))


@pytest.mark.parametrize("kind", SPOILED)
def test_a_phantom_is_called_what_was_made_of_it(upright, kind):
    assert {view_of(picture) for picture in spoiled(upright, kind)} == {SPOILED[kind][0]}


def test_a_lateral_render_is_called_one_whichever_way_it_faces(tmp_path):
    one, other = laterals(HELD_OUT[:1], tmp_path)
    assert view_of(one) is view_of(other[:, ::-1]) is View.LATERAL


def test_only_what_is_not_upright_is_said_and_with_what_to_do(upright):
    picture = upright[0]
    assert view_notes(picture) == ()
    [sentence] = view_notes(np.ascontiguousarray(picture[:, ::-1]))
    assert "looks mirrored" in sentence and "flip it, unless the patient has situs inversus" in sentence


def test_without_torch_nothing_is_said(upright, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert view_notes(np.ascontiguousarray(upright[0][:, ::-1])) == ()


@pytest.mark.parametrize("bars", [(0, 0), (60, 0), (0, 60)])
def test_neither_bars_nor_size_decide(upright, bars):
    down, across = bars
    wide = np.pad(upright[0], ((down, down), (across, across)))
    assert view_of(to_study(wide, 160).picture) is View.FRONTAL
    assert view_of(to_study(wide[:, ::-1], 160).picture) is View.MIRRORED


def test_a_black_picture_is_no_chest_and_no_error():
    assert isinstance(view_of(np.zeros((224, 224), np.uint8)), View)


def test_the_weights_are_small_and_those_that_were_trained_and_examined(examined, trained):
    weights = (MODEL / WEIGHTS).read_bytes()
    assert len(weights) <= 150_000
    assert hashlib.sha256(weights).hexdigest() == examined["weights_sha256"] == trained["weights_sha256"]


def test_the_shipped_weights_were_trained_with_the_recipe_of_the_command(trained):
    assert ViewRecipe(**trained["recipe"]) == RECIPE


def test_the_card_is_what_the_records_say(examined, trained):
    assert CARD.read_text("utf-8") == card(trained, examined)


KINDS = ("mirrored", "inverted", "turned", "shuffled", "lateral", "belly", "drawn")
GROUPS = ("renders", "benchmark", "patients")


@pytest.mark.parametrize("group", GROUPS)
def test_upright_pictures_that_nothing_was_learned_from_raise_a_false_alarm_in_at_most_1_of_100(
    examined, group
):
    assert examined[group]["upright"]["warned"] <= 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_views_are_called_by_their_name_in_99_of_100_renders_and_phantoms(examined, kind):
    told = [examined[group][kind] for group in GROUPS if kind in examined[group]]
    assert told and all(row["recognised"] >= 0.99 for row in told)


def test_small_parts_are_told_of_in_98_of_100_and_called_so_in_95(examined):  # 99 was aimed at
    for row in (examined[group]["a small part"] for group in GROUPS):
        assert row["warned"] >= 0.98 and row["recognised"] >= 0.95
