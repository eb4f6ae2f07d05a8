"""Choosing settings on the split `tune`, and their way into a prediction file."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from medground_bench.benchmark.opening import open_benchmark
from medground_bench.commands.console import progress
from medground_bench.core.errors import MedgroundError, MethodFailed, SourceMissing, Unsupported
from medground_bench.core.geometry import Letterbox
from medground_bench.core.scoring import overlap
from medground_bench.core.types import Box, Mode
from medground_bench.methods import open_method
from medground_bench.methods.rise import Masks, Rise
from medground_bench.runs import tune as tune_module
from medground_bench.runs.parallel import LocatedTrack, run_methods
from medground_bench.runs.predict import Run, predict
from medground_bench.runs.sweep import Candidate, MadeFrom, Sweep, settings_of, tuned_method
from medground_bench.runs.tune import tunable_names, tune, tune_to
from tests.kit.fakes import RuleLvlm
from tests.kit.foreign_package import install_quarter
from tests.kit.tiny_lvlms import save_gemma3


@pytest.fixture
def quarter(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(install_quarter(tmp_path / "site")))
    return "quarter"


@pytest.fixture(scope="module")
def benchmark(built, tmp_path_factory):
    """A benchmark whose split `tune` is its split `test`: a small build has next to none."""
    folder = tmp_path_factory.mktemp("tuning") / "medground-bench"
    shutil.copytree(built.path, folder)
    for leftover in folder.rglob("tune-*.parquet"):
        leftover.unlink()
    for file in sorted(folder.rglob("test-*.parquet")):
        file.rename(file.with_name(file.name.replace("test-", "tune-", 1)))
        shutil.copy(file.with_name(file.name.replace("test-", "tune-", 1)), file)
    return open_benchmark(folder)


def by_hand(benchmark) -> dict[tuple[bool, bool], float]:
    """Mean IoU of each quarter, worked out from the references alone."""
    ious: dict[tuple[bool, bool], list[float]] = {}
    for reference in benchmark.references(lvlm="rule_lvlm", mode=Mode.DIRECT, split="tune"):
        letterbox = Letterbox.fit(reference.native, 224)
        for right in (False, True):
            for low in (False, True):
                x, y = 112 * right, 112 * low
                box = letterbox.to_native(Box(x, y, x + 112, y + 112, letterbox.study))
                ious.setdefault((right, low), []).append(overlap([box], reference.boxes).iou)
    return {key: float(np.mean(values)) for key, values in ious.items()}


def test_the_best_candidate_by_mean_iou_is_chosen_and_every_one_is_told(benchmark, quarter, capsys):
    sweep = tune(benchmark, RuleLvlm(), quarter, Mode.DIRECT, progress=progress)
    expected = by_hand(benchmark)
    assert sweep.cases >= 2
    for candidate in sweep.candidates:
        key = (candidate.settings["right"], candidate.settings["low"])
        assert candidate.iou == pytest.approx(expected[key], abs=1e-6)
        assert candidate.failed == 0
    assert len(sweep.candidates) == 4
    best = max(expected, key=expected.__getitem__)
    assert (sweep.chosen.settings["right"], sweep.chosen.settings["low"]) == best
    assert "cases/s" in capsys.readouterr().err


def test_predict_takes_the_choice_and_records_it(benchmark, quarter, tmp_path):
    lvlm, folder = RuleLvlm(), tmp_path / "tuned"
    run = Run(quarter, Mode.DIRECT)
    plain = predict(benchmark, lvlm, run, tmp_path / "p.jsonl", tuned=folder)
    before = (plain.file.read_text(), json.loads((tmp_path / "p.jsonl.run.json").read_text()))
    assert before[1]["tuned"] is None and before[1]["settings"] == {"right": False, "low": False}

    kept = tune_to(folder, benchmark, lvlm, quarter, Mode.DIRECT)
    assert kept.choice.is_file() and kept.picture.read_bytes().startswith(b"\x89PNG")
    content = kept.choice.read_bytes()
    assert tune_to(folder, benchmark, lvlm, quarter, Mode.DIRECT).choice.read_bytes() == content
    predict(benchmark, lvlm, run, tmp_path / "p.jsonl", tuned=folder)
    side = json.loads((tmp_path / "p.jsonl.run.json").read_text())
    assert side["settings"] == dict(kept.sweep.chosen.settings)
    assert side["tuned"]["iou"] == kept.sweep.chosen.iou and side["tuned"]["cases"] == kept.sweep.cases
    assert side["run"] != before[1]["run"]
    predict(benchmark, lvlm, run, tmp_path / "p.jsonl")
    assert json.loads((tmp_path / "p.jsonl.run.json").read_text())["run"] == before[1]["run"]


def test_a_sweep_of_the_same_cases_weights_and_code_is_kept_and_any_other_made_again(
    benchmark, quarter, tmp_path, monkeypatch
):
    made = []

    def counted(*asked, **named):
        made.append(asked)
        return tune(*asked)

    monkeypatch.setattr(tune_module, "tune", counted)
    kept = tune_to(tmp_path, benchmark, RuleLvlm(), quarter, Mode.DIRECT)
    assert tune_to(tmp_path, benchmark, RuleLvlm(), quarter, Mode.DIRECT) == kept
    assert len(made) == 1
    for stale in ({"lvlm_revision": "r0"}, {"benchmark": "other cases"}, {"code": "of yesterday"}):
        replace(kept.sweep, **stale).save(tmp_path)
        with pytest.raises(MedgroundError, match="Tune again"):
            predict(benchmark, RuleLvlm(), Run(quarter, Mode.DIRECT), tmp_path / "p.jsonl", tuned=tmp_path)
        assert tune_to(tmp_path, benchmark, RuleLvlm(), quarter, Mode.DIRECT) == kept
    kept.picture.unlink()
    tune_to(tmp_path, benchmark, RuleLvlm(), quarter, Mode.DIRECT)
    kept.choice.write_text("[]")
    assert tune_to(tmp_path, benchmark, RuleLvlm(), quarter, Mode.DIRECT) == kept
    assert len(made) == 6 and kept.picture.is_file()


def test_a_sweep_follows_its_candidates_its_code_and_what_they_are_tried_on(benchmark, quarter, monkeypatch):
    def now(**other):
        return MadeFrom.now(benchmark, RuleLvlm(**other), quarter, Mode.DIRECT)

    before, method = now(), type(open_method(quarter, RuleLvlm()))
    assert now(revision="r2") != before != now(precision="bfloat16")
    with monkeypatch.context() as patch:
        patch.setattr(method, "candidates", classmethod(lambda cls, lvlm: [cls()]))
        assert now() != before
    with monkeypatch.context() as patch:
        patch.setattr("medground_bench.runs.sweep.scoring_code", lambda: "of tomorrow")
        assert now() != before
    with monkeypatch.context() as patch:
        patch.setattr(type(benchmark), "tracks", lambda self, split: {})
        assert now().benchmark == ""
    assert now() == before


def test_methods_of_many_tracks_are_tuned_where_the_split_tune_has_cases(built, benchmark, tmp_path):
    lvlm = str(save_gemma3(tmp_path / "rule_lvlm"))
    tracks, methods, tuned = (
        [LocatedTrack(lvlm, Mode.DIRECT)],
        ["attention_rollout", "random_box"],
        tmp_path / "tuned",
    )
    run_methods(benchmark.folder, tracks, methods, tmp_path / "p", tuned=tuned)
    assert {path.stem for path in tuned.iterdir()} == {"rule_lvlm-direct-attention_rollout"}
    sides = {
        path.name.split("-")[2].split(".")[0]: json.loads(path.read_text())
        for path in (tmp_path / "p").glob("*.run.json")
    }
    assert sides["attention_rollout"]["tuned"]["cases"] == Sweep.read(next(tuned.glob("*.json"))).cases
    assert sides["random_box"]["tuned"] is None


def test_a_choice_made_with_other_weights_or_no_longer_offered_is_refused(benchmark, quarter, tmp_path):
    kept = tune_to(tmp_path, benchmark, RuleLvlm(), quarter, Mode.DIRECT)
    assert tuned_method(quarter, RuleLvlm(), Mode.DIRECT, tmp_path).sweep == kept.sweep
    assert tuned_method(quarter, RuleLvlm(), Mode.REASON, tmp_path) is None
    with pytest.raises(MedgroundError, match="at r1, but this is r2"):
        tuned_method(quarter, RuleLvlm(revision="r2"), Mode.DIRECT, tmp_path)
    odd = Candidate({"right": 7, "low": 7}, 1.0, 0)
    replace(kept.sweep, candidates=(odd,)).save(tmp_path)
    with pytest.raises(MedgroundError, match="does not offer"):
        tuned_method(quarter, RuleLvlm(), Mode.DIRECT, tmp_path)
    for rubbish in ("", "[]", "{}", '{"chosen": 1, "candidates": [{"a": 1}]}'):
        kept.choice.write_text(rubbish)
        with pytest.raises(SourceMissing, match="no result of medground tune"):
            tuned_method(quarter, RuleLvlm(), Mode.DIRECT, tmp_path)


def test_a_method_without_choices_and_a_track_without_cases_are_refused(benchmark, quarter):
    with pytest.raises(Unsupported, match=r"nothing to tune. These have: .*gradcam"):
        tune(benchmark, RuleLvlm(), "random_box", Mode.DIRECT)
    assert quarter in tunable_names()
    with pytest.raises(MedgroundError, match="nobody"):
        tune(benchmark, RuleLvlm(key="nobody"), quarter, Mode.DIRECT)


def test_a_candidate_that_fails_on_a_case_scores_nothing_there(benchmark, quarter, monkeypatch):
    method = type(open_method(quarter, RuleLvlm()))

    attribute, calls = method.attribute, []

    def fragile(self, lvlm, case, rng):
        calls.append(case.case_id)
        if len(calls) == 1:
            raise MethodFailed("out of luck")
        return attribute(self, lvlm, case, rng)

    whole = tune(benchmark, RuleLvlm(), quarter, Mode.DIRECT)
    monkeypatch.setattr(method, "attribute", fragile)
    sweep = tune(benchmark, RuleLvlm(), quarter, Mode.DIRECT)
    assert [candidate.failed for candidate in sweep.candidates] == [1, *[0] * (len(sweep.candidates) - 1)]
    assert sweep.candidates[0].iou <= whole.candidates[0].iou and sweep.candidates[1:] == whole.candidates[1:]

    def broken(self, lvlm, case, rng):
        raise MemoryError

    monkeypatch.setattr(method, "attribute", broken)
    with pytest.raises(MemoryError):
        tune(benchmark, RuleLvlm(), quarter, Mode.DIRECT)


def test_a_method_that_fails_on_every_case_with_every_setting_gives_no_choice(
    benchmark, quarter, monkeypatch
):
    def fragile(self, lvlm, case, rng):
        raise MethodFailed("out of luck")

    monkeypatch.setattr(type(open_method(quarter, RuleLvlm())), "attribute", fragile)
    with pytest.raises(MethodFailed, match="failed on every case of rule_lvlm direct with every setting"):
        tune(benchmark, RuleLvlm(), quarter, Mode.DIRECT)


def test_settings_are_plain_values():
    assert settings_of(Rise(kind=Masks.SMOOTH))["kind"] == "smooth"
    assert settings_of(object()) == {}
