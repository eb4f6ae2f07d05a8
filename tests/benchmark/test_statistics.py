"""What a folder says in numbers, counted by hand."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from builder.report import tables_of
from medground_bench.benchmark.rows import ANSWERS, QUESTIONS, VERDICTS
from medground_bench.benchmark.statistics import (
    GroupRow,
    ReadingRow,
    Statistics,
    UnreadableRow,
    group_table,
    reading_table,
    unreadable_table,
)


def shown(table) -> list[str]:
    console = Console(width=200, file=io.StringIO())
    console.print(table)
    return console.file.getvalue().splitlines()


def test_the_reasons_add_up_to_the_questions_that_were_not_retained(built):
    rows = group_table(built.read(VERDICTS, "test"), built.read(QUESTIONS, "test"))
    assert {row.mode for row in rows} == {"direct", "reason"}
    for row in rows:
        reasons = row.answer_wrong + row.answer_did_not_flip + row.background_mattered + row.unreadable_answer
        assert reasons == row.incorrect + row.ungrounded
        assert row.questions == reasons + row.grounded


def test_every_finding_of_the_rule_lvlm_has_its_own_reason(built):
    rows = {
        (row.finding, row.mode): row
        for row in group_table(built.read(VERDICTS, "test"), built.read(QUESTIONS, "test"))
    }
    for mode in ("direct", "reason"):
        assert rows["pacemaker", mode].grounded == rows["pacemaker", mode].questions
        assert rows["nodule", mode].answer_wrong == rows["nodule", mode].questions
        assert rows["cardiomegaly", mode].answer_did_not_flip == rows["cardiomegaly", mode].questions
        assert rows["atelectasis", mode].unreadable_answer == rows["atelectasis", mode].questions


def test_groups_and_reasons_are_counted_per_track_and_over_all_findings(built):
    verdicts = [row for row in built.read(VERDICTS, "test") if row.mode == "direct"]
    *_, everything = group_table(verdicts, built.read(QUESTIONS, "test"))
    assert everything == GroupRow(
        "rule_lvlm",
        "direct",
        "phantom",
        "all",
        questions=len(verdicts),
        incorrect=sum(row.group == "incorrect" for row in verdicts),
        ungrounded=sum(row.group == "ungrounded" for row in verdicts),
        grounded=sum(row.group == "grounded" for row in verdicts),
        answer_wrong=sum(row.reason == "ANSWER_WRONG" for row in verdicts),
        answer_did_not_flip=sum(row.reason == "ANSWER_DID_NOT_FLIP" for row in verdicts),
        background_mattered=sum(row.reason == "BACKGROUND_MATTERED" for row in verdicts),
        unreadable_answer=sum(row.reason == "UNREADABLE_ANSWER" for row in verdicts),
    )


def test_unreadable_answers_are_a_share_of_every_answer_that_was_asked_edits_too(built):
    answers = built.read(ANSWERS, "test")
    rows = {(row.mode, row.picture): row for row in reading_table(answers)}
    for mode in ("direct", "reason"):
        own = [row for row in answers if row.mode == mode]
        unreadable = sum(row.said == "unreadable" for row in own)
        assert unreadable
        assert rows[mode, "all"] == ReadingRow("rule_lvlm", mode, "all", len(own), unreadable / len(own))
        assert rows[mode, "original"].unreadable > rows[mode, "all"].unreadable
        assert rows[mode, "foreground"].unreadable == 0
        parts = [row for (of_mode, picture), row in rows.items() if of_mode == mode and picture != "all"]
        assert sum(row.answers for row in parts) == len(own)


def test_answers_that_could_not_be_read_are_counted_by_what_hid_them(built):
    original = next(row for row in built.read(ANSWERS, "test") if row.said == "unreadable")
    responses = ["Nein, kein Erguss.", "Ja, das ist ein Erguss.", "<think>The answer is yes", "Yes."]
    said = ["unreadable", "unreadable", "unreadable", "yes"]
    answers = [
        replace(original, response=text, said=word) for text, word in zip(responses, said, strict=True)
    ]
    assert unreadable_table(answers) == [
        UnreadableRow(original.lvlm, original.mode, "another language", 2),
        UnreadableRow(original.lvlm, original.mode, "a hidden chain that never closed", 1),
    ]


def test_people_and_programs_are_shown_the_reasons_and_the_unreadable_share(built):
    numbers = Statistics.of(built, "test")
    report = shown(tables_of(numbers))
    assert any(line.startswith("Reasons (positive questions), split test") for line in report)
    assert any(line.startswith("Unreadable answers (% of all that were asked)") for line in report)
    as_json = numbers.as_json()
    assert as_json["readings"][0].keys() == {"lvlm", "mode", "picture", "answers", "unreadable"}
    assert sum(row["answers"] for row in as_json["unreadable"]) == sum(
        row.said == "unreadable" for row in built.read(ANSWERS, "test")
    )
    assert any(line.startswith("Why answers could not be read") for line in report)
    assert {"answer_wrong", "unreadable_answer"} <= as_json["groups"][0].keys()
