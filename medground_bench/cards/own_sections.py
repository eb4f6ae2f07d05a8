"""What the card of an LVLM says of our own runs on it: retention, scores of every method, and what tuning chose."""

from __future__ import annotations

from collections.abc import Sequence

from medground_bench.cards.markdown import MEASURED, percent, table
from medground_bench.cards.own import ChosenSettings, OwnRetention, OwnRuns, Result
from medground_bench.core.types import Mode

MODES = [mode.value for mode in Mode]


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
        f"Grounded ones are the cases.\n\n{table(columns, rows, words=2)}"
    )


def _scores(results: Sequence[Result]) -> str:
    by_method = {(each.method, each.mode): each for each in results}
    cases = {each.mode: each.cases for each in results}
    methods = sorted({each.method for each in results})
    rows = [(f"`{method}`", *_of_modes(by_method, method)) for method in methods]
    rows.sort(key=lambda row: -float(row[1]) if row[1] != "-" else 0.0)
    columns = ["method", *(f"{score}, {mode}" for mode in MODES for score in ("IoU", "F1"))]
    counted = " and ".join(f"{cases[mode]} in {mode} mode" for mode in MODES if mode in cases)
    return (
        f"{MEASURED}: `medground demo` on phantoms, percent, means over its cases ({counted}).\n"
        f"These are few: neighbours are not separable.\n\n{table(columns, rows)}"
    )


def _of_modes(by_method: dict[tuple[str, str], Result], method: str) -> list[str]:
    found = [by_method.get((method, mode)) for mode in MODES]
    return [
        "-" if each is None else percent(score, 1)
        for each in found
        for score in ((each.iou, each.f1) if each else (0.0, 0.0))
    ]


def _chosen(chosen: Sequence[ChosenSettings]) -> str:
    by_method = {(each.method, each.mode): each for each in chosen}
    rows = [
        (f"`{method}`", *(str(by_method.get((method, mode), "-")) for mode in MODES))
        for method in sorted({each.method for each in chosen})
    ]
    counted = " and ".join(
        f"{cases} in {mode} mode"
        for mode, cases in sorted({each.mode: each.cases for each in chosen}.items())
    )
    return (
        f"{MEASURED}: `medground tune`, by mean IoU on the demo's split `tune`, which has few cases: {counted}.\n\n"
        f"{table(('method', *MODES), rows, words=3)}"
    )
