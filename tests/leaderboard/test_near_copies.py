"""Repeated boxes: what is held for review, what is not, and that an honest run of a control never is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medground_bench.leaderboard.near_copies import HELD_FROM, answer_independent, shared_share
from tests.kit.desks import OPERATOR, boxes, file_of, truth, upload

KNOWN = truth()
GOOD = boxes(KNOWN)
FRAMES = KNOWN.frames


def shaken(pixels, seed=1):
    rng = np.random.default_rng(seed)
    return {
        case: [[at + float(rng.uniform(-pixels, pixels)) for at in box] for box in found]
        for case, found in GOOD.items()
    }


def halved():
    """Each box as its left and its right half: the same union in another number of boxes."""
    return {
        case: [[x0, y0, (x0 + x1) / 2, y1], [(x0 + x1) / 2, y0, x1, y1]]
        for case, ((x0, y0, x1, y1),) in GOOD.items()
    }


def with_a_speck():
    return {case: [*found, [0, 0, 1, 1]] for case, found in GOOD.items()}


def ten_times():
    return {case: found * 10 for case, found in GOOD.items()}


def half_of_it():
    other = boxes(KNOWN, 5)
    return {case: GOOD[case] if number % 2 else other[case] for number, case in enumerate(GOOD)}


@pytest.mark.parametrize(
    ("mine", "held"),
    [
        (GOOD, True),
        (shaken(0.9), True),
        (halved(), True),
        (with_a_speck(), True),
        (ten_times(), True),
        (half_of_it(), True),
        (shaken(25), False),
        (boxes(KNOWN, 5), False),
        ({case: [] for case in GOOD}, False),
    ],
    ids=["the same", "within a pixel", "halved", "with a speck", "ten times", "half of it", "shaken", "other", "empty"],
)  # fmt: skip
def test_boxes_that_repeat_anothers_are_known_however_they_are_dressed(mine, held):
    assert (shared_share(mine, GOOD, FRAMES) >= HELD_FROM) is held


def everywhere(x0, y0, x1, y1):
    return {
        case: [[x0 * frame.width, y0 * frame.height, x1 * frame.width, y1 * frame.height]]
        for case, frame in FRAMES.items()
    }


@pytest.mark.parametrize("box", [(0, 0, 1, 1), (0.25, 0.25, 0.75, 0.75)], ids=["whole image", "centre"])
def test_a_box_that_a_method_gives_everywhere_is_nobodys(box):
    assert shared_share(everywhere(*box), everywhere(*box), FRAMES) == 0
    assert answer_independent(everywhere(*box), FRAMES)


def test_files_of_other_cases_share_nothing():
    assert shared_share(boxes(KNOWN, 0, ["b"]), GOOD, FRAMES) == 0


def test_too_few_cases_say_nothing():
    few = dict([*GOOD.items()][:4])
    assert shared_share(few, few, FRAMES) == 0 and not answer_independent(few, FRAMES)


@pytest.mark.usefixtures("scored_here")
def test_s20_s21_a_copy_by_another_account_is_held_and_takes_a_slot_and_ones_own_variant_is_not(local):
    desk = local.open(scored_per_week=2)
    first = desk.submit(upload("ann", method="Mine"))
    held = desk.submit(upload("bob", content=upload("ann").content, method="Copy"))
    own = desk.submit(upload("ann", method="Mine again"))
    assert [reply.status for reply in (first, held, own)] == ["scored", "held", "scored"]
    assert held.receipt.status == "held" and "Held for review" in held.said and "ann" not in held.said
    assert desk.submit(upload("bob", content=upload("ann").content, method="Copy")) == held


@pytest.mark.usefixtures("scored_here")
def test_an_honest_run_of_a_control_by_somebody_else_is_not_held(local):
    desk = local.open()
    whole = file_of({case: found for case, found in everywhere(0, 0, 1, 1).items() if "@a:" in case})
    assert desk.submit(upload(OPERATOR, content=whole, method="whole_image")).status == "scored"
    assert desk.submit(upload("bob", content=whole, method="Everything")).status == "scored"


@pytest.mark.usefixtures("scored_here")
def test_a_copy_of_a_method_of_ours_is_held_and_an_operators_run_of_it_or_of_the_whole_image_is_not(local):
    whole = {case: found for case, found in everywhere(0, 0, 1, 1).items() if "@a:" in case}
    desk = replace(local.open(), ours=lambda: [boxes(KNOWN, 9), GOOD, whole])
    held = desk.submit(upload("bob", content=file_of(shaken(0.9)), method="New"))
    again = desk.submit(upload("bob", content=file_of(halved()), method="Newer"))
    assert [held.status, again.status] == ["held", "held"] and "Held for review" in held.said
    for person, sent, method in (
        (OPERATOR, boxes(KNOWN, 9), "Again"), ("ann", boxes(KNOWN, 5), "Own"), ("eve", whole, "Everything"),
    ):  # fmt: skip
        assert desk.submit(upload(person, content=file_of(sent), method=method)).status == "scored"
