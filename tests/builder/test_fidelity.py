from __future__ import annotations

import csv
from dataclasses import replace

import pytest

pytest.importorskip("skimage")

from typer.testing import CliRunner

from builder.build import open_editor
from builder.cli import app
from builder.fidelity import EXACT, Compared, Fidelity, compared, fidelity
from builder.fidelity_tables import fidelity_tables
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import QUESTIONS, VERDICTS
from medground_bench.core.types import Mode
from tests.kit.fakes import RuleLvlm

ROW = Compared("phantom/1/mass", "mass", 0.02, "m", "direct", "e", "retained", "retained", "finding")


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    out = tmp_path_factory.mktemp("fidelity")
    lvlm = RuleLvlm()
    return out, lvlm, fidelity(out, [(lvlm, Mode.DIRECT)], ["harmonic"], 10)


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
    result = fidelity(tmp_path, [(RuleLvlm(), Mode.DIRECT)], [EXACT], 4)
    assert result.compared
    assert all(row.exact == row.other for row in result.compared)
    assert all(row.agree == row.answers and row.exact == row.both for row in result.retention())


def test_the_same_command_again_asks_nothing_and_writes_the_same_bytes(measured):
    out, lvlm, result = measured
    files = {file: file.read_bytes() for file in result.write(out)}
    again, edits = RuleLvlm(), sorted((out / "store" / "edits").iterdir())
    repeated = fidelity(out, [(again, Mode.DIRECT)], ["harmonic"], 10)
    assert (again.asked, lvlm.asked > 0) == (0, True)
    assert sorted((out / "store" / "edits").iterdir()) == edits
    assert repeated == result
    assert {file: file.read_bytes() for file in repeated.write(out)} == files


def test_the_files_say_what_the_tables_say(measured):
    out, _, result = measured
    names = [file.name for file in result.write(out)]
    assert names == ["answers.csv", "confusion.csv", "retention.csv", "confusion.png"]
    with (out / "confusion.csv").open(newline="") as file:
        counts = [int(row["answers"]) for row in csv.DictReader(file)]
    assert sum(counts) == len(result.compared)
    with (out / "retention.csv").open(newline="") as file:
        first = next(csv.DictReader(file))
    assert (first["finding"], first["size"], int(first["answers"])) == ("all", "all", len(result.compared))
    assert (out / "confusion.png").read_bytes().startswith(b"\x89PNG")
    assert fidelity_tables(result).renderables


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
    ((table,),) = Fidelity(rows).figure().tables
    assert table.rows == ["retained", "did not flip"]
    assert table.shares == [[pytest.approx(2 / 3), pytest.approx(1 / 3)], [None, None]]


def test_nothing_to_compare_draws_no_figure(tmp_path):
    assert [file.suffix for file in Fidelity([]).write(tmp_path)] == [".csv"] * 3


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
