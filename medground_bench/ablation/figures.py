"""The tables as figures: which record is drawn where. What is drawn is pooled over LVLMs and sources."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from medground_bench.ablation.regions import PAPERS_CHOICE, TransportChoice
from medground_bench.ablation.tables import Record
from medground_bench.core.types import Group
from medground_bench.drawing.axes import Score
from medground_bench.drawing.heat_maps import HeatMap, HeatMaps
from medground_bench.drawing.interval_plot import IntervalPlot
from medground_bench.drawing.line_panels import LinePanels
from medground_bench.leaderboard.board import ALL

Pooled = dict[tuple[Any, ...], Record]  # the values of some columns
"""Values of some columns -> their row in which everything else is pooled."""


def rows_figure(records: Sequence[Record]) -> IntervalPlot:
    """Table 2: every row's IoU with its 95 % interval, one panel a mode."""
    modes = _distinct(records, "mode")
    pooled = _pooled(records, "section", "label", "mode")
    sections: dict[str, dict[str, list[Score | None]]] = {}
    for section, label in dict.fromkeys((row["section"], row["label"]) for row in records):
        rows = (pooled.get((section, label, mode)) for mode in modes)
        sections.setdefault(section, {})[label] = [None if row is None else _score(row) for row in rows]
    return IntervalPlot([f"IoU, %, {mode}" for mode in modes], sections)


def transport_figure(records: Sequence[Record]) -> HeatMaps:
    """Table 7: IoU for every lambda and epsilon, a table for each number of references, a row of tables a mode.

    The paper's choice is framed.
    """
    modes, counts, weights, epsilons = (
        _distinct(records, column) for column in ("mode", "references", "marginal_weight", "epsilon")
    )
    pooled = _pooled(records, "mode", "references", "marginal_weight", "epsilon")

    def table(mode: str, count: int) -> HeatMap:
        return HeatMap(
            title=f"{count} {'reference' if count == 1 else 'references'}, {mode}",
            down="lambda",
            across="epsilon",
            rows=[f"{weight:g}" for weight in weights],
            columns=[f"{epsilon:g}" for epsilon in epsilons],
            shares=[
                [_share(pooled.get((mode, count, weight, epsilon)), "iou") for epsilon in epsilons]
                for weight in weights
            ],
            chosen=next(
                (
                    (line, column)
                    for (line, weight), (column, epsilon) in product(enumerate(weights), enumerate(epsilons))
                    if TransportChoice(epsilon, weight, count) == PAPERS_CHOICE
                ),
                None,
            ),
        )

    ious = [row["iou"] for row in pooled.values()]
    return HeatMaps(
        tables=[[table(mode, count) for count in counts] for mode in modes], span=(min(ious), max(ious))
    )


def groups_figure(records: Sequence[Record]) -> LinePanels:
    """Figure 6: IoU and failure rate from wrong answers to grounded ones, a column an LVLM, a line a mode."""
    pooled = _pooled(records, "lvlm", "mode", "group")
    of_lvlms = {key: row for key, row in pooled.items() if key[0] != ALL}
    return LinePanels(
        columns=sorted({lvlm for lvlm, _mode, _group in of_lvlms}),
        series=_distinct(records, "mode"),
        places=[group.value for group in Group],
        rows={
            "IoU, %": {key: _score(row) for key, row in of_lvlms.items()},
            "Failure rate, %": {key: Score(row["whole_image"]) for key, row in of_lvlms.items()},
        },
    )


def concepts_figure(records: Sequence[Record]) -> HeatMaps:
    """Table 8 by finding: which concept is the evidence, as a share of the cases; a table a mode."""
    single = [row for row in records if row["kind"] != "group"]
    pooled = _pooled(single, "mode", "finding", "concept")
    concepts = _distinct(single, "concept")
    findings = [*(name for name in _distinct(single, "finding") if name != ALL), ALL]
    tables = [
        HeatMap(
            title=mode,
            rows=["all findings" if finding == ALL else finding for finding in findings],
            columns=concepts,
            shares=[
                [_share(pooled.get((mode, finding, concept)), "share") for concept in concepts]
                for finding in findings
            ],
        )
        for mode in _distinct(records, "mode")
    ]
    return HeatMaps(tables=[[table] for table in tables], span=(0.0, 1.0), decimals=0)


def _pooled(records: Sequence[Record], *columns: str) -> Pooled:
    others = {"source", "lvlm", "finding"} - set(columns)
    rows = (row for row in records if all(row.get(column) == ALL for column in others))
    return {tuple(row[column] for column in columns): row for row in rows}


def _score(row: Record) -> Score:
    return Score(row["iou"], row["low"], row["high"])


def _share(row: Record | None, column: str) -> float | None:
    return None if row is None else row[column]


def _distinct(records: Sequence[Record], column: str) -> list[Any]:  # the values of one column
    return list(dict.fromkeys(row[column] for row in records if row.get(column) is not None))
