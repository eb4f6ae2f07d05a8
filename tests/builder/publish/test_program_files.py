"""The folder of a program as it is pushed: complete, pinned to the lock, and nothing that lies beside it."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from builder.publish import program_files
from builder.publish.program_files import metric_files, space_files
from medground_bench.core.errors import MedgroundError, SourceMissing
from medground_bench.core.types import Mode
from medground_bench.leaderboard.board import Board, build_board
from medground_bench.runs.sweep import Candidate, Sweep
from tests.kit.board_runs import FACTS, LEFT_HALF, reference, run
from tests.kit.case_books import book_of, with_harm

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LARGEST_WITHOUT_LFS = 10 * 2**20
A_SPACE = {
    "python_version": "3.12", "python_full_version": "3.12.12", "sys_platform": "linux", "os_name": "posix",
    "platform_machine": "x86_64", "platform_system": "Linux", "implementation_name": "cpython",
}  # fmt: skip


@pytest.fixture(scope="module")
def metric():
    return metric_files("org/attribution_overlap")


@pytest.fixture(scope="module")
def space():
    return space_files("org/medground-bench")


@pytest.fixture
def results(tmp_path, built):
    """What `medground demo` leaves: a board, cases, here also of a credentialed source, settings, and much else."""
    folder = tmp_path / "demo"
    truth = [reference(number) for number in range(3)]
    build_board(truth, [run("medfocus", truth, LEFT_HALF)], [FACTS]).save(folder)
    with_harm(book_of(built)).save(folder)
    candidate = Candidate({"layer": 1}, 0.5, 0)
    Sweep(
        method="lrp", lvlm="phantom_gemma3", lvlm_revision="1", mode=Mode.DIRECT, benchmark="", code="", cases=3,
        pictures=1, as_good=1, candidates=(candidate,),
    ).save(folder / "tuned")  # fmt: skip
    for stray in ("predictions/medfocus.jsonl", "tuned/README.md", "notes.txt", "tuned/lrp.png"):
        (folder / stray).parent.mkdir(exist_ok=True)
        (folder / stray).write_text("{}")
    return folder


def front_matter(files):
    return yaml.safe_load(files["README.md"].decode().split("---\n")[1])


def locked() -> dict[str, str]:
    """Package -> the version that the lock has for a Space."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {
        each.name: str(each.specifier)
        for each in wanted
        if each.marker is None or each.marker.evaluate(A_SPACE)
    }


def pins(files) -> dict[str, str]:
    wanted = map(Requirement, files["requirements.txt"].decode().splitlines())
    return {each.name: str(each.specifier) for each in wanted}


def names_of(*extras: str) -> set[str]:
    wanted = [
        *PROJECT["dependencies"],
        *(each for name in extras for each in PROJECT["optional-dependencies"][name]),
    ]
    return {Requirement(each).name for each in wanted}


def test_the_card_says_how_the_hub_starts_it_with_the_gradio_of_the_lock(metric, space):
    for files in (metric, space):
        card = front_matter(files)
        assert (card["sdk"], f"=={card['sdk_version']}") == ("gradio", locked()["gradio"])
        assert (card["python_version"], card["app_file"]) == ("3.12", "app.py") and "app.py" in files
        assert card["license"] == "apache-2.0" and b"Apache License" in files["LICENSE"]
    assert front_matter(space)["datasets"] == ["org/medground-bench"]
    assert front_matter(metric)["tags"] == ["evaluate", "metric"]
    assert len(front_matter(space)["short_description"]) <= 60


def test_what_is_installed_is_what_the_library_names_in_the_versions_of_the_lock(metric, space):
    """Gradio comes with the sdk; what it alone leans on is left to it: the hub installs it with extras of its own."""
    assert set(pins(space)) == names_of("lvlm", "dicom")
    assert set(pins(metric)) == {"evaluate", "datasets", "numpy"}
    for name, pin in {**pins(space), **pins(metric)}.items():
        assert pin == locked()[name], name


def test_nothing_of_ours_is_installed_it_lies_there(metric, space):
    assert {"attribution_overlap.py", "app.py", "tests.py", "unions.py"} < set(metric)
    assert metric["unions.py"] == (ROOT / "medground_bench/core/unions.py").read_bytes()
    library = {
        path.relative_to(ROOT).as_posix(): path
        for path in (ROOT / "medground_bench").rglob("*")
        if path.is_file()
    }
    wanted = {name for name in library if "__pycache__" not in name and "/programs/" not in name}
    assert {name for name in space if "/" in name and not name.startswith(("front/", "examples/"))} == wanted
    assert all(space[name] == library[name].read_bytes() for name in wanted)
    assert b"medground-bench" not in space["requirements.txt"] + metric["requirements.txt"]
    assert max(map(len, space.values())) < LARGEST_WITHOUT_LFS


def test_the_metric_names_itself_where_it_is_loaded_from(metric):
    for file in ("README.md", "attribution_overlap.py"):
        assert b'evaluate.load("org/attribution_overlap")' in metric[file]
    assert not any(b"metrics/attribution_overlap" in content for content in metric.values())
    assert not any(b"from medground_bench" in content for content in metric.values())


def test_of_the_results_the_board_the_cases_and_the_settings_go_along_and_nothing_else(space, results):
    files = space_files("org/medground-bench", results)
    [tuned] = {name for name in set(files) - set(space) if name.startswith("results/tuned/")}
    shown = {
        "results/board.json",
        "results/board_cases.parquet",
        "results/case_scores.parquet",
        "results/cases.json",
    }
    assert set(files) - set(space) == {*shown, tuned} and tuned.endswith("-lrp.json")
    assert json.loads(files["results/board.json"]) == json.loads((results / "board.json").read_text("utf-8"))


def test_of_the_cases_those_of_phantoms_go_along_and_of_a_credentialed_source_how_many_there_are(
    results, built
):
    kept = json.loads((results / "cases.json").read_text("utf-8"))
    sent = json.loads(space_files("org/medground-bench", results)["results/cases.json"])
    assert "vindr_cxr" in json.dumps([kept["cases"], kept["runs"]]) and kept["hidden"] == {}
    assert (sent.pop("hidden"), sent.pop("withheld")) == ({"vindr_cxr": 1}, {"padchest_gr": 3})
    assert "vindr_cxr" not in json.dumps(sent) and "padchest_gr" not in json.dumps(sent)
    assert len(sent["cases"]) == len(book_of(built).cases)


def test_results_of_a_version_without_cases_are_published_without(results):
    (results / "cases.json").unlink()
    assert "results/cases.json" not in space_files("org/medground-bench", results)


def test_what_else_stands_in_a_board_is_left_behind(results):
    before = space_files("org/medground-bench", results)
    board = json.loads((results / "board.json").read_text("utf-8"))
    (results / "board.json").write_text(json.dumps(board | {"note": "written by hand"}))
    assert space_files("org/medground-bench", results) == before
    assert Board.read(results).rows


def test_the_same_checkout_gives_the_same_bytes(space, results):
    assert space_files("org/medground-bench") == space and list(space) == sorted(space)
    assert space_files("org/medground-bench", results) == space_files("org/medground-bench", results)


def test_results_that_are_none_and_names_that_are_none_are_told(tmp_path):
    with pytest.raises(SourceMissing, match=r"holds no results: it has no board\.json"):
        space_files("org/medground-bench", tmp_path)
    for name in ("medground-bench", "org/", "org/a/b", "-org/name", "org/na me"):
        with pytest.raises(MedgroundError, match="is no name of a repository"):
            space_files(name)
    with pytest.raises(MedgroundError, match="a module of the repository's own name"):
        metric_files("org/overlap")


def test_programs_are_published_from_a_checkout(tmp_path, monkeypatch):
    for folder in ("builder", "space_app"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "diffusion")
        )
    monkeypatch.setattr(program_files, "programs_folder", lambda: tmp_path)
    for make in (metric_files, space_files):
        with pytest.raises(SourceMissing, match="is no checkout of the repository"):
            make("org/attribution_overlap")
