from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from builder.build import open_source
from builder.ledger import Fault
from builder.sources import BadSource
from builder.sources.padchest_gr import NO_PATIENTS, UNMATCHED, PadChestGr
from medground_bench.core.errors import SourceMissing
from tests.kit.trees import CHOSEN, MASTER_COLUMNS, OFFICIAL, grounded, table

BOX = [0.25, 0.1, 0.5, 0.2]
NATIVE = (15, 8, 30, 16)
"""`BOX` in a picture of 60 x 80 px."""


@pytest.fixture
def copy(tmp_path):
    """Writes records as one of the two files, and a 16-bit picture of 60 x 80 px for each; opens the source."""

    def copy(*records, name=CHOSEN):
        (tmp_path / name).write_text(json.dumps(records), "utf-8")
        (tmp_path / "PadChest_GR").mkdir(exist_ok=True)
        for image_id in {str(each["ImageID"]) for each in records if isinstance(each, dict)} | {
            "another.png"
        }:
            if image_id.endswith(".png") and "/" not in image_id:
                picture = np.arange(4800, dtype=np.uint16).reshape(80, 60)
                Image.fromarray(picture).save(tmp_path / "PadChest_GR" / image_id)
        return PadChestGr((tmp_path,))

    return copy


def record(image_id, *findings, study="1"):
    return {"StudyID": study, "ImageID": f"{image_id}.png", "findings": list(findings)}


def listed(source, split="test"):
    return [
        (known.question.image_id, known.question.finding, *(box.xyxy for box in known.question.boxes))
        for known in source.questions(split, None)
    ]


def faults(source):
    return [entry.fault for entry in source.ledger]


def test_boxes_of_both_readers_are_native_and_labels_are_joined(copy):
    source = copy(record("a", grounded("", [BOX], [[0, 0, 1, 1]], labels=["nodule", "mass"])))
    assert listed(source) == [("a", "nodule or mass", NATIVE, (0, 0, 60, 80))]
    assert not source.ledger


def test_only_abnormal_findings_with_a_box_are_asked_about(copy):
    bare = {"sentence_en": "Abnormal elsewhere.", "abnormal": True, "labels": ["edema"]}
    source = copy(
        record(
            "a",
            {"sentence_en": "Normal.", "abnormal": False},
            grounded("scoliosis", [], []),
            grounded("nodule", [BOX], [], abnormal=False),
            bare,
            grounded("mass", [], [BOX]),
        )
    )
    assert listed(source) == [("a", "mass", NATIVE)]
    assert not source.ledger


def test_the_authors_file_gives_their_order_and_their_index(copy):
    source = copy(
        record("b", grounded("mass", [BOX], []), grounded("edema", [BOX], [])),
        record("a", grounded("mass", [BOX], [])),
    )
    assert [(known.question.image_id, known.release_index) for known in source.questions("test", None)] == [
        ("b", 0),
        ("b", 1),
        ("a", 2),
    ]


def test_the_first_2000_records_are_test_and_the_last_100_from_the_end_are_tune(copy):
    records = [record(f"i{number}", grounded("mass", [BOX], [])) for number in range(2_105)]
    source = copy(*records)
    test, tune = (list(source.questions(split, None)) for split in ("test", "tune"))
    assert [known.question.image_id for known in test] == [f"i{number}" for number in range(2_000)]
    assert [known.question.image_id for known in tune] == [f"i{number}" for number in range(2_104, 2_004, -1)]
    assert [known.release_index for known in tune] == list(range(100))
    assert source.expected("test") == 2_657 and source.expected("tune") == 144


def test_a_short_file_fills_test_and_is_not_held_to_the_authors_numbers(copy):
    source = copy(record("a", grounded("mass", [BOX], [])))
    assert listed(source, "tune") == [] and len(listed(source)) == 1
    assert source.expected("test") is None


def test_the_official_file_gives_no_index_and_that_is_told(trees, copy):
    source = copy(record("a", grounded("mass", [BOX], [])), name=OFFICIAL)
    assert [known.release_index for known in source.questions("test", None)] == [None]
    assert UNMATCHED in source.notes
    both = open_source("padchest_gr", (trees.padchest_gr,))
    assert both.notes == ()
    assert all(known.release_index is not None for known in both.questions("test", None))


def test_patients_come_from_the_master_table_whatever_the_case_of_its_header(copy, tmp_path):
    records = [record(name, grounded("mass", [BOX], []), study=name) for name in ("a", "b", "c")]
    assert NO_PATIENTS in copy(*records).notes
    for columns in (MASTER_COLUMNS, [column.upper() for column in MASTER_COLUMNS]):
        empty = dict.fromkeys(columns, "")
        rows = [empty | {columns[0]: name, columns[2]: f"p-{name}"} for name in ("a", "b")]
        table(tmp_path / "master_table.csv", rows)
        source = copy(*records)
        assert source.notes == ()
        assert [known.patient_id for known in source.questions("test", None)] == ["p-a", "p-b", None]


def test_findings_of_a_picture_with_the_same_labels_are_one_question_and_told(copy):
    other = [0.5, 0.5, 1, 1]
    source = copy(
        record(
            "a",
            grounded("mass", [BOX], []),
            grounded("edema", [BOX], []),
            grounded("mass", [other, BOX], []),
            grounded("nodule", [BOX], []),
        )
    )
    assert listed(source) == [
        ("a", "mass", NATIVE, (30, 40, 60, 80)),
        ("a", "edema", NATIVE),
        ("a", "nodule", NATIVE),
    ]
    assert [known.release_index for known in source.questions("test", None)] == [0, 1, 3]
    assert faults(source) == [Fault.DUPLICATE]
    assert source.asked("test") == {"edema": 1, "mass": 2, "nodule": 1}


@pytest.mark.parametrize(
    "box",
    [None, [], [0.1, 0.2], ["a", 0, 1, 1], [0.5, 0, 0.5, 1], [0.9, 0, 0.1, 1], "0.1", [True, 0, 1, 1],
     [float("nan"), 0, 1, 1], [float("inf"), 0, 1, 1]],
)  # fmt: skip
def test_a_box_that_is_none_goes_to_the_ledger_and_leaves_the_others(copy, box):
    source = copy(record("a", grounded("mass", [BOX, box], []), grounded("edema", [box], [])))
    assert listed(source) == [("a", "mass", NATIVE)]
    assert faults(source) == [Fault.BAD_BOX] or len(source.ledger) == 2


def test_boxes_in_pixels_or_beyond_the_picture_are_told(copy):
    source = copy(
        record("a", grounded("mass", [[100, 200, 300, 400]], []), grounded("edema", [[0.5, 0.5, 1.2, 1]], []))
    )
    assert listed(source) == [("a", "edema", (30, 40, 60, 80))]
    assert faults(source) == [Fault.BOX_OUTSIDE] * 2


@pytest.mark.parametrize(
    "odd",
    [
        None,
        3,
        {"ImageID": "b.png"},
        {"ImageID": 3, "findings": []},
        {"ImageID": "../b.png", "findings": []},
        {"ImageID": "b.png", "findings": None},
        {"ImageID": "b.png", "findings": [3]},
        {"ImageID": "b.png", "findings": [{"abnormal": True, "boxes": [BOX]}]},
        {"ImageID": "b.png", "findings": [grounded("mass", [BOX], [], labels=[])]},
        {"ImageID": "b.png", "findings": [grounded("mass", [BOX], [], labels=[None])]},
        {"ImageID": "b.png", "findings": [grounded("mass", 3, [])]},
    ],
)
def test_a_record_that_is_not_one_goes_to_the_ledger_and_leaves_the_others(copy, odd):
    source = copy(record("a", grounded("mass", [BOX], [])), odd)
    assert listed(source) == [("a", "mass", NATIVE)]
    assert [(entry.row, entry.fault) for entry in source.ledger] == [(2, Fault.BAD_ROW)]


def as_medfocus_does(values):
    """What the authors do with a 16-bit picture: shares of its own range, times 255, without their fractions."""
    above = values.astype(np.float64) - values.min()
    return np.trunc(above * 255.0 / above.max()).astype(np.uint8)


@pytest.mark.parametrize(
    "values",
    [
        np.arange(4800, dtype=np.uint16).reshape(80, 60),
        np.random.default_rng(3).integers(100, 4000, (80, 60), np.uint16),
        np.random.default_rng(4).integers(0, 65_536, (80, 60), np.uint16),
    ],
    ids=["few", "twelve bits", "sixteen bits"],
)
def test_greys_are_those_of_medfocus_to_the_bit(copy, tmp_path, values):
    (known,) = (source := copy(record("a", grounded("mass", [BOX], [])))).questions("test", None)
    Image.fromarray(values).save(tmp_path / "PadChest_GR" / "a.png")
    picture = source.picture(known.question)
    assert (picture.min(), picture.max()) == (0, 255)
    assert np.array_equal(picture, as_medfocus_does(values))


def test_no_message_about_a_damaged_file_quotes_what_is_in_it(copy, tmp_path):
    study, image, patient = "216840111366964012283393834152009027160", "4b7d", "310925"
    finding = grounded("mass", [[0.5, 0.5, 9, 9]], [], sentence_en="The heart is large.")
    source = copy(record(f"{study}_{image}", finding, study=study))
    table(tmp_path / "master_table.csv", [{study: "", f"{study}_{image}.png": "", patient: ""}])
    with pytest.raises(BadSource) as headless:
        listed(source)
    (tmp_path / "master_table.csv").unlink()
    again = copy(record(f"{study}_{image}", finding, study=study))
    assert len(listed(again)) == 1
    path = tmp_path / CHOSEN
    path.write_text(path.read_text("utf-8").replace('"The heart', "The heart"), "utf-8")
    with pytest.raises(BadSource) as broken:
        listed(PadChestGr((tmp_path,)))
    said = "\n".join([str(headless.value), str(broken.value), *again.ledger.lines()])
    assert "studyid, patientid should be there" in said and "is no JSON" in said and "BOX_OUTSIDE" in said
    for quoted in (study, image, patient, "heart"):
        assert quoted not in said


def test_a_file_cut_short_and_a_copy_without_its_files_are_refused(copy, tmp_path):
    source = copy(record("a", grounded("mass", [BOX], [])))
    path = tmp_path / CHOSEN
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(BadSource, match="cut short"):
        listed(source)
    path.unlink()
    with pytest.raises(SourceMissing, match="bimcv"):
        PadChestGr((tmp_path,))
