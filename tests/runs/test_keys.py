"""Every input of a kept result is in its key: what was made of another input is never taken for it."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from medground_bench.ablation.run import _Work
from medground_bench.ablation.variants import Variant
from medground_bench.anatomy import hiding
from medground_bench.anatomy.hiding import Fill
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.opening import open_benchmark
from medground_bench.benchmark.rows import DIRECT, SPLITS
from medground_bench.core.types import Box, Case, Frame, Mode, Reference, Response, Track
from medground_bench.methods.medfocus import MedFocus
from medground_bench.pictures import picture_digest, stored_png
from medground_bench.probes import ProbeKind
from medground_bench.probes.run import _inputs, unit_key
from medground_bench.probes.subjects import Look, Shown
from medground_bench.runs import predict
from medground_bench.runs.predict import Run, run_key
from medground_bench.training.checkpoints import checkpoint_key
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
        lambda row: replace(row, finding="mass"),
        lambda row: replace(row, response=f"{row.response} "),
        lambda row: replace(row, response_token_ids=(*row.response_token_ids, 3)),
        lambda row: replace(row, response_tokens=("other", *row.response_tokens[1:])),
        lambda row: replace(row, width=row.width + 1),
        lambda row: replace(row, height=row.height + 1),
        lambda row: replace(row, boxes=((0.0, 0.0, 9.0, 9.0),)),
        lambda row: replace(row, case_id=row.case_id.replace("phantom/", "phantom/1")),
    ],
    ids=[
        *(
            "picture",
            "prompt",
            "finding",
            "text",
            "token ids",
            "tokens",
            "width",
            "height",
            "boxes",
            "case id",
        ),
    ],
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


@pytest.mark.parametrize(
    "changed",
    [
        {"lvlm": RuleLvlm(key="other_lvlm")},
        {"lvlm": RuleLvlm(revision="r2")},
        {"lvlm": RuleLvlm(precision="bfloat16")},
        {"run": replace(RUN, seed=1)},
        {"run": replace(RUN, method="medfocus_plus")},
        {"method": MedFocus(tau=0.5)},
        {"method": MedFocus(localizer="mean_box")},
        {"method": MedFocus(vocabulary="lung_zones")},
    ],
    ids="-".join,
)
def test_a_run_follows_its_lvlm_seed_method_and_settings(benchmark, monkeypatch, changed):
    monkeypatch.setattr(type(benchmark), "content_digest", lambda *_of: "")
    monkeypatch.setattr(type(benchmark), "references", lambda *_of, **_where: ())
    given = {"benchmark": benchmark, "lvlm": RuleLvlm(), "run": RUN, "method": MedFocus()}
    before = run_key(**given)
    assert run_key(**given | changed) != before
    monkeypatch.setattr(predict, "method_code", lambda: "of tomorrow")
    assert run_key(**given) != before


SEEN = Case(
    "phantom/1/mass@spot:direct",
    "mass",
    "?",
    Response("Yes", (1,), ("Yes",)),
    np.zeros((224, 224), np.uint8),
    Frame.native(300, 200),
)


@pytest.mark.parametrize(
    "changed",
    [
        {"case_id": "phantom/2/mass@spot:direct"},
        {"finding": "nodule"},
        {"prompt": "??"},
        {"response": Response("Yes.", (1,), ("Yes",))},
        {"response": Response("Yes", (2,), ("Yes",))},
        {"response": Response("Yes", (1,), ("yes",))},
        {"picture": np.ones((224, 224), np.uint8)},
        {"picture": np.zeros((112, 448), np.uint8)},
        {"native": Frame.native(200, 300)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_evidence_and_what_is_probed_follow_all_that_a_method_sees_of_a_case(changed):
    def keys(case):
        return [_Work(Variant(), SpotLvlm()).key(case), probed(case=case)]

    assert not set(keys(SEEN)) & set(keys(replace(SEEN, **changed)))


def probed(what=ProbeKind.REMOVAL, lvlm=None, case=SEEN, method=None, name="medfocus", **shown):
    truth = shown.pop("truth", (0, 0, 9, 9))
    reference = Reference(
        case.case_id,
        "phantom",
        "1",
        "spot",
        Mode.DIRECT,
        case.finding,
        case.native,
        (Box(*truth, case.native),),
    )
    boxes = (Box(*shown.pop("boxes", (1, 1, 8, 8)), case.native),)
    given = {"native": np.zeros((200, 300), np.uint8), "editor": "phantom_exact"} | shown
    look = Look(name, boxes, method, lvlm or SpotLvlm(), case)
    one = Shown(case, reference, **given)
    return unit_key(what, look.lvlm, case, method, _inputs(what, look, one))


@pytest.mark.parametrize(
    "changed",
    [
        {"what": ProbeKind.INSERTION},
        {"lvlm": SpotLvlm(revision="r2")},
        {"lvlm": SpotLvlm(precision="bfloat16")},
        {"method": MedFocus()},
        {"name": "occlusion"},
        {"truth": (0, 0, 9, 8)},
        {"boxes": (1, 1, 8, 9)},
        {"native": np.ones((200, 300), np.uint8)},
        {"editor": "harmonic"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_is_probed_follows_boxes_truth_native_picture_and_editor(changed):
    assert probed(**changed) != probed()


def test_what_is_probed_by_removal_follows_the_version_of_the_editor(other_renderer):
    before = probed(), probed(ProbeKind.POINTING)
    other_renderer()
    assert probed() != before[0] and probed(ProbeKind.POINTING) == before[1], "pointing edits nothing"


def test_evidence_and_what_is_probed_follow_the_code(monkeypatch):
    before = {_Work(Variant(), SpotLvlm()).key(SEEN), probed()}
    monkeypatch.setattr("medground_bench.ablation.run.ablation_code", lambda: "of tomorrow")
    monkeypatch.setattr("medground_bench.probes.run.probe_code", lambda: "of tomorrow")
    assert not before & {_Work(Variant(), SpotLvlm()).key(SEEN), probed()}


def test_a_checkpoint_follows_its_recipe_and_the_code_beside_its_program(tmp_path):
    program = tmp_path / "train.py"
    program.write_text("steps")
    keys = [checkpoint_key({"steps": 1}, str(program)), checkpoint_key({"steps": 2}, str(program))]
    (tmp_path / "lessons.py").write_text("other lessons")
    assert len({*keys, checkpoint_key({"steps": 1}, str(program))}) == 3


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
