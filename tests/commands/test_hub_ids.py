"""Benchmarks of the hub by their ids, and published ones joined with one's own copies, in the commands."""

from __future__ import annotations

import json
import shutil

import pytest

from builder.publish.columns import CREDENTIALED
from builder.publish.levels import Level
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import DIRECT
from medground_bench.core.case_ids import case_parts
from medground_bench.storage.hub import Repository, newest
from tests.hub.clients import api_of, said_by, surroundings
from tests.kit.fakes import RuleLvlm
from tests.kit.foreign_package import install_quarter
from tests.kit.source_builds import released_folder


@pytest.fixture
def put(hub, org):
    """Puts a folder on the hub, as the hub's own client does it; gives its id."""

    def put(folder) -> str:
        name, api = f"{org}/medground-bench", api_of(hub, f"hf_{org}-writer")
        api.create_repo(name, repo_type="dataset")
        api.upload_folder(repo_id=name, repo_type="dataset", folder_path=folder)
        return name

    return put


@pytest.fixture
def copy_roots(source_copies) -> list[object]:
    folders = [*source_copies.imagenome, source_copies.vindr_cxr, source_copies.padchest_gr]
    return [word for folder in folders for word in ("--root", folder)]


@pytest.fixture
def rule_lvlm(monkeypatch):
    """Whatever LVLM is named is the rule LVLM of that key."""
    monkeypatch.setattr("medground_bench.lvlms.open_lvlm", lambda key, **_choices: RuleLvlm(key))


def line(benchmark, lvlm, *more):
    return ["--benchmark", benchmark, "--lvlm", lvlm, *more]


@pytest.mark.usefixtures("rule_lvlm")
def test_a_file_scores_by_the_hub_what_it_scores_by_the_folder_to_the_last_bit(
    medground, built, put, tmp_path
):
    bench, file = put(built.path), tmp_path / "p.jsonl"
    tuned = ["--method", "centre_box", "--mode", "direct", "--out"]
    assert medground("predict", *line(built.path, "rule_lvlm"), *tuned, file)[0] == 0
    local = medground("score", file, "--benchmark", built.path, "--json")
    assert local[0] == 0 and json.loads(local[1])["tracks"][0]["iou"] > 0
    for revision in ("", f"@{newest(Repository(bench, kind='dataset')).commit}"):
        assert medground("score", file, "--benchmark", bench + revision, "--json")[:2] == local[:2]
        checked = [
            medground("check", file, "--benchmark", place)[:2] for place in (bench + revision, built.path)
        ]
        assert checked[0] == checked[1] and checked[0][0] == 0


@pytest.mark.usefixtures("rule_lvlm")
def test_predict_and_tune_take_hub_ids_and_give_the_same_files(medground, built, put, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(install_quarter(tmp_path / "site")))
    folder = shutil.copytree(built.path, tmp_path / "bench")
    test = folder / "direct" / "test-rule_lvlm.parquet"
    shutil.copy(test, test.with_name("tune-rule_lvlm.parquet"))
    bench, made = put(folder), {}
    for name, place in (("hub", bench), ("local", folder)):
        out = tmp_path / name
        asked = line(place, "rule_lvlm", "--method", "quarter", "--mode", "direct")
        code, _out, err = medground("tune", *asked, "--out", out / "tuned")
        assert code == 0, err
        code, _out, err = medground("predict", *asked, "--tuned", out / "tuned", "--out", out / "p.jsonl")
        assert code == 0, err
        lines = map(json.loads, (out / "p.jsonl").read_text().splitlines())
        made[name] = [each | {"seconds": 0} for each in lines]
        run = json.loads((out / "p.jsonl.run.json").read_text())
        assert (run["benchmark_revision"] is None) == (name == "local")
    assert made["hub"] == made["local"] != []


@pytest.mark.usefixtures("rule_lvlm")
def test_a_published_benchmark_is_joined_with_ones_own_copies_and_case_ids_stay_opaque(
    medground, sources_built, published, put, tmp_path, copy_roots
):
    bench, scores = put(published), {}
    method = ["--method", "centre_box", "--mode", "direct", "--out"]
    for name, place in (("whole", sources_built.path), ("published", bench)):
        file = tmp_path / f"{name}.jsonl"
        code, _out, err = medground("predict", *line(place, "one"), *copy_roots, *method, file)
        assert code == 0, err
        assert medground("check", file, "--benchmark", place, *copy_roots)[0] == 0
        code, out, err = medground("score", file, "--benchmark", place, *copy_roots, "--json")
        assert code == 0, err
        [scores[name]] = json.loads(out)["tracks"]
        ids = [case_parts(json.loads(each)["case_id"]).image_id for each in file.read_text().splitlines()]
        assert ids and all(each.startswith("pic-") == (name == "published") for each in ids)
    for number in ("iou", "precision", "recall", "f1"):
        assert scores["published"][number] == pytest.approx(scores["whole"][number], rel=1e-12)
    assert scores["published"]["cases"] == scores["whole"]["cases"] > 0


@pytest.mark.parametrize("command", ["score", "check", "predict", "tune", "ablate"])
def test_without_ones_copies_each_command_says_what_is_missing_and_how_to_join_it(
    medground, published, tmp_path, command
):
    folder, file = shutil.copytree(published, tmp_path / "bench"), tmp_path / "p.jsonl"
    shutil.copy(folder / "direct" / "test-one.parquet", folder / "direct" / "tune-one.parquet")
    file.write_text("")
    words = {
        "predict": line(folder, "one", "--method", "centre_box", "--mode", "direct", "--out", file),
        "tune": line(folder, "one", "--method", "attention_head", "--out", tmp_path / "tuned"),
        "ablate": ["--benchmark", folder, "--out", tmp_path / "ablation"],
    }
    code, _out, err = medground(command, *words.get(command, [file, "--benchmark", folder]))
    assert code == 1 and err.count("error: ") == 1
    assert "comes without the expert boxes of" in err and "--root FOLDER" in err


def test_a_root_that_is_of_no_source_or_that_lacks_something_is_one_sentence(
    medground, published, tmp_path, source_copies
):
    file = tmp_path / "p.jsonl"
    file.write_text("")
    asked = ["score", file, "--benchmark", published]
    code, _out, err = medground(*asked, "--root", tmp_path)
    assert code == 1 and "holds nothing of any source. Expected in a folder: imagenome: " in err
    code, _out, err = medground(*asked, "--root", tmp_path / "none")
    assert code == 1 and "none is no folder. Check the path." in err
    code, _out, err = medground(*asked, "--root", source_copies.imagenome[1])
    assert code == 1 and "lacks Chest ImaGenome: gold_dataset/" in err
    code, _out, err = medground(*asked, "--root", source_copies.vindr_cxr)
    assert code == 1 and "rows cannot be joined with your copies" in err
    assert "padchest_gr  no copy of this source was given" in err and "vindr_cxr    joined" in err


STREAMS = """
import json, sys
from datasets import load_dataset
from medground_bench import join

stream = load_dataset(sys.argv[1], "direct", split="test", streaming=True)
joined = join(stream, json.loads(sys.argv[2]))
sizes = [(row["image"].size, len(row["boxes"])) for row in joined.dataset]
print(json.dumps([len(sizes), joined.report.failed]))
"""


def test_a_dataset_behind_a_gate_is_streamed_and_joined_by_whoever_was_let_in(
    hub, org, published, put, tmp_path, source_copies
):
    bench, token = put(published), hub.state.person(f"{org}-ann")
    gated = hub.state.repositories["dataset", bench]
    gated.gated = "manual"
    gated.ask(f"{org}-ann")
    gated.decide("accepted", person=f"{org}-ann")
    roots = {source: list(map(str, source_copies.roots(source))) for source in CREDENTIALED}
    rows, failed = said_by(STREAMS, surroundings(hub.address, tmp_path, token), bench, json.dumps(roots))
    assert (rows, failed) == (len(DatasetFolder(published).read(DIRECT, "test")), 0)
    assert rows > 0


@pytest.mark.usefixtures("rule_lvlm")
def test_a_benchmark_at_the_level_of_boxes_scores_without_any_copy(
    medground, sources_built, tmp_path, copy_roots
):
    boxes = released_folder(sources_built, Level.BOXES, tmp_path / "boxes").path
    file = tmp_path / "p.jsonl"
    asked = [*line(boxes, "one"), "--method", "centre_box", "--mode", "direct", "--out", file]
    code, _out, err = medground("predict", *asked)
    assert code == 1 and "the pictures of" in err and "--root FOLDER" in err
    assert medground("predict", *asked, *copy_roots)[0] == 0
    code, out, _err = medground("score", file, "--benchmark", boxes, "--json")
    assert code == 0 and json.loads(out)["tracks"][0]["iou"] > 0
