"""Boxes and phrases out of the free text of an LVLM. JSON only, found anywhere in the text; nothing is evaluated.

The text is untrusted: it may hold prose, fenced blocks, an echo of the question, or a list that was cut off. A text
without a box is no error: it gives no box.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from medground_bench.types import Box, Frame


class Order(StrEnum):
    """Which coordinate of a corner comes first."""

    X_FIRST = "x0 y0 x1 y1"
    Y_FIRST = "y0 x0 y1 x1"


@dataclass(frozen=True, slots=True)
class BoxConvention:
    """How an LVLM family writes a bare list of four numbers: positions in a raster that covers the whole picture.

    raster  Frame("thousandths", 1000, 1000), or the pixels of the picture as given, or as resized for the model
    """

    raster: Frame
    order: Order = Order.X_FIRST


THOUSANDTHS = Frame("thousandths", width=1000, height=1000)
FRACTIONS = Frame("fractions", width=1, height=1)


@dataclass(frozen=True, slots=True)
class BoxesRead:
    """The boxes of a text, in its order, each once; `refused` counts lists of four numbers that are no box."""

    boxes: tuple[Box, ...]
    refused: int


MOST_CHARACTERS = 20_000
"""More of a text is not read; a response has 512 tokens at most."""

MOST_DEPTH = 6
MOST_BOXES = 10
MOST_PHRASES = 10
MOST_PHRASE_CHARACTERS = 80

CONTAINERS = frozenset(
    {"bbox_2d", "box_2d", "bbox", "bboxes", "box", "boxes", "bounding_box", "bounding_boxes"}
)
"""Keys under which boxes stand; numbers under any other key are something else."""

GEMINI_KEY = "box_2d"
"""Models that write this key were taught [y0, x0, y1, x1] in thousandths with it, whatever they were asked for."""

CORNERS = (("x1", "y1", "x2", "y2"), ("x0", "y0", "x1", "y1"), ("xmin", "ymin", "xmax", "ymax"))

LABELS = ("label", "region", "phrase", "description", "name")

QUOTED = re.compile(
    "'([^'\"\\n\\[\\]]{1,80})'|[\N{LEFT DOUBLE QUOTATION MARK}]([^\N{RIGHT DOUBLE QUOTATION MARK}\\n\\[\\]]{1,80})"
    "[\N{RIGHT DOUBLE QUOTATION MARK}]"
)
BRACKETS = re.compile(r"\[([^\[\]]{1,1000})\]")

OPENING = re.compile(r"[\[{]")

DECODER = json.JSONDecoder(parse_int=float)
"""Integers come as floats, so that five thousand digits become infinity and not an error."""


def boxes_in(text: str, convention: BoxConvention, picture: Frame) -> BoxesRead:
    """Boxes in the pixels of `picture`, clipped to it; at most 10.

    Read are lists of four numbers, lists of such lists, and objects that hold them under a key such as `bbox_2d` or as
    x1, y1, x2, y2. Four numbers that all lie in 0..1 are fractions of the sides, whatever the convention: no box is
    one pixel large. The key `box_2d` brings its own convention. An empty, reversed or outside box is refused.
    """
    boxes: dict[Box, None] = {}
    refused = 0
    for numbers, stated in _quadruples(text, convention):
        box = _box(numbers, stated, picture)
        if box is None:
            refused += 1
        elif len(boxes) < MOST_BOXES:
            boxes[box] = None
    return BoxesRead(tuple(boxes), refused)


def phrases_in(text: str) -> tuple[str, ...]:
    """The phrases of the first list in the text that holds any: at most 10, each once, at most 80 characters each.

    Besides JSON, a bracketed list in single or curly quotes is read, which models write when they think of Python.
    """
    for value in _values(text):
        phrases = _clean(_strings(value, MOST_DEPTH))
        if phrases:
            return phrases
    for bracket in BRACKETS.finditer(text[:MOST_CHARACTERS]):
        phrases = _clean(one or other for one, other in QUOTED.findall(bracket.group(1)))
        if phrases:
            return phrases
    return ()


def _quadruples(text: str, convention: BoxConvention) -> Iterator[tuple[list[float], BoxConvention]]:
    for value in _values(text):
        yield from _in_value(value, convention, MOST_DEPTH)


def _values(text: str) -> Iterator[Any]:
    """Every JSON list or object of a text, outermost first; where one is cut off, the whole ones inside it.

    Reading ends at a list nested a thousand deep: that is an attack on the reader, not an answer.
    """
    text, place = text[:MOST_CHARACTERS], 0
    while opening := OPENING.search(text, place):
        try:
            value, place = DECODER.raw_decode(text, opening.start())
        except RecursionError:
            return
        except ValueError:
            place = opening.end()
        else:
            yield value


def _in_value(
    value: Any, convention: BoxConvention, depth: int
) -> Iterator[tuple[list[float], BoxConvention]]:
    if depth == 0:
        return
    if isinstance(value, list):
        if len(value) == 4 and all(isinstance(number, float) for number in value):
            yield value, convention
        else:
            for item in value:
                yield from _in_value(item, convention, depth - 1)
    elif isinstance(value, dict):
        for corners in CORNERS:
            if all(isinstance(value.get(corner), float) for corner in corners):
                yield [value[corner] for corner in corners], BoxConvention(convention.raster)
                return
        for key in sorted(CONTAINERS & value.keys()):
            stated = BoxConvention(THOUSANDTHS, Order.Y_FIRST) if key == GEMINI_KEY else convention
            yield from _in_value(value[key], stated, depth - 1)


def _box(numbers: list[float], convention: BoxConvention, picture: Frame) -> Box | None:
    if not all(map(math.isfinite, numbers)):
        return None
    x0, y0, x1, y1 = numbers
    if convention.order is Order.Y_FIRST:
        x0, y0, x1, y1 = y0, x0, y1, x1
    raster = FRACTIONS if all(0 <= number <= 1 for number in numbers) else convention.raster
    across, down = picture.width / raster.width, picture.height / raster.height
    x0, x1 = (min(max(x * across, 0.0), float(picture.width)) for x in (x0, x1))
    y0, y1 = (min(max(y * down, 0.0), float(picture.height)) for y in (y0, y1))
    return Box(x0, y0, x1, y1, picture) if x0 < x1 and y0 < y1 else None


def _strings(value: Any, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(value, list):
        for item in value:
            if isinstance(item, str):
                yield item
            else:
                yield from _strings(item, depth - 1)
    elif isinstance(value, dict):
        yield from (value[label] for label in LABELS if isinstance(value.get(label), str))
        yield from (text for inner in value.values() for text in _strings(inner, depth - 1))


def _clean(phrases: Iterator[str]) -> tuple[str, ...]:
    words = (" ".join(phrase.split()) for phrase in phrases)
    kept = [phrase for phrase in words if phrase and phrase.isprintable() and any(map(str.isalpha, phrase))]
    return tuple(dict.fromkeys(phrase[:MOST_PHRASE_CHARACTERS] for phrase in kept))[:MOST_PHRASES]
