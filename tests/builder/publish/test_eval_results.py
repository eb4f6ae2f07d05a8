"""Scores for the `.eval_results` of models: as huggingface_hub reads them, and as a benchmark's page ranks them."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml, parse_eval_result_entries

from builder.publish.card.head import eval_yaml
from builder.publish.eval_results import benchmark_at, measured_by_us, reported_by_the_paper, write
from medground_bench.cards.own import OwnRuns
from medground_bench.cards.reported import FOLDER, Reported
from medground_bench.core.types import Mode
from medground_bench.leaderboard.board import build_board
from medground_bench.lvlms import checkpoints, embedded
from tests.hub.clients import ROOT, api_of, surroundings
from tests.kit.board_runs import LEFT_HALF, reference
from tests.kit.board_runs import run as run_of

REVISION = "0123456789abcdef0123456789abcdef01234567"
DIRECT = ".eval_results/medground-bench-direct.yaml"


def at(org):
    return f"{org}/medground-bench@{REVISION}"


def entries_in(folder):
    """Place in the folder -> the entry that huggingface_hub reads there; a file holds one."""
    found = {}
    for file in sorted(folder.rglob("*.yaml")):
        (entry,) = parse_eval_result_entries(yaml.safe_load(file.read_text("utf-8")))
        found[file.relative_to(folder).as_posix()] = entry
    return found


@pytest.fixture(scope="module")
def from_the_paper(tmp_path_factory):
    """What the command writes of the paper's numbers, in the checkout."""
    out = tmp_path_factory.mktemp("paper")
    values = list(reported_by_the_paper(Reported.read(ROOT / FOLDER), benchmark_at(at("org")), None))
    write(values, out)
    return out


def test_an_entry_has_one_value_a_model_and_mode_for_one_revision_of_the_benchmark(from_the_paper):
    found = entries_in(from_the_paper)
    ours = {key: known.location for key, known in checkpoints().items() if not embedded(key)}
    files = [f"{place}/.eval_results/medground-bench-{mode}.yaml" for place in ours.values() for mode in Mode]
    assert sorted(found) == sorted(files)
    for place, entry in found.items():
        assert (entry.dataset_id, entry.dataset_revision) == ("org/medground-bench", REVISION)
        assert place.endswith(f"-{entry.task_id}.yaml") and entry.task_id in set(Mode)
        assert entry.source_url is None and entry.date is None and entry.verify_token is None
        assert "reported by the paper" in entry.notes and "MedFocus" in entry.notes


def test_the_tasks_are_those_that_the_benchmark_declares(from_the_paper):
    declared = yaml.safe_load(eval_yaml(list(Mode)))["tasks"]
    assert {entry.task_id for entry in entries_in(from_the_paper).values()} == {
        task["id"] for task in declared
    }


def tables():
    rows = []
    for table in ("table4", "table5"):
        with (ROOT / "submissions" / "reported" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            rows.append({(row["lvlm"], row["mode"], row["source"]): row for row in csv.DictReader(file)})
    return rows


def test_the_value_is_table_5_in_percent_weighted_by_the_cases_of_table_4(from_the_paper):
    cases, scores = tables()
    found = entries_in(from_the_paper)
    entry = found["google/medgemma-4b-it/.eval_results/medground-bench-direct.yaml"]
    by_hand = (279 * 0.5816 + 93 * 0.1621 + 190 * 0.3338) / 562
    assert entry.value == round(100 * by_hand, 2) == 42.84
    for key, known in checkpoints().items():
        for mode in Mode if not embedded(key) else ():
            of = [each for each in cases if each[:2] == (key, mode)]
            weights = [int(cases[each]["retained"]) for each in of]
            mean = sum(w * float(scores[each]["iou"]) for w, each in zip(weights, of, strict=True)) / sum(
                weights
            )
            entry = found[f"{known.location}/.eval_results/medground-bench-{mode}.yaml"]
            assert entry.value == pytest.approx(100 * mean, abs=0.0051)


def test_what_was_written_is_what_huggingface_hub_itself_would_write(from_the_paper):
    for place, entry in entries_in(from_the_paper).items():
        again = yaml.safe_load((from_the_paper / place).read_text("utf-8"))
        assert eval_result_entries_to_yaml([entry]) == again


@pytest.fixture
def board(tmp_path):
    """Of one embedded LVLM and one that a hub id names, on two cases each; MedFocus is right on every case."""
    folder, tracks = tmp_path / "results", []
    for lvlm in ("phantom_gemma3", f"org/mine@{REVISION}"):
        tracks.append([reference(number, lvlm) for number in (1, 2)])
    references = [each for track in tracks for each in track]
    runs = [run_of(method, track, LEFT_HALF) for track in tracks for method in ("medfocus", "rise")]
    build_board(references, runs).save(folder)
    return folder


def test_numbers_of_our_own_come_from_a_board_of_medfocus_alone(run, board, tmp_path):
    out = tmp_path / "out"
    code, said, told = run("eval-results", "--of", at("org"), "--board", board, "--out", out)
    found = entries_in(out)
    assert code == 0
    assert sorted(found) == [
        "org/mine/.eval_results/medground-bench-direct.yaml",
        "phantom_gemma3/.eval_results/medground-bench-direct.yaml",
    ]
    assert sorted(said.splitlines()) == [str(out / place) for place in found]
    for entry in found.values():
        assert entry.value == 100.0 and entry.notes.startswith(
            "medfocus, mean IoU in percent over 2 cases; measured"
        )
    assert f"hf upload org/mine {out / 'org/mine'} . --create-pr" in told
    assert "phantom_gemma3 is in no repository" in told


def test_the_values_of_the_embedded_lvlms_are_those_of_their_cards(tmp_path):
    kept = OwnRuns.read(ROOT / "model_cards").results
    values = list(measured_by_us(kept, benchmark_at(at("org")), "https://example.org/log"))
    assert {each.place for each in values} == {key for key in checkpoints() if embedded(key)}
    records = {
        (row["lvlm"], row["mode"]): row["iou"]
        for row in json.loads((ROOT / "model_cards" / "results.json").read_text("utf-8"))
        if row["method"] == "medfocus"
    }
    for each in values:
        assert each.entry.value == round(100 * records[each.place, each.entry.task_id], 2)
        assert f"| {each.entry.value:.1f} |" in (ROOT / "model_cards" / f"{each.place}.md").read_text("utf-8")
        assert each.entry.source_url == "https://example.org/log"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--of", "org/medground-bench"), "names no revision of a published benchmark"),
        (("--of", "org/medground-bench@main"), "is no commit of 40 hexadecimal digits"),
        (("--of", "medground-bench"), "give org/name@<commit>"),
        (("--of", at("org"), "--board", "nowhere"), "nowhere holds no results"),
    ],
)  # fmt: skip
def test_without_a_published_revision_nothing_is_written(run, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(ROOT)
    code, _, err = run("eval-results", *words, "--out", tmp_path / "out")
    assert code == 1 and message in " ".join(err.split()) and "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_outside_of_a_checkout_the_papers_numbers_are_said_to_be_missing(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = run("eval-results", "--of", at("org"), "--out", "out")
    assert code == 1 and "are part of a checkout" in " ".join(err.split())


def test_one_mode_alone_can_be_asked_for(run, tmp_path, monkeypatch, board):
    monkeypatch.chdir(ROOT)
    assert run("eval-results", "--of", at("org"), "--out", tmp_path / "out", "--mode", "direct")[0] == 0
    assert {entry.task_id for entry in entries_in(tmp_path / "out").values()} == {"direct"}
    words = ("--of", at("org"), "--out", tmp_path / "none", "--mode", "reason", "--board", board)
    code, _, err = run("eval-results", *words)
    assert (
        code == 1
        and "has no score of medfocus, which stands for an LVLM, in mode reason" in " ".join(err.split())
        and not (tmp_path / "none").exists()
    )


def test_the_command_that_is_printed_opens_a_pull_request_and_the_benchmarks_page_ranks_it(
    run, hub, org, tmp_path, monkeypatch
):
    """As a maintainer goes about it: two models of others, one of which merges."""
    monkeypatch.chdir(ROOT)
    owner, out = api_of(hub, f"hf_{org}-writer"), tmp_path / "out"
    models = ("google/gemma-3-4b-it", "google/medgemma-4b-it")
    owner.create_repo(f"{org}/medground-bench", repo_type="dataset")
    for model in models:
        hub.state.create("model", model)
    written = run("eval-results", "--of", at(org), "--out", out, "--source-url", "https://example.org/paper")
    (line,) = (line for line in written[2].splitlines() if models[0] in line)
    program = Path(sys.executable).with_name("hf")
    environment = surroundings(hub.address, tmp_path / "hf", f"hf_{org}-writer")
    subprocess.run([program, *line.split()[1:]], env=environment, check=True, capture_output=True)
    hub.state.repositories["model", models[1]].commit(
        {".eval_results/medground-bench-direct.yaml": (out / models[1] / DIRECT).read_bytes()}
    )

    page = owner.get_dataset_leaderboard(f"{org}/medground-bench")
    ranked = [each for each in page if "direct" in each.filename]
    assert [(each.model_id, each.pull_request) for each in ranked] == [(models[1], None), (models[0], 1)]
    found = entries_in(out)
    assert [each.value for each in ranked] == [found[f"{model}/{DIRECT}"].value for model in reversed(models)]
    assert ranked[1].notes == found[f"{models[0]}/{DIRECT}"].notes
    assert ranked[0].source == {"url": "https://example.org/paper"}
    (own,) = owner.model_info(models[1], expand=["evalResults"]).eval_results
    assert isinstance(own, EvalResultEntry) and own.dataset_revision == REVISION
