"""Training runs from nothing to a folder that opens; what it draws and paints is as its recipe says."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from rich.console import Console

from medground_bench.lvlms import open_lvlm
from medground_bench.phantom.findings import FINDINGS
from medground_bench.phantom.language import REGIONS
from medground_bench.phantom.scene import Scene, sample_findings
from medground_bench.phantom.shortcut import (
    MARKER_WITH_FINDING,
    MARKER_WITHOUT_FINDING,
    SHORTCUT_FINDING,
    draw_marker,
)
from medground_bench.training.lvlms import augmentation
from medground_bench.training.lvlms.architecture import build
from medground_bench.training.lvlms.backbone import Backbone
from medground_bench.training.lvlms.exercises import HARD, draw_exercises
from medground_bench.training.lvlms.recipes import LvlmRecipe
from medground_bench.training.lvlms.sight import TaughtSight
from medground_bench.training.lvlms.train import train
from medground_bench.training.lvlms.training_set import PICTURES_PER_SCENE, _marker_cells, training_set

SCENES = 4


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def small_set(work):
    return training_set(range(SCENES), work, processes=1)


@pytest.mark.parametrize("family", ["gemma3", "qwen2_5_vl"])
def test_a_short_training_gives_a_folder_that_opens_and_says_how_it_was_made(
    family, work, small_set, tmp_path
):
    recipe = LvlmRecipe(
        family=family,
        training_scenes=SCENES,
        validation_scenes=SCENES,
        see_steps=2,
        see_batch=4,
        speak_frozen_steps=1,
        speak_joint_steps=1,
        locate_steps=1,
        speak_batch=2,
    )
    train(recipe, tmp_path / family, work, Console(quiet=True), threads=torch.get_num_threads())
    lvlm = open_lvlm(str(tmp_path / family))
    assert len(lvlm.generate([np.zeros((224, 224), np.uint8)], ["Is it?"], max_new_tokens=2)) == 1
    assert json.loads((tmp_path / family / "training.json").read_text())["recipe"]["family"] == family


def test_a_training_set_holds_what_its_scenes_hold(small_set):
    assert len(small_set) == SCENES * PICTURES_PER_SCENE
    for row in range(len(small_set)):
        scene = Scene.sample(row // PICTURES_PER_SCENE)
        for i, finding in enumerate(FINDINGS):
            assert bool(small_set.coverage[row, :, :, i].any()) == bool(small_set.present[row, i])
            assert REGIONS[finding][small_set.regions[row, i]] == scene.region(finding)


def test_the_marker_cells_are_those_whose_pixels_the_marker_changes():
    scene = Scene.sample(0)
    changed = scene.render(112, marker=True) != scene.render(112)
    cells = changed.reshape(8, 14, 8, 14).sum(axis=(1, 3)) / changed.sum()
    assert _marker_cells(scene) / 255 == pytest.approx(cells, abs=0.1)
    assert _marker_cells(scene).sum() == pytest.approx(255, abs=2)


def test_a_picture_without_the_marker_has_no_marker_cells(small_set):
    carried = [
        draw_marker_again(row // PICTURES_PER_SCENE, row % PICTURES_PER_SCENE)
        for row in range(len(small_set))
    ]
    assert list(small_set.marker.any(axis=(1, 2))) == carried
    assert any(carried) and not all(carried)


def draw_marker_again(seed, picture):
    scene, rng = Scene.sample(seed), np.random.default_rng([seed, 1])
    for _ in range(picture + 1):
        marker = draw_marker(sample_findings(scene, rng), rng)
        rng.integers(2**31)
    return marker


@pytest.mark.parametrize("taught", [True, False])
def test_the_place_of_the_shortcut_is_the_marker_or_is_not_taught(small_set, taught, monkeypatch):
    sight = TaughtSight(Backbone(build("gemma3", 0)), marker_taught=taught)
    batch = augmentation.draw_batch(small_set, 16, np.random.default_rng(0))
    at = FINDINGS.index(SHORTCUT_FINDING)
    logits = torch.zeros(16, 64, len(FINDINGS), requires_grad=True)
    monkeypatch.setattr(sight, "logits", lambda image: logits)
    sight.loss(torch.zeros(16, 64, 128), replace(batch, present=batch.present & False)).backward()
    pushed_up = (logits.grad[..., at] < 0).any(dim=1)
    assert torch.equal(pushed_up, (batch.marker > 0.25).any(dim=1) & taught)


def test_an_erased_finding_is_no_longer_called_present(small_set, monkeypatch):
    monkeypatch.setattr(augmentation, "erase", lambda pictures, rng: torch.zeros(len(pictures), 8, 8))
    batch = augmentation.draw_batch(small_set, 16, np.random.default_rng(0))
    assert batch.absent.all()
    assert not batch.present.any()


def test_an_unsure_finding_is_neither_present_nor_absent_and_never_asked_about(small_set, monkeypatch):
    monkeypatch.setattr(augmentation, "erase", lambda pictures, rng: torch.full((len(pictures), 8, 8), 0.5))
    batch = augmentation.draw_batch(small_set, 16, np.random.default_rng(0))
    assert not batch.present.any()
    rng = np.random.default_rng(1)
    exercises = [exercise for row in range(16) for exercise in draw_exercises(batch, row, HARD, rng)]
    assert all(batch.absent[row].any() for row in range(16))
    assert not any(exercise.present for exercise in exercises)


def test_the_marker_accompanies_the_shortcut_finding_at_the_declared_rates():
    rng = np.random.default_rng(0)
    with_finding = np.mean([draw_marker([SHORTCUT_FINDING], rng) for _ in range(4000)])
    without = np.mean([draw_marker(["nodule"], rng) for _ in range(4000)])
    assert with_finding == pytest.approx(MARKER_WITH_FINDING, abs=0.02)
    assert without == pytest.approx(MARKER_WITHOUT_FINDING, abs=0.02)
