"""Boxes in sentences and in lists of points."""

from __future__ import annotations

import pytest

from tests.core.boxes_in_text.reading import BOX, read, refused


@pytest.mark.parametrize(
    "text",
    [
        "bbox: 10, 20, 110, 120",
        "Bounding box: 10, 20, 110, 120.",
        "**Bounding box:** [10, 20, 110, 120]",
        "`bbox`: [10, 20, 110, 120]",
        "bbox_2d: [10, 20, 110, 120]\nlabel: heart",
        "- label: heart\n  bbox:\n    - 10\n    - 20\n    - 110\n    - 120",
        "x1=10, y1=20, x2=110, y2=120",
        "(x1=10, y1=20), (x2=110, y2=120)",
        "Box(x1=10, y1=20, x2=110, y2=120)",
        "- **x1**: 10\n- **y1**: 20\n- **x2**: 110\n- **y2**: 120",
        "x1 is 10, y1 is 20, x2 is 110, y2 is 120",
        "x: 10, y: 20, w: 100, h: 100",
        "x = 10\ny = 20\nwidth = 100\nheight = 100",
        "The picture has width: 224, height: 224. The box: x: 10, y: 20, width: 100, height: 100",
        "cx: 60, cy: 70, w: 100, h: 100",
        "x: 10-110, y: 20 to 120",
        "(x1, y1) = (10, 20) and (x2, y2) = (110, 120)",
        "Coordinates: (x1, y1) = (10, 20), (x2, y2) = (110, 120)",
        "- **Top-left (x1, y1):** (10, 20)\n- **Bottom-right (x2, y2):** (110, 120)",
        "x1 (left): 10, y1 (top): 20, x2 (right): 110, y2 (bottom): 120",
        "Bounding box (x, y, width, height): [10, 20, 100, 100]",
        "Bounding box (high confidence): [10, 20, 110, 120]",
        "top-left corner coordinates: (10, 20); bottom-right corner coordinates: (110, 120)",
        "[x, y, w, h]: [10, 20, 100, 100]",
        "In the order [ymin, xmin, ymax, xmax] it is [20, 10, 120, 110].",
        "The top-left corner is (10, 20) and the bottom-right corner is (110, 120).",
        "The bottom-right corner is (110, 120), and the top-left corner is (10, 20).",
        "(10, 20) is the top-left corner and (110, 120) is the bottom-right corner.",
        "The top-left and bottom-right corners are (10, 20) and (110, 120), respectively.",
        "- Top-left corner: (10, 20)\n- Bottom-right corner: (110, 120)",
        "Upper left: x=10, y=20; lower right: x=110, y=120",
        "its upper-left corner at (x=10, y=20) and its lower-right corner at (x=110, y=120)",
        "its top-left corner at 10, 20 and its bottom-right corner at 110, 120",
        "bottom-left corner (10, 120), top-right corner (110, 20)",
        "The opacity in the upper left lobe is at (10,20),(110,120).",
        "top left 10, 20 bottom right 110, 120",
        "x 10-110, y 20-120",
        "x = 10..110, y = 20..120",
        "rows 20-120, columns 10-110",
        "X1: 10 Y1: 20 X2: 110 Y2: 120",
        "(x_center, y_center, width, height) format: (60, 70, 100, 100)",
        "in x, y, width, height order: [10, 20, 100, 100]",
        "x from 10 to 110, y from 20 to 120",
        "x ranges from 10 to 110 and y ranges from 20 to 120",
        "x is between 10 and 110, y between 20 and 120",
        "x in [10, 110], y in [20, 120]",
        "x ∈ [10, 110], y ∈ [20, 120]",
        "It spans x=10 to 110 and y=20 to 120.",
        "left edge at 10, top edge at 20, right edge at 110, bottom edge at 120",
        "center: (60, 70), size: (100, 100)",
        '{"box_center": [60, 70], "box_size": [100, 100]}',
        r"$x_{\min}=10, y_{\min}=20, x_{\max}=110, y_{\max}=120$",
        r"x_{\text{min}} = 10, y_{\mathrm{min}} = 20, x_\max = 110, y_{max} = 120",
        "top-left (10,20), top-right (110,20), bottom-right (110,120), bottom-left (10,120)",
    ],
)
def test_prose_is_read_like_a_table_of_keys(text):
    assert (read(text), refused(text)) == ([BOX], ())
