"""`medground list`: what is installed, also from other packages."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from medground_bench import plugins
from medground_bench.commands.options import JsonOption


class ListedKind(StrEnum):
    """What can be listed."""

    METHODS = "methods"
    LVLMS = "lvlms"
    SOURCES = "sources"
    LOCALIZERS = "localizers"
    EDITORS = "editors"


def list_(
    kind: Annotated[ListedKind, typer.Argument(help="What to list.")], as_json: JsonOption = False
) -> None:
    """List what is installed, also from other packages.

    Example: medground list methods
    """
    entries = listing(kind.value)
    if as_json:
        typer.echo(json.dumps(entries, indent=2))
    elif entries:
        width = max(len(entry["name"]) for entry in entries)
        for entry in entries:
            typer.echo(f"{entry['name']:<{width}}  {entry['about']}")
    else:
        typer.echo(
            f"no {kind} here: they belong to the builder, and it is not beside this package.", err=True
        )


def listing(kind: str) -> list[dict[str, str]]:
    """Every plug-in of a kind as {"name", "about", ...}, sorted by name; LVLMs by key. Imports none of them."""
    from medground_bench.lvlms import checkpoints

    if kind != "lvlms":
        return [{"name": each.name, "about": each.summary or each.origin} for each in plugins.available(kind)]
    return [
        {
            "name": key,
            "about": f"{checkpoint.family}, {checkpoint}",
            "family": checkpoint.family,
            "location": checkpoint.location,
            "revision": checkpoint.revision,
        }
        for key, checkpoint in checkpoints().items()
    ]
