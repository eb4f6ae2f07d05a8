from __future__ import annotations

import json
import math
import os
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.ledger import Fault, Ledger
from builder.sources import BadSource
from builder.sources._tables import corners_in, corners_of, number_in, records_in, rows_of

COLUMNS = ("image_id", "x_min")
TEXT = "image_id,rad_id,x_min\nab,R1,1.5\ncd,R2,\n"
READ = [("ab", "1.5"), ("cd", "")]


@pytest.fixture
def read(tmp_path):
    """Rows and ledger of a table with this content."""

    def read(content):
        path, ledger = tmp_path / "table.csv", Ledger()
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        rows = [tuple(row.cells[column] for column in COLUMNS) for row in rows_of(path, COLUMNS, ledger)]
        return rows, ledger

    return read


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        TEXT.replace("\n", "\r\n"),
        "\ufeff" + TEXT,
        TEXT.replace(",", "\t"),
        TEXT.replace(",", ";"),
        TEXT.replace(",", "|"),
        TEXT.replace("image_id", " Image_ID "),
        "\n" + TEXT + "\n\n",
        TEXT.replace("R1", '"R1, or\nanother"'),
        "x_min,new,image_id\n1.5,,ab\n,,cd\n",
        TEXT.removesuffix("\n"),
    ],
    ids=[
        "plain",
        "crlf",
        "bom",
        "tab",
        "semicolon",
        "bar",
        "case",
        "blank-lines",
        "quoted",
        "order",
        "no-end",
    ],
)
def test_a_table_is_read_by_the_names_of_its_columns_however_it_was_saved(read, content):
    rows, ledger = read(content)
    assert rows == READ
    assert not ledger


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("image_id,y_min\nab,1\n", "x_min should be there once each"),
        ("image_id,x_min,x_min\nab,1,2\n", "x_min should be there once each"),
        ("", "is empty"),
        (" \n\n", "is empty"),
        (TEXT.encode("utf-16"), "is not UTF-8 text"),
        (b"image_id,x_min\n\xff\xfe,1\n", "is not UTF-8 text"),
        ('image_id,x_min\n"' + "a" * 200_000 + '",1\n', "is no table"),
        ("a" * 200_000 + "\n", "has 0 cells, image_id, x_min should be there"),
        ("<!DOCTYPE html>\n<p>Log in</p>\n", "image_id, x_min should be there"),
    ],
)
def test_what_is_no_such_table_is_refused_in_a_sentence(read, content, said):
    with pytest.raises(BadSource, match=said):
        read(content)


def test_the_missing_columns_and_how_many_cells_the_first_line_has_are_told_and_no_cell(read):
    with pytest.raises(BadSource) as refused:
        read("s50414267,The heart is large.,1\ncd,ef,2\n")
    assert "which has 3 cells, image_id, x_min should be there once each" in str(refused.value)
    assert "50414267" not in str(refused.value) and "heart" not in str(refused.value)


def test_a_row_of_another_width_goes_to_the_ledger_and_the_others_are_read(read):
    rows, ledger = read("image_id,x_min\nab,1\ncd\nef,2,3\ngh,4\n")
    assert rows == [("ab", "1"), ("gh", "4")]
    assert [(entry.row, entry.fault) for entry in ledger] == [(3, Fault.BAD_ROW), (4, Fault.BAD_ROW)]


def test_a_file_that_ends_within_a_row_is_cut_short(read):
    rows, ledger = read("image_id,rad_id,x_min\nab,R1,1.5\ncd,R")
    assert rows == [("ab", "1.5")]
    assert [(entry.row, entry.fault) for entry in ledger] == [(3, Fault.CUT_SHORT)]


def test_a_zipped_table_is_read_where_it_lies_and_an_odd_archive_refused(tmp_path):
    path = tmp_path / "table.csv.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inner/table.csv", TEXT)
    assert len(list(rows_of(path, COLUMNS, Ledger()))) == 2
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other.csv", TEXT)
    with pytest.raises(BadSource, match="one table"):
        list(rows_of(path, COLUMNS, Ledger()))
    path.write_bytes(b"PK\3\4 not really")
    with pytest.raises(BadSource, match="cannot be read"):
        list(rows_of(path, COLUMNS, Ledger()))


def test_four_numbers_are_read_as_a_literal():
    assert corners_in("[1, 2.5, -3, 4]") == (1, 2.5, -3, 4)
    assert corners_in("(1,2,3,4)") == (1, 2, 3, 4)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('touch {mark}')",
        "[__import__('os').system('touch {mark}'), 1, 2, 3]",
        "[1, 2, 3]",
        "[1, 2, 3, 4, 5]",
        "[1, 2, 3, 'a']",
        "[1, 2, 3, True]",
        "[1, 2, 3, 1e999]",
        "[nan, 2, 3, 4]",
        "[1, 2, 3, 4",
        "{1, 2, 3, 4}",
        "",
        "nan",
        "[" * 5000,
        "9" * 150,
        "-" * 190 + "1",
    ],
)
def test_a_cell_that_is_not_four_numbers_is_none_and_runs_nothing(text, tmp_path):
    mark = tmp_path / "mark"
    assert corners_in(text.replace("{mark}", os.fspath(mark))) is None
    assert not mark.exists()


@given(st.text(max_size=300))
def test_any_cell_is_four_finite_numbers_or_none(text):
    corners = corners_in(text)
    assert corners is None or (len(corners) == 4 and all(map(math.isfinite, corners)))


def test_numbers_of_json_are_numbers_only():
    assert corners_of([0, 0.5, 1, 1]) == (0, 0.5, 1, 1)
    for values in (None, 3, "1234", [1, 2, 3], [1, 2, 3, None], [1, 2, 3, math.nan], [[1], 2, 3, 4]):
        assert corners_of(values) is None
    assert corners_of(json.loads("[1, 2, 3, NaN]")) is None


def test_a_cell_of_a_number_is_a_number_or_nan():
    assert number_in("12.5") == 12.5
    assert all(math.isnan(number_in(text)) for text in ("", "NaN", "12,5", "a", "None"))


@pytest.mark.parametrize("content", ["", '[{"a": 1}', "{}", "[]", "null", "[" * 100_000, "\ufeff[1"])
def test_json_that_is_cut_short_or_no_list_is_refused(tmp_path, content):
    path = tmp_path / "studies.json"
    path.write_text(content, "utf-8")
    with pytest.raises(BadSource):
        records_in(path)
