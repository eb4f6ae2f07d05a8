"""Phrases to boxes by an open-vocabulary detector of transformers, such as OWLv2 or Grounding DINO."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from PIL import Image

from medground_bench.anatomy.refiners.medsam import checkpoint_folder
from medground_bench.types import Box, Frame, Picture

BOXES_A_PHRASE = 3


@dataclass(frozen=True, slots=True, eq=False)
class Detector:
    """A loaded detector and its processor; it has not seen a radiograph in training, so expect little."""

    model: Any
    processor: Any
    threshold: float = 0.1

    def boxes(self, picture: Picture, phrases: Sequence[str]) -> dict[str, tuple[Box, ...]]:
        """Phrase -> at most 3 boxes, best first, in the picture's own pixels; all phrases in one pass."""
        import torch

        height, width = picture.shape
        frame = Frame("study", width=width, height=height)
        rgb = Image.fromarray(picture).convert("RGB")
        inputs = self.processor(images=rgb, text=[list(phrases)], return_tensors="pt").to(self.model.device)
        with torch.no_grad():
            outputs = self.model(**inputs)
        [found] = self.processor.post_process_grounded_object_detection(
            outputs, threshold=self.threshold, target_sizes=[(height, width)], text_labels=[list(phrases)]
        )
        kept: dict[str, list[Box]] = {phrase: [] for phrase in phrases}
        for place in found["scores"].argsort(descending=True, stable=True).tolist():
            box = _clipped(found["boxes"][place].tolist(), frame)
            boxes = kept.get(found["text_labels"][place])
            if box is not None and boxes is not None and len(boxes) < BOXES_A_PHRASE:
                boxes.append(box)
        return {phrase: tuple(boxes) for phrase, boxes in kept.items()}


@lru_cache(maxsize=2)
def open_detector(location: str) -> Detector:
    """A detector in a folder or on the hub (`org/name@commit`), opened once."""
    import torch
    from transformers import AutoModelForZeroShotObjectDetection, AutoProcessor

    folder = checkpoint_folder(location)
    model = AutoModelForZeroShotObjectDetection.from_pretrained(folder, dtype=torch.float32)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    processor = AutoProcessor.from_pretrained(folder, backend="pil")
    return Detector(model.to(device).eval().requires_grad_(False), processor)


def _clipped(xyxy: list[float], frame: Frame) -> Box | None:
    x0, x1 = (min(max(x, 0.0), float(frame.width)) for x in xyxy[0::2])
    y0, y1 = (min(max(y, 0.0), float(frame.height)) for y in xyxy[1::2])
    return Box(x0, y0, x1, y1, frame) if x0 < x1 and y0 < y1 else None
