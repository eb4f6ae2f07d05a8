"""What is said of the order and the raster of boxes, in their object or anywhere in the text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from medground_bench.core.boxes_in_text.meanings import IN_DOUBT, KeyKind, Meaning, frame_said, words_of
from medground_bench.core.boxes_in_text.sides import Sides, canonical
from medground_bench.core.boxes_in_text.words import (
    BOX_WORDS,
    COCO_WORDS,
    COORDINATE_WORDS,
    DENYING_LABELS,
    FORMAT_WORDS,
    FRACTIONS,
    LABEL_KEYS,
    LOOSE_FORMAT_WORDS,
    PIXELS,
    RASTER_WORDS,
    ROTATION_WORDS,
    SILENT_FORMATS,
    THIRD_CORNER,
    WORDS_OF_FORMATS,
    WORDS_OF_FRAMES,
)
from medground_bench.core.types import Frame

PIXELS_SAID = Meaning(KeyKind.BOX, (), PIXELS)


@dataclass(slots=True)
class Said:
    """What is said of the boxes in one bracket, before them or after them; `outer` holds for them, too.

    orders   of four numbers
    rasters  which the numbers are positions in
    sizes    of the picture, in pixels
    beside   width and height that stand beside a box: its own, or the picture's?
    of_coco  beside keys of COCO, whose boxes are xywh, and which others write beside xyxy
    unread   something is said that is not understood
    used     a box stands here

    >>> said = Said()
    >>> said.hear("format", "xywh", quoted=True)
    >>> said.orders, said.unread
    ({('x0', 'y0', 'w', 'h')}, False)
    """

    outer: Said | None = None
    orders: set[Sides] = field(default_factory=set)
    rasters: set[Frame] = field(default_factory=set)
    sizes: set[tuple[int, int]] = field(default_factory=set)
    beside: set[tuple[float, float]] = field(default_factory=set)
    of_coco: bool = False
    unread: bool = False
    used: bool = False

    def add(self, meaning: Meaning) -> None:
        """One more statement; one in doubt is not understood."""
        if meaning.sides:
            self.orders.add(canonical(meaning.sides))
        if meaning.raster:
            self.rasters.add(meaning.raster)
        self.unread |= meaning.kind is KeyKind.REFUSED

    def merge(self, other: Said) -> None:
        """Take over what was said in a bracket without boxes."""
        self.orders |= other.orders
        self.rasters |= other.rasters
        self.sizes |= other.sizes
        self.beside |= other.beside
        self.of_coco |= other.of_coco
        self.unread |= other.unread

    def hear(self, key: str, value: str, *, quoted: bool) -> None:
        """An entry such as "format": "xywh"; one of a format that is not understood leaves every box in doubt."""
        names, words = set(words_of(key)), words_of(value)
        meaning = frame_said(words)
        of_boxes = not BOX_WORDS.isdisjoint(names)
        of_format = bool(names & (FORMAT_WORDS | LOOSE_FORMAT_WORDS)) and names <= WORDS_OF_FORMATS
        strict = of_format and (of_boxes or bool(names & FORMAT_WORDS)) and (quoted or len(words) == 1)
        if (
            self.outer
            and names & LABEL_KEYS
            and (words == ["normal"] or DENYING_LABELS.intersection(words[:1]))
        ):
            self.unread = True
        elif "".join(words_of(key)) in COCO_WORDS:
            self.of_coco = True
        elif names & THIRD_CORNER or ("".join(words_of(key)) in ROTATION_WORDS and _is_turned(value)):
            self.unread = True
        elif words in (["true"], ["false"]) and names & RASTER_WORDS.keys():
            stated = frame_said([*names])
            self.add(stated if words == ["true"] else PIXELS_SAID if stated.raster == FRACTIONS else IN_DOUBT)
        elif meaning.states_a_frame or meaning.kind is KeyKind.REFUSED:
            nothing_else = set(words) <= WORDS_OF_FRAMES and (of_boxes or meaning.sides)
            if of_format or names & RASTER_WORDS.keys() or nothing_else:
                self.add(meaning)
        elif not (set(words) <= SILENT_FORMATS or (len(words) > 3 and all(map(str.isdigit, words)))):
            in_words = quoted and not any(map(str.isdigit, value))
            self.unread |= strict or (in_words and "".join(names) in COORDINATE_WORDS)

    def in_all(self) -> Said:
        """All that holds here."""
        everything, said = Said(), self.outer
        everything.merge(self)
        while said:
            everything.merge(said)
            said = said.outer
        return everything


def _is_turned(value: str) -> bool:
    """Whether an angle is a number, and not 0."""
    number = re.match(r"\s*[-+]?([\d.]+)", value)
    return bool(number and number[1].strip("0."))
