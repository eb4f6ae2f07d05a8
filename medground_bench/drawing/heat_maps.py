"""Tables of shares: the darker a cell the more, its percent written in it, the choice framed. 180 mm wide at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from medground_bench.core.errors import MedgroundError
from medground_bench.drawing.cells import Cell
from medground_bench.drawing.palette import CELLS, FAINT, PAPER, shade
from medground_bench.drawing.sheet import (
    MARGIN_MM,
    PAGE_MM,
    SMALL_PT,
    Place,
    Sheet,
    fitting_pt,
    width_mm,
)

WIDEST_MM, CELL_MM = 13.0, 6.0
"""Width of a cell at most, and its height; the paper up to the next cell is part of both."""

LINE_MM = 0.4
TITLE_MM = 6.0
HEADINGS_MM = 5.0
GAP_MM = 2.0
"""Between headings and cells."""

NAME_MM = 4.5
"""Room for what the rows are, written upwards."""

BETWEEN_MM = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """One table.

    down     what its rows are, such as the layer; "" where that goes without saying, as with `across` its columns
    rows     headings from the top
    columns  headings from the left
    shares   0..1, a sequence a row; None, a dash, where there is none
    chosen   (row, column) of the cell with a frame
    """

    title: str
    down: str = ""
    across: str = ""
    rows: Sequence[str]
    columns: Sequence[str]
    shares: Sequence[Sequence[float | None]]
    chosen: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMaps:
    """Tables that are compared: one scale of colours, cells of one size.

    tables    rows of tables, from the top; headings that have to be written upwards are not repeated below themselves
    span      the shares at the pale and at the dark end of the scale
    decimals  of the percents; with 0, cells of a share of 0 stay empty, so that a sparse table can be read
    """

    tables: Sequence[Sequence[HeatMap]]
    span: tuple[float, float]
    decimals: int = 1

    def png(self) -> bytes:
        """The figure's file; MedgroundError where there is no table, or one without a cell."""
        tables = [table for row in self.tables for table in row]
        if not tables or not all(table.rows and table.columns for table in tables):
            raise MedgroundError("There is nothing to draw: every table needs a row and a column at least.")
        layout = _Layout.of(self)
        sheet = Sheet(layout.width, layout.bands[-1].bottom)
        for band in layout.bands:
            for number, table in enumerate(band.tables):
                left = MARGIN_MM + layout.pitch * number
                size_pt = fitting_pt(table.title, layout.pitch - BETWEEN_MM)
                sheet.text((left, band.top + TITLE_MM / 2), table.title, size_pt=size_pt)
                corner = (left + layout.lead, band.first)
                if band.headed:
                    _draw_columns(sheet, layout, table, corner)
                _draw_rows(sheet, table, left, corner)
                self._draw_cells(sheet, layout, table, corner)
        return sheet.png()

    def words(self, share: float | None) -> str:
        """What stands in a cell."""
        if share is None:
            return "-"
        return "" if share == self.decimals == 0 else f"{100 * share:.{self.decimals}f}"

    def _draw_cells(self, sheet: Sheet, layout: _Layout, table: HeatMap, corner: Place) -> None:
        low, high = self.span
        for row, shares in enumerate(table.shares):
            for column, share in enumerate(shares):
                x, y = corner[0] + layout.cell * column, corner[1] + CELL_MM * row
                strength = (share - low) / (high - low) if share is not None and high > low else 0.0
                fill = PAPER if share is None else shade(CELLS, strength)
                cell = Cell(self.words(share), fill, chosen=table.chosen == (row, column))
                edges = (x, y, x + layout.cell - LINE_MM, y + CELL_MM - LINE_MM)
                sheet.cell(edges, cell, size_pt=layout.number_pt)


@dataclass(frozen=True, slots=True)
class _Band:
    """Tables beside each other; mm from the top of the sheet: where they begin, their first row of cells, their end."""

    tables: Sequence[HeatMap]
    headed: bool
    top: float
    first: float
    bottom: float


@dataclass(frozen=True, slots=True)
class _Layout:
    """What all tables have in common, in mm.

    width      of the sheet
    pitch      from the left of one table to that of the next
    lead       from the left of a table to its cells
    cell       width of a cell
    upright    whether the headings of columns are written upwards
    number_pt  size of the numbers
    """

    width: float
    pitch: float
    lead: float
    cell: float
    upright: bool
    number_pt: float
    bands: Sequence[_Band]

    @classmethod
    def of(cls, maps: HeatMaps) -> _Layout:
        tables = [table for row in maps.tables for table in row]
        abreast = max(map(len, maps.tables))
        room = (PAGE_MM - 2 * MARGIN_MM + BETWEEN_MM) / abreast - BETWEEN_MM
        lead = max(map(_lead, tables))
        columns = max(len(table.columns) for table in tables)
        cell = min(WIDEST_MM, (room - lead) / columns)
        heading = max(width_mm(name) for table in tables for name in table.columns)
        upright = heading > cell - LINE_MM
        head = 0.0 if heading == 0 else heading + GAP_MM if upright else HEADINGS_MM
        titled = min(room, max(width_mm(table.title) for table in tables))
        pitch = max(lead + cell * columns - LINE_MM, titled) + BETWEEN_MM
        numbers = {maps.words(share) for table in tables for row in table.shares for share in row}
        return cls(
            width=2 * MARGIN_MM + pitch * abreast - BETWEEN_MM,
            pitch=pitch,
            lead=lead,
            cell=cell,
            upright=upright,
            number_pt=fitting_pt(max(numbers, key=width_mm), cell - LINE_MM - 1),
            bands=_bands(maps, head, upright=upright),
        )


def _lead(table: HeatMap) -> float:
    headings = max(width_mm(table.across, SMALL_PT), *map(width_mm, table.rows))
    return headings + GAP_MM + (NAME_MM if table.down else 0.0)


def _bands(maps: HeatMaps, head: float, *, upright: bool) -> list[_Band]:
    """The rows of tables, one below the other; `head` is the height of their headings, in mm."""
    bands: list[_Band] = []
    above, top = None, 0.0
    for tables in maps.tables:
        columns = [list(table.columns) for table in tables]
        headed = not upright or columns != above
        first = top + TITLE_MM + head * headed
        bottom = first + CELL_MM * max(len(table.rows) for table in tables) + MARGIN_MM
        bands.append(_Band(tables, headed, top, first, bottom))
        above, top = columns, bottom
    return bands


def _draw_columns(sheet: Sheet, layout: _Layout, table: HeatMap, corner: Place) -> None:
    """Headings above the cells, whose upper left corner this is."""
    left, foot = corner
    sheet.text(
        (left - GAP_MM, foot - HEADINGS_MM / 2), table.across, anchor="rm", size_pt=SMALL_PT, ink=FAINT
    )
    for number, heading in enumerate(table.columns):
        x = left + layout.cell * (number + 0.5) - LINE_MM / 2
        if layout.upright:
            sheet.upright((x, foot - GAP_MM / 2), heading)
        else:
            sheet.text((x, foot - HEADINGS_MM / 2), heading, anchor="mm")


def _draw_rows(sheet: Sheet, table: HeatMap, left: float, corner: Place) -> None:
    """Headings between the left of a table and its cells, whose upper left corner is given."""
    end, top = corner[0] - GAP_MM, corner[1]
    foot = top + (CELL_MM * len(table.rows) + width_mm(table.down, SMALL_PT)) / 2
    if table.down:
        sheet.upright((left + NAME_MM / 2, foot), table.down, size_pt=SMALL_PT, ink=FAINT)
    for number, heading in enumerate(table.rows):
        sheet.text((end, top + CELL_MM * (number + 0.5) - LINE_MM / 2), heading, anchor="rm")
