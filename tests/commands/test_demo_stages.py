"""The demo end to end on the embedded LVLM, and how it fails."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from medground_bench.benchmark.opening import open_benchmark
from medground_bench.commands import programs
from medground_bench.commands.demo_stages import run_demo
from medground_bench.core.errors import MedgroundError, SourceMissing
from medground_bench.core.types import Mode
from medground_bench.leaderboard.board import Board
from medground_bench.leaderboard.case_book import CaseBook
from medground_bench.probes import ProbeKind
from medground_bench.probes.probe import ProbePlan, probe
from medground_bench.runs.parallel import LocatedTrack, run_methods
from medground_bench.runs.processes import dealt
from medground_bench.runs.sweep import Sweep

ROOT = Path(__file__).parents[2]
EMBEDDED = ROOT / "medground_bench" / "phantom" / "models" / "phantom_gemma3" / "model.safetensors"


@pytest.mark.skipif(not EMBEDDED.is_file(), reason="needs the embedded LVLM")
def test_the_demo_builds_runs_scores_and_keeps_the_board(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # threads that wait for each other crawl on a busy machine
    lvlm, methods = "phantom_gemma3", ["medfocus", "attention_rollout", "rise", "whole_image"]
    made = run_demo(tmp_path, 2, lvlms=[lvlm], methods=methods, seeds=2)
    assert list(made.seconds) == ["build the benchmark", "tune and run all methods", "score"]
    assert [(track.lvlm, track.mode) for track in made.board.tracks] == [(lvlm, "direct"), (lvlm, "reason")]
    assert sum(track.grounded for track in made.board.tracks) > 0
    for track in made.board.tracks:
        rows = made.board.view(track.mode, lvlm=lvlm)
        assert {row.method: row.cases for row in rows if row.cases} == (
            dict.fromkeys(methods, track.grounded) if track.grounded else {}
        )
        assert all(row.recall == pytest.approx(1) and not row.failed for row in rows if row.control)
    seeds = {row.method: (row.seeds, row.seed_sd is not None) for row in made.board.rows if row.cases}
    assert seeds == {method: (2, True) if method == "rise" else (1, False) for method in methods}
    assert Board.read(tmp_path) == made.board
    book = CaseBook.read(tmp_path)
    assert len(book.cases) == sum(track.grounded for track in made.board.tracks)
    assert {row.method for row in made.board.rows} == set(book.methods)

    tuned = tmp_path / "tuned"
    tracks = open_benchmark(tmp_path / "medground-bench").tracks("tune")
    assert {(sweep.mode, sweep.cases) for sweep in made.sweeps} == {
        (track.mode, cases) for track, cases in tracks.items() if cases
    }
    assert made.sweeps and {sweep.method for sweep in made.sweeps} == {"attention_rollout"}
    for sweep in made.sweeps:
        name = f"{sweep.track.stem}-attention_rollout"
        side = json.loads((tmp_path / "predictions" / f"{name}.jsonl.run.json").read_text())
        assert side["tuned"]["iou"] == sweep.chosen.iou and side["settings"] == sweep.chosen.settings
        assert (tuned / f"{name}.png").is_file() and Sweep.read(tuned / f"{name}.json") == sweep
        assert f"first_layer {sweep.chosen.settings['first_layer']}" in (tuned / "README.md").read_text()
    probed = probe(
        open_benchmark(tmp_path / "medground-bench"),
        tmp_path / "predictions",
        ProbePlan(what=ProbeKind.POINTING, limit=1),
        tmp_path / "probes",
    )
    assert [track.track for track in probed.tracks] == sorted(tracks)
    assert all("rise" in track.measured[ProbeKind.POINTING] for track in probed.tracks)
    assert "probe phantom_gemma3" not in capsys.readouterr().err, "what its processes say is in their log"
    log = (tmp_path / "predictions" / "predict.log").read_text("utf-8")
    assert re.search(rf"^whole_image {lvlm} \w+: \d+ of \d+ cases", log, flags=re.MULTILINE)


def test_what_stops_a_process_is_said_by_its_parent(built, tmp_path):
    with pytest.raises(MedgroundError, match="no/model is no folder here"):
        run_methods(built.path, [LocatedTrack("no/model", Mode.DIRECT)], ["whole_image"], tmp_path)
    assert "no/model" in (tmp_path / "predict.log").read_text("utf-8")


def test_tracks_are_dealt_to_and_fro_so_that_long_and_short_add_up_alike():
    assert [dealt([4, 3, 2, 1], place, 2) for place in range(2)] == [(4, 1), (3, 2)]
    assert [dealt([3, 2, 1], place, 2) for place in range(2)] == [(3,), (2, 1)]


def test_a_method_that_is_not_there_is_said_before_anything_is_built(medground, tmp_path):
    code, _out, err = medground("demo", "--method", "medfocs", "--out", tmp_path / "demo")
    assert code == 2
    assert "medfocs" in err and "medfocus" in err
    assert not (tmp_path / "demo").exists()


def test_a_demo_whose_programs_are_missing_says_how_to_install_them(medground, tmp_path, monkeypatch):
    commands = tmp_path / "site-packages" / "medground_bench" / "commands"
    monkeypatch.setattr(programs, "__file__", str(commands / "programs.py"))
    code, _out, err = medground("demo", "--no-serve", "--out", tmp_path / "demo")
    assert code == 1
    assert "not whole" in err and "pip install --force-reinstall 'medground-bench[demo]'" in err
    assert not (tmp_path / "demo").exists()
    with pytest.raises(SourceMissing):
        programs.programs_folder()
