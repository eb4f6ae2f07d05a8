"""What every row scored on every case: kept whole, read back equal, and without ids where it is published."""

from __future__ import annotations

import io
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


def test_without_ids_cases_of_patients_go_by_numbers_and_no_table_changes(board):
    hidden = {case.image_id: f"patient-{case.image_id}" for case in board.scores.cases if case.image_id > "3"}
    cases = tuple(
        replace(
            case,
            source="vindr_cxr",
            image_id=hidden[case.image_id],
            case_id=case.case_id.replace(f"phantom/{case.image_id}", f"vindr_cxr/{hidden[case.image_id]}"),
        )
        if case.image_id in hidden
        else case
        for case in board.scores.cases
    )
    mixed = replace(board, scores=replace(board.scores, cases=cases))
    told = replace(mixed, scores=mixed.scores.without_ids())
    for case, known in zip(told.scores.cases, cases, strict=True):
        assert (case == known) == (known.source == "phantom")
    assert not any(
        b"patient-" in pq.read_table(io.BytesIO(each)).to_pandas().to_csv().encode()
        for each in told.scores.files().values()
    )
    for query in (BoardQuery(mode="direct"), BoardQuery(mode="direct", source="vindr_cxr")):
        assert told.table(query) == mixed.table(query)
