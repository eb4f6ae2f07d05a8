"""What every localizer shares: opening, listing, blank pictures, pictures that are none."""

from __future__ import annotations

import json

import numpy as np
import pytest

from medground_bench import plugins
from medground_bench.anatomy import weights
from medground_bench.anatomy.atlas import pool_digest
from medground_bench.core.errors import BadPicture, SourceMissing, UnknownName
from medground_bench.core.types import Case, Frame, Response
from medground_bench.localizers import localize, localize_case, localizer_record, record_of
from medground_bench.pictures import to_study
from tests.kit.checkpoints import as_in_a_new_process
from tests.kit.tiny_localizers import save_sam
from tests.kit.tiny_lvlms import radiograph

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
                Frame.native(width, height))  # fmt: skip


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


@pytest.mark.parametrize("speck", [101, 255])
def test_an_empty_film_is_blank_though_it_is_grainy_and_has_a_speck(speck):
    film = (100 + np.random.default_rng(0).integers(0, 3, (224, 224))).astype(np.uint8)
    film[50, 60] = speck
    with pytest.raises(BadPicture, match="there is no anatomy on a blank picture"):
        localize("mean_box", film)


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


class Theirs:
    """A localizer of another package that is no dataclass."""

    def localize(self, picture):
        return localize("mean_box", picture)


class Speaking(Theirs):
    def __init__(self, threshold):
        self.threshold = threshold

    def __repr__(self):
        return f"Speaking({self.threshold})"


def test_a_record_holds_the_settings_the_pool_and_the_revision_of_every_location(tmp_path, monkeypatch):
    folder = save_sam(tmp_path / "sam")
    monkeypatch.setenv("MEDGROUND_MEDSAM", str(folder))
    monkeypatch.delenv("MEDGROUND_GROUNDING_DINO", raising=False)
    as_in_a_new_process()
    sam = {str(folder): weights.revision(str(folder))}
    record = localizer_record("uot_medsam")
    assert (record["pool"], record["weights"]) == (pool_digest(), sam)
    assert record["settings"].startswith("UotMedsam(uot=Uot(atlas=<16 references")
    dino = weights.GROUNDING_DINO.pinned
    assert localizer_record("grounding_dino_medsam")["weights"] == sam | {dino: dino.partition("@")[2]}
    assert localizer_record("mean_box")["pool"] == pool_digest()
    assert localizer_record("oracle") == {"settings": "Oracle()", "pool": None, "weights": {}}
    as_in_a_new_process()


@ALL
def test_a_record_is_the_same_for_a_localizer_that_is_opened_again(name):
    as_in_a_new_process()
    record = localizer_record(name)
    as_in_a_new_process()
    assert localizer_record(name) == record == json.loads(json.dumps(record))
    assert len(json.dumps(record)) < 1500 and " at 0x" not in record["settings"]


def test_a_localizer_that_says_nothing_of_itself_is_recorded_by_its_class():
    records = [record_of(theirs) for theirs in (Theirs(), Theirs())]
    assert records[0] == records[1]
    assert records[0]["settings"] == f"{__name__}.Theirs"
    assert record_of(Speaking(0.3))["settings"] == "Speaking(0.3)"


def test_weights_that_are_not_there_are_left_to_the_localizer_that_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDGROUND_MEDSAM", str(tmp_path / "none"))
    as_in_a_new_process()
    assert localizer_record("uot_medsam")["weights"] == {}
    with pytest.raises(
        SourceMissing, match=r"MedSAM's weights are not at hand: .*none.* [Ss]et MEDGROUND_MEDSAM"
    ):
        localize("uot_medsam", radiograph(3, width=224, height=224))
    as_in_a_new_process()
