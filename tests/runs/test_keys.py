"""Every input of a kept result is in its key: what was made of another input is never taken for it."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from medground_bench.ablation.run import _Work
from medground_bench.ablation.variants import Variant
from medground_bench.anatomy import hiding
from medground_bench.anatomy.hiding import Fill
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.opening import open_benchmark
from medground_bench.benchmark.rows import DIRECT, SPLITS
from medground_bench.core.types import Mode, Track
from medground_bench.methods.medfocus import MedFocus
from medground_bench.pictures import picture_digest, stored_png
from medground_bench.runs.predict import Run, run_key
from tests.kit.fakes import RuleLvlm
from tests.kit.spot_lvlm import SpotLvlm

RUN = Run("medfocus", Mode.DIRECT)
EDITED = MedFocus(fill=Fill.EDITOR)


@pytest.fixture
def copy(built, tmp_path):
    """The benchmark, to be changed."""
    shutil.copytree(built.path, tmp_path / "copy")
    return DatasetFolder(tmp_path / "copy")


def other_picture(row):
    picture = stored_png.decode(row.image)
    picture[0, 0] ^= 1
    return replace(row, image=stored_png.encode(picture), image_sha256=picture_digest(picture))


@pytest.mark.parametrize(
    "change",
    [
        other_picture,
        lambda row: replace(row, prompt=f"{row.prompt} "),
        lambda row: replace(row, response_token_ids=(*row.response_token_ids, 3)),
        lambda row: replace(row, boxes=((0.0, 0.0, 9.0, 9.0),)),
        lambda row: replace(row, case_id=row.case_id.replace("phantom/", "phantom/1")),
    ],
    ids=["picture", "prompt", "response", "boxes", "case id"],
)
def test_predictions_and_sweeps_follow_every_column_of_a_case(copy, change):
    benchmark, lvlm, track = open_benchmark(copy.path), RuleLvlm(), Track("rule_lvlm", Mode.DIRECT)
    first, *rows = copy.read(DIRECT, "test", "rule_lvlm")
    copy.write(DIRECT, "tune", "rule_lvlm", [first, *rows])
    before = run_key(benchmark, lvlm, RUN, MedFocus())
    tuned_on = benchmark.content_digest(track, "tune")
    for split in SPLITS:
        copy.write(DIRECT, split, "rule_lvlm", [change(first), *rows])
    assert run_key(benchmark, lvlm, RUN, MedFocus()) != before
    assert benchmark.content_digest(track, "tune") != tuned_on


@pytest.fixture
def other_renderer(monkeypatch):
    """Pretend that edits of phantoms come out otherwise."""

    def change() -> None:
        monkeypatch.setattr("medground_bench.phantom.region_edits.renderer_digest", lambda: "of tomorrow")
        hiding._editor_of_source.cache_clear()

    hiding._editor_of_source.cache_clear()
    yield change
    monkeypatch.undo()
    hiding._editor_of_source.cache_clear()


def test_evidence_with_an_editors_fill_follows_the_version_of_the_editor(benchmark, other_renderer):
    case = next(iter(benchmark.cases(mode=Mode.DIRECT)))
    lvlm = SpotLvlm()

    def keys(method: MedFocus) -> list[str]:
        work = _Work(Variant(fill=method.fill), lvlm)
        return [run_key(benchmark, lvlm, RUN, method), work.key(case)]

    edited, zero = keys(EDITED), keys(MedFocus())
    other_renderer()
    assert not set(keys(EDITED)) & set(edited)
    assert keys(MedFocus()) == zero, "no editor fills with black"
