"""The numbers of a dataset folder as files: CSV for programs, Markdown for papers and pages, and a figure a split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path

from rich.table import Table

from builder.counters import Counters, TrackWork
from builder.report import GROUPS, groups_table, pooled_table, retained_table, work_tables
from medground_bench.benchmark.statistics import ALL, GroupRow, Statistics
from medground_bench.core.types import Group
from medground_bench.drawing.stacked_bars import StackedBars
from medground_bench.storage.tables import as_csv
from medground_bench.storage.whole_files import write_whole

Row = Mapping[str, object]

SHARES = tuple(f"{group}_share" for group in Group)
TABLE_3 = ("split", *(column.name for column in fields(GroupRow)), *SHARES)
TABLE_4 = ("split", "mode", "source", "lvlm", "retained")
FIGURE_6 = ("split", "lvlm", "mode", "group", "questions")
WORK = (
    *("source", "lvlm", "mode", "lvlm_revision", "editor", "started", "whole"),
    *(column.name for column in fields(Counters)),
    *("calls", "edits", "naive_calls", "naive_edits", "builds", "calls_made_in_all", "edits_made_in_all"),
)


def write_stats(out: Path, splits: Sequence[Statistics], works: Sequence[TrackWork]) -> list[Path]:
    """Write tables 3 and 4, the groups of figure 6 and the work of the builds; gives the files.

    Shares are fractions 0..1 in CSV and percent in Markdown. A figure of an earlier call that has nothing left to show
    is removed.
    """
    contents = {
        "table3.csv": as_csv(TABLE_3, (row for each in splits for row in _groups(each))),
        "table3.md": _page(groups_table(each) for each in splits),
        "table4.csv": as_csv(TABLE_4, (row for each in splits for row in _retained(each))),
        "table4.md": _page(retained_table(each) for each in splits),
        "figure6-groups.csv": as_csv(FIGURE_6, (row for each in splits for row in _pooled(each))),
        "figure6-groups.md": _page(pooled_table(each) for each in splits),
        "work.csv": as_csv(WORK, map(_work, works)),
        "work.md": _page(iter(work_tables(works))),
    }
    for stale in sorted(out.glob("groups-*.png")):
        stale.unlink()
    contents |= {f"groups-{each.split}.png": groups_figure(each).png() for each in splits if each.whole()}
    for name, content in contents.items():
        write_whole(out / name, content)
    return [out / name for name in contents]


def groups_figure(numbers: Statistics) -> StackedBars:
    """What the causal filter made of the positive questions: a section a source, a row an LVLM, a panel a mode."""
    rows = {(row.source, row.lvlm, row.mode): row.shares for row in numbers.whole()}
    modes = sorted({mode for _source, _lvlm, mode in rows})
    sections: dict[str, dict[str, list[Sequence[float] | None]]] = {}
    for source, lvlm, _mode in rows:
        sections.setdefault(source, {})[lvlm] = [rows.get((source, lvlm, mode)) for mode in modes]
    return StackedBars(
        panels=[f"positive questions, %, {mode}" for mode in modes], parts=GROUPS, sections=sections
    )


def as_markdown(table: Table) -> str:
    """A table for people with its title, as Markdown; numbers stay at the right."""
    names = [str(column.header) for column in table.columns]
    rules = ["---:" if column.justify == "right" else "---" for column in table.columns]
    cells = zip(*(map(str, column.cells) for column in table.columns), strict=True)
    rows = [[cell.replace("|", r"\|") for cell in row] for row in (names, rules, *cells)]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"**{table.title}**", "", *lines, ""])


def _page(tables: Iterator[Table]) -> bytes:
    """The tables that have rows, one below the other."""
    pages = [as_markdown(table) for table in tables if table.row_count]
    return ("\n".join(pages) or "No rows.\n").encode()


def _groups(numbers: Statistics) -> Iterator[Row]:
    for row in numbers.groups:
        shares = dict(zip(SHARES, row.shares or (), strict=False))
        yield {"split": numbers.split, **asdict(row), **shares}


def _retained(numbers: Statistics) -> Iterator[Row]:
    for row in sorted(numbers.groups, key=lambda row: (row.mode, row.source, row.lvlm)):
        if row.finding == ALL:
            place = {"split": numbers.split, "mode": row.mode, "source": row.source, "lvlm": row.lvlm}
            yield {**place, "retained": row.grounded}


def _pooled(numbers: Statistics) -> Iterator[Row]:
    for (lvlm, mode), counts in numbers.pooled().items():
        for group, count in zip(Group, counts, strict=True):
            place = {"split": numbers.split, "lvlm": lvlm, "mode": mode}
            yield {**place, "group": group.value, "questions": count}


def _work(work: TrackWork) -> Row:
    """The last build of a track, and what all its builds made together."""
    record = work.last.as_json()
    counters = record.pop("counters")
    assert isinstance(counters, dict)
    in_all = {"calls_made_in_all": work.calls_made, "edits_made_in_all": work.edits_made}
    return {**record, **counters, "builds": work.builds, **in_all}
