"""Train the tiny diffusion model from nothing, on phantoms alone: `python -m builder.diffusion.training.train --help`.

First the autoencoder, then the denoiser with its text encoder. The weights kept are running averages, in float16. A
run that is stopped goes on from its last checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from torch import Tensor

from builder.diffusion.training.autoencoder import encoded, new_autoencoder, reconstruction_loss, standardise
from builder.diffusion.training.denoiser import (
    Denoiser,
    DenoisingLoss,
    Lessons,
    prompt_ids,
    write_tokenizer,
)
from builder.diffusion.training.learning import Descent, Learner
from builder.diffusion.training.phantoms import SIDE_PX, Counterfactuals, counterfactuals
from builder.diffusion.weights import RECORD
from medground_bench.lvlms.engine.opening import content_digest
from medground_bench.lvlms.engine.untyped import Module
from medground_bench.phantom import seeds
from medground_bench.storage.whole_files import write_whole
from medground_bench.training.checkpoints import checkpoint_key

PARTS = ("unet", "vae", "text")
"""Folders of the finished weights."""

AUTOENCODER = (
    Descent(steps=900, batch=16, rate=4e-3, warm_up_steps=30, average_decay=0.99),
    Descent(steps=1300, batch=16, rate=3e-3, warm_up_steps=30, average_decay=0.99, seed=1),
)
DENOISER = Descent(steps=2400, batch=16, rate=2e-3, average_decay=0.995)
LESSONS = Lessons()


@dataclass(frozen=True, kw_only=True)
class EditorRecipe:
    """Everything that decides the weights besides the code.

    scenes              that the denoiser learns from, the first ones
    autoencoder_scenes  that the autoencoder learns from, after `scenes_before` others
    autoencoder         one descent after the other
    """

    scenes: int = 6000
    scenes_before: int = 20_000
    autoencoder_scenes: int = 1500
    autoencoder: Sequence[Descent] = AUTOENCODER
    denoiser: Descent = DENOISER
    lessons: Lessons = LESSONS


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where pictures and checkpoints are kept, where progress is said, and on how many cores."""

    folder: Path
    console: Console
    threads: int

    def checkpoint(self, recipe: EditorRecipe, name: str) -> Path:
        """Of one part of this recipe."""
        return self.folder / f"{name}-{checkpoint_key(asdict(recipe), __file__)}.safetensors"


def train(recipe: EditorRecipe, folder: Path, work: Workplace) -> None:
    """Render, train, and write the three parts with their record to `folder`."""
    torch.set_num_threads(work.threads)
    work.folder.mkdir(parents=True, exist_ok=True)
    others = seeds.TRAINING[recipe.scenes_before :][: recipe.autoencoder_scenes]
    vae, vae_seconds = _autoencoder(recipe, _pictures(_scenes(others, work)), work)
    write_tokenizer(folder / "text")
    scenes = _scenes(seeds.TRAINING[: recipe.scenes], work)
    latents = encoded(vae, _pictures(scenes))
    latents = latents.reshape(len(scenes), -1, *latents.shape[1:])
    loss = DenoisingLoss(
        latents, torch.from_numpy(scenes.removed), prompt_ids(folder / "text"), recipe.lessons
    )
    torch.manual_seed(recipe.denoiser.seed)
    denoiser = Denoiser()
    learner = Learner(denoiser, recipe.denoiser, work.console)
    learner.run(lambda rng: loss(denoiser, recipe.denoiser.batch, rng), work.checkpoint(recipe, "denoiser"))
    for name, part in zip(PARTS, (denoiser.unet, vae, denoiser.text_encoder), strict=True):
        part.half().save_pretrained(folder / name)
    record = {
        "digests": {name: content_digest(folder / name) for name in PARTS},
        "recipe": asdict(recipe),
        "seconds": round(vae_seconds + learner.seconds),
        "threads": work.threads,
        "versions": {"torch": torch.__version__},
    }
    write_whole(folder / RECORD, (json.dumps(record, indent=1) + "\n").encode())


def _scenes(of: range, work: Workplace) -> Counterfactuals:
    return counterfactuals(of, work.folder, processes=work.threads)


def _pictures(scenes: Counterfactuals) -> Tensor:
    return torch.from_numpy(scenes.pictures.reshape(-1, SIDE_PX, SIDE_PX))


def _autoencoder(recipe: EditorRecipe, pictures: Tensor, work: Workplace) -> tuple[Module, float]:
    """Trained, with latents of deviation 1; and the seconds it took."""
    torch.manual_seed(recipe.autoencoder[0].seed)
    vae, seconds = new_autoencoder(), 0.0
    for number, descent in enumerate(recipe.autoencoder):

        def loss(rng: torch.Generator, batch: int = descent.batch) -> Tensor:
            return reconstruction_loss(
                vae, pictures[torch.randint(len(pictures), (batch,), generator=rng)], rng
            )

        learner = Learner(vae, descent, work.console)
        learner.run(loss, work.checkpoint(recipe, f"autoencoder-{number}"))
        seconds += learner.seconds
    standardise(vae, pictures)
    return vae, seconds


def main(
    out: Annotated[Path, typer.Option(help="folder of the finished weights")],
    work: Annotated[Path, typer.Option(help="folder for rendered pictures and checkpoints")] = Path(
        "editor-training"
    ),
    threads: Annotated[int, typer.Option(help="cores that render and learn")] = 1,
) -> None:
    """Train the tiny diffusion model. Example: python -m builder.diffusion.training.train --out phantom."""
    train(EditorRecipe(), out, Workplace(work, Console(), threads))


if __name__ == "__main__":
    typer.run(main)
