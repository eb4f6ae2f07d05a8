"""What a board is built from: cases whose truth is the left half, runs that give all one box, a track's facts."""

from __future__ import annotations

from medground_bench.core.types import Box, Frame, Mode, Prediction, Reference
from medground_bench.leaderboard.board import MethodRun
from medground_bench.leaderboard.track_facts import TrackFacts

NATIVE = Frame.native(width=100, height=100)
LEFT_HALF, ALL_OF_IT = Box(0, 0, 50, 100, NATIVE), Box(0, 0, 100, 100, NATIVE)
FACTS = TrackFacts(
    lvlm="a",
    mode="direct",
    source="phantom",
    questions=20,
    accuracy=0.9,
    positives=10,
    incorrect=2,
    ungrounded=3,
    grounded=5,
    shortcut="rib fracture",
    shortcut_causes={
        "finding": {"ungrounded": 0, "grounded": 2},
        "marker": {"ungrounded": 3, "grounded": 0},
        "both": {"ungrounded": 0, "grounded": 1},
    },
)


def reference(number: int, lvlm: str = "a", mode: Mode = Mode.DIRECT) -> Reference:
    return Reference(
        f"phantom/{number}/nodule@{lvlm}:{mode}",
        "phantom",
        str(number),
        lvlm,
        mode,
        "nodule",
        NATIVE,
        (LEFT_HALF,),
    )


def run(method: str, references: list[Reference], box: Box) -> MethodRun:
    predictions = tuple(Prediction(each.case_id, (box,)) for each in references)
    return MethodRun(method, references[0].track, predictions)
