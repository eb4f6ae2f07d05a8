"""Phrases to boxes by an open-vocabulary detector of transformers, such as OWLv2 or Grounding DINO."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from PIL import Image

from medground_bench.anatomy import weights
from medground_bench.core.types import Box, Frame, Picture

if TYPE_CHECKING:
    from transformers import GroundingDinoProcessor, Owlv2Processor, PreTrainedModel

BOXES_A_PHRASE = 3


@dataclass(frozen=True, slots=True, eq=False)
class Detector:
    """A loaded detector and its processor; it has not seen a radiograph in training, so expect little."""

    model: PreTrainedModel
    processor: GroundingDinoProcessor | Owlv2Processor
    threshold: float = 0.1

    def boxes(self, picture: Picture, phrases: Sequence[str]) -> dict[str, tuple[Box, ...]]:
        """Phrase -> at most 3 boxes, best first, in the picture's own pixels; all phrases in one pass."""
        frame = Frame.study_of(picture)
        rgb = Image.fromarray(picture).convert("RGB")
        # A full stop is what separates phrases in the text that Grounding DINO reads.
        names = [" ".join(phrase.replace(".", " ").split()) for phrase in phrases]
        inputs = self.processor(images=rgb, text=[names], return_tensors="pt").to(self.model.device)
        with torch.no_grad():
            outputs = self.model(**inputs)
        if "grounding-dino" in self.model.config.model_type:
            corners = _corners_of_centres(outputs.pred_boxes[0], frame)
            scores = self._span_scores(outputs.logits[0].sigmoid(), inputs["input_ids"][0], len(phrases))
        else:
            [found] = self.processor.post_process_grounded_object_detection(
                outputs, threshold=-1.0, target_sizes=[picture.shape]
            )
            corners, scores = found["boxes"], outputs.logits[0].sigmoid()
        return {phrase: self._best(corners, scores[:, place], frame) for place, phrase in enumerate(phrases)}

    def _best(self, corners: torch.Tensor, scores: torch.Tensor, frame: Frame) -> tuple[Box, ...]:
        best: list[Box] = []
        for place in scores.argsort(descending=True, stable=True).tolist():
            if scores[place] <= self.threshold or len(best) == BOXES_A_PHRASE:
                break
            box = _clipped(corners[place].tolist(), frame)
            if box is not None:
                best.append(box)
        return tuple(best)

    def _span_scores(self, by_token: torch.Tensor, token_ids: torch.Tensor, phrases: int) -> torch.Tensor:
        """(queries, text length) -> (queries, phrases): the mean over each phrase's own tokens, 0 where it has none.

        The mean and not the highest, or "left lung" and "right lung" would both be as likely as "lung".
        """
        tokenizer = self.processor.tokenizer
        stop, special = tokenizer.convert_tokens_to_ids("."), set(tokenizer.all_special_ids)
        spans: list[list[int]] = [[]]
        for place, token in enumerate(token_ids.tolist()[: by_token.shape[1]]):
            if token == stop:
                spans.append([])
            elif token not in special or token == tokenizer.unk_token_id:
                spans[-1].append(place)
        scores = by_token.new_zeros(len(by_token), phrases)
        for phrase, span in enumerate(spans[:phrases]):
            if span:
                scores[:, phrase] = by_token[:, span].mean(dim=1)
        return scores


@lru_cache(maxsize=2)
def open_detector(location: str) -> Detector:
    """A detector of any family at a location of `weights`, opened once."""
    from transformers import AutoModelForZeroShotObjectDetection, AutoProcessor

    folder = weights.GROUNDING_DINO.folder(location)
    model = weights.GROUNDING_DINO.load(AutoModelForZeroShotObjectDetection, folder)
    processor = AutoProcessor.from_pretrained(folder, backend="pil")  # type: ignore[no-untyped-call]
    return Detector(model, processor)


def _corners_of_centres(relative: torch.Tensor, frame: Frame) -> torch.Tensor:
    """(queries, 4) centre x, centre y, width, height as shares of the picture -> corners in its pixels."""
    centre, half = relative[:, :2], relative[:, 2:] / 2
    sides = relative.new_tensor([frame.width, frame.height] * 2)
    return torch.cat([centre - half, centre + half], dim=1) * sides


def _clipped(xyxy: list[float], frame: Frame) -> Box | None:
    x0, x1 = (min(max(x, 0.0), float(frame.width)) for x in xyxy[0::2])
    y0, y1 = (min(max(y, 0.0), float(frame.height)) for y in xyxy[1::2])
    return Box(x0, y0, x1, y1, frame) if x0 < x1 and y0 < y1 else None
