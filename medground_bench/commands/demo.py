"""`medground demo`: the phantom benchmark built, run, scored and shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medground_bench.commands.options import demand_name


def demo(
    cases: Annotated[int, typer.Option("--cases", min=4, help="About so many cases in every track.")] = 12,
    seeds: Annotated[
        int,
        typer.Option("--seeds", min=1, help="Runs of methods that draw at random, RISE."),
    ] = 5,
    method: Annotated[
        list[str] | None, typer.Option("--method", help="May be given again; every method if not.")
    ] = None,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Open the Space on the results.")] = True,
    out: Annotated[Path, typer.Option("--out", help="Where everything is kept.")] = Path("medground-demo"),
) -> None:
    """Build, run, score and show the phantom benchmark.

    Every method, or those that are named, runs on both embedded LVLMs in both modes; then the Space opens on the
    results.

    Can be stopped at any time; the same command goes on where it was.

    Example: medground demo --cases 6 --no-serve
    """
    for name in method or ():
        demand_name("methods", name)
    from rich.console import Console

    from medground_bench.commands.demo_stages import run_demo, serve_space
    from medground_bench.commands.tables import demo_report

    run = run_demo(out, cases, methods=method or (), seeds=seeds)
    Console().print(demo_report(run))
    typer.echo(f"written to {out}")
    if serve:
        typer.echo("Opening the Space on it; Ctrl-C ends it.")
        serve_space(out)
