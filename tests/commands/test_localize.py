"""`medground localize`: boxes of all concepts, and the folder they are written to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from medground_bench.core.concepts import CONCEPTS
from tests.kit.native_boxes import inside, size_of


def test_localize_gives_all_concepts_in_native_pixels(medground, xray, tmp_path):
    code, out, err = medground("localize", xray, "--out", tmp_path, "--json")
    found = json.loads(out)
    assert code == 0 and str(tmp_path) in err
    told = "concepts doubts expected_iou image image_sha256 localizer made_by missing read"
    assert sorted(found) == told.split() and found["expected_iou"] == {}
    assert (found["read"]["container"], found["read"]["rule"]) == ("PNG", "as stored")
    assert found["missing"] == []
    assert (found["image"], found["localizer"]) == (str(xray), "uot")
    assert set(found["concepts"]) == set(CONCEPTS)
    assert all(inside(box, *size_of(xray)) for box in found["concepts"].values())
    assert max(size_of(tmp_path / "concepts.png")) >= 1100
    assert json.loads((tmp_path / "concepts.json").read_text()) == found


def test_results_go_to_a_folder_named_after_the_picture_and_say_the_standard_that_was_asked_for(
    medground, xray, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    _code, out, _err = medground("localize", xray, "--localizer", "phantom_unet", "--standard", "drawn")
    assert "left lung" in out
    folder = tmp_path / "medground-out" / "patient"
    assert (folder / "concepts.png").is_file()
    found = json.loads((folder / "concepts.json").read_text())
    assert found["made_by"]["settings"] == "PhantomUnet(net=None, standard='drawn')"
    assert all(inside(box, *size_of(xray)) for box in found["concepts"].values())


def test_names_with_dots_get_a_folder_each(medground, xray, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("1.2.840.4", "1.2.840.5", "1.2.840.6.PNG"):
        (tmp_path / name).write_bytes(xray.read_bytes())
        assert medground("localize", name, "--localizer", "mean_box")[0] == 0
    made = {folder.name for folder in (tmp_path / "medground-out").iterdir()}
    assert made == {"1.2.840.4", "1.2.840.5", "1.2.840.6"}


@pytest.mark.parametrize("other", ["b/scan.png", "a/scan.jpg", "a/scan"])
def test_a_second_file_of_the_same_name_is_told_and_nothing_is_replaced(
    medground, xray, tmp_path, monkeypatch, other
):
    monkeypatch.chdir(tmp_path)
    for file in (Path("a/scan.png"), Path(other)):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(xray.read_bytes())
    line = ["--localizer", "mean_box"]
    assert medground("localize", "a/scan.png", *line)[0] == 0
    kept = {file: file.read_bytes() for file in Path("medground-out/scan").iterdir()}
    for command in (["localize", other, *line], ["attribute", other, "--finding", "cardiomegaly"]):
        monkeypatch.setattr(
            "medground_bench.runs.explanation_folder.read_film", lambda *_: pytest.fail("worked")
        )
        code, _out, err = medground(*command)
        assert code == 1
        assert "medground-out/scan holds the results of a/scan.png" in " ".join(err.split())
        monkeypatch.undo()
        monkeypatch.chdir(tmp_path)
    assert kept == {file: file.read_bytes() for file in Path("medground-out/scan").iterdir()}
    assert medground("localize", tmp_path / "a" / "scan.png", *line)[0] == 0
    assert medground("localize", other, *line, "--out", "elsewhere")[0] == 0


def test_a_name_that_no_folder_can_have_is_told_like_any_other(medground, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _out, err = medground("localize", "x" * 300, "--localizer", "mean_box")
    assert code == 1 and "cannot be opened" in err and "Traceback" not in err


def test_a_mirrored_picture_is_told_and_recorded_and_an_upright_one_is_not(medground, xray, tmp_path):
    with Image.open(xray) as image:
        ImageOps.mirror(image).save(tmp_path / "mirrored.png")
    said = {}
    for file in (xray, tmp_path / "mirrored.png"):
        line = ["localize", file, "--localizer", "mean_box", "--out", tmp_path / "out", "--json"]
        _code, out, err = medground(*line)
        said[file.stem] = (json.loads(out)["read"]["notes"], "note: this picture looks mirrored" in err)
    assert said["patient"] == ([], False)
    assert len(said["mirrored"][0]) == 1 and said["mirrored"][1]


def test_that_a_file_has_more_pages_is_told_and_recorded(medground, xray, tmp_path):
    with Image.open(xray) as image:
        image.save(tmp_path / "two.tif", save_all=True, append_images=[image.rotate(180)])
    line = ["localize", tmp_path / "two.tif", "--localizer", "mean_box", "--out", tmp_path / "out", "--json"]
    _code, out, err = medground(*line)
    assert "note: the file holds 2 pages, of which page 1 was read" in err
    assert (json.loads(out)["read"]["page"], json.loads(out)["read"]["pages"]) == (1, 2)


def test_a_standard_that_is_none_is_told_with_those_that_are(medground, xray):
    code, _out, err = medground("localize", xray, "--localizer", "phantom_unet", "--standard", "tight")
    assert code == 2 and "no standard of boxes (drawn or mask) is called 'tight'" in " ".join(err.split())
