"""MedFocus: which anatomical concept, when hidden, takes the response's probability away.

Source: paper, section 4.2 and Appendix D. Eleven concepts are localised; each one's box, and the union of the member
boxes of each of 4 composite groups, is hidden; the response is teacher-forced on every picture in one batch; and

    Delta_c = sum over response tokens of max(0, log p(token | original) - log p(token | c hidden)).

The largest Delta names the evidence. Where even that keeps the share tau of the response's probability or more,
exp(-Delta) >= tau, no concept drives the response and the whole image is reported.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from medground_bench.anatomy.hiding import Fill, Region, hidden
from medground_bench.anatomy.regions import touched_pixels, touched_slices
from medground_bench.anatomy.vocabulary import Vocabulary
from medground_bench.anatomy.vocabulary_file import read_vocabulary
from medground_bench.anatomy.weights import MEDSAM
from medground_bench.core.concepts import ConceptRegions
from medground_bench.core.errors import FrameMismatch, MethodFailed
from medground_bench.core.geometry import content_box
from medground_bench.core.types import Attribution, Case, Mask, Picture, TokenDrop
from medground_bench.localizers import localize_case
from medground_bench.lvlms import REMEMBERED, Lvlm, Need
from medground_bench.methods._region_rules import (
    Drops,
    HiddenRegions,
    LargestDrop,
    RegionRule,
    Weighed,
    narrowed,
)
from medground_bench.methods._settings import BadSetting, coerce

WHOLE_IMAGE = "whole image"
"""The concept of the fallback, by which its rate is counted."""


def papers_localizer() -> str:
    """`uot_medsam` where MedSAM's weights are at hand, else its first half, `uot`.

    >>> papers_localizer() in {"uot_medsam", "uot"}
    True
    """
    return "uot_medsam" if MEDSAM.at_hand() else "uot"


@dataclass(frozen=True, kw_only=True)
class MedFocus:
    """The paper's settings; `localizer` is any name of `medground list localizers`.

    localizer   who finds the concepts on a picture: the paper's whole way where MedSAM's weights are at hand
    region      what is hidden of a concept; its tight box is reported either way, because the benchmark scores boxes
    fill        what is shown instead
    tau         the whole image when every region keeps at least this share of the response's probability
    rule        which of the regions that matter is the evidence: the paper's takes the largest Delta
    groups      whether the vocabulary's groups are tried, too
    quadrants   whether a concept that wins is narrowed to the quadrant of its box that carries the response
    vocabulary  the concepts and groups that are tried: a shipped name, or a YAML file as `anatomy.vocabulary` describes
    concepts    what the vocabulary says, read when the method is made

    >>> method = MedFocus(localizer="mean_box", tau=0.5)
    >>> round(method.least_drop, 3), len(method.concepts.groups)
    (0.693, 4)
    """

    needs: ClassVar[frozenset[Need]] = frozenset({Need.LOG_PROBS})

    localizer: str = field(default_factory=papers_localizer)
    region: Region = Region.BOX
    fill: Fill = Fill.ZERO
    tau: float = 0.75
    rule: RegionRule = field(default_factory=LargestDrop)
    groups: bool = True
    quadrants: bool = False
    vocabulary: str = "imagenome"
    concepts: Vocabulary = field(init=False)

    def __post_init__(self) -> None:
        coerce(self, "region", Region)
        coerce(self, "fill", Fill)
        if not 0 < self.tau <= 1:
            raise BadSetting(
                f"tau is a share of the response's probability, above 0 and at most 1, not {self.tau}."
            )
        object.__setattr__(self, "concepts", read_vocabulary(self.vocabulary))

    @property
    def least_drop(self) -> float:
        """Delta in nats that a region must exceed to be reported."""
        return -math.log(self.tau)

    def attribute(self, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Attribution:
        """The concept or group that the rule prefers; regions are localised once a picture and shared by questions."""
        return self.attribute_regions(lvlm, case, localize_case(self.localizer, case))

    def attribute_regions(self, lvlm: Lvlm, case: Case, found: ConceptRegions) -> Attribution:
        """As `attribute`, with what a localizer found.

        boxes             the winner's box or quadrant, a group's member boxes, or as fallback the picture inside its
                          letterbox
        concept_drops     Delta in nats of every concept and group that was tried, concepts first
        token_drops       of the winner, adding up to its Delta; none for the fallback
        region_drops      of every token, for everything that was tried
        region_scores     by the rule, of those that matter
        missing_concepts  those without a box: not tried, and left out of their group

        Of equals the first wins, so a concept wins over its group. No concept at all raises MethodFailed.
        """
        regions = self._regions(case, found)
        tried = self._concepts_and_groups(regions)
        masks = [self._hidden_part(regions, members) for members in tried.values()]
        asked = self._log_probs(lvlm, case, [case.picture, *hidden(case, masks, self.fill)])
        drops = positive_drops(asked)
        cost = partial(self._cost, lvlm, case, asked[:1])
        weighed = self.rule.weigh(
            HiddenRegions(masks, drops.sum(axis=1), touched_slices(content_box(case)), cost)
        )
        by_region = {name: tuple(of_tokens) for name, of_tokens in zip(tried, drops.tolist(), strict=True)}
        scores = self._scores(list(tried), weighed)
        winner = max(scores, key=scores.__getitem__, default=WHOLE_IMAGE)
        chosen = tried.get(winner, ())
        boxes = tuple(regions.boxes[member] for member in chosen) or (content_box(case),)
        if self.quadrants and len(chosen) == 1:
            place = list(tried).index(winner)
            boxes = (narrowed(boxes[0], masks[place], float(drops[place].sum()), cost),)
        return Attribution(
            boxes=boxes,
            concept=winner,
            concept_drops=dict(zip(tried, drops.sum(axis=1).tolist(), strict=True)),
            token_drops=tuple(map(TokenDrop, case.response.tokens, by_region[winner])) if chosen else (),
            region_drops=by_region,
            region_scores=scores,
            missing_concepts=regions.missing,
        )

    def _regions(self, case: Case, found: ConceptRegions) -> ConceptRegions:
        if found.frame != case.study:
            raise FrameMismatch(f"the concepts are in {found.frame}, but the case's picture is {case.study}.")
        regions = self.concepts.regions(found)
        if not regions.boxes:
            raise MethodFailed(f"case {case.case_id}: no anatomical concept was found on the picture.")
        return regions

    def _scores(self, names: Sequence[str], weighed: Weighed) -> dict[str, float]:
        """What the rule compares the regions by, of those that matter; the whole image is reported where none does."""
        return {
            name: float(score)
            for name, nats, score in zip(names, weighed.nats, weighed.scores, strict=True)
            if math.exp(-max(0.0, nats)) < self.tau and score > -math.inf
        }

    def _log_probs(self, lvlm: Lvlm, case: Case, pictures: Sequence[Picture]) -> NDArray[np.float32]:
        """Of every token of the response, (pictures, tokens), in calls that are remembered."""
        calls = [pictures[start : start + REMEMBERED] for start in range(0, len(pictures), REMEMBERED)]
        return np.concatenate([lvlm.log_probs(call, case.prompt, case.response) for call in calls])

    def _cost(self, lvlm: Lvlm, case: Case, original: NDArray[np.float32], masks: Sequence[Mask]) -> Drops:
        """Delta of each mask, nats; `original` is what the picture itself was answered, (1, tokens)."""
        more = self._log_probs(lvlm, case, hidden(case, masks, self.fill))
        summed: Drops = positive_drops(np.concatenate([original, more])).sum(axis=1)
        return summed

    def counterfactuals(self, case: Case) -> dict[str, Picture]:
        """The pictures that `attribute` asked about: name -> the case's with that concept or group hidden."""
        regions = self.concepts.regions(localize_case(self.localizer, case))
        tried = self._concepts_and_groups(regions)
        masks = [self._hidden_part(regions, members) for members in tried.values()]
        return dict(zip(tried, hidden(case, masks, self.fill), strict=True))

    def _concepts_and_groups(self, regions: ConceptRegions) -> dict[str, tuple[str, ...]]:
        """What is tried -> the concepts it hides; a group needs two members that were found."""
        tried: dict[str, tuple[str, ...]] = {concept: (concept,) for concept in regions.boxes}
        for group in self.concepts.groups if self.groups else ():
            found = tuple(member for member in group.members if member in regions.boxes)
            if len(found) > 1:
                tried[group.name] = found
        return tried

    def _hidden_part(self, regions: ConceptRegions, members: tuple[str, ...]) -> Mask:
        """The union of the members' masks, or of every pixel that their boxes touch."""
        by_mask = self.region is Region.MASK
        parts = [regions.masks[each] if by_mask else touched_pixels(regions.boxes[each]) for each in members]
        return reduce(np.logical_or, parts)


def positive_drops(log_probs: NDArray[np.float32]) -> NDArray[np.float64]:
    """What each token loses, nats and at least 0: (1 + regions, tokens), original first -> (regions, tokens).

    Only the positive part counts: a token that gains when a region is hidden spoke against it (paper, Eq. 3).

    >>> positive_drops(np.float32([[-1.0, -2.0], [-1.5, -1.0], [-1.0, -6.0]])).tolist()
    [[0.5, 0.0], [0.0, 4.0]]
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


METHOD = MedFocus
LACKS = {"uot": "without MedSAM"}
"""Localizer -> what it lacks of the paper's; a board says so beside the name."""
PAPER = True
