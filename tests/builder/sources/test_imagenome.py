from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from builder.build import open_source
from builder.ledger import Fault
from builder.sources import BadSource
from builder.sources.imagenome import ImaGenome
from medground_bench.core.errors import BadPicture, SourceMissing
from tests.kit.trees import DENIED, GOLD, gold_row, table

IDS = {"patient_id": 10, "study_id": 50, "image_id": "aa.dcm"}
BOX = (10, 20, 30, 40)


@pytest.fixture
def copy(tmp_path):
    """Writes a gold table and a picture of 60 x 80 px for each of its images; opens the source."""

    def copy(*rows, pictures=True):
        table(tmp_path / "gold" / GOLD, list(rows), delimiter="\t")
        for row in rows if pictures else ():
            write_picture(tmp_path / "jpg", row)
        (tmp_path / "jpg" / "files" / "p10").mkdir(parents=True, exist_ok=True)
        return ImaGenome((tmp_path / "gold", tmp_path / "jpg"))

    return copy


def write_picture(folder, row, size=(60, 80)):
    patient, study, image = row["patient_id"], row["study_id"], str(row["image_id"]).removesuffix(".dcm")
    path = folder / "files" / f"p{str(patient)[:2]}" / f"p{patient}" / f"s{study}" / f"{image}.jpg"
    if image and "/" not in image:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(1).integers(0, 256, size[::-1], np.uint8)).save(path)
    return path


def listed(source):
    return [
        (known.question.image_id, known.question.finding, *(box.xyxy for box in known.question.boxes))
        for known in source.questions("test", None)
    ]


def faults(source):
    return [entry.fault for entry in source.ledger]


def test_boxes_of_a_finding_and_a_picture_are_one_question(copy):
    source = copy(
        gold_row(IDS, "edema", 1, BOX),
        gold_row(IDS, "edema", 2, BOX),
        gold_row(IDS, "edema", 2, (1, 2, 3, 4), bbox="right lung"),
        gold_row(IDS, "mass", 2, BOX),
    )
    assert listed(source) == [("aa", "edema", BOX, (1, 2, 3, 4)), ("aa", "mass", BOX)]
    assert not source.ledger


def test_only_findings_and_diseases_with_relation_one_are_asked_about(copy):
    source = copy(
        gold_row(IDS, "edema", 1, BOX),
        gold_row(IDS, "mass", 1, BOX, relation=0, context="no"),
        gold_row(IDS, "tube", 1, BOX, categoryID="tubesandlines"),
        gold_row(IDS, "pneumonia", 1, BOX, categoryID="disease"),
    )
    assert [finding for _, finding, _ in listed(source)] == ["edema", "pneumonia"]
    assert not source.ledger


def test_the_order_is_that_of_pandas_in_the_authors_code(trees):
    source = open_source("imagenome", trees.imagenome)
    frame = pd.read_csv(trees.imagenome[0] / GOLD, sep="\t")
    frame = frame[(frame["relation"] == 1) & frame["categoryID"].isin(["anatomicalfinding", "disease"])]
    keys = ["patient_id", "study_id", "image_id", "label_name", "categoryID"]
    groups = frame.groupby(keys).agg({"coord_original": list}).reset_index()
    ours = {known.release_index: known for known in source.questions("test", None)}
    denied = set(groups.index[groups["label_name"] == DENIED])
    assert len(denied) == len(set(groups["image_id"]))
    assert sorted(ours) == sorted(set(groups.index) - denied)
    for index, group in groups.drop(index=sorted(denied)).iterrows():
        question = ours[index].question
        assert (f"{question.image_id}.dcm", question.finding) == (group["image_id"], group["label_name"])
        assert ours[index].patient_id == str(group["patient_id"])


def test_what_is_only_denied_is_no_question_and_keeps_its_number(copy):
    source = copy(
        gold_row(IDS, "edema", 1, BOX),
        gold_row(IDS, "fracture", 1, BOX, context="no"),
        gold_row(IDS, "mass", 1, BOX),
    )
    known = list(source.questions("test", None))
    assert [(each.question.finding, each.release_index) for each in known] == [("edema", 0), ("mass", 2)]
    assert [(entry.fault, entry.row) for entry in source.ledger] == [(Fault.DENIED, 3)]
    assert source.asked("test") == {"edema": 1, "fracture": 1, "mass": 1}


@pytest.mark.parametrize("first", [0, 1])
def test_the_box_of_a_row_that_denies_is_no_box_of_the_finding(copy, first):
    rows = [
        gold_row(IDS, "edema", 1, (1, 1, 5, 5), bbox="right lung", context="no"),
        gold_row(IDS, "edema", 1, BOX),
    ]
    source = copy(rows[first], rows[1 - first])
    assert listed(source) == [("aa", "edema", BOX)]
    assert [(entry.fault, entry.row) for entry in source.ledger] == [(Fault.AMBIGUOUS, 3 - first)]


def test_a_label_denied_in_one_category_and_affirmed_in_the_other_has_the_number_of_the_other(copy):
    source = copy(
        gold_row(IDS, "edema", 1, (1, 1, 5, 5), context="no"),
        gold_row(IDS, "edema", 1, BOX, categoryID="disease"),
    )
    (known,) = source.questions("test", None)
    assert known.release_index == 1 and [box.xyxy for box in known.question.boxes] == [BOX]
    assert faults(source) == [Fault.DENIED, Fault.AMBIGUOUS]


def test_ids_are_sorted_as_numbers(copy):
    rows = [
        gold_row(IDS | {"patient_id": who, "image_id": f"a{who}.dcm"}, "edema", 1, BOX)
        for who in (100, 9, 20)
    ]
    assert [image for image, *_ in listed(copy(*rows))] == ["a9", "a20", "a100"]


def test_a_finding_said_both_to_be_there_and_not_is_asked_as_the_authors_do_and_told(copy):
    source = copy(
        gold_row(IDS, "edema", 1, BOX, bbox="left lung"),
        gold_row(IDS, "edema", 1, (1, 1, 5, 5), bbox="right lung", relation=0, context="no"),
    )
    assert listed(source) == [("aa", "edema", BOX)]
    assert faults(source) == [Fault.AMBIGUOUS]


def test_a_label_of_two_categories_is_one_question_and_the_numbers_go_on(copy):
    source = copy(
        gold_row(IDS, "edema", 1, BOX),
        gold_row(IDS, "edema", 1, (1, 1, 5, 5), categoryID="disease"),
        gold_row(IDS, "mass", 1, BOX, categoryID="disease"),
    )
    assert [(known.question.finding, known.release_index) for known in source.questions("test", None)] == [
        ("edema", 0),
        ("mass", 2),
    ]
    assert faults(source) == [Fault.DUPLICATE]
    assert source.asked("test") == {"edema": 2, "mass": 1}


@pytest.mark.parametrize(
    "written",
    ["", "nan", "[1, 2, nan, 4]", "[5, 5, 5, 9]", "[9, 1, 2, 3]", "__import__('os').getpid()", "[1, 2, 3]"],
)
def test_a_box_that_is_none_goes_to_the_ledger_and_leaves_the_others(copy, written):
    source = copy(
        gold_row(IDS, "edema", 1, BOX),
        gold_row(IDS, "edema", 1, BOX, coord_original=written, bbox="spine"),
        gold_row(IDS, "mass", 1, BOX, coord_original=written),
    )
    assert listed(source) == [("aa", "edema", BOX)]
    assert faults(source) == [Fault.BAD_BOX] * 2
    assert {entry.row for entry in source.ledger} == {3, 4}


def test_boxes_beyond_the_picture_are_cut_or_left_out_and_told(copy):
    source = copy(
        gold_row(IDS, "edema", 1, (50, 70, 65, 90)),
        gold_row(IDS, "mass", 1, (60, 0, 70, 9)),
        gold_row(IDS, "nodule", 1, (50, 70, 61, 80)),
    )
    assert listed(source) == [("aa", "edema", (50, 70, 60, 80)), ("aa", "nodule", (50, 70, 60, 80))]
    assert faults(source) == [Fault.BOX_OUTSIDE] * 2


@pytest.mark.parametrize(
    "changed",
    [
        {"patient_id": "p10"},
        {"study_id": ""},
        {"image_id": "../../etc/passwd"},
        {"image_id": ""},
        {"label_name": ""},
    ],
)
def test_a_row_whose_ids_are_none_goes_to_the_ledger(copy, changed):
    source = copy(gold_row(IDS, "edema", 1, BOX), gold_row(IDS, "edema", 1, BOX) | changed)
    assert len(listed(source)) == 1
    assert faults(source) == [Fault.BAD_ROW]


def test_the_same_row_twice_is_told(copy):
    source = copy(gold_row(IDS, "edema", 1, BOX), gold_row(IDS, "edema", 1, BOX))
    assert listed(source) == [("aa", "edema", BOX)]
    assert faults(source) == [Fault.DUPLICATE]


def test_a_picture_that_is_missing_or_damaged_takes_its_questions_alone(copy, tmp_path):
    rows = [gold_row(IDS | {"image_id": f"{name}.dcm"}, "edema", 1, BOX) for name in ("aa", "bb", "cc")]
    source = copy(*rows)
    write_picture(tmp_path / "jpg", rows[0]).unlink()
    write_picture(tmp_path / "jpg", rows[1]).write_bytes(b"\xff\xd8\xff cut")
    assert [image for image, *_ in listed(source)] == ["cc"]
    assert faults(source) == [Fault.MISSING_PICTURE, Fault.UNREADABLE_PICTURE]
    assert "aa" not in " ".join(source.ledger.lines())


def test_a_picture_of_another_size_than_when_its_boxes_were_checked_is_refused(copy, tmp_path):
    row = gold_row(IDS, "edema", 1, BOX)
    source = copy(row)
    (known,) = source.questions("test", None)
    assert source.picture(known.question).shape == (80, 60)
    write_picture(tmp_path / "jpg", row, size=(80, 60))
    with pytest.raises(BadPicture, match="turned or replaced"):
        source.picture(known.question)


def test_a_limit_is_of_pictures(copy):
    rows = [
        gold_row(IDS | {"image_id": f"{n}.dcm"}, f, 1, BOX) for n in ("aa", "bb") for f in ("edema", "mass")
    ]
    source = copy(*rows)
    assert [known.question.image_id for known in source.questions("test", 1)] == ["aa", "aa"]


def test_the_folders_may_be_given_in_any_order_and_as_one_above_both(trees, tmp_path):
    gold, images = trees.imagenome
    wanted = listed(ImaGenome((gold, images)))
    assert listed(ImaGenome((images, gold))) == wanted
    above = tmp_path / "files"
    (above / "chest-imagenome").mkdir(parents=True)
    (above / "mimic-cxr-jpg").mkdir()
    (above / "chest-imagenome" / "1.0.0").symlink_to(gold)
    (above / "mimic-cxr-jpg" / "2.1.0").symlink_to(images)
    assert listed(ImaGenome((above,))) == wanted
    assert listed(ImaGenome((tmp_path, gold, images))) == wanted


def test_what_is_missing_or_there_twice_is_said_with_the_way_to_get_it(trees, tmp_path):
    gold, images = trees.imagenome
    with pytest.raises(SourceMissing, match="PhysioNet account"):
        ImaGenome((gold,))
    with pytest.raises(SourceMissing, match="gold_object_attribute"):
        ImaGenome((images,))
    table(tmp_path / "other" / GOLD, [gold_row(IDS, "edema", 1, BOX)], delimiter="\t")
    with pytest.raises(BadSource, match="there 2 times"):
        ImaGenome((gold, images, tmp_path / "other"))


def test_a_table_saved_with_commas_a_mark_and_other_line_ends_gives_the_same(trees, tmp_path):
    gold, images = trees.imagenome
    rows = list(csv.DictReader(io.StringIO((gold / GOLD).read_text("utf-8")), delimiter="\t"))
    path = tmp_path / GOLD
    table(path, rows, delimiter=",")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert listed(ImaGenome((tmp_path, images))) == listed(ImaGenome((gold, images)))
