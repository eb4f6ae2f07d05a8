"""`medground ablate`: MedFocus with one thing changed at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from medground_bench.ablation import What
from medground_bench.commands.console import progress
from medground_bench.commands.options import (
    VOCABULARY_HELP,
    BenchmarkOption,
    NewestOption,
    RootOption,
    demand_name,
    open_joined,
)
from medground_bench.core.modes import Mode


def ablate(
    benchmark: BenchmarkOption,
    out: Annotated[Path, typer.Option("--out", help="Folder for tables, figures and kept results.")],
    what: Annotated[What, typer.Option("--what", help="Which part; all share their results.")] = What.ALL,
    lvlm: Annotated[list[str] | None, typer.Option("--lvlm", help="May be given again; all if not.")] = None,
    mode: Annotated[list[Mode] | None, typer.Option("--mode", help="May be given again; both if not.")] = None,
    localizer: Annotated[str | None, typer.Option("--localizer", help="That of every other row; uot if not.")] = None,
    vocabulary: Annotated[str | None, typer.Option("--vocabulary", help=VOCABULARY_HELP)] = None,
    split: Annotated[str, typer.Option("--split", help="Whose cases: test, or tune for a choice.")] = "test",
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Questions of each group of a track.")] = None,
    root: RootOption = None,
    newest: NewestOption = False,
) -> None:  # fmt: skip
    """Change one thing of MedFocus at a time.

    Tables 2, 7 and 8 and figure 6 of the paper on any benchmark, as CSV files and as figures for print, and other rules
    than the paper's for choosing among the regions. A row that cannot be run here is told with the reason. Can be
    stopped at any time; the same command goes on where it was.

    Example: medground ablate --benchmark medground-bench --lvlm phantom_gemma3 --what localizers --out ablation
    """
    if localizer is not None:
        demand_name("localizers", localizer)
    opened = open_joined(benchmark, root)
    from rich.console import Console

    from medground_bench.ablation.ablate import Plan
    from medground_bench.ablation.ablate import ablate as run_ablation
    from medground_bench.ablation.summary import summary
    from medground_bench.ablation.variants import Variant

    own = Variant()
    base = replace(own, localizer=localizer or own.localizer, vocabulary=vocabulary or own.vocabulary)
    plan = Plan(
        what=what, base=base, lvlms=lvlm or (), modes=mode or (), split=split, limit=limit, newest=newest
    )
    ablation = run_ablation(opened, plan, out, progress=progress)
    Console().print(summary(ablation))
    typer.echo(f"written to {out}: {', '.join(file.name for file in ablation.files)}")
