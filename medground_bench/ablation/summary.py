"""What an ablation found, for the terminal: LVLMs and sources pooled, percent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from rich.box import SIMPLE_HEAD
from rich.console import Group as Together
from rich.table import Table

from medground_bench.ablation import What
from medground_bench.ablation.ablate import FILES, Ablation
from medground_bench.ablation.tables import Record
from medground_bench.leaderboard.board import ALL

NUMBERS = ("IoU", "interval", "F1", "gain", "failure", "n")
"""Failure is the paper's: no concept matters enough, so the whole image is reported."""

TITLES = {
    FILES[What.LOCALIZERS]: "Localizers",
    FILES[What.INTERVENTIONS]: "Interventions",
    FILES[What.TRANSPORT]: "Transport",
    FILES[What.RULES]: "Rules",
    "figure6": "Groups of the causal filter",
}


def summary(ablation: Ablation) -> Together:
    """The pooled rows of every table that scores something, one table a mode, then what failed or was not run."""
    tables = [
        _scores(f"{title}, {mode}", records, mode)
        for name, title in TITLES.items()
        if (records := ablation.tables.get(name))
        for mode in dict.fromkeys(row["mode"] for row in records if row.get("mode"))
    ]
    sentences = [
        f"{heading}: {', '.join(dict.fromkeys(labels))}: {why}"
        for heading, column in (("errors", "error"), ("not run", "not_run"))
        for why, labels in _labels_by(column, ablation).items()
    ]
    return Together(*tables, *sentences)


def _labels_by(column: str, ablation: Ablation) -> dict[str, list[str]]:
    """What a column says -> the labels of the rows that say it."""
    labels: dict[str, list[str]] = {}
    for row in chain.from_iterable(ablation.tables.values()):
        if row.get(column):
            labels.setdefault(row[column], []).append(_label(row))
    return labels


def _scores(title: str, records: Sequence[Record], mode: str) -> Table:
    table = Table(
        title=f"{title} (%)", title_justify="left", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True
    )
    table.add_column("", no_wrap=True)
    some_failed = any(row.get("error") for row in records)
    for heading in (
        *NUMBERS,
        *(["errors"] if some_failed else []),
    ):  # 80 columns have room for what is needed
        table.add_column(heading, justify="right", no_wrap=True)
    scored = {_label(row) for row in records if row.get("mode") == mode}
    for row in records:
        if row.get("not_run"):
            if _label(row) not in scored:
                table.add_row(_label(row), "not run", style="dim")
        elif (row["mode"], row["source"], row["lvlm"], row["finding"]) == (mode, ALL, ALL, ALL):
            interval = "-" if row["low"] is None else f"{_percent(row['low'])}-{_percent(row['high'])}"
            gain = "" if row.get("gain") is None else f"{100 * row['gain']:+.1f}"
            scores = (_percent(row["iou"]), interval, _percent(row["f1"]), gain, _percent(row["whole_image"]))
            errors = [str(round(row["failed"] * row["cases"]))] if some_failed else []
            table.add_row(_label(row), *scores, str(row["cases"]), *errors)
    return table


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _label(row: Record) -> str:
    return str(row.get("label") or row["group"])
