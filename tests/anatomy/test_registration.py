"""Laying a reference over a picture: a known move is found again, and the parts say what they promise."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medground_bench.anatomy.atlas import phantom_atlas
from medground_bench.anatomy.registration import CELLS, KNOTS, Chests, Pullback, _fit, air_of, register
from medground_bench.core.concepts import CONCEPTS

SIDE = 224
LUNGS = [CONCEPTS.index("left lung"), CONCEPTS.index("right lung")]


@pytest.fixture(scope="module")
def shown() -> np.ndarray:
    return phantom_atlas().pictures[5]


@pytest.fixture(scope="module")
def lungs() -> np.ndarray:
    return phantom_atlas().masks[5, LUNGS].any(0)


def centres() -> torch.Tensor:
    """(x, y) of every cell, by torch's own grid."""
    return torch.nn.functional.affine_grid(
        torch.eye(2, 3, dtype=torch.float64)[None], [1, 1, CELLS, CELLS], align_corners=False
    )[0]


def affine(matrix: list[list[float]]) -> torch.Tensor:
    return torch.tensor(matrix, dtype=torch.float64)


def test_the_shift_of_a_picture_is_found_to_a_few_pixels(shown: np.ndarray, lungs: np.ndarray) -> None:
    right_px, down_px = -12, 16
    moved = np.roll(shown, (down_px, right_px), (0, 1))
    pullback = register(Chests.of(shown[None], lungs[None]), moved)
    rows, columns = np.nonzero(np.roll(lungs, (down_px, right_px), (0, 1)))
    places = pullback.places(SIDE)[0].numpy()[rows, columns]
    came_from = (places + 1) / 2 * SIDE - 0.5
    shift = np.stack([columns, rows], 1) - came_from
    assert shift.mean(0) == pytest.approx((right_px, down_px), abs=3)
    assert np.abs(shift - (right_px, down_px)).mean() < 5


def test_an_identity_carries_images_over_unchanged_and_a_pull_back_says_where_from() -> None:
    image = torch.rand(1, 2, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    still = torch.zeros(1, 2, KNOTS, KNOTS, dtype=torch.float64)
    same = Pullback(affine([[1, 0, 0], [0, 1, 0]])[None], still)
    assert torch.allclose(same.carried(image, 8), image)
    from_the_right = Pullback(affine([[1, 0, 0.25], [0, 1, 0]])[None], still)  # a cell of 8 is 0.25 of -1..1
    carried = from_the_right.carried(image, 8)
    assert torch.allclose(carried[..., :-1], image[..., 1:]) and not carried[..., -1].any()
    bent = Pullback(same.affine, still + torch.tensor([0.25, 0.0], dtype=torch.float64)[:, None, None])
    assert torch.allclose(bent.carried(image, 8), carried)


def test_a_fit_gives_back_an_affine_map_and_without_shear_only_its_scale_and_shift() -> None:
    """Up to the slight pull towards the identity."""
    true = affine([[1.2, 0.3, 0.1], [-0.2, 0.9, -0.05]])
    places = centres()
    displacement = places @ true[:, :2].T + true[:, 2] - places
    weights = torch.ones(CELLS, CELLS, dtype=torch.float64)
    identity = torch.eye(2, 3, dtype=torch.float64)
    pulled = _fit(displacement, weights, free=True)
    spread = float((places[..., 0] ** 2).mean())
    expected = identity + (true - identity) * torch.tensor([spread / (spread + 0.05)] * 2 + [1.0]).double()
    assert torch.allclose(pulled, expected)
    scaled = _fit(displacement, weights, free=False)
    assert torch.allclose(scaled, expected * affine([[1, 0, 1], [0, 1, 1]]))


def test_lungs_hold_more_air_than_what_surrounds_them_and_black_bars_none(
    shown: np.ndarray, lungs: np.ndarray
) -> None:
    barred = np.zeros_like(shown)
    barred[:, 40:184] = shown[:, 40:184]
    air = air_of(barred[None])
    amount, content = air.amount[0].numpy(), air.content[0].numpy()
    assert not content[:, :5].any() and not amount[:, :5].any() and not amount[:, 23:].any()
    share = lungs.reshape(CELLS, 8, CELLS, 8).mean((1, 3))
    inside, outside = (share > 0.9) & (content > 0.9), (share < 0.1) & (content > 0.9)
    assert amount[inside].mean() > 2 * amount[outside].mean()
