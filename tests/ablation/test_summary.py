"""What the terminal shows of an ablation."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from medground_bench.ablation.ablate import Ablation
from medground_bench.ablation.summary import summary


def row(label, *, failed=0.0, error=None, not_run=None, mode="direct"):
    if not_run:
        return {"label": label, "not_run": not_run}
    place = {"mode": mode, "source": "all", "lvlm": "all", "finding": "all"}
    numbers = {
        "iou": 0.25,
        "low": None,
        "high": None,
        "f1": 0.5,
        "gain": None,
        "whole_image": 0.5,
        "cases": 4,
    }
    return {"label": label, "not_run": None, "failed": failed, "error": error} | place | numbers


def shown(*rows, width=160):
    console = Console(width=width)
    with console.capture() as captured:
        console.print(summary(Ablation(Path(), {"table2-localizers": list(rows)}, ())))
    return [" ".join(line.split()) for line in captured.get().splitlines()]


def test_cases_that_ended_in_an_error_are_counted_and_told():
    lines = shown(row("uot"), row("thin", failed=0.75, error="BadPicture: one grey"))
    assert "uot 25.0 - 50.0 50.0 4 0" in lines
    assert "thin 25.0 - 50.0 50.0 4 3" in lines
    assert "errors: thin: BadPicture: one grey" in lines


def test_80_columns_show_the_number_of_cases_beside_the_longest_label():
    lines = shown(row("lambda 0.1, epsilon 0.05, #C 16"), width=80)
    assert "lambda 0.1, epsilon 0.05, #C 16 25.0 - 50.0 50.0 4" in lines


def test_what_was_not_run_stands_in_the_tables_that_have_no_score_of_it():
    partly = row("oracle", not_run="not on one reason: no masks")
    lines = shown(
        row("uot"), row("uot", mode="reason"), row("oracle"), partly, row("sam3", not_run="no weights")
    )
    assert lines.count("oracle not run") == 1 and lines.count("sam3 not run") == 2
    assert "not run: oracle: not on one reason: no masks" in lines
