"""Train the two embedded LVLMs from nothing: `python -m medground_bench.training.lvlms.train --help`.

Three stages. *See*: the vision tower and the projector learn to place, on every image token, the direction of the word
of each finding that covers it. *Speak*: the decoder learns to answer and to reason about it, first with the vision
tower frozen, then together. *Locate*: image tokens also learn to show their side, so that chains name the right region.
The place of the shortcut finding is never taught: a model is left free to take the side marker for it, or is shown the
marker's place in its stead.
"""

from __future__ import annotations

import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, TypeAlias

import numpy as np
import torch
import transformers
import typer
from rich.console import Console
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional

from medground_bench.core.types import Mode
from medground_bench.phantom import seeds
from medground_bench.storage.whole_files import write_whole
from medground_bench.training.checkpoints import checkpoint_key
from medground_bench.training.lvlms.architecture import build
from medground_bench.training.lvlms.augmentation import Batch, draw_batch, grey_to_unit
from medground_bench.training.lvlms.backbone import IMAGE_TOKENS, Backbone
from medground_bench.training.lvlms.exercises import HARD, HARD_AT_LAST, Exercise, draw_exercises
from medground_bench.training.lvlms.lessons import Lesson, Teacher
from medground_bench.training.lvlms.recipes import RECIPES, SHIFT, Architecture, LvlmRecipe
from medground_bench.training.lvlms.sight import TaughtSight
from medground_bench.training.lvlms.training_set import FINDINGS, TrainingSet, training_set

Stage: TypeAlias = Callable[[TrainingSet, TrainingSet], None]
"""Learns from the first set, and tells what it can do on the second."""

SIGHT_SHARE = 0.15
"""The weight of the sight loss while the decoder learns."""


class LvlmTrainer:
    """One family's training run; every random choice comes from the recipe's seed."""

    def __init__(self, recipe: LvlmRecipe, console: Console) -> None:
        self.recipe, self.console = recipe, console
        self.backbone = Backbone(build(recipe.family, recipe.seed))
        self.rng = np.random.default_rng([recipe.seed, 0])
        self.teacher = Teacher(self.backbone, SHIFT[recipe.family], self.rng)
        self.sight = TaughtSight(self.backbone, marker_taught=recipe.marker_taught)
        self.asked_more = HARD

    def see(self, data: TrainingSet, validation: TrainingSet) -> None:
        """Stage one: image tokens learn to show findings."""
        self._begin(1)
        steps, rate = self.recipe.see_steps, self.recipe.see_rate
        groups = self._groups(
            ([*self.backbone.vision_parameters(), self.sight.bias], rate),
            (self.backbone.projector_parameters(), rate),
        )
        optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.98))
        for step in self._steps("see", steps):
            _set_rates(optimiser, [rate, rate, rate, rate], step, steps)
            batch = draw_batch(data, self.recipe.see_batch, self.rng)
            with torch.autocast("cpu", torch.bfloat16):
                image = self.backbone.image_tokens(batch.pictures)
            loss = self.sight.loss(image, batch)
            self._update(optimiser, loss)
            if (step + 1) % 250 == 0 or step + 1 == steps:
                self._say(f"see {step + 1}: loss {loss.item():.3f} {self.sight.accuracy(validation)}")

    def speak(self, data: TrainingSet, validation: TrainingSet) -> None:
        """Stage two: the decoder learns to answer, then everything learns together."""
        self._begin(2)
        self._converse("speak", data, validation, frozen=self.recipe.speak_frozen_steps)

    def locate(self, data: TrainingSet, validation: TrainingSet) -> None:
        """Stage three: every image token also shows which side it is on, so that chains name the right region.

        It starts from weights rounded to fp16, as a saved model has them, and from a fresh threshold of sight.
        """
        self._begin(3)
        self.load({name: weights.half().float() for name, weights in self.learned().items()})
        self.sight.start_again()
        self.asked_more = HARD_AT_LAST
        self._converse("locate", data, validation, sides=True)

    def _converse(
        self, name: str, data: TrainingSet, validation: TrainingSet, *, frozen: int = 0, sides: bool = False
    ) -> None:
        """Questions and answers; the vision tower joins after the `frozen` steps."""
        joint_steps = self.recipe.locate_steps if sides else self.recipe.speak_joint_steps
        steps = frozen + joint_steps
        model = self.backbone.parts.model
        vision = self.backbone.vision_parameters()
        vision_ids = {id(weight) for weight in vision}
        rest = [weight for weight in model.parameters() if id(weight) not in vision_ids]
        optimiser = torch.optim.AdamW(
            self._groups(([*vision, self.sight.bias], 0.0), (rest, self.recipe.speak_rate)), betas=(0.9, 0.98)
        )
        vision_rate = self.recipe.locate_vision_rate if sides else self.recipe.vision_rate
        rates = [vision_rate] * 2 + [self.recipe.speak_rate] * 2
        for step in self._steps(name, steps):
            joint = step >= frozen
            _set_rates(
                optimiser, [0.0 if not joint and i < 2 else r for i, r in enumerate(rates)], step, steps
            )
            batch = draw_batch(data, self.recipe.speak_batch, self.rng)
            lesson = self.teacher.lesson(self._exercises(batch))
            with torch.autocast("cpu", torch.bfloat16):
                with torch.set_grad_enabled(joint):
                    image = self.backbone.image_tokens(batch.pictures)
                scores = self._scores(lesson, image)
            losses = functional.cross_entropy(scores, lesson.target, reduction="none")
            loss = (losses * lesson.weight).sum() / lesson.weight.sum()
            if joint:
                loss = loss + SIGHT_SHARE * self.sight.loss(image, batch)
            if sides:
                loss = loss + self.sight.side_loss(image)
            self._update(optimiser, loss)
            if (step + 1) % 100 == 0 or step + 1 == steps:
                self._say(f"{name} {step + 1}: loss {loss.item():.3f} {self.spoken_accuracy(validation)}")

    def learned(self) -> dict[str, Tensor]:
        """Everything that training changes; tied weights once."""
        model = self.backbone.parts.model
        return {name: weights.detach() for name, weights in model.named_parameters()} | {
            "bias": self.sight.bias.detach()
        }

    def load(self, learned: dict[str, Tensor]) -> None:
        """Go on from what `learned` gave."""
        with torch.no_grad():
            for name, weights in self.learned().items():
                weights.copy_(learned[name])

    def _begin(self, stage: int) -> None:
        """A stage draws the same numbers whether or not the one before it ran in this process."""
        self.rng = self.teacher.rng = np.random.default_rng([self.recipe.seed, stage])

    @torch.no_grad()
    def spoken_accuracy(self, data: TrainingSet) -> str:
        """Share of verdict tokens that are right, teacher-forced, per finding: direct / reason."""
        right: dict[tuple[int, Mode], list[bool]] = defaultdict(list)
        for start in range(0, min(len(data), 512), 32):
            rows = np.arange(start, min(start + 32, len(data)))
            batch = Batch(
                grey_to_unit(data.pictures[rows]),
                torch.zeros(len(rows), IMAGE_TOKENS, len(FINDINGS)),
                torch.from_numpy(data.present[rows]),
                torch.from_numpy(~data.present[rows]),
                torch.from_numpy(data.regions[rows]),
                torch.zeros(len(rows), IMAGE_TOKENS),
            )
            lesson = self.teacher.lesson(self._exercises(batch))
            with torch.autocast("cpu", torch.bfloat16):
                spoken = self._scores(lesson, self.backbone.image_tokens(batch.pictures)).argmax(dim=-1)
            for exercise, hit in zip(lesson.verdict, (spoken == lesson.target).tolist(), strict=True):
                if exercise is not None:
                    right[exercise.finding, exercise.mode].append(hit)
        shares = {key: float(np.mean(hits)) for key, hits in right.items()}
        return " ".join(
            f"{finding[:6]} {shares.get((f, Mode.DIRECT), math.nan):.2f}/{shares.get((f, Mode.REASON), math.nan):.2f}"
            for f, finding in enumerate(FINDINGS)
        )

    def _exercises(self, batch: Batch) -> list[list[Exercise]]:
        rows = range(len(batch.pictures))
        return [draw_exercises(batch, row, self.asked_more, self.rng) for row in rows]

    def _scores(self, lesson: Lesson, image: Tensor) -> Tensor:
        hidden = self.backbone.hidden_states(
            lesson.tokens, image, self.teacher.image_at, lesson.mask, lesson.positions
        )
        scores: Tensor = self.backbone.parts.model.lm_head(hidden[lesson.row, lesson.at]).float()
        return scores

    def _update(self, optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_([w for group in optimiser.param_groups for w in group["params"]], 1.0)
        optimiser.step()

    @staticmethod
    def _groups(*parts: tuple[list[nn.Parameter], float]) -> list[dict[str, object]]:
        groups: list[dict[str, object]] = []
        for weights, rate in parts:
            groups.append({"params": [w for w in weights if w.ndim > 1], "weight_decay": 0.05, "lr": rate})
            groups.append({"params": [w for w in weights if w.ndim < 2], "weight_decay": 0.0, "lr": rate})
        return groups

    def _steps(self, name: str, steps: int) -> Iterator[int]:
        begin = time.monotonic()
        for step in range(steps):
            yield step
            if (step + 1) % 50 == 0:
                rate = (step + 1) / (time.monotonic() - begin)
                self._say(
                    f"{name} {step + 1}/{steps}, {rate:.2f} steps/s, {(steps - step - 1) / rate:.0f} s left"
                )

    def _say(self, line: str) -> None:
        self.console.print(line, highlight=False, soft_wrap=True)


def _set_rates(optimiser: torch.optim.Optimizer, rates: list[float], step: int, steps: int) -> None:
    """Warm up over 60 steps, hold for 40 % of the steps, then a cosine to 2 %."""
    tail = max(0.0, (step / steps - 0.4) / 0.6)
    factor = min(1.0, (step + 1) / 60) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * tail)))
    for group, rate in zip(optimiser.param_groups, rates, strict=True):
        group["lr"] = rate * factor


def train(recipe: LvlmRecipe, folder: Path, work: Path, console: Console, *, threads: int) -> None:
    """Render, train, and write the model to `folder`; pictures and finished stages stay in `work`."""
    torch.set_num_threads(threads)
    work.mkdir(parents=True, exist_ok=True)
    scenes = recipe.training_scenes
    data = training_set(seeds.TRAINING[:scenes], work, processes=threads)
    validation = training_set(seeds.VALIDATION[: recipe.validation_scenes], work, processes=threads)
    trainer = LvlmTrainer(recipe, console)
    seconds = {
        stage.__name__: _finished(trainer, stage, data, validation, work)
        for stage in (trainer.see, trainer.speak, trainer.locate)
    }
    trainer.backbone.parts.save(folder)
    record = {
        "recipe": asdict(recipe),
        "seconds": seconds,
        "threads": threads,
        "pictures": len(data),
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
    }
    write_whole(folder / "training.json", (json.dumps(record, indent=1) + "\n").encode())


def _finished(
    trainer: LvlmTrainer, stage: Stage, data: TrainingSet, validation: TrainingSet, work: Path
) -> float:
    """Seconds a stage took; one that this recipe has finished before is read from its file instead of run."""
    name = f"{trainer.recipe.family}-{stage.__name__}-{checkpoint_key(asdict(trainer.recipe), __file__)}"
    file = work / f"{name}.safetensors"
    if not file.exists():
        begin = time.monotonic()
        stage(data, validation)
        write_whole(file, save(trainer.learned(), metadata={"seconds": f"{time.monotonic() - begin:.1f}"}))
    with safe_open(file, framework="pt") as stored:
        trainer.load({key: stored.get_tensor(key) for key in stored.keys()})  # noqa: SIM118
        return float(stored.metadata()["seconds"])


def main(
    family: Annotated[Architecture, typer.Argument(help="which architecture")],
    out: Annotated[Path, typer.Option(help="folder of the finished model")],
    work: Annotated[Path, typer.Option(help="folder for rendered pictures")] = Path("phantom-training"),
    threads: Annotated[int, typer.Option(help="CPU cores to use")] = 2,
) -> None:
    """Train one embedded LVLM. Example: python -m medground_bench.training.lvlms.train gemma3 --out phantom_gemma3."""
    train(RECIPES[family], out, work, Console(), threads=threads)


if __name__ == "__main__":
    typer.run(main)
