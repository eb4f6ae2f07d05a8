"""Tables whose header names the sides of boxes, a box a row: CSV, and tables of markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass

from medground_bench.core.boxes_in_text.meanings import BARE, IN_DOUBT, meaning_of, words_of
from medground_bench.core.boxes_in_text.scopes import Number, WrittenBox
from medground_bench.core.boxes_in_text.sides import axis_of, box_of
from medground_bench.core.boxes_in_text.statements import Said
from medground_bench.core.boxes_in_text.words import SIDE_NAMES, THIRD_CORNER, UNIT, UNITS

LINE = re.compile(r"[^\n]+")
SEPARATORS = ("|", "\t", ";", ",")
RULE = re.compile(r"[\s|:+-]+")
NAME = re.compile(r"[\s*_\"'`]*[^\W\d_][\w .-]*[\s*_\"'`]*")
CELL = re.compile(rf"[\s*\"'`]*([-+]?\d+(?:\.\d+)?)\s?({UNIT})?[\s*\"'`]*", re.IGNORECASE)

MOST_HEADER_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Header:
    """The line above a table: what parts its cells, how many there are, and which of them hold which side.

    A table of polygons has none.

    >>> Header(",", cells=5, sides={"x1": 1, "y1": 2, "x2": 3, "y2": 4}).sides["y2"]
    4
    """

    separator: str
    cells: int
    sides: dict[str, int]


@dataclass(frozen=True, slots=True)
class Tables:
    """The boxes of all tables in a text, and the text with spaces in their place.

    >>> tables_of("No table here.", Said())
    Tables(written=[], rest='No table here.')
    """

    written: list[WrittenBox]
    rest: str


def tables_of(text: str, said: Said) -> Tables:
    r"""Every table of a text; a row that holds no number where its side should be is refused.

    >>> tables = tables_of("x1,y1,x2,y2\n10,20,110,120\n10,20,?,120", Said())
    >>> [[number.value for number in row.numbers] for row in tables.written]
    [[10.0, 20.0, 110.0, 120.0], []]
    """
    written: list[WrittenBox] = []
    rest, header = list(text), None
    for line in LINE.finditer(text):
        above, header = header, header_of(line[0])
        if header is None and above and RULE.fullmatch(line[0]):
            header = above
        elif header is None and above and len(_cells(line[0], above.separator)) == above.cells:
            header = above
            written.append(_row(line, header, said))
        if header:
            rest[line.start() : line.end()] = " " * len(line[0])
    return Tables(written, "".join(rest))


def header_of(line: str) -> Header | None:
    """The header that a line is, if its cells are names, and four of them fix a box.

    >>> header_of("| finding | x1 | y1 | x2 | y2 |").sides
    {'x1': 1, 'y1': 2, 'x2': 3, 'y2': 4}
    """
    if len(line) > MOST_HEADER_CHARACTERS:
        return None
    separator = next(
        filter(line.__contains__, SEPARATORS), ""
    )  # else spaces, if there are names of sides only
    cells = _cells(line, separator)
    if len(cells) < 4 or not all(map(NAME.fullmatch if separator else SIDE_NAMES.get, cells)):
        return None
    sides: dict[str, int] = {}
    for place, cell in enumerate(cells):
        named = meaning_of(cell).sides
        if named and len(set(map(axis_of, named))) == 1:
            sides.setdefault(named[0], place)
    fixed = box_of(dict.fromkeys(sides, 0.0)) is not None
    polygon = not THIRD_CORNER.isdisjoint(word for cell in cells for word in words_of(cell))
    return Header(separator, len(cells), {} if polygon else sides) if fixed and len(sides) == 4 else None


def _cells(line: str, separator: str) -> list[str]:
    return (line.strip().strip("|") if separator == "|" else line).split(separator or None)


def _row(line: re.Match[str], header: Header, said: Said) -> WrittenBox:
    cells = _cells(line[0], header.separator)
    matches = [CELL.fullmatch(cells[place]) for place in header.sides.values()]
    numbers = tuple(
        Number(float(each[1]), UNITS[(each[2] or "").casefold()], line.start(), line.end())
        for each in matches
        if each
    )
    if not numbers or len(numbers) < len(matches):
        return WrittenBox(line.start(), line.end(), (), (), IN_DOUBT, said)
    return WrittenBox(line.start(), line.end(), numbers, tuple(header.sides), BARE, said)
