"""MedFocus: which anatomical concept, when hidden, takes the response's probability away.

Source: paper, section 4.2 and Appendix D. Eleven concepts are localised; each one's box, and the union of the member
boxes of each of 4 composite groups, is hidden; the response is teacher-forced on every picture in one batch; and

    Delta_c = sum over response tokens of max(0, log p(token | original) - log p(token | c hidden)).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from medground_bench.anatomy.concepts import GROUPS, ConceptRegions
from medground_bench.errors import FrameMismatch, MethodFailed
from medground_bench.localizers import localize
from medground_bench.lvlms import Lvlm, Need
from medground_bench.methods import content_box
from medground_bench.types import Attribution, Box, Case, Picture, TokenDrop

WHOLE_IMAGE = "whole image"


class Fill(StrEnum):
    """What a hidden box shows. Black looks like air, so `mean` finds a pneumothorax where the paper's `zero` cannot."""

    ZERO = "zero"
    MEAN = "mean"


@dataclass(frozen=True, kw_only=True)
class MedFocus:
    """The paper's settings; `localizer` is any name of `medground list localizers`."""

    needs: ClassVar[frozenset[Need]] = frozenset({Need.LOG_PROBS})

    localizer: str = "uot"
    fill: Fill = Fill.ZERO
    tau: float = (
        0.75  # the whole image when every region keeps at least this share of the response's probability
    )

    def attribute(self, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Attribution:
        """The concept or group with the largest Delta; regions are localised once a picture and shared by questions."""
        return self.attribute_regions(lvlm, case, localize(self.localizer, case.picture))

    def attribute_regions(self, lvlm: Lvlm, case: Case, regions: ConceptRegions) -> Attribution:
        """As `attribute`, with concepts the caller has found.

        boxes             the winner's box, or a group's member boxes, or the picture inside its letterbox as fallback
        concept_drops     Delta in nats of every concept and group that was tried, concepts first
        token_drops       of the winner, adding up to its Delta; none for the fallback
        missing_concepts  those without a box: not tried, and left out of their group

        Of equal Deltas the first wins, so a concept wins over its group. No concept at all raises MethodFailed.
        """
        if regions.frame != case.study:
            raise FrameMismatch(
                f"the concepts are in {regions.frame}, but the case's picture is {case.study}."
            )
        if not regions.boxes:
            raise MethodFailed(f"case {case.case_id}: no anatomical concept was found on the picture.")
        tried = _concepts_and_groups(regions.boxes)
        grey = self._grey(case)
        pictures = [case.picture, *(_hidden(case.picture, boxes, grey) for boxes in tried.values())]
        drops = positive_drops(lvlm.log_probs(pictures, case.prompt, case.response))
        deltas = dict(zip(tried, drops.sum(axis=1).tolist(), strict=True))
        winner = max(deltas, key=deltas.__getitem__)
        if math.exp(-deltas[winner]) >= self.tau:
            return Attribution(
                boxes=(content_box(case),),
                concept=WHOLE_IMAGE,
                concept_drops=deltas,
                missing_concepts=regions.missing,
            )
        winners_drops = drops[list(tried).index(winner)].tolist()
        return Attribution(
            boxes=tried[winner],
            concept=winner,
            concept_drops=deltas,
            token_drops=tuple(map(TokenDrop, case.response.tokens, winners_drops)),
            missing_concepts=regions.missing,
        )

    def _grey(self, case: Case) -> int:
        if self.fill is Fill.ZERO:
            return 0
        x0, y0, x1, y1 = _pixels(content_box(case))
        return round(float(case.picture[y0:y1, x0:x1].mean()))


def positive_drops(log_probs: NDArray[np.float32]) -> NDArray[np.float64]:
    """What each token loses, nats and at least 0: (1 + regions, tokens), original first -> (regions, tokens).

    Only the positive part counts: a token that gains when a region is hidden spoke against it (paper, Eq. 3).
    """
    values = log_probs.astype(np.float64)
    if values.shape[1] == 0:
        raise MethodFailed("the response has no tokens, so there is nothing to explain.")
    if not np.isfinite(values).all():
        raise MethodFailed(
            "a log-probability of the response is NaN or infinite, so no drop can be measured."
        )
    drops: NDArray[np.float64] = np.maximum(values[0] - values[1:], 0.0)
    return drops


def _concepts_and_groups(boxes: Mapping[str, Box]) -> dict[str, tuple[Box, ...]]:
    """Concept or group -> the boxes it hides; a group needs two members that were found."""
    tried: dict[str, tuple[Box, ...]] = {concept: (box,) for concept, box in boxes.items()}
    for group, members in GROUPS.items():
        found = tuple(boxes[member] for member in members if member in boxes)
        if len(found) > 1:
            tried[group] = found
    return tried


def _hidden(picture: Picture, boxes: Iterable[Box], grey: int) -> Picture:
    hidden = picture.copy()
    for box in boxes:
        x0, y0, x1, y1 = _pixels(box)
        hidden[y0:y1, x0:x1] = grey
    return hidden


def _pixels(box: Box) -> tuple[int, int, int, int]:
    """Every pixel that the box touches."""
    return (
        max(0, math.floor(box.x0)),
        max(0, math.floor(box.y0)),
        math.ceil(box.x1),
        math.ceil(box.y1),
    )


METHOD = MedFocus
