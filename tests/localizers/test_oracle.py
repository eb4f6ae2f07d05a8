"""The oracle on cases of a real phantom build."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medground_bench.benchmark.opening import open_benchmark
from medground_bench.core.concepts import CONCEPTS
from medground_bench.core.errors import SourceMissing
from medground_bench.core.geometry import Letterbox, tight_box
from medground_bench.localizers import localize, localize_case
from medground_bench.phantom.patient import patient
from medground_bench.phantom.scene import Scene
from medground_bench.pictures import to_study


@pytest.fixture(scope="module")
def cases(built):
    return tuple(open_benchmark(built.path).cases())


def image_of(case):
    return case.case_id.split("/")[1]


def test_its_boxes_are_the_native_masks_boxes_mapped_to_the_study_frame(cases):
    for case in cases[:6]:
        who = patient(image_of(case))
        regions = localize_case("oracle", case)
        letterbox = Letterbox.fit(case.native, case.study.width)
        assert regions.frame == case.study and not regions.missing and tuple(regions.boxes) == CONCEPTS
        for concept, mask in who.scene.native_concept_masks(who.findings).items():
            expected = letterbox.to_study(tight_box(mask, case.native))
            assert regions.boxes[concept].xyxy == pytest.approx(expected.xyxy, abs=1)
            assert regions.boxes[concept] == tight_box(regions.masks[concept], case.study)


def test_an_enlarged_heart_is_masked_as_it_is_shown(cases):
    [case] = [case for case in cases if "cardiomegaly" in patient(image_of(case)).findings][:1]
    normal = Scene.sample(int(image_of(case))).native_concept_masks()["cardiac silhouette"]
    heart = localize_case("oracle", case).boxes["cardiac silhouette"]
    usual = Letterbox.fit(case.native, case.study.width).to_study(tight_box(normal, case.native))
    assert heart.width > 1.15 * usual.width


def test_questions_about_one_picture_share_its_regions(cases):
    by_image = {}
    for case in cases:
        regions = localize_case("oracle", case)
        assert by_image.setdefault(image_of(case), regions) is regions
    assert len(by_image) < len(cases)


@pytest.mark.parametrize(
    ("identity", "says"),
    [
        ("vindr_cxr/0f3a/nodule@m:direct", "no masks of the anatomy come with vindr_cxr"),
        ("own/patient/nodule@m:direct", "no masks of the anatomy come with own"),
        ("phantom/patient/nodule@m:direct", "'patient' is no picture of the phantom"),
        ("phantom/-4/nodule@m:direct", "'-4' is no picture of the phantom"),
        ("phantom/4000099/nodule@m:direct", "not the one that this version draws for phantom 4000099"),
    ],
)
def test_a_case_without_known_masks_is_one_clear_error(cases, identity, says):
    with pytest.raises(SourceMissing, match=says):
        localize_case("oracle", replace(cases[0], case_id=identity))


def test_a_picture_that_was_edited_is_refused(cases):
    edited = cases[0].picture.copy()
    edited[100, 100] ^= 1
    with pytest.raises(SourceMissing, match="ask about its pictures unedited"):
        localize_case("oracle", replace(cases[0], picture=edited))


def test_it_follows_the_side_of_the_study_frame(cases):
    case = cases[0]
    who = patient(image_of(case))
    small = to_study(who.scene.native(who.findings, marker=who.marker), 112).picture
    lung = localize_case("oracle", replace(case, picture=small)).boxes["left lung"].xyxy
    large = localize_case("oracle", case).boxes["left lung"].xyxy
    assert np.multiply(lung, 2) == pytest.approx(large, abs=2)


def test_a_picture_alone_is_refused(cases):
    with pytest.raises(SourceMissing, match="this picture comes without one"):
        localize("oracle", cases[0].picture)
