"""A short training ends in a folder that opens; the same recipe gives the same bytes."""

from __future__ import annotations

import json

import pytest
import torch
from rich.console import Console

from medground_bench.anatomy.view.shipped import load_finder
from medground_bench.anatomy.view.views import View
from medground_bench.core.errors import SourceMissing
from medground_bench.training.view.train import ViewRecipe, batch, learn, pool_of, train

RECIPE = ViewRecipe(
    projections=1,
    phantoms=2,
    laterals=1,
    bellies=1,
    calibration_projections=1,
    calibration_phantoms=1,
    steps=2,
)
QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("view")
    train(RECIPE, folder / "out", folder / "work", QUIET)
    return folder


def test_the_folder_opens_and_says_how_it_was_made(finished):
    finder = load_finder(finished / "out")
    record = json.loads((finished / "out" / "training.json").read_text())
    assert record["recipe"]["steps"] == 2 and finder.least_odds == record["least_odds"]


def test_the_same_recipe_gives_the_same_network(finished):
    again = learn(RECIPE, pool_of(RECIPE, finished / "work"), QUIET).state_dict()
    kept = load_finder(finished / "out").net.state_dict()
    assert all(torch.equal(kept[name], again[name]) for name in kept if "num_batches" not in name)


def test_every_view_is_in_every_batch_standardised(finished):
    seen, views = batch(pool_of(RECIPE, finished / "work"), torch.Generator().manual_seed(3))
    assert seen.shape == (len(views), 1, 64, 64) and set(views.tolist()) == set(range(len(View)))
    assert seen.mean((1, 2, 3)).abs().max() < 1e-3


def test_weights_that_are_not_the_recorded_ones_are_refused(finished, tmp_path):
    for file in (finished / "out").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes()[:-1] + b" ")
    with pytest.raises(SourceMissing, match=r"model\.safetensors is damaged"):
        load_finder(tmp_path)
    with pytest.raises(SourceMissing, match=r"network of views's .* is not in .*training\.view\.train"):
        load_finder(tmp_path / "nowhere")
