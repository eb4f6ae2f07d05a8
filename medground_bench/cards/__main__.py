"""Write every card of the library from what is kept: `python -m medground_bench.cards`.

The kept numbers change only when a folder of new ones is given; without one, the cards come out as they were.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from medground_bench.cards.accuracy import AnatomyAccuracy, with_accuracy
from medground_bench.cards.all_cards import all_cards
from medground_bench.cards.anatomy import PAGE, with_definitions
from medground_bench.cards.own import keep_demo, keep_localizers, keep_retention, keep_rules
from medground_bench.cards.readme import FIGURE, with_tables
from medground_bench.cards.records import CARDS, Records
from medground_bench.cards.reported import FOLDER
from medground_bench.cards.telling import told
from medground_bench.storage.whole_files import write_whole

README = "README.md"


def main(
    out: Annotated[Path, typer.Option(help="folder of the cards and of what is kept beside them")] = CARDS,
    reported: Annotated[Path, typer.Option(help="folder of the paper's tables")] = FOLDER,
    demo: Annotated[
        Path | None, typer.Option(help="folder that medground demo made: keep its board and its choices")
    ] = None,
    benchmark: Annotated[
        Path | None, typer.Option(help="dataset folder that builder built: keep its retention")
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(help="folder of medground ablate --what rules: keep its table")
    ] = None,
    localizers: Annotated[
        Path | None,
        typer.Option(help="folder of medground ablate --what localizers: keep its table and figure"),
    ] = None,
) -> None:
    """Write the cards of methods, LVLMs and the anatomy network, and the tables of README and docs beside them."""
    if demo is not None:
        keep_demo(demo, out)
    if benchmark is not None:
        keep_retention(benchmark, out)
    if rules is not None:
        keep_rules(rules, out)
    if localizers is not None:
        write_whole(out.parent / FIGURE, keep_localizers(localizers, out))
    records = Records.read(out, reported)
    for place, text in all_cards(records).items():
        write_whole(out / place, text.encode())
        typer.echo(str(out / place))
    found = AnatomyAccuracy.read(out)
    pages: dict[Path, Callable[[str], str]] = {
        out.parent / README: lambda text: with_tables(text, records.own),
        out.parent / PAGE: with_definitions,
    }
    for page, written in pages.items():
        if page.is_file():
            text = with_accuracy(written(page.read_text("utf-8")), found)
            write_whole(page, text.encode())
            typer.echo(str(page))


def program() -> None:
    """The same as a program."""
    told(main)


if __name__ == "__main__":
    program()
