"""`medground atlas ...`: reference pools for the localizers that carry masks over from normal pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medground_bench.commands.console import progress
from medground_bench.commands.options import JsonOption
from medground_bench.core.errors import SHOWN

if TYPE_CHECKING:
    from medground_bench.anatomy.pool_from_imagenome import Collected

PICTURES_HELP = "Folder of pictures with <picture>.<concept>.png masks."
IMAGENOME_HELP = "Your copy of Chest ImaGenome, scene graphs unpacked."
MASKS_HELP = "Masks <dicom_id>.<concept>.png to take instead of boxes."

atlas_app = typer.Typer(
    help="Reference pools: normal chest X-rays with a mask for each of the 11 concepts.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@atlas_app.callback()
def _atlas() -> None:
    """Keeps `build` a word of its own while it is the only command."""


@atlas_app.command()
def build(
    pool: Annotated[Path, typer.Argument(metavar="POOL", help="Folder to write; new or empty.")],
    pictures: Annotated[Path | None, typer.Option("--pictures", help=PICTURES_HELP)] = None,
    source: Annotated[str | None, typer.Option("--source", help="Where the pictures come from.")] = None,
    licence: Annotated[str | None, typer.Option("--licence", help="The pictures' licence.")] = None,
    imagenome: Annotated[Path | None, typer.Option("--imagenome", help=IMAGENOME_HELP)] = None,
    images: Annotated[Path | None, typer.Option("--images", help="Your copy of MIMIC-CXR-JPG.")] = None,
    masks: Annotated[Path | None, typer.Option("--masks", help=MASKS_HELP)] = None,
    count: Annotated[int, typer.Option("--count", min=1, help="Pictures to take from ImaGenome.")] = 16,
    as_json: JsonOption = False,
) -> None:
    """Write a pool from your own pictures, or from your copy of Chest ImaGenome.

    Either --pictures with --source and --licence, or --imagenome with --images. A pool of ImaGenome pictures is
    credentialed like them: it is refused a place in a git checkout and marked in its manifest.

    Use it with: MEDGROUND_ATLAS=POOL medground localize xray.png

    Example: medground atlas build my-pool --pictures normals --source "our hospital" --licence "not to be passed on"
    """
    from medground_bench.anatomy.atlas import save_pool

    if pool.is_dir() and any(pool.iterdir()):
        raise typer.BadParameter(f"{pool} is not empty; a pool is written whole", param_hint="POOL")
    if pictures is not None and imagenome is None:
        collected = _from_folder(pictures, source, licence)
    elif imagenome is not None and pictures is None:
        collected = _from_imagenome(imagenome, images, masks, count)
    else:
        both = "--pictures / --imagenome"
        raise typer.BadParameter("give either --pictures or --imagenome", param_hint=both)
    save_pool(pool, collected.references, credentialed=imagenome is not None)
    typer.echo(_as_json(pool, collected) if as_json else _as_text(pool, collected))


def _from_folder(pictures: Path, source: str | None, licence: str | None) -> Collected:
    from medground_bench.anatomy.pool_from_folder import references_in, skipped_in
    from medground_bench.anatomy.pool_from_imagenome import Collected

    if not source or not licence:
        hint = "--source and --licence"
        raise typer.BadParameter("a pool says where its pictures come from", param_hint=hint)
    return Collected(references_in(pictures, source=source, licence=licence), skipped_in(pictures), None)


def _from_imagenome(imagenome: Path, images: Path | None, masks: Path | None, count: int) -> Collected:
    from medground_bench.anatomy.pool_from_imagenome import imagenome_references

    if images is None:
        raise typer.BadParameter("--imagenome holds no pictures: give --images too", param_hint="--images")
    with progress(f"read {imagenome}", None, "scene graphs") as advance:
        return imagenome_references(imagenome, images, count=count, masks=masks, advance=advance)


def _as_json(pool: Path, collected: Collected) -> str:
    record = {"pool": str(pool), "references": len(collected.references), "left_out": collected.left_out}
    return json.dumps(record, indent=2)


def _as_text(pool: Path, collected: Collected) -> str:
    from medground_bench.anatomy.atlas import ATLAS_VARIABLE

    lines = []
    if collected.looked_at is not None:
        lines.append(f"{collected.looked_at} scene graphs read, {len(collected.left_out)} pictures left out")
    lines += [f"  {name}: {reason}" for name, reason in list(collected.left_out.items())[:SHOWN]]
    if len(collected.left_out) > SHOWN:
        lines.append(f"  ... and {len(collected.left_out) - SHOWN} more (--json lists all)")
    lines.append(f"{len(collected.references)} references written to {pool}")
    lines.append(f"use it with: {ATLAS_VARIABLE}={pool} medground localize IMAGE")
    return "\n".join(lines)
