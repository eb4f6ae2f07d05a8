"""Pictures as they should not be, through the command line: handled as the plain one is, or one clear paragraph."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from medground_bench import plugins
from medground_bench.core.concepts import CONCEPTS
from medground_bench.lvlms import Need
from medground_bench.phantom.scene import Scene
from medground_bench.pictures import read_picture
from tests.kit.containers import DEEP
from tests.kit.fakes import RuleLvlm

PHOTOMETRIC, WHITE_IS_ZERO = 262, 0
NEED_WEIGHTS = ("uot_medsam", "grounding_dino", "grounding_dino_medsam", "sam3")
UOT_AGAIN = "uot_pot"
WITHOUT_WEIGHTS = [
    each.name
    for each in plugins.available("localizers")
    if each.name not in ("oracle", UOT_AGAIN, *NEED_WEIGHTS)
]
REFUSED = {
    "blank.png": "no anatomy on a blank picture",
    "blank_wide.png": "no anatomy on a blank picture",
    "blank_deep.png": "no anatomy on a blank picture",
    "one_px_wide.png": "1 x 500 px is too small",
    "text.png": "cannot be read as a picture: it is a text file",
    "cut_off.png": "cannot be read as a picture",
    "empty.png": "the file is empty",
    "scan.dcm": "is a DICOM file that does not say how its pixels are packed",
    "blank_first.png": "Note that the file holds 2 pictures, of which picture 1 was read",
    "folder": "is a folder",
    "gone.png": "there is no such file",
    "huge.png": "no radiograph is that large",
}
AS_THE_PLAIN_ONE = (
    "deep.png",
    "deep.tif",
    "monochrome1.tif",
    "shallow_monochrome1.tif",
    "rgba.png",
    "rgb.png",
    "hidden.png",
    "rgb48.png",
    "monochrome1.dcm",
)
WIDE = "wide.png"
GIVES = frozenset({Need.TEXT, Need.LOG_PROBS})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Every file above, and `plain.png`, whose greys reach from 0 to 255 so that a stretch gives them back."""
    path = tmp_path_factory.mktemp("bad_input")
    plain = Scene.sample(6_000_101).native(["cardiomegaly"]).copy()
    plain[0, 0], plain[0, 1] = 0, 255
    deep = plain.astype(np.uint16) * 200 + 1000
    Image.fromarray(plain).save(path / "plain.png")
    Image.fromarray(deep).save(path / "deep.png")
    Image.fromarray(deep).save(path / "deep.tif")
    white_is_zero = {PHOTOMETRIC: WHITE_IS_ZERO}
    Image.fromarray(deep.max() - deep).save(path / "monochrome1.tif", tiffinfo=white_is_zero)
    Image.fromarray(plain).save(path / "shallow_monochrome1.tif", tiffinfo=white_is_zero)
    Image.fromarray(plain).convert("RGBA").save(path / "rgba.png")
    Image.fromarray(plain).convert("RGB").save(path / "rgb.png")
    Image.fromarray(np.dstack([plain, plain, plain, np.zeros_like(plain)])).save(path / "hidden.png")
    (path / "rgb48.png").write_bytes(DEEP["png 48"](deep))
    (path / "monochrome1.dcm").write_bytes(DEEP["dicom 16 monochrome1"](deep))
    Image.fromarray(plain).resize((10_000, 200)).save(path / WIDE)

    Image.new("L", (64, 64), 7).save(path / "blank.png")
    other = [Image.fromarray(plain)]
    Image.new("L", plain.shape[::-1]).save(path / "blank_first.png", save_all=True, append_images=other)
    Image.new("L", (90, 60), 77).save(path / "blank_wide.png")
    Image.fromarray(np.full((64, 64), 700, np.uint16)).save(path / "blank_deep.png")
    Image.new("L", (1, 500), 7).save(path / "one_px_wide.png")
    Image.new("1", (10_001, 10_000)).save(path / "huge.png")
    (path / "text.png").write_text("no picture\n")
    (path / "cut_off.png").write_bytes((path / "plain.png").read_bytes()[:5000])
    (path / "empty.png").touch()
    (path / "scan.dcm").write_bytes(bytes(128) + b"DICM" + bytes(64))
    (path / "folder").mkdir()
    return path


class Brightness(RuleLvlm):
    """Finds its response the likelier the brighter the picture."""

    def log_probs(self, pictures, prompt, response):
        greys = np.array([picture.mean() / 255 for picture in pictures], np.float32)
        return np.repeat(greys[:, None], len(response.tokens), axis=1)


@pytest.fixture
def attribute(medground, monkeypatch, tmp_path):
    """`medground attribute` with one method that rests on concepts, one on passes, and one on nothing."""
    monkeypatch.setattr(
        "medground_bench.runs.explanation_folder.open_lvlm", lambda key, **_choices: Brightness(gives=GIVES)
    )
    methods = ["--method", "medfocus", "--method", "occlusion", "--method", "centre_box"]
    question = ["--question", "Is the heart enlarged?", *methods, "--out", tmp_path, "--json"]
    return lambda image: medground("attribute", image, *question)


def one_paragraph(code, out, err, says):
    assert (code, out) == (1, "")
    assert says in " ".join(err.split()) and err.startswith("error: ") and err.count("\n") == 1


@pytest.mark.parametrize("localizer", WITHOUT_WEIGHTS)
@pytest.mark.parametrize(("name", "says"), REFUSED.items())
def test_localize_refuses_with_one_paragraph(medground, folder, name, says, localizer, tmp_path):
    one_paragraph(*medground("localize", folder / name, "--localizer", localizer, "--out", tmp_path), says)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "says"), REFUSED.items())
def test_attribute_refuses_with_one_paragraph(attribute, folder, name, says):
    one_paragraph(*attribute(folder / name), says)


@pytest.mark.filterwarnings("ignore:.*transparency is the same everywhere")
@pytest.mark.parametrize("name", AS_THE_PLAIN_ONE)
def test_every_form_of_a_picture_is_read_as_the_same_greys(folder, name):
    assert np.array_equal(read_picture(folder / name), read_picture(folder / "plain.png"))


@pytest.mark.parametrize("localizer", WITHOUT_WEIGHTS)
def test_localize_finds_all_concepts_in_a_16_bit_picture_whose_white_is_zero(
    medground, folder, localizer, tmp_path
):
    line = ["localize", folder / "monochrome1.tif", "--localizer", localizer, "--out", tmp_path]
    code, out, _err = medground(*line, "--json")
    assert code == 0
    assert set(json.loads(out)["concepts"]) == set(CONCEPTS)


def test_attribute_finds_the_same_in_a_16_bit_picture_whose_white_is_zero(attribute, folder):
    found = []
    for name in ("plain.png", "monochrome1.tif"):
        code, out, _err = attribute(folder / name)
        assert code == 0
        found.append([(each["boxes"], each["concept"]) for each in json.loads(out)["methods"]])
    assert found[0] == found[1] and all(boxes for boxes, _concept in found[0])


@pytest.mark.parametrize("localizer", WITHOUT_WEIGHTS)
def test_localize_says_of_every_concept_where_it_is_or_that_it_was_not_found_10000_px_wide(
    medground, folder, localizer, tmp_path
):
    line = ["localize", folder / WIDE, "--localizer", localizer, "--out", tmp_path]
    code, out, _err = medground(*line)
    assert code == 0
    lines = out.splitlines()
    assert all(any(line.startswith(concept) for line in lines) for concept in CONCEPTS)
    written = json.loads((tmp_path / "concepts.json").read_text())
    boxes = written["concepts"]
    assert sorted([*boxes, *written["missing"]]) == sorted(CONCEPTS)
    assert all(0 <= x0 < x1 <= 10_000 and 0 <= y0 < y1 <= 200 for x0, y0, x1, y1 in boxes.values())
    assert sum("not found" in line for line in lines) == len(CONCEPTS) - len(boxes)


def test_attribute_gives_boxes_inside_a_picture_10000_px_wide(attribute, folder):
    code, out, _err = attribute(folder / WIDE)
    assert code == 0
    methods = json.loads(out)["methods"]
    boxes = [box for each in methods for box in each["boxes"]]
    assert boxes and all(0 <= x0 < x1 <= 10_000 and 0 <= y0 < y1 <= 200 for x0, y0, x1, y1 in boxes)


@pytest.mark.parametrize("name", ["plain.png", *REFUSED])
def test_the_oracle_of_a_file_is_one_paragraph_whatever_the_file(medground, folder, name, tmp_path):
    says = REFUSED.get(name, "this picture comes without one")
    one_paragraph(*medground("localize", folder / name, "--localizer", "oracle", "--out", tmp_path), says)


@pytest.mark.parametrize("localizer", NEED_WEIGHTS)
def test_a_localizer_whose_weights_are_not_there_is_one_paragraph(
    medground, folder, localizer, tmp_path, monkeypatch
):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    line = ["localize", folder / "plain.png", "--localizer", localizer, "--out", tmp_path / "out"]
    one_paragraph(*medground(*line), "weights are not at hand")
    assert not (tmp_path / "out").exists()
