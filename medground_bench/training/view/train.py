"""Train the network that tells views apart: `python -m medground_bench.training.view.train --help`.

It learns from radiographs rendered from a CT and from phantoms of every habitus, randomised anew for every batch as the
anatomy U-Net's are, upright and spoiled in known ways; see `spoiled`, `drawn` and `other_renders`. How sure it must be
before it says anything is set afterwards, on upright pictures that it never saw.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from safetensors.torch import save
from torch import Tensor
from torch.nn import functional

from medground_bench.anatomy.trained_weights import RECORD, WEIGHTS
from medground_bench.anatomy.view.network import ViewNet, squares
from medground_bench.anatomy.view.shipped import odds
from medground_bench.anatomy.view.views import View
from medground_bench.core.concepts import CONCEPTS
from medground_bench.phantom import seeds
from medground_bench.storage.whole_files import sha256, write_whole
from medground_bench.training.radiograph.renders import CALIBRATION, TRAINING, renders
from medground_bench.training.unet.masked_pictures import SIDE_PX, MaskedPictures
from medground_bench.training.unet.phantoms import phantoms
from medground_bench.training.unet.randomise import randomise
from medground_bench.training.unet.train import TrainingCells
from medground_bench.training.view.drawn import drawn
from medground_bench.training.view.other_renders import bellies, laterals
from medground_bench.training.view.spoiled import inverted, mirrored, no_chest, trimmed

MANY = 10**7
"""More steps than any run has, so that no two recipes' steps share their random numbers."""


@dataclass(frozen=True, kw_only=True)
class ViewRecipe:
    """Everything that decides the weights and the threshold besides the code.

    projections, phantoms, laterals, bellies   what is rendered; of a projection there are two pictures
    calibration_projections, calibration_phantoms   upright pictures that the threshold is set on
    false_alarms  the most of either kind of these that may be called something else
    """

    seed: int = 0
    projections: int = 1200
    phantoms: int = 1200
    laterals: int = 160
    bellies: int = 40
    calibration_projections: int = 300
    calibration_phantoms: int = 300
    steps: int = 1500
    rate: float = 3e-3
    weight_decay: float = 1e-3
    warm_up_steps: int = 50
    falling_share: float = 0.5
    false_alarms: float = 0.01


RECIPE = ViewRecipe()
"""That of the shipped network."""


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """What batches are drawn from: upright frontal chests of both kinds with their concepts, and other renders."""

    renders: TrainingCells
    phantoms: TrainingCells
    laterals: TrainingCells
    bellies: TrainingCells


OF_RENDERS, OF_PHANTOMS, OF_LATERALS, OF_BELLIES = 16, 8, 8, 4
"""Pictures of each that a batch is made of; every other one is randomised."""
INVERTED, SPOILED, DRAWN = 16, 14, 8
"""Pictures of a batch that are made of its upright ones, or of nothing."""


def batch(pool: Pool, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Squares (B, 1, 64, 64) and the places (B,) of their views."""
    kinds = ((pool.renders, OF_RENDERS), (pool.phantoms, OF_PHANTOMS),
             (pool.laterals, OF_LATERALS), (pool.bellies, OF_BELLIES))  # fmt: skip
    pairs = [kind.draw(count, rng) for kind, count in kinds]
    pictures, cells = (torch.cat(each) for each in zip(*pairs, strict=True))
    greys = pictures.float() / 255
    greys[::2] = randomise(pictures[::2], cells[::2], rng)[0][:, 0]
    upright, lateral, belly = torch.split(greys, [OF_RENDERS + OF_PHANTOMS, OF_LATERALS, OF_BELLIES])
    any_of = upright[torch.randperm(len(upright), generator=rng)]
    made = {
        View.FRONTAL: list(upright),
        View.MIRRORED: [mirrored(each) for each in upright],
        View.INVERTED: [inverted(each, rng) for each in any_of[:INVERTED]],
        View.LATERAL: [trimmed(each, rng) for each in lateral],
        View.NO_CHEST: [*(no_chest(each, rng) for each in any_of[-SPOILED:]), *belly, *drawn(DRAWN, rng)],
    }
    views = [place for place, view in enumerate(View) for _ in made[view]]
    return squares([each for view in View for each in made[view]]), torch.tensor(views)


def learn(recipe: ViewRecipe, pool: Pool, console: Console) -> ViewNet:
    """The trained network, rounded to fp16 as it is shipped; the numbers of a step come from the seed and the step."""
    torch.manual_seed(recipe.seed)
    net = ViewNet()
    optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay)
    begin, losses = time.monotonic(), []
    for step in range(recipe.steps):
        seen, views = batch(pool, torch.Generator().manual_seed(recipe.seed * MANY + step))
        left = (recipe.steps - step) / (recipe.falling_share * recipe.steps)
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate * min(1.0, (step + 1) / recipe.warm_up_steps, left)
        with torch.autocast("cpu", torch.bfloat16):
            logits = net(seen)
        loss = functional.cross_entropy(logits.float(), views)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(loss.item())
        if (step + 1) % 50 == 0:
            seconds = time.monotonic() - begin
            console.print(
                f"{step + 1}/{recipe.steps}, loss {np.mean(losses):.4f}, {seconds:.0f} s", highlight=False
            )
            losses.clear()
    net.load_state_dict({name: value.half().to(value.dtype) for name, value in net.state_dict().items()})
    return net.eval()


def least_odds(recipe: ViewRecipe, net: ViewNet, work: Path) -> float:
    """The log-odds that so few upright pictures of either kind exceed, as the recipe says."""
    kinds = (
        renders(CALIBRATION[: recipe.calibration_projections], work, processes=1),
        phantoms(seeds.VALIDATION[: recipe.calibration_phantoms], work, processes=1),
    )
    highest = [odds(net, list(kind.pictures)).max(axis=1) for kind in kinds]
    return float(max(np.quantile(each, 1 - recipe.false_alarms) for each in highest))


def pool_of(recipe: ViewRecipe, work: Path) -> Pool:
    """Rendered first where they are not in the folder yet."""
    return Pool(
        TrainingCells.of(renders(TRAINING[: recipe.projections], work, processes=1)),
        TrainingCells.of(phantoms(seeds.TRAINING[: recipe.phantoms], work, processes=1)),
        _without_concepts(laterals(TRAINING[: recipe.laterals], work)),
        _without_concepts(bellies(TRAINING[: recipe.bellies], work)),
    )


def _without_concepts(pictures: NDArray[np.uint8]) -> TrainingCells:
    none = np.zeros((len(pictures), len(CONCEPTS), SIDE_PX, SIDE_PX // 8), np.uint8)
    return TrainingCells.of(MaskedPictures(pictures, none))


def train(recipe: ViewRecipe, folder: Path, work: Path, console: Console) -> None:
    """Render, train, set the threshold, and write all of it to `folder`; pictures stay in `work`. One thread."""
    torch.set_num_threads(1)
    pool, begin = pool_of(recipe, work), time.monotonic()
    net = learn(recipe, pool, console)
    seconds = time.monotonic() - begin
    values = net.state_dict().items()
    weights = save({name: value.half().contiguous() for name, value in values if value.is_floating_point()})
    record = {
        "weights_sha256": sha256(weights),
        "least_odds": round(least_odds(recipe, net, work), 4),
        "recipe": asdict(recipe),
        "seconds": round(seconds),
        "versions": {"torch": torch.__version__},
    }
    write_whole(folder / WEIGHTS, weights)
    write_whole(folder / RECORD, (json.dumps(record, indent=1) + "\n").encode())


def main(
    out: Annotated[Path, typer.Option(help="folder of the finished weights")],
    work: Annotated[Path, typer.Option(help="folder for rendered pictures")] = Path("view-training"),
) -> None:
    """Train the network of views. Example: python -m medground_bench.training.view.train --out view."""
    train(RECIPE, out, work, Console())


if __name__ == "__main__":
    typer.run(main)
