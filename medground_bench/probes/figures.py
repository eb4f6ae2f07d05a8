"""The tables as figures: which measure is drawn where. What is drawn is pooled over LVLMs where there are several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from medground_bench.drawing.axes import Score
from medground_bench.drawing.heat_maps import HeatMap, HeatMaps
from medground_bench.drawing.interval_plot import IntervalPlot
from medground_bench.drawing.sheet import Figure
from medground_bench.leaderboard.rows import ALL
from medground_bench.probes import ProbeKind
from medground_bench.probes.insertion import SHARES
from medground_bench.probes.randomisation import ShuffleStage
from medground_bench.probes.run import TrackProbes
from medground_bench.probes.tables import LEADING, MEASURES, ProbedView, Record, views_of

PANELS: Mapping[ProbeKind, Mapping[str, str]] = {
    ProbeKind.REMOVAL: {"answers that flip, %": "flipped", "area of the boxes, %": "area"},
    ProbeKind.KNOWN_CAUSE: {"marker covered, %": "marker covered", "IoU with the finding, %": "finding"},
    ProbeKind.POINTING: {"pointing game, %": "pointing", "energy in the boxes, %": "energy"},
}
"""Probe -> title of a panel -> the measure that it shows."""


def figure_of(what: ProbeKind, records: Sequence[Record], tracks: Sequence[TrackProbes]) -> Figure | None:
    """The figure of one probe, from its table; of insertion from its curves. None where nothing has a number."""
    pooled = [row for row in _pooled(records) if row[LEADING[what]] is not None]
    if not pooled:
        return None
    if what in PANELS:
        return _intervals(PANELS[what], pooled)
    if what is ProbeKind.INSERTION:
        return _curves([view for view in views_of(what, tracks) if (view.mode, view.lvlm) in _shown(pooled)])
    if what is ProbeKind.RANDOMISATION:
        return _table(pooled, {f"rho, {stage}": stage.value for stage in ShuffleStage}, span=(0.0, 1.0))
    names = {name: name for name in MEASURES[what]}
    return _table(
        pooled, names, span=(0.0, max(_share(row[name]) or 0.1 for row in pooled for name in names))
    )


def _shown(records: Sequence[Record]) -> set[tuple[str, str]]:
    """Mode and LVLM of the views that are drawn: of each mode all LVLMs together, or its only one."""
    views = {(str(row["mode"]), str(row["lvlm"])) for row in records}
    return {(mode, lvlm) for mode, lvlm in views if lvlm == ALL or (mode, ALL) not in views}


def _pooled(records: Sequence[Record]) -> list[Record]:
    shown = _shown(records)
    return [row for row in records if (str(row["mode"]), str(row["lvlm"])) in shown]


def _intervals(panels: Mapping[str, str], rows: Sequence[Record]) -> IntervalPlot:
    """A heading a mode, with its number of cases."""
    sections: dict[str, dict[str, list[Score | None]]] = {}
    for row in rows:
        scores = [_score(row, measure) for measure in panels.values()]
        sections.setdefault(f"{row['mode']}, {_cases(row['cases'])}", {})[str(row["method"])] = scores
    return IntervalPlot(list(panels), sections)


def _table(rows: Sequence[Record], names: Mapping[str, str], span: tuple[float, float]) -> HeatMaps:
    """A table a mode, a row a method, a column a measure; a rank correlation below 0 is as pale as one of 0."""
    tables = []
    for mode in dict.fromkeys(str(row["mode"]) for row in rows):
        there = [row for row in rows if row["mode"] == mode]
        shares = [[_share(row[name]) for name in names] for row in there]
        title = f"{mode}, {_cases(there[0]['cases'])}, %"
        methods = [str(row["method"]) for row in there]
        tables.append(HeatMap(title=title, rows=methods, columns=list(names.values()), shares=shares))
    return HeatMaps(tables=[[table] for table in tables], span=span, decimals=1)


def _curves(views: Sequence[ProbedView]) -> HeatMaps:
    """What is left of the drop, in percent, when so much of the picture was deleted or put back; a table a mode."""
    tables = [
        [_curve_table(view, "deleted", "deletion"), _curve_table(view, "inserted", "insertion")]
        for view in views
    ]
    return HeatMaps(tables=tables, span=(0.0, 1.0), decimals=0)


def _curve_table(view: ProbedView, measure: str, title: str) -> HeatMap:
    means = {
        name: np.mean([each[measure] for each in of_cases.values() if each[measure]], axis=0)
        for name, of_cases in view.methods.items()
        if any(each[measure] for each in of_cases.values())
    }
    order = sorted(means, key=lambda name: (view_order(view, name), name))
    return HeatMap(
        title=f"{title}, {view.mode}, {_cases(len(view.references))}, %",
        across="of the picture",
        rows=order,
        columns=[f"{share:.0%}" for share in SHARES],
        shares=[[min(1.0, max(0.0, float(each))) for each in means[name]] for name in order],
    )


def view_order(view: ProbedView, method: str) -> float:
    """By falling `order`."""
    known = [each["order"] for each in view.methods[method].values() if each["order"] is not None]
    return -float(np.mean(known)) if known else 0.0


def _cases(number: object) -> str:
    return "1 case" if number == 1 else f"{number} cases"


def _score(row: Record, measure: str) -> Score | None:
    value, low, high = (_share(row[name]) for name in (measure, f"{measure} low", f"{measure} high"))
    return None if value is None else Score(value, low, high)


def _share(value: str | float | None) -> float | None:
    return max(0.0, float(value)) if isinstance(value, int | float) else None
