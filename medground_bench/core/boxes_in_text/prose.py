"""What the prose of a text says of the raster of its boxes, and of the size of the picture."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from medground_bench.core.boxes_in_text.statements import Said
from medground_bench.core.boxes_in_text.words import (
    BOTTOM,
    FRACTIONS,
    LENGTH_UNITS,
    NAMES_OF_PICTURES,
    NAMES_OF_SIZES,
    NOWHERE,
    PIXEL_UNITS,
    RANGE_ENDS,
    RASTER_WORDS,
    RIGHT,
    SCALE_WORDS,
    SCORE_WORDS,
    any_of,
)
from medground_bench.core.types import Frame

PICTURE, SIZE, SCALE = any_of(NAMES_OF_PICTURES), any_of(NAMES_OF_SIZES), any_of(SCALE_WORDS)
RASTERS: Mapping[Frame, str] = {
    frame: any_of(word for word, raster in RASTER_WORDS.items() if raster == frame and word.isalpha())
    for frame in RASTER_WORDS.values()
}
NEAR = 24
"""A score stands so many characters at most from its scale."""

COORDINATES = r"(?:bounding|box|boxes|bbox|coord\w*)"

_END = rf"(?P<end>{any_of(RANGE_ENDS)})(?![\w%]|[.,]\d|\s?,\s?\d)"
_FROM_ZERO = r"(?<![\w.,])0(?:\.0)?\s?"
_TO = r"(?:-|\.\.+|\u2013|to)\s?"
RANGES = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"(?:{SCALE}|coord\w*|from)\b[^.\n]{{0,24}}?{_FROM_ZERO}(?:{_TO}|and\s?){_END}",
        rf"{SCALE}\b[^.\n\[(]{{0,24}}?[\[(]\s?{_FROM_ZERO},\s?{_END}",
        rf"{_FROM_ZERO}{_TO}{_END}[ -](?:{SCALE}|coord\w*|space|units?)\b",
        rf"\b{SCALE} (?:to|by|on|in|of) (?:an? )?(?:scale of )?{_END}(?!\s?[x\u00d7-])",
        rf"\b1000\s?[x\u00d7]\s?{_END} (?:{SCALE}|coord\w*|space)\b",
        rf"(?:\bout|[\])]) of {_END}",
        rf"\(\s?{_FROM_ZERO}{_TO}{_END}\s?\)",
    )
)
"""A scale from 0 to its end."""

DOUBTFUL = re.compile(
    rf"\by[ -]first\b|\byx\b|\borigin\b[^.\n]{{0,30}}\b(?:{BOTTOM}|{RIGHT})\b|\by[ -]axis points? up"
    r"|\bcent(?:er|re)[ -]based\b",
    re.IGNORECASE,
)
"""What turns the meaning of numbers round, in words too free to be read."""

IN_PROSE: Mapping[Frame, re.Pattern[str]] = {
    raster: re.compile(
        rf"\b{words}\W+(?:\w+\W+){{0,1}}?{COORDINATES}\b|\bcoord\w*\W+(?:\w+\W+){{0,3}}?{words}\b(?! to)"
        rf"|\b(?:in|as) (?:an? )?{words}\b|\({words}\)"
        rf"|\b{words} to the {PICTURE}(?:'s)? (?:{SIZE}|width|sides?)",
        re.IGNORECASE,
    )
    for raster, words in RASTERS.items()
    if raster != NOWHERE  # a finding is so many mm
}
"""A raster by its name."""

_WIDTH, _HEIGHT = (rf"(?P<{side}>\d{{2,5}})(?!\d|\.\d)\s?{PIXEL_UNITS}?" for side in "wh")
_BY = rf"(?<![\w.]){_WIDTH}\s?(?:x|\u00d7|\*|by)\s?{_HEIGHT}(?!\s?{LENGTH_UNITS})"
_PICTURE_HERE = rf"(?<![^\W_]){PICTURE}"
_OF_SIZE = rf"[ _]?{SIZE}"
_IS = r"\W{0,5}(?:of |is )?"
_THEN = r"\W{1,6}(?:and )?(?:an? )?\W?"
SIZES = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"{_BY}[ -](?:\w+ ){{0,2}}?{PICTURE}\b",
        rf"\b(?:{PICTURE}|resolution)\b[^.\n\[\]{{}}]{{0,40}}?{_BY}",
        rf"(?:{_PICTURE_HERE}{_OF_SIZE}|\bresolution)\W{{0,6}}(?:is |of )?[\[(]\s?{_WIDTH}\s?,\s?{_HEIGHT}\s?[\])]",
        rf"{_PICTURE_HERE}[ _]?width\W{{1,6}}{_WIDTH}\W{{1,6}}{PICTURE}[ _]?height\W{{1,6}}{_HEIGHT}",
        rf"{_PICTURE_HERE}[ _]?height\W{{1,6}}{_HEIGHT}\W{{1,6}}{PICTURE}[ _]?width\W{{1,6}}{_WIDTH}",
        rf"{_PICTURE_HERE}\b[^.\n]{{0,30}}?\bwidth\b{_IS}{_WIDTH}{_THEN}height\b{_IS}{_HEIGHT}",
        rf"{_PICTURE_HERE}\b[^.\n]{{0,30}}?{_WIDTH} (?:wide|in width){_THEN}{_HEIGHT} (?:high|tall|in height)",
    )
)
"""Width and height of the picture, in words or in JSON."""


@dataclass(frozen=True, slots=True)
class Prose:
    """What the prose of a text states, and a mark on each character of a statement.

    >>> prose = prose_of("in percent of the width")
    >>> [raster.name for raster in prose.said.rasters], len(prose.marks)
    (['percent'], 23)
    """

    said: Said
    marks: bytearray


def prose_of(text: str) -> Prose:
    """Rasters and sizes of the picture that the prose of a text states, wherever.

    >>> sorted(prose_of("In the 1024 x 768 image, on a scale of 0 to 1000").said.sizes)
    [(1024, 768)]
    """
    said, marks = Said(unread=bool(DOUBTFUL.search(text))), bytearray(len(text))
    for raster, form in IN_PROSE.items():
        if form.search(text):
            said.rasters.add(raster)
    for form in (*RANGES, *SIZES):
        for match in form.finditer(text):
            marks[match.start() : match.end()] = b"\1" * len(match[0])
            stated = match.groupdict()
            if "end" in stated:
                said.rasters |= _raster_of_scale(match)
            else:
                said.sizes.add((int(stated["w"]), int(stated["h"])))
    return Prose(said, marks)


def _raster_of_scale(match: re.Match[str]) -> set[Frame]:
    """None of a scale from 0 to 1 beside a word such as "confidence"."""
    around = match.string[max(0, match.start() - NEAR) : match.end() + NEAR].casefold()
    raster = RANGE_ENDS[match["end"]]
    return set() if raster == FRACTIONS and any(map(around.__contains__, SCORE_WORDS)) else {raster}
