"""Protocol sensitivity: what the quantile at which maps are cut, and negative evidence, do to scores and ranks.

The paper cuts at .9 (Appendix C) and says nothing of signs; min-max before the cut makes a map's most negative value
its zero. `clamped` sets negative values to 0 first, as the paper's code does with occlusion; a method says itself which
of the two its row has. Boxes that a method chose itself stay as they are in every variant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from medground_bench.core.geometry import Letterbox, boxes_from_map
from medground_bench.core.scoring import overlap
from medground_bench.core.types import Box, Case, SaliencyMap
from medground_bench.lvlms import Lvlm
from medground_bench.probes.subjects import Look, Shown
from medground_bench.storage.journal import Entry

QUANTILES = (0.8, 0.9, 0.95)
SIGNS = ("signed", "clamped")


@dataclass(frozen=True, slots=True)
class CutVariant:
    """One way of cutting boxes from a map.

    >>> CutVariant("clamped", 0.95).name
    'clamped, .95'
    """

    sign: str
    quantile: float

    @property
    def name(self) -> str:
        """For people and columns."""
        return f"{self.sign}, {f'{self.quantile:g}'.removeprefix('0')}"

    def boxes(self, saliency: SaliencyMap, case: Case) -> tuple[Box, ...]:
        """Native pixels, as `methods.explain` makes them in one of the variants of quantile .9."""
        letterbox = Letterbox.fit(case.native, case.study.width)
        cut = boxes_from_map(saliency.clamped if self.sign == "clamped" else saliency, quantile=self.quantile)
        return tuple(box for box in map(letterbox.to_native, cut) if box is not None)


PREDICTED = "predicted"
"""The measure of a method's boxes as its row on a board has them."""

VARIANTS = tuple(CutVariant(*pair) for pair in product(SIGNS, QUANTILES))


def measure(_lvlm: Lvlm, shown: Shown, looks: Sequence[Look]) -> list[Entry]:
    """Of every method its IoU as predicted and in each variant; None where its maps cannot be made again."""
    return [_ious(shown, look) for look in looks]


def _ious(shown: Shown, look: Look) -> Entry:
    explained = look.explained
    chosen = explained is not None and explained.attribution.boxes is not None
    saliency = None if chosen else look.saliency
    truth = shown.reference.boxes

    def iou(variant: CutVariant) -> float | None:
        if saliency is not None:
            return overlap(variant.boxes(saliency, shown.case), truth).iou
        return overlap(look.boxes, truth).iou if look.method is not None else None

    boxes = explained.boxes if explained is not None and saliency is not None else look.boxes
    predicted = overlap(boxes, truth).iou if look.method is not None else None
    return {PREDICTED: predicted, **{variant.name: iou(variant) for variant in VARIANTS}}
