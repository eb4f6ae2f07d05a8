"""Oracle: a source's own masks, exact for the phantom; needs a case of the benchmark, not just a picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from medground_bench.anatomy.regions import regions_of_masks
from medground_bench.core.case_ids import case_parts
from medground_bench.core.concepts import ConceptRegions
from medground_bench.core.errors import SourceMissing
from medground_bench.core.types import Case, Mask, Picture
from medground_bench.phantom.patient import Patient, patient
from medground_bench.pictures import mask_to_study, to_study

PHANTOM = "phantom"
CASES_KEPT = 64


@dataclass(frozen=True, kw_only=True)
class Oracle:
    """The upper end of every comparison of localizers: nothing is looked for, the regions are known."""

    def localize(self, picture: Picture) -> ConceptRegions:
        """SourceMissing: a picture alone does not say whose it is."""
        raise SourceMissing(
            "the oracle knows the anatomy of the benchmark's own cases, and this picture comes without one. Choose "
            "another localizer (medground list localizers), or run on a benchmark: medground predict --benchmark ..."
        )

    def localize_case(self, case: Case) -> ConceptRegions:
        """The masks from which the case's picture was drawn, its findings included, in the study frame.

        An enlarged heart is masked as enlarged. SourceMissing for a case of another source than the phantom, and for
        a picture that is not, pixel by pixel, what the phantom draws for that case.
        """
        parts = case_parts(case.case_id)
        source = parts.source if parts else "it"
        if parts is None or source != PHANTOM:
            raise SourceMissing(
                f"case {case.case_id}: no masks of the anatomy come with {source}; the oracle has those of {PHANTOM} "
                "only. Choose another localizer: medground list localizers"
            )
        image_id = parts.image_id
        if not (image_id.isascii() and image_id.isdigit()):
            raise SourceMissing(
                f"case {case.case_id}: {image_id!r} is no picture of the phantom, whose ids are whole numbers."
            )
        picture = case.picture
        regions = _phantom_regions(image_id, picture.shape[0], picture.tobytes())
        if regions is None:
            raise SourceMissing(
                f"case {case.case_id}: its picture is not the one that this version draws for phantom {image_id}, so "
                "the masks would not fit it. Build the benchmark again, and ask about its pictures unedited."
            )
        return regions


@lru_cache(maxsize=CASES_KEPT)
def _phantom_regions(image_id: str, side: int, content: bytes) -> ConceptRegions | None:
    """The regions of a phantom in a study frame of that side; None when the grey values are not its own."""
    who = patient(image_id)
    if _drawn(who, side).tobytes() != content:
        return None
    return regions_of_masks(_masks(who, side))


def _drawn(who: Patient, side: int) -> Picture:
    return to_study(who.scene.native(who.findings, marker=who.marker), side).picture


def _masks(who: Patient, side: int) -> dict[str, Mask]:
    native = who.scene.native_concept_masks(who.findings)
    return {concept: mask_to_study(mask, side) for concept, mask in native.items()}


LOCALIZER = Oracle
