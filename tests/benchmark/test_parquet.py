"""Rows to parquet and back: nothing is lost, same rows are same bytes, and what is no such file is told by name."""

from __future__ import annotations

from dataclasses import fields, replace
from types import NoneType, UnionType
from typing import get_args, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.parquet import ROWS_A_GROUP, count, decoded, encoded
from medground_bench.benchmark.rows import (
    ANSWERS,
    DIRECT,
    QUESTIONS,
    REASON,
    VERDICTS,
    AnswerRow,
    CaseRow,
    QuestionRow,
    TruthColumns,
    VerdictRow,
)
from medground_bench.core.errors import SourceMissing
from medground_bench.core.types import Corners
from tests.kit.example_rows import ANSWER, CASE, QUESTION, VERDICT

EXAMPLES = {DIRECT: CASE, REASON: CASE, QUESTIONS: QUESTION, VERDICTS: VERDICT, ANSWERS: ANSWER}
KINDS = (QuestionRow, AnswerRow, VerdictRow, CaseRow)

INTEGERS = st.integers(-(2**31), 2**31 - 1)
CELLS = {
    NoneType: st.none(),
    bool: st.booleans(),
    bytes: st.binary(max_size=20),
    int: INTEGERS,
    str: st.text(max_size=20),
    tuple[int, ...]: st.lists(INTEGERS, max_size=3).map(tuple),
    tuple[str, ...]: st.lists(st.text(max_size=5), max_size=3).map(tuple),
    tuple[Corners, ...]: st.lists(st.tuples(*[st.floats(allow_nan=False)] * 4), max_size=3).map(tuple),
}


def cells(kind) -> st.SearchStrategy:
    """Any value of a column of that type."""
    return st.one_of(map(cells, get_args(kind))) if isinstance(kind, UnionType) else CELLS[kind]


def rows_of(kind) -> st.SearchStrategy:
    """Rows of any values."""
    row = st.builds(kind, **{name: cells(each) for name, each in get_type_hints(kind).items()})
    return st.lists(row, max_size=3)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Where to put a file."""
    return tmp_path_factory.mktemp("parquet") / "test-org--name@1f2e.parquet"


@pytest.mark.parametrize("table", EXAMPLES, ids=lambda table: table.name)
def test_a_row_made_by_hand_comes_back_as_it_was(file, table):
    rows = [EXAMPLES[table]] * (ROWS_A_GROUP + 1)
    file.write_bytes(encoded(table.row, rows))
    assert decoded(file, table.row) == rows
    assert count(file) == len(rows)


@settings(max_examples=40)
@given(data=st.data())
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_rows_of_any_values_come_back_as_they_were(file, kind, data):
    rows = data.draw(rows_of(kind))
    file.write_bytes(encoded(kind, rows))
    assert decoded(file, kind) == rows


def test_a_few_columns_come_back_alone(file):
    file.write_bytes(encoded(CaseRow, [CASE]))
    (truth,) = decoded(file, TruthColumns)
    assert truth == TruthColumns(**{each.name: getattr(CASE, each.name) for each in fields(TruthColumns)})
    assert decoded(file, TruthColumns, {"lvlm": CASE.lvlm, "source": CASE.source}) == [truth]
    assert decoded(file, TruthColumns, {"lvlm": CASE.lvlm, "source": "phantom"}) == []


@pytest.mark.parametrize("table", EXAMPLES, ids=lambda table: table.name)
def test_same_rows_are_same_bytes_in_whatever_order_they_are_written(tmp_path, table):
    folder = DatasetFolder(tmp_path)
    identity = "case_id" if table in (DIRECT, REASON) else "question_id"
    rows = [replace(EXAMPLES[table], **{identity: text}) for text in ("b", "a", "ä/", "")]
    contents = set()
    for same in (rows, rows[::-1], rows[1:] + rows[:1]):
        folder.write(table, "test", "org/name@1f2e", same)
        contents.add(folder.file(table, "test", "org/name@1f2e").read_bytes())
    assert len(contents) == 1


def told(file, kind) -> str:
    """What reading and counting a file that is none of ours says; one paragraph that names it and what to do."""
    with pytest.raises(SourceMissing) as missed:
        decoded(file, kind)
    said = str(missed.value)
    assert said.startswith(f"{file} is damaged or of another version (") and "\n" not in said
    assert said.endswith("Build or download the benchmark again.")
    return said


@pytest.mark.parametrize("rows", [0, 1], ids=["no rows", "one row"])
@pytest.mark.parametrize("table", [DIRECT, QUESTIONS, VERDICTS, ANSWERS], ids=lambda table: table.name)
def test_a_file_of_a_version_that_lacks_a_column_is_told_with_the_column(file, table, rows):
    whole = encoded(table.row, [EXAMPLES[table]] * rows)
    for column in fields(table.row):
        file.write_bytes(whole)
        pq.write_table(pq.read_table(file).drop_columns([column.name]), file)
        assert column.name in told(file, table.row)


@pytest.mark.parametrize("table", [DIRECT, QUESTIONS, VERDICTS, ANSWERS], ids=lambda table: table.name)
def test_a_file_that_was_cut_anywhere_is_told(file, table):
    whole = encoded(table.row, [EXAMPLES[table]])
    for length in range(0, len(whole), 101):
        file.write_bytes(whole[:length])
        told(file, table.row)


@pytest.mark.parametrize(
    "content", [b"", b"no parquet at all", b"PAR1", b"PAR1PAR1", bytes(1000), b"PAR1" + bytes(100) + b"PAR1"]
)
def test_a_file_that_is_no_parquet_is_told_also_when_its_rows_are_only_counted(file, content):
    file.write_bytes(content)
    said = told(file, CaseRow)
    with pytest.raises(SourceMissing) as missed:
        count(file)
    assert str(missed.value).startswith(said.partition("(")[0])


def test_a_parquet_of_somebody_else_is_told(file):
    pq.write_table(pa.table({"patient": ["x"]}), file)
    told(file, VerdictRow)


def test_a_file_that_is_not_there_is_told(tmp_path):
    told(tmp_path / "none.parquet", VerdictRow)
