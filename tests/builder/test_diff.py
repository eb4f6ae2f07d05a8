"""Two builds side by side: every case that one of them lacks is named with the reason."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from builder.diff import WhyChanged, changes
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import QUESTIONS, VERDICTS
from medground_bench.core.errors import SourceMissing
from medground_bench.core.types import Mode

LVLM = "rule_lvlm"


@pytest.fixture
def old(built):
    return built


@pytest.fixture
def new(built, tmp_path):
    """A copy to be changed."""
    shutil.copytree(built.path, tmp_path / "new")
    return DatasetFolder(tmp_path / "new")


@pytest.fixture
def case(old):
    """A verdict of a retained case."""
    return next(row for row in old.read(VERDICTS, "test") if row.group == "grounded" and row.mode == "direct")


def change_verdict(folder, case, **fields):
    rows = folder.read(VERDICTS, "test")
    folder.write(VERDICTS, "test", LVLM, [replace(row, **fields) if row == case else row for row in rows])


def test_equal_builds_differ_in_nothing(old, new):
    assert changes(old, new) == []


def test_a_changed_answer_is_told_with_the_reason_before_and_after(old, new, case):
    change_verdict(
        new,
        case,
        foreground="yes",
        background=None,
        background_normal=None,
        group="ungrounded",
        reason="ANSWER_DID_NOT_FLIP",
    )
    (lost,) = changes(old, new)
    assert (lost.case, lost.gained, lost.why) == (
        f"{case.question_id}@{LVLM} direct",
        False,
        WhyChanged.ANSWER,
    )
    assert (lost.before, lost.after) == ("grounded", "ungrounded: ANSWER_DID_NOT_FLIP")
    assert lost.answers == ("foreground: no -> yes", "background: yes -> -", "background_normal: yes -> -")
    (gained,) = changes(new, old)
    assert gained.gained and gained.before == lost.after


def test_other_weights_and_another_filter_are_told_apart_from_it(old, new, case):
    ungrounded = {"group": "ungrounded", "reason": "BACKGROUND_MATTERED"}
    change_verdict(new, case, **ungrounded)
    assert [each.why for each in changes(old, new)] == [WhyChanged.DECIDED]
    (now,) = (
        row
        for row in new.read(VERDICTS, "test")
        if (row.question_id, row.mode) == (case.question_id, "direct")
    )
    change_verdict(new, now, background="no", lvlm_revision="r2")
    assert [each.why for each in changes(old, new)] == [WhyChanged.WEIGHTS]


def test_another_editor_and_the_release_are_told_apart_from_an_answer_that_changed(old, new, case):
    changed = {"foreground": "yes", "group": "ungrounded", "reason": "ANSWER_DID_NOT_FLIP"}
    verdicts = new.read(VERDICTS, "test")
    for fields, why in (
        ({**changed, "editor": "harmonic@2"}, WhyChanged.EDITOR),
        ({**changed, "editor": "harmonic@2", "lvlm_revision": "r2"}, WhyChanged.WEIGHTS),
        ({**changed, "editor": None, "lvlm_revision": None}, WhyChanged.RELEASE),
        (
            {"original": "no", "group": "incorrect", "reason": "ANSWER_WRONG", "editor": None},
            WhyChanged.ANSWER,
        ),
    ):
        new.write(VERDICTS, "test", LVLM, verdicts)
        change_verdict(new, case, **fields)
        assert [each.why for each in changes(old, new)] == [why]


def test_a_question_a_verdict_and_a_track_that_are_gone(old, new, case):
    rows = new.read(VERDICTS, "test")
    new.write(VERDICTS, "test", LVLM, [row for row in rows if row != case])
    (lost,) = changes(old, new)
    assert (lost.why, lost.after) == (WhyChanged.NO_VERDICT, None)
    asked = [row for row in new.read(QUESTIONS, "test") if row.question_id != case.question_id]
    new.write(QUESTIONS, "test", "phantom", asked)
    assert [each.why for each in changes(old, new)] == [WhyChanged.QUESTION]
    new.write(QUESTIONS, "test", "phantom", old.read(QUESTIONS, "test"))
    new.write(VERDICTS, "test", LVLM, [row for row in rows if row.mode != Mode.DIRECT])
    gone = [each for each in changes(old, new) if each.split == "test"]
    assert {each.why for each in gone} == {WhyChanged.TRACK}
    retained = [row for row in rows if row.group == "grounded" and row.mode == Mode.DIRECT]
    assert len(gone) == len(retained)


def test_the_command_prints_a_table_and_json(run, old, new, case):
    assert "the same cases are retained" in run("diff", old.path, new.path)[1]
    change_verdict(new, case, group="ungrounded", reason="BACKGROUND_MATTERED")
    code, said, _ = run("diff", old.path, new.path)
    assert code == 0 and "decided" in said
    (change,) = json.loads(run("diff", old.path, new.path, "--json")[1])
    assert change["case"].startswith(case.question_id) and not change["gained"]


def test_a_folder_that_is_none_says_so(old, tmp_path):
    with pytest.raises(SourceMissing, match="no benchmark folder"):
        changes(old, DatasetFolder(tmp_path / "nowhere"))
