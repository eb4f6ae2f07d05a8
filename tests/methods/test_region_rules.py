"""The rules of MedFocus' variants: against oracles, and on LVLMs that a large region deceives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations

import numpy as np
import pytest
import torch

from medground_bench import plugins
from medground_bench.anatomy.regions import regions_of_boxes, touched_pixels, touched_slices
from medground_bench.core.errors import MedgroundError
from medground_bench.core.types import Box, Case, Frame, Mask, Picture, Response
from medground_bench.lvlms import REMEMBERED, Need, open_lvlm
from medground_bench.methods._region_rules import (
    DropOverControl,
    DropPerArea,
    HiddenRegions,
    LargestDrop,
    ShapleyDrop,
    SmallestRegion,
    moved_masks,
)
from medground_bench.methods.medfocus import WHOLE_IMAGE, MedFocus
from medground_bench.phantom.exact_edits import original
from medground_bench.pictures import to_study
from tests.kit.method_cases import own_case

SIDE = 66
STUDY = Frame("study", SIDE, SIDE)
PICTURE = Box(0, 0, SIDE, SIDE, STUDY)
SPOT = Box(30, 44, 36, 50, STUDY)
LEFT, RIGHT = Box(36, 4, 62, 60, STUDY), Box(2, 4, 28, 60, STUDY)


@dataclass
class AreaLvlm:
    """Loses `by_area` nats for the share of the picture that is black, and `by_spot` for that of a spot: the truth."""

    by_area: float
    by_spot: float = 2.0
    spot: Box = SPOT
    gives: frozenset[Need] = frozenset({Need.LOG_PROBS})
    calls: list[list[bytes]] = field(default_factory=list)

    def log_probs(self, pictures: Sequence[Picture], prompt: str, response: Response) -> np.ndarray:
        self.calls.append([picture.tobytes() for picture in pictures])
        spot = touched_slices(self.spot)
        lost = [
            self.by_area * (picture == 0).mean() + self.by_spot * (picture[spot] == 0).mean()
            for picture in pictures
        ]
        return -np.array(lost, np.float32)[:, None]


def grey_case(prompt: str = "?") -> Case:
    response = Response("Yes", (4,), ("Yes",))
    picture = np.full((SIDE, SIDE), 200, np.uint8)
    return Case("phantom/1/nodule@x:direct", "nodule", prompt, response, picture, Frame.native(500, 500))


def winner(name: str, lvlm: AreaLvlm, boxes: dict[str, Box]) -> str | None:
    method = plugins.load("methods", name)()
    return method.attribute_regions(lvlm, grey_case(), regions_of_boxes(boxes, STUDY)).concept


BESIDE = {"left lung": LEFT, "right lung": RIGHT, "mediastinum": SPOT}
"""The spot is a concept of its own between two large ones that show nothing."""

WITHIN = {"left lung": Box(20, 4, 62, 60, STUDY), "right lung": RIGHT, "left hilar structures": SPOT}
"""The spot is a concept of its own within a large one."""


@pytest.mark.parametrize(
    "name", ["medfocus_no_groups", "medfocus_per_area", "medfocus_over_control", "medfocus_shapley"]
)
def test_where_every_hidden_pixel_costs_a_little_the_papers_rule_names_the_largest_region_and_this_the_true_one(
    name: str,
) -> None:
    lvlm = AreaLvlm(by_area=4.0)
    assert winner("medfocus", lvlm, BESIDE) == "lungs"
    assert winner(name, lvlm, BESIDE) == "mediastinum"


@pytest.mark.parametrize("name", ["medfocus_per_area", "medfocus_over_control", "medfocus_smallest"])
def test_of_two_regions_that_hide_the_truth_the_papers_rule_names_the_larger_and_this_the_tighter(
    name: str,
) -> None:
    lvlm = AreaLvlm(by_area=0.2)
    assert winner("medfocus", lvlm, WITHIN) == "lungs"
    assert winner(name, lvlm, WITHIN) == "left hilar structures"


def test_a_region_that_costs_no_more_than_as_large_a_one_elsewhere_is_no_evidence() -> None:
    lvlm = AreaLvlm(by_area=4.0, by_spot=0.0)
    assert winner("medfocus", lvlm, BESIDE) == "lungs"
    assert winner("medfocus_over_control", lvlm, BESIDE) == WHOLE_IMAGE


def test_a_small_region_that_does_not_matter_never_wins_by_its_size() -> None:
    """Its 36 pixels cost 0.2 nats, more a pixel than the 2912 that cost 0.5, but too little to be evidence."""
    assert winner("medfocus_per_area", AreaLvlm(by_area=0.8, by_spot=0.2), BESIDE) == "lungs"


def hidden_regions(masks: Sequence[Mask], cost: Callable[[Sequence[Mask]], np.ndarray]) -> HiddenRegions:
    return HiddenRegions(masks, cost(masks), touched_slices(PICTURE), cost)


def boxes_of(rng: np.random.Generator, count: int) -> list[Mask]:
    corners = rng.integers(0, 40, (count, 2))
    sizes = rng.integers(4, 24, (count, 2))
    return [
        touched_pixels(Box(x, y, x + width, y + height, STUDY))
        for (x, y), (width, height) in zip(corners.tolist(), sizes.tolist(), strict=True)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_drop_per_area_and_the_smallest_region_against_a_search_by_hand(seed: int) -> None:
    rng = np.random.default_rng(seed)
    masks, drops = boxes_of(rng, 9), rng.uniform(0, 3, 9)
    drops[rng.integers(9)] = 0.95 * drops.max()
    regions = HiddenRegions(masks, drops, touched_slices(PICTURE), lambda _masks: np.zeros(0))
    densest = max(range(9), key=lambda each: drops[each] / masks[each].sum())
    assert DropPerArea().weigh(regions).scores.argmax() == densest
    enough = [each for each in range(9) if drops[each] >= 0.9 * max(drops)]
    smallest = min(enough, key=lambda each: masks[each].sum())
    assert SmallestRegion(keeping=0.9).weigh(regions).scores.argmax() == smallest


@pytest.mark.parametrize("seed", range(3))
def test_a_control_has_the_size_of_its_region_lies_in_the_picture_and_covers_little_of_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    content = (slice(0, SIDE), slice(10, 56))
    for mask in boxes_of(rng, 6):
        mask[:, :10] = mask[:, 56:] = False
        moved = list(moved_masks(mask, content, 5, rng))
        assert [each.sum() for each in moved] == [mask.sum()] * 5
        assert not any(each[:, :10].any() or each[:, 56:].any() for each in moved)
        if mask.any() and mask.sum() < SIDE * 46 / 8:
            assert not any((each & mask).any() for each in moved)


def test_the_drop_over_control_is_what_a_region_costs_beyond_the_cost_of_its_size() -> None:
    spot = touched_pixels(SPOT)

    def cost(masks: Sequence[Mask]) -> np.ndarray:
        return np.array([3.0 * mask.mean() + 2.0 * (mask & spot).sum() / spot.sum() for mask in masks])

    regions = hidden_regions([touched_pixels(box) for box in (RIGHT, SPOT)], cost)
    beyond = DropOverControl(controls=4).weigh(regions).nats
    assert beyond[1] == pytest.approx(2.0)
    assert -2.0 <= beyond[0] <= 1e-12
    assert DropOverControl(controls=4, seed=1).weigh(regions).nats[0] != beyond[0]


def random_game(masks: Sequence[Mask], seed: int) -> Callable[[Sequence[Mask]], np.ndarray]:
    """Overlaps and a saturation make regions depend on each other."""
    weights = np.random.default_rng(seed).uniform(0, 0.02, (SIDE, SIDE))

    def cost(others: Sequence[Mask]) -> np.ndarray:
        return np.array([np.tanh((weights * mask).sum()) + 0.5 * np.sqrt(mask.mean()) for mask in others])

    return cost


def brute_force(masks: Sequence[Mask], cost: Callable[[Sequence[Mask]], np.ndarray]) -> np.ndarray:
    """The mean over all orders of what each region adds to those hidden before it."""
    values, orders = np.zeros(len(masks)), list(permutations(range(len(masks))))
    for order in orders:
        before = np.zeros((SIDE, SIDE), bool)
        for member in order:
            after = before | masks[member]
            values[member] += (cost([after]) - (cost([before]) if before.any() else 0.0))[0]
            before = after
    return values / len(orders)


@pytest.mark.parametrize("count", [1, 2, 4, 5])
def test_shapley_values_of_few_regions_are_exact(count: int) -> None:
    masks = boxes_of(np.random.default_rng(count), count)
    cost = random_game(masks, count)
    asked: list[Mask] = []

    def counted(others: Sequence[Mask]) -> np.ndarray:
        asked.extend(others)
        return cost(others)

    values = ShapleyDrop(permutations=10).weigh(hidden_regions(masks, counted)).nats
    assert values == pytest.approx(brute_force(masks, cost), abs=1e-12)
    assert len(asked) == 2**count - 1


def test_shapley_values_of_eleven_regions_agree_with_captum_and_add_up_to_what_all_cost_together() -> None:
    from captum.attr import ShapleyValueSampling

    masks = boxes_of(np.random.default_rng(11), 11)
    cost = random_game(masks, 11)

    def worth(players: torch.Tensor) -> torch.Tensor:
        unions = [
            np.any([masks[i] for i in np.flatnonzero(row)] or [masks[0] & False], axis=0) for row in players
        ]
        return torch.from_numpy(np.where([u.any() for u in unions], cost(unions), 0.0))

    torch.manual_seed(0)
    captum = ShapleyValueSampling(worth).attribute(torch.ones(1, 11), n_samples=300)[0].numpy()
    regions = hidden_regions(masks, cost)
    exact, many, few, again, other = (
        ShapleyDrop(permutations=permutations, seed=seed).weigh(regions).nats
        for permutations, seed in ((200, 0), (100, 0), (10, 0), (10, 0), (10, 1))
    )
    assert exact == pytest.approx(captum, abs=0.03)
    assert many == pytest.approx(exact, abs=0.06) and np.abs(few - exact).mean() < 0.1
    assert few.sum() == pytest.approx(cost([np.any(masks, axis=0)])[0])
    assert np.array_equal(few, again) and not np.array_equal(few, other)


@pytest.mark.parametrize("place", range(4))
def test_a_winner_is_narrowed_to_the_quadrant_that_carries_the_response_in_eight_pictures(place: int) -> None:
    x, y = (36 + 15 * (place % 2), 4 + 28 * (place // 2))
    lvlm = AreaLvlm(by_area=0.1, spot=Box(x, y, x + 8, y + 8, STUDY))
    method = plugins.load("methods", "medfocus_quadrants")()
    found = method.attribute_regions(lvlm, grey_case(), regions_of_boxes(BESIDE, STUDY))
    assert found.concept == "left lung" and sum(map(len, lvlm.calls)) == 1 + 3 + 8
    x0, y0 = 36 + 13 * (place % 2), 4 + 28 * (place // 2)
    assert [box.xyxy for box in found.boxes] == [(x0, y0, x0 + 13, y0 + 28)]


def test_a_winner_whose_evidence_lies_across_its_quadrants_keeps_its_box_and_a_group_its_boxes() -> None:
    method = plugins.load("methods", "medfocus_quadrants")()
    across = AreaLvlm(by_area=0.1, spot=Box(42, 20, 56, 44, STUDY))
    assert method.attribute_regions(across, grey_case(), regions_of_boxes(BESIDE, STUDY)).boxes == (LEFT,)
    in_both = replace(method, groups=True, rule=LargestDrop())
    found = in_both.attribute_regions(AreaLvlm(by_area=4.0), grey_case(), regions_of_boxes(BESIDE, STUDY))
    assert (found.concept, found.boxes) == ("lungs", (LEFT, RIGHT))


@pytest.mark.parametrize("name", ["medfocus_over_control", "medfocus_shapley", "medfocus_quadrants"])
def test_another_question_about_a_picture_asks_the_same_pictures_in_calls_that_are_remembered(
    name: str,
) -> None:
    first, second = AreaLvlm(by_area=4.0), AreaLvlm(by_area=4.0)
    method = plugins.load("methods", name)()
    for lvlm, prompt in ((first, "Is there a nodule?"), (second, "Is there a mass?")):
        method.attribute_regions(lvlm, grey_case(prompt), regions_of_boxes(BESIDE, STUDY))
    assert first.calls == second.calls and max(map(len, first.calls)) <= REMEMBERED


def test_medfocus_itself_is_the_papers_to_the_last_digit() -> None:
    """Equation 3 and the choice written out again, on the embedded Gemma 3 and one call, as the paper batches it."""
    lvlm = open_lvlm("phantom_gemma3", device="cpu")
    case = own_case(lvlm, picture=to_study(original("4000001")).picture)
    method = MedFocus(localizer="mean_box")
    found = method.attribute(lvlm, case, np.random.default_rng(0))
    hidden = method.counterfactuals(case)
    log_probs = lvlm.log_probs([case.picture, *hidden.values()], case.prompt, case.response).astype(float)
    deltas = np.maximum(log_probs[0] - log_probs[1:], 0).sum(axis=1)
    assert dict(found.concept_drops) == dict(zip(hidden, deltas.tolist(), strict=True)) and len(hidden) == 15
    best = list(hidden)[deltas.argmax()]
    assert found.concept == (best if np.exp(-deltas.max()) < 0.75 else WHOLE_IMAGE)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: DropOverControl(controls=0),
        lambda: ShapleyDrop(permutations=3),
        lambda: ShapleyDrop(permutations=0),
        lambda: SmallestRegion(keeping=0),
        lambda: SmallestRegion(keeping=1.1),
    ],
)
def test_a_setting_of_a_rule_that_makes_no_sense_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(MedgroundError, match=r"needs|share"):
        wrong()
