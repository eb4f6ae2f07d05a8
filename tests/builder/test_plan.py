"""What a build will cost, against the paper's own tables, a count by hand, and a real build."""

from __future__ import annotations

import json

import pytest

from builder.build import count_questions
from builder.counters import read_records
from builder.place import Place
from builder.plan import (
    PAPER_LVLMS,
    PAPER_QUESTIONS,
    TABLE_3,
    BadCosts,
    Costs,
    Questions,
    Span,
    measured_costs,
    plan,
    read_costs,
)
from builder.sources.phantom import Phantom
from medground_bench.core.types import Mode, Track
from tests.kit.builds import build
from tests.kit.fakes import RuleLvlm
from tests.kit.trees import positives, write_trees

MEDGEMMA = Track("medgemma_4b", Mode.DIRECT)
RETAINED = {  # paper, Table 4
    ("imagenome", Mode.DIRECT): (105, 55, 42, 97, 279, 226),
    ("vindr_cxr", Mode.DIRECT): (30, 44, 107, 80, 93, 79),
    ("padchest_gr", Mode.DIRECT): (64, 43, 73, 105, 190, 168),
    ("imagenome", Mode.REASON): (56, 56, 64, 78, 247, 285),
    ("vindr_cxr", Mode.REASON): (81, 46, 151, 64, 97, 89),
    ("padchest_gr", Mode.REASON): (115, 46, 127, 109, 168, 181),
}


def test_the_shares_are_those_of_which_table_4_gives_the_counts():
    assert TABLE_3.keys() == RETAINED.keys()
    for (source, mode), counts in RETAINED.items():
        shares = TABLE_3[source, mode]
        assert [round(grounded / 100 * PAPER_QUESTIONS[source]) for _, grounded in shares] == list(counts)


def test_calls_of_a_track_by_hand():
    """1,405 questions: 592 are wrong (42.14 %), 279 grounded, 534 right and not grounded."""
    (track,) = plan([Questions("imagenome", 1405)], [MEDGEMMA], Costs()).tracks
    assert track.calls == Span(1405 + 813 + 2 * 279, 1405 + 3 * 813)
    assert track.naive_calls == 4 * 1405


def test_edits_are_shared_by_tracks_at_best_and_bounded_by_the_questions_at_worst():
    one = plan([Questions("imagenome", 1405)], [MEDGEMMA], Costs()).edits
    both = plan([Questions("imagenome", 1405)], [MEDGEMMA, MEDGEMMA], Costs()).edits
    assert one == Span(813 + 2 * 279, 3 * 813)
    assert both == Span(813 + 2 * 279, 3 * 1405)


def test_the_papers_benchmark_is_at_most_two_thirds_of_a_filter_that_is_not_lazy():
    questions = [Questions(name, number) for name, number in PAPER_QUESTIONS.items()]
    tracks = [Track(lvlm, mode) for lvlm in PAPER_LVLMS for mode in Mode]
    whole = plan(questions, tracks, Costs({"direct": 1, "reason": 5}, edit_s=10))
    naive = 6 * 6170 * 2 * 4
    assert sum(track.naive_calls for track in whole.tracks) == naive
    assert whole.calls.high < 2 / 3 * naive
    assert whole.edits.high <= 3 * 6170
    by_mode = {mode: sum(track.calls.low for track in whole.tracks if track.mode is mode) for mode in Mode}
    by_hand = by_mode[Mode.DIRECT] + 5 * by_mode[Mode.REASON] + 10 * whole.edits.low
    assert whole.hours.low == pytest.approx(by_hand / 3600)
    assert whole.stored_bytes.high == 1_000 * whole.calls.high + 5_000_000 * whole.edits.high


def test_a_real_build_lies_within_its_plan(tmp_path):
    build(tmp_path / "m", limit=4)
    (record,) = read_records(Place(tmp_path / "m.store") / "builds")
    planned = plan([count_questions(Phantom(), 4)], [Track("rule_lvlm", Mode.DIRECT)], Costs())
    assert planned.calls.low <= record.counters.calls <= planned.calls.high
    assert planned.edits.low <= record.counters.edits <= planned.edits.high
    assert planned.tracks[0].naive_calls == record.counters.naive_calls
    assert planned.hours is None


def test_a_cost_of_a_track_goes_before_that_of_its_mode(tmp_path):
    file = tmp_path / "costs.json"
    file.write_text(json.dumps({"call_s": {"direct": 1, "medgemma_4b direct": 2}, "edit_s": 3}))
    costs = read_costs(file)
    assert costs.seconds_of(MEDGEMMA) == 2
    assert costs.seconds_of(Track("gemma3_4b", Mode.DIRECT)) == 1
    assert costs.seconds_of(Track("gemma3_4b", Mode.REASON)) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"edits": 1}',
        '{"edit_s": -1}',
        '{"call_s": 1}',
        '{"call_s": {"direct": NaN}}',
        '{"edit_s": true}',
    ],
)
def test_a_file_that_holds_no_costs_says_so(tmp_path, text):
    file = tmp_path / "costs.json"
    file.write_text(text)
    with pytest.raises(BadCosts, match=r"costs\.json"):
        read_costs(file)


def test_the_command_prints_the_papers_plan_and_json(run):
    code, said, _ = run("plan", "--call-s", 1, "--edit-s", 10, "--json")
    assert code == 0
    whole = json.loads(said)
    assert whole["total"]["naive_calls"] == 6 * 6170 * 2 * 4
    assert "GPU-hours" in run("plan", "--call-s", 1)[1]
    one = json.loads(
        run("plan", "--source", "phantom", "--limit", 2, "--lvlm", "x", "--mode", "direct", "--json")[1]
    )
    assert [track["lvlm"] for track in one["tracks"]] == ["x"]
    assert one["total"]["hours"] is None


def test_units_that_were_measured_are_what_a_plan_goes_by(run, tmp_path):
    folder = build(tmp_path / "m", lvlm=RuleLvlm(seconds_per_call=0.05), limit=2)
    records = read_records(Place(f"{folder.path}.store") / "builds")
    measured = measured_costs(records)
    (record,) = records
    assert 0.05 / 16 <= measured.call_s["rule_lvlm direct"] == measured.call_s["direct"] < 1
    assert measured.edit_s == pytest.approx(record.counters.edit_seconds / record.counters.edits_made)
    asked = ("--source", "phantom", "--limit", 2, "--lvlm", "rule_lvlm", "--mode", "direct", "--json")
    store = ("--store", f"{folder.path}.store")
    (track,) = json.loads(run("plan", *asked, *store)[1])["tracks"]
    assert track["hours"]["high"] == pytest.approx(track["calls"]["high"] * measured.call_s["direct"] / 3600)
    (given,) = json.loads(run("plan", *asked, *store, "--call-s", 2)[1])["tracks"]
    assert given["hours"]["high"] == pytest.approx(track["calls"]["high"] * 2 / 3600)


def test_a_source_of_files_is_counted_from_its_folders(run, tmp_path):
    trees = write_trees(tmp_path, ["4000000", "4000001"])
    asked = ("--lvlm", "medgemma_4b", "--mode", "direct", "--json")
    roots = [word for root in trees.roots("vindr_cxr") for word in ("--root", root)]
    (source,) = json.loads(run("plan", "--source", "vindr_cxr", *roots, *asked)[1])["sources"]
    assert source["questions"] == len({key for key in positives(["4000000", "4000001"])})
    assert "--root" in run("plan", "--source", "vindr_cxr", *asked)[2]


def test_an_lvlm_of_which_the_paper_says_nothing_is_told(run):
    asked = ("--mode", "direct", "--json")
    assert "nothing here" not in run("plan", "--lvlm", "medgemma_4b", *asked)[2]
    assert "all answers right: medgema_4b." in run("plan", "--lvlm", "medgema_4b", *asked)[2]
