"""A board to look at: eight pictures, two findings, two LVLMs, methods that differ, controls, and a paper's row."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from medground_bench.core.types import Box, Frame, Mode, Prediction, Reference
from medground_bench.leaderboard.board import Board, MethodRun, build_board
from medground_bench.leaderboard.case_scores import CaseScores
from medground_bench.leaderboard.columns import COLUMNS, Column, Direction, Pooling, Unit
from medground_bench.leaderboard.entries import Badge, ReportedRow
from medground_bench.leaderboard.rows import TunedOn
from medground_bench.runs.method_groups import MethodGroup
from tests.kit.board_runs import FACTS

NATIVE = Frame.native(width=100, height=100)
SIDES = {"nodule": 10, "cardiomegaly": 50}
"""Finding -> side of its box: 1 % and 25 % of the picture."""

LVLMS = ("phantom_gemma3", "phantom_qwen2_5_vl")
SHIFTS = {"medfocus": 1, "occlusion": 3, "rise": 3, "gradcam": 8}
"""Method -> by how many pixels, more or less, it misses the box."""

REPORTED = ReportedRow(
    method="medfocus",
    family=MethodGroup.PAPER,
    mode="direct",
    source="vindr_cxr",
    lvlm="all",
    iou=0.2152,
    f1=0.3294,
    precision=0.2481,
    recall=0.7231,
    seconds=1.65,
)
WARMTH = Column(
    key="warmth",
    name="Warmth",
    unit=Unit.PERCENT,
    direction=Direction.HIGHER,
    explanation="A column that nobody knows of.",
    pooling=Pooling.SCORE,
)


def made_references(pictures: int = 8) -> list[Reference]:
    """Of every picture a nodule and a large heart, for both LVLMs; in mode reason of a quarter of the pictures."""
    return [
        Reference(
            f"phantom/{number}/{finding}@{lvlm}:{mode}",
            "phantom",
            str(number),
            lvlm,
            mode,
            finding,
            NATIVE,
            (_square(10 + number, side),),
        )
        for lvlm in LVLMS
        for mode in Mode
        for number in range(pictures if mode is Mode.DIRECT else pictures // 4)
        for finding, side in SIDES.items()
    ]


def made_runs(references: list[Reference]) -> list[MethodRun]:
    """All methods on all tracks; rise was sent in by somebody, prompting never gives a box, gradcam failed once."""
    runs = []
    for track in sorted({each.track for each in references}):
        of_track = [each for each in references if each.track == track]
        for method, shift in SHIFTS.items():
            found = [
                Prediction(each.case_id, (_shifted(each, shift),), seconds=shift / 8) for each in of_track
            ]
            badge = Badge.SCORED if method == "rise" else Badge.REPRODUCED
            tuned = TunedOn(20, 8, 4) if method == "occlusion" else None
            given = found[1:] if method == "gradcam" else found
            runs.append(MethodRun(method, track, tuple(given), tuned=tuned, badge=badge))
        nothing = tuple(Prediction(each.case_id, ()) for each in of_track)
        runs.append(MethodRun("prompting", track, nothing))
        everything = Box(0, 0, 100, 100, NATIVE)
        for control in ("whole_image", "random_box"):
            runs.append(
                MethodRun(control, track, tuple(Prediction(e.case_id, (everything,)) for e in of_track))
            )
    return runs


@cache
def made_board(pictures: int = 8) -> Board:
    """The board of them; it is made once, for chance is drawn a hundred times."""
    references = made_references(pictures)
    return build_board(references, made_runs(references), [FACTS], [REPORTED])


def with_warmth(board: Board) -> Board:
    """The board with a measure, and a column of it, that no page of ours knows."""
    scores = board.scores
    measures = dict(scores.measures) | {WARMTH.key: scores.measures["iou"] / 2}
    warm = CaseScores(scores.entries, scores.cases, scores.was_run, measures, scores.seeds)
    return replace(board, scores=warm, columns=(*COLUMNS, WARMTH))


def with_formula(board: Board) -> Board:
    """The board with a method whose name a spreadsheet would run."""
    entries = tuple(
        replace(entry, shown=f"=1+1 {entry.shown}") if entry.method == "rise" else entry
        for entry in board.scores.entries
    )
    return replace(board, scores=replace(board.scores, entries=entries))


def _square(start: float, side: float) -> Box:
    return Box(start, start, start + side, start + side, NATIVE)


def _shifted(reference: Reference, shift: int) -> Box:
    """Beside the truth, on every picture by another distance."""
    [truth] = reference.boxes
    return _square(truth.x0 + shift + int(reference.image_id) % 3, truth.x1 - truth.x0)
