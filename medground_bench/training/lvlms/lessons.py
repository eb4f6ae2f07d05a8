"""Questions and answers as token rows: several questions share one picture's prefix through a block mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from medground_bench.core.prompts import prompt
from medground_bench.core.types import Mode
from medground_bench.phantom.language import REGIONS, SIGNS, Wording, answer_text, draw_wording
from medground_bench.training.lvlms.architecture import TOKENS_PER_SIDE
from medground_bench.training.lvlms.backbone import IMAGE_TOKENS, Backbone
from medground_bench.training.lvlms.exercises import Exercise

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

    tokens, mask, positions  as `Backbone.hidden_states` takes them
    row, at                  where a target token is predicted (one entry per target token)
    target, weight           the token and its loss weight
    verdict                  the exercise whose verdict an entry settles, else None
    """

    tokens: Tensor
    mask: Tensor
    positions: Tensor
    row: Tensor
    at: Tensor
    target: Tensor
    weight: Tensor
    verdict: tuple[Exercise | None, ...]


class _Turn(NamedTuple):
    """An exercise as tokens: what asks it, behind the prefix that all share, and what answers it."""

    suffix: list[int]
    target: Target
    exercise: Exercise


class _TargetToken(NamedTuple):
    """One target token; see `Lesson`."""

    row: int
    at: int
    token: int
    weight: float
    verdict: Exercise | None


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

    def lesson(self, exercises: Sequence[Sequence[Exercise]]) -> Lesson:
        """Pack rows of exercises; those of a row are about one picture."""
        return self._pack([[self._turn(exercise) for exercise in row] for row in exercises])

    def _turn(self, exercise: Exercise) -> _Turn:
        finding = tuple(SIGNS)[exercise.finding]
        region = REGIONS[finding][exercise.region]
        target = self._target(finding, exercise.present, region, exercise.mode)
        return _Turn(self.suffix[finding, exercise.mode], target, exercise)

    def _pack(self, rows: list[list[_Turn]]) -> Lesson:
        start = len(self.prefix)
        length = start + max(sum(len(turn.suffix) + len(turn.target.ids) for turn in row) for row in rows)
        tokens = torch.zeros(len(rows), length, dtype=torch.long)
        mask = torch.eye(length, dtype=torch.bool).repeat(len(rows), 1, 1, 1)
        offset = torch.zeros(len(rows), length, dtype=torch.long)
        tokens[:, :start] = torch.tensor(self.prefix)
        mask[:, :, :start, :start] = self._prefix_mask
        entries: list[_TargetToken] = []
        for b, row in enumerate(rows):
            at = start
            for suffix, target, exercise in row:
                ids = suffix + list(target.ids)
                stop = at + len(ids)
                tokens[b, at:stop] = torch.tensor(ids)
                offset[b, at:stop] = torch.arange(len(ids))
                mask[b, 0, at:stop, :start] = True
                mask[b, 0, at:stop, at:stop] = torch.ones(len(ids), len(ids), dtype=torch.bool).tril()
                for j, (token, weight) in enumerate(zip(target.ids, target.weights, strict=True)):
                    verdict = exercise if j == target.verdict_at else None
                    entries.append(_TargetToken(b, at + len(suffix) + j - 1, token, weight, verdict))
                at = stop
        return Lesson(
            tokens,
            mask,
            self._positions(offset),
            row=torch.tensor([entry.row for entry in entries]),
            at=torch.tensor([entry.at for entry in entries]),
            target=torch.tensor([entry.token for entry in entries]),
            weight=torch.tensor([entry.weight for entry in entries]),
            verdict=tuple(entry.verdict for entry in entries),
        )

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
        prefix: Tensor = positions[:, 0]
        return prefix

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
        messages = [{"role": "user", "content": content}]
        text = self.tokenizer.apply_chat_template(
            messages,  # type: ignore[arg-type]  # its hint knows no message of several parts
            tokenize=False,
            add_generation_prompt=True,
        )
        assert isinstance(text, str)
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
        answer = self.tokenizer(text(present), add_special_tokens=False, return_offsets_mapping=True)
        other = self.tokenizer(text(not present), add_special_tokens=False)["input_ids"]
        ids = [*answer["input_ids"], end]
        verdict_at = next(i for i, (a, b) in enumerate(zip(ids, other, strict=False)) if a != b)
        weights = [PLAIN_WEIGHT] * len(ids)
        begin = text(present).find(region) if mode is Mode.REASON else -1
        for i, (left, right) in enumerate(answer["offset_mapping"]):
            if begin >= 0 and present and left < begin + len(region) and right > begin:
                weights[i] = REGION_WEIGHT
        weights[verdict_at] = VERDICT_WEIGHT
        return Target(tuple(ids), tuple(weights), verdict_at)
