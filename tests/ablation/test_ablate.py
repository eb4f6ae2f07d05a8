"""`medground ablate` as a user meets it: tables, figures, and what made them."""

from __future__ import annotations

import csv
import json
import shutil
from functools import partial

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from medground_bench import __version__
from medground_bench.ablation.regions import found_regions
from medground_bench.ablation.variants import Variant, rules
from medground_bench.anatomy.atlas import pool_digest
from medground_bench.benchmark.opening import open_benchmark
from medground_bench.core.types import Mode
from medground_bench.localizers import localizer_record
from medground_bench.runs.code_version import library_versions
from medground_bench.storage.whole_files import sha256
from tests.kit.builds import build
from tests.kit.checkpoints import as_in_a_new_process
from tests.kit.spot_lvlm import SpotLvlm
from tests.kit.tiny_localizers import save_sam3


@pytest.fixture
def ablate(monkeypatch, medground):
    """Run the command in this process, without the hub; returns (exit code, stdout, stderr)."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return partial(medground, "ablate")


@pytest.fixture
def spot(monkeypatch) -> SpotLvlm:
    """The LVLM that the command opens, whatever it is called."""
    lvlm = SpotLvlm()
    monkeypatch.setattr("medground_bench.ablation.ablate.open_lvlm", lambda location, **_choices: lvlm)
    return lvlm


def rows(file) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


@pytest.fixture
def small_grid(monkeypatch) -> None:
    """One lambda and one epsilon: the whole grid takes longer than everything else."""
    for name in ("MARGINAL_WEIGHTS", "EPSILONS"):
        monkeypatch.setattr(f"medground_bench.ablation.variants.{name}", (0.1,))


@pytest.mark.usefixtures("small_grid")
def test_all_of_it_on_a_small_benchmark(ablate, built, spot, tmp_path):
    line = ["--benchmark", built.path, "--limit", 1, "--mode", "direct", "--localizer", "mean_box"]
    code, out, err = ablate(*line, "--out", tmp_path)
    assert code == 0, err
    names = {path.name for path in tmp_path.iterdir()}
    drawn = ("table2-localizers", "table2-interventions", "table7", "rules", "table8", "figure6")
    files = {f"{name}.{kind}" for name in drawn for kind in ("csv", "png")}
    assert names == {*files, "failures.csv", "rules-by-size.csv", "ablation.json", "results"}
    table2 = rows(tmp_path / "table2-localizers.csv")
    both = table2 + rows(tmp_path / "table2-interventions.csv")
    ran = [row for row in both if not row["not_run"] and row["lvlm"] == row["source"] == "all"]
    assert {"UOT", "mean_box", "oracle", "Bounding box + zero masking"} <= {row["label"] for row in ran}
    assert all(0 <= float(row["iou"]) <= 1 and row["cases"] == "1" for row in ran)
    absent = {row["label"]: row["not_run"] for row in table2 if row["not_run"]}
    assert {"SAM3 (end-to-end)", "RadZero (end-to-end)", "Grounding DINO", "UOT + MedSAM"} <= set(absent)
    assert (
        "not at hand" in absent["SAM3 (end-to-end)"] and "Deepnoid/RadZero" in absent["RadZero (end-to-end)"]
    )
    grid = {
        (row["references"], row["marginal_weight"], row["epsilon"]) for row in rows(tmp_path / "table7.csv")
    }
    assert len(grid) == 3
    groups = {row["group"] for row in rows(tmp_path / "figure6.csv")}
    assert groups == {"incorrect", "ungrounded", "grounded"}
    assert "results/s" in err and "not run: " in out and "table7.png" in out

    before, passes = {name: (tmp_path / name).read_bytes() for name in names - {"results"}}, spot.forwarded
    code, _out, _err = ablate(*line, "--out", tmp_path)
    assert code == 0 and spot.forwarded == passes
    assert {name: (tmp_path / name).read_bytes() for name in before} == before


def test_what_made_every_table_stands_beside_it_over_several_calls(ablate, built, spot, tmp_path):
    line = ["--benchmark", built.path, "--mode", "direct", "--localizer", "mean_box", "--out", tmp_path]
    for part, limit in (("concepts", 2), ("interventions", 1)):
        code, out, err = ablate(*line, "--what", part, "--limit", limit)
        assert code == 0 and "ablation.json" in out, err
    made = json.loads((tmp_path / "ablation.json").read_text())
    assert set(made) == {"table8.csv", "figure6.csv", "failures.csv", "table2-interventions.csv"}
    for name, of in made.items():
        assert of["sha256"] == sha256((tmp_path / name).read_bytes())
        assert (of["version"], of["libraries"]) == (__version__, library_versions())
        assert of["lvlms"] == {spot.key: spot.revision}
        assert of["base"] == Variant(localizer="mean_box").record()
    assert made["table8.csv"]["split"] == "test"
    assert (made["table8.csv"]["limit"], made["table8.csv"]["rows"]) == (2, {})
    of = made["table2-interventions.csv"]
    assert of["limit"] == 1
    assert {row["label"] for row in rows(tmp_path / "table2-interventions.csv")} == set(of["rows"])
    assert all(record == localizer_record("mean_box") for record in of["rows"].values())
    assert of["base"]["localizer"]["pool"] == pool_digest()


@pytest.mark.parametrize("content", [b"", b"{", b"[]"])
def test_a_damaged_account_of_earlier_tables_is_replaced(ablate, built, spot, tmp_path, content):
    (tmp_path / "ablation.json").write_bytes(content)
    line = ["--benchmark", built.path, "--limit", 1, "--mode", "direct", "--localizer", "mean_box"]
    code, _out, err = ablate(*line, "--what", "concepts", "--out", tmp_path)
    assert code == 0, err
    assert "table8.csv" in json.loads((tmp_path / "ablation.json").read_text())


def test_two_checkpoints_of_one_localizer_are_told_apart_in_the_table(
    ablate, built, spot, tmp_path, monkeypatch
):
    """SAM3 and MedSAM3 run by the same code, and their rows are of the same localizer."""
    for name in ("SAM3", "MEDSAM3"):
        monkeypatch.setenv(f"MEDGROUND_{name}", str(save_sam3(tmp_path / name)))
    as_in_a_new_process()
    line = ["--benchmark", built.path, "--limit", 1, "--mode", "direct", "--localizer", "mean_box"]
    code, _out, err = ablate(*line, "--what", "localizers", "--out", tmp_path / "out")
    as_in_a_new_process()
    assert code == 0, err
    checkpoints = {
        row["label"]: row["checkpoint"]
        for row in rows(tmp_path / "out" / "table2-localizers.csv")
        if row["localizer"] == "sam3"
    }
    assert checkpoints == {"SAM3 (end-to-end)": "", "MedSAM3 (end-to-end)": str(tmp_path / "MEDSAM3")}
    said = json.loads((tmp_path / "out" / "ablation.json").read_text())["table2-localizers.csv"]["rows"]
    assert [list(said[label]["weights"]) for label in checkpoints] == [
        [str(tmp_path / "SAM3")],
        [str(tmp_path / "MEDSAM3")],
    ]


def test_what_cannot_run_here_is_not_tried_again_in_the_next_mode(ablate, built, spot, tmp_path, monkeypatch):
    tried = []

    def regions(name, checkpoint, transport, case):
        tried.append((name, case.case_id.rpartition(":")[2]))
        return found_regions(name, checkpoint, transport, case)

    monkeypatch.setattr("medground_bench.ablation.variants.found_regions", regions)
    line = ["--benchmark", built.path, "--limit", 1, "--localizer", "mean_box", "--what", "localizers"]
    code, _out, err = ablate(*line, "--out", tmp_path)
    assert code == 0, err
    assert {mode for name, mode in tried if name == "mean_box"} == {"direct", "reason"}
    assert len({mode for name, mode in tried if name == "grounding_dino"}) == 1


def test_one_part_writes_that_part_only(ablate, built, spot, tmp_path):
    line = ["--benchmark", built.path, "--limit", 1, "--localizer", "mean_box", "--vocabulary", "lung_zones"]
    code, _out, err = ablate(*line, "--what", "concepts", "--out", tmp_path)
    assert code == 0, err
    names = {path.name for path in tmp_path.iterdir() if path.suffix == ".csv"}
    assert names == {"table8.csv", "figure6.csv", "failures.csv"}
    table8 = rows(tmp_path / "table8.csv")
    assert {row["mode"] for row in table8} == {"direct", "reason"}
    assert any("zone" in row["concept"] for row in table8)


def test_every_rule_for_a_choice_on_the_split_tune(ablate, built, spot, tmp_path):
    line = ["--benchmark", built.path, "--what", "rules", "--mode", "direct", "--limit", 2, "--out", tmp_path]
    code, out, err = ablate(*line, "--split", "tune")
    assert code == 0 and "phantom_unet: per area, no groups" in out, err
    table = [row for row in rows(tmp_path / "rules.csv") if row["lvlm"] == row["source"] == "all"]
    assert [row["label"] for row in table] == [row.label for row in rules(Variant())]
    assert all(0 < float(row["area"]) < 1 and float(row["asked"]) >= 12 for row in table)
    made = json.loads((tmp_path / "ablation.json").read_text())["rules.csv"]
    assert (made["split"], made["rows"]["phantom_unet: smallest"]) == (
        "tune",
        localizer_record("phantom_unet"),
    )
    kept = [json.loads(line) for line in (tmp_path / "results" / "rule_lvlm-direct.jsonl").open()]
    tuning = {each.case_id for each in open_benchmark(built.path).references(split="tune")}
    assert kept and {case for case in tuning if case in str(kept)}
    code, _out, err = ablate(*line, "--split", "tunes")
    assert code == 2 and "tune" in err


def test_an_lvlm_or_a_mode_that_is_named_twice_is_run_once(ablate, built, spot, tmp_path):
    line = ["--benchmark", built.path, "--limit", 1, "--localizer", "mean_box", "--what", "concepts"]
    once, twice = ["--lvlm", "rule_lvlm", "--mode", "direct"], ["--lvlm", "rule_lvlm", "--mode", "direct"] * 2
    for name, tracks in (("once", once), ("twice", twice)):
        code, _out, err = ablate(*line, *tracks, "--out", tmp_path / name)
        assert code == 0, err
    tables = [(tmp_path / name / "table8.csv").read_bytes() for name in ("once", "twice")]
    assert tables[0] == tables[1]


def test_a_benchmark_without_answers_says_why_two_groups_are_missing(ablate, built, spot, tmp_path):
    published = tmp_path / "medground-bench"
    shutil.copytree(built.path, published, ignore=shutil.ignore_patterns("answers"))
    line = ["--benchmark", published, "--limit", 1, "--mode", "direct", "--localizer", "mean_box"]
    code, out, _err = ablate(*line, "--what", "concepts", "--out", tmp_path / "out")
    missing = {
        row["group"]: row["not_run"] for row in rows(tmp_path / "out" / "figure6.csv") if row["not_run"]
    }
    assert code == 0 and set(missing) == {"incorrect", "ungrounded"}
    assert all("does not hold the answers" in why for why in missing.values()) and "not run: " in out


def test_a_group_without_a_question_stands_in_figure_6_with_the_reason(ablate, built, spot, tmp_path):
    copy = tmp_path / "medground-bench"
    shutil.copytree(built.path, copy)
    for file in copy.glob("verdicts/test-*.parquet"):
        verdicts = pq.read_table(file)
        pq.write_table(verdicts.filter(pc.not_equal(verdicts["group"], "incorrect")), file)
    line = ["--benchmark", copy, "--limit", 1, "--mode", "direct", "--localizer", "mean_box"]
    code, out, err = ablate(*line, "--what", "concepts", "--out", tmp_path / "out")
    assert code == 0, err
    missing = {
        row["group"]: row["not_run"] for row in rows(tmp_path / "out" / "figure6.csv") if row["not_run"]
    }
    assert missing == {"incorrect": "no question of what was asked for is in this group"}
    assert "not run: incorrect" in out


def test_the_embedded_lvlm_on_its_own_benchmark(ablate, tmp_path):
    from medground_bench.lvlms import open_lvlm

    lvlm = open_lvlm("phantom_gemma3", device="cpu")
    folder = build(tmp_path / "medground-bench", lvlm=lvlm, limit=1, modes=(Mode.DIRECT,))
    line = ["--benchmark", folder.path, "--lvlm", "phantom_gemma3", "--what", "interventions", "--limit", 2]
    code, _out, err = ablate(*line, "--localizer", "oracle", "--out", tmp_path / "out")
    assert code == 0, err
    ran = [
        row for row in rows(tmp_path / "out" / "table2-interventions.csv") if row["lvlm"] == "phantom_gemma3"
    ]
    assert len({row["label"] for row in ran if row["source"] == "all"}) == 6
    assert {row["region_iou"] for row in ran} == {"1.0"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ("--benchmark {built} --localizer uott --out x", 2, "Did you mean uot"),
        ("--benchmark {built} --what everything --out x", 2, "'localizers'"),
        ("--benchmark {built} --lvlm rule_lvm --out x", 2, "rule_lvlm"),
        ("--benchmark {built} --vocabulary lung_zone --out x", 2, "lung_zones"),
        ("--benchmark {built} --limit 0 --out x", 2, "--limit"),
        ("--benchmark missing --out x", 1, "missing: there is no such folder"),
        ("--benchmark {built}", 2, "--out"),
    ],
)
def test_input_at_fault_gets_one_clear_paragraph(ablate, built, arguments, code, words):
    left, out, err = ablate(*arguments.format(built=built.path).split())
    assert (left, out) == (code, "")
    assert words in " ".join(err.split()) and "Traceback" not in err


def test_an_lvlm_that_gives_no_log_probabilities_is_refused(ablate, built, tmp_path, monkeypatch):
    from tests.kit.fakes import RuleLvlm

    monkeypatch.setattr("medground_bench.ablation.ablate.open_lvlm", lambda location, **_choices: RuleLvlm())
    code, _out, err = ablate("--benchmark", built.path, "--out", tmp_path)
    assert code == 1 and "needs log_probs" in err


def test_a_localizer_whose_weights_are_absent_cannot_be_what_all_is_compared_with(
    ablate, built, spot, tmp_path
):
    line = ["--benchmark", built.path, "--limit", 1, "--what", "interventions", "--localizer", "uot_medsam"]
    code, _out, err = ablate(*line, "--out", tmp_path)
    assert code == 1 and "MedSAM's weights are not at hand" in err
