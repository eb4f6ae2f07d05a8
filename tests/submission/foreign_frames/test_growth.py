"""Native boxes grow with their pictures and those of one input do not; where pictures cannot tell, nothing is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medground_bench.submission.foreign_frames.coordinate_systems import Letterboxed, Square
from medground_bench.submission.foreign_frames.growth import LEAST_FREEDOM, growth, likelihood
from tests.submission.foreign_frames.frame_files import (
    about_findings,
    always,
    anywhere,
    drawn,
    grid,
    letterboxed,
    native,
    pile_of,
    scaled,
)

LETTERBOX = letterboxed(224)
"""Its exponent falls below 0 where the longer pictures are the narrower ones."""


@pytest.mark.parametrize("size", ["films", "phantoms"])
@pytest.mark.parametrize("draw", [about_findings(), about_findings(0.08), anywhere()])
def test_native_boxes_grow_with_exponent_one_and_those_of_an_input_with_zero(draw, size):
    cases = drawn(400, size, draw, np.random.default_rng(0))
    for frame, exponent in ((native, 1), (scaled(0.5), 1), (grid(1000), 0), (LETTERBOX, 0)):
        found = growth(pile_of(cases, frame))
        assert found.exponent == pytest.approx(exponent, abs=max(0.15, 3 * found.error)) or frame is LETTERBOX
        assert (found.absent, found.likely) == (exponent == 0, exponent == 1)


def test_the_error_that_is_told_is_the_scatter_over_many_files():
    found = [
        growth(pile_of(drawn(60, "phantoms", about_findings(0.05), np.random.default_rng(seed)), native))
        for seed in range(200)
    ]
    errors = [(each.exponent - 1) / each.error for each in found]
    assert np.std(errors) == pytest.approx(1, abs=0.2)
    assert not any(each.absent for each in found)


@pytest.mark.parametrize(
    "share", [(0, 0, 1, 1), (0.25, 0.25, 0.75, 0.75), (0.5, 0.5, 1, 1), (0, 0, 0.5, 0.5)]
)
def test_one_box_for_all_pictures_is_told_by_whether_it_grows(share):
    cases = drawn(60, "phantoms", always(*share), np.random.default_rng(1))
    assert growth(pile_of(cases, native)).likely
    assert growth(pile_of(cases, grid(224))).absent


def test_the_same_picture_asked_of_many_lvlms_is_one_witness():
    cases = drawn(LEAST_FREEDOM, "phantoms", always(0, 0, 1, 1), np.random.default_rng(2))
    cases = [replace(case, reference=replace(case.reference, finding="mass")) for case in cases]
    one, many = growth(pile_of(cases, grid(224))), growth(pile_of(cases * 50, grid(224)))
    assert one.images == many.images == LEAST_FREEDOM and one.freedom == many.freedom
    assert one.exponent == pytest.approx(0) == many.exponent and one.error == pytest.approx(many.error)
    assert not one.absent and not many.absent, "too few pictures for so strong a word"


def test_pictures_of_one_size_tell_nothing():
    cases = drawn(90, "one_film", about_findings(), np.random.default_rng(3))
    found = growth(pile_of(cases, grid(1000)))
    assert found.exponent is None and not found.absent and not found.likely


def test_boxes_and_pictures_in_other_units_grow_alike():
    """The law behind the tell: a factor common to all boxes changes nothing."""
    cases = drawn(60, "films", about_findings(), np.random.default_rng(4))
    one, other = growth(pile_of(cases, native)), growth(pile_of(cases, scaled(0.01)))
    assert one.exponent == pytest.approx(other.exponent) and one.error == pytest.approx(other.error)


def test_systems_that_treat_shapes_differently_are_told_apart_and_factors_are_not():
    def better(one, other, size, frame):
        pile = pile_of(drawn(100, size, about_findings(), np.random.default_rng(5)), frame)
        return likelihood(one, pile) - likelihood(other, pile)

    assert better(Square(896), Letterboxed(896), "films", grid(896)) > 8
    assert better(Letterboxed(896), Square(896), "films", letterboxed(896)) > 8
    assert better(Square(1000), Square(896), "films", grid(896)) == pytest.approx(0)
    assert better(Square(896), Letterboxed(896), "one_film", letterboxed(896)) == pytest.approx(0, abs=0.1)
