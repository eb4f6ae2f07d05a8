"""Grid and pixels: exact areas, no drift, and the smallest set that holds the mass."""

import itertools

import numpy as np
import pytest

from medground_bench.anatomy.grid import cell_averages, cells_to_pixels, mass_core


def test_blocks_are_averaged_when_cells_divide_the_side() -> None:
    values = np.random.default_rng(0).integers(0, 256, (3, 12, 12))
    expected = values.reshape(3, 4, 3, 4, 3).mean((2, 4))
    np.testing.assert_allclose(cell_averages(values, 4), expected)


@pytest.mark.parametrize("cells", [1, 3, 5, 7, 10])
def test_pixels_that_straddle_cells_are_shared_by_area(cells: int) -> None:
    values = np.random.default_rng(0).random((10, 10))
    fine = np.kron(values, np.ones((cells, cells)))
    expected = fine.reshape(cells, 10, cells, 10).mean((1, 3))
    np.testing.assert_allclose(cell_averages(values, cells), expected)
    assert cell_averages(values, cells).mean() == pytest.approx(values.mean())


def test_a_picture_that_is_not_square_is_refused() -> None:
    with pytest.raises(ValueError, match="20 x 10"):
        cell_averages(np.zeros((10, 20)), 5)


@pytest.mark.parametrize(("cells", "side"), [(56, 224), (14, 224), (5, 5), (56, 100)])
def test_cells_come_back_as_their_own_pixels(cells: int, side: int) -> None:
    chosen = np.random.default_rng(0).random((2, cells, cells)) < 0.3
    pixels = cells_to_pixels(chosen, side)
    assert pixels.shape == (2, side, side)
    if side % cells == 0:
        block = np.ones((side // cells, side // cells), bool)
        assert np.array_equal(pixels, np.stack([np.kron(mask, block) for mask in chosen]))
    assert np.array_equal(cell_averages(pixels, cells) > 0.5, chosen) or side % cells


def test_the_core_is_the_smallest_set_that_holds_the_share() -> None:
    mass = np.random.default_rng(2).random((3, 3))
    core = mass_core(mass, 0.75)
    assert mass[core].sum() >= 0.75 * mass.sum()
    smaller = itertools.combinations(mass.ravel(), int(core.sum()) - 1)
    assert max(sum(cells) for cells in smaller) < 0.75 * mass.sum()


def test_a_core_of_no_mass_is_empty_and_of_everything_is_every_cell_with_mass() -> None:
    assert not mass_core(np.zeros((4, 4)), 0.75).any()
    mass = np.array([[4.0, 0.0], [2.0, 2.0]])
    assert np.array_equal(mass_core(mass, 1.0), mass > 0)
    assert np.array_equal(mass_core(mass, 0.5), [[True, False], [False, False]])
    assert np.array_equal(mass_core(mass, 0.51), [[True, False], [True, False]])
