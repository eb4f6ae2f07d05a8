"""Localizers with settings of an ablation's choice: what they find, and what is recorded of them."""

from __future__ import annotations

import numpy as np
import pytest

from medground_bench.ablation.regions import (
    PAPERS_CHOICE,
    TransportChoice,
    found_regions,
    record_of_choice,
)
from medground_bench.anatomy import weights
from medground_bench.core.errors import SourceMissing
from medground_bench.core.types import Case, Response
from medground_bench.localizers import localize, localizer_record
from medground_bench.phantom.scene import Scene
from medground_bench.pictures import to_study
from tests.kit.tiny_localizers import save_sam


@pytest.fixture(scope="module")
def case() -> Case:
    study = to_study(Scene.sample(6_000_201).native())
    native = study.letterbox.native
    return Case("phantom/x/nodule@l:direct", "nodule", "?", Response("", (), ()), study.picture, native)


def test_the_papers_transport_is_what_uot_does_by_itself_and_another_is_not(case):
    own = localize("uot", case.picture)
    same = found_regions("uot", None, TransportChoice(0.05, 0.1, 16), case)
    assert same.reference == own.reference
    assert all(same.boxes[concept] == own.boxes[concept] for concept in own.boxes)
    sharper = found_regions("uot", None, TransportChoice(0.005, 0.1, 16), case)
    areas = [np.mean([box.area for box in regions.boxes.values()]) for regions in (sharper, own)]
    assert areas[0] < areas[1]


def test_fewer_references_are_the_first_of_the_pool_and_more_than_it_has_are_refused(case):
    first = found_regions("uot", None, TransportChoice(0.05, 0.1, 1), case).reference
    fourth = {
        found_regions("uot", None, TransportChoice(0.05, weight, 4), case).reference for weight in (0.1, 1)
    }
    assert first == "phantom-7000000" and fourth <= {f"phantom-700000{number}" for number in range(4)}
    with pytest.raises(SourceMissing, match="not 17"):
        found_regions("uot", None, TransportChoice(0.05, 0.1, 17), case)


def test_a_transport_of_ones_own_is_refined_by_medsam_too(case, tmp_path, monkeypatch):
    folder = save_sam(tmp_path / "sam")
    monkeypatch.setenv(weights.MEDSAM.variable, str(folder))
    sharp = TransportChoice(0.005, 0.1, 4)
    refined, rough = (found_regions(name, None, sharp, case) for name in ("uot_medsam", "uot"))
    assert refined.reference == rough.reference and refined.boxes != rough.boxes
    record = record_of_choice("uot_medsam", None, sharp)
    assert record["weights"] == {str(folder): weights.revision(str(folder))}
    assert "references=4" in record["settings"] and "epsilon=0.005" in record["settings"]


def test_the_papers_choice_is_that_of_the_paper_and_the_default_of_uot():
    assert TransportChoice(epsilon=0.05, marginal_weight=0.1, references=16) == PAPERS_CHOICE
    assert record_of_choice("uot", None, PAPERS_CHOICE) == localizer_record("uot")


def test_the_record_of_what_cannot_be_opened_says_why():
    assert "Did you mean uot" in record_of_choice("uott", None, None)["not_opened"]
    assert (
        "16 pictures, not 17" in record_of_choice("uot", None, TransportChoice(0.05, 0.1, 17))["not_opened"]
    )
