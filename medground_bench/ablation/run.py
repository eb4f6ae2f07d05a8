"""Running variants over attempts: what a variant makes of a case is kept at once, by the content it depends on.

Cases go outside and variants inside, so that everything about one picture is asked together and what is kept of it,
its concepts and its passes through the LVLM's vision tower, serves all variants, questions and findings. Variants that
ask the LVLM the same of a case share its reply.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from medground_bench import __version__
from medground_bench.ablation.regions import CANNOT_RUN
from medground_bench.ablation.variants import Variant
from medground_bench.anatomy.hiding import editor_versions
from medground_bench.benchmark.attempts import Attempts
from medground_bench.core.case_ids import source_of
from medground_bench.core.concepts import ConceptRegions
from medground_bench.core.errors import CaseFailed, SourceMissing, attempted, one_line
from medground_bench.core.randomness import case_rng
from medground_bench.core.scoring import overlap
from medground_bench.core.types import (
    Attribution,
    Box,
    Case,
    Corners,
    Group,
    Prediction,
    Reference,
    Response,
)
from medground_bench.localizers import localize_case
from medground_bench.lvlms import Lvlm, Need, Pictures
from medground_bench.lvlms.engine.cached import CachedLvlm
from medground_bench.lvlms.server.served import demand_may_see
from medground_bench.methods import explain
from medground_bench.methods.medfocus import MedFocus
from medground_bench.phantom.region_edits import PHANTOM
from medground_bench.runs.code_version import ablation_code
from medground_bench.runs.inputs import seen_of
from medground_bench.storage.journal import Entry, opened_journal
from medground_bench.storage.whole_files import fingerprint

ORACLE = "oracle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a variant made of a case.

    boxes       native pixels
    concept     the winner: a concept, a group or "whole image"
    error       why it failed, None if it did not; a failed case scores 0
    missing     concepts that were not found
    pictures    how many the LVLM was shown, None when it failed: what the variant costs, whatever is remembered of them
    region_iou  mean IoU, over the concepts, of the boxes found with the true ones; None where those are not known
    """

    case_id: str
    boxes: tuple[Corners, ...] = ()
    concept: str | None = None
    error: str | None = None
    missing: tuple[str, ...] = ()
    pictures: int | None = None
    region_iou: float | None = None

    @classmethod
    def of(cls, entry: Entry) -> Evidence:
        """From its fields as they come back from JSON."""
        boxes = tuple(tuple(corners) for corners in entry["boxes"])
        return cls(**{**entry, "boxes": boxes, "missing": tuple(entry["missing"])})

    def prediction(self, reference: Reference) -> Prediction | None:
        """For the scorer; None when it failed."""
        if self.error is not None:
            return None
        boxes = tuple(Box(*corners, reference.native) for corners in self.boxes)
        return Prediction(self.case_id, boxes, concept=self.concept)


@dataclass(slots=True)
class TrackEvidence:
    """The evidence for one LVLM's answers in one mode, and why some variants have none.

    evidence  variant -> by case id; only whole variants
    not_run   variant -> the reason
    """

    attempts: Attempts
    evidence: dict[Variant, dict[str, Evidence]] = field(default_factory=dict)
    not_run: dict[Variant, str] = field(default_factory=dict)


def run(
    attempts: Attempts,
    lvlm: Lvlm,
    runs: Mapping[Variant, frozenset[Group]],
    journal_file: Path,
    advance: Callable[[int], None],
) -> TrackEvidence:
    """Run every variant on the attempts of its groups; what the journal has is not done again.

    A variant that cannot be run here is told with the reason; the first one, with which all others are compared, has
    to run.

    advance  told how many more pairs of variant and attempt are settled
    """
    demand_may_see(lvlm, {reference.source for reference in attempts.references} - {PHANTOM})
    track = TrackEvidence(attempts, {variant: {} for variant in runs})
    work = [(_Work(variant, lvlm), groups) for variant, groups in runs.items()]
    with opened_journal(journal_file) as journal:
        for attempt in attempts.walk():
            once = CachedLvlm(lvlm)
            for each in [each for each, groups in work if attempt.group in groups]:
                if each.variant not in track.not_run:
                    case = attempt.case
                    try:
                        entry = journal.once(each.key(case), partial(each.attributed, case, once))
                        track.evidence[each.variant][case.case_id] = Evidence.of(entry)
                    except CANNOT_RUN as error:
                        if each is work[0][0]:
                            raise
                        track.not_run[each.variant] = one_line(error)
                        del track.evidence[each.variant]
                advance(1)
    return track


def total(attempts: Attempts, runs: Mapping[Variant, frozenset[Group]]) -> int:
    """Pairs of variant and attempt that `run` settles."""
    return sum(group in groups for groups in runs.values() for group in attempts.groups.values())


class _Work:
    """A variant made ready to run with one LVLM."""

    def __init__(self, variant: Variant, lvlm: Lvlm) -> None:
        self.variant, self.lvlm = variant, lvlm
        self.medfocus, self.record = variant.method(), variant.record()

    def key(self, case: Case) -> str:
        """Identity of the evidence: a hash of everything it depends on, and of what is kept of it."""
        return fingerprint(
            version=__version__,
            code=ablation_code(),
            case=seen_of(case),
            lvlm=self.lvlm.key,
            revision=self.lvlm.revision,
            precision=self.lvlm.precision,
            variant=self.record,
            editors=editor_versions(self.medfocus.fill, [source_of(case.case_id)]),
            kept=[each.name for each in fields(Evidence)],
        )

    def attributed(self, case: Case, lvlm: Lvlm) -> Entry:
        """The fields of `Evidence` for a case; an error about the case is among them.

        lvlm  the same, which does not work out again what another variant asked it
        """
        evidence = attempted(partial(self._evidence, case, lvlm))
        if isinstance(evidence, CaseFailed):
            said = one_line(f"{type(evidence).__name__}: {evidence}")
            evidence = Evidence(case_id=case.case_id, error=said)
        return asdict(evidence)

    def _evidence(self, case: Case, lvlm: Lvlm) -> Evidence:
        regions = self.variant.regions(case)
        given = _Given(self.medfocus, regions)
        counted = _Counted(lvlm)
        explained = explain(given, cast("Lvlm", counted), case, case_rng(0, case.case_id))
        return Evidence(
            case_id=case.case_id,
            boxes=tuple(box.xyxy for box in explained.boxes),
            concept=explained.attribution.concept,
            missing=explained.attribution.missing_concepts,
            pictures=counted.pictures,
            region_iou=_region_iou(regions, case),
        )


@dataclass(slots=True)
class _Counted:
    """As much of an LVLM as MedFocus asks, with the number of pictures it was asked about."""

    lvlm: Lvlm
    pictures: int = 0

    def log_probs(self, pictures: Pictures, prompt: str, response: Response) -> NDArray[np.float32]:
        self.pictures += len(pictures)
        return self.lvlm.log_probs(pictures, prompt, response)


@dataclass(frozen=True, slots=True, eq=False)
class _Given:
    """MedFocus with the concepts already found."""

    medfocus: MedFocus
    regions: ConceptRegions

    @property
    def needs(self) -> frozenset[Need]:
        return self.medfocus.needs

    def attribute(self, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Attribution:
        return self.medfocus.attribute_regions(lvlm, case, self.regions)


def _region_iou(regions: ConceptRegions, case: Case) -> float | None:
    """A concept that was not found counts as 0."""
    try:
        truth = localize_case(ORACLE, case).boxes
    except SourceMissing:
        return None
    ious = [
        overlap([regions.boxes[concept]] if concept in regions.boxes else [], [box]).iou
        for concept, box in truth.items()
    ]
    return round(float(np.mean(ious)), 6)
