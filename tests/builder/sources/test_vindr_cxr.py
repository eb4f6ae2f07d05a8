from __future__ import annotations

import time
from itertools import cycle, islice

import numpy as np
import pandas as pd
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

from builder.build import open_source
from builder.ledger import Fault
from builder.sources import BadSource
from builder.sources.vindr_cxr import VindrCxr
from medground_bench.core.errors import BadPicture, SourceMissing
from tests.kit.containers import dicom
from tests.kit.trees import CODINGS, TEST_TABLE, native, table, twelve_bits, vindr_row

BOX = (10.5, 20, 30, 40.25)


@pytest.fixture
def copy(tmp_path):
    """Writes a test table and a DICOM picture of 60 x 80 px for each of its images; opens the source."""

    def copy(*rows):
        table(tmp_path / TEST_TABLE, list(rows))
        (tmp_path / "test").mkdir(exist_ok=True)
        for row in rows:
            write_picture(tmp_path, str(row["image_id"]))
        write_picture(tmp_path, "another")
        return VindrCxr((tmp_path,))

    return copy


def write_picture(folder, image_id, **elements):
    path = folder / "test" / f"{image_id}.dicom"
    if image_id and "/" not in image_id:
        path.write_bytes(dicom(np.arange(4800, dtype=np.uint16).reshape(80, 60), **elements))
    return path


def listed(source):
    return [
        (known.question.image_id, known.question.finding, *(box.xyxy for box in known.question.boxes))
        for known in source.questions("test", None)
    ]


def faults(source):
    return [entry.fault for entry in source.ledger]


def test_boxes_of_a_class_and_a_picture_are_one_question_and_no_finding_is_none(copy):
    source = copy(
        vindr_row("b", "Nodule/Mass", BOX),
        vindr_row("a", "ILD", BOX),
        vindr_row("b", "Nodule/Mass", (1, 2, 3, 4)),
        vindr_row("c", "No finding", ("", "", "", "")),
    )
    assert listed(source) == [("a", "ILD", BOX), ("b", "Nodule/Mass", BOX, (1, 2, 3, 4))]
    assert not source.ledger
    assert [known.patient_id for known in source.questions("test", None)] == [None, None]


def test_the_reader_of_the_train_split_may_be_named_or_not(copy):
    row = vindr_row("a", "ILD", BOX)
    assert listed(copy({"rad_id": "R8"} | row)) == listed(copy(row))


def test_the_order_is_that_of_pandas_in_the_authors_code(trees):
    frame = pd.read_csv(trees.vindr_cxr / TEST_TABLE)
    frame = frame[frame["class_name"] != "No finding"]
    groups = frame.groupby(["image_id", "class_name"]).agg({"x_min": list}).reset_index()
    source = open_source("vindr_cxr", (trees.vindr_cxr,))
    ours = {known.release_index: known.question for known in source.questions("test", None)}
    assert sorted(ours) == list(range(len(groups)))
    for index, group in groups.iterrows():
        assert (ours[index].image_id, ours[index].finding) == (group["image_id"], group["class_name"])
        assert [box.x0 for box in ours[index].boxes] == group["x_min"]


@pytest.mark.parametrize(
    "box",
    [("", "", "", ""), ("NaN", 2, 3, 4), (3, 2, 3, 4), (9, 2, 3, 4), ("inf", 2, 3, 4), ("__import__('os')", 2, 3, 4),
     ("1,5", 2, 3, 4)],
)  # fmt: skip
def test_a_box_that_is_none_goes_to_the_ledger_and_leaves_the_others(copy, box):
    source = copy(vindr_row("a", "ILD", BOX), vindr_row("a", "ILD", box), vindr_row("b", "Edema", box))
    assert listed(source) == [("a", "ILD", BOX)]
    assert faults(source) == [Fault.BAD_BOX] * 2


def test_boxes_beyond_the_picture_and_boxes_given_twice_are_told(copy):
    source = copy(
        vindr_row("a", "ILD", (50, 70, 65, 90)),
        vindr_row("b", "ILD", BOX),
        vindr_row("b", "ILD", BOX),
        vindr_row("c", "ILD", (-20, 0, -1, 9)),
    )
    assert listed(source) == [("a", "ILD", (50, 70, 60, 80)), ("b", "ILD", BOX)]
    assert sorted(faults(source)) == [Fault.BOX_OUTSIDE, Fault.BOX_OUTSIDE, Fault.DUPLICATE]


@pytest.mark.parametrize(
    "row", [vindr_row("../x", "ILD", BOX), vindr_row("", "ILD", BOX), vindr_row("a", "", BOX)]
)
def test_a_row_whose_names_are_none_goes_to_the_ledger(copy, row):
    source = copy(vindr_row("b", "ILD", BOX), row)
    assert len(listed(source)) == 1
    assert faults(source) == [Fault.BAD_ROW]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:100],
        lambda content: content[:200],
        lambda content: b"",
        lambda content: b"<html>log in</html>",
        lambda content: dicom(None),
        lambda content: dicom(np.zeros((80, 60), np.uint16), Rows=None),
        lambda content: dicom(np.zeros((80, 60), np.uint16), DeflatedExplicitVRLittleEndian),
    ],
    ids=["start", "header", "empty", "web", "no-pixels", "no-rows", "deflated"],
)
def test_a_dicom_file_that_says_no_size_goes_to_the_ledger(copy, tmp_path, damage):
    source = copy(vindr_row("a", "ILD", BOX), vindr_row("b", "ILD", BOX))
    path = write_picture(tmp_path, "a")
    path.write_bytes(damage(path.read_bytes()))
    questions = [known.question for known in source.questions("test", None)]
    unread = [question for question in questions if question.image_id == "a"]
    if unread:  # its header is good
        with pytest.raises(BadPicture):
            source.picture(unread[0])
    else:
        assert faults(source) == [Fault.UNREADABLE_PICTURE]
    assert questions[-1].image_id == "b"


def test_a_dicom_file_cut_within_its_pixels_is_listed_and_refused_when_read(copy, tmp_path):
    source = copy(vindr_row("a", "ILD", BOX))
    path = write_picture(tmp_path, "a")
    path.write_bytes(path.read_bytes()[:-50])
    (known,) = source.questions("test", None)
    with pytest.raises(BadPicture):
        source.picture(known.question)


def test_no_message_quotes_a_patient(copy, tmp_path):
    source = copy(vindr_row("a", "ILD", BOX))
    path = write_picture(tmp_path, "a", PatientName="MUSTERMANN", Rows=None)
    listed(source)
    assert path.is_file() and "MUSTERMANN" not in " ".join(map(repr, source.ledger))


def test_the_whole_folder_is_found_at_its_place_below_a_root(trees, tmp_path):
    (tmp_path / "vindr-cxr").mkdir()
    (tmp_path / "vindr-cxr" / "1.0.0").symlink_to(trees.vindr_cxr)
    assert listed(VindrCxr((tmp_path,))) == listed(VindrCxr((trees.vindr_cxr,)))


def test_what_is_missing_or_another_table_is_said(tmp_path, copy):
    with pytest.raises(SourceMissing, match="PhysioNet account"):
        VindrCxr((tmp_path,))
    source = copy({"image_id": "a", "class_name": "ILD", "x": 1})
    with pytest.raises(BadSource, match="x_min, y_min, x_max, y_max should be there"):
        listed(source)


def test_dicom_pictures_are_read_at_20_a_second(tmp_path, phantoms):
    """Processor time of one core, at the size of phantoms, in every coding."""
    rows = []
    (tmp_path / "test").mkdir()
    for number, (phantom, coding) in enumerate(
        islice(zip(cycle(phantoms), cycle(CODINGS), strict=False), 200)
    ):
        content = twelve_bits(native(phantom), coding, inverted=bool(number % 2))
        (tmp_path / "test" / f"{number}.dicom").write_bytes(content)
        rows.append(vindr_row(str(number), "ILD", BOX))
    table(tmp_path / TEST_TABLE, rows)
    source = VindrCxr((tmp_path,))
    began = time.process_time()
    for known in source.questions("test", None):
        source.picture(known.question)
    assert 200 / (time.process_time() - began) > 20
