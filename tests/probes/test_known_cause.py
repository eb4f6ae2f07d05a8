"""Known cause: the marker's box is where the marker changes the picture, and its answers are cases of their own."""

from __future__ import annotations

import numpy as np
import pytest

from medground_bench.core.causes import Counterfactual
from medground_bench.core.types import Answer, Box, Mode, Question, Track
from medground_bench.phantom.exact_edits import without
from medground_bench.phantom.patient import patient
from medground_bench.phantom.region_edits import rendered
from medground_bench.pictures import to_study
from medground_bench.probes import ProbeKind
from medground_bench.probes.known_cause import marker_box, marker_caused, numbers_of, run_known_cause
from medground_bench.probes.run import Probing, TrackProbes
from medground_bench.storage.journal import opened_journal
from tests.kit.planted_methods import FixedMap
from tests.kit.spot_lvlm import SpotLvlm

TRACK = Track("rule_lvlm", Mode.DIRECT)


@pytest.mark.parametrize("image_id", ["4000001", "4000002", "4000003", "4000004"])
def test_the_box_holds_every_pixel_that_the_marker_changes(image_id):
    who = patient(image_id)
    changed = rendered(image_id, who.findings, True) != rendered(image_id, who.findings, False)
    box = marker_box(image_id)
    outside = changed.copy()
    outside[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = False
    assert changed.any() and not outside.any()
    rows, columns = np.nonzero(changed)
    tight = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert np.abs(np.array(box.xyxy) - tight).max() <= 3


def test_these_answers_flip_without_the_marker_and_stay_without_the_finding(benchmark):
    attempts = marker_caused(benchmark, TRACK)
    assert len(attempts) > 0
    for attempt in attempts.walk():
        truth = attempt.reference
        question = Question(
            truth.source, truth.image_id, truth.finding, Answer.YES, truth.native, truth.boxes
        )
        answers = {
            each: SpotLvlm()
            ._respond(to_study(without(question, each)).picture, attempt.case.prompt)
            .tokens[0]
            for each in (Counterfactual.WITHOUT_FINDING, Counterfactual.WITHOUT_MARKER)
        }
        assert list(answers.values()) == ["Yes", "No"]


def test_a_method_that_points_at_the_marker_covers_it_and_the_finding_not(benchmark, tmp_path):
    attempts = marker_caused(benchmark, TRACK)
    corner, centre = np.zeros((2, 14, 14), np.float32)
    corner[:3, :4] = corner[:3, -4:] = centre[5:9, 5:9] = 1
    probes, lvlm = TrackProbes(TRACK), SpotLvlm()
    with opened_journal(tmp_path / "r.jsonl") as journal:
        methods = {"corners": FixedMap(corner), "centre": FixedMap(centre), "unknown": None}
        run_known_cause(Probing(lvlm, (), methods, journal, probes, lambda _done: None), attempts)
    found = probes.measured[ProbeKind.KNOWN_CAUSE]
    assert set(found) == {"corners", "centre"} and len(found["corners"]) == len(attempts)
    assert all(numbers["marker covered"] > 0.6 for numbers in found["corners"].values())
    assert all(numbers["marker covered"] == 0 for numbers in found["centre"].values())


def test_the_numbers_by_hand():
    marker = marker_box("4000001")
    native = marker.frame
    half = Box(marker.x0, marker.y0, (marker.x0 + marker.x1) / 2, marker.y1, native)
    numbers = numbers_of([half], marker, [half])
    assert (numbers["marker"], numbers["marker covered"], numbers["finding"]) == pytest.approx((0.5, 0.5, 1))
    assert numbers["area"] == pytest.approx(half.area / (native.width * native.height))
    assert set(numbers_of([], marker, [half]).values()) == {0}
