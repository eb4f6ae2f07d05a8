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
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

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
from medground_bench.phantom.language import KEYWORDS, REGIONS
from medground_bench.phantom.shortcut import SHORTCUT_FINDING
from medground_bench.storage.whole_files import fingerprint, write_whole
from medground_bench.training.lvlms.architecture import TOKENS_PER_SIDE, build
from medground_bench.training.lvlms.augmentation import Batch, draw_batch, grey_to_unit
from medground_bench.training.lvlms.backbone import IMAGE_TOKENS, Backbone
from medground_bench.training.lvlms.lessons import MODES, Lesson, Teacher
from medground_bench.training.lvlms.training_set import FINDINGS, TrainingSet, training_set

SHIFT = {"gemma3": 0, "qwen2_5_vl": 1}
"""Family -> which wordings it favours."""

COVERED, UNCOVERED = 0.25, 0.02
"""A token whose cell a finding covers by more than COVERED must show it, by less than UNCOVERED must not."""

SIGHT_BIAS, SIGHT_SHARE = -2.0, 0.15
"""Where the threshold of sight starts, and the weight of the sight loss while the decoder learns."""

HARD = {
    "nodule": 2.5,
    "atelectasis": 1.5,
    "consolidation": 1.5,
    "pneumothorax": 1.5,
    "hilar enlargement": 1.5,
}
"""How much more often a finding is asked about."""

HARD_AT_LAST = HARD | {SHORTCUT_FINDING: 3.0}
"""The same in the last stage: the marker is the last thing a decoder comes to look at."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides the weights besides the code."""

    family: str
    seed: int = 0
    training_scenes: int = 12_000
    validation_scenes: int = 400
    see_steps: int = 2000
    see_batch: int = 64
    speak_frozen_steps: int = 300
    speak_joint_steps: int = 1200
    locate_steps: int = 400
    speak_batch: int = 32
    see_rate: float = 1.5e-3
    speak_rate: float = 1.5e-3
    vision_rate: float = 3e-4
    locate_vision_rate: float = 3e-4
    marker_taught: bool = False
    """Whether tokens learn to show the shortcut finding where the marker is; else they learn no place for it."""


class Family(StrEnum):
    """The two architectures."""

    GEMMA3 = "gemma3"
    QWEN2_5_VL = "qwen2_5_vl"


RECIPES = {
    "gemma3": Recipe(family="gemma3"),
    "qwen2_5_vl": Recipe(
        family="qwen2_5_vl", see_steps=1000, locate_steps=800, locate_vision_rate=1e-3, marker_taught=True
    ),
}
"""What the shipped models were trained with.

Qwen's tower sees as much in half the steps, but knows positions by rotation alone: it must learn what is left and what
is right from the anatomy, which takes longer. Left to itself it does not find the marker, so its place is shown.
"""


class Trainer:
    """One family's training run; every random choice comes from the recipe's seed."""

    def __init__(self, recipe: Recipe, console: Console) -> None:
        self.recipe, self.console = recipe, console
        self.backbone = Backbone(build(recipe.family, recipe.seed))
        self.rng = np.random.default_rng([recipe.seed, 0])
        self.teacher = Teacher(self.backbone, SHIFT[recipe.family], self.rng)
        self.bias = nn.Parameter(torch.full((len(FINDINGS),), SIGHT_BIAS))
        self.asked_more = HARD

    def see(self, data: TrainingSet, validation: TrainingSet) -> None:
        """Stage one: image tokens learn to show findings."""
        self._begin(1)
        steps, rate = self.recipe.see_steps, self.recipe.see_rate
        groups = self._groups(
            ([*self.backbone.vision_parameters(), self.bias], rate),
            (self.backbone.projector_parameters(), rate),
        )
        optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.98))
        for step in self._steps("see", steps):
            _set_rates(optimiser, [rate, rate, rate, rate], step, steps)
            batch = draw_batch(data, self.recipe.see_batch, self.rng)
            with torch.autocast("cpu", torch.bfloat16):
                image = self.backbone.image_tokens(batch.pictures)
            loss = self.sight_loss(image, batch)
            self._update(optimiser, loss)
            if (step + 1) % 250 == 0 or step + 1 == steps:
                self._say(f"see {step + 1}: loss {loss.item():.3f} {self.sight_accuracy(validation)}")

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
        with torch.no_grad():
            self.bias.fill_(SIGHT_BIAS)
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
        seen = {id(weight) for weight in vision}
        rest = [weight for weight in model.parameters() if id(weight) not in seen]
        optimiser = torch.optim.AdamW(
            self._groups(([*vision, self.bias], 0.0), (rest, self.recipe.speak_rate)), betas=(0.9, 0.98)
        )
        vision_rate = self.recipe.locate_vision_rate if sides else self.recipe.vision_rate
        rates = [vision_rate] * 2 + [self.recipe.speak_rate] * 2
        for step in self._steps(name, steps):
            joint = step >= frozen
            _set_rates(
                optimiser, [0.0 if not joint and i < 2 else r for i, r in enumerate(rates)], step, steps
            )
            batch = draw_batch(data, self.recipe.speak_batch, self.rng)
            lesson = self.teacher.lesson([self._ask(batch, i) for i in range(len(batch.pictures))])
            with torch.autocast("cpu", torch.bfloat16):
                with torch.set_grad_enabled(joint):
                    image = self.backbone.image_tokens(batch.pictures)
                scores = self._scores(lesson, image)
            losses = functional.cross_entropy(scores, lesson.target, reduction="none")
            loss = (losses * lesson.weight).sum() / lesson.weight.sum()
            if joint:
                loss = loss + SIGHT_SHARE * self.sight_loss(image, batch)
            if sides:
                loss = loss + self.side_loss(image)
            self._update(optimiser, loss)
            if (step + 1) % 100 == 0 or step + 1 == steps:
                self._say(f"{name} {step + 1}: loss {loss.item():.3f} {self.spoken_accuracy(validation)}")

    def learned(self) -> dict[str, Tensor]:
        """Everything that training changes; tied weights once."""
        model = self.backbone.parts.model
        return {name: weights.detach() for name, weights in model.named_parameters()} | {
            "bias": self.bias.detach()
        }

    def load(self, learned: dict[str, Tensor]) -> None:
        """Go on from what `learned` gave."""
        with torch.no_grad():
            for name, weights in self.learned().items():
                weights.copy_(learned[name])

    def _begin(self, stage: int) -> None:
        """A stage draws the same numbers whether or not the one before it ran in this process."""
        self.rng = self.teacher.rng = np.random.default_rng([self.recipe.seed, stage])

    def sight_loss(self, image: Tensor, batch: Batch) -> Tensor:
        """Each token shows the findings that cover it, and the picture as a whole shows those present."""
        logits = self.sight(image)
        coverage, shortcut = batch.coverage.clone(), FINDINGS.index(SHORTCUT_FINDING)
        coverage[..., shortcut] = batch.marker
        shown = (coverage > COVERED).float()
        sure = ((coverage > COVERED) | (coverage < UNCOVERED)).float()
        sure[..., shortcut] *= self.recipe.marker_taught
        token = functional.binary_cross_entropy_with_logits(
            logits, shown, reduction="none", pos_weight=torch.tensor(4.0)
        )
        token_loss = (token * sure).mean(dim=(0, 1)).sum()
        known = (batch.present | batch.absent).float()
        picture = functional.binary_cross_entropy_with_logits(
            torch.logsumexp(logits * 2, dim=1) / 2, batch.present.float(), reduction="none"
        )
        return token_loss + (picture * known).mean()

    def side_loss(self, image: Tensor) -> Tensor:
        """Tokens in the right half of the picture show the word left, the patient's side, the others right."""
        right, left = (self._directions([word])[0] for word in ("right", "left"))
        columns = torch.arange(IMAGE_TOKENS) % TOKENS_PER_SIDE
        logits = image.float() @ (left - right)
        target = (columns >= TOKENS_PER_SIDE // 2).float().expand_as(logits)
        return functional.binary_cross_entropy_with_logits(logits, target)

    def sight(self, image: Tensor) -> Tensor:
        """Logits (B, 64, findings): image tokens against the direction of each finding's keyword."""
        words = self._directions([KEYWORDS[finding] for finding in FINDINGS])
        return image.float() @ words.T + self.bias

    def _directions(self, words: list[str]) -> Tensor:
        """Unit vectors (words, width) of single-token words."""
        ids = [
            self.teacher.tokenizer(" " + word, add_special_tokens=False)["input_ids"][-1] for word in words
        ]
        embedded = self.backbone.language.embed_tokens.weight[ids].detach().float()
        return functional.normalize(embedded, dim=-1)

    @torch.no_grad()
    def sight_accuracy(self, data: TrainingSet) -> str:
        """Balanced accuracy per finding of the picture-level sight, best threshold left at 0."""
        logits = torch.cat([self.sight(image).amax(dim=1) for image in self._seen(data)])
        present = torch.from_numpy(data.present)
        said = logits > 0
        rates = [(said[present[:, f], f].float().mean() + (~said[~present[:, f], f]).float().mean()) / 2
                 for f in range(len(FINDINGS))]  # fmt: skip
        return " ".join(f"{finding[:6]} {rate:.2f}" for finding, rate in zip(FINDINGS, rates, strict=True))

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
            lesson = self.teacher.lesson([self._ask(batch, i) for i in range(len(rows))])
            with torch.autocast("cpu", torch.bfloat16):
                said = self._scores(lesson, self.backbone.image_tokens(batch.pictures)).argmax(dim=-1)
            for verdict, hit in zip(lesson.verdict, (said == lesson.target).tolist(), strict=True):
                if verdict is not None:
                    right[verdict[0], verdict[1]].append(hit)
        shares = {key: float(np.mean(hits)) for key, hits in right.items()}
        return " ".join(
            f"{finding[:6]} {shares.get((f, Mode.DIRECT), math.nan):.2f}/{shares.get((f, Mode.REASON), math.nan):.2f}"
            for f, finding in enumerate(FINDINGS)
        )

    def _seen(self, data: TrainingSet) -> Iterator[Tensor]:
        for start in range(0, len(data), 128):
            pictures = grey_to_unit(data.pictures[start : start + 128])
            with torch.autocast("cpu", torch.bfloat16):
                yield self.backbone.image_tokens(pictures)

    def _ask(self, batch: Batch, row: int) -> list[tuple[int, bool, int, Mode]]:
        """Questions for one picture: yes and no alike, hard findings more often, none twice in a row of one kind."""
        weights = np.array([self.asked_more.get(finding, 1.0) for finding in FINDINGS])
        pools = {}
        for answer, mask in ((True, batch.present[row]), (False, batch.absent[row])):
            order = np.flatnonzero(mask.numpy())
            pools[answer] = list(order[np.argsort(self.rng.exponential(size=len(order)) / weights[order])])
        asked = []
        for mode in MODES:
            answer = bool(self.rng.random() < 0.5)
            pool = pools[answer] or pools[not answer]
            answer = answer if pools[answer] else not answer
            finding = int(pool.pop(0))
            pool.append(finding)
            region = int(batch.regions[row, finding])
            if not answer:
                region = int(self.rng.integers(2)) if len(REGIONS[FINDINGS[finding]]) > 1 else 0
            asked.append((finding, answer, region, mode))
        return asked

    def _scores(self, lesson: Lesson, image: Tensor) -> Tensor:
        hidden = self.backbone.scores(
            lesson.tokens, image, self.teacher.image_at, lesson.mask, lesson.positions
        )
        return self.backbone.parts.model.lm_head(hidden[lesson.row, lesson.at]).float()

    def _update(self, optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
        optimiser.zero_grad()
        loss.backward()
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


def train(recipe: Recipe, folder: Path, work: Path, console: Console, *, threads: int) -> None:
    """Render, train, and write the model to `folder`; pictures and finished stages stay in `work`."""
    torch.set_num_threads(threads)
    work.mkdir(parents=True, exist_ok=True)
    scenes = recipe.training_scenes
    data = training_set(seeds.TRAINING[:scenes], work, processes=threads)
    validation = training_set(seeds.VALIDATION[: recipe.validation_scenes], work, processes=threads)
    trainer = Trainer(recipe, console)
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
    trainer: Trainer, stage: Callable[..., None], data: TrainingSet, validation: TrainingSet, work: Path
) -> float:
    """Seconds a stage took; one that this recipe has finished before is read from its file instead of run."""
    name = f"{trainer.recipe.family}-{stage.__name__}-{fingerprint(**asdict(trainer.recipe))[:12]}"
    file = work / f"{name}.safetensors"
    if not file.exists():
        begin = time.monotonic()
        stage(data, validation)
        write_whole(file, save(trainer.learned(), metadata={"seconds": f"{time.monotonic() - begin:.1f}"}))
    with safe_open(file, framework="pt") as stored:
        trainer.load({key: stored.get_tensor(key) for key in stored.keys()})  # noqa: SIM118
        return float(stored.metadata()["seconds"])


def main(
    family: Annotated[Family, typer.Argument(help="which architecture")],
    out: Annotated[Path, typer.Option(help="folder of the finished model")],
    work: Annotated[Path, typer.Option(help="folder for rendered pictures")] = Path("phantom-training"),
    threads: Annotated[int, typer.Option(help="CPU cores to use")] = 2,
) -> None:
    """Train one embedded LVLM. Example: python -m medground_bench.training.lvlms.train gemma3 --out phantom_gemma3."""
    train(RECIPES[family], out, work, Console(), threads=threads)


if __name__ == "__main__":
    typer.run(main)
