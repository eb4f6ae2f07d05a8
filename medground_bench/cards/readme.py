"""The tables of README.md from what is kept: every method on the demo's cases, and MedFocus by every localizer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TypeVar

from medground_bench.cards.markdown import interval, percent, table
from medground_bench.cards.own import AblationResult, OwnRuns, Result
from medground_bench.cards.own_sections import MODES, iou_cells
from medground_bench.leaderboard.rows import ALL
from medground_bench.phantom.limits import TAUGHT_WHERE

FIGURE = PurePosixPath("docs/localizers.png")
"""Beside README."""

Kept = TypeVar("Kept", Result, AblationResult)


def marks(name: str) -> tuple[str, str]:
    """The lines around what is written here."""
    return f"<!-- {name}: python -m medground_bench.cards -->\n", f"<!-- end of {name} -->\n"


def with_tables(readme: str, own: OwnRuns) -> str:
    """README with what is kept between its marks; as it is where marks or numbers are missing.

    >>> with_tables("no marks", OwnRuns([], [], []))
    'no marks'
    """
    readme = _between(readme, "results", own.results, results_table)
    return _between(readme, "localizers", own.localizers, localizers_table)


def filled(page: str, name: str, text: str) -> str:
    """A page with a text between the marks of that name; as it is where they are missing.

    >>> begin, end = marks("numbers")
    >>> filled(begin + "old" + end, "numbers", "new") == begin + "new" + end
    True
    """
    begin, end = marks(name)
    before, first, rest = page.partition(begin)
    _old, last, after = rest.partition(end)
    return before + first + text + last + after if last else page


def _between(readme: str, name: str, kept: Sequence[Kept], text: Callable[[Sequence[Kept]], str]) -> str:
    pooled = [each for each in kept if each.lvlm == ALL]
    return filled(readme, name, text(pooled)) if pooled else readme


def localizers_table(pooled: Sequence[AblationResult]) -> str:
    """MedFocus by every localizer that could be run, best first in direct mode, and the figure of the same run."""
    by_mode = {(each.label, each.mode): each for each in pooled}
    labels = sorted({each.label for each in pooled})
    labels.sort(key=lambda label: _order(by_mode.get((label, MODES[0]))))
    rows = [(label, *_ablated_cells(by_mode, label)) for label in labels]
    columns = ("localizer", *(f"{column}, {mode}" for mode in MODES for column in ("IoU", "95 %")))
    counted = " and ".join(f"{each.cases} cases in {each.mode} mode" for each in _first_of_modes(pooled))
    head = (
        "What anatomy is worth to MedFocus, mean IoU in percent (`medground ablate --what localizers`;\n"
        f"{counted}, of {max(each.images for each in pooled)} pictures):"
    )
    figure = f"![MedFocus with every localizer, mean IoU with 95 % intervals]({FIGURE})"
    return f"{head}\n\n{table(columns, rows)}\n\n{figure}\n"


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


def _ablated_cells(by_mode: Mapping[tuple[str, str], AblationResult], label: str) -> Iterator[str]:
    for found in (by_mode.get((label, mode)) for mode in MODES):
        yield from (percent(found.iou, 1), interval(found.low, found.high)) if found else ("-", "-")


def _first_of_modes(pooled: Sequence[Kept]) -> list[Kept]:
    return [
        next(each for each in pooled if each.mode == mode) for mode in sorted({each.mode for each in pooled})
    ]


def _order(result: Result | AblationResult | None) -> float:
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
