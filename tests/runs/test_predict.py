from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch

from medground_bench.anatomy.atlas import pool_digest
from medground_bench.commands.console import progress
from medground_bench.core.errors import (
    BadAtlas,
    BadPicture,
    BadVocabulary,
    CaseFailed,
    FrameMismatch,
    MedgroundError,
    MethodFailed,
    SourceMissing,
    UnknownName,
    Unsupported,
)
from medground_bench.core.randomness import case_rng
from medground_bench.core.types import Mode
from medground_bench.localizers import localizer_record
from medground_bench.methods import open_method
from medground_bench.methods.medfocus import MedFocus
from medground_bench.runs import predict as predict_module
from medground_bench.runs.predict import Run, predict, run_key
from medground_bench.runs.run_file import run_file
from medground_bench.submission.read import Submission, read_submission
from tests.kit.checkpoints import as_in_a_new_process, exchange_weights
from tests.kit.fakes import RuleLvlm
from tests.kit.fragile_method import RANDOM, Fragile
from tests.kit.spot_lvlm import SpotLvlm
from tests.kit.tiny_localizers import save_sam

ROOT = Path(__file__).parents[2]


@pytest.fixture
def fragile(monkeypatch):
    def use(broken: str = "", **settings) -> Fragile:
        method = Fragile(broken, **settings)
        monkeypatch.setattr(predict_module, "open_method", lambda name, lvlm: method)
        return method

    return use


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def untimed(file):
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines(file)]


def test_a_prediction_file_covers_the_track_and_passes_the_checker(benchmark, tmp_path, capsys):
    file = tmp_path / "random.jsonl"
    outcome = predict(benchmark, RuleLvlm(), RANDOM, file, progress=progress)
    references = benchmark.references(lvlm="rule_lvlm", mode=Mode.DIRECT)
    assert [line["case_id"] for line in lines(file)] == [reference.case_id for reference in references]
    assert isinstance(read_submission(file.read_bytes(), references), Submission)
    assert all(line["seconds"] >= 0 for line in lines(file))
    assert (outcome.cases, outcome.failures) == (len(references), ())
    assert "cases/s" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["random.jsonl", "random.jsonl.run.json"]


def test_concept_and_token_drops_are_written(benchmark, tmp_path, fragile):
    fragile()
    predict(benchmark, RuleLvlm(), RANDOM, tmp_path / "p.jsonl")
    for line in lines(tmp_path / "p.jsonl"):
        assert (line["concept"], line["tokens"]) == ("left lung", [0.5])


def test_a_case_on_which_the_method_fails_has_no_boxes_and_is_named_beside_the_file(
    benchmark, tmp_path, fragile
):
    broken = benchmark.references(lvlm="rule_lvlm", mode=Mode.DIRECT)[1].case_id
    fragile(broken)
    outcome = predict(benchmark, RuleLvlm(), RANDOM, tmp_path / "p.jsonl")
    assert [line["case_id"] for line in lines(tmp_path / "p.jsonl") if not line["boxes"]] == [broken]
    assert [(each.case_id, each.error) for each in outcome.failures] == [
        (broken, "MethodFailed: out of luck")
    ]
    side = json.loads((tmp_path / "p.jsonl.run.json").read_text())
    assert side["failures"] == [{"case_id": broken, "error": "MethodFailed: out of luck"}]
    assert not outcome.all_failed
    assert (side["method"], side["mode"], side["lvlm_revision"], side["seed"]) == (
        "random_box",
        "direct",
        "r1",
        3,
    )


@pytest.mark.parametrize("error", [FrameMismatch("two frames"), BadPicture("blank"), MethodFailed("NaN")])
def test_what_a_case_does_to_a_method_is_a_failure_of_that_case(benchmark, tmp_path, fragile, error):
    fragile("all", error=error)
    outcome = predict(benchmark, RuleLvlm(), RANDOM, tmp_path / "p.jsonl")
    assert {failure.error for failure in outcome.failures} == {f"{type(error).__name__}: {error}"}
    assert outcome.all_failed
    assert predict(benchmark, RuleLvlm(), RANDOM, tmp_path / "p.jsonl").all_failed, "also when it is kept"


@pytest.mark.parametrize("error", [CaseFailed("x"), MethodFailed("x"), BadPicture("x"), FrameMismatch("x")])
def test_what_a_case_may_suffer_is_counted_on_that_case_alone(benchmark, tmp_path, fragile, error):
    broken = benchmark.references(lvlm="rule_lvlm", mode=Mode.DIRECT)[2].case_id
    fragile(broken, error=error)
    outcome = predict(benchmark, RuleLvlm(), RANDOM, tmp_path / "p.jsonl")
    assert [failure.case_id for failure in outcome.failures] == [broken]


@pytest.mark.parametrize(
    "error",
    [
        *(torch.OutOfMemoryError("CUDA"), MemoryError(), ModuleNotFoundError("x"), RuntimeError("x")),
        *(ValueError("x"), KeyError("x"), AssertionError()),
        *(SourceMissing("x"), Unsupported("x"), BadAtlas("x"), UnknownName("localizer", "x", ["uot"])),
        *(MedgroundError("there is no layer 99"), BadVocabulary("x")),
    ],
    ids=lambda error: type(error).__name__,
)
def test_anything_else_ends_the_run_is_blamed_on_no_case_and_keeps_what_is_done(
    benchmark, tmp_path, fragile, error
):
    file, whole = tmp_path / "p.jsonl", tmp_path / "whole.jsonl"
    broken = benchmark.references(lvlm="rule_lvlm", mode=Mode.DIRECT)[2].case_id
    fragile(broken, error=error)
    with pytest.raises(type(error)):
        predict(benchmark, RuleLvlm(), RANDOM, file)
    assert not file.exists()
    mended = fragile()
    outcome = predict(benchmark, RuleLvlm(), RANDOM, file)
    assert (outcome.failures, mended.seen[0], len(mended.seen)) == ((), broken, outcome.cases - 2)
    predict(benchmark, RuleLvlm(), RANDOM, whole)
    assert untimed(file) == untimed(whole)


def test_concepts_that_were_not_found_are_counted_beside_the_file_also_over_a_stop(
    benchmark, tmp_path, fragile
):
    file = tmp_path / "p.jsonl"
    ids = [each.case_id for each in benchmark.references(lvlm="rule_lvlm", mode=Mode.DIRECT)]
    fragile(ids[2], error=MemoryError(), missing=("trachea", "aorta"))
    with pytest.raises(MemoryError):
        predict(benchmark, RuleLvlm(), RANDOM, file)
    fragile()
    predict(benchmark, RuleLvlm(), RANDOM, file)
    assert json.loads(run_file(file).read_text())["missing_concepts"] == {"aorta": 1, "trachea": 2}


def test_text_that_was_not_read_as_a_box_stands_beside_the_file_under_its_case(benchmark, tmp_path, fragile):
    file = tmp_path / "p.jsonl"
    first = benchmark.references(lvlm="rule_lvlm", mode=Mode.DIRECT)[0].case_id
    fragile(refused=("[9, 9, 1, 1]", "[1%, 2, 3, 4]"))
    outcome = predict(benchmark, RuleLvlm(), RANDOM, file)
    assert json.loads(run_file(file).read_text())["refused"] == {first: ["[9, 9, 1, 1]", "[1%, 2, 3, 4]"]}
    assert "1 with text that looks like a box and is not read as one" in outcome.as_text()
    assert predict(benchmark, RuleLvlm(), RANDOM, file) == outcome


def test_self_checks_are_summed_up_beside_the_file_also_over_a_stop(benchmark, tmp_path, fragile):
    file = tmp_path / "p.jsonl"
    ids = [each.case_id for each in benchmark.references(lvlm="rule_lvlm", mode=Mode.DIRECT)]
    gaps = np.linspace(0.5, 0.1, len(ids)).tolist()
    fragile(ids[2], error=MemoryError(), checks={"completeness_gap": gaps})
    with pytest.raises(MemoryError):
        predict(benchmark, RuleLvlm(), RANDOM, file)
    fragile(ids[3], checks={"completeness_gap": gaps[2:]})
    predict(benchmark, RuleLvlm(), RANDOM, file)
    of_cases = gaps[:3] + gaps[4:]  # the fourth failed
    assert json.loads(run_file(file).read_text())["self_checks"] == {
        "completeness_gap": {
            "least": min(of_cases),
            "low": pytest.approx(np.quantile(of_cases, 0.05)),
            "median": pytest.approx(np.median(of_cases)),
            "high": pytest.approx(np.quantile(of_cases, 0.95)),
            "most": max(of_cases),
            "cases": len(of_cases),
        }
    }


def test_the_run_file_names_the_libraries(benchmark, tmp_path):
    predict(benchmark, RuleLvlm(), RANDOM, tmp_path / "p.jsonl")
    libraries = json.loads(run_file(tmp_path / "p.jsonl").read_text())["libraries"]
    assert libraries["numpy"] == np.__version__ and {"torch", "transformers"} <= set(libraries)


def test_a_finished_file_of_the_same_run_is_kept_and_any_other_run_starts_anew(benchmark, tmp_path, fragile):
    file = tmp_path / "p.jsonl"
    method = fragile()
    first = predict(benchmark, RuleLvlm(), RANDOM, file)
    content = file.read_bytes()
    count = len(method.seen)
    assert predict(benchmark, RuleLvlm(), RANDOM, file) == first
    assert (len(method.seen), file.read_bytes()) == (count, content)
    predict(benchmark, RuleLvlm(revision="r2"), RANDOM, file)
    assert len(method.seen) == 2 * count
    file.write_bytes(content[:-10])
    predict(benchmark, RuleLvlm(revision="r2"), RANDOM, file)
    assert len(method.seen) == 3 * count


def test_a_stopped_run_goes_on_after_its_last_whole_line(benchmark, tmp_path, fragile):
    whole, file = tmp_path / "whole.jsonl", tmp_path / "p.jsonl"
    fragile()
    predict(benchmark, RuleLvlm(), RANDOM, whole)
    ids = [line["case_id"] for line in lines(whole)]
    assert len(ids) >= 3

    class Stopping(Fragile):
        def attribute(self, lvlm, case, rng):
            if case.case_id == ids[2]:
                raise KeyboardInterrupt
            return super().attribute(lvlm, case, rng)

    predict_module.open_method = lambda name, lvlm: Stopping()  # restored by the fixture
    with pytest.raises(KeyboardInterrupt):
        predict(benchmark, RuleLvlm(), RANDOM, file)
    partial = tmp_path / "p.jsonl.partial"
    with partial.open("ab") as torn:
        torn.write(b'{"key": "')
    method = fragile()
    predict(benchmark, RuleLvlm(), RANDOM, file)
    assert method.seen == ids[2:]
    assert untimed(file) == untimed(whole)
    assert not partial.exists()


def test_a_partial_file_of_another_run_is_not_mixed_in(benchmark, tmp_path, fragile):
    file, partial = tmp_path / "p.jsonl", tmp_path / "p.jsonl.partial"
    method = fragile()
    for rubbish in (b"", b"\x00\xff", b'{"run": "other"}\n{"prediction": {}, "error": null}\n'):
        partial.write_bytes(rubbish)
        method.seen.clear()
        predict(benchmark, RuleLvlm(), RANDOM, file)
        assert len(method.seen) == len(lines(file)) and not partial.exists()
        file.unlink()
    ids = [each.case_id for each in benchmark.references(lvlm="rule_lvlm", mode=Mode.DIRECT)]
    fragile(ids[-1], error=MemoryError())
    with pytest.raises(MemoryError):
        predict(benchmark, RuleLvlm(revision="other"), RANDOM, file)
    assert partial.exists()
    method = fragile()
    predict(benchmark, RuleLvlm(), RANDOM, file)
    assert method.seen == ids and not partial.exists()


def test_the_progress_counts_cases_that_were_done_before_a_stop_too(benchmark, tmp_path, fragile):
    ids = [each.case_id for each in benchmark.references(lvlm="rule_lvlm", mode=Mode.DIRECT)]
    counted: list[int] = []

    def counting(*_words):
        return nullcontext(counted.append)

    fragile(ids[2], error=MemoryError())
    with pytest.raises(MemoryError):
        predict(benchmark, RuleLvlm(), RANDOM, tmp_path / "p.jsonl", progress=counting)
    assert sum(counted) == 2
    counted.clear()
    fragile()
    predict(benchmark, RuleLvlm(), RANDOM, tmp_path / "p.jsonl", progress=counting)
    assert sum(counted) == len(ids)


def test_two_runs_into_one_file_are_refused(benchmark, tmp_path, fragile):
    from medground_bench.storage.whole_files import hold

    fragile()
    with (tmp_path / "p.jsonl.partial").open("a") as other:
        hold(other, tmp_path / "p.jsonl.partial")
        with pytest.raises(MedgroundError, match="in use"):
            predict(benchmark, RuleLvlm(), RANDOM, tmp_path / "p.jsonl")


def test_a_gzip_file_holds_the_same_lines(benchmark, tmp_path):
    predict(benchmark, RuleLvlm(), RANDOM, tmp_path / "p.jsonl.gz")
    predict(benchmark, RuleLvlm(), RANDOM, tmp_path / "p.jsonl")
    unpacked = gzip.decompress((tmp_path / "p.jsonl.gz").read_bytes())
    (tmp_path / "unpacked.jsonl").write_bytes(unpacked)
    assert untimed(tmp_path / "unpacked.jsonl") == untimed(tmp_path / "p.jsonl")


def test_randomness_belongs_to_the_case_and_the_seed(benchmark, tmp_path):
    assert case_rng(0, "a").random() == case_rng(0, "a").random()
    assert len({case_rng(seed, case).random() for seed in (0, 1) for case in ("a", "b")}) == 4
    predict(benchmark, RuleLvlm(), RANDOM, tmp_path / "a.jsonl")
    predict(benchmark, RuleLvlm(), Run("random_box", Mode.DIRECT, seed=4), tmp_path / "b.jsonl")
    assert untimed(tmp_path / "a.jsonl") != untimed(tmp_path / "b.jsonl")


def test_the_key_of_a_run_changes_with_every_input(benchmark, monkeypatch):
    lvlm = RuleLvlm()
    random_box, whole_image = (open_method(name, lvlm) for name in ("random_box", "whole_image"))
    keys = {
        run_key(benchmark, lvlm, RANDOM, random_box),
        run_key(benchmark, RuleLvlm(revision="r2"), RANDOM, random_box),
        run_key(benchmark, RuleLvlm(precision="bfloat16"), RANDOM, random_box),
        run_key(benchmark, lvlm, Run("random_box", Mode.REASON, seed=3), random_box),
        run_key(benchmark, lvlm, Run("random_box", Mode.DIRECT, seed=4), random_box),
        run_key(benchmark, lvlm, Run("whole_image", Mode.DIRECT, seed=3), random_box),
        run_key(benchmark, lvlm, RANDOM, whole_image),
    }
    monkeypatch.setattr(predict_module, "method_code", lambda: "of tomorrow")
    keys.add(run_key(benchmark, lvlm, RANDOM, random_box))
    assert len(keys) == 8


def test_a_run_says_with_which_localizer_reference_pool_and_weights_it_was_made(
    benchmark, tmp_path, monkeypatch
):
    folder = save_sam(tmp_path / "sam")
    monkeypatch.setenv("MEDGROUND_MEDSAM", str(folder))
    as_in_a_new_process()
    method = MedFocus(localizer="uot_medsam")
    monkeypatch.setattr(predict_module, "open_method", lambda name, lvlm: method)
    predict(benchmark, SpotLvlm(), Run("medfocus", Mode.DIRECT), tmp_path / "p.jsonl")
    said = json.loads(run_file(tmp_path / "p.jsonl").read_text())["localizer"]
    assert said == localizer_record("uot_medsam")
    assert said["pool"] == pool_digest() and set(said["weights"]) == {str(folder)}
    as_in_a_new_process()


def test_other_bytes_in_the_same_checkpoint_folder_are_another_run(benchmark, tmp_path, monkeypatch):
    folder = save_sam(tmp_path / "sam")
    monkeypatch.setenv("MEDGROUND_MEDSAM", str(folder))

    def key() -> str:
        as_in_a_new_process()
        return run_key(benchmark, RuleLvlm(), RANDOM, MedFocus(localizer="uot_medsam"))

    before = key()
    assert key() == before
    exchange_weights(folder)
    assert key() != before
    as_in_a_new_process()


CHILD = """
import sys, time
from pathlib import Path
import medground_bench.runs.predict as module
from medground_bench.benchmark.opening import open_benchmark
from medground_bench.core.types import Mode
from tests.kit.checkpoints import as_in_a_new_process, exchange_weights
from tests.kit.fakes import RuleLvlm
from tests.kit.fragile_method import RANDOM, Fragile
class Slow(Fragile):
    def attribute(self, lvlm, case, rng):
        time.sleep(0.2)
        return super().attribute(lvlm, case, rng)
module.open_method = lambda name, lvlm: Slow()
module.method_code = lambda: sys.argv[3]
module.predict(open_benchmark(sys.argv[1]), RuleLvlm(), RANDOM, Path(sys.argv[2]))
"""


def test_a_run_killed_while_writing_ends_in_the_same_predictions(benchmark, tmp_path, fragile):
    file, partial = tmp_path / "p.jsonl", tmp_path / "p.jsonl.partial"
    code = predict_module.method_code()
    command = [sys.executable, "-c", CHILD, str(benchmark.folder), str(file), code]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as child:
        while not (partial.exists() and partial.read_bytes().count(b"\n") > 1):
            assert child.poll() is None
            time.sleep(0.01)
        os.kill(child.pid, signal.SIGKILL)
    done = partial.read_bytes().count(b"\n")
    method = fragile()
    predict(benchmark, RuleLvlm(), RANDOM, file)
    total = len(benchmark.references(lvlm="rule_lvlm", mode=Mode.DIRECT))
    assert len(method.seen) == total - done < total
    predict(benchmark, RuleLvlm(), RANDOM, tmp_path / "whole.jsonl")
    assert untimed(file) == untimed(tmp_path / "whole.jsonl")
