"""Files of a table: the same numbers in every kind, to the last digit."""

from __future__ import annotations

import csv
import io
import json

import pyarrow.parquet as pq
import pytest

from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard.board_api import BoardApi
from medground_bench.leaderboard.exports import EXPORTS, as_csv, as_json, as_latex, as_parquet, file_name
from medground_bench.leaderboard.page_data import page_data
from medground_bench.leaderboard.query import BoardQuery
from tests.kit.desks import truth
from tests.kit.joint_boards import our_board
from tests.kit.made_boards import made_board, with_formula, with_warmth

QUERIES = (
    BoardQuery(mode="direct"),
    BoardQuery(mode="reason", finding="nodule", sort="seconds"),
    BoardQuery(mode="direct", family="control"),
    BoardQuery(mode="direct", source="vindr_cxr"),
)


@pytest.fixture(scope="module")
def board():
    return made_board()


def spoken(value):
    """A number as CSV says it: six digits at most."""
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return "" if value is None else str(value)


@pytest.mark.parametrize("query", QUERIES)
def test_csv_json_and_parquet_hold_the_same_rows_in_the_same_order(board, query):
    found = board.table(query)
    by_csv = list(csv.DictReader(io.StringIO(as_csv(found).decode())))
    by_json = json.loads(as_json(found))["rows"]
    by_parquet = pq.read_table(io.BytesIO(as_parquet(found))).to_pylist()
    assert [row["method"] for row in by_csv] == [row.method for row in found.rows]
    for said, plain, stored in zip(by_csv, by_json, by_parquet, strict=True):
        assert said == {field: spoken(plain.get(field)) for field in said}
        assert {field: value for field, value in stored.items() if value is not None} == {
            field: value for field, value in plain.items() if value is not None
        }


def test_s25_a_name_that_a_spreadsheet_would_run_is_text_in_csv_and_itself_in_json(board):
    found = with_formula(board).table(QUERIES[0])
    of_csv = {row["method"]: row["shown"] for row in csv.DictReader(io.StringIO(as_csv(found).decode()))}
    of_json = {row["method"]: row["shown"] for row in json.loads(as_json(found))["rows"]}
    assert (of_csv["rise"], of_json["rise"]) == ("'=1+1 rise", "=1+1 rise")


def test_json_says_what_was_asked_and_what_every_column_means(board):
    content = json.loads(as_json(board.table(QUERIES[1])))
    assert content["query"] == {"mode": "reason", "finding": "nodule", "sort": "seconds"}
    assert {"name", "unit", "direction", "explanation"} <= set(content["columns"][0])


def test_latex_is_a_table_of_the_page_with_special_letters_escaped(board):
    lines = as_latex(board.table(QUERIES[2])).decode().splitlines()
    assert lines[0] == "% mode=direct family=control"
    assert lines[3] == r"\toprule" and lines[-1] == r"\end{tabular}"
    [row] = [line for line in lines if line.startswith("random")]
    assert row.startswith(r"random\_box & - & ") and row.endswith(r" \\")
    head = next(line for line in lines if line.startswith("Method"))
    assert head.count(" & ") == row.count(" & ") and r"IoU (\%)" in head


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"fnding": "nodule"}, "no filter of the board is called 'fnding'. Did you mean finding"),
        ("lvlm=a", "a query is an object"),
        (None, "a query is an object"),
    ],
)
def test_what_is_no_filter_is_refused_and_not_left_aside(board, words, told):
    asked = BoardApi(lambda: board)
    for call in (asked.page, asked.table, lambda given: asked.file(given, "csv")):
        with pytest.raises(MedgroundError, match=told):
            call(words)


def test_the_same_table_gives_the_same_bytes(board):
    for ending, write in EXPORTS.items():
        assert write(board.table(QUERIES[0])) == write(board.table(QUERIES[0])), ending


def test_a_column_that_is_added_is_in_every_file(board):
    found = with_warmth(board).table(QUERIES[0])
    assert b"warmth,warmth_low,warmth_high" in as_csv(found)
    assert "warmth_high" in pq.read_table(io.BytesIO(as_parquet(found))).column_names
    assert rb"Warmth (\%)" in as_latex(found)


def test_a_file_is_called_by_what_was_asked(board):
    assert file_name(board.table(QUERIES[1]), "csv") == "board-reason-nodule.csv"


def test_s19_hidden_boxes_are_scored_to_a_tenth_of_a_percent_in_every_output():
    hidden = truth(source="vindr_cxr")
    for board, digits in ((our_board(hidden), 3), (our_board(truth()), 6)):
        query = BoardQuery(mode="direct", lvlm="a")
        found, page = board.table(query), page_data(board, query.as_params())
        said = [row.values["iou"] for row in found.rows]
        assert max(len(f"{iou:.9f}".rstrip("0")) - 2 for iou in said) == digits
        told = [[row["iou"] for row in json.loads(as_json(found))["rows"]]]
        told += [pq.read_table(io.BytesIO(as_parquet(found)))["iou"].to_pylist()]
        told += [[float(row["iou"]) for row in csv.DictReader(io.StringIO(as_csv(found).decode()))]]
        told += [[dict(zip(page["fields"], row["values"], strict=True))["iou"] for row in page["rows"]]]
        assert told == [said] * 4
        assert all(f"{100 * iou:.1f} (" in as_latex(found).decode() for iou in said)
