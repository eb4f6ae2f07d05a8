"""`python -m builder fidelity`: what another editor than the exact one does to the filter's verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from builder.commands.options import AcceptOption, RetryOption
from medground_bench.commands.console import progress
from medground_bench.commands.options import NewestOption
from medground_bench.core.modes import Mode

if TYPE_CHECKING:
    from builder.fidelity import Fidelity

EMBEDDED = ("phantom_gemma3", "phantom_qwen2_5_vl")


def fidelity(
    out: Annotated[Path, typer.Option("--out", help="Folder for tables, the figure and kept results.")],
    lvlm: Annotated[
        list[str] | None, typer.Option("--lvlm", help="May be given again; the embedded ones if not.")
    ] = None,
    mode: Annotated[
        list[Mode] | None, typer.Option("--mode", help="May be given again; direct if not.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many phantoms.")] = None,
    editor: Annotated[
        list[str] | None, typer.Option("--editor", help="May be given again; harmonic if not.")
    ] = None,
    newest: NewestOption = False,
    retry: RetryOption = False,
    accept: AcceptOption = None,
) -> None:
    """Run the causal filter on phantoms with the exact editor and with others, and compare the verdicts.

    Can be stopped at any time; the same command goes on where it was. Questions of which a unit of work is in
    quarantine are counted and left out, and the exit code is 1 until it is done or accepted.

    Example: python -m builder fidelity --limit 40 --editor harmonic --out fidelity
    """
    from builder.build import bench_at, open_editor, open_source
    from builder.fidelity import SOURCE
    from builder.fidelity import fidelity as compare
    from medground_bench.lvlms import open_lvlm

    editors = [open_editor(name) for name in dict.fromkeys(editor or ["harmonic"])]
    lvlms = [open_lvlm(location, newest=newest) for location in dict.fromkeys(lvlm or EMBEDDED)]
    tracks = [(one, each) for one in lvlms for each in dict.fromkeys(mode or [Mode.DIRECT])]
    with bench_at(out / "store", open_source(SOURCE), retry=retry) as bench:
        bench.quarantine.accept_all(accept or [])
        measured = compare(out, bench, tracks, editors, limit, progress=progress)
    _say(measured, out)
    bench.quarantine.demand_empty()


def _say(measured: Fidelity, out: Path) -> None:
    """Print the tables, write the files and tell where."""
    from rich.console import Console

    from builder.fidelity_tables import fidelity_tables

    Console().print(fidelity_tables(measured))
    written = measured.write(out)
    typer.echo(f"written to {out}: {', '.join(file.name for file in written)}")
