"""`medground atlas ...`: reference pools for the localizers that carry masks over from normal pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from medground_bench.anatomy.atlas import Reference

LEFT_OUT_SHOWN = 20

atlas_app = typer.Typer(
    help="Reference pools: normal chest X-rays with a mask for each of the 11 concepts.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@atlas_app.callback()
def _atlas() -> None:
    """Keeps `build` a word of its own while it is the only command."""


@atlas_app.command()
def build(  # noqa: PLR0913, PLR0917 - every option is an argument
    pool: Annotated[Path, typer.Argument(metavar="POOL", help="Folder to write; new or empty.")],
    pictures: Annotated[
        Path | None, typer.Option("--pictures", help="Folder of pictures with <picture>.<concept>.png masks.")
    ] = None,
    source: Annotated[str | None, typer.Option("--source", help="Where the pictures come from.")] = None,
    licence: Annotated[str | None, typer.Option("--licence", help="The pictures' licence.")] = None,
    imagenome: Annotated[
        Path | None, typer.Option("--imagenome", help="Your copy of Chest ImaGenome, scene graphs unpacked.")
    ] = None,
    images: Annotated[Path | None, typer.Option("--images", help="Your copy of MIMIC-CXR-JPG.")] = None,
    masks: Annotated[
        Path | None, typer.Option("--masks", help="Masks <dicom_id>.<concept>.png to take instead of boxes.")
    ] = None,
    count: Annotated[int, typer.Option("--count", min=1, help="Pictures to take from ImaGenome.")] = 16,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Write a pool from your own pictures, or from your copy of Chest ImaGenome.

    Either --pictures with --source and --licence, or --imagenome with --images. A pool of ImaGenome pictures is
    credentialed like them: it is refused a place in a git checkout and marked in its manifest.

    Use it with: MEDGROUND_ATLAS=POOL medground localize xray.png

    Example: medground atlas build my-pool --pictures normals --source "our hospital" --licence "not to be passed on"
    """
    from medground_bench.anatomy.atlas import ATLAS_VARIABLE, save_pool

    if (pictures is None) == (imagenome is None):
        raise typer.BadParameter(
            "give either --pictures or --imagenome", param_hint="--pictures / --imagenome"
        )
    _demand_empty(pool)
    looked_at, left_out = None, {}
    if pictures is not None:
        references = _from_folder(pictures, source, licence)
    else:
        from medground_bench.anatomy.pool_from_imagenome import imagenome_references

        if images is None:
            raise typer.BadParameter(
                "--imagenome holds no pictures: give --images too", param_hint="--images"
            )
        found = imagenome_references(imagenome, images, count=count, masks=masks)
        references, left_out, looked_at = found.references, found.left_out, found.looked_at
    save_pool(pool, references, credentialed=imagenome is not None)
    if as_json:
        typer.echo(
            json.dumps({"pool": str(pool), "references": len(references), "left_out": left_out}, indent=2)
        )
        return
    if looked_at is not None:
        typer.echo(f"{looked_at} scene graphs read, {len(left_out)} pictures left out")
    for name, reason in list(left_out.items())[:LEFT_OUT_SHOWN]:
        typer.echo(f"  {name}: {reason}", err=True)
    if len(left_out) > LEFT_OUT_SHOWN:
        typer.echo(f"  ... and {len(left_out) - LEFT_OUT_SHOWN} more (--json lists all)", err=True)
    typer.echo(f"{len(references)} references written to {pool}")
    typer.echo(f"use it with: {ATLAS_VARIABLE}={pool} medground localize IMAGE")


def _from_folder(pictures: Path, source: str | None, licence: str | None) -> list[Reference]:
    from medground_bench.anatomy.pool_from_folder import references_in

    if not source or not licence:
        raise typer.BadParameter(
            "a pool says where its pictures come from", param_hint="--source and --licence"
        )
    return references_in(pictures, source=source, licence=licence)


def _demand_empty(pool: Path) -> None:
    if pool.is_dir() and any(pool.iterdir()):
        raise typer.BadParameter(f"{pool} is not empty; a pool is written whole", param_hint="POOL")
