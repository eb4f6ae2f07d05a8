"""`medground localize`: the anatomical concepts on a picture."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from medground_bench.commands.options import FolderOption, ImageArgument, JsonOption, demand_name, tell


def localize(
    image: ImageArgument,
    localizer: Annotated[
        str, typer.Option("--localizer", help="A name of `medground list localizers`.")
    ] = "uot",
    standard: Annotated[
        str | None,
        typer.Option(
            "--standard",
            metavar="drawn|mask",
            help="With film_unet and phantom_unet: lungs' boxes with the margin that radiologists leave and "
            "whole clavicles, or tight boxes and clavicles within the lungs.",
        ),
    ] = None,
    out: FolderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the 11 anatomical concepts on a picture.

    Boxes are native pixels. What an earlier run wrote into the folder is replaced, but not without --out when it was
    about another file.

    Example: medground localize xray.png --out concepts
    """
    demand_name("localizers", localizer)
    from medground_bench.runs.explanation_folder import folder_of, localize_file

    folder = out or folder_of(image)
    located = localize_file(image, localizer, folder, standard)
    tell((*located.how.notes, *located.doubts))
    typer.echo(json.dumps(located.as_json(), indent=2) if as_json else located.as_text())
    typer.echo(f"written to {folder}", err=as_json)
