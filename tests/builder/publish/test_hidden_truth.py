"""What a published Space tells of hidden expert boxes: nothing from which they could be worked out."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.optimize import minimize

from builder.publish.folder_files import FolderFile
from builder.publish.program_files import known_digests, space_files
from builder.publish.program_policy import inspect_program
from medground_bench.benchmark.parquet import encoded_table
from medground_bench.core.geometry import Letterbox
from medground_bench.core.types import Case, Prediction
from medground_bench.leaderboard.board import Board, MethodRun, build_board
from medground_bench.leaderboard.case_scores import CASES, SCORES, SEEDS
from medground_bench.leaderboard.chance import NOBODY, SILENCE
from medground_bench.leaderboard.query import BoardQuery
from medground_bench.methods import explain
from medground_bench.methods.random_box import DRAWS, METHOD
from tests.kit.desks import truth_of_both
from tests.kit.joint_boards import our_runs

TRUTH = truth_of_both()
NEAR_PX = 0.05


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A board with the row of chance, on phantoms and on a source whose boxes are hidden."""
    folder, runs = tmp_path_factory.mktemp("results"), our_runs(TRUTH)
    empty = tuple(Prediction(each.case_id, ()) for each in TRUTH.references if each.lvlm == "a")
    build_board(TRUTH.references, [*runs, MethodRun("random_box", runs[0].track, empty)]).save(folder)
    return folder


@pytest.fixture(scope="module")
def published(results, tmp_path_factory):
    """The results as whoever clones the Space has them."""
    folder = tmp_path_factory.mktemp("published")
    for name, content in space_files("org/medground-bench", results).items():
        if name.startswith("results/"):
            (folder / name.removeprefix("results/")).write_bytes(content)
    return folder


def lines_of(folder):
    """The lines of single cases of the source whose boxes are hidden."""
    cases = pq.read_table(folder / CASES).to_pylist()
    hidden = {each["case_id"] for each in cases if each["source"] != "phantom"}
    return [each for each in pq.read_table(folder / SCORES).to_pylist() if each["case_id"] in hidden]


def worked_out(ious, native):
    """The box whose IoU with the boxes that `random_box` draws, as anybody can, is that of a line."""
    side = Letterbox.fit(native).study.width
    blank = Case("anything", "", "", SILENCE, np.zeros((side, side), np.uint8), native)
    drawn = np.array(
        [explain(METHOD(), NOBODY, blank, np.random.default_rng(draw)).boxes[0].xyxy for draw in range(DRAWS)]
    )

    def misses(box):
        inner = np.minimum(drawn[:, 2:], box[2:]) - np.maximum(drawn[:, :2], box[:2])
        both = inner.clip(0).prod(axis=1)
        areas = (drawn[:, 2:] - drawn[:, :2]).prod(axis=1) + (box[2:] - box[:2]).prod()
        return float(((both / (areas - both) - ious) ** 2).sum())

    first = min(drawn, key=misses)
    fine = {"xatol": 1e-4, "fatol": 1e-12, "maxiter": 5000, "maxfev": 5000}
    return minimize(misses, first, method="Nelder-Mead", options=fine).x


def test_the_attack_works_on_results_as_they_are_made(results):
    """Else the next test would show nothing."""
    [line, *_] = [line for line in lines_of(results) if line["method"] == "random_box"]
    [case] = [each for each in TRUTH.references if each.case_id == line["case_id"]]
    box = worked_out(np.array(line[SEEDS]), case.native)
    assert box == pytest.approx(case.boxes[0].xyxy, abs=NEAR_PX)


def test_what_is_published_has_no_line_to_try_it_on_and_no_number_on_a_hidden_source(results, published):
    assert lines_of(results) and lines_of(published) == []
    lines = pq.read_table(published / SCORES).to_pylist()
    assert lines and all(line["case_id"].startswith("phantom/") for line in lines)
    told = json.loads((published / "board.json").read_text("utf-8"))
    assert told["rows"] and {row["source"] for row in told["rows"]} == {"phantom", "all"}
    on_phantoms = BoardQuery(mode="direct", source="phantom")
    assert Board.read(published).table(on_phantoms) == Board.read(results).table(on_phantoms)
    assert Board.read(published).offered["source"] == ("phantom",)


def test_the_board_says_what_is_not_on_it(published):
    [note] = Board.read(published).notes
    assert note == (
        "Our scores on vindr_cxr are not here: from scores of single cases their expert boxes could be worked out."
    )


@pytest.mark.parametrize("name", [CASES, SCORES])
def test_tables_of_scores_of_other_cases_are_refused_by_the_row(results, published, name):
    def refused(content):
        files = [FolderFile(f"results/{name}", content)]
        return {(each.rule, each.rows) for each in inspect_program(files, known_digests()).refusals}

    assert refused((published / name).read_bytes()) == set()
    rows = pq.read_table(results / name).to_pylist()
    hidden = sum(row["case_id"].startswith("vindr_cxr/") for row in rows)
    assert refused((results / name).read_bytes()) == {("HIDDEN_TRUTH", hidden)}
    table = pq.read_table(published / name)
    first, *others = table["case_id"].to_pylist()
    for made_up in ("vindr_cxr-case-0000001", first.replace("phantom", "vindr_cxr"), ""):
        ids = pa.array([made_up, *others], pa.string())
        numbered = table.set_column(table.column_names.index("case_id"), "case_id", ids)
        assert refused(encoded_table(numbered)) == {("HIDDEN_TRUTH", 1)}
