"""The book of cases: what it takes from a benchmark and from runs, what it scores, and the file it is kept in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.opening import open_benchmark
from medground_bench.benchmark.rows import ANSWERS, CASES, VERDICTS
from medground_bench.core.case_ids import case_id
from medground_bench.core.errors import SourceMissing
from medground_bench.leaderboard.board import ALL, build_board
from medground_bench.leaderboard.case_book import CASES_FILE, CaseBook
from tests.kit.case_books import HARM, HARMFUL_METHOD, book_of, runs_on, with_harm


@pytest.fixture(scope="module")
def book(built):
    return book_of(built)


def test_every_retained_case_is_in_the_book_with_its_boxes_answers_and_known_cause(built, book):
    rows = {row.case_id: row for table in CASES.values() for row in built.read(table, "test")}
    assert [case.case_id for case in book.cases] == sorted(rows)
    causes = {case_id(row.question_id, row.track): row.known_cause for row in built.read(VERDICTS, "test")}
    said = {
        (case_id(row.question_id, row.track), row.picture): row.said for row in built.read(ANSWERS, "test")
    }
    for case in book.cases:
        row = rows[case.case_id]
        assert (case.boxes, case.response, case.image_sha256) == (row.boxes, row.response, row.image_sha256)
        assert case.known_cause == causes[case.case_id] is not None
        assert {"original", "foreground", "background", "background_normal"} <= {
            answer.picture for answer in case.answers
        }
        assert all(answer.said == said[case.case_id, answer.picture] for answer in case.answers)


def test_scores_are_those_of_the_board(built, book):
    references = open_benchmark(built.path).references()
    for row in build_board(references, runs_on(references)).rows:
        scores = [
            score
            for score in book.scores(row.method).values()
            if all(getattr(row, name) in (ALL, getattr(score, name)) for name in ("mode", "source", "lvlm"))
        ]
        by_id = sorted(scores, key=lambda score: score.case_id)
        assert len(by_id) == row.cases
        mean = float(np.mean([score.overlap.iou for score in by_id]))
        assert row.iou == pytest.approx(mean, abs=1e-6) or (row.method == "prompting" and row.iou is None)


def test_chance_is_scored_on_all_its_draws_and_drawn_as_it_was_run(book):
    for run in (run for run in book.runs if run.method == "random_box"):
        assert run.draws == 100
        assert {len(boxes) for boxes in run.boxes.values()} == {1}
        assert len({iou for iou, *_others in run.scores.values()}) > 1


def test_several_seeds_are_averaged_case_by_case(built):
    references = open_benchmark(built.path).references()
    whole, expert = (
        [run for run in runs_on(references) if run.method == name] for name in ("whole_image", "medfocus")
    )
    seeds = [*whole, *(replace(run, method="whole_image", seed=1) for run in expert)]
    one, both = (CaseBook.of(open_benchmark(built.path), runs) for runs in (whole, seeds))
    for case, score in both.scores("whole_image").items():
        assert score.overlap.iou == pytest.approx((one.scores("whole_image")[case].overlap.iou + 1) / 2)
    assert [run.boxes for run in both.runs] == [run.boxes for run in one.runs]


def test_a_method_is_applicable_where_it_gave_a_box_or_failed(book):
    assert {run.method for run in book.runs if not run.applicable} == {"prompting"}


def test_a_case_on_which_a_method_failed_has_no_boxes_and_scores_nought(book):
    failed = [score for score in book.scores("occlusion").values() if not score.predicted]
    boxes = {case for run in book.runs if run.method == "occlusion" for case in run.boxes}
    assert len(failed) == len({case.track for case in book.cases})
    assert all(score.overlap.iou == 0 and score.case_id not in boxes for score in failed)
    assert all(score.predicted for score in book.scores(HARMFUL_METHOD).values())


def test_a_book_reads_back_equal_and_is_the_same_bytes_each_time(book, tmp_path):
    harmful = with_harm(book)
    for folder in (tmp_path / "one", tmp_path / "other"):
        harmful.save(folder)
    assert CaseBook.read(tmp_path / "one") == harmful
    assert (tmp_path / "one" / CASES_FILE).read_bytes() == (tmp_path / "other" / CASES_FILE).read_bytes()
    assert HARM in {case.response for case in CaseBook.read(tmp_path / "one").cases}


@pytest.mark.parametrize("content", [None, "", "[]", '{"cases": [{}], "runs": [], "withheld": {}}'])
def test_a_missing_or_damaged_book_says_how_to_make_it_again(tmp_path, content):
    if content is not None:
        (tmp_path / CASES_FILE).write_text(content)
    with pytest.raises(SourceMissing, match=r"medground demo --out"):
        CaseBook.read(tmp_path)


def test_the_part_for_everybody_has_nothing_of_another_source_but_how_many_cases_it_has(book, tmp_path):
    harmful = with_harm(book)
    assert {case.source for case in harmful.cases} == {"phantom", "vindr_cxr"}
    part = harmful.for_everybody()
    assert {case.source for case in part.cases} == {"phantom"}
    assert all(case.startswith("phantom/") for run in part.runs for case in (*run.boxes, *run.scores))
    assert part.counts() == {"padchest_gr": 3, "vindr_cxr": 1} and len(part.cases) == len(book.cases)
    part.save(tmp_path)
    assert CaseBook.read(tmp_path) == part


def test_cases_without_expert_boxes_are_counted_and_left_out(built, tmp_path):
    folder = DatasetFolder(tmp_path / "keys")
    for mode, table in CASES.items():
        rows = [row for row in built.read(table, "test") if row.mode == mode.value]
        bare = [replace(row, boxes=None, width=None, height=None) for row in rows]
        folder.write(table, "test", "rule_lvlm", [*bare[:2], *rows[2:]])
    folder.write(VERDICTS, "test", "rule_lvlm", built.read(VERDICTS, "test"))
    everything = sum(len(folder.read(table, "test")) for table in CASES.values())
    found = CaseBook.of(open_benchmark(folder.path), [])
    assert found.withheld == {"phantom": 4}
    assert len(found.cases) == everything - 4
    assert all(not case.answers for case in found.cases)
