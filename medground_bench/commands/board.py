"""`medground board`: the board in the terminal, as a file, or as pages that need no server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from medground_bench.leaderboard.board import Board


def board(
    where: Annotated[Path, typer.Argument(help="A folder of results, as medground demo makes it.")] = Path(
        "medground-demo"
    ),
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", help="A filter or the order, as in the page's address: lvlm=NAME, sort=-f1 ..."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the table to a .csv, .json, .parquet or .tex file.")
    ] = None,
    static: Annotated[
        Path | None,
        typer.Option("--static", help="Write the whole board to this folder, to open from anywhere."),
    ] = None,
) -> None:
    """Print the board, or write it.

    Example: medground board medground-demo --only mode=reason --only finding=nodule
    """
    from medground_bench.leaderboard.board import Board

    read = Board.read(where)
    if static is not None:
        from medground_bench.leaderboard.static_board import write_static

        write_static(read, static)
        typer.echo(f"written to {static}; open {static / 'index.html'}")
    if out is not None:
        _write(read, only or [], out)
    if static is None and out is None:
        _print(read, only or [])


def _params(only: list[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in only]
    if bad := [name for name, equals, _value in pairs if not equals]:
        raise typer.BadParameter(f"--only {bad[0]} says no value. Give it as name=value.")
    return {name: value for name, _equals, value in pairs}


def _write(read: Board, only: list[str], out: Path) -> None:
    from medground_bench.leaderboard.exports import EXPORTS
    from medground_bench.storage.whole_files import write_whole

    ending = out.suffix.removeprefix(".")
    if ending not in EXPORTS:
        raise typer.BadParameter(
            f"--out {out}: a table is written to a file ending in .{', .'.join(EXPORTS)}."
        )
    write_whole(out, EXPORTS[ending](read.table(read.query(_params(only)))))
    typer.echo(f"written to {out}")


def _print(read: Board, only: list[str]) -> None:
    from rich.console import Console

    from medground_bench.commands.tables import board_table
    from medground_bench.leaderboard.page_data import about

    params = _params(only)
    modes = [params["mode"]] if "mode" in params else read.offered["mode"]
    for mode in modes:
        Console().print(board_table(read.table(read.query(params | {"mode": mode}))))
    for words in about(read):
        typer.echo(words)
