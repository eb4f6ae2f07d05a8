"""A track whose evidence is written by hand, so that every number of a table can be worked out on paper."""

from __future__ import annotations

from pathlib import Path

from medground_bench.ablation.run import Evidence, TrackEvidence
from medground_bench.ablation.variants import Variant
from medground_bench.benchmark.attempts import Attempts
from medground_bench.benchmark.opening import Benchmark
from medground_bench.core.case_ids import case_id
from medground_bench.core.types import Box, Frame, Group, Mode, Reference, Track

NATIVE = Frame.native(width=100, height=100)
TRUTH = Box(0, 0, 50, 100, NATIVE)
"""The left half of every picture."""

HALVES = {"left": ((0.0, 0.0, 50.0, 100.0),), "whole": ((0.0, 0.0, 100.0, 100.0),), "none": ()}
"""IoU 1, 1/2 and 0."""


def reference(image: str, finding: str, lvlm: str, mode: Mode, source: str = "phantom") -> Reference:
    name = case_id(f"{source}/{image}/{finding}", Track(lvlm, mode))
    return Reference(name, source, image, lvlm, mode, finding, NATIVE, (TRUTH,))


def evidence_of(
    said: Reference,
    boxes: str,
    concept: str | None,
    error: str | None = None,
    region_iou: float | None = None,
    pictures: int | None = None,
) -> Evidence:
    return Evidence(
        case_id=said.case_id,
        boxes=HALVES[boxes],
        concept=concept,
        error=error,
        pictures=pictures,
        region_iou=region_iou,
    )


def track(
    lvlm: str,
    mode: Mode,
    rows: list[tuple[Reference, Group, dict[Variant, Evidence]]],
    not_run: dict[Variant, str] | None = None,
) -> TrackEvidence:
    """rows  (truth, what the filter said, variant -> evidence)"""
    references = tuple(sorted((row[0] for row in rows), key=lambda each: each.case_id))
    groups = {row[0].case_id: row[1] for row in rows}
    attempts = Attempts(Benchmark(Path("nowhere")), Track(lvlm, mode), references, groups)
    made = TrackEvidence(attempts, {}, not_run or {})
    for said, _group, made_of in rows:
        for variant, each in made_of.items():
            made.evidence.setdefault(variant, {})[said.case_id] = each
    return made
