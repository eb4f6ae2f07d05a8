"""The command and the run behind it: files, resuming, and what cannot be run."""

from __future__ import annotations

import csv
import shutil

import pytest
from PIL import Image

from medground_bench.core.types import Mode, Track
from medground_bench.leaderboard.board import Board, MethodRun, build_board
from medground_bench.probes import ProbeKind
from medground_bench.probes import probe as module
from medground_bench.probes.probe import ProbePlan, probe
from medground_bench.submission.read import read_submission
from tests.kit.spot_lvlm import SpotLvlm


@pytest.fixture
def spot(monkeypatch):
    """The LVLM that every command opens; it counts what it is asked."""
    lvlm = SpotLvlm()
    monkeypatch.setattr(module, "open_lvlm", lambda _location, **_choices: lvlm)
    monkeypatch.setattr("medground_bench.lvlms.open_lvlm", lambda _location, **_choices: lvlm)
    return lvlm


def rows_of(folder, what):
    with (folder / f"{what}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_command_writes_a_table_and_a_figure_of_both_modes(medground, built, predicted, spot, tmp_path):
    line = ["probe", "--benchmark", built.path, "--predictions", predicted, "--out", tmp_path]
    code, out, err = medground(*line, "--what", "removal")
    assert code == 0 and out == f"written to {tmp_path}: removal.csv, removal.png\n", err
    assert "probe rule_lvlm direct" in err and "results" in err
    rows = rows_of(tmp_path, "removal")
    assert [(row["mode"], row["method"]) for row in rows if row["method"] == "whole_image"] == [
        (mode, "whole_image") for mode in Mode
    ]
    assert all(float(row["area"]) == 1 for row in rows if row["method"] == "whole_image")
    with Image.open(tmp_path / "removal.png") as figure:
        assert figure.width > 1000


def test_a_second_run_asks_nothing_and_one_that_was_cut_ends_with_the_same_bytes(
    benchmark, predicted, spot, tmp_path
):
    def run(folder, what=ProbeKind.ALL):
        probe(benchmark, predicted, ProbePlan(what=what), folder)
        return {file.name: file.read_bytes() for file in sorted(folder.glob("*.*"))}

    whole = run(tmp_path / "whole")
    asked = (spot.asked, spot.forwarded)
    assert run(tmp_path / "whole") == whole and (spot.asked, spot.forwarded) == asked
    cut = tmp_path / "cut"
    shutil.copytree(tmp_path / "whole" / "results", cut / "results")
    for journal in (cut / "results").iterdir():
        content = journal.read_bytes()
        journal.write_bytes(content[: len(content) * 2 // 5])
    assert run(cut) == whole
    assert (spot.asked, spot.forwarded) > asked


def test_what_cannot_be_run_is_told_in_a_sentence_and_the_rest_is_written(
    benchmark, predicted, spot, tmp_path
):
    probed = probe(benchmark, predicted, ProbePlan(what=ProbeKind.ALL, modes=[Mode.DIRECT]), tmp_path)
    assert {track.track.mode for track in probed.tracks} == {Mode.DIRECT}
    assert [sentence.split(":")[0] for sentence in probed.not_run] == ["randomisation, rule_lvlm direct"]
    assert {file.name for file in probed.files if file.suffix == ".csv"} == {
        f"{what}.csv" for what in set(ProbeKind) - {ProbeKind.ALL, ProbeKind.RANDOMISATION}
    }


def test_a_limit_keeps_some_cases_and_does_not_do_again_what_it_shares(benchmark, predicted, spot, tmp_path):
    plan = ProbePlan(what=ProbeKind.REMOVAL, modes=[Mode.DIRECT])
    few = probe(
        benchmark, predicted, ProbePlan(what=ProbeKind.REMOVAL, modes=[Mode.DIRECT], limit=1), tmp_path
    )
    asked = spot.asked
    every = probe(benchmark, predicted, plan, tmp_path)
    cases = {
        what: {row["cases"] for row in each.tables[ProbeKind.REMOVAL]}
        for what, each in (("few", few), ("all", every))
    }
    assert cases["few"] == {1} and min(cases["all"]) > 1
    assert spot.asked < asked * (min(cases["all"]) + 1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--predictions", "nowhere"], "holds no prediction file"),
        (["--lvlm", "phantom_gemma3"], "no prediction file is of what was asked for"),
    ],
)
def test_wrong_inputs_are_one_paragraph(medground, built, predicted, tmp_path, options, said):
    line = ["--benchmark", built.path, "--predictions", predicted, "--out", tmp_path, *options]
    code, _out, err = medground("probe", *line)
    assert code == 1 and said in err and "Traceback" not in err


def test_the_board_of_a_folder_gets_the_columns(medground, built, benchmark, predicted, spot, tmp_path):
    references = benchmark.references()
    runs = []
    for mode in Mode:
        file = predicted / f"rule_lvlm-{mode}-whole_image.jsonl"
        read = read_submission(file.read_bytes(), references)
        runs.append(MethodRun("whole_image", Track("rule_lvlm", mode), tuple(read.predictions)))
    build_board(references, runs).save(tmp_path / "demo")
    line = ["probe", "--benchmark", built.path, "--predictions", predicted, "--out", tmp_path / "out"]
    code, out, err = medground(*line, "--what", "removal", "--board", tmp_path / "demo")
    assert code == 0 and "columns added to the board" in out, err
    assert "probe_removal" in Board.read(tmp_path / "demo").scores.measures
    code, out, _err = medground("board", tmp_path / "demo", "--json")
    assert code == 0 and "probe_removal" in out
    code, _out, err = medground(*line, "--what", "removal", "--board", tmp_path / "nowhere")
    assert code == 1 and "holds no results" in err
