"""How localizers are measured, and that docs and README say what is kept of it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from medground_bench.anatomy.unet.shipped import MODELS
from medground_bench.cards.accuracy import (
    AS_IT_IS,
    BY_STANDARD,
    DRAWN,
    MASKS,
    PARTS,
    PEOPLE,
    PHANTOMS,
    RENDERS,
    WHOLE,
    AnatomyAccuracy,
    MeasuredLocalizer,
    PartIou,
    RealLook,
    with_accuracy,
)
from medground_bench.cards.anatomy import PAGE
from medground_bench.cards.localizers import measurable, measure, part_ious
from medground_bench.core.intervals import ImageMeans
from medground_bench.storage.whole_files import sha256
from medground_bench.training.unet.examine import phantom_pictures
from tests.hub.clients import ROOT

KEPT = AnatomyAccuracy.read(ROOT / "model_cards")


@pytest.mark.parametrize("page", [PAGE, "README.md"])
def test_the_pages_are_current_to_the_byte(page):
    text = (ROOT / page).read_text("utf-8")
    assert with_accuracy(text, KEPT) == text, f"{page} is stale: python -m medground_bench.cards"


def test_every_localizer_that_needs_no_more_than_a_picture_was_measured_on_everything():
    names = set(measurable())
    assert {"mean_box", "uot", "phantom_unet"} <= names
    assert not {"oracle", "sam3", "uot_medsam", "uot_pot"} & names
    assert {each.localizer for each in KEPT.localizers} == names
    for name in names:
        for against in (PHANTOMS, RENDERS):
            assert len(KEPT.of(name, against)) == 6
        ways = {each.asked for each in KEPT.ious if (each.localizer, each.against) == (name, MASKS)}
        assert ways in ({AS_IT_IS}, {WHOLE, BY_STANDARD})


def test_the_numbers_of_a_network_are_those_of_the_weights_that_are_shipped():
    for each in KEPT.localizers:
        shipped = [sha256(file.read_bytes()) for file in (MODELS / each.localizer).glob("*.safetensors")]
        assert [each.weights_sha256] == (shipped or [None]), (
            f"python -m medground_bench.cards.localizers {each.localizer} --radiographs FOLDER"
        )


def iou(localizer, against, value):
    return PartIou(
        localizer=localizer,
        asked=AS_IT_IS,
        against=against,
        part="lungs",
        iou=value,
        low=None,
        high=None,
        bodies=1,
    )


@pytest.mark.parametrize(("weights", "left"), [("a", {"lungs": iou("net", DRAWN, 0.8)}), ("b", {})])
def test_numbers_on_real_pictures_stay_until_the_next_look_or_other_weights(weights, left):
    """So that nobody looks at them again to measure on made pictures alone."""
    kept = AnatomyAccuracy().measured(
        MeasuredLocalizer("net", "a", 1.0), [iou("net", DRAWN, 0.8), iou("net", RENDERS, 0.5)]
    )
    again = kept.measured(MeasuredLocalizer("net", weights, 2.0), [iou("net", RENDERS, 0.6)])
    assert again.of("net", RENDERS)["lungs"].iou == 0.6 and again.of("net", DRAWN) == left
    assert [each.milliseconds for each in again.localizers] == [2.0]


def test_pictures_of_one_body_stand_or_fall_together():
    """Six bodies, two pictures each: as many degrees of freedom as bodies, and a part is the mean of its concepts."""
    rng = np.random.default_rng(0)
    found = [(str(body), "cardiac silhouette", iou) for body in range(6) for iou in rng.uniform(0.4, 0.9, 2)]
    found += [("0", "left lung", 1.0), ("0", "right lung", 0.5)]
    lungs, heart = part_ious("any", AS_IT_IS, RENDERS, found)
    assert (lungs.iou, lungs.low, lungs.bodies) == (0.75, None, 1)
    sums = np.array([[sum(iou for body, _, iou in found[:12] if body == str(each))] for each in range(6)])
    low, high = ImageMeans.of(sums, np.full(6, 2.0)).ends()
    assert (heart.low, heart.high) == (pytest.approx(low[0], abs=1e-4), pytest.approx(high[0], abs=1e-4))


@pytest.fixture(scope="module")
def phantom():
    return list(phantom_pictures([1]))


def films(folder, phantom):
    """A phantom as if it were a real picture: drawn boxes leave 6 px around the lungs, masks do not."""
    [known] = phantom
    Image.fromarray(known.picture).save(folder / "one.png")
    annotated = {"boxes": {}, "masks": {}}
    for lung in PARTS["lungs"]:
        x0, y0, x1, y1 = (round(edge) for edge in known.letterbox.to_study(known.boxes[lung]).xyxy)
        annotated["boxes"][lung] = {"xyxy": [x0 - 6, y0 - 6, x1 + 6, y1 + 6]}
        mask = np.zeros((224, 224), np.uint8)
        mask[y0:y1, x0:x1] = 255
        Image.fromarray(mask).save(folder / f"{lung}.png")
        annotated["masks"][lung] = {"file": f"{lung}.png"}
    (folder / "annotations.json").write_text(json.dumps({"one.png": annotated}))
    return folder


def test_a_run_keeps_what_it_did_not_measure_and_writes_down_that_it_looked(phantom, tmp_path):
    old = AnatomyAccuracy(
        [MeasuredLocalizer("old", None, 1.0)], (), [RealLook("then", ["old"], 1, "a sheet")]
    )
    old.keep(tmp_path)
    made = {PHANTOMS: phantom, RENDERS: phantom}
    measure(["phantom_unet"], made, tmp_path, films(tmp_path, phantom), "now")
    kept = AnatomyAccuracy.read(tmp_path)
    assert [each.localizer for each in kept.localizers] == ["old", "phantom_unet"]
    assert kept.looks == [*old.looks, RealLook("now", ["phantom_unet"], 1, "numbers alone")]

    def lungs(against, asked):
        return kept.of("phantom_unet", against, asked)["lungs"].iou

    assert lungs(DRAWN, BY_STANDARD) > lungs(DRAWN, WHOLE)
    assert lungs(MASKS, BY_STANDARD) > lungs(DRAWN, WHOLE)
    assert lungs(PHANTOMS, WHOLE) > 0.95 and 0.7 < kept.of(PEOPLE, DRAWN)["lungs"].iou < 0.95


def test_without_real_pictures_there_is_no_look(phantom, tmp_path):
    measure(["mean_box"], {RENDERS: phantom}, tmp_path, None, "now")
    kept = AnatomyAccuracy.read(tmp_path)
    assert not kept.looks and {each.against for each in kept.ious} == {RENDERS}
    assert {each.asked for each in kept.ious} == {AS_IT_IS} and kept.localizers[0].milliseconds > 0
