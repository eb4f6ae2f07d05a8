"""Tables of shares at print size: darkness is the share, headings stand where they belong, the choice is framed."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from medground_bench.core.errors import MedgroundError
from medground_bench.drawing.heat_maps import CELL_MM, HeatMap, HeatMaps
from medground_bench.drawing.palette import CELLS, CHOSEN, PAPER, shade
from medground_bench.drawing.sheet import DPI

PX_PER_MM = DPI / 25.4
TABLE = HeatMap(
    title="IoU, percent",
    down="layer",
    across="head",
    rows=["0", "1", "2"],
    columns=["mean", "0"],
    shares=[[0.0, 0.1], [0.2, 0.4], [0.3, None]],
    chosen=(1, 1),
)


def pixels(maps: HeatMaps) -> np.ndarray:
    image = Image.open(io.BytesIO(maps.png()))
    assert image.info["dpi"] == pytest.approx((DPI, DPI), abs=0.1)
    return np.asarray(image.convert("RGB"))


def one(table: HeatMap, **settings) -> np.ndarray:
    return pixels(HeatMaps(tables=[[table]], **{"span": (0.0, 0.4)} | settings))


def middle(image: np.ndarray, colour) -> tuple[float, float]:
    """In mm from the left and the top."""
    rows, columns = np.nonzero((image == colour).all(-1))
    return (columns.min() + columns.max()) / 2 / PX_PER_MM, (rows.min() + rows.max()) / 2 / PX_PER_MM


def test_every_share_has_a_cell_as_dark_as_it_is_large_in_its_row_and_column():
    image = one(replace(TABLE, chosen=None))
    places = {
        share: middle(image, shade(CELLS, share / 0.4))
        for shares in TABLE.shares
        for share in shares
        if share is not None
    }
    columns = [places[share][0] for share in (0.0, 0.2, 0.3)], [places[share][0] for share in (0.1, 0.4)]
    assert max(map(np.ptp, columns)) < 0.2 and columns[0][0] + 12 < columns[1][0]
    rows = [places[share][1] for share in (0.0, 0.2, 0.3)]
    assert np.diff(rows) == pytest.approx([CELL_MM] * 2, abs=0.2)
    assert places[0.4][1] == pytest.approx(rows[1], abs=0.2)


def test_the_choice_alone_is_framed():
    image = one(TABLE)
    assert middle(image, CHOSEN) == pytest.approx(middle(image, CELLS[-1]), abs=0.2)
    rows, columns = np.nonzero((image == CHOSEN).all(-1))
    assert np.ptp(rows) / PX_PER_MM < CELL_MM and np.ptp(columns) / PX_PER_MM < 13
    assert not (one(replace(TABLE, chosen=None)) == CHOSEN).all(-1).any()


def test_a_share_that_is_not_there_is_a_dash_on_paper():
    missing, zero = (
        replace(TABLE, rows=["0"], columns=["0"], shares=[[share]], chosen=None) for share in (None, 0.0)
    )
    assert not (one(missing) == CELLS[0]).all(-1).any() and (one(zero) == CELLS[0]).all(-1).any()
    assert (one(missing) < 120).all(-1).sum() < (one(zero) < 120).all(-1).sum(), (
        "a dash has less ink than 0.0"
    )


def test_with_whole_percents_nothing_is_written_for_a_share_of_0_so_that_a_sparse_table_can_be_read():
    words = HeatMaps(tables=[[TABLE]], span=(0, 1), decimals=0).words
    assert [words(share) for share in (0.0, 0.001, 0.125, 1.0, None)] == ["", "0", "12", "100", "-"]
    words = HeatMaps(tables=[[TABLE]], span=(0, 1)).words
    assert [words(share) for share in (0.0, 0.001, 0.1256, 1.0, None)] == ["0.0", "0.1", "12.6", "100.0", "-"]


def test_shares_that_are_all_alike_are_all_pale():
    alike = replace(TABLE, shares=[[0.2, 0.2]] * 3, chosen=None)
    image = one(alike, span=(0.2, 0.2))
    assert (image == CELLS[0]).all(-1).sum() > 5 * 12 * CELL_MM * PX_PER_MM**2 * 0.7


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (6, 5), (28, 29), (62, 33)])
@pytest.mark.parametrize(
    "title", ["IoU", "attention_head, org/a-long-name@" + 40 * "c" + ", direct: " + 60 * "x"]
)
def test_a_table_of_any_size_under_any_title_is_180_mm_wide_at_most_with_nothing_at_its_edges(
    rows, columns, title
):
    table = HeatMap(
        title=title,
        down="layer",
        across="head",
        rows=[str(number) for number in range(rows)],
        columns=["mean", *(str(number) for number in range(columns - 1))],
        shares=np.linspace(0, 1, rows * columns).reshape(rows, columns).tolist(),
        chosen=(rows - 1, columns - 1),
    )
    image = one(table, span=(0.0, 1.0))
    assert image.shape[1] / PX_PER_MM <= 180.1
    edges = [image[:8], image[-8:], image[:, :8].swapaxes(0, 1), image[:, -8:].swapaxes(0, 1)]
    assert all((edge == PAPER).all() for edge in edges)
    assert (image == CHOSEN).all(-1).any()


def test_tables_beside_and_below_each_other_have_cells_of_one_size_in_line():
    dark = [replace(TABLE, shares=[[0.0, 0.0], [0.0, 0.4], [0.0, 0.0]], chosen=None)] * 2
    image = pixels(HeatMaps(tables=[dark, dark], span=(0.0, 0.4)))
    there = (image == CELLS[-1]).all(-1)
    blocks = [np.flatnonzero(np.diff(there.any(axis=axis).astype(int))) for axis in (0, 1)]
    for edges in blocks:
        assert len(edges) == 4 and edges[1] - edges[0] == pytest.approx(edges[3] - edges[2], abs=1)


def test_headings_that_are_written_upwards_are_not_repeated_below_themselves():
    def height(columns: list[str], other: list[str]) -> float:
        above, below = (replace(TABLE, columns=names) for names in (columns, other))
        return pixels(HeatMaps(tables=[[above], [below]], span=(0, 1))).shape[0] / PX_PER_MM

    long, longer = ["left costophrenic angle", "right lung"], ["right costophrenic angle", "left lung"]
    assert height(long, long) + 20 < height(long, longer)
    assert height(["0", "1"], ["0", "1"]) == height(["0", "1"], ["2", "3"])


def test_the_same_values_give_the_same_bytes():
    maps = HeatMaps(tables=[[TABLE]], span=(0.0, 0.4))
    assert maps.png() == maps.png()


@pytest.mark.parametrize(
    "tables", [[], [[]], [[replace(TABLE, rows=[], shares=[])]], [[replace(TABLE, columns=[])]]]
)
def test_without_a_cell_to_draw_that_is_said_in_a_sentence(tables):
    with pytest.raises(MedgroundError, match="nothing to draw: every table needs a row and a column"):
        HeatMaps(tables=tables, span=(0, 1)).png()
