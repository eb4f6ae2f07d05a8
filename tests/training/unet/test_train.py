"""A short training ends in a folder that opens; one that was stopped ends in the same bytes as one that was not."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from rich.console import Console

from medground_bench.anatomy.unet.shipped import load_net
from medground_bench.core.errors import SourceMissing
from medground_bench.training.unet import train as training
from medground_bench.training.unet.train import (
    TrainingCells,
    UnetRecipe,
    UnetTrainer,
    box_ious,
    overlap_loss,
    train,
)

RECIPE = UnetRecipe(
    training_phantoms=4,
    validation_phantoms=2,
    training_projections=2,
    validation_projections=1,
    phantom_share=0.5,
    steps=4,
    batch=2,
    warm_up_steps=1,
)
"""Of both kinds of pictures."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unet")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "CHECKPOINT_EVERY", 2)
        train(RECIPE, folder / "whole", folder / "work", Console(quiet=True), threads=torch.get_num_threads())
    return folder


def test_the_folder_opens_and_says_how_it_was_made(finished):
    logits = load_net(finished / "whole")(torch.rand(1, 64, 64))
    assert logits.isfinite().all()
    record = json.loads((finished / "whole" / "training.json").read_text())
    assert record["recipe"]["steps"] == 4 and record["seconds"] >= 0


def test_a_stopped_run_goes_on_and_ends_with_the_same_bytes(finished, monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_EVERY", 2)
    for checkpoint in (finished / "work").glob("unet-*"):
        checkpoint.unlink()
    learn, steps = UnetTrainer._learn, []

    def stop_in_the_third(self, pictures, targets):
        steps.append(self.step)
        if len(steps) == 3:
            raise KeyboardInterrupt
        return learn(self, pictures, targets)

    monkeypatch.setattr(UnetTrainer, "_learn", stop_in_the_third)
    arguments = (finished / "work", Console(quiet=True))
    with pytest.raises(KeyboardInterrupt):
        train(RECIPE, finished / "stopped", *arguments, threads=torch.get_num_threads())
    train(RECIPE, finished / "stopped", *arguments, threads=torch.get_num_threads())
    assert steps == [0, 1, 2, 2, 3]
    weights = [(finished / name / "model.safetensors").read_bytes() for name in ("whole", "stopped")]
    assert weights[0] == weights[1]


@pytest.mark.parametrize("spoil", ["exchange", "remove"])
def test_weights_that_are_not_the_recorded_ones_are_refused(finished, tmp_path, spoil):
    for file in (finished / "whole").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = tmp_path / "model.safetensors"
    if spoil == "exchange":
        weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    else:
        weights.unlink()
    with pytest.raises(SourceMissing, match=r"model\.safetensors"):
        load_net(tmp_path)


def test_the_rate_is_held_and_then_falls_to_nothing_whatever_the_number_of_steps():
    short, long = UnetRecipe(steps=1000), UnetRecipe(steps=2000)
    held = [training._rate_share(recipe, 500) for recipe in (short, long)]
    assert held == [1.0, 1.0]
    assert training._rate_share(short, 800) == pytest.approx(0.5)
    assert training._rate_share(short, 999) < 0.01
    assert training._rate_share(short, 9) == pytest.approx(0.1)


def test_the_loss_is_nothing_for_the_truth_and_an_absent_concept_costs_only_where_it_is_seen():
    targets = torch.zeros(1, 2, 8, 8)
    targets[:, 0, :4] = 1
    truth = (targets * 2 - 1) * 30
    assert overlap_loss(truth, targets) < 1e-6
    seen = truth.clone()
    seen[:, 1, 0, 0] = 1.0
    assert overlap_loss(seen, targets) == pytest.approx(2 * math.log(1 + math.e) / 128, rel=1e-3)
    assert overlap_loss(-truth, targets) > 1


def test_box_iou_by_hand(monkeypatch):
    class Pictures:
        pictures = np.zeros((1, 224, 224), np.uint8)

        def __len__(self):
            return 1

        def masks(self, rows):
            masks = np.zeros((1, 11, 224, 224), np.uint8)
            masks[0, 0, 10:30, 10:30] = masks[0, 1, :5, :5] = 1
            return masks

    class Net:
        def eval(self):
            return self

        def __call__(self, pictures):
            logits = torch.full((1, 11, 224, 224), -1.0)
            logits[0, 0, 20:40, 10:30] = 1
            return logits

    ious = box_ious(Net(), Pictures())
    assert ious[0, :2].tolist() == [pytest.approx(1 / 3), 0.0]
    assert np.isnan(ious[0, 2:]).all()


def test_a_batch_has_of_every_kind_as_many_as_the_recipe_says():
    kinds = [(count, TrainingCells(*cells_of(grey))) for count, grey in ((1, 60), (3, 200))]
    pictures, targets = UnetTrainer(replace(RECIPE, batch=4), Console(quiet=True))._batch(kinds, step=0)
    assert pictures.shape == (4, 1, 112, 112) and targets.shape == (4, 11, 112, 112)
    covered = targets[:, 0].mean((1, 2))  # the phantom's concept covers everything, the renders' nothing
    assert covered[0] > 0.3 and (covered[1:] == 0).all()


def cells_of(grey):
    """Two pictures of one grey; the darker kind is covered by the first concept."""
    pictures = torch.full((2, 112, 112), grey, dtype=torch.uint8)
    cells = torch.zeros((2, 11, 112, 112), dtype=torch.uint8)
    cells[:, 0] = 4 if grey < 100 else 0
    return pictures, cells


@pytest.mark.parametrize("name", ["phantom_unet", "film_unet"])
def test_both_shipped_networks_have_a_recipe_by_the_name_of_their_localizer(name):
    recipe = training.RECIPES[name]
    assert recipe.steps == 12000
    assert (recipe.training_projections, recipe.phantom_share) == {"phantom_unet": (0, 1.0)}.get(
        name, (4000, 0.25)
    )
