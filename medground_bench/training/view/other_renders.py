"""What the renderer of radiographs shows beside upright frontal chests: lateral views, and the belly below a chest."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from medground_bench.storage.whole_files import fingerprint, sha256, write_whole
from medground_bench.training.radiograph.changes import sample_changes
from medground_bench.training.radiograph.chest import shipped_chest
from medground_bench.training.radiograph.film import film, sample_processing
from medground_bench.training.radiograph.patient import (
    Beam,
    ExposedBody,
    Geometry,
    sample_body,
    sample_geometry,
)
from medground_bench.training.radiograph.rays import Rays
from medground_bench.training.radiograph.render import WITH_FINDINGS, project
from medground_bench.training.radiograph.renders import code_digest
from medground_bench.training.unet.masked_pictures import SIDE_PX

Pictures = NDArray[np.uint8]

RAYS_PX = 72
"""Rays across a picture: the network that tells views apart sees 64."""
TAKES = 2
"""Pictures of every projection, each processed in its own way."""


def laterals(seeds: range, folder: Path) -> Pictures:
    """Two pictures of each seed's patient, (2N, 224, 224): taken from the right, arms raised."""
    return _kept("laterals", _lateral, seeds, folder)


def bellies(seeds: range, folder: Path) -> Pictures:
    """Two pictures of each seed's patient, (2N, 224, 224): the trunk below the domes, from the front or behind."""
    return _kept("bellies", _belly, seeds, folder)


def _lateral(rng: np.random.Generator) -> Geometry:
    return Geometry(
        beam=Beam.LATERAL,
        distance_mm=rng.uniform(1500, 1850),
        field_mm=float(np.clip(rng.normal(345, 32), 285, 440)),
        centre_mm=(rng.normal(0, 15), rng.normal(-4, 18)),
        focus_mm=(rng.normal(0, 20), rng.normal(-10, 45)),
        turn_deg=tuple(np.clip(rng.normal(0, (6.0, 4.0, 4.0)), -16, 16).tolist()),
    )


def _belly(rng: np.random.Generator) -> Geometry:
    return replace(sample_geometry(rng), centre_mm=(rng.normal(0, 12), rng.uniform(-420, -300)))


def _kept(
    name: str, sample: Callable[[np.random.Generator], Geometry], seeds: range, folder: Path
) -> Pictures:
    """From a file of the folder, whose name says which seeds and code it is of; rendered first where it is missing."""
    drawing = sha256(Path(__file__).read_bytes())
    key = fingerprint(first=seeds.start, count=len(seeds), code=code_digest(), drawing=drawing)
    file = folder / f"{name}-{key[:16]}.npy"
    if not file.exists():
        pictures = np.concatenate([_takes(seed, sample) for seed in seeds])
        buffer = io.BytesIO()
        np.save(buffer, pictures)
        write_whole(file, buffer.getvalue())
    kept: Pictures = np.load(file)
    return kept


def _takes(seed: int, sample: Callable[[np.random.Generator], Geometry]) -> Pictures:
    """No girdle is drawn: the scan's own raised arms are those of a lateral view, and far from a belly."""
    chest, rng = shipped_chest(), np.random.default_rng([seed, 0])
    rays = Rays(chest, ExposedBody(body=sample_body(rng), geometry=sample(rng)), RAYS_PX)
    changes = sample_changes(chest, rng) if rng.random() < WITH_FINDINGS else ()
    shown, pictures = project(rays, changes), []
    for take in range(TAKES):
        processing = sample_processing(rng, grid=bool(rng.random() < 0.7))
        grey = film(shown.soft, shown.bone, processing, rays.px_mm, seed * TAKES + take, change=shown.added)
        pictures.append(
            np.asarray(Image.fromarray(grey).resize((SIDE_PX, SIDE_PX), Image.Resampling.BILINEAR))
        )
    return np.stack(pictures)
