"""Our runs and a store's submissions that answer the same cases, and the one board on which both are to stand."""

from __future__ import annotations

from pathlib import Path

from medground_bench.core.types import Box, Frame, Mode, Prediction, Track
from medground_bench.leaderboard.board import Board, MethodRun, build_board
from medground_bench.leaderboard.entries import Badge
from medground_bench.leaderboard.truth import Truth
from tests.kit.desks import OPERATOR, Place, boxes, file_of, folder_place, truth, upload

CODE = "https://github.com/org/mine"
SAID = {"training_data": "overlap", "code": CODE, "seed": 7}
OURS, SENT = {"medfocus": 11, "occlusion": 12}, {"Mine": 21, "Other": 22}
"""Method -> seed of its boxes."""


def our_runs(of: Truth) -> list[MethodRun]:
    """Two methods and a control on LVLM a."""
    return [
        *(_run(of, name, boxes(of, seed)) for name, seed in OURS.items()),
        _run(of, "whole_image", _whole(of)),
    ]


def sent_runs(of: Truth) -> list[MethodRun]:
    """What is submitted, as if we had been given the same boxes otherwise."""
    return [_run(of, name, boxes(of, seed), Badge.SCORED) for name, seed in SENT.items()]


def our_board(of: Truth) -> Board:
    """The board of our runs."""
    return build_board(of.references, our_runs(of))


def sent_to(folder: Path, of: Truth | None = None) -> Place:
    """A store with two submissions, of which one says where its code is, and the operator's run of our control."""
    place = folder_place(folder)
    place.truth = of or truth()
    desk = place.open()
    for (name, seed), words in zip(SENT.items(), (SAID, {}), strict=True):
        send(place, name, seed, **words)
    desk.submit(upload(OPERATOR, content=file_of(_whole(place.truth)), method="whole_image"))
    return place


def send(place: Place, method: str, drawn: int, **words: object) -> str:
    """Submit boxes at random; the submission's id."""
    content = file_of(boxes(place.truth, drawn))
    receipt = place.desk.submit(upload(f"by-{drawn}", content=content, method=method, **words)).receipt
    assert receipt is not None
    return receipt.id


def sent_for_direct(folder: Path, of: Truth) -> Place:
    """A store whose rows answer every case in mode direct, one under the name of a method and one of a control."""
    place = folder_place(folder)
    place.truth = of
    place.open(reserved=())
    for person, name in (("ann", "Mine"), ("bob", "occlusion"), (OPERATOR, "whole_image")):
        send_for_direct(place, person, name, [1, 2, 120 + len(name), 140])
    return place


def send_for_direct(place: Place, person: str, name: str, box: list[float]) -> None:
    """Submit one box for every case in mode direct."""
    given = {each.case_id: [box] for each in place.truth.references if each.mode is Mode.DIRECT}
    lvlms = sorted({each.lvlm for each in place.truth.references})
    assert place.desk.submit(upload(person, content=file_of(given), method=name, lvlms=lvlms)).receipt


def _whole(of: Truth) -> dict[str, list[list[float]]]:
    return {
        each.case_id: [[0, 0, each.native.width, each.native.height]]
        for each in of.references
        if each.lvlm == "a"
    }


def _run(
    of: Truth, method: str, given: dict[str, list[list[float]]], badge: Badge = Badge.REPRODUCED
) -> MethodRun:
    predictions = tuple(
        Prediction(case, tuple(Box(*each, _frame(of, case)) for each in found))
        for case, found in given.items()
    )
    return MethodRun(method, Track("a", Mode.DIRECT), predictions, badge=badge)


def _frame(of: Truth, case: str) -> Frame:
    return of.frames[case]
