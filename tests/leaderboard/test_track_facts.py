"""What the causal filter made of a track, as the board tells it."""

from __future__ import annotations

from medground_bench.benchmark.statistics import AccuracyRow, CauseRow, GroupRow, Statistics
from medground_bench.leaderboard.track_facts import track_facts
from tests.kit.board_runs import FACTS

TRACK = ("a", "direct", "phantom")
COUNTS = {
    "questions": 6,
    "incorrect": 1,
    "ungrounded": 2,
    "grounded": 3,
    "answer_wrong": 1,
    "answer_did_not_flip": 2,
    "background_mattered": 0,
    "unreadable_answer": 0,
}


def test_facts_of_a_track_come_from_the_statistics():
    findings = ("all", "rib fracture")
    shares = {"all": (12, 0.75), "rib fracture": (2, 1.0)}
    numbers = Statistics(
        split="test",
        accuracy=[AccuracyRow(*TRACK, finding, *shares[finding], None, None, 0.0) for finding in findings],
        readings=[],
        unreadable=[],
        groups=[GroupRow(*TRACK, finding, **COUNTS) for finding in findings],
        causes=[
            CauseRow("a", "direct", "phantom", "rib fracture", "marker", 2, 0),
            CauseRow("a", "direct", "phantom", "nodule", "finding", 0, 1),
        ],
    )
    (facts,) = track_facts(numbers)
    assert (facts.questions, facts.accuracy, facts.positives, facts.retention) == (12, 0.75, 6, 0.5)
    assert facts.shortcut_causes == {"marker": {"ungrounded": 2, "grounded": 0}}
    assert facts.shortcut_right == 2


def test_the_shortcut_sentence_counts_answers_that_need_the_marker():
    assert FACTS.retention == 0.5
    assert FACTS.shortcut_sentence() == (
        "a direct: of 6 right answers about rib fracture, 4 rest on the planted side marker; "
        "the causal filter rejected 3 of them."
    )


def test_a_source_without_a_planted_shortcut_or_without_positives_says_so():
    numbers = Statistics(
        split="test",
        accuracy=[AccuracyRow("a", "direct", "vindr_cxr", "all", 12, 0.75, None, None, 0.0)],
        readings=[],
        unreadable=[],
        groups=[],
        causes=[CauseRow("a", "direct", "phantom", "rib fracture", "marker", 2, 0)],
    )
    (facts,) = track_facts(numbers)
    assert (facts.shortcut, facts.shortcut_right, facts.positives, facts.retention) == (None, 0, 0, 0.0)
