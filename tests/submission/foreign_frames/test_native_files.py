"""Native files are never refused, wherever their boxes lie."""

from __future__ import annotations

import numpy as np
import pytest

from medground_bench.submission.read import Submission
from tests.submission.foreign_frames.frame_files import (
    about_findings,
    always,
    anywhere,
    checked,
    drawn,
    native,
)


def beside_the_letter_of_the_side(rng):
    """A finding, and a small box in the upper left corner, where a letter for the side of the patient stands."""
    finding, shares = about_findings()(rng)
    corner = rng.uniform(0, 0.02, 2)
    return finding, np.vstack([shares, np.r_[corner, corner + rng.uniform(0.01, 0.03, 2)]])


def on_cells(per_side):
    """Boxes of whole cells of a coarse map, so that many end at the same pixel."""

    def draw(rng):
        finding, shares = anywhere(boxes=3)(rng)
        return finding, np.c_[
            np.floor(shares[:, :2] * per_side), np.ceil(shares[:, 2:] * per_side)
        ] / per_side

    return draw


NATIVE = {
    "beside the letter of the side": beside_the_letter_of_the_side,
    "on coarse cells": on_cells(14),
    "about findings": about_findings(),
    "far about findings": about_findings(0.12),
    "anywhere": anywhere(),
    "up to ten boxes": anywhere(boxes=8),
    "tiny": anywhere(start=(0, 0.98), size=(0.002, 0.01)),
    "whole": always(0, 0, 1, 1),
    "centre": always(0.25, 0.25, 0.75, 0.75),
    "upper left": always(0, 0, 0.25, 0.25),
    "upper left quarter": always(0, 0, 0.5, 0.5),
    "lower right": always(0.5, 0.5, 1, 1),
    "near the upper left corner": anywhere(start=(0, 0.05), size=(0.15, 0.2)),
    "in the upper left quarter": anywhere(start=(0, 0.3), size=(0.05, 0.2)),
    "in the lower right corner": anywhere(start=(0.8, 0.9), size=(0.02, 0.1)),
}


@pytest.mark.parametrize("size", ["one_film", "films", "phantoms", "one_phantom"])
@pytest.mark.parametrize("draw", NATIVE)
def test_native_files_are_never_refused(draw, size):
    rng = np.random.default_rng(21)
    for count in (1, 3, 10, 12, 25, 60, 60):
        cases = drawn(count, size, NATIVE[draw], rng, tracks=int(rng.integers(1, 4)))
        assert isinstance(checked(cases, native), Submission), count
        assert isinstance(checked(cases, lambda case: np.clip(outwards(case), 0, case.size)), Submission), (
            count
        )


def outwards(case):
    return np.c_[np.floor(case.boxes[:, :2]), np.ceil(case.boxes[:, 2:])]
