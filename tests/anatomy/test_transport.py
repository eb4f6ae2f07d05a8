"""Separable transport against POT's dense solver, brute force and laws."""

from typing import Any

import numpy as np
import ot
import pytest
import torch

from medground_bench.anatomy.transport import Transport, TransportSettings, cost_percentile, solve
from medground_bench.errors import MethodFailed

CELLS = 9
TIGHT: dict[str, Any] = {"tolerance": 1e-13, "max_iterations": 20000}


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(7)
    rows, columns = np.mgrid[:CELLS, :CELLS]
    blob = np.exp(-((rows - 3) ** 2 + (columns - 5) ** 2) / 9)
    reference = blob + 0.3 * rng.random((CELLS, CELLS))
    target = np.roll(blob, (2, -2), (0, 1)) * 1.4 + 0.3 * rng.random((CELLS, CELLS))
    reference[:2], target[:, :3] = 0, 0
    return torch.tensor(reference), torch.tensor(target)


def dense(picture: torch.Tensor, threshold: float = 0.02) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates and masses of the support, written out."""
    values = picture.numpy()
    values = (values - values.min()) / (values.max() - values.min())
    places = np.argwhere(values > threshold)
    mass = values[places[:, 0], places[:, 1]]
    return places.astype(float), mass / mass.sum()


def dense_plan(
    reference: torch.Tensor, target: torch.Tensor, epsilon: float, weight: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    x, a = dense(reference)
    y, b = dense(target)
    distances = ((x[:, None] - y[None]) ** 2).sum(-1)
    cost = distances / np.percentile(distances, 90)
    with pytest.warns(UserWarning, match="entropy"):
        plan = ot.unbalanced.sinkhorn_unbalanced(
            a, b, cost, epsilon, weight, reg_type="entropy", numItermax=20000, stopThr=1e-14
        )
    return x.astype(int), y.astype(int), distances, plan


@pytest.mark.parametrize("weight", [0.01, 0.1, 1.0])
@pytest.mark.parametrize("epsilon", [0.005, 0.05, 0.5])
def test_plan_cost_and_pushed_mass_equal_the_dense_solver_over_the_papers_table_7(
    pair: tuple[torch.Tensor, torch.Tensor], epsilon: float, weight: float
) -> None:
    reference, target = pair
    x, y, distances, plan = dense_plan(reference, target, epsilon, weight)
    settings = TransportSettings(epsilon=epsilon, marginal_weight=weight, **TIGHT)
    transport = solve(reference[None], target[None], settings)

    everything = torch.ones(1, 1, CELLS, CELLS, dtype=torch.float64)
    received = transport.push(everything)[0, 0].numpy()
    np.testing.assert_allclose(received[y[:, 0], y[:, 1]], plan.sum(0), rtol=1e-6)
    assert received.sum() == pytest.approx(plan.sum(), rel=1e-6)
    assert transport.cost().item() == pytest.approx((plan * distances).sum(), rel=1e-6)

    region = torch.zeros_like(everything)
    region[..., 3:6, 4:8] = 1
    inside = region[0, 0].numpy()[x[:, 0], x[:, 1]] > 0
    pushed = transport.push(region)[0, 0].numpy()
    np.testing.assert_allclose(pushed[y[:, 0], y[:, 1]], plan[inside].sum(0), rtol=1e-6)
    u, k, v = transport.reference_scaling[0], transport.kernel[0], transport.target_scaling[0]
    np.testing.assert_allclose((u * (k @ v @ k)).numpy()[x[:, 0], x[:, 1]], plan.sum(1), rtol=1e-6)


@pytest.mark.parametrize("quantile", [0.0, 0.37, 0.9, 1.0])
def test_the_cost_percentile_equals_numpys_on_the_whole_cost_matrix(quantile: float) -> None:
    rng = np.random.default_rng(3)
    supports = rng.random((2, 4, 7, 7)) < np.array([0.2, 0.5, 0.9, 1.0])[:, None, None]
    supports[:, :, 0, 0] = True
    found = cost_percentile(torch.tensor(supports[0]), torch.tensor(supports[1]), quantile)
    for ours, one, other in zip(found, *supports, strict=True):
        x, y = np.argwhere(one), np.argwhere(other)
        cost = ((x[:, None] - y[None]) ** 2).sum(-1)
        assert ours.item() == pytest.approx(np.percentile(cost, 100 * quantile), abs=1e-9)


def test_identical_pictures_are_transported_close_to_the_identity(
    pair: tuple[torch.Tensor, torch.Tensor],
) -> None:
    picture = pair[0]
    settings = TransportSettings(epsilon=0.005, marginal_weight=1.0, **TIGHT)
    transport = solve(picture[None], picture[None], settings)
    cell = torch.zeros(1, 1, CELLS, CELLS, dtype=torch.float64)
    cell[..., 4, 5] = 1
    received = transport.push(cell)[0, 0]
    assert divmod(int(received.argmax()), CELLS) == (4, 5)
    torch.testing.assert_close(transport.reference_scaling, transport.target_scaling, rtol=1e-9, atol=0)


def test_a_batch_equals_singles_and_one_target_serves_all_references(
    pair: tuple[torch.Tensor, torch.Tensor],
) -> None:
    reference, target = pair
    references = torch.stack([reference, reference.flip(0), reference.T + 0.1])
    batch = solve(references, target[None], TransportSettings())
    for number, one in enumerate(references):
        single = solve(one[None], target[None], TransportSettings())
        assert single.iterations[0] == batch.iterations[number]
        torch.testing.assert_close(batch.reference_scaling[number], single.reference_scaling[0])
        torch.testing.assert_close(batch.cost()[number], single.cost()[0])


def test_mass_pushed_from_parts_adds_up_to_mass_pushed_from_the_whole(
    pair: tuple[torch.Tensor, torch.Tensor],
) -> None:
    transport: Transport = solve(pair[0][None], pair[1][None], TransportSettings())
    share = torch.rand(CELLS, CELLS, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    parts = transport.push(torch.stack([share, 1 - share])[None])[0]
    whole = transport.push(torch.ones(1, 1, CELLS, CELLS, dtype=torch.float64))[0, 0]
    torch.testing.assert_close(parts.sum(0), whole)
    assert parts.min() >= 0


def test_brighter_or_offset_pictures_give_the_same_transport(
    pair: tuple[torch.Tensor, torch.Tensor],
) -> None:
    reference, target = pair
    plain = solve(reference[None], target[None], TransportSettings())
    shifted = solve(3 * reference[None] + 40, 0.5 * target[None], TransportSettings())
    torch.testing.assert_close(plain.cost(), shifted.cost())


@pytest.mark.parametrize(
    "changed", [{"epsilon": 0.2}, {"marginal_weight": 1.0}, {"support_threshold": 0.3}, {"max_iterations": 2}]
)
def test_every_setting_changes_the_result(
    pair: tuple[torch.Tensor, torch.Tensor], changed: dict[str, Any]
) -> None:
    plain = solve(pair[0][None], pair[1][None], TransportSettings())
    other = solve(pair[0][None], pair[1][None], TransportSettings(**changed))
    assert abs(plain.cost().item() - other.cost().item()) > 1e-9


def test_a_looser_tolerance_stops_earlier(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    loose = solve(pair[0][None], pair[1][None], TransportSettings(tolerance=1e-2))
    assert loose.iterations < solve(pair[0][None], pair[1][None], TransportSettings()).iterations


def test_a_picture_without_contrast_is_refused() -> None:
    flat, other = torch.full((1, 5, 5), 80.0), torch.arange(25.0).view(1, 5, 5)
    with pytest.raises(MethodFailed, match="same grey"):
        solve(other, flat, TransportSettings())


def test_an_epsilon_out_of_range_is_refused_rather_than_answered() -> None:
    reference, target = torch.zeros(1, 30, 30), torch.zeros(1, 30, 30)
    reference[:, :2, :2], target[:, -2:, -2:] = 1, 1
    with pytest.raises(MethodFailed, match="epsilon"):
        solve(reference, target, TransportSettings(epsilon=1e-4))
