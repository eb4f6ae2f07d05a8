"""The phantom: exact counterfactuals, boxes that hold the change, the same look at every size."""

import copy
import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from medground_bench.core.concepts import CONCEPTS
from medground_bench.phantom.findings import FINDINGS
from medground_bench.phantom.scene import Scene, letterboxed, sample_findings

SEEDS = range(100, 112)
SIDE_PX = 112
HASHED = (
    "import hashlib; from medground_bench.phantom.scene import Scene; print(hashlib.sha256({}).hexdigest())"
)


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [Scene.sample(seed) for seed in SEEDS]


def outside(boxes, side_px=SIDE_PX):
    """Pixels in none of the boxes."""
    mask = np.ones((side_px, side_px), bool)
    for x0, y0, x1, y1 in boxes:
        mask[int(y0) : int(y1), int(x0) : int(x1)] = False
    return mask


def change(one, other):
    return np.abs(one.astype(int) - other.astype(int))


def kept_by_the_crop(scene, side_px=SIDE_PX):
    return letterboxed(np.ones((side_px, side_px), np.uint8), scene.native_width, scene.native_height) > 0


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_the_same_seed_gives_the_same_bytes_in_another_process(hash_seed):
    here = hashlib.sha256(Scene.sample(7).render(224).tobytes()).hexdigest()
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", HASHED.format("Scene.sample(7).render(224).tobytes()")]
    assert subprocess.check_output(command, env=environment, text=True).strip() == here


def test_a_scene_that_travelled_as_its_seed_draws_the_same_bytes(scenes):
    travelled = copy.deepcopy(scenes[0])  # as between processes: by __reduce__
    assert np.array_equal(travelled.render(64, FINDINGS), scenes[0].render(64, FINDINGS))


@pytest.mark.parametrize("side_px", [64, 112, 224, 1024])
def test_a_picture_is_a_uint8_square_of_the_side_asked_for(scenes, side_px):
    rendered = scenes[0].render(side_px, ["nodule"], marker=True)
    assert rendered.shape == (side_px, side_px)
    assert rendered.dtype == np.uint8


def test_rendering_is_pure_and_does_not_depend_on_the_order_of_the_findings(scenes):
    first = scenes[1].render(SIDE_PX, FINDINGS)
    scenes[1].render(SIDE_PX, ["nodule"])
    assert np.array_equal(scenes[1].render(SIDE_PX, FINDINGS[::-1]), first)
    assert np.array_equal(scenes[1].render(SIDE_PX, set(FINDINGS)), first)


def test_another_noise_seed_changes_only_the_noise(scenes):
    own, other = scenes[2].render(SIDE_PX), scenes[2].render(SIDE_PX, noise_seed=1)
    assert 0 < change(own, other).mean() < 8


def test_a_large_picture_scaled_down_looks_like_the_small_one(scenes):
    small, large = scenes[3].render(112).astype(float), scenes[3].render(448).astype(float)
    scaled = large.reshape(112, 4, 112, 4).mean(axis=(1, 3))
    assert abs(scaled.mean() - small.mean()) < 0.5
    assert (scaled - small).std() < 7  # two draws of noise of 1.6 % each


@pytest.mark.parametrize("finding", FINDINGS)
def test_a_finding_is_visible_and_all_of_it_lies_inside_its_boxes(scenes, finding):
    for scene in scenes:
        present, absent = scene.render(SIDE_PX, [finding]), scene.render(SIDE_PX)
        boxes = scene.finding_boxes(SIDE_PX, finding, [finding])
        assert 1 <= len(boxes) <= (2 if finding == "atelectasis" else 1)
        assert change(present, absent)[outside(boxes)].max() <= 8
        assert change(present, absent)[scene.finding_mask(SIDE_PX, finding, [finding])].mean() > 12
        assert np.mean(~outside(boxes)) < 0.35


@pytest.mark.parametrize("finding", FINDINGS)
def test_a_foreground_edit_inside_the_boxes_removes_the_finding_also_among_others(scenes, finding):
    for scene in scenes[:6]:
        findings = sample_findings(scene, np.random.default_rng(scene.seed), must=finding)
        present = scene.render(SIDE_PX, findings)
        absent = scene.render(SIDE_PX, [other for other in findings if other != finding])
        background = outside(scene.finding_boxes(SIDE_PX, finding, findings))
        assert change(np.where(background, present, absent), absent).max() <= 8


def test_a_finding_that_is_not_in_the_set_has_no_mask_and_no_boxes(scenes):
    assert not scenes[0].finding_mask(SIDE_PX, "nodule", ["pacemaker"]).any()
    assert scenes[0].finding_boxes(SIDE_PX, "nodule", ["pacemaker"]) == []


def test_boxes_of_two_sizes_agree_within_two_percent_of_the_picture(scenes):
    for scene in scenes[:4]:
        for finding in ("nodule", "cardiomegaly", "pacemaker", "aortic enlargement"):
            small, large = (np.array(scene.finding_boxes(px, finding, [finding])) / px for px in (112, 224))
            assert np.abs(small - large).max() < 0.02


def test_every_finding_lies_in_the_region_it_names(scenes):
    for scene in scenes:
        for finding in set(FINDINGS) - {"pacemaker"}:  # that one sits below the clavicle it names
            region = scene.region(finding)
            assert region in CONCEPTS
            support = scene.finding_mask(SIDE_PX, finding, [finding])
            named = scene.concept_masks(SIDE_PX, [finding])[region]
            assert (support & named).sum() >= 0.5 * min(support.sum(), named.sum())
        assert scene.region("pacemaker") in {"left clavicle", "right clavicle"}


def test_the_concepts_are_the_eleven_of_imagenome_with_left_at_image_right(scenes):
    for scene in scenes:
        masks = scene.concept_masks(SIDE_PX, ["cardiomegaly"])
        assert tuple(masks) == CONCEPTS
        assert all(mask.any() and mask.dtype == bool for mask in masks.values())
        union = masks["cardiac silhouette"] | masks["upper mediastinum"]
        assert np.array_equal(masks["mediastinum"], union)
        for part in ("lung", "clavicle", "hilar structures", "costophrenic angle"):
            left_x, right_x = (
                np.argwhere(masks[f"{side} {part}"])[:, 1].mean() for side in ("left", "right")
            )
            assert left_x > right_x
        assert masks["left costophrenic angle"].sum() < 0.15 * masks["left lung"].sum()


def test_cardiomegaly_widens_the_heart_beyond_half_of_the_chest(scenes):
    for scene in scenes:
        for findings, low, high in (((), 0.3, 0.5), (("cardiomegaly",), 0.5, 0.75)):
            masks = scene.concept_masks(SIDE_PX, findings)
            heart = np.flatnonzero(masks["cardiac silhouette"].any(axis=0))
            chest = np.flatnonzero((masks["left lung"] | masks["right lung"]).any(axis=0))
            assert low < np.ptp(heart) / np.ptp(chest) < high


def test_the_marker_changes_its_own_box_only_and_lies_outside_the_lungs_inside_the_crop(scenes):
    for scene in scenes:
        changed = change(scene.render(SIDE_PX, marker=True), scene.render(SIDE_PX))
        masks = scene.concept_masks(SIDE_PX)
        assert changed[outside([scene.marker_box(SIDE_PX)])].max() == 0
        assert changed.max() > 60
        assert not ((changed > 0) & (masks["left lung"] | masks["right lung"])).any()
        assert not ((changed > 0) & ~kept_by_the_crop(scene)).any()


def test_the_native_crop_keeps_both_lungs_and_every_finding(scenes):
    for scene in scenes:
        cut = ~kept_by_the_crop(scene)
        masks = scene.concept_masks(SIDE_PX)
        assert not (cut & (masks["left lung"] | masks["right lung"])).any()
        assert not any((cut & scene.finding_mask(SIDE_PX, finding, [finding])).any() for finding in FINDINGS)


def test_the_native_picture_is_the_centred_crop_with_boxes_and_masks_in_its_own_pixels(scenes):
    for scene in scenes[:5]:
        long_side = max(scene.native_width, scene.native_height)
        left, top = (long_side - scene.native_width) // 2, (long_side - scene.native_height) // 2
        square = scene.render(long_side, ["nodule"], marker=True)
        native = scene.native(["nodule"], marker=True)
        assert 224 <= long_side <= 336
        assert native.shape == (scene.native_height, scene.native_width)
        assert np.array_equal(
            native, square[top : top + scene.native_height, left : left + scene.native_width]
        )
        ((x0, y0, x1, y1),) = scene.native_boxes("nodule", ["nodule"])
        assert scene.finding_boxes(long_side, "nodule", ["nodule"]) == [
            (x0 + left, y0 + top, x1 + left, y1 + top)
        ]
        assert scene.native_concept_masks()["left lung"].shape == native.shape
        marker_x0, _, marker_x1, _ = scene.marker_box(long_side)
        assert left <= marker_x0 < marker_x1 <= left + scene.native_width


def test_native_sizes_are_portrait_square_and_landscape():
    sizes = [Scene.sample(seed).native_size for seed in range(60)]
    aspects = np.array([size.width / size.height for size in sizes])
    assert aspects.min() >= 0.79
    assert aspects.max() <= 1.21
    assert {
        "portrait": (aspects < 1).any(),
        "square": (aspects == 1).any(),
        "landscape": (aspects > 1).any(),
    } == {
        "portrait": True,
        "square": True,
        "landscape": True,
    }


def test_letterboxed_blackens_the_bars_and_nothing_else():
    white = np.full((112, 112), 255, np.uint8)
    portrait = letterboxed(white, native_width=80, native_height=100)
    assert (portrait == 255).sum() == 90 * 112
    assert portrait[:, :11].max() == portrait[:, 101:].max() == 0
    assert white.min() == 255


def test_sampled_findings_contain_the_required_one_and_differ_between_draws(scenes):
    rng = np.random.default_rng(0)
    drawn = {sample_findings(scene, rng, must="nodule") for scene in scenes}
    assert all("nodule" in findings for findings in drawn)
    assert len(drawn) > 5
    assert sample_findings(scenes[0], rng, probability=0.0) == ()


def test_sampled_findings_do_not_hide_each_other(scenes):
    rng = np.random.default_rng(1)
    for scene in scenes:
        findings = sample_findings(scene, rng, probability=0.9)
        for finding in findings:
            alone = scene.finding_mask(SIDE_PX, finding, [finding]).sum()
            assert scene.finding_mask(SIDE_PX, finding, findings).sum() > 0.3 * alone


def test_an_unknown_finding_is_named_with_its_near_ones(scenes):
    with pytest.raises(ValueError, match=r"'nodul' is no finding of the phantom\. Near: nodule"):
        scenes[0].render(SIDE_PX, ["nodul"])
