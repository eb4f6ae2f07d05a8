"""Running variants over attempts: every result is kept as soon as it is there, by the content it depends on.

Cases go outside and variants inside, so that everything about one picture is asked together and what is kept of it,
its concepts and its passes through the LVLM's vision tower, serves all variants, questions and findings.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from medground_bench import __version__
from medground_bench.ablation.attempts import Attempts
from medground_bench.ablation.regions import CANNOT_RUN
from medground_bench.ablation.variants import Variant
from medground_bench.anatomy.concepts import ConceptRegions
from medground_bench.code_version import method_code
from medground_bench.durable import fingerprint, flush_folder, hold, sha256
from medground_bench.errors import NOT_OF_A_CASE, MedgroundError
from medground_bench.localizers import localize_case
from medground_bench.lvlms import Lvlm, Need
from medground_bench.methods import explain
from medground_bench.methods.medfocus import MedFocus
from medground_bench.predict import case_rng
from medground_bench.scoring import overlap
from medground_bench.types import Attribution, Box, Case, Group, Prediction, Reference

ORACLE = "oracle"
Corners = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a variant made of a case.

    boxes       native pixels
    concept     the winner: a concept, a group or "whole image"
    error       why it failed, None if it did not; a failed case scores 0
    missing     concepts that were not found
    region_iou  mean IoU, over the concepts, of the boxes found with the true ones; None where those are not known
    """

    case_id: str
    boxes: tuple[Corners, ...] = ()
    concept: str | None = None
    error: str | None = None
    missing: tuple[str, ...] = ()
    region_iou: float | None = None

    def prediction(self, reference: Reference) -> Prediction | None:
        """For the scorer; None when it failed."""
        if self.error is not None:
            return None
        boxes = tuple(Box(*corners, reference.native) for corners in self.boxes)
        return Prediction(self.case_id, boxes, concept=self.concept)


@dataclass(slots=True)
class Track:
    """The results of one LVLM in one mode, and why some variants have none.

    results  variant -> by case id; only whole variants
    not_run  variant -> the reason
    """

    attempts: Attempts
    results: dict[Variant, dict[str, Result]] = field(default_factory=dict)
    not_run: dict[Variant, str] = field(default_factory=dict)


def run(
    attempts: Attempts,
    lvlm: Lvlm,
    wanted: Mapping[Variant, frozenset[Group]],
    journal_file: Path,
    advance: Callable[[int], None],
    not_run: Mapping[Variant, str],
) -> Track:
    """Run every variant on the attempts of its groups; what the journal has is not done again.

    A variant that cannot be run here is told with the reason; the first one, with which all others are compared, has
    to run.

    advance  told how many more pairs of variant and attempt are settled
    not_run  variants that are known not to run here, with the reason; they are not tried again
    """
    track = Track(attempts, {variant: {} for variant in wanted if variant not in not_run}, dict(not_run))
    work = [(_Work(variant, lvlm), groups) for variant, groups in wanted.items()]
    with opened_journal(journal_file) as journal:
        for attempt in attempts.walk():
            for each in [each for each, groups in work if attempt.group in groups]:
                if each.variant not in track.not_run:
                    try:
                        result = journal.once(each.key(attempt.case), partial(each.attributed, attempt.case))
                        track.results[each.variant][attempt.case.case_id] = result
                    except CANNOT_RUN as error:
                        if each is work[0][0]:
                            raise
                        track.not_run[each.variant] = " ".join(str(error).split())
                        del track.results[each.variant]
                advance(1)
    return track


@dataclass(slots=True)
class Journal:
    """A file of results, one JSON line each, open and held; `known` has them by key."""

    file: BinaryIO
    known: dict[str, Result]

    def once(self, key: str, make: Callable[[], Result]) -> Result:
        """The result of that key, made and kept when it is not there."""
        if key not in self.known:
            self.known[key] = make()
            line = json.dumps({"key": key, **asdict(self.known[key])}, allow_nan=False)
            self.file.write(f"{line}\n".encode("ascii"))
            self.file.flush()
            os.fsync(self.file.fileno())
        return self.known[key]


@contextmanager
def opened_journal(path: Path) -> Iterator[Journal]:
    """Go on with a journal, cut after its last whole line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        hold(file, path)
        flush_folder(path.parent)
        file.seek(0)
        lines = file.read().splitlines(keepends=True)
        known = list(takewhile(lambda entry: entry is not None, map(_read, lines)))
        file.truncate(sum(map(len, lines[: len(known)])))
        yield Journal(file, dict(entry for entry in known if entry is not None))


def total(attempts: Attempts, wanted: Mapping[Variant, frozenset[Group]]) -> int:
    """Pairs of variant and attempt that `run` settles."""
    said = list(attempts.groups.values())
    return sum(sum(group in groups for group in said) for groups in wanted.values())


class _Work:
    """A variant made ready to run with one LVLM."""

    def __init__(self, variant: Variant, lvlm: Lvlm) -> None:
        self.variant, self.lvlm = variant, lvlm
        self.medfocus, self.settings = variant.method(), variant.settings()

    def key(self, case: Case) -> str:
        """Identity of a result: a hash of everything it depends on."""
        return fingerprint(
            version=__version__,
            code=method_code(),
            case=case.case_id,
            picture=sha256(case.picture.tobytes()),
            prompt=case.prompt,
            response=case.response.token_ids,
            lvlm=self.lvlm.key,
            revision=self.lvlm.revision,
            settings=self.settings,
        )

    def attributed(self, case: Case) -> Result:
        """What the variant makes of a case; an error about the case is its result."""
        try:
            regions = self.variant.regions(case)
            rng = case_rng(0, case.case_id)
            explained = explain(_Given(self.medfocus, regions), self.lvlm, case, rng)
        except NOT_OF_A_CASE:
            raise
        except MedgroundError as error:
            return Result(case_id=case.case_id, error=" ".join(f"{type(error).__name__}: {error}".split()))
        return Result(
            case_id=case.case_id,
            boxes=tuple(box.xyxy for box in explained.boxes),
            concept=explained.attribution.concept,
            missing=explained.attribution.missing_concepts,
            region_iou=_region_iou(regions, case),
        )


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
    except MedgroundError:
        return None
    ious = [
        overlap([regions.boxes[concept]] if concept in regions.boxes else [], [box]).iou
        for concept, box in truth.items()
    ]
    return round(float(np.mean(ious)), 6)


def _read(raw: bytes) -> tuple[str, Result] | None:
    """A line of the journal; None for one that a kill cut short, or that another version wrote."""
    try:
        line = json.loads(raw) if raw.endswith(b"\n") else {}
        key = line.pop("key")
        boxes = tuple(tuple(corners) for corners in line.pop("boxes"))
        return key, Result(boxes=boxes, missing=tuple(line.pop("missing")), **line)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
