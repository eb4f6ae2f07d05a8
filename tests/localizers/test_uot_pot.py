"""uot by another solver: the same reference, the same regions."""

import pytest

from medground_bench.anatomy.atlas import phantom_atlas
from medground_bench.core.types import Picture
from medground_bench.localizers.uot import Uot
from medground_bench.localizers.uot_pot import UotPot
from medground_bench.phantom.scene import Scene

COARSE = {"selection_cells": 7, "transfer_cells": 14}
SEED = 6_000_300


def agree(picture: Picture, **cells: int) -> None:
    ours, pots = Uot(**cells).localize(picture), UotPot(**cells).localize(picture)
    assert ours.reference == pots.reference and ours.missing == pots.missing
    for concept, mask in ours.masks.items():
        other = pots.masks[concept]
        assert (mask & other).sum() > 0.999 * (mask | other).sum()


@pytest.mark.parametrize("turned", [False, True], ids=["upright", "on its side"])
@pytest.mark.parametrize("seed", range(SEED, SEED + 3))
def test_reference_and_masks_are_those_of_the_separable_solver(seed: int, turned: bool) -> None:
    picture = Scene.sample(seed).render(224)
    agree(picture.T.copy() if turned else picture, **COARSE)


def test_reference_and_masks_are_the_same_at_the_papers_grids() -> None:
    agree(Scene.sample(SEED).render(224))


def test_it_is_uot_with_its_solver_named() -> None:
    assert UotPot().solver == "pot" and Uot().solver == "separable"
    picture = phantom_atlas().pictures[6]
    own = Uot(solver="pot", references=2, **COARSE).localize(picture)
    assert own.boxes == UotPot(references=2, **COARSE).localize(picture).boxes
    with pytest.raises(ValueError, match="solver is 'sinkhorn'; it must be separable or pot"):
        Uot(solver="sinkhorn")
