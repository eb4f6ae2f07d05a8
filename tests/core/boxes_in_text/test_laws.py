"""Laws: a box comes back from every form, and a form with one part missing gives the same box or none."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from medground_bench.core.boxes_in_text import BoxConvention, boxes_in
from tests.core.boxes_in_text.reading import PER_MILLE, PIXELS, RESIZED, STUDY, Y_FIRST


@dataclass(frozen=True)
class Form:
    """How a box is written: the words around its numbers, and the raster and the family they are meant in.

    step  of the numbers, in pixels of the study: half of it is the most that rounding may move a side
    """

    text: str
    family: BoxConvention = PIXELS
    raster: int = 224
    digits: int = 0

    def write(self, box: tuple[int, int, int, int]) -> str:
        x0, y0, x1, y1 = (round(side * self.raster / 224, self.digits) for side in box)
        if not self.digits:
            x0, y0, x1, y1 = (int(side) for side in (x0, y0, x1, y1))
        sizes = {"w": round(x1 - x0, 4), "h": round(y1 - y0, 4), "cx": (x0 + x1) / 2, "cy": (y0 + y1) / 2}
        return self.text.format(x0=x0, y0=y0, x1=x1, y1=y1, **sizes)

    @property
    def rounding(self) -> float:
        return 224 / self.raster * 10**-self.digits + 1e-6


LIST, YXYX, XYWH = "[{x0}, {y0}, {x1}, {y1}]", "[{y0}, {x0}, {y1}, {x1}]", "[{x0}, {y0}, {w}, {h}]"
IN_OBJECTS = [
    Form('{{"bbox_2d": ' + LIST + "}}"),
    Form('{{"bbox_2d": ' + LIST + "}}", RESIZED, 448),
    Form('{{"bbox_2d": ' + LIST + "}}", PER_MILLE, 1000),
    Form('{{"box_2d": ' + YXYX + ', "label": "heart"}}', PIXELS, 1000),
    Form('{{"box_2d": ' + YXYX + "}}", Y_FIRST, 1000),
    Form('{{"bbox_xywh": ' + XYWH + "}}"),
    Form('{{"bbox": ' + XYWH + ', "format": "xywh"}}'),
    Form('{{"box_format": "yxyx", "bbox": ' + YXYX + "}}", PER_MILLE, 1000),
    Form('{{"bbox": ' + LIST + ', "coordinates": "normalized"}}', PER_MILLE, 1, 4),
    Form('{{"bbox_cxcywh": [{cx}, {cy}, {w}, {h}]}}'),
    Form('{{"yxyx": ' + YXYX + "}}"),
    Form('{{"bbox_percent": ' + LIST + "}}", RESIZED, 100, 2),
    Form('{{"x": {x0}, "y": {y0}, "width": {w}, "height": {h}}}'),
    Form('{{"x1": {x0}, "y1": {y0}, "x2": {x1}, "y2": {y1}}}', Y_FIRST, 1000),
    Form('{{"y_max": {y1}, "x_max": {x1}, "y_min": {y0}, "x_min": {x0}}}'),
    Form('{{"box": {{"left": {x0}, "top": {y0}, "right": {x1}, "bottom": {y1}}}}}'),
    Form('{{"top_left": [{x0}, {y0}], "bottom_right": [{x1}, {y1}]}}'),
    Form('{{"center": [{cx}, {cy}], "size": [{w}, {h}]}}'),
    Form('{{"x": [{x0}, {x1}], "y": [{y0}, {y1}]}}'),
]
ELSEWHERE = [
    Form(LIST),
    Form("[" + LIST + "]", RESIZED, 448),
    Form("({x0}, {y0}, {x1}, {y1})"),
    Form("[[{x0}, {y0}], [{x1}, {y1}]]"),
    Form("({x0}, {y0}) to ({x1}, {y1})"),
    Form("[{x0}%, {y0}%, {x1}%, {y1}%]", PER_MILLE, 100, 2),
    Form("<|box_start|>({x0},{y0}),({x1},{y1})<|box_end|>"),
    Form("<box>[" + LIST + "]</box>", PIXELS, 1000),
    Form("<bbox><xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax></bbox>"),
    Form('<rect x="{x0}" y="{y0}" width="{w}" height="{h}"/>'),
    Form("<loc_{x0}><loc_{y0}><loc_{x1}><loc_{y1}>", PIXELS, 1000),
    Form("x1={x0}, y1={y0}, x2={x1}, y2={y1}"),
    Form("x: {x0}-{x1}, y: {y0}-{y1}"),
    Form("top-left ({x0}, {y0}), bottom-right ({x1}, {y1})"),
    Form("In the 1024x1024 image: " + LIST, PER_MILLE, 1024),
    Form("on a scale of 0 to 1000: " + LIST, PIXELS, 1000),
    Form("[ymin, xmin, ymax, xmax] = " + YXYX),
    Form("\n| x1 | y1 | x2 | y2 |\n|---|---|---|---|\n| {x0} | {y0} | {x1} | {y1} |\n"),
    Form("\\boxed{{" + LIST + "}}"),
]
FORMS = IN_OBJECTS + ELSEWHERE
PROSE = [
    "",
    "The heart is enlarged. ",
    "Box 1: ",
    "1. **Heart**: ",
    "Two ribs are broken, and the 3rd one is not; here it is: ",
    "As of 2024-01-02, at 12:30, in a man of 63 years:\n",
    "```json\n",
    "<answer>",
    "<think>[[1, 2, 30, 40]], or (5, 6)?</think>",
]
AFTER = [
    "",
    ".",
    " That is all.",
    "\n```",
    "</answer>",
    " (confidence 0.93)",
    "\n\nSee [1] and [2].",
    ", which is 12 % of the picture",
]

sides = st.integers(9, 210)
boxes = st.tuples(sides, sides, sides, sides).map(
    lambda four: (
        *(min(four[i], four[i + 2]) for i in (0, 1)),
        *(max(four[i], four[i + 2]) + 8 for i in (0, 1)),
    )
)


def read(text: str, form: Form) -> list[tuple[float, ...]]:
    return [box.xyxy for box in boxes_in(text, form.family, STUDY).boxes]


@given(boxes, st.sampled_from(FORMS), st.sampled_from(PROSE), st.sampled_from(AFTER))
def test_a_box_comes_back_from_every_form_in_any_prose(box, form, before, after):
    found = read(before + form.write(box) + after, form)
    assert found == [pytest.approx(box, abs=form.rounding)]


PARTS = re.compile(r"[\[\](){}]|\"\w+\": |\w+=|\"|, |<[^<>]*>|\||\b[xy]: |(?:top|bottom)-\w+ ")


@given(boxes, st.sampled_from(FORMS), st.data())
def test_a_form_without_one_of_its_parts_gives_the_same_box_or_none(box, form, data):
    text = form.write(box)
    part = data.draw(st.sampled_from(list(PARTS.finditer(text))))
    other = data.draw(st.sampled_from(["", " ", "?", part[0] * 2]))
    said = text[: part.start()] + other + text[part.end() :]
    assert read(said, form) in ([], [pytest.approx(box, abs=form.rounding)]), said


KEYS = re.compile(r"\w+(?=\": )")


@given(boxes, st.sampled_from(IN_OBJECTS), st.data())
def test_an_object_with_one_key_misspelt_gives_the_same_box_or_none(box, form, data):
    text = form.write(box)
    key = data.draw(st.sampled_from(list(KEYS.finditer(text))))
    place = data.draw(st.integers(key.start(), key.end() - 1))
    letter = data.draw(st.sampled_from(["", *"abdefknoqsuvz"]))
    said = text[:place] + letter + text[place + 1 :]
    assume(not re.search(r'"(box_2d|box_2)"', said))  # the name of another form, or of a second box
    assert read(said, form) in ([], [pytest.approx(box, abs=form.rounding)]), said
