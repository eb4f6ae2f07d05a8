"""`medground board`: the board in the terminal, as a file, as pages without a server; and whether a store is whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medground_bench.commands.options import JsonOption

if TYPE_CHECKING:
    from medground_bench.leaderboard.board_api import AskedBoard
    from medground_bench.leaderboard.records import Json


WhereArgument = Annotated[
    str, typer.Argument(metavar="WHERE", help="A folder or a hub id, of results or of a store, or a Space.")
]
WithOption = Annotated[
    str | None,
    typer.Option(
        "--with",
        metavar="STORE",
        help="Show a store's submissions beside WHERE, a folder or hub id of results.",
    ),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option("--only", help="A filter or the order, as in the page's address: lvlm=NAME, sort=-f1 ..."),
]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Write the table to a .csv, .json, .parquet or .tex file.")
]
StaticOption = Annotated[
    Path | None,
    typer.Option("--static", help="Write the whole board to this folder, to open from anywhere."),
]
VerifyOption = Annotated[
    bool, typer.Option("--verify", help="Check a store: its log, its files, and that the board follows.")
]
TruthOption = Annotated[
    str | None, typer.Option("--benchmark", help="With --verify: score every row again by this truth.")
]


def board(
    where: WhereArgument = "medground-demo",
    store: WithOption = None,
    only: OnlyOption = None,
    out: OutOption = None,
    static: StaticOption = None,
    verify: VerifyOption = False,
    benchmark: TruthOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the board, write it, or verify a store of submissions.

    Example: medground board medground-demo --with submissions-store --only mode=reason --only finding=nodule
    """
    if benchmark is not None and not verify:
        raise typer.BadParameter("--benchmark is for --verify.")
    if verify:
        if store or only or out or static or as_json:
            raise typer.BadParameter("--verify goes with --benchmark alone. Ask for the table by itself.")
        _verify(where, benchmark)
        return
    if static is not None:
        _write_static(where, store, static)
    if out is not None:
        _write(_asked(where, store), _params(only), out)
    if as_json:
        _print_json(_asked(where, store), _params(only))
    elif static is None and out is None:
        _print(_asked(where, store), _params(only))


def _asked(where: str, store: str | None) -> AskedBoard:
    """A board at hand, or that of a Space."""
    from medground_bench.leaderboard.board_api import BoardApi
    from medground_bench.leaderboard.client import SpaceClient
    from medground_bench.leaderboard.opening import is_address, open_board

    if is_address(where):
        if store is not None:
            raise typer.BadParameter("--with goes with results at hand. A Space shows the store that it has.")
        return SpaceClient(where)
    found = open_board(where, store)
    return BoardApi(lambda: found)


def _params(only: list[str] | None) -> dict[str, str]:
    pairs = [each.partition("=") for each in only or []]
    if bad := [name for name, equals, _value in pairs if not equals]:
        raise typer.BadParameter(f"--only {bad[0]} says no value. Give it as name=value.")
    return {name: value for name, _equals, value in pairs}


def _write_static(where: str, store: str | None, folder: Path) -> None:
    from medground_bench.leaderboard.opening import is_address, open_board
    from medground_bench.leaderboard.static_board import write_static

    if is_address(where):
        raise typer.BadParameter(
            "--static is made from a folder of results, or from the files of a store. A Space tells tables, not what "
            "they are made of."
        )
    write_static(open_board(where, store), folder)
    typer.echo(f"written to {folder}; open {folder / 'index.html'}")


def _write(asked: AskedBoard, params: dict[str, str], out: Path) -> None:
    import base64

    from medground_bench.leaderboard.exports import EXPORTS
    from medground_bench.storage.whole_files import write_whole

    ending = out.suffix.removeprefix(".")
    if ending not in EXPORTS:
        raise typer.BadParameter(
            f"--out {out}: a table is written to a file ending in .{', .'.join(EXPORTS)}."
        )
    write_whole(out, base64.b64decode(asked.file(params, ending)["content"]))
    typer.echo(f"written to {out}")


def _pages(asked: AskedBoard, params: dict[str, str]) -> Iterator[Json]:
    """Of each mode all LVLMs pooled, and by itself each of those that show a row which was not run on all."""
    first = asked.page(params)
    offered = {each["name"]: [choice["value"] for choice in each["choices"]] for each in first["filters"]}
    for mode in [params["mode"]] if "mode" in params else offered["mode"]:
        pooled = asked.page(params | {"mode": mode})
        own = [] if "lvlm" in params else [params | {"mode": mode, "lvlm": lvlm} for lvlm in offered["lvlm"]]
        known = _rows(pooled)
        apart = [page for page in map(asked.page, own) if not _rows(page) <= known]
        yield from [pooled, *apart] if known or not apart else apart


def _rows(page: Json) -> set[tuple[str, str]]:
    return {(row["method"], row["badge"]) for row in page["rows"]}


def _print(asked: AskedBoard, params: dict[str, str]) -> None:
    from rich.console import Console

    from medground_bench.commands.tables import PrintedBoard

    console = Console(markup=False, emoji=False)  # a name is its characters, whoever gave it
    about: list[str] = []
    for page in _pages(asked, params):
        console.print(PrintedBoard(page))
        about = page["about"]
    for words in about:
        typer.echo(words)


def _print_json(asked: AskedBoard, params: dict[str, str]) -> None:
    """A list of the tables that would be printed."""
    tables = [asked.table(page["query"]) for page in _pages(asked, params)]
    typer.echo(json.dumps(tables, indent=1))


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
