"""The build as a whole: verdicts that are known beforehand, resumption, identity of artifacts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from builder.build import NeverAsked, bench_at, build_track, decide_again, write_questions
from builder.editors.phantom_exact import PhantomExact
from builder.questions import OtherQuestions
from builder.sources.phantom import Phantom
from builder.stages import ChangedPicture
from builder.units import answer_key, edit_key
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import ANSWERS, DIRECT, ORIGINAL, QUESTIONS, REASON, VERDICTS
from medground_bench.core.causal_filter import Edit
from medground_bench.core.types import Box, Mode
from medground_bench.pictures import Levels
from tests.kit.builds import build, bytes_of
from tests.kit.fakes import RuleLvlm


@pytest.fixture(scope="module")
def verdicts(built):
    return built.read(VERDICTS, "test")


def of(rows, finding):
    found = [row for row in rows if row.finding == finding]
    assert found
    return found


def test_an_answer_caused_by_the_finding_is_grounded_and_its_cause_known(verdicts):
    for row in of(verdicts, "pacemaker"):
        assert (row.original, row.foreground, row.background, row.background_normal) == (
            "yes",
            "no",
            "yes",
            "yes",
        )
        assert (row.group, row.reason, row.known_cause) == ("grounded", None, "finding")


def test_an_answer_that_rests_on_the_marker_is_ungrounded_and_its_cause_known(verdicts):
    rows = of(verdicts, "rib fracture")
    assert any(row.marker for row in rows)
    for row in rows:
        if row.marker:
            assert (row.group, row.reason, row.known_cause) == ("ungrounded", "ANSWER_DID_NOT_FLIP", "marker")
        else:
            assert (row.group, row.known_cause) == ("incorrect", None)


def test_an_answer_that_never_changes_rests_on_neither(verdicts):
    for row in of(verdicts, "cardiomegaly"):
        assert (row.group, row.reason, row.known_cause) == ("ungrounded", "ANSWER_DID_NOT_FLIP", "neither")
        assert row.background is None


def test_wrong_and_unreadable_answers_are_incorrect_and_no_edit_is_asked(verdicts):
    for finding, reason in (("nodule", "ANSWER_WRONG"), ("atelectasis", "UNREADABLE_ANSWER")):
        for row in of(verdicts, finding):
            assert (row.group, row.reason) == ("incorrect", reason)
            assert (row.foreground, row.background, row.background_normal, row.known_cause) == (None,) * 4


def test_verdicts_are_of_positive_questions_in_each_mode_and_negatives_are_answered_too(built, verdicts):
    positive = [row.question_id for row in built.read(QUESTIONS, "test") if row.answer == "yes"]
    for mode in Mode:
        assert sorted(row.question_id for row in verdicts if row.mode == mode) == sorted(positive)
        originals = [
            row for row in built.read(ANSWERS, "test") if (row.mode, row.picture) == (mode.value, ORIGINAL)
        ]
        assert {row.question_id for row in originals} == {
            row.question_id for row in built.read(QUESTIONS, "test")
        }


def test_cases_are_the_grounded_questions_with_their_response_word_for_word(built, verdicts):
    for mode, table in ((Mode.DIRECT, DIRECT), (Mode.REASON, REASON)):
        cases = built.read(table, "test")
        grounded = [row.question_id for row in verdicts if (row.mode, row.group) == (mode, "grounded")]
        assert [case.question_id for case in cases] == sorted(grounded)
        for case in cases:
            assert case.case_id == f"{case.question_id}@rule_lvlm:{mode}"
            assert case.response == ("Yes." if mode is Mode.DIRECT else "I looked. Yes.")
            assert len(case.response_token_ids) == len(case.response_tokens) >= 2
            assert case.boxes and case.image is not None


def test_edits_are_made_once_for_all_lvlms_and_modes(tmp_path, monkeypatch):
    made: Counter[tuple[str, Edit]] = Counter()
    original = PhantomExact.edit

    def counted(self, question, picture, edit):
        made[question.question_id, edit] += 1
        return original(self, question, picture, edit)

    monkeypatch.setattr(PhantomExact, "edit", counted)
    build(tmp_path / "a", modes=tuple(Mode), limit=2, store=tmp_path / "store")
    build(tmp_path / "b", lvlm=RuleLvlm(key="second"), limit=2, store=tmp_path / "store")
    assert made and set(made.values()) == {1}


def test_rows_say_who_made_the_edits_and_nobody_where_none_was_asked_about(built):
    editor = PhantomExact()
    name = f"{editor.name}@{editor.version}"
    edits = {edit.value for edit in Edit}
    for row in built.read(ANSWERS, "test"):
        assert row.editor == (name if row.picture in edits else None)
    verdicts = built.read(VERDICTS, "test")
    for row in verdicts:
        assert row.editor == (None if row.foreground is None else name)
    assert {row.editor for row in verdicts} == {None, name}


def test_the_same_build_again_asks_nothing_and_changes_no_byte(tmp_path):
    first = bytes_of(build(tmp_path / "medground-bench", limit=2))
    lvlm = RuleLvlm()
    assert bytes_of(build(tmp_path / "medground-bench", lvlm=lvlm, limit=2)) == first
    assert lvlm.asked == 0


def test_other_weights_are_asked_anew_and_the_edits_are_kept(tmp_path):
    store = tmp_path / "store"
    build(tmp_path / "a", limit=2, store=store)
    edits = {path.name for path in (store / "edits").glob("*.parquet")}
    lvlm = RuleLvlm(revision="r2")
    folder = build(tmp_path / "a", lvlm=lvlm, limit=2, store=store)
    assert lvlm.asked > 0
    assert {path.name for path in (store / "edits").glob("*.parquet")} == edits
    assert {row.lvlm_revision for row in folder.read(VERDICTS, "test")} == {"r2"}


QUESTION = next(iter(Phantom().questions("test", 1))).question
PICTURE = np.arange(24, dtype=np.uint8).reshape(4, 6)


class NamedEditor:
    name, version = "e", "1"


class OtherName(NamedEditor):
    name = "f"


class OtherVersion(NamedEditor):
    version = "2"


ANSWER = {"lvlm": RuleLvlm(), "picture": PICTURE, "text": "p"}
EDIT = {"question": QUESTION, "picture": PICTURE, "edit": Edit.FOREGROUND, "editor": NamedEditor()}
OTHER_BOXES = (Box(0, 0, 1, 1, QUESTION.native),)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"lvlm": RuleLvlm(key="k")}, id="key of the LVLM"),
        pytest.param({"lvlm": RuleLvlm(revision="r2")}, id="revision of the LVLM"),
        pytest.param({"lvlm": RuleLvlm(precision="bfloat16")}, id="precision of the LVLM"),
        pytest.param({"picture": PICTURE ^ 1}, id="pixels"),
        pytest.param({"picture": PICTURE.reshape(6, 4)}, id="shape of the picture"),
        pytest.param({"text": "q"}, id="prompt"),
    ],
)
def test_the_key_of_a_response_changes_with(changed):
    assert answer_key(**ANSWER | changed) != answer_key(**ANSWER)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("lvlm_code", lambda: "of tomorrow", id="code"),
        pytest.param("MAX_NEW_TOKENS", 7, id="most new tokens"),
    ],
)
def test_the_key_of_a_response_changes_with_what_is_the_same_for_all(monkeypatch, name, value):
    before = answer_key(**ANSWER)
    monkeypatch.setattr(f"builder.units.{name}", value)
    assert answer_key(**ANSWER) != before


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"edit": Edit.BACKGROUND}, id="background"),
        pytest.param({"edit": Edit.BACKGROUND_NORMAL}, id="normal background"),
        pytest.param({"picture": PICTURE ^ 1}, id="pixels"),
        pytest.param({"picture": PICTURE.reshape(6, 4)}, id="shape of the picture"),
        pytest.param({"editor": OtherName()}, id="name of the editor"),
        pytest.param({"editor": OtherVersion()}, id="version of the editor"),
        pytest.param({"question": replace(QUESTION, source="vindr_cxr")}, id="source"),
        pytest.param({"question": replace(QUESTION, image_id="another")}, id="image id"),
        pytest.param({"question": replace(QUESTION, finding="x")}, id="finding"),
        pytest.param({"question": replace(QUESTION, boxes=OTHER_BOXES)}, id="boxes"),
    ],
)
def test_the_key_of_an_edit_changes_with(changed):
    assert edit_key(**EDIT | changed) != edit_key(**EDIT)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("EDIT_PROTOCOL", 7, id="protocol"),
        pytest.param("edit_prompt", lambda *_: "another", id="prompt"),
    ],
)
def test_the_key_of_an_edit_changes_with_what_is_the_same_for_all(monkeypatch, name, value):
    before = edit_key(**EDIT)
    monkeypatch.setattr(f"builder.units.{name}", value)
    assert edit_key(**EDIT) != before


def test_another_lvlm_adds_files_and_rewrites_none_but_the_readme(tmp_path):
    before = bytes_of(build(tmp_path / "medground-bench", limit=2))
    after = bytes_of(build(tmp_path / "medground-bench", lvlm=RuleLvlm(key="org/second@abc"), limit=2))
    assert {name for name in before if after[name] != before[name]} == {"README.md"}
    assert "direct/test-org--second@abc.parquet" in after


def test_tracks_over_other_questions_are_never_mixed(tmp_path):
    out = tmp_path / "medground-bench"
    build(out, limit=2)
    build(out, limit=3)  # the only track is built again
    with pytest.raises(OtherQuestions, match="rule_lvlm direct"):
        build(out, lvlm=RuleLvlm(key="second"), limit=2)
    build(out, lvlm=RuleLvlm(key="second"), limit=3)


def test_verdicts_can_be_decided_again_without_an_lvlm(tmp_path):
    folder = build(tmp_path / "medground-bench", modes=tuple(Mode), limit=2)
    before = bytes_of(folder)
    assert decide_again(folder) == 0
    assert bytes_of(folder) == before
    tampered = [replace(row, group="grounded", reason=None) for row in folder.read(VERDICTS, "test")]
    folder.write(VERDICTS, "test", "rule_lvlm", tampered)
    assert decide_again(folder) > 0
    assert bytes_of(folder) == before


def test_a_question_records_by_which_rule_its_deep_file_became_grey(tmp_path):
    folder = DatasetFolder(tmp_path / "medground-bench")
    for levels in Levels:
        write_questions(folder, replace(Phantom(), levels=levels), 1, [])
        assert {row.levels for row in folder.read(QUESTIONS, "test")} == {levels.value}


def test_a_verdict_that_needs_an_answer_never_asked_says_so(tmp_path):
    folder = build(tmp_path / "medground-bench", limit=2)
    answers = folder.read(ANSWERS, "test")
    folder.write(ANSWERS, "test", "rule_lvlm", [row for row in answers if row.picture == ORIGINAL])
    with pytest.raises(NeverAsked, match="foreground edit is missing"):
        decide_again(folder)


def test_an_lvlm_is_not_asked_about_other_pictures_than_the_folder_has(tmp_path):
    folder = build(tmp_path / "medground-bench", limit=2)
    *rows, last = folder.read(QUESTIONS, "test")
    folder.write(QUESTIONS, "test", "phantom", [*rows, replace(last, image_sha256="0" * 64)])
    with (
        bench_at(tmp_path / "store", Phantom()) as bench,
        pytest.raises(ChangedPicture, match=r"no longer those .* one or more differ") as told,
    ):
        build_track(folder, RuleLvlm(key="second"), Mode.DIRECT, bench)
    assert last.image_id not in str(told.value)
