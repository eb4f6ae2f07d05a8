"""What every row scored on every case: kept whole, read back equal, and taken apart by source."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from medground_bench.core.errors import SourceMissing
from medground_bench.leaderboard.board import Board
from medground_bench.leaderboard.case_scores import CASES, SCORES
from medground_bench.leaderboard.query import BoardQuery
from tests.kit.made_boards import made_board, with_warmth


@pytest.fixture(scope="module")
def board():
    return made_board()


def test_scores_read_back_equal_seeds_and_added_measures_included(board, tmp_path):
    warm = with_warmth(board)
    warm.save(tmp_path)
    again = Board.read(tmp_path)
    assert (again.scores.entries, again.scores.cases) == (warm.scores.entries, warm.scores.cases)
    assert np.array_equal(again.scores.was_run, warm.scores.was_run)
    for name, values in warm.scores.measures.items():
        assert np.array_equal(again.scores.measures[name], values, equal_nan=True), name
    assert {row: values.tolist() for row, values in again.scores.seeds.items()} == {
        row: values.tolist() for row, values in warm.scores.seeds.items()
    }
    assert again.table(BoardQuery(mode="direct")) == warm.table(BoardQuery(mode="direct"))
    assert again.columns == warm.columns


def test_files_hold_no_box_and_are_the_same_bytes_every_time(board, tmp_path):
    board.save(tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in (CASES, SCORES)} == Board.read(
        tmp_path
    ).scores.files()
    columns = pq.read_table(tmp_path / CASES).column_names
    assert columns == ["case_id", "source", "image_id", "lvlm", "mode", "finding", "size"]


@pytest.mark.parametrize("name", [CASES, SCORES])
@pytest.mark.parametrize("content", [None, b"PAR1", b"{}"])
def test_missing_and_damaged_files_say_how_to_make_them_again(board, tmp_path, name, content):
    board.save(tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceMissing, match="medground demo --out"):
        Board.read(tmp_path)


def test_the_part_of_a_source_has_its_cases_with_their_numbers_and_the_rows_that_were_run_on_them(board):
    cases = tuple(
        replace(case, source="vindr_cxr") if case.image_id > "3" else case for case in board.scores.cases
    )
    mixed = replace(board, scores=replace(board.scores, cases=cases))
    part = mixed.scores.of_sources({"vindr_cxr"})
    assert {case.source for case in part.cases} == {"vindr_cxr"} and len(part.cases) == 16
    query = BoardQuery(mode="direct", source="vindr_cxr")
    table = replace(mixed, scores=part).table(query)
    assert table.withheld and table == mixed.table(query)
    row = part.entries[0]
    assert part.of_rows(lambda entry: entry != row).among(cases).of_sources({"phantom"}).entries == ()
    assert part.among(cases).of_sources({"vindr_cxr"}) == part


def test_of_no_case_no_row_is_left_and_that_reads_back_as_well(board, tmp_path):
    replace(board, scores=board.scores.of_sources(())).save(tmp_path)
    assert Board.read(tmp_path).scores == board.scores.of_sources({"vindr_cxr"})
