"""A short training ends in a model that edits; one that was stopped ends in the same bytes as one that was not."""

from __future__ import annotations

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from rich.console import Console  # noqa: E402

from builder.diffusion.training import learning  # noqa: E402
from builder.diffusion.training.autoencoder import colours, encoded, new_autoencoder, standardise  # noqa: E402
from builder.diffusion.training.denoiser import (  # noqa: E402
    EMPTY,
    FINDINGS_SHOWN,
    HEALTHY,
    NORMAL,
    ONE_REMOVED,
    PROMPTS,
    WITHOUT,
    DenoisingLoss,
    Lessons,
    drawn,
)
from builder.diffusion.training.learning import Descent, Learner  # noqa: E402
from builder.diffusion.training.phantoms import counterfactuals  # noqa: E402
from builder.diffusion.training.train import PARTS, EditorRecipe, Workplace, train  # noqa: E402
from builder.diffusion.weights import EmbeddedWeights, ModelWeights  # noqa: E402
from builder.editors.radedit import RadEdit  # noqa: E402
from builder.sources.phantom import Phantom  # noqa: E402
from medground_bench.core.causal_filter import Edit  # noqa: E402
from medground_bench.core.types import Answer  # noqa: E402
from medground_bench.phantom import seeds  # noqa: E402
from medground_bench.phantom.findings import FINDINGS  # noqa: E402
from medground_bench.phantom.scene import Scene, letterboxed  # noqa: E402

SHORT = Descent(steps=3, batch=2, rate=1e-3, warm_up_steps=1)
RECIPE = EditorRecipe(scenes=3, scenes_before=3, autoencoder_scenes=2, autoencoder=(SHORT,), denoiser=SHORT)


def trained(folder, name):
    train(RECIPE, folder / name, Workplace(folder / "work", Console(quiet=True), torch.get_num_threads()))
    return folder / name


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("editor")
    trained(folder, "whole")
    return folder


def test_the_folder_opens_and_edits_and_says_how_it_was_made(finished):
    weights = ModelWeights(*(EmbeddedWeights(name, finished / "whole") for name in PARTS))
    known = next(k.question for k in Phantom().questions("test", 1) if k.question.answer is Answer.YES)
    picture = Phantom().picture(known)
    edited = RadEdit(steps=10, side_px=112, weights=weights).edit(known, picture, Edit.FOREGROUND)
    assert edited.shape == picture.shape and not np.array_equal(edited, picture)
    record = json.loads((finished / "whole" / "training.json").read_text())
    assert record["recipe"]["denoiser"]["steps"] == 3 and set(record["digests"]) == set(PARTS)


def test_a_stopped_run_goes_on_and_ends_with_the_same_bytes(finished, monkeypatch):
    monkeypatch.setattr(learning, "CHECKPOINT_EVERY", 2)
    for checkpoint in (finished / "work").glob("*.safetensors"):
        checkpoint.unlink()
    learn, steps = Learner._learn, []

    def stop_in_the_sixth(self, loss):
        steps.append(self.step)
        if len(steps) == 6:
            raise KeyboardInterrupt
        return learn(self, loss)

    monkeypatch.setattr(Learner, "_learn", stop_in_the_sixth)
    with pytest.raises(KeyboardInterrupt):
        trained(finished, "stopped")
    trained(finished, "stopped")
    assert steps == [0, 1, 2, 0, 1, 2, 2]
    for file in (finished / "whole").rglob("*.safetensors"):
        assert file.read_bytes() == (finished / "stopped" / file.relative_to(finished / "whole")).read_bytes()


def test_a_scene_is_rendered_with_its_findings_without_one_and_without_any(tmp_path):
    scenes = counterfactuals(seeds.TRAINING[:2], tmp_path, processes=1)
    for seed, pictures, shown, removed in zip(
        seeds.TRAINING, scenes.pictures, scenes.shown, scenes.removed, strict=False
    ):
        scene = Scene.sample(seed)
        findings = [finding for finding, seen in zip(FINDINGS, shown, strict=True) if seen]
        left = [finding for finding in findings if finding != FINDINGS[removed]]
        assert len(left) == len(findings) - 1
        rendered = [
            [letterboxed(scene.render(112, each, marker=marker), scene.native_width, scene.native_height)
             for each in (findings, left, ())]
            for marker in (True, False)
        ]  # fmt: skip
        assert any(np.array_equal(pictures, each) for each in rendered)


def test_a_prompt_is_true_of_the_wanted_picture_and_most_pictures_shown_have_what_it_denies():
    removed = torch.arange(10_000) % len(FINDINGS)
    batch = drawn(Lessons(empty=0.25, removal=0.75, normal=0.5), removed, torch.Generator().manual_seed(0))
    empty, normal = batch.prompts == EMPTY, batch.prompts == NORMAL
    one = ~empty & ~normal
    assert (batch.shown[empty] == batch.wanted[empty]).all()
    assert (batch.wanted[normal] == HEALTHY).all() and (batch.wanted[one] == ONE_REMOVED).all()
    assert (batch.prompts[one] == WITHOUT + removed[one]).all()
    assert [PROMPTS[WITHOUT], PROMPTS[NORMAL]] == ["No nodule", "No abnormality"]
    assert empty.float().mean() == pytest.approx(0.25, abs=0.02)
    assert (batch.shown[~empty] == FINDINGS_SHOWN).float().mean() == pytest.approx(0.75, abs=0.02)
    assert normal.sum() / (~empty).sum() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("removal", [0.0, 1.0])
def test_the_noise_to_predict_is_what_separates_the_noisy_latents_from_the_wanted_picture(removal):
    """Wanted pictures are 0, so that their noise is known from the noisy latents alone, whatever is shown."""
    latents = torch.zeros(4, 3, 8, 2, 2)
    latents[:, FINDINGS_SHOWN] = 1.0
    loss = DenoisingLoss(latents, torch.arange(4), torch.zeros(1), Lessons(empty=0, removal=removal))

    def noise(noisy, times, _ids, _prompts):
        return noisy / (1 - loss.signal[times]).sqrt()[:, None, None, None]

    assert loss(noise, 16, torch.Generator().manual_seed(1)) < 1e-6
    latents += 1
    assert loss(noise, 16, torch.Generator().manual_seed(1)) > 0.1


def test_standardised_latents_have_mean_0_and_deviation_1_and_decode_as_before():
    torch.manual_seed(0)
    vae, pictures = new_autoencoder(), torch.randint(0, 256, (4, 112, 112), dtype=torch.uint8)
    with torch.no_grad():
        before = vae.decode(vae.encode(colours(pictures)).latent_dist.mode()).sample
        standardise(vae, pictures)
        after = vae.decode(vae.encode(colours(pictures)).latent_dist.mode()).sample
    assert torch.allclose(before, after, atol=1e-4)
    latents = encoded(vae, pictures).float()
    assert latents.mean((0, 2, 3)).abs().max() < 0.01
    assert (latents.std((0, 2, 3)) - 1).abs().max() < 0.01
