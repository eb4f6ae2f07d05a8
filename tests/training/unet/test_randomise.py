from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool2d

from medground_bench.core.concepts import CONCEPTS
from medground_bench.training.unet.patients import patient
from medground_bench.training.unet.randomise import Dice, _bend, _collimate, _organs, randomise

SIDE = 96


@pytest.fixture(scope="module")
def phantoms():
    scenes = [patient(seed) for seed in range(6)]
    masks = [np.stack([scene.concept_masks(SIDE)[concept] for concept in CONCEPTS]) for scene in scenes]
    pictures = np.stack([scene.render(SIDE) for scene in scenes])
    return torch.from_numpy(pictures), torch.from_numpy(np.stack(masks)).float()


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_same_seed_gives_the_same_batch_and_another_seed_another(phantoms):
    one, again, other = (randomise(*phantoms, rng(seed)) for seed in (1, 1, 2))
    assert torch.equal(one[0], again[0]) and torch.equal(one[1], again[1])
    assert not torch.equal(one[0], other[0]) and not torch.equal(one[1], other[1])


def test_pictures_stay_grey_values_and_targets_stay_shares(phantoms):
    pictures, targets = randomise(*phantoms, rng())
    assert pictures.shape == (6, 1, SIDE, SIDE) and targets.shape == (6, len(CONCEPTS), SIDE, SIDE)
    for values in (pictures, targets):
        assert values.isfinite().all() and values.min() >= 0 and values.max() <= 1


def test_a_picture_bends_with_its_masks(phantoms):
    lung = phantoms[1][:, [CONCEPTS.index("left lung")]]
    bent, targets = _bend(lung, lung, Dice(6, rng()))
    moved, apart = (targets - lung).abs().mean(), (bent - targets).abs().mean()
    assert moved > 0.02
    assert apart < 0.02 * moved, "only where the lung leaves the picture, which goes on outside it"


def test_what_lies_under_a_bar_is_no_target():
    white = torch.ones(40, 1, SIDE, SIDE)
    shown, targets = _collimate(white, white, Dice(40, rng()))
    barred = shown < 1
    assert barred.any() and not barred.all()
    assert not targets[barred].any() and targets[~barred].all()


def test_organs_change_their_grey_one_by_one(phantoms):
    heart, lung = CONCEPTS.index("cardiac silhouette"), CONCEPTS.index("right lung")
    cells = avg_pool2d(phantoms[1], 2)
    grey = torch.full((6, 1, SIDE, SIDE), 0.5)
    change = avg_pool2d(_organs(grey, cells, Dice(6, rng(5))) - grey, 2)[:, 0]
    only_lung = (cells[:, lung] > 0.9) & (cells.sum(dim=1) < 1.1)
    only_heart = (cells[:, heart] > 0.9) & (cells[:, lung] == 0)
    apart = [change[i][only_lung[i]].mean() - change[i][only_heart[i]].mean() for i in range(6)]
    assert torch.stack(apart).std() > 0.05
