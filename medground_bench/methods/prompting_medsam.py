"""Prompting + MedSAM: the LVLM names its evidence, the names are found, MedSAM outlines them. Paper, Appendix C.

A phrase that names anatomy is looked up among the located concepts; any other goes to an open-vocabulary detector, when
one is given. Then MedSAM refines every box, when its weights are at hand: `refiner` says so in every record of a run.

The embedded LVLMs never learnt to write a list of phrases, so on the phantom there is no box, and every case scores 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from medground_bench.anatomy.detector import open_detector
from medground_bench.anatomy.phrases import concepts_named
from medground_bench.anatomy.refiners import refined
from medground_bench.anatomy.refiners.medsam import medsam_at_hand, open_medsam
from medground_bench.anatomy.weights import MEDSAM, revision
from medground_bench.core.boxes_in_text import phrases_in
from medground_bench.core.errors import SourceMissing
from medground_bench.core.types import Attribution, Box, Case
from medground_bench.localizers import localize_case
from medground_bench.lvlms import Lvlm, Need
from medground_bench.methods._settings import BadSetting
from medground_bench.methods.prompting import request

TEMPLATE = (
    "Identify the local evidence in the image that supports the answer, and output descriptions of the target "
    'objects/regions. Provide your answer as a list of words or phrases ["region1", "region2", …] that concisely '
    "describe the target regions in the image."
)

NO_PHRASE = "no phrase in the text"
NOT_FOUND = "no phrase was found on the picture"
CONCEPT_CHARACTERS = 100


@dataclass(frozen=True, kw_only=True)
class PromptingMedsam:
    """Locations are folders or `org/name@commit`; None does without that step.

    detector_revision  which weights are at the detector's location, read when the method is made; None without it
    refiner_revision   the same of the refiner

    A location that holds nothing raises SourceMissing.

    >>> method = PromptingMedsam(localizer="mean_box", refiner=None)
    >>> method.detector_revision, method.refiner_revision
    (None, None)
    """

    needs: ClassVar[frozenset[Need]] = frozenset({Need.TEXT})

    max_new_tokens: int = 256  # after which the LVLM is cut short
    localizer: str = "uot"  # who finds the anatomy that a phrase names
    detector: str | None = None  # for example google/owlv2-base-patch16-ensemble at a commit
    refiner: str | None = field(default_factory=medsam_at_hand)  # where MedSAM's weights are
    detector_revision: str | None = field(init=False, default=None)
    refiner_revision: str | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1:
            raise BadSetting(f"prompting_medsam: {self.max_new_tokens} new tokens are no room for phrases.")
        for part in ("detector", "refiner"):
            location = getattr(self, part)
            try:
                object.__setattr__(self, f"{part}_revision", location and revision(location))
            except SourceMissing as error:
                remedy = f" Correct {MEDSAM.variable}, or unset it." if location == MEDSAM.location() else ""
                raise SourceMissing(f"prompting_medsam has no {part}: {error}{remedy}") from error

    def attribute(self, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Attribution:
        """The refined boxes of all phrases that were found; the concept lists them, or says why there is none."""
        [said] = lvlm.generate([case.picture], [request(case, TEMPLATE)], max_new_tokens=self.max_new_tokens)
        phrases = phrases_in(said.text)
        if not phrases:
            return Attribution(boxes=(), concept=NO_PHRASE)
        grounded = self._grounded(case, phrases)
        boxes = tuple(dict.fromkeys(box for found in grounded.values() for box in found))
        if not boxes:
            return Attribution(boxes=(), concept=NOT_FOUND)
        if self.refiner is not None:
            boxes = tuple(dict.fromkeys(refined(open_medsam(self.refiner), case.picture, boxes)))
        concept = ", ".join(phrase for phrase, found in grounded.items() if found)
        return Attribution(boxes=boxes[:10], concept=concept[:CONCEPT_CHARACTERS])

    def _grounded(self, case: Case, phrases: Sequence[str]) -> dict[str, tuple[Box, ...]]:
        """Phrase -> its boxes in the study frame; empty for one that was not found."""
        concepts = {phrase: concepts_named(phrase) for phrase in phrases}
        known = localize_case(self.localizer, case).boxes if any(concepts.values()) else {}
        grounded = {
            phrase: tuple(known[concept] for concept in named if concept in known)
            for phrase, named in concepts.items()
        }
        others = [phrase for phrase, boxes in grounded.items() if not boxes]
        if others and self.detector is not None:
            grounded |= open_detector(self.detector).boxes(case.picture, others)
        return grounded


METHOD = PromptingMedsam
PAPER = True
