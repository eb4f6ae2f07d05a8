"""Probes on the board: a column that page and files show without a change, kept with the board."""

from __future__ import annotations

import pytest

from medground_bench.core.types import Mode
from medground_bench.leaderboard.board import Board, MethodRun, build_board
from medground_bench.leaderboard.board_api import BoardApi
from medground_bench.probes import ProbeKind
from medground_bench.probes.board_columns import PROBE_COLUMNS, with_probes
from medground_bench.probes.run import TrackProbes
from medground_bench.submission.read import read_submission

METHODS = ("whole_image", "random_map")


@pytest.fixture
def references(benchmark):
    return benchmark.references(mode=Mode.DIRECT)


@pytest.fixture
def board(references, predicted):
    runs = []
    for method in METHODS:
        content = (predicted / f"rule_lvlm-direct-{method}.jsonl").read_bytes()
        read = read_submission(content, references)
        runs.append(MethodRun(method, references[0].track, tuple(read.predictions)))
    return build_board(references, runs)


@pytest.fixture
def tracks(references):
    """Removal flips the first case of two for `whole_image`; pointing is known for one case of `random_map`."""
    probes = TrackProbes(references[0].track)
    for place, truth in enumerate(references):
        flips = {"flipped": float(place == 0), "unreadable": 0.0, "area": 1.0}
        probes.add(ProbeKind.REMOVAL, "whole_image", truth, flips)
        probes.add(ProbeKind.REMOVAL, "stranger", truth, flips)
    probes.add(ProbeKind.POINTING, "random_map", references[0], {"pointing": 0.5, "energy": None})
    return [probes]


def test_a_column_is_the_mean_over_the_cases_that_have_a_number(board, tracks, references):
    probed = with_probes(board, tracks)
    assert [column.key for column in probed.columns[len(board.columns) :]] == [
        "probe_removal",
        "probe_pointing",
        "probe_energy",
    ]
    table = probed.table(probed.query({"mode": "direct"}))
    found = {row.method: row.values for row in table.rows}
    assert found["whole_image"]["probe_removal"] == pytest.approx(1 / len(references), abs=1e-6)
    assert found["random_map"]["probe_removal"] is None
    assert (found["random_map"]["probe_pointing"], found["random_map"]["probe_energy"]) == (0.5, None)
    assert {row.method: row.values["iou"] for row in table.rows} == {
        row.method: row.values["iou"] for row in board.table(board.query({"mode": "direct"})).rows
    }


def test_the_columns_are_kept_with_the_board_and_sort_it(board, tracks, tmp_path):
    probed = with_probes(board, tracks)
    probed.save(tmp_path)
    read = Board.read(tmp_path)
    assert read.content() == probed.content() and read.scores == probed.scores
    assert "probe_removal" in read.offered["sort"]
    first = read.table(read.query({"mode": "direct", "sort": "-probe_removal"})).rows[0]
    assert first.method == "whole_image"


def test_what_the_page_and_the_csv_say_has_the_column(board, tracks):
    probed = with_probes(board, tracks)
    page = BoardApi(lambda: probed).page({"mode": "direct"})
    assert "Removal" in str(page) and "the whole picture flips them all" in str(page)


def test_a_second_run_replaces_its_columns_and_no_other(board, tracks):
    probed = with_probes(board, tracks)
    assert with_probes(probed, tracks).content() == probed.content()
    fewer = TrackProbes(tracks[0].track)
    fewer.measured[ProbeKind.REMOVAL] = tracks[0].measured[ProbeKind.REMOVAL]
    again = with_probes(probed, [fewer])
    assert {column.key for column in again.columns} == {column.key for column in probed.columns}
    assert "probe_pointing" in again.scores.measures


def test_every_column_has_a_key_of_its_own_and_a_sentence():
    keys = [each.column.key for each in PROBE_COLUMNS]
    assert len(set(keys)) == len(keys) and all(
        each.column.explanation.endswith(".") for each in PROBE_COLUMNS
    )
