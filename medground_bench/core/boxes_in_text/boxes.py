"""The boxes of a text in the pixels of a picture. Nothing is evaluated, and between two conventions none is guessed.

The text is untrusted: it may hold prose, fenced blocks, an echo of the question, a list that was cut off, or a hidden
chain of thought, of which nothing is read. A text without a box is no error: it gives no box.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from medground_bench.core.boxes_in_text.patterns import LATEX_SIDE
from medground_bench.core.boxes_in_text.rasters import BoxConvention, box_in_picture
from medground_bench.core.boxes_in_text.scopes import WrittenBox
from medground_bench.core.boxes_in_text.tokens import written_in
from medground_bench.core.types import Box, Frame
from medground_bench.core.visible_text import without_drafts


@dataclass(frozen=True, slots=True)
class BoxesRead:
    """The boxes of a text, in its order, each once, at most 10.

    refused  pieces of the text that look like boxes and are not read: at most 10, each once and 80 characters long

    >>> BoxesRead(boxes=(), refused=("[10, 20, 110]",)).refused
    ('[10, 20, 110]',)
    """

    boxes: tuple[Box, ...]
    refused: tuple[str, ...] = ()


MOST_CHARACTERS = 20_000
"""More of a visible text is not read; a response has 512 tokens at most."""

MOST_BOXES = 10
MOST_REFUSED = 10
MOST_REFUSED_CHARACTERS = 80
BEGINNING = re.compile(rf"(?:\s*+\S){{0,{MOST_REFUSED_CHARACTERS}}}+")
"""All that is looked at of a refused piece: brackets that are never closed each reach to the end of the text."""


def boxes_in(text: str, convention: BoxConvention, picture: Frame) -> BoxesRead:
    """Boxes in the pixels of `picture`, clipped to it; of hidden chains and drafts of an answer there are none.

    Read are four numbers in brackets or under the key of a box, two corners, named sides, and the tags and tokens of
    `meanings`. What the text states of order and raster has the last word: by a key, a tag, a unit, an entry such as
    "format": "xywh", a list of names such as [ymin, xmin, ymax, xmax], or in its prose; what it states twice must
    agree. Only then comes the convention. Four numbers that all lie in 0..1, or a little beyond, are fractions of the
    sides: no box is one pixel large. An empty, reversed or outside box is refused, and so is one whose numbers
    contradict what is said of their raster.

    >>> native, raster = Frame.native(width=400, height=400), Frame("resized", width=200, height=200)
    >>> [box.xyxy for box in boxes_in("The heart: [10, 20, 110, 120].", BoxConvention(raster), native).boxes]
    [(20.0, 40.0, 220.0, 240.0)]
    >>> boxes_in("box: [110, 20, 10, 120]", BoxConvention(raster), native)  # x1 before x0
    BoxesRead(boxes=(), refused=('box: [110, 20, 10, 120]',))
    """
    boxes: dict[Box, None] = {}
    refused: dict[str, None] = {}
    parts = without_drafts(text)
    for part, sure in ((parts.shown, True), (parts.unsure, False)):
        text = part[:MOST_CHARACTERS].replace("\N{MINUS SIGN}", "-").replace("&quot;", '"')
        text = LATEX_SIDE.sub(r"\1_\2\3", text)
        for written in written_in(text, convention.order):
            box = box_in_picture(written, convention, picture) if sure else None
            if box is not None:
                boxes[box] = None
            else:
                refused[_beginning(text, written)] = None
    return BoxesRead(tuple(boxes)[:MOST_BOXES], tuple(refused)[:MOST_REFUSED])


def _beginning(text: str, piece: WrittenBox) -> str:
    """The printable characters that a piece begins with, in one line."""
    match = BEGINNING.match(text, piece.start, piece.end)
    assert match, "it may be empty"
    words = " ".join(match[0].split())
    return "".join(filter(str.isprintable, words))[:MOST_REFUSED_CHARACTERS]
