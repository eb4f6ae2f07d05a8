"""Charts: lengths and shades are proportional and begin at 0, what is reported stands out, text is wrapped."""

from __future__ import annotations

import numpy as np
import pytest

from medground_bench.core.types import TokenDrop
from medground_bench.core.word_drops import WordDrop, word_drops
from medground_bench.drawing.drop_charts import (
    BAR_PX,
    LINE_PX,
    ROW_PX,
    TEXT_WIDTH_PX,
    draw_concept_drops,
    draw_word_drops,
)
from medground_bench.drawing.palette import CHOSEN, CONCEPT, FAINT, GROUP, MARKER, PAPER


def longest_run(image, colour) -> dict[int, int]:
    """Row of pixels -> width of one colour in it, for rows that hold much of it: the bars."""
    counts = (np.asarray(image) == colour).all(axis=-1).sum(axis=1)
    return {int(row): int(counts[row]) for row in np.flatnonzero(counts > 40)}


def bars(image, colour) -> list[int]:
    """Widths of the bars of one colour, from the top; the legend's squares are narrower than 40 pixels."""
    widths, last = [], -2
    for row, width in longest_run(image, colour).items():
        if row > last + 1:
            widths.append(width)
        last = row
    return widths


def test_bars_come_largest_first_in_proportion_in_the_colour_of_their_kind():
    drops = {"left lung": 1.0, "mediastinum": 4.0, "lungs": 2.0, "clavicles": 0.0}
    image = draw_concept_drops(drops, chosen="left lung", groups={"lungs", "clavicles"})
    assert bars(image, CONCEPT) == [pytest.approx(BAR_PX, abs=2)]
    assert bars(image, GROUP) == [pytest.approx(BAR_PX / 2, abs=2)]
    assert bars(image, CHOSEN) == [pytest.approx(BAR_PX / 4, abs=2)]
    rows = {colour: min(longest_run(image, colour)) for colour in (CONCEPT, GROUP, CHOSEN)}
    assert rows[CONCEPT] < rows[GROUP] < rows[CHOSEN]


def test_without_groups_and_without_a_reported_bar_there_is_one_colour():
    image = draw_concept_drops({"left lung": 1.0, "mediastinum": 4.0}, chosen=None)
    assert len(bars(image, CONCEPT)) == 2 and not bars(image, GROUP) and not bars(image, CHOSEN)


@pytest.mark.parametrize(("largest", "place"), [(4.0, 0.25), (0.5, 1.0)])
def test_what_a_region_must_exceed_is_a_line_on_the_same_scale(largest, place):
    drops = {"left lung": largest, "mediastinum": 0.0}
    with_line = np.asarray(draw_concept_drops(drops, chosen="left lung", least=1.0))
    rows = slice(ROW_PX + LINE_PX, ROW_PX + LINE_PX + 2 * ROW_PX)
    columns = np.flatnonzero((with_line[rows] == FAINT).all(-1).sum(axis=0) > 8)
    start = np.flatnonzero((with_line == CHOSEN).all(-1).sum(axis=0) > 20)
    left = start[start > 60].min()
    assert columns.mean() == pytest.approx(left + place * BAR_PX, abs=3)


def test_drops_of_nothing_draw_no_bars_and_no_drops_are_refused():
    assert not bars(draw_concept_drops({"left lung": 0.0}, chosen=None), CONCEPT)
    with pytest.raises(ValueError, match="at least one bar"):
        draw_concept_drops({}, chosen=None)
    with pytest.raises(ValueError, match="at least one word"):
        draw_word_drops([], region="lungs")


def shade(share: float) -> tuple[int, ...]:
    return tuple(round(paper + share * (full - paper)) for paper, full in zip(*MARKER, strict=True))


def text_rows(image) -> np.ndarray:
    """The picture without its title, and without its scale at the end."""
    return np.asarray(image)[ROW_PX : -2 * LINE_PX]


def test_a_word_is_shaded_in_proportion_to_the_sum_of_its_tokens():
    drops = [TokenDrop("no", 0.0), TokenDrop(" car", 1.0), TokenDrop("dio", 1.0), TokenDrop(" then", 1.0)]
    rows = text_rows(draw_word_drops(word_drops(drops), region="left lung"))
    full, half = ((rows == shade(share)).all(-1) for share in (1.0, 0.5))
    assert full.sum() > 500 and half.sum() > 500
    assert np.nonzero(full)[1].max() < np.nonzero(half)[1].min(), "in the order of the response"


def test_a_response_that_lost_nothing_has_no_shade():
    rows = text_rows(draw_word_drops([WordDrop("Yes", 0.0)], region="left lung"))
    assert np.ptp(rows.astype(int), axis=-1).max() < 20


def test_long_responses_are_wrapped_and_their_own_lines_are_kept():
    def height(*texts: str) -> int:
        image = draw_word_drops([WordDrop(text, 1.0) for text in texts], region="lungs")
        assert image.size[0] == TEXT_WIDTH_PX
        edge = np.asarray(image)[ROW_PX : -2 * LINE_PX, -8:]
        assert (edge == PAPER).all(), "nothing runs out of the picture"
        return image.size[1]

    one = height("Yes")
    assert height("Yes", " no") == one
    assert height("Yes", "\n\nno") == one + LINE_PX
    assert height("Yes.\n", "no") == one + LINE_PX
    assert height(*[" opacity"] * 30) == one + 2 * LINE_PX
    assert height("i" * 1000) > one + 2 * LINE_PX
    assert height(" ") == one
