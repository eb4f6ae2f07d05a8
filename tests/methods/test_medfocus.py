"""MedFocus with an LVLM whose response depends, in a known way, on the brightness of a planted box."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from medground_bench.anatomy.regions import regions_of_boxes
from medground_bench.core.concepts import CONCEPTS, GROUPS, ConceptRegions
from medground_bench.core.errors import FrameMismatch, MedgroundError, MethodFailed
from medground_bench.core.geometry import content_box
from medground_bench.core.types import Attribution, Box, Case, Frame, Picture, Response
from medground_bench.lvlms import REMEMBERED, Need
from medground_bench.methods import open_method
from medground_bench.methods._region_rules import LargestDrop
from medground_bench.methods.medfocus import WHOLE_IMAGE, Fill, MedFocus, Region, positive_drops
from medground_bench.methods.medfocus_plus import MedFocusPlus
from tests.kit.rounding import rounding

SIDE = 66
STUDY = Frame("study", SIDE, SIDE)


@dataclass
class BrightnessLvlm:
    """Every token's log-probability is weight x mean brightness (0..1) of the planted pixels."""

    planted: Sequence[Box]
    weights: Sequence[float]
    gives: frozenset[Need] = frozenset({Need.LOG_PROBS})
    calls: list[int] = field(default_factory=list)

    def log_probs(self, pictures: Sequence[Picture], prompt: str, response: Response) -> NDArray[np.float32]:
        self.calls.append(len(pictures))
        rows = []
        for picture in pictures:
            pixels = [picture[int(b.y0) : int(b.y1), int(b.x0) : int(b.x1)].ravel() for b in self.planted]
            brightness = np.concatenate(pixels).mean() / 255 if pixels else 0.0
            rows.append([weight * brightness - 5 for weight in self.weights])
        return np.array(rows, np.float32)


def box_of(number: int) -> Box:
    """A 6 x 12 box in a column of its own for every concept."""
    return Box(6.0 * number, 20, 6.0 * number + 6, 32, STUDY)


REGIONS = regions_of_boxes({concept: box_of(number) for number, concept in enumerate(CONCEPTS)}, STUDY)


@pytest.fixture
def case() -> Case:
    picture = np.full((SIDE, SIDE), 200, np.uint8)
    response = Response("Yes .", (4, 5, 6), ("Yes", " ", "."))
    return Case("phantom/1/effusion@x:direct", "effusion", "?", response, picture, Frame.native(500, 500))


def attribute(lvlm: BrightnessLvlm, case: Case, method: MedFocus | None = None) -> Attribution:
    return (method or MedFocus()).attribute_regions(lvlm, case, REGIONS)


@pytest.mark.parametrize("concept", CONCEPTS)
def test_the_concept_that_covers_the_plant_wins(case: Case, concept: str) -> None:
    box = REGIONS.boxes[concept]
    found = attribute(BrightnessLvlm([box], [4, 0, 0]), case)
    assert found.concept == concept
    assert found.boxes == (box,)


@pytest.mark.parametrize("group", GROUPS)
def test_a_plant_in_both_members_makes_the_group_win_with_both_boxes(case: Case, group: str) -> None:
    boxes = tuple(REGIONS.boxes[member] for member in GROUPS[group])
    found = attribute(BrightnessLvlm(boxes, [4, 0, 0]), case)
    assert found.concept == group
    assert found.boxes == boxes


def test_no_plant_falls_back_to_the_picture_inside_its_letterbox(case: Case) -> None:
    portrait = replace(case, native=Frame.native(300, 600))
    found = attribute(BrightnessLvlm([], [4, 0, 0]), portrait)
    assert found.concept == WHOLE_IMAGE
    assert found.boxes == (content_box(portrait),)
    assert found.boxes[0].width == SIDE / 2
    assert not found.token_drops
    assert found.concept_drops["lungs"] == 0


@pytest.mark.parametrize(("kept", "concept"), [(0.76, WHOLE_IMAGE), (0.74, "left lung")])
def test_a_region_must_take_more_than_a_quarter_of_the_probability(
    case: Case, kept: float, concept: str
) -> None:
    weight = -np.log(kept) * 255 / 200
    assert attribute(BrightnessLvlm([REGIONS.boxes["left lung"]], [weight, 0, 0]), case).concept == concept


def test_delta_by_hand_counts_only_tokens_that_lost() -> None:
    log_probs = np.array([[-1.0, -2.0, -0.5], [-1.5, -1.0, -0.5], [-1.0, -4.0, -0.75]], np.float32)
    drops = positive_drops(log_probs)
    assert drops.tolist() == [[0.5, 0, 0], [0, 2, 0.25]]
    assert drops.sum(axis=1).tolist() == [0.5, 2.25]


def test_token_drops_add_up_to_delta_and_a_gaining_token_counts_nothing(case: Case) -> None:
    found = attribute(BrightnessLvlm([REGIONS.boxes["mediastinum"]], [2, -9, 1]), case)
    assert [drop.token for drop in found.token_drops] == ["Yes", " ", "."]
    assert [drop.drop for drop in found.token_drops] == pytest.approx(
        [2 * 200 / 255, 0, 200 / 255], abs=rounding(224 * 224)
    )
    assert sum(drop.drop for drop in found.token_drops) == found.concept_drops["mediastinum"]


def test_original_concepts_and_groups_go_through_the_lvlm_in_one_call(case: Case) -> None:
    lvlm = BrightnessLvlm([box_of(0)], [4, 0, 0])
    found = attribute(lvlm, case)
    assert lvlm.calls == [1 + 11 + 4]
    assert list(found.concept_drops) == [*CONCEPTS, *GROUPS]


def test_mean_fill_finds_darkness_that_zero_fill_cannot_hide(case: Case) -> None:
    box = REGIONS.boxes["right lung"]
    picture = case.picture.copy()
    picture[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = 0
    dark = replace(case, picture=picture)
    lvlm = BrightnessLvlm([box], [-4, 0, 0])
    assert attribute(lvlm, dark).concept == WHOLE_IMAGE
    assert attribute(lvlm, dark, MedFocus(fill=Fill.MEAN)).concept == "right lung"


def test_the_mean_leaves_the_letterbox_out(case: Case) -> None:
    picture = case.picture.copy()
    picture[:, :11], picture[:, -11:] = 0, 0
    box = box_of(5)
    lvlm = BrightnessLvlm([box], [4, 0, 0])
    portrait = replace(case, picture=picture, native=Frame.native(400, 600))
    assert attribute(lvlm, portrait, MedFocus(fill=Fill.MEAN)).concept_drops["left clavicle"] == 0


def test_missing_concepts_are_reported_and_leave_their_group(case: Case) -> None:
    boxes = {concept: box for concept, box in REGIONS.boxes.items() if concept != "left lung"}
    partial = regions_of_boxes(boxes, STUDY)
    found = MedFocus().attribute_regions(BrightnessLvlm([box_of(2)], [4, 0, 0]), case, partial)
    assert found.missing_concepts == ("left lung",)
    assert "left lung" not in found.concept_drops
    assert "lungs" not in found.concept_drops


def test_no_concept_at_all_not_a_number_and_another_frame_are_errors(case: Case) -> None:
    lvlm = BrightnessLvlm([box_of(0)], [4, 0, 0])
    with pytest.raises(MethodFailed, match=r"no anatomical concept"):
        MedFocus().attribute_regions(lvlm, case, ConceptRegions(STUDY, {}, {}, missing=CONCEPTS))
    with pytest.raises(MethodFailed, match="NaN"):
        attribute(BrightnessLvlm([box_of(0)], [float("nan"), 0, 0]), case)
    with pytest.raises(MethodFailed, match="no tokens"):
        attribute(BrightnessLvlm([], []), replace(case, response=Response("", (), ())))
    with pytest.raises(FrameMismatch):
        attribute(lvlm, replace(case, picture=np.zeros((50, 50), np.uint8)))


def test_a_lower_tau_accepts_less_and_the_localizer_is_chosen_by_name(case: Case) -> None:
    picture = case.picture.copy()
    picture[::7] = 20
    lvlm = BrightnessLvlm([Box(20, 25, 40, 50, STUDY)], [1, 0, 0])
    striped = replace(case, picture=picture)
    rng = np.random.default_rng(0)
    found = MedFocus(localizer="mean_box", tau=0.99).attribute(lvlm, striped, rng)
    assert found.concept != WHOLE_IMAGE
    assert MedFocus(localizer="mean_box", tau=0.01).attribute(lvlm, striped, rng).concept == WHOLE_IMAGE
    other = MedFocus(localizer="uot", tau=0.99).attribute(lvlm, striped, rng)
    assert dict(other.concept_drops) != dict(found.concept_drops)


def test_the_defaults_are_the_papers() -> None:
    paper = MedFocus()
    assert (paper.localizer, paper.region, paper.fill, paper.tau) == ("uot", "box", "zero", 0.75)
    assert (paper.rule, paper.groups, paper.quadrants) == (LargestDrop(), True, False)
    assert tuple(concept.name for concept in paper.concepts.concepts) == CONCEPTS
    assert {group.name: group.members for group in paper.concepts.groups} == dict(GROUPS)
    assert all(concept.as_found for concept in paper.concepts.concepts)


@pytest.mark.parametrize("tau", [0.0, 1.01, float("nan")])
def test_a_tau_that_is_no_share_of_a_probability_is_refused(tau: float) -> None:
    with pytest.raises(MedgroundError, match="share of the response's probability"):
        MedFocus(tau=tau)


def test_by_mask_only_the_mask_is_hidden_but_the_tight_box_is_reported(case: Case) -> None:
    box = REGIONS.boxes["left lung"]
    corner = Box(box.x0, box.y0, box.x0 + 2, box.y0 + 2, STUDY)
    masks = dict(REGIONS.masks) | {"left lung": REGIONS.masks["left lung"].copy()}
    masks["left lung"][int(corner.y0) : int(corner.y1), int(corner.x0) : int(corner.x1)] = False
    regions = replace(REGIONS, masks=masks)
    in_the_corner = BrightnessLvlm([corner], [4, 0, 0])
    by_box = MedFocus(region=Region.BOX).attribute_regions(in_the_corner, case, regions)
    by_mask = MedFocus(region=Region.MASK).attribute_regions(in_the_corner, case, regions)
    assert by_box.concept == "left lung" and by_mask.concept == WHOLE_IMAGE
    elsewhere = BrightnessLvlm([Box(box.x0 + 2, box.y0, box.x1, box.y1, STUDY)], [4, 0, 0])
    assert MedFocus(region=Region.MASK).attribute_regions(elsewhere, case, regions).boxes == (box,)


def test_another_vocabulary_hides_other_regions_and_reports_a_group_as_all_its_boxes(case: Case) -> None:
    left, right = REGIONS.boxes["left lung"], REGIONS.boxes["right lung"]
    apices = [Box(box.x0, box.y0, box.x1, box.y0 + 4, STUDY) for box in (left, right)]
    lvlm = BrightnessLvlm(apices, [4, 0, 0])
    zones = MedFocus(vocabulary="lung_zones")
    found = attribute(lvlm, case, zones)
    assert (found.concept, found.boxes) == ("upper zones", tuple(apices))
    assert attribute(lvlm, case).boxes == (left, right)
    assert len(found.concept_drops) == lvlm.calls[0] - 1 == 15 + 6
    assert attribute(BrightnessLvlm(apices[:1], [4, 0, 0]), case, zones).concept == "left upper zone"


def test_the_settings_tell_two_files_of_one_name_apart(tmp_path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("concepts: {left lung: , right lung: }\n")
    first = MedFocus(vocabulary=str(file))
    file.write_text("concepts: {left lung: , right lung: }\ngroups: {lungs: [left lung, right lung]}\n")
    assert repr(MedFocus(vocabulary=str(file))) != repr(first)
    assert repr(replace(first, tau=0.75)) == repr(MedFocus(vocabulary=str(file)))


def test_every_concept_and_group_costs_one_picture_and_missing_ones_are_named(case: Case, tmp_path) -> None:
    file = tmp_path / "grid.yaml"
    file.write_text(
        "concepts: {cell: {of: left lung, cells: [2, 3]}, apex: {of: mediastinum, rows: [0, 0.5]}}\n"
    )
    boxes = {concept: box for concept, box in REGIONS.boxes.items() if concept != "mediastinum"}
    lvlm = BrightnessLvlm([Box(10, 20, 12, 26, STUDY)], [4, 0, 0])
    found = MedFocus(vocabulary=str(file)).attribute_regions(lvlm, case, regions_of_boxes(boxes, STUDY))
    assert lvlm.calls == [1 + 6]
    assert (found.concept, found.boxes) == ("cell 1.3", (Box(10, 20, 12, 26, STUDY),))
    assert found.missing_concepts == ("apex",)


def test_a_large_vocabulary_goes_through_in_calls_that_are_remembered(case: Case, tmp_path) -> None:
    file = tmp_path / "grid.yaml"
    file.write_text("concepts: {cell: {of: mediastinum, cells: [6, 6]}}\n")
    wide = regions_of_boxes({"mediastinum": Box(0, 0, 66, 66, STUDY)}, STUDY)
    lvlm = BrightnessLvlm([Box(57, 57, 60, 60, STUDY)], [4, 0, 0])
    found = MedFocus(vocabulary=str(file)).attribute_regions(lvlm, case, wide)
    assert max(lvlm.calls) <= REMEMBERED and sum(lvlm.calls) == 1 + 36
    assert (found.concept, found.boxes) == ("cell 6.6", (Box(55, 55, 66, 66, STUDY),))


def test_medfocus_plus_differs_from_the_papers_in_the_localizer_the_rule_and_groups_alone(case: Case) -> None:
    differing = {name for name, value in vars(MedFocusPlus()).items() if value != getattr(MedFocus(), name)}
    assert differing == {"localizer", "rule", "groups"}
    lvlm = BrightnessLvlm([Box(20, 25, 40, 50, STUDY)], [1, 0, 0])
    rng = np.random.default_rng(0)
    picture = case.picture.copy()
    picture[::7] = 20
    ours, theirs = (
        method.attribute(lvlm, replace(case, picture=picture), rng)
        for method in (
            MedFocusPlus(localizer="mean_box", rule=LargestDrop(), groups=True),
            MedFocus(localizer="mean_box"),
        )
    )
    assert (ours.boxes, ours.concept_drops) == (theirs.boxes, theirs.concept_drops)


def test_medfocus_opens_by_name() -> None:
    lvlm = BrightnessLvlm([], [])
    assert isinstance(open_method("medfocus", lvlm), MedFocus)
