"""A pool from a synthetic copy of Chest ImaGenome and MIMIC-CXR-JPG in their true formats."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from medground_bench.anatomy.atlas import load_atlas, save_pool
from medground_bench.anatomy.pool_from_imagenome import imagenome_references
from medground_bench.core.concepts import CONCEPTS
from medground_bench.core.errors import BadAtlas, SourceMissing
from medground_bench.core.geometry import tight_box
from medground_bench.core.types import Frame
from tests.kit.imagenome_copy import NORMAL, Copy, boxes_224


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def test_normal_complete_pictures_become_references_with_their_boxes_as_masks(
    copy: Copy, tmp_path: Path
) -> None:
    scene = copy.add("b", NORMAL)
    copy.add("a", [*NORMAL, "anatomicalfinding|no|lung opacity", "disease|no|pneumonia"])
    found = imagenome_references(copy.imagenome, copy.images)
    assert [one.source.rpartition(" ")[2] for one in found.references] == ["a", "b"]
    assert not found.left_out and found.looked_at == 2
    for concept, mask in found.references[1].masks.items():
        box = tight_box(mask, Frame("study", 224, 224))
        assert box is not None
        assert box.xyxy == pytest.approx(boxes_224(scene)[concept], abs=1), concept
        assert mask.sum() == box.area
    save_pool(tmp_path / "pool", found.references, credentialed=True)
    assert load_atlas(tmp_path / "pool").concepts == CONCEPTS


@pytest.mark.parametrize(
    "said", [["anatomicalfinding|yes|lung opacity"], ["disease|yes|pneumonia"], ["nlp|yes|abnormal"], []]
)
def test_a_picture_with_a_finding_or_without_a_word_is_not_normal(copy: Copy, said: list[str]) -> None:
    copy.add("a", NORMAL)
    copy.add("b", said)
    found = imagenome_references(copy.imagenome, copy.images)
    assert len(found.references) == 1 and not found.left_out


@pytest.mark.parametrize(
    ("box", "says"),
    [
        (None, "no box of left clavicle"),
        ((50, 50, 50, 60), "left clavicle has no area"),
        ((-30, -20, -5, -2), "left clavicle has no area"),
    ],
)
def test_a_normal_picture_without_a_concept_is_left_out_by_name(copy: Copy, box: Any, says: str) -> None:
    copy.add("a", NORMAL)
    copy.add("b", NORMAL, left_clavicle=box)
    found = imagenome_references(copy.imagenome, copy.images)
    assert len(found.references) == 1
    assert list(found.left_out) == ["b"] and says in found.left_out["b"]


def test_all_that_is_wrong_with_a_picture_is_said(copy: Copy) -> None:
    copy.add("a", NORMAL, left_clavicle=None, mediastinum=None)
    with pytest.raises(BadAtlas, match="a: no box of mediastinum, no box of left clavicle"):
        imagenome_references(copy.imagenome, copy.images)


def test_a_picture_of_another_shape_than_the_annotated_one_is_left_out(copy: Copy) -> None:
    copy.add("a", NORMAL)
    copy.add("b", NORMAL)
    Image.fromarray(np.full((300, 100), 9, np.uint8)).save(copy.studies / "b.jpg")
    assert "another one was annotated" in imagenome_references(copy.imagenome, copy.images).left_out["b"]


def test_damaged_graphs_and_absent_pictures_are_said_and_do_not_stop_the_rest(copy: Copy) -> None:
    copy.add("a", NORMAL)
    copy.add("b", NORMAL)
    (copy.studies / "b.jpg").unlink()
    (copy.graphs / "c_SceneGraph.json").write_text("{")
    (copy.graphs / "d_SceneGraph.json").write_text("{}")
    (copy.graphs / "f_SceneGraph.json").write_text("[" * 100_000)
    inside = {"objects": [{}], "attributes": [3], "patient_id": 1, "study_id": 2}
    (copy.graphs / "e_SceneGraph.json").write_text(json.dumps(inside))
    left_out = imagenome_references(copy.imagenome, copy.images).left_out
    assert "picture is not under" in left_out["b"]
    assert "not JSON" in left_out["c"] and "not JSON" in left_out["f"] and "has no objects" in left_out["d"]
    assert "e_SceneGraph.json is damaged" in left_out["e"]


def test_a_damaged_box_is_said_and_does_not_stop_the_rest(copy: Copy) -> None:
    copy.add("z", NORMAL)
    picture, whole = (copy.studies / "z.jpg").read_bytes(), (copy.graphs / "z_SceneGraph.json").read_text()
    name = '"z_left lung", "x1": '
    before, _, after = whole.partition(name)
    values = ["null", '"left"', "[]", "NaN", "-Infinity", "1e999", "9" * 400, '1, "x1": {}']
    for number, value in enumerate(values):
        (copy.studies / f"a{number}.jpg").write_bytes(picture)
        damaged = f"{before}{name}{value},{after.partition(',')[2]}"
        (copy.graphs / f"a{number}_SceneGraph.json").write_text(damaged)
    (copy.studies / "b.jpg").write_bytes(picture)
    (copy.graphs / "b_SceneGraph.json").write_text(whole.replace(name, '"z_left lung", "x": '))
    found = imagenome_references(copy.imagenome, copy.images)
    assert len(found.left_out) == len(values) + 1
    assert set(found.left_out.values()) == {"the box of left lung is damaged"}
    assert [one.source.rpartition(" ")[2] for one in found.references] == ["z"]


def test_no_more_than_asked_for_are_taken_and_resized_copies_serve(copy: Copy) -> None:
    for dicom in "abc":
        copy.add(dicom, NORMAL)
    small = copy.images.parent / "small"
    small.mkdir()
    for dicom in "abc":
        with Image.open(copy.studies / f"{dicom}.jpg") as picture:
            picture.resize((picture.width // 2, picture.height // 2)).save(small / f"{dicom}.png")
    at_half = imagenome_references(copy.imagenome, small, count=2)
    assert len(at_half.references) == 2 and at_half.looked_at == 2
    whole = imagenome_references(copy.imagenome, copy.images, count=2)
    for half, full in zip(at_half.references, whole.references, strict=True):
        boxes = [tight_box(one.masks["left lung"], Frame("study", 224, 224)) for one in (half, full)]
        assert boxes[0].xyxy == pytest.approx(boxes[1].xyxy, abs=1.5)  # type: ignore[union-attr]


def test_masks_that_the_user_gives_are_taken_instead_of_boxes(copy: Copy, tmp_path: Path) -> None:
    scene = copy.add("a", NORMAL, right_clavicle=None)
    masks = tmp_path / "masks"
    masks.mkdir()
    for concept, name in (("left lung", "left lung"), ("right clavicle", "right_clavicle")):
        mask = scene.native_concept_masks()[concept]
        Image.fromarray(mask.astype(np.uint8) * 255).save(masks / f"a.{name}.png")
    with pytest.raises(BadAtlas, match="no box of right clavicle"):
        imagenome_references(copy.imagenome, copy.images)
    (reference,) = imagenome_references(copy.imagenome, copy.images, masks=masks).references
    box = tight_box(reference.masks["left lung"], Frame("study", 224, 224))
    assert box is not None
    assert reference.masks["left lung"].sum() < 0.9 * box.area, "a lung is no rectangle"
    assert reference.masks["right clavicle"].any()
    (masks / "a.left_lung.png").write_bytes((masks / "a.left lung.png").read_bytes())
    with pytest.raises(BadAtlas, match=r"a\.left lung\.png and a\.left_lung\.png are both its mask"):
        imagenome_references(copy.imagenome, copy.images, masks=masks)


def test_a_credentialed_pool_is_kept_out_of_checkouts_and_names_nobody(copy: Copy, tmp_path: Path) -> None:
    copy.add("a", NORMAL)
    references = imagenome_references(copy.imagenome, copy.images).references
    (tmp_path / "checkout" / ".git").mkdir(parents=True)
    with pytest.raises(BadAtlas, match="git checkout"):
        save_pool(tmp_path / "checkout" / "deep" / "pool", references, credentialed=True)
    assert not (tmp_path / "checkout" / "deep").exists()
    save_pool(tmp_path / "pool", references, credentialed=True)
    manifest = json.loads((tmp_path / "pool" / "manifest.json").read_text())
    assert manifest["credentialed"] is True
    assert "may not be passed on" in manifest["pictures"][0]["licence"]
    assert (tmp_path / "pool" / ".gitignore").read_text() == "*\n"
    assert references[0].name.startswith("imagenome-") and len(references[0].name) == 22


def test_a_folder_without_scene_graphs_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match="unpacked"):
        imagenome_references(tmp_path, tmp_path)


def edited(copy: Copy, dicom: str, edit: Any) -> str:
    """Why a normal picture is left out when its graph was edited so; empty when it is not."""
    copy.add("a", NORMAL)
    copy.add(dicom, NORMAL)
    file = copy.graphs / f"{dicom}_SceneGraph.json"
    graph = json.loads(file.read_text())
    edit(graph)
    file.write_text(json.dumps(graph))
    return imagenome_references(copy.imagenome, copy.images).left_out.get(dicom, "")


def concept(graph: Any, name: str) -> Any:
    return next(each for each in graph["objects"] if each["bbox_name"] == name)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (["tubesandlines|yes|endotracheal tube"], "endotracheal tube"),
        (["device|yes|cardiac pacer and wires"], "cardiac pacer and wires"),
        (["devices|yes|artificial valve", "tubesandlines|yes|picc"], "artificial valve, picc"),
        ([" TubesAndLines | Yes | Chest Port "], "chest port"),
    ],
)
def test_a_picture_with_a_device_is_not_normal_and_is_told(copy: Copy, said: list[str], shown: str) -> None:
    copy.add("a", NORMAL)
    copy.add("b", [*NORMAL, *said])
    copy.add("c", [*NORMAL, "tubesandlines|no|endotracheal tube", "technicalassessment|yes|rotated"])
    copy.add("d", ["disease|yes|pneumonia", *said])
    found = imagenome_references(copy.imagenome, copy.images)
    assert [one.source.rpartition(" ")[2] for one in found.references] == ["a", "c"]
    assert list(found.left_out) == ["b"] and found.left_out["b"].startswith(f"it shows {shown}:")


@pytest.mark.parametrize("name", ["left lung", "Left Lung", " left  lung "])
def test_a_doubled_box_is_told_whatever_its_spelling(copy: Copy, name: str) -> None:
    def double(graph: Any) -> None:
        graph["objects"].append(concept(graph, "left lung") | {"bbox_name": name, "x1": 3})

    assert edited(copy, "b", double) == "2 boxes of left lung"


def test_a_name_in_other_spelling_is_the_same_concept(copy: Copy) -> None:
    assert edited(copy, "b", lambda graph: concept(graph, "left lung").update(bbox_name="Left  Lung ")) == ""


def test_one_object_id_for_two_concepts_is_told(copy: Copy) -> None:
    def share(graph: Any) -> None:
        concept(graph, "left lung")["object_id"] = concept(graph, "right lung")["object_id"]

    assert edited(copy, "b", share) == "the object id b_right lung stands for 2 concepts"


def test_a_doubled_box_of_another_region_and_absent_sizes_do_not_matter(copy: Copy) -> None:
    def change(graph: Any) -> None:
        graph["objects"].append(concept(graph, "spine"))
        for each in graph["objects"]:
            for key in ("width", "height", "object_id", "original_width", "original_x1"):
                each.pop(key, None)

    assert edited(copy, "b", change) == ""


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ("anatomicalfinding|yes|lung opacity", ""),
        (["anatomicalfinding|yes|lung opacity"], ""),
        ([[["anatomicalfinding|yes|lung opacity"]]], ""),
        ([["nlp|yes|normal"], ["device|yes|cardiac pacer"]], "it shows cardiac pacer"),
        (["nlp|yes|normal", [["tubesandlines|yes|picc"]]], "it shows picc"),
        ({"0": ["anatomicalfinding|yes|lung opacity"]}, "is damaged"),
        ([None], "is damaged"),
        ([[3]], "is damaged"),
        (None, "is damaged"),
    ],
)
def test_attributes_are_heard_however_they_are_nested(copy: Copy, attributes: Any, says: str) -> None:
    copy.add("a", NORMAL)
    copy.add("b", NORMAL)
    file = copy.graphs / "b_SceneGraph.json"
    graph = json.loads(file.read_text())
    graph["attributes"][0]["attributes"] = attributes
    file.write_text(json.dumps(graph))
    found = imagenome_references(copy.imagenome, copy.images)
    assert [one.source.rpartition(" ")[2] for one in found.references] == ["a"]
    assert says in found.left_out.get("b", "")
    assert bool(says) is ("b" in found.left_out)


@pytest.mark.parametrize("factor", [512 / 224, 3000 / 224])
def test_boxes_of_another_image_size_are_refused_by_what_lies_outside_before_they_are_clipped(
    copy: Copy, factor: float
) -> None:
    def enlarge(graph: Any) -> None:
        for each in graph["objects"]:
            each.update({key: each[key] * factor for key in ("x1", "y1", "x2", "y2")})

    why = edited(copy, "b", enlarge)
    assert "lie outside the picture: another one was annotated" in why or "no area in the picture" in why


def test_a_box_that_reaches_a_little_beyond_the_picture_is_clipped_and_one_that_reaches_far_is_refused(
    copy: Copy,
) -> None:
    def reach(graph: Any) -> None:
        box = concept(graph, "left lung")
        box["x2"] = box["x1"] + 3 * (224 - box["x1"])

    def lean(graph: Any) -> None:
        concept(graph, "left lung")["x2"] = 230

    assert edited(copy, "b", lean) == ""
    assert "of the box of left lung lie outside the picture" in edited(copy, "c", reach)


def test_a_box_in_original_pixels_beside_others_is_told(copy: Copy) -> None:
    def original(graph: Any) -> None:
        for each in graph["objects"]:
            for key in ("x1", "y1", "x2", "y2"):
                each[f"original_{key}"] = each[key] * 2
        box = concept(graph, "right clavicle")
        box.update({f"original_{key}": box[key] for key in ("x1", "y1", "x2", "y2")})

    assert edited(copy, "b", original) == "the box of right clavicle is in original pixels, unlike the others"


def test_a_box_that_ends_before_it_begins_is_told(copy: Copy) -> None:
    def turn(graph: Any) -> None:
        box = concept(graph, "left clavicle")
        box["x1"], box["x2"] = box["x2"], box["x1"]

    assert edited(copy, "b", turn) == "the box of left clavicle ends before it begins"
