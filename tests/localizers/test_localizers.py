"""What every localizer shares: opening, listing, blank pictures, pictures that are none."""

from __future__ import annotations

import numpy as np
import pytest

from medground_bench import plugins
from medground_bench.errors import BadPicture, SourceMissing, UnknownName
from medground_bench.localizers import localize, localize_case
from medground_bench.pictures import to_study
from medground_bench.types import Case, Frame, Response
from tests.tiny_lvlms import radiograph

NEEDS_WEIGHTS = {
    "uot_medsam": ("MEDGROUND_MEDSAM",),
    "grounding_dino": ("MEDGROUND_GROUNDING_DINO",),
    "grounding_dino_medsam": ("MEDGROUND_GROUNDING_DINO", "MEDGROUND_MEDSAM"),
    "sam3": ("MEDGROUND_SAM3",),
}
LISTED = plugins.available("localizers")
ALL = pytest.mark.parametrize("name", [each.name for each in LISTED])


def case_of(picture):
    height, width = picture.shape
    return Case("own/x/nodule@m:direct", "nodule", "", Response("yes", (1,), ("yes",)), picture,
                Frame("native", width, height))  # fmt: skip


def test_the_list_says_which_localizers_need_weights_or_a_case():
    about = {each.name: each.summary for each in LISTED}
    assert {"uot", "mean_box", "oracle", *NEEDS_WEIGHTS} <= set(about)
    assert all("needs" in about[name] for name in ("oracle", *NEEDS_WEIGHTS))


@ALL
@pytest.mark.parametrize("grey", [0, 77, 255])
@pytest.mark.parametrize("shape", [(90, 90), (90, 60)], ids=["square", "with black bars"])
def test_a_blank_picture_is_refused_by_all_before_anything_is_opened(name, grey, shape):
    study = to_study(np.full(shape, grey, np.uint8)).picture
    with pytest.raises(BadPicture, match="there is no anatomy on a blank picture"):
        localize(name, study)
    with pytest.raises(BadPicture, match="there is no anatomy on a blank picture"):
        localize_case(name, case_of(study))


@ALL
@pytest.mark.parametrize(
    "picture",
    [np.zeros((8, 9), "u1"), np.zeros((8, 8, 3), "u1"), np.zeros((8, 8), "u2"), np.zeros((0, 0), "u1")],
    ids=["not square", "colour", "16-bit", "empty"],
)
def test_an_array_that_is_no_picture_of_the_study_frame_is_refused_by_all(name, picture):
    with pytest.raises(BadPicture):
        localize(name, picture)


@pytest.mark.parametrize(("name", "variables"), NEEDS_WEIGHTS.items())
def test_without_weights_one_paragraph_names_what_to_set(name, variables, monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    for variable in variables:
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(SourceMissing) as said:
        plugins.load("localizers", name)().localize(radiograph(3, width=224, height=224))
    assert any(f"set {variable} to it" in str(said.value) for variable in variables)
    assert "\n" not in str(said.value)


def test_a_localizer_of_pictures_finds_the_same_on_a_case():
    picture = radiograph(3, width=224, height=224)
    assert localize_case("uot", case_of(picture)) is localize("uot", picture)


@pytest.mark.parametrize("look", [lambda name: localize(name, np.zeros((8, 8), np.uint8)),
                                  lambda name: localize_case(name, case_of(np.zeros((8, 8), np.uint8)))])  # fmt: skip
def test_an_unknown_name_is_said_before_the_picture_is_looked_at(look):
    with pytest.raises(UnknownName, match="Did you mean uot"):
        look("uott")
