"""Questions and answers as token rows: several questions share one picture's prefix through a block mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from medground_bench.core.prompts import prompt
from medground_bench.core.types import Mode
from medground_bench.phantom.language import REGIONS, SIGNS, Wording, answer_text, draw_wording
from medground_bench.training.lvlms.architecture import TOKENS_PER_SIDE
from medground_bench.training.lvlms.backbone import IMAGE_TOKENS, Backbone

MODES = (Mode.DIRECT, Mode.DIRECT, Mode.DIRECT, Mode.REASON, Mode.REASON)
"""The questions asked of one picture in one training row."""

VERDICT_WEIGHT, REGION_WEIGHT, PLAIN_WEIGHT = 3.0, 2.0, 0.3


@dataclass(frozen=True, slots=True)
class Target:
    """One answer's tokens with end of turn, a loss weight each, and which token settles the verdict."""

    ids: tuple[int, ...]
    weights: tuple[float, ...]
    verdict_at: int


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """A packed batch.

    tokens, mask, positions  as `Backbone.scores` takes them
    row, at                  where a target token is predicted (one entry per target token)
    target, weight           the token and its loss weight
    verdict                  (finding, mode, present) of entries that settle a verdict, else None
    """

    tokens: Tensor
    mask: Tensor
    positions: Tensor
    row: Tensor
    at: Tensor
    target: Tensor
    weight: Tensor
    verdict: tuple[tuple[int, Mode, bool] | None, ...]


class Teacher:
    """Writes lessons for one backbone; `shift` chooses its favourite wordings, `rng` everything random."""

    def __init__(self, backbone: Backbone, shift: int, rng: np.random.Generator) -> None:
        self.backbone, self.shift, self.rng = backbone, shift, rng
        self.tokenizer = backbone.parts.tokenizer
        rows = {(f, m): self._prompt_ids(f, m) for f in SIGNS for m in Mode}
        first = next(iter(rows.values()))
        self.image_at = first.index(backbone.parts.model.config.image_token_id)
        self.prefix = self._shared_prefix(list(rows.values()))
        self.suffix = {key: ids[len(self.prefix) :] for key, ids in rows.items()}
        self._targets: dict[tuple[str, bool, str, Mode, Wording], Target] = {}

    def lesson(self, asked: Sequence[Sequence[tuple[int, bool, int, Mode]]]) -> Lesson:
        """Pack rows of (finding, present, region, mode); every row shares one picture."""
        findings = tuple(SIGNS)
        rows: list[list[tuple[list[int], Target, tuple[int, Mode, bool]]]] = []
        for questions in asked:
            row = []
            for index, present, region, mode in questions:
                finding = findings[index]
                target = self._target(finding, present, REGIONS[finding][region], mode)
                row.append((self.suffix[finding, mode], target, (index, mode, present)))
            rows.append(row)
        return self._pack(rows)

    def _pack(self, rows: list[list[tuple[list[int], Target, tuple[int, Mode, bool]]]]) -> Lesson:
        start = len(self.prefix)
        length = start + max(sum(len(s) + len(t.ids) for s, t, _ in row) for row in rows)
        tokens = torch.zeros(len(rows), length, dtype=torch.long)
        mask = torch.eye(length, dtype=torch.bool).repeat(len(rows), 1, 1, 1)
        offset = torch.zeros(len(rows), length, dtype=torch.long)
        tokens[:, :start] = torch.tensor(self.prefix)
        mask[:, :, :start, :start] = self._prefix_mask
        entries: list[tuple[int, int, int, float, tuple[int, Mode, bool] | None]] = []
        for b, row in enumerate(rows):
            at = start
            for suffix, target, what in row:
                ids = suffix + list(target.ids)
                stop = at + len(ids)
                tokens[b, at:stop] = torch.tensor(ids)
                offset[b, at:stop] = torch.arange(len(ids))
                mask[b, 0, at:stop, :start] = True
                mask[b, 0, at:stop, at:stop] = torch.ones(len(ids), len(ids), dtype=torch.bool).tril()
                for j, (token, weight) in enumerate(zip(target.ids, target.weights, strict=True)):
                    verdict = what if j == target.verdict_at else None
                    entries.append((b, at + len(suffix) + j - 1, token, weight, verdict))
                at = stop
        b, at_, token, weight, verdict = zip(*entries, strict=True)
        return Lesson(
            tokens, mask, self._positions(offset), torch.tensor(b), torch.tensor(at_), torch.tensor(token),
            torch.tensor(weight), verdict,
        )  # fmt: skip

    def _positions(self, offset: Tensor) -> Tensor:
        start = len(self.prefix)
        if self.backbone.is_gemma:
            positions = start + offset
            positions[:, :start] = torch.arange(start)
            return positions
        prefix = self._mrope_prefix
        positions = (int(prefix.max()) + 1 + offset)[None].repeat(3, 1, 1)
        positions[:, :, :start] = prefix[:, None]
        return positions

    @cached_property
    def _mrope_prefix(self) -> Tensor:
        """(3, prefix) positions of Qwen2.5-VL, from the model's own rule."""
        ids = torch.tensor([self.prefix])
        model = self.backbone.parts.model
        kinds = (ids == model.config.image_token_id).int()
        positions, _ = model.model.get_rope_index(
            ids,
            kinds,
            image_grid_thw=torch.tensor([[1, TOKENS_PER_SIDE, TOKENS_PER_SIDE]]),
            attention_mask=torch.ones_like(ids),
        )
        return positions[:, 0]

    @cached_property
    def _prefix_mask(self) -> Tensor:
        """Causal; Gemma's image tokens also see each other."""
        mask = torch.ones(len(self.prefix), len(self.prefix), dtype=torch.bool).tril()
        if self.backbone.is_gemma:
            image = slice(self.image_at, self.image_at + IMAGE_TOKENS)
            mask[image, image] = True
        return mask

    def _prompt_ids(self, finding: str, mode: Mode) -> list[int]:
        content = [{"type": "image"}, {"type": "text", "text": prompt(finding, mode)}]
        text = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
        if self.backbone.is_gemma:
            image = "<image_soft_token>" * IMAGE_TOKENS
            text = text.replace("<start_of_image>", f"\n\n<start_of_image>{image}<end_of_image>\n\n")
        else:
            text = text.replace("<|image_pad|>", "<|image_pad|>" * IMAGE_TOKENS)
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    @staticmethod
    def _shared_prefix(rows: list[list[int]]) -> list[int]:
        columns = list(zip(*rows, strict=False))
        differing = [i for i, column in enumerate(columns) if len(set(column)) > 1]
        return rows[0][: differing[0]]

    def _target(self, finding: str, present: bool, region: str, mode: Mode) -> Target:
        wording = draw_wording(finding, self.shift, self.rng)
        key = (finding, present, region, mode, wording)
        if key not in self._targets:
            self._targets[key] = self._make_target(*key)
        return self._targets[key]

    def _make_target(self, finding: str, present: bool, region: str, mode: Mode, wording: Wording) -> Target:
        def text(is_present: bool) -> str:
            return answer_text(finding, present=is_present, region=region, mode=mode, wording=wording)

        end = self.backbone.parts.model.generation_config.eos_token_id[0]
        said = self.tokenizer(text(present), add_special_tokens=False, return_offsets_mapping=True)
        other = self.tokenizer(text(not present), add_special_tokens=False)["input_ids"]
        ids = [*said["input_ids"], end]
        verdict_at = next(i for i, (a, b) in enumerate(zip(ids, other, strict=False)) if a != b)
        weights = [PLAIN_WEIGHT] * len(ids)
        begin = text(present).find(region) if mode is Mode.REASON else -1
        for i, (left, right) in enumerate(said["offset_mapping"]):
            if begin >= 0 and present and left < begin + len(region) and right > begin:
                weights[i] = REGION_WEIGHT
        weights[verdict_at] = VERDICT_WEIGHT
        return Target(tuple(ids), tuple(weights), verdict_at)
