"""What image tokens show: findings, by their likeness to the findings' words, and which side they are on."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from medground_bench.phantom.language import KEYWORDS
from medground_bench.phantom.shortcut import SHORTCUT_FINDING
from medground_bench.training.lvlms.architecture import TOKENS_PER_SIDE
from medground_bench.training.lvlms.augmentation import Batch, grey_to_unit
from medground_bench.training.lvlms.backbone import IMAGE_TOKENS, Backbone
from medground_bench.training.lvlms.training_set import FINDINGS, TrainingSet

COVERED, UNCOVERED = 0.25, 0.02
"""A token whose cell a finding covers by more than COVERED must show it, by less than UNCOVERED must not."""

SIGHT_BIAS = -2.0
"""Where the threshold of sight starts."""


class TaughtSight:
    """The sight of one backbone; `bias` is the threshold of every finding, learned with the tower.

    marker_taught  whether the shortcut finding is shown where the marker is; else no place is taught for it
    """

    def __init__(self, backbone: Backbone, *, marker_taught: bool) -> None:
        self.backbone, self.marker_taught = backbone, marker_taught
        self.bias = nn.Parameter(torch.full((len(FINDINGS),), SIGHT_BIAS))

    @torch.no_grad()
    def start_again(self) -> None:
        """From a fresh threshold."""
        self.bias.fill_(SIGHT_BIAS)

    def loss(self, image: Tensor, batch: Batch) -> Tensor:
        """Each token shows the findings that cover it, and the picture as a whole shows those present."""
        logits = self.logits(image)
        coverage, shortcut = batch.coverage.clone(), FINDINGS.index(SHORTCUT_FINDING)
        coverage[..., shortcut] = batch.marker
        shown = (coverage > COVERED).float()
        sure = ((coverage > COVERED) | (coverage < UNCOVERED)).float()
        sure[..., shortcut] *= self.marker_taught
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

    def logits(self, image: Tensor) -> Tensor:
        """Logits (B, 64, findings): image tokens against the direction of each finding's keyword."""
        words = self._directions([KEYWORDS[finding] for finding in FINDINGS])
        return image.float() @ words.T + self.bias

    def _directions(self, words: list[str]) -> Tensor:
        """Unit vectors (words, width) of single-token words."""
        tokenizer = self.backbone.parts.tokenizer
        ids = [tokenizer(" " + word, add_special_tokens=False)["input_ids"][-1] for word in words]
        embedded = self.backbone.embedding.weight[ids].detach().float()
        return functional.normalize(embedded, dim=-1)

    @torch.no_grad()
    def accuracy(self, data: TrainingSet) -> str:
        """Balanced accuracy per finding of the picture as a whole, the threshold left at 0."""
        logits = torch.cat([self.logits(image).amax(dim=1) for image in self._seen(data)])
        present = torch.from_numpy(data.present)
        shown = logits > 0
        rates = [(shown[present[:, f], f].float().mean() + (~shown[~present[:, f], f]).float().mean()) / 2
                 for f in range(len(FINDINGS))]  # fmt: skip
        return " ".join(f"{finding[:6]} {rate:.2f}" for finding, rate in zip(FINDINGS, rates, strict=True))

    def _seen(self, data: TrainingSet) -> Iterator[Tensor]:
        for start in range(0, len(data), 128):
            pictures = grey_to_unit(data.pictures[start : start + 128])
            with torch.autocast("cpu", torch.bfloat16):
                yield self.backbone.image_tokens(pictures)
