from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("skimage")

from typer.testing import CliRunner

from builder.build import bench_at, open_editor, open_source
from builder.cli import app
from builder.editors.phantom_exact import PhantomExact
from builder.fidelity import Compared, Fidelity, LostRow, compared, fidelity
from builder.fidelity_tables import fidelity_tables
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import QUESTIONS, VERDICTS
from medground_bench.core.causal_filter import Edit
from medground_bench.core.types import Mode
from tests.kit.fakes import RuleLvlm

EXACT = "phantom_exact"
ROW = Compared("phantom/1/mass", "mass", 0.02, "m", "direct", "e", "retained", "retained", "finding")


def measure(out, lvlm, editor, limit):
    with bench_at(out / "store", open_source("phantom")) as bench:
        return fidelity(out, bench, [(lvlm, Mode.DIRECT)], [open_editor(editor)], limit)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    out = tmp_path_factory.mktemp("fidelity")
    lvlm = RuleLvlm()
    return out, lvlm, measure(out, lvlm, "harmonic", 10)


def test_only_right_answers_are_compared_and_the_originals_are_those_of_the_exact_editor(measured):
    out, _, result = measured
    folders = {name: DatasetFolder(out / name) for name in (EXACT, "harmonic")}
    verdicts = {name: folder.read(VERDICTS, "test") for name, folder in folders.items()}
    assert [row.original for row in verdicts[EXACT]] == [row.original for row in verdicts["harmonic"]]
    right = {row.question_id for row in verdicts[EXACT] if row.group != "incorrect"}
    assert {row.question_id for row in result.compared} == right and len(right) > 5


def test_what_follows_a_rule_gets_the_verdict_of_its_rule_by_both_editors(measured):
    """The rule LVLM calls metal a pacemaker, every heart large, and a marker a rib fracture."""
    rows = measured[2].compared
    assert {row.exact for row in rows if row.finding == "pacemaker"} == {"retained"}
    assert {row.other for row in rows if row.finding == "pacemaker"} == {"retained"}
    for finding in ("cardiomegaly", "rib fracture"):
        own = {(row.exact, row.other) for row in rows if row.finding == finding}
        assert own == {("ANSWER_DID_NOT_FLIP", "ANSWER_DID_NOT_FLIP")}


def test_the_exact_editor_agrees_with_itself(tmp_path):
    result = measure(tmp_path, RuleLvlm(), EXACT, 4)
    assert result.compared
    assert all(row.exact == row.other for row in result.compared)
    assert all(row.agree == row.answers and row.exact == row.both for row in result.retention())


def test_the_same_command_again_asks_nothing_and_writes_the_same_bytes(measured):
    out, lvlm, result = measured
    files = {file: file.read_bytes() for file in result.write(out)}
    again, edits = RuleLvlm(), sorted((out / "store" / "edits").iterdir())
    repeated = measure(out, again, "harmonic", 10)
    assert (again.asked, lvlm.asked > 0) == (0, True)
    assert sorted((out / "store" / "edits").iterdir()) == edits
    assert repeated == result
    assert {file: file.read_bytes() for file in repeated.write(out)} == files


def test_the_files_say_what_the_tables_say(measured):
    out, _, result = measured
    names = [file.name for file in result.write(out)]
    tables = ["answers.csv", "confusion.csv", "retention.csv", "lost.csv"]
    assert names == [*tables, "confusion.png", "retention.png"]
    with (out / "confusion.csv").open(newline="") as file:
        counts = [int(row["answers"]) for row in csv.DictReader(file)]
    assert sum(counts) == len(result.compared)
    with (out / "retention.csv").open(newline="") as file:
        first = next(csv.DictReader(file))
    assert (first["finding"], first["size"], int(first["answers"])) == ("all", "all", len(result.compared))
    for name in names[-2:]:
        assert np.ptp(np.asarray(Image.open(out / name).convert("L"))) > 200, "something is drawn"
    assert len(fidelity_tables(result).renderables) == 2


def test_counts_by_hand():
    rows = [
        ROW,
        replace(ROW, other="BACKGROUND_MATTERED", cause="marker"),
        replace(ROW, exact="ANSWER_DID_NOT_FLIP", cause="either", finding="nodule", boxes=0.3),
        replace(ROW, exact="ANSWER_DID_NOT_FLIP", other="ANSWER_DID_NOT_FLIP", cause=None, boxes=0.1),
    ]
    total, mass, nodule, small, medium, large = Fidelity(rows).retention()
    assert (total.answers, total.agree, total.exact, total.other, total.both) == (4, 2, 2, 2, 1)
    assert (total.exact_wrong, total.other_wrong) == (1, 1)
    assert (mass.finding, mass.answers, nodule.answers) == ("mass", 3, 1)
    assert [(row.size, row.answers) for row in (small, medium, large)] == [
        ("small", 2), ("medium", 1), ("large", 1),
    ]  # fmt: skip
    assert [(row.exact, row.other, row.answers) for row in Fidelity(rows).confusion()] == [
        ("ANSWER_DID_NOT_FLIP", "ANSWER_DID_NOT_FLIP", 1), ("ANSWER_DID_NOT_FLIP", "retained", 1),
        ("retained", "BACKGROUND_MATTERED", 1), ("retained", "retained", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("share", "size"),
    [(0.0499, "small"), (0.05, "medium"), (0.1499, "medium"), (0.15, "large"), (1.0, "large")],
)
def test_sizes_of_boxes(share, size):
    assert replace(ROW, boxes=share).size == size


def test_the_figures_rows_are_shares_of_the_exact_editors_verdict():
    rows = [ROW, ROW, replace(ROW, other="ANSWER_DID_NOT_FLIP")]
    ((table,),) = Fidelity(rows).confusion_figure().tables
    assert table.rows == ["retained", "did not flip"]
    assert table.shares == [[pytest.approx(2 / 3), pytest.approx(1 / 3)], [None, None]]


def test_the_second_figure_has_retention_and_the_share_that_rests_elsewhere_by_finding_and_boxes():
    rows = [
        ROW,
        replace(ROW, other="ANSWER_DID_NOT_FLIP", cause="marker"),
        replace(ROW, exact="ANSWER_DID_NOT_FLIP", cause="both", finding="nodule", boxes=0.3),
        replace(ROW, editor="f", exact="ANSWER_DID_NOT_FLIP", other="ANSWER_DID_NOT_FLIP"),
    ]
    (retained, elsewhere), (_, nothing) = Fidelity(rows).retention_figure().tables
    assert retained.columns == elsewhere.columns == ["exact", "e"]
    assert retained.rows == ["all (3)", "mass (2)", "nodule (1)", "small boxes (2)", "large boxes (1)"]
    third = pytest.approx(2 / 3)
    assert retained.shares == [[third, third], [1, 0.5], [0, 1], [1, 0.5], [0, 1]]
    assert elsewhere.rows == ["all", "mass", "nodule", "small boxes", "large boxes"]
    assert elsewhere.shares == [[0.5, 0.5], [0.5, 0], [None, 1], [0.5, 0], [None, 1]]
    assert nothing.shares[0] == [None, None], "nothing was retained"
    assert Image.open(io.BytesIO(Fidelity(rows).retention_figure().png())).width > 500


def test_nothing_to_compare_draws_no_figure(tmp_path):
    assert [file.suffix for file in Fidelity([]).write(tmp_path)] == [".csv"] * 4


@dataclass(frozen=True)
class Failing(PhantomExact):
    """Cannot edit the background of a pacemaker."""

    name: str = "failing"

    def edit(self, question, picture, edit):
        if question.finding == "pacemaker" and edit is Edit.BACKGROUND:
            raise FloatingPointError("no edit")
        return PhantomExact.edit(self, question, picture, edit)


def rows_of(file):
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))


@pytest.mark.usefixtures("rule_lvlm")
@pytest.mark.parametrize("at_fault", ["the exact editor", "the other editor"])
def test_questions_that_are_lost_are_counted_and_told_and_the_others_compared(
    run, tmp_path, monkeypatch, at_fault
):
    exact, other = PhantomExact(), replace(Failing(), name="other")
    if at_fault == "the exact editor":
        exact, other = Failing(), replace(PhantomExact(), name="other")
    monkeypatch.setattr("builder.build.open_editor", lambda name: other if name == "other" else exact)
    words = ("fidelity", "--out", tmp_path, "--lvlm", "rule_lvlm", "--limit", 4, "--editor", "other")
    code, said, err = run(*words)
    findings = Counter(
        row.finding
        for row in DatasetFolder(tmp_path / "other").read(QUESTIONS, "test")
        if row.answer == "yes"
    )
    lost = {row["editor"]: int(row["questions"]) for row in rows_of(tmp_path / "lost.csv")}
    wrong, right = (exact, other) if isinstance(exact, Failing) else (other, exact)
    assert lost == {wrong.name: findings["pacemaker"], right.name: 0} and findings["pacemaker"] > 0
    assert {row["finding"] for row in rows_of(tmp_path / "answers.csv")}.isdisjoint({"pacemaker"})
    assert code == 1 and "Positive questions without a verdict" in said and "retention.csv" in said
    assert f"edit {wrong.name} (background): FloatingPointError" in err
    keys = [file.stem for file in (tmp_path / "store" / "quarantine").iterdir()]
    code, said, _ = run(*words, *(word for key in keys for word in ("--accept-quarantine", key)))
    assert code == 0 and "Positive questions without a verdict" in said
    monkeypatch.setattr(Failing, "edit", PhantomExact.edit)
    code, said, _ = run(*words, "--retry-quarantine")
    assert code == 0 and "Positive questions without a verdict" not in said


def test_an_editor_that_nobody_has_is_said_before_anything_is_asked(run, rule_lvlm, tmp_path):
    words = ("fidelity", "--lvlm", "rule_lvlm", "--editor", "harmonic", "--editor", "harmonc")
    code, _, err = run(*words, "--out", tmp_path / "fidelity", "--limit", 2)
    assert (code, rule_lvlm.asked) == (2, 0) and "Did you mean harmonic?" in err
    assert not (tmp_path / "fidelity").exists()


def test_nothing_lost_is_not_told():
    lost = [LostRow("m", "direct", "e", 0)]
    assert not fidelity_tables(Fidelity([], lost)).renderables
    assert len(fidelity_tables(Fidelity([], [*lost, LostRow("m", "direct", "f", 2)])).renderables) == 1


def test_a_verdict_is_looked_up_by_question_and_track(measured):
    out = measured[0]
    exact = DatasetFolder(out / EXACT).read(VERDICTS, "test")
    questions = {row.question_id: row for row in DatasetFolder(out / EXACT).read(QUESTIONS, "test")}
    backwards = list(compared("e", questions, exact, exact[::-1]))
    assert backwards and all(row.exact == row.other for row in backwards)
    share = next(row.boxes for row in backwards)
    assert 0 < share < 1


@pytest.mark.usefixtures("rule_lvlm")
def test_the_command_prints_both_tables_and_says_what_it_wrote(tmp_path):
    words = ["fidelity", "--out", str(tmp_path), "--lvlm", "rule_lvlm", "--limit", "2"]
    said = CliRunner().invoke(app, words).output
    assert "Verdicts on right answers: rule_lvlm, direct" in said
    assert "Retained: rule_lvlm, direct, exact editor and harmonic" in said
    assert "confusion.png" in said and (tmp_path / "answers.csv").is_file()


@pytest.mark.usefixtures("rule_lvlm")
def test_build_and_add_lvlm_take_the_editor_that_is_named(tmp_path, monkeypatch):
    asked = []

    def watched(name):
        asked.append(name)
        return open_editor(name)

    monkeypatch.setattr("builder.build.open_editor", watched)
    track = ["--lvlm", "rule_lvlm", "--mode", "direct", "--out", str(tmp_path / "m")]
    first = ["build", "--source", "phantom", "--limit", "1", *track]
    for words in (first, [*first, "--editor", "harmonic"], ["add-lvlm", *track, "--editor", "harmonic"]):
        assert CliRunner().invoke(app, words).exit_code == 0
    assert asked == ["phantom_exact", "harmonic", "harmonic"]
