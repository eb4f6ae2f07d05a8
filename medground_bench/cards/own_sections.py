"""What the card of an LVLM says of our own runs on it: retention, scores of every method, and what tuning chose."""

from __future__ import annotations

from collections.abc import Sequence

from medground_bench.cards.markdown import MEASURED, interval, percent, table
from medground_bench.cards.own import ChosenSettings, OwnRetention, OwnRuns, Result
from medground_bench.core.types import Mode
from medground_bench.phantom.limits import TAUGHT_WHERE

MODES = [mode.value for mode in Mode]
SEEDS = "Chance is the mean of 100 draws, ± their standard deviation; rank sets and intervals: docs/statistics.md."


def own_sections(lvlm: str, own: OwnRuns) -> str:
    """Three sections of Markdown; empty where nothing of ours is kept for that LVLM."""
    retention = [each for each in own.retention if each.lvlm == lvlm]
    results = [each for each in own.results if each.lvlm == lvlm]
    chosen = [each for each in own.chosen if each.lvlm == lvlm]
    parts = [
        *(["## Retention", _retention(retention)] if retention else []),
        *(["## Attribution on its cases", _scores(results)] if results else []),
        *(["## Chosen layers, heads and baselines", _chosen(chosen)] if chosen else []),
    ]
    return "\n\n".join(parts)


def _retention(kept: Sequence[OwnRetention]) -> str:
    columns = ("source", "mode", "questions", "incorrect, %", "ungrounded, %", "grounded, %", "cases")
    rows = [
        (
            each.source,
            each.mode,
            each.questions,
            *(
                percent(count / each.questions, 1)
                for count in (each.incorrect, each.ungrounded, each.grounded)
            ),
            each.grounded,
        )
        for each in kept
    ]
    return (
        f"{MEASURED}: what the causal filter made of the positive questions (`python -m builder stats`).\n"
        f"Grounded ones are the cases.\n\n{table(columns, rows, words=2)}{_edits(kept)}"
    )


def _edits(kept: Sequence[OwnRetention]) -> str:
    columns = ("source", "mode", "edit", "right answers that came to it", "turned away", "%")
    rows = [
        (each.source, each.mode, edit.replace("_", ", "), answers, away, percent(away / answers, 1))
        for each in kept
        for edit, (answers, away) in each.edits.items()
    ]
    said = "The filter's edits; each is made only of what those before it left:"
    return f"\n\n{said}\n\n{table(columns, rows, words=3)}" if rows else ""


def _scores(results: Sequence[Result]) -> str:
    by_method = {(each.method, each.mode): each for each in results}
    cases = {each.mode: each.cases for each in results}
    methods = sorted({each.method for each in results})
    methods.sort(key=lambda method: -_iou(by_method.get((method, MODES[0]))))
    rows = [(_shown(by_method, method), *_of_modes(by_method, method)) for method in methods]
    columns = ["method", *(f"{score}, {mode}" for mode in MODES for score in ("rank", "IoU", "95 %", "F1"))]
    counted = " and ".join(f"{cases[mode]} in {mode} mode" for mode in MODES if mode in cases)
    images = max(each.images for each in results)
    return (
        f"{MEASURED}: `medground demo` on phantoms, percent, means over its cases ({counted}) of {images} pictures.\n"
        f"{SEEDS}\n\n{table(columns, rows)}\n\n{TAUGHT_WHERE}"
    )


def iou_cells(result: Result) -> tuple[str, str]:
    """IoU and its interval, percent; chance with its spread over seeds."""
    spread = "" if result.seed_sd is None or result.iou is None else f" ± {percent(result.seed_sd, 1)}"
    return scored(result.iou) + spread, interval(result.iou_low, result.iou_high)


def scored(share: float | None) -> str:
    """Percent, or `n/a` where a method gave no box at all."""
    return "n/a" if share is None else percent(share, 1)


def _iou(result: Result | None) -> float:
    return -1.0 if result is None or result.iou is None else result.iou


def _shown(by_method: dict[tuple[str, str], Result], method: str) -> str:
    found = next(each for (name, _mode), each in by_method.items() if name == method)
    return f"`{method}`{found.shown.removeprefix(method)}{' (control)' if found.control else ''}"


def _of_modes(by_method: dict[tuple[str, str], Result], method: str) -> list[str]:
    cells: list[str] = []
    for mode in MODES:
        found = by_method.get((method, mode))
        if found is None:
            cells += ["-"] * 4
        else:
            cells += [str(found.rank or "-"), *iou_cells(found), scored(found.f1)]
    return cells


def _chosen(chosen: Sequence[ChosenSettings]) -> str:
    by_method = {(each.method, each.mode): each for each in chosen}
    rows = [
        (f"`{method}`", *(str(by_method.get((method, mode), "-")) for mode in MODES))
        for method in sorted({each.method for each in chosen})
    ]
    counted = " and ".join(
        f"{each.cases} cases of {each.pictures} pictures in {mode} mode"
        for mode, each in sorted({each.mode: each for each in chosen}.items())
    )
    return (
        f"{MEASURED}: `medground tune`, by mean IoU on the demo's split `tune`: {counted}.\n"
        f"In brackets: how many of the candidates are as good as far as these cases can tell.\n\n"
        f"{table(('method', *MODES), rows, words=3)}"
    )
