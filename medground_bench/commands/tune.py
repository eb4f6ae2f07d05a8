"""`medground tune`: a method's layer, head or baseline, chosen on the split `tune`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medground_bench.commands.console import progress
from medground_bench.commands.options import TUNED, BenchmarkOption, LvlmOption, demand_name, open_benchmark
from medground_bench.core.types import Mode


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
) -> None:
    """Choose a method's layer, head or baseline.

    Tries them all on the benchmark's split `tune` and keeps the best by mean IoU, with a picture of the sweep, where
    `medground predict` finds it.

    Example: medground tune --benchmark medground-bench --lvlm phantom_gemma3 --method attention_head
    """
    demand_name("methods", method)
    opened = open_benchmark(benchmark)
    from medground_bench.lvlms import key_of, open_lvlm

    key = key_of(lvlm)
    modes = (
        [mode]
        if mode
        else [track.mode for track in opened.tracks("tune") if track.lvlm == key and track.cases]
    )
    for each in modes or Mode:
        opened.references(lvlm=key, mode=each, split="tune")
    from rich.console import Console

    from medground_bench.commands.sweep_tables import sweep_table
    from medground_bench.runs.tune import tune_to

    asked = open_lvlm(lvlm)
    for each in modes or Mode:
        kept = tune_to(out, opened, asked, method, each, progress=progress)
        Console().print(sweep_table(kept.sweep))
        typer.echo(f"written to {kept.file} and {kept.picture.name}")
