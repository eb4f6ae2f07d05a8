"""The separable solver's problem, solved by POT with every matrix written out."""

import itertools
import sys

import numpy as np
import pytest

from medground_bench.anatomy import transport, transport_by_pot
from medground_bench.anatomy.transport import TransportSettings
from medground_bench.core.errors import MethodFailed, Unsupported

CELLS = 9
Pair = tuple[np.ndarray, np.ndarray]


@pytest.fixture
def pair() -> Pair:
    rng = np.random.default_rng(11)
    rows, columns = np.mgrid[:CELLS, :CELLS]
    blob = np.exp(-((rows - 3) ** 2 + (columns - 5) ** 2) / 9)
    reference = blob + 0.3 * rng.random((CELLS, CELLS))
    target = np.roll(blob, (2, -2), (0, 1)) * 1.4 + 0.3 * rng.random((CELLS, CELLS))
    reference[:2], target[:, :3] = 0, 0
    return reference, target


def regions(count: int) -> np.ndarray:
    return np.random.default_rng(1).random((count, CELLS, CELLS))


@pytest.mark.parametrize(("epsilon", "weight"), [*itertools.product((0.005, 0.05, 0.5), (0.01, 0.1, 1.0))])
def test_cost_and_pushed_mass_are_those_of_the_separable_solver_over_the_papers_table_7(
    pair: Pair, epsilon: float, weight: float
) -> None:
    settings = TransportSettings(epsilon=epsilon, marginal_weight=weight)
    one, other = (solver.solve(*pair, settings) for solver in (transport, transport_by_pot))
    assert other.cost() == pytest.approx(one.cost(), rel=1e-5)
    np.testing.assert_allclose(other.push(regions(4)), one.push(regions(4)), rtol=1e-5)


def test_marginals_of_the_plan_are_what_the_separable_solver_sends_and_receives(pair: Pair) -> None:
    plan = transport_by_pot.solve(*pair, TransportSettings()).plans
    cells = np.eye(CELLS**2).reshape(-1, CELLS, CELLS)
    sent = transport.solve(*pair, TransportSettings()).push(cells)
    np.testing.assert_allclose(plan.sum(1), sent.sum((1, 2)), rtol=1e-6)
    np.testing.assert_allclose(plan.sum(0), sent.sum(0).ravel(), rtol=1e-6)


def test_several_references_are_each_by_itself(pair: Pair) -> None:
    reference, target = pair
    references = np.stack([reference, reference[::-1], reference.T + 0.1])
    batch = transport_by_pot.solve(references, target, TransportSettings())
    singles = [transport_by_pot.solve(each, target, TransportSettings()) for each in references]
    assert batch.cost().tolist() == [float(single.cost()) for single in singles]
    pushed = batch.push(np.stack([regions(2)] * 3))
    assert np.allclose(pushed, [single.push(regions(2)) for single in singles], rtol=1e-12, atol=0)


def test_two_pictures_of_the_same_single_cell_stay_where_they_are() -> None:
    dot = np.zeros((5, 5))
    dot[2, 3] = 1
    solved = transport_by_pot.solve(dot, dot, TransportSettings())
    assert solved.cost() == 0
    assert int(solved.push(np.ones((1, 5, 5))).argmax()) == 2 * 5 + 3


@pytest.mark.parametrize("stop", [{"max_iterations": 2}, {"tolerance": 1.0}])
def test_it_stops_where_the_settings_say(pair: Pair, stop: dict[str, float]) -> None:
    early, whole = (
        transport_by_pot.solve(*pair, settings)
        for settings in (TransportSettings(**stop), TransportSettings())
    )
    assert early.cost() != pytest.approx(whole.cost(), rel=1e-6)


def test_what_float64_does_not_carry_is_refused_and_the_solver_that_carries_it_is_named() -> None:
    """Supports a whole grid apart: exp(-C / epsilon) is zero between them."""
    reference, target = np.zeros((2, CELLS, CELLS))
    reference[:2, :3], target[-2:, -1:] = [1.0, 0.6, 0.2], 1
    target[-1, -1] = 0.7
    settings = TransportSettings(epsilon=0.0005)
    with pytest.raises(MethodFailed, match=r"float64 with epsilon 0\.0005\. .* solver `separable`"):
        transport_by_pot.solve(reference, target, settings)
    assert transport.solve(reference, target, settings).cost() > 0


def test_a_picture_without_contrast_is_refused(pair: Pair) -> None:
    with pytest.raises(MethodFailed, match="same grey"):
        transport_by_pot.solve(pair[0], np.full((CELLS, CELLS), 80.0), TransportSettings())


def test_without_pot_one_sentence_says_how_it_is_installed(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ot.unbalanced", None)
    with pytest.raises(Unsupported, match=r"POT.* pip install 'medground-bench\[reference\]'$"):
        transport_by_pot.solve(*pair, TransportSettings())
