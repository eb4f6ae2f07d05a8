"""Train an anatomy U-Net from nothing: `python -m medground_bench.training.unet.train --help`.

`phantom_unet` learns from phantoms of every habitus alone; `film_unet` from radiographs rendered from a CT, mixed with
phantoms. All are rendered once; every batch is randomised anew. Loss: Dice and cross-entropy on cells of 2 x 2 pixels.
The weights kept are the running average over the last steps. A run that is stopped goes on from its last checkpoint and
ends with the same bytes as one that was not.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor
from torch.nn import functional

from medground_bench.anatomy.trained_weights import RECORD, WEIGHTS
from medground_bench.anatomy.unet.masks import concept_masks
from medground_bench.anatomy.unet.network import SHRINK, AnatomyNet, enlarge
from medground_bench.core.concepts import CONCEPTS
from medground_bench.core.geometry import box_iou, tight_box
from medground_bench.core.types import Frame, Mask
from medground_bench.phantom import seeds
from medground_bench.storage.whole_files import sha256, write_whole
from medground_bench.training.checkpoints import checkpoint_key
from medground_bench.training.radiograph.renders import HELD_OUT, TRAINING, renders
from medground_bench.training.unet.masked_pictures import CELL_PX, SIDE_PX, MaskedPictures
from medground_bench.training.unet.phantoms import phantoms
from medground_bench.training.unet.randomise import randomise

CHECKPOINT_EVERY = 250
FULL = CELL_PX**2
MANY = 10**7
"""More steps than any run has, so that no two recipes' steps share their random numbers."""


@dataclass(frozen=True, kw_only=True)
class UnetRecipe:
    """Everything that decides the weights besides the code."""

    seed: int = 0
    training_phantoms: int = 6000
    validation_phantoms: int = 64
    training_projections: int = 0  # of the CT, each seen in two pictures
    validation_projections: int = 0
    phantom_share: float = 1.0  # of every batch
    steps: int = 12000
    batch: int = 16
    rate: float = 3e-3
    weight_decay: float = 1e-3
    warm_up_steps: int = 100
    falling_share: float = 0.4
    average_decay: float = 0.998


RECIPES = {
    "phantom_unet": UnetRecipe(),
    "film_unet": UnetRecipe(
        training_phantoms=2000, training_projections=4000, validation_projections=32, phantom_share=0.25
    ),
}
"""Those of the shipped networks, by the name of their localizer."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingCells:
    """What is learned from: pictures (N, 112, 112) uint8, and how much of each of their pixels a concept covers.

    cells  (N, 11, 112, 112) uint8, the native pixels of 2 x 2 that are covered, so FULL is all of them
    """

    pictures: Tensor
    cells: Tensor

    @classmethod
    def of(cls, masked: MaskedPictures) -> TrainingCells:
        """The pictures as the network sees them."""
        count, side = len(masked), SIDE_PX // SHRINK
        squares = masked.pictures.reshape(count, side, SHRINK, side, SHRINK)
        pictures = np.stack([np.round(square.mean(axis=(1, 3))).astype(np.uint8) for square in squares])
        return cls(torch.from_numpy(pictures), torch.from_numpy(masked.pixels_per_cell()))

    def draw(self, count: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Some pictures, and the share of each pixel that a concept covers."""
        rows = torch.randint(len(self.pictures), (count,), generator=rng)
        return self.pictures[rows], self.cells[rows].float() / FULL


Kinds = Sequence[tuple[int, TrainingCells]]
"""How many pictures of a batch are of each kind, and all of that kind."""


class UnetTrainer:
    """One run; the numbers of a step are drawn from the recipe's seed and the step alone."""

    def __init__(self, recipe: UnetRecipe, console: Console) -> None:
        """Random weights."""
        self.recipe, self.console = recipe, console
        torch.manual_seed(recipe.seed)
        self.net = AnatomyNet()
        self.average = {name: value.clone() for name, value in self._values().items()}
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay, betas=(0.9, 0.98)
        )
        self.step, self.seconds = 0, 0.0

    def run(self, data: Kinds, validation: Mapping[str, MaskedPictures], checkpoint: Path) -> None:
        """All steps that are left; progress every 50, a checkpoint and the accuracy every 250."""
        if checkpoint.exists():
            self._restore(checkpoint)
        begin, first, before, losses = time.monotonic(), self.step, self.seconds, []
        for pictures, targets in self._batches(data):
            losses.append(self._learn(pictures, targets))
            self.step += 1
            self.seconds = before + time.monotonic() - begin
            if self.step % 50 == 0:
                rate = (self.step - first) / (time.monotonic() - begin)
                left = (self.recipe.steps - self.step) / rate
                self._say(f"{self.step}/{self.recipe.steps}, loss {np.mean(losses):.4f}, "
                          f"{rate:.2f} steps/s, {left:.0f} s left")  # fmt: skip
                losses.clear()
            if self.step % CHECKPOINT_EVERY == 0 or self.step == self.recipe.steps:
                write_whole(checkpoint, save(self._state(), metadata=self._progress()))
                for kind, pictures_of_kind in validation.items():
                    self._say(f"{kind}: {self._accuracy(pictures_of_kind)}")

    def shipped(self) -> dict[str, Tensor]:
        """The averaged weights in fp16, as they go into the package."""
        return {name: value.half().contiguous() for name, value in self.average.items()}

    def _batches(self, data: Kinds) -> Iterator[tuple[Tensor, Tensor]]:
        """Of every step that is left; each is drawn while the one before it is learned from."""
        with ThreadPoolExecutor(1) as pool:
            ahead = pool.submit(self._batch, data, self.step)
            for step in range(self.step + 1, self.recipe.steps + 1):
                batch = ahead.result()
                ahead = pool.submit(self._batch, data, step)
                yield batch

    @torch.no_grad()
    def _batch(self, data: Kinds, step: int) -> tuple[Tensor, Tensor]:
        rng = torch.Generator().manual_seed(self.recipe.seed * MANY + step)
        drawn = [kind.draw(count, rng) for count, kind in data]
        pictures, targets = (torch.cat(each) for each in zip(*drawn, strict=True))
        return randomise(pictures, targets, rng)

    def _learn(self, pictures: Tensor, targets: Tensor) -> float:
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.rate * _rate_share(self.recipe, self.step)
        self.net.train()
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.net.look(pictures)
        loss = overlap_loss(logits.float(), targets)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        keep = min(self.recipe.average_decay, (1 + self.step) / (10 + self.step))
        for name, value in self._values().items():
            self.average[name].lerp_(value, 1 - keep)
        return loss.item()

    def _accuracy(self, data: MaskedPictures) -> str:
        """Mean box IoU of the averaged weights on pictures as rendered, per concept."""
        net = AnatomyNet()
        net.load_state_dict(self.average, strict=False)
        scores = box_ious(net, data)
        return "box IoU " + ", ".join(
            f"{concept} {score:.3f}"
            for concept, score in zip(CONCEPTS, np.nanmean(scores, axis=0), strict=True)
        )

    def _values(self) -> dict[str, Tensor]:
        """Weights and running statistics."""
        state = self.net.state_dict()
        return {name: value for name, value in state.items() if value.is_floating_point()}

    def _state(self) -> dict[str, Tensor]:
        parts = {"weights": self._values(), "average": self.average}
        for name, weights in self.net.named_parameters():
            moments = self.optimiser.state[weights]
            for key in ("step", "exp_avg", "exp_avg_sq"):
                parts.setdefault(key, {})[name] = moments[key]
        return {
            f"{part}/{name}": value.contiguous()
            for part, values in parts.items()
            for name, value in values.items()
        }

    def _restore(self, checkpoint: Path) -> None:
        with safe_open(checkpoint, framework="pt") as stored:
            progress = stored.metadata()
            state = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118
        self.step, self.seconds = int(progress["step"]), float(progress["seconds"])
        with torch.no_grad():
            for name, value in self._values().items():
                value.copy_(state[f"weights/{name}"])
                self.average[name].copy_(state[f"average/{name}"])
        for name, weights in self.net.named_parameters():
            self.optimiser.state[weights] = {
                key: state[f"{key}/{name}"].to(memory_format=torch.preserve_format)
                for key in ("step", "exp_avg", "exp_avg_sq")
            }
        self._say(f"going on from step {self.step}")

    def _progress(self) -> dict[str, str]:
        return {"step": str(self.step), "seconds": f"{self.seconds:.1f}"}

    def _say(self, line: str) -> None:
        self.console.print(line, highlight=False, soft_wrap=True)


def overlap_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of every cell, plus one minus the Dice overlap of every concept that is on the picture."""
    likely = logits.sigmoid()
    shared = (likely * targets).sum((2, 3))
    total = likely.sum((2, 3)) + targets.sum((2, 3))
    present = (targets.sum((2, 3)) > 1).float()
    dice = 1 - (2 * shared + 1) / (total + 1)
    cross_entropy = functional.binary_cross_entropy_with_logits(logits, targets)
    return (dice * present).sum() / present.sum().clamp_min(1) + 2 * cross_entropy


@torch.no_grad()
def box_ious(net: AnatomyNet, data: MaskedPictures, batch: int = 16) -> NDArray[np.float64]:
    """IoU of the tight boxes, (pictures, concepts).

    nan where the phantom shows no such concept, 0 where it does and none is found.
    """
    net.eval()
    rows = []
    for start in range(0, len(data), batch):
        part = slice(start, start + batch)
        logits = enlarge(net(torch.from_numpy(data.pictures[part])), SIDE_PX).numpy()
        for found, drawn in zip(logits, data.masks(part).astype(bool), strict=True):
            rows.append(
                [box_iou_of_masks(*pair) for pair in zip(concept_masks(found).values(), drawn, strict=True)]
            )
    return np.array(rows)


def box_iou_of_masks(found: Mask, drawn: Mask) -> float:
    """IoU of the tight boxes; nan where nothing is drawn, 0 where nothing is found."""
    frame = Frame.study_of(drawn)
    one, other = tight_box(found, frame), tight_box(drawn, frame)
    if other is None:
        return math.nan
    return 0.0 if one is None else box_iou(one, other)


def _rate_share(recipe: UnetRecipe, step: int) -> float:
    """A linear warm-up, then held, then a straight fall to nothing over the last share of the steps."""
    left = (recipe.steps - step) / (recipe.falling_share * recipe.steps)
    return min(1.0, (step + 1) / recipe.warm_up_steps, left)


def train(recipe: UnetRecipe, folder: Path, work: Path, console: Console, *, threads: int) -> None:
    """Render, train, and write the weights to `folder`; pictures and the checkpoint stay in `work`."""
    torch.set_num_threads(threads)
    work.mkdir(parents=True, exist_ok=True)
    drawn = round(recipe.batch * recipe.phantom_share)
    data = [(drawn, phantoms(seeds.TRAINING[: recipe.training_phantoms], work, processes=threads))]
    validation = {
        "phantoms": phantoms(seeds.VALIDATION[: recipe.validation_phantoms], work, processes=threads)
    }
    if recipe.training_projections:
        held, learned = HELD_OUT[: recipe.validation_projections], TRAINING[: recipe.training_projections]
        validation["renders"] = renders(held, work, processes=threads)
        say = partial(_say_rendered, console, len(learned))
        data.append((recipe.batch - drawn, renders(learned, work, processes=threads, advance=say)))
    trainer = UnetTrainer(recipe, console)
    trainer.run(
        [(count, TrainingCells.of(pictures)) for count, pictures in data],
        validation,
        work / f"unet-{checkpoint_key(asdict(recipe), __file__)}.safetensors",
    )
    weights = save(trainer.shipped())
    write_whole(folder / WEIGHTS, weights)
    record = {
        "weights_sha256": sha256(weights),
        "recipe": asdict(recipe),
        "seconds": round(trainer.seconds),
        "threads": threads,
        "versions": {"torch": torch.__version__},
    }
    write_whole(folder / RECORD, (json.dumps(record, indent=1) + "\n").encode())


def _say_rendered(console: Console, total: int, done: int) -> None:
    console.print(f"{done} of {total} projections rendered", highlight=False)


def main(
    name: Annotated[str, typer.Argument(help=f"which network: {' or '.join(RECIPES)}")],
    out: Annotated[Path, typer.Option(help="folder of the finished weights")],
    work: Annotated[Path, typer.Option(help="folder for rendered pictures and checkpoints")] = Path(
        "unet-training"
    ),
    threads: Annotated[int, typer.Option(help="cores that render and learn; one more draws the batches")] = 2,
) -> None:
    """Train an anatomy U-Net. Example: python -m medground_bench.training.unet.train film_unet --out film_unet."""
    if name not in RECIPES:
        raise typer.BadParameter(f"there is no recipe {name!r}; there are {', '.join(RECIPES)}.")
    train(RECIPES[name], out, work, Console(), threads=threads)


if __name__ == "__main__":
    typer.run(main)
