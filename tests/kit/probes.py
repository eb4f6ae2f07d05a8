"""An LVLM whose log-probability is known: the mean grey of one patch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from medground_bench.core.boxes_in_text import BoxConvention
from medground_bench.core.types import Case, Frame, Response
from medground_bench.lvlms import Need

STUDY = Frame("study", width=224, height=224)


@dataclass
class PatchLvlm:
    """Log-probability of "Yes" = mean grey of its patch / 64, plus a constant; `batches` are the sizes it was given."""

    patch: tuple[int, int, int, int] = (140, 56, 168, 84)  # x0, y0, x1, y1
    constant: float = -9.0
    says: str = ""
    key: str = "patch"
    revision: str = "r1"
    precision: str = "float32"
    gives: frozenset[Need] = frozenset({Need.LOG_PROBS, Need.TEXT})
    layers: int = 0
    heads: int = 0
    batches: list[int] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)

    def log_probs(self, pictures: Sequence[np.ndarray], prompt: str, response: Response) -> np.ndarray:
        self.batches.append(len(pictures))
        x0, y0, x1, y1 = self.patch
        means = [picture[y0:y1, x0:x1].mean() / 64 for picture in pictures]
        return np.array(means, np.float32)[:, None] + np.float32(self.constant)

    def generate(self, pictures, prompts, *, max_new_tokens=512):
        self.prompts.extend(prompts)
        return [Response(self.says, (1,), (self.says,)) for _ in pictures]

    def box_convention(self, frame: Frame) -> BoxConvention:
        return BoxConvention(frame)


def bright_case(prompt: str = "Is there evidence of nodule in the image?") -> Case:
    """An evenly grey picture, so that only where the LVLM looks can matter."""
    picture = np.full((224, 224), 128, np.uint8)
    return Case("a/b/nodule@patch:direct", "nodule", prompt, Response("Yes", (1,), ("Yes",)), picture, STUDY)
