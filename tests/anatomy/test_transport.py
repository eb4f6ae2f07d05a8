"""Separable transport against POT's dense solver, brute force and laws."""

import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import ot
import pytest
import torch

from medground_bench.anatomy.transport import Transport, TransportSettings, cost_percentile, solve
from medground_bench.core.errors import MethodFailed

CELLS = 9
TIGHT: dict[str, Any] = {"tolerance": 1e-13, "max_iterations": 4000}


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
            a, b, cost, epsilon, weight, reg_type="entropy", numItermax=4000, stopThr=1e-14
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
    u, k, v = transport.log_u[0].exp(), transport.kernel.factors[0], transport.log_v[0].exp()
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
    settings = TransportSettings(epsilon=0.005, marginal_weight=1.0, tolerance=1e-9, max_iterations=3000)
    transport = solve(picture[None], picture[None], settings)
    cell = torch.zeros(1, 1, CELLS, CELLS, dtype=torch.float64)
    cell[..., 4, 5] = 1
    received = transport.push(cell)[0, 0]
    assert divmod(int(received.argmax()), CELLS) == (4, 5)
    torch.testing.assert_close(transport.log_u, transport.log_v, rtol=0, atol=1e-6)


def test_a_batch_equals_singles_and_one_target_serves_all_references(
    pair: tuple[torch.Tensor, torch.Tensor],
) -> None:
    reference, target = pair
    references = torch.stack([reference, reference.flip(0), reference.T + 0.1])
    batch = solve(references, target[None], TransportSettings())
    for number, one in enumerate(references):
        single = solve(one[None], target[None], TransportSettings())
        assert single.iterations[0] == batch.iterations[number]
        torch.testing.assert_close(batch.log_u[number], single.log_u[0])
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


@pytest.mark.parametrize(
    "setting",
    [
        {"epsilon": -0.05},
        {"epsilon": 0.0},
        {"marginal_weight": float("inf")},
        {"marginal_weight": float("nan")},
        {"support_threshold": 1.0},
    ],
)
def test_settings_without_a_meaning_are_refused_by_name(setting: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(setting))):
        TransportSettings(**setting)


def test_a_looser_tolerance_stops_earlier(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    loose = solve(pair[0][None], pair[1][None], TransportSettings(tolerance=1e-2))
    assert loose.iterations < solve(pair[0][None], pair[1][None], TransportSettings()).iterations


def test_a_picture_without_contrast_is_refused() -> None:
    flat, other = torch.full((1, 5, 5), 80.0), torch.arange(25.0).view(1, 5, 5)
    with pytest.raises(MethodFailed, match="same grey"):
        solve(other, flat, TransportSettings())


def corners(cells: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Hard: most mass is close together, some is a whole grid apart, so that exp(-C / epsilon) is zero there."""
    reference, target = torch.zeros(cells, cells).double(), torch.zeros(cells, cells).double()
    reference[:3, :3], target[1:4, :3] = 1, 1
    reference[0, 0], target[2, 1] = 0.4, 0.7
    reference[-1, -1] = 0.2
    return reference, target


def apart(cells: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Hard: supports that do not touch."""
    reference, target = torch.zeros(cells, cells).double(), torch.zeros(cells, cells).double()
    reference[:2, :3], target[-2:, -1:] = torch.tensor([[1.0, 0.6, 0.2]] * 2), 1
    return reference, target


def whole_plan(
    reference: torch.Tensor, target: torch.Tensor, settings: TransportSettings
) -> tuple[Transport, np.ndarray, np.ndarray]:
    """The transport, squared distances of its two supports, and its plan: what each cell by itself sends."""
    (x, _), (y, _) = dense(reference), dense(target)
    transport = solve(reference.numpy(), target.numpy(), settings)
    one_by_one = np.zeros((len(x), *reference.shape))
    one_by_one[range(len(x)), x[:, 0].astype(int), x[:, 1].astype(int)] = 1
    plan = transport.push(one_by_one)[:, y[:, 0].astype(int), y[:, 1].astype(int)]
    return transport, ((x[:, None] - y[None]) ** 2).sum(-1), plan


def a_column_and_a_far_cell(_: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Hard: the far cell has so far to go that v outgrows what a kernel of zero stands for, and nothing is NaN."""
    reference = torch.zeros(28, 28).double()
    reference[5:22, 22:24] = 1
    target = reference.clone()
    reference[0, 0] = target[27, 0] = 1
    return reference, target


@pytest.mark.parametrize(
    ("pictures", "weight", "epsilon"),
    [
        *itertools.product([corners, apart], [0.01, 0.1, 1.0], [0.0005, 0.005, 0.05, 0.5]),
        (a_column_and_a_far_cell, 0.1, 0.005),
    ],
)
def test_plans_of_hard_pictures_satisfy_the_conditions_of_the_one_minimum(
    pictures: Callable[[int], tuple[torch.Tensor, torch.Tensor]], weight: float, epsilon: float
) -> None:
    """The problem is convex, so the plan at which the objective's gradient vanishes is the plan."""
    reference, target = pictures(CELLS)
    settings = TransportSettings(
        epsilon=epsilon, marginal_weight=weight, tolerance=1e-11, max_iterations=20000
    )
    transport, distances, plan = whole_plan(reference, target, settings)
    (_, a), (_, b) = dense(reference), dense(target)
    sent, received = (weight * np.log(plan.sum(axis) / mass) for axis, mass in ((1, a), (0, b)))
    with np.errstate(divide="ignore"):
        entropy = epsilon * np.log(plan)
    gradient = distances / np.percentile(distances, 90) + entropy + sent[:, None] + received[None]
    np.testing.assert_allclose(gradient[plan > 1e-300], 0, atol=1e-6 * max(epsilon, weight))
    assert transport.cost().item() == pytest.approx((plan * distances).sum(), rel=1e-8, abs=1e-30)


@pytest.mark.parametrize("epsilon", [0.005, 0.05])
def test_the_factor_between_u_and_v_spares_most_steps_where_marginals_weigh_much(
    pair: tuple[torch.Tensor, torch.Tensor], epsilon: float
) -> None:
    """The plain iteration, written out, against ours: steps until u stands to 1e-6 of the solution."""
    (x, a), (y, b) = dense(pair[0]), dense(pair[1])
    distances = ((x[:, None] - y[None]) ** 2).sum(-1)
    kernel = np.exp(-distances / np.percentile(distances, 90) / epsilon)
    u, v, plain, before = np.ones_like(a), np.ones_like(b), 0, np.zeros_like(a)
    while abs(u - before).sum() > 1e-6 * u.sum():
        before, plain = u, plain + 1
        u = (a / (kernel @ v)) ** (1 / (1 + epsilon))
        v = (b / (kernel.T @ u)) ** (1 / (1 + epsilon))
    settings = TransportSettings(epsilon=epsilon, marginal_weight=1.0, max_iterations=4000)
    assert 3 * solve(*pair, settings).iterations < plain


@pytest.mark.parametrize(
    ("epsilon", "weight"),
    [(0.005, 0.01), *((epsilon, w) for epsilon in (0.05, 0.5) for w in (0.01, 0.1, 1.0))],
)
def test_plans_equal_pots_stabilised_solver_over_the_papers_table_7(
    pair: tuple[torch.Tensor, torch.Tensor], epsilon: float, weight: float
) -> None:
    """At epsilon 0.005 with weight 0.1 and 1 POT 0.9.7's stabilised plan is 40% and 97% off POT's own plain one,
    with which we are compared above."""
    (_, a), (_, b) = dense(pair[0]), dense(pair[1])
    settings = TransportSettings(epsilon=epsilon, marginal_weight=weight, **TIGHT)
    _, distances, ours = whole_plan(*pair, settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plan = ot.unbalanced.sinkhorn_stabilized_unbalanced(
            a, b, distances / np.percentile(distances, 90), epsilon, weight, reg_type="entropy",
            numItermax=500, stopThr=1e-14,
        )  # fmt: skip
    np.testing.assert_allclose(ours, plan, rtol=1e-5, atol=1e-12)


def test_a_hard_picture_in_a_batch_changes_nothing_for_the_others(
    pair: tuple[torch.Tensor, torch.Tensor],
) -> None:
    hard, settings = corners(CELLS), TransportSettings(epsilon=0.0005)
    batch = solve(torch.stack([pair[0], hard[0]]), torch.stack([pair[1], hard[1]]), settings)
    for number, (reference, target) in enumerate([pair, hard]):
        single = solve(reference, target, settings)
        torch.testing.assert_close(batch.cost()[number], single.cost(), rtol=1e-12, atol=0)
        assert batch.iterations[number] == single.iterations


def test_all_pairs_of_references_and_targets_in_one_solve(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    references = torch.stack([pair[0], pair[0].flip(0), pair[0].T + 0.1])
    targets = torch.stack([pair[1], pair[1].flip(1)])
    every = solve(references[:, None], targets, TransportSettings())
    region = torch.rand(4, CELLS, CELLS, generator=torch.Generator().manual_seed(1))
    pushed = every.push(region.expand(3, 2, -1, -1, -1))
    assert every.cost().shape == (3, 2) and pushed.shape == (3, 2, 4, CELLS, CELLS)
    for row, reference in enumerate(references):
        for column, target in enumerate(targets):
            single = solve(reference, target, TransportSettings())
            torch.testing.assert_close(every.cost()[row, column], single.cost(), rtol=1e-12, atol=0)
            torch.testing.assert_close(pushed[row, column], single.push(region), rtol=1e-12, atol=1e-30)


def test_a_region_without_mass_pushes_nothing(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    pushed = solve(*pair, TransportSettings()).push(torch.zeros(1, CELLS, CELLS))
    assert torch.equal(pushed, torch.zeros(1, CELLS, CELLS, dtype=torch.float64))


def test_two_pictures_of_the_same_single_cell_stay_where_they_are() -> None:
    dot = torch.zeros(5, 5)
    dot[2, 3] = 1
    transport = solve(dot, dot, TransportSettings())
    assert transport.cost() == 0
    assert int(transport.push(torch.ones(1, 5, 5)).argmax()) == 2 * 5 + 3


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_refused(value: float) -> None:
    broken = torch.arange(25.0).view(5, 5)
    broken[2, 2] = value
    with pytest.raises(MethodFailed, match="NaN or infinite"):
        solve(broken, torch.arange(25.0).view(5, 5), TransportSettings())


@pytest.mark.parametrize("epsilon", [0.0005, 0.05])
def test_numpy_arrays_give_what_tensors_give_and_stay_numpy(
    pair: tuple[torch.Tensor, torch.Tensor], epsilon: float
) -> None:
    hard, settings = corners(CELLS), TransportSettings(epsilon=epsilon)
    references, targets = torch.stack([pair[0], hard[0]]), torch.stack([pair[1], hard[1]])
    one, other = solve(references, targets, settings), solve(references.numpy(), targets.numpy(), settings)
    share = torch.rand(2, 3, CELLS, CELLS, generator=torch.Generator().manual_seed(1))
    pairs = (
        (one.cost(), other.cost()),
        (one.push(share), other.push(share.numpy())),
        (one.log_u, other.log_u),
        (one.iterations, other.iterations),
    )
    for tensor, array in pairs:
        assert isinstance(tensor, torch.Tensor) and isinstance(array, np.ndarray)
        np.testing.assert_allclose(array, tensor.numpy(), rtol=1e-9, atol=1e-30)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_gives_what_the_processor_gives(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    for reference, target in (pair, corners(CELLS)):
        here = solve(reference, target, TransportSettings(epsilon=0.0005))
        there = solve(reference.cuda(), target.cuda(), TransportSettings(epsilon=0.0005))
        assert there.cost().is_cuda
        torch.testing.assert_close(there.cost().cpu(), here.cost())
