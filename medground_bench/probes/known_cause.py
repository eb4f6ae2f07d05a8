"""Known cause: answers that rest on the planted side marker alone, as cases whose truth is the marker's box.

The causal filter turns these answers away: without the finding they stay, without the marker they flip
(`core.causes`). A method that explains what the LVLM did points at the marker; one that explains what a radiologist
would have looked at points at the finding.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from medground_bench.benchmark.attempts import Attempts, has_answers
from medground_bench.benchmark.opening import Benchmark
from medground_bench.benchmark.rows import VERDICTS
from medground_bench.core.case_ids import case_id
from medground_bench.core.causes import KnownCause
from medground_bench.core.geometry import cover_areas
from medground_bench.core.scoring import overlap
from medground_bench.core.types import Box, Case, Group, Reference, Track
from medground_bench.lvlms import Lvlm
from medground_bench.methods import Method
from medground_bench.phantom.patient import patient
from medground_bench.probes import ProbeKind
from medground_bench.probes.run import SPLIT, Probing, rounded, unit_key
from medground_bench.probes.subjects import explained_by
from medground_bench.storage.journal import Entry


def marker_box(image_id: str) -> Box:
    """Around every pixel that the side marker of a phantom changes, native pixels, clipped to the picture.

    >>> box = marker_box("4000001")
    >>> box.frame == patient("4000001").native
    True
    """
    who = patient(image_id)
    native, side = who.native, max(who.native.width, who.native.height)
    left, top = (side - native.width) // 2, (side - native.height) // 2
    x0, y0, x1, y1 = who.scene.marker_box(side)
    return Box(
        max(0.0, x0 - left),
        max(0.0, y0 - top),
        min(float(native.width), x1 - left),
        min(float(native.height), y1 - top),
        native,
    )


def marker_caused(benchmark: Benchmark, track: Track) -> Attempts:
    """The answers of a track that rest on the marker alone."""
    rows = benchmark.dataset.read(VERDICTS, SPLIT, track.lvlm)
    caused = {
        case_id(row.question_id, track)
        for row in rows
        if row.track == track and row.question_id and row.known_cause == KnownCause.MARKER
    }
    every = Attempts.of(benchmark, track, groups={Group.UNGROUNDED, Group.GROUNDED})
    kept = tuple(each for each in every.references if each.case_id in caused)
    return Attempts(benchmark, track, kept, {each.case_id: every.groups[each.case_id] for each in kept})


def numbers_of(boxes: Sequence[Box], marker: Box, finding: Sequence[Box]) -> Entry:
    """IoU with the marker and with the finding, share of the marker that is covered, share of the picture; 0..1."""
    with_marker = overlap(boxes, [marker])
    return {
        "marker": with_marker.iou,
        "finding": overlap(boxes, finding).iou,
        "marker covered": with_marker.recall,
        "area": cover_areas(boxes, ()).first / (marker.frame.width * marker.frame.height),
    }


def run_known_cause(probing: Probing, attempts: Attempts) -> None:
    """Explain every answer that the marker caused by every method whose settings are known."""
    lvlm, probes = probing.lvlm, probing.probes
    if not has_answers(attempts.benchmark):
        why = "this benchmark does not hold the answers to questions that were not retained; build it to have them"
        probes.not_run[ProbeKind.KNOWN_CAUSE] = why
        return
    if not len(attempts):
        probes.not_run[ProbeKind.KNOWN_CAUSE] = "no answer rests on the marker alone"
        return
    for attempt in attempts.walk():
        for name, method in probing.methods.items():
            if method is not None:
                case, truth = attempt.case, attempt.reference
                key = unit_key(ProbeKind.KNOWN_CAUSE, lvlm, case, method, {"truth": _corners(truth)})
                numbers = probing.journal.once(key, partial(_numbers, method, lvlm, case, truth))
                probes.add(ProbeKind.KNOWN_CAUSE, name, truth, numbers)
            probing.advance(1)


def _numbers(method: Method, lvlm: Lvlm, case: Case, truth: Reference) -> Entry:
    """A method that fails on the answer has no box."""
    explained = explained_by(method, lvlm, case)
    boxes = explained.boxes if explained else ()
    return rounded(numbers_of(boxes, marker_box(truth.image_id), truth.boxes))


def _corners(truth: Reference) -> list[list[float]]:
    return [list(box.xyxy) for box in truth.boxes]
