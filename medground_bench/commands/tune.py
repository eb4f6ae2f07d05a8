"""`medground tune`: a method's layer, head or baseline, chosen on the split `tune`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medground_bench.commands.console import progress
from medground_bench.commands.options import (
    TUNED,
    BenchmarkOption,
    LvlmOption,
    NewestOption,
    RootOption,
    demand_name,
    open_joined,
)
from medground_bench.core.modes import Mode


def tune(
    benchmark: BenchmarkOption,
    lvlm: LvlmOption,
    method: Annotated[
        str, typer.Option("--method", help="A method with a layer, head or baseline to choose.")
    ],
    mode: Annotated[
        Mode | None, typer.Option("--mode", help="How the LVLM is asked; both if not given.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for the choice and its picture.")] = TUNED,
    root: RootOption = None,
    newest: NewestOption = False,
) -> None:
    """Choose a method's layer, head or baseline.

    Tries them all on the benchmark's split `tune` and keeps the best by mean IoU, with a picture of the sweep, where
    `medground predict` finds it.

    Example: medground tune --benchmark medground-bench --lvlm phantom_gemma3 --method attention_head
    """
    demand_name("methods", method)
    opened = open_joined(benchmark, root)
    from medground_bench.lvlms import key_of, open_lvlm, pinned

    lvlm = pinned(lvlm, newest=newest)
    key = key_of(lvlm)
    with_cases = [track.mode for track, cases in opened.tracks("tune").items() if track.lvlm == key and cases]
    modes = [mode] if mode else with_cases or list(Mode)
    for each in modes:
        opened.references(lvlm=key, mode=each, split="tune")
    from rich.console import Console

    from medground_bench.commands.sweep_tables import sweep_table
    from medground_bench.runs.tune import tune_to

    loaded = open_lvlm(lvlm, newest=newest)
    for each in modes:
        files = tune_to(out, opened, loaded, method, each, progress=progress)
        Console().print(sweep_table(files.sweep))
        typer.echo(f"written to {files.choice} and {files.picture.name}")
