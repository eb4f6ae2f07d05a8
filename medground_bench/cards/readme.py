"""The table of README.md: every method on the demo's cases, sorted, from the kept results."""

from __future__ import annotations

from collections.abc import Sequence

from medground_bench.cards.markdown import table
from medground_bench.cards.own import Result
from medground_bench.cards.own_sections import MODES, iou_cells
from medground_bench.leaderboard.rows import ALL
from medground_bench.phantom.limits import TAUGHT_WHERE

BEGIN, END = "<!-- results: python -m medground_bench.cards -->\n", "<!-- end of results -->\n"


def with_results(readme: str, results: Sequence[Result]) -> str:
    """README with the kept results between its two marks; as it is without marks or results.

    >>> with_results("no marks", [])
    'no marks'
    """
    before, begin, rest = readme.partition(BEGIN)
    _old, end, after = rest.partition(END)
    pooled = [each for each in results if each.lvlm == ALL]
    return before + begin + results_table(pooled) + end + after if end and pooled else readme


def results_table(pooled: Sequence[Result]) -> str:
    """What README says of the results: how many cases, the table best first in direct mode, and its limits."""
    by_method = {(each.method, each.mode): each for each in pooled}
    methods = sorted({each.method for each in pooled})
    methods.sort(key=lambda method: _order(by_method.get((method, MODES[0]))))
    rows = [(_name(by_method, method), *_cells(by_method, method)) for method in methods]
    columns = ("method", *(f"{column}, {mode}" for mode in MODES for column in ("rank", "IoU", "95 %")))
    counted = ", ".join(f"{each.cases} cases in {each.mode} mode" for each in _first_of_modes(pooled))
    images = max(each.images for each in pooled)
    return f"Percent; {counted}, of {images} pictures.\n\n{table(columns, rows)}\n\n{TAUGHT_WHERE}\n"


def _first_of_modes(pooled: Sequence[Result]) -> list[Result]:
    return [
        next(each for each in pooled if each.mode == mode) for mode in sorted({each.mode for each in pooled})
    ]


def _order(result: Result | None) -> float:
    return 1.0 if result is None or result.iou is None else -result.iou


def _name(by_method: dict[tuple[str, str], Result], method: str) -> str:
    found = next(each for (name, _mode), each in by_method.items() if name == method)
    return f"*{found.shown} (control)*" if found.control else found.shown


def _cells(by_method: dict[tuple[str, str], Result], method: str) -> list[str]:
    cells: list[str] = []
    for mode in MODES:
        found = by_method.get((method, mode))
        cells += ["-"] * 3 if found is None else [str(found.rank or "-"), *iou_cells(found)]
    return cells
