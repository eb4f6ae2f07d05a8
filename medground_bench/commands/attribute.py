"""`medground attribute`: what an LVLM's answer about a picture rests on."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from medground_bench.commands.options import (
    DEFAULT_LVLM,
    VOCABULARY_HELP,
    FolderOption,
    ImageArgument,
    JsonOption,
    LvlmOption,
    ModeOption,
    NewestOption,
    demand_name,
    tell,
)
from medground_bench.core.errors import MethodFailed
from medground_bench.core.modes import Mode


def attribute(
    image: ImageArgument,
    finding: Annotated[str | None, typer.Option("--finding", help="A finding, for example cardiomegaly.")] = None,
    question: Annotated[str | None, typer.Option("--question", help="A yes/no question in your own words.")] = None,
    lvlm: LvlmOption = DEFAULT_LVLM,
    method: Annotated[list[str] | None, typer.Option("--method", help="May be given again; medfocus if not.")] = None,
    mode: ModeOption = Mode.DIRECT,
    vocabulary: Annotated[str | None, typer.Option("--vocabulary", help=VOCABULARY_HELP)] = None,
    out: FolderOption = None,
    as_json: JsonOption = False,
    newest: NewestOption = False,
) -> None:  # fmt: skip
    """Show what an LVLM's answer about a picture rests on.

    The embedded LVLMs know the ten findings of the phantom; others may be asked about anything. A folder holds one run:
    what an earlier one of this command wrote there is replaced, but not without --out when it was about another file.

    Example: medground attribute xray.png --finding cardiomegaly --method medfocus --method occlusion
    """
    finding, question = ((words or "").strip() or None for words in (finding, question))
    if (finding is None) == (question is None):
        raise typer.BadParameter("give either --finding or --question", param_hint="--finding / --question")
    methods = method or ["medfocus"]
    for name in methods:
        demand_name("methods", name)
    from medground_bench.runs.explain import Query
    from medground_bench.runs.explanation_folder import attribute_file, folder_of

    folder = out or folder_of(image)
    query = Query(mode, finding, question)
    attributed = attribute_file(image, query, lvlm, methods, vocabulary=vocabulary, newest=newest)
    attributed.save(folder)
    tell((*attributed.how.notes, attributed.note))
    typer.echo(json.dumps(attributed.as_json(), indent=2) if as_json else attributed.as_text())
    typer.echo(f"written to {folder}", err=as_json)
    if attributed.failures:
        failed = ", ".join(attributed.failures)
        raise MethodFailed(
            f"{failed} failed on {image}. The reasons, and what the others found, are in {folder}."
        )
