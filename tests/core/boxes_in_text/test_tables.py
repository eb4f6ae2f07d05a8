"""Tables with a header of sides."""

from __future__ import annotations

import pytest

from tests.core.boxes_in_text.reading import BOX, PER_MILLE, QUARTER, SMALL, Y_FIRST, read, refused


@pytest.mark.parametrize(
    "text",
    [
        "x1,y1,x2,y2\n10,20,110,120",
        "label,xmin,ymin,xmax,ymax,score\nheart,10,20,110,120,0.9",
        "y_min; x_min; y_max; x_max\n20; 10; 120; 110",
        "x,y,w,h\n10,20,100,100",
        "x1 y1 x2 y2\n10 20 110 120",
        "Finding\tLeft\tTop\tRight\tBottom\nHeart\t10\t20\t110\t120",
        "| x1 | y1 | x2 | y2 |\n|---|---|---|---|\n| 10 | 20 | 110 | 120 |",
        "Here:\n\n| **Label** | **x** | **y** | **width** | **height** |\n|:--|--:|--:|--:|--:|\n"
        "| heart | 10 | 20 | 100 | 100 |",
        "| Side | Value |\n|---|---|\n| x1 | 10 |\n| y1 | 20 |\n| x2 | 110 |\n| y2 | 120 |",
        "| Finding | Bounding box |\n|---|---|\n| heart | [10, 20, 110, 120] |",
        "| Finding | Bounding box (x, y, w, h) |\n|---|---|\n| heart | [10, 20, 100, 100] |",
    ],
)
def test_a_header_of_sides_says_what_stands_below(text):
    assert (read(text), refused(text)) == ([BOX], ())
    assert read(f"```\n{text}\n```\nThat is all.") == [BOX]


def test_every_row_is_a_box_or_refused():
    text = "label,x1,y1,x2,y2\na,10,20,110,120\nb,n/a,20,110,120\nc,1,2,30,40\n\nThe end."
    assert (read(text), refused(text)) == ([BOX, SMALL], ("b,n/a,20,110,120",))


def test_the_raster_of_a_table_is_the_familys_and_its_order_is_not():
    text = "x1,y1,x2,y2\n250,500,750,1000"
    assert read(text, PER_MILLE) == read(text, Y_FIRST) == [QUARTER]


def test_a_table_of_polygons_holds_no_box():
    text = "x1,y1,x2,y2,x3,y3,x4,y4\n10,20,110,120,110,20,10,120"
    assert read(text) == [] and len(refused(text)) == 1
