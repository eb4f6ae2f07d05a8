"""What the rows of the dataset say of themselves, and that a part of a row is a part of it."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import get_type_hints

import numpy as np
import pytest

from medground_bench.benchmark import counted, rows
from medground_bench.benchmark.counted import (
    AskedColumns,
    FilterColumns,
    PictureColumns,
    ReadingColumns,
    ShownColumns,
    SourceColumns,
)
from medground_bench.benchmark.rows import (
    TABLES,
    AnswerRow,
    CaseRow,
    ContentColumns,
    KeyColumns,
    QuestionColumns,
    QuestionRow,
    TrackColumns,
    TruthColumns,
    VerdictRow,
)
from medground_bench.core.errors import SourceMissing
from medground_bench.core.types import Frame, Mode, Track
from medground_bench.pictures import stored_png, to_study
from tests.kit.example_rows import ANSWER, CASE, NATIVE, QUESTION, VERDICT

PARTS = (
    (TrackColumns, VerdictRow),
    (TrackColumns, CaseRow),
    (ContentColumns, CaseRow),
    (PictureColumns, CaseRow),
    (PictureColumns, QuestionRow),
    (TruthColumns, CaseRow),
    (ShownColumns, CaseRow),
    (QuestionColumns, QuestionRow),
    (AskedColumns, QuestionRow),
    (FilterColumns, VerdictRow),
    (ReadingColumns, AnswerRow),
    *((SourceColumns, table.row) for table in TABLES),
    (KeyColumns, QuestionRow),
    (KeyColumns, CaseRow),
)


def part_of(row, kind):
    """The columns of a row that a kind of columns has."""
    return kind(**{name: getattr(row, name) for name in get_type_hints(kind)})


@pytest.mark.parametrize(("part", "row"), PARTS, ids=lambda kind: kind.__name__)
def test_a_part_of_a_row_has_its_names_and_types(part, row):
    assert get_type_hints(part).items() < get_type_hints(row).items()


def test_every_part_of_a_row_is_held_to_it():
    kinds = [*inspect.getmembers(rows, inspect.isclass), *inspect.getmembers(counted, inspect.isclass)]
    named = {kind for name, kind in kinds if name.endswith("Columns")}
    assert named == {part for part, _row in PARTS}


def test_a_table_is_sorted_by_columns_of_its_rows():
    for table in TABLES:
        assert set(table.order) <= get_type_hints(table.row).keys()


@pytest.mark.parametrize(
    "row", [ANSWER, VERDICT, part_of(VERDICT, TrackColumns)], ids=lambda row: type(row).__name__
)
def test_a_row_knows_its_track(row):
    assert row.track == Track("org/name@1f2e", Mode.REASON)
    assert replace(row, mode="direct").track == Track("org/name@1f2e", Mode.DIRECT)


def test_the_truth_of_a_case_is_its_boxes_in_native_pixels():
    reference = part_of(CASE, TruthColumns).reference()
    assert [box.xyxy for box in reference.boxes] == list(CASE.boxes)
    assert {box.frame for box in reference.boxes} == {reference.native} == {Frame.native(width=8, height=6)}
    assert (reference.case_id, reference.source, reference.image_id) == (
        CASE.case_id,
        CASE.source,
        CASE.image_id,
    )
    assert (reference.track, reference.finding) == (Track("org/name@1f2e", Mode.REASON), CASE.finding)


def test_a_question_has_the_truth_that_its_case_would_have():
    question = part_of(QUESTION, QuestionColumns)
    assert question.reference(VERDICT.track) == part_of(CASE, TruthColumns).reference()


def test_a_question_without_the_finding_has_a_truth_without_boxes():
    question = part_of(replace(QUESTION, answer="no", boxes=()), QuestionColumns)
    assert question.reference(VERDICT.track).boxes == ()


def test_boxes_that_may_not_be_shown_are_missed_by_the_name_of_case_and_source():
    truth = part_of(replace(CASE, boxes=None), TruthColumns)
    with pytest.raises(SourceMissing) as missed:
        truth.reference()
    said = str(missed.value)
    assert said.startswith(f"case {CASE.case_id}: ")
    assert "without the expert boxes of vindr_cxr" in said and "\n" not in said


def test_a_case_is_its_picture_in_the_study_frame_with_prompt_and_response():
    case = CASE.case()
    assert (case.case_id, case.finding, case.prompt) == (CASE.case_id, CASE.finding, CASE.prompt)
    assert case.response.text == CASE.response
    assert (case.response.token_ids, case.response.tokens) == (CASE.response_token_ids, CASE.response_tokens)
    assert case.native == Frame.native(width=8, height=6)
    assert np.array_equal(case.picture, to_study(NATIVE).picture)


@pytest.mark.parametrize(
    "image",
    [b"", b"no picture", CASE.image[:40], stored_png.encode(NATIVE + 1), stored_png.encode(NATIVE.T)],
    ids=["empty", "text", "cut", "other greys", "turned"],
)
def test_a_damaged_picture_is_told_by_the_name_of_the_case(image):
    with pytest.raises(SourceMissing) as told:
        replace(CASE, image=image).case()
    assert str(told.value).startswith(f"case {CASE.case_id}: its picture is damaged.")


def test_a_picture_that_may_not_be_shown_is_missed_by_the_name_of_case_and_source():
    with pytest.raises(SourceMissing, match="the pictures of vindr_cxr may not be shared") as missed:
        replace(CASE, image=None).case()
    assert str(missed.value).startswith(f"case {CASE.case_id}: ")
