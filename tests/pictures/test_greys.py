"""Rules of grey levels: what is stretched, what is left out, and that they keep their laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from medground_bench.pictures.greys import Levels, Range, luma, over_black, own_range, stretched, upright
from tests.kit.containers import coloured, deep, phantom

ROBUST, MIN_MAX = Levels.ROBUST, Levels.MIN_MAX


def shown(values: np.ndarray, levels: Levels = ROBUST) -> np.ndarray:
    return stretched(values, own_range(values, levels), cut=levels.cuts)


def spoilt(kind: str) -> np.ndarray:
    """Twelve bits in sixteen with something in it that no chest has; at most 2 % of the pixels."""
    values = deep(phantom(), "u2", 16, 30_000 if kind == "dead row" else 0)
    if kind == "marker":
        values[5:16, 60:74] = 65_535
    elif kind == "hot pixel":
        values[40, 40] = 65_535
    elif kind == "dead row":
        values[50] = 0
    elif kind == "dead column":
        values[:, 20] = 65_535
    elif kind == "both":
        values += 20_000
        values[50, :], values[3, 3] = 0, 65_535
    return values


@pytest.mark.parametrize("kind", ["marker", "hot pixel", "dead row", "dead column", "both"])
def test_what_no_chest_has_takes_no_grey_from_the_anatomy(kind):
    values = spoilt(kind)
    changed = values != (values[0, 0] + (phantom() - int(phantom()[0, 0])) * 16.0)
    assert 0 < changed.mean() <= 0.02
    away = np.abs(shown(values).astype(int) - phantom())[~changed]
    assert away.max() <= 5, "the one brightest pixel may be under the marker"
    assert np.abs(shown(values, MIN_MAX).astype(int) - phantom())[~changed].mean() > 20


@pytest.mark.parametrize("share", [0.03, 0.1, 0.4, 0.7])
@pytest.mark.parametrize("frame", [0, 65_535, "both"])
def test_a_frame_of_one_value_takes_no_grey_from_the_chest_within_it_however_wide_it_is(frame, share):
    values = deep(phantom(), "u2", 16, 20_000)
    height, width = values.shape
    margin = (1 - (1 - share) ** 0.5) / 2
    inside = (
        slice(round(height * margin), -round(height * margin)),
        slice(round(width * margin), -round(width * margin)),
    )
    framed = np.full_like(values, 0 if frame == "both" else frame)
    framed[:, width // 2 :] = 65_535 if frame == "both" else frame
    framed[inside] = values[inside]
    chest = phantom()[inside].astype(float)
    want = (chest - chest.min()) / np.ptp(chest) * 255
    for each in (framed, framed.astype(np.float32)):
        assert np.abs(shown(each)[inside] - want).max() <= 1
    assert np.ptp(shown(framed, MIN_MAX)[inside]) < 50


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("share", [0.03, 0.05, 0.1, 0.2])
@pytest.mark.parametrize("end", ["bright", "dark"])
@pytest.mark.parametrize("rim", [False, True])
def test_a_marker_of_many_values_takes_no_grey_from_the_chest(seed, share, end, rim):
    chest = phantom(seed)
    values, side = deep(chest, "u2", 16, 0), round((share * chest.size) ** 0.5)
    rng = np.random.default_rng(seed)
    if rim:  # as blurred letters have it: a few pixels between marker and chest
        values[3, 4 : 4 + chest.size // 1000] = rng.integers(4080, 60_000, chest.size // 1000)
    values[4 : 4 + side, 4 : 4 + side] = rng.integers(60_000, 65_536, (side, side))
    under = values > 4080
    if end == "dark":
        values = 65_535 - values
    want = 255 - chest if end == "dark" else chest
    for each in (values, values.astype(np.float32)):
        greys = shown(each).astype(int)[~under]
        if rim:
            assert np.ptp(greys) >= 120, "half of the greys"
        else:
            assert np.abs(greys - want[~under]).max() <= 8, "the brightest pixels may be under it"
        assert (shown(each)[4 : 4 + side, 4 : 4 + side] == (0 if end == "dark" else 255)).all()


@pytest.mark.parametrize("noise", [1, 3])
def test_a_chest_that_is_a_small_part_of_a_frame_of_few_values_is_not_taken_for_a_marker(noise):
    chest = deep(phantom(), "u2", 16, 40_000)
    framed = np.random.default_rng(0).integers(0, noise, (240, 250)).astype(np.uint16)
    framed[60 : 60 + chest.shape[0], 60 : 60 + chest.shape[1]] = chest
    seen = shown(framed)[60 : 60 + chest.shape[0], 60 : 60 + chest.shape[1]]
    assert np.abs(seen.astype(int) - phantom()).max() <= 1


def test_min_max_is_the_whole_range_and_a_film_without_outliers_has_the_same_by_both_rules():
    values = deep(phantom(), "u2", 16, 1000)
    assert own_range(values, MIN_MAX) == own_range(values, ROBUST) == Range(1000, 1000 + 16 * 255)


@settings(max_examples=60)
@given(
    values=hnp.arrays(np.uint16, (20, 30), elements=st.integers(0, 4000)),
    factor=st.integers(1, 16),
    offset=st.integers(0, 1000),
    levels=st.sampled_from(Levels),
)
def test_a_factor_and_an_offset_change_no_grey(values, factor, offset, levels):
    moved = (values.astype(np.int64) * factor + offset).astype(np.uint16)
    assert np.array_equal(shown(values, levels), shown(moved, levels))
    floats = (values * 0.5 - 7).astype(np.float64)
    assert np.array_equal(shown(values, levels), shown(floats, levels))


@settings(max_examples=60)
@given(hnp.arrays(np.uint16, (25, 40), elements=st.integers(0, 65535)))
def test_the_middle_keeps_a_third_of_the_greys_and_order_is_kept(values):
    greys = shown(values)
    order = np.argsort(values, axis=None, kind="stable")
    assert (np.diff(greys.ravel()[order].astype(int)) >= 0).all()
    found, counts = np.unique(values, return_counts=True)
    ordered, rank = np.repeat(found, np.minimum(counts, values.size // 100)), round(0.02 * (values.size - 1))
    far = len(ordered) > 2 and (ordered[2:] - ordered[:-2].astype(int)).max() > np.ptp(ordered) / 2
    if (
        len(ordered) > 2 * rank + 1
        and not far
        and (high := int(ordered[-1 - rank])) > (low := int(ordered[rank]))
    ):
        assert int(greys[values == high][0]) - int(greys[values == low][0]) >= 84


@pytest.mark.parametrize("levels", Levels)
def test_nan_is_black_infinity_an_end_and_neither_takes_the_contrast(levels):
    values = deep(phantom(), "f4", 1 / 255, 0)
    values[0, :3] = np.nan, np.inf, -np.inf
    greys = shown(values, levels)
    assert greys[0, :3].tolist() == [0, 255, 0]
    assert np.array_equal(greys[1:], phantom()[1:])
    inverted = stretched(values, own_range(values, levels), inverted=True)
    assert inverted[0, :3].tolist() == [0, 0, 255]


@pytest.mark.parametrize("levels", Levels)
@pytest.mark.parametrize(
    "values",
    [np.full((20, 20), 700, np.uint16), np.full((20, 20), np.nan, np.float32), np.full((9, 9), -3.0)],
)
def test_a_constant_or_empty_picture_is_black(values, levels):
    assert not shown(values, levels).any()


def test_when_the_middle_has_one_value_nothing_is_left_out():
    mask = np.zeros((100, 100), np.uint16)
    mask[:5, :10] = 1000
    assert set(np.unique(shown(mask))) == {0, 255}


def test_grey_of_colours_is_that_of_pillow_and_equal_colours_keep_their_value():
    from PIL import Image

    colours = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    assert np.array_equal(luma(colours), np.asarray(Image.fromarray(colours).convert("L")))
    for kind in ("u2", "u4", "f4", "f8"):
        grey = deep(phantom(), kind, 13, 5)
        assert np.array_equal(luma(coloured(grey)), grey)


def test_pieces_and_tables_give_what_one_formula_gives(monkeypatch):
    monkeypatch.setattr("medground_bench.pictures.greys.AT_ONCE", 100)
    values = np.random.default_rng(1).integers(-30_000, 30_000, (50, 41)).astype(np.int16)
    above, span = values.astype(int) - values.min(), int(np.ptp(values.astype(int)))
    for each in (values, values.astype(np.int32), values.astype(np.float32)):
        assert np.array_equal(shown(each, MIN_MAX), above * 255 // span)
        assert np.array_equal(stretched(each, own_range(each, MIN_MAX)), np.rint(above / span * 255))


@settings(max_examples=60)
@given(hnp.arrays(np.uint16, (20, 30), elements=st.integers(0, 65_535)), st.booleans())
def test_min_max_cuts_fractions_off_exactly(values, inverted):
    least, greatest = int(values.min()), int(values.max())
    above = greatest - values.astype(int) if inverted else values.astype(int) - least
    want = above * 255 // max(1, greatest - least)
    range_ = own_range(values, MIN_MAX)
    assert np.array_equal(stretched(values, range_, inverted=inverted, cut=MIN_MAX.cuts), want)
    assert not Levels.ROBUST.cuts


def test_opacity_lies_over_black():
    assert over_black(np.full((1, 3), 200, np.uint8), np.array([[0, 0.5, 1]], np.float32)).tolist() == [
        [0, 100, 200]
    ]


def test_an_orientation_that_no_standard_has_changes_nothing():
    assert upright(phantom(), 9) is phantom() and upright(phantom(), 0) is phantom()
