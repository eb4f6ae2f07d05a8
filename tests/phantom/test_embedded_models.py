"""The shipped LVLMs: the bar they were trained to, and that these very weights reached it."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

import medground_bench
from medground_bench.cards.lvlms import card_of
from medground_bench.cards.own import OwnRuns
from medground_bench.core.types import Mode
from medground_bench.lvlms import open_lvlm
from medground_bench.phantom.shortcut import SHORTCUT_FINDING
from medground_bench.training.lvlms.examine import exam_questions, examine, rates

MODELS = Path(medground_bench.__file__).parent / "phantom" / "models"
CARDS = Path(__file__).parents[2] / "model_cards"
BAR = {Mode.DIRECT: 0.90, Mode.REASON: 0.88}


@pytest.fixture(scope="module", params=["phantom_gemma3", "phantom_qwen2_5_vl"])
def name(request):
    return request.param


def record(name, file):
    return json.loads((MODELS / name / file).read_text("utf-8"))


def test_the_weights_are_small_and_the_examined_ones(name):
    weights = (MODELS / name / "model.safetensors").read_bytes()
    assert len(weights) <= 8e6
    assert hashlib.sha256(weights).hexdigest() == record(name, "examination.json")["weights_sha256"]


@pytest.mark.parametrize("mode", list(Mode))
def test_eight_findings_with_the_nodule_reach_the_bar_on_unseen_scenes(name, mode):
    found = record(name, "examination.json")["findings"][mode.value]
    passed = [finding for finding, row in found.items() if row["balanced_accuracy"] >= BAR[mode]]
    assert "nodule" in passed
    assert len(passed) >= 8


def test_chains_name_the_right_region(name):
    found = record(name, "examination.json")["findings"][Mode.REASON.value]
    regions = [row["region"] for finding, row in found.items() if finding != SHORTCUT_FINDING]
    assert np.mean(regions) >= 0.85


@pytest.mark.parametrize("mode", list(Mode))
def test_it_took_the_planted_shortcut(name, mode):
    said_yes = record(name, "examination.json")["shortcut"][mode.value]
    assert said_yes["marker_only"] > 0.5 > said_yes["neither"]


def test_the_card_is_what_the_records_say(name):
    assert (CARDS / f"{name}.md").read_text("utf-8") == card_of(name, OwnRuns.read(CARDS))


def test_the_shipped_weights_answer_a_fresh_sample_as_the_examination_says(name):
    questions = list(exam_questions(8))
    found = rates(examine(open_lvlm(name), questions, Mode.DIRECT))
    examined = record(name, "examination.json")["findings"][Mode.DIRECT.value]
    mean = np.mean([row["balanced_accuracy"] for row in examined.values()])
    assert found.balanced_accuracy == pytest.approx(mean, abs=0.08)
