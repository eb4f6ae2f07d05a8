"""`medground board`: the board in the terminal, from a folder, a store or a Space; and whether a store is whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medground_bench.commands.options import JsonOption
from medground_bench.core.errors import SourceMissing

if TYPE_CHECKING:
    from medground_bench.leaderboard.board import Board


def board(
    where: Annotated[
        str, typer.Argument(metavar="WHERE", help="A folder of results or of a store, a hub id, or a Space.")
    ] = "medground-demo",
    verify: Annotated[
        bool, typer.Option("--verify", help="Check a store: its log, its files, and that the board follows.")
    ] = False,
    benchmark: Annotated[
        str | None, typer.Option("--benchmark", help="With --verify: score every row again by this truth.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the board, or verify a store of submissions.

    Example: medground board medground-store --verify --benchmark medground-bench
    """
    if verify:
        _verify(where, benchmark)
        return
    if benchmark is not None:
        raise typer.BadParameter("--benchmark is for --verify.")
    from dataclasses import asdict

    from rich.console import Console

    from medground_bench.commands.tables import board_tables

    shown = _board(where)
    if as_json:
        typer.echo(json.dumps(asdict(shown), indent=2))
        return
    for table in board_tables(shown):
        Console().print(table)
    if not shown.rows:
        typer.echo("The board has no row yet.")


def _board(where: str) -> Board:
    from medground_bench.leaderboard.board import Board
    from medground_bench.leaderboard.client import SpaceClient, is_address
    from medground_bench.leaderboard.opening import open_store
    from medground_bench.leaderboard.store import BOARD

    if is_address(where):
        saved = SpaceClient(where).board()
    elif Path(where).is_dir():
        return Board.read(Path(where))
    else:
        saved = json.loads(open_store(where).look().read(BOARD))
    try:
        return Board.of(saved)
    except (KeyError, TypeError) as error:
        raise SourceMissing(f"{where} shows no board of this version: {saved.get('said', error)}") from error


def _verify(where: str, benchmark: str | None) -> None:
    from medground_bench.benchmark.opening import open_benchmark
    from medground_bench.leaderboard.opening import open_store
    from medground_bench.leaderboard.truth import Truth
    from medground_bench.leaderboard.verifying import verify

    truth = Truth.of(open_benchmark(benchmark)) if benchmark is not None else None
    held = verify(open_store(where).look(), truth)
    again = f" {held.rescored} scored again from their boxes, with the same result." if truth else ""
    typer.echo(
        f"{where}: {held.entries} entries in one chain, every file as it was written, and the board of {held.rows} "
        f"submissions follows from them.{again}\nnewest entry: {held.head}"
    )
