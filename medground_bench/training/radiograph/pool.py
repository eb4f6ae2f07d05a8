"""The shipped pool of references for `uot_ct`: `python -m medground_bench.training.radiograph.pool`.

16 healthy, upright bodies, from behind, with everything in view and nothing on or in them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from medground_bench.anatomy.atlas import CT_POOL, ReferencePicture, save_pool
from medground_bench.training.radiograph.chest import shipped_chest
from medground_bench.training.radiograph.film import sample_processing
from medground_bench.training.radiograph.patient import Beam, ExposedBody, Geometry, sample_exposed_body
from medground_bench.training.radiograph.rays import Rays
from medground_bench.training.radiograph.render import MADE, SIDE_PX, expose, project
from medground_bench.training.radiograph.renders import ATLAS

FIELD_MM = (340, 400)
LICENCE = "CC BY 3.0"


def references(seeds: Iterable[int]) -> Iterable[ReferencePicture]:
    """One body a seed."""
    for seed in seeds:
        rng = np.random.default_rng([seed, 0])
        body = replace(sample_exposed_body(rng).body, bow_mm=(0.0, 1.0))
        geometry = Geometry(
            beam=Beam.PA,
            distance_mm=rng.uniform(1700, 1850),
            field_mm=rng.uniform(*FIELD_MM),
            centre_mm=(rng.normal(0, 5), rng.normal(-15, 8)),
            turn_deg=tuple(np.clip(rng.normal(0, (3.0, 3.0, 1.2)), -7, 7).tolist()),
        )
        rays = Rays(shipped_chest(), ExposedBody(body=body, geometry=geometry), SIDE_PX)
        made = expose(rays, project(rays), sample_processing(rng, grid=True), seed, bare=True)
        yield ReferencePicture(f"ct-{seed}", made.picture, made.masks, f"{MADE}, seed {seed}", LICENCE, MADE)


def main(out: Annotated[Path, typer.Option(help="folder of the pool")] = CT_POOL) -> None:
    """Render the reference pool."""
    save_pool(out, references(ATLAS))


if __name__ == "__main__":
    typer.run(main)
