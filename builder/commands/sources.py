"""`python -m builder sources check`: what of the sources one's folders hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from builder.commands.options import JsonOption
from medground_bench.commands.console import INPUT_AT_FAULT

if TYPE_CHECKING:
    from builder.source_check import Found

sources = typer.Typer(help="Sources of files: what of them is at hand.", no_args_is_help=True)


@sources.callback()
def _group() -> None:
    """Sources of files: what of them is at hand."""


@sources.command("check")
def check(
    roots: Annotated[
        list[Path], typer.Argument(metavar="ROOT...", help="Folders with your copies of sources.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Say what of each source is present, missing or another version, how one gets it, and how many questions it gives.

    Tables and headers of pictures are read, no pixels. Exit code 1 unless one source at least is complete and none that
    is begun lacks something.

    Example: python -m builder sources check chest-imagenome mimic-cxr-jpg vindr-cxr PadChest-GR
    """
    from builder.source_check import check as look
    from medground_bench.core.errors import SourceMissing

    for root in roots:
        if not root.is_dir():
            raise SourceMissing(f"{root} is no folder. Check the path.")
    found = look(roots)
    if as_json:
        typer.echo(json.dumps([each.as_json() for each in found], indent=2))
    else:
        typer.echo("\n\n".join("\n".join(_lines(each)) for each in found))
    begun = [each for each in found if each.begun]
    if not begun or not all(each.complete for each in begun):
        raise typer.Exit(INPUT_AT_FAULT)


def _lines(found: Found) -> Iterator[str]:
    state = "complete" if found.complete else "incomplete" if found.begun else "not there"
    yield f"{found.source}: {state}"
    for part in found.parts:
        said = ", ".join(str(word) for word in (part.place, part.words) if word)
        yield f"  {part.state}: {part.what}{f' ({said})' if said else ''}{'' if part.needed else ', not needed'}"
    for split, number in found.questions.items():
        expected = found.expected.get(split)
        yield f"  {split}: {number:,} questions{f' of {expected:,} that the authors had' if expected else ''}"
    for fault, count in found.faults.items():
        yield f"  ledger, {fault}: {count:,}"
    yield from (f"  {line}" for line in (*found.problems, *found.notes))
    if not found.complete:
        yield f"  how to get it: {found.terms.agreement}; {found.terms.page}"
        yield f"  expected in a folder: {found.terms.layout}"
