"""Colours: scales in order, words that can be read on any of them, and one place for colours and for the font."""

from __future__ import annotations

import ast
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medground_bench.drawing.palette import (
    BRIGHT,
    CELLS,
    CONCEPT,
    FAINT,
    HEAT,
    INK,
    MARKER,
    PAPER,
    contrast,
    ink_on,
    shade,
    shades,
)

ROOT = Path(__file__).parents[2] / "medground_bench"
SCALES = {"HEAT": HEAT, "CELLS": CELLS, "MARKER": MARKER}
colours = st.tuples(*[st.integers(0, 255)] * 3)


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
def test_a_scale_passes_through_its_anchors_and_ends_with_them(scale):
    for number, anchor in enumerate(scale):
        assert shade(scale, number / (len(scale) - 1)) == anchor
    assert (shade(scale, -3.0), shade(scale, 7.0)) == (scale[0], scale[-1])


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
def test_the_order_of_strengths_survives_in_a_black_and_white_print(scale):
    against_black = [contrast(shade(scale, strength), (0, 0, 0)) for strength in np.linspace(0, 1, 65)]
    steps = [later - earlier for earlier, later in pairwise(against_black)]
    assert all(step > 0 for step in steps) or all(step < 0 for step in steps)


def test_many_strengths_are_coloured_as_each_alone():
    strengths = np.linspace(0, 1, 12).reshape(3, 4)
    assert shades(HEAT, strengths).shape == (3, 4, 3)
    for place, strength in np.ndenumerate(strengths):
        assert tuple(np.rint(shades(HEAT, strengths)[place])) == shade(HEAT, float(strength))


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [((0, 0, 0), (255, 255, 255), 21.0), (CONCEPT, CONCEPT, 1.0), ((119, 119, 119), PAPER, 4.48)],
)
def test_contrast_is_that_of_the_guidelines(one, other, ratio):
    assert contrast(one, other) == pytest.approx(ratio, abs=0.005)
    assert contrast(other, one) == contrast(one, other)


@given(colours)
def test_words_can_be_read_on_any_colour(fill):
    assert contrast(ink_on(fill), fill) > 3.9


def test_explanations_can_be_read_on_paper_and_numbers_on_the_colours_of_a_radiograph():
    assert contrast(FAINT, PAPER) > 4.5
    assert {ink_on(colour) for colour in BRIGHT} == {INK}


def is_colour(node: ast.AST) -> bool:
    values = [getattr(each, "value", None) for each in node.elts] if isinstance(node, ast.Tuple) else []
    return len(values) == 3 and all(type(value) is int for value in values)


def test_colours_stand_in_the_palette_the_font_in_its_file_and_what_draws_in_this_room():
    for file in sorted(ROOT.rglob("*.py")):
        text, here = file.read_text("utf-8"), file.parent.name == "drawing"
        if here and file.name != "palette.py":
            assert not [node for node in ast.walk(ast.parse(text)) if is_colour(node)], file
        learned_from = file.relative_to(ROOT).parts[0] == "training"  # letters and wires on made pictures
        assert ("ImageFont" in text) <= (learned_from or (here and file.name == "fonts.py")), file
        assert ("ImageDraw" in text) <= (here or learned_from), file
