"""The embedded diffusion model is the one that was trained and examined, beats `harmonic`, and its card says so."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from builder.diffusion.parts import open_parts  # noqa: E402
from builder.diffusion.training.card import EXAMINATION, card  # noqa: E402
from builder.diffusion.training.train import EditorRecipe  # noqa: E402
from builder.diffusion.weights import EMBEDDED, PHANTOM, RECORD  # noqa: E402
from builder.editors import edit_prompt  # noqa: E402
from medground_bench.core.causal_filter import Edit  # noqa: E402
from medground_bench.phantom import seeds  # noqa: E402
from medground_bench.phantom.findings import FINDINGS  # noqa: E402
from medground_bench.phantom.scene import Scene  # noqa: E402
from medground_bench.pictures import to_study  # noqa: E402

CARD = Path(__file__).parents[4] / "model_cards" / "phantom_radedit.md"


@pytest.fixture(scope="module")
def examined():
    return json.loads((EMBEDDED / EXAMINATION).read_text("utf-8"))


@pytest.fixture(scope="module")
def trained():
    return json.loads((EMBEDDED / RECORD).read_text("utf-8"))


def test_the_weights_are_those_that_were_trained_and_examined(examined, trained):
    assert list(PHANTOM.revisions()) == examined["weights"] == list(trained["digests"].values())


def test_the_weights_were_trained_with_the_recipe_of_the_command(trained):
    assert trained["recipe"] == json.loads(json.dumps(asdict(EditorRecipe())))


def test_the_card_is_what_the_records_say(examined, trained):
    assert CARD.read_text("utf-8") == card(trained, examined)


def test_its_latents_of_phantoms_have_the_deviation_that_the_noise_of_the_schedule_is_made_for():
    parts = open_parts(PHANTOM, PHANTOM.revisions())
    pictures = [to_study(Scene.sample(seed).native(), 112).picture for seed in seeds.EXAMPLES[:4]]
    assert torch.cat([parts.latents(picture) for picture in pictures]).std() == pytest.approx(1, abs=0.2)


def test_it_knows_every_word_that_it_is_asked_with():
    tokenizer = open_parts(PHANTOM, PHANTOM.revisions()).tokenizer
    prompts = [edit_prompt(finding, edit) for finding in FINDINGS for edit in Edit]
    assert not any(tokenizer.unk_token_id in tokenizer(prompt).input_ids for prompt in prompts)
    assert tokenizer.unk_token_id in tokenizer(edit_prompt("scoliosis", Edit.FOREGROUND)).input_ids


def test_its_verdicts_agree_with_the_exact_editors_more_often_than_those_of_harmonic(examined):
    agreed = {
        (row["lvlm"], row["editor"]): int(row["agree"]) / int(row["answers"])
        for row in examined["retention"]
        if row["finding"] == row["size"] == "all"
    }
    lvlms = {lvlm for lvlm, _editor in agreed}
    assert lvlms == {"phantom_gemma3", "phantom_qwen2_5_vl"}
    assert all(agreed[lvlm, "phantom_radedit"] > agreed[lvlm, "harmonic"] for lvlm in lvlms)
