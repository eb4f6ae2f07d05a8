"""Hiding regions: what each fill shows, and what stays; the exact editor is the phantom's own renderer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medground_bench import plugins
from medground_bench.anatomy import hiding
from medground_bench.anatomy.hiding import Fill, RegionEditor, hidden
from medground_bench.core.errors import Unsupported
from medground_bench.core.types import Case, Frame, Response
from medground_bench.methods.medfocus import WHOLE_IMAGE, MedFocus
from medground_bench.phantom import seeds
from medground_bench.phantom.patient import patient
from medground_bench.phantom.region_edits import PhantomRegions
from medground_bench.pictures import to_study

SIDE = 224


@pytest.fixture(scope="module")
def case():
    """The first phantom of the tune split with a cardiomegaly."""
    image_id = next(str(seed) for seed in seeds.TUNE if "cardiomegaly" in patient(str(seed)).findings)
    who = patient(image_id)
    native = who.scene.native(who.findings, marker=who.marker)
    frame = Frame.native_of(native)
    return Case(
        f"phantom/{image_id}/cardiomegaly@a:direct", "cardiomegaly", "?",
        Response("Yes", (1,), ("Yes",)), to_study(native, SIDE).picture, frame,
    )  # fmt: skip


@pytest.fixture(scope="module")
def regions():
    """A region on the heart, one in the corner, and one that has two parts."""
    heart, corner = np.zeros((2, SIDE, SIDE), bool)
    heart[90:180, 70:170] = True
    corner[:20, :20] = True
    return [heart, corner, heart | corner]


@pytest.mark.parametrize("fill", Fill)
def test_everything_outside_the_region_stays_as_it_is_and_the_cases_picture_is_not_touched(
    case, regions, fill
):
    before = case.picture.copy()
    for picture, region in zip(hidden(case, regions, fill), regions, strict=True):
        assert picture.dtype == np.uint8
        assert np.array_equal(picture[~region], before[~region])
    assert np.array_equal(case.picture, before)


def test_zero_is_black_and_the_mean_is_that_of_the_picture_without_its_bars(case, regions):
    assert not hidden(case, regions, Fill.ZERO)[0][regions[0]].any()
    content = case.picture[case.picture.any(axis=1)][:, case.picture.any(axis=0)]
    shown = np.unique(hidden(case, regions, Fill.MEAN)[0][regions[0]])
    assert shown.tolist() == [pytest.approx(content.mean(), abs=1)]


def test_the_phantoms_editor_shows_the_same_patient_without_any_finding(case, regions):
    who = patient(case.case_id.split("/")[1])
    normal = to_study(who.scene.native((), marker=who.marker), SIDE).picture
    edited = hidden(case, regions, Fill.EDITOR)
    for picture, region in zip(edited, regions, strict=True):
        assert np.array_equal(picture[region], normal[region])
    assert not np.array_equal(edited[0], case.picture), "the heart is no longer enlarged"
    assert np.array_equal(edited[1], case.picture), "nothing abnormal was in the corner"


class Reads:
    """Its log-probability falls by the mean change of grey of the pixels that it reads."""

    def __init__(self, case, read):
        self.original, self.read = case.picture.astype(float), read

    def log_probs(self, pictures, prompt, response):
        changed = [np.abs(picture - self.original)[self.read].mean() for picture in pictures]
        return -np.array(changed, np.float32)[:, None]


def test_every_fill_gives_deltas_of_its_own_and_an_exact_edit_changes_only_what_is_abnormal(case):
    who = patient(case.case_id.split("/")[1])
    normal = to_study(who.scene.native((), marker=who.marker), SIDE).picture
    rng = np.random.default_rng(0)

    def explained(fill, read):
        return MedFocus(localizer="mean_box", fill=fill).attribute(Reads(case, read), case, rng)

    abnormal = normal != case.picture
    drops = {fill: explained(fill, abnormal).concept_drops["cardiac silhouette"] for fill in Fill}
    assert len(set(drops.values())) == len(Fill) and drops[Fill.EDITOR] > 0
    assert explained(Fill.EDITOR, ~abnormal).concept == WHOLE_IMAGE
    assert explained(Fill.ZERO, ~abnormal).concept != WHOLE_IMAGE


def test_a_picture_without_a_source_or_an_editor_without_regions_is_refused_with_what_to_do(
    case, regions, monkeypatch
):
    own = Case("own/x/nodule@a:direct", "nodule", "?", case.response, case.picture, case.native)
    with pytest.raises(Unsupported, match=r"own, and no such source.*fill zero or mean"):
        hidden(own, regions, Fill.EDITOR)
    assert isinstance(PhantomRegions(), RegionEditor)


class Clinic:
    """A source whose editor knows the whole picture only."""

    editor = "brush"


def test_an_editor_that_a_program_hands_in_is_taken_when_it_edits_regions(case, regions, monkeypatch):
    theirs = replace(case, case_id=case.case_id.replace("phantom/", "clinic/"))
    editors = {"sources": Clinic, "editors": object}
    monkeypatch.setattr(plugins, "available", lambda kind: [plugins.Plugin("clinic", "", "")])
    monkeypatch.setattr(plugins, "load", lambda kind, name: editors[kind])
    hiding._editor_of_source.cache_clear()
    with pytest.raises(Unsupported, match=r"brush cannot edit any region"):
        hidden(theirs, regions, Fill.EDITOR)
    editors["editors"] = Grey
    assert all(
        (picture[region] == 7).all()
        for picture, region in zip(hidden(theirs, regions, Fill.EDITOR), regions, strict=True)
    )
    hiding._editor_of_source.cache_clear()


@pytest.mark.parametrize("source", ["vindr_cxr", "padchest_gr", "imagenome"])
def test_the_editor_of_a_source_of_files_is_known_without_its_copies_and_without_weights(
    case, regions, source
):
    theirs = replace(case, case_id=case.case_id.replace("phantom/", f"{source}/"))
    with pytest.raises(Unsupported, match=f"source, {source}, but radedit cannot edit any region"):
        hidden(theirs, regions, Fill.EDITOR)
    assert hiding.editor_versions(Fill.EDITOR, [source]) == {}


class Grey:
    """Makes every region grey."""

    version = "1"

    def normal_within(self, case, regions):
        return [np.full_like(case.picture, 7)] * len(regions)
